#include "bench.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tokenroof/calibration.h"

static const struct tr_bench benches[] = {
#define TR_BENCH(id, kernels, seconds, text) \
    {.name = #id,                            \
     .what = (text),                         \
     .kind = TR_KIND_##kernels,              \
     .seconds_per_kernel = (seconds),        \
     .takes = tr_bench_##id},
#define TR_BENCH_PLAN(id, effort, seconds, text) \
    {.name = #id,                                \
     .what = (text),                             \
     .seconds_per_kernel = (seconds),            \
     .plan = tr_bench_##id,                      \
     .least_effort = TR_EFFORT_##effort},
#define TR_BENCH_PLAN_ROWS(id, kernels, effort, seconds, text) \
    {.name = #id,                                              \
     .what = (text),                                           \
     .kind = TR_KIND_##kernels,                                \
     .by_rows = true,                                          \
     .seconds_per_kernel = (seconds),                          \
     .plan = tr_bench_##id,                                    \
     .least_effort = TR_EFFORT_##effort},
#include "benches.def"
#undef TR_BENCH
#undef TR_BENCH_PLAN
#undef TR_BENCH_PLAN_ROWS
};

const struct tr_bench *tr_benches(size_t *ret_n) {
    *ret_n = sizeof(benches) / sizeof(benches[0]);
    return benches;
}

bool tr_bench_matches(const struct tr_bench *bench, const struct tr_kernel *kernel,
                      const char *name) {
    return (bench->takes || bench->by_rows) && bench->kind == kernel->op->kind &&
           (!fnmatch(name, bench->name, 0) || !fnmatch(name, kernel->op->name, 0) ||
            !fnmatch(name, kernel->id, 0));
}

static bool wanted(const struct tr_bench_request *request, const struct tr_bench *bench,
                   const struct tr_kernel *kernel) {
    for (size_t i = 0; i < request->n_names; i++)
        if (tr_bench_matches(bench, kernel, request->names[i]))
            return true;
    return request->n_names == 0;
}

const char *tr_bench_obstacle(const struct tr_bench_request *request,
                              const struct tr_kernel *kernel, char text[TR_OBSTACLE_BYTES]) {
    const struct tr_cpu_facts *cpu = &request->machine->cpu;
    const int isa = tr_isa_from_name(kernel->isa), cap = request->isa_cap;
    const struct tr_isa_state unknown = {0}, *level = isa < 0 ? &unknown : &cpu->levels[isa];
    if (!level->available)
        snprintf(text, TR_OBSTACLE_BYTES, "%s needs %s: %s", kernel->id, kernel->isa,
                 level->reason ? level->reason : "the reason is unknown");
    else if (kernel->needs && !tr_cpu_has(cpu, kernel->needs))
        snprintf(text, TR_OBSTACLE_BYTES, "%s needs %s, which the CPU has not", kernel->id,
                 kernel->needs);
    else if (cap >= 0 && isa > cap)
        snprintf(text, TR_OBSTACLE_BYTES, "%s needs %s, and --isa allows %s", kernel->id,
                 kernel->isa, tr_isa_name((enum tr_isa)cap));
    else
        return NULL;
    return text;
}

bool tr_bench_available(const struct tr_bench_request *request, const struct tr_kernel *kernel) {
    char text[TR_OBSTACLE_BYTES];
    return !tr_bench_obstacle(request, kernel, text);
}

const struct tr_kernel *tr_bench_best(const struct tr_bench_request *request, const char *id) {
    size_t n;
    const struct tr_kernel *kernels = tr_kernels(&n), *best = NULL;
    for (size_t i = 0; i < n; i++)
        if (!strcmp(kernels[i].id, id) && tr_bench_available(request, &kernels[i]))
            best = &kernels[i]; /* rows of an id go from worst to best */
    return best;
}

int tr_bench_kernels(const struct tr_bench_request *request, const struct tr_bench *bench,
                     const struct tr_kernel ***ret_kernels, size_t *ret_n) {
    size_t n_rows, n = 0;
    const struct tr_kernel *rows = tr_kernels(&n_rows);
    const struct tr_kernel **kernels = malloc(n_rows * sizeof(*kernels));
    if (!kernels)
        return TR_ENOMEM;
    for (size_t i = 0; i < n_rows; i++)
        if (rows[i].op->kind == bench->kind && tr_bench_available(request, &rows[i]) &&
            wanted(request, bench, &rows[i]) && bench->takes(request, &rows[i]))
            kernels[n++] = &rows[i];
    *ret_kernels = kernels;
    *ret_n = n;
    return 0;
}

bool tr_bench_searches(const struct tr_bench_request *request, const struct tr_bench *bench,
                       const struct tr_kernel *row) {
    size_t n;
    const struct tr_kernel *rows = tr_kernels(&n);
    bool whole = request->n_names == 0, has_forms = false, first = true;
    for (size_t i = 0; i < request->n_names; i++)
        whole |= !fnmatch(request->names[i], bench->name, 0) ||
                 !fnmatch(request->names[i], row->op->name, 0);
    for (size_t i = 0; i < n; i++) {
        has_forms |= rows[i].op == row->op && rows[i].set == TR_SET_SEARCH;
        first &= rows[i].op != row->op || rows[i].set != TR_SET_MAIN || &rows[i] >= row ||
                 !strcmp(rows[i].id, row->id);
    }
    return whole && has_forms && first && row->set == TR_SET_MAIN;
}

/* The experiment's name, or that of a row or an operation that it measures. */
static bool is_named(const struct tr_bench *bench, const char *name) {
    size_t n;
    const struct tr_kernel *rows = tr_kernels(&n);
    if (!fnmatch(name, bench->name, 0))
        return true;
    for (size_t i = 0; i < n; i++)
        if (bench->by_rows && tr_bench_matches(bench, &rows[i], name))
            return true;
    return false;
}

bool tr_bench_is_named(const struct tr_bench *bench, const char *const *names, size_t n_names) {
    for (size_t i = 0; i < n_names; i++)
        if (bench->plan && is_named(bench, names[i]))
            return true;
    return false;
}

int tr_bench_crew(const struct tr_plan_builder *builder, enum tr_place_kind kind, int index,
                  struct tr_crew *ret_crew, struct tr_err *reterr) {
    struct tr_crew all = {0};
    double quota = builder->machine->environment.cpu_quota;
    int code = tr_crew_make(builder->machine, kind, index, builder->options, 0, &all, reterr);
    if (code || !(quota < all.n_threads)) {
        *ret_crew = all;
        return code;
    }
    tr_crew_finish(&all);
    return tr_crew_make(builder->machine, kind, index, builder->options, quota < 1 ? 1 : (int)quota,
                        ret_crew, reterr);
}

int tr_bench_cores(const struct tr_plan_builder *builder, enum tr_place_kind kind, int index,
                   int *ret_cores, struct tr_err *reterr) {
    struct tr_crew crew = {0};
    int code = tr_bench_crew(builder, kind, index, &crew, reterr);
    if (code)
        return code;
    *ret_cores = crew.n_threads;
    tr_crew_finish(&crew);
    return 0;
}

int tr_bench_each_place(struct tr_plan_builder *builder, const struct tr_bench *bench,
                        tr_bench_add_fn *add, struct tr_err *reterr) {
    const struct tr_machine *machine = builder->machine;
    const struct tr_plan_options *options = builder->options;
    const struct tr_cpulist *list = options->place_indices;
    size_t n = list ? list->n : tr_place_count(machine, options->place);
    int code = 0;
    for (size_t i = 0; i < n && !code; i++) {
        int index = list ? list->ids[i] : tr_place_index(machine, options->place, i);
        const struct tr_cpulist *cpus = tr_place_cpus(machine, options->place, index);
        if (list || (cpus && tr_cpulist_intersects(cpus, &machine->allowed_cpus)))
            code = add(builder, bench, options->place, index, reterr);
    }
    return code;
}

int tr_bench_left_out(const struct tr_plan_builder *builder, const struct tr_bench *bench,
                      const char *why) {
    if (!tr_bench_is_named(bench, builder->options->kernels, builder->options->n_kernels))
        return 0;
    return tr_plan_leave_out(builder, bench->name, why);
}

int tr_bench_needs_two(const struct tr_plan_builder *builder, const struct tr_bench *bench) {
    return tr_bench_left_out(builder, bench,
                             "it takes two cores, and one is usable (CPU list, cpuset, affinity "
                             "or quota)");
}
