/* Engine profiles: this program's kernels against an engine's. */
#ifndef TR_PREDICT_PROFILE_H
#define TR_PREDICT_PROFILE_H

#include <stdbool.h>

/* The engine that predictions of the measured tier are for, unless another is named. */
#define TR_PROFILE_DEFAULT "llama.cpp"

/* Rate of this program's kernel / rate of the engine's, for products of a type with `tokens`
 * vectors at once (op: "gemv" or "gemm"), by the nearest number of tokens and the nearest type that
 * was compared (data/engine_profiles.csv), on the same micro-architecture where there is such a row
 * (uarch NULL: unknown). 1 where nothing is known. */
double tr_profile_ratio(const char *engine, const char *op, const char *type, double tokens,
                        const char *uarch);
/* Whether the engine's kernels were compared on this micro-architecture. */
bool tr_profile_compared_on(const char *engine, const char *uarch);
/* Whether none of the engine's kernels was timed: its rows are another engine's, times what was
 * published or with kernels of the same class. */
bool tr_profile_is_mapped(const char *engine);
/* Engines of the table, each once, ended by NULL. Static storage. */
const char *const *tr_profile_names(void);
bool tr_profile_known(const char *engine);

#endif
