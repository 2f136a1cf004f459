/* Members of JSON objects, as parts of the calibration that this room reads hold them. */
#ifndef TR_PREDICT_MEMBERS_H
#define TR_PREDICT_MEMBERS_H

#include <stdbool.h>

struct json_t;

/* NAN where the member is absent, null or no number. */
double tr_member_number(const struct json_t *object, const char *key);
bool tr_member_is_text(const struct json_t *object, const char *key, const char *text);

#endif
