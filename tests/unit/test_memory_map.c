/* SMBIOS types 19 and 20: which addresses modules answer, and whether they share them. */
#include "file.h"
#include "machines.h"
#include "recording.h"
#include "smbios.h"

static const int64_t GIB = (int64_t)1 << 30;

struct table {
    uint8_t bytes[4096];
    size_t length;
};

/* One structure; `texts` ends in an empty one, as the specification has it. */
static void add(struct table *table, uint8_t type, uint16_t handle, const uint8_t *fields,
                size_t length, const char *texts, size_t texts_length) {
    uint8_t *at = table->bytes + table->length;
    at[0] = type;
    at[1] = (uint8_t)(4 + length);
    at[2] = (uint8_t)handle;
    at[3] = (uint8_t)(handle >> 8);
    memcpy(at + 4, fields, length);
    memcpy(at + 4 + length, texts, texts_length);
    table->length += 4 + length + texts_length;
    assert_true(table->length < sizeof(table->bytes) - 256);
}

static void put(uint8_t *fields, size_t offset, uint64_t value, size_t bytes) {
    for (size_t i = 0; i < bytes; i++)
        fields[offset - 4 + i] = (uint8_t)(value >> 8 * i);
}

static void add_array(struct table *table, uint16_t handle, int use) {
    uint8_t fields[11] = {3, (uint8_t)use};
    put(fields, 0x0d, 2, 2);
    add(table, 16, handle, fields, sizeof(fields), "\0", 2);
}

/* 16 GiB of DDR5-4800 in a channel of its own. */
static void add_module(struct table *table, uint16_t handle, const char *bank, size_t length) {
    uint8_t fields[0x28 - 4] = {0};
    put(fields, 0x04, 0x1000, 2);
    put(fields, 0x08, 64, 2);
    put(fields, 0x0a, 64, 2);
    put(fields, 0x0c, 16384, 2);
    put(fields, 0x11, 1, 1);
    put(fields, 0x12, 0x22, 1);
    put(fields, 0x15, 4800, 2);
    put(fields, 0x20, 4800, 2);
    add(table, 17, handle, fields, sizeof(fields), bank, length);
}

/* Type 19, or 20 with a turn; in kilobytes, or in bytes where `wide`. */
static void add_range(struct table *table, uint8_t type, uint16_t owner, int64_t from, int64_t to,
                      int turn, bool wide) {
    uint8_t fields[0x23 - 4] = {0};
    size_t extended = type == 19 ? 0x0f : 0x13;
    put(fields, 0x04, wide ? UINT32_MAX : (uint64_t)from >> 10, 4);
    put(fields, 0x08, wide ? UINT32_MAX : ((uint64_t)to >> 10) - 1, 4);
    put(fields, 0x0c, owner, 2);
    if (type == 20)
        put(fields, 0x11, (uint64_t)turn, 1);
    if (wide) {
        put(fields, extended, (uint64_t)from, 8);
        put(fields, extended + 8, (uint64_t)to - 1, 8);
    }
    add(table, type, (uint16_t)(0x3000 + table->length), fields, extended + 16 - 4, "\0", 2);
}

static void begin(struct table *table) {
    *table = (struct table){.length = 0};
    add_array(table, 0x1000, 3);
    add_module(table, 0x1100, "P0 CHANNEL A\0", 14);
    add_module(table, 0x1101, "P0 CHANNEL B\0", 14);
}

static struct tr_machine *load(const struct table *table) {
    char *folder = strdup("/tmp/tokenroof-test-XXXXXX"), *dmi, *path;
    assert_non_null(mkdtemp(folder));
    assert_true(asprintf(&dmi, "%s/dmi", folder) > 0);
    assert_true(asprintf(&path, "%s/DMI", dmi) > 0);
    assert_int_equal(tr_make_folders(dmi, NULL), 0);
    assert_int_equal(tr_file_write(path, (const char *)table->bytes, table->length, true, NULL), 0);
    struct tr_machine *machine = machine_from(folder, NULL);
    recording_remove(folder);
    free(path);
    free(dmi);
    assert_int_equal(machine->memory.n_modules, 2);
    return machine;
}

static void interleaved(void **state) {
    (void)state;
    struct table table;
    begin(&table);
    /* As firmware does it: a hole below 4 GiB, each part of the map told for itself. */
    add_range(&table, 19, 0x1000, 0, 2 * GIB, 0, false);
    add_range(&table, 19, 0x1000, 4 * GIB, 34 * GIB, 0, false);
    for (uint16_t i = 0; i < 2; i++) {
        add_range(&table, 20, 0x1100 + i, 0, 2 * GIB, i + 1, false);
        add_range(&table, 20, 0x1100 + i, 4 * GIB, 34 * GIB, i + 1, false);
    }
    struct tr_machine *machine = load(&table);
    const struct tr_memory *memory = &machine->memory;
    assert_int_equal(memory->interleaved_modules, 2);
    assert_int_equal(memory->mapped_bytes, 32 * GIB);
    assert_int_equal(memory->modules[1].mapped_from_bytes, 0);
    assert_int_equal(memory->modules[1].mapped_to_bytes, 34 * GIB);
    assert_int_equal(memory->modules[0].interleave_position, 1);
    assert_int_equal(memory->modules[1].interleave_position, 2);
    assert_no_note(machine, "address map");
    assert_no_note(machine, "firmware maps");
    tr_machine_destroy(machine);
}

static void one_behind_the_other(void **state) {
    (void)state;
    struct table table;
    begin(&table);
    add_range(&table, 20, 0x1100, 0, 16 * GIB, 0, false);
    add_range(&table, 20, 0x1101, 16 * GIB, 32 * GIB, 0, true);
    struct tr_machine *machine = load(&table);
    assert_int_equal(machine->memory.interleaved_modules, 1);
    assert_int_equal(machine->memory.mapped_bytes, -1);
    assert_int_equal(machine->memory.modules[1].mapped_from_bytes, 16 * GIB);
    assert_int_equal(machine->memory.modules[1].mapped_to_bytes, 32 * GIB);
    assert_note(machine, "not interleaved");
    tr_machine_destroy(machine);
    /* The same without a word on turns: nobody said that they are not interleaved. */
    begin(&table);
    add_range(&table, 20, 0x1100, 0, 16 * GIB, 0xff, false);
    add_range(&table, 20, 0x1101, 16 * GIB, 32 * GIB, 0xff, false);
    machine = load(&table);
    assert_int_equal(machine->memory.modules[0].interleave_position, -1);
    assert_no_note(machine, "not interleaved");
    tr_machine_destroy(machine);
}

static void less_is_mapped_than_there_is(void **state) {
    (void)state;
    struct table table;
    begin(&table);
    add_array(&table, 0x1001, 4); /* video memory: none of the system's */
    add_range(&table, 19, 0x1000, 0, 16 * GIB, 0, true);
    add_range(&table, 19, 0x1001, 64 * GIB, 80 * GIB, 0, true);
    struct tr_machine *machine = load(&table);
    assert_int_equal(machine->memory.mapped_bytes, 16 * GIB);
    assert_note(machine, "maps 16 GiB of memory, the modules have 32");
    tr_machine_destroy(machine);
}

/* What cannot be is no fact: backwards, beyond any processor's addresses, twice the same, too
 * little for the module, of nobody. */
static void lies(void **state) {
    (void)state;
    struct table table;
    begin(&table);
    add_range(&table, 20, 0x1100, 16 * GIB, 8 * GIB, 1, true);
    add_range(&table, 20, 0x1101, 0, INT64_MAX, 1, true);
    add_range(&table, 20, 0x7777, 0, 32 * GIB, 1, true);
    add_range(&table, 19, 0x1000, 0, 32 * GIB, 0, true);
    add_range(&table, 19, 0x1000, 16 * GIB, 32 * GIB, 0, true);
    struct tr_machine *machine = load(&table);
    assert_int_equal(machine->memory.interleaved_modules, -1);
    assert_int_equal(machine->memory.mapped_bytes, -1);
    assert_int_equal(machine->memory.modules[0].mapped_from_bytes, -1);
    assert_int_equal(machine->memory.modules[1].mapped_to_bytes, -1);
    tr_machine_destroy(machine);
    begin(&table);
    add_range(&table, 20, 0x1100, 0, 8 * GIB, 1, true);
    add_range(&table, 20, 0x1101, 0, 8 * GIB, 2, true);
    machine = load(&table);
    assert_int_equal(machine->memory.interleaved_modules, -1);
    tr_machine_destroy(machine);
}

/* Cut anywhere, each byte with other values: shorter lists, never a read behind the end. */
static void hostile(void **state) {
    (void)state;
    static const uint8_t values[] = {0x00, 0x7f, 0xff};
    struct table table;
    begin(&table);
    add_range(&table, 19, 0x1000, 0, 32 * GIB, 0, true);
    add_range(&table, 20, 0x1100, 0, 32 * GIB, 1, true);
    add_range(&table, 20, 0x1101, 0, 32 * GIB, 2, false);
    for (size_t i = 0; i < table.length; i++)
        for (size_t v = 0; v <= sizeof(values); v++) {
            bool cut = v == sizeof(values);
            size_t length = cut ? i : table.length;
            struct tr_smbios smbios = {0};
            uint8_t *copy = malloc(length ? length : 1);
            assert_non_null(copy);
            memcpy(copy, table.bytes, length);
            if (!cut)
                copy[i] = values[v];
            if (!tr_smbios_parse(NULL, 0, copy, length, "table", &smbios, NULL))
                tr_smbios_finish(&smbios);
            free(copy);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(interleaved),
        cmocka_unit_test(one_behind_the_other),
        cmocka_unit_test(less_is_mapped_than_there_is),
        cmocka_unit_test(lies),
        cmocka_unit_test(hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
