#include "plan_memory.h"

#include <string.h>

#include "series.h"
#include "work.h"

/* A thread's stack as far as it is used, its part of the heap, what OpenMP and PAPI keep of it;
 * where the kernel gives huge pages unasked, its stack begins with one. */
enum { THREAD_BYTES = 512 << 10, HUGE_BYTES = 2 << 20 };
/* Runners of their own keep sums of what each 4 KiB hold (run_loaded.c). */
enum { BYTES_A_SUM = 4096 };
/* A sample: its rate, its two clocks, its conditions. */
static const int64_t sample_bytes =
    3 * (int64_t)sizeof(double) + (int64_t)sizeof(struct tr_sample_conditions);

static int64_t series_bytes(size_t n_steps) {
    return (int64_t)n_steps * TR_SAMPLES_MOST * sample_bytes;
}

static int64_t threads_bytes(const struct tr_machine *machine, const struct tr_group *group) {
    int64_t each = THREAD_BYTES;
    if (machine->settings.thp && !strcmp(machine->settings.thp, "always"))
        each += HUGE_BYTES;
    if (!group->run)
        each += (int64_t)(sizeof(struct tr_worker) + group->n_steps * sizeof(struct tr_dose));
    return each * group->crew.n_threads;
}

/* Slices are what the operations walk over; vectors and results of products are not. */
static bool is_slice(const struct tr_group *group, int array) {
    for (size_t i = 0; i < group->n_steps; i++)
        if (tr_op_uses(group->steps[i].kernel->op, array))
            return true;
    return false;
}

/* One operand of one thread, as run.c maps it. */
static int64_t array_bytes(const struct tr_group *group, int array) {
    int64_t bytes = tr_array_bytes(group, array);
    size_t skew = tr_array_skew(array, TR_SKEWS - 1);
    return bytes ? (int64_t)tr_buffer_bytes((size_t)bytes + skew, group->pages) : 0;
}

int64_t tr_group_fixed_bytes(const struct tr_machine *machine, const struct tr_group *group) {
    int64_t arrays = 0;
    for (int array = 0; !group->run && array < TR_ARRAYS; array++)
        if (!is_slice(group, array))
            arrays += array_bytes(group, array);
    return threads_bytes(machine, group) + arrays * group->crew.n_threads +
           series_bytes(group->n_steps);
}

/* A thread's slices: of the usual runner its operands, of others one buffer. */
static int64_t slices_bytes(const struct tr_group *group) {
    int64_t bytes = 0;
    for (int array = 0; !group->run && array < TR_ARRAYS; array++)
        if (is_slice(group, array))
            bytes += array_bytes(group, array);
    for (size_t i = 0; group->run && i < group->n_steps; i++)
        if (group->steps[i].slice_bytes > bytes)
            bytes = group->steps[i].slice_bytes;
    if (group->run && bytes)
        bytes = (int64_t)tr_buffer_bytes((size_t)bytes, group->pages) +
                bytes / BYTES_A_SUM * (int64_t)sizeof(uint64_t);
    return bytes;
}

int64_t tr_plan_memory_bytes(const struct tr_machine *machine, const struct tr_plan *plan) {
    int64_t most = 0, kept = 0;
    for (size_t g = 0; g < plan->n_groups; g++) {
        const struct tr_group *group = &plan->groups[g];
        int64_t bytes =
            tr_group_fixed_bytes(machine, group) + slices_bytes(group) * group->crew.n_threads;
        most = bytes > most ? bytes : most;
        for (size_t i = 0; i < group->n_steps; i++)
            if (group->steps[i].result == TR_RESULT_MEASUREMENT)
                kept += series_bytes(1);
    }
    return most + kept;
}
