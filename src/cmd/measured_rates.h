/* What the measured tier takes from a calibration file. */
#ifndef TR_CMD_MEASURED_RATES_H
#define TR_CMD_MEASURED_RATES_H

#include "tokenroof/calibration.h"
#include "tokenroof/measured.h"
#include "tokenroof/predict.h"

/* Streaming products (gemv, gemm), attention, copy and barriers of the machine; rates from caches,
 * of single places and above their ceiling are left out. A file without any gives n = 0.
 * 0 or TR_ENOMEM. */
int tr_measured_from_calibration(const struct tr_calibration *calibration,
                                 struct tr_measured *ret_measured);
bool tr_measured_has_products(const struct tr_measured *measured);
void tr_measured_finish(struct tr_measured *measured);

/* Predicts by the finest tier that the basis allows: measured, else formula. */
int tr_predict_finest(const struct tr_model *model, const struct tr_basis *basis,
                      const struct tr_use_case *use_cases, size_t n_use_cases,
                      struct tr_prediction **ret_prediction, struct tr_err *reterr);

#endif
