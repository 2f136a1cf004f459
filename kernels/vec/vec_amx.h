/* Tiles have no vectors; kernels for them use the intrinsics by name. */
#ifndef TR_VEC_H
#define TR_VEC_H

#include <immintrin.h>

#define VB 1024

#endif
