/* The documents that answer `tokenroof predict`. */
#ifndef TR_CMD_PREDICT_ANSWERS_H
#define TR_CMD_PREDICT_ANSWERS_H

#include "predict_grounds.h"

/* Appends the document of one model, with what was observed of it. `spec` NULL: the machine that
 * was measured. */
int tr_answer_one(const struct tr_grounds *grounds, const struct tr_model *model,
                  const struct tr_named_spec *spec, json_t *documents, struct tr_err *reterr);
/* The largest model of the catalogue that is interactive, by bytes of the file; TR_EUNAVAILABLE if
 * none is. */
int tr_answer_largest(const struct tr_grounds *grounds, const struct tr_named_spec *spec,
                      json_t *documents, struct tr_err *reterr);

#endif
