/* What all predictions of one call of `tokenroof predict` rest on. */
#ifndef TR_CMD_PREDICT_GROUNDS_H
#define TR_CMD_PREDICT_GROUNDS_H

#include "engine_model.h"
#include "measured_rates.h"
#include "observations.h"
#include "predict_options.h"
#include "rates.h"

struct tr_grounds {
    const struct tr_predict_options *options;
    const struct tr_calibration *calibration; /* NULL in the spec tier */
    struct tr_rates rates;                    /* of the calibration */
    struct tr_measured measured;              /* the same, for the measured tier */
    struct tr_corrections corrections;
    struct tr_sustained sustained;
    double placements[3]; /* by enum tr_placed */
    struct tr_observed_machine machine;
    struct tr_observed_list observed;
    json_t *learned;
    struct tr_model *const *models;
    size_t n_models;
    struct tr_spec_list specs;
    struct tr_use_case_list cases;
    struct tr_strings warnings;
};

/* Machines by name, or the calibration, which the caller owns. */
int tr_grounds_find(struct tr_grounds *grounds, struct tr_calibration **calibration,
                    struct tr_err *reterr);
void tr_grounds_finish(struct tr_grounds *grounds);

/* `spec` NULL: the machine that was measured. */
struct tr_basis tr_grounds_basis(const struct tr_grounds *grounds, const struct tr_model *model,
                                 const struct tr_named_spec *spec);
/* By the tier asked for, else by the finest that the grounds allow. The engine's times are borrowed
 * by the prediction for as long as its document is made of it. */
int tr_grounds_predict(const struct tr_grounds *grounds, const struct tr_model *model,
                       const struct tr_named_spec *spec, struct tr_basis *basis,
                       const struct tr_use_case *cases, size_t n_cases,
                       struct tr_engine_model *engine, struct tr_prediction **ret_prediction,
                       struct tr_err *reterr);

#endif
