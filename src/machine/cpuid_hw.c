/* The instructions that ask the CPU about itself, alone in this file: tests put recorded answers in
 * their place. */
#include "parts.h"

#if defined(__x86_64__) || defined(__i386__)

#include <cpuid.h>

void tr_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t regs[4]) {
    __cpuid_count(leaf, subleaf, regs[0], regs[1], regs[2], regs[3]);
}

/* Only where CPUID.1:ECX27 (OSXSAVE) is set: XGETBV faults otherwise. */
uint64_t tr_xgetbv(void) {
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

#else

void tr_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t regs[4]) {
    (void)leaf;
    (void)subleaf;
    regs[0] = regs[1] = regs[2] = regs[3] = 0;
}

uint64_t tr_xgetbv(void) {
    return 0;
}

#endif
