/* Figures that belong together: a curve (latency against working set, bandwidth against threads)
 * and a matrix (node x node, core x core). Fields of the calibration file, listed in
 * docs/formats.md. */
#ifndef TOKENROOF_CURVE_H
#define TOKENROOF_CURVE_H

#include <stddef.h>
#include <stdint.h>

#include "tokenroof/limit.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One measured point. Doubles that are not known are NAN. */
struct tr_point {
    double x;
    double median, best, mad, ci95[2];
    size_t n;        /* samples */
    double core_ghz; /* measured within the samples */
};

/* What was found on a curve: a plateau ("L1", from x to x, at value y) or a knee (from = to). */
struct tr_mark {
    char *name;
    double from, to, value;
    char *limit;       /* the limit it is set against; NULL without */
    double efficiency; /* value / limit; NAN without */
};

struct tr_curve {
    char *name; /* "latency", "sweep", "scaling", ... */
    char *kernel, *variant, *isa, *dtype;
    struct tr_place place;
    int threads;        /* -1 where x is the number of threads */
    int64_t page_bytes; /* -1 unknown or without meaning */
    char *metric, *unit;
    char *x, *x_unit;        /* what x is: "working_set_bytes" in "bytes", "threads" in "1" */
    struct tr_point *points; /* by rising x */
    size_t n_points;
    struct tr_mark *marks;
    size_t n_marks;
};

struct tr_matrix {
    char *name; /* "core_to_core", "node_read", "node_latency" */
    char *metric, *unit;
    char *rows, *columns; /* kind of place: "node", "core" */
    int *row_ids, *column_ids;
    size_t n_rows, n_columns;
    double *values;      /* medians, row by row; NAN = not measured */
    double *half_widths; /* of the 95% interval; NAN = unknown */
};

/* All unknown. */
void tr_curve_init(struct tr_curve *curve);
void tr_curve_finish(struct tr_curve *curve);
/* Puts the point where its x belongs. TR_ENOMEM. */
int tr_curve_add(struct tr_curve *curve, const struct tr_point *point);
int tr_curve_mark(struct tr_curve *curve, const char *name, double from, double to, double value);

/* All values NAN; ids are 0, 1, ... until set. TR_ENOMEM. */
int tr_matrix_init(struct tr_matrix *matrix, size_t n_rows, size_t n_columns);
void tr_matrix_finish(struct tr_matrix *matrix);

#ifdef __cplusplus
}
#endif
#endif
