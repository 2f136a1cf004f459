/* Loaded latency: one thread chases through memory, all others read from it with pauses, from none
 * at all to so long ones that hardly anything is read. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "marks.h"
#include "run_latency.h"
#include "tokenroof/calibration.h"

/* Cycles after each 4 KiB; -1: the others do nothing. A core that reads 20 GB/s takes 800 cycles
 * for as much at 4 GHz. */
static const int64_t pauses[] = {-1,   100000, 50000, 25000, 12800, 6400, 4800, 3200,
                                 2400, 1600,   1200,  800,   400,   200,  100,  0};
enum { PAUSES = sizeof(pauses) / sizeof(pauses[0]) };

/* The chaser's lines must come from memory by themselves, the others' slices too. */
static int64_t slice_bytes(const struct tr_plan_builder *builder, const struct tr_crew *all,
                           struct tr_err *reterr) {
    struct tr_crew alone = {0};
    int64_t bytes = tr_plan_slice_by_rule(builder, all, 1);
    if (builder->options->size_bytes)
        return bytes / 4096 * 4096;
    if (!tr_crew_of_cpus(builder->machine, all->cpus, 1, -1, &alone, reterr)) {
        int64_t own = tr_plan_slice_by_rule(builder, &alone, 1);
        bytes = own > bytes ? own : bytes;
    }
    tr_crew_finish(&alone);
    return bytes / 4096 * 4096;
}

static struct tr_step *make_steps(const struct tr_kernel *load, int64_t bytes, size_t target) {
    struct tr_step *steps = calloc(PAUSES, sizeof(*steps));
    for (size_t i = 0; steps && i < PAUSES; i++)
        steps[i] = (struct tr_step){.kernel = tr_kernel_find("chase_1", "scalar"),
                                    .slice_bytes = bytes,
                                    .load = load,
                                    .load_pause_cycles = pauses[i],
                                    .shape = TR_NO_SHAPE,
                                    .result = TR_RESULT_POINT,
                                    .target = target};
    return steps;
}

static int add_curve(struct tr_plan_builder *builder, const struct tr_crew *crew,
                     const struct tr_kernel *load, size_t *ret_target) {
    char variant[80];
    struct tr_plan_curve *curve =
        tr_plan_add_curve(builder, "loaded_latency", "injected_gb_s", "GB/s", ret_target);
    if (!curve || tr_plan_place(builder->machine, crew, &curve->curve.place))
        return TR_ENOMEM;
    snprintf(variant, sizeof(variant), "load: %s %s", load->id, load->isa);
    curve->curve.variant = strdup(variant);
    curve->curve.threads = crew->n_threads;
    curve->mark = tr_mark_knee;
    return curve->curve.variant ? 0 : TR_ENOMEM;
}

int tr_bench_loaded_latency(struct tr_plan_builder *builder, const struct tr_bench *bench,
                            struct tr_err *reterr) {
    struct tr_bench_request request = {.machine = builder->machine,
                                       .isa_cap = builder->options->isa_cap};
    const struct tr_kernel *load = tr_bench_best(&request, "read_plain");
    struct tr_crew crew = {0};
    struct tr_group *group = NULL;
    size_t target;
    int cores = 0, code = tr_bench_cores(builder, TR_PLACE_MACHINE, 0, &cores, reterr);
    if (!load)
        return tr_err_set(reterr, TR_EFAIL, "no kernel to load the memory with");
    if (!code && cores < 2)
        return tr_bench_needs_two(builder, bench);
    if (!code)
        code = tr_crew_make(builder->machine, TR_PLACE_MACHINE, 0, builder->options, cores, &crew,
                            reterr);
    if (code)
        return code;
    code = add_curve(builder, &crew, load, &target);
    if (code) {
        tr_crew_finish(&crew);
        return code;
    }
    struct tr_step *steps = make_steps(load, slice_bytes(builder, &crew, reterr), target);
    code = tr_plan_add_group(builder, bench, &crew, steps, PAUSES,
                             bench->seconds_per_kernel * PAUSES, &group, reterr);
    if (code)
        return code;
    group->run = tr_run_loaded_latency;
    group->metric = "latency";
    group->unit = "ns";
    return 0;
}
