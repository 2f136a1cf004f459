/* What is known of a model besides its tensors, from metadata or from the catalogue, and the way
 * from there to the public type. */
#ifndef TR_MODEL_HYPER_H
#define TR_MODEL_HYPER_H

#include "gguf.h"
#include "tensor_class.h"
#include "tokenroof/model.h"

struct tr_hyper {
    char architecture[64];
    bool architecture_known;
    int blocks;                           /* multi-token-prediction blocks included */
    int context_length, embedding_length; /* 0 unknown */
    int experts, experts_used;            /* 0: none */
    struct tr_block *use;                 /* one per block */
    struct tr_attention_layer *attention; /* one per block; heads 0: none, or unknown */
    double state_bytes;                   /* of one recurrent block, read and written per token */
};

/* A row of architectures.def. */
struct tr_architecture {
    const char *name;
    int window_period, window;
};
/* NULL if unknown. */
const struct tr_architecture *tr_architecture_find(const char *name);
/* Whether `block` sees only a sliding window, by the period of architectures.def. */
bool tr_block_is_windowed(int period, int block);

/* Zeroed arrays for hyper->blocks blocks. */
int tr_hyper_allocate(struct tr_hyper *hyper);
void tr_hyper_finish(struct tr_hyper *hyper);

/* From metadata; fills `use` from the tensors. TR_EFORMAT with the byte offset of the bad value. */
int tr_hyper_from_gguf(const struct tr_gguf *gguf, const char *name, struct tr_hyper *ret_hyper,
                       struct tr_model *notes, struct tr_err *reterr);

/* Sums up bytes, parameters and operations by class, and lists the attention layers. */
int tr_model_fill(struct tr_model *model, const struct tr_hyper *hyper,
                  const struct tr_tensor *tensors, size_t n_tensors);
int tr_model_note(struct tr_model *model, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The whole way from a parsed header; `name` is shown and used in messages. */
int tr_model_from_gguf(const struct tr_gguf *gguf, const char *name, struct tr_model **ret_model,
                       struct tr_err *reterr);

#endif
