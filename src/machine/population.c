/* How fast memory modules may run where they sit: data/memory_population.csv. */
#include <stdlib.h>
#include <string.h>

#include "csv.h"
#include "data.h"
#include "parts.h"
#include "strbuf.h"

/* Speeds are written rounded (5600, 5592): within this much they are the same. */
enum { SAME_MTS = 20 };

static bool populated(const struct tr_memory_module *module) {
    return module->size_bytes > 0;
}

/* Modules of the fullest channel; -1 where channels have no names. */
static int modules_per_channel(const struct tr_memory *memory) {
    int most = -1;
    for (size_t i = 0; i < memory->n_modules; i++) {
        const struct tr_memory_module *module = &memory->modules[i];
        int n = 0;
        if (!populated(module))
            continue;
        if (!module->channel)
            return -1;
        for (size_t k = 0; k < memory->n_modules; k++) {
            const struct tr_memory_module *other = &memory->modules[k];
            n += populated(other) && other->channel && other->package == module->package &&
                 !strcmp(other->channel, module->channel);
        }
        most = n > most ? n : most;
    }
    return most;
}

static int most_ranks(const struct tr_memory *memory) {
    int most = -1;
    for (size_t i = 0; i < memory->n_modules; i++)
        if (populated(&memory->modules[i]) && memory->modules[i].rank > most)
            most = memory->modules[i].rank;
    return most > 0 ? most : -1;
}

static const char *type_of(const struct tr_memory *memory) {
    for (size_t i = 0; i < memory->n_modules; i++)
        if (populated(&memory->modules[i]))
            return memory->modules[i].type;
    return NULL;
}

/* A row's speed where it is about this population; unknown ranks take the slowest that fits. */
static int find_rows(const struct tr_platform *platform, const char *type, int per_channel,
                     int ranks, char **ret_source) {
    const struct tr_data *data = tr_data_find("memory_population.csv");
    struct tr_csv table = {0};
    int found = -1;
    size_t at = 0;
    if (!data || !platform->series || per_channel < 1 ||
        tr_csv_parse(data->text, data->length, data->name, &table, NULL))
        return -1;
    for (size_t i = 1; i < table.n_rows; i++) {
        double row_ranks = tr_csv_number(&table, i, "ranks");
        int mts = (int)tr_csv_number(&table, i, "max_mts");
        if (strcmp(tr_csv_get(&table, i, "platform"), platform->series) != 0 ||
            (type && strcmp(tr_csv_get(&table, i, "mem_type"), type) != 0) ||
            tr_csv_number(&table, i, "modules_per_channel") != per_channel ||
            (ranks > 0 && row_ranks > 0 && row_ranks != ranks) || (found > 0 && mts >= found))
            continue;
        found = mts;
        at = i;
    }
    *ret_source = at ? strdup(tr_csv_get(&table, at, "source")) : NULL;
    tr_csv_finish(&table);
    return found;
}

/* The least of what is known. */
static int least(int a, int b) {
    return a <= 0 ? b : b <= 0 || a < b ? a : b;
}

static bool soldered(const char *type) {
    return type && !strncmp(type, "LPDDR", 5);
}

static char *explain(const struct tr_memory *memory, const char *type) {
    const struct tr_population *found = &memory->population;
    struct tr_strbuf why = {0};
    tr_strbuf_addf(&why, "runs at %d MT/s", memory->configured_mts);
    if (memory->rated_mts > 0)
        tr_strbuf_addf(&why, "; modules rated %d", memory->rated_mts);
    if (found->platform_mts > 0)
        tr_strbuf_addf(&why, ", platform maximum %d", found->platform_mts);
    if (found->population_mts > 0)
        tr_strbuf_addf(&why, ", maximum with %d module%s a channel %d", found->modules_per_channel,
                       found->modules_per_channel == 1 ? "" : "s", found->population_mts);
    if (memory->configured_mts < found->expected_mts - SAME_MTS) {
        if (soldered(type))
            tr_strbuf_add(&why, ": soldered memory, set by the maker");
        else if (found->modules_per_channel > 1 && found->population_mts <= 0)
            tr_strbuf_addf(&why,
                           ": the maximum with %d modules a channel is not known, and may be this",
                           found->modules_per_channel);
        else
            tr_strbuf_add(&why, ": look for the memory speed or profile in the BIOS");
    } else if (memory->configured_mts > found->expected_mts + SAME_MTS)
        tr_strbuf_add(&why, ": an overclocking profile (EXPO, XMP)");
    return tr_strbuf_take(&why);
}

int tr_population_fill(struct tr_machine *machine) {
    struct tr_memory *memory = &machine->memory;
    struct tr_population *found = &memory->population;
    const struct tr_platform *platform = machine->platform;
    const char *type = type_of(memory);
    /* Firmware that does not tell the type has no other than the processor takes. */
    bool own_type = platform && platform->mem_type &&
                    (!type || !strncmp(platform->mem_type, type, strlen(type)));
    *found = (struct tr_population){.modules_per_channel = -1,
                                    .ranks = -1,
                                    .platform_mts = -1,
                                    .population_mts = -1,
                                    .expected_mts = -1};
    /* A hypervisor's modules are its own invention. */
    if (!memory->basis || machine->environment.virtual_machine)
        return 0;
    found->modules_per_channel = modules_per_channel(memory);
    found->ranks = most_ranks(memory);
    /* "DDR5 or DDR4": the catalogue's speed is that of the first. */
    if (own_type && platform->max_mts > 0)
        found->platform_mts = (int)platform->max_mts;
    if (platform)
        found->population_mts =
            find_rows(platform, type, found->modules_per_channel, found->ranks, &found->source);
    found->expected_mts =
        least(memory->rated_mts, least(found->platform_mts, found->population_mts));
    if (memory->configured_mts <= 0 || found->expected_mts <= 0)
        return 0;
    int over = memory->configured_mts - found->expected_mts;
    found->verdict = over > SAME_MTS    ? "above specification"
                     : over < -SAME_MTS ? "below specification"
                                        : "as specified";
    found->why = explain(memory, type);
    return found->why ? 0 : TR_ENOMEM;
}
