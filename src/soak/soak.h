/* A soak: all cores and most memory under load, every word and every result verified, what the
 * machine counts of its own faults read each second. */
#ifndef TR_SOAK_SOAK_H
#define TR_SOAK_SOAK_H

#include <signal.h>

#include "soak_plan.h"
#include "summary.h"

struct tr_soak_progress {
    const struct tr_soak_second *second;
    size_t phase, n_phases;
    double seconds_left;
    uint64_t mismatches;
};

struct tr_soak_watch {
    const volatile sig_atomic_t *stop;
    /* Called once, before memory is touched, and after each second; NULL for none. */
    void (*begun)(void *context, const json_t *head);
    void (*progress)(void *context, const struct tr_soak_progress *progress);
    void *context;
    /* The record could not be written on: the soak went on without. */
    bool record_failed;
    struct tr_err record_error;
};

/* Runs the plan. `record_path` NULL: no record is kept. The summary, which is the caller's to
 * finish, has what there is also with TR_ESTOPPED. Other failures: TR_EUNAVAILABLE, TR_ENOMEM,
 * TR_EIO, TR_EUSAGE (the record exists). */
int tr_soak(const struct tr_machine *machine, const struct tr_soak_plan *plan,
            const struct tr_soak_options *options, const char *created, const char *record_path,
            struct tr_soak_watch *watch, struct tr_soak_summary *summary, struct tr_err *reterr);

/* "2026-11-21T10:00:00Z" of now. */
enum { TR_SOAK_TIME_BYTES = 24 };
void tr_soak_now(char text[TR_SOAK_TIME_BYTES]);

#endif
