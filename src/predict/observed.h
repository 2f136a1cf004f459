/* An engine's own results, as llama-bench writes them (-o json, jsonl, csv), beside predictions. */
#ifndef TR_PREDICT_OBSERVED_H
#define TR_PREDICT_OBSERVED_H

#include <stdbool.h>

#include "tokenroof/predict.h"

/* One test of llama-bench. Texts that are not there are NULL, numbers NAN, counts 0. */
struct tr_observed {
    char *build;      /* "8cf427ff (5163)": commit and number */
    char *commit;     /* the commit alone */
    char *cpu;        /* model of the processor */
    char *backends;   /* "CPU", "CUDA", "BLAS,CPU" */
    char *model_file; /* path as given to the engine */
    char *model_type; /* "llama 1B Q4_K - Medium" */
    char *cache_type; /* of keys */
    char *cpu_mask;   /* hexadecimal; "0x0": none */
    char *time;       /* of the test */
    double model_bytes, model_parameters;
    double gpu_layers;      /* -1: as many as fit */
    double flash_attention; /* 1 on, 0 off; NAN: not told, or as the engine likes */
    int threads, ubatch;
    int prompt_tokens, generated_tokens, depth;
    double tok_s, sd_tok_s;
    double *samples; /* tok/s of each repetition, in order of time */
    size_t n_samples;
    char name[48]; /* "pp512", "tg128 @ d4096", "pp512+tg128" */
};

struct tr_observed_list {
    struct tr_observed *items;
    size_t n;
};

/* `name` is for messages. TR_EFORMAT with the line, or the number of the result, and what was
 * expected there. A result needs its rate and how many tokens it is about; nothing else. */
int tr_observed_parse(const char *text, size_t length, const char *name,
                      struct tr_observed_list *ret_list, struct tr_err *reterr);
void tr_observed_finish(struct tr_observed_list *list);

struct tr_use_case tr_observed_use_case(const struct tr_observed *observed);

enum tr_observed_match {
    TR_OBSERVED_SAME,        /* as many parameters and bytes, as far as the result tells */
    TR_OBSERVED_OTHER_FILE,  /* as many parameters, another number of bytes */
    TR_OBSERVED_OTHER_MODEL, /* another number of parameters */
};
enum tr_observed_match tr_observed_match(const struct tr_observed *observed,
                                         const struct tr_model *model);
/* How far the two are apart in bytes and parameters: 0 = alike; unknown counts as alike. */
double tr_observed_distance(const struct tr_observed *observed, const struct tr_model *model);

/* What the machine is that the prediction is for. Unknown: NULL, 0, NAN. */
struct tr_observed_machine {
    const char *cpu;
    int cores, cpus, nodes;
    /* Rate of reading relative to local pages, when they lie in turn over all nodes, or on one. */
    double interleaved_fraction, one_node_fraction;
};

/* A test and the prediction for it. */
struct tr_observed_pair {
    const struct tr_observed *observed;
    const struct tr_model *model;
    const struct tr_observed_machine *machine;
    const char *fidelity, *engine; /* of the prediction; engine NULL: no build is known */
    struct tr_estimate predicted;  /* tok/s, for the same number of threads where that is known */
    double roof_tok_s;
    int threads; /* that were predicted for */
    int best_threads;
    double best_tok_s; /* predicted with those; NAN unknown */
};

enum { TR_OBSERVED_MAX_CAUSES = 8 };

/* What the comparison says. */
struct tr_observed_verdict {
    const char *verdict; /* "as predicted" "slower" "faster" "not comparable"; static */
    double fraction_of_prediction, fraction_of_roof;
    /* Most likely first: "model" "backend" "machine" "file" "threads" "smt" "noise" "clock"
     * "placement" "build" "unknown"; static. None where it is as predicted. */
    const char *causes[TR_OBSERVED_MAX_CAUSES];
    size_t n_causes;
    char *why; /* sentences, heap */
};

/* All that is known of a pair. `list` has the other results of the file. */
int tr_observed_judge(const struct tr_observed_pair *pair, const struct tr_observed_list *list,
                      struct tr_observed_verdict *ret_verdict);

/* Relative standard deviation; NAN with less than two samples and no figure of the engine's own. */
double tr_observed_spread(const struct tr_observed *observed);
/* Rate of a result's tokens, prompt and output together, as llama-bench counts. */
struct tr_estimate tr_observed_predicted(const struct tr_prediction_result *result,
                                         double *ret_roof_tok_s);
/* Why nothing may be learned from the pair (another model, another backend, noise ...), NULL if it
 * may. Static. */
const char *tr_observed_unfit(const struct tr_observed_pair *pair,
                              const struct tr_observed_verdict *verdict);

#endif
