/* Kernels of language models: for each type of weights the matrix-vector product (a generated
 * token) out of memory, at 1 and all threads, and out of a core's own cache, and the product with
 * many vectors (a prompt) at several numbers of them;
 * attention over a cache in memory.
 *
 * Prompts on a machine with tiles (AMX): in tiles, and in vector registers.
 *
 * Without a selection the three types that predictions rest on; all of them with --full; with
 * --kernel what is named. */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

#include "matrix/format.h"
#include "tokenroof/calibration.h"
#include "work.h"

/* A matrix of a model of 8e9 parameters, such as the query and output projections of attention. */
enum { MATRIX_ROWS = 4096, MATRIX_K = 4096 };
/* Attention heads of such a model, and a long conversation. */
enum { HEAD_SIZE = 128, DEPTH = 4096 };
enum { MOST_STEPS = 10 };
/* Half of the second-level cache: vectors and results need room beside the weights. */
static const int64_t cache_bytes_unknown = 256 << 10;

struct plan {
    struct tr_plan_builder *builder;
    const struct tr_bench *bench;
    struct tr_bench_request request;
    enum tr_place_kind kind; /* of the place at hand */
    int index;
};

static bool in_tiles(const struct tr_kernel *kernel) {
    return !strcmp(kernel->isa, "amx");
}

/* The best row of this operation and type that is here and wanted; NULL for none. */
enum rows { ANY, WITHOUT_TILES };
static const struct tr_kernel *choose(const struct plan *plan, const char *op, enum tr_dtype dtype,
                                      enum rows which) {
    const struct tr_plan_options *options = plan->builder->options;
    size_t n;
    const struct tr_kernel *rows = tr_kernels(&n), *best = NULL;
    for (size_t i = 0; i < n; i++) {
        const struct tr_kernel *row = &rows[i];
        if (row->op->kind != TR_KIND_MATRIX || strcmp(row->op->name, op) != 0 ||
            row->dtype != dtype || row->set == TR_SET_SEARCH ||
            (which == WITHOUT_TILES && in_tiles(row)) || !tr_bench_available(&plan->request, row))
            continue;
        bool wanted = options->n_kernels
                          ? false
                          : row->set == TR_SET_MAIN || options->effort == TR_EFFORT_FULL;
        for (size_t k = 0; k < options->n_kernels; k++)
            wanted |= tr_bench_matches(plan->bench, row, options->kernels[k]);
        if (wanted)
            best = row;
    }
    return best;
}

/* Rows of one matrix that each of `n_threads` threads works on, whole panels. */
static int64_t rows_of_thread(int n_threads) {
    int64_t rows = (MATRIX_ROWS + n_threads - 1) / n_threads;
    return (rows + TR_PANEL_ROWS - 1) / TR_PANEL_ROWS * TR_PANEL_ROWS;
}

static int64_t bytes_of_rows(const struct tr_kernel *kernel, int64_t rows) {
    return (int64_t)tr_matrix_bytes(kernel->dtype, (size_t)rows, MATRIX_K);
}

/* Whole panels that fit into half of the core's second-level cache. */
static int64_t cached_rows(const struct tr_machine *machine, const struct tr_crew *crew,
                           const struct tr_kernel *kernel) {
    int64_t bytes = cache_bytes_unknown;
    for (size_t i = 0; i < machine->n_cores; i++)
        if (tr_cpulist_has(&machine->cores[i].cpus, crew->cpus[0]) &&
            machine->cores[i].l2_bytes > 0)
            bytes = machine->cores[i].l2_bytes / 2;
    int64_t rows = bytes / bytes_of_rows(kernel, TR_PANEL_ROWS) * TR_PANEL_ROWS;
    return rows > 4 * TR_PANEL_ROWS ? rows : 4 * TR_PANEL_ROWS;
}

static struct tr_step step_of(const struct tr_kernel *kernel, int64_t rows, int64_t slice_bytes,
                              int64_t tokens, int64_t part_rows) {
    return (struct tr_step){
        .kernel = kernel,
        .slice_bytes = slice_bytes,
        .part_rows = part_rows,
        .shape = {.m = rows, .n = tokens, .k = MATRIX_K, .batch = -1, .depth = -1}};
}

/* One type at one number of threads: its steps share the weights. */
static int add_type(const struct plan *plan, enum tr_dtype dtype, int n_threads,
                    struct tr_err *reterr) {
    const struct tr_plan_options *options = plan->builder->options;
    const struct tr_kernel *gemv = choose(plan, "gemv", dtype, ANY);
    /* Tiles pay for unpacking weights, so that with few vectors they can be slower than registers;
     * an engine's kernels are compared with those in registers. Both are measured. */
    const struct tr_kernel *gemm[2] = {choose(plan, "gemm", dtype, ANY), NULL};
    if (gemm[0] && in_tiles(gemm[0]))
        gemm[1] = choose(plan, "gemm", dtype, WITHOUT_TILES);
    static const int64_t batches[] = {512, 32, 8, 128};
    const size_t n_batches = options->effort == TR_EFFORT_FULL || options->n_kernels ? 4 : 2;
    struct tr_crew crew = {0};
    size_t n = 0;
    if (!gemv && !gemm[0])
        return 0;
    int code = tr_crew_make(plan->builder->machine, plan->kind, plan->index, options, n_threads,
                            &crew, reterr);
    if (code)
        return code;
    struct tr_step *steps = calloc(MOST_STEPS, sizeof(*steps));
    if (!steps) {
        tr_crew_finish(&crew);
        return TR_ENOMEM;
    }
    const int64_t part = rows_of_thread(crew.n_threads);
    if (gemv) { /* the size is the rule's, or --size */
        steps[n] = step_of(gemv, MATRIX_ROWS, 0, 1, part);
        steps[n].searched = true;
        steps[n++].least_bytes = bytes_of_rows(gemv, TR_PANEL_ROWS);
    }
    if (gemv && crew.n_threads == 1) {
        int64_t rows = cached_rows(plan->builder->machine, &crew, gemv);
        steps[n++] = step_of(gemv, rows, bytes_of_rows(gemv, rows), 1, rows);
    }
    for (size_t i = 0; i < n_batches; i++)
        for (size_t form = 0; form < 2; form++)
            if (gemm[form])
                steps[n++] = step_of(gemm[form], MATRIX_ROWS, bytes_of_rows(gemm[form], part),
                                     batches[i], part);
    return tr_plan_add_group(plan->builder, plan->bench, &crew, steps, n,
                             plan->bench->seconds_per_kernel * (double)n, NULL, reterr);
}

/* Attention over one kind of cache, streaming. */
static int add_attention(const struct plan *plan, enum tr_dtype dtype, int n_threads,
                         struct tr_err *reterr) {
    const struct tr_kernel *kernel = choose(plan, "attention", dtype, ANY);
    struct tr_crew crew = {0};
    if (!kernel)
        return 0;
    int code = tr_crew_make(plan->builder->machine, plan->kind, plan->index, plan->builder->options,
                            n_threads, &crew, reterr);
    if (code)
        return code;
    struct tr_step *step = calloc(1, sizeof(*step));
    if (!step) {
        tr_crew_finish(&crew);
        return TR_ENOMEM;
    }
    *step =
        (struct tr_step){.kernel = kernel,
                         .least_bytes = /* a layer's keys, or values */
                         (int64_t)tr_matrix_bytes(dtype, (size_t)DEPTH * TR_CACHE_HEADS, HEAD_SIZE),
                         .shape = {.m = -1, .n = -1, .k = HEAD_SIZE, .batch = 1, .depth = DEPTH}};
    return tr_plan_add_group(plan->builder, plan->bench, &crew, step, 1,
                             plan->bench->seconds_per_kernel, NULL, reterr);
}

/* One thread and all of the machine, or all of a smaller place. */
static int add_place(struct tr_plan_builder *builder, const struct tr_bench *bench,
                     enum tr_place_kind kind, int index, struct tr_err *reterr) {
    const struct plan plan = {builder,
                              bench,
                              {.machine = builder->machine, .isa_cap = builder->options->isa_cap},
                              kind,
                              index};
    const struct tr_plan_options *options = builder->options;
    int cores = 0, code = tr_bench_cores(builder, kind, index, &cores, reterr);
    const int one_and_all[] = {1, cores};
    const bool only_all = cores == 1 || kind != TR_PLACE_MACHINE;
    const int *threads = options->n_threads ? options->threads : one_and_all + only_all;
    const size_t n_threads = options->n_threads ? options->n_threads : only_all ? 1 : 2;
    for (enum tr_dtype dtype = 0; dtype < TR_DTYPE_COUNT; dtype++)
        for (size_t i = 0; i < n_threads && !code; i++)
            code = add_type(&plan, dtype, threads[i], reterr);
    for (enum tr_dtype dtype = 0; dtype < TR_DTYPE_COUNT; dtype++)
        for (size_t i = 0; i < n_threads && !code; i++)
            code = add_attention(&plan, dtype, threads[i], reterr);
    return code;
}

int tr_bench_llm(struct tr_plan_builder *builder, const struct tr_bench *bench,
                 struct tr_err *reterr) {
    return tr_bench_each_place(builder, bench, add_place, reterr);
}
