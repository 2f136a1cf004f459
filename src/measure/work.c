#include "work.h"

#include <math.h>

#include "clock.h"

enum { CLOCK_CHAIN = 20480 };

static double chain_ns(size_t n) {
    static const char id[] = "clock_add";
    const struct tr_kernel *kernel = tr_kernel_find(id, "scalar");
    struct tr_kargs args = {.n = n};
    double begin = tr_now_ns();
    kernel->function(&args);
    return tr_now_ns() - begin;
}

double tr_clock_burst(void) {
    double one = chain_ns(CLOCK_CHAIN), three = chain_ns((size_t)3 * CLOCK_CHAIN);
    return three > one ? 2.0 * CLOCK_CHAIN / (three - one) : NAN;
}

const struct tr_work_kind *tr_work_of(const struct tr_step *step) {
    switch (step->kernel->op->kind) {
    case TR_KIND_STREAM:
        return &tr_work_stream;
    case TR_KIND_COMPUTE:
        return &tr_work_chains;
    case TR_KIND_CLOCK:
        return &tr_work_clock;
    }
    return NULL;
}

void tr_work_begin(struct tr_worker *worker) {
    worker->sum = 0;
    worker->timeline.n = 0;
    worker->stopped = false;
    worker->wrong = false;
}

void tr_work_note(struct tr_worker *worker, double begin_ns, double end_ns, double units) {
    struct tr_timeline *line = &worker->timeline;
    line->begin_ns[line->n] = begin_ns;
    line->end_ns[line->n] = end_ns;
    line->units[line->n] = units;
    line->n++;
}

int tr_work_fill_data(const struct tr_group *group, int thread, int array, size_t bytes,
                      const volatile sig_atomic_t *stop, struct tr_worker *worker) {
    uint64_t *words = (uint64_t *)(void *)worker->arrays[array];
    (void)group;
    for (size_t i = 0; i < bytes / 8; i++) {
        words[i] = tr_data_word((uint64_t)array * 1000 + (uint64_t)thread, i);
        if (i % (1 << 20) == 0 && *stop)
            return TR_ESTOPPED;
    }
    return 0;
}
