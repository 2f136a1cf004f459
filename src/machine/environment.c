/* What bounds this process and what disturbs it. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cgroup.h"
#include "cpuid_table.h"
#include "file.h"
#include "parse.h"
#include "parts.h"
#include "strbuf.h"

/* --- virtual machine, container -------------------------------------------------------------- */

struct maker {
    const char *sign, *name;
};

/* CPUID leaf 0x40000000. */
static const struct maker signatures[] = {
    {"KVMKVMKVM", "KVM"},        {"Linux KVM Hv", "KVM"},        {"TCGTCGTCGTCG", "QEMU"},
    {"Microsoft Hv", "Hyper-V"}, {"VMwareVMware", "VMware"},     {"XenVMMXenVMM", "Xen"},
    {"bhyve bhyve", "bhyve"},    {"VBoxVBoxVBox", "VirtualBox"}, {"ACRNACRNACRN", "ACRN"},
};

/* Words in sys_vendor and product_name that real machines do not carry. */
static const struct maker products[] = {
    {"QEMU", "QEMU"},
    {"KVM", "KVM"},
    {"VirtualBox", "VirtualBox"},
    {"VMware", "VMware"},
    {"Virtual Machine", "Hyper-V"},
    {"Google Compute Engine", "KVM"},
    {"HVM domU", "Xen"},
    {"OpenStack", "KVM"},
    {"Bochs", "Bochs"},
    {"BHYVE", "bhyve"},
};

static const char *virtual_product(struct tr_source *source) {
    static const char *const paths[] = {"/sys/class/dmi/id/sys_vendor",
                                        "/sys/class/dmi/id/product_name"};
    const char *name = NULL;
    for (size_t i = 0; i < 2 && !name; i++) {
        char *text = tr_source_line(source, paths[i]);
        for (size_t k = 0; text && k < sizeof(products) / sizeof(products[0]) && !name; k++)
            if (strstr(text, products[k].sign))
                name = products[k].name;
        free(text);
    }
    return name;
}

static bool has_flag(const struct tr_machine *machine, const char *name) {
    for (size_t i = 0; i < machine->cpu.n_isa; i++)
        if (!strcmp(machine->cpu.isa[i], name))
            return true;
    return false;
}

static void read_virtual(const struct tr_machine *machine, struct tr_source *source,
                         struct tr_environment *environment) {
    char signature[13] = "";
    const char *product = virtual_product(source);
    bool hypervisor = source->live ? tr_cpuid_hypervisor(signature)
                                   : tr_cpuid_source_hypervisor(source, signature);
    const char *name = hypervisor && *signature ? signature : product;
    for (size_t i = 0; i < sizeof(signatures) / sizeof(signatures[0]); i++)
        if (hypervisor && !strcmp(signature, signatures[i].sign))
            name = signatures[i].name;
    environment->virtual_machine = hypervisor || product || has_flag(machine, "hypervisor");
    environment->hypervisor = name ? strdup(name) : NULL;
}

static bool exists(struct tr_source *source, const char *path) {
    char *text = tr_source_read(source, path, NULL);
    free(text);
    return text != NULL;
}

/* --- memory ---------------------------------------------------------------------------------- */

/* Value of a line "MemAvailable:   123 kB" in bytes; -1 if there is none. */
static int64_t meminfo_bytes(const char *text, const char *name) {
    const char *at = text ? strstr(text, name) : NULL;
    if (!at)
        return -1;
    at += strlen(name);
    at += strspn(at, ": \t");
    char *digits = strndup(at, strspn(at, "0123456789"));
    int64_t kib = -1;
    if (!digits || tr_parse_int(digits, 0, INT64_MAX / 1024, &kib, NULL))
        kib = -1;
    free(digits);
    return kib < 0 ? -1 : kib * 1024;
}

static int64_t smaller(int64_t a, int64_t b) {
    return a < 0 ? b : b < 0 || a < b ? a : b;
}

/* What this process has mapped already: of its address space, and of its data (fields 1 and 6 of
 * /proc/self/statm, in pages). */
static void own_use(struct tr_source *source, int64_t *ret_space_bytes, int64_t *ret_data_bytes) {
    long long pages[6] = {0};
    char *text = tr_source_read(source, "/proc/self/statm", NULL);
    if (!text || sscanf(text, "%lld %lld %lld %lld %lld %lld", &pages[0], &pages[1], &pages[2],
                        &pages[3], &pages[4], &pages[5]) != 6)
        memset(pages, 0, sizeof(pages));
    free(text);
    long page_bytes = sysconf(_SC_PAGESIZE);
    *ret_space_bytes = pages[0] * page_bytes;
    *ret_data_bytes = pages[5] * page_bytes;
}

static void apply_rlimit(int resource, int64_t used, struct tr_environment *environment) {
    struct rlimit limit;
    if (getrlimit(resource, &limit) || limit.rlim_cur == RLIM_INFINITY ||
        limit.rlim_cur > INT64_MAX)
        return;
    int64_t bytes = (int64_t)limit.rlim_cur;
    environment->memory_limit_bytes = smaller(environment->memory_limit_bytes, bytes);
    environment->memory_available_bytes =
        smaller(environment->memory_available_bytes, used < bytes ? bytes - used : 0);
}

static void read_memory(struct tr_source *source, const struct tr_cgroup_limits *cgroup,
                        struct tr_environment *environment) {
    char *text = tr_source_read(source, "/proc/meminfo", NULL);
    int64_t available = meminfo_bytes(text, "MemAvailable");
    if (available < 0) /* kernels before 3.14 */
        available = meminfo_bytes(text, "MemFree");
    free(text);
    environment->memory_available_bytes = smaller(available, cgroup->available_bytes);
    environment->memory_limit_bytes = cgroup->memory_bytes;
    if (source->live) {
        int64_t space_bytes, data_bytes;
        own_use(source, &space_bytes, &data_bytes);
        apply_rlimit(RLIMIT_AS, space_bytes, environment);
        apply_rlimit(RLIMIT_DATA, data_bytes, environment);
    }
}

int tr_environment_read(const struct tr_machine *machine, struct tr_environment *ret_environment) {
    struct tr_source *source = &machine->private_data->source;
    struct tr_environment environment = {.load_average = NAN};
    struct tr_cgroup_limits cgroup;
    tr_cgroup_read(source, &cgroup);
    read_virtual(machine, source, &environment);
    environment.container = cgroup.container || exists(source, "/.dockerenv") ||
                            exists(source, "/run/.containerenv") ||
                            exists(source, "/run/systemd/container");
    environment.cpu_quota = cgroup.cpu_quota;
    read_memory(source, &cgroup, &environment);
    char *load = tr_source_line(source, "/proc/loadavg");
    if (load) {
        load[strcspn(load, " ")] = '\0';
        if (tr_parse_double(load, 0, 1e9, &environment.load_average, NULL))
            environment.load_average = NAN;
        free(load);
    }
    *ret_environment = environment;
    return 0;
}

void tr_environment_finish(struct tr_environment *environment) {
    if (!environment)
        return;
    free(environment->hypervisor);
    environment->hypervisor = NULL;
}

/* --- activity -------------------------------------------------------------------------------- */

/* A line of /proc/stat: "cpu3 user nice system idle iowait irq softirq steal ...", in ticks. Guest
 * time is part of user time. */
static void add_cpu_line(const char *line, double tick_s, struct tr_activity *activity) {
    unsigned long long t[8] = {0};
    int n = sscanf(line, "%*s %llu %llu %llu %llu %llu %llu %llu %llu", &t[0], &t[1], &t[2], &t[3],
                   &t[4], &t[5], &t[6], &t[7]);
    if (n < 4)
        return;
    double busy = (double)(t[0] + t[1] + t[2] + t[5] + t[6]);
    double idle = (double)(t[3] + t[4]);
    activity->busy_s += busy * tick_s;
    activity->steal_s += (double)t[7] * tick_s;
    activity->total_s += (busy + idle + (double)t[7]) * tick_s;
}

static void read_cpu_times(const struct tr_machine *machine, struct tr_source *source,
                           struct tr_activity *activity) {
    char *text = tr_source_read(source, "/proc/stat", NULL);
    char *rest = text, *line;
    double tick_s = 1.0 / (double)sysconf(_SC_CLK_TCK);
    while (rest && (line = strsep(&rest, "\n")) != NULL) {
        int cpu = -1;
        if (strncmp(line, "cpu", 3))
            break;
        bool one = isdigit((unsigned char)line[3]) && sscanf(line, "cpu%d ", &cpu) == 1;
        bool wanted =
            machine->allowed_cpus.n ? one && tr_cpulist_has(&machine->allowed_cpus, cpu) : !one;
        if (wanted)
            add_cpu_line(line, tick_s, activity);
    }
    free(text);
}

static int64_t throttle_events(const struct tr_machine *machine, struct tr_source *source) {
    static const char *const names[] = {"core_throttle_count", "package_throttle_count"};
    int64_t sum = -1;
    for (size_t i = 0; i < machine->allowed_cpus.n; i++)
        for (size_t k = 0; k < 2; k++) {
            char *path = tr_format("/sys/devices/system/cpu/cpu%d/thermal_throttle/%s",
                                   machine->allowed_cpus.ids[i], names[k]);
            int64_t n = path ? tr_source_number(source, path) : -1;
            free(path);
            if (n >= 0)
                sum = (sum < 0 ? 0 : sum) + n;
        }
    return sum;
}

void tr_activity_read(const struct tr_machine *machine, struct tr_activity *ret_activity) {
    struct tr_source *source = &machine->private_data->source;
    struct tr_activity activity = {.throttle_events = -1, .cgroup_throttled = -1};
    struct tr_cgroup_limits cgroup;
    read_cpu_times(machine, source, &activity);
    activity.throttle_events = throttle_events(machine, source);
    tr_cgroup_read(source, &cgroup);
    activity.cgroup_throttled = cgroup.throttled;
    *ret_activity = activity;
}

char *tr_boot_id(const struct tr_machine *machine) {
    return tr_source_line(&machine->private_data->source, "/proc/sys/kernel/random/boot_id");
}
