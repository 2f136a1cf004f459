/* The plan of a soak in words or as JSON (schema tokenroof.soak-plan/1), for --dry-run. */
#ifndef TR_CMD_SOAK_PLAN_TEXT_H
#define TR_CMD_SOAK_PLAN_TEXT_H

#include "output.h"
#include "soak_plan.h"

/* On standard output. TR_EIO, TR_ENOMEM. */
int tr_soak_print_plan(const struct tr_output_options *output, const struct tr_soak_plan *plan,
                       struct tr_err *reterr);

#endif
