/* What it costs a team to meet: this program's spinning barrier and the OpenMP runtime's. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "core_clock.h"
#include "run_latency.h"
#include "series.h"
#include "team.h"

static const double sample_ns_wanted = 1e6;
/* Barriers of a step's first sample, which warms up; the most of any, some ten ms of 5 us each. */
enum { FIRST_ROUNDS = 20, LEAST_ROUNDS = 20, MOST_ROUNDS = 10000 };

struct state {
    const struct tr_machine *machine;
    const struct tr_group *group;
    const struct tr_run_options *options;
    struct tr_series *series;
    struct tr_watch *watches;
    const struct tr_watch **watch_list;
    struct tr_barrier meeting; /* between samples */
    struct tr_barrier measured;
    size_t current, rounds;
    bool calibrated, quit;
    double span_ns, clock_ghz, begun_ns, step_begun_ns;
    struct tr_failure failure;
};

static bool is_openmp(const struct state *state) {
    return !strcmp(state->group->steps[state->current].variant, "openmp");
}

static void meet(struct state *state, int *sense) {
    if (is_openmp(state))
        for (size_t i = 0; i < state->rounds; i++)
            tr_team_barrier();
    else
        for (size_t i = 0; i < state->rounds; i++)
            tr_barrier_wait(&state->measured, sense);
}

static void take_sample(struct state *state, int thread, int *sense) {
    struct tr_watch *watch = &state->watches[thread];
    double clock_before = thread ? NAN : tr_core_clock_burst_ghz();
    tr_watch_begin(watch);
    double begin = tr_now_ns();
    meet(state, sense);
    double end = tr_now_ns();
    tr_watch_end(watch);
    if (thread == 0) {
        state->span_ns = end - begin;
        state->clock_ghz = fmax(clock_before, tr_core_clock_burst_ghz());
    }
}

static int digest(struct state *state) {
    struct tr_series *series = &state->series[state->current];
    double rounds = (double)state->rounds;
    if (!state->calibrated) {
        double wanted = sample_ns_wanted / fmax(1, state->span_ns / rounds);
        state->rounds = (size_t)fmin(fmax(wanted, LEAST_ROUNDS), MOST_ROUNDS);
        state->calibrated = true;
        return 0;
    }
    if (!tr_watch_keep(state->watch_list, (size_t)state->group->crew.n_threads, state->span_ns,
                       series))
        return 0;
    series->units_total += state->span_ns;
    series->span_total_ns += rounds;
    return tr_series_add(series, state->span_ns / rounds, state->watch_list,
                         (size_t)state->group->crew.n_threads, state->clock_ghz);
}

static bool is_done(const struct state *state) {
    const struct tr_series *series = &state->series[state->current];
    double now = tr_now_ns(), share = state->group->seconds * 1e9 / (double)state->group->n_steps;
    size_t least = state->options->min_samples;
    return (now - state->step_begun_ns > share && series->n >= least) ||
           (now - state->begun_ns > (2 * state->group->seconds + 5) * 1e9 && series->n >= 3) ||
           tr_series_settled(series, least);
}

/* By thread 0, between two barriers. */
static void decide(struct state *state, bool have_sample) {
    bool next = !have_sample;
    if (have_sample && !state->failure.code) {
        tr_failure_set(&state->failure, digest(state), NULL);
        if (state->calibrated && is_done(state)) {
            state->current++;
            next = true;
        }
    }
    if (*state->options->stop)
        tr_failure_set(&state->failure, TR_ESTOPPED, NULL);
    state->quit = state->failure.code || state->current >= state->group->n_steps;
    if (state->quit || !next)
        return;
    state->calibrated = false;
    state->rounds = FIRST_ROUNDS;
    state->step_begun_ns = tr_now_ns();
    tr_series_tell(state->options, state->group, state->current, &state->series[state->current],
                   state->begun_ns);
}

static void work(void *context, int thread) {
    struct state *state = context;
    int sense = 0, measured_sense = 0;
    struct tr_err err = {0};
    int code = tr_watch_start(state->machine, state->group->crew.cpus[thread],
                              &state->watches[thread], &err);
    tr_failure_set(&state->failure, code, &err);
    tr_barrier_wait(&state->meeting, &sense);
    if (thread == 0)
        decide(state, false);
    tr_barrier_wait(&state->meeting, &sense);
    while (!state->quit) {
        take_sample(state, thread, &measured_sense);
        tr_barrier_wait(&state->meeting, &sense);
        if (thread == 0)
            decide(state, true);
        tr_barrier_wait(&state->meeting, &sense);
    }
    tr_watch_stop(&state->watches[thread]);
}

int tr_run_barriers(const struct tr_machine *machine, const struct tr_group *group,
                    const struct tr_run_options *options, struct tr_series *ret_series,
                    struct tr_err *reterr) {
    struct state state = {.machine = machine,
                          .group = group,
                          .options = options,
                          .series = ret_series,
                          .begun_ns = tr_now_ns()};
    size_t threads = (size_t)group->crew.n_threads;
    int code = TR_ENOMEM;
    for (size_t i = 0; i < group->n_steps; i++)
        tr_series_init(&ret_series[i]);
    if (!group->n_steps || !threads)
        return 0;
    state.watches = calloc(threads, sizeof(*state.watches));
    state.watch_list = calloc(threads, sizeof(*state.watch_list));
    if (!state.watches || !state.watch_list)
        goto out;
    for (size_t i = 0; i < threads; i++)
        state.watch_list[i] = &state.watches[i];
    tr_barrier_init(&state.meeting, group->crew.n_threads);
    tr_barrier_init(&state.measured, group->crew.n_threads);
    code = tr_team_run(group->crew.n_threads, work, &state, reterr);
    if (!code)
        code = tr_failure_get(&state.failure, reterr);
    for (size_t i = 0; i < group->n_steps; i++)
        if (tr_series_close(&ret_series[i]) && !code)
            code = TR_ENOMEM;
out:
    free(state.watches);
    free(state.watch_list);
    return code;
}
