/* What running a plan takes of memory: a bound, told before anything is measured. */
#ifndef TR_MEASURE_PLAN_MEMORY_H
#define TR_MEASURE_PLAN_MEMORY_H

#include "plan.h"

/* Of a group, all threads together, what does not grow with the slices that the rule or --size
 * gives: threads, vectors, results, samples. */
int64_t tr_group_fixed_bytes(const struct tr_machine *machine, const struct tr_group *group);
/* The largest group, and what is kept of the others. The program itself, which is there before, is
 * not in it. */
int64_t tr_plan_memory_bytes(const struct tr_machine *machine, const struct tr_plan *plan);

#endif
