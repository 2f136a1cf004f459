/* Memory modules from the udev database: the only source that needs no privilege. */
#ifndef TR_MACHINE_UDEV_H
#define TR_MACHINE_UDEV_H

#include <stddef.h>

#include "source.h"
#include "tokenroof/machine.h"

/* One module per slot, in the order of the firmware; none where the database has no memory records.
 * The caller frees the strings and the list. Fails for lack of memory only. */
int tr_udev_read_modules(struct tr_source *source, struct tr_memory_module **ret_modules,
                         size_t *ret_n);

#endif
