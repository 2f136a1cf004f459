/* What is to be measured, before anything is: the plan that --dry-run prints and run.c executes. */
#ifndef TR_MEASURE_PLAN_H
#define TR_MEASURE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel.h"
#include "pages.h"
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

struct tr_step {
    const struct tr_kernel *kernel;
    int64_t slice_bytes;  /* per thread and array; 0 for kernels without memory */
    int64_t wanted_bytes; /* total working set that the rule asks for */
    bool from_memory;     /* meant to stream from memory, not from a cache */
};

/* Steps that share a crew and its buffers; their samples are taken in turn, so that drift of the
 * machine does not favour one of them. */
struct tr_group {
    const char *name; /* of the experiment */
    struct tr_crew crew;
    struct tr_step *steps;
    size_t n_steps;
    double seconds; /* time budget */
};

struct tr_plan {
    struct tr_group *groups;
    size_t n_groups;
    enum tr_pages pages;
    double seconds;       /* total budget */
    int64_t memory_bytes; /* largest that any group maps */
    bool by_name;     /* every figure was asked for; else read and FMA at all threads matter most */
    bool nodes_given; /* memory was put on nodes that the user named: limits are not about that */
    bool memory_bound; /* working sets are smaller than the rule asks for */
};

struct tr_plan_options {
    const char *const *kernels; /* names, ids or patterns; NULL = all of the default set */
    size_t n_kernels;
    int isa_cap;                            /* enum tr_isa, -1 = none */
    enum tr_place_kind place;               /* which places to measure */
    const struct tr_cpulist *place_indices; /* NULL = all of that kind */
    const struct tr_cpulist *cpus;          /* NULL = all allowed */
    const struct tr_cpulist *memory_nodes;  /* NULL = each thread's own */
    const int *threads;                     /* NULL = 1 and all */
    size_t n_threads;
    int64_t size_bytes; /* working set over all threads and arrays; 0 = by the rule */
    bool size_per_thread;
    enum tr_pages pages;
    double seconds;
};

/* One place's crew of at most `n_threads` threads (0 = all), one per physical core. TR_EUNAVAILABLE
 * if the place has no usable core. */
int tr_crew_make(const struct tr_machine *machine, enum tr_place_kind kind, int index,
                 const struct tr_plan_options *options, int n_threads, struct tr_crew *ret_crew,
                 struct tr_err *reterr);
void tr_crew_finish(struct tr_crew *crew);

/* TR_EUSAGE for an unknown kernel or place (nearest name told), TR_EUNAVAILABLE for what is not
 * here. Notes on what was left out, and why, go to `notes`. */
struct tr_strings;
int tr_plan_make(const struct tr_machine *machine, const struct tr_plan_options *options,
                 struct tr_strings *notes, struct tr_plan *ret_plan, struct tr_err *reterr);
void tr_plan_finish(struct tr_plan *plan);

/* Rounds up to a slice that every kernel divides into equal parts: a multiple of 8 parts of whole
 * cache lines, an odd number of lines beyond a page, so that parts walked side by side differ in
 * their cache sets.
 */
int64_t tr_slice_round(int64_t bytes);

#endif
