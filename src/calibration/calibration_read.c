#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "calibration_json.h"
#include "curve_json.h"
#include "file.h"
#include "parse.h"
#include "reader.h"
#include "strbuf.h"
#include "tokenroof/calibration.h"

/* A calibration of a large machine with all its samples is about 1 MB. */
enum { LARGEST_FILE = 256 << 20 };

static const char schema_name[] = "tokenroof.calibration/";
enum { NEWEST_SCHEMA = 1 };

static int check_schema(const json_t *document, const char *name, struct tr_err *reterr) {
    const json_t *schema = json_object_get(document, "schema");
    const char *text = json_string_value(schema);
    int64_t version;
    if (!text)
        return tr_err_set(reterr, TR_EFORMAT,
                          "%s: not a calibration file: expected \"schema\": \"%s%d\"", name,
                          schema_name, NEWEST_SCHEMA);
    if (strncmp(text, schema_name, strlen(schema_name)) ||
        tr_parse_int(text + strlen(schema_name), 1, INT_MAX, &version, NULL))
        return tr_err_set(reterr, TR_EFORMAT,
                          "%s: not a calibration file: schema is \"%.60s\", expected \"%s%d\"",
                          name, text, schema_name, NEWEST_SCHEMA);
    if (version > NEWEST_SCHEMA)
        return tr_err_set(reterr, TR_EFORMAT,
                          "%s: schema %s%d is newer than this program, which reads up to %d. "
                          "Read it with a newer tokenroof",
                          name, schema_name, (int)version, NEWEST_SCHEMA);
    return 0;
}

static bool read_limit(struct tr_reader *reader, struct tr_limit *limit) {
    if (!tr_read_place(reader, &limit->place))
        return false;
    tr_read_name(reader, "name", &limit->name);
    tr_read_number(reader, "value", &limit->value);
    tr_read_name(reader, "unit", &limit->unit);
    tr_read_text(reader, "formula", &limit->formula);
    tr_read_text(reader, "basis", &limit->basis);
    tr_read_bool(reader, "hard", &limit->hard);
    tr_read_bool(reader, "refuted", &limit->refuted);
    tr_read_bool(reader, "host_only", &limit->host_only);
    tr_read_text(reader, "binds", &limit->binds);
    return !reader->code;
}

/* The array `limits` of reader->object. */
static void read_limits(struct tr_reader *reader, struct tr_limit **ret_limits, size_t *ret_n) {
    size_t length = tr_reader_length(reader, "limits"), n = 0;
    struct tr_limit *limits = length ? calloc(length, sizeof(*limits)) : NULL;
    if (length && !limits)
        reader->code = TR_ENOMEM;
    for (size_t i = 0; i < length && !reader->code; i++) {
        struct tr_reader item = tr_reader_item(reader, "limits", i);
        if (read_limit(&item, &limits[n]))
            n++;
        else
            tr_limit_finish(&limits[n]);
        reader->code = item.code;
    }
    if (reader->code) {
        for (size_t i = 0; i < n; i++)
            tr_limit_finish(&limits[i]);
        free(limits);
        return;
    }
    *ret_limits = limits;
    *ret_n = n;
}

int tr_limits_from_json(const json_t *array, const char *name, struct tr_limit **ret_limits,
                        size_t *ret_n, struct tr_err *reterr) {
    json_t *parent = json_object();
    if (!parent || json_object_set(parent, "limits", (json_t *)array)) {
        json_decref(parent);
        return TR_ENOMEM;
    }
    struct tr_reader reader = {.name = name, .object = parent, .reterr = reterr};
    read_limits(&reader, ret_limits, ret_n);
    json_decref(parent);
    return reader.code;
}

/* What is left of the entry when the known fields are taken out. */
static int keep_unknown_fields(const json_t *entry, struct tr_measurement *measurement) {
    static const char *const known[] = {"kernel",
                                        "isa",
                                        "dtype",
                                        "stores",
                                        "place",
                                        "threads",
                                        "working_set_bytes",
                                        "page_bytes",
                                        "metric",
                                        "unit",
                                        "traffic",
                                        "bus_per_nominal",
                                        "best",
                                        "median",
                                        "mad",
                                        "ci95",
                                        "span_rate",
                                        "repeated",
                                        "waited_fraction",
                                        "modes",
                                        "lower_mode_share",
                                        "core_ghz",
                                        "limit",
                                        "efficiency",
                                        "measured_at",
                                        "flags",
                                        "warnings"};
    json_t *extra = json_copy((json_t *)entry);
    if (!extra)
        return TR_ENOMEM;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        json_object_del(extra, known[i]);
    if (measurement->n_samples) {
        json_object_del(extra, "n");
        json_object_del(extra, "samples");
    }
    measurement->extra = extra;
    return 0;
}

static bool read_measurement(struct tr_reader *reader, struct tr_measurement *at) {
    tr_measurement_init(at);
    if (!tr_read_place(reader, &at->place))
        return false;
    int64_t threads = -1;
    tr_read_name(reader, "kernel", &at->kernel);
    tr_read_text(reader, "isa", &at->isa);
    tr_read_text(reader, "dtype", &at->dtype);
    tr_read_text(reader, "stores", &at->stores);
    tr_read_count(reader, "threads", INT_MAX, &threads);
    at->threads = (int)threads;
    tr_read_count(reader, "working_set_bytes", INT64_MAX, &at->working_set_bytes);
    tr_read_count(reader, "page_bytes", INT64_MAX, &at->page_bytes);
    tr_read_name(reader, "metric", &at->metric);
    tr_read_name(reader, "unit", &at->unit);
    tr_read_text(reader, "traffic", &at->traffic);
    tr_read_number(reader, "bus_per_nominal", &at->bus_per_nominal);
    tr_read_number(reader, "best", &at->best);
    tr_read_number(reader, "median", &at->median);
    tr_read_number(reader, "mad", &at->mad);
    tr_read_interval(reader, "ci95", at->ci95);
    tr_read_number(reader, "span_rate", &at->span_rate);
    tr_read_numbers(reader, "samples", &at->samples, &at->n_samples);
    tr_read_count(reader, "repeated", INT64_MAX, &at->repeated);
    tr_read_number(reader, "waited_fraction", &at->waited_fraction);
    tr_read_interval(reader, "modes", at->modes);
    tr_read_number(reader, "lower_mode_share", &at->lower_mode_share);
    tr_read_number(reader, "core_ghz", &at->core_ghz);
    tr_read_text(reader, "limit", &at->limit);
    tr_read_number(reader, "efficiency", &at->efficiency);
    tr_read_text(reader, "measured_at", &at->measured_at);
    tr_read_strings(reader, "flags", &at->flags);
    tr_read_strings(reader, "warnings", &at->warnings);
    struct tr_reader params = tr_reader_member(reader, "params");
    tr_read_text(&params, "variant", &at->variant);
    tr_read_text(&params, "quant", &at->quant);
    tr_read_text(&params, "read_write", &at->read_write);
    tr_read_count(&params, "m", INT64_MAX, &at->m);
    tr_read_count(&params, "n", INT64_MAX, &at->n);
    tr_read_count(&params, "k", INT64_MAX, &at->k);
    tr_read_count(&params, "batch", INT64_MAX, &at->batch);
    tr_read_count(&params, "depth", INT64_MAX, &at->depth);
    tr_read_number(&params, "after_s", &at->after_s);
    tr_read_number(&params, "injected_gb_s", &at->injected_gb_per_s);
    reader->code = params.code;
    if (!reader->code)
        reader->code = keep_unknown_fields(reader->object, at);
    return !reader->code;
}

static void read_measurements(struct tr_reader *reader, struct tr_calibration *calibration) {
    size_t length = tr_reader_length(reader, "measurements");
    if (!length)
        return;
    calibration->measurements = calloc(length, sizeof(*calibration->measurements));
    if (!calibration->measurements)
        reader->code = TR_ENOMEM;
    for (size_t i = 0; i < length && !reader->code; i++) {
        struct tr_reader item = tr_reader_item(reader, "measurements", i);
        struct tr_measurement *at = &calibration->measurements[calibration->n_measurements];
        if (!item.code && read_measurement(&item, at))
            calibration->n_measurements++;
        else
            tr_measurement_finish(at);
        reader->code = item.code;
    }
}

static int read_document(struct tr_calibration *calibration, const char *name,
                         struct tr_err *reterr) {
    struct tr_reader reader = {.name = name, .object = calibration->document, .reterr = reterr};
    tr_read_name(&reader, "created", &calibration->created);
    tr_read_text(&reader, "label", &calibration->label);
    tr_read_bool(&reader, "partial", &calibration->partial);
    struct tr_reader conditions = tr_reader_member(&reader, "conditions");
    tr_read_strings(&conditions, "warnings", &calibration->warnings);
    reader.code = conditions.code;
    struct tr_reader quality = tr_reader_member(&reader, "quality");
    tr_read_text(&quality, "grade", &calibration->grade);
    tr_read_strings(&quality, "reasons", &calibration->reasons);
    reader.code = quality.code;
    (void)tr_reader_member(&reader, "machine");
    read_limits(&reader, &calibration->limits, &calibration->n_limits);
    read_measurements(&reader, calibration);
    tr_read_curves(&reader, &calibration->curves, &calibration->n_curves);
    tr_read_matrices(&reader, &calibration->matrices, &calibration->n_matrices);
    return reader.code;
}

/* The document, or within it the calibration that `run --json` writes beside its predictions. */
static json_t *load(const char *text, size_t length, const char *name, struct tr_err *reterr) {
    json_error_t error;
    json_t *document = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    if (!document) {
        tr_err_set(reterr, TR_EFORMAT, "%s: line %d, column %d: %s. Expected a JSON document", name,
                   error.line, error.column, error.text);
        return NULL;
    }
    json_t *inner = json_object_get(document, "calibration");
    if (!json_object_get(document, "schema") && json_is_object(inner)) {
        json_incref(inner);
        json_decref(document);
        return inner;
    }
    return document;
}

int tr_calibration_parse(const char *text, size_t length, const char *name,
                         struct tr_calibration **ret_calibration, struct tr_err *reterr) {
    json_t *document = load(text, length, name, reterr);
    if (!document)
        return TR_EFORMAT;
    struct tr_calibration *calibration = NULL;
    int code = check_schema(document, name, reterr);
    if (code)
        goto out;
    calibration = calloc(1, sizeof(*calibration));
    if (!calibration) {
        code = TR_ENOMEM;
        goto out;
    }
    calibration->document = json_incref(document);
    code = read_document(calibration, name, reterr);
    if (code)
        goto out;
    *ret_calibration = calibration;
    calibration = NULL;
out:
    if (code == TR_ENOMEM)
        tr_err_set(reterr, code, "%s: out of memory", name);
    tr_calibration_destroy(calibration);
    json_decref(document);
    return code;
}

int tr_calibration_read(const char *path, struct tr_calibration **ret_calibration,
                        struct tr_err *reterr) {
    char *text = NULL;
    size_t length = 0;
    struct tr_calibration *calibration = NULL;
    int code = tr_file_read(path, LARGEST_FILE, &text, &length, reterr);
    if (!code)
        code = tr_calibration_parse(text, length, path, &calibration, reterr);
    free(text);
    if (code)
        return code;
    calibration->path = strdup(path);
    if (!calibration->path) {
        tr_calibration_destroy(calibration);
        return TR_ENOMEM;
    }
    *ret_calibration = calibration;
    return 0;
}
