/* tokenroof predict MODEL...: tokens per second on a machine that was measured. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cmd.h"
#include "engine_model.h"
#include "measured_rates.h"
#include "predictions.h"
#include "rates.h"
#include "report.h"
#include "spec_documents.h"
#include "spec_platforms.h"
#include "tokenroof/model.h"

enum { MAX_USE_CASES = 24, MAX_TOKENS = 1 << 24 };

struct predict_options {
    struct tr_output_options output;
    const char *calibration;
    const char *engine;    /* folder of an engine's libraries; NULL without */
    const char *use_cases; /* "UC1,UC3" */
    int pp, tg, depth;     /* tokens, 0 = not given; depth -1 = not given */
    int threads;
    double storage_gb_per_s;
    bool explain, largest;
    int parallel, ubatch, cache; /* cache: index in cache_types */
    struct tr_machine_options machine;
    struct tr_spec_options spec;
};

static const char *const cache_types[] = {"f16", "q8_0", "q4_0", NULL};
/* Bytes of 32 elements relative to F16's 64. */
static const double cache_scales[] = {1, 34.0 / 64, 18.0 / 64};

#define MEMBER(name) offsetof(struct predict_options, name)
static const struct tr_option rows[] = {
    {.name = "calibration",
     .argument = "FILE",
     .store = tr_store_text,
     .offset = MEMBER(calibration),
     .brief = true,
     .help = "rates of that machine; default: this machine's newest"},
    {.name = "use-case",
     .argument = "LIST",
     .store = tr_store_text,
     .offset = MEMBER(use_cases),
     .brief = true,
     .help = "of UC1,UC2,UC3,UC4,LocalScore; default: UC1 to UC4"},
    {.name = "pp",
     .argument = "N",
     .store = tr_store_int,
     .offset = MEMBER(pp),
     .min = 1,
     .max = MAX_TOKENS,
     .brief = true,
     .help = "test of its own: process a prompt of N tokens"},
    {.name = "tg",
     .argument = "N",
     .store = tr_store_int,
     .offset = MEMBER(tg),
     .min = 1,
     .max = MAX_TOKENS,
     .brief = true,
     .help = "test of its own: generate N tokens"},
    {.name = "depth",
     .argument = "N",
     .store = tr_store_int,
     .offset = MEMBER(depth),
     .min = 0,
     .max = MAX_TOKENS,
     .help = "--pp and --tg start after N tokens in the cache; default: 0"},
    {.name = "threads",
     .argument = "N",
     .store = tr_store_int,
     .offset = MEMBER(threads),
     .min = 1,
     .max = 65536,
     .help = "rates measured with N threads; default: all"},
    {.name = "engine",
     .argument = "DIR",
     .store = tr_store_text,
     .offset = MEMBER(engine),
     .brief = true,
     .help = "time the kernels of the llama.cpp build in DIR on this model's matrices"},
    {.name = "storage",
     .argument = "GB/S",
     .store = tr_store_double,
     .offset = MEMBER(storage_gb_per_s),
     .min = 0.001,
     .max = 10000,
     .help = "read rate of the storage in GB/s, for the time to load"},
    {.name = "parallel",
     .argument = "B",
     .store = tr_store_int,
     .offset = MEMBER(parallel),
     .min = 1,
     .max = 4096,
     .help = "B sequences generate at once; from the knee on computing binds"},
    {.name = "kv",
     .argument = "f16|q8_0|q4_0",
     .store = tr_store_choice,
     .offset = MEMBER(cache),
     .choices = cache_types,
     .help = "type of the KV cache; default: f16"},
    {.name = "ubatch",
     .argument = "N",
     .store = tr_store_int,
     .offset = MEMBER(ubatch),
     .min = 1,
     .max = 65536,
     .help = "prompt tokens computed at once; default: 512"},
    {.name = "largest",
     .store = tr_store_true,
     .offset = MEMBER(largest),
     .help = "instead of MODEL: the largest of the catalogue that is interactive"},
    {.name = "explain",
     .store = tr_store_true,
     .offset = MEMBER(explain),
     .brief = true,
     .help = "show each formula with its numbers"},
};

static int check_options(const struct tr_command *command, void *target, struct tr_err *reterr) {
    const struct predict_options *options = target;
    (void)command;
    if (options->calibration && tr_spec_asked(&options->spec, options->machine.source))
        return tr_err_set(reterr, TR_EUSAGE,
                          "--calibration is a machine that was measured: it does not go with "
                          "--platform, --machine or --gpu");
    if (options->spec.n_names && options->machine.source)
        return tr_err_set(reterr, TR_EUSAGE,
                          "--platform is a machine by name: it does not go with --machine");
    int code = tr_spec_check(&options->spec, options->machine.source, reterr);
    if (code)
        return code;
    if (options->depth >= 0 && !options->pp && !options->tg)
        return tr_err_set(reterr, TR_EUSAGE, "--depth belongs to --pp or --tg: give one of them");
    return 0;
}

struct use_cases {
    struct tr_use_case items[MAX_USE_CASES];
    char names[2][24];
    size_t n;
};

/* One name of the list, `n` bytes of it. */
static int add_use_case(struct use_cases *cases, const char *text, size_t n,
                        struct tr_err *reterr) {
    const char *names[MAX_USE_CASES + 2] = {0};
    char word[64];
    size_t n_known = 0;
    const struct tr_use_case *known = tr_use_cases(&n_known);
    snprintf(word, sizeof(word), "%.*s", (int)n, text);
    if (!strcasecmp(word, "LocalScore")) {
        size_t n_tests;
        const struct tr_use_case *tests = tr_localscore_tests(&n_tests);
        if (cases->n + n_tests > MAX_USE_CASES - 2)
            return tr_err_set(reterr, TR_EUSAGE, "--use-case: LocalScore twice");
        memcpy(&cases->items[cases->n], tests, n_tests * sizeof(*tests));
        cases->n += n_tests;
        return 0;
    }
    for (size_t i = 0; i < n_known && i < MAX_USE_CASES; i++) {
        names[i] = known[i].name;
        if (strcasecmp(word, known[i].name) != 0)
            continue;
        if (cases->n == MAX_USE_CASES - 2)
            return tr_err_set(reterr, TR_EUSAGE, "--use-case: more than %d", MAX_USE_CASES - 2);
        cases->items[cases->n++] = known[i];
        return 0;
    }
    names[n_known] = "LocalScore";
    struct tr_err why = {0};
    int code = tr_unknown("use case", word, names, &why);
    return tr_err_set(reterr, code, "--use-case: %s", why.text);
}

static int choose_use_cases(const struct predict_options *options, struct use_cases *cases,
                            struct tr_err *reterr) {
    const char *list = options->use_cases;
    int depth = options->depth > 0 ? options->depth : 0;
    if (!list && !options->pp && !options->tg) /* people who talk to a model: like UC4 */
        list = options->largest ? "UC4" : "UC1,UC2,UC3,UC4";
    while (list && *list) {
        size_t n = strcspn(list, ",");
        int code = add_use_case(cases, list, n, reterr);
        if (code)
            return code;
        list += n + (list[n] == ',');
    }
    if (options->pp) {
        snprintf(cases->names[0], sizeof(cases->names[0]), "pp%d", options->pp);
        cases->items[cases->n++] = (struct tr_use_case){
            .name = cases->names[0], .prompt_tokens = options->pp, .depth = depth};
    }
    if (options->tg) {
        snprintf(cases->names[1], sizeof(cases->names[1]), "tg%d", options->tg);
        cases->items[cases->n++] = (struct tr_use_case){
            .name = cases->names[1], .generated_tokens = options->tg, .depth = depth};
    }
    return 0;
}

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

/* What all predictions of one call rest on. */
struct grounds {
    const struct predict_options *options;
    const struct tr_calibration *calibration; /* NULL in the spec tier */
    struct tr_rates rates;                    /* of the calibration */
    struct tr_measured measured;              /* the same, for the measured tier */
    struct tr_spec_list specs;
    struct use_cases cases;
    struct tr_strings warnings;
};

static struct tr_basis basis_of(const struct grounds *grounds, const struct tr_model *model,
                                const struct tr_named_spec *spec) {
    const struct predict_options *options = grounds->options;
    return (struct tr_basis){
        .platform = spec ? spec->name : grounds->rates.platform,
        .threads = spec ? tr_spec_threads_used(model, &spec->spec, TR_PHASE_GENERATION)
                   : options->threads ? options->threads
                                      : grounds->rates.threads,
        .memory_bytes = grounds->rates.memory_bytes,
        .storage_gb_per_s = options->storage_gb_per_s,
        .cache_scale = cache_scales[options->cache],
        .cache_type = cache_types[options->cache],
        .ubatch = options->ubatch,
        .parallel = options->parallel,
        .rates = spec ? NULL : &grounds->rates,
        .spec = spec ? &spec->spec : NULL,
        .measured = spec ? NULL : &grounds->measured,
    };
}

static int predict_one(const struct grounds *grounds, const struct tr_model *model,
                       const struct tr_named_spec *spec, json_t *documents, struct tr_err *reterr) {
    struct tr_prediction *prediction = NULL;
    json_t *document = NULL;
    struct tr_engine_model engine = {0};
    struct tr_basis basis = basis_of(grounds, model, spec);
    const char *folder = grounds->options->engine;
    int code = folder ? tr_engine_model_time(folder, model, &basis, grounds->cases.items,
                                             grounds->cases.n, &engine, reterr)
                      : 0;
    if (!code && folder) {
        basis.engine = engine.label;
        basis.engine_times = &engine.times;
    }
    const struct tr_use_case *cases = grounds->cases.items;
    size_t n_cases = grounds->cases.n;
    if (!code && (spec || folder))
        code = tr_predict(spec ? "spec" : "engine", model, &basis, cases, n_cases, &prediction,
                          reterr);
    else if (!code)
        code = tr_predict_finest(model, &basis, cases, n_cases, &prediction, reterr);
    if (!code)
        code = tr_prediction_to_json(prediction, &document);
    if (!code && spec)
        code = tr_spec_add_answers(model, &basis, grounds->cases.items, grounds->cases.n, document);
    if (!code && basis.parallel > 1)
        code = tr_add_parallel(prediction->fidelity, model, &basis, &grounds->cases.items[0],
                               document);
    if (!code)
        code = add_source(grounds->calibration, &grounds->warnings, document);
    if (!code && json_array_append(documents, document))
        code = TR_ENOMEM;
    json_decref(document);
    tr_prediction_destroy(prediction);
    tr_engine_model_finish(&engine);
    return code;
}

/* Whether the model is interactive in all use cases asked for. */
static bool is_interactive(const struct grounds *grounds, const struct tr_model *model,
                           const struct tr_named_spec *spec) {
    struct tr_prediction *prediction = NULL;
    struct tr_basis basis = basis_of(grounds, model, spec);
    const struct tr_use_case *cases = grounds->cases.items;
    size_t n_cases = grounds->cases.n;
    if (spec ? tr_predict("spec", model, &basis, cases, n_cases, &prediction, NULL)
             : tr_predict_finest(model, &basis, cases, n_cases, &prediction, NULL))
        return false;
    bool all = true;
    for (size_t i = 0; i < prediction->n_results; i++)
        all = all && prediction->results[i].viability == TR_CLASS_INTERACTIVE;
    tr_prediction_destroy(prediction);
    return all;
}

/* By bytes of the file. TR_EUNAVAILABLE if none is. */
static int predict_largest(const struct grounds *grounds, const struct tr_named_spec *spec,
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
        code = predict_one(grounds, best, spec, documents, reterr);
    tr_model_destroy(best);
    return code;
}

struct results {
    json_t *documents; /* one a model */
    bool explain;
};

static int render(const char *format, const struct tr_term *term, const void *data,
                  struct tr_strbuf *out, struct tr_err *reterr) {
    const struct results *results = data;
    if (!strcmp(format, "json"))
        return tr_predictions_json(results->documents, out);
    if (!strcmp(format, "csv")) {
        tr_predictions_csv(results->documents, out);
    } else if (strcmp(format, "text")) {
        struct tr_report_input input = {.documents = results->documents};
        return tr_report_render(format, &input, out, reterr);
    } else if (json_array_size(results->documents) > 2 && !results->explain) {
        tr_predictions_matrix(results->documents, term, out);
    } else {
        tr_predictions_text(results->documents, term, results->explain, out);
    }
    return 0;
}

static int find_calibration(const struct predict_options *options,
                            struct tr_calibration **ret_calibration, struct tr_strings *warnings,
                            struct tr_err *reterr) {
    int code =
        options->calibration
            ? tr_err_of_input(tr_calibration_read(options->calibration, ret_calibration, reterr))
            : tr_rates_find_calibration(ret_calibration, warnings, reterr);
    if (!code && (*ret_calibration)->partial)
        code = tr_strings_add(warnings, "the calibration is partial: its run was interrupted");
    else if (!code && (*ret_calibration)->grade && !strcmp((*ret_calibration)->grade, "D") &&
             (*ret_calibration)->reasons.n)
        code = tr_strings_add(warnings, "the calibration is not to be trusted (quality D: %s)",
                              (*ret_calibration)->reasons.items[0]);
    /* The page for people has them in it. */
    bool page = !tr_output_machine_readable(&options->output);
    if (!code && !page && !options->calibration)
        tr_note(&options->output, "calibration: %s", (*ret_calibration)->path);
    for (size_t i = 0; !code && !page && i < warnings->n; i++)
        tr_note(&options->output, "warning: %s", warnings->items[i]);
    return code;
}

/* Machines by name, or the calibration. */
static int find_grounds(struct grounds *grounds, struct tr_calibration **calibration,
                        struct tr_err *reterr) {
    const struct predict_options *options = grounds->options;
    bool by_name = tr_spec_asked(&options->spec, options->machine.source);
    if (by_name && options->engine)
        return tr_err_set(
            reterr, TR_EUSAGE,
            "--engine times kernels on this machine: it does not go with another one");
    if (by_name)
        return tr_spec_list_make(&options->spec, &options->machine, &grounds->specs, reterr);
    int code = find_calibration(options, calibration, &grounds->warnings, reterr);
    if (!code)
        code = tr_measured_from_calibration(*calibration, &grounds->measured);
    if (!code)
        code = tr_rates_from_calibration(*calibration, options->threads, &grounds->rates, reterr);
    /* Products are interpolated over threads, even where reading alone was not measured so. */
    if (code == TR_EUNAVAILABLE && options->threads && tr_measured_has_products(&grounds->measured))
        code = tr_rates_from_calibration(*calibration, 0, &grounds->rates, reterr);
    grounds->calibration = *calibration;
    grounds->rates.storage_gb_per_s = options->storage_gb_per_s;
    return code;
}

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

/* The models come first: a wrong name or a bad file weighs more than a calibration that is missing.
 */
static int predict_all(struct grounds *grounds, struct tr_model **models, char *const *names,
                       size_t n, struct tr_calibration **calibration, json_t *documents,
                       struct tr_err *reterr) {
    int code = choose_use_cases(grounds->options, &grounds->cases, reterr);
    for (size_t i = 0; !code && i < n; i++)
        code = tr_err_of_input(tr_model_load(names[i], &models[i], reterr));
    if (!code)
        code = find_grounds(grounds, calibration, reterr);
    size_t machines = grounds->specs.n;
    for (size_t j = 0; !code && j < (machines ? machines : 1); j++) {
        struct tr_named_spec *spec = machines ? &grounds->specs.items[j] : NULL;
        if (spec)
            code = set_threads(spec, grounds->options->threads, reterr);
        if (!code && grounds->options->largest)
            code = predict_largest(grounds, spec, documents, reterr);
        for (size_t i = 0; !code && i < n; i++)
            code = predict_one(grounds, models[i], spec, documents, reterr);
    }
    return code;
}

static int run(void *data, char *const *arguments, size_t n, struct tr_err *reterr) {
    struct predict_options *options = data;
    if (n == 0 && !options->largest)
        return tr_err_set(reterr, TR_EUSAGE, "MODEL is missing. Try -h");
    if (options->engine && (options->largest || options->parallel > 1))
        return tr_err_set(reterr, TR_EUSAGE,
                          "--engine times one model with one sequence: it does not go with --%s",
                          options->largest ? "largest" : "parallel");
    if (n && options->largest)
        return tr_err_set(reterr, TR_EUSAGE, "--largest chooses the model itself");
    struct grounds grounds = {.options = options};
    struct tr_calibration *calibration = NULL;
    struct tr_model **models = calloc(n + 1, sizeof(struct tr_model *));
    struct results results = {.documents = json_array(), .explain = options->explain};
    int code = TR_ENOMEM;
    if (models && results.documents)
        code = predict_all(&grounds, models, arguments, n, &calibration, results.documents, reterr);
    if (!code)
        code = tr_output_write(&options->output, "text", render, &results, reterr);
    for (size_t i = 0; models && i < n; i++)
        tr_model_destroy(models[i]);
    free(models);
    json_decref(results.documents);
    tr_strings_finish(&grounds.warnings);
    tr_measured_finish(&grounds.measured);
    tr_spec_list_finish(&grounds.specs);
    tr_calibration_destroy(calibration);
    return code;
}

static const struct predict_options defaults = {
    .depth = -1, .storage_gb_per_s = NAN, .spec = TR_SPEC_OPTIONS_DEFAULT};
static const char *const formats[] = {"text",     "json", "jsonl",      "csv",
                                      "markdown", "html", "prometheus", NULL};
static const struct tr_option_group groups[] = {
    {"prediction", TR_ROWS(rows), 0, check_options},
    {"machine that was not measured", TR_ROWS(tr_spec_rows), offsetof(struct predict_options, spec),
     NULL},
    TR_GROUP_SOURCE(struct predict_options, machine),
    TR_GROUP_OVERRIDES(struct predict_options, machine),
    TR_GROUP_OUTPUT,
    TR_GROUP_END,
};

const struct tr_command tr_command_predict = {
    .usage = "MODEL... [--calibration FILE] [options]",
    .about = "MODEL is a GGUF file (of a split set: the first one) or a name of the catalogue\n"
             "(tokenroof list models). Of a measured machine the figures are the usual\n"
             "formula's, bandwidth / bytes, an upper bound that engines do not reach; with\n"
             "--engine the sum of the engine's own kernels' times; of a machine by name the\n"
             "catalogue's limits x what published results reach of them.\n",
    .examples = "  tokenroof predict llama-3.1-8b-q4_k_m\n"
                "  tokenroof predict model.gguf --platform \"EPYC 9554\" --explain\n"
                "  tokenroof predict qwen3-32b-q4_k_m --calibration server.json --json\n",
    .groups = groups,
    .formats = formats,
    .options_bytes = sizeof(struct predict_options),
    .defaults = &defaults,
    .max_arguments = 1000,
    .argument = "MODEL",
    .run = run,
};
