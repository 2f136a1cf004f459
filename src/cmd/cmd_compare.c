/* tokenroof compare A B...: what changed between calibration files or sets of runs. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "compare_json.h"
#include "compare_text.h"
#include "predictions.h"
#include "runs.h"
#include "verdicts.h"

enum { MAX_SETS = 64, MAX_MODELS = 16 };

struct compare_options {
    struct tr_output_options output;
    const char *models; /* "a,b"; "none" */
    double threshold_percent;
    double runs_sd_percent; /* NAN: not given */
};

#define MEMBER(name) offsetof(struct compare_options, name)
static const struct tr_option rows[] = {
    {.name = "threshold",
     .argument = "PERCENT",
     .store = tr_store_double,
     .offset = MEMBER(threshold_percent),
     .min = 0,
     .max = 100,
     .brief = true,
     .help = "a worsening of less is no regression; default: 1"},
    {.name = "runs-sd",
     .argument = "PERCENT",
     .store = tr_store_double,
     .offset = MEMBER(runs_sd_percent),
     .min = 0.001,
     .max = 100,
     .brief = true,
     .help = "known standard deviation between runs; then few runs are enough"},
    {.name = "model",
     .argument = "LIST",
     .store = tr_store_text,
     .offset = MEMBER(models),
     .brief = true,
     .help = "models whose speed to predict from each run, or none"},
};

static int collect_figures(struct tr_run_set *sets, size_t n_sets, const char *models,
                           struct tr_figures *figures, struct tr_err *reterr) {
    struct tr_model *loaded[MAX_MODELS] = {0};
    size_t n_models = 0;
    int code = tr_models_load(models, loaded, MAX_MODELS, &n_models, reterr);
    for (size_t set = 0; set < n_sets; set++) {
        for (size_t run = 0; !code && run < sets[set].n; run++) {
            code = tr_figures_add_run(figures, set, sets[set].runs[run]);
            for (size_t i = 0; !code && i < n_models; i++)
                code = tr_run_predict(figures, set, sets[set].runs[run], loaded[i], reterr);
        }
    }
    for (size_t i = 0; i < n_models; i++)
        tr_model_destroy(loaded[i]);
    return code;
}

/* Of several sets each figure has several verdicts: "read f64, all threads [friday.json]". NULL:
 * out of memory. */
static char *verdict_name(const struct tr_compared *compared, const struct tr_difference *at) {
    if (compared->n_sets == 2)
        return strdup(at->figure->name);
    return tr_format("%s [%s]", at->figure->name, compared->names[at->set]);
}

static int render_verdicts(const char *format, const struct tr_compared *compared,
                           struct tr_strbuf *out) {
    static const enum tr_verdict_kind kinds[] = {TR_VERDICT_PASS, TR_VERDICT_WARN, TR_VERDICT_FAIL,
                                                 TR_VERDICT_SKIP};
    const struct tr_comparison *comparison = &compared->comparison;
    size_t n = comparison->n;
    struct tr_verdict *verdicts = calloc(n ? n : 1, sizeof(*verdicts));
    char **names = calloc(n ? n : 1, sizeof(*names));
    int code = verdicts && names ? 0 : TR_ENOMEM;
    for (size_t i = 0; !code && i < n; i++) {
        const struct tr_difference *at = &comparison->items[i];
        names[i] = verdict_name(compared, at);
        code = names[i] ? 0 : TR_ENOMEM;
        verdicts[i] = (struct tr_verdict){.name = names[i],
                                          .verdict = kinds[at->verdict],
                                          .value = 100 * at->change,
                                          .unit = "%",
                                          .low = 100 * at->low,
                                          .high = 100 * at->high,
                                          .why = at->why};
    }
    if (!code && !strcmp(format, "junit"))
        tr_verdicts_junit("compare", verdicts, n, out);
    else if (!code && !strcmp(format, "csv"))
        tr_verdicts_csv(verdicts, n, out);
    else if (!code)
        tr_verdicts_tap(verdicts, n, out);
    for (size_t i = 0; names && i < n; i++)
        free(names[i]);
    free(names);
    free(verdicts);
    return code;
}

struct shown {
    struct tr_compared compared;
    bool verbose;
};

static int render(const char *format, const struct tr_term *term, const void *data,
                  struct tr_strbuf *out, struct tr_err *reterr) {
    const struct shown *shown = data;
    (void)reterr;
    if (!strcmp(format, "text")) {
        tr_comparison_text(&shown->compared, term, shown->verbose, out);
        return 0;
    }
    if (strcmp(format, "json") != 0)
        return render_verdicts(format, &shown->compared, out);
    json_t *document = NULL;
    int code = tr_comparison_to_json(&shown->compared, &document);
    if (!code)
        code = tr_json_print(document, out);
    json_decref(document);
    return code;
}

static int compare(const struct compare_options *options, struct tr_run_set *sets, size_t n_sets,
                   struct tr_err *reterr) {
    struct tr_figures figures;
    struct shown shown = {.verbose = options->output.verbose > 0};
    struct tr_compared *compared = &shown.compared;
    const char *names[MAX_SETS];
    struct tr_calibration *const *runs[MAX_SETS];
    size_t n_runs[MAX_SETS];
    for (size_t i = 0; i < n_sets; i++) {
        names[i] = sets[i].name;
        runs[i] = sets[i].runs;
        n_runs[i] = sets[i].n;
    }
    *compared = (struct tr_compared){.names = names,
                                     .runs = runs,
                                     .n_runs = n_runs,
                                     .n_sets = n_sets,
                                     .options = {.threshold = options->threshold_percent / 100,
                                                 .runs_sd = options->runs_sd_percent / 100}};
    tr_figures_init(&figures, n_sets);
    int code = collect_figures(sets, n_sets, options->models, &figures, reterr);
    if (!code)
        code = tr_compare(&figures, &compared->options, &compared->comparison);
    if (!code)
        code = tr_changes_find(runs, n_runs, n_sets, &compared->changes);
    if (!code)
        code = tr_output_write(&options->output, "text", render, &shown, reterr);
    if (!code && compared->comparison.regression)
        code = TR_ECHECK; /* the table has said which */
    tr_changes_finish(&compared->changes);
    tr_comparison_finish(&compared->comparison);
    tr_figures_finish(&figures);
    return code;
}

static int run(void *data, char *const *arguments, size_t n, struct tr_err *reterr) {
    const struct compare_options *options = data;
    struct tr_run_set sets[MAX_SETS] = {0};
    int code = 0;
    for (size_t i = 0; !code && i < n; i++)
        code = tr_run_set_read(arguments[i], &options->output, &sets[i], reterr);
    if (!code)
        code = compare(options, sets, n, reterr);
    for (size_t i = 0; i < n; i++)
        tr_run_set_finish(&sets[i]);
    return code;
}

static const struct compare_options defaults = {
    .models = TR_JUDGED_MODELS,
    .threshold_percent = 1,
    .runs_sd_percent = NAN,
};
static const char *const formats[] = {"text", "json", "csv", "junit", "tap", NULL};
static const struct tr_option_group groups[] = {
    {"comparison", TR_ROWS(rows), 0, NULL},
    TR_GROUP_OUTPUT,
    TR_GROUP_END,
};

const struct tr_command tr_command_compare = {
    .usage = "A B... [options]",
    .about = "A, B: calibration files, or directories whose *.json files are the runs of a\n"
             "set. A is what the others are compared with. A regression (status 5) needs five\n"
             "runs a side or --runs-sd: samples within a run are not independent.\n",
    .examples = "  tokenroof compare monday.json friday.json\n"
                "  tokenroof compare runs-before/ runs-after/ --threshold 2\n"
                "  tokenroof compare before/ after/ --model llama-3.1-8b-q4_k_m -f junit:ci.xml\n"
                "  tokenroof report monday.json friday.json -f html:page.html   # as a page\n",
    .groups = groups,
    .formats = formats,
    .options_bytes = sizeof(struct compare_options),
    .defaults = &defaults,
    .min_arguments = 2,
    .max_arguments = MAX_SETS,
    .argument = "FILE|DIRECTORY",
    .run = run,
};
