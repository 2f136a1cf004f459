/* Tensors with data: weights in the kind of buffer that the engine would choose for them. */
#ifndef TR_ENGINE_WEIGHTS_H
#define TR_ENGINE_WEIGHTS_H

#include "ggml.h"
#include "job.h"

/* Matrices of one type and shape, shared by all jobs on them. */
struct tr_weights {
    const struct tr_quant *type;
    int64_t m, k;
    int experts;
    void **tensors;
    int copies;
    const char *buffer_name; /* of the kind of buffer, by the engine */
    void *context, *buffer;
};

struct tr_weight_pool {
    const struct tr_ggml *ggml;
    struct tr_weights *sets;
    size_t n_sets;
};

/* All weights that the request needs: of each shape as many copies as its largest job asks for.
 * TR_EUNAVAILABLE if they do not fit into memory. */
int tr_weight_pool_init(const struct tr_ggml *ggml, const struct tr_engine_request *request,
                        struct tr_weight_pool *ret_pool, struct tr_err *reterr);
void tr_weight_pool_finish(struct tr_weight_pool *pool);
/* NULL if the type and shape are in no buffer of this engine. */
const struct tr_weights *tr_weight_pool_get(const struct tr_weight_pool *pool,
                                            const struct tr_engine_job *job);

/* Fills a tensor that has memory: uniform numbers in (-0.1, 0.1), brought to its type by the
 * engine's own quantisation, so that every block has a finite scale; a few rows, repeated. */
int tr_fill(const struct tr_ggml *ggml, void *tensor, int type, int64_t row_elements);

/* A context that holds the descriptions of `n` tensors, and a graph of as many nodes. */
void *tr_context(const struct tr_ggml *ggml, size_t n);

#endif
