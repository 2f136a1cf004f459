/* What a machine's limits and cores come to, as the spec tier takes them. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "catalogue.h"
#include "parse.h"
#include "spec_platforms.h"

struct uarch {
    double fp32_avx2, fp32_avx512, vnni256, vnni512;
};

static double number_of(const char *uarch, const char *column) {
    double value;
    return tr_parse_double(tr_uarch_cell(uarch, column), -1e300, 1e300, &value, NULL) ? NAN : value;
}

static struct uarch find_uarch(const char *name) {
    return (struct uarch){number_of(name, "fp32_avx2_fma"), number_of(name, "fp32_avx512_fma"),
                          number_of(name, "int8_avx_vnni_256"),
                          number_of(name, "int8_avx512_vnni")};
}

/* Which kernels an engine runs there: a row of data/efficiency.csv. */
static const char *kernels_of(struct uarch uarch) {
    if (uarch.vnni512 >= 256)
        return "avx512_vnni";
    if (uarch.vnni512 >= 128)
        return "avx512_vnni_256";
    if (uarch.fp32_avx512 > 0)
        return "avx512";
    if (uarch.vnni256 > 0)
        return "avx_vnni";
    if (uarch.fp32_avx2 >= 32)
        return "avx2";
    return uarch.fp32_avx2 > 0 ? "avx2_narrow" : "none";
}

/* All cores busy: what the maker tells of that, else midway between base and boost. */
static double busy_clock(const struct tr_machine *machine) {
    const struct tr_platform *row = machine->platform;
    if (row && row->allcore_boost_ghz > 0)
        return row->allcore_boost_ghz;
    if (row && row->base_ghz > 0 && row->boost_ghz > 0)
        return (row->base_ghz + row->boost_ghz) / 2;
    if (row && row->boost_ghz > 0)
        return row->boost_ghz;
    return machine->clocks.max_ghz;
}

static void fill_cores(const struct tr_machine *machine, struct tr_spec_cpu *cpu) {
    const struct tr_platform *row = machine->platform;
    struct uarch fast = find_uarch(machine->cpu.uarch);
    snprintf(cpu->kernels, sizeof(cpu->kernels), "%s", kernels_of(fast));
    cpu->clock_ghz = busy_clock(machine);
    cpu->e_core_share = 1;
    if (machine->n_cores && !machine->catalogue_packages) {
        for (size_t i = 0; i < machine->n_cores; i++) {
            const char *kind = machine->cores[i].kind;
            if (kind && !strcmp(kind, "efficiency"))
                cpu->e_cores++;
            else
                cpu->cores++;
        }
        cpu->cores = (cpu->cores + cpu->packages - 1) / cpu->packages;
        cpu->e_cores /= cpu->packages;
    } else if (row) {
        bool hybrid = row->p_cores > 0 && row->e_cores > 0;
        cpu->cores = hybrid ? row->p_cores : row->cores;
        cpu->e_cores = hybrid ? row->e_cores : 0;
    }
    if (cpu->e_cores && machine->cpu.uarch_efficiency) {
        struct uarch slow = find_uarch(machine->cpu.uarch_efficiency);
        double clock = row && row->e_boost_ghz > 0 ? row->e_boost_ghz : cpu->clock_ghz;
        cpu->e_core_share = slow.fp32_avx2 / fast.fp32_avx2 * clock / cpu->clock_ghz;
    }
}

static double limit_of(const struct tr_machine *machine, const char *name) {
    const struct tr_limit *limit =
        tr_limit_find(machine->limits, machine->n_limits, name, TR_PLACE_MACHINE, 0);
    return limit ? limit->value : NAN;
}

void tr_spec_cpu_of_machine(const struct tr_machine *machine, struct tr_spec_cpu *ret_cpu) {
    const struct tr_platform *row = machine->platform;
    struct tr_spec_cpu cpu = {.packages = 1};
    if (machine->catalogue_packages > 0)
        cpu.packages = machine->catalogue_packages;
    else if (machine->n_packages)
        cpu.packages = (int)machine->n_packages;
    snprintf(cpu.name, sizeof(cpu.name), "%s", machine->cpu.model ? machine->cpu.model : "CPU");
    cpu.dram_gb_per_s = limit_of(machine, "dram") / cpu.packages;
    cpu.fabric_gb_per_s = limit_of(machine, "fabric_read") / cpu.packages;
    fill_cores(machine, &cpu);
    /* What this kind of machine has decides on the class, not how many channels are in use. */
    double channels = row && row->mem_channels > 0 ? (double)row->mem_channels : NAN;
    cpu.channels = machine->overrides.channels > 0 ? (double)machine->overrides.channels : channels;
    if (isnan(channels))
        channels = cpu.channels;
    cpu.ccds = row && row->ccds > 0 ? (double)row->ccds : NAN;
    if (machine->overrides.ccds > 0)
        cpu.ccds = machine->overrides.ccds;
    snprintf(cpu.class_name, sizeof(cpu.class_name), "%s", channels > 2 ? "server" : "client");
    cpu.memory_bytes = machine->os.memory_bytes > 0      ? (double)machine->os.memory_bytes
                       : machine->memory.total_bytes > 0 ? (double)machine->memory.total_bytes
                       : row && row->max_memory_gb > 0   ? row->max_memory_gb * 1e9
                                                         : NAN;
    *ret_cpu = cpu;
}
