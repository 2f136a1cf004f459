#include "soak.h"

#include <math.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "bind.h"
#include "clock.h"
#include "monitor.h"
#include "record.h"
#include "team.h"
#include "worker.h"

struct soak {
    struct tr_soak_run run;
    struct tr_soak_worker *workers;
    struct tr_soak_monitor monitor;
    struct tr_failure failure;
    const struct tr_soak_options *options;
    const char *created;
    char *boot_id;
};

double tr_soak_time_s(const struct tr_soak_run *run) {
    return atomic_load(&run->begun) ? (tr_now_ns() - run->start_ns) * 1e-9 : 0;
}

bool tr_soak_must_end(const struct tr_soak_run *run) {
    return *run->stop || atomic_load_explicit(&run->quit, memory_order_relaxed);
}

static void sleep_s(double seconds) {
    /* Short enough that a stop is noticed. */
    double s = fmin(fmax(seconds, 0), 0.1);
    struct timespec span = {.tv_nsec = (long)(s * 1e9)};
    nanosleep(&span, NULL);
}

/* --- a thread under test --------------------------------------------------------------------- */

/* Mixed: memory and chains in turns of about this long, neighbours the other way round. */
static const double mixed_turn_s = 0.5e-3;

static void one_piece(struct tr_soak_worker *worker, const struct tr_soak_phase *phase,
                      double t_s) {
    double until_s;
    bool memory = phase->load == TR_SOAK_MEMORY;
    if (phase->load == TR_SOAK_STEPS &&
        !tr_soak_step_is_busy(phase, t_s, worker->thread, worker->run->plan->crew.n_threads,
                              &until_s)) {
        sleep_s(until_s - t_s);
        return;
    }
    if (phase->load == TR_SOAK_MIXED)
        memory = ((uint64_t)(t_s / mixed_turn_s) + (uint64_t)worker->thread) % 2;
    if (memory && tr_soak_worker_has_memory(worker))
        tr_soak_worker_memory(worker);
    else
        tr_soak_worker_compute(worker, t_s);
}

static void soak(struct tr_soak_worker *worker) {
    struct tr_soak_run *run = worker->run;
    const struct tr_soak_plan *plan = run->plan;
    for (double t_s; (t_s = tr_soak_time_s(run)) < plan->seconds && !tr_soak_must_end(run);) {
        const struct tr_soak_phase *phase = tr_soak_phase_at(&plan->phases, t_s);
        atomic_store_explicit(&worker->stage, (int)phase->load, memory_order_relaxed);
        tr_soak_worker_give_back(worker); /* others wait for it, whatever the phase */
        one_piece(worker, phase, t_s);
    }
    atomic_store(&worker->stage, TR_SOAK_LAST_CHECK);
    tr_soak_worker_last_check(worker);
}

static void test(struct soak *all, struct tr_soak_worker *worker) {
    struct tr_soak_run *run = worker->run;
    struct tr_err err = {0};
    atomic_store(&worker->tid, (int)syscall(SYS_gettid));
    int code = tr_bind_thread(run->machine, worker->cpu, &err);
    if (!code)
        code = tr_soak_worker_map(worker, &err);
    if (!code)
        code = tr_soak_worker_take_operands(worker);
    if (code) {
        tr_failure_set(&all->failure, code, &err);
        atomic_store(&run->quit, true);
    }
    atomic_fetch_add(&run->mapped, 1);
    if (!code)
        tr_soak_worker_fill(worker);
    atomic_fetch_add(&run->ready, 1);
    while (!atomic_load(&run->begun) && !tr_soak_must_end(run))
        sleep_s(1e-3);
    if (atomic_load(&run->begun) && !code)
        soak(worker);
    atomic_fetch_add(&run->done, 1);
}

/* --- the thread that watches ----------------------------------------------------------------- */

static void watch(struct soak *all) {
    struct tr_soak_run *run = &all->run;
    struct tr_soak_monitor *monitor = &all->monitor;
    struct tr_soak_watch *watch = monitor->watch;
    while (atomic_load(&run->mapped) < run->plan->crew.n_threads)
        sleep_s(1e-3);
    json_t *head = tr_soak_line_head(run, all->workers, all->options, all->created, all->boot_id);
    json_t *shown = json_incref(head);
    monitor->code = tr_soak_record_add(monitor->record, head);
    tr_soak_record_flush(monitor->record);
    if (!monitor->code && watch->begun)
        watch->begun(watch->context, shown);
    json_decref(shown);
    tr_soak_monitor_work(monitor);
}

static void thread_work(void *context, int thread) {
    struct soak *all = context;
    if (thread == 0)
        watch(all);
    else
        test(all, &all->workers[thread - 1]);
}

/* --- all ------------------------------------------------------------------------------------- */

static int make_workers(struct soak *all) {
    int n = all->run.plan->crew.n_threads;
    size_t size = sizeof(*all->workers);
    all->workers = aligned_alloc(_Alignof(struct tr_soak_worker), (size_t)n * size);
    if (!all->workers)
        return TR_ENOMEM;
    for (int i = 0; i < n; i++) {
        struct tr_soak_worker *worker = &all->workers[i];
        *worker = (struct tr_soak_worker){
            .run = &all->run, .thread = i, .cpu = all->run.plan->crew.cpus[i]};
        atomic_init(&worker->core_ghz, (double)NAN);
        atomic_init(&worker->clock_share, (double)NAN);
        atomic_init(&worker->stage, TR_SOAK_FILLING);
    }
    return 0;
}

static void finish(struct soak *all) {
    int n = all->workers ? all->run.plan->crew.n_threads : 0;
    for (int i = 0; i < n; i++) {
        tr_soak_worker_unmap(&all->workers[i]);
        free(all->workers[i].operands);
    }
    free(all->workers);
    free(all->boot_id);
    tr_soak_kernels_finish(&all->run.kernels);
    tr_soak_faults_finish(&all->run.faults);
    tr_soak_monitor_finish(&all->monitor);
    free(all);
}

static int run_team(struct soak *all, struct tr_err *reterr) {
    int code = tr_team_run(all->run.plan->crew.n_threads + 1, thread_work, all, reterr);
    if (!code)
        code = tr_failure_get(&all->failure, reterr);
    if (!code)
        code = all->monitor.code;
    if (!code && *all->run.stop)
        code = tr_err_stopped(reterr);
    return code;
}

int tr_soak(const struct tr_machine *machine, const struct tr_soak_plan *plan,
            const struct tr_soak_options *options, const char *created, const char *record_path,
            struct tr_soak_watch *watch, struct tr_soak_summary *summary, struct tr_err *reterr) {
    struct tr_soak_record record = {.file = {.fd = -1}};
    struct soak *all = calloc(1, sizeof(*all));
    int code = all ? tr_soak_summary_init(summary) : TR_ENOMEM;
    if (code) {
        free(all);
        return code;
    }
    all->options = options;
    all->created = created;
    all->boot_id = tr_boot_id(machine);
    all->run.machine = machine;
    all->run.plan = plan;
    all->run.stop = watch->stop;
    all->monitor = (struct tr_soak_monitor){.run = &all->run, .watch = watch, .record = &record};
    tr_soak_faults_init(&all->run.faults);
    code = tr_soak_kernels_make(machine, options->isa_cap, &all->run.kernels);
    if (!code)
        code = make_workers(all);
    if (!code)
        code = tr_soak_record_open(record_path, summary, &record, reterr);
    if (!code) {
        all->monitor.workers = all->workers;
        tr_offer_to_oom_killer();
        code = tr_soak_monitor_init(&all->monitor);
    }
    if (!code)
        code = run_team(all, reterr);
    if (!code || code == TR_ESTOPPED) {
        int added = tr_soak_record_add(&record, tr_soak_line_end(code == TR_ESTOPPED));
        code = added ? added : code;
    }
    tr_soak_record_close(&record);
    watch->record_failed = record.failed;
    watch->record_error = record.why;
    finish(all);
    return code;
}
