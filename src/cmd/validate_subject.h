/* What `validate` checks: a machine, what was measured of it, and its soak. */
#ifndef TR_CMD_VALIDATE_SUBJECT_H
#define TR_CMD_VALIDATE_SUBJECT_H

#include <stdbool.h>

#include <jansson.h>

#include "output.h"
#include "tokenroof/calibration.h"
#include "tokenroof/machine.h"

/* Where it is from. */
struct tr_subject_sources {
    const struct tr_machine_options *machine;
    const struct tr_output_options *output;
    const char *calibration; /* NULL: this host's newest */
    const char *soak;        /* NULL: this host's newest */
};

/* `machine` and `limits` belong to one of the others. */
struct tr_subject {
    struct tr_machine *looked_at; /* NULL: all is from the calibration */
    struct tr_calibration *calibration;
    json_t *machine;
    const struct tr_limit *limits;
    size_t n_limits;
    struct tr_strings stale; /* what is no longer as it was when it was measured */
    json_t *soak;            /* NULL: none */
    char *soak_path;
    bool is_now;   /* the machine is this one as it is */
    char *boot_id; /* in which the machine is, or was when it was measured; NULL unknown */
};

/* TR_EFORMAT where the parts are of different machines. Finish it also after a failure. */
int tr_subject_load(const struct tr_subject_sources *from, struct tr_subject *subject,
                    struct tr_err *reterr);
void tr_subject_finish(struct tr_subject *subject);

#endif
