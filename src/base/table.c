#include "table.h"

#include <stdlib.h>
#include <string.h>

#include "term.h"

void tr_table_init(struct tr_table *table, const char *alignment) {
    *table = (struct tr_table){0};
    for (; *alignment && table->n_columns < TR_TABLE_MAX_COLUMNS; alignment++)
        table->right[table->n_columns++] = *alignment == 'r';
}

/* Takes over `cell`; NULL means that memory ran out. */
static void add_owned(struct tr_table *table, char *cell) {
    char **cells = cell && !table->failed
                       ? realloc(table->cells, (table->n_cells + 1) * sizeof(*cells))
                       : NULL;
    if (!cells) {
        table->failed = true;
        free(cell);
        return;
    }
    cells[table->n_cells++] = cell;
    table->cells = cells;
}

void tr_table_add(struct tr_table *table, const char *text) {
    add_owned(table, strdup(text ? text : ""));
}

void tr_table_addf(struct tr_table *table, const char *format, ...) {
    struct tr_strbuf cell = {0};
    va_list args;
    va_start(args, format);
    tr_strbuf_vaddf(&cell, format, args);
    va_end(args);
    add_owned(table, tr_strbuf_take(&cell));
}

void tr_table_write(const struct tr_table *table, size_t indent, struct tr_strbuf *out) {
    size_t widths[TR_TABLE_MAX_COLUMNS] = {0};
    if (table->failed)
        out->failed = true;
    for (size_t i = 0; i < table->n_cells; i++) {
        size_t width = tr_display_width(table->cells[i]);
        if (width > widths[i % table->n_columns])
            widths[i % table->n_columns] = width;
    }
    for (size_t first = 0; first < table->n_cells; first += table->n_columns) {
        /* Blanks are owed until something follows them, so that no line ends in one. */
        size_t owed = indent;
        for (size_t i = 0; i < table->n_columns && first + i < table->n_cells; i++) {
            const char *cell = table->cells[first + i];
            size_t padding = widths[i] - tr_display_width(cell);
            if (table->right[i])
                owed += padding;
            if (*cell) {
                tr_strbuf_repeat(out, " ", owed);
                tr_strbuf_add(out, cell);
                owed = 0;
            }
            if (!table->right[i])
                owed += padding;
            owed += 2;
        }
        tr_strbuf_add(out, "\n");
    }
}

void tr_table_finish(struct tr_table *table) {
    if (!table)
        return;
    for (size_t i = 0; i < table->n_cells; i++)
        free(table->cells[i]);
    free(table->cells);
    *table = (struct tr_table){0};
}
