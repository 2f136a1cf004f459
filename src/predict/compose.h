/* Pieces of predict.c and why.c. */
#ifndef TR_PREDICT_COMPOSE_H
#define TR_PREDICT_COMPOSE_H

#include "tier.h"

/* Why it is of its class, and what binds; NULL without memory. */
char *tr_result_why(const struct tr_model *model, const struct tr_prediction_result *result,
                    double prompt_s, bool mostly_prompt);
/* Which memory is too small, by how much, and what that means. */
char *tr_result_why_too_large(const struct tr_model *model, const struct tr_fit *placed);

#endif
