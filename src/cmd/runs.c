#include "runs.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd.h"
#include "measured_rates.h"
#include "rates.h"
#include "strbuf.h"

static int is_json(const struct dirent *entry) {
    size_t n = strlen(entry->d_name);
    return *entry->d_name != '.' && n > 5 && !strcmp(entry->d_name + n - 5, ".json");
}

/* Takes the calibration over. */
static int append(struct tr_run_set *set, struct tr_calibration *run) {
    struct tr_calibration **runs =
        realloc(set->runs, (set->n + 1) * sizeof(struct tr_calibration *));
    if (!runs) {
        tr_calibration_destroy(run);
        return TR_ENOMEM;
    }
    set->runs = runs;
    runs[set->n++] = run;
    return 0;
}

static int read_directory(const char *path, const struct tr_output_options *output,
                          struct tr_run_set *set, struct tr_err *reterr) {
    struct dirent **entries = NULL;
    int code = 0, n = scandir(path, &entries, is_json, alphasort);
    if (n < 0)
        return tr_err_set(reterr, TR_EFORMAT, "%.300s: cannot be read: %s", path, strerror(errno));
    for (int i = 0; i < n; i++) {
        char *file = tr_format("%s/%s", path, entries[i]->d_name);
        struct tr_calibration *run = NULL;
        if (!code)
            code = file ? tr_err_of_input(tr_calibration_read(file, &run, reterr)) : TR_ENOMEM;
        if (!code && run->partial) {
            tr_note(output, "%s is partial (its run was interrupted) and left out", file);
            tr_calibration_destroy(run);
        } else if (!code) {
            code = append(set, run);
        }
        free(file);
        free(entries[i]);
    }
    free(entries);
    if (!code && set->n == 0)
        code = tr_err_set(reterr, TR_EFORMAT,
                          "%.300s: no complete calibration in this directory (*.json)", path);
    return code;
}

int tr_run_set_read(const char *path, const struct tr_output_options *output,
                    struct tr_run_set *ret_set, struct tr_err *reterr) {
    struct tr_run_set set = {.name = path};
    struct stat status;
    struct tr_calibration *run = NULL;
    int code;
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
        code = read_directory(path, output, &set, reterr);
    } else {
        code = tr_err_of_input(tr_calibration_read(path, &run, reterr));
        if (!code)
            code = append(&set, run);
    }
    if (code)
        tr_run_set_finish(&set);
    else
        *ret_set = set;
    return code;
}

void tr_run_set_finish(struct tr_run_set *set) {
    for (size_t i = 0; i < set->n; i++)
        tr_calibration_destroy(set->runs[i]);
    free(set->runs);
    *set = (struct tr_run_set){0};
}

/* --- predictions ----------------------------------------------------------------------------- */

static const struct tr_use_case tests[] = {
    {.name = "pp512", .prompt_tokens = 512},
    {.name = "tg128", .generated_tokens = 128},
};
enum { N_TESTS = sizeof(tests) / sizeof(tests[0]) };

/* tok/s of each test, NAN where the model does not fit or the run has no rate; and by which tier
 * (static storage). */
static int predict(const struct tr_calibration *run, const struct tr_model *model,
                   double rates_of_tests[N_TESTS], const char **ret_tier, struct tr_err *reterr) {
    struct tr_rates rates;
    struct tr_measured measured = {0};
    struct tr_prediction *prediction = NULL;
    for (size_t i = 0; i < N_TESTS; i++)
        rates_of_tests[i] = NAN;
    *ret_tier = "formula";
    int code = tr_rates_from_calibration(run, 0, &rates, reterr);
    if (code == TR_EUNAVAILABLE)
        return 0;
    if (!code)
        code = tr_measured_from_calibration(run, &measured);
    if (!code) {
        const struct tr_basis basis = tr_basis_from(run, &rates, &measured);
        /* A tier that is not possible leaves its reason there, which is none of ours. */
        struct tr_err why = {0};
        code = tr_predict_finest(model, &basis, tests, N_TESTS, &prediction, &why);
        if (code)
            tr_err_set(reterr, code, "%s", why.text);
    }
    if (!code)
        *ret_tier = prediction->fidelity;
    for (size_t i = 0; !code && i < N_TESTS; i++)
        rates_of_tests[i] = tests[i].prompt_tokens ? prediction->results[i].pp_tok_s.value
                                                   : prediction->results[i].tg_tok_s.value;
    tr_prediction_destroy(prediction);
    tr_measured_finish(&measured);
    return code;
}

/* The same with every figure at one end of its interval. */
static int predict_end(struct tr_calibration *run, const struct tr_model *model, int end,
                       double rates_of_tests[N_TESTS], struct tr_err *reterr) {
    size_t n = run->n_measurements;
    double *medians = malloc((n ? n : 1) * sizeof(*medians));
    if (!medians)
        return TR_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        struct tr_measurement *m = &run->measurements[i];
        medians[i] = m->median;
        if (m->ci95[end] > 0)
            m->median = m->ci95[end];
    }
    const char *tier;
    int code = predict(run, model, rates_of_tests, &tier, reterr);
    for (size_t i = 0; i < n; i++)
        run->measurements[i].median = medians[i];
    free(medians);
    return code;
}

int tr_run_predict(struct tr_figures *figures, size_t set, struct tr_calibration *run,
                   const struct tr_model *model, struct tr_err *reterr) {
    double value[N_TESTS], low[N_TESTS], high[N_TESTS];
    const char *tier;
    int code = predict(run, model, value, &tier, reterr);
    if (!code)
        code = predict_end(run, model, 0, low, reterr);
    if (!code)
        code = predict_end(run, model, 1, high, reterr);
    for (size_t i = 0; !code && i < N_TESTS; i++) {
        const struct tr_measurement *read = tr_calibration_read_rate(run);
        struct tr_run_figure figure = {.value = value[i],
                                       .error = fabs(high[i] - low[i]) / 2 / 1.959964 / value[i],
                                       .untrusted = read && tr_doubt_of(read)};
        /* By its tier, so that predictions of two kinds are never set against each other. */
        char *name = tr_format("%s %s, %s tier", model->name, tests[i].name, tier);
        code = name ? tr_figures_add(figures, set, name, "tok/s", TR_FIGURE_DERIVED, false, &figure)
                    : TR_ENOMEM;
        free(name);
    }
    return code;
}

int tr_run_speed(const struct tr_calibration *run, const struct tr_model *model,
                 double *ret_pp_tok_s, double *ret_tg_tok_s, const char **ret_tier,
                 struct tr_err *reterr) {
    double rates_of_tests[N_TESTS];
    const char *tier;
    int code = predict(run, model, rates_of_tests, &tier, reterr);
    if (!code) {
        if (ret_tier)
            *ret_tier = tier;
        *ret_pp_tok_s = rates_of_tests[0];
        *ret_tg_tok_s = rates_of_tests[1];
    }
    return code;
}

int tr_models_load(const char *list, struct tr_model **models, size_t max, size_t *n,
                   struct tr_err *reterr) {
    int code = 0;
    while (!code && *list && strcmp(list, "none") != 0) {
        size_t length = strcspn(list, ",");
        char *name = strndup(list, length);
        if (!name)
            return TR_ENOMEM;
        if (*n == max)
            code = tr_err_set(reterr, TR_EUSAGE, "--model: more than %zu models", max);
        else if (length)
            code = tr_err_of_input(tr_model_load(name, &models[*n], reterr));
        *n += !code && length;
        free(name);
        list += length + (list[length] == ',');
    }
    return code;
}
