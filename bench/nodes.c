/* The node x node matrix: all cores of one node read from another node's memory. Nodes without CPUs
 * have a column only, nodes without memory a row only. */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

#include "strbuf.h"
#include "tokenroof/calibration.h"

static int add_cell(struct tr_plan_builder *builder, const struct tr_bench *bench, size_t target,
                    size_t row, size_t column, struct tr_err *reterr) {
    const struct tr_machine *machine = builder->machine;
    struct tr_bench_request request = {.machine = machine, .isa_cap = builder->options->isa_cap};
    struct tr_cpulist memory = {0};
    struct tr_plan_options options = *builder->options;
    struct tr_crew crew = {0};
    struct tr_step *step = calloc(1, sizeof(*step));
    int code = step ? tr_cpulist_add(&memory, machine->nodes[column].index) : TR_ENOMEM;
    options.memory_nodes = &memory;
    if (!code)
        code = tr_crew_make(machine, TR_PLACE_NODE, machine->nodes[row].index, &options, 0, &crew,
                            reterr);
    tr_cpulist_finish(&memory);
    if (code) {
        free(step);
        return code == TR_EUNAVAILABLE ? 0 : code; /* no core of the node may be used */
    }
    *step = (struct tr_step){.kernel = tr_bench_best(&request, "read_plain"),
                             .fastest_form = true,
                             .shape = TR_NO_SHAPE,
                             .result = TR_RESULT_CELL,
                             .target = target,
                             .row = row,
                             .column = column};
    return tr_plan_add_group(builder, bench, &crew, step, 1, bench->seconds_per_kernel, NULL,
                             reterr);
}

int tr_bench_nodes(struct tr_plan_builder *builder, const struct tr_bench *bench,
                   struct tr_err *reterr) {
    const struct tr_machine *machine = builder->machine;
    size_t n = machine->n_nodes, target = 0;
    int code = 0;
    if (n < 2)
        return 0;
    struct tr_matrix *matrix = tr_plan_add_matrix(builder, "node_read", "node", n, &target);
    if (!matrix)
        return TR_ENOMEM;
    for (size_t i = 0; i < n; i++)
        matrix->row_ids[i] = matrix->column_ids[i] = machine->nodes[i].index;
    for (size_t row = 0; row < n && !code; row++)
        for (size_t column = 0; column < n && !code; column++)
            if (machine->nodes[row].cpus.n && machine->nodes[column].memory_bytes != 0)
                code = add_cell(builder, bench, target, row, column, reterr);
    return code;
}
