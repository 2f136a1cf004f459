#include "predict_grounds.h"

#include <math.h>
#include <string.h>

#include "predictions.h"

static int find_calibration(const struct tr_predict_options *options,
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

int tr_grounds_find(struct tr_grounds *grounds, struct tr_calibration **calibration,
                    struct tr_err *reterr) {
    const struct tr_predict_options *options = grounds->options;
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

void tr_grounds_finish(struct tr_grounds *grounds) {
    tr_strings_finish(&grounds->warnings);
    tr_measured_finish(&grounds->measured);
    tr_corrections_finish(&grounds->corrections);
    tr_observed_finish(&grounds->observed);
    json_decref(grounds->learned);
    tr_spec_list_finish(&grounds->specs);
}

struct tr_basis tr_grounds_basis(const struct tr_grounds *grounds, const struct tr_model *model,
                                 const struct tr_named_spec *spec) {
    const struct tr_predict_options *options = grounds->options;
    return (struct tr_basis){
        .platform = spec ? spec->name : grounds->rates.platform,
        .threads = spec ? tr_spec_threads_used(model, &spec->spec, TR_PHASE_GENERATION)
                   : options->threads ? options->threads
                                      : grounds->rates.threads,
        .memory_bytes = grounds->rates.memory_bytes,
        .storage_gb_per_s = options->storage_gb_per_s,
        .cache_scale = tr_cache_scales[options->cache],
        .cache_type = tr_cache_types[options->cache],
        .ubatch = options->ubatch,
        .no_flash_attention = options->flash_attention == 1,
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
        .machine = grounds->calibration ? tr_checked_on_from(grounds->calibration)
                                        : (struct tr_checked_on){0},
    };
}

/* At the numbers of threads with which the calibration has products: few, each takes seconds. */
static int time_others(const struct tr_grounds *grounds, const struct tr_model *model,
                       const struct tr_basis *basis, const struct tr_use_case *cases,
                       size_t n_cases, struct tr_engine_model *engine, struct tr_err *reterr) {
    enum { MOST = 3 };
    int seen[MOST + 1] = {basis->threads};
    size_t n = 1;
    int code = 0;
    for (size_t i = 0; i < grounds->measured.n && n <= MOST && !code; i++) {
        const struct tr_measured_rate *rate = &grounds->measured.rates[i];
        bool known = rate->op != TR_MEASURED_GEMV;
        for (size_t j = 0; j < n; j++)
            known = known || seen[j] == rate->threads;
        if (known)
            continue;
        seen[n++] = rate->threads;
        code = tr_engine_model_time_other(grounds->options->engine, model, basis, rate->threads,
                                          cases, n_cases, engine, reterr);
    }
    return code;
}

int tr_grounds_predict(const struct tr_grounds *grounds, const struct tr_model *model,
                       const struct tr_named_spec *spec, struct tr_basis *basis,
                       const struct tr_use_case *cases, size_t n_cases,
                       struct tr_engine_model *engine, struct tr_prediction **ret_prediction,
                       struct tr_err *reterr) {
    bool others = engine->wants_others && !grounds->options->threads;
    const char *folder = grounds->options->engine, *tier = tr_tier_choices[grounds->options->tier];
    bool finest = grounds->options->tier == 0, stored = false;
    if (spec)
        return tr_predict("spec", model, basis, cases, n_cases, ret_prediction, reterr);
    if (folder) {
        int code = tr_engine_model_time(folder, model, basis, cases, n_cases, engine, reterr);
        if (!code && others)
            code = time_others(grounds, model, basis, cases, n_cases, engine, reterr);
        if (code)
            return code;
    } else if ((finest || !strcmp(tier, "engine")) && basis->parallel <= 1 &&
               !grounds->options->flash_attention) { /* attention was timed with it */
        const json_t *engines = json_object_get(grounds->calibration->document, "engines");
        stored = tr_engine_model_stored(engines, model, basis, cases, n_cases, engine);
    }
    if (folder || stored) {
        basis->engine = engine->label;
        basis->engine_times = &engine->times;
        basis->engine_others = engine->others;
        basis->n_engine_others = engine->n_others;
        basis->engine_rates = stored ? "stored" : "timed";
        int code = tr_predict("engine", model, basis, cases, n_cases, ret_prediction, reterr);
        if (!stored || !finest || code != TR_EUNAVAILABLE)
            return code;
        basis->engine = NULL; /* it lacks a type of this model */
    }
    return finest ? tr_predict_finest(model, basis, cases, n_cases, ret_prediction, reterr)
                  : tr_predict(tier, model, basis, cases, n_cases, ret_prediction, reterr);
}
