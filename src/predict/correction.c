#include "correction.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "members.h"

static void correction_finish(struct tr_correction *one) {
    free(one->date);
    free(one->build);
    free(one->commit);
    free(one->fidelity);
    free(one->rates);
    free(one->model);
    free(one->test);
    *one = (struct tr_correction){0};
}

void tr_corrections_finish(struct tr_corrections *corrections) {
    for (size_t i = 0; i < corrections->n; i++)
        correction_finish(&corrections->items[i]);
    free(corrections->items);
    *corrections = (struct tr_corrections){0};
}

/* ---- file ---- */

/* False without memory. */
static bool copy(const json_t *object, const char *key, char **ret) {
    const char *text = json_string_value(json_object_get(object, key));
    *ret = strdup(text ? text : "");
    return *ret != NULL;
}

static bool is_sound(const struct tr_correction *one, const char *phase) {
    return one->ratio > 0 && isfinite(one->ratio) && *one->build && *one->commit &&
           *one->fidelity && phase;
}

static int read_one(const json_t *object, struct tr_correction *one, bool *ret_sound) {
    const char *phase = json_string_value(json_object_get(object, "phase"));
    bool ok = copy(object, "date", &one->date) && copy(object, "build", &one->build) &&
              copy(object, "commit", &one->commit) && copy(object, "fidelity", &one->fidelity) &&
              copy(object, "rates", &one->rates) && copy(object, "model", &one->model) &&
              copy(object, "test", &one->test);
    if (!ok)
        return TR_ENOMEM;
    one->phase = phase && !strcmp(phase, "prompt") ? TR_PHASE_PROMPT : TR_PHASE_GENERATION;
    one->model_bytes = tr_member_number(object, "model_bytes");
    one->threads = (int)json_integer_value(json_object_get(object, "threads"));
    one->predicted_tok_s = tr_member_number(object, "predicted_tok_s");
    one->observed_tok_s = tr_member_number(object, "observed_tok_s");
    one->ratio = tr_member_number(object, "ratio");
    one->spread = tr_member_number(object, "spread");
    one->n = (int)json_integer_value(json_object_get(object, "n"));
    *ret_sound = is_sound(one, phase);
    return 0;
}

int tr_corrections_read(const json_t *array, struct tr_corrections *ret_corrections) {
    struct tr_corrections all = {.items = calloc(json_array_size(array) + 1, sizeof(*all.items))};
    int code = all.items ? 0 : TR_ENOMEM;
    size_t i;
    const json_t *item;
    json_array_foreach(array, i, item) {
        bool sound = false;
        struct tr_correction *one = all.items ? &all.items[all.n] : NULL;
        if (code || !json_is_object(item))
            continue;
        code = read_one(item, one, &sound);
        if (sound)
            all.n++;
        else
            correction_finish(one);
    }
    if (code)
        tr_corrections_finish(&all);
    else
        *ret_corrections = all;
    return code;
}

static json_t *known(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}

int tr_correction_store(const struct tr_correction *correction, json_t *array) {
    json_t *object = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:s, s:s, s:i, s:o, s:o, s:o, s:o, s:i}", "date",
        correction->date, "build", correction->build, "commit", correction->commit, "fidelity",
        correction->fidelity, "rates", correction->rates, "model", correction->model, "model_bytes",
        known(correction->model_bytes), "test", correction->test, "phase",
        correction->phase == TR_PHASE_PROMPT ? "prompt" : "generation", "threads",
        correction->threads, "predicted_tok_s", known(correction->predicted_tok_s),
        "observed_tok_s", known(correction->observed_tok_s), "ratio", known(correction->ratio),
        "spread", known(correction->spread), "n", correction->n);
    size_t i;
    const json_t *item;
    if (!object)
        return TR_ENOMEM;
    json_array_foreach(array, i, item) {
        if (tr_member_is_text(item, "commit", correction->commit) &&
            tr_member_is_text(item, "fidelity", correction->fidelity) &&
            tr_member_is_text(item, "rates", correction->rates) &&
            tr_member_is_text(item, "model", correction->model) &&
            tr_member_is_text(item, "test", correction->test) &&
            json_integer_value(json_object_get(item, "threads")) == correction->threads)
            return json_array_set_new(array, i, object) ? TR_ENOMEM : 0;
    }
    return json_array_append_new(array, object) ? TR_ENOMEM : 0;
}

/* ---- choice ---- */

/* One of them may be written shorter. */
static bool same_commit(const char *a, const char *b) {
    enum { LEAST = 7 };
    size_t n = strlen(a) < strlen(b) ? strlen(a) : strlen(b);
    return n >= LEAST ? !strncmp(a, b, n) : !strcmp(a, b);
}

/* The commit stands in parentheses: "llama.cpp v0.5.0, ggml 0.25.1 (0ad4a86), zen4". */
static bool is_of_engine(const char *commit, const char *engine) {
    const char *at = strchr(engine, '(');
    char word[48];
    size_t n = at ? strspn(at + 1, "0123456789abcdefABCDEF") : 0;
    if (!n || n >= sizeof(word))
        return false;
    memcpy(word, at + 1, n);
    word[n] = '\0';
    return same_commit(word, commit);
}

static const char *newest_commit(const struct tr_corrections *corrections,
                                 const struct tr_correction_wanted *wanted) {
    const struct tr_correction *newest = NULL;
    for (size_t i = 0; i < corrections->n; i++) {
        const struct tr_correction *one = &corrections->items[i];
        if (!strcmp(one->fidelity, wanted->fidelity) && !strcmp(one->rates, wanted->rates) &&
            (!newest || strcmp(one->date, newest->date) > 0))
            newest = one;
    }
    return newest ? newest->commit : NULL;
}

/* "8cf427ff", "5163" or the whole "8cf427ff (5163)". */
static bool is_named(const struct tr_correction *one, const char *build) {
    const char *open = strchr(one->build, '(');
    size_t n = strlen(build);
    return !strcmp(one->build, build) || same_commit(one->commit, build) ||
           (open && !strncmp(open + 1, build, n) && open[1 + n] == ')');
}

static bool applies(const struct tr_correction *one, const struct tr_correction_wanted *wanted,
                    const char *newest) {
    if (strcmp(one->fidelity, wanted->fidelity) || strcmp(one->rates, wanted->rates) ||
        one->phase != wanted->phase)
        return false;
    if (wanted->build)
        return is_named(one, wanted->build);
    if (wanted->engine)
        return is_of_engine(one->commit, wanted->engine);
    return newest && same_commit(one->commit, newest);
}

/* 2: this model with as many threads, 1: as many threads, 0: neither. */
static int nearness(const struct tr_correction *one, const struct tr_correction_wanted *wanted) {
    bool model =
        !strcmp(one->model, wanted->model->name) &&
        (isnan(one->model_bytes) || fabs(one->model_bytes - (double)wanted->model->file_bytes) < 1);
    bool threads = one->threads == wanted->threads;
    return threads ? 1 + model : 0;
}

bool tr_correction_find(const struct tr_corrections *corrections,
                        const struct tr_correction_wanted *wanted, struct tr_applied *ret_applied) {
    const char *newest = corrections ? newest_commit(corrections, wanted) : NULL;
    double sum = 0, squares = 0, own = 0;
    int level = -1;
    struct tr_applied applied = {0};
    for (size_t i = 0; corrections && i < corrections->n; i++) {
        const struct tr_correction *one = &corrections->items[i];
        if (!applies(one, wanted, newest) || nearness(one, wanted) < level)
            continue;
        if (nearness(one, wanted) > level) {
            level = nearness(one, wanted);
            applied = (struct tr_applied){0};
            sum = squares = own = 0;
        }
        double ratio = log(one->ratio);
        sum += ratio;
        squares += ratio * ratio;
        own = fmax(own, isnan(one->spread) ? 0 : one->spread);
        applied.n++;
        if (!applied.date || strcmp(one->date, applied.date) > 0) {
            applied.date = one->date;
            applied.build = one->build;
        }
    }
    if (!applied.n)
        return false;
    double mean = sum / applied.n;
    double between =
        applied.n > 1 ? sqrt(fmax(0, (squares - applied.n * mean * mean) / (applied.n - 1))) : 0;
    applied.ratio = exp(mean);
    applied.spread = fmax(between, own);
    *ret_applied = applied;
    return true;
}
