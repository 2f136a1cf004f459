/* Strict parsing of numbers and sizes: the whole text must be the value, in any locale. */
#ifndef TR_BASE_PARSE_H
#define TR_BASE_PARSE_H

#include <stdint.h>

#include "tokenroof/err.h"

/* Decimal digits only, within [min, max]; TR_EUSAGE with a text that names the range. */
int tr_parse_int(const char *text, int64_t min, int64_t max, int64_t *ret, struct tr_err *reterr);
/* A plain decimal number ("5.6", "2000", "1e3"), finite, within [min, max]. */
int tr_parse_double(const char *text, double min, double max, double *ret, struct tr_err *reterr);
/* A size with its unit: B, kB MB GB TB (1000s), KiB MiB GiB TiB (1024s). "64m" is refused as
 * ambiguous, with both readings in the text. */
int tr_parse_size(const char *text, uint64_t *ret_bytes, struct tr_err *reterr);
/* The candidate with the smallest edit distance, if it is near enough to be meant; else NULL.
 * `candidates` ends with NULL. */
const char *tr_nearest(const char *word, const char *const *candidates);

#endif
