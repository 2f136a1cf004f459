#include "figure_sets.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "series.h"
#include "strbuf.h"

void tr_figures_init(struct tr_figures *figures, size_t n_sets) {
    *figures = (struct tr_figures){.n_sets = n_sets};
}

void tr_figures_finish(struct tr_figures *figures) {
    for (size_t i = 0; i < figures->n; i++) {
        struct tr_figure *figure = &figures->items[i];
        for (size_t set = 0; figure->sets && set < figures->n_sets; set++)
            free(figure->sets[set].runs);
        free(figure->sets);
        free(figure->name);
        free(figure->unit);
    }
    free(figures->items);
    *figures = (struct tr_figures){0};
}

static struct tr_figure *find_or_add(struct tr_figures *figures, const char *name,
                                     const char *unit) {
    for (size_t i = 0; i < figures->n; i++)
        if (!strcmp(figures->items[i].name, name) && !strcmp(figures->items[i].unit, unit))
            return &figures->items[i];
    struct tr_figure *items = realloc(figures->items, (figures->n + 1) * sizeof(*figures->items));
    if (!items)
        return NULL;
    figures->items = items;
    struct tr_figure *figure = &items[figures->n];
    *figure = (struct tr_figure){.name = strdup(name),
                                 .unit = strdup(unit),
                                 .kind = TR_FIGURE_DERIVED,
                                 .sets = calloc(figures->n_sets, sizeof(*figure->sets))};
    if (!figure->name || !figure->unit || !figure->sets) {
        free(figure->name);
        free(figure->unit);
        free(figure->sets);
        return NULL;
    }
    figures->n++;
    return figure;
}

int tr_figures_add(struct tr_figures *figures, size_t set, const char *name, const char *unit,
                   enum tr_figure_kind kind, bool lower_is_better,
                   const struct tr_run_figure *run) {
    if (!(run->value > 0) || isinf(run->value))
        return 0;
    struct tr_figure *figure = find_or_add(figures, name, unit);
    if (!figure)
        return TR_ENOMEM;
    struct tr_set_figure *of_set = &figure->sets[set];
    struct tr_run_figure *runs = realloc(of_set->runs, (of_set->n + 1) * sizeof(*runs));
    if (!runs)
        return TR_ENOMEM;
    of_set->runs = runs;
    runs[of_set->n++] = *run;
    if (kind < figure->kind) /* what is a headline in one set is one in all */
        figure->kind = kind;
    figure->lower_is_better = lower_is_better;
    return 0;
}

/* --- from a calibration ---------------------------------------------------------------------- */

bool tr_lower_is_better(const char *metric, const char *unit) {
    static const char *const units[] = {"ns", "us", "ms", "s"};
    for (size_t i = 0; unit && i < sizeof(units) / sizeof(units[0]); i++)
        if (!strcmp(unit, units[i]))
            return true;
    return metric && (!strcmp(metric, "latency") || !strcmp(metric, "sync"));
}

const char *tr_doubt_of(const struct tr_measurement *measurement) {
    static const char *const doubts[] = {"unsteady",   "throttled",         "migrated",
                                         "disturbed",  "small_working_set", "misplaced",
                                         "not_pinned", "above_ceiling"};
    for (size_t i = 0; i < sizeof(doubts) / sizeof(doubts[0]); i++)
        if (tr_strings_has(&measurement->flags, doubts[i]))
            return doubts[i];
    return NULL;
}

static int most_threads(const struct tr_calibration *calibration) {
    int most = 0;
    for (size_t i = 0; i < calibration->n_measurements; i++) {
        const struct tr_measurement *m = &calibration->measurements[i];
        if (m->place.kind == TR_PLACE_MACHINE && m->threads > most)
            most = m->threads;
    }
    return most;
}

static bool same_text(const char *a, const char *b) {
    return a && b ? !strcmp(a, b) : a == b;
}

/* Whether the same form was measured with several working sets: the size then tells them apart. */
static bool has_sizes(const struct tr_calibration *calibration, const struct tr_measurement *m) {
    for (size_t i = 0; i < calibration->n_measurements; i++) {
        const struct tr_measurement *other = &calibration->measurements[i];
        if (other->working_set_bytes != m->working_set_bytes && other->threads == m->threads &&
            other->place.kind == m->place.kind && other->place.index == m->place.index &&
            same_text(other->kernel, m->kernel) && same_text(other->variant, m->variant) &&
            same_text(other->isa, m->isa) && same_text(other->dtype, m->dtype) &&
            same_text(other->stores, m->stores) && same_text(other->quant, m->quant) &&
            other->m == m->m && other->n == m->n && other->k == m->k && other->batch == m->batch &&
            other->depth == m->depth)
            return true;
    }
    return false;
}

static void add_place(struct tr_strbuf *name, const struct tr_place *place, int threads,
                      int all_threads) {
    bool machine = place->kind == TR_PLACE_MACHINE;
    if (!machine)
        tr_strbuf_addf(name, ", %s %d", tr_place_kind_name(place->kind), place->index);
    if (machine && threads == all_threads)
        tr_strbuf_add(name, ", all threads");
    else if (threads > 0 && (machine || threads > 1))
        tr_strbuf_addf(name, ", %d thread%s", threads, threads == 1 ? "" : "s");
}

/* All that tells figures apart but the form they take (variant, kind of store; instruction set of
 * bandwidths). */
static char *name_of(const struct tr_calibration *calibration, const struct tr_measurement *m,
                     int all_threads) {
    struct tr_strbuf name = {0};
    bool by_isa = m->metric && (!strcmp(m->metric, "compute") || !strcmp(m->metric, "rate"));
    tr_strbuf_add(&name, m->kernel ? m->kernel : "unnamed");
    if (m->dtype)
        tr_strbuf_addf(&name, " %s", m->dtype);
    if (m->quant)
        tr_strbuf_addf(&name, " %s", m->quant);
    if (by_isa && m->isa)
        tr_strbuf_addf(&name, " %s", m->isa);
    if (m->m > 0 || m->n > 0 || m->k > 0)
        tr_strbuf_addf(&name, " %" PRId64 "x%" PRId64 "x%" PRId64, m->m, m->n, m->k);
    if (m->batch > 0)
        tr_strbuf_addf(&name, " batch %" PRId64, m->batch);
    if (m->depth >= 0)
        tr_strbuf_addf(&name, " depth %" PRId64, m->depth);
    if (m->read_write)
        tr_strbuf_addf(&name, " %s", m->read_write);
    if (!isnan(m->injected_gb_per_s))
        tr_strbuf_addf(&name, " at %g GB/s", m->injected_gb_per_s);
    if (m->after_s > 0)
        tr_strbuf_addf(&name, " after %g s of load", m->after_s);
    add_place(&name, &m->place, m->threads, all_threads);
    if (has_sizes(calibration, m))
        tr_strbuf_addf(&name, ", %" PRId64 " KiB", m->working_set_bytes / 1024);
    return tr_strbuf_take(&name);
}

static bool better(const struct tr_measurement *a, const struct tr_measurement *b) {
    return tr_lower_is_better(a->metric, a->unit) ? a->median < b->median : a->median > b->median;
}

static double error_of(double value, const double ci95[2]) {
    return (ci95[1] - ci95[0]) / 2 / 1.959964 / value;
}

static int add_measurement(struct tr_figures *figures, size_t set, const struct tr_measurement *m,
                           const char *name, bool headline) {
    struct tr_run_figure run = {.value = m->median,
                                .error = error_of(m->median, m->ci95),
                                .samples = m->samples,
                                .n_samples = m->n_samples,
                                .untrusted = tr_doubt_of(m)};
    return tr_figures_add(figures, set, name, m->unit ? m->unit : "",
                          headline ? TR_FIGURE_HEADLINE : TR_FIGURE_OTHER,
                          tr_lower_is_better(m->metric, m->unit), &run);
}

static int add_measurements(struct tr_figures *figures, size_t set,
                            const struct tr_calibration *calibration) {
    size_t n = calibration->n_measurements;
    int code = 0, all_threads = most_threads(calibration);
    const struct tr_measurement *const first = calibration->measurements;
    const struct tr_measurement *const headlines[] = {tr_calibration_read_rate(calibration),
                                                      tr_calibration_fma_rate(calibration, "f32")};
    char **names = calloc(n ? n : 1, sizeof(*names));
    if (!names)
        return TR_ENOMEM;
    for (size_t i = 0; !code && i < n; i++) {
        names[i] = name_of(calibration, &calibration->measurements[i], all_threads);
        code = names[i] ? 0 : TR_ENOMEM;
    }
    for (size_t i = 0; !code && i < n; i++) {
        const struct tr_measurement *m = &calibration->measurements[i];
        bool best = !tr_strings_has(&m->flags, "above_ceiling");
        for (size_t k = 0; best && k < n; k++) {
            const struct tr_measurement *other = &calibration->measurements[k];
            best = k == i || strcmp(names[k], names[i]) != 0 ||
                   tr_strings_has(&other->flags, "above_ceiling") ||
                   !(better(other, m) || (k < i && !better(m, other)));
        }
        bool headline = false;
        for (size_t k = 0; k < sizeof(headlines) / sizeof(headlines[0]); k++)
            headline |= headlines[k] && !strcmp(names[headlines[k] - first], names[i]);
        if (best)
            code = add_measurement(figures, set, m, names[i], headline);
    }
    for (size_t i = 0; i < n; i++)
        free(names[i]);
    free(names);
    return code;
}

static int add_curves(struct tr_figures *figures, size_t set,
                      const struct tr_calibration *calibration) {
    int code = 0;
    for (size_t i = 0; i < calibration->n_curves; i++) {
        const struct tr_curve *curve = &calibration->curves[i];
        for (size_t k = 0; !code && k < curve->n_marks; k++) {
            const struct tr_mark *mark = &curve->marks[k];
            struct tr_strbuf text = {0};
            tr_strbuf_addf(&text, "%s %s %s", curve->name,
                           curve->kernel ? curve->kernel : curve->metric, mark->name);
            add_place(&text, &curve->place, curve->threads, -1);
            char *name = tr_strbuf_take(&text);
            code = name
                       ? tr_figures_add(figures, set, name, curve->unit ? curve->unit : "",
                                        TR_FIGURE_OTHER,
                                        tr_lower_is_better(curve->metric, curve->unit),
                                        &(struct tr_run_figure){.value = mark->value, .error = NAN})
                       : TR_ENOMEM;
            free(name);
        }
    }
    return code;
}

static int add_matrices(struct tr_figures *figures, size_t set,
                        const struct tr_calibration *calibration) {
    int code = 0;
    for (size_t i = 0; !code && i < calibration->n_matrices; i++) {
        const struct tr_matrix *matrix = &calibration->matrices[i];
        size_t cells = matrix->n_rows * matrix->n_columns, n = 0;
        double *known = malloc((cells ? cells : 1) * sizeof(*known)), median = NAN;
        char *name = tr_format("%s, median", matrix->name);
        code = known && name ? 0 : TR_ENOMEM;
        for (size_t k = 0; !code && k < cells; k++)
            if (!isnan(matrix->values[k]))
                known[n++] = matrix->values[k];
        if (!code)
            code = tr_series_median(known, n, &median);
        if (!code)
            code = tr_figures_add(figures, set, name, matrix->unit ? matrix->unit : "",
                                  TR_FIGURE_OTHER, tr_lower_is_better(matrix->metric, matrix->unit),
                                  &(struct tr_run_figure){.value = median, .error = NAN});
        free(known);
        free(name);
    }
    return code;
}

int tr_figures_add_run(struct tr_figures *figures, size_t set,
                       const struct tr_calibration *calibration) {
    int code = add_measurements(figures, set, calibration);
    if (!code)
        code = add_curves(figures, set, calibration);
    return code ? code : add_matrices(figures, set, calibration);
}
