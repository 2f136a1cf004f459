/* What a machine counts of its own faults, module by module; read again and again by a soak. */
#ifndef TR_MACHINE_HEALTH_H
#define TR_MACHINE_HEALTH_H

#include "tokenroof/machine.h"

struct tr_module_errors {
    char *label; /* the driver's name of the module or rank */
    char *slot;  /* the firmware's name of the slot, where the label has it; else NULL */
    int64_t corrected, uncorrected; /* -1 unknown */
};

struct tr_health {
    struct tr_sensors sensors;
    struct tr_module_errors *modules;
    size_t n_modules;
    /* Sums over all CPUs since boot, by /proc/interrupts: exceptions, and interrupts that tell of
     * deferred errors and of corrected ones beyond a threshold. -1 unknown. */
    int64_t machine_checks, deferred_errors, threshold_interrupts;
};

/* With `interrupts`: a file of a line for each interrupt and a column for each CPU is read, too;
 * else those are -1. Some milliseconds. TR_ENOMEM. */
int tr_health_read(const struct tr_machine *machine, bool interrupts, struct tr_health *ret_health);
void tr_health_finish(struct tr_health *health);

/* What can be allocated on a node: free, or holding copies of files. -1 unknown. */
int64_t tr_node_available_bytes(const struct tr_machine *machine, int node);
/* Asks the kernel to end this process first, should memory run out. */
void tr_offer_to_oom_killer(void);

#endif
