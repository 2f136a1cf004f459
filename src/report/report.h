/* A calibration and predictions in the forms that people and programs read. */
#ifndef TR_REPORT_H
#define TR_REPORT_H

#include <stddef.h>

#include "strbuf.h"
#include "term.h"
#include "tokenroof/calibration.h"
#include "tokenroof/predict.h"

struct tr_report_input {
    const struct tr_calibration *calibration; /* NULL: predictions alone */
    struct tr_prediction *const *predictions;
    size_t n_predictions;
    struct tr_term term; /* used by text alone */
};

struct tr_report_format {
    const char *name;
    const char *alias; /* NULL without one */
    int (*render)(const struct tr_report_input *input, struct tr_strbuf *out);
};

/* Rows of reports.def. */
const struct tr_report_format *tr_report_formats(size_t *ret_n);
/* By name or alias; NULL if there is none. */
const struct tr_report_format *tr_report_format_find(const char *name);

/* Appends to `out`. TR_EUSAGE for an unknown format, with the nearest name. */
int tr_report_render(const char *format, const struct tr_report_input *input, struct tr_strbuf *out,
                     struct tr_err *reterr);

/* How many of `channels` (of the machine, over all packages) a read plateau looks like, when it is
 * too low for all of them; -1 when it fits all or no usual population. Reads reach 0.70 to 0.97 of
 * what the populated channels can carry; usual populations of a package are 1 channel or an even
 * number. */
int tr_channels_that_fit(double read_gb_s, double all_channels_gb_s, int channels, int packages);

#endif
