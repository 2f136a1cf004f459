/* Predictions of the text report: a row a model, with the class and the time of each use case. */
#include <math.h>
#include <string.h>

#include <jansson.h>

#include "calibration_json.h"
#include "text.h"

enum { MOST_USE_CASES = 12 };

static double estimate(const json_t *result, const char *key) {
    return tr_json_number_of(json_object_get(result, key), "value");
}

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "?";
}

static const json_t *result_of(const json_t *prediction, size_t i) {
    return json_array_get(json_object_get(prediction, "results"), i);
}

char tr_text_class_letter(const json_t *result) {
    const char *class = text_of(result, "class");
    return !strcmp(class, "interactive")  ? 'I'
           : !strcmp(class, "background") ? 'B'
           : !strcmp(class, "offline")    ? 'O'
           : !strcmp(class, "?")          ? '?'
                                          : 'N';
}

static bool fits(const json_t *prediction) {
    return json_is_string(
        json_object_get(json_object_get(result_of(prediction, 0), "fits"), "where"));
}

/* Three digits: no prediction is known to more. */
static struct tr_number digits(double value) {
    return tr_text_measured(value, value, NAN);
}

struct layout {
    const json_t *documents;
    const json_t *columns; /* the prediction with the most use cases */
    size_t n;              /* use cases shown */
    bool seconds, size;
};

static void class_cells(struct tr_table *table, const struct layout *layout,
                        const json_t *prediction) {
    for (size_t i = 0; i < layout->n; i++) {
        const json_t *result = result_of(prediction, i);
        if (!result)
            tr_table_add(table, "");
        else if (!layout->seconds)
            tr_table_addf(table, "%c", tr_text_class_letter(result));
        else
            tr_table_addf(table, "%c %s", tr_text_class_letter(result),
                          digits(estimate(result, "total_s")).text);
    }
}

static void row(struct tr_text *text, struct tr_table *table, const struct layout *layout,
                const json_t *prediction) {
    const json_t *model = json_object_get(prediction, "model"), *first = result_of(prediction, 0);
    tr_text_cell(text, table, text_of(model, "name"), layout->size ? 32 : 22);
    if (layout->size)
        tr_table_add(table, digits(tr_json_number_of(model, "file_bytes") / 1e9).text);
    tr_table_add(table, digits(estimate(first, "pp_tok_s")).text);
    tr_table_add(table, digits(estimate(first, "tg_tok_s")).text);
    class_cells(table, layout, prediction);
}

static void write_table(struct tr_text *text, const struct layout *layout, struct tr_strbuf *out) {
    struct tr_table table;
    char alignment[TR_TABLE_MAX_COLUMNS + 1] = "l";
    size_t i;
    const json_t *prediction;
    memset(alignment + 1, 'r', layout->n + 2 + layout->size);
    tr_table_init(&table, alignment);
    tr_table_add(&table, "model");
    if (layout->size)
        tr_table_add(&table, "GB");
    tr_table_add(&table, layout->seconds ? "PP tok/s" : "PP");
    tr_table_add(&table, layout->seconds ? "TG tok/s" : "TG");
    for (i = 0; i < layout->n; i++) {
        struct tr_strbuf head = {0};
        tr_strbuf_addf(&head, "%s%s", text_of(result_of(layout->columns, i), "use_case"),
                       layout->seconds ? " s" : "");
        tr_text_cell(text, &table, head.failed ? "" : head.text, 12);
        tr_strbuf_finish(&head);
    }
    json_array_foreach(layout->documents, i, prediction) {
        if (fits(prediction))
            row(text, &table, layout, prediction);
    }
    tr_table_write(&table, 2, out);
    out->failed |= table.failed;
    tr_table_finish(&table);
}

/* With all columns, else without the seconds, else without the size of the file, else without the
 * last use cases. */
static void write_fitting(struct tr_text *text, struct layout *layout) {
    size_t all = layout->n;
    for (int form = 0;; form++) {
        struct tr_strbuf trial = {0};
        layout->seconds = form == 0;
        layout->size = form < 2;
        layout->n -= form > 2;
        write_table(text, layout, &trial);
        bool narrow = tr_text_columns(trial.text) <= text->term.width;
        bool last = narrow || trial.failed || (form >= 2 && layout->n < 2);
        if (last)
            tr_strbuf_add(text->out, trial.failed ? "" : trial.text);
        text->out->failed |= trial.failed;
        tr_strbuf_finish(&trial);
        if (last)
            break;
    }
    if (layout->n < all)
        tr_text_wrapf(text, 2, "  %zu more use case%s in a wider window.", all - layout->n,
                      all - layout->n == 1 ? "" : "s");
}

static void models_without_room(struct tr_text *text, const json_t *documents) {
    size_t i;
    const json_t *prediction;
    json_array_foreach(documents, i, prediction) {
        if (fits(prediction))
            continue;
        struct tr_strbuf line = {0};
        double spare =
            tr_json_number_of(json_object_get(result_of(prediction, 0), "fits"), "spare_bytes");
        tr_strbuf_add(&line, "  ");
        tr_text_add(text, &line, text_of(json_object_get(prediction, "model"), "name"));
        tr_strbuf_add(&line, " does not fit");
        if (spare < 0)
            tr_strbuf_addf(&line, ": %s GB of memory are missing", digits(-spare / 1e9).text);
        tr_text_wrap(text, line.failed ? "" : line.text, 4);
        text->out->failed |= line.failed;
        tr_strbuf_finish(&line);
    }
}

static void head(struct tr_text *text, const json_t *prediction) {
    const char *fidelity = text_of(prediction, "fidelity");
    const char *says = "";
    if (!strcmp(fidelity, "formula"))
        says = ": upper bound by the formula (bandwidth / bytes); real engines reach less";
    else if (!strcmp(fidelity, "measured") && text->full)
        says = " for llama.cpp: from the rates of matrix products measured here, by how much its "
               "kernels were slower on one machine (predict --engine DIR times them here)";
    else if (!strcmp(fidelity, "measured"))
        says = " for llama.cpp, from the rates of matrix products measured here";
    tr_text_wrapf(text, 2, "%spredictions%s%s", tr_text_tone(text, TR_TONE_HEAD),
                  tr_text_plain(text), says);
}

void tr_text_predictions(struct tr_text *text) {
    json_t *documents = NULL;
    struct layout layout = {0};
    size_t i;
    const json_t *prediction;
    bool any = false;
    if (tr_report_documents(text->input, &documents)) {
        text->out->failed = true;
        return;
    }
    layout.documents = documents;
    json_array_foreach(documents, i, prediction) {
        size_t n = json_array_size(json_object_get(prediction, "results"));
        any = any || fits(prediction);
        if (!layout.columns || n > layout.n) {
            layout.columns = prediction;
            layout.n = n;
        }
    }
    if (layout.n > MOST_USE_CASES)
        layout.n = MOST_USE_CASES;
    if (layout.columns) {
        if (text->calibration)
            tr_strbuf_add(text->out, "\n");
        head(text, layout.columns);
    }
    if (any) {
        write_fitting(text, &layout);
        struct tr_strbuf first = {0};
        tr_text_add(text, &first, text_of(result_of(layout.columns, 0), "use_case"));
        tr_text_wrapf(
            text, 2, "  PP, TG in %s. I interactive, B background, O offline, N non-viable%s.%s",
            first.failed ? "?" : first.text, layout.seconds ? "; s to the last token" : "",
            text->full ? " What the use cases are: tokenroof list use-cases." : "");
        tr_strbuf_finish(&first);
    }
    models_without_room(text, documents);
    if (text->input->details)
        tr_strbuf_addf(text->out, "\n%s", text->input->details);
    json_decref(documents);
}
