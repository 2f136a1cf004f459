#include "verdicts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "markup.h"
#include "term.h"

const char *tr_verdict_name(enum tr_verdict_kind verdict) {
    static const char *const names[] = {"pass", "warn", "fail", "skip"};
    return names[verdict];
}

/* "421.3 GB/s (430 to 460): why [where the expectation comes from]". */
static char *sentence(const struct tr_verdict *at) {
    struct tr_strbuf text = {0};
    tr_strbuf_add(&text, "");
    if (isfinite(at->value))
        tr_strbuf_addf(&text, "%.6g%s%s", at->value, at->unit ? " " : "", at->unit ? at->unit : "");
    if (isfinite(at->low) && isfinite(at->high))
        tr_strbuf_addf(&text, " (%.6g to %.6g)", at->low, at->high);
    else if (isfinite(at->low))
        tr_strbuf_addf(&text, " (at least %.6g)", at->low);
    else if (isfinite(at->high))
        tr_strbuf_addf(&text, " (at most %.6g)", at->high);
    if (at->why)
        tr_strbuf_addf(&text, "%s%s", text.length ? ": " : "", at->why);
    if (at->from)
        tr_strbuf_addf(&text, "%s[%s]", text.length ? " " : "", at->from);
    return tr_strbuf_take(&text);
}

static size_t count(const struct tr_verdict *verdicts, size_t n, enum tr_verdict_kind kind) {
    size_t found = 0;
    for (size_t i = 0; i < n; i++)
        found += verdicts[i].verdict == kind;
    return found;
}

void tr_verdicts_junit(const char *suite, const struct tr_verdict *verdicts, size_t n,
                       struct tr_strbuf *out) {
    tr_strbuf_add(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"");
    tr_markup_text(out, suite);
    tr_strbuf_addf(out, "\" tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"%zu\">\n", n,
                   count(verdicts, n, TR_VERDICT_FAIL), count(verdicts, n, TR_VERDICT_SKIP));
    for (size_t i = 0; i < n; i++) {
        const struct tr_verdict *at = &verdicts[i];
        static const char *const opening[] = {
            "<system-out>", "<system-out>warning: ", "<failure message=\"", "<skipped message=\""};
        static const char *const closing[] = {"</system-out>", "</system-out>", "\"/>", "\"/>"};
        char *text = sentence(at);
        tr_strbuf_add(out, "  <testcase classname=\"tokenroof.");
        tr_markup_text(out, suite);
        tr_strbuf_add(out, "\" name=\"");
        tr_markup_text(out, at->name);
        tr_strbuf_addf(out, "\">%s", opening[at->verdict]);
        tr_markup_text(out, text);
        tr_strbuf_addf(out, "%s</testcase>\n", closing[at->verdict]);
        free(text);
    }
    tr_strbuf_add(out, "</testsuite>\n");
}

/* Text in a line of TAP: `#` begins a directive. */
static void add_tap(struct tr_strbuf *out, const char *text) {
    char *printable = tr_printable(text ? text : "");
    if (!printable)
        out->failed = true;
    for (const char *at = printable; at && *at; at++) {
        if (*at == '#' || *at == '\\')
            tr_strbuf_add(out, "\\");
        tr_strbuf_add_bytes(out, at, 1);
    }
    free(printable);
}

void tr_verdicts_tap(const struct tr_verdict *verdicts, size_t n, struct tr_strbuf *out) {
    tr_strbuf_addf(out, "TAP version 13\n1..%zu\n", n);
    for (size_t i = 0; i < n; i++) {
        const struct tr_verdict *at = &verdicts[i];
        char *text = sentence(at);
        tr_strbuf_addf(out, "%s %zu - ", at->verdict == TR_VERDICT_FAIL ? "not ok" : "ok", i + 1);
        add_tap(out, at->name);
        if (at->verdict == TR_VERDICT_SKIP) {
            tr_strbuf_add(out, " # SKIP ");
            add_tap(out, text);
            tr_strbuf_add(out, "\n");
        } else {
            tr_strbuf_addf(out, "\n# %s: ", tr_verdict_name(at->verdict));
            add_tap(out, text);
            tr_strbuf_add(out, "\n");
        }
        free(text);
    }
}

static void add_csv_number(struct tr_strbuf *out, double value) {
    if (isfinite(value))
        tr_strbuf_addf(out, "%.9g", value);
    tr_strbuf_add(out, ",");
}

void tr_verdicts_csv(const struct tr_verdict *verdicts, size_t n, struct tr_strbuf *out) {
    tr_strbuf_add(out, "name,verdict,value,unit,low,high,why\r\n");
    for (size_t i = 0; i < n; i++) {
        const struct tr_verdict *at = &verdicts[i];
        tr_csv_text(out, at->name);
        tr_strbuf_addf(out, ",%s,", tr_verdict_name(at->verdict));
        add_csv_number(out, at->value);
        tr_csv_text(out, at->unit);
        tr_strbuf_add(out, ",");
        add_csv_number(out, at->low);
        add_csv_number(out, at->high);
        tr_csv_text(out, at->why);
        tr_strbuf_add(out, "\r\n");
    }
}
