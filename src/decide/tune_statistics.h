/* Settings that were measured in several boots: spreads within and between boots, and what they say
 * about a difference. Pure functions over values alone; the model is in docs/method.md, "Tuning".
 */
#ifndef TR_DECIDE_TUNE_STATISTICS_H
#define TR_DECIDE_TUNE_STATISTICS_H

#include <stdbool.h>
#include <stddef.h>

/* Boots (or recordings within one boot) of each of two settings that a verdict needs. */
enum { TR_TUNE_BOOTS = 3 };
/* Chance of calling any of a session's settings different that is not, both directions together. */
#define TR_TUNE_LEVEL 0.05

/* A round's figure, positive. Recordings have numbers of their own, from 0 without gaps; each has
 * one setting and one boot. */
struct tr_tune_value {
    size_t setting, boot, recording;
    double value;
};

/* Relative standard deviations; NAN where nothing tells. */
struct tr_tune_spread {
    double within;   /* of a round within its recording */
    double between;  /* of boots, what rounds explain taken off */
    size_t n_within; /* degrees of freedom */
    size_t n_between;
};

enum tr_tune_scope {
    TR_TUNE_UNTESTED,
    TR_TUNE_ACROSS_BOOTS,
    TR_TUNE_ONE_BOOT,     /* both recorded several times in the same boot */
    TR_TUNE_KNOWN_SPREAD, /* by the spread between boots that was given */
};

struct tr_tune_result {
    size_t n_boots, n_recordings, n_rounds;
    double value, low, high; /* typical, with its 95% interval: of boots where there are two, else
                              * of the rounds; NAN unknown */
    bool within_boot;        /* the interval knows one boot only */
    /* Against the base; NAN for the base itself and where nothing was measured. */
    double change, change_low, change_high; /* relative; interval NAN untested */
    double p;                               /* two-sided, uncorrected; NAN untested */
    enum tr_tune_scope scope;
};

/* `boots_sd`: known relative spread between boots; NAN unknown. TR_ENOMEM. */
int tr_tune_compare(const struct tr_tune_value *values, size_t n, size_t n_settings, size_t base,
                    double boots_sd, struct tr_tune_spread *ret_spread,
                    struct tr_tune_result *ret_results);

/* Whether a recording that is going on has enough rounds to tell it from the best so far. */
enum tr_tune_need {
    TR_TUNE_MORE,
    TR_TUNE_SEPARATED, /* its interval within this boot does not contain the other one's value */
    TR_TUNE_ALIKE,     /* the interval is as narrow as anybody cares for, and contains it */
    TR_TUNE_HOPELESS,  /* boots are known to differ by more than the interval: rounds cannot help */
};
struct tr_tune_progress {
    enum tr_tune_need need;
    double difference; /* from the rival, relative; NAN without one */
    double half_width; /* of the difference's 95% interval, or of its own without a rival */
    struct tr_tune_spread spread;
};
enum { TR_TUNE_LEAST_ROUNDS = 3 };
/* `rival`: a setting; SIZE_MAX: none, then ALIKE says that it is narrow enough. TR_ENOMEM. */
int tr_tune_enough(const struct tr_tune_value *values, size_t n, size_t n_settings,
                   size_t recording, size_t rival, double boots_sd,
                   struct tr_tune_progress *ret_progress);

#endif
