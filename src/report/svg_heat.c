#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "svg.h"
#include "text.h"

enum { LEFT = 48, TOP = 76, ROOM = 656, LARGEST = 56, SHADES = 48, N_STOPS = 9 };

struct shade {
    int red, green, blue;
};

/* From dark to light, told apart by people who see no red or green as well. */
static struct shade shade_of(double share) {
    static const struct shade stops[N_STOPS] = {{68, 1, 84},    {71, 45, 123},  {59, 82, 139},
                                                {44, 114, 142}, {33, 145, 140}, {40, 174, 128},
                                                {94, 201, 98},  {173, 220, 48}, {253, 231, 37}};
    double at = fmin(fmax(share, 0), 1) * (N_STOPS - 1);
    int low = at >= N_STOPS - 1 ? N_STOPS - 2 : (int)at;
    double part = at - low;
    const struct shade *a = &stops[low], *b = &stops[low + 1];
    return (struct shade){(int)lround(a->red + part * (b->red - a->red)),
                          (int)lround(a->green + part * (b->green - a->green)),
                          (int)lround(a->blue + part * (b->blue - a->blue))};
}

static double cell_size(const struct tr_matrix *matrix) {
    size_t n = matrix->n_columns > matrix->n_rows ? matrix->n_columns : matrix->n_rows;
    return fmin(LARGEST, (double)ROOM / (double)n);
}

double tr_svg_heat_height(const struct tr_plot *plot) {
    return TOP + cell_size(plot->matrix) * (double)plot->matrix->n_rows + 56;
}

static void range_of(const struct tr_matrix *matrix, double *low, double *high) {
    *low = INFINITY;
    *high = -INFINITY;
    for (size_t i = 0; i < matrix->n_rows * matrix->n_columns; i++) {
        if (!isfinite(matrix->values[i]))
            continue;
        *low = fmin(*low, matrix->values[i]);
        *high = fmax(*high, matrix->values[i]);
    }
    if (*low > *high)
        *low = *high = 0;
}

static int shade_number(double value, double low, double high) {
    int number = high > low ? (int)((value - low) / (high - low) * SHADES) : 0;
    return number < 0 ? 0 : number >= SHADES ? SHADES - 1 : number;
}

static void corner_of(const struct tr_matrix *matrix, size_t index, double *ret_x, double *ret_y) {
    size_t row = index / matrix->n_columns, column = index % matrix->n_columns;
    *ret_x = LEFT + (double)column * cell_size(matrix);
    *ret_y = TOP + (double)row * cell_size(matrix);
}

/* All cells of one shade as one path: thousands of cores stay one small file. */
static void draw_cells(const struct tr_matrix *matrix, double low, double high,
                       struct tr_strbuf *out) {
    double cell = cell_size(matrix);
    for (int number = 0; number < SHADES; number++) {
        struct shade shade = shade_of((number + 0.5) / SHADES);
        bool any = false;
        for (size_t i = 0; i < matrix->n_rows * matrix->n_columns; i++) {
            if (!isfinite(matrix->values[i]) ||
                shade_number(matrix->values[i], low, high) != number)
                continue;
            if (!any)
                tr_strbuf_add(out, "<path shape-rendering=\"crispEdges\" class=\"mark\" d=\"");
            any = true;
            double x, y;
            corner_of(matrix, i, &x, &y);
            tr_strbuf_addf(out, "M%.2f,%.2fh%.2fv%.2fh-%.2fz", x, y, cell, cell, cell);
        }
        if (any)
            tr_strbuf_addf(out, "\" fill=\"#%02x%02x%02x\"/>\n", (unsigned)shade.red,
                           (unsigned)shade.green, (unsigned)shade.blue);
    }
}

static void draw_values(const struct tr_matrix *matrix, double low, double high,
                        struct tr_strbuf *out) {
    double cell = cell_size(matrix);
    if (cell < 34)
        return;
    for (size_t i = 0; i < matrix->n_rows * matrix->n_columns; i++) {
        if (!isfinite(matrix->values[i]))
            continue;
        struct shade at = shade_of((shade_number(matrix->values[i], low, high) + 0.5) / SHADES);
        double x, y;
        corner_of(matrix, i, &x, &y);
        bool light = 0.299 * at.red + 0.587 * at.green + 0.114 * at.blue > 125;
        tr_strbuf_addf(out,
                       "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\" style=\"fill:%s;"
                       "font-size:11px\">%.3g</text>\n",
                       x + cell / 2, y + cell / 2 + 4, light ? "#000" : "#fff", matrix->values[i]);
    }
}

static void draw_ids(const struct tr_matrix *matrix, struct tr_strbuf *out) {
    double cell = cell_size(matrix);
    size_t every_column = (size_t)ceil(26 / cell), every_row = (size_t)ceil(15 / cell);
    char id[16];
    for (size_t i = 0; i < matrix->n_columns; i += every_column) {
        snprintf(id, sizeof(id), "%d", matrix->column_ids[i]);
        tr_svg_text(out, LEFT + ((double)i + 0.5) * cell, TOP - 5, "middle", "soft", id);
    }
    for (size_t i = 0; i < matrix->n_rows; i += every_row) {
        snprintf(id, sizeof(id), "%d", matrix->row_ids[i]);
        tr_svg_text(out, LEFT - 5, TOP + ((double)i + 0.5) * cell + 4, "end", "soft", id);
    }
}

static void draw_key(const struct tr_plot *plot, double low, double high, struct tr_strbuf *out) {
    enum { PIECES = 36, PIECE = 6 };
    double y = tr_svg_heat_height(plot) - 42;
    for (int i = 0; i < PIECES; i++) {
        struct shade shade = shade_of((i + 0.5) / PIECES);
        tr_strbuf_addf(out,
                       "<rect x=\"%d\" y=\"%.1f\" width=\"%d\" height=\"9\" "
                       "shape-rendering=\"crispEdges\" fill=\"#%02x%02x%02x\"/>\n",
                       LEFT + i * PIECE, y, PIECE, (unsigned)shade.red, (unsigned)shade.green,
                       (unsigned)shade.blue);
    }
    tr_svg_text(out, LEFT, y + 24, "start", "soft", tr_text_number(low).text);
    tr_svg_text(out, LEFT + PIECES * PIECE, y + 24, "end", "soft", tr_text_number(high).text);
    tr_svg_text(out, LEFT + PIECES * PIECE + 8, y + 9, "start", "soft", plot->matrix->unit);
}

void tr_svg_heat(const struct tr_plot *plot, struct tr_strbuf *out) {
    double low, high;
    range_of(plot->matrix, &low, &high);
    draw_cells(plot->matrix, low, high, out);
    draw_values(plot->matrix, low, high, out);
    draw_ids(plot->matrix, out);
    draw_key(plot, low, high, out);
}
