/* A thread that chases through a buffer: linking, warming up, samples, check. */
#ifndef TR_MEASURE_CHASER_H
#define TR_MEASURE_CHASER_H

#include <signal.h>
#include <stdbool.h>

#include "chase.h"
#include "kernel.h"
#include "pages.h"

enum { TR_MOST_CHAINS = 16 };

struct tr_chaser {
    const volatile sig_atomic_t *stop;
    struct tr_buffer buffer;
    bool bound_refused;
    double huge_fraction, node_fraction;
    struct tr_chase chase; /* linked; n_lines 0 before */
    const struct tr_kernel *kernel;
    size_t starts[TR_MOST_CHAINS]; /* ordinals of the chains' first lines */
    void *positions[TR_MOST_CHAINS];
    size_t walked;    /* loads of each chain since */
    double ns_a_load; /* as the warm-up had it, all chains together */
};

/* Maps and touches a buffer of `bytes` on `node`; to be called on the thread that will chase.
 * TR_ENOMEM, TR_EUNAVAILABLE (no such pages), TR_ESTOPPED. */
int tr_chaser_map(size_t bytes, enum tr_pages pages, int node, const volatile sig_atomic_t *stop,
                  struct tr_chaser *ret_chaser, struct tr_err *reterr);
void tr_chaser_unmap(struct tr_chaser *chaser);
/* Links the first `bytes` as one cycle, unless they are linked so already, puts the kernel's chains
 * at even distances on it, and walks until all of it was seen or `warm_ns` are over. TR_ESTOPPED.
 */
int tr_chaser_prepare(struct tr_chaser *chaser, const struct tr_kernel *kernel, size_t bytes,
                      bool one_line_a_page, double warm_ns);
/* `loads` of each chain, in pieces between which the stop flag is looked at. TR_ESTOPPED. */
int tr_chaser_walk(struct tr_chaser *chaser, size_t loads);
/* Whether all chains are where that many loads lead. */
bool tr_chaser_is_right(const struct tr_chaser *chaser);

#endif
