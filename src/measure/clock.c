#include "clock.h"

#include <math.h>

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

static double boot_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

void tr_clock_set_mark(struct tr_clock_mark *ret_mark) {
    *ret_mark = (struct tr_clock_mark){tr_now_ns(), boot_ns()};
}

double tr_clock_disagreement(const struct tr_clock_mark *mark) {
    double raw = tr_now_ns() - mark->raw_ns, boot = boot_ns() - mark->boot_ns;
    return boot > 1e8 ? fabs(raw / boot - 1) : NAN;
}
