#include <ftw.h>
#include <jansson.h>
#include <sys/stat.h>

#include "file.h"
#include "machine_json.h"
#include "machines.h"
#include "sanitise.h"

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *walk) {
    (void)info;
    (void)kind;
    (void)walk;
    return remove(path);
}

static char *new_folder(void) {
    char *path = strdup("/tmp/tokenroof-capture-XXXXXX");
    assert_non_null(mkdtemp(path));
    return path;
}

static void remove_folder(char *path) {
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(path);
}

static json_t *json_of(const struct tr_machine *machine) {
    json_t *object = NULL;
    assert_int_equal(tr_machine_to_json(machine, &object), 0);
    assert_true(json_is_object(object));
    return object;
}

/* --- capture and replay ---------------------------------------------------------------------- */

/* Everything that the JSON tells but the notes, which speak of how it was read, and the sensors,
 * which tell of a moment. */
static void assert_same_machine(const struct tr_machine *a, const struct tr_machine *b) {
    json_t *first = json_of(a), *second = json_of(b);
    const char *key;
    json_t *value;
    json_object_del(first, "notes");
    json_object_del(first, "sensors");
    json_object_foreach(first, key, value) {
        if (!json_equal(value, json_object_get(second, key))) {
            char *was = json_dumps(value, JSON_ENCODE_ANY);
            char *is = json_dumps(json_object_get(second, key), JSON_ENCODE_ANY);
            fail_msg("%s: was %s, is %s", key, was, is ? is : "absent");
        }
    }
    json_decref(first);
    json_decref(second);
    assert_int_equal(a->n_limits, b->n_limits);
    for (size_t i = 0; i < a->n_limits; i++) {
        assert_string_equal(a->limits[i].name, b->limits[i].name);
        assert_near(a->limits[i].value, b->limits[i].value, 1e-9 * fabs(a->limits[i].value));
        assert_string_equal(a->limits[i].basis, b->limits[i].basis);
    }
}

static void capture_and_replay(const char *source) {
    struct tr_err err = {0};
    char *folder = new_folder();
    struct tr_machine *machine = machine_from(source, NULL);
    if (tr_machine_capture(machine, folder, false, &err))
        fail_msg("%s", err.text);
    struct tr_machine *replayed = machine_from(folder, NULL);
    assert_false(replayed->live);
    assert_same_machine(machine, replayed);
    tr_machine_destroy(replayed);
    tr_machine_destroy(machine);
    remove_folder(folder);
}

static void this_machine(void **state) {
    (void)state;
    capture_and_replay(NULL);
}

static void a_recording(void **state) {
    (void)state;
    char *path = test_data("capture/server");
    capture_and_replay(path);
    free(path);
}

static void a_synthetic_machine(void **state) {
    (void)state;
    capture_and_replay("synthetic:pack:2 numa:2 l3:2(size=16777216) core:4 pu:2");
}

/* --- what a recording tells ------------------------------------------------------------------ */

static void facts_from_files(void **state) {
    (void)state;
    struct tr_machine *machine = machine_from_data("capture/server");
    assert_int_equal(machine->n_packages, 1);
    assert_string_equal(machine->firmware.board_name, "EXAMPLE-1");
    assert_string_equal(machine->firmware.bios_version, "1.2.3");
    assert_string_equal(machine->firmware.microcode, "0xa101148");
    assert_string_equal(machine->settings.governor, "performance");
    assert_string_equal(machine->settings.driver, "acpi-cpufreq");
    assert_int_equal(machine->settings.boost, 1);
    assert_string_equal(machine->settings.thp, "madvise");
    assert_string_equal(machine->settings.smt, "off");
    assert_int_equal(machine->settings.numa_balancing, 1);
    assert_string_equal(machine->os.kernel, "6.1.0-18-amd64");
    assert_string_equal(machine->os.distribution, "Debian GNU/Linux 12 (bookworm)");
    assert_string_equal(machine->host_id, "0123456789ab");
    assert_int_equal(strlen(machine->fingerprint), 64);
    tr_machine_destroy(machine);
}

/* The same hash of the same facts, another one if the firmware changes. */
static void host_id_and_fingerprint(void **state) {
    (void)state;
    struct tr_machine *machine = machine_from(NULL, NULL);
    struct tr_machine *again = machine_from(NULL, NULL);
    assert_non_null(machine->host_id);
    assert_int_equal(strlen(machine->host_id), 12);
    assert_int_equal(strspn(machine->host_id, "0123456789abcdef"), 12);
    assert_string_equal(machine->host_id, again->host_id);
    assert_string_equal(machine->fingerprint, again->fingerprint);
    char *id = tr_file_line("/etc/machine-id");
    if (id)
        assert_null(strstr(id, machine->host_id));
    free(id);
    tr_machine_destroy(again);
    tr_machine_destroy(machine);
}

static void refuses_a_folder_in_use(void **state) {
    (void)state;
    struct tr_err err = {0};
    char *path = test_data("capture/server");
    struct tr_machine *machine = machine_from("synthetic:pack:1 core:1 pu:1", NULL);
    assert_int_equal(tr_machine_capture(machine, path, false, &err), TR_EUSAGE);
    assert_non_null(strstr(err.text, "not empty"));
    tr_machine_destroy(machine);
    free(path);
}

static const char *text_at(const json_t *machine, const char *list, size_t index,
                           const char *name) {
    return json_string_value(
        json_object_get(json_array_get(json_object_get(machine, list), index), name));
}

static void json_of_a_machine(void **state) {
    (void)state;
    struct tr_machine *machine =
        machine_from("synthetic:pack:2 numa:1 l3:2(size=16777216) core:2 pu:2", NULL);
    json_t *object = json_of(machine);
    assert_int_equal(json_integer_value(json_object_get(object, "packages")), 2);
    assert_string_equal(text_at(object, "numa_nodes", 1, "cpus"), "8-15");
    assert_string_equal(text_at(object, "l3_groups", 3, "cpus"), "12-15");
    assert_string_equal(text_at(object, "ccds", 2, "cpus"), "8-11");
    assert_string_equal(text_at(object, "cores", 7, "cpus"), "14-15");
    assert_string_equal(json_string_value(json_object_get(object, "allowed_cpus")), "0-15");
    assert_true(json_is_false(json_object_get(object, "virtual")));
    /* Unknown is null, never 0. */
    assert_true(json_is_null(json_object_get(json_object_get(object, "cpu"), "model")));
    assert_true(json_is_null(json_object_get(json_object_get(object, "cpu"), "family")));
    assert_true(json_is_null(json_object_get(json_object_get(object, "memory"), "slots")));
    assert_true(json_is_null(json_object_get(json_object_get(object, "clocks"), "fclk_ghz")));
    assert_true(json_is_null(json_object_get(object, "host_id")));
    json_decref(object);
    tr_machine_destroy(machine);
}

/* --- what is left out ------------------------------------------------------------------------ */

static bool found; /* by nftw, which passes nothing on */

static int look_into(const char *path, const struct stat *info, int kind, struct FTW *walk) {
    char *id = tr_file_line("/etc/machine-id");
    char *text = NULL;
    size_t length = 0;
    (void)info;
    (void)walk;
    if (kind == FTW_F && id && !tr_file_read(path, 1 << 26, &text, &length, NULL))
        found = found || memmem(text, length, id, strlen(id));
    found = found || strstr(path, "machine-id");
    free(text);
    free(id);
    return 0;
}

static void no_machine_id(void **state) {
    (void)state;
    struct tr_err err = {0};
    char *folder = new_folder();
    struct tr_machine *machine = machine_from(NULL, NULL);
    assert_int_equal(tr_machine_capture(machine, folder, false, &err), 0);
    found = false;
    assert_int_equal(nftw(folder, look_into, 16, FTW_PHYS), 0);
    assert_false(found);
    tr_machine_destroy(machine);
    remove_folder(folder);
}

static void assert_cleaned(const char *text, const char *expected) {
    struct tr_secrets secrets = {0};
    tr_secrets_add_host(&secrets, "db1.example.org");
    char *clean = tr_sanitise_text(text, &secrets);
    assert_string_equal(clean, expected);
    free(clean);
    tr_secrets_finish(&secrets);
}

static void texts(void **state) {
    (void)state;
    assert_cleaned("E:MEMORY_DEVICE_0_SIZE=1\nE:MEMORY_DEVICE_0_SERIAL_NUMBER=AB\n"
                   "E:MEMORY_DEVICE_0_ASSET_TAG=7\nE:MEMORY_DEVICE_0_RANK=2\n",
                   "E:MEMORY_DEVICE_0_SIZE=1\nE:MEMORY_DEVICE_0_RANK=2\n");
    assert_cleaned("on db1.example.org, db1 and db10\n", "on x, x and db10\n");
    assert_cleaned("0::/job-4c4c4544-0042-3510-8052-b4c04f4d4e31.scope\n", "0::/job-x.scope\n");
    assert_cleaned("at 52:54:00:C0:ff:ee or 52-54-00-c0-ff-ee, enx525400c0ffee; 0000:01:00.0\n",
                   "at x or x, x; 0000:01:00.0\n");
    assert_cleaned("00:52:54:00:c0:ff:ee 0123456789abcdef0123456789abcdef0 0x0123456789abcdef\n",
                   "x x 0x0123456789abcdef\n");
    assert_cleaned("flags\t\t: fpu serialize uuid\nSerial : 12\nlast",
                   "flags\t\t: fpu serialize uuid\nlast");
    assert_cleaned("", "");
    assert_true(tr_path_is_secret("/sys/class/dmi/id/product_serial"));
    assert_true(tr_path_is_secret("/sys/class/dmi/id/product_uuid"));
    assert_true(tr_path_is_secret("/etc/machine-id"));
    assert_false(tr_path_is_secret("/sys/class/dmi/id/board_name"));
}

static void xml(void **state) {
    (void)state;
    char *clean = tr_sanitise_xml("<a>\n  <info name=\"HostName\" value=\"db1\"/>\n"
                                  "  <info name=\"DMIProductSerial\" value=\"X\"/>\n"
                                  "  <info name=\"CPUModel\" value=\"Y\"/>\n</a>\n",
                                  &(struct tr_secrets){0});
    assert_string_equal(clean, "<a>\n  <info name=\"CPUModel\" value=\"Y\"/>\n</a>\n");
    free(clean);
}

/* System information with a UUID, a module with a serial number whose string is also its maker's
 * name, and a type that is not known. */
static void smbios(void **state) {
    (void)state;
    uint8_t system[0x1b + 32] = {1, 0x1b, 1, 0, 1, 2, 0, 3};
    uint8_t module[0x1c + 32] = {17, 0x1c, 2, 0};
    uint8_t vendor[] = {200, 6, 3, 0, 1, 42, 'S', 'E', 'C', 'R', 'E', 'T', 0, 0};
    uint8_t table[sizeof(system) + sizeof(module) + sizeof(vendor)];
    static const char system_strings[] = "Maker\0Box\0SN123\0";
    static const char module_strings[] = "DIMM_A1\0Samsung\0PART\0";
    memset(system + 8, 0xab, 16);
    memcpy(system + 0x1b, system_strings, sizeof(system_strings));
    module[0x10] = 1;
    module[0x17] = module[0x18] = 2;
    module[0x1a] = 3;
    memcpy(module + 0x1c, module_strings, sizeof(module_strings));
    size_t n = 0x1b + sizeof(system_strings);
    memcpy(table, system, n);
    memcpy(table + n, module, 0x1c + sizeof(module_strings));
    uint8_t *second = table + n;
    n += 0x1c + sizeof(module_strings);
    uint8_t *third = table + n;
    memcpy(third, vendor, sizeof(vendor));
    n += sizeof(vendor);
    tr_sanitise_smbios(table, n);
    assert_non_null(memmem(table, n, "Maker\0Box", 9));
    assert_null(memmem(table, n, "SN123", 5));
    assert_null(memmem(table, n, "SECRET", 6));
    assert_null(memmem(table, n, "\xab", 1));
    assert_int_equal(table[7], 0);
    assert_int_equal(second[0x17], 2);
    assert_int_equal(second[0x18], 0);
    assert_non_null(memmem(table, n, "DIMM_A1\0Samsung\0PART", 20));
    assert_int_equal(third[0], 200);
    assert_int_equal(third[5], 0);
    /* Cut off anywhere: nothing beyond it is touched, nothing unparsed is left. */
    for (size_t cut = 0; cut < n; cut++) {
        uint8_t *copy = malloc(cut + 1);
        memset(copy, 0x55, cut + 1);
        memcpy(copy, system, cut < sizeof(system) ? cut : sizeof(system));
        tr_sanitise_smbios(copy, cut);
        assert_int_equal(copy[cut], 0x55);
        free(copy);
    }
}

/* The tables of a capture have neither the serial number nor less memory. */
static void smbios_of_a_capture(void **state) {
    (void)state;
    uint8_t table[0x5c + 64] = {17, 0x5c, 2, 0};
    static const char strings[] = "DIMM_A1\0Samsung\0PART\0SERIAL99\0";
    struct tr_err err = {0};
    char *from = new_folder(), *to = new_folder(), *path = NULL;
    table[0x08] = 72;
    table[0x0a] = 64;
    table[0x0d] = 0x40; /* 16384 MiB */
    table[0x12] = 0x22;
    table[0x15] = table[0x20] = 0xc0; /* 4800 MT/s */
    table[0x16] = table[0x21] = 0x12;
    table[0x10] = 1;
    table[0x17] = 2;
    table[0x1a] = 3;
    table[0x18] = 4;
    memcpy(table + 0x5c, strings, sizeof(strings));
    assert_true(asprintf(&path, "%s/dmi", from) > 0);
    assert_int_equal(mkdir(path, 0700), 0);
    free(path);
    assert_true(asprintf(&path, "%s/dmi/DMI", from) > 0);
    assert_int_equal(tr_file_write(path, (char *)table, 0x5c + sizeof(strings), false, &err), 0);
    free(path);
    struct tr_machine *machine = machine_from(from, NULL);
    assert_int_equal(machine->memory.n_modules, 1);
    assert_int_equal(tr_machine_capture(machine, to, false, &err), 0);
    struct tr_machine *replayed = machine_from(to, NULL);
    assert_same_machine(machine, replayed);
    assert_string_equal(replayed->memory.modules[0].manufacturer, "Samsung");
    char *bytes = NULL;
    size_t length = 0;
    assert_true(asprintf(&path, "%s/dmi/DMI", to) > 0);
    assert_int_equal(tr_file_read(path, 4096, &bytes, &length, &err), 0);
    assert_int_equal(length, 0x5c + sizeof(strings));
    assert_null(memmem(bytes, length, "SERIAL99", 8));
    free(bytes);
    free(path);
    tr_machine_destroy(replayed);
    tr_machine_destroy(machine);
    remove_folder(from);
    remove_folder(to);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(this_machine),
        cmocka_unit_test(a_recording),
        cmocka_unit_test(a_synthetic_machine),
        cmocka_unit_test(facts_from_files),
        cmocka_unit_test(json_of_a_machine),
        cmocka_unit_test(host_id_and_fingerprint),
        cmocka_unit_test(refuses_a_folder_in_use),
        cmocka_unit_test(no_machine_id),
        cmocka_unit_test(texts),
        cmocka_unit_test(xml),
        cmocka_unit_test(smbios),
        cmocka_unit_test(smbios_of_a_capture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
