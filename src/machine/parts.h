/* The parts that tr_machine_load() calls in this order; each fills its own fields of the machine.
 * They fail for lack of memory or a malformed recording only; what is unknown becomes a note. */
#ifndef TR_MACHINE_PARTS_H
#define TR_MACHINE_PARTS_H

#include <stdint.h>

#include "source.h"
#include "tokenroof/machine.h"

struct hwloc_topology;

struct tr_platform_file;

struct tr_machine_private {
    struct tr_source source;
    struct hwloc_topology *topology;    /* hwloc; NULL where the recording has none */
    struct tr_platform_file *platforms; /* the user's rows, NULL without */
};

/* An empty machine, in which nothing is known. */
int tr_machine_create(struct tr_machine **ret_machine);

int tr_cpu_fill(struct tr_machine *machine, struct tr_source *source, struct tr_err *reterr);
/* cpu.uarch, cpu.uarch_efficiency; the rest of cpu is filled. A note where the model is invented.
 */
int tr_uarch_fill(struct tr_machine *machine);
int tr_catalogue_fill(struct tr_machine *machine); /* machine->platform; needs cpu */
int tr_topology_fill(struct tr_machine *machine, struct tr_source *source, struct tr_err *reterr);
int tr_memory_fill(struct tr_machine *machine, struct tr_source *source, struct tr_err *reterr);
void tr_clocks_set_unknown(struct tr_clocks *clocks);
int tr_clocks_fill(struct tr_machine *machine, struct tr_source *source);
int tr_settings_fill(struct tr_machine *machine, struct tr_source *source);
int tr_identity_fill(struct tr_machine *machine, struct tr_source *source);
/* machine->memory.population; needs memory and platform. */
int tr_population_fill(struct tr_machine *machine);
/* machine->devices; needs the topology. */
int tr_devices_fill(struct tr_machine *machine, struct tr_source *source);
void tr_devices_finish(struct tr_machine *machine);

/* Adds a line to machine->notes: what is unknown, why, and how to get it. */
int tr_machine_note(struct tr_machine *machine, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The only functions that execute CPUID and XGETBV and that ask for AMX (cpuid_hw.c); tests replace
 * them at link time by recorded dumps. regs: eax, ebx, ecx, edx. */
void tr_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t regs[4]);
uint64_t tr_xgetbv(void);
/* The kernel makes room for a process's tile data only when asked to: 0, or its errno. Holds for
 * all threads. */
int tr_amx_permission(void);

/* Whether a hypervisor runs below this CPU, and its signature ("KVMKVMKVM", "Microsoft Hv"; ""
 * where it has none): the first for this machine, the second also for recordings of CPUID. */
bool tr_cpuid_hypervisor(char name[13]);
bool tr_cpuid_source_hypervisor(const struct tr_source *source, char name[13]);

#endif
