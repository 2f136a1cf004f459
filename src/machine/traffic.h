/* What the memory controllers moved, by their own counters through PAPI: everything that passed
 * them, whoever asked for it. A check on a sample, never its result. */
#ifndef TR_MACHINE_TRAFFIC_H
#define TR_MACHINE_TRAFFIC_H

#include <stdbool.h>

#include "tokenroof/machine.h"

/* Totals since counting began, all packages together. */
struct tr_traffic {
    double read_bytes, written_bytes;
};

struct tr_traffic_counters;

/* Begins to count, after tr_counters_setup() and by the thread that is to read. Returns NULL and
 * sets *ret_counters, or the reason why nothing can be counted, in words (static storage). */
const char *tr_traffic_start(const struct tr_machine *machine,
                             struct tr_traffic_counters **ret_counters);
/* False where a counter cannot be read. */
bool tr_traffic_read(const struct tr_traffic_counters *counters, struct tr_traffic *ret_traffic);
void tr_traffic_stop(struct tr_traffic_counters *counters);

#endif
