/* Clocks from HSMP, ryzen_smu, amdgpu, Intel's uncore and cpufreq, from recordings; a machine with
 * HSMP whose device is replaced at link time. */
#include <errno.h>
#include <jansson.h>

#include "hsmp.h"
#include "machine_json.h"
#include "recording.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

static const struct tr_limit *limit_of(const struct tr_machine *machine, const char *name) {
    const struct tr_limit *limit =
        tr_limit_find(machine->limits, machine->n_limits, name, TR_PLACE_MACHINE, 0);
    if (!limit)
        fail_msg("there is no limit %s", name);
    return limit;
}

/* --- the device, replaced -------------------------------------------------------------------- */

static struct {
    int open_error, message_error;
    uint32_t fclk_mhz, mclk_mhz;
    size_t asked, opened;
    int packages_seen;
} device;

int tr_hsmp_ask(struct tr_hsmp_request *requests, size_t n) {
    device.opened++;
    if (device.open_error)
        return device.open_error;
    for (size_t i = 0; i < n; i++) {
        device.asked++;
        if (requests[i].package >= device.packages_seen)
            device.packages_seen = requests[i].package + 1;
        requests[i].error = device.message_error;
        requests[i].words[0] = requests[i].message == 0x0f ? device.fclk_mhz : 0;
        requests[i].words[1] = requests[i].message == 0x0f ? device.mclk_mhz : 0;
    }
    return 0;
}

static int no_device(void **state) {
    (void)state;
    memset(&device, 0, sizeof(device));
    device.open_error = ENOENT;
    return 0;
}

static void answers_of_this_machine_are_captured(void **state) {
    (void)state;
    char folder[] = "/tmp/tokenroof-hsmp-XXXXXX";
    struct tr_err err = {0};
    device.open_error = 0;
    device.fclk_mhz = 2000;
    device.mclk_mhz = 2600;
    struct tr_machine *machine = machine_from(NULL, NULL);
    if (machine->cpu.vendor && !strcmp(machine->cpu.vendor, "Intel")) {
        assert_int_equal(device.opened, 0); /* nobody asks there */
        tr_machine_destroy(machine);
        skip();
    }
    assert_near(machine->clocks.fclk_ghz, 2.0, 1e-9);
    assert_near(machine->clocks.mclk_ghz, 2.6, 1e-9);
    assert_string_equal(machine->clocks.fclk_basis, "hsmp");
    assert_int_equal(device.opened, 1); /* once at load, for clocks and sensors together */
    assert_int_equal(device.packages_seen, machine->n_packages ? machine->n_packages : 1);
    assert_non_null(mkdtemp(folder));
    assert_int_equal(tr_machine_capture(machine, folder, false, &err), 0);
    device.fclk_mhz = 1; /* a replay does not ask */
    struct tr_machine *replayed = machine_from(folder, NULL);
    assert_near(replayed->clocks.fclk_ghz, 2.0, 1e-9);
    assert_near(replayed->clocks.mclk_ghz, 2.6, 1e-9);
    assert_int_equal(device.opened, 1);
    struct tr_sensors sensors;
    device.fclk_mhz = 2000;
    assert_int_equal(tr_sensors_read(machine, &sensors), 0);
    assert_int_equal(device.opened, 2); /* afresh */
    tr_machine_destroy(replayed);
    tr_machine_destroy(machine);
    recording_remove(strdup(folder));
}

static void a_device_that_does_not_answer(void **state) {
    (void)state;
    device.open_error = 0;
    device.message_error = ETIMEDOUT;
    struct tr_machine *machine = machine_from(NULL, NULL);
    if (device.opened) {
        assert_true(isnan(machine->clocks.fclk_ghz));
        assert_null(machine->clocks.fclk_basis);
        assert_note(machine, "HSMP Support");
    }
    tr_machine_destroy(machine);
    device.open_error = EACCES;
    machine = machine_from(NULL, NULL);
    if (device.opened)
        assert_note(machine, "may not open /dev/hsmp");
    tr_machine_destroy(machine);
    device.open_error = ENOENT;
    machine = machine_from(NULL, NULL);
    assert_no_note(machine, "HSMP does not");
    tr_machine_destroy(machine);
}

/* --- HSMP ------------------------------------------------------------------------------------ */

static void hsmp_of_two_packages(void **state) {
    (void)state;
    struct tr_machine *machine = machine_from_data("clocks/epyc");
    const struct tr_clocks *clocks = &machine->clocks;
    assert_near(clocks->fclk_ghz, 1.8, 1e-9);
    assert_near(clocks->mclk_ghz, 2.4, 1e-9);
    assert_true(isnan(clocks->uclk_ghz));
    assert_near(clocks->ddr_gb_s, 230, 1e-9);
    assert_string_equal(clocks->fclk_basis, "hsmp");
    assert_false(clocks->fclk_may_rise);
    assert_no_note(machine, "abric clock");
    assert_no_note(machine, "theoretical memory bandwidth");
    /* Clock by HSMP, CCDs by the topology: hard, though the width of a link is the catalogue's. */
    const struct tr_limit *fabric = limit_of(machine, "fabric_read");
    assert_string_equal(fabric->basis, "hsmp");
    assert_true(fabric->hard);
    assert_near(fabric->value, 2 * 4 * 2 * 32 * 1.8, 1e-9);
    /* No table tells a speed: 2 x MCLK, and channels by EDAC. */
    const struct tr_limit *dram = limit_of(machine, "dram");
    assert_string_equal(dram->formula, "6 channels x 8 B x 4.8 GT/s");
    assert_string_equal(dram->basis, "edac");
    assert_true(dram->hard);
    tr_machine_destroy(machine);
}

static void a_given_clock_counts(void **state) {
    (void)state;
    char *path = test_data("clocks/epyc");
    struct tr_machine *machine = machine_from(path, &(struct tr_overrides){.fclk_mhz = 2000});
    assert_near(machine->clocks.fclk_ghz, 2.0, 1e-9);
    assert_string_equal(machine->clocks.fclk_basis, "user");
    assert_near(machine->clocks.mclk_ghz, 2.4, 1e-9);
    assert_string_equal(machine->clocks.mclk_basis, "hsmp");
    assert_note(machine, "given fabric clock of 2 GHz contradicts what hsmp reads, 1.8 GHz");
    assert_false(limit_of(machine, "fabric_read")->hard);
    assert_near(limit_of(machine, "fabric_read")->value, 2 * 4 * 2 * 32 * 2.0, 1e-9);
    tr_machine_destroy(machine);
    machine = machine_from(path, &(struct tr_overrides){.fclk_mhz = 1800});
    assert_no_note(machine, "contradicts");
    tr_machine_destroy(machine);
    free(path);
}

/* At rest a fabric may run slower; a limit by that would refuse right results. */
static void a_clock_below_the_usual_one(void **state) {
    (void)state;
    const struct recorded_file files[] = {
        {"/dev/hsmp", "0 0x0f 1200 1600\n1 0x0f 1800 2400\n", 0},
        {"/run/udev/data/+dmi:id",
         "E:MEMORY_DEVICE_0_SIZE=34359738368\nE:MEMORY_DEVICE_0_TYPE=DDR5\n"
         "E:MEMORY_DEVICE_0_DATA_WIDTH=64\nE:MEMORY_DEVICE_0_LOCATOR=DIMM_P0_A0\n",
         0},
    };
    struct tr_machine *machine = recording_load("clocks/epyc", files, N(files), NULL);
    assert_near(machine->clocks.fclk_ghz, 1.2, 1e-9);
    assert_near(machine->clocks.mclk_ghz, 1.6, 1e-9);
    assert_true(machine->clocks.fclk_may_rise);
    assert_note(machine, "clocks differ, 1.2 to 1.8 GHz");
    assert_note(machine, "usual one is 1.8");
    const struct tr_limit *fabric = limit_of(machine, "fabric_read");
    assert_string_equal(fabric->basis, "hsmp");
    assert_false(fabric->hard);
    assert_string_equal(limit_of(machine, "dram")->basis, "udev");
    assert_near(limit_of(machine, "dram")->value, 8 * 3.2, 1e-9);
    assert_false(limit_of(machine, "dram")->hard);
    assert_false(limit_of(machine, "memory_read")->hard);
    tr_machine_destroy(machine);
}

static void answers_that_are_none(void **state) {
    (void)state;
    static const char *const texts[] = {
        "0 0x0f 1800\n",
        "0 0x0f 1800 2400 7\n",
        "0 0x0f\n",
        "0 0x0f 1800 x\n",
        "banana\n",
        "9999 0x0f 1800 2400\n",
        "0 zz 1800 2400\n",
        "0 0x0f -1 2400\n",
        "0 0x0f 99999999999 1\n",
        "0 0x0f error\n",
        "0 0x0f 0 0\n",
    };
    for (size_t i = 0; i < N(texts); i++) {
        const struct recorded_file files[] = {{"/dev/hsmp", texts[i], 0}};
        struct tr_machine *machine = recording_load("clocks/epyc", files, 1, NULL);
        assert_true(isnan(machine->clocks.fclk_ghz));
        assert_true(isnan(machine->clocks.mclk_ghz));
        assert_null(machine->clocks.fclk_basis);
        if (i + 1 < N(texts)) /* 0 is an answer that tells nothing */
            assert_note(machine, "files/dev/hsmp line 1 is no answer");
        tr_machine_destroy(machine);
    }
    /* Messages of a newer recorder are passed over, as are comments; errors tell why. */
    const struct recorded_file files[] = {
        {"/dev/hsmp", "# comment\n0 0x7e 1 2 3\n0 0x0f error 110\n", 0}};
    struct tr_machine *machine = recording_load("clocks/epyc", files, 1, NULL);
    assert_no_note(machine, "is no answer");
    assert_note(machine, "HSMP Support");
    tr_machine_destroy(machine);
}

/* --- against the firmware's tables ----------------------------------------------------------- */

#define MODULE(i, mts)                                                                      \
    "E:MEMORY_DEVICE_" i "_LOCATOR=DIMM_P0_" i "\nE:MEMORY_DEVICE_" i "_SIZE=34359738368\n" \
    "E:MEMORY_DEVICE_" i "_TYPE=DDR5\nE:MEMORY_DEVICE_" i "_DATA_WIDTH=64\n"                \
    "E:MEMORY_DEVICE_" i "_TOTAL_WIDTH=80\nE:MEMORY_DEVICE_" i "_SPEED_MTS=4800\n"          \
    "E:MEMORY_DEVICE_" i "_CONFIGURED_SPEED_MTS=" mts "\n"

static void memory_clock_against_the_tables(void **state) {
    (void)state;
    struct recorded_file files[] = {
        {"/run/udev/data/+dmi:id", MODULE("0", "4800"), 0},
        {"/dev/hsmp", "0 0x0f 1800 2000\n", 0},
    };
    struct tr_machine *machine = recording_load("clocks/epyc", files, N(files), NULL);
    assert_int_equal(machine->memory.configured_mts, 4800);
    assert_note(machine, "runs at 4800 MT/s, its clock by hsmp is 2 GHz, which makes 4000 MT/s");
    tr_machine_destroy(machine);
    files[1].text = "0 0x0f 1800 2400\n";
    machine = recording_load("clocks/epyc", files, N(files), NULL);
    assert_no_note(machine, "its clock by");
    tr_machine_destroy(machine);
    /* One channel at 2.4 GHz makes 38.4 GB/s, 230 << 20 tells 230. */
    files[1].text = "0 0x0f 1800 2400\n0 0x14 241172480\n";
    machine = recording_load("clocks/epyc", files, N(files), NULL);
    if (machine->memory.channels_populated > 0)
        assert_note(machine, "theoretical memory bandwidth of 230 GB/s; 1 channels");
    tr_machine_destroy(machine);
}

/* --- ryzen_smu ------------------------------------------------------------------------------- */

static void ryzen_smu_table(void **state) {
    (void)state;
    struct tr_machine *machine = machine_from_data("clocks/ryzen");
    const struct tr_clocks *clocks = &machine->clocks;
    assert_near(clocks->fclk_ghz, 1.8, 1e-6);
    assert_near(clocks->uclk_ghz, 0.9, 1e-6);
    assert_near(clocks->mclk_ghz, 1.8, 1e-6);
    assert_string_equal(clocks->fclk_basis, "ryzen_smu");
    assert_string_equal(clocks->mclk_basis, "ryzen_smu");
    assert_true(limit_of(machine, "fabric_read")->hard);
    assert_string_equal(limit_of(machine, "fabric_read")->basis, "ryzen_smu");
    tr_machine_destroy(machine);
}

/* At half the memory's clock the controllers give exactly what the channels do. */
static void the_controllers_are_a_limit(void **state) {
    (void)state;
    struct tr_machine *machine = machine_from_data("clocks/ryzen");
    const struct tr_limit *read = limit_of(machine, "memory_read");
    assert_near(limit_of(machine, "memory_controller")->value, 57.6, 1e-4);
    assert_string_equal(limit_of(machine, "memory_controller")->basis, "ryzen_smu");
    assert_true(limit_of(machine, "memory_controller")->hard);
    assert_non_null(strstr(limit_of(machine, "memory_controller")->formula, "2 channels x 32 B x"));
    assert_non_null(strstr(read->formula, "dram 57.6, memory_controller 57.6, fabric_read"));
    assert_string_equal(read->binds, "dram");
    machine->clocks.uclk_ghz = 0.6;
    assert_int_equal(tr_machine_update_limits(machine), 0);
    read = limit_of(machine, "memory_read");
    assert_string_equal(read->binds, "memory_controller");
    assert_near(read->value, 38.4, 1e-9);
    machine->clocks.uclk_ghz = NAN;
    assert_int_equal(tr_machine_update_limits(machine), 0);
    assert_null(tr_limit_find(machine->limits, machine->n_limits, "memory_controller",
                              TR_PLACE_MACHINE, 0));
    tr_machine_destroy(machine);
}

static void ryzen_smu_of_another_version(void **state) {
    (void)state;
    static const char *const folder = "/sys/kernel/ryzen_smu_drv";
    char version[64], table[64];
    snprintf(version, sizeof(version), "%s/pm_table_version", folder);
    snprintf(table, sizeof(table), "%s/pm_table", folder);
    const struct recorded_file files[] = {{version, "\x04\x01\x54\x00", 4}, {table, "anything", 0}};
    struct tr_machine *machine = recording_load("clocks/ryzen", files, N(files), NULL);
    assert_true(isnan(machine->clocks.fclk_ghz));
    assert_note(machine, "version 0x540104");
    assert_false(limit_of(machine, "fabric_read")->hard);
    tr_machine_destroy(machine);
    /* Known version, but a table that is too short. */
    const struct recorded_file cut[] = {{version, "\x03\x09\x24\x00", 4}, {table, "short", 0}};
    machine = recording_load("clocks/ryzen", cut, N(cut), NULL);
    assert_true(isnan(machine->clocks.fclk_ghz));
    tr_machine_destroy(machine);
    /* Loaded, but the table may not be read. */
    const struct recorded_file unreadable[] = {
        {"/sys/kernel/ryzen_smu_drv/drv_version", "0.1.7\n", 0}};
    machine = recording_load("clocks/ryzen", unreadable, 1, NULL);
    assert_note(machine, "only root may read");
    tr_machine_destroy(machine);
}

/* --- amdgpu ---------------------------------------------------------------------------------- */

static void an_apu_lists_its_fabric(void **state) {
    (void)state;
    struct tr_machine *machine = machine_from_data("clocks/apu");
    assert_near(machine->clocks.fclk_listed_ghz, 2.0, 1e-9); /* not the card's 2.4 */
    assert_true(isnan(machine->clocks.fclk_ghz));
    assert_string_equal(limit_of(machine, "fabric_read")->basis, "catalogue");
    tr_machine_destroy(machine);
}

/* --- Intel, cpufreq -------------------------------------------------------------------------- */

static void uncore_and_core_clocks(void **state) {
    (void)state;
    struct tr_machine *machine = machine_from_data("clocks/xeon");
    const struct tr_clocks *clocks = &machine->clocks;
    assert_near(clocks->uncore_min_ghz, 0.8, 1e-9);
    assert_near(clocks->uncore_max_ghz, 1.6, 1e-9);
    assert_near(clocks->uncore_hw_max_ghz, 2.5, 1e-9);
    assert_note(machine, "faster than 1.6 GHz; at boot it was allowed 2.5 GHz");
    assert_near(clocks->base_ghz, 2.0, 1e-9);
    assert_near(clocks->max_ghz, 3.8, 1e-9);
    assert_near(clocks->capped_ghz, 3.0, 1e-9);
    assert_note(machine, "held to 3 GHz");
    assert_true(isnan(clocks->fclk_ghz));
    tr_machine_destroy(machine);
}

/* The I/O dies of newer parts have an uncore of their own, which feeds no core. */
static void uncore_by_its_parts(void **state) {
    (void)state;
#define PART "/sys/devices/system/cpu/intel_uncore_frequency/uncore"
    const struct recorded_file files[] = {
        {PART "00/agent_types", "core cache memory\n", 0},
        {PART "00/max_freq_khz", "2200000\n", 0},
        {PART "00/initial_max_freq_khz", "2200000\n", 0},
        {PART "03/agent_types", "io\n", 0},
        {PART "03/max_freq_khz", "1000000\n", 0},
        {PART "03/initial_max_freq_khz", "2500000\n", 0},
    };
    struct tr_machine *machine = recording_load("clocks/xeon", files, N(files), NULL);
    assert_near(machine->clocks.uncore_max_ghz, 2.2, 1e-9);
    assert_no_note(machine, "uncore");
    tr_machine_destroy(machine);
}

static void nothing_is_told(void **state) {
    (void)state;
    struct tr_machine *machine = machine_from("synthetic:pack:1 core:2 pu:1", NULL);
    json_t *object = NULL;
    const struct tr_clocks *clocks = &machine->clocks;
    assert_true(isnan(clocks->fclk_ghz) && isnan(clocks->mclk_ghz) && isnan(clocks->ddr_gb_s));
    assert_true(isnan(clocks->uncore_max_ghz) && isnan(clocks->capped_ghz));
    assert_int_equal(tr_machine_to_json(machine, &object), 0);
    const json_t *told = json_object_get(object, "clocks");
    assert_true(json_is_null(json_object_get(told, "fclk_ghz")));
    assert_true(json_is_null(json_object_get(told, "ddr_gb_s")));
    assert_true(json_is_null(json_object_get(told, "mclk_basis")));
    json_decref(object);
    tr_machine_destroy(machine);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(answers_of_this_machine_are_captured, no_device),
        cmocka_unit_test_setup(a_device_that_does_not_answer, no_device),
        cmocka_unit_test(hsmp_of_two_packages),
        cmocka_unit_test(a_given_clock_counts),
        cmocka_unit_test(a_clock_below_the_usual_one),
        cmocka_unit_test(answers_that_are_none),
        cmocka_unit_test(memory_clock_against_the_tables),
        cmocka_unit_test(ryzen_smu_table),
        cmocka_unit_test(the_controllers_are_a_limit),
        cmocka_unit_test(ryzen_smu_of_another_version),
        cmocka_unit_test(an_apu_lists_its_fabric),
        cmocka_unit_test(uncore_and_core_clocks),
        cmocka_unit_test(uncore_by_its_parts),
        cmocka_unit_test(nothing_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
