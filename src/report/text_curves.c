/* Latencies, curves and matrices of the text report: a line of blocks a curve with what was found
 * on it, its points where there are few curves, and matrices as tables or by classes of distance.
 */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

enum { MOST_CURVES_WITH_POINTS = 4, MOST_POINTS = 20, MOST_MATRIX = 8, BAR_WIDTH = 24, WORST = 3 };
/* A curve that spans more than this is drawn by logarithms. */
static const double log_span = 20;

static const char *text_of(const char *text) {
    return text ? text : "";
}

/* ---- figures in ns ---- */

bool tr_text_is_time(const struct tr_measurement *m) {
    return m->unit && !strcmp(m->unit, "ns");
}

/* Latencies and barriers: less is better, so they are no bars beside rates. */
static void add_times(struct tr_text *text) {
    const struct tr_calibration *calibration = text->calibration;
    struct tr_table table;
    tr_table_init(&table, "llrrrl");
    for (size_t i = 0; i < calibration->n_measurements; i++) {
        const struct tr_measurement *m = &calibration->measurements[i];
        if (!tr_text_is_time(m))
            continue;
        if (!table.n_cells)
            for (size_t k = 0; k < 6; k++) {
                static const char *const heads[] = {"kernel", "what", "ns",
                                                    "cycles", "+-",   "place"};
                tr_table_add(&table, heads[k]);
            }
        tr_text_cell(text, &table, m->kernel, 16);
        tr_text_cell(text, &table, text_of(m->variant), 20);
        tr_table_add(&table, tr_text_number(m->median).text);
        tr_table_add(&table, tr_text_number(m->median * m->core_ghz).text);
        tr_table_add(&table, tr_text_number((m->ci95[1] - m->ci95[0]) / 2).text);
        if (m->threads > 1)
            tr_table_addf(&table, "%d threads", m->threads);
        else
            tr_table_addf(&table, "%s %d", tr_place_kind_name(m->place.kind), m->place.index);
    }
    if (table.n_cells) {
        tr_strbuf_add(text->out, "\n");
        tr_text_head(text, "latency");
        tr_table_write(&table, 2, text->out);
    }
    text->out->failed |= table.failed;
    tr_table_finish(&table);
}

/* ---- curves ---- */

struct range {
    double low, high;
    bool log;
};

static struct range range_of(const struct tr_curve *curve) {
    struct range range = {INFINITY, 0, false};
    for (size_t i = 0; i < curve->n_points; i++) {
        range.low = fmin(range.low, curve->points[i].median);
        range.high = fmax(range.high, curve->points[i].median);
    }
    range.log = range.low > 0 && range.high / range.low > log_span;
    return range;
}

/* 0 to 1. */
static double height(const struct range *range, double value) {
    double part =
        range->log ? log(value / range->low) / log(range->high / range->low) : value / range->high;
    return isfinite(part) ? fmin(fmax(part, 0), 1) : 0;
}

static char *x_text(const struct tr_curve *curve, double x) {
    if (curve->x_unit && !strcmp(curve->x_unit, "bytes"))
        return tr_text_bytes((int64_t)x);
    if (!curve->x_unit || !strcmp(curve->x_unit, "1"))
        return tr_format("%s", tr_text_number(x).text);
    char *unit = tr_printable(curve->x_unit);
    char *made = tr_format("%s %s", tr_text_number(x).text, unit ? unit : "?");
    free(unit);
    return made;
}

static void add_blocks(struct tr_text *text, const struct tr_curve *curve) {
    static const char *const blocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char *const digits[] = {"1", "2", "3", "4", "5", "6", "7", "8"};
    struct range range = range_of(curve);
    size_t room = text->term.width - 4;
    size_t step = (curve->n_points + room - 1) / room;
    tr_strbuf_add(text->out, "    ");
    for (size_t i = 0; i < curve->n_points; i += step ? step : 1) {
        int at = (int)(height(&range, curve->points[i].median) * 7.999);
        tr_strbuf_add(text->out, text->term.unicode ? blocks[at] : digits[at]);
    }
    tr_strbuf_add(text->out, "\n");
}

static void add_marks(struct tr_text *text, const struct tr_curve *curve) {
    struct tr_strbuf line = {0};
    tr_strbuf_add(&line, "    ");
    for (size_t i = 0; i < curve->n_marks; i++) {
        const struct tr_mark *mark = &curve->marks[i];
        char *from = x_text(curve, mark->from), *to = x_text(curve, mark->to);
        tr_text_add(text, &line, i ? " · " : "");
        tr_text_add(text, &line, mark->name);
        tr_strbuf_addf(&line, " %s", tr_text_number(mark->value).text);
        tr_strbuf_addf(&line, mark->from < mark->to ? " (%s to %s)" : " at %s", text_of(from),
                       text_of(to));
        free(from);
        free(to);
    }
    if (curve->n_marks && !line.failed)
        tr_text_wrap(text, line.text, 4);
    text->out->failed |= line.failed;
    tr_strbuf_finish(&line);
}

/* The same curve in larger pages, at the same x: what is above it, translations cost. */
static const struct tr_curve *in_larger_pages(const struct tr_calibration *calibration,
                                              const struct tr_curve *curve) {
    for (size_t i = 0; i < calibration->n_curves; i++) {
        const struct tr_curve *other = &calibration->curves[i];
        if (!strcmp(curve->name, "latency") && !strcmp(other->name, "latency") &&
            other->page_bytes > curve->page_bytes && curve->page_bytes > 0 &&
            other->place.kind == curve->place.kind && other->place.index == curve->place.index)
            return other;
    }
    return NULL;
}

/* Empty where the two cannot be told apart. */
static struct tr_number translation_text(const struct tr_curve *larger,
                                         const struct tr_point *point) {
    const struct tr_number nothing = {""};
    for (size_t i = 0; i < larger->n_points; i++) {
        const struct tr_point *other = &larger->points[i];
        double cost = point->median - other->median;
        double doubt = (point->ci95[1] - point->ci95[0] + other->ci95[1] - other->ci95[0]) / 2;
        if (other->x == point->x)
            return cost > doubt ? tr_text_number(cost) : nothing;
    }
    return nothing;
}

static void add_bar(const struct tr_text *text, struct tr_table *table, double part) {
    struct tr_strbuf bar = {0};
    tr_strbuf_add(&bar, "");
    tr_strbuf_repeat(&bar, text->term.unicode ? "█" : "#", (size_t)(part * BAR_WIDTH + 0.5));
    tr_table_add(table, bar.failed ? "" : bar.text);
    tr_strbuf_finish(&bar);
}

static void add_points(struct tr_text *text, const struct tr_curve *curve) {
    const struct tr_curve *larger = in_larger_pages(text->calibration, curve);
    struct range range = range_of(curve);
    struct tr_table table;
    size_t step = (curve->n_points + MOST_POINTS - 1) / MOST_POINTS;
    tr_table_init(&table, larger ? "rrrrrl" : "rrrrl");
    tr_text_cell(text, &table,
                 curve->x_unit && !strcmp(curve->x_unit, "bytes") ? "bytes" : curve->x, 24);
    tr_text_cell(text, &table, curve->unit, 12);
    tr_table_add(&table, "+-");
    tr_table_add(&table, "GHz");
    if (larger)
        tr_table_add(&table, "translation");
    tr_table_add(&table, range.log ? "(logarithms)" : "");
    for (size_t i = 0; i < curve->n_points; i++) {
        const struct tr_point *point = &curve->points[i];
        if (i % step && i + 1 < curve->n_points)
            continue;
        char *x = x_text(curve, point->x);
        tr_table_add(&table, text_of(x));
        tr_table_add(&table, tr_text_number(point->median).text);
        tr_table_add(&table, tr_text_number((point->ci95[1] - point->ci95[0]) / 2).text);
        tr_table_add(&table, tr_text_number(point->core_ghz).text);
        if (larger)
            tr_table_add(&table, translation_text(larger, point).text);
        add_bar(text, &table, height(&range, point->median));
        free(x);
    }
    tr_table_write(&table, 4, text->out);
    text->out->failed |= table.failed;
    tr_table_finish(&table);
}

static void add_curve(struct tr_text *text, const struct tr_curve *curve, bool points) {
    struct tr_strbuf line = {0};
    tr_strbuf_add(&line, "  ");
    tr_text_add(text, &line, curve->name);
    if (curve->kernel && strcmp(curve->kernel, curve->name) != 0)
        tr_text_add(text, &line, " of ");
    if (curve->kernel && strcmp(curve->kernel, curve->name) != 0)
        tr_text_add(text, &line, curve->kernel);
    if (curve->variant)
        tr_text_add(text, &line, ", ");
    tr_text_add(text, &line, text_of(curve->variant));
    tr_strbuf_addf(&line, ", %s %d", tr_place_kind_name(curve->place.kind), curve->place.index);
    if (curve->threads > 1)
        tr_strbuf_addf(&line, ", %d threads", curve->threads);
    if (curve->page_bytes > 0) {
        char *bytes = tr_text_bytes(curve->page_bytes);
        tr_strbuf_addf(&line, ", pages of %s", text_of(bytes));
        free(bytes);
    }
    tr_text_add(text, &line, ": ");
    tr_text_add(text, &line, text_of(curve->unit));
    if (!line.failed)
        tr_text_wrap(text, line.text, 4);
    text->out->failed |= line.failed;
    tr_strbuf_finish(&line);
    add_blocks(text, curve);
    add_marks(text, curve);
    if (points)
        add_points(text, curve);
}

/* ---- matrices ---- */

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
    for (size_t i = 0; i < WORST && i < n; i++)
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

static void add_cells(struct tr_text *text, const struct tr_matrix *matrix) {
    struct tr_table table;
    tr_table_init(&table, "rrrrrrrrrr");
    table.n_columns = matrix->n_columns + 1;
    tr_text_cell(text, &table, matrix->rows, 12);
    for (size_t i = 0; i < matrix->n_columns; i++)
        tr_table_addf(&table, "%d", matrix->column_ids[i]);
    for (size_t row = 0; row < matrix->n_rows; row++) {
        tr_table_addf(&table, "%d", matrix->row_ids[row]);
        for (size_t i = 0; i < matrix->n_columns; i++)
            tr_table_add(&table, tr_text_number(matrix->values[row * matrix->n_columns + i]).text);
    }
    tr_table_write(&table, 4, text->out);
    text->out->failed |= table.failed;
    tr_table_finish(&table);
}

static void add_matrix(struct tr_text *text, const struct tr_matrix *matrix) {
    struct tr_strbuf line = {0};
    tr_strbuf_add(&line, "  ");
    tr_text_add(text, &line, matrix->name);
    tr_text_add(text, &line, ": ");
    tr_text_add(text, &line, text_of(matrix->unit));
    if (!line.failed)
        tr_text_wrap(text, line.text, 4);
    text->out->failed |= line.failed;
    tr_strbuf_finish(&line);
    if (matrix->n_columns <= MOST_MATRIX)
        add_cells(text, matrix);
    else
        add_classes(text, matrix);
}

void tr_text_curves(struct tr_text *text) {
    const struct tr_calibration *calibration = text->calibration;
    add_times(text);
    if (calibration->n_curves || calibration->n_matrices) {
        tr_strbuf_add(text->out, "\n");
        tr_text_head(text, "curves and matrices");
    }
    for (size_t i = 0; i < calibration->n_curves; i++)
        add_curve(text, &calibration->curves[i], calibration->n_curves <= MOST_CURVES_WITH_POINTS);
    for (size_t i = 0; i < calibration->n_matrices; i++)
        add_matrix(text, &calibration->matrices[i]);
}
