/* Engine tier: a prediction from times of the engine's own kernels.
 *
 * First the list of what is to be timed for a model, then, when somebody has filled in the times,
 * the prediction. The timing itself happens elsewhere (src/engine, started by src/cmd). */
#ifndef TR_PREDICT_ENGINE_TIER_H
#define TR_PREDICT_ENGINE_TIER_H

#include <stdint.h>

#include "tokenroof/predict.h"

enum tr_engine_part {
    TR_ENGINE_PRODUCT, /* type, rows, columns, experts, used, tokens */
    TR_ENGINE_ATTEND,  /* type (of the cache), heads ... value_length, depth, tokens */
    TR_ENGINE_BLOCK,   /* all other operations of a block: embedding, heads ..., feed_forward */
    TR_ENGINE_NODE,    /* one operation on a few numbers, in a graph of many */
    TR_ENGINE_START,   /* a graph of one such operation */
};

/* One thing to be timed, and its time. */
struct tr_engine_time {
    enum tr_engine_part part;
    const char *type; /* static, or owned by whoever owns the list */
    int64_t rows, columns;
    int experts, experts_used;
    int heads, kv_heads, key_length, value_length;
    int64_t depth, embedding, feed_forward;
    int64_t tokens; /* computed at once */
    int copies;     /* in one graph, each with data of its own; `ns` is for one */
    int threads;
    double ns, ci95_ns[2]; /* NAN: unknown */
    int n;                 /* samples */
    const char *buffer;    /* kind of buffer that the engine chose for the weights; NULL unknown */
};

struct tr_engine_times {
    struct tr_engine_time *items;
    size_t n;
};

/* What is to be timed for these use cases, with `threads` threads and at most `budget_bytes` of
 * weights (the whole model where that suffices: what the caches hold is then as in the engine).
 * Times are NAN. TR_EUNAVAILABLE if the model's matrices are not known. */
int tr_engine_times_plan(const struct tr_model *model, const struct tr_use_case *use_cases,
                         size_t n_use_cases, int ubatch, int threads, double budget_bytes,
                         struct tr_engine_times *ret_times, struct tr_err *reterr);
void tr_engine_times_finish(struct tr_engine_times *times);

/* How many of the parts that were timed scatter too much to be trusted: half the 95% interval of
 * the median is more than a tenth of it. *ret_timed: of how many. */
size_t tr_engine_times_unsteady(const struct tr_engine_times *times, size_t *ret_timed);

/* Time of one product in ns with the start of its graph taken off, interpolated over the number of
 * tokens; NAN if this type and shape was not timed. */
double tr_engine_product_ns(const struct tr_engine_times *times, const struct tr_product *product,
                            double tokens);
/* Time of one layer's attention for one token at `position`, when `tokens` are computed at once. */
double tr_engine_attention_ns(const struct tr_engine_times *times,
                              const struct tr_attention_layer *layer, double position,
                              double tokens);

#endif
