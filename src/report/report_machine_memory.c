#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "report_machine.h"

static bool same_text(const char *a, const char *b) {
    return (!a && !b) || (a && b && !strcmp(a, b));
}

static bool alike(const struct tr_memory_module *a, const struct tr_memory_module *b) {
    return a->size_bytes == b->size_bytes && a->data_width_bits == b->data_width_bits &&
           a->rated_mts == b->rated_mts && a->configured_mts == b->configured_mts &&
           same_text(a->type, b->type) && same_text(a->manufacturer, b->manufacturer) &&
           same_text(a->part_number, b->part_number);
}

/* Where a module sits, as briefly as the firmware allows. */
static const char *seat(const struct tr_memory_module *module) {
    return module->channel   ? module->channel
           : module->locator ? module->locator
           : module->bank    ? module->bank
                             : "?";
}

/* Some boards give every slot the same locator; then only the bank tells them apart. */
static bool ambiguous(const struct tr_memory *memory, const struct tr_memory_module *module) {
    size_t alike = 0;
    for (size_t i = 0; i < memory->n_modules; i++)
        alike += same_text(memory->modules[i].locator, module->locator);
    return alike > 1;
}

/* Some firmware writes the maker's number (JEDEC JEP106, continuation and code) for its name. */
static const char *maker(const char *text) {
    static const struct {
        const char *number, *name;
    } makers[] = {
        {"80AD", "SK Hynix"}, {"80CE", "Samsung"},  {"802C", "Micron"},
        {"830B", "Nanya"},    {"0198", "Kingston"}, {"029E", "Corsair"},
        {"04CD", "G.Skill"},  {"04CB", "ADATA"},    {"859B", "Crucial"},
    };
    size_t digits = text ? strspn(text, "0123456789ABCDEFabcdef") : 0;
    if (digits < 4 || text[digits])
        return text;
    for (size_t i = 0; i < sizeof(makers) / sizeof(makers[0]); i++)
        if (!strncasecmp(text, makers[i].number, 4))
            return makers[i].name;
    return text;
}

/* One line for all modules like modules[first]; empty slots by their locators, since those are what
 * a person has to find on the board. */
static void module_line(struct tr_text *text, const struct tr_memory *memory, size_t first) {
    size_t end = text->full ? first + 1 : memory->n_modules;
    const struct tr_memory_module *module = &memory->modules[first];
    bool empty = module->size_bytes == 0;
    struct tr_strbuf seats = {0}, line = {0};
    size_t n = 0;
    for (size_t i = first; i < end; i++) {
        const struct tr_memory_module *other = &memory->modules[i];
        if (empty ? other->size_bytes != 0 : !alike(other, module))
            continue;
        const char *name = empty && other->locator ? other->locator : seat(other);
        bool with_bank = empty && other->bank && other->locator && ambiguous(memory, other);
        tr_strbuf_addf(&seats, "%s%s%s%s", n++ ? ", " : "", with_bank ? other->bank : "",
                       with_bank ? " " : "", name);
    }
    if (empty) {
        tr_strbuf_addf(&line, "%zu: %s", n, seats.text ? seats.text : "");
        tr_text_fact(text, "empty slots", tr_strbuf_take(&line));
        tr_strbuf_finish(&seats);
        return;
    }
    char *size = tr_text_bytes(module->size_bytes);
    tr_strbuf_addf(&line, "%zu x %s %s", n, size ? size : "",
                   module->type ? module->type : "of unknown type");
    free(size);
    if (module->data_width_bits > 0)
        tr_strbuf_addf(&line, ", %d bit%s", module->data_width_bits,
                       module->total_width_bits > module->data_width_bits ? " + ECC" : "");
    if (module->rated_mts > 0)
        tr_strbuf_addf(&line, ", rated %d MT/s", module->rated_mts);
    if (module->configured_mts > 0)
        tr_strbuf_addf(&line, ", runs at %d MT/s", module->configured_mts);
    if (module->manufacturer || module->part_number)
        tr_strbuf_addf(&line, ", %s%s%s", module->manufacturer ? maker(module->manufacturer) : "",
                       module->manufacturer && module->part_number ? " " : "",
                       module->part_number ? module->part_number : "");
    tr_strbuf_addf(&line, "; on %s", seats.text ? seats.text : "");
    tr_text_fact(text, "modules", tr_strbuf_take(&line));
    tr_strbuf_finish(&seats);
}

static bool is_first_of_its_kind(const struct tr_memory *memory, size_t index) {
    bool empty = memory->modules[index].size_bytes == 0;
    for (size_t i = 0; i < index; i++)
        if (empty ? memory->modules[i].size_bytes == 0
                  : alike(&memory->modules[i], &memory->modules[index]))
            return false;
    return true;
}

/* What the memory controllers' driver sees, and what errors it counted. */
static void witness_line(struct tr_text *text, const struct tr_machine *machine) {
    const struct tr_edac *edac = &machine->edac;
    struct tr_strbuf line = {0};
    if (edac->controllers < 0)
        return;
    tr_strbuf_addf(&line, "%d controller%s", edac->controllers, edac->controllers == 1 ? "" : "s");
    if (isfinite(edac->channels))
        tr_strbuf_addf(&line, ", %g channels", edac->channels);
    if (edac->modules > 0)
        tr_strbuf_addf(&line, ", %d modules", edac->modules);
    if (edac->total_bytes > 0) {
        char *bytes = tr_text_bytes(edac->total_bytes);
        tr_strbuf_addf(&line, ", %s", bytes ? bytes : "");
        free(bytes);
    }
    if (edac->mode)
        tr_strbuf_addf(&line, ", ECC %s", strcmp(edac->mode, "None") ? edac->mode : "off");
    if (machine->sensors.corrected_errors >= 0)
        tr_strbuf_addf(&line, ", errors corrected %" PRId64 ", not corrected %" PRId64,
                       machine->sensors.corrected_errors, machine->sensors.uncorrected_errors);
    tr_text_fact(text, "seen by EDAC", tr_strbuf_take(&line));
}

void tr_text_modules(struct tr_text *text, const struct tr_machine *machine) {
    const struct tr_memory *memory = &machine->memory;
    if (!memory->basis && machine->edac.controllers < 0)
        return;
    if (!memory->basis) {
        tr_strbuf_add(text->out, "\n");
        tr_text_head(text, "memory");
        witness_line(text, machine);
        return;
    }
    char *title = tr_format("memory modules (%s)", memory->basis);
    tr_strbuf_add(text->out, "\n");
    tr_text_head(text, title ? title : "memory modules");
    free(title);
    if (memory->channels_populated > 0 && memory->channels_present > 0)
        tr_text_fact(text, "channels",
                     tr_format("%g of %g populated (64-bit channels)%s", memory->channels_populated,
                               memory->channels_present,
                               memory->channels_populated < memory->channels_present
                                   ? ": the rest of the bandwidth needs modules in the empty ones"
                                   : ""));
    else if (memory->channels_populated > 0)
        tr_text_fact(text, "channels",
                     tr_format("%g populated (64-bit channels)", memory->channels_populated));
    if (memory->total_bytes > 0) {
        char *bytes = tr_text_bytes(memory->total_bytes);
        tr_text_fact(text, "total", bytes);
    }
    if (memory->interleaved_modules > 1)
        tr_text_fact(text, "interleaving",
                     tr_format("%d modules share each address, by the firmware's map",
                               memory->interleaved_modules));
    for (size_t i = 0; i < memory->n_modules; i++)
        if (text->full || is_first_of_its_kind(memory, i))
            module_line(text, memory, i);
    witness_line(text, machine);
}
