/* Facts by path in the documents that describe a machine and its runs: "memory.configured_mts". */
#ifndef TR_DECIDE_FACTS_H
#define TR_DECIDE_FACTS_H

#include <jansson.h>

/* NULL where absent or null. */
const json_t *tr_fact(const json_t *object, const char *path);
/* NULL / NAN where absent or of another kind. */
const char *tr_fact_text(const json_t *object, const char *path);
double tr_fact_number(const json_t *object, const char *path);
/* Of the kernel's words for SMT, those for a machine where none is on: "off". NULL for NULL. */
const char *tr_fact_smt(const char *word);
/* How many modules of "memory" (as in a calibration's machine) hold memory; NAN where none is
 * known, not even an empty slot. */
double tr_fact_modules(const json_t *memory);

#endif
