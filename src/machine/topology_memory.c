/* What the memory of a node is, where hwloc does not name it. */
#include <hwloc.h>
#include <stdlib.h>
#include <string.h>

#include "parts.h"
#include "strbuf.h"
#include "topology.h"

/* Factor by which memory beside ordinary one must be faster, by the firmware's own table, to be
 * high-bandwidth memory. DDR5 and HBM2e of one processor differ by a factor of 3. */
static const double HBM_FACTOR = 1.5;

static int set_kind(struct tr_numa_node *node, const char *kind) {
    node->kind = strdup(kind);
    return node->kind ? 0 : TR_ENOMEM;
}

/* --- CXL, by the kernel's driver ------------------------------------------------------------- */

/* Each CXL region that is used as memory is a dax device which names its node. Memory that the
 * firmware itself set up looks like any other. */
static int mark_region(struct tr_machine *machine, struct tr_source *source, const char *region) {
    int code = 0;
    char *folder = tr_format("/sys/bus/cxl/devices/%s/dax_%s", region, region);
    char **names = folder ? tr_source_list(source, folder) : NULL;
    for (size_t i = 0; names && names[i] && !code; i++) {
        char *path = tr_format("%s/%s/target_node", folder, names[i]);
        int64_t index = path ? tr_source_number(source, path) : -1;
        for (size_t k = 0; k < machine->n_nodes && !code; k++)
            if (index >= 0 && machine->nodes[k].index == index && !machine->nodes[k].kind)
                code = set_kind(&machine->nodes[k], "CXL");
        free(path);
    }
    tr_source_list_free(names);
    free(folder);
    return code;
}

static int mark_cxl(struct tr_machine *machine, struct tr_source *source) {
    int code = 0;
    char **names = tr_source_list(source, "/sys/bus/cxl/devices");
    for (size_t i = 0; names && names[i] && !code; i++)
        if (!strncmp(names[i], "region", strlen("region")))
            code = mark_region(machine, source, names[i]);
    tr_source_list_free(names);
    return code;
}

/* --- high-bandwidth memory, by the firmware's table (HMAT) ----------------------------------- */

/* MB/s between a node and CPUs; 0 unknown. */
static double told_bandwidth(hwloc_topology_t topology, hwloc_obj_t node, hwloc_cpuset_t cpus) {
    hwloc_uint64_t value = 0;
    struct hwloc_location from = {.type = HWLOC_LOCATION_TYPE_CPUSET, .location.cpuset = cpus};
    if (hwloc_memattr_get_value(topology, HWLOC_MEMATTR_ID_BANDWIDTH, node, &from, 0, &value))
        return 0;
    return (double)value;
}

/* Highest bandwidth of a node with CPUs that are near to `node` too. */
static double neighbour_bandwidth(const struct tr_machine *machine, hwloc_topology_t topology,
                                  hwloc_obj_t node) {
    double highest = 0;
    for (size_t i = 0; i < machine->n_nodes; i++) {
        hwloc_obj_t other =
            hwloc_get_numanode_obj_by_os_index(topology, (unsigned)machine->nodes[i].index);
        if (!other || machine->nodes[i].cpus.n == 0 ||
            !hwloc_bitmap_intersects(other->cpuset, node->cpuset))
            continue;
        double bandwidth = told_bandwidth(topology, other, other->cpuset);
        highest = bandwidth > highest ? bandwidth : highest;
    }
    return highest;
}

static int mark_hbm(struct tr_machine *machine, hwloc_topology_t topology) {
    int code = 0;
    for (size_t i = 0; i < machine->n_nodes && !code; i++) {
        struct tr_numa_node *node = &machine->nodes[i];
        hwloc_obj_t object = hwloc_get_numanode_obj_by_os_index(topology, (unsigned)node->index);
        if (!object || node->kind || node->cpus.n)
            continue;
        double other = neighbour_bandwidth(machine, topology, object);
        if (other > 0 && told_bandwidth(topology, object, object->cpuset) > HBM_FACTOR * other)
            code = set_kind(node, "HBM");
    }
    return code;
}

/* --- memory that came later ------------------------------------------------------------------ */

/* Less than this of what the kernel manages is a difference that needs a word. */
static const double TOLD_SHARE = 0.95;

/* Kernels that take over memory step by step (of virtual machines, as it is accepted or plugged in)
 * count it in MemTotal at once, and in its node later. */
int tr_topology_late_memory(struct tr_machine *machine, struct tr_source *source) {
    int64_t told = 0, total = machine->os.memory_bytes;
    for (size_t i = 0; i < machine->n_nodes; i++)
        if (machine->nodes[i].memory_bytes > 0)
            told += machine->nodes[i].memory_bytes;
    if (told <= 0 || total <= told)
        return 0;
    /* A cpuset may leave one node of several in sight: the kernel's own list counts. */
    char *online = tr_source_line(source, "/sys/devices/system/node/online");
    bool one = online && machine->n_nodes == 1 && !strpbrk(online, "-,");
    bool hidden = online && machine->n_nodes == 1 && !one;
    free(online);
    if (one)
        machine->nodes[0].memory_bytes = total;
    if (one || hidden || (double)told >= TOLD_SHARE * (double)total)
        return 0;
    return tr_machine_note(
        machine,
        "The NUMA nodes that are seen tell %.4g GiB, the kernel manages %.4g GiB: what "
        "was added or accepted since it started is in no node's total yet.",
        (double)told / (1 << 30), (double)total / (1 << 30));
}

/* --- caches on the memory's side -------------------------------------------------------------- */

/* HBM or MCDRAM as cache: what is read again comes from there, not from the modules. */
static int note_memory_side_caches(struct tr_machine *machine, hwloc_topology_t topology) {
    struct tr_cpulist nodes = {0};
    uint64_t least = UINT64_MAX, most = 0;
    int code = 0;
    for (hwloc_obj_t cache = NULL; !code && (cache = hwloc_get_next_obj_by_type(
                                                 topology, HWLOC_OBJ_MEMCACHE, cache)) != NULL;) {
        if (!cache->attr->cache.size || cache->attr->cache.size > INT64_MAX)
            continue;
        least = cache->attr->cache.size < least ? cache->attr->cache.size : least;
        most = cache->attr->cache.size > most ? cache->attr->cache.size : most;
        code = tr_cpulist_from_hwloc(cache->nodeset, &nodes);
    }
    char *text = code ? NULL : tr_cpulist_format(&nodes);
    char *size = least == most ? tr_format("%.4g GiB", (double)most / (1 << 30))
                               : tr_format("%.4g to %.4g GiB", (double)least / (1 << 30),
                                           (double)most / (1 << 30));
    if (!code && nodes.n)
        code = tr_machine_note(machine,
                               "Node%s %s: the memory is behind a memory-side cache of %s%s. Rates "
                               "of working sets up to that size are that cache's.",
                               nodes.n == 1 ? "" : "s", text ? text : "", size ? size : "",
                               nodes.n == 1 ? "" : " each");
    free(size);
    free(text);
    tr_cpulist_finish(&nodes);
    return code;
}

int tr_topology_fill_memory_kinds(struct tr_machine *machine, struct tr_source *source,
                                  hwloc_topology_t topology) {
    int code = mark_cxl(machine, source);
    if (!code)
        code = mark_hbm(machine, topology);
    return code ? code : note_memory_side_caches(machine, topology);
}
