/* The lines of a record, as docs/formats.md has them. */
#include <math.h>
#include <string.h>

#include "calibration_json.h"
#include "facts.h"
#include "tune.h"

static const struct tr_tune_figure_facts figures[TR_TUNE_FIGURES] = {
    [TR_TUNE_READ] = {"read", "read", "GB/s", false},
    [TR_TUNE_COPY] = {"copy", "copy", "GB/s", false},
    [TR_TUNE_TRIAD] = {"triad", "triad", "GB/s", false},
    [TR_TUNE_LATENCY] = {"latency", "latency of memory", "ns", true},
    [TR_TUNE_FMA] = {"fma", "FMA f32", "GFLOP/s", false},
    [TR_TUNE_PP] = {"pp", "predicted PP 512", "tok/s", false},
    [TR_TUNE_TG] = {"tg", "predicted TG 128", "tok/s", false},
};
const char *const tr_tune_figure_names[TR_TUNE_FIGURES + 1] = {"read", "copy", "triad", "latency",
                                                               "fma",  "pp",   "tg",    NULL};

const struct tr_tune_figure_facts *tr_tune_figure_facts(enum tr_tune_figure figure) {
    return &figures[figure];
}

json_t *tr_tune_line_session(const char *at, const char *host_id, const char *model, json_t *tool) {
    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "event", "session", "schema",
                     "tokenroof.tune-record/1", "at", at, "host_id", tr_json_text(host_id), "model",
                     tr_json_text(model), "tool", tool);
}

json_t *tr_tune_line_trying(const char *at, const char *label, const char *boot_id,
                            const char *what_if, json_t *at_most, json_t *machine) {
    return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "event", "trying", "at", at, "label",
                     tr_json_text(label), "boot_id", tr_json_text(boot_id), "what_if",
                     tr_json_text(what_if), "at_most", at_most ? at_most : json_null(), "machine",
                     machine);
}

json_t *tr_tune_line_measuring(const char *at, const char *label, const char *boot_id, long pid,
                               const json_t *forms, json_t *machine) {
    return json_pack("{s:s, s:s, s:o, s:o, s:I, s:O, s:o}", "event", "measuring", "at", at, "label",
                     tr_json_text(label), "boot_id", tr_json_text(boot_id), "pid", (json_int_t)pid,
                     "forms", forms ? forms : json_null(), "machine", machine);
}

json_t *tr_tune_line_forms(const json_t *forms) {
    return json_pack("{s:s, s:O}", "event", "forms", "forms", forms);
}

json_t *tr_tune_line_samples(size_t round, double *const samples[TR_TUNE_FIGURES],
                             const size_t n[TR_TUNE_FIGURES]) {
    json_t *all = json_object();
    int failed = !all;
    for (size_t i = 0; !failed && i < TR_TUNE_FIGURES; i++)
        if (n[i])
            failed = json_object_set_new(all, figures[i].name, tr_json_numbers(samples[i], n[i]));
    if (failed) {
        json_decref(all);
        return NULL;
    }
    return json_pack("{s:s, s:I, s:o}", "event", "samples", "round", (json_int_t)round, "samples",
                     all);
}

static json_t *reading_to_json(const struct tr_tune_reading *reading) {
    return json_pack("{s:o, s:o, s:o, s:o, s:I, s:o}", "value", tr_json_number(reading->value),
                     "low", tr_json_number(reading->low), "high", tr_json_number(reading->high),
                     "scatter", tr_json_number(reading->scatter), "n", (json_int_t)reading->n,
                     "doubt", tr_json_text(*reading->doubt ? reading->doubt : NULL));
}

json_t *tr_tune_line_round(size_t round, const struct tr_tune_round *measured, const char *tier) {
    json_t *all = json_object();
    int failed = !all;
    for (size_t i = 0; !failed && i < TR_TUNE_FIGURES; i++)
        if (!isnan(measured->readings[i].value))
            failed =
                json_object_set_new(all, figures[i].name, reading_to_json(&measured->readings[i]));
    if (failed) {
        json_decref(all);
        return NULL;
    }
    return json_pack("{s:s, s:I, s:o, s:o}", "event", "round", "round", (json_int_t)round, "tier",
                     tr_json_text(tier), "figures", all);
}

json_t *tr_tune_line_measured(const char *at, size_t rounds, int separated, const char *why) {
    return json_pack("{s:s, s:s, s:I, s:o, s:o}", "event", "measured", "at", at, "rounds",
                     (json_int_t)rounds, "separated",
                     separated < 0 ? json_null() : json_boolean(separated), "why",
                     tr_json_text(why));
}

json_t *tr_tune_line_stopped(const char *at) {
    return json_pack("{s:s, s:s}", "event", "stopped", "at", at);
}

json_t *tr_tune_line_lost(const char *at, enum tr_tune_state state, const char *label,
                          const char *boot_id, const char *why) {
    return json_pack("{s:s, s:s, s:o, s:o, s:o}", "event", tr_tune_state_name(state), "at", at,
                     "label", tr_json_text(label), "boot_id", tr_json_text(boot_id), "why",
                     tr_json_text(why));
}

json_t *tr_tune_machine_facts(const json_t *machine) {
    static const char *const parts[] = {"clocks", "firmware", "settings", "os"};
    json_t *facts = json_object(), *memory = json_copy(json_object_get(machine, "memory"));
    double modules = tr_fact_modules(memory);
    json_t *count = isnan(modules) ? json_null() : json_integer((json_int_t)modules);
    int failed = !facts || json_object_set_new(facts, "cpu",
                                               tr_json_text(tr_fact_text(machine, "cpu.model")));
    if (memory) {
        failed |= json_object_set_new(memory, "modules_populated", count);
        json_object_del(memory, "modules");
        failed |= json_object_set_new(facts, "memory", memory);
    } else {
        json_decref(count);
    }
    for (size_t i = 0; !failed && i < sizeof(parts) / sizeof(parts[0]); i++)
        if (json_object_get(machine, parts[i]))
            failed = json_object_set(facts, parts[i], json_object_get(machine, parts[i]));
    if (!failed)
        return facts;
    json_decref(facts);
    return NULL;
}
