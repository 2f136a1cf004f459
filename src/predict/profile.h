/* Engine profiles: this program's kernels against an engine's. */
#ifndef TR_PREDICT_PROFILE_H
#define TR_PREDICT_PROFILE_H

#include <stdbool.h>

/* The engine that predictions of the measured tier are for, unless another is named. */
#define TR_PROFILE_DEFAULT "llama.cpp"

/* A product: a matrix of a type with `tokens` vectors at once; or what an engine's graph has
 * besides (docs/method.md, Measured tier). */
struct tr_profile_product {
    const char *op, /* "gemv", "gemm", "attention", "prompt_attention_64", "prompt_attention_128",
                     * "node", "scaling", "product" */
        *type;
    double tokens;
    int threads;
    const char *uarch; /* NULL: unknown */
};

/* Rate of this program's kernel / rate of the engine's, by the nearest type, the nearest number of
 * tokens and, of these rows, the nearest number of threads that was compared
 * (data/engine_profiles.csv), on the same micro-architecture where there is such a row, else the
 * median of the others. 1 where nothing is known. `*ret_threads`, unless NULL: those of the row; of
 * `product` where nothing is known. */
double tr_profile_ratio(const char *engine, const struct tr_profile_product *product,
                        int *ret_threads);
/* Whether the engine's kernels were compared on this micro-architecture. */
bool tr_profile_compared_on(const char *engine, const char *uarch);
/* Whether none of the engine's kernels was timed: its rows are another engine's, times what was
 * published or with kernels of the same class. */
bool tr_profile_is_mapped(const char *engine);
/* Engines of the table, each once, ended by NULL. Static storage. */
const char *const *tr_profile_names(void);
bool tr_profile_known(const char *engine);

#endif
