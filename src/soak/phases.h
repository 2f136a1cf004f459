/* When a soak loads what: a plan of phases that depends on nothing but the time. */
#ifndef TR_SOAK_PHASES_H
#define TR_SOAK_PHASES_H

#include <stdbool.h>
#include <stddef.h>

enum tr_soak_load {
    TR_SOAK_MEMORY,
    TR_SOAK_COMPUTE,
    TR_SOAK_MIXED,
    TR_SOAK_STEPS,
    TR_SOAK_LOADS,
    /* Not of the plan: */
    TR_SOAK_FILLING = TR_SOAK_LOADS, /* before it begins: memory is written for the first time */
    TR_SOAK_LAST_CHECK,              /* after its end: all memory is verified once more */
    TR_SOAK_STAGES,
};
/* "memory", "compute", "mixed", "steps", "filling", "last check" */
const char *tr_soak_load_name(int load);
/* -1 for an unknown name. */
int tr_soak_load_from_name(const char *name);

struct tr_soak_phase {
    enum tr_soak_load load;
    double begin_s, end_s; /* from the soak's start */
    /* Steps: all cores compute for half of each period and rest for the other half; 0: they take
     * turns, one computes and all others rest. */
    double period_s;
};

struct tr_soak_phases {
    struct tr_soak_phase *items;
    size_t n;
};

/* Rounds of about a minute, of the loads whose bits (1 << load) are set. TR_ENOMEM. */
int tr_soak_phases_make(double seconds, unsigned loads, struct tr_soak_phases *ret_phases);
void tr_soak_phases_finish(struct tr_soak_phases *phases);
/* The phase at a moment; the last one from its end on. */
const struct tr_soak_phase *tr_soak_phase_at(const struct tr_soak_phases *phases, double t_s);

/* Whether core `which` of `n` computes in a phase of steps; *ret_until_s is when that changes, or
 * the phase ends. */
bool tr_soak_step_is_busy(const struct tr_soak_phase *phase, double t_s, int which, int n,
                          double *ret_until_s);

#endif
