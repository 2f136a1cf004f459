/* Limits: worked examples by hand, recorded firmware tables, and what must not be made up. */
#include <jansson.h>

#include "machine_limits.h"
#include "machines.h"

static const struct tr_limit *limit_at(const struct tr_machine *machine, const char *name,
                                       enum tr_place_kind kind, int index) {
    return tr_limit_find(machine->limits, machine->n_limits, name, kind, index);
}

static const struct tr_limit *machine_limit(const struct tr_machine *machine, const char *name) {
    const struct tr_limit *limit = limit_at(machine, name, TR_PLACE_MACHINE, 0);
    if (!limit)
        fail_msg("there is no limit %s", name);
    return limit;
}

/* A machine of a product's shape, with the catalogue's row for it. */
static struct tr_machine *product(const char *name, const char *synthetic,
                                  const struct tr_overrides *overrides) {
    struct tr_machine *machine = machine_from(synthetic, overrides);
    const struct tr_platform *platform = tr_platform_by_name(name);
    if (!platform)
        fail_msg("%s is not in the catalogue", name);
    machine->platform = (struct tr_platform *)platform;
    machine->cpu.vendor = strdup(strncmp(name, "AMD", 3) ? "Intel" : "AMD");
    assert_int_equal(tr_machine_update_limits(machine), 0);
    return machine;
}

/* --- channels x 8 B x GT/s ------------------------------------------------------------------- */

static void dram_of_products(void **state) {
    (void)state;
    static const struct {
        const char *name, *shape;
        struct tr_overrides given;
        double dram_gb_s;
        const char *basis;
    } rows[] = {
        {"AMD EPYC 9755", "synthetic:pack:1 l3:16 core:8 pu:1", {.mts = 5600}, 537.6, "catalogue"},
        {"AMD EPYC 9755", "synthetic:pack:1 l3:16 core:8 pu:1", {0}, 576.0, "catalogue"},
        {"AMD EPYC 9755", "synthetic:pack:1 l3:16 core:8 pu:1", {.mts = 6400}, 614.4, "catalogue"},
        {"AMD EPYC 9755", "synthetic:pack:2 l3:16 core:8 pu:1", {.mts = 5600}, 1075.2, "catalogue"},
        {"AMD EPYC 9755", "synthetic:pack:2 l3:16 core:8 pu:1", {0}, 1152.0, "catalogue"},
        {"AMD EPYC 9654", "synthetic:pack:1 l3:12 core:8 pu:1", {0}, 460.8, "catalogue"},
        {"AMD EPYC 9654", "synthetic:pack:2 l3:12 core:8 pu:1", {0}, 921.6, "catalogue"},
        {"AMD Ryzen 9 9950X", "synthetic:pack:1 l3:2 core:8 pu:1", {0}, 89.6, "catalogue"},
        {"AMD Ryzen 9 9950X",
         "synthetic:pack:1 l3:2 core:8 pu:1",
         {.channels = 2, .mts = 5200},
         83.2,
         "user"},
        {"AMD Ryzen 9 9950X",
         "synthetic:pack:1 l3:2 core:8 pu:1",
         {.channels = 2, .mts = 3600},
         57.6,
         "user"},
        {"AMD Ryzen AI Max+ 395", "synthetic:pack:1 l3:2 core:8 pu:1", {0}, 256.0, "catalogue"},
        {"AMD Ryzen 9 9950X",
         "synthetic:pack:1 l3:2 core:8 pu:1",
         {.channels = 4, .mts = 6400},
         204.8,
         "user"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tr_machine *machine = product(rows[i].name, rows[i].shape, &rows[i].given);
        const struct tr_limit *dram = machine_limit(machine, "dram");
        assert_near(dram->value, rows[i].dram_gb_s, 0.05);
        assert_string_equal(dram->basis, rows[i].basis);
        assert_string_equal(dram->unit, "GB/s");
        assert_false(dram->hard);
        assert_false(dram->host_only);
        tr_machine_destroy(machine);
    }
}

static void formula_has_the_numbers(void **state) {
    (void)state;
    struct tr_machine *machine =
        product("AMD EPYC 9654", "synthetic:pack:2 l3:12 core:8 pu:1", NULL);
    assert_string_equal(machine_limit(machine, "dram")->formula,
                        "2 packages x 12 channels x 8 B x 4.8 GT/s");
    assert_string_equal(machine_limit(machine, "fabric_read")->formula,
                        "2 packages x 12 CCDs x 1 link x 32 B x 1.8 GHz");
    assert_string_equal(limit_at(machine, "dram", TR_PLACE_PACKAGE, 1)->formula,
                        "12 channels x 8 B x 4.8 GT/s");
    assert_near(limit_at(machine, "dram", TR_PLACE_PACKAGE, 1)->value, 460.8, 1e-6);
    assert_null(limit_at(machine, "dram", TR_PLACE_PACKAGE, 2));
    /* The place tells the CPUs that it speaks of. */
    assert_int_equal(limit_at(machine, "dram", TR_PLACE_PACKAGE, 1)->place.cpus.n, 96);
    assert_int_equal(limit_at(machine, "dram", TR_PLACE_PACKAGE, 1)->place.cpus.ids[0], 96);
    tr_machine_destroy(machine);
}

/* --- CCDs x links x 32 B x FCLK -------------------------------------------------------------- */

static void fabric_of_products(void **state) {
    (void)state;
    static const struct {
        const char *name, *shape;
        struct tr_overrides given;
        double read_gb_s, write_gb_s;
    } rows[] = {
        {"AMD EPYC 9755", "synthetic:pack:1 l3:16 core:8 pu:1", {0}, 1024.0, 1024.0},
        {"AMD EPYC 9654", "synthetic:pack:1 l3:12 core:8 pu:1", {0}, 691.2, 345.6},
        {"AMD EPYC 9654", "synthetic:pack:1 l3:12 core:8 pu:1", {.ccds = 8}, 460.8, 230.4},
        {"AMD EPYC 9654", "synthetic:pack:1 l3:12 core:8 pu:1", {.ccds = 1}, 57.6, 28.8},
        {"AMD EPYC 9124", "synthetic:pack:1 l3:4 core:4 pu:2", {0}, 460.8, 230.4},
        {"AMD EPYC 9355P", "synthetic:pack:1 l3:8 core:4 pu:2", {0}, 1024.0, 1024.0},
        {"AMD Ryzen AI Max+ 395", "synthetic:pack:1 l3:2 core:8 pu:1", {0}, 128.0, 128.0},
        {"AMD Ryzen 9 9950X", "synthetic:pack:1 l3:2 core:8 pu:1", {0}, 128.0, 64.0},
        {"AMD Ryzen 9 9950X",
         "synthetic:pack:1 l3:2 core:8 pu:1",
         {.ccds = 1, .fclk_mhz = 1800},
         57.6,
         28.8},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tr_machine *machine = product(rows[i].name, rows[i].shape, &rows[i].given);
        assert_near(machine_limit(machine, "fabric_read")->value, rows[i].read_gb_s, 0.05);
        assert_near(machine_limit(machine, "fabric_write")->value, rows[i].write_gb_s, 0.05);
        assert_string_equal(machine_limit(machine, "fabric_read")->basis, "catalogue");
        tr_machine_destroy(machine);
    }
}

static void fabric_of_one_ccd(void **state) {
    (void)state;
    struct tr_machine *machine =
        product("AMD EPYC 9355P", "synthetic:pack:1 l3:8 core:4 pu:2", NULL);
    assert_near(limit_at(machine, "fabric_read", TR_PLACE_CCD, 7)->value, 128, 0.05);
    assert_near(limit_at(machine, "memory_read", TR_PLACE_CCD, 7)->value, 128, 0.05);
    assert_string_equal(limit_at(machine, "memory_read", TR_PLACE_CCD, 7)->binds, "fabric_read");
    assert_null(limit_at(machine, "fabric_read", TR_PLACE_CCD, 8));
    tr_machine_destroy(machine);
}

/* Two L3 groups on a die are one CCD with one link. */
static void fabric_counts_dies_not_l3_groups(void **state) {
    (void)state;
    struct tr_machine *machine = machine_from_data("topology/zen4c-two-groups-per-die.xml");
    machine->platform = (struct tr_platform *)tr_platform_by_name("AMD EPYC 9754");
    machine->overrides = (struct tr_overrides){0};
    assert_int_equal(tr_machine_update_limits(machine), 0);
    /* The topology shows two dies, the product has eight: what is there counts. */
    assert_near(machine_limit(machine, "fabric_read")->value, 2 * 57.6, 0.05);
    tr_machine_destroy(machine);
}

static void nine_narrow_ccds(void **state) {
    (void)state;
    /* 9 x 32 x 2.0 = 576 carries 12 channels at 5.6 and at 6.0 GT/s, not at 6.4. */
    static const struct {
        double mts;
        const char *binds;
    } rows[] = {{5600, "dram"}, {6000, "dram"}, {6400, "fabric_read"}};
    for (size_t i = 0; i < 3; i++) {
        struct tr_machine *machine = product("AMD EPYC 9755", "synthetic:pack:1 l3:16 core:8 pu:1",
                                             &(struct tr_overrides){.ccds = 9, .mts = rows[i].mts});
        assert_near(machine_limit(machine, "fabric_read")->value, 576, 1e-9);
        assert_string_equal(machine_limit(machine, "memory_read")->binds, rows[i].binds);
        tr_machine_destroy(machine);
    }
}

static void binding_minima(void **state) {
    (void)state;
    struct tr_machine *machine =
        product("AMD Ryzen 9 9950X", "synthetic:pack:1 l3:2 core:8 pu:1", NULL);
    const struct tr_limit *mixed = machine_limit(machine, "memory_mixed");
    assert_near(machine_limit(machine, "memory_read")->value, 89.6, 0.05);
    assert_string_equal(machine_limit(machine, "memory_read")->binds, "dram");
    assert_near(machine_limit(machine, "memory_write")->value, 64, 0.05);
    assert_string_equal(machine_limit(machine, "memory_write")->binds, "fabric_write");
    /* As many bytes read at 128 as written at 64: 2 / (1/128 + 1/64). */
    assert_near(mixed->value, 85.333, 0.01);
    assert_string_equal(mixed->binds, "fabric_write");
    assert_non_null(strstr(mixed->formula, "2 / (1 / fabric_read 128 + 1 / fabric_write 64)"));
    tr_machine_destroy(machine);
}

/* --- nodes ----------------------------------------------------------------------------------- */

static struct tr_machine *partitioned(const char *shape, const char *nps) {
    struct tr_machine *machine = machine_from(shape, NULL);
    machine->platform = (struct tr_platform *)tr_platform_by_name("AMD EPYC 9654");
    machine->cpu.vendor = strdup("AMD");
    free(machine->settings.nps);
    machine->settings.nps = strdup(nps);
    assert_int_equal(tr_machine_update_limits(machine), 0);
    return machine;
}

static void channels_of_a_node(void **state) {
    (void)state;
    struct tr_machine *machine = partitioned("synthetic:pack:2 numa:4 l3:3 core:8 pu:1", "NPS4");
    assert_near(limit_at(machine, "dram", TR_PLACE_NODE, 7)->value, 115.2, 0.05);
    assert_near(limit_at(machine, "fabric_read", TR_PLACE_NODE, 7)->value, 172.8, 0.05);
    assert_near(limit_at(machine, "memory_read", TR_PLACE_NODE, 7)->value, 115.2, 0.05);
    tr_machine_destroy(machine);
    /* A node that is an L3 group owns no channels. */
    machine = partitioned("synthetic:pack:1 numa:12 l3:1 core:8 pu:1", "L3 as NUMA");
    assert_null(limit_at(machine, "dram", TR_PLACE_NODE, 0));
    assert_null(limit_at(machine, "memory_read", TR_PLACE_NODE, 0));
    tr_machine_destroy(machine);
    machine = partitioned("synthetic:pack:1 numa:4 l3:1 core:8 pu:1", "NPS4 or L3 as NUMA");
    assert_null(limit_at(machine, "dram", TR_PLACE_NODE, 0));
    tr_machine_destroy(machine);
}

/* --- what must not be made up ---------------------------------------------------------------- */

static void no_input_no_limit(void **state) {
    (void)state;
    struct tr_machine *machine = machine_from("synthetic:pack:2 l3:4 core:8 pu:1", NULL);
    assert_int_equal(machine->n_limits, 0);
    tr_machine_destroy(machine);
    /* Channels without speed, speed without channels, dies without clock. */
    static const struct tr_overrides given[] = {{.channels = 8}, {.mts = 4800}, {.ccds = 4}};
    for (size_t i = 0; i < 3; i++) {
        machine = machine_from("synthetic:pack:2 l3:4 core:8 pu:1", &given[i]);
        assert_int_equal(machine->n_limits, 0);
        tr_machine_destroy(machine);
    }
}

static void intel_has_no_fabric(void **state) {
    (void)state;
    struct tr_machine *machine =
        product("Intel Core i5-1335U", "synthetic:pack:1 l3:1 core:10 pu:1",
                &(struct tr_overrides){.fclk_mhz = 2000, .ccds = 2});
    assert_null(limit_at(machine, "fabric_read", TR_PLACE_MACHINE, 0));
    assert_non_null(limit_at(machine, "dram", TR_PLACE_MACHINE, 0));
    assert_string_equal(machine_limit(machine, "memory_mixed")->binds, "dram");
    tr_machine_destroy(machine);
}

static void a_host_s_limit_rates_nothing(void **state) {
    (void)state;
    struct tr_machine *machine =
        product("AMD EPYC 9654", "synthetic:pack:1 l3:1 core:4 pu:1", NULL);
    machine->environment.virtual_machine = true;
    /* A module of a hypervisor that has no speed is no channel either. */
    machine->memory.basis = strdup("smbios");
    machine->memory.channels_populated = 1;
    assert_int_equal(tr_machine_update_limits(machine), 0);
    assert_true(machine_limit(machine, "dram")->host_only);
    assert_near(machine_limit(machine, "dram")->value, 460.8, 0.05);
    /* Its L3 groups are made up: the catalogue's dies count, and no single one is told. */
    assert_near(machine_limit(machine, "fabric_read")->value, 691.2, 0.05);
    assert_true(machine_limit(machine, "fabric_read")->host_only);
    assert_true(machine_limit(machine, "memory_read")->host_only);
    assert_null(limit_at(machine, "fabric_read", TR_PLACE_CCD, 0));
    machine->memory.configured_mts = 4800;
    assert_int_equal(tr_machine_update_limits(machine), 0);
    assert_near(machine_limit(machine, "dram")->value, 38.4, 0.05);
    assert_true(machine_limit(machine, "dram")->host_only);
    assert_false(machine_limit(machine, "dram")->hard);
    tr_machine_destroy(machine);
}

static void weakest_input_names_the_basis(void **state) {
    (void)state;
    struct tr_machine *machine =
        product("AMD EPYC 9654", "synthetic:pack:1 l3:12 core:8 pu:1", NULL);
    machine->memory.basis = strdup("smbios");
    machine->memory.channels_populated = 9;
    machine->memory.channels_present = 12;
    machine->memory.configured_mts = 4800;
    assert_int_equal(tr_machine_update_limits(machine), 0);
    assert_near(machine_limit(machine, "dram")->value, 345.6, 0.05);
    assert_near(machine_limit(machine, "dram_all_channels")->value, 460.8, 0.05);
    assert_true(machine_limit(machine, "dram")->hard);
    assert_string_equal(machine_limit(machine, "dram")->basis, "smbios");
    assert_false(machine_limit(machine, "memory_read")->hard); /* FCLK is the catalogue's */
    machine->overrides.mts = 5200;
    assert_int_equal(tr_machine_update_limits(machine), 0);
    assert_string_equal(machine_limit(machine, "dram")->basis, "user");
    assert_false(machine_limit(machine, "dram")->hard);
    tr_machine_destroy(machine);
}

/* --- cores x FLOP per cycle x clock ---------------------------------------------------------- */

static void allow(struct tr_machine *machine, const char *uarch, enum tr_isa up_to) {
    free(machine->cpu.uarch);
    machine->cpu.uarch = strdup(uarch);
    for (int i = 0; i <= (int)up_to; i++)
        machine->cpu.levels[i] = (struct tr_isa_state){.available = true};
}

static void flop_of_products(void **state) {
    (void)state;
    struct tr_machine *machine = machine_from("synthetic:pack:1 l3:2 core:8 pu:2", NULL);
    allow(machine, "zen5", TR_ISA_AVX512);
    assert_int_equal(tr_machine_add_flop_limits(machine, 4.3), 0);
    const struct tr_limit *f32 = machine_limit(machine, "flop_f32_avx512");
    assert_near(f32->value, 16 * 64 * 4.3, 0.05);
    assert_near(machine_limit(machine, "flop_f64_avx512")->value, 16 * 32 * 4.3, 0.05);
    assert_near(machine_limit(machine, "flop_f32_avx2")->value, 16 * 32 * 4.3, 0.05);
    assert_near(machine_limit(machine, "flop_f64_sse2")->value, 16 * 8 * 4.3, 0.05);
    assert_string_equal(f32->formula, "16 cores x 64 FLOP/cycle x 4.3 GHz");
    assert_string_equal(f32->basis, "measured_clock");
    assert_string_equal(f32->unit, "GFLOP/s");
    assert_true(f32->hard);
    /* Again with another clock replaces; other limits computed anew keep what was measured. */
    size_t n = machine->n_limits;
    assert_int_equal(tr_machine_add_flop_limits(machine, 4.0), 0);
    assert_int_equal(machine->n_limits, n);
    assert_int_equal(tr_machine_update_limits(machine), 0);
    assert_near(machine_limit(machine, "flop_f32_avx512")->value, 16 * 64 * 4.0, 0.05);
    tr_machine_destroy(machine);
}

/* Types beyond f64 and f32 need a CPU flag each; without any flags (a part known by its name) the
 * micro-architecture alone decides. */
static void flop_of_other_types(void **state) {
    (void)state;
    struct tr_machine *machine = machine_from("synthetic:pack:1 core:2 pu:1", NULL);
    allow(machine, "golden_cove_spr", TR_ISA_AMX);
    for (size_t i = 0; i < machine->cpu.n_isa; i++)
        free(machine->cpu.isa[i]);
    machine->cpu.n_isa = 0;
    assert_int_equal(tr_machine_add_flop_limits(machine, 3.0), 0);
    assert_near(machine_limit(machine, "flop_f16_avx512")->value, 2 * 128 * 3.0, 0.05);
    assert_near(machine_limit(machine, "flop_bf16_avx512")->value, 2 * 32 * 3.0, 0.05);
    assert_near(machine_limit(machine, "flop_i8_avx2")->value, 2 * 128 * 3.0, 0.05);
    assert_near(machine_limit(machine, "flop_bf16_amx")->value, 2 * 1024 * 3.0, 0.05);
    const struct tr_limit *i8 = machine_limit(machine, "flop_i8_amx");
    assert_near(i8->value, 2 * 2048 * 3.0, 0.05);
    assert_string_equal(i8->unit, "Gop/s");
    assert_string_equal(i8->formula, "2 cores x 2048 op/cycle x 3 GHz");
    tr_machine_destroy(machine);

    machine = machine_from("synthetic:pack:1 core:2 pu:1", NULL);
    allow(machine, "golden_cove_spr", TR_ISA_AVX512);
    char *flags[] = {strdup("avx512_vnni")}, **before = machine->cpu.isa;
    size_t n_before = machine->cpu.n_isa;
    machine->cpu.isa = flags;
    machine->cpu.n_isa = 1;
    assert_int_equal(tr_machine_add_flop_limits(machine, 3.0), 0);
    assert_near(machine_limit(machine, "flop_i8_avx512")->value, 2 * 256 * 3.0, 0.05);
    static const char *const absent[] = {"flop_f16_avx512", "flop_i8_amx"};
    for (size_t i = 0; i < 2; i++)
        assert_null(
            tr_limit_find(machine->limits, machine->n_limits, absent[i], TR_PLACE_MACHINE, 0));
    machine->cpu.isa = before;
    machine->cpu.n_isa = n_before;
    free(flags[0]);
    tr_machine_destroy(machine);
}

static void datapath_of_256_bits(void **state) {
    (void)state;
    struct tr_machine *machine = machine_from("synthetic:pack:1 l3:1 core:4 pu:1", NULL);
    allow(machine, "zen5", TR_ISA_AVX512);
    machine->cpu.fp512_datapath = 0;
    assert_int_equal(tr_machine_add_flop_limits(machine, 4.0), 0);
    assert_near(machine_limit(machine, "flop_f32_avx512")->value, 4 * 32 * 4.0, 0.05);
    /* A hypervisor's leaf is no proof: a hard limit must not be too low. */
    machine->environment.virtual_machine = true;
    assert_int_equal(tr_machine_add_flop_limits(machine, 4.0), 0);
    assert_near(machine_limit(machine, "flop_f32_avx512")->value, 4 * 64 * 4.0, 0.05);
    tr_machine_destroy(machine);
}

static void flop_of_hybrid_parts(void **state) {
    (void)state;
    struct tr_machine *machine = machine_from("synthetic:pack:1 l3:1 core:10 pu:1", NULL);
    const struct tr_flop_clock clock = {4.6, 3.4, "measured_clock", NULL};
    allow(machine, "raptor_cove", TR_ISA_AVX2);
    machine->cpu.uarch_efficiency = strdup("gracemont");
    for (size_t i = 0; i < 10; i++)
        machine->cores[i].kind = i < 2 ? "performance" : "efficiency";
    assert_int_equal(tr_machine_add_flop_limits_at(machine, TR_PLACE_MACHINE, 0, &clock), 0);
    assert_int_equal(tr_machine_add_flop_limits_at(machine, TR_PLACE_CORE, 0, &clock), 0);
    assert_int_equal(tr_machine_add_flop_limits_at(machine, TR_PLACE_CORE, 9, &clock), 0);
    assert_near(machine_limit(machine, "flop_f32_avx2")->value, 729.6, 0.05);
    assert_near(limit_at(machine, "flop_f32_avx2", TR_PLACE_CORE, 0)->value, 147.2, 0.05);
    assert_near(limit_at(machine, "flop_f32_avx2", TR_PLACE_CORE, 9)->value, 54.4, 0.05);
    assert_null(limit_at(machine, "flop_f32_avx512", TR_PLACE_MACHINE, 0));
    tr_machine_destroy(machine);
}

static void flop_needs_a_known_core(void **state) {
    (void)state;
    struct tr_machine *machine = machine_from("synthetic:pack:1 core:4 pu:1", NULL);
    machine->cpu.levels[TR_ISA_SSE2].available = true;
    assert_int_equal(tr_machine_add_flop_limits(machine, 4.0), 0);
    assert_int_equal(machine->n_limits, 0);
    allow(machine, "zen4", TR_ISA_AVX512);
    assert_int_equal(tr_machine_add_flop_limits(machine, NAN), 0);
    assert_int_equal(machine->n_limits, 0);
    tr_machine_destroy(machine);
}

/* --- recorded firmware tables ---------------------------------------------------------------- */

static void check_recorded(const json_t *row, const char *name, const char *field) {
    char *folder = NULL;
    assert_true(asprintf(&folder, "smbios/%s", json_string_value(json_object_get(row, "machine"))) >
                0);
    char *path = recorded_data(folder);
    const json_t *expected = json_object_get(row, field);
    assert_non_null(path);
    struct tr_machine *machine = machine_from(path, NULL);
    const struct tr_limit *limit = limit_at(machine, name, TR_PLACE_MACHINE, 0);
    if (json_is_null(expected)) {
        assert_null(limit);
    } else {
        if (!limit)
            fail_msg("%s has no limit %s", folder, name);
        assert_near(limit->value, json_number_value(expected), 0.05);
        assert_string_equal(limit->basis, "smbios");
        assert_true(limit->hard);
    }
    tr_machine_destroy(machine);
    free(path);
    free(folder);
}

static void recorded_tables(void **state) {
    (void)state;
    char *list = recorded_data("smbios/expected.json");
    if (!list)
        skip();
    json_t *rows = json_load_file(list, 0, NULL);
    size_t i;
    json_t *row;
    assert_true(json_array_size(rows) > 0);
    json_array_foreach(rows, i, row) {
        check_recorded(row, "dram", "dram_limit_gb_s");
        check_recorded(row, "dram_all_channels", "dram_limit_all_channels_gb_s");
    }
    json_decref(rows);
    free(list);
}

/* Names of the slots that tell no channels: still, four modules are in four channels at most. */
static void modules_bound_the_channels(void **state) {
    (void)state;
    struct tr_machine *machine = machine_from_data("smbios/server-few-modules");
    const struct tr_limit *limit = machine_limit(machine, "dram");
    assert_near(limit->value, 4 * 8 * 4.4, 0.001);
    assert_string_equal(limit->formula, "4 channels x 8 B x 4.4 GT/s");
    assert_string_equal(limit->basis, "catalogue");
    assert_false(limit->hard);
    assert_near(machine_limit(machine, "dram_all_channels")->value, 16 * 8 * 4.4, 0.001);
    assert_near(machine_limit(machine, "memory_read")->value, 4 * 8 * 4.4, 0.001);
    machine->memory.modules[0].data_width_bits = 32; /* as some firmware has it for DDR5 */
    assert_int_equal(tr_machine_update_limits(machine), 0);
    assert_near(machine_limit(machine, "dram")->value, 4 * 8 * 4.4, 0.001);
    machine->overrides.channels = 8; /* who gives the number knows it */
    assert_int_equal(tr_machine_update_limits(machine), 0);
    assert_near(machine_limit(machine, "dram")->value, 16 * 8 * 4.4, 0.001);
    machine->overrides.channels = 0;
    machine->memory.modules[0].data_width_bits = -1; /* a hypervisor's */
    assert_int_equal(tr_machine_update_limits(machine), 0);
    assert_near(machine_limit(machine, "dram")->value, 16 * 8 * 4.4, 0.001);
    tr_machine_destroy(machine);
    machine = machine_from_data("smbios/server-numbered-slots");
    assert_near(machine_limit(machine, "dram")->value, 16 * 8 * 4.4, 0.001);
    tr_machine_destroy(machine);
}

/* Caches: 2 x 64 B a cycle from L1 and 64 from L2 of a core of Zen 5, asked for by name alone. */
static void caches_by_bytes_per_cycle(void **state) {
    (void)state;
    struct tr_machine *machine = product("AMD Ryzen 9 9950X", "synthetic:pack:1 l3:2 core:8 pu:1",
                                         &(struct tr_overrides){0});
    struct tr_flop_clock clock = {
        .performance_ghz = 5, .efficiency_ghz = NAN, .basis = "measured_clock"};
    free(machine->cpu.uarch);
    machine->cpu.uarch = strdup("zen5");
    machine->cpu.levels[TR_ISA_SSE2].available = true;
    assert_int_equal(tr_machine_add_flop_limits_at(machine, TR_PLACE_CORE, 3, &clock), 0);
    assert_null(limit_at(machine, "l1_read", TR_PLACE_CORE, 3));
    clock.only = "l1_read";
    assert_int_equal(tr_machine_add_flop_limits_at(machine, TR_PLACE_CORE, 3, &clock), 0);
    const struct tr_limit *limit = limit_at(machine, "l1_read", TR_PLACE_CORE, 3);
    assert_non_null(limit);
    assert_near(limit->value, 640, 1e-6);
    assert_string_equal(limit->unit, "GB/s");
    assert_non_null(strstr(limit->formula, "128 B/cycle"));
    tr_machine_destroy(machine);
}

/* A CCD of a 9950X has one link of 32 B: 57.6 GB/s take 1.8 GHz. */
static void one_ccd_bounds_the_fabric_clock(void **state) {
    (void)state;
    static const struct {
        double fclk_mhz, read_gb_s;
        const char *doubt;
    } rows[] = {
        {0, 57.6, NULL},                      /* nothing was claimed */
        {2000, 60.0, NULL},                   /* 94% of 64 */
        {1800, 59.4, "at least 1.856 GHz"},   /* 3.1% above 57.6 */
        {1800, 58.9, NULL},                   /* 2.3% above: within the tolerance */
        {2133, 54.0, "setting not applied?"}, /* 79% of 68.3, while DRAM gives 89.6 */
        {2800, 70.0, NULL},                   /* 78% of 89.6: DRAM is as likely the limit */
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tr_overrides given = {.fclk_mhz = rows[i].fclk_mhz};
        struct tr_machine *machine =
            product("AMD Ryzen 9 9950X", "synthetic:pack:1 l3:2 core:8 pu:1", &given);
        char *doubt = NULL;
        assert_int_equal(tr_machine_bound_fclk(machine, 1, rows[i].read_gb_s, &doubt), 0);
        assert_near(machine->clocks.fclk_at_least_ghz, rows[i].read_gb_s / 32, 1e-9);
        if (!rows[i].doubt && doubt)
            fail_msg("row %zu: %s", i, doubt);
        if (rows[i].doubt && (!doubt || !strstr(doubt, rows[i].doubt)))
            fail_msg("row %zu: %s", i, doubt ? doubt : "no doubt");
        free(doubt);
        tr_machine_destroy(machine);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(modules_bound_the_channels),
        cmocka_unit_test(caches_by_bytes_per_cycle),
        cmocka_unit_test(one_ccd_bounds_the_fabric_clock),
        cmocka_unit_test(dram_of_products),
        cmocka_unit_test(formula_has_the_numbers),
        cmocka_unit_test(fabric_of_products),
        cmocka_unit_test(fabric_of_one_ccd),
        cmocka_unit_test(fabric_counts_dies_not_l3_groups),
        cmocka_unit_test(nine_narrow_ccds),
        cmocka_unit_test(binding_minima),
        cmocka_unit_test(channels_of_a_node),
        cmocka_unit_test(no_input_no_limit),
        cmocka_unit_test(intel_has_no_fabric),
        cmocka_unit_test(a_host_s_limit_rates_nothing),
        cmocka_unit_test(weakest_input_names_the_basis),
        cmocka_unit_test(flop_of_products),
        cmocka_unit_test(flop_of_other_types),
        cmocka_unit_test(datapath_of_256_bits),
        cmocka_unit_test(flop_of_hybrid_parts),
        cmocka_unit_test(flop_needs_a_known_core),
        cmocka_unit_test(recorded_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
