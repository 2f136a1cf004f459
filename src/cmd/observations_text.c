/* An engine's own results beside predictions, as text, Markdown and CSV rows. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "calibration_json.h"
#include "observations.h"
#include "predictions.h"
#include "table.h"

static void cell_safe(struct tr_table *table, const char *text) {
    char *safe = tr_printable(text ? text : "-");
    tr_table_add(table, safe);
    free(safe);
}

static void cell_rate(struct tr_table *table, double value) {
    if (isnan(value))
        tr_table_add(table, "-");
    else
        tr_table_addf(table, value >= 100 ? "%.0f" : "%.3g", value);
}

static void cell_percent(struct tr_table *table, double fraction) {
    if (isnan(fraction))
        tr_table_add(table, "-");
    else
        tr_table_addf(table, "%.0f%%", 100 * fraction);
}

static void add_table(const json_t *observed, struct tr_strbuf *out) {
    static const char *const heads[] = {"test",         "threads", "engine tok/s", "predicted",
                                        "of predicted", "of roof", "verdict"};
    struct tr_table table;
    size_t i;
    const json_t *entry;
    tr_table_init(&table, "lrrrrrl");
    for (i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
        tr_table_add(&table, heads[i]);
    json_array_foreach(observed, i, entry) {
        double threads = tr_json_number_of(entry, "threads");
        cell_safe(&table, tr_json_text_of(entry, "test"));
        if (isnan(threads))
            tr_table_add(&table, "?");
        else
            tr_table_addf(&table, "%.0f", threads);
        cell_rate(&table, tr_json_number_of(entry, "observed_tok_s"));
        cell_rate(&table, tr_json_number_of(json_object_get(entry, "predicted_tok_s"), "value"));
        cell_percent(&table, tr_json_number_of(entry, "fraction_of_prediction"));
        cell_percent(&table, tr_json_number_of(entry, "fraction_of_roof"));
        cell_safe(&table, tr_json_text_of(entry, "verdict"));
    }
    out->failed = out->failed || table.failed;
    tr_table_write(&table, 4, out);
    tr_table_finish(&table);
}

/* What was learned, or why not; one sentence for all tests alike. */
static void add_learned(const json_t *observed, size_t width, struct tr_strbuf *out) {
    size_t i;
    const json_t *entry;
    json_array_foreach(observed, i, entry) {
        const char *why = tr_json_text_of(entry, "not_learned"),
                   *test = tr_json_text_of(entry, "test");
        if (!json_object_get(entry, "learned"))
            continue;
        char *text = why ? tr_format("nothing learned of %s: %s", test, why)
                         : tr_format("of %s with build %s, for later predictions", test,
                                     tr_json_text_of(entry, "build"));
        tr_predictions_sentence(out, "learned", text, width);
        free(text);
    }
}

void tr_observed_text(const json_t *document, const struct tr_term *term, struct tr_strbuf *out) {
    const json_t *observed = json_object_get(document, "observed"), *entry;
    size_t i;
    if (!observed)
        return;
    if (!json_array_size(observed)) {
        tr_strbuf_add(out, "\n  none of the engine's results is about this model\n");
        return;
    }
    tr_strbuf_add(out, "\n  the engine's own results, build ");
    char *build = tr_printable(tr_json_text_of(json_array_get(observed, 0), "build"));
    tr_strbuf_add(out, build && *build ? build : "unknown");
    free(build);
    tr_strbuf_add(out, "\n");
    add_table(observed, out);
    json_array_foreach(observed, i, entry) tr_predictions_sentence(
        out, tr_json_text_of(entry, "test"), tr_json_text_of(entry, "why"), term->width);
    add_learned(observed, term->width, out);
}

/* One line a test, in the columns of the predictions' CSV. */
void tr_observed_csv_cells(const json_t *entry, struct tr_strbuf *out) {
    static const char *const numbers[] = {"observed_tok_s", "observed_sd_tok_s",
                                          "fraction_of_prediction", "fraction_of_roof"};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        double value = entry ? tr_json_number_of(entry, numbers[i]) : NAN;
        tr_strbuf_add(out, ",");
        if (!isnan(value))
            tr_strbuf_addf(out, "%.10g", value);
    }
    const json_t *causes = entry ? json_object_get(entry, "causes") : NULL;
    const char *const texts[] = {entry ? tr_json_text_of(entry, "build") : NULL,
                                 entry ? tr_json_text_of(entry, "verdict") : NULL,
                                 json_string_value(json_array_get(causes, 0))};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        tr_strbuf_add(out, ",");
        tr_csv_cell(out, texts[i]);
    }
}
