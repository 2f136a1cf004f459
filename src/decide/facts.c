#include "facts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const json_t *tr_fact(const json_t *object, const char *path) {
    const json_t *at = object;
    while (at && *path) {
        char key[48];
        size_t n = strcspn(path, ".");
        snprintf(key, sizeof(key), "%.*s", (int)n, path);
        at = json_object_get(at, key);
        path += n + (path[n] == '.');
    }
    return json_is_null(at) ? NULL : at;
}

const char *tr_fact_text(const json_t *object, const char *path) {
    return json_string_value(tr_fact(object, path));
}

double tr_fact_number(const json_t *object, const char *path) {
    const json_t *fact = tr_fact(object, path);
    return json_is_number(fact) ? json_number_value(fact) : NAN;
}

const char *tr_fact_smt(const char *word) {
    return word && (!strcmp(word, "forceoff") || !strcmp(word, "notsupported")) ? "off" : word;
}

double tr_fact_modules(const json_t *memory) {
    const json_t *modules = tr_fact(memory, "modules"), *module;
    double n = 0;
    size_t i;
    json_array_foreach(modules, i, module) n += tr_fact_number(module, "size_bytes") > 0;
    return json_array_size(modules) ? n : NAN;
}
