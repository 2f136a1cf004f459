/* What of an engine is to be timed for a model. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine_tier.h"
#include "quant.h"

enum {
    MAX_BATCHES = 5,
    MAX_LAYER_KINDS = 4,
    NODES = 1000,    /* in a graph: the start of the graph vanishes in it */
    SMALL = 1 << 20, /* elements: several of a matrix this small are timed together */
    SMALL_COPIES = 4,
    MAX_CACHE_BYTES = 1 << 29, /* of one attention's copies */
};

/* Depths at which the attention of one token is timed: below and above the 512 positions from which
 * on llama.cpp splits the cache between threads, and further apart where it is a straight line. */
static const int64_t depths[] = {32, 480, 640, 2048, 8192, 32768, 131072};
enum { N_DEPTHS = sizeof(depths) / sizeof(depths[0]) };

struct plan {
    const struct tr_model *model;
    struct tr_engine_times times;
    int64_t batches[MAX_BATCHES]; /* [0] is 1: generation */
    size_t n_batches;
    int64_t deepest; /* position that any use case reaches */
    int threads;
    double scale; /* of the number of copies: 1 where the whole model may be in memory */
};

static bool same_work(const struct tr_engine_time *a, const struct tr_engine_time *b) {
    return a->part == b->part && a->rows == b->rows && a->columns == b->columns &&
           a->experts == b->experts && a->experts_used == b->experts_used && a->heads == b->heads &&
           a->kv_heads == b->kv_heads && a->key_length == b->key_length &&
           a->value_length == b->value_length && a->depth == b->depth && a->tokens == b->tokens &&
           (a->type == b->type || (a->type && b->type && !strcmp(a->type, b->type)));
}

/* Parts that are asked for twice are timed once, with the copies of both. */
static int add(struct plan *plan, struct tr_engine_time item) {
    struct tr_engine_times *times = &plan->times;
    item.threads = plan->threads;
    item.ns = item.ci95_ns[0] = item.ci95_ns[1] = NAN;
    for (size_t i = 0; i < times->n; i++)
        if (same_work(&times->items[i], &item)) {
            if (item.tokens == 1 && item.part == TR_ENGINE_PRODUCT)
                times->items[i].copies += item.copies;
            return 0;
        }
    struct tr_engine_time *all = realloc(times->items, (times->n + 1) * sizeof(*all));
    if (!all)
        return TR_ENOMEM;
    times->items = all;
    all[times->n++] = item;
    return 0;
}

static int at_least_one(double count) {
    return count < 1 ? 1 : (int)(count + 0.5);
}

static double bytes_of(const struct tr_product *product) {
    const struct tr_quant *quant = tr_quant_by_name(product->type);
    double matrices = product->experts > 0 ? product->experts : 1;
    return quant ? matrices * (double)product->rows * (double)product->columns / quant->block *
                       quant->bytes
                 : 0;
}

static int add_products(struct plan *plan) {
    const struct tr_model *model = plan->model;
    int code = 0;
    for (size_t i = 0; i < model->n_products * plan->n_batches && !code; i++) {
        const struct tr_product *product = &model->products[i % model->n_products];
        int64_t tokens = plan->batches[i / model->n_products];
        bool small = product->rows * product->columns < SMALL && !product->experts;
        /* The vocabulary is multiplied for a prompt's last token only. */
        if (tokens > 1 && product->tensor_class == TR_TENSOR_OUTPUT)
            continue;
        code = add(plan, (struct tr_engine_time){
                             .part = TR_ENGINE_PRODUCT,
                             .type = product->type,
                             .rows = product->rows,
                             .columns = product->columns,
                             .experts = product->experts,
                             .experts_used = product->experts_used,
                             .tokens = tokens,
                             .copies = tokens == 1 ? at_least_one(product->count * plan->scale)
                                       : small     ? SMALL_COPIES
                                                   : 1,
                         });
    }
    return code;
}

static bool same_layer(const struct tr_attention_layer *a, const struct tr_attention_layer *b) {
    return a->heads == b->heads && a->kv_heads == b->kv_heads && a->key_length == b->key_length &&
           a->value_length == b->value_length && a->window == b->window;
}

static int add_attention(struct plan *plan, const struct tr_attention_layer *layer, int layers,
                         int64_t tokens, int64_t depth) {
    double bytes = 2.0 * layer->kv_heads * (layer->key_length + layer->value_length) *
                   (double)(depth + tokens);
    int copies = tokens > 1 ? 1 : at_least_one(fmin(layers, MAX_CACHE_BYTES / bytes));
    return add(plan, (struct tr_engine_time){
                         .part = TR_ENGINE_ATTEND,
                         .type = "F16",
                         .heads = layer->heads,
                         .kv_heads = layer->kv_heads,
                         .key_length = layer->key_length,
                         .value_length = layer->value_length,
                         .tokens = tokens,
                         .depth = depth,
                         .copies = copies,
                     });
}

static int add_layer(struct plan *plan, const struct tr_attention_layer *layer, int layers) {
    int64_t deepest = plan->deepest;
    int code = 0;
    if (layer->window > 0 && layer->window < deepest)
        deepest = layer->window;
    for (size_t i = 0; i < N_DEPTHS && !code; i++) {
        code = add_attention(plan, layer, layers, 1, depths[i]);
        if (depths[i] >= deepest && i > 0) /* two at least, for a line */
            break;
    }
    for (size_t i = 1; i < plan->n_batches && !code; i++) {
        int64_t tokens = plan->batches[i];
        code = add_attention(plan, layer, layers, tokens, 0);
        if (!code)
            code = add_attention(plan, layer, layers, tokens,
                                 deepest > 2 * tokens ? deepest - tokens : tokens);
    }
    return code;
}

static int add_layers(struct plan *plan) {
    const struct tr_model *model = plan->model;
    int code = 0, kinds = 0;
    for (size_t i = 0; i < model->n_layers && kinds < MAX_LAYER_KINDS && !code; i++) {
        int layers = 0;
        bool first = true;
        for (size_t j = 0; j < model->n_layers; j++) {
            bool same = same_layer(&model->layers[i], &model->layers[j]);
            layers += same;
            first = first && !(same && j < i);
        }
        if (!first)
            continue;
        kinds++;
        code = add_layer(plan, &model->layers[i], layers);
    }
    return code;
}

/* Width of the feed-forward part of a block: rows of the matrices that widen it. */
static int64_t feed_forward(const struct tr_model *model) {
    int64_t widest = 0;
    for (size_t i = 0; i < model->n_products; i++) {
        const struct tr_product *product = &model->products[i];
        bool routed = product->tensor_class == TR_TENSOR_EXPERTS;
        if ((product->tensor_class != TR_TENSOR_FFN && !routed) ||
            product->rows != model->embedding_length)
            continue;
        int64_t width = product->columns * (routed && product->experts ? product->experts_used : 1);
        widest = width > widest ? width : widest;
    }
    return widest;
}

static int add_blocks(struct plan *plan) {
    const struct tr_model *model = plan->model;
    int code = 0;
    for (size_t i = 0; i < plan->n_batches && !code && model->n_layers; i++)
        code = add(plan, (struct tr_engine_time){
                             .part = TR_ENGINE_BLOCK,
                             .heads = model->layers[0].heads,
                             .kv_heads = model->layers[0].kv_heads,
                             .key_length = model->layers[0].key_length,
                             .value_length = model->layers[0].value_length,
                             .embedding = model->embedding_length,
                             .feed_forward = feed_forward(model),
                             .tokens = plan->batches[i],
                             .copies = i == 0 ? model->blocks : 1,
                         });
    if (!code)
        code = add(plan,
                   (struct tr_engine_time){.part = TR_ENGINE_NODE, .tokens = 1, .copies = NODES});
    if (!code)
        code =
            add(plan, (struct tr_engine_time){.part = TR_ENGINE_START, .tokens = 1, .copies = 1});
    return code;
}

static void choose_batches(struct plan *plan, const struct tr_use_case *use_cases,
                           size_t n_use_cases, int ubatch) {
    plan->batches[plan->n_batches++] = 1;
    for (size_t i = 0; i < n_use_cases; i++) {
        const struct tr_use_case *one = &use_cases[i];
        int64_t batch = one->prompt_tokens < ubatch ? one->prompt_tokens : ubatch;
        int64_t end = tr_use_case_positions(one);
        plan->deepest = end > plan->deepest ? end : plan->deepest;
        size_t at = 0;
        while (at < plan->n_batches && plan->batches[at] != batch)
            at++;
        if (batch > 1 && at == plan->n_batches && plan->n_batches < MAX_BATCHES)
            plan->batches[plan->n_batches++] = batch;
    }
}

int tr_engine_times_plan(const struct tr_model *model, const struct tr_use_case *use_cases,
                         size_t n_use_cases, int ubatch, int threads, double budget_bytes,
                         struct tr_engine_times *ret_times, struct tr_err *reterr) {
    struct plan plan = {.model = model, .threads = threads, .scale = 1};
    double bytes = 0;
    if (!model->n_products || !model->embedding_length)
        return tr_err_set(
            reterr, TR_EUNAVAILABLE,
            "%.200s: its matrices are not known, so that an engine's kernels cannot be "
            "timed on them",
            model->name);
    choose_batches(&plan, use_cases, n_use_cases, ubatch);
    for (size_t i = 0; i < model->n_products; i++)
        bytes += model->products[i].count * bytes_of(&model->products[i]);
    if (bytes > budget_bytes)
        plan.scale = budget_bytes / bytes;
    int code = add_products(&plan);
    if (!code)
        code = add_layers(&plan);
    if (!code)
        code = add_blocks(&plan);
    if (code)
        tr_engine_times_finish(&plan.times);
    else
        *ret_times = plan.times;
    return code;
}

void tr_engine_times_finish(struct tr_engine_times *times) {
    free(times->items);
    *times = (struct tr_engine_times){0};
}

size_t tr_engine_times_unsteady(const struct tr_engine_times *times, size_t *ret_timed) {
    static const double most = 0.1;
    size_t n = 0;
    *ret_timed = 0;
    for (size_t i = 0; i < times->n; i++) {
        const struct tr_engine_time *item = &times->items[i];
        double half_width = (item->ci95_ns[1] - item->ci95_ns[0]) / 2;
        if (!(item->ns > 0) || isnan(half_width))
            continue;
        (*ret_timed)++;
        n += half_width > most * item->ns;
    }
    return n;
}
