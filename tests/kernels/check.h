/* What the checks of kernels share: one function a kind of kernel, called for each of its rows that
 * this CPU can run; it fails by cmocka's means. */
#ifndef TR_TESTS_CHECK_H
#define TR_TESTS_CHECK_H

#include "test.h"

#include "kernel.h"

void check_stream(const struct tr_kernel *kernel);
void check_chains(const struct tr_kernel *kernel);
void check_roof(const struct tr_kernel *kernel);
void check_clock(const struct tr_kernel *kernel);
void check_pattern(const struct tr_kernel *kernel);
void check_pattern_bits(void **state);
void check_chase(const struct tr_kernel *kernel);
void check_chase_order(void **state);
void check_matrix(const struct tr_kernel *kernel);
void check_repacking(void **state);
void check_random_weights(void **state);
void check_half_floats(void **state);
void check_activations(void **state);
void check_fma_operands_live(void **state);

#endif
