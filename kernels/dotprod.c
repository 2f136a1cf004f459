/* Dot products within vectors: each 32-bit lane of an accumulator gains the sum of four products of
 * bytes (VPDPBUSD: unsigned times signed, wrapping around) or of two of brain floats (VDPBF16PS).
 * Compiled for each instruction that there is: AVX-VNNI, AVX512-VNNI, AVX512-BF16. */
#include "isa.h"

#include "chains.h"

#ifdef __AVX512F__
#define DOT_I8(sum, left, right) _mm512_dpbusd_epi32(sum, left, right)
#else
#define DOT_I8(sum, left, right) _mm256_dpbusd_avx_epi32(sum, left, right)
#endif

/* Whatever the type of its lanes, an accumulator is kept as bits. 2 operations per element of a
 * vector and chain in each turn. */
#define DEFINE_DOTPROD(id, isa, DOT)                                                               \
    void tr_k_##id##_##isa(struct tr_kargs *args) {                                                \
        enum { CHAINS = TR_CHAINS_OF_##id##_##isa };                                               \
        const char *start = args->b;                                                               \
        vu left[TR_DOTPROD_LEFT], right[TR_DOTPROD_RIGHT], x[CHAINS], sum = vu_zero();             \
        TR_UNROLL for (int i = 0; i < TR_DOTPROD_LEFT; i++, start += VB) left[i] = vu_load(start); \
        TR_UNROLL for (int i = 0; i < TR_DOTPROD_RIGHT; i++, start += VB) right[i] =               \
            vu_load(start);                                                                        \
        TR_UNROLL for (int i = 0; i < CHAINS; i++, start += VB) x[i] = vu_load(start);             \
        TR_UNROLL_TWICE for (size_t turn = 0; turn < args->n; turn++) {                            \
            TR_UNROLL for (int i = 0; i < CHAINS; i++) x[i] = DOT(                                 \
                x[i], left[i % TR_DOTPROD_LEFT], right[i / TR_DOTPROD_LEFT % TR_DOTPROD_RIGHT]);   \
        }                                                                                          \
        TR_UNROLL for (int i = 0; i < CHAINS; i++) sum = vu_add(sum, x[i]);                        \
        args->sum = vu_sum(sum);                                                                   \
    }

#if defined(__AVX512VNNI__)
DEFINE_DOTPROD(dotprod_i8, avx512, DOT_I8)
#elif defined(__AVXVNNI__)
DEFINE_DOTPROD(dotprod_i8, avx2, DOT_I8)
#endif
#ifdef __AVX512BF16__
#define DOT_BF16(sum, left, right) \
    _mm512_castps_si512(           \
        _mm512_dpbf16_ps(_mm512_castsi512_ps(sum), (__m512bh)(left), (__m512bh)(right)))
DEFINE_DOTPROD(dotprod_bf16, avx512, DOT_BF16)
#endif
