/* The table's kernels in tiles (AMX) against their scalar references, on emulated tiles: the same
 * sources as in the program, compiled with emulated_tiles.h, are linked in place of its functions
 * of the same names. What they have besides tiles (AVX-512) runs on this CPU. Where there is AMX,
 * check_kernels checks the program's own functions too. */
#include "check.h"

#include <stdlib.h>

#include "emulated_tiles.h"
#include "kernel.h"
#include "tiles.h"
#include "tokenroof/machine.h"

static struct tr_machine *machine;

static void check_row(void **state) {
    const struct tr_kernel *const *row = *state, *kernel = *row;
    if (!machine->cpu.levels[TR_ISA_AVX512].available) {
        printf("skipped: this CPU has no AVX-512\n");
        skip();
    }
    if (kernel->op->kind == TR_KIND_MATRIX)
        check_matrix(kernel);
    else if (kernel->op->kind == TR_KIND_COMPUTE)
        check_chains(kernel);
    else
        fail_msg("%s: this kind of kernels has no check on emulated tiles", kernel->id);
}

/* Two rows of 8 bytes times two rows of three groups of 4: sums written out by hand. */
static void check_emulated_integers(void **state) {
    static const uint8_t left[2][8] = {{1, 2, 3, 4, 5, 6, 7, 255}, {128, 0, 0, 0, 0, 0, 0, 1}};
    static const uint8_t right[2][12] = {{1, 1, 1, 1, 0, 0, 0, 2, 255, 0, 0, 0},
                                         {1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 128}};
    /* ss: 255 is -1 and 128 is -128; su: on the left alone; us: on the right alone */
    static const int32_t expected[3][2][3] = {
        {{10 + 5 - 1, 8, -1 + 128}, {-128 + 1, 0, 128 - 128}},
        {{10 + 5 - 1, 8, 255 - 128}, {-128 + 1, 0, -128 * 255 + 128}},
        {{10 + 5 + 255, 8, -1 - 255 * 128}, {128 + 1, 0, -128 - 128}}};
    const struct tr_tile_config config = {
        .palette = 1, .row_bytes = {12, 8, 12}, .rows = {2, 2, 2}};
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        int32_t sums[2][3] = {{100, 200, 300}, {400, 500, 600}};
        emulated_tile_loadconfig(&config);
        emulated_tile_loadd(0, sums, 12);
        emulated_tile_loadd(1, left, 8);
        emulated_tile_loadd(2, right, 12);
        if (kind == 0)
            emulated_tile_dpbssd(0, 1, 2);
        else if (kind == 1)
            emulated_tile_dpbsud(0, 1, 2);
        else
            emulated_tile_dpbusd(0, 1, 2);
        emulated_tile_stored(0, sums, 12);
        emulated_tile_release();
        for (int m = 0; m < 2; m++)
            for (int n = 0; n < 3; n++)
                assert_int_equal(sums[m][n], 100 * (3 * m + n + 1) + expected[kind][m][n]);
    }
}

/* Pairs of brain floats; what is subnormal counts as zero. */
static void check_emulated_floats(void **state) {
    enum { ONE = 0x3f80, TWO = 0x4000, MINUS_HALF = 0xbf00, SMALLEST = 0x0080, SUBNORMAL = 0x0040 };
    static const uint16_t left[2][4] = {{ONE, TWO}, {SMALLEST, SUBNORMAL}};
    static const uint16_t right[4][2] = {{TWO, MINUS_HALF}, {0}, {MINUS_HALF, TWO}, {0}};
    const struct tr_tile_config config = {.palette = 1, .row_bytes = {4, 8, 4}, .rows = {1, 1, 2}};
    float sum = 10;
    (void)state;
    emulated_tile_loadconfig(&config);
    emulated_tile_loadd(0, &sum, 4);
    emulated_tile_loadd(1, left, 8);
    emulated_tile_loadd(2, right, 4);
    emulated_tile_dpbf16ps(0, 1, 2);
    emulated_tile_stored(0, &sum, 4);
    assert_true(sum == 10 + 2 - 1);
    emulated_tile_zero(0);
    emulated_tile_loadd(1, left[1], 8);
    emulated_tile_loadd(2, right[2], 4);
    emulated_tile_dpbf16ps(0, 1, 2); /* -0.5 of the smallest number, and nothing */
    emulated_tile_stored(0, &sum, 4);
    emulated_tile_release();
    assert_true(sum == 0);
}

int main(void) {
    enum { N_OTHERS = 2, MOST_ROWS = 64 };
    struct CMUnitTest tests[N_OTHERS + MOST_ROWS] = {cmocka_unit_test(check_emulated_integers),
                                                     cmocka_unit_test(check_emulated_floats)};
    const struct tr_kernel *rows[MOST_ROWS], *kernels;
    struct tr_machine_options options = {0};
    struct tr_err err = {0};
    size_t n, n_rows = 0;
    kernels = tr_kernels(&n);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(kernels[i].isa, "amx") != 0)
            continue;
        if (n_rows == MOST_ROWS) {
            fprintf(stderr, "check_tiles: more rows than it has room for\n");
            return 1;
        }
        rows[n_rows] = &kernels[i];
        tests[N_OTHERS + n_rows] = (struct CMUnitTest){
            .name = kernels[i].id, .test_func = check_row, .initial_state = &rows[n_rows]};
        n_rows++;
    }
    if (tr_machine_load(&options, &machine, &err)) {
        fprintf(stderr, "check_tiles: %s\n", err.text);
        return 1;
    }
    int failed =
        _cmocka_run_group_tests("kernels on emulated tiles", tests, N_OTHERS + n_rows, NULL, NULL);
    tr_machine_destroy(machine);
    return failed;
}
