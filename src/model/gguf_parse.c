#include "gguf_parse.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "term.h"

struct parser {
    struct tr_reader *reader;
    struct tr_gguf *gguf;
    uint32_t version;
    size_t count_size; /* bytes of lengths and counts: 4 in version 1, then 8 */
    size_t metadata_bytes;
    size_t tensor_capacity;
};

static const uint8_t scalar_size[TR_GGUF_TYPE_COUNT] = {
    [TR_GGUF_UINT8] = 1,  [TR_GGUF_INT8] = 1,  [TR_GGUF_UINT16] = 2,  [TR_GGUF_INT16] = 2,
    [TR_GGUF_UINT32] = 4, [TR_GGUF_INT32] = 4, [TR_GGUF_FLOAT32] = 4, [TR_GGUF_BOOL] = 1,
    [TR_GGUF_UINT64] = 8, [TR_GGUF_INT64] = 8, [TR_GGUF_FLOAT64] = 8,
};

/* Names in a file are not to be trusted with the terminal. */
static void refuse_named(struct tr_reader *reader, uint64_t at, const char *what, const char *name,
                         const char *why) {
    char *shown = tr_printable(name);
    tr_reader_refuse(reader, at, "%s '%.80s': %s", what, shown ? shown : "?", why);
    free(shown);
}

static uint64_t count(struct parser *p, const char *what) {
    return tr_reader_number(p->reader, p->count_size, what);
}

static bool charge(struct parser *p, size_t bytes) {
    p->metadata_bytes += bytes;
    if (p->metadata_bytes > TR_GGUF_MAX_METADATA)
        tr_reader_refuse(p->reader, p->reader->at,
                         "more than %d bytes of metadata to keep: expected fewer",
                         (int)TR_GGUF_MAX_METADATA);
    return !p->reader->code;
}

/* A length and that many bytes as a NUL-terminated copy; NULL after a failure, and for texts longer
 * than `keep`, which are skipped. */
static char *read_text(struct parser *p, uint64_t keep, const char *what) {
    uint64_t at = p->reader->at;
    uint64_t length = count(p, what);
    if (!p->reader->code && length > tr_reader_left(p->reader))
        tr_reader_refuse(p->reader, at,
                         "length of %s is %" PRIu64 ", expected at most the %" PRIu64
                         " bytes that are left",
                         what, length, tr_reader_left(p->reader));
    if (p->reader->code || length > keep) {
        tr_reader_skip(p->reader, length, what);
        return NULL;
    }
    if (!charge(p, (size_t)length + 1))
        return NULL;
    char *text = malloc((size_t)length + 1);
    if (!text) {
        tr_reader_no_memory(p->reader);
        return NULL;
    }
    tr_reader_get(p->reader, text, (size_t)length, what);
    text[length] = '\0';
    return text;
}

static bool is_integer(uint32_t type) {
    return type < TR_GGUF_TYPE_COUNT && scalar_size[type] && type != TR_GGUF_FLOAT32 &&
           type != TR_GGUF_FLOAT64;
}

static int64_t read_integer(struct parser *p, uint32_t type) {
    uint64_t at = p->reader->at;
    uint64_t raw = tr_reader_number(p->reader, scalar_size[type], "a metadata value");
    switch (type) {
    case TR_GGUF_INT8:
        return (int8_t)(uint8_t)raw;
    case TR_GGUF_INT16:
        return (int16_t)(uint16_t)raw;
    case TR_GGUF_INT32:
        return (int32_t)(uint32_t)raw;
    case TR_GGUF_INT64:
        return (int64_t)raw;
    case TR_GGUF_BOOL:
        if (raw > 1)
            tr_reader_refuse(p->reader, at, "a boolean is %" PRIu64 ", expected 0 or 1", raw);
        return (int64_t)raw;
    default:
        return raw > INT64_MAX ? INT64_MAX : (int64_t)raw;
    }
}

static void read_array(struct parser *p, struct tr_gguf_value *value) {
    struct tr_reader *reader = p->reader;
    uint64_t at = reader->at;
    value->element_type = (uint32_t)tr_reader_number(reader, 4, "the type of an array");
    value->n = count(p, "the length of an array");
    if (reader->code)
        return;
    uint32_t type = value->element_type;
    if (type >= TR_GGUF_TYPE_COUNT || type == TR_GGUF_ARRAY) {
        tr_reader_refuse(reader, at, "elements of type %" PRIu32 ", expected 0 to 12 without 9 %s",
                         type, "(arrays of arrays are not read)");
        return;
    }
    /* By division: n x size may overflow. */
    size_t least = type == TR_GGUF_STRING ? p->count_size : scalar_size[type];
    if (value->n > tr_reader_left(reader) / least) {
        tr_reader_refuse(reader, at,
                         "an array of %" PRIu64 " elements, expected at most %" PRIu64
                         " in what is left of the file",
                         value->n, tr_reader_left(reader) / least);
        return;
    }
    if (type == TR_GGUF_STRING) {
        for (uint64_t i = 0; i < value->n && !reader->code; i++)
            free(read_text(p, 0, "a text in an array"));
        return;
    }
    /* "tokenizer." is large, and nothing in it is asked for. */
    if (!is_integer(type) || value->n > TR_GGUF_MAX_ELEMENTS || value->n == 0 ||
        !strncmp(value->key, "tokenizer.", 10)) {
        tr_reader_skip(reader, value->n * scalar_size[type], "an array");
        return;
    }
    if (!charge(p, (size_t)value->n * sizeof(*value->integers)))
        return;
    value->integers = calloc((size_t)value->n, sizeof(*value->integers));
    if (!value->integers) {
        tr_reader_no_memory(reader);
        return;
    }
    for (uint64_t i = 0; i < value->n && !reader->code; i++)
        value->integers[i] = read_integer(p, type);
}

static void read_value(struct parser *p, struct tr_gguf_value *value) {
    struct tr_reader *reader = p->reader;
    value->at = reader->at;
    value->key = read_text(p, TR_GGUF_MAX_KEY_LENGTH, "a key");
    if (reader->code)
        return;
    if (!value->key || !*value->key) {
        tr_reader_refuse(reader, value->at, "a key of %s, expected 1 to %d bytes",
                         value->key ? "no bytes" : "too many bytes", (int)TR_GGUF_MAX_KEY_LENGTH);
        return;
    }
    uint64_t at = reader->at;
    value->type = (uint32_t)tr_reader_number(reader, 4, "the type of a value");
    value->n = 1;
    if (reader->code)
        return;
    if (value->type >= TR_GGUF_TYPE_COUNT)
        tr_reader_refuse(reader, at, "a value of type %" PRIu32 ", expected 0 to 12", value->type);
    else if (value->type == TR_GGUF_STRING)
        value->text = read_text(p, TR_GGUF_MAX_TEXT, "a text value");
    else if (value->type == TR_GGUF_ARRAY)
        read_array(p, value);
    else if (is_integer(value->type))
        value->integer = read_integer(p, value->type);
    else
        tr_reader_skip(reader, scalar_size[value->type], "a number");
}

static int compare_values(const void *a, const void *b) {
    const struct tr_gguf_value *x = a, *y = b;
    int order = strcmp(x->key, y->key);
    return order ? order : (x->at > y->at) - (x->at < y->at);
}

static void read_values(struct parser *p, uint64_t n) {
    struct tr_gguf *gguf = p->gguf;
    size_t capacity = 0;
    for (uint64_t i = 0; i < n && !p->reader->code; i++) {
        if (gguf->n_values == capacity) {
            size_t more = capacity ? capacity * 2 : 64;
            struct tr_gguf_value *values = NULL;
            if (charge(p, (more - capacity) * sizeof(*values)))
                values = realloc(gguf->values, more * sizeof(*values));
            if (!values) {
                tr_reader_no_memory(p->reader);
                return;
            }
            gguf->values = values;
            capacity = more;
        }
        struct tr_gguf_value *value = &gguf->values[gguf->n_values++];
        *value = (struct tr_gguf_value){0};
        read_value(p, value);
    }
    if (p->reader->code || !gguf->n_values)
        return;
    qsort(gguf->values, gguf->n_values, sizeof(*gguf->values), compare_values);
    for (size_t i = 1; i < gguf->n_values; i++)
        if (!strcmp(gguf->values[i - 1].key, gguf->values[i].key))
            refuse_named(p->reader, gguf->values[i].at, "key", gguf->values[i].key,
                         "comes twice, expected once");
}

static uint64_t read_alignment(struct parser *p) {
    const struct tr_gguf_value *value = tr_gguf_get(p->gguf, "general.alignment");
    if (!value)
        return 32; /* the format's default */
    int64_t n = value->integer;
    if (value->type != TR_GGUF_UINT32 || n < 1 || n > TR_GGUF_MAX_ALIGNMENT || (n & (n - 1))) {
        tr_reader_refuse(p->reader, value->at,
                         "general.alignment, expected a 32-bit power of two up to %d",
                         (int)TR_GGUF_MAX_ALIGNMENT);
        return 32;
    }
    return (uint64_t)n;
}

static struct tr_tensor *new_tensor(struct parser *p) {
    struct tr_gguf *gguf = p->gguf;
    if (gguf->n_tensors >= p->tensor_capacity) {
        size_t capacity = gguf->n_tensors < 32 ? 64 : gguf->n_tensors * 2;
        struct tr_tensor *tensors = realloc(gguf->tensors, capacity * sizeof(*tensors));
        if (!tensors) {
            tr_reader_no_memory(p->reader);
            return NULL;
        }
        gguf->tensors = tensors;
        p->tensor_capacity = capacity;
    }
    struct tr_tensor *tensor = &gguf->tensors[gguf->n_tensors];
    *tensor = (struct tr_tensor){.ne = {1, 1, 1, 1}};
    return tensor;
}

static void read_name(struct parser *p, struct tr_tensor *tensor) {
    struct tr_reader *reader = p->reader;
    uint64_t length = count(p, "the name of a tensor");
    if (!reader->code && (length == 0 || length >= sizeof(tensor->name))) {
        tr_reader_refuse(reader, tensor->at,
                         "a tensor's name of %" PRIu64 " bytes, expected 1 to %zu", length,
                         sizeof(tensor->name) - 1);
        return;
    }
    if (reader->code)
        return;
    tr_reader_get(reader, tensor->name, (size_t)length, "the name of a tensor");
    if (!reader->code && strlen(tensor->name) != length)
        tr_reader_refuse(reader, tensor->at, "a NUL byte in a tensor's name, expected text");
}

static void read_dimensions(struct parser *p, struct tr_tensor *tensor) {
    struct tr_reader *reader = p->reader;
    uint64_t at = reader->at;
    tensor->n_dims = (uint32_t)tr_reader_number(reader, 4, "the dimensions of a tensor");
    if (!reader->code && tensor->n_dims > 4) {
        tr_reader_refuse(reader, at, "%" PRIu32 " dimensions, expected at most 4", tensor->n_dims);
        return;
    }
    uint64_t elements = 1;
    bool fits = true;
    for (uint32_t i = 0; i < tensor->n_dims && !reader->code; i++) {
        tensor->ne[i] = count(p, "the dimensions of a tensor");
        fits = fits && tensor->ne[i] <= INT64_MAX &&
               !__builtin_mul_overflow(elements, tensor->ne[i], &elements);
    }
    if (!fits || elements > INT64_MAX)
        refuse_named(reader, at, "tensor", tensor->name,
                     "expected fewer than 2^63 elements in all");
}

static void read_tensor(struct parser *p, uint32_t shard, uint64_t *ret_offset) {
    struct tr_reader *reader = p->reader;
    struct tr_tensor *tensor = new_tensor(p);
    if (!tensor)
        return;
    tensor->shard = shard;
    tensor->at = reader->at;
    read_name(p, tensor);
    read_dimensions(p, tensor);
    uint64_t at = reader->at;
    uint32_t type = (uint32_t)tr_reader_number(reader, 4, "the type of a tensor");
    *ret_offset = tr_reader_number(reader, 8, "the offset of a tensor");
    if (reader->code)
        return;
    tensor->type = tr_quant_by_id(type);
    if (!tensor->type)
        tr_reader_refuse(reader, at, "tensor type %" PRIu32 ", expected a type that is known",
                         type);
    else if (!tensor->type->block)
        tr_reader_refuse(reader, at, "tensor type %" PRIu32 " (%s) was removed from the format; %s",
                         type, tensor->type->name, "expected one that is still in use");
    else if (!tr_quant_size(tensor->type, tensor->ne, &tensor->bytes))
        tr_reader_refuse(reader, at,
                         "rows of %" PRIu64 " elements, expected a multiple of %" PRIu32
                         " for %s and a size below 2^63 bytes",
                         tensor->ne[0], tensor->type->block, tensor->type->name);
    p->gguf->n_tensors++;
}

/* Tensor data lies behind the header; offsets count from its aligned end. */
static void check_extent(struct parser *p, const struct tr_tensor *tensor, uint64_t offset,
                         uint64_t alignment, uint64_t data_at) {
    uint64_t end;
    if (offset % alignment)
        refuse_named(p->reader, tensor->at, "tensor", tensor->name,
                     "its offset is not aligned, expected a multiple of general.alignment");
    else if (__builtin_add_overflow(data_at, offset, &end) ||
             __builtin_add_overflow(end, tensor->bytes, &end) || end > p->reader->size)
        refuse_named(p->reader, tensor->at, "tensor", tensor->name,
                     "its data lies behind the end of the file. Expected a complete file: was the "
                     "download cut short?");
}

static void read_tensors(struct parser *p, uint64_t n, uint32_t shard, uint64_t alignment) {
    struct tr_reader *reader = p->reader;
    size_t first = p->gguf->n_tensors;
    uint64_t *offsets = calloc(n ? (size_t)n : 1, sizeof(*offsets));
    if (!offsets) {
        tr_reader_no_memory(reader);
        return;
    }
    for (uint64_t i = 0; i < n && !reader->code; i++)
        read_tensor(p, shard, &offsets[i]);
    uint64_t data_at = (reader->at + alignment - 1) / alignment * alignment;
    uint64_t total = 0;
    for (uint64_t i = 0; i < n && !reader->code; i++) {
        const struct tr_tensor *tensor = &p->gguf->tensors[first + i];
        check_extent(p, tensor, offsets[i], alignment, data_at);
        total += tensor->bytes; /* no overflow: each is smaller than the file, and is checked */
        if (total > reader->size)
            refuse_named(reader, tensor->at, "tensor", tensor->name,
                         "overlaps others: expected sizes that add up to at most the file's");
    }
    free(offsets);
}

static void read_version(struct parser *p) {
    struct tr_reader *reader = p->reader;
    uint8_t magic[4] = {0};
    tr_reader_get(reader, magic, sizeof(magic), "the magic number");
    if (!reader->code && memcmp(magic, "GGUF", sizeof(magic)) != 0)
        tr_reader_refuse(reader, 0, "not a GGUF file: it begins with %02x %02x %02x %02x, %s",
                         magic[0], magic[1], magic[2], magic[3], "expected 47 47 55 46 (\"GGUF\")");
    p->version = (uint32_t)tr_reader_number(reader, 4, "the version");
    if (reader->code)
        return;
    if (p->version && !(p->version & 0xffff))
        tr_reader_refuse(reader, 4, "a big-endian GGUF file, expected a little-endian one");
    else if (p->version < 1 || p->version > 3)
        tr_reader_refuse(reader, 4, "GGUF version %" PRIu32 ", expected 1 to 3", p->version);
    p->count_size = p->version == 1 ? 4 : 8;
}

void tr_gguf_parse(struct tr_reader *reader, uint32_t shard, struct tr_gguf *gguf) {
    struct parser p = {.reader = reader, .gguf = gguf, .tensor_capacity = gguf->n_tensors};
    read_version(&p);
    if (reader->code)
        return;
    uint64_t tensors_at = reader->at;
    uint64_t n_tensors = count(&p, "the number of tensors");
    uint64_t keys_at = reader->at;
    uint64_t n_keys = count(&p, "the number of keys");
    /* The shortest entries: a key has length, type and 1 byte of value; a tensor has length,
     * number of dimensions, type and offset. */
    uint64_t left = tr_reader_left(reader);
    uint64_t most = left / (p.count_size + 16);
    if (most > TR_GGUF_MAX_TENSORS - gguf->n_tensors)
        most = TR_GGUF_MAX_TENSORS - gguf->n_tensors;
    if (!reader->code && n_tensors > most)
        tr_reader_refuse(reader, tensors_at, "%" PRIu64 " tensors, expected at most %" PRIu64,
                         n_tensors, most);
    most = left / (p.count_size + 5);
    if (most > TR_GGUF_MAX_KEYS)
        most = TR_GGUF_MAX_KEYS;
    if (!reader->code && n_keys > most)
        tr_reader_refuse(reader, keys_at, "%" PRIu64 " keys, expected at most %" PRIu64, n_keys,
                         most);
    if (reader->code)
        return;
    read_values(&p, n_keys);
    uint64_t alignment = reader->code ? 32 : read_alignment(&p);
    if (!reader->code)
        read_tensors(&p, n_tensors, shard, alignment);
    gguf->file_bytes += reader->size;
    gguf->shards++;
}

static int compare_tensors(const void *a, const void *b) {
    const struct tr_tensor *x = *(const struct tr_tensor *const *)a;
    const struct tr_tensor *y = *(const struct tr_tensor *const *)b;
    int order = strcmp(x->name, y->name);
    return order ? order : (x > y) - (x < y);
}

int tr_gguf_check_names(const struct tr_gguf *gguf, const char *const *paths,
                        struct tr_err *reterr) {
    const struct tr_tensor **sorted = calloc(gguf->n_tensors + 1, sizeof(*sorted));
    int code = 0;
    if (!sorted)
        return TR_ENOMEM;
    for (size_t i = 0; i < gguf->n_tensors; i++)
        sorted[i] = &gguf->tensors[i];
    qsort(sorted, gguf->n_tensors, sizeof(*sorted), compare_tensors);
    for (size_t i = 1; i < gguf->n_tensors && !code; i++) {
        const struct tr_tensor *tensor = sorted[i];
        if (strcmp(sorted[i - 1]->name, tensor->name) != 0)
            continue;
        char *shown = tr_printable(tensor->name);
        code = tr_err_set(reterr, TR_EFORMAT,
                          "%.300s: byte %" PRIu64 ": tensor '%.80s' comes twice, expected once",
                          paths[tensor->shard], tensor->at, shown ? shown : "?");
        free(shown);
    }
    free(sorted);
    return code;
}

void tr_gguf_clear_values(struct tr_gguf *gguf) {
    for (size_t i = 0; i < gguf->n_values; i++) {
        free(gguf->values[i].key);
        free(gguf->values[i].text);
        free(gguf->values[i].integers);
    }
    free(gguf->values);
    gguf->values = NULL;
    gguf->n_values = 0;
}
