/* Scalar references: plain C, in the order of the elements. */
#ifndef TR_KERNELS_REF_H
#define TR_KERNELS_REF_H

#include "kernel.h"

#define TR_OP(name, ...) void tr_ref_##name(const struct tr_kernel *kernel, struct tr_kargs *args);
#include "ops.def"

/* s * c + b as the kernel rounds it. */
double tr_ref_muladd(const struct tr_kernel *kernel, double s, double c, double b);

#endif
