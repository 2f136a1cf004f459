/* What the place of the weights costs, for tiers whose rates are those of pages at home. */
#ifndef TR_PREDICT_PLACEMENT_H
#define TR_PREDICT_PLACEMENT_H

#include "tier.h"

/* The rate of reading with the pages as the basis has them: what is slower than the memory placed
 * so keeps its rate. */
double tr_placed_gb_per_s(const struct tr_basis *basis, double gb_per_s);

/* Bytes of one matrix; NAN for a type that is not known. */
double tr_product_bytes(const struct tr_product *product);
/* Matrices that `tokens` tokens read: experts that they choose alike, else 1. */
double tr_product_matrices(const struct tr_product *product, double tokens);

/* On machines of several nodes: generation by each placement. */
int tr_placement_explain(const struct tr_tier *tier, struct tr_prediction *prediction,
                         const struct tr_basis *basis, const struct tr_use_case *use_case);

#endif
