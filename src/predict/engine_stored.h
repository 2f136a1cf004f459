/* Rates of an engine's kernels that a calibration file holds (`measure --engine DIR`), mapped onto
 * a model's own matrices. Formulas in docs/method.md. */
#ifndef TR_PREDICT_ENGINE_STORED_H
#define TR_PREDICT_ENGINE_STORED_H

#include "engine_tier.h"

struct json_t;

/* Fills in the times that a plan asks for, from one entry of `engines`. A time that nothing is
 * known of stays NAN. */
void tr_engine_stored_fill(const struct json_t *entry, struct tr_engine_times *times);
/* The newest entry that has rates of products; NULL without. Borrowed. */
const struct json_t *tr_engine_stored_newest(const struct json_t *engines);
/* Numbers of threads that its products were timed with: at most `max` go into `threads`. */
size_t tr_engine_stored_threads(const struct json_t *entry, int *threads, size_t max);

#endif
