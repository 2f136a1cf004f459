/* Mismatches: found by the threads under test, taken by the one that keeps the record. */
#ifndef TR_SOAK_FAULTS_H
#define TR_SOAK_FAULTS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a second look showed. */
enum tr_soak_fault {
    TR_SOAK_FAULT_READ,     /* memory: right when read again: the fault was on the way */
    TR_SOAK_FAULT_STORED,   /* still wrong; right after it was written again */
    TR_SOAK_FAULT_STUCK,    /* wrong even then */
    TR_SOAK_FAULT_OPERANDS, /* compute: the operands in memory had changed */
    TR_SOAK_FAULT_ONCE,     /* right when computed again */
    TR_SOAK_FAULT_AGAIN,    /* wrong again */
};
/* "read", "stored", "stuck", "operands", "once", "again" */
const char *tr_soak_fault_name(enum tr_soak_fault fault);

struct tr_soak_mismatch {
    bool memory; /* else a computed result */
    enum tr_soak_fault fault;
    double t_s;       /* since the start */
    int cpu, node;    /* node: of the memory, -1 unknown */
    uint64_t address; /* virtual; 0 for a result in registers */
    int64_t physical; /* -1 unknown */
    uint64_t expected, found;
    const char *what; /* the pattern, or the kernel */
    const char *isa;  /* of the kernel */
    uint64_t pass;    /* walk through memory, or piece of computing */
};

enum { TR_SOAK_MOST_DETAILS = 1000 };

struct tr_soak_faults {
    pthread_mutex_t lock;
    struct tr_soak_mismatch items[TR_SOAK_MOST_DETAILS];
    size_t n, taken;
    atomic_ullong memory, compute; /* all of them, also those without details */
};

void tr_soak_faults_init(struct tr_soak_faults *faults);
void tr_soak_faults_finish(struct tr_soak_faults *faults);
/* Whether there is still room for details. */
bool tr_soak_faults_has_room(const struct tr_soak_faults *faults);
/* Counts it, and keeps it while there is room. */
void tr_soak_faults_add(struct tr_soak_faults *faults, const struct tr_soak_mismatch *mismatch);
/* The next one that was not taken yet; false if there is none. */
bool tr_soak_faults_take(struct tr_soak_faults *faults, struct tr_soak_mismatch *ret_mismatch);

#endif
