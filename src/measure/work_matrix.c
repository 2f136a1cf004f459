/* Products of quantised matrices: a thread's slice of memory holds its rows of many matrices of one
 * shape, which are multiplied one after the other, from sample to sample; the next one begins where
 * the last sample ended, so that a slice larger than the caches streams from memory. Vectors are
 * quantised beforehand, as an engine does once for all rows; repacking is not timed either.
 *
 * Several steps of a group share the slice: one type of elements, one length of rows. */
#include "work.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "matrix/format.h"

enum { WEIGHTS = 1, VECTORS = 2, RESULTS = 0, ROWS = TR_PANEL_ROWS };
/* Rows of one call of a product with many vectors: tens of milliseconds at most. */
enum { GEMM_ROWS = 256 };
/* Weights of the first part of a slice are made, others are copies: making takes far longer. */
static const size_t made_bytes = 64 << 20;

static bool is_gemm(const struct tr_step *step) {
    return tr_work_of(step) == &tr_work_gemm;
}

static size_t batch_of(const struct tr_step *step) {
    return step->shape.n > 1 ? (size_t)step->shape.n : 1;
}

static size_t k_of(const struct tr_step *step) {
    return (size_t)step->shape.k;
}

static size_t row_bytes(const struct tr_step *step) {
    return tr_matrix_bytes(step->kernel->dtype, 1, k_of(step));
}

/* Whole panels in the thread's slice. */
static size_t slice_rows(const struct tr_step *step) {
    return (size_t)step->slice_bytes / row_bytes(step) / ROWS * ROWS;
}

/* Rows of one call: the thread's part of one matrix. */
static size_t part_rows(const struct tr_step *step) {
    size_t rows = (size_t)step->part_rows, all = slice_rows(step);
    if (is_gemm(step) && rows > GEMM_ROWS)
        rows = GEMM_ROWS;
    rows = rows < all ? rows : all;
    return rows ? rows : ROWS; /* the plan gives a panel at least */
}

static size_t n_parts(const struct tr_step *step) {
    return slice_rows(step) / part_rows(step);
}

/* Vectors begin at odd multiples of a cache line from each other: not all in the same set. */
static size_t vector_stride(const struct tr_step *step) {
    size_t bytes = tr_activation_bytes(tr_activation_of(step->kernel->dtype), k_of(step));
    return ((bytes + 63) / 64 | 1) * 64;
}

static int64_t array_bytes(const struct tr_step *step, int array) {
    if (array == WEIGHTS)
        return step->slice_bytes;
    if (array == VECTORS)
        return (int64_t)(vector_stride(step) * batch_of(step));
    return (int64_t)(slice_rows(step) * batch_of(step) * sizeof(float));
}

static int fill_weights(const struct tr_step *step, uint64_t seed, size_t bytes,
                        const volatile sig_atomic_t *stop, uint8_t *ret_weights) {
    const size_t panel = row_bytes(step) * ROWS;
    if (!panel)
        return 0;
    const size_t panels = bytes / panel, made = made_bytes / panel + 1;
    for (size_t at = 0; at < panels; at++) {
        uint8_t *here = ret_weights + at * panel;
        if (at < made)
            tr_matrix_random(step->kernel->dtype, seed + at, ROWS, k_of(step), here);
        else
            memcpy(here, here - made * panel, panel);
        if (*stop)
            return TR_ESTOPPED;
    }
    return 0;
}

/* As many vectors as fit: they are the same for all steps, which use the first of them. */
static int fill_vectors(const struct tr_step *step, size_t bytes, const volatile sig_atomic_t *stop,
                        uint8_t *ret_vectors) {
    const size_t k = k_of(step), n = bytes / vector_stride(step);
    float *x = malloc(k * sizeof(*x));
    int code = x ? 0 : TR_ENOMEM;
    for (size_t t = 0; t < n && !code; t++) {
        for (size_t i = 0; i < k; i++) /* from -1 to 1 */
            x[i] = (float)(tr_data_word(t + 1, i) >> 20 & 0xffff) / 32768 - 1;
        tr_activation_make(tr_activation_of(step->kernel->dtype), x, k,
                           ret_vectors + t * vector_stride(step));
        code = *stop ? TR_ESTOPPED : 0;
    }
    free(x);
    return code;
}

static int fill(const struct tr_group *group, int thread, int array, size_t bytes,
                const volatile sig_atomic_t *stop, struct tr_worker *worker) {
    const struct tr_step *step = &group->steps[0];
    uint8_t *base = (uint8_t *)worker->arrays[array];
    if (array == WEIGHTS)
        return fill_weights(step, (uint64_t)thread * 1000000, bytes, stop, base);
    if (array == VECTORS)
        return fill_vectors(step, bytes, stop, base);
    memset(base, 0, bytes); /* touches the pages */
    return 0;
}

/* Nothing to be kept: results are compared with the reference row by row. */
static int setup(const struct tr_step *step, struct tr_worker *worker, uint64_t *ret_expected) {
    (void)step;
    (void)worker;
    *ret_expected = 0;
    return 0;
}

/* No product is this number. */
static const float poison = -7.25e30F;

static void prepare(const struct tr_step *step, const struct tr_dose *dose,
                    const struct tr_sample_context *context, struct tr_worker *worker) {
    float *results = (float *)worker->arrays[RESULTS];
    (void)dose;
    (void)context;
    tr_work_begin(worker);
    for (size_t i = 0; i < slice_rows(step) * batch_of(step); i++)
        results[i] = poison;
}

/* What the calls of a step have in common; computed before the clock runs. */
struct calls {
    struct tr_kargs args;
    tr_kernel_fn *function;
    uint8_t *weights;
    float *results;
    size_t n, part_bytes, part_results; /* parts of the slice; of one: weights, floats of results */
    double units;                       /* of one call, as the time line counts */
};

static struct calls calls_of(const struct tr_step *step, const struct tr_worker *worker) {
    const size_t rows = part_rows(step), batch = batch_of(step);
    const size_t bytes = rows * row_bytes(step);
    return (struct calls){.args = {.n = rows,
                                   .k = k_of(step),
                                   .batch = batch,
                                   .c = worker->arrays[VECTORS],
                                   .stride_bytes = vector_stride(step)},
                          .function = step->kernel->function,
                          .weights = (uint8_t *)worker->arrays[WEIGHTS],
                          .results = (float *)worker->arrays[RESULTS],
                          .n = n_parts(step),
                          .part_bytes = bytes,
                          .part_results = rows * batch,
                          .units = is_gemm(step) ? 2.0 * (double)(rows * batch * k_of(step))
                                                 : (double)bytes};
}

/* A part's rows times all vectors; returns the next part. */
static inline size_t multiply(struct calls *calls, size_t part) {
    calls->args.a = calls->results + part * calls->part_results;
    calls->args.b = calls->weights + part * calls->part_bytes;
    calls->function(&calls->args);
    return part + 1 < calls->n ? part + 1 : 0;
}

static void work(const struct tr_step *step, const struct tr_dose *dose,
                 const struct tr_sample_context *context, struct tr_worker *worker) {
    struct calls calls = calls_of(step, worker);
    size_t at = worker->cursor % calls.n;
    double begin = tr_now_ns();
    for (size_t turn = 0; turn < dose->turns; turn++) {
        for (size_t again = 0; again < dose->passes_per_piece; again++)
            at = multiply(&calls, at);
        double end = tr_now_ns();
        tr_work_note(worker, begin, end, calls.units * (double)dose->passes_per_piece);
        begin = end;
        if (*context->stop) {
            worker->stopped = true;
            return;
        }
    }
    worker->cursor = at;
}

/* Element `row` of vector `t` of part `part` is the product, up to the roundings of the sums. */
static bool is_right(const struct tr_step *step, const struct tr_worker *worker, size_t part,
                     size_t row, size_t t) {
    const size_t rows = part_rows(step);
    double size;
    double expected = tr_matrix_product(
        step->kernel->dtype,
        (const uint8_t *)worker->arrays[WEIGHTS] + part * rows * row_bytes(step), row, k_of(step),
        (const uint8_t *)worker->arrays[VECTORS] + t * vector_stride(step), &size);
    double got =
        (double)((const float *)worker->arrays[RESULTS])[(part * batch_of(step) + t) * rows + row];
    return fabs(got - expected) <= 1e-4 * size;
}

/* Every part that was multiplied has all its results; one of each of some parts (all of them where
 * the whole is wanted) is compared. */
static void check(const struct tr_step *step, const struct tr_dose *dose,
                  const struct tr_sample_context *context, uint64_t expected,
                  struct tr_worker *worker) {
    const size_t rows = part_rows(step), parts = n_parts(step), batch = batch_of(step);
    const float *results = (const float *)worker->arrays[RESULTS];
    size_t calls = dose->turns * dose->passes_per_piece, done = calls < parts ? calls : parts;
    size_t every = context->whole ? 1 : 16;
    if (!parts)
        return;
    (void)expected;
    for (size_t i = 0; i < done; i++) {
        size_t part = (worker->cursor + parts - 1 - i) % parts;
        for (size_t r = 0; r < rows * batch; r++)
            worker->wrong |= results[part * rows * batch + r] == poison;
        if (i % every == 0) {
            uint64_t random = tr_data_word(context->number, part) >> 12;
            worker->wrong |= !is_right(step, worker, part, random % rows, random / rows % batch);
        }
        if (*context->stop) {
            worker->stopped = true;
            return;
        }
    }
}

/* Calls that are too short for the clock are made several at a time. */
static void probe(const struct tr_step *step, double ns, const volatile sig_atomic_t *stop,
                  struct tr_worker *worker) {
    struct calls calls = calls_of(step, worker);
    size_t several = 1;
    tr_work_begin(worker);
    worker->cursor %= calls.n;
    for (double start = tr_now_ns(), begin = start, end = start;
         end - start < ns && worker->timeline.n < TR_MAX_PIECES && !*stop; begin = end) {
        for (size_t i = 0; i < several; i++)
            worker->cursor = multiply(&calls, worker->cursor);
        end = tr_now_ns();
        if (end - begin < TR_PIECE_NS) {
            several *= 2;
            tr_work_begin(worker);
            start = end;
            continue;
        }
        tr_work_note(worker, begin, end, (double)several * calls.units);
    }
}

/* Bytes of blocks, or operations, were noted. */
static double rate(const struct tr_step *step, double units_per_ns) {
    (void)step;
    return units_per_ns;
}

const struct tr_work_kind tr_work_gemv = {
    .metric = "rate",
    .unit = "GB/s",
    .nominal_traffic = true,
    .array_bytes = array_bytes,
    .fill = fill,
    .setup = setup,
    .first_dose = tr_work_calls_first_dose,
    .calibrate = tr_work_calls_calibrate,
    .prepare = prepare,
    .work = work,
    .check = check,
    .probe = probe,
    .rate = rate,
};

const struct tr_work_kind tr_work_gemm = {
    .metric = "rate",
    .unit = "GFLOP/s",
    .array_bytes = array_bytes,
    .fill = fill,
    .setup = setup,
    .first_dose = tr_work_calls_first_dose,
    .calibrate = tr_work_calls_calibrate,
    .prepare = prepare,
    .work = work,
    .check = check,
    .rate = rate,
};
