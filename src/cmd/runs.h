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

/* What one run predicts for a model by the finest tier that it allows: pp512 and tg128, as figures
 * of their own. Their errors follow from those of the measurements alone: the model's own error is
 * in all runs. */
int tr_run_predict(struct tr_figures *figures, size_t set, struct tr_calibration *run,
                   const struct tr_model *model, struct tr_err *reterr);

/* tok/s of the same tests; NAN where the model does not fit or the run has no rate. *ret_tier, if
 * asked for: by which tier; static storage. */
int tr_run_speed(const struct tr_calibration *run, const struct tr_model *model,
                 double *ret_pp_tok_s, double *ret_tg_tok_s, const char **ret_tier,
                 struct tr_err *reterr);

/* "a,b": names of the catalogue or files; "none". Fills models[0 .. *n]; free them in any case. */
int tr_models_load(const char *list, struct tr_model **models, size_t max, size_t *n,
                   struct tr_err *reterr);
/* What commands that judge runs predict if nothing else is asked for. */
#define TR_JUDGED_MODELS "llama-3.1-8b-q4_k_m,qwen3-30b-a3b-q4_k_m"

#endif
