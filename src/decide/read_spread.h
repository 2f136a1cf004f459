/* How far the reads of places of one kind (cores, CCDs, nodes) are apart. */
#ifndef TR_DECIDE_READ_SPREAD_H
#define TR_DECIDE_READ_SPREAD_H

#include "figure_sets.h"

struct tr_read_spread {
    double fraction; /* 1 - least / best; NAN where less than two were measured */
    size_t n;        /* places */
    bool untrusted;  /* any of them */
};

/* Of the first set's first run. Only figures that differ in nothing but their place are set against
 * each other; of several such (one thread, two threads) those that are farthest apart. */
struct tr_read_spread tr_read_spread_of(const struct tr_figures *figures, enum tr_place_kind kind);

#endif
