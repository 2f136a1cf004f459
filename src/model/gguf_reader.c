#include "gguf_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int tr_reader_open(struct tr_reader *reader, const char *path, struct tr_err *reterr) {
    struct stat info;
    int code = 0;
    /* O_NONBLOCK and the check for a regular file: a FIFO or a device must not hang the program.
     * pread instead of mmap: a file that shrinks meanwhile is an error, not a SIGBUS. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &info))
        code = tr_err_set(reterr, TR_EIO, "%.300s: %s", path, strerror(errno));
    else if (!S_ISREG(info.st_mode))
        code = tr_err_set(reterr, TR_EIO, "%.300s: not a regular file", path);
    uint8_t *window = code ? NULL : malloc(TR_READER_WINDOW);
    if (!code && !window)
        code = TR_ENOMEM;
    if (code) {
        if (fd >= 0)
            close(fd);
        return code;
    }
    *reader = (struct tr_reader){
        .name = path, .fd = fd, .bytes = window, .window = window, .size = (uint64_t)info.st_size};
    return 0;
}

void tr_reader_from_bytes(struct tr_reader *reader, const void *bytes, size_t n, const char *name) {
    *reader =
        (struct tr_reader){.name = name, .fd = -1, .bytes = bytes, .window_length = n, .size = n};
}

void tr_reader_finish(struct tr_reader *reader) {
    if (reader->window) {
        free(reader->window);
        close(reader->fd);
    }
    *reader = (struct tr_reader){.fd = -1};
}

void tr_reader_refuse(struct tr_reader *reader, uint64_t at, const char *format, ...) {
    char text[384];
    va_list args;
    if (reader->code)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    reader->code = tr_err_set(&reader->err, TR_EFORMAT, "%.300s: byte %" PRIu64 ": %s",
                              reader->name, at, text);
}

void tr_reader_no_memory(struct tr_reader *reader) {
    if (!reader->code)
        reader->code = tr_err_set(&reader->err, TR_ENOMEM, "out of memory");
}

uint64_t tr_reader_left(const struct tr_reader *reader) {
    return reader->size - reader->at;
}

/* Makes the bytes from `at` on available; how many, up to `wanted`, or 0 after a failure. */
static size_t fill(struct tr_reader *reader, size_t wanted) {
    bool inside =
        reader->at >= reader->window_at && reader->at - reader->window_at < reader->window_length;
    if (!inside) {
        ssize_t n;
        do
            n = pread(reader->fd, reader->window, TR_READER_WINDOW, (off_t)reader->at);
        while (n < 0 && errno == EINTR);
        if (n <= 0) {
            reader->code =
                tr_err_set(&reader->err, TR_EIO, "%.300s: byte %" PRIu64 ": %s", reader->name,
                           reader->at, n ? strerror(errno) : "the file became shorter");
            return 0;
        }
        reader->window_at = reader->at;
        reader->window_length = (uint64_t)n;
    }
    uint64_t available = reader->window_at + reader->window_length - reader->at;
    return available < wanted ? (size_t)available : wanted;
}

static bool enough(struct tr_reader *reader, uint64_t n, const char *what) {
    if (!reader->code && n > tr_reader_left(reader))
        tr_reader_refuse(reader, reader->at,
                         "the file ends within %s: expected %" PRIu64 " more bytes, %" PRIu64
                         " are left",
                         what, n, tr_reader_left(reader));
    return !reader->code;
}

void tr_reader_get(struct tr_reader *reader, void *bytes, size_t n, const char *what) {
    uint8_t *to = bytes;
    bool ok = enough(reader, n, what);
    while (ok && n) {
        size_t got = fill(reader, n);
        if (!got)
            break;
        memcpy(to, reader->bytes + (reader->at - reader->window_at), got);
        to += got;
        n -= got;
        reader->at += got;
    }
    memset(to, 0, n); /* what could not be read is zero, never indeterminate */
}

void tr_reader_skip(struct tr_reader *reader, uint64_t n, const char *what) {
    if (enough(reader, n, what))
        reader->at += n;
}

uint64_t tr_reader_number(struct tr_reader *reader, size_t size, const char *what) {
    uint8_t bytes[8] = {0};
    uint64_t value = 0;
    tr_reader_get(reader, bytes, size, what);
    for (size_t i = size; i-- > 0;)
        value = value << 8 | bytes[i];
    return value;
}
