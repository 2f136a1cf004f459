/* Times of an engine's own kernels, taken by the helper program tokenroof-engine. */
#ifndef TR_CMD_ENGINE_H
#define TR_CMD_ENGINE_H

#include <signal.h>
#include <stddef.h>

#include <jansson.h>

#include "engine_tier.h"
#include "tokenroof/err.h"

/* What the helper said of the engine; the texts belong to `lines`. */
struct tr_engine_info {
    const char *name, *build, *variant, *release; /* NULL unknown */
    json_t *lines;                                /* all its answers */
};

struct tr_engine_child {
    const char *helper; /* path of tokenroof-engine */
    const char *folder; /* of the engine's libraries */
    double seconds;     /* for the samples of all jobs together, after one round of each */
    double limit_s;     /* after which it is ended; 0: 60 s and 20 times `seconds` */
    int min_samples;    /* 0: 9 */
    /* CPUs that the engine may use: those this program was given, whatever it bound itself to
     * since. NULL: as this thread. */
    const unsigned long *cpu_mask;
    size_t cpu_mask_bytes;
    const volatile sig_atomic_t *stop; /* NULL without */
};

/* Path of the helper beside this program, in its build folder or where it is installed; caller
 * frees. TR_EUNAVAILABLE if it is nowhere. */
int tr_engine_find_helper(char **ret_path, struct tr_err *reterr);

/* Fills in the times; one that the engine cannot do stays NAN. TR_EUNAVAILABLE with the reason if
 * there is no engine, it crashed or took too long; TR_ESTOPPED. The buffers' names in `times`
 * belong to *ret_info. */
int tr_engine_run(const struct tr_engine_child *child, struct tr_engine_times *times,
                  struct tr_engine_info *ret_info, struct tr_err *reterr);
void tr_engine_info_finish(struct tr_engine_info *info);

/* "llama.cpp v0.5.0, ggml 0.25.1 (0ad4a86), sapphirerapids"; caller frees, NULL without memory. */
char *tr_engine_label(const struct tr_engine_info *info);

#endif
