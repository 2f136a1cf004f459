/* What a machine is and what it should reach: topology, memory modules, clocks, settings, limits.
 *
 * Life: tr_machine_load() with options (this machine, or a recording of another one), read the
 * plain fields, tr_machine_destroy(). Facts that are not known are NULL (strings), NAN (doubles)
 * and -1 (integers), never 0. Nothing in here is fatal: what could not be read is a line in
 * `notes`, which says what is missing and how to get it.
 */
#ifndef TOKENROOF_MACHINE_H
#define TOKENROOF_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tokenroof/cpulist.h"
#include "tokenroof/err.h"
#include "tokenroof/isa.h"
#include "tokenroof/limit.h"

#ifdef __cplusplus
extern "C" {
#endif

struct tr_isa_state {
    bool available;
    const char *reason; /* why not, in words; NULL where available */
};

enum { TR_CACHE_LEVELS = 3 };

/* A cache of data as CPUID tells it. */
struct tr_cpu_cache {
    int64_t bytes; /* 0 = not told */
    int threads;   /* numbers of hardware threads that share one; 0 = not told */
};

struct tr_cpu_facts {
    char *vendor; /* "AMD", "Intel", or the CPUID vendor string */
    char *model;  /* brand string, trimmed */
    int family, model_number, stepping;
    char *uarch;            /* name of the row in data/uarch.csv; NULL if the CPU is not in it */
    char *uarch_efficiency; /* the same for the efficiency cores of a hybrid part, else NULL */
    char **isa; /* CPU flags by their /proc/cpuinfo names, that the CPU has and the OS enabled */
    size_t n_isa;
    int fp512_datapath; /* AMD leaf 0x8000001A bit 3: 1 yes, 0 no, -1 not told */
    bool hybrid;        /* CPUID.7.0:EDX15 */
    struct tr_cpu_cache caches[TR_CACHE_LEVELS]; /* L1 to L3, of the core that was asked */
    struct tr_isa_state levels[TR_ISA_COUNT];
};

/* Whether the CPU has the flag, by its /proc/cpuinfo name. */
bool tr_cpu_has(const struct tr_cpu_facts *facts, const char *flag);

struct tr_package {
    int index;
    struct tr_cpulist cpus;
};

struct tr_numa_node {
    int index;              /* the operating system's number */
    struct tr_cpulist cpus; /* empty for a memory-only node */
    int64_t memory_bytes;
    char *kind;        /* "DRAM", "HBM", "CXL", NULL if unknown */
    double *distances; /* one per node, in the order of tr_machine.nodes; NULL if unknown */
};

struct tr_l3_group {
    int index;
    int package, node; /* -1 unknown */
    struct tr_cpulist cpus;
    int64_t l3_bytes;
};

struct tr_ccd {
    int index;
    int package, node;
    struct tr_cpulist cpus;
    int *l3_groups;
    size_t n_l3_groups;
};

/* At least two cores, fewer than their package has, that share a second-level cache or that the
 * kernel calls a cluster: a module of efficiency cores, for one. */
struct tr_cluster {
    int index;
    int package, node; /* -1 unknown */
    struct tr_cpulist cpus;
    int64_t l2_bytes; /* -1: they share none */
};

struct tr_core {
    int index;
    int package, node, l3_group, ccd;
    int cluster;            /* -1: in none */
    const char *kind;       /* "performance", "efficiency", NULL where all are alike */
    struct tr_cpulist cpus; /* hardware threads that this process may use, lowest first */
    int64_t l1d_bytes, l2_bytes;
};

struct tr_memory_module {
    char *locator, *bank; /* as the firmware writes them */
    char *type;           /* "DDR5", "LPDDR5", ...; NULL for an empty slot */
    char *manufacturer, *part_number;
    int64_t size_bytes; /* 0 = empty slot */
    int data_width_bits, total_width_bits;
    int rated_mts, configured_mts;
    int rank;
    int package;   /* socket it belongs to, as far as the locator tells; -1 unknown */
    char *channel; /* e.g. "P0 A"; NULL unknown */
    /* Physical addresses that it answers, by the firmware: from the lowest to behind the highest;
     * and its turn among the modules that share them, 0 where it has them alone. -1 unknown. */
    int64_t mapped_from_bytes, mapped_to_bytes;
    int interleave_position;
};

/* How fast the modules may run where they sit: rated, the platform's maximum and its maximum with
 * so many modules a channel told apart (data/memory_population.csv). Unknown = -1 or NULL. */
struct tr_population {
    int modules_per_channel; /* of the fullest channel */
    int ranks;               /* of the module with most ranks */
    int platform_mts;        /* maximum with one module a channel */
    int population_mts;      /* maximum with this population */
    int expected_mts;        /* the least of rated, platform and population */
    const char *verdict;     /* "as specified", "above specification", "below specification" */
    char *why;               /* the verdict in a sentence */
    char *source;            /* of population_mts */
};

struct tr_memory {
    char *basis;                      /* "smbios", "udev", "edac", NULL when none was readable */
    struct tr_memory_module *modules; /* one per slot, empty ones too */
    size_t n_modules;
    /* Machine totals of 64-bit channels: widths are added up, not modules counted. */
    double channels_populated, channels_present;
    int slots;
    int configured_mts; /* the slowest populated module's */
    int rated_mts;
    int64_t total_bytes;
    /* By the firmware's address map: how many modules share one range (1: each has its own), and
     * how much is mapped; -1 unknown. */
    int interleaved_modules;
    int64_t mapped_bytes;
    struct tr_population population;
};

/* A GPU or another accelerator on the PCI bus. */
struct tr_device {
    char *kind;     /* "GPU", "accelerator" */
    char *name;     /* as hwloc or the driver names it; NULL unknown */
    char *vendor;   /* NULL unknown */
    char *bus_id;   /* "0000:01:00.0" */
    char *os_names; /* "card0, renderD128"; NULL without a driver */
    int vendor_id, device_id;
    int node;                                /* NUMA node, -1 unknown */
    double link_gt_per_s, link_max_gt_per_s; /* of one lane, NAN unknown; idle links run slower */
    int link_width, link_max_width;          /* lanes, -1 unknown */
    char *accelerator;                       /* row of data/accelerators.csv, NULL without */
};

/* What the machine tells of its clocks; all NAN where it does not. */
struct tr_clocks {
    double fclk_ghz;           /* fabric, of the slowest package */
    double uclk_ghz, mclk_ghz; /* memory controller, memory; MT/s of DDR = 2000 x mclk_ghz */
    const char *fclk_basis;    /* "hsmp", "ryzen_smu", "user", NULL */
    const char *mclk_basis;    /* of uclk_ghz and mclk_ghz: "hsmp", "ryzen_smu", NULL */
    bool fclk_may_rise;        /* read below the part's usual one: set so, or idle */
    double fclk_at_least_ghz;  /* bound by what one CCD read, NAN where that was not measured */
    double fclk_listed_ghz;    /* highest that an APU's graphics driver lists: only a hint */
    double ddr_gb_s;           /* theoretical DDR bandwidth of all packages, by HSMP */
    double base_ghz, max_ghz;  /* cpufreq: base; highest of any core */
    double capped_ghz;         /* least that a core is held to below its maximum */
    double uncore_min_ghz;     /* Intel: lowest that the settings allow */
    double uncore_max_ghz;     /* highest that they allow, of the slowest die */
    double uncore_hw_max_ghz;  /* highest at boot, of the slowest die */
};

/* What the memory controllers' driver (EDAC) tells: a second witness of what is populated. */
struct tr_edac {
    int controllers;     /* -1 without such a driver */
    char *driver;        /* name of the first controller, "F19h_M10h" */
    char *mode;          /* "SECDED", "S4ECD4ED", "None"; NULL unknown or mixed */
    int modules;         /* populated; -1 unknown */
    double channels;     /* populated 64-bit channels; NAN where the driver does not tell widths */
    int64_t total_bytes; /* -1 unknown */
};

/* A moment's temperatures, power and counters: read afresh by tr_sensors_read(). NAN, -1 and NULL
 * where the machine does not tell. Sums are over all packages, counters run since boot or reset. */
struct tr_sensors {
    double cpu_celsius, cpu_limit_celsius;       /* hottest; lowest critical temperature */
    const char *cpu_sensor;                      /* its driver: "k10temp", "coretemp" */
    double memory_celsius, memory_limit_celsius; /* hottest module; lowest critical */
    const char *memory_sensor;                   /* "spd5118", "jc42" */
    double power_w;                              /* drawn now */
    double power_limit_w, power_short_limit_w;   /* sustained; for seconds (Intel) */
    double power_limit_max_w;                    /* the highest that may be set */
    const char *power_basis;                     /* "hsmp", "powercap" */
    double energy_j, energy_wrap_j; /* counter of all packages; where one package's wraps */
    double core_limit_ghz;          /* HSMP: what the firmware holds the cores to now */
    const char *core_limit_reason;  /* "package power (PPT)", ... */
    int prochot;                    /* 1: the processor is told that it is too hot */
    double uncore_ghz;              /* Intel, slowest die, now */
    int64_t core_throttle_events, package_throttle_events; /* sums over cores, packages */
    int64_t corrected_errors, uncorrected_errors;          /* memory, by EDAC */
};

struct tr_firmware {
    char *board_vendor, *board_name;
    char *bios_vendor, *bios_version, *bios_date;
    char *microcode;
    /* By its tables (SMBIOS type 4): sockets of the board, those with a processor, and the cores of
     * each of these, where all have as many. -1 unknown. */
    int sockets, sockets_populated, cores_per_socket;
};

struct tr_settings {
    char *nps; /* "NPS1", "SNC2", "L3 as NUMA", NULL unknown */
    char *smt; /* "on", "off", "forceoff", "notsupported", NULL */
    char *governor, *driver;
    int boost;          /* 1, 0, -1 */
    char *thp;          /* "always", "madvise", "never" */
    int numa_balancing; /* 0, 1, 2, -1 */
};

struct tr_os {
    char *kernel, *distribution;
    int64_t
        memory_bytes; /* that the kernel manages; nodes may tell less where it was added later */
};

/* What bounds this process: read afresh by tr_environment_read(). */
struct tr_environment {
    bool virtual_machine;
    char *hypervisor; /* "KVM", ...; NULL */
    bool container;
    double cpu_quota;           /* CPUs' worth of time allowed by cgroups, NAN without a limit */
    int64_t memory_limit_bytes; /* smallest cgroup limit or RLIMIT_AS/DATA, -1 without one */
    int64_t
        memory_available_bytes; /* what may still be allocated: min(MemAvailable, limit - use) */
    double load_average;        /* 1 minute, NAN unknown */
};

/* A moment's totals; two of them bracket a measurement. All of this machine since boot. */
struct tr_activity {
    double steal_s, busy_s, total_s; /* summed over the CPUs this process may use */
    int64_t throttle_events;         /* core + package thermal throttle counts, -1 unknown */
    int64_t cgroup_throttled;        /* cgroup cpu nr_throttled, -1 unknown */
};

/* A catalogue row as far as this program uses it; see data/cpus.csv for all columns. */
struct tr_platform {
    char *name;
    char *series; /* "AMD EPYC 9004"; NULL without */
    char *uarch;
    int sockets_max, cores, p_cores, e_cores, ccds, cores_per_ccd, gmi_links_per_ccd;
    double l3_mb;
    double base_ghz, boost_ghz, allcore_boost_ghz;
    double e_boost_ghz; /* of the efficiency cores */
    char *mem_type;
    int mem_channels; /* 64-bit, per package */
    double max_mts;
    double fclk_ghz;
    double ccd_read_bytes_per_fclk, ccd_write_bytes_per_fclk;
    double max_memory_gb;
    double pcie_generation;
    int pcie_lanes; /* of one package */
    char *source, *notes;
    bool user; /* a row of the user's file */
};

/* Overrides of hardware facts; 0 = not given. Units as in BIOS menus. */
struct tr_overrides {
    int channels; /* 64-bit, per package */
    double mts;
    double fclk_mhz;
    int ccds; /* per package */
};

struct tr_machine_options {
    /* NULL = this machine. Else a capture directory, an hwloc XML, "synthetic:...", or a CPUID
     * dump in InstLatx64's text form. */
    const char *source;
    struct tr_overrides overrides;
    const char *platform_file; /* rows that come before the catalogue's; NULL without */
};

struct tr_machine {
    char *source; /* NULL = this machine */
    bool live;
    char *host_id;     /* 12 hex digits of a hash of the machine id; NULL unknown */
    char *fingerprint; /* hash of board, CPU, memory layout, firmware */
    struct tr_cpu_facts cpu;
    struct tr_package *packages;
    size_t n_packages;
    struct tr_numa_node *nodes;
    size_t n_nodes;
    struct tr_l3_group *l3_groups;
    size_t n_l3_groups;
    struct tr_ccd *ccds;
    size_t n_ccds;
    struct tr_cluster *clusters;
    size_t n_clusters;
    struct tr_core *cores; /* only cores with at least one usable hardware thread */
    size_t n_cores;
    struct tr_cpulist allowed_cpus; /* affinity and cpuset; all CPUs of a recording */
    int n_cpus_online;              /* of the machine, allowed or not; -1 unknown */
    const char *caches_basis;       /* "hwloc"; "cpuid" where the kernel shows none; NULL unknown */
    int64_t llc_bytes; /* sum of the last-level caches that the allowed CPUs reach; -1 unknown */
    /* In a virtual machine that tells more than so many cores of any such processor can reach: the
     * most that they can. Then llc_bytes is not to be trusted. -1 where it is plausible. */
    int64_t llc_most_bytes;
    struct tr_memory memory;
    struct tr_edac edac;
    struct tr_clocks clocks;
    struct tr_sensors sensors; /* when the machine was loaded */
    struct tr_firmware firmware;
    struct tr_settings settings;
    struct tr_os os;
    struct tr_environment environment;
    struct tr_platform *platform; /* catalogue row, NULL where the CPU is not in it */
    /* Packages of a machine that is nothing but a catalogue row; 0 for one that was looked at. */
    int catalogue_packages;
    struct tr_device *devices;
    size_t n_devices;
    struct tr_overrides overrides;
    struct tr_limit *limits;
    size_t n_limits;
    char **notes; /* "Memory modules are unknown: ... Run sudo ..." */
    size_t n_notes;
    struct tr_machine_private *private_data; /* hwloc topology and the sources read */
};

/* Reads the machine. Fails only for memory, or a `source` that is unreadable (TR_EIO) or
 * malformed (TR_EFORMAT). */
int tr_machine_load(const struct tr_machine_options *options, struct tr_machine **ret_machine,
                    struct tr_err *reterr);
void tr_machine_destroy(struct tr_machine *machine);

/* Computes machine->limits anew (after clocks or overrides changed); formulas in docs/method.md. */
int tr_machine_update_limits(struct tr_machine *machine);

/* Saves all that was read into a directory that tr_machine_load() takes as source; serial numbers,
 * UUIDs, MAC addresses and host names are left out unless `with_identity`. TR_EUSAGE if `directory`
 * exists and is not empty. */
int tr_machine_capture(const struct tr_machine *machine, const char *directory, bool with_identity,
                       struct tr_err *reterr);

int tr_environment_read(const struct tr_machine *machine, struct tr_environment *ret_environment);
void tr_environment_finish(struct tr_environment *environment);
/* The random number of this boot of this machine; heap, NULL where the kernel does not tell. */
char *tr_boot_id(const struct tr_machine *machine);
void tr_activity_read(const struct tr_machine *machine, struct tr_activity *ret_activity);
/* Takes some milliseconds where HSMP answers: never within a timed region. */
int tr_sensors_read(const struct tr_machine *machine, struct tr_sensors *ret_sensors);

/* Catalogue lookups; both return NULL when nothing matches. The rows live as long as the program
 * and must not be freed. By name: case-insensitive, exact or the only row with that prefix. */
const struct tr_platform *tr_platform_by_name(const char *name);
const struct tr_platform *tr_platform_by_cpu(const struct tr_cpu_facts *cpu);
/* All rows, in file order; *ret_n gets their number. */
const struct tr_platform *tr_platforms(size_t *ret_n);

#ifdef __cplusplus
}
#endif
#endif
