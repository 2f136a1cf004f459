/* Names of the instruction set that this file is compiled for: the build defines TR_ISA, one of
 * isa.def's, and TR_VEC_HEADER, "vec/vec_<isa>.h". */
#ifndef TR_KERNELS_ISA_H
#define TR_KERNELS_ISA_H

#include "kernel.h"

#define TR_JOIN4(a, b, c, d) a##b##c##d
#define TR_JOIN(a, b, c, d) TR_JOIN4(a, b, c, d)
/* TR_NAME(triad_nt) = tr_k_triad_nt_avx512 */
#define TR_NAME(id) TR_JOIN(tr_k_, id, _, TR_ISA)

#include TR_VEC_HEADER

/* Lanes of doubles and 64-bit words. */
#define VD (VB / 8)

/* One prototype a row; of rows for one level alone, each file gets all: what it defines fits. */
#define TR_KERNEL(id, ...) tr_kernel_fn TR_NAME(id);
#define TR_KERNEL_ON(isa, needs, id, ...) tr_kernel_fn tr_k_##id##_##isa;
#include "kernels.def"

#endif
