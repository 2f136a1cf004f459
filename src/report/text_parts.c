#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

/* Heap copy fit for the terminal; NULL when out of memory. */
static char *safe(const struct tr_term *term, const char *from_file) {
    char *printable = tr_printable(from_file);
    if (!printable || term->unicode)
        return printable;
    char *to = printable;
    for (const char *from = printable; *from; from++) {
        if (((unsigned char)*from & 0xc0) == 0x80)
            continue; /* the rest of a character that became one '?' */
        *to++ = (unsigned char)*from < 0x80 ? *from : '?';
    }
    *to = '\0';
    return printable;
}

void tr_text_add(struct tr_text *text, struct tr_strbuf *out, const char *from_file) {
    char *copy = safe(&text->term, from_file);
    if (copy)
        tr_strbuf_add(out, copy);
    else
        out->failed = true;
    free(copy);
}

/* Bytes of the UTF-8 character at `at`; the text is valid. */
static size_t character(const char *at) {
    size_t n = 1;
    while (((unsigned char)at[n] & 0xc0) == 0x80)
        n++;
    return n;
}

/* Bytes of `word` that fit into `columns`, at least one character. */
static size_t fitting(const char *word, size_t n, size_t columns) {
    size_t used = 0, bytes = 0;
    while (bytes < n) {
        char one[8] = {0};
        size_t length = character(word + bytes);
        if (length >= sizeof(one))
            length = sizeof(one) - 1;
        memcpy(one, word + bytes, length);
        used += tr_display_width(one);
        if (used > columns && bytes)
            break;
        bytes += length;
    }
    return bytes;
}

void tr_text_cell(struct tr_text *text, struct tr_table *table, const char *from_file, size_t max) {
    char *copy = safe(&text->term, from_file ? from_file : "");
    if (copy && tr_display_width(copy) > max) {
        copy[fitting(copy, strlen(copy), max - 1)] = '\0';
        tr_table_addf(table, "%s%s", copy, text->term.unicode ? "…" : "~");
    } else {
        tr_table_add(table, copy);
    }
    if (!copy)
        table->failed = true;
    free(copy);
}

static size_t width_of(const char *bytes, size_t n) {
    char *copy = strndup(bytes, n);
    size_t width = copy ? tr_display_width(copy) : n;
    free(copy);
    return width;
}

void tr_text_wrap(struct tr_text *text, const char *line, size_t hanging) {
    size_t room = text->term.width, used = 0, pending = 0;
    while (*line) {
        size_t blanks = strspn(line, " ");
        const char *word = line + blanks;
        size_t n = strcspn(word, " ");
        if (!n)
            break;
        size_t width = width_of(word, n);
        pending = blanks;
        if (used > hanging && used + pending + width > room) {
            tr_strbuf_add(text->out, "\n");
            tr_strbuf_repeat(text->out, " ", hanging);
            used = hanging;
            pending = 0;
        }
        if (used + pending + width > room) { /* longer than a line */
            n = fitting(word, n, room - used - pending);
            width = width_of(word, n);
        }
        tr_strbuf_repeat(text->out, " ", pending);
        tr_strbuf_add_bytes(text->out, word, n);
        used += pending + width;
        line = word + n;
    }
    tr_strbuf_add(text->out, "\n");
}

void tr_text_wrapf(struct tr_text *text, size_t hanging, const char *format, ...) {
    struct tr_strbuf line = {0};
    va_list args;
    va_start(args, format);
    tr_strbuf_vaddf(&line, format, args);
    va_end(args);
    if (line.failed)
        text->out->failed = true;
    else
        tr_text_wrap(text, line.text, hanging);
    tr_strbuf_finish(&line);
}

void tr_text_head(struct tr_text *text, const char *line) {
    tr_text_wrapf(text, 0, "%s%s%s", tr_text_tone(text, TR_TONE_HEAD), line, tr_text_plain(text));
}

const char *tr_text_tone(const struct tr_text *text, enum tr_tone tone) {
    if (!text->term.color)
        return "";
    switch (tone) {
    case TR_TONE_GOOD:
        return "\033[32m";
    case TR_TONE_DOUBTFUL:
        return "\033[33m";
    case TR_TONE_BAD:
        return "\033[31m";
    case TR_TONE_HEAD:
        return "\033[1m";
    default:
        return "\033[0m";
    }
}

const char *tr_text_plain(const struct tr_text *text) {
    return text->term.color ? "\033[0m" : "";
}

struct tr_number tr_text_number_like(double value, double like) {
    struct tr_number number;
    double size = fabs(like);
    if (!isfinite(value) || !isfinite(like))
        snprintf(number.text, sizeof(number.text), "-");
    else if (size >= 1e6 || fabs(value) >= 1e9 || (size > 0 && size < 0.01))
        snprintf(number.text, sizeof(number.text), "%.3g", value);
    else
        snprintf(number.text, sizeof(number.text), "%.*f",
                 size >= 1000  ? 0
                 : size >= 100 ? 1
                               : 2,
                 value);
    return number;
}

struct tr_number tr_text_number(double value) {
    return tr_text_number_like(value, value);
}

struct tr_number tr_text_measured(double value, double median, double half_width) {
    struct tr_number number;
    double size = fabs(median);
    if (!isfinite(value) || !isfinite(median))
        return tr_text_number_like(value, median);
    if (isfinite(half_width) && half_width <= 0.005 * size)
        return tr_text_number_like(value, median);
    if (size >= 1e6 || fabs(value) >= 1e9 || (size > 0 && size < 0.01)) {
        snprintf(number.text, sizeof(number.text), "%.3g", value);
        return number;
    }
    int places = size >= 100 ? 0 : size >= 10 ? 1 : 2;
    double unit = size >= 1e5 ? 1000 : size >= 1e4 ? 100 : size >= 1000 ? 10 : 0;
    snprintf(number.text, sizeof(number.text), "%.*f", places,
             unit > 0 ? round(value / unit) * unit : value);
    return number;
}

double tr_text_half_width(const struct tr_measurement *measurement) {
    return (measurement->ci95[1] - measurement->ci95[0]) / 2;
}

size_t tr_text_lines(const char *text) {
    size_t n = 0;
    for (; text && *text; text++)
        n += *text == '\n';
    return n;
}

size_t tr_text_columns(const char *lines) {
    size_t most = 0;
    while (lines && *lines) {
        size_t n = strcspn(lines, "\n");
        size_t width = width_of(lines, n);
        if (width > most)
            most = width;
        lines += n + (lines[n] == '\n');
    }
    return most;
}

char *tr_text_bytes(int64_t bytes) {
    static const struct {
        const char *unit;
        int shift;
    } units[] = {{"TiB", 40}, {"GiB", 30}, {"MiB", 20}, {"KiB", 10}};
    if (bytes < 0)
        return strdup("?");
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (bytes >= INT64_C(1) << units[i].shift)
            return tr_format("%.4g %s", (double)bytes / (double)(INT64_C(1) << units[i].shift),
                             units[i].unit);
    return tr_format("%" PRId64 " B", bytes);
}
