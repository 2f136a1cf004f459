/* Dependent loads: each gives the address of the next, so that nothing can begin before the last
 * one has ended. Several chains at once show how many misses a core keeps in flight. */
#include "chase.h"

#include "kernel.h"

/* Odd multiplicative constants (of splitmix64): the high bits of the product depend on all bits. */
static uint64_t mixed(uint64_t x, uint64_t key) {
    x = (x + key) * 0xbf58476d1ce4e5b9u;
    return (x ^ (x >> 29)) * 0x94d049bb133111ebu >> 24;
}

/* A Feistel network on `bits` bits is a permutation whatever its round function is. */
static uint64_t permuted(uint64_t x, int bits, uint64_t seed) {
    const int low_bits = bits / 2;
    const uint64_t low_mask = ((uint64_t)1 << low_bits) - 1;
    const uint64_t high_mask = ((uint64_t)1 << (bits - low_bits)) - 1;
    uint64_t low = x & low_mask, high = x >> low_bits;
    for (uint64_t round = 0; round < 3; round++) {
        low ^= mixed(high, seed + 2 * round) & low_mask;
        high ^= mixed(low, seed + 2 * round + 1) & high_mask;
    }
    return high << low_bits | low;
}

size_t tr_chase_line(const struct tr_chase *chase, size_t ordinal) {
    uint64_t at = ordinal % chase->n_lines;
    int bits = chase->n_lines > 1 ? 64 - __builtin_clzll((uint64_t)chase->n_lines - 1) : 0;
    /* What falls outside is permuted again: a permutation of the lines alone remains. */
    do
        at = permuted(at, bits, chase->seed);
    while (at >= chase->n_lines);
    return (size_t)at;
}

static void *address_of(const struct tr_chase *chase, size_t line) {
    unsigned char *at = chase->base + line * chase->stride_bytes;
    size_t lines = chase->stride_bytes / TR_LINE_BYTES;
    return at + (lines > 1 ? mixed(line, chase->seed) % lines * TR_LINE_BYTES : 0);
}

void *tr_chase_address(const struct tr_chase *chase, size_t ordinal) {
    return address_of(chase, tr_chase_line(chase, ordinal));
}

void tr_chase_link(const struct tr_chase *chase, size_t first, size_t n) {
    void **at = tr_chase_address(chase, first);
    for (size_t i = 0; i < n; i++) {
        void *next = tr_chase_address(chase, first + i + 1);
        *at = next;
        at = next;
    }
}

/* `a` has the chains' positions, which are kept there from call to call; n loads each. */
#define DEFINE_CHASE(chains)                                                            \
    tr_kernel_fn tr_k_chase_##chains##_scalar;                                          \
    void tr_k_chase_##chains##_scalar(struct tr_kargs *args) {                          \
        void *volatile **positions = args->a, *volatile * at[chains];                   \
        uint64_t sum = 0;                                                               \
        for (int i = 0; i < (chains); i++)                                              \
            at[i] = positions[i];                                                       \
        for (size_t turn = 0; turn < args->n; turn++) {                                 \
            _Pragma("GCC unroll 16") for (int i = 0; i < (chains); i++) at[i] = *at[i]; \
        }                                                                               \
        for (int i = 0; i < (chains); i++) {                                            \
            positions[i] = at[i];                                                       \
            sum += (uintptr_t)at[i];                                                    \
        }                                                                               \
        args->sum = sum;                                                                \
    }

DEFINE_CHASE(1)
DEFINE_CHASE(2)
DEFINE_CHASE(4)
DEFINE_CHASE(8)
DEFINE_CHASE(16)
