/* A comparison for people. */
#ifndef TR_CMD_COMPARE_TEXT_H
#define TR_CMD_COMPARE_TEXT_H

#include <stdbool.h>

#include "compare_json.h"
#include "strbuf.h"
#include "term.h"

/* `verbose`: a reason for every figure, not only for those that changed. */
void tr_comparison_text(const struct tr_compared *compared, const struct tr_term *term,
                        bool verbose, struct tr_strbuf *out);

#endif
