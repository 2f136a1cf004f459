/* A tier says how long one token takes on its basis, as named terms; predict.c does all the rest:
 * averages over the tokens of a use case, classes, intervals, sentences. */
#ifndef TR_PREDICT_TIER_H
#define TR_PREDICT_TIER_H

#include "tokenroof/predict.h"

/* What is asked for: one token of a phase. */
struct tr_token_work {
    enum tr_phase phase;
    double depth;   /* positions in the cache before it */
    double context; /* positions at the end of the use case: what has to fit */
    double batch;   /* prompt: tokens that are computed at once; generation: 1 */
};

/* Where weights and a cache go. Bytes are of the memory that is scarcer; unknown = NAN. */
struct tr_fit {
    const char *where;  /* "RAM", "VRAM", "VRAM + RAM"; NULL: nowhere */
    const char *memory; /* the scarcer one: "RAM" or "VRAM" */
    double needed_bytes, spare_bytes;
    int layers_that_fit; /* in VRAM beside a processor; 0: none, or no such choice */
};

struct tr_tier {
    const char *name; /* the fidelity */
    /* What the tier adds to every sentence about a figure's worth; NULL without. */
    const char *remark;
    /* 0, or TR_EUNAVAILABLE with what is missing. */
    int (*check)(const struct tr_model *model, const struct tr_basis *basis, struct tr_err *reterr);
    /* Fills terms with tr_term_add(), and roof_ns. The same terms in the same order for every work
     * of one phase. A time that is not known is a term of NAN ns. */
    void (*time)(const struct tr_model *model, const struct tr_basis *basis,
                 const struct tr_token_work *work, struct tr_token_time *time);
    /* Measured / predicted rate at the ends of the 80% interval; NULL: not checked. */
    void (*interval)(const struct tr_model *model, const struct tr_basis *basis,
                     enum tr_phase phase, double *ret_low, double *ret_high);
    /* Numbers of threads that may be tried for the fastest generation: at most `max` of them go
     * into `threads`; returns how many. NULL: only the one asked for. */
    size_t (*candidates)(const struct tr_basis *basis, int *threads, size_t max);
    /* What the report has to say of the interval, heap; NULL for nothing. NULL: never. */
    char *(*interval_note)(const struct tr_model *model, const struct tr_basis *basis);
    /* Where weights and a cache of `cache_bytes` go; NULL: all in RAM. */
    struct tr_fit (*place)(const struct tr_model *model, const struct tr_basis *basis,
                           double cache_bytes);
    /* Appends formulas with their numbers; NULL without. */
    int (*explain)(struct tr_prediction *prediction, const struct tr_basis *basis,
                   const struct tr_use_case *use_case);
};

#define TIER(name) extern const struct tr_tier tr_tier_##name;
#include "tiers.def"
#undef TIER

/* NULL if there is none of that name. */
const struct tr_tier *tr_tier_find(const char *fidelity);

/* Appends a term and adds its time up. */
void tr_term_add(struct tr_token_time *time, struct tr_time_term term);

/* What a prediction of this fidelity rests on, so that corrections of one kind of rates are not
 * used for another: "timed", "stored", or the engine profile's name. */
const char *tr_basis_rates(const char *fidelity, const struct tr_basis *basis);

/* Bytes of cache and recurrent state that one generated token reads. */
double tr_basis_cache_bytes(const struct tr_model *model, const struct tr_basis *basis,
                            double depth);

/* Weights of one class; what is in no class comes last, as "weights". */
struct tr_part {
    const char *name;
    enum tr_tensor_class tensor_class; /* TR_TENSOR_CLASS_COUNT: in no class */
    double bytes, flop;                /* for one token */
};
enum { TR_MAX_PARTS = TR_TENSOR_CLASS_COUNT + 1 };
/* Classes with bytes or operations; a prompt's tokens do without the vocabulary matrix. Returns
 * their number. */
size_t tr_parts_of(const struct tr_model *model, enum tr_phase phase,
                   struct tr_part parts[TR_MAX_PARTS]);
/* The same with the operations that an engine really does: of a prompt without the last block's
 * feed-forward part, which its last token alone passes. Tiers that are fitted or compared by
 * 2 FLOP per parameter take tr_parts_of(). */
size_t tr_parts_computed(const struct tr_model *model, enum tr_phase phase,
                         struct tr_part parts[TR_MAX_PARTS]);
/* FLOP of a prompt's token in matrices, counted the same way. */
double tr_prompt_flop_computed(const struct tr_model *model);
/* How many matrices of the kind a token of the phase is multiplied by. */
double tr_product_count(const struct tr_product *product, enum tr_phase phase);

/* Appends one line to what --explain shows. */
int tr_explanation_add(struct tr_prediction *prediction, const char *name, const char *formula,
                       const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
