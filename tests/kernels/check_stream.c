/* Streams: sizes of 0 to 3 vectors with odd tails, starts that are not aligned, several parts,
 * one to three passes, guard bytes on both sides, random data and special values. The comparison is
 * exact: sums are integers, the references round as the kernels do. */
#include "check.h"

#include <math.h>

enum { MAX_N = 260, MAX_STREAMS = 16, GUARD = 64, ALIGNMENT = 128 };
/* Part s begins s * stride later; 8 bytes more than a multiple of 64 shows that alignment of one
 * part is not taken for that of all. */
enum { STRIDE_ALIGNED = (MAX_N + 16) * 8 / 64 * 64 + 64, STRIDE_ODD = STRIDE_ALIGNED + 8 };
enum { BYTES = MAX_STREAMS * STRIDE_ODD + 2 * GUARD + ALIGNMENT };

static const uint64_t seed = 20261121;

struct operands {
    unsigned char *a, *expected, *b, *c;
};

static unsigned char *filled(uint64_t salt) {
    unsigned char *bytes = aligned_alloc(ALIGNMENT, (BYTES + ALIGNMENT) / ALIGNMENT * ALIGNMENT);
    assert_non_null(bytes);
    for (size_t i = 0; i < BYTES / 8; i++) {
        uint64_t word = tr_data_word(seed + salt, i);
        memcpy(bytes + 8 * i, &word, 8);
    }
    return bytes;
}

/* Zero, subnormals, the largest number, infinities: each must come out as the reference has it. */
static void sprinkle_special(unsigned char *bytes) {
    static const double special[] = {0.0, -0.0, 4.9e-324, 2.2e-308, 1.797e308, INFINITY, -INFINITY};
    for (size_t i = 0; i < BYTES / 8; i += 5)
        memcpy(bytes + 8 * i, &special[i / 5 % 7], 8);
}

static void check_one(const struct tr_kernel *kernel, struct operands *o, size_t n, size_t shift,
                      size_t stride) {
    struct tr_kargs args = {.n = n,
                            .passes = n % 4, /* 0 counts as 1 */
                            .stride_bytes = stride,
                            .scalar = 1.0 + 1.0 / 3.0,
                            .range = MAX_N - shift,
                            .first = 1000 * n + shift,
                            .sum = 99};
    struct tr_kargs reference = args;
    size_t begin = GUARD + 8 * shift;

    /* Anew each time: what an earlier call left must not pass for this one's work. */
    for (size_t i = 0; i < BYTES / 8; i++) {
        uint64_t word = tr_data_word(seed + 17 * (n + 1) + shift, i);
        memcpy(o->a + 8 * i, &word, 8);
    }
    memcpy(o->expected, o->a, BYTES);
    args.a = o->a + begin;
    reference.a = o->expected + begin;
    args.b = reference.b = o->b + begin;
    args.c = reference.c = o->c + begin;
    kernel->function(&args);
    kernel->op->reference(kernel, &reference);
    if (!kernel->op->written_elements)
        assert_int_equal(memcmp(o->a, o->expected, BYTES), 0);
    else
        reference.sum = args.sum; /* these have no sum */
    if (memcmp(o->a, o->expected, BYTES) || args.sum != reference.sum)
        fail_msg("%s %s: n %zu, start +%zu bytes, stride %zu: result differs from the reference "
                 "(seed %llu)",
                 kernel->id, kernel->isa, n, 8 * shift, stride, (unsigned long long)seed);
}

void check_stream(const struct tr_kernel *kernel) {
    struct operands o = {filled(1), filled(1), filled(2), filled(3)};
    static const size_t large[] = {63, 64, 65, 127, 129, 200, MAX_N};
    for (int special = 0; special < 2; special++) {
        if (special) {
            sprinkle_special(o.b);
            sprinkle_special(o.c);
        }
        for (size_t shift = 0; shift < 9; shift++) {
            for (size_t n = 0; n <= 3 * 8 + 3; n++)
                check_one(kernel, &o, n, shift, shift % 2 ? STRIDE_ODD : STRIDE_ALIGNED);
            for (size_t i = 0; i < sizeof(large) / sizeof(large[0]); i++) {
                check_one(kernel, &o, large[i], shift, STRIDE_ALIGNED);
                check_one(kernel, &o, large[i], shift, STRIDE_ODD);
            }
        }
    }
    free(o.a);
    free(o.expected);
    free(o.b);
    free(o.c);
}
