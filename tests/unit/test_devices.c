/* GPUs and accelerators of a recording, and how fast memory modules may run where they sit. */
#include <jansson.h>

#include "machine_json.h"
#include "machines.h"
#include "parts.h"
#include "strbuf.h"

static void devices_of_a_recording(void **state) {
    (void)state;
    struct tr_machine *machine = machine_from_data("capture/gpus");
    assert_int_equal(machine->n_devices, 3); /* the network card is none */
    const struct tr_device *gpu = &machine->devices[0], *console = &machine->devices[1];
    const struct tr_device *card = &machine->devices[2];
    assert_string_equal(gpu->kind, "GPU");
    assert_string_equal(gpu->vendor, "NVIDIA");
    assert_string_equal(gpu->name, "GB202 [GeForce RTX 5090]");
    assert_string_equal(gpu->accelerator, "GeForce RTX 5090");
    assert_string_equal(gpu->bus_id, "0000:01:00.0");
    assert_string_equal(gpu->os_names, "card1, renderD128");
    assert_int_equal(gpu->vendor_id, 0x10de);
    assert_int_equal(gpu->device_id, 0x2b85);
    assert_int_equal(gpu->node, 0);
    assert_true(gpu->link_gt_per_s == 2.5 && gpu->link_max_gt_per_s == 32);
    assert_int_equal(gpu->link_width, 8);
    assert_int_equal(gpu->link_max_width, 16);
    assert_string_equal(console->kind, "display adapter");
    assert_string_equal(console->vendor, "ASPEED");
    assert_null(console->name);
    assert_true(isnan(console->link_gt_per_s) && isnan(console->link_max_gt_per_s));
    assert_int_equal(console->link_width, -1);
    assert_string_equal(card->kind, "accelerator");
    assert_int_equal(card->node, 1); /* sysfs says -1, hwloc where it hangs */
    assert_null(card->accelerator);
    tr_machine_destroy(machine);
}

static void devices_in_json(void **state) {
    (void)state;
    struct tr_machine *machine = machine_from_data("capture/gpus");
    json_t *object = NULL;
    assert_int_equal(tr_machine_to_json(machine, &object), 0);
    json_t *devices = json_object_get(object, "devices"), *gpu = json_array_get(devices, 0);
    assert_int_equal(json_array_size(devices), 3);
    assert_true(json_number_value(json_object_get(gpu, "link_max_gt_per_s")) == 32);
    assert_true(json_integer_value(json_object_get(gpu, "link_width")) == 8);
    assert_string_equal(json_string_value(json_object_get(gpu, "accelerator")), "GeForce RTX 5090");
    assert_true(json_is_null(json_object_get(json_array_get(devices, 1), "link_width")));
    json_decref(object);
    tr_machine_destroy(machine);
}

/* A capture keeps devices, and leaves out addresses of network cards. */
static void devices_survive_a_capture(void **state) {
    (void)state;
    struct tr_machine *machine = machine_from_data("capture/gpus"), *again;
    char folder[] = "devices-XXXXXX", *path;
    struct tr_err err = {0};
    assert_non_null(mkdtemp(folder));
    if (tr_machine_capture(machine, folder, false, &err))
        fail_msg("%s", err.text);
    path = tr_format("grep -q 02:00:00:00:00:01 %s/topology.xml", folder);
    assert_int_not_equal(system(path), 0);
    free(path);
    again = machine_from(folder, NULL);
    assert_int_equal(again->n_devices, machine->n_devices);
    assert_string_equal(again->devices[0].accelerator, "GeForce RTX 5090");
    assert_int_equal(again->devices[0].link_max_width, 16);
    tr_machine_destroy(again);
    tr_machine_destroy(machine);
    path = tr_format("rm -r %s", folder);
    assert_int_equal(system(path), 0);
    free(path);
}

/* --- memory population ----------------------------------------------------------------------- */

/* Recorded machines: speed that is expected, and the verdict on the one that is configured. */
static void population_of_recordings(void **state) {
    (void)state;
    static const struct {
        const char *name;
        int per_channel, platform_mts, population_mts, expected_mts;
        const char *verdict;
    } rows[] = {
        {"ryzen-7950x-4-modules-3600", 2, 5200, 3600, 3600, "as specified"},
        {"ryzen-7950x3d-1-module", 1, 5200, 5200, 4800, "as specified"},
        {"ryzen-9950x-2-modules-6000", 1, 5600, 5600, 5600, "above specification"},
        {"threadripper-7980x-5200", 1, 5200, -1, 5200, "as specified"},
        {"epyc-9454p-9-of-12", 1, 4800, 4800, 4800, "as specified"},
        /* The firmware does not tell the type: it is what the processor takes. */
        {"epyc-2x9124-16-of-24", 1, 4800, 4800, 4800, "as specified"},
        {"epyc-2x7763-16-of-32-slots", 1, 3200, 3200, 3200, "as specified"},
        {"xeon-2x6710e", 1, 5600, -1, 4800, "as specified"},
        {"core-i5-1335u-ddr4", 1, -1, 3200, 3200, "as specified"},
        /* In no list of its maker: the row is what machines tell of it. */
        {"xeon-2x8488c-1-module", 1, 4800, 4800, 4800, "as specified"},
        {"ryzen-7840u-lpddr5-4x32bit", -2, 7500, -1, 7500, "below specification"},
        {"smbios-without-memory", -1, -1, -1, -1, NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *name = tr_format("smbios/%s", rows[i].name), *path = recorded_data(name);
        free(name);
        if (!path)
            skip();
        struct tr_machine *machine = machine_from(path, NULL);
        const struct tr_population *found = &machine->memory.population;
        if ((rows[i].per_channel > -2 && found->modules_per_channel != rows[i].per_channel) ||
            found->platform_mts != rows[i].platform_mts ||
            found->population_mts != rows[i].population_mts ||
            found->expected_mts != rows[i].expected_mts ||
            (rows[i].verdict ? !found->verdict || strcmp(found->verdict, rows[i].verdict) != 0
                             : found->verdict != NULL))
            fail_msg("%s: %d a channel, platform %d, population %d, expected %d, %s", rows[i].name,
                     found->modules_per_channel, found->platform_mts, found->population_mts,
                     found->expected_mts, found->verdict ? found->verdict : "-");
        tr_machine_destroy(machine);
        free(path);
    }
}

/* One machine, made by hand: `n` modules on two channels of an AM5 board or of an EPYC. */
static struct tr_machine *with_modules(const char *platform, size_t n, int rank, int rated,
                                       int configured) {
    struct tr_machine *machine = NULL;
    assert_int_equal(tr_machine_create(&machine), 0);
    machine->platform = (struct tr_platform *)tr_platform_by_name(platform);
    assert_non_null(machine->platform);
    machine->memory.basis = strdup("smbios");
    machine->memory.modules = calloc(n, sizeof(struct tr_memory_module));
    machine->memory.n_modules = n;
    for (size_t i = 0; i < n; i++) {
        struct tr_memory_module *module = &machine->memory.modules[i];
        module->type = strdup("DDR5");
        module->channel = strdup(i % 2 ? "P0 B" : "P0 A");
        module->size_bytes = 1 << 30;
        module->rank = rank;
    }
    machine->memory.rated_mts = rated;
    machine->memory.configured_mts = configured;
    assert_int_equal(tr_population_fill(machine), 0);
    return machine;
}

static void population_by_hand(void **state) {
    (void)state;
    static const struct {
        const char *platform;
        size_t n;
        int rank, rated, configured, population_mts;
        const char *verdict, *why;
    } rows[] = {
        {"AMD Ryzen 9 9950X", 2, 1, 5600, 5600, 5600, "as specified", "rated 5600"},
        {"AMD Ryzen 9 9950X", 2, 1, 5600, 4800, 5600, "below specification", "BIOS"},
        {"AMD Ryzen 9 9950X", 4, 1, 5600, 3600, 3600, "as specified", "2 modules a channel 3600"},
        {"AMD Ryzen 9 9950X", 4, 2, 5600, 4800, 3600, "above specification", "EXPO"},
        {"AMD Ryzen 9 9950X", 4, 2, 5600, 2000, 3600, "below specification", "BIOS"},
        {"AMD EPYC 9654", 4, 1, 4800, 4000, 4000, "as specified", "4000"},
        {"AMD EPYC 9654", 4, 2, 4800, 4000, 3600, "above specification", "3600"},
        {"AMD EPYC 9654", 4, -1, 4800, 3600, 3600, "as specified", "3600"}, /* ranks unknown */
        {"AMD EPYC 9755", 2, 2, 6400, 6000, 6000, "as specified", "6000"},
        {"AMD EPYC 9755", 2, 2, 6400, 5592, 6000, "below specification", "6000"},
        {"AMD EPYC 9755", 6, 2, 6400, 5200, -1, "below specification", "platform maximum 6000"},
        {"AMD Ryzen 9 5950X", 4, 2, 3200, 2667, -1, "below specification",
         "the maximum with 2 modules a channel is not known, and may be this"},
        {"AMD Ryzen 9 5950X", 2, 2, 3200, 2667, -1, "below specification", "in the BIOS"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tr_machine *machine = with_modules(rows[i].platform, rows[i].n, rows[i].rank,
                                                  rows[i].rated, rows[i].configured);
        const struct tr_population *found = &machine->memory.population;
        if (found->population_mts != rows[i].population_mts || !found->verdict ||
            strcmp(found->verdict, rows[i].verdict) != 0 || !strstr(found->why, rows[i].why))
            fail_msg("row %zu: population %d, %s: %s", i, found->population_mts,
                     found->verdict ? found->verdict : "-", found->why ? found->why : "-");
        assert_int_equal(found->population_mts > 0, found->source != NULL);
        tr_machine_destroy(machine);
    }
    struct tr_machine *machine = with_modules("AMD Ryzen 9 9950X", 2, 1, -1, -1);
    assert_null(machine->memory.population.verdict);
    tr_machine_destroy(machine);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(devices_of_a_recording),    cmocka_unit_test(devices_in_json),
        cmocka_unit_test(devices_survive_a_capture), cmocka_unit_test(population_of_recordings),
        cmocka_unit_test(population_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
