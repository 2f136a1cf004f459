#include "formula.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "strbuf.h"

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

static const char *bound_of(const struct tr_rates *rates, bool by_compute) {
    if (by_compute)
        return "compute";
    return rates->fabric_bound ? "fabric" : "memory";
}

static struct tr_estimate estimate(double value) {
    return (struct tr_estimate){.value = value, .low = NAN, .high = NAN};
}

/* Why the class is what it is. */
static void add_class_reason(struct tr_strbuf *why, enum tr_class viability,
                             const struct tr_use_case *use_case, double prompt_s, double tg,
                             double total_s) {
    if (isnan(total_s))
        tr_strbuf_add(why, "The speed of the prompt is unknown without a compute rate");
    else if (!use_case->generated_tokens)
        tr_strbuf_addf(why, "The prompt takes %.3g s", prompt_s);
    else if (!use_case->prompt_tokens)
        tr_strbuf_addf(why, "Output comes at %.3g tok/s", tg);
    else if (viability == TR_CLASS_INTERACTIVE)
        tr_strbuf_addf(why, "The prompt takes %.2g s and output comes at %.3g tok/s", prompt_s, tg);
    else if (viability == TR_CLASS_NON_VIABLE)
        tr_strbuf_addf(why, "It takes %.3g hours, more than 8", total_s / 3600);
    else if (viability == TR_CLASS_OFFLINE)
        tr_strbuf_addf(why, "It takes %.0f s, more than 300 s", total_s);
    else if (prompt_s >= 5)
        tr_strbuf_addf(why, "The prompt takes %.3g s (interactive: below 5 s)", prompt_s);
    else
        tr_strbuf_addf(why, "Output comes at %.3g tok/s (interactive: more than 10)", tg);
}

static void add_bound_reason(struct tr_strbuf *why, const struct tr_model *model,
                             const struct tr_rates *rates, const struct tr_cost *cost,
                             const char *bound, bool mostly_prompt) {
    if (mostly_prompt) {
        tr_strbuf_addf(why,
                       "; most of the time goes into the prompt: %.3g GFLOP a token at %.4g "
                       "GFLOP/s.",
                       cost->prompt_flop / 1e9, rates->flop_gflop_per_s);
        return;
    }
    if (!strcmp(bound, "compute")) {
        tr_strbuf_addf(why, "; each token takes %.3g GFLOP at %.4g GFLOP/s.",
                       cost->token_flop / 1e9, rates->flop_gflop_per_s);
        return;
    }
    double other = (cost->kv_bytes + model->recurrent_state_bytes) / 1e9;
    tr_strbuf_addf(why, "; each token reads %.3g GB of weights",
                   model->weight_bytes_per_token / 1e9);
    if (other >= 0.0005)
        tr_strbuf_addf(why, " and %.2g GB of cache", other);
    tr_strbuf_addf(why, " at %.4g GB/s%s.", rates->read_gb_per_s,
                   rates->fabric_bound ? ", which the fabric limits" : "");
}

static void refuse_size(struct tr_prediction_result *result, const struct tr_rates *rates,
                        double needed, struct tr_strbuf *why) {
    struct tr_estimate unknown = estimate(NAN);
    result->pp_tok_s = result->tg_tok_s = result->first_token_s = result->total_s = unknown;
    result->roof_pp_tok_s = result->roof_tg_tok_s = NAN;
    result->bound = result->bound_pp = NULL;
    result->viability = TR_CLASS_NON_VIABLE;
    tr_strbuf_addf(why,
                   "It needs %.3g GB of memory with its cache, %.3g GB more than the %.3g GB there "
                   "are, so it would run at the speed of the storage.",
                   needed / 1e9, -result->spare_bytes / 1e9, rates->memory_bytes / 1e9);
}

static int predict_one(const struct tr_model *model, const struct tr_rates *rates,
                       const struct tr_use_case *use_case, struct tr_prediction_result *result) {
    struct tr_cost cost;
    struct tr_strbuf why = {0};
    int prompt = use_case->prompt_tokens, generated = use_case->generated_tokens;
    tr_cost_of(model, rates, use_case, &cost);
    double pp = tr_formula_compute_rate(rates->flop_gflop_per_s * 1e9, cost.prompt_flop);
    double tg = 1 / cost.token_s;
    double prompt_s = prompt > 0 ? prompt / pp : 0;
    double total_s = prompt_s + generated * cost.token_s;
    bool by_compute = cost.compute_s > cost.memory_s; /* false where compute is unknown */
    double needed = (double)model->file_bytes +
                    tr_model_kv_bytes(model, (double)use_case->depth + prompt + generated);

    result->use_case = *use_case;
    result->pp_tok_s = estimate(prompt > 0 ? pp : NAN);
    result->tg_tok_s = estimate(generated > 0 ? tg : NAN);
    result->first_token_s =
        estimate(generated > 0 ? tr_formula_first_token_s(prompt, pp, tg) : NAN);
    result->total_s = estimate(total_s);
    result->load_s = tr_formula_load_s((double)model->file_bytes, rates->storage_gb_per_s * 1e9);
    result->spare_bytes = rates->memory_bytes - needed;
    result->fits_where = result->spare_bytes >= 0 ? "RAM" : NULL;
    result->roof_pp_tok_s = result->pp_tok_s.value;
    double faster = rates->read_best_gb_per_s > rates->read_gb_per_s
                        ? rates->read_best_gb_per_s / rates->read_gb_per_s
                        : 1;
    bool mostly_prompt = prompt_s > generated * cost.token_s;
    result->roof_tg_tok_s = generated > 0 ? faster / cost.memory_s : NAN;
    result->bound_pp = isnan(result->pp_tok_s.value) ? NULL : "compute";
    result->bound = mostly_prompt ? result->bound_pp : bound_of(rates, by_compute);
    result->viability = tr_classify(prompt_s, tg, total_s);
    if (result->spare_bytes < 0) {
        refuse_size(result, rates, needed, &why);
    } else {
        add_class_reason(&why, result->viability, use_case, prompt_s, tg, total_s);
        add_bound_reason(&why, model, rates, &cost, bound_of(rates, by_compute), mostly_prompt);
    }
    result->why = tr_strbuf_take(&why);
    return result->why ? 0 : TR_ENOMEM;
}

int tr_predict_formula(const struct tr_model *model, const struct tr_rates *rates,
                       const struct tr_use_case *use_cases, size_t n_use_cases,
                       struct tr_prediction **ret_prediction, struct tr_err *reterr) {
    if (!(rates->read_gb_per_s > 0))
        return tr_err_set(reterr, TR_EUNAVAILABLE,
                          "No read rate of this machine is known. Run 'tokenroof' first");
    struct tr_prediction *prediction = calloc(1, sizeof(*prediction));
    int code = prediction ? 0 : TR_ENOMEM;
    if (!code) {
        prediction->model = model;
        prediction->fidelity = "formula";
        prediction->threads = rates->threads;
        prediction->platform = rates->platform ? strdup(rates->platform) : NULL;
        prediction->results = calloc(n_use_cases + 1, sizeof(*prediction->results));
        if (!prediction->results || (rates->platform && !prediction->platform))
            code = TR_ENOMEM;
    }
    for (size_t i = 0; i < n_use_cases && !code; i++) {
        code = predict_one(model, rates, &use_cases[i], &prediction->results[i]);
        prediction->n_results = i + 1;
    }
    if (!code && n_use_cases)
        code = tr_explain_formula(prediction, rates, &use_cases[0]);
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
    free(prediction);
}
