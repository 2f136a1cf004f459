#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>

#include "catalogue.h"
#include "csv.h"
#include "data.h"
#include "parse.h"
#include "strbuf.h"
#include "term.h"

/* Read once from the embedded table, constant from then on. */
static struct {
    struct tr_catalogue_model *models;
    size_t n;
    const char **names;         /* "<model>-<default quantisation>", NULL-ended */
    const char **default_names; /* those of `run`, NULL-ended */
} catalogue;
static once_flag catalogue_once = ONCE_FLAG_INIT;
static const char *const no_names[] = {NULL};

static int cell(const struct tr_csv *csv, size_t row, const char *column) {
    double value = tr_csv_number(csv, row, column);
    return isfinite(value) && value >= 0 && value < 1e9 ? (int)value : 0;
}

static void read_row(const struct tr_csv *csv, size_t row, struct tr_catalogue_model *model) {
    const struct {
        const char *column;
        int *to;
    } numbers[] = {
        {"blocks", &model->blocks},
        {"embedding", &model->embedding},
        {"heads", &model->heads},
        {"kv_heads", &model->kv_heads},
        {"key_length", &model->key_length},
        {"value_length", &model->value_length},
        {"feed_forward", &model->feed_forward},
        {"vocabulary", &model->vocabulary},
        {"experts", &model->experts},
        {"experts_used", &model->experts_used},
        {"expert_feed_forward", &model->expert_feed_forward},
        {"shared_feed_forward", &model->shared_feed_forward},
        {"dense_blocks", &model->dense_blocks},
        {"window", &model->window},
        {"q_lora", &model->q_lora},
        {"kv_lora", &model->kv_lora},
        {"rope_length", &model->rope_length},
        {"context", &model->context},
        {"attention_period", &model->attention_period},
        {"linear_key_heads", &model->linear_key_heads},
        {"linear_value_heads", &model->linear_value_heads},
        {"prediction_blocks", &model->prediction_blocks},
    };
    const struct {
        const char *column;
        char *to;
        size_t size;
    } texts[] = {
        {"name", model->name, sizeof(model->name)},
        {"architecture", model->architecture, sizeof(model->architecture)},
        {"default_quant", model->default_quant, sizeof(model->default_quant)},
        {"features", model->features, sizeof(model->features)},
        {"source", model->source, sizeof(model->source)},
    };
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        *numbers[i].to = cell(csv, row, numbers[i].column);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        snprintf(texts[i].to, texts[i].size, "%s", tr_csv_get(csv, row, texts[i].column));
    model->in_run = !strcmp(tr_csv_get(csv, row, "in_run"), "yes");
    model->tied = !strcmp(tr_csv_get(csv, row, "tied"), "yes");
    model->size_unverified = !strcmp(tr_csv_get(csv, row, "size"), "not verified");
    model->metadata_bytes = (uint64_t)cell(csv, row, "metadata_bytes");
}

static void load_catalogue(void) {
    const struct tr_data *data = tr_data_find("models.csv");
    struct tr_csv csv = {0};
    if (!data || tr_csv_parse(data->text, data->length, data->name, &csv, NULL))
        return;
    catalogue.models = calloc(csv.n_rows, sizeof(*catalogue.models));
    catalogue.names = calloc(csv.n_rows, sizeof(*catalogue.names));
    catalogue.default_names = calloc(csv.n_rows, sizeof(*catalogue.default_names));
    bool ok = catalogue.models && catalogue.names && catalogue.default_names;
    size_t defaults = 0;
    for (size_t i = 1; ok && i < csv.n_rows; i++) {
        struct tr_catalogue_model *model = &catalogue.models[catalogue.n];
        read_row(&csv, i, model);
        const char *name = tr_format("%s-%s", model->name, model->default_quant);
        if (!name)
            break;
        catalogue.names[catalogue.n++] = name;
        if (model->in_run)
            catalogue.default_names[defaults++] = name;
    }
    tr_csv_finish(&csv);
}

const char *const *tr_model_quant_names(void) {
    return tr_mix_names();
}

const char *const *tr_model_catalogue_names(void) {
    call_once(&catalogue_once, load_catalogue);
    return catalogue.n ? (const char *const *)catalogue.names : no_names;
}

const char *const *tr_model_default_names(void) {
    call_once(&catalogue_once, load_catalogue);
    return catalogue.n ? (const char *const *)catalogue.default_names : no_names;
}

/* Compares without case and without the characters by which people write names differently. */
static bool same_name(const char *a, const char *b) {
    static const char ignored[] = "-_.:";
    for (;; a++, b++) {
        while (*a && strchr(ignored, *a))
            a++;
        while (*b && strchr(ignored, *b))
            b++;
        if (tolower((unsigned char)*a) != tolower((unsigned char)*b))
            return false;
        if (!*a)
            return true;
    }
}

static const struct tr_catalogue_model *find(const char *name, const struct tr_mix **ret_mix) {
    for (size_t i = 0; i < catalogue.n; i++) {
        const struct tr_catalogue_model *model = &catalogue.models[i];
        if (same_name(name, model->name)) {
            *ret_mix = tr_mix_find(model->default_quant);
            return model;
        }
        for (const char *const *quant = tr_mix_names(); *quant; quant++) {
            char full[96];
            snprintf(full, sizeof(full), "%s-%s", model->name, *quant);
            if (same_name(name, full)) {
                *ret_mix = tr_mix_find(*quant);
                return model;
            }
        }
    }
    return NULL;
}

/* The nearest of all names, with and without quantisation; "" if none is near. */
static char *nearest_name(const char *name) {
    struct tr_strbuf text = {0};
    size_t n_quants = 0, n = 0;
    while (tr_mix_names()[n_quants])
        n_quants++;
    size_t capacity = catalogue.n * (n_quants + 1) + 1;
    char **all = calloc(capacity, sizeof(*all));
    for (size_t i = 0; all && i < catalogue.n; i++)
        for (size_t j = 0; j <= n_quants; j++) {
            const char *model = catalogue.models[i].name;
            all[n] = j ? tr_format("%s-%s", model, tr_mix_names()[j - 1]) : strdup(model);
            n += all[n] != NULL;
        }
    const char *nearest = all ? tr_nearest(name, (const char *const *)all) : NULL;
    if (nearest)
        tr_strbuf_add(&text, nearest);
    for (size_t i = 0; i < n; i++)
        free(all[i]);
    free(all);
    return tr_strbuf_take(&text);
}

static int refuse_unknown(const char *name, struct tr_err *reterr) {
    struct tr_strbuf quants = {0};
    for (const char *const *quant = tr_mix_names(); *quant; quant++)
        tr_strbuf_addf(&quants, "%s%s", quants.length ? " " : "", *quant);
    char *list = tr_strbuf_take(&quants);
    char *shown = tr_printable(name);
    char *nearest = nearest_name(name);
    bool near = nearest && *nearest;
    tr_err_set(reterr, TR_EUSAGE,
               "'%.80s' is neither a file nor a model of the catalogue. %s%s%sSee 'list models'; "
               "quantisations: %s",
               shown ? shown : "?", near ? "Did you mean '" : "", near ? nearest : "",
               near ? "'? " : "", list ? list : "");
    free(nearest);
    free(list);
    free(shown);
    return TR_EUSAGE;
}

static int fill_hyper(const struct tr_catalogue_model *row, const struct tr_tensor *tensors,
                      size_t n, struct tr_hyper *hyper) {
    const struct tr_architecture *architecture = tr_architecture_find(row->architecture);
    hyper->architecture_known = architecture != NULL;
    hyper->blocks = row->blocks + row->prediction_blocks;
    hyper->context_length = row->context;
    hyper->embedding_length = row->embedding;
    hyper->experts = row->experts;
    hyper->experts_used = row->experts_used;
    /* One matrix a head, in F32. */
    hyper->state_bytes = 2 * 4.0 * row->linear_value_heads * TR_LINEAR_HEAD * TR_LINEAR_HEAD;
    if (tr_hyper_allocate(hyper))
        return TR_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        const char *part;
        int block = tr_tensor_block(tensors[i].name, &part);
        if (block >= 0)
            tr_block_note(&hyper->use[block], part);
    }
    for (int i = 0; i < hyper->blocks; i++) {
        struct tr_attention_layer *layer = &hyper->attention[i];
        bool windowed = architecture && tr_block_is_windowed(architecture->window_period, i);
        layer->heads = row->heads;
        layer->kv_heads = row->kv_heads;
        layer->mla = row->kv_lora > 0;
        layer->key_length = layer->mla ? row->kv_lora + row->rope_length : row->key_length;
        layer->value_length = layer->mla ? row->kv_lora : row->value_length;
        layer->window = windowed ? row->window : 0;
    }
    return 0;
}

int tr_model_from_catalogue(const char *name, struct tr_model **ret_model, struct tr_err *reterr) {
    const struct tr_mix *mix = NULL;
    struct tr_tensor *tensors = NULL;
    struct tr_hyper hyper = {0};
    size_t n = 0;
    call_once(&catalogue_once, load_catalogue);
    const struct tr_catalogue_model *row = find(name, &mix);
    if (!row)
        return refuse_unknown(name, reterr);
    struct tr_model *model = calloc(1, sizeof(*model));
    int code = model && mix ? tr_catalogue_tensors(row, mix, &tensors, &n) : TR_ENOMEM;
    if (!code)
        code = fill_hyper(row, tensors, n, &hyper);
    if (code)
        goto out;
    model->name = tr_format("%s-%s", row->name, tr_mix_name(mix));
    model->architecture = strdup(row->architecture);
    model->source = strdup(row->source);
    model->file_bytes = row->metadata_bytes;
    for (size_t i = 0; i < n; i++)
        model->file_bytes += tensors[i].bytes;
    code = model->name && model->architecture && model->source
               ? tr_model_fill(model, &hyper, tensors, n)
               : TR_ENOMEM;
    if (!code && row->size_unverified)
        code = tr_model_note(model, "Sizes are computed from the model's hyper-parameters; no "
                                    "published file was found to compare them with");
out:
    free(tensors);
    tr_hyper_finish(&hyper);
    if (code) {
        tr_model_destroy(model);
        return code;
    }
    *ret_model = model;
    return 0;
}
