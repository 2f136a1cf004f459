/* Which addresses memory modules answer, by the firmware's types 19 and 20. */
#ifndef TR_MACHINE_MEMORY_MAP_H
#define TR_MACHINE_MEMORY_MAP_H

#include "smbios.h"

/* mapped_from_bytes, mapped_to_bytes and interleave_position of one device's module. */
void tr_memory_map_module(const struct tr_smbios *smbios, const struct tr_smbios_device *device,
                          struct tr_memory_module *module);
/* memory.interleaved_modules and memory.mapped_bytes, and a note where the map contradicts the
 * modules; those must be there, with their channels. 0 or TR_ENOMEM. */
int tr_memory_map_fill(struct tr_machine *machine, const struct tr_smbios *smbios);

#endif
