/* From the time of a token, which a tier tells, to what a use case is like. */
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "compose.h"
#include "correction.h"
#include "formula.h"
#include "profile.h"
#include "strbuf.h"

/* Positions at which a run of tokens is sampled. Cost is piecewise linear in the position, for
 * which midpoints are exact but for the pieces in which a window fills. */
enum { MAX_SAMPLES = 512, DEFAULT_UBATCH = 512 };

/* --- tiers ----------------------------------------------------------------------------------- */

static const struct tr_tier *const tiers[] = {
#define TIER(name) &tr_tier_##name,
#include "tiers.def"
#undef TIER
};

const struct tr_tier *tr_tier_find(const char *fidelity) {
    for (size_t i = 0; i < sizeof(tiers) / sizeof(tiers[0]); i++)
        if (!strcmp(tiers[i]->name, fidelity))
            return tiers[i];
    return NULL;
}

void tr_term_add(struct tr_token_time *time, struct tr_time_term term) {
    if (time->n_terms == TR_MAX_TERMS) { /* none is lost: the last one takes the rest */
        struct tr_time_term *last = &time->terms[TR_MAX_TERMS - 1];
        last->bytes += term.bytes;
        last->flop += term.flop;
        last->ns += term.ns;
    } else {
        time->terms[time->n_terms++] = term;
    }
    time->ns += term.ns;
}

double tr_basis_cache_bytes(const struct tr_model *model, const struct tr_basis *basis,
                            double depth) {
    double scale = basis->cache_scale > 0 ? basis->cache_scale : 1;
    return scale * tr_model_kv_bytes(model, depth) + model->recurrent_state_bytes;
}

size_t tr_parts_of(const struct tr_model *model, enum tr_phase phase,
                   struct tr_part parts[TR_MAX_PARTS]) {
    double bytes = model->weight_bytes_per_token;
    double flop = phase == TR_PHASE_PROMPT ? model->prompt_flop_per_token : model->flop_per_token;
    size_t n = 0;
    for (int i = 0; i < TR_TENSOR_CLASS_COUNT; i++) {
        const struct tr_tensor_sum *sum = &model->classes[i];
        bool output = i == TR_TENSOR_OUTPUT;
        bytes -= sum->bytes_per_token;
        if (output && phase == TR_PHASE_PROMPT)
            continue;
        flop -= sum->flop_per_token;
        if (sum->bytes_per_token > 0 || sum->flop_per_token > 0)
            parts[n++] = (struct tr_part){.name = tr_tensor_class_name((enum tr_tensor_class)i),
                                          .tensor_class = (enum tr_tensor_class)i,
                                          .bytes = sum->bytes_per_token,
                                          .flop = sum->flop_per_token};
    }
    /* The sums were rounded on the way. */
    if (bytes > 1e-6 * model->weight_bytes_per_token || flop > 1e-6 * model->flop_per_token)
        parts[n++] = (struct tr_part){.name = "weights",
                                      .tensor_class = TR_TENSOR_CLASS_COUNT,
                                      .bytes = fmax(bytes, 0),
                                      .flop = fmax(flop, 0)};
    return n;
}

size_t tr_parts_computed(const struct tr_model *model, enum tr_phase phase,
                         struct tr_part parts[TR_MAX_PARTS]) {
    size_t n = tr_parts_of(model, phase, parts);
    for (size_t i = 0; phase == TR_PHASE_PROMPT && i < n; i++)
        if (parts[i].tensor_class < TR_TENSOR_CLASS_COUNT)
            parts[i].flop -= model->classes[parts[i].tensor_class].last_block_flop;
    return n;
}

double tr_prompt_flop_computed(const struct tr_model *model) {
    double flop = model->prompt_flop_per_token;
    for (int i = 0; i < TR_TENSOR_CLASS_COUNT; i++)
        flop -= model->classes[i].last_block_flop;
    return flop;
}

double tr_product_count(const struct tr_product *product, enum tr_phase phase) {
    return phase == TR_PHASE_PROMPT ? product->count - product->last_block_count : product->count;
}

/* --- averages over the tokens of a phase ------------------------------------------------------ */

static int samples_of(double tokens) {
    if (tokens < 1)
        return 1;
    return tokens < MAX_SAMPLES ? (int)tokens : MAX_SAMPLES;
}

static void add_share(double *to, double value, int n) {
    *to += value / n;
}

static void average(const struct tr_tier *tier, const struct tr_model *model,
                    const struct tr_basis *basis, enum tr_phase phase, double from, double tokens,
                    double context, struct tr_token_time *ret_time) {
    struct tr_token_time sum = {0};
    double ubatch = basis->ubatch > 0 ? basis->ubatch : DEFAULT_UBATCH;
    double sequences = basis->parallel > 1 ? basis->parallel : 1;
    int n = samples_of(tokens);
    for (int i = 0; i < n; i++) {
        double done = (i + 0.5) * tokens / n;
        struct tr_token_time one = {0};
        /* Without flash attention what comes later in a batch is computed and masked out. */
        if (phase == TR_PHASE_PROMPT && basis->no_flash_attention)
            done = fmin(ceil(done / ubatch) * ubatch, tokens);
        const struct tr_token_work work = {
            .phase = phase,
            .depth = from + done,
            .context = context,
            .batch = phase == TR_PHASE_PROMPT ? fmin(ubatch, tokens) : sequences,
        };
        tier->time(model, basis, &work, &one);
        for (size_t j = 0; j < one.n_terms; j++) {
            const struct tr_time_term *term = &one.terms[j];
            struct tr_time_term *to = &sum.terms[j];
            if (i == 0)
                *to = (struct tr_time_term){0};
            add_share(&to->bytes, term->bytes, n);
            add_share(&to->flop, term->flop, n);
            add_share(&to->count, term->count, n);
            add_share(&to->ns, term->ns, n);
            to->name = term->name;
            to->where = term->where;
            to->gb_per_s = term->gb_per_s;
            to->gflop_per_s = term->gflop_per_s;
            to->bound = term->bound;
        }
        sum.n_terms = one.n_terms;
        add_share(&sum.ns, one.ns, n);
        add_share(&sum.roof_ns, one.roof_ns, n);
    }
    *ret_time = sum;
}

/* What most of the time goes into. */
static const char *bound_of(const struct tr_token_time *time) {
    const char *bound = NULL;
    double most = 0;
    for (size_t i = 0; i < time->n_terms; i++) {
        double sum = 0;
        for (size_t j = 0; j < time->n_terms; j++)
            if (!strcmp(time->terms[j].bound, time->terms[i].bound))
                sum += time->terms[j].ns;
        if (sum > most) {
            most = sum;
            bound = time->terms[i].bound;
        }
    }
    return bound;
}

/* --- corrections --------------------------------------------------------------------------------
 */

const char *tr_basis_rates(const char *fidelity, const struct tr_basis *basis) {
    if (!strcmp(fidelity, "engine"))
        return basis->engine_rates ? basis->engine_rates : "timed";
    if (strcmp(fidelity, "measured") != 0)
        return "";
    return basis->profile ? basis->profile : TR_PROFILE_DEFAULT;
}

/* What was learned, as one more term: positive where the engine was slower. */
static void correct(const struct tr_tier *tier, const struct tr_model *model,
                    const struct tr_basis *basis, enum tr_phase phase, struct tr_token_time *time,
                    struct tr_applied *ret_applied) {
    const struct tr_correction_wanted wanted = {
        .fidelity = tier->name,
        .rates = tr_basis_rates(tier->name, basis),
        .engine = basis->engine,
        .build = basis->build,
        .model = model,
        .threads = basis->threads,
        .phase = phase,
    };
    *ret_applied = (struct tr_applied){0};
    if (!time->n_terms || !tr_correction_find(basis->corrections, &wanted, ret_applied))
        return;
    tr_term_add(time, (struct tr_time_term){.name = "learned",
                                            .bytes = NAN,
                                            .flop = NAN,
                                            .gb_per_s = NAN,
                                            .gflop_per_s = NAN,
                                            .count = NAN,
                                            .ns = time->ns * (1 / ret_applied->ratio - 1),
                                            .bound = bound_of(time)});
}

static int explain_corrections(struct tr_prediction *prediction) {
    static const char *const names[] = {"learned correction of PP", "learned correction of TG"};
    int code = 0;
    for (int phase = 0; phase < TR_PHASE_COUNT && !code && prediction->n_results; phase++) {
        const struct tr_applied *applied = NULL;
        for (size_t i = 0; i < prediction->n_results; i++)
            if (prediction->results[i].correction[phase].n)
                applied = &prediction->results[i].correction[phase];
        if (applied)
            code = tr_explanation_add(prediction, names[phase], "rate x observed / predicted",
                                      "x %.3f +- %.3f, from %d result%s of build %s, learned %s",
                                      applied->ratio, applied->ratio * applied->spread, applied->n,
                                      applied->n == 1 ? "" : "s", applied->build, applied->date);
    }
    return code;
}

/* --- long answers ------------------------------------------------------------------------------
 */

/* Time in ns a token with rates as they are after a long load. */
static double sustained_ns(const struct tr_token_time *time, const struct tr_basis *basis) {
    double ns = 0;
    for (size_t i = 0; i < time->n_terms; i++) {
        const struct tr_time_term *term = &time->terms[i];
        const char *bound = term->bound ? term->bound : "";
        bool memory = !strcmp(bound, "memory") || !strcmp(bound, "fabric");
        double fraction =
            memory ? basis->sustained.read_fraction : basis->sustained.compute_fraction;
        ns += fraction > 0 && fraction < 1 ? term->ns / fraction : term->ns;
    }
    return ns;
}

/* From start_s on, `tokens` tokens; those that come after the load's end are slower. */
static void sustain(const struct tr_basis *basis, double start_s, double tokens,
                    struct tr_token_time *time) {
    double after = basis->sustained.after_s, length_s = tokens * time->ns / 1e9;
    double late_s = start_s + length_s - fmax(after, start_s);
    if (!(after > 0) || !(late_s > 0) || !time->n_terms)
        return;
    double more = (sustained_ns(time, basis) - time->ns) * fmin(late_s / length_s, 1);
    if (more > 0)
        tr_term_add(time, (struct tr_time_term){.name = "sustained load",
                                                .bytes = NAN,
                                                .flop = NAN,
                                                .gb_per_s = NAN,
                                                .gflop_per_s = NAN,
                                                .count = NAN,
                                                .ns = more,
                                                .bound = bound_of(time)});
}

/* --- the best number of threads ----------------------------------------------------------------
 */

static void find_best_threads(const struct tr_tier *tier, const struct tr_model *model,
                              const struct tr_basis *basis, double depth, double tokens,
                              struct tr_prediction_result *result) {
    enum { MOST = 64 };
    int threads[MOST];
    size_t n = tier->candidates ? tier->candidates(basis, threads, MOST) : 0;
    result->best_threads = 0;
    result->best_tg_tok_s = NAN;
    for (size_t i = 0; i < n && n > 1 && tokens > 0; i++) {
        struct tr_basis with = *basis;
        struct tr_token_time time = {0};
        struct tr_applied applied;
        with.threads = threads[i];
        average(tier, model, &with, TR_PHASE_GENERATION, depth, tokens, depth + tokens, &time);
        correct(tier, model, &with, TR_PHASE_GENERATION, &time, &applied);
        double sequences = basis->parallel > 1 ? basis->parallel : 1;
        double rate = 1e9 / time.ns / sequences; /* of one, as tg_tok_s */
        if (rate > result->best_tg_tok_s || isnan(result->best_tg_tok_s)) {
            result->best_tg_tok_s = rate;
            result->best_threads = threads[i];
        }
    }
}

/* --- one use case ----------------------------------------------------------------------------- */

static struct tr_estimate unknown_estimate(void) {
    return (struct tr_estimate){NAN, NAN, NAN};
}

struct bounds {
    double low, high; /* of a rate, relative to the predicted one; NAN unchecked */
};

static struct bounds bounds_of(const struct tr_tier *tier, const struct tr_model *model,
                               const struct tr_basis *basis, enum tr_phase phase) {
    struct bounds bounds = {NAN, NAN};
    if (tier->interval)
        tier->interval(model, basis, phase, &bounds.low, &bounds.high);
    return bounds;
}

static struct tr_estimate rate_of(double seconds, struct bounds bounds) {
    return (struct tr_estimate){1 / seconds, bounds.low / seconds, bounds.high / seconds};
}

/* Both phases at their slow, expected and fast ends: wider than needed, never too narrow. */
static struct tr_estimate time_of(double prompt_s, struct bounds pp, double generation_s,
                                  struct bounds tg) {
    double low = 0, high = 0;
    if (prompt_s != 0) {
        low += prompt_s / pp.high;
        high += prompt_s / pp.low;
    }
    if (generation_s != 0) {
        low += generation_s / tg.high;
        high += generation_s / tg.low;
    }
    return (struct tr_estimate){prompt_s + generation_s, low, high};
}

static char *refuse_size(const struct tr_model *model, const struct tr_fit *placed,
                         struct tr_prediction_result *result) {
    result->pp_tok_s = result->tg_tok_s = unknown_estimate();
    result->first_token_s = result->total_s = unknown_estimate();
    result->roof_pp_tok_s = result->roof_tg_tok_s = result->total_tok_s = NAN;
    result->bound = result->bound_pp = NULL;
    result->viability = TR_CLASS_NON_VIABLE;
    result->time[TR_PHASE_PROMPT].n_terms = result->time[TR_PHASE_GENERATION].n_terms = 0;
    return tr_result_why_too_large(model, placed);
}

static struct tr_fit in_ram(const struct tr_model *model, const struct tr_basis *basis,
                            double cache_bytes) {
    double needed = (double)model->file_bytes + cache_bytes;
    double spare = basis->memory_bytes - needed;
    return (struct tr_fit){.where = spare >= 0 ? "RAM" : NULL,
                           .memory = "RAM",
                           .needed_bytes = needed,
                           .spare_bytes = spare};
}

static int predict_one(const struct tr_tier *tier, const struct tr_model *model,
                       const struct tr_basis *basis, const struct tr_use_case *use_case,
                       struct tr_prediction_result *result) {
    int prompt = use_case->prompt_tokens, generated = use_case->generated_tokens;
    double depth = use_case->depth;
    struct tr_token_time *time = result->time;
    double context = (double)tr_use_case_positions(use_case);
    double sequences = basis->parallel > 1 ? basis->parallel : 1;
    double cache_bytes = sequences * tr_basis_cache_bytes(model, basis, context);
    struct bounds pp = bounds_of(tier, model, basis, TR_PHASE_PROMPT);
    struct bounds tg = bounds_of(tier, model, basis, TR_PHASE_GENERATION);
    average(tier, model, basis, TR_PHASE_PROMPT, depth, prompt, context, &time[TR_PHASE_PROMPT]);
    average(tier, model, basis, TR_PHASE_GENERATION, depth + prompt, generated, context,
            &time[TR_PHASE_GENERATION]);
    if (prompt == 0)
        time[TR_PHASE_PROMPT].n_terms = 0;
    if (generated == 0)
        time[TR_PHASE_GENERATION].n_terms = 0;
    for (int phase = 0; phase < TR_PHASE_COUNT; phase++)
        correct(tier, model, basis, (enum tr_phase)phase, &time[phase], &result->correction[phase]);
    sustain(basis, 0, prompt, &time[TR_PHASE_PROMPT]);
    sustain(basis, prompt > 0 ? prompt * time[TR_PHASE_PROMPT].ns / 1e9 : 0, generated,
            &time[TR_PHASE_GENERATION]);
    find_best_threads(tier, model, basis, depth + prompt, generated, result);
    /* What was checked is the prediction without it. */
    if (result->correction[TR_PHASE_PROMPT].n)
        pp = (struct bounds){NAN, NAN};
    if (result->correction[TR_PHASE_GENERATION].n)
        tg = (struct bounds){NAN, NAN};
    double prompt_token_s = time[TR_PHASE_PROMPT].ns / 1e9;
    /* Of one sequence: the batch brings one token to each. */
    double token_s = sequences * time[TR_PHASE_GENERATION].ns / 1e9;
    double prompt_s = prompt > 0 ? prompt * prompt_token_s : 0;

    result->use_case = *use_case;
    result->pp_tok_s = prompt > 0 ? rate_of(prompt_token_s, pp) : unknown_estimate();
    result->tg_tok_s = generated > 0 ? rate_of(token_s, tg) : unknown_estimate();
    result->first_token_s = generated > 0 ? time_of(prompt_s, pp, token_s, tg) : unknown_estimate();
    result->total_s = time_of(prompt_s, pp, generated * token_s, tg);
    result->load_s = tr_formula_load_s((double)model->file_bytes, basis->storage_gb_per_s * 1e9);
    result->roof_pp_tok_s = prompt > 0 ? 1e9 / time[TR_PHASE_PROMPT].roof_ns : NAN;
    result->roof_tg_tok_s =
        generated > 0 ? 1e9 / sequences / time[TR_PHASE_GENERATION].roof_ns : NAN;
    result->total_tok_s = generated > 0 ? sequences / token_s : NAN;
    const struct tr_fit placed = (tier->place ? tier->place : in_ram)(model, basis, cache_bytes);
    result->fits_where = placed.where;
    result->scarce = placed.memory;
    result->spare_bytes = placed.spare_bytes;
    bool mostly_prompt = prompt_s > generated * token_s;
    result->bound_pp = isnan(result->pp_tok_s.value) ? NULL : bound_of(&time[TR_PHASE_PROMPT]);
    result->bound = mostly_prompt ? result->bound_pp : bound_of(&time[TR_PHASE_GENERATION]);
    /* A test without output has a class, too: by what its output would be. */
    result->viability = tr_classify(prompt_s, 1 / token_s, result->total_s.value);
    result->why = result->spare_bytes < 0 ? refuse_size(model, &placed, result)
                                          : tr_result_why(model, result, prompt_s, mostly_prompt);
    return result->why ? 0 : TR_ENOMEM;
}

int tr_predict_knee(const char *fidelity, const struct tr_model *model,
                    const struct tr_basis *basis, double depth) {
    const struct tr_tier *tier = tr_tier_find(fidelity);
    enum { MOST = 4096 };
    for (int sequences = 1; tier && sequences <= MOST; sequences++) {
        struct tr_token_time time = {0};
        const struct tr_token_work work = {.phase = TR_PHASE_GENERATION,
                                           .depth = depth,
                                           .context = depth * sequences,
                                           .batch = sequences};
        tier->time(model, basis, &work, &time);
        const char *bound = bound_of(&time);
        if (bound && !strcmp(bound, "compute"))
            return sequences;
    }
    return 0;
}

/* --- the whole -------------------------------------------------------------------------------- */

int tr_explanation_add(struct tr_prediction *prediction, const char *name, const char *formula,
                       const char *format, ...) {
    struct tr_strbuf value = {0};
    va_list args;
    va_start(args, format);
    tr_strbuf_vaddf(&value, format, args);
    va_end(args);
    struct tr_explanation *all =
        realloc(prediction->explanations, (prediction->n_explanations + 1) * sizeof(*all));
    if (!all) {
        tr_strbuf_finish(&value);
        return TR_ENOMEM;
    }
    prediction->explanations = all;
    struct tr_explanation *one = &all[prediction->n_explanations++];
    *one = (struct tr_explanation){
        .name = strdup(name), .formula = strdup(formula), .value = tr_strbuf_take(&value)};
    return one->name && one->formula && one->value ? 0 : TR_ENOMEM;
}

static int make(const struct tr_tier *tier, const struct tr_model *model,
                const struct tr_basis *basis, size_t n_use_cases,
                struct tr_prediction **ret_prediction) {
    struct tr_prediction *prediction = calloc(1, sizeof(*prediction));
    if (!prediction)
        return TR_ENOMEM;
    prediction->model = model;
    prediction->fidelity = tier->name;
    prediction->threads = basis->threads;
    prediction->platform = basis->platform ? strdup(basis->platform) : NULL;
    prediction->engine = basis->engine ? strdup(basis->engine) : NULL;
    prediction->rates = tr_basis_rates(tier->name, basis);
    if (tier->interval_note)
        prediction->interval_note = tier->interval_note(model, basis);
    prediction->results = calloc(n_use_cases + 1, sizeof(*prediction->results));
    *ret_prediction = prediction;
    return !prediction->results || (basis->platform && !prediction->platform) ||
                   (basis->engine && !prediction->engine)
               ? TR_ENOMEM
               : 0;
}

/* Figures with a learned correction have none. */
static bool has_intervals(const struct tr_prediction *prediction) {
    for (size_t i = 0; i < prediction->n_results; i++)
        if (!isnan(prediction->results[i].pp_tok_s.low) ||
            !isnan(prediction->results[i].tg_tok_s.low))
            return true;
    return false;
}

int tr_predict(const char *fidelity, const struct tr_model *model, const struct tr_basis *basis,
               const struct tr_use_case *use_cases, size_t n_use_cases,
               struct tr_prediction **ret_prediction, struct tr_err *reterr) {
    const struct tr_tier *tier = tr_tier_find(fidelity);
    struct tr_prediction *prediction = NULL;
    if (!tier)
        return tr_err_set(reterr, TR_EUSAGE, "There is no fidelity '%.40s'", fidelity);
    int code = tier->check(model, basis, reterr);
    if (code)
        return code;
    code = make(tier, model, basis, n_use_cases, &prediction);
    for (size_t i = 0; i < n_use_cases && !code; i++) {
        code = predict_one(tier, model, basis, &use_cases[i], &prediction->results[i]);
        prediction->n_results = i + 1;
    }
    if (!code && !has_intervals(prediction)) {
        free(prediction->interval_note);
        prediction->interval_note = NULL;
    }
    if (!code && n_use_cases && tier->explain)
        code = tier->explain(prediction, basis, &use_cases[0]);
    if (!code)
        code = explain_corrections(prediction);
    if (code) {
        tr_prediction_destroy(prediction);
        return code;
    }
    *ret_prediction = prediction;
    return 0;
}

void tr_prediction_destroy(struct tr_prediction *prediction) {
    if (!prediction)
        return;
    for (size_t i = 0; i < prediction->n_results; i++)
        free(prediction->results[i].why);
    for (size_t i = 0; i < prediction->n_explanations; i++) {
        free(prediction->explanations[i].name);
        free(prediction->explanations[i].formula);
        free(prediction->explanations[i].value);
    }
    free(prediction->results);
    free(prediction->explanations);
    free(prediction->platform);
    free(prediction->engine);
    free(prediction->interval_note);
    free(prediction);
}
