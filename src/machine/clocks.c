/* Clocks that the machine tells without being measured. */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hsmp.h"
#include "parts.h"
#include "strbuf.h"

/* Two clocks that differ by more than this are not the same one. */
static const double tolerance = 0.03;

static bool differ(double a, double b) {
    return isfinite(a) && isfinite(b) && fabs(a - b) > tolerance * b;
}

/* A file that holds a frequency in `unit_hz`, in GHz; NAN if absent. Firmware that tells 0 tells
 * nothing. */
static double file_ghz(struct tr_source *source, const char *folder, const char *file,
                       double unit_hz) {
    char *path = tr_format("%s/%s", folder, file);
    int64_t value = path ? tr_source_number(source, path) : -1;
    free(path);
    return value > 0 ? (double)value * unit_hz / 1e9 : NAN;
}

static double lower(double a, double b) {
    return isnan(a) || b < a ? b : a;
}

static double higher(double a, double b) {
    return isnan(a) || b > a ? b : a;
}

/* --- cores ----------------------------------------------------------------------------------- */

/* Adds one core: its maximum, and whether the settings or the firmware (bios_limit) hold it below.
 */
static void add_core(struct tr_clocks *clocks, struct tr_source *source, int cpu) {
    char folder[64];
    snprintf(folder, sizeof(folder), "/sys/devices/system/cpu/cpu%d/cpufreq", cpu);
    double max_ghz = file_ghz(source, folder, "cpuinfo_max_freq", 1e3);
    if (isnan(max_ghz))
        return;
    double cap_ghz = lower(file_ghz(source, folder, "scaling_max_freq", 1e3),
                           file_ghz(source, folder, "bios_limit", 1e3));
    clocks->max_ghz = higher(clocks->max_ghz, max_ghz);
    if (cap_ghz < max_ghz * (1 - tolerance))
        clocks->capped_ghz = lower(clocks->capped_ghz, cap_ghz);
}

static int fill_cores(struct tr_machine *machine, struct tr_source *source) {
    struct tr_clocks *clocks = &machine->clocks;
    char folder[64];
    int cpu = machine->allowed_cpus.n ? machine->allowed_cpus.ids[0] : 0;
    snprintf(folder, sizeof(folder), "/sys/devices/system/cpu/cpu%d", cpu);
    clocks->base_ghz = file_ghz(source, folder, "cpufreq/base_frequency", 1e3);
    if (isnan(clocks->base_ghz)) /* only intel_pstate has base_frequency */
        clocks->base_ghz = file_ghz(source, folder, "acpi_cppc/nominal_freq", 1e6);
    add_core(clocks, source, cpu);
    for (size_t i = 0; i < machine->n_cores; i++)
        if (machine->cores[i].cpus.n && machine->cores[i].cpus.ids[0] != cpu)
            add_core(clocks, source, machine->cores[i].cpus.ids[0]);
    if (isnan(clocks->capped_ghz))
        return 0;
    return tr_machine_note(machine,
                           "Cores are held to %.4g GHz, below their maximum of %.4g GHz, by a "
                           "setting (scaling_max_freq, or the firmware's bios_limit).",
                           clocks->capped_ghz, clocks->max_ghz);
}

/* --- Intel's uncore -------------------------------------------------------------------------- */

/* One folder a die, package_00_die_00; on newer parts uncore00, uncore01, ... for each of its parts
 * too, I/O dies among them: only those that hold cores or memory decide. */
static bool feeds_memory(struct tr_source *source, const char *folder) {
    char *path = tr_format("%s/agent_types", folder);
    char *types = path ? tr_source_line(source, path) : NULL;
    bool yes = !types || strstr(types, "core") || strstr(types, "cache") || strstr(types, "memory");
    free(types);
    free(path);
    return yes;
}

static int fill_uncore(struct tr_machine *machine, struct tr_source *source) {
    static const char base[] = "/sys/devices/system/cpu/intel_uncore_frequency";
    struct tr_clocks *clocks = &machine->clocks;
    char **names = tr_source_list(source, base);
    int code = 0;
    for (char **name = names; name && *name; name++) {
        char *folder = tr_format("%s/%s", base, *name);
        if (folder && feeds_memory(source, folder)) {
            clocks->uncore_min_ghz =
                lower(clocks->uncore_min_ghz, file_ghz(source, folder, "min_freq_khz", 1e3));
            clocks->uncore_max_ghz =
                lower(clocks->uncore_max_ghz, file_ghz(source, folder, "max_freq_khz", 1e3));
            clocks->uncore_hw_max_ghz = lower(
                clocks->uncore_hw_max_ghz, file_ghz(source, folder, "initial_max_freq_khz", 1e3));
        }
        free(folder);
    }
    tr_source_list_free(names);
    if (clocks->uncore_max_ghz < clocks->uncore_hw_max_ghz * (1 - tolerance))
        code = tr_machine_note(machine,
                               "The uncore (mesh, caches, memory controllers) may not run faster "
                               "than %.4g GHz; at boot it was allowed %.4g GHz. That costs "
                               "bandwidth.",
                               clocks->uncore_max_ghz, clocks->uncore_hw_max_ghz);
    return code;
}

/* --- AMD's fabric and memory ----------------------------------------------------------------- */

static int fill_from_hsmp(struct tr_machine *machine, struct tr_source *source) {
    struct tr_clocks *clocks = &machine->clocks;
    struct tr_hsmp hsmp;
    size_t bad_line = 0;
    int code = tr_hsmp_read(source, machine->n_packages ? machine->n_packages : 1, false, &hsmp,
                            &bad_line);
    if (!code && bad_line)
        code = tr_machine_note(machine, "files/dev/hsmp line %zu is no answer of HSMP: ignored.",
                               bad_line);
    if (code)
        return code;
    clocks->ddr_gb_s = hsmp.ddr_gb_s;
    if (hsmp.mclk_ghz > 0) {
        clocks->mclk_ghz = hsmp.mclk_ghz;
        clocks->mclk_basis = "hsmp";
    }
    if (hsmp.fclk_ghz > 0) {
        clocks->fclk_ghz = hsmp.fclk_ghz;
        clocks->fclk_basis = "hsmp";
        if (differ(hsmp.fclk_highest_ghz, hsmp.fclk_ghz))
            code = tr_machine_note(machine,
                                   "The packages' fabric clocks differ, %.4g to %.4g GHz: the "
                                   "lowest counts.",
                                   hsmp.fclk_ghz, hsmp.fclk_highest_ghz);
    } else if (hsmp.error && hsmp.error != ENOENT) {
        code = tr_machine_note(
            machine, "HSMP does not tell the fabric clock (%s)%s.", strerror(hsmp.error),
            hsmp.error == EACCES || hsmp.error == EPERM ? ": this user may not open /dev/hsmp"
            : hsmp.error == ETIMEDOUT ? ": switch on 'HSMP Support' in the firmware's setup"
                                      : "");
    }
    return code;
}

static int fill_from_ryzen_smu(struct tr_machine *machine, struct tr_source *source) {
    struct tr_clocks *clocks = &machine->clocks;
    struct tr_ryzen_smu smu;
    tr_ryzen_smu_read(source, &smu);
    if (smu.documented) {
        clocks->fclk_ghz = smu.fclk_ghz;
        clocks->fclk_basis = "ryzen_smu";
        if (isnan(clocks->mclk_ghz)) {
            clocks->uclk_ghz = smu.uclk_ghz;
            clocks->mclk_ghz = smu.mclk_ghz;
            clocks->mclk_basis = "ryzen_smu";
        }
        return 0;
    }
    if (!smu.present)
        return 0;
    if (!smu.readable)
        return tr_machine_note(machine, "The ryzen_smu module is loaded, but only root may read "
                                        "its clocks. Run: sudo tokenroof topology");
    return tr_machine_note(machine,
                           "The ryzen_smu module's table has version 0x%06x: where it holds the "
                           "fabric clock is not documented. Give --fclk MHZ if you know it.",
                           (unsigned)smu.version);
}

/* The highest level in lines "0: 400Mhz" of pp_dpm_fclk, in GHz. */
static double highest_level(const char *text) {
    double mhz = NAN;
    for (const char *colon = text; (colon = strchr(colon, ':')) != NULL; colon++)
        mhz = higher(mhz, strtod(colon + 1, NULL));
    return mhz > 0 ? mhz / 1e3 : NAN;
}

/* amdgpu lists the fabric's levels. Those of a graphics card are its own fabric's: only an APU's
 * count, which the format of gpu_metrics tells (third byte: 1 cards, 2 and 3 APUs; the kernel's
 * kgd_pp_interface.h). Whether the highest level is what the cores' links run at is not certain. */
static double listed_fclk_ghz(struct tr_source *source) {
    char **names = tr_source_list(source, "/sys/class/drm");
    double ghz = NAN;
    for (char **name = names; name && *name; name++) {
        size_t length = 0;
        if (strncmp(*name, "card", 4) || (*name)[4 + strspn(*name + 4, "0123456789")])
            continue;
        char *path = tr_format("/sys/class/drm/%s/device/gpu_metrics", *name);
        char *metrics = path ? tr_source_read(source, path, &length) : NULL;
        free(path);
        if (metrics && length > 3 && (metrics[2] == 2 || metrics[2] == 3)) {
            path = tr_format("/sys/class/drm/%s/device/pp_dpm_fclk", *name);
            char *levels = path ? tr_source_read(source, path, NULL) : NULL;
            ghz = levels ? higher(ghz, highest_level(levels)) : ghz;
            free(levels);
            free(path);
        }
        free(metrics);
    }
    tr_source_list_free(names);
    return ghz;
}

/* --- contradictions -------------------------------------------------------------------------- */

/* What was read against what is usual for the part: at rest the fabric may save power, and it may
 * be set so. */
static int check_usual(struct tr_machine *machine) {
    struct tr_clocks *clocks = &machine->clocks;
    const struct tr_platform *platform = machine->platform;
    if (!platform || !(clocks->fclk_ghz < platform->fclk_ghz * (1 - tolerance)))
        return 0;
    clocks->fclk_may_rise = true;
    return tr_machine_note(machine,
                           "The fabric clock reads %.4g GHz, the part's usual one is %.4g: it is "
                           "set so in the firmware, or the fabric saves power at rest. Look again "
                           "while the machine is busy; until then no limit by it is hard.",
                           clocks->fclk_ghz, platform->fclk_ghz);
}

static int check_memory(struct tr_machine *machine) {
    const struct tr_clocks *clocks = &machine->clocks;
    const struct tr_memory *memory = &machine->memory;
    double mts = 2000 * clocks->mclk_ghz;
    int code = 0;
    if (memory->configured_mts > 0 && differ(mts, memory->configured_mts))
        code = tr_machine_note(machine,
                               "The firmware's tables say that the memory runs at %d MT/s, its "
                               "clock by %s is %.4g GHz, which makes %.0f MT/s%s. Give --mts N to "
                               "settle it.",
                               memory->configured_mts, clocks->mclk_basis, clocks->mclk_ghz, mts,
                               mts < memory->configured_mts ? " (or the memory saves power at rest)"
                                                            : "");
    double ddr_gb_s = memory->channels_populated * 8 * clocks->mclk_ghz * 2;
    if (!code && differ(clocks->ddr_gb_s, ddr_gb_s))
        code = tr_machine_note(machine,
                               "HSMP tells a theoretical memory bandwidth of %.4g GB/s; %g "
                               "channels at the clock that it tells make %.4g GB/s.",
                               clocks->ddr_gb_s, memory->channels_populated, ddr_gb_s);
    return code;
}

/* What the user gives counts. */
static int apply_override(struct tr_machine *machine) {
    struct tr_clocks *clocks = &machine->clocks;
    double given_ghz = machine->overrides.fclk_mhz / 1000, read_ghz = clocks->fclk_ghz;
    const char *basis = clocks->fclk_basis;
    clocks->fclk_ghz = given_ghz;
    clocks->fclk_basis = "user";
    if (!differ(read_ghz, given_ghz))
        return 0;
    return tr_machine_note(machine,
                           "The given fabric clock of %.4g GHz contradicts what %s reads, %.4g "
                           "GHz. The given one counts%s.",
                           given_ghz, basis, read_ghz,
                           read_ghz < given_ghz ? "; but the setting was not applied, or the "
                                                  "fabric saves power at rest"
                                                : "");
}

/* Limits then rest on the catalogue's fabric clock: says how this machine's is to be had. */
static int note_missing(struct tr_machine *machine, const struct tr_source *source) {
    const struct tr_platform *platform = machine->platform;
    if (!source->live || machine->environment.virtual_machine || !platform ||
        !(platform->fclk_ghz > 0))
        return 0;
    bool server = strstr(platform->name, "EPYC");
    return tr_machine_note(machine,
                           "The fabric clock is the catalogue's, not this machine's: %s. Or give "
                           "--fclk MHZ.",
                           server ? "load the kernel module amd_hsmp (or hsmp_acpi) and switch on "
                                    "'HSMP Support' in the firmware's setup"
                                  : "the kernel module ryzen_smu would tell it to root on some "
                                    "parts");
}

/* --- all ------------------------------------------------------------------------------------- */

static int fill_fabric(struct tr_machine *machine, struct tr_source *source) {
    struct tr_clocks *clocks = &machine->clocks;
    size_t notes = machine->n_notes;
    int code = fill_from_hsmp(machine, source);
    if (!code && isnan(clocks->fclk_ghz))
        code = fill_from_ryzen_smu(machine, source);
    clocks->fclk_listed_ghz = listed_fclk_ghz(source);
    bool explained = machine->n_notes > notes;
    if (!code && isfinite(clocks->fclk_ghz))
        code = check_usual(machine);
    else if (!code && !explained && !(machine->overrides.fclk_mhz > 0))
        code = note_missing(machine, source);
    return code ? code : check_memory(machine);
}

void tr_clocks_set_unknown(struct tr_clocks *clocks) {
    *clocks = (struct tr_clocks){
        .fclk_ghz = NAN,
        .uclk_ghz = NAN,
        .mclk_ghz = NAN,
        .fclk_at_least_ghz = NAN,
        .fclk_listed_ghz = NAN,
        .ddr_gb_s = NAN,
        .base_ghz = NAN,
        .max_ghz = NAN,
        .capped_ghz = NAN,
        .uncore_min_ghz = NAN,
        .uncore_max_ghz = NAN,
        .uncore_hw_max_ghz = NAN,
    };
}

int tr_clocks_fill(struct tr_machine *machine, struct tr_source *source) {
    const char *vendor = machine->cpu.vendor;
    bool intel = vendor && !strcmp(vendor, "Intel");
    tr_clocks_set_unknown(&machine->clocks);
    int code = fill_cores(machine, source);
    if (!code)
        code = intel ? fill_uncore(machine, source) : fill_fabric(machine, source);
    if (!code && machine->overrides.fclk_mhz > 0)
        code = apply_override(machine);
    return code;
}
