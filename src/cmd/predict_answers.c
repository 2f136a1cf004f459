#include "predict_answers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "predictions.h"
#include "spec_documents.h"
#include "strbuf.h"

/* Which calibration it rests on, and what to know about that. */
static int add_source(const struct tr_calibration *calibration, const struct tr_strings *warnings,
                      json_t *document) {
    if (!calibration)
        return 0;
    json_t *list = json_array();
    for (size_t i = 0; i < warnings->n; i++)
        if (json_array_append_new(list, json_string(warnings->items[i]))) {
            json_decref(list);
            return TR_ENOMEM;
        }
    json_t *source = json_pack("{s:s?, s:s?, s:s?, s:b}", "path", calibration->path, "created",
                               calibration->created, "grade", calibration->grade, "partial",
                               calibration->partial);
    int failed = json_object_set_new(document, "calibration", source);
    failed |= json_object_set_new(document, "warnings", list);
    return failed ? TR_ENOMEM : 0;
}

struct observed_data {
    const struct tr_grounds *grounds;
    const struct tr_named_spec *spec;
    struct tr_engine_model engine;
};

/* As the observed engine ran. */
static int predict_setting(void *data, const struct tr_model *model,
                           const struct tr_observed_setting *setting,
                           const struct tr_use_case *cases, size_t n_cases,
                           struct tr_prediction **ret_prediction, struct tr_err *reterr) {
    struct observed_data *own = data;
    struct tr_basis basis = tr_grounds_basis(own->grounds, model, own->spec);
    struct tr_rates rates = own->grounds->rates, exact;
    basis.threads = setting->threads ? setting->threads : basis.threads;
    basis.ubatch = setting->ubatch ? setting->ubatch : basis.ubatch;
    basis.parallel = 1;
    basis.no_flash_attention = setting->no_flash_attention;
    for (size_t i = 0; setting->cache_type && tr_cache_types[i]; i++)
        if (!strcasecmp(setting->cache_type, tr_cache_types[i])) {
            basis.cache_scale = tr_cache_scales[i];
            basis.cache_type = tr_cache_types[i];
        }
    if (!own->spec && setting->threads &&
        !tr_rates_from_calibration(own->grounds->calibration, setting->threads, &exact, NULL))
        rates = exact;
    if (!own->spec)
        basis.rates = &rates;
    tr_engine_model_finish(&own->engine);
    return tr_grounds_predict(own->grounds, model, own->spec, &basis, cases, n_cases, &own->engine,
                              ret_prediction, reterr);
}

static int add_observed(const struct tr_grounds *grounds, const struct tr_model *model,
                        const struct tr_named_spec *spec, json_t *document, struct tr_err *reterr) {
    struct observed_data data = {.grounds = grounds, .spec = spec};
    const struct tr_observed_job job = {.list = &grounds->observed,
                                        .models = grounds->models,
                                        .n_models = grounds->n_models,
                                        .machine = grounds->machine,
                                        .predict = predict_setting,
                                        .data = &data,
                                        .learned = grounds->learned};
    int code = tr_observed_add(&job, model, document, reterr);
    tr_engine_model_finish(&data.engine);
    return code;
}

/* The first one with output: batches are of generation. */
static const struct tr_use_case *generating(const struct tr_use_case_list *cases) {
    for (size_t i = 0; i < cases->n; i++)
        if (cases->items[i].generated_tokens > 0)
            return &cases->items[i];
    return &cases->items[0];
}

/* Times of an engine's kernels that were disturbed make a figure that looks like any other. */
static int add_unsteady(const struct tr_engine_model *engine, json_t *document) {
    static const double most = 0.25;
    size_t timed, unsteady = tr_engine_times_unsteady(&engine->times, &timed);
    json_t *warnings = json_object_get(document, "warnings");
    if (!json_is_array(warnings) || !timed || !((double)unsteady > most * (double)timed))
        return 0;
    char *text =
        tr_format("the engine's kernels were disturbed while they were timed: %zu of %zu "
                  "parts scatter by more than 10 %%. Stop other programs and predict again",
                  unsteady, timed);
    int failed = !text || json_array_append_new(warnings, json_string(text));
    free(text);
    return failed ? TR_ENOMEM : 0;
}

/* No way to start what does not fit. */
static bool fits(const struct tr_prediction *prediction) {
    for (size_t i = 0; i < prediction->n_results; i++)
        if (!(prediction->results[i].spare_bytes < 0))
            return true;
    return false;
}

static int add_command(const struct tr_grounds *grounds, const struct tr_prediction *prediction,
                       const struct tr_basis *basis, json_t *document) {
    const struct tr_predict_options *options = grounds->options;
    const double context = tr_context_to_start_with(prediction);
    int code = 0;
    char *command = tr_prediction_command(prediction, basis, context, options->threads > 0,
                                          tr_numa_placements[options->numa]);
    if (command && json_object_set_new(document, "command", json_string(command)))
        code = TR_ENOMEM;
    free(command);
    return code;
}

int tr_answer_one(const struct tr_grounds *grounds, const struct tr_model *model,
                  const struct tr_named_spec *spec, json_t *documents, struct tr_err *reterr) {
    struct tr_prediction *prediction = NULL;
    json_t *document = NULL;
    struct tr_engine_model engine = {.wants_others = true};
    struct tr_basis basis = tr_grounds_basis(grounds, model, spec);
    int code = tr_grounds_predict(grounds, model, spec, &basis, grounds->cases.items,
                                  grounds->cases.n, &engine, &prediction, reterr);
    if (!code)
        code = tr_prediction_to_json(prediction, &document);
    if (!code && spec)
        code = tr_spec_add_answers(prediction, &basis, grounds->cases.items, grounds->cases.n,
                                   document);
    else if (!code && fits(prediction))
        code = add_command(grounds, prediction, &basis, document);
    if (!code && !fits(prediction))
        json_object_del(document, "command");
    if (!code && grounds->observed.n)
        code = add_observed(grounds, model, spec, document, reterr);
    if (!code && basis.parallel > 1)
        code = tr_add_parallel(prediction->fidelity, model, &basis, generating(&grounds->cases),
                               document);
    if (!code)
        code = add_source(grounds->calibration, &grounds->warnings, document);
    if (!code)
        code = add_unsteady(&engine, document);
    if (!code && json_array_append(documents, document))
        code = TR_ENOMEM;
    json_decref(document);
    tr_prediction_destroy(prediction);
    tr_engine_model_finish(&engine);
    return code;
}

/* Whether the model is interactive in all use cases asked for. */
static bool is_interactive(const struct tr_grounds *grounds, const struct tr_model *model,
                           const struct tr_named_spec *spec) {
    struct tr_prediction *prediction = NULL;
    struct tr_basis basis = tr_grounds_basis(grounds, model, spec);
    struct tr_engine_model engine = {0};
    int code = tr_grounds_predict(grounds, model, spec, &basis, grounds->cases.items,
                                  grounds->cases.n, &engine, &prediction, NULL);
    tr_engine_model_finish(&engine);
    if (code)
        return false;
    bool all = true;
    for (size_t i = 0; i < prediction->n_results; i++)
        all = all && prediction->results[i].viability == TR_CLASS_INTERACTIVE;
    /* Longer than the model was made for, its words are worth nothing, however fast they come. */
    all = all && (model->context_length <= 0 ||
                  tr_context_to_start_with(prediction) <= model->context_length);
    tr_prediction_destroy(prediction);
    return all;
}

int tr_answer_largest(const struct tr_grounds *grounds, const struct tr_named_spec *spec,
                      json_t *documents, struct tr_err *reterr) {
    const char *const *names = tr_model_catalogue_names();
    struct tr_model *best = NULL;
    int code = 0;
    for (size_t i = 0; !code && names[i]; i++) {
        struct tr_model *model = NULL;
        code = tr_model_from_catalogue(names[i], &model, reterr);
        if (!code && (!best || model->file_bytes > best->file_bytes) &&
            is_interactive(grounds, model, spec)) {
            tr_model_destroy(best);
            best = model;
        } else {
            tr_model_destroy(model);
        }
    }
    if (!code && !best)
        code = tr_err_set(reterr, TR_EUNAVAILABLE,
                          "--largest: no model of the catalogue is interactive on %s in all use "
                          "cases asked for",
                          spec ? spec->name : "this machine");
    if (!code)
        code = tr_answer_one(grounds, best, spec, documents, reterr);
    tr_model_destroy(best);
    return code;
}
