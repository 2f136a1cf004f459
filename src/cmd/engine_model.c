#include "engine_model.h"

#include <math.h>
#include <stdlib.h>

#include "cmd.h"
#include "engine_stored.h"
#include "strbuf.h"

enum { DEFAULT_UBATCH = 512 };
/* Small enough to wait for, and several rounds of every job of models of some billion parameters.
 */
static const double seconds = 4;
/* Weights that are held at most: a larger model is timed on a part of its blocks. */
static const double memory_fraction = 0.25, most_bytes = 4e9;

int tr_engine_model_time(const char *folder, const struct tr_model *model,
                         const struct tr_basis *basis, const struct tr_use_case *use_cases,
                         size_t n_use_cases, struct tr_engine_model *ret_engine,
                         struct tr_err *reterr) {
    struct tr_engine_model engine = {0};
    char *helper = NULL;
    double budget = fmin(most_bytes, memory_fraction * basis->memory_bytes);
    int code = tr_engine_find_helper(&helper, reterr);
    if (!code)
        code = tr_engine_times_plan(model, use_cases, n_use_cases,
                                    basis->ubatch > 0 ? basis->ubatch : DEFAULT_UBATCH,
                                    basis->threads, budget, &engine.times, reterr);
    if (!code) {
        const struct tr_engine_child child = {
            .helper = helper, .folder = folder, .seconds = seconds, .stop = tr_stop_flag()};
        code = tr_engine_run(&child, &engine.times, &engine.info, reterr);
    }
    if (!code) {
        engine.label = tr_engine_label(&engine.info);
        code = engine.label ? 0 : TR_ENOMEM;
    }
    free(helper);
    if (code)
        tr_engine_model_finish(&engine);
    else
        *ret_engine = engine;
    return code;
}

bool tr_engine_model_stored(const json_t *engines, const struct tr_model *model,
                            const struct tr_basis *basis, const struct tr_use_case *use_cases,
                            size_t n_use_cases, struct tr_engine_model *ret_engine) {
    const json_t *entry = tr_engine_stored_newest(engines);
    struct tr_engine_model engine = {0};
    if (!entry || tr_engine_times_plan(model, use_cases, n_use_cases,
                                       basis->ubatch > 0 ? basis->ubatch : DEFAULT_UBATCH,
                                       basis->threads, INFINITY, &engine.times, NULL))
        return false;
    tr_engine_stored_fill(entry, &engine.times);
    engine.info = (struct tr_engine_info){
        .name = json_string_value(json_object_get(entry, "name")),
        .build = json_string_value(json_object_get(entry, "build")),
        .variant = json_string_value(json_object_get(entry, "variant")),
        .release = json_string_value(json_object_get(entry, "release")),
    };
    engine.label = tr_engine_label(&engine.info);
    if (!engine.label) {
        tr_engine_model_finish(&engine);
        return false;
    }
    *ret_engine = engine;
    return true;
}

void tr_engine_model_finish(struct tr_engine_model *engine) {
    tr_engine_times_finish(&engine->times);
    tr_engine_info_finish(&engine->info);
    free(engine->label);
    *engine = (struct tr_engine_model){0};
}
