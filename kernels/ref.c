#include "ref.h"

#include "roof.h"

#include <math.h>
#include <string.h>

double tr_ref_muladd(const struct tr_kernel *kernel, double s, double c, double b) {
    return kernel->fused ? fma(s, c, b) : s * c + b;
}

static const double *part(const void *base, size_t stream, const struct tr_kargs *args) {
    return (const double *)(const void *)((const char *)base + stream * args->stride_bytes);
}

static double *part_written(const struct tr_kargs *args, size_t stream) {
    return (double *)(void *)((char *)args->a + stream * args->stride_bytes);
}

static uint64_t bits_of(double x) {
    uint64_t word;
    memcpy(&word, &x, sizeof(word));
    return word;
}

static double double_of(uint64_t word) {
    double x;
    memcpy(&x, &word, sizeof(x));
    return x;
}

void tr_ref_read(const struct tr_kernel *kernel, struct tr_kargs *args) {
    uint64_t sum = 0;
    for (size_t s = 0; s < (size_t)kernel->streams; s++)
        for (size_t i = 0; i < args->n; i++)
            sum += bits_of(part(args->b, s, args)[i]);
    args->sum = sum * tr_passes_of(args);
}

/* The operations that write, of one element; `a` is what was there before. */
typedef double element_fn(const struct tr_kernel *kernel, double scalar, double a, const double *b,
                          const double *c);

static double write_one(const struct tr_kernel *kernel, double scalar, double a, const double *b,
                        const double *c) {
    (void)kernel, (void)a, (void)b, (void)c;
    return scalar;
}

static double fill_one(const struct tr_kernel *kernel, double scalar, double a, const double *b,
                       const double *c) {
    (void)kernel, (void)a, (void)b, (void)c;
    return double_of(0x0101010101010101u * tr_fill_byte(scalar));
}

static double copy_one(const struct tr_kernel *kernel, double scalar, double a, const double *b,
                       const double *c) {
    (void)kernel, (void)scalar, (void)a, (void)c;
    return *b;
}

static double scale_one(const struct tr_kernel *kernel, double scalar, double a, const double *b,
                        const double *c) {
    (void)kernel, (void)a, (void)c;
    return scalar * *b;
}

static double add_one(const struct tr_kernel *kernel, double scalar, double a, const double *b,
                      const double *c) {
    (void)kernel, (void)scalar, (void)a;
    return *b + *c;
}

static double triad_one(const struct tr_kernel *kernel, double scalar, double a, const double *b,
                        const double *c) {
    (void)a;
    return tr_ref_muladd(kernel, scalar, *c, *b);
}

static double update_one(const struct tr_kernel *kernel, double scalar, double a, const double *b,
                         const double *c) {
    (void)kernel, (void)b, (void)c;
    return scalar * a;
}

static double mix21_one(const struct tr_kernel *kernel, double scalar, double a, const double *b,
                        const double *c) {
    (void)kernel, (void)scalar, (void)c;
    return *b - a;
}

static double mix31_one(const struct tr_kernel *kernel, double scalar, double a, const double *b,
                        const double *c) {
    (void)kernel, (void)scalar;
    if (!b || !c) /* rows of this operation have both */
        return a;
    return double_of(bits_of(a) ^ bits_of(*b) ^ bits_of(*c));
}

static void each_element(const struct tr_kernel *kernel, struct tr_kargs *args, element_fn *one) {
    const bool has_b = tr_op_uses(kernel->op, 1), has_c = tr_op_uses(kernel->op, 2);
    const size_t passes = tr_op_in_place(kernel->op) ? tr_passes_of(args) : 1;
    for (size_t s = 0; s < (size_t)kernel->streams; s++) {
        double *a = part_written(args, s);
        const double *b = has_b ? part(args->b, s, args) : NULL;
        const double *c = has_c ? part(args->c, s, args) : NULL;
        for (size_t i = 0; i < args->n; i++)
            for (size_t pass = 0; pass < passes; pass++)
                a[i] = one(kernel, args->scalar, a[i], has_b ? b + i : NULL, has_c ? c + i : NULL);
    }
}

#define EACH_ELEMENT(op)                                                      \
    void tr_ref_##op(const struct tr_kernel *kernel, struct tr_kargs *args) { \
        each_element(kernel, args, op##_one);                                 \
    }
EACH_ELEMENT(write)
EACH_ELEMENT(fill)
EACH_ELEMENT(copy)
EACH_ELEMENT(scale)
EACH_ELEMENT(add)
EACH_ELEMENT(triad)
EACH_ELEMENT(update)
EACH_ELEMENT(mix21)
EACH_ELEMENT(mix31)

/* Accumulators as kernel.h has them, their bits added as integers. */
void tr_ref_dot(const struct tr_kernel *kernel, struct tr_kargs *args) {
    enum { MOST_SUMS = TR_DOT_VECTORS * 8 };
    const size_t turn = (size_t)(TR_DOT_VECTORS * kernel->vector_bytes / 8);
    const size_t bulk = args->n - args->n % turn;
    const double *b = args->b, *c = args->c;
    double sums[MOST_SUMS] = {0}, rest = 0;
    uint64_t total = 0;
    for (size_t i = 0; i < bulk; i++)
        sums[i % turn] = tr_ref_muladd(kernel, b[i], c[i], sums[i % turn]);
    for (size_t i = bulk; i < args->n; i++)
        rest = tr_ref_muladd(kernel, b[i], c[i], rest);
    for (size_t i = 0; i < turn; i++)
        total += bits_of(sums[i]);
    args->sum = (total + bits_of(rest)) * tr_passes_of(args);
}

void tr_ref_gather(const struct tr_kernel *kernel, struct tr_kargs *args) {
    uint64_t sum = 0;
    (void)kernel;
    for (size_t i = 0; i < args->n; i++)
        sum += bits_of(((const double *)args->b)[tr_gather_index(args->first + i, args->range)]);
    args->sum = sum * tr_passes_of(args);
}

void tr_ref_stride(const struct tr_kernel *kernel, struct tr_kargs *args) {
    uint64_t sum = 0;
    for (size_t i = 0; i < args->n; i += (size_t)kernel->run_bytes / 8)
        sum += bits_of(((const double *)args->b)[i]);
    args->sum = sum * tr_passes_of(args);
}

/* Whole numbers: 64-bit integers are as exact as the kernels' doubles. */
void tr_ref_roof(const struct tr_kernel *kernel, struct tr_kargs *args) {
    const double *b = args->b;
    int64_t plain = 0, products = 0, factors = 0;
    size_t i = 0, pairs = kernel->chains == 1 ? args->n / TR_ROOF_PAIR * TR_ROOF_PAIR : 0;
    for (; i < pairs; i++)
        if (i % TR_ROOF_PAIR < TR_ROOF_PAIR / 2)
            products += (int64_t)(b[i] * b[i + TR_ROOF_PAIR / 2]);
    for (; i < args->n; i++)
        plain += (int64_t)b[i];
    for (int j = 0; j < kernel->chains / 2; j++)
        factors += (int64_t)TR_ROOF_FACTORS[j % TR_ROOF_N_FACTORS];
    args->sum =
        (uint64_t)(products + plain * (kernel->chains == 1 ? 1 : factors)) * tr_passes_of(args);
}

void tr_ref_clock_add(const struct tr_kernel *kernel, struct tr_kargs *args) {
    (void)kernel;
    args->sum = 1 + 3 * (uint64_t)(args->n / 64 * 64);
}

void tr_ref_clock_imul(const struct tr_kernel *kernel, struct tr_kargs *args) {
    (void)kernel;
    uint64_t value = 1;
    for (size_t i = 0; i < args->n / 64 * 64; i++)
        value *= 3;
    args->sum = value;
}

void tr_ref_latency(const struct tr_kernel *kernel, struct tr_kargs *args) {
    void **positions = args->a;
    args->sum = 0;
    for (size_t chain = 0; chain < (size_t)kernel->streams; chain++) {
        for (size_t i = 0; i < args->n; i++)
            memcpy(&positions[chain], positions[chain], sizeof(positions[chain]));
        args->sum += (uintptr_t)positions[chain];
    }
}
