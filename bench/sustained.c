/* Sustained rates: reading and FMA at all threads after a minute of load each, when the power
 * limit's window (28 to 56 s on most parts) has passed. */
#include "bench.h"

#include <stdlib.h>

#include "tokenroof/calibration.h"

static const double load_s = 60;

static int add(struct tr_plan_builder *builder, const struct tr_bench *bench, const char *id,
               struct tr_err *reterr) {
    struct tr_bench_request request = {.machine = builder->machine,
                                       .isa_cap = builder->options->isa_cap};
    struct tr_crew crew = {0};
    struct tr_group *group = NULL;
    struct tr_step *step = calloc(1, sizeof(*step));
    if (!step)
        return TR_ENOMEM;
    *step = (struct tr_step){
        .kernel = tr_bench_best(&request, id), .fastest_form = true, .shape = TR_NO_SHAPE};
    int code = tr_bench_crew(builder, TR_PLACE_MACHINE, 0, &crew, reterr);
    if (code) {
        free(step);
        return code;
    }
    code = tr_plan_add_group(builder, bench, &crew, step, 1, bench->seconds_per_kernel, &group,
                             reterr);
    if (!code)
        group->warm_up_s = load_s;
    return code;
}

int tr_bench_sustained(struct tr_plan_builder *builder, const struct tr_bench *bench,
                       struct tr_err *reterr) {
    int code = add(builder, bench, "read_plain", reterr);
    return code ? code : add(builder, bench, "fma_f64", reterr);
}
