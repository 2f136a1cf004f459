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

static void add_rate(struct tr_table *table, const json_t *results, const char *key) {
    size_t i;
    const json_t *result, *estimate = NULL;
    json_array_foreach(results, i, result) {
        estimate = json_object_get(result, key);
        if (!isnan(tr_json_number_of(estimate, "value")))
            break;
    }
    double value = tr_json_number_of(estimate, "value"), low = tr_json_number_of(estimate, "low");
    if (isnan(value))
        tr_table_add(table, "-");
    else if (isnan(low))
        tr_table_addf(table, "%.3g", value);
    else
        tr_table_addf(table, "%.3g (%.3g-%.3g)", value, low, tr_json_number_of(estimate, "high"));
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

static void add_row(struct tr_table *table, const json_t *document, bool wide) {
    const json_t *results = json_object_get(document, "results"), *first;
    const json_t *model = json_object_get(document, "model");
    first = json_array_get(results, 0);
    const char *where = json_string_value(json_object_get(json_object_get(first, "fits"), "where"));
    add_text(table, json_string_value(json_object_get(model, "name")), wide ? 32 : 20);
    add_text(table, json_string_value(json_object_get(document, "platform")), wide ? 48 : 20);
    if (wide)
        tr_table_addf(table, "%.3g", tr_json_number_of(model, "file_bytes") / 1e9);
    add_rate(table, results, "pp_tok_s");
    add_rate(table, results, "tg_tok_s");
    add_classes(table, results);
    if (wide) {
        tr_table_add(table, where ? where : "no");
        add_text(table, json_string_value(json_object_get(first, "bound")), 12);
    }
}

void tr_predictions_matrix(const json_t *predictions, const struct tr_term *term,
                           struct tr_strbuf *out) {
    bool wide = term->width >= 120;
    struct tr_table table;
    size_t i;
    const json_t *document, *result;
    tr_table_init(&table, wide ? "llrrrlll" : "llrrl");
    static const char *const heads[] = {"model",    "machine", "GB",   "PP tok/s",
                                        "TG tok/s", "class",   "fits", "bound"};
    for (size_t column = 0; column < 8; column++)
        if (wide || (column != 2 && column < 6))
            tr_table_add(&table, heads[column]);
    json_array_foreach(predictions, i, document) add_row(&table, document, wide);
    out->failed = out->failed || table.failed;
    tr_table_write(&table, 0, out);
    tr_table_finish(&table);
    tr_strbuf_add(out,
                  "PP, TG: the first use case that has them, with an 80% interval where it was "
                  "checked.\nClasses of");
    json_array_foreach(json_object_get(json_array_get(predictions, 0), "results"), i, result) {
        char *name = tr_printable(json_string_value(json_object_get(result, "use_case")));
        tr_strbuf_addf(out, " %s", name ? name : "?");
        free(name);
    }
    tr_strbuf_add(out, ": I interactive, B background, O offline, N non-viable.\n");
}
