/* Runners of the latency experiments (bench/latency.c, loaded_latency.c, core_to_core.c,
 * barrier.c); all are struct tr_group's `run`, their figures are in ns. */
#ifndef TR_MEASURE_RUN_LATENCY_H
#define TR_MEASURE_RUN_LATENCY_H

#include "run.h"

/* One thread chases over working sets of the steps' slice_bytes, in their order. Steps that are
 * measurements with the name of a level as variant ("L1" ... "memory") get their working set from
 * the plateaus of the points before them: the middle of a cache's plateau, the end of memory's. */
tr_group_runner tr_run_latency;

/* The crew's first thread chases over slice_bytes, the others load the memory with the step's
 * `load`, pausing load_pause_cycles after each bit of it (-1: they do nothing). The step's x
 * becomes the bandwidth that they drew meanwhile, in GB/s. */
tr_group_runner tr_run_loaded_latency;

/* Two threads of the crew, those of the step's row and column, pass one cache line to and fro; the
 * line lies in the memory of the row's node. A sample is half a round trip. */
tr_group_runner tr_run_pairs;

/* All threads of the crew meet at the barrier that the step's variant names: this program's or the
 * OpenMP runtime's. A sample is the time from one barrier to the next. */
tr_group_runner tr_run_barriers;

#endif
