#include "bind.h"

#include <errno.h>
#include <hwloc.h>
#include <sched.h>
#include <string.h>

#include "parts.h"

int tr_current_cpu(void) {
    return sched_getcpu();
}

static hwloc_topology_t topology_of(const struct tr_machine *machine) {
    return machine->private_data ? machine->private_data->topology : NULL;
}

int tr_bind_thread(const struct tr_machine *machine, int cpu, struct tr_err *reterr) {
    hwloc_topology_t topology = topology_of(machine);
    if (!topology || !machine->live)
        return tr_err_set(reterr, TR_EFAIL, "threads can be bound on this machine only");
    hwloc_bitmap_t set = hwloc_bitmap_alloc();
    if (!set)
        return TR_ENOMEM;
    hwloc_bitmap_only(set, (unsigned)cpu);
    int failed = hwloc_set_cpubind(topology, set, HWLOC_CPUBIND_THREAD | HWLOC_CPUBIND_STRICT);
    int reason = errno;
    hwloc_bitmap_free(set);
    if (failed)
        return tr_err_set(reterr, TR_EUNAVAILABLE,
                          "no thread can be bound to CPU %d: %s. See which CPUs are allowed: "
                          "tokenroof topology",
                          cpu, strerror(reason));
    return 0;
}

bool tr_thread_is_bound(const struct tr_machine *machine, int cpu) {
    hwloc_topology_t topology = topology_of(machine);
    hwloc_bitmap_t set = topology ? hwloc_bitmap_alloc() : NULL;
    if (!set)
        return false;
    bool bound = !hwloc_get_cpubind(topology, set, HWLOC_CPUBIND_THREAD) &&
                 hwloc_bitmap_weight(set) == 1 && hwloc_bitmap_first(set) == cpu &&
                 sched_getcpu() == cpu;
    hwloc_bitmap_free(set);
    return bound;
}

void tr_unbind_thread(const struct tr_machine *machine) {
    hwloc_topology_t topology = topology_of(machine);
    hwloc_bitmap_t set = topology ? hwloc_bitmap_alloc() : NULL;
    if (!set)
        return;
    for (size_t i = 0; i < machine->allowed_cpus.n; i++)
        hwloc_bitmap_set(set, (unsigned)machine->allowed_cpus.ids[i]);
    hwloc_set_cpubind(topology, set, HWLOC_CPUBIND_THREAD);
    hwloc_bitmap_free(set);
}
