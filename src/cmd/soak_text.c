#include "soak_text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "calibration_json.h"
#include "markdown.h"
#include "markup.h"
#include "summary.h"
#include "text.h"
#include "tokenroof/err.h"
#include "verdicts.h"

static const char *text_of(const json_t *object, const char *name) {
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "-";
}

static enum tr_verdict_kind verdict_of(const json_t *result) {
    const char *word = text_of(result, "verdict");
    return !strcmp(word, "pass")   ? TR_VERDICT_PASS
           : !strcmp(word, "warn") ? TR_VERDICT_WARN
           : !strcmp(word, "fail") ? TR_VERDICT_FAIL
                                   : TR_VERDICT_SKIP;
}

/* "31.4 GB/s"; "" without a value. */
static void add_value(const json_t *result, struct tr_strbuf *out) {
    double value = tr_json_number_of(result, "value");
    if (isfinite(value))
        tr_strbuf_addf(out, "%.4g %s", value, text_of(result, "unit"));
}

/* --- text ------------------------------------------------------------------------------------ */

/* Ends the line. */
static void wrap(struct tr_text *text, struct tr_strbuf *line, size_t hanging) {
    text->out->failed |= line->failed;
    if (!line->failed)
        tr_text_wrap(text, line->text, hanging);
    tr_strbuf_finish(line);
}

static void add_head(struct tr_text *text, const json_t *document) {
    struct tr_strbuf line = {0};
    double run_s = tr_json_number_of(document, "seconds_run"),
           memory = tr_json_number_of(document, "memory_bytes");
    tr_text_add(text, &line, text_of(document, "cpu_model"));
    tr_strbuf_addf(&line, ", soaked for %.4g s", run_s);
    if (memory > 0)
        tr_strbuf_addf(&line, ", %.4g GiB of memory (%.3g GiB of what was available stayed free)",
                       memory / (1 << 30),
                       (tr_json_number_of(document, "available_bytes") - memory) / (1 << 30));
    tr_strbuf_add(&line, ", ");
    tr_text_add(text, &line, text_of(document, "created"));
    wrap(text, &line, 4);
}

static void add_result(struct tr_text *text, const json_t *result) {
    static const enum tr_tone tones[] = {TR_TONE_GOOD, TR_TONE_DOUBTFUL, TR_TONE_BAD,
                                         TR_TONE_PLAIN};
    static const char *const words[] = {"pass", "WARN", "FAIL", "skip"};
    enum tr_verdict_kind verdict = verdict_of(result);
    struct tr_strbuf line = {0}, value = {0};
    tr_strbuf_addf(&line, "  %s%s%s  ", tr_text_tone(text, tones[verdict]), words[verdict],
                   tr_text_plain(text));
    tr_text_add(text, &line, text_of(result, "name"));
    tr_strbuf_add(&line, ": ");
    add_value(result, &value);
    tr_text_add(text, &line, value.text ? value.text : "");
    tr_strbuf_add(&line, isfinite(tr_json_number_of(result, "value")) ? "; " : "");
    tr_text_add(text, &line, text_of(result, "why"));
    wrap(text, &line, 8);
    tr_strbuf_finish(&value);
}

static void add_mismatches(struct tr_text *text, const json_t *document) {
    enum { SHOWN = 10 };
    const json_t *mismatches = json_object_get(document, "mismatches"), *mismatch;
    static const char *const head[] = {"what",     "at s",     "CPU",   "node",  "address",
                                       "physical", "expected", "found", "fault", "pattern"};
    size_t i, n = json_array_size(mismatches);
    struct tr_table table;
    if (!n)
        return;
    tr_text_head(text, "mismatches");
    tr_table_init(&table, "lrrrllllll");
    for (i = 0; i < sizeof(head) / sizeof(head[0]); i++)
        tr_table_add(&table, head[i]);
    for (i = 0; i < n && i < SHOWN; i++) {
        mismatch = json_array_get(mismatches, i);
        const json_t *node = json_object_get(mismatch, "node");
        bool memory = !strcmp(text_of(mismatch, "what"), "memory");
        tr_text_cell(text, &table, text_of(mismatch, "what"), 8);
        tr_table_addf(&table, "%.1f", tr_json_number_of(mismatch, "t_s"));
        tr_table_addf(&table, "%.0f", tr_json_number_of(mismatch, "cpu"));
        tr_table_addf(&table, json_is_integer(node) ? "%.0f" : "-", json_number_value(node));
        tr_text_cell(text, &table, text_of(mismatch, "address"), 18);
        tr_text_cell(text, &table, text_of(mismatch, "physical"), 18);
        tr_text_cell(text, &table, text_of(mismatch, "expected"), 18);
        tr_text_cell(text, &table, text_of(mismatch, "found"), 18);
        tr_text_cell(text, &table, text_of(mismatch, "fault"), 10);
        tr_text_cell(text, &table, text_of(mismatch, memory ? "pattern" : "kernel"), 28);
    }
    tr_table_write(&table, 2, text->out);
    tr_table_finish(&table);
    double all = tr_json_number_of(document, "mismatch_count");
    if (all > SHOWN)
        tr_text_wrapf(text, 2, "  %.0f in all; the first %zu are in the JSON form", all, n);
}

static void add_verdict(struct tr_text *text, const json_t *document) {
    const char *verdict = text_of(document, "verdict");
    bool partial = json_is_true(json_object_get(document, "partial"));
    struct tr_strbuf line = {0};
    tr_strbuf_add(&line, tr_text_tone(text, !strcmp(verdict, "fail")   ? TR_TONE_BAD
                                            : !strcmp(verdict, "warn") ? TR_TONE_DOUBTFUL
                                                                       : TR_TONE_GOOD));
    tr_text_add(text, &line, verdict);
    tr_strbuf_addf(&line, "%s%s", tr_text_plain(text), partial ? " (partial: it did not end)" : "");
    wrap(text, &line, 0);
}

static void render_text(const json_t *document, const struct tr_term *term, struct tr_strbuf *out) {
    struct tr_text text = {.term = *term, .out = out};
    const json_t *results = json_object_get(document, "results"), *item;
    size_t i;
    add_head(&text, document);
    json_array_foreach(results, i, item) {
        add_result(&text, item);
    }
    json_array_foreach(json_object_get(document, "notes"), i, item) {
        const char *note = json_string_value(item);
        struct tr_strbuf line = {0};
        tr_strbuf_add(&line, "  note: ");
        tr_text_add(&text, &line, note ? note : "-");
        wrap(&text, &line, 2);
    }
    add_mismatches(&text, document);
    add_verdict(&text, document);
}

/* --- other forms ----------------------------------------------------------------------------- */

static void render_markdown(const json_t *document, struct tr_strbuf *out) {
    const json_t *item;
    size_t i;
    tr_strbuf_add(out, "# Soak\n\nMachine: ");
    tr_markdown_text(out, text_of(document, "cpu_model"));
    tr_strbuf_addf(out, ", %.4g s, ", tr_json_number_of(document, "seconds_run"));
    tr_markdown_text(out, text_of(document, "created"));
    tr_strbuf_add(out, ": **");
    tr_markdown_text(out, text_of(document, "verdict"));
    tr_strbuf_addf(out, "**%s\n\n| check | verdict | value | why |\n|---|---|---|---|\n",
                   json_is_true(json_object_get(document, "partial")) ? " (partial)" : "");
    json_array_foreach(json_object_get(document, "results"), i, item) {
        struct tr_strbuf value = {0};
        tr_strbuf_add(&value, "");
        add_value(item, &value);
        tr_strbuf_add(out, "|");
        tr_markdown_cell(out, text_of(item, "name"));
        tr_markdown_cell(out, text_of(item, "verdict"));
        tr_markdown_cell(out, value.text);
        tr_markdown_cell(out, text_of(item, "why"));
        tr_strbuf_add(out, "\n");
        tr_strbuf_finish(&value);
    }
    if (json_array_size(json_object_get(document, "mismatches")))
        tr_strbuf_add(out, "\n| what | CPU | address | expected | found | fault |\n"
                           "|---|--:|---|---|---|---|\n");
    json_array_foreach(json_object_get(document, "mismatches"), i, item) {
        static const char *const rest[] = {"address", "expected", "found", "fault"};
        tr_strbuf_add(out, "|");
        tr_markdown_cell(out, text_of(item, "what"));
        tr_strbuf_addf(out, " %.0f |", tr_json_number_of(item, "cpu"));
        for (size_t k = 0; k < sizeof(rest) / sizeof(rest[0]); k++)
            tr_markdown_cell(out, text_of(item, rest[k]));
        tr_strbuf_add(out, "\n");
    }
}

static void add_csv_number(struct tr_strbuf *out, const char *separator, double value) {
    tr_strbuf_add(out, separator);
    if (isfinite(value))
        tr_strbuf_addf(out, "%.9g", value);
}

static void render_csv(const json_t *document, struct tr_strbuf *out) {
    const json_t *item;
    size_t i;
    tr_strbuf_add(out, "t_s,span_s,phase");
    for (int c = 0; c < TR_SOAK_COLUMNS; c++)
        tr_strbuf_addf(out, ",%s", tr_soak_column_name((enum tr_soak_column)c));
    tr_strbuf_add(out, "\r\n");
    json_array_foreach(json_object_get(document, "seconds"), i, item) {
        add_csv_number(out, "", tr_json_number_of(item, "t_s"));
        add_csv_number(out, ",", tr_json_number_of(item, "span_s"));
        tr_strbuf_add(out, ",");
        tr_csv_text(out, text_of(item, "phase"));
        for (int c = 0; c < TR_SOAK_COLUMNS; c++)
            add_csv_number(out, ",",
                           tr_json_number_of(item, tr_soak_column_name((enum tr_soak_column)c)));
        tr_strbuf_add(out, "\r\n");
    }
}

/* One line: the item with its kind in front. */
static int add_line(const char *record, json_t *item, struct tr_strbuf *out) {
    json_t *line = json_pack("{s:s}", "record", record);
    char *text = NULL;
    if (line && json_object_update(line, item) == 0)
        text = json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(9));
    if (text)
        tr_strbuf_addf(out, "%s\n", text);
    json_decref(line);
    free(text);
    return text ? 0 : TR_ENOMEM;
}

static int render_jsonl(json_t *document, struct tr_strbuf *out) {
    static const char *const lists[][2] = {
        {"results", "result"}, {"mismatches", "mismatch"}, {"seconds", "second"}};
    json_t *head = json_copy(document);
    int code = head ? 0 : TR_ENOMEM;
    for (size_t k = 0; !code && k < 3; k++)
        json_object_del(head, lists[k][0]);
    if (!code)
        code = add_line("soak", head, out);
    for (size_t k = 0; !code && k < 3; k++) {
        json_t *item;
        size_t i;
        json_array_foreach(json_object_get(document, lists[k][0]), i, item) {
            if (!code)
                code = add_line(lists[k][1], item, out);
        }
    }
    json_decref(head);
    return code;
}

static int render_verdicts(const char *format, const json_t *document, struct tr_strbuf *out) {
    const json_t *results = json_object_get(document, "results"), *item;
    size_t i, n = json_array_size(results);
    struct tr_verdict *verdicts = calloc(n ? n : 1, sizeof(*verdicts));
    if (!verdicts)
        return TR_ENOMEM;
    json_array_foreach(results, i, item) {
        verdicts[i] = (struct tr_verdict){.name = text_of(item, "name"),
                                          .verdict = verdict_of(item),
                                          .value = tr_json_number_of(item, "value"),
                                          .unit = json_string_value(json_object_get(item, "unit")),
                                          .low = tr_json_number_of(item, "low"),
                                          .high = tr_json_number_of(item, "high"),
                                          .why = text_of(item, "why")};
    }
    if (!strcmp(format, "junit"))
        tr_verdicts_junit("soak", verdicts, n, out);
    else
        tr_verdicts_tap(verdicts, n, out);
    free(verdicts);
    return 0;
}

int tr_soak_render(const char *format, json_t *document, const struct tr_term *term,
                   struct tr_strbuf *out) {
    if (!strcmp(format, "jsonl"))
        return render_jsonl(document, out);
    if (!strcmp(format, "junit") || !strcmp(format, "tap"))
        return render_verdicts(format, document, out);
    if (!strcmp(format, "markdown"))
        render_markdown(document, out);
    else if (!strcmp(format, "csv"))
        render_csv(document, out);
    else
        render_text(document, term, out);
    return 0;
}
