/* A tuning session for people and for tables. */
#ifndef TR_CMD_TUNE_TEXT_H
#define TR_CMD_TUNE_TEXT_H

#include "strbuf.h"
#include "term.h"
#include "tune_judge.h"

/* Tables of settings against figures, their intervals as a chart, what to know of each. */
void tr_tune_text(const struct tr_tune *tune, const struct tr_tune_judgement *judgement,
                  const struct tr_term *term, struct tr_strbuf *out);
/* The best that passed its soak, and what is ahead of it. */
void tr_tune_best_text(const struct tr_tune *tune, const struct tr_tune_judgement *judgement,
                       const struct tr_term *term, struct tr_strbuf *out);
/* One row a setting and figure. */
void tr_tune_csv(const struct tr_tune *tune, const struct tr_tune_judgement *judgement,
                 struct tr_strbuf *out);
void tr_tune_markdown(const struct tr_tune *tune, const struct tr_tune_judgement *judgement,
                      struct tr_strbuf *out);
/* The page reports/page/tuning.js. */
int tr_tune_html(const struct tr_tune *tune, const struct tr_tune_judgement *judgement,
                 struct tr_strbuf *out, struct tr_err *reterr);

#endif
