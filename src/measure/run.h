/* Executes one group of a plan: team, buffers, samples, checks. */
#ifndef TR_MEASURE_RUN_H
#define TR_MEASURE_RUN_H

#include <signal.h>

#include "counted.h"
#include "plan.h"
#include "search.h"
#include "tokenroof/calibration.h"

/* Told to the caller between samples, never during one. */
struct tr_run_progress {
    const struct tr_group *group;
    const struct tr_kernel *kernel; /* the one whose turn it is */
    size_t stage, n_stages;         /* groups of the whole plan */
    double seconds_left;            /* by the plan, corrected as it goes */
    double current;                 /* last sample, in `unit`; NAN before the first */
    const char *unit;
};
typedef void tr_run_progress_fn(void *context, const struct tr_run_progress *progress);
/* Each sample that is kept, as soon as it is, between samples; of groups that tr_run_group and
 * tr_run_latency run. */
typedef void tr_run_sample_fn(void *context, const struct tr_step *step, double rate);

/* Faults that the self-test puts into a run, each a real one; zeroed: none. */
struct tr_fault {
    bool wrong_core;    /* each thread runs on a CPU that is not its own */
    int misplaced_node; /* 1 + the node on which memory is put, whatever the crew says */
};

struct tr_run_options {
    enum tr_pages pages;
    size_t min_samples;                /* at least this many, 9 by default */
    const volatile sig_atomic_t *stop; /* non-zero: end at once */
    tr_run_progress_fn *progress;
    void *progress_context;
    tr_run_sample_fn *sample; /* NULL: nobody asks */
    void *sample_context;
    size_t stage, n_stages; /* for the progress: this group among those of the plan */
    double seconds_after;   /* budget of the groups still to come */
    /* Of the memory controllers; NULL where there are none. Read around samples from memory. */
    const struct tr_traffic_counters *traffic;
    struct tr_fault fault;
};

/* One step's raw outcome. */
struct tr_series {
    double *rates; /* common window, GB/s nominal or GFLOP/s or GHz, in time order */
    size_t n;
    struct tr_sample_conditions *conditions; /* of each sample; NULL where the runner keeps none */
    double units_total, span_total_ns;       /* for the rate over first start to last finish */
    /* Core clock, such that the median rate over it is the median of each sample's rate over its
     * own clock: a clock that falls meanwhile does not set one against the other. NAN unknown.
     * Efficiency cores of hybrid parts apart (NAN without). */
    double core_ghz, efficiency_ghz;
    double huge_fraction, node_fraction; /* of its buffers, the worst thread's; NAN unknown */
    size_t dropped;                      /* disturbed samples that were repeated */
    size_t disturbed;                    /* samples kept although disturbed, after many repeats */
    bool migrated, not_pinned, faulted;
    int64_t context_switches, migrations, page_faults; /* within samples, all threads */
    struct tr_counted counted;
    /* Of all threads around all samples, repeated ones too: time that passed, and the part of it in
     * which something else had their CPUs. */
    double passed_ns, waited_ns;
    bool wrong;              /* a result differed from the reference: nothing of this step counts */
    struct tr_search search; /* how the step's kernel was found; no forms without a search */
    bool bound_refused; /* the kernel refused the memory policy: first touch alone placed pages */
};

/* Fills one series per step. Returns TR_ESTOPPED when stopped (series hold what was complete),
 * TR_ENOMEM, TR_EUNAVAILABLE (cannot bind, no such pages). */
int tr_run_group(const struct tr_machine *machine, const struct tr_group *group,
                 const struct tr_run_options *options, struct tr_series *ret_series,
                 struct tr_err *reterr);
void tr_series_finish(struct tr_series *series);

#endif
