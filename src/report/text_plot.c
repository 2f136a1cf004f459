/* A curve as an area of blocks with its axes: as many columns as there is room for, each as high
 * as the curve at that place of the x axis. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

enum { MOST_COLUMNS = 72, AXIS_WIDTH = 10, EIGHTHS = 8, TICK_COLUMNS = 14 };
/* A curve that spans more than this is drawn by logarithms. */
static const double log_span = 20;

/* ---- scales ---- */

struct scale {
    double low, high;
    bool log;
};

static struct scale scale_of(const struct tr_curve *curve, bool of_x) {
    struct scale scale = {INFINITY, -INFINITY, false};
    for (size_t i = 0; i < curve->n_points; i++) {
        double value = of_x ? curve->points[i].x : curve->points[i].median;
        scale.low = fmin(scale.low, value);
        scale.high = fmax(scale.high, value);
    }
    scale.log = scale.low > 0 && scale.high / scale.low > log_span;
    if (!of_x && !scale.log)
        scale.low = fmin(scale.low, 0);
    return scale;
}

/* 0 to 1. */
static double part_of(const struct scale *scale, double value) {
    double part = scale->log ? log(value / scale->low) / log(scale->high / scale->low)
                             : (value - scale->low) / (scale->high - scale->low);
    return isfinite(part) ? fmin(fmax(part, 0), 1) : 0;
}

static double value_at(const struct scale *scale, double part) {
    return scale->log ? scale->low * pow(scale->high / scale->low, part)
                      : scale->low + (scale->high - scale->low) * part;
}

double tr_text_height(const struct tr_curve *curve, double value) {
    struct scale scale = scale_of(curve, false);
    return part_of(&scale, value);
}

bool tr_text_by_logarithm(const struct tr_curve *curve) {
    return scale_of(curve, false).log;
}

/* ---- the area ---- */

/* Median at `x`, along straight lines between the points as they are drawn. */
static double between_points(const struct tr_curve *curve, const struct scale *xs,
                             const struct scale *ys, double part) {
    size_t i = 1;
    while (i < curve->n_points && part_of(xs, curve->points[i].x) < part)
        i++;
    if (i == curve->n_points)
        return part_of(ys, curve->points[i - 1].median);
    double a = part_of(xs, curve->points[i - 1].x), b = part_of(xs, curve->points[i].x);
    double at = b > a ? (part - a) / (b - a) : 0;
    return (1 - at) * part_of(ys, curve->points[i - 1].median) +
           at * part_of(ys, curve->points[i].median);
}

static const char *block(const struct tr_text *text, int eighths) {
    static const char *const blocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    if (text->term.unicode)
        return blocks[eighths];
    return eighths >= EIGHTHS ? "#" : eighths >= EIGHTHS / 2 ? ":" : eighths > 0 ? "." : " ";
}

static void add_line(struct tr_text *text, struct tr_strbuf *line) {
    while (line->length && !line->failed && line->text[line->length - 1] == ' ')
        line->text[--line->length] = '\0';
    tr_strbuf_add(text->out, line->failed ? "" : line->text);
    tr_strbuf_add(text->out, "\n");
    text->out->failed |= line->failed;
    tr_strbuf_finish(line);
}

/* Places on the x axis with a label each, as many as there is room for. */
static void add_x_axis(struct tr_text *text, const struct tr_curve *curve, const struct scale *xs,
                       size_t columns) {
    struct tr_strbuf axis = {0}, labels = {0};
    size_t ticks = columns / TICK_COLUMNS + 1, drawn = 0, used = 0;
    tr_strbuf_addf(&axis, "%*s%s", AXIS_WIDTH, "", text->term.unicode ? "└" : "+");
    tr_strbuf_repeat(&labels, " ", AXIS_WIDTH + 1);
    for (size_t i = 0; i < ticks; i++) {
        size_t column = ticks > 1 ? i * (columns - 1) / (ticks - 1) : 0;
        double part = columns > 1 ? (double)column / (double)(columns - 1) : 0;
        /* The label names the measured point that lies nearest. */
        size_t nearest = 0;
        for (size_t k = 0; k < curve->n_points; k++)
            if (fabs(part_of(xs, curve->points[k].x) - part) <
                fabs(part_of(xs, curve->points[nearest].x) - part))
                nearest = k;
        char *label = tr_text_x(curve, curve->points[nearest].x, false);
        column = (size_t)lround(part_of(xs, curve->points[nearest].x) * (double)(columns - 1));
        size_t width = tr_display_width(label ? label : "");
        size_t start = column + 1 > width / 2 ? column - width / 2 : 0;
        if (label && column >= drawn && (start > used || !i) &&
            AXIS_WIDTH + 1 + start + width <= text->term.width) {
            tr_strbuf_repeat(&axis, text->term.unicode ? "─" : "-", column - drawn);
            tr_strbuf_add(&axis, text->term.unicode ? "┴" : "+");
            tr_strbuf_repeat(&labels, " ", start - used);
            tr_strbuf_add(&labels, label);
            drawn = column + 1;
            used = start + width;
        }
        free(label);
    }
    tr_strbuf_repeat(&axis, text->term.unicode ? "─" : "-", columns > drawn ? columns - drawn : 0);
    add_line(text, &axis);
    add_line(text, &labels);
}

/* Knees stand above the area: an arrow and the name. */
static void add_knees(struct tr_text *text, const struct tr_curve *curve, const struct scale *xs,
                      size_t columns) {
    struct tr_strbuf line = {0};
    size_t used = 0;
    tr_strbuf_repeat(&line, " ", AXIS_WIDTH + 1);
    for (size_t i = 0; i < curve->n_marks; i++) {
        const struct tr_mark *mark = &curve->marks[i];
        bool knee = mark->from >= mark->to;
        double middle = (part_of(xs, mark->from) + part_of(xs, mark->to)) / 2;
        size_t column = (size_t)lround(middle * (double)(columns - 1));
        struct tr_strbuf label = {0};
        tr_strbuf_add(&label, !knee ? "" : text->term.unicode ? "↓ " : "v ");
        tr_text_add(text, &label, mark->name);
        size_t width = tr_display_width(label.failed ? "" : label.text);
        size_t start = knee ? column : column > width / 2 ? column - width / 2 : 0;
        if (!label.failed && (start > used || !used) &&
            AXIS_WIDTH + 1 + start + width <= text->term.width) {
            tr_strbuf_repeat(&line, " ", start - used);
            tr_strbuf_add(&line, label.text);
            used = start + width;
        }
        text->out->failed |= label.failed;
        tr_strbuf_finish(&label);
    }
    if (used)
        add_line(text, &line);
    tr_strbuf_finish(&line);
}

void tr_text_plot(struct tr_text *text, const struct tr_curve *curve, size_t rows) {
    struct scale xs = scale_of(curve, true), ys = scale_of(curve, false);
    size_t columns = text->term.width - AXIS_WIDTH - 4;
    if (columns > MOST_COLUMNS)
        columns = MOST_COLUMNS;
    add_knees(text, curve, &xs, columns);
    for (size_t row = rows; row > 0; row--) {
        struct tr_strbuf line = {0};
        bool labelled = row == rows || row == 1 || row - 1 == rows / 2;
        double of_label = row == rows ? 1 : row == 1 ? 0 : ((double)row - 0.5) / (double)rows;
        struct tr_number label = {""};
        if (labelled)
            label = tr_text_measured(value_at(&ys, of_label), value_at(&ys, of_label), NAN);
        tr_strbuf_addf(&line, "%*s%s", AXIS_WIDTH, label.text,
                       text->term.unicode ? (labelled ? "┤" : "│") : "|");
        for (size_t column = 0; column < columns; column++) {
            double part = (double)column / (double)(columns - 1);
            int height =
                (int)lround(between_points(curve, &xs, &ys, part) * (double)rows * EIGHTHS);
            /* The lowest value keeps an eighth of a row, so that it is seen. */
            int eighths = (height > 0 ? height : 1) - (int)(row - 1) * EIGHTHS;
            tr_strbuf_add(&line, block(text, eighths < 0         ? 0
                                             : eighths > EIGHTHS ? EIGHTHS
                                                                 : eighths));
        }
        add_line(text, &line);
    }
    add_x_axis(text, curve, &xs, columns);
}
