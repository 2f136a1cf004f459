/* Aligned text tables: cells in, lines out. Widths count display columns, not bytes. */
#ifndef TR_BASE_TABLE_H
#define TR_BASE_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "strbuf.h"

enum { TR_TABLE_MAX_COLUMNS = 24 };

struct tr_table {
    size_t n_columns;
    bool right[TR_TABLE_MAX_COLUMNS]; /* right-aligned column */
    char **cells;                     /* row by row */
    size_t n_cells;
    bool failed; /* out of memory */
};

/* `alignment`: one letter a column, 'l' or 'r'. */
void tr_table_init(struct tr_table *table, const char *alignment);
/* Adds the next cell; rows fill from left to right. NULL adds an empty one. */
void tr_table_add(struct tr_table *table, const char *text);
void tr_table_addf(struct tr_table *table, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Writes all rows, each line begins with `indent` blanks, columns are two blanks apart, no
 * trailing blanks. */
void tr_table_write(const struct tr_table *table, size_t indent, struct tr_strbuf *out);
/* The same within `width` columns: `spare` names columns by their digits (0 is the first), which
 * are left out one after another until the rest fits. Returns the columns that were taken. */
size_t tr_table_write_fitting(const struct tr_table *table, size_t indent, size_t width,
                              const char *spare, struct tr_strbuf *out);
void tr_table_finish(struct tr_table *table);

#endif
