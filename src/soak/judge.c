/* Verdicts of a soak, and its document. */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "calibration_json.h"
#include "strbuf.h"
#include "summary.h"
#include "worker.h"

enum verdict { PASS, WARN, FAIL, SKIP };
static const char *const verdict_names[] = {"pass", "warn", "fail", "skip"};

struct judge {
    const struct tr_soak_summary *summary;
    json_t *results;
    enum verdict worst; /* PASS, WARN or FAIL */
    bool failed;        /* out of memory */
};

struct figure {
    double value;
    const char *unit;
    double low, high;
};
#define FIGURE(value_, unit_) \
    ((struct figure){.value = (value_), .unit = (unit_), .low = NAN, .high = NAN})
#define AT_MOST(value_, unit_, high_) \
    ((struct figure){.value = (value_), .unit = (unit_), .low = NAN, .high = (high_)})

static void add(struct judge *judge, const char *name, enum verdict verdict, struct figure figure,
                const char *why, ...) __attribute__((format(printf, 5, 6)));

static void add(struct judge *judge, const char *name, enum verdict verdict, struct figure figure,
                const char *why, ...) {
    struct tr_strbuf text = {0};
    va_list args;
    va_start(args, why);
    tr_strbuf_vaddf(&text, why, args);
    va_end(args);
    json_t *result =
        json_pack("{s:o, s:s, s:o, s:o, s:o, s:o, s:o}", "name", tr_json_text(name), "verdict",
                  verdict_names[verdict], "value", tr_json_number(figure.value), "unit",
                  tr_json_text(figure.unit), "low", tr_json_number(figure.low), "high",
                  tr_json_number(figure.high), "why", tr_json_text(text.text));
    tr_strbuf_finish(&text);
    judge->failed = judge->failed || json_array_append_new(judge->results, result);
    if (verdict != SKIP && verdict > judge->worst)
        judge->worst = verdict;
}

static double head_number(const struct judge *judge, const char *name) {
    return tr_json_number_of(judge->summary->head, name);
}

/* Over all seconds; NAN if none has it. */
static double last_of(const struct judge *judge, enum tr_soak_column column) {
    for (size_t i = judge->summary->n_seconds; i > 0; i--)
        if (isfinite(judge->summary->seconds[i - 1].values[column]))
            return judge->summary->seconds[i - 1].values[column];
    return NAN;
}

static double highest_of(const struct judge *judge, enum tr_soak_column column) {
    double highest = NAN;
    for (size_t i = 0; i < judge->summary->n_seconds; i++)
        highest = fmax(highest, judge->summary->seconds[i].values[column]);
    return highest;
}

static double lowest_of(const struct judge *judge, enum tr_soak_column column) {
    double lowest = NAN;
    for (size_t i = 0; i < judge->summary->n_seconds; i++)
        lowest = fmin(lowest, judge->summary->seconds[i].values[column]);
    return lowest;
}

/* --- what was found wrong -------------------------------------------------------------------- */

static const json_t *first_mismatch(const struct judge *judge, const char *what) {
    size_t i;
    const json_t *mismatch;
    json_array_foreach(judge->summary->mismatches, i, mismatch) {
        const char *kind = json_string_value(json_object_get(mismatch, "what"));
        if (kind && !strcmp(kind, what))
            return mismatch;
    }
    return NULL;
}

static const char *text_of(const json_t *object, const char *name) {
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "unknown";
}

static void judge_memory(struct judge *judge) {
    double n = last_of(judge, TR_SOAK_MEMORY_MISMATCHES);
    double verified = last_of(judge, TR_SOAK_VERIFIED_BYTES);
    const json_t *first = first_mismatch(judge, "memory");
    struct figure figure = AT_MOST(n, "words", 0);
    if (first)
        add(judge, "memory", FAIL, figure,
            "%.0f words were not what was written; the first at %s: expected %s, found %s. "
            "Reseat or replace the module, or lower the memory's speed",
            fmax(n, 1), text_of(first, "address"), text_of(first, "expected"),
            text_of(first, "found"));
    else if (n > 0)
        add(judge, "memory", FAIL, figure, "%.0f words were not what was written", n);
    else if (!(head_number(judge, "memory_bytes") > 0))
        add(judge, "memory", SKIP, FIGURE(NAN, NULL), "no phase of this soak uses memory");
    else if (!(verified > 0))
        add(judge, "memory", SKIP, FIGURE(NAN, NULL), "it ended before any memory was verified");
    else
        add(judge, "memory", PASS, figure, "%.4g GB were verified, every word", verified * 1e-9);
}

static void judge_compute(struct judge *judge) {
    double n = last_of(judge, TR_SOAK_COMPUTE_MISMATCHES), gflop = 0;
    const json_t *first = first_mismatch(judge, "compute");
    struct figure figure = AT_MOST(n, "results", 0);
    for (int i = 0; i < TR_SOAK_STAGES; i++)
        gflop += judge->summary->sums[i].gflop;
    if (first)
        add(judge, "compute", FAIL, figure,
            "%.0f results were not exact; the first on CPU %" JSON_INTEGER_FORMAT
            " in %s: expected %s, found %s. Raise the core's voltage or lower its clock",
            fmax(n, 1), json_integer_value(json_object_get(first, "cpu")), text_of(first, "kernel"),
            text_of(first, "expected"), text_of(first, "found"));
    else if (n > 0)
        add(judge, "compute", FAIL, figure, "%.0f results were not exact", n);
    else if (!(gflop > 0))
        add(judge, "compute", SKIP, FIGURE(NAN, NULL), "nothing was computed in this soak");
    else
        add(judge, "compute", PASS, figure,
            "%.4g 10^12 operations, each result compared bit for bit", gflop * 1e-3);
}

/* "A1 (mc#0csrow#0channel#0): 3" of all modules with errors of this kind; "" without. */
static void modules_text(const struct judge *judge, const char *kind, struct tr_strbuf *text) {
    size_t i;
    const json_t *module;
    tr_strbuf_add(text, "");
    json_array_foreach(judge->summary->modules, i, module) {
        double n = json_number_value(json_object_get(module, kind));
        const char *slot = json_string_value(json_object_get(module, "slot"));
        const char *label = text_of(module, "label");
        if (!(n > 0))
            continue;
        if (slot && strcmp(slot, label) != 0)
            tr_strbuf_addf(text, "; slot %s (%s): %.0f", slot, label, n);
        else
            tr_strbuf_addf(text, "; %s: %.0f", label, n);
    }
}

static void judge_corrected(struct judge *judge) {
    double n = last_of(judge, TR_SOAK_CORRECTED);
    double most = head_number(judge, "max_corrected_per_hour");
    /* Shorter ones count as an hour: two errors in a minute are no rate yet. */
    double high = most * fmax(1, judge->summary->t_s / 3600);
    struct tr_strbuf where = {0};
    modules_text(judge, "corrected", &where);
    const char *places = where.text ? where.text : "";
    if (isnan(n))
        add(judge, "corrected memory errors", SKIP, FIGURE(NAN, NULL),
            "no driver of the memory controllers (EDAC) is loaded: without ECC, or in a virtual "
            "machine, nothing counts them");
    else if (n > high)
        add(judge, "corrected memory errors", FAIL, AT_MOST(n, "errors", high),
            "more than %.4g an hour%s. Replace the module", most, places);
    else
        add(judge, "corrected memory errors", n > 0 ? WARN : PASS, AT_MOST(n, "errors", high),
            n > 0 ? "ECC corrected them%s. Watch this module" : "none%s", places);
    tr_strbuf_finish(&where);
}

static void judge_uncorrected(struct judge *judge) {
    double n = last_of(judge, TR_SOAK_UNCORRECTED);
    struct tr_strbuf where = {0};
    modules_text(judge, "uncorrected", &where);
    if (isnan(n))
        add(judge, "uncorrected memory errors", SKIP, FIGURE(NAN, NULL),
            "no driver of the memory controllers (EDAC) is loaded");
    else
        add(judge, "uncorrected memory errors", n > 0 ? FAIL : PASS, AT_MOST(n, "errors", 0),
            n > 0 ? "data was lost%s. Replace the module" : "none%s", where.text ? where.text : "");
    tr_strbuf_finish(&where);
}

static void judge_machine_checks(struct judge *judge) {
    double n = last_of(judge, TR_SOAK_MACHINE_CHECKS);
    double deferred = last_of(judge, TR_SOAK_DEFERRED);
    double thresholds = last_of(judge, TR_SOAK_THRESHOLDS);
    if (isnan(n))
        add(judge, "machine checks", SKIP, FIGURE(NAN, NULL),
            "the kernel does not count them (/proc/interrupts)");
    else if (n > 0)
        add(judge, "machine checks", FAIL, AT_MOST(n, "exceptions", 0),
            "the processor reported faults of its own: see the kernel's log (dmesg)");
    else if (deferred > 0 || thresholds > 0)
        add(judge, "machine checks", WARN, AT_MOST(n, "exceptions", 0),
            "no exception, but %.0f interrupts for deferred errors and %.0f for corrected ones "
            "beyond a threshold: see the kernel's log (dmesg)",
            fmax(0, deferred), fmax(0, thresholds));
    else
        add(judge, "machine checks", PASS, AT_MOST(n, "exceptions", 0), "none");
}

/* --- how it ran ------------------------------------------------------------------------------ */

static void judge_heat(struct judge *judge, const char *name, enum tr_soak_column now,
                       enum tr_soak_column limit) {
    double hottest = highest_of(judge, now), most = lowest_of(judge, limit);
    if (isnan(hottest))
        add(judge, name, SKIP, FIGURE(NAN, NULL), "no sensor that this program knows is readable");
    else if (hottest >= most - 5)
        add(judge, name, WARN, AT_MOST(hottest, "degrees Celsius", most),
            "close to its limit: look after fans, filters and cooler");
    else
        add(judge, name, PASS, AT_MOST(hottest, "degrees Celsius", most), "highest of the soak");
}

static void judge_throttling(struct judge *judge) {
    double cores = last_of(judge, TR_SOAK_CORE_THROTTLES);
    double packages = last_of(judge, TR_SOAK_PACKAGE_THROTTLES);
    double prochot = highest_of(judge, TR_SOAK_PROCHOT);
    double n = isnan(cores) && isnan(packages) ? (double)NAN : fmax(cores, 0) + fmax(packages, 0);
    if (prochot > 0)
        add(judge, "throttling", WARN, FIGURE(n, isnan(n) ? NULL : "events"),
            "the processor was told that it is too hot (PROCHOT)");
    else if (isnan(n) && isnan(prochot))
        add(judge, "throttling", SKIP, FIGURE(NAN, NULL),
            "nothing counts it here (neither thermal_throttle nor HSMP)");
    else if (n > 0)
        add(judge, "throttling", WARN, AT_MOST(n, "events", 0),
            "the processor was slowed down by heat: %.0f times a core, %.0f times a package",
            fmax(cores, 0), fmax(packages, 0));
    else
        add(judge, "throttling", PASS, AT_MOST(isnan(n) ? 0 : n, "events", 0), "none");
}

static void judge_nodes(struct judge *judge) {
    double memory = head_number(judge, "memory_bytes"), caches = head_number(judge, "cache_bytes");
    size_t i;
    const json_t *node;
    if (!(memory > 0))
        return;
    json_array_foreach(judge->summary->nodes, i, node) {
        double whole = json_number_value(json_object_get(node, "memory_bytes"));
        double tested = json_number_value(json_object_get(node, "tested_bytes"));
        const json_t *index = json_object_get(node, "node");
        char name[48] = "memory tested";
        if (json_is_integer(index))
            snprintf(name, sizeof(name), "memory tested, node %d", (int)json_integer_value(index));
        struct figure figure =
            whole > 0 ? FIGURE(100 * tested / whole, "%") : FIGURE(tested / (1 << 30), "GiB");
        add(judge, name, tested > 0 ? PASS : WARN, figure,
            "%.4g GiB of the node's %.4g were written and verified", tested / (1 << 30),
            whole / (1 << 30));
    }
    if (memory < 4 * caches)
        add(judge, "working set", WARN, FIGURE(memory / (1 << 20), "MiB"),
            "the caches hold %.4g MiB: much of it never reached the memory. Take more than four "
            "times as much (--memory)",
            caches / (1 << 20));
}

/* The lowest share of the mean of all cores in the same second, while all compute the same. */
static double lowest_of_equals(const struct judge *judge) {
    double lowest = NAN;
    for (size_t i = 0; i < judge->summary->n_seconds; i++) {
        const struct tr_soak_second *second = &judge->summary->seconds[i];
        if (second->stage == TR_SOAK_COMPUTE)
            lowest = fmin(lowest,
                          second->values[TR_SOAK_CORE_GHZ_MIN] / second->values[TR_SOAK_CORE_GHZ]);
    }
    return lowest;
}

/* Limits of power may take a third of the boost that a processor has in its first seconds; cores of
 * one processor differ by less than half, small ones of hybrid parts included. What falls below
 * either no longer runs as it was meant to. */
static void judge_clock(struct judge *judge) {
    const double least_share = 0.65, least_of_mean = 0.5;
    double ghz = lowest_of(judge, TR_SOAK_CORE_GHZ_MIN);
    double share = lowest_of(judge, TR_SOAK_CLOCK_SHARE_MIN), of_mean = lowest_of_equals(judge);
    struct figure figure = FIGURE(ghz, "GHz");
    if (isnan(ghz))
        return;
    if (share < least_share)
        add(judge, "lowest core clock", WARN, figure,
            "a core fell to %.0f%% of the clock that it had before in the same code: held back by "
            "a "
            "power limit or by heat; look at both in the BIOS, at fans and cooler",
            100 * share);
    else if (of_mean < least_of_mean)
        add(judge, "lowest core clock", WARN, figure,
            "a core ran at %.0f%% of the mean of all: look at the limits of its clock (cpufreq) "
            "and "
            "at the BIOS",
            100 * of_mean);
    else
        add(judge, "lowest core clock", PASS, figure,
            "of any core, over %d moments in a row; interrupted ones do not count",
            TR_SOAK_CLOCK_BURSTS);
}

static void judge_rates(struct judge *judge) {
    const struct tr_soak_sum *memory = &judge->summary->sums[TR_SOAK_MEMORY];
    const struct tr_soak_sum *compute = &judge->summary->sums[TR_SOAK_COMPUTE];
    double span = judge->summary->t_s;
    if (memory->span_s > 0)
        add(judge, "bandwidth while verifying", PASS, FIGURE(memory->gb / memory->span_s, "GB/s"),
            "read to be verified and written anew, in phases of memory");
    if (compute->span_s > 0)
        add(judge, "compute rate", PASS, FIGURE(compute->gflop / compute->span_s, "GFLOP/s"),
            "of all chains in turn, in phases of computing");
    if (tr_soak_summary_is_partial(judge->summary))
        add(judge, "duration", SKIP, FIGURE(span, "s"),
            judge->summary->ended ? "stopped before its end: what is told is what was seen so far"
                                  : "the record ends there: the program or the machine was "
                                    "stopped, killed, or crashed");
}

/* --- the document ---------------------------------------------------------------------------- */

static json_t *seconds_json(const struct tr_soak_summary *summary) {
    json_t *array = json_array();
    bool ok = array;
    for (size_t i = 0; ok && i < summary->n_seconds; i++) {
        const struct tr_soak_second *second = &summary->seconds[i];
        json_t *object =
            json_pack("{s:o, s:o, s:s}", "t_s", tr_json_number(second->t_s), "span_s",
                      tr_json_number(second->span_s), "phase",
                      second->stage < 0 ? "several" : tr_soak_load_name(second->stage));
        ok = object;
        for (int c = 0; ok && c < TR_SOAK_COLUMNS; c++)
            ok = json_object_set_new(object, tr_soak_column_name((enum tr_soak_column)c),
                                     tr_json_number(second->values[c])) == 0;
        ok = ok && json_array_append(array, object) == 0;
        json_decref(object);
    }
    if (ok)
        return array;
    json_decref(array);
    return NULL;
}

static bool put(json_t *object, const char *name, json_t *value) {
    return json_object_set_new(object, name, value) == 0;
}

static bool put_copy(json_t *document, const json_t *head, const char *name) {
    json_t *value = json_object_get(head, name);
    return put(document, name, value ? json_incref(value) : json_null());
}

/* NULL becomes an empty array. */
static bool put_array(json_t *document, const char *name, json_t *array) {
    return put(document, name, array ? json_incref(array) : json_array());
}

int tr_soak_document(const struct tr_soak_summary *summary, json_t **ret_document) {
    static const char *const copied[] = {"tool",
                                         "cpu_model",
                                         "machine",
                                         "virtual",
                                         "seconds_planned",
                                         "loads",
                                         "available_bytes",
                                         "reserve_bytes",
                                         "memory_bytes",
                                         "kernels",
                                         "cache_bytes",
                                         "max_corrected_per_hour"};
    struct judge judge = {.summary = summary, .results = json_array()};
    json_t *document = json_object();
    judge_memory(&judge);
    judge_compute(&judge);
    judge_uncorrected(&judge);
    judge_corrected(&judge);
    judge_machine_checks(&judge);
    judge_throttling(&judge);
    judge_heat(&judge, "processor temperature", TR_SOAK_CPU_CELSIUS, TR_SOAK_CPU_LIMIT_CELSIUS);
    judge_heat(&judge, "memory temperature", TR_SOAK_MEMORY_CELSIUS, TR_SOAK_MEMORY_LIMIT_CELSIUS);
    judge_nodes(&judge);
    judge_rates(&judge);
    judge_clock(&judge);
    double n = fmax(0, last_of(&judge, TR_SOAK_MEMORY_MISMATCHES)) +
               fmax(0, last_of(&judge, TR_SOAK_COMPUTE_MISMATCHES));
    bool ok = document && judge.results && !judge.failed &&
              put(document, "schema", json_string(TR_SOAK_SCHEMA)) &&
              put_copy(document, summary->head, "created") &&
              put_copy(document, summary->head, "boot_id") &&
              put_copy(document, summary->head, "host_id") &&
              put(document, "verdict", json_string(verdict_names[judge.worst])) &&
              put(document, "partial", json_boolean(tr_soak_summary_is_partial(summary))) &&
              put(document, "seconds_run", tr_json_number(summary->t_s)) &&
              put_array(document, "results", judge.results) &&
              put(document, "mismatch_count", tr_json_count((int64_t)n)) &&
              put_array(document, "mismatches", summary->mismatches) &&
              put_array(document, "nodes", summary->nodes) &&
              put_array(document, "modules", summary->modules) &&
              put_array(document, "notes", summary->notes);
    for (size_t i = 0; ok && i < sizeof(copied) / sizeof(copied[0]); i++)
        ok = put_copy(document, summary->head, copied[i]);
    ok = ok && put(document, "seconds", seconds_json(summary));
    json_decref(judge.results);
    if (!ok) {
        json_decref(document);
        return TR_ENOMEM;
    }
    *ret_document = document;
    return 0;
}
