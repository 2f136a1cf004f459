/* The memory controllers' driver (EDAC) under /sys/devices/system/edac/mc: what is populated, which
 * every user may read, and the counters of memory errors. It exists where memory has ECC.
 * Interface: the kernel's Documentation/admin-guide/RAS. Only populated modules are listed; drivers
 * that know chip selects rather than modules list ranks, two to a module. */
#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sensors.h"
#include "strbuf.h"

static const char folder[] = "/sys/devices/system/edac/mc";

struct entry {
    int controller, channel, slot; /* -1 unknown */
    int package;
    int64_t bytes, errors;
    char *label, *type, *mode;
};

struct entries {
    struct entry *items;
    size_t n;
    int controllers;
    bool ranks;      /* not modules */
    bool full_width; /* every channel of the driver is 64 bits wide */
    char *driver;
    int64_t corrected, uncorrected; /* -1 unknown */
};

static void finish(struct entries *entries) {
    for (size_t i = 0; i < entries->n; i++) {
        free(entries->items[i].label);
        free(entries->items[i].type);
        free(entries->items[i].mode);
    }
    free(entries->items);
    free(entries->driver);
}

/* --- reading --------------------------------------------------------------------------------- */

/* The number after `word` in "csrow 2 channel 3" or "Skylake Socket#1 IMC#0"; -1 without one. */
static int number_after(const char *text, const char *word) {
    const char *at = text ? strstr(text, word) : NULL;
    if (!at)
        return -1;
    at += strlen(word);
    at += strspn(at, " #");
    return isdigit((unsigned char)*at) ? (int)strtol(at, NULL, 10) : -1;
}

/* "Registered-DDR5" gives "DDR5"; other words give NULL. */
static char *memory_type(char *words) {
    const char *at = words ? strstr(words, "DDR") : NULL;
    char *type = NULL;
    if (at && isdigit((unsigned char)at[3]))
        type = tr_format("%sDDR%c", strncmp(words, "Low-Power", 9) ? "" : "LP", at[3]);
    free(words);
    return type;
}

/* amd64_edac names controllers after family and model, "F19h_M10h". */
static bool is_amd(const char *driver) {
    return driver && driver[0] == 'F' && isxdigit((unsigned char)driver[1]) && strchr(driver, 'h');
}

/* Whether a channel of this driver is 64 bits wide. Client parts have narrower ones too. */
static bool has_full_width(const char *driver, const char *cpu_model) {
    static const char *const servers[] = {"Skylake Socket", "Intel_10nm Socket", "Broadwell SrcID",
                                          "Haswell SrcID"};
    for (size_t i = 0; driver && i < sizeof(servers) / sizeof(servers[0]); i++)
        if (!strncmp(driver, servers[i], strlen(servers[i])))
            return true;
    return is_amd(driver) && cpu_model &&
           (strstr(cpu_model, "EPYC") || strstr(cpu_model, "Threadripper"));
}

static int add_entry(struct entries *entries, struct tr_source *source, const char *path,
                     int controller) {
    int64_t mib = tr_source_number_in(source, path, "size");
    if (mib <= 0)
        return 0;
    struct entry *items = realloc(entries->items, (entries->n + 1) * sizeof(*items));
    if (!items)
        return TR_ENOMEM;
    entries->items = items;
    char *location = tr_source_line_in(source, path, "dimm_location");
    int row = number_after(location, "csrow");
    items[entries->n++] = (struct entry){
        .controller = controller,
        .channel = number_after(location, "channel"),
        .slot = row >= 0 ? row / 2 : number_after(location, "slot"),
        .package = -1,
        .bytes = mib << 20,
        .errors = tr_source_number_in(source, path, "dimm_ce_count"),
        .label = tr_source_line_in(source, path, "dimm_label"),
        .type = memory_type(tr_source_line_in(source, path, "dimm_mem_type")),
        .mode = tr_source_line_in(source, path, "dimm_edac_mode"),
    };
    free(location);
    return 0;
}

static void add_count(int64_t *sum, int64_t count) {
    if (count >= 0)
        *sum = (*sum < 0 ? 0 : *sum) + count;
}

static int add_controller(struct entries *entries, struct tr_source *source, const char *name,
                          const char *cpu_model) {
    int code = 0, controller = (int)strtol(name + 2, NULL, 10);
    char *path = tr_format("%s/%s", folder, name);
    if (!path)
        return TR_ENOMEM;
    char *driver = tr_source_line_in(source, path, "mc_name");
    char **names = tr_source_list(source, path);
    bool full = has_full_width(driver, cpu_model);
    size_t first = entries->n;
    int package = number_after(driver, "Socket");
    if (package < 0)
        package = number_after(driver, "SrcID");
    entries->full_width = entries->controllers++ ? entries->full_width && full : full;
    add_count(&entries->corrected, tr_source_number_in(source, path, "ce_count"));
    add_count(&entries->uncorrected, tr_source_number_in(source, path, "ue_count"));
    for (char **at = names; at && *at && !code; at++) {
        bool rank = !strncmp(*at, "rank", 4);
        if (!rank && (strncmp(*at, "dimm", 4) || !isdigit((unsigned char)(*at)[4])))
            continue;
        char *module = tr_format("%s/%s", path, *at);
        entries->ranks = entries->ranks || rank;
        code = module ? add_entry(entries, source, module, controller) : TR_ENOMEM;
        free(module);
    }
    for (size_t i = first; i < entries->n; i++)
        entries->items[i].package = package;
    tr_source_list_free(names);
    free(path);
    if (entries->driver)
        free(driver);
    else
        entries->driver = driver;
    return code;
}

static int read_entries(struct tr_source *source, const char *cpu_model, struct entries *entries) {
    int code = 0;
    char **names = tr_source_list(source, folder);
    *entries = (struct entries){.corrected = -1, .uncorrected = -1};
    for (char **name = names; name && *name && !code; name++)
        if (!strncmp(*name, "mc", 2) && isdigit((unsigned char)(*name)[2]))
            code = add_controller(entries, source, *name, cpu_model);
    tr_source_list_free(names);
    if (code)
        finish(entries);
    return code;
}

/* --- counting -------------------------------------------------------------------------------- */

static bool same_module(const struct entry *a, const struct entry *b) {
    return a->controller == b->controller && a->channel == b->channel && a->slot == b->slot;
}

static bool is_known(const struct entry *entry) {
    return entry->channel >= 0 && entry->slot >= 0;
}

/* Puts the ranks of a module together; without a place that is not possible. */
static bool merge_ranks(struct entries *entries) {
    size_t kept = 0;
    for (size_t i = 0; i < entries->n; i++)
        if (!is_known(&entries->items[i]))
            return false;
    for (size_t i = 0; i < entries->n; i++) {
        struct entry *entry = &entries->items[i];
        size_t at = 0;
        while (at < kept && !same_module(&entries->items[at], entry))
            at++;
        if (at == kept) {
            entries->items[kept++] = *entry;
            continue;
        }
        entries->items[at].bytes += entry->bytes;
        add_count(&entries->items[at].errors, entry->errors);
        free(entry->label);
        free(entry->type);
        free(entry->mode);
    }
    entries->n = kept;
    return true;
}

static double count_channels(const struct entries *entries) {
    int n = 0;
    for (size_t i = 0; i < entries->n; i++) {
        bool first = true;
        for (size_t k = 0; k < i && first; k++)
            first = entries->items[k].controller != entries->items[i].controller ||
                    entries->items[k].channel != entries->items[i].channel;
        if (entries->items[i].channel < 0)
            return NAN;
        n += first;
    }
    return entries->full_width && n ? (double)n : (double)NAN;
}

static char *common_mode(const struct entries *entries) {
    const char *mode = entries->n ? entries->items[0].mode : NULL;
    for (size_t i = 1; i < entries->n && mode; i++)
        if (!entries->items[i].mode || strcmp(entries->items[i].mode, mode))
            mode = NULL;
    return mode ? strdup(mode) : NULL;
}

/* --- the machine ----------------------------------------------------------------------------- */

/* Gives the memory's population from the driver, where nothing told more. */
static int take_modules(struct tr_machine *machine, struct entries *entries) {
    struct tr_memory *memory = &machine->memory;
    memory->modules = calloc(entries->n, sizeof(*memory->modules));
    memory->basis = strdup("edac");
    if (!memory->modules || !memory->basis)
        return TR_ENOMEM;
    for (size_t i = 0; i < entries->n; i++) {
        struct entry *entry = &entries->items[i];
        struct tr_memory_module *module = &memory->modules[memory->n_modules++];
        *module = (struct tr_memory_module){
            .locator = entry->label,
            .type = entry->type,
            .size_bytes = entry->bytes,
            .data_width_bits = entries->full_width ? 64 : -1,
            .total_width_bits = -1,
            .rated_mts = -1,
            .configured_mts = -1,
            .rank = -1,
            .mapped_from_bytes = -1,
            .mapped_to_bytes = -1,
            .interleave_position = -1,
            .package = entry->package,
        };
        entry->label = entry->type = NULL;
        if (entry->channel >= 0 &&
            !(module->channel = tr_format("MC%d CH%d", entry->controller, entry->channel)))
            return TR_ENOMEM;
    }
    memory->channels_populated = machine->edac.channels;
    return 0;
}

/* The firmware's tables and the controllers must tell the same. A module that failed its training
 * is in the tables, but has no channel and no memory. */
static int compare(struct tr_machine *machine) {
    const struct tr_memory *memory = &machine->memory;
    const struct tr_edac *edac = &machine->edac;
    int64_t bytes = 0;
    int modules = 0, code = 0;
    for (size_t i = 0; i < memory->n_modules; i++) {
        bytes += memory->modules[i].size_bytes > 0 ? memory->modules[i].size_bytes : 0;
        modules += memory->modules[i].size_bytes != 0;
    }
    if (isfinite(edac->channels) && isfinite(memory->channels_populated) &&
        fabs(edac->channels - memory->channels_populated) > 0.01)
        code = tr_machine_note(machine,
                               "The firmware's tables tell %g populated memory channels, the "
                               "memory controllers' driver (EDAC) sees %g: has a module failed, or "
                               "is it disabled?",
                               memory->channels_populated, edac->channels);
    else if (edac->modules > 0 && modules > 0 && edac->modules != modules)
        code = tr_machine_note(machine,
                               "The firmware's tables tell %d memory modules, the memory "
                               "controllers' driver (EDAC) sees %d: has a module failed, or is it "
                               "disabled?",
                               modules, edac->modules);
    else if (edac->total_bytes > 0 && bytes > 0 && edac->total_bytes != bytes)
        code = tr_machine_note(machine,
                               "The firmware's tables tell %.4g GiB of memory, the memory "
                               "controllers' driver (EDAC) sees %.4g GiB.",
                               (double)bytes / (1 << 30), (double)edac->total_bytes / (1 << 30));
    return code;
}

static int note_errors(struct tr_machine *machine, const struct entries *entries) {
    const struct entry *worst = NULL;
    for (size_t i = 0; i < entries->n; i++)
        if (entries->items[i].errors > 0 && (!worst || entries->items[i].errors > worst->errors))
            worst = &entries->items[i];
    if (entries->corrected <= 0 && entries->uncorrected <= 0)
        return 0;
    return tr_machine_note(machine,
                           "Memory errors since the counters were reset: %" PRId64
                           " corrected, %" PRId64 " not corrected%s%s%s. Correcting takes time, "
                           "and a module that needs it may fail.",
                           entries->corrected > 0 ? entries->corrected : 0,
                           entries->uncorrected > 0 ? entries->uncorrected : 0,
                           worst && worst->label ? " (most on " : "",
                           worst && worst->label ? worst->label : "",
                           worst && worst->label ? ")" : "");
}

int tr_edac_fill(struct tr_machine *machine, struct tr_source *source) {
    struct tr_edac *edac = &machine->edac;
    struct entries entries;
    int code = read_entries(source, machine->cpu.model, &entries);
    if (code || entries.controllers == 0)
        return code;
    bool modules = !entries.ranks || (is_amd(entries.driver) && merge_ranks(&entries));
    edac->controllers = entries.controllers;
    edac->driver = entries.driver;
    edac->mode = common_mode(&entries);
    edac->modules = modules && entries.n ? (int)entries.n : -1;
    edac->channels = count_channels(&entries);
    edac->total_bytes = entries.n ? 0 : -1;
    entries.driver = NULL;
    for (size_t i = 0; i < entries.n; i++) {
        edac->total_bytes += entries.items[i].bytes;
        /* AMD's driver has one controller a package. */
        if (entries.items[i].package < 0 && entries.controllers == (int)machine->n_packages)
            entries.items[i].package = entries.items[i].controller;
    }
    code = note_errors(machine, &entries);
    if (!code && machine->memory.basis)
        code = compare(machine);
    else if (!code && modules && entries.n)
        code = take_modules(machine, &entries);
    finish(&entries);
    return code;
}

void tr_edac_errors(struct tr_source *source, int64_t *ret_corrected, int64_t *ret_uncorrected) {
    char **names = tr_source_list(source, folder);
    *ret_corrected = *ret_uncorrected = -1;
    for (char **name = names; name && *name; name++) {
        if (strncmp(*name, "mc", 2) || !isdigit((unsigned char)(*name)[2]))
            continue;
        char *path = tr_format("%s/%s", folder, *name);
        add_count(ret_corrected, path ? tr_source_number_in(source, path, "ce_count") : -1);
        add_count(ret_uncorrected, path ? tr_source_number_in(source, path, "ue_count") : -1);
        free(path);
    }
    tr_source_list_free(names);
}
