/* One file of a GGUF set: its header is parsed and its tensors are added to those before it. */
#ifndef TR_MODEL_GGUF_PARSE_H
#define TR_MODEL_GGUF_PARSE_H

#include "gguf.h"
#include "gguf_reader.h"

/* Parses the header at the reader's start. Metadata goes to `values` of an own zeroed gguf; the
 * caller passes the same gguf for all shards if it wants their tensors in one list.
 * Failures are in reader->code. */
void tr_gguf_parse(struct tr_reader *reader, uint32_t shard, struct tr_gguf *gguf);
/* Frees values only; tensors stay. */
void tr_gguf_clear_values(struct tr_gguf *gguf);
/* Refuses tensors of the same name. `paths[shard]` names the file in the message. */
int tr_gguf_check_names(const struct tr_gguf *gguf, const char *const *paths,
                        struct tr_err *reterr);

#endif
