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
/* How far the time of measurements and the kernel's boot time (which time services discipline, by
 * at most 500 ppm) went apart since the mark, as a fraction. More than 2e-3 means that one of them
 * is wrong. NAN within the first 0.1 s. */
struct tr_clock_mark {
    double raw_ns, boot_ns;
};
void tr_clock_set_mark(struct tr_clock_mark *ret_mark);
double tr_clock_disagreement(const struct tr_clock_mark *mark);

#endif
