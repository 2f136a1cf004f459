/* Which cores share a cache, by the time a line takes between them: a witness where a hypervisor
 * shows a topology of its own making. */
#ifndef TR_CALIBRATION_SHARED_CACHES_H
#define TR_CALIBRATION_SHARED_CACHES_H

#include "tokenroof/calibration.h"

struct tr_core_groups {
    size_t n_cores; /* of the matrix */
    int *group;     /* of each row's core, from 0 in the order of the rows */
    size_t n_groups;
    double within_ns, between_ns; /* medians; between is NAN with one group */
};

enum tr_shared_caches {
    TR_SHARED_CACHES_UNKNOWN, /* not measured, or too few cores to compare */
    TR_SHARED_CACHES_AGREE,   /* latency groups cores as the topology's L3 groups do */
    TR_SHARED_CACHES_DIFFER,
};

/* Groups of cores such that every pair within one is faster, by a clear step, than every pair of
 * different ones; the finest such partition that is coarser than `finer` (one number a row, -1 for
 * a core that is in no group; NULL: any). One group where there is no such step. TR_EUNAVAILABLE
 * with fewer than three cores or with pairs that were not measured; TR_ENOMEM. */
int tr_core_groups_find(const struct tr_matrix *matrix, const int *finer,
                        struct tr_core_groups *ret_groups);
void tr_core_groups_finish(struct tr_core_groups *groups);

/* Sets the matrix core_to_core against machine.cores[].l3_group. *ret_sentence (heap) says what is
 * so; NULL where it is unknown. 0 or TR_ENOMEM. */
int tr_shared_caches_judge(const struct tr_calibration *calibration,
                           enum tr_shared_caches *ret_verdict, char **ret_sentence);

#endif
