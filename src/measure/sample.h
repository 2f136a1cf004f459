/* One thread's part in a sample: the timed loop, its time line, and the check of what it computed.
 */
#ifndef TR_MEASURE_SAMPLE_H
#define TR_MEASURE_SAMPLE_H

#include <signal.h>
#include <stdbool.h>

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
    size_t passes;           /* over the slice */
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
    void *chain_start;         /* initial values of FMA chains, both types */
    bool bound_refused;
    double huge_fraction, node_fraction;
    struct tr_counters counters;
    struct tr_counts before, after;
    int cpu_before, cpu_after;
    bool not_pinned;
    struct tr_dose *doses; /* one per step of the group: equal time, not equal work */
    double clock_ghz;      /* in this sample */
    uint64_t sum;          /* of all pieces of this sample */
    bool wrong, stopped;
    int barrier_sense;
};

/* Forgets the last sample and poisons its results: one word per page, or all of them. */
void tr_sample_prepare(const struct tr_step *step, const struct tr_sample_context *context,
                       struct tr_worker *worker);
/* The timed part. Nothing in it but the kernel, the clock and a look at the stop flag. */
void tr_sample_work(const struct tr_step *step, const struct tr_dose *dose,
                    const struct tr_sample_context *context, struct tr_worker *worker);
/* Compares with the scalar reference: the sum, or (kernels that write) one word per page, or every
 * element. `expected_sum` is the reference's for one pass, or one piece of chains. */
void tr_sample_check(const struct tr_step *step, const struct tr_dose *dose,
                     const struct tr_sample_context *context, uint64_t expected_sum,
                     struct tr_worker *worker);
/* The reference's sum for one pass over the slice (read) or one piece (fma), 0 for the others. */
uint64_t tr_sample_reference(const struct tr_step *step, const struct tr_worker *worker);

/* Turns of the chains in one piece: about 50 us of FMA. */
enum { TR_FMA_TURNS = 16384 };

/* Clock in GHz from two bursts of dependent adds, 20 us together. Their difference counts, so that
 * the cost of reading the time does not. NAN where the time stood still. */
double tr_clock_burst(void);

#endif
