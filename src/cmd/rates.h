/* From a calibration to what a prediction rests on; and how this machine's calibration is found. */
#ifndef TR_CMD_RATES_H
#define TR_CMD_RATES_H

#include "tokenroof/calibration.h"
#include "tokenroof/predict.h"

/* `threads` 0: all of them. TR_EUNAVAILABLE if the calibration has no read rate (at so many
 * threads: the text names those that were measured). `platform` points into the calibration. */
int tr_rates_from_calibration(const struct tr_calibration *calibration, int threads,
                              struct tr_rates *ret_rates, struct tr_err *reterr);

/* This host's newest usable calibration. `warnings` gets a line for each fact of the machine that
 * is no longer as it was then. TR_EUNAVAILABLE, with what to run, if there is none. */
int tr_rates_find_calibration(struct tr_calibration **ret_calibration, struct tr_strings *warnings,
                              struct tr_err *reterr);

struct json_t;
/* What differs between two "machine" objects, as far as it changes figures: firmware, kernel,
 * memory, settings. What is unknown in either does not differ. */
int tr_rates_differences(const struct json_t *then, const struct json_t *now,
                         struct tr_strings *warnings);

#endif
