/* Where this program keeps what belongs to a machine. */
#ifndef TR_CALIBRATION_STORAGE_H
#define TR_CALIBRATION_STORAGE_H

#include "tokenroof/err.h"

/* <data home>/tokenroof/<host_id>/<kind>; not made. `data_home` NULL reads XDG_DATA_HOME, then
 * HOME. `host_id` NULL: "unknown-host". */
int tr_data_folder(const char *data_home, const char *host_id, const char *kind, char **ret_path,
                   struct tr_err *reterr);

#endif
