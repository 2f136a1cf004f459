/* One recording: rounds of the short measurement until they are enough. */
#ifndef TR_CMD_TUNE_MEASURE_H
#define TR_CMD_TUNE_MEASURE_H

#include "options.h"
#include "output.h"
#include "tune_session.h"

struct tr_tune_measure {
    struct tr_tune_session *session; /* open for writing */
    const struct tr_progress_options *progress;
    const char *label;
    struct tr_tune_options options;
    double seconds; /* no round is begun after so many */
};

/* Measures and adds every line. 0; TR_EUNTRUSTED; TR_EFAIL (a result was wrong); TR_ESTOPPED (what
 * was complete is in the record, which says that it was stopped). */
int tr_tune_measure(const struct tr_tune_measure *measure, struct tr_err *reterr);

#endif
