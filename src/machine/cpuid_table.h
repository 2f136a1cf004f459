/* CPUID leaves of this machine or of a recording. */
#ifndef TR_MACHINE_CPUID_TABLE_H
#define TR_MACHINE_CPUID_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "source.h"
#include "tokenroof/machine.h"

struct tr_cpuid_row {
    uint32_t leaf, subleaf;
    uint32_t regs[4]; /* eax, ebx, ecx, edx */
};

/* Zeroed = nothing is known. */
struct tr_cpuid_table {
    struct tr_cpuid_row *rows;
    size_t n_rows;
    uint64_t xcr0; /* states that the operating system enabled; for a recording without this
                    * register, all that the CPU offers */
};

/* Reads the leaves that this program uses, of the CPU it runs on. */
int tr_cpuid_table_read(struct tr_cpuid_table *ret_table);
/* The text form of InstLatx64: lines "CPUID 00000007: eax-ebx-ecx-edx [SL 01]" of the first
 * logical CPU; sub-leaves are counted where [SL] is absent; an optional line "XCR0: <hex>".
 * TR_EFORMAT names the line. */
int tr_cpuid_table_parse(const char *text, const char *name, struct tr_cpuid_table *ret_table,
                         struct tr_err *reterr);
/* The same from a file. TR_EIO. */
int tr_cpuid_table_load(const char *path, struct tr_cpuid_table *ret_table, struct tr_err *reterr);
/* The same form, for captures; NULL when out of memory. Processor serial numbers (leaf 3) are not
 * among the leaves. */
char *tr_cpuid_table_format(const struct tr_cpuid_table *table);
/* All zero where the table has no such leaf, or the CPU's highest leaf lies below it. */
void tr_cpuid_get(const struct tr_cpuid_table *table, uint32_t leaf, uint32_t subleaf,
                  uint32_t regs[4]);
void tr_cpuid_table_finish(struct tr_cpuid_table *table);

/* facts->caches; needs facts->vendor. */
void tr_cpuid_caches(const struct tr_cpuid_table *table, struct tr_cpu_facts *facts);

/* The states that the levels of `enum tr_isa` need in XCR0 (Intel SDM vol. 1, 13.3). */
#define TR_XCR0_YMM UINT64_C(0x6)
#define TR_XCR0_ZMM UINT64_C(0xe6)
#define TR_XCR0_AMX UINT64_C(0x60006)

/* Fills facts->levels from the names that the CPU has (`has_flag`, enabled or not) and XCR0. */
typedef bool (*tr_has_flag_fn)(const void *context, const char *name);
void tr_isa_fill_levels(struct tr_cpu_facts *facts, tr_has_flag_fn has_flag, const void *context,
                        uint64_t xcr0);
/* Asks the kernel for tile data where AMX is available, which then is or is not, with the reason.
 */
void tr_isa_ask_for_tiles(struct tr_cpu_facts *facts);
/* All levels above scalar unavailable for one reason. */
void tr_isa_levels_unknown(struct tr_cpu_facts *facts, const char *reason);

/* Name of the row of data/uarch.csv for a CPU, of its performance or its efficiency cores; NULL if
 * there is none. Static storage. */
const char *tr_uarch_find(const char *vendor, int family, int model, int stepping, bool efficiency);

#endif
