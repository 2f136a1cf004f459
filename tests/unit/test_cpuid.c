/* Who the CPU is and what it can do, from CPUID: recorded, made up, and through replacements of the
 * two functions that ask the real one. */
#include <test.h>

#include <errno.h>
#include <jansson.h>
#include <math.h>

#include "cpuid_table.h"
#include "file.h"
#include "parts.h"
#include "strbuf.h"

/* --- the CPU that the program believes to run on -------------------------------------------- */

static struct tr_cpuid_table fake; /* linked in place of src/machine/cpuid_hw.c */
static uint64_t fake_xcr0;
static int xgetbv_calls, amx_errno, amx_requests;

void tr_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t regs[4]) {
    tr_cpuid_get(&fake, leaf, subleaf, regs);
}

uint64_t tr_xgetbv(void) {
    xgetbv_calls++;
    return fake_xcr0;
}

int tr_amx_permission(void) {
    amx_requests++;
    return amx_errno;
}

static void run_on(const char *dump, uint64_t xcr0) {
    char *name = tr_format("cpuid/%s", dump), *path = test_data(name);
    tr_cpuid_table_finish(&fake);
    assert_int_equal(tr_cpuid_table_load(path, &fake, NULL), 0);
    fake_xcr0 = xcr0;
    xgetbv_calls = amx_requests = amx_errno = 0;
    free(path);
    free(name);
}

/* The registers of the fake CPU's leaf, to be changed. */
static uint32_t *fake_leaf(uint32_t leaf, uint32_t subleaf) {
    for (size_t i = 0; i < fake.n_rows; i++)
        if (fake.rows[i].leaf == leaf && fake.rows[i].subleaf == subleaf)
            return fake.rows[i].regs;
    fail_msg("no leaf %x", leaf);
    return NULL;
}

/* --- helpers --------------------------------------------------------------------------------- */

static struct tr_machine *load(const struct tr_source *from) {
    struct tr_machine *machine = calloc(1, sizeof(*machine));
    struct tr_err err = {0};
    assert_non_null(machine);
    machine->private_data = calloc(1, sizeof(*machine->private_data));
    assert_non_null(machine->private_data);
    struct tr_source *source = &machine->private_data->source;
    source->live = from->live;
    source->root = from->root ? strdup(from->root) : NULL;
    source->cpuid_path = from->cpuid_path ? strdup(from->cpuid_path) : NULL;
    if (tr_cpu_fill(machine, source, &err))
        fail_msg("%s", err.text);
    return machine;
}

static struct tr_machine *load_live(void) {
    struct tr_source source = {.live = true, .root = (char *)""};
    return load(&source);
}

static bool has(const struct tr_cpu_facts *cpu, const char *name) {
    for (size_t i = 0; i < cpu->n_isa; i++)
        if (!strcmp(cpu->isa[i], name))
            return true;
    return false;
}

static void check_level(const struct tr_cpu_facts *cpu, enum tr_isa isa, const char *reason) {
    assert_int_equal(cpu->levels[isa].available, reason == NULL);
    if (reason)
        assert_string_equal(cpu->levels[isa].reason, reason);
    else
        assert_null(cpu->levels[isa].reason);
}

static void check_text(const char *value, const json_t *expected) {
    if (json_is_string(expected))
        assert_string_equal(value ? value : "(unknown)", json_string_value(expected));
    else
        assert_null(value);
}

/* The lists of expected flags are complete in these. */
static const char *const vector_flags[] = {
    "sse2",        "avx",      "fma",      "f16c",        "avx2",
    "avx512f",     "avx512bw", "avx512vl", "avx512_vnni", "avx512_bf16",
    "avx512_fp16", "avx_vnni", "amx_tile", "amx_int8",    "amx_bf16",
};

static bool lists(const json_t *names, const char *wanted) {
    const json_t *name;
    size_t i;
    json_array_foreach(names, i, name) {
        if (!strcmp(json_string_value(name), wanted))
            return true;
    }
    return false;
}

static void check_recording(const char *folder, const json_t *expected) {
    const char *file = json_string_value(json_object_get(expected, "file"));
    char *path = tr_format("%s/%s", folder, file);
    struct tr_source source = {.cpuid_path = path};
    struct tr_machine *machine = load(&source);
    const struct tr_cpu_facts *cpu = &machine->cpu;
    const json_t *fp512 = json_object_get(expected, "fp512_datapath");
    json_t *name;
    size_t i;
    printf("%s\n", file);
    check_text(cpu->model, json_object_get(expected, "brand"));
    check_text(cpu->vendor, json_object_get(expected, "vendor"));
    check_text(cpu->uarch, json_object_get(expected, "uarch"));
    assert_int_equal(cpu->family, json_integer_value(json_object_get(expected, "family")));
    assert_int_equal(cpu->model_number, json_integer_value(json_object_get(expected, "model")));
    assert_int_equal(cpu->stepping, json_integer_value(json_object_get(expected, "stepping")));
    assert_int_equal(cpu->fp512_datapath, json_is_null(fp512) ? -1 : json_is_true(fp512));
    json_array_foreach(json_object_get(expected, "isa"), i, name) {
        if (!has(cpu, json_string_value(name)))
            fail_msg("%s: no %s", file, json_string_value(name));
    }
    for (i = 0; i < sizeof(vector_flags) / sizeof(vector_flags[0]); i++)
        if (has(cpu, vector_flags[i]) != lists(json_object_get(expected, "isa"), vector_flags[i]))
            fail_msg("%s: %s is wrong", file, vector_flags[i]);
    bool avx2 = has(cpu, "avx2") && has(cpu, "fma") && has(cpu, "f16c");
    assert_true(cpu->levels[TR_ISA_SSE2].available);
    assert_int_equal(cpu->levels[TR_ISA_AVX2].available, avx2);
    assert_int_equal(cpu->levels[TR_ISA_AVX512].available, has(cpu, "avx512bw"));
    tr_machine_destroy(machine);
    free(path);
}

static void check_folder(const char *folder) {
    char *path = tr_format("%s/expected.json", folder);
    json_t *all = json_load_file(path, 0, NULL), *expected;
    size_t i;
    assert_true(json_array_size(all) > 0);
    json_array_foreach(all, i, expected) check_recording(folder, expected);
    json_decref(all);
    free(path);
}

/* --- recordings ------------------------------------------------------------------------------ */

static void made_dumps(void **state) {
    (void)state;
    char *folder = test_data("cpuid");
    check_folder(folder);
    free(folder);
}

static void recorded_dumps(void **state) {
    (void)state;
    char *folder = recorded_data("cpuid");
    if (!folder)
        skip();
    check_folder(folder);
    free(folder);
}

/* By the leaf that lists caches, and (Barcelona) by the one that tells sizes alone. */
static void caches_of_recorded_dumps(void **state) {
    (void)state;
    static const struct {
        const char *file;
        int l1_kib, l2_kib, l3_kib, l3_threads;
    } expected[] = {
        {"k10-barcelona.txt", 64, 512, 2048, 0},
        {"nehalem.txt", 32, 256, 8192, 16},
        {"sapphire-rapids.txt", 48, 2048, 38400, 128},
        {"zen2-rome.txt", 32, 512, 16384, 8},
        {"zen4c-bergamo.txt", 32, 1024, 16384, 16},
        {"zen5-granite-ridge.txt", 48, 1024, 32768, 16},
    };
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        char *name = tr_format("cpuid/%s", expected[i].file), *path = recorded_data(name);
        free(name);
        if (!path)
            skip();
        struct tr_machine *machine = load(&(struct tr_source){.cpuid_path = path});
        printf("%s\n", expected[i].file);
        assert_int_equal(machine->cpu.caches[0].bytes, expected[i].l1_kib << 10);
        assert_int_equal(machine->cpu.caches[1].bytes, expected[i].l2_kib << 10);
        assert_int_equal(machine->cpu.caches[2].bytes, expected[i].l3_kib << 10);
        assert_int_equal(machine->cpu.caches[2].threads, expected[i].l3_threads);
        tr_machine_destroy(machine);
        free(path);
    }
}

static void only_the_first_cpu_is_read(void **state) {
    (void)state;
    run_on("intel-hybrid-vm.txt", 0x7);
    assert_int_equal(fake_leaf(1, 0)[0], 0x000b0671);
    for (size_t i = 0; i < fake.n_rows; i++)
        assert_int_not_equal(fake.rows[i].regs[0], 0x000b06e0);
}

static void bad_dumps(void **state) {
    (void)state;
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"", "no line 'CPUID 00000001"},
        {"CPUID 00000000: 00000001-68747541-444D4163-69746E65\n", "no line 'CPUID 00000001"},
        {"\nCPUID 00000001: 00000F51-00000800-00000000\n", "dump: line 2"},
        {"CPUID 00000001: 00000F5\n", "dump: line 1"},
        {"CPUID 00000001: 0000xF51-00000800-00000000-00000000\n", "dump: line 1"},
        {"CPUID 00000001: 00000F51 00000800 00000000 00000000\n", "dump: line 1"},
        {"a\nb\nCPUID 00000007: 00000F51-00000800-00000000-00000000 [SL zz]\n", "dump: line 3"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tr_cpuid_table table = {0};
        struct tr_err err = {0};
        assert_int_equal(tr_cpuid_table_parse(rows[i].text, "dump", &table, &err), TR_EFORMAT);
        if (!strstr(err.text, rows[i].message))
            fail_msg("'%s' does not say '%s'", err.text, rows[i].message);
    }
    /* Words of the same beginning are no rows, Windows line ends do no harm. */
    struct tr_cpuid_table table = {0};
    assert_int_equal(tr_cpuid_table_parse("CPUID Manufacturer : GenuineIntel\r\nCPUID\r\n"
                                          "CPUID 00000001: 000306C3-00000000-00000000-07800000\r\n",
                                          "dump", &table, NULL),
                     0);
    assert_int_equal(table.n_rows, 1);
    assert_true(table.xcr0 == 3);
    tr_cpuid_table_finish(&table);
}

static void written_dumps_are_read_again(void **state) {
    (void)state;
    run_on("amd-avx512.txt", 0x7);
    struct tr_cpuid_table table = {0}, again = {0};
    assert_int_equal(tr_cpuid_table_read(&table), 0);
    char *text = tr_cpuid_table_format(&table);
    assert_non_null(text);
    assert_int_equal(tr_cpuid_table_parse(text, "dump", &again, NULL), 0);
    assert_int_equal(again.n_rows, table.n_rows);
    assert_memory_equal(again.rows, table.rows, table.n_rows * sizeof(*table.rows));
    assert_true(again.xcr0 == 0x7); /* what the system enabled, not what the CPU offers */
    free(text);
    tr_cpuid_table_finish(&table);
    tr_cpuid_table_finish(&again);
}

/* --- what the operating system enabled ------------------------------------------------------- */

static void enabled_states(void **state) {
    (void)state;
    static const char no_zmm[] = "the operating system has not enabled ZMM state (XCR0)";
    static const char no_ymm[] = "the operating system has not enabled YMM state (XCR0)";
    run_on("amd-avx512.txt", 0xe7);
    struct tr_machine *machine = load_live();
    check_level(&machine->cpu, TR_ISA_AVX512, NULL);
    assert_true(has(&machine->cpu, "avx512f"));
    assert_int_equal(xgetbv_calls, 1);
    tr_machine_destroy(machine);

    for (uint64_t missing = 0x20; missing <= 0x80;
         missing <<= 1) { /* one of the three is not enough */
        run_on("amd-avx512.txt", 0xe7 & ~missing);
        machine = load_live();
        check_level(&machine->cpu, TR_ISA_AVX2, NULL);
        check_level(&machine->cpu, TR_ISA_AVX512, no_zmm);
        assert_false(has(&machine->cpu, "avx512f"));
        assert_true(has(&machine->cpu, "avx2"));
        tr_machine_destroy(machine);
    }

    run_on("amd-avx512.txt", 0x3);
    machine = load_live();
    check_level(&machine->cpu, TR_ISA_SSE2, NULL);
    check_level(&machine->cpu, TR_ISA_AVX2, no_ymm);
    check_level(&machine->cpu, TR_ISA_AVX512, no_zmm);
    assert_false(has(&machine->cpu, "fma"));
    tr_machine_destroy(machine);

    /* ZMM state without YMM state makes no sense, and is not believed. */
    run_on("amd-avx512.txt", 0xe1);
    machine = load_live();
    check_level(&machine->cpu, TR_ISA_AVX512, no_zmm);
    tr_machine_destroy(machine);
}

static void xgetbv_needs_osxsave(void **state) {
    (void)state;
    run_on("amd-avx512.txt", 0xe7);
    fake_leaf(1, 0)[2] &= ~(UINT32_C(1) << 27);
    struct tr_machine *machine = load_live();
    assert_int_equal(xgetbv_calls, 0); /* it would fault */
    assert_false(machine->cpu.levels[TR_ISA_AVX2].available);
    tr_machine_destroy(machine);
}

static void missing_instructions(void **state) {
    (void)state;
    run_on("amd-sse2.txt", 0);
    struct tr_machine *machine = load_live();
    check_level(&machine->cpu, TR_ISA_SCALAR, NULL);
    check_level(&machine->cpu, TR_ISA_SSE2, NULL);
    check_level(&machine->cpu, TR_ISA_AVX2, "the CPU has no AVX2");
    check_level(&machine->cpu, TR_ISA_AVX512, "the CPU has no AVX-512");
    tr_machine_destroy(machine);

    static const struct {
        uint32_t leaf;
        int reg, bit;
        enum tr_isa level;
        const char *reason;
    } rows[] = {
        {1, 2, 12, TR_ISA_AVX2, "the CPU has no FMA"},
        {1, 2, 29, TR_ISA_AVX2, "the CPU has no F16C"},
        {7, 1, 30, TR_ISA_AVX512, "the CPU has no AVX512BW"},
        {7, 1, 17, TR_ISA_AVX512, "the CPU has no AVX512DQ"},
        {7, 1, 31, TR_ISA_AVX512, "the CPU has no AVX512VL"},
        {7, 1, 28, TR_ISA_AVX512, "the CPU has no AVX512CD"},
        {7, 1, 5, TR_ISA_AVX512, "the CPU has no AVX2"}, /* hidden by a virtual machine */
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        run_on("amd-avx512.txt", 0xe7);
        fake_leaf(rows[i].leaf, 0)[rows[i].reg] &= ~(UINT32_C(1) << rows[i].bit);
        machine = load_live();
        check_level(&machine->cpu, rows[i].level, rows[i].reason);
        tr_machine_destroy(machine);
    }
}

static void tiles_need_state_and_permission(void **state) {
    (void)state;
    static const struct {
        uint64_t xcr0;
        int code, requests;
        const char *reason;
    } rows[] = {
        {0x600e7, 0, 1, NULL},
        {0x400e7, 0, 0, "the operating system has not enabled tile state (XCR0)"},
        {0x200e7, 0, 0, "the operating system has not enabled tile state (XCR0)"},
        {0x60007, 0, 0, "the operating system has not enabled ZMM state (XCR0)"},
        {0x600e7, EINVAL, 1, "the kernel gives no permission for tile data (Linux before 5.16)"},
        {0x600e7, EPERM, 1,
         "the kernel refused the permission for tile data (ARCH_REQ_XCOMP_PERM)"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        run_on("intel-amx-vm.txt", rows[i].xcr0);
        amx_errno = rows[i].code;
        struct tr_machine *machine = load_live();
        check_level(&machine->cpu, TR_ISA_AMX, rows[i].reason);
        assert_int_equal(amx_requests, rows[i].requests);
        tr_machine_destroy(machine);
    }
    run_on("amd-avx512.txt", 0xe7);
    struct tr_machine *machine = load_live();
    check_level(&machine->cpu, TR_ISA_AMX, "the CPU has no AMX");
    assert_int_equal(amx_requests, 0);
    tr_machine_destroy(machine);
}

/* The model number says Rocket Lake, the instructions say otherwise. */
static void invented_model_is_not_believed(void **state) {
    (void)state;
    run_on("intel-amx-vm.txt", 0x600e7);
    struct tr_machine *machine = load_live();
    assert_string_equal(machine->cpu.uarch, "redwood_cove_gnr");
    assert_int_equal(machine->n_notes, 1);
    assert_non_null(strstr(machine->notes[0], "model 167 (sunny_cove), but has amx_int8"));
    assert_non_null(strstr(machine->notes[0], "not trustworthy"));
    assert_non_null(strstr(machine->notes[0], "it is redwood_cove_gnr"));
    tr_machine_destroy(machine);

    fake_leaf(7, 1)[3] = 0; /* neither PREFETCHI nor AVX10 */
    machine = load_live();
    assert_string_equal(machine->cpu.uarch, "golden_cove_spr");
    tr_machine_destroy(machine);

    fake_leaf(7, 0)[3] &= ~(UINT32_C(1) << 23); /* no AVX512-FP16: no family is certain */
    machine = load_live();
    assert_null(machine->cpu.uarch);
    assert_int_equal(machine->n_notes, 1);
    assert_null(strstr(machine->notes[0], "By its instructions"));
    tr_machine_destroy(machine);

    fake_leaf(7, 0)[3] = 0; /* nor AMX: what a Rocket Lake has */
    machine = load_live();
    assert_string_equal(machine->cpu.uarch, "sunny_cove");
    assert_int_equal(machine->n_notes, 0);
    tr_machine_destroy(machine);

    run_on("intel-amx-vm.txt", 0x600e7); /* a model that has them is left as it is */
    fake_leaf(1, 0)[0] = 0x000c06f2;
    machine = load_live();
    assert_string_equal(machine->cpu.uarch, "golden_cove_spr");
    assert_int_equal(machine->n_notes, 0);
    tr_machine_destroy(machine);
}

static void leaves_above_the_highest_are_not_believed(void **state) {
    (void)state;
    run_on("amd-avx512.txt", 0xe7);
    fake_leaf(0, 0)[0] = 5; /* Intel CPUs answer such leaves with the highest one's registers */
    struct tr_machine *machine = load_live();
    assert_false(has(&machine->cpu, "avx2"));
    check_level(&machine->cpu, TR_ISA_AVX2, "the CPU has no AVX2");
    tr_machine_destroy(machine);
    run_on("amd-avx512.txt", 0xe7);
    fake_leaf(0x80000000, 0)[0] = 0x80000008;
    machine = load_live();
    assert_int_equal(machine->cpu.fp512_datapath, -1);
    tr_machine_destroy(machine);
}

static void datapath_of_a_virtual_machine_may_be_unknown(void **state) {
    (void)state;
    static const struct {
        uint32_t eax;
        int fp512;
    } rows[] = {{0xa, 1}, {0x6, 0}, {0x3, 0}, {0x2, -1}, {0, -1}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        run_on("amd-avx512.txt", 0xe7);
        fake_leaf(0x8000001a, 0)[0] = rows[i].eax;
        struct tr_machine *machine = load_live();
        assert_int_equal(machine->cpu.fp512_datapath, rows[i].fp512);
        tr_machine_destroy(machine);
    }
}

/* --- hypervisor, hybrid ---------------------------------------------------------------------- */

static void hypervisor_is_named(void **state) {
    (void)state;
    char name[13];
    char *path = test_data("cpuid/intel-hybrid-vm.txt");
    struct tr_source source = {.cpuid_path = path};
    run_on("amd-avx512.txt", 0xe7);
    assert_false(tr_cpuid_hypervisor(name));
    assert_string_equal(name, "");
    assert_true(tr_cpuid_source_hypervisor(&source, name));
    assert_string_equal(name, "KVMKVMKVM");
    run_on("intel-hybrid-vm.txt", 0x7);
    assert_true(tr_cpuid_hypervisor(name));
    assert_string_equal(name, "KVMKVMKVM");
    uint32_t *signature = fake_leaf(0x40000000, 0); /* of FreeBSD's: it ends with a blank */
    memcpy(&signature[1], "bhyve bhyve ", 12);
    assert_true(tr_cpuid_hypervisor(name));
    assert_string_equal(name, "bhyve bhyve");
    memcpy(&signature[1], "            ", 12);
    assert_true(tr_cpuid_hypervisor(name));
    assert_string_equal(name, "");
    source = (struct tr_source){0};
    assert_false(tr_cpuid_source_hypervisor(&source, name));
    free(path);
}

static void hybrid_parts_have_two_kinds(void **state) {
    (void)state;
    run_on("intel-hybrid-vm.txt", 0x7);
    struct tr_machine *machine = load_live();
    assert_true(machine->cpu.hybrid);
    assert_string_equal(machine->cpu.uarch, "raptor_cove");
    assert_string_equal(machine->cpu.uarch_efficiency, "gracemont");
    tr_machine_destroy(machine);
    fake_leaf(7, 0)[3] = 0;
    machine = load_live();
    assert_false(machine->cpu.hybrid);
    assert_null(machine->cpu.uarch_efficiency);
    tr_machine_destroy(machine);
    /* Alder Lake-N: efficiency cores only. */
    fake_leaf(1, 0)[0] = 0x000b06e0;
    machine = load_live();
    assert_int_equal(machine->cpu.model_number, 0xbe);
    assert_string_equal(machine->cpu.uarch, "gracemont");
    assert_null(machine->cpu.uarch_efficiency);
    tr_machine_destroy(machine);
}

static void micro_architectures(void **state) {
    (void)state;
    static const struct {
        const char *vendor;
        int family, model, stepping;
        const char *uarch;
    } rows[] = {
        {"Intel", 6, 0x55, 4, "skylake_sp"},
        {"Intel", 6, 0x55, 7, "cascadelake"},
        {"Intel", 6, 0x6a, 6, "sunny_cove_icx"},
        {"Intel", 6, 0x97, 2, "golden_cove"},
        {"Intel", 6, 0xad, 1, "redwood_cove_gnr"},
        {"Intel", 6, 0xaf, 3, "crestmont_srf"},
        {"Intel", 6, 0x9e, 13, "skylake"},
        {"Intel", 6, 0x1a, 5, "nehalem"},
        {"AMD", 0x10, 2, 1, "k10"},
        {"AMD", 0x17, 1, 2, "zen"},
        {"AMD", 0x17, 0x71, 0, "zen2"},
        {"AMD", 0x1a, 0x24, 0, "zen5_256"},
        {"AMD", 0x1a, 0x11, 0, "zen5c"},
        {"AMD", 0x19, 0xa0, 2, "zen4c"},
        {"AMD", 6, 0x55, 4, NULL},
        {"Intel", 6, 0xff, 0, NULL},
        {"Hygon", 0x18, 0, 1, NULL},
        {"AMD", -1, -1, -1, NULL},
        {NULL, 6, 0x55, 4, NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *uarch =
            tr_uarch_find(rows[i].vendor, rows[i].family, rows[i].model, rows[i].stepping, false);
        if (rows[i].uarch)
            assert_string_equal(uarch ? uarch : "(none)", rows[i].uarch);
        else
            assert_null(uarch);
    }
}

static void level_names(void **state) {
    (void)state;
    assert_string_equal(tr_isa_name(TR_ISA_AVX512), "avx512");
    assert_null(tr_isa_name(TR_ISA_COUNT));
    for (int i = 0; i < TR_ISA_COUNT; i++)
        assert_int_equal(tr_isa_from_name(tr_isa_name((enum tr_isa)i)), i);
    assert_int_equal(tr_isa_from_name("avx"), -1);
    assert_int_equal(tr_isa_from_name(NULL), -1);
}

/* --- without CPUID --------------------------------------------------------------------------- */

static const char cpuinfo[] = "processor\t: 0\n"
                              "vendor_id\t: GenuineIntel\n"
                              "cpu family\t: 6\n"
                              "model\t\t: 143\n"
                              "model name\t:   Intel(R) Xeon(R) Platinum 8480+ \n"
                              "stepping\t: 8\n"
                              "flags\t\t: fpu sse2 avx fma f16c avx2 amx_tile\n"
                              "\n"
                              "processor\t: 1\n"
                              "model name\t: another\n"
                              "flags\t\t: fpu sse2 avx512f avx512bw avx512dq avx512vl avx512cd\n";

static void put(const char *folder, const char *name, const char *text) {
    char *path = tr_format("%s%s", folder, name);
    char *slash = strrchr(path, '/');
    *slash = '\0';
    assert_int_equal(tr_make_folders(path, NULL), 0);
    *slash = '/';
    assert_int_equal(tr_file_write(path, text, strlen(text), true, NULL), 0);
    free(path);
}

static void cpuinfo_and_clocks(void **state) {
    (void)state;
    char folder[] = "/tmp/tokenroof-test-XXXXXX";
    assert_non_null(mkdtemp(folder));
    put(folder, "/proc/cpuinfo", cpuinfo);
    put(folder, "/sys/devices/system/cpu/cpu3/cpufreq/base_frequency", "2000000\n");
    put(folder, "/sys/devices/system/cpu/cpu3/cpufreq/cpuinfo_max_freq", "3800000\n");
    put(folder, "/sys/devices/system/cpu/cpu4/cpufreq/cpuinfo_max_freq", "0\n");
    put(folder, "/sys/devices/system/cpu/cpu4/acpi_cppc/nominal_freq", "3250\n");
    struct tr_source source = {.root = folder};
    struct tr_machine *machine = load(&source);
    struct tr_cpu_facts *cpu = &machine->cpu;
    assert_string_equal(cpu->vendor, "Intel");
    assert_string_equal(cpu->model, "Intel(R) Xeon(R) Platinum 8480+");
    assert_string_equal(cpu->uarch, "golden_cove_spr");
    assert_int_equal(cpu->stepping, 8);
    assert_true(has(cpu, "amx_tile"));
    check_level(cpu, TR_ISA_AVX2, NULL);
    check_level(cpu, TR_ISA_AVX512, "the CPU has no AVX-512"); /* CPU 0's flags, not CPU 1's */

    struct tr_clocks *clocks = &machine->clocks;
    assert_int_equal(tr_cpulist_add(&machine->allowed_cpus, 3), 0);
    assert_int_equal(tr_clocks_fill(machine, &machine->private_data->source), 0);
    assert_true(clocks->base_ghz == 2.0 && clocks->max_ghz == 3.8);
    assert_true(isnan(clocks->fclk_ghz) && isnan(clocks->mclk_ghz) && !clocks->fclk_basis);
    machine->allowed_cpus.ids[0] = 4;
    machine->overrides.fclk_mhz = 1800;
    assert_int_equal(tr_clocks_fill(machine, &machine->private_data->source), 0);
    assert_true(clocks->base_ghz == 3.25 && isnan(clocks->max_ghz));
    assert_true(clocks->fclk_ghz == 1.8);
    assert_string_equal(clocks->fclk_basis, "user");
    tr_machine_destroy(machine);

    source = (struct tr_source){0};
    machine = load(&source);
    assert_null(machine->cpu.model);
    assert_int_equal(machine->cpu.family, -1);
    assert_false(machine->cpu.levels[TR_ISA_SSE2].available);
    assert_non_null(strstr(machine->cpu.levels[TR_ISA_SSE2].reason, "not known"));
    assert_int_equal(machine->n_notes, 1);
    tr_machine_destroy(machine);
    char *command = tr_format("rm -rf '%s'", folder);
    assert_int_equal(system(command), 0);
    free(command);
}

static int finish(void **state) {
    (void)state;
    tr_cpuid_table_finish(&fake);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(made_dumps),
        cmocka_unit_test(recorded_dumps),
        cmocka_unit_test(caches_of_recorded_dumps),
        cmocka_unit_test(only_the_first_cpu_is_read),
        cmocka_unit_test(bad_dumps),
        cmocka_unit_test(written_dumps_are_read_again),
        cmocka_unit_test(enabled_states),
        cmocka_unit_test(xgetbv_needs_osxsave),
        cmocka_unit_test(missing_instructions),
        cmocka_unit_test(tiles_need_state_and_permission),
        cmocka_unit_test(invented_model_is_not_believed),
        cmocka_unit_test(leaves_above_the_highest_are_not_believed),
        cmocka_unit_test(datapath_of_a_virtual_machine_may_be_unknown),
        cmocka_unit_test(hypervisor_is_named),
        cmocka_unit_test(hybrid_parts_have_two_kinds),
        cmocka_unit_test(micro_architectures),
        cmocka_unit_test(level_names),
        cmocka_unit_test(cpuinfo_and_clocks),
    };
    return cmocka_run_group_tests(tests, NULL, finish);
}
