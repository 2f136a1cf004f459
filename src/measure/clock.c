#include "clock.h"

#include <math.h>
#include <x86intrin.h>

double tr_clock_step_ns(void) {
    double smallest = INFINITY;
    for (int i = 0; i < 200; i++) {
        double first = tr_now_ns(), next;
        do
            next = tr_now_ns();
        while (next <= first);
        if (next - first < smallest)
            smallest = next - first;
    }
    return smallest;
}

/* Ticks per ns over about `ns`. */
static double tick_rate(double ns) {
    double begin = tr_now_ns(), end;
    unsigned long long first = __rdtsc();
    do
        end = tr_now_ns();
    while (end - begin < ns);
    unsigned long long last = __rdtsc();
    return (double)(last - first) / (end - begin);
}

double tr_clock_disagreement(void) {
    double before = tick_rate(1e7), after = tick_rate(1e7);
    return before > 0 ? fabs(after / before - 1) : NAN;
}
