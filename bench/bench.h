/* Experiments. One row of benches.def and one function: either which rows of the kernels' table are
 * measured at a place (and the plan does the rest), or one that adds groups, curves and matrices to
 * the plan by itself. */
#ifndef TR_BENCH_H
#define TR_BENCH_H

#include <stdbool.h>
#include <stddef.h>

#include "kernel.h"
#include "plan.h"
#include "tokenroof/machine.h"

struct tr_bench_request {
    const struct tr_machine *machine;
    int isa_cap;              /* enum tr_isa, -1 = none */
    bool all_threads;         /* the crew is the whole place, not one thread of it */
    bool quick;               /* little time, nothing named: headlines only for a single thread */
    bool full;                /* --full, nothing named */
    const char *const *names; /* what the user asked for; NULL = the default set */
    size_t n_names;
};

/* Whether the experiment measures this row, names aside; the row is available. */
typedef bool tr_bench_takes_fn(const struct tr_bench_request *request, const struct tr_kernel *row);

/* Adds what the experiment measures to the plan; what is not possible here, with the reason, to the
 * builder's notes. Errors as of tr_plan_make. */
struct tr_bench;
typedef int tr_bench_plan_fn(struct tr_plan_builder *builder, const struct tr_bench *bench,
                             struct tr_err *reterr);

struct tr_bench {
    const char *name, *what;
    enum tr_kernel_kind kind;  /* of the rows that it takes */
    double seconds_per_kernel; /* share of the time budget, relative to the others */
    tr_bench_takes_fn *takes;  /* NULL for those that plan by themselves */
    tr_bench_plan_fn *plan;    /* NULL for those that take rows */
    bool by_rows; /* plans by itself, for rows of `kind`, which can be asked for by name */
    enum tr_effort least_effort; /* in runs without a selection: from this effort on */
};

const struct tr_bench *tr_benches(size_t *ret_n);

#define TR_BENCH(name, ...) tr_bench_takes_fn tr_bench_##name;
#define TR_BENCH_PLAN(name, ...) tr_bench_plan_fn tr_bench_##name;
#define TR_BENCH_PLAN_ROWS(name, ...) tr_bench_plan_fn tr_bench_##name;
#include "benches.def"
#undef TR_BENCH
#undef TR_BENCH_PLAN
#undef TR_BENCH_PLAN_ROWS

/* The rows that the experiment measures here, in the table's order; the caller frees the array.
 * 0 or TR_ENOMEM. */
int tr_bench_kernels(const struct tr_bench_request *request, const struct tr_bench *bench,
                     const struct tr_kernel ***ret_kernels, size_t *ret_n);

/* Whether the fastest form of the row's operation is to be searched for and measured beside it:
 * once an operation that has such forms, unless single rows were asked for by name. */
bool tr_bench_searches(const struct tr_bench_request *request, const struct tr_bench *bench,
                       const struct tr_kernel *row);

/* Highest available level not above the cap; NULL if the row has none. */
const struct tr_kernel *tr_bench_best(const struct tr_bench_request *request, const char *id);
/* Why the row is not measured here, NULL where it can be: "<row> needs ...", written to `text`. */
enum { TR_OBSTACLE_BYTES = 160 };
const char *tr_bench_obstacle(const struct tr_bench_request *request,
                              const struct tr_kernel *kernel, char text[TR_OBSTACLE_BYTES]);
bool tr_bench_available(const struct tr_bench_request *request, const struct tr_kernel *kernel);
/* `name` is that of the experiment, the operation, the row, or a pattern of these. */
bool tr_bench_matches(const struct tr_bench *bench, const struct tr_kernel *kernel,
                      const char *name);
/* All threads of a place, as far as it is selected, that can be kept busy at once: no more than a
 * cgroup's quota pays for. Errors as of tr_crew_make. And how many they are. */
int tr_bench_crew(const struct tr_plan_builder *builder, enum tr_place_kind kind, int index,
                  struct tr_crew *ret_crew, struct tr_err *reterr);
int tr_bench_cores(const struct tr_plan_builder *builder, enum tr_place_kind kind, int index,
                   int *ret_cores, struct tr_err *reterr);
/* Calls `add` for each place that was selected: those of the list, or all of the kind with a CPU
 * that may be used. Errors as of `add`. */
typedef int tr_bench_add_fn(struct tr_plan_builder *builder, const struct tr_bench *bench,
                            enum tr_place_kind kind, int index, struct tr_err *reterr);
int tr_bench_each_place(struct tr_plan_builder *builder, const struct tr_bench *bench,
                        tr_bench_add_fn *add, struct tr_err *reterr);
/* Says that an experiment is left out and why, if it was asked for by name. TR_ENOMEM. */
int tr_bench_left_out(const struct tr_plan_builder *builder, const struct tr_bench *bench,
                      const char *why);
/* The same of one over several threads: without a name the plan has said so for all of them. */
int tr_bench_needs_two(const struct tr_plan_builder *builder, const struct tr_bench *bench);
/* Working set from which a chase's loads come from memory: several times the caches that the crew
 * reaches, within the memory there is. */
int64_t tr_bench_chase_bytes(const struct tr_plan_builder *builder, const struct tr_crew *crew);
/* Whether an experiment that plans by itself is named by one of the patterns. */
bool tr_bench_is_named(const struct tr_bench *bench, const char *const *names, size_t n_names);

#endif
