/* Does a machine deliver what it should? Static checks of what it is and how it is set, and checks
 * of what was measured on it. Pure: works on recordings and files of other machines. */
#ifndef TR_DECIDE_VALIDATE_H
#define TR_DECIDE_VALIDATE_H

#include "checks.h"
#include "expectation.h"
#include "tokenroof/calibration.h"

/* What a model was predicted to do on this machine; NAN unknown. */
struct tr_model_speed {
    const char *model;
    double pp_tok_s, tg_tok_s; /* pp512, tg128 */
    const char *tier;          /* by which it was predicted; NULL unknown; borrowed */
    bool untrusted;            /* the read rate that it rests on is doubtful */
};

struct tr_validation {
    const json_t *machine; /* as in a calibration file */
    const struct tr_limit *limits;
    size_t n_limits;
    const struct tr_calibration *calibration; /* NULL: nothing was measured */
    const struct tr_expectation *expectation; /* what was bought; NULL: by class and limits */
    const json_t *soak;                       /* tokenroof.soak/1; NULL: there is none */
    const char *soak_path;                    /* NULL unknown */
    const char *boot_id;                 /* in which it is, or was, what is checked; NULL unknown */
    const struct tr_model_speed *speeds; /* of the models of the expectation */
    size_t n_speeds;
};

/* All groups. TR_ENOMEM. */
int tr_validate(const struct tr_validation *validation, struct tr_checks *checks);

/* The groups, each in its file. */
int tr_validate_identity(const struct tr_validation *validation, struct tr_checks *checks);
int tr_validate_population(const struct tr_validation *validation, struct tr_checks *checks);
int tr_validate_configuration(const struct tr_validation *validation, struct tr_checks *checks);
int tr_validate_rates(const struct tr_validation *validation, struct tr_checks *checks);
int tr_validate_symmetry(const struct tr_validation *validation, struct tr_checks *checks);
int tr_validate_latency(const struct tr_validation *validation, struct tr_checks *checks);
/* Errors, heat, how the measurement went, rates under lasting load, the last soak. */
int tr_validate_stability(const struct tr_validation *validation, struct tr_checks *checks);
int tr_validate_expectation(const struct tr_validation *validation, struct tr_checks *checks);

#endif
