#include "weights.h"

#include <stdlib.h>
#include <string.h>

enum { PATTERN_ELEMENTS = 1 << 17, PATTERN_ROWS = 64 };

void *tr_context(const struct tr_ggml *ggml, size_t n) {
    size_t bytes =
        (n + 8) * ggml->tensor_overhead() + ggml->graph_overhead_custom(n + 8, false) + 4096;
    return ggml->init((struct tr_ggml_memory){.bytes = bytes, .no_alloc = true});
}

/* Rows in the tensor's type; *ret_bytes of them. */
static char *make_pattern(const struct tr_ggml *ggml, int type, int64_t row_elements,
                          size_t *ret_bytes) {
    int64_t rows = PATTERN_ELEMENTS / row_elements;
    rows = rows < 1 ? 1 : rows > PATTERN_ROWS ? PATTERN_ROWS : rows;
    size_t count = (size_t)(rows * row_elements), bytes = ggml->row_size(type, row_elements);
    float *numbers = malloc(count * sizeof(*numbers));
    float *importance = malloc((size_t)row_elements * sizeof(*importance));
    char *pattern = malloc(bytes * (size_t)rows);
    uint32_t state = 12345;
    if (numbers && importance && pattern) {
        for (size_t i = 0; i < count; i++) {
            state = state * 1664525u + 1013904223u; /* Numerical Recipes' generator */
            numbers[i] = ((float)(state >> 8) / (float)(1 << 24) - 0.5f) * 0.2f;
        }
        /* Types of 2 bits and less cannot do without; for the others it changes nothing here. */
        for (int64_t i = 0; i < row_elements; i++)
            importance[i] = 1;
        if (type == TR_GGML_F32)
            memcpy(pattern, numbers, count * sizeof(*numbers));
        else
            ggml->quantize_chunk(type, numbers, pattern, 0, rows, row_elements, importance);
        *ret_bytes = bytes * (size_t)rows;
    } else {
        free(pattern);
        pattern = NULL;
    }
    free(numbers);
    free(importance);
    return pattern;
}

int tr_fill(const struct tr_ggml *ggml, void *tensor, int type, int64_t row_elements) {
    size_t pattern_bytes = 0, bytes = ggml->nbytes(tensor);
    char *pattern = make_pattern(ggml, type, row_elements, &pattern_bytes);
    char *all = pattern ? malloc(bytes) : NULL;
    if (!all) {
        free(pattern);
        return TR_ENOMEM;
    }
    for (size_t at = 0; at < bytes; at += pattern_bytes)
        memcpy(all + at, pattern, bytes - at < pattern_bytes ? bytes - at : pattern_bytes);
    /* At once: kinds of buffer that rearrange weights take whole tensors only. */
    ggml->backend_tensor_set(tensor, all, 0, bytes);
    free(all);
    free(pattern);
    return 0;
}

static bool same(const struct tr_weights *set, const struct tr_engine_job *job) {
    return set->type == job->type && set->m == job->m && set->k == job->k &&
           set->experts == job->experts;
}

const struct tr_weights *tr_weight_pool_get(const struct tr_weight_pool *pool,
                                            const struct tr_engine_job *job) {
    for (size_t i = 0; i < pool->n_sets; i++)
        if (same(&pool->sets[i], job))
            return pool->sets[i].buffer ? &pool->sets[i] : NULL;
    return NULL;
}

/* `n` descriptions of the set's matrix in a context of their own. */
static void *describe(const struct tr_ggml *ggml, const struct tr_weights *set, int n,
                      void **ret_tensors) {
    void *context = tr_context(ggml, (size_t)n);
    const int64_t ne[3] = {set->k, set->m, set->experts};
    for (int i = 0; context && i < n; i++)
        ret_tensors[i] = ggml->new_tensor(context, (int)set->type->id, set->experts ? 3 : 2, ne);
    return context;
}

/* Whether the engine would multiply by weights in this kind of buffer: it says so of a product
 * whose weights lie there. */
static bool takes(const struct tr_ggml *ggml, const struct tr_weights *set, void *buft) {
    enum { TOKENS = 512 }; /* as many as the engine itself tries it with */
    void *tensor = NULL, *context = describe(ggml, set, 1, &tensor), *graph = tr_context(ggml, 8);
    void *buffer = context ? ggml->backend_alloc_ctx_tensors_from_buft(context, buft) : NULL;
    bool yes = false;
    if (buffer && graph) {
        const int64_t dense[2] = {set->k, TOKENS}, routed[3] = {set->k, 1, TOKENS};
        const int64_t chosen[2] = {1, TOKENS};
        void *x = set->experts ? ggml->new_tensor(graph, TR_GGML_F32, 3, routed)
                               : ggml->new_tensor(graph, TR_GGML_F32, 2, dense);
        void *product = set->experts
                            ? ggml->mul_mat_id(graph, tensor, x,
                                               ggml->new_tensor(graph, TR_GGML_I32, 2, chosen))
                            : ggml->mul_mat(graph, tensor, x);
        yes = ggml->backend_dev_supports_op(ggml->device, product);
    }
    if (buffer)
        ggml->backend_buffer_free(buffer);
    if (context)
        ggml->free(context);
    if (graph)
        ggml->free(graph);
    return yes;
}

/* `plain`: only the last kind of buffer, the default one, which rearranges nothing. */
static int fill_set(const struct tr_ggml *ggml, struct tr_weights *set, bool plain,
                    struct tr_err *reterr) {
    void *buft = NULL;
    for (size_t i = plain ? ggml->n_bufts - 1 : 0; i < ggml->n_bufts && !buft; i++)
        if (takes(ggml, set, ggml->bufts[i]))
            buft = ggml->bufts[i];
    if (!buft)
        return 0;
    set->tensors = calloc((size_t)set->copies + 1, sizeof(*set->tensors));
    set->context = set->tensors ? describe(ggml, set, set->copies, set->tensors) : NULL;
    if (!set->context)
        return TR_ENOMEM;
    set->buffer_name = ggml->backend_buft_name(buft);
    set->buffer = ggml->backend_alloc_ctx_tensors_from_buft(set->context, buft);
    if (!set->buffer)
        return tr_err_set(reterr, TR_EUNAVAILABLE, "no memory for %d matrices of %lld x %lld %s",
                          set->copies, (long long)set->m, (long long)set->k, set->type->name);
    int code = 0;
    for (int i = 0; i < set->copies && !code; i++)
        code = tr_fill(ggml, set->tensors[i], (int)set->type->id, set->k);
    return code;
}

int tr_weight_pool_init(const struct tr_ggml *ggml, const struct tr_engine_request *request,
                        struct tr_weight_pool *ret_pool, struct tr_err *reterr) {
    struct tr_weight_pool pool = {.ggml = ggml,
                                  .sets = calloc(request->n_jobs + 1, sizeof(*pool.sets))};
    int code = pool.sets ? 0 : TR_ENOMEM;
    for (size_t i = 0; i < request->n_jobs && !code; i++) {
        const struct tr_engine_job *job = &request->jobs[i];
        size_t at = 0;
        if (job->op != TR_ENGINE_MUL_MAT)
            continue;
        while (at < pool.n_sets && !same(&pool.sets[at], job))
            at++;
        if (at == pool.n_sets)
            pool.sets[pool.n_sets++] = (struct tr_weights){
                .type = job->type, .m = job->m, .k = job->k, .experts = job->experts};
        if (job->copies > pool.sets[at].copies)
            pool.sets[at].copies = job->copies;
    }
    for (size_t i = 0; i < pool.n_sets && !code; i++)
        code = fill_set(ggml, &pool.sets[i], request->plain, reterr);
    if (code)
        tr_weight_pool_finish(&pool);
    else
        *ret_pool = pool;
    return code;
}

void tr_weight_pool_finish(struct tr_weight_pool *pool) {
    for (size_t i = 0; i < pool->n_sets; i++) {
        struct tr_weights *set = &pool->sets[i];
        if (set->buffer)
            pool->ggml->backend_buffer_free(set->buffer);
        if (set->context)
            pool->ggml->free(set->context);
        free(set->tensors);
    }
    free(pool->sets);
    *pool = (struct tr_weight_pool){0};
}
