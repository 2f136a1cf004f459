/* Temperatures, power, throttling, and the memory controllers' driver as a second witness. */
#include <errno.h>
#include <jansson.h>

#include "hsmp.h"
#include "machine_json.h"
#include "recording.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

static void heat_and_power_by_hsmp(void **state) {
    (void)state;
    struct tr_machine *machine = machine_from_data("clocks/epyc");
    const struct tr_sensors *found = &machine->sensors;
    assert_near(found->cpu_celsius, 54.5, 1e-9); /* not the disk's 90 */
    assert_true(isnan(found->cpu_limit_celsius));
    assert_string_equal(found->cpu_sensor, "k10temp");
    assert_near(found->memory_celsius, 44, 1e-9);
    assert_near(found->memory_limit_celsius, 85, 1e-9);
    assert_string_equal(found->memory_sensor, "spd5118");
    assert_near(found->power_w, 95.5 + 88.25, 1e-9);
    assert_near(found->power_limit_w, 400, 1e-9);
    assert_near(found->power_limit_max_w, 480, 1e-9);
    assert_true(isnan(found->power_short_limit_w));
    assert_string_equal(found->power_basis, "hsmp");
    assert_near(found->core_limit_ghz, 3.5, 1e-9); /* of the slower package, with its reason */
    assert_string_equal(found->core_limit_reason, "package power (PPT)");
    assert_int_equal(found->prochot, 0);
    assert_int_equal(found->core_throttle_events, -1);
    assert_int_equal(found->corrected_errors, 0);
    assert_no_note(machine, "Memory errors");
    tr_machine_destroy(machine);
}

static void heat_and_power_by_powercap(void **state) {
    (void)state;
    struct tr_machine *machine = machine_from_data("clocks/xeon");
    const struct tr_sensors *found = &machine->sensors;
    assert_near(found->cpu_celsius, 97, 1e-9);
    assert_near(found->cpu_limit_celsius, 100, 1e-9);
    assert_note(machine, "close to its limit of 100");
    assert_near(found->power_limit_w, 250, 1e-9);
    assert_near(found->power_short_limit_w, 420, 1e-9);
    assert_near(found->power_limit_max_w, 350, 1e-9);
    assert_note(machine, "limited to 250 W together, 350 W");
    assert_true(isnan(found->power_w));
    assert_near(found->energy_j, 5, 1e-9); /* neither the memory's, nor psys, nor the mmio twin */
    assert_near(found->energy_wrap_j, 262143.32885, 1e-6);
    /* Cores by their first CPU, the package once. */
    assert_int_equal(found->core_throttle_events, 0 + 1 + 2 + 3);
    assert_int_equal(found->package_throttle_events, 7);
    assert_near(found->uncore_ghz, 1.5, 1e-9);
    assert_int_equal(found->prochot, -1);
    tr_machine_destroy(machine);
}

static void too_hot(void **state) {
    (void)state;
    /* Reason bits: cHTC and PROCHOT; what is worse is named. 3 << 16 | 3 would be 3 MHz. */
    const struct recorded_file files[] = {{"/dev/hsmp", "0 0x0b 1\n0 0x19 52428803\n", 0}};
    struct tr_machine *machine = recording_load("clocks/epyc", files, N(files), NULL);
    assert_int_equal(machine->sensors.prochot, 1);
    assert_near(machine->sensors.core_limit_ghz, 0.8, 1e-9);
    assert_string_equal(machine->sensors.core_limit_reason, "overheated (PROCHOT)");
    assert_note(machine, "PROCHOT");
    tr_machine_destroy(machine);
}

static void sensors_that_are_not_fitted(void **state) {
    (void)state;
    const struct recorded_file files[] = {
        {"/sys/class/hwmon/hwmon0/name", "k10temp\n", 0},
        {"/sys/class/hwmon/hwmon0/temp1_input", "0\n", 0},
        {"/sys/class/hwmon/hwmon0/temp2_input", "255000\n", 0},
        {"/sys/class/hwmon/hwmon0/temp3_input", "-5000\n", 0},
        {"/sys/class/hwmon/hwmon0/temp4_input", "n/a\n", 0},
        {"/sys/class/hwmon/hwmon0/temp5_max", "60000\n", 0},
    };
    struct tr_machine *machine = recording_load("clocks/ryzen", files, N(files), NULL);
    assert_true(isnan(machine->sensors.cpu_celsius));
    assert_null(machine->sensors.cpu_sensor);
    tr_machine_destroy(machine);
}

/* The real device, if there is one, gets no message that sets anything. */
static void only_questions_are_sent(void **state) {
    (void)state;
    static const uint32_t settings[] = {0x05, 0x08, 0x09, 0x0c, 0x0d, 0x0e, 0x12,
                                        0x1f, 0x20, 0x21, 0x22, 0x00, 0xff};
    for (size_t i = 0; i < N(settings); i++) {
        struct tr_hsmp_request requests[] = {{.message = 0x0f, .n_words = 2},
                                             {.message = settings[i], .n_words = 1}};
        assert_int_equal(tr_hsmp_ask(requests, 2), EINVAL);
    }
}

/* --- EDAC ------------------------------------------------------------------------------------ */

static void population_by_ranks(void **state) {
    (void)state;
    struct tr_machine *machine = machine_from_data("clocks/epyc");
    const struct tr_memory *memory = &machine->memory;
    assert_int_equal(machine->edac.controllers, 2);
    assert_int_equal(machine->edac.modules, 6);
    assert_near(machine->edac.channels, 6, 1e-9);
    assert_int_equal(machine->edac.total_bytes, INT64_C(192) << 30);
    assert_string_equal(machine->edac.mode, "S16ECD16ED");
    assert_string_equal(machine->edac.driver, "F19h_M10h");
    assert_string_equal(memory->basis, "edac");
    assert_int_equal(memory->n_modules, 6);
    assert_int_equal(memory->modules[0].size_bytes, INT64_C(32) << 30);
    assert_string_equal(memory->modules[0].type, "DDR5");
    assert_string_equal(memory->modules[5].channel, "MC1 CH2");
    assert_int_equal(memory->modules[5].package, 1);
    assert_near(memory->channels_populated, 6, 1e-9);
    assert_true(isnan(memory->channels_present));
    assert_int_equal(memory->configured_mts, -1);
    assert_note(machine, "Speed and empty slots of the memory are unknown");
    tr_machine_destroy(machine);
}

static void population_by_modules(void **state) {
    (void)state;
    struct tr_machine *machine = machine_from_data("clocks/xeon");
    assert_int_equal(machine->edac.modules, 3);
    assert_near(machine->edac.channels, 3, 1e-9);
    assert_string_equal(machine->memory.basis, "edac");
    assert_string_equal(machine->memory.modules[2].locator, "CPU_SrcID#0_MC#1_Chan#0_DIMM#0");
    assert_int_equal(machine->memory.modules[2].package, 0);
    assert_int_equal(machine->sensors.corrected_errors, 12);
    assert_int_equal(machine->sensors.uncorrected_errors, 0);
    assert_note(machine, "12 corrected, 0 not corrected (most on CPU_SrcID#0_MC#1_Chan#0_DIMM#0)");
    tr_machine_destroy(machine);
}

#define CONTROLLER "/sys/devices/system/edac/mc/mc0"
#define EDAC_MODULE(i, channel)                                                   \
    {CONTROLLER "/dimm" i "/size", "32768\n", 0},                                 \
        {CONTROLLER "/dimm" i "/dimm_mem_type", "Registered-DDR5\n", 0}, {        \
        CONTROLLER "/dimm" i "/dimm_location", "channel " channel " slot 0 \n", 0 \
    }
#define UDEV_MODULE(i, channel)                                                           \
    "E:MEMORY_DEVICE_" i "_LOCATOR=CPU0_DIMM_" channel "1\n"                              \
    "E:MEMORY_DEVICE_" i "_BANK_LOCATOR=NODE 0\nE:MEMORY_DEVICE_" i "_SIZE=34359738368\n" \
    "E:MEMORY_DEVICE_" i "_TYPE=DDR5\nE:MEMORY_DEVICE_" i "_DATA_WIDTH=64\n"              \
    "E:MEMORY_DEVICE_" i "_TOTAL_WIDTH=80\nE:MEMORY_DEVICE_" i "_SPEED_MTS=4800\n"        \
    "E:MEMORY_DEVICE_" i "_CONFIGURED_SPEED_MTS=4800\n"

static void a_module_that_failed(void **state) {
    (void)state;
    const struct recorded_file both[] = {
        {"/run/udev/data/+dmi:id", UDEV_MODULE("0", "A") UDEV_MODULE("1", "B"), 0},
        {CONTROLLER "/mc_name", "Intel_10nm Socket#0 IMC#0\n", 0},
        EDAC_MODULE("0", "0"),
        EDAC_MODULE("2", "1"),
    };
    struct tr_machine *machine = recording_load("clocks/xeon", both, N(both), NULL);
    assert_string_equal(machine->memory.basis, "udev");
    assert_no_note(machine, "EDAC");
    tr_machine_destroy(machine);
    machine = recording_load("clocks/xeon", both, N(both) - 3, NULL);
    assert_string_equal(machine->memory.basis, "udev"); /* the tables count, the note tells */
    assert_near(machine->edac.channels, 1, 1e-9);
    assert_note(machine, "populated memory channels, the memory controllers' driver (EDAC) sees 1");
    tr_machine_destroy(machine);
}

/* Drivers of client parts do not tell how wide a channel is: no count is made up. */
static void channels_of_unknown_width(void **state) {
    (void)state;
    const struct recorded_file files[] = {
        {CONTROLLER "/mc_name", "Intel_client_SoC MC#0\n", 0},
        EDAC_MODULE("0", "0"),
        EDAC_MODULE("1", "1"),
    };
    struct tr_machine *machine = recording_load("clocks/xeon", files, N(files), NULL);
    assert_int_equal(machine->edac.modules, 2);
    assert_true(isnan(machine->edac.channels));
    assert_true(isnan(machine->memory.channels_populated));
    tr_machine_destroy(machine);
}

static void drivers_that_tell_little(void **state) {
    (void)state;
    const struct recorded_file files[] = {
        {CONTROLLER "/mc_name", "ghes_edac\n", 0},
        {CONTROLLER "/dimm0/size", "32768\n", 0},
        {CONTROLLER "/dimm1/size", "nonsense\n", 0},
        {CONTROLLER "/dimm2/dimm_label", "no size\n", 0},
        {"/sys/devices/system/edac/mc/mcx/size_mb", "1\n", 0},
    };
    struct tr_machine *machine = recording_load("clocks/xeon", files, N(files), NULL);
    assert_int_equal(machine->edac.controllers, 1);
    assert_int_equal(machine->edac.modules, 1);
    assert_true(isnan(machine->edac.channels));
    assert_null(machine->edac.mode);
    assert_int_equal(machine->sensors.corrected_errors, -1);
    tr_machine_destroy(machine);
    /* Ranks of which it is not known how they make modules: their sum is all that is told. */
    const struct recorded_file ranks[] = {
        {CONTROLLER "/mc_name", "IE31200\n", 0},
        {CONTROLLER "/rank0/size", "4096\n", 0},
        {CONTROLLER "/rank0/dimm_location", "csrow 0 channel 0 \n", 0},
        {CONTROLLER "/rank1/size", "4096\n", 0},
    };
    machine = recording_load("clocks/xeon", ranks, N(ranks), NULL);
    assert_int_equal(machine->edac.modules, -1);
    assert_int_equal(machine->edac.total_bytes, INT64_C(8) << 30);
    assert_null(machine->memory.basis);
    assert_note(machine, "Memory modules are unknown");
    tr_machine_destroy(machine);
}

/* A capture holds all that these facts came from. */
static void captured_again(void **state) {
    (void)state;
    static const char *const names[] = {"clocks/epyc", "clocks/ryzen", "clocks/xeon", "clocks/apu"};
    static const char *const parts[] = {"clocks", "sensors", "edac", "memory"};
    for (size_t i = 0; i < N(names); i++) {
        char folder[] = "/tmp/tokenroof-sensors-XXXXXX";
        struct tr_err err = {0};
        json_t *was = NULL, *is = NULL;
        struct tr_machine *machine = machine_from_data(names[i]);
        assert_non_null(mkdtemp(folder));
        assert_int_equal(tr_machine_capture(machine, folder, false, &err), 0);
        struct tr_machine *replayed = machine_from(folder, NULL);
        assert_int_equal(tr_machine_to_json(machine, &was), 0);
        assert_int_equal(tr_machine_to_json(replayed, &is), 0);
        for (size_t k = 0; k < N(parts); k++)
            if (!json_equal(json_object_get(was, parts[k]), json_object_get(is, parts[k])))
                fail_msg("%s: %s differs after a capture", names[i], parts[k]);
        json_decref(was);
        json_decref(is);
        tr_machine_destroy(replayed);
        tr_machine_destroy(machine);
        recording_remove(strdup(folder));
    }
}

static void nothing_is_told(void **state) {
    (void)state;
    struct tr_machine *machine = machine_from("synthetic:pack:1 core:2 pu:1", NULL);
    json_t *object = NULL;
    assert_int_equal(machine->edac.controllers, -1);
    assert_int_equal(tr_machine_to_json(machine, &object), 0);
    assert_true(json_is_null(json_object_get(object, "edac")));
    const json_t *sensors = json_object_get(object, "sensors");
    const char *key;
    json_t *value;
    assert_true(json_is_object(sensors));
    json_object_foreach((json_t *)(uintptr_t)sensors, key, value) {
        if (!json_is_null(value))
            fail_msg("%s is not null", key);
    }
    json_decref(object);
    tr_machine_destroy(machine);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heat_and_power_by_hsmp),
        cmocka_unit_test(heat_and_power_by_powercap),
        cmocka_unit_test(too_hot),
        cmocka_unit_test(sensors_that_are_not_fitted),
        cmocka_unit_test(only_questions_are_sent),
        cmocka_unit_test(population_by_ranks),
        cmocka_unit_test(population_by_modules),
        cmocka_unit_test(a_module_that_failed),
        cmocka_unit_test(channels_of_unknown_width),
        cmocka_unit_test(drivers_that_tell_little),
        cmocka_unit_test(captured_again),
        cmocka_unit_test(nothing_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
