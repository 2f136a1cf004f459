#include "changes.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "facts.h"
#include "series.h"
#include "strbuf.h"

static const char host[] = "host";
/* Texts and whole numbers are compared as they are. */
static const struct {
    const char *path, *what;
} facts[] = {
    {"machine.fingerprint", "machine (board, CPU, memory layout, firmware)"},
    {"machine.host_id", host},
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

/* A run's value in words; NULL unknown, and out of memory (then *ret_failed). */
typedef char *read_fn(const struct tr_calibration *run, const char *path, bool *ret_failed);

static char *read_fact(const struct tr_calibration *run, const char *path, bool *ret_failed) {
    const json_t *value = tr_fact(run->document, path);
    if (!value)
        return NULL;
    char *text = json_is_string(value)   ? strdup(json_string_value(value))
                 : json_is_number(value) ? tr_format("%.10g", json_number_value(value))
                                         : strdup(json_is_true(value) ? "yes" : "no");
    *ret_failed |= !text;
    return text;
}

/* Of the read rate. */
static char *read_page_bytes(const struct tr_calibration *run, const char *path, bool *ret_failed) {
    const struct tr_measurement *read = tr_calibration_read_rate(run);
    (void)path;
    if (!read || read->page_bytes <= 0)
        return NULL;
    char *text = tr_format("%" PRId64, read->page_bytes);
    *ret_failed |= !text;
    return text;
}

/* The first digits of its id tell it from others. */
static char *read_boot(const struct tr_calibration *run, const char *path, bool *ret_failed) {
    const char *id = tr_fact_text(run->document, path);
    char *text = id ? tr_format("%.8s", id) : NULL;
    *ret_failed |= id && !text;
    return text;
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The different values of one set, "a | b", in their own order: that of the runs is no condition.
 * Empty if unknown; NULL: out of memory. */
static char *values_of(struct tr_calibration *const *runs, size_t n, read_fn *read,
                       const char *path) {
    struct tr_strbuf all = {0};
    char **values = calloc(n ? n : 1, sizeof(*values));
    size_t known = 0;
    if (!values)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        values[known] = read(runs[i], path, &all.failed);
        known += values[known] != NULL;
    }
    qsort(values, known, sizeof(*values), by_text);
    tr_strbuf_add(&all, "");
    for (size_t i = 0; i < known; i++)
        if (i == 0 || strcmp(values[i], values[i - 1]) != 0)
            tr_strbuf_addf(&all, "%s%s", i ? " | " : "", values[i]);
    for (size_t i = 0; i < known; i++)
        free(values[i]);
    free(values);
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

static int compare_values(struct tr_changes *changes, struct tr_calibration *const *const *runs,
                          const size_t *n_runs, size_t set, read_fn *read, const char *path,
                          const char *what) {
    char *before = values_of(runs[0], n_runs[0], read, path);
    char *after = values_of(runs[set], n_runs[set], read, path);
    if (before && after && (!*before || !*after || !strcmp(before, after))) {
        free(before);
        free(after);
        return 0;
    }
    return append(changes, what, set, before, after);
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

/* Of one host: another one has other boots anyway. */
static int compare_boots(struct tr_changes *changes, struct tr_calibration *const *const *runs,
                         const size_t *n_runs, size_t set) {
    for (size_t i = 0; i < changes->n; i++)
        if (changes->items[i].set == set && !strcmp(changes->items[i].what, host))
            return 0;
    return compare_values(changes, runs, n_runs, set, read_boot, "conditions.boot_id",
                          "boot (memory is trained anew in each)");
}

int tr_changes_find(struct tr_calibration *const *const *runs, const size_t *n_runs, size_t n_sets,
                    struct tr_changes *ret_changes) {
    struct tr_changes changes = {0};
    int code = 0;
    for (size_t set = 1; !code && set < n_sets; set++) {
        for (size_t i = 0; !code && i < sizeof(facts) / sizeof(facts[0]); i++)
            code = compare_values(&changes, runs, n_runs, set, read_fact, facts[i].path,
                                  facts[i].what);
        for (size_t i = 0; !code && i < sizeof(levels) / sizeof(levels[0]); i++)
            code = compare_level(&changes, runs, n_runs, set, i);
        if (!code)
            code = compare_values(&changes, runs, n_runs, set, read_page_bytes, NULL,
                                  "page size of the read rate, bytes");
        if (!code)
            code = compare_boots(&changes, runs, n_runs, set);
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
