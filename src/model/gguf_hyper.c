/* Metadata keys to hyper-parameters. Weights are never sized from these keys, only from the tensor
 * list; the keys tell how many experts are used and what attention reads. */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hyper.h"
#include "term.h"

enum { MAX_HEADS = 65536, MAX_LENGTH = 1 << 20, MAX_EXPERTS = 65536 };

struct keys {
    const struct tr_gguf *gguf;
    const char *file;
    const char *architecture;
    int blocks;
    int code; /* first failure */
    struct tr_err *reterr;
};

static const struct tr_gguf_value *find(const struct keys *keys, const char *key) {
    char full[160];
    snprintf(full, sizeof(full), "%s.%s", keys->architecture, key);
    return tr_gguf_get(keys->gguf, full);
}

static bool is_whole(uint32_t type) {
    return type < TR_GGUF_TYPE_COUNT && type != TR_GGUF_FLOAT32 && type != TR_GGUF_FLOAT64 &&
           type != TR_GGUF_STRING && type != TR_GGUF_ARRAY;
}

static int refuse(struct keys *keys, const struct tr_gguf_value *value, const char *expected) {
    if (!keys->code) {
        char *shown = tr_printable(value->key);
        keys->code = tr_err_set(keys->reterr, TR_EFORMAT, "%.300s: byte %" PRIu64 ": %.80s: %s",
                                keys->file, value->at, shown ? shown : "?", expected);
        free(shown);
    }
    return 0;
}

static int in_range(struct keys *keys, const struct tr_gguf_value *value, int64_t number, int max) {
    char expected[96];
    if (number >= 0 && number <= max)
        return (int)number;
    snprintf(expected, sizeof(expected), "the value is %" PRId64 ", expected 0 to %d", number, max);
    return refuse(keys, value, expected);
}

/* `otherwise` where the key is absent. */
static int get(struct keys *keys, const char *key, int max, int otherwise) {
    const struct tr_gguf_value *value = find(keys, key);
    if (!value)
        return otherwise;
    if (!is_whole(value->type))
        return refuse(keys, value, "expected a whole number");
    return in_range(keys, value, value->integer, max);
}

/* The same for keys that may be one number or one for each block. */
static int get_for_block(struct keys *keys, const char *key, int block, int max, int otherwise) {
    const struct tr_gguf_value *value = find(keys, key);
    if (!value || value->type != TR_GGUF_ARRAY)
        return get(keys, key, max, otherwise);
    if (!value->integers || value->n != (uint64_t)keys->blocks)
        return refuse(keys, value, "expected one whole number for each block");
    return in_range(keys, value, value->integers[block], max);
}

static int read_architecture(struct keys *keys, struct tr_hyper *hyper) {
    const struct tr_gguf_value *value = tr_gguf_get(keys->gguf, "general.architecture");
    if (!value)
        return tr_err_set(keys->reterr, TR_EFORMAT,
                          "%.300s: byte 24: expected the key general.architecture in the metadata",
                          keys->file);
    if (!value->text || !*value->text || strlen(value->text) >= sizeof(hyper->architecture)) {
        refuse(keys, value, "expected a text of 1 to 63 bytes");
        return keys->code;
    }
    snprintf(hyper->architecture, sizeof(hyper->architecture), "%s", value->text);
    keys->architecture = hyper->architecture;
    return 0;
}

/* Number of blocks, from the key or, without it, from the names of the tensors. */
static int read_blocks(struct keys *keys, struct tr_hyper *hyper) {
    int blocks = get(keys, "block_count", TR_MAX_BLOCKS, -1);
    int most = find(keys, "decoder_block_count")
                   ? get(keys, "decoder_block_count", TR_MAX_BLOCKS, blocks)
                   : blocks;
    const char *part;
    if (most > blocks)
        blocks = most;
    int limit = blocks < 0 ? TR_MAX_BLOCKS : blocks;
    for (size_t i = 0; i < keys->gguf->n_tensors && !keys->code; i++) {
        const struct tr_tensor *tensor = &keys->gguf->tensors[i];
        int block = tr_tensor_block(tensor->name, &part);
        if (block >= limit)
            keys->code = tr_err_set(keys->reterr, TR_EFORMAT,
                                    "%.300s: byte %" PRIu64 " of file %" PRIu32
                                    ": a tensor of block %d, expected fewer than %d blocks",
                                    keys->file, tensor->at, tensor->shard + 1, block, limit);
        if (find(keys, "block_count") == NULL && block >= blocks)
            blocks = block + 1;
    }
    hyper->blocks = keys->blocks = blocks < 0 ? 0 : blocks;
    return keys->code ? keys->code : tr_hyper_allocate(hyper);
}

static void note_blocks(struct keys *keys, struct tr_hyper *hyper) {
    int prediction = get(keys, "nextn_predict_layers", TR_MAX_BLOCKS, 0);
    const char *part;
    for (size_t i = 0; i < keys->gguf->n_tensors; i++) {
        int block = tr_tensor_block(keys->gguf->tensors[i].name, &part);
        if (block >= 0)
            tr_block_note(&hyper->use[block], part);
    }
    for (int i = 0; i < prediction && i < hyper->blocks; i++)
        hyper->use[hyper->blocks - 1 - i].prediction = true;
}

static int read_experts(struct keys *keys, struct tr_hyper *hyper, struct tr_model *notes) {
    hyper->experts = get(keys, "expert_count", MAX_EXPERTS, 0);
    hyper->experts_used = get(keys, "expert_used_count", MAX_EXPERTS, 0);
    if (!keys->code && hyper->experts && hyper->experts_used > hyper->experts)
        refuse(keys, find(keys, "expert_used_count"), "expected at most expert_count");
    if (keys->code)
        return keys->code;
    const struct tr_tensor *experts = NULL;
    for (size_t i = 0; i < keys->gguf->n_tensors && !experts; i++)
        if (strstr(keys->gguf->tensors[i].name, "_exps.weight"))
            experts = &keys->gguf->tensors[i];
    if (experts && !hyper->experts && experts->ne[2] <= MAX_EXPERTS)
        hyper->experts = (int)experts->ne[2];
    if (experts && !hyper->experts_used)
        return tr_model_note(notes, "How many experts a token uses is not in the file: all are "
                                    "counted, so the real traffic is lower");
    return 0;
}

/* Sliding window of a block, 0 = whole context. */
static int window_of(struct keys *keys, const struct tr_architecture *architecture, int block) {
    static const char pattern[] = "attention.sliding_window_pattern";
    int window =
        get(keys, "attention.sliding_window", INT_MAX, architecture ? architecture->window : 0);
    const struct tr_gguf_value *value = find(keys, pattern);
    if (value && value->type == TR_GGUF_ARRAY)
        return get_for_block(keys, pattern, block, 1, 0) ? window : 0;
    int period = get(keys, pattern, TR_MAX_BLOCKS, architecture ? architecture->window_period : 0);
    return tr_block_is_windowed(period, block) ? window : 0;
}

static void read_attention(struct keys *keys, struct tr_hyper *hyper) {
    const struct tr_architecture *architecture = tr_architecture_find(hyper->architecture);
    int compressed = get(keys, "attention.kv_lora_rank", MAX_LENGTH, 0);
    int rotary = get(keys, "rope.dimension_count", MAX_LENGTH, 0);
    bool expanded = find(keys, "attention.key_length_mla") != NULL;
    for (int i = 0; i < hyper->blocks && !keys->code; i++) {
        struct tr_attention_layer *layer = &hyper->attention[i];
        layer->heads = get_for_block(keys, "attention.head_count", i, MAX_HEADS, 0);
        if (!layer->heads)
            continue;
        layer->kv_heads =
            get_for_block(keys, "attention.head_count_kv", i, MAX_HEADS, layer->heads);
        layer->window = window_of(keys, architecture, i);
        int width = hyper->embedding_length / layer->heads;
        layer->key_length = get(keys, "attention.key_length", MAX_LENGTH, width);
        layer->value_length = get(keys, "attention.value_length", MAX_LENGTH, width);
        if (layer->window) {
            layer->key_length =
                get(keys, "attention.key_length_swa", MAX_LENGTH, layer->key_length);
            layer->value_length =
                get(keys, "attention.value_length_swa", MAX_LENGTH, layer->value_length);
        }
        /* Multi-head latent attention caches one compressed row for all heads, if the engine gets
         * the expansion of keys and of values as two tensors. */
        if (compressed && hyper->use[i].compressed && (hyper->use[i].absorbed || expanded)) {
            layer->mla = true;
            layer->kv_heads = 1;
            layer->key_length = compressed + rotary;
            layer->value_length = compressed;
        }
        /* Hybrids give 0 heads for the cache to blocks without attention. */
        if (!layer->kv_heads)
            hyper->use[i].attention = hyper->use[i].query = false;
    }
}

/* State that each recurrent block reads and writes for one token, F32. */
static double state_bytes(struct keys *keys, const struct tr_hyper *hyper) {
    double inner = get(keys, "ssm.inner_size", INT_MAX, 0);
    double state = get(keys, "ssm.state_size", MAX_LENGTH, 0);
    double kernel = get(keys, "ssm.conv_kernel", MAX_LENGTH, 1);
    double groups = get(keys, "ssm.group_count", MAX_LENGTH, 0);
    double head = get(keys, "wkv.head_size", MAX_LENGTH, 0);
    double linear = get(keys, "kda.head_dim", MAX_LENGTH, 0);
    double cached = get(keys, "shortconv.l_cache", MAX_LENGTH, 1);
    double heads = 0, numbers = 0;
    for (int i = 0; i < hyper->blocks; i++)
        if (hyper->attention[i].heads > heads)
            heads = hyper->attention[i].heads;
    if (inner > 0 && state > 0)
        numbers = inner * state + (kernel - 1) * (inner + 2 * groups * state);
    else if (head > 0)
        numbers = hyper->embedding_length * (head + 2);
    else if (linear > 0)
        numbers = heads * linear * (linear + 3 * (kernel - 1));
    else
        numbers = (cached - 1) * hyper->embedding_length;
    return numbers > 0 ? 2 * numbers * (double)sizeof(float) : 0;
}

static int note_doubts(const struct keys *keys, const struct tr_hyper *hyper,
                       struct tr_model *notes) {
    int unsized = 0, recurrent = 0, code = 0;
    for (int i = 0; i < hyper->blocks; i++) {
        unsized += tr_block_attends(&hyper->use[i]) && hyper->attention[i].heads == 0;
        recurrent += hyper->use[i].recurrent;
    }
    if (!hyper->architecture_known) {
        char *shown = tr_printable(hyper->architecture);
        code = tr_model_note(notes,
                             "Architecture '%s' is not known: its bytes come from the list of "
                             "tensors, its attention from the usual keys",
                             shown ? shown : "?");
        free(shown);
        if (!code && find(keys, "attention.sliding_window") &&
            !find(keys, "attention.sliding_window_pattern"))
            code = tr_model_note(notes, "Which blocks use the sliding window is not in the file: "
                                        "all are taken to see the whole context");
    }
    if (!code && unsized)
        code = tr_model_note(notes,
                             "%d blocks have attention, but the file does not say how many heads: "
                             "their cache and operations are left out",
                             unsized);
    if (!code && recurrent && !(hyper->state_bytes > 0))
        code = tr_model_note(notes, "The size of the recurrent state is not in the file and is "
                                    "left out");
    return code;
}

int tr_hyper_from_gguf(const struct tr_gguf *gguf, const char *name, struct tr_hyper *ret_hyper,
                       struct tr_model *notes, struct tr_err *reterr) {
    struct tr_hyper hyper = {0};
    struct keys keys = {.gguf = gguf, .file = name, .reterr = reterr};
    int code = read_architecture(&keys, &hyper);
    if (!code)
        code = read_blocks(&keys, &hyper);
    if (code)
        goto out;
    hyper.architecture_known = tr_architecture_find(hyper.architecture) != NULL;
    hyper.context_length = get(&keys, "context_length", INT_MAX, 0);
    hyper.embedding_length = get(&keys, "embedding_length", MAX_LENGTH, 0);
    note_blocks(&keys, &hyper);
    code = read_experts(&keys, &hyper, notes);
    if (!code) {
        read_attention(&keys, &hyper);
        hyper.state_bytes = state_bytes(&keys, &hyper);
        code = keys.code;
    }
    if (!code)
        code = note_doubts(&keys, &hyper, notes);
out:
    if (code) {
        tr_hyper_finish(&hyper);
        return code;
    }
    *ret_hyper = hyper;
    return 0;
}
