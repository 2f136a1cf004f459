/* What a soak of this machine found, as far as there was one: tokenroof.soak/1 (docs/formats.md).
 */
#ifndef TR_CMD_SOAK_RECORD_H
#define TR_CMD_SOAK_RECORD_H

#include <jansson.h>

#include "output.h"

/* TR_EIO; TR_EFORMAT with the place. The caller frees the document with json_decref. */
int tr_soak_record_read(const char *path, json_t **ret_document, struct tr_err *reterr);
/* The same of any file of a soak: its document, or the document that follows from the record of one
 * that was killed. */
int tr_soak_record_tell(const char *path, json_t **ret_document, struct tr_err *reterr);
/* The newest of the host's folder that ran with the processor, firmware and memory of the machine
 * (as in a calibration), else the newest one; NULL where there is none. Files that are no soak are
 * left out, with a note. The caller frees both. TR_ENOMEM. */
int tr_soak_record_find(const char *host_id, const json_t *machine,
                        const struct tr_output_options *output, json_t **ret_document,
                        char **ret_path, struct tr_err *reterr);

#endif
