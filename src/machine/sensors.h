/* A moment's temperatures, power, throttling and memory errors; the memory controllers' driver. */
#ifndef TR_MACHINE_SENSORS_H
#define TR_MACHINE_SENSORS_H

#include "parts.h"

/* edac.c: machine->edac; the memory's population where nothing told more, else notes on what
 * contradicts the firmware's tables; a note on memory errors. 0 or TR_ENOMEM. */
int tr_edac_fill(struct tr_machine *machine, struct tr_source *source);
/* Sums over all controllers; -1 without any. */
void tr_edac_errors(struct tr_source *source, int64_t *ret_corrected, int64_t *ret_uncorrected);

/* sensors.c: machine->sensors, and notes on what holds the machine back. 0 or TR_ENOMEM. */
void tr_sensors_set_unknown(struct tr_sensors *sensors);
int tr_sensors_fill(struct tr_machine *machine);

#endif
