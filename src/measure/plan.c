#include "plan.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "parse.h"
#include "plan_memory.h"
#include "tokenroof/calibration.h"

/* A working set is at least 4 times the last-level caches in reach (STREAM's rule, taken for each
 * array), or this many bytes where the caches are unknown. */
enum { LLC_FACTOR = 4 };
static const int64_t array_bytes_unknown_llc = 512 << 20;
static const int64_t array_bytes_least = 64 << 20;
/* Of what is available, the rest stays for the page cache and everybody else. */
static const double memory_share = 0.5;
enum { MOST_ARRAYS = 3 };
/* Shorter samples where time is short; still thousands of steps of the clock. */
static const double quick_sample_ns = 12e6;
/* A slice below this is no measurement. */
static const int64_t slice_least = 4096;

int64_t tr_slice_round(int64_t bytes) {
    /* 16 parts x (whole pages + 9 lines) = a multiple of 16 x 4096, and 16 x 576. Where that would
     * be much more than was asked for, as within caches, any odd number of lines from 9 on. */
    const int64_t parts = 16, page_lines = 64, least = 9;
    const int64_t page = parts * page_lines * 64, extra = parts * least * 64;
    int64_t lines = (bytes + parts * 64 - 1) / (parts * 64); /* of a part */
    if (bytes >= 64 * page)
        return (bytes - extra + page - 1) / page * page + extra;
    if (bytes >= 2 * page) {
        lines |= 1;
        if (lines % page_lines < least)
            lines += least - lines % page_lines;
    }
    return lines * parts * 64;
}

int64_t tr_slice_round_segments(int64_t bytes, int64_t most) {
    int64_t n = bytes / TR_SEGMENT_BYTES;
    if (n < 2)
        return bytes;
    int64_t whole = n * tr_slice_round((bytes + n - 1) / n);
    return whole <= most ? whole : n * tr_slice_round((bytes - n * 2 * 16 * 4096) / n);
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
        bool slices = op->read_elements + op->written_elements > 0;
        for (int array = 0; array < MOST_ARRAYS; array++)
            used[array] |= slices && tr_op_uses(op, array);
    }
    return used[0] + used[1] + used[2];
}

int64_t tr_plan_slice_by_rule(const struct tr_plan_builder *builder, const struct tr_crew *crew,
                              int arrays) {
    int64_t available = builder->machine->environment.memory_available_bytes;
    const struct tr_plan_options *options = builder->options;
    int64_t slice = options->size_bytes ? options->size_bytes / arrays : array_bytes_by_rule(crew);
    if (!options->size_bytes || !options->size_per_thread)
        slice /= crew->n_threads;
    if (slice < slice_least)
        slice = slice_least;
    double most = memory_share * (double)available / arrays / crew->n_threads - (4 << 20);
    if (available >= 0 && (double)slice > most)
        slice = most > (double)slice_least ? (int64_t)most : slice_least;
    return tr_slice_round(slice);
}

/* Slices by the rule or by --size, within the memory there is; false where that is too little. */
static bool size_group(const struct tr_machine *machine, const struct tr_plan_options *options,
                       struct tr_group *group, bool *memory_bound) {
    const struct tr_crew *crew = &group->crew;
    int64_t available = machine->environment.memory_available_bytes;
    int arrays = arrays_in_memory(group);
    const int64_t huge = 2 << 20;
    if (!arrays || crew->n_threads < 1)
        return true;
    double most = INFINITY;
    if (available >= 0)
        most = fmax(memory_share * (double)available - (double)tr_group_fixed_bytes(machine, group),
                    0);
    int64_t slice_most = most < 9e18 ? (int64_t)(most / arrays / crew->n_threads) : INT64_MAX;
    for (size_t i = 0; i < group->n_steps; i++) {
        struct tr_step *step = &group->steps[i];
        int step_arrays = step->kernel->op->arrays;
        if (!step_arrays) /* chains of operations take their turn beside streams */
            continue;
        int64_t slice = array_bytes_by_rule(crew) / crew->n_threads;
        bool given = step->slice_bytes > 0;
        if (given)
            slice = step->slice_bytes;
        else if (options->size_bytes)
            slice = options->size_bytes / step_arrays /
                    (options->size_per_thread ? 1 : crew->n_threads);
        if (!given)
            slice = tr_slice_round(slice > step->least_bytes ? slice : step->least_bytes);
        /* The rule in terms of the whole working set, which is what flags are about. */
        int64_t least =
            crew->llc_bytes > 0 ? LLC_FACTOR * crew->llc_bytes : array_bytes_unknown_llc;
        step->wanted_bytes =
            options->size_bytes || given ? slice * crew->n_threads * step_arrays : least;
        if (slice > slice_most) {
            /* Rounding to parts and to huge pages goes up: room for both is left. */
            slice = slice_most > 2 * huge ? tr_slice_round(slice_most - huge - (64 << 10))
                                          : tr_slice_round(slice_most / 2);
            *memory_bound = true;
        }
        step->from_memory = slice * crew->n_threads * step_arrays >= least;
        step->slice_bytes =
            step->from_memory && !given ? tr_slice_round_segments(slice, slice_most) : slice;
        if (slice_most < slice_least || step->slice_bytes < step->least_bytes)
            return false;
    }
    return true;
}

/* ---- plan ---- */

int tr_plan_add_group(struct tr_plan_builder *builder, const struct tr_bench *bench,
                      struct tr_crew *crew, struct tr_step *steps, size_t n_steps, double seconds,
                      struct tr_group **ret_group, struct tr_err *reterr) {
    struct tr_plan *plan = builder->plan;
    const struct tr_plan_options *options = builder->options;
    struct tr_group group = {.name = bench->name,
                             .crew = *crew,
                             .steps = steps,
                             .n_steps = n_steps,
                             .seconds = seconds,
                             .sample_ns = options->effort <= TR_EFFORT_RUN ? quick_sample_ns : 0,
                             .pages = options->pages};
    int code = TR_ENOMEM;
    *crew = (struct tr_crew){0};
    struct tr_group *groups = realloc(plan->groups, (plan->n_groups + 1) * sizeof(*groups));
    if (!groups || !steps)
        goto fail;
    plan->groups = groups;
    if (!size_group(builder->machine, options, &group, &plan->memory_bound)) {
        code = tr_err_set(reterr, TR_EUNAVAILABLE,
                          "no memory for buffers: %.1f MiB are available. Free memory or raise the "
                          "limit",
                          (double)builder->machine->environment.memory_available_bytes / 1048576.0);
        goto fail;
    }
    plan->groups[plan->n_groups++] = group;
    if (ret_group)
        *ret_group = &plan->groups[plan->n_groups - 1];
    return 0;
fail:
    if (groups)
        plan->groups = groups;
    free(steps);
    tr_crew_finish(&group.crew);
    return code;
}

struct tr_plan_curve *tr_plan_add_curve(struct tr_plan_builder *builder, const char *name,
                                        const char *x, const char *x_unit, size_t *ret_target) {
    struct tr_plan *plan = builder->plan;
    struct tr_plan_curve *curves = realloc(plan->curves, (plan->n_curves + 1) * sizeof(*curves));
    if (!curves)
        return NULL;
    plan->curves = curves;
    struct tr_plan_curve *at = &curves[plan->n_curves];
    *at = (struct tr_plan_curve){0};
    tr_curve_init(&at->curve);
    at->curve.name = strdup(name);
    at->curve.x = strdup(x);
    at->curve.x_unit = strdup(x_unit);
    if (!at->curve.name || !at->curve.x || !at->curve.x_unit) {
        tr_curve_finish(&at->curve);
        return NULL;
    }
    *ret_target = plan->n_curves++;
    return at;
}

struct tr_matrix *tr_plan_add_matrix(struct tr_plan_builder *builder, const char *name,
                                     const char *kind, size_t n, size_t *ret_target) {
    struct tr_plan *plan = builder->plan;
    struct tr_matrix *matrices =
        realloc(plan->matrices, (plan->n_matrices + 1) * sizeof(*matrices));
    if (!matrices)
        return NULL;
    plan->matrices = matrices;
    struct tr_matrix *at = &matrices[plan->n_matrices];
    if (tr_matrix_init(at, n, n))
        return NULL;
    at->name = strdup(name);
    at->rows = strdup(kind);
    at->columns = strdup(kind);
    if (!at->name || !at->rows || !at->columns) {
        tr_matrix_finish(at);
        return NULL;
    }
    *ret_target = plan->n_matrices++;
    return at;
}

/* The searches of the plan's last group once more in 4 KiB pages: whether huge ones are the faster
 * kind is found as the form is, by trying. Left out where time is short, and where the user chose
 * the kind. */
static int search_small_pages(struct tr_plan_builder *builder, const struct tr_bench *bench,
                              enum tr_place_kind kind, int index, int n_threads,
                              struct tr_err *reterr) {
    const struct tr_plan_options *options = builder->options;
    const struct tr_group *huge = &builder->plan->groups[builder->plan->n_groups - 1];
    struct tr_group *small = NULL;
    struct tr_crew crew = {0};
    size_t n = 0;
    if (options->pages != TR_PAGES_THP ||
        (options->effort != TR_EFFORT_FULL && !options->n_kernels))
        return 0;
    struct tr_step *steps = calloc(huge->n_steps, sizeof(*steps));
    if (!steps)
        return TR_ENOMEM;
    for (size_t i = 0; i < huge->n_steps; i++)
        if (huge->steps[i].searched)
            steps[n++] = huge->steps[i];
    int code =
        n ? tr_crew_make(builder->machine, kind, index, options, n_threads, &crew, reterr) : 0;
    if (!n || code) {
        free(steps);
        return code;
    }
    code = tr_plan_add_group(builder, bench, &crew, steps, n, bench->seconds_per_kernel * (double)n,
                             &small, reterr);
    if (!code)
        small->pages = TR_PAGES_4K;
    return code;
}

/* An experiment that takes rows of the kernels' table, at one place. */
static int add_rows(struct tr_plan_builder *builder, const struct tr_bench *bench,
                    enum tr_place_kind kind, int index, int n_threads, struct tr_err *reterr) {
    const struct tr_plan_options *options = builder->options;
    struct tr_crew crew = {0};
    const struct tr_kernel **kernels = NULL;
    struct tr_step *steps = NULL;
    size_t n = 0;
    struct tr_bench_request request = {
        .machine = builder->machine,
        .isa_cap = options->isa_cap,
        .all_threads = n_threads == 0,
        .quick = options->effort == TR_EFFORT_QUICK && !options->n_kernels && !options->n_threads,
        .full = options->effort == TR_EFFORT_FULL && !options->n_kernels,
        .names = options->kernels,
        .n_names = options->n_kernels,
    };
    int code = tr_bench_kernels(&request, bench, &kernels, &n);
    if (code || !n)
        goto out;
    code = tr_crew_make(builder->machine, kind, index, options, n_threads, &crew, reterr);
    if (code)
        goto out;
    steps = calloc(2 * n, sizeof(*steps));
    if (!steps) {
        tr_crew_finish(&crew);
        code = TR_ENOMEM;
        goto out;
    }
    size_t n_steps = 0;
    for (size_t i = 0; i < n; i++) {
        steps[n_steps++] = (struct tr_step){.kernel = kernels[i], .shape = TR_NO_SHAPE};
        if (tr_bench_searches(&request, bench, kernels[i]))
            steps[n_steps++] =
                (struct tr_step){.kernel = kernels[i], .searched = true, .shape = TR_NO_SHAPE};
    }
    code = tr_plan_add_group(builder, bench, &crew, steps, n_steps,
                             bench->seconds_per_kernel * (double)n_steps, NULL, reterr);
    if (!code)
        code = search_small_pages(builder, bench, kind, index, n_threads, reterr);
out:
    free(kernels);
    return code;
}

/* All experiments over rows at one place, for each number of threads. */
static int add_place(struct tr_plan_builder *builder, enum tr_place_kind kind, int index,
                     struct tr_err *reterr) {
    const struct tr_machine *machine = builder->machine;
    const struct tr_plan_options *options = builder->options;
    struct tr_strings *notes = builder->notes;
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
            if (!benches[b].takes)
                continue;
            code = add_rows(builder, &benches[b], kind, index, n, reterr);
            if (code)
                return code;
        }
    return 0;
}

/* Whether the CPU belongs to the places that were selected. */
static bool is_selected(const struct tr_plan_builder *builder, int cpu) {
    const struct tr_plan_options *options = builder->options;
    const struct tr_cpulist *list = options->place_indices;
    size_t n = list ? list->n : tr_place_count(builder->machine, options->place);
    for (size_t i = 0; i < n; i++) {
        int index = list ? list->ids[i] : tr_place_index(builder->machine, options->place, i);
        const struct tr_cpulist *cpus = tr_place_cpus(builder->machine, options->place, index);
        if (cpus && tr_cpulist_has(cpus, cpu))
            return true;
    }
    return false;
}

/* Some experiments are about the whole machine: that --place does not change them is said. */
static int note_elsewhere(const struct tr_plan_builder *builder, const struct tr_bench *bench,
                          size_t first_group) {
    bool elsewhere = false;
    for (size_t g = first_group; g < builder->plan->n_groups; g++) {
        const struct tr_crew *crew = &builder->plan->groups[g].crew;
        for (int i = 0; i < crew->n_threads; i++)
            elsewhere |= !is_selected(builder, crew->cpus[i]);
    }
    if (!elsewhere)
        return 0;
    return tr_strings_add(builder->notes,
                          "%s is about the whole machine: --place does not change it. Choose cores "
                          "by --cpus",
                          bench->name);
}

/* Experiments that plan by themselves: in runs over the whole machine, by the effort that was asked
 * for; and wherever they are named. */
static int add_own(struct tr_plan_builder *builder, struct tr_err *reterr) {
    const struct tr_plan_options *options = builder->options;
    size_t n_benches;
    const struct tr_bench *benches = tr_benches(&n_benches);
    bool whole = options->place == TR_PLACE_MACHINE && !options->place_indices && !options->cpus &&
                 !options->memory_nodes && !options->n_threads && !options->size_bytes;
    int code = 0;
    for (size_t b = 0; b < n_benches && !code; b++) {
        if (!benches[b].plan)
            continue;
        bool named = tr_bench_is_named(&benches[b], options->kernels, options->n_kernels);
        bool due = !options->n_kernels && whole && benches[b].least_effort <= options->effort;
        size_t before = builder->plan->n_groups;
        if (named || due)
            code = benches[b].plan(builder, &benches[b], reterr);
        if (!code)
            code = note_elsewhere(builder, &benches[b], before);
    }
    return code;
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

/* What a row is measured by that is not measured by itself; NULL for the others. */
static const char *part_of(const struct tr_kernel *row) {
    return row->op->kind == TR_KIND_CHASE     ? "--kernel latency"
           : row->op->kind == TR_KIND_ROOF    ? "--kernel roofline"
           : row->op->kind == TR_KIND_PATTERN ? "tokenroof soak"
                                              : NULL;
}

static int refuse_name(const char *name, const char *const *known, struct tr_err *reterr) {
    size_t n_rows;
    const struct tr_kernel *rows = tr_kernels(&n_rows);
    for (size_t r = 0; r < n_rows; r++)
        if (!strcmp(rows[r].id, name) && part_of(&rows[r]))
            return tr_err_set(reterr, TR_EUSAGE,
                              "'%s' is not measured by itself, but as part of %s", name,
                              part_of(&rows[r]));
    const char *nearest = tr_nearest(name, known);
    return tr_err_set(reterr, TR_EUSAGE, "unknown kernel '%.60s'.%s%s%s See tokenroof list kernels",
                      name, nearest ? " Did you mean '" : "", nearest ? nearest : "",
                      nearest ? "'?" : "");
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
        if (part_of(&rows[r]))
            continue;
        known[n++] = rows[r].op->name;
        known[n++] = rows[r].id;
    }
    for (size_t i = 0; i < options->n_kernels && !code; i++) {
        bool found = false;
        for (size_t b = 0; b < n_benches; b++)
            found |= tr_bench_is_named(&benches[b], &options->kernels[i], 1);
        for (size_t b = 0; b < n_benches; b++)
            for (size_t r = 0; r < n_rows; r++)
                found |= tr_bench_matches(&benches[b], &rows[r], options->kernels[i]);
        if (!found)
            code = refuse_name(options->kernels[i], known, reterr);
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
    double loads = 0; /* as long as they are: a shorter load would not be one */
    for (size_t i = 0; i < plan->n_groups; i++) {
        sum += plan->groups[i].seconds;
        loads += plan->groups[i].warm_up_s;
    }
    double rest = fmax(seconds - loads, 0.1 * seconds);
    plan->seconds = rest + loads;
    for (size_t i = 0; i < plan->n_groups; i++)
        plan->groups[i].seconds *= rest / sum;
}

/* The first row of that name, and why it cannot be measured; NULL if it can. */
static const char *obstacle_of(const struct tr_plan_builder *builder, const char *name,
                               char text[TR_OBSTACLE_BYTES]) {
    size_t n_benches, n_rows;
    const struct tr_bench *benches = tr_benches(&n_benches);
    const struct tr_kernel *rows = tr_kernels(&n_rows);
    const struct tr_bench_request request = {.machine = builder->machine,
                                             .isa_cap = builder->options->isa_cap};
    for (size_t r = 0; r < n_rows; r++)
        for (size_t b = 0; b < n_benches; b++)
            if (tr_bench_matches(&benches[b], &rows[r], name))
                return tr_bench_obstacle(&request, &rows[r], text);
    return NULL;
}

static bool is_planned(const struct tr_plan *plan, const char *name) {
    size_t n_benches;
    const struct tr_bench *benches = tr_benches(&n_benches);
    for (size_t b = 0; b < n_benches; b++)
        for (size_t g = 0; g < plan->n_groups; g++) {
            const struct tr_group *group = &plan->groups[g];
            if (!strcmp(group->name, benches[b].name) && tr_bench_is_named(&benches[b], &name, 1))
                return true;
            for (size_t i = 0; i < group->n_steps; i++)
                if (tr_bench_matches(&benches[b], group->steps[i].kernel, name))
                    return true;
        }
    return false;
}

int tr_plan_leave_out(const struct tr_plan_builder *builder, const char *name, const char *why) {
    struct tr_plan *plan = builder->plan;
    if (!plan->left_out[0])
        snprintf(plan->left_out, sizeof(plan->left_out), "%s is left out: %s", name, why);
    return tr_strings_add(builder->notes, "%s is left out: %s", name, why);
}

/* Named kernels that this CPU has not, among others that it has. Experiments tell it themselves
 * (tr_bench_left_out). */
static int note_left_out(const struct tr_plan_builder *builder) {
    const struct tr_plan_options *options = builder->options;
    int code = 0;
    for (size_t i = 0; i < options->n_kernels && !code; i++) {
        char text[TR_OBSTACLE_BYTES];
        const char *why = is_planned(builder->plan, options->kernels[i])
                              ? NULL
                              : obstacle_of(builder, options->kernels[i], text);
        if (!why)
            continue;
        code = tr_plan_leave_out(builder, options->kernels[i], why);
    }
    return code;
}

/* Nothing can be measured: of the first row that was asked for, or of an experiment's note. */
static int refuse_all(const struct tr_plan_builder *builder, struct tr_err *reterr) {
    const struct tr_strings *notes = builder->notes;
    char text[TR_OBSTACLE_BYTES];
    const char *why = NULL;
    for (size_t i = 0; i < builder->options->n_kernels && !why; i++)
        why = obstacle_of(builder, builder->options->kernels[i], text);
    if (!why && notes->n)
        why = notes->items[notes->n - 1];
    return tr_err_set(reterr, TR_EUNAVAILABLE,
                      "nothing of what was asked for can be measured here%s%s. See tokenroof list "
                      "kernels",
                      why ? ": " : "", why ? why : "");
}

/* The hardware thread that stands for each core of the pair. */
static int cpus_of_pair(const struct tr_machine *machine, const struct tr_cpulist *pair,
                        struct tr_cpulist *ret_cpus, struct tr_err *reterr) {
    int code = 0;
    for (size_t i = 0; i < pair->n && !code; i++) {
        int cpu = -1;
        for (size_t k = 0; k < machine->n_cores; k++)
            for (size_t t = 0; t < machine->cores[k].cpus.n && cpu < 0; t++)
                if (machine->cores[k].index == pair->ids[i] &&
                    tr_cpulist_has(&machine->allowed_cpus, machine->cores[k].cpus.ids[t]))
                    cpu = machine->cores[k].cpus.ids[t];
        if (cpu < 0)
            return tr_err_set(reterr, TR_EUNAVAILABLE,
                              "there is no core %d on this machine. See tokenroof topology",
                              pair->ids[i]);
        code = tr_cpulist_add(ret_cpus, cpu);
    }
    return code;
}

static int make_plan(const struct tr_machine *machine, const struct tr_plan_options *options,
                     struct tr_strings *notes, struct tr_plan *ret_plan, struct tr_err *reterr) {
    struct tr_plan plan = {.nodes_given = options->memory_nodes != NULL,
                           .pages = options->pages,
                           .by_name = options->n_kernels > 0};
    struct tr_plan_builder builder = {
        .machine = machine, .options = options, .plan = &plan, .notes = notes};
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
            code = add_place(&builder, options->place, options->place_indices->ids[i], reterr);
    else if (!code)
        for (size_t i = 0; i < tr_place_count(machine, options->place) && !code; i++) {
            int index = tr_place_index(machine, options->place, i);
            const struct tr_cpulist *cpus = tr_place_cpus(machine, options->place, index);
            if (cpus->n && tr_cpulist_intersects(cpus, &machine->allowed_cpus))
                code = add_place(&builder, options->place, index, reterr);
        }
    if (!code)
        code = add_own(&builder, reterr);
    if (!code && !plan.n_groups)
        code = refuse_all(&builder, reterr);
    if (!code)
        code = note_left_out(&builder);
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
    plan.memory_bytes = tr_plan_memory_bytes(machine, &plan);
    *ret_plan = plan;
    return 0;
}

int tr_plan_make(const struct tr_machine *machine, const struct tr_plan_options *options,
                 struct tr_strings *notes, struct tr_plan *ret_plan, struct tr_err *reterr) {
    static const char *const line_between[] = {"core_to_core"};
    struct tr_plan_options of_pair = *options;
    struct tr_cpulist cpus = {0};
    if (!options->pair)
        return make_plan(machine, options, notes, ret_plan, reterr);
    int code = cpus_of_pair(machine, options->pair, &cpus, reterr);
    of_pair.cpus = &cpus;
    if (!options->n_kernels) {
        of_pair.kernels = line_between;
        of_pair.n_kernels = 1;
    }
    if (!code)
        code = make_plan(machine, &of_pair, notes, ret_plan, reterr);
    tr_cpulist_finish(&cpus);
    return code;
}

void tr_plan_finish(struct tr_plan *plan) {
    if (!plan)
        return;
    for (size_t i = 0; i < plan->n_groups; i++) {
        tr_crew_finish(&plan->groups[i].crew);
        free(plan->groups[i].steps);
    }
    free(plan->groups);
    for (size_t i = 0; i < plan->n_curves; i++)
        tr_curve_finish(&plan->curves[i].curve);
    free(plan->curves);
    for (size_t i = 0; i < plan->n_matrices; i++)
        tr_matrix_finish(&plan->matrices[i]);
    free(plan->matrices);
    *plan = (struct tr_plan){0};
}
