#include "tensor_class.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static bool starts(const char *text, const char *prefix) {
    return !strncmp(text, prefix, strlen(prefix));
}

static bool starts_any(const char *text, const char *const *prefixes) {
    for (; *prefixes; prefixes++)
        if (starts(text, *prefixes))
            return true;
    return false;
}

int tr_tensor_block(const char *name, const char **ret_part) {
    const char *at = starts(name, "blk.") ? name + 4 : starts(name, "dec.blk.") ? name + 8 : NULL;
    size_t digits = 0;
    *ret_part = name;
    while (at && isdigit((unsigned char)at[digits]))
        digits++;
    /* Up to six digits: more than any model, and no overflow. */
    if (!at || digits == 0 || digits > 6 || at[digits] != '.')
        return -1;
    *ret_part = at + digits + 1;
    return (int)strtol(at, NULL, 10);
}

static bool is_recurrent(const char *part) {
    static const char *const prefixes[] = {"ssm_", "time_mix_", "channel_mix_", "shortconv.", NULL};
    return starts_any(part, prefixes);
}

void tr_block_note(struct tr_block *block, const char *part) {
    if (is_recurrent(part))
        block->recurrent = true;
    else if (starts(part, "attn_k.weight") || starts(part, "attn_kv"))
        block->attention = true;
    else if (starts(part, "attn_q.weight") || starts(part, "attn_qkv.weight"))
        block->query = true;
    else if (starts(part, "nextn."))
        block->prediction = true;
    if (starts(part, "attn_kv_a_mqa."))
        block->compressed = true;
    if (starts(part, "attn_k_b."))
        block->absorbed = true;
}

bool tr_block_attends(const struct tr_block *block) {
    /* Linear attention, too, has a fused matrix of queries, keys and values; a block with queries
     * alone uses the cache of an earlier one. */
    return !block->prediction && (block->attention || (block->query && !block->recurrent));
}

/* "ffn_gate.7.weight": routed expert 7 in files from before experts were stored in one tensor. */
static bool is_single_expert(const char *part) {
    static const char *const prefixes[] = {"ffn_gate.", "ffn_up.", "ffn_down.", NULL};
    return starts_any(part, prefixes) && isdigit((unsigned char)strchr(part, '.')[1]);
}

static enum tr_tensor_class outside_class(const char *name, bool *ret_known) {
    static const char *const skipped[] = {"v.", "mm.", "a.", "enc.", "cls", "resampler.", NULL};
    static const char *const one_row[] = {"token_embd.", "per_layer_token_embd.", "position_embd.",
                                          "token_types.", NULL};
    static const char *const small[] = {"output_norm", "token_embd_norm",     "rope_f",
                                        "output.bias", "per_layer_proj_norm", NULL};
    static const char *const whole[] = {"per_layer_model_proj.", "altup_", "dense_", NULL};
    *ret_known = true;
    if (starts(name, "output.weight"))
        return TR_TENSOR_OUTPUT;
    if (starts_any(name, small))
        return TR_TENSOR_NORM;
    if (starts_any(name, one_row))
        return TR_TENSOR_EMBEDDING;
    if (starts_any(name, skipped))
        return TR_TENSOR_SKIPPED;
    *ret_known = starts_any(name, whole);
    return TR_TENSOR_FFN;
}

enum tr_tensor_class tr_tensor_class_of(const struct tr_tensor *tensor,
                                        const struct tr_block *block, const char *part,
                                        bool *ret_known) {
    static const char *const attention[] = {"attn_", "indexer.", "cross_attn_", NULL};
    static const char *const whole[] = {"ffn_",     "laurel_",   "altup_",     "proj.",
                                        "inp_gate", "per_layer", "layer_out_", NULL};
    if (!block)
        return outside_class(part, ret_known);
    *ret_known = true;
    if (block->prediction)
        return TR_TENSOR_SKIPPED;
    if (strstr(part, "_exps.") || is_single_expert(part))
        return TR_TENSOR_EXPERTS;
    if (strstr(part, "_shexp.") || strstr(part, "_chexps."))
        return TR_TENSOR_SHARED;
    if (starts(part, "ffn_gate_inp") || starts(part, "exp_probs_b"))
        return TR_TENSOR_ROUTER;
    if (is_recurrent(part))
        return TR_TENSOR_RECURRENT;
    if (tensor->n_dims <= 1 || strstr(part, "norm"))
        return TR_TENSOR_NORM;
    /* Files converted for the absorbed form carry both; only one of them is read. */
    if (block->absorbed && starts(part, "attn_kv_b."))
        return TR_TENSOR_SKIPPED;
    if (starts_any(part, attention))
        return block->recurrent && !tr_block_attends(block) ? TR_TENSOR_RECURRENT
                                                            : TR_TENSOR_ATTENTION;
    *ret_known = starts_any(part, whole);
    return TR_TENSOR_FFN;
}
