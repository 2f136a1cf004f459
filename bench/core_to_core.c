/* Core to core: how long a cache line takes from one core to another, for all pairs, or for all
 * pairs of some cores of each L3 group where there are many. Row: the core on whose node the line
 * is, and which begins. */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

#include "run_latency.h"
#include "tokenroof/calibration.h"

enum { MOST_CORES = 64 };

static const struct tr_op op_core_to_core = {
    .name = "core_to_core", .what = "a cache line from core to core", .kind = TR_KIND_SYNC};
static const struct tr_kernel kernel_core_to_core = {
    .id = "core_to_core", .isa = "scalar", .op = &op_core_to_core, .streams = 1};

static size_t core_of_cpu(const struct tr_machine *machine, int cpu) {
    size_t i = 0;
    while (i + 1 < machine->n_cores && !tr_cpulist_has(&machine->cores[i].cpus, cpu))
        i++;
    return i;
}

/* The n-th of `wanted` cores at even distances among `all`. */
static bool is_chosen(size_t n, size_t all, size_t wanted) {
    return wanted >= all || (n * wanted) % all < wanted;
}

/* Keeps of the crew's CPUs as many as may be measured: the same number of each L3 group, evenly,
 * and of the groups as many as leave two cores of each. Returns how many of a group; 0: all. */
static size_t thin_out(const struct tr_machine *machine, struct tr_crew *crew) {
    size_t groups = machine->n_l3_groups ? machine->n_l3_groups : 1, n = 0;
    size_t wanted_groups = groups < MOST_CORES / 2 ? groups : MOST_CORES / 2;
    size_t wanted = MOST_CORES / wanted_groups;
    if (crew->n_threads <= MOST_CORES)
        return 0;
    size_t *seen = calloc(groups, sizeof(*seen)), *size = calloc(groups, sizeof(*size));
    for (int pass = 0; seen && size && pass < 2; pass++)
        for (int i = 0; i < crew->n_threads; i++) {
            int group = machine->cores[core_of_cpu(machine, crew->cpus[i])].l3_group;
            size_t at = group >= 0 && (size_t)group < groups ? (size_t)group : 0;
            if (pass == 0)
                size[at]++;
            else if (is_chosen(at, groups, wanted_groups) &&
                     is_chosen(seen[at]++, size[at], wanted))
                crew->cpus[n++] = crew->cpus[i];
        }
    free(seen);
    free(size);
    crew->n_threads = n > MOST_CORES ? MOST_CORES : (int)n;
    return wanted;
}

/* Cores of the machine, or of the selection, thinned out; a note says so. */
static int choose_cores(struct tr_plan_builder *builder, struct tr_crew *ret_crew,
                        struct tr_err *reterr) {
    struct tr_crew all = {0};
    int code =
        tr_crew_make(builder->machine, TR_PLACE_MACHINE, 0, builder->options, 0, &all, reterr);
    if (code)
        return code;
    int cores = all.n_threads;
    size_t of_each = thin_out(builder->machine, &all);
    if (all.n_threads < cores)
        code =
            tr_strings_add(builder->notes,
                           "Core to core: %d of %d cores are paired, at most %zu of an L3 group. "
                           "Others: tokenroof measure --kernel core_to_core --cpus LIST",
                           all.n_threads, cores, of_each);
    if (!code)
        code = tr_crew_of_cpus(builder->machine, all.cpus, all.n_threads, -1, ret_crew, reterr);
    tr_crew_finish(&all);
    return code;
}

static struct tr_step *make_steps(size_t cores, size_t target, size_t *ret_n) {
    struct tr_step *steps = calloc(cores * cores + 1, sizeof(*steps));
    size_t n = 0;
    for (size_t row = 0; steps && row < cores; row++)
        for (size_t column = 0; column < cores; column++)
            if (row != column)
                steps[n++] = (struct tr_step){.kernel = &kernel_core_to_core,
                                              .shape = TR_NO_SHAPE,
                                              .result = TR_RESULT_CELL,
                                              .target = target,
                                              .row = row,
                                              .column = column};
    *ret_n = n;
    return steps;
}

int tr_bench_core_to_core(struct tr_plan_builder *builder, const struct tr_bench *bench,
                          struct tr_err *reterr) {
    const struct tr_machine *machine = builder->machine;
    struct tr_crew crew = {0};
    struct tr_group *group = NULL;
    size_t target, n;
    int usable = 0, code = tr_bench_cores(builder, TR_PLACE_MACHINE, 0, &usable, reterr);
    if (!code && usable < 2)
        return tr_bench_needs_two(builder, bench);
    if (!code)
        code = choose_cores(builder, &crew, reterr);
    if (code)
        return code;
    size_t cores = (size_t)crew.n_threads;
    struct tr_matrix *matrix = tr_plan_add_matrix(builder, "core_to_core", "core", cores, &target);
    if (!matrix) {
        tr_crew_finish(&crew);
        return TR_ENOMEM;
    }
    for (size_t i = 0; i < cores; i++)
        matrix->row_ids[i] = matrix->column_ids[i] =
            machine->cores[core_of_cpu(machine, crew.cpus[i])].index;
    struct tr_step *steps = make_steps(cores, target, &n);
    code = tr_plan_add_group(builder, bench, &crew, steps, n, bench->seconds_per_kernel * (double)n,
                             &group, reterr);
    if (code)
        return code;
    group->run = tr_run_pairs;
    group->metric = "latency";
    group->unit = "ns";
    return 0;
}
