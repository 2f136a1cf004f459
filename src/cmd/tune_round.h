/* A round of a recording: its samples go into the record as they come, then its figures. */
#ifndef TR_CMD_TUNE_ROUND_H
#define TR_CMD_TUNE_ROUND_H

#include "measuring.h"
#include "tokenroof/model.h"
#include "tune_session.h"

struct tr_tune_rounds {
    struct tr_tune_session *session; /* open for writing */
    const struct tr_model *model;    /* whose speed is predicted; NULL without */
    size_t round;                    /* that runs, or ran last; from 1 */
    bool untrusted, wrong;           /* a figure of any round */
    struct tr_err doubt;             /* the last one's text */
    /* Samples that are not on disk yet; of writing them: the first failure. */
    double *samples[TR_TUNE_FIGURES];
    size_t n_samples[TR_TUNE_FIGURES];
    double flushed_s;
    int write_code;
    struct tr_err write_err;
};

/* Runs the plan and adds all lines. The `first` round of a recording predicts. Doubt about a figure
 * is no failure but kept in `rounds`. TR_ESTOPPED: its samples until then are in the record. */
int tr_tune_run_round(struct tr_tune_rounds *rounds, struct tr_measuring *measuring, bool first,
                      struct tr_err *reterr);
/* Frees what it holds, the session and the model aside. */
void tr_tune_rounds_finish(struct tr_tune_rounds *rounds);

/* Of a clock that only runs forwards. */
double tr_tune_now_s(void);

#endif
