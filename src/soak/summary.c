#include "summary.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "calibration_json.h"
#include "faults.h"
#include "file.h"

enum join { MEAN, HIGHEST, LOWEST, LATER };

static const struct {
    const char *name;
    enum join join;
} columns[TR_SOAK_COLUMNS] = {
    [TR_SOAK_GB_S] = {"gb_s", MEAN},
    [TR_SOAK_GFLOP_S] = {"gflop_s", MEAN},
    [TR_SOAK_CORE_GHZ] = {"core_ghz", MEAN},
    [TR_SOAK_CORE_GHZ_MIN] = {"core_ghz_min", LOWEST},
    [TR_SOAK_CLOCK_SHARE_MIN] = {"clock_share_min", LOWEST},
    [TR_SOAK_CPU_CELSIUS] = {"cpu_celsius", HIGHEST},
    [TR_SOAK_CPU_LIMIT_CELSIUS] = {"cpu_limit_celsius", LOWEST},
    [TR_SOAK_MEMORY_CELSIUS] = {"memory_celsius", HIGHEST},
    [TR_SOAK_MEMORY_LIMIT_CELSIUS] = {"memory_limit_celsius", LOWEST},
    [TR_SOAK_POWER_W] = {"power_w", MEAN},
    [TR_SOAK_PROCHOT] = {"prochot", HIGHEST},
    [TR_SOAK_CORE_THROTTLES] = {"core_throttle_events", LATER},
    [TR_SOAK_PACKAGE_THROTTLES] = {"package_throttle_events", LATER},
    [TR_SOAK_CORRECTED] = {"corrected_errors", LATER},
    [TR_SOAK_UNCORRECTED] = {"uncorrected_errors", LATER},
    [TR_SOAK_MACHINE_CHECKS] = {"machine_checks", LATER},
    [TR_SOAK_DEFERRED] = {"deferred_errors", LATER},
    [TR_SOAK_THRESHOLDS] = {"threshold_interrupts", LATER},
    [TR_SOAK_MEMORY_MISMATCHES] = {"memory_mismatches", LATER},
    [TR_SOAK_COMPUTE_MISMATCHES] = {"compute_mismatches", LATER},
    [TR_SOAK_VERIFIED_BYTES] = {"verified_bytes", LATER},
};

const char *tr_soak_column_name(enum tr_soak_column column) {
    return columns[column].name;
}

void tr_soak_second_init(struct tr_soak_second *second) {
    *second = (struct tr_soak_second){0};
    for (int i = 0; i < TR_SOAK_COLUMNS; i++)
        second->values[i] = NAN;
}

void tr_soak_second_join(struct tr_soak_second *first, const struct tr_soak_second *later) {
    double span_s = first->span_s + later->span_s;
    for (int i = 0; i < TR_SOAK_COLUMNS; i++) {
        double a = first->values[i], b = later->values[i], joined = b;
        if (isnan(a) || isnan(b))
            joined = isnan(b) ? a : b;
        else if (columns[i].join == MEAN)
            joined = (a * first->span_s + b * later->span_s) / span_s;
        else if (columns[i].join == HIGHEST)
            joined = fmax(a, b);
        else if (columns[i].join == LOWEST)
            joined = fmin(a, b);
        first->values[i] = joined;
    }
    first->stage = first->stage == later->stage ? first->stage : -1;
    first->t_s = later->t_s;
    first->span_s = span_s;
}

int tr_soak_summary_init(struct tr_soak_summary *summary) {
    *summary = (struct tr_soak_summary){
        .mismatches = json_array(),
        .notes = json_array(),
        .seconds = calloc(TR_SOAK_MOST_SECONDS, sizeof(*summary->seconds)),
    };
    return summary->mismatches && summary->notes && summary->seconds ? 0 : TR_ENOMEM;
}

void tr_soak_summary_finish(struct tr_soak_summary *summary) {
    json_decref(summary->head);
    json_decref(summary->nodes);
    json_decref(summary->modules);
    json_decref(summary->mismatches);
    json_decref(summary->notes);
    free(summary->seconds);
    *summary = (struct tr_soak_summary){0};
}

/* --- seconds --------------------------------------------------------------------------------- */

/* The last entry grows until it is as long as the others. */
static void keep_second(struct tr_soak_summary *summary, const struct tr_soak_second *second) {
    if (!summary->seconds)
        return;
    struct tr_soak_second *last =
        summary->n_seconds ? &summary->seconds[summary->n_seconds - 1] : NULL;
    if (last && last->span_s < 0.9 * summary->span_s) {
        tr_soak_second_join(last, second);
        return;
    }
    if (summary->n_seconds == TR_SOAK_MOST_SECONDS) {
        for (size_t i = 0; i < TR_SOAK_MOST_SECONDS / 2; i++) {
            struct tr_soak_second pair = summary->seconds[2 * i];
            tr_soak_second_join(&pair, &summary->seconds[2 * i + 1]);
            summary->seconds[i] = pair;
        }
        summary->n_seconds = TR_SOAK_MOST_SECONDS / 2;
        summary->span_s = summary->span_s > 0 ? 2 * summary->span_s : 2;
    }
    summary->seconds[summary->n_seconds++] = *second;
}

static void add_sums(struct tr_soak_summary *summary, const struct tr_soak_second *second) {
    if (second->stage < 0 || second->stage >= TR_SOAK_STAGES)
        return;
    struct tr_soak_sum *sum = &summary->sums[second->stage];
    double gb_s = second->values[TR_SOAK_GB_S], gflop_s = second->values[TR_SOAK_GFLOP_S];
    sum->span_s += second->span_s;
    sum->gb += isfinite(gb_s) ? gb_s * second->span_s : 0;
    sum->gflop += isfinite(gflop_s) ? gflop_s * second->span_s : 0;
}

static int add_second(struct tr_soak_summary *summary, const json_t *line, struct tr_err *reterr) {
    struct tr_soak_second second;
    const char *phase = json_string_value(json_object_get(line, "phase"));
    tr_soak_second_init(&second);
    second.t_s = tr_json_number_of(line, "t_s");
    second.span_s = tr_json_number_of(line, "span_s");
    if (!(second.t_s >= 0) || !(second.span_s > 0) || !phase)
        return tr_err_set(reterr, TR_EFORMAT,
                          "a second without t_s, span_s and phase: not the record of a soak");
    second.stage = -1;
    for (int i = 0; i < TR_SOAK_STAGES; i++)
        if (!strcmp(phase, tr_soak_load_name(i)))
            second.stage = i;
    for (int i = 0; i < TR_SOAK_COLUMNS; i++)
        second.values[i] = tr_json_number_of(line, columns[i].name);
    summary->t_s = second.t_s;
    add_sums(summary, &second);
    keep_second(summary, &second);
    return 0;
}

/* --- lines ----------------------------------------------------------------------------------- */

static int keep(json_t **place, const json_t *line, const char *name, struct tr_err *reterr) {
    json_t *value = json_object_get(line, name);
    if (!json_is_array(value))
        return tr_err_set(reterr, TR_EFORMAT, "%s: expected an array", name);
    json_decref(*place);
    *place = json_incref(value);
    return 0;
}

static int add_head(struct tr_soak_summary *summary, const json_t *line, struct tr_err *reterr) {
    const char *schema = json_string_value(json_object_get(line, "schema"));
    if (!schema || strcmp(schema, TR_SOAK_RECORD_SCHEMA) != 0)
        return tr_err_set(reterr, TR_EFORMAT, "schema '%.60s': expected %s", schema ? schema : "",
                          TR_SOAK_RECORD_SCHEMA);
    json_decref(summary->head);
    summary->head = json_deep_copy(line);
    return summary->head ? 0 : TR_ENOMEM;
}

static int append(json_t *array, json_t *value) {
    return json_array_append_new(array, value) ? TR_ENOMEM : 0;
}

int tr_soak_summary_add(struct tr_soak_summary *summary, const json_t *line,
                        struct tr_err *reterr) {
    const char *record = json_string_value(json_object_get(line, "record"));
    if (!record)
        return tr_err_set(reterr, TR_EFORMAT, "a line without 'record': not the record of a soak");
    if (!strcmp(record, "soak"))
        return add_head(summary, line, reterr);
    if (!summary->head)
        return tr_err_set(reterr, TR_EFORMAT, "the record of a soak begins with a line 'soak'");
    if (!strcmp(record, "second"))
        return add_second(summary, line, reterr);
    if (!strcmp(record, "nodes"))
        return keep(&summary->nodes, line, "nodes", reterr);
    if (!strcmp(record, "modules"))
        return keep(&summary->modules, line, "modules", reterr);
    if (!strcmp(record, "mismatch")) {
        json_t *copy = json_deep_copy(line);
        if (copy)
            json_object_del(copy, "record");
        return json_array_size(summary->mismatches) < TR_SOAK_MOST_DETAILS
                   ? append(summary->mismatches, copy)
                   : (json_decref(copy), 0);
    }
    if (!strcmp(record, "note"))
        return append(summary->notes, json_deep_copy(json_object_get(line, "text")));
    if (!strcmp(record, "end")) {
        summary->ended = true;
        summary->stopped = json_is_true(json_object_get(line, "partial"));
    }
    if (!strcmp(record, "killed"))
        summary->killed = true;
    return 0; /* what a later version adds */
}

int tr_soak_summary_read(const char *path, struct tr_soak_summary *summary, struct tr_err *reterr) {
    static const size_t most_bytes = (size_t)1 << 30;
    char *text = NULL;
    size_t length = 0, number = 1;
    struct tr_err why = {0};
    int code = tr_file_read(path, most_bytes, &text, &length, reterr);
    if (code)
        return code;
    code = tr_soak_summary_init(summary);
    for (char *at = text; !code && at < text + length; number++) {
        char *end = memchr(at, '\n', (size_t)(text + length - at));
        if (!end) /* the last one, cut off when the program or the machine ended */
            break;
        json_error_t error;
        json_t *line = json_loadb(at, (size_t)(end - at), 0, &error);
        if (line)
            code = tr_soak_summary_add(summary, line, &why);
        else
            code = tr_err_set(&why, TR_EFORMAT, "%s", error.text);
        json_decref(line);
        if (code == TR_EFORMAT)
            tr_err_set(reterr, code, "%.300s: line %zu: %s", path, number, why.text);
        at = end + 1;
    }
    if (!code && !summary->head)
        code = tr_err_set(reterr, TR_EFORMAT, "%.300s: no line is whole", path);
    free(text);
    if (code)
        tr_soak_summary_finish(summary);
    return code;
}

bool tr_soak_summary_is_partial(const struct tr_soak_summary *summary) {
    return !summary->ended || summary->stopped;
}
