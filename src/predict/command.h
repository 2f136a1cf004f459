/* Pieces of the command line that starts an engine. */
#ifndef TR_PREDICT_COMMAND_H
#define TR_PREDICT_COMMAND_H

#include "strbuf.h"
#include "tokenroof/predict.h"

/* Context, sequences, ubatch, types of the cache: what does not depend on the machine. */
void tr_command_add_basis(struct tr_strbuf *text, const struct tr_basis *basis, double context);

#endif
