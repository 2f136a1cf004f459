#include "spec_documents.h"

#include <math.h>
#include <stdlib.h>

#include "strbuf.h"

static json_t *gain(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}

static int add_sensitivity(const struct tr_model *model, const struct tr_basis *basis,
                           const struct tr_use_case *use_case, json_t *document) {
    struct tr_spec_change changes[TR_SPEC_MAX_CHANGES];
    size_t n = tr_spec_sensitivity(model, basis, use_case, changes);
    json_t *list = json_array();
    for (size_t i = 0; list && i < n; i++)
        json_array_append_new(list, json_pack("{s:s, s:o, s:o}", "change", changes[i].what,
                                              "tg_gain", gain(changes[i].tg_gain), "pp_gain",
                                              gain(changes[i].pp_gain)));
    return json_object_set_new(document, "sensitivity", list) ? TR_ENOMEM : 0;
}

static bool is_unlike_gpus(const struct tr_spec *spec) {
    return spec->gpu.count > 0 && spec->gpu.unlike_gpus;
}

/* Of the first use case that has one. */
static int add_note(const struct tr_model *model, const struct tr_basis *basis,
                    const struct tr_use_case *use_cases, size_t n, json_t *document) {
    char *note = NULL;
    if (is_unlike_gpus(basis->spec))
        note = tr_format("No published results tell what software reaches on %s: it is taken as if "
                         "it were a GPU, without an interval",
                         basis->spec->gpu.name);
    for (size_t i = 0; i < n && !note; i++)
        note = tr_spec_prompt_note(model, basis, &use_cases[i]);
    int failed =
        note && json_array_append_new(json_object_get(document, "notes"), json_string(note));
    free(note);
    return failed ? TR_ENOMEM : 0;
}

double tr_context_to_start_with(const struct tr_prediction *prediction) {
    double context = 0;
    for (size_t i = 0; i < prediction->n_results; i++) {
        const struct tr_prediction_result *one = &prediction->results[i];
        if (!(one->spare_bytes < 0))
            context = fmax(context, (double)tr_use_case_positions(&one->use_case));
    }
    return context;
}

int tr_spec_add_answers(const struct tr_prediction *prediction, const struct tr_basis *basis,
                        const struct tr_use_case *use_cases, size_t n, json_t *document) {
    const struct tr_model *model = prediction->model;
    const double context = tr_context_to_start_with(prediction);
    json_t *object = NULL;
    struct tr_use_case both = {"both", "", 512, 128, 0};
    int code = tr_spec_to_json(model, basis->spec, &object);
    if (!code && json_object_set_new(document, "spec", object))
        code = TR_ENOMEM;
    bool startable = !is_unlike_gpus(basis->spec); /* llama.cpp does not run on the others */
    char *command = code || !startable ? NULL : tr_spec_command(model, basis, context);
    if (!code && startable &&
        (!command || json_object_set_new(document, "command", json_string(command))))
        code = TR_ENOMEM;
    free(command);
    if (!code)
        code = add_note(model, basis, use_cases, n, document);
    return code ? code : add_sensitivity(model, basis, &both, document);
}

int tr_add_parallel(const char *fidelity, const struct tr_model *model,
                    const struct tr_basis *basis, const struct tr_use_case *use_case,
                    json_t *document) {
    int knee =
        tr_predict_knee(fidelity, model, basis, (double)use_case->depth + use_case->prompt_tokens);
    json_t *object = json_pack("{s:i, s:o}", "sequences", basis->parallel, "knee",
                               knee > 0 ? json_integer(knee) : json_null());
    return json_object_set_new(document, "parallel", object) ? TR_ENOMEM : 0;
}
