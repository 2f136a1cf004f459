#include "members.h"

#include <math.h>
#include <string.h>

#include <jansson.h>

double tr_member_number(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

bool tr_member_is_text(const json_t *object, const char *key, const char *text) {
    const char *have = json_string_value(json_object_get(object, key));
    return have && !strcmp(have, text);
}
