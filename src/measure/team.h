/* A team of threads of the OpenMP runtime, and the barrier they meet at. */
#ifndef TR_MEASURE_TEAM_H
#define TR_MEASURE_TEAM_H

#include <stdatomic.h>

#include "tokenroof/err.h"

/* Runs `work(context, i)` on threads 0..n-1, the caller being thread 0; returns when all are done.
 * TR_EUNAVAILABLE if the runtime gives another number of threads than asked for. */
int tr_team_run(int n_threads, void (*work)(void *context, int thread), void *context,
                struct tr_err *reterr);

/* Spinning barrier: threads leave it within a fraction of a microsecond of each other, which a
 * sleeping one cannot give. Each thread keeps its own `sense`, zero at the start. */
struct tr_barrier {
    _Alignas(128) atomic_int waiting;
    _Alignas(128) atomic_int sense;
    int n_threads;
};
void tr_barrier_init(struct tr_barrier *barrier, int n_threads);
void tr_barrier_wait(struct tr_barrier *barrier, int *sense);

#endif
