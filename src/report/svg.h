/* Between the files that draw SVG. */
#ifndef TR_REPORT_SVG_H
#define TR_REPORT_SVG_H

#include "plot.h"

void tr_svg_text(struct tr_strbuf *out, double x, double y, const char *anchor, const char *class,
                 const char *text);
/* svg_heat.c: a matrix as shaded cells. */
double tr_svg_heat_height(const struct tr_plot *plot);
void tr_svg_heat(const struct tr_plot *plot, struct tr_strbuf *out);

#endif
