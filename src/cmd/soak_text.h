/* The document of a soak in words, as tables, as lists of verdicts. */
#ifndef TR_CMD_SOAK_TEXT_H
#define TR_CMD_SOAK_TEXT_H

#include <jansson.h>

#include "output.h"

/* text, markdown, csv (seconds), jsonl (results, mismatches, seconds), junit, tap. TR_ENOMEM. */
int tr_soak_render(const char *format, json_t *document, const struct tr_term *term,
                   struct tr_strbuf *out);

#endif
