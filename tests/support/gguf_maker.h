/* Makes GGUF files for tests, good ones and, with the right calls, bad ones. */
#ifndef TR_GGUF_MAKER_H
#define TR_GGUF_MAKER_H

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Types of tensors and values, as numbered by the format. */
enum { GM_F32 = 0, GM_F16 = 1, GM_Q8_0 = 8, GM_Q4_K = 12, GM_Q6_K = 14, GM_MXFP4 = 39 };
enum { GM_UINT8 = 0, GM_UINT16 = 2, GM_UINT32 = 4, GM_INT32 = 5, GM_FLOAT32 = 6 };
enum { GM_BOOL = 7, GM_STRING = 8, GM_ARRAY = 9, GM_UINT64 = 10 };

struct gm_buffer {
    uint8_t *bytes;
    size_t n, capacity;
};

struct gm {
    uint32_t version;
    uint64_t n_tensors, n_keys; /* written to the header; may be changed to lie */
    uint64_t data_bytes;
    uint32_t alignment; /* of the data as written; the key is up to the caller */
    struct gm_buffer keys, tensors, file;
};

static inline void gm_put(struct gm_buffer *to, const void *bytes, size_t n) {
    if (to->n + n > to->capacity) {
        to->capacity = (to->n + n) * 2;
        to->bytes = realloc(to->bytes, to->capacity);
        if (!to->bytes)
            abort();
    }
    if (n && bytes)
        memcpy(to->bytes + to->n, bytes, n);
    else if (n)
        memset(to->bytes + to->n, 0, n);
    to->n += n;
}

static inline void gm_number(struct gm_buffer *to, uint64_t value, size_t size) {
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = (uint8_t)(value >> (8 * i));
        gm_put(to, &byte, 1);
    }
}

static inline size_t gm_count_size(const struct gm *gm) {
    return gm->version == 1 ? 4 : 8;
}

static inline void gm_text(struct gm *gm, struct gm_buffer *to, const char *text) {
    gm_number(to, strlen(text), gm_count_size(gm));
    gm_put(to, text, strlen(text));
}

static inline void gm_init(struct gm *gm, uint32_t version) {
    *gm = (struct gm){.version = version, .alignment = 32};
}

static inline void gm_finish(struct gm *gm) {
    free(gm->keys.bytes);
    free(gm->tensors.bytes);
    free(gm->file.bytes);
    *gm = (struct gm){0};
}

static inline void gm_key(struct gm *gm, const char *key, uint32_t type) {
    gm_text(gm, &gm->keys, key);
    gm_number(&gm->keys, type, 4);
    gm->n_keys++;
}

static inline void gm_u32(struct gm *gm, const char *key, uint32_t value) {
    gm_key(gm, key, GM_UINT32);
    gm_number(&gm->keys, value, 4);
}

static inline void gm_string(struct gm *gm, const char *key, const char *value) {
    gm_key(gm, key, GM_STRING);
    gm_text(gm, &gm->keys, value);
}

static inline void gm_array(struct gm *gm, const char *key, uint32_t type, uint64_t n) {
    gm_key(gm, key, GM_ARRAY);
    gm_number(&gm->keys, type, 4);
    gm_number(&gm->keys, n, gm_count_size(gm));
}

static inline void gm_u32_array(struct gm *gm, const char *key, const uint32_t *values, size_t n) {
    gm_array(gm, key, GM_UINT32, n);
    for (size_t i = 0; i < n; i++)
        gm_number(&gm->keys, values[i], 4);
}

static inline void gm_bool_array(struct gm *gm, const char *key, const uint8_t *values, size_t n) {
    gm_array(gm, key, GM_BOOL, n);
    gm_put(&gm->keys, values, n);
}

/* Keys of one architecture: "<architecture>.<key>". */
static inline void gm_arch_u32(struct gm *gm, const char *architecture, const char *key,
                               uint32_t value) {
    char full[128];
    snprintf(full, sizeof(full), "%s.%s", architecture, key);
    gm_u32(gm, full, value);
}

static inline uint64_t gm_size(uint32_t type, const uint64_t ne[4]) {
    uint64_t n = ne[0] * ne[1] * ne[2] * ne[3];
    switch (type) {
    case GM_F16:
        return n * 2;
    case GM_Q8_0:
        return n / 32 * 34;
    case GM_Q4_K:
        return n / 256 * 144;
    case GM_Q6_K:
        return n / 256 * 210;
    case GM_MXFP4:
        return n / 32 * 17;
    default:
        return n * 4;
    }
}

/* An entry of the list, with any type, dimensions and offset; of more than 6 dimensions only the
 * number is written. */
static inline void gm_tensor_raw(struct gm *gm, const char *name, uint32_t type, uint32_t n_dims,
                                 const uint64_t *ne, uint64_t offset) {
    gm_text(gm, &gm->tensors, name);
    gm_number(&gm->tensors, n_dims, 4);
    for (uint32_t i = 0; i < n_dims && n_dims <= 6; i++)
        gm_number(&gm->tensors, ne[i], gm_count_size(gm));
    gm_number(&gm->tensors, type, 4);
    gm_number(&gm->tensors, offset, 8);
    gm->n_tensors++;
}

static inline void gm_tensor(struct gm *gm, const char *name, uint32_t type, uint64_t ne0,
                             uint64_t ne1, uint64_t ne2) {
    uint64_t ne[4] = {ne0, ne1 ? ne1 : 1, ne2 ? ne2 : 1, 1};
    gm_tensor_raw(gm, name, type, ne2 ? 3 : ne1 ? 2 : 1, ne, gm->data_bytes);
    uint64_t end = gm->data_bytes + gm_size(type, ne);
    gm->data_bytes = (end + gm->alignment - 1) / gm->alignment * gm->alignment;
}

static inline void gm_block(struct gm *gm, int block, const char *part, uint32_t type, uint64_t ne0,
                            uint64_t ne1, uint64_t ne2) {
    char name[96];
    snprintf(name, sizeof(name), "blk.%d.%s", block, part);
    gm_tensor(gm, name, type, ne0, ne1, ne2);
}

/* Puts the header together; the data follows as `with_data` zero bytes or not at all. */
static inline void gm_build(struct gm *gm, bool with_data) {
    struct gm_buffer *file = &gm->file;
    file->n = 0;
    gm_put(file, "GGUF", 4);
    gm_number(file, gm->version, 4);
    gm_number(file, gm->n_tensors, gm_count_size(gm));
    gm_number(file, gm->n_keys, gm_count_size(gm));
    gm_put(file, gm->keys.bytes, gm->keys.n);
    gm_put(file, gm->tensors.bytes, gm->tensors.n);
    while (gm->n_tensors && file->n % gm->alignment)
        gm_put(file, NULL, 1);
    if (with_data)
        gm_put(file, NULL, (size_t)gm->data_bytes);
}

/* Writes the file with its data as a hole; false on failure. */
static inline bool gm_write(struct gm *gm, const char *path) {
    gm_build(gm, false);
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    bool ok = write(fd, gm->file.bytes, gm->file.n) == (ssize_t)gm->file.n &&
              !ftruncate(fd, (off_t)(gm->file.n + gm->data_bytes));
    return !close(fd) && ok;
}

/* The keys that every model has. */
static inline void gm_common(struct gm *gm, const char *architecture, uint32_t blocks,
                             uint32_t embedding, uint32_t heads, uint32_t kv_heads) {
    gm_string(gm, "general.architecture", architecture);
    gm_arch_u32(gm, architecture, "block_count", blocks);
    gm_arch_u32(gm, architecture, "context_length", 4096);
    gm_arch_u32(gm, architecture, "embedding_length", embedding);
    gm_arch_u32(gm, architecture, "attention.head_count", heads);
    if (kv_heads)
        gm_arch_u32(gm, architecture, "attention.head_count_kv", kv_heads);
}

/* Grouped-query attention with `heads` heads of 64, of which `kv_heads` have keys and values. */
static inline void gm_attention(struct gm *gm, int block, uint64_t embedding, uint64_t heads,
                                uint64_t kv_heads) {
    gm_block(gm, block, "attn_norm.weight", GM_F32, embedding, 0, 0);
    gm_block(gm, block, "attn_q.weight", GM_Q4_K, embedding, heads * 64, 0);
    gm_block(gm, block, "attn_k.weight", GM_Q4_K, embedding, kv_heads * 64, 0);
    gm_block(gm, block, "attn_v.weight", GM_Q6_K, embedding, kv_heads * 64, 0);
    gm_block(gm, block, "attn_output.weight", GM_Q4_K, heads * 64, embedding, 0);
}

static inline void gm_dense_ffn(struct gm *gm, int block, uint64_t embedding, uint64_t width) {
    gm_block(gm, block, "ffn_norm.weight", GM_F32, embedding, 0, 0);
    gm_block(gm, block, "ffn_gate.weight", GM_Q4_K, embedding, width, 0);
    gm_block(gm, block, "ffn_up.weight", GM_Q4_K, embedding, width, 0);
    gm_block(gm, block, "ffn_down.weight", GM_Q6_K, width, embedding, 0);
}

static inline void gm_experts(struct gm *gm, int block, uint64_t embedding, uint64_t width,
                              uint64_t experts) {
    gm_block(gm, block, "ffn_gate_inp.weight", GM_F32, embedding, experts, 0);
    gm_block(gm, block, "ffn_gate_exps.weight", GM_Q4_K, embedding, width, experts);
    gm_block(gm, block, "ffn_up_exps.weight", GM_Q4_K, embedding, width, experts);
    gm_block(gm, block, "ffn_down_exps.weight", GM_Q4_K, width, embedding, experts);
}

static inline void gm_ends(struct gm *gm, uint64_t embedding, uint64_t vocabulary, bool tied) {
    gm_tensor(gm, "token_embd.weight", GM_Q4_K, embedding, vocabulary, 0);
    gm_tensor(gm, "output_norm.weight", GM_F32, embedding, 0, 0);
    if (!tied)
        gm_tensor(gm, "output.weight", GM_Q6_K, embedding, vocabulary, 0);
}

/* Small models of each kind; all have an embedding of 256. */

static inline void gm_dense(struct gm *gm, uint32_t version, bool tied) {
    gm_init(gm, version);
    gm_common(gm, "llama", 2, 256, 4, 2);
    gm_ends(gm, 256, 10, tied);
    for (int i = 0; i < 2; i++) {
        gm_attention(gm, i, 256, 4, 2);
        gm_dense_ffn(gm, i, 256, 512);
    }
}

/* Block 0 dense, block 1 with 8 experts, 2 of them used, and a shared one; block 2 predicts. */
static inline void gm_moe(struct gm *gm) {
    gm_init(gm, 3);
    gm_common(gm, "glm4moe", 3, 256, 4, 2);
    gm_arch_u32(gm, "glm4moe", "expert_count", 8);
    gm_arch_u32(gm, "glm4moe", "expert_used_count", 2);
    gm_arch_u32(gm, "glm4moe", "leading_dense_block_count", 1);
    gm_arch_u32(gm, "glm4moe", "nextn_predict_layers", 1);
    gm_ends(gm, 256, 10, false);
    gm_attention(gm, 0, 256, 4, 2);
    gm_dense_ffn(gm, 0, 256, 512);
    gm_attention(gm, 1, 256, 4, 2);
    gm_experts(gm, 1, 256, 256, 8);
    gm_block(gm, 1, "exp_probs_b.bias", GM_F32, 8, 0, 0);
    gm_block(gm, 1, "ffn_gate_shexp.weight", GM_Q4_K, 256, 256, 0);
    gm_block(gm, 1, "ffn_up_shexp.weight", GM_Q4_K, 256, 256, 0);
    gm_block(gm, 1, "ffn_down_shexp.weight", GM_Q4_K, 256, 256, 0);
    gm_attention(gm, 2, 256, 4, 2);
    gm_dense_ffn(gm, 2, 256, 512);
    gm_block(gm, 2, "nextn.eh_proj.weight", GM_Q4_K, 512, 256, 0);
}

/* Multi-head latent attention: cache row of 512 + 64, 4 heads, both forms of the expansion. */
static inline void gm_mla(struct gm *gm) {
    gm_init(gm, 3);
    gm_common(gm, "deepseek2", 1, 256, 4, 1);
    gm_arch_u32(gm, "deepseek2", "attention.kv_lora_rank", 512);
    gm_arch_u32(gm, "deepseek2", "attention.key_length", 576);
    gm_arch_u32(gm, "deepseek2", "attention.value_length", 512);
    gm_arch_u32(gm, "deepseek2", "attention.key_length_mla", 192);
    gm_arch_u32(gm, "deepseek2", "rope.dimension_count", 64);
    gm_ends(gm, 256, 10, false);
    gm_block(gm, 0, "attn_norm.weight", GM_F32, 256, 0, 0);
    gm_block(gm, 0, "attn_q.weight", GM_Q4_K, 256, 768, 0);
    gm_block(gm, 0, "attn_kv_a_mqa.weight", GM_Q4_K, 256, 576, 0);
    gm_block(gm, 0, "attn_kv_a_norm.weight", GM_F32, 512, 0, 0);
    gm_block(gm, 0, "attn_kv_b.weight", GM_Q4_K, 512, 1024, 0);
    gm_block(gm, 0, "attn_k_b.weight", GM_Q8_0, 128, 512, 4);
    gm_block(gm, 0, "attn_v_b.weight", GM_Q8_0, 512, 128, 4);
    gm_block(gm, 0, "attn_output.weight", GM_Q4_K, 512, 256, 0);
    gm_dense_ffn(gm, 0, 256, 512);
}

/* Sliding windows of 100 positions in blocks 0 and 2 of 4, experts in MXFP4. */
static inline void gm_windowed(struct gm *gm) {
    gm_init(gm, 3);
    gm_common(gm, "gpt-oss", 4, 256, 4, 2);
    gm_arch_u32(gm, "gpt-oss", "attention.key_length", 64);
    gm_arch_u32(gm, "gpt-oss", "attention.value_length", 64);
    gm_arch_u32(gm, "gpt-oss", "attention.sliding_window", 100);
    gm_arch_u32(gm, "gpt-oss", "expert_count", 4);
    gm_arch_u32(gm, "gpt-oss", "expert_used_count", 1);
    gm_ends(gm, 256, 10, false);
    for (int i = 0; i < 4; i++) {
        gm_attention(gm, i, 256, 4, 2);
        gm_block(gm, i, "ffn_gate_inp.weight", GM_F32, 256, 4, 0);
        gm_block(gm, i, "ffn_up_exps.weight", GM_MXFP4, 256, 32, 4);
        gm_block(gm, i, "ffn_up_exps.bias", GM_F32, 32, 4, 0);
    }
}

/* Block 0 a state space model, block 1 attention. */
static inline void gm_hybrid(struct gm *gm) {
    static const uint32_t kv_heads[] = {0, 2};
    gm_init(gm, 3);
    gm_common(gm, "granitehybrid", 2, 256, 4, 0);
    gm_u32_array(gm, "granitehybrid.attention.head_count_kv", kv_heads, 2);
    gm_arch_u32(gm, "granitehybrid", "ssm.inner_size", 512);
    gm_arch_u32(gm, "granitehybrid", "ssm.state_size", 16);
    gm_arch_u32(gm, "granitehybrid", "ssm.conv_kernel", 4);
    gm_arch_u32(gm, "granitehybrid", "ssm.group_count", 1);
    gm_ends(gm, 256, 10, true);
    gm_block(gm, 0, "attn_norm.weight", GM_F32, 256, 0, 0);
    gm_block(gm, 0, "ssm_in.weight", GM_Q4_K, 256, 1024, 0);
    gm_block(gm, 0, "ssm_conv1d.weight", GM_F32, 4, 544, 0);
    gm_block(gm, 0, "ssm_a", GM_F32, 1, 8, 0);
    gm_block(gm, 0, "ssm_out.weight", GM_Q4_K, 512, 256, 0);
    gm_dense_ffn(gm, 0, 256, 512);
    gm_attention(gm, 1, 256, 4, 2);
    gm_dense_ffn(gm, 1, 256, 512);
}

/* The small models as files in memory; NULL past the last. The caller frees. */
static inline uint8_t *gm_seed(size_t index, size_t *ret_n) {
    struct gm gm = {0};
    switch (index) {
    case 0:
        gm_dense(&gm, 3, false);
        break;
    case 1:
        gm_dense(&gm, 1, true);
        break;
    case 2:
        gm_moe(&gm);
        break;
    case 3:
        gm_mla(&gm);
        break;
    case 4:
        gm_windowed(&gm);
        break;
    case 5:
        gm_hybrid(&gm);
        break;
    default:
        return NULL;
    }
    gm_build(&gm, true);
    uint8_t *bytes = malloc(gm.file.n);
    if (!bytes)
        abort();
    memcpy(bytes, gm.file.bytes, gm.file.n);
    *ret_n = gm.file.n;
    gm_finish(&gm);
    return bytes;
}

#endif
