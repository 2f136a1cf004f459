/* The figures of the short report: a row a kernel, on all threads with its share of the limit, and
 * on one thread beside it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "figures.h"
#include "text.h"

/* A kernel's two figures; `main` is on all threads where there is such a one. */
struct row {
    const struct tr_figure *main, *one; /* `one` NULL where there is no second */
};

struct summary {
    struct row *rows;
    size_t n;
    int threads; /* of all main figures; -1: they differ */
    bool any_one, any_flag, any_one_flag;
};

/* Columns that there may be no room for. */
struct columns {
    size_t how_width, bar_width; /* 0: none */
    bool one_half_width, one;
};
enum { HOW = 26, BAR_SHORTEST = 10, BAR_LONGEST = 24, BAR_WIDE = 40 };

static bool pairs_with(const struct tr_figure *a, const struct tr_figure *b) {
    return a->metric == b->metric && a->all && !b->all &&
           !strcmp(a->best->kernel, b->best->kernel) &&
           (strcmp(a->best->metric, "compute") != 0 ||
            !strcmp(a->best->dtype ? a->best->dtype : "", b->best->dtype ? b->best->dtype : ""));
}

/* Clocks stand in a line of their own. */
static void collect(const struct tr_figure *figures, size_t n, struct summary *summary) {
    summary->threads = 0;
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(figures[i].best->metric, "clock"))
            continue;
        struct row *row = &summary->rows[summary->n++];
        row->main = &figures[i];
        if (i + 1 < n && pairs_with(&figures[i], &figures[i + 1]))
            row->one = &figures[++i];
        int threads = row->main->best->threads;
        summary->threads = summary->threads && summary->threads != threads ? -1 : threads;
        summary->any_one |= row->one != NULL;
        summary->any_flag |= row->main->best->flags.n > 0;
        summary->any_one_flag |= row->one && row->one->best->flags.n > 0;
    }
}

static void head_cells(struct tr_text *text, struct tr_table *table, const struct summary *summary,
                       const struct columns *columns, int metric, bool first) {
    const char *half_width = !first ? "" : text->term.unicode ? "±95%" : "+-95%";
    tr_table_add(table, tr_figure_head(metric));
    if (summary->threads < 0)
        tr_table_add(table, first ? "threads" : "");
    if (!first || summary->threads < 0)
        tr_table_add(table, first ? "median" : "");
    else
        tr_table_addf(table, "%d thread%s", summary->threads, summary->threads == 1 ? "" : "s");
    tr_table_add(table, half_width);
    if (summary->any_flag)
        tr_table_add(table, "");
    tr_table_add(table, first ? "of its limit" : "");
    tr_table_add(table, "");
    if (columns->how_width)
        tr_table_add(table, first ? "how" : "");
    if (!columns->one)
        return;
    tr_table_add(table, first ? "1 thread" : "");
    if (columns->one_half_width)
        tr_table_add(table, half_width);
    if (summary->any_one_flag)
        tr_table_add(table, "");
}

static void how_cell(struct tr_text *text, struct tr_table *table, const struct tr_measurement *at,
                     size_t width) {
    struct tr_strbuf how = {0};
    tr_strbuf_addf(&how, "%s%s%s%s", at->isa ? at->isa : "",
                   at->stores && !strcmp(at->stores, "nt") ? " nt" : "",
                   at->variant && *at->variant ? " " : "", at->variant ? at->variant : "");
    tr_text_cell(text, table, how.failed ? "" : how.text, width);
    tr_strbuf_finish(&how);
}

static void share_cells(struct tr_text *text, struct tr_table *table, const struct tr_figure *row,
                        size_t width) {
    const struct tr_measurement *at = row->best;
    const struct tr_limit *limit = tr_text_limit_of(text->calibration, at);
    if (!limit || limit->host_only || !isfinite(at->efficiency)) {
        tr_table_add(table, limit && limit->host_only ? "not rated"
                            : !row->all               ? ""
                            : width < 13              ? "unknown"
                                                      : "limit unknown");
        tr_table_add(table, "");
        return;
    }
    struct tr_strbuf bar = {0};
    tr_text_share(text, &bar, at->efficiency, width);
    tr_table_add(table, bar.failed ? "" : bar.text);
    tr_strbuf_finish(&bar);
    double percent = at->efficiency * 100;
    tr_table_addf(table, percent < 1e4 ? "%.0f %%" : "%.2g %%", percent);
}

static void figure_cells(struct tr_table *table, const struct tr_measurement *at, bool half_width,
                         bool flags) {
    double half = at ? tr_text_half_width(at) : NAN;
    tr_table_add(table, at ? tr_text_measured(at->median, at->median, half).text : "");
    if (half_width)
        tr_table_add(table, at ? tr_text_measured(half, at->median, half).text : "");
    if (flags)
        tr_table_add(table, at ? tr_text_flags(at).text : "");
}

static void row_cells(struct tr_text *text, struct tr_table *table, const struct summary *summary,
                      const struct row *row, const struct columns *columns) {
    const struct tr_measurement *at = row->main->best;
    struct tr_strbuf name = {0};
    bool compute = !strcmp(at->metric, "compute") && at->dtype;
    tr_strbuf_addf(&name, "  %s%s%s", at->kernel, compute ? " " : "", compute ? at->dtype : "");
    tr_text_cell(text, table, name.failed ? "" : name.text, 16);
    tr_strbuf_finish(&name);
    if (summary->threads < 0)
        tr_table_addf(table, "%d", at->threads);
    figure_cells(table, at, true, summary->any_flag);
    share_cells(text, table, row->main, columns->bar_width);
    if (columns->how_width)
        how_cell(text, table, at, columns->how_width);
    if (columns->one)
        figure_cells(table, row->one ? row->one->best : NULL, columns->one_half_width,
                     summary->any_one_flag);
}

static void write_table(struct tr_text *text, const struct summary *summary,
                        const struct columns *columns, struct tr_strbuf *out) {
    struct tr_table table;
    char alignment[TR_TABLE_MAX_COLUMNS] = "";
    struct tr_strbuf letters = {0};
    tr_strbuf_addf(&letters, "l%srr%slr%s", summary->threads < 0 ? "r" : "",
                   summary->any_flag ? "l" : "", columns->how_width ? "l" : "");
    if (columns->one)
        tr_strbuf_addf(&letters, "r%s%s", columns->one_half_width ? "r" : "",
                       summary->any_one_flag ? "l" : "");
    if (!letters.failed)
        memcpy(alignment, letters.text, letters.length + 1);
    tr_strbuf_finish(&letters);
    tr_table_init(&table, alignment);
    for (size_t i = 0; i < summary->n; i++) {
        const struct row *row = &summary->rows[i];
        if (i == 0 || row->main->metric != row[-1].main->metric)
            head_cells(text, &table, summary, columns, row->main->metric, i == 0);
        row_cells(text, &table, summary, row, columns);
    }
    tr_table_write(&table, 0, out);
    out->failed |= table.failed;
    tr_table_finish(&table);
}

static size_t table_width(struct tr_text *text, const struct summary *summary,
                          const struct columns *columns) {
    struct tr_strbuf trial = {0};
    write_table(text, summary, columns, &trial);
    size_t width = tr_text_columns(trial.text);
    tr_strbuf_finish(&trial);
    return width;
}

/* Drops the columns that say least until the rest fits; the bar takes what is left over. */
static struct columns choose_columns(struct tr_text *text, const struct summary *summary) {
    struct columns columns = {HOW, BAR_SHORTEST, summary->any_one, summary->any_one};
    size_t room = text->term.width;
    if (table_width(text, summary, &columns) > room)
        columns.one_half_width = false;
    if (table_width(text, summary, &columns) > room)
        columns.how_width = 16;
    if (table_width(text, summary, &columns) > room)
        columns.how_width = 0;
    if (table_width(text, summary, &columns) > room)
        columns.one = false;
    size_t most = room >= 120 ? BAR_WIDE : BAR_LONGEST;
    while (columns.bar_width < most && table_width(text, summary, &columns) < room)
        columns.bar_width++;
    while (columns.bar_width > 4 && table_width(text, summary, &columns) > room)
        columns.bar_width--;
    return columns;
}

/* "clock GHz  3.22 on 1 thread, 2.00 UD on 2 threads" */
static void clock_line(struct tr_text *text, const struct tr_figure *figures, size_t n) {
    struct tr_strbuf line = {0};
    for (size_t i = 0; i < n; i++) {
        const struct tr_measurement *at = figures[i].best;
        if (strcmp(at->metric, "clock") != 0)
            continue;
        struct tr_number flags = tr_text_flags(at);
        tr_strbuf_addf(&line, "%s%s%s%s on %d thread%s", line.length ? ", " : "clock GHz  ",
                       tr_text_measured(at->median, at->median, tr_text_half_width(at)).text,
                       *flags.text ? " " : "", flags.text, at->threads,
                       at->threads == 1 ? "" : "s");
    }
    if (line.length && !line.failed)
        tr_text_wrap(text, line.text, 2);
    text->out->failed |= line.failed;
    tr_strbuf_finish(&line);
}

void tr_text_summary(struct tr_text *text) {
    const struct tr_calibration *calibration = text->calibration;
    size_t n = 0, left_out = 0;
    struct tr_figure *figures = tr_figures_choose(calibration, &n, &left_out);
    struct summary summary = {.rows = figures ? calloc(n + 1, sizeof(struct row)) : NULL};
    if (summary.rows) {
        collect(figures, n, &summary);
        if (summary.n) {
            struct columns columns = choose_columns(text, &summary);
            write_table(text, &summary, &columns, text->out);
        }
        clock_line(text, figures, n);
        tr_text_figure_legend(text, figures, n);
        if (!calibration->n_measurements && !calibration->n_curves && !calibration->n_matrices)
            tr_text_wrap(text, "No figures were measured.", 2);
    }
    text->out->failed |= !summary.rows;
    free(summary.rows);
    free(figures);
}
