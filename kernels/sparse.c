/* Kernels that ask for single words: at random, and one every so many bytes. */
#include "isa.h"

#include <stdint.h>

#define TR_INLINE static inline __attribute__((always_inline))

/* As tr_gather_index, of a vector of access numbers. */
TR_INLINE vu gather_indices(vu i, vu range) {
    vu h = vu_mul32(i, vu_set1(0x9e3779b1u));
    h = vu_mul32(vu_xor(h, vu_high32(h)), vu_set1(0x85ebca6bu));
    h = vu_xor(h, vu_high32(h));
    return vu_high32(vu_mul32(h, range));
}

TR_INLINE void gather_template(struct tr_kargs *args) {
    enum { UNROLL = 4 };
    const uint64_t *base = args->b;
    const vu range = vu_set1(args->range), step = vu_set1(VD);
    const size_t bulk = args->n - args->n % (UNROLL * VD);
    uint64_t total = 0;
    vu sums[UNROLL];
    for (int u = 0; u < UNROLL; u++)
        sums[u] = vu_zero();
    for (size_t pass = 0; pass < tr_passes_of(args); pass++) {
        vu at = vu_add(vu_set1(args->first), vu_iota());
        for (size_t i = 0; i < bulk; i += UNROLL * VD) {
#pragma GCC unroll 4
            for (int u = 0; u < UNROLL; u++) {
                sums[u] = vu_add(sums[u], vu_gather(base, gather_indices(at, range)));
                at = vu_add(at, step);
            }
        }
        for (size_t i = bulk; i < args->n; i++)
            total += base[tr_gather_index(args->first + i, args->range)];
        TR_NEXT_PASS();
    }
    for (int u = 0; u < UNROLL; u++)
        total += vu_sum(sums[u]);
    args->sum = total;
}

/* One word in every `distance` bytes, the first one included. */
TR_INLINE void stride_template(struct tr_kargs *args, const size_t distance) {
    const char *base = args->b;
    const size_t end = args->n * 8;
    uint64_t sums[4] = {0};
    for (size_t pass = 0; pass < tr_passes_of(args); pass++) {
        size_t at = 0;
        for (; at + 3 * distance < end; at += 4 * distance)
#pragma GCC unroll 4
            for (size_t u = 0; u < 4; u++)
                sums[u] += *(const uint64_t *)(const void *)(base + at + u * distance);
        for (; at < end; at += distance)
            sums[0] += *(const uint64_t *)(const void *)(base + at);
        TR_NEXT_PASS();
    }
    args->sum = sums[0] + sums[1] + sums[2] + sums[3];
}

#define BODY_gather(run) gather_template(args)
#define BODY_stride(run) stride_template(args, run)
#define FUNCTION(name, op, run)        \
    void name(struct tr_kargs *args) { \
        BODY_##op(run);                \
    }
/* Rows for one level alone are compiled with that level: in the others' files nothing remains. */
#define LEVEL_scalar 1
#define LEVEL_sse2 2
#define LEVEL_avx2 3
#define LEVEL_avx512 4
#define LEVEL_OF2(isa) LEVEL_##isa
#define LEVEL_OF(isa) LEVEL_OF2(isa)
#define TR_STREAM(id, op, dtype, stores, streams, distance, hint, run, set) \
    FUNCTION(TR_NAME(id), op, run)
#if LEVEL_OF(TR_ISA) == LEVEL_scalar
#define TR_STREAM_ON(isa, needs, id, op, dtype, stores, streams, distance, hint, run, set) \
    FUNCTION(TR_NAME(id), op, run)
#else
#define TR_STREAM_ON(...)
#endif
#include "sparse.def"
#undef TR_STREAM
#undef TR_STREAM_ON
