/* All hardware threads of each core at once, beside the usual one thread a core: what SMT brings to
 * reading and to FMA. */
#include "bench.h"

#include <stdlib.h>

#include "tokenroof/calibration.h"

/* All hardware threads that may be used, core by core; returns of how many cores they are. */
static int threads_of_cores(const struct tr_plan_builder *builder, int *ret_cpus, int *ret_n) {
    const struct tr_machine *machine = builder->machine;
    const struct tr_cpulist *selected = builder->options->cpus;
    int cores = 0, n = 0;
    for (size_t i = 0; i < machine->n_cores; i++) {
        const struct tr_cpulist *cpus = &machine->cores[i].cpus;
        int before = n;
        for (size_t k = 0; k < cpus->n; k++)
            if (tr_cpulist_has(&machine->allowed_cpus, cpus->ids[k]) &&
                (!selected || tr_cpulist_has(selected, cpus->ids[k])))
                ret_cpus[n++] = cpus->ids[k];
        cores += n > before;
    }
    *ret_n = n;
    return cores;
}

int tr_bench_smt(struct tr_plan_builder *builder, const struct tr_bench *bench,
                 struct tr_err *reterr) {
    const struct tr_machine *machine = builder->machine;
    const struct tr_plan_options *options = builder->options;
    struct tr_bench_request request = {.machine = machine, .isa_cap = options->isa_cap};
    struct tr_crew crew = {0};
    int *cpus = calloc(machine->allowed_cpus.n + 1, sizeof(*cpus));
    struct tr_step *steps = calloc(2, sizeof(*steps));
    int n = 0, code = cpus && steps ? 0 : TR_ENOMEM;
    /* Else there is no SMT, or it is off, or a quota stops so many threads. */
    if (!code && threads_of_cores(builder, cpus, &n) < n && !(machine->environment.cpu_quota < n))
        code = tr_crew_of_cpus(machine, cpus, n, -1, &crew, reterr);
    free(cpus);
    if (code || !crew.n_threads) {
        free(steps);
        return code ? code
                    : tr_bench_left_out(builder, bench,
                                        "no core has two hardware threads that may both be used");
    }
    steps[0] = (struct tr_step){.kernel = tr_bench_best(&request, "read_plain"),
                                .fastest_form = true,
                                .shape = TR_NO_SHAPE};
    steps[1] = (struct tr_step){.kernel = tr_bench_best(&request, "fma_f64"), .shape = TR_NO_SHAPE};
    return tr_plan_add_group(builder, bench, &crew, steps, 2, bench->seconds_per_kernel * 2, NULL,
                             reterr);
}
