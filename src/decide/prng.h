/* Random numbers that are the same on every machine: results that rest on resampling must not
 * change from one reading of the same files to the next. */
#ifndef TR_DECIDE_PRNG_H
#define TR_DECIDE_PRNG_H

#include <stddef.h>
#include <stdint.h>

/* splitmix64 (Steele, Lea, Flood 2014): one word of state, passes BigCrush. */
struct tr_prng {
    uint64_t state;
};

static inline uint64_t tr_prng_next(struct tr_prng *prng) {
    uint64_t z = prng->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* In (0, 1): never an end, so that its logarithm exists. */
static inline double tr_prng_uniform(struct tr_prng *prng) {
    return ((double)(tr_prng_next(prng) >> 11) + 0.5) * 0x1p-53;
}

/* 0 .. n-1, n > 0; the bias of a small n is below 2^-40. */
static inline size_t tr_prng_below(struct tr_prng *prng, size_t n) {
    return (size_t)(tr_prng_uniform(prng) * (double)n);
}

#endif
