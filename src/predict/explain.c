/* The formulas as they are usually written beside the forms used here, with this prediction's
 * numbers. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "formula.h"
#include "strbuf.h"
#include "tier.h"

/* Beyond this the reason for the difference is told. */
static const double notable_fraction = 0.10;

/* " (14 times the usual form: why)" where two forms differ notably, else "". */
static char *difference(double used, double usual, const char *reason) {
    double ratio = used / usual;
    if (isnan(ratio) || fabs(ratio - 1) <= notable_fraction)
        return strdup("");
    if (ratio >= 2)
        return tr_format(" (%.3g times the usual form: %s)", ratio, reason);
    if (ratio <= 0.5)
        return tr_format(" (%.3g times less than the usual form: %s)", 1 / ratio, reason);
    return tr_format(" (%.0f%% %s than the usual form: %s)", 100 * fabs(ratio - 1),
                     ratio > 1 ? "more" : "less", reason);
}

static int explain_rates(struct tr_prediction *prediction, const struct tr_rates *rates) {
    int code = tr_explanation_add(prediction, "BW_mem, usual", "min(BW_RAM, BW_CPU)",
                                  "a theoretical limit; of it 0.3 to 0.95 is usually reached");
    if (!code)
        code = tr_explanation_add(prediction, "BW_mem, used", "best measured read rate",
                                  "%.4g GB/s", rates->read_gb_per_s);
    if (code || isnan(rates->flop_gflop_per_s))
        return code;
    return tr_explanation_add(prediction, "F_cpu E_par, used",
                              "FP32 FMA rate measured with all threads", "%.4g GFLOP/s",
                              rates->flop_gflop_per_s);
}

static int explain_prompt(struct tr_prediction *prediction, const struct tr_rates *rates,
                          const struct tr_cost *cost) {
    const struct tr_model *model = prediction->model;
    double flop = rates->flop_gflop_per_s * 1e9;
    double rule = model->embedding_length > 0
                      ? tr_formula_op_rule_of_thumb(model->blocks, model->embedding_length)
                      : NAN;
    int code = 0;
    if (!isnan(rule))
        code = tr_explanation_add(prediction, "OP_token, usual", "2 N d_model^2",
                                  "2 x %d x %d^2 = %.3g GFLOP", model->blocks,
                                  model->embedding_length, rule / 1e9);
    char *apart = difference(cost->prompt_flop, rule,
                             "a layer has about 12 d_model^2 weights, of which 1 d_model^2 is "
                             "counted there; of experts only the active ones count");
    if (!code)
        code = tr_explanation_add(prediction, "OP_token, used",
                                  "2 x active parameters without the vocabulary + attention",
                                  "%.4g + %.3g = %.4g GFLOP%s", model->prompt_flop_per_token / 1e9,
                                  (cost->prompt_flop - model->prompt_flop_per_token) / 1e9,
                                  cost->prompt_flop / 1e9, apart ? apart : "");
    free(apart);
    if (code || isnan(flop))
        return code;
    if (!isnan(rule))
        code = tr_explanation_add(prediction, "PP, usual", "F_cpu E_par / OP_token",
                                  "%.4g GFLOP/s / %.3g GFLOP = %.4g tok/s", flop / 1e9, rule / 1e9,
                                  tr_formula_compute_rate(flop, rule));
    double pp = tr_formula_compute_rate(flop, cost->prompt_flop);
    apart = difference(pp, tr_formula_compute_rate(flop, rule), "OP_token, see above");
    if (!code)
        code = tr_explanation_add(prediction, "PP, used", "F_cpu E_par / OP_token",
                                  "%.4g GFLOP/s / %.4g GFLOP = %.4g tok/s%s", flop / 1e9,
                                  cost->prompt_flop / 1e9, pp, apart ? apart : "");
    free(apart);
    return code;
}

static int explain_generation(struct tr_prediction *prediction, const struct tr_rates *rates,
                              const struct tr_cost *cost) {
    const struct tr_model *model = prediction->model;
    double size = (double)model->file_bytes, read = rates->read_gb_per_s * 1e9;
    double flop = rates->flop_gflop_per_s * 1e9;
    double usual = tr_formula_memory_rate(read, size);
    double used = tr_formula_memory_rate(read, cost->token_bytes);
    int code =
        tr_explanation_add(prediction, "TG from memory, usual", "BW_mem / S_model",
                           "%.4g GB/s / %.4g GB = %.3g tok/s", read / 1e9, size / 1e9, usual);
    char *apart = difference(used, usual,
                             used > usual ? "not all of the file is read for each token: one row "
                                            "of the embedding table, and of experts the active ones"
                                          : "the cache of earlier tokens is read, too");
    if (!code)
        code = tr_explanation_add(prediction, "TG from memory, used",
                                  "BW_mem / (weights read per token + KV cache + state)",
                                  "%.4g GB/s / (%.4g + %.3g + %.2g GB) = %.3g tok/s%s", read / 1e9,
                                  model->weight_bytes_per_token / 1e9, cost->kv_bytes / 1e9,
                                  model->recurrent_state_bytes / 1e9, used, apart ? apart : "");
    free(apart);
    if (code || isnan(flop))
        return code;
    code = tr_explanation_add(
        prediction, "TG from compute, used", "F_cpu E_par / OP_token, with the vocabulary",
        "%.4g GFLOP/s / %.4g GFLOP = %.3g tok/s", flop / 1e9, cost->token_flop / 1e9,
        tr_formula_compute_rate(flop, cost->token_flop));
    if (code)
        return code;
    return tr_explanation_add(prediction, "TG, used", "the smaller one, at each position",
                              "%.3g tok/s", 1 / cost->token_s);
}

static int explain_times(struct tr_prediction *prediction, const struct tr_rates *rates,
                         const struct tr_use_case *use_case, const struct tr_cost *cost) {
    const struct tr_model *model = prediction->model;
    double flop = rates->flop_gflop_per_s * 1e9, read = rates->read_gb_per_s * 1e9;
    double pp = tr_formula_compute_rate(flop, cost->prompt_flop), tg = 1 / cost->token_s;
    int prompt = use_case->prompt_tokens, code = 0;
    if (!isnan(pp) && prompt > 0) {
        double usual = prompt / pp + (double)model->file_bytes / read;
        double used = tr_formula_first_token_s(prompt, pp, tg);
        char *apart =
            difference(used, usual, "a token reads other bytes than the size of the file, see TG");
        code = tr_explanation_add(prediction, "T_first, usual", "L_prompt / PP + S_model / BW_mem",
                                  "%d / %.4g + %.4g GB / %.4g GB/s = %.3g s", prompt, pp,
                                  (double)model->file_bytes / 1e9, read / 1e9, usual);
        if (!code)
            code = tr_explanation_add(prediction, "T_first, used", "L_prompt / PP + 1 / TG",
                                      "%d / %.4g + 1 / %.3g = %.3g s%s", prompt, pp, tg, used,
                                      apart ? apart : "");
        free(apart);
    }
    if (!code && !isnan(rates->storage_gb_per_s))
        code = tr_explanation_add(
            prediction, "T_load, used", "S_model / storage rate", "%.4g GB / %.3g GB/s = %.3g s",
            (double)model->file_bytes / 1e9, rates->storage_gb_per_s,
            tr_formula_load_s((double)model->file_bytes, rates->storage_gb_per_s * 1e9));
    return code;
}

int tr_explain_formula(struct tr_prediction *prediction, const struct tr_rates *rates,
                       const struct tr_use_case *use_case) {
    struct tr_cost cost;
    tr_cost_of(prediction->model, rates, use_case, &cost);
    int code = explain_rates(prediction, rates);
    if (!code)
        code = explain_prompt(prediction, rates, &cost);
    if (!code)
        code = explain_generation(prediction, rates, &cost);
    if (!code)
        code = explain_times(prediction, rates, use_case, &cost);
    return code;
}
