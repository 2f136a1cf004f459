#include "machine_limits.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue.h"
#include "parts.h"
#include "strbuf.h"

enum { BYTES_PER_CHANNEL = 8 }; /* channels are counted as 64 bits wide */

/* --- common ---------------------------------------------------------------------------------- */

static int strength(const char *basis) {
    static const char *const order[] = {"catalogue", "user", "edac", "udev", "smbios"};
    for (int i = 0; i < (int)(sizeof(order) / sizeof(order[0])); i++)
        if (!strcmp(basis, order[i]))
            return i;
    return (int)(sizeof(order) / sizeof(order[0])); /* read or measured at run time */
}

const char *tr_weaker_basis(const char *a, const char *b) {
    if (!a || !b)
        return a ? a : b;
    return strength(a) <= strength(b) ? a : b;
}

static int fill_place(const struct tr_machine *machine, enum tr_place_kind kind, int index,
                      struct tr_place *place) {
    const struct tr_cpulist *cpus = &machine->allowed_cpus;
    int code = 0;
    for (size_t i = 0; kind == TR_PLACE_PACKAGE && i < machine->n_packages; i++)
        if (machine->packages[i].index == index)
            cpus = &machine->packages[i].cpus;
    for (size_t i = 0; kind == TR_PLACE_NODE && i < machine->n_nodes; i++)
        if (machine->nodes[i].index == index)
            cpus = &machine->nodes[i].cpus;
    for (size_t i = 0; kind == TR_PLACE_CCD && i < machine->n_ccds; i++)
        if (machine->ccds[i].index == index)
            cpus = &machine->ccds[i].cpus;
    for (size_t i = 0; kind == TR_PLACE_CORE && i < machine->n_cores; i++)
        if (machine->cores[i].index == index)
            cpus = &machine->cores[i].cpus;
    place->kind = kind;
    place->index = index;
    code = tr_cpulist_copy(cpus, &place->cpus);
    for (size_t i = 0; !code && i < machine->n_nodes; i++) {
        const struct tr_numa_node *node = &machine->nodes[i];
        bool near = kind == TR_PLACE_MACHINE || tr_cpulist_intersects(&node->cpus, cpus);
        if (near && node->memory_bytes != 0)
            code = tr_cpulist_add(&place->memory_nodes, node->index);
    }
    return code;
}

struct tr_limit *tr_limit_of(struct tr_machine *machine, const char *name, enum tr_place_kind kind,
                             int index) {
    const struct tr_limit *limit =
        tr_limit_find(machine->limits, machine->n_limits, name, kind, index);
    return limit ? &machine->limits[limit - machine->limits] : NULL;
}

int tr_limit_put(struct tr_machine *machine, const struct tr_limit_facts *facts) {
    struct tr_limit made = {.value = facts->value, .formula = facts->formula};
    if (!(facts->value > 0) || !isfinite(facts->value)) {
        free(facts->formula);
        return 0;
    }
    made.host_only = facts->of_memory && machine->environment.virtual_machine;
    made.hard = !made.host_only && !facts->soft && strcmp(facts->basis, "catalogue") &&
                strcmp(facts->basis, "user");
    made.name = strdup(facts->name);
    made.unit = strdup(facts->unit);
    made.basis = strdup(facts->basis);
    made.binds = facts->binds ? strdup(facts->binds) : NULL;
    struct tr_limit *old = tr_limit_of(machine, facts->name, facts->kind, facts->index);
    struct tr_limit *limits =
        old ? machine->limits : realloc(machine->limits, (machine->n_limits + 1) * sizeof(*limits));
    if (limits)
        machine->limits = limits;
    if (!limits || !made.formula || !made.name || !made.unit || !made.basis ||
        (facts->binds && !made.binds) ||
        fill_place(machine, facts->kind, facts->index, &made.place)) {
        tr_limit_finish(&made);
        return TR_ENOMEM;
    }
    if (old)
        tr_limit_finish(old);
    else
        old = &machine->limits[machine->n_limits++];
    *old = made;
    return 0;
}

int tr_package_count(const struct tr_machine *machine) {
    int highest = -1;
    if (machine->catalogue_packages > 0)
        return machine->catalogue_packages;
    if (machine->n_packages)
        return (int)machine->n_packages;
    if (machine->firmware.sockets_populated > 0)
        return machine->firmware.sockets_populated;
    for (size_t i = 0; i < machine->memory.n_modules; i++) {
        int package = machine->memory.modules[i].package;
        if (package < 0)
            highest = -2;
        else if (highest > -2 && package > highest)
            highest = package;
    }
    if (highest >= 0)
        return highest + 1;
    return machine->platform && machine->platform->sockets_max == 1 ? 1 : -1;
}

int tr_nodes_per_package(const struct tr_machine *machine) {
    const char *nps = machine->settings.nps;
    int n = 0;
    if (machine->environment.virtual_machine || machine->n_packages == 0)
        return 0;
    if (!nps) /* a part that cannot be divided has all channels in its one node */
        return machine->cpu.vendor && machine->n_packages == 1 && machine->n_nodes == 1;
    if (!strcmp(nps, "SNC off"))
        return 1;
    if ((strncmp(nps, "NPS", 3) && strncmp(nps, "SNC", 3)) || strlen(nps) != 4)
        return 0; /* L3 as NUMA, or it may be that: nodes own no channels */
    n = nps[3] - '0';
    return n >= 1 && n <= 8 ? n : 0;
}

/* --- memory channels ------------------------------------------------------------------------- */

/* GB/s = channels x 8 B x GT/s. */
struct channels {
    double populated, present; /* of one package if per_package, else of the machine; NAN unknown */
    bool per_package;
    const char *channels_basis;
    double mts;
    const char *mts_basis;
    bool soft; /* the memory's clock was read while the fabric may have been saving power */
};

/* Modules may share a channel, but none is in two: there are no more populated channels than this.
 * A module is a whole channel even where firmware calls it 32 bits wide; soldered LPDDR need not
 * be. NAN where modules or their widths are unknown, or a hypervisor's. */
static double most_channels(const struct tr_machine *machine) {
    const struct tr_memory *memory = &machine->memory;
    double bits = 0;
    if (!memory->basis || machine->environment.virtual_machine)
        return NAN;
    for (size_t i = 0; i < memory->n_modules; i++) {
        const struct tr_memory_module *module = &memory->modules[i];
        bool soldered = module->type && !strncmp(module->type, "LPDDR", strlen("LPDDR"));
        if (module->size_bytes == 0)
            continue;
        if (module->data_width_bits <= 0)
            return NAN;
        bits += soldered ? module->data_width_bits : 8 * BYTES_PER_CHANNEL;
    }
    return bits > 0 ? bits / (8 * BYTES_PER_CHANNEL) : NAN;
}

static struct channels find_channels(const struct tr_machine *machine) {
    const struct tr_memory *memory = &machine->memory;
    const struct tr_platform *platform = machine->platform;
    const struct tr_overrides *given = &machine->overrides;
    struct channels found = {.populated = NAN, .present = NAN, .mts = NAN};
    /* A hypervisor that invents modules seldom invents their speed: with the catalogue's speed its
     * modules would make a limit of nothing. */
    bool modules_count = memory->basis && memory->channels_populated > 0 &&
                         (!machine->environment.virtual_machine || memory->configured_mts > 0);
    if (given->channels > 0) {
        found.populated = found.present = given->channels;
        found.per_package = true;
        found.channels_basis = "user";
    } else if (modules_count) {
        found.populated = memory->channels_populated;
        found.present = memory->channels_present;
        found.channels_basis = memory->basis;
    } else if (platform && platform->mem_channels > 0) {
        found.populated = found.present = platform->mem_channels;
        found.per_package = true;
        found.channels_basis = tr_platform_basis(platform);
        int packages = tr_package_count(machine);
        double most = most_channels(machine);
        if (packages > 0 && most < packages * found.present) {
            found.populated = most;
            found.present *= packages;
            found.per_package = false;
        }
    }
    if (given->mts > 0) {
        found.mts = given->mts;
        found.mts_basis = "user";
    } else if (memory->basis && memory->configured_mts > 0) {
        found.mts = memory->configured_mts;
        found.mts_basis = memory->basis;
    } else if (machine->clocks.mclk_ghz > 0 && machine->clocks.mclk_basis) {
        found.mts = round(2000 * machine->clocks.mclk_ghz);
        found.mts_basis = machine->clocks.mclk_basis;
        found.soft = machine->clocks.fclk_may_rise;
    } else if (platform && platform->max_mts > 0) {
        found.mts = platform->max_mts;
        found.mts_basis = tr_platform_basis(platform);
    }
    return found;
}

static int put_dram(struct tr_machine *machine, const char *name, enum tr_place_kind kind,
                    int index, double packages, double channels, const struct channels *from) {
    double gt_s = from->mts / 1000;
    if (!(packages > 0 && channels > 0 && from->mts > 0))
        return 0;
    struct tr_strbuf formula = {0};
    if (packages > 1)
        tr_strbuf_addf(&formula, "%g packages x ", packages);
    tr_strbuf_addf(&formula, "%g channel%s x %d B x %g GT/s", channels, channels == 1 ? "" : "s",
                   BYTES_PER_CHANNEL, gt_s);
    int code =
        tr_limit_put(machine, &(struct tr_limit_facts){
                                  .name = name,
                                  .kind = kind,
                                  .index = index,
                                  .value = packages * channels * BYTES_PER_CHANNEL * gt_s,
                                  .unit = "GB/s",
                                  .basis = tr_weaker_basis(from->channels_basis, from->mts_basis),
                                  .formula = tr_strbuf_take(&formula),
                                  .of_memory = true,
                                  .soft = from->soft,
                              });
    if (!code && !strcmp(name, "dram"))
        code = tr_limits_put_controller(machine, packages, channels, kind, index);
    return code;
}

/* Channels of one package counted from the modules: each channel once, as wide as its widest
 * module. Only right if the sum over all packages is what the whole table says; else NAN. */
static double module_channels(const struct tr_memory *memory, int package, bool populated) {
    double bits = 0;
    for (size_t i = 0; i < memory->n_modules; i++) {
        const struct tr_memory_module *module = &memory->modules[i];
        bool first = module->channel && module->package == package;
        if (!first || (populated && module->size_bytes <= 0))
            continue;
        int width = module->data_width_bits;
        for (size_t k = 0; k < memory->n_modules && first; k++) {
            const struct tr_memory_module *other = &memory->modules[k];
            if (other->package != package || !other->channel ||
                strcmp(other->channel, module->channel) || (populated && other->size_bytes <= 0))
                continue;
            first = k >= i;
            if (other->data_width_bits > width)
                width = other->data_width_bits;
        }
        if (first)
            bits += width > 0 ? (double)width : (double)NAN;
    }
    return bits / 64;
}

static double package_channels(const struct tr_machine *machine, const struct channels *from,
                               int package, int packages, bool populated) {
    double total = populated ? from->populated : from->present;
    double sum = 0;
    if (from->per_package || packages == 1)
        return total;
    for (int i = 0; i < packages; i++)
        sum += module_channels(&machine->memory, i, populated);
    if (fabs(sum - total) < 0.01)
        return module_channels(&machine->memory, package, populated);
    /* Empty slots tell no width: all packages have the same sockets. */
    return populated ? NAN : total / packages;
}

static int add_package_dram(struct tr_machine *machine, const struct channels *from, int packages) {
    int code = 0;
    for (int i = 0; i < (packages > 0 ? packages : 1) && !code; i++) {
        /* Where the number of packages is not known, one of them still has known channels. */
        if (packages < 0 && !from->per_package)
            break;
        double populated = package_channels(machine, from, i, packages, true);
        double present = package_channels(machine, from, i, packages, false);
        code = put_dram(machine, "dram", TR_PLACE_PACKAGE, i, 1, populated, from);
        if (!code)
            code = put_dram(machine, "dram_all_channels", TR_PLACE_PACKAGE, i, 1, present, from);
    }
    return code;
}

static size_t count_nodes_with_cpus(const struct tr_machine *machine) {
    size_t n = 0;
    for (size_t i = 0; i < machine->n_nodes; i++)
        n += machine->nodes[i].cpus.n > 0;
    return n;
}

static int package_of_node(const struct tr_machine *machine, const struct tr_numa_node *node) {
    for (size_t i = 0; i < machine->n_packages; i++)
        if (tr_cpulist_has(&machine->packages[i].cpus, node->cpus.ids[0]))
            return machine->packages[i].index;
    return -1;
}

/* A node's channels: the machine's if it is the only node; its part of the package's where the
 * partitioning is known and all channels are populated (else which node lacks one is unknown). */
static int add_node_dram(struct tr_machine *machine, const struct channels *from, int packages) {
    int per_package = tr_nodes_per_package(machine);
    bool single = count_nodes_with_cpus(machine) == 1;
    int code = 0;
    for (size_t i = 0; i < machine->n_nodes && !code; i++) {
        const struct tr_numa_node *node = &machine->nodes[i];
        if (node->cpus.n == 0 || (node->kind && strcmp(node->kind, "DRAM")))
            continue;
        if (single) {
            code = put_dram(machine, "dram", TR_PLACE_NODE, node->index,
                            from->per_package ? packages : 1, from->populated, from);
            continue;
        }
        int package = package_of_node(machine, node);
        if (per_package == 0 || package < 0)
            continue;
        double populated = package_channels(machine, from, package, packages, true);
        double present = package_channels(machine, from, package, packages, false);
        double channels = populated / per_package;
        if (per_package > 1 && (!(populated >= present) || channels != floor(channels)))
            continue;
        code = put_dram(machine, "dram", TR_PLACE_NODE, node->index, 1, channels, from);
    }
    return code;
}

static int add_dram(struct tr_machine *machine) {
    struct channels from = find_channels(machine);
    int packages = tr_package_count(machine);
    double times = from.per_package ? packages : 1;
    int code = put_dram(machine, "dram", TR_PLACE_MACHINE, 0, times, from.populated, &from);
    if (!code)
        code =
            put_dram(machine, "dram_all_channels", TR_PLACE_MACHINE, 0, times, from.present, &from);
    if (!code)
        code = add_package_dram(machine, &from, packages);
    if (!code)
        code = add_node_dram(machine, &from, packages);
    return code;
}

int tr_machine_update_limits(struct tr_machine *machine) {
    /* What was measured here stays. */
    size_t kept = 0;
    for (size_t i = 0; i < machine->n_limits; i++) {
        if (strncmp(machine->limits[i].basis, "measured_", strlen("measured_")))
            tr_limit_finish(&machine->limits[i]);
        else
            machine->limits[kept++] = machine->limits[i];
    }
    machine->n_limits = kept;
    int code = add_dram(machine);
    if (!code)
        code = tr_limits_add_fabric(machine);
    if (!code)
        code = tr_limits_add_memory(machine);
    if (!code)
        code = tr_limits_add_catalogue_flop(machine);
    return code;
}
