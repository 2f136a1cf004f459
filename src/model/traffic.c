/* Bytes and operations of one token. Sources of the rules: which tensors the graphs of llama.cpp
 * read when a token is generated; 2 FLOP per weight of a matrix and token. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hyper.h"

enum {
    MAX_TYPE_ID = 512,
    KV_ELEMENT_BYTES = 2, /* F16 cache */
    MAX_PRODUCTS = 512,   /* kinds of matrix; known models: fewer than 40 */
};

static double elements(const struct tr_tensor *tensor) {
    return (double)tensor->ne[0] * (double)tensor->ne[1] * (double)tensor->ne[2] *
           (double)tensor->ne[3];
}

/* Part of a tensor's elements that one token uses. */
static double active_fraction(const struct tr_tensor *tensor, enum tr_tensor_class tensor_class,
                              const struct tr_hyper *hyper) {
    switch (tensor_class) {
    case TR_TENSOR_EMBEDDING:
        return tensor->ne[1] ? 1.0 / (double)tensor->ne[1] : 0;
    case TR_TENSOR_EXPERTS:
        return hyper->experts > 0 && hyper->experts_used > 0
                   ? (double)hyper->experts_used / hyper->experts
                   : 1;
    case TR_TENSOR_SKIPPED:
        return 0;
    default:
        return 1;
    }
}

/* What llama.cpp computes after it has chosen the tokens whose output is wanted (inp_out_ids, in
 * the last block after its attention), the vocabulary matrix aside. */
static bool is_after_choice(int block, enum tr_tensor_class tensor_class,
                            const struct tr_hyper *hyper) {
    int last = hyper->blocks - 1;
    while (last >= 0 && hyper->use[last].prediction)
        last--;
    return block >= 0 && block == last &&
           (tensor_class == TR_TENSOR_FFN || tensor_class == TR_TENSOR_EXPERTS ||
            tensor_class == TR_TENSOR_SHARED || tensor_class == TR_TENSOR_ROUTER);
}

static void add_tensor(struct tr_model *model, const struct tr_tensor *tensor,
                       enum tr_tensor_class tensor_class, double fraction, bool after_choice) {
    struct tr_tensor_sum *sum = &model->classes[tensor_class];
    double count = elements(tensor);
    sum->tensors++;
    sum->parameters += (uint64_t)count;
    sum->file_bytes += tensor->bytes;
    sum->bytes_per_token += (double)tensor->bytes * fraction;
    if (tensor_class != TR_TENSOR_EMBEDDING) /* a row is copied, not multiplied */
        sum->flop_per_token += 2 * count * fraction;
    if (after_choice)
        sum->last_block_flop += 2 * count * fraction;
}

static int add_product(struct tr_model *model, const struct tr_tensor *tensor,
                       enum tr_tensor_class tensor_class, const struct tr_hyper *hyper,
                       bool after_choice) {
    bool routed = tensor_class == TR_TENSOR_EXPERTS && tensor->ne[2] > 1;
    struct tr_product product = {
        .type = tensor->type->name,
        .rows = (int64_t)(routed ? tensor->ne[1] : tensor->ne[1] * tensor->ne[2]),
        .columns = (int64_t)tensor->ne[0],
        .experts = routed ? (int)tensor->ne[2] : 0,
        .experts_used = !routed                   ? 0
                        : hyper->experts_used > 0 ? hyper->experts_used
                                                  : (int)tensor->ne[2],
        .count = routed ? 1 : active_fraction(tensor, tensor_class, hyper),
        .tensor_class = tensor_class,
    };
    product.last_block_count = after_choice ? product.count : 0;
    for (size_t i = 0; i < model->n_products; i++) {
        struct tr_product *one = &model->products[i];
        if (one->type == product.type && one->rows == product.rows &&
            one->columns == product.columns && one->experts == product.experts &&
            one->tensor_class == product.tensor_class) {
            one->count += product.count;
            one->last_block_count += product.last_block_count;
            return 0;
        }
    }
    if (model->n_products == MAX_PRODUCTS)
        return 0;
    struct tr_product *all = realloc(model->products, (model->n_products + 1) * sizeof(*all));
    if (!all)
        return TR_ENOMEM;
    model->products = all;
    all[model->n_products++] = product;
    return 0;
}

/* Convolutions along the tokens are stored as matrices, but are none. */
static bool is_product(const struct tr_tensor *tensor, enum tr_tensor_class tensor_class) {
    return tensor->n_dims >= 2 && tensor_class != TR_TENSOR_EMBEDDING &&
           tensor_class != TR_TENSOR_NORM && tensor_class != TR_TENSOR_SKIPPED &&
           !strstr(tensor->name, "conv");
}

/* Without a vocabulary matrix of its own a model uses its embedding table as such. */
static int add_tied_output(struct tr_model *model, const struct tr_hyper *hyper,
                           const struct tr_tensor *tensors, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (strcmp(tensors[i].name, "token_embd.weight") != 0)
            continue;
        struct tr_tensor_sum *sum = &model->classes[TR_TENSOR_OUTPUT];
        sum->bytes_per_token += (double)tensors[i].bytes;
        sum->flop_per_token += 2 * elements(&tensors[i]);
        return add_product(model, &tensors[i], TR_TENSOR_OUTPUT, hyper, false);
    }
    return 0;
}

static int add_layers(struct tr_model *model, const struct tr_hyper *hyper) {
    model->layers = calloc((size_t)hyper->blocks + 1, sizeof(*model->layers));
    if (!model->layers)
        return TR_ENOMEM;
    int recurrent = 0;
    for (int i = 0; i < hyper->blocks; i++) {
        const struct tr_attention_layer *layer = &hyper->attention[i];
        if (tr_block_attends(&hyper->use[i]) && layer->heads > 0 && layer->kv_heads > 0)
            model->layers[model->n_layers++] = *layer;
        if (hyper->use[i].recurrent && !hyper->use[i].prediction)
            recurrent++;
    }
    model->recurrent_state_bytes = recurrent * hyper->state_bytes;
    return 0;
}

static int set_quantization(struct tr_model *model, const uint64_t *bytes_by_type) {
    uint32_t best = 0;
    for (uint32_t id = 1; id < MAX_TYPE_ID; id++)
        if (bytes_by_type[id] > bytes_by_type[best])
            best = id;
    const struct tr_quant *quant = tr_quant_by_id(best);
    model->quantization = strdup(quant ? quant->name : "F32");
    return model->quantization ? 0 : TR_ENOMEM;
}

int tr_model_fill(struct tr_model *model, const struct tr_hyper *hyper,
                  const struct tr_tensor *tensors, size_t n_tensors) {
    uint64_t bytes_by_type[MAX_TYPE_ID] = {0};
    size_t unknown = 0;
    int code = 0;
    for (size_t i = 0; i < n_tensors; i++) {
        const struct tr_tensor *tensor = &tensors[i];
        const char *part;
        bool known;
        int block = tr_tensor_block(tensor->name, &part);
        enum tr_tensor_class tensor_class = tr_tensor_class_of(
            tensor, block >= 0 && block < hyper->blocks ? &hyper->use[block] : NULL, part, &known);
        bool after_choice = is_after_choice(block, tensor_class, hyper);
        add_tensor(model, tensor, tensor_class, active_fraction(tensor, tensor_class, hyper),
                   after_choice);
        if (is_product(tensor, tensor_class) && !code)
            code = add_product(model, tensor, tensor_class, hyper, after_choice);
        unknown += !known;
        if (tensor->type->id < MAX_TYPE_ID)
            bytes_by_type[tensor->type->id] += tensor->bytes;
    }
    if (!model->classes[TR_TENSOR_OUTPUT].tensors && !code)
        code = add_tied_output(model, hyper, tensors, n_tensors);

    for (int i = 0; i < TR_TENSOR_CLASS_COUNT; i++) {
        const struct tr_tensor_sum *sum = &model->classes[i];
        model->parameters += sum->parameters;
        model->weight_bytes_per_token += sum->bytes_per_token;
        model->flop_per_token += sum->flop_per_token;
    }
    model->active_parameters = (uint64_t)(model->flop_per_token / 2);
    model->prompt_flop_per_token =
        model->flop_per_token - model->classes[TR_TENSOR_OUTPUT].flop_per_token;
    for (int i = 0; i < hyper->blocks; i++)
        model->blocks += !hyper->use[i].prediction;
    model->context_length = hyper->context_length;
    model->embedding_length = hyper->embedding_length;
    model->experts = hyper->experts;
    model->experts_used = hyper->experts_used;
    model->architecture_known = hyper->architecture_known;
    if (!code)
        code = add_layers(model, hyper);
    if (!code)
        code = set_quantization(model, bytes_by_type);
    if (!code && unknown)
        code = tr_model_note(model, "%zu tensors of unknown use are counted as read for each token",
                             unknown);
    if (!code && model->classes[TR_TENSOR_SKIPPED].tensors)
        code = tr_model_note(model,
                             "%.2f GB of tensors are not read in ordinary decoding: multi-token "
                             "prediction, vision or audio parts, second forms of other tensors",
                             (double)model->classes[TR_TENSOR_SKIPPED].file_bytes / 1e9);
    return code;
}

/* Bytes of one position in the cache of a layer. */
static double row_bytes(const struct tr_attention_layer *layer) {
    double row = layer->mla ? (double)layer->key_length
                            : layer->kv_heads * ((double)layer->key_length + layer->value_length);
    return row * KV_ELEMENT_BYTES;
}

static double visible(const struct tr_attention_layer *layer, double depth) {
    return layer->window > 0 ? fmin(depth, layer->window) : depth;
}

double tr_model_kv_bytes_per_position(const struct tr_model *model) {
    double bytes = 0;
    for (size_t i = 0; i < model->n_layers; i++)
        bytes += row_bytes(&model->layers[i]);
    return bytes;
}

double tr_model_kv_bytes(const struct tr_model *model, double depth) {
    double bytes = 0;
    for (size_t i = 0; i < model->n_layers; i++)
        bytes += row_bytes(&model->layers[i]) * visible(&model->layers[i], depth);
    return bytes;
}

double tr_model_attention_flop(const struct tr_model *model, double depth) {
    double flop = 0;
    for (size_t i = 0; i < model->n_layers; i++) {
        const struct tr_attention_layer *layer = &model->layers[i];
        flop += 2.0 * layer->heads * ((double)layer->key_length + layer->value_length) *
                visible(layer, depth);
    }
    return flop;
}
