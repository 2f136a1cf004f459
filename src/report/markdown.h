/* Pieces of Markdown. What comes from files is shown as text: no markup, links or HTML of theirs
 * take effect. */
#ifndef TR_REPORT_MARKDOWN_H
#define TR_REPORT_MARKDOWN_H

#include "strbuf.h"
#include "tokenroof/calibration.h"

/* Escaped, on one line. NULL adds nothing. */
void tr_markdown_text(struct tr_strbuf *out, const char *from_file);
/* The same as a cell: " text |". */
void tr_markdown_cell(struct tr_strbuf *out, const char *from_file);
/* The same of a place: " machine |", " CCD 1 |". */
void tr_markdown_place(struct tr_strbuf *out, const struct tr_place *place);
/* Plateaus and knees of the curves, and the matrices: whole where they are small. */
void tr_markdown_curves(struct tr_strbuf *out, const struct tr_calibration *calibration);

#endif
