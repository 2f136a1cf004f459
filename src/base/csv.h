/* CSV tables (RFC 4180 quoting, header line first), as the project's data files are. */
#ifndef TR_BASE_CSV_H
#define TR_BASE_CSV_H

#include <stddef.h>

#include "tokenroof/err.h"

struct tr_csv {
    char *storage;
    char ***rows; /* rows[0] is the header; each row has n_columns cells, empty ones "" */
    size_t n_rows;
    size_t n_columns;
};

/* `name` is for messages. TR_EFORMAT (with the line) on unbalanced quotes or a row with another
 * number of cells than the header. */
int tr_csv_parse(const char *text, size_t length, const char *name, struct tr_csv *ret_csv,
                 struct tr_err *reterr);
/* Column number of a header name, -1 if absent. */
int tr_csv_column(const struct tr_csv *csv, const char *name);
/* Cell by row (1 = first after the header) and column name; "" if the column is absent. */
const char *tr_csv_get(const struct tr_csv *csv, size_t row, const char *column);
/* The same as a number; NAN if empty or not a number. */
double tr_csv_number(const struct tr_csv *csv, size_t row, const char *column);
void tr_csv_finish(struct tr_csv *csv);

#endif
