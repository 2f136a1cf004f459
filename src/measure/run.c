#include "run.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "bind.h"
#include "clock.h"

#include "series.h"
#include "statistics.h"
#include "team.h"
#include "work.h"

/* Where one step of the group stands. */
struct stage {
    const struct tr_step *step;
    struct tr_series *series;
    bool calibrated;  /* its first samples told how much work makes one */
    int tries;        /* such samples so far */
    uint64_t n_taken; /* samples of this stage */
    bool done;
    double *clocks;     /* of each sample kept: performance cores, efficiency cores */
    uint64_t *expected; /* the reference's sum for each thread's slice */
};

/* Shared by the team. Written by thread 0 between two barriers, `code` and `err` aside. */
struct state {
    const struct tr_machine *machine;
    const struct tr_group *group;
    const struct tr_run_options *options;
    struct stage *stages;
    struct tr_worker **workers;
    struct tr_barrier barrier;
    size_t current; /* stage of the sample at hand */
    struct tr_sample_context sample;
    bool quit;
    uint64_t n_samples;
    double begun_ns;
    double stolen_s;               /* steal time of the machine at the last look */
    struct tr_failure failure;     /* first failure of any thread */
    const struct tr_kernel *probe; /* the form whose turn it is in a search */
    /* By the memory controllers, of the sample at hand; told only where both readings were. */
    struct tr_traffic moved_before, moved_after;
    bool moved_told;
};

/* ---- buffers ---- */

/* By the owner: mapped, bound to its node, written first by its thread. */
static int map_arrays(struct state *state, int thread, struct tr_worker *worker,
                      struct tr_err *reterr) {
    const struct tr_group *group = state->group;
    int node = group->crew.memory_nodes[thread];
    worker->huge_fraction = worker->node_fraction = NAN;
    for (int array = 0; array < TR_ARRAYS; array++) {
        int64_t bytes = tr_array_bytes(group, array);
        if (!bytes)
            continue;
        size_t skew = tr_array_skew(array, thread);
        bool bound = false;
        int misplaced = state->options->fault.misplaced_node;
        int code = tr_buffer_map((size_t)bytes + skew, state->options->pages,
                                 misplaced ? misplaced - 1 : node, &worker->buffers[array], &bound,
                                 reterr);
        if (code)
            return code;
        if (node >= 0 && !bound)
            worker->bound_refused = true;
        worker->arrays[array] = (double *)(void *)(worker->buffers[array].base + skew);
        code = tr_work_of(&group->steps[0])
                   ->fill(group, thread, array, (size_t)bytes, state->options->stop, worker);
        if (code)
            return code;
    }
    return 0;
}

/* Vectors and results of a product are smaller than a huge page: that they lie in none tells
 * nothing. */
enum { LEAST_HUGE_BYTES = 4 << 20 };

static void measure_placement(struct state *state, int thread, struct tr_worker *worker) {
    int node = state->group->crew.memory_nodes[thread];
    for (int array = 0; array < TR_ARRAYS; array++) {
        if (!worker->buffers[array].mapping)
            continue;
        /* fmin ignores NAN: the worst array that the kernel tells about. */
        if (worker->buffers[array].bytes >= LEAST_HUGE_BYTES)
            worker->huge_fraction =
                fmin(worker->huge_fraction, tr_buffer_huge_fraction(&worker->buffers[array]));
        worker->node_fraction =
            fmin(worker->node_fraction, tr_buffer_node_fraction(&worker->buffers[array], node));
    }
}

/* ---- one thread ---- */

static int setup_worker(struct state *state, int thread, struct tr_err *reterr) {
    struct tr_worker *worker = aligned_alloc(128, (sizeof(*worker) + 127) / 128 * 128);
    if (!worker)
        return TR_ENOMEM;
    memset(worker, 0, sizeof(*worker)); /* touches the time line's pages, on this thread's node */
    state->workers[thread] = worker;
    worker->doses = calloc(state->group->n_steps, sizeof(*worker->doses));
    if (!worker->doses)
        return TR_ENOMEM;
    tr_counters_start(&worker->counters);
    int code = map_arrays(state, thread, worker, reterr);
    if (code)
        return code;
    measure_placement(state, thread, worker);
    for (size_t i = 0; i < state->group->n_steps; i++) {
        const struct tr_step *step = &state->group->steps[i];
        const struct tr_step *before = i ? step - 1 : NULL;
        const struct tr_work_kind *kind = tr_work_of(step);
        uint64_t *expected = &state->stages[i].expected[thread];
        if (before && kind->same_setup && kind == tr_work_of(before) &&
            kind->same_setup(before, step))
            *expected = state->stages[i - 1].expected[thread];
        else
            code = kind->setup(step, worker, expected);
        if (code)
            return code;
        if (*state->options->stop)
            return TR_ESTOPPED;
    }
    return 0;
}

/* Of samples from memory whose bytes are known; all threads stand still before and after. */
static bool counts_traffic(const struct state *state) {
    const struct tr_step *step = &state->group->steps[state->current];
    return state->options->traffic && step->from_memory && tr_work_of(step)->nominal_traffic;
}

/* By all threads: none is at work while thread 0 reads, and none goes on before it has. */
static void read_traffic(struct state *state, int thread, bool after) {
    int *sense = &state->workers[thread]->barrier_sense;
    if (!counts_traffic(state))
        return;
    tr_barrier_wait(&state->barrier, sense);
    if (thread == 0) {
        bool told = tr_traffic_read(state->options->traffic,
                                    after ? &state->moved_after : &state->moved_before);
        state->moved_told = told && (!after || state->moved_told);
    }
    tr_barrier_wait(&state->barrier, sense);
}

static void take_sample(struct state *state, int thread) {
    struct tr_worker *worker = state->workers[thread];
    const struct tr_step *step = &state->group->steps[state->current];
    int cpu = state->group->crew.cpus[thread];
    if (!worker) /* setting up failed, and the group is being given up */
        return;
    const struct tr_work_kind *kind = tr_work_of(step);
    struct tr_dose *dose = &worker->doses[state->current];
    if (!dose->passes && !dose->turns)
        kind->first_dose(step, dose);
    kind->prepare(step, dose, &state->sample, worker);
    worker->not_pinned = !tr_thread_is_bound(state->machine, cpu);
    worker->clock_ghz = NAN;
    read_traffic(state, thread, false);
    tr_counters_read(&worker->counters, &worker->before);
    worker->cpu_before = tr_current_cpu();
    tr_barrier_wait(&state->barrier, &worker->barrier_sense);
    kind->work(step, dose, &state->sample, worker);
    if (!kind->own_clock) /* at once: see core_clock.h */
        worker->clock_ghz = tr_core_clock_burst_ghz();
    worker->cpu_after = tr_current_cpu();
    tr_counters_read(&worker->counters, &worker->after);
    read_traffic(state, thread, true); /* before results are compared, which reads them */
    if (!worker->stopped)
        kind->check(step, dose, &state->sample, state->stages[state->current].expected[thread],
                    worker);
}

/* ---- thread 0: what a sample gave, what comes next ---- */

struct window {
    double rate;     /* over the time in which all threads ran */
    double units;    /* all work */
    double span_ns;  /* first start to last finish, less the bursts of the clock between pieces */
    double fraction; /* common window / span */
};

/* Bursts of the clock between the pieces are no part of the work, and other programs have none: the
 * thread that spent least on them tells how much shorter the span was without. */
static double least_clock_ns(const struct state *state) {
    double least = INFINITY;
    for (int i = 0; i < state->group->crew.n_threads; i++) {
        const struct tr_worker *worker = state->workers[i];
        double taken_ns = tr_core_clock_taken_ns(&worker->clock, worker->clock_ghz);
        least = fmin(least, isnan(taken_ns) ? 0 : taken_ns);
    }
    return least;
}

static struct window evaluate(const struct state *state) {
    int n = state->group->crew.n_threads;
    const struct tr_work_kind *kind = tr_work_of(&state->group->steps[state->current]);
    double first = INFINITY, last = 0, begin = 0, end = INFINITY;
    struct window window = {0};
    for (int i = 0; i < n; i++) {
        const struct tr_timeline *line = &state->workers[i]->timeline;
        first = fmin(first, line->begin_ns[0]);
        begin = fmax(begin, line->begin_ns[0]);
        last = fmax(last, line->end_ns[line->n - 1]);
        end = fmin(end, line->end_ns[line->n - 1]);
    }
    for (int i = 0; i < n; i++) {
        const struct tr_timeline *line = &state->workers[i]->timeline;
        double units = 0, busy = 0;
        for (size_t k = 0; k < line->n; k++) {
            double length = line->end_ns[k] - line->begin_ns[k];
            double inside = fmin(line->end_ns[k], end) - fmax(line->begin_ns[k], begin);
            window.units += line->units[k];
            if (inside <= 0)
                continue;
            units += line->units[k] * inside / length;
            busy += inside;
        }
        window.rate += !kind->busy_time ? units / (end - begin) : busy > 0 ? units / busy : 0;
    }
    if (kind->mean)
        window.rate /= n;
    window.span_ns = last - first - least_clock_ns(state);
    window.fraction = (end - begin) / (last - first);
    return window;
}

/* Mean clock of the threads on efficiency cores, or on all others; NAN without any. */
static double mean_clock(const struct state *state, bool efficiency) {
    double sum = 0;
    int n = 0;
    for (int i = 0; i < state->group->crew.n_threads; i++) {
        if (state->group->crew.efficiency[i] != efficiency || isnan(state->workers[i]->clock_ghz))
            continue;
        sum += state->workers[i]->clock_ghz;
        n++;
    }
    return n ? sum / n : NAN;
}

static double own_span_ns(const struct tr_worker *worker) {
    const struct tr_timeline *line = &worker->timeline;
    return line->end_ns[line->n - 1] - line->begin_ns[0];
}

/* As long as its work would have taken at the pace of its median piece: one that another program
 * held up in a few pieces would otherwise be given too little for all the samples that follow. */
static double undisturbed_span_ns(const struct tr_worker *worker) {
    const struct tr_timeline *line = &worker->timeline;
    struct tr_summary paces = {.median = NAN}; /* of ns per unit */
    double units = 0;
    double *pace = calloc(line->n, sizeof(*pace));
    for (size_t k = 0; pace && k < line->n; k++) {
        pace[k] = (line->end_ns[k] - line->begin_ns[k]) / line->units[k];
        units += line->units[k];
    }
    int failed = !pace || tr_summarize(pace, line->n, &paces);
    free(pace);
    return failed || !isfinite(paces.median) ? own_span_ns(worker) : paces.median * units;
}

static double sample_ns(const struct tr_group *group) {
    return group->sample_ns > 0 ? group->sample_ns : TR_SAMPLE_NS;
}

/* Sets each thread's dose from its own time in the sample just taken. Short samples tell little:
 * they are repeated with the larger dose. */
static void calibrate_all(struct state *state, struct stage *stage) {
    enum { MOST_TRIES = 8 };
    double shortest = INFINITY;
    for (int i = 0; i < state->group->crew.n_threads; i++) {
        struct tr_worker *worker = state->workers[i];
        double span_ns = undisturbed_span_ns(worker);
        shortest = fmin(shortest, span_ns);
        /* A coarse clock may not have moved. Each thread has a dose of its own, since cores of one
         * machine differ. */
        tr_work_of(stage->step)
            ->calibrate(stage->step, sample_ns(state->group), fmax(span_ns, 1),
                        &worker->doses[state->current]);
    }
    stage->tries++;
    stage->calibrated = shortest >= sample_ns(state->group) / 3 || stage->tries == MOST_TRIES;
}

/* Thread i was found on another CPU than its own before or after the sample. */
static bool was_elsewhere(const struct state *state, int i) {
    const struct tr_worker *worker = state->workers[i];
    const int own = state->group->crew.cpus[i];
    return worker->cpu_before != own || worker->cpu_after != own;
}

/* What the threads' counters say of the sample, all together. */
static struct tr_sample_conditions conditions_of(struct state *state, const struct window *window) {
    struct tr_sample_conditions all = {.core_ghz = mean_clock(state, false),
                                       .window_fraction = window->fraction};
    struct tr_activity activity;
    for (int i = 0; i < state->group->crew.n_threads; i++) {
        tr_conditions_count(&all, &state->workers[i]->before, &state->workers[i]->after);
        all.moved_threads += was_elsewhere(state, i);
    }
    if (isnan(all.core_ghz))
        all.core_ghz = mean_clock(state, true);
    tr_activity_read(state->machine, &activity);
    all.steal_s = activity.steal_s - state->stolen_s; /* since the sample before this one */
    state->stolen_s = activity.steal_s;
    return all;
}

static int keep(struct state *state, struct stage *stage, const struct window *window,
                double rate) {
    struct tr_series *series = stage->series;
    double *rates = realloc(series->rates, (series->n + 1) * sizeof(*rates));
    if (!rates)
        return TR_ENOMEM;
    series->rates = rates;
    double *clocks = realloc(stage->clocks, 2 * (series->n + 1) * sizeof(*clocks));
    if (!clocks)
        return TR_ENOMEM;
    stage->clocks = clocks;
    struct tr_sample_conditions *conditions =
        realloc(series->conditions, (series->n + 1) * sizeof(*conditions));
    if (!conditions)
        return TR_ENOMEM;
    series->conditions = conditions;
    conditions[series->n] = conditions_of(state, window);
    rates[series->n] = rate;
    clocks[2 * series->n] = mean_clock(state, false);
    clocks[2 * series->n + 1] = mean_clock(state, true);
    series->n++;
    if (state->options->sample)
        state->options->sample(state->options->sample_context, stage->step, rate);
    return 0;
}

/* Median rate / median of (rate / clock), over the samples whose clock is known. */
static double clock_of_median(const struct stage *stage, size_t kind) {
    const struct tr_series *series = stage->series;
    struct tr_summary rate = {0}, per_ghz = {0};
    double *ratios = calloc(series->n + 1, sizeof(*ratios));
    size_t n = 0;
    for (size_t i = 0; ratios && i < series->n; i++)
        if (stage->clocks[2 * i + kind] > 0)
            ratios[n++] = series->rates[i] / stage->clocks[2 * i + kind];
    int failed =
        !n || tr_summarize(series->rates, series->n, &rate) || tr_summarize(ratios, n, &per_ghz);
    free(ratios);
    return failed ? NAN : rate.median / per_ghz.median;
}

/* Takes the sample over, or drops it as disturbed so that it is repeated. */
static int digest(struct state *state) {
    struct stage *stage = &state->stages[state->current];
    struct tr_series *series = stage->series;
    bool migrated = false, not_pinned = false, faulted = false, wrong = false;
    int n = state->group->crew.n_threads;
    int64_t switches = 0;

    for (int i = 0; i < n; i++) {
        const struct tr_worker *worker = state->workers[i];
        if (worker->stopped)
            return TR_ESTOPPED;
        tr_series_count_time(series, &worker->before, &worker->after);
        wrong |= worker->wrong;
        not_pinned |= worker->not_pinned;
        migrated |= was_elsewhere(state, i);
        faulted |= worker->after.page_faults > worker->before.page_faults;
        int64_t own = worker->after.context_switches - worker->before.context_switches;
        switches = own > switches ? own : switches; /* of the thread that has most */
    }
    if (wrong) {
        series->wrong = true;
        stage->done = true;
        return 0;
    }
    struct window window = evaluate(state);
    if (!stage->calibrated) { /* these samples were the warm-up, too */
        calibrate_all(state, stage);
        return 0;
    }
    bool preempted = tr_series_preempted(switches, window.span_ns);
    bool hopeless = !(window.rate > 0) || !(window.span_ns > 0);
    bool disturbed = migrated || not_pinned || faulted || preempted || window.fraction < 0.7;
    if (hopeless || (disturbed && series->dropped <= series->n + 5)) {
        series->dropped++;
        series->migrated |= migrated;
        series->not_pinned |= not_pinned;
        series->faulted |= faulted;
        return 0;
    }
    if (tr_now_ns() - state->begun_ns < 1e9 * state->group->warm_up_s)
        return 0; /* load, no sample yet */
    series->disturbed += disturbed;
    for (int i = 0; i < n; i++)
        tr_series_count(series, &state->workers[i]->before, &state->workers[i]->after);
    series->units_total += window.units;
    series->span_total_ns += window.span_ns;
    const struct tr_work_kind *kind = tr_work_of(stage->step);
    if (counts_traffic(state) && state->moved_told)
        tr_counted_add_traffic(&series->counted, &state->moved_before, &state->moved_after,
                               kind->rate(stage->step, window.units));
    return keep(state, stage, &window, kind->rate(stage->step, window.rate));
}

/* Next step in turn that still wants samples; false when the group is done. */
static bool choose_next(struct state *state) {
    const struct tr_group *group = state->group;
    double elapsed_s = (tr_now_ns() - state->begun_ns) / 1e9 - group->warm_up_s;
    bool late = elapsed_s > group->seconds;
    bool very_late = elapsed_s > 2 * group->seconds + 2;
    for (size_t i = 0; i < group->n_steps; i++) {
        struct stage *stage = &state->stages[i];
        const struct tr_series *series = stage->series;
        size_t least = state->options->min_samples;
        if (stage->done)
            continue;
        /* Out of time: the samples that a median needs, no more; far out of time: three. */
        stage->done = (late && series->n >= least) || (very_late && series->n >= 3) ||
                      (!late && tr_series_settled(series, least)) || tr_series_hopeless(series);
    }
    for (size_t k = 1; k <= group->n_steps; k++) {
        size_t i = (state->current + k) % group->n_steps;
        if (!state->stages[i].done) {
            state->current = i;
            return true;
        }
    }
    return false;
}

static void tell_progress(const struct state *state) {
    const struct tr_run_options *options = state->options;
    const struct tr_series *series = state->stages[state->current].series;
    const struct tr_kernel *kernel = state->stages[state->current].step->kernel;
    double elapsed_s = (tr_now_ns() - state->begun_ns) / 1e9;
    if (!options->progress)
        return;
    struct tr_run_progress progress = {
        .group = state->group,
        .kernel = kernel,
        .stage = options->stage,
        .n_stages = options->n_stages,
        .seconds_left = fmax(0, state->group->seconds + state->group->warm_up_s - elapsed_s) +
                        options->seconds_after,
        .current = series->n ? series->rates[series->n - 1] : NAN,
        .unit = tr_work_of(state->stages[state->current].step)->unit,
    };
    options->progress(options->progress_context, &progress);
}

/* Sets up what the threads are to do next. */
static void prepare_next(struct state *state) {
    struct stage *stage = &state->stages[state->current];
    state->n_samples++;
    stage->n_taken++;
    state->sample = (struct tr_sample_context){
        .scalar = 1.0 + (double)(state->n_samples % 4096) / 1024.0,
        .number = state->n_samples,
        /* Every element is compared in a step's first (untimed) samples and in each 16th, one
         * element per page in the others. */
        .whole = !stage->calibrated || stage->n_taken % 16 == 0,
        .stop = state->options->stop,
    };
}

static void decide(struct state *state, bool have_sample) {
    int code = have_sample && !state->failure.code ? digest(state) : 0;
    if (!code && *state->options->stop)
        code = TR_ESTOPPED;
    tr_failure_set(&state->failure, code, NULL);
    if (state->failure.code || !choose_next(state)) {
        state->quit = true;
        return;
    }
    tell_progress(state);
    prepare_next(state);
}

/* For the self-test: on an allowed CPU that is not the one the crew says. */
static int bind_elsewhere(const struct state *state, int own_cpu, struct tr_err *reterr) {
    const struct tr_cpulist *allowed = &state->machine->allowed_cpus;
    for (size_t i = 0; i < allowed->n; i++)
        if (allowed->ids[i] != own_cpu)
            return tr_bind_thread(state->machine, allowed->ids[i], reterr);
    return 0;
}

/* ---- search for the fastest form, before the samples that count ---- */

/* Whoever has the same kernel as the winner is the same figure twice: it stands back. */
static void take_winner(struct state *state, size_t step) {
    const struct tr_group *group = state->group;
    group->steps[step].kernel = tr_search_winner(&state->stages[step].series->search);
    for (size_t i = 0; i < group->n_steps; i++)
        if (i != step && group->steps[i].kernel == group->steps[step].kernel &&
            group->steps[i].slice_bytes == group->steps[step].slice_bytes)
            state->stages[i].done = true;
}

static const struct tr_kernel *next_probe(struct state *state, const struct tr_search *search) {
    return state->failure.code || *state->options->stop ? NULL : tr_search_next(search);
}

static void search_step(struct state *state, int thread, int *sense) {
    struct tr_step step = state->group->steps[state->current];
    struct tr_search *search = &state->stages[state->current].series->search;
    for (;;) {
        if (thread == 0)
            state->probe = next_probe(state, search);
        tr_barrier_wait(&state->barrier, sense);
        if (!state->probe)
            break;
        step.kernel = state->probe;
        tr_work_of(&step)->probe(&step, TR_PROBE_NS, state->options->stop, state->workers[thread]);
        tr_barrier_wait(&state->barrier, sense);
        if (thread == 0 && !*state->options->stop)
            tr_search_note(search, tr_work_of(&step)->rate(&step, evaluate(state).rate));
    }
    if (thread == 0 && !state->failure.code)
        take_winner(state, state->current);
}

/* By all threads together. */
static void search_forms(struct state *state, int thread, int *sense) {
    for (size_t i = 0; i < state->group->n_steps; i++) {
        if (!state->stages[i].series->search.n)
            continue;
        if (thread == 0)
            state->current = i;
        tr_barrier_wait(&state->barrier, sense);
        search_step(state, thread, sense);
        tr_barrier_wait(&state->barrier, sense);
    }
}

static int prepare_searches(struct state *state) {
    const struct tr_group *group = state->group;
    for (size_t i = 0; i < group->n_steps; i++) {
        const struct tr_kernel *kernel = group->steps[i].kernel;
        bool lower = !strcmp(kernel->isa, tr_isa_name(TR_ISA_AVX512)) &&
                     state->machine->cpu.levels[TR_ISA_AVX2].available;
        if (group->steps[i].searched &&
            tr_search_init(kernel, lower ? tr_isa_name(TR_ISA_AVX2) : NULL,
                           &state->stages[i].series->search))
            return TR_ENOMEM;
    }
    return 0;
}

static void work(void *context, int thread) {
    struct state *state = context;
    int sense = 0;
    struct tr_err err = {0};
    int code = tr_bind_thread(state->machine, state->group->crew.cpus[thread], &err);
    if (!code && state->options->fault.wrong_core)
        code = bind_elsewhere(state, state->group->crew.cpus[thread], &err);
    if (!code)
        code = setup_worker(state, thread, &err);
    tr_failure_set(&state->failure, code, &err);
    tr_barrier_wait(&state->barrier, &sense);
    search_forms(state, thread, &sense);
    if (thread == 0) {
        struct tr_activity activity;
        state->begun_ns = tr_now_ns();
        tr_activity_read(state->machine, &activity);
        state->stolen_s = activity.steal_s;
        state->current = state->group->n_steps - 1; /* so that the first one comes first */
        decide(state, false);
    }
    tr_barrier_wait(&state->barrier, &sense);
    struct tr_worker *worker = state->workers[thread]; /* NULL only where all give up */
    if (worker)
        worker->barrier_sense = sense;
    while (worker && !state->quit) {
        take_sample(state, thread);
        tr_barrier_wait(&state->barrier, &worker->barrier_sense);
        if (thread == 0)
            decide(state, true);
        tr_barrier_wait(&state->barrier, &worker->barrier_sense);
    }
    if (worker)
        tr_counters_stop(&worker->counters);
    tr_unbind_thread(state->machine);
}

/* ---- the group ---- */

static void finish_workers(struct state *state) {
    for (int i = 0; state->workers && i < state->group->crew.n_threads; i++) {
        struct tr_worker *worker = state->workers[i];
        if (!worker)
            continue;
        for (int array = 0; array < TR_ARRAYS; array++)
            tr_buffer_unmap(&worker->buffers[array]);
        tr_work_stream_finish(worker);
        free(worker->chain_start);
        free(worker->doses);
        free(worker);
    }
    free(state->workers);
}

static void finish_series(struct state *state) {
    for (size_t i = 0; i < state->group->n_steps; i++) {
        struct tr_series *series = state->stages[i].series;
        const struct tr_work_kind *kind = tr_work_of(state->stages[i].step);
        for (int thread = 0; thread < state->group->crew.n_threads; thread++) {
            const struct tr_worker *worker = state->workers[thread];
            if (!worker)
                continue;
            series->huge_fraction = fmin(series->huge_fraction, worker->huge_fraction);
            series->node_fraction = fmin(series->node_fraction, worker->node_fraction);
            series->bound_refused |= worker->bound_refused;
        }
        /* From here on in units of the kernel: bytes, FLOP. */
        series->units_total = kind->rate(state->stages[i].step, series->units_total);
        series->core_ghz = clock_of_median(&state->stages[i], 0);
        series->efficiency_ghz = clock_of_median(&state->stages[i], 1);
        if (kind->mean)
            series->units_total /= state->group->crew.n_threads;
    }
}

int tr_run_group(const struct tr_machine *machine, const struct tr_group *group,
                 const struct tr_run_options *options, struct tr_series *ret_series,
                 struct tr_err *reterr) {
    struct state state = {.machine = machine, .group = group, .options = options};
    size_t threads = (size_t)group->crew.n_threads;
    int code = TR_ENOMEM;

    if (!threads || !group->n_steps)
        return 0;

    for (size_t i = 0; i < group->n_steps; i++)
        ret_series[i] = (struct tr_series){
            .core_ghz = NAN, .efficiency_ghz = NAN, .huge_fraction = NAN, .node_fraction = NAN};
    state.workers = calloc(threads, sizeof(*state.workers));
    state.stages = calloc(group->n_steps, sizeof(*state.stages));
    if (!state.workers || !state.stages)
        goto out;
    for (size_t i = 0; i < group->n_steps; i++) {
        struct stage *stage = &state.stages[i];
        stage->step = &group->steps[i];
        stage->series = &ret_series[i];
        stage->expected = calloc(threads, sizeof(*stage->expected));
        if (!stage->expected)
            goto out;
    }
    code = prepare_searches(&state);
    if (code)
        goto out;
    tr_barrier_init(&state.barrier, group->crew.n_threads);
    code = tr_team_run(group->crew.n_threads, work, &state, reterr);
    if (!code)
        code = tr_failure_get(&state.failure, reterr);
    finish_series(&state);
out:
    finish_workers(&state);
    for (size_t i = 0; state.stages && i < group->n_steps; i++) {
        free(state.stages[i].expected);
        free(state.stages[i].clocks);
    }
    free(state.stages);
    return code;
}

void tr_series_finish(struct tr_series *series) {
    if (!series)
        return;
    free(series->rates);
    free(series->conditions);
    tr_search_finish(&series->search);
    *series = (struct tr_series){0};
}
