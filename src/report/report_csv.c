#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "markup.h"
#include "report.h"

int tr_report_csv(const struct tr_report_input *input, struct tr_strbuf *out);

/* Cells end in a comma; the last one gives way to the end of the line, CR LF by RFC 4180. */
static void end_row(struct tr_strbuf *out) {
    if (out->failed)
        return;
    out->length--;
    tr_strbuf_add(out, "\r\n");
}

static void add_text(struct tr_strbuf *out, const char *text) {
    tr_csv_text(out, text);
    tr_strbuf_add(out, ",");
}

static void add_number(struct tr_strbuf *out, double value) {
    if (isfinite(value))
        tr_strbuf_addf(out, "%.9g", value);
    tr_strbuf_add(out, ",");
}

static void add_count(struct tr_strbuf *out, int64_t value) {
    if (value >= 0)
        tr_strbuf_addf(out, "%" PRId64, value);
    tr_strbuf_add(out, ",");
}

static void add_list(struct tr_strbuf *out, const struct tr_cpulist *list) {
    char *text = tr_cpulist_format(list);
    if (!text)
        out->failed = true;
    add_text(out, text);
    free(text);
}

static void add_strings(struct tr_strbuf *out, const struct tr_strings *strings) {
    struct tr_strbuf joined = {0};
    tr_strbuf_add(&joined, "");
    for (size_t i = 0; i < strings->n; i++)
        tr_strbuf_addf(&joined, "%s%s", i ? "; " : "", strings->items[i]);
    if (joined.failed)
        out->failed = true;
    add_text(out, joined.text);
    tr_strbuf_finish(&joined);
}

static void add_measurement(struct tr_strbuf *out, const struct tr_calibration *calibration,
                            const struct tr_measurement *at) {
    const struct tr_limit *limit = at->limit
                                       ? tr_limit_find(calibration->limits, calibration->n_limits,
                                                       at->limit, at->place.kind, at->place.index)
                                       : NULL;
    add_text(out, at->kernel);
    add_text(out, at->variant);
    add_text(out, at->isa);
    add_text(out, at->dtype);
    add_text(out, at->stores);
    add_text(out, tr_place_kind_name(at->place.kind));
    add_count(out, at->place.index);
    add_list(out, &at->place.cpus);
    add_list(out, &at->place.memory_nodes);
    add_count(out, at->threads);
    add_count(out, at->working_set_bytes);
    add_count(out, at->page_bytes);
    add_text(out, at->metric);
    add_text(out, at->unit);
    add_text(out, at->traffic);
    add_number(out, at->bus_per_nominal);
    add_number(out, at->best);
    add_number(out, at->median);
    add_number(out, at->mad);
    add_number(out, at->ci95[0]);
    add_number(out, at->ci95[1]);
    add_number(out, at->span_rate);
    add_count(out, at->n_samples ? (int64_t)at->n_samples : -1);
    add_number(out, at->core_ghz);
    add_text(out, at->limit);
    add_number(out, limit ? limit->value : NAN);
    add_text(out, limit ? limit->basis : NULL);
    add_number(out, at->efficiency);
    add_text(out, at->measured_at);
    add_strings(out, &at->flags);
    add_strings(out, &at->warnings);
    tr_strbuf_add(out, ",,,,,"); /* no curve, no matrix */
    end_row(out);
}

/* What points and cells have no word for. */
static void add_empty(struct tr_strbuf *out, size_t n) {
    tr_strbuf_repeat(out, ",", n);
}

static void add_point(struct tr_strbuf *out, const struct tr_curve *curve,
                      const struct tr_point *at) {
    bool sizes = curve->x && !strcmp(curve->x, "working_set_bytes");
    bool threads = curve->x && !strcmp(curve->x, "threads");
    add_text(out, curve->kernel);
    add_text(out, curve->variant);
    add_text(out, curve->isa);
    add_text(out, curve->dtype);
    add_empty(out, 1); /* stores */
    add_text(out, tr_place_kind_name(curve->place.kind));
    add_count(out, curve->place.index);
    add_list(out, &curve->place.cpus);
    add_list(out, &curve->place.memory_nodes);
    add_count(out, threads ? (int64_t)at->x : curve->threads);
    add_count(out, sizes ? (int64_t)at->x : -1);
    add_count(out, curve->page_bytes);
    add_text(out, curve->metric);
    add_text(out, curve->unit);
    add_empty(out, 2); /* traffic */
    add_number(out, at->best);
    add_number(out, at->median);
    add_number(out, at->mad);
    add_number(out, at->ci95[0]);
    add_number(out, at->ci95[1]);
    add_empty(out, 1); /* span_rate */
    add_count(out, at->n ? (int64_t)at->n : -1);
    add_number(out, at->core_ghz);
    add_empty(out, 7); /* limit to warnings */
    add_text(out, curve->name);
    tr_strbuf_addf(out, "%.15g,", at->x);
    add_text(out, curve->x_unit);
    add_empty(out, 2); /* row, column */
    end_row(out);
}

static void add_cell(struct tr_strbuf *out, const struct tr_matrix *matrix, size_t row,
                     size_t column) {
    size_t at = row * matrix->n_columns + column;
    if (!isfinite(matrix->values[at]))
        return;
    add_empty(out, 5); /* kernel to stores */
    add_text(out, matrix->rows);
    add_count(out, matrix->row_ids[row]);
    add_empty(out, 5); /* cpus to page_bytes */
    add_text(out, matrix->metric);
    add_text(out, matrix->unit);
    add_empty(out, 3); /* traffic, best */
    add_number(out, matrix->values[at]);
    add_empty(out, 1); /* mad */
    add_number(out, matrix->values[at] - matrix->half_widths[at]);
    add_number(out, matrix->values[at] + matrix->half_widths[at]);
    add_empty(out, 10); /* span_rate to warnings */
    add_text(out, matrix->name);
    add_empty(out, 2); /* x */
    add_count(out, matrix->row_ids[row]);
    add_count(out, matrix->column_ids[column]);
    end_row(out);
}

/* The columns are documented in docs/formats.md; their order is fixed. */
int tr_report_csv(const struct tr_report_input *input, struct tr_strbuf *out) {
    const struct tr_calibration *calibration = input->calibration;
    tr_strbuf_add(out, "kernel,variant,isa,dtype,stores,place,index,cpus,memory_nodes,threads,"
                       "working_set_bytes,page_bytes,metric,unit,traffic,bus_per_nominal,best,"
                       "median,mad,ci95_low,ci95_high,span_rate,n,core_ghz,limit,limit_value,"
                       "limit_basis,efficiency,measured_at,flags,warnings,curve,x,x_unit,row,"
                       "column\r\n");
    for (size_t i = 0; calibration && i < calibration->n_measurements; i++)
        add_measurement(out, calibration, &calibration->measurements[i]);
    for (size_t i = 0; calibration && i < calibration->n_curves; i++)
        for (size_t k = 0; k < calibration->curves[i].n_points; k++)
            add_point(out, &calibration->curves[i], &calibration->curves[i].points[k]);
    for (size_t i = 0; calibration && i < calibration->n_matrices; i++)
        for (size_t k = 0; k < calibration->matrices[i].n_rows; k++)
            for (size_t j = 0; j < calibration->matrices[i].n_columns; j++)
                add_cell(out, &calibration->matrices[i], k, j);
    return 0;
}
