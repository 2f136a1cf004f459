/* Multiply-adds on what is loaded, compiled once per instruction set: from one for two loads (a dot
 * product of neighbouring pairs of lines) to 512 for each, into independent accumulators. */
#include "isa.h"

#include "chains.h"
#include "roof.h"

/* Latency x ports of multiply-add; with the factors and what was loaded, all in registers. */
#if VB == 64
enum { SUMS = 16 };
#else
enum { SUMS = 8 };
#endif
/* Multiply-adds that stand in the loop's body. */
enum { BODY = 16 };

/* What is in x from here on only this line knows. Sums that begin alike and get the same products
 * would be one sum for the compiler, and products of the same two numbers one product: work that
 * the row counts and nobody does. */
#if VB == 64
#define OWN(x) __asm__ volatile("" : "+v"(x))
#else
#define OWN(x) __asm__ volatile("" : "+x"(x))
#endif

static inline uint64_t sum_of(const vd *sums, double tail) {
    double lanes[VD];
    TR_UNROLL for (int i = 0; i < SUMS; i++) {
        vd_store(lanes, sums[i]);
        for (int j = 0; j < VD; j++)
            tail += lanes[j]; /* whole numbers: exact */
    }
    return (uint64_t)(int64_t)tail;
}

/* 1 FLOP per element: lines 2j and 2j + 1 (of 64 bytes) are multiplied with each other. What is
 * left over at the end of no whole pair counts once for itself. */
void TR_NAME(roof_1_16)(struct tr_kargs *args) {
    enum { LINE = 8, IN_LINE = LINE / VD, PAIRS = SUMS / IN_LINE };
    const double *b = args->b;
    const size_t turn = (size_t)PAIRS * TR_ROOF_PAIR;
    double tail = 0;
    vd sums[SUMS];
    TR_UNROLL for (int s = 0; s < SUMS; s++) {
        sums[s] = vd_set1(0);
        OWN(sums[s]);
    }
    for (size_t pass = 0; pass < tr_passes_of(args); pass++) {
        size_t i = 0;
        for (; i + turn <= args->n; i += turn) {
            TR_UNROLL for (int s = 0; s < SUMS; s++) {
                const double *at = b + i + s / IN_LINE * TR_ROOF_PAIR + s % IN_LINE * VD;
                sums[s] = vd_muladd(vd_load(at), vd_load(at + LINE), sums[s]);
            }
        }
        for (; i + TR_ROOF_PAIR <= args->n; i += TR_ROOF_PAIR)
            for (size_t j = 0; j < LINE; j++)
                tail += b[i + j] * b[i + LINE + j];
        for (; i < args->n; i++)
            tail += b[i];
        TR_NEXT_PASS();
    }
    args->sum = sum_of(sums, tail);
}

/* 2 x `each` FLOP per element: one vector after the other meets the factors in turn. */
static inline __attribute__((always_inline)) void roof(struct tr_kargs *args, const int each) {
    const double *b = args->b, *const factors = TR_ROOF_FACTORS;
    const int vectors = each < BODY ? BODY / each : 1, rounds = each > BODY ? each / BODY : 1;
    const size_t turn = (size_t)vectors * VD;
    double tail = 0;
    vd sums[SUMS], f[TR_ROOF_N_FACTORS];
    TR_UNROLL for (int s = 0; s < SUMS; s++) {
        sums[s] = vd_set1(0);
        OWN(sums[s]);
    }
    TR_UNROLL for (int s = 0; s < TR_ROOF_N_FACTORS; s++) f[s] = vd_set1(factors[s]);
    for (size_t pass = 0; pass < tr_passes_of(args); pass++) {
        size_t i = 0;
        for (; i + turn <= args->n; i += turn) {
            for (int round = 0; round < rounds; round++) {
                vd x = vd_load(b + i);
                TR_UNROLL for (int j = 0; j < BODY; j++) {
                    if (j && each < BODY && j % each == 0)
                        x = vd_load(b + i + j / each * VD);
                    if (j % TR_ROOF_N_FACTORS == 0)
                        OWN(x);
                    sums[j % SUMS] = vd_muladd(x, f[j % (each < 4 ? each : 4)], sums[j % SUMS]);
                }
            }
        }
        for (; i < args->n; i++)
            for (int j = 0; j < each; j++)
                tail += b[i] * factors[j % TR_ROOF_N_FACTORS];
        TR_NEXT_PASS();
    }
    args->sum = sum_of(sums, tail);
}

#define DEFINE_ROOF(id, each)                  \
    void TR_NAME(id)(struct tr_kargs * args) { \
        roof(args, each);                      \
    }
DEFINE_ROOF(roof_1_8, 1)
DEFINE_ROOF(roof_1_4, 2)
DEFINE_ROOF(roof_1_2, 4)
DEFINE_ROOF(roof_1, 8)
DEFINE_ROOF(roof_2, 16)
DEFINE_ROOF(roof_4, 32)
DEFINE_ROOF(roof_8, 64)
DEFINE_ROOF(roof_16, 128)
DEFINE_ROOF(roof_32, 256)
DEFINE_ROOF(roof_64, 512)
