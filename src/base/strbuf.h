/* A growing string. Zeroed = empty. Running out of memory is remembered in `failed`, so that a
 * chain of additions needs one check, at tr_strbuf_take(). */
#ifndef TR_BASE_STRBUF_H
#define TR_BASE_STRBUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct tr_strbuf {
    char *text; /* always terminated once something was added, NULL before */
    size_t length;
    size_t capacity;
    bool failed;
};

void tr_strbuf_add(struct tr_strbuf *buf, const char *text);
void tr_strbuf_add_bytes(struct tr_strbuf *buf, const char *bytes, size_t n);
void tr_strbuf_addf(struct tr_strbuf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void tr_strbuf_vaddf(struct tr_strbuf *buf, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
/* `n` times the same (possibly multi-byte) piece of text. */
void tr_strbuf_repeat(struct tr_strbuf *buf, const char *text, size_t n);
/* So many digits, as "%.3g" has them, but whole numbers above: 2480, not 2.48e+03. */
void tr_strbuf_add_figure(struct tr_strbuf *buf, double value, int digits);
/* Hands the string over and empties the buffer; NULL when memory ran out on the way. */
char *tr_strbuf_take(struct tr_strbuf *buf);
void tr_strbuf_finish(struct tr_strbuf *buf);

/* Heap copy of a formatted string, NULL when out of memory. */
char *tr_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
