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
    /* Of all blocks; NULL: by the rules above. */
    const char *values;       /* attn_v, */
    const char *first_values; /* in the first two blocks, */
    const char *few_values;   /* and where less than four heads share one of it; NULL: as values */
    const char *down;         /* ffn_down, */
    const char *first_down;   /* in the first sixteenth of the blocks; NULL: as down */
    const char *attention;    /* attn_output; NULL: as base */
};

static const struct tr_mix mixes[] = {
    {.name = "f32", .base = "F32", .output = "F32"},
    {.name = "f16", .base = "F16", .output = "F16"},
    {.name = "bf16", .base = "BF16", .output = "BF16"},
    {.name = "q8_0", .base = "Q8_0", .output = "Q8_0"},
    {.name = "q6_k", .base = "Q6_K", .output = "Q6_K"},
    {.name = "q5_k_m",
     .base = "Q5_K",
     .output = "Q6_K",
     .more = "Q6_K",
     .more_blocks = OUTER_AND_THIRDS,
     .fused = "Q6_K"},
    {.name = "q4_k_m",
     .base = "Q4_K",
     .output = "Q6_K",
     .more = "Q6_K",
     .more_blocks = OUTER_AND_THIRDS,
     .fused = "Q5_K"},
    {.name = "q4_k_s",
     .base = "Q4_K",
     .output = "Q6_K",
     .more = "Q5_K",
     .more_blocks = FIRST_EIGHTH},
    {.name = "q4_0", .base = "Q4_0", .output = "Q6_K"},
    {.name = "mxfp4", .base = "Q8_0", .output = "Q8_0", .experts = "MXFP4"},
    {.name = "q5_k_s", .base = "Q5_K", .output = "Q6_K"},
    {.name = "q5_1", .base = "Q5_1", .output = "Q6_K"},
    {.name = "q5_0", .base = "Q5_0", .output = "Q6_K"},
    {.name = "q4_1", .base = "Q4_1", .output = "Q6_K"},
    {.name = "iq4_xs",
     .base = "IQ4_XS",
     .output = "Q6_K",
     .values = "Q5_K",
     .few_values = "IQ4_XS"},
    {.name = "q3_k_l",
     .base = "Q3_K",
     .output = "Q6_K",
     .values = "Q5_K",
     .down = "Q5_K",
     .attention = "Q5_K",
     .fused = "Q4_K"},
    {.name = "q3_k_m",
     .base = "Q3_K",
     .output = "Q6_K",
     .values = "Q4_K",
     .first_values = "Q5_K",
     .down = "Q4_K",
     .first_down = "Q5_K",
     .attention = "Q4_K",
     .fused = "Q4_K"},
    {.name = "q3_k_s", .base = "Q3_K", .output = "Q6_K"},
    {.name = "q2_k",
     .base = "Q2_K",
     .output = "Q6_K",
     .values = "Q4_K",
     .few_values = "Q3_K",
     .down = "Q3_K",
     .attention = "Q3_K"},
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
    static const char *const names[] = {
        "f32",    "f16",  "bf16", "q8_0", "q6_k",   "q5_k_m", "q4_k_m", "q4_k_s", "q4_0", "mxfp4",
        "q5_k_s", "q5_1", "q5_0", "q4_1", "iq4_xs", "q3_k_l", "q3_k_m", "q3_k_s", "q2_k", NULL};
    _Static_assert(sizeof(names) / sizeof(names[0]) == N_MIXES + 1, "one name for each mix");
    return names;
}

/* K types come in rows of 256 elements; where a row does not fit, a type of blocks of 32 takes
 * their place. */
static const char *fitting(const char *type, uint64_t row) {
    static const char *const instead[][2] = {{"Q2_K", "IQ4_NL"},   {"Q3_K", "IQ4_NL"},
                                             {"IQ4_XS", "IQ4_NL"}, {"Q4_K", "Q5_0"},
                                             {"Q5_K", "Q5_1"},     {"Q6_K", "Q8_0"}};
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

/* By rules that name a type for all blocks; NULL where there is none. */
static const char *stated_type(const struct tr_mix *mix, const struct tr_catalogue_model *model,
                               int block, const char *part) {
    if (!strcmp(part, "attn_v.weight") && mix->values) {
        bool few = model->kv_heads > 0 && model->heads < 4 * model->kv_heads;
        const char *type = few && mix->few_values           ? mix->few_values
                           : block < 2 && mix->first_values ? mix->first_values
                                                            : mix->values;
        bool coarse = !strcmp(type, "Q3_K") || !strcmp(type, "Q4_K");
        return coarse && model->blocks == 80 ? "Q5_K" : type;
    }
    if (!strncmp(part, "ffn_down", 8) && !strstr(part, "shexp") && mix->down)
        return mix->first_down && block < model->blocks / 16 ? mix->first_down : mix->down;
    return !strcmp(part, "attn_output.weight") ? mix->attention : NULL;
}

static const char *block_type(const struct tr_mix *mix, const struct tr_catalogue_model *model,
                              int block, const char *part) {
    bool values = !strcmp(part, "attn_v.weight");
    bool down = !strcmp(part, "ffn_down.weight") || !strcmp(part, "ffn_down_exps.weight");
    bool many_bits = !mix->more; /* a mix of one type makes no exceptions */
    int blocks = model->blocks + model->prediction_blocks;
    if (mix->experts && strstr(part, "_exps."))
        return mix->experts;
    const char *stated = stated_type(mix, model, block, part);
    if (stated)
        return stated;
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
