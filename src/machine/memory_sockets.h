/* Processor sockets by the firmware's tables, and which of them have memory. */
#ifndef TR_MACHINE_MEMORY_SOCKETS_H
#define TR_MACHINE_MEMORY_SOCKETS_H

#include "smbios.h"

/* firmware.sockets, firmware.sockets_populated, firmware.cores_per_socket. */
void tr_sockets_take(struct tr_machine *machine, const struct tr_smbios *smbios);
/* A note for each package without a memory module; the modules must know their packages. 0 or
 * TR_ENOMEM. */
int tr_sockets_without_memory(struct tr_machine *machine);

#endif
