/* Charts as SVG, for documents: no scripts, colours for light and dark pages, values as titles of
 * the marks. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "markup.h"
#include "plot.h"
#include "svg.h"
#include "text.h"

enum { WIDTH = 720, HEIGHT = 420, COLOURS = 8 };

static const char style[] =
    "<style>\n"
    "text{font:12px system-ui,'Segoe UI',Roboto,Arial,sans-serif;fill:#1b1f24}"
    ".back{fill:#fff}.soft{fill:#55606b}.title{font-size:16px;font-weight:600}\n"
    ".grid{stroke:#e1e6ea;fill:none}.axis{stroke:#8a949e;fill:none}.band{fill:#1b1f24;"
    "fill-opacity:.06}.found{stroke:#55606b;stroke-dasharray:2 3;fill:none}\n"
    ".line{fill:none;stroke-width:2}.track{fill:#e1e6ea}.good{fill:#18713a}.doubt{fill:#8a5a00}"
    ".bad{fill:#b3261e}.whisker{stroke-width:1.5;fill:none}.ink{stroke:#1b1f24}\n"
    ".s0{stroke:#0b6bcb}.s1{stroke:#c4480e}.s2{stroke:#1a7f37}.s3{stroke:#8a3ffc}"
    ".s4{stroke:#b0208a}.s5{stroke:#7a5c00}.s6{stroke:#00798c}.s7{stroke:#5c6670}.roof{stroke:#"
    "55606b;stroke-width:1.5;"
    "stroke-dasharray:6 4;fill:none}\n"
    ".f0{fill:#0b6bcb}.f1{fill:#c4480e}.f2{fill:#1a7f37}.f3{fill:#8a3ffc}.f4{fill:#b0208a}"
    ".f5{fill:#7a5c00}.f6{fill:#00798c}.f7{fill:#5c6670}\n"
    "@media (prefers-color-scheme:dark){text{fill:#e8ebee}.back{fill:#14171a}.soft{fill:#a9b3bd}"
    ".grid{stroke:#2a3137}.axis{stroke:#6b757f}.band{fill:#fff}.found,.roof{stroke:#a9b3bd}"
    ".track{fill:#2a3137}.good{fill:#6fd692}.doubt{fill:#f0c35a}.bad{fill:#ff9b92}"
    ".ink{stroke:#e8ebee}\n"
    ".s0{stroke:#6db3ff}.s1{stroke:#ff9d5c}.s2{stroke:#5fd38a}.s3{stroke:#c59bff}"
    ".s4{stroke:#ff8ad8}.s5{stroke:#e0c04a}.s6{stroke:#4fd1e0}.s7{stroke:#b3bcc5}\n"
    ".f0{fill:#6db3ff}.f1{fill:#ff9d5c}.f2{fill:#5fd38a}.f3{fill:#c59bff}.f4{fill:#ff8ad8}"
    ".f5{fill:#e0c04a}.f6{fill:#4fd1e0}.f7{fill:#b3bcc5}}\n"
    "</style>\n";

void tr_svg_text(struct tr_strbuf *out, double x, double y, const char *anchor, const char *class,
                 const char *text) {
    tr_strbuf_addf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" class=\"%s\">", x, y,
                   anchor, class);
    tr_markup_text(out, text);
    tr_strbuf_add(out, "</text>\n");
}

/* Series differ by their marks too: not everybody tells the colours apart. */
static void add_shape(struct tr_strbuf *out, size_t index, double x, double y) {
    switch (index % 4) {
    case 0: /* a circle */
        tr_strbuf_addf(out, "M%.1f,%.1fa3.2,3.2 0 1,0 6.4,0a3.2,3.2 0 1,0 -6.4,0z", x - 3.2, y);
        break;
    case 1:
        tr_strbuf_addf(out, "M%.1f,%.1fh6v6h-6z", x - 3, y - 3);
        break;
    case 2:
        tr_strbuf_addf(out, "M%.1f,%.1fl4,4l-4,4l-4,-4z", x, y - 4);
        break;
    default:
        tr_strbuf_addf(out, "M%.1f,%.1fl4,7h-8z", x, y - 4);
    }
}

/* Names of the series, in rows; returns the y below them. */
static double legend(const struct tr_plot *plot, struct tr_strbuf *out, double y) {
    double x = 16;
    if (!plot->n_series || (plot->n_series == 1 && plot->series[0].line))
        return y;
    for (size_t i = 0; i < plot->n_series; i++) {
        double width = 34 + 6.9 * (double)tr_display_width(plot->series[i].name);
        if (x > 16 && x + width > WIDTH - 16) {
            x = 16;
            y += 18;
        }
        tr_strbuf_addf(out, "<path d=\"");
        add_shape(out, i, x + 5, y - 4);
        tr_strbuf_addf(out, "\" class=\"f%zu\"/>\n", i % COLOURS);
        tr_svg_text(out, x + 15, y, "start", "soft", plot->series[i].name);
        x += width;
    }
    return y + 18;
}

static void fit_scales(const struct tr_plot *plot, struct tr_svg_scale *x, struct tr_svg_scale *y) {
    size_t n = 0, most = 0;
    for (size_t i = 0; i < plot->n_series; i++)
        most += plot->series[i].n;
    double *xs = calloc(most + 2, sizeof(double)), *ys = calloc(3 * most + 2, sizeof(double));
    for (size_t i = 0; xs && ys && i < plot->n_series; i++) {
        for (size_t k = 0; k < plot->series[i].n; k++, n++) {
            const struct tr_plot_point *point = &plot->series[i].points[k];
            xs[n] = point->x;
            ys[3 * n] = point->y;
            /* What cannot be negative is not drawn so, however wide its interval is. */
            ys[3 * n + 1] = point->low < 0 && point->y >= 0 ? 0 : point->low;
            ys[3 * n + 2] = point->high;
        }
    }
    size_t n_x = n, n_y = 3 * n;
    if (xs && ys && plot->roof_slope > 0) { /* both sides of its corner */
        double corner = plot->roof_top / plot->roof_slope, left = fmin(0.03, corner / 4);
        xs[n_x++] = left;
        xs[n_x++] = 8 * corner;
        ys[n_y++] = left * plot->roof_slope;
        ys[n_y++] = 1.15 * plot->roof_top;
    }
    tr_svg_scale_fit(x, &plot->x, xs, n_x);
    tr_svg_scale_fit(y, &plot->y, ys, n_y);
    free(xs);
    free(ys);
}

static void draw_axes(const struct tr_plot *plot, const struct tr_svg_scale *x,
                      const struct tr_svg_scale *y, struct tr_strbuf *out) {
    double ticks[TR_SVG_TICKS];
    size_t n = tr_svg_ticks(y, &plot->y, 7, ticks);
    for (size_t i = 0; i < n; i++) {
        double at = tr_svg_at(y, ticks[i]);
        tr_strbuf_addf(out, "<path d=\"M%.1f,%.1fH%.1f\" class=\"grid\"/>\n", x->from, at, x->to);
        tr_svg_text(out, x->from - 6, at + 4, "end", "soft", tr_svg_label(&plot->y, ticks[i]).text);
    }
    n = tr_svg_ticks(x, &plot->x, 9, ticks);
    for (size_t i = 0; i < n; i++) {
        double at = tr_svg_at(x, ticks[i]);
        tr_strbuf_addf(out, "<path d=\"M%.1f,%.1fv5\" class=\"axis\"/>\n", at, y->from);
        tr_svg_text(out, at, y->from + 18, "middle", "soft", tr_svg_label(&plot->x, ticks[i]).text);
    }
    tr_strbuf_addf(out, "<path d=\"M%.1f,%.1fV%.1fH%.1f\" class=\"axis\"/>\n", x->from, y->to,
                   y->from, x->to);
    tr_svg_text(out, x->to, y->from + 36, "end", "soft", plot->x.label);
    tr_svg_text(out, 12, y->to - 12, "start", "soft", plot->y.label);
}

static void draw_marks(const struct tr_plot *plot, const struct tr_svg_scale *x,
                       const struct tr_svg_scale *y, struct tr_strbuf *out) {
    double free_from = 0;
    for (size_t i = 0; i < plot->n_marks; i++) {
        const struct tr_mark *mark = &plot->marks[i];
        double from = tr_svg_at(x, mark->from), to = tr_svg_at(x, mark->to);
        if (to > from)
            tr_strbuf_addf(out,
                           "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
                           "class=\"band\"/>\n",
                           from, y->to, to - from, y->from - y->to);
        else
            tr_strbuf_addf(out, "<path d=\"M%.1f,%.1fV%.1f\" class=\"found\"/>\n", from, y->to,
                           y->from);
        double middle = (from + to) / 2,
               half = 3.6 * (double)tr_display_width(mark->name ? mark->name : "") + 3;
        if (middle - half < free_from || middle + half > WIDTH)
            continue;
        tr_svg_text(out, middle, y->to - 6, "middle", "soft", mark->name);
        free_from = middle + half;
    }
}

static void draw_roof(const struct tr_plot *plot, const struct tr_svg_scale *x,
                      const struct tr_svg_scale *y, struct tr_strbuf *out) {
    if (!(plot->roof_slope > 0))
        return;
    double left = fmax(x->low, y->low / plot->roof_slope);
    tr_strbuf_addf(out, "<path d=\"M%.1f,%.1fL%.1f,%.1fH%.1f\" class=\"roof\"/>\n",
                   tr_svg_at(x, left), tr_svg_at(y, left * plot->roof_slope),
                   tr_svg_at(x, plot->roof_top / plot->roof_slope), tr_svg_at(y, plot->roof_top),
                   x->to);
}

static void draw_point(const struct tr_plot *plot, size_t index, const struct tr_plot_point *point,
                       const struct tr_svg_scale *x, const struct tr_svg_scale *y,
                       struct tr_strbuf *out) {
    double px = tr_svg_at(x, point->x), py = tr_svg_at(y, point->y);
    if (isfinite(point->low) && isfinite(point->high) && (!plot->y.log || point->low > 0))
        tr_strbuf_addf(out, "<path d=\"M%.1f,%.1fV%.1f\" class=\"whisker s%zu\"/>\n", px,
                       tr_svg_at(y, point->low), tr_svg_at(y, point->high), index % COLOURS);
    tr_strbuf_add(out, "<path d=\"");
    add_shape(out, index, px, py);
    tr_strbuf_addf(out, "\" class=\"mark f%zu\"><title>", index % COLOURS);
    tr_markup_text(out, point->title ? point->title : plot->series[index].name);
    tr_strbuf_addf(out, ": %s, %s</title></path>\n", tr_svg_label(&plot->x, point->x).text,
                   tr_text_number(point->y).text);
}

static void draw_xy(const struct tr_plot *plot, struct tr_strbuf *out, double top) {
    struct tr_svg_scale x = {.from = 64, .to = WIDTH - 20}, y = {.from = HEIGHT - 46};
    y.to = legend(plot, out, top) + 24;
    fit_scales(plot, &x, &y);
    draw_axes(plot, &x, &y, out);
    draw_marks(plot, &x, &y, out);
    draw_roof(plot, &x, &y, out);
    for (size_t i = 0; i < plot->n_series; i++) {
        const struct tr_plot_series *series = &plot->series[i];
        bool begun = false;
        if (series->line)
            tr_strbuf_add(out, "<path d=\"");
        for (size_t k = 0; series->line && k < series->n; k++) {
            if (!isfinite(series->points[k].y) || (plot->y.log && series->points[k].y <= 0))
                continue;
            tr_strbuf_addf(out, "%s%.1f,%.1f", begun ? "L" : "M",
                           tr_svg_at(&x, series->points[k].x), tr_svg_at(&y, series->points[k].y));
            begun = true;
        }
        if (series->line)
            tr_strbuf_addf(out, "\" class=\"line s%zu\"/>\n", i % COLOURS);
        for (size_t k = 0; k < series->n; k++)
            if (isfinite(series->points[k].y) && (!plot->y.log || series->points[k].y > 0))
                draw_point(plot, i, &series->points[k], &x, &y, out);
    }
}

static const char *tone(double share) {
    return share > 1 ? "doubt" : share >= 0.8 ? "good" : share >= 0.6 ? "doubt" : "bad";
}

enum { BAR_ROW = 34, BAR_LEFT = 16 };

/* Bars from 0 to the largest of them, 1 at least; a dashed line at 1. */
static void draw_bars(const struct tr_plot *plot, struct tr_strbuf *out, double top) {
    double most = 1;
    for (size_t i = 0; i < plot->n_bars; i++)
        most = fmax(most, isfinite(plot->bars[i].high) ? plot->bars[i].high : plot->bars[i].value);
    double scale = (WIDTH - 2 * BAR_LEFT) / most;
    for (size_t i = 0; i < plot->n_bars; i++) {
        const struct tr_plot_bar *bar = &plot->bars[i];
        double y = top + (double)i * BAR_ROW;
        tr_svg_text(out, BAR_LEFT, y + 10, "start", "", bar->name);
        tr_svg_text(out, WIDTH - BAR_LEFT, y + 10, "end", "soft", bar->text);
        tr_strbuf_addf(
            out,
            "<rect x=\"%d\" y=\"%.1f\" width=\"%d\" height=\"10\" class=\"track\"/>\n"
            "<rect x=\"%d\" y=\"%.1f\" width=\"%.1f\" height=\"10\" class=\"mark %s\"/>\n",
            BAR_LEFT, y + 15, WIDTH - 2 * BAR_LEFT, BAR_LEFT, y + 15, fmax(0, bar->value) * scale,
            tone(bar->value));
        if (isfinite(bar->low) && isfinite(bar->high))
            tr_strbuf_addf(
                out, "<path d=\"M%.1f,%.1fv6M%.1f,%.1fv6m0,-3H%.1f\" class=\"whisker ink\"/>\n",
                BAR_LEFT + bar->low * scale, y + 17, BAR_LEFT + bar->high * scale, y + 17,
                BAR_LEFT + bar->low * scale);
        tr_strbuf_addf(out, "<path d=\"M%.1f,%.1fv14\" class=\"found\"/>\n", BAR_LEFT + scale,
                       y + 13);
    }
}

/* The picture's height: bars take what they need, the cells of a matrix are squares. */
static double height_of(const struct tr_plot *plot) {
    if (plot->kind == TR_PLOT_BARS)
        return 66 + (double)plot->n_bars * BAR_ROW;
    return plot->kind == TR_PLOT_HEAT ? tr_svg_heat_height(plot) : HEIGHT;
}

void tr_plot_svg(const struct tr_plot *plot, struct tr_strbuf *out) {
    double height = height_of(plot);
    tr_strbuf_addf(out,
                   "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%.0f\" "
                   "viewBox=\"0 0 %d %.0f\" role=\"img\">\n<title>",
                   WIDTH, height, WIDTH, height);
    tr_markup_text(out, plot->title);
    tr_strbuf_add(out, "</title>\n");
    tr_strbuf_add(out, style);
    tr_strbuf_addf(out, "<rect width=\"%d\" height=\"%.0f\" class=\"back\"/>\n", WIDTH, height);
    tr_svg_text(out, 16, 24, "start", "title", plot->title);
    tr_svg_text(out, 16, 42, "start", "soft", plot->note);
    if (plot->kind == TR_PLOT_BARS)
        draw_bars(plot, out, 54);
    else if (plot->kind == TR_PLOT_HEAT)
        tr_svg_heat(plot, out);
    else
        draw_xy(plot, out, 62);
    tr_strbuf_add(out, "</svg>\n");
}
