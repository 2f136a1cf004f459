#include "engine_model.h"

#include <math.h>
#include <stdlib.h>

#include "cmd.h"
#include "engine_stored.h"
#include "strbuf.h"

enum { DEFAULT_UBATCH = 512, MAX_CASES = 32 };
/* Small enough to wait for, and several rounds of every job of models of some billion parameters.
 */
static const double seconds = 4;
/* With another number of threads only generation is timed. */
static const double seconds_other = 2;
/* Weights that are held at most: a larger model is timed on a part of its blocks. */
static const double memory_fraction = 0.25, most_bytes = 4e9;

static int plan(const struct tr_model *model, const struct tr_basis *basis, int threads,
                const struct tr_use_case *use_cases, size_t n_use_cases, double budget,
                struct tr_engine_times *ret_times, struct tr_err *reterr) {
    return tr_engine_times_plan(model, use_cases, n_use_cases,
                                basis->ubatch > 0 ? basis->ubatch : DEFAULT_UBATCH, threads, budget,
                                ret_times, reterr);
}

static double budget_of(const struct tr_basis *basis) {
    return fmin(most_bytes, memory_fraction * basis->memory_bytes);
}

static int time_in_child(const char *folder, double for_s, struct tr_engine_times *times,
                         struct tr_engine_info *ret_info, struct tr_err *reterr) {
    char *helper = NULL;
    int code = tr_engine_find_helper(&helper, reterr);
    if (!code) {
        const struct tr_engine_child child = {
            .helper = helper, .folder = folder, .seconds = for_s, .stop = tr_stop_flag()};
        code = tr_engine_run(&child, times, ret_info, reterr);
    }
    free(helper);
    return code;
}

int tr_engine_model_time(const char *folder, const struct tr_model *model,
                         const struct tr_basis *basis, const struct tr_use_case *use_cases,
                         size_t n_use_cases, struct tr_engine_model *ret_engine,
                         struct tr_err *reterr) {
    struct tr_engine_model engine = {0};
    int code = plan(model, basis, basis->threads, use_cases, n_use_cases, budget_of(basis),
                    &engine.times, reterr);
    if (!code)
        code = time_in_child(folder, seconds, &engine.times, &engine.info, reterr);
    if (!code) {
        engine.label = tr_engine_label(&engine.info);
        code = engine.label ? 0 : TR_ENOMEM;
    }
    if (code)
        tr_engine_model_finish(&engine);
    else
        *ret_engine = engine;
    return code;
}

int tr_engine_model_time_other(const char *folder, const struct tr_model *model,
                               const struct tr_basis *basis, int threads,
                               const struct tr_use_case *use_cases, size_t n_use_cases,
                               struct tr_engine_model *engine, struct tr_err *reterr) {
    struct tr_use_case cases[MAX_CASES];
    struct tr_engine_times times = {0};
    struct tr_engine_info info = {0};
    size_t n = n_use_cases < MAX_CASES ? n_use_cases : MAX_CASES;
    for (size_t i = 0; i < n; i++) {
        cases[i] = use_cases[i];
        cases[i].depth += cases[i].prompt_tokens;
        cases[i].prompt_tokens = 0;
    }
    if (engine->n_others == TR_ENGINE_MODEL_OTHERS)
        return 0;
    int code = plan(model, basis, threads, cases, n, budget_of(basis), &times, reterr);
    if (!code)
        code = time_in_child(folder, seconds_other, &times, &info, reterr);
    for (size_t i = 0; i < times.n; i++)
        times.items[i].buffer = NULL; /* it belongs to `info` */
    tr_engine_info_finish(&info);
    if (code)
        tr_engine_times_finish(&times);
    else
        engine->others[engine->n_others++] = times;
    return code;
}

static bool fill(const json_t *entry, const struct tr_model *model, const struct tr_basis *basis,
                 int threads, const struct tr_use_case *use_cases, size_t n_use_cases,
                 struct tr_engine_times *ret_times) {
    if (plan(model, basis, threads, use_cases, n_use_cases, INFINITY, ret_times, NULL))
        return false;
    tr_engine_stored_fill(entry, ret_times);
    return true;
}

bool tr_engine_model_stored(const json_t *engines, const struct tr_model *model,
                            const struct tr_basis *basis, const struct tr_use_case *use_cases,
                            size_t n_use_cases, struct tr_engine_model *ret_engine) {
    const json_t *entry = tr_engine_stored_newest(engines);
    struct tr_engine_model engine = {0};
    int threads[TR_ENGINE_MODEL_OTHERS];
    if (!entry || !fill(entry, model, basis, basis->threads, use_cases, n_use_cases, &engine.times))
        return false;
    size_t n = tr_engine_stored_threads(entry, threads, TR_ENGINE_MODEL_OTHERS);
    for (size_t i = 0; i < n; i++)
        if (threads[i] != basis->threads && fill(entry, model, basis, threads[i], use_cases,
                                                 n_use_cases, &engine.others[engine.n_others]))
            engine.n_others++;
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
    for (size_t i = 0; i < engine->n_others; i++)
        tr_engine_times_finish(&engine->others[i]);
    tr_engine_info_finish(&engine->info);
    free(engine->label);
    *engine = (struct tr_engine_model){0};
}
