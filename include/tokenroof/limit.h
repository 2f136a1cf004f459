/* A limit: a value that a measurement is set against, with the formula and what it rests on. */
#ifndef TOKENROOF_LIMIT_H
#define TOKENROOF_LIMIT_H

#include <stdbool.h>
#include <stddef.h>

#include "tokenroof/cpulist.h"

#ifdef __cplusplus
extern "C" {
#endif

enum tr_place_kind {
    TR_PLACE_MACHINE,
    TR_PLACE_PACKAGE,
    TR_PLACE_NODE,
    TR_PLACE_CCD,
    TR_PLACE_CORE,
};

/* "machine", "package", "node", "ccd", "core". */
const char *tr_place_kind_name(enum tr_place_kind kind);
/* -1 for an unknown name. */
int tr_place_kind_from_name(const char *name);

struct tr_place {
    enum tr_place_kind kind;
    int index;
    struct tr_cpulist cpus;
    struct tr_cpulist memory_nodes;
};

/* Names: dram, dram_all_channels, memory_controller, fabric_read, fabric_write, memory_read,
 * memory_write, memory_mixed, l1_read, l2_read, flop_<dtype>_<isa>. A limit is found by name and
 * place. */
struct tr_limit {
    char *name;
    struct tr_place place;
    double value;
    char *unit;     /* "GB/s", "GFLOP/s" */
    char *formula;  /* with the numbers filled in: "12 channels x 8 B x 5.6 GT/s" */
    char *basis;    /* smbios udev edac hsmp ryzen_smu perf catalogue user measured_clock
                     * measured_bound: the weakest of its inputs */
    bool hard;      /* read from this machine or measured on it: a result above it is refused */
    bool refuted;   /* a result above it was measured: the limit is wrong */
    bool host_only; /* virtual machine: the host's limit, rates nothing */
    char *binds;    /* for memory_*: which limit binds: "dram", "fabric_read", ...; else NULL */
};

/* NULL if there is none. */
const struct tr_limit *tr_limit_find(const struct tr_limit *limits, size_t n, const char *name,
                                     enum tr_place_kind kind, int index);
void tr_limit_finish(struct tr_limit *limit);
void tr_place_finish(struct tr_place *place);

#ifdef __cplusplus
}
#endif
#endif
