/* Chains in registers: exact against the scalar chain. */
#include "check.h"

#include <math.h>

void check_chains(const struct tr_kernel *kernel) {
    double start64[24 * 8];
    float start32[24 * 16];
    for (size_t i = 0; i < sizeof(start64) / sizeof(start64[0]); i++)
        start64[i] = tr_fma_start(i);
    for (size_t i = 0; i < sizeof(start32) / sizeof(start32[0]); i++)
        start32[i] = (float)tr_fma_start(i);
    for (size_t n = 0; n < 3000; n = n < 5 ? n + 1 : n * 3) {
        struct tr_kargs args = {.n = n, .scalar = TR_FMA_C};
        args.b = kernel->dtype == TR_DTYPE_F64 ? (const void *)start64 : start32;
        struct tr_kargs reference = args;
        kernel->function(&args);
        kernel->op->reference(kernel, &reference);
        if (args.sum != reference.sum)
            fail_msg("%s %s: %zu turns: sum differs from the reference", kernel->id, kernel->isa,
                     n);
        assert_true(args.sum != 0);
    }
}

void check_clock(const struct tr_kernel *kernel) {
    for (size_t n = 0; n < 1000; n += 37) {
        struct tr_kargs args = {.n = n}, reference = {.n = n};
        kernel->function(&args);
        kernel->op->reference(kernel, &reference);
        assert_true(args.sum == reference.sum);
    }
}

/* The chains' operands stay finite, inside their interval, and keep changing. */
void check_fma_operands_live(void **state) {
    (void)state;
    double x = tr_fma_start(7), before = 0;
    int same = 0;
    for (int i = 0; i < 100000; i++) {
        before = x;
        x = fma(x, x, TR_FMA_C);
        assert_true(isfinite(x) && x >= -1.9 && x <= 1.72);
        same += x == before;
    }
    assert_int_equal(same, 0);
}
