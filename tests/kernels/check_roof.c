/* Roof line: odd sizes and starts, one to three passes, against the reference; the rows' FLOP
 * against their names. */
#include "check.h"

#include "roof.h"

void check_roof(const struct tr_kernel *kernel) {
    enum { MOST = 700 };
    double data[MOST + 8];
    for (size_t i = 0; i < MOST + 8; i++)
        data[i] = tr_roof_element(20261121, i);
    for (size_t shift = 0; shift < 8; shift += 3)
        for (size_t n = 0; n <= MOST; n += n < 70 ? 1 : 37) {
            struct tr_kargs args = {
                .b = data + shift, .n = n, .passes = n % 4, .sum = 99}; /* 0 counts as 1 */
            struct tr_kargs reference = args;
            kernel->function(&args);
            kernel->op->reference(kernel, &reference);
            if (args.sum != reference.sum)
                fail_msg("%s %s: %zu elements, start + %zu: %lld, the reference has %lld",
                         kernel->id, kernel->isa, n, shift, (long long)args.sum,
                         (long long)reference.sum);
        }
    int above = 0, below = 1;
    assert_true(sscanf(kernel->id, "roof_%d_%d", &above, &below) >= 1);
    assert_true(tr_kernel_flop(kernel) == 16.0 * above / below);
}
