/* Models x machines as one table: what a buyer looks at. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calibration_json.h"
#include "predictions.h"
#include "table.h"
#include "text.h"

/* Too long names lose their middle: what tells machines apart is at either end. */
static void add_name(struct tr_table *table, const char *text, size_t most) {
    char *safe = tr_printable(text ? text : "-");
    size_t width = safe ? tr_display_width(safe) : 0;
    if (width > most) {
        size_t head = tr_display_fit(safe, (most - 2) / 2), tail = strlen(safe);
        while (tail > 0 && tr_display_width(safe + tail) < most - 2 - (most - 2) / 2)
            for (tail--; tail > 0 && (safe[tail] & 0xc0) == 0x80;)
                tail--;
        tr_table_addf(table, "%.*s..%s", (int)head, safe, safe + tail);
    } else
        tr_table_add(table, safe);
    free(safe);
}

/* Of the first use case that has one. */
static void add_rate(struct tr_table *table, const json_t *results, const char *key,
                     bool interval) {
    size_t i;
    const json_t *result, *estimate = NULL;
    json_array_foreach(results, i, result) {
        estimate = json_object_get(result, key);
        if (!isnan(tr_json_number_of(estimate, "value")))
            break;
    }
    tr_prediction_cell(table, estimate, interval);
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

/* How a table is made to fit. */
struct attempt {
    size_t longest_name;
    bool interval;
};

static void add_row(struct tr_table *table, const json_t *document, const struct attempt *attempt) {
    const json_t *results = json_object_get(document, "results"), *first;
    const json_t *model = json_object_get(document, "model");
    first = json_array_get(results, 0);
    const json_t *fits = json_object_get(first, "fits");
    const char *where = tr_json_text_of(fits, "where");
    bool certain = !where || !isnan(tr_json_number_of(fits, "spare_bytes"));
    add_name(table, tr_json_text_of(model, "name"), attempt->longest_name);
    add_name(table, tr_json_text_of(document, "platform"), attempt->longest_name);
    tr_table_addf(table, "%.3g", tr_json_number_of(model, "file_bytes") / 1e9);
    add_rate(table, results, "pp_tok_s", attempt->interval);
    add_rate(table, results, "tg_tok_s", attempt->interval);
    add_classes(table, results);
    tr_table_addf(table, "%s%s", where ? where : "no", certain ? "" : "?");
    add_name(table, tr_json_text_of(first, "bound"), 12);
}

/* Returns the width of its lines. */
static size_t add_table(const json_t *predictions, const struct attempt *attempt, size_t width,
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
    json_array_foreach(predictions, i, document) add_row(&table, document, attempt);
    size_t taken = tr_table_write_fitting(&table, 0, width, spare, out);
    tr_table_finish(&table);
    return taken;
}

/* Shortened names may be the same: the whole ones, in the order of the lines. */
static void add_whole_names(const json_t *predictions, size_t longest_name, size_t width,
                            struct tr_strbuf *out) {
    struct tr_strbuf names = {0};
    const json_t *document;
    const char *last = "";
    size_t i;
    bool shortened = false;
    json_array_foreach(predictions, i, document) {
        const char *name = tr_json_text_of(document, "platform");
        if (!name || !strcmp(name, last))
            continue;
        tr_strbuf_addf(&names, "%s%s", *last ? "; " : "", name);
        shortened = shortened || tr_display_width(name) > longest_name;
        last = name;
    }
    char *text = tr_strbuf_take(&names);
    if (text && shortened)
        tr_predictions_sentence(out, "machines, in this order", text, width);
    out->failed = out->failed || !text;
    free(text);
}

void tr_predictions_matrix(const json_t *predictions, const struct tr_term *term,
                           struct tr_strbuf *out) {
    /* Intervals go before names are shortened, and those no more than must be. */
    static const struct attempt attempts[] = {{64, true},  {64, false}, {48, false}, {32, false},
                                              {24, false}, {20, false}, {16, false}, {14, false},
                                              {12, false}, {10, false}};
    const size_t n = sizeof(attempts) / sizeof(attempts[0]);
    size_t i, at = 0;
    const json_t *result;
    for (bool done = false; !done; at++) {
        struct tr_strbuf trial = {0};
        size_t taken = add_table(predictions, &attempts[at], term->width, &trial);
        done = taken <= term->width || at + 1 == n || trial.failed;
        out->failed = out->failed || trial.failed;
        if (done && !trial.failed)
            tr_strbuf_add(out, trial.text);
        tr_strbuf_finish(&trial);
    }
    add_whole_names(predictions, attempts[at - 1].longest_name, term->width, out);
    tr_strbuf_addf(out, "PP, TG: the first use case that has them%s.\nClasses of",
                   attempts[at - 1].interval ? ", with an 80% interval where it was checked" : "");
    json_array_foreach(json_object_get(json_array_get(predictions, 0), "results"), i, result) {
        char *name = tr_printable(json_string_value(json_object_get(result, "use_case")));
        tr_strbuf_addf(out, " %s", name ? name : "?");
        free(name);
    }
    tr_strbuf_add(out, ": I interactive, B background, O offline, N non-viable, ? unknown.\n"
                       "A page for each: --explain.\n");
}
