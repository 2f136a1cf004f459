/* Groups of cores below an L3 group: those that share a second-level cache, or what the kernel's
 * cluster_cpus_list names. */
#include <hwloc.h>
#include <stdlib.h>
#include <string.h>

#include "topology.h"

/* The nearest object around a hardware thread that is such a group by its kind; NULL if none. */
static hwloc_obj_t group_around(hwloc_obj_t pu) {
    for (hwloc_obj_t object = pu->parent; object; object = object->parent) {
        bool cluster = object->type == HWLOC_OBJ_GROUP && object->subtype &&
                       !strcmp(object->subtype, "Cluster");
        if (object->type == HWLOC_OBJ_L2CACHE || cluster)
            return object;
        if (object->type == HWLOC_OBJ_L3CACHE || object->type == HWLOC_OBJ_PACKAGE)
            return NULL;
    }
    return NULL;
}

/* More than one core, fewer than all of the package. */
static bool is_between(hwloc_topology_t topology, hwloc_obj_t object) {
    hwloc_obj_t package = hwloc_get_ancestor_obj_by_type(topology, HWLOC_OBJ_PACKAGE, object);
    hwloc_obj_t all = package ? package : hwloc_get_root_obj(topology);
    int cores = hwloc_get_nbobjs_inside_cpuset_by_type(topology, object->cpuset, HWLOC_OBJ_CORE);
    return cores > 1 && !hwloc_bitmap_isequal(object->cpuset, all->cpuset);
}

static int add_cluster(struct tr_machine *machine, hwloc_obj_t object) {
    struct tr_cluster *cluster = &machine->clusters[machine->n_clusters];
    uint64_t bytes = object->type == HWLOC_OBJ_L2CACHE ? object->attr->cache.size : 0;
    *cluster = (struct tr_cluster){
        .index = (int)machine->n_clusters++,
        .package = -1,
        .node = -1,
        .l2_bytes = bytes && bytes <= INT64_MAX ? (int64_t)bytes : -1,
    };
    return tr_cpulist_from_hwloc(object->cpuset, &cluster->cpus);
}

/* Cores of which this process may use no thread are in no list, clusters of them neither. */
static void join_cores(struct tr_machine *machine, struct tr_cluster *cluster) {
    bool first = true;
    for (size_t i = 0; i < machine->n_cores; i++) {
        struct tr_core *core = &machine->cores[i];
        if (!tr_cpulist_has(&cluster->cpus, core->cpus.ids[0]))
            continue;
        core->cluster = cluster->index;
        cluster->package = first || cluster->package == core->package ? core->package : -1;
        cluster->node = first || cluster->node == core->node ? core->node : -1;
        first = false;
    }
}

int tr_topology_fill_clusters(struct tr_machine *machine, hwloc_topology_t topology) {
    int n = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PU), code = 0;
    hwloc_obj_t last = NULL;
    machine->clusters = calloc(n > 0 ? (size_t)n : 1, sizeof(*machine->clusters));
    if (!machine->clusters)
        return TR_ENOMEM;
    for (int i = 0; i < n && !code; i++) {
        hwloc_obj_t pu = hwloc_get_obj_by_type(topology, HWLOC_OBJ_PU, (unsigned)i);
        hwloc_obj_t object = group_around(pu);
        if (!object || object == last || !is_between(topology, object) ||
            !tr_cpulist_has(&machine->allowed_cpus, (int)pu->os_index))
            continue;
        last = object;
        code = add_cluster(machine, object);
        if (!code)
            join_cores(machine, &machine->clusters[machine->n_clusters - 1]);
    }
    return code;
}
