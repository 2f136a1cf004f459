#include "work.h"

#include <math.h>
#include <string.h>

const struct tr_work_kind *tr_work_of(const struct tr_step *step) {
    switch (step->kernel->op->kind) {
    case TR_KIND_STREAM:
        return &tr_work_stream;
    case TR_KIND_ROOF:
        return &tr_work_roof;
    case TR_KIND_COMPUTE:
        return step->kernel->dtype == TR_DTYPE_I8 ? &tr_work_integer_chains : &tr_work_chains;
    case TR_KIND_CLOCK:
        return &tr_work_clock;
    case TR_KIND_MATRIX:
        return !strcmp(step->kernel->op->name, "gemv")   ? &tr_work_gemv
               : !strcmp(step->kernel->op->name, "gemm") ? &tr_work_gemm
                                                         : &tr_work_attention;
    case TR_KIND_PATTERN: /* a soak, which has its own */
    case TR_KIND_CHASE:   /* experiments with runners of their own */
    case TR_KIND_SYNC:
        break;
    }
    return NULL;
}

int64_t tr_array_bytes(const struct tr_group *group, int array) {
    int64_t most = 0;
    for (size_t i = 0; i < group->n_steps; i++) {
        const struct tr_work_kind *kind = tr_work_of(&group->steps[i]);
        int64_t bytes = kind && kind->array_bytes ? kind->array_bytes(&group->steps[i], array) : 0;
        most = bytes > most ? bytes : most;
    }
    return most;
}

void tr_work_begin(struct tr_worker *worker) {
    worker->sum = 0;
    worker->timeline.n = 0;
    worker->clock.n = 0;
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

void tr_work_calls_first_dose(const struct tr_step *step, struct tr_dose *dose) {
    (void)step;
    *dose = (struct tr_dose){.turns = 1, .passes_per_piece = 1};
}

void tr_work_calls_calibrate(const struct tr_step *step, double sample_ns, double span_ns,
                             struct tr_dose *dose) {
    double call = span_ns / (double)(dose->turns * dose->passes_per_piece);
    double calls = fmax(1, ceil(sample_ns / call));
    double per_piece = fmax(ceil(TR_PIECE_NS / call), ceil(calls / TR_MAX_PIECES));
    (void)step;
    dose->passes_per_piece = (size_t)per_piece;
    dose->turns = (size_t)fmin(ceil(calls / per_piece), TR_MAX_PIECES);
}
