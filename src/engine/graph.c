#include "graph.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Positions of a cache are handed to the engine's attention in steps of this many. */
enum { CACHE_STEP = 256, NODE_WIDTH = 32, MASK_ROWS = 64, NODES_PER_BLOCK = 32 };
static const float epsilon = 1e-5f;
static const uint16_t f16_minus_infinity = 0xFC00;

/* What an input is filled with. */
enum content { NUMBERS, POSITIONS, ROWS, EXPERTS, MASK };

struct tr_graph_input {
    void *tensor;
    enum content content;
    int type;
    int64_t ne[4];
    int64_t parameter; /* experts: how many there are; mask, rows: position of the first token */
};

/* ---- inputs ---- */

static void *input(struct tr_graph *graph, enum content content, int type, const int64_t ne[4],
                   int64_t parameter) {
    if (graph->n_filled == graph->n_inputs_max) {
        graph->code = TR_EFAIL;
        return NULL;
    }
    struct tr_graph_input *one = &graph->filled[graph->n_filled++];
    int n_dims = ne[3] > 1 ? 4 : ne[2] > 1 ? 3 : ne[1] > 1 ? 2 : 1;
    one->tensor = graph->ggml->new_tensor(graph->inputs, type, n_dims, ne);
    one->content = content;
    one->type = type;
    memcpy(one->ne, ne, sizeof(one->ne));
    one->parameter = parameter;
    return one->tensor;
}

static void *numbers(struct tr_graph *graph, int64_t a, int64_t b, int64_t c) {
    return input(graph, NUMBERS, TR_GGML_F32, (const int64_t[4]){a, b, c, 1}, 0);
}

/* Row i of a causal mask sees the positions up to its own. */
static void write_mask(const struct tr_graph_input *one, uint16_t *cells) {
    for (int64_t row = 0; row < one->ne[1]; row++)
        for (int64_t i = 0; i < one->ne[0]; i++)
            cells[row * one->ne[0] + i] = i <= one->parameter + row ? 0 : f16_minus_infinity;
}

/* Experts of a token are distinct; which they are changes from token to token. */
static void write_experts(const struct tr_graph_input *one, int32_t *cells) {
    uint32_t state = 99;
    for (int64_t token = 0; token < one->ne[1]; token++) {
        state = state * 1664525u + 1013904223u;
        int64_t step = 1, first = (int64_t)(state >> 8) % one->parameter;
        if (one->parameter > 2 * one->ne[0])
            step = one->parameter / one->ne[0];
        for (int64_t i = 0; i < one->ne[0]; i++)
            cells[token * one->ne[0] + i] = (int32_t)((first + i * step) % one->parameter);
    }
}

static int fill_input(const struct tr_ggml *ggml, const struct tr_graph_input *one) {
    if (one->content == NUMBERS)
        return tr_fill(ggml, one->tensor, one->type, one->ne[0]);
    size_t bytes = ggml->nbytes(one->tensor), count = (size_t)(one->ne[0] * one->ne[1]);
    void *cells = malloc(bytes);
    if (!cells)
        return TR_ENOMEM;
    if (one->content == MASK)
        write_mask(one, cells);
    else if (one->content == EXPERTS)
        write_experts(one, cells);
    for (size_t i = 0; i < count && one->content == POSITIONS; i++)
        ((int32_t *)cells)[i] = (int32_t)i;
    for (size_t i = 0; i < count && one->content == ROWS; i++)
        ((int64_t *)cells)[i] = (int64_t)i;
    ggml->backend_tensor_set(one->tensor, cells, 0, bytes);
    free(cells);
    return 0;
}

/* ---- jobs ---- */

static void expand(struct tr_graph *graph, void *tensor) {
    if (tensor)
        graph->ggml->build_forward_expand(graph->graph, tensor);
    else
        graph->code = TR_ENOMEM;
}

static void build_products(struct tr_graph *graph, const struct tr_weights *weights,
                           const struct tr_engine_job *job) {
    const struct tr_ggml *ggml = graph->ggml;
    void *x = job->experts ? numbers(graph, job->k, 1, job->n) : numbers(graph, job->k, job->n, 1);
    void *chosen = NULL;
    if (job->experts)
        chosen = input(graph, EXPERTS, TR_GGML_I32, (const int64_t[4]){job->used, job->n, 1, 1},
                       job->experts);
    for (int i = 0; i < job->copies; i++)
        expand(graph, job->experts ? ggml->mul_mat_id(graph->nodes, weights->tensors[i], x, chosen)
                                   : ggml->mul_mat(graph->nodes, weights->tensors[i], x));
}

static int64_t round_up(int64_t value, int64_t step) {
    return (value + step - 1) / step * step;
}

/* As llama.cpp lays it out: the cache holds the heads of a position side by side, queries too. */
static void build_attention(struct tr_graph *graph, const struct tr_engine_job *job) {
    const struct tr_ggml *ggml = graph->ggml;
    void *nodes = graph->nodes;
    int64_t cells = round_up(job->depth + job->n, CACHE_STEP);
    int type = (int)job->type->id;
    void *q = numbers(graph, job->key_length, job->heads, job->n);
    void *mask = input(graph, MASK, TR_GGML_F16,
                       (const int64_t[4]){cells, round_up(job->n, MASK_ROWS), 1, 1}, job->depth);
    for (int i = 0; i < job->copies; i++) {
        void *k = input(graph, NUMBERS, type,
                        (const int64_t[4]){job->key_length, job->kv_heads, cells, 1}, 0);
        void *v = input(graph, NUMBERS, type,
                        (const int64_t[4]){job->value_length, job->kv_heads, cells, 1}, 0);
        if (graph->code)
            return;
        expand(graph, ggml->flash_attn_ext(nodes, ggml->permute(nodes, q, 0, 2, 1, 3),
                                           ggml->permute(nodes, k, 0, 2, 1, 3),
                                           ggml->permute(nodes, v, 0, 2, 1, 3), mask,
                                           1.0f / sqrtf((float)job->key_length), 0, 0));
    }
}

static void *rope(struct tr_graph *graph, void *x, void *positions, int width) {
    return graph->ggml->rope_ext(graph->nodes, x, positions, NULL, width, 0, 4096, 10000, 1, 0, 1,
                                 32, 1);
}

/* Inputs that all blocks share: their activations lie in caches in the engine, too. */
struct block {
    void *x, *norm, *q, *k, *v, *attended, *gate, *up, *down, *positions, *rows;
};

static void build_block(struct tr_graph *graph, const struct block *in,
                        const struct tr_engine_job *job) {
    const struct tr_ggml *ggml = graph->ggml;
    void *nodes = graph->nodes;
    expand(graph, ggml->mul(nodes, ggml->rms_norm(nodes, in->x, epsilon), in->norm));
    expand(graph, rope(graph, in->q, in->positions, job->key_length));
    void *k = rope(graph, in->k, in->positions, job->key_length);
    expand(graph, k);
    if (ggml->set_rows) {
        const int64_t rows = round_up(job->n, CACHE_STEP);
        int64_t width = (int64_t)job->kv_heads * job->value_length;
        void *cache = input(graph, NUMBERS, TR_GGML_F16, (const int64_t[4]){width, rows, 1, 1}, 0);
        void *other = input(graph, NUMBERS, TR_GGML_F16, (const int64_t[4]){width, rows, 1, 1}, 0);
        if (graph->code)
            return;
        expand(graph, ggml->set_rows(nodes, cache, in->v, in->rows));
        expand(graph, ggml->set_rows(nodes, other, in->v, in->rows));
    }
    void *sum = ggml->add(nodes, in->attended, in->x);
    expand(graph, sum);
    expand(graph, ggml->mul(nodes, ggml->rms_norm(nodes, sum, epsilon), in->norm));
    if (in->gate)
        expand(graph, ggml->swiglu_split ? ggml->swiglu_split(nodes, in->gate, in->up)
                                         : ggml->mul(nodes, ggml->silu(nodes, in->gate), in->up));
    expand(graph, ggml->add(nodes, in->down, sum));
}

static void build_rest(struct tr_graph *graph, const struct tr_engine_job *job) {
    int64_t n = job->n, width = job->embedding;
    struct block in = {
        .x = numbers(graph, width, n, 1),
        .norm = numbers(graph, width, 1, 1),
        .q = numbers(graph, job->key_length, job->heads, n),
        .k = numbers(graph, job->key_length, job->kv_heads, n),
        .v = numbers(graph, (int64_t)job->kv_heads * job->value_length, n, 1),
        .attended = numbers(graph, width, n, 1),
        .down = numbers(graph, width, n, 1),
        .positions = input(graph, POSITIONS, TR_GGML_I32, (const int64_t[4]){n, 1, 1, 1}, 0),
        .rows = input(graph, ROWS, TR_GGML_I64, (const int64_t[4]){n, 1, 1, 1}, 0),
    };
    if (job->feed_forward) {
        in.gate = numbers(graph, job->feed_forward, n, 1);
        in.up = numbers(graph, job->feed_forward, n, 1);
    }
    for (int i = 0; i < job->copies && !graph->code; i++)
        build_block(graph, &in, job);
}

static void build_nodes(struct tr_graph *graph, const struct tr_engine_job *job) {
    void *y = numbers(graph, NODE_WIDTH, 1, 1);
    void *sum = y;
    for (int i = 0; i < job->copies && sum; i++)
        sum = graph->ggml->add(graph->nodes, sum, y);
    expand(graph, sum);
}

static int allocate(struct tr_graph *graph, struct tr_err *reterr) {
    const struct tr_ggml *ggml = graph->ggml;
    void *buft = ggml->bufts[ggml->n_bufts - 1];
    graph->input_buffer = ggml->backend_alloc_ctx_tensors_from_buft(graph->inputs, buft);
    graph->allocator = ggml->gallocr_new(buft);
    if (!graph->input_buffer || !graph->allocator ||
        !ggml->gallocr_alloc_graph(graph->allocator, graph->graph))
        return tr_err_set(reterr, TR_EUNAVAILABLE, "no memory for activations");
    int code = 0;
    for (size_t i = 0; i < graph->n_filled && !code; i++)
        code = fill_input(ggml, &graph->filled[i]);
    return code;
}

int tr_graph_build(const struct tr_ggml *ggml, const struct tr_weight_pool *pool,
                   const struct tr_engine_job *job, struct tr_graph *ret_graph,
                   struct tr_err *reterr) {
    size_t nodes = (size_t)job->copies * NODES_PER_BLOCK + 16;
    struct tr_graph graph = {.ggml = ggml, .n_inputs_max = (size_t)job->copies * 2 + 16};
    const struct tr_weights *weights = NULL;
    if (job->op == TR_ENGINE_MUL_MAT) {
        weights = tr_weight_pool_get(pool, job);
        if (!weights)
            return tr_err_set(reterr, TR_EUNAVAILABLE,
                              "the engine has no product of this type and shape");
        graph.buffer_name = weights->buffer_name;
    }
    graph.filled = calloc(graph.n_inputs_max, sizeof(*graph.filled));
    graph.inputs = tr_context(ggml, graph.n_inputs_max);
    graph.nodes = tr_context(ggml, nodes);
    graph.graph = graph.nodes ? ggml->new_graph_custom(graph.nodes, nodes, false) : NULL;
    if (!graph.filled || !graph.inputs || !graph.graph)
        graph.code = TR_ENOMEM;
    else if (job->op == TR_ENGINE_MUL_MAT)
        build_products(&graph, weights, job);
    else if (job->op == TR_ENGINE_ATTENTION)
        build_attention(&graph, job);
    else if (job->op == TR_ENGINE_REST)
        build_rest(&graph, job);
    else
        build_nodes(&graph, job);
    int code = graph.code ? graph.code : allocate(&graph, reterr);
    if (code)
        tr_graph_finish(&graph);
    else
        *ret_graph = graph;
    return code;
}

void tr_graph_finish(struct tr_graph *graph) {
    const struct tr_ggml *ggml = graph->ggml;
    if (graph->allocator)
        ggml->gallocr_free(graph->allocator);
    if (graph->input_buffer)
        ggml->backend_buffer_free(graph->input_buffer);
    if (graph->nodes)
        ggml->free(graph->nodes);
    if (graph->inputs)
        ggml->free(graph->inputs);
    free(graph->filled);
    *graph = (struct tr_graph){0};
}
