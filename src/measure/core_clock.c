#include "core_clock.h"

#include <math.h>
#include <stdlib.h>

#include "clock.h"
#include "kernel.h"

static double chain_ns(size_t n) {
    struct tr_kargs args = {.n = n};
    double begin = tr_now_ns();
    tr_k_clock_add_scalar(&args); /* by name: looking it up takes longer than the burst may */
    return tr_now_ns() - begin;
}

/* The difference of two chains, so that the cost of reading the time does not count. The shorter
 * one runs on both sides of the long one: the first call after a kernel is a mispredicted branch or
 * two slower, and an interrupt in a short one would raise the clock. */
static double burst_ns(void) {
    double before = chain_ns(TR_BURST_SHORT);
    double whole = chain_ns(TR_BURST_LONG);
    double after = chain_ns(TR_BURST_SHORT);
    return whole - fmin(before, after);
}

void tr_core_clock_note(struct tr_core_clock *clock) {
    if (clock->n < TR_CLOCK_BURSTS)
        clock->ns[clock->n++] = burst_ns();
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double to_ghz(double ns) {
    return ns > 0 ? (TR_BURST_LONG - TR_BURST_SHORT) / ns : NAN;
}

double tr_core_clock_ghz(struct tr_core_clock *clock) {
    size_t outside = clock->n / 4;
    double sum = 0;
    qsort(clock->ns, clock->n, sizeof(clock->ns[0]), compare);
    for (size_t i = outside; i < clock->n - outside; i++)
        sum += clock->ns[i];
    return clock->n ? to_ghz(sum / (double)(clock->n - 2 * outside)) : NAN;
}

double tr_core_clock_taken_ns(const struct tr_core_clock *clock, double ghz) {
    return (double)clock->n * (TR_BURST_LONG + 2 * TR_BURST_SHORT) / ghz;
}

double tr_core_clock_burst_ghz(void) {
    return to_ghz(burst_ns());
}
