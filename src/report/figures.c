#include "figures.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "choice.h"
#include "strbuf.h"
#include "text.h"

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
    struct tr_choice *choices = calloc(calibration->n_measurements + 1, sizeof(*choices));
    for (size_t i = 0; rows && choices && i < calibration->n_measurements; i++) {
        const struct tr_measurement *at = &calibration->measurements[i];
        struct tr_figure row = {at, NULL, metric_number(at->metric), kernel_number(at->kernel),
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
        tr_choice_offer(&choices[same], at);
    }
    for (size_t i = 0; choices && i < n; i++) {
        rows[i].best = tr_choice_made(&choices[i]);
        rows[i].passed_over = tr_choice_passed_over(&choices[i]);
    }
    if (choices && rows) {
        qsort(rows, n, sizeof(*rows), row_order);
    } else {
        free(rows);
        rows = NULL;
    }
    free(choices);
    *ret_n = n;
    *ret_left_out = left_out;
    return rows;
}

/* What keeps it from standing, as the end of "avx512 ...". */
static const char *doubt_of(const struct tr_measurement *at) {
    static const char *const doubts[][2] = {
        {"above_ceiling", "is above a hard limit and refused"},
        {"small_working_set", "had a working set too small for memory"},
        {"misplaced", "had its pages on another node"},
        {"disturbed", "was disturbed"},
        {"throttled", "was throttled"},
        {"migrated", "did not stay on its CPUs"},
        {"not_pinned", "did not stay on its CPUs"},
        {"unsteady", "was unsteady"},
    };
    for (size_t i = 0; i < sizeof(doubts) / sizeof(doubts[0]); i++)
        if (tr_strings_has(&at->flags, doubts[i][0]))
            return doubts[i][1];
    return "is in doubt";
}

char *tr_figure_passed_over_text(const struct tr_figure *figure) {
    const struct tr_measurement *at = figure->passed_over, *best = figure->best;
    if (!at)
        return NULL;
    bool compute = !strcmp(at->metric, "compute") && at->dtype;
    return tr_format(
        "%s%s%s on %d thread%s: %s %s (%s %s), so %s stands for it here. Measure again "
        "on a quiet machine.",
        at->kernel, compute ? " " : "", compute ? at->dtype : "", at->threads,
        at->threads == 1 ? "" : "s", at->isa, doubt_of(at), tr_text_number(at->median).text,
        at->unit ? at->unit : "", best->isa ? best->isa : "a narrower one");
}

double tr_figure_flop_per_byte(const struct tr_measurement *measurement) {
    /* Operations on an element, and elements of 8 bytes read and written. */
    static const struct {
        const char *kernel;
        double flop, elements;
    } streams[] = {{"triad", 2, 3}, {"scale", 1, 2}, {"add", 1, 3}};
    for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++)
        if (!strcmp(measurement->metric, "bandwidth") &&
            !strcmp(measurement->kernel, streams[i].kernel))
            return streams[i].flop / (8 * streams[i].elements);
    return NAN;
}

const char *tr_figure_head(int metric) {
    return metrics[metric].head;
}
