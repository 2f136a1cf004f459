#include "markup.h"

#include <stdlib.h>

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
