#include "engine_stored.h"

#include <math.h>
#include <string.h>

#include <jansson.h>

#include "members.h"
#include "quant.h"

enum { MAX_POINTS = 16, MAX_THREADS = 16, NODES_OF_BLOCK = 12, MOST_STEPS = 4 };

/* What a block's operations move, in numbers, by the widths of its parts: norms, additions and the
 * activation's two inputs and result. */
static double width_of(double embedding, double feed_forward) {
    return 8 * embedding + 3 * feed_forward;
}

struct points {
    double x[MAX_POINTS], y[MAX_POINTS];
    size_t n;
};

/* By rising x; those of one x are averaged. */
static void insert(struct points *points, double x, double y) {
    size_t at = 0;
    if (!(x > 0) || !(y > 0))
        return;
    while (at < points->n && points->x[at] < x)
        at++;
    if (at < points->n && points->x[at] == x) {
        points->y[at] = (points->y[at] + y) / 2;
        return;
    }
    if (points->n == MAX_POINTS)
        return;
    memmove(&points->x[at + 1], &points->x[at], (points->n - at) * sizeof(*points->x));
    memmove(&points->y[at + 1], &points->y[at], (points->n - at) * sizeof(*points->y));
    points->x[at] = x;
    points->y[at] = y;
    points->n++;
}

/* Straight lines between, the outermost values beyond. */
static double between(const struct points *points, double x) {
    size_t n = points->n, i = 0;
    if (!n)
        return NAN;
    while (i < n && points->x[i] < x)
        i++;
    if (i == 0 || i == n)
        return points->y[i ? n - 1 : 0];
    double share = (x - points->x[i - 1]) / (points->x[i] - points->x[i - 1]);
    return points->y[i - 1] + share * (points->y[i] - points->y[i - 1]);
}

/* ---- at one number of threads that was timed ---- */

static double bytes_of(const char *type, double elements) {
    const struct tr_quant *quant = tr_quant_by_name(type);
    return quant && quant->block ? elements / quant->block * quant->bytes : NAN;
}

/* Rates over bytes of the matrix (one token), or over the logarithm of tokens. */
static void collect(const json_t *entry, const char *op, const char *type, int threads,
                    struct points *points) {
    const json_t *rates = json_object_get(entry, "rates"), *rate;
    size_t i;
    bool one = !strcmp(op, "gemv");
    json_array_foreach(rates, i, rate) {
        if (!tr_member_is_text(rate, "op", op) || !tr_member_is_text(rate, "type", type) ||
            tr_member_number(rate, "threads") != threads)
            continue;
        insert(points,
               one ? bytes_of(type, tr_member_number(rate, "m") * tr_member_number(rate, "k"))
                   : log(tr_member_number(rate, "batch")),
               tr_member_number(rate, "median"));
    }
}

/* One dense product of `tokens` tokens with a type that was timed. */
static double dense_ns(const json_t *entry, const char *type, double rows, double columns,
                       double tokens, int threads) {
    struct points one = {0}, many = {0};
    double bytes = bytes_of(type, rows * columns), flop = 2 * rows * columns * tokens;
    collect(entry, "gemv", type, threads, &one);
    collect(entry, "gemm", type, threads, &many);
    double single_ns = bytes / between(&one, bytes);
    if (tokens <= 1 || !many.n)
        return tokens <= 1 ? single_ns : NAN;
    double least = exp(many.x[0]);
    if (tokens >= least)
        return flop / between(&many, log(tokens));
    double least_ns = 2 * rows * columns * least / many.y[0];
    return single_ns + (least_ns - single_ns) * (tokens - 1) / (least - 1);
}

/* Of routed experts each that is used takes a product of its own. */
static double product_ns(const json_t *entry, const struct tr_engine_time *item, const char *type,
                         int threads) {
    double tokens = (double)item->tokens, matrices = 1;
    if (item->experts > 0) {
        double all = item->experts, used = item->experts_used;
        matrices = all * (1 - pow(1 - used / all, tokens));
        tokens = tokens * used / matrices;
    }
    return matrices *
           dense_ns(entry, type, (double)item->rows, (double)item->columns, tokens, threads);
}

static double graph_ns(const json_t *entry, const char *what, int threads) {
    const json_t *all = json_object_get(entry, "graph"), *one;
    size_t i;
    json_array_foreach(all, i, one) {
        if (tr_member_is_text(one, "what", what) && tr_member_number(one, "threads") == threads)
            return tr_member_number(one, "median_ns");
    }
    return NAN;
}

/* In proportion to query heads x lengths; of one token a straight line over the depth, of many
 * tokens in proportion to the pairs of positions. */
static double attention_ns(const json_t *entry, const struct tr_engine_time *item, int threads) {
    const json_t *all = json_object_get(entry, "attention"), *one;
    struct points points = {0};
    double tokens = (double)item->tokens, depth = (double)item->depth;
    double heads = (double)item->heads * (item->key_length + item->value_length);
    size_t i;
    json_array_foreach(all, i, one) {
        double batch = tr_member_number(one, "batch"), at = tr_member_number(one, "depth");
        double unit = tr_member_number(one, "heads") *
                      (tr_member_number(one, "key_length") + tr_member_number(one, "value_length"));
        if (!tr_member_is_text(one, "cache_type", item->type) ||
            tr_member_number(one, "threads") != threads || (batch > 1) != (tokens > 1))
            continue;
        double ns = tr_member_number(one, "median_ns") * heads / unit;
        if (batch > 1)
            return ns * tokens * (depth + tokens / 2) / (batch * (at + batch / 2));
        insert(&points, at, ns);
    }
    if (points.n < 2)
        return points.n ? points.y[0] * depth / points.x[0] : NAN;
    double slope = (points.y[points.n - 1] - points.y[0]) / (points.x[points.n - 1] - points.x[0]);
    return fmax(points.y[0] + slope * (depth - points.x[0]), graph_ns(entry, "node", threads));
}

/* Small nodes, and what is beyond them in proportion to the numbers that are moved. */
static double block_ns(const json_t *entry, const struct tr_engine_time *item, int threads) {
    const json_t *all = json_object_get(entry, "blocks"), *one;
    double nodes = NODES_OF_BLOCK * graph_ns(entry, "node", threads), best = NAN, nearest = NAN;
    double width = width_of((double)item->embedding, (double)item->feed_forward);
    double tokens = (double)item->tokens;
    size_t i;
    json_array_foreach(all, i, one) {
        double batch = tr_member_number(one, "batch"), far = fabs(log(batch / tokens));
        if (tr_member_number(one, "threads") != threads || !(isnan(nearest) || far < nearest))
            continue;
        nearest = far;
        double moved = batch * width_of(tr_member_number(one, "embedding"),
                                        tr_member_number(one, "feed_forward"));
        best = nodes + fmax(tr_member_number(one, "median_ns") - nodes, 0) * tokens * width / moved;
    }
    return isnan(best) ? nodes : best;
}

static double exact_ns(const json_t *entry, const struct tr_engine_time *item, int threads) {
    const char *type = item->type;
    switch (item->part) {
    case TR_ENGINE_ATTEND:
        return attention_ns(entry, item, threads);
    case TR_ENGINE_BLOCK:
        return block_ns(entry, item, threads);
    case TR_ENGINE_NODE:
        return graph_ns(entry, "node", threads);
    case TR_ENGINE_START:
        return graph_ns(entry, "start", threads);
    case TR_ENGINE_PRODUCT:
        break;
    }
    double ns = product_ns(entry, item, type, threads);
    /* From type to type, each nearer to what is always timed: at its own bytes. */
    for (int step = 0; isnan(ns) && step < MOST_STEPS; step++) {
        const struct tr_quant *quant = tr_quant_by_name(type);
        if (!quant || !quant->nearest[0])
            break;
        double own = bytes_of(item->type, 1), other = bytes_of(quant->nearest, 1);
        type = quant->nearest;
        ns = product_ns(entry, item, type, threads) * (item->tokens == 1 ? own / other : 1);
    }
    return ns;
}

/* ---- any number of threads ---- */

size_t tr_engine_stored_threads(const json_t *entry, int *threads, size_t max) {
    const json_t *rates = json_object_get(entry, "rates"), *rate;
    size_t i, n = 0;
    json_array_foreach(rates, i, rate) {
        double value = tr_member_number(rate, "threads");
        bool seen = !(value >= 1) || value > 65536;
        for (size_t j = 0; j < n && !seen; j++)
            seen = threads[j] == (int)value;
        if (!seen && n < max)
            threads[n++] = (int)value;
    }
    return n;
}

/* Between two numbers of threads rates lie on a straight line, and times of nodes too; beyond the
 * largest as there, below the smallest in proportion. */
static double at_threads(const json_t *entry, const struct tr_engine_time *item) {
    int threads[MAX_THREADS];
    size_t n = tr_engine_stored_threads(entry, threads, MAX_THREADS);
    bool small = item->part == TR_ENGINE_NODE || item->part == TR_ENGINE_START;
    struct points points = {0};
    for (size_t i = 0; i < n; i++) {
        double ns = exact_ns(entry, item, threads[i]);
        insert(&points, threads[i], small ? ns : 1 / ns);
    }
    double value = between(&points, item->threads);
    if (points.n && item->threads < points.x[0] && !small)
        value *= item->threads / points.x[0];
    return small ? value : 1 / value;
}

void tr_engine_stored_fill(const json_t *entry, struct tr_engine_times *times) {
    for (size_t i = 0; i < times->n; i++) {
        struct tr_engine_time *item = &times->items[i];
        struct tr_engine_time start = *item;
        start.part = TR_ENGINE_START;
        double ns = at_threads(entry, item), start_ns = at_threads(entry, &start);
        /* What is timed has its share of the graph's start in it, stored rates as good as none. */
        if (item->part == TR_ENGINE_PRODUCT && !isnan(start_ns))
            ns += start_ns / item->copies;
        item->ns = ns;
        item->n = isnan(ns) ? 0 : 1;
    }
}

const json_t *tr_engine_stored_newest(const json_t *engines) {
    const json_t *entry, *newest = NULL;
    const char *latest = "";
    size_t i;
    json_array_foreach(engines, i, entry) {
        const char *time = json_string_value(json_object_get(entry, "measured_at"));
        if (json_array_size(json_object_get(entry, "rates")) && time && strcmp(time, latest) >= 0) {
            newest = entry;
            latest = time;
        }
    }
    return newest;
}
