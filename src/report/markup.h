/* Text within XML, HTML and CSV. */
#ifndef TR_REPORT_MARKUP_H
#define TR_REPORT_MARKUP_H

#include "strbuf.h"

/* Escaped for elements and for attributes in double quotes; control characters and what is not
 * UTF-8 become '?'. NULL adds nothing. */
void tr_markup_text(struct tr_strbuf *out, const char *from_file);

/* A cell: quoted where it must be, and shielded where a spreadsheet would take it for a formula.
 * NULL is an empty cell. */
void tr_csv_text(struct tr_strbuf *out, const char *from_file);

#endif
