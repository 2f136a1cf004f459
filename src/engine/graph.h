/* One job as a graph of the engine, ready to be computed again and again. */
#ifndef TR_ENGINE_GRAPH_H
#define TR_ENGINE_GRAPH_H

#include "weights.h"

struct tr_graph {
    const struct tr_ggml *ggml;
    const char *buffer_name;     /* kind of buffer of the weights; NULL for other jobs */
    void *inputs, *input_buffer; /* activations and caches, allocated once */
    void *nodes, *graph, *allocator;
    struct tr_graph_input *filled; /* inputs, and what they are to be filled with */
    size_t n_filled, n_inputs_max;
    int code; /* the first failure on the way */
};

/* TR_EUNAVAILABLE, with the reason, if this engine cannot do it. */
int tr_graph_build(const struct tr_ggml *ggml, const struct tr_weight_pool *pool,
                   const struct tr_engine_job *job, struct tr_graph *ret_graph,
                   struct tr_err *reterr);
void tr_graph_finish(struct tr_graph *graph);

#endif
