#include "faults.h"

const char *tr_soak_fault_name(enum tr_soak_fault fault) {
    static const char *const names[] = {"read", "stored", "stuck", "operands", "once", "again"};
    return names[fault];
}

void tr_soak_faults_init(struct tr_soak_faults *faults) {
    pthread_mutex_init(&faults->lock, NULL);
    faults->n = faults->taken = 0;
    atomic_init(&faults->memory, 0);
    atomic_init(&faults->compute, 0);
}

void tr_soak_faults_finish(struct tr_soak_faults *faults) {
    pthread_mutex_destroy(&faults->lock);
}

bool tr_soak_faults_has_room(const struct tr_soak_faults *faults) {
    return atomic_load_explicit(&faults->memory, memory_order_relaxed) +
               atomic_load_explicit(&faults->compute, memory_order_relaxed) <
           TR_SOAK_MOST_DETAILS;
}

void tr_soak_faults_add(struct tr_soak_faults *faults, const struct tr_soak_mismatch *mismatch) {
    atomic_fetch_add(mismatch->memory ? &faults->memory : &faults->compute, 1);
    pthread_mutex_lock(&faults->lock);
    if (faults->n < TR_SOAK_MOST_DETAILS)
        faults->items[faults->n++] = *mismatch;
    pthread_mutex_unlock(&faults->lock);
}

bool tr_soak_faults_take(struct tr_soak_faults *faults, struct tr_soak_mismatch *ret_mismatch) {
    pthread_mutex_lock(&faults->lock);
    bool there = faults->taken < faults->n;
    if (there)
        *ret_mismatch = faults->items[faults->taken++];
    pthread_mutex_unlock(&faults->lock);
    return there;
}
