/* The thread that is not under test: it looks at the others and at the machine, once a second. */
#ifndef TR_SOAK_MONITOR_H
#define TR_SOAK_MONITOR_H

#include "health.h"
#include "record.h"
#include "soak.h"

struct tr_soak_monitor {
    struct tr_soak_run *run;
    struct tr_soak_worker *workers;
    struct tr_soak_watch *watch;
    struct tr_soak_record *record;
    struct tr_health first, last_modules; /* counters when it began; modules as told last */
    double begin_ns;                      /* of the record: memory is not yet written then */
    double last_s, last_energy_j;         /* of the last second */
    uint64_t last_moved, last_flop, n_seconds;
    int64_t last_machine_checks, last_deferred, last_thresholds;
    int64_t floor_bytes; /* less than that available: memory is given back */
    int code;
};

int tr_soak_monitor_init(struct tr_soak_monitor *monitor);
/* Until all threads are done. */
void tr_soak_monitor_work(struct tr_soak_monitor *monitor);
void tr_soak_monitor_finish(struct tr_soak_monitor *monitor);

/* The difference of two readings of a counter; NAN where one is unknown. A counter that was reset
 * in between counts from its reset. */
double tr_soak_delta(int64_t before, int64_t now);
/* What the machine counts, as columns: differences to `first`. */
void tr_soak_take_health(const struct tr_health *first, const struct tr_health *now,
                         struct tr_soak_second *second);
/* Modules with errors since `first`: array of label, slot, corrected, uncorrected. NULL when out
 * of memory. */
json_t *tr_soak_modules(const struct tr_health *first, const struct tr_health *now);

#endif
