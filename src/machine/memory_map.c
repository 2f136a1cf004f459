#include "memory_map.h"

#include <string.h>

#include "parts.h"

/* Firmware keeps some memory for itself; more than this part of it is no such thing. */
static const double MISSING = 0.1;

void tr_memory_map_module(const struct tr_smbios *smbios, const struct tr_smbios_device *device,
                          struct tr_memory_module *module) {
    for (size_t i = 0; module->size_bytes > 0 && i < smbios->n_device_ranges; i++) {
        const struct tr_smbios_range *range = &smbios->device_ranges[i];
        if (range->owner != device->handle)
            continue;
        if (module->mapped_from_bytes < 0 || range->from < module->mapped_from_bytes)
            module->mapped_from_bytes = range->from;
        if (range->to > module->mapped_to_bytes)
            module->mapped_to_bytes = range->to;
        if (range->interleave_position > module->interleave_position)
            module->interleave_position = range->interleave_position;
    }
}

static bool is_mapped(const struct tr_memory_module *module) {
    return module->size_bytes > 0 && module->mapped_from_bytes >= 0;
}

/* Most modules that answer one address; -1 unless all populated ones are mapped. A table that gives
 * one module less room than it has is about something else. */
static int most_at_one_address(const struct tr_memory *memory) {
    int most = -1;
    for (size_t i = 0; i < memory->n_modules; i++) {
        const struct tr_memory_module *module = &memory->modules[i];
        int n = 0;
        if (module->size_bytes == 0)
            continue;
        if (!is_mapped(module) ||
            module->mapped_to_bytes - module->mapped_from_bytes < module->size_bytes)
            return -1;
        for (size_t k = 0; k < memory->n_modules; k++) {
            const struct tr_memory_module *other = &memory->modules[k];
            n += is_mapped(other) && other->mapped_from_bytes <= module->mapped_from_bytes &&
                 module->mapped_from_bytes < other->mapped_to_bytes;
        }
        most = n > most ? n : most;
    }
    return most;
}

/* Sum over the arrays of system memory; -1 where nothing is told. Ranges that overlap lie. */
static int64_t sum_of_ranges(const struct tr_smbios *smbios) {
    int64_t sum = 0;
    for (size_t i = 0; i < smbios->n_array_ranges; i++) {
        const struct tr_smbios_range *range = &smbios->array_ranges[i];
        bool system = false;
        for (size_t k = 0; k < smbios->n_arrays; k++)
            system = system ||
                     (smbios->arrays[k].handle == range->owner && smbios->arrays[k].system_memory);
        if (!system)
            continue;
        for (size_t k = 0; k < i; k++)
            if (range->from < smbios->array_ranges[k].to &&
                smbios->array_ranges[k].from < range->to)
                return -1;
        sum += range->to - range->from;
    }
    return sum > 0 ? sum : -1;
}

static bool all_say_alone(const struct tr_memory *memory) {
    for (size_t i = 0; i < memory->n_modules; i++)
        if (memory->modules[i].size_bytes > 0 && memory->modules[i].interleave_position != 0)
            return false;
    return true;
}

int tr_memory_map_fill(struct tr_machine *machine, const struct tr_smbios *smbios) {
    struct tr_memory *memory = &machine->memory;
    double modules = 0;
    int code = 0;
    for (size_t i = 0; i < memory->n_modules; i++)
        modules += memory->modules[i].size_bytes > 0 ? (double)memory->modules[i].size_bytes : 0;
    memory->interleaved_modules = most_at_one_address(memory);
    memory->mapped_bytes = sum_of_ranges(smbios);
    if (memory->interleaved_modules == 1 && memory->channels_populated > 1 && all_say_alone(memory))
        code = tr_machine_note(machine,
                               "By the firmware's address map the modules lie one behind the other "
                               "and are not interleaved: a program's data then lie in one channel. "
                               "Some firmware says so wrongly: measured bandwidth decides.");
    if (!code && memory->mapped_bytes > 0 && (double)memory->mapped_bytes < (1 - MISSING) * modules)
        code =
            tr_machine_note(machine,
                            "The firmware maps %.4g GiB of memory, the modules have %.4g: is one "
                            "of them not in use, or mirrored?",
                            (double)memory->mapped_bytes / (1 << 30), modules / (1 << 30));
    return code;
}
