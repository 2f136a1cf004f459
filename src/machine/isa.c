/* Levels of instruction sets: which are there, and in words why one is not. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "cpuid_table.h"
#include "parts.h"
#include "tokenroof/machine.h"

/* What a level needs, in the order in which the reasons are told. */
static const struct {
    enum tr_isa level;
    const char *flag;
    const char *reason;
} needs[] = {
    {TR_ISA_SSE2, "sse2", "the CPU has no SSE2"},
    {TR_ISA_AVX2, "avx2", "the CPU has no AVX2"},
    {TR_ISA_AVX2, "fma", "the CPU has no FMA"},
    {TR_ISA_AVX2, "f16c", "the CPU has no F16C"},
    {TR_ISA_AVX512, "avx512f", "the CPU has no AVX-512"},
    {TR_ISA_AVX512, "avx512bw", "the CPU has no AVX512BW"},
    {TR_ISA_AVX512, "avx512dq", "the CPU has no AVX512DQ"},
    {TR_ISA_AVX512, "avx512vl", "the CPU has no AVX512VL"},
    {TR_ISA_AVX512, "avx512cd", "the CPU has no AVX512CD"},
    {TR_ISA_AMX, "amx_tile", "the CPU has no AMX"},
};

void tr_isa_fill_levels(struct tr_cpu_facts *facts, tr_has_flag_fn has_flag, const void *context,
                        uint64_t xcr0) {
    for (int i = 0; i < TR_ISA_COUNT; i++)
        facts->levels[i] = (struct tr_isa_state){.available = true};
    for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++) {
        struct tr_isa_state *level = &facts->levels[needs[i].level];
        if (level->available && !has_flag(context, needs[i].flag))
            *level = (struct tr_isa_state){false, needs[i].reason};
    }
    if (facts->levels[TR_ISA_AVX2].available && (xcr0 & TR_XCR0_YMM) != TR_XCR0_YMM)
        facts->levels[TR_ISA_AVX2] =
            (struct tr_isa_state){false, "the operating system has not enabled YMM state (XCR0)"};
    if (facts->levels[TR_ISA_AVX512].available && (xcr0 & TR_XCR0_ZMM) != TR_XCR0_ZMM)
        facts->levels[TR_ISA_AVX512] =
            (struct tr_isa_state){false, "the operating system has not enabled ZMM state (XCR0)"};
    if (facts->levels[TR_ISA_AMX].available && (xcr0 & TR_XCR0_AMX) != TR_XCR0_AMX)
        facts->levels[TR_ISA_AMX] =
            (struct tr_isa_state){false, "the operating system has not enabled tile state (XCR0)"};
    /* Code for AVX-512 may use AVX2 and FMA too, that for AMX AVX-512; a virtual machine can hide
     * them alone. */
    for (int i = TR_ISA_AVX512; i <= TR_ISA_AMX; i++)
        if (facts->levels[i].available && !facts->levels[i - 1].available)
            facts->levels[i] = facts->levels[i - 1];
}

void tr_isa_ask_for_tiles(struct tr_cpu_facts *facts) {
    struct tr_isa_state *amx = &facts->levels[TR_ISA_AMX];
    if (!amx->available)
        return;
    switch (tr_amx_permission()) {
    case 0:
        return;
    case EINVAL:
    case ENOSYS:
    case EOPNOTSUPP:
        amx->reason = "the kernel gives no permission for tile data (Linux before 5.16)";
        break;
    default:
        amx->reason = "the kernel refused the permission for tile data (ARCH_REQ_XCOMP_PERM)";
    }
    amx->available = false;
}

void tr_isa_levels_unknown(struct tr_cpu_facts *facts, const char *reason) {
    for (int i = 0; i < TR_ISA_COUNT; i++)
        facts->levels[i] = (struct tr_isa_state){.available = i == TR_ISA_SCALAR,
                                                 .reason = i == TR_ISA_SCALAR ? NULL : reason};
}

bool tr_cpu_has(const struct tr_cpu_facts *facts, const char *flag) {
    for (size_t i = 0; i < facts->n_isa; i++)
        if (!strcmp(facts->isa[i], flag))
            return true;
    return false;
}
