/* A team of threads of the OpenMP runtime, and the barrier they meet at. */
#ifndef TR_MEASURE_TEAM_H
#define TR_MEASURE_TEAM_H

#include <stdatomic.h>

#include "tokenroof/err.h"

/* Runs `work(context, i)` on threads 0..n-1, the caller being thread 0; returns when all are done.
 * TR_EUNAVAILABLE if the runtime gives another number of threads than asked for. */
int tr_team_run(int n_threads, void (*work)(void *context, int thread), void *context,
                struct tr_err *reterr);

/* The first failure of any thread of a team. */
struct tr_failure {
    atomic_int code; /* 0 = none */
    struct tr_err err;
};
/* Keeps the first one; `err` may be NULL. Nothing for code 0. */
void tr_failure_set(struct tr_failure *failure, int code, const struct tr_err *err);
/* Its code, after the team has ended. */
int tr_failure_get(const struct tr_failure *failure, struct tr_err *reterr);
/* TR_ESTOPPED with its text. */
int tr_err_stopped(struct tr_err *reterr);

/* The OpenMP runtime's barrier, for all threads of the team. */
void tr_team_barrier(void);

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
