/* The core clock in the very moments in which a kernel runs, from bursts of dependent additions
 * between its pieces. */
#ifndef TR_MEASURE_CORE_CLOCK_H
#define TR_MEASURE_CORE_CLOCK_H

#include <stddef.h>

/* A burst must be over before the core changes its clock. A core that has just run wide vectors
 * keeps their lower clock for a while after the last of them, then halts for a microsecond or two
 * and goes on faster: 2 to 3 us after the last AVX-512 multiply-add on a Sapphire Rapids, 0.7 ms on
 * Skylake servers. All three parts of a burst take 3648 cycles, 1.2 us at 3 GHz. A burst that runs
 * into that halt takes any value: with one of 20 us, 3.8 GHz read as 4.9. */
enum { TR_BURST_SHORT = 256, TR_BURST_LONG = 3136, TR_CLOCK_BURSTS = 512 };

/* Times of bursts, each of TR_BURST_LONG - TR_BURST_SHORT cycles. */
struct tr_core_clock {
    size_t n;
    double ns[TR_CLOCK_BURSTS];
};

/* Time that the sample's bursts took: by their cycles, so that an interrupt in one does not count.
 * NAN without any. */
double tr_core_clock_taken_ns(const struct tr_core_clock *clock, double ghz);
/* One burst, to be called right after the kernel; forgotten when there is no room left. */
void tr_core_clock_note(struct tr_core_clock *clock);
/* Clock in GHz: mean of the middle half of the bursts, which an interrupt in some of them does not
 * move, and which is finer than the clock's steps of a nanosecond. Sorts them; NAN without any. */
double tr_core_clock_ghz(struct tr_core_clock *clock);
/* From a single burst, good for half a percent. NAN where the time stood still. */
double tr_core_clock_burst_ghz(void);

#endif
