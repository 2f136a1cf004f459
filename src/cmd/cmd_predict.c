/* tokenroof predict MODEL...: tokens per second on a machine that was measured, or by name. */
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "predict_answers.h"
#include "predictions.h"
#include "report.h"

/* Two threads a core at most; 0: the best number. */
static int set_threads(struct tr_named_spec *named, int threads, struct tr_err *reterr) {
    const struct tr_spec_cpu *cpu = &named->spec.cpu;
    int cores = cpu->packages * (cpu->cores + cpu->e_cores);
    named->spec.threads = threads;
    if (named->spec.has_cpu && cores > 0 && threads > 2 * cores)
        return tr_err_set(reterr, TR_EUNAVAILABLE, "--threads: %s has %d cores, not %d threads",
                          named->name, cores, threads);
    return 0;
}

/* All models on one machine, `spec`, or on the measured one. */
static int predict_on(const struct tr_grounds *grounds, struct tr_named_spec *spec,
                      json_t *documents, struct tr_err *reterr) {
    int code = spec ? set_threads(spec, grounds->options->threads, reterr) : 0;
    if (!code && grounds->options->largest)
        code = tr_answer_largest(grounds, spec, documents, reterr);
    for (size_t i = 0; !code && i < grounds->n_models; i++)
        code = tr_answer_one(grounds, grounds->models[i], spec, documents, reterr);
    return code;
}

/* Of several machines each has its answer or its reason. */
static int predict_on_several(struct tr_grounds *grounds, json_t *documents,
                              struct tr_err *reterr) {
    struct tr_spec_list *list = &grounds->specs;
    int code = 0;
    for (size_t j = 0; !code && j < list->n; j++) {
        struct tr_err why = {0};
        code = predict_on(grounds, &list->items[j], documents, &why);
        if (code == TR_EUNAVAILABLE && (list->n > 1 || list->unanswered.n))
            code = tr_spec_leave_out(list, why.text);
        else if (code && reterr)
            *reterr = why;
    }
    return code;
}

/* The models come first: a wrong name or a bad file weighs more than a calibration that is missing.
 */
static int predict_all(struct tr_grounds *grounds, struct tr_model **models, char *const *names,
                       size_t n, struct tr_calibration **calibration, json_t *documents,
                       struct tr_err *reterr) {
    int code = tr_choose_use_cases(grounds->options, &grounds->cases, reterr);
    for (size_t i = 0; !code && i < n; i++)
        code = tr_err_of_input(tr_model_load(names[i], &models[i], reterr));
    if (!code && grounds->options->observed)
        code = tr_err_of_input(
            tr_observed_load(grounds->options->observed, &grounds->observed, reterr));
    if (!code)
        code = tr_grounds_find(grounds, calibration, reterr);
    grounds->models = models;
    grounds->n_models = n;
    if (!code && tr_spec_asked(&grounds->options->spec, grounds->options->machine.source))
        code = predict_on_several(grounds, documents, reterr);
    else if (!code)
        code = predict_on(grounds, NULL, documents, reterr);
    if (!code && grounds->learned)
        code = tr_observed_keep(*calibration, grounds->learned, reterr);
    return code;
}

/* What those that have no answer lack, after the answers of the others. */
static int say_unanswered(const struct tr_grounds *grounds, struct tr_err *reterr) {
    const struct tr_strings *why = &grounds->specs.unanswered;
    if (!why->n)
        return 0;
    for (size_t i = 0; i + 1 < why->n; i++)
        tr_note(&grounds->options->output, "%s", why->items[i]);
    return tr_err_set(reterr, TR_EUNAVAILABLE, "%s", why->items[why->n - 1]);
}

struct results {
    json_t *documents; /* one a model and machine */
    bool table;        /* of all, in place of a page for each */
    bool explain;
    const struct tr_strings *unanswered;
};

/* Pages alone have batches, observations and explanations. */
static bool wants_table(const struct tr_predict_options *options, const json_t *documents) {
    return json_array_size(documents) > 1 && options->parallel <= 1 && !options->observed &&
           !options->explain;
}

static int render(const char *format, const struct tr_term *term, const void *data,
                  struct tr_strbuf *out, struct tr_err *reterr) {
    const struct results *results = data;
    if (!strcmp(format, "json"))
        return tr_predictions_json(results->documents, results->unanswered, out);
    if (!strcmp(format, "csv")) {
        tr_predictions_csv(results->documents, out);
    } else if (strcmp(format, "text")) {
        struct tr_report_input input = {.documents = results->documents};
        return tr_report_render(format, &input, out, reterr);
    } else if (results->table) {
        tr_predictions_matrix(results->documents, term, out);
    } else {
        tr_predictions_text(results->documents, term, results->explain, out);
    }
    return 0;
}

static int run(void *data, char *const *arguments, size_t n, struct tr_err *reterr) {
    struct tr_predict_options *options = data;
    if (n == 0 && !options->largest)
        return tr_err_set(reterr, TR_EUSAGE, "MODEL is missing. Try -h");
    if (options->engine && (options->largest || options->parallel > 1))
        return tr_err_set(reterr, TR_EUSAGE,
                          "--engine times one model with one sequence: it does not go with --%s",
                          options->largest ? "largest" : "parallel");
    if (n && options->largest)
        return tr_err_set(reterr, TR_EUSAGE, "--largest chooses the model itself");
    struct tr_grounds grounds = {.options = options};
    struct tr_calibration *calibration = NULL;
    struct tr_model **models = calloc(n + 1, sizeof(struct tr_model *));
    struct results results = {.documents = json_array(),
                              .explain = options->explain,
                              .unanswered = &grounds.specs.unanswered};
    int code = TR_ENOMEM;
    if (models && results.documents)
        code = predict_all(&grounds, models, arguments, n, &calibration, results.documents, reterr);
    results.table = wants_table(options, results.documents);
    if (!code && (json_array_size(results.documents) || !grounds.specs.unanswered.n))
        code = tr_output_write(&options->output, "text", render, &results, reterr);
    if (!code)
        code = say_unanswered(&grounds, reterr);
    for (size_t i = 0; models && i < n; i++)
        tr_model_destroy(models[i]);
    free(models);
    json_decref(results.documents);
    tr_grounds_finish(&grounds);
    tr_calibration_destroy(calibration);
    return code;
}

static const struct tr_predict_options defaults = {
    .depth = -1, .storage_gb_per_s = NAN, .spec = TR_SPEC_OPTIONS_DEFAULT};
static const char *const formats[] = {"text",     "json", "jsonl",      "csv",
                                      "markdown", "html", "prometheus", NULL};
static const struct tr_option_group groups[] = {
    {"prediction", TR_ROWS(tr_predict_rows), 0, tr_predict_check},
    {"machine that was not measured", TR_ROWS(tr_spec_rows),
     offsetof(struct tr_predict_options, spec), NULL},
    TR_GROUP_SOURCE(struct tr_predict_options, machine),
    TR_GROUP_OVERRIDES(struct tr_predict_options, machine),
    TR_GROUP_OUTPUT,
    TR_GROUP_END,
};

const struct tr_command tr_command_predict = {
    .usage = "MODEL... [--calibration FILE] [options]",
    .about = "MODEL is a GGUF file (of a split set: the first one) or a name of the catalogue\n"
             "(tokenroof list models). Of a measured machine the finest way is taken that its\n"
             "calibration allows: times of an engine's kernels (measure --engine, or --engine\n"
             "here), else this program's own products. The usual formula, bandwidth / bytes,\n"
             "is an upper bound: taken with --tier formula, or where products were not\n"
             "measured. Of a machine by name: the catalogue's limits x what published results\n"
             "reach of them.\n",
    .examples = "  tokenroof predict llama-3.1-8b-q4_k_m\n"
                "  tokenroof predict model.gguf --platform \"EPYC 9554\" --explain\n"
                "  tokenroof predict qwen3-32b-q4_k_m --calibration server.json --json\n",
    .groups = groups,
    .formats = formats,
    .options_bytes = sizeof(struct tr_predict_options),
    .defaults = &defaults,
    .max_arguments = 1000,
    .argument = "MODEL",
    .run = run,
};
