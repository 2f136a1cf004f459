/* Chains of dependent register-register operations of known latency: n operations take n x latency
 * cycles, so their rate is the core clock, without counters or privileges.
 *
 * Register-register on purpose: recent cores fold `add $constant` when renaming, and a chain of
 * those runs several times faster than the clock. imul (3 cycles on every x86-64 core since 2006
 * but the small ones, which need 5) is the cross-check. */
#include "kernel.h"

#define TIMES8(x) x x x x x x x x
#define TIMES64(x) TIMES8(TIMES8(x))

tr_kernel_fn tr_k_clock_imul_scalar;

void tr_k_clock_add_scalar(struct tr_kargs *args) {
    uint64_t value = 1, step = 3;
    for (size_t turn = args->n / 64; turn; turn--)
        __asm__ volatile(TIMES64("add %1, %0\n\t") : "+r"(value) : "r"(step) : "cc");
    args->sum = value;
}

void tr_k_clock_imul_scalar(struct tr_kargs *args) {
    uint64_t value = 1, factor = 3;
    for (size_t turn = args->n / 64; turn; turn--)
        __asm__ volatile(TIMES64("imul %1, %0\n\t") : "+r"(value) : "r"(factor) : "cc");
    args->sum = value;
}
