#include "table.h"

#include <stdint.h>
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

static size_t width_of(const struct tr_table *table, const size_t *widths, const bool *left_out) {
    size_t sum = 0;
    for (size_t i = 0; i < table->n_columns; i++)
        sum += left_out[i] ? 0 : widths[i] + 2;
    return sum > 2 ? sum - 2 : 0;
}

static void write_row(const struct tr_table *table, size_t first, const size_t *widths,
                      const bool *left_out, size_t indent, struct tr_strbuf *out) {
    /* Blanks are owed until something follows them, so that no line ends in one. */
    size_t owed = indent;
    for (size_t i = 0; i < table->n_columns && first + i < table->n_cells; i++) {
        const char *cell = table->cells[first + i];
        if (left_out[i])
            continue;
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

size_t tr_table_write_fitting(const struct tr_table *table, size_t indent, size_t width,
                              const char *spare, struct tr_strbuf *out) {
    size_t widths[TR_TABLE_MAX_COLUMNS] = {0};
    bool left_out[TR_TABLE_MAX_COLUMNS] = {0};
    if (table->failed)
        out->failed = true;
    for (size_t i = 0; i < table->n_cells; i++) {
        size_t cell = tr_display_width(table->cells[i]);
        if (cell > widths[i % table->n_columns])
            widths[i % table->n_columns] = cell;
    }
    while (*spare && indent + width_of(table, widths, left_out) > width)
        left_out[*spare++ - '0'] = true;
    for (size_t first = 0; first < table->n_cells; first += table->n_columns)
        write_row(table, first, widths, left_out, indent, out);
    return indent + width_of(table, widths, left_out);
}

void tr_table_write(const struct tr_table *table, size_t indent, struct tr_strbuf *out) {
    (void)tr_table_write_fitting(table, indent, SIZE_MAX, "", out);
}

void tr_table_finish(struct tr_table *table) {
    if (!table)
        return;
    for (size_t i = 0; i < table->n_cells; i++)
        free(table->cells[i]);
    free(table->cells);
    *table = (struct tr_table){0};
}
