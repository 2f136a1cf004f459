/* Pairs of cores: two threads pass one cache line to and fro. */
#include <math.h>
#include <stdatomic.h>
#include <stdint.h>

#include "clock.h"
#include "core_clock.h"
#include "pages.h"
#include "run_latency.h"
#include "series.h"
#include "team.h"

static const double sample_ns_least = 5e4, sample_ns_most = 2e6;
/* Round trips of the first sample of a pair, which warms up and tells how long one takes; the most
 * of any sample, 100 ms where one takes 2 us. */
enum { FIRST_ROUNDS = 200, LEAST_ROUNDS = 100, MOST_ROUNDS = 50000, LINE_PAGE_BYTES = 4096 };

struct state {
    const struct tr_machine *machine;
    const struct tr_group *group;
    const struct tr_run_options *options;
    struct tr_series *series;
    struct tr_watch watches[2];
    struct tr_buffer buffer; /* holds the line, at its begin */
    size_t line_row;         /* whose memory it is in; SIZE_MAX before the first */
    struct tr_barrier barrier;
    size_t current, rounds;
    bool calibrated, rebind, quit;
    size_t passed[2]; /* times that each side handed the line over */
    double span_ns, clock_ghz, begun_ns, step_begun_ns;
    struct tr_failure failure;
};

static atomic_uint_least64_t *line_of(const struct state *state) {
    return (atomic_uint_least64_t *)(void *)state->buffer.base;
}

/* Side 0 makes even numbers odd, side 1 odd ones even. Waiting is trying: the line moves with every
 * handover, as a lock's would. */
static void pass_line(struct state *state, int side) {
    atomic_uint_least64_t *line = line_of(state);
    size_t passed = 0;
    const size_t rounds = state->rounds;
    for (uint64_t value = (uint64_t)side; passed < rounds; value += 2) {
        uint64_t expected = value;
        while (!atomic_compare_exchange_weak_explicit(line, &expected, value + 1,
                                                      memory_order_acq_rel, memory_order_relaxed))
            expected = value;
        passed++;
    }
    state->passed[side] = passed;
}

/* The line's page is new for each row, on that core's node and first touched by it. */
static int place_line(struct state *state, struct tr_err *reterr) {
    size_t row = state->group->steps[state->current].row;
    bool bound;
    if (state->line_row == row)
        return 0;
    tr_buffer_unmap(&state->buffer);
    state->line_row = row;
    return tr_buffer_map(LINE_PAGE_BYTES, TR_PAGES_4K, state->group->crew.memory_nodes[row],
                         &state->buffer, &bound, reterr);
}

static void take_sample(struct state *state, int side) {
    struct tr_watch *watch = &state->watches[side];
    double clock_before = side ? NAN : tr_core_clock_burst_ghz();
    tr_watch_begin(watch);
    double begin = tr_now_ns();
    pass_line(state, side);
    double end = tr_now_ns();
    tr_watch_end(watch);
    if (side == 0) {
        state->span_ns = end - begin;
        state->clock_ghz = fmax(clock_before, tr_core_clock_burst_ghz());
    }
}

static double share_ns(const struct state *state) {
    return state->group->seconds * 1e9 / (double)state->group->n_steps;
}

static void calibrate(struct state *state) {
    double sample_ns = fmin(fmax(share_ns(state) / 16, sample_ns_least), sample_ns_most);
    double rounds = sample_ns / fmax(1, state->span_ns / (double)state->rounds);
    state->rounds = (size_t)fmin(fmax(rounds, LEAST_ROUNDS), MOST_ROUNDS);
    state->calibrated = true;
}

static int digest(struct state *state) {
    struct tr_series *series = &state->series[state->current];
    const struct tr_watch *watches[] = {&state->watches[0], &state->watches[1]};
    double transfers = 2.0 * (double)state->rounds;
    if (state->passed[0] != state->rounds || state->passed[1] != state->rounds ||
        atomic_load(line_of(state)) != 2 * state->rounds) {
        series->wrong = true;
        return 0;
    }
    if (!state->calibrated) {
        calibrate(state);
        return 0;
    }
    if (!tr_watch_keep(watches, 2, state->span_ns, series))
        return 0;
    series->units_total += state->span_ns;
    series->span_total_ns += transfers;
    return tr_series_add(series, state->span_ns / transfers, watches, 2, state->clock_ghz);
}

static bool is_done(const struct state *state) {
    const struct tr_series *series = &state->series[state->current];
    double now = tr_now_ns();
    bool late = now - state->step_begun_ns > share_ns(state);
    bool very_late = now - state->begun_ns > (2 * state->group->seconds + 5) * 1e9;
    size_t least = state->options->min_samples;
    return series->wrong || (late && series->n >= least) || (very_late && series->n >= 3) ||
           tr_series_settled(series, least);
}

/* By side 0, between two barriers. */
static void decide(struct state *state, bool have_sample) {
    bool next = !have_sample;
    state->rebind = false;
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
    if (state->quit)
        return;
    if (next) {
        state->rebind = true;
        state->calibrated = false;
        state->rounds = FIRST_ROUNDS;
        state->step_begun_ns = tr_now_ns();
        tr_series_tell(state->options, state->group, state->current, &state->series[state->current],
                       state->begun_ns);
    }
}

/* Puts this side's thread on its core of the pair. */
static void move_side(struct state *state, int side) {
    const struct tr_step *step = &state->group->steps[state->current];
    size_t at = side ? step->column : step->row;
    struct tr_err err = {0};
    tr_watch_stop(&state->watches[side]);
    int code =
        tr_watch_start(state->machine, state->group->crew.cpus[at], &state->watches[side], &err);
    if (!code && side == 0)
        code = place_line(state, &err);
    tr_failure_set(&state->failure, code, &err);
}

static void work(void *context, int side) {
    struct state *state = context;
    int sense = 0;
    if (side == 0)
        decide(state, false);
    tr_barrier_wait(&state->barrier, &sense);
    while (!state->quit) {
        if (state->rebind)
            move_side(state, side);
        if (side == 0 && !state->failure.code)
            atomic_store(line_of(state), 0);
        tr_barrier_wait(&state->barrier, &sense);
        if (!state->failure.code)
            take_sample(state, side);
        tr_barrier_wait(&state->barrier, &sense);
        if (side == 0)
            decide(state, true);
        tr_barrier_wait(&state->barrier, &sense);
    }
    tr_watch_stop(&state->watches[side]);
}

int tr_run_pairs(const struct tr_machine *machine, const struct tr_group *group,
                 const struct tr_run_options *options, struct tr_series *ret_series,
                 struct tr_err *reterr) {
    struct state state = {.machine = machine,
                          .group = group,
                          .options = options,
                          .series = ret_series,
                          .line_row = SIZE_MAX,
                          .begun_ns = tr_now_ns()};
    for (size_t i = 0; i < group->n_steps; i++)
        tr_series_init(&ret_series[i]);
    if (!group->n_steps || group->crew.n_threads < 2)
        return 0;
    tr_barrier_init(&state.barrier, 2);
    int code = tr_team_run(2, work, &state, reterr);
    if (!code)
        code = tr_failure_get(&state.failure, reterr);
    for (size_t i = 0; i < group->n_steps; i++)
        if (tr_series_close(&ret_series[i]) && !code)
            code = TR_ENOMEM;
    tr_buffer_unmap(&state.buffer);
    return code;
}
