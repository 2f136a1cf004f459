#include "test.h"

#include <math.h>

#include "catalogue.h"
#include "csv.h"
#include "data.h"
#include "gguf_maker.h"
#include "hyper.h"

static int size_made(struct gm *gm, struct tr_model **ret_model, struct tr_err *err) {
    struct tr_gguf gguf = {0};
    gm_build(gm, true);
    int code = tr_gguf_read_bytes(gm->file.bytes, gm->file.n, "made.gguf", &gguf, err);
    if (!code)
        code = tr_model_from_gguf(&gguf, "made.gguf", ret_model, err);
    tr_gguf_finish(&gguf);
    gm_finish(gm);
    return code;
}

static struct tr_model *sized(struct gm *gm) {
    struct tr_model *model = NULL;
    struct tr_err err = {0};
    if (size_made(gm, &model, &err))
        fail_msg("%s", err.text);
    return model;
}

static void expect_refused(struct gm *gm, const char *words) {
    struct tr_model *model = NULL;
    struct tr_err err = {0};
    int code = size_made(gm, &model, &err);
    if (code != TR_EFORMAT || !strstr(err.text, words) || !strstr(err.text, "made.gguf: byte "))
        fail_msg("expected '%s', got code %d '%s'", words, code, err.text);
}

static bool has_note(const struct tr_model *model, const char *words) {
    for (size_t i = 0; i < model->n_notes; i++)
        if (strstr(model->notes[i], words))
            return true;
    return false;
}

#define assert_near(value, expected) assert_true(fabs((value) - (expected)) <= 1e-9 * (expected))

/* Bytes and operations of the small models are worked out by hand in this file: Q4_K takes 144,
 * Q6_K 210 bytes for 256 elements. */
enum {
    ATTENTION_BYTES = 256 * 144 + 128 * 144 + 128 * 210 + 256 * 144,
    FFN_BYTES = 2 * 512 * 144 + 256 * 2 * 210,
    ATTENTION_PARAMETERS = 256 * 256 * 2 + 256 * 128 * 2,
    FFN_PARAMETERS = 3 * 256 * 512,
};

static void test_dense(void **state) {
    (void)state;
    struct gm gm;
    gm_dense(&gm, 3, false);
    struct tr_model *model = sized(&gm);
    assert_string_equal(model->name, "made");
    assert_string_equal(model->architecture, "llama");
    assert_string_equal(model->quantization, "Q4_K");
    assert_true(model->architecture_known);
    assert_int_equal(model->blocks, 2);
    assert_int_equal(model->embedding_length, 256);
    assert_int_equal(model->context_length, 4096);
    assert_int_equal(model->n_layers, 2);
    assert_near(model->classes[TR_TENSOR_ATTENTION].bytes_per_token, 2 * ATTENTION_BYTES);
    assert_near(model->classes[TR_TENSOR_FFN].bytes_per_token, 2 * FFN_BYTES);
    assert_near(model->classes[TR_TENSOR_NORM].bytes_per_token, 5 * 1024);
    assert_near(model->classes[TR_TENSOR_EMBEDDING].bytes_per_token, 144); /* one row of ten */
    assert_int_equal(model->classes[TR_TENSOR_EMBEDDING].file_bytes, 1440);
    assert_near(model->classes[TR_TENSOR_OUTPUT].bytes_per_token, 10 * 210);
    assert_near(model->weight_bytes_per_token,
                2 * (ATTENTION_BYTES + FFN_BYTES) + 5 * 1024 + 144 + 2100);
    double active = 2 * (ATTENTION_PARAMETERS + FFN_PARAMETERS) + 5 * 256 + 2560;
    assert_near(model->flop_per_token, 2 * active);
    assert_near(model->prompt_flop_per_token, 2 * (active - 2560));
    assert_near(model->classes[TR_TENSOR_FFN].last_block_flop, 2 * FFN_PARAMETERS);
    assert_near(model->classes[TR_TENSOR_ATTENTION].last_block_flop, 0);
    assert_int_equal(model->active_parameters, active);
    assert_int_equal(model->parameters, active + 2560);
    /* 2 blocks x 2 heads x (64 + 64) x 2 B */
    assert_near(tr_model_kv_bytes_per_position(model), 1024);
    assert_near(tr_model_kv_bytes(model, 100), 102400);
    /* 2 blocks x 4 heads x 2 x (64 + 64) x 10 positions */
    assert_near(tr_model_attention_flop(model, 10), 20480);
    assert_int_equal(model->n_notes, 0);
    tr_model_destroy(model);
}

static void test_tied(void **state) {
    (void)state;
    struct gm gm;
    gm_dense(&gm, 1, true);
    struct tr_model *model = sized(&gm);
    assert_near(model->classes[TR_TENSOR_EMBEDDING].bytes_per_token, 144);
    assert_near(model->classes[TR_TENSOR_OUTPUT].bytes_per_token, 1440);
    assert_int_equal(model->classes[TR_TENSOR_OUTPUT].file_bytes, 0);
    assert_near(model->flop_per_token - model->prompt_flop_per_token, 2 * 2560);
    tr_model_destroy(model);
}

static void test_experts(void **state) {
    (void)state;
    struct gm gm;
    gm_moe(&gm);
    struct tr_model *model = sized(&gm);
    assert_int_equal(model->experts, 8);
    assert_int_equal(model->experts_used, 2);
    assert_int_equal(model->n_layers, 2); /* the predicting block is not run */
    assert_int_equal(model->blocks, 2);
    assert_near(model->classes[TR_TENSOR_EXPERTS].bytes_per_token, 3 * 256 * 144 * 2);
    assert_int_equal(model->classes[TR_TENSOR_EXPERTS].file_bytes, 3 * 256 * 144 * 8);
    assert_near(model->classes[TR_TENSOR_EXPERTS].flop_per_token, 2 * 3 * 65536 * 2);
    assert_near(model->classes[TR_TENSOR_SHARED].bytes_per_token, 3 * 256 * 144);
    assert_near(model->classes[TR_TENSOR_ROUTER].bytes_per_token, 256 * 8 * 4 + 8 * 4);
    assert_near(model->classes[TR_TENSOR_FFN].bytes_per_token, FFN_BYTES);
    assert_near(model->classes[TR_TENSOR_ATTENTION].bytes_per_token, 2 * ATTENTION_BYTES);
    assert_int_equal(model->classes[TR_TENSOR_SKIPPED].file_bytes,
                     ATTENTION_BYTES + FFN_BYTES + 2048 + 256 * 2 * 144);
    assert_near(model->classes[TR_TENSOR_SKIPPED].flop_per_token, 0);
    assert_true(has_note(model, "not read in ordinary decoding"));
    tr_model_destroy(model);
}

static void test_single_experts(void **state) {
    (void)state;
    struct gm gm;
    gm_init(&gm, 2);
    gm_common(&gm, "llama", 1, 256, 4, 2);
    gm_arch_u32(&gm, "llama", "expert_count", 4);
    gm_arch_u32(&gm, "llama", "expert_used_count", 1);
    gm_ends(&gm, 256, 10, false);
    gm_attention(&gm, 0, 256, 4, 2);
    for (int i = 0; i < 4; i++) {
        char part[32];
        snprintf(part, sizeof(part), "ffn_up.%d.weight", i);
        gm_block(&gm, 0, part, GM_Q4_K, 256, 256, 0);
    }
    struct tr_model *model = sized(&gm);
    assert_near(model->classes[TR_TENSOR_EXPERTS].bytes_per_token, 256 * 144);
    tr_model_destroy(model);

    gm_init(&gm, 3); /* without the numbers of experts all are counted, and a note says so */
    gm_common(&gm, "qwen3moe", 1, 256, 4, 2);
    gm_ends(&gm, 256, 10, false);
    gm_experts(&gm, 0, 256, 256, 8);
    model = sized(&gm);
    assert_near(model->classes[TR_TENSOR_EXPERTS].bytes_per_token, 3 * 256 * 144 * 8);
    assert_true(has_note(model, "How many experts"));
    tr_model_destroy(model);
}

static void test_latent_attention(void **state) {
    (void)state;
    struct gm gm;
    gm_mla(&gm);
    struct tr_model *model = sized(&gm);
    assert_int_equal(model->n_layers, 1);
    assert_true(model->layers[0].mla);
    assert_near(tr_model_kv_bytes_per_position(model), (512 + 64) * 2);
    assert_near(tr_model_attention_flop(model, 1), 2 * 4 * (576 + 512));
    /* The fused expansion is not read beside the two separate ones. */
    assert_int_equal(model->classes[TR_TENSOR_SKIPPED].file_bytes, 2 * 144 * 1024);
    assert_near(model->classes[TR_TENSOR_ATTENTION].bytes_per_token,
                768 * 144 + 576 * 144 + 2 * 4 * 512 * 128 / 32 * 34 + 256 * 2 * 144);
    tr_model_destroy(model);

    /* Files from before the absorbed form: the cache holds keys and values of all heads. */
    gm_init(&gm, 3);
    gm_common(&gm, "deepseek2", 1, 256, 4, 4);
    gm_arch_u32(&gm, "deepseek2", "attention.kv_lora_rank", 512);
    gm_arch_u32(&gm, "deepseek2", "attention.key_length", 192);
    gm_arch_u32(&gm, "deepseek2", "attention.value_length", 128);
    gm_ends(&gm, 256, 10, false);
    gm_block(&gm, 0, "attn_q.weight", GM_Q4_K, 256, 768, 0);
    gm_block(&gm, 0, "attn_kv_a_mqa.weight", GM_Q4_K, 256, 576, 0);
    gm_block(&gm, 0, "attn_kv_b.weight", GM_Q4_K, 512, 1024, 0);
    model = sized(&gm);
    assert_false(model->layers[0].mla);
    assert_near(tr_model_kv_bytes_per_position(model), 4 * (192 + 128) * 2);
    assert_int_equal(model->classes[TR_TENSOR_SKIPPED].file_bytes, 0);
    tr_model_destroy(model);
}

static void test_windows(void **state) {
    (void)state;
    struct gm gm;
    gm_windowed(&gm);
    struct tr_model *model = sized(&gm);
    assert_int_equal(model->n_layers, 4);
    assert_int_equal(model->layers[0].window, 100);
    assert_int_equal(model->layers[1].window, 0);
    assert_near(tr_model_kv_bytes(model, 50), 4 * 512 * 50);
    assert_near(tr_model_kv_bytes(model, 1000), 512 * (100 + 1000 + 100 + 1000));
    assert_near(tr_model_attention_flop(model, 1000), 2 * 4 * 128 * 2200);
    assert_near(model->classes[TR_TENSOR_EXPERTS].bytes_per_token, 4 * (32 * 136 + 32 * 4));
    tr_model_destroy(model);

    /* A pattern in the file wins over the architecture's period. */
    gm_init(&gm, 3);
    gm_common(&gm, "gemma3", 3, 256, 4, 2);
    gm_arch_u32(&gm, "gemma3", "attention.sliding_window", 64);
    gm_bool_array(&gm, "gemma3.attention.sliding_window_pattern", (const uint8_t[]){0, 1, 0}, 3);
    gm_ends(&gm, 256, 10, true);
    for (int i = 0; i < 3; i++)
        gm_attention(&gm, i, 256, 4, 2);
    model = sized(&gm);
    assert_int_equal(model->layers[0].window, 0);
    assert_int_equal(model->layers[1].window, 64);
    assert_int_equal(model->layers[2].window, 0);
    tr_model_destroy(model);
}

static void test_hybrid(void **state) {
    (void)state;
    struct gm gm;
    gm_hybrid(&gm);
    struct tr_model *model = sized(&gm);
    assert_int_equal(model->n_layers, 1);
    assert_near(model->classes[TR_TENSOR_RECURRENT].bytes_per_token,
                1024 * 144 + 4 * 544 * 4 + 8 * 4 + 256 * 2 * 144);
    /* read and written: 512 x 16 numbers of state and 3 of the convolution for 512 + 2 x 16 */
    assert_near(model->recurrent_state_bytes, 2 * 4 * (512 * 16 + 3 * (512 + 2 * 16)));
    assert_near(tr_model_kv_bytes_per_position(model), 512);
    tr_model_destroy(model);

    /* Linear attention has a fused matrix, but no cache. */
    gm_init(&gm, 3);
    gm_common(&gm, "qwen3next", 2, 256, 4, 2);
    gm_arch_u32(&gm, "qwen3next", "ssm.inner_size", 512);
    gm_arch_u32(&gm, "qwen3next", "ssm.state_size", 16);
    gm_ends(&gm, 256, 10, true);
    gm_block(&gm, 0, "attn_qkv.weight", GM_Q4_K, 256, 512, 0);
    gm_block(&gm, 0, "ssm_out.weight", GM_Q4_K, 256, 256, 0);
    gm_attention(&gm, 1, 256, 4, 2);
    model = sized(&gm);
    assert_int_equal(model->n_layers, 1);
    assert_near(model->classes[TR_TENSOR_RECURRENT].bytes_per_token, 768 * 144);
    assert_near(model->classes[TR_TENSOR_ATTENTION].bytes_per_token, ATTENTION_BYTES);
    tr_model_destroy(model);
}

static void test_unknown_architecture(void **state) {
    (void)state;
    struct gm gm;
    gm_init(&gm, 3);
    gm_common(&gm, "brand-new", 1, 256, 4, 2);
    gm_ends(&gm, 256, 10, false);
    gm_attention(&gm, 0, 256, 4, 2);
    gm_dense_ffn(&gm, 0, 256, 512);
    gm_block(&gm, 0, "odd_mixer.weight", GM_Q4_K, 256, 256, 0);
    struct tr_model *model = sized(&gm);
    assert_false(model->architecture_known);
    assert_true(has_note(model, "'brand-new' is not known"));
    assert_true(has_note(model, "1 tensors of unknown use"));
    assert_near(model->classes[TR_TENSOR_FFN].bytes_per_token, FFN_BYTES + 256 * 144);
    assert_int_equal(model->n_layers, 1);
    tr_model_destroy(model);

    gm_init(&gm, 3); /* nothing but tensors */
    gm_string(&gm, "general.architecture", "bare");
    gm_ends(&gm, 256, 10, false);
    gm_attention(&gm, 6, 256, 4, 2);
    model = sized(&gm);
    assert_int_equal(model->blocks, 7);
    assert_int_equal(model->n_layers, 0);
    assert_true(has_note(model, "how many heads"));
    tr_model_destroy(model);
}

static void test_refused(void **state) {
    (void)state;
    struct gm gm;
    gm_init(&gm, 3);
    gm_ends(&gm, 256, 10, false);
    expect_refused(&gm, "expected the key general.architecture");

    gm_init(&gm, 3);
    gm_u32(&gm, "general.architecture", 1);
    expect_refused(&gm, "general.architecture: expected a text");

    gm_init(&gm, 3);
    gm_common(&gm, "llama", 4097, 256, 4, 2);
    expect_refused(&gm, "the value is 4097, expected 0 to 4096");

    gm_init(&gm, 3);
    gm_common(&gm, "llama", 1, 256, 4, 2);
    gm_attention(&gm, 1, 256, 4, 2);
    expect_refused(&gm, "a tensor of block 1, expected fewer than 1 blocks");

    gm_dense(&gm, 3, false);
    gm_u32(&gm, "llama.expert_count", 2);
    gm_u32(&gm, "llama.expert_used_count", 3);
    expect_refused(&gm, "expert_used_count: expected at most expert_count");

    gm_dense(&gm, 3, false);
    gm_string(&gm, "llama.expert_count", "eight");
    expect_refused(&gm, "llama.expert_count: expected a whole number");

    gm_dense(&gm, 3, false);
    gm_key(&gm, "llama.attention.key_length", GM_FLOAT32);
    gm_number(&gm.keys, 0x42800000, 4);
    expect_refused(&gm, "expected a whole number");

    gm_dense(&gm, 3, false);
    gm_key(&gm, "llama.attention.key_length", GM_INT32);
    gm_number(&gm.keys, (uint32_t)-64, 4);
    expect_refused(&gm, "the value is -64");

    static const uint32_t heads[] = {2, 2, 2};
    gm_init(&gm, 3);
    gm_common(&gm, "llama", 2, 256, 4, 0);
    gm_u32_array(&gm, "llama.attention.head_count_kv", heads, 3);
    gm_ends(&gm, 256, 10, false);
    expect_refused(&gm, "head_count_kv: expected one whole number for each block");

    gm_init(&gm, 3);
    gm_common(&gm, "llama", 2, 256, 4, 2);
    expect_refused(&gm, "0 tensors, none of which generates tokens");

    gm_init(&gm, 3);
    gm_string(&gm, "general.architecture", "clip");
    gm_tensor(&gm, "v.patch_embd.weight", GM_F16, 256, 10, 0);
    expect_refused(&gm, "none of which generates tokens");
}

static struct tr_model *from_catalogue(const char *name) {
    struct tr_model *model = NULL;
    struct tr_err err = {0};
    if (tr_model_from_catalogue(name, &model, &err))
        fail_msg("%s: %s", name, err.text);
    return model;
}

/* Rows of data/models.csv: as many parameters as their makers tell, within 0.3%. */
static void test_parameters(void **state) {
    (void)state;
    const struct tr_data *data = tr_data_find("models.csv");
    struct tr_csv csv = {0};
    assert_int_equal(tr_csv_parse(data->text, data->length, data->name, &csv, NULL), 0);
    assert_true(csv.n_rows > 60);
    for (size_t row = 1; row < csv.n_rows; row++) {
        struct tr_model *model = from_catalogue(tr_csv_get(&csv, row, "name"));
        double parameters = tr_csv_number(&csv, row, "parameters_b") * 1e9;
        if (!(fabs((double)model->parameters / parameters - 1) < 0.003))
            fail_msg("%s: %.5g parameters, told %.5g", model->name, (double)model->parameters,
                     parameters);
        assert_true(*tr_csv_get(&csv, row, "source"));
        tr_model_destroy(model);
    }
    tr_csv_finish(&csv);
}

static double metadata_bytes(const struct tr_csv *models, const char *name) {
    for (size_t row = 1; row < models->n_rows; row++)
        if (!strcmp(tr_csv_get(models, row, "name"), name))
            return tr_csv_number(models, row, "metadata_bytes");
    fail_msg("%s is no row of models.csv", name);
    return NAN;
}

/* Rows of data/model_sizes.csv, files that were published: computed sizes are within 1%. Some
 * publishers use mixes of their own; those are within 1.5% and few. */
static void test_published_sizes(void **state) {
    (void)state;
    const struct tr_data *data = tr_data_find("model_sizes.csv");
    const struct tr_data *catalogue = tr_data_find("models.csv");
    struct tr_csv csv = {0}, models = {0};
    size_t own_mixes = 0;
    assert_int_equal(tr_csv_parse(data->text, data->length, data->name, &csv, NULL), 0);
    assert_int_equal(
        tr_csv_parse(catalogue->text, catalogue->length, catalogue->name, &models, NULL), 0);
    assert_true(csv.n_rows > 120);
    for (size_t row = 1; row < csv.n_rows; row++) {
        char name[96];
        const char *what = tr_csv_get(&csv, row, "what");
        double bytes = tr_csv_number(&csv, row, "bytes");
        bool own_mix = !strcmp(what, "own mix");
        snprintf(name, sizeof(name), "%s-%s", tr_csv_get(&csv, row, "model"),
                 tr_csv_get(&csv, row, "quant"));
        struct tr_model *model = from_catalogue(name);
        double ours = (double)model->file_bytes;
        if (!strcmp(what, "tensors")) /* engines tell it without the metadata */
            ours -= metadata_bytes(&models, tr_csv_get(&csv, row, "model"));
        else if (!strcmp(what, "output apart")) /* older converters wrote a tied matrix twice */
            ours += model->classes[TR_TENSOR_OUTPUT].bytes_per_token;
        else
            assert_true(own_mix || !strcmp(what, "file"));
        own_mixes += own_mix;
        assert_true(*tr_csv_get(&csv, row, "source") && *tr_csv_get(&csv, row, "file"));
        if (!(fabs(ours / bytes - 1) < (own_mix ? 0.015 : 0.01)))
            fail_msg("%s: %.0f bytes, published %.0f", name, ours, bytes);
        tr_model_destroy(model);
    }
    assert_true(own_mixes <= 2);
    tr_csv_finish(&csv);
    tr_csv_finish(&models);
}

/* models.csv says of each row whether its size was compared with a published file, is that of
 * another row, or was not; and a model that was not compared says so. */
static void test_unverified_sizes_say_so(void **state) {
    (void)state;
    const struct tr_data *data = tr_data_find("models.csv"),
                         *sizes = tr_data_find("model_sizes.csv");
    struct tr_csv csv = {0}, published = {0};
    size_t n_compared = 0, n_unknown = 0;
    assert_int_equal(tr_csv_parse(data->text, data->length, data->name, &csv, NULL), 0);
    assert_int_equal(tr_csv_parse(sizes->text, sizes->length, sizes->name, &published, NULL), 0);
    for (size_t row = 1; row < csv.n_rows; row++) {
        const char *name = tr_csv_get(&csv, row, "name"), *size = tr_csv_get(&csv, row, "size");
        struct tr_model *model = from_catalogue(name);
        bool compared = false;
        for (size_t i = 1; i < published.n_rows; i++)
            compared = compared || !strcmp(tr_csv_get(&published, i, "model"), name);
        if (compared != !strcmp(size, "compared"))
            fail_msg("%s: '%s', but %s row of model_sizes.csv", name, size, compared ? "a" : "no");
        if (!strncmp(size, "as ", 3)) {
            struct tr_model *other = from_catalogue(size + 3);
            assert_true(other->file_bytes == model->file_bytes);
            tr_model_destroy(other);
        } else if (!compared) {
            assert_string_equal(size, "not verified");
            n_unknown++;
        }
        n_compared += compared;
        if (has_note(model, "no published file") != !strcmp(size, "not verified"))
            fail_msg("%s: '%s'", name, size);
        tr_model_destroy(model);
    }
    assert_true(n_compared >= 65 && n_unknown == 0);
    tr_csv_finish(&csv);
    tr_csv_finish(&published);
}

/* A block that predicts further tokens lies in the file and is not run. */
static void test_prediction_blocks_of_the_catalogue(void **state) {
    (void)state;
    struct tr_model *model = from_catalogue("glm-4.5-air-q8_0");
    assert_int_equal(model->blocks, 46);
    assert_int_equal(model->n_layers, 46);
    const struct tr_tensor_sum *skipped = &model->classes[TR_TENSOR_SKIPPED];
    /* 128 experts of 3 x 4096 x 1408 and a shared one, attention, two vocabularies, eh_proj */
    assert_true(skipped->parameters > 3600000000 && skipped->parameters < 3630000000);
    assert_true(skipped->bytes_per_token == 0);
    assert_true(has_note(model, "not read in ordinary decoding"));
    tr_model_destroy(model);
}

/* Types of single tensors, as they are in published files. */
static void test_mixes(void **state) {
    (void)state;
    struct tr_catalogue_model model = {.blocks = 32};
    static const struct {
        const char *mix;
        int blocks, experts;
        bool tied;
        const char *tensor;
        uint64_t row;
        const char *type;
    } rows[] = {
        {"q4_k_m", 32, 0, false, "token_embd.weight", 4096, "Q4_K"},
        {"q4_k_m", 32, 0, true, "token_embd.weight", 4096, "Q6_K"},
        {"q4_k_m", 32, 0, false, "output.weight", 4096, "Q6_K"},
        {"q4_k_m", 32, 0, false, "blk.0.attn_q.weight", 4096, "Q4_K"},
        {"q4_k_m", 32, 0, false, "blk.3.attn_v.weight", 4096, "Q6_K"},
        {"q4_k_m", 32, 0, false, "blk.4.attn_v.weight", 4096, "Q4_K"},
        {"q4_k_m", 32, 0, false, "blk.6.ffn_down.weight", 14336, "Q6_K"},
        {"q4_k_m", 32, 0, false, "blk.7.ffn_down.weight", 14336, "Q4_K"},
        {"q4_k_m", 32, 0, false, "blk.28.ffn_down.weight", 14336, "Q6_K"},
        {"q4_k_m", 80, 0, false, "blk.11.attn_v.weight", 8192, "Q5_K"},
        {"q4_k_m", 80, 0, false, "blk.12.attn_v.weight", 8192, "Q6_K"},
        {"q4_k_m", 32, 8, false, "blk.5.attn_v.weight", 4096, "Q8_0"},
        {"q4_k_m", 32, 8, false, "blk.5.attn_output.weight", 4096, "Q5_K"},
        {"q4_k_m", 32, 128, false, "blk.6.ffn_down_exps.weight", 768, "Q6_K"},
        {"q4_k_m", 32, 0, false, "blk.7.ffn_down.weight", 29568, "Q5_0"},
        {"q4_k_m", 32, 0, false, "blk.0.ffn_down.weight", 29568, "Q8_0"},
        {"q4_k_s", 32, 0, false, "blk.3.attn_v.weight", 4096, "Q5_K"},
        {"q4_k_s", 32, 0, false, "blk.4.attn_v.weight", 4096, "Q4_K"},
        {"q4_0", 32, 0, false, "blk.0.ffn_down.weight", 4096, "Q4_0"},
        {"mxfp4", 36, 128, false, "blk.0.ffn_up_exps.weight", 2880, "MXFP4"},
        {"mxfp4", 36, 128, false, "blk.0.attn_q.weight", 2880, "Q8_0"},
        {"bf16", 32, 0, false, "output.weight", 4096, "BF16"},
        {"q8_0", 32, 8, false, "blk.0.ffn_gate_inp.weight", 4096, "F32"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        model.blocks = rows[i].blocks;
        model.experts = rows[i].experts;
        model.tied = rows[i].tied;
        const struct tr_quant *type =
            tr_mix_type(tr_mix_find(rows[i].mix), &model, rows[i].tensor, 2, rows[i].row);
        if (strcmp(type->name, rows[i].type) != 0)
            fail_msg("%s of %s is %s, expected %s", rows[i].tensor, rows[i].mix, type->name,
                     rows[i].type);
    }
    assert_string_equal(
        tr_mix_type(tr_mix_find("q4_k_m"), &model, "output_norm.weight", 1, 8)->name, "F32");
    assert_null(tr_mix_find("q9"));
    for (const char *const *name = tr_mix_names(); *name; name++)
        assert_string_equal(tr_mix_name(tr_mix_find(*name)), *name);
}

/* Every model with every quantisation can be sized, and more bits are more bytes. */
static void test_catalogue_rows(void **state) {
    (void)state;
    const char *const *names = tr_model_catalogue_names();
    size_t n = 0;
    for (; names[n]; n++) {
        struct tr_model *model = from_catalogue(names[n]);
        char name[96];
        double last = INFINITY;
        static const char *const order[] = {"f32", "f16", "q8_0", "q6_k", "q5_k_m", "q4_k_m", NULL};
        assert_string_equal(model->name, names[n]);
        assert_true(model->architecture_known);
        assert_non_null(strstr(model->source, "config.json"));
        /* Hybrids attend in each fourth block, and keep a state in the others. */
        bool hybrid = model->recurrent_state_bytes > 0;
        assert_int_equal(model->n_layers, hybrid ? model->blocks / 4 : model->blocks);
        assert_int_equal(hybrid, !strncmp(model->architecture, "qwen35", 6) ||
                                     !strcmp(model->architecture, "qwen3next"));
        bool predicts = model->classes[TR_TENSOR_SKIPPED].tensors > 0;
        assert_int_equal(model->n_notes, has_note(model, "no published file") + predicts);
        snprintf(name, sizeof(name), "%s", names[n]);
        *strrchr(name, '-') = '\0';
        size_t length = strlen(name);
        tr_model_destroy(model);
        for (size_t i = 0; order[i]; i++) {
            snprintf(name + length, sizeof(name) - length, "-%s", order[i]);
            model = from_catalogue(name);
            assert_true((double)model->file_bytes < last);
            last = (double)model->file_bytes;
            tr_model_destroy(model);
        }
    }
    assert_true(n >= 20);
    assert_null(names[n]);
}

static void test_active_parts(void **state) {
    (void)state;
    /* Active parameters as the models' authors state them, within rounding; without the embedding
     * table where it is a matrix of its own. */
    struct tr_model *model = from_catalogue("qwen3-30b-a3b");
    assert_true(fabs((double)model->active_parameters / 1e9 + 0.311 - 3.35) < 0.02);
    assert_true(fabs(model->weight_bytes_per_token / 1.92e9 - 1) < 0.01);
    tr_model_destroy(model);
    model = from_catalogue("gpt-oss-120b");
    assert_true(fabs((double)model->active_parameters / 1e9 - 5.13) < 0.01);
    assert_int_equal(model->layers[0].window, 128);
    assert_int_equal(model->layers[1].window, 0);
    tr_model_destroy(model);
    model = from_catalogue("llama-3.1-8b-q4_0");
    /* 4.671 GB less the embedding table of 0.296 GB; the vocabulary of the file is not counted */
    assert_true(fabs(model->weight_bytes_per_token / 4.37e9 - 1) < 0.005);
    assert_near(tr_model_kv_bytes_per_position(model), 131072);
    tr_model_destroy(model);
    model = from_catalogue("deepseek-r1");
    assert_near(tr_model_kv_bytes_per_position(model), 61 * 576 * 2);
    tr_model_destroy(model);
}

static void test_names(void **state) {
    (void)state;
    static const char *const same[] = {"llama-3.1-8b-q4_k_m", "Llama-3.1-8B-Q4_K_M",
                                       "llama3.1:8b",         "LLAMA_3_1_8B",
                                       "llama-3.1-8b",        "llama3.1-8b.Q4-K-M"};
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        struct tr_model *model = from_catalogue(same[i]);
        assert_string_equal(model->name, "llama-3.1-8b-q4_k_m");
        tr_model_destroy(model);
    }
    struct tr_model *model = from_catalogue("gpt-oss:120b");
    assert_string_equal(model->name, "gpt-oss-120b-mxfp4");
    tr_model_destroy(model);

    struct tr_err err = {0};
    assert_int_equal(tr_model_from_catalogue("llama-3.1-9b", &model, &err), TR_EUSAGE);
    assert_non_null(strstr(err.text, "Did you mean 'llama-3.1-8b'?"));
    assert_int_equal(tr_model_from_catalogue("llama-3.1-9b-q8_0", &model, &err), TR_EUSAGE);
    assert_non_null(strstr(err.text, "Did you mean 'llama-3.1-8b-q8_0'?"));
    assert_int_equal(tr_model_from_catalogue("llama-3.1-8b-q9", &model, &err), TR_EUSAGE);
    assert_non_null(strstr(err.text, "llama-3.1-8b"));
    assert_int_equal(tr_model_from_catalogue("zzzzzzzzzzzz", &model, &err), TR_EUSAGE);
    assert_null(strstr(err.text, "Did you mean"));
    assert_int_equal(tr_model_from_catalogue("", &model, &err), TR_EUSAGE);

    static const char *const defaults[] = {"llama-3.2-1b-q4_k_m",  "llama-3.1-8b-q4_k_m",
                                           "qwen2.5-14b-q4_k_m",   "qwen3-32b-q4_k_m",
                                           "qwen3-30b-a3b-q4_k_m", "gpt-oss-120b-mxfp4"};
    const char *const *names = tr_model_default_names();
    for (size_t i = 0; i < 6; i++)
        assert_string_equal(names[i], defaults[i]);
    assert_null(names[6]);
}

static void test_load(void **state) {
    (void)state;
    char path[] = "/tmp/tokenroof-model-XXXXXX.gguf";
    struct tr_model *model = NULL;
    struct tr_err err = {0};
    struct gm gm;
    int fd = mkstemps(path, 5);
    assert_true(fd >= 0);
    close(fd);
    gm_hybrid(&gm);
    assert_true(gm_write(&gm, path));
    gm_finish(&gm);
    assert_int_equal(tr_model_load(path, &model, &err), 0);
    assert_string_equal(model->architecture, "granitehybrid");
    assert_null(strstr(model->name, ".gguf"));
    assert_null(strchr(model->name, '/'));
    assert_null(model->source);
    tr_model_destroy(model);
    unlink(path);
    assert_int_equal(tr_model_load(path, &model, &err), TR_EIO);
    assert_int_equal(tr_model_load("none.gguf", &model, &err), TR_EIO);
    assert_int_equal(tr_model_load("qwen3-33b", &model, &err), TR_EUSAGE);
    assert_int_equal(tr_model_load("qwen3-32b", &model, &err), 0);
    tr_model_destroy(model);
    tr_model_destroy(NULL);
    assert_string_equal(tr_tensor_class_name(TR_TENSOR_EXPERTS), "experts");
    assert_null(tr_tensor_class_name(TR_TENSOR_CLASS_COUNT));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dense),
        cmocka_unit_test(test_tied),
        cmocka_unit_test(test_experts),
        cmocka_unit_test(test_single_experts),
        cmocka_unit_test(test_latent_attention),
        cmocka_unit_test(test_windows),
        cmocka_unit_test(test_hybrid),
        cmocka_unit_test(test_unknown_architecture),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_parameters),
        cmocka_unit_test(test_published_sizes),
        cmocka_unit_test(test_unverified_sizes_say_so),
        cmocka_unit_test(test_prediction_blocks_of_the_catalogue),
        cmocka_unit_test(test_mixes),
        cmocka_unit_test(test_catalogue_rows),
        cmocka_unit_test(test_active_parts),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
