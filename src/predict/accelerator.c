/* Accelerators by name, from data/accelerators.csv. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>

#include "csv.h"
#include "data.h"
#include "parse.h"
#include "strbuf.h"
#include "tokenroof/spec.h"

enum { MAX_ROWS = 512, MAX_CARDS = 64 };

/* Read once from the embedded table, constant from then on. */
static struct {
    struct tr_csv csv;
    const char *names[MAX_ROWS + 1];
} catalogue;
static once_flag once = ONCE_FLAG_INIT;

static void load(void) {
    const struct tr_data *data = tr_data_find("accelerators.csv");
    if (!data || tr_csv_parse(data->text, data->length, data->name, &catalogue.csv, NULL))
        return;
    for (size_t i = 1; i < catalogue.csv.n_rows && i <= MAX_ROWS; i++)
        catalogue.names[i - 1] = tr_csv_get(&catalogue.csv, i, "name");
}

const char *const *tr_accelerator_names(void) {
    call_once(&once, load);
    return catalogue.names;
}

/* --- names ------------------------------------------------------------------------------------ */

/* Words that people leave out. */
static const char *const decoration[] = {"nvidia ",   "amd ", "intel ", "geforce ", "radeon ",
                                         "instinct ", "arc ", "the ",   NULL};

/* Lower case, punctuation as blanks, single blanks: "tinybox green (6x 4090)" is "tinybox green 6x
 * 4090". */
static void make_key(const char *text, char key[TR_SPEC_NAME]) {
    size_t n = 0;
    for (; *text && n + 1 < TR_SPEC_NAME; text++) {
        if (isalnum((unsigned char)*text) || *text == '.' || *text == '+')
            key[n++] = (char)tolower((unsigned char)*text);
        else if (n && key[n - 1] != ' ')
            key[n++] = ' ';
    }
    while (n && key[n - 1] == ' ')
        n--;
    key[n] = '\0';
    for (bool cut = true; cut;) {
        cut = false;
        for (size_t i = 0; decoration[i]; i++) {
            size_t length = strlen(decoration[i]);
            if (!strncmp(key, decoration[i], length)) {
                memmove(key, key + length, strlen(key + length) + 1);
                cut = true;
            }
        }
    }
}

/* 3 the whole name, 2 the first whole words, 1 whole words within, 0 none. */
static int fit_of(const char *full, const char *key) {
    size_t n = strlen(key);
    if (!strcmp(full, key))
        return 3;
    if (!strncmp(full, key, n) && full[n] == ' ')
        return 2;
    for (const char *at = strstr(full, key); n && at; at = strstr(at + 1, key))
        if ((at == full || at[-1] == ' ') && (!at[n] || at[n] == ' '))
            return 1;
    return 0;
}

/* Compared as people write them, without the maker's name. */
static const char *nearest_name(const char *text) {
    char(*keys)[TR_SPEC_NAME] = calloc(MAX_ROWS + 1, sizeof(*keys)), key[TR_SPEC_NAME];
    const char **list = calloc(MAX_ROWS + 1, sizeof(*list)), *found = NULL;
    make_key(text, key);
    for (size_t i = 0; keys && list && catalogue.names[i]; i++) {
        make_key(catalogue.names[i], keys[i]);
        list[i] = keys[i];
    }
    const char *nearest = keys && list && *key ? tr_nearest(key, list) : NULL;
    for (size_t i = 0; nearest && !found; i++)
        if (list[i] == nearest)
            found = catalogue.names[i];
    free(list);
    free(keys);
    return found;
}

static int unknown(const char *text, struct tr_err *reterr) {
    const char *nearest = nearest_name(text);
    if (nearest)
        return tr_err_set(reterr, TR_EUSAGE, "unknown accelerator '%.60s'. Did you mean '%s'?",
                          text, nearest);
    return tr_err_set(reterr, TR_EUSAGE,
                      "unknown accelerator '%.60s'. `tokenroof list accelerators` shows all names",
                      text);
}

static int several(const char *text, const char *key, int fit, struct tr_err *reterr) {
    struct tr_strbuf list = {0};
    size_t n = 0;
    for (size_t i = 0; catalogue.names[i]; i++) {
        char full[TR_SPEC_NAME];
        make_key(catalogue.names[i], full);
        if (fit_of(full, key) == fit)
            tr_strbuf_addf(&list, "%s%s", n++ ? ", " : "", catalogue.names[i]);
    }
    char *all = tr_strbuf_take(&list);
    int code =
        all ? tr_err_set(reterr, TR_EUSAGE, "accelerator '%.60s' stands for several: %s", text, all)
            : TR_ENOMEM;
    free(all);
    return code;
}

/* Row of the table. The shortest of several names that begin alike is meant only if it is whole. */
static int find(const char *text, size_t *ret_row, struct tr_err *reterr) {
    char key[TR_SPEC_NAME], full[TR_SPEC_NAME];
    int best = 0;
    size_t n = 0;
    make_key(text, key);
    for (size_t i = 0; *key && catalogue.names[i]; i++) {
        make_key(catalogue.names[i], full);
        int fit = fit_of(full, key);
        if (fit > best) {
            best = fit;
            n = 0;
        }
        if (fit && fit == best && n++ == 0)
            *ret_row = i + 1;
    }
    if (!best)
        return unknown(text, reterr);
    return n > 1 ? several(text, key, best, reterr) : 0;
}

/* --- figures ---------------------------------------------------------------------------------- */

/* "4x", "4 x" before a name, "(4x" within one: the number, 0 where there is none (or it is not one
 * from 1 to MAX_CARDS: -1); *ret_rest gets what follows the "x". */
static int read_count(const char *text, const char **ret_rest) {
    size_t digits = strspn(text, "0123456789"), at = digits + strspn(text + digits, " ");
    char number[8];
    int64_t count = 0;
    *ret_rest = text;
    if (!digits || (text[at] != 'x' && text[at] != 'X') || !text[at + 1])
        return 0;
    snprintf(number, sizeof(number), "%.*s", (int)(digits < 7 ? digits : 7), text);
    *ret_rest = text + at + 1;
    return tr_parse_int(number, 1, MAX_CARDS, &count, NULL) ? -1 : (int)count;
}

/* A box of several cards is its cards: "system (6x 4090)" has the sums of all of them. */
static int cards_of(const char *name) {
    const char *open = strrchr(name, '('), *rest;
    int count = open ? read_count(open + 1, &rest) : 0;
    return count > 0 ? count : 1;
}

static void fill(size_t row, struct tr_spec_gpu *gpu) {
    const char *name = tr_csv_get(&catalogue.csv, row, "name"),
               *kind = tr_csv_get(&catalogue.csv, row, "kind");
    int cards = !strcmp(kind, "system") ? cards_of(name) : 1;
    *gpu = (struct tr_spec_gpu){
        .count = cards,
        .memory_bytes = tr_csv_number(&catalogue.csv, row, "memory_gb") * 1e9 / cards,
        .read_gb_per_s = tr_csv_number(&catalogue.csv, row, "memory_gbs") / cards,
        .fp16_tflops = tr_csv_number(&catalogue.csv, row, "fp16_bf16_dense_tflops") / cards,
        .link_gb_per_s = tr_csv_number(&catalogue.csv, row, "link_gbs_per_direction"),
        .shares_memory = strstr(kind, "iGPU") != NULL,
        .unlike_gpus = !strstr(kind, "GPU") && !strstr(kind, "APU") && !strstr(kind, "superchip") &&
                       strcmp(kind, "system") != 0,
    };
    snprintf(gpu->name, sizeof(gpu->name), "%s", name);
}

static int refuse(const struct tr_spec_gpu *gpu, size_t row, struct tr_err *reterr) {
    struct tr_strbuf list = {0};
    static const char *const columns[][2] = {{"memory_gb", "its memory's size"},
                                             {"fp16_bf16_dense_tflops", "its FP16 rate"},
                                             {"link_gbs_per_direction", "its link's rate"}};
    for (size_t i = 0; i < 3; i++)
        if (isnan(tr_csv_number(&catalogue.csv, row, columns[i][0])))
            tr_strbuf_addf(&list, ", %s", columns[i][1]);
    char *also = tr_strbuf_take(&list);
    int code = tr_err_set(reterr, TR_EUNAVAILABLE,
                          "%s: its memory bandwidth is not published%s%s: no rate can be told",
                          gpu->name, also && *also ? "; unknown too" : "", also ? also : "");
    free(also);
    return code;
}

int tr_accelerator_choose(const char *text, struct tr_spec_gpu *ret_gpu, struct tr_err *reterr) {
    const char *name;
    struct tr_spec_gpu gpu;
    size_t row = 0;
    call_once(&once, load);
    int count = read_count(text, &name);
    if (count < 0)
        return tr_err_set(reterr, TR_EUSAGE, "'%.60s': 1 to %d cards are possible", text,
                          MAX_CARDS);
    int code = find(name, &row, reterr);
    if (code)
        return code;
    fill(row, &gpu);
    gpu.count *= count > 0 ? count : 1;
    if (!(gpu.read_gb_per_s > 0))
        return refuse(&gpu, row, reterr);
    *ret_gpu = gpu;
    return 0;
}
