/* How far a whole calibration can be trusted. */
#include "session_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "choice.h"
#include "session.h"

/* The measurement that stands for its kind among forms of the same kernel; of arithmetic also one
 * of a wider instruction set than that: a doubt about it is one about what the machine can do. */
static bool is_best_form(const struct tr_calibration *calibration, const struct tr_measurement *m) {
    for (size_t i = 0; i < calibration->n_measurements; i++) {
        const struct tr_measurement *other = &calibration->measurements[i];
        if (!strcmp(other->kernel, m->kernel) && !strcmp(other->dtype, m->dtype) &&
            other->threads == m->threads && other->place.kind == m->place.kind &&
            other->place.index == m->place.index && other->median > m->median &&
            (strcmp(m->kernel, "fma") != 0 ||
             tr_isa_from_name(other->isa) >= tr_isa_from_name(m->isa)))
            return false;
    }
    return true;
}

static void worse(char *grade, char than) {
    if (*grade < than)
        *grade = than;
}

/* A: bare metal, limits known, steady. Each doubt lowers it and is named. */
int tr_session_grade(struct tr_session *session, int *ret_code, struct tr_err *reterr) {
    struct tr_calibration *calibration = session->calibration;
    struct tr_strings *reasons = &calibration->reasons;
    char grade[2] = "A";
    int code = 0, untrusted = 0;
    for (size_t i = 0; i < calibration->n_measurements; i++) {
        const struct tr_measurement *m = &calibration->measurements[i];
        const char *reason = tr_untrusted_reason(m);
        bool headline =
            session->plan->by_name || (m->place.kind == TR_PLACE_MACHINE &&
                                       (!strcmp(m->kernel, "read") || !strcmp(m->kernel, "fma")));
        if (!reason || !headline || !is_best_form(calibration, m))
            continue;
        worse(grade, 'D');
        code |= tr_strings_add(reasons, "%s %s, %d thread%s: %s", m->kernel, m->dtype, m->threads,
                               m->threads == 1 ? "" : "s", reason);
        if (!untrusted)
            untrusted =
                tr_err_set(reterr, TR_EUNTRUSTED, "%s %s, %d thread%s, is not to be trusted: %s",
                           m->kernel, m->dtype, m->threads, m->threads == 1 ? "" : "s", reason);
    }
    const struct tr_machine *machine = session->machine;
    const struct tr_limit *limit =
        tr_limit_find(machine->limits, machine->n_limits, "memory_read", TR_PLACE_MACHINE, 0);
    if (session->refused) {
        worse(grade, 'D');
        code |= tr_strings_add(reasons, "a figure above a hard limit was refused");
        if (!untrusted)
            untrusted =
                tr_err_set(reterr, TR_EUNTRUSTED,
                           "a figure above a hard limit was refused; the warnings tell which");
    }
    if (calibration->partial) {
        worse(grade, 'D');
        code |= tr_strings_add(reasons, "interrupted: only a part was measured");
    }
    if (calibration->warnings.n) {
        worse(grade, 'C');
        code |= tr_strings_add(reasons, "%zu warning%s", calibration->warnings.n,
                               calibration->warnings.n == 1 ? "" : "s");
    }
    if (machine->environment.virtual_machine) {
        worse(grade, 'B');
        code |= tr_strings_add(reasons, "virtual machine: neighbours and the host's memory are "
                                        "out of sight");
    }
    if (!limit || limit->host_only) {
        worse(grade, 'B');
        code |= tr_strings_add(reasons, "%s",
                               limit ? "the host's memory limit rates nothing here"
                                     : "the memory's theoretical limit is unknown");
    } else if (!limit->hard) {
        worse(grade, 'B');
        code |= tr_strings_add(reasons, "the memory limit rests on the %s", limit->basis);
    }
    /* What is unknown about the machine is told with the warnings, but disturbed nothing. */
    for (size_t i = 0; i < machine->n_notes; i++)
        code |= tr_strings_add(&calibration->warnings, "%s", machine->notes[i]);
    calibration->grade = strdup(grade);
    *ret_code = untrusted;
    return code || !calibration->grade ? TR_ENOMEM : 0;
}
