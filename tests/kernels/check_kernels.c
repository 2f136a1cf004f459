/* Every row of the table of kernels against its scalar reference. One test a kernel and instruction
 * set; those that this CPU lacks are skipped. Each kind of kernel has its check in a file of its
 * own; a kind without one does not build. */
#include "check.h"

#include <math.h>

#include "kernel.h"
#include "tokenroof/machine.h"

static struct tr_machine *machine;

static bool is_available(const struct tr_kernel *kernel) {
    int isa = tr_isa_from_name(kernel->isa);
    return isa >= 0 && machine->cpu.levels[isa].available &&
           (!kernel->needs || tr_cpu_has(&machine->cpu, kernel->needs));
}

static void check_kernel(void **state) {
    const struct tr_kernel *kernel = *state;
    if (!is_available(kernel)) {
        printf("skipped: this CPU has no %s\n", kernel->needs ? kernel->needs : kernel->isa);
        skip();
    }
    switch (kernel->op->kind) {
    case TR_KIND_STREAM:
        check_stream(kernel);
        break;
    case TR_KIND_ROOF:
        check_roof(kernel);
        break;
    case TR_KIND_COMPUTE:
        check_chains(kernel);
        break;
    case TR_KIND_CLOCK:
        check_clock(kernel);
        break;
    case TR_KIND_CHASE:
        check_chase(kernel);
        break;
    case TR_KIND_PATTERN:
        check_pattern(kernel);
        break;
    case TR_KIND_MATRIX:
        check_matrix(kernel);
        break;
    case TR_KIND_SYNC:
        fail_msg("%s: such kernels are their experiment's, not the table's", kernel->id);
    }
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
    assert_true(tr_kernel_flop(tr_kernel_find("fma_f32", "scalar")) == 15 * 2);
    assert_null(tr_kernel_find("triad_plain", "mmx"));
    /* In place, the line is read anyway. */
    const struct tr_kernel *mix = tr_kernel_find("mix31_plain", "sse2");
    assert_true(tr_kernel_nominal_bytes(mix) == 32 && tr_kernel_bus_bytes(mix) == 32);
    /* One word of 8 bytes brings a line of 64, whether every 8th or every 32nd is asked for. */
    const struct tr_kernel *gather = tr_kernel_find("gather", "sse2");
    const struct tr_kernel *stride = tr_kernel_find("stride_256", "scalar");
    assert_true(tr_kernel_nominal_bytes(gather) == 8 && tr_kernel_bus_bytes(gather) == 64);
    assert_true(tr_kernel_nominal_bytes(stride) == 0.25 && tr_kernel_bus_bytes(stride) == 2);
    assert_true(isnan(tr_kernel_bus_bytes(tr_kernel_find("copy_libc", "scalar"))));
}

static void check_variants(void **state) {
    static const char *const expected[][3] = {
        {"read_plain", "sse2", ""},
        {"read_s8_p0_t0_r4096", "sse2", "8 streams, 4096 B a turn"},
        {"read_s4_p1024_t1_r64", "avx2", "4 streams, prefetch 1024 B to L2"},
        {"copy_nt_s1_p1024_nta_r0", "sse2", "prefetch 1024 B non-temporal"},
        {"triad_nt_s4_p2048_t0_r512", "sse2", "4 streams, prefetch 2048 B, 512 B a turn"},
        {"copy_rep", "scalar", "rep"},
        {"stride_64", "scalar", "every 64 B"},
        {"fma_f64", "sse2", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        const struct tr_kernel *kernel = tr_kernel_find(expected[i][0], expected[i][1]);
        char text[TR_VARIANT_BYTES];
        assert_non_null(kernel);
        tr_kernel_variant(kernel, text);
        assert_string_equal(text, expected[i][2]);
    }
}

int main(void) {
    size_t n;
    const struct tr_kernel *kernels = tr_kernels(&n);
    static const struct CMUnitTest others[] = {
        cmocka_unit_test(check_fma_operands_live), cmocka_unit_test(check_accounting),
        cmocka_unit_test(check_repacking),         cmocka_unit_test(check_random_weights),
        cmocka_unit_test(check_half_floats),       cmocka_unit_test(check_activations),
        cmocka_unit_test(check_chase_order),       cmocka_unit_test(check_variants),
        cmocka_unit_test(check_pattern_bits),
    };
    enum { N_OTHERS = sizeof(others) / sizeof(others[0]) };
    struct CMUnitTest *tests = calloc(n + N_OTHERS, sizeof(*tests));
    struct tr_machine_options options = {0};
    struct tr_err err = {0};
    if (!tests)
        return 1;
    if (tr_machine_load(&options, &machine, &err)) {
        fprintf(stderr, "check_kernels: %s\n", err.text);
        return 1;
    }
    for (size_t i = 0; i < n; i++) {
        char *name = NULL;
        if (asprintf(&name, "%s %s", kernels[i].id, kernels[i].isa) < 0)
            return 1;
        tests[i].name = name;
        tests[i].test_func = check_kernel;
        tests[i].initial_state = (void *)(uintptr_t)&kernels[i];
    }
    memcpy(tests + n, others, sizeof(others));
    int failed = _cmocka_run_group_tests("kernels", tests, n + N_OTHERS, NULL, NULL);
    for (size_t i = 0; i < n; i++)
        free((void *)(uintptr_t)tests[i].name);
    free(tests);
    tr_machine_destroy(machine);
    return failed;
}
