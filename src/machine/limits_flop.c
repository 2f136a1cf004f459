/* Cores x FLOP (or bytes loaded from a cache) per cycle x clock. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue.h"
#include "machine_limits.h"
#include "parts.h"
#include "strbuf.h"

/* What is done per cycle. */
enum measure { FLOATING, INTEGER, LOADED_BYTES };
static const char *const per_cycle_words[] = {"FLOP", "op", "B"};
static const char *const units[] = {"GFLOP/s", "Gop/s", "GB/s"};

/* Instead of a level: on cores of Arm. */
enum { ARM = TR_ISA_COUNT };

struct kind_of_flop {
    const char *name;   /* of the limit */
    const char *column; /* in uarch.csv: operations or bytes per cycle and core */
    int isa;            /* enum tr_isa, or ARM */
    const char *needs;  /* a CPU flag besides the level; NULL for none */
    enum measure measure;
};

static const struct kind_of_flop kinds[] = {
    {"flop_f64_neon", "fp64_avx2_fma", ARM, NULL, FLOATING},
    {"flop_f32_neon", "fp32_avx2_fma", ARM, NULL, FLOATING},
    {"flop_f64_sse2", "fp64_sse2", TR_ISA_SSE2, NULL, FLOATING},
    {"flop_f32_sse2", "fp32_sse2", TR_ISA_SSE2, NULL, FLOATING},
    {"flop_f64_avx2", "fp64_avx2_fma", TR_ISA_AVX2, NULL, FLOATING},
    {"flop_f32_avx2", "fp32_avx2_fma", TR_ISA_AVX2, NULL, FLOATING},
    {"flop_i8_avx2", "int8_avx_vnni_256", TR_ISA_AVX2, "avx_vnni", INTEGER},
    {"flop_f64_avx512", "fp64_avx512_fma", TR_ISA_AVX512, NULL, FLOATING},
    {"flop_f32_avx512", "fp32_avx512_fma", TR_ISA_AVX512, NULL, FLOATING},
    {"flop_f16_avx512", "fp16_avx512fp16", TR_ISA_AVX512, "avx512_fp16", FLOATING},
    {"flop_bf16_avx512", "bf16_vdpbf16ps", TR_ISA_AVX512, "avx512_bf16", FLOATING},
    {"flop_i8_avx512", "int8_avx512_vnni", TR_ISA_AVX512, "avx512_vnni", INTEGER},
    {"flop_bf16_amx", "amx_bf16", TR_ISA_AMX, "amx_bf16", FLOATING},
    {"flop_i8_amx", "amx_int8", TR_ISA_AMX, "amx_int8", INTEGER},
    {"l1_read", "l1_load_bytes_per_cycle", TR_ISA_SSE2, NULL, LOADED_BYTES},
    {"l2_read", "l2_bytes_per_cycle", TR_ISA_SSE2, NULL, LOADED_BYTES},
};
enum { N_KINDS = sizeof(kinds) / sizeof(kinds[0]) };

/* Leading number of a cell: "64 (2 units) or 32 (1 unit)" gives the larger figure, which is an
 * upper bound for both. NAN if there is none. */
static double leading_number(const char *cell) {
    double value = 0;
    size_t n = strspn(cell, "0123456789");
    if (n == 0 || n > 6)
        return NAN;
    for (size_t i = 0; i < n; i++)
        value = value * 10 + (cell[i] - '0');
    return value;
}

/* Zen 5 exists with 512-bit and with 256-bit datapaths under the same name; CPUID tells, but not
 * within a virtual machine, where the leaf is often made up: there the wider one is the bound. */
static const char *row_name(const struct tr_machine *machine) {
    const char *uarch = machine->cpu.uarch;
    if (uarch && !strncmp(uarch, "zen5", 4) && machine->cpu.fp512_datapath == 0 &&
        !machine->environment.virtual_machine)
        return "zen5_256";
    return uarch;
}

/* --- cores ----------------------------------------------------------------------------------- */

bool tr_core_is_in(const struct tr_core *core, enum tr_place_kind kind, int index) {
    switch (kind) {
    case TR_PLACE_MACHINE:
        return true;
    case TR_PLACE_PACKAGE:
        return core->package == index;
    case TR_PLACE_NODE:
        return core->node == index;
    case TR_PLACE_CCD:
        return core->ccd == index;
    case TR_PLACE_CORE:
        return core->index == index;
    }
    return false;
}

/* By topology; by the catalogue only where the recording has none. */
static void count_cores(const struct tr_machine *machine, enum tr_place_kind kind, int index,
                        int *ret_performance, int *ret_efficiency) {
    const struct tr_platform *platform = machine->platform;
    int performance = 0, efficiency = 0;
    for (size_t i = 0; i < machine->n_cores; i++) {
        const struct tr_core *core = &machine->cores[i];
        if (!tr_core_is_in(core, kind, index))
            continue;
        if (core->kind && !strcmp(core->kind, "efficiency"))
            efficiency++;
        else
            performance++;
    }
    int packages = kind == TR_PLACE_PACKAGE ? 1 : tr_package_count(machine);
    if (machine->n_cores == 0 && platform && packages > 0 &&
        (kind == TR_PLACE_MACHINE || kind == TR_PLACE_PACKAGE)) {
        bool split = platform->p_cores > 0 && platform->e_cores > 0;
        performance = packages * (split ? platform->p_cores : platform->cores);
        efficiency = split ? packages * platform->e_cores : 0;
    }
    *ret_performance = performance > 0 ? performance : 0;
    *ret_efficiency = efficiency > 0 ? efficiency : 0;
}

/* --- limits ---------------------------------------------------------------------------------- */

struct term {
    int cores;
    double per_cycle, ghz;
};

static void add_term(struct tr_strbuf *formula, struct term term, enum measure measure) {
    if (term.cores == 0)
        return;
    if (formula->length)
        tr_strbuf_add(formula, " + ");
    tr_strbuf_addf(formula, "%d core%s x %g %s/cycle x %.4g GHz", term.cores,
                   term.cores == 1 ? "" : "s", term.per_cycle, per_cycle_words[measure], term.ghz);
}

static double value_of(struct term term) {
    return term.cores ? term.cores * term.per_cycle * term.ghz : 0;
}

static bool is_there(const struct tr_machine *machine, const struct kind_of_flop *what) {
    const struct tr_cpu_facts *cpu = &machine->cpu;
    /* A part that is known by its name alone has no flags: the column tells. */
    bool lacking = what->needs && cpu->n_isa && !tr_cpu_has(cpu, what->needs);
    return !lacking &&
           (what->isa == ARM ? tr_uarch_is_arm(cpu->uarch) : cpu->levels[what->isa].available);
}

static int put_kind(struct tr_machine *machine, const struct kind_of_flop *what,
                    enum tr_place_kind kind, int index, const struct tr_flop_clock *clock) {
    struct term fast = {.ghz = clock->performance_ghz}, slow = {.ghz = clock->efficiency_ghz};
    const char *uarch = row_name(machine);
    const char *small = machine->cpu.uarch_efficiency ? machine->cpu.uarch_efficiency : uarch;
    if (!is_there(machine, what) || (clock->only && strcmp(clock->only, what->name) != 0))
        return 0;
    /* Caches run at the clock of the moment; they are asked for by name, with a measured one. */
    if (what->measure == LOADED_BYTES && !clock->only)
        return 0;
    count_cores(machine, kind, index, &fast.cores, &slow.cores);
    fast.per_cycle = leading_number(tr_uarch_cell(uarch, what->column));
    slow.per_cycle = leading_number(tr_uarch_cell(small, what->column));
    bool bounded = slow.cores && isnan(slow.ghz);
    if (isnan(slow.ghz))
        slow.ghz = fast.ghz;
    struct tr_strbuf formula = {0};
    add_term(&formula, fast, what->measure);
    add_term(&formula, slow, what->measure);
    if (bounded)
        tr_strbuf_add(&formula, " (efficiency cores at the clock of the others: an upper bound)");
    return tr_limit_put(machine, &(struct tr_limit_facts){
                                     .name = what->name,
                                     .kind = kind,
                                     .index = index,
                                     .value = value_of(fast) + value_of(slow),
                                     .unit = units[what->measure],
                                     .basis = clock->basis,
                                     .formula = tr_strbuf_take(&formula),
                                 });
}

int tr_machine_add_flop_limits_at(struct tr_machine *machine, enum tr_place_kind kind, int index,
                                  const struct tr_flop_clock *clock) {
    int code = 0;
    for (size_t i = 0; clock->performance_ghz > 0 && i < N_KINDS && !code; i++)
        code = put_kind(machine, &kinds[i], kind, index, clock);
    return code;
}

static int add_everywhere(struct tr_machine *machine, const struct tr_flop_clock *clock) {
    int code = tr_machine_add_flop_limits_at(machine, TR_PLACE_MACHINE, 0, clock);
    for (size_t i = 0; i < machine->n_packages && !code; i++)
        code = tr_machine_add_flop_limits_at(machine, TR_PLACE_PACKAGE, machine->packages[i].index,
                                             clock);
    return code;
}

int tr_machine_add_flop_limits(struct tr_machine *machine, double clock_ghz) {
    return add_everywhere(machine, &(struct tr_flop_clock){.performance_ghz = clock_ghz,
                                                           .efficiency_ghz = NAN,
                                                           .basis = "measured_clock"});
}

int tr_limits_add_catalogue_flop(struct tr_machine *machine) {
    const struct tr_platform *platform = machine->platform;
    for (size_t i = 0; i < machine->n_limits; i++)
        if (!strcmp(machine->limits[i].basis, "measured_clock"))
            return 0;
    if (!platform)
        return 0;
    double ghz =
        platform->allcore_boost_ghz > 0 ? platform->allcore_boost_ghz : platform->boost_ghz;
    return add_everywhere(machine, &(struct tr_flop_clock){.performance_ghz = ghz,
                                                           .efficiency_ghz = platform->e_boost_ghz,
                                                           .basis = tr_platform_basis(platform)});
}
