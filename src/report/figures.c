#include "figures.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Order and headlines of the metrics; others are in the other formats only. */
static const struct {
    const char *metric;
    const char *head; /* with the unit of the rows */
} metrics[] = {
    {"bandwidth", "bandwidth GB/s"},
    {"compute", "compute GFLOP/s"},
    {"clock", "clock GHz"},
};
enum { N_METRICS = sizeof(metrics) / sizeof(metrics[0]) };

static int metric_number(const char *metric) {
    for (int i = 0; i < N_METRICS; i++)
        if (!strcmp(metric, metrics[i].metric))
            return i;
    return -1;
}

static int kernel_number(const char *kernel) {
    static const char *const order[] = {"read", "copy", "write", "triad", "fma", "clock"};
    enum { N = sizeof(order) / sizeof(order[0]) };
    for (int i = 0; i < N; i++)
        if (!strcmp(kernel, order[i]))
            return i;
    return N;
}

static bool same_text(const char *a, const char *b) {
    return a == b || (a && b && !strcmp(a, b));
}

/* The data type makes another figure of a computation, not of a transfer; a clock is one figure
 * however it was found. */
static bool same_row(const struct tr_figure *a, const struct tr_figure *b) {
    const char *metric = a->best->metric;
    if (a->metric != b->metric || a->all != b->all)
        return false;
    if (!strcmp(metric, "clock"))
        return true;
    return !strcmp(a->best->kernel, b->best->kernel) &&
           (!strcmp(metric, "bandwidth") || same_text(a->best->dtype, b->best->dtype));
}

/* 0: sound; 1: tells more of what went wrong than of the machine; 2: refused. */
static int doubt(const struct tr_measurement *at) {
    if (tr_strings_has(&at->flags, "above_ceiling"))
        return 2;
    return tr_strings_has(&at->flags, "small_working_set") ||
           tr_strings_has(&at->flags, "misplaced") || tr_strings_has(&at->flags, "disturbed");
}

static bool is_better(const struct tr_measurement *a, const struct tr_measurement *b) {
    return doubt(a) != doubt(b) ? doubt(a) < doubt(b) : a->median > b->median;
}

static int row_order(const void *left, const void *right) {
    const struct tr_figure *a = left, *b = right;
    if (a->metric != b->metric)
        return a->metric - b->metric;
    if (a->kernel != b->kernel)
        return a->kernel - b->kernel;
    int order = strcmp(a->best->kernel, b->best->kernel);
    if (!order)
        order = strcmp(b->best->dtype ? b->best->dtype : "", a->best->dtype ? a->best->dtype : "");
    return order ? order : (int)b->all - (int)a->all;
}

struct tr_figure *tr_figures_choose(const struct tr_calibration *calibration, size_t *ret_n,
                                    size_t *ret_left_out) {
    size_t n = 0, left_out = 0;
    struct tr_figure *rows = calloc(calibration->n_measurements + 1, sizeof(*rows));
    for (size_t i = 0; rows && i < calibration->n_measurements; i++) {
        const struct tr_measurement *at = &calibration->measurements[i];
        struct tr_figure row = {at, metric_number(at->metric), kernel_number(at->kernel),
                                at->place.kind == TR_PLACE_MACHINE && at->threads != 1};
        /* On a machine of one CPU, all threads are one. */
        bool shown = row.metric >= 0 && (row.all || at->threads == 1);
        if (!shown || isnan(at->median)) {
            left_out++;
            continue;
        }
        size_t same = 0;
        while (same < n && !same_row(&rows[same], &row))
            same++;
        if (same == n)
            rows[n++] = row;
        else if (is_better(at, rows[same].best))
            rows[same] = row;
    }
    if (rows)
        qsort(rows, n, sizeof(*rows), row_order);
    *ret_n = n;
    *ret_left_out = left_out;
    return rows;
}

const char *tr_figure_head(int metric) {
    return metrics[metric].head;
}
