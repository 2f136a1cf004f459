/* A soak from its plan to what is shown and saved of it. */
#ifndef TR_CMD_SOAK_RUN_H
#define TR_CMD_SOAK_RUN_H

#include <jansson.h>

#include "soak_options.h"

/* 0; TR_ECHECK (it failed); TR_ESTOPPED (what there is was shown and saved); else nothing was
 * soaked, or nothing could be saved. */
int tr_soak_run(const struct tr_soak_asked *asked, const struct tr_machine *machine,
                const struct tr_soak_plan *plan, const struct tr_soak_options *soak_options,
                struct tr_err *reterr);
/* In all forms that are asked for. TR_ECHECK if its verdict is that it failed. */
int tr_soak_show(const struct tr_soak_asked *asked, json_t *document, struct tr_err *reterr);

#endif
