/* Levels of instruction sets. */
#ifndef TOKENROOF_ISA_H
#define TOKENROOF_ISA_H

#ifdef __cplusplus
extern "C" {
#endif

/* Groups of instruction-set bits that ship together; the registry of kernels is keyed by them.
 * avx2 = AVX2 + FMA + F16C; avx512 = F + BW + DQ + VL + CD. Order = preference. */
enum tr_isa {
    TR_ISA_SCALAR,
    TR_ISA_SSE2,
    TR_ISA_AVX2,
    TR_ISA_AVX512,
    TR_ISA_AMX,
    TR_ISA_COUNT,
};

/* "scalar", "sse2", ...; NULL outside the enum. */
const char *tr_isa_name(enum tr_isa isa);
/* The level; wider ones are greater. -1 for an unknown name. */
int tr_isa_from_name(const char *name);

#ifdef __cplusplus
}
#endif

#endif
