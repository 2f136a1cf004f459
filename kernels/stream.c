/* Kernels that stream through memory, compiled once per instruction set.
 *
 * Each template walks `streams` parts side by side, `run` bytes of each per turn, in blocks of
 * `unroll` vectors. The constants are known at compile time, so that every instance is a straight
 * loop. The barrier between passes keeps the compiler from doing only one of them. */
#include "isa.h"

#include <stdint.h>

#include "prefetch.h"

#define TR_INLINE static inline __attribute__((always_inline))

enum store_kind { STORES_NONE, STORES_REGULAR, STORES_NT };

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

/* Lines are asked for in the order in which they lie. In the compiler's order within a block, a Zen
 * 5 core's prefetchers did not follow: a single walk from memory reached half of the rate. */
#if VB == 8
#define IN_ORDER(x) __asm__ volatile("" : "+r"(x))
#elif VB == 64
#define IN_ORDER(x) __asm__ volatile("" : "+v"(x))
#else
#define IN_ORDER(x) __asm__ volatile("" : "+x"(x))
#endif

TR_INLINE void read_template(struct tr_kargs *args, const int streams, const int unroll,
                             const int run, const int distance, const enum tr_hint hint) {
    enum { MAX_SUMS = 8 };
    const int n_sums = streams * unroll < MAX_SUMS ? streams * unroll : MAX_SUMS;
    vu sums[MAX_SUMS]; /* in registers from pass to pass, as every loop over them is unrolled */
    const char *base = args->b;
    const size_t stride = args->stride_bytes, block = (size_t)unroll * VB;
    const size_t step = (size_t)run > block ? (size_t)run : block;
    const size_t end = args->n * 8, bulk = end - end % step, passes = tr_passes_of(args);
    uint64_t total = 0;

#pragma GCC unroll 16
    for (int i = 0; i < MAX_SUMS; i++)
        sums[i] = vu_zero();
    for (size_t pass = 0; pass < passes; pass++) {
        for (size_t at = 0; at < bulk; at += step) {
#pragma GCC unroll 16
            for (int s = 0; s < streams; s++) {
                for (size_t in = 0; in < step; in += block) {
                    const char *p = base + (size_t)s * stride + at + in;
                    tr_prefetch(p, block, distance, hint);
#pragma GCC unroll 16
                    for (int u = 0; u < unroll; u++) {
                        const int k = (s * unroll + u) % n_sums;
                        sums[k] = vu_add(sums[k], vu_load(p + u * VB));
                        IN_ORDER(sums[k]);
                    }
                }
            }
        }
        for (int s = 0; s < streams; s++)
            for (size_t at = bulk; at < end; at += 8)
                total += *(const uint64_t *)(const void *)(base + (size_t)s * stride + at);
        TR_NEXT_PASS();
    }
#pragma GCC unroll 16
    for (int i = 1; i < n_sums; i++)
        sums[0] = vu_add(sums[0], sums[i]);
    args->sum = total + vu_sum(sums[0]);
}

/* Each accumulator's additions come in the order of the elements, so that its bits are known. */
TR_INLINE void dot_template(struct tr_kargs *args, const int distance, const enum tr_hint hint) {
    const double *b = args->b, *c = args->c;
    const size_t n = args->n, step = (size_t)TR_DOT_VECTORS * VD, bulk = n - n % step;
    vu bits = vu_zero();
    for (size_t pass = 0; pass < tr_passes_of(args); pass++) {
        vd sums[TR_DOT_VECTORS], rest = vd_set1(0);
        for (int u = 0; u < TR_DOT_VECTORS; u++)
            sums[u] = vd_set1(0);
        for (size_t i = 0; i < bulk; i += step) {
            tr_prefetch(b + i, step * 8, distance, hint);
            tr_prefetch(c + i, step * 8, distance, hint);
#pragma GCC unroll 16
            for (int u = 0; u < TR_DOT_VECTORS; u++)
                sums[u] = vd_muladd(vd_load(b + i + u * VD), vd_load(c + i + u * VD), sums[u]);
        }
        for (size_t i = bulk; i < n; i++) /* all lanes alike, divided out below */
            rest = vd_muladd(vd_set1(b[i]), vd_set1(c[i]), rest);
        for (int u = 0; u < TR_DOT_VECTORS; u++)
            bits = vu_add(bits, vd_bits(sums[u]));
        if (bulk < n) {
            uint64_t lanes[VD];
            vu_store(lanes, vd_bits(rest));
            args->sum += lanes[0];
        }
        TR_NEXT_PASS();
    }
    args->sum += vu_sum(bits);
}

enum operation { WRITE, COPY, SCALE, ADD, TRIAD, UPDATE, MIX21, MIX31 };

/* `xor` of doubles in [1, 2), an odd number of them, is one again. */
TR_INLINE vd xor3(vd a, vd b, vd c) {
    return vu_double(vu_xor(vu_xor(vd_bits(a), vd_bits(b)), vd_bits(c)));
}

TR_INLINE vd result(enum operation operation, const double *a, const double *b, const double *c,
                    vd scalar) {
    switch (operation) {
    case WRITE:
        return scalar;
    case COPY:
        return vd_load(b);
    case SCALE:
        return vd_mul(scalar, vd_load(b));
    case ADD:
        return vd_add(vd_load(b), vd_load(c));
    case TRIAD:
        return vd_muladd(scalar, vd_load(c), vd_load(b));
    case UPDATE:
        return vd_mul(scalar, vd_load(a));
    case MIX21:
        return vd_sub(vd_load(b), vd_load(a));
    default:
        return xor3(vd_load(a), vd_load(b), vd_load(c));
    }
}

/* One element at a time with the vectors' own arithmetic: in lane 0 of splat vectors. */
TR_INLINE void elements(enum operation operation, double *a, const double *b, const double *c,
                        size_t begin, size_t end, vd scalar) {
    for (size_t i = begin; i < end; i++) {
        double in_a[VD], in_b[VD], in_c[VD], out[VD];
        vd_store(in_a, vd_set1(operation >= UPDATE ? a[i] : 0));
        vd_store(in_b, vd_set1(b[i]));
        vd_store(in_c, vd_set1(c[i]));
        vd_store(out, result(operation, in_a, in_b, in_c, scalar));
        a[i] = out[0];
    }
}

TR_INLINE void store_template(struct tr_kargs *args, const enum operation operation,
                              const enum store_kind kind, const int streams, const int unroll,
                              const int run, const int distance, const enum tr_hint hint) {
    const vd scalar = vd_set1(args->scalar);
    const size_t n = args->n, stride = streams > 1 ? args->stride_bytes / 8 : 0;
    const size_t block = (size_t)unroll * VD, passes = tr_passes_of(args);
    const size_t step = (size_t)run / 8 > block ? (size_t)run / 8 : block;
    const bool has_b = operation != WRITE && operation != UPDATE;
    const bool has_c = operation == TRIAD || operation == ADD || operation == MIX31;
    double *a = args->a;
    /* Operands that the operation lacks stand for a: their addresses are formed, and elements()
     * reads what it does not use. */
    const double *b = has_b ? args->b : a, *c = has_c ? args->c : b;
    size_t head = 0, bulk;

    if (kind == STORES_NT) {
        head = head_elements(a, n);
        /* Parts that are not aligned alike cannot share one head: element by element. */
        if (streams > 1 && stride * 8 % VB)
            head = n;
    }
    bulk = head + (n - head) / step * step;
    for (size_t pass = 0; pass < passes; pass++) {
        for (int s = 0; s < streams; s++)
            elements(operation, a + (size_t)s * stride, b + (size_t)s * stride,
                     c + (size_t)s * stride, 0, head, scalar);
        for (size_t i = head; i < bulk; i += step) {
#pragma GCC unroll 16
            for (int s = 0; s < streams; s++) {
                for (size_t in = 0; in < step; in += block) {
                    const size_t at = i + in + (size_t)s * stride;
                    if (operation >= UPDATE || hint == TR_HINT_w)
                        tr_prefetch(a + at, block * 8, distance, hint);
                    if (has_b && hint != TR_HINT_w)
                        tr_prefetch(b + at, block * 8, distance, hint);
                    if (has_c && hint != TR_HINT_w)
                        tr_prefetch(c + at, block * 8, distance, hint);
#pragma GCC unroll 16
                    for (int u = 0; u < unroll; u++)
                        put(a + at + u * VD,
                            result(operation, a + at + u * VD, b + at + u * VD, c + at + u * VD,
                                   scalar),
                            kind);
                }
            }
        }
        for (int s = 0; s < streams; s++)
            elements(operation, a + (size_t)s * stride, b + (size_t)s * stride,
                     c + (size_t)s * stride, bulk, n, scalar);
        TR_NEXT_PASS();
    }
    if (kind == STORES_NT)
        _mm_sfence(); /* the stores are counted when they are globally visible */
}

/* Vectors of one stream in a block: a single walk is unrolled to eight vectors; of several, each
 * has a line's worth or two vectors, whichever is more, at most eight. */
#define LINE_VECTORS (64 / VB)
#define UNROLL(streams, run)                  \
    ((streams) == 1            ? 8            \
     : (run) && (run) / VB < 8 ? (run) / VB   \
     : (run)                   ? 8            \
     : LINE_VECTORS > 2        ? LINE_VECTORS \
                               : 2)

#define READ(stores, streams, distance, hint, run) \
    read_template(args, streams, UNROLL(streams, run), run, distance, TR_HINT_##hint)
#define STORE(operation, stores, streams, distance, hint, run)                                     \
    store_template(args, operation, STORES_##stores, streams, UNROLL(streams, run), run, distance, \
                   TR_HINT_##hint)

#define BODY_read(...) READ(__VA_ARGS__)
#define BODY_write(...) STORE(WRITE, __VA_ARGS__)
#define BODY_copy(...) STORE(COPY, __VA_ARGS__)
#define BODY_scale(...) STORE(SCALE, __VA_ARGS__)
#define BODY_add(...) STORE(ADD, __VA_ARGS__)
#define BODY_triad(...) STORE(TRIAD, __VA_ARGS__)
#define BODY_update(...) STORE(UPDATE, __VA_ARGS__)
#define BODY_mix21(...) STORE(MIX21, __VA_ARGS__)
#define BODY_mix31(...) STORE(MIX31, __VA_ARGS__)
#define BODY_dot(stores, streams, distance, hint, run) \
    args->sum = 0;                                     \
    dot_template(args, distance, TR_HINT_##hint)

#define TR_STREAM(id, op, dtype, stores, streams, distance, hint, run, set) \
    void TR_NAME(id)(struct tr_kargs * args) {                              \
        BODY_##op(stores, streams, distance, hint, run);                    \
    }
#include "stream.def"
#undef TR_STREAM
