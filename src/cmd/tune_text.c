#include "tune_text.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "text.h"

enum { CHART_COLUMNS = 40 };

/* Of a setting's name, as far as the window has room. */
static size_t label_columns(const struct tr_text *text) {
    return text->term.width < 80 ? 15 : text->term.width < 120 ? 18 : 32;
}

static void add_percent(struct tr_table *table, double fraction) {
    if (isnan(fraction))
        tr_table_add(table, "-");
    else
        tr_table_addf(table, "%+.2f%%", 100 * fraction);
}

static void add_value(struct tr_table *table, double value) {
    tr_table_add(table, tr_text_number(value).text);
}

/* "measured", or what else happened last; crashes are never forgotten. */
static void add_state(struct tr_table *table, const struct tr_tune_setting *setting, bool narrow) {
    if (setting->n_crashes && setting->state == TR_TUNE_MEASURED && narrow)
        tr_table_add(table, "crashed before");
    else if (setting->n_crashes && setting->state != TR_TUNE_CRASHED)
        tr_table_addf(table, "%s, crashed before", tr_tune_state_name(setting->state));
    else if (setting->n_crashes > 1)
        tr_table_addf(table, "crashed %zu times", setting->n_crashes);
    else
        tr_table_add(table, tr_tune_state_name(setting->state));
}

static void add_verdicts(struct tr_text *text, const struct tr_tune *tune,
                         const struct tr_tune_judgement *judgement) {
    enum tr_tune_figure by = judgement->options.by;
    const struct tr_tune_figure_facts *facts = tr_tune_figure_facts(by);
    struct tr_table table;
    tr_table_init(&table, "lrrrrllll");
    tr_table_add(&table, "setting");
    tr_table_addf(&table, "%s %s", facts->what, facts->unit);
    static const char *const heads[] = {"change", "95% interval", "boots", "verdict",
                                        "soak",   "state",        ""};
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
        tr_table_add(&table, heads[i]);
    for (size_t i = 0; i < judgement->n; i++) {
        const struct tr_tune_outcome *outcome = &judgement->outcomes[i];
        const struct tr_tune_result *result = &outcome->results[by];
        tr_text_cell(text, &table, tune->settings[i].label, label_columns(text));
        add_value(&table, result->value);
        add_percent(&table, result->change);
        if (isnan(result->change_low))
            tr_table_add(&table, "-");
        else
            tr_table_addf(&table, "%+.2f to %+.2f%%", 100 * result->change_low,
                          100 * result->change_high);
        tr_table_addf(&table, "%zu", outcome->n_boots);
        tr_table_addf(&table, "%s%s", tr_tune_verdict_name(outcome->verdicts[by]),
                      result->scope == TR_TUNE_ONE_BOOT ? " (one boot)" : "");
        tr_table_add(&table, tr_soak_verdict_name(outcome->soak));
        add_state(&table, &tune->settings[i], text->term.width < 80);
        tr_table_add(&table, outcome->retries ? "retries?" : outcome->doubtful ? "unsteady" : "");
    }
    /* First the boots, then the interval (the chart shows it), the value, the change. */
    tr_table_write_fitting(&table, 2, text->term.width, "4312", text->out);
    tr_table_finish(&table);
}

static void add_figures(struct tr_text *text, const struct tr_tune *tune,
                        const struct tr_tune_judgement *judgement) {
    struct tr_table table;
    tr_table_init(&table, "lrrrrrrr");
    static const char *const heads[] = {"setting",    "read GB/s",   "copy GB/s", "triad GB/s",
                                        "latency ns", "FMA GFLOP/s", "PP tok/s",  "TG tok/s"};
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
        tr_table_add(&table, heads[i]);
    for (size_t i = 0; i < judgement->n; i++) {
        tr_text_cell(text, &table, tune->settings[i].label, label_columns(text));
        for (size_t f = 0; f < TR_TUNE_FIGURES; f++)
            add_value(&table, judgement->outcomes[i].results[f].value);
    }
    tr_table_write_fitting(&table, 2, text->term.width, "5324", text->out);
    tr_table_finish(&table);
}

/* --- chart ----------------------------------------------------------------------------------- */

struct scale {
    double from, to;
    size_t columns;
};

static double ends(const struct tr_tune_result *result, bool high) {
    double end = high ? result->high : result->low;
    return isfinite(end) && end > 0 ? end : result->value;
}

static struct scale scale_of(const struct tr_tune_judgement *judgement) {
    struct scale scale = {.from = INFINITY, .to = -INFINITY, .columns = CHART_COLUMNS};
    for (size_t i = 0; i < judgement->n; i++) {
        const struct tr_tune_result *result =
            &judgement->outcomes[i].results[judgement->options.by];
        if (isnan(result->value))
            continue;
        scale.from = fmin(scale.from, ends(result, false));
        scale.to = fmax(scale.to, ends(result, true));
    }
    /* Something to see where all is alike: a hundredth at least. */
    double least = 0.01 * scale.to, more = (least - (scale.to - scale.from)) / 2;
    if (more > 0) {
        scale.from -= more;
        scale.to += more;
    }
    return scale;
}

static size_t column_of(const struct scale *scale, double value) {
    double at = (value - scale->from) / (scale->to - scale->from) * (double)(scale->columns - 1);
    return at <= 0                              ? 0
           : at >= (double)(scale->columns - 1) ? scale->columns - 1
                                                : (size_t)lround(at);
}

static void add_bar(struct tr_table *table, const struct scale *scale,
                    const struct tr_tune_result *result, bool unicode) {
    struct tr_strbuf bar = {0};
    size_t low = column_of(scale, ends(result, false)), high = column_of(scale, ends(result, true));
    size_t middle = column_of(scale, result->value);
    tr_strbuf_add(&bar, unicode ? "│" : "|");
    for (size_t i = 0; i < scale->columns; i++) {
        if (i == middle)
            tr_strbuf_add(&bar, unicode ? "●" : "o");
        else
            tr_strbuf_add(&bar, i < low || i > high ? " " : unicode ? "─" : "-");
    }
    tr_strbuf_add(&bar, unicode ? "│" : "|");
    tr_table_add(table, bar.failed ? NULL : bar.text);
    tr_strbuf_finish(&bar);
}

static void add_chart(struct tr_text *text, const struct tr_tune *tune,
                      const struct tr_tune_judgement *judgement) {
    const struct tr_tune_figure_facts *facts = tr_tune_figure_facts(judgement->options.by);
    struct scale scale = scale_of(judgement);
    struct tr_table table;
    /* Beside the labels and "108.1 (within one boot)". */
    size_t taken = label_columns(text) + 33, least = 8;
    if (text->term.width < taken + CHART_COLUMNS)
        scale.columns = text->term.width < taken + least ? least : text->term.width - taken;
    if (judgement->base == SIZE_MAX || !(scale.to > scale.from))
        return;
    tr_strbuf_addf(text->out, "\n%s, 95%% intervals from %s to %s %s%s\n", facts->what,
                   tr_text_number(scale.from).text, tr_text_number(scale.to).text, facts->unit,
                   facts->lower_is_better ? "; less is better" : "");
    tr_table_init(&table, "llr");
    for (size_t i = 0; i < judgement->n; i++) {
        const struct tr_tune_result *result =
            &judgement->outcomes[i].results[judgement->options.by];
        if (isnan(result->value))
            continue;
        tr_text_cell(text, &table, tune->settings[i].label, label_columns(text));
        add_bar(&table, &scale, result, text->term.unicode);
        tr_table_addf(&table, "%s%s", tr_text_number(result->value).text,
                      result->within_boot ? " (within one boot)" : "");
    }
    tr_table_write(&table, 2, text->out);
    tr_table_finish(&table);
}

/* --- what to know ---------------------------------------------------------------------------- */

static void add_line(struct tr_text *text, const char *label, const char *what, const char *why) {
    struct tr_strbuf line = {0};
    tr_strbuf_add(&line, "  ");
    tr_text_add(text, &line, label);
    tr_strbuf_addf(&line, ": %s", what);
    tr_text_add(text, &line, why);
    text->out->failed |= line.failed;
    if (!line.failed)
        tr_text_wrap(text, line.text, 4);
    tr_strbuf_finish(&line);
}

static void add_value_text(struct tr_strbuf *out, const json_t *value) {
    if (json_is_string(value))
        tr_strbuf_add(out, json_string_value(value));
    else if (json_is_number(value))
        tr_strbuf_addf(out, "%.10g", json_number_value(value));
    else
        tr_strbuf_add(out, json_is_true(value) ? "yes" : "no");
}

static void add_changed(struct tr_text *text, const struct tr_tune *tune, size_t base,
                        size_t setting) {
    json_t *changed = tr_tune_changed_facts(tune, base, setting);
    struct tr_strbuf list = {0};
    size_t i;
    const json_t *item;
    json_array_foreach(changed, i, item) {
        tr_strbuf_addf(&list, "%s%s ", i ? ", " : "",
                       json_string_value(json_object_get(item, "what")));
        add_value_text(&list, json_object_get(item, "before"));
        tr_strbuf_add(&list, " -> ");
        add_value_text(&list, json_object_get(item, "after"));
    }
    if (list.length && !list.failed)
        add_line(text, tune->settings[setting].label, "", list.text);
    text->out->failed |= list.failed || !changed;
    tr_strbuf_finish(&list);
    json_decref(changed);
}

/* The machine answers another clock than the label says: trained down, or not set. */
static void add_contradiction(struct tr_text *text, const struct tr_tune *tune,
                              const struct tr_tune_outcome *outcome, size_t setting) {
    struct tr_tune_clocks said = tr_tune_clocks_of_text(tune->settings[setting].label);
    const struct tr_tune_clocks *is = &outcome->clocks;
    char *why = NULL;
    if (!isnan(said.mts) && fabs(said.mts - is->mts) > 0.02 * said.mts)
        why = tr_format("its label says %.0f MT/s, the machine %.0f", said.mts, is->mts);
    else if (!isnan(said.fclk_mhz) && fabs(said.fclk_mhz - is->fclk_mhz) > 0.02 * said.fclk_mhz)
        why = tr_format("its label says FCLK %.0f, the machine %.0f MHz", said.fclk_mhz,
                        is->fclk_mhz);
    if (why)
        add_line(text, tune->settings[setting].label, "", why);
    free(why);
}

static void add_reasons(struct tr_text *text, const struct tr_tune *tune,
                        const struct tr_tune_judgement *judgement) {
    for (size_t i = 0; i < judgement->n; i++) {
        const struct tr_tune_outcome *outcome = &judgement->outcomes[i];
        const struct tr_tune_setting *setting = &tune->settings[i];
        if (outcome->why && i != judgement->base)
            add_line(text, setting->label, "", outcome->why);
        if (outcome->retries)
            add_line(text, setting->label, "suspected retries: ", outcome->retries);
        if (outcome->n_samples && setting->state != TR_TUNE_MEASURING)
            add_line(text, setting->label, "",
                     "ended within a round: its samples until then are kept");
        add_contradiction(text, tune, outcome, i);
        if (judgement->base != SIZE_MAX && i != judgement->base)
            add_changed(text, tune, judgement->base, i);
    }
}

static void add_spread(struct tr_text *text, const struct tr_tune_judgement *judgement) {
    const struct tr_tune_spread *spread = &judgement->spread;
    struct tr_strbuf line = {0};
    tr_strbuf_add(&line, "spread: ");
    if (isnan(spread->within))
        tr_strbuf_add(&line, "within boots unknown");
    else
        tr_strbuf_addf(&line, "within boots %.2f%%", 100 * spread->within);
    if (!isnan(judgement->options.boots_sd))
        tr_strbuf_addf(&line, ", between boots %.2f%% (given)", 100 * judgement->options.boots_sd);
    else if (isnan(spread->between))
        tr_strbuf_add(&line, ", between boots unknown: it takes two boots of a setting");
    else
        tr_strbuf_addf(&line, ", between boots %.2f%% (%zu degree%s of freedom)",
                       100 * spread->between, spread->n_between, spread->n_between == 1 ? "" : "s");
    text->out->failed |= line.failed;
    if (!line.failed)
        tr_text_wrap(text, line.text, 2);
    tr_strbuf_finish(&line);
}

void tr_tune_best_text(const struct tr_tune *tune, const struct tr_tune_judgement *judgement,
                       const struct tr_term *term, struct tr_strbuf *out) {
    struct tr_text text = {.term = *term, .out = out};
    struct tr_strbuf line = {0};
    enum tr_tune_figure by = judgement->options.by;
    tr_strbuf_add(&line, "best that passed its soak: ");
    if (judgement->best == SIZE_MAX) {
        tr_strbuf_add(&line, "none; ");
    } else {
        tr_text_add(&text, &line, tune->settings[judgement->best].label);
        tr_strbuf_addf(&line, ", %s %s %s; ", tr_tune_figure_facts(by)->what,
                       tr_text_number(judgement->outcomes[judgement->best].results[by].value).text,
                       tr_tune_figure_facts(by)->unit);
    }
    tr_text_add(&text, &line, judgement->best_why);
    out->failed |= line.failed;
    if (!line.failed)
        tr_text_wrap(&text, line.text, 2);
    tr_strbuf_finish(&line);
}

void tr_tune_text(const struct tr_tune *tune, const struct tr_tune_judgement *judgement,
                  const struct tr_term *term, struct tr_strbuf *out) {
    struct tr_text text = {.term = *term, .out = out};
    struct tr_strbuf head = {0};
    tr_strbuf_add(&head, "tuning since ");
    tr_text_add(&text, &head, tune->created ? tune->created : "an unknown time");
    if (judgement->base != SIZE_MAX) {
        tr_strbuf_add(&head, ", against ");
        tr_text_add(&text, &head, tune->settings[judgement->base].label);
    }
    if (tune->model) {
        tr_strbuf_add(&head, "; PP and TG of ");
        tr_text_add(&text, &head, tune->model);
    }
    out->failed |= head.failed;
    if (!head.failed)
        tr_text_head(&text, head.text);
    tr_strbuf_finish(&head);
    add_verdicts(&text, tune, judgement);
    tr_strbuf_add(out, "\n");
    add_figures(&text, tune, judgement);
    add_chart(&text, tune, judgement);
    tr_strbuf_add(out, "\n");
    add_reasons(&text, tune, judgement);
    add_spread(&text, judgement);
    tr_tune_best_text(tune, judgement, term, out);
}
