/* The tensor list that a model's GGUF file would have, from its hyper-parameters. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue.h"

struct list {
    const struct tr_catalogue_model *model;
    const struct tr_mix *mix;
    struct tr_tensor *tensors;
    size_t n, capacity;
    int block; /* of the names to come; -1 outside of blocks */
    int code;
};

static void add(struct list *list, const char *part, uint32_t n_dims, uint64_t ne0, uint64_t ne1,
                uint64_t ne2) {
    if (list->code)
        return;
    if (list->n == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 256;
        struct tr_tensor *tensors = realloc(list->tensors, capacity * sizeof(*tensors));
        if (!tensors) {
            list->code = TR_ENOMEM;
            return;
        }
        list->tensors = tensors;
        list->capacity = capacity;
    }
    struct tr_tensor *tensor = &list->tensors[list->n++];
    *tensor = (struct tr_tensor){.n_dims = n_dims, .ne = {ne0, ne1, ne2, 1}};
    if (list->block < 0)
        snprintf(tensor->name, sizeof(tensor->name), "%s", part);
    else
        snprintf(tensor->name, sizeof(tensor->name), "blk.%d.%s", list->block, part);
    tensor->type = tr_mix_type(list->mix, list->model, tensor->name, n_dims, ne0);
    if (!tensor->type || !tr_quant_size(tensor->type, tensor->ne, &tensor->bytes))
        list->code = TR_EFAIL; /* a row of models.csv that no type fits: the tests see it */
}

static void add_vector(struct list *list, const char *part, int length) {
    add(list, part, 1, (uint64_t)length, 1, 1);
}

static void add_matrix(struct list *list, const char *part, int from, int to) {
    add(list, part, 2, (uint64_t)from, (uint64_t)to, 1);
}

static void add_stack(struct list *list, const char *part, int from, int to, int count) {
    add(list, part, 3, (uint64_t)from, (uint64_t)to, (uint64_t)count);
}

static bool has(const struct list *list, const char *feature) {
    return strstr(list->model->features, feature) != NULL;
}

static void add_norm(struct list *list, const char *part, int length) {
    char name[64];
    snprintf(name, sizeof(name), "%s.weight", part);
    add_vector(list, name, length);
    snprintf(name, sizeof(name), "%s.bias", part);
    if (has(list, "all_bias") || has(list, "norm_bias"))
        add_vector(list, name, length);
}

static void add_attention(struct list *list) {
    const struct tr_catalogue_model *m = list->model;
    int keys = m->kv_heads * m->key_length, values = m->kv_heads * m->value_length;
    int queries = m->heads * m->key_length, results = m->heads * m->value_length;
    if (has(list, "gated_attention")) /* a gate for each result beside each query */
        queries *= 2;
    add_norm(list, "attn_norm", m->embedding);
    if (has(list, "two_norms"))
        add_norm(list, "attn_norm_2", m->embedding);
    if (has(list, "fused_qkv")) {
        add_matrix(list, "attn_qkv.weight", m->embedding, queries + keys + values);
    } else {
        add_matrix(list, "attn_q.weight", m->embedding, queries);
        add_matrix(list, "attn_k.weight", m->embedding, keys);
        add_matrix(list, "attn_v.weight", m->embedding, values);
    }
    add_matrix(list, "attn_output.weight", results, m->embedding);
    if (has(list, "all_bias"))
        add_vector(list, "attn_qkv.bias", queries + keys + values);
    if (has(list, "qkv_bias")) {
        add_vector(list, "attn_q.bias", queries);
        add_vector(list, "attn_k.bias", keys);
        add_vector(list, "attn_v.bias", values);
    }
    if (has(list, "output_bias") || has(list, "all_bias"))
        add_vector(list, "attn_output.bias", m->embedding);
    if (has(list, "qk_norm")) {
        add_vector(list, "attn_q_norm.weight", m->key_length);
        add_vector(list, "attn_k_norm.weight", m->key_length);
    }
    if (has(list, "sinks"))
        add_vector(list, "attn_sinks.weight", m->heads);
    if (has(list, "post_norm"))
        add_vector(list, "post_attention_norm.weight", m->embedding);
}

/* Gated delta rule: queries and keys of the key heads, values and their gate of the value heads. */
static void add_linear_attention(struct list *list) {
    const struct tr_catalogue_model *m = list->model;
    int keys = m->linear_key_heads * TR_LINEAR_HEAD,
        values = m->linear_value_heads * TR_LINEAR_HEAD;
    int mixed = 2 * keys + values;
    add_vector(list, "attn_norm.weight", m->embedding);
    add_matrix(list, "attn_qkv.weight", m->embedding, mixed);
    add_matrix(list, "attn_gate.weight", m->embedding, values);
    add_matrix(list, "ssm_conv1d.weight", TR_LINEAR_CONVOLUTION, mixed);
    add_matrix(list, "ssm_alpha.weight", m->embedding, m->linear_value_heads);
    add_matrix(list, "ssm_beta.weight", m->embedding, m->linear_value_heads);
    add_vector(list, "ssm_a", m->linear_value_heads);
    add_vector(list, "ssm_dt.bias", m->linear_value_heads);
    add_vector(list, "ssm_norm.weight", TR_LINEAR_HEAD);
    add_matrix(list, "ssm_out.weight", values, m->embedding);
}

/* Multi-head latent attention in absorbed form. */
static void add_latent_attention(struct list *list) {
    const struct tr_catalogue_model *m = list->model;
    int queries = m->heads * (m->key_length + m->rope_length);
    add_vector(list, "attn_norm.weight", m->embedding);
    if (m->q_lora) {
        add_matrix(list, "attn_q_a.weight", m->embedding, m->q_lora);
        add_vector(list, "attn_q_a_norm.weight", m->q_lora);
        add_matrix(list, "attn_q_b.weight", m->q_lora, queries);
    } else {
        add_matrix(list, "attn_q.weight", m->embedding, queries);
    }
    add_matrix(list, "attn_kv_a_mqa.weight", m->embedding, m->kv_lora + m->rope_length);
    add_vector(list, "attn_kv_a_norm.weight", m->kv_lora);
    add_stack(list, "attn_k_b.weight", m->key_length, m->kv_lora, m->heads);
    add_stack(list, "attn_v_b.weight", m->kv_lora, m->value_length, m->heads);
    add_matrix(list, "attn_output.weight", m->heads * m->value_length, m->embedding);
}

static void add_experts(struct list *list) {
    const struct tr_catalogue_model *m = list->model;
    int width = m->expert_feed_forward, shared = m->shared_feed_forward;
    add_matrix(list, "ffn_gate_inp.weight", m->embedding, m->experts);
    add_stack(list, "ffn_gate_exps.weight", m->embedding, width, m->experts);
    add_stack(list, "ffn_up_exps.weight", m->embedding, width, m->experts);
    add_stack(list, "ffn_down_exps.weight", width, m->embedding, m->experts);
    if (has(list, "expert_bias")) {
        add_vector(list, "ffn_gate_inp.bias", m->experts);
        add_matrix(list, "ffn_gate_exps.bias", width, m->experts);
        add_matrix(list, "ffn_up_exps.bias", width, m->experts);
        add_matrix(list, "ffn_down_exps.bias", m->embedding, m->experts);
    }
    if (shared) {
        if (has(list, "shared_gate"))
            add_vector(list, "ffn_gate_inp_shexp.weight", m->embedding);
        add_matrix(list, "ffn_gate_shexp.weight", m->embedding, shared);
        add_matrix(list, "ffn_up_shexp.weight", m->embedding, shared);
        add_matrix(list, "ffn_down_shexp.weight", shared, m->embedding);
    }
}

static void add_dense(struct list *list) {
    const struct tr_catalogue_model *m = list->model;
    int width = m->feed_forward;
    if (has(list, "fused_gate")) {
        add_matrix(list, "ffn_up.weight", m->embedding, 2 * width);
    } else {
        if (!has(list, "no_gate"))
            add_matrix(list, "ffn_gate.weight", m->embedding, width);
        add_matrix(list, "ffn_up.weight", m->embedding, width);
    }
    add_matrix(list, "ffn_down.weight", width, m->embedding);
    if (has(list, "all_bias")) {
        add_vector(list, "ffn_up.bias", width);
        add_vector(list, "ffn_down.bias", m->embedding);
    }
}

static void add_block(struct list *list, int block) {
    const struct tr_catalogue_model *m = list->model;
    list->block = block;
    if (m->attention_period && (block + 1) % m->attention_period != 0)
        add_linear_attention(list);
    else if (m->kv_lora)
        add_latent_attention(list);
    else
        add_attention(list);
    if (!has(list, "two_norms"))
        add_norm(list, "ffn_norm", m->embedding);
    if (has(list, "post_norm"))
        add_vector(list, "post_ffw_norm.weight", m->embedding);
    if (m->experts && block >= m->dense_blocks) {
        add_experts(list);
        return;
    }
    add_dense(list);
}

/* Predicts a token further ahead: a block with a projection of its own, and its own vocabularies.
 */
static void add_prediction(struct list *list) {
    const struct tr_catalogue_model *m = list->model;
    add_matrix(list, "nextn.eh_proj.weight", 2 * m->embedding, m->embedding);
    add_matrix(list, "nextn.embed_tokens.weight", m->embedding, m->vocabulary);
    add_matrix(list, "nextn.shared_head_head.weight", m->embedding, m->vocabulary);
    add_vector(list, "nextn.enorm.weight", m->embedding);
    add_vector(list, "nextn.hnorm.weight", m->embedding);
    add_vector(list, "nextn.shared_head_norm.weight", m->embedding);
}

int tr_catalogue_tensors(const struct tr_catalogue_model *model, const struct tr_mix *mix,
                         struct tr_tensor **ret_tensors, size_t *ret_n) {
    struct list list = {.model = model, .mix = mix, .block = -1};
    add_matrix(&list, "token_embd.weight", model->embedding, model->vocabulary);
    if (!model->tied)
        add_matrix(&list, "output.weight", model->embedding, model->vocabulary);
    add_norm(&list, "output_norm", model->embedding);
    if (has(&list, "positions"))
        add_matrix(&list, "position_embd.weight", model->embedding, model->context);
    for (int i = 0; i < model->blocks + model->prediction_blocks; i++) {
        add_block(&list, i);
        if (i >= model->blocks)
            add_prediction(&list);
    }
    if (list.code) {
        free(list.tensors);
        return list.code;
    }
    *ret_tensors = list.tensors;
    *ret_n = list.n;
    return 0;
}
