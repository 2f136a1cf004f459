/* Prometheus text exposition, for node_exporter's textfile collector: base units (bytes, seconds,
 * hertz, ratios from 0 to 1), the unit last in the name, one HELP and TYPE line for each name. */
#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "report.h"

int tr_report_prometheus(const struct tr_report_input *inputs, size_t n, struct tr_strbuf *out,
                         struct tr_err *reterr);

/* One name with its samples. */
struct family {
    char *name, *help;
    struct tr_strings series; /* "{labels}" of each line, so that none is there twice */
    struct tr_strbuf lines;
};

struct exposition {
    struct family *families;
    size_t n;
    bool failed;
};

static void finish(struct exposition *all) {
    for (size_t i = 0; i < all->n; i++) {
        free(all->families[i].name);
        free(all->families[i].help);
        tr_strings_finish(&all->families[i].series);
        tr_strbuf_finish(&all->families[i].lines);
    }
    free(all->families);
}

static struct family *family_of(struct exposition *all, const char *name, const char *help) {
    for (size_t i = 0; i < all->n; i++)
        if (!strcmp(all->families[i].name, name))
            return &all->families[i];
    struct family *grown = realloc(all->families, (all->n + 1) * sizeof(*grown));
    if (!grown) {
        all->failed = true;
        return NULL;
    }
    all->families = grown;
    grown[all->n] = (struct family){.name = strdup(name), .help = strdup(help)};
    if (!grown[all->n].name || !grown[all->n].help)
        all->failed = true;
    return all->failed ? (all->n++, NULL) : &grown[all->n++];
}

/* Adds name="value", escaped; nothing where the value is unknown. */
static void label(struct tr_strbuf *labels, const char *name, const char *value) {
    char *printable = value && *value ? tr_printable(value) : NULL;
    if (!printable)
        return;
    tr_strbuf_addf(labels, "%s%s=\"", labels->length ? "," : "", name);
    for (const char *at = printable; *at; at++) {
        if (*at == '"' || *at == '\\')
            tr_strbuf_add(labels, "\\");
        tr_strbuf_add_bytes(labels, at, 1);
    }
    tr_strbuf_add(labels, "\"");
    free(printable);
}

static void label_count(struct tr_strbuf *labels, const char *name, int64_t value) {
    char text[24];
    snprintf(text, sizeof(text), "%" PRId64, value);
    if (value >= 0)
        label(labels, name, text);
}

static void label_list(struct tr_strbuf *labels, const char *name, const struct tr_cpulist *list) {
    char *text = list->n ? tr_cpulist_format(list) : NULL;
    label(labels, name, text);
    free(text);
}

/* One sample; a value that is not known and a series that is there already are left out. `extra`
 * is put behind the labels, as name="value". */
static void sample(struct exposition *all, const char *name, const char *help,
                   const struct tr_strbuf *labels, const char *extra, double value) {
    struct family *family = isfinite(value) ? family_of(all, name, help) : NULL;
    if (!family)
        return;
    const char *text = labels->text ? labels->text : "";
    char *series = tr_format("{%s%s%s}", text, *text && *extra ? "," : "", extra);
    if (!series || labels->failed || family->lines.failed) {
        all->failed = true;
    } else if (!tr_strings_has(&family->series, series)) {
        if (tr_strings_add(&family->series, "%s", series))
            all->failed = true;
        tr_strbuf_addf(&family->lines, "%s%s %.12g\n", name, series[1] == '}' ? "" : series, value);
    }
    free(series);
}

/* Base unit of a unit of the calibration file, and how many of them it is. */
static const struct {
    const char *unit, *base;
    double factor;
} units[] = {
    {"GB/s", "bytes_per_second", 1e9},
    {"GFLOP/s", "flop_per_second", 1e9},
    {"Gop/s", "operations_per_second", 1e9},
    {"ns", "seconds", 1e-9},
    {"us", "seconds", 1e-6},
    {"s", "seconds", 1},
    {"GHz", "hertz", 1e9},
    {"J", "joules", 1},
    {"W", "watts", 1},
    {"tok/s", "tokens_per_second", 1},
    {"ratio", "ratio", 1},
    {"1", "ratio", 1},
};

/* A word of a file as part of a name: what may not stand there becomes an underscore. */
static void add_word(struct tr_strbuf *name, const char *word) {
    for (size_t i = 0; word[i] && i < 60; i++) {
        char one = (char)tolower((unsigned char)word[i]);
        bool fits = (one >= 'a' && one <= 'z') || (one >= '0' && one <= '9');
        tr_strbuf_add_bytes(name, fits ? &one : "_", 1);
    }
}

/* tokenroof_<what>[_<part>]_<base unit>, heap; *ret_factor makes values base units. */
static char *name_of(const char *what, const char *part, const char *unit, double *ret_factor) {
    struct tr_strbuf name = {0};
    tr_strbuf_add(&name, "tokenroof_");
    add_word(&name, what ? what : "value");
    if (*part)
        tr_strbuf_addf(&name, "_%s", part);
    *ret_factor = 1;
    for (size_t i = 0; unit && i < sizeof(units) / sizeof(units[0]); i++) {
        if (!strcmp(unit, units[i].unit)) {
            tr_strbuf_addf(&name, "_%s", units[i].base);
            *ret_factor = units[i].factor;
            return tr_strbuf_take(&name);
        }
    }
    tr_strbuf_add(&name, "_");
    add_word(&name, unit ? unit : "value");
    return tr_strbuf_take(&name);
}

static void value(struct exposition *all, const char *what, const char *part, const char *unit,
                  const char *help, const struct tr_strbuf *labels, const char *extra,
                  double figure) {
    double factor;
    char *name = name_of(what, part, unit, &factor);
    if (name)
        sample(all, name, help, labels, extra, figure * factor);
    else
        all->failed = true;
    free(name);
}

static void place_labels(struct tr_strbuf *labels, const struct tr_place *place) {
    label(labels, "place", tr_place_kind_name(place->kind));
    label_count(labels, "index", place->index);
    label_list(labels, "memory_nodes", &place->memory_nodes);
}

static void measurement_labels(struct tr_strbuf *labels, const struct tr_measurement *at) {
    label(labels, "kernel", at->kernel);
    label(labels, "variant", at->variant);
    label(labels, "quant", at->quant);
    label(labels, "read_write", at->read_write);
    label(labels, "isa", at->isa);
    label(labels, "dtype", at->dtype);
    label(labels, "stores", at->stores);
    place_labels(labels, &at->place);
    label_count(labels, "threads", at->threads);
    label_count(labels, "working_set_bytes", at->working_set_bytes);
    label_count(labels, "page_bytes", at->page_bytes);
    label_count(labels, "m", at->m);
    label_count(labels, "n", at->n);
    label_count(labels, "k", at->k);
    label_count(labels, "batch", at->batch);
    label_count(labels, "depth", at->depth);
    label(labels, "traffic", at->traffic);
    if (isfinite(at->injected_gb_per_s)) {
        char text[32];
        snprintf(text, sizeof(text), "%.6g", at->injected_gb_per_s * 1e9);
        label(labels, "injected_bytes_per_second", text);
    }
}

static void add_measurement(struct exposition *all, const struct tr_measurement *at,
                            const char *host) {
    struct tr_strbuf labels = {0}, flags = {0};
    label(&labels, "host_id", host);
    measurement_labels(&labels, at);
    value(all, at->metric, "", at->unit, "Measured, median over the repeats.", &labels, "",
          at->median);
    static const char *const ends[] = {"end=\"low\"", "end=\"high\""};
    for (size_t i = 0; i < 2; i++)
        value(all, at->metric, "ci95", at->unit, "Ends of the 95 % interval of the median.",
              &labels, ends[i], at->ci95[i]);
    sample(all, "tokenroof_efficiency_ratio",
           "Median divided by the limit at the same place, in bus bytes for memory.", &labels, "",
           at->efficiency);
    for (size_t i = 0; i < at->flags.n; i++) {
        label(&flags, "flag", at->flags.items[i]);
        sample(all, "tokenroof_measurement_flagged",
               "1 for each reason to doubt a figure: unsteady, throttled, disturbed, ...", &labels,
               flags.text ? flags.text : "", 1);
        tr_strbuf_finish(&flags);
    }
    tr_strbuf_finish(&labels);
}

static void add_limit(struct exposition *all, const struct tr_limit *limit, const char *host) {
    struct tr_strbuf labels = {0};
    label(&labels, "host_id", host);
    label(&labels, "name", limit->name);
    place_labels(&labels, &limit->place);
    label(&labels, "basis", limit->basis);
    label(&labels, "hard", limit->hard ? "true" : "false");
    value(all, "limit", "", limit->unit, "What the machine should reach at most.", &labels, "",
          limit->value);
    sample(all, "tokenroof_limit_refuted", "1 if a higher result was measured than the limit.",
           &labels, "", limit->refuted);
    tr_strbuf_finish(&labels);
}

/* Plateaus and knees; the points between them are for charts. */
static void add_marks(struct exposition *all, const struct tr_curve *curve, const char *host) {
    for (size_t i = 0; i < curve->n_marks; i++) {
        struct tr_strbuf labels = {0};
        label(&labels, "host_id", host);
        label(&labels, "curve", curve->name);
        label(&labels, "kernel", curve->kernel);
        label(&labels, "variant", curve->variant);
        label(&labels, "isa", curve->isa);
        label(&labels, "dtype", curve->dtype);
        place_labels(&labels, &curve->place);
        label_count(&labels, "threads", curve->threads);
        label_count(&labels, "page_bytes", curve->page_bytes);
        label(&labels, "mark", curve->marks[i].name);
        value(all, curve->metric, "mark", curve->unit,
              "Value of a plateau or knee that was found on a curve.", &labels, "",
              curve->marks[i].value);
        tr_strbuf_finish(&labels);
    }
}

/* Nodes only: a matrix of cores would be thousands of series. */
static void add_matrix(struct exposition *all, const struct tr_matrix *matrix, const char *host) {
    if (!matrix->rows || strcmp(matrix->rows, "node"))
        return;
    for (size_t i = 0; i < matrix->n_rows * matrix->n_columns; i++) {
        struct tr_strbuf labels = {0};
        label(&labels, "host_id", host);
        label(&labels, "matrix", matrix->name);
        label_count(&labels, "from_node", matrix->row_ids[i / matrix->n_columns]);
        label_count(&labels, "memory_node", matrix->column_ids[i % matrix->n_columns]);
        value(all, matrix->metric, "between_nodes", matrix->unit,
              "Median between the threads' node and the memory's node.", &labels, "",
              matrix->values[i]);
        tr_strbuf_finish(&labels);
    }
}

/* Seconds since 1970 of an ISO 8601 time in UTC; NAN if it is none. */
static double timestamp(const char *text) {
    struct tm time = {0};
    const char *end = text ? strptime(text, "%Y-%m-%dT%H:%M:%SZ", &time) : NULL;
    return end && !*end ? (double)timegm(&time) : NAN;
}

static void add_calibration(struct exposition *all, const struct tr_calibration *calibration) {
    static const struct {
        const char *name, *path;
    } facts[] = {
        {"fingerprint", "fingerprint"},    {"cpu", "cpu.model"},
        {"bios", "firmware.bios"},         {"microcode", "firmware.microcode"},
        {"governor", "settings.governor"}, {"smt", "settings.smt"},
    };
    const char *host = tr_calibration_text(calibration, "host_id");
    struct tr_strbuf labels = {0}, host_label = {0};
    label(&host_label, "host_id", host);
    label(&labels, "host_id", host);
    label(&labels, "label", calibration->label);
    label(&labels, "grade", calibration->grade);
    for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++)
        label(&labels, facts[i].name, tr_calibration_text(calibration, facts[i].path));
    const json_t *tool = json_object_get(calibration->document, "tool");
    label(&labels, "version", json_string_value(json_object_get(tool, "version")));
    sample(all, "tokenroof_calibration_info", "The machine and the program that measured it.",
           &labels, "", 1);
    sample(all, "tokenroof_calibration_created_timestamp_seconds", "When it was measured.",
           &host_label, "", timestamp(calibration->created));
    sample(all, "tokenroof_calibration_partial", "1 if the run was interrupted.", &host_label, "",
           calibration->partial);
    for (size_t i = 0; i < calibration->n_limits; i++)
        add_limit(all, &calibration->limits[i], host);
    for (size_t i = 0; i < calibration->n_measurements; i++)
        add_measurement(all, &calibration->measurements[i], host);
    for (size_t i = 0; i < calibration->n_curves; i++)
        add_marks(all, &calibration->curves[i], host);
    for (size_t i = 0; i < calibration->n_matrices; i++)
        add_matrix(all, &calibration->matrices[i], host);
    tr_strbuf_finish(&labels);
    tr_strbuf_finish(&host_label);
}

static void add_estimate(struct exposition *all, const char *name, const char *help,
                         const struct tr_strbuf *labels, const json_t *estimate) {
    static const char *const parts[] = {"value", "low", "high"};
    for (size_t i = 0; i < 3; i++) {
        const json_t *number = json_object_get(estimate, parts[i]);
        char extra[24];
        snprintf(extra, sizeof(extra), "estimate=\"%s\"", parts[i]);
        sample(all, name, help, labels, extra,
               json_is_number(number) ? json_number_value(number) : NAN);
    }
}

static void add_prediction(struct exposition *all, const json_t *document, const char *host) {
    static const struct {
        const char *field, *name, *help;
    } rates[] = {
        {"pp_tok_s", "tokenroof_predicted_prompt_tokens_per_second",
         "Predicted speed of prompt processing; low and high are an 80 % interval."},
        {"tg_tok_s", "tokenroof_predicted_generation_tokens_per_second",
         "Predicted speed of generation; low and high are an 80 % interval."},
        {"first_token_s", "tokenroof_predicted_first_token_seconds",
         "Predicted time to the first token."},
        {"total_s", "tokenroof_predicted_answer_seconds", "Predicted time to the last token."},
    };
    const json_t *model = json_object_get(document, "model"), *result;
    size_t i;
    json_array_foreach(json_object_get(document, "results"), i, result) {
        struct tr_strbuf labels = {0};
        label(&labels, "host_id", host);
        label(&labels, "model", json_string_value(json_object_get(model, "name")));
        label(&labels, "fidelity", json_string_value(json_object_get(document, "fidelity")));
        label(&labels, "platform", json_string_value(json_object_get(document, "platform")));
        label(&labels, "use_case", json_string_value(json_object_get(result, "use_case")));
        label(&labels, "class", json_string_value(json_object_get(result, "class")));
        for (size_t k = 0; k < sizeof(rates) / sizeof(rates[0]); k++)
            add_estimate(all, rates[k].name, rates[k].help, &labels,
                         json_object_get(result, rates[k].field));
        tr_strbuf_finish(&labels);
    }
}

int tr_report_prometheus(const struct tr_report_input *inputs, size_t n, struct tr_strbuf *out,
                         struct tr_err *reterr) {
    struct exposition all = {0};
    int code = 0;
    (void)reterr;
    for (size_t i = 0; !code && i < n; i++) {
        json_t *documents = NULL;
        const json_t *document;
        size_t k;
        const char *host =
            inputs[i].calibration ? tr_calibration_text(inputs[i].calibration, "host_id") : NULL;
        code = tr_report_documents(&inputs[i], &documents);
        if (inputs[i].calibration)
            add_calibration(&all, inputs[i].calibration);
        json_array_foreach(documents, k, document) {
            add_prediction(&all, document, host);
        }
        json_decref(documents);
    }
    for (size_t i = 0; i < all.n; i++) {
        const struct family *family = &all.families[i];
        if (all.failed || family->lines.failed)
            code = TR_ENOMEM;
        else
            tr_strbuf_addf(out, "# HELP %s %s\n# TYPE %s gauge\n%s", family->name, family->help,
                           family->name, family->lines.text);
    }
    finish(&all);
    return all.failed ? TR_ENOMEM : code;
}
