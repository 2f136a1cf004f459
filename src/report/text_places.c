/* The same figure at each node, CCD or core: one line a figure, or a bar a place. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "text.h"

enum { MOST_GROUPS = 64, MOST_BARS = 32, MOST_SHORT = 3, BAR_SHORTEST = 10, BAR_LONGEST = 32 };

struct group {
    const struct tr_measurement **figures; /* one a place, by index */
    size_t n;
};

static bool same(const char *a, const char *b) {
    return a == b || (a && b && !strcmp(a, b));
}

/* Rates at places; products of models have a table of their own. */
static bool is_shown(const struct tr_measurement *at) {
    return at->place.kind != TR_PLACE_MACHINE && isfinite(at->median) && !tr_text_is_time(at) &&
           strcmp(at->metric, "rate") != 0 && strcmp(at->metric, "clock") != 0 &&
           !tr_strings_has(&at->flags, "above_ceiling");
}

static bool same_figure(const struct tr_measurement *a, const struct tr_measurement *b) {
    return a->place.kind == b->place.kind && !strcmp(a->kernel, b->kernel) &&
           !strcmp(a->metric, b->metric) && a->threads == b->threads && same(a->unit, b->unit) &&
           (!strcmp(a->metric, "bandwidth") || same(a->dtype, b->dtype));
}

/* Of one place the best way of doing it. */
static void keep(struct group *group, const struct tr_measurement *at) {
    size_t i = 0;
    while (i < group->n && group->figures[i]->place.index < at->place.index)
        i++;
    if (i < group->n && group->figures[i]->place.index == at->place.index) {
        if (at->median > group->figures[i]->median)
            group->figures[i] = at;
        return;
    }
    memmove(group->figures + i + 1, group->figures + i, (group->n - i) * sizeof(*group->figures));
    group->figures[i] = at;
    group->n++;
}

static size_t collect(const struct tr_calibration *calibration, struct group groups[MOST_GROUPS],
                      bool *failed) {
    size_t n = 0;
    for (size_t i = 0; i < calibration->n_measurements; i++) {
        const struct tr_measurement *at = &calibration->measurements[i];
        size_t k = 0;
        if (!is_shown(at))
            continue;
        while (k < n && !same_figure(groups[k].figures[0], at))
            k++;
        if (k == MOST_GROUPS)
            continue;
        if (k == n) {
            groups[k].figures = calloc(calibration->n_measurements, sizeof(*groups[k].figures));
            if (!groups[k].figures) {
                *failed = true;
                break;
            }
            n++;
        }
        keep(&groups[k], at);
    }
    return n;
}

static void add_name(struct tr_text *text, struct tr_strbuf *line,
                     const struct tr_measurement *at) {
    tr_text_add(text, line, at->kernel);
    if (!strcmp(at->metric, "compute") && at->dtype) {
        tr_strbuf_add(line, " ");
        tr_text_add(text, line, at->dtype);
    }
    tr_strbuf_addf(line, " at each %s, %d thread%s: ", tr_plain_kind(at->place.kind), at->threads,
                   at->threads == 1 ? "" : "s");
}

static int by_median(const void *a, const void *b) {
    double x = (*(const struct tr_measurement *const *)a)->median;
    double y = (*(const struct tr_measurement *const *)b)->median;
    return (x > y) - (x < y);
}

/* "read at each node, 96 threads: 204 to 206 GB/s, median 205; slowest node 0" */
static void add_line(struct tr_text *text, const struct group *group) {
    const struct tr_measurement *first = group->figures[0];
    struct tr_strbuf line = {0};
    const struct tr_measurement **sorted = calloc(group->n, sizeof(*sorted));
    if (!sorted) {
        text->out->failed = true;
        return;
    }
    memcpy(sorted, group->figures, group->n * sizeof(*sorted));
    qsort(sorted, group->n, sizeof(*sorted), by_median);
    const struct tr_measurement *least = sorted[0], *middle = sorted[group->n / 2],
                                *most = sorted[group->n - 1];
    double half = tr_text_half_width(middle);
    add_name(text, &line, first);
    tr_strbuf_addf(&line, "%s to ", tr_text_measured(least->median, middle->median, half).text);
    tr_strbuf_addf(&line, "%s ", tr_text_measured(most->median, middle->median, half).text);
    tr_text_add(text, &line, first->unit);
    if (group->n > 2)
        tr_strbuf_addf(&line, ", median %s",
                       tr_text_measured(middle->median, middle->median, half).text);
    tr_strbuf_addf(&line, "; slowest %s %d", tr_plain_kind(least->place.kind), least->place.index);
    if (!line.failed)
        tr_text_wrap(text, line.text, 2);
    text->out->failed |= line.failed;
    tr_strbuf_finish(&line);
    free(sorted);
}

static void add_bars(struct tr_text *text, const struct group *group) {
    struct tr_table table;
    double most = 0;
    size_t width = text->term.width > 60 + BAR_LONGEST ? BAR_LONGEST : BAR_SHORTEST;
    for (size_t i = 0; i < group->n; i++)
        most = fmax(most, group->figures[i]->median);
    tr_table_init(&table, "llrrrl");
    for (size_t i = 0; i < group->n; i++) {
        const struct tr_measurement *at = group->figures[i];
        const struct tr_limit *limit = tr_text_limit_of(text->calibration, at);
        bool rated = limit && !limit->host_only && isfinite(at->efficiency);
        struct tr_strbuf bar = {0};
        double half = tr_text_half_width(at);
        tr_strbuf_add(&bar, "");
        if (rated)
            tr_text_share(text, &bar, at->efficiency, width);
        else
            tr_strbuf_repeat(&bar, text->term.unicode ? "█" : "#",
                             (size_t)lround(fmax(at->median / most, 0) * (double)width));
        tr_table_addf(&table, "%s %d", tr_plain_kind(at->place.kind), at->place.index);
        tr_table_add(&table, bar.failed ? "" : bar.text);
        tr_strbuf_finish(&bar);
        if (rated)
            tr_table_addf(&table, "%.0f %%", at->efficiency * 100);
        else
            tr_table_add(&table, "");
        tr_table_add(&table, tr_text_measured(at->median, at->median, half).text);
        tr_table_addf(&table, "%s%s", text->term.unicode ? "±" : "+-",
                      tr_text_measured(half, at->median, half).text);
        tr_table_add(&table, tr_text_flags(at).text);
    }
    tr_table_write(&table, 4, text->out);
    text->out->failed |= table.failed;
    tr_table_finish(&table);
}

void tr_text_places(struct tr_text *text) {
    struct group groups[MOST_GROUPS] = {{0}};
    bool failed = false, headed = false;
    size_t n = collect(text->calibration, groups, &failed), shown = 0;
    for (size_t i = 0; i < n; i++) {
        /* One core or package is no comparison, and stands among the figures on one thread. */
        bool alone = groups[i].n < 2;
        if (!text->full && !alone && shown++ < MOST_SHORT) {
            add_line(text, &groups[i]);
        } else if (text->full && (!alone || groups[i].figures[0]->threads != 1)) {
            tr_strbuf_add(text->out, headed ? "" : "\n");
            headed = true;
            add_line(text, &groups[i]);
            if (groups[i].n <= MOST_BARS)
                add_bars(text, &groups[i]);
        }
    }
    for (size_t i = 0; i < MOST_GROUPS; i++)
        free(groups[i].figures);
    text->out->failed |= failed;
}
