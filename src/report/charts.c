/* Which charts a calibration and its predictions give, and what is in each. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "calibration_json.h"
#include "figures.h"
#include "plot.h"
#include "text.h"

/* ---- percent of the limits ---- */

static bool is_rated(const struct tr_calibration *calibration, const struct tr_figure *figure) {
    const struct tr_measurement *at = figure->best;
    const struct tr_limit *limit = at->limit
                                       ? tr_limit_find(calibration->limits, calibration->n_limits,
                                                       at->limit, at->place.kind, at->place.index)
                                       : NULL;
    return figure->all && isfinite(at->efficiency) && !(limit && limit->host_only);
}

/* "fma f32 (avx2; avx512 is in doubt)" */
static char *bar_name(const struct tr_figure *figure) {
    const struct tr_measurement *at = figure->best, *over = figure->passed_over;
    bool compute = !strcmp(at->metric, "compute") && at->dtype;
    struct tr_strbuf name = {0};
    tr_strbuf_addf(&name, "%s%s%s", at->kernel, compute ? " " : "", compute ? at->dtype : "");
    if (over)
        tr_strbuf_addf(&name, " (%s; %s is in doubt)", at->isa ? at->isa : "?", over->isa);
    return tr_strbuf_take(&name);
}

/* "77 % · 4100 GFLOP/s, disturbed" */
static char *bar_text(const struct tr_measurement *at) {
    struct tr_strbuf text = {0};
    tr_strbuf_addf(&text, "%.0f %% · %s %s", at->efficiency * 100,
                   tr_text_measured(at->median, at->median, tr_text_half_width(at)).text, at->unit);
    for (size_t i = 0; i < at->flags.n; i++)
        tr_strbuf_addf(&text, ", %s", at->flags.items[i]);
    for (size_t i = 0; !text.failed && i < text.length; i++)
        if (text.text[i] == '_')
            text.text[i] = ' ';
    return tr_strbuf_take(&text);
}

static size_t make_efficiency(const struct tr_report_input *input, struct tr_plot *plot) {
    size_t n = 0, left_out, found = 0;
    struct tr_figure *figures = tr_figures_choose(input->calibration, &n, &left_out);
    for (size_t i = 0; figures && i < n; i++) {
        const struct tr_measurement *at = figures[i].best;
        if (!is_rated(input->calibration, &figures[i]))
            continue;
        found++;
        if (!plot)
            continue;
        double scale = at->efficiency / at->median;
        tr_plot_add_bar(plot, (struct tr_plot_bar){
                                  .name = bar_name(&figures[i]),
                                  .text = bar_text(at),
                                  .value = at->efficiency,
                                  .low = at->ci95[0] * scale,
                                  .high = at->ci95[1] * scale,
                              });
    }
    free(figures);
    if (plot) {
        plot->kind = TR_PLOT_BARS;
        plot->title = tr_plot_text(plot, "Percent of the limit");
        plot->note = tr_plot_text(plot, "all threads, with the 95 % interval; memory in bus bytes; "
                                        "dashed: the limit");
        tr_plot_set_axes(plot, "", "");
    }
    return found;
}

/* ---- curves ---- */

static char *curve_name(const struct tr_curve *curve) {
    struct tr_strbuf name = {0};
    const char *const words[] = {curve->kernel, curve->variant, curve->isa};
    tr_strbuf_add(&name, "");
    for (size_t i = 0; i < 3; i++)
        if (words[i] && *words[i])
            tr_strbuf_addf(&name, "%s%s", name.length ? ", " : "", words[i]);
    if (curve->place.kind != TR_PLACE_MACHINE)
        tr_strbuf_addf(&name, ", %s %d", tr_place_kind_name(curve->place.kind), curve->place.index);
    if (curve->threads > 0)
        tr_strbuf_addf(&name, ", %d thread%s", curve->threads, curve->threads == 1 ? "" : "s");
    if (curve->page_bytes > 0) {
        char *bytes = tr_text_bytes(curve->page_bytes);
        tr_strbuf_addf(&name, ", %s pages", bytes ? bytes : "?");
        free(bytes);
    }
    return tr_strbuf_take(&name);
}

static const char *title_of(const char *name) {
    static const char *const titles[][2] = {
        {"latency", "Latency against working set"},
        {"sweep", "Bandwidth against working set"},
        {"scaling", "Thread scaling"},
        {"loaded_latency", "Latency under load"},
        {"barrier", "Barrier against threads"},
        {"roofline", "Roofline"},
        {"core_to_core", "Core to core"},
        {"node_read", "Node to node, read"},
        {"node_latency", "Node to node, latency"},
    };
    for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
        if (!strcmp(name, titles[i][0]))
            return titles[i][1];
    return name;
}

/* What the points of a curve are ordered by, in words. */
static const char *axis_label(const struct tr_curve *curve) {
    static const char *const labels[][2] = {
        {"working_set_bytes", "working set"},
        {"flop_per_byte", "FLOP / byte"},
        {"injected_gb_s", "bandwidth of the other threads, GB/s"},
    };
    for (size_t i = 0; curve->x && i < sizeof(labels) / sizeof(labels[0]); i++)
        if (!strcmp(curve->x, labels[i][0]))
            return labels[i][1];
    return curve->x;
}

static bool same(const char *a, const char *b) {
    return a == b || (a && b && !strcmp(a, b));
}

static void add_curve(struct tr_plot *plot, const struct tr_curve *curve) {
    struct tr_plot_series *series =
        tr_plot_add_series(plot, curve_name(curve), true, curve->n_points);
    for (size_t i = 0; series && i < curve->n_points; i++)
        series->points[series->n++] =
            (struct tr_plot_point){curve->points[i].x, curve->points[i].median,
                                   curve->points[i].ci95[0], curve->points[i].ci95[1], NULL};
}

/* Values over more than a factor of 20 are told apart on a logarithmic axis only. */
static bool is_wide(const struct tr_plot *plot) {
    double low = INFINITY, high = 0;
    for (size_t i = 0; i < plot->n_series; i++) {
        for (size_t k = 0; k < plot->series[i].n; k++) {
            double y = plot->series[i].points[k].y;
            low = y > 0 ? fmin(low, y) : low;
            high = isfinite(y) ? fmax(high, y) : high;
        }
    }
    return high > 20 * low;
}

/* All curves of this name that share their axes with the first one. */
static size_t make_curves(const struct tr_report_input *input, const char *name,
                          struct tr_plot *plot) {
    const struct tr_curve *first = NULL;
    size_t n = 0;
    for (size_t i = 0; i < input->calibration->n_curves; i++) {
        const struct tr_curve *curve = &input->calibration->curves[i];
        if (!same(curve->name, name) || !curve->n_points)
            continue;
        if (!first)
            first = curve;
        if (!same(first->unit, curve->unit) || !same(first->x, curve->x))
            continue;
        n++;
        if (plot)
            add_curve(plot, curve);
    }
    if (!plot || !first)
        return n;
    bool bytes = same(first->x_unit, "bytes"), intensity = same(first->x, "flop_per_byte");
    plot->title = tr_plot_text(plot, title_of(name));
    plot->note = tr_format("%s, 95 %% intervals%s", first->unit ? first->unit : "",
                           first->n_marks ? "; marked: what was found on the curve" : "");
    plot->failed = plot->failed || !plot->note;
    tr_plot_set_axes(plot, axis_label(first), first->unit);
    plot->x.bytes = bytes;
    plot->x.log = bytes || intensity;
    plot->x.zero = plot->y.zero = true;
    plot->x.whole = same(first->x, "threads");
    plot->y.log = intensity || (is_wide(plot) && !same(first->x, "threads"));
    plot->marks = first->marks;
    plot->n_marks = first->n_marks;
    return n;
}

/* The measured curves, if there are any, below what was measured at its ends. */
static size_t make_roofline(const struct tr_report_input *input, const json_t *documents,
                            struct tr_plot *plot) {
    size_t n = make_curves(input, "roofline", plot);
    if (plot && !n) {
        plot->title = tr_plot_text(plot, title_of("roofline"));
        tr_plot_set_axes(plot, "FLOP / byte", "GFLOP/s");
        plot->x.log = plot->y.log = true;
    }
    return n + tr_plot_roofline(input->calibration, documents, plot);
}

/* ---- predictions ---- */

/* Tokens in the context: when generation starts, or of the prompt. */
static double context_of(const json_t *result, bool generation) {
    double prompt = tr_json_number_of(result, "prompt_tokens"),
           depth = tr_json_number_of(result, "depth");
    double generated = tr_json_number_of(result, "generated_tokens");
    if (!generation)
        return prompt;
    return (isfinite(depth) ? depth : 0) + (generated > 0 && isfinite(prompt) ? prompt : 0);
}

static int by_x(const void *left, const void *right) {
    const struct tr_plot_point *a = left, *b = right;
    return (a->x > b->x) - (a->x < b->x);
}

static size_t make_predictions(const json_t *documents, bool generation, struct tr_plot *plot) {
    const json_t *document, *result;
    size_t i, k, found = 0;
    json_array_foreach(documents, i, document) {
        const json_t *results = json_object_get(document, "results");
        const char *model =
            json_string_value(json_object_get(json_object_get(document, "model"), "name"));
        struct tr_plot_series *series = NULL;
        json_array_foreach(results, k, result) {
            const json_t *rate = json_object_get(result, generation ? "tg_tok_s" : "pp_tok_s");
            struct tr_plot_point point = {
                context_of(result, generation), tr_json_number_of(rate, "value"),
                tr_json_number_of(rate, "low"), tr_json_number_of(rate, "high"), NULL};
            if (!(point.x > 0) || !isfinite(point.y))
                continue;
            found++;
            if (plot && !series)
                series = tr_plot_add_series(plot, tr_plot_text(plot, model), true,
                                            json_array_size(results));
            if (series)
                series->points[series->n++] = point;
        }
        if (series)
            qsort(series->points, series->n, sizeof(*series->points), by_x);
    }
    if (plot) {
        plot->title = tr_plot_text(plot, generation ? "Generation against depth"
                                                    : "Prompt processing against prompt length");
        plot->note =
            tr_plot_text(plot, "predicted tok/s, with the 80 % interval where there is one");
        tr_plot_set_axes(
            plot, generation ? "tokens in the context when generation starts" : "prompt tokens",
            "tok/s");
        plot->x.log = plot->y.log = true;
    }
    return found;
}

/* ---- by name ---- */

/* How much there is to show; with `plot` it is filled. */
static size_t make(const struct tr_report_input *input, const json_t *documents, const char *name,
                   struct tr_plot *plot) {
    const struct tr_calibration *calibration = input->calibration;
    if (!strcmp(name, "generation") || !strcmp(name, "prompt"))
        return make_predictions(documents, *name == 'g', plot);
    if (!calibration)
        return 0;
    if (!strcmp(name, "efficiency"))
        return make_efficiency(input, plot);
    if (!strcmp(name, "roofline"))
        return make_roofline(input, documents, plot);
    for (size_t i = 0; i < calibration->n_matrices; i++) {
        const struct tr_matrix *matrix = &calibration->matrices[i];
        if (strcmp(matrix->name, name) || !matrix->n_rows || !matrix->n_columns)
            continue;
        if (plot) {
            plot->kind = TR_PLOT_HEAT;
            plot->matrix = matrix;
            plot->title = tr_plot_text(plot, title_of(name));
            plot->note = same(matrix->rows, "node")
                             ? tr_format("%s; rows: where the threads are, columns: where the "
                                         "memory is",
                                         matrix->unit)
                             : tr_format("%s; rows to columns: %s to %s", matrix->unit,
                                         matrix->rows ? matrix->rows : "?",
                                         matrix->columns ? matrix->columns : "?");
            tr_plot_set_axes(plot, "", "");
            plot->failed = plot->failed || !plot->note;
        }
        return matrix->n_rows;
    }
    return make_curves(input, name, plot);
}

static int add_name(const struct tr_report_input *input, const json_t *documents, const char *name,
                    struct tr_strings *names) {
    if (!name || tr_strings_has(names, name) || !make(input, documents, name, NULL))
        return 0;
    return tr_strings_add(names, "%s", name);
}

int tr_plot_names(const struct tr_report_input *input, struct tr_strings *ret_names) {
    static const char *const fixed[] = {"efficiency", "generation", "prompt"};
    struct tr_strings names = {0};
    json_t *documents = NULL;
    int code = tr_report_documents(input, &documents);
    for (size_t i = 0; !code && i < 3; i++)
        code = add_name(input, documents, fixed[i], &names);
    for (size_t i = 0; !code && input->calibration && i < input->calibration->n_curves; i++)
        code = add_name(input, documents, input->calibration->curves[i].name, &names);
    for (size_t i = 0; !code && input->calibration && i < input->calibration->n_matrices; i++)
        code = add_name(input, documents, input->calibration->matrices[i].name, &names);
    if (!code)
        code = add_name(input, documents, "roofline", &names);
    json_decref(documents);
    if (code)
        tr_strings_finish(&names);
    else
        *ret_names = names;
    return code;
}

int tr_plot_make(const struct tr_report_input *input, const char *name, struct tr_plot *ret_plot) {
    struct tr_plot plot = {0};
    json_t *documents = NULL;
    int code = tr_report_documents(input, &documents);
    if (!code && !make(input, documents, name, NULL))
        code = TR_EUNAVAILABLE;
    if (!code)
        make(input, documents, name, &plot);
    if (!code && plot.failed)
        code = TR_ENOMEM;
    json_decref(documents);
    if (code)
        tr_plot_finish(&plot);
    else
        *ret_plot = plot;
    return code;
}
