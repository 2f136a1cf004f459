#include "tokenroof/model.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hyper.h"
#include "strbuf.h"
#include "term.h"

static const char *const class_names[TR_TENSOR_CLASS_COUNT] = {
    [TR_TENSOR_EMBEDDING] = "embedding", [TR_TENSOR_ATTENTION] = "attention",
    [TR_TENSOR_FFN] = "feed-forward",    [TR_TENSOR_EXPERTS] = "experts",
    [TR_TENSOR_SHARED] = "shared",       [TR_TENSOR_ROUTER] = "router",
    [TR_TENSOR_RECURRENT] = "recurrent", [TR_TENSOR_NORM] = "norm",
    [TR_TENSOR_OUTPUT] = "output",       [TR_TENSOR_SKIPPED] = "skipped",
};

const char *tr_tensor_class_name(enum tr_tensor_class tensor_class) {
    return (unsigned)tensor_class < TR_TENSOR_CLASS_COUNT ? class_names[tensor_class] : NULL;
}

static const struct tr_architecture architectures[] = {
#define TR_ARCHITECTURE(name, period, window) {name, period, window},
#include "architectures.def"
#undef TR_ARCHITECTURE
};

const struct tr_architecture *tr_architecture_find(const char *name) {
    for (size_t i = 0; i < sizeof(architectures) / sizeof(architectures[0]); i++)
        if (!strcmp(architectures[i].name, name))
            return &architectures[i];
    return NULL;
}

bool tr_block_is_windowed(int period, int block) {
    if (period > 0)
        return block % period < period - 1;
    return period < 0 && block % -period != 0;
}

int tr_hyper_allocate(struct tr_hyper *hyper) {
    hyper->use = calloc((size_t)hyper->blocks + 1, sizeof(*hyper->use));
    hyper->attention = calloc((size_t)hyper->blocks + 1, sizeof(*hyper->attention));
    return hyper->use && hyper->attention ? 0 : TR_ENOMEM;
}

void tr_hyper_finish(struct tr_hyper *hyper) {
    free(hyper->use);
    free(hyper->attention);
    *hyper = (struct tr_hyper){0};
}

int tr_model_note(struct tr_model *model, const char *format, ...) {
    struct tr_strbuf text = {0};
    va_list args;
    va_start(args, format);
    tr_strbuf_vaddf(&text, format, args);
    va_end(args);
    char *note = tr_strbuf_take(&text);
    char **notes = note ? realloc(model->notes, (model->n_notes + 1) * sizeof(*notes)) : NULL;
    if (!notes) {
        free(note);
        return TR_ENOMEM;
    }
    model->notes = notes;
    model->notes[model->n_notes++] = note;
    return 0;
}

void tr_model_destroy(struct tr_model *model) {
    if (!model)
        return;
    for (size_t i = 0; i < model->n_notes; i++)
        free(model->notes[i]);
    free(model->notes);
    free(model->name);
    free(model->architecture);
    free(model->quantization);
    free(model->layers);
    free(model->products);
    free(model->source);
    free(model);
}

/* File name without folders and ".gguf", and without the number of a split set. */
static char *model_name(const char *path) {
    const char *slash = strrchr(path, '/');
    char *name = tr_printable(slash ? slash + 1 : path);
    char *end = name ? strstr(name, ".gguf") : NULL;
    if (end && end > name)
        *end = '\0';
    char *split = name ? strstr(name, "-00001-of-") : NULL;
    if (split && split > name)
        *split = '\0';
    return name;
}

int tr_model_from_gguf(const struct tr_gguf *gguf, const char *name, struct tr_model **ret_model,
                       struct tr_err *reterr) {
    struct tr_hyper hyper = {0};
    struct tr_model *model = calloc(1, sizeof(*model));
    int code = model ? tr_hyper_from_gguf(gguf, name, &hyper, model, reterr) : TR_ENOMEM;
    if (code)
        goto out;
    model->name = model_name(name);
    model->architecture = tr_printable(hyper.architecture);
    model->file_bytes = gguf->file_bytes;
    code = model->name && model->architecture
               ? tr_model_fill(model, &hyper, gguf->tensors, gguf->n_tensors)
               : TR_ENOMEM;
    if (!code && !(model->weight_bytes_per_token > 0))
        code = tr_err_set(reterr, TR_EFORMAT,
                          "%.300s: byte 8: %zu tensors, none of which generates tokens. Expected a "
                          "language model, not a vocabulary, an adapter or a vision part",
                          name, gguf->n_tensors);
out:
    tr_hyper_finish(&hyper);
    if (code) {
        tr_model_destroy(model);
        return code;
    }
    *ret_model = model;
    return 0;
}

int tr_model_read_gguf(const char *path, struct tr_model **ret_model, struct tr_err *reterr) {
    struct tr_gguf gguf = {0};
    int code = tr_gguf_read_file(path, &gguf, reterr);
    if (!code)
        code = tr_model_from_gguf(&gguf, path, ret_model, reterr);
    tr_gguf_finish(&gguf);
    return code;
}

int tr_model_load(const char *model, struct tr_model **ret_model, struct tr_err *reterr) {
    if (strchr(model, '/') || strstr(model, ".gguf") || !access(model, F_OK))
        return tr_model_read_gguf(model, ret_model, reterr);
    return tr_model_from_catalogue(model, ret_model, reterr);
}
