/* Names what plateau.h finds on a curve of the plan. */
#ifndef TR_MEASURE_MARKS_H
#define TR_MEASURE_MARKS_H

#include "plateau.h"
#include "tokenroof/curve.h"
#include "tokenroof/machine.h"

/* Caches in reach of the cores that these hardware threads belong to, summed up. */
struct tr_cache_sizes tr_cache_sizes_of(const struct tr_machine *machine,
                                        const struct tr_cpulist *cpus);

/* Marks for struct tr_plan_curve. Levels: plateaus over the working set, named L1, L2, L3, memory
 * by the caches of the curve's place. Knee: where it saturates, or begins to rise; named "knee".
 * TR_ENOMEM. */
int tr_mark_levels(struct tr_curve *curve, const struct tr_machine *machine);
int tr_mark_knee(struct tr_curve *curve, const struct tr_machine *machine);

#endif
