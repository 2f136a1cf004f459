/* A ggml for tests: the functions that tokenroof-engine uses, with checks of what they are given in
 * place of arithmetic. The variable FAKE_ENGINE chooses how it behaves: "crash" and "hang" while
 * computing, "no_backend", "chatty" (prints to stdout as some builds do). Every node takes
 * NODE_NS. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { NODE_NS = 200000, MAX_TENSORS = 20000, MAX_NODES = 40000 };
enum { F32 = 0, F16 = 1, Q4_K = 12, Q6_K = 14, I32 = 26, I64 = 27 };
enum op { NONE, MUL_MAT, MUL_MAT_ID, OTHER, VIEW };

struct memory {
    size_t bytes;
    void *buffer;
    bool no_alloc;
};

struct tensor {
    int type;
    int64_t ne[4];
    enum op op;
    struct tensor *source;
    const char *buft; /* NULL: no memory */
    bool filled;
};

struct context {
    struct tensor *tensors;
    size_t n, max;
    struct graph *graph;
};

struct graph {
    struct tensor *nodes[MAX_NODES];
    size_t n;
};

static const char repack[] = "FAKE_REPACK", cpu[] = "CPU";
static int threads;

static void refuse(const char *why) {
    fprintf(stderr, "fake engine: %s\n", why);
    abort();
}

static bool behaves(const char *how) {
    const char *value = getenv("FAKE_ENGINE");
    return value && !strcmp(value, how);
}

size_t ggml_tensor_overhead(void);
size_t ggml_tensor_overhead(void) {
    return sizeof(struct tensor);
}
size_t ggml_graph_overhead_custom(size_t n, bool grads);
size_t ggml_graph_overhead_custom(size_t n, bool grads) {
    return grads ? 0 : n;
}

struct context *ggml_init(struct memory memory);
struct context *ggml_init(struct memory memory) {
    struct context *context = calloc(1, sizeof(*context));
    if (!memory.no_alloc || memory.buffer)
        refuse("memory of its own was not asked for");
    context->max = memory.bytes / sizeof(struct tensor);
    context->tensors = calloc(context->max, sizeof(struct tensor));
    return context;
}

void ggml_free(struct context *context);
void ggml_free(struct context *context) {
    free(context->graph);
    free(context->tensors);
    free(context);
}

static struct tensor *add(struct context *context, int type, const int64_t *ne, int n_dims) {
    if (context->n == context->max)
        refuse("the context is too small");
    struct tensor *tensor = &context->tensors[context->n++];
    tensor->type = type;
    for (int i = 0; i < 4; i++)
        tensor->ne[i] = i < n_dims ? ne[i] : 1;
    return tensor;
}

void *ggml_new_tensor(struct context *context, int type, int n_dims, const int64_t *ne);
void *ggml_new_tensor(struct context *context, int type, int n_dims, const int64_t *ne) {
    return add(context, type, ne, n_dims);
}

size_t ggml_row_size(int type, int64_t n);
size_t ggml_row_size(int type, int64_t n) {
    switch (type) {
    case F32:
    case I32:
        return 4 * (size_t)n;
    case I64:
        return 8 * (size_t)n;
    case F16:
        return 2 * (size_t)n;
    case Q4_K:
        return (size_t)n / 256 * 144;
    default:
        return (size_t)n;
    }
}

size_t ggml_nbytes(const struct tensor *tensor);
size_t ggml_nbytes(const struct tensor *tensor) {
    return ggml_row_size(tensor->type, tensor->ne[0]) *
           (size_t)(tensor->ne[1] * tensor->ne[2] * tensor->ne[3]);
}

void *ggml_new_graph_custom(struct context *context, size_t n, bool grads);
void *ggml_new_graph_custom(struct context *context, size_t n, bool grads) {
    if (n > MAX_NODES || grads)
        refuse("an unexpected graph");
    context->graph = calloc(1, sizeof(struct graph));
    return context->graph;
}

void ggml_build_forward_expand(struct graph *graph, struct tensor *tensor);
void ggml_build_forward_expand(struct graph *graph, struct tensor *tensor) {
    if (tensor->op == NONE)
        return;
    if (tensor->source)
        ggml_build_forward_expand(graph, tensor->source);
    for (size_t i = 0; i < graph->n; i++)
        if (graph->nodes[i] == tensor)
            return;
    graph->nodes[graph->n++] = tensor;
}

size_t ggml_quantize_chunk(int type, const float *from, void *to, int64_t start, int64_t rows,
                           int64_t n, const float *importance);
size_t ggml_quantize_chunk(int type, const float *from, void *to, int64_t start, int64_t rows,
                           int64_t n, const float *importance) {
    size_t bytes = ggml_row_size(type, n) * (size_t)rows;
    if (start || !importance)
        refuse("quantisation from the middle");
    for (int64_t i = 0; i < rows * n; i++)
        if (!(from[i] > -1 && from[i] < 1))
            refuse("weights that are not finite and small");
    memset(to, 17, bytes);
    return bytes;
}

static struct tensor *node(struct context *context, enum op op, struct tensor *source) {
    struct tensor *tensor = add(context, F32, source->ne, 4);
    tensor->op = op;
    tensor->source = source;
    return tensor;
}

void *ggml_mul_mat(struct context *context, struct tensor *w, struct tensor *x);
void *ggml_mul_mat(struct context *context, struct tensor *w, struct tensor *x) {
    if (w->ne[0] != x->ne[0] || x->type != F32)
        refuse("a product of shapes that do not fit");
    return node(context, MUL_MAT, w);
}

void *ggml_mul_mat_id(struct context *context, struct tensor *w, struct tensor *x,
                      struct tensor *ids);
void *ggml_mul_mat_id(struct context *context, struct tensor *w, struct tensor *x,
                      struct tensor *ids) {
    if (w->ne[0] != x->ne[0] || ids->type != I32 || ids->ne[1] != x->ne[2])
        refuse("a routed product of shapes that do not fit");
    return node(context, MUL_MAT_ID, w);
}

#define TWO(name)                                                                    \
    void *ggml_##name(struct context *context, struct tensor *a, struct tensor *b);  \
    void *ggml_##name(struct context *context, struct tensor *a, struct tensor *b) { \
        (void)b;                                                                     \
        return node(context, OTHER, a);                                              \
    }
TWO(add)
TWO(mul)
TWO(swiglu_split)

void *ggml_silu(struct context *context, struct tensor *a);
void *ggml_silu(struct context *context, struct tensor *a) {
    return node(context, OTHER, a);
}
void *ggml_rms_norm(struct context *context, struct tensor *a, float epsilon);
void *ggml_rms_norm(struct context *context, struct tensor *a, float epsilon) {
    return epsilon > 0 ? node(context, OTHER, a) : NULL;
}
void *ggml_permute(struct context *context, struct tensor *a, int i, int j, int k, int l);
void *ggml_permute(struct context *context, struct tensor *a, int i, int j, int k, int l) {
    struct tensor *view = node(context, VIEW, a);
    if (i != 0 || j != 2 || k != 1 || l != 3)
        refuse("an unexpected order of dimensions");
    view->ne[1] = a->ne[2];
    view->ne[2] = a->ne[1];
    return view;
}
void *ggml_rope_ext(struct context *context, struct tensor *a, struct tensor *positions);
void *ggml_rope_ext(struct context *context, struct tensor *a, struct tensor *positions) {
    if (positions->type != I32 || positions->ne[0] != a->ne[2])
        refuse("positions that do not fit");
    return node(context, OTHER, a);
}
#ifndef FAKE_WITHOUT_ATTENTION
void *ggml_flash_attn_ext(struct context *context, struct tensor *q, struct tensor *k,
                          struct tensor *v, struct tensor *mask);
void *ggml_flash_attn_ext(struct context *context, struct tensor *q, struct tensor *k,
                          struct tensor *v, struct tensor *mask) {
    if (q->ne[0] != k->ne[0] || k->ne[1] != v->ne[1] || mask->type != F16 ||
        mask->ne[0] != k->ne[1] || mask->ne[1] < q->ne[1] || q->ne[2] % k->ne[2])
        refuse("attention of shapes that do not fit");
    return node(context, OTHER, q);
}
#endif

void *ggml_backend_init_by_type(int type, const char *parameters);
void *ggml_backend_init_by_type(int type, const char *parameters) {
    (void)parameters;
    if (behaves("chatty"))
        puts("fake engine: loaded\n{\"job\":0,\"median_ns\":");
    return type == 0 && !behaves("no_backend") ? &threads : NULL;
}
void *ggml_backend_get_device(void *backend);
void *ggml_backend_get_device(void *backend) {
    return backend;
}
void *ggml_backend_dev_backend_reg(void *device);
void *ggml_backend_dev_backend_reg(void *device) {
    return device;
}

static void set_n_threads(void *backend, int n) {
    *(int *)backend = n;
}
static const char **extra_bufts(void *device) {
    static const char *list[] = {repack, NULL};
    return device ? list : NULL;
}
void *ggml_backend_reg_get_proc_address(void *registry, const char *name);
void *ggml_backend_reg_get_proc_address(void *registry, const char *name) {
    (void)registry;
    void *function = NULL;
    if (!strcmp(name, "ggml_backend_set_n_threads"))
        *(void (**)(void *, int)) & function = set_n_threads;
    if (!strcmp(name, "ggml_backend_dev_get_extra_bufts"))
        *(const char **(**)(void *)) & function = extra_bufts;
    return function;
}

const char *ggml_backend_get_default_buffer_type(void *backend);
const char *ggml_backend_get_default_buffer_type(void *backend) {
    return backend ? cpu : NULL;
}
const char *ggml_backend_buft_name(const char *buft);
const char *ggml_backend_buft_name(const char *buft) {
    return buft;
}
/* Rearranged: 4-bit matrices that are not routed. Nobody has a product of 6 bits, routed. */
bool ggml_backend_dev_supports_op(void *device, const struct tensor *op);
bool ggml_backend_dev_supports_op(void *device, const struct tensor *op) {
    const struct tensor *w = op->source;
    if (!device || !w->buft)
        refuse("asked for weights that have no buffer");
    if (w->buft == repack)
        return w->type == Q4_K && op->op == MUL_MAT;
    return !(w->type == Q6_K && op->op == MUL_MAT_ID);
}
void *ggml_backend_alloc_ctx_tensors_from_buft(struct context *context, const char *buft);
void *ggml_backend_alloc_ctx_tensors_from_buft(struct context *context, const char *buft) {
    for (size_t i = 0; i < context->n; i++)
        context->tensors[i].buft = buft;
    return malloc(1);
}
void ggml_backend_buffer_free(void *buffer);
void ggml_backend_buffer_free(void *buffer) {
    free(buffer);
}
void ggml_backend_tensor_set(struct tensor *tensor, const void *data, size_t offset, size_t bytes);
void ggml_backend_tensor_set(struct tensor *tensor, const void *data, size_t offset, size_t bytes) {
    if (!data || offset || bytes != ggml_nbytes(tensor))
        refuse("a tensor was not set as a whole");
    tensor->filled = true;
}
void *ggml_gallocr_new(void *buft);
void *ggml_gallocr_new(void *buft) {
    return buft ? malloc(1) : NULL;
}
bool ggml_gallocr_alloc_graph(void *allocator, struct graph *graph);
bool ggml_gallocr_alloc_graph(void *allocator, struct graph *graph) {
    return allocator && graph->n > 0;
}
void ggml_gallocr_free(void *allocator);
void ggml_gallocr_free(void *allocator) {
    free(allocator);
}

int ggml_backend_graph_compute(void *backend, struct graph *graph);
int ggml_backend_graph_compute(void *backend, struct graph *graph) {
    struct timespec start, now;
    if (behaves("crash"))
        refuse("crash as told");
    if (behaves("hang"))
        pause();
    if (*(int *)backend < 1)
        refuse("no number of threads was set");
    clock_gettime(CLOCK_MONOTONIC, &start);
    int64_t ns = 0;
    for (size_t i = 0; i < graph->n; i++) {
        const struct tensor *source = graph->nodes[i]->source;
        if (source->op == NONE && !source->filled)
            refuse("an input without data");
        ns += graph->nodes[i]->op == VIEW ? 0 : NODE_NS / *(int *)backend;
    }
    do
        clock_gettime(CLOCK_MONOTONIC, &now);
    while ((now.tv_sec - start.tv_sec) * 1000000000 + now.tv_nsec - start.tv_nsec < ns);
    return 0;
}

const char *ggml_version(void);
const char *ggml_version(void) {
    return "0.0.1";
}
const char *ggml_commit(void);
const char *ggml_commit(void) {
    return "fake";
}
