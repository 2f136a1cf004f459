#include "tokenroof/calibration.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "calibration_json.h"
#include "choice.h"
#include "strbuf.h"

static char *now_utc(void) {
    char text[32];
    struct tm parts;
    time_t now = time(NULL);
    if (!gmtime_r(&now, &parts) || !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts))
        return NULL;
    return strdup(text);
}

int tr_calibration_create(struct tr_calibration **ret_calibration) {
    struct tr_calibration *calibration = calloc(1, sizeof(*calibration));
    if (!calibration)
        return TR_ENOMEM;
    calibration->created = now_utc();
    calibration->label = strdup("");
    calibration->document = json_object();
    if (!calibration->created || !calibration->label || !calibration->document ||
        json_object_set_new(calibration->document, "schema",
                            json_string("tokenroof.calibration/1")) ||
        json_object_set_new(calibration->document, "tool", tr_tool_to_json())) {
        tr_calibration_destroy(calibration);
        return TR_ENOMEM;
    }
    *ret_calibration = calibration;
    return 0;
}

void tr_measurement_init(struct tr_measurement *measurement) {
    *measurement = (struct tr_measurement){
        .threads = -1,
        .working_set_bytes = -1,
        .page_bytes = -1,
        .bus_per_nominal = NAN,
        .best = NAN,
        .median = NAN,
        .mad = NAN,
        .ci95 = {NAN, NAN},
        .span_rate = NAN,
        .core_ghz = NAN,
        .efficiency = NAN,
        .m = -1,
        .n = -1,
        .k = -1,
        .batch = -1,
        .depth = -1,
        .injected_gb_per_s = NAN,
        .after_s = NAN,
        .repeated = -1,
        .waited_fraction = NAN,
        .modes = {NAN, NAN},
        .lower_mode_share = NAN,
    };
}

void tr_measurement_finish(struct tr_measurement *measurement) {
    if (!measurement)
        return;
    char *texts[] = {measurement->kernel,      measurement->variant, measurement->isa,
                     measurement->dtype,       measurement->stores,  measurement->metric,
                     measurement->unit,        measurement->traffic, measurement->limit,
                     measurement->measured_at, measurement->quant,   measurement->read_write};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        free(texts[i]);
    free(measurement->samples);
    free(measurement->conditions);
    tr_place_finish(&measurement->place);
    tr_strings_finish(&measurement->flags);
    tr_strings_finish(&measurement->warnings);
    json_decref(measurement->extra);
    *measurement = (struct tr_measurement){0};
}

void tr_calibration_destroy(struct tr_calibration *calibration) {
    if (!calibration)
        return;
    free(calibration->path);
    free(calibration->created);
    free(calibration->label);
    free(calibration->grade);
    tr_strings_finish(&calibration->reasons);
    tr_strings_finish(&calibration->warnings);
    for (size_t i = 0; i < calibration->n_limits; i++)
        tr_limit_finish(&calibration->limits[i]);
    free(calibration->limits);
    for (size_t i = 0; i < calibration->n_measurements; i++)
        tr_measurement_finish(&calibration->measurements[i]);
    free(calibration->measurements);
    for (size_t i = 0; i < calibration->n_curves; i++)
        tr_curve_finish(&calibration->curves[i]);
    free(calibration->curves);
    for (size_t i = 0; i < calibration->n_matrices; i++)
        tr_matrix_finish(&calibration->matrices[i]);
    free(calibration->matrices);
    json_decref(calibration->document);
    free(calibration);
}

static bool same(const char *wanted, const char *text) {
    return !wanted || (text && !strcmp(wanted, text));
}

const struct tr_measurement *tr_calibration_get(const struct tr_calibration *calibration,
                                                const char *kernel, const char *dtype,
                                                enum tr_place_kind kind, int index, int threads) {
    for (size_t i = 0; i < calibration->n_measurements; i++) {
        const struct tr_measurement *at = &calibration->measurements[i];
        if (same(kernel, at->kernel) && same(dtype, at->dtype) && at->place.kind == kind &&
            at->place.index == index && (threads == 0 || at->threads == threads))
            return at;
    }
    return NULL;
}

static struct tr_choice choose_rate(const struct tr_calibration *calibration, const char *kernel,
                                    const char *metric, const char *dtype) {
    struct tr_choice choice = {0};
    for (size_t i = 0; i < calibration->n_measurements; i++) {
        const struct tr_measurement *at = &calibration->measurements[i];
        if (same(kernel, at->kernel) && same(metric, at->metric) && same(dtype, at->dtype) &&
            at->place.kind == TR_PLACE_MACHINE && at->median > 0 &&
            !tr_strings_has(&at->flags, "above_ceiling"))
            tr_choice_offer(&choice, at);
    }
    return choice;
}

const struct tr_measurement *tr_calibration_read_rate(const struct tr_calibration *calibration) {
    struct tr_choice choice = choose_rate(calibration, "read", "bandwidth", NULL);
    return tr_choice_made(&choice);
}

const struct tr_measurement *tr_calibration_fma_rate(const struct tr_calibration *calibration,
                                                     const char *dtype) {
    struct tr_choice choice = choose_rate(calibration, "fma", "compute", dtype);
    return tr_choice_made(&choice);
}

static const json_t *machine_fact(const struct tr_calibration *calibration, const char *path) {
    const json_t *at = json_object_get(calibration->document, "machine");
    while (at && *path) {
        char key[64];
        size_t n = strcspn(path, ".");
        if (n >= sizeof(key))
            return NULL;
        memcpy(key, path, n);
        key[n] = '\0';
        at = json_object_get(at, key);
        path += n + (path[n] == '.');
    }
    return at;
}

const char *tr_calibration_text(const struct tr_calibration *calibration, const char *path) {
    return json_string_value(machine_fact(calibration, path));
}

double tr_calibration_number(const struct tr_calibration *calibration, const char *path) {
    const json_t *fact = machine_fact(calibration, path);
    return json_is_number(fact) ? json_number_value(fact) : NAN;
}

int tr_strings_add(struct tr_strings *strings, const char *format, ...) {
    struct tr_strbuf text = {0};
    va_list args;
    va_start(args, format);
    tr_strbuf_vaddf(&text, format, args);
    va_end(args);
    char *item = tr_strbuf_take(&text);
    char **items = item ? realloc(strings->items, (strings->n + 1) * sizeof(*items)) : NULL;
    if (!items) {
        free(item);
        return TR_ENOMEM;
    }
    items[strings->n++] = item;
    strings->items = items;
    return 0;
}

bool tr_strings_has(const struct tr_strings *strings, const char *text) {
    for (size_t i = 0; i < strings->n; i++)
        if (!strcmp(strings->items[i], text))
            return true;
    return false;
}

void tr_strings_finish(struct tr_strings *strings) {
    if (!strings)
        return;
    for (size_t i = 0; i < strings->n; i++)
        free(strings->items[i]);
    free(strings->items);
    *strings = (struct tr_strings){0};
}
