/* The ggml libraries of a llama.cpp build, opened at run time. */
#ifndef TR_ENGINE_GGML_H
#define TR_ENGINE_GGML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tokenroof/err.h"

enum { TR_GGML_MAX_BUFTS = 8 };
/* Numbers of types that ggml has always had. */
enum tr_ggml_type { TR_GGML_F32 = 0, TR_GGML_F16 = 1, TR_GGML_I32 = 26, TR_GGML_I64 = 27 };

/* ggml_init takes it by value. */
struct tr_ggml_memory {
    size_t bytes;
    void *buffer;
    bool no_alloc;
};

struct tr_ggml {
#define TR_GGML(type, name, arguments) type(*name) arguments;
#define TR_GGML_MAYBE TR_GGML
#include "ggml.def"
#undef TR_GGML_MAYBE
#undef TR_GGML
    void (*set_n_threads)(void *backend, int n);
    void *backend, *device;
    /* Kinds of buffer for weights in the engine's own order of preference; the last one takes
     * everything. */
    void *bufts[TR_GGML_MAX_BUFTS];
    size_t n_bufts;
    char *variant; /* of the CPU backend: "sapphirerapids"; NULL where the build has only one */
    char *release; /* from the libraries' names: "v0.5.0"; NULL if they bear none */
};

/* Opens the libraries in `folder` (or its lib, bin or build/bin) and the best CPU backend among
 * them. TR_EUNAVAILABLE, with the reason, if there is no engine or it lacks a function. The
 * libraries stay open: they may have started threads. */
int tr_ggml_open(const char *folder, struct tr_ggml *ret_ggml, struct tr_err *reterr);
void tr_ggml_finish(struct tr_ggml *ggml);

#endif
