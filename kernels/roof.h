/* What the kernels of roof.def, their reference and their callers agree on. */
#ifndef TR_KERNELS_ROOF_H
#define TR_KERNELS_ROOF_H

#include <stddef.h>

#include "kernel.h"

/* Every element is multiplied by these in turn. None is a power of two: a compiler may add for it.
 */
#define TR_ROOF_FACTORS ((const double[]){3, -5, 7, -6})
enum { TR_ROOF_N_FACTORS = 4, TR_ROOF_PAIR = 16 };

/* Element i: whole numbers below 2^14, neither zero nor equal, so that sums of 2^24 products of two
 * of them, or of 2^26 x 512 times a factor, over all passes of a call, are exact in any order. */
static inline double tr_roof_element(uint64_t seed, size_t i) {
    int value = (int)(tr_data_word(seed, i) >> 20 & 0x3fff);
    return value & 1 ? -(double)value : (double)(value + 1);
}

#endif
