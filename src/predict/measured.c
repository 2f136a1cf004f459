/* Measured tier: each product of a token at the rate measured for its type, the cache at the rate
 * of attention, a barrier for each node of the graph. Formulas in docs/method.md. */
#include "tokenroof/measured.h"

#include <math.h>
#include <string.h>

#include "interval.h"
#include "placement.h"
#include "profile.h"
#include "quant.h"
#include "tier.h"

enum {
    /* Nodes of a block's graph that are neither products nor attention: norms and their scales,
     * rotations, cache writes, additions, activation and its product (engines of 2025 and 2026). */
    NODES_OF_BLOCK = 12,
    NODES_OF_ROUTING = 8,
    BARRIERS_OF_PRODUCT = 2, /* after the activations are quantised, after the product */
};

/* FLOP of attention for each byte of an F16 cache in the shape in which our kernel is measured: 2
 * for each of its query heads and each number of 2 bytes. */
static const double flop_per_byte = 2.0 * TR_MEASURED_QUERIES_PER_HEAD / 2;

/* ---- rates ---- */

static bool is_of(const struct tr_measured_rate *rate, enum tr_measured_op op, const char *type) {
    return rate->op == op && (!type || !strcmp(rate->type, type));
}

/* The rate at exactly these threads, over tokens. */
static double over_tokens(const struct tr_measured *measured, enum tr_measured_op op,
                          const char *type, double tokens, int threads) {
    const struct tr_measured_rate *below = NULL, *above = NULL;
    for (size_t i = 0; i < measured->n; i++) {
        const struct tr_measured_rate *rate = &measured->rates[i];
        if (!is_of(rate, op, type) || rate->threads != threads)
            continue;
        if (rate->tokens <= tokens && (!below || rate->tokens > below->tokens))
            below = rate;
        if (rate->tokens >= tokens && (!above || rate->tokens < above->tokens))
            above = rate;
    }
    if (!below || !above)
        return below ? below->rate : above ? above->rate : NAN;
    if (above->tokens == below->tokens)
        return below->rate;
    double share = log(tokens / below->tokens) / log(above->tokens / below->tokens);
    return below->rate + share * (above->rate - below->rate);
}

/* The nearest numbers of threads, measured at all, below and above; 0 = none. */
static void neighbours(const struct tr_measured *measured, enum tr_measured_op op, const char *type,
                       int threads, int *ret_below, int *ret_above) {
    *ret_below = *ret_above = 0;
    for (size_t i = 0; i < measured->n; i++) {
        const struct tr_measured_rate *rate = &measured->rates[i];
        if (!is_of(rate, op, type))
            continue;
        if (rate->threads <= threads && rate->threads > *ret_below)
            *ret_below = rate->threads;
        if (rate->threads >= threads && (!*ret_above || rate->threads < *ret_above))
            *ret_above = rate->threads;
    }
}

static double exact_type(const struct tr_measured *measured, enum tr_measured_op op,
                         const char *type, double tokens, int threads) {
    int below, above;
    neighbours(measured, op, type, threads, &below, &above);
    double low = below ? over_tokens(measured, op, type, tokens, below) : NAN;
    double high = above ? over_tokens(measured, op, type, tokens, above) : NAN;
    bool time = op == TR_MEASURED_BARRIER; /* a time, not a rate: it does not shrink to nothing */
    if (!below)
        return time || !above ? high : high * threads / above;
    if (!above || above == below)
        return low;
    return low + (high - low) * (threads - below) / (above - below);
}

double tr_measured_rate_of(const struct tr_measured *measured, enum tr_measured_op op,
                           const char *type, double tokens, int threads) {
    enum { MOST_STEPS = 4 }; /* from type to type, each nearer to what is always measured */
    double rate = exact_type(measured, op, type, tokens, threads);
    for (int step = 0; type && isnan(rate) && step < MOST_STEPS; step++) {
        const struct tr_quant *quant = tr_quant_by_name(type);
        if (!quant || !quant->nearest[0])
            break;
        type = quant->nearest;
        rate = exact_type(measured, op, type, tokens, threads);
    }
    return rate;
}

/* ---- one product ---- */

static const char *profile_of(const struct tr_basis *basis) {
    return basis->profile ? basis->profile : TR_PROFILE_DEFAULT;
}

static double ratio_of(const struct tr_basis *basis, const char *engine, const char *op,
                       const char *type, double tokens, int *ret_threads) {
    const struct tr_profile_product product = {.op = op,
                                               .type = type,
                                               .tokens = tokens,
                                               .threads = basis->threads,
                                               .uarch = basis->machine.uarch};
    return tr_profile_ratio(engine, &product, ret_threads);
}

/* How much faster our kernel is than that of the engine that is predicted. */
static double faster(const struct tr_basis *basis, const char *op, const char *type,
                     double tokens) {
    return ratio_of(basis, profile_of(basis), op, type, tokens, NULL);
}

/* The same of what is no product, of which there are rows of the default engine alone: the others
 * share its code. And with how many threads it was compared. */
static double faster_beside_products(const struct tr_basis *basis, const char *op, const char *type,
                                     int *ret_threads) {
    return ratio_of(basis, TR_PROFILE_DEFAULT, op, type, 1, ret_threads);
}

/* Engines were compared with kernels in vector registers, so that their ratios go with those; in
 * tiles only where nothing else was measured. */
static double gemm_rate(const struct tr_measured *measured, const char *type, double tokens,
                        int threads) {
    double rate = tr_measured_rate_of(measured, TR_MEASURED_GEMM, type, tokens, threads);
    return isnan(rate)
               ? tr_measured_rate_of(measured, TR_MEASURED_GEMM_TILES, type, tokens, threads)
               : rate;
}

static bool has_one_thread(const struct tr_measured *measured) {
    for (size_t i = 0; i < measured->n; i++)
        if (measured->rates[i].op == TR_MEASURED_GEMV && measured->rates[i].threads == 1)
            return true;
    return false;
}

static double gemv_of_engine(const struct tr_basis *basis, const char *type) {
    return tr_measured_rate_of(basis->measured, TR_MEASURED_GEMV, type, 1, basis->threads) /
           faster(basis, "gemv", type, 1);
}

/* GB/s at which the engine reads weights for one token. Our kernel asks for more at once and
 * follows what memory gives at the moment; the engine's may be bound by its cores: with T threads
 * it is no faster than T times itself with one, by as much less as it was found to be. */
static double engine_read(const struct tr_basis *basis, const char *type) {
    const double rate = gemv_of_engine(basis, type);
    if (basis->threads == 1 || !has_one_thread(basis->measured))
        return rate;
    struct tr_basis alone = *basis;
    alone.threads = 1;
    return fmin(rate, basis->threads * gemv_of_engine(&alone, type) /
                          faster_beside_products(basis, "scaling", type, NULL));
}

static double used(const struct tr_product *product) {
    return product->experts > 0 ? product->experts_used : 1;
}

/* ns for one token of `work->batch` at once. */
static double product_ns(const struct tr_product *product, const struct tr_basis *basis,
                         const struct tr_token_work *work) {
    const struct tr_measured *measured = basis->measured;
    double bytes = tr_product_bytes(product), one = NAN;
    double read = tr_placed_gb_per_s(basis, engine_read(basis, product->type));
    if (work->phase == TR_PHASE_GENERATION && work->batch <= 1)
        return product->count * used(product) * bytes / read;
    double flop = 2 * (double)product->rows * (double)product->columns * used(product);
    double experts = tr_product_matrices(product, work->batch);
    double tokens = work->batch * used(product) / experts; /* in each matrix */
    one = gemm_rate(measured, product->type, tokens, basis->threads) /
          faster(basis, "gemm", product->type, tokens);
    return tr_product_count(product, work->phase) *
           fmax(flop / one, experts * bytes / read / work->batch);
}

/* Of weights that the tokens computed at once share, a token reads its part. */
static double class_bytes(const struct tr_model *model, const struct tr_token_work *work,
                          const struct tr_part *part) {
    double bytes = 0;
    if (work->phase != TR_PHASE_GENERATION || work->batch <= 1)
        return part->bytes;
    for (size_t i = 0; i < model->n_products; i++)
        if (model->products[i].tensor_class == part->tensor_class)
            bytes += model->products[i].count * tr_product_bytes(&model->products[i]) *
                     tr_product_matrices(&model->products[i], work->batch) / work->batch;
    return bytes;
}

static double class_ns(const struct tr_model *model, const struct tr_basis *basis,
                       const struct tr_token_work *work, enum tr_tensor_class tensor_class,
                       double *ret_products) {
    double ns = 0;
    for (size_t i = 0; i < model->n_products; i++) {
        if (model->products[i].tensor_class != tensor_class)
            continue;
        ns += product_ns(&model->products[i], basis, work);
        *ret_products += model->products[i].count;
    }
    return ns;
}

/* ---- terms ---- */

static const char *bound_of(const struct tr_basis *basis, double bytes, double ns,
                            enum tr_phase phase) {
    static const double memory_bound_fraction = 0.6;
    if (phase == TR_PHASE_PROMPT ||
        bytes / ns < memory_bound_fraction * basis->measured->read_gb_per_s)
        return "compute";
    return basis->rates && basis->rates->fabric_bound ? "fabric" : "memory";
}

static void add_weights(const struct tr_model *model, const struct tr_basis *basis,
                        const struct tr_token_work *work, struct tr_token_time *time,
                        double *ret_products) {
    struct tr_part parts[TR_MAX_PARTS];
    size_t n = tr_parts_computed(model, work->phase, parts);
    bool generation = work->phase == TR_PHASE_GENERATION;
    for (size_t i = 0; i < n; i++) {
        double ns = class_ns(model, basis, work, parts[i].tensor_class, ret_products);
        if (ns == 0) /* nothing that is multiplied: among the other operations */
            continue;
        double bytes = class_bytes(model, work, &parts[i]);
        tr_term_add(time, (struct tr_time_term){
                              .name = parts[i].name,
                              .bytes = generation ? bytes : NAN,
                              .flop = parts[i].flop,
                              .gb_per_s = generation ? bytes / ns : NAN,
                              .gflop_per_s = parts[i].flop / ns,
                              .count = NAN,
                              .ns = ns,
                              .bound = bound_of(basis, bytes, ns, work->phase),
                          });
    }
}

/* ns of a generated token's attention. Our kernel, measured with TR_MEASURED_QUERIES_PER_HEAD query
 * heads to each pair of keys and values, is bound by what it reads; engines compute each query head
 * by itself and are bound by arithmetic, so that their rate is one of operations. */
static double attention_ns(const struct tr_basis *basis, double bytes, double flop) {
    double own =
        tr_measured_rate_of(basis->measured, TR_MEASURED_ATTENTION, "F16", 1, basis->threads);
    double gflop_per_s =
        own * flop_per_byte / faster_beside_products(basis, "attention", "F16", NULL);
    return fmax(bytes / tr_placed_gb_per_s(basis, own), flop / gflop_per_s);
}

/* By how much the engine's attention in a prompt is slower than our products in F16, for each FLOP:
 * a pair of a query and a key costs it a softmax besides 2 FLOP for each number of key and value,
 * so that the ratio goes with 1 / length of a head on a straight line through the two that were
 * compared. */
static double slower_in_prompts(const struct tr_model *model, const struct tr_basis *basis) {
    double at_64 = faster_beside_products(basis, "prompt_attention_64", "F16", NULL);
    double at_128 = faster_beside_products(basis, "prompt_attention_128", "F16", NULL);
    double length = 128;
    if (model->n_layers && model->layers[0].key_length + model->layers[0].value_length > 0)
        length = (model->layers[0].key_length + model->layers[0].value_length) / 2.0;
    return fmax(at_128 + (at_64 - at_128) * (128 / length - 1), 1);
}

/* A generated token reads the cache; a prompt's tokens share what they read, and are bound by the
 * arithmetic, which is told by products in F16. */
static void add_cache(const struct tr_model *model, const struct tr_basis *basis,
                      const struct tr_token_work *work, struct tr_token_time *time) {
    bool generation = work->phase == TR_PHASE_GENERATION;
    double bytes = tr_basis_cache_bytes(model, basis, work->depth);
    double flop = tr_model_attention_flop(model, work->depth);
    double ns = generation ? attention_ns(basis, bytes, flop)
                           : flop * slower_in_prompts(model, basis) /
                                 tr_measured_rate_of(basis->measured, TR_MEASURED_GEMM, "F16",
                                                     work->batch, basis->threads);
    if (work->depth <= 0)
        ns = 0;
    tr_term_add(time, (struct tr_time_term){
                          .name = "cache",
                          .bytes = generation ? bytes : NAN,
                          .flop = flop,
                          .gb_per_s = generation ? bytes / ns : NAN,
                          .gflop_per_s = flop / ns,
                          .count = NAN,
                          .ns = ns,
                          .bound = generation ? bound_of(basis, bytes, ns, work->phase) : "compute",
                      });
}

static double barrier_ns(const struct tr_basis *basis, int threads) {
    return tr_measured_rate_of(basis->measured, TR_MEASURED_BARRIER, NULL, 1, threads);
}

/* ns that the engine's threads lose to each other in the graph of one token. What a product takes
 * beyond its bytes (parts of unequal length, activations brought to 8 bits by one thread) was found
 * with few threads and stays; with more its barriers take longer. */
static double waits_ns(const struct tr_model *model, const struct tr_basis *basis, double nodes) {
    int compared;
    double node = faster_beside_products(basis, "node", "-", &compared);
    double barrier = barrier_ns(basis, basis->threads), sum = nodes * node * barrier;
    for (size_t i = 0; i < model->n_products; i++) {
        const struct tr_product *product = &model->products[i];
        double found = faster_beside_products(basis, "product", product->type, &compared);
        double then = barrier_ns(basis, compared);
        sum += product->count * (fmax(found, BARRIERS_OF_PRODUCT) * then +
                                 BARRIERS_OF_PRODUCT * node * fmax(barrier - then, 0));
    }
    return sum;
}

/* Each node of the graph ends at a barrier; those that are no products move their operands. */
static void add_nodes(const struct tr_model *model, const struct tr_basis *basis,
                      const struct tr_token_work *work, double products,
                      struct tr_token_time *time) {
    const struct tr_measured *measured = basis->measured;
    double nodes = model->blocks * (NODES_OF_BLOCK + (model->experts > 0 ? NODES_OF_ROUTING : 0));
    double barriers = (nodes + BARRIERS_OF_PRODUCT * products) / work->batch;
    double copy = tr_measured_rate_of(measured, TR_MEASURED_COPY, NULL, 1, basis->threads);
    double bytes = nodes * model->embedding_length * 2.0 * sizeof(float); /* read, written */
    double waits = basis->threads > 1 ? waits_ns(model, basis, nodes) / work->batch : 0;
    tr_term_add(time, (struct tr_time_term){.name = "barriers",
                                            .bytes = NAN,
                                            .flop = NAN,
                                            .gb_per_s = NAN,
                                            .gflop_per_s = NAN,
                                            .count = barriers,
                                            .ns = waits,
                                            .bound = "sync"});
    tr_term_add(time, (struct tr_time_term){.name = "other operations",
                                            .bytes = bytes,
                                            .flop = NAN,
                                            .gb_per_s = copy,
                                            .gflop_per_s = NAN,
                                            .count = nodes / work->batch,
                                            .ns = bytes / copy,
                                            .bound = "memory"});
}

static double best_gemm(const struct tr_measured *measured) {
    double best = NAN;
    for (size_t i = 0; i < measured->n; i++)
        if (measured->rates[i].op == TR_MEASURED_GEMM ||
            measured->rates[i].op == TR_MEASURED_GEMM_TILES)
            best = fmax(best, measured->rates[i].rate);
    return best;
}

static void token_time(const struct tr_model *model, const struct tr_basis *basis,
                       const struct tr_token_work *work, struct tr_token_time *time) {
    double products = 0;
    add_weights(model, basis, work, time, &products);
    add_cache(model, basis, work, time);
    add_nodes(model, basis, work, products, time);
    time->roof_ns =
        work->phase == TR_PHASE_GENERATION
            ? (model->weight_bytes_per_token + tr_basis_cache_bytes(model, basis, work->depth)) /
                  basis->measured->read_gb_per_s
            : (tr_prompt_flop_computed(model) + tr_model_attention_flop(model, work->depth)) /
                  best_gemm(basis->measured);
}

static int check(const struct tr_model *model, const struct tr_basis *basis,
                 struct tr_err *reterr) {
    const struct tr_measured *measured = basis->measured;
    if (!measured || !measured->n || basis->threads < 1)
        return tr_err_set(reterr, TR_EUNAVAILABLE,
                          "The calibration has no rates of matrix products. Run 'tokenroof'");
    if (!model->n_products)
        return tr_err_set(reterr, TR_EUNAVAILABLE, "%.200s: its matrices are not known",
                          model->name);
    for (size_t i = 0; i < model->n_products; i++) {
        const char *type = model->products[i].type;
        if (isnan(tr_measured_rate_of(measured, TR_MEASURED_GEMV, type, 1, basis->threads)) ||
            isnan(gemm_rate(measured, type, 128, basis->threads)))
            return tr_err_set(reterr, TR_EUNAVAILABLE,
                              "%.200s: no rate for products of %s, or of a type near it, was "
                              "measured. Run 'tokenroof measure --full'",
                              model->name, type);
    }
    if (basis->threads > 1 &&
        isnan(tr_measured_rate_of(measured, TR_MEASURED_BARRIER, NULL, 1, basis->threads)))
        return tr_err_set(reterr, TR_EUNAVAILABLE,
                          "The calibration has no time of a barrier. Run 'tokenroof'");
    if (isnan(tr_measured_rate_of(measured, TR_MEASURED_ATTENTION, "F16", 1, basis->threads)) ||
        isnan(tr_measured_rate_of(measured, TR_MEASURED_COPY, NULL, 1, basis->threads)))
        return tr_err_set(reterr, TR_EUNAVAILABLE,
                          "The calibration has no rate of attention or copy. Run 'tokenroof'");
    return 0;
}

/* Other engines than the default one were not set against anything. */
static bool is_checked(const struct tr_basis *basis) {
    return !strcmp(profile_of(basis), TR_PROFILE_DEFAULT);
}

static void interval(const struct tr_model *model, const struct tr_basis *basis,
                     enum tr_phase phase, double *ret_low, double *ret_high) {
    (void)model;
    *ret_low = *ret_high = NAN;
    if (is_checked(basis))
        tr_interval_ends("measured", basis, phase, ret_low, ret_high);
}

static char *interval_note(const struct tr_model *model, const struct tr_basis *basis) {
    (void)model;
    return is_checked(basis) ? tr_interval_note_of("measured", basis) : NULL;
}

/* Those at which products were measured. */
static size_t candidates(const struct tr_basis *basis, int *threads, size_t max) {
    size_t n = 0;
    for (size_t i = 0; i < basis->measured->n && n < max; i++) {
        const struct tr_measured_rate *rate = &basis->measured->rates[i];
        bool seen = rate->op != TR_MEASURED_GEMV;
        for (size_t j = 0; j < n; j++)
            seen = seen || threads[j] == rate->threads;
        if (!seen)
            threads[n++] = rate->threads;
    }
    return n;
}

static int explain(struct tr_prediction *prediction, const struct tr_basis *basis,
                   const struct tr_use_case *use_case) {
    return tr_placement_explain(&tr_tier_measured, prediction, basis, use_case);
}

const struct tr_tier tr_tier_measured = {
    .name = "measured",
    .check = check,
    .time = token_time,
    .interval = interval,
    .interval_note = interval_note,
    .candidates = candidates,
    .explain = explain,
};
