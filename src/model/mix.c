/* Which type each tensor gets under a named quantisation. The rules are those by which llama.cpp's
 * quantisation tool chooses without an importance matrix (its documentation calls them mixtures):
 * more bits for the vocabulary matrix, for attention values, and for the down projection in the
 * blocks where errors cost most. */
#include <string.h>
#include <strings.h>

#include "catalogue.h"

struct tr_mix {
    const char *name;
    const char *base;    /* most matrices */
    const char *output;  /* vocabulary matrix, or the embedding table that serves as such */
    const char *more;    /* attn_v and ffn_down in the blocks of more_blocks; NULL: none */
    const char *experts; /* NULL: as the same matrix of a dense model */
    enum { NO_BLOCKS, OUTER_AND_THIRDS, FIRST_EIGHTH } more_blocks;
    const char *fused; /* queries, keys and values in one matrix; NULL: as base */
};

static const struct tr_mix mixes[] = {
    {"f32", "F32", "F32", NULL, NULL, NO_BLOCKS, NULL},
    {"f16", "F16", "F16", NULL, NULL, NO_BLOCKS, NULL},
    {"bf16", "BF16", "BF16", NULL, NULL, NO_BLOCKS, NULL},
    {"q8_0", "Q8_0", "Q8_0", NULL, NULL, NO_BLOCKS, NULL},
    {"q6_k", "Q6_K", "Q6_K", NULL, NULL, NO_BLOCKS, NULL},
    {"q5_k_m", "Q5_K", "Q6_K", "Q6_K", NULL, OUTER_AND_THIRDS, "Q6_K"},
    {"q4_k_m", "Q4_K", "Q6_K", "Q6_K", NULL, OUTER_AND_THIRDS, "Q5_K"},
    {"q4_k_s", "Q4_K", "Q6_K", "Q5_K", NULL, FIRST_EIGHTH, NULL},
    {"q4_0", "Q4_0", "Q6_K", NULL, NULL, NO_BLOCKS, NULL},
    {"mxfp4", "Q8_0", "Q8_0", NULL, "MXFP4", NO_BLOCKS, NULL},
};
enum { N_MIXES = sizeof(mixes) / sizeof(mixes[0]) };

const struct tr_mix *tr_mix_find(const char *name) {
    for (size_t i = 0; i < N_MIXES; i++)
        if (!strcasecmp(mixes[i].name, name))
            return &mixes[i];
    return NULL;
}

const char *tr_mix_name(const struct tr_mix *mix) {
    return mix->name;
}

const char *const *tr_mix_names(void) {
    static const char *const names[] = {"f32",    "f16",    "bf16", "q8_0",  "q6_k", "q5_k_m",
                                        "q4_k_m", "q4_k_s", "q4_0", "mxfp4", NULL};
    _Static_assert(sizeof(names) / sizeof(names[0]) == N_MIXES + 1, "one name for each mix");
    return names;
}

/* K types come in rows of 256 elements; where a row does not fit, a type of blocks of 32 takes
 * their place. */
static const char *fitting(const char *type, uint64_t row) {
    static const char *const instead[][2] = {{"Q4_K", "Q5_0"}, {"Q5_K", "Q5_1"}, {"Q6_K", "Q8_0"}};
    if (row % 256 == 0)
        return type;
    for (size_t i = 0; i < sizeof(instead) / sizeof(instead[0]); i++)
        if (!strcmp(type, instead[i][0]))
            type = instead[i][1];
    return row % 32 == 0 || strchr(type, '_') == NULL ? type : "F16";
}

static bool has_more(const struct tr_mix *mix, int block, int blocks) {
    if (mix->more_blocks == FIRST_EIGHTH)
        return block < blocks / 8;
    int eighth = blocks / 8;
    return mix->more_blocks == OUTER_AND_THIRDS &&
           (block < eighth || block >= 7 * blocks / 8 || (block - eighth) % 3 == 2);
}

static const char *block_type(const struct tr_mix *mix, const struct tr_catalogue_model *model,
                              int block, const char *part) {
    bool values = !strcmp(part, "attn_v.weight");
    bool down = !strcmp(part, "ffn_down.weight") || !strcmp(part, "ffn_down_exps.weight");
    bool many_bits = !mix->more; /* a mix of one type makes no exceptions */
    int blocks = model->blocks + model->prediction_blocks;
    if (mix->experts && strstr(part, "_exps."))
        return mix->experts;
    /* Eight experts share one attention: its few bytes are worth more bits. */
    if (!many_bits && model->experts == 8 && (values || !strcmp(part, "attn_k.weight")))
        return "Q8_0";
    if (!many_bits && model->experts == 8 && !strcmp(part, "attn_output.weight"))
        return "Q5_K";
    /* Q4_K_S: the first four blocks have finer values. */
    if (values && mix->more_blocks == FIRST_EIGHTH)
        return block < 4 ? mix->more : mix->base;
    if (!strcmp(part, "attn_qkv.weight") && mix->fused)
        return mix->fused;
    /* A down projection of four times the width holds half of the weights: fewer bits there. */
    if (down && !strcmp(model->architecture, "falcon") && !strcmp(mix->base, "Q4_K") &&
        mix->more_blocks == OUTER_AND_THIRDS)
        return block < blocks / 16 ? "Q6_K" : has_more(mix, block, blocks) ? "Q5_K" : "Q4_K";
    if ((values || down) && has_more(mix, block, blocks))
        return mix->more;
    /* 80 blocks: eight heads share each value matrix. */
    if (values && !many_bits && blocks == 80 && !strcmp(mix->base, "Q4_K"))
        return "Q5_K";
    return mix->base;
}

const struct tr_quant *tr_mix_type(const struct tr_mix *mix, const struct tr_catalogue_model *model,
                                   const char *tensor_name, uint32_t n_dims, uint64_t row) {
    const char *part;
    const char *type = mix->base;
    int block = tr_tensor_block(tensor_name, &part);
    bool table = !strcmp(tensor_name, "token_embd.weight");
    if (!strcmp(tensor_name, "position_embd.weight"))
        return tr_quant_by_name("F32");
    /* Vectors, biases and the router stay as they are. */
    if (n_dims <= 1 || strstr(part, "ssm_conv1d") || !strncmp(part, "ffn_gate_inp", 12) ||
        strstr(part, ".bias"))
        return tr_quant_by_name("F32");
    if (!strcmp(tensor_name, "output.weight") || (table && model->tied))
        type = mix->output;
    else if (block >= 0)
        type = block_type(mix, model, block, part);
    return tr_quant_by_name(fitting(type, row));
}
