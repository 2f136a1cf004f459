#include "markdown.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "term.h"
#include "text.h"

enum { MOST_COLUMNS = 12 };

/* Whether the character at `at` could begin or end markup. Underscores within words and dots are
 * left as they are, so that names stay legible in the source. */
static bool is_markup(const char *text, const char *at) {
    if (*at == '_')
        return at == text || !isalnum((unsigned char)at[-1]) || !isalnum((unsigned char)at[1]);
    if (*at == ':') /* bare addresses become links in many places */
        return at[1] == '/';
    if (*at == '.')
        return at - text >= 3 && !strncasecmp(at - 3, "www", 3);
    return *at && strchr("\\`*[]<>#|~&!@$", *at);
}

void tr_markdown_text(struct tr_strbuf *out, const char *from_file) {
    char *printable = tr_printable(from_file ? from_file : "");
    if (!printable) {
        out->failed = true;
        return;
    }
    for (const char *at = printable; *at; at++) {
        if (is_markup(printable, at))
            tr_strbuf_add(out, "\\");
        tr_strbuf_add_bytes(out, at, 1);
    }
    free(printable);
}

void tr_markdown_cell(struct tr_strbuf *out, const char *from_file) {
    tr_strbuf_add(out, " ");
    tr_markdown_text(out, from_file);
    tr_strbuf_add(out, " |");
}

void tr_markdown_place(struct tr_strbuf *out, const struct tr_place *place) {
    if (place->kind == TR_PLACE_MACHINE)
        tr_strbuf_add(out, " machine |");
    else
        tr_strbuf_addf(out, " %s %d |", tr_plain_kind(place->kind), place->index);
}

/* A position on a curve: bytes as a capacity, all else as a number. */
static void add_x(struct tr_strbuf *out, const struct tr_curve *curve, double x) {
    static const char *const names[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t i = 0;
    if (!curve->x_unit || strcmp(curve->x_unit, "bytes")) {
        tr_strbuf_addf(out, "%s", tr_text_number(x).text);
        return;
    }
    for (; x >= 1024 && i < 4; i++)
        x /= 1024;
    tr_strbuf_addf(out, "%.4g %s", x, names[i]);
}

static void add_mark(struct tr_strbuf *out, const struct tr_curve *curve,
                     const struct tr_mark *mark) {
    tr_strbuf_add(out, "|");
    tr_markdown_cell(out, tr_plain_name(curve->name));
    tr_markdown_cell(out, curve->kernel);
    tr_markdown_place(out, &curve->place);
    tr_markdown_cell(out, mark->name);
    tr_strbuf_add(out, " ");
    add_x(out, curve, mark->from);
    if (mark->to > mark->from) {
        tr_strbuf_add(out, " to ");
        add_x(out, curve, mark->to);
    }
    if (curve->x && !strcmp(curve->x, "threads")) {
        tr_strbuf_add(out, " threads");
    } else if (curve->x_unit && strcmp(curve->x_unit, "bytes") && strcmp(curve->x_unit, "1")) {
        tr_strbuf_add(out, " ");
        tr_markdown_text(out, curve->x_unit);
    }
    tr_strbuf_addf(out, " | %s |", tr_text_number(mark->value).text);
    tr_markdown_cell(out, curve->unit);
    tr_strbuf_add(out, "\n");
}

static void add_whole(struct tr_strbuf *out, const struct tr_matrix *matrix) {
    tr_strbuf_add(out, "|  |");
    for (size_t k = 0; k < matrix->n_columns; k++)
        tr_strbuf_addf(out, " %d |", matrix->column_ids[k]);
    tr_strbuf_add(out, "\n|--:|");
    tr_strbuf_repeat(out, "--:|", matrix->n_columns);
    tr_strbuf_add(out, "\n");
    for (size_t i = 0; i < matrix->n_rows; i++) {
        tr_strbuf_addf(out, "| **%d** |", matrix->row_ids[i]);
        for (size_t k = 0; k < matrix->n_columns; k++)
            tr_strbuf_addf(out, " %s |",
                           tr_text_number(matrix->values[i * matrix->n_columns + k]).text);
        tr_strbuf_add(out, "\n");
    }
}

static int by_value(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* Least, median and highest value of a matrix that is too wide for a page. */
static void add_spread(struct tr_strbuf *out, const struct tr_matrix *matrix) {
    size_t n = 0, all = matrix->n_rows * matrix->n_columns;
    double *known = calloc(all, sizeof(double));
    for (size_t i = 0; known && i < all; i++)
        if (isfinite(matrix->values[i]))
            known[n++] = matrix->values[i];
    if (!known)
        out->failed = true;
    else
        qsort(known, n, sizeof(double), by_value);
    if (n)
        tr_strbuf_addf(out,
                       "%zu x %zu, least %s, median %s, highest %s; all of it is in the "
                       "formats json and html.\n",
                       matrix->n_rows, matrix->n_columns, tr_text_number(known[0]).text,
                       tr_text_number(known[n / 2]).text, tr_text_number(known[n - 1]).text);
    free(known);
}

void tr_markdown_curves(struct tr_strbuf *out, const struct tr_calibration *calibration) {
    bool any = false;
    for (size_t i = 0; i < calibration->n_curves; i++) {
        const struct tr_curve *curve = &calibration->curves[i];
        for (size_t k = 0; k < curve->n_marks; k++) {
            if (!any)
                tr_strbuf_add(out, "\n## Plateaus and knees\n\n| curve | kernel | place | mark | "
                                   "where | value | unit |\n|---|---|---|---|---|--:|---|\n");
            any = true;
            add_mark(out, curve, &curve->marks[k]);
        }
    }
    for (size_t i = 0; i < calibration->n_matrices; i++) {
        const struct tr_matrix *matrix = &calibration->matrices[i];
        if (!matrix->n_rows || !matrix->n_columns)
            continue;
        tr_strbuf_add(out, "\n## ");
        tr_markdown_text(out, tr_plain_name(matrix->name));
        tr_strbuf_add(out, ", ");
        tr_markdown_text(out, matrix->unit);
        bool nodes = matrix->rows && !strcmp(matrix->rows, "node");
        tr_strbuf_add(out,
                      nodes ? "\n\nRows: where the threads are; columns: where the memory is.\n\n"
                            : "\n\n");
        if (matrix->n_columns <= MOST_COLUMNS)
            add_whole(out, matrix);
        else
            add_spread(out, matrix);
    }
}
