#include "monitor.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "calibration_json.h"
#include "clock.h"

/* Asked for a stop, it must notice within a second, and a look costs nothing. */
static const double look_s = 0.02;
/* A line for each interrupt and a column for each CPU: too much for every second. */
enum { INTERRUPTS_EVERY = 10 };

void tr_soak_now(char text[TR_SOAK_TIME_BYTES]) {
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(text, TR_SOAK_TIME_BYTES, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

/* --- the machine's counters ------------------------------------------------------------------ */

double tr_soak_delta(int64_t before, int64_t now) {
    if (before < 0 || now < 0)
        return NAN;
    return (double)(now >= before ? now - before : now);
}

void tr_soak_take_health(const struct tr_health *first, const struct tr_health *now,
                         struct tr_soak_second *second) {
    const struct tr_sensors *a = &first->sensors, *b = &now->sensors;
    double *values = second->values;
    values[TR_SOAK_CPU_CELSIUS] = b->cpu_celsius;
    values[TR_SOAK_CPU_LIMIT_CELSIUS] = b->cpu_limit_celsius;
    values[TR_SOAK_MEMORY_CELSIUS] = b->memory_celsius;
    values[TR_SOAK_MEMORY_LIMIT_CELSIUS] = b->memory_limit_celsius;
    values[TR_SOAK_POWER_W] = b->power_w;
    values[TR_SOAK_PROCHOT] = b->prochot >= 0 ? (double)b->prochot : (double)NAN;
    values[TR_SOAK_CORE_THROTTLES] =
        tr_soak_delta(a->core_throttle_events, b->core_throttle_events);
    values[TR_SOAK_PACKAGE_THROTTLES] =
        tr_soak_delta(a->package_throttle_events, b->package_throttle_events);
    values[TR_SOAK_CORRECTED] = tr_soak_delta(a->corrected_errors, b->corrected_errors);
    values[TR_SOAK_UNCORRECTED] = tr_soak_delta(a->uncorrected_errors, b->uncorrected_errors);
    values[TR_SOAK_MACHINE_CHECKS] = tr_soak_delta(first->machine_checks, now->machine_checks);
    values[TR_SOAK_DEFERRED] = tr_soak_delta(first->deferred_errors, now->deferred_errors);
    values[TR_SOAK_THRESHOLDS] =
        tr_soak_delta(first->threshold_interrupts, now->threshold_interrupts);
}

json_t *tr_soak_modules(const struct tr_health *first, const struct tr_health *now) {
    json_t *array = json_array();
    bool ok = array;
    for (size_t i = 0; ok && i < now->n_modules; i++) {
        const struct tr_module_errors *module = &now->modules[i], *before = NULL;
        for (size_t k = 0; k < first->n_modules && !before; k++)
            if (!strcmp(first->modules[k].label, module->label))
                before = &first->modules[k];
        double corrected = before ? tr_soak_delta(before->corrected, module->corrected) : NAN;
        double uncorrected = before ? tr_soak_delta(before->uncorrected, module->uncorrected) : NAN;
        if (corrected > 0 || uncorrected > 0)
            ok = json_array_append_new(array, json_pack("{s:o, s:o, s:o, s:o}", "label",
                                                        tr_json_text(module->label), "slot",
                                                        tr_json_text(module->slot), "corrected",
                                                        tr_json_number(corrected), "uncorrected",
                                                        tr_json_number(uncorrected))) == 0;
    }
    if (ok)
        return array;
    json_decref(array);
    return NULL;
}

/* --- a second -------------------------------------------------------------------------------- */

static double since_begin_s(const struct tr_soak_monitor *monitor) {
    return (tr_now_ns() - monitor->begin_ns) * 1e-9;
}

static int n_workers(const struct tr_soak_monitor *monitor) {
    return monitor->run->plan->crew.n_threads;
}

static void add_rates(struct tr_soak_monitor *monitor, struct tr_soak_second *second) {
    uint64_t moved = 0, verified = 0, flop = 0;
    double ghz_sum = 0, ghz_min = NAN, share_min = NAN;
    int with_clock = 0;
    for (int i = 0; i < n_workers(monitor); i++) {
        struct tr_soak_worker *worker = &monitor->workers[i];
        /* Of this second: a core that did not compute has none. */
        double ghz = atomic_exchange(&worker->core_ghz, (double)NAN);
        double share = atomic_exchange(&worker->clock_share, (double)NAN);
        moved += atomic_load(&worker->moved_bytes);
        verified += atomic_load(&worker->verified_bytes);
        flop += atomic_load(&worker->flop);
        ghz_min = fmin(ghz_min, ghz); /* of a number and NAN: the number */
        share_min = fmin(share_min, share);
        if (isfinite(ghz)) {
            ghz_sum += ghz;
            with_clock++;
        }
    }
    double *values = second->values, ns = second->span_s * 1e9;
    values[TR_SOAK_GB_S] = (double)(moved - monitor->last_moved) / ns;
    values[TR_SOAK_GFLOP_S] = (double)(flop - monitor->last_flop) / ns;
    values[TR_SOAK_CORE_GHZ] = with_clock ? ghz_sum / with_clock : (double)NAN;
    values[TR_SOAK_CORE_GHZ_MIN] = ghz_min;
    values[TR_SOAK_CLOCK_SHARE_MIN] = share_min;
    values[TR_SOAK_VERIFIED_BYTES] = (double)verified;
    monitor->last_moved = moved;
    monitor->last_flop = flop;
}

static int add_modules(struct tr_soak_monitor *monitor, struct tr_health *now) {
    json_t *modules = tr_soak_modules(&monitor->first, now);
    json_t *before = tr_soak_modules(&monitor->first, &monitor->last_modules);
    int code = modules && before ? 0 : TR_ENOMEM;
    if (!code && !json_equal(modules, before))
        code = tr_soak_record_add(monitor->record,
                                  json_pack("{s:s, s:O}", "record", "modules", "modules", modules));
    json_decref(modules);
    json_decref(before);
    tr_health_finish(&monitor->last_modules);
    monitor->last_modules = *now;
    return code;
}

static int add_health(struct tr_soak_monitor *monitor, bool last, struct tr_soak_second *second) {
    struct tr_health now;
    bool interrupts = last || monitor->n_seconds % INTERRUPTS_EVERY == 0;
    int code = tr_health_read(monitor->run->machine, interrupts, &now);
    if (code)
        return code;
    if (interrupts) {
        monitor->last_machine_checks = now.machine_checks;
        monitor->last_deferred = now.deferred_errors;
        monitor->last_thresholds = now.threshold_interrupts;
    }
    now.machine_checks = monitor->last_machine_checks;
    now.deferred_errors = monitor->last_deferred;
    now.threshold_interrupts = monitor->last_thresholds;
    tr_soak_take_health(&monitor->first, &now, second);
    double joules = now.sensors.energy_j - monitor->last_energy_j;
    if (isnan(second->values[TR_SOAK_POWER_W]) && joules >= 0)
        second->values[TR_SOAK_POWER_W] = joules / second->span_s;
    monitor->last_energy_j = now.sensors.energy_j;
    return add_modules(monitor, &now);
}

static int add_mismatches(struct tr_soak_monitor *monitor) {
    struct tr_soak_mismatch mismatch;
    int code = 0;
    while (!code && tr_soak_faults_take(&monitor->run->faults, &mismatch)) {
        char at[TR_SOAK_TIME_BYTES];
        tr_soak_now(at);
        code = tr_soak_record_add(monitor->record, tr_soak_line_mismatch(&mismatch, at));
    }
    return code;
}

/* Once everything was tested, this no longer changes. */
static int add_nodes(struct tr_soak_monitor *monitor) {
    json_t *line = tr_soak_line_nodes(monitor->run, monitor->workers);
    if (line && json_equal(json_object_get(line, "nodes"), monitor->record->summary->nodes)) {
        json_decref(line);
        return 0;
    }
    return tr_soak_record_add(monitor->record, line);
}

/* What the threads are doing: the first one's stage is all's, but for moments. */
static int stage_of(const struct tr_soak_monitor *monitor) {
    return atomic_load(&monitor->workers[0].stage);
}

static int tell(struct tr_soak_monitor *monitor, const struct tr_soak_second *second) {
    struct tr_soak_run *run = monitor->run;
    const struct tr_soak_phases *phases = &run->plan->phases;
    struct tr_soak_progress progress = {.second = second, .n_phases = phases->n};
    double t_s = tr_soak_time_s(run);
    progress.phase = (size_t)(tr_soak_phase_at(phases, t_s) - phases->items);
    progress.seconds_left = fmax(0, run->plan->seconds - t_s);
    progress.mismatches = atomic_load(&run->faults.memory) + atomic_load(&run->faults.compute);
    if (monitor->watch->progress)
        monitor->watch->progress(monitor->watch->context, &progress);
    return 0;
}

static int add_second(struct tr_soak_monitor *monitor, bool last) {
    struct tr_soak_second second;
    struct tr_soak_faults *faults = &monitor->run->faults;
    tr_soak_second_init(&second);
    second.t_s = since_begin_s(monitor);
    second.span_s = second.t_s - monitor->last_s;
    second.stage = stage_of(monitor);
    if (!(second.span_s > 0))
        return 0;
    add_rates(monitor, &second);
    int code = add_health(monitor, last, &second);
    second.values[TR_SOAK_MEMORY_MISMATCHES] = (double)atomic_load(&faults->memory);
    second.values[TR_SOAK_COMPUTE_MISMATCHES] = (double)atomic_load(&faults->compute);
    if (!code)
        code = add_mismatches(monitor);
    if (!code)
        code = add_nodes(monitor);
    if (!code)
        code = tr_soak_record_add(monitor->record, tr_soak_line_second(&second));
    monitor->last_s = second.t_s;
    monitor->n_seconds++;
    tr_soak_record_flush(monitor->record);
    return code ? code : tell(monitor, &second);
}

/* --- memory that others need ----------------------------------------------------------------- */

static int64_t available_bytes(const struct tr_machine *machine) {
    struct tr_environment environment;
    if (tr_environment_read(machine, &environment))
        return -1;
    int64_t bytes = environment.memory_available_bytes;
    tr_environment_finish(&environment);
    return bytes;
}

static int watch_memory(struct tr_soak_monitor *monitor) {
    const struct tr_soak_plan *plan = monitor->run->plan;
    int64_t available = plan->memory_bytes ? available_bytes(monitor->run->machine) : -1;
    bool scarce = available >= 0 && available < monitor->floor_bytes;
    /* A node of several may run out while the others have enough. */
    for (size_t i = 0; plan->n_nodes > 1 && i < plan->n_nodes && !scarce; i++) {
        int64_t here = tr_node_available_bytes(monitor->run->machine, plan->nodes[i].index);
        scarce = here >= 0 && here < monitor->floor_bytes / (int64_t)plan->n_nodes / 2;
    }
    if (!scarce)
        return 0;
    atomic_fetch_add(&monitor->run->squeezed, 1);
    return tr_soak_record_add(
        monitor->record,
        tr_soak_line_note("memory became scarce: an eighth of what was tested was given back"));
}

/* --- life ------------------------------------------------------------------------------------ */

int tr_soak_monitor_init(struct tr_soak_monitor *monitor) {
    int code = tr_health_read(monitor->run->machine, true, &monitor->first);
    monitor->begin_ns = tr_now_ns();
    monitor->last_energy_j = monitor->first.sensors.energy_j;
    monitor->last_machine_checks = monitor->first.machine_checks;
    monitor->last_deferred = monitor->first.deferred_errors;
    monitor->last_thresholds = monitor->first.threshold_interrupts;
    monitor->floor_bytes = monitor->run->plan->reserve_bytes / 4;
    return code;
}

void tr_soak_monitor_finish(struct tr_soak_monitor *monitor) {
    tr_health_finish(&monitor->first);
    tr_health_finish(&monitor->last_modules);
}

static void begin_when_ready(struct tr_soak_run *run, int n) {
    if (atomic_load(&run->begun) || atomic_load(&run->ready) < n)
        return;
    run->start_ns = tr_now_ns();
    atomic_store(&run->begun, true);
}

void tr_soak_monitor_work(struct tr_soak_monitor *monitor) {
    struct tr_soak_run *run = monitor->run;
    const struct timespec look = {.tv_nsec = (long)(look_s * 1e9)};
    int n = n_workers(monitor);
    double next_s = 1;
    while (atomic_load(&run->done) < n && !monitor->code) {
        nanosleep(&look, NULL);
        begin_when_ready(run, n);
        if (since_begin_s(monitor) < next_s)
            continue;
        monitor->code = add_second(monitor, false);
        if (!monitor->code)
            monitor->code = watch_memory(monitor);
        while (next_s <= since_begin_s(monitor))
            next_s += 1;
    }
    if (monitor->code)
        atomic_store(&run->quit, true);
    else
        monitor->code = add_second(monitor, true);
}
