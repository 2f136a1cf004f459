#include "strbuf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool reserve(struct tr_strbuf *buf, size_t extra) {
    if (buf->failed)
        return false;
    if (extra > (size_t)-1 / 4 - buf->length) {
        buf->failed = true;
        return false;
    }
    size_t needed = buf->length + extra + 1;
    if (needed <= buf->capacity)
        return true;
    size_t capacity = buf->capacity ? buf->capacity : 64;
    while (capacity < needed)
        capacity *= 2;
    char *text = realloc(buf->text, capacity);
    if (!text) {
        buf->failed = true;
        return false;
    }
    buf->text = text;
    buf->capacity = capacity;
    return true;
}

void tr_strbuf_add_bytes(struct tr_strbuf *buf, const char *bytes, size_t n) {
    if (!reserve(buf, n))
        return;
    if (n)
        memcpy(buf->text + buf->length, bytes, n);
    buf->length += n;
    buf->text[buf->length] = '\0';
}

void tr_strbuf_add(struct tr_strbuf *buf, const char *text) {
    tr_strbuf_add_bytes(buf, text, strlen(text));
}

void tr_strbuf_vaddf(struct tr_strbuf *buf, const char *format, va_list args) {
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    if (n < 0)
        buf->failed = true;
    else if (reserve(buf, (size_t)n)) {
        vsnprintf(buf->text + buf->length, (size_t)n + 1, format, again);
        buf->length += (size_t)n;
    }
    va_end(again);
}

void tr_strbuf_addf(struct tr_strbuf *buf, const char *format, ...) {
    va_list args;
    va_start(args, format);
    tr_strbuf_vaddf(buf, format, args);
    va_end(args);
}

void tr_strbuf_repeat(struct tr_strbuf *buf, const char *text, size_t n) {
    for (size_t i = 0; i < n; i++)
        tr_strbuf_add(buf, text);
}

void tr_strbuf_add_figure(struct tr_strbuf *buf, double value, int digits) {
    double most = 1;
    for (int i = 0; i < digits; i++)
        most *= 10;
    if (value > -most && value < most - 0.5)
        tr_strbuf_addf(buf, "%.*g", digits, value);
    else
        tr_strbuf_addf(buf, "%.0f", value);
}

char *tr_strbuf_take(struct tr_strbuf *buf) {
    char *text = buf->text;
    if (buf->failed || (!text && !(text = calloc(1, 1)))) {
        tr_strbuf_finish(buf);
        return NULL;
    }
    *buf = (struct tr_strbuf){0};
    return text;
}

void tr_strbuf_finish(struct tr_strbuf *buf) {
    if (!buf)
        return;
    free(buf->text);
    *buf = (struct tr_strbuf){0};
}

char *tr_format(const char *format, ...) {
    struct tr_strbuf buf = {0};
    va_list args;
    va_start(args, format);
    tr_strbuf_vaddf(&buf, format, args);
    va_end(args);
    return tr_strbuf_take(&buf);
}
