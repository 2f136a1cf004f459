/* Software prefetch, for the kernels whose forms differ in it. */
#ifndef TR_KERNELS_PREFETCH_H
#define TR_KERNELS_PREFETCH_H

#include <immintrin.h>

#include "kernel.h"

/* Prefetches the lines that `bytes` bytes at `p` will be `distance` bytes later; 0: none. Past the
 * end of the buffer this is harmless: a prefetch never faults. */
static inline __attribute__((always_inline)) void tr_prefetch(const void *p, size_t bytes,
                                                              int distance, enum tr_hint hint) {
    for (size_t at = 0; distance && at < bytes; at += 64) {
        const char *line = (const char *)p + at + distance;
        if (hint == TR_HINT_t0)
            _mm_prefetch(line, _MM_HINT_T0);
        else if (hint == TR_HINT_t1)
            _mm_prefetch(line, _MM_HINT_T1);
        else if (hint == TR_HINT_w) /* does nothing on processors that lack it */
            __asm__ volatile("prefetchw %0" : : "m"(*line));
        else
            _mm_prefetch(line, _MM_HINT_NTA);
    }
}

#endif
