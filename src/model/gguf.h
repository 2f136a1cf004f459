/* The header of a GGUF file: metadata and the list of tensors, without their data.
 *
 * Files are not trusted: every length is checked against what is left of the file before it is
 * used, and at most about 16 MiB of memory are taken whatever the file says.
 */
#ifndef TR_MODEL_GGUF_H
#define TR_MODEL_GGUF_H

#include <stddef.h>
#include <stdint.h>

#include "quant.h"
#include "tokenroof/err.h"

enum {
    TR_GGUF_MAX_TENSORS = 65536,    /* largest known files: fewer than 10000 */
    TR_GGUF_MAX_KEYS = 65536,       /* known files: fewer than 200 */
    TR_GGUF_MAX_METADATA = 3 << 20, /* bytes of keys and values that are kept */
    TR_GGUF_MAX_KEY_LENGTH = 65535, /* the format's own limit */
    TR_GGUF_MAX_TEXT = 256,         /* longer values (chat templates) are skipped */
    TR_GGUF_MAX_ELEMENTS = 4096,    /* longer arrays (vocabularies) are skipped; = most blocks */
    TR_GGUF_MAX_ALIGNMENT = 1 << 20,
    TR_GGUF_MAX_SHARDS = 1024,
    TR_GGUF_NAME_SIZE = 64, /* tensor name with its NUL */
};

enum tr_gguf_type {
    TR_GGUF_UINT8,
    TR_GGUF_INT8,
    TR_GGUF_UINT16,
    TR_GGUF_INT16,
    TR_GGUF_UINT32,
    TR_GGUF_INT32,
    TR_GGUF_FLOAT32,
    TR_GGUF_BOOL,
    TR_GGUF_STRING,
    TR_GGUF_ARRAY,
    TR_GGUF_UINT64,
    TR_GGUF_INT64,
    TR_GGUF_FLOAT64,
    TR_GGUF_TYPE_COUNT,
};

/* One metadata entry. Kept: whole numbers, booleans, short strings, short arrays of whole numbers;
 * of the rest only the type and the number of elements. */
struct tr_gguf_value {
    char *key;
    uint64_t at;   /* byte offset in its file */
    uint32_t type; /* enum tr_gguf_type */
    uint32_t element_type;
    uint64_t n;        /* elements of an array, 1 otherwise */
    int64_t integer;   /* whole numbers and booleans; beyond 63 bits: INT64_MAX */
    char *text;        /* strings; NULL if too long to be kept */
    int64_t *integers; /* arrays of whole numbers and booleans; NULL if not kept */
};

struct tr_tensor {
    char name[TR_GGUF_NAME_SIZE];
    uint64_t ne[4]; /* ne[0] is the contiguous dimension; 1 where there are fewer dimensions */
    const struct tr_quant *type;
    uint64_t bytes;
    uint64_t at; /* byte offset of its entry in the header of its file */
    uint32_t n_dims;
    uint32_t shard; /* 0-based */
};

struct tr_gguf {
    struct tr_gguf_value *values; /* sorted by key; of the first shard */
    size_t n_values;
    struct tr_tensor *tensors; /* of all shards, in file order */
    size_t n_tensors;
    uint64_t file_bytes; /* of all shards */
    uint32_t shards;
};

/* `path`: a file, or the first one of a split set (<prefix>-00001-of-00003.gguf). TR_EIO if a file
 * cannot be read, TR_EFORMAT with file, byte offset and what was expected there. */
int tr_gguf_read_file(const char *path, struct tr_gguf *ret_gguf, struct tr_err *reterr);
/* The same for the bytes of one whole file; `name` is for messages. Split sets are refused. */
int tr_gguf_read_bytes(const void *bytes, size_t n, const char *name, struct tr_gguf *ret_gguf,
                       struct tr_err *reterr);
void tr_gguf_finish(struct tr_gguf *gguf);

/* NULL if absent. */
const struct tr_gguf_value *tr_gguf_get(const struct tr_gguf *gguf, const char *key);

#endif
