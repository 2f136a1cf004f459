/* What a tensor is for, from its name in a GGUF file. */
#ifndef TR_MODEL_TENSOR_CLASS_H
#define TR_MODEL_TENSOR_CLASS_H

#include <stdbool.h>
#include <stddef.h>

#include "gguf.h"
#include "tokenroof/model.h"

enum { TR_MAX_BLOCKS = TR_GGUF_MAX_ELEMENTS };

/* What the tensors of one block show about it. */
struct tr_block {
    bool attention;  /* keys and values, or a compressed form of them, are computed */
    bool query;      /* queries are computed, perhaps fused with keys and values */
    bool recurrent;  /* SSM, linear attention, RWKV or short convolution */
    bool compressed; /* multi-head latent attention */
    bool absorbed; /* ... with key and value expansion as two tensors, cached in compressed form */
    bool prediction; /* multi-token prediction: not run in ordinary decoding */
};

/* Number of the block, -1 for tensors outside of blocks; *ret_part gets the name within it. */
int tr_tensor_block(const char *name, const char **ret_part);
/* Adds what this tensor shows to its block. */
void tr_block_note(struct tr_block *block, const char *part);
/* Attention with a KV cache, of its own or shared with another block. */
bool tr_block_attends(const struct tr_block *block);
/* `block` NULL outside of blocks. *ret_known becomes false where the name tells nothing. */
enum tr_tensor_class tr_tensor_class_of(const struct tr_tensor *tensor,
                                        const struct tr_block *block, const char *part,
                                        bool *ret_known);

#endif
