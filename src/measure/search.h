/* Search for the fastest form of an operation: successive halving. Every form gets a short sample
 * in turn, the slower half leaves, the others get more samples, until one is left. */
#ifndef TR_MEASURE_SEARCH_H
#define TR_MEASURE_SEARCH_H

#include <stddef.h>

#include "kernel.h"

struct json_t;

/* A probe lasts about this long; some tens of it decide between two forms. */
#define TR_PROBE_NS 6e6

struct tr_search_form {
    const struct tr_kernel *kernel;
    double rate; /* the best of its samples: disturbances only lower a rate */
    size_t samples;
};

struct tr_search {
    struct tr_search_form *forms; /* the first n_left are still in, the others in the order of */
    size_t n, n_left;             /* their leaving, last one first */
    size_t round, taken;          /* samples taken in this round */
};

/* The form of the kernel's operation that a search named; NULL if there is none (any more). */
const struct tr_kernel *tr_search_form(const struct tr_kernel *kernel, const char *id,
                                       const char *isa);

/* Every form of the kernel's operation and element type that SEARCH and MAIN rows have at its
 * level, and those without streams at `lower_isa` (NULL: none), which some cores prefer in their
 * caches. Of products: the kernel itself and the SEARCH rows of its flavour. TR_ENOMEM. */
int tr_search_init(const struct tr_kernel *kernel, const char *lower_isa,
                   struct tr_search *ret_search);
/* The form whose sample is to be taken next; NULL when the search is decided. */
const struct tr_kernel *tr_search_next(const struct tr_search *search);
/* The rate of that sample. */
void tr_search_note(struct tr_search *search, double rate);
/* The fastest so far; NULL without forms. */
const struct tr_kernel *tr_search_winner(const struct tr_search *search);
/* What was tried: an array of forms, the winner first; NULL when out of memory. */
struct json_t *tr_search_to_json(const struct tr_search *search, const char *unit);
void tr_search_finish(struct tr_search *search);

#endif
