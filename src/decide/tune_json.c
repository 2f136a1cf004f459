/* The document tokenroof.tune/1: what `tune show --json` prints. */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "calibration_json.h"
#include "facts.h"
#include "strbuf.h"
#include "tune_judge.h"

static const struct {
    const char *path, *what;
} facts[] = {
    {"cpu", "CPU"},
    {"firmware.bios", "BIOS"},
    {"firmware.bios_version", "BIOS version"},
    {"firmware.bios_date", "BIOS date"},
    {"firmware.microcode", "microcode"},
    {"memory.configured_mts", "memory MT/s"},
    {"memory.modules_populated", "modules"},
    {"memory.channels_populated", "channels"},
    {"memory.total_bytes", "memory bytes"},
    {"clocks.fclk_ghz", "FCLK GHz"},
    {"clocks.uclk_ghz", "UCLK GHz"},
    {"clocks.mclk_ghz", "MCLK GHz"},
    {"clocks.capped_ghz", "clock cap GHz"},
    {"clocks.uncore_max_ghz", "highest uncore GHz"},
    {"settings.nps", "NUMA setting"},
    {"settings.smt", "SMT"},
    {"settings.governor", "CPU governor"},
    {"settings.driver", "CPU frequency driver"},
    {"settings.boost", "boost"},
    {"settings.thp", "transparent huge pages"},
    {"settings.numa_balancing", "NUMA balancing"},
    {"os.kernel", "kernel"},
};

json_t *tr_tune_changed_facts(const struct tr_tune *tune, size_t base, size_t setting) {
    json_t *changed = json_array();
    const struct tr_tune_setting *from = &tune->settings[base], *to = &tune->settings[setting];
    if (!from->recorded || !to->recorded)
        return changed;
    for (size_t i = 0; changed && i < sizeof(facts) / sizeof(facts[0]); i++) {
        const json_t *before = tr_fact(from->machine, facts[i].path);
        const json_t *after = tr_fact(to->machine, facts[i].path);
        if (!before || !after || json_equal(before, after))
            continue;
        if (json_array_append_new(changed, json_pack("{s:s, s:O, s:O}", "what", facts[i].what,
                                                     "before", before, "after", after))) {
            json_decref(changed);
            return NULL;
        }
    }
    return changed;
}

static json_t *figure_to_json(const struct tr_tune_outcome *outcome, enum tr_tune_figure figure) {
    static const char *const scopes[] = {NULL, "boots", "one boot", "known spread"};
    const struct tr_tune_result *result = &outcome->results[figure];
    const struct tr_tune_figure_facts *of = tr_tune_figure_facts(figure);
    return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:o}", "figure",
                     of->name, "unit", of->unit, "value", tr_json_number(result->value), "low",
                     tr_json_number(result->low), "high", tr_json_number(result->high), "change",
                     tr_json_number(100 * result->change), "change_low",
                     tr_json_number(100 * result->change_low), "change_high",
                     tr_json_number(100 * result->change_high), "p", tr_json_number(result->p),
                     "scope", tr_json_text(scopes[result->scope]), "verdict",
                     tr_tune_verdict_name(outcome->verdicts[figure]), "scatter_percent",
                     tr_json_number(100 * outcome->scatter[figure]));
}

static json_t *figures_to_json(const struct tr_tune_outcome *outcome) {
    json_t *array = json_array();
    for (size_t f = 0; array && f < TR_TUNE_FIGURES; f++) {
        if (isnan(outcome->results[f].value))
            continue;
        if (json_array_append_new(array, figure_to_json(outcome, (enum tr_tune_figure)f))) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

static json_t *setting_to_json(const struct tr_tune *tune,
                               const struct tr_tune_judgement *judgement, size_t i) {
    const struct tr_tune_setting *setting = &tune->settings[i];
    const struct tr_tune_outcome *outcome = &judgement->outcomes[i];
    enum tr_tune_figure by = judgement->options.by;
    const struct tr_tune_result *result = &outcome->results[by];
    json_t *changed = judgement->base == SIZE_MAX ? json_array()
                                                  : tr_tune_changed_facts(tune, judgement->base, i);
    json_t *figures = figures_to_json(outcome);
    json_t *object = json_pack(
        "{s:o, s:s, s:o, s:s, s:o, s:o, s:o, s:s, s:I, s:I}", "name", tr_json_text(setting->label),
        "verdict", tr_tune_verdict_name(outcome->verdicts[by]), "value",
        tr_json_number(result->value), "unit", tr_tune_figure_facts(by)->unit, "low",
        tr_json_number(result->low), "high", tr_json_number(result->high), "why",
        tr_json_text(outcome->why), "state", tr_tune_state_name(setting->state), "crashes",
        (json_int_t)setting->n_crashes, "interruptions", (json_int_t)setting->n_interruptions);
    json_t *more = json_pack(
        "{s:I, s:I, s:I, s:I, s:b, s:O, s:o, s:o, s:o, s:s, s:o, s:o, s:o}", "boots",
        (json_int_t)outcome->n_boots, "recordings", (json_int_t)outcome->n_recordings, "rounds",
        (json_int_t)outcome->n_rounds, "samples_kept", (json_int_t)outcome->n_samples, "doubtful",
        outcome->doubtful, "at_most", setting->at_most ? setting->at_most : json_null(), "mts",
        tr_json_number(outcome->clocks.mts), "fclk_mhz", tr_json_number(outcome->clocks.fclk_mhz),
        "changed", changed, "soak", tr_soak_verdict_name(outcome->soak), "soak_why",
        tr_json_text(outcome->soak_why), "suspected_retries", tr_json_text(outcome->retries),
        "figures", figures);
    if (object && more && !json_object_update(object, more)) {
        json_decref(more);
        return object;
    }
    json_decref(object);
    json_decref(more);
    return NULL;
}

static json_t *spread_to_json(const struct tr_tune_spread *spread) {
    return json_pack("{s:o, s:o}", "within_percent", tr_json_number(100 * spread->within),
                     "between_percent", tr_json_number(100 * spread->between));
}

static const char *label_of(const struct tr_tune *tune, size_t setting) {
    return setting == SIZE_MAX ? NULL : tune->settings[setting].label;
}

static const char *tier_of(const struct tr_tune *tune) {
    for (size_t i = 0; i < tune->n_recordings; i++)
        if (tune->recordings[i].tier)
            return tune->recordings[i].tier;
    return NULL;
}

int tr_tune_to_json(const struct tr_tune *tune, const struct tr_tune_judgement *judgement,
                    json_t **ret_document) {
    json_t *results = json_array();
    int failed = !results;
    for (size_t i = 0; !failed && i < judgement->n; i++)
        failed = json_array_append_new(results, setting_to_json(tune, judgement, i));
    if (failed) {
        json_decref(results);
        return TR_ENOMEM;
    }
    json_t *document = json_pack(
        "{s:s, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "schema",
        "tokenroof.tune/1", "record", tr_json_text(tune->path), "created",
        tr_json_text(tune->created), "host_id", tr_json_text(tune->host_id), "model",
        tr_json_text(tune->model), "tier", tr_json_text(tier_of(tune)), "by",
        tr_tune_figure_facts(judgement->options.by)->name, "base",
        tr_json_text(label_of(tune, judgement->base)), "boots_sd",
        tr_json_number(100 * judgement->options.boots_sd), "spread",
        spread_to_json(&judgement->spread), "best", tr_json_text(label_of(tune, judgement->best)),
        "best_why", tr_json_text(judgement->best_why), "results", results);
    if (!document)
        return TR_ENOMEM;
    *ret_document = document;
    return 0;
}
