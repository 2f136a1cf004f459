#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report_machine.h"

/* Enough that equal formulas give equal values. */
static bool same_value(const struct tr_limit *a, const struct tr_limit *b) {
    return !strcmp(a->name, b->name) && a->place.kind == b->place.kind &&
           fabs(a->value - b->value) <= 1e-9 * fabs(a->value) && !strcmp(a->basis, b->basis);
}

static size_t places_of_kind(const struct tr_machine *machine, enum tr_place_kind kind) {
    switch (kind) {
    case TR_PLACE_PACKAGE:
        return machine->n_packages;
    case TR_PLACE_NODE:
        return machine->n_nodes;
    case TR_PLACE_CCD:
        return machine->n_ccds;
    default:
        return 0;
    }
}

/* The machine's own, and those of parts where there are several. Without a topology the parts are
 * all there is. */
static bool is_shown(const struct tr_text *text, const struct tr_machine *machine,
                     const struct tr_limit *limit) {
    if (text->full || limit->place.kind == TR_PLACE_MACHINE)
        return true;
    if (!strncmp(limit->name, "flop_", 5))
        return false;
    if (machine->n_packages == 0)
        return !tr_limit_find(machine->limits, machine->n_limits, limit->name, TR_PLACE_MACHINE, 0);
    return places_of_kind(machine, limit->place.kind) > 1;
}

/* "node 0-3" for all places of one kind that have the same limit. */
static char *place_text(const struct tr_text *text, const struct tr_machine *machine,
                        size_t first) {
    const struct tr_limit *limit = &machine->limits[first];
    struct tr_cpulist indices = {0};
    if (limit->place.kind == TR_PLACE_MACHINE)
        return strdup("machine");
    size_t end = text->full ? first + 1 : machine->n_limits;
    for (size_t i = first; i < end; i++)
        if (same_value(&machine->limits[i], limit) &&
            tr_cpulist_add(&indices, machine->limits[i].place.index))
            break;
    char *list = tr_cpulist_format(&indices);
    char *words = list ? tr_format("%s %s", tr_place_kind_name(limit->place.kind), list) : NULL;
    tr_cpulist_finish(&indices);
    free(list);
    return words;
}

static bool is_first(const struct tr_machine *machine, size_t index) {
    for (size_t i = 0; i < index; i++)
        if (same_value(&machine->limits[i], &machine->limits[index]))
            return false;
    return true;
}

static char *basis_text(const struct tr_limit *limit) {
    return tr_format("%s%s", limit->basis,
                     limit->host_only ? ", the host's"
                     : limit->hard    ? ", hard"
                                      : "");
}

static bool next_shown(const struct tr_text *text, const struct tr_machine *machine, size_t *at) {
    for (; *at < machine->n_limits; (*at)++)
        if (is_shown(text, machine, &machine->limits[*at]) &&
            (text->full || is_first(machine, *at)))
            return true;
    return false;
}

static char *columns(struct tr_text *text, const struct tr_machine *machine) {
    struct tr_table table;
    struct tr_strbuf lines = {0};
    tr_table_init(&table, "llrl");
    for (size_t i = 0; next_shown(text, machine, &i); i++) {
        const struct tr_limit *limit = &machine->limits[i];
        char *place = place_text(text, machine, i), *basis = basis_text(limit);
        tr_table_add(&table, limit->name);
        tr_text_cell(text, &table, place, 20);
        tr_table_addf(&table, "%s %s", tr_text_number(limit->value).text, limit->unit);
        tr_table_add(&table, basis);
        free(place);
        free(basis);
    }
    tr_table_write(&table, 2, &lines);
    tr_table_finish(&table);
    return tr_strbuf_take(&lines);
}

void tr_text_machine_limits(struct tr_text *text, const struct tr_machine *machine) {
    tr_strbuf_add(text->out, "\n");
    tr_text_head(text, "limits (name, place, value, what they rest on, formula)");
    size_t at = 0;
    if (!next_shown(text, machine, &at)) {
        tr_text_wrap(text,
                     "  Unknown: neither the machine nor the catalogue told channels and speed of "
                     "the memory. Give them with --channels N --mts N.",
                     2);
        return;
    }
    char *lines = columns(text, machine);
    size_t indent = lines ? tr_text_columns(lines) + 2 : 2;
    bool beside = indent + 24 <= text->term.width;
    const char *line = lines;
    for (at = 0; line && next_shown(text, machine, &at); at++) {
        size_t n = strcspn(line, "\n");
        struct tr_strbuf whole = {0};
        tr_strbuf_add_bytes(&whole, line, n);
        line += n + (line[n] == '\n');
        if (beside) {
            tr_strbuf_repeat(&whole, " ",
                             indent - tr_display_width(whole.failed ? "" : whole.text));
        } else {
            tr_strbuf_add(text->out, whole.failed ? "" : whole.text);
            tr_strbuf_add(text->out, "\n");
            tr_strbuf_finish(&whole);
            tr_strbuf_repeat(&whole, " ", 6);
        }
        tr_text_add(text, &whole, machine->limits[at].formula);
        tr_text_wrap(text, whole.failed ? "" : whole.text, beside ? indent : 6);
        tr_strbuf_finish(&whole);
    }
    text->out->failed = text->out->failed || !lines;
    free(lines);
}
