#include "calibration_json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "curve_json.h"
#include "strbuf.h"
#include "term.h"
#include "tokenroof/calibration.h"
#include "tool.h"

json_t *tr_json_text(const char *text) {
    if (!text)
        return json_null();
    json_t *value = json_string(text);
    if (value)
        return value;
    char *printable = tr_printable(text);
    value = printable ? json_string(printable) : NULL;
    free(printable);
    return value;
}

json_t *tr_json_number(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}

double tr_json_number_of(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

const char *tr_json_text_of(const json_t *object, const char *key) {
    return json_string_value(json_object_get(object, key));
}

json_t *tr_json_count(int64_t value) {
    return value >= 0 ? json_integer(value) : json_null();
}

json_t *tr_json_cpulist(const struct tr_cpulist *list) {
    if (list->n == 0)
        return json_null();
    char *text = tr_cpulist_format(list);
    json_t *value = text ? json_string(text) : NULL;
    free(text);
    return value;
}

json_t *tr_tool_to_json(void) {
#ifdef __clang__
    static const char compiler[] = "clang " __clang_version__;
#else
    static const char compiler[] = "gcc " __VERSION__;
#endif
    return json_pack("{s:s, s:o, s:s}", "version", TR_TOOL_VERSION, "commit",
                     tr_json_text(strcmp(TR_TOOL_COMMIT, "unknown") ? TR_TOOL_COMMIT : NULL),
                     "compiler", compiler);
}

/* json_object_set_new() takes a NULL value as an error, so that one check per object is enough. */
static int set(json_t *object, const char *key, json_t *value) {
    return json_object_set_new(object, key, value);
}

json_t *tr_json_place(const struct tr_place *place) {
    json_t *object = json_object();
    int failed = set(object, "kind", tr_json_text(tr_place_kind_name(place->kind)));
    failed |= set(object, "index", tr_json_count(place->index));
    failed |= set(object, "cpus", tr_json_cpulist(&place->cpus));
    failed |= set(object, "memory_nodes", tr_json_cpulist(&place->memory_nodes));
    if (failed) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static json_t *limit_to_json(const struct tr_limit *limit) {
    json_t *object = json_object();
    int failed = set(object, "name", tr_json_text(limit->name));
    failed |= set(object, "place", tr_json_place(&limit->place));
    failed |= set(object, "value", tr_json_number(limit->value));
    failed |= set(object, "unit", tr_json_text(limit->unit));
    failed |= set(object, "formula", tr_json_text(limit->formula));
    failed |= set(object, "basis", tr_json_text(limit->basis));
    failed |= set(object, "hard", json_boolean(limit->hard));
    failed |= set(object, "refuted", json_boolean(limit->refuted));
    failed |= set(object, "host_only", json_boolean(limit->host_only));
    failed |= set(object, "binds", tr_json_text(limit->binds));
    if (failed) {
        json_decref(object);
        return NULL;
    }
    return object;
}

int tr_limits_to_json(const struct tr_limit *limits, size_t n, json_t **ret_array) {
    json_t *array = json_array();
    for (size_t i = 0; i < n; i++) {
        if (json_array_append_new(array, limit_to_json(&limits[i]))) {
            json_decref(array);
            return TR_ENOMEM;
        }
    }
    if (!array)
        return TR_ENOMEM;
    *ret_array = array;
    return 0;
}

static json_t *strings_to_json(const struct tr_strings *strings) {
    json_t *array = json_array();
    for (size_t i = 0; i < strings->n; i++) {
        if (json_array_append_new(array, tr_json_text(strings->items[i]))) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

json_t *tr_json_numbers(const double *numbers, size_t n) {
    json_t *array = json_array();
    for (size_t i = 0; i < n; i++) {
        if (json_array_append_new(array, tr_json_number(numbers[i]))) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

json_t *tr_json_interval(const double interval[2]) {
    if (!isfinite(interval[0]) || !isfinite(interval[1]))
        return json_null();
    return tr_json_numbers(interval, 2);
}

/* params: what a read file had there, and what this version knows of it, as far as it is known. */
static json_t *params_to_json(const struct tr_measurement *at) {
    const json_t *kept = json_object_get(at->extra, "params");
    json_t *params = json_is_object(kept) ? json_copy((json_t *)kept) : json_object();
    const struct {
        const char *name, *text;
    } texts[] = {{"variant", at->variant}, {"quant", at->quant}, {"read_write", at->read_write}};
    const struct {
        const char *name;
        int64_t count;
    } counts[] = {
        {"m", at->m}, {"n", at->n}, {"k", at->k}, {"batch", at->batch}, {"depth", at->depth}};
    int failed = 0;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        failed |= texts[i].text ? set(params, texts[i].name, tr_json_text(texts[i].text)) : 0;
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
        failed |=
            counts[i].count >= 0 ? set(params, counts[i].name, json_integer(counts[i].count)) : 0;
    if (isfinite(at->after_s))
        failed |= set(params, "after_s", json_real(at->after_s));
    if (isfinite(at->injected_gb_per_s))
        failed |= set(params, "injected_gb_s", json_real(at->injected_gb_per_s));
    if (failed) {
        json_decref(params);
        return NULL;
    }
    return params;
}

/* One array a condition, each as long as `samples`: a sample is looked up by its index. */
static json_t *conditions_to_json(const struct tr_measurement *at) {
    static const char *const names[] = {"core_ghz",         "window_fraction", "steal_s",
                                        "context_switches", "page_faults",     "migrations",
                                        "moved_threads"};
    enum { FIELDS = 7 };
    json_t *arrays[FIELDS] = {NULL}, *object = json_object();
    int failed = 0;
    for (size_t k = 0; k < FIELDS; k++)
        arrays[k] = json_array();
    for (size_t i = 0; i < at->n_samples; i++) {
        const struct tr_sample_conditions *c = &at->conditions[i];
        json_t *values[FIELDS] = {
            tr_json_number(c->core_ghz),    tr_json_number(c->window_fraction),
            tr_json_number(c->steal_s),     tr_json_count(c->context_switches),
            tr_json_count(c->page_faults),  tr_json_count(c->migrations),
            tr_json_count(c->moved_threads)};
        for (size_t k = 0; k < FIELDS; k++)
            failed |= json_array_append_new(arrays[k], values[k]);
    }
    for (size_t k = 0; k < FIELDS; k++)
        failed |= set(object, names[k], arrays[k]);
    if (failed) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static json_t *measurement_to_json(const struct tr_measurement *at) {
    json_t *object = json_object();
    int failed = set(object, "kernel", tr_json_text(at->kernel));
    failed |= set(object, "isa", tr_json_text(at->isa));
    failed |= set(object, "dtype", tr_json_text(at->dtype));
    failed |= set(object, "stores", tr_json_text(at->stores));
    failed |= set(object, "place", tr_json_place(&at->place));
    failed |= set(object, "to_place", json_null());
    failed |= set(object, "params", json_null()); /* its place in the order of fields */
    failed |= set(object, "threads", tr_json_count(at->threads));
    failed |= set(object, "working_set_bytes", tr_json_count(at->working_set_bytes));
    failed |= set(object, "page_bytes", tr_json_count(at->page_bytes));
    failed |= set(object, "metric", tr_json_text(at->metric));
    failed |= set(object, "unit", tr_json_text(at->unit));
    failed |= set(object, "traffic", tr_json_text(at->traffic));
    failed |= set(object, "bus_per_nominal", tr_json_number(at->bus_per_nominal));
    failed |= set(object, "best", tr_json_number(at->best));
    failed |= set(object, "median", tr_json_number(at->median));
    failed |= set(object, "mad", tr_json_number(at->mad));
    failed |= set(object, "ci95", tr_json_interval(at->ci95));
    failed |= set(object, "span_rate", tr_json_number(at->span_rate));
    failed |= set(object, "n", json_integer((json_int_t)at->n_samples));
    failed |= set(object, "samples", tr_json_numbers(at->samples, at->n_samples));
    if (at->conditions)
        failed |= set(object, "sample_conditions", conditions_to_json(at));
    if (at->repeated >= 0)
        failed |= set(object, "repeated", json_integer(at->repeated));
    if (isfinite(at->waited_fraction))
        failed |= set(object, "waited_fraction", json_real(at->waited_fraction));
    if (isfinite(at->modes[0])) {
        failed |= set(object, "modes", tr_json_interval(at->modes));
        failed |= set(object, "lower_mode_share", tr_json_number(at->lower_mode_share));
    }
    failed |= set(object, "core_ghz", tr_json_number(at->core_ghz));
    failed |= set(object, "limit", tr_json_text(at->limit));
    failed |= set(object, "efficiency", tr_json_number(at->efficiency));
    failed |= set(object, "measured_at", tr_json_text(at->measured_at));
    failed |= set(object, "flags", strings_to_json(&at->flags));
    failed |= set(object, "warnings", strings_to_json(&at->warnings));
    /* Among these are n and samples = null of a file that was written without samples. */
    failed |= at->extra ? json_object_update(object, at->extra) : 0;
    failed |= set(object, "params", params_to_json(at));
    if (failed) {
        json_decref(object);
        return NULL;
    }
    return object;
}

/* A member that is absent is null. */
static bool same_member(const json_t *a, const json_t *b, const char *key) {
    const json_t *x = json_object_get(a, key), *y = json_object_get(b, key);
    if (json_is_number(x) && json_is_number(y))
        return json_number_value(x) == json_number_value(y);
    return (!x || json_is_null(x)) && (!y || json_is_null(y)) ? true : x && y && json_equal(x, y);
}

/* The same limit, curve, point, ... in what is written and in the file that was read. */
static bool same_entry(const json_t *a, const json_t *b) {
    static const char *const identity[] = {"name",    "kernel", "variant",    "isa",    "dtype",
                                           "threads", "x",      "page_bytes", "x_unit", "from"};
    const json_t *place = json_object_get(a, "place"), *other = json_object_get(b, "place");
    for (size_t i = 0; i < sizeof(identity) / sizeof(identity[0]); i++)
        if (!same_member(a, b, identity[i]))
            return false;
    return same_member(place, other, "kind") && same_member(place, other, "index");
}

static int keep_unknown(json_t *fresh, const json_t *old);

static int keep_unknown_of_entries(json_t *array, const json_t *old_array) {
    size_t i, j;
    json_t *fresh, *old;
    json_array_foreach(array, i, fresh) {
        json_array_foreach(old_array, j, old) {
            if (!json_is_object(fresh) || !json_is_object(old) || !same_entry(fresh, old))
                continue;
            if (keep_unknown(fresh, old))
                return TR_ENOMEM;
            break;
        }
    }
    return 0;
}

/* Members that the file has and this version does not know, all the way down. */
static int keep_unknown(json_t *fresh, const json_t *old) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)old, key, value) {
        json_t *mine = json_object_get(fresh, key);
        int code = 0;
        if (!mine)
            code = json_object_set(fresh, key, value) ? TR_ENOMEM : 0;
        else if (json_is_object(mine) && json_is_object(value))
            code = keep_unknown(mine, value);
        else if (json_is_array(mine) && json_is_array(value))
            code = keep_unknown_of_entries(mine, value);
        if (code)
            return code;
    }
    return 0;
}

/* Of places of measurements, whose other members are kept with them. */
static int keep_unknown_of_places(json_t *measurements, const json_t *old_measurements) {
    size_t i, j;
    json_t *fresh, *old;
    json_array_foreach(measurements, i, fresh) {
        json_t *place = json_object_get(fresh, "place");
        json_array_foreach(old_measurements, j, old) {
            const json_t *other = json_object_get(old, "place");
            if (!json_is_object(place) || !json_is_object(other) ||
                !same_member(place, other, "kind") || !same_member(place, other, "index"))
                continue;
            if (json_object_update_missing(place, (json_t *)other))
                return TR_ENOMEM;
            break;
        }
    }
    return 0;
}

/* Entries at pairs of places, which the typed arrays leave out. */
static int keep_pairs(json_t *array, const json_t *old_array) {
    size_t i;
    json_t *old;
    json_array_foreach(old_array, i, old) {
        const json_t *kind = json_object_get(json_object_get(old, "place"), "kind");
        if (json_is_string(kind) && !strcmp(json_string_value(kind), "pair") &&
            json_array_append(array, old))
            return TR_ENOMEM;
    }
    return 0;
}

/* The member `key` of the document, copied so that the document stays as it is. */
static json_t *copy_object(const json_t *document, const char *key) {
    json_t *value = json_object_get(document, key);
    return json_is_object(value) ? json_copy(value) : json_object();
}

static int set_arrays(const struct tr_calibration *calibration, json_t *document) {
    const json_t *old_limits = json_object_get(calibration->document, "limits");
    const json_t *old_measurements = json_object_get(calibration->document, "measurements");
    json_t *limits = NULL, *measurements = json_array(), *curves = NULL, *matrices = NULL;
    if (tr_limits_to_json(calibration->limits, calibration->n_limits, &limits) ||
        keep_unknown_of_entries(limits, old_limits) || keep_pairs(limits, old_limits))
        goto fail;
    for (size_t i = 0; i < calibration->n_measurements; i++)
        if (json_array_append_new(measurements, measurement_to_json(&calibration->measurements[i])))
            goto fail;
    if (keep_unknown_of_places(measurements, old_measurements) ||
        keep_pairs(measurements, old_measurements))
        goto fail;
    if (tr_curves_to_json(calibration->curves, calibration->n_curves, &curves) ||
        keep_unknown_of_entries(curves, json_object_get(calibration->document, "curves")) ||
        keep_pairs(curves, json_object_get(calibration->document, "curves")) ||
        tr_matrices_to_json(calibration->matrices, calibration->n_matrices, &matrices) ||
        keep_unknown_of_entries(matrices, json_object_get(calibration->document, "matrices")))
        goto fail;
    int failed = set(document, "limits", limits);
    failed |= set(document, "measurements", measurements);
    failed |= set(document, "curves", curves);
    failed |= set(document, "matrices", matrices);
    return failed ? TR_ENOMEM : 0;
fail:
    json_decref(limits);
    json_decref(measurements);
    json_decref(curves);
    json_decref(matrices);
    return TR_ENOMEM;
}

int tr_calibration_to_json(const struct tr_calibration *calibration, json_t **ret_document) {
    static const char *const in_order[] = {"schema",  "created", "label",
                                           "partial", "tool",    "machine"};
    json_t *document = json_object();
    json_t *conditions = copy_object(calibration->document, "conditions");
    json_t *quality = copy_object(calibration->document, "quality");
    int failed = 0;
    for (size_t i = 0; i < sizeof(in_order) / sizeof(in_order[0]); i++)
        failed |= set(document, in_order[i], json_null());
    failed |= json_object_update(document, calibration->document);
    failed |= set(document, "created", tr_json_text(calibration->created));
    failed |= set(document, "label", tr_json_text(calibration->label));
    failed |= set(document, "partial", json_boolean(calibration->partial));
    failed |= set(conditions, "warnings", strings_to_json(&calibration->warnings));
    failed |= json_object_set(document, "conditions", conditions);
    failed |= set(quality, "grade", tr_json_text(calibration->grade));
    failed |= set(quality, "reasons", strings_to_json(&calibration->reasons));
    failed |= json_object_set(document, "quality", quality);
    failed |= set_arrays(calibration, document);
    json_decref(conditions);
    json_decref(quality);
    if (failed) {
        json_decref(document);
        return TR_ENOMEM;
    }
    *ret_document = document;
    return 0;
}
