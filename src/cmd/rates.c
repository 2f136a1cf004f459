#include "rates.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "choice.h"
#include "machine_json.h"
#include "strbuf.h"
#include "tokenroof/machine.h"

/* A kernel's figure at exactly so many threads; refused ones serve no prediction. */
static const struct tr_measurement *best_at(const struct tr_calibration *calibration,
                                            const char *kernel, const char *dtype, int threads) {
    struct tr_choice choice = {0};
    for (size_t i = 0; i < calibration->n_measurements; i++) {
        const struct tr_measurement *m = &calibration->measurements[i];
        if (m->kernel && !strcmp(m->kernel, kernel) && m->threads == threads &&
            (!dtype || (m->dtype && !strcmp(m->dtype, dtype))) &&
            !tr_strings_has(&m->flags, "above_ceiling"))
            tr_choice_offer(&choice, m);
    }
    return tr_choice_made(&choice);
}

/* "1, 2, 8": the numbers of threads at which reading was measured. */
static char *measured_threads(const struct tr_calibration *calibration) {
    struct tr_strbuf text = {0};
    for (size_t i = 0; i < calibration->n_measurements; i++) {
        const struct tr_measurement *m = &calibration->measurements[i];
        bool seen = !m->kernel || strcmp(m->kernel, "read") != 0;
        for (size_t j = 0; j < i && !seen; j++) {
            const struct tr_measurement *before = &calibration->measurements[j];
            seen =
                before->kernel && !strcmp(before->kernel, "read") && before->threads == m->threads;
        }
        if (!seen)
            tr_strbuf_addf(&text, "%s%d", text.length ? ", " : "", m->threads);
    }
    return tr_strbuf_take(&text);
}

static double node_bytes(const struct tr_calibration *calibration) {
    const json_t *nodes =
        json_object_get(json_object_get(calibration->document, "machine"), "numa_nodes");
    double sum = 0;
    size_t i;
    const json_t *node;
    json_array_foreach(nodes, i, node) sum +=
        json_number_value(json_object_get(node, "memory_bytes"));
    return sum > 0 ? sum : NAN;
}

/* What programs can have: the kernel's total (the modules' sum is more by the firmware's share),
 * else the NUMA nodes'; not more than a cgroup allows. */
static double memory_bytes(const struct tr_calibration *calibration) {
    double total = tr_calibration_number(calibration, "os.memory_bytes");
    double limit = tr_calibration_number(calibration, "memory_limit_bytes");
    if (!(total > 0))
        total = node_bytes(calibration);
    return fmin(total, limit); /* ignores NAN */
}

static bool bound_by_fabric(const struct tr_calibration *calibration) {
    const struct tr_limit *limit = tr_limit_find(calibration->limits, calibration->n_limits,
                                                 "memory_read", TR_PLACE_MACHINE, 0);
    return limit && !limit->host_only && limit->binds && !strncmp(limit->binds, "fabric", 6);
}

int tr_rates_from_calibration(const struct tr_calibration *calibration, int threads,
                              struct tr_rates *ret_rates, struct tr_err *reterr) {
    const char *name = calibration->path ? calibration->path : "the calibration";
    const struct tr_measurement *read, *fma;
    if (threads) {
        read = best_at(calibration, "read", NULL, threads);
        fma = best_at(calibration, "fma", "f32", threads);
    } else {
        read = tr_calibration_read_rate(calibration);
        fma = tr_calibration_fma_rate(calibration, "f32");
    }
    if (!read && threads) {
        char *known = measured_threads(calibration);
        int code = tr_err_set(reterr, TR_EUNAVAILABLE,
                              "%.300s: reading was not measured with %d threads, only with: %s",
                              name, threads, known && *known ? known : "none");
        free(known);
        return code;
    }
    if (!read)
        return tr_err_set(reterr, TR_EUNAVAILABLE,
                          "%.300s: it has no read rate of the machine. Run: tokenroof", name);
    *ret_rates = (struct tr_rates){
        .read_gb_per_s = read->median,
        .read_best_gb_per_s = read->best,
        .flop_gflop_per_s = fma ? fma->median : NAN,
        .memory_bytes = memory_bytes(calibration),
        .storage_gb_per_s = NAN,
        .threads = read->threads,
        .platform = tr_calibration_text(calibration, "cpu.model"),
        .fabric_bound = bound_by_fabric(calibration),
    };
    return 0;
}

static const json_t *at_path(const json_t *object, const char *path) {
    char key[48];
    while (object && *path) {
        size_t n = strcspn(path, ".");
        snprintf(key, sizeof(key), "%.*s", (int)n, path);
        object = json_object_get(object, key);
        path += n + (path[n] == '.');
    }
    return object;
}

static void describe(const json_t *value, char text[96]) {
    if (json_is_string(value))
        snprintf(text, 96, "%s", json_string_value(value));
    else if (json_is_number(value))
        snprintf(text, 96, "%g", json_number_value(value));
    else
        snprintf(text, 96, "%s", json_is_true(value) ? "yes" : "no");
}

int tr_rates_differences(const json_t *then, const json_t *now, struct tr_strings *warnings) {
    static const struct {
        const char *path, *what;
    } facts[] = {
        {"cpu.model", "the CPU"},
        {"firmware.bios", "the firmware"},
        {"firmware.bios_version", "the firmware"},
        {"firmware.microcode", "the microcode"},
        {"os.kernel", "the kernel"},
        {"memory.channels_populated", "the number of memory channels in use"},
        {"memory.configured_mts", "the memory's MT/s"},
        {"memory.total_bytes", "the memory's size"},
        {"settings.nps", "the NUMA setting"},
        {"settings.smt", "SMT"},
        {"settings.governor", "the CPU governor"},
        {"settings.boost", "boost"},
        {"settings.thp", "the huge page setting"},
        {"settings.numa_balancing", "NUMA balancing"},
    };
    for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
        const json_t *before = at_path(then, facts[i].path), *after = at_path(now, facts[i].path);
        if (!before || !after || json_is_null(before) || json_is_null(after) ||
            json_equal(before, after))
            continue;
        char was[96], is[96];
        describe(before, was);
        describe(after, is);
        /* 5600 and 5600.0 are the same figure. */
        if (!strcmp(was, is))
            continue;
        int code = tr_strings_add(
            warnings,
            "%s was '%s' when this was measured and is '%s' now. To measure again: tokenroof",
            facts[i].what, was, is);
        if (code)
            return code;
    }
    return 0;
}

int tr_rates_find_calibration(struct tr_calibration **ret_calibration, struct tr_strings *warnings,
                              struct tr_err *reterr) {
    struct tr_machine_options options = {0};
    struct tr_machine *machine = NULL;
    struct tr_calibration *calibration = NULL;
    char *path = NULL;
    json_t *now = NULL;
    int code = tr_machine_load(&options, &machine, reterr);
    if (!code)
        code = tr_calibration_find(NULL, machine->host_id, &path, reterr);
    if (code == TR_EUNAVAILABLE)
        tr_err_set(reterr, code,
                   "this machine has no calibration yet. Run: tokenroof (takes a minute), or name "
                   "a file with --calibration");
    if (!code)
        code = tr_calibration_read(path, &calibration, reterr);
    if (!code)
        code = tr_machine_to_json(machine, &now);
    if (!code)
        code =
            tr_rates_differences(json_object_get(calibration->document, "machine"), now, warnings);
    if (code)
        tr_calibration_destroy(calibration);
    else
        *ret_calibration = calibration;
    json_decref(now);
    free(path);
    tr_machine_destroy(machine);
    return code;
}
