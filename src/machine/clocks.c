/* Clocks that the machine tells without being measured. */
#include <math.h>
#include <stdio.h>

#include "parts.h"

/* A file of one CPU that holds a frequency in `unit_hz`, in GHz; NAN if absent. Firmware that tells
 * 0 tells nothing. */
static double file_ghz(struct tr_source *source, int cpu, const char *file, double unit_hz) {
    char path[96];
    snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/%s", cpu, file);
    int64_t value = tr_source_number(source, path);
    return value > 0 ? (double)value * unit_hz / 1e9 : NAN;
}

int tr_clocks_fill(struct tr_machine *machine, struct tr_source *source) {
    struct tr_clocks *clocks = &machine->clocks;
    int cpu = machine->allowed_cpus.n ? machine->allowed_cpus.ids[0] : 0;
    *clocks = (struct tr_clocks){
        .fclk_ghz = NAN,
        .uclk_ghz = NAN,
        .mclk_ghz = NAN,
        .base_ghz = file_ghz(source, cpu, "cpufreq/base_frequency", 1e3),
        .max_ghz = file_ghz(source, cpu, "cpufreq/cpuinfo_max_freq", 1e3),
    };
    if (isnan(clocks->base_ghz)) /* only intel_pstate has base_frequency */
        clocks->base_ghz = file_ghz(source, cpu, "acpi_cppc/nominal_freq", 1e6);
    if (machine->overrides.fclk_mhz > 0) {
        clocks->fclk_ghz = machine->overrides.fclk_mhz / 1000;
        clocks->fclk_basis = "user";
    }
    return 0;
}
