#include "team.h"

#include <omp.h>
#include <sched.h>
#include <xmmintrin.h>

int tr_team_run(int n_threads, void (*work)(void *context, int thread), void *context,
                struct tr_err *reterr) {
    int got = 0;
    omp_set_dynamic(0);
#pragma omp parallel num_threads(n_threads)
    {
        /* With another team size the barriers of the work would never fill: it is not begun. */
        int size = omp_get_num_threads();
        if (omp_get_thread_num() == 0)
            got = size;
        if (size == n_threads)
            work(context, omp_get_thread_num());
    }
    if (got != n_threads)
        return tr_err_set(reterr, TR_EUNAVAILABLE,
                          "the OpenMP runtime gave %d threads instead of %d. Look for a limit on "
                          "processes (ulimit -u, the container's pids limit)",
                          got, n_threads);
    return 0;
}

void tr_failure_set(struct tr_failure *failure, int code, const struct tr_err *err) {
    int none = 0;
    if (!code || !atomic_compare_exchange_strong(&failure->code, &none, code))
        return;
    failure->err = err ? *err : (struct tr_err){0};
    if (code == TR_ESTOPPED)
        tr_err_stopped(&failure->err);
    else if (code == TR_ENOMEM && !failure->err.text[0])
        tr_err_set(&failure->err, code, "out of memory");
}

int tr_failure_get(const struct tr_failure *failure, struct tr_err *reterr) {
    int code = atomic_load(&failure->code);
    if (code && reterr)
        *reterr = failure->err;
    return code;
}

int tr_err_stopped(struct tr_err *reterr) {
    return tr_err_set(reterr, TR_ESTOPPED, "stopped; what was complete is marked partial");
}

void tr_team_barrier(void) {
#pragma omp barrier
}

void tr_barrier_init(struct tr_barrier *barrier, int n_threads) {
    atomic_init(&barrier->waiting, 0);
    atomic_init(&barrier->sense, 0);
    barrier->n_threads = n_threads;
}

void tr_barrier_wait(struct tr_barrier *barrier, int *sense) {
    enum { SPINS_BEFORE_YIELD = 20000 };
    *sense = !*sense;
    if (atomic_fetch_add_explicit(&barrier->waiting, 1, memory_order_acq_rel) + 1 ==
        barrier->n_threads) {
        atomic_store_explicit(&barrier->waiting, 0, memory_order_relaxed);
        atomic_store_explicit(&barrier->sense, *sense, memory_order_release);
        return;
    }
    for (int spins = 0; atomic_load_explicit(&barrier->sense, memory_order_acquire) != *sense;) {
        _mm_pause();
        /* Longer than a few hundred microseconds: the other side prepares a sample, or was
         * descheduled; give way. */
        if (++spins > SPINS_BEFORE_YIELD)
            sched_yield();
    }
}
