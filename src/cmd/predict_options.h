/* What `tokenroof predict` is asked for: its options, and the use cases that they choose. */
#ifndef TR_CMD_PREDICT_OPTIONS_H
#define TR_CMD_PREDICT_OPTIONS_H

#include "cmd.h"
#include "spec_platforms.h"
#include "tokenroof/predict.h"

enum { TR_MAX_USE_CASES = 24, TR_PREDICT_ROWS = 20 };

struct tr_predict_options {
    struct tr_output_options output;
    const char *calibration;
    const char *engine;    /* folder of an engine's libraries; NULL without */
    const char *use_cases; /* "UC1,UC3" */
    int pp, tg, depth;     /* tokens, 0 = not given; depth -1 = not given */
    int threads;
    double storage_gb_per_s;
    bool explain, largest, learn;
    const char *observed; /* results of llama-bench; NULL without */
    const char *build;    /* of the engine, for what was learned of it */
    const char *profile;
    int numa;                    /* an enum tr_placed */
    int tier;                    /* index in tr_tier_choices */
    int parallel, ubatch, cache; /* cache: index in tr_cache_types */
    int flash_attention;         /* 0 on, 1 off */
    struct tr_machine_options machine;
    struct tr_spec_options spec;
};

extern const struct tr_option tr_predict_rows[TR_PREDICT_ROWS];
/* A check of the whole, for the group of these rows. */
int tr_predict_check(const struct tr_command *command, void *target, struct tr_err *reterr);

/* Ended by NULL. */
extern const char *const tr_tier_choices[];
extern const char *const tr_numa_placements[];
extern const char *const tr_cache_types[];
/* By the index of the type: bytes relative to F16's. */
extern const double tr_cache_scales[];

struct tr_use_case_list {
    struct tr_use_case items[TR_MAX_USE_CASES];
    char names[2][24];
    size_t n;
};

/* Those of --use-case, --pp and --tg; TR_EUSAGE for a name that is none. The list must not move:
 * its items point into it. */
int tr_choose_use_cases(const struct tr_predict_options *options, struct tr_use_case_list *cases,
                        struct tr_err *reterr);

#endif
