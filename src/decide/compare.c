#include "compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "series.h"
#include "strbuf.h"

/* With less samples a side ranks cannot tell twenty figures apart. */
enum { SEED = 20261121, RANK_SAMPLES = 9 };

const char *tr_difference_name(enum tr_difference_verdict verdict) {
    static const char *const names[] = {"no significant change", "changed", "regression",
                                        "not compared"};
    return names[verdict];
}

/* The values that stand for one side: runs, or the samples of the only run. */
struct side {
    double *values;
    size_t n;
};

static int side_init(struct side *side, const struct tr_set_figure *set, bool samples) {
    size_t n = samples ? set->runs[0].n_samples : set->n;
    *side = (struct side){.values = malloc((n ? n : 1) * sizeof(double))};
    if (!side->values)
        return TR_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        double value = samples ? set->runs[0].samples[i] : set->runs[i].value;
        if (value > 0)
            side->values[side->n++] = value;
    }
    return 0;
}

static size_t untrusted(const struct tr_set_figure *set) {
    size_t n = 0;
    for (size_t i = 0; i < set->n; i++)
        n += set->runs[i].untrusted;
    return n;
}

static double level_of(const struct tr_figure *figure) {
    return figure->kind == TR_FIGURE_HEADLINE ? TR_COMPARE_HEADLINE_LEVEL : TR_COMPARE_OTHER_LEVEL;
}

/* The larger of the two distances to nothing in between: how far the sides are apart, relative; 0
 * where they overlap. */
static double gap(const struct side *a, const struct side *b) {
    double a_low = INFINITY, a_high = 0, b_low = INFINITY, b_high = 0;
    for (size_t i = 0; i < a->n; i++) {
        a_low = fmin(a_low, a->values[i]);
        a_high = fmax(a_high, a->values[i]);
    }
    for (size_t i = 0; i < b->n; i++) {
        b_low = fmin(b_low, b->values[i]);
        b_high = fmax(b_high, b->values[i]);
    }
    double apart = fmax(log(b_low / a_high), log(a_low / b_high));
    double widest = fmax(log(a_high / a_low), log(b_high / b_low));
    return apart > widest ? apart : 0;
}

/* Uncertainty within the runs, where samples are not at hand. */
static double error_within(const struct tr_set_figure *a, const struct tr_set_figure *b) {
    return hypot(a->runs[0].error, b->runs[0].error);
}

/* Two runs without samples at hand (predictions): by their errors. */
static void by_errors(const struct tr_set_figure *a, const struct tr_set_figure *b,
                      struct tr_difference *to) {
    double error = error_within(a, b);
    to->change = to->after / to->before - 1;
    to->low = expm1(log1p(to->change) - 1.959964 * error);
    to->high = expm1(log1p(to->change) + 1.959964 * error);
    if (error > 0)
        to->p = tr_normal_two_sided(log1p(to->change) / error);
}

/* With a known standard deviation between runs a distribution takes the ranks' place. Its shape is
 * not known: the difference of two runs with an exponential tail has the tail of Laplace's
 * distribution, which one of Student with the same kurtosis (4 + 2 n degrees of freedom for the
 * mean of n runs) follows closely and never undercuts much. */
static double known_sd_df(const struct tr_difference *at) {
    return 4 + 2 * (double)(at->n_before < at->n_after ? at->n_before : at->n_after);
}

/* In units in which Student's distribution has its own variance, df / (df - 2). */
static double known_sd_error(double sd, const struct tr_difference *at) {
    double df = known_sd_df(at);
    return sd * sqrt(1 / (double)at->n_before + 1 / (double)at->n_after) * sqrt((df - 2) / df);
}

static void by_known_sd(double sd, struct tr_difference *to) {
    double error = known_sd_error(sd, to), df = known_sd_df(to);
    double log_change = log1p(to->change), reach = tr_student_quantile(0.025, df) * error;
    to->low = expm1(log_change - reach);
    to->high = expm1(log_change + reach);
    to->p = fmin(1, 2 * tr_student_upper(fabs(log_change) / error, df));
}

static bool enough_runs(const struct tr_difference *at, const struct tr_compare_options *options) {
    return !isnan(options->runs_sd) ||
           (at->n_before >= TR_COMPARE_RUNS && at->n_after >= TR_COMPARE_RUNS);
}

/* Change, interval and uncorrected p. */
static int measure_change(const struct tr_figure *figure, const struct tr_compare_options *options,
                          struct tr_difference *to) {
    const struct tr_set_figure *before = &figure->sets[0], *after = &figure->sets[to->set];
    bool known_sd = !isnan(options->runs_sd);
    bool pair = before->n == 1 && after->n == 1;
    bool samples =
        pair && !known_sd && before->runs[0].n_samples > 1 && after->runs[0].n_samples > 1;
    struct side a = {0}, b = {0};
    int code = side_init(&a, before, samples);
    if (!code)
        code = side_init(&b, after, samples);
    double interval[2] = {NAN, NAN};
    if (!code)
        code = tr_bootstrap_change(a.values, a.n, b.values, b.n, SEED, &to->change, interval);
    to->low = interval[0];
    to->high = interval[1];
    to->within_run = pair && !known_sd;
    if (!code) { /* sorts the values: last use of their order */
        to->before = pair ? before->runs[0].value : tr_series_middle(a.values, a.n);
        to->after = pair ? after->runs[0].value : tr_series_middle(b.values, b.n);
    }
    if (!code && known_sd)
        by_known_sd(options->runs_sd, to);
    else if (!code && pair && !samples)
        by_errors(before, after, to);
    else if (!code && samples && (a.n < RANK_SAMPLES || b.n < RANK_SAMPLES))
        to->p = tr_student_test(a.values, a.n, b.values, b.n);
    else if (!code && (samples || enough_runs(to, options)))
        code = tr_rank_test(a.values, a.n, b.values, b.n, &to->p);
    else if (!code)
        to->p = gap(&a, &b) > 0 ? 0 : 1; /* apart or not: no probability, taken out below */
    if (!code && (samples || enough_runs(to, options)))
        to->least_detectable = known_sd ? NAN : tr_series_spread(a.values, a.n, b.values, b.n);
    free(a.values);
    free(b.values);
    return code;
}

static bool is_apart_only(const struct tr_difference *at,
                          const struct tr_compare_options *options) {
    return !enough_runs(at, options) && !at->within_run;
}

/* Corrects the p values of one family, all sets together; *ret_n is its size. */
static int correct_family(struct tr_comparison *comparison, enum tr_figure_kind kind,
                          size_t *ret_n) {
    size_t n = 0;
    double *p = malloc((comparison->n ? comparison->n : 1) * sizeof(*p));
    if (!p)
        return TR_ENOMEM;
    for (size_t i = 0; i < comparison->n; i++)
        if (comparison->items[i].figure->kind == kind && !isnan(comparison->items[i].p))
            p[n++] = comparison->items[i].p;
    int code = tr_holm(p, n);
    *ret_n = n;
    n = 0;
    for (size_t i = 0; !code && i < comparison->n; i++)
        if (comparison->items[i].figure->kind == kind && !isnan(comparison->items[i].p))
            comparison->items[i].p = p[n++];
    free(p);
    return code;
}

/* From the spread kept in its place to the change that would be found at the family's first step.
 */
static void find_detectable(struct tr_difference *to, const struct tr_compare_options *options,
                            size_t family, const struct tr_figure *figure) {
    double level = level_of(figure) / (double)(family ? family : 1), spread = to->least_detectable;
    const struct tr_set_figure *before = &figure->sets[0], *after = &figure->sets[to->set];
    if (!isnan(options->runs_sd)) {
        double error = known_sd_error(options->runs_sd, to), df = known_sd_df(to);
        to->least_detectable =
            expm1(error * (tr_student_quantile(level / 2, df) + tr_student_quantile(0.2, df)));
    } else if (!isnan(spread)) {
        size_t n_a = to->within_run ? before->runs[0].n_samples : to->n_before;
        size_t n_b = to->within_run ? after->runs[0].n_samples : to->n_after;
        to->least_detectable = tr_least_detectable(spread, n_a, n_b, level);
    }
}

/* Derived figures are tested by nobody: they change when something that was measured did. */
static bool any_changed(const struct tr_comparison *comparison, size_t set) {
    for (size_t i = 0; i < comparison->n; i++)
        if (comparison->items[i].set == set &&
            comparison->items[i].figure->kind != TR_FIGURE_DERIVED &&
            (comparison->items[i].verdict == TR_CHANGED ||
             comparison->items[i].verdict == TR_REGRESSION))
            return true;
    return false;
}

static bool interval_excludes_zero(const struct tr_difference *at) {
    return at->low > 0 || at->high < 0;
}

static void judge(struct tr_comparison *comparison, struct tr_difference *at,
                  const struct tr_compare_options *options) {
    const struct tr_figure *figure = at->figure;
    bool derived = figure->kind == TR_FIGURE_DERIVED;
    bool apart_only = is_apart_only(at, options);
    double worsening = figure->lower_is_better ? at->change : -at->change;
    bool significant = derived ? (apart_only ? at->p < 1 : interval_excludes_zero(at)) &&
                                     any_changed(comparison, at->set)
                               : at->p <= level_of(figure);
    size_t n_runs = at->n_before + at->n_after;
    at->worse = worsening > 0;
    at->verdict = significant                      ? TR_CHANGED
                  : isnan(at->p) && isnan(at->low) ? TR_NOT_COMPARED
                                                   : TR_SAME;
    if (significant && !derived && at->worse && worsening >= options->threshold &&
        enough_runs(at, options) && 2 * at->n_untrusted <= n_runs)
        at->verdict = TR_REGRESSION;
    if (apart_only || derived)
        at->p = NAN;
}

static void add_reason(const struct tr_difference *at, const struct tr_compare_options *options,
                       struct tr_strbuf *why) {
    const struct tr_figure *figure = at->figure;
    size_t fewer = at->n_before < at->n_after ? at->n_before : at->n_after;
    double worsening = figure->lower_is_better ? at->change : -at->change;
    if (at->verdict == TR_SAME) {
        if (is_apart_only(at, options))
            tr_strbuf_addf(why, "the runs overlap, or are no farther apart than among themselves");
        else if (at->within_run)
            tr_strbuf_add(why, "within the noise of a run");
        else
            tr_strbuf_add(why, "within the noise between runs");
        if (fewer < TR_COMPARE_RUNS && isnan(options->runs_sd) && !at->within_run)
            tr_strbuf_addf(why, "; %d runs a side would show smaller changes", TR_COMPARE_RUNS);
        else if (isnan(at->least_detectable) && figure->kind == TR_FIGURE_OTHER && !at->within_run)
            tr_strbuf_add(why, "; too few runs to judge so many figures");
        return;
    }
    tr_strbuf_add(why, at->worse ? "worse" : "better");
    if (figure->kind == TR_FIGURE_DERIVED)
        tr_strbuf_add(why, ", as the figures that it rests on");
    else if (at->within_run)
        tr_strbuf_addf(why,
                       " beyond the noise within a run; what differs from run to run is "
                       "unknown: give %d runs a side, or --runs-sd",
                       TR_COMPARE_RUNS);
    else if (is_apart_only(at, options))
        tr_strbuf_addf(why, " in every run; a proof needs %d runs a side, or --runs-sd",
                       TR_COMPARE_RUNS);
    else
        tr_strbuf_addf(why, " beyond the noise between runs (p = %.2g, corrected)", at->p);
    if (at->verdict == TR_CHANGED && at->worse && figure->kind != TR_FIGURE_DERIVED &&
        enough_runs(at, options)) {
        if (worsening < options->threshold)
            tr_strbuf_addf(why, "; below the threshold of %g%%", 100 * options->threshold);
        else
            tr_strbuf_addf(why,
                           "; not called a regression: %zu of %zu runs are flagged as "
                           "untrustworthy",
                           at->n_untrusted, at->n_before + at->n_after);
    }
}

static int explain(struct tr_difference *at, const struct tr_compare_options *options) {
    struct tr_strbuf why = {0};
    if (at->verdict == TR_NOT_COMPARED)
        tr_strbuf_add(&why, at->n_before && at->n_after
                                ? "its noise is unknown: several runs a side would tell"
                            : at->n_before ? "only in the first set"
                                           : "not in the first set");
    else
        add_reason(at, options, &why);
    at->why = tr_strbuf_take(&why);
    return at->why ? 0 : TR_ENOMEM;
}

/* Of a figure that may be compared with nothing. */
static double typical(const struct tr_set_figure *set) {
    return set->n ? set->runs[set->n / 2].value : NAN;
}

static int collect(const struct tr_figures *figures, const struct tr_compare_options *options,
                   struct tr_comparison *comparison) {
    static const enum tr_figure_kind order[] = {TR_FIGURE_HEADLINE, TR_FIGURE_OTHER,
                                                TR_FIGURE_DERIVED};
    int code = 0;
    for (size_t set = 1; set < figures->n_sets; set++) {
        for (size_t k = 0; k < sizeof(order) / sizeof(order[0]); k++) {
            for (size_t i = 0; !code && i < figures->n; i++) {
                const struct tr_figure *figure = &figures->items[i];
                const struct tr_set_figure *before = &figure->sets[0], *after = &figure->sets[set];
                if (figure->kind != order[k] || before->n + after->n == 0)
                    continue;
                struct tr_difference *at = &comparison->items[comparison->n++];
                *at = (struct tr_difference){.figure = figure,
                                             .set = set,
                                             .verdict = TR_NOT_COMPARED,
                                             .before = typical(before),
                                             .after = typical(after),
                                             .change = NAN,
                                             .low = NAN,
                                             .high = NAN,
                                             .p = NAN,
                                             .least_detectable = NAN,
                                             .n_before = before->n,
                                             .n_after = after->n,
                                             .n_untrusted = untrusted(before) + untrusted(after)};
                if (before->n && after->n)
                    code = measure_change(figure, options, at);
            }
        }
    }
    return code;
}

int tr_compare(const struct tr_figures *figures, const struct tr_compare_options *options,
               struct tr_comparison *ret_comparison) {
    struct tr_comparison comparison = {0};
    size_t sizes[2] = {0};
    size_t most = figures->n * figures->n_sets;
    comparison.items = calloc(most ? most : 1, sizeof(*comparison.items));
    int code = comparison.items ? collect(figures, options, &comparison) : TR_ENOMEM;
    for (int kind = TR_FIGURE_HEADLINE; !code && kind <= TR_FIGURE_OTHER; kind++)
        code = correct_family(&comparison, (enum tr_figure_kind)kind, &sizes[kind]);
    for (size_t i = 0; !code && i < comparison.n; i++) {
        struct tr_difference *at = &comparison.items[i];
        if (at->n_before == 0 || at->n_after == 0)
            continue;
        if (at->figure->kind == TR_FIGURE_DERIVED)
            at->least_detectable = NAN;
        else
            find_detectable(at, options, sizes[at->figure->kind], at->figure);
        judge(&comparison, at, options);
        comparison.few_runs |= !enough_runs(at, options);
        comparison.regression |= at->verdict == TR_REGRESSION;
    }
    for (size_t i = 0; !code && i < comparison.n; i++)
        code = explain(&comparison.items[i], options);
    if (code)
        tr_comparison_finish(&comparison);
    else
        *ret_comparison = comparison;
    return code;
}

void tr_comparison_finish(struct tr_comparison *comparison) {
    for (size_t i = 0; i < comparison->n; i++)
        free(comparison->items[i].why);
    free(comparison->items);
    *comparison = (struct tr_comparison){0};
}
