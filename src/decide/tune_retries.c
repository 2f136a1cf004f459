/* A faster clock with slower or more scattered results: transfers are being repeated, perhaps. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "series.h"
#include "strbuf.h"
#include "tune_judge.h"

/* Without enough boots for a test: more than boots alone make, by any spread that was published. */
static const double untested_drop = 0.05;
static const double level = 0.01, scatter_ratio = 2;
/* A scatter of zero (few samples, all alike) has no logarithm. */
static const double least_scatter = 1e-6;
enum { LEAST_ROUNDS = 3 };

static const enum tr_tune_figure watched[] = {TR_TUNE_READ, TR_TUNE_COPY, TR_TUNE_TRIAD,
                                              TR_TUNE_LATENCY};
enum { WATCHED = sizeof(watched) / sizeof(watched[0]) };

/* At least one clock higher, none lower, and no more unknown than there. */
static bool is_clocked_higher(const struct tr_tune_clocks *a, const struct tr_tune_clocks *than) {
    bool mts = a->mts > than->mts, fclk = a->fclk_mhz > than->fclk_mhz;
    return (mts || fclk) && !(a->mts < than->mts) && !(a->fclk_mhz < than->fclk_mhz);
}

static size_t scatters_of(const struct tr_tune *tune, size_t setting, enum tr_tune_figure figure,
                          double *to) {
    size_t n = 0;
    for (size_t i = 0; i < tune->n_recordings; i++) {
        if (tune->recordings[i].setting != setting)
            continue;
        for (size_t r = 0; r < tune->recordings[i].n_rounds; r++) {
            double scatter = tune->recordings[i].rounds[r].readings[figure].scatter;
            if (scatter >= 0)
                to[n++] = fmax(scatter, least_scatter);
        }
    }
    return n;
}

static int set_reason(const struct tr_tune *tune, size_t than, struct tr_tune_outcome *outcome,
                      const char *what) {
    outcome->retries =
        tr_format("clocked higher than '%s', and %s", tune->settings[than].label, what);
    return outcome->retries ? 0 : TR_ENOMEM;
}

/* `results`: of all settings against `than`. */
static int look_at_rate(const struct tr_tune *tune, size_t than, enum tr_tune_figure figure,
                        const struct tr_tune_result *result, const struct tr_tune_result *base,
                        struct tr_tune_outcome *outcome) {
    const struct tr_tune_figure_facts *facts = tr_tune_figure_facts(figure);
    double worsening = facts->lower_is_better ? result->change : -result->change;
    bool apart = facts->lower_is_better ? result->low > base->high : result->high < base->low;
    bool tested = !isnan(result->p);
    if (!(worsening > 0) || (tested ? result->p > level : !(apart && worsening > untested_drop)))
        return 0;
    char *what = tr_format("%s is worse by %.1f%%", facts->what, 100 * worsening);
    int code = what ? set_reason(tune, than, outcome, what) : TR_ENOMEM;
    free(what);
    return code;
}

static int look_at_scatter(const struct tr_tune *tune, size_t setting, size_t than,
                           enum tr_tune_figure figure, double *scratch,
                           struct tr_tune_outcome *outcome) {
    size_t n = scatters_of(tune, setting, figure, scratch);
    double *other = scratch + n;
    size_t n_other = scatters_of(tune, than, figure, other);
    if (n < LEAST_ROUNDS || n_other < LEAST_ROUNDS ||
        tr_student_test(scratch, n, other, n_other) > level)
        return 0;
    double ratio = tr_series_middle(scratch, n) / tr_series_middle(other, n_other);
    if (!(ratio >= scatter_ratio))
        return 0;
    char *what = tr_format("samples of %s scatter %.1f times as much",
                           tr_tune_figure_facts(figure)->what, ratio);
    int code = what ? set_reason(tune, than, outcome, what) : TR_ENOMEM;
    free(what);
    return code;
}

/* All settings that are clocked higher than this one, by one figure. */
static int look_from(const struct tr_tune *tune, size_t than, enum tr_tune_figure figure,
                     struct tr_tune_judgement *judgement, struct tr_tune_result *results,
                     double *scratch) {
    struct tr_tune_value *values = NULL;
    struct tr_tune_spread spread;
    size_t n = 0;
    int code = tr_tune_values(tune, figure, &values, &n);
    if (!code)
        code = tr_tune_compare(values, n, judgement->n, than, judgement->options.boots_sd, &spread,
                               results);
    for (size_t i = 0; !code && i < judgement->n; i++) {
        struct tr_tune_outcome *outcome = &judgement->outcomes[i];
        if (outcome->retries ||
            !is_clocked_higher(&outcome->clocks, &judgement->outcomes[than].clocks))
            continue;
        code = look_at_rate(tune, than, figure, &results[i], &results[than], outcome);
        if (!code && !outcome->retries)
            code = look_at_scatter(tune, i, than, figure, scratch, outcome);
    }
    free(values);
    return code;
}

int tr_tune_find_retries(const struct tr_tune *tune, struct tr_tune_judgement *judgement) {
    size_t rounds = 1;
    for (size_t i = 0; i < tune->n_recordings; i++)
        rounds += tune->recordings[i].n_rounds;
    double *scratch = malloc(rounds * sizeof(*scratch));
    struct tr_tune_result *results = calloc(judgement->n + 1, sizeof(*results));
    int code = scratch && results ? 0 : TR_ENOMEM;
    for (size_t than = 0; !code && than < judgement->n; than++) {
        bool any = false;
        for (size_t i = 0; i < judgement->n; i++)
            any |= is_clocked_higher(&judgement->outcomes[i].clocks,
                                     &judgement->outcomes[than].clocks);
        for (size_t f = 0; any && !code && f < WATCHED; f++)
            code = look_from(tune, than, watched[f], judgement, results, scratch);
    }
    free(scratch);
    free(results);
    return code;
}
