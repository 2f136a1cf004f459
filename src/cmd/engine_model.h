/* An engine's times on one model's own matrices. */
#ifndef TR_CMD_ENGINE_MODEL_H
#define TR_CMD_ENGINE_MODEL_H

#include <stdbool.h>

#include "engine.h"

enum { TR_ENGINE_MODEL_OTHERS = 15 };

struct tr_engine_model {
    bool wants_others; /* set by who asks: generation with other numbers of threads is timed, too */
    struct tr_engine_times times;
    struct tr_engine_times others[TR_ENGINE_MODEL_OTHERS]; /* with other numbers of threads */
    size_t n_others;
    struct tr_engine_info info;
    char *label; /* of the engine */
};

/* Times what the use cases need, with the threads and within the memory of `basis`. Errors as those
 * of tr_engine_times_plan() and tr_engine_run(). */
int tr_engine_model_time(const char *folder, const struct tr_model *model,
                         const struct tr_basis *basis, const struct tr_use_case *use_cases,
                         size_t n_use_cases, struct tr_engine_model *ret_engine,
                         struct tr_err *reterr);
/* Adds what one more number of threads takes for generation, for the best one: a folder that was
 * timed once. Errors as above. */
int tr_engine_model_time_other(const char *folder, const struct tr_model *model,
                               const struct tr_basis *basis, int threads,
                               const struct tr_use_case *use_cases, size_t n_use_cases,
                               struct tr_engine_model *engine, struct tr_err *reterr);
/* The same as both from the rates that the calibration holds (measure --engine), for any shape.
 * False where it has none, or none for this model; not an error. */
bool tr_engine_model_stored(const struct json_t *engines, const struct tr_model *model,
                            const struct tr_basis *basis, const struct tr_use_case *use_cases,
                            size_t n_use_cases, struct tr_engine_model *ret_engine);
void tr_engine_model_finish(struct tr_engine_model *engine);

#endif
