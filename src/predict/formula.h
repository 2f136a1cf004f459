/* The usual formulas, one function each, and the pieces shared by prediction and explanation. */
#ifndef TR_PREDICT_FORMULA_H
#define TR_PREDICT_FORMULA_H

#include "tokenroof/predict.h"

/* FLOP per token by the rule of thumb 2 N d^2. It counts one of the about 12 d^2 weights of a
 * layer, and so is several times too low; shown for comparison only. */
double tr_formula_op_rule_of_thumb(double layers, double d_model);
/* FLOP per token: 2 P + 4 N L d; P active parameters, L positions seen, d width of attention. */
double tr_formula_op(double active_parameters, double layers, double positions, double d_attention);
/* tok/s = F / OP; F in FLOP/s with all cores (parallel efficiency included). */
double tr_formula_compute_rate(double flop_per_s, double flop_per_token);
/* tok/s = BW / S; bytes per second over bytes per token. */
double tr_formula_memory_rate(double bytes_per_s, double bytes_per_token);
/* Seconds to the first token: L / PP + 1 / TG. */
double tr_formula_first_token_s(double prompt_tokens, double pp_tok_per_s, double tg_tok_per_s);
/* Seconds to load: size / storage rate. */
double tr_formula_load_s(double bytes, double bytes_per_s);

/* What one use case costs, averaged over its tokens. */
struct tr_cost {
    double kv_bytes;            /* of cache read per generated token */
    double token_bytes;         /* weights + cache + recurrent state */
    double token_flop;          /* with attention */
    double memory_s, compute_s; /* per generated token; NAN where a rate is unknown */
    double token_s;             /* the larger of the two at each position, averaged */
    double prompt_flop;         /* per prompt token, with attention */
};
void tr_cost_of(const struct tr_model *model, const struct tr_rates *rates,
                const struct tr_use_case *use_case, struct tr_cost *ret_cost);

/* Appends the formulas with their numbers for one use case. */
int tr_explain_formula(struct tr_prediction *prediction, const struct tr_rates *rates,
                       const struct tr_use_case *use_case);

#endif
