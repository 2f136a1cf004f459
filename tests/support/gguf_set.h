/* A split set as large as the largest models: headers as they are, data as holes. */
#ifndef TR_GGUF_SET_H
#define TR_GGUF_SET_H

#include "gguf_maker.h"

enum { GM_SET_FILES = 10, GM_SET_BLOCKS = 60, GM_SET_TOKENS = 129280 };

static inline void gm_set_vocabulary(struct gm *gm) {
    char text[32];
    gm_array(gm, "tokenizer.ggml.tokens", GM_STRING, GM_SET_TOKENS);
    for (int i = 0; i < GM_SET_TOKENS; i++) {
        snprintf(text, sizeof(text), "token %d", i);
        gm_text(gm, &gm->keys, text);
    }
    gm_array(gm, "tokenizer.ggml.merges", GM_STRING, GM_SET_TOKENS);
    for (int i = 0; i < GM_SET_TOKENS; i++) {
        snprintf(text, sizeof(text), "tok %d", i);
        gm_text(gm, &gm->keys, text);
    }
    gm_array(gm, "tokenizer.ggml.token_type", GM_INT32, GM_SET_TOKENS);
    gm_put(&gm->keys, NULL, 4 * (size_t)GM_SET_TOKENS);
}

static inline void gm_set_block(struct gm *gm, int block) {
    gm_attention(gm, block, 7168, 112, 8);
    gm_block(gm, block, "ffn_norm.weight", GM_F32, 7168, 0, 0);
    gm_block(gm, block, "ffn_gate_inp.weight", GM_F32, 7168, 256, 0);
    gm_block(gm, block, "exp_probs_b.bias", GM_F32, 256, 0, 0);
    gm_block(gm, block, "ffn_gate_exps.weight", GM_Q4_K, 7168, 2048, 256);
    gm_block(gm, block, "ffn_up_exps.weight", GM_Q4_K, 7168, 2048, 256);
    gm_block(gm, block, "ffn_down_exps.weight", GM_Q6_K, 2048, 7168, 256);
    gm_block(gm, block, "ffn_gate_shexp.weight", GM_Q4_K, 7168, 2048, 0);
    gm_block(gm, block, "ffn_up_shexp.weight", GM_Q4_K, 7168, 2048, 0);
    gm_block(gm, block, "ffn_down_shexp.weight", GM_Q6_K, 2048, 7168, 0);
}

/* <folder>/set-00001-of-00010.gguf and on, some 420 GB of which only the headers take room. Returns
 * the path of the first (to be freed), NULL where the file system has no files that large. */
static inline char *gm_write_set(const char *folder) {
    const int each = GM_SET_BLOCKS / GM_SET_FILES;
    const uint32_t tensors = GM_SET_BLOCKS * 14 + 3;
    char path[512], *first = NULL;
    for (int i = 0; i < GM_SET_FILES; i++) {
        struct gm gm;
        gm_init(&gm, 3);
        if (i == 0) {
            gm_common(&gm, "llama", GM_SET_BLOCKS, 7168, 112, 8);
            gm_arch_u32(&gm, "llama", "expert_count", 256);
            gm_arch_u32(&gm, "llama", "expert_used_count", 8);
            gm_set_vocabulary(&gm);
        }
        gm_key(&gm, "split.no", GM_UINT16);
        gm_number(&gm.keys, (uint64_t)i, 2);
        gm_key(&gm, "split.count", GM_UINT16);
        gm_number(&gm.keys, GM_SET_FILES, 2);
        gm_key(&gm, "split.tensors.count", GM_INT32);
        gm_number(&gm.keys, tensors, 4);
        if (i == 0) {
            gm_tensor(&gm, "token_embd.weight", GM_Q4_K, 7168, GM_SET_TOKENS, 0);
            gm_tensor(&gm, "output_norm.weight", GM_F32, 7168, 0, 0);
            gm_tensor(&gm, "output.weight", GM_Q6_K, 7168, GM_SET_TOKENS, 0);
        }
        for (int block = i * each; block < (i + 1) * each; block++)
            gm_set_block(&gm, block);
        snprintf(path, sizeof(path), "%s/set-%05d-of-%05d.gguf", folder, i + 1, GM_SET_FILES);
        bool ok = gm_write(&gm, path);
        gm_finish(&gm);
        if (!ok) {
            free(first);
            return NULL;
        }
        if (i == 0)
            first = strdup(path);
    }
    return first;
}

#endif
