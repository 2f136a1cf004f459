/* What is to be measured, before anything is: the plan that --dry-run prints and run.c executes. */
#ifndef TR_MEASURE_PLAN_H
#define TR_MEASURE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel.h"
#include "pages.h"
#include "tokenroof/curve.h"
#include "tokenroof/limit.h"
#include "tokenroof/machine.h"

/* Threads that work at once: where they run and where their memory lies. */
struct tr_crew {
    struct tr_place place;
    int n_threads;
    int *cpus;         /* one hardware thread each */
    int *memory_nodes; /* one each, -1 = unknown: first touch decides */
    bool *efficiency;  /* runs on an efficiency core of a hybrid part */
    int64_t llc_bytes; /* sum of last-level caches in their reach, -1 unknown */
};

/* Sizes of a product: m rows of weights of k elements each, n tokens at once; of attention: batch
 * sequences over a cache of `depth` positions. -1 where it has no meaning. */
struct tr_shape {
    int64_t m, n, k, batch, depth;
};

#define TR_NO_SHAPE ((struct tr_shape){-1, -1, -1, -1, -1})

/* Where a step's figure goes. */
enum tr_result {
    TR_RESULT_MEASUREMENT, /* an entry of `measurements` */
    TR_RESULT_POINT,       /* at x of plan->curves[target] */
    TR_RESULT_CELL,        /* at row, column of plan->matrices[target] */
};

struct tr_step {
    const struct tr_kernel *kernel;
    /* The kernel stands for its operation: when its turn comes, the form of it that was fastest
     * from memory on the whole machine takes its place. */
    bool fastest_form;
    /* The kernel stands for its operation: the fastest of its forms is searched for at the start of
     * the group (search.h) and takes its place. */
    bool searched;
    int64_t slice_bytes;  /* per thread and array; 0 for kernels without memory */
    int64_t wanted_bytes; /* total working set that the rule asks for */
    int64_t least_bytes;  /* of a slice: what one call works on; 0: anything will do */
    bool from_memory;     /* meant to stream from memory, not from a cache */
    struct tr_shape shape;
    const char *variant;          /* in place of the kernel's; NULL: that */
    bool one_line_a_page;         /* chases: of 4 KiB, so that translations miss and data do not */
    const struct tr_kernel *load; /* what the other threads run meanwhile; NULL: nothing */
    int64_t load_pause_cycles;    /* after each bit of it; -1: they do nothing */
    int64_t part_rows;            /* products: rows of one matrix that fall to a thread */
    enum tr_result result;
    size_t target, row, column;
    double x;
};

/* Steps that share a crew and its buffers; their samples are taken in turn, so that drift of the
 * machine does not favour one of them. */
struct tr_run_options;
struct tr_series;
struct tr_group;
/* Fills one series per step, rates in the unit of the step's work. As tr_run_group (run.h), which
 * is the usual one; experiments whose threads do different things bring their own. */
typedef int tr_group_runner(const struct tr_machine *machine, const struct tr_group *group,
                            const struct tr_run_options *options, struct tr_series *ret_series,
                            struct tr_err *reterr);

struct tr_group {
    const char *name;     /* of the experiment */
    tr_group_runner *run; /* NULL: tr_run_group */
    enum tr_pages pages;
    const char *metric, *unit; /* of the figures; NULL: those of the kernels' kind */
    struct tr_crew crew;
    struct tr_step *steps;
    size_t n_steps;
    double seconds;   /* time budget */
    double warm_up_s; /* load before the first sample, on top of `seconds` */
    double sample_ns; /* a sample lasts about as long; 0: TR_SAMPLE_NS (work.h) */
};

/* A curve that the plan's steps fill, and what looks for plateaus and knees on it afterwards. */
struct tr_plan_curve {
    struct tr_curve curve; /* all but its points; isa, dtype and variant are the first step's */
    int (*mark)(struct tr_curve *curve, const struct tr_machine *machine);
};

enum { TR_PLAN_REASON = 256 };
struct tr_plan {
    struct tr_group *groups;
    size_t n_groups;
    struct tr_plan_curve *curves;
    size_t n_curves;
    struct tr_matrix *matrices;
    size_t n_matrices;
    enum tr_pages pages;
    double seconds;       /* total budget */
    int64_t memory_bytes; /* at most, while it runs (plan_memory.h) */
    bool by_name;     /* every figure was asked for; else read and FMA at all threads matter most */
    bool nodes_given; /* memory was put on nodes that the user named: limits are not about that */
    bool memory_bound;             /* working sets are smaller than the rule asks for */
    char left_out[TR_PLAN_REASON]; /* of what was asked for by name the first that is not possible
                                      here, and why; "" if all of it is */
};

/* How much a run without a selection does: measure --quick, tokenroof run, measure, measure --full.
 */
enum tr_effort { TR_EFFORT_QUICK, TR_EFFORT_RUN, TR_EFFORT_DEFAULT, TR_EFFORT_FULL };

struct tr_plan_options {
    enum tr_effort effort;
    const char *const *kernels; /* names, ids or patterns; NULL = all of the default set */
    size_t n_kernels;
    int isa_cap;                            /* enum tr_isa, -1 = none */
    enum tr_place_kind place;               /* which places to measure */
    const struct tr_cpulist *place_indices; /* NULL = all of that kind */
    const struct tr_cpulist *pair;          /* two cores instead of places and cpus, or NULL */
    const struct tr_cpulist *cpus;          /* NULL = all allowed */
    const struct tr_cpulist *memory_nodes;  /* NULL = each thread's own */
    const int *threads;                     /* NULL = 1 and all */
    size_t n_threads;
    int64_t size_bytes; /* working set over all threads and arrays; 0 = by the rule */
    bool size_per_thread;
    enum tr_pages pages;
    double seconds;
};

/* One place's crew of at most `n_threads` threads (0 = all), one per physical core. Where it is not
 * all of them, they are spread: over nodes first, then over CCDs, so that each adds most.
 * TR_EUNAVAILABLE if the place has no usable core. */
int tr_crew_make(const struct tr_machine *machine, enum tr_place_kind kind, int index,
                 const struct tr_plan_options *options, int n_threads, struct tr_crew *ret_crew,
                 struct tr_err *reterr);
/* A crew of exactly these hardware threads, in this order, memory on `node` (-1: each its own). */
int tr_crew_of_cpus(const struct tr_machine *machine, const int *cpus, int n, int node,
                    struct tr_crew *ret_crew, struct tr_err *reterr);
/* CPUs of a place, NULL if there is no such place; number and indices of all places of a kind. */
const struct tr_cpulist *tr_place_cpus(const struct tr_machine *machine, enum tr_place_kind kind,
                                       int index);
size_t tr_place_count(const struct tr_machine *machine, enum tr_place_kind kind);
int tr_place_index(const struct tr_machine *machine, enum tr_place_kind kind, size_t i);
void tr_crew_finish(struct tr_crew *crew);

/* What an experiment adds its groups to. */
struct tr_strings;
struct tr_plan_builder {
    const struct tr_machine *machine;
    const struct tr_plan_options *options;
    struct tr_plan *plan;
    struct tr_strings *notes;
};
/* Adds a group; crew and steps (heap) become the plan's, on failure too. Steps whose slice_bytes is
 * 0 and whose kernel works on memory get the size of --size or of the rule. `seconds`: its share of
 * the time. *ret_group, if asked for, is valid until the next call. */
struct tr_bench;
int tr_plan_add_group(struct tr_plan_builder *builder, const struct tr_bench *bench,
                      struct tr_crew *crew, struct tr_step *steps, size_t n_steps, double seconds,
                      struct tr_group **ret_group, struct tr_err *reterr);
/* Says that what was asked for by name is left out, and why. TR_ENOMEM. */
int tr_plan_leave_out(const struct tr_plan_builder *builder, const char *name, const char *why);
/* The largest slice (per thread and array) that --size or the rule asks for and memory allows. */
int64_t tr_plan_slice_by_rule(const struct tr_plan_builder *builder, const struct tr_crew *crew,
                              int arrays);
/* The crew's place as figures name it: one thread of a larger machine is its core. TR_ENOMEM. */
int tr_plan_place(const struct tr_machine *machine, const struct tr_crew *crew,
                  struct tr_place *ret_place);
/* An empty curve or matrix, whose place in the plan is *ret_target; fill in what is known of it.
 * The pointer is valid until the next call. NULL when out of memory. */
struct tr_plan_curve *tr_plan_add_curve(struct tr_plan_builder *builder, const char *name,
                                        const char *x, const char *x_unit, size_t *ret_target);
struct tr_matrix *tr_plan_add_matrix(struct tr_plan_builder *builder, const char *name,
                                     const char *kind, size_t n, size_t *ret_target);

/* TR_EUSAGE for an unknown kernel or place (nearest name told), TR_EUNAVAILABLE for what is not
 * here. Notes on what was left out, and why, go to `notes`. */
int tr_plan_make(const struct tr_machine *machine, const struct tr_plan_options *options,
                 struct tr_strings *notes, struct tr_plan *ret_plan, struct tr_err *reterr);
void tr_plan_finish(struct tr_plan *plan);

/* Rounds up to a slice that every kernel divides into equal parts: a multiple of 16 parts of whole
 * cache lines, an odd number of lines beyond a page, so that parts walked side by side differ in
 * their cache sets. By at most 8 % from 128 KiB on, 2 % from 1 MiB on. */
int64_t tr_slice_round(int64_t bytes);
/* Samples from memory walk through a slice segment by segment, each sample where the last one
 * ended: a sample need not last as long as a pass over gigabytes. Rounds a slice to whole segments
 * of about this size, each of them a slice in the sense of tr_slice_round; not above `most`. */
#define TR_SEGMENT_BYTES ((int64_t)64 << 20)
int64_t tr_slice_round_segments(int64_t bytes, int64_t most);

#endif
