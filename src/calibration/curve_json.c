/* Curves and matrices in the calibration file, both directions. */
#include "curve_json.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>

#include "calibration_json.h"
#include "tokenroof/err.h"

static int set(json_t *object, const char *key, json_t *value) {
    return json_object_set_new(object, key, value);
}

/* ---- writing ---- */

static json_t *point_to_json(const struct tr_point *point) {
    json_t *object = json_object();
    /* Reals are written with nine digits: too few for bytes. */
    bool whole = point->x >= 1e9 && point->x < 9e15 && point->x == floor(point->x);
    json_t *x = whole ? json_integer((json_int_t)point->x) : tr_json_number(point->x);
    int failed = set(object, "x", x);
    failed |= set(object, "median", tr_json_number(point->median));
    failed |= set(object, "best", tr_json_number(point->best));
    failed |= set(object, "mad", tr_json_number(point->mad));
    failed |= set(object, "ci95", tr_json_interval(point->ci95));
    failed |= set(object, "n", json_integer((json_int_t)point->n));
    failed |= set(object, "core_ghz", tr_json_number(point->core_ghz));
    if (failed) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static json_t *points_to_json(const struct tr_curve *curve) {
    json_t *array = json_array();
    for (size_t i = 0; i < curve->n_points; i++)
        if (json_array_append_new(array, point_to_json(&curve->points[i]))) {
            json_decref(array);
            return NULL;
        }
    return array;
}

static json_t *marks_to_json(const struct tr_curve *curve) {
    json_t *array = json_array();
    for (size_t i = 0; i < curve->n_marks; i++) {
        const struct tr_mark *mark = &curve->marks[i];
        json_t *object =
            json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "name", tr_json_text(mark->name), "from",
                      tr_json_number(mark->from), "to", tr_json_number(mark->to), "value",
                      tr_json_number(mark->value), "limit", tr_json_text(mark->limit), "efficiency",
                      tr_json_number(mark->efficiency));
        if (json_array_append_new(array, object)) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

static json_t *curve_to_json(const struct tr_curve *curve) {
    json_t *object = json_object();
    int failed = set(object, "name", tr_json_text(curve->name));
    failed |= set(object, "kernel", tr_json_text(curve->kernel));
    failed |= set(object, "variant", tr_json_text(curve->variant));
    failed |= set(object, "isa", tr_json_text(curve->isa));
    failed |= set(object, "dtype", tr_json_text(curve->dtype));
    failed |= set(object, "place", tr_json_place(&curve->place));
    failed |= set(object, "threads", tr_json_count(curve->threads));
    failed |= set(object, "page_bytes", tr_json_count(curve->page_bytes));
    failed |= set(object, "metric", tr_json_text(curve->metric));
    failed |= set(object, "unit", tr_json_text(curve->unit));
    failed |= set(object, "x", tr_json_text(curve->x));
    failed |= set(object, "x_unit", tr_json_text(curve->x_unit));
    failed |= set(object, "points", points_to_json(curve));
    failed |= set(object, "marks", marks_to_json(curve));
    if (failed) {
        json_decref(object);
        return NULL;
    }
    return object;
}

int tr_curves_to_json(const struct tr_curve *curves, size_t n, json_t **ret_array) {
    json_t *array = json_array();
    for (size_t i = 0; i < n; i++)
        if (json_array_append_new(array, curve_to_json(&curves[i]))) {
            json_decref(array);
            return TR_ENOMEM;
        }
    *ret_array = array;
    return array ? 0 : TR_ENOMEM;
}

static json_t *ids_to_json(const int *ids, size_t n) {
    json_t *array = json_array();
    for (size_t i = 0; i < n; i++)
        if (json_array_append_new(array, json_integer(ids[i]))) {
            json_decref(array);
            return NULL;
        }
    return array;
}

static json_t *rows_to_json(const struct tr_matrix *matrix, const double *values) {
    json_t *array = json_array();
    for (size_t i = 0; i < matrix->n_rows; i++)
        if (json_array_append_new(
                array, tr_json_numbers(values + i * matrix->n_columns, matrix->n_columns))) {
            json_decref(array);
            return NULL;
        }
    return array;
}

static json_t *matrix_to_json(const struct tr_matrix *matrix) {
    json_t *object = json_object();
    int failed = set(object, "name", tr_json_text(matrix->name));
    failed |= set(object, "metric", tr_json_text(matrix->metric));
    failed |= set(object, "unit", tr_json_text(matrix->unit));
    failed |= set(object, "rows", tr_json_text(matrix->rows));
    failed |= set(object, "columns", tr_json_text(matrix->columns));
    failed |= set(object, "row_ids", ids_to_json(matrix->row_ids, matrix->n_rows));
    failed |= set(object, "column_ids", ids_to_json(matrix->column_ids, matrix->n_columns));
    failed |= set(object, "values", rows_to_json(matrix, matrix->values));
    failed |= set(object, "half_widths", rows_to_json(matrix, matrix->half_widths));
    if (failed) {
        json_decref(object);
        return NULL;
    }
    return object;
}

int tr_matrices_to_json(const struct tr_matrix *matrices, size_t n, json_t **ret_array) {
    json_t *array = json_array();
    for (size_t i = 0; i < n; i++)
        if (json_array_append_new(array, matrix_to_json(&matrices[i]))) {
            json_decref(array);
            return TR_ENOMEM;
        }
    *ret_array = array;
    return array ? 0 : TR_ENOMEM;
}

/* ---- reading ---- */

static void read_points(struct tr_reader *reader, struct tr_curve *curve) {
    size_t length = tr_reader_length(reader, "points");
    for (size_t i = 0; i < length && !reader->code; i++) {
        struct tr_reader item = tr_reader_item(reader, "points", i);
        struct tr_point point = {.x = NAN};
        int64_t n = -1;
        tr_read_number(&item, "x", &point.x);
        tr_read_number(&item, "median", &point.median);
        tr_read_number(&item, "best", &point.best);
        tr_read_number(&item, "mad", &point.mad);
        tr_read_interval(&item, "ci95", point.ci95);
        tr_read_count(&item, "n", INT64_MAX, &n);
        tr_read_number(&item, "core_ghz", &point.core_ghz);
        point.n = n > 0 ? (size_t)n : 0;
        if (!item.code && isnan(point.x))
            tr_reader_complain(&item, "x", "a number", json_object_get(item.object, "x"));
        reader->code = item.code ? item.code : tr_curve_add(curve, &point);
    }
}

static void read_marks(struct tr_reader *reader, struct tr_curve *curve) {
    size_t length = tr_reader_length(reader, "marks");
    for (size_t i = 0; i < length && !reader->code; i++) {
        struct tr_reader item = tr_reader_item(reader, "marks", i);
        struct tr_mark mark = {0};
        tr_read_name(&item, "name", &mark.name);
        tr_read_number(&item, "from", &mark.from);
        tr_read_number(&item, "to", &mark.to);
        tr_read_number(&item, "value", &mark.value);
        tr_read_text(&item, "limit", &mark.limit);
        tr_read_number(&item, "efficiency", &mark.efficiency);
        reader->code =
            item.code ? item.code : tr_curve_mark(curve, mark.name, mark.from, mark.to, mark.value);
        free(mark.name);
        if (reader->code) {
            free(mark.limit);
            return;
        }
        curve->marks[curve->n_marks - 1].limit = mark.limit;
        curve->marks[curve->n_marks - 1].efficiency = mark.efficiency;
    }
}

static bool read_curve(struct tr_reader *reader, struct tr_curve *curve) {
    int64_t threads = -1;
    tr_curve_init(curve);
    if (!tr_read_place(reader, &curve->place))
        return false;
    tr_read_name(reader, "name", &curve->name);
    tr_read_text(reader, "kernel", &curve->kernel);
    tr_read_text(reader, "variant", &curve->variant);
    tr_read_text(reader, "isa", &curve->isa);
    tr_read_text(reader, "dtype", &curve->dtype);
    tr_read_count(reader, "threads", INT_MAX, &threads);
    curve->threads = (int)threads;
    tr_read_count(reader, "page_bytes", INT64_MAX, &curve->page_bytes);
    tr_read_text(reader, "metric", &curve->metric);
    tr_read_name(reader, "unit", &curve->unit);
    tr_read_name(reader, "x", &curve->x);
    tr_read_text(reader, "x_unit", &curve->x_unit);
    read_points(reader, curve);
    read_marks(reader, curve);
    return !reader->code;
}

void tr_read_curves(struct tr_reader *reader, struct tr_curve **ret_curves, size_t *ret_n) {
    size_t length = tr_reader_length(reader, "curves"), n = 0;
    struct tr_curve *curves = length ? calloc(length, sizeof(*curves)) : NULL;
    if (length && !curves)
        reader->code = TR_ENOMEM;
    for (size_t i = 0; i < length && !reader->code; i++) {
        struct tr_reader item = tr_reader_item(reader, "curves", i);
        if (!item.code && read_curve(&item, &curves[n]))
            n++;
        else
            tr_curve_finish(&curves[n]);
        reader->code = item.code;
    }
    *ret_curves = curves; /* whatever was read is the caller's to free */
    *ret_n = n;
}

static void read_ids(struct tr_reader *reader, const char *key, int *ids, size_t n) {
    double *numbers = NULL;
    size_t length = 0;
    tr_read_numbers(reader, key, &numbers, &length);
    if (!reader->code && length != n)
        tr_reader_complain(reader, key, "one number a row or column",
                           json_object_get(reader->object, key));
    for (size_t i = 0; !reader->code && i < n; i++) {
        if (!(numbers[i] >= 0 && numbers[i] <= INT_MAX))
            tr_reader_complain(reader, key, "indices", json_object_get(reader->object, key));
        else
            ids[i] = (int)numbers[i];
    }
    free(numbers);
}

/* Rows of numbers, null for unknown. Absent leaves all unknown. */
static void read_rows(struct tr_reader *reader, const char *key, const struct tr_matrix *matrix,
                      double *values) {
    const json_t *rows = json_object_get(reader->object, key);
    if (reader->code || !rows || json_is_null(rows))
        return;
    bool right = json_is_array(rows) && json_array_size(rows) == matrix->n_rows;
    for (size_t i = 0; right && i < matrix->n_rows; i++) {
        const json_t *row = json_array_get(rows, i);
        right = json_is_array(row) && json_array_size(row) == matrix->n_columns;
        for (size_t k = 0; right && k < matrix->n_columns; k++) {
            const json_t *value = json_array_get(row, k);
            right = json_is_number(value) || json_is_null(value);
            if (json_is_number(value))
                values[i * matrix->n_columns + k] = json_number_value(value);
        }
    }
    if (!right)
        tr_reader_complain(reader, key, "rows of numbers as long as row_ids and column_ids", rows);
}

static bool read_matrix(struct tr_reader *reader, struct tr_matrix *matrix) {
    size_t n_rows = tr_reader_length(reader, "row_ids");
    size_t n_columns = tr_reader_length(reader, "column_ids");
    *matrix = (struct tr_matrix){0};
    if (reader->code)
        return false;
    reader->code = tr_matrix_init(matrix, n_rows, n_columns);
    tr_read_name(reader, "name", &matrix->name);
    tr_read_text(reader, "metric", &matrix->metric);
    tr_read_name(reader, "unit", &matrix->unit);
    tr_read_text(reader, "rows", &matrix->rows);
    tr_read_text(reader, "columns", &matrix->columns);
    if (!reader->code) {
        read_ids(reader, "row_ids", matrix->row_ids, n_rows);
        read_ids(reader, "column_ids", matrix->column_ids, n_columns);
        read_rows(reader, "values", matrix, matrix->values);
        read_rows(reader, "half_widths", matrix, matrix->half_widths);
    }
    return !reader->code;
}

void tr_read_matrices(struct tr_reader *reader, struct tr_matrix **ret_matrices, size_t *ret_n) {
    size_t length = tr_reader_length(reader, "matrices"), n = 0;
    struct tr_matrix *matrices = length ? calloc(length, sizeof(*matrices)) : NULL;
    if (length && !matrices)
        reader->code = TR_ENOMEM;
    for (size_t i = 0; i < length && !reader->code; i++) {
        struct tr_reader item = tr_reader_item(reader, "matrices", i);
        if (!item.code && read_matrix(&item, &matrices[n]))
            n++;
        else
            tr_matrix_finish(&matrices[n]);
        reader->code = item.code;
    }
    *ret_matrices = matrices;
    *ret_n = n;
}
