/* measure --self-test: real faults are put into real measurements, and each must be reported. */
#ifndef TR_CMD_SELF_TEST_H
#define TR_CMD_SELF_TEST_H

#include "cmd.h"
#include "plan.h"

/* Prints a table or JSON (schema tokenroof.self-test/1). TR_EFAIL if a fault went unnoticed, or the
 * run without a fault was taken for a faulty one; TR_ESTOPPED. */
int tr_self_test(const struct tr_output_options *output, const struct tr_machine_options *machine,
                 struct tr_err *reterr);

#endif
