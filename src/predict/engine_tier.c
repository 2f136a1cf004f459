#include "engine_tier.h"

#include <math.h>
#include <string.h>

#include "interval.h"
#include "placement.h"
#include "tier.h"

enum { MAX_POINTS = 16, NODES_OF_BLOCK = 12, NODES_OF_ROUTING = 8 };
/* Reading at more than this part of the machine's rate counts as bound by memory. */
static const double memory_bound_fraction = 0.6;

/* ---- interpolation ---- */

struct point {
    double x, y;
};

static void insert(struct point *points, size_t *n, double x, double y) {
    size_t at = *n;
    if (*n == MAX_POINTS || isnan(y))
        return;
    for (; at > 0 && points[at - 1].x > x; at--)
        points[at] = points[at - 1];
    points[at] = (struct point){x, y};
    ++*n;
}

/* Straight lines between the points and beyond the outermost ones; a single point is a constant. */
static double interpolate(const struct point *points, size_t n, double x) {
    size_t i = 1;
    if (n == 0)
        return NAN;
    if (n == 1)
        return points[0].y;
    while (i + 1 < n && points[i].x < x)
        i++;
    double slope = (points[i].y - points[i - 1].y) / (points[i].x - points[i - 1].x);
    return fmax(points[i - 1].y + slope * (x - points[i - 1].x), 0);
}

static double part_ns(const struct tr_engine_times *times, enum tr_engine_part part) {
    for (size_t i = 0; i < times->n; i++)
        if (times->items[i].part == part)
            return times->items[i].ns;
    return NAN;
}

/* Time of one copy without its share of what starting the graph takes. */
static double net_ns(const struct tr_engine_times *times, const struct tr_engine_time *item) {
    double start = part_ns(times, TR_ENGINE_START);
    /* fmax() would take an unknown time for none. */
    return isnan(start) || isnan(item->ns) ? item->ns : fmax(item->ns - start / item->copies, 0);
}

double tr_engine_product_ns(const struct tr_engine_times *times, const struct tr_product *product,
                            double tokens) {
    struct point points[MAX_POINTS];
    size_t n = 0;
    for (size_t i = 0; i < times->n; i++) {
        const struct tr_engine_time *item = &times->items[i];
        if (item->part == TR_ENGINE_PRODUCT && !strcmp(item->type, product->type) &&
            item->rows == product->rows && item->columns == product->columns &&
            item->experts == product->experts)
            insert(points, &n, (double)item->tokens, net_ns(times, item));
    }
    /* One figure says nothing of another number of tokens. */
    if (n == 1 && points[0].x != tokens)
        return NAN;
    return interpolate(points, n, tokens);
}

double tr_engine_attention_ns(const struct tr_engine_times *times,
                              const struct tr_attention_layer *layer, double position,
                              double tokens) {
    struct point points[MAX_POINTS];
    size_t n = 0;
    double nearest = NAN;
    for (size_t i = 0; i < times->n; i++) {
        double have = (double)times->items[i].tokens;
        if (times->items[i].part == TR_ENGINE_ATTEND && (have > 1) == (tokens > 1) &&
            !(fabs(have - tokens) >= fabs(nearest - tokens)))
            nearest = have;
    }
    if (layer->window > 0)
        position = fmin(position, layer->window);
    for (size_t i = 0; i < times->n; i++) {
        const struct tr_engine_time *item = &times->items[i];
        double have = (double)item->tokens;
        if (item->part == TR_ENGINE_ATTEND && have == nearest && item->heads == layer->heads &&
            item->kv_heads == layer->kv_heads && item->key_length == layer->key_length &&
            item->value_length == layer->value_length)
            insert(points, &n, (double)item->depth + (have > 1 ? have / 2 : 0),
                   net_ns(times, item) / have);
    }
    return interpolate(points, n, position);
}

/* Operations of a block besides products and attention, for `tokens` tokens. */
static double block_ns(const struct tr_engine_times *times, double tokens) {
    struct point points[MAX_POINTS];
    size_t n = 0;
    for (size_t i = 0; i < times->n; i++)
        if (times->items[i].part == TR_ENGINE_BLOCK)
            insert(points, &n, (double)times->items[i].tokens, net_ns(times, &times->items[i]));
    if (n == 1 && points[0].x != tokens)
        return NAN;
    return interpolate(points, n, tokens);
}

/* ---- terms ---- */

static double best_matrix_rate(const struct tr_engine_times *times) {
    double best = NAN; /* FLOP per ns */
    for (size_t i = 0; i < times->n; i++) {
        const struct tr_engine_time *item = &times->items[i];
        double used = item->experts_used > 0 ? item->experts_used : 1;
        if (item->part == TR_ENGINE_PRODUCT)
            best = fmax(best, 2 * used * (double)item->rows * (double)item->columns *
                                  (double)item->tokens / net_ns(times, item));
    }
    return best;
}

static const char *bound_of(const struct tr_basis *basis, const struct tr_part *part, double ns,
                            enum tr_phase phase) {
    double read = basis->rates ? basis->rates->read_gb_per_s : NAN;
    if (phase == TR_PHASE_PROMPT || part->bytes / ns < memory_bound_fraction * read)
        return "compute";
    return basis->rates && basis->rates->fabric_bound ? "fabric" : "memory";
}

/* With the basis's number of threads: those asked for, else another of which there are times. */
static const struct tr_engine_times *times_of(const struct tr_basis *basis) {
    for (size_t i = 0; i < basis->n_engine_others; i++)
        if (basis->engine_others[i].n && basis->engine_others[i].items[0].threads == basis->threads)
            return &basis->engine_others[i];
    return basis->engine_times;
}

/* `ns` for work that reads `bytes`, no faster than they can be read where they lie. At home the
 * engine's own time counts, be it faster than what this program reads. */
static double placed_ns(const struct tr_basis *basis, double bytes, double ns) {
    bool elsewhere = basis->placement_fraction > 0 && basis->placement_fraction < 1;
    return elsewhere && bytes > 0 ? bytes / tr_placed_gb_per_s(basis, bytes / ns) : ns;
}

/* One of its products for `tokens` tokens. */
static double product_ns(const struct tr_basis *basis, const struct tr_product *product,
                         double tokens) {
    double matrices = product->experts > 0 && tokens <= 1 ? product->experts_used
                                                          : tr_product_matrices(product, tokens);
    return placed_ns(basis, matrices * tr_product_bytes(product),
                     tr_engine_product_ns(times_of(basis), product, tokens));
}

/* Weights of one class: all its products, for one token of those computed at once. */
static double class_ns(const struct tr_model *model, const struct tr_basis *basis,
                       enum tr_tensor_class tensor_class, const struct tr_token_work *work) {
    double ns = 0;
    bool any = false;
    for (size_t i = 0; i < model->n_products; i++) {
        const struct tr_product *product = &model->products[i];
        if (product->tensor_class != tensor_class)
            continue;
        any = true;
        ns += tr_product_count(product, work->phase) * product_ns(basis, product, work->batch) /
              work->batch;
    }
    return any ? ns : 0;
}

/* Operations that the timed block lacks: norms and biases beyond two a block, and choosing experts;
 * each is one node of the graph. */
static double extra_nodes(const struct tr_model *model) {
    double norms = (double)model->classes[TR_TENSOR_NORM].tensors - 2.0 * model->blocks - 1;
    double nodes = fmax(norms, 0);
    if (!model->n_layers)
        nodes += (double)NODES_OF_BLOCK * model->blocks;
    if (model->experts > 0)
        nodes += (double)(NODES_OF_ROUTING + model->experts_used) * model->blocks;
    return nodes;
}

static void add_small(const struct tr_model *model, const struct tr_engine_times *times,
                      const struct tr_token_work *work, struct tr_token_time *time) {
    double node = part_ns(times, TR_ENGINE_NODE), start = part_ns(times, TR_ENGINE_START);
    double nodes = extra_nodes(model);
    double blocks = model->n_layers ? model->blocks * block_ns(times, work->batch) : 0;
    tr_term_add(time, (struct tr_time_term){
                          .name = "other operations",
                          .bytes = NAN,
                          .flop = NAN,
                          .gb_per_s = NAN,
                          .gflop_per_s = NAN,
                          .count = nodes + (double)NODES_OF_BLOCK * model->blocks,
                          .ns = (blocks + nodes * node + start) / work->batch,
                          .bound = work->phase == TR_PHASE_PROMPT ? "memory" : "sync",
                      });
}

static void token_time(const struct tr_model *model, const struct tr_basis *basis,
                       const struct tr_token_work *work, struct tr_token_time *time) {
    const struct tr_engine_times *times = times_of(basis);
    struct tr_part parts[TR_MAX_PARTS];
    size_t n = tr_parts_computed(model, work->phase, parts);
    bool generation = work->phase == TR_PHASE_GENERATION;
    for (size_t i = 0; i < n; i++) {
        double ns = class_ns(model, basis, parts[i].tensor_class, work);
        if (ns == 0) /* nothing that is multiplied: among the other operations */
            continue;
        tr_term_add(time, (struct tr_time_term){
                              .name = parts[i].name,
                              .bytes = generation ? parts[i].bytes : NAN,
                              .flop = parts[i].flop,
                              .gb_per_s = generation ? parts[i].bytes / ns : NAN,
                              .gflop_per_s = parts[i].flop / ns,
                              .count = NAN,
                              .ns = ns,
                              .bound = bound_of(basis, &parts[i], ns, work->phase),
                          });
    }
    double attention = 0, flop = tr_model_attention_flop(model, work->depth);
    double cache = tr_basis_cache_bytes(model, basis, work->depth);
    for (size_t i = 0; i < model->n_layers; i++)
        attention += tr_engine_attention_ns(times, &model->layers[i], work->depth, work->batch);
    if (generation)
        attention = placed_ns(basis, cache, attention);
    tr_term_add(time, (struct tr_time_term){
                          .name = "cache",
                          .bytes = generation ? cache : NAN,
                          .flop = flop,
                          .gb_per_s = generation ? cache / attention : NAN,
                          .gflop_per_s = flop / attention,
                          .count = NAN,
                          .ns = attention,
                          .bound = "compute",
                      });
    add_small(model, times, work, time);
    double read =
        basis->rates ? fmax(basis->rates->read_best_gb_per_s, basis->rates->read_gb_per_s) : NAN;
    time->roof_ns = generation ? (model->weight_bytes_per_token + cache) / read
                               : (tr_prompt_flop_computed(model) + flop) / best_matrix_rate(times);
}

static int check(const struct tr_model *model, const struct tr_basis *basis,
                 struct tr_err *reterr) {
    if (!basis->engine_times || !basis->engine_times->n)
        return tr_err_set(reterr, TR_EUNAVAILABLE, "No times of an engine's kernels are known");
    for (size_t i = 0; i < model->n_products; i++)
        if (isnan(tr_engine_product_ns(basis->engine_times, &model->products[i], 1)))
            return tr_err_set(reterr, TR_EUNAVAILABLE,
                              "%.200s: the engine has no product of %s, %lld x %lld", model->name,
                              model->products[i].type, (long long)model->products[i].rows,
                              (long long)model->products[i].columns);
    return 0;
}

static const char *rows_of(const struct tr_basis *basis) {
    bool stored = basis->engine_rates && !strcmp(basis->engine_rates, "stored");
    return stored ? "engine stored" : "engine";
}

static void interval(const struct tr_model *model, const struct tr_basis *basis,
                     enum tr_phase phase, double *ret_low, double *ret_high) {
    (void)model;
    tr_interval_ends(rows_of(basis), basis, phase, ret_low, ret_high);
}

static char *interval_note(const struct tr_model *model, const struct tr_basis *basis) {
    (void)model;
    return tr_interval_note_of(rows_of(basis), basis);
}

static void add_candidate(int *threads, size_t *n, size_t max,
                          const struct tr_engine_times *times) {
    bool seen = !times || !times->n;
    for (size_t i = 0; i < *n && !seen; i++)
        seen = threads[i] == times->items[0].threads;
    if (!seen && *n < max)
        threads[(*n)++] = times->items[0].threads;
}

static size_t candidates(const struct tr_basis *basis, int *threads, size_t max) {
    size_t n = 0;
    /* Those asked for come last: of equal rates a number that was timed is the better advice. */
    for (size_t i = 0; i < basis->n_engine_others; i++)
        add_candidate(threads, &n, max, &basis->engine_others[i]);
    add_candidate(threads, &n, max, basis->engine_times);
    return n;
}

static int explain(struct tr_prediction *prediction, const struct tr_basis *basis,
                   const struct tr_use_case *use_case) {
    return tr_placement_explain(&tr_tier_engine, prediction, basis, use_case);
}

const struct tr_tier tr_tier_engine = {
    .name = "engine",
    .check = check,
    .time = token_time,
    .interval = interval,
    .interval_note = interval_note,
    .candidates = candidates,
    .explain = explain,
};
