/* Checks for people, and as lists of verdicts. */
#ifndef TR_CMD_VALIDATE_TEXT_H
#define TR_CMD_VALIDATE_TEXT_H

#include <stdbool.h>

#include "checks.h"
#include "strbuf.h"
#include "term.h"

/* `verbose`: with where each expectation comes from, not only those that were missed. */
void tr_checks_text(const struct tr_checks *checks, const char *machine, const char *calibration,
                    const struct tr_term *term, bool verbose, struct tr_strbuf *out);
/* `format`: "junit" or "tap". TR_ENOMEM. */
int tr_checks_verdicts(const struct tr_checks *checks, const char *format, struct tr_strbuf *out);

#endif
