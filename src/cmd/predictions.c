#include "predictions.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calibration_json.h"
#include "observations.h"
#include "profile.h"
#include "table.h"

double tr_prediction_estimate(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    return json_is_object(value) ? tr_json_number_of(value, "value")
                                 : tr_json_number_of(object, key);
}

/* Text from a file, made safe for a terminal. */
static void add_safe(struct tr_strbuf *out, const char *text) {
    char *safe = tr_printable(text ? text : "-");
    if (safe)
        tr_strbuf_add(out, safe);
    else
        out->failed = true;
    free(safe);
}

/* Lines of at most `width` columns, the first from `column` on, later ones indented by `indent`. */
static void add_wrapped_from(struct tr_strbuf *out, const char *text, size_t width, size_t indent,
                             size_t column) {
    struct tr_strbuf word = {0};
    char *safe = tr_printable(text ? text : "-");
    for (const char *at = safe; at && *at;) {
        size_t n = strcspn(at, " ");
        tr_strbuf_add_bytes(&word, at, n);
        size_t columns = word.failed ? 0 : tr_display_width(word.text);
        if (at != safe && column + 1 + columns > width) {
            tr_strbuf_add(out, "\n");
            tr_strbuf_repeat(out, " ", indent);
            column = indent;
        } else if (at != safe) {
            tr_strbuf_add(out, " ");
            column++;
        }
        tr_strbuf_add_bytes(out, at, n);
        column += columns;
        at += n + strspn(at + n, " ");
        tr_strbuf_finish(&word);
    }
    out->failed = out->failed || !safe;
    tr_strbuf_add(out, "\n");
    free(safe);
}

static void add_wrapped(struct tr_strbuf *out, const char *text, size_t width, size_t indent) {
    add_wrapped_from(out, text, width, indent, 0);
}

static void cell_safe(struct tr_table *table, const char *text) {
    char *safe = tr_printable(text ? text : "-");
    tr_table_add(table, safe);
    free(safe);
}

/* Three significant digits, "-" for unknown. */
static void format_number(double value, char text[32]) {
    if (isnan(value))
        snprintf(text, 32, "-");
    else if (fabs(value) >= 99.95)
        snprintf(text, 32, "%.0f", value);
    else if (fabs(value) >= 9.995)
        snprintf(text, 32, "%.1f", value);
    else if (fabs(value) >= 0.9995)
        snprintf(text, 32, "%.2f", value);
    else
        snprintf(text, 32, "%.3g", value);
}

static void cell_number(struct tr_table *table, double value) {
    char text[32];
    format_number(value, text);
    tr_table_add(table, text);
}

static int complain(const char *name, const char *field, const char *expected,
                    struct tr_err *reterr) {
    return tr_err_set(reterr, TR_EFORMAT, "%.300s: %s: expected %s", name, field, expected);
}

int tr_prediction_check(const json_t *document, const char *name, struct tr_err *reterr) {
    const char *schema = tr_json_text_of(document, "schema");
    if (!schema || strncmp(schema, "tokenroof.prediction/", 21) != 0)
        return complain(name, "schema", TR_PREDICTION_SCHEMA, reterr);
    if (strcmp(schema, TR_PREDICTION_SCHEMA) != 0)
        return tr_err_set(reterr, TR_EFORMAT,
                          "%.300s: its schema is %.60s, newer than this program's %s. Use a newer "
                          "tokenroof",
                          name, schema, TR_PREDICTION_SCHEMA);
    if (!tr_json_text_of(json_object_get(document, "model"), "name"))
        return complain(name, "model.name", "a text", reterr);
    const json_t *results = json_object_get(document, "results");
    if (!json_is_array(results))
        return complain(name, "results", "an array", reterr);
    size_t i;
    const json_t *result;
    json_array_foreach(results, i, result) {
        if (!tr_json_text_of(result, "use_case")) {
            char field[48];
            snprintf(field, sizeof(field), "results[%zu].use_case", i);
            return complain(name, field, "a text", reterr);
        }
    }
    return 0;
}

static void add_amount(struct tr_strbuf *out, const char *before, double value, const char *after) {
    char text[32];
    if (isnan(value))
        return;
    format_number(value, text);
    tr_strbuf_addf(out, "%s%s%s", before, text, after);
}

static void add_heading(struct tr_strbuf *out, const json_t *document, const struct tr_term *term) {
    const json_t *model = json_object_get(document, "model");
    tr_strbuf_add(out, term->color ? "\x1b[1m" : "");
    add_safe(out, tr_json_text_of(model, "name"));
    tr_strbuf_add(out, term->color ? "\x1b[0m" : "");
    add_amount(out, term->width < 80 ? "\n  " : "  ", tr_json_number_of(model, "parameters") / 1e9,
               " B parameters");
    double active = tr_json_number_of(model, "active_parameters");
    if (active < 0.8 * tr_json_number_of(model, "parameters"))
        add_amount(out, " (", active / 1e9, " B active)");
    add_amount(out, "  ", tr_json_number_of(model, "file_bytes") / 1e9, " GB");
    add_amount(out, "  ", tr_json_number_of(model, "weight_bytes_per_token") / 1e9, " GB/token");
    tr_strbuf_add(out, "\n");
}

void tr_prediction_cell(struct tr_table *table, const json_t *value, bool with_interval) {
    char middle[32], low[32], high[32];
    if (!with_interval || isnan(tr_json_number_of(value, "low"))) {
        cell_number(table, json_is_object(value)   ? tr_json_number_of(value, "value")
                           : json_is_number(value) ? json_number_value(value)
                                                   : NAN);
        return;
    }
    format_number(tr_json_number_of(value, "value"), middle);
    format_number(tr_json_number_of(value, "low"), low);
    format_number(tr_json_number_of(value, "high"), high);
    tr_table_addf(table, "%s (%s-%s)", middle, low, high);
}

static void add_results(struct tr_strbuf *out, const json_t *results, size_t width,
                        bool intervals) {
    struct tr_table table;
    const bool wide = width >= 90;
    tr_table_init(&table, wide ? "lrrrrrrll" : "lrrrrl");
    static const char *const heads[] = {"use case", "prompt",   "output",
                                        "PP tok/s", "TG tok/s", "first token s",
                                        "total s",  "class",    "bound"};
    static const char *const narrow[] = {"use",     "PP tok/s", "TG tok/s",
                                         "first s", "total s",  "class"};
    for (size_t i = 0; i < (wide ? 9 : 6); i++)
        tr_table_add(&table, wide ? heads[i] : narrow[i]);
    size_t i;
    const json_t *result;
    json_array_foreach(results, i, result) {
        cell_safe(&table, tr_json_text_of(result, "use_case"));
        if (wide) {
            tr_table_addf(&table, "%.0f", tr_json_number_of(result, "prompt_tokens"));
            tr_table_addf(&table, "%.0f", tr_json_number_of(result, "generated_tokens"));
        }
        tr_prediction_cell(&table, json_object_get(result, "pp_tok_s"), wide && intervals);
        tr_prediction_cell(&table, json_object_get(result, "tg_tok_s"), wide && intervals);
        cell_number(&table, tr_prediction_estimate(result, "first_token_s"));
        cell_number(&table, tr_prediction_estimate(result, "total_s"));
        cell_safe(&table, tr_json_text_of(result, "class"));
        if (wide)
            cell_safe(&table, tr_json_text_of(result, "bound"));
    }
    out->failed = out->failed || table.failed;
    /* What binds is told below as well, lengths are those of the use case. */
    tr_table_write_fitting(&table, 2, width, wide ? "821" : "", out);
    tr_table_finish(&table);
}

void tr_predictions_sentence(struct tr_strbuf *out, const char *label, const char *text,
                             size_t width) {
    char *line = tr_format("%s: %s", label, text);
    tr_strbuf_add(out, "  ");
    add_wrapped(out, line, width - 2, 4);
    out->failed = out->failed || !line;
    free(line);
}

/* Where weights and cache lie, and what is left in the use case that leaves the least. */
static void add_fits(struct tr_strbuf *out, const json_t *results, size_t width) {
    const json_t *result, *least = NULL, *fits;
    const char *unknown = NULL;
    double spare = NAN;
    size_t i;
    json_array_foreach(results, i, result) {
        fits = json_object_get(result, "fits");
        double bytes = tr_json_number_of(fits, "spare_bytes");
        if (isnan(bytes) && tr_json_text_of(fits, "where"))
            unknown = tr_json_text_of(fits, "where");
        if (bytes >= 0 && tr_json_text_of(fits, "where") && !(bytes >= spare)) {
            least = result;
            spare = bytes;
        }
    }
    if (!least && unknown) {
        char *line = tr_format("the size of its %s is not known and taken as enough%s", unknown,
                               !strcmp(unknown, "RAM") ? ": give --memory GB" : "");
        tr_predictions_sentence(out, "fits", line ? line : "", width);
        free(line);
    }
    if (!least)
        return;
    struct tr_strbuf text = {0};
    fits = json_object_get(least, "fits");
    const char *where = tr_json_text_of(fits, "where"), *scarce = tr_json_text_of(fits, "scarce");
    tr_strbuf_addf(&text, "in %s with its cache; ", where);
    add_amount(&text, "", spare / 1e9, " GB");
    if (scarce && strcmp(scarce, where) != 0)
        tr_strbuf_addf(&text, " of %s", scarce);
    tr_strbuf_add(&text, " to spare");
    if (json_array_size(results) > 1)
        tr_strbuf_addf(&text, " (%s)", tr_json_text_of(least, "use_case"));
    char *line = tr_strbuf_take(&text);
    if (line)
        tr_predictions_sentence(out, "fits", line, width);
    free(line);
}

/* The use cases from the i-th on that have the i-th one's sentence: "UC2, UC3"; NULL if an earlier
 * one has it. The caller frees it. */
static char *names_with(const json_t *results, size_t i, const char *why) {
    struct tr_strbuf names = {0};
    for (size_t j = 0; j < json_array_size(results); j++) {
        const json_t *other = json_array_get(results, j);
        const char *same = tr_json_text_of(other, "why"),
                   *name = tr_json_text_of(other, "use_case");
        if (!same || strcmp(same, why) != 0)
            continue;
        if (j < i) {
            tr_strbuf_finish(&names);
            return NULL;
        }
        tr_strbuf_addf(&names, "%s%s", j > i ? ", " : "", name ? name : "");
    }
    return tr_strbuf_take(&names);
}

/* The sentences; the same one is written once. */
static void add_reasons(struct tr_strbuf *out, const json_t *results, size_t width) {
    size_t i;
    const json_t *result;
    json_array_foreach(results, i, result) {
        const char *why = tr_json_text_of(result, "why");
        char *names = why ? names_with(results, i, why) : NULL;
        if (names)
            tr_predictions_sentence(out, names, why, width);
        free(names);
    }
    add_fits(out, results, width);
    double load_s = tr_json_number_of(json_array_get(results, 0), "load_s");
    add_amount(out, "  loading from storage takes ", load_s, " s\n");
}

/* What a correction learned earlier did to these figures, and other numbers of threads. */
static void add_learned(struct tr_strbuf *out, const json_t *results, size_t width) {
    static const char *const phases[] = {"prompt", "generation"};
    static const char *const names[] = {"PP", "TG"};
    size_t i;
    const json_t *result, *best = NULL;
    for (size_t k = 0; k < 2; k++) {
        const json_t *applied = NULL;
        json_array_foreach(results, i, result) {
            const json_t *own = json_object_get(json_object_get(result, "corrections"), phases[k]);
            applied = json_is_object(own) ? own : applied;
        }
        if (!applied)
            continue;
        char *text = tr_format("%s x %.3f, from %.0f result%s of build %s, learned %s", names[k],
                               tr_json_number_of(applied, "ratio"), tr_json_number_of(applied, "n"),
                               tr_json_number_of(applied, "n") == 1 ? "" : "s",
                               tr_json_text_of(applied, "build"), tr_json_text_of(applied, "date"));
        tr_predictions_sentence(out, "corrected", text, width);
        free(text);
    }
    json_array_foreach(results, i, result) {
        if (!best && tr_json_number_of(result, "best_tg_tok_s") >
                         1.02 * tr_prediction_estimate(result, "tg_tok_s"))
            best = result;
    }
    if (best) {
        char *text =
            tr_format("generation is fastest with %.0f: %.3g tok/s (%s)",
                      tr_json_number_of(best, "best_threads"),
                      tr_json_number_of(best, "best_tg_tok_s"), tr_json_text_of(best, "use_case"));
        tr_predictions_sentence(out, "threads", text, width);
        free(text);
    }
}

/* The first result that has a number of that name: a prompt alone has no output, and so on. */
static const json_t *first_with(const json_t *document, const char *key) {
    const json_t *results = json_object_get(document, "results"), *result;
    size_t i;
    json_array_foreach(results, i, result) {
        if (!isnan(tr_json_number_of(result, key)))
            return result;
    }
    return NULL;
}

/* "VALUE unit (tg128)", of which of several tests; NULL if none has it. The caller frees it. */
static char *first_of(const json_t *document, const char *key, const char *unit) {
    const json_t *first = first_with(document, key);
    struct tr_strbuf text = {0};
    if (!first)
        return NULL;
    add_amount(&text, "", tr_json_number_of(first, key), unit);
    if (json_array_size(json_object_get(document, "results")) > 1)
        tr_strbuf_addf(&text, " (%s)", tr_json_text_of(first, "use_case"));
    return tr_strbuf_take(&text);
}

static void add_parallel(struct tr_strbuf *out, const json_t *document, size_t width) {
    const json_t *parallel = json_object_get(document, "parallel");
    double knee = tr_json_number_of(parallel, "knee");
    if (!parallel)
        return;
    struct tr_strbuf text = {0};
    char *together = first_of(document, "total_tok_s", " tok/s together");
    tr_strbuf_addf(&text, "%.0f sequences", tr_json_number_of(parallel, "sequences"));
    if (together)
        tr_strbuf_addf(&text, " generate %s", together);
    free(together);
    if (isnan(knee))
        tr_strbuf_add(&text, "; the memory binds for any number");
    else
        tr_strbuf_addf(&text, "; from %.0f on computing binds", knee);
    char *line = tr_strbuf_take(&text);
    if (line)
        tr_predictions_sentence(out, "parallel", line, width);
    free(line);
}

/* Answers beyond the table: score, start, batches. */
static void add_answers(struct tr_strbuf *out, const json_t *document, size_t width) {
    const json_t *score = json_object_get(document, "localscore");
    const char *command = tr_json_text_of(document, "command");
    if (!isnan(tr_json_number_of(score, "score")))
        tr_strbuf_addf(out, "  LocalScore: %.0f (1000 excellent, 250 passable, below 100 poor)\n",
                       tr_json_number_of(score, "score"));
    add_parallel(out, document, width);
    char *cold = first_of(document, "cold_first_token_s", " s");
    if (cold)
        tr_predictions_sentence(out, "first token of a model that is not in memory yet", cold,
                                width);
    free(cold);
    if (command)
        tr_predictions_sentence(out, "start", command, width);
}

/* What one step more of something would give. */
static void add_sensitivity(struct tr_strbuf *out, const json_t *document) {
    const json_t *changes = json_object_get(document, "sensitivity"), *change;
    size_t i;
    struct tr_table table;
    if (!json_array_size(changes))
        return;
    tr_strbuf_add(out, "\n  what more would give (pp512, tg128)\n");
    tr_table_init(&table, "lrr");
    tr_table_add(&table, "change");
    tr_table_add(&table, "TG");
    tr_table_add(&table, "PP");
    json_array_foreach(changes, i, change) {
        cell_safe(&table, tr_json_text_of(change, "change"));
        tr_table_addf(&table, "%+.1f%%", 100 * tr_json_number_of(change, "tg_gain"));
        tr_table_addf(&table, "%+.1f%%", 100 * tr_json_number_of(change, "pp_gain"));
    }
    out->failed = out->failed || table.failed;
    tr_table_write(&table, 4, out);
    tr_table_finish(&table);
}

static void add_lines(struct tr_strbuf *out, const json_t *lines, const char *label, size_t width) {
    size_t i;
    const json_t *line;
    json_array_foreach(lines, i, line) {
        if (json_is_string(line))
            tr_predictions_sentence(out, label, json_string_value(line), width);
    }
}

static void term_cells(struct tr_table *table, const json_t *term, bool wide) {
    const char *where = tr_json_text_of(term, "where");
    char *name =
        tr_format("%s%s%s", tr_json_text_of(term, "name"), where ? " on " : "", where ? where : "");
    cell_safe(table, name);
    free(name);
    cell_number(table, tr_json_number_of(term, "bytes") / 1e6);
    if (wide) {
        cell_number(table, tr_json_number_of(term, "flop") / 1e9);
        cell_number(table, tr_json_number_of(term, "gb_s"));
        cell_number(table, tr_json_number_of(term, "gflop_s"));
        cell_number(table, tr_json_number_of(term, "count"));
    }
    cell_number(table, tr_json_number_of(term, "ns") / 1e6);
    tr_table_addf(table, "%.1f%%", 100 * tr_json_number_of(term, "share"));
    cell_safe(table, tr_json_text_of(term, "bound"));
}

/* Where a token's time goes: the first use case that has the phase. */
static void add_terms(struct tr_strbuf *out, const json_t *results, const char *phase, bool wide) {
    size_t i;
    const json_t *result = NULL, *terms = NULL, *term;
    json_array_foreach(results, i, result) {
        terms = json_object_get(json_object_get(result, "terms"), phase);
        if (json_array_size(terms))
            break;
    }
    if (!json_array_size(terms))
        return;
    struct tr_table table;
    tr_table_init(&table, wide ? "lrrrrrrrl" : "lrrrl");
    static const char *const heads[] = {"part",  "MB", "GFLOP", "GB/s", "GFLOP/s",
                                        "count", "ms", "share", "bound"};
    for (size_t column = 0; column < 9; column++)
        if (wide || column < 2 || column > 5)
            tr_table_add(&table, heads[column]);
    double sum_ns = 0;
    json_array_foreach(terms, i, term) {
        term_cells(&table, term, wide);
        sum_ns += tr_json_number_of(term, "ns");
    }
    tr_strbuf_addf(out, "\n  one token of %s, ", phase);
    add_safe(out, tr_json_text_of(result, "use_case"));
    add_amount(out, ": ", sum_ns / 1e6, " ms\n");
    out->failed = out->failed || table.failed;
    tr_table_write(&table, 4, out);
    tr_table_finish(&table);
}

static void add_explanations(struct tr_strbuf *out, const json_t *document, size_t width) {
    const json_t *explanations = json_object_get(document, "explanations"), *item;
    size_t i;
    if (json_array_size(explanations))
        tr_strbuf_add(out, "\n  how it was computed\n");
    json_array_foreach(explanations, i, item) {
        tr_strbuf_add(out, "    ");
        add_wrapped(out, tr_json_text_of(item, "name"), width - 4, 4);
        tr_strbuf_add(out, "      ");
        add_wrapped(out, tr_json_text_of(item, "formula"), width - 6, 8);
        tr_strbuf_add(out, "      = ");
        add_wrapped(out, tr_json_text_of(item, "value"), width - 8, 8);
    }
}

static void add_profile(struct tr_strbuf *out, const char *profile) {
    tr_strbuf_add(out, ": this machine's matrix products, by how much ");
    add_safe(out, profile ? profile : "llama.cpp");
    tr_strbuf_add(out,
                  tr_profile_is_mapped(profile ? profile : "llama.cpp")
                      ? "'s kernels are slower as mapped from another engine's: none of them was "
                        "timed"
                      : "'s kernels were slower in a comparison");
}

static void add_fidelity(struct tr_strbuf *out, const json_t *document) {
    const char *fidelity = tr_json_text_of(document, "fidelity");
    add_safe(out, fidelity);
    if (fidelity && !strcmp(fidelity, "engine")) {
        const char *rates = tr_json_text_of(document, "rates");
        tr_strbuf_add(out, rates && !strcmp(rates, "stored")
                               ? ": rates of the calibration, mapped onto this model's matrices: "
                               : ": kernels timed on this model's matrices: ");
        add_safe(out, tr_json_text_of(document, "engine"));
    } else if (fidelity && !strcmp(fidelity, "formula"))
        tr_strbuf_add(out, ": upper bound (bandwidth / bytes); real engines reach less");
    else if (fidelity && !strcmp(fidelity, "measured"))
        add_profile(out, tr_json_text_of(document, "rates"));
    else if (fidelity && !strcmp(fidelity, "spec"))
        tr_strbuf_add(out, ": the catalogue's limits x what published results reach of them");
}

/* "fidelity     text", wrapped beside its name. */
static void add_fact(struct tr_strbuf *out, const char *name, const char *text, size_t width) {
    enum { INDENT = 13 };
    tr_strbuf_addf(out, "%-13s", name);
    add_wrapped_from(out, text, width, INDENT, INDENT);
}

static void add_basis(struct tr_strbuf *out, const json_t *document, size_t width) {
    struct tr_strbuf fidelity = {0};
    const char *calibration = tr_json_text_of(json_object_get(document, "calibration"), "path");
    tr_strbuf_add(out, "platform     ");
    add_safe(out, tr_json_text_of(document, "platform"));
    if (tr_json_number_of(document, "threads") > 0)
        tr_strbuf_addf(out, ", %.0f thread%s", tr_json_number_of(document, "threads"),
                       tr_json_number_of(document, "threads") == 1 ? "" : "s");
    if (calibration) {
        tr_strbuf_add(out, "\ncalibration  ");
        add_safe(out, calibration);
    }
    tr_strbuf_add(out, "\n");
    add_fidelity(&fidelity, document);
    add_fact(out, "fidelity", fidelity.failed ? "" : fidelity.text, width);
    out->failed |= fidelity.failed;
    tr_strbuf_finish(&fidelity);
    if (tr_json_text_of(document, "interval_note"))
        add_fact(out, "interval", tr_json_text_of(document, "interval_note"), width);
}

/* Models on the same platform share one head. */
static bool same_basis(const json_t *a, const json_t *b) {
    static const char *const keys[] = {"fidelity", "platform",      "threads", "calibration",
                                       "rates",    "interval_note", "engine"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        const json_t *x = json_object_get(a, keys[i]), *y = json_object_get(b, keys[i]);
        if (x != y && !(x && y && json_equal(x, y)))
            return false;
    }
    return true;
}

void tr_predictions_text(const json_t *predictions, const struct tr_term *term, bool explain,
                         struct tr_strbuf *out) {
    size_t i;
    const json_t *document;
    json_array_foreach(predictions, i, document) {
        const json_t *results = json_object_get(document, "results");
        if (i)
            tr_strbuf_add(out, "\n");
        if (i == 0 || !same_basis(document, json_array_get(predictions, i - 1))) {
            add_basis(out, document, term->width);
            tr_strbuf_add(out, "\n");
        }
        add_heading(out, document, term);
        add_results(out, results, term->width, tr_json_text_of(document, "interval_note") != NULL);
        add_reasons(out, results, term->width);
        add_answers(out, document, term->width);
        add_learned(out, results, term->width);
        tr_observed_text(document, term, out);
        add_lines(out, json_object_get(document, "notes"), "note", term->width);
        add_lines(out, json_object_get(document, "warnings"), "warning", term->width);
        if (explain) {
            add_terms(out, results, "generation", term->width >= 90);
            add_terms(out, results, "prompt", term->width >= 90);
            add_sensitivity(out, document);
            add_explanations(out, document, term->width);
        }
    }
}

int tr_json_print(const json_t *document, struct tr_strbuf *out) {
    char *text = json_dumps(document, TR_JSON_FLAGS);
    if (!text)
        return TR_ENOMEM;
    tr_strbuf_add(out, text);
    tr_strbuf_add(out, "\n");
    free(text);
    return 0;
}

int tr_predictions_json(json_t *predictions, const struct tr_strings *unanswered,
                        struct tr_strbuf *out) {
    if (json_array_size(predictions) == 1 && !unanswered->n)
        return tr_json_print(json_array_get(predictions, 0), out);
    json_t *reasons = json_array();
    for (size_t i = 0; i < unanswered->n; i++)
        json_array_append_new(reasons, json_string(unanswered->items[i]));
    json_t *all = json_pack("{s:s, s:O, s:o}", "schema", TR_PREDICTIONS_SCHEMA, "results",
                            predictions, "unanswered", reasons);
    int code =
        all && json_array_size(reasons) == unanswered->n ? tr_json_print(all, out) : TR_ENOMEM;
    json_decref(all);
    return code;
}
