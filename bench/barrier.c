/* What it costs threads to meet, against their number: this program's spinning barrier and that of
 * the OpenMP runtime. Inference meets several times a layer. */
#include "bench.h"

#include <stdlib.h>

#include "run_latency.h"
#include "tokenroof/calibration.h"

static const struct tr_op op_barrier = {
    .name = "barrier", .what = "threads wait for each other", .kind = TR_KIND_SYNC};
static const struct tr_kernel kernel_barrier = {
    .id = "barrier", .isa = "scalar", .op = &op_barrier, .streams = 1};

static const char *const variants[] = {"own", "openmp"};
enum { VARIANTS = 2 };

/* Points of the curves; at all threads also the figures that stand for themselves. */
static int add_count(struct tr_plan_builder *builder, const struct tr_bench *bench,
                     const size_t targets[VARIANTS], int n, int cores, struct tr_err *reterr) {
    struct tr_crew crew = {0};
    struct tr_group *group = NULL;
    struct tr_step *steps = calloc(2 * VARIANTS, sizeof(*steps));
    size_t n_steps = 0;
    int code =
        tr_crew_make(builder->machine, TR_PLACE_MACHINE, 0, builder->options, n, &crew, reterr);
    if (code) {
        free(steps);
        return code;
    }
    for (size_t i = 0; steps && i < VARIANTS; i++) {
        struct tr_step step = {.kernel = &kernel_barrier,
                               .variant = variants[i],
                               .shape = TR_NO_SHAPE,
                               .result = TR_RESULT_POINT,
                               .target = targets[i],
                               .x = n};
        steps[n_steps++] = step;
        step.result = TR_RESULT_MEASUREMENT;
        if (n == cores)
            steps[n_steps++] = step;
    }
    code = tr_plan_add_group(builder, bench, &crew, steps, n_steps,
                             bench->seconds_per_kernel * (double)n_steps, &group, reterr);
    if (code)
        return code;
    group->run = tr_run_barriers;
    group->metric = "sync";
    group->unit = "ns";
    return 0;
}

/* Empty curves, one a kind of barrier. */
static int add_curves(struct tr_plan_builder *builder, int cores, size_t targets[VARIANTS],
                      struct tr_err *reterr) {
    struct tr_crew all = {0};
    int code =
        tr_crew_make(builder->machine, TR_PLACE_MACHINE, 0, builder->options, cores, &all, reterr);
    for (size_t i = 0; i < VARIANTS && !code; i++) {
        struct tr_plan_curve *curve =
            tr_plan_add_curve(builder, "barrier", "threads", "1", &targets[i]);
        code = curve ? tr_plan_place(builder->machine, &all, &curve->curve.place) : TR_ENOMEM;
    }
    tr_crew_finish(&all);
    return code;
}

int tr_bench_barrier(struct tr_plan_builder *builder, const struct tr_bench *bench,
                     struct tr_err *reterr) {
    size_t targets[VARIANTS];
    int cores = 0, code = tr_bench_cores(builder, TR_PLACE_MACHINE, 0, &cores, reterr);
    if (!code && cores < 2)
        return tr_bench_needs_two(builder, bench);
    if (!code)
        code = add_curves(builder, cores, targets, reterr);
    for (int n = 2; n < cores && !code; n *= 2)
        code = add_count(builder, bench, targets, n, cores, reterr);
    return code ? code : add_count(builder, bench, targets, cores, cores, reterr);
}
