/* Which of several equal parts (cores, CCDs, nodes) is slower than the others. */
#ifndef TR_DECIDE_OUTLIERS_H
#define TR_DECIDE_OUTLIERS_H

#include <stdbool.h>
#include <stddef.h>

/* With less parts than this nobody can tell which one is the odd one. */
enum { TR_LEAST_PARTS = 5 };
/* The chance of accusing a healthy machine that the checks allow; simulated machines are accused in
 * up to 4 of 100 cases, because trimming makes the spread a little too small. */
#define TR_WEAK_LEVEL 0.03

struct tr_part_result {
    double change; /* against the others' typical value; -0.03 = 3% slower */
    double p;      /* one-sided, not yet corrected for the number of parts */
    bool weak;
};

struct tr_spread {
    double typical; /* median of all parts */
    double spread;  /* relative standard deviation of those that were not trimmed; NAN unknown */
    /* A part slower than the others by this fraction would have been named; NAN unknown. */
    double least_named;
    bool trails_off; /* the others trail off to the slow side: only gaps name parts then */
    size_t n_weak;
};

/* `values`: one figure a part, positive. A part is named weak when it falls short of the others by
 * `least` (0.01) at least and by more than chance allows: values farther than 4 x 1.4826 x MAD from
 * the median are trimmed, then each part is set against mean and standard deviation of the others
 * that remain, by Student's distribution at level / n (Bonferroni). `level` is the chance that any
 * part of a healthy machine is named, as long as healthy parts scatter about evenly to both sides.
 * Where those that are not named clearly trail off to the slow side, a part is named only if a gap
 * sets it apart that an exponential tail hardly has. Few parts (16) often do not show their tail.
 * With less than TR_LEAST_PARTS none is named. TR_ENOMEM. */
int tr_weak_parts(const double *values, size_t n, bool lower_is_better, double least, double level,
                  struct tr_part_result *ret_parts, struct tr_spread *ret_spread);

#endif
