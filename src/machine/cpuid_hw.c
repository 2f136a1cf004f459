/* The instructions that ask the CPU about itself, alone in this file: tests put recorded answers in
 * their place. */
#include "parts.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

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

int tr_amx_permission(void) {
    enum { REQUEST = 0x1023, TILE_DATA = 18 }; /* Linux: Documentation/arch/x86/xstate.rst */
    return syscall(SYS_arch_prctl, REQUEST, TILE_DATA) ? errno : 0;
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

int tr_amx_permission(void) {
    return ENOSYS;
}

#endif
