#include "report_machine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_COLUMNS = 21 }; /* of the left column */

/* --- lines ----------------------------------------------------------------------------------- */

void tr_text_fact(struct tr_text *text, const char *name, char *value) {
    struct tr_strbuf line = {0};
    tr_strbuf_addf(&line, "  %s", name);
    size_t used = tr_display_width(name) + 2;
    tr_strbuf_repeat(&line, " ", used < NAME_COLUMNS ? NAME_COLUMNS - used : 1);
    if (value)
        tr_text_add(text, &line, value);
    if (!value || line.failed)
        text->out->failed = true;
    else
        tr_text_wrap(text, line.text, NAME_COLUMNS);
    tr_strbuf_finish(&line);
    free(value);
}

static void head(struct tr_text *text, const char *line) {
    tr_strbuf_add(text->out, "\n");
    tr_text_head(text, line);
}

/* --- what it is ------------------------------------------------------------------------------ */

static size_t count_threads(const struct tr_machine *machine) {
    size_t n = 0;
    for (size_t i = 0; i < machine->n_cores; i++)
        n += machine->cores[i].cpus.n;
    return n;
}

static void title(struct tr_text *text, const struct tr_machine *machine) {
    struct tr_strbuf line = {0};
    const char *dot = text->term.unicode ? " · " : " | ";
    int sockets = machine->firmware.sockets_populated, each = machine->firmware.cores_per_socket;
    size_t packages = machine->catalogue_packages > 0 ? (size_t)machine->catalogue_packages
                      : machine->n_packages           ? machine->n_packages
                      : sockets > 0                   ? (size_t)sockets
                                                      : 0;
    if (packages > 1)
        tr_strbuf_addf(&line, "%zu x ", packages);
    tr_strbuf_add(&line, tr_text_tone(text, TR_TONE_HEAD));
    tr_text_add(text, &line, machine->cpu.model ? machine->cpu.model : "processor unknown");
    tr_strbuf_add(&line, tr_text_plain(text));
    if (machine->n_cores)
        tr_strbuf_addf(&line, "%s%zu core%s, %zu thread%s", dot, machine->n_cores,
                       machine->n_cores == 1 ? "" : "s", count_threads(machine),
                       count_threads(machine) == 1 ? "" : "s");
    else if (sockets > 0 && each > 0)
        tr_strbuf_addf(&line, "%s%d cores", dot, sockets * each);
    if (machine->n_nodes)
        tr_strbuf_addf(&line, "%s%zu NUMA node%s", dot, machine->n_nodes,
                       machine->n_nodes == 1 ? "" : "s");
    if (line.failed)
        text->out->failed = true;
    else
        tr_text_wrap(text, line.text, 2);
    tr_strbuf_finish(&line);
}

/* Known texts, joined by ", "; NULL if there is none. */
static char *join(const char *const *parts, size_t n) {
    struct tr_strbuf out = {0};
    for (size_t i = 0; i < n; i++)
        if (parts[i])
            tr_strbuf_addf(&out, "%s%s", out.length ? ", " : "", parts[i]);
    if (!out.length)
        return NULL;
    return tr_strbuf_take(&out);
}

static void fact_if(struct tr_text *text, const char *name, char *value) {
    if (value)
        tr_text_fact(text, name, value);
}

static char *levels(const struct tr_cpu_facts *cpu) {
    struct tr_strbuf out = {0};
    const char *why = NULL;
    tr_strbuf_add(&out, "");
    for (int i = 0; i < TR_ISA_COUNT; i++)
        if (cpu->levels[i].available)
            tr_strbuf_addf(&out, "%s%s", out.length ? " " : "", tr_isa_name((enum tr_isa)i));
    for (int i = 0; i < TR_ISA_COUNT; i++) {
        const char *reason = cpu->levels[i].reason;
        if (cpu->levels[i].available || !reason || (why && !strcmp(why, reason)))
            continue;
        /* One reason may hold for all that follow. */
        bool more = i + 1 < TR_ISA_COUNT && cpu->levels[i + 1].reason &&
                    !strcmp(cpu->levels[i + 1].reason, reason);
        tr_strbuf_addf(&out, "%s%s%s: %s", out.length ? "; " : "", tr_isa_name((enum tr_isa)i),
                       more ? " and above" : "", reason);
        why = reason;
    }
    return tr_strbuf_take(&out);
}

static char *environment(const struct tr_machine *machine) {
    const struct tr_environment *found = &machine->environment;
    struct tr_strbuf out = {0};
    if (found->virtual_machine)
        tr_strbuf_addf(&out, "virtual machine (%s)",
                       found->hypervisor ? found->hypervisor : "hypervisor unknown");
    if (found->container)
        tr_strbuf_addf(&out, "%scontainer", out.length ? ", " : "");
    if (isfinite(found->cpu_quota))
        tr_strbuf_addf(&out, "%sCPU time limited to %.3g CPUs", out.length ? ", " : "",
                       found->cpu_quota);
    if (found->memory_limit_bytes >= 0) {
        char *bytes = tr_text_bytes(found->memory_limit_bytes);
        tr_strbuf_addf(&out, "%smemory limited to %s", out.length ? ", " : "", bytes ? bytes : "");
        free(bytes);
    }
    return out.length ? tr_strbuf_take(&out) : NULL;
}

/* Limits and clocks name what they rest on in their own lines. */
static char *origins(const struct tr_machine *machine) {
    const char *processor = machine->cpu.n_isa    ? "CPUID and the operating system"
                            : !machine->cpu.model ? "nothing"
                            : machine->n_packages ? "hwloc"
                                                  : "the firmware's tables (SMBIOS)";
    const char *memory = machine->memory.basis ? machine->memory.basis : "nothing";
    bool by_cpuid = machine->caches_basis && !strcmp(machine->caches_basis, "cpuid");
    return tr_format("processor: %s; topology: %s%s; memory modules: %s", processor,
                     machine->n_packages ? "hwloc" : "nothing", by_cpuid ? "; caches: CPUID" : "",
                     memory);
}

/* "L1d 32 KiB, L2 1 MiB, L3 32 MiB for 16 hardware threads (CPUID)"; NULL where CPUID tells none.
 */
static char *caches(const struct tr_cpu_facts *cpu) {
    static const char *const names[TR_CACHE_LEVELS] = {"L1d", "L2", "L3"};
    struct tr_strbuf out = {0};
    for (int i = 0; i < TR_CACHE_LEVELS; i++) {
        const struct tr_cpu_cache *cache = &cpu->caches[i];
        char *bytes = cache->bytes > 0 ? tr_text_bytes(cache->bytes) : NULL;
        if (!bytes)
            continue;
        tr_strbuf_addf(&out, "%s%s %s", out.length ? ", " : "", names[i], bytes);
        /* Intel tells room for so many numbers of threads, not threads. */
        if (i == TR_CACHE_LEVELS - 1 && cache->threads > 1 && !strcmp(cpu->vendor, "AMD"))
            tr_strbuf_addf(&out, " for %d hardware threads", cache->threads);
        free(bytes);
    }
    if (!out.length)
        return NULL;
    tr_strbuf_add(&out, " (CPUID)");
    return tr_strbuf_take(&out);
}

/* All that is known of a machine that nobody looked at. */
static void catalogue_identity(struct tr_text *text, const struct tr_machine *machine) {
    const struct tr_cpu_facts *cpu = &machine->cpu;
    tr_text_fact(text, "source",
                 tr_format("the %s's row: not this machine",
                           machine->platform->user ? "user" : "catalogue"));
    if (cpu->uarch)
        tr_text_fact(text, "microarchitecture",
                     cpu->uarch_efficiency
                         ? tr_format("%s, efficiency cores %s", cpu->uarch, cpu->uarch_efficiency)
                         : strdup(cpu->uarch));
    tr_text_fact(text, "instructions", levels(cpu));
    tr_text_platform(text, machine->platform, machine->catalogue_packages);
}

static void identity(struct tr_text *text, const struct tr_machine *machine) {
    const struct tr_firmware *firmware = &machine->firmware;
    const struct tr_cpu_facts *cpu = &machine->cpu;
    const char *const board[] = {firmware->board_vendor, firmware->board_name};
    const char *const bios[] = {firmware->bios_vendor, firmware->bios_version, firmware->bios_date};
    const char *const os[] = {machine->os.kernel, machine->os.distribution};
    tr_text_fact(text, "source",
                 machine->source ? tr_format("recording %s", machine->source)
                                 : strdup("this machine"));
    tr_text_fact(text, "learned from", origins(machine));
    if (cpu->uarch)
        tr_text_fact(text, "microarchitecture",
                     cpu->uarch_efficiency
                         ? tr_format("%s, efficiency cores %s", cpu->uarch, cpu->uarch_efficiency)
                         : strdup(cpu->uarch));
    tr_text_fact(text, "instructions", levels(cpu));
    tr_text_fact(text, "catalogue",
                 strdup(machine->platform ? machine->platform->name
                        : cpu->model      ? "this processor is not in it: no limit comes from it"
                                          : "no name to look for: no limit comes from it"));
    if (machine->n_packages == 0)
        fact_if(text, "caches", caches(cpu));
    fact_if(text, "environment", environment(machine));
    fact_if(text, "board", join(board, 2));
    fact_if(text, "firmware", join(bios, 3));
    fact_if(text, "microcode", firmware->microcode ? strdup(firmware->microcode) : NULL);
    fact_if(text, "system", join(os, 2));
}

/* --- settings, notes ------------------------------------------------------------------------- */

/* The kernel's word for it (/sys/devices/system/cpu/smt/control), as a reader would say it. */
static const char *smt_words(const char *word) {
    static const struct {
        const char *word, *text;
    } words[] = {
        {"on", "SMT on"},
        {"off", "SMT off"},
        {"forceoff", "SMT off (by the kernel's command line, until the next start)"},
        {"notsupported", "no SMT (one hardware thread a core)"},
    };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (!strcmp(word, words[i].word))
            return words[i].text;
    return "SMT limited to some threads of a core"; /* a number of threads, since Linux 6.6 */
}

static void settings(struct tr_text *text, const struct tr_machine *machine) {
    const struct tr_settings *found = &machine->settings;
    static const char *const balancing[] = {"off", "on", "tiering"};
    struct tr_strbuf out = {0};
    if (found->smt)
        tr_strbuf_addf(&out, ", %s", smt_words(found->smt));
    if (found->governor)
        tr_strbuf_addf(&out, ", governor %s", found->governor);
    if (found->driver)
        tr_strbuf_addf(&out, ", driver %s", found->driver);
    if (found->boost >= 0)
        tr_strbuf_addf(&out, ", boost %s", found->boost ? "on" : "off");
    if (found->thp)
        tr_strbuf_addf(&out, ", transparent huge pages %s", found->thp);
    if (found->numa_balancing >= 0 && found->numa_balancing <= 2)
        tr_strbuf_addf(&out, ", automatic NUMA balancing %s", balancing[found->numa_balancing]);
    if (out.length)
        tr_text_fact(text, "settings", tr_format("%s", out.text + 2));
    tr_strbuf_finish(&out);
}

static void notes(struct tr_text *text, const struct tr_machine *machine) {
    if (machine->n_notes == 0)
        return;
    head(text, "notes");
    for (size_t i = 0; i < machine->n_notes; i++) {
        struct tr_strbuf line = {0};
        tr_strbuf_add(&line, "  - ");
        tr_text_add(text, &line, machine->notes[i]);
        tr_text_wrap(text, line.failed ? "" : line.text, 4);
        tr_strbuf_finish(&line);
    }
}

int tr_report_machine(const struct tr_machine *machine, const struct tr_term *term, bool verbose,
                      struct tr_strbuf *out) {
    struct tr_text text = {.term = *term, .out = out, .full = verbose};
    title(&text, machine);
    tr_text_glance(&text, machine);
    if (machine->catalogue_packages > 0)
        catalogue_identity(&text, machine);
    else
        identity(&text, machine);
    settings(&text, machine);
    tr_text_topology(&text, machine);
    tr_text_modules(&text, machine);
    tr_text_devices(&text, machine);
    if (machine->catalogue_packages == 0) /* the row told its clocks */
        tr_text_clocks(&text, machine);
    tr_text_sensors(&text, machine);
    tr_text_machine_limits(&text, machine);
    notes(&text, machine);
    return out->failed ? TR_ENOMEM : 0;
}
