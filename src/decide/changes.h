/* Conditions that differ between sets of runs: firmware, kernel, memory, settings, ... */
#ifndef TR_DECIDE_CHANGES_H
#define TR_DECIDE_CHANGES_H

#include <stddef.h>

#include "tokenroof/calibration.h"

struct tr_changed {
    char *what;           /* "kernel" */
    size_t set;           /* compared with set 0 */
    char *before, *after; /* values of the runs; several are separated by " | " */
};

struct tr_changes {
    struct tr_changed *items;
    size_t n;
};

/* runs[set][run]; n_runs[set]. What is unknown on a side does not differ; temperatures differ by
 * more than 5 K, stolen time by more than a hundredth. TR_ENOMEM. */
int tr_changes_find(struct tr_calibration *const *const *runs, const size_t *n_runs, size_t n_sets,
                    struct tr_changes *ret_changes);
void tr_changes_finish(struct tr_changes *changes);

#endif
