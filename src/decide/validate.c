#include "validate.h"

#include <stdlib.h>

#include "tokenroof/err.h"

/* By group, each group's checks in the order in which they were made. */
static int sort_by_group(struct tr_checks *checks) {
    struct tr_check *sorted = calloc(checks->n ? checks->n : 1, sizeof(*sorted));
    size_t n = 0;
    if (!sorted)
        return TR_ENOMEM;
    for (int group = 0; group < TR_CHECK_GROUPS; group++)
        for (size_t i = 0; i < checks->n; i++)
            if ((int)checks->items[i].group == group)
                sorted[n++] = checks->items[i];
    free(checks->items);
    checks->items = sorted;
    return 0;
}

int tr_validate(const struct tr_validation *validation, struct tr_checks *checks) {
    static int (*const groups[])(const struct tr_validation *, struct tr_checks *) = {
        tr_validate_identity,  tr_validate_population,  tr_validate_configuration,
        tr_validate_rates,     tr_validate_symmetry,    tr_validate_latency,
        tr_validate_stability, tr_validate_expectation,
    };
    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
        int code = groups[i](validation, checks);
        if (code)
            return code;
    }
    return sort_by_group(checks);
}
