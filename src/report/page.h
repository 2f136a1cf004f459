/* The files of reports/page, and D3 where the build found it, compiled into the program. */
#ifndef TR_REPORT_PAGE_H
#define TR_REPORT_PAGE_H

#include "data.h"

/* By name ("page.css"); NULL if there is none. */
const struct tr_data *tr_page_part(const char *name);

#endif
