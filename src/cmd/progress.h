/* Progress on stderr. Called between samples only, so that drawing never disturbs a measurement. */
#ifndef TR_CMD_PROGRESS_H
#define TR_CMD_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "options.h"

struct tr_progress {
    enum tr_progress_mode mode; /* never AUTO after init */
    double total_s;
    double started_s, drawn_s; /* CLOCK_MONOTONIC; drawn_s 0 = nothing on the line */
    size_t stage;              /* index of the last one shown, -1 before the first */
    bool unicode;
};

/* auto: a bar on a terminal while this process is in its foreground; one line per stage otherwise;
 * nothing with `quiet`. `total_s`: the whole plan. */
void tr_progress_init(struct tr_progress *progress, enum tr_progress_mode mode, bool quiet,
                      double total_s);
/* What is measured now ("read, 2 threads"), the how-manieth of `n` from 0, how long all that is
 * left takes (NAN unknown), and the figure so far ("20.5 GB/s", NULL if none yet). */
void tr_progress_stage(struct tr_progress *progress, const char *what, size_t index, size_t n,
                       double seconds_left, const char *figure);
/* Takes the bar away, before other text. */
void tr_progress_end(struct tr_progress *progress);

#endif
