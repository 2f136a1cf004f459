/* Names of the instruction set that this file is compiled for: TR_ISA is one of isa.def's. */
#ifndef TR_KERNELS_ISA_H
#define TR_KERNELS_ISA_H

#include "kernel.h"

#define TR_JOIN4(a, b, c, d) a##b##c##d
#define TR_JOIN(a, b, c, d) TR_JOIN4(a, b, c, d)
/* TR_NAME(triad_nt) = tr_k_triad_nt_avx512 */
#define TR_NAME(id) TR_JOIN(tr_k_, id, _, TR_ISA)

#define TR_STRING2(x) #x
#define TR_STRING(x) TR_STRING2(x)
#define TR_VEC_HEADER2(isa) TR_STRING(vec/vec_##isa.h)
#define TR_VEC_HEADER(isa) TR_VEC_HEADER2(isa)
#include TR_VEC_HEADER(TR_ISA)

/* Lanes of doubles and 64-bit words. */
#define VD (VB / 8)

/* One prototype a row. */
#define TR_KERNEL(id, ...) tr_kernel_fn TR_NAME(id);
#include "kernels.def"
#undef TR_KERNEL

#endif
