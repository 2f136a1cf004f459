/* What the names of calibration files are called where people read them. */
#ifndef TR_REPORT_NAMES_H
#define TR_REPORT_NAMES_H

#include "tokenroof/limit.h"

/* "core to core" of "core_to_core"; what is not known stays as it is. NULL gives "". */
const char *tr_plain_name(const char *name);
/* "CCD" */
const char *tr_plain_kind(enum tr_place_kind kind);

#endif
