/* Little-endian fields from a file or a buffer, with every length checked.
 *
 * The first failure is kept: later calls return 0 and do nothing, so that a parser can read several
 * fields and check once.
 */
#ifndef TR_MODEL_GGUF_READER_H
#define TR_MODEL_GGUF_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tokenroof/err.h"

enum { TR_READER_WINDOW = 65536 };

struct tr_reader {
    const char *name;     /* of the file, for messages */
    int fd;               /* -1: all bytes are in `window` */
    const uint8_t *bytes; /* what has been read: window_length bytes from window_at */
    uint8_t *window;      /* NULL for a buffer */
    uint64_t window_at, window_length;
    uint64_t size; /* of the file */
    uint64_t at;   /* next byte */
    int code;      /* first failure */
    struct tr_err err;
};

/* TR_EIO if it cannot be opened or is no regular file. */
int tr_reader_open(struct tr_reader *reader, const char *path, struct tr_err *reterr);
void tr_reader_from_bytes(struct tr_reader *reader, const void *bytes, size_t n, const char *name);
void tr_reader_finish(struct tr_reader *reader);

uint64_t tr_reader_left(const struct tr_reader *reader);
/* `what` names the field in the message about a file that ends too early. */
void tr_reader_get(struct tr_reader *reader, void *bytes, size_t n, const char *what);
void tr_reader_skip(struct tr_reader *reader, uint64_t n, const char *what);
/* A number of 1, 2, 4 or 8 bytes. */
uint64_t tr_reader_number(struct tr_reader *reader, size_t size, const char *what);
/* Records TR_EFORMAT with the file's name and a byte offset. */
void tr_reader_refuse(struct tr_reader *reader, uint64_t at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void tr_reader_no_memory(struct tr_reader *reader);

#endif
