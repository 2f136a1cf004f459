/* The random cycle of cache lines that chases walk: each line holds the address of the next.
 *
 * The order is a keyed permutation of line numbers that is computed, not stored: line of ordinal i
 * is P(i), and it links to P(i + 1). So it is one cycle through all lines by construction, linking
 * needs no memory besides the lines, and where a chase must be after any number of loads is known
 * without walking. */
#ifndef TR_KERNELS_CHASE_H
#define TR_KERNELS_CHASE_H

#include <stddef.h>
#include <stdint.h>

enum { TR_LINE_BYTES = 64, TR_CHASE_PAGE_BYTES = 4096 };

struct tr_chase {
    unsigned char *base; /* aligned to the stride */
    size_t n_lines;      /* at least 1 */
    /* TR_LINE_BYTES: every line. TR_CHASE_PAGE_BYTES: one line a page, at a place in it that
     * differs from page to page, so that the lines use all cache sets. */
    size_t stride_bytes;
    uint64_t seed;
};

/* Line that comes at this place of the cycle; ordinals wrap around. */
size_t tr_chase_line(const struct tr_chase *chase, size_t ordinal);
/* Where its link is. */
void *tr_chase_address(const struct tr_chase *chase, size_t ordinal);
/* Writes the links of `n` ordinals from `first` on; the cycle is closed when all are written. */
void tr_chase_link(const struct tr_chase *chase, size_t first, size_t n);

#endif
