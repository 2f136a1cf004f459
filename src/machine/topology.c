#include "topology.h"

#include <hwloc.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "parts.h"
#include "strbuf.h"

static int *new_map(size_t n) {
    int *map = malloc((n ? n : 1) * sizeof(*map));
    for (size_t i = 0; map && i < n; i++)
        map[i] = -1;
    return map;
}

static void set_map(int *map, const struct tr_cpulist *cpus, int value) {
    for (size_t i = 0; i < cpus->n; i++)
        map[cpus->ids[i]] = value;
}

/* The value that all CPUs share, else -1: an L3 that spans two nodes belongs to none. */
static int only_in_map(const int *map, const struct tr_cpulist *cpus) {
    for (size_t i = 1; i < cpus->n; i++)
        if (map[cpus->ids[i]] != map[cpus->ids[0]])
            return -1;
    return cpus->n ? map[cpus->ids[0]] : -1;
}

int tr_cpulist_from_hwloc(const struct hwloc_bitmap_s *set, struct tr_cpulist *list) {
    int id;
    for (id = hwloc_bitmap_first(set); id >= 0; id = hwloc_bitmap_next(set, id)) {
        if (id > TR_CPULIST_MAX_ID)
            return TR_EFORMAT;
        int code = tr_cpulist_add(list, id);
        if (code)
            return code;
    }
    return 0;
}

/* --- packages and nodes ---------------------------------------------------------------------- */

static int fill_packages(struct tr_machine *machine, hwloc_topology_t topology,
                         struct tr_cpu_maps *maps) {
    int n = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PACKAGE);
    bool none = n <= 0; /* some virtual machines tell no package: then the machine is one */
    n = none ? 1 : n;
    machine->packages = calloc((size_t)n, sizeof(*machine->packages));
    if (!machine->packages)
        return TR_ENOMEM;
    for (int i = 0; i < n; i++) {
        hwloc_obj_t object = none ? hwloc_get_root_obj(topology)
                                  : hwloc_get_obj_by_type(topology, HWLOC_OBJ_PACKAGE, (unsigned)i);
        struct tr_package *package = &machine->packages[i];
        package->index = i;
        machine->n_packages++;
        int code = tr_cpulist_from_hwloc(object->cpuset, &package->cpus);
        if (code)
            return code;
        set_map(maps->package, &package->cpus, i);
    }
    return 0;
}

static const char *memory_kind(const char *subtype) {
    if (!subtype)
        return NULL;
    if (strstr(subtype, "HBM") || !strcmp(subtype, "MCDRAM"))
        return "HBM";
    if (strstr(subtype, "CXL"))
        return "CXL";
    return subtype;
}

/* Where in machine->nodes the operating system's node is; -1 = nowhere. */
static int node_position(const struct tr_machine *machine, unsigned os_index) {
    for (size_t i = 0; i < machine->n_nodes; i++)
        if ((unsigned)machine->nodes[i].index == os_index)
            return (int)i;
    return -1;
}

/* hwloc gives a node without CPUs the CPUs that are near to it. A CPU belongs to one node only: the
 * one with the fewest CPUs that has it, ordinary memory first. */
static hwloc_obj_t home_node(hwloc_topology_t topology, unsigned cpu) {
    hwloc_obj_t best = NULL, node = NULL;
    while ((node = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_NUMANODE, node)) != NULL) {
        if (!hwloc_bitmap_isset(node->cpuset, cpu))
            continue;
        int size = hwloc_bitmap_weight(node->cpuset);
        int best_size = best ? hwloc_bitmap_weight(best->cpuset) : 0;
        bool ordinary = !node->subtype || !strcmp(node->subtype, "DRAM");
        bool best_ordinary = best && (!best->subtype || !strcmp(best->subtype, "DRAM"));
        if (!best || size < best_size || (size == best_size && ordinary && !best_ordinary))
            best = node;
    }
    return best;
}

static int fill_node_cpus(struct tr_machine *machine, struct tr_source *source,
                          hwloc_topology_t topology, struct tr_cpu_maps *maps) {
    struct tr_cpulist all = {0};
    int code = tr_cpulist_from_hwloc(hwloc_topology_get_topology_cpuset(topology), &all);
    for (size_t i = 0; !code && i < all.n; i++) {
        hwloc_obj_t home = home_node(topology, (unsigned)all.ids[i]);
        if (home)
            maps->node[all.ids[i]] = node_position(machine, home->os_index);
    }
    /* The kernel knows exactly, where it can be asked. */
    for (size_t i = 0; !code && !source->hwloc_xml && i < machine->n_nodes; i++) {
        struct tr_cpulist list = {0};
        char *path = tr_format("/sys/devices/system/node/node%d/cpulist", machine->nodes[i].index);
        char *text = path ? tr_source_line(source, path) : NULL;
        if (text && tr_cpulist_parse(text, &list, NULL) == 0)
            for (size_t k = 0; k < list.n; k++)
                if (tr_cpulist_has(&all, list.ids[k]))
                    maps->node[list.ids[k]] = (int)i;
        tr_cpulist_finish(&list);
        free(text);
        free(path);
    }
    for (size_t i = 0; !code && i < all.n; i++) {
        int node = maps->node[all.ids[i]];
        if (node >= 0)
            code = tr_cpulist_add(&machine->nodes[node].cpus, all.ids[i]);
    }
    tr_cpulist_finish(&all);
    return code;
}

static int fill_distances(struct tr_machine *machine, hwloc_topology_t topology) {
    struct hwloc_distances_s *found = NULL;
    unsigned n_found = 1;
    size_t n = machine->n_nodes;
    if (hwloc_distances_get_by_name(topology, "NUMALatency", &n_found, &found, 0) || !n_found)
        return 0;
    int code = 0;
    for (size_t i = 0; found->nbobjs == n && i < n && !code; i++) {
        int from = found->objs[i] ? node_position(machine, found->objs[i]->os_index) : -1;
        if (from < 0 || machine->nodes[from].distances)
            break;
        double *row = malloc(n * sizeof(*row));
        if (!row) {
            code = TR_ENOMEM;
            break;
        }
        for (size_t k = 0; k < n; k++)
            row[k] = NAN;
        for (size_t k = 0; k < n; k++) {
            int to = found->objs[k] ? node_position(machine, found->objs[k]->os_index) : -1;
            if (to >= 0)
                row[to] = (double)found->values[i * n + k];
        }
        machine->nodes[from].distances = row;
    }
    hwloc_distances_release(topology, found);
    return code;
}

static int by_number(const void *a, const void *b) {
    const struct tr_numa_node *x = a, *y = b;
    return (x->index > y->index) - (x->index < y->index);
}

static int fill_nodes(struct tr_machine *machine, struct tr_source *source,
                      hwloc_topology_t topology, struct tr_cpu_maps *maps) {
    int n = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_NUMANODE);
    if (n <= 0)
        return 0;
    machine->nodes = calloc((size_t)n, sizeof(*machine->nodes));
    if (!machine->nodes)
        return TR_ENOMEM;
    for (int i = 0; i < n; i++) {
        hwloc_obj_t object = hwloc_get_obj_by_type(topology, HWLOC_OBJ_NUMANODE, (unsigned)i);
        struct tr_numa_node *node = &machine->nodes[i];
        machine->n_nodes++;
        node->index = (int)object->os_index;
        uint64_t bytes = object->attr->numanode.local_memory;
        node->memory_bytes = bytes && bytes <= INT64_MAX ? (int64_t)bytes : -1;
        const char *kind = memory_kind(object->subtype);
        if (kind && !(node->kind = strdup(kind)))
            return TR_ENOMEM;
    }
    /* hwloc's order puts memory-only nodes between the others, by what they are near to. */
    qsort(machine->nodes, machine->n_nodes, sizeof(*machine->nodes), by_number);
    int code = fill_node_cpus(machine, source, topology, maps);
    if (!code)
        code = fill_distances(machine, topology);
    if (!code)
        code = tr_topology_fill_memory_kinds(machine, source, topology);
    /* From here on a node is told by the operating system's number. */
    for (size_t i = 0; !code && i < machine->n_nodes; i++)
        set_map(maps->node, &machine->nodes[i].cpus, machine->nodes[i].index);
    return code;
}

/* --- L3 groups and CCDs ---------------------------------------------------------------------- */

static int fill_l3_groups(struct tr_machine *machine, hwloc_topology_t topology,
                          struct tr_cpu_maps *maps) {
    int n = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_L3CACHE);
    if (n <= 0)
        return 0;
    machine->l3_groups = calloc((size_t)n, sizeof(*machine->l3_groups));
    if (!machine->l3_groups)
        return TR_ENOMEM;
    for (int i = 0; i < n; i++) {
        hwloc_obj_t object = hwloc_get_obj_by_type(topology, HWLOC_OBJ_L3CACHE, (unsigned)i);
        struct tr_l3_group *group = &machine->l3_groups[i];
        machine->n_l3_groups++;
        group->index = i;
        group->l3_bytes = object->attr->cache.size && object->attr->cache.size <= INT64_MAX
                              ? (int64_t)object->attr->cache.size
                              : -1;
        int code = tr_cpulist_from_hwloc(object->cpuset, &group->cpus);
        if (code)
            return code;
        group->package = only_in_map(maps->package, &group->cpus);
        group->node = only_in_map(maps->node, &group->cpus);
        set_map(maps->l3, &group->cpus, i);
    }
    return 0;
}

/* L3 groups on one core die. Zen 2 and Zen 4c put two on a die; the catalogue's number of dies
 * decides where it has one. In a virtual machine the sharing of L3 is what the host made up. */
static size_t l3_groups_per_ccd(const struct tr_machine *machine, size_t n_in_package) {
    const char *uarch = machine->cpu.uarch;
    int ccds = machine->platform ? machine->platform->ccds : -1;
    for (size_t i = 0; i < machine->cpu.n_isa; i++)
        if (!strcmp(machine->cpu.isa[i], "hypervisor"))
            return 1;
    if (ccds > 0)
        return n_in_package % (size_t)ccds == 0 ? n_in_package / (size_t)ccds : 1;
    if (uarch && (!strcmp(uarch, "zen2") || !strcmp(uarch, "zen4c")) && n_in_package % 2 == 0)
        return 2;
    return 1;
}

/* A new CCD at the end of the array, which has room. */
static struct tr_ccd *new_ccd(struct tr_machine *machine, int package, size_t room_for_groups) {
    struct tr_ccd *ccd = &machine->ccds[machine->n_ccds];
    ccd->index = (int)machine->n_ccds++;
    ccd->package = package;
    ccd->l3_groups = calloc(room_for_groups + 1, sizeof(*ccd->l3_groups));
    return ccd->l3_groups ? ccd : NULL;
}

static int add_cpus(struct tr_cpulist *to, const struct tr_cpulist *from) {
    int code = 0;
    for (size_t i = 0; !code && i < from->n; i++)
        code = tr_cpulist_add(to, from->ids[i]);
    return code;
}

static int fill_package_ccds(struct tr_machine *machine, const struct tr_package *package) {
    size_t n = 0, seen = 0;
    for (size_t i = 0; i < machine->n_l3_groups; i++)
        n += machine->l3_groups[i].package == package->index;
    struct tr_ccd *ccd = NULL;
    if (n == 0) {
        ccd = new_ccd(machine, package->index, 0);
        return ccd ? add_cpus(&ccd->cpus, &package->cpus) : TR_ENOMEM;
    }
    size_t per_ccd = l3_groups_per_ccd(machine, n);
    for (size_t i = 0; i < machine->n_l3_groups; i++) {
        const struct tr_l3_group *group = &machine->l3_groups[i];
        if (group->package != package->index)
            continue;
        if (seen++ % per_ccd == 0 && !(ccd = new_ccd(machine, package->index, per_ccd)))
            return TR_ENOMEM;
        ccd->l3_groups[ccd->n_l3_groups++] = group->index;
        int code = add_cpus(&ccd->cpus, &group->cpus);
        if (code)
            return code;
    }
    return 0;
}

static int fill_ccds(struct tr_machine *machine, struct tr_cpu_maps *maps) {
    size_t room = machine->n_l3_groups + machine->n_packages;
    machine->ccds = calloc(room, sizeof(*machine->ccds));
    if (!machine->ccds)
        return TR_ENOMEM;
    for (size_t i = 0; i < machine->n_packages; i++) {
        int code = fill_package_ccds(machine, &machine->packages[i]);
        if (code)
            return code;
    }
    for (size_t i = 0; i < machine->n_ccds; i++) {
        machine->ccds[i].node = only_in_map(maps->node, &machine->ccds[i].cpus);
        set_map(maps->ccd, &machine->ccds[i].cpus, machine->ccds[i].index);
    }
    return 0;
}

/* --- all together ---------------------------------------------------------------------------- */

static int fill_all(struct tr_machine *machine, struct tr_source *source, hwloc_topology_t topology,
                    struct tr_cpu_maps *maps) {
    int code = fill_packages(machine, topology, maps);
    if (!code)
        code = fill_nodes(machine, source, topology, maps);
    if (!code)
        code = fill_l3_groups(machine, topology, maps);
    if (!code)
        code = tr_topology_cpuid_l3(machine, topology, maps);
    if (!code)
        code = fill_ccds(machine, maps);
    if (!code)
        code = tr_topology_fill_cores(machine, source, topology, maps);
    if (!code)
        code = tr_topology_fill_clusters(machine, topology);
    return code;
}

int tr_topology_fill(struct tr_machine *machine, struct tr_source *source, struct tr_err *reterr) {
    hwloc_topology_t topology = machine->private_data->topology;
    struct tr_cpu_maps maps = {0};
    machine->n_cpus_online = -1;
    machine->llc_bytes = -1;
    if (!topology)
        return tr_machine_note(machine, "Packages, cores and caches are unknown: the recording has "
                                        "no topology. Add topology.xml (lstopo topology.xml).");
    int last = hwloc_bitmap_last(hwloc_topology_get_topology_cpuset(topology));
    if (last < 0 || last > TR_CPULIST_MAX_ID)
        return tr_err_set(reterr, TR_EFORMAT,
                          "%s: the topology has CPU numbers beyond %d, or no CPU at all",
                          machine->source ? machine->source : "this machine", TR_CPULIST_MAX_ID);
    maps.n = (size_t)last + 1;
    maps.package = new_map(maps.n);
    maps.node = new_map(maps.n);
    maps.l3 = new_map(maps.n);
    maps.ccd = new_map(maps.n);
    int code = TR_ENOMEM;
    if (maps.package && maps.node && maps.l3 && maps.ccd)
        code = fill_all(machine, source, topology, &maps);
    free(maps.package);
    free(maps.node);
    free(maps.l3);
    free(maps.ccd);
    return code;
}
