#include "formula.h"

#include <math.h>

#include "tier.h"

/* Positions at which a run of tokens is sampled. Cost is piecewise linear in the position, for
 * which midpoints are exact but for the pieces in which a window fills. */
enum { MAX_SAMPLES = 512 };

double tr_formula_op_rule_of_thumb(double layers, double d_model) {
    return 2 * layers * d_model * d_model;
}

double tr_formula_op(double active_parameters, double layers, double positions,
                     double d_attention) {
    return 2 * active_parameters + 4 * layers * positions * d_attention;
}

double tr_formula_compute_rate(double flop_per_s, double flop_per_token) {
    return flop_per_s / flop_per_token;
}

double tr_formula_memory_rate(double bytes_per_s, double bytes_per_token) {
    return bytes_per_s / bytes_per_token;
}

double tr_formula_first_token_s(double prompt_tokens, double pp_tok_per_s, double tg_tok_per_s) {
    return (prompt_tokens > 0 ? prompt_tokens / pp_tok_per_s : 0) + 1 / tg_tok_per_s;
}

double tr_formula_load_s(double bytes, double bytes_per_s) {
    return bytes / bytes_per_s;
}

static int samples_of(int tokens) {
    if (tokens < 1)
        return 1;
    return tokens < MAX_SAMPLES ? tokens : MAX_SAMPLES;
}

void tr_cost_of(const struct tr_model *model, const struct tr_rates *rates,
                const struct tr_use_case *use_case, struct tr_cost *ret_cost) {
    struct tr_cost cost = {0};
    double read = rates->read_gb_per_s * 1e9, flop = rates->flop_gflop_per_s * 1e9;
    int prompt = use_case->prompt_tokens, generated = use_case->generated_tokens;
    int n = samples_of(generated);
    for (int i = 0; i < n; i++) {
        double depth = (double)use_case->depth + prompt + (i + 0.5) * generated / n;
        double kv_bytes = tr_model_kv_bytes(model, depth);
        double bytes = model->weight_bytes_per_token + kv_bytes + model->recurrent_state_bytes;
        double operations = model->flop_per_token + tr_model_attention_flop(model, depth);
        cost.kv_bytes += kv_bytes / n;
        cost.token_bytes += bytes / n;
        cost.token_flop += operations / n;
        /* fmax takes the known one of the two. */
        cost.token_s += fmax(bytes / read, operations / flop) / n;
    }
    cost.memory_s = cost.token_bytes / read;
    cost.compute_s = cost.token_flop / flop;
    n = samples_of(prompt);
    for (int i = 0; i < n; i++) {
        double depth = use_case->depth + (i + 0.5) * prompt / n;
        cost.prompt_flop +=
            (model->prompt_flop_per_token + tr_model_attention_flop(model, depth)) / n;
    }
    *ret_cost = cost;
}

/* --- the tier -------------------------------------------------------------------------------- */

static int check(const struct tr_model *model, const struct tr_basis *basis,
                 struct tr_err *reterr) {
    (void)model;
    if (basis->rates && basis->rates->read_gb_per_s > 0)
        return 0;
    return tr_err_set(reterr, TR_EUNAVAILABLE,
                      "No read rate of this machine is known. Run 'tokenroof' first");
}

static void prompt_time(const struct tr_model *model, const struct tr_rates *rates,
                        const struct tr_token_work *work, struct tr_token_time *time) {
    struct tr_part parts[TR_MAX_PARTS];
    double rate = rates->flop_gflop_per_s;
    size_t n = tr_parts_of(model, TR_PHASE_PROMPT, parts);
    for (size_t i = 0; i <= n; i++) {
        bool attention = i == n;
        double flop = attention ? tr_model_attention_flop(model, work->depth) : parts[i].flop;
        tr_term_add(time, (struct tr_time_term){
                              .name = attention ? "cache" : parts[i].name,
                              .bytes = NAN,
                              .flop = flop,
                              .gb_per_s = NAN,
                              .gflop_per_s = rate,
                              .count = NAN,
                              .ns = flop / rate,
                              .bound = "compute",
                          });
    }
    time->roof_ns = time->ns;
}

/* The whole token is bound by one of the two, as the usual formula has it. */
static void generation_time(const struct tr_model *model, const struct tr_basis *basis,
                            const struct tr_token_work *work, struct tr_token_time *time) {
    const struct tr_rates *rates = basis->rates;
    struct tr_part parts[TR_MAX_PARTS];
    size_t n = tr_parts_of(model, TR_PHASE_GENERATION, parts);
    double read = rates->read_gb_per_s, compute = rates->flop_gflop_per_s;
    double cache = tr_basis_cache_bytes(model, basis, work->depth), batch = work->batch;
    double attention = tr_model_attention_flop(model, work->depth);
    double memory_ns = (model->weight_bytes_per_token / batch + cache) / read;
    double compute_ns = (model->flop_per_token + attention) / compute;
    bool by_compute = compute_ns > memory_ns; /* false where compute is unknown */
    for (size_t i = 0; i <= n; i++) {
        double bytes = i == n ? cache : parts[i].bytes / batch,
               flop = i == n ? attention : parts[i].flop;
        tr_term_add(time, (struct tr_time_term){
                              .name = i == n ? "cache" : parts[i].name,
                              .bytes = bytes,
                              .flop = flop,
                              .gb_per_s = read,
                              .gflop_per_s = compute,
                              .count = NAN,
                              .ns = by_compute ? flop / compute : bytes / read,
                              .bound = by_compute            ? "compute"
                                       : rates->fabric_bound ? "fabric"
                                                             : "memory",
                          });
    }
    time->roof_ns =
        rates->read_best_gb_per_s > read ? memory_ns * read / rates->read_best_gb_per_s : memory_ns;
}

static void token_time(const struct tr_model *model, const struct tr_basis *basis,
                       const struct tr_token_work *work, struct tr_token_time *time) {
    if (work->phase == TR_PHASE_PROMPT)
        prompt_time(model, basis->rates, work, time);
    else
        generation_time(model, basis, work, time);
}

static int explain(struct tr_prediction *prediction, const struct tr_basis *basis,
                   const struct tr_use_case *use_case) {
    return tr_explain_formula(prediction, basis->rates, use_case);
}

const struct tr_tier tr_tier_formula = {
    .name = "formula",
    .check = check,
    .time = token_time,
    .explain = explain,
};

int tr_predict_formula(const struct tr_model *model, const struct tr_rates *rates,
                       const struct tr_use_case *use_cases, size_t n_use_cases,
                       struct tr_prediction **ret_prediction, struct tr_err *reterr) {
    const struct tr_basis basis = {
        .platform = rates->platform,
        .threads = rates->threads,
        .memory_bytes = rates->memory_bytes,
        .storage_gb_per_s = rates->storage_gb_per_s,
        .rates = rates,
    };
    return tr_predict("formula", model, &basis, use_cases, n_use_cases, ret_prediction, reterr);
}
