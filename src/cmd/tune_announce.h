/* What is tried next: on disk before it is tried, and told what it can bring at most. */
#ifndef TR_CMD_TUNE_ANNOUNCE_H
#define TR_CMD_TUNE_ANNOUNCE_H

#include "strbuf.h"
#include "tune_session.h"

/* `what_if`: its clocks as in --what-if; NULL: as the label says. *text is left empty where nothing
 * is known of the step. TR_EUSAGE, TR_EIO, TR_ENOMEM. */
int tr_tune_announce(struct tr_tune_session *session, const char *label, const char *what_if,
                     struct tr_strbuf *text, struct tr_err *reterr);

#endif
