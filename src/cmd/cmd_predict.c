/* tokenroof predict MODEL...: tokens per second on a machine that was measured. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cmd.h"
#include "engine_model.h"
#include "measured_rates.h"
#include "observations.h"
#include "predictions.h"
#include "profile.h"
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
    bool explain, largest, learn;
    const char *observed; /* results of llama-bench; NULL without */
    const char *build;    /* of the engine, for what was learned of it */
    const char *profile;
    int numa;                    /* index in numa_placements */
    int tier;                    /* index in tiers */
    int parallel, ubatch, cache; /* cache: index in cache_types */
    struct tr_machine_options machine;
    struct tr_spec_options spec;
};

static const char *const tiers[] = {"finest", "engine", "measured", "formula", NULL};
static const char *const numa_placements[] = {"local", "interleaved", "one-node", NULL};
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
     .help = "time kernels of the llama.cpp build in DIR"},
    {.name = "tier",
     .argument = "finest|engine|measured|formula",
     .store = tr_store_choice,
     .offset = MEMBER(tier),
     .choices = tiers,
     .help = "of a measured machine; default: the finest that the calibration allows"},
    {.name = "numa",
     .argument = "local|interleaved|one-node",
     .store = tr_store_choice,
     .offset = MEMBER(numa),
     .choices = numa_placements,
     .help = "measured tier: where the weights lie; default: each thread's on its node"},
    {.name = "profile",
     .argument = "ENGINE",
     .store = tr_store_text,
     .offset = MEMBER(profile),
     .help = "measured tier: whose kernels; default: llama.cpp"},
    {.name = "observed",
     .argument = "FILE",
     .store = tr_store_text,
     .offset = MEMBER(observed),
     .brief = true,
     .help = "llama-bench's results beside the prediction"},
    {.name = "learn",
     .store = tr_store_true,
     .offset = MEMBER(learn),
     .help = "keep observed / predicted in the calibration file, for later predictions"},
    {.name = "build",
     .argument = "BUILD",
     .store = tr_store_text,
     .offset = MEMBER(build),
     .help = "apply what was learned of this build; default: the engine's, or the newest"},
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
    if (options->profile && !tr_profile_known(options->profile)) {
        struct tr_err why = {0};
        code = tr_unknown("engine profile", options->profile, tr_profile_names(), &why);
        return tr_err_set(reterr, code, "--profile: %s", why.text);
    }
    if (options->learn && !options->observed)
        return tr_err_set(reterr, TR_EUSAGE, "--learn belongs to --observed: give that too");
    if (options->learn && tr_spec_asked(&options->spec, options->machine.source))
        return tr_err_set(reterr, TR_EUSAGE,
                          "--learn writes into a calibration: it does not go with --platform, "
                          "--machine or --gpu");
    if (options->observed && options->largest)
        return tr_err_set(reterr, TR_EUSAGE,
                          "--observed is about MODEL: it does not go with "
                          "--largest");
    if (options->tier && tr_spec_asked(&options->spec, options->machine.source))
        return tr_err_set(reterr, TR_EUSAGE,
                          "--tier is for a machine that was measured: it does not go with "
                          "--platform, --machine or --gpu");
    if (options->tier && options->engine && strcmp(tiers[options->tier], "engine") != 0)
        return tr_err_set(reterr, TR_EUSAGE,
                          "--engine is the tier engine: it does not go with "
                          "--tier %s",
                          tiers[options->tier]);
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
    struct tr_corrections corrections;
    struct tr_sustained sustained;
    double placements[3]; /* by enum tr_placed */
    struct tr_observed_machine machine;
    struct tr_observed_list observed;
    json_t *learned;
    struct tr_model *const *models;
    size_t n_models;
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
        .corrections = spec ? NULL : &grounds->corrections,
        .build = options->build,
        .profile = options->profile,
        .placement_fraction = grounds->placements[options->numa],
        .interleaved_fraction = grounds->placements[TR_PLACED_INTERLEAVED],
        .one_node_fraction = grounds->placements[TR_PLACED_ONE_NODE],
        .sustained = spec ? (struct tr_sustained){0} : grounds->sustained,
        .machine = {.uarch = grounds->calibration
                                 ? tr_calibration_text(grounds->calibration, "cpu.uarch")
                                 : NULL,
                    .cores = grounds->machine.cores,
                    .nodes = grounds->machine.nodes},
    };
}

/* By the tier asked for, else by the finest that the grounds allow. The engine's times are borrowed
 * by the prediction for as long as its document is made of it. */
static int predict_cases(const struct grounds *grounds, const struct tr_model *model,
                         const struct tr_named_spec *spec, struct tr_basis *basis,
                         const struct tr_use_case *cases, size_t n_cases,
                         struct tr_engine_model *engine, struct tr_prediction **ret_prediction,
                         struct tr_err *reterr) {
    const char *folder = grounds->options->engine, *tier = tiers[grounds->options->tier];
    bool finest = grounds->options->tier == 0, stored = false;
    if (spec)
        return tr_predict("spec", model, basis, cases, n_cases, ret_prediction, reterr);
    if (folder) {
        int code = tr_engine_model_time(folder, model, basis, cases, n_cases, engine, reterr);
        if (code)
            return code;
    } else if ((finest || !strcmp(tier, "engine")) && basis->parallel <= 1) {
        const json_t *engines = json_object_get(grounds->calibration->document, "engines");
        stored = tr_engine_model_stored(engines, model, basis, cases, n_cases, engine);
    }
    if (folder || stored) {
        basis->engine = engine->label;
        basis->engine_times = &engine->times;
        basis->engine_rates = stored ? "stored" : "timed";
        int code = tr_predict("engine", model, basis, cases, n_cases, ret_prediction, reterr);
        if (!stored || !finest || code != TR_EUNAVAILABLE)
            return code;
        basis->engine = NULL; /* it lacks a type of this model */
    }
    return finest ? tr_predict_finest(model, basis, cases, n_cases, ret_prediction, reterr)
                  : tr_predict(tier, model, basis, cases, n_cases, ret_prediction, reterr);
}

struct observed_data {
    const struct grounds *grounds;
    const struct tr_named_spec *spec;
    struct tr_engine_model engine;
};

/* As the observed engine ran. */
static int predict_setting(void *data, const struct tr_model *model,
                           const struct tr_observed_setting *setting,
                           const struct tr_use_case *cases, size_t n_cases,
                           struct tr_prediction **ret_prediction, struct tr_err *reterr) {
    struct observed_data *own = data;
    struct tr_basis basis = basis_of(own->grounds, model, own->spec);
    struct tr_rates rates = own->grounds->rates, exact;
    basis.threads = setting->threads ? setting->threads : basis.threads;
    basis.ubatch = setting->ubatch ? setting->ubatch : basis.ubatch;
    basis.parallel = 1;
    for (size_t i = 0; setting->cache_type && cache_types[i]; i++)
        if (!strcasecmp(setting->cache_type, cache_types[i])) {
            basis.cache_scale = cache_scales[i];
            basis.cache_type = cache_types[i];
        }
    if (!own->spec && setting->threads &&
        !tr_rates_from_calibration(own->grounds->calibration, setting->threads, &exact, NULL))
        rates = exact;
    if (!own->spec)
        basis.rates = &rates;
    tr_engine_model_finish(&own->engine);
    return predict_cases(own->grounds, model, own->spec, &basis, cases, n_cases, &own->engine,
                         ret_prediction, reterr);
}

static int add_observed(const struct grounds *grounds, const struct tr_model *model,
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

static int predict_one(const struct grounds *grounds, const struct tr_model *model,
                       const struct tr_named_spec *spec, json_t *documents, struct tr_err *reterr) {
    struct tr_prediction *prediction = NULL;
    json_t *document = NULL;
    struct tr_engine_model engine = {0};
    struct tr_basis basis = basis_of(grounds, model, spec);
    int code = predict_cases(grounds, model, spec, &basis, grounds->cases.items, grounds->cases.n,
                             &engine, &prediction, reterr);
    if (!code)
        code = tr_prediction_to_json(prediction, &document);
    if (!code && spec)
        code = tr_spec_add_answers(model, &basis, grounds->cases.items, grounds->cases.n, document);
    if (!code && grounds->observed.n)
        code = add_observed(grounds, model, spec, document, reterr);
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
    struct tr_engine_model engine = {0};
    int code = predict_cases(grounds, model, spec, &basis, grounds->cases.items, grounds->cases.n,
                             &engine, &prediction, NULL);
    tr_engine_model_finish(&engine);
    if (code)
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
    if (*calibration) {
        const json_t *kept = json_object_get((*calibration)->document, "corrections");
        tr_observed_machine_of(*calibration, &grounds->machine);
        grounds->sustained = tr_sustained_from(*calibration);
        for (int i = 0; i < 3; i++)
            grounds->placements[i] = tr_placement_fraction(*calibration, (enum tr_placed)i);
        if (!code && isnan(grounds->placements[options->numa]))
            code = tr_err_set(reterr, TR_EUNAVAILABLE,
                              "--numa: the calibration has no matrix of nodes. Run 'tokenroof'");
        if (!code)
            code = tr_corrections_read(kept, &grounds->corrections);
        if (!code && options->learn) {
            grounds->learned = json_is_array(kept) ? json_copy((json_t *)kept) : json_array();
            code = grounds->learned ? 0 : TR_ENOMEM;
        }
    }
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
    if (!code && grounds->options->observed)
        code = tr_err_of_input(
            tr_observed_load(grounds->options->observed, &grounds->observed, reterr));
    if (!code)
        code = find_grounds(grounds, calibration, reterr);
    grounds->models = models;
    grounds->n_models = n;
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
    if (!code && grounds->learned)
        code = tr_observed_keep(*calibration, grounds->learned, reterr);
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
    tr_corrections_finish(&grounds.corrections);
    tr_observed_finish(&grounds.observed);
    json_decref(grounds.learned);
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
