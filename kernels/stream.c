/* Kernels that stream through memory, compiled once per instruction set.
 *
 * Each template walks `streams` parts side by side, `unroll` vectors of each per turn. The
 * constants are known at compile time, so that every instance is a straight loop. */
#include "isa.h"

#include <stdint.h>

#define TR_INLINE static inline __attribute__((always_inline))

enum store_kind { STORES_NONE, STORES_REGULAR, STORES_NT };

/* Prefetches the lines that `bytes` bytes at `p` will be `distance` bytes later. Past the end of
 * the buffer this is harmless: a prefetch never faults. */
TR_INLINE void prefetch(const void *p, size_t bytes, int distance) {
    if (distance)
        for (size_t at = 0; at < bytes; at += 64)
            _mm_prefetch((const char *)p + at + distance, _MM_HINT_T0);
}

TR_INLINE void put(double *p, vd value, enum store_kind kind) {
    if (kind == STORES_NT)
        vd_stream(p, value);
    else
        vd_store(p, value);
}

/* Non-temporal stores need aligned vectors: elements up to the first boundary, at most n. */
TR_INLINE size_t head_elements(const void *p, size_t n) {
    size_t head = (VB - (uintptr_t)p % VB) % VB / 8;
    return head < n ? head : n;
}

TR_INLINE void read_template(struct tr_kargs *args, const int streams, const int unroll,
                             const int distance) {
    enum { MAX_SUMS = 8 };
    const int n_sums = streams * unroll < MAX_SUMS ? streams * unroll : MAX_SUMS;
    vu sums[MAX_SUMS];
    const char *base = args->b;
    const size_t stride = args->stride_bytes, step = (size_t)unroll * VB;
    const size_t end = args->n * 8, bulk = end - end % step;
    uint64_t total = 0;

    for (int i = 0; i < MAX_SUMS; i++)
        sums[i] = vu_zero();
    for (size_t at = 0; at < bulk; at += step) {
#pragma GCC unroll 16
        for (int s = 0; s < streams; s++) {
            const char *p = base + (size_t)s * stride + at;
            prefetch(p, step, distance);
#pragma GCC unroll 16
            for (int u = 0; u < unroll; u++) {
                const int k = (s * unroll + u) % n_sums;
                sums[k] = vu_add(sums[k], vu_load(p + u * VB));
            }
        }
    }
    for (int s = 0; s < streams; s++)
        for (size_t at = bulk; at < end; at += 8)
            total += *(const uint64_t *)(const void *)(base + (size_t)s * stride + at);
    for (int i = 0; i < n_sums; i++)
        total += vu_sum(sums[i]);
    args->sum = total;
}

enum operation { WRITE, COPY, SCALE, ADD, TRIAD };

TR_INLINE vd result(enum operation operation, const double *b, const double *c, vd scalar) {
    if (operation == WRITE)
        return scalar;
    if (operation == COPY)
        return vd_load(b);
    if (operation == SCALE)
        return vd_mul(scalar, vd_load(b));
    if (operation == ADD)
        return vd_add(vd_load(b), vd_load(c));
    return vd_muladd(scalar, vd_load(c), vd_load(b));
}

TR_INLINE void elements(enum operation operation, double *a, const double *b, const double *c,
                        size_t begin, size_t end, double scalar) {
    /* One element at a time with the vector's own arithmetic: on lane 0 of a splat vector. */
    for (size_t i = begin; i < end; i++) {
        double lanes[VD];
        if (operation == WRITE)
            a[i] = scalar;
        else if (operation == COPY)
            a[i] = b[i];
        else if (operation == SCALE)
            a[i] = scalar * b[i];
        else if (operation == ADD)
            a[i] = b[i] + c[i];
        else {
            vd_store(lanes, vd_muladd(vd_set1(scalar), vd_set1(c[i]), vd_set1(b[i])));
            a[i] = lanes[0];
        }
    }
}

TR_INLINE void store_template(struct tr_kargs *args, enum operation operation, enum store_kind kind,
                              const int streams, const int unroll, const int distance) {
    const vd scalar = vd_set1(args->scalar);
    const size_t n = args->n, stride = streams > 1 ? args->stride_bytes / 8 : 0;
    const size_t step = (size_t)unroll * VD;
    const bool has_c = operation == TRIAD || operation == ADD;
    double *a = args->a;
    /* Operands that the operation lacks stand for a: their addresses are formed, never read. */
    const double *b = operation == WRITE ? a : args->b, *c = has_c ? args->c : b;
    size_t head = 0, bulk;

    if (kind == STORES_NT) {
        head = head_elements(a, n);
        /* Parts that are not aligned alike cannot share one head: element by element. */
        if (streams > 1 && stride * 8 % VB)
            head = n;
    }
    bulk = head + (n - head) / step * step;
    for (int s = 0; s < streams; s++)
        elements(operation, a + (size_t)s * stride, b + (size_t)s * stride, c + (size_t)s * stride,
                 0, head, args->scalar);
    for (size_t i = head; i < bulk; i += step) {
#pragma GCC unroll 16
        for (int s = 0; s < streams; s++) {
            const size_t at = i + (size_t)s * stride;
            if (operation != WRITE)
                prefetch(b + at, step * 8, distance);
            if (has_c)
                prefetch(c + at, step * 8, distance);
#pragma GCC unroll 16
            for (int u = 0; u < unroll; u++)
                put(a + at + u * VD, result(operation, b + at + u * VD, c + at + u * VD, scalar),
                    kind);
        }
    }
    for (int s = 0; s < streams; s++)
        elements(operation, a + (size_t)s * stride, b + (size_t)s * stride, c + (size_t)s * stride,
                 bulk, n, args->scalar);
    if (kind == STORES_NT)
        _mm_sfence(); /* the stores are counted when they are globally visible */
}

#define UNROLL_read(streams) ((streams) == 1 ? 8 : (streams) == 2 ? 4 : 2)
#define UNROLL_store(streams) ((streams) == 1 ? 8 : 2)

#define BODY_read(stores, streams, distance) \
    read_template(args, streams, UNROLL_read(streams), distance)
#define BODY_write(stores, streams, distance) \
    store_template(args, WRITE, STORES_##stores, streams, UNROLL_store(streams), distance)
#define BODY_copy(stores, streams, distance) \
    store_template(args, COPY, STORES_##stores, streams, UNROLL_store(streams), distance)
#define BODY_triad(stores, streams, distance) \
    store_template(args, TRIAD, STORES_##stores, streams, UNROLL_store(streams), distance)
#define BODY_scale(stores, streams, distance) \
    store_template(args, SCALE, STORES_##stores, streams, UNROLL_store(streams), distance)
#define BODY_add(stores, streams, distance) \
    store_template(args, ADD, STORES_##stores, streams, UNROLL_store(streams), distance)

#define DEFINE_read(id, stores, streams, distance) \
    FUNCTION(id, BODY_read(stores, streams, distance))
#define DEFINE_write(id, stores, streams, distance) \
    FUNCTION(id, BODY_write(stores, streams, distance))
#define DEFINE_copy(id, stores, streams, distance) \
    FUNCTION(id, BODY_copy(stores, streams, distance))
#define DEFINE_triad(id, stores, streams, distance) \
    FUNCTION(id, BODY_triad(stores, streams, distance))
#define DEFINE_scale(id, stores, streams, distance) \
    FUNCTION(id, BODY_scale(stores, streams, distance))
#define DEFINE_add(id, stores, streams, distance) FUNCTION(id, BODY_add(stores, streams, distance))
#define FUNCTION(id, body)                     \
    void TR_NAME(id)(struct tr_kargs * args) { \
        body;                                  \
    }
#define TR_KERNEL(id, op, dtype, stores, streams, distance, set) \
    DEFINE_##op(id, stores, streams, distance)
#include "stream.def"
#undef TR_KERNEL
