/* Memory modules and channels: SMBIOS tables (made, recorded, hostile), names of slots, udev. */
#include <test.h>

#include <jansson.h>
#include <math.h>
#include <sys/stat.h>

#include "file.h"
#include "memory_slots.h"
#include "parts.h"
#include "smbios.h"
#include "strbuf.h"

static const double GIB = 1024.0 * 1024 * 1024;

/* --- helpers --------------------------------------------------------------------------------- */

static struct tr_machine *load(const struct tr_source *from, int expected_code) {
    struct tr_machine *machine = calloc(1, sizeof(*machine));
    struct tr_err err = {0};
    assert_non_null(machine);
    machine->private_data = calloc(1, sizeof(*machine->private_data));
    assert_non_null(machine->private_data);
    struct tr_source *source = &machine->private_data->source;
    source->live = from->live;
    source->root = from->root ? strdup(from->root) : NULL;
    source->smbios_dir = from->smbios_dir ? strdup(from->smbios_dir) : NULL;
    source->cpuid_path = from->cpuid_path ? strdup(from->cpuid_path) : NULL;
    assert_int_equal(tr_cpu_fill(machine, source, &err), 0);
    int code = tr_memory_fill(machine, source, &err);
    if (code != expected_code)
        print_error("%s\n", err.text);
    assert_int_equal(code, expected_code);
    return machine;
}

static bool has_note(const struct tr_machine *machine, const char *part) {
    for (size_t i = 0; i < machine->n_notes; i++)
        if (strstr(machine->notes[i], part))
            return true;
    return false;
}

static void check_number(const char *what, double value, const json_t *expected) {
    bool unknown = !expected || json_is_null(expected);
    double wanted = json_number_value(expected);
    if (unknown ? !(isnan(value) || value < 0) : !(fabs(value - wanted) <= 1e-9))
        fail_msg("%s is %g, expected %s%g", what, value, unknown ? "unknown, not " : "", wanted);
}

static void check_machine(const char *folder, const json_t *expected) {
    const char *name = json_string_value(json_object_get(expected, "machine"));
    char *dmi = tr_format("%s/%s/dmi", folder, name);
    struct tr_source source = {.smbios_dir = dmi};
    struct tr_machine *machine = load(&source, 0);
    const struct tr_memory *memory = &machine->memory;
    size_t populated = 0;
    printf("%s\n", name);
    for (size_t i = 0; i < memory->n_modules; i++)
        populated += memory->modules[i].size_bytes != 0;
    check_number("modules", (double)populated, json_object_get(expected, "modules"));
    if (json_integer_value(json_object_get(expected, "slots")) == 0) {
        /* Without memory records everything is unknown, never 0. */
        assert_int_equal(memory->slots, -1);
        assert_true(isnan(memory->channels_populated) && isnan(memory->channels_present));
        assert_int_equal(memory->total_bytes, -1);
        assert_null(memory->basis);
        assert_true(has_note(machine, "Memory modules are unknown"));
    } else {
        assert_string_equal(memory->basis, "smbios");
        check_number("slots", memory->slots, json_object_get(expected, "slots"));
        check_number("total_gib", (double)memory->total_bytes / GIB,
                     json_object_get(expected, "total_gib"));
        check_number("channels_populated", memory->channels_populated,
                     json_object_get(expected, "channels_populated_64bit"));
        check_number("channels_present", memory->channels_present,
                     json_object_get(expected, "channels_present_64bit"));
    }
    check_number("rated_mts", memory->rated_mts, json_object_get(expected, "rated_mts"));
    check_number("configured_mts", memory->configured_mts,
                 json_object_get(expected, "configured_mts"));
    const char *cpu = json_string_value(json_object_get(expected, "cpu"));
    if (json_integer_value(json_object_get(expected, "sockets")) > 0)
        check_number("sockets", machine->firmware.sockets_populated,
                     json_object_get(expected, "sockets"));
    if (json_is_integer(json_object_get(expected, "cores_per_socket")))
        check_number("cores_per_socket", machine->firmware.cores_per_socket,
                     json_object_get(expected, "cores_per_socket"));
    if (cpu)
        assert_string_equal(machine->cpu.model, cpu);
    else
        assert_null(machine->cpu.model);
    tr_machine_destroy(machine);
    free(dmi);
}

/* Checks every machine of <folder>/expected.json; returns their number. */
static size_t check_folder(const char *folder) {
    char *path = tr_format("%s/expected.json", folder);
    json_t *all = json_load_file(path, 0, NULL), *expected;
    size_t i, n = json_array_size(all);
    assert_true(json_is_array(all));
    json_array_foreach(all, i, expected) check_machine(folder, expected);
    json_decref(all);
    free(path);
    return n;
}

static void made_tables(void **state) {
    (void)state;
    char *folder = test_data("smbios");
    assert_int_equal(check_folder(folder), 15);
    free(folder);
}

static void recorded_tables(void **state) {
    (void)state;
    char *folder = recorded_data("smbios");
    if (!folder)
        skip();
    assert_true(check_folder(folder) > 0);
    free(folder);
}

static struct tr_machine *load_made(const char *name) {
    char *path = tr_format("smbios/%s/dmi", name);
    char *dmi = test_data(path);
    struct tr_source source = {.smbios_dir = dmi};
    struct tr_machine *machine = load(&source, 0);
    free(dmi);
    free(path);
    return machine;
}

/* --- single facts ---------------------------------------------------------------------------- */

static void modules_are_told_in_full(void **state) {
    (void)state;
    struct tr_machine *machine = load_made("server-2-sockets-16-of-24");
    const struct tr_memory_module *module = &machine->memory.modules[13];
    assert_string_equal(module->locator, "P2-DIMMB1");
    assert_string_equal(module->bank, "P1_Node0_Channel1_Dimm0");
    assert_string_equal(module->type, "DDR5");
    assert_string_equal(module->manufacturer, "Example");
    assert_string_equal(module->part_number, "EX-1");
    assert_true(module->size_bytes == (int64_t)16 << 30);
    assert_int_equal(module->data_width_bits, 64);
    assert_int_equal(module->total_width_bits, 80);
    assert_int_equal(module->rank, 2);
    assert_int_equal(module->package, 1);
    assert_string_equal(module->channel, "P1 1");
    module = &machine->memory.modules[2]; /* an empty slot */
    assert_true(module->size_bytes == 0);
    assert_null(module->type);
    assert_int_equal(module->rated_mts, -1);
    assert_int_equal(module->package, 0);
    tr_machine_destroy(machine);
}

static void a_socket_without_memory(void **state) {
    (void)state;
    char *folder = recorded_data("smbios/xeon-2x8488c-1-module");
    if (!folder)
        skip();
    char *dmi = tr_format("%s/dmi", folder);
    struct tr_source source = {.smbios_dir = dmi};
    struct tr_machine *machine = load(&source, 0);
    assert_int_equal(machine->firmware.sockets, 2);
    assert_true(has_note(machine, "Package 1 has no memory module"));
    assert_false(has_note(machine, "Package 0 has no"));
    tr_machine_destroy(machine);
    free(dmi);
    free(folder);
    machine = load_made("server-2-sockets-16-of-24");
    assert_false(has_note(machine, "has no memory module"));
    tr_machine_destroy(machine);
}

static void clock_is_not_taken_for_transfers(void **state) {
    (void)state;
    struct tr_machine *machine = load_made("old-ddr4-1-module");
    assert_true(has_note(machine, "gives 1200 as speed"));
    assert_int_equal(machine->memory.modules[0].configured_mts, 2400);
    tr_machine_destroy(machine);
}

static void unknown_channels_say_why(void **state) {
    (void)state;
    struct tr_machine *machine = load_made("server-numbered-slots");
    assert_true(has_note(machine, "which modules share a channel"));
    assert_true(has_note(machine, "--channels N"));
    assert_int_equal(machine->memory.modules[31].package, 1);
    tr_machine_destroy(machine);
    machine = load_made("server-lettered-sockets");
    assert_int_equal(machine->memory.modules[0].package, 0);
    assert_int_equal(machine->memory.modules[16].package, 1);
    assert_null(machine->memory.modules[16].channel);
    tr_machine_destroy(machine);
    machine = load_made("qemu-plain");
    assert_null(machine->memory.modules[0].type);
    assert_true(has_note(machine, "usual in virtual machines"));
    tr_machine_destroy(machine);
}

/* A hypervisor's single module is no channel, however complete its record. */
static void virtual_modules_are_not_believed(void **state) {
    (void)state;
    char *dmi = test_data("smbios/single-unnamed-module/dmi");
    char *cpuid = test_data("cpuid/intel-hybrid-vm.txt");
    struct tr_source source = {.smbios_dir = dmi};
    struct tr_machine *machine = load(&source, 0);
    assert_true(machine->memory.channels_populated == 1);
    tr_machine_destroy(machine);
    source.cpuid_path = cpuid;
    machine = load(&source, 0);
    assert_true(isnan(machine->memory.channels_populated));
    assert_true(isnan(machine->memory.channels_present));
    tr_machine_destroy(machine);
    free(cpuid);
    free(dmi);
}

static void slot_names(void **state) {
    (void)state;
    static const struct {
        const char *locator, *bank;
        int package; /* as written */
        const char *channel;
        int controller, place;
    } rows[] = {
        {"DIMM 0", "P0 CHANNEL A", 0, "A", -1, 0},
        {"DIMM 1", "P1 CHANNEL L", 1, "L", -1, 1},
        {"P2-DIMMB1", "P1_Node0_Channel1_Dimm0", 1, "1", 0, 0},
        {"P1-DIMMK1", "P0_Node0_ChannelA_Dimm0", 0, "A", 0, 0},
        {"P1-DIMMC1", "P0_Node2_Channel0_Dimm0", 0, "0", 2, 0},
        {"CPU1_DIMM_H2", "NODE 7", 1, "H", -1, 2},
        {"CPU0.A0", "BANK 0", 0, "A", -1, 0},
        {"CPU 1 DIMM A1", "Bank 1", 1, "A", -1, 1},
        {"DIMM_P0_C1", "", 0, "C", -1, 1},
        {"DIMM_A2", "BANK 1", -1, "A", -1, 2},
        {"DIMMB1", "", -1, "B", -1, 1},
        {"DIMM A", "", -1, "A", -1, -1},
        {"ChannelB-DIMM1", "BANK 3", -1, "B", -1, 1},
        {"Controller1-ChannelA-DIMM0", "BANK 0", -1, "A", 1, 0},
        {"Controller0-DIMMA2", "BANK 0", -1, "A", 0, 2},
        {"Channel-1-DIMM-0", "", -1, "1", -1, 0},
        {"CPU1_MC2_CH1_DIMM0", "", 1, "1", 2, 0},
        {"A1_DIMM0", "Bank0", -1, "A", -1, 1},
        {"PROC 2 DIMM 7", "", 2, "", -1, 7},
        {"DIMM 3", "", -1, "", -1, 3},
        {"Bottom - Slot 1", "BANK 0", -1, "", -1, -1},
        {"System Board Memory", "", -1, "", -1, -1},
        {"RAM slot #0", "RAM slot #0", -1, "", -1, -1},
        {"", "", -1, "", -1, -1},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char locator[64], bank[64];
        struct tr_memory_module module = {.locator = locator, .bank = bank};
        struct tr_slot slot;
        snprintf(locator, sizeof(locator), "%s", rows[i].locator);
        snprintf(bank, sizeof(bank), "%s", rows[i].bank);
        tr_slot_read(&module, &slot);
        int package = slot.package_bank >= 0 ? slot.package_bank : slot.package_locator;
        if (package != rows[i].package || strcmp(slot.channel, rows[i].channel) != 0 ||
            slot.controller != rows[i].controller || slot.place != rows[i].place)
            fail_msg("'%s' in '%s': package %d, channel '%s', controller %d, place %d",
                     rows[i].locator, rows[i].bank, package, slot.channel, slot.controller,
                     slot.place);
    }
    struct tr_memory_module nameless = {0};
    struct tr_slot slot;
    tr_slot_read(&nameless, &slot);
    assert_string_equal(slot.channel, "");
}

/* --- hostile tables -------------------------------------------------------------------------- */

struct blob {
    uint8_t *bytes;
    size_t length;
};

static struct blob read_made(const char *machine, const char *file) {
    struct blob blob = {0};
    char *name = tr_format("smbios/%s/dmi/%s", machine, file), *path = test_data(name), *text;
    assert_int_equal(tr_file_read(path, 1 << 20, &text, &blob.length, NULL), 0);
    /* An exact copy, so that the sanitizer sees the first byte read behind the end. */
    blob.bytes = malloc(blob.length);
    assert_non_null(blob.bytes);
    memcpy(blob.bytes, text, blob.length);
    free(text);
    free(path);
    free(name);
    return blob;
}

static int parse(const uint8_t *entry, size_t entry_length, const uint8_t *table, size_t length,
                 size_t *ret_devices) {
    struct tr_smbios smbios = {0};
    struct tr_err err = {0};
    int code = tr_smbios_parse(entry, entry_length, table, length, "table", &smbios, &err);
    assert_true(code == 0 || code == TR_EFORMAT);
    assert_true((code == 0) == (err.text[0] == '\0'));
    if (ret_devices)
        *ret_devices = smbios.n_devices;
    tr_smbios_finish(&smbios);
    return code;
}

static void truncated_tables(void **state) {
    (void)state;
    struct blob table = read_made("server-10-of-12", "DMI");
    struct blob entry = read_made("server-10-of-12", "smbios_entry_point");
    size_t devices = 0, before = 0;
    assert_int_equal(parse(entry.bytes, entry.length, table.bytes, table.length, &devices), 0);
    assert_int_equal(devices, 12);
    for (size_t length = 0; length <= table.length; length++) {
        uint8_t *cut = malloc(length + 1);
        assert_non_null(cut);
        memcpy(cut, table.bytes, length);
        cut = realloc(cut, length ? length : 1);
        if (parse(entry.bytes, entry.length, cut, length, &devices) == 0) {
            assert_true(devices >= before); /* never more than what lies before the cut */
            before = devices;
        } else {
            assert_int_equal(before, 0);
        }
        free(cut);
    }
    assert_int_equal(before, 12);
    for (size_t length = 0; length < entry.length; length++)
        assert_int_equal(parse(entry.bytes, length, table.bytes, table.length, NULL), TR_EFORMAT);
    free(table.bytes);
    free(entry.bytes);
}

static void changed_tables(void **state) {
    (void)state;
    static const uint8_t values[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    struct blob table = read_made("desktop-2-of-4-ddr5", "DMI");
    struct blob entry = read_made("desktop-2-of-4-ddr5", "smbios_entry_point");
    for (size_t i = 0; i < table.length; i++)
        for (size_t v = 0; v < sizeof(values); v++) {
            uint8_t kept = table.bytes[i];
            size_t devices = 0;
            table.bytes[i] = values[v];
            parse(entry.bytes, entry.length, table.bytes, table.length, &devices);
            assert_true(devices <= 6);
            table.bytes[i] = kept;
        }
    for (size_t i = 0; i < entry.length; i++)
        for (size_t v = 0; v < sizeof(values); v++) {
            uint8_t kept = entry.bytes[i];
            entry.bytes[i] = values[v];
            parse(entry.bytes, entry.length, table.bytes, table.length, NULL);
            entry.bytes[i] = kept;
        }
    free(table.bytes);
    free(entry.bytes);
}

static void malformed_tables(void **state) {
    (void)state;
    uint8_t zeroes[64] = {0};
    assert_int_equal(parse(NULL, 0, zeroes, sizeof(zeroes), NULL), TR_EFORMAT);
    assert_int_equal(parse(NULL, 0, zeroes, 0, NULL), TR_EFORMAT);
    /* A structure whose length is shorter than its own header. */
    uint8_t brief[] = {17, 2, 0, 0, 0, 0, 127, 4, 1, 0, 0, 0};
    assert_int_equal(parse(NULL, 0, brief, sizeof(brief), NULL), TR_EFORMAT);
    /* Strings without an end. */
    uint8_t endless[] = {17, 4, 0, 0, 'A', 'B', 'C', 'D', 'E', 'F'};
    assert_int_equal(parse(NULL, 0, endless, sizeof(endless), NULL), TR_EFORMAT);
    /* A device record too short to be one is passed over. */
    size_t devices = 9;
    uint8_t tiny[] = {17, 4, 0, 0, 0, 0, 127, 4, 1, 0, 0, 0};
    assert_int_equal(parse(NULL, 0, tiny, sizeof(tiny), &devices), 0);
    assert_int_equal(devices, 0);
    /* Behind the end-of-table structure nothing counts. */
    uint8_t ended[64] = {127, 4, 0, 0, 0, 0, 17, 0x28};
    assert_int_equal(parse(NULL, 0, ended, sizeof(ended), &devices), 0);
    assert_int_equal(devices, 0);
}

static void entry_counts_are_obeyed(void **state) {
    (void)state;
    struct blob table = read_made("qemu-plain", "DMI");
    struct blob entry = read_made("qemu-plain", "smbios_entry_point"); /* version 2.8 */
    size_t devices = 0;
    assert_int_equal(parse(entry.bytes, entry.length, table.bytes, table.length, &devices), 0);
    assert_int_equal(devices, 1);
    entry.bytes[0x1c] = 2; /* two structures, neither is a memory device */
    assert_int_equal(parse(entry.bytes, entry.length, table.bytes, table.length, &devices), 0);
    assert_int_equal(devices, 0);
    entry.bytes[0x1c] = entry.bytes[0x1d] = 0xff; /* more than there are */
    assert_int_equal(parse(entry.bytes, entry.length, table.bytes, table.length, &devices), 0);
    assert_int_equal(devices, 1);
    entry.bytes[0] = 'X';
    assert_int_equal(parse(entry.bytes, entry.length, table.bytes, table.length, &devices),
                     TR_EFORMAT);
    free(table.bytes);
    free(entry.bytes);
}

/* One type 17 record with chosen fields. */
static struct tr_memory_module parse_device(const uint8_t *fields, size_t length) {
    uint8_t table[256] = {0};
    struct tr_smbios smbios = {0};
    memcpy(table, fields, length);
    table[0] = 17;
    table[1] = (uint8_t)length;
    assert_int_equal(tr_smbios_parse(NULL, 0, table, length + 2, "table", &smbios, NULL), 0);
    assert_int_equal(smbios.n_devices, 1);
    struct tr_memory_module module = smbios.devices[0].module;
    free(module.type); /* only numbers are looked at */
    smbios.devices[0].module = (struct tr_memory_module){0};
    module.type = NULL;
    tr_smbios_finish(&smbios);
    return module;
}

static void sizes_and_speeds(void **state) {
    (void)state;
    uint8_t fields[0x5c] = {0};
    fields[0x0c] = 0x00;
    fields[0x0d] = 0x80 | 0x40; /* 0x4000 KiB */
    assert_true(parse_device(fields, sizeof(fields)).size_bytes == (int64_t)0x4000 << 10);
    fields[0x0c] = fields[0x0d] = 0xff;
    assert_true(parse_device(fields, sizeof(fields)).size_bytes == -1);
    fields[0x0d] = 0x7f; /* see the extended size */
    fields[0x1e] = 0x04; /* 0x40000 MiB = 256 GiB */
    assert_true(parse_device(fields, sizeof(fields)).size_bytes == (int64_t)256 << 30);
    fields[0x15] = fields[0x16] = fields[0x20] = fields[0x21] = 0xff;
    fields[0x56] = 1; /* 65536 */
    fields[0x5a] = 2;
    struct tr_memory_module module = parse_device(fields, sizeof(fields));
    assert_int_equal(module.rated_mts, 65536);
    assert_int_equal(module.configured_mts, 131072);
    /* The same record cut to the length of version 2.7 has no extended speeds to read. */
    module = parse_device(fields, 0x22);
    assert_int_equal(module.rated_mts, -1);
    assert_int_equal(module.configured_mts, -1);
    assert_int_equal(module.data_width_bits, -1);
}

/* --- folders and files ----------------------------------------------------------------------- */

static char *make_folder(void) {
    char template[] = "/tmp/tokenroof-test-XXXXXX";
    assert_non_null(mkdtemp(template));
    return strdup(template);
}

static void write_text(const char *folder, const char *name, const char *text, size_t length) {
    char *path = tr_format("%s/%s", folder, name);
    char *slash = strrchr(path, '/');
    *slash = '\0';
    assert_int_equal(tr_make_folders(path, NULL), 0);
    *slash = '/';
    assert_int_equal(tr_file_write(path, text, length, true, NULL), 0);
    free(path);
}

static void remove_folder(char *folder) {
    char *command = tr_format("rm -rf '%s'", folder);
    assert_int_equal(system(command), 0);
    free(command);
    free(folder);
}

static void bad_recording_is_an_error(void **state) {
    (void)state;
    char *folder = make_folder();
    write_text(folder, "DMI", "no table at all", 15);
    struct tr_source source = {.smbios_dir = folder};
    tr_machine_destroy(load(&source, TR_EFORMAT));
    remove_folder(folder);
}

static const char udev[] = "I:1234\n"
                           "E:ID_VENDOR=x\n"
                           "E:MEMORY_ARRAY_NUM_DEVICES=4\n"
                           "E:MEMORY_DEVICE_0_PRESENT=0\n"
                           "E:MEMORY_DEVICE_0_TYPE=Unknown\n"
                           "E:MEMORY_DEVICE_0_SPEED_MTS=5600\n"
                           "E:MEMORY_DEVICE_0_LOCATOR=DIMM 0\n"
                           "E:MEMORY_DEVICE_0_BANK_LOCATOR=P0 CHANNEL A\n"
                           "E:MEMORY_DEVICE_1_TOTAL_WIDTH=72\n"
                           "E:MEMORY_DEVICE_1_DATA_WIDTH=64\n"
                           "E:MEMORY_DEVICE_1_SIZE=34359738368\n"
                           "E:MEMORY_DEVICE_1_TYPE=DDR5\n"
                           "E:MEMORY_DEVICE_1_SPEED_MTS=5600\n"
                           "E:MEMORY_DEVICE_1_CONFIGURED_SPEED_MTS=5200\n"
                           "E:MEMORY_DEVICE_1_RANK=2\n"
                           "E:MEMORY_DEVICE_1_LOCATOR=DIMM 1\n"
                           "E:MEMORY_DEVICE_1_BANK_LOCATOR=P0 CHANNEL A\n"
                           "E:MEMORY_DEVICE_1_MANUFACTURER=Example\n"
                           "E:MEMORY_DEVICE_1_PART_NUMBER=EX-1\n"
                           "E:MEMORY_DEVICE_1_SERIAL_NUMBER=SECRET\n"
                           "E:MEMORY_DEVICE_2_PRESENT=0\n"
                           "E:MEMORY_DEVICE_2_BANK_LOCATOR=P0 CHANNEL B\n"
                           "E:MEMORY_DEVICE_2_LOCATOR=DIMM 0\n"
                           "E:MEMORY_DEVICE_3_PRESENT=0\n"
                           "E:MEMORY_DEVICE_3_BANK_LOCATOR=P0 CHANNEL B\n"
                           "E:MEMORY_DEVICE_3_LOCATOR=DIMM 1\n"
                           "E:MEMORY_DEVICE_99999999_SIZE=1\n"
                           "E:MEMORY_DEVICE_x_SIZE=1\n"
                           "E:MEMORY_DEVICE_\n";

static void udev_database(void **state) {
    (void)state;
    char *folder = make_folder();
    write_text(folder, "run/udev/data/+dmi:id", udev, strlen(udev));
    struct tr_source source = {.root = folder};
    struct tr_machine *machine = load(&source, 0);
    const struct tr_memory *memory = &machine->memory;
    assert_string_equal(memory->basis, "udev");
    assert_int_equal(memory->slots, 4);
    assert_true(memory->channels_populated == 1 && memory->channels_present == 2);
    assert_int_equal(memory->configured_mts, 5200);
    assert_int_equal(memory->rated_mts, 5600);
    assert_true(memory->total_bytes == (int64_t)32 << 30);
    assert_string_equal(memory->modules[1].part_number, "EX-1");
    assert_string_equal(memory->modules[1].channel, "P0 A");
    assert_int_equal(memory->modules[0].rated_mts, -1); /* an empty slot has no speed */
    assert_null(memory->modules[0].type);
    tr_machine_destroy(machine);
    remove_folder(folder);
}

static void nothing_to_read(void **state) {
    (void)state;
    struct tr_source source = {0};
    struct tr_machine *machine = load(&source, 0);
    assert_null(machine->memory.basis);
    assert_int_equal(machine->memory.slots, -1);
    assert_int_equal(machine->memory.configured_mts, -1);
    assert_true(isnan(machine->memory.channels_populated));
    assert_true(has_note(machine, "neither SMBIOS tables (dmi/DMI) nor a udev database"));
    tr_machine_destroy(machine);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(made_tables),
        cmocka_unit_test(recorded_tables),
        cmocka_unit_test(modules_are_told_in_full),
        cmocka_unit_test(a_socket_without_memory),
        cmocka_unit_test(clock_is_not_taken_for_transfers),
        cmocka_unit_test(unknown_channels_say_why),
        cmocka_unit_test(virtual_modules_are_not_believed),
        cmocka_unit_test(slot_names),
        cmocka_unit_test(truncated_tables),
        cmocka_unit_test(changed_tables),
        cmocka_unit_test(malformed_tables),
        cmocka_unit_test(entry_counts_are_obeyed),
        cmocka_unit_test(sizes_and_speeds),
        cmocka_unit_test(bad_recording_is_an_error),
        cmocka_unit_test(udev_database),
        cmocka_unit_test(nothing_to_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
