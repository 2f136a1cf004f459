/* Caches by CPUID alone, for machines whose kernel shows none (no
 * /sys/devices/system/cpu/cpu0/cache, as under some hypervisors).
 *
 * Leaves: Intel SDM vol. 2A, CPUID 04H; AMD APM vol. 3, Fn8000_001D, Fn8000_0005, Fn8000_0006. The
 * last two tell sizes and no sharing. */
#include <hwloc.h>
#include <stdlib.h>
#include <string.h>

#include "cpuid_table.h"
#include "parts.h"
#include "topology.h"

enum { EAX, EBX, ECX, EDX };
enum { MOST_CACHES = 16 };
enum { NO_CACHE = 0, INSTRUCTIONS = 2 };

/* --- what CPUID tells ------------------------------------------------------------------------ */

/* Ways x partitions x bytes of a line x sets; false where the leaf lists none. */
static bool from_list(const struct tr_cpuid_table *table, uint32_t leaf,
                      struct tr_cpu_cache caches[TR_CACHE_LEVELS]) {
    bool any = false;
    for (uint32_t i = 0; i < MOST_CACHES; i++) {
        uint32_t regs[4];
        tr_cpuid_get(table, leaf, i, regs);
        uint32_t type = regs[EAX] & 31, level = regs[EAX] >> 5 & 7;
        if (type == NO_CACHE)
            break;
        if (type == INSTRUCTIONS || level < 1 || level > TR_CACHE_LEVELS)
            continue;
        caches[level - 1] = (struct tr_cpu_cache){
            .bytes = (int64_t)((regs[EBX] >> 22) + 1) * ((regs[EBX] >> 12 & 0x3ff) + 1) *
                     ((regs[EBX] & 0xfff) + 1) * ((int64_t)regs[ECX] + 1),
            .threads = (int)(regs[EAX] >> 14 & 0xfff) + 1,
        };
        any = true;
    }
    return any;
}

/* KiB of data in bits 31-24 of 80000005, of L2 in bits 31-16, of L3 in units of 512 KiB in bits
 * 31-18. Nothing of sharing. */
static void from_sizes(const struct tr_cpuid_table *table,
                       struct tr_cpu_cache caches[TR_CACHE_LEVELS]) {
    uint32_t regs[4];
    tr_cpuid_get(table, 0x80000005, 0, regs);
    caches[0].bytes = (int64_t)(regs[ECX] >> 24) << 10;
    tr_cpuid_get(table, 0x80000006, 0, regs);
    caches[1].bytes = (int64_t)(regs[ECX] >> 16) << 10;
    caches[2].bytes = (int64_t)(regs[EDX] >> 18) << 19;
}

void tr_cpuid_caches(const struct tr_cpuid_table *table, struct tr_cpu_facts *facts) {
    struct tr_cpu_cache caches[TR_CACHE_LEVELS] = {{0}};
    bool amd = facts->vendor && !strcmp(facts->vendor, "AMD");
    if (!from_list(table, amd ? 0x8000001d : 0x4, caches) && amd)
        from_sizes(table, caches);
    memcpy(facts->caches, caches, sizeof(caches));
}

/* --- in place of the kernel's ---------------------------------------------------------------- */

static bool shows_caches(hwloc_topology_t topology) {
    for (int type = HWLOC_OBJ_L1CACHE; type <= HWLOC_OBJ_L5CACHE; type++)
        if (hwloc_get_nbobjs_by_type(topology, (hwloc_obj_type_t)type) > 0)
            return true;
    return false;
}

/* In the order of hwloc, which puts the threads of a core and the cores of a die together. Where
 * the sharing is not told, a package has one. */
static int add_groups(struct tr_machine *machine, hwloc_topology_t topology,
                      const struct tr_package *package, const struct tr_cpu_maps *maps) {
    const struct tr_cpu_cache *l3 = &machine->cpu.caches[2];
    struct tr_l3_group *group = NULL;
    int n_cpus = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PU), code = 0;
    for (int i = 0; i < n_cpus && !code; i++) {
        hwloc_obj_t pu = hwloc_get_obj_by_type(topology, HWLOC_OBJ_PU, (unsigned)i);
        int cpu = (int)pu->os_index;
        if (!tr_cpulist_has(&package->cpus, cpu))
            continue;
        if (!group || (l3->threads > 0 && group->cpus.n == (size_t)l3->threads)) {
            group = &machine->l3_groups[machine->n_l3_groups];
            *group = (struct tr_l3_group){.index = (int)machine->n_l3_groups++,
                                          .package = package->index,
                                          .node = maps->node[cpu],
                                          .l3_bytes = l3->bytes};
        }
        code = tr_cpulist_add(&group->cpus, cpu);
        if (maps->node[cpu] != group->node)
            group->node = -1;
        maps->l3[cpu] = group->index;
    }
    return code;
}

int tr_topology_cpuid_l3(struct tr_machine *machine, struct hwloc_topology *topology,
                         const struct tr_cpu_maps *maps) {
    const struct tr_cpu_cache *caches = machine->cpu.caches;
    int n_cpus = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PU), code = 0;
    if (shows_caches(topology)) {
        machine->caches_basis = "hwloc";
        return 0;
    }
    if (caches[0].bytes <= 0 && caches[1].bytes <= 0 && caches[2].bytes <= 0)
        return 0;
    machine->caches_basis = "cpuid";
    if (caches[2].bytes <= 0)
        return 0;
    machine->l3_groups = calloc((size_t)n_cpus, sizeof(*machine->l3_groups));
    if (!machine->l3_groups)
        return TR_ENOMEM;
    for (size_t i = 0; i < machine->n_packages && !code; i++)
        code = add_groups(machine, topology, &machine->packages[i], maps);
    return code;
}

/* The sum of the L3 groups with CPUs that may be used. */
static int64_t reachable_l3_bytes(const struct tr_machine *machine) {
    int64_t sum = 0;
    for (size_t i = 0; i < machine->n_l3_groups; i++)
        if (tr_cpulist_intersects(&machine->l3_groups[i].cpus, &machine->allowed_cpus))
            sum += machine->l3_groups[i].l3_bytes;
    return sum;
}

int tr_topology_cpuid_cores(struct tr_machine *machine) {
    const struct tr_cpu_cache *caches = machine->cpu.caches;
    if (!machine->caches_basis || strcmp(machine->caches_basis, "cpuid"))
        return 0;
    /* The leaves are those of one core; of a hybrid part the others have caches of their own. */
    for (size_t i = 0; i < machine->n_cores && !machine->cpu.hybrid; i++) {
        struct tr_core *core = &machine->cores[i];
        core->l1d_bytes = caches[0].bytes > 0 ? caches[0].bytes : -1;
        core->l2_bytes = caches[1].bytes > 0 ? caches[1].bytes : -1;
    }
    int64_t l3_bytes = reachable_l3_bytes(machine);
    bool own_l2 = machine->n_cores && caches[1].threads <= (int)machine->cores[0].cpus.n;
    if (l3_bytes > 0)
        machine->llc_bytes = l3_bytes;
    else if (caches[1].bytes > 0 && own_l2 && !machine->cpu.hybrid)
        machine->llc_bytes = (int64_t)machine->n_cores * caches[1].bytes;
    return tr_machine_note(machine,
                           "The kernel shows no caches (/sys/devices/system/cpu/cpu*/cache): their "
                           "sizes are those that CPUID tells%s.",
                           caches[2].bytes > 0 && caches[2].threads == 0
                               ? ", and which cores share an L3 it does not tell: each package is "
                                 "taken to have one"
                               : "");
}

/* --- what is plausible ----------------------------------------------------------------------- */

/* Where dies have an L3 each, a core reaches that of its own die. */
static double most_l3_mib(const struct tr_platform *row, const struct tr_machine *machine) {
    bool dies = !strncmp(row->name, "AMD ", 4) && row->ccds > 0;
    return dies ? row->l3_mb / row->ccds * (double)machine->n_cores
                : row->l3_mb * (double)machine->n_packages;
}

void tr_topology_llc_most(struct tr_machine *machine) {
    size_t n = 0;
    const struct tr_platform *rows = tr_platforms(&n);
    double most = 0;
    for (size_t i = 0; i < n && machine->cpu.uarch; i++) {
        if (!rows[i].uarch || strcmp(rows[i].uarch, machine->cpu.uarch) != 0)
            continue;
        double mib = most_l3_mib(&rows[i], machine);
        most = mib > most ? mib : most;
    }
    int64_t bytes = (int64_t)(most * (1 << 20));
    if (most > 0 && machine->llc_bytes > bytes)
        machine->llc_most_bytes = bytes;
}
