#include "test.h"

#include <sys/stat.h>

#include "../fuzz/gguf_input.h"
#include "gguf_parse.h"
#include "gguf_set.h"

/* A temporary folder with paths in it; removed at the end of each test. */
struct folder {
    char path[64];
    char file[256];
};

static int make_folder(void **state) {
    struct folder *folder = calloc(1, sizeof(*folder));
    assert_non_null(folder);
    snprintf(folder->path, sizeof(folder->path), "/tmp/tokenroof-gguf-XXXXXX");
    assert_non_null(mkdtemp(folder->path));
    *state = folder;
    return 0;
}

static int remove_folder(void **state) {
    struct folder *folder = *state;
    char command[128];
    snprintf(command, sizeof(command), "rm -r '%s'", folder->path);
    int status = system(command);
    free(folder);
    return status;
}

static const char *in(struct folder *folder, const char *name) {
    snprintf(folder->file, sizeof(folder->file), "%s/%s", folder->path, name);
    return folder->file;
}

/* Parses what was made; the code, with the message in *err. */
static int parse(struct gm *gm, struct tr_gguf *gguf, struct tr_err *err) {
    gm_build(gm, true);
    /* A copy of the exact length, so that reading past the end is seen. */
    uint8_t *copy = malloc(gm->file.n);
    assert_non_null(copy);
    memcpy(copy, gm->file.bytes, gm->file.n);
    int code = tr_gguf_read_bytes(copy, gm->file.n, "made.gguf", gguf, err);
    free(copy);
    return code;
}

static void expect_bad(struct gm *gm, const char *words) {
    struct tr_gguf gguf = {0};
    struct tr_err err = {0};
    int code = parse(gm, &gguf, &err);
    if (code != TR_EFORMAT || !strstr(err.text, words) || !strstr(err.text, "made.gguf: byte "))
        fail_msg("expected '%s', got code %d '%s'", words, code, err.text);
    if (!strstr(err.text, "xpected"))
        fail_msg("does not say what was expected: '%s'", err.text);
    gm_finish(gm);
}

static void test_versions(void **state) {
    (void)state;
    for (uint32_t version = 1; version <= 3; version++) {
        struct gm gm;
        struct tr_gguf gguf = {0};
        struct tr_err err = {0};
        gm_dense(&gm, version, false);
        assert_int_equal(parse(&gm, &gguf, &err), 0);
        assert_int_equal(gguf.n_tensors, 3 + 2 * 9);
        assert_int_equal(gguf.file_bytes, gm.file.n);
        assert_string_equal(gguf.tensors[0].name, "token_embd.weight");
        assert_int_equal(gguf.tensors[0].ne[0], 256);
        assert_int_equal(gguf.tensors[0].ne[1], 10);
        assert_int_equal(gguf.tensors[0].bytes, 10 * 144);
        assert_string_equal(gguf.tensors[0].type->name, "Q4_K");
        const struct tr_gguf_value *value = tr_gguf_get(&gguf, "llama.block_count");
        assert_non_null(value);
        assert_int_equal(value->integer, 2);
        assert_string_equal(tr_gguf_get(&gguf, "general.architecture")->text, "llama");
        assert_null(tr_gguf_get(&gguf, "llama.none"));
        tr_gguf_finish(&gguf);
        gm_finish(&gm);
    }
}

static void test_values(void **state) {
    (void)state;
    struct gm gm;
    struct tr_gguf gguf = {0};
    struct tr_err err = {0};
    static const uint8_t flags[] = {1, 0, 1};
    char *template = calloc(1, 5000);
    assert_non_null(template);
    memset(template, 'x', 4999);
    gm_dense(&gm, 3, true);
    gm_string(&gm, "tokenizer.chat_template", template);
    free(template);
    gm_array(&gm, "tokenizer.ggml.tokens", GM_STRING, 3);
    for (int i = 0; i < 3; i++)
        gm_text(&gm, &gm.keys, i ? "token" : "");
    gm_array(&gm, "tokenizer.ggml.scores", GM_FLOAT32, 2);
    gm_number(&gm.keys, 0x3f8000003f800000, 8);
    gm_array(&gm, "empty", GM_UINT32, 0);
    gm_bool_array(&gm, "flags", flags, 3);
    gm_key(&gm, "minus", GM_INT32);
    gm_number(&gm.keys, (uint32_t)-5, 4);
    gm_key(&gm, "large", GM_UINT64);
    gm_number(&gm.keys, UINT64_MAX, 8);
    gm_u32(&gm, "last", 77);
    assert_int_equal(parse(&gm, &gguf, &err), 0);
    assert_null(tr_gguf_get(&gguf, "tokenizer.chat_template")->text);
    assert_int_equal(tr_gguf_get(&gguf, "tokenizer.ggml.tokens")->n, 3);
    assert_null(tr_gguf_get(&gguf, "tokenizer.ggml.scores")->integers);
    assert_int_equal(tr_gguf_get(&gguf, "flags")->integers[2], 1);
    assert_int_equal(tr_gguf_get(&gguf, "flags")->integers[1], 0);
    assert_true(tr_gguf_get(&gguf, "minus")->integer == -5);
    assert_true(tr_gguf_get(&gguf, "large")->integer == INT64_MAX);
    assert_int_equal(tr_gguf_get(&gguf, "last")->integer, 77);
    tr_gguf_finish(&gguf);
    gm_finish(&gm);
}

static void test_quants(void **state) {
    (void)state;
    static const struct {
        uint32_t id;
        const char *name;
        uint64_t bytes; /* of 256 elements */
    } known[] = {
        {0, "F32", 1024},
        {1, "F16", 512},
        {2, "Q4_0", 144},
        {3, "Q4_1", 160},
        {6, "Q5_0", 176},
        {7, "Q5_1", 192},
        {8, "Q8_0", 272},
        {9, "Q8_1", 288},
        {10, "Q2_K", 84},
        {11, "Q3_K", 110},
        {12, "Q4_K", 144},
        {13, "Q5_K", 176},
        {14, "Q6_K", 210},
        {15, "Q8_K", 292},
        {16, "IQ2_XXS", 66},
        {17, "IQ2_XS", 74},
        {18, "IQ3_XXS", 98},
        {19, "IQ1_S", 50},
        {20, "IQ4_NL", 144},
        {21, "IQ3_S", 110},
        {22, "IQ2_S", 82},
        {23, "IQ4_XS", 136},
        {24, "I8", 256},
        {25, "I16", 512},
        {26, "I32", 1024},
        {27, "I64", 2048},
        {28, "F64", 2048},
        {29, "IQ1_M", 56},
        {30, "BF16", 512},
        {34, "TQ1_0", 54},
        {35, "TQ2_0", 66},
        {39, "MXFP4", 136},
        {40, "NVFP4", 144},
        {41, "Q1_0", 36},
        {42, "Q2_0", 72},
        {133, "Q6_0", 208},
        {144, "IQ4_KS", 140} /* 136 and 4 bytes a row */,
    };
    uint64_t ne[4] = {256, 1, 1, 1}, bytes;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        const struct tr_quant *quant = tr_quant_by_id(known[i].id);
        assert_non_null(quant);
        assert_string_equal(quant->name, known[i].name);
        assert_ptr_equal(tr_quant_by_name(known[i].name), quant);
        assert_true(tr_quant_size(quant, ne, &bytes));
        assert_int_equal(bytes, known[i].bytes);
    }
    ne[0] = 768, ne[1] = 5, ne[2] = 7;
    assert_true(tr_quant_size(tr_quant_by_name("q4_k"), ne, &bytes));
    assert_int_equal(bytes, 3 * 144 * 35);
    assert_true(tr_quant_size(tr_quant_by_name("iq4_ks"), ne, &bytes));
    assert_int_equal(bytes, (3 * 136 + 4) * 35);
    ne[0] = 255;
    assert_false(tr_quant_size(tr_quant_by_name("Q4_K"), ne, &bytes));
    ne[0] = 256, ne[1] = UINT64_MAX / 8;
    assert_false(tr_quant_size(tr_quant_by_name("Q4_K"), ne, &bytes));
    assert_null(tr_quant_by_id(43));
    assert_null(tr_quant_by_name("Q4_K_M"));
}

static void test_bad_header(void **state) {
    (void)state;
    static const char *const magics[] = {"GGJT", "gguf",
                                         "\x7f"
                                         "ELF",
                                         "\0\0\0\0"};
    struct gm gm;
    for (size_t i = 0; i < 4; i++) {
        struct tr_gguf gguf = {0};
        struct tr_err err = {0};
        gm_dense(&gm, 3, false);
        gm_build(&gm, true);
        memcpy(gm.file.bytes, magics[i], 4);
        int code = tr_gguf_read_bytes(gm.file.bytes, gm.file.n, "a", &gguf, &err);
        assert_int_equal(code, TR_EFORMAT);
        assert_non_null(strstr(err.text, "byte 0: not a GGUF file"));
        gm_finish(&gm);
    }
    static const struct {
        uint32_t version;
        const char *words;
    } versions[] = {{0, "version 0"},
                    {4, "version 4, expected 1 to 3"},
                    {0x03000000, "big-endian"},
                    {0x02000000, "big-endian"},
                    {0xffffffff, "version 4294967295"}};
    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        gm_dense(&gm, 3, false);
        gm.version = versions[i].version;
        expect_bad(&gm, versions[i].words);
    }
    static const uint64_t counts[] = {1000,       65537,     0x7fffffff, 0x80000000,
                                      UINT32_MAX, INT64_MAX, UINT64_MAX, UINT64_MAX / 24 + 1};
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        gm_dense(&gm, 3, false);
        gm.n_tensors = counts[i];
        expect_bad(&gm, counts[i] == 1000 ? "byte" : "tensors, expected at most");
        gm_dense(&gm, 3, false);
        gm.n_keys = counts[i];
        expect_bad(&gm, counts[i] == 1000 ? "byte" : "keys, expected at most");
    }
}

static void test_bad_keys(void **state) {
    (void)state;
    struct gm gm;
    gm_dense(&gm, 3, false);
    gm_u32(&gm, "general.architecture", 1);
    expect_bad(&gm, "key 'general.architecture': comes twice");

    gm_dense(&gm, 3, false);
    gm_key(&gm, "a", 13);
    expect_bad(&gm, "a value of type 13, expected 0 to 12");

    gm_dense(&gm, 3, false);
    gm_u32(&gm, "", 1);
    expect_bad(&gm, "a key of no bytes");

    gm_dense(&gm, 3, false);
    char *key = calloc(1, 65537);
    assert_non_null(key);
    memset(key, 'k', 65536);
    gm_u32(&gm, key, 1);
    free(key);
    expect_bad(&gm, "a key of too many bytes");

    gm_dense(&gm, 3, false);
    gm_key(&gm, "flag", GM_BOOL);
    gm_number(&gm.keys, 2, 1);
    expect_bad(&gm, "a boolean is 2, expected 0 or 1");

    gm_dense(&gm, 3, false);
    gm_bool_array(&gm, "flags", (const uint8_t[]){0, 1, 7}, 3);
    expect_bad(&gm, "a boolean is 7");

    gm_dense(&gm, 3, false);
    gm_array(&gm, "nested", GM_ARRAY, 1);
    gm_number(&gm.keys, GM_UINT32, 4);
    gm_number(&gm.keys, 0, 8);
    expect_bad(&gm, "elements of type 9");

    gm_dense(&gm, 3, false);
    gm_array(&gm, "odd", 99, 1);
    expect_bad(&gm, "elements of type 99");

    static const uint64_t lengths[] = {1 << 20, UINT32_MAX, 1ULL << 61, 1ULL << 62, UINT64_MAX};
    static const uint32_t types[] = {GM_UINT8, GM_UINT32, GM_UINT64, GM_STRING, GM_BOOL};
    for (size_t i = 0; i < 5; i++) {
        for (size_t j = 0; j < 5; j++) {
            gm_dense(&gm, 3, false);
            gm_array(&gm, "long", types[j], lengths[i]);
            expect_bad(&gm, "an array of ");
        }
        gm_dense(&gm, 3, false);
        gm_key(&gm, "text", GM_STRING);
        gm_number(&gm.keys, lengths[i], 8);
        expect_bad(&gm, "length of a text value");
        gm_dense(&gm, 3, false);
        gm_number(&gm.keys, lengths[i], 8);
        gm.n_keys++;
        expect_bad(&gm, "length of a key");
    }
    /* Control characters do not reach the terminal. */
    gm_dense(&gm, 3, false);
    gm_u32(&gm, "a\033[2J", 1);
    gm_u32(&gm, "a\033[2J", 1);
    struct tr_gguf gguf = {0};
    struct tr_err err = {0};
    assert_int_equal(parse(&gm, &gguf, &err), TR_EFORMAT);
    assert_null(strchr(err.text, '\033'));
    gm_finish(&gm);
}

static void test_bad_alignment(void **state) {
    (void)state;
    static const uint32_t bad[] = {0, 3, 24, 33, 1 << 21, 0x80000000, 0xffffffff};
    struct gm gm;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        gm_dense(&gm, 3, false);
        gm_u32(&gm, "general.alignment", bad[i]);
        expect_bad(&gm, "general.alignment, expected a 32-bit power of two");
    }
    gm_dense(&gm, 3, false);
    gm_key(&gm, "general.alignment", GM_UINT64);
    gm_number(&gm.keys, 32, 8);
    expect_bad(&gm, "general.alignment");

    gm_init(&gm, 3); /* offsets are multiples of 32, but not of what the file says */
    gm_string(&gm, "general.architecture", "llama");
    gm_u32(&gm, "general.alignment", 64);
    gm_tensor(&gm, "a", GM_F32, 8, 0, 0);
    gm_tensor(&gm, "b", GM_F32, 8, 0, 0);
    expect_bad(&gm, "tensor 'b': its offset is not aligned");

    for (uint32_t alignment = 1; alignment <= 4096; alignment *= 16) {
        struct tr_gguf gguf = {0};
        struct tr_err err = {0};
        gm_init(&gm, 3);
        gm.alignment = alignment;
        gm_u32(&gm, "general.alignment", alignment);
        gm_tensor(&gm, "a", GM_F32, 3, 0, 0);
        gm_tensor(&gm, "b", GM_F32, 3, 0, 0);
        assert_int_equal(parse(&gm, &gguf, &err), 0);
        tr_gguf_finish(&gguf);
        gm_finish(&gm);
    }
}

/* A good file with one more tensor that is not. */
static void expect_bad_tensor(const char *name, uint32_t type, uint32_t n_dims, const uint64_t *ne,
                              uint64_t offset, const char *words) {
    struct gm gm;
    gm_dense(&gm, 3, false);
    gm_tensor_raw(&gm, name, type, n_dims, ne, offset);
    expect_bad(&gm, words);
}

static void test_bad_tensors(void **state) {
    (void)state;
    static const uint64_t small[] = {256, 1, 1, 1, 1, 1};
    static const uint32_t types[] = {43, 100, 511, 0x7fffffff, 0x80000000, 0xffffffff};
    static const uint32_t removed[] = {4, 5, 31, 32, 33, 36, 37, 38};
    char name[80];
    memset(name, 'n', sizeof(name));
    name[64] = '\0';
    expect_bad_tensor(name, 0, 1, small, 0, "name of 64 bytes, expected 1 to 63");
    expect_bad_tensor("", 0, 1, small, 0, "name of 0 bytes");
    expect_bad_tensor("output.weight", 0, 1, small, 0, "tensor 'output.weight' comes twice");
    expect_bad_tensor("x", 0, 5, small, 0, "5 dimensions, expected at most 4");
    expect_bad_tensor("x", 0, UINT32_MAX, small, 0, "expected at most 4");
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        expect_bad_tensor("x", types[i], 1, small, 0, "expected a type that is known");
    for (size_t i = 0; i < sizeof(removed) / sizeof(removed[0]); i++)
        expect_bad_tensor("x", removed[i], 1, small, 0, "was removed from the format");
    expect_bad_tensor("x", GM_Q4_K, 1, (const uint64_t[]){255}, 0,
                      "rows of 255 elements, expected a multiple of 256 for Q4_K");
    expect_bad_tensor("x", GM_Q8_0, 1, (const uint64_t[]){33}, 0, "expected a multiple of 32");

    static const uint64_t dimensions[][4] = {
        {UINT64_MAX, 1, 1, 1},          {INT64_MAX, 2, 1, 1},
        {1ULL << 32, 1ULL << 32, 1, 1}, {1ULL << 16, 1ULL << 16, 1ULL << 16, 1ULL << 16},
        {1ULL << 63, 1, 1, 1},          {1ULL << 63, 2, 0, 0},
        {0, UINT64_MAX, 1, 1},
    };
    for (size_t i = 0; i < sizeof(dimensions) / sizeof(dimensions[0]); i++)
        expect_bad_tensor("x", GM_F32, 4, dimensions[i], 0, "2^63");
    expect_bad_tensor("x", 28, 2, (const uint64_t[]){1ULL << 60, 1}, 0, "a size below 2^63 bytes");
    static const uint64_t large[] = {1ULL << 40, 1, 1, 1};
    expect_bad_tensor("x", GM_F32, 1, large, 0, "its data lies behind the end of the file");
    expect_bad_tensor("x", GM_F32, 1, small, 1 << 20, "behind the end of the file");
    expect_bad_tensor("x", GM_F32, 1, small, UINT64_MAX - 31, "behind the end of the file");
    expect_bad_tensor("x", GM_F32, 1, small, INT64_MAX - 31, "behind the end of the file");
    expect_bad_tensor("x", GM_F32, 1, small, 7, "not aligned");
}

static void test_bad_tensor_lists(void **state) {
    (void)state;
    struct gm gm;
    gm_init(&gm, 3);
    gm_string(&gm, "general.architecture", "llama");
    gm_tensor(&gm, "whole", GM_F32, 4096, 0, 0);
    for (int i = 0; i < 3; i++) {
        char name[32];
        snprintf(name, sizeof(name), "again%d", i);
        gm_tensor_raw(&gm, name, GM_F32, 1, (const uint64_t[]){4096}, 0);
    }
    expect_bad(&gm, "overlaps others");

    gm_dense(&gm, 3, false);
    gm_text(&gm, &gm.tensors, "a");
    gm.tensors.bytes[gm.tensors.n - 1] = '\0';
    gm_put(&gm.tensors, NULL, 16);
    gm.n_tensors++;
    expect_bad(&gm, "a NUL byte in a tensor's name");

    gm_dense(&gm, 3, false); /* a tensor of no dimensions is one number, and is fine */
    gm_tensor_raw(&gm, "scalar", GM_F32, 0, NULL, 0);
    gm_tensor_raw(&gm, "nothing", GM_F32, 2, (const uint64_t[]){0, 5}, 0);
    struct tr_gguf gguf = {0};
    struct tr_err err = {0};
    assert_int_equal(parse(&gm, &gguf, &err), 0);
    assert_int_equal(gguf.tensors[gguf.n_tensors - 2].bytes, 4);
    assert_int_equal(gguf.tensors[gguf.n_tensors - 1].bytes, 0);
    tr_gguf_finish(&gguf);
    gm_finish(&gm);
}

/* More keys than are kept, within the number of keys that is allowed. */
static void test_memory_is_bounded(void **state) {
    (void)state;
    struct gm gm;
    gm_dense(&gm, 3, false);
    for (int i = 0; i < 60000; i++) {
        char key[64];
        snprintf(key, sizeof(key), "a.rather.long.key.to.fill.the.memory.with.%d", i);
        gm_u32(&gm, key, 1);
    }
    expect_bad(&gm, "bytes of metadata to keep");

    gm_dense(&gm, 3, false);
    for (int i = 0; i < 200; i++) {
        char key[32];
        snprintf(key, sizeof(key), "array%d", i);
        gm_array(&gm, key, GM_UINT8, 4096);
        gm_put(&gm.keys, NULL, 4096);
    }
    expect_bad(&gm, "bytes of metadata to keep");

    /* As many tensors as are allowed still fit. */
    struct tr_gguf gguf = {0};
    struct tr_err err = {0};
    gm_init(&gm, 3);
    for (int i = 0; i < TR_GGUF_MAX_TENSORS; i++) {
        char name[32];
        snprintf(name, sizeof(name), "t%d", i);
        gm_tensor_raw(&gm, name, GM_F32, 1, (const uint64_t[]){0}, 0);
    }
    assert_int_equal(parse(&gm, &gguf, &err), 0);
    assert_int_equal(gguf.n_tensors, TR_GGUF_MAX_TENSORS);
    tr_gguf_finish(&gguf);
    gm_tensor_raw(&gm, "more", GM_F32, 1, (const uint64_t[]){0}, 0);
    expect_bad(&gm, "65537 tensors, expected at most 65536");
}

static void test_truncated(void **state) {
    (void)state;
    uint8_t *bytes;
    size_t n;
    for (size_t kind = 0; (bytes = gm_seed(kind, &n)); kind++) {
        size_t header = fuzz_header_length(bytes, n);
        for (size_t length = 0; length < n; length += length < header + 64 ? 1 : 997) {
            struct tr_gguf gguf = {0};
            struct tr_err err = {0};
            uint8_t *copy = malloc(length ? length : 1);
            assert_non_null(copy);
            memcpy(copy, bytes, length);
            int code = tr_gguf_read_bytes(copy, length, "short", &gguf, &err);
            free(copy);
            if (code != TR_EFORMAT || strncmp(err.text, "short: byte ", 12) != 0)
                fail_msg("kind %zu, %zu bytes: code %d '%s'", kind, length, code, err.text);
        }
        free(bytes);
    }
}

static void test_mutated(void **state) {
    (void)state;
    assert_int_equal(fuzz_gguf_run(200000, 20261121), 0);
}

static void test_files(void **state) {
    struct folder *folder = *state;
    struct tr_gguf gguf = {0};
    struct tr_err err = {0};
    struct gm gm;
    gm_dense(&gm, 3, false);
    gm_array(&gm, "tokenizer.ggml.tokens", GM_STRING, 20000); /* several windows of the reader */
    for (int i = 0; i < 20000; i++)
        gm_text(&gm, &gm.keys, "a token");
    gm_u32(&gm, "last", 77);
    assert_true(gm_write(&gm, in(folder, "good.gguf")));
    assert_int_equal(tr_gguf_read_file(folder->file, &gguf, &err), 0);
    assert_int_equal(gguf.n_tensors, 21);
    assert_int_equal(tr_gguf_get(&gguf, "last")->integer, 77);
    assert_int_equal(gguf.file_bytes, gm.file.n + gm.data_bytes);
    tr_gguf_finish(&gguf);
    assert_int_equal(truncate(folder->file, 100000), 0);
    assert_int_equal(tr_gguf_read_file(folder->file, &gguf, &err), TR_EFORMAT);
    assert_non_null(strstr(err.text, "good.gguf: byte "));
    assert_non_null(strstr(err.text, "expected"));
    gm_finish(&gm);

    /* A FIFO without a writer would block a plain open for ever. */
    assert_int_equal(mkfifo(in(folder, "fifo.gguf"), 0600), 0);
    alarm(20);
    assert_int_equal(tr_gguf_read_file(folder->file, &gguf, &err), TR_EIO);
    alarm(0);
    assert_non_null(strstr(err.text, "not a regular file"));
    assert_int_equal(tr_gguf_read_file("/dev/zero", &gguf, &err), TR_EIO);
    assert_int_equal(tr_gguf_read_file(folder->path, &gguf, &err), TR_EIO);
    assert_int_equal(tr_gguf_read_file(in(folder, "none.gguf"), &gguf, &err), TR_EIO);
    assert_non_null(strstr(err.text, "No such file"));
    assert_int_equal(symlink("none.gguf", in(folder, "link.gguf")), 0);
    assert_int_equal(tr_gguf_read_file(folder->file, &gguf, &err), TR_EIO);
    FILE *empty = fopen(in(folder, "empty.gguf"), "w");
    assert_non_null(empty);
    fclose(empty);
    assert_int_equal(tr_gguf_read_file(folder->file, &gguf, &err), TR_EFORMAT);
}

/* File `index` of a set of three; `no`, `count`, `total` are what it says of itself. */
static void write_shard(struct folder *folder, int index, uint32_t no, uint32_t count,
                        uint32_t total, const char *tensor) {
    struct gm gm;
    char name[64];
    gm_init(&gm, 3);
    if (index == 0)
        gm_common(&gm, "llama", 1, 256, 4, 2);
    gm_key(&gm, "split.no", GM_UINT16);
    gm_number(&gm.keys, no, 2);
    gm_key(&gm, "split.count", GM_UINT16);
    gm_number(&gm.keys, count, 2);
    gm_key(&gm, "split.tensors.count", GM_INT32);
    gm_number(&gm.keys, total, 4);
    if (tensor)
        gm_tensor(&gm, tensor, GM_Q4_K, 256, 10, 0);
    snprintf(name, sizeof(name), "m-%05d-of-00003.gguf", index + 1);
    assert_true(gm_write(&gm, in(folder, name)));
    gm_finish(&gm);
}

static void write_set(struct folder *folder) {
    write_shard(folder, 0, 0, 3, 2, NULL);
    write_shard(folder, 1, 1, 3, 2, "token_embd.weight");
    write_shard(folder, 2, 2, 3, 2, "output.weight");
}

static void expect_bad_set(struct folder *folder, const char *first, const char *words) {
    struct tr_gguf gguf = {0};
    struct tr_err err = {0};
    int code = tr_gguf_read_file(in(folder, first), &gguf, &err);
    if (code != TR_EFORMAT || !strstr(err.text, words))
        fail_msg("expected '%s', got code %d '%s'", words, code, err.text);
}

/* Larger than memory and than any disk here: only the headers are read. */
static void test_huge_set(void **state) {
    struct folder *folder = *state;
    char *first = gm_write_set(folder->path);
    struct tr_gguf gguf = {0};
    struct tr_err err = {0};
    if (!first)
        skip();
    if (tr_gguf_read_file(first, &gguf, &err))
        fail_msg("%s", err.text);
    assert_int_equal(gguf.shards, GM_SET_FILES);
    assert_int_equal(gguf.n_tensors, GM_SET_BLOCKS * 14 + 3);
    assert_true((double)gguf.file_bytes > 400e9);
    tr_gguf_finish(&gguf);
    for (int i = 1; i <= GM_SET_FILES; i++) {
        char name[64];
        snprintf(name, sizeof(name), "set-%05d-of-%05d.gguf", i, GM_SET_FILES);
        unlink(in(folder, name));
    }
    free(first);
}

static void test_split(void **state) {
    struct folder *folder = *state;
    struct tr_gguf gguf = {0};
    struct tr_err err = {0};
    const char *first = "m-00001-of-00003.gguf";
    write_set(folder);
    assert_int_equal(tr_gguf_read_file(in(folder, first), &gguf, &err), 0);
    assert_int_equal(gguf.shards, 3);
    assert_int_equal(gguf.n_tensors, 2);
    assert_int_equal(gguf.tensors[1].shard, 2);
    assert_string_equal(gguf.tensors[1].name, "output.weight");
    assert_non_null(tr_gguf_get(&gguf, "llama.block_count"));
    struct stat info;
    uint64_t bytes = 0;
    for (int i = 1; i <= 3; i++) {
        char name[64];
        snprintf(name, sizeof(name), "m-%05d-of-00003.gguf", i);
        assert_int_equal(stat(in(folder, name), &info), 0);
        bytes += (uint64_t)info.st_size;
    }
    assert_int_equal(gguf.file_bytes, bytes);
    tr_gguf_finish(&gguf);

    expect_bad_set(folder, "m-00002-of-00003.gguf", "not the first file of its set, expected");
    expect_bad_set(folder, "m-00002-of-00003.gguf", "m-00001-of-00003.gguf");
    write_shard(folder, 1, 2, 3, 2, "token_embd.weight");
    expect_bad_set(folder, first, "split.no is 2, expected 1");
    write_shard(folder, 1, 1, 4, 2, "token_embd.weight");
    expect_bad_set(folder, first, "split.count is 4, expected 3");
    write_shard(folder, 1, 1, 3, 2, "output.weight");
    expect_bad_set(folder, first, "tensor 'output.weight' comes twice");
    write_shard(folder, 1, 1, 3, 2, NULL);
    expect_bad_set(folder, first, "split.tensors.count is 2, expected 1");
    write_set(folder);
    write_shard(folder, 0, 0, 9, 2, NULL);
    expect_bad_set(folder, first, "one of 9 files of a set, expected a name that ends in");
    write_shard(folder, 0, 0, 2000, 2, NULL);
    expect_bad_set(folder, first, "split.count is 2000, expected at most 1024");
    write_set(folder);
    char other[256];
    snprintf(other, sizeof(other), "%s/other.gguf", folder->path);
    assert_int_equal(link(in(folder, first), other), 0);
    expect_bad_set(folder, "other.gguf", "expected a name that ends in -00001-of-00003.gguf");
    snprintf(other, sizeof(other), "%s/n-00002-of-00003.gguf", folder->path);
    assert_int_equal(link(in(folder, first), other), 0);
    expect_bad_set(folder, "n-00002-of-00003.gguf", "not the first file of its set");
    assert_int_equal(unlink(in(folder, "m-00003-of-00003.gguf")), 0);
    assert_int_equal(tr_gguf_read_file(in(folder, first), &gguf, &err), TR_EIO);
    assert_non_null(strstr(err.text, "m-00003-of-00003.gguf: No such file"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_quants),
        cmocka_unit_test(test_bad_header),
        cmocka_unit_test(test_bad_keys),
        cmocka_unit_test(test_bad_alignment),
        cmocka_unit_test(test_bad_tensors),
        cmocka_unit_test(test_bad_tensor_lists),
        cmocka_unit_test(test_memory_is_bounded),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_mutated),
        cmocka_unit_test_setup_teardown(test_files, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_split, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_huge_set, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
