/* Prediction documents (schema tokenroof.prediction/1) for people and tables, whether they were
 * made just now or read from files. */
#ifndef TR_CMD_PREDICTIONS_H
#define TR_CMD_PREDICTIONS_H

#include <stdbool.h>

#include <jansson.h>

#include "strbuf.h"
#include "table.h"
#include "term.h"
#include "tokenroof/calibration.h"
#include "tokenroof/err.h"

#define TR_PREDICTION_SCHEMA "tokenroof.prediction/1"
#define TR_PREDICTIONS_SCHEMA "tokenroof.predict/1" /* several: {"schema", "results": [...]} */

/* TR_EFORMAT, with the field, if it is no prediction that this version reads. */
int tr_prediction_check(const json_t *document, const char *name, struct tr_err *reterr);

/* `predictions`: an array of such documents. `explain`: with the formulas. */
void tr_predictions_text(const json_t *predictions, const struct tr_term *term, bool explain,
                         struct tr_strbuf *out);
/* Several models and machines: one line each, with the classes of all use cases. */
void tr_predictions_matrix(const json_t *predictions, const struct tr_term *term,
                           struct tr_strbuf *out);
void tr_predictions_csv(const json_t *predictions, struct tr_strbuf *out);
/* One document alone, or several in one, with what the machines without an answer lack. */
int tr_predictions_json(json_t *predictions, const struct tr_strings *unanswered,
                        struct tr_strbuf *out);

/* The value of an estimate of a result: {"value", "low", "high"} or a bare number; NAN unknown. */
double tr_prediction_estimate(const json_t *result, const char *key);
/* "12.3 (11.5-13.0)" where an interval was checked and there is room, "-" for unknown. */
void tr_prediction_cell(struct tr_table *table, const json_t *estimate, bool with_interval);
/* Any document, as text with a newline at its end. */
int tr_json_print(const json_t *document, struct tr_strbuf *out);
/* A cell by RFC 4180. NULL writes nothing. */
void tr_csv_cell(struct tr_strbuf *out, const char *text);
/* "  label: text", wrapped. */
void tr_predictions_sentence(struct tr_strbuf *out, const char *label, const char *text,
                             size_t width);

#endif
