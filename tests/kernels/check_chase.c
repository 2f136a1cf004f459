/* Chases: the links are one cycle that visits each line once, in an order that no prefetcher can
 * follow; every chain ends where the reference does, and where the order says. */
#include "check.h"

#include "chase.h"

enum { GUARD = 4096, MOST_LINES = 5000 };
static const size_t counts[] = {1, 2, 3, 4, 5, 7, 63, 64, 65, 255, 256, 257, 1000, 4097};
static const uint64_t seeds[] = {0, 1, 20261121};

/* Links n lines in memory that is otherwise 0xa5; a guard page on both sides. */
static unsigned char *linked(size_t n, size_t stride, uint64_t seed, struct tr_chase *chase) {
    size_t bytes = n * stride + 2 * GUARD;
    unsigned char *memory = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
    assert_non_null(memory);
    memset(memory, 0xa5, bytes);
    *chase = (struct tr_chase){memory + GUARD, n, stride, seed};
    /* In two parts, as a runner does that looks at a stop flag between them. */
    tr_chase_link(chase, 0, n / 3);
    tr_chase_link(chase, n / 3, n - n / 3);
    return memory;
}

static void check_cycle(const struct tr_chase *chase, const unsigned char *memory) {
    static unsigned char seen[MOST_LINES];
    void *at = tr_chase_address(chase, 0), *begin = at;
    size_t bytes = chase->n_lines * chase->stride_bytes, changed = 0;
    memset(seen, 0, sizeof(seen));
    for (size_t i = 0; i < chase->n_lines; i++) {
        size_t offset = (uintptr_t)at - (uintptr_t)chase->base;
        assert_true(offset < bytes);
        assert_int_equal(offset % TR_LINE_BYTES, 0);
        size_t line = offset / chase->stride_bytes;
        if (seen[line]++)
            fail_msg("%zu lines: line %zu comes twice", chase->n_lines, line);
        assert_int_equal(line, tr_chase_line(chase, i));
        memcpy(&at, at, sizeof(at));
    }
    assert_true(at == begin); /* closed after all lines, and (each seen once) not before */
    for (size_t i = 0; i < bytes + 2 * GUARD; i++)
        changed += memory[i] != 0xa5;
    assert_true(changed <= 8 * chase->n_lines);
    for (size_t i = 0; i < GUARD; i++)
        assert_true(memory[i] == 0xa5 && memory[GUARD + bytes + i] == 0xa5);
}

/* Neighbours in the order are hardly ever neighbours in memory, no distance comes twice running,
 * and the lines of one part of the order are spread over all of memory. */
static void check_disorder(const struct tr_chase *chase) {
    size_t n = chase->n_lines, near = 0, same = 0, low = 0;
    long before = 0;
    for (size_t i = 0; i < n; i++) {
        long step = (long)tr_chase_line(chase, i + 1) - (long)tr_chase_line(chase, i);
        near += labs(step) <= 2;
        same += step == before;
        before = step;
        low += i < n / 4 && tr_chase_line(chase, i) < n / 4;
    }
    assert_true(near < n / 50);
    assert_true(same < n / 50);
    assert_true(low > n / 16 * 3 / 4 && low < n / 16 * 5 / 4);
}

void check_chase_order(void **state) {
    (void)state;
    static const size_t strides[] = {TR_LINE_BYTES, TR_CHASE_PAGE_BYTES};
    for (size_t s = 0; s < sizeof(seeds) / sizeof(seeds[0]); s++)
        for (size_t k = 0; k < 2; k++)
            for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
                struct tr_chase chase;
                unsigned char *memory = linked(counts[i], strides[k], seeds[s], &chase);
                check_cycle(&chase, memory);
                if (counts[i] >= 1000)
                    check_disorder(&chase);
                free(memory);
            }
}

/* One line a page: their places in the pages use all cache sets alike. */
static void check_places(const struct tr_chase *chase) {
    size_t used[TR_CHASE_PAGE_BYTES / TR_LINE_BYTES] = {0};
    for (size_t i = 0; i < chase->n_lines; i++)
        used[(uintptr_t)tr_chase_address(chase, i) % TR_CHASE_PAGE_BYTES / TR_LINE_BYTES]++;
    for (size_t i = 0; i < sizeof(used) / sizeof(used[0]); i++)
        assert_true(used[i] > 0 && used[i] < 4 * chase->n_lines / 64);
}

void check_chase(const struct tr_kernel *kernel) {
    enum { MOST_CHAINS = 16 };
    size_t chains = (size_t)kernel->streams;
    assert_true(chains <= MOST_CHAINS);
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        struct tr_chase chase;
        unsigned char *memory = linked(counts[i], TR_CHASE_PAGE_BYTES, seeds[2], &chase);
        if (counts[i] >= 1000)
            check_places(&chase);
        for (size_t n = 0; n < 2 * counts[i] + 3; n = n < 5 ? n + 1 : n * 3) {
            void *at[MOST_CHAINS + 1], *expected[MOST_CHAINS + 1];
            for (size_t c = 0; c <= MOST_CHAINS; c++)
                at[c] = expected[c] = tr_chase_address(&chase, c * counts[i] / chains);
            struct tr_kargs args = {.a = at, .n = n}, reference = {.a = expected, .n = n};
            kernel->function(&args);
            kernel->op->reference(kernel, &reference);
            assert_true(args.sum == reference.sum);
            assert_memory_equal(at, expected, sizeof(at));
            for (size_t c = 0; c < chains; c++)
                assert_true(at[c] == tr_chase_address(&chase, c * counts[i] / chains + n));
        }
        free(memory);
    }
}
