/* What was learned from an engine's own results: observed / predicted, in a calibration file. */
#ifndef TR_PREDICT_CORRECTION_H
#define TR_PREDICT_CORRECTION_H

#include "tokenroof/predict.h"

/* One result that was learned from. Texts are never NULL but for `build`'s number. */
struct tr_correction {
    char *date;     /* UTC, when it was learned */
    char *build;    /* "8cf427ff (5163)" */
    char *commit;   /* "8cf427ff" */
    char *fidelity; /* of the prediction that it corrects: "measured", "engine" */
    char *rates;    /* what that rested on: "timed", "stored", "profile llama.cpp" */
    char *model, *test;
    double model_bytes;
    enum tr_phase phase;
    int threads;
    double predicted_tok_s; /* without any correction: learning twice changes nothing */
    double observed_tok_s;
    double ratio;  /* observed / predicted */
    double spread; /* relative standard deviation of the engine's repetitions; NAN unknown */
    int n;         /* of these */
};

struct tr_corrections {
    struct tr_correction *items;
    size_t n;
};

/* From the array `corrections` of a calibration; what is not one of these is passed over. */
int tr_corrections_read(const struct json_t *array, struct tr_corrections *ret_corrections);
void tr_corrections_finish(struct tr_corrections *corrections);
/* Puts it into the array: in place of the one for the same build, fidelity, rates, model, test and
 * number of threads, else at the end. */
int tr_correction_store(const struct tr_correction *correction, struct json_t *array);

/* What applies to a prediction. */
struct tr_correction_wanted {
    const char *fidelity, *rates;
    const char *engine; /* label of the engine that was timed: its commit must be in it; or NULL */
    const char *build; /* asked for by name; NULL: where `engine` is NULL too, the newest learned */
    const struct tr_model *model;
    int threads;
    enum tr_phase phase;
};
/* The geometric mean over results of this model with as many threads; where there are none, over
 * those of other models with as many threads, else over all of the build. False without any. */
bool tr_correction_find(const struct tr_corrections *corrections,
                        const struct tr_correction_wanted *wanted, struct tr_applied *ret_applied);

#endif
