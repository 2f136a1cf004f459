/* The roof line as measured: FLOP/s against FLOP per byte loaded, 1/8 to 128, from memory and from
 * the first-level cache, with all cores. Its corner is where the two meet, not a quotient of two
 * peaks that are never reached together. */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

#include "tokenroof/calibration.h"

static const int64_t in_cache_bytes = 16384;
static const double sample_ns = 10e6;

/* A sample is at least one pass over the slice: intensities at which that would take longer than
 * some 0.25 s of multiply-adds at full speed are left to the curve in L1, which has them all. */
static const double most_flop_a_pass = 2.5e10;

/* One row of each intensity, the best that is available here, lowest first. */
static size_t fill_steps(const struct tr_plan_builder *builder, int64_t slice_bytes, size_t target,
                         struct tr_step *steps) {
    struct tr_bench_request request = {.machine = builder->machine,
                                       .isa_cap = builder->options->isa_cap};
    size_t n_rows, n = 0;
    const struct tr_kernel *rows = tr_kernels(&n_rows);
    for (size_t i = 0; i < n_rows; i++)
        if (rows[i].op->kind == TR_KIND_ROOF && &rows[i] == tr_bench_best(&request, rows[i].id) &&
            (double)slice_bytes / 8 * tr_kernel_flop(&rows[i]) <= most_flop_a_pass)
            steps[n++] = (struct tr_step){
                .kernel = &rows[i],
                .shape = TR_NO_SHAPE,
                .slice_bytes = slice_bytes,
                .result = TR_RESULT_POINT,
                .target = target,
                .x = tr_kernel_flop(&rows[i]) / tr_kernel_nominal_bytes(&rows[i]),
            };
    return n;
}

static int add_curve(struct tr_plan_builder *builder, const struct tr_bench *bench,
                     const char *from, int64_t slice_bytes, struct tr_err *reterr) {
    struct tr_crew crew = {0};
    struct tr_group *group = NULL;
    size_t target = 0, n_rows;
    tr_kernels(&n_rows);
    int code = tr_bench_crew(builder, TR_PLACE_MACHINE, 0, &crew, reterr);
    if (code)
        return code;
    struct tr_step *steps = calloc(n_rows, sizeof(*steps));
    struct tr_plan_curve *curve =
        tr_plan_add_curve(builder, "roofline", "flop_per_byte", "FLOP/byte", &target);
    if (curve)
        curve->curve.variant = strdup(from);
    if (!steps || !curve || !curve->curve.variant ||
        tr_plan_place(builder->machine, &crew, &curve->curve.place)) {
        free(steps);
        tr_crew_finish(&crew);
        return TR_ENOMEM;
    }
    curve->curve.threads = crew.n_threads;
    slice_bytes =
        slice_bytes ? tr_slice_round(slice_bytes) : tr_plan_slice_by_rule(builder, &crew, 1);
    size_t n = fill_steps(builder, slice_bytes, target, steps);
    code = tr_plan_add_group(builder, bench, &crew, steps, n, bench->seconds_per_kernel * (double)n,
                             &group, reterr);
    if (!code)
        group->sample_ns = sample_ns;
    return code;
}

int tr_bench_roofline(struct tr_plan_builder *builder, const struct tr_bench *bench,
                      struct tr_err *reterr) {
    int code = add_curve(builder, bench, "from memory", 0, reterr);
    return code ? code : add_curve(builder, bench, "in L1", in_cache_bytes, reterr);
}
