#include "tune_judge.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "series.h"
#include "strbuf.h"

const char *tr_tune_verdict_name(enum tr_tune_verdict verdict) {
    static const char *const names[] = {"not measured",  "baseline",      "better",        "worse",
                                        "no difference", "one boot only", "two boots only"};
    return names[verdict];
}

static bool is_predicted(enum tr_tune_figure figure) {
    return figure == TR_TUNE_PP || figure == TR_TUNE_TG;
}

/* Predictions of two tiers are not set against each other. */
static const char *first_tier(const struct tr_tune *tune) {
    for (size_t i = 0; i < tune->n_recordings; i++)
        if (tune->recordings[i].tier)
            return tune->recordings[i].tier;
    return NULL;
}

int tr_tune_values(const struct tr_tune *tune, enum tr_tune_figure figure,
                   struct tr_tune_value **ret_values, size_t *ret_n) {
    const char *tier = first_tier(tune);
    size_t room = 1, n = 0;
    for (size_t i = 0; i < tune->n_recordings; i++)
        room += tune->recordings[i].n_rounds;
    struct tr_tune_value *values = malloc(room * sizeof(*values));
    if (!values)
        return TR_ENOMEM;
    for (size_t i = 0; i < tune->n_recordings; i++) {
        const struct tr_tune_recording *recording = &tune->recordings[i];
        if (is_predicted(figure) && tier && recording->tier && strcmp(tier, recording->tier) != 0)
            continue;
        for (size_t r = 0; r < recording->n_rounds; r++)
            if (recording->rounds[r].readings[figure].value > 0)
                values[n++] = (struct tr_tune_value){recording->setting, recording->boot, i,
                                                     recording->rounds[r].readings[figure].value};
    }
    *ret_values = values;
    *ret_n = n;
    return 0;
}

static int judge_figure(const struct tr_tune *tune, enum tr_tune_figure figure,
                        struct tr_tune_judgement *to) {
    struct tr_tune_value *values = NULL;
    struct tr_tune_spread spread;
    size_t n = 0;
    struct tr_tune_result *results = calloc(to->n ? to->n : 1, sizeof(*results));
    int code = results ? tr_tune_values(tune, figure, &values, &n) : TR_ENOMEM;
    if (!code)
        code = tr_tune_compare(values, n, to->n, to->base, to->options.boots_sd, &spread, results);
    for (size_t i = 0; !code && i < to->n; i++)
        to->outcomes[i].results[figure] = results[i];
    if (!code && figure == to->options.by)
        to->spread = spread;
    free(values);
    free(results);
    return code;
}

/* --- verdicts -------------------------------------------------------------------------------- */

/* One correction over the settings' figures of one kind: the one that decides, or all others. */
static int correct(struct tr_tune_judgement *to, bool deciding) {
    size_t n = 0, room = to->n * TR_TUNE_FIGURES + 1;
    double *p = malloc(room * sizeof(*p));
    double **places = malloc(room * sizeof(double *));
    int code = p && places ? 0 : TR_ENOMEM;
    for (size_t i = 0; !code && i < to->n; i++) {
        for (size_t f = 0; f < TR_TUNE_FIGURES; f++) {
            double *at = &to->outcomes[i].results[f].p;
            if (isnan(*at) || (f == (size_t)to->options.by) != deciding)
                continue;
            places[n] = at;
            p[n++] = *at;
        }
    }
    if (!code)
        code = tr_holm(p, n);
    for (size_t i = 0; !code && i < n; i++)
        *places[i] = p[i];
    free(p);
    free(places);
    return code;
}

static enum tr_tune_verdict verdict_of(const struct tr_tune_judgement *judgement, size_t setting,
                                       enum tr_tune_figure figure) {
    const struct tr_tune_result *result = &judgement->outcomes[setting].results[figure];
    const struct tr_tune_result *base = &judgement->outcomes[judgement->base].results[figure];
    bool lower = tr_tune_figure_facts(figure)->lower_is_better;
    if (!result->n_boots)
        return TR_TUNE_NOT_MEASURED;
    if (setting == judgement->base)
        return TR_TUNE_BASELINE;
    if (isnan(result->p)) {
        size_t least = result->n_boots < base->n_boots ? result->n_boots : base->n_boots;
        return least >= 2 ? TR_TUNE_TWO_BOOTS_ONLY : TR_TUNE_ONE_BOOT_ONLY;
    }
    if (result->p > TR_TUNE_LEVEL)
        return TR_TUNE_NO_DIFFERENCE;
    return (result->change < 0) == lower ? TR_TUNE_BETTER : TR_TUNE_WORSE;
}

static char *why_of(const struct tr_tune_judgement *judgement, size_t setting) {
    const struct tr_tune_outcome *outcome = &judgement->outcomes[setting];
    const struct tr_tune_result *result = &outcome->results[judgement->options.by];
    const struct tr_tune_result *base =
        &judgement->outcomes[judgement->base].results[judgement->options.by];
    static const char *const scopes[] = {"", "of their boots", "of recordings within one boot",
                                         "by the spread between boots that was given"};
    switch (outcome->verdicts[judgement->options.by]) {
    case TR_TUNE_NOT_MEASURED:
        return strdup("nothing was measured under it: tokenroof tune record");
    case TR_TUNE_BASELINE:
        return tr_format("%zu boot%s; the others are compared with it", result->n_boots,
                         result->n_boots == 1 ? "" : "s");
    case TR_TUNE_ONE_BOOT_ONLY:
    case TR_TUNE_TWO_BOOTS_ONLY:
        return tr_format("%zu boot%s here, %zu of the base: memory trains anew in each, so that a "
                         "verdict takes %d of both, or --boots-sd",
                         result->n_boots, result->n_boots == 1 ? "" : "s", base->n_boots,
                         TR_TUNE_BOOTS);
    case TR_TUNE_NO_DIFFERENCE:
        return tr_format("by a test %s, p = %.2g: a difference beyond %+.2f to %+.2f%% is unlikely",
                         scopes[result->scope], result->p, 100 * result->change_low,
                         100 * result->change_high);
    default:
        return tr_format("by a test %s, p = %.2g, corrected for the number of settings",
                         scopes[result->scope], result->p);
    }
}

/* --- each setting ---------------------------------------------------------------------------- */

static int describe(const struct tr_tune *tune, size_t setting, struct tr_tune_judgement *judgement,
                    double *scratch) {
    struct tr_tune_outcome *to = &judgement->outcomes[setting];
    size_t doubtful = 0, of_by = 0;
    bool *boots = calloc(tune->n_boots + 1, sizeof(*boots));
    if (!boots)
        return TR_ENOMEM;
    for (size_t i = 0; i < tune->n_recordings; i++) {
        const struct tr_tune_recording *recording = &tune->recordings[i];
        if (recording->setting != setting)
            continue;
        to->n_recordings++;
        to->n_rounds += recording->n_rounds;
        to->n_samples += recording->n_samples;
        to->n_boots += boots[recording->boot] ? 0 : 1;
        boots[recording->boot] = true;
        for (size_t r = 0; r < recording->n_rounds; r++) {
            const struct tr_tune_reading *reading =
                &recording->rounds[r].readings[judgement->options.by];
            of_by += isnan(reading->value) ? 0 : 1;
            doubtful += !isnan(reading->value) && *reading->doubt ? 1 : 0;
        }
    }
    free(boots);
    to->doubtful = doubtful && 2 * doubtful >= of_by;
    for (size_t f = 0; f < TR_TUNE_FIGURES; f++) {
        size_t n = 0;
        for (size_t i = 0; i < tune->n_recordings; i++)
            for (size_t r = 0;
                 tune->recordings[i].setting == setting && r < tune->recordings[i].n_rounds; r++)
                if (tune->recordings[i].rounds[r].readings[f].scatter >= 0)
                    scratch[n++] = tune->recordings[i].rounds[r].readings[f].scatter;
        to->scatter[f] = tr_series_middle(scratch, n);
    }
    to->clocks = tr_tune_clocks_of(&tune->settings[setting]);
    return 0;
}

static size_t find_base(const struct tr_tune *tune, const struct tr_tune_options *options) {
    for (size_t i = 0; i < tune->n_settings && !options->base; i++)
        for (size_t r = 0; r < tune->n_recordings; r++)
            if (tune->recordings[r].setting == i && tune->recordings[r].n_rounds)
                return i;
    return options->base ? tr_tune_find(tune, options->base) : SIZE_MAX;
}

static bool is_faster(const struct tr_tune_judgement *judgement, size_t a, size_t than) {
    enum tr_tune_figure by = judgement->options.by;
    double x = judgement->outcomes[a].results[by].value;
    double y = judgement->outcomes[than].results[by].value;
    return tr_tune_figure_facts(by)->lower_is_better ? x < y : x > y;
}

static void find_best(struct tr_tune_judgement *judgement) {
    for (size_t i = 0; i < judgement->n; i++) {
        if (isnan(judgement->outcomes[i].results[judgement->options.by].value))
            continue;
        if (judgement->fastest == SIZE_MAX || is_faster(judgement, i, judgement->fastest))
            judgement->fastest = i;
        if (judgement->outcomes[i].passed &&
            (judgement->best == SIZE_MAX || is_faster(judgement, i, judgement->best)))
            judgement->best = i;
    }
}

/* Whoever is ahead of the best that passed, with the reason why it is not the best. */
static char *best_why(const struct tr_tune *tune, const struct tr_tune_judgement *judgement) {
    struct tr_strbuf text = {0};
    if (judgement->fastest == SIZE_MAX)
        return strdup("nothing was measured yet: tokenroof tune record --label TEXT");
    if (judgement->best == SIZE_MAX) {
        tr_strbuf_add(&text, "no setting passed a soak");
    } else {
        const struct tr_tune_outcome *best = &judgement->outcomes[judgement->best];
        if (judgement->best == judgement->base)
            tr_strbuf_add(&text, "the setting that the others are compared with");
        else
            tr_strbuf_addf(&text, "%s against '%s'",
                           tr_tune_verdict_name(best->verdicts[judgement->options.by]),
                           tune->settings[judgement->base].label);
        tr_strbuf_addf(&text, "; its soak %s", best->soak_why);
    }
    for (size_t i = 0; i < judgement->n; i++) {
        const struct tr_tune_outcome *outcome = &judgement->outcomes[i];
        bool ahead = judgement->best == SIZE_MAX ? i == judgement->fastest
                                                 : is_faster(judgement, i, judgement->best);
        if (ahead && !isnan(outcome->results[judgement->options.by].value))
            tr_strbuf_addf(&text, "; ahead is '%s': %s", tune->settings[i].label,
                           outcome->soak_why);
    }
    return tr_strbuf_take(&text);
}

static int judge_all(const struct tr_tune *tune, struct tr_tune_judgement *to) {
    size_t rounds = 1;
    int code = 0;
    for (size_t i = 0; i < tune->n_recordings; i++)
        rounds += tune->recordings[i].n_rounds;
    double *scratch = malloc(rounds * sizeof(*scratch));
    if (!scratch)
        return TR_ENOMEM;
    for (size_t f = 0; !code && f < TR_TUNE_FIGURES; f++)
        code = judge_figure(tune, (enum tr_tune_figure)f, to);
    if (!code)
        code = correct(to, true);
    if (!code)
        code = correct(to, false);
    for (size_t i = 0; !code && i < to->n; i++) {
        code = describe(tune, i, to, scratch);
        for (size_t f = 0; to->base != SIZE_MAX && f < TR_TUNE_FIGURES; f++)
            to->outcomes[i].verdicts[f] = verdict_of(to, i, (enum tr_tune_figure)f);
        to->outcomes[i].why =
            to->base == SIZE_MAX ? strdup("nothing was measured yet") : why_of(to, i);
        if (!to->outcomes[i].why)
            code = TR_ENOMEM;
    }
    free(scratch);
    return code;
}

int tr_tune_judge(const struct tr_tune *tune, const struct tr_soaks *soaks,
                  const struct tr_tune_options *options, struct tr_tune_judgement *ret_judgement,
                  struct tr_err *reterr) {
    struct tr_tune_judgement judgement = {.options = *options,
                                          .base = find_base(tune, options),
                                          .n = tune->n_settings,
                                          .spread = {.within = NAN, .between = NAN},
                                          .best = SIZE_MAX,
                                          .fastest = SIZE_MAX};
    if (options->base && judgement.base == SIZE_MAX)
        return tr_err_set(reterr, TR_EUSAGE, "--base: no setting is called '%.100s'",
                          options->base);
    judgement.outcomes = calloc(judgement.n ? judgement.n : 1, sizeof(*judgement.outcomes));
    int code = judgement.outcomes ? judge_all(tune, &judgement) : TR_ENOMEM;
    if (!code)
        code = tr_tune_assign_soaks(tune, soaks, &judgement);
    if (!code)
        code = tr_tune_find_retries(tune, &judgement);
    if (!code) {
        find_best(&judgement);
        judgement.best_why = best_why(tune, &judgement);
        code = judgement.best_why ? 0 : TR_ENOMEM;
    }
    if (code)
        tr_tune_judgement_finish(&judgement);
    else
        *ret_judgement = judgement;
    return code;
}

void tr_tune_judgement_finish(struct tr_tune_judgement *judgement) {
    for (size_t i = 0; judgement->outcomes && i < judgement->n; i++) {
        free(judgement->outcomes[i].why);
        free(judgement->outcomes[i].soak_why);
        free(judgement->outcomes[i].retries);
    }
    free(judgement->outcomes);
    free(judgement->best_why);
    *judgement = (struct tr_tune_judgement){0};
}
