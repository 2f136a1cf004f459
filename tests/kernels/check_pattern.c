/* Patterns: every word that is written is the one that pattern.h tells, nothing beside them is; and
 * every single wrong bit is found, with its place and its difference. */
#include "check.h"

#include "pattern.h"

enum { MAX_N = 200, GUARD = 8, WORDS = MAX_N + 2 * GUARD + 8 };

static const uint64_t seed = 20261125;

static struct tr_pattern some_pattern(size_t number) {
    struct tr_pattern pattern = {.seed = tr_data_word(seed, number), .flip = 0};
    for (size_t i = 0; i < TR_PATTERN_LINE_WORDS; i++)
        pattern.line[i] = tr_data_word(seed + 1, 8 * number + i);
    if (number % 2)
        pattern.flip = number % 4 == 1 ? ~(uint64_t)0 : tr_data_word(seed + 2, number);
    return pattern;
}

static void check_put(const struct tr_kernel *kernel, size_t n, size_t shift) {
    uint64_t words[WORDS], expected[WORDS];
    struct tr_pattern pattern = some_pattern(n);
    struct tr_kargs args = {.n = n, .first = 13 * n + shift, .pattern = &pattern};
    struct tr_kargs reference = args;
    for (size_t i = 0; i < WORDS; i++)
        words[i] = expected[i] = tr_data_word(seed + 3, i);
    args.a = words + GUARD + shift;
    reference.a = expected + GUARD + shift;
    kernel->function(&args);
    kernel->op->reference(kernel, &reference);
    if (memcmp(words, expected, sizeof(words)) != 0)
        fail_msg("%s %s: n %zu, start +%zu words: differs from the reference", kernel->id,
                 kernel->isa, n, shift);
}

static void check_verify(const struct tr_kernel *kernel, size_t n, size_t shift) {
    const char *kind = strchr(kernel->id, '_') + 1;
    char id[32];
    snprintf(id, sizeof(id), "put_%s", kind);
    const struct tr_kernel *put = tr_kernel_find(id, "scalar");
    uint64_t words[WORDS], found[TR_PATTERN_BLOCK_WORDS], wanted[TR_PATTERN_BLOCK_WORDS];
    struct tr_pattern pattern = some_pattern(n + 1);
    struct tr_kargs args = {.a = words + shift, .n = n, .first = 7 * n, .pattern = &pattern};
    put->op->reference(put, &args);
    args.b = words + shift;
    args.differences = found;
    kernel->function(&args);
    if (args.done != n || args.block)
        fail_msg("%s %s: n %zu: a difference where there is none", kernel->id, kernel->isa, n);
    for (size_t wrong = 0; wrong < n; wrong++) {
        uint64_t bit = (uint64_t)1 << (11 * wrong + n) % 64;
        words[shift + wrong] ^= bit;
        struct tr_kargs reference = args;
        reference.differences = wanted;
        kernel->function(&args);
        kernel->op->reference(kernel, &reference);
        if (args.done != reference.done || args.block != reference.block || !args.block ||
            memcmp(found, wanted, args.block * 8) != 0 || args.done > wrong ||
            found[wrong - args.done] != bit)
            fail_msg("%s %s: n %zu: wrong bit in word %zu: told %zu words from %zu on", kernel->id,
                     kernel->isa, n, wrong, args.block, args.done);
        words[shift + wrong] ^= bit;
    }
}

void check_pattern(const struct tr_kernel *kernel) {
    for (size_t n = 0; n <= MAX_N; n += n < 70 ? 1 : 13)
        for (size_t shift = 0; shift < 9; shift += 4) {
            if (kernel->op->written_elements)
                check_put(kernel, n, shift);
            else
                check_verify(kernel, n, shift);
        }
}

/* Random words: each bit is set in half of them, changes from word to word in half of the cases,
 * and no two words of a piece are equal. */
void check_pattern_bits(void **state) {
    enum { N = 1 << 14 };
    struct tr_pattern pattern = {.seed = 12345};
    (void)state;
    for (int bit = 0; bit < 64; bit++) {
        int set = 0, changed = 0;
        for (uint64_t i = 0; i < N; i++) {
            uint64_t word = tr_pattern_word(TR_PATTERN_RANDOM, &pattern, i);
            uint64_t after = tr_pattern_word(TR_PATTERN_RANDOM, &pattern, i + 1);
            set += (int)(word >> bit & 1);
            changed += (int)((word ^ after) >> bit & 1);
        }
        /* Five standard deviations: 5 x sqrt(16384) / 2. */
        if (abs(set - N / 2) > 320 || abs(changed - N / 2) > 320)
            fail_msg("bit %d: set in %d, changed in %d of %d words", bit, set, changed, N);
    }
    /* Distances of powers of two, as address lines have them. */
    for (int shift = 0; shift < 20; shift++) {
        int differing = 0;
        for (uint64_t i = 0; i < 1024; i++)
            differing += __builtin_popcountll(
                tr_pattern_word(TR_PATTERN_RANDOM, &pattern, i) ^
                tr_pattern_word(TR_PATTERN_RANDOM, &pattern, i ^ (uint64_t)1 << shift));
        if (abs(differing - 32 * 1024) > 1300)
            fail_msg("words 2^%d apart differ in %d of %d bits", shift, differing, 64 * 1024);
    }
}
