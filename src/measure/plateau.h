/* What a measured curve says by itself: its plateaus (cache levels and memory over the working set)
 * and its knee (where a rising curve saturates). Pure functions over points. */
#ifndef TR_MEASURE_PLATEAU_H
#define TR_MEASURE_PLATEAU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TR_PLATEAUS_MOST = 16 };

struct tr_plateau {
    size_t first, last; /* indices of its points */
    double from, to;    /* x of those */
    double value;       /* median y of its points */
};

/* Plateaus of a curve of n points, x > 0 rising and meant on a logarithmic scale, y > 0; points
 * with another y are left out of account. A plateau spans at least an octave of x with three points
 * or more, and rises or falls by no more than a tenth per octave (or the noise);
 * neighbours closer than 20% are one. `ret` has room for TR_PLATEAUS_MOST, in the order of x; a
 * curve without any gives *ret_n = 0. 0 or TR_ENOMEM. */
int tr_plateaus(const double *x, const double *y, size_t n, struct tr_plateau *ret, size_t *ret_n);

/* Sizes of the data caches that one core reaches, -1 where unknown or absent. */
struct tr_cache_sizes {
    int64_t l1_bytes, l2_bytes, l3_bytes;
};

/* "L1", "L2", "L3" or "memory": the level in which most of the plateau (on the scale of octaves)
 * lies. Sizes only name what the curve shows: where several plateaus lie inside the last cache, one
 * that differs from the first of them by a factor of 2.5 is memory (of 1.5, for the last one, if it
 * reaches the curve's end): the cache is shared with others, or a part of it was granted. One
 * that goes from 4 times the cache before to 3 times the last one is memory, too. NULL for
 * a plateau in a level whose size is unknown. */
const char *tr_plateau_level(const struct tr_plateau *plateaus, size_t n_plateaus, size_t which,
                             double curve_end, const struct tr_cache_sizes *sizes);

/* Index of the widest plateau of the level, -1 without one: of several in one level (translation
 * of addresses makes steps of its own) the widest stands for it. */
int tr_plateau_of_level(const struct tr_plateau *plateaus, size_t n_plateaus, const char *level,
                        double curve_end, const struct tr_cache_sizes *sizes);

/* The knee of a curve that rises and saturates (threads against bandwidth), or that stays flat and
 * then rises (bandwidth against latency): the point farthest from the straight line between first
 * and last, after noise has been taken out by monotone regression. x in any order. False where the
 * curve is a straight line to within a tenth, rises by less than a fifth, or has less than four
 * points. */
bool tr_knee(const double *x, const double *y, size_t n, size_t *ret_index);

#endif
