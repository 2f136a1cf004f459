#include "topology.h"

#include <hwloc.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "parts.h"

/* --- which CPUs ------------------------------------------------------------------------------ */

/* The affinity of this process; NULL where the kernel does not tell. */
static hwloc_bitmap_t own_affinity(void) {
    for (int n = 1024; n <= 1 << 20; n *= 4) {
        cpu_set_t *set = CPU_ALLOC((size_t)n);
        size_t bytes = CPU_ALLOC_SIZE((size_t)n);
        if (!set)
            return NULL;
        if (sched_getaffinity(0, bytes, set) == 0) {
            hwloc_bitmap_t bitmap = hwloc_bitmap_alloc();
            for (int cpu = 0; bitmap && cpu < n; cpu++)
                if (CPU_ISSET_S((size_t)cpu, bytes, set))
                    hwloc_bitmap_set(bitmap, (unsigned)cpu);
            CPU_FREE(set);
            return bitmap;
        }
        CPU_FREE(set);
    }
    return NULL;
}

/* A topology alone tells only that hwloc knew more CPUs than it could use. */
static int note_left_out(struct tr_machine *machine, hwloc_topology_t topology) {
    struct tr_cpulist out = {0};
    hwloc_bitmap_t set = hwloc_bitmap_alloc();
    int code = set ? 0 : TR_ENOMEM;
    if (!code && hwloc_bitmap_andnot(set, hwloc_topology_get_complete_cpuset(topology),
                                     hwloc_topology_get_topology_cpuset(topology)) < 0)
        code = TR_ENOMEM;
    if (!code && hwloc_bitmap_weight(set) >= 0) /* below: without end */
        code = tr_cpulist_from_hwloc(set, &out);
    if (code == TR_EFORMAT) { /* numbers that no CPU has: nothing to tell */
        tr_cpulist_finish(&out);
        out = (struct tr_cpulist){0};
        code = 0;
    }
    char *text = code ? NULL : tr_cpulist_format(&out);
    if (!code && out.n)
        code = tr_machine_note(machine,
                               "CPU%s %s not counted: offline, or kept from the program that "
                               "recorded this topology.",
                               out.n == 1 ? "" : "s", text ? text : "");
    free(text);
    hwloc_bitmap_free(set);
    tr_cpulist_finish(&out);
    return code;
}

/* CPUs that are there and switched off: nobody can use them until they are switched on. */
static int note_offline(struct tr_machine *machine, struct tr_source *source,
                        hwloc_topology_t topology) {
    if (!source->live && !source->root)
        return note_left_out(machine, topology);
    char *line = tr_source_line(source, "/sys/devices/system/cpu/offline");
    char *present_line = tr_source_line(source, "/sys/devices/system/cpu/present");
    struct tr_cpulist off = {0}, present = {0}, both = {0};
    int code = 0;
    if (line && *line && !tr_cpulist_parse(line, &off, NULL) && present_line &&
        !tr_cpulist_parse(present_line, &present, NULL)) {
        /* "offline" also counts CPUs that may be plugged in one day. */
        for (size_t i = 0; !code && i < off.n; i++)
            if (tr_cpulist_has(&present, off.ids[i]))
                code = tr_cpulist_add(&both, off.ids[i]);
        char *text = tr_cpulist_format(&both);
        if (!code && both.n)
            code = tr_machine_note(machine,
                                   "CPU%s %s offline: not counted, not measured. Switch on with: "
                                   "echo 1 | sudo tee /sys/devices/system/cpu/cpu*/online.",
                                   both.n == 1 ? "" : "s", text ? text : "");
        free(text);
    }
    tr_cpulist_finish(&off);
    tr_cpulist_finish(&present);
    tr_cpulist_finish(&both);
    free(line);
    free(present_line);
    return code;
}

static int fill_allowed(struct tr_machine *machine, struct tr_source *source,
                        hwloc_topology_t topology) {
    hwloc_bitmap_t allowed = hwloc_bitmap_dup(hwloc_topology_get_topology_cpuset(topology));
    hwloc_bitmap_t affinity = machine->live ? own_affinity() : NULL;
    int code = TR_ENOMEM;
    if (!allowed)
        goto out;
    if (affinity && hwloc_bitmap_intersects(allowed, affinity))
        hwloc_bitmap_and(allowed, allowed, affinity);
    code = tr_cpulist_from_hwloc(allowed, &machine->allowed_cpus);
    if (code)
        goto out;
    char *online = tr_source_line(source, "/sys/devices/system/cpu/online");
    struct tr_cpulist list = {0};
    machine->n_cpus_online = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PU);
    if (online && tr_cpulist_parse(online, &list, NULL) == 0 && list.n)
        machine->n_cpus_online = (int)list.n;
    tr_cpulist_finish(&list);
    free(online);
    if (machine->live && (size_t)machine->n_cpus_online > machine->allowed_cpus.n) {
        char *text = tr_cpulist_format(&machine->allowed_cpus);
        code = tr_machine_note(machine,
                               "This process may use %zu of %d CPUs (%s): affinity or a cpuset "
                               "keeps it from the others. Start it without taskset, numactl or a "
                               "cpuset to measure the whole machine.",
                               machine->allowed_cpus.n, machine->n_cpus_online, text ? text : "");
        free(text);
    }
out:
    hwloc_bitmap_free(allowed);
    hwloc_bitmap_free(affinity);
    return code;
}

/* --- cores ----------------------------------------------------------------------------------- */

static int64_t cache_bytes(hwloc_obj_t from, hwloc_obj_type_t type) {
    for (hwloc_obj_t object = from; object; object = object->parent)
        if (object->type == type)
            return object->attr->cache.size && object->attr->cache.size <= INT64_MAX
                       ? (int64_t)object->attr->cache.size
                       : -1;
    return -1;
}

static int add_core(struct tr_machine *machine, hwloc_obj_t object,
                    const struct tr_cpu_maps *maps) {
    struct tr_cpulist cpus = {0};
    struct tr_core *core = &machine->cores[machine->n_cores];
    int code = tr_cpulist_from_hwloc(object->cpuset, &cpus);
    for (size_t i = 0; !code && i < cpus.n; i++)
        if (tr_cpulist_has(&machine->allowed_cpus, cpus.ids[i]))
            code = tr_cpulist_add(&core->cpus, cpus.ids[i]);
    tr_cpulist_finish(&cpus);
    if (code || core->cpus.n == 0) {
        tr_cpulist_finish(&core->cpus);
        return code;
    }
    int cpu = core->cpus.ids[0];
    core->index = (int)machine->n_cores++;
    core->package = maps->package[cpu];
    core->node = maps->node[cpu];
    core->l3_group = maps->l3[cpu];
    core->ccd = maps->ccd[cpu];
    core->cluster = -1;
    core->l1d_bytes = cache_bytes(object, HWLOC_OBJ_L1CACHE);
    core->l2_bytes = cache_bytes(object, HWLOC_OBJ_L2CACHE);
    return 0;
}

static int fill_cores(struct tr_machine *machine, hwloc_topology_t topology,
                      const struct tr_cpu_maps *maps) {
    int n = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PU);
    hwloc_obj_t last = NULL;
    int code = 0;
    machine->cores = calloc((size_t)(n > 0 ? n : 1), sizeof(*machine->cores));
    if (!machine->cores)
        return TR_ENOMEM;
    /* By hardware threads, since some virtual machines tell of threads and no cores. */
    for (int i = 0; i < n && !code; i++) {
        hwloc_obj_t pu = hwloc_get_obj_by_type(topology, HWLOC_OBJ_PU, (unsigned)i);
        hwloc_obj_t core = hwloc_get_ancestor_obj_by_type(topology, HWLOC_OBJ_CORE, pu);
        hwloc_obj_t object = core ? core : pu;
        if (object != last)
            code = add_core(machine, object, maps);
        last = object;
    }
    return code;
}

/* --- core kinds ------------------------------------------------------------------------------ */

static const char *kind_by_info(struct hwloc_info_s *infos, unsigned n) {
    for (unsigned i = 0; i < n; i++) {
        if (strcmp(infos[i].name, "CoreType"))
            continue;
        if (!strcmp(infos[i].value, "IntelCore"))
            return "performance";
        if (!strcmp(infos[i].value, "IntelAtom") || !strcmp(infos[i].value, "IntelLowPower"))
            return "efficiency";
    }
    return NULL;
}

static size_t threads_per_core(const struct tr_machine *machine, hwloc_const_bitmap_t set) {
    for (size_t i = 0; i < machine->n_cores; i++)
        if (hwloc_bitmap_isset(set, (unsigned)machine->cores[i].cpus.ids[0]))
            return machine->cores[i].cpus.n;
    return 0;
}

static void set_kind(struct tr_machine *machine, hwloc_const_bitmap_t set, const char *kind) {
    for (size_t i = 0; i < machine->n_cores; i++)
        if (hwloc_bitmap_isset(set, (unsigned)machine->cores[i].cpus.ids[0]))
            machine->cores[i].kind = kind;
}

/* Kinds that hwloc names. Without names two kinds may as well be cores of one sort with different
 * clocks; only where the slower ones have one thread and the faster ones two are they told apart.
 */
static int fill_kinds(struct tr_machine *machine, hwloc_topology_t topology) {
    int n = hwloc_cpukinds_get_nr(topology, 0);
    hwloc_bitmap_t sets[2] = {hwloc_bitmap_alloc(), hwloc_bitmap_alloc()};
    bool named = false;
    int code = sets[0] && sets[1] ? 0 : TR_ENOMEM;
    for (int i = 0; !code && n > 1 && i < n; i++) {
        struct hwloc_info_s *infos = NULL;
        unsigned n_infos = 0;
        int efficiency;
        hwloc_bitmap_t set = sets[i < 2 ? i : 1];
        if (hwloc_cpukinds_get_info(topology, (unsigned)i, set, &efficiency, &n_infos, &infos, 0))
            continue;
        const char *kind = kind_by_info(infos, n_infos);
        named = named || kind;
        if (kind)
            set_kind(machine, set, kind);
    }
    if (!code && !named && n == 2 && threads_per_core(machine, sets[0]) == 1 &&
        threads_per_core(machine, sets[1]) == 2) {
        set_kind(machine, sets[0], "efficiency");
        set_kind(machine, sets[1], "performance");
    }
    hwloc_bitmap_free(sets[0]);
    hwloc_bitmap_free(sets[1]);
    return code;
}

/* --- last-level caches ----------------------------------------------------------------------- */

static hwloc_obj_t last_level_cache(hwloc_obj_t from) {
    hwloc_obj_t last = NULL;
    for (hwloc_obj_t object = from; object; object = object->parent)
        if (object->type >= HWLOC_OBJ_L1CACHE && object->type <= HWLOC_OBJ_L5CACHE)
            last = object;
    return last;
}

/* Each cache once: consecutive threads share it, and caches of one level do not overlap. */
static int fill_llc(struct tr_machine *machine, hwloc_topology_t topology) {
    int n = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PU);
    hwloc_obj_t previous = NULL;
    uint64_t sum = 0;
    bool absurd = false;
    for (int i = 0; i < n; i++) {
        hwloc_obj_t pu = hwloc_get_obj_by_type(topology, HWLOC_OBJ_PU, (unsigned)i);
        if (!tr_cpulist_has(&machine->allowed_cpus, (int)pu->os_index))
            continue;
        hwloc_obj_t cache = last_level_cache(pu);
        bool is_size = cache && cache->attr->cache.size < INT64_MAX / 65536;
        absurd = absurd || (cache && !is_size);
        if (is_size && cache != previous)
            sum += cache->attr->cache.size;
        previous = cache;
    }
    machine->llc_bytes = sum ? (int64_t)sum : -1;
    return absurd ? tr_machine_note(machine, "A last-level cache is told to be larger than any "
                                             "memory: its size counts as unknown.")
                  : 0;
}

int tr_topology_fill_cores(struct tr_machine *machine, struct tr_source *source,
                           hwloc_topology_t topology, const struct tr_cpu_maps *maps) {
    int code = fill_allowed(machine, source, topology);
    if (!code)
        code = note_offline(machine, source, topology);
    if (!code)
        code = fill_cores(machine, topology, maps);
    if (!code)
        code = fill_kinds(machine, topology);
    if (!code)
        code = fill_llc(machine, topology);
    if (!code)
        code = tr_topology_cpuid_cores(machine);
    return code;
}

int tr_topology_doubt(struct tr_machine *machine) {
    const struct tr_environment *environment = &machine->environment;
    if (!environment->virtual_machine || machine->n_packages == 0)
        return 0;
    tr_topology_llc_most(machine);
    int code = 0;
    if (machine->llc_most_bytes > 0)
        code = tr_machine_note(
            machine,
            "The hypervisor shows last-level caches of %.4g MiB, where %zu core%s of any %s that "
            "the catalogue knows reach%s at most %.4g MiB: not trustworthy. Working sets are made "
            "for "
            "%.4g MiB; what there is, the latency by working set tells: tokenroof measure --kernel "
            "latency.",
            (double)machine->llc_bytes / (1 << 20), machine->n_cores,
            machine->n_cores == 1 ? "" : "s", machine->cpu.uarch, machine->n_cores == 1 ? "es" : "",
            (double)machine->llc_most_bytes / (1 << 20),
            (double)machine->llc_most_bytes / (1 << 20));
    if (code)
        return code;
    return tr_machine_note(
        machine,
        "This is a virtual machine%s%s%s: packages, dies, hardware threads, shared caches, NUMA "
        "nodes and memory modules are what the hypervisor shows, and not trustworthy as facts of "
        "the processor below it.%s",
        environment->hypervisor ? " (" : "", environment->hypervisor ? environment->hypervisor : "",
        environment->hypervisor ? ")" : "",
        machine->n_cores > 2 ? " Which cores share a cache, the time of a line from core to core "
                               "tells: tokenroof measure --kernel core_to_core."
                             : "");
}
