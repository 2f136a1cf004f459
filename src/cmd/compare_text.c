#include "compare_text.h"

#include <math.h>

#include "table.h"
#include "text.h"

/* Of names, as far as the window has room. */
static size_t name_columns(const struct tr_text *text) {
    return text->term.width < 80 ? 18 : text->term.width < 110 ? 28 : 40;
}

static void add_percent(struct tr_table *table, double fraction, bool sign) {
    if (isnan(fraction))
        tr_table_add(table, "-");
    else
        tr_table_addf(table, sign ? "%+.2f%%" : "%.2f%%", 100 * fraction);
}

static void add_row(struct tr_text *text, const struct tr_difference *at, struct tr_table *table) {
    tr_text_cell(text, table, at->figure->name, name_columns(text));
    tr_table_add(table, tr_text_number(at->before).text);
    tr_table_add(table,
                 tr_text_number_like(at->after, isnan(at->before) ? at->after : at->before).text);
    tr_text_cell(text, table, at->figure->unit, 12);
    add_percent(table, at->change, true);
    if (isnan(at->low))
        tr_table_add(table, "-");
    else
        tr_table_addf(table, "%+.2f to %+.2f%%", 100 * at->low, 100 * at->high);
    add_percent(table, at->least_detectable, false);
    tr_table_add(table, at->verdict == TR_CHANGED && at->worse ? "changed: worse"
                        : at->verdict == TR_CHANGED            ? "changed: better"
                        : at->verdict == TR_REGRESSION         ? "REGRESSION"
                        : at->verdict == TR_SAME && text->term.width < 110
                            ? "no change seen"
                            : tr_difference_name(at->verdict));
}

static void add_table(struct tr_text *text, const struct tr_compared *compared, size_t set) {
    const struct tr_comparison *comparison = &compared->comparison;
    struct tr_table table;
    tr_table_init(&table, "lrrlrrrl");
    static const char *const heads[] = {"figure", "before",       "after",      "",
                                        "change", "95% interval", "detectable", "verdict"};
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
        tr_table_add(&table, heads[i]);
    for (size_t i = 0; i < comparison->n; i++)
        if (comparison->items[i].set == set)
            add_row(text, &comparison->items[i], &table);
    /* First the least detectable change, then the interval, the value before, the unit. */
    tr_table_write_fitting(&table, 2, text->term.width, "6513", text->out);
    tr_table_finish(&table);
}

static void add_reasons(struct tr_text *text, const struct tr_compared *compared, size_t set,
                        bool verbose) {
    const struct tr_comparison *comparison = &compared->comparison;
    for (size_t i = 0; i < comparison->n; i++) {
        const struct tr_difference *at = &comparison->items[i];
        bool told = verbose || at->verdict == TR_CHANGED || at->verdict == TR_REGRESSION;
        if (at->set != set || !told)
            continue;
        struct tr_strbuf line = {0};
        tr_strbuf_add(&line, "  ");
        tr_text_add(text, &line, at->figure->name);
        tr_strbuf_addf(&line, ": %s", at->why);
        text->out->failed |= line.failed;
        if (!line.failed)
            tr_text_wrap(text, line.text, 4);
        tr_strbuf_finish(&line);
    }
}

static void add_changes(struct tr_text *text, const struct tr_compared *compared, size_t set) {
    bool any = false;
    for (size_t i = 0; i < compared->changes.n; i++) {
        const struct tr_changed *changed = &compared->changes.items[i];
        struct tr_strbuf line = {0};
        if (changed->set != set)
            continue;
        if (!any)
            tr_text_head(text, "changed conditions");
        any = true;
        tr_strbuf_addf(&line, "  %s: ", changed->what);
        tr_text_add(text, &line, changed->before);
        tr_strbuf_add(&line, " -> ");
        tr_text_add(text, &line, changed->after);
        text->out->failed |= line.failed;
        if (!line.failed)
            tr_text_wrap(text, line.text, 4);
        tr_strbuf_finish(&line);
    }
    if (!any)
        tr_text_wrap(
            text, "no changed conditions: firmware, kernel, memory and settings are the same", 2);
}

static void add_set(struct tr_text *text, const struct tr_compared *compared, size_t set) {
    struct tr_strbuf line = {0};
    for (size_t i = 0; i < 2; i++) {
        size_t which = i ? set : 0;
        tr_text_add(text, &line, compared->names[which]);
        tr_strbuf_addf(&line, " (%zu run%s)%s", compared->n_runs[which],
                       compared->n_runs[which] == 1 ? "" : "s", i ? "" : " -> ");
    }
    text->out->failed |= line.failed;
    if (!line.failed)
        tr_text_head(text, line.text);
    tr_strbuf_finish(&line);
}

/* How many figures have each verdict, predictions aside. */
static void add_summary(struct tr_text *text, const struct tr_compared *compared) {
    const struct tr_comparison *comparison = &compared->comparison;
    size_t counts[4] = {0};
    for (size_t i = 0; i < comparison->n; i++)
        if (comparison->items[i].figure->kind != TR_FIGURE_DERIVED)
            counts[comparison->items[i].verdict]++;
    tr_text_wrapf(text, 0,
                  "%s%zu regression%s%s, %zu changed, %zu without significant change, %zu not "
                  "compared. Chance of any false alarm: at most 2%%%s.",
                  tr_text_tone(text, counts[TR_REGRESSION] ? TR_TONE_BAD : TR_TONE_GOOD),
                  counts[TR_REGRESSION], counts[TR_REGRESSION] == 1 ? "" : "s", tr_text_plain(text),
                  counts[TR_CHANGED], counts[TR_SAME], counts[TR_NOT_COMPARED],
                  comparison->few_runs ? " for noise within a run; of that between runs so few "
                                         "runs tell nothing"
                                       : "");
}

void tr_comparison_text(const struct tr_compared *compared, const struct tr_term *term,
                        bool verbose, struct tr_strbuf *out) {
    struct tr_text text = {.term = *term, .out = out};
    for (size_t set = 1; set < compared->n_sets; set++) {
        if (set > 1)
            tr_strbuf_add(out, "\n");
        add_set(&text, compared, set);
        add_table(&text, compared, set);
        add_reasons(&text, compared, set, verbose);
        add_changes(&text, compared, set);
    }
    add_summary(&text, compared);
}
