/* What `run` and `measure` share: this machine, a plan, a measurement with progress. */
#ifndef TR_CMD_MEASURING_H
#define TR_CMD_MEASURING_H

#include "cmd.h"
#include "plan.h"
#include "run.h"
#include "tokenroof/calibration.h"

struct tr_measuring {
    const struct tr_output_options *output;
    const struct tr_progress_options *progress;
    struct tr_machine *machine;
    struct tr_plan plan;
    struct tr_strings notes;  /* of the plan: what was left out, and why */
    tr_run_sample_fn *sample; /* NULL: nobody asks for single samples */
    void *sample_context;
};

/* Loads this machine and makes the plan. Finish it also after a failure. */
int tr_measuring_init(struct tr_measuring *measuring, const struct tr_output_options *output,
                      const struct tr_progress_options *progress,
                      const struct tr_machine_options *machine, const struct tr_plan_options *plan,
                      struct tr_err *reterr);
/* Says on stderr, unless it is to be quiet, how long the plan takes and how much memory. */
void tr_measuring_announce(const struct tr_measuring *measuring);
/* Runs the plan. *ret_calibration is set also with TR_EUNTRUSTED, TR_ESTOPPED and TR_EFAIL where
 * there is something to show; else NULL. */
int tr_measuring_run(struct tr_measuring *measuring, struct tr_calibration **ret_calibration,
                     struct tr_err *reterr);
/* The plan as --dry-run shows it (plan_text.h). */
int tr_measuring_print_plan(const struct tr_measuring *measuring, struct tr_err *reterr);
void tr_measuring_finish(struct tr_measuring *measuring);

#endif
