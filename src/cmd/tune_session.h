/* The session that is open: this machine's newest record, and adding to it. */
#ifndef TR_CMD_TUNE_SESSION_H
#define TR_CMD_TUNE_SESSION_H

#include "append.h"
#include "output.h"
#include "tokenroof/machine.h"
#include "tune_judge.h"

struct tr_tune_session {
    const struct tr_output_options *output;
    struct tr_machine *machine; /* NULL where a file was named: nothing is marked then */
    char *boot_id;
    json_t *facts; /* of the machine, as lines have them */
    char *path;
    struct tr_append file; /* open only where something is to be added */
    struct tr_tune tune;
    struct tr_soaks soaks;
};

/* Opens this host's newest record, marks what was lost, and reads it again. TR_EUNAVAILABLE if
 * there is none. `writing`: keeps it open; TR_EFAIL if another process has it. Finish it after a
 * failure, too. */
int tr_tune_session_open(struct tr_tune_session *session, const struct tr_output_options *output,
                         bool writing, struct tr_err *reterr);
/* Begins a new record, open for writing. */
int tr_tune_session_create(struct tr_tune_session *session, const struct tr_output_options *output,
                           const char *model, struct tr_err *reterr);
/* A record that was named: as it is. */
int tr_tune_session_read(struct tr_tune_session *session, const char *path, struct tr_err *reterr);
/* Takes the line over; it is on disk when this returns. NULL: TR_ENOMEM. */
int tr_tune_session_add(struct tr_tune_session *session, json_t *line, struct tr_err *reterr);
/* After lines were added. */
int tr_tune_session_reread(struct tr_tune_session *session, struct tr_err *reterr);
/* Before `label` is tried: a setting that was announced, never measured and restarted over is
 * marked as crashed. */
int tr_tune_session_mark_given_up(struct tr_tune_session *session, const char *label,
                                  struct tr_err *reterr);
void tr_tune_session_finish(struct tr_tune_session *session);

/* "2026-11-21T10:00:00Z" */
struct tr_tune_time {
    char text[24];
};
struct tr_tune_time tr_tune_now(void);

#endif
