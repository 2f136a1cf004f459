/* tokenroof report FILE...: calibration and prediction files in any format. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "file.h"
#include "predictions.h"
#include "report.h"
#include "tokenroof/calibration.h"

enum { MAX_FILE_BYTES = 256 << 20 };

struct report_options {
    struct tr_output_options output;
    const char *chart;
};

/* One file: a calibration, predictions, or both (as `tokenroof run --json` writes them). */
struct item {
    const char *name;
    json_t *document;
    struct tr_calibration *calibration; /* NULL if it has none */
    json_t *predictions;                /* array; NULL if it has none */
};

struct items {
    struct item *items;
    size_t n;
    const char *chart; /* for svg; NULL without --chart */
    bool explain;      /* -v: with the formulas */
};

static void item_finish(struct item *item) {
    json_decref(item->document);
    json_decref(item->predictions);
    tr_calibration_destroy(item->calibration);
}

static int read_calibration(const json_t *part, const char *name, struct item *item,
                            struct tr_err *reterr) {
    char *text = json_dumps(part, JSON_COMPACT);
    if (!text)
        return TR_ENOMEM;
    int code = tr_calibration_parse(text, strlen(text), name, &item->calibration, reterr);
    free(text);
    return code;
}

static int read_predictions(json_t *list, const char *name, struct item *item,
                            struct tr_err *reterr) {
    size_t i;
    const json_t *prediction;
    if (!json_is_array(list))
        return tr_err_set(reterr, TR_EFORMAT, "%.300s: expected an array of predictions", name);
    json_array_foreach(list, i, prediction) {
        int code = tr_prediction_check(prediction, name, reterr);
        if (code)
            return code;
    }
    item->predictions = json_incref(list);
    return 0;
}

/* Which kind of file it is follows from its schema, or from the names of its two parts. */
static int recognise(json_t *document, const char *name, struct item *item, struct tr_err *reterr) {
    const char *schema = json_string_value(json_object_get(document, "schema"));
    json_t *calibration = json_object_get(document, "calibration");
    if (!schema && json_is_object(calibration)) {
        int code = read_calibration(calibration, name, item, reterr);
        json_t *predictions = json_object_get(document, "predictions");
        if (!code && predictions)
            code = read_predictions(predictions, name, item, reterr);
        return code;
    }
    if (schema && !strncmp(schema, "tokenroof.calibration/", 22))
        return read_calibration(document, name, item, reterr);
    if (schema && !strcmp(schema, TR_PREDICTIONS_SCHEMA))
        return read_predictions(json_object_get(document, "results"), name, item, reterr);
    if (schema && !strncmp(schema, "tokenroof.prediction/", 21)) {
        json_t *alone = json_pack("[O]", document);
        int code = alone ? read_predictions(alone, name, item, reterr) : TR_ENOMEM;
        json_decref(alone);
        return code;
    }
    return tr_err_set(reterr, TR_EFORMAT,
                      "%.300s: schema: expected tokenroof.calibration/1 or tokenroof.prediction/1, "
                      "found %.60s",
                      name, schema ? schema : "none");
}

static int read_item(const char *path, struct item *item, struct tr_err *reterr) {
    char *text = NULL;
    size_t length = 0;
    json_error_t error;
    item->name = path;
    int code = tr_err_of_input(tr_file_read(path, MAX_FILE_BYTES, &text, &length, reterr));
    if (code)
        return code;
    item->document = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    if (!item->document)
        code = tr_err_set(reterr, TR_EFORMAT, "%.300s: line %d, column %d: not JSON: %s", path,
                          error.line, error.column, error.text);
    else
        code = recognise(item->document, path, item, reterr);
    free(text);
    return code;
}

static int render_item(const char *format, const struct tr_term *term, const struct item *item,
                       bool explain, struct tr_strbuf *out, struct tr_err *reterr) {
    bool csv = !strcmp(format, "csv");
    struct tr_strbuf predictions = {0};
    int code = 0;
    if (item->predictions && csv)
        tr_predictions_csv(item->predictions, &predictions);
    else if (item->predictions && (explain || !item->calibration))
        tr_predictions_text(item->predictions, term, explain, &predictions);
    char *details = tr_strbuf_take(&predictions);
    if (!details)
        return TR_ENOMEM;
    if (item->calibration) {
        struct tr_report_input input = {.calibration = item->calibration,
                                        .documents = csv ? NULL : item->predictions,
                                        .details = *details ? details : NULL,
                                        .term = *term,
                                        .verbose = explain};
        code = tr_report_render(format, &input, out, reterr);
    } else {
        tr_strbuf_add(out, details);
    }
    free(details);
    return code;
}

static int render_json(const struct items *items, struct tr_strbuf *out) {
    if (items->n == 1)
        return tr_json_print(items->items[0].document, out);
    json_t *all = json_pack("{s:s, s:[]}", "schema", "tokenroof.report/1", "results");
    json_t *results = json_object_get(all, "results");
    int failed = !all;
    for (size_t i = 0; !failed && i < items->n; i++)
        failed = json_array_append(results, items->items[i].document);
    int code = failed ? TR_ENOMEM : tr_json_print(all, out);
    json_decref(all);
    return code;
}

/* Formats that have no words of their own for predictions from files. */
static int render_together(const char *format, const struct items *items, struct tr_strbuf *out,
                           struct tr_err *reterr) {
    struct tr_report_input *inputs = calloc(items->n, sizeof(*inputs));
    int code = inputs ? 0 : TR_ENOMEM;
    for (size_t i = 0; !code && i < items->n; i++)
        inputs[i] = (struct tr_report_input){
            .calibration = items->items[i].calibration,
            .documents = items->items[i].predictions,
            .name = items->items[i].name,
            .chart = items->chart,
        };
    if (!code)
        code = tr_report_render_several(format, inputs, items->n, out, reterr);
    free(inputs);
    return code;
}

static int render(const char *format, const struct tr_term *term, const void *data,
                  struct tr_strbuf *out, struct tr_err *reterr) {
    const struct items *items = data;
    if (!strcmp(format, "json"))
        return render_json(items, out);
    if (strcmp(format, "text") && strcmp(format, "csv"))
        return render_together(format, items, out, reterr);
    for (size_t i = 0; i < items->n; i++) {
        if (i)
            tr_strbuf_add(out, "\n");
        int code = render_item(format, term, &items->items[i], items->explain, out, reterr);
        if (code)
            return code;
    }
    return 0;
}

/* A table has one head: files of several kinds, or one with both parts, would make two. */
static int check_csv(const struct items *items, struct tr_err *reterr) {
    for (size_t i = 0; i < items->n; i++)
        if (items->n > 1 || (items->items[i].calibration && items->items[i].predictions))
            return tr_err_set(reterr, TR_EUSAGE,
                              "--format: csv is one table: give one file that holds a calibration "
                              "or predictions, not both");
    return 0;
}

static int check_chart(const struct report_options *options, struct tr_err *reterr) {
    bool any = !options->chart;
    for (size_t i = 0; i < options->output.n; i++)
        any = any || !strcmp(options->output.items[i].format, "svg");
    return any ? 0
               : tr_err_set(reterr, TR_EUSAGE, "--chart: only a picture is one chart: add -f svg");
}

static int run(void *data, char *const *arguments, size_t n, struct tr_err *reterr) {
    struct report_options *options = data;
    struct items items = {.items = calloc(n, sizeof(struct item)),
                          .n = n,
                          .chart = options->chart,
                          .explain = options->output.verbose > 0};
    int code = items.items ? check_chart(options, reterr) : TR_ENOMEM;
    for (size_t i = 0; !code && i < n; i++)
        code = read_item(arguments[i], &items.items[i], reterr);
    for (size_t i = 0; !code && i < options->output.n; i++)
        if (!strcmp(options->output.items[i].format, "csv"))
            code = check_csv(&items, reterr);
    if (!code)
        code = tr_output_write(&options->output, "text", render, &items, reterr);
    for (size_t i = 0; items.items && i < n; i++)
        item_finish(&items.items[i]);
    free(items.items);
    return code;
}

static const char *const formats[] = {"text", "json",       "jsonl", "csv", "markdown",
                                      "html", "prometheus", "svg",   NULL};
static const struct tr_option rows[] = {
    {.name = "chart",
     .argument = "NAME",
     .store = tr_store_text,
     .offset = offsetof(struct report_options, chart),
     .brief = true,
     .help = "for svg: efficiency, roofline, generation, prompt, or a curve or matrix of the file"},
};
static const struct tr_option_group groups[] = {
    {"charts", TR_ROWS(rows), 0, NULL},
    TR_GROUP_OUTPUT,
    TR_GROUP_END,
};

const struct tr_command tr_command_report = {
    .usage = "FILE... [options]",
    .about = "FILE is a calibration, a prediction, or what `tokenroof --json` printed.\n",
    .examples = "  tokenroof report machine.json\n"
                "  tokenroof report machine.json -f csv:machine.csv\n"
                "  tokenroof report machine.json -f svg:latency.svg --chart latency\n"
                "  tokenroof report monday.json friday.json -f html:week.html\n",
    .groups = groups,
    .formats = formats,
    .options_bytes = sizeof(struct report_options),
    .min_arguments = 1,
    .max_arguments = 1000,
    .argument = "FILE",
    .run = run,
};
