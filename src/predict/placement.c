#include "placement.h"

#include <math.h>

#include "quant.h"
#include "tokenroof/measured.h"

/* Of the whole machine with each thread's pages on its own node. */
static double home_gb_per_s(const struct tr_basis *basis) {
    if (basis->measured && basis->measured->read_gb_per_s > 0)
        return basis->measured->read_gb_per_s;
    return basis->rates ? basis->rates->read_gb_per_s : NAN;
}

double tr_placed_gb_per_s(const struct tr_basis *basis, double gb_per_s) {
    double fraction = basis->placement_fraction;
    if (!(fraction > 0) || isnan(gb_per_s)) /* fmin() would take an unknown rate for none */
        return gb_per_s;
    return fmin(gb_per_s, fraction * home_gb_per_s(basis));
}

double tr_product_bytes(const struct tr_product *product) {
    const struct tr_quant *quant = tr_quant_by_name(product->type);
    if (!quant || !quant->block)
        return NAN;
    return (double)product->rows * (double)product->columns * quant->bytes / quant->block;
}

double tr_product_matrices(const struct tr_product *product, double tokens) {
    double all = product->experts, used = product->experts_used;
    return product->experts > 0 ? all * (1 - pow(1 - used / all, tokens)) : 1;
}

int tr_placement_explain(const struct tr_tier *tier, struct tr_prediction *prediction,
                         const struct tr_basis *basis, const struct tr_use_case *use_case) {
    const struct {
        const char *name;
        double fraction;
    } placements[] = {{"each thread's pages on its own node", 1},
                      {"pages in turn over all nodes", basis->interleaved_fraction},
                      {"all pages on one node", basis->one_node_fraction}};
    int code = 0;
    for (size_t i = 0; i < 3 && !code && basis->machine.nodes > 1; i++) {
        struct tr_basis placed_so = *basis;
        struct tr_token_time time = {0};
        const struct tr_token_work work = {.phase = TR_PHASE_GENERATION,
                                           .depth = use_case->depth + use_case->prompt_tokens,
                                           .batch = 1};
        placed_so.placement_fraction = placements[i].fraction;
        tier->time(prediction->model, &placed_so, &work, &time);
        if (!isnan(placements[i].fraction))
            code = tr_explanation_add(prediction, "TG by placement", placements[i].name,
                                      "%.3g tok/s, reading at x %.2f", 1e9 / time.ns,
                                      placements[i].fraction);
    }
    return code;
}
