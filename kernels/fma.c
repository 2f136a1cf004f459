/* FMA chains, compiled once per instruction set: as many independent chains of x = x * x + c as
 * hide the latency on all ports, all in registers. */
#include "isa.h"

#define TR_ISA_ROW(name, vector_bytes, fused, chains) enum { CHAINS_##name = chains };
#include "isa.def"
#undef TR_ISA_ROW
#define CHAINS_OF2(isa) CHAINS_##isa
#define CHAINS_OF(isa) CHAINS_OF2(isa)
enum { CHAINS = CHAINS_OF(TR_ISA) };

#define DEFINE_FMA(id, type, element, lanes, prefix)                         \
    void TR_NAME(id)(struct tr_kargs * args) {                               \
        const element *start = args->b;                                      \
        const type c = prefix##_set1((element)args->scalar);                 \
        type x[CHAINS];                                                      \
        vu sum = vu_zero();                                                  \
        for (int i = 0; i < CHAINS; i++)                                     \
            x[i] = prefix##_load(start + i * (lanes));                       \
        for (size_t turn = 0; turn < args->n; turn++) {                      \
            _Pragma("GCC unroll 32") for (int i = 0; i < CHAINS; i++) x[i] = \
                prefix##_muladd(x[i], x[i], c);                              \
        }                                                                    \
        for (int i = 0; i < CHAINS; i++)                                     \
            sum = vu_add(sum, prefix##_bits(x[i]));                          \
        args->sum = vu_sum(sum);                                             \
    }

DEFINE_FMA(fma_f64, vd, double, VD, vd)
DEFINE_FMA(fma_f32, vf, float, VF, vf)
