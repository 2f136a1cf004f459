/* A user's own table of platforms. */
#include <stdlib.h>
#include <string.h>

#include "catalogue.h"
#include "file.h"
#include "parse.h"

enum { MAX_FILE_BYTES = 4 << 20 };

/* Line of a row (0 = the header): rows may span lines where a cell is quoted, and blank lines are
 * no rows. */
static size_t line_of_row(const char *text, size_t row) {
    size_t line = 1, rows = 0, row_line = 1;
    bool quoted = false, empty = true;
    for (; *text; text++) {
        quoted = quoted != (*text == '"');
        if (*text == '\n') {
            if (!quoted && !empty && rows++ == row)
                return row_line;
            line++;
            if (!quoted) {
                empty = true;
                row_line = line;
            }
        } else if (*text != '\r') {
            empty = false;
        }
    }
    return row_line;
}

static int check_header(const struct tr_csv *csv, const char *path, struct tr_err *reterr) {
    if (csv->n_rows == 0 || tr_csv_column(csv, "name") < 0)
        return tr_err_set(reterr, TR_EFORMAT,
                          "%s: line 1: no column 'name'. Expected a line with column names of the "
                          "catalogue, for example: name,mem_channels,max_mts",
                          path);
    for (size_t i = 0; i < csv->n_columns; i++) {
        const char *column = csv->rows[0][i];
        if (tr_platform_column_kind(column) < 0)
            return tr_err_set(reterr, TR_EFORMAT,
                              "%s: line 1: unknown column '%.60s'. Expected columns of the "
                              "catalogue (data/cpus.csv)",
                              path, column);
        if (tr_csv_column(csv, column) != (int)i)
            return tr_err_set(reterr, TR_EFORMAT, "%s: line 1: column '%.60s' is there twice", path,
                              column);
    }
    return 0;
}

static int check_cell(const struct tr_csv *csv, size_t row, size_t column, const char *path,
                      const char *text, struct tr_err *reterr) {
    const char *cell = csv->rows[row][column], *name = csv->rows[0][column];
    int kind = tr_platform_column_kind(name);
    double value = 0;
    if (kind == 0 && !*cell)
        return tr_err_set(reterr, TR_EFORMAT, "%s: line %zu: the row has no name", path,
                          line_of_row(text, row));
    /* Zero is a fact about efficiency cores only. */
    if (kind == 2 && *cell &&
        (tr_parse_double(cell, 0, 1e9, &value, NULL) || (value == 0 && strcmp(name, "e_cores"))))
        return tr_err_set(reterr, TR_EFORMAT,
                          "%s: line %zu: %s is '%.40s'. Expected a positive number, or nothing "
                          "where it is unknown",
                          path, line_of_row(text, row), name, cell);
    return 0;
}

static int check_rows(const struct tr_csv *csv, const char *path, const char *text,
                      struct tr_err *reterr) {
    int code = check_header(csv, path, reterr);
    for (size_t row = 1; !code && row < csv->n_rows; row++) {
        for (size_t i = 0; !code && i < csv->n_columns; i++)
            code = check_cell(csv, row, i, path, text, reterr);
        for (size_t other = 1; !code && other < row; other++)
            if (!strcmp(tr_csv_get(csv, row, "name"), tr_csv_get(csv, other, "name")))
                code = tr_err_set(reterr, TR_EFORMAT, "%s: line %zu: '%.60s' is there twice", path,
                                  line_of_row(text, row), tr_csv_get(csv, row, "name"));
    }
    return code;
}

int tr_platform_file_read(const char *path, struct tr_platform_file **ret_file,
                          struct tr_err *reterr) {
    struct tr_platform_file *file = calloc(1, sizeof(*file));
    static const char mark[] = "\xef\xbb\xbf"; /* spreadsheets begin their tables with it */
    char *text = NULL;
    size_t length = 0;
    int code = file ? tr_file_read(path, MAX_FILE_BYTES, &text, &length, reterr) : TR_ENOMEM;
    if (!code && strlen(text) != length)
        code = tr_err_set(reterr, TR_EFORMAT, "%s: byte %zu is zero. Expected a table as text",
                          path, strlen(text));
    const char *table = text;
    if (!code && !strncmp(text, mark, strlen(mark)))
        table += strlen(mark);
    if (!code)
        code = tr_csv_parse(table, strlen(table), path, &file->set.csv, reterr);
    if (!code)
        code = check_rows(&file->set.csv, path, text, reterr);
    if (!code)
        code = tr_platform_set_fill(&file->set, tr_catalogue_platforms());
    free(text);
    if (code) {
        tr_platform_file_destroy(file);
        return code;
    }
    *ret_file = file;
    return 0;
}

void tr_platform_file_destroy(struct tr_platform_file *file) {
    if (!file)
        return;
    tr_platform_set_finish(&file->set);
    free(file);
}
