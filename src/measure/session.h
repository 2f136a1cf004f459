/* A whole measurement: runs a plan and turns what it gave into a calibration. */
#ifndef TR_MEASURE_SESSION_H
#define TR_MEASURE_SESSION_H

#include "run.h"

/* Fills machine, limits, conditions, measurements, curves, matrices and quality of an empty
 * calibration; the plan's curves and matrices are moved there.
 *
 * Returns 0; TR_EUNTRUSTED (a headline figure, or one asked for by name, is flagged);
 * TR_ESTOPPED (the calibration holds what was complete and is marked partial); TR_EFAIL (a kernel's
 * result differed from its reference: that figure is left out); and the errors of tr_run_group. In
 * the first four cases the calibration is whole. */
int tr_measure(struct tr_machine *machine, struct tr_plan *plan,
               const struct tr_run_options *options, struct tr_calibration *calibration,
               struct tr_err *reterr);

/* The flags that make a figure untrustworthy, as one sentence; NULL if it has none of them. */
const char *tr_untrusted_reason(const struct tr_measurement *measurement);

#endif
