/* Reads SMBIOS tables. Layouts and codes: DMTF DSP0134, System Management BIOS Reference
 * Specification 3.7, sections 5.2 (entry points), 6.1 (structures), 7.5, 7.17 to 7.21. */
#include "smbios.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "strbuf.h"

enum {
    HEADER_BYTES = 4,
    MAX_TABLE_BYTES = 16 << 20,
    /* More slots than any machine has: a table that lists more is lying. */
    MAX_LISTED = 4096,
    MAX_ADDRESS_BITS = 57, /* of any x86-64 processor */
};

/* One structure: its formatted area and its set of strings, both inside the table. */
struct structure {
    int type, handle;
    const uint8_t *bytes;
    size_t length; /* of the formatted area */
    const char *strings;
    size_t strings_length; /* without the final empty string */
};

/* --- fields: whatever lies beyond the structure's own length reads as 0, "unknown" ---------- */

static unsigned get8(const struct structure *s, size_t at) {
    return at < s->length ? s->bytes[at] : 0;
}

static unsigned get16(const struct structure *s, size_t at) {
    return at + 2 <= s->length ? (unsigned)s->bytes[at] | (unsigned)s->bytes[at + 1] << 8 : 0;
}

static uint32_t get32(const struct structure *s, size_t at) {
    return at + 4 <= s->length ? get16(s, at) | (uint32_t)get16(s, at + 2) << 16 : 0;
}

static uint64_t get64(const struct structure *s, size_t at) {
    return at + 8 <= s->length ? get32(s, at) | (uint64_t)get32(s, at + 4) << 32 : 0;
}

static const char *const placeholders[] = {
    "",        "Not Specified", "Unknown", "Undefined",      "None",
    "N/A",     "NO DIMM",       "Not Set", "Default string", "To Be Filled By O.E.M.",
    "[Empty]",
};

/* Heap copy of a numbered string, printable ASCII without blanks at its ends; NULL (*failed
 * untouched) where it is absent or a placeholder. */
static char *get_string(const struct structure *s, size_t at, bool *failed) {
    unsigned number = get8(s, at);
    const char *text = s->strings, *end = s->strings + s->strings_length;
    for (unsigned i = 1; number && i < number && text < end; i++)
        text += strnlen(text, (size_t)(end - text)) + 1;
    if (number == 0 || text >= end)
        return NULL;
    size_t n = strnlen(text, (size_t)(end - text));
    while (n && *text == ' ') {
        text++;
        n--;
    }
    while (n && text[n - 1] == ' ')
        n--;
    char *copy = strndup(text, n);
    if (!copy) {
        *failed = true;
        return NULL;
    }
    for (char *c = copy; *c; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
    for (size_t i = 0; i < sizeof(placeholders) / sizeof(placeholders[0]); i++)
        if (!strcasecmp(copy, placeholders[i])) {
            free(copy);
            return NULL;
        }
    return copy;
}

/* --- structures ------------------------------------------------------------------------------ */

/* The list with room for one more, zeroed, item; NULL (the list stays) when out of memory. */
static void *grow(void *items, size_t n, size_t size) {
    char *grown = realloc(items, (n + 1) * size);
    if (grown)
        memset(grown + n * size, 0, size);
    return grown;
}

static int add_processor(struct tr_smbios *smbios, const struct structure *s) {
    bool failed = false;
    if (smbios->n_processors == MAX_LISTED || get8(s, 0x05) != 3) /* 3: a CPU */
        return 0;
    struct tr_smbios_processor *p = grow(smbios->processors, smbios->n_processors, sizeof(*p));
    if (!p)
        return TR_ENOMEM;
    smbios->processors = p;
    p += smbios->n_processors++;
    p->socket = get_string(s, 0x04, &failed);
    p->version = get_string(s, 0x10, &failed);
    p->populated = get8(s, 0x18) >> 6 & 1;
    unsigned cores = get8(s, 0x23) == 0xff && s->length > 0x2b ? get16(s, 0x2a) : get8(s, 0x23);
    p->cores = cores ? (int)cores : -1;
    return failed ? TR_ENOMEM : 0;
}

static int add_array(struct tr_smbios *smbios, const struct structure *s) {
    if (smbios->n_arrays == MAX_LISTED)
        return 0;
    struct tr_smbios_array *array = grow(smbios->arrays, smbios->n_arrays, sizeof(*array));
    if (!array)
        return TR_ENOMEM;
    smbios->arrays = array;
    array[smbios->n_arrays++] = (struct tr_smbios_array){
        .handle = s->handle,
        .system_memory = get8(s, 0x05) == 3,
        .n_devices = (int)get16(s, 0x0d),
    };
    return 0;
}

/* NULL for "other", "unknown" and the words without a meaning ("RAM", as hypervisors say). */
static const char *type_name(unsigned type) {
    static const char *const names[] = {
        [0x0f] = "SDRAM",  [0x12] = "DDR",    [0x13] = "DDR2",  [0x14] = "DDR2 FB-DIMM",
        [0x18] = "DDR3",   [0x1a] = "DDR4",   [0x1b] = "LPDDR", [0x1c] = "LPDDR2",
        [0x1d] = "LPDDR3", [0x1e] = "LPDDR4", [0x20] = "HBM",   [0x21] = "HBM2",
        [0x22] = "DDR5",   [0x23] = "LPDDR5", [0x24] = "HBM3",
    };
    return type < sizeof(names) / sizeof(names[0]) ? names[type] : NULL;
}

static int64_t device_bytes(const struct structure *s) {
    unsigned size = get16(s, 0x0c);
    if (size == 0)
        return 0;
    if (size == 0xffff)
        return -1;
    if (size == 0x7fff)
        return (int64_t)(get32(s, 0x1c) & 0x7fffffff) << 20;
    return (int64_t)(size & 0x7fff) << (size & 0x8000 ? 10 : 20);
}

/* MT/s at `at`, or at `extended` where 0xffff says so (specification 3.3); -1 unknown. */
static int device_mts(const struct structure *s, size_t at, size_t extended) {
    unsigned mts = get16(s, at);
    if (mts == 0xffff)
        mts = get32(s, extended) & 0x7fffffff;
    return mts && mts < 1000000 ? (int)mts : -1;
}

static int width_bits(unsigned width) {
    return width == 0 || width == 0xffff ? -1 : (int)width;
}

static int add_device(struct tr_smbios *smbios, const struct structure *s) {
    bool failed = false;
    if (smbios->n_devices == MAX_LISTED || s->length < 0x15) /* as long as in version 2.1 */
        return 0;
    struct tr_smbios_device *device = grow(smbios->devices, smbios->n_devices, sizeof(*device));
    if (!device)
        return TR_ENOMEM;
    smbios->devices = device;
    device += smbios->n_devices++;
    struct tr_memory_module *module = &device->module;
    device->handle = s->handle;
    device->array_handle = (int)get16(s, 0x04);
    unsigned technology = get8(s, 0x28); /* 5, 6: NVDIMM-F, -P; 7: Optane */
    device->persistent = (technology >= 5 && technology <= 7) || get8(s, 0x12) == 0x1f;
    module->size_bytes = device_bytes(s);
    module->total_width_bits = width_bits(get16(s, 0x08));
    module->data_width_bits = width_bits(get16(s, 0x0a));
    module->locator = get_string(s, 0x10, &failed);
    module->bank = get_string(s, 0x11, &failed);
    module->rated_mts = module->configured_mts = module->rank = -1;
    module->package = module->interleave_position = -1;
    module->mapped_from_bytes = module->mapped_to_bytes = -1;
    if (module->size_bytes == 0) /* some firmware tells a speed for empty slots */
        return failed ? TR_ENOMEM : 0;
    const char *type = type_name(get8(s, 0x12));
    if (type && !(module->type = strdup(type)))
        failed = true;
    module->manufacturer = get_string(s, 0x17, &failed);
    module->part_number = get_string(s, 0x1a, &failed);
    module->rank = get8(s, 0x1b) & 15 ? (int)(get8(s, 0x1b) & 15) : -1;
    module->rated_mts = device_mts(s, 0x15, 0x54);
    module->configured_mts = device_mts(s, 0x20, 0x58);
    return failed ? TR_ENOMEM : 0;
}

/* Addresses of types 19 and 20: kilobytes at 4 and 8, the last one included, or bytes at `extended`
 * and behind it where the first says so. False where they make no range. */
static bool get_range(const struct structure *s, size_t extended, struct tr_smbios_range *range) {
    uint64_t from = get32(s, 0x04), last = get32(s, 0x08);
    bool long_form = from == UINT32_MAX;
    if (s->length < extended || (long_form && s->length < extended + 16))
        return false;
    from = long_form ? get64(s, extended) : from << 10;
    last = long_form ? get64(s, extended + 8) : (last << 10) + 1023;
    if (last < from || last >= (uint64_t)1 << MAX_ADDRESS_BITS)
        return false;
    range->from = (int64_t)from;
    range->to = (int64_t)last + 1;
    return true;
}

static int add_range(struct tr_smbios_range **ranges, size_t *n,
                     const struct tr_smbios_range *range) {
    if (*n == MAX_LISTED)
        return 0;
    struct tr_smbios_range *grown = grow(*ranges, *n, sizeof(*grown));
    if (!grown)
        return TR_ENOMEM;
    *ranges = grown;
    grown[(*n)++] = *range;
    return 0;
}

static int add_array_range(struct tr_smbios *smbios, const struct structure *s) {
    struct tr_smbios_range range = {.owner = (int)get16(s, 0x0c), .interleave_position = -1};
    if (!get_range(s, 0x0f, &range))
        return 0;
    return add_range(&smbios->array_ranges, &smbios->n_array_ranges, &range);
}

static int add_device_range(struct tr_smbios *smbios, const struct structure *s) {
    struct tr_smbios_range range = {.owner = (int)get16(s, 0x0c)};
    unsigned position = get8(s, 0x11);
    range.interleave_position = position == 0xff ? -1 : (int)position;
    if (!get_range(s, 0x13, &range))
        return 0;
    return add_range(&smbios->device_ranges, &smbios->n_device_ranges, &range);
}

/* The structure at `at` and, in *ret_next, the offset behind it; false where none fits. */
static bool next_structure(const uint8_t *table, size_t length, size_t at,
                           struct structure *ret_structure, size_t *ret_next) {
    if (at > length || length - at < HEADER_BYTES + 2)
        return false;
    struct structure s = {.bytes = table + at, .length = table[at + 1]};
    if (s.length < HEADER_BYTES || s.length > length - at - 2)
        return false;
    s.type = table[at];
    s.handle = table[at + 2] | table[at + 3] << 8;
    /* The strings end with an empty one; a structure without strings has two zero bytes. */
    const uint8_t *strings = table + at + s.length;
    size_t left = length - at - s.length, n = 0;
    while (n + 1 < left && (strings[n] || strings[n + 1]))
        n++;
    if (n + 1 >= left)
        return false;
    s.strings = (const char *)strings;
    s.strings_length = n;
    *ret_structure = s;
    *ret_next = at + s.length + n + 2;
    return true;
}

/* --- entry point ----------------------------------------------------------------------------- */

#define NO_SIGNATURE "%s: no signature _SM_ or _SM3_ of an SMBIOS entry point at byte 0"

static bool is_entry_3(const uint8_t *entry, size_t length) {
    return length >= 0x18 && !memcmp(entry, "_SM3_", 5);
}

static bool is_entry_2(const uint8_t *entry, size_t length) {
    return length >= 0x1f && !memcmp(entry, "_SM_", 4);
}

/* Shortens *length to what the entry point says; *count is its number of structures, where told.
 * Checksums are not examined: recordings with changed fields are read all the same. */
static int read_entry(const uint8_t *entry, size_t entry_length, const char *name,
                      struct tr_smbios *smbios, size_t *length, size_t *count,
                      struct tr_err *reterr) {
    struct structure s = {.bytes = entry, .length = entry_length};
    size_t told;
    if (is_entry_3(entry, entry_length)) {
        smbios->major = entry[7];
        smbios->minor = entry[8];
        told = get32(&s, 0x0c);
    } else if (is_entry_2(entry, entry_length)) {
        smbios->major = entry[6];
        smbios->minor = entry[7];
        told = get16(&s, 0x16);
        *count = get16(&s, 0x1c);
    } else {
        return tr_err_set(reterr, TR_EFORMAT, NO_SIGNATURE, name);
    }
    if (told && told < *length)
        *length = told;
    return 0;
}

int tr_smbios_parse(const uint8_t *entry, size_t entry_length, const uint8_t *table,
                    size_t table_length, const char *name, struct tr_smbios *ret_smbios,
                    struct tr_err *reterr) {
    struct tr_smbios smbios = {.major = -1, .minor = -1, .broken_at = -1};
    size_t at = 0, n = 0, count = SIZE_MAX, length = table_length;
    struct structure s;
    int code = 0;
    if (entry)
        code = read_entry(entry, entry_length, name, &smbios, &length, &count, reterr);
    /* Each step moves forward by at least six bytes, so that no table can loop. */
    for (; !code && n < count && next_structure(table, length, at, &s, &at); n++) {
        if (s.type == 127)
            smbios.ended = true, count = n; /* end of table */
        else if (s.type == 4)
            code = add_processor(&smbios, &s);
        else if (s.type == 16)
            code = add_array(&smbios, &s);
        else if (s.type == 17)
            code = add_device(&smbios, &s);
        else if (s.type == 19)
            code = add_array_range(&smbios, &s);
        else if (s.type == 20)
            code = add_device_range(&smbios, &s);
    }
    smbios.ended = smbios.ended || n == count;
    smbios.broken_at = smbios.ended || at >= length ? -1 : (int64_t)at;
    if (!code && n == 0 && count)
        code = tr_err_set(reterr, TR_EFORMAT,
                          "%s: no whole SMBIOS structure at byte 0 of a table of %zu bytes", name,
                          length);
    if (code) {
        tr_smbios_finish(&smbios);
        return code;
    }
    *ret_smbios = smbios;
    return 0;
}

int tr_smbios_read(const char *folder, struct tr_smbios *ret_smbios, struct tr_err *reterr) {
    char *table = NULL, *entry = NULL;
    size_t table_length = 0, entry_length = 0;
    char *table_path = tr_format("%s/DMI", folder);
    char *entry_path = tr_format("%s/smbios_entry_point", folder);
    int code = TR_ENOMEM, saved = 0;
    if (!table_path || !entry_path)
        goto out;
    code = tr_file_read(table_path, MAX_TABLE_BYTES, &table, &table_length, reterr);
    saved = errno;
    if (code)
        goto out;
    if (tr_file_read(entry_path, 4096, &entry, &entry_length, NULL))
        entry = NULL;
    const uint8_t *bytes = (const uint8_t *)entry;
    if (entry && !is_entry_3(bytes, entry_length) && !is_entry_2(bytes, entry_length))
        code = tr_err_set(reterr, TR_EFORMAT, NO_SIGNATURE, entry_path);
    else
        code = tr_smbios_parse(bytes, entry_length, (const uint8_t *)table, table_length,
                               table_path, ret_smbios, reterr);
out:
    free(table);
    free(entry);
    free(table_path);
    free(entry_path);
    if (code == TR_EIO)
        errno = saved;
    return code;
}

void tr_smbios_finish(struct tr_smbios *smbios) {
    if (!smbios)
        return;
    for (size_t i = 0; i < smbios->n_processors; i++) {
        free(smbios->processors[i].socket);
        free(smbios->processors[i].version);
    }
    for (size_t i = 0; i < smbios->n_devices; i++) {
        struct tr_memory_module *module = &smbios->devices[i].module;
        free(module->locator);
        free(module->bank);
        free(module->type);
        free(module->manufacturer);
        free(module->part_number);
        free(module->channel);
    }
    free(smbios->processors);
    free(smbios->arrays);
    free(smbios->devices);
    free(smbios->array_ranges);
    free(smbios->device_ranges);
    *smbios = (struct tr_smbios){0};
}
