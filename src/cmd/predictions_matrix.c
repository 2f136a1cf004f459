/* Models x machines as one table: what a buyer looks at. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calibration_json.h"
#include "predictions.h"
#include "table.h"
#include "text.h"

static void add_text(struct tr_table *table, const char *text, size_t most) {
    char *safe = tr_printable(text ? text : "-");
    size_t n = safe ? strlen(safe) : 0;
    if (n > most)
        tr_table_addf(table, "%.*s..", (int)most - 2, safe);
    else
        tr_table_add(table, safe);
    free(safe);
}

/* Of the first use case that has one. */
static void add_rate(struct tr_table *table, const json_t *results, const char *key) {
    size_t i;
    const json_t *result, *estimate = NULL;
    json_array_foreach(results, i, result) {
        estimate = json_object_get(result, key);
        if (!isnan(tr_json_number_of(estimate, "value")))
            break;
    }
    tr_prediction_cell(table, estimate, true);
}

/* "I B B I": a letter for each use case. */
static void add_classes(struct tr_table *table, const json_t *results) {
    char letters[64] = "";
    size_t i, n = 0;
    const json_t *result;
    json_array_foreach(results, i, result) {
        if (n + 2 < sizeof(letters))
            letters[n++] = tr_text_class_letter(result);
    }
    letters[n] = '\0';
    tr_table_add(table, letters);
}

static void add_row(struct tr_table *table, const json_t *document, size_t longest_name) {
    const json_t *results = json_object_get(document, "results"), *first;
    const json_t *model = json_object_get(document, "model");
    first = json_array_get(results, 0);
    const char *where = json_string_value(json_object_get(json_object_get(first, "fits"), "where"));
    add_text(table, json_string_value(json_object_get(model, "name")), longest_name);
    add_text(table, json_string_value(json_object_get(document, "platform")), longest_name);
    tr_table_addf(table, "%.3g", tr_json_number_of(model, "file_bytes") / 1e9);
    add_rate(table, results, "pp_tok_s");
    add_rate(table, results, "tg_tok_s");
    add_classes(table, results);
    tr_table_add(table, where ? where : "no");
    add_text(table, json_string_value(json_object_get(first, "bound")), 12);
}

/* Returns the width of its lines. */
static size_t add_table(const json_t *predictions, size_t longest_name, size_t width,
                        struct tr_strbuf *out) {
    static const char *const heads[] = {"model",    "machine", "GB",   "PP tok/s",
                                        "TG tok/s", "class",   "fits", "bound"};
    static const char spare[] = "726"; /* bound, GB, fits */
    struct tr_table table;
    size_t i;
    const json_t *document;
    tr_table_init(&table, "llrrrlll");
    for (size_t column = 0; column < sizeof(heads) / sizeof(heads[0]); column++)
        tr_table_add(&table, heads[column]);
    json_array_foreach(predictions, i, document) add_row(&table, document, longest_name);
    size_t taken = tr_table_write_fitting(&table, 0, width, spare, out);
    tr_table_finish(&table);
    return taken;
}

void tr_predictions_matrix(const json_t *predictions, const struct tr_term *term,
                           struct tr_strbuf *out) {
    static const size_t longest_names[] = {64, 48, 32, 24, 20};
    const size_t n_lengths = sizeof(longest_names) / sizeof(longest_names[0]);
    size_t i;
    const json_t *result;
    for (i = 0; i < n_lengths; i++) { /* names are shortened last, and no more than must be */
        struct tr_strbuf trial = {0};
        size_t taken = add_table(predictions, longest_names[i], term->width, &trial);
        bool takes_it = taken <= term->width || i + 1 == n_lengths || trial.failed;
        out->failed = out->failed || trial.failed;
        if (takes_it && !trial.failed)
            tr_strbuf_add(out, trial.text);
        tr_strbuf_finish(&trial);
        if (takes_it)
            break;
    }
    tr_strbuf_add(out,
                  "PP, TG: the first use case that has them, with an 80% interval where it was "
                  "checked.\nClasses of");
    json_array_foreach(json_object_get(json_array_get(predictions, 0), "results"), i, result) {
        char *name = tr_printable(json_string_value(json_object_get(result, "use_case")));
        tr_strbuf_addf(out, " %s", name ? name : "?");
        free(name);
    }
    tr_strbuf_add(out, ": I interactive, B background, O offline, N non-viable.\n"
                       "A page for each: --explain.\n");
}
