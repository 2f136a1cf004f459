/* What a step of a setting can bring at most, by the limits and the spec tier. */
#ifndef TR_CMD_TUNE_STEP_H
#define TR_CMD_TUNE_STEP_H

#include "tokenroof/err.h"
#include "tokenroof/machine.h"
#include "tune.h"

/* Ratios minus one; NAN unknown. */
struct tr_tune_step {
    struct tr_tune_clocks from, to;
    double read, tg, pp;
    char base[80]; /* label of the setting that it is about; "" the machine as it is */
};

/* From the clocks of `from` (NULL, or unknown: as the machine is now) to those that the setting
 * says. *ret_known: whether it says any that differ. `what_if` NULL: none but the label's. `model`:
 * of the catalogue. TR_EUSAGE for a bad what-if. */
int tr_tune_step_find(const struct tr_machine_options *machine, const struct tr_tune_setting *from,
                      const char *label, const char *what_if, const char *model,
                      struct tr_tune_step *ret_step, bool *ret_known, struct tr_err *reterr);
/* {"read", "tg", "pp"} as ratios, for the record; NULL when out of memory. */
json_t *tr_tune_step_to_json(const struct tr_tune_step *step);

#endif
