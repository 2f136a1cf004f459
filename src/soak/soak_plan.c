#include "soak_plan.h"

#include <math.h>
#include <stdlib.h>

#include "health.h"

/* A slice is whole huge pages where it has some, else whole pages. */
static const int64_t huge_bytes = 2 << 20, page_bytes = 4096;

int64_t tr_soak_reserve_bytes(int64_t available) {
    int64_t least = (int64_t)512 << 20, share = available / 32;
    int64_t reserve = share > least ? share : least;
    return reserve < available / 2 ? reserve : available / 2;
}

static bool has_memory(const struct tr_numa_node *node) {
    return node->memory_bytes > 0;
}

/* Nodes to test, with what is free on each as tested_bytes. */
static int choose_nodes(const struct tr_machine *machine, const struct tr_soak_options *options,
                        struct tr_soak_plan *plan, struct tr_err *reterr) {
    plan->nodes = calloc(machine->n_nodes + 1, sizeof(*plan->nodes));
    if (!plan->nodes)
        return TR_ENOMEM;
    for (size_t i = 0; i < machine->n_nodes; i++) {
        const struct tr_numa_node *node = &machine->nodes[i];
        if (!has_memory(node) || (options->nodes && !tr_cpulist_has(options->nodes, node->index)))
            continue;
        int64_t free_bytes = tr_node_available_bytes(machine, node->index);
        plan->nodes[plan->n_nodes++] = (struct tr_soak_node){
            .index = node->index,
            .memory_bytes = node->memory_bytes,
            .tested_bytes = free_bytes >= 0 ? free_bytes : node->memory_bytes,
        };
    }
    for (size_t i = 0; options->nodes && i < options->nodes->n; i++) {
        bool found = false;
        for (size_t k = 0; k < plan->n_nodes; k++)
            found = found || plan->nodes[k].index == options->nodes->ids[i];
        if (!found)
            return tr_err_set(reterr, TR_EUNAVAILABLE,
                              "node %d has no memory here. See tokenroof topology",
                              options->nodes->ids[i]);
    }
    if (!plan->n_nodes) /* a kernel that tells no nodes */
        plan->nodes[plan->n_nodes++] = (struct tr_soak_node){
            .index = -1, .memory_bytes = -1, .tested_bytes = plan->available_bytes};
    return 0;
}

/* How much in all, and of each node in proportion to what is free there. */
static int divide(const struct tr_soak_options *options, struct tr_soak_plan *plan,
                  struct tr_err *reterr) {
    int64_t free_bytes = 0;
    for (size_t i = 0; i < plan->n_nodes; i++)
        free_bytes += plan->nodes[i].tested_bytes;
    int64_t available = plan->available_bytes >= 0 && plan->available_bytes < free_bytes
                            ? plan->available_bytes
                            : free_bytes;
    plan->available_bytes = available;
    plan->reserve_bytes = tr_soak_reserve_bytes(available);
    int64_t most = available - plan->reserve_bytes, want = options->memory_bytes;
    if (want > most)
        return tr_err_set(reterr, TR_EUNAVAILABLE,
                          "--memory: %.4g GiB are asked for, %.4g GiB of %.4g GiB available may be "
                          "taken: %.3g GiB stay free for the system",
                          (double)want / (1 << 30), (double)most / (1 << 30),
                          (double)available / (1 << 30), (double)plan->reserve_bytes / (1 << 30));
    if (!want)
        want = (int64_t)fmin((double)most, options->memory_share * (double)available);
    for (size_t i = 0; i < plan->n_nodes; i++)
        plan->nodes[i].tested_bytes = (int64_t)((double)want * (double)plan->nodes[i].tested_bytes /
                                                (double)(free_bytes > 0 ? free_bytes : 1));
    return 0;
}

static int node_of_cpu(const struct tr_machine *machine, int cpu) {
    for (size_t i = 0; i < machine->n_nodes; i++)
        if (tr_cpulist_has(&machine->nodes[i].cpus, cpu))
            return machine->nodes[i].index;
    return -1;
}

/* A node's memory is tested by its own threads; memory without any, by all. */
static int add_slices(const struct tr_machine *machine, struct tr_soak_plan *plan) {
    const struct tr_crew *crew = &plan->crew;
    plan->slices = calloc((size_t)crew->n_threads * plan->n_nodes + 1, sizeof(*plan->slices));
    if (!plan->slices)
        return TR_ENOMEM;
    for (size_t i = 0; i < plan->n_nodes; i++) {
        struct tr_soak_node *node = &plan->nodes[i];
        int own = 0;
        for (int k = 0; k < crew->n_threads; k++)
            own += node->index >= 0 && node_of_cpu(machine, crew->cpus[k]) == node->index;
        int64_t bytes = node->tested_bytes / (own ? own : crew->n_threads);
        bytes -= bytes % (bytes >= huge_bytes ? huge_bytes : page_bytes);
        node->tested_bytes = 0;
        for (int k = 0; k < crew->n_threads && bytes > 0; k++) {
            if (own && node_of_cpu(machine, crew->cpus[k]) != node->index)
                continue;
            plan->slices[plan->n_slices++] =
                (struct tr_soak_slice){.thread = k, .node = node->index, .bytes = bytes};
            node->tested_bytes += bytes;
        }
        plan->memory_bytes += node->tested_bytes;
    }
    return 0;
}

int tr_soak_plan_make(const struct tr_machine *machine, const struct tr_soak_options *options,
                      struct tr_soak_plan *ret_plan, struct tr_err *reterr) {
    struct tr_soak_plan plan = {.seconds = options->seconds};
    struct tr_plan_options crew = {.cpus = options->cpus, .isa_cap = -1};
    struct tr_environment environment;
    bool in_memory = options->loads & (1u << TR_SOAK_MEMORY | 1u << TR_SOAK_MIXED);
    int code = 0;
    for (size_t i = 0; options->cpus && i < options->cpus->n; i++)
        if (!tr_cpulist_has(&machine->allowed_cpus, options->cpus->ids[i]))
            return tr_err_set(reterr, TR_EUNAVAILABLE,
                              "CPU %d is not there, or not allowed. See tokenroof topology",
                              options->cpus->ids[i]);
    code = tr_crew_make(machine, TR_PLACE_MACHINE, 0, &crew, options->threads, &plan.crew, reterr);
    if (!code)
        code = tr_environment_read(machine, &environment);
    if (!code) {
        plan.available_bytes = environment.memory_available_bytes;
        tr_environment_finish(&environment);
        code = tr_soak_phases_make(options->seconds, options->loads, &plan.phases);
    }
    if (!code)
        code = choose_nodes(machine, options, &plan, reterr);
    if (!code && in_memory)
        code = divide(options, &plan, reterr);
    if (!code && in_memory)
        code = add_slices(machine, &plan);
    if (!in_memory)
        plan.n_nodes = 0;
    if (!code && in_memory && plan.memory_bytes < page_bytes)
        code = tr_err_set(reterr, TR_EUNAVAILABLE,
                          "no memory is left to be tested: %.4g MiB are available",
                          (double)plan.available_bytes / (1 << 20));
    if (code) {
        tr_soak_plan_finish(&plan);
        return code;
    }
    *ret_plan = plan;
    return 0;
}

void tr_soak_plan_finish(struct tr_soak_plan *plan) {
    tr_crew_finish(&plan->crew);
    tr_soak_phases_finish(&plan->phases);
    free(plan->slices);
    free(plan->nodes);
    *plan = (struct tr_soak_plan){0};
}
