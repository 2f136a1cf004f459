/* The node x node matrices: all cores of one node read from another node's memory; one core of it
 * chases through that memory. Nodes without CPUs have a column only, nodes without memory a row
 * only. */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

#include "chase.h"
#include "run_latency.h"
#include "strbuf.h"
#include "tokenroof/calibration.h"

/* The cores of node `row` that work, and node `column` as the place of all their memory; no threads
 * where no core of the node may be used. */
static int make_crew(const struct tr_plan_builder *builder, size_t row, size_t column,
                     int n_threads, struct tr_crew *ret_crew, struct tr_err *reterr) {
    const struct tr_machine *machine = builder->machine;
    struct tr_plan_options options = *builder->options;
    struct tr_cpulist memory = {0};
    int code = tr_cpulist_add(&memory, machine->nodes[column].index);
    options.memory_nodes = &memory;
    struct tr_plan_builder to_memory = *builder;
    to_memory.options = &options;
    if (!code && n_threads)
        code = tr_crew_make(machine, TR_PLACE_NODE, machine->nodes[row].index, &options, n_threads,
                            ret_crew, reterr);
    else if (!code)
        code =
            tr_bench_crew(&to_memory, TR_PLACE_NODE, machine->nodes[row].index, ret_crew, reterr);
    tr_cpulist_finish(&memory);
    return code == TR_EUNAVAILABLE ? 0 : code;
}

static int add_cell(struct tr_plan_builder *builder, const struct tr_bench *bench, bool latency,
                    const struct tr_step *cell, struct tr_err *reterr) {
    struct tr_bench_request request = {.machine = builder->machine,
                                       .isa_cap = builder->options->isa_cap};
    struct tr_crew crew = {0};
    struct tr_group *group = NULL;
    int code = make_crew(builder, cell->row, cell->column, latency ? 1 : 0, &crew, reterr);
    if (code || !crew.n_threads)
        return code;
    struct tr_step *step = malloc(sizeof(*step));
    if (!step) {
        tr_crew_finish(&crew);
        return TR_ENOMEM;
    }
    *step = *cell;
    step->kernel =
        latency ? tr_kernel_find("chase_1", "scalar") : tr_bench_best(&request, "read_plain");
    step->fastest_form = !latency;
    if (latency)
        step->slice_bytes = tr_bench_chase_bytes(builder, &crew) / TR_LINE_BYTES * TR_LINE_BYTES;
    code = tr_plan_add_group(builder, bench, &crew, step, 1, bench->seconds_per_kernel, &group,
                             reterr);
    if (code || !latency)
        return code;
    group->run = tr_run_latency;
    group->metric = "latency";
    group->unit = "ns";
    return 0;
}

static int add_matrix(struct tr_plan_builder *builder, const struct tr_bench *bench, bool latency,
                      struct tr_err *reterr) {
    const struct tr_machine *machine = builder->machine;
    struct tr_step cell = {.shape = TR_NO_SHAPE, .result = TR_RESULT_CELL};
    size_t n = machine->n_nodes;
    int code = 0;
    struct tr_matrix *matrix = tr_plan_add_matrix(builder, latency ? "node_latency" : "node_read",
                                                  "node", n, &cell.target);
    if (!matrix)
        return TR_ENOMEM;
    for (size_t i = 0; i < n; i++)
        matrix->row_ids[i] = matrix->column_ids[i] = machine->nodes[i].index;
    for (cell.row = 0; cell.row < n; cell.row++)
        for (cell.column = 0; cell.column < n && !code; cell.column++)
            if (machine->nodes[cell.row].cpus.n && machine->nodes[cell.column].memory_bytes != 0)
                code = add_cell(builder, bench, latency, &cell, reterr);
    return code;
}

int tr_bench_nodes(struct tr_plan_builder *builder, const struct tr_bench *bench,
                   struct tr_err *reterr) {
    if (builder->machine->n_nodes < 2)
        return tr_bench_left_out(builder, bench, "one node alone has no other's memory to reach");
    int code = add_matrix(builder, bench, false, reterr);
    return code ? code : add_matrix(builder, bench, true, reterr);
}
