/* Lists of verdicts in the forms that continuous integration reads. */
#ifndef TR_REPORT_VERDICTS_H
#define TR_REPORT_VERDICTS_H

#include <stddef.h>

#include "strbuf.h"

enum tr_verdict_kind { TR_VERDICT_PASS, TR_VERDICT_WARN, TR_VERDICT_FAIL, TR_VERDICT_SKIP };

/* One line of `validate`, `compare`, ...; texts NULL and numbers NAN where unknown. */
struct tr_verdict {
    const char *name;
    enum tr_verdict_kind verdict;
    double value;
    const char *unit;
    double low, high; /* what it was held against, or its interval */
    const char *from; /* where that comes from; not in the CSV */
    const char *why;  /* cause and remedy */
};

/* "pass" "warn" "fail" "skip" */
const char *tr_verdict_name(enum tr_verdict_kind verdict);
/* JUnit XML: one test suite called `suite`; a warning is a test that passed and says something. */
void tr_verdicts_junit(const char *suite, const struct tr_verdict *verdicts, size_t n,
                       struct tr_strbuf *out);
/* CSV, RFC 4180: name, verdict, value, unit, low, high, why. */
void tr_verdicts_csv(const struct tr_verdict *verdicts, size_t n, struct tr_strbuf *out);
/* TAP 13: a warning is `ok` with a diagnostic line, a skipped check has the directive SKIP. */
void tr_verdicts_tap(const struct tr_verdict *verdicts, size_t n, struct tr_strbuf *out);

#endif
