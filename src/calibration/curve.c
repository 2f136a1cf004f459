#include "tokenroof/curve.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tokenroof/err.h"

void tr_curve_init(struct tr_curve *curve) {
    *curve = (struct tr_curve){.threads = -1, .page_bytes = -1};
}

void tr_curve_finish(struct tr_curve *curve) {
    if (!curve)
        return;
    char *texts[] = {curve->name,   curve->kernel, curve->variant, curve->isa,   curve->dtype,
                     curve->metric, curve->unit,   curve->x,       curve->x_unit};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        free(texts[i]);
    for (size_t i = 0; i < curve->n_marks; i++) {
        free(curve->marks[i].name);
        free(curve->marks[i].limit);
    }
    free(curve->marks);
    free(curve->points);
    tr_place_finish(&curve->place);
    *curve = (struct tr_curve){0};
}

int tr_curve_add(struct tr_curve *curve, const struct tr_point *point) {
    struct tr_point *grown = realloc(curve->points, (curve->n_points + 1) * sizeof(*grown));
    if (!grown)
        return TR_ENOMEM;
    curve->points = grown;
    size_t at = curve->n_points++;
    for (; at > 0 && grown[at - 1].x > point->x; at--)
        grown[at] = grown[at - 1];
    grown[at] = *point;
    return 0;
}

int tr_curve_mark(struct tr_curve *curve, const char *name, double from, double to, double value) {
    struct tr_mark *grown = realloc(curve->marks, (curve->n_marks + 1) * sizeof(*grown));
    if (!grown)
        return TR_ENOMEM;
    curve->marks = grown;
    grown[curve->n_marks] = (struct tr_mark){
        .name = strdup(name), .from = from, .to = to, .value = value, .efficiency = NAN};
    if (!grown[curve->n_marks].name)
        return TR_ENOMEM;
    curve->n_marks++;
    return 0;
}

int tr_matrix_init(struct tr_matrix *matrix, size_t n_rows, size_t n_columns) {
    size_t n = n_rows * n_columns;
    *matrix = (struct tr_matrix){
        .n_rows = n_rows,
        .n_columns = n_columns,
        .row_ids = calloc(n_rows + 1, sizeof(int)),
        .column_ids = calloc(n_columns + 1, sizeof(int)),
        .values = calloc(n + 1, sizeof(double)),
        .half_widths = calloc(n + 1, sizeof(double)),
    };
    if (!matrix->row_ids || !matrix->column_ids || !matrix->values || !matrix->half_widths) {
        tr_matrix_finish(matrix);
        return TR_ENOMEM;
    }
    for (size_t i = 0; i < n_rows; i++)
        matrix->row_ids[i] = (int)i;
    for (size_t i = 0; i < n_columns; i++)
        matrix->column_ids[i] = (int)i;
    for (size_t i = 0; i < n; i++)
        matrix->values[i] = matrix->half_widths[i] = NAN;
    return 0;
}

void tr_matrix_finish(struct tr_matrix *matrix) {
    if (!matrix)
        return;
    char *texts[] = {matrix->name, matrix->metric, matrix->unit, matrix->rows, matrix->columns};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        free(texts[i]);
    free(matrix->row_ids);
    free(matrix->column_ids);
    free(matrix->values);
    free(matrix->half_widths);
    *matrix = (struct tr_matrix){0};
}
