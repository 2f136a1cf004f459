#include "gguf.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "gguf_parse.h"
#include "strbuf.h"

/* "<prefix>-00001-of-00003.gguf" */
#define SPLIT_SUFFIX_LENGTH (sizeof("-00001-of-00003.gguf") - 1)

static int compare_key(const void *key, const void *value) {
    return strcmp(key, ((const struct tr_gguf_value *)value)->key);
}

const struct tr_gguf_value *tr_gguf_get(const struct tr_gguf *gguf, const char *key) {
    if (!gguf->n_values)
        return NULL;
    return bsearch(key, gguf->values, gguf->n_values, sizeof(*gguf->values), compare_key);
}

void tr_gguf_finish(struct tr_gguf *gguf) {
    if (!gguf)
        return;
    tr_gguf_clear_values(gguf);
    free(gguf->tensors);
    *gguf = (struct tr_gguf){0};
}

/* Number of the file in its set and size of the set, as the file's name says; false if the name is
 * not that of a split file. */
static bool split_name(const char *path, int64_t *ret_number, int64_t *ret_count) {
    size_t length = strlen(path);
    if (length < SPLIT_SUFFIX_LENGTH)
        return false;
    const char *suffix = path + length - SPLIT_SUFFIX_LENGTH;
    const char *pattern = "-#####-of-#####.gguf";
    for (size_t i = 0; i < SPLIT_SUFFIX_LENGTH; i++)
        if (pattern[i] == '#' ? !isdigit((unsigned char)suffix[i]) : suffix[i] != pattern[i])
            return false;
    *ret_number = strtol(suffix + 1, NULL, 10);
    *ret_count = strtol(suffix + 10, NULL, 10);
    return true;
}

static int64_t integer_or(const struct tr_gguf *gguf, const char *key, int64_t otherwise) {
    const struct tr_gguf_value *value = tr_gguf_get(gguf, key);
    if (!value || value->type == TR_GGUF_STRING || value->type == TR_GGUF_ARRAY ||
        value->type == TR_GGUF_FLOAT32 || value->type == TR_GGUF_FLOAT64)
        return otherwise;
    return value->integer;
}

static uint64_t key_at(const struct tr_gguf *gguf, const char *key) {
    const struct tr_gguf_value *value = tr_gguf_get(gguf, key);
    return value ? value->at : 0;
}

/* What the first file says about its set: how many files belong to it. */
static int check_first(struct tr_reader *reader, const struct tr_gguf *gguf, const char *path,
                       int64_t *ret_count, struct tr_err *reterr) {
    int64_t number = 0, named = 0;
    int64_t n = integer_or(gguf, "split.count", 1);
    bool split = split_name(path, &number, &named);
    int prefix = split ? (int)(strlen(path) - SPLIT_SUFFIX_LENGTH) : 0;
    if (n <= 1) {
        *ret_count = 1;
        return 0;
    }
    if (n > TR_GGUF_MAX_SHARDS)
        tr_reader_refuse(reader, key_at(gguf, "split.count"),
                         "split.count is %" PRId64 ", expected at most %d", n,
                         (int)TR_GGUF_MAX_SHARDS);
    else if (!split || named != n)
        tr_reader_refuse(reader, key_at(gguf, "split.count"),
                         "one of %" PRId64 " files of a set, expected a name that ends in "
                         "-00001-of-%05" PRId64 ".gguf",
                         n, n);
    else if (integer_or(gguf, "split.no", -1) != 0 || number != 1)
        tr_reader_refuse(reader, key_at(gguf, "split.no"),
                         "not the first file of its set, expected %.*s-00001-of-%05" PRId64 ".gguf",
                         prefix, path, n);
    *ret_count = n;
    if (reader->code && reterr)
        *reterr = reader->err;
    return reader->code;
}

static int read_shard(const char *path, int64_t index, int64_t n, struct tr_gguf *gguf,
                      struct tr_err *reterr) {
    struct tr_reader reader;
    struct tr_gguf shard = {.tensors = gguf->tensors,
                            .n_tensors = gguf->n_tensors,
                            .file_bytes = gguf->file_bytes,
                            .shards = gguf->shards};
    int code = tr_reader_open(&reader, path, reterr);
    if (code)
        return code;
    tr_gguf_parse(&reader, (uint32_t)index, &shard);
    gguf->tensors = shard.tensors; /* the list may have moved */
    gguf->n_tensors = shard.n_tensors;
    gguf->file_bytes = shard.file_bytes;
    gguf->shards = shard.shards;
    if (integer_or(&shard, "split.no", -1) != index)
        tr_reader_refuse(&reader, key_at(&shard, "split.no"),
                         "split.no is %" PRId64 ", expected %" PRId64 " in this file",
                         integer_or(&shard, "split.no", -1), index);
    if (integer_or(&shard, "split.count", n) != n)
        tr_reader_refuse(&reader, key_at(&shard, "split.count"),
                         "split.count is %" PRId64 ", expected %" PRId64 " as in the first file",
                         integer_or(&shard, "split.count", n), n);
    tr_gguf_clear_values(&shard);
    code = reader.code;
    if (code && reterr)
        *reterr = reader.err;
    tr_reader_finish(&reader);
    return code;
}

/* Files 2..n of a set; their paths are built from the first one's, never from metadata. */
static int read_others(char **paths, int64_t n, struct tr_gguf *gguf, struct tr_err *reterr) {
    int prefix = (int)(strlen(paths[0]) - SPLIT_SUFFIX_LENGTH);
    for (int64_t i = 1; i < n; i++) {
        paths[i] =
            tr_format("%.*s-%05" PRId64 "-of-%05" PRId64 ".gguf", prefix, paths[0], i + 1, n);
        if (!paths[i])
            return TR_ENOMEM;
        int code = read_shard(paths[i], i, n, gguf, reterr);
        if (code)
            return code;
    }
    int64_t total = integer_or(gguf, "split.tensors.count", -1);
    if (total != (int64_t)gguf->n_tensors)
        return tr_err_set(reterr, TR_EFORMAT,
                          "%.300s: byte %" PRIu64 ": split.tensors.count is %" PRId64
                          ", expected %zu, the tensors of all files",
                          paths[0], key_at(gguf, "split.tensors.count"), total, gguf->n_tensors);
    return 0;
}

int tr_gguf_read_file(const char *path, struct tr_gguf *ret_gguf, struct tr_err *reterr) {
    struct tr_gguf gguf = {0};
    struct tr_reader reader;
    int64_t n = 1;
    int code = tr_reader_open(&reader, path, reterr);
    if (code)
        return code;
    tr_gguf_parse(&reader, 0, &gguf);
    code = reader.code;
    if (code && reterr)
        *reterr = reader.err;
    if (!code)
        code = check_first(&reader, &gguf, path, &n, reterr);
    tr_reader_finish(&reader);
    char **paths = code ? NULL : calloc((size_t)n, sizeof(*paths));
    if (!code && (!paths || !(paths[0] = strdup(path))))
        code = TR_ENOMEM;
    if (!code && n > 1)
        code = read_others(paths, n, &gguf, reterr);
    if (!code)
        code = tr_gguf_check_names(&gguf, (const char *const *)paths, reterr);
    for (int64_t i = 0; paths && i < n; i++)
        free(paths[i]);
    free(paths);
    if (code) {
        tr_gguf_finish(&gguf);
        return code;
    }
    *ret_gguf = gguf;
    return 0;
}

int tr_gguf_read_bytes(const void *bytes, size_t n, const char *name, struct tr_gguf *ret_gguf,
                       struct tr_err *reterr) {
    struct tr_gguf gguf = {0};
    struct tr_reader reader;
    tr_reader_from_bytes(&reader, bytes, n, name);
    tr_gguf_parse(&reader, 0, &gguf);
    if (!reader.code && integer_or(&gguf, "split.count", 1) > 1)
        tr_reader_refuse(&reader, key_at(&gguf, "split.count"),
                         "a file of a split set, expected a whole model");
    int code = reader.code;
    if (code && reterr)
        *reterr = reader.err;
    if (!code)
        code = tr_gguf_check_names(&gguf, &name, reterr);
    if (code) {
        tr_gguf_finish(&gguf);
        return code;
    }
    *ret_gguf = gguf;
    return 0;
}
