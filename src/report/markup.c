#include "markup.h"

#include <stdlib.h>
#include <string.h>

#include "term.h"

void tr_markup_text(struct tr_strbuf *out, const char *from_file) {
    char *printable = tr_printable(from_file ? from_file : "");
    if (!printable) {
        out->failed = true;
        return;
    }
    for (const char *at = printable; *at; at++) {
        switch (*at) {
        case '&':
            tr_strbuf_add(out, "&amp;");
            break;
        case '<':
            tr_strbuf_add(out, "&lt;");
            break;
        case '>':
            tr_strbuf_add(out, "&gt;");
            break;
        case '"':
            tr_strbuf_add(out, "&quot;");
            break;
        case '\'':
            tr_strbuf_add(out, "&#39;");
            break;
        default:
            tr_strbuf_add_bytes(out, at, 1);
        }
    }
    free(printable);
}

void tr_csv_text(struct tr_strbuf *out, const char *text) {
    char *printable = tr_printable(text ? text : "");
    if (!printable) {
        out->failed = true;
        return;
    }
    /* Spreadsheets would take it for a formula. */
    const char *shield = strchr("=+-@", *printable) && *printable ? "'" : "";
    if (!strpbrk(printable, ",\"")) {
        tr_strbuf_addf(out, "%s%s", shield, printable);
    } else {
        tr_strbuf_addf(out, "\"%s", shield);
        for (const char *at = printable; *at; at++) {
            tr_strbuf_add_bytes(out, at, 1);
            if (*at == '"')
                tr_strbuf_add(out, "\"");
        }
        tr_strbuf_add(out, "\"");
    }
    free(printable);
}
