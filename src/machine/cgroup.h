/* What control groups allow this process, versions 1 and 2. */
#ifndef TR_MACHINE_CGROUP_H
#define TR_MACHINE_CGROUP_H

#include <stdbool.h>
#include <stdint.h>

#include "source.h"

struct tr_cgroup_limits {
    double cpu_quota;        /* CPUs' worth of time, NAN without a limit */
    int64_t memory_bytes;    /* smallest limit on the way to the root, -1 without one */
    int64_t available_bytes; /* smallest limit - use that cannot be reclaimed, -1 without a limit */
    int64_t throttled;       /* nr_throttled, summed over the way to the root; -1 unknown */
    bool container;          /* the group's name is one that container engines give */
};

/* Looks at the group of this process, at all groups above it that are visible, and at the mount's
 * root: within a container the path that the kernel tells may lie outside of what is mounted. */
void tr_cgroup_read(struct tr_source *source, struct tr_cgroup_limits *ret_limits);

#endif
