/* Each core, CCD, NUMA node and package alone: its read bandwidth and FMA rate, so that a weak part
 * stands out. Kinds of which the machine has but one are the machine's own figure. */
#include "bench.h"

#include <stdlib.h>

#include "strbuf.h"
#include "tokenroof/calibration.h"

static int add_place(struct tr_plan_builder *builder, const struct tr_bench *bench,
                     enum tr_place_kind kind, int index, struct tr_err *reterr) {
    struct tr_bench_request request = {.machine = builder->machine,
                                       .isa_cap = builder->options->isa_cap};
    struct tr_crew crew = {0};
    struct tr_step *steps = NULL;
    int code = tr_bench_crew(builder, kind, index, &crew, reterr);
    if (code == TR_EUNAVAILABLE) /* no core of it may be used, or it has memory alone */
        return 0;
    if (code)
        return code;
    steps = calloc(2, sizeof(*steps));
    if (!steps) {
        tr_crew_finish(&crew);
        return TR_ENOMEM;
    }
    steps[0] = (struct tr_step){.kernel = tr_bench_best(&request, "read_plain"),
                                .fastest_form = true,
                                .shape = TR_NO_SHAPE};
    steps[1] = (struct tr_step){.kernel = tr_bench_best(&request, "fma_f64"), .shape = TR_NO_SHAPE};
    return tr_plan_add_group(builder, bench, &crew, steps, 2, bench->seconds_per_kernel * 2, NULL,
                             reterr);
}

/* Kinds whose places are the same cores as those of a larger kind are left out. */
static bool worth_it(const struct tr_machine *machine, enum tr_place_kind kind) {
    size_t n = tr_place_count(machine, kind);
    if (n < 2)
        return false;
    if (kind == TR_PLACE_PACKAGE)
        return n != tr_place_count(machine, TR_PLACE_NODE);
    if (kind == TR_PLACE_CCD)
        return n != tr_place_count(machine, TR_PLACE_NODE) &&
               n != tr_place_count(machine, TR_PLACE_CORE);
    return true;
}

int tr_bench_places(struct tr_plan_builder *builder, const struct tr_bench *bench,
                    struct tr_err *reterr) {
    static const enum tr_place_kind kinds[] = {TR_PLACE_PACKAGE, TR_PLACE_NODE, TR_PLACE_CCD,
                                               TR_PLACE_CORE};
    const struct tr_machine *machine = builder->machine;
    int code = 0;
    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
        for (size_t i = 0;
             worth_it(machine, kinds[k]) && i < tr_place_count(machine, kinds[k]) && !code; i++)
            code =
                add_place(builder, bench, kinds[k], tr_place_index(machine, kinds[k], i), reterr);
    return code;
}
