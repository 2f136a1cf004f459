#include "term.h"

#include <langinfo.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "parse.h"
#include "strbuf.h"

enum { NARROWEST = 40, WIDEST = 1000, USUAL = 100 };

size_t tr_term_window_columns(int fd) {
    struct winsize size = {0};
    return ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

static size_t terminal_width(int fd) {
    const char *columns = getenv("COLUMNS");
    int64_t width = 0;
    if (!columns || tr_parse_int(columns, 1, 100000, &width, NULL)) {
        size_t window = tr_term_window_columns(fd);
        width = window ? (int64_t)window : USUAL;
    }
    if (width < NARROWEST)
        return NARROWEST;
    return width > WIDEST ? WIDEST : (size_t)width;
}

void tr_term_detect(int fd, struct tr_term *ret_term) {
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    struct tr_term found = {0};
    found.width = terminal_width(fd);
    found.unicode = !strcmp(nl_langinfo(CODESET), "UTF-8");
    found.is_terminal = isatty(fd) == 1;
    found.color = found.is_terminal && !(no_color && *no_color) && term && strcmp(term, "dumb");
    *ret_term = found;
}

/* Bytes of the well-formed UTF-8 sequence at `text` and its code point; 0 if it is not well-formed
 * (truncated, overlong, surrogate, above U+10FFFF). */
static size_t decode(const char *text, uint32_t *ret_point) {
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *at = (const unsigned char *)text;
    size_t length;
    uint32_t point;
    if (at[0] < 0x80) {
        *ret_point = at[0];
        return 1;
    }
    if (at[0] >= 0xc2 && at[0] < 0xe0)
        length = 2, point = at[0] & 0x1f;
    else if (at[0] >= 0xe0 && at[0] < 0xf0)
        length = 3, point = at[0] & 0x0f;
    else if (at[0] >= 0xf0 && at[0] < 0xf5)
        length = 4, point = at[0] & 0x07;
    else
        return 0;
    for (size_t i = 1; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80) /* also stops at the terminating NUL */
            return 0;
        point = point << 6 | (at[i] & 0x3f);
    }
    if (point < smallest[length] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
        return 0;
    *ret_point = point;
    return length;
}

struct range {
    uint32_t first, last;
};

static bool in_ranges(uint32_t point, const struct range *ranges, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (point >= ranges[i].first && point <= ranges[i].last)
            return true;
    return false;
}

/* Combining marks, joiners and variation selectors, by Unicode block. */
static bool is_zero_width(uint32_t point) {
    static const struct range ranges[] = {
        {0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd},   {0x064b, 0x065f}, {0x1ab0, 0x1aff},
        {0x1dc0, 0x1dff}, {0x200b, 0x200f}, {0x2060, 0x2064},   {0x20d0, 0x20ff}, {0xfe00, 0xfe0f},
        {0xfe20, 0xfe2f}, {0xfeff, 0xfeff}, {0xe0100, 0xe01ef},
    };
    return in_ranges(point, ranges, sizeof(ranges) / sizeof(ranges[0]));
}

/* East Asian wide and full-width characters and the usual emoji blocks. */
static bool is_wide(uint32_t point) {
    static const struct range ranges[] = {
        {0x1100, 0x115f},   {0x2329, 0x232a},   {0x2e80, 0x303e},   {0x3041, 0x4dbf},
        {0x4e00, 0xa4cf},   {0xa960, 0xa97f},   {0xac00, 0xd7a3},   {0xf900, 0xfaff},
        {0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},   {0x1f300, 0x1f64f},
        {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd},
    };
    return in_ranges(point, ranges, sizeof(ranges) / sizeof(ranges[0]));
}

/* Bytes of a colour sequence (ESC [ digits ; m), 0 if there is none. */
static size_t color_length(const char *text) {
    if (text[0] != '\033' || text[1] != '[')
        return 0;
    size_t n = 2 + strspn(text + 2, "0123456789;");
    return text[n] == 'm' ? n + 1 : 0;
}

/* The bytes of what stands at `text` (a character, an invalid byte, a colour sequence) and its
 * columns. */
static size_t step(const char *text, size_t *ret_columns) {
    uint32_t point = 0;
    size_t n = color_length(text);
    *ret_columns = 0;
    if (n)
        return n;
    n = decode(text, &point);
    if (n && is_wide(point))
        *ret_columns = 2;
    else if (!n || !is_zero_width(point))
        *ret_columns = 1;
    return n ? n : 1;
}

size_t tr_display_width(const char *text) {
    size_t width = 0, columns;
    while (*text) {
        text += step(text, &columns);
        width += columns;
    }
    return width;
}

size_t tr_display_fit(const char *text, size_t width) {
    size_t fits = 0, columns;
    while (text[fits]) {
        size_t n = step(text + fits, &columns);
        if (columns > width)
            break;
        width -= columns;
        fits += n;
    }
    return fits;
}

/* What moves the cursor, ends a line or turns the direction of writing. */
static bool drives_terminal(uint32_t point) {
    static const struct range ranges[] = {
        {0x00, 0x1f},     {0x7f, 0x9f},     {0x061c, 0x061c}, {0x200e, 0x200f},   {0x2028, 0x202e},
        {0x2066, 0x2069}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe007f},
    };
    return in_ranges(point, ranges, sizeof(ranges) / sizeof(ranges[0]));
}

char *tr_printable(const char *text) {
    struct tr_strbuf out = {0};
    while (*text) {
        uint32_t point = 0;
        size_t n = decode(text, &point);
        if (n == 0 || drives_terminal(point))
            tr_strbuf_add(&out, "?");
        else
            tr_strbuf_add_bytes(&out, text, n);
        text += n ? n : 1;
    }
    return tr_strbuf_take(&out);
}
