/* Noise with mean 0 and standard deviation 1, in the shapes that measurements have. */
#ifndef TR_TEST_SIMULATED_H
#define TR_TEST_SIMULATED_H

#include <math.h>

#include "prng.h"

enum sim_shape {
    SIM_NORMAL,
    SIM_SKEWED, /* exponential tail to the slow side: interruptions */
    SIM_BIMODAL,
    SIM_SHAPES,
    SIM_SKEWED_UP = SIM_SHAPES, /* some parts are better than the rest */
};
static const char *const sim_names[] = {"normal", "skewed", "bimodal", "skewed up"};

static inline double sim_noise(struct tr_prng *prng, int shape) {
    double normal =
        sqrt(-2 * log(tr_prng_uniform(prng))) * cos(2 * acos(-1) * tr_prng_uniform(prng));
    switch (shape) {
    case SIM_SKEWED:
        return 1 + log(tr_prng_uniform(prng));
    case SIM_SKEWED_UP:
        return -1 - log(tr_prng_uniform(prng));
    case SIM_BIMODAL: /* two sharp modes: 90% of the variance lies between them */
        return (tr_prng_uniform(prng) < 0.5 ? -1 : 1) * sqrt(0.9) + normal * sqrt(0.1);
    default:
        return normal;
    }
}

#endif
