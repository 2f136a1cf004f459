/* What share of a limit a class of machines is known to reach: data/expected_shares.csv. */
#ifndef TR_DECIDE_EXPECTED_SHARES_H
#define TR_DECIDE_EXPECTED_SHARES_H

#include <stdbool.h>

/* What is looked for; NULL unknown. */
struct tr_share_class {
    const char *name, *series; /* of the catalogue row */
    const char *kernel;
    const char *nps;   /* "NPS1", "SNC3" */
    const char *binds; /* the limit that binds: "dram", "fabric_read" */
};

struct tr_expected_share {
    double low, high; /* fractions; NAN: no row */
    char *source;     /* heap; NULL: no row */
};

/* Verified and unverified rows apart: the row that is most about this machine (its name before its
 * series before all machines, its NUMA setting before none). Free both sources. TR_ENOMEM,
 * TR_EFAIL. */
int tr_expected_share_find(const struct tr_share_class *of, struct tr_expected_share *ret_verified,
                           struct tr_expected_share *ret_unverified);

#endif
