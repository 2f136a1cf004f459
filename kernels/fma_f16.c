/* FMA chains of half-precision numbers (AVX512-FP16); as fma.c has them. 2 FLOP per chain and lane
 * in each turn. */
#include "isa.h"

#include "chains.h"

void tr_k_fma_f16_avx512(struct tr_kargs *args) {
    enum { CHAINS = TR_CHAINS_OF_fma_f16_avx512, LANES = 32 };
    const char *start = args->b;
    const __m512h c = __extension__ _mm512_set1_ph((_Float16)args->scalar);
    __m512h x[CHAINS];
    vu sum = vu_zero();
    TR_UNROLL for (int i = 0; i < CHAINS; i++) x[i] = _mm512_loadu_ph(start + i * LANES * 2);
    TR_UNROLL_TWICE for (size_t turn = 0; turn < args->n; turn++) {
        TR_UNROLL for (int i = 0; i < CHAINS; i++) x[i] = _mm512_fmadd_ph(x[i], x[i], c);
    }
    TR_UNROLL for (int i = 0; i < CHAINS; i++) sum = vu_add(sum, _mm512_castph_si512(x[i]));
    args->sum = vu_sum(sum);
}
