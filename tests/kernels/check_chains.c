/* Chains in registers: exact against the scalar chain. */
#include "check.h"

#include <math.h>

void check_chains(const struct tr_kernel *kernel) {
    size_t bytes = (tr_chain_operand_bytes(kernel) + 63) / 64 * 64;
    unsigned char *operands = aligned_alloc(64, bytes);
    assert_non_null(operands);
    tr_chain_operands(kernel, operands);
    size_t most = tr_chain_turns(kernel);
    for (size_t n = 0; n <= most; n = n < 5 ? n + 1 : n < most && n * 3 > most ? most : n * 3) {
        struct tr_kargs args = {.b = operands, .n = n, .scalar = TR_FMA_C};
        struct tr_kargs reference = args;
        kernel->function(&args);
        kernel->op->reference(kernel, &reference);
        if (args.sum != reference.sum)
            fail_msg("%s %s: %zu turns: sum differs from the reference", kernel->id, kernel->isa,
                     n);
        assert_true(args.sum != 0);
    }
    free(operands);
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
