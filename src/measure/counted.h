/* What hardware counters tell of a step's samples, and what the step says of itself: a check on its
 * figures, never a figure. */
#ifndef TR_MEASURE_COUNTED_H
#define TR_MEASURE_COUNTED_H

#include <stdint.h>

#include "counters.h"
#include "traffic.h"

struct tr_measurement;

/* Sums over the samples that were kept. */
struct tr_counted {
    /* All threads; -1 as soon as one of them did not count. cpu_ns: their time on a CPU meanwhile.
     */
    int64_t cycles, instructions, cpu_ns;
    /* By the memory controllers, around samples that asked for nominal_bytes; all 0 where they were
     * not read. */
    double nominal_bytes, read_bytes, written_bytes;
};

/* Adds what lies between two readings of a count; -1 (unknown) in any of them makes it unknown. */
void tr_count_add(int64_t *sum, int64_t before, int64_t after);
/* The same for what two readings of one thread's counters have. */
void tr_counted_add(struct tr_counted *counted, const struct tr_counts *before,
                    const struct tr_counts *after);
/* Adds a sample that asked for `nominal_bytes`. */
void tr_counted_add_traffic(struct tr_counted *counted, const struct tr_traffic *before,
                            const struct tr_traffic *after, double nominal_bytes);
/* Adds all of a step to those of a session. */
void tr_counted_sum(struct tr_counted *sum, const struct tr_counted *counted);

/* Sets what was counted against the figure: its core clock, and its bytes. `expected` is what the
 * memory moves for each nominal byte, NAN unknown. A difference is a warning of the measurement;
 * bytes are kept in it as memory_counters. TR_ENOMEM. */
int tr_counted_check(const struct tr_counted *counted, double expected, struct tr_measurement *m);

#endif
