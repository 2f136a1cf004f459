/* Memory modules and channels, from SMBIOS tables or the udev database.
 *
 * Channels are counted by width, not by modules: modules of one channel take turns, soldered LPDDR
 * devices are channels of 16 or 32 bits, a DDR5 module's two sub-channels are one channel. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "memory_map.h"
#include "memory_slots.h"
#include "memory_sockets.h"
#include "parts.h"
#include "sensors.h"
#include "smbios.h"
#include "strbuf.h"
#include "udev.h"

enum { CHANNEL_BITS = 64 };

/* --- counting -------------------------------------------------------------------------------- */

struct channel {
    const struct tr_slot *slot; /* the first of its slots */
    bool soldered;              /* LPDDR: each device is a channel of its own */
    int populated_bits, present_bits;
    int64_t bytes;
};

static bool is_type(const struct tr_memory_module *module, const char *prefix) {
    return module->type && !strncmp(module->type, prefix, strlen(prefix));
}

/* Data bits of a module; -1 unknown. Firmware that counts the ECC bits in is put right. */
static int data_bits(const struct tr_memory_module *module) {
    int bits = module->data_width_bits;
    return bits == 72 || bits == 80 ? 64 : bits == 40 ? 32 : bits;
}

static bool same_channel(const struct tr_slot *a, const struct tr_slot *b) {
    return a->package == b->package && a->controller == b->controller &&
           !strcmp(a->channel, b->channel);
}

/* Adds a module to its channel. Modules of one channel take turns: the widest counts. Two halves at
 * the same place are the two 32-bit sub-channels of one DDR5 module. */
static void add_to_channel(struct channel *channel, const struct tr_memory_module *modules,
                           const struct tr_slot *slots, size_t i) {
    int bits = data_bits(&modules[i]);
    for (size_t j = 0; j < i && bits < CHANNEL_BITS; j++)
        if (modules[j].size_bytes && same_channel(&slots[j], &slots[i]) &&
            slots[j].place == slots[i].place)
            bits += data_bits(&modules[j]);
    if (bits > CHANNEL_BITS)
        bits = CHANNEL_BITS;
    if (bits > channel->populated_bits)
        channel->populated_bits = bits;
    channel->bytes += modules[i].size_bytes > 0 ? modules[i].size_bytes : 0;
}

/* A controller of Intel's client parts (12th generation on) is 64 bits wide and names its halves
 * (DDR5) or quarters (LPDDR5) as channels, some firmware with 64 bits each: their sum is capped and
 * kept in the first. */
static void merge_controllers(struct channel *channels, size_t n) {
    for (size_t i = 0; i < n; i++) {
        struct channel *first = &channels[i];
        for (size_t j = i + 1; j < n; j++) {
            if (!first->slot->half_channels || !channels[j].slot->half_channels ||
                channels[j].slot->package != first->slot->package ||
                channels[j].slot->controller != first->slot->controller)
                continue;
            first->populated_bits += channels[j].populated_bits;
            first->present_bits += channels[j].present_bits;
            channels[j].populated_bits = channels[j].present_bits = 0;
        }
        if (first->populated_bits > CHANNEL_BITS)
            first->populated_bits = CHANNEL_BITS;
        if (first->present_bits > CHANNEL_BITS)
            first->present_bits = CHANNEL_BITS;
    }
}

static size_t make_channels(const struct tr_memory *memory, const struct tr_slot *slots,
                            struct channel *channels) {
    size_t n = 0;
    for (size_t i = 0; i < memory->n_modules; i++) {
        const struct tr_memory_module *module = &memory->modules[i];
        bool soldered = is_type(module, "LPDDR");
        size_t at = 0;
        while (at < n &&
               (soldered || channels[at].soldered || !same_channel(channels[at].slot, &slots[i])))
            at++;
        if (at == n)
            channels[n++] = (struct channel){.slot = &slots[i], .soldered = soldered};
        if (soldered) {
            channels[at].populated_bits = data_bits(module);
            channels[at].bytes = module->size_bytes;
        } else if (module->size_bytes) {
            add_to_channel(&channels[at], memory->modules, slots, i);
        }
    }
    /* An empty channel is taken to be as wide as the widest populated one. */
    int widest = 0;
    for (size_t i = 0; i < n; i++)
        if (channels[i].populated_bits > widest)
            widest = channels[i].populated_bits;
    for (size_t i = 0; i < n; i++)
        channels[i].present_bits = channels[i].populated_bits ? channels[i].populated_bits : widest;
    return n;
}

static bool has_generation5(const struct tr_memory *memory) {
    for (size_t i = 0; i < memory->n_modules; i++)
        if (is_type(&memory->modules[i], "DDR5") || is_type(&memory->modules[i], "LPDDR5"))
            return true;
    return false;
}

/* Whether two full-width modules claim the same place: the names then do not tell them apart. */
static bool names_collide(const struct tr_memory *memory, const struct tr_slot *slots) {
    for (size_t i = 0; i < memory->n_modules; i++)
        for (size_t j = 0; j < i; j++)
            if (slots[i].channel[0] && same_channel(&slots[i], &slots[j]) &&
                slots[i].place == slots[j].place && !is_type(&memory->modules[i], "LPDDR") &&
                data_bits(&memory->modules[i]) == CHANNEL_BITS &&
                data_bits(&memory->modules[j]) == CHANNEL_BITS)
                return true;
    return false;
}

/* Why channels cannot be counted; NULL if they can. *ret_present: whether empty slots can too. */
static const char *obstacle(const struct tr_memory *memory, const struct tr_slot *slots,
                            bool virtual_machine, bool *ret_present) {
    *ret_present = true;
    size_t populated = 0;
    const char *reason = NULL;
    for (size_t i = 0; i < memory->n_modules; i++) {
        const struct tr_memory_module *module = &memory->modules[i];
        bool named = slots[i].channel[0] || is_type(module, "LPDDR");
        *ret_present = *ret_present && named;
        if (module->size_bytes == 0)
            continue;
        populated++;
        if (data_bits(module) <= 0)
            return "the firmware does not tell how wide the modules are (usual in virtual "
                   "machines)";
        if (!named)
            reason = "the firmware's names of the slots do not tell which modules share a channel";
    }
    if (populated == 0)
        return "no slot has a module, says the firmware";
    /* One module is one channel, whatever it is called; a hypervisor's single one is invented. */
    if (populated == 1 && !virtual_machine)
        return NULL;
    if (!reason && names_collide(memory, slots))
        reason = "the firmware gives several modules the same place";
    return reason;
}

static int count_channels(struct tr_machine *machine, const struct tr_slot *slots,
                          bool virtual_machine) {
    struct tr_memory *memory = &machine->memory;
    bool present = false;
    const char *reason = obstacle(memory, slots, virtual_machine, &present);
    if (reason)
        return tr_machine_note(machine,
                               "The number of memory channels is unknown: %s. Give --channels N "
                               "(64-bit, per package) if you know it.",
                               reason);
    struct channel *channels = calloc(memory->n_modules, sizeof(*channels));
    if (!channels)
        return TR_ENOMEM;
    size_t n = make_channels(memory, slots, channels);
    if (has_generation5(memory))
        merge_controllers(channels, n);
    int populated_bits = 0, present_bits = 0;
    int64_t smallest = INT64_MAX, largest = 0;
    for (size_t i = 0; i < n; i++) {
        populated_bits += channels[i].populated_bits;
        present_bits += channels[i].present_bits;
        if (channels[i].bytes > 0 && channels[i].bytes < smallest)
            smallest = channels[i].bytes;
        if (channels[i].bytes > largest)
            largest = channels[i].bytes;
    }
    free(channels);
    memory->channels_populated = (double)populated_bits / CHANNEL_BITS;
    if (present || memory->n_modules == 1)
        memory->channels_present = (double)present_bits / CHANNEL_BITS;
    if (largest > smallest)
        return tr_machine_note(machine, "Memory channels hold different amounts of memory: only "
                                        "the part that all have reaches the full bandwidth.");
    return 0;
}

static int label_channels(struct tr_memory *memory, const struct tr_slot *slots) {
    for (size_t i = 0; i < memory->n_modules; i++) {
        const struct tr_slot *slot = &slots[i];
        struct tr_strbuf label = {0};
        memory->modules[i].package = slot->package;
        if (!slot->channel[0])
            continue;
        if (slot->package >= 0)
            tr_strbuf_addf(&label, "P%d ", slot->package);
        if (slot->half_channels)
            tr_strbuf_addf(&label, "MC%d ", slot->controller);
        tr_strbuf_add(&label, slot->channel);
        if (!(memory->modules[i].channel = tr_strbuf_take(&label)))
            return TR_ENOMEM;
    }
    return 0;
}

static int place_modules(struct tr_machine *machine, const struct tr_source *source,
                         const int *arrays, int n_arrays, int sockets) {
    struct tr_memory *memory = &machine->memory;
    struct tr_slot *slots = calloc(memory->n_modules, sizeof(*slots));
    if (!slots)
        return TR_ENOMEM;
    for (size_t i = 0; i < memory->n_modules; i++) {
        tr_slot_read(&memory->modules[i], &slots[i]);
        if (arrays)
            slots[i].array = arrays[i];
    }
    tr_slots_resolve(slots, memory->n_modules, sockets, n_arrays);
    char hypervisor[13];
    int code = label_channels(memory, slots);
    if (!code)
        code = count_channels(machine, slots, tr_cpuid_source_hypervisor(source, hypervisor));
    free(slots);
    return code;
}

/* --- speeds and totals ----------------------------------------------------------------------- */

/* Some firmware writes the clock where the specification asks for transfers (older specifications
 * said "MHz"). No DDR5 or LPDDR5 runs at 3200 MT/s or less while rated for twice that or more, and
 * half of the rated speed exactly is the clock for older types too. */
static bool is_clock(const struct tr_memory_module *module, int mts) {
    int rated = module->rated_mts;
    bool generation5 = is_type(module, "DDR5") || is_type(module, "LPDDR5");
    if (mts <= 0 || !module->type)
        return false;
    if (rated > 0 && abs(2 * mts - rated) <= 4)
        return generation5 || is_type(module, "DDR4") || is_type(module, "LPDDR4");
    return generation5 && (rated > 3200 ? 2 * mts <= rated : mts < 3200);
}

static int correct_speeds(struct tr_machine *machine) {
    struct tr_memory *memory = &machine->memory;
    int told = 0, taken = 0;
    for (size_t i = 0; i < memory->n_modules; i++) {
        struct tr_memory_module *module = &memory->modules[i];
        if (!is_clock(module, module->configured_mts))
            continue;
        told = module->configured_mts;
        if (module->rated_mts == told)
            module->rated_mts *= 2;
        taken = module->configured_mts *= 2;
    }
    if (!told)
        return 0;
    return tr_machine_note(machine,
                           "The firmware gives %d as speed of the memory modules, which is likely "
                           "their clock in MHz: %d MT/s is taken. Give --mts N if that is wrong.",
                           told, taken);
}

static int sum_up(struct tr_machine *machine) {
    struct tr_memory *memory = &machine->memory;
    int slowest = INT32_MAX, fastest = 0, rated = INT32_MAX;
    memory->total_bytes = 0;
    for (size_t i = 0; i < memory->n_modules; i++) {
        const struct tr_memory_module *module = &memory->modules[i];
        if (module->size_bytes > 0)
            memory->total_bytes += module->size_bytes;
        if (module->configured_mts > fastest)
            fastest = module->configured_mts;
        if (module->configured_mts > 0 && module->configured_mts < slowest)
            slowest = module->configured_mts;
        if (module->rated_mts > 0 && module->rated_mts < rated)
            rated = module->rated_mts;
    }
    if (memory->total_bytes == 0)
        memory->total_bytes = -1;
    memory->configured_mts = fastest ? slowest : -1;
    memory->rated_mts = rated < INT32_MAX ? rated : -1;
    if (!fastest && rated < INT32_MAX)
        return tr_machine_note(machine,
                               "The memory's speed is unknown: the firmware tells what the modules "
                               "are rated for (%d MT/s), not what they run at. Give --mts N.",
                               rated);
    if (fastest > slowest)
        return tr_machine_note(machine,
                               "Memory modules run at different speeds (%d to %d MT/s): "
                               "the slowest counts.",
                               slowest, fastest);
    return 0;
}

/* --- sources --------------------------------------------------------------------------------- */

static bool in_system_memory(const struct tr_smbios *smbios, const struct tr_smbios_device *device,
                             int *ret_array) {
    *ret_array = -1;
    for (size_t i = 0; i < smbios->n_arrays; i++) {
        if (smbios->arrays[i].handle != device->array_handle)
            continue;
        *ret_array = (int)i;
        return smbios->arrays[i].system_memory;
    }
    return true;
}

/* Moves the system's DRAM modules out of the tables. */
static int take_smbios(struct tr_machine *machine, const struct tr_source *source,
                       struct tr_smbios *smbios) {
    struct tr_memory *memory = &machine->memory;
    int code = 0, sockets = 0, n_arrays = 0, persistent = 0;
    if (smbios->n_devices == 0)
        return 0;
    for (size_t i = 0; i < smbios->n_processors; i++)
        sockets += smbios->processors[i].populated;
    if ((int)machine->n_packages > sockets)
        sockets = (int)machine->n_packages;
    memory->modules = calloc(smbios->n_devices, sizeof(*memory->modules));
    int *arrays = calloc(smbios->n_devices, sizeof(*arrays));
    if (!memory->modules || !arrays) {
        free(arrays);
        return TR_ENOMEM;
    }
    for (size_t i = 0; i < smbios->n_devices; i++) {
        struct tr_smbios_device *device = &smbios->devices[i];
        int array = -1;
        if (!in_system_memory(smbios, device, &array) || is_type(&device->module, "HBM"))
            continue;
        if (device->persistent) {
            persistent++;
            continue;
        }
        if (array >= n_arrays)
            n_arrays = array + 1;
        arrays[memory->n_modules] = array;
        tr_memory_map_module(smbios, device, &device->module);
        memory->modules[memory->n_modules++] = device->module;
        device->module = (struct tr_memory_module){0};
    }
    if (memory->n_modules) {
        memory->basis = strdup("smbios");
        memory->slots = (int)memory->n_modules;
        code =
            memory->basis ? place_modules(machine, source, arrays, n_arrays, sockets) : TR_ENOMEM;
    }
    free(arrays);
    if (!code && memory->n_modules)
        code = tr_memory_map_fill(machine, smbios);
    if (!code && memory->n_modules)
        code = tr_sockets_without_memory(machine);
    if (!code && persistent)
        code = tr_machine_note(machine, "%d slots hold persistent memory, which is not counted.",
                               persistent);
    return code;
}

static int take_udev(struct tr_machine *machine, struct tr_source *source) {
    struct tr_memory *memory = &machine->memory;
    int code = tr_udev_read_modules(source, &memory->modules, &memory->n_modules);
    if (code || memory->n_modules == 0)
        return code;
    memory->basis = strdup("udev");
    memory->slots = (int)memory->n_modules;
    return memory->basis ? place_modules(machine, source, NULL, 0, (int)machine->n_packages)
                         : TR_ENOMEM;
}

static int note_unknown(struct tr_machine *machine, const struct tr_source *source, int reason,
                        bool listed_none) {
    char hypervisor[13];
    const char *why;
    /* Who gave channels and speed has said all that is missing. */
    if (machine->overrides.channels > 0 && machine->overrides.mts > 0)
        return 0;
    if (listed_none)
        why = "the firmware lists none. Give --channels N and --mts N if you know them";
    else if (!source->live && tr_cpuid_source_hypervisor(source, hypervisor))
        why =
            "the recording of this virtual machine has neither SMBIOS tables (dmi/DMI) nor a udev "
            "database. Give --channels N and --mts N if you know the host's";
    else if (!source->live)
        why = "the recording has neither SMBIOS tables (dmi/DMI) nor a udev database";
    else if (reason == EACCES || reason == EPERM)
        why = "only root may read the firmware's tables, and the udev database has no memory "
              "records. Run: sudo tokenroof topology";
    else if (tr_cpuid_hypervisor(hypervisor))
        why = "this is a virtual machine without firmware tables. Give --channels N and --mts N if "
              "you know the host's";
    else
        why = "/sys/firmware/dmi/tables is not there (containers hide it, some firmware has none). "
              "Run outside the container: sudo tokenroof topology";
    return tr_machine_note(machine, "%s unknown: %s.",
                           machine->memory.basis ? "Speed and empty slots of the memory are"
                                                 : "Memory modules are",
                           why);
}

/* A table that breaks off would tell of fewer modules and channels than there are. */
static int check_end(struct tr_machine *machine, const struct tr_source *source,
                     const struct tr_smbios *smbios, struct tr_err *reterr) {
    if (smbios->broken_at >= 0)
        return tr_err_set(reterr, TR_EFORMAT,
                          "%s/DMI: byte %lld: the structure there does not fit into the table, "
                          "which is cut off or damaged. Expected structures up to one of type 127",
                          source->smbios_dir, (long long)smbios->broken_at);
    if (smbios->ended)
        return 0;
    return tr_machine_note(machine,
                           "The firmware's table of modules (SMBIOS) has no end: if it was "
                           "cut off, there are more modules and slots than are told here.");
}

int tr_memory_fill(struct tr_machine *machine, struct tr_source *source, struct tr_err *reterr) {
    struct tr_memory *memory = &machine->memory;
    struct tr_smbios smbios = {0};
    struct tr_err err = {0};
    bool listed_none = false;
    int code = 0, reason = ENOENT;
    *memory = (struct tr_memory){.channels_populated = NAN,
                                 .channels_present = NAN,
                                 .slots = -1,
                                 .configured_mts = -1,
                                 .rated_mts = -1,
                                 .total_bytes = -1,
                                 .interleaved_modules = -1,
                                 .mapped_bytes = -1};
    if (source->smbios_dir) {
        code = tr_smbios_read(source->smbios_dir, &smbios, &err);
        if (!code)
            code = check_end(machine, source, &smbios, &err);
        if (code)
            tr_smbios_finish(&smbios);
        reason = code == TR_EIO ? errno : 0;
        if (code == TR_ENOMEM)
            return code;
        if (code == TR_EFORMAT && !source->live)
            return tr_err_set(reterr, code, "%s", err.text);
        if (code == TR_EFORMAT)
            tr_machine_note(machine, "%s: the firmware's tables are not used.", err.text);
        bool readable = !code;
        if (readable)
            tr_sockets_take(machine, &smbios);
        code = readable ? take_smbios(machine, source, &smbios) : 0;
        listed_none = readable && !memory->basis;
        tr_smbios_finish(&smbios);
    }
    if (!code && !memory->basis)
        code = take_udev(machine, source);
    bool told = memory->basis;
    if (!code)
        code = tr_edac_fill(machine, source);
    if (!code && !told)
        code = note_unknown(machine, source, reason, listed_none);
    if (!code && memory->basis)
        code = correct_speeds(machine);
    return code || !memory->basis ? code : sum_up(machine);
}
