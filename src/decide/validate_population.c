/* Memory modules: are all channels in use, do all sockets have memory, does it run as fast as it
 * may? From the firmware's tables alone. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "facts.h"
#include "strbuf.h"
#include "tokenroof/err.h"
#include "validate.h"

/* Speeds are written rounded (5600, 5592): within this much they are the same. */
enum { SAME_MTS = 20, MAX_SOCKETS = 64 };

static const struct tr_check_facts channels_facts = TR_CHECK_OF("memory channels");

static bool is_populated(const json_t *module) {
    return tr_fact_number(module, "size_bytes") > 0;
}

static bool same_channel(const json_t *a, const json_t *b) {
    const char *name_a = tr_fact_text(a, "channel"), *name_b = tr_fact_text(b, "channel");
    double package_a = tr_fact_number(a, "package"), package_b = tr_fact_number(b, "package");
    return name_a && name_b && !strcmp(name_a, name_b) &&
           (package_a == package_b || (isnan(package_a) && isnan(package_b)));
}

/* Bytes in the channel of a module. */
static double channel_bytes(const json_t *modules, const json_t *of) {
    double sum = 0;
    size_t i;
    const json_t *module;
    json_array_foreach(modules, i, module) if (same_channel(module, of)) sum +=
        fmax(tr_fact_number(module, "size_bytes"), 0);
    return sum;
}

static bool first_of_channel(const json_t *modules, size_t at) {
    for (size_t i = 0; i < at; i++)
        if (same_channel(json_array_get(modules, i), json_array_get(modules, at)))
            return false;
    return true;
}

/* Whether no other slot is called so. */
static bool is_own_name(const json_t *modules, const char *slot) {
    size_t i, n = 0;
    const json_t *module;
    json_array_foreach(modules, i, module) {
        const char *name = tr_fact_text(module, "locator");
        n += name && !strcmp(name, slot) ? 1 : 0;
    }
    return n == 1;
}

/* "P0 F, P0 J", or the slots to fill, "A1, A2", told with their channels where boards call all
 * slots alike. *ret_n: channels without any module. */
static char *empty_channels(const json_t *modules, bool slots, size_t *ret_n) {
    enum { SHOWN = 12 };
    struct tr_strbuf text = {0};
    size_t i, n = 0;
    const json_t *module;
    json_array_foreach(modules, i, module) {
        const char *channel = tr_fact_text(module, "channel");
        if (!channel || channel_bytes(modules, module) > 0 || !first_of_channel(modules, i))
            continue;
        const char *slot = slots ? tr_fact_text(module, "locator") : NULL;
        if (n++ >= SHOWN)
            continue;
        tr_strbuf_add(&text, n > 1 ? ", " : "");
        if (slot && is_own_name(modules, slot))
            tr_strbuf_addf(&text, "%.40s", slot);
        else
            tr_strbuf_addf(&text, "%.40s%s%.40s%s", channel, slot ? " (" : "", slot ? slot : "",
                           slot ? ")" : "");
    }
    if (n > SHOWN)
        tr_strbuf_addf(&text, " and %zu more", n - SHOWN);
    tr_strbuf_add(&text, "");
    *ret_n = n;
    return tr_strbuf_take(&text);
}

static double limit_value(const struct tr_validation *validation, const char *name) {
    const struct tr_limit *limit =
        tr_limit_find(validation->limits, validation->n_limits, name, TR_PLACE_MACHINE, 0);
    return limit ? limit->value : NAN;
}

/* Nothing tells which modules share a channel: there can still be fewer modules than channels. */
static int check_module_count(const struct tr_validation *validation, const json_t *modules,
                              struct tr_checks *checks) {
    double have = limit_value(validation, "dram"),
           all = limit_value(validation, "dram_all_channels");
    size_t i, n = 0;
    const json_t *module;
    json_array_foreach(modules, i, module) n += is_populated(module);
    if (n && have < all)
        return tr_checks_add(checks, TR_CHECK_POPULATION, TR_CHECK_FAIL, &channels_facts,
                             "%zu module%s too few for all channels, expect at most %.1f instead "
                             "of %.1f GB/s; give every channel one",
                             n, n == 1 ? " is" : "s are", have, all);
    return tr_checks_add(checks, TR_CHECK_POPULATION, TR_CHECK_SKIP, &channels_facts,
                         "the firmware does not tell how many channels there are");
}

static int check_channels(const struct tr_validation *validation, const json_t *modules,
                          struct tr_checks *checks) {
    double populated = tr_fact_number(validation->machine, "memory.channels_populated");
    double present = tr_fact_number(validation->machine, "memory.channels_present");
    struct tr_check_facts facts = channels_facts;
    if (isnan(populated) || isnan(present))
        return check_module_count(validation, modules, checks);
    facts.value = populated;
    facts.unit = "64-bit channels";
    facts.low = present;
    facts.from = "slots of the board, by the firmware's tables";
    if (populated >= present)
        return tr_checks_add(checks, TR_CHECK_POPULATION, TR_CHECK_PASS, &facts,
                             "every channel has a module");
    size_t n = 0;
    char *empty = empty_channels(modules, false, &n), *slots = empty_channels(modules, true, &n);
    double have = limit_value(validation, "dram"),
           all = limit_value(validation, "dram_all_channels");
    struct tr_strbuf loss = {0};
    if (have > 0 && all > have)
        tr_strbuf_addf(&loss, ", expect at most %.1f instead of %.1f GB/s", have, all);
    tr_strbuf_add(&loss, "");
    int code = loss.failed || !empty || !slots
                   ? TR_ENOMEM
                   : tr_checks_add(checks, TR_CHECK_POPULATION, TR_CHECK_FAIL, &facts,
                                   "%s%s%sempty: %g of %g channels unpopulated%s; fill %s%s",
                                   n == 1 ? "channel "
                                   : n    ? "channels "
                                          : "",
                                   empty, n ? " " : "", present - populated, present, loss.text,
                                   n ? slots : "the empty slots",
                                   populated > 0 ? " with modules like the others" : "");
    tr_strbuf_finish(&loss);
    free(empty);
    free(slots);
    return code;
}

/* Bytes of each socket that has slots; -1 for one without. */
static int socket_bytes(const json_t *modules, double bytes[MAX_SOCKETS]) {
    int most = -1;
    size_t i;
    const json_t *module;
    for (int k = 0; k < MAX_SOCKETS; k++)
        bytes[k] = -1;
    json_array_foreach(modules, i, module) {
        double package = tr_fact_number(module, "package");
        if (!(package >= 0) || package >= MAX_SOCKETS)
            continue;
        int at = (int)package;
        bytes[at] = fmax(bytes[at], 0) + fmax(tr_fact_number(module, "size_bytes"), 0);
        most = at > most ? at : most;
    }
    return most + 1;
}

static int check_sockets(const json_t *modules, struct tr_checks *checks) {
    struct tr_check_facts facts = TR_CHECK_OF("memory of each socket");
    double bytes[MAX_SOCKETS], least = INFINITY, most = 0;
    int n = socket_bytes(modules, bytes), code = 0;
    if (n < 2)
        return 0;
    for (int k = 0; !code && k < n; k++) {
        if (bytes[k] == 0)
            code = tr_checks_add(checks, TR_CHECK_POPULATION, TR_CHECK_FAIL, &facts,
                                 "socket %d has no memory of its own: its cores read everything "
                                 "through the other socket; move half of the modules there",
                                 k);
        least = bytes[k] >= 0 ? fmin(least, bytes[k]) : least;
        most = fmax(most, bytes[k]);
    }
    if (code || least == 0)
        return code;
    return tr_checks_add(
        checks, TR_CHECK_POPULATION, least < most ? TR_CHECK_WARN : TR_CHECK_PASS, &facts,
        least < most ? "sockets have from %.0f to %.0f GiB: give each the same, or "
                       "their nodes differ in bandwidth"
                     : "each has %.0f GiB",
        least / 0x1p30, most / 0x1p30);
}

static int check_balance(const json_t *modules, struct tr_checks *checks) {
    struct tr_check_facts facts = TR_CHECK_OF("memory of each channel");
    double least = INFINITY, most = 0;
    size_t i;
    const json_t *module;
    json_array_foreach(modules, i, module) {
        double bytes = tr_fact_text(module, "channel") ? channel_bytes(modules, module) : 0;
        if (bytes > 0) {
            least = fmin(least, bytes);
            most = fmax(most, bytes);
        }
    }
    if (most == 0)
        return 0;
    if (least < most)
        return tr_checks_add(checks, TR_CHECK_POPULATION, TR_CHECK_WARN, &facts,
                             "channels hold from %.0f to %.0f GiB: beyond the smaller amount not "
                             "all channels take part; use equal modules in every channel",
                             least / 0x1p30, most / 0x1p30);
    return tr_checks_add(checks, TR_CHECK_POPULATION, TR_CHECK_PASS, &facts,
                         "populated channels hold the same amount");
}

static bool is_soldered(const json_t *modules) {
    size_t i;
    const json_t *module;
    json_array_foreach(modules, i, module) {
        const char *type = tr_fact_text(module, "type");
        if (is_populated(module) && type && !strncmp(type, "LPDDR", 5))
            return true;
    }
    return false;
}

/* Below what is possible here it fails, below the modules' rating for a reason it warns. */
static int check_speed(const struct tr_validation *validation, const json_t *modules,
                       struct tr_checks *checks) {
    const json_t *memory = tr_fact(validation->machine, "memory");
    double runs = tr_fact_number(memory, "configured_mts");
    double rated = tr_fact_number(memory, "rated_mts");
    double platform = tr_fact_number(memory, "population.platform_mts");
    double population = tr_fact_number(memory, "population.population_mts");
    double possible = fmin(rated, fmin(platform, population)); /* ignores NAN */
    double per_channel = tr_fact_number(memory, "population.modules_per_channel");
    struct tr_check_facts facts = {.name = "memory speed",
                                   .value = runs,
                                   .unit = "MT/s",
                                   .low = possible,
                                   .high = NAN,
                                   .from = tr_fact_text(memory, "population.source")};
    if (!facts.from)
        facts.from = platform < rated ? "maximum of the processor, by the catalogue"
                                      : "rating of the modules, by the firmware's tables";
    if (isnan(runs) || isnan(possible)) {
        facts = (struct tr_check_facts)TR_CHECK_OF("memory speed");
        return tr_checks_add(checks, TR_CHECK_POPULATION, TR_CHECK_SKIP, &facts,
                             "the firmware tells no %s of the modules",
                             isnan(runs) ? "speed" : "rated speed");
    }
    if (runs < possible - SAME_MTS && is_soldered(modules))
        return tr_checks_add(checks, TR_CHECK_POPULATION, TR_CHECK_WARN, &facts,
                             "soldered memory rated %.0f runs at %.0f MT/s: set by the maker, "
                             "perhaps with a later BIOS otherwise",
                             rated, runs);
    if (runs < possible - SAME_MTS && per_channel > 1 && isnan(population))
        return tr_checks_add(checks, TR_CHECK_POPULATION, TR_CHECK_WARN, &facts,
                             "modules that may run at %.0f run at %.0f MT/s; look up in the "
                             "board's manual what it allows %.0f modules a channel, and else set "
                             "the memory speed in the BIOS",
                             possible, runs, per_channel);
    if (runs < possible - SAME_MTS)
        return tr_checks_add(checks, TR_CHECK_POPULATION, TR_CHECK_FAIL, &facts,
                             "modules that may run at %.0f run at %.0f MT/s; set the memory speed "
                             "(or its profile, EXPO or XMP) in the BIOS",
                             possible, runs);
    if (runs > possible + SAME_MTS)
        return tr_checks_add(checks, TR_CHECK_POPULATION, TR_CHECK_WARN, &facts,
                             "runs above its specification of %.0f MT/s, by an overclocking "
                             "profile (EXPO, XMP): test it long, or set it back",
                             possible);
    if (runs < rated - SAME_MTS && population < fmin(rated, platform))
        return tr_checks_add(checks, TR_CHECK_POPULATION, TR_CHECK_WARN, &facts,
                             "modules rated %.0f run at %.0f MT/s: the platform's maximum with "
                             "%.0f module%s a channel; fewer and larger modules run faster",
                             rated, runs, per_channel, per_channel == 1 ? "" : "s");
    if (runs < rated - SAME_MTS)
        return tr_checks_add(checks, TR_CHECK_POPULATION, TR_CHECK_WARN, &facts,
                             "modules rated %.0f run at %.0f MT/s, the processor's maximum: "
                             "nothing is wrong, but slower ones would do",
                             rated, runs);
    return tr_checks_add(checks, TR_CHECK_POPULATION, TR_CHECK_PASS, &facts,
                         "as rated and as the platform allows");
}

/* What the kernel manages against what is plugged in. */
static int check_total(const struct tr_validation *validation, struct tr_checks *checks) {
    const double least = 0.9; /* firmware, crash kernel and page tables keep some */
    double plugged = tr_fact_number(validation->machine, "memory.total_bytes");
    double managed = tr_fact_number(validation->machine, "os.memory_bytes");
    double seen = tr_fact_number(validation->machine, "edac.total_bytes");
    struct tr_check_facts facts = {.name = "memory in use",
                                   .value = managed / 0x1p30,
                                   .unit = "GiB",
                                   .low = least * plugged / 0x1p30,
                                   .high = NAN,
                                   .from = "modules by the firmware's tables, less a tenth"};
    if (isnan(plugged) || isnan(managed))
        return 0;
    if (managed < least * plugged)
        return tr_checks_add(checks, TR_CHECK_POPULATION, TR_CHECK_FAIL, &facts,
                             "the kernel has %.1f of %.1f GiB: a module that failed its training, "
                             "mirroring, or a limit of the kernel (mem=); look at the BIOS's log",
                             managed / 0x1p30, plugged / 0x1p30);
    if (seen < 0.98 * plugged)
        return tr_checks_add(checks, TR_CHECK_POPULATION, TR_CHECK_WARN, &facts,
                             "the memory controllers (EDAC) see %.1f of %.1f GiB: reseat the "
                             "modules that are missing there",
                             seen / 0x1p30, plugged / 0x1p30);
    return tr_checks_add(checks, TR_CHECK_POPULATION, TR_CHECK_PASS, &facts,
                         "the kernel has what is plugged in");
}

/* The machine's own note, which knows whether it was permissions, a container, or the firmware. */
static const char *why_unknown(const json_t *machine) {
    size_t i;
    const json_t *note;
    json_array_foreach(tr_fact(machine, "notes"), i, note) {
        const char *text = json_string_value(note);
        if (text && !strncmp(text, "Memory modules are unknown", 26))
            return text;
    }
    return "the memory modules are unknown: run it as root, so that the firmware's tables can be "
           "read";
}

int tr_validate_population(const struct tr_validation *validation, struct tr_checks *checks) {
    const json_t *modules = tr_fact(validation->machine, "memory.modules");
    if (json_is_true(tr_fact(validation->machine, "virtual")))
        return tr_checks_add(checks, TR_CHECK_POPULATION, TR_CHECK_SKIP, &channels_facts,
                             "virtual machine: its modules are the hypervisor's invention");
    if (!tr_fact(validation->machine, "memory.basis") || json_array_size(modules) == 0)
        return tr_checks_add(checks, TR_CHECK_POPULATION, TR_CHECK_SKIP, &channels_facts, "%s",
                             why_unknown(validation->machine));
    int code = check_channels(validation, modules, checks);
    if (!code)
        code = check_sockets(modules, checks);
    if (!code)
        code = check_balance(modules, checks);
    if (!code)
        code = check_speed(validation, modules, checks);
    return code ? code : check_total(validation, checks);
}
