/* Latencies and barriers of the text report. */
#include <math.h>
#include <string.h>

#include "names.h"
#include "text.h"

enum { MOST_IN_LINE = 4 };

static const char *text_of(const char *text) {
    return text ? text : "";
}

bool tr_text_is_time(const struct tr_measurement *m) {
    return m->unit && !strcmp(m->unit, "ns");
}

/* Less is better, so they are no bars beside rates. */
static void add_table(struct tr_text *text) {
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
        double half = tr_text_half_width(m), ghz = m->core_ghz;
        tr_table_add(&table, tr_text_measured(m->median, m->median, half).text);
        tr_table_add(&table, tr_text_measured(m->median * ghz, m->median * ghz, half * ghz).text);
        tr_table_add(&table, tr_text_measured(half, m->median, half).text);
        if (m->threads > 1)
            tr_table_addf(&table, "%d threads", m->threads);
        else
            tr_table_addf(&table, "%s %d", tr_plain_kind(m->place.kind), m->place.index);
    }
    if (table.n_cells) {
        tr_strbuf_add(text->out, "\n");
        tr_text_head(text, "latency");
        tr_table_write(&table, 2, text->out);
    }
    text->out->failed |= table.failed;
    tr_table_finish(&table);
}

/* "times ns  barrier own 408 ±98, barrier openmp 1572 ±320" */
static void add_line(struct tr_text *text) {
    const struct tr_calibration *calibration = text->calibration;
    struct tr_strbuf line = {0};
    size_t n = 0;
    for (size_t i = 0; i < calibration->n_measurements; i++) {
        const struct tr_measurement *m = &calibration->measurements[i];
        double half = tr_text_half_width(m);
        if (!tr_text_is_time(m) || ++n > MOST_IN_LINE)
            continue;
        tr_strbuf_add(&line, n == 1 ? "times ns  " : ", ");
        tr_text_add(text, &line, m->kernel);
        tr_text_add(text, &line, m->variant ? " " : "");
        tr_text_add(text, &line, text_of(m->variant));
        tr_strbuf_addf(&line, " %s", tr_text_measured(m->median, m->median, half).text);
        if (isfinite(half))
            tr_strbuf_addf(&line, " %s%s", text->term.unicode ? "±" : "+-",
                           tr_text_measured(half, m->median, half).text);
        if (m->place.kind != TR_PLACE_MACHINE)
            tr_strbuf_addf(&line, " (%s %d)", tr_plain_kind(m->place.kind), m->place.index);
    }
    if (n > MOST_IN_LINE)
        tr_strbuf_addf(&line, ", %zu more", n - MOST_IN_LINE);
    if (line.length && !line.failed)
        tr_text_wrap(text, line.text, 2);
    text->out->failed |= line.failed;
    tr_strbuf_finish(&line);
}

void tr_text_times(struct tr_text *text) {
    if (text->full)
        add_table(text);
    else
        add_line(text);
}
