#include "compare_json.h"

#include "calibration_json.h"

/* Members that cannot be made (out of memory) make the whole NULL. */
static bool put(json_t *object, const char *name, json_t *value) {
    return json_object_set_new(object, name, value) == 0;
}

static json_t *checked(json_t *value, bool ok) {
    if (ok)
        return value;
    json_decref(value);
    return NULL;
}

static json_t *percent(double fraction) {
    return tr_json_number(100 * fraction);
}

static json_t *sets_json(const struct tr_compared *compared) {
    json_t *sets = json_array();
    bool ok = sets;
    for (size_t set = 0; ok && set < compared->n_sets; set++) {
        json_t *object = json_object(), *files = json_array();
        for (size_t run = 0; ok && run < compared->n_runs[set]; run++)
            ok = json_array_append_new(files, tr_json_text(compared->runs[set][run]->path)) == 0;
        ok = ok && object && put(object, "name", tr_json_text(compared->names[set])) &&
             put(object, "runs", tr_json_count((int64_t)compared->n_runs[set])) &&
             json_object_set(object, "files", files) == 0;
        json_decref(files);
        ok = json_array_append_new(sets, checked(object, ok)) == 0;
    }
    return checked(sets, ok);
}

static json_t *changes_json(const struct tr_compared *compared) {
    json_t *changes = json_array();
    bool ok = changes;
    for (size_t i = 0; ok && i < compared->changes.n; i++) {
        const struct tr_changed *changed = &compared->changes.items[i];
        json_t *object = json_object();
        ok = object && put(object, "what", tr_json_text(changed->what)) &&
             put(object, "set", tr_json_text(compared->names[changed->set])) &&
             put(object, "before", tr_json_text(changed->before)) &&
             put(object, "after", tr_json_text(changed->after));
        ok = json_array_append_new(changes, checked(object, ok)) == 0;
    }
    return checked(changes, ok);
}

static json_t *difference_json(const struct tr_compared *compared, const struct tr_difference *at) {
    static const char *const kinds[] = {"headline", "other", "predicted"};
    json_t *object = json_object();
    bool ok = object && put(object, "name", tr_json_text(at->figure->name)) &&
              put(object, "verdict", tr_json_text(tr_difference_name(at->verdict))) &&
              put(object, "value", percent(at->change)) && put(object, "unit", json_string("%")) &&
              put(object, "low", percent(at->low)) && put(object, "high", percent(at->high)) &&
              put(object, "why", tr_json_text(at->why)) &&
              put(object, "set", tr_json_text(compared->names[at->set])) &&
              put(object, "kind", json_string(kinds[at->figure->kind])) &&
              put(object, "before", tr_json_number(at->before)) &&
              put(object, "after", tr_json_number(at->after)) &&
              put(object, "figure_unit", tr_json_text(at->figure->unit)) &&
              put(object, "lower_is_better", json_boolean(at->figure->lower_is_better)) &&
              put(object, "runs_before", tr_json_count((int64_t)at->n_before)) &&
              put(object, "runs_after", tr_json_count((int64_t)at->n_after)) &&
              put(object, "runs_untrusted", tr_json_count((int64_t)at->n_untrusted)) &&
              put(object, "within_run", json_boolean(at->within_run)) &&
              put(object, "p", tr_json_number(at->p)) &&
              put(object, "least_detectable", percent(at->least_detectable));
    return checked(object, ok);
}

int tr_comparison_to_json(const struct tr_compared *compared, json_t **ret_document) {
    const struct tr_comparison *comparison = &compared->comparison;
    json_t *document = json_object(), *results = json_array();
    bool ok = document && results;
    for (size_t i = 0; ok && i < comparison->n; i++)
        ok = json_array_append_new(results, difference_json(compared, &comparison->items[i])) == 0;
    ok = ok && put(document, "schema", json_string(TR_COMPARE_SCHEMA)) &&
         put(document, "sets", sets_json(compared)) &&
         put(document, "threshold", percent(compared->options.threshold)) &&
         put(document, "runs_sd", percent(compared->options.runs_sd)) &&
         put(document, "regression", json_boolean(comparison->regression)) &&
         put(document, "conditions", changes_json(compared)) &&
         json_object_set(document, "results", results) == 0;
    json_decref(results);
    *ret_document = checked(document, ok);
    return *ret_document ? 0 : TR_ENOMEM;
}
