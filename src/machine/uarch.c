/* The micro-architecture: by the processor's model number, unless its own flags contradict that. */
#include <stdlib.h>
#include <string.h>

#include "catalogue.h"
#include "cpuid_table.h"
#include "parts.h"

/* What a CPU can do only if its micro-architecture has the units for it: a flag, and the column of
 * data/uarch.csv that then cannot be empty. A flag that is missing tells nothing: hypervisors hide
 * what they do not know. AVX-512 is not among them: early Alder Lake had it, later ones of the same
 * number do not. */
static const struct {
    const char *flag, *column;
} units[] = {
    {"amx_int8", "amx_int8"},
    {"amx_bf16", "amx_bf16"},
    {"avx512_fp16", "fp16_avx512fp16"},
    {"avx2", "fp32_avx2_fma"},
};

/* Flags that one family of cores alone has; the most special first. Granite Rapids came with
 * PREFETCHI and AMX-FP16, Sapphire Rapids with AMX and AVX512-FP16. */
static const struct {
    const char *flags[3];
    const char *uarch;
} families[] = {
    {{"amx_tile", "avx512_fp16", "amx_fp16"}, "redwood_cove_gnr"},
    {{"amx_tile", "avx512_fp16", "prefetchi"}, "redwood_cove_gnr"},
    {{"amx_tile", "avx512_fp16", "amx_bf16"}, "golden_cove_spr"},
};

static const char *contradicting_flag(const struct tr_cpu_facts *cpu, const char *uarch) {
    bool alder_lake = cpu->hybrid || !strcmp(uarch, "golden_cove");
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (alder_lake && !strncmp(units[i].flag, "avx512", 6))
            continue;
        if (tr_cpu_has(cpu, units[i].flag) && !tr_uarch_computes(uarch, units[i].column))
            return units[i].flag;
    }
    return NULL;
}

static const char *by_flags(const struct tr_cpu_facts *cpu) {
    for (size_t i = 0;
         cpu->vendor && !strcmp(cpu->vendor, "Intel") && i < sizeof(families) / sizeof(families[0]);
         i++) {
        bool all = true;
        for (size_t j = 0; j < 3; j++)
            all = all && tr_cpu_has(cpu, families[i].flags[j]);
        if (all)
            return families[i].uarch;
    }
    return NULL;
}

static int set(char **text, const char *value) {
    *text = value ? strdup(value) : NULL;
    return value && !*text ? TR_ENOMEM : 0;
}

int tr_uarch_fill(struct tr_machine *machine) {
    struct tr_cpu_facts *cpu = &machine->cpu;
    const char *uarch =
        tr_uarch_find(cpu->vendor, cpu->family, cpu->model_number, cpu->stepping, false);
    const char *efficiency =
        tr_uarch_find(cpu->vendor, cpu->family, cpu->model_number, cpu->stepping, true);
    if (!uarch && !cpu->hybrid) { /* parts with efficiency cores only */
        uarch = efficiency;
        efficiency = NULL;
    }
    const char *flag = uarch ? contradicting_flag(cpu, uarch) : NULL;
    if (flag) {
        const char *better = by_flags(cpu);
        int code = tr_machine_note(
            machine,
            "The processor calls itself family %d, model %d (%s), but has %s, which that never "
            "had: the hypervisor invents the model, and it is not trustworthy.%s%s%s",
            cpu->family, cpu->model_number, uarch, flag,
            better ? " By its instructions it is " : "", better ? better : "", better ? "." : "");
        if (code)
            return code;
        uarch = better;
        efficiency = NULL;
    }
    int code = set(&cpu->uarch, uarch);
    return code || !cpu->hybrid ? code : set(&cpu->uarch_efficiency, efficiency);
}
