/* Crews: which hardware threads work at once, and where their memory lies. */
#include <stdlib.h>
#include <string.h>

#include "plan.h"

const struct tr_cpulist *tr_place_cpus(const struct tr_machine *machine, enum tr_place_kind kind,
                                       int index) {
    switch (kind) {
    case TR_PLACE_MACHINE:
        return index == 0 ? &machine->allowed_cpus : NULL;
    case TR_PLACE_PACKAGE:
        for (size_t i = 0; i < machine->n_packages; i++)
            if (machine->packages[i].index == index)
                return &machine->packages[i].cpus;
        return NULL;
    case TR_PLACE_NODE:
        for (size_t i = 0; i < machine->n_nodes; i++)
            if (machine->nodes[i].index == index)
                return &machine->nodes[i].cpus;
        return NULL;
    case TR_PLACE_CCD:
        for (size_t i = 0; i < machine->n_ccds; i++)
            if (machine->ccds[i].index == index)
                return &machine->ccds[i].cpus;
        return NULL;
    case TR_PLACE_CORE:
        for (size_t i = 0; i < machine->n_cores; i++)
            if (machine->cores[i].index == index)
                return &machine->cores[i].cpus;
        return NULL;
    }
    return NULL;
}

size_t tr_place_count(const struct tr_machine *machine, enum tr_place_kind kind) {
    switch (kind) {
    case TR_PLACE_PACKAGE:
        return machine->n_packages;
    case TR_PLACE_NODE:
        return machine->n_nodes;
    case TR_PLACE_CCD:
        return machine->n_ccds;
    case TR_PLACE_CORE:
        return machine->n_cores;
    default:
        return 1;
    }
}

int tr_place_index(const struct tr_machine *machine, enum tr_place_kind kind, size_t i) {
    switch (kind) {
    case TR_PLACE_PACKAGE:
        return machine->packages[i].index;
    case TR_PLACE_NODE:
        return machine->nodes[i].index;
    case TR_PLACE_CCD:
        return machine->ccds[i].index;
    case TR_PLACE_CORE:
        return machine->cores[i].index;
    default:
        return 0;
    }
}

/* The hardware thread that stands for a core here: its lowest one that may be used, -1 for none. */
static int core_cpu(const struct tr_machine *machine, const struct tr_core *core,
                    const struct tr_cpulist *place, const struct tr_plan_options *options) {
    for (size_t i = 0; i < core->cpus.n; i++) {
        int cpu = core->cpus.ids[i];
        if (tr_cpulist_has(&machine->allowed_cpus, cpu) && tr_cpulist_has(place, cpu) &&
            (!options->cpus || tr_cpulist_has(options->cpus, cpu)))
            return cpu;
    }
    return -1;
}

static int64_t reachable_llc_bytes(const struct tr_machine *machine, const struct tr_crew *crew) {
    int64_t sum = 0;
    for (size_t i = 0; i < machine->n_l3_groups; i++)
        for (int k = 0; k < crew->n_threads; k++)
            if (tr_cpulist_has(&machine->l3_groups[i].cpus, crew->cpus[k])) {
                if (machine->l3_groups[i].l3_bytes <= 0)
                    return -1;
                sum += machine->l3_groups[i].l3_bytes;
                break;
            }
    if (sum <= 0)
        sum = machine->llc_bytes;
    /* A hypervisor may tell of the whole host's cache, gigabytes of working sets would follow. */
    return machine->llc_most_bytes > 0 && machine->llc_most_bytes < sum ? machine->llc_most_bytes
                                                                        : sum;
}

/* Where the core comes when places are filled one core at a time: performance cores first, then
 * the first core of each CCD, CCDs of different nodes in turn. */
static long spread_rank(const struct tr_machine *machine, size_t core_at) {
    const struct tr_core *core = &machine->cores[core_at];
    long in_ccd = 0, ccd_in_node = 0, small = core->kind && !strcmp(core->kind, "efficiency");
    for (size_t i = 0; i < core_at; i++)
        in_ccd += machine->cores[i].ccd == core->ccd;
    for (size_t i = 0; i < machine->n_ccds; i++)
        ccd_in_node += machine->ccds[i].node == core->node && machine->ccds[i].index < core->ccd;
    return ((small * 4096 + in_ccd) * 4096 + ccd_in_node) * 4096 +
           (core->node > 0 ? core->node : 0);
}

struct ranked {
    long rank;
    size_t core;
};

static int by_rank(const void *a, const void *b) {
    const struct ranked *left = a, *right = b;
    if (left->rank != right->rank)
        return left->rank < right->rank ? -1 : 1;
    return left->core < right->core ? -1 : left->core > right->core;
}

/* The machine's cores in the order in which a crew takes them; the caller frees it. */
static struct ranked *core_order(const struct tr_machine *machine, bool spread) {
    struct ranked *order = calloc(machine->n_cores + 1, sizeof(*order));
    for (size_t i = 0; order && i < machine->n_cores; i++)
        order[i] = (struct ranked){.rank = spread ? spread_rank(machine, i) : 0, .core = i};
    if (order && spread)
        qsort(order, machine->n_cores, sizeof(*order), by_rank);
    return order;
}

int tr_crew_make(const struct tr_machine *machine, enum tr_place_kind kind, int index,
                 const struct tr_plan_options *options, int n_threads, struct tr_crew *ret_crew,
                 struct tr_err *reterr) {
    struct tr_crew crew = {.place = {.kind = kind, .index = index}};
    const struct tr_cpulist *place = tr_place_cpus(machine, kind, index);
    struct ranked *order = NULL;
    int code = TR_ENOMEM;

    if (!place)
        return tr_err_set(reterr, TR_EUNAVAILABLE,
                          "there is no %s %d on this machine. See tokenroof topology",
                          tr_place_kind_name(kind), index);
    crew.cpus = calloc(machine->n_cores + 1, sizeof(*crew.cpus));
    crew.memory_nodes = calloc(machine->n_cores + 1, sizeof(*crew.memory_nodes));
    crew.efficiency = calloc(machine->n_cores + 1, sizeof(*crew.efficiency));
    order = core_order(machine, n_threads != 0);
    if (!order || !crew.cpus || !crew.memory_nodes || !crew.efficiency)
        goto fail;
    for (size_t i = 0; i < machine->n_cores; i++) {
        const struct tr_core *core = &machine->cores[order[i].core];
        int cpu = core_cpu(machine, core, place, options);
        if (cpu < 0 || (n_threads && crew.n_threads == n_threads))
            continue;
        int node = core->node;
        if (options->memory_nodes && options->memory_nodes->n)
            node = options->memory_nodes->ids[(size_t)crew.n_threads % options->memory_nodes->n];
        crew.cpus[crew.n_threads] = cpu;
        crew.efficiency[crew.n_threads] = core->kind && !strcmp(core->kind, "efficiency");
        crew.memory_nodes[crew.n_threads] = node;
        crew.n_threads++;
        if (tr_cpulist_add(&crew.place.cpus, cpu) ||
            (node >= 0 && tr_cpulist_add(&crew.place.memory_nodes, node)))
            goto fail;
    }
    if (!crew.n_threads || crew.n_threads < n_threads) {
        code =
            tr_err_set(reterr, TR_EUNAVAILABLE,
                       "%s %d has %d usable cores here, %d asked for. See tokenroof topology",
                       tr_place_kind_name(kind), index, crew.n_threads, n_threads ? n_threads : 1);
        goto fail;
    }
    crew.llc_bytes = reachable_llc_bytes(machine, &crew);
    free(order);
    *ret_crew = crew;
    return 0;
fail:
    free(order);
    tr_crew_finish(&crew);
    return code;
}

void tr_crew_finish(struct tr_crew *crew) {
    free(crew->cpus);
    free(crew->memory_nodes);
    free(crew->efficiency);
    tr_place_finish(&crew->place);
    *crew = (struct tr_crew){0};
}

static const struct tr_core *core_of_cpu(const struct tr_machine *machine, int cpu) {
    for (size_t i = 0; i < machine->n_cores; i++)
        if (tr_cpulist_has(&machine->cores[i].cpus, cpu))
            return &machine->cores[i];
    return NULL;
}

int tr_crew_of_cpus(const struct tr_machine *machine, const int *cpus, int n, int node,
                    struct tr_crew *ret_crew, struct tr_err *reterr) {
    size_t room = n > 0 ? (size_t)n : 1;
    struct tr_crew crew = {.place = {.kind = TR_PLACE_MACHINE},
                           .cpus = calloc(room, sizeof(int)),
                           .memory_nodes = calloc(room, sizeof(int)),
                           .efficiency = calloc(room, sizeof(bool))};
    int code = crew.cpus && crew.memory_nodes && crew.efficiency ? 0 : TR_ENOMEM;
    for (int i = 0; !code && i < n; i++) {
        const struct tr_core *core = core_of_cpu(machine, cpus[i]);
        if (!core) {
            code =
                tr_err_set(reterr, TR_EUNAVAILABLE, "CPU %d is not there, or not allowed", cpus[i]);
            break;
        }
        crew.cpus[i] = cpus[i];
        crew.memory_nodes[i] = node >= 0 ? node : core->node;
        crew.efficiency[i] = core->kind && !strcmp(core->kind, "efficiency");
        crew.n_threads++;
        if (tr_cpulist_add(&crew.place.cpus, cpus[i]) ||
            (crew.memory_nodes[i] >= 0 &&
             tr_cpulist_add(&crew.place.memory_nodes, crew.memory_nodes[i])))
            code = TR_ENOMEM;
    }
    if (code) {
        tr_crew_finish(&crew);
        return code;
    }
    crew.llc_bytes = reachable_llc_bytes(machine, &crew);
    *ret_crew = crew;
    return 0;
}

/* A single thread of a larger machine is that core's figure, not the machine's. */
int tr_plan_place(const struct tr_machine *machine, const struct tr_crew *crew,
                  struct tr_place *ret_place) {
    struct tr_place place = {.kind = crew->place.kind, .index = crew->place.index};
    const struct tr_core *core = NULL;
    if (crew->n_threads == 1 && place.kind == TR_PLACE_MACHINE && machine->n_cores > 1)
        core = core_of_cpu(machine, crew->cpus[0]);
    if (core) {
        place.kind = TR_PLACE_CORE;
        place.index = core->index;
    }
    if (tr_cpulist_copy(&crew->place.cpus, &place.cpus))
        return TR_ENOMEM;
    if (tr_cpulist_copy(&crew->place.memory_nodes, &place.memory_nodes)) {
        tr_place_finish(&place);
        return TR_ENOMEM;
    }
    *ret_place = place;
    return 0;
}
