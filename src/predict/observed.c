/* Reading llama-bench's results. Its fields are those of 2023 to 2026: new ones are passed over,
 * and old files lack some. */
#include "observed.h"

#include <ctype.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "csv.h"
#include "parse.h"
#include "strbuf.h"

enum { MAX_RESULTS = 4096, MAX_TOKENS = 1 << 24, MAX_THREADS = 1 << 16, MAX_SAMPLES = 1 << 16 };

/* One result, whatever it was written as; remembers the first complaint. */
struct record {
    const json_t *object;
    const char *name; /* of the file */
    const char *what; /* "line" or "result" */
    size_t number;
    int code;
    struct tr_err *reterr;
};

static void complain(struct record *record, const char *key, const char *expected) {
    if (!record->code)
        record->code = tr_err_set(record->reterr, TR_EFORMAT, "%.300s: %s %zu: %s: expected %s",
                                  record->name, record->what, record->number, key, expected);
}

/* CSV has numbers as text. NAN where absent, null or empty. */
static double read_number(struct record *record, const char *key) {
    const json_t *value = json_object_get(record->object, key);
    const char *text = json_string_value(value);
    double number = NAN;
    if (json_is_number(value))
        return json_number_value(value);
    if (!value || json_is_null(value) || (text && !*text))
        return NAN;
    if (!text || tr_parse_double(text, -DBL_MAX, DBL_MAX, &number, NULL)) {
        complain(record, key, "a number");
        return NAN;
    }
    return number;
}

/* true, "1", 1: on; false, "0", 0: off; -1 and words are the engine's own choice. */
static double read_switch(const struct record *record, const char *key) {
    const json_t *value = json_object_get(record->object, key);
    const char *text = json_string_value(value);
    double number = json_is_number(value) ? json_number_value(value) : NAN;
    if (json_is_true(value) || number == 1 ||
        (text && (!strcmp(text, "1") || !strcmp(text, "true"))))
        return 1;
    if (json_is_false(value) || number == 0 ||
        (text && (!strcmp(text, "0") || !strcmp(text, "false"))))
        return 0;
    return NAN;
}

static int read_count(struct record *record, const char *key, int max) {
    double value = read_number(record, key);
    if (isnan(value))
        return 0;
    if (value < 0 || value > max || value != floor(value)) {
        char expected[64];
        snprintf(expected, sizeof(expected), "a whole number from 0 to %d", max);
        complain(record, key, expected);
        return 0;
    }
    return (int)value;
}

static void read_text(struct record *record, const char *key, char **ret) {
    const char *text = json_string_value(json_object_get(record->object, key));
    if (!text || !*text)
        return;
    *ret = strdup(text);
    if (!*ret)
        record->code = TR_ENOMEM;
}

static void read_samples(struct record *record, struct tr_observed *one) {
    const json_t *array = json_object_get(record->object, "samples_ts"), *item;
    size_t i, n = json_array_size(array);
    if (!n || record->code)
        return;
    if (n > MAX_SAMPLES) {
        complain(record, "samples_ts", "fewer samples");
        return;
    }
    one->samples = malloc(n * sizeof(*one->samples));
    if (!one->samples) {
        record->code = TR_ENOMEM;
        return;
    }
    json_array_foreach(array, i, item) {
        double value = json_is_number(item) ? json_number_value(item) : NAN;
        if (!(value > 0))
            complain(record, "samples_ts", "rates above 0");
        one->samples[one->n_samples++] = value;
    }
}

static void name_it(struct tr_observed *one) {
    char depth[20] = "";
    if (one->depth > 0)
        snprintf(depth, sizeof(depth), " @ d%d", one->depth);
    if (one->prompt_tokens && one->generated_tokens)
        snprintf(one->name, sizeof(one->name), "pp%d+tg%d%s", one->prompt_tokens,
                 one->generated_tokens, depth);
    else if (one->prompt_tokens)
        snprintf(one->name, sizeof(one->name), "pp%d%s", one->prompt_tokens, depth);
    else
        snprintf(one->name, sizeof(one->name), "tg%d%s", one->generated_tokens, depth);
}

/* Rate and spread: as given, else from the times. */
static void read_rate(struct record *record, struct tr_observed *one) {
    double tokens = (double)one->prompt_tokens + one->generated_tokens;
    double ns = read_number(record, "avg_ns"), sd_ns = read_number(record, "stddev_ns");
    one->tok_s = read_number(record, "avg_ts");
    one->sd_tok_s = read_number(record, "stddev_ts");
    if (isnan(one->tok_s) && ns > 0)
        one->tok_s = 1e9 * tokens / ns;
    if (isnan(one->sd_tok_s) && ns > 0)
        one->sd_tok_s = one->tok_s * sd_ns / ns;
    if (!(one->tok_s > 0) || !isfinite(one->tok_s))
        complain(record, "avg_ts", "tokens per second, above 0");
    if (one->sd_tok_s < 0)
        complain(record, "stddev_ts", "0 or more");
}

static void read_build(struct record *record, struct tr_observed *one) {
    double number = read_number(record, "build_number");
    read_text(record, "build_commit", &one->commit);
    if (one->commit && number > 0)
        one->build = tr_format("%s (%.0f)", one->commit, number);
    else if (one->commit)
        one->build = strdup(one->commit);
    if (one->commit && !one->build)
        record->code = TR_ENOMEM;
}

static void read_record(struct record *record, struct tr_observed *one) {
    one->prompt_tokens = read_count(record, "n_prompt", MAX_TOKENS);
    one->generated_tokens = read_count(record, "n_gen", MAX_TOKENS);
    one->depth = read_count(record, "n_depth", MAX_TOKENS);
    one->threads = read_count(record, "n_threads", MAX_THREADS);
    one->ubatch = read_count(record, "n_ubatch", MAX_TOKENS);
    if (one->prompt_tokens + one->generated_tokens == 0)
        complain(record, "n_prompt, n_gen", "a number of tokens in one of them");
    one->model_bytes = read_number(record, "model_size");
    one->model_parameters = read_number(record, "model_n_params");
    one->gpu_layers = read_number(record, "n_gpu_layers");
    one->flash_attention = read_switch(record, "flash_attn");
    read_rate(record, one);
    read_samples(record, one);
    read_build(record, one);
    read_text(record, "cpu_info", &one->cpu);
    read_text(record, "backends", &one->backends);
    read_text(record, "model_filename", &one->model_file);
    read_text(record, "model_type", &one->model_type);
    read_text(record, "type_k", &one->cache_type);
    read_text(record, "cpu_mask", &one->cpu_mask);
    read_text(record, "test_time", &one->time);
    name_it(one);
}

static int add(struct tr_observed_list *list, struct record *record) {
    if (!json_is_object(record->object))
        return tr_err_set(record->reterr, TR_EFORMAT,
                          "%.300s: %s %zu: expected an object with a result of llama-bench",
                          record->name, record->what, record->number);
    if (list->n == MAX_RESULTS)
        return tr_err_set(record->reterr, TR_EFORMAT, "%.300s: %s %zu: more than %d results",
                          record->name, record->what, record->number, MAX_RESULTS);
    struct tr_observed *all = realloc(list->items, (list->n + 1) * sizeof(*all));
    if (!all)
        return TR_ENOMEM;
    list->items = all;
    all[list->n] = (struct tr_observed){0};
    read_record(record, &all[list->n++]);
    return record->code;
}

static int parse_json(const char *text, size_t length, const char *name,
                      struct tr_observed_list *list, struct tr_err *reterr) {
    json_error_t error;
    json_t *array = json_loadb(text, length, 0, &error);
    size_t i;
    const json_t *item;
    int code = 0;
    if (!array)
        return tr_err_set(reterr, TR_EFORMAT,
                          "%.300s: line %d, column %d: %s. Expected results of llama-bench -o json",
                          name, error.line, error.column, error.text);
    json_array_foreach(array, i, item) {
        struct record record = {item, name, "result", i + 1, 0, reterr};
        code = add(list, &record);
        if (code)
            break;
    }
    json_decref(array);
    return code;
}

static int parse_lines(const char *text, size_t length, const char *name,
                       struct tr_observed_list *list, struct tr_err *reterr) {
    int code = 0;
    size_t number = 0;
    for (size_t at = 0; at < length && !code;) {
        const char *end = memchr(text + at, '\n', length - at);
        size_t n = end ? (size_t)(end - text) - at : length - at;
        size_t blank = 0;
        number++;
        while (blank < n && isspace((unsigned char)text[at + blank]))
            blank++;
        if (blank < n) {
            json_error_t error;
            json_t *object = json_loadb(text + at, n, 0, &error);
            struct record record = {object, name, "line", number, 0, reterr};
            code = object ? add(list, &record)
                          : tr_err_set(reterr, TR_EFORMAT,
                                       "%.300s: line %zu, column %d: %s. Expected a result of "
                                       "llama-bench -o jsonl",
                                       name, number, error.column, error.text);
            json_decref(object);
        }
        at += n + 1;
    }
    return code;
}

static int parse_csv(const char *text, size_t length, const char *name,
                     struct tr_observed_list *list, struct tr_err *reterr) {
    struct tr_csv csv = {0};
    int code = tr_csv_parse(text, length, name, &csv, reterr);
    if (!code && (tr_csv_column(&csv, "n_prompt") < 0 || tr_csv_column(&csv, "n_gen") < 0))
        code =
            tr_err_set(reterr, TR_EFORMAT,
                       "%.300s: line 1: expected the heading of llama-bench -o csv with n_prompt "
                       "and n_gen, or its JSON",
                       name);
    for (size_t row = 1; !code && row < csv.n_rows; row++) {
        json_t *object = json_object();
        for (size_t i = 0; object && i < csv.n_columns; i++) {
            json_t *value = json_string(csv.rows[row][i]); /* NULL if it is no UTF-8 */
            json_object_set_new(object, csv.rows[0][i], value ? value : json_null());
        }
        struct record record = {object, name, "line", row + 1, 0, reterr};
        code = object ? add(list, &record) : TR_ENOMEM;
        json_decref(object);
    }
    tr_csv_finish(&csv);
    return code;
}

int tr_observed_parse(const char *text, size_t length, const char *name,
                      struct tr_observed_list *ret_list, struct tr_err *reterr) {
    struct tr_observed_list list = {0};
    size_t at = 0;
    int code;
    while (at < length && isspace((unsigned char)text[at]))
        at++;
    if (at < length && text[at] == '[')
        code = parse_json(text, length, name, &list, reterr);
    else if (at < length && text[at] == '{')
        code = parse_lines(text, length, name, &list, reterr);
    else
        code = parse_csv(text, length, name, &list, reterr);
    if (!code && !list.n)
        code = tr_err_set(reterr, TR_EFORMAT, "%.300s: line 1: it has no results of llama-bench",
                          name);
    if (code)
        tr_observed_finish(&list);
    else
        *ret_list = list;
    return code;
}

void tr_observed_finish(struct tr_observed_list *list) {
    for (size_t i = 0; i < list->n; i++) {
        struct tr_observed *one = &list->items[i];
        free(one->build);
        free(one->commit);
        free(one->cpu);
        free(one->backends);
        free(one->model_file);
        free(one->model_type);
        free(one->cache_type);
        free(one->cpu_mask);
        free(one->time);
        free(one->samples);
    }
    free(list->items);
    *list = (struct tr_observed_list){0};
}

struct tr_use_case tr_observed_use_case(const struct tr_observed *observed) {
    return (struct tr_use_case){.name = observed->name,
                                .prompt_tokens = observed->prompt_tokens,
                                .generated_tokens = observed->generated_tokens,
                                .depth = observed->depth};
}

/* ---- which model it is ---- */

static double apart(double a, double b) {
    return a > 0 && b > 0 ? fabs(log(a / b)) : 0;
}

double tr_observed_distance(const struct tr_observed *observed, const struct tr_model *model) {
    return apart(observed->model_bytes, (double)model->file_bytes) +
           apart(observed->model_parameters, (double)model->parameters);
}

enum tr_observed_match tr_observed_match(const struct tr_observed *observed,
                                         const struct tr_model *model) {
    /* Files hold a heading of some MB beside the tensors, which llama-bench counts alone. */
    static const double heading_bytes = 32e6, alike = 0.03, same_parameters_bytes = 1.2;
    double bytes = observed->model_bytes, ours = (double)model->file_bytes;
    bool known = observed->model_parameters > 0 && model->parameters > 0;
    if (known && apart(observed->model_parameters, (double)model->parameters) > alike)
        return TR_OBSERVED_OTHER_MODEL;
    if (!(bytes > 0) || !(ours > 0) || apart(bytes, ours) <= alike ||
        fabs(bytes - ours) <= fmin(heading_bytes, ours / 4))
        return TR_OBSERVED_SAME;
    /* By its bytes alone it may be anything. */
    return known || apart(bytes, ours) < log(same_parameters_bytes) ? TR_OBSERVED_OTHER_FILE
                                                                    : TR_OBSERVED_OTHER_MODEL;
}
