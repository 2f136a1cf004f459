/* A language model as a predictor sees it: bytes and operations per token. */
#ifndef TOKENROOF_MODEL_H
#define TOKENROOF_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tokenroof/err.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where a tensor's bytes go when a token is generated. */
enum tr_tensor_class {
    TR_TENSOR_EMBEDDING, /* one row is read per token */
    TR_TENSOR_ATTENTION, /* projections, read whole */
    TR_TENSOR_FFN,       /* dense feed-forward, read whole */
    TR_TENSOR_EXPERTS,   /* routed experts: used / count of them is read */
    TR_TENSOR_SHARED,    /* shared experts, read whole */
    TR_TENSOR_ROUTER,
    TR_TENSOR_RECURRENT, /* SSM, linear attention, convolutions */
    TR_TENSOR_NORM,      /* norms, biases, scales */
    TR_TENSOR_OUTPUT,    /* vocabulary matrix, read whole once per generated token */
    TR_TENSOR_SKIPPED,   /* not run in ordinary decoding: multi-token-prediction blocks, vision */
    TR_TENSOR_CLASS_COUNT,
};
const char *tr_tensor_class_name(enum tr_tensor_class tensor_class);

struct tr_tensor_sum {
    uint64_t tensors;
    uint64_t parameters;
    uint64_t file_bytes;
    double bytes_per_token; /* read for one generated token */
    double flop_per_token;  /* 2 x active parameters of the class, generation */
    double last_block_flop; /* of them: in what a prompt's tokens but the last one leave out */
};

struct tr_attention_layer {
    int heads, kv_heads;
    int key_length, value_length; /* per head; MLA: of the compressed cache row */
    int window;                   /* sliding window in positions, 0 = whole context */
    bool mla;                     /* the cache row is key_length wide, once */
};

/* Matrices of one type and shape that a token is multiplied by. */
struct tr_product {
    const char *type; /* "Q4_K"; static */
    int64_t rows, columns;
    int experts, experts_used; /* routed: of `experts` matrices a token uses so many; else 0 */
    double count;              /* of them in the model; a fraction for experts stored one by one */
    double last_block_count;   /* of these: in the feed-forward part of the last block. A prompt's
                                * tokens but the last one leave it out: llama.cpp's graphs go on
                                * after its attention with the tokens whose output is wanted */
    enum tr_tensor_class tensor_class;
};

struct tr_model {
    char *name;              /* full catalogue name, or the file's name without ".gguf" */
    char *architecture;      /* "llama", "qwen3moe", ... */
    bool architecture_known; /* false: sized from its tensor list alone */
    char *quantization;      /* of most weight bytes: "Q4_K" ... */
    uint64_t parameters, active_parameters;
    uint64_t file_bytes;
    double weight_bytes_per_token;
    double flop_per_token;        /* matrices, generation of one token, empty cache */
    double prompt_flop_per_token; /* matrices, prompt: without the vocabulary matrix */
    struct tr_tensor_sum classes[TR_TENSOR_CLASS_COUNT];
    struct tr_attention_layer *layers; /* one per block that has attention */
    size_t n_layers;
    struct tr_product *products; /* every matrix that generating a token multiplies by */
    size_t n_products;
    int blocks;
    double recurrent_state_bytes; /* read and written per token, independent of depth */
    int context_length;           /* trained, 0 unknown */
    int embedding_length;         /* width of the hidden state (d_model), 0 unknown */
    int experts, experts_used;
    char *source; /* catalogue: where the hyper-parameters come from; files: NULL */
    char **notes;
    size_t n_notes;
};

/* A GGUF file's header (first shard of a split set: all shards). TR_EIO; TR_EFORMAT with the byte
 * offset and what was expected there. */
int tr_model_read_gguf(const char *path, struct tr_model **ret_model, struct tr_err *reterr);
/* "<model>-<quant>"; matching ignores case and "-_.:". TR_EUSAGE with the nearest name. */
int tr_model_from_catalogue(const char *name, struct tr_model **ret_model, struct tr_err *reterr);
/* A path that exists, or has a '/' or ".gguf" in it, is a file; else a catalogue name. */
int tr_model_load(const char *model, struct tr_model **ret_model, struct tr_err *reterr);
void tr_model_destroy(struct tr_model *model);

/* Catalogue names with their standard quantisation, NULL-ended; static storage. */
const char *const *tr_model_catalogue_names(void);
/* Quantisations by which a name may end, NULL-ended; static storage. */
const char *const *tr_model_quant_names(void);
/* The six default models of `tokenroof run`, NULL-ended; static storage. */
const char *const *tr_model_default_names(void);

/* Bytes of KV cache per position over all layers whose window is not full at `depth`, F16 cache. */
double tr_model_kv_bytes_per_position(const struct tr_model *model);
/* Bytes of KV cache read to generate one token at `depth` positions. */
double tr_model_kv_bytes(const struct tr_model *model, double depth);
/* FLOP of attention (QK and AV) for one token at `depth` positions. */
double tr_model_attention_flop(const struct tr_model *model, double depth);

#ifdef __cplusplus
}
#endif
#endif
