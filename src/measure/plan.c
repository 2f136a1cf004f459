#include "plan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "parse.h"
#include "strbuf.h"
#include "tokenroof/calibration.h"

/* A working set is at least 4 times the last-level caches in reach (STREAM's rule, taken for each
 * array), or this many bytes where the caches are unknown. */
enum { LLC_FACTOR = 4 };
static const int64_t array_bytes_unknown_llc = 512 << 20;
static const int64_t array_bytes_least = 64 << 20;
/* Of what is available, the rest stays for the page cache and everybody else. */
static const double memory_share = 0.5;
enum { MOST_ARRAYS = 3 };
/* Time lines and the like, per thread and array; a slice below the least is no measurement. */
static const int64_t worker_bytes = 64 << 10, slice_least = 4096;

int64_t tr_slice_round(int64_t bytes) {
    /* 8 parts x (whole pages + 9 lines) = a multiple of 8 x 4096, and 8 x 576. */
    const int64_t lines = 8 * 64, page = 8 * 4096, extra = 8 * 576;
    if (bytes >= 2 * page)
        return (bytes - extra + page - 1) / page * page + extra;
    return (bytes + lines - 1) / lines * lines;
}

/* ---- crews ---- */

static const struct tr_cpulist *place_cpus(const struct tr_machine *machine,
                                           enum tr_place_kind kind, int index) {
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

static size_t place_count(const struct tr_machine *machine, enum tr_place_kind kind) {
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

static int place_index(const struct tr_machine *machine, enum tr_place_kind kind, size_t i) {
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
    return sum > 0 ? sum : machine->llc_bytes;
}

int tr_crew_make(const struct tr_machine *machine, enum tr_place_kind kind, int index,
                 const struct tr_plan_options *options, int n_threads, struct tr_crew *ret_crew,
                 struct tr_err *reterr) {
    struct tr_crew crew = {.place = {.kind = kind, .index = index}};
    const struct tr_cpulist *place = place_cpus(machine, kind, index);
    int code = TR_ENOMEM;

    if (!place)
        return tr_err_set(reterr, TR_EUNAVAILABLE,
                          "there is no %s %d on this machine. See tokenroof topology",
                          tr_place_kind_name(kind), index);
    crew.cpus = calloc(machine->n_cores + 1, sizeof(*crew.cpus));
    crew.memory_nodes = calloc(machine->n_cores + 1, sizeof(*crew.memory_nodes));
    crew.efficiency = calloc(machine->n_cores + 1, sizeof(*crew.efficiency));
    if (!crew.cpus || !crew.memory_nodes || !crew.efficiency)
        goto fail;
    for (size_t i = 0; i < machine->n_cores; i++) {
        const struct tr_core *core = &machine->cores[i];
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
    *ret_crew = crew;
    return 0;
fail:
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

/* ---- working sets ---- */

static int64_t array_bytes_by_rule(const struct tr_crew *crew) {
    int64_t bytes = crew->llc_bytes > 0 ? LLC_FACTOR * crew->llc_bytes : array_bytes_unknown_llc;
    return bytes > array_bytes_least ? bytes : array_bytes_least;
}

static int arrays_in_memory(const struct tr_group *group) {
    bool used[MOST_ARRAYS] = {false};
    for (size_t i = 0; i < group->n_steps; i++) {
        const struct tr_op *op = group->steps[i].kernel->op;
        used[0] |= op->written_elements > 0;
        used[1] |= op->read_elements > 0;
        used[2] |= op->read_elements > 1;
    }
    return used[0] + used[1] + used[2];
}

/* Slices by the rule or by --size, within the memory there is. Returns the bytes the group maps. */
static int64_t size_group(const struct tr_machine *machine, const struct tr_plan_options *options,
                          struct tr_group *group, bool *memory_bound) {
    const struct tr_crew *crew = &group->crew;
    int64_t available = machine->environment.memory_available_bytes;
    int arrays = arrays_in_memory(group);
    int64_t largest = 0, huge = 2 << 20;
    if (!arrays || crew->n_threads < 1)
        return 0;
    double most = available >= 0 ? memory_share * (double)available : INFINITY;
    int64_t slice_most = most < 9e18 ? (int64_t)(most / arrays / crew->n_threads) : INT64_MAX;
    for (size_t i = 0; i < group->n_steps; i++) {
        struct tr_step *step = &group->steps[i];
        int step_arrays = step->kernel->op->arrays;
        int64_t slice = array_bytes_by_rule(crew) / crew->n_threads;
        if (options->size_bytes)
            slice = options->size_bytes / step_arrays /
                    (options->size_per_thread ? 1 : crew->n_threads);
        slice = tr_slice_round(slice);
        /* The rule in terms of the whole working set, which is what flags are about. */
        int64_t least =
            crew->llc_bytes > 0 ? LLC_FACTOR * crew->llc_bytes : array_bytes_unknown_llc;
        step->wanted_bytes = options->size_bytes ? slice * crew->n_threads * step_arrays : least;
        if (slice > slice_most) {
            /* Rounding to parts and to huge pages goes up: room for both is left. */
            slice = slice_most > 2 * huge ? tr_slice_round(slice_most - huge - (64 << 10))
                                          : tr_slice_round(slice_most / 2);
            *memory_bound = true;
        }
        step->slice_bytes = slice;
        step->from_memory = slice * crew->n_threads * step_arrays >= least;
        if (slice_most < slice_least)
            return -1;
        if (slice > largest)
            largest = slice;
    }
    if (options->pages == TR_PAGES_THP && largest >= huge) /* mapped and touched in whole pages */
        largest = (largest + huge) / huge * huge;
    return (largest + worker_bytes) * arrays * crew->n_threads;
}

/* ---- plan ---- */

static int add_group(const struct tr_machine *machine, const struct tr_plan_options *options,
                     const struct tr_bench *bench, enum tr_place_kind kind, int index,
                     int n_threads, struct tr_plan *plan, struct tr_err *reterr) {
    struct tr_group group = {.name = bench->name};
    const struct tr_kernel **kernels = NULL;
    size_t n = 0;
    int code = tr_crew_make(machine, kind, index, options, n_threads, &group.crew, reterr);
    if (code)
        return code;
    struct tr_bench_request request = {
        .machine = machine,
        .isa_cap = options->isa_cap,
        .all_threads = n_threads == 0,
        .names = options->kernels,
        .n_names = options->n_kernels,
    };
    code = tr_bench_kernels(&request, bench, &kernels, &n);
    if (code || !n)
        goto out;
    group.steps = calloc(n, sizeof(*group.steps));
    struct tr_group *groups = realloc(plan->groups, (plan->n_groups + 1) * sizeof(*groups));
    if (groups)
        plan->groups = groups;
    if (!group.steps || !groups) {
        code = TR_ENOMEM;
        goto out;
    }
    for (size_t i = 0; i < n; i++)
        group.steps[group.n_steps++] = (struct tr_step){.kernel = kernels[i]};
    int64_t bytes = size_group(machine, options, &group, &plan->memory_bound);
    if (bytes < 0) {
        code = tr_err_set(reterr, TR_EUNAVAILABLE,
                          "no memory for buffers: %.1f MiB are available. Free memory or raise the "
                          "limit",
                          (double)machine->environment.memory_available_bytes / 1048576.0);
        goto out;
    }
    if (bytes > plan->memory_bytes)
        plan->memory_bytes = bytes;
    group.seconds = bench->seconds_per_kernel * (double)n; /* scaled to the budget later */
    plan->groups[plan->n_groups++] = group;
    group = (struct tr_group){0};
out:
    free(kernels);
    free(group.steps);
    tr_crew_finish(&group.crew);
    return code;
}

/* All experiments at one place, for each number of threads. */
static int add_place(const struct tr_machine *machine, const struct tr_plan_options *options,
                     enum tr_place_kind kind, int index, struct tr_strings *notes,
                     struct tr_plan *plan, struct tr_err *reterr) {
    static const int one_and_all[] = {1, 0};
    const int *threads = options->n_threads ? options->threads : one_and_all;
    size_t n_threads = options->n_threads ? options->n_threads : 2, n_benches;
    const struct tr_bench *benches = tr_benches(&n_benches);
    struct tr_crew all = {0};
    int code = tr_crew_make(machine, kind, index, options, 0, &all, reterr);
    if (code)
        return code;
    int cores = all.n_threads;
    tr_crew_finish(&all);
    /* More threads than the quota pays for would stop each other in the middle of samples. */
    double quota = machine->environment.cpu_quota;
    int by_quota[] = {1, quota < cores ? (int)fmax(1, quota) : 0};
    if (by_quota[1] && !options->n_threads) {
        threads = by_quota;
        if (tr_strings_add(notes,
                           "A cgroup allows %.2f CPUs of time on %d cores: at most %d threads are "
                           "used, and no limit of the whole machine is looked at. Raise cpu.max",
                           quota, cores, by_quota[1]))
            return TR_ENOMEM;
    }

    if (!options->n_threads && (cores == 1 || kind != TR_PLACE_MACHINE)) {
        threads++; /* all alone: the place's own figure */
        n_threads--;
        if (cores == 1 && kind == TR_PLACE_MACHINE &&
            tr_strings_add(
                notes, "One core is usable (CPU list, cpuset or affinity): scaling over threads "
                       "is left out"))
            return TR_ENOMEM;
    }
    for (size_t t = 0; t < n_threads; t++)
        for (size_t b = 0; b < n_benches; b++) {
            int n = threads[t] == cores ? 0 : threads[t];
            code = add_group(machine, options, &benches[b], kind, index, n, plan, reterr);
            if (code)
                return code;
        }
    return 0;
}

/* Nodes and CPUs that the user named must be there. */
static int check_lists(const struct tr_machine *machine, const struct tr_plan_options *options,
                       struct tr_err *reterr) {
    for (size_t i = 0; options->memory_nodes && i < options->memory_nodes->n; i++) {
        bool found = false;
        for (size_t k = 0; k < machine->n_nodes; k++)
            found |= machine->nodes[k].index == options->memory_nodes->ids[i] &&
                     machine->nodes[k].memory_bytes != 0;
        if (!found)
            return tr_err_set(reterr, TR_EUNAVAILABLE,
                              "there is no node %d with memory. See tokenroof topology",
                              options->memory_nodes->ids[i]);
    }
    for (size_t i = 0; options->cpus && i < options->cpus->n; i++)
        if (!tr_cpulist_has(&machine->allowed_cpus, options->cpus->ids[i]))
            return tr_err_set(reterr, TR_EUNAVAILABLE,
                              "CPU %d is not there, or not allowed. See tokenroof topology",
                              options->cpus->ids[i]);
    return 0;
}

/* Every name must mean something, and be possible here. */
static int check_names(const struct tr_machine *machine, const struct tr_plan_options *options,
                       struct tr_err *reterr) {
    size_t n_benches, n_rows, n = 0;
    const struct tr_bench *benches = tr_benches(&n_benches);
    const struct tr_kernel *rows = tr_kernels(&n_rows);
    const char **known = calloc(2 * n_rows + n_benches + 1, sizeof(*known));
    int code = 0;
    if (!known)
        return TR_ENOMEM;
    for (size_t b = 0; b < n_benches; b++)
        known[n++] = benches[b].name;
    for (size_t r = 0; r < n_rows; r++) {
        known[n++] = rows[r].op->name;
        known[n++] = rows[r].id;
    }
    for (size_t i = 0; i < options->n_kernels && !code; i++) {
        bool found = false;
        for (size_t b = 0; b < n_benches; b++)
            for (size_t r = 0; r < n_rows; r++)
                found |= tr_bench_matches(&benches[b], &rows[r], options->kernels[i]);
        const char *nearest = tr_nearest(options->kernels[i], known);
        if (!found)
            code = tr_err_set(reterr, TR_EUSAGE,
                              "unknown kernel '%.60s'.%s%s%s See tokenroof list kernels",
                              options->kernels[i], nearest ? " Did you mean '" : "",
                              nearest ? nearest : "", nearest ? "'?" : "");
    }
    free(known);
    if (code || options->isa_cap < 0)
        return code;
    const struct tr_isa_state *level = &machine->cpu.levels[options->isa_cap];
    if (!level->available)
        return tr_err_set(reterr, TR_EUNAVAILABLE, "%s is not possible here: %s",
                          tr_isa_name((enum tr_isa)options->isa_cap),
                          level->reason ? level->reason : "the reason is unknown");
    return 0;
}

static void scale_budget(struct tr_plan *plan, double seconds) {
    double sum = 0;
    for (size_t i = 0; i < plan->n_groups; i++)
        sum += plan->groups[i].seconds;
    plan->seconds = seconds;
    for (size_t i = 0; i < plan->n_groups; i++)
        plan->groups[i].seconds *= seconds / sum;
}

int tr_plan_make(const struct tr_machine *machine, const struct tr_plan_options *options,
                 struct tr_strings *notes, struct tr_plan *ret_plan, struct tr_err *reterr) {
    struct tr_plan plan = {.nodes_given = options->memory_nodes != NULL,
                           .pages = options->pages,
                           .by_name = options->n_kernels > 0};
    int code = check_names(machine, options, reterr);
    if (!code)
        code = check_lists(machine, options, reterr);
    int64_t available = machine->environment.memory_available_bytes;
    if (!code && available >= 0 && (double)options->size_bytes > memory_share * (double)available &&
        !options->size_per_thread)
        code = tr_err_set(reterr, TR_EUNAVAILABLE,
                          "--size: %.0f MiB asked for, half of the %.0f MiB available may be used",
                          (double)options->size_bytes / 1048576.0, (double)available / 1048576.0);
    if (!code && options->place_indices)
        for (size_t i = 0; i < options->place_indices->n && !code; i++)
            code = add_place(machine, options, options->place, options->place_indices->ids[i],
                             notes, &plan, reterr);
    else if (!code)
        for (size_t i = 0; i < place_count(machine, options->place) && !code; i++) {
            int index = place_index(machine, options->place, i);
            const struct tr_cpulist *cpus = place_cpus(machine, options->place, index);
            if (cpus->n && tr_cpulist_intersects(cpus, &machine->allowed_cpus))
                code = add_place(machine, options, options->place, index, notes, &plan, reterr);
        }
    if (!code && !plan.n_groups)
        code = tr_err_set(reterr, TR_EUNAVAILABLE,
                          "nothing of what was asked for can be measured here. See tokenroof list "
                          "kernels");
    if (!code && plan.memory_bound)
        code = tr_strings_add(
            notes,
            "Memory is short: %.0f MiB are available, working sets are bounded to half of it and "
            "smaller than 4 x the last-level caches. Free memory or raise the limit",
            (double)machine->environment.memory_available_bytes / 1048576.0);
    if (code) {
        tr_plan_finish(&plan);
        return code;
    }
    scale_budget(&plan, options->seconds);
    *ret_plan = plan;
    return 0;
}

void tr_plan_finish(struct tr_plan *plan) {
    if (!plan)
        return;
    for (size_t i = 0; i < plan->n_groups; i++) {
        tr_crew_finish(&plan->groups[i].crew);
        free(plan->groups[i].steps);
    }
    free(plan->groups);
    *plan = (struct tr_plan){0};
}
