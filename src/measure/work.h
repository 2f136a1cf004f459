/* One thread's part in a sample, for each kind of kernel: its operands, the timed loop, its time
 * line, and the check of what it computed. A kind is one file, work_<kind>.c, and one row of the
 * table in work.c; the runner (run.c) is the same for all. */
#ifndef TR_MEASURE_WORK_H
#define TR_MEASURE_WORK_H

#include <signal.h>
#include <stdbool.h>

#include "core_clock.h"
#include "counters.h"
#include "kernel.h"
#include "pages.h"
#include "plan.h"

enum { TR_MAX_PIECES = 4096, TR_ARRAYS = 3 };

/* When each piece of work began and ended. Touched before the timed window. */
struct tr_timeline {
    size_t n;
    double begin_ns[TR_MAX_PIECES], end_ns[TR_MAX_PIECES];
    double units[TR_MAX_PIECES]; /* elements, or turns of the chains, of all parts together */
};

/* How much work one thread does in a sample. */
struct tr_dose {
    size_t passes;           /* over the slice; from memory: over segments of it */
    size_t passes_per_piece; /* in-cache slices: several passes between two looks at the time */
    size_t piece_bytes;      /* larger slices: part of one pass, over all parts walked */
    size_t turns;            /* FMA and clock chains: pieces */
};

/* What is the same for all threads of a sample. */
struct tr_sample_context {
    double scalar;   /* differs from sample to sample, so that old results are not taken */
    uint64_t number; /* of the sample, for the same purpose */
    bool whole;      /* every element is poisoned before and compared after */
    const volatile sig_atomic_t *stop;
};

/* What one thread owns. */
struct tr_worker {
    struct tr_timeline timeline;
    struct tr_buffer buffers[TR_ARRAYS];
    double *arrays[TR_ARRAYS]; /* inside the buffers, skewed against each other */
    void *chain_start;         /* operands of chains in registers */
    bool bound_refused;
    double huge_fraction, node_fraction;
    struct tr_counters counters;
    struct tr_counts before, after;
    int cpu_before, cpu_after;
    bool not_pinned;
    size_t probed_pieces;    /* by probes: each goes on where the last one ended */
    size_t segments_walked;  /* by samples from memory: the same */
    size_t first_segment;    /* of this sample */
    struct tr_segment_sums { /* what the reference says of each segment of a slice */
        const struct tr_op *op;
        int64_t slice_bytes;
        int vector_bytes;
        uint64_t *sums;
    } * segment_sums;
    size_t n_segment_sums;
    struct tr_dose *doses;      /* one per step of the group: equal time, not equal work */
    struct tr_core_clock clock; /* bursts between the pieces of this sample */
    double clock_ghz;           /* in this sample */
    uint64_t sum;               /* of all pieces of this sample */
    size_t cursor;              /* matrices: the next one of the slice, from sample to sample */
    bool wrong, stopped;
    int barrier_sense;
};

/* How kernels of one kind are run. All functions work on the calling thread's own worker. */
struct tr_work_kind {
    const char *metric, *unit; /* of the calibration file */
    bool nominal_traffic;      /* rates are nominal bytes */
    bool own_clock; /* work() sets clock_ghz itself; else one burst after the sample does */
    bool busy_time; /* what lies between pieces is not the kernel's time */
    bool mean;      /* a property of each core (clock): the crew's rate is the mean, not the sum */

    /* Bytes of operand `array` that the step needs, 0 if it does not use it. Operands are mapped
     * once a group, at the largest size of its steps. NULL: none. */
    int64_t (*array_bytes)(const struct tr_step *step, int array);
    /* Writes an operand's first contents, for all steps of the group. TR_ESTOPPED. */
    int (*fill)(const struct tr_group *group, int thread, int array, size_t bytes,
                const volatile sig_atomic_t *stop, struct tr_worker *worker);
    /* Once per step and thread, after the operands are filled: start values, and what the reference
     * says that one unit of check (a pass, a piece) gives. TR_ENOMEM. */
    int (*setup)(const struct tr_step *step, struct tr_worker *worker, uint64_t *ret_expected);
    /* Whether setup of `step` would give what that of `before` gave, so that it is not repeated. */
    bool (*same_setup)(const struct tr_step *before, const struct tr_step *step);
    /* Work for the first sample; then from its time, such that a sample lasts as long as wanted. */
    void (*first_dose)(const struct tr_step *step, struct tr_dose *dose);
    void (*calibrate)(const struct tr_step *step, double sample_ns, double span_ns,
                      struct tr_dose *dose);
    /* Forgets the last sample and poisons its results. */
    void (*prepare)(const struct tr_step *step, const struct tr_dose *dose,
                    const struct tr_sample_context *context, struct tr_worker *worker);
    /* The timed part. Nothing in it but the kernel, the clock and a look at the stop flag. */
    void (*work)(const struct tr_step *step, const struct tr_dose *dose,
                 const struct tr_sample_context *context, struct tr_worker *worker);
    /* Sets worker->wrong where results differ from the scalar reference. */
    void (*check)(const struct tr_step *step, const struct tr_dose *dose,
                  const struct tr_sample_context *context, uint64_t expected,
                  struct tr_worker *worker);
    /* Walks on through the slice for about `ns`, unchecked: a glimpse of a form's rate, for the
     * search. NULL: there are no forms. */
    void (*probe)(const struct tr_step *step, double ns, const volatile sig_atomic_t *stop,
                  struct tr_worker *worker);
    /* From units (as noted on the time line) per ns to the figure's unit. */
    double (*rate)(const struct tr_step *step, double units_per_ns);
};

extern const struct tr_work_kind tr_work_stream, tr_work_chains, tr_work_integer_chains,
    tr_work_roof, tr_work_clock, tr_work_gemv, tr_work_gemm, tr_work_attention;

const struct tr_work_kind *tr_work_of(const struct tr_step *step);

/* Bytes of operand `array` that one thread of the group needs: the most that any step does; 0 =
 * unused. */
int64_t tr_array_bytes(const struct tr_group *group, int array);
/* Arrays begin at different cache sets and at different offsets in their pages, so that a store is
 * not taken for one to the address of a load 4 KiB away. */
enum { TR_SKEWS = 16 };
static inline size_t tr_array_skew(int array, int thread) {
    return (size_t)array * 1344 + (size_t)(thread % TR_SKEWS) * 192;
}

/* A sample lasts at least this long; long enough for 1000 steps of any clock, short enough for many
 * samples in a minute. A piece: far above the cost of reading the time, far below 100 ms. */
#define TR_SAMPLE_NS 30e6
#define TR_PIECE_NS 40e3

/* Forgets the last sample's time line and sum; part of every kind's prepare(). */
void tr_work_begin(struct tr_worker *worker);
/* Notes one piece on the time line. */
void tr_work_note(struct tr_worker *worker, double begin_ns, double end_ns, double units);
/* Fills an operand with the data of tr_data_word; a fill() for kinds that need no more. */
int tr_work_fill_data(const struct tr_group *group, int thread, int array, size_t bytes,
                      const volatile sig_atomic_t *stop, struct tr_worker *worker);
/* Frees what work_stream.c keeps in a worker. */
void tr_work_stream_finish(struct tr_worker *worker);

/* Doses of kinds whose unit of work is one call (turns: pieces of passes_per_piece calls). Pieces
 * of short calls are made of several, so that looking at the time costs nothing. */
void tr_work_calls_first_dose(const struct tr_step *step, struct tr_dose *dose);
void tr_work_calls_calibrate(const struct tr_step *step, double sample_ns, double span_ns,
                             struct tr_dose *dose);

/* Attention: heads of the cache, and query heads that share one, as in models of 8e9 parameters. */
enum { TR_CACHE_HEADS = 8, TR_QUERIES_PER_HEAD = 4 };

#endif
