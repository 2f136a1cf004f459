/* The parts of the calibration file that other rooms write or read too. */
#ifndef TR_CALIBRATION_JSON_H
#define TR_CALIBRATION_JSON_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "tokenroof/limit.h"

/* Digits of a real number in all JSON that the program writes: more than any measurement has, and
 * few enough that 0.1 stays 0.1. */
#define TR_JSON_FLAGS (JSON_INDENT(1) | JSON_REAL_PRECISION(9))

/* Values: NULL, NAN and negative counts become null. Text that is not UTF-8 (firmware) is made
 * printable. NULL when out of memory. */
json_t *tr_json_text(const char *text);
json_t *tr_json_number(double value);
json_t *tr_json_count(int64_t value);
/* An empty list is unknown: null. */
json_t *tr_json_cpulist(const struct tr_cpulist *list);
json_t *tr_json_numbers(const double *numbers, size_t n);
/* null unless both ends are known */
json_t *tr_json_interval(const double interval[2]);
struct tr_place;
json_t *tr_json_place(const struct tr_place *place);

/* What a member says: NAN or NULL where it is absent, null, or no number or text. */
double tr_json_number_of(const json_t *object, const char *key);
const char *tr_json_text_of(const json_t *object, const char *key);

/* The array `limits`; the caller frees it with json_decref. */
int tr_limits_to_json(const struct tr_limit *limits, size_t n, json_t **ret_array);
/* The reverse; `name` is for messages. TR_EFORMAT names the entry and the field. Entries at kinds
 * of places that this version does not know are left out. Free each with tr_limit_finish, then the
 * array. */
int tr_limits_from_json(const json_t *array, const char *name, struct tr_limit **ret_limits,
                        size_t *ret_n, struct tr_err *reterr);

/* {"version", "commit", "compiler"} of this program; NULL when out of memory. */
json_t *tr_tool_to_json(void);

#endif
