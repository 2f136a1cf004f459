/* Curves of the text report: each a line of blocks with what was found on it, or a chart with its
 * points where there are few. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "text.h"

enum {
    MOST_CURVES_WITH_POINTS = 4,
    MOST_POINTS = 20,
    MOST_LINES = 6,
    PLOT_ROWS = 8,
    FEWEST_PLOTTED = 4,
    BAR_WIDTH = 24,
    MOST_SHORT_ROWS = 4
};

static const char *text_of(const char *text) {
    return text ? text : "";
}

char *tr_text_x(const struct tr_curve *curve, double x, bool unit) {
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    if (curve->x_unit && !strcmp(curve->x_unit, "bytes") && x >= 0) {
        size_t i = 0;
        for (; x >= 1024 && i < 4; i++)
            x /= 1024;
        return tr_format(x >= 1000 ? "%.4g %s" : "%.3g %s", x, units[i]);
    }
    /* A knee between two counts of threads is known to no more than three digits. */
    int digits = x == floor(x) ? 4 : 3;
    if (unit && curve->x && !strcmp(curve->x, "threads"))
        return tr_format("%.*g thread%s", digits, x, x == 1 ? "" : "s");
    if (!unit || !curve->x_unit || !strcmp(curve->x_unit, "1"))
        return tr_format("%.*g", digits, x);
    char *printable = tr_printable(curve->x_unit);
    char *made = tr_format("%.*g %s", digits, x, printable ? printable : "?");
    free(printable);
    return made;
}

/* A character a point; of many points, every second or third. */
static void add_blocks(struct tr_text *text, const struct tr_curve *curve, size_t room,
                       struct tr_strbuf *line) {
    static const char *const blocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char *const digits[] = {"1", "2", "3", "4", "5", "6", "7", "8"};
    size_t step = (curve->n_points + room - 1) / room;
    for (size_t i = 0; i < curve->n_points; i += step ? step : 1) {
        int at = (int)(tr_text_height(curve, curve->points[i].median) * 7.999);
        tr_strbuf_add(line, text->term.unicode ? blocks[at] : digits[at]);
    }
}

void tr_text_marks(struct tr_text *text, const struct tr_curve *curve, bool places,
                   struct tr_strbuf *line) {
    for (size_t i = 0; i < curve->n_marks; i++) {
        const struct tr_mark *mark = &curve->marks[i];
        char *from = tr_text_x(curve, mark->from, true), *to = tr_text_x(curve, mark->to, true);
        tr_strbuf_add(line, !i ? "" : text->term.unicode ? " · " : ", ");
        tr_text_add(text, line, mark->name);
        tr_strbuf_addf(line, " %s", tr_text_measured(mark->value, mark->value, NAN).text);
        if (mark->from >= mark->to)
            tr_strbuf_addf(line, " at %s", text_of(from));
        else if (places)
            tr_strbuf_addf(line, " (%s to %s)", text_of(from), text_of(to));
        free(from);
        free(to);
    }
}

static void add_marks(struct tr_text *text, const struct tr_curve *curve) {
    struct tr_strbuf line = {0};
    tr_strbuf_add(&line, "    ");
    tr_text_marks(text, curve, true, &line);
    if (curve->n_marks && !line.failed)
        tr_text_wrap(text, line.text, 4);
    text->out->failed |= line.failed;
    tr_strbuf_finish(&line);
}

/* The same curve in larger pages, at the same x: what is above it, translations cost. */
static const struct tr_curve *in_larger_pages(const struct tr_calibration *calibration,
                                              const struct tr_curve *curve) {
    for (size_t i = 0; i < calibration->n_curves; i++) {
        const struct tr_curve *other = &calibration->curves[i];
        if (!strcmp(curve->name, "latency") && !strcmp(other->name, "latency") &&
            other->page_bytes > curve->page_bytes && curve->page_bytes > 0 &&
            other->place.kind == curve->place.kind && other->place.index == curve->place.index)
            return other;
    }
    return NULL;
}

/* Empty where the two cannot be told apart. */
static struct tr_number translation_text(const struct tr_curve *larger,
                                         const struct tr_point *point) {
    const struct tr_number nothing = {""};
    for (size_t i = 0; i < larger->n_points; i++) {
        const struct tr_point *other = &larger->points[i];
        double cost = point->median - other->median;
        double doubt = (point->ci95[1] - point->ci95[0] + other->ci95[1] - other->ci95[0]) / 2;
        if (other->x == point->x)
            return cost > doubt ? tr_text_number(cost) : nothing;
    }
    return nothing;
}

static void add_bar(const struct tr_text *text, struct tr_table *table, double part) {
    struct tr_strbuf bar = {0};
    tr_strbuf_add(&bar, "");
    tr_strbuf_repeat(&bar, text->term.unicode ? "█" : "#", (size_t)(part * BAR_WIDTH + 0.5));
    tr_table_add(table, bar.failed ? "" : bar.text);
    tr_strbuf_finish(&bar);
}

static void add_points(struct tr_text *text, const struct tr_curve *curve) {
    const struct tr_curve *larger = in_larger_pages(text->calibration, curve);
    struct tr_table table;
    size_t step = (curve->n_points + MOST_POINTS - 1) / MOST_POINTS;
    tr_table_init(&table, larger ? "rrrrrl" : "rrrrl");
    tr_text_cell(
        text, &table,
        curve->x_unit && !strcmp(curve->x_unit, "bytes") ? "bytes" : tr_plain_name(curve->x), 24);
    tr_text_cell(text, &table, curve->unit, 12);
    tr_table_add(&table, "+-");
    tr_table_add(&table, "GHz");
    if (larger)
        tr_table_add(&table, "translation");
    tr_table_add(&table, tr_text_by_logarithm(curve) ? "(logarithms)" : "");
    for (size_t i = 0; i < curve->n_points; i++) {
        const struct tr_point *point = &curve->points[i];
        if (i % step && i + 1 < curve->n_points)
            continue;
        char *x = tr_text_x(curve, point->x, false);
        tr_table_add(&table, text_of(x));
        double half = (point->ci95[1] - point->ci95[0]) / 2;
        tr_table_add(&table, tr_text_measured(point->median, point->median, half).text);
        tr_table_add(&table, tr_text_measured(half, point->median, half).text);
        tr_table_add(&table, tr_text_number(point->core_ghz).text);
        if (larger)
            tr_table_add(&table, translation_text(larger, point).text);
        add_bar(text, &table, tr_text_height(curve, point->median));
        free(x);
    }
    tr_table_write(&table, 4, text->out);
    text->out->failed |= table.failed;
    tr_table_finish(&table);
}

/* "latency of chase, core 0, pages of 4 KiB: ns" */
static void add_title(struct tr_text *text, const struct tr_curve *curve) {
    struct tr_strbuf line = {0};
    tr_strbuf_add(&line, "  ");
    tr_text_add(text, &line, tr_plain_name(curve->name));
    if (curve->kernel && strcmp(curve->kernel, curve->name) != 0)
        tr_text_add(text, &line, " of ");
    if (curve->kernel && strcmp(curve->kernel, curve->name) != 0)
        tr_text_add(text, &line, curve->kernel);
    if (curve->variant)
        tr_text_add(text, &line, ", ");
    tr_text_add(text, &line, text_of(curve->variant));
    if (curve->place.kind != TR_PLACE_MACHINE)
        tr_strbuf_addf(&line, ", %s %d", tr_plain_kind(curve->place.kind), curve->place.index);
    if (curve->threads > 1)
        tr_strbuf_addf(&line, ", %d threads", curve->threads);
    if (curve->page_bytes > 0) {
        char *bytes = tr_text_bytes(curve->page_bytes);
        tr_strbuf_addf(&line, ", pages of %s", text_of(bytes));
        free(bytes);
    }
    tr_text_add(text, &line, ": ");
    tr_text_add(text, &line, text_of(curve->unit));
    tr_text_add(text, &line, " against ");
    tr_text_add(text, &line, tr_plain_name(curve->x));
    if (!line.failed)
        tr_text_wrap(text, line.text, 4);
    text->out->failed |= line.failed;
    tr_strbuf_finish(&line);
}

static void add_curve(struct tr_text *text, const struct tr_curve *curve, bool points) {
    add_title(text, curve);
    if (curve->n_points >= FEWEST_PLOTTED)
        tr_text_plot(text, curve, PLOT_ROWS);
    add_marks(text, curve);
    if (points || curve->n_points < FEWEST_PLOTTED)
        add_points(text, curve);
}

/* The curve that stands for all of its name: the longest one, in the largest pages. */
static bool stands_for(const struct tr_calibration *calibration, size_t at) {
    const struct tr_curve *curve = &calibration->curves[at];
    for (size_t i = 0; i < calibration->n_curves; i++) {
        const struct tr_curve *other = &calibration->curves[i];
        if (i == at || strcmp(other->name, curve->name) != 0)
            continue;
        if (other->n_points != curve->n_points       ? other->n_points > curve->n_points
            : other->page_bytes != curve->page_bytes ? other->page_bytes > curve->page_bytes
                                                     : i < at)
            return false;
    }
    return curve->n_points >= FEWEST_PLOTTED;
}

/* "latency ns      ▁▁▂▂▅▅██  L1 1.10 · L2 3.80 · L3 14.0 · memory 105" */
static bool add_short(struct tr_text *text, const struct tr_curve *curve) {
    struct tr_strbuf line = {0}, head = {0}, marks = {0};
    size_t room = text->term.width >= 100 ? 32 : 20;
    char *from = tr_text_x(curve, curve->points[0].x, false);
    char *to = tr_text_x(curve, curve->points[curve->n_points - 1].x, true);
    tr_text_add(text, &head, tr_plain_name(curve->name));
    tr_text_add(text, &head, " ");
    tr_text_add(text, &head, text_of(curve->unit));
    tr_strbuf_add(&line, head.failed ? "" : head.text);
    size_t used = tr_display_width(head.failed ? "" : head.text);
    tr_strbuf_repeat(&line, " ", used < 20 ? 20 - used : 1);
    add_blocks(text, curve, room, &line);
    tr_strbuf_add(&line, "  ");
    tr_text_marks(text, curve, false, &marks);
    if (curve->n_marks)
        tr_strbuf_add(&line, marks.failed ? "" : marks.text);
    else
        tr_strbuf_addf(&line, "%s to %s", text_of(from), text_of(to));
    if (!line.failed)
        tr_text_wrap(text, line.text, 4);
    text->out->failed |= line.failed || head.failed || marks.failed;
    tr_strbuf_finish(&line);
    tr_strbuf_finish(&head);
    tr_strbuf_finish(&marks);
    free(from);
    free(to);
    return true;
}

void tr_text_curves(struct tr_text *text) {
    const struct tr_calibration *calibration = text->calibration;
    size_t lines = 0;
    if (!calibration->n_curves && !calibration->n_matrices)
        return;
    if (text->full) {
        tr_strbuf_add(text->out, "\n");
        tr_text_head(text, "curves and matrices");
    }
    for (size_t i = 0; i < calibration->n_curves; i++) {
        if (text->full)
            add_curve(text, &calibration->curves[i],
                      calibration->n_curves <= MOST_CURVES_WITH_POINTS);
        else if (lines < MOST_LINES && stands_for(calibration, i))
            lines += add_short(text, &calibration->curves[i]);
    }
    for (size_t i = 0; i < calibration->n_matrices; i++)
        if (text->full || calibration->matrices[i].n_rows <= MOST_SHORT_ROWS)
            tr_text_matrix(text, &calibration->matrices[i]);
}
