/* One thread under test: its memory, its operands, what it counted. */
#ifndef TR_SOAK_WORKER_H
#define TR_SOAK_WORKER_H

#include <signal.h>
#include <stdatomic.h>

#include "core_clock.h"
#include "faults.h"
#include "kernel.h"
#include "pages.h"
#include "patterns.h"
#include "soak_plan.h"

enum { TR_SOAK_MOST_ROWS = 24 };

/* Kernels by what they do, the best for the processor; and all chains that it has, with what the
 * reference says that one piece of each gives. */
struct tr_soak_kernels {
    const struct tr_kernel *put[3], *verify[3]; /* by enum tr_pattern_kind */
    struct tr_soak_chain {
        const struct tr_kernel *kernel;
        size_t turns, operands_at; /* byte of the operands */
        uint64_t expected;
    } chains[TR_SOAK_MOST_ROWS];
    size_t n_chains;
    unsigned char *operands; /* of all chains, as they must be */
    size_t operand_bytes;
};
/* TR_ENOMEM. */
int tr_soak_kernels_make(const struct tr_machine *machine, int isa_cap,
                         struct tr_soak_kernels *ret_kernels);
void tr_soak_kernels_finish(struct tr_soak_kernels *kernels);

/* What all threads share. */
struct tr_soak_run {
    const struct tr_machine *machine;
    const struct tr_soak_plan *plan;
    const volatile sig_atomic_t *stop;
    struct tr_soak_kernels kernels;
    struct tr_soak_faults faults;
    atomic_int mapped, ready, done; /* threads */
    atomic_bool quit;               /* a thread failed */
    atomic_bool begun;              /* start_ns is valid */
    double start_ns;
    /* How often memory had to be given back: each thread then gives an eighth of its own. While
     * memory is written for the first time, one is enough to stop there. */
    atomic_int squeezed;
};

struct tr_soak_part {
    struct tr_buffer buffer;
    size_t bytes; /* as far as it is in use */
    int node;
    atomic_size_t tested_bytes; /* written and verified at least once */
};

/* The clock while one chain runs: the mean of the middle half of so many bursts, because a burst
 * that was interrupted, or whose core was given to another program meanwhile, tells no clock. Set
 * against the highest in the same chain, since cores run wide vectors at another clock than narrow
 * ones. */
enum { TR_SOAK_CLOCK_BURSTS = 16 };
struct tr_soak_clock {
    struct tr_core_clock bursts;
    size_t chain;
    double highest_ghz[TR_SOAK_MOST_ROWS]; /* 0 before */
};

struct tr_soak_worker {
    _Alignas(128) atomic_ullong moved_bytes; /* read to be verified, and written */
    atomic_ullong verified_bytes, flop, walks;
    /* Latest, NAN before: the clock, and its share of the highest in the same chain. */
    _Atomic double core_ghz, clock_share;
    atomic_int stage; /* enum tr_soak_load: what it is doing */
    atomic_int tid;

    _Alignas(128) struct tr_soak_run *run;
    int thread, cpu;
    struct tr_soak_part *parts;
    size_t n_parts;
    uint64_t walk; /* pieces not yet passed hold pattern `walk`, the others the next one */
    size_t passed; /* pieces of this walk */
    bool fresh;    /* nothing stands there yet: written without being verified */
    struct tr_soak_pattern now, next;
    int squeezed;
    unsigned char *operands;
    uint64_t pieces; /* of chains */
    struct tr_soak_clock clock;
};

/* worker_memory.c */
int tr_soak_worker_map(struct tr_soak_worker *worker, struct tr_err *reterr);
/* Writes the first pattern everywhere. */
void tr_soak_worker_fill(struct tr_soak_worker *worker);
/* If other programs need memory: an eighth, as often as it was asked for. */
void tr_soak_worker_give_back(struct tr_soak_worker *worker);
/* Verifies the next piece, and writes it anew. */
void tr_soak_worker_memory(struct tr_soak_worker *worker);
/* Verifies all pieces once more. */
void tr_soak_worker_last_check(struct tr_soak_worker *worker);
bool tr_soak_worker_has_memory(const struct tr_soak_worker *worker);
void tr_soak_worker_unmap(struct tr_soak_worker *worker);

/* worker_compute.c: one piece of the chain whose turn it is, about 10 us. */
int tr_soak_worker_take_operands(struct tr_soak_worker *worker);
void tr_soak_worker_compute(struct tr_soak_worker *worker, double t_s);
/* Another chain's turn: bursts of the one before are forgotten. */
void tr_soak_clock_begin(struct tr_soak_clock *clock, size_t chain);
/* True once there are enough bursts, which then begin anew. The share is told while all cores
 * compute (NAN else): one that computes alone may boost. */
bool tr_soak_clock_take(struct tr_soak_clock *clock, bool all_compute, double *ret_ghz,
                        double *ret_share);

/* Seconds since the start; of a moment before it, 0. */
double tr_soak_time_s(const struct tr_soak_run *run);
bool tr_soak_must_end(const struct tr_soak_run *run);

#endif
