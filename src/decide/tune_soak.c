/* Whether settings are stable: records of tokenroof soak, and whose they are. */
#include <dirent.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "facts.h"
#include "file.h"
#include "soak_conditions.h"
#include "strbuf.h"
#include "tune_judge.h"

#define SCHEMA "tokenroof.soak/1"
enum { MAX_FILE_BYTES = 64 << 20 };

const char *tr_soak_verdict_name(enum tr_soak_verdict verdict) {
    static const char *const names[] = {"not soaked",  "too little", "pass",
                                        "ended early", "warn",       "fail"};
    return names[verdict];
}

static enum tr_soak_verdict verdict_of(const json_t *document) {
    const char *verdict = tr_fact_text(document, "verdict");
    if (!verdict)
        return TR_SOAK_NONE;
    if (!strcmp(verdict, "fail"))
        return TR_SOAK_FAIL;
    if (!strcmp(verdict, "warn"))
        return TR_SOAK_WARN;
    if (strcmp(verdict, "pass") != 0)
        return TR_SOAK_NONE;
    return json_is_true(json_object_get(document, "partial")) ? TR_SOAK_ENDED_EARLY : TR_SOAK_PASS;
}

/* "name: why" of the first result that has the whole's verdict. */
static char *why_of(const json_t *document) {
    const char *verdict = tr_fact_text(document, "verdict");
    size_t i;
    const json_t *result;
    json_array_foreach(json_object_get(document, "results"), i, result) {
        const char *of = tr_fact_text(result, "verdict"), *why = tr_fact_text(result, "why");
        const char *name = tr_fact_text(result, "name");
        if (of && verdict && !strcmp(of, verdict) && why)
            return tr_format("%s: %s", name ? name : "soak", why);
    }
    return strdup("");
}

/* Of all nodes together. */
static double share_tested(const json_t *document) {
    double tested = 0, memory = 0;
    size_t i;
    const json_t *node;
    json_array_foreach(json_object_get(document, "nodes"), i, node) {
        tested += tr_fact_number(node, "tested_bytes");
        memory += tr_fact_number(node, "memory_bytes");
    }
    return memory > 0 ? tested / memory : NAN;
}

int tr_soaks_add(struct tr_soaks *soaks, const json_t *document) {
    const char *schema = tr_fact_text(document, "schema");
    const char *created = tr_fact_text(document, "created");
    const char *boot_id = tr_fact_text(document, "boot_id");
    enum tr_soak_verdict verdict = verdict_of(document);
    if (!schema || strcmp(schema, SCHEMA) != 0 || !created || !boot_id || verdict == TR_SOAK_NONE)
        return 0;
    struct tr_soak *items = realloc(soaks->items, (soaks->n + 1) * sizeof(*items));
    if (!items)
        return TR_ENOMEM;
    soaks->items = items;
    struct tr_soak *soak = &items[soaks->n++];
    *soak =
        (struct tr_soak){.created = strdup(created),
                         .boot_id = strdup(boot_id),
                         .verdict = verdict,
                         .seconds = tr_fact_number(document, "seconds_run"),
                         .share = tr_soak_left_memory_out(document) ? 0 : share_tested(document),
                         .why = why_of(document)};
    return soak->created && soak->boot_id && soak->why ? 0 : TR_ENOMEM;
}

static int is_json(const struct dirent *entry) {
    size_t n = strlen(entry->d_name);
    return *entry->d_name != '.' && n > 5 && !strcmp(entry->d_name + n - 5, ".json");
}

static int by_time(const void *a, const void *b) {
    return strcmp(((const struct tr_soak *)a)->created, ((const struct tr_soak *)b)->created);
}

void tr_soaks_sort(struct tr_soaks *soaks) {
    if (soaks->n)
        qsort(soaks->items, soaks->n, sizeof(*soaks->items), by_time);
}

int tr_soaks_read(const char *folder, struct tr_soaks *ret_soaks) {
    struct dirent **entries = NULL;
    struct tr_soaks soaks = {0};
    int code = 0, n = scandir(folder, &entries, is_json, alphasort);
    for (int i = 0; i < n; i++) {
        char *path = tr_format("%s/%s", folder, entries[i]->d_name), *text = NULL;
        size_t length = 0;
        if (!path)
            code = TR_ENOMEM;
        if (!code && !tr_file_read(path, MAX_FILE_BYTES, &text, &length, NULL)) {
            json_t *document = json_loadb(text, length, 0, NULL);
            code = tr_soaks_add(&soaks, document);
            json_decref(document);
        }
        free(text);
        free(path);
        free(entries[i]);
    }
    free(entries);
    if (code) {
        tr_soaks_finish(&soaks);
        return code;
    }
    tr_soaks_sort(&soaks);
    *ret_soaks = soaks;
    return 0;
}

void tr_soaks_finish(struct tr_soaks *soaks) {
    for (size_t i = 0; i < soaks->n; i++) {
        free(soaks->items[i].created);
        free(soaks->items[i].boot_id);
        free(soaks->items[i].why);
    }
    free(soaks->items);
    *soaks = (struct tr_soaks){0};
}

/* --- whose they are -------------------------------------------------------------------------- */

/* The setting that was recorded last before the soak in its boot; before the first recording that
 * one; without any the setting that was announced. SIZE_MAX: none of these. */
static size_t owner_of(const struct tr_tune *tune, const struct tr_soak *soak) {
    size_t owner = SIZE_MAX;
    for (size_t i = 0; i < tune->n_recordings; i++) {
        const struct tr_tune_recording *recording = &tune->recordings[i];
        if (strcmp(tune->boots[recording->boot], soak->boot_id) != 0)
            continue;
        if (owner == SIZE_MAX || (recording->at && strcmp(recording->at, soak->created) <= 0))
            owner = recording->setting;
    }
    /* Announced, then restarted: what runs now is that. */
    if (owner == SIZE_MAX && tune->trying != SIZE_MAX &&
        tune->settings[tune->trying].announced_at &&
        strcmp(tune->settings[tune->trying].announced_at, soak->created) <= 0)
        owner = tune->trying;
    return owner;
}

/* Seconds without a fault, or cores alone, prove no memory to be stable. What a soak does not tell
 * is not held against it. */
static enum tr_soak_verdict proof_of(const struct tr_soak *soak, double least_minutes) {
    bool is_short = !tr_soak_is_long_enough(soak->seconds, least_minutes);
    return soak->verdict == TR_SOAK_PASS && (is_short || soak->share <= 0) ? TR_SOAK_LITTLE
                                                                           : soak->verdict;
}

/* Whether a later soak of the same boot and setting takes its place. One that failed is not taken
 * back: a fault that shows once in an hour passes the next minute. */
static bool is_replaced(const struct tr_tune *tune, const struct tr_soaks *soaks, size_t at,
                        double least_minutes) {
    for (size_t i = at + 1; soaks->items[at].verdict != TR_SOAK_FAIL && i < soaks->n; i++)
        if (proof_of(&soaks->items[i], least_minutes) != TR_SOAK_LITTLE &&
            !strcmp(soaks->items[i].boot_id, soaks->items[at].boot_id) &&
            owner_of(tune, &soaks->items[i]) == owner_of(tune, &soaks->items[at]))
            return true;
    return false;
}

/* "passed 60 minutes, of 95% of memory, 2026-11-25T01:00:00Z" */
static void tell_passed(const struct tr_soak *soak, struct tr_strbuf *text) {
    tr_strbuf_add(text, "passed");
    if (soak->seconds >= 0)
        tr_strbuf_addf(text, " %.3g minutes", soak->seconds / 60);
    if (soak->share > 0)
        tr_strbuf_addf(text, ", of %.2g%% of memory", 100 * soak->share);
    tr_strbuf_addf(text, ", %s", soak->created);
}

static char *soak_why(const struct tr_tune_outcome *outcome, const struct tr_soak *worst,
                      bool crashed_since, double least_minutes) {
    struct tr_strbuf text = {0};
    if (!worst)
        return strdup("not soaked: run tokenroof soak under this setting");
    if (crashed_since)
        return tr_format("its machine crashed after the soak of %s", worst->created);
    if (outcome->soak == TR_SOAK_PASS || outcome->soak == TR_SOAK_LITTLE) {
        tell_passed(worst, &text);
        if (outcome->soak == TR_SOAK_LITTLE && worst->share <= 0)
            tr_strbuf_add(&text, ", but no memory was tested");
        else if (outcome->soak == TR_SOAK_LITTLE)
            tr_strbuf_addf(&text, ", too short: %.4g minutes or more count", least_minutes);
        return tr_strbuf_take(&text);
    }
    if (outcome->soak == TR_SOAK_ENDED_EARLY)
        return tr_format("the soak of %s was ended early, without a fault until then",
                         worst->created);
    return tr_format("the soak of %s %s%s%s", worst->created,
                     outcome->soak == TR_SOAK_WARN ? "warned" : "failed", *worst->why ? ": " : "",
                     worst->why);
}

int tr_tune_assign_soaks(const struct tr_tune *tune, const struct tr_soaks *soaks,
                         struct tr_tune_judgement *judgement) {
    double least_minutes = judgement->options.soak_minutes;
    for (size_t s = 0; s < judgement->n; s++) {
        struct tr_tune_outcome *outcome = &judgement->outcomes[s];
        const struct tr_tune_setting *setting = &tune->settings[s];
        const struct tr_soak *worst = NULL;
        enum tr_soak_verdict of_worst = TR_SOAK_NONE;
        for (size_t i = 0; i < soaks->n; i++) {
            const struct tr_soak *soak = &soaks->items[i];
            enum tr_soak_verdict proof = proof_of(soak, least_minutes);
            /* Of equals the later one: it tells whether it was after a crash. */
            if (owner_of(tune, soak) == s && !is_replaced(tune, soaks, i, least_minutes) &&
                proof >= of_worst) {
                worst = soak;
                of_worst = proof;
            }
        }
        bool crashed_since =
            worst && setting->crashed_at && strcmp(setting->crashed_at, worst->created) >= 0;
        outcome->soak = of_worst;
        outcome->passed = outcome->soak == TR_SOAK_PASS && !crashed_since;
        outcome->soak_why = soak_why(outcome, worst, crashed_since, least_minutes);
        if (!outcome->soak_why)
            return TR_ENOMEM;
    }
    return 0;
}
