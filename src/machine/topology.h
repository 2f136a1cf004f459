/* hwloc as this program uses it: loaded once, silent, never binding anything. */
#ifndef TR_MACHINE_TOPOLOGY_H
#define TR_MACHINE_TOPOLOGY_H

#include "source.h"
#include "tokenroof/machine.h"

struct hwloc_topology;
struct hwloc_bitmap_s;

/* For every CPU number, what it belongs to; -1 = none. Nodes by the operating system's number, the
 * others by their index in the machine. */
struct tr_cpu_maps {
    size_t n; /* CPU numbers */
    int *package, *node, *l3, *ccd;
};

/* The topology of a source; *ret_topology gets NULL where a recording has none. TR_EFORMAT for a
 * file that hwloc does not take, with the line where that can be told.
 *
 * Sets and removes HWLOC_* variables of this process (hwloc is told by them alone to be silent and
 * which machine to look at), so call it before there are threads. */
int tr_hwloc_load(const struct tr_source *source, struct hwloc_topology **ret_topology,
                  struct tr_err *reterr);

/* Loads machine->private_data->topology, and takes the CPU's name from it where CPUID gave none.
 * tr_topology_fill() then needs cpu and platform. */
int tr_topology_open(struct tr_machine *machine, struct tr_source *source, struct tr_err *reterr);

/* Allowed CPUs, cores, core kinds and last-level caches; the rest must be there. */
int tr_topology_fill_cores(struct tr_machine *machine, struct tr_source *source,
                           struct hwloc_topology *topology, const struct tr_cpu_maps *maps);

/* Clusters of the cores, which must be there. */
int tr_topology_fill_clusters(struct tr_machine *machine, struct hwloc_topology *topology);

/* Where hwloc found no cache at all: L3 groups as CPUID tells them, before there are cores; then
 * the caches of the cores, which must be there, and a note. */
int tr_topology_cpuid_l3(struct tr_machine *machine, struct hwloc_topology *topology,
                         const struct tr_cpu_maps *maps);
int tr_topology_cpuid_cores(struct tr_machine *machine);
/* machine->llc_most_bytes, where the catalogue knows processors of this micro-architecture. */
void tr_topology_llc_most(struct tr_machine *machine);

/* The kinds of nodes that hwloc left open: "CXL" by the kernel's driver, "HBM" by the bandwidths
 * that the firmware tells; the nodes must be there. */
int tr_topology_fill_memory_kinds(struct tr_machine *machine, struct tr_source *source,
                                  struct hwloc_topology *topology);

/* What nodes hold, where the kernel manages more memory than they tell; needs os.memory_bytes. */
int tr_topology_late_memory(struct tr_machine *machine, struct tr_source *source);

/* Says, in a virtual machine, which facts the hypervisor may have invented; needs the environment.
 */
int tr_topology_doubt(struct tr_machine *machine);

int tr_cpulist_from_hwloc(const struct hwloc_bitmap_s *set, struct tr_cpulist *list);

/* Line (from 1) of the first tag in an XML text that does not fit: unbalanced, nested too deeply,
 * or the end of a text that is cut off; 0 where tags are balanced. `ret_what` gets a static text.
 */
size_t tr_xml_fault(const char *text, const char **ret_what);

#endif
