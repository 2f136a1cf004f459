/* A machine that is known by its catalogue row alone. */
#include <stdlib.h>
#include <string.h>

#include "catalogue.h"
#include "parts.h"

static char *vendor_of(const char *name) {
    return !strncmp(name, "AMD ", 4)     ? strdup("AMD")
           : !strncmp(name, "Intel ", 6) ? strdup("Intel")
                                         : NULL;
}

/* Both kinds of cores of a hybrid part have to know a level. */
static void fill_levels(struct tr_cpu_facts *cpu) {
    static const char *const columns[TR_ISA_COUNT] = {NULL, "fp32_sse2", "fp32_avx2_fma",
                                                      "fp32_avx512_fma", "amx_int8"};
    bool arm = tr_uarch_is_arm(cpu->uarch), known = *tr_uarch_cell(cpu->uarch, "uarch");
    for (int i = 0; i < TR_ISA_COUNT; i++) {
        struct tr_isa_state *level = &cpu->levels[i];
        level->available =
            !columns[i] ||
            (!arm && tr_uarch_computes(cpu->uarch, columns[i]) &&
             (!cpu->uarch_efficiency || tr_uarch_computes(cpu->uarch_efficiency, columns[i])));
        level->reason = level->available ? NULL
                        : arm            ? "an Arm core"
                        : known          ? "not in this micro-architecture"
                                         : "not known: the row has no micro-architecture that "
                                           "data/uarch.csv knows";
    }
}

int tr_machine_of_platform(const struct tr_platform *platform, int packages,
                           const struct tr_overrides *overrides, struct tr_machine **ret_machine,
                           struct tr_err *reterr) {
    struct tr_machine *machine = NULL;
    int code = tr_machine_create(&machine);
    (void)reterr;
    if (code)
        return code;
    machine->cpu.model = strdup(platform->name);
    machine->cpu.vendor = vendor_of(platform->name);
    machine->cpu.family = machine->cpu.model_number = machine->cpu.stepping = -1;
    machine->cpu.fp512_datapath = -1;
    machine->cpu.hybrid = platform->p_cores > 0 && platform->e_cores > 0;
    machine->catalogue_packages = packages;
    if (overrides)
        machine->overrides = *overrides;
    code = machine->cpu.model ? tr_catalogue_apply(machine, platform) : TR_ENOMEM;
    fill_levels(&machine->cpu);
    if (!code)
        code = tr_machine_update_limits(machine);
    if (code) {
        tr_machine_destroy(machine);
        return code;
    }
    *ret_machine = machine;
    return 0;
}

int tr_machine_of_choice(const struct tr_platform_choice *choice, size_t row,
                         const struct tr_overrides *overrides, struct tr_machine **ret_machine,
                         struct tr_err *reterr) {
    struct tr_machine *machine = NULL;
    int code =
        tr_machine_of_platform(choice->rows[row], choice->packages, overrides, &machine, reterr);
    if (!code && choice->remark)
        code = tr_machine_note(machine, "%s", choice->remark);
    if (code)
        tr_machine_destroy(machine);
    else
        *ret_machine = machine;
    return code;
}
