#include "observations.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "file.h"
#include "measured_rates.h"
#include "tier.h"

enum { MAX_CASES = 24, MAX_BYTES = 64 << 20 };

int tr_observed_load(const char *path, struct tr_observed_list *ret_list, struct tr_err *reterr) {
    char *text = NULL;
    size_t length = 0;
    int code = tr_file_read(path, MAX_BYTES, &text, &length, reterr);
    if (!code)
        code = tr_observed_parse(text, length, path, ret_list, reterr);
    free(text);
    return code;
}

/* ---- the machine ---- */

static int cpus_of(const json_t *machine) {
    const json_t *cores = json_object_get(machine, "cores"), *core;
    size_t i;
    int n = 0;
    json_array_foreach(cores, i, core) {
        const char *text = json_string_value(json_object_get(core, "cpus"));
        struct tr_cpulist list = {0};
        if (text && !tr_cpulist_parse(text, &list, NULL))
            n += (int)list.n;
        tr_cpulist_finish(&list);
    }
    return n;
}

void tr_observed_machine_of(const struct tr_calibration *calibration,
                            struct tr_observed_machine *ret_machine) {
    const json_t *machine = json_object_get(calibration->document, "machine");
    const struct tr_checked_on checked_on = tr_checked_on_from(calibration);
    *ret_machine = (struct tr_observed_machine){
        /* What a virtual machine calls its processor differs by who is asked. */
        .cpu = json_is_true(json_object_get(machine, "virtual"))
                   ? NULL
                   : tr_calibration_text(calibration, "cpu.model"),
        .cores = checked_on.cores,
        .cpus = cpus_of(machine),
        .nodes = checked_on.nodes,
        .interleaved_fraction = tr_placement_fraction(calibration, TR_PLACED_INTERLEAVED),
        .one_node_fraction = tr_placement_fraction(calibration, TR_PLACED_ONE_NODE),
    };
}

/* ---- one setting ---- */

static const struct tr_model *nearest(const struct tr_observed_job *job,
                                      const struct tr_observed *observed) {
    const struct tr_model *best = NULL;
    for (size_t i = 0; i < job->n_models; i++)
        if (!best ||
            tr_observed_distance(observed, job->models[i]) < tr_observed_distance(observed, best))
            best = job->models[i];
    return best;
}

static bool same_setting(const struct tr_observed *a, const struct tr_observed *b) {
    const char *x = a->cache_type ? a->cache_type : "", *y = b->cache_type ? b->cache_type : "";
    return a->threads == b->threads && a->ubatch == b->ubatch && !strcmp(x, y) &&
           (a->flash_attention == 0) == (b->flash_attention == 0);
}

static json_t *known(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *entry_of(const struct tr_observed_pair *pair,
                        const struct tr_observed_verdict *verdict) {
    const struct tr_observed *one = pair->observed;
    json_t *causes = json_array();
    int failed = !causes;
    for (size_t i = 0; i < verdict->n_causes && !failed; i++)
        failed = json_array_append_new(causes, json_string(verdict->causes[i]));
    json_t *entry = json_pack(
        "{s:s, s:i, s:i, s:i, s:o, s:s?, s:s?, s:s?, s:o, s:s?, s:o, s:o, s:I}", "test", one->name,
        "prompt_tokens", one->prompt_tokens, "generated_tokens", one->generated_tokens, "depth",
        one->depth, "threads", one->threads ? json_integer(one->threads) : json_null(), "build",
        one->build, "backends", one->backends, "model_type", one->model_type, "model_bytes",
        known(one->model_bytes), "tested_at", one->time, "observed_tok_s", known(one->tok_s),
        "observed_sd_tok_s", known(tr_observed_spread(one) * one->tok_s), "n",
        (json_int_t)one->n_samples);
    json_t *rest = json_pack(
        "{s:{s:o, s:o, s:o}, s:i, s:o, s:o, s:o, s:s, s:O, s:s}", "predicted_tok_s", "value",
        known(pair->predicted.value), "low", known(pair->predicted.low), "high",
        known(pair->predicted.high), "predicted_threads", pair->threads, "roof_tok_s",
        known(pair->roof_tok_s), "fraction_of_prediction", known(verdict->fraction_of_prediction),
        "fraction_of_roof", known(verdict->fraction_of_roof), "verdict", verdict->verdict, "causes",
        causes, "why", verdict->why);
    failed = failed || !entry || !rest || json_object_update(entry, rest);
    json_decref(rest);
    json_decref(causes);
    if (failed) {
        json_decref(entry);
        return NULL;
    }
    return entry;
}

static int learn(const struct tr_observed_job *job, const struct tr_observed_pair *pair,
                 const struct tr_prediction_result *result, const char *rates, json_t *entry,
                 const char *unfit) {
    const struct tr_observed *one = pair->observed;
    enum tr_phase phase = one->generated_tokens ? TR_PHASE_GENERATION : TR_PHASE_PROMPT;
    const struct tr_applied *applied = &result->correction[phase];
    char date[32];
    time_t now = time(NULL);
    struct tm utc;
    int code = 0;
    if (!unfit) {
        double predicted = pair->predicted.value / (applied->n ? applied->ratio : 1);
        strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
        const struct tr_correction correction = {
            .date = date,
            .build = one->build,
            .commit = one->commit,
            .fidelity = (char *)pair->fidelity,
            .rates = (char *)rates,
            .model = pair->model->name,
            .test = (char *)one->name,
            .model_bytes = (double)pair->model->file_bytes,
            .phase = phase,
            .threads = pair->threads,
            .predicted_tok_s = predicted,
            .observed_tok_s = one->tok_s,
            .ratio = one->tok_s / predicted,
            .spread = tr_observed_spread(one),
            .n = (int)one->n_samples,
        };
        code = tr_correction_store(&correction, job->learned);
    }
    if (!code &&
        (json_object_set_new(entry, "learned", json_boolean(!unfit)) ||
         json_object_set_new(entry, "not_learned", unfit ? json_string(unfit) : json_null())))
        code = TR_ENOMEM;
    return code;
}

/* The test of `row` beside its prediction. */
static int add_pair(const struct tr_observed_job *job, const struct tr_observed *row,
                    const struct tr_prediction *prediction, size_t at, json_t *array) {
    const struct tr_prediction_result *result = &prediction->results[at];
    struct tr_observed_pair pair = {
        .observed = row,
        .model = prediction->model,
        .machine = &job->machine,
        .fidelity = prediction->fidelity,
        .engine = prediction->engine,
        .threads = prediction->threads,
        .best_threads = row->generated_tokens && !row->prompt_tokens ? result->best_threads : 0,
        .best_tok_s = result->best_tg_tok_s,
    };
    struct tr_observed_verdict verdict = {0};
    pair.predicted = tr_observed_predicted(result, &pair.roof_tok_s);
    int code = tr_observed_judge(&pair, job->list, &verdict);
    json_t *entry = code ? NULL : entry_of(&pair, &verdict);
    if (!code && !entry)
        code = TR_ENOMEM;
    if (!code && job->learned)
        code =
            learn(job, &pair, result, prediction->rates, entry, tr_observed_unfit(&pair, &verdict));
    if (!code && json_array_append(array, entry))
        code = TR_ENOMEM;
    json_decref(entry);
    free(verdict.why);
    return code;
}

/* All results of the setting of number `first` that belong to the model. */
static int add_setting(const struct tr_observed_job *job, const struct tr_model *model,
                       size_t first, bool *done, json_t *array, struct tr_err *reterr) {
    const struct tr_observed_list *list = job->list;
    struct tr_use_case cases[MAX_CASES] = {0};
    size_t rows[MAX_CASES] = {0}, n = 0;
    for (size_t i = first; i < list->n && n < MAX_CASES; i++) {
        if (done[i] || !same_setting(&list->items[first], &list->items[i]) ||
            nearest(job, &list->items[i]) != model)
            continue;
        done[i] = true;
        rows[n] = i;
        cases[n++] = tr_observed_use_case(&list->items[i]);
    }
    const struct tr_observed_setting setting = {.threads = list->items[first].threads,
                                                .ubatch = list->items[first].ubatch,
                                                .cache_type = list->items[first].cache_type,
                                                .no_flash_attention =
                                                    list->items[first].flash_attention == 0};
    struct tr_prediction *prediction = NULL;
    int code = job->predict(job->data, model, &setting, cases, n, &prediction, reterr);
    for (size_t i = 0; i < n && !code; i++)
        code = add_pair(job, &list->items[rows[i]], prediction, i, array);
    tr_prediction_destroy(prediction);
    return code;
}

int tr_observed_add(const struct tr_observed_job *job, const struct tr_model *model,
                    json_t *document, struct tr_err *reterr) {
    json_t *array = json_array();
    bool *done = calloc(job->list->n + 1, sizeof(*done));
    int code = array && done ? 0 : TR_ENOMEM;
    for (size_t i = 0; i < job->list->n && !code; i++)
        if (!done[i] && nearest(job, &job->list->items[i]) == model)
            code = add_setting(job, model, i, done, array, reterr);
    if (!code && json_object_set(document, "observed", array))
        code = TR_ENOMEM;
    free(done);
    json_decref(array);
    return code;
}

int tr_observed_keep(struct tr_calibration *calibration, json_t *learned, struct tr_err *reterr) {
    char *path = strdup(calibration->path ? calibration->path : "");
    int code =
        path && !json_object_set(calibration->document, "corrections", learned) ? 0 : TR_ENOMEM;
    if (!code)
        code = tr_calibration_write(calibration, path, true, reterr);
    free(path);
    return code;
}
