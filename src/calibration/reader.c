#include "reader.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *type_name(const json_t *value) {
    switch (value ? json_typeof(value) : JSON_NULL) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "text";
    case JSON_INTEGER:
    case JSON_REAL:
        return "a number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "true or false";
    default:
        return value ? "null" : "nothing";
    }
}

void tr_reader_complain(struct tr_reader *reader, const char *key, const char *expected,
                        const json_t *found) {
    char number[32];
    if (reader->code)
        return;
    /* A number of the wrong size is told, one in place of something else is only called so. */
    bool wrong_size = json_is_number(found) && !strncmp(expected, "a number", strlen("a number"));
    if (wrong_size)
        snprintf(number, sizeof(number), "%.10g", json_number_value(found));
    reader->code = tr_err_set(reader->reterr, TR_EFORMAT, "%s: %s%s%s: expected %s, found %s",
                              reader->name, reader->path, *reader->path ? "." : "", key, expected,
                              wrong_size ? number : type_name(found));
}

/* NULL where there is nothing to read: absent, null, or after a complaint. */
static const json_t *get(const struct tr_reader *reader, const char *key) {
    const json_t *value = reader->code ? NULL : json_object_get(reader->object, key);
    return json_is_null(value) ? NULL : value;
}

static void append(struct tr_reader *reader, const char *text) {
    size_t used = strlen(reader->path), n = strlen(text);
    /* Keys are this program's own: the path fits. */
    if (used + n < sizeof(reader->path))
        memcpy(reader->path + used, text, n + 1);
}

static struct tr_reader below(const struct tr_reader *reader, const char *key) {
    struct tr_reader inner = *reader;
    append(&inner, *reader->path ? "." : "");
    append(&inner, key);
    inner.object = NULL;
    return inner;
}

struct tr_reader tr_reader_member(struct tr_reader *reader, const char *key) {
    const json_t *value = get(reader, key);
    if (value && !json_is_object(value))
        tr_reader_complain(reader, key, "an object", value);
    struct tr_reader inner = below(reader, key);
    inner.object = json_is_object(value) ? value : NULL;
    return inner;
}

size_t tr_reader_length(struct tr_reader *reader, const char *key) {
    const json_t *value = get(reader, key);
    if (value && !json_is_array(value))
        tr_reader_complain(reader, key, "an array", value);
    return json_array_size(value);
}

struct tr_reader tr_reader_item(struct tr_reader *reader, const char *key, size_t index) {
    const json_t *value = json_array_get(get(reader, key), index);
    char item[48];
    snprintf(item, sizeof(item), "%s[%zu]", key, index);
    if (!json_is_object(value))
        tr_reader_complain(reader, item, "an object", value);
    struct tr_reader inner = below(reader, item);
    inner.object = json_is_object(value) ? value : NULL;
    return inner;
}

static char *copy_text(struct tr_reader *reader, const json_t *value) {
    char *copy = strdup(json_string_value(value));
    if (!copy)
        reader->code = TR_ENOMEM;
    return copy;
}

void tr_read_text(struct tr_reader *reader, const char *key, char **ret) {
    const json_t *value = get(reader, key);
    if (value && !json_is_string(value))
        tr_reader_complain(reader, key, "text or null", value);
    else if (value)
        *ret = copy_text(reader, value);
}

void tr_read_name(struct tr_reader *reader, const char *key, char **ret) {
    const json_t *value = json_object_get(reader->object, key);
    if (reader->code)
        return;
    if (!json_is_string(value) || !*json_string_value(value))
        tr_reader_complain(reader, key, "text", value);
    else
        *ret = copy_text(reader, value);
}

void tr_read_number(struct tr_reader *reader, const char *key, double *ret) {
    const json_t *value = get(reader, key);
    *ret = NAN;
    if (value && !json_is_number(value))
        tr_reader_complain(reader, key, "a number or null", value);
    else if (value)
        *ret = json_number_value(value);
}

void tr_read_count(struct tr_reader *reader, const char *key, int64_t max, int64_t *ret) {
    const json_t *value = get(reader, key);
    double number = json_number_value(value);
    *ret = -1;
    if (!value)
        return;
    /* Other programs may write 1e9 for a whole number. 2^53: up to there a double is exact. */
    if (json_is_real(value) && number >= 0 && number <= 9007199254740992.0 &&
        floor(number) <= (double)max && floor(number) >= number)
        *ret = (int64_t)number;
    else if (json_is_integer(value) && json_integer_value(value) >= 0 &&
             json_integer_value(value) <= max)
        *ret = json_integer_value(value);
    else
        tr_reader_complain(reader, key, "a whole number from 0 or null", value);
}

void tr_read_bool(struct tr_reader *reader, const char *key, bool *ret) {
    const json_t *value = get(reader, key);
    if (value && !json_is_boolean(value))
        tr_reader_complain(reader, key, "true or false", value);
    else
        *ret = json_is_true(value);
}

void tr_read_strings(struct tr_reader *reader, const char *key, struct tr_strings *ret) {
    size_t n = tr_reader_length(reader, key);
    for (size_t i = 0; i < n && !reader->code; i++) {
        const json_t *value = json_array_get(get(reader, key), i);
        if (!json_is_string(value))
            tr_reader_complain(reader, key, "texts", value);
        else if (tr_strings_add(ret, "%s", json_string_value(value)))
            reader->code = TR_ENOMEM;
    }
}

void tr_read_numbers(struct tr_reader *reader, const char *key, double **ret, size_t *ret_n) {
    size_t n = tr_reader_length(reader, key);
    double *numbers = n ? calloc(n, sizeof(*numbers)) : NULL;
    if (n && !numbers)
        reader->code = TR_ENOMEM;
    for (size_t i = 0; i < n && !reader->code; i++) {
        const json_t *value = json_array_get(get(reader, key), i);
        if (!json_is_number(value) && !json_is_null(value))
            tr_reader_complain(reader, key, "numbers", value);
        else
            numbers[i] = json_is_null(value) ? NAN : json_number_value(value);
    }
    if (reader->code) {
        free(numbers);
        return;
    }
    *ret = numbers;
    *ret_n = n;
}

void tr_read_cpulist(struct tr_reader *reader, const char *key, struct tr_cpulist *ret) {
    const json_t *value = get(reader, key);
    if (!value)
        return;
    int code =
        json_is_string(value) ? tr_cpulist_parse(json_string_value(value), ret, NULL) : TR_EUSAGE;
    if (code == TR_ENOMEM)
        reader->code = code;
    else if (code)
        tr_reader_complain(reader, key, "a list such as \"0-7,16-23\"", value);
}

bool tr_read_place(struct tr_reader *reader, struct tr_place *ret) {
    struct tr_reader place = tr_reader_member(reader, "place");
    int64_t index = -1;
    place.code = reader->code;
    if (!place.object) {
        tr_reader_complain(reader, "place", "an object", json_object_get(reader->object, "place"));
        return false;
    }
    const json_t *kind = json_object_get(place.object, "kind");
    int number = json_is_string(kind) ? tr_place_kind_from_name(json_string_value(kind)) : -1;
    if (json_is_string(kind) && !strcmp(json_string_value(kind), "pair"))
        return false;
    if (number < 0)
        tr_reader_complain(&place, "kind", "machine, package, node, ccd, core or pair", kind);
    else
        ret->kind = (enum tr_place_kind)number;
    tr_read_count(&place, "index", INT_MAX, &index);
    ret->index = (int)index;
    tr_read_cpulist(&place, "cpus", &ret->cpus);
    tr_read_cpulist(&place, "memory_nodes", &ret->memory_nodes);
    reader->code = place.code;
    return !reader->code;
}

void tr_read_interval(struct tr_reader *reader, const char *key, double interval[2]) {
    double *ends = NULL;
    size_t n = 0;
    interval[0] = interval[1] = NAN;
    tr_read_numbers(reader, key, &ends, &n);
    if (n == 2) {
        interval[0] = ends[0];
        interval[1] = ends[1];
    } else if (n) {
        tr_reader_complain(reader, key, "two numbers", json_object_get(reader->object, key));
    }
    free(ends);
}
