/* Thread scaling: read from memory and FMA at 1, 2, 3, 4, 6, 8, 12, 16, ... threads up to all
 * cores, placed so that each thread adds most (crew.c), and the knee of each curve. */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

#include "marks.h"
#include "tokenroof/calibration.h"

/* 1, 2, 3, 4, 6, 8, 12, ...: two numbers an octave. */
static int next_count(int n) {
    if (n < 4)
        return n + 1;
    bool power = (n & (n - 1)) == 0;
    return power ? n + n / 2 : n / 3 * 4;
}

struct curves {
    size_t read, fma;
};

static int add_curves(struct tr_plan_builder *builder, struct curves *ret_curves) {
    size_t *targets[] = {&ret_curves->read, &ret_curves->fma};
    for (size_t i = 0; i < 2; i++) {
        struct tr_plan_curve *curve =
            tr_plan_add_curve(builder, "scaling", "threads", "1", targets[i]);
        if (!curve)
            return TR_ENOMEM;
        curve->mark = tr_mark_knee;
    }
    return 0;
}

static int add_count(struct tr_plan_builder *builder, const struct tr_bench *bench,
                     const struct curves *curves, int n, int cores, struct tr_err *reterr) {
    struct tr_bench_request request = {.machine = builder->machine,
                                       .isa_cap = builder->options->isa_cap};
    struct tr_crew crew = {0};
    struct tr_step *steps = calloc(2, sizeof(*steps));
    if (!steps)
        return TR_ENOMEM;
    const struct tr_step step = {.result = TR_RESULT_POINT, .x = n, .shape = TR_NO_SHAPE};
    steps[0] = steps[1] = step;
    steps[0].kernel = tr_bench_best(&request, "read_plain");
    steps[0].fastest_form = true;
    steps[0].target = curves->read;
    steps[1].kernel = tr_bench_best(&request, "fma_f64");
    steps[1].target = curves->fma;
    int code = n == cores ? tr_bench_crew(builder, TR_PLACE_MACHINE, 0, &crew, reterr)
                          : tr_crew_make(builder->machine, TR_PLACE_MACHINE, 0, builder->options, n,
                                         &crew, reterr);
    if (code) {
        free(steps);
        return code;
    }
    return tr_plan_add_group(builder, bench, &crew, steps, 2, bench->seconds_per_kernel * 2, NULL,
                             reterr);
}

int tr_bench_scaling(struct tr_plan_builder *builder, const struct tr_bench *bench,
                     struct tr_err *reterr) {
    struct curves curves;
    int cores = 0, code = tr_bench_cores(builder, TR_PLACE_MACHINE, 0, &cores, reterr);
    if (code)
        return code;
    if (cores < 2)
        return 0; /* the plan says that scaling is left out */
    code = add_curves(builder, &curves);
    for (int n = 1; !code && n < cores; n = next_count(n))
        code = add_count(builder, bench, &curves, n, cores, reterr);
    return code ? code : add_count(builder, bench, &curves, cores, cores, reterr);
}
