#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "figures.h"
#include "text.h"

static const struct {
    const char *flag;
    const char *letter;
    const char *meaning;
} flag_letters[] = {
    {"unsteady", "U", "unsteady: repeats differ too much"},
    {"throttled", "T", "throttled: the clock or the quota fell"},
    {"migrated", "M", "migrated: a thread left its CPU"},
    {"not_pinned", "P", "not pinned to its CPU"},
    {"small_working_set", "S", "working set too small for memory: caches take part"},
    {"above_ceiling", "A", "above a hard limit: refused"},
    {"misplaced", "X", "pages on another node"},
    {"disturbed", "D", "disturbed by other programs or the hypervisor"},
    {"bimodal", "B", "bimodal: two speeds"},
};
enum { N_FLAGS = sizeof(flag_letters) / sizeof(flag_letters[0]) };

struct tr_number tr_text_flags(const struct tr_measurement *at) {
    struct tr_number letters = {""};
    size_t used = 0;
    for (size_t i = 0; i < N_FLAGS; i++)
        if (tr_strings_has(&at->flags, flag_letters[i].flag))
            letters.text[used++] = flag_letters[i].letter[0];
    for (size_t i = 0; i < at->flags.n; i++) {
        bool known = false;
        for (size_t j = 0; j < N_FLAGS; j++)
            known = known || !strcmp(at->flags.items[i], flag_letters[j].flag);
        if (!known) {
            letters.text[used] = '?';
            break;
        }
    }
    return letters;
}

const struct tr_limit *tr_text_limit_of(const struct tr_calibration *calibration,
                                        const struct tr_measurement *at) {
    return at->limit ? tr_limit_find(calibration->limits, calibration->n_limits, at->limit,
                                     at->place.kind, at->place.index)
                     : NULL;
}

/* Columns that there may be no room for. */
struct columns {
    size_t how_width; /* 0: no such column; above HOW_SHORT: with the variant */
    bool best, bus, n;
    size_t bar_width;
};
enum { HOW_SHORT = 12, HOW_LONG = 44, BAR_SHORTEST = 10 };

/* From 0.8 on a memory or compute figure is as it should be; below 0.6 something is wrong; above
 * the limit the limit is. */
static enum tr_tone verdict(double efficiency) {
    if (efficiency > 1.0)
        return TR_TONE_DOUBTFUL;
    return efficiency >= 0.8 ? TR_TONE_GOOD : efficiency >= 0.6 ? TR_TONE_DOUBTFUL : TR_TONE_BAD;
}

void tr_text_share(struct tr_text *text, struct tr_strbuf *out, double efficiency, size_t width) {
    double part = efficiency < 0 ? 0 : efficiency > 1 ? 1 : efficiency;
    size_t full = (size_t)lround(part * (double)width);
    tr_strbuf_add(out, tr_text_tone(text, verdict(efficiency)));
    tr_strbuf_repeat(out, text->term.unicode ? "█" : "#", full);
    tr_strbuf_repeat(out, text->term.unicode ? "░" : ".", width - full);
    tr_strbuf_add(out, tr_text_plain(text));
}

static void bar_cells(struct tr_text *text, struct tr_table *table, const struct tr_figure *row,
                      const struct columns *columns) {
    const struct tr_measurement *at = row->best;
    const struct tr_limit *limit = tr_text_limit_of(text->calibration, at);
    if (!limit || limit->host_only || !isfinite(at->efficiency)) {
        /* One thread alone, and a clock, have no limit of their own to miss. */
        bool expected = row->all && strcmp(at->metric, "clock");
        tr_table_add(table, limit && limit->host_only ? "not rated"
                            : !expected               ? ""
                            : columns->how_width      ? "limit unknown"
                                                      : "unknown");
        tr_table_add(table, "");
        return;
    }
    struct tr_strbuf bar = {0};
    tr_text_share(text, &bar, at->efficiency, columns->bar_width);
    tr_table_add(table, bar.failed ? "" : bar.text);
    tr_strbuf_finish(&bar);
    double percent = at->efficiency * 100;
    tr_table_addf(table, percent < 1e4 ? "%.0f %%" : "%.2g %%", percent);
}

static void how_cell(struct tr_text *text, struct tr_table *table, const struct tr_measurement *at,
                     size_t width) {
    struct tr_strbuf how = {0};
    tr_strbuf_add(&how, at->isa ? at->isa : "");
    if (at->stores && !strcmp(at->stores, "nt"))
        tr_strbuf_add(&how, " nt");
    if (width > HOW_SHORT && at->variant && *at->variant)
        tr_strbuf_addf(&how, " %s", at->variant);
    tr_text_cell(text, table, how.failed ? "" : how.text, width);
    tr_strbuf_finish(&how);
}

static void head_cells(struct tr_table *table, const char *head, bool first,
                       const struct columns *columns, bool unicode) {
    tr_table_add(table, head);
    tr_table_add(table, !first ? "" : columns->how_width ? "threads" : "thr");
    if (columns->how_width)
        tr_table_add(table, first ? "how" : "");
    tr_table_add(table, !first ? "" : columns->how_width ? "of its limit" : "limit");
    tr_table_add(table, "");
    tr_table_add(table, first ? "median" : "");
    tr_table_add(table, first ? (unicode ? "±95%" : "+-95%") : "");
    if (columns->best)
        tr_table_add(table, first ? "best" : "");
    if (columns->bus)
        tr_table_add(table, first ? "bus" : "");
    if (columns->n)
        tr_table_add(table, first ? "n" : "");
    tr_table_add(table, first ? "flags" : "");
}

static void row_cells(struct tr_text *text, struct tr_table *table, const struct tr_figure *row,
                      const struct columns *columns) {
    const struct tr_measurement *at = row->best;
    struct tr_strbuf name = {0};
    tr_strbuf_addf(&name, "  %s", at->kernel);
    if (!strcmp(at->metric, "compute") && at->dtype)
        tr_strbuf_addf(&name, " %s", at->dtype);
    tr_text_cell(text, table, name.failed ? "" : name.text, 16);
    tr_strbuf_finish(&name);
    if (at->threads >= 0)
        tr_table_addf(table, "%d", at->threads);
    else
        tr_table_add(table, "-");
    if (columns->how_width)
        how_cell(text, table, at, columns->how_width);
    bar_cells(text, table, row, columns);
    double half = tr_text_half_width(at);
    tr_table_add(table, tr_text_measured(at->median, at->median, half).text);
    tr_table_add(table, tr_text_measured(half, at->median, half).text);
    if (columns->best)
        tr_table_add(table, tr_text_measured(at->best, at->median, half).text);
    if (columns->bus)
        tr_table_add(table, strcmp(at->metric, "bandwidth")
                                ? ""
                                : tr_text_measured(at->median * at->bus_per_nominal,
                                                   at->median * at->bus_per_nominal,
                                                   half * at->bus_per_nominal)
                                      .text);
    if (columns->n && at->n_samples)
        tr_table_addf(table, "%zu", at->n_samples);
    else if (columns->n)
        tr_table_add(table, "-");
    tr_table_add(table, tr_text_flags(at).text);
}

static void write_table(struct tr_text *text, const struct tr_figure *rows, size_t n,
                        const struct columns *columns, struct tr_strbuf *out) {
    struct tr_table table;
    char alignment[16] = "lr";
    size_t at = 2;
    if (columns->how_width)
        alignment[at++] = 'l';
    alignment[at++] = 'l';
    memset(alignment + at, 'r', 3u + columns->best + columns->bus + columns->n);
    at += 3u + columns->best + columns->bus + columns->n;
    alignment[at] = 'l';
    tr_table_init(&table, alignment);
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || rows[i].metric != rows[i - 1].metric)
            head_cells(&table, tr_figure_head(rows[i].metric), i == 0, columns, text->term.unicode);
        row_cells(text, &table, &rows[i], columns);
    }
    tr_table_write(&table, 0, out);
    tr_table_finish(&table);
}

void tr_text_flag_legend(struct tr_text *text, const struct tr_measurement *const *figures,
                         size_t n) {
    struct tr_strbuf line = {0};
    for (size_t i = 0; i < N_FLAGS; i++) {
        bool used = false, told = strchr(text->explained, flag_letters[i].letter[0]);
        for (size_t j = 0; j < n && !told; j++)
            used = used || tr_strings_has(&figures[j]->flags, flag_letters[i].flag);
        if (used)
            text->explained[strlen(text->explained)] = flag_letters[i].letter[0];
        if (used && text->full)
            tr_text_wrapf(text, 4, "  %s %s", flag_letters[i].letter, flag_letters[i].meaning);
        else if (used)
            tr_strbuf_addf(&line, "%s%s %.*s", line.length ? ", " : "  ", flag_letters[i].letter,
                           (int)strcspn(flag_letters[i].meaning, ":"), flag_letters[i].meaning);
    }
    if (line.length && !line.failed)
        tr_text_wrap(text, line.text, 2);
    text->out->failed |= line.failed;
    tr_strbuf_finish(&line);
}

static size_t table_width(struct tr_text *text, const struct tr_figure *rows, size_t n,
                          const struct columns *columns) {
    struct tr_strbuf trial = {0};
    write_table(text, rows, n, columns, &trial);
    size_t width = tr_text_columns(trial.text);
    tr_strbuf_finish(&trial);
    return width;
}

/* Drops the columns that say least until the rest fits; the bar takes what is left over. */
static struct columns choose_columns(struct tr_text *text, const struct tr_figure *rows, size_t n) {
    struct columns columns = {HOW_LONG, true, true, true, BAR_SHORTEST};
    size_t room = text->term.width;
    for (int drop = 0; table_width(text, rows, n, &columns) > room && drop < 5; drop++) {
        if (drop == 0)
            columns.how_width = HOW_SHORT;
        else if (drop == 1)
            columns.bus = false;
        else if (drop == 2)
            columns.best = false;
        else if (drop == 3)
            columns.n = false;
        else
            columns.how_width = 0;
    }
    size_t most = room >= 120 ? 40 : 24;
    while (columns.bar_width < most && table_width(text, rows, n, &columns) < room)
        columns.bar_width++;
    /* The headline above the bar may have been wider than the bar. */
    while (columns.bar_width > 4 && table_width(text, rows, n, &columns) > room)
        columns.bar_width--;
    return columns;
}

static void add_passed_over(struct tr_text *text, const struct tr_figure *row) {
    struct tr_strbuf line = {0};
    char *why = tr_figure_passed_over_text(row);
    if (why) {
        tr_strbuf_addf(&line, "%s!%s ", tr_text_tone(text, TR_TONE_DOUBTFUL), tr_text_plain(text));
        tr_text_add(text, &line, why);
    }
    if (why && !line.failed)
        tr_text_wrap(text, line.text, 2);
    text->out->failed |= line.failed || !why;
    tr_strbuf_finish(&line);
    free(why);
}

/* That a narrower instruction set stands for a wider one is never silent. In the short report two
 * lines do; arithmetic first, where it matters most. */
static void tell_passed_over(struct tr_text *text, const struct tr_figure *rows, size_t n) {
    enum { MOST_SHORT = 2 };
    size_t told = 0, more = 0;
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < n; i++) {
            bool compute = !strcmp(rows[i].best->metric, "compute");
            if (!rows[i].passed_over || compute != (round == 0))
                continue;
            if (text->full || told < MOST_SHORT) {
                add_passed_over(text, &rows[i]);
                told++;
            } else {
                more++;
            }
        }
    if (more)
        tr_text_wrapf(text, 2, "! %zu more %s of a narrower instruction set: -v tells why", more,
                      more == 1 ? "figure is" : "figures are");
}

void tr_text_figure_legend(struct tr_text *text, const struct tr_figure *rows, size_t n) {
    const struct tr_measurement **figures = calloc(n + 1, sizeof(*figures));
    for (size_t i = 0; figures && i < n; i++)
        figures[i] = rows[i].best;
    if (figures)
        tr_text_flag_legend(text, figures, n);
    else
        text->out->failed = true;
    free(figures);
    tell_passed_over(text, rows, n);
}

/* Here, at its place, among the products or among the latencies. */
static bool is_told(const struct tr_measurement *at) {
    static const char *const metrics[] = {"bandwidth", "compute", "clock", "rate"};
    bool known = tr_text_is_time(at);
    for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++)
        known = known || !strcmp(at->metric, metrics[i]);
    return known && isfinite(at->median);
}

void tr_text_figures(struct tr_text *text) {
    size_t n = 0, left_out = 0;
    struct tr_figure *rows = tr_figures_choose(text->calibration, &n, &left_out);
    if (!rows) {
        text->out->failed = true;
        return;
    }
    const struct tr_calibration *calibration = text->calibration;
    left_out = 0;
    for (size_t i = 0; i < calibration->n_measurements; i++)
        left_out += !is_told(&calibration->measurements[i]);
    bool nothing =
        !calibration->n_measurements && !calibration->n_curves && !calibration->n_matrices;
    if (n || left_out || nothing)
        tr_strbuf_add(text->out, "\n");
    if (nothing) {
        tr_text_wrap(text, "No figures were measured.", 2);
    } else if (n) {
        struct columns columns = choose_columns(text, rows, n);
        write_table(text, rows, n, &columns, text->out);
        tr_text_wrap(
            text,
            "  Bandwidth counts the bytes the program asked for; percent and bus count what "
            "the memory moved.",
            2);
        tr_text_figure_legend(text, rows, n);
    }
    if (left_out)
        tr_text_wrapf(text, 2, "  %zu more %s in the formats json and csv.", left_out,
                      left_out == 1 ? "figure is" : "figures are");
    free(rows);
}
