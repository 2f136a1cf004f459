/* The plan of a round: which figures, in which forms, for how long. */
#ifndef TR_CMD_TUNE_PLAN_H
#define TR_CMD_TUNE_PLAN_H

#include <jansson.h>

#include "measuring.h"

/* Plans a round of this machine; the `first` one of a recording has what predictions need. Finish
 * `measuring` also after a failure. */
int tr_tune_plan_round(struct tr_measuring *measuring, const struct tr_output_options *output,
                       const struct tr_progress_options *progress, bool first,
                       struct tr_err *reterr);
/* The plan of the first round, for --dry-run. */
int tr_tune_print_plan(const struct tr_output_options *output,
                       const struct tr_progress_options *progress, struct tr_err *reterr);

/* Whether it measures the latency of memory. */
bool tr_tune_is_chase(const struct tr_step *step);

/* Forms that the session knows (kernels of read, copy, triad, as in its record) are not searched
 * again. */
void tr_tune_set_forms(struct tr_plan *plan, const json_t *forms);
/* Which forms the search found. TR_ENOMEM. */
int tr_tune_forms_of(const struct tr_plan *plan, json_t **ret_forms);
/* Their instruction set may be gone: another machine's disk, or a switch of the firmware. */
bool tr_tune_can_run(const struct tr_machine *machine, const json_t *forms);

#endif
