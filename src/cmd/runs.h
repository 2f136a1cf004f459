/* Sets of calibration files, as the arguments of a command name them. */
#ifndef TR_CMD_RUNS_H
#define TR_CMD_RUNS_H

#include <stddef.h>

#include "figure_sets.h"
#include "output.h"
#include "tokenroof/calibration.h"
#include "tokenroof/model.h"

struct tr_run_set {
    const char *name; /* borrowed */
    struct tr_calibration **runs;
    size_t n;
};

/* A file is a set of one run; of a directory every *.json is one, in the order of their names.
 * Partial calibrations of a directory are left out, with a note. TR_EFORMAT if there is none. */
int tr_run_set_read(const char *path, const struct tr_output_options *output,
                    struct tr_run_set *ret_set, struct tr_err *reterr);
void tr_run_set_finish(struct tr_run_set *set);

/* What one run predicts for a model: pp512 and tg128, as figures of their own. Their errors follow
 * from those of the measurements alone: the model's own error is in all runs. */
int tr_run_predict(struct tr_figures *figures, size_t set, struct tr_calibration *run,
                   const struct tr_model *model, struct tr_err *reterr);

#endif
