/* Latency against working set: one thread, one random cycle after the other, several times over. */
#include "run_latency.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "chaser.h"
#include "clock.h"
#include "core_clock.h"
#include "marks.h"
#include "series.h"
#include "statistics.h"
#include "team.h"

/* A sample: far above the clock's steps, and not so long that nine of them would cost a second. */
static const double sample_ns_least = 2e5, sample_ns_most = 2e7;
/* Caches are warm from linking; this is for what linking does not warm, translations above all. */
static const double warm_ns = 40e6;
enum { LEAST_LOADS = 1000 };
/* Each working set has its samples in several rounds, up and down the sizes in turn, so that a
 * machine that grows slower meanwhile bends no curve. */
enum { ROUNDS = 3 };

struct progress {
    double sampled_ns;
    bool finished;
};

struct state {
    const struct tr_machine *machine;
    const struct tr_group *group;
    const struct tr_run_options *options;
    struct tr_series *series;  /* one a step */
    struct progress *progress; /* the same */
    struct tr_watch watch;
    struct tr_chaser chaser;
    double begun_ns;
};

/* One sample; kept only if nothing disturbed it. */
static int take_sample(struct state *state, const struct tr_step *step, double sample_ns,
                       struct tr_series *series) {
    struct tr_chaser *chaser = &state->chaser;
    size_t chains = (size_t)chaser->kernel->streams;
    double wanted = sample_ns / chaser->ns_a_load / (double)chains;
    size_t loads = (size_t)fmax(wanted, LEAST_LOADS);
    double clock_before = tr_core_clock_burst_ghz();
    tr_watch_begin(&state->watch);
    double begin = tr_now_ns();
    int code = tr_chaser_walk(chaser, loads);
    double span_ns = tr_now_ns() - begin;
    tr_watch_end(&state->watch);
    if (code)
        return code;
    double all_loads = (double)(loads * chains);
    const struct tr_watch *watch = &state->watch;
    if (!tr_chaser_is_right(chaser)) {
        series->wrong = true;
        return 0;
    }
    if (!tr_watch_keep(&watch, 1, span_ns, series))
        return 0;
    series->units_total += span_ns; /* so that the quotient is ns a load, like each sample */
    series->span_total_ns += all_loads;
    /* An interrupt can only lower one of the two clocks. */
    code = tr_series_add(series, span_ns / all_loads, &watch, 1,
                         fmax(clock_before, tr_core_clock_burst_ghz()));
    if (!code && state->options->sample)
        state->options->sample(state->options->sample_context, step, span_ns / all_loads);
    return code;
}

static double share_ns(const struct state *state) {
    return state->group->seconds * 1e9 / (double)state->group->n_steps;
}

static bool is_done(const struct state *state, const struct tr_series *series, double sampled_ns) {
    bool late = sampled_ns > share_ns(state);
    bool very_late = tr_now_ns() - state->begun_ns > (2 * state->group->seconds + 5) * 1e9;
    size_t least = state->options->min_samples;
    return series->wrong || (late && series->n >= least) || (very_late && series->n >= 3) ||
           tr_series_settled(series, least);
}

/* One round of samples of step `i`. Where linking takes longer than a round's samples, all of them
 * are taken at once: to link again would cost more than it tells. */
static int measure_step(struct state *state, size_t i, int round) {
    const struct tr_step *step = &state->group->steps[i];
    struct tr_series *series = &state->series[i];
    struct progress *progress = &state->progress[i];
    double round_ns = share_ns(state) / ROUNDS;
    double sample_ns = fmin(fmax(share_ns(state) / 16, sample_ns_least), sample_ns_most);
    if (progress->finished)
        return 0;
    double begun = tr_now_ns();
    int code = tr_chaser_prepare(&state->chaser, step->kernel, (size_t)step->slice_bytes,
                                 step->one_line_a_page, fmin(warm_ns / ROUNDS, round_ns));
    double prepared = tr_now_ns(), before_ns = progress->sampled_ns;
    bool last = round == ROUNDS - 1 || prepared - begun > 2 * round_ns; /* half may be warming */
    size_t wanted = (state->options->min_samples * (size_t)(round + 1) + ROUNDS - 1) / ROUNDS;
    while (!code && !progress->finished && (last || series->n < wanted)) {
        code = take_sample(state, step, sample_ns, series);
        progress->sampled_ns = before_ns + tr_now_ns() - prepared;
        progress->finished = is_done(state, series, progress->sampled_ns);
        tr_series_tell(state->options, state->group, i, series, state->begun_ns);
    }
    return code;
}

/* The steps of levels, or all others; sizes go up in the first round, down in the second. */
static int measure_steps(struct state *state, bool levels) {
    const struct tr_group *group = state->group;
    int code = 0;
    for (int round = 0; round < ROUNDS; round++)
        for (size_t k = 0; k < group->n_steps && !code; k++) {
            size_t i = (round % 2 == 1) == levels ? k : group->n_steps - 1 - k;
            const struct tr_step *step = &group->steps[i];
            if ((step->variant != NULL) == levels && step->slice_bytes > 0)
                code = measure_step(state, i, round);
        }
    for (size_t i = 0; i < group->n_steps && !code; i++)
        if ((group->steps[i].variant != NULL) == levels && state->series[i].n)
            code = tr_series_close(&state->series[i]);
    return code;
}

/* Working sets of the levels' own steps, from the plateaus of the points: of those that chase in
 * one chain through every line. Levels without a plateau keep 0 and are left out. */
static int place_levels(struct state *state) {
    const struct tr_group *group = state->group;
    struct tr_cache_sizes sizes = tr_cache_sizes_of(state->machine, &group->crew.place.cpus);
    struct tr_plateau plateaus[TR_PLATEAUS_MOST];
    size_t n_points = 0, n = 0;
    double *x = calloc(2 * group->n_steps + 1, sizeof(*x)), *y = x ? x + group->n_steps : NULL;
    if (!x)
        return TR_ENOMEM;
    for (size_t i = 0; i < group->n_steps; i++) {
        const struct tr_step *step = &group->steps[i];
        struct tr_summary summary;
        if (step->result != TR_RESULT_POINT || step->kernel->streams > 1 || step->one_line_a_page ||
            !state->series[i].n)
            continue;
        if (tr_summarize(state->series[i].rates, state->series[i].n, &summary))
            break;
        x[n_points] = (double)step->slice_bytes;
        y[n_points++] = summary.median;
    }
    int code = tr_plateaus(x, y, n_points, plateaus, &n);
    for (size_t i = 0; i < group->n_steps && !code; i++) {
        struct tr_step *step = &group->steps[i];
        if (step->result != TR_RESULT_MEASUREMENT || !step->variant)
            continue;
        /* Without points there is no plateau that could reach the curve's end. */
        double end = n_points ? x[n_points - 1] : 0;
        int at = tr_plateau_of_level(plateaus, n, step->variant, end, &sizes);
        double middle = at < 0 ? 0 : sqrt(plateaus[at].from * plateaus[at].to);
        if (at >= 0 && !strcmp(step->variant, "memory"))
            middle = plateaus[at].to;
        step->slice_bytes = (int64_t)middle / TR_LINE_BYTES * TR_LINE_BYTES;
    }
    free(x);
    return code;
}

static int run_steps(struct state *state) {
    int code = measure_steps(state, false);
    if (!code)
        code = place_levels(state);
    /* Memory first, whose cycle may be linked already. */
    return code ? code : measure_steps(state, true);
}

int tr_run_latency(const struct tr_machine *machine, const struct tr_group *group,
                   const struct tr_run_options *options, struct tr_series *ret_series,
                   struct tr_err *reterr) {
    struct state state = {
        .machine = machine, .group = group, .options = options, .series = ret_series};
    int64_t bytes = 0;
    for (size_t i = 0; i < group->n_steps; i++) {
        tr_series_init(&ret_series[i]);
        if (group->steps[i].slice_bytes > bytes)
            bytes = group->steps[i].slice_bytes;
    }
    if (!bytes || group->crew.n_threads < 1)
        return 0;
    state.progress = calloc(group->n_steps, sizeof(*state.progress));
    if (!state.progress)
        return TR_ENOMEM;
    state.begun_ns = tr_now_ns();
    int code = tr_watch_start(machine, group->crew.cpus[0], &state.watch, reterr);
    if (!code)
        code = tr_chaser_map((size_t)bytes, options->pages, group->crew.memory_nodes[0],
                             options->stop, &state.chaser, reterr);
    if (!code)
        code = run_steps(&state);
    for (size_t i = 0; i < group->n_steps; i++) {
        ret_series[i].huge_fraction = state.chaser.huge_fraction;
        ret_series[i].node_fraction = state.chaser.node_fraction;
        ret_series[i].bound_refused = state.chaser.bound_refused;
    }
    tr_chaser_unmap(&state.chaser);
    tr_watch_stop(&state.watch);
    free(state.progress);
    return code == TR_ESTOPPED ? tr_err_stopped(reterr) : code;
}
