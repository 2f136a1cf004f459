/* A series of processors: its members and the range over them. */
#include <math.h>
#include <string.h>

#include "report_machine.h"

static double limit_of(const struct tr_machine *machine, const char *name) {
    const struct tr_limit *limit =
        tr_limit_find(machine->limits, machine->n_limits, name, TR_PLACE_MACHINE, 0);
    return limit ? limit->value : (double)NAN;
}

bool tr_series_range(struct tr_machine *const *members, size_t n, const char *limit,
                     double ret_range[2]) {
    double low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        double value = limit_of(members[i], limit);
        low = value < low ? value : low;
        high = value > high ? value : high;
    }
    if (!(low <= high))
        return false;
    ret_range[0] = low;
    ret_range[1] = high;
    return true;
}

static void add_number(struct tr_table *table, double value) {
    if (isfinite(value))
        tr_table_addf(table, "%.5g", value);
    else
        tr_table_add(table, "-");
}

static void add_count(struct tr_table *table, int value) {
    if (value > 0)
        tr_table_addf(table, "%d", value);
    else
        tr_table_add(table, "-");
}

/* With the widest vectors that the member has: members of a series may differ in them. */
static double best_flop(const struct tr_machine *machine) {
    static const char *const names[] = {"flop_f32_avx512", "flop_f32_avx2", "flop_f32_sse2",
                                        "flop_f32_neon"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (isfinite(limit_of(machine, names[i])))
            return limit_of(machine, names[i]);
    return NAN;
}

static void members_table(struct tr_text *text, struct tr_machine *const *members, size_t n) {
    struct tr_table table;
    static const char *const heads[] = {"member",      "cores",     "CCDs",       "DRAM GB/s",
                                        "fabric GB/s", "read GB/s", "f32 GFLOP/s"};
    tr_table_init(&table, "lrrrrrr");
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
        tr_table_add(&table, heads[i]);
    for (size_t i = 0; i < n; i++) {
        const struct tr_platform *platform = members[i]->platform;
        tr_text_cell(text, &table, platform->name, 44);
        add_count(&table, platform->cores);
        add_count(&table, platform->ccds);
        add_number(&table, limit_of(members[i], "dram"));
        add_number(&table, limit_of(members[i], "fabric_read"));
        add_number(&table, limit_of(members[i], "memory_read"));
        add_number(&table, best_flop(members[i]));
    }
    text->out->failed = text->out->failed || table.failed;
    tr_table_write(&table, 2, text->out);
    tr_table_finish(&table);
}

int tr_report_series(const char *name, struct tr_machine *const *members, size_t n,
                     const struct tr_term *term, struct tr_strbuf *out) {
    static const char *const limits[] = {"dram",         "fabric_read",   "fabric_write",
                                         "memory_read",  "flop_f32_avx2", "flop_f32_avx512",
                                         "flop_f32_neon"};
    struct tr_text text = {.term = *term, .out = out};
    struct tr_strbuf line = {0};
    tr_text_add(&text, &line, name);
    tr_strbuf_addf(&line, ": %zu processors", n);
    if (n && members[0]->catalogue_packages > 1)
        tr_strbuf_addf(&line, ", %d on a board", members[0]->catalogue_packages);
    tr_text_head(&text, line.failed ? "" : line.text);
    tr_strbuf_finish(&line);
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        double range[2];
        const char *unit = strncmp(limits[i], "flop_", 5) ? "GB/s" : "GFLOP/s";
        if (!tr_series_range(members, n, limits[i], range))
            continue;
        tr_text_fact(&text, limits[i],
                     range[0] == range[1] ? tr_format("%.5g %s", range[0], unit)
                                          : tr_format("%.5g to %.5g %s", range[0], range[1], unit));
    }
    tr_strbuf_add(out, "\n");
    members_table(&text, members, n);
    return out->failed ? TR_ENOMEM : 0;
}
