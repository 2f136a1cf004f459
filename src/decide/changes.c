#include "changes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "facts.h"
#include "series.h"
#include "strbuf.h"

/* Texts and whole numbers are compared as they are. */
static const struct {
    const char *path, *what;
} facts[] = {
    {"machine.fingerprint", "machine (board, CPU, memory layout, firmware)"},
    {"machine.host_id", "host"},
    {"machine.cpu.model", "CPU"},
    {"machine.firmware.board", "board"},
    {"machine.firmware.bios", "BIOS"},
    {"machine.firmware.bios_date", "BIOS date"},
    {"machine.firmware.microcode", "microcode"},
    {"machine.os.kernel", "kernel"},
    {"machine.os.distribution", "distribution"},
    {"machine.memory.channels_populated", "memory channels in use"},
    {"machine.memory.configured_mts", "memory MT/s"},
    {"machine.memory.total_bytes", "memory bytes"},
    {"machine.clocks.fclk_ghz", "FCLK GHz"},
    {"machine.clocks.capped_ghz", "clock cap GHz"},
    {"machine.clocks.uncore_max_ghz", "highest uncore GHz"},
    {"machine.sensors.power_limit_w", "power limit W"},
    {"machine.settings.nps", "NUMA setting"},
    {"machine.settings.smt", "SMT"},
    {"machine.settings.governor", "CPU governor"},
    {"machine.settings.driver", "CPU frequency driver"},
    {"machine.settings.boost", "boost"},
    {"machine.settings.thp", "transparent huge pages"},
    {"machine.settings.numa_balancing", "NUMA balancing"},
    {"machine.hypervisor", "hypervisor"},
    {"machine.allowed_cpus", "CPUs allowed"},
    {"machine.cpu_quota", "CPU quota"},
    {"conditions.huge_pages", "huge pages"},
    {"tool.version", "version of the program"},
    {"tool.commit", "build of the program"},
    {"tool.compiler", "compiler of the program"},
};

/* Numbers that are never equal: medians that differ by more than this. */
static const struct {
    const char *path, *what;
    double least;
} levels[] = {
    {"machine.sensors.cpu_celsius", "CPU temperature, Celsius", 5},
    {"machine.sensors.memory_celsius", "memory temperature, Celsius", 5},
    {"conditions.steal_fraction", "share of stolen time", 0.01},
};

static char *describe(const json_t *value) {
    if (json_is_string(value))
        return strdup(json_string_value(value));
    if (json_is_number(value))
        return tr_format("%.10g", json_number_value(value));
    return strdup(json_is_true(value) ? "yes" : "no");
}

/* The different values of one set, "a | b", in the order of the runs; empty if unknown. */
static char *values_of(struct tr_calibration *const *runs, size_t n, const char *path) {
    struct tr_strbuf all = {0};
    for (size_t i = 0; i < n; i++) {
        const json_t *value = tr_fact(runs[i]->document, path);
        if (!value)
            continue;
        char *text = describe(value);
        bool seen = !text;
        for (size_t k = 0; k < i && !seen; k++) {
            const json_t *other = tr_fact(runs[k]->document, path);
            char *before = other ? describe(other) : NULL;
            seen = before && !strcmp(before, text);
            free(before);
        }
        all.failed |= !text;
        if (!seen)
            tr_strbuf_addf(&all, "%s%s", all.length ? " | " : "", text);
        free(text);
    }
    tr_strbuf_add(&all, "");
    return tr_strbuf_take(&all);
}

/* Takes both texts over. */
static int append(struct tr_changes *changes, const char *what, size_t set, char *before,
                  char *after) {
    struct tr_changed *items = realloc(changes->items, (changes->n + 1) * sizeof(*items));
    char *name = strdup(what);
    if (items)
        changes->items = items;
    if (!items || !name || !before || !after) {
        free(name);
        free(before);
        free(after);
        return TR_ENOMEM;
    }
    items[changes->n++] =
        (struct tr_changed){.what = name, .set = set, .before = before, .after = after};
    return 0;
}

static int compare_fact(struct tr_changes *changes, struct tr_calibration *const *const *runs,
                        const size_t *n_runs, size_t set, size_t fact) {
    char *before = values_of(runs[0], n_runs[0], facts[fact].path);
    char *after = values_of(runs[set], n_runs[set], facts[fact].path);
    if (before && after && (!*before || !*after || !strcmp(before, after))) {
        free(before);
        free(after);
        return 0;
    }
    return append(changes, facts[fact].what, set, before, after);
}

static int median_of(struct tr_calibration *const *runs, size_t n, const char *path,
                     double *ret_median) {
    double *values = malloc((n ? n : 1) * sizeof(*values));
    size_t known = 0;
    if (!values)
        return TR_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        const json_t *value = tr_fact(runs[i]->document, path);
        if (json_is_number(value))
            values[known++] = json_number_value(value);
    }
    int code = tr_series_median(values, known, ret_median);
    free(values);
    return code;
}

static int compare_level(struct tr_changes *changes, struct tr_calibration *const *const *runs,
                         const size_t *n_runs, size_t set, size_t level) {
    double before = NAN, after = NAN;
    int code = median_of(runs[0], n_runs[0], levels[level].path, &before);
    if (!code)
        code = median_of(runs[set], n_runs[set], levels[level].path, &after);
    if (code || !(fabs(after - before) > levels[level].least))
        return code;
    return append(changes, levels[level].what, set, tr_format("%.3g", before),
                  tr_format("%.3g", after));
}

static double page_bytes(const struct tr_calibration *run) {
    const struct tr_measurement *read = tr_calibration_read_rate(run);
    return read && read->page_bytes > 0 ? (double)read->page_bytes : NAN;
}

/* Of the read rate; the first run stands for its set. */
static int compare_pages(struct tr_changes *changes, struct tr_calibration *const *const *runs,
                         const size_t *n_runs, size_t set) {
    if (n_runs[0] == 0 || n_runs[set] == 0)
        return 0;
    double before = page_bytes(runs[0][0]), after = page_bytes(runs[set][0]);
    if (isnan(before) || isnan(after) || before == after)
        return 0;
    return append(changes, "page size of the read rate, bytes", set, tr_format("%.0f", before),
                  tr_format("%.0f", after));
}

int tr_changes_find(struct tr_calibration *const *const *runs, const size_t *n_runs, size_t n_sets,
                    struct tr_changes *ret_changes) {
    struct tr_changes changes = {0};
    int code = 0;
    for (size_t set = 1; !code && set < n_sets; set++) {
        for (size_t i = 0; !code && i < sizeof(facts) / sizeof(facts[0]); i++)
            code = compare_fact(&changes, runs, n_runs, set, i);
        for (size_t i = 0; !code && i < sizeof(levels) / sizeof(levels[0]); i++)
            code = compare_level(&changes, runs, n_runs, set, i);
        if (!code)
            code = compare_pages(&changes, runs, n_runs, set);
    }
    if (code)
        tr_changes_finish(&changes);
    else
        *ret_changes = changes;
    return code;
}

void tr_changes_finish(struct tr_changes *changes) {
    for (size_t i = 0; i < changes->n; i++) {
        free(changes->items[i].what);
        free(changes->items[i].before);
        free(changes->items[i].after);
    }
    free(changes->items);
    *changes = (struct tr_changes){0};
}
