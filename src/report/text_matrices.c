/* Matrices of the text report: as tables, by classes of distance, and as shaded cells. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "names.h"
#include "text.h"

enum { MOST_MATRIX = 8, MOST_SHADES = 48, WORST = 3 };

static const char *text_of(const char *text) {
    return text ? text : "";
}

/* Which of machine.l3_groups or machine.packages... a core is in, by its CPUs; -1 unknown. */
static int group_of_core(const struct tr_calibration *calibration, const char *groups, int core,
                         const char *field) {
    const json_t *machine = json_object_get(calibration->document, "machine"), *item;
    struct tr_cpulist cpus = {0};
    int found = -1;
    size_t i;
    json_array_foreach(json_object_get(machine, "cores"), i, item) {
        const char *list = json_string_value(json_object_get(item, "cpus"));
        if (json_integer_value(json_object_get(item, "index")) == core && list && !cpus.n)
            (void)tr_cpulist_parse(list, &cpus, NULL);
    }
    json_array_foreach(json_object_get(machine, groups), i, item) {
        const char *list = json_string_value(json_object_get(item, "cpus"));
        struct tr_cpulist of_group = {0};
        if (list && cpus.n && !tr_cpulist_parse(list, &of_group, NULL) &&
            tr_cpulist_intersects(&of_group, &cpus))
            found = (int)json_integer_value(json_object_get(item, field));
        tr_cpulist_finish(&of_group);
    }
    tr_cpulist_finish(&cpus);
    return found;
}

struct pair {
    double value;
    int row, column;
};

static int by_value(const void *a, const void *b) {
    double x = ((const struct pair *)a)->value, y = ((const struct pair *)b)->value;
    return (x > y) - (x < y);
}

static const char *const class_names[] = {"same L3 group", "same package", "other package",
                                          "unknown place"};
enum { CLASSES = sizeof(class_names) / sizeof(class_names[0]), UNKNOWN_PLACE = 3 };

static int class_of(const int *l3, const int *package, size_t row, size_t column) {
    if (l3[row] == l3[column] && l3[row] >= 0)
        return 0;
    if (package[row] < 0 || package[column] < 0)
        return UNKNOWN_PLACE;
    return package[row] == package[column] ? 1 : 2;
}

static void add_class(struct tr_text *text, struct tr_table *table, const char *name,
                      struct pair *pairs, size_t n) {
    if (!n)
        return;
    qsort(pairs, n, sizeof(*pairs), by_value);
    tr_text_cell(text, table, name, 20);
    tr_table_addf(table, "%zu", n);
    tr_table_add(table, tr_text_number(pairs[0].value).text);
    tr_table_add(table, tr_text_number(pairs[n / 2].value).text);
    tr_table_add(table, tr_text_number(pairs[n - 1].value).text);
    struct tr_strbuf worst = {0};
    tr_strbuf_add(&worst, "");
    for (size_t i = 0; i < (text->term.width < 80 ? 1 : WORST) && i < n; i++)
        tr_strbuf_addf(&worst, "%s%d-%d", i ? ", " : "", pairs[n - 1 - i].row,
                       pairs[n - 1 - i].column);
    tr_table_add(table, worst.failed ? "" : worst.text);
    tr_strbuf_finish(&worst);
}

/* Minimum, median, maximum and the slowest pairs of each class of distance. */
static void add_classes(struct tr_text *text, const struct tr_matrix *matrix) {
    size_t n = matrix->n_rows;
    struct pair *pairs = calloc(n * matrix->n_columns + 1, sizeof(*pairs));
    int *l3 = calloc(n + 1, sizeof(*l3)), *package = calloc(n + 1, sizeof(*package));
    struct tr_table table;
    tr_table_init(&table, "lrrrrl");
    static const char *const heads[] = {"pairs", "n", "least", "median", "most", "slowest"};
    for (size_t i = 0; i < 6; i++)
        tr_table_add(&table, heads[i]);
    for (size_t i = 0; l3 && package && i < n; i++) {
        l3[i] = group_of_core(text->calibration, "l3_groups", matrix->row_ids[i], "index");
        package[i] = group_of_core(text->calibration, "l3_groups", matrix->row_ids[i], "package");
    }
    for (int class = 0; pairs && l3 && package && class < CLASSES; class ++) {
        size_t found = 0;
        for (size_t row = 0; row < n; row++)
            for (size_t column = 0; column < matrix->n_columns; column++) {
                double value = matrix->values[row * matrix->n_columns + column];
                if (isfinite(value) && class_of(l3, package, row, column) == class)
                    pairs[found++] =
                        (struct pair){value, matrix->row_ids[row], matrix->column_ids[column]};
            }
        add_class(text, &table, class_names[class], pairs, found);
    }
    text->out->failed |= table.failed || !pairs || !l3 || !package;
    tr_table_write(&table, 4, text->out);
    tr_table_finish(&table);
    free(pairs);
    free(l3);
    free(package);
}

/* The range that the shades divide. */
struct shades {
    double low, high;
};

static struct shades shades_of(const struct tr_matrix *matrix) {
    struct shades shades = {INFINITY, -INFINITY};
    for (size_t i = 0; i < matrix->n_rows * matrix->n_columns; i++) {
        shades.low = fmin(shades.low, matrix->values[i]);
        shades.high = fmax(shades.high, matrix->values[i]);
    }
    return shades;
}

static const char *shade_of(const struct tr_text *text, const struct shades *shades, double value) {
    static const char *const blocks[] = {"░", "▒", "▓", "█"};
    static const char *const letters[] = {".", ":", "o", "#"};
    if (!isfinite(value))
        return " ";
    double part =
        shades->high > shades->low ? (value - shades->low) / (shades->high - shades->low) : 0;
    int at = (int)(fmin(fmax(part, 0), 1) * 3.999);
    return (text->term.unicode ? blocks : letters)[at];
}

/* Mean of the cells that one character stands for; NAN where none was measured. */
static double mean_of(const struct tr_matrix *matrix, size_t row, size_t column, size_t step) {
    double sum = 0;
    int n = 0;
    for (size_t i = row; i < row + step && i < matrix->n_rows; i++)
        for (size_t k = column; k < column + step && k < matrix->n_columns; k++) {
            double value = matrix->values[i * matrix->n_columns + k];
            n += isfinite(value);
            sum += isfinite(value) ? value : 0;
        }
    return n ? sum / n : NAN;
}

/* Two characters a cell, which is about square; several rows and columns share one where there are
 * many. */
static void add_shades(struct tr_text *text, const struct tr_matrix *matrix) {
    struct shades shades = shades_of(matrix);
    size_t room = (text->term.width - 12) / 2;
    size_t most = room < MOST_SHADES ? room : MOST_SHADES;
    size_t longer = matrix->n_rows > matrix->n_columns ? matrix->n_rows : matrix->n_columns;
    size_t step = (longer + most - 1) / most;
    for (size_t row = 0; row < matrix->n_rows; row += step) {
        struct tr_strbuf line = {0};
        tr_strbuf_addf(&line, "    %4d ", matrix->row_ids[row]);
        for (size_t column = 0; column < matrix->n_columns; column += step) {
            const char *shade = shade_of(text, &shades, mean_of(matrix, row, column, step));
            tr_strbuf_repeat(&line, shade, 2);
        }
        while (line.length && !line.failed && line.text[line.length - 1] == ' ')
            line.text[--line.length] = '\0';
        tr_strbuf_add(text->out, line.failed ? "" : line.text);
        tr_strbuf_add(text->out, "\n");
        text->out->failed |= line.failed;
        tr_strbuf_finish(&line);
    }
    tr_text_wrapf(text, 4, "    %s %s to %s %s%s", shade_of(text, &shades, shades.low),
                  tr_text_number(shades.low).text, shade_of(text, &shades, shades.high),
                  tr_text_number(shades.high).text,
                  step > 1 ? "; a cell is the mean of several" : "");
}

/* Each cell with its shade in front. */
static void add_cells(struct tr_text *text, const struct tr_matrix *matrix) {
    struct shades shades = shades_of(matrix);
    struct tr_table table;
    tr_table_init(&table, "rrrrrrrrrr");
    table.n_columns = matrix->n_columns + 1;
    tr_text_cell(text, &table, matrix->rows, 12);
    for (size_t i = 0; i < matrix->n_columns; i++)
        tr_table_addf(&table, "%d", matrix->column_ids[i]);
    for (size_t row = 0; row < matrix->n_rows; row++) {
        tr_table_addf(&table, "%d", matrix->row_ids[row]);
        for (size_t i = 0; i < matrix->n_columns; i++)
            tr_table_addf(&table, "%s%s %s",
                          shade_of(text, &shades, matrix->values[row * matrix->n_columns + i]),
                          shade_of(text, &shades, matrix->values[row * matrix->n_columns + i]),
                          tr_text_number(matrix->values[row * matrix->n_columns + i]).text);
    }
    tr_table_write(&table, 4, text->out);
    text->out->failed |= table.failed;
    tr_table_finish(&table);
}

void tr_text_matrix(struct tr_text *text, const struct tr_matrix *matrix) {
    struct tr_strbuf line = {0};
    tr_strbuf_add(&line, "  ");
    tr_text_add(text, &line, tr_plain_name(matrix->name));
    tr_text_add(text, &line, ": ");
    tr_text_add(text, &line, text_of(matrix->unit));
    if (!line.failed)
        tr_text_wrap(text, line.text, 4);
    text->out->failed |= line.failed;
    tr_strbuf_finish(&line);
    if (matrix->n_columns <= MOST_MATRIX && matrix->n_rows <= MOST_MATRIX)
        add_cells(text, matrix);
    else if (matrix->n_columns == matrix->n_rows)
        add_classes(text, matrix);
    if (text->full && (matrix->n_columns > MOST_MATRIX || matrix->n_rows > MOST_MATRIX))
        add_shades(text, matrix);
}
