/* What a prediction's document says beyond its figures. */
#ifndef TR_CMD_SPEC_DOCUMENTS_H
#define TR_CMD_SPEC_DOCUMENTS_H

#include <jansson.h>

#include "tokenroof/spec.h"

/* Positions of the longest use case that fits; 0 if none does. */
double tr_context_to_start_with(const struct tr_prediction *prediction);
/* "spec", "command", "sensitivity" of the spec tier. */
int tr_spec_add_answers(const struct tr_prediction *prediction, const struct tr_basis *basis,
                        const struct tr_use_case *use_cases, size_t n, json_t *document);
/* "parallel": sequences and the number from which on computing binds. */
int tr_add_parallel(const char *fidelity, const struct tr_model *model,
                    const struct tr_basis *basis, const struct tr_use_case *use_case,
                    json_t *document);

#endif
