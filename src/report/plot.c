/* Charts as data: their pieces. */
#include "plot.h"

#include <stdlib.h>
#include <string.h>

char *tr_plot_text(struct tr_plot *plot, const char *text) {
    char *made = strdup(text ? text : "");
    plot->failed = plot->failed || !made;
    return made;
}

struct tr_plot_series *tr_plot_add_series(struct tr_plot *plot, char *name, bool line, size_t n) {
    struct tr_plot_series *grown = realloc(plot->series, (plot->n_series + 1) * sizeof(*grown));
    struct tr_plot_point *points = calloc(n + 1, sizeof(*points));
    if (grown)
        plot->series = grown;
    if (!grown || !points || !name) {
        plot->failed = true;
        free(points);
        free(name);
        return NULL;
    }
    grown[plot->n_series] = (struct tr_plot_series){.name = name, .line = line, .points = points};
    return &grown[plot->n_series++];
}

void tr_plot_add_bar(struct tr_plot *plot, struct tr_plot_bar bar) {
    struct tr_plot_bar *grown = realloc(plot->bars, (plot->n_bars + 1) * sizeof(*grown));
    if (grown)
        plot->bars = grown;
    if (!grown || !bar.name || !bar.text) {
        plot->failed = true;
        free(bar.name);
        free(bar.text);
        return;
    }
    grown[plot->n_bars++] = bar;
}

void tr_plot_set_axes(struct tr_plot *plot, const char *x, const char *y) {
    plot->x.label = tr_plot_text(plot, x);
    plot->y.label = tr_plot_text(plot, y);
}

void tr_plot_finish(struct tr_plot *plot) {
    for (size_t i = 0; i < plot->n_series; i++) {
        for (size_t k = 0; k < plot->series[i].n; k++)
            free(plot->series[i].points[k].title);
        free(plot->series[i].name);
        free(plot->series[i].points);
    }
    for (size_t i = 0; i < plot->n_bars; i++) {
        free(plot->bars[i].name);
        free(plot->bars[i].text);
    }
    free(plot->series);
    free(plot->bars);
    free(plot->title);
    free(plot->note);
    free(plot->x.label);
    free(plot->y.label);
    *plot = (struct tr_plot){0};
}
