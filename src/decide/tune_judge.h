/* What a tuning session says: of each setting its figures, whether they are better than the base's,
 * whether it is stable, and which is the best of those that are. */
#ifndef TR_DECIDE_TUNE_JUDGE_H
#define TR_DECIDE_TUNE_JUDGE_H

#include "tune.h"
#include "tune_statistics.h"

/* A record that `tokenroof soak` left. */
enum tr_soak_verdict {
    TR_SOAK_NONE,
    TR_SOAK_LITTLE, /* no fault, but too short to tell, or without memory */
    TR_SOAK_PASS,
    TR_SOAK_ENDED_EARLY, /* no fault in a part of the time that was asked for */
    TR_SOAK_WARN,
    TR_SOAK_FAIL,
};
const char *tr_soak_verdict_name(enum tr_soak_verdict verdict);

struct tr_soak {
    char *created, *boot_id;
    enum tr_soak_verdict verdict;
    double seconds; /* how long it ran; NAN unknown */
    double share;   /* of the machine's memory that was tested; NAN unknown */
    char *why;      /* of its worst result; NULL unknown */
};
struct tr_soaks {
    struct tr_soak *items;
    size_t n;
};
/* All *.json of the folder that are such records of a boot, by time; others are left out, and a
 * folder that is not there has none. TR_ENOMEM. */
int tr_soaks_read(const char *folder, struct tr_soaks *ret_soaks);
int tr_soaks_add(struct tr_soaks *soaks, const json_t *document);
/* By time again, after others were added. */
void tr_soaks_sort(struct tr_soaks *soaks);
void tr_soaks_finish(struct tr_soaks *soaks);

enum tr_tune_verdict {
    TR_TUNE_NOT_MEASURED,
    TR_TUNE_BASELINE,
    TR_TUNE_BETTER,
    TR_TUNE_WORSE,
    TR_TUNE_NO_DIFFERENCE,
    TR_TUNE_ONE_BOOT_ONLY,
    TR_TUNE_TWO_BOOTS_ONLY,
};
const char *tr_tune_verdict_name(enum tr_tune_verdict verdict);

struct tr_tune_outcome {
    struct tr_tune_result results[TR_TUNE_FIGURES];
    enum tr_tune_verdict verdicts[TR_TUNE_FIGURES];
    double scatter[TR_TUNE_FIGURES]; /* typical one of its rounds; NAN unknown */
    size_t n_rounds, n_recordings, n_boots, n_samples;
    bool doubtful; /* half of its rounds of `by` or more carry a flag */
    struct tr_tune_clocks clocks;
    char *why; /* of the verdict by `by`, one sentence */
    enum tr_soak_verdict soak;
    char *soak_why;
    bool passed;   /* soaked whole and well, after its last crash */
    char *retries; /* why retries are suspected; NULL if they are not */
};

struct tr_tune_options {
    enum tr_tune_figure by;
    const char *base;    /* label; NULL: the first setting that was measured */
    double boots_sd;     /* relative; NAN unknown */
    double soak_minutes; /* a soak that found nothing in less proves nothing */
};

struct tr_tune_judgement {
    struct tr_tune_options options;
    size_t base;                      /* SIZE_MAX: nothing was measured */
    struct tr_tune_outcome *outcomes; /* one a setting */
    size_t n;
    struct tr_tune_spread spread; /* of `by` */
    size_t best;                  /* of those that passed; SIZE_MAX: none did */
    size_t fastest;               /* whether it passed or not; SIZE_MAX: nothing was measured */
    char *best_why;
};

/* TR_EUSAGE if there is no setting called options->base. TR_ENOMEM. */
int tr_tune_judge(const struct tr_tune *tune, const struct tr_soaks *soaks,
                  const struct tr_tune_options *options, struct tr_tune_judgement *ret_judgement,
                  struct tr_err *reterr);
void tr_tune_judgement_finish(struct tr_tune_judgement *judgement);

/* Values of one figure; the caller frees *ret_values. Recordings whose predictions are of another
 * tier than the first ones' have none. TR_ENOMEM. */
int tr_tune_values(const struct tr_tune *tune, enum tr_tune_figure figure,
                   struct tr_tune_value **ret_values, size_t *ret_n);
/* Fills ->retries of all outcomes (tune_retries.c). */
int tr_tune_find_retries(const struct tr_tune *tune, struct tr_tune_judgement *judgement);
/* Fills ->soak, ->soak_why, ->passed (tune_soak.c). */
int tr_tune_assign_soaks(const struct tr_tune *tune, const struct tr_soaks *soaks,
                         struct tr_tune_judgement *judgement);

/* What differs between the machine under two settings: {"what", "before", "after"} each. */
json_t *tr_tune_changed_facts(const struct tr_tune *tune, size_t base, size_t setting);
/* The document tokenroof.tune/1. TR_ENOMEM. */
int tr_tune_to_json(const struct tr_tune *tune, const struct tr_tune_judgement *judgement,
                    json_t **ret_document);

#endif
