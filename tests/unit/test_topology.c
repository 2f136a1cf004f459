#include <fcntl.h>
#include <hwloc.h>
#include <jansson.h>
#include <sched.h>
#include <sys/stat.h>

#include "file.h"
#include "machines.h"
#include "topology.h"

/* --- counts ---------------------------------------------------------------------------------- */

static void synthetic_counts(void **state) {
    (void)state;
    struct tr_machine *machine = machine_from(
        "synthetic:pack:2 numa:2 l3:3(size=33554432) l2:4(size=1048576) l1d:1(size=32768) core:1 "
        "pu:2",
        NULL);
    assert_int_equal(machine->n_packages, 2);
    assert_int_equal(machine->n_nodes, 4);
    assert_int_equal(machine->n_l3_groups, 12);
    assert_int_equal(machine->n_ccds, 12);
    assert_int_equal(machine->n_cores, 48);
    assert_int_equal(machine->allowed_cpus.n, 96);
    assert_int_equal(machine->n_cpus_online, 96);
    assert_int_equal(machine->llc_bytes, 12 * 33554432LL);
    assert_false(machine->live);
    /* The 30th core, with the second thread of its pair. */
    const struct tr_core *core = &machine->cores[29];
    assert_int_equal(core->index, 29);
    assert_int_equal(core->package, 1);
    assert_int_equal(core->node, 2);
    assert_int_equal(core->l3_group, 7);
    assert_int_equal(core->ccd, 7);
    assert_int_equal(core->cpus.n, 2);
    assert_int_equal(core->cpus.ids[0], 58);
    assert_int_equal(core->l1d_bytes, 32768);
    assert_int_equal(core->l2_bytes, 1048576);
    assert_null(core->kind);
    assert_int_equal(machine->ccds[7].package, 1);
    assert_int_equal(machine->ccds[7].node, 2);
    assert_int_equal(machine->ccds[7].cpus.n, 8);
    assert_int_equal(machine->ccds[7].n_l3_groups, 1);
    assert_int_equal(machine->l3_groups[7].l3_bytes, 33554432);
    tr_machine_destroy(machine);
}

static void large(void **state) {
    (void)state;
    struct tr_machine *machine = machine_from("synthetic:pack:16 numa:4 l3:2 core:4 pu:2", NULL);
    assert_int_equal(machine->allowed_cpus.n, 1024);
    assert_int_equal(machine->n_nodes, 64);
    assert_int_equal(machine->n_ccds, 128);
    assert_int_equal(machine->cores[511].node, 63);
    tr_machine_destroy(machine);
}

static void without_l3_a_ccd_is_a_package(void **state) {
    (void)state;
    struct tr_machine *machine =
        machine_from("synthetic:pack:2 l2:2(size=2097152) core:2 pu:1", NULL);
    assert_int_equal(machine->n_l3_groups, 0);
    assert_int_equal(machine->n_ccds, 2);
    assert_int_equal(machine->ccds[1].n_l3_groups, 0);
    assert_int_equal(machine->cores[5].l3_group, -1);
    assert_int_equal(machine->cores[5].ccd, 1);
    assert_int_equal(machine->llc_bytes, 4 * 2097152);
    tr_machine_destroy(machine);
}

static void l3_over_two_nodes_belongs_to_none(void **state) {
    (void)state;
    struct tr_machine *machine = machine_from("synthetic:pack:1 l3:1 numa:2 core:4 pu:1", NULL);
    assert_int_equal(machine->n_nodes, 2);
    assert_int_equal(machine->l3_groups[0].node, -1);
    assert_int_equal(machine->ccds[0].node, -1);
    assert_int_equal(machine->cores[7].node, 1);
    tr_machine_destroy(machine);
}

static void memory_only_nodes(void **state) {
    (void)state;
    struct tr_machine *machine = machine_from(
        "synthetic:pack:2 [numa(memory=8589934592)] [numa(memory=4294967296)] core:2 pu:1", NULL);
    size_t with = 0, without = 0, cpus = 0;
    assert_int_equal(machine->n_nodes, 4);
    for (size_t i = 0; i < machine->n_nodes; i++) {
        with += machine->nodes[i].cpus.n > 0;
        without += machine->nodes[i].cpus.n == 0;
        cpus += machine->nodes[i].cpus.n;
        assert_true(machine->nodes[i].memory_bytes == 8589934592 ||
                    machine->nodes[i].memory_bytes == 4294967296);
    }
    assert_int_equal(with, 2);
    assert_int_equal(without, 2);
    assert_int_equal(cpus, 4); /* each CPU once */
    tr_machine_destroy(machine);
}

/* A node that spans two others holds memory for both, but no CPU is at home in it. */
static void wide_node(void **state) {
    (void)state;
    struct tr_machine *machine =
        machine_from("synthetic:pack:1 [numa] die:2 [numa] core:2 pu:1", NULL);
    assert_int_equal(machine->n_nodes, 3);
    for (size_t i = 0; i < machine->n_nodes; i++)
        assert_true(machine->nodes[i].cpus.n == 0 || machine->nodes[i].cpus.n == 2);
    assert_int_not_equal(machine->cores[0].node, machine->cores[3].node);
    tr_machine_destroy(machine);
}

/* --- recordings ------------------------------------------------------------------------------ */

static void two_l3_groups_on_a_die(void **state) {
    (void)state;
    struct tr_machine *machine = machine_from_data("topology/zen4c-two-groups-per-die.xml");
    assert_string_equal(machine->cpu.vendor, "AMD");
    assert_string_equal(machine->cpu.uarch, "zen4c");
    assert_null(machine->platform);
    assert_int_equal(machine->n_l3_groups, 4);
    assert_int_equal(machine->n_ccds, 2);
    assert_int_equal(machine->ccds[1].n_l3_groups, 2);
    assert_int_equal(machine->ccds[1].l3_groups[0], 2);
    assert_int_equal(machine->ccds[1].l3_groups[1], 3);
    assert_int_equal(machine->ccds[1].cpus.n, 4);
    assert_int_equal(machine->cores[7].ccd, 1);
    assert_int_equal(machine->cores[7].l3_group, 3);
    assert_string_equal(machine->settings.nps, "NPS1");
    tr_machine_destroy(machine);
}

static void hybrid_kinds(void **state) {
    (void)state;
    struct tr_machine *machine = machine_from_data("topology/hybrid.xml");
    static const char *const kinds[] = {"performance", "performance", "efficiency", "efficiency"};
    assert_int_equal(machine->n_cores, 4);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(machine->cores[i].kind, kinds[i]);
    assert_string_equal(machine->cpu.uarch, "raptor_cove");
    assert_string_equal(machine->cpu.uarch_efficiency, "gracemont");
    assert_string_equal(machine->platform->name, "Intel Core i5-1335U");
    assert_null(machine->settings.nps); /* nothing to divide */
    tr_machine_destroy(machine);
}

static int64_t expected(const json_t *row, const char *name) {
    return json_integer_value(json_object_get(row, name));
}

static void recorded_machines(void **state) {
    (void)state;
    char *list = recorded_data("topology/expected.json");
    if (!list)
        skip();
    json_t *rows = json_load_file(list, 0, NULL);
    size_t i;
    json_t *row;
    assert_non_null(rows);
    assert_true(json_array_size(rows) > 0);
    json_array_foreach(rows, i, row) {
        char *name = NULL;
        assert_true(
            asprintf(&name, "topology/%s", json_string_value(json_object_get(row, "file"))) > 0);
        char *path = recorded_data(name);
        assert_non_null(path);
        struct tr_machine *machine = machine_from(path, NULL);
        assert_int_equal(machine->n_packages, expected(row, "packages"));
        assert_int_equal(machine->n_nodes, expected(row, "numa_nodes"));
        assert_int_equal(machine->n_l3_groups, expected(row, "l3_groups"));
        assert_int_equal(machine->n_cores, expected(row, "cores"));
        assert_int_equal(machine->allowed_cpus.n, expected(row, "pus"));
        tr_machine_destroy(machine);
        free(path);
        free(name);
    }
    json_decref(rows);
    free(list);
}

/* Modules of four efficiency cores, and of two cores of a Bulldozer, share a second-level cache. */
static void clusters_of_recorded_machines(void **state) {
    (void)state;
    char *path = recorded_data("topology/Intel-RaptorLake-Corei7-1370P.xml");
    if (!path)
        skip();
    struct tr_machine *machine = machine_from(path, NULL);
    free(path);
    assert_int_equal(machine->n_clusters, 2);
    assert_int_equal(machine->clusters[1].cpus.n, 4);
    assert_int_equal(machine->clusters[1].cpus.ids[0], 16);
    assert_int_equal(machine->clusters[1].l2_bytes, 2097152);
    assert_int_equal(machine->clusters[1].package, 0);
    assert_int_equal(machine->cores[5].cluster, -1);
    assert_int_equal(machine->cores[6].cluster, 0);
    assert_int_equal(machine->cores[13].cluster, 1);
    tr_machine_destroy(machine);
    path = recorded_data("topology/64amd64-4s2n4ca2co.xml");
    machine = machine_from(path, NULL);
    free(path);
    assert_int_equal(machine->n_clusters, 32);
    assert_int_equal(machine->clusters[31].cpus.n, 2);
    assert_int_equal(machine->clusters[31].package, 3);
    assert_int_equal(machine->clusters[31].node, 7);
    tr_machine_destroy(machine);
}

/* --- recorded sysfs and XML ------------------------------------------------------------------ */

/* A recording of one's own making under /tmp: five-nodes.xml with `from` replaced by `to`. */
static char *make_recording(const char *from, const char *to) {
    char *folder = strdup("/tmp/tokenroof-test-XXXXXX"), *path = NULL, *text = NULL;
    size_t length = 0;
    assert_non_null(mkdtemp(folder));
    char *original = test_data("topology/five-nodes.xml");
    assert_int_equal(tr_file_read(original, 1 << 20, &text, &length, NULL), 0);
    assert_true(asprintf(&path, "%s/topology.xml", folder) > 0);
    char *at = from ? strstr(text, from) : text + length;
    assert_non_null(at);
    char *changed = NULL;
    assert_true(asprintf(&changed, "%.*s%s%s", (int)(at - text), text, to,
                         at + (from ? strlen(from) : 0)) > 0);
    assert_int_equal(tr_file_write(path, changed, strlen(changed), false, NULL), 0);
    free(original);
    free(changed);
    free(text);
    free(path);
    return folder;
}

static void add_file(const char *recording, const char *machine_path, const char *text) {
    char *path = NULL;
    assert_true(asprintf(&path, "%s/files%s", recording, machine_path) > 0);
    char *slash = strrchr(path, '/');
    *slash = '\0';
    assert_int_equal(tr_make_folders(path, NULL), 0);
    *slash = '/';
    assert_int_equal(tr_file_write(path, text, strlen(text), true, NULL), 0);
    free(path);
}

static void remove_recording(char *folder) {
    char *command = NULL;
    assert_true(asprintf(&command, "rm -r '%s'", folder) > 0);
    assert_int_equal(system(command), 0);
    free(command);
    free(folder);
}

static bool has_note(const struct tr_machine *machine, const char *part) {
    for (size_t i = 0; i < machine->n_notes; i++)
        if (strstr(machine->notes[i], part))
            return true;
    return false;
}

/* hwloc puts the memory-only node 4 behind node 0, which it is near to. */
static void nodes_stand_by_their_numbers(void **state) {
    (void)state;
    static const double distances[5][5] = {{10, 11, 32, 32, 17},
                                           {11, 10, 32, 32, 17},
                                           {32, 32, 10, 11, 28},
                                           {32, 32, 11, 10, 28},
                                           {17, 17, 28, 28, 10}};
    struct tr_machine *machine = machine_from_data("topology/five-nodes.xml");
    assert_int_equal(machine->n_nodes, 5);
    for (int i = 0; i < 5; i++) {
        const struct tr_numa_node *node = &machine->nodes[i];
        assert_int_equal(node->index, i);
        assert_int_equal(node->cpus.n, i < 4 ? 2 : 0);
        if (i < 4)
            assert_int_equal(node->cpus.ids[0], 2 * i);
        for (int k = 0; k < 5; k++)
            assert_near(node->distances[k], distances[i][k], 0);
        assert_null(node->kind);
    }
    assert_int_equal(machine->nodes[4].memory_bytes, 263888896);
    for (int i = 0; i < 8; i++)
        assert_int_equal(machine->cores[i].node, i / 2);
    assert_false(has_note(machine, "offline"));
    tr_machine_destroy(machine);
}

/* A recording of sysfs alone; what it has of each CPU: its package's CPUs, its cluster's. */
static char *record_clusters(int cpus, int per_cluster) {
    char *folder = strdup("/tmp/tokenroof-test-XXXXXX");
    assert_non_null(mkdtemp(folder));
    for (int i = 0; i < cpus; i++) {
        unsigned all = (1U << cpus) - 1, group = (1U << per_cluster) - 1;
        const struct {
            const char *name;
            unsigned value;
        } files[] = {
            {"physical_package_id", 0},
            {"package_cpus", all},
            {"core_siblings", all},
            {"core_id", (unsigned)i},
            {"core_cpus", 1U << i},
            {"thread_siblings", 1U << i},
            {"cluster_id", (unsigned)(i / per_cluster)},
            {"cluster_cpus", group << (i / per_cluster * per_cluster)},
        };
        for (size_t k = 0; k < sizeof(files) / sizeof(files[0]); k++) {
            char *path = NULL, *text = NULL;
            bool mask = strstr(files[k].name, "cpus") || strstr(files[k].name, "siblings");
            assert_true(
                asprintf(&path, "/sys/devices/system/cpu/cpu%d/topology/%s", i, files[k].name) > 0);
            assert_true(asprintf(&text, mask ? "%x\n" : "%u\n", files[k].value) > 0);
            add_file(folder, path, text);
            free(path);
            free(text);
        }
    }
    add_file(folder, "/sys/devices/system/cpu/online", "0-7\n");
    return folder;
}

static void clusters_that_the_kernel_names(void **state) {
    (void)state;
    char *folder = record_clusters(8, 4);
    struct tr_machine *machine = machine_from(folder, NULL);
    remove_recording(folder);
    assert_int_equal(machine->n_cores, 8);
    assert_int_equal(machine->n_clusters, 2);
    assert_int_equal(machine->clusters[1].cpus.ids[0], 4);
    assert_int_equal(machine->clusters[1].cpus.n, 4);
    assert_int_equal(machine->clusters[1].l2_bytes, -1);
    assert_int_equal(machine->cores[7].cluster, 1);
    tr_machine_destroy(machine);
    /* A cluster of one core, or of the whole package, says nothing. */
    for (int n = 1; n <= 8; n += 7) {
        folder = record_clusters(8, n);
        machine = machine_from(folder, NULL);
        remove_recording(folder);
        assert_int_equal(machine->n_clusters, 0);
        assert_int_equal(machine->cores[7].cluster, -1);
        tr_machine_destroy(machine);
    }
}

static void memory_kinds(void **state) {
    (void)state;
    /* Five times as fast as its neighbour, says the firmware; the original is ten times slower. */
    char *folder = make_recording("value=\"20480\"", "value=\"1024000\"");
    struct tr_machine *machine = machine_from(folder, NULL);
    assert_string_equal(machine->nodes[4].kind, "HBM");
    assert_null(machine->nodes[0].kind);
    tr_machine_destroy(machine);
    /* What the kernel's driver says comes first. */
    add_file(folder, "/sys/bus/cxl/devices/region0/dax_region0/dax0.0/target_node", "4\n");
    add_file(folder, "/sys/bus/cxl/devices/region1/dax_region1/dax1.0/target_node", "77\n");
    add_file(folder, "/sys/bus/cxl/devices/region2/dax_region2/dax2.0/target_node", "-1\n");
    machine = machine_from(folder, NULL);
    assert_string_equal(machine->nodes[4].kind, "CXL");
    tr_machine_destroy(machine);
    remove_recording(folder);
    /* hwloc's own word stays. */
    folder = make_recording("local_memory=\"263888896\"",
                            "local_memory=\"263888896\" subtype=\"MCDRAM\"");
    machine = machine_from(folder, NULL);
    assert_string_equal(machine->nodes[4].kind, "HBM");
    tr_machine_destroy(machine);
    remove_recording(folder);
}

static void offline_cpus_are_named(void **state) {
    (void)state;
    char *folder = make_recording(NULL, "");
    add_file(folder, "/sys/devices/system/cpu/present", "0-9\n");
    add_file(folder, "/sys/devices/system/cpu/offline", "8-9,16-31\n"); /* 16 up: never there */
    struct tr_machine *machine = machine_from(folder, NULL);
    assert_true(has_note(machine, "CPUs 8-9 offline"));
    tr_machine_destroy(machine);
    add_file(folder, "/sys/devices/system/cpu/offline", "16-31\n");
    machine = machine_from(folder, NULL);
    assert_false(has_note(machine, "offline"));
    tr_machine_destroy(machine);
    add_file(folder, "/sys/devices/system/cpu/offline", "9-8,x\n");
    machine = machine_from(folder, NULL);
    assert_false(has_note(machine, "offline"));
    tr_machine_destroy(machine);
    remove_recording(folder);
}

/* A size that no cache has: counted as unknown, and said. */
static void absurd_cache_is_named(void **state) {
    (void)state;
    struct tr_machine *machine = machine_from_data("topology/five-nodes.xml");
    assert_false(has_note(machine, "last-level cache is told"));
    tr_machine_destroy(machine);
    char *folder = make_recording("cache_size=\"33554432\"", "cache_size=\"18446744073709551615\"");
    machine = machine_from(folder, NULL);
    assert_true(has_note(machine, "last-level cache is told"));
    tr_machine_destroy(machine);
    remove_recording(folder);
}

/* A topology without files: what it knew of and could not use is said; all CPUs there are, or a set
 * without end, is no reason to speak. */
static void left_out_cpus_are_named(void **state) {
    (void)state;
    static const struct {
        const char *set, *note;
    } all[] = {{"0x00000fff", "CPUs 8-11 not counted"},
               {"0x000001ff", "CPU 8 not counted"},
               {"0x000000ff", NULL},
               {"0xf...ffff", NULL}};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        char *changed = NULL;
        assert_true(asprintf(&changed, "cpuset=\"0x000000ff\" complete_cpuset=\"%s\"", all[i].set) >
                    0);
        char *folder =
            make_recording("cpuset=\"0x000000ff\" complete_cpuset=\"0x000000ff\"", changed);
        struct tr_machine *machine = machine_from(folder, NULL);
        assert_int_equal(has_note(machine, "not counted"), all[i].note != NULL);
        assert_true(!all[i].note || has_note(machine, all[i].note));
        tr_machine_destroy(machine);
        remove_recording(folder);
        free(changed);
    }
}

static void a_virtual_machine_is_doubted(void **state) {
    (void)state;
    char *folder = make_recording(NULL, "");
    struct tr_machine *machine = machine_from(folder, NULL);
    assert_false(has_note(machine, "not trustworthy"));
    assert_non_null(machine->settings.nps);
    tr_machine_destroy(machine);
    add_file(folder, "/sys/class/dmi/id/sys_vendor", "QEMU\n");
    machine = machine_from(folder, NULL);
    assert_true(has_note(machine, "virtual machine (QEMU)"));
    assert_true(has_note(machine, "not trustworthy"));
    assert_null(machine->settings.nps);
    tr_machine_destroy(machine);
    remove_recording(folder);
}

/* A kernel that shows no caches, a hypervisor that tells the whole host's L3 to two cores, and
 * memory that its only node has not counted yet. */
static void caches_by_cpuid(void **state) {
    (void)state;
    struct tr_machine *machine = machine_from_data("capture/guest");
    assert_string_equal(machine->caches_basis, "cpuid");
    assert_int_equal(machine->n_l3_groups, 1);
    assert_int_equal(machine->l3_groups[0].cpus.n, 2);
    assert_int_equal(machine->l3_groups[0].package, 0);
    assert_int_equal(machine->l3_groups[0].node, 0);
    assert_int_equal(machine->l3_groups[0].l3_bytes, 508 << 20);
    assert_int_equal(machine->n_ccds, 1);
    assert_int_equal(machine->ccds[0].n_l3_groups, 1);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(machine->cores[i].l1d_bytes, 48 << 10);
        assert_int_equal(machine->cores[i].l2_bytes, 1 << 20);
        assert_int_equal(machine->cores[i].l3_group, 0);
    }
    assert_int_equal(machine->llc_bytes, 508 << 20);
    /* Zen 5 has at most 96 MiB on a die: two cores may sit on two of them. */
    assert_int_equal(machine->llc_most_bytes, 2 * (96 << 20));
    assert_true(has_note(machine, "508 MiB"));
    assert_true(has_note(machine, "The kernel shows no caches"));
    assert_int_equal(machine->nodes[0].memory_bytes, 24683620LL << 10);
    tr_machine_destroy(machine);
    /* What hwloc shows counts, and on hardware nobody doubts it. */
    machine = machine_from_data("topology/zen4c-two-groups-per-die.xml");
    assert_string_equal(machine->caches_basis, "hwloc");
    assert_int_equal(machine->llc_most_bytes, -1);
    assert_false(has_note(machine, "CPUID tells"));
    tr_machine_destroy(machine);
}

/* Two L3 of four threads by the leaf that tells the sharing. */
static void sharing_by_cpuid(void **state) {
    (void)state;
    char folder[] = "/tmp/tokenroof-topology-XXXXXX";
    char *path = NULL, *xml = NULL;
    hwloc_topology_t made;
    int length = 0;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(hwloc_topology_init(&made), 0);
    assert_int_equal(hwloc_topology_set_synthetic(made, "pack:1 core:4 pu:2"), 0);
    assert_int_equal(hwloc_topology_load(made), 0);
    assert_int_equal(hwloc_topology_export_xmlbuffer(made, &xml, &length, 0), 0);
    assert_true(asprintf(&path, "%s/topology.xml", folder) > 0);
    assert_int_equal(tr_file_write(path, xml, strlen(xml), false, NULL), 0);
    hwloc_free_xmlbuffer(made, xml);
    hwloc_topology_destroy(made);
    static const char dump[] = "CPUID 00000000: 0000000D-68747541-444D4163-69746E65\n"
                               "CPUID 00000001: 00A20F10-00080800-7EF8320B-178BFBFF\n"
                               /* L1d 32 KiB, L1i, L2 512 KiB of two threads; L3 16 MiB of four */
                               "CPUID 8000001D: 00004121-01C0003F-0000003F-00000000 [SL 00]\n"
                               "CPUID 8000001D: 00004122-01C0003F-0000003F-00000000 [SL 01]\n"
                               "CPUID 8000001D: 00004143-01C0003F-000003FF-00000002 [SL 02]\n"
                               "CPUID 8000001D: 0000C163-03C0003F-00003FFF-00000001 [SL 03]\n";
    char *cpuid = NULL;
    assert_true(asprintf(&cpuid, "%s/cpuid.txt", folder) > 0);
    assert_int_equal(tr_file_write(cpuid, dump, strlen(dump), false, NULL), 0);
    struct tr_machine *machine = machine_from(folder, NULL);
    assert_int_equal(machine->n_l3_groups, 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(machine->l3_groups[i].l3_bytes, 16 << 20);
        assert_int_equal(machine->l3_groups[i].cpus.n, 4);
        assert_int_equal(machine->l3_groups[i].cpus.ids[0], 4 * i);
        assert_int_equal(machine->ccds[i].cpus.ids[3], 4 * i + 3);
    }
    assert_int_equal(machine->cores[3].l3_group, 1);
    assert_int_equal(machine->cores[3].l1d_bytes, 32 << 10);
    assert_int_equal(machine->cores[3].l2_bytes, 512 << 10);
    assert_int_equal(machine->llc_bytes, 2 * (16 << 20));
    assert_int_equal(machine->llc_most_bytes, -1);
    tr_machine_destroy(machine);
    unlink(cpuid);
    unlink(path);
    rmdir(folder);
    free(cpuid);
    free(path);
}

/* Processors from before Zen 2 have nodes of their own making, and no such setting. */
static void partitioning_by_age(void **state) {
    (void)state;
    char *folder =
        make_recording("CPUFamilyNumber\" value=\"25\"", "CPUFamilyNumber\" value=\"21\"");
    struct tr_machine *machine = machine_from(folder, NULL);
    assert_null(machine->settings.nps);
    tr_machine_destroy(machine);
    remove_recording(folder);
    machine = machine_from_data("topology/five-nodes.xml");
    assert_string_equal(machine->settings.nps, "NPS2 or L3 as NUMA");
    tr_machine_destroy(machine);
}

static void partitioning_of_recorded_machines(void **state) {
    (void)state;
    static const char *const expected[][2] = {
        {"64amd64-4s2n4ca2co.xml", NULL},      /* two dies in a package, before Zen */
        {"AMD-17h-Zen-2xEpyc-7451.xml", NULL}, /* Zen 1: a node is a die, or is interleaved */
        {"AMD-19h-Zen3-2xEpyc-7763.xml", "NPS0"},
        {"Intel-CascadeLake-2xXeon6230.xml", NULL},  /* one node for two packages */
        {"Intel-RaptorLake-Corei7-1370P.xml", NULL}, /* no such setting */
        {"20em64t-hybrid-1p6c2t+2ca4co1t.xml", NULL},
        {"memorysidecaches.xml", "SNC2"},
    };
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        char *name = NULL;
        assert_true(asprintf(&name, "topology/%s", expected[i][0]) > 0);
        char *path = recorded_data(name);
        free(name);
        if (!path)
            skip();
        struct tr_machine *machine = machine_from(path, NULL);
        const char *nps = machine->settings.nps;
        if (!nps != !expected[i][1] || (nps && strcmp(nps, expected[i][1])))
            fail_msg("%s: %s", expected[i][0], nps ? nps : "unknown");
        tr_machine_destroy(machine);
        free(path);
    }
}

static void memory_side_caches_are_named(void **state) {
    (void)state;
    char *path = recorded_data("topology/memorysidecaches.xml");
    if (!path)
        skip();
    struct tr_machine *machine = machine_from(path, NULL);
    assert_true(has_note(machine, "Nodes 0-3: the memory is behind a memory-side cache of 96 GiB"));
    tr_machine_destroy(machine);
    free(path);
    machine = machine_from_data("topology/five-nodes.xml");
    assert_false(has_note(machine, "memory-side"));
    tr_machine_destroy(machine);
}

static void single_cpu(void **state) {
    (void)state;
    struct tr_machine *machine = machine_from("synthetic:pack:1 core:1 pu:1", NULL);
    assert_int_equal(machine->n_cores, 1);
    assert_int_equal(machine->n_ccds, 1);
    assert_int_equal(machine->n_nodes, 1);
    assert_int_equal(machine->allowed_cpus.n, 1);
    assert_int_equal(machine->nodes[0].cpus.n, 1);
    tr_machine_destroy(machine);
}

/* A cpuset takes CPUs and whole nodes out of the middle: some CPUs' home is out of sight. */
static void asymmetric(void **state) {
    (void)state;
    char *path = recorded_data("topology/16amd64-8n2c-cpusets.xml");
    if (!path)
        skip();
    struct tr_machine *machine = machine_from(path, NULL);
    size_t homeless = 0;
    assert_int_equal(machine->n_packages, 7);
    for (size_t i = 0; i < machine->n_cores; i++)
        homeless += machine->cores[i].node < 0;
    assert_true(homeless < machine->n_cores);
    for (size_t i = 1; i < machine->n_nodes; i++)
        assert_true(machine->nodes[i].index > machine->nodes[i - 1].index);
    tr_machine_destroy(machine);
    free(path);
}

/* --- bad input ------------------------------------------------------------------------------- */

static int load_code(const char *source, struct tr_err *err) {
    struct tr_machine *machine = NULL;
    int code = tr_machine_load(&(struct tr_machine_options){.source = source}, &machine, err);
    if (!code)
        tr_machine_destroy(machine);
    else
        assert_null(machine);
    return code;
}

static void expect_failure(const char *name, int code, const char *in_text) {
    struct tr_err err = {0};
    char *path = test_data(name);
    assert_int_equal(load_code(path, &err), code);
    if (!strstr(err.text, in_text) || !strstr(err.text, name))
        fail_msg("'%s' does not speak of '%s'", err.text, in_text);
    free(path);
}

static void broken_xml(void **state) {
    (void)state;
    expect_failure("topology/cut-off.xml", TR_EFORMAT, "line 15");
    expect_failure("topology/no-topology.xml", TR_EFORMAT, "line 1");
    /* hwloc 2.9 crashes on this one. */
    expect_failure("topology/core-without-complete-cpuset.xml", TR_EFORMAT, "line 3");
}

/* Not a word of hwloc's own on stderr. */
static void silence(void **state) {
    (void)state;
    static const char *const names[] = {"topology/cut-off.xml",
                                        "topology/core-without-complete-cpuset.xml"};
    char name[] = "/tmp/tokenroof-test-XXXXXX";
    int file = mkstemp(name), saved = dup(STDERR_FILENO);
    int codes[4];
    struct stat info;
    assert_true(file >= 0 && saved >= 0);
    fflush(stderr);
    dup2(file, STDERR_FILENO);
    for (size_t i = 0; i < 2; i++) {
        char *path = test_data(names[i]);
        codes[i] = load_code(path, NULL);
        free(path);
    }
    codes[2] = load_code("synthetic:nonsense", NULL);
    codes[3] = load_code("synthetic:pack:100000 core:100000 pu:8", NULL);
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(codes[i], TR_EFORMAT);
    assert_int_equal(fstat(file, &info), 0);
    assert_int_equal(info.st_size, 0);
    close(file);
    close(saved);
    unlink(name);
}

static void xml_faults(void **state) {
    (void)state;
    const char *what = NULL;
    assert_int_equal(tr_xml_fault("<a>\n<b x='>'/>\n<!-- </c> -->\n</a>", &what), 0);
    assert_int_equal(tr_xml_fault("<a>\n<b>\n</a>", &what), 3);
    assert_int_equal(tr_xml_fault("<a>\n<b>\n</b>", &what), 1);
    assert_int_equal(tr_xml_fault("<a>\n<b x=\"1", &what), 2);
    assert_int_equal(tr_xml_fault("text", &what), 1);
    char deep[4096] = "";
    for (int i = 0; i < 200; i++)
        strcat(deep, "<a>\n");
    assert_int_equal(tr_xml_fault(deep, &what), 129);
}

static void unknown_sources(void **state) {
    (void)state;
    struct tr_err err = {0};
    assert_int_equal(load_code("/nonexistent/machine", &err), TR_EIO);
    assert_non_null(strstr(err.text, "/nonexistent/machine"));
    expect_failure("environment", TR_EFORMAT, "topology.xml");
    expect_failure("environment/none/files/proc/meminfo", TR_EFORMAT, "hwloc XML");
}

/* --- this machine ---------------------------------------------------------------------------- */

static void respects_affinity(void **state) {
    (void)state;
    cpu_set_t before, one;
    struct tr_machine *all = machine_from(NULL, NULL);
    assert_true(all->live);
    assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
    assert_int_equal(all->allowed_cpus.n, CPU_COUNT(&before));
    assert_true(all->n_cores > 0 && all->n_cores <= all->allowed_cpus.n);
    int last = all->allowed_cpus.ids[all->allowed_cpus.n - 1];
    CPU_ZERO(&one);
    CPU_SET((size_t)last, &one);
    assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
    struct tr_machine *machine = machine_from(NULL, NULL);
    assert_int_equal(sched_setaffinity(0, sizeof(before), &before), 0);
    assert_int_equal(machine->n_cores, 1);
    assert_int_equal(machine->allowed_cpus.n, 1);
    assert_int_equal(machine->cores[0].cpus.ids[0], last);
    assert_int_equal(machine->n_cpus_online, all->n_cpus_online);
    assert_int_equal(machine->n_packages, all->n_packages);
    bool noted = all->n_cpus_online == 1;
    for (size_t i = 0; i < machine->n_notes; i++)
        noted = noted || strstr(machine->notes[i], "may use 1 of");
    assert_true(noted);
    tr_machine_destroy(machine);
    tr_machine_destroy(all);
}

/* Variables that make hwloc look elsewhere do not change what this machine is. */
static void ignores_misleading_variables(void **state) {
    (void)state;
    struct tr_machine *plain = machine_from(NULL, NULL);
    setenv("HWLOC_SYNTHETIC", "pack:7 core:3 pu:1", 1);
    struct tr_machine *machine = machine_from(NULL, NULL);
    assert_int_equal(machine->n_cores, plain->n_cores);
    assert_int_equal(machine->n_packages, plain->n_packages);
    tr_machine_destroy(machine);
    tr_machine_destroy(plain);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(synthetic_counts),
        cmocka_unit_test(large),
        cmocka_unit_test(without_l3_a_ccd_is_a_package),
        cmocka_unit_test(l3_over_two_nodes_belongs_to_none),
        cmocka_unit_test(memory_only_nodes),
        cmocka_unit_test(wide_node),
        cmocka_unit_test(two_l3_groups_on_a_die),
        cmocka_unit_test(hybrid_kinds),
        cmocka_unit_test(recorded_machines),
        cmocka_unit_test(clusters_of_recorded_machines),
        cmocka_unit_test(nodes_stand_by_their_numbers),
        cmocka_unit_test(clusters_that_the_kernel_names),
        cmocka_unit_test(memory_kinds),
        cmocka_unit_test(offline_cpus_are_named),
        cmocka_unit_test(left_out_cpus_are_named),
        cmocka_unit_test(absurd_cache_is_named),
        cmocka_unit_test(a_virtual_machine_is_doubted),
        cmocka_unit_test(caches_by_cpuid),
        cmocka_unit_test(sharing_by_cpuid),
        cmocka_unit_test(partitioning_by_age),
        cmocka_unit_test(partitioning_of_recorded_machines),
        cmocka_unit_test(memory_side_caches_are_named),
        cmocka_unit_test(single_cpu),
        cmocka_unit_test(asymmetric),
        cmocka_unit_test(broken_xml),
        cmocka_unit_test(silence),
        cmocka_unit_test(xml_faults),
        cmocka_unit_test(unknown_sources),
        cmocka_unit_test(respects_affinity),
        cmocka_unit_test(ignores_misleading_variables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
