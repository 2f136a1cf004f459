/* What the kernel and the processor counted for one thread: a check on a sample, never its result.
 * Context switches and page faults come from getrusage, the rest from PAPI. */
#ifndef TR_MACHINE_COUNTERS_H
#define TR_MACHINE_COUNTERS_H

#include <stdint.h>

/* -1 = not counted here. */
struct tr_counts {
    int64_t context_switches; /* involuntary ones */
    int64_t migrations, page_faults;
    int64_t cycles, instructions;
    /* The thread's own time on a CPU, and the time that passed: for a thread that never sleeps the
     * difference is what others had. Nanoseconds. */
    int64_t cpu_ns, wall_ns;
};

enum { TR_COUNTER_SETS = 2 };

struct tr_counters {
    struct tr_counter_set {
        int events;      /* PAPI's event set */
        int n;           /* events in it; 0: not counting */
        int8_t slots[4]; /* which event the i-th is */
    } sets[TR_COUNTER_SETS];
};

/* Once per process, before threads exist. Returns NULL where PAPI counts hardware events, else the
 * reason why not, in words (static storage). */
const char *tr_counters_setup(void);
/* Begin and end counting for the calling thread; both work, counting less, where PAPI does not. */
void tr_counters_start(struct tr_counters *ret_counters);
void tr_counters_stop(struct tr_counters *counters);
/* Totals since some fixed moment; the difference of two calls is what lies between them. */
void tr_counters_read(const struct tr_counters *counters, struct tr_counts *ret_counts);

#endif
