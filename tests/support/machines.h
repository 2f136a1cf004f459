/* Loading machines in tests: this project's recordings and synthetic ones. */
#ifndef TR_TEST_MACHINES_H
#define TR_TEST_MACHINES_H

#include <math.h>

#include "test.h"
#include "tokenroof/machine.h"

/* The machine, or a failed assertion that names the reason. */
static inline struct tr_machine *machine_from(const char *source,
                                              const struct tr_overrides *overrides) {
    struct tr_machine *machine = NULL;
    struct tr_err err = {0};
    struct tr_machine_options options = {.source = source};
    if (overrides)
        options.overrides = *overrides;
    if (tr_machine_load(&options, &machine, &err))
        fail_msg("%s: %s", source ? source : "this machine", err.text);
    return machine;
}

static inline struct tr_machine *machine_from_data(const char *name) {
    char *path = test_data(name);
    struct tr_machine *machine = machine_from(path, NULL);
    free(path);
    return machine;
}

static inline void assert_near(double value, double expected, double tolerance) {
    if (!(fabs(value - expected) <= tolerance))
        fail_msg("%.17g is not %.17g +- %g", value, expected, tolerance);
}

#endif
