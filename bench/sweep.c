/* Bandwidth against working set, from 4 KiB a thread to memory: where the caches end is found on
 * the curve, not assumed. One thread and all of them; the plain forms, which prefetch nothing by
 * themselves and walk once. */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

#include "marks.h"
#include "tokenroof/calibration.h"

static const int64_t smallest_slice = 4096;
static const double sample_ns = 6e6;

/* Slices, `per_octave` an octave up to `largest`, whole lines of all parts; none so near to the
 * largest that it would be measured twice. */
static size_t make_slices(int64_t largest, int per_octave, int64_t **ret_slices) {
    size_t n = 0;
    int64_t *slices = calloc(64 * (size_t)per_octave, sizeof(*slices));
    for (int64_t octave = smallest_slice; slices && octave < largest; octave *= 2)
        for (int i = 0; i < per_octave; i++) {
            int64_t slice = (octave + octave * i / per_octave) / 512 * 512;
            if (slice < largest / 10 * 9)
                slices[n++] = slice;
        }
    if (slices)
        slices[n++] = largest;
    *ret_slices = slices;
    return n;
}

/* `crew` becomes the plan's, on failure too. */
static int add_curve(struct tr_plan_builder *builder, const struct tr_bench *bench, const char *id,
                     struct tr_crew *crew, struct tr_err *reterr) {
    struct tr_bench_request request = {.machine = builder->machine,
                                       .isa_cap = builder->options->isa_cap};
    const struct tr_kernel *kernel = tr_bench_best(&request, id);
    int per_octave = builder->options->effort == TR_EFFORT_FULL ? 4 : 2;
    struct tr_step *steps = NULL;
    struct tr_group *group = NULL;
    int64_t *slices = NULL;
    size_t target = 0;
    int n_threads = crew->n_threads;
    int64_t largest = tr_plan_slice_by_rule(builder, crew, kernel->op->arrays);
    size_t n = make_slices(largest, per_octave, &slices);
    struct tr_plan_curve *curve =
        tr_plan_add_curve(builder, "sweep", "working_set_bytes", "bytes", &target);
    steps = calloc(n + 1, sizeof(*steps));
    if (!slices || !steps || !curve || tr_plan_place(builder->machine, crew, &curve->curve.place)) {
        free(slices);
        free(steps);
        tr_crew_finish(crew);
        return TR_ENOMEM;
    }
    curve->mark = tr_mark_levels;
    curve->curve.threads = n_threads;
    for (size_t i = 0; i < n; i++)
        steps[i] = (struct tr_step){
            .kernel = kernel,
            .slice_bytes = slices[i],
            .shape = TR_NO_SHAPE,
            .result = TR_RESULT_POINT,
            .target = target,
            .x = (double)(slices[i] * n_threads * kernel->op->arrays),
        };
    free(slices);
    int code = tr_plan_add_group(builder, bench, crew, steps, n,
                                 bench->seconds_per_kernel * (double)n, &group, reterr);
    if (!code)
        group->sample_ns = sample_ns;
    return code;
}

/* One thread and all of the machine, or all of a smaller place. */
static int add_place(struct tr_plan_builder *builder, const struct tr_bench *bench,
                     enum tr_place_kind kind, int index, struct tr_err *reterr) {
    static const char *const ids[] = {"read_plain", "copy_plain", "triad_plain"};
    size_t n_ids = builder->options->effort == TR_EFFORT_FULL ? 3 : 1;
    int cores = 0, code = tr_bench_cores(builder, kind, index, &cores, reterr);
    for (size_t i = 0; i < n_ids; i++) {
        struct tr_crew crew = {0};
        if (!code && kind == TR_PLACE_MACHINE && cores > 1) {
            code = tr_crew_make(builder->machine, kind, index, builder->options, 1, &crew, reterr);
            if (!code)
                code = add_curve(builder, bench, ids[i], &crew, reterr);
        }
        if (!code)
            code = tr_bench_crew(builder, kind, index, &crew, reterr);
        if (!code)
            code = add_curve(builder, bench, ids[i], &crew, reterr);
    }
    return code;
}

int tr_bench_sweep(struct tr_plan_builder *builder, const struct tr_bench *bench,
                   struct tr_err *reterr) {
    return tr_bench_each_place(builder, bench, add_place, reterr);
}
