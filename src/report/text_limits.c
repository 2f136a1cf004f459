#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "names.h"
#include "text.h"

static const struct tr_limit *machine_limit(const struct tr_calibration *calibration,
                                            const char *name) {
    return tr_limit_find(calibration->limits, calibration->n_limits, name, TR_PLACE_MACHINE, 0);
}

/* Some figure is set against it. */
static bool is_used(const struct tr_calibration *calibration, const struct tr_limit *limit) {
    for (size_t i = 0; i < calibration->n_measurements; i++) {
        const char *name = calibration->measurements[i].limit;
        if (name && !strcmp(name, limit->name) &&
            calibration->measurements[i].place.kind == TR_PLACE_MACHINE)
            return true;
    }
    return false;
}

/* A smaller peak of the same data type, of an instruction set that a better one has outdone. */
static bool is_outdone(const struct tr_calibration *calibration, const struct tr_limit *limit) {
    size_t prefix = strlen("flop_f64_");
    for (size_t i = 0; i < calibration->n_limits; i++) {
        const struct tr_limit *other = &calibration->limits[i];
        if (other->place.kind == TR_PLACE_MACHINE && !strncmp(other->name, limit->name, prefix) &&
            other->value > limit->value)
            return true;
    }
    return false;
}

/* What the short report says: the smallest limit of memory, and the peak of one data type. */
static bool is_shown_in_short(const struct tr_calibration *calibration,
                              const struct tr_limit *limit) {
    if (limit->refuted)
        return true;
    if (limit->place.kind != TR_PLACE_MACHINE)
        return false;
    if (!strncmp(limit->name, "flop_f32_", 9))
        return !is_outdone(calibration, limit);
    return !strcmp(limit->name, machine_limit(calibration, "memory_read") ? "memory_read" : "dram");
}

static bool is_shown(const struct tr_text *text, const struct tr_limit *limit) {
    const struct tr_calibration *calibration = text->calibration;
    if (!text->full)
        return is_shown_in_short(calibration, limit);
    if (limit->place.kind != TR_PLACE_MACHINE || limit->refuted)
        return limit->refuted;
    if (!strcmp(limit->name, "dram_all_channels")) {
        const struct tr_limit *dram = machine_limit(calibration, "dram");
        return !dram || dram->value < limit->value;
    }
    if (!strncmp(limit->name, "flop_", 5) && is_outdone(calibration, limit))
        return false;
    return is_used(calibration, limit) || !strcmp(limit->name, "dram") ||
           !strncmp(limit->name, "fabric_", 7);
}

static void formula_of(struct tr_text *text, const struct tr_limit *limit, struct tr_strbuf *out) {
    tr_strbuf_add(out, "");
    if (limit->refuted)
        tr_strbuf_addf(out, "%sREFUTED by a higher result%s; ", tr_text_tone(text, TR_TONE_BAD),
                       tr_text_plain(text));
    if (limit->host_only)
        tr_strbuf_add(out, "the host's, rates nothing here; ");
    if (limit->formula)
        tr_text_add(text, out, limit->formula);
    if (limit->binds && (!limit->formula || !strstr(limit->formula, limit->binds))) {
        tr_strbuf_add(out, limit->formula ? " = " : "");
        tr_text_add(text, out, limit->binds);
    }
}

static void limit_cells(struct tr_text *text, struct tr_table *table,
                        const struct tr_limit *limit) {
    struct tr_strbuf name = {0}, value = {0};
    tr_strbuf_add(&name, limit->name);
    if (limit->place.kind != TR_PLACE_MACHINE)
        tr_strbuf_addf(&name, " %s %d", tr_plain_kind(limit->place.kind), limit->place.index);
    tr_strbuf_addf(&value, "%s %s", tr_text_number(limit->value).text, limit->unit);
    tr_text_cell(text, table, name.failed ? "" : name.text, 24);
    tr_text_cell(text, table, value.failed ? "" : value.text, 16);
    tr_text_cell(text, table, limit->basis, 14);
    tr_strbuf_finish(&name);
    tr_strbuf_finish(&value);
}

/* One shown limit after the other; `next` 0 begins. NULL at the end. */
static const struct tr_limit *next_shown(const struct tr_text *text, size_t *next) {
    while (*next < text->calibration->n_limits) {
        const struct tr_limit *limit = &text->calibration->limits[(*next)++];
        if (is_shown(text, limit))
            return limit;
    }
    return NULL;
}

/* The left columns come from a table; the formulas, which may be long, are wrapped beside them. */
static void join_formulas(struct tr_text *text, const char *lines) {
    size_t next = 0, indent = tr_text_columns(lines) + 2;
    const struct tr_limit *limit;
    bool beside = indent + 24 <= text->term.width;
    if (!beside)
        indent = 6;
    while (lines && (limit = next_shown(text, &next))) {
        size_t n = strcspn(lines, "\n");
        struct tr_strbuf line = {0};
        tr_strbuf_add_bytes(&line, lines, n);
        if (beside) {
            tr_strbuf_repeat(&line, " ", indent - tr_display_width(line.failed ? "" : line.text));
        } else {
            tr_strbuf_add(text->out, line.failed ? "" : line.text);
            tr_strbuf_add(text->out, "\n");
            tr_strbuf_finish(&line);
            tr_strbuf_repeat(&line, " ", indent);
        }
        formula_of(text, limit, &line);
        tr_text_wrap(text, line.failed ? "" : line.text, indent);
        text->out->failed = text->out->failed || line.failed;
        tr_strbuf_finish(&line);
        lines += n + (lines[n] == '\n');
    }
}

void tr_text_limits(struct tr_text *text) {
    const struct tr_limit *limit;
    const json_t *machine = json_object_get(text->calibration->document, "machine");
    bool is_virtual = json_is_true(json_object_get(machine, "virtual"));
    size_t next = 0;
    struct tr_table table;
    struct tr_strbuf lines = {0};
    tr_table_init(&table, "lrl");
    while ((limit = next_shown(text, &next)))
        limit_cells(text, &table, limit);
    tr_table_write(&table, 2, &lines);
    bool known = machine_limit(text->calibration, "dram");
    if (text->full) {
        tr_strbuf_add(text->out, "\n");
        tr_text_head(text, "limits");
    } else {
        tr_strbuf_add(text->out, table.n_cells || !known ? "limits\n" : "");
    }
    if (!known && !text->full)
        tr_text_wrapf(text, 2, "  memory        unknown: %s",
                      is_virtual ? "if the host's are known, --channels N --mts N"
                                 : "run 'sudo tokenroof', or give --channels N --mts N");
    else if (!known)
        tr_text_wrapf(text, 2,
                      "  Of memory unknown: neither the modules nor the catalogue told. %s",
                      is_virtual ? "If the host's are known, give them with --channels N --mts N."
                                 : "Run 'sudo tokenroof', or give them with --channels N --mts N.");
    join_formulas(text, lines.text);
    text->out->failed = text->out->failed || lines.failed;
    tr_strbuf_finish(&lines);
    tr_table_finish(&table);
}
