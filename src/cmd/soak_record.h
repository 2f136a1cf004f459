/* What a soak of this machine found, as far as there was one: tokenroof.soak/1 (docs/formats.md).
 */
#ifndef TR_CMD_SOAK_RECORD_H
#define TR_CMD_SOAK_RECORD_H

#include <jansson.h>

#include "output.h"

/* TR_EIO; TR_EFORMAT with the place. The caller frees the document with json_decref. */
int tr_soak_record_read(const char *path, json_t **ret_document, struct tr_err *reterr);
/* The same of any file of a soak: its document, or the document that follows from the record of one
 * that did not end. `boot_id`: of the machine now; if such a record is of another one, and is not
 * marked as killed, the machine went down under it, and it failed. NULL: nobody knows. */
int tr_soak_record_tell(const char *path, const char *boot_id, json_t **ret_document,
                        struct tr_err *reterr);
/* Records of this boot that nobody writes any more get a line that says so: after a restart a soak
 * whose program was killed could not be told from one under which the machine went down. As far as
 * they may be written; `boot_id` NULL: unknown, then none. */
void tr_soak_record_mark_killed(const char *folder, const char *boot_id);
/* Whether this entry of the folder is the record of a soak whose document did not take its place:
 * it runs (tr_append_is_busy), or the program or the machine went down. */
bool tr_soak_record_is_left(const char *folder, const char *name);
/* The newest of the host's folder that ran with the processor, firmware and memory of the machine
 * (as in a calibration), else the newest one; NULL where there is none. Of those that did not end,
 * as above; those that run, and files that are no soak, are left out. The caller frees both.
 * TR_ENOMEM. */
int tr_soak_record_find(const char *host_id, const json_t *machine, const char *boot_id,
                        const struct tr_output_options *output, json_t **ret_document,
                        char **ret_path, struct tr_err *reterr);

#endif
