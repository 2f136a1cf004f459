/* What a buyer wants to know first: is the memory complete, does it run as fast as it may, what
 * bounds it, how the machine is divided, are links and clocks as they should be. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report_machine.h"

/* Takes over `text`, and does nothing without. */
static void add(struct tr_glance *glance, const char *name, enum tr_tone tone, char *text) {
    if (!text)
        return;
    if (glance->n == TR_GLANCE_MOST) {
        free(text);
        return;
    }
    glance->items[glance->n++] = (struct tr_glance_item){name, text, tone};
}

static const struct tr_limit *machine_limit(const struct tr_machine *machine, const char *name) {
    return tr_limit_find(machine->limits, machine->n_limits, name, TR_PLACE_MACHINE, 0);
}

/* --- memory ---------------------------------------------------------------------------------- */

/* Where nothing tells which modules share a channel: there can still be too few of them. */
static void too_few_modules(struct tr_glance *glance, const struct tr_machine *machine,
                            const struct tr_limit *now, const struct tr_limit *all) {
    size_t slots = machine->memory.n_modules, empty = 0;
    for (size_t i = 0; i < slots; i++)
        empty += machine->memory.modules[i].size_bytes == 0;
    if (!now || !all || !(now->value < all->value))
        return;
    add(glance, "memory channels", TR_TONE_BAD,
        tr_format("%zu module%s too few for all channels: at most %.5g of %.5g GB/s; %zu of %zu "
                  "slots are empty",
                  slots - empty, slots - empty == 1 ? " is" : "s are", now->value, all->value,
                  empty, slots));
}

static void channels(struct tr_glance *glance, const struct tr_machine *machine) {
    const struct tr_memory *memory = &machine->memory;
    const struct tr_limit *now = machine_limit(machine, "dram");
    const struct tr_limit *all = machine_limit(machine, "dram_all_channels");
    struct tr_strbuf out = {0};
    size_t empty = 0;
    for (size_t i = 0; i < memory->n_modules; i++)
        empty += memory->modules[i].size_bytes == 0;
    bool complete = memory->channels_populated >= memory->channels_present;
    if (machine->environment.virtual_machine)
        return;
    if (memory->basis && !(memory->channels_populated > 0))
        too_few_modules(glance, machine, now, all);
    if (!(memory->channels_populated > 0) || !(memory->channels_present > 0))
        return;
    tr_strbuf_addf(&out, "%g of %g %s a module", memory->channels_populated,
                   memory->channels_present, memory->channels_populated == 1 ? "has" : "have");
    if (!complete && now && all)
        tr_strbuf_addf(&out, ": %.5g of %.5g GB/s", now->value, all->value);
    if (empty)
        tr_strbuf_addf(&out, "; %zu of %d slots %s empty", empty, memory->slots,
                       empty == 1 ? "is" : "are");
    if (empty && complete)
        tr_strbuf_add(&out, ", no channel is");
    add(glance, "memory channels", complete ? TR_TONE_GOOD : TR_TONE_BAD, tr_strbuf_take(&out));
}

/* The verdict, and where the modules themselves keep the machine below its maximum. */
static void speed(struct tr_glance *glance, const struct tr_machine *machine) {
    const struct tr_population *found = &machine->memory.population;
    struct tr_strbuf out = {0};
    if (!found->verdict)
        return;
    bool below = !strcmp(found->verdict, "below specification");
    int most = found->population_mts > 0 ? found->population_mts : found->platform_mts;
    tr_strbuf_addf(&out, "%s: %s", found->verdict, found->why);
    if (!below && most > machine->memory.configured_mts && most > machine->memory.rated_mts &&
        machine->memory.rated_mts > 0)
        tr_strbuf_addf(&out, ": faster modules could run at %d", most);
    add(glance, "memory speed", below ? TR_TONE_DOUBTFUL : TR_TONE_GOOD, tr_strbuf_take(&out));
}

/* --- what binds ------------------------------------------------------------------------------ */

static const char *plain_name(const char *limit) {
    return !strcmp(limit, "dram")                ? "DRAM"
           : !strcmp(limit, "memory_controller") ? "memory controllers"
           : !strncmp(limit, "fabric", 6)        ? "fabric"
                                                 : limit;
}

/* "fabric: 1 CCD x 1 link x 32 B x 1.8 GHz = 57.6 GB/s, below DRAM 83.2". */
static void binding(struct tr_glance *glance, const struct tr_machine *machine) {
    static const char *const others[] = {"dram", "memory_controller", "fabric_read"};
    enum tr_place_kind kind = TR_PLACE_MACHINE;
    const struct tr_limit *read = machine_limit(machine, "memory_read");
    struct tr_strbuf out = {0};
    if (!read) /* of a processor by its name, whose number is not known */
        read = tr_limit_find(machine->limits, machine->n_limits, "memory_read",
                             kind = TR_PLACE_PACKAGE, 0);
    if (!read || !read->binds || read->host_only)
        return;
    const struct tr_limit *bound =
        tr_limit_find(machine->limits, machine->n_limits, read->binds, kind, 0);
    if (!bound)
        return;
    tr_strbuf_addf(&out, "%s: %s = %.5g GB/s", plain_name(bound->name), bound->formula,
                   bound->value);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        const struct tr_limit *other =
            tr_limit_find(machine->limits, machine->n_limits, others[i], kind, 0);
        if (other && other != bound)
            tr_strbuf_addf(&out, ", %s %s %.5g",
                           other->value > 1.0001 * bound->value ? "below" : "as much as",
                           plain_name(other->name), other->value);
    }
    if (machine->catalogue_packages == 0 && !strcmp(bound->basis, "catalogue")) {
        const struct tr_limit *all = machine_limit(machine, "dram_all_channels");
        if (!machine->memory.basis)
            tr_strbuf_add(&out, ", by the catalogue: the modules are unknown");
        else if (!strcmp(bound->name, "dram") && !(machine->memory.channels_populated > 0))
            tr_strbuf_add(&out, all && all->value > bound->value
                                    ? ", no more channels than modules"
                                    : ", the channels by the catalogue");
    }
    if (kind == TR_PLACE_PACKAGE)
        tr_strbuf_add(&out, " (one package)");
    /* Whoever buys memory wants to know that it cannot be used by these cores. */
    bool dram = !strcmp(bound->name, "dram");
    add(glance, "memory reads", dram ? TR_TONE_PLAIN : TR_TONE_DOUBTFUL, tr_strbuf_take(&out));
}

/* --- settings -------------------------------------------------------------------------------- */

static void division(struct tr_glance *glance, const struct tr_machine *machine) {
    const char *nps = machine->settings.nps;
    if (!nps || machine->cpu.uarch_efficiency) /* a client part has nothing to set */
        return;
    if (!strcmp(nps, "NPS0"))
        add(glance, "NUMA", TR_TONE_DOUBTFUL,
            strdup("NPS0: all packages are one node, every second access crosses the link"));
    else if (!strcmp(nps, "NPS1"))
        add(glance, "NUMA", TR_TONE_PLAIN,
            strdup("NPS1: each package is one node, its channels are interleaved"));
    else if (!strncmp(nps, "SNC off", 7))
        add(glance, "NUMA", TR_TONE_PLAIN, strdup("sub-NUMA clustering is off"));
    else
        add(glance, "NUMA", TR_TONE_PLAIN,
            tr_format("%s: %zu nodes, each with its own part of the channels%s", nps,
                      machine->n_nodes, strstr(nps, "L3") ? " or none of its own" : ""));
}

static void power(struct tr_glance *glance, const struct tr_machine *machine) {
    const struct tr_settings *found = &machine->settings;
    struct tr_strbuf out = {0};
    if (found->governor && !strcmp(found->governor, "powersave") &&
        !(found->driver && strstr(found->driver, "pstate")))
        tr_strbuf_add(&out, ", governor powersave holds the clock low");
    if (found->boost == 0)
        tr_strbuf_add(&out, ", boost is off");
    if (machine->clocks.capped_ghz > 0)
        tr_strbuf_addf(&out, ", clock held to %.3g of %.3g GHz", machine->clocks.capped_ghz,
                       machine->clocks.max_ghz);
    if (machine->sensors.prochot == 1)
        tr_strbuf_add(&out, ", the processor is told that it is too hot");
    if (out.length)
        add(glance, "clocks", TR_TONE_DOUBTFUL, tr_format("%s", out.text + 2));
    tr_strbuf_finish(&out);
}

static void bounds(struct tr_glance *glance, const struct tr_machine *machine) {
    const struct tr_environment *found = &machine->environment;
    if (found->virtual_machine)
        add(glance, "virtual machine", TR_TONE_DOUBTFUL,
            strdup("what is told of packages, caches, nodes and modules is not trustworthy"));
    if (isfinite(found->cpu_quota) && found->cpu_quota < (double)machine->allowed_cpus.n)
        add(glance, "CPU time", TR_TONE_DOUBTFUL,
            tr_format("limited to %.3g of %zu CPUs: rates are the quota's", found->cpu_quota,
                      machine->allowed_cpus.n));
    if (machine->live && machine->n_cpus_online > (int)machine->allowed_cpus.n)
        add(glance, "CPUs", TR_TONE_DOUBTFUL,
            tr_format("%zu of %d may be used", machine->allowed_cpus.n, machine->n_cpus_online));
    int sockets = machine->firmware.sockets, used = machine->firmware.sockets_populated;
    if (used > 0 && used < sockets && !found->virtual_machine)
        add(glance, "sockets", TR_TONE_PLAIN,
            tr_format("%d of %d have a processor", used, sockets));
}

/* --- links ----------------------------------------------------------------------------------- */

static void links(struct tr_glance *glance, const struct tr_machine *machine) {
    for (size_t i = 0; i < machine->n_devices; i++) {
        const struct tr_device *device = &machine->devices[i];
        bool narrow = device->link_width > 0 && device->link_max_width > device->link_width;
        bool slow = device->link_max_gt_per_s > device->link_gt_per_s;
        const char *what = device->name ? device->name : device->kind;
        if (!strcmp(device->kind, "display adapter") || (!narrow && !slow))
            continue;
        if (narrow)
            add(glance, "PCIe", TR_TONE_BAD,
                tr_format("%s (%s) runs on %d of %d lanes: look at slot, riser and BIOS", what,
                          device->bus_id, device->link_width, device->link_max_width));
        else
            add(glance, "PCIe", TR_TONE_PLAIN,
                tr_format("%s (%s) runs at %g of %g GT/s now: an idle link may, one under load "
                          "should not",
                          what, device->bus_id, device->link_gt_per_s, device->link_max_gt_per_s));
    }
}

void tr_glance_fill(struct tr_glance *glance, const struct tr_machine *machine) {
    *glance = (struct tr_glance){.n = 0};
    bounds(glance, machine);
    channels(glance, machine);
    speed(glance, machine);
    binding(glance, machine);
    division(glance, machine);
    power(glance, machine);
    links(glance, machine);
}

void tr_glance_finish(struct tr_glance *glance) {
    for (size_t i = 0; i < glance->n; i++)
        free(glance->items[i].text);
    glance->n = 0;
}

void tr_text_glance(struct tr_text *text, const struct tr_machine *machine) {
    struct tr_glance glance;
    tr_glance_fill(&glance, machine);
    if (glance.n) {
        tr_strbuf_add(text->out, "\n");
        tr_text_head(text, "at a glance");
    }
    for (size_t i = 0; i < glance.n; i++) {
        const struct tr_glance_item *item = &glance.items[i];
        bool look = item->tone == TR_TONE_DOUBTFUL || item->tone == TR_TONE_BAD;
        tr_text_fact(text, item->name, tr_format("%s%s", look ? "! " : "", item->text));
    }
    if (glance.n)
        tr_strbuf_add(text->out, "\n");
    tr_glance_finish(&glance);
}
