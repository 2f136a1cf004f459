/* Attention: a thread's slices hold the keys and the values of many layers, each of `depth`
 * positions of several heads, as an engine keeps them; one call is one head of one layer, with the
 * query heads that share it. Calls go on from sample to sample, so that slices larger than the
 * caches stream from memory. */
#include "work.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "matrix/format.h"

enum { RESULTS = 0, KEYS = 1, VALUES = 2 };
/* Bytes that are made; the others are copies of them. */
static const size_t made_bytes = 4 << 20;
/* No result is this number. */
static const float poison = -7.25e30F;

static size_t k_of(const struct tr_step *step) {
    return (size_t)step->shape.k;
}

static size_t row_bytes(const struct tr_step *step) {
    const enum tr_dtype dtype = step->kernel->dtype;
    return k_of(step) / tr_dtype_elements(dtype) * tr_dtype_bytes(dtype);
}

static size_t position_bytes(const struct tr_step *step) {
    return row_bytes(step) * TR_CACHE_HEADS;
}

static size_t layer_bytes(const struct tr_step *step) {
    return position_bytes(step) * (size_t)step->shape.depth;
}

static size_t calls_in_slice(const struct tr_step *step) {
    size_t layers = (size_t)step->slice_bytes / layer_bytes(step);
    return (layers ? layers : 1) * TR_CACHE_HEADS; /* the plan gives a layer at least */
}

static size_t query_bytes(const struct tr_step *step) {
    return tr_activation_bytes(tr_activation_of(step->kernel->dtype), k_of(step));
}

static size_t result_elements(const struct tr_step *step) {
    return TR_QUERIES_PER_HEAD * k_of(step);
}

/* The queries lie before the results. */
static size_t queries_bytes(const struct tr_step *step) {
    return (query_bytes(step) * TR_QUERIES_PER_HEAD + 63) / 64 * 64;
}

static float *results_of(const struct tr_step *step, const struct tr_worker *worker, size_t call) {
    uint8_t *base = (uint8_t *)worker->arrays[RESULTS] + queries_bytes(step);
    return (float *)(void *)base + call * result_elements(step);
}

static int64_t array_bytes(const struct tr_step *step, int array) {
    if (array != RESULTS)
        return step->slice_bytes;
    return (int64_t)(queries_bytes(step) +
                     calls_in_slice(step) * result_elements(step) * sizeof(float));
}

/* Rows of the cache, as they lie in a matrix of so many rows. */
static int fill_cache(const struct tr_step *step, uint64_t seed, size_t bytes,
                      const volatile sig_atomic_t *stop, uint8_t *ret_cache) {
    const enum tr_dtype dtype = step->kernel->dtype;
    const size_t run = TR_PANEL_ROWS * row_bytes(step), made = made_bytes / run * run;
    uint8_t *packed = aligned_alloc(64, (run + 63) / 64 * 64);
    int code = packed ? 0 : TR_ENOMEM;
    for (size_t at = 0; !code && at < bytes; at += run) {
        size_t length = bytes - at < run ? bytes - at : run;
        if (at >= made) {
            memcpy(ret_cache + at, ret_cache + at - made, length);
        } else {
            tr_matrix_random(dtype, seed + at, TR_PANEL_ROWS, k_of(step), packed);
            tr_matrix_unpack(dtype, packed, length / row_bytes(step), k_of(step), ret_cache + at);
        }
        code = *stop ? TR_ESTOPPED : 0;
    }
    free(packed);
    return code;
}

static int fill_queries(const struct tr_step *step, uint8_t *ret_queries) {
    const size_t k = k_of(step);
    float *x = malloc(k * sizeof(*x));
    for (size_t h = 0; x && h < TR_QUERIES_PER_HEAD; h++) {
        for (size_t i = 0; i < k; i++) /* from -1 to 1 */
            x[i] = (float)(tr_data_word(h + 1, i) >> 20 & 0xffff) / 32768 - 1;
        tr_activation_make(tr_activation_of(step->kernel->dtype), x, k,
                           ret_queries + h * query_bytes(step));
    }
    free(x);
    return x ? 0 : TR_ENOMEM;
}

static int fill(const struct tr_group *group, int thread, int array, size_t bytes,
                const volatile sig_atomic_t *stop, struct tr_worker *worker) {
    const struct tr_step *step = &group->steps[0];
    uint8_t *base = (uint8_t *)worker->arrays[array];
    if (array != RESULTS)
        return fill_cache(step, (uint64_t)thread * 1000000 + (uint64_t)array, bytes, stop, base);
    memset(base, 0, bytes); /* touches the pages */
    return fill_queries(step, base);
}

static int setup(const struct tr_step *step, struct tr_worker *worker, uint64_t *ret_expected) {
    (void)step;
    (void)worker;
    *ret_expected = 0;
    return 0;
}

static void prepare(const struct tr_step *step, const struct tr_dose *dose,
                    const struct tr_sample_context *context, struct tr_worker *worker) {
    float *results = results_of(step, worker, 0);
    (void)dose;
    (void)context;
    tr_work_begin(worker);
    for (size_t i = 0; i < calls_in_slice(step) * result_elements(step); i++)
        results[i] = poison;
}

/* Operands of one call. */
static struct tr_kargs operands(const struct tr_step *step, const struct tr_worker *worker,
                                size_t call) {
    const size_t at =
        call / TR_CACHE_HEADS * layer_bytes(step) + call % TR_CACHE_HEADS * row_bytes(step);
    return (struct tr_kargs){.a = results_of(step, worker, call),
                             .b = (const uint8_t *)worker->arrays[KEYS] + at,
                             .c = (const uint8_t *)worker->arrays[VALUES] + at,
                             .queries = worker->arrays[RESULTS],
                             .n = (size_t)step->shape.depth,
                             .k = k_of(step),
                             .batch = TR_QUERIES_PER_HEAD,
                             .stride_bytes = position_bytes(step),
                             .scalar = 1 / sqrt((double)step->shape.k)};
}

static void work(const struct tr_step *step, const struct tr_dose *dose,
                 const struct tr_sample_context *context, struct tr_worker *worker) {
    const size_t calls = calls_in_slice(step);
    const double bytes = 2.0 * (double)row_bytes(step) * (double)step->shape.depth;
    size_t at = worker->cursor % calls;
    double begin = tr_now_ns();
    for (size_t turn = 0; turn < dose->turns; turn++) {
        for (size_t again = 0; again < dose->passes_per_piece; again++) {
            struct tr_kargs args = operands(step, worker, at);
            step->kernel->function(&args);
            at = at + 1 < calls ? at + 1 : 0;
        }
        double end = tr_now_ns();
        tr_work_note(worker, begin, end, bytes * (double)dose->passes_per_piece);
        begin = end;
        if (*context->stop) {
            worker->stopped = true;
            return;
        }
    }
    worker->cursor = at;
}

/* Every call has left its results; one query head of one call is compared with the reference, which
 * takes some milliseconds. */
static void check(const struct tr_step *step, const struct tr_dose *dose,
                  const struct tr_sample_context *context, uint64_t expected,
                  struct tr_worker *worker) {
    const size_t calls = calls_in_slice(step), elements = result_elements(step);
    size_t n = dose->turns * dose->passes_per_piece, done = n < calls ? n : calls;
    float right[512];
    (void)expected;
    if (!done)
        return;
    for (size_t i = 0; i < done; i++) {
        const float *results = results_of(step, worker, (worker->cursor + calls - 1 - i) % calls);
        for (size_t e = 0; e < elements; e++)
            worker->wrong |= results[e] == poison;
    }
    uint64_t random = tr_data_word(context->number, 0) >> 12;
    size_t call = (worker->cursor + calls - 1 - random % done) % calls;
    size_t head = random / done % TR_QUERIES_PER_HEAD;
    struct tr_kargs args = operands(step, worker, call);
    const float *got = results_of(step, worker, call) + head * k_of(step);
    args.a = right;
    args.batch = 1;
    args.queries = (const uint8_t *)args.queries + head * query_bytes(step);
    step->kernel->op->reference(step->kernel, &args);
    for (size_t i = 0; i < k_of(step); i++) /* values are below 2 */
        worker->wrong |= !(fabsf(got[i] - right[i]) <= 1e-3F);
}

/* Bytes of keys and values were noted. */
static double rate(const struct tr_step *step, double units_per_ns) {
    (void)step;
    return units_per_ns;
}

const struct tr_work_kind tr_work_attention = {
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
    .rate = rate,
};
