/* Where a soak keeps its record while it runs, and its document afterwards. */
#ifndef TR_CMD_SOAK_PLACE_H
#define TR_CMD_SOAK_PLACE_H

#include <jansson.h>

#include "output.h"
#include "soak.h"

struct tr_soak_place {
    char created[TR_SOAK_TIME_BYTES];
    char *record, *document;
};

/* Names that are free, in a folder that is made; earlier soaks that left no document are noted, and
 * marked as killed where they are of this boot.
 * TR_EIO, TR_ENOMEM. Finish it also after a failure. */
int tr_soak_place_find(const struct tr_output_options *output, const char *host_id,
                       const char *boot_id, struct tr_soak_place *place, struct tr_err *reterr);
/* The document takes the place of the record. TR_EIO, TR_ENOMEM. */
int tr_soak_place_save(const json_t *document, const struct tr_soak_place *place,
                       struct tr_err *reterr);
void tr_soak_place_finish(struct tr_soak_place *place);

#endif
