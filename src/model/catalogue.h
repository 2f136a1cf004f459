/* Models by name: rows of data/models.csv, and the tensor lists their files would have. */
#ifndef TR_MODEL_CATALOGUE_H
#define TR_MODEL_CATALOGUE_H

#include "hyper.h"

enum { TR_LINEAR_HEAD = 128, TR_LINEAR_CONVOLUTION = 4 };

/* A row of data/models.csv; 0 where a model has no such thing. */
struct tr_catalogue_model {
    char name[48], architecture[32], default_quant[16], features[96], source[96];
    bool in_run; /* one of the default models of `run` */
    bool tied;   /* the embedding table is the vocabulary matrix, too */
    int blocks, embedding, heads, kv_heads, key_length, value_length, feed_forward, vocabulary;
    int experts, experts_used, expert_feed_forward, shared_feed_forward;
    int dense_blocks; /* leading blocks without experts */
    int window;
    int q_lora, kv_lora, rope_length; /* multi-head latent attention */
    /* Gated linear attention in all but each n-th block: heads of 128, with a convolution of 4. */
    int attention_period, linear_key_heads, linear_value_heads;
    int prediction_blocks; /* behind the others: in the file, not run in ordinary decoding */
    bool size_unverified;  /* no published file was found to compare the computed size with */
    int context;
    uint64_t metadata_bytes; /* of a file: mostly the vocabulary; within about 20% */
};

/* The way a named quantisation ("q4_k_m") gives types to tensors. */
struct tr_mix;
const struct tr_mix *tr_mix_find(const char *name);
const char *tr_mix_name(const struct tr_mix *mix);
/* Names of all mixes; NULL-ended, static. */
const char *const *tr_mix_names(void);
/* Type of one tensor; `row` is its contiguous dimension. */
const struct tr_quant *tr_mix_type(const struct tr_mix *mix, const struct tr_catalogue_model *model,
                                   const char *tensor_name, uint32_t n_dims, uint64_t row);

/* All tensors of the model's file; the caller frees *ret_tensors. */
int tr_catalogue_tensors(const struct tr_catalogue_model *model, const struct tr_mix *mix,
                         struct tr_tensor **ret_tensors, size_t *ret_n);

#endif
