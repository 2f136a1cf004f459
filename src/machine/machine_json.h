/* The object "machine" of calibration files and of `topology --json`. */
#ifndef TR_MACHINE_JSON_H
#define TR_MACHINE_JSON_H

#include "tokenroof/machine.h"

struct json_t;

/* Unknown is null; sets of CPUs are list strings. The caller frees it with json_decref. Facts that
 * change from minute to minute (free memory, load) are not in it. */
int tr_machine_to_json(const struct tr_machine *machine, struct json_t **ret_object);

#endif
