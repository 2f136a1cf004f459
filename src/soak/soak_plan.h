/* What a soak will do: which cores, how much memory of which node, which phases. */
#ifndef TR_SOAK_SOAK_PLAN_H
#define TR_SOAK_SOAK_PLAN_H

#include <stdint.h>

#include "phases.h"
#include "plan.h"

struct tr_soak_options {
    double seconds;
    unsigned loads;                        /* bits 1 << enum tr_soak_load */
    const struct tr_cpulist *cpus, *nodes; /* NULL: all that may be used */
    int threads;                           /* 0: one for each core */
    double memory_share;  /* of what is available, 0 to 1; the reserve stays free in any case */
    int64_t memory_bytes; /* instead of a share; 0: by the share */
    int isa_cap;          /* enum tr_isa, -1 none */
    double max_corrected_per_hour;
};

/* A part of a node's memory that one thread tests. */
struct tr_soak_slice {
    int thread, node; /* node -1: where the first touch puts it */
    int64_t bytes;
};

struct tr_soak_node {
    int index;            /* -1 unknown */
    int64_t memory_bytes; /* of the whole node, -1 unknown */
    int64_t tested_bytes; /* planned */
};

struct tr_soak_plan {
    struct tr_crew crew;
    int64_t available_bytes, reserve_bytes, memory_bytes;
    struct tr_soak_slice *slices;
    size_t n_slices;
    struct tr_soak_node *nodes;
    size_t n_nodes;
    struct tr_soak_phases phases;
    double seconds;
};

/* What stays free of `available` bytes: for the kernel, for page tables, for who else runs. */
int64_t tr_soak_reserve_bytes(int64_t available);

/* TR_EUNAVAILABLE: CPUs, nodes or memory that are not there. */
int tr_soak_plan_make(const struct tr_machine *machine, const struct tr_soak_options *options,
                      struct tr_soak_plan *ret_plan, struct tr_err *reterr);
void tr_soak_plan_finish(struct tr_soak_plan *plan);

#endif
