#include "tune_statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "series.h"
#include "tokenroof/err.h"

/* The mean of the middle half of few values scatters by a tenth more than the mean of all. */
static const double middle_error = 1.1;

/* A recording, or a boot of a setting: mean of logarithms, and what it is made of. */
struct group {
    size_t setting, boot;
    size_t n; /* rounds of a recording, recordings of a boot */
    double mean, squares;
};

struct model {
    struct group *recordings, *cells; /* cells: one a setting and boot */
    size_t n_recordings, n_cells, n_settings;
    double boots_sd;
    struct tr_tune_spread spread;
    /* Pooled variances of single recordings within their cell, and of cells within their setting;
     * NAN without degrees of freedom. */
    double recording_variance, cell_variance;
    size_t recording_df, cell_df;
};

static void model_finish(struct model *model) {
    free(model->recordings);
    free(model->cells);
}

static double sum_of_squares(const double *logs, size_t n) {
    double mean = 0, sum = 0;
    for (size_t i = 0; i < n; i++)
        mean += logs[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        sum += (logs[i] - mean) * (logs[i] - mean);
    return sum;
}

static int make_recordings(struct model *model, const struct tr_tune_value *values, size_t n) {
    size_t most = 0;
    for (size_t i = 0; i < n; i++)
        most = values[i].recording + 1 > most ? values[i].recording + 1 : most;
    model->recordings = calloc(most ? most : 1, sizeof(*model->recordings));
    double *logs = malloc((n ? n : 1) * sizeof(*logs));
    if (!model->recordings || !logs) {
        free(logs);
        return TR_ENOMEM;
    }
    double squares = 0;
    for (size_t r = 0; r < most; r++) {
        struct group group = {0};
        for (size_t i = 0; i < n; i++) {
            if (values[i].recording != r || !(values[i].value > 0))
                continue;
            group.setting = values[i].setting;
            group.boot = values[i].boot;
            logs[group.n++] = log(values[i].value);
        }
        if (!group.n)
            continue;
        squares += sum_of_squares(logs, group.n);
        model->spread.n_within += group.n - 1;
        group.mean = tr_series_middle(logs, group.n);
        model->recordings[model->n_recordings++] = group;
    }
    model->spread.within =
        model->spread.n_within ? sqrt(squares / (double)model->spread.n_within) : NAN;
    free(logs);
    return 0;
}

static struct group *cell_of(struct model *model, size_t setting, size_t boot) {
    for (size_t i = 0; i < model->n_cells; i++)
        if (model->cells[i].setting == setting && model->cells[i].boot == boot)
            return &model->cells[i];
    model->cells[model->n_cells] = (struct group){.setting = setting, .boot = boot};
    return &model->cells[model->n_cells++];
}

static int make_cells(struct model *model) {
    model->cells = calloc(model->n_recordings ? model->n_recordings : 1, sizeof(*model->cells));
    if (!model->cells)
        return TR_ENOMEM;
    double squares = 0;
    for (size_t i = 0; i < model->n_recordings; i++) {
        struct group *cell =
            cell_of(model, model->recordings[i].setting, model->recordings[i].boot);
        double off = model->recordings[i].mean - cell->mean; /* Welford's recurrence */
        cell->n++;
        cell->mean += off / (double)cell->n;
        cell->squares += off * (model->recordings[i].mean - cell->mean);
    }
    for (size_t i = 0; i < model->n_cells; i++) {
        squares += model->cells[i].squares;
        model->recording_df += model->cells[i].n - 1;
    }
    model->recording_variance = model->recording_df ? squares / (double)model->recording_df : NAN;
    return 0;
}

/* Boots of one setting. */
static struct group setting_of(const struct model *model, size_t setting) {
    struct group all = {.setting = setting};
    for (size_t i = 0; i < model->n_cells; i++) {
        if (model->cells[i].setting != setting)
            continue;
        double off = model->cells[i].mean - all.mean;
        all.n++;
        all.mean += off / (double)all.n;
        all.squares += off * (model->cells[i].mean - all.mean);
    }
    return all;
}

/* Of the mean of `cell`, as far as its rounds explain it; 0 unknown. */
static double error2_of_rounds(const struct model *model, size_t setting, size_t boot) {
    double sum = 0;
    size_t n = 0;
    for (size_t i = 0; i < model->n_recordings; i++) {
        const struct group *recording = &model->recordings[i];
        if (recording->setting != setting || recording->boot != boot || isnan(model->spread.within))
            continue;
        sum += pow(middle_error * model->spread.within, 2) / (double)recording->n;
        n++;
    }
    return n ? sum / (double)(n * n) : 0;
}

static void find_spread_between(struct model *model) {
    double squares = 0, explained = 0;
    for (size_t s = 0; s < model->n_settings; s++) {
        struct group setting = setting_of(model, s);
        squares += setting.squares;
        model->cell_df += setting.n ? setting.n - 1 : 0;
    }
    for (size_t i = 0; i < model->n_cells; i++)
        explained += error2_of_rounds(model, model->cells[i].setting, model->cells[i].boot) /
                     (double)model->n_cells;
    model->cell_variance = model->cell_df ? squares / (double)model->cell_df : NAN;
    model->spread.n_between = model->cell_df;
    model->spread.between = model->cell_df ? sqrt(fmax(model->cell_variance - explained, 0)) : NAN;
}

/* --- tests ----------------------------------------------------------------------------------- */

static const double normal_df = 1e6;

static void set_test(struct tr_tune_result *to, double difference, double error2, double df,
                     enum tr_tune_scope scope) {
    double error = sqrt(error2), width = error * tr_student_quantile(0.025, df);
    to->change = expm1(difference);
    to->change_low = expm1(difference - width);
    to->change_high = expm1(difference + width);
    to->scope = scope;
    to->p = error > 0 ? fmin(1, 2 * tr_student_upper(fabs(difference) / error, df))
                      : (difference != 0 ? 0 : 1);
}

/* The larger one of the pooled error and the two groups' own. */
static double larger_error2(const struct group *a, const struct group *b, double pooled) {
    double n_a = (double)a->n, n_b = (double)b->n;
    double own = a->squares / (n_a - 1) / n_a + b->squares / (n_b - 1) / n_b;
    return fmax(pooled * (1 / n_a + 1 / n_b), own);
}

/* The boot in which both were recorded often enough, most often if there are several. */
static bool find_shared_boot(const struct model *model, size_t base, size_t setting,
                             const struct group **ret_base, const struct group **ret_setting) {
    size_t most = 0;
    for (size_t i = 0; i < model->n_cells; i++) {
        const struct group *a = &model->cells[i];
        for (size_t k = 0; k < model->n_cells; k++) {
            const struct group *b = &model->cells[k];
            size_t least = a->n < b->n ? a->n : b->n;
            if (a->setting != base || b->setting != setting || a->boot != b->boot ||
                least < TR_TUNE_BOOTS || least <= most)
                continue;
            most = least;
            *ret_base = a;
            *ret_setting = b;
        }
    }
    return most > 0;
}

/* Squared error of a setting's mean over its boots, the boots' own spread aside. */
static double error2_within(const struct model *model, size_t setting) {
    double sum = 0;
    size_t n = 0;
    for (size_t i = 0; i < model->n_cells; i++) {
        if (model->cells[i].setting != setting)
            continue;
        sum += error2_of_rounds(model, setting, model->cells[i].boot);
        n++;
    }
    return n ? sum / (double)(n * n) : 0;
}

static void compare(const struct model *model, size_t base, size_t setting,
                    struct tr_tune_result *to) {
    struct group a = setting_of(model, base), b = setting_of(model, setting);
    const struct group *shared_a, *shared_b;
    if (!a.n || !b.n)
        return;
    to->change = expm1(b.mean - a.mean);
    if (a.n >= TR_TUNE_BOOTS && b.n >= TR_TUNE_BOOTS) {
        set_test(to, b.mean - a.mean, larger_error2(&a, &b, model->cell_variance),
                 (double)model->cell_df, TR_TUNE_ACROSS_BOOTS);
    } else if (find_shared_boot(model, base, setting, &shared_a, &shared_b)) {
        set_test(to, shared_b->mean - shared_a->mean,
                 larger_error2(shared_a, shared_b, model->recording_variance),
                 (double)model->recording_df, TR_TUNE_ONE_BOOT);
    } else if (!isnan(model->boots_sd)) {
        double error2 = model->boots_sd * model->boots_sd * (1 / (double)a.n + 1 / (double)b.n) +
                        error2_within(model, base) + error2_within(model, setting);
        set_test(to, b.mean - a.mean, error2, normal_df, TR_TUNE_KNOWN_SPREAD);
    }
}

static void describe(const struct model *model, size_t setting, struct tr_tune_result *to) {
    struct group all = setting_of(model, setting);
    for (size_t i = 0; i < model->n_recordings; i++) {
        if (model->recordings[i].setting != setting)
            continue;
        to->n_recordings++;
        to->n_rounds += model->recordings[i].n;
    }
    to->n_boots = all.n;
    if (!all.n)
        return;
    to->value = exp(all.mean);
    double error2 = NAN, df = 1;
    if (all.n >= 2) {
        error2 = fmax(model->cell_variance, all.squares / (double)(all.n - 1)) / (double)all.n;
        df = (double)model->cell_df;
    } else if (!isnan(model->boots_sd)) {
        error2 = model->boots_sd * model->boots_sd + error2_within(model, setting);
        df = normal_df;
    } else if (model->spread.n_within) {
        error2 = error2_within(model, setting);
        df = (double)model->spread.n_within;
    }
    to->within_boot = all.n < 2 && isnan(model->boots_sd);
    double width = sqrt(error2) * tr_student_quantile(0.025, df);
    to->low = exp(all.mean - width);
    to->high = exp(all.mean + width);
}

int tr_tune_compare(const struct tr_tune_value *values, size_t n, size_t n_settings, size_t base,
                    double boots_sd, struct tr_tune_spread *ret_spread,
                    struct tr_tune_result *ret_results) {
    struct model model = {.n_settings = n_settings, .boots_sd = boots_sd};
    int code = make_recordings(&model, values, n);
    if (!code)
        code = make_cells(&model);
    if (!code) {
        find_spread_between(&model);
        *ret_spread = model.spread;
    }
    for (size_t s = 0; !code && s < n_settings; s++) {
        ret_results[s] = (struct tr_tune_result){.value = NAN,
                                                 .low = NAN,
                                                 .high = NAN,
                                                 .change = NAN,
                                                 .change_low = NAN,
                                                 .change_high = NAN,
                                                 .p = NAN};
        describe(&model, s, &ret_results[s]);
        if (s != base)
            compare(&model, base, s, &ret_results[s]);
    }
    model_finish(&model);
    return code;
}

/* --- while a recording goes on --------------------------------------------------------------- */

static const double alike = 0.0025, narrow = 0.005;
/* An interval of less than this part of what boots differ by: the rest is theirs. */
static const double share_of_boots = 0.25;

static enum tr_tune_need need_of(const struct tr_tune_progress *progress, double between) {
    if (isnan(progress->difference))
        return progress->half_width <= narrow ? TR_TUNE_ALIKE : TR_TUNE_MORE;
    if (fabs(progress->difference) > progress->half_width)
        return TR_TUNE_SEPARATED;
    if (progress->half_width <= alike)
        return TR_TUNE_ALIKE;
    return progress->half_width <= share_of_boots * between ? TR_TUNE_HOPELESS : TR_TUNE_MORE;
}

int tr_tune_enough(const struct tr_tune_value *values, size_t n, size_t n_settings,
                   size_t recording, size_t rival, double boots_sd,
                   struct tr_tune_progress *ret_progress) {
    struct model model = {.n_settings = n_settings, .boots_sd = boots_sd};
    struct tr_tune_progress progress = {.difference = NAN, .half_width = INFINITY};
    double *logs = malloc((n ? n : 1) * sizeof(*logs));
    size_t rounds = 0;
    int code = logs ? make_recordings(&model, values, n) : TR_ENOMEM;
    if (!code)
        code = make_cells(&model);
    for (size_t i = 0; !code && i < n; i++)
        if (values[i].recording == recording && values[i].value > 0)
            logs[rounds++] = log(values[i].value);
    if (!code) {
        find_spread_between(&model);
        progress.spread = model.spread;
    }
    if (!code && rounds >= TR_TUNE_LEAST_ROUNDS) {
        double mean = tr_series_middle(logs, rounds);
        double error2 = pow(middle_error * model.spread.within, 2) / (double)rounds;
        struct group other = setting_of(&model, rival);
        if (other.n) {
            progress.difference = mean - other.mean;
            error2 += error2_within(&model, rival);
        }
        progress.half_width =
            sqrt(error2) * tr_student_quantile(0.025, (double)model.spread.n_within);
        progress.need = need_of(&progress, isnan(boots_sd) ? model.spread.between : boots_sd);
    }
    free(logs);
    model_finish(&model);
    if (!code)
        *ret_progress = progress;
    return code;
}
