/* What the parts of a session share: session.c runs the plan, entry.c turns series into figures,
 * conditions.c tells what may have disturbed them, grading.c judges the whole. */
#ifndef TR_MEASURE_SESSION_PARTS_H
#define TR_MEASURE_SESSION_PARTS_H

#include <stdbool.h>

#include "run.h"
#include "tokenroof/machine.h"

/* A result above a limit by more than this cannot be the clock's or the timer's error. */
#define TR_CEILING_TOLERANCE 1.02

struct tr_session {
    struct tr_machine *machine;
    struct tr_plan *plan;
    struct tr_calibration *calibration;
    /* Sums over all steps, for the conditions. */
    int64_t context_switches, page_faults, migrations;
    struct tr_counted counted;
    double huge_fraction, node_fraction;
    double timer_disagreement; /* between two clocks, over the session */
    bool bound_refused;
    bool refused; /* some figure was above a hard limit */
    bool wrong;   /* some result differed from its reference */
    struct tr_err wrong_err;
    /* Fastest form of each operation from memory, at all threads of the machine. */
    struct tr_fastest {
        const struct tr_kernel *kernel;
        double rate;
    } * fastest;
    size_t n_fastest;
};

/* Takes one step's series over as a measurement, a point or a cell, unless it failed its check, has
 * no samples or is refused. */
int tr_session_enter(struct tr_session *session, const struct tr_group *group,
                     const struct tr_step *step, const struct tr_series *series);
/* Notes that a figure above a hard limit is left out, with a warning; `what` was measured. 0 or
 * TR_ENOMEM. */
int tr_session_refuse(struct tr_session *session, const struct tr_limit *limit, const char *what,
                      double value, const char *unit);
/* The form of the step's operation that was fastest so far; the step's own kernel if none was
 * measured. */
const struct tr_kernel *tr_session_fastest(const struct tr_session *session,
                                           const struct tr_kernel *kernel);
/* Why there are no counters; NULL: there are. */
struct tr_counters_missing {
    const char *processor, *memory;
};
int tr_session_set_conditions(struct tr_session *session, const struct tr_activity *before,
                              const struct tr_activity *after,
                              const struct tr_counters_missing *missing);
/* *ret_code is TR_EUNTRUSTED, with its reason, where a headline figure is in doubt; else 0. */
int tr_session_grade(struct tr_session *session, int *ret_code, struct tr_err *reterr);

#endif
