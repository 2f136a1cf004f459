/* How the machine is set up: memory partitioning, SMT, clocks, pages, firmware. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "parse.h"
#include "parts.h"
#include "strbuf.h"
#include "topology.h"

/* --- NUMA partitioning ----------------------------------------------------------------------- */

static bool same_cpus(const struct tr_cpulist *a, const struct tr_cpulist *b) {
    return a->n == b->n && a->n && !memcmp(a->ids, b->ids, a->n * sizeof(*a->ids));
}

/* Every node with CPUs is exactly one L3 group. */
static bool nodes_are_l3_groups(const struct tr_machine *machine) {
    size_t matched = 0;
    for (size_t i = 0; i < machine->n_nodes; i++) {
        bool found = machine->nodes[i].cpus.n == 0;
        for (size_t k = 0; k < machine->n_l3_groups && !found; k++) {
            found = same_cpus(&machine->nodes[i].cpus, &machine->l3_groups[k].cpus);
            matched += found;
        }
        if (!found)
            return false;
    }
    return matched == machine->n_l3_groups && matched > 0;
}

static size_t nodes_with_cpus(const struct tr_machine *machine) {
    size_t n = 0;
    for (size_t i = 0; i < machine->n_nodes; i++)
        n += machine->nodes[i].cpus.n > 0;
    return n;
}

/* AMD: nodes per socket, where a node is a part of the memory channels; or one node per L3, which
 * says nothing about channels. Two or four nodes that are L3 groups too may be either. */
static char *amd_partitioning(const struct tr_machine *machine, size_t nodes) {
    size_t packages = machine->n_packages;
    if (nodes == 1)
        return strdup(packages > 1 ? "NPS0" : "NPS1");
    if (nodes % packages)
        return NULL;
    size_t per_package = nodes / packages;
    bool may_be_nps = per_package == 1 || per_package == 2 || per_package == 4;
    bool are_l3 = per_package > 1 && nodes_are_l3_groups(machine);
    if (may_be_nps && are_l3)
        return tr_format("NPS%zu or L3 as NUMA", per_package);
    if (are_l3)
        return strdup("L3 as NUMA");
    return may_be_nps ? tr_format("NPS%zu", per_package) : NULL;
}

/* Before Zen 2 a node was a die, whatever the settings. */
static bool has_nodes_by_setting(const struct tr_cpu_facts *cpu) {
    return cpu->family > 0x17 || (cpu->family == 0x17 && cpu->model_number >= 0x30);
}

/* Whether the firmware can divide a package at all: servers and large workstations. That a laptop
 * is undivided says nothing. AMD: EPYC and Threadripper from Zen 2 on. Intel: Xeons with
 * cluster-on-die (Haswell-EP, Broadwell-EP) or sub-NUMA clustering (from Skylake-SP on). */
static bool can_be_divided(const struct tr_cpu_facts *cpu) {
    static const struct {
        int family, model;
    } parts[] = {
        {0x17, 0x31}, {0x19, 0x00}, {0x19, 0x01}, {0x19, 0x08}, {0x19, 0x10},
        {0x19, 0x11}, {0x19, 0x18}, {0x19, 0xa0}, {0x1a, 0x02}, {0x1a, 0x08},
        {0x1a, 0x11}, {0x06, 0x3f}, {0x06, 0x4f}, {0x06, 0x55}, {0x06, 0x6a},
        {0x06, 0x8f}, {0x06, 0xcf}, {0x06, 0xad}, {0x06, 0xae}, {0x06, 0xaf},
    };
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (cpu->family == parts[i].family && cpu->model_number == parts[i].model)
            return true;
    return false;
}

static char *partitioning(const struct tr_machine *machine) {
    size_t nodes = nodes_with_cpus(machine);
    if (!machine->cpu.vendor || machine->n_packages == 0 || nodes == 0 ||
        machine->environment.virtual_machine)
        return NULL;
    if (nodes <= machine->n_packages && !can_be_divided(&machine->cpu))
        return NULL;
    if (!strcmp(machine->cpu.vendor, "AMD"))
        return has_nodes_by_setting(&machine->cpu) ? amd_partitioning(machine, nodes) : NULL;
    if (strcmp(machine->cpu.vendor, "Intel") || nodes % machine->n_packages)
        return NULL;
    size_t per_package = nodes / machine->n_packages;
    return per_package == 1 ? strdup("SNC off") : tr_format("SNC%zu", per_package);
}

/* --- sysfs ----------------------------------------------------------------------------------- */

static int boost_state(struct tr_source *source) {
    int64_t boost = tr_source_number(source, "/sys/devices/system/cpu/cpufreq/boost");
    if (boost >= 0)
        return boost > 0;
    int64_t no_turbo = tr_source_number(source, "/sys/devices/system/cpu/intel_pstate/no_turbo");
    return no_turbo >= 0 ? no_turbo == 0 : -1;
}

/* "always [madvise] never" gives "madvise". */
static char *chosen(struct tr_source *source, const char *path) {
    char *line = tr_source_line(source, path);
    char *open = line ? strchr(line, '[') : NULL;
    char *close = open ? strchr(open, ']') : NULL;
    char *word = close ? strndup(open + 1, (size_t)(close - open - 1)) : NULL;
    free(line);
    return word;
}

static char *cpufreq_text(const struct tr_machine *machine, struct tr_source *source,
                          const char *name) {
    int cpu = machine->allowed_cpus.n ? machine->allowed_cpus.ids[0] : 0;
    char *path = tr_format("/sys/devices/system/cpu/cpu%d/cpufreq/%s", cpu, name);
    char *text = path ? tr_source_line(source, path) : NULL;
    free(path);
    return text;
}

/* SMT of a machine without sysfs: more than one thread on a core. */
static char *smt_state(const struct tr_machine *machine, struct tr_source *source) {
    char *text = tr_source_line(source, "/sys/devices/system/cpu/smt/control");
    if (text && strcmp(text, "notimplemented"))
        return text;
    free(text);
    for (size_t i = 0; i < machine->n_cores; i++)
        if (machine->cores[i].cpus.n > 1)
            return strdup("on");
    return NULL;
}

/* Value of `name` in lines "name : value" or "name=value"; quotes are taken off. */
static char *value_in(const char *text, const char *name, char separator) {
    size_t length = strlen(name);
    for (const char *line = text; line && *line;) {
        const char *next = strchr(line, '\n');
        size_t n = next ? (size_t)(next - line) : strlen(line);
        const char *mark = strchr(line, separator);
        if (n >= length && !memcmp(line, name, length) && mark && mark < line + n &&
            strspn(line + length, " \t") == (size_t)(mark - line) - length) {
            const char *value = mark + 1 + strspn(mark + 1, " \t\"'");
            const char *end = line + n;
            while (end > value && strchr(" \t\r\"'", end[-1]))
                end--;
            return end > value ? strndup(value, (size_t)(end - value)) : NULL;
        }
        line = next ? next + 1 : NULL;
    }
    return NULL;
}

static void fill_firmware(struct tr_firmware *firmware, struct tr_source *source) {
    firmware->board_vendor = tr_source_line(source, "/sys/class/dmi/id/board_vendor");
    firmware->board_name = tr_source_line(source, "/sys/class/dmi/id/board_name");
    firmware->bios_vendor = tr_source_line(source, "/sys/class/dmi/id/bios_vendor");
    firmware->bios_version = tr_source_line(source, "/sys/class/dmi/id/bios_version");
    firmware->bios_date = tr_source_line(source, "/sys/class/dmi/id/bios_date");
    firmware->microcode = tr_source_line(source, "/sys/devices/system/cpu/cpu0/microcode/version");
    if (!firmware->microcode) {
        char *text = tr_source_read(source, "/proc/cpuinfo", NULL);
        firmware->microcode = text ? value_in(text, "microcode", ':') : NULL;
        free(text);
    }
}

static void fill_os(struct tr_os *os, struct tr_source *source) {
    os->kernel = tr_source_line(source, "/proc/sys/kernel/osrelease");
    char *text = tr_source_read(source, "/etc/os-release", NULL);
    if (!text)
        text = tr_source_read(source, "/usr/lib/os-release", NULL);
    os->distribution = text ? value_in(text, "PRETTY_NAME", '=') : NULL;
    free(text);
    text = tr_source_read(source, "/proc/meminfo", NULL);
    char *total = text ? value_in(text, "MemTotal", ':') : NULL;
    int64_t kib = -1;
    if (total)
        total[strspn(total, "0123456789")] = '\0';
    if (total && !tr_parse_int(total, 1, INT64_MAX / 1024, &kib, NULL))
        os->memory_bytes = kib * 1024;
    free(total);
    free(text);
}

int tr_settings_fill(struct tr_machine *machine, struct tr_source *source) {
    struct tr_settings *settings = &machine->settings;
    settings->nps = partitioning(machine);
    settings->smt = smt_state(machine, source);
    settings->governor = cpufreq_text(machine, source, "scaling_governor");
    settings->driver = cpufreq_text(machine, source, "scaling_driver");
    settings->boost = boost_state(source);
    settings->thp = chosen(source, "/sys/kernel/mm/transparent_hugepage/enabled");
    settings->numa_balancing = (int)tr_source_number(source, "/proc/sys/kernel/numa_balancing");
    fill_firmware(&machine->firmware, source);
    fill_os(&machine->os, source);
    return 0;
}
