/* Charts as data: what report_svg.c draws, and charts.c makes of a calibration and predictions. */
#ifndef TR_REPORT_PLOT_H
#define TR_REPORT_PLOT_H

#include <stdbool.h>
#include <stddef.h>

#include "report.h"
#include "strbuf.h"

struct tr_plot_point {
    double x, y, low, high; /* low and high NAN: no interval */
    char *title;            /* heap; NULL: the series' name */
};

/* A line with marks, or marks alone. */
struct tr_plot_series {
    char *name;
    bool line;
    struct tr_plot_point *points;
    size_t n;
};

/* One bar: a share of something, with its text. */
struct tr_plot_bar {
    char *name, *text;
    double value, low, high;
};

struct tr_plot_axis {
    char *label;
    bool log;
    bool bytes; /* capacities: ticks at powers of 4, KiB and MiB */
    bool zero;  /* begins at 0, unless it is logarithmic */
    bool whole; /* counts something: ticks at whole numbers, room beyond the last one */
};

enum tr_plot_kind { TR_PLOT_XY, TR_PLOT_BARS, TR_PLOT_HEAT };

struct tr_plot {
    enum tr_plot_kind kind;
    char *title, *note;
    struct tr_plot_axis x, y;
    struct tr_plot_series *series;
    size_t n_series;
    struct tr_plot_bar *bars; /* 1 is the limit */
    size_t n_bars;
    const struct tr_mark *marks; /* borrowed */
    size_t n_marks;
    const struct tr_matrix *matrix; /* borrowed */
    double roof_slope, roof_top;    /* dashed: the least of slope * x and top; 0: none */
    bool failed;                    /* out of memory */
};

/* Names of the charts that this input has data for, in their order. TR_ENOMEM. */
int tr_plot_names(const struct tr_report_input *input, struct tr_strings *ret_names);
/* One of them. TR_ENOMEM; TR_EUNAVAILABLE if there is none of that name. */
int tr_plot_make(const struct tr_report_input *input, const char *name, struct tr_plot *ret_plot);
void tr_plot_finish(struct tr_plot *plot);

/* plot.c: pieces. What runs out of memory sets `failed`. `name` and a bar's texts are taken over.
 */
char *tr_plot_text(struct tr_plot *plot, const char *text);
struct tr_plot_series *tr_plot_add_series(struct tr_plot *plot, char *name, bool line, size_t n);
void tr_plot_add_bar(struct tr_plot *plot, struct tr_plot_bar bar);
void tr_plot_set_axes(struct tr_plot *plot, const char *x, const char *y);

/* roofline.c: kernels that move and compute, the phases of a token, and the roof over them; returns
 * how many points there are. With `plot` they are added to it, with its note; without a roof they
 * are none. */
size_t tr_plot_roofline(const struct tr_calibration *calibration, const json_t *documents,
                        struct tr_plot *plot);

/* svg_plot.c: the whole picture. */
void tr_plot_svg(const struct tr_plot *plot, struct tr_strbuf *out);

/* svg_axes.c: positions and ticks. */
struct tr_svg_scale {
    double low, high; /* of the values; above 0 where logarithmic */
    double from, to;  /* of the pixels */
    bool log;
};

enum { TR_SVG_TICKS = 16 };

/* Fits the values; nothing to fit gives 0 to 1. Linear scales end at round numbers. */
void tr_svg_scale_fit(struct tr_svg_scale *scale, const struct tr_plot_axis *axis,
                      const double *values, size_t n);
double tr_svg_at(const struct tr_svg_scale *scale, double value);
/* Values of ticks, at most TR_SVG_TICKS and about `wanted`; returns how many. */
size_t tr_svg_ticks(const struct tr_svg_scale *scale, const struct tr_plot_axis *axis,
                    size_t wanted, double ticks[TR_SVG_TICKS]);
/* "16 KiB" where the axis has bytes, else "0.5". */
struct tr_svg_label {
    char text[32];
};
struct tr_svg_label tr_svg_label(const struct tr_plot_axis *axis, double value);

#endif
