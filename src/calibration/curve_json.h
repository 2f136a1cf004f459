/* Curves and matrices in the calibration file. */
#ifndef TR_CALIBRATION_CURVE_JSON_H
#define TR_CALIBRATION_CURVE_JSON_H

#include <jansson.h>

#include "reader.h"
#include "tokenroof/curve.h"

int tr_curves_to_json(const struct tr_curve *curves, size_t n, json_t **ret_array);
int tr_matrices_to_json(const struct tr_matrix *matrices, size_t n, json_t **ret_array);

/* The arrays `curves` and `matrices` of the reader's object; after a complaint the reader's code is
 * set, and what was read up to there is returned, for the caller to free. */
void tr_read_curves(struct tr_reader *reader, struct tr_curve **ret_curves, size_t *ret_n);
void tr_read_matrices(struct tr_reader *reader, struct tr_matrix **ret_matrices, size_t *ret_n);

#endif
