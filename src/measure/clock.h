/* Time of measurements: CLOCK_MONOTONIC_RAW, which no time service slews. */
#ifndef TR_MEASURE_CLOCK_H
#define TR_MEASURE_CLOCK_H

#include <time.h>

static inline double tr_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_RAW, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Smallest step seen between two readings, ns; samples must be 1000 times longer. */
double tr_clock_step_ns(void);
/* Time-stamp counter ticks over ns in 20 ms, against the same 20 ms later: 0 = the two clocks
 * agree. NAN without an invariant counter. Larger than 1e-3 means that one of them is wrong. */
double tr_clock_disagreement(void);

#endif
