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

/* Where the pages of the weights lie. */
enum tr_placed { TR_PLACED_LOCAL, TR_PLACED_INTERLEAVED, TR_PLACED_ONE_NODE };
/* Rate of reading of the whole machine relative to local pages, from the node matrix of the file:
 * interleaved: every node's threads read from all nodes alike; one node: all threads read from the
 * best one. No node's memory gives more than it gives its own threads. 1 for local pages and on one
 * node; NAN where the matrix is missing. */
double tr_placement_fraction(const struct tr_calibration *calibration, enum tr_placed placed);
/* What a long load leaves of the rates; after_s 0 where that was not measured. */
struct tr_sustained tr_sustained_from(const struct tr_calibration *calibration);

/* The machine that the file is of: ratios of engines' kernels and intervals go by it. Borrowed. */
struct tr_checked_on tr_checked_on_from(const struct tr_calibration *calibration);

/* What a prediction for the machine of the file rests on, as it was measured: all other members are
 * zero. Borrows all three. */
struct tr_basis tr_basis_from(const struct tr_calibration *calibration,
                              const struct tr_rates *rates, const struct tr_measured *measured);

/* Predicts by the finest tier that the basis allows: measured, else formula. */
int tr_predict_finest(const struct tr_model *model, const struct tr_basis *basis,
                      const struct tr_use_case *use_cases, size_t n_use_cases,
                      struct tr_prediction **ret_prediction, struct tr_err *reterr);

#endif
