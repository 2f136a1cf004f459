/* The roofline's points: what a kernel or a part of a token does for each byte, and how fast. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "calibration_json.h"
#include "figures.h"
#include "plot.h"
#include "text.h"

/* What the figures of all threads say of the machine's roof. */
struct roof {
    const struct tr_measurement *read, *fma;
};

static struct roof roof_of(const struct tr_figure *figures, size_t n) {
    struct roof roof = {0};
    for (size_t i = 0; i < n; i++) {
        const struct tr_measurement *at = figures[i].best;
        if (!figures[i].all || !(at->median > 0))
            continue;
        if (!strcmp(at->kernel, "read") && !roof.read)
            roof.read = at;
        if (!strcmp(at->kernel, "fma") && (!roof.fma || (at->dtype && !strcmp(at->dtype, "f32"))))
            roof.fma = at;
    }
    return roof;
}

/* NAN for what is no kernel that moves and computes, on all threads. */
static double intensity(const struct tr_figure *figure) {
    return figure->all && isfinite(figure->best->median) ? tr_figure_flop_per_byte(figure->best)
                                                         : NAN;
}

static size_t add_kernels(const struct tr_figure *figures, size_t n, struct tr_plot *plot) {
    struct tr_strbuf name = {0};
    size_t found = 0;
    for (size_t i = 0; i < n; i++)
        if (isfinite(intensity(&figures[i])))
            tr_strbuf_addf(&name, "%s%s", found++ ? ", " : "kernels: ", figures[i].best->kernel);
    struct tr_plot_series *series =
        plot && found ? tr_plot_add_series(plot, tr_strbuf_take(&name), false, found) : NULL;
    for (size_t i = 0; series && i < n; i++) {
        const struct tr_measurement *at = figures[i].best;
        double x = intensity(&figures[i]);
        if (isfinite(x))
            series->points[series->n++] =
                (struct tr_plot_point){x, at->median * x, at->ci95[0] * x, at->ci95[1] * x,
                                       tr_plot_text(plot, at->kernel)};
    }
    tr_strbuf_finish(&name);
    return found;
}

static double sum_of(const json_t *terms, const char *key) {
    double sum = 0;
    size_t i;
    json_t *term;
    json_array_foreach(terms, i, term) {
        double value = tr_json_number_of(term, key);
        sum += isfinite(value) ? value : 0;
    }
    return sum;
}

/* A point a model: the sums over the terms of its first use case that has them. */
static bool phase_of(const json_t *document, const char *phase, double *ret_x, double *ret_y) {
    json_t *result;
    size_t i;
    json_array_foreach(json_object_get(document, "results"), i, result) {
        const json_t *terms = json_object_get(json_object_get(result, "terms"), phase);
        if (!json_array_size(terms))
            continue;
        double bytes = sum_of(terms, "bytes"), flop = sum_of(terms, "flop"),
               ns = sum_of(terms, "ns");
        *ret_x = flop / bytes;
        *ret_y = flop / ns;
        return bytes > 0 && flop > 0 && ns > 0;
    }
    return false;
}

static size_t add_phase(const json_t *documents, const char *phase, struct tr_plot *plot) {
    struct tr_plot_series *series = NULL;
    size_t found = 0, i;
    json_t *document;
    json_array_foreach(documents, i, document) {
        const char *model =
            json_string_value(json_object_get(json_object_get(document, "model"), "name"));
        struct tr_plot_point point = {.low = NAN, .high = NAN};
        if (!phase_of(document, phase, &point.x, &point.y))
            continue;
        found++;
        if (plot && !series)
            series = tr_plot_add_series(plot, tr_format("predicted: %s", phase), false,
                                        json_array_size(documents));
        if (!series)
            continue;
        point.title = tr_format("%s, %s", model ? model : "?", phase);
        plot->failed = plot->failed || !point.title;
        series->points[series->n++] = point;
    }
    return found;
}

static void add_roof(struct tr_plot *plot, const struct roof *roof) {
    const struct tr_measurement *read = roof->read, *fma = roof->fma;
    struct tr_strbuf note = {0};
    plot->roof_slope = read->median;
    plot->roof_top = fma->median;
    tr_strbuf_addf(&note, "dashed: what was measured, %s GB/s and ",
                   tr_text_measured(read->median, read->median, tr_text_half_width(read)).text);
    tr_strbuf_addf(&note, "%s GFLOP/s %s",
                   tr_text_measured(fma->median, fma->median, tr_text_half_width(fma)).text,
                   fma->dtype ? fma->dtype : "");
    free(plot->note);
    plot->note = tr_strbuf_take(&note);
    plot->failed = plot->failed || !plot->note;
}

size_t tr_plot_roofline(const struct tr_calibration *calibration, const json_t *documents,
                        struct tr_plot *plot) {
    size_t n = 0, left_out = 0, found = 0;
    struct tr_figure *figures = tr_figures_choose(calibration, &n, &left_out);
    struct roof roof = roof_of(figures, figures ? n : 0);
    if (roof.read && roof.fma) {
        found = add_kernels(figures, n, plot) + add_phase(documents, "generation", plot) +
                add_phase(documents, "prompt", plot);
        if (plot)
            add_roof(plot, &roof);
    }
    free(figures);
    return found;
}
