#include "checks.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "calibration_json.h"
#include "strbuf.h"
#include "tokenroof/err.h"

const char *tr_check_group_name(enum tr_check_group group) {
    static const char *const names[] = {"identity",  "memory population", "configuration",
                                        "bandwidth", "compute",           "symmetry",
                                        "latency",   "stability",         "model speed"};
    return names[group];
}

const char *tr_check_outcome_name(enum tr_check_outcome outcome) {
    static const char *const names[] = {"pass", "warn", "fail", "skip"};
    return names[outcome];
}

int tr_checks_add(struct tr_checks *checks, enum tr_check_group group,
                  enum tr_check_outcome outcome, const struct tr_check_facts *facts,
                  const char *why, ...) {
    struct tr_strbuf text = {0};
    va_list args;
    va_start(args, why);
    tr_strbuf_vaddf(&text, why, args);
    va_end(args);
    struct tr_check check = {.group = group,
                             .outcome = outcome,
                             .name = strdup(facts->name),
                             .value = facts->unit ? facts->value : NAN,
                             .unit = facts->unit ? strdup(facts->unit) : NULL,
                             .low = facts->low,
                             .high = facts->high,
                             .from = facts->from ? strdup(facts->from) : NULL,
                             .why = tr_strbuf_take(&text)};
    struct tr_check *items = realloc(checks->items, (checks->n + 1) * sizeof(*items));
    if (items)
        checks->items = items;
    if (!items || !check.name || !check.why || (facts->from && !check.from) ||
        (facts->unit && !check.unit)) {
        free(check.name);
        free(check.unit);
        free(check.from);
        free(check.why);
        return TR_ENOMEM;
    }
    items[checks->n++] = check;
    return 0;
}

size_t tr_checks_count(const struct tr_checks *checks, enum tr_check_outcome outcome) {
    size_t n = 0;
    for (size_t i = 0; i < checks->n; i++)
        n += checks->items[i].outcome == outcome;
    return n;
}

void tr_checks_finish(struct tr_checks *checks) {
    for (size_t i = 0; i < checks->n; i++) {
        free(checks->items[i].name);
        free(checks->items[i].unit);
        free(checks->items[i].from);
        free(checks->items[i].why);
    }
    free(checks->items);
    *checks = (struct tr_checks){0};
}

static bool put(json_t *object, const char *name, json_t *value) {
    return json_object_set_new(object, name, value) == 0;
}

static json_t *check_json(const struct tr_check *check) {
    json_t *object = json_object();
    bool ok = object && put(object, "name", tr_json_text(check->name)) &&
              put(object, "group", json_string(tr_check_group_name(check->group))) &&
              put(object, "verdict", json_string(tr_check_outcome_name(check->outcome))) &&
              put(object, "value", tr_json_number(check->value)) &&
              put(object, "unit", tr_json_text(check->unit)) &&
              put(object, "low", tr_json_number(check->low)) &&
              put(object, "high", tr_json_number(check->high)) &&
              put(object, "expected_from", tr_json_text(check->from)) &&
              put(object, "why", tr_json_text(check->why));
    if (ok)
        return object;
    json_decref(object);
    return NULL;
}

int tr_checks_to_json(const struct tr_checks *checks, const char *machine, const char *calibration,
                      json_t **ret_document) {
    json_t *document = json_object(), *results = json_array();
    bool ok = document && results;
    for (size_t i = 0; ok && i < checks->n; i++)
        ok = json_array_append_new(results, check_json(&checks->items[i])) == 0;
    ok = ok && put(document, "schema", json_string(TR_VALIDATE_SCHEMA)) &&
         put(document, "machine", tr_json_text(machine)) &&
         put(document, "calibration", tr_json_text(calibration)) &&
         put(document, "passed", json_boolean(tr_checks_count(checks, TR_CHECK_FAIL) == 0)) &&
         json_object_set(document, "results", results) == 0;
    json_decref(results);
    if (!ok) {
        json_decref(document);
        return TR_ENOMEM;
    }
    *ret_document = document;
    return 0;
}
