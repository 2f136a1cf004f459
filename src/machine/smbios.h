/* The firmware's SMBIOS tables (DMTF DSP0134): processors, memory arrays and memory devices, and
 * which addresses they answer. */
#ifndef TR_MACHINE_SMBIOS_H
#define TR_MACHINE_SMBIOS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tokenroof/err.h"
#include "tokenroof/machine.h"

/* Type 4. */
struct tr_smbios_processor {
    char *socket, *version; /* NULL where the firmware says nothing */
    bool populated;
    int cores; /* -1 unknown */
};

/* Type 16. */
struct tr_smbios_array {
    int handle;
    bool system_memory; /* not flash, video or cache */
    int n_devices;      /* slots, as the array claims */
};

/* Type 17; `module.package` and `module.channel` are left unknown. */
struct tr_smbios_device {
    struct tr_memory_module module;
    int handle, array_handle;
    bool persistent; /* NVDIMM or the like: sits in a slot, but is not DRAM */
};

/* Types 19 (an array's part of the address space) and 20 (a device's). */
struct tr_smbios_range {
    int owner;               /* handle of the array, of the device */
    int64_t from, to;        /* bytes; `to` is the first one behind it */
    int interleave_position; /* type 20: 0 not interleaved, else its turn; -1 unknown */
};

/* Zeroed = empty. */
struct tr_smbios {
    int major, minor; /* of the specification; -1 without an entry point */
    /* How the table ends: broken_at is where a structure does not fit in, -1 where all do; without
     * an end (type 127) and without the number of structures, more may have followed. */
    int64_t broken_at;
    bool ended;
    struct tr_smbios_processor *processors;
    size_t n_processors;
    struct tr_smbios_array *arrays;
    size_t n_arrays;
    struct tr_smbios_device *devices;
    size_t n_devices;
    struct tr_smbios_range *array_ranges, *device_ranges;
    size_t n_array_ranges, n_device_ranges;
};

/* `entry` may be NULL: the table is then read to its end. Nothing in either is trusted: lengths and
 * counts that lie make the lists shorter. TR_EFORMAT (with `name` and the byte offset) where the
 * entry point has no known signature or the table holds not a single whole structure. */
int tr_smbios_parse(const uint8_t *entry, size_t entry_length, const uint8_t *table,
                    size_t table_length, const char *name, struct tr_smbios *ret_smbios,
                    struct tr_err *reterr);
/* The files DMI and (if there) smbios_entry_point of a folder. TR_EIO, errno kept. */
int tr_smbios_read(const char *folder, struct tr_smbios *ret_smbios, struct tr_err *reterr);
void tr_smbios_finish(struct tr_smbios *smbios);

#endif
