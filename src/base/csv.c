#include "csv.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "parse.h"

struct builder {
    struct tr_csv csv;
    char **cells; /* of the row being read */
    size_t n_cells, capacity;
};

static int add_cell(struct builder *b, char *cell) {
    if (b->n_cells == b->capacity) {
        size_t capacity = b->capacity ? b->capacity * 2 : 32;
        char **cells = realloc(b->cells, capacity * sizeof(*cells));
        if (!cells)
            return TR_ENOMEM;
        b->cells = cells;
        b->capacity = capacity;
    }
    b->cells[b->n_cells++] = cell;
    return 0;
}

static int end_row(struct builder *b, const char *name, size_t line, struct tr_err *reterr) {
    struct tr_csv *csv = &b->csv;
    if (csv->n_rows == 0)
        csv->n_columns = b->n_cells;
    if (b->n_cells != csv->n_columns)
        return tr_err_set(reterr, TR_EFORMAT, "%s: line %zu: %zu cells, expected %zu", name, line,
                          b->n_cells, csv->n_columns);
    char **row = malloc((b->n_cells ? b->n_cells : 1) * sizeof(*row));
    char ***rows = realloc(csv->rows, (csv->n_rows + 1) * sizeof(*rows));
    if (rows)
        csv->rows = rows;
    if (!row || !rows) {
        free(row);
        return TR_ENOMEM;
    }
    memcpy(row, b->cells, b->n_cells * sizeof(*row));
    rows[csv->n_rows++] = row;
    b->n_cells = 0;
    return 0;
}

int tr_csv_parse(const char *text, size_t length, const char *name, struct tr_csv *ret_csv,
                 struct tr_err *reterr) {
    struct builder b = {0};
    size_t line = 1;
    int code = 0;
    /* Cells are unquoted in place: the copy can only shrink. */
    char *storage = malloc(length + 2);
    if (!storage)
        return TR_ENOMEM;
    b.csv.storage = storage;
    const char *at = text, *end = text + length;
    char *out = storage;

    while (!code && at < end) {
        if (*at == '\n' && b.n_cells == 0) { /* blank line */
            at++;
            line++;
            continue;
        }
        char *cell = out;
        size_t first_line = line;
        if (*at == '"') {
            bool closed = false;
            for (at++; at < end; at++) {
                if (*at == '"') {
                    if (at + 1 < end && at[1] == '"') {
                        at++;
                    } else {
                        at++;
                        closed = true;
                        break;
                    }
                }
                if (*at == '\n')
                    line++;
                *out++ = *at;
            }
            if (!closed || (at < end && *at != ',' && *at != '\n' && *at != '\r')) {
                code = tr_err_set(reterr, TR_EFORMAT, "%s: line %zu: unbalanced quotes", name,
                                  first_line);
                break;
            }
        } else {
            while (at < end && *at != ',' && *at != '\n' && *at != '\r')
                *out++ = *at++;
        }
        bool more = at < end && *at == ',';
        while (at < end && *at == '\r')
            at++;
        if (at < end)
            at++; /* the comma or the newline */
        *out++ = '\0';
        code = add_cell(&b, cell);
        if (!code && more && at == end) /* a comma at the very end: one empty cell follows */
            code = add_cell(&b, out - 1);
        if (!code && (!more || at == end)) {
            code = end_row(&b, name, line, reterr);
            line++;
        }
    }
    free(b.cells);
    if (code) {
        tr_csv_finish(&b.csv);
        return code;
    }
    *ret_csv = b.csv;
    return 0;
}

int tr_csv_column(const struct tr_csv *csv, const char *name) {
    if (csv->n_rows)
        for (size_t i = 0; i < csv->n_columns; i++)
            if (!strcmp(csv->rows[0][i], name))
                return (int)i;
    return -1;
}

const char *tr_csv_get(const struct tr_csv *csv, size_t row, const char *column) {
    int at = tr_csv_column(csv, column);
    return at < 0 || row >= csv->n_rows ? "" : csv->rows[row][at];
}

double tr_csv_number(const struct tr_csv *csv, size_t row, const char *column) {
    double value;
    if (tr_parse_double(tr_csv_get(csv, row, column), -1e300, 1e300, &value, NULL))
        return NAN;
    return value;
}

void tr_csv_finish(struct tr_csv *csv) {
    if (!csv)
        return;
    for (size_t i = 0; i < csv->n_rows; i++)
        free(csv->rows[i]);
    free(csv->rows);
    free(csv->storage);
    *csv = (struct tr_csv){0};
}
