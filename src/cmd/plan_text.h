/* The plan of a measurement in words or as JSON (schema tokenroof.plan/1), for --dry-run. */
#ifndef TR_CMD_PLAN_TEXT_H
#define TR_CMD_PLAN_TEXT_H

#include "plan.h"
#include "strbuf.h"
#include "term.h"

struct tr_plan_text {
    const struct tr_machine *machine; /* the plan's */
    const struct tr_plan *plan;
    int64_t memory_bytes; /* at most, of the whole program */
};

/* A tr_render_fn (output.h); `data` is a struct tr_plan_text. TR_EUSAGE for other formats than text
 * and json, TR_ENOMEM. */
int tr_plan_render(const char *format, const struct tr_term *term, const void *data,
                   struct tr_strbuf *out, struct tr_err *reterr);

#endif
