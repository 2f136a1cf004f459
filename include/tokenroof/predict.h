/* Predictions, schema tokenroof.prediction/1. Pure: no clock, no machine, no threads. */
#ifndef TOKENROOF_PREDICT_H
#define TOKENROOF_PREDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tokenroof/err.h"
#include "tokenroof/model.h"

#ifdef __cplusplus
extern "C" {
#endif

struct json_t;

struct tr_use_case {
    const char *name; /* "UC1".."UC4", or "pp512", "tg128" for single tests */
    const char *what;
    int prompt_tokens, generated_tokens, depth;
};
/* Positions of the cache that it takes: depth, prompt and answer. */
int64_t tr_use_case_positions(const struct tr_use_case *use_case);
/* UC1..UC4; *ret_n gets 4. Static storage. */
const struct tr_use_case *tr_use_cases(size_t *ret_n);

enum tr_class {
    TR_CLASS_INTERACTIVE,
    TR_CLASS_BACKGROUND,
    TR_CLASS_OFFLINE,
    TR_CLASS_NON_VIABLE,
    TR_CLASS_UNKNOWN,
};
/* "interactive" "background" "offline" "non-viable", NULL unknown */
const char *tr_class_name(enum tr_class viability);
/* Interactive: prompt in less than 5 s and more than 10 tok/s; background: both within 300 s;
 * offline: within 8 h (28800 s). Times in s; NAN anywhere = unknown. */
enum tr_class tr_classify(double prompt_s, double tg_tok_per_s, double total_s);

/* What a prediction rests on; unknown = NAN. Taken from a calibration by the caller. */
struct tr_rates {
    double read_gb_per_s;      /* read rate of the machine: median of its best form */
    double read_best_gb_per_s; /* its fastest sample, for the roof; 0 or NAN: as the median */
    double flop_gflop_per_s;   /* FP32 FMA, all threads */
    double memory_bytes;       /* for "does it fit" */
    double storage_gb_per_s;   /* NAN without --storage */
    int threads;
    const char *platform; /* shown in the result */
    bool fabric_bound;    /* the memory limit that binds is the fabric */
};

/* value with its 80% interval; low and high NAN where the interval was not checked. */
struct tr_estimate {
    double value, low, high;
};

/* One named part of a token's time. The parts add up to the whole. NAN: not of this kind. */
struct tr_time_term {
    const char *name;   /* static: "ffn", "cache", "barriers" ... */
    const char *where;  /* the device, borrowed from the basis; NULL: there is only one */
    double bytes, flop; /* moved and computed for one token */
    double gb_per_s;    /* rates by which it was timed */
    double gflop_per_s;
    double count; /* of events that cost a time each: barriers, transfers */
    double ns;
    const char *bound; /* "memory" "fabric" "compute" "sync" "link"; static */
};

enum { TR_MAX_TERMS = 64 };

struct tr_token_time {
    struct tr_time_term terms[TR_MAX_TERMS];
    size_t n_terms;
    double ns;      /* sum of the terms */
    double roof_ns; /* the least that the limits or the best samples allow; NAN unknown */
};

enum tr_phase { TR_PHASE_PROMPT, TR_PHASE_GENERATION, TR_PHASE_COUNT };

struct tr_spec;
struct tr_engine_times;
struct tr_measured;
struct tr_corrections;

/* A correction that a prediction contains, learned from an engine's own results. Texts are borrowed
 * from the basis. */
struct tr_applied {
    double ratio;  /* observed / predicted */
    double spread; /* relative: of the results, or of the engine's repetitions */
    int n;         /* results; 0: no correction */
    const char *build, *date;
};

/* Rates after a long load relative to those of the first seconds; after_s 0: not measured. */
struct tr_sustained {
    double after_s;
    double read_fraction, compute_fraction; /* NAN unknown */
};

/* What of the machine tells whether intervals were checked on its like. Unknown: NULL, 0. */
struct tr_checked_on {
    const char *uarch;
    int cores, nodes;
};

/* All that a prediction may rest on. A tier (formula, spec, measured, engine) reads its own part,
 * and refuses where that is missing. */
struct tr_basis {
    const char *platform; /* shown in the result; NULL unknown */
    const char *engine;   /* whose speed it is: "llama.cpp ..."; NULL: of none */
    int threads;          /* 0 unknown */
    double memory_bytes;  /* for "does it fit"; NAN unknown */
    double storage_gb_per_s;
    double cache_scale;                 /* bytes of the KV cache relative to F16; 0 counts as 1 */
    const char *cache_type;             /* "f16", "q8_0", "q4_0"; NULL: f16. For the command line */
    int ubatch;                         /* prompt tokens computed at once; 0 counts as 512 */
    bool no_flash_attention;            /* the engine runs without */
    int parallel;                       /* sequences that generate at once; 0 counts as 1 */
    const struct tr_rates *rates;       /* formula */
    const struct tr_spec *spec;         /* spec */
    const struct tr_measured *measured; /* measured */
    const struct tr_engine_times *engine_times; /* engine */
    /* The same with other numbers of threads, to find the best for generation; they may lack all
     * that only prompts need. */
    const struct tr_engine_times *engine_others;
    size_t n_engine_others;
    /* Where the times come from: "timed" for this model, or "stored": of other shapes, in the
     * calibration; NULL: "timed". */
    const char *engine_rates;
    /* Measured and engine tier: the machine's rate of reading relative to that with each thread's
     * pages on its own node: as the weights lie (0 counts as 1), and by other placements (NAN
     * unknown). */
    double placement_fraction, interleaved_fraction, one_node_fraction;
    struct tr_sustained sustained;
    struct tr_checked_on machine;             /* for the interval */
    const struct tr_corrections *corrections; /* learned ones; NULL without */
    const char *build;                        /* the engine's, asked for by name; NULL: any */
    const char
        *profile; /* measured tier: whose kernels (data/engine_profiles.csv); NULL: llama.cpp */
};

struct tr_prediction_result {
    struct tr_use_case use_case;
    struct tr_estimate pp_tok_s, tg_tok_s, first_token_s, total_s;
    double load_s;
    double total_tok_s;     /* of all sequences that generate at once */
    const char *fits_where; /* "RAM", "VRAM", "VRAM + RAM"; NULL: does not fit. Static */
    const char *scarce;     /* the memory that leaves least: "RAM" or "VRAM". Static */
    double spare_bytes;     /* of that one; negative: missing; NAN: its size is unknown */
    double roof_pp_tok_s, roof_tg_tok_s;
    /* "memory" "fabric" "compute": of the prompt, and of whatever takes most of the time. */
    const char *bound_pp, *bound;
    enum tr_class viability;
    char *why; /* one sentence */
    /* Averages over the tokens of each phase; no terms where a phase has no tokens or no rate.
     * `where` of a term lives as long as the basis of the prediction. */
    struct tr_token_time time[TR_PHASE_COUNT];
    struct tr_applied correction[TR_PHASE_COUNT];
    /* Threads with which generation is fastest, and its rate, where rates of several numbers of
     * threads are known; 0 and NAN where not. */
    int best_threads;
    double best_tg_tok_s;
};

/* One term of `--explain`: a formula with its numbers, as written in the documentation. */
struct tr_explanation {
    char *name, *formula, *value;
};

struct tr_prediction {
    const struct tr_model *model; /* borrowed */
    const char *fidelity;         /* "formula" "spec" "measured" "engine"; static */
    char *platform, *engine;
    const char *rates; /* what the fidelity's rates are, "" of no kind: see struct tr_correction */
    int threads;
    /* What is to be known of the interval; NULL: nothing. Heap. */
    char *interval_note;
    struct tr_prediction_result *results;
    size_t n_results;
    struct tr_explanation *explanations;
    size_t n_explanations;
};

/* Predicts by one tier. TR_EUSAGE if there is no tier of that name, TR_EUNAVAILABLE if the basis
 * lacks what it needs: the text says what. */
int tr_predict(const char *fidelity, const struct tr_model *model, const struct tr_basis *basis,
               const struct tr_use_case *use_cases, size_t n_use_cases,
               struct tr_prediction **ret_prediction, struct tr_err *reterr);
/* Formula tier: the usual upper bound. TR_EUNAVAILABLE if the read rate is unknown. */
int tr_predict_formula(const struct tr_model *model, const struct tr_rates *rates,
                       const struct tr_use_case *use_cases, size_t n_use_cases,
                       struct tr_prediction **ret_prediction, struct tr_err *reterr);
/* The number of sequences from which on computing, not reading, takes most of the time of
 * generation at `depth`; 0 if that is beyond 4096. */
int tr_predict_knee(const char *fidelity, const struct tr_model *model,
                    const struct tr_basis *basis, double depth);

/* How llama.cpp is to be started on the machine that was measured, for contexts up to `context`:
 * the fastest number of threads for generation unless the prediction's was asked for; `placed`
 * "local", "interleaved" or "one-node". NULL for another engine's kernels, where no number of
 * threads is known, and if memory is exhausted; the caller frees it. */
char *tr_prediction_command(const struct tr_prediction *prediction, const struct tr_basis *basis,
                            double context, bool threads_given, const char *placed);

/* LocalScore's nine tests: *ret_n gets 9. Static storage. */
const struct tr_use_case *tr_localscore_tests(size_t *ret_n);
struct tr_localscore {
    double pp_tok_s, tg_tok_s, first_token_ms; /* means over the tests */
    double score; /* 10 x (PP x TG x 1000 / first token)^(1/3); 1000 excellent, 250 passable */
};
/* From results that have the nine tests among them; false if they have not. */
bool tr_localscore_of(const struct tr_prediction_result *results, size_t n,
                      struct tr_localscore *ret_score);

void tr_prediction_destroy(struct tr_prediction *prediction);
int tr_prediction_to_json(const struct tr_prediction *prediction, struct json_t **ret_document);

#ifdef __cplusplus
}
#endif
#endif
