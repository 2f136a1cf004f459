/* What `tokenroof soak` is asked for: its options, and the soak that they choose. */
#ifndef TR_CMD_SOAK_OPTIONS_H
#define TR_CMD_SOAK_OPTIONS_H

#include "cmd.h"
#include "soak_plan.h"

enum { TR_SOAK_ROWS = 11 };

struct tr_soak_asked {
    struct tr_output_options output;
    struct tr_progress_options progress;
    double minutes;
    const char *time, *memory, *cpus, *nodes, *phases, *show;
    int threads;
    int isa; /* index of the level's name, 0 = best */
    double max_corrected;
    bool dry_run;
};
extern const struct tr_soak_asked tr_soak_defaults;

extern const struct tr_option tr_soak_rows[TR_SOAK_ROWS];
/* A check of the whole, for the group of these rows. */
int tr_soak_check(const struct tr_command *command, void *target, struct tr_err *reterr);

struct tr_soak_selection {
    struct tr_soak_options soak; /* points into the lists: the whole must not move */
    struct tr_cpulist cpus, nodes;
};
/* TR_EUSAGE. Finish it also after a failure. */
int tr_soak_select(const struct tr_soak_asked *asked, struct tr_soak_selection *selection,
                   struct tr_err *reterr);
void tr_soak_selection_finish(struct tr_soak_selection *selection);

#endif
