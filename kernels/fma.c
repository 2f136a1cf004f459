/* FMA chains, compiled once per instruction set: as many independent chains of x = x * x + c as
 * hide the latency on all ports, all in registers; and chains of additions y = y + x beside them,
 * for cores whose adders are not their FMA units. */
#include "isa.h"

#include "chains.h"

#define COUNT2(what, id, isa) TR_##what##_OF_##id##_##isa
#define COUNT(what, id, isa) COUNT2(what, id, isa)

/* Where a multiply-add is two operations, they go to the ports in the order in which they stand
 * here: each chain's multiplication, then its addition. In the compiler's order, multiplications in
 * a block, a Zen 5 core fell into a rhythm that left every 16th slot empty. */
#ifdef __FMA__
#define IN_ORDER(x)
#elif defined(__SSE2__)
#define IN_ORDER(x) __asm__ volatile("" : "+x"(x))
#endif

/* 2 FLOP per chain and lane in each turn. */
#define DEFINE_FMA(id, type, element, lanes, prefix)                                          \
    void TR_NAME(id)(struct tr_kargs * args) {                                                \
        enum { CHAINS = COUNT(CHAINS, id, TR_ISA) };                                          \
        const element *start = args->b;                                                       \
        const type c = prefix##_set1((element)args->scalar);                                  \
        type x[CHAINS];                                                                       \
        vu sum = vu_zero();                                                                   \
        TR_UNROLL for (int i = 0; i < CHAINS; i++) x[i] = prefix##_load(start + i * (lanes)); \
        TR_UNROLL_TWICE for (size_t turn = 0; turn < args->n; turn++) {                       \
            TR_UNROLL for (int i = 0; i < CHAINS; i++) {                                      \
                x[i] = prefix##_muladd(x[i], x[i], c);                                        \
                IN_ORDER(x[i]);                                                               \
            }                                                                                 \
        }                                                                                     \
        TR_UNROLL for (int i = 0; i < CHAINS; i++) sum = vu_add(sum, prefix##_bits(x[i]));    \
        args->sum = vu_sum(sum);                                                              \
    }

DEFINE_FMA(fma_f64, vd, double, VD, vd)
DEFINE_FMA(fma_f32, vf, float, VF, vf)

/* 2 FLOP per chain and lane and 1 per addition and lane in each turn. An addition takes the x of
 * the turn before: nothing waits within a turn. Additions are spread evenly among the FMA. */
#define DEFINE_FMA_ADD(id, type, element, lanes, prefix)                                      \
    void TR_NAME(id)(struct tr_kargs * args) {                                                \
        enum { CHAINS = COUNT(CHAINS, id, TR_ISA), ADDS = COUNT(ADDS, id, TR_ISA) };          \
        const element *start = args->b;                                                       \
        const type c = prefix##_set1((element)args->scalar);                                  \
        type x[CHAINS], y[ADDS];                                                              \
        vu sum = vu_zero();                                                                   \
        TR_UNROLL for (int i = 0; i < CHAINS; i++) x[i] = prefix##_load(start + i * (lanes)); \
        TR_UNROLL for (int i = 0; i < ADDS; i++) y[i] =                                       \
            prefix##_load(start + (CHAINS + i) * (lanes));                                    \
        TR_UNROLL_TWICE for (size_t turn = 0; turn < args->n; turn++) {                       \
            TR_UNROLL for (int i = 0; i < CHAINS; i++) {                                      \
                int add = i * ADDS / CHAINS;                                                  \
                if (add < (i + 1) * ADDS / CHAINS)                                            \
                    y[add] = prefix##_add(y[add], x[i]);                                      \
                x[i] = prefix##_muladd(x[i], x[i], c);                                        \
            }                                                                                 \
        }                                                                                     \
        TR_UNROLL for (int i = 0; i < CHAINS; i++) sum = vu_add(sum, prefix##_bits(x[i]));    \
        TR_UNROLL for (int i = 0; i < ADDS; i++) sum = vu_add(sum, prefix##_bits(y[i]));      \
        args->sum = vu_sum(sum);                                                              \
    }

#ifdef __FMA__
DEFINE_FMA_ADD(fma_add_f64, vd, double, VD, vd)
DEFINE_FMA_ADD(fma_add_f32, vf, float, VF, vf)
DEFINE_FMA_ADD(fma2_add_f64, vd, double, VD, vd)
DEFINE_FMA_ADD(fma2_add_f32, vf, float, VF, vf)
#endif
