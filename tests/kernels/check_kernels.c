/* Every row of the table of kernels against its scalar reference: sizes of 0 to 3 vectors with odd
 * tails, starts that are not aligned, several parts, guard bytes on both sides, random data and
 * special values. The comparison is exact: sums are integers, the references round as the kernels
 * do. One test a kernel and instruction set; those that this CPU lacks are skipped. */
#include "test.h"

#include <math.h>

#include "kernel.h"

enum { MAX_N = 260, MAX_STREAMS = 8, GUARD = 64, ALIGNMENT = 128 };
/* Part s begins s * stride later; 8 bytes more than a multiple of 64 shows that alignment of one
 * part is not taken for that of all. */
enum { STRIDE_ALIGNED = (MAX_N + 16) * 8 / 64 * 64 + 64, STRIDE_ODD = STRIDE_ALIGNED + 8 };
enum { BYTES = MAX_STREAMS * STRIDE_ODD + 2 * GUARD + ALIGNMENT };

static const uint64_t seed = 20261121;

struct operands {
    unsigned char *a, *expected, *b, *c;
};

static bool isa_available(const char *isa) {
    __builtin_cpu_init();
    if (!strcmp(isa, "avx2"))
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (!strcmp(isa, "avx512"))
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    return true;
}

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
    struct tr_kargs args = {.n = n, .stride_bytes = stride, .scalar = 1.0 + 1.0 / 3.0, .sum = 99};
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
    if (memcmp(o->a, o->expected, BYTES) || args.sum != reference.sum)
        fail_msg("%s %s: n %zu, start +%zu bytes, stride %zu: result differs from the reference "
                 "(seed %llu)",
                 kernel->id, kernel->isa, n, 8 * shift, stride, (unsigned long long)seed);
}

static void check_stream(const struct tr_kernel *kernel) {
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

static void check_fma(const struct tr_kernel *kernel) {
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

static void check_clock(const struct tr_kernel *kernel) {
    for (size_t n = 0; n < 1000; n += 37) {
        struct tr_kargs args = {.n = n}, reference = {.n = n};
        kernel->function(&args);
        kernel->op->reference(kernel, &reference);
        assert_true(args.sum == reference.sum);
    }
}

static void check_kernel(void **state) {
    const struct tr_kernel *kernel = *state;
    if (!isa_available(kernel->isa)) {
        printf("skipped: this CPU has no %s\n", kernel->isa);
        skip();
    }
    switch (kernel->op->kind) {
    case TR_KIND_STREAM:
        check_stream(kernel);
        break;
    case TR_KIND_COMPUTE:
        check_fma(kernel);
        break;
    case TR_KIND_CLOCK:
        check_clock(kernel);
        break;
    }
}

/* The chains' operands stay finite, inside their interval, and keep changing. */
static void check_fma_operands_live(void **state) {
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

static void check_accounting(void **state) {
    (void)state;
    const struct tr_kernel *triad = tr_kernel_find("triad_plain", "sse2");
    const struct tr_kernel *triad_nt = tr_kernel_find("triad_nt", "sse2");
    assert_non_null(triad);
    assert_non_null(triad_nt);
    /* STREAM counts 24 bytes an element; a regular store moves 32. */
    assert_true(tr_kernel_nominal_bytes(triad) == 24 && tr_kernel_bus_bytes(triad) == 32);
    assert_true(tr_kernel_nominal_bytes(triad_nt) == 24 && tr_kernel_bus_bytes(triad_nt) == 24);
    assert_true(tr_kernel_bus_bytes(tr_kernel_find("read_plain", "sse2")) == 8);
    assert_true(tr_kernel_flop(tr_kernel_find("fma_f64", "avx512")) == 24 * 8 * 2);
    assert_true(tr_kernel_flop(tr_kernel_find("fma_f32", "scalar")) == 14 * 2);
    assert_null(tr_kernel_find("triad_plain", "mmx"));
}

int main(void) {
    size_t n;
    const struct tr_kernel *kernels = tr_kernels(&n);
    struct CMUnitTest *tests = calloc(n + 2, sizeof(*tests));
    if (!tests)
        return 1;
    for (size_t i = 0; i < n; i++) {
        char *name = NULL;
        if (asprintf(&name, "%s %s", kernels[i].id, kernels[i].isa) < 0)
            return 1;
        tests[i].name = name;
        tests[i].test_func = check_kernel;
        tests[i].initial_state = (void *)(uintptr_t)&kernels[i];
    }
    tests[n] = (struct CMUnitTest)cmocka_unit_test(check_fma_operands_live);
    tests[n + 1] = (struct CMUnitTest)cmocka_unit_test(check_accounting);
    int failed = _cmocka_run_group_tests("kernels", tests, n + 2, NULL, NULL);
    for (size_t i = 0; i < n; i++)
        free((void *)(uintptr_t)tests[i].name);
    free(tests);
    return failed;
}
