#include <math.h>
#include <string.h>

#include "tokenroof/predict.h"

/* Tokens as in the LocalScore benchmark's tests of the same kind. */
static const struct tr_use_case use_cases[] = {
    {"UC1", "classification, sentiment, keyword extraction", 1024, 16, 0},
    {"UC2", "long document Q&A, RAG, short summary of long text", 4096, 256, 0},
    {"UC3", "complex reasoning, long-form writing, code generation", 1280, 3072, 0},
    {"UC4", "prompt expansion, explanation, creative writing, code", 384, 1152, 0},
};

int64_t tr_use_case_positions(const struct tr_use_case *use_case) {
    return (int64_t)use_case->depth + use_case->prompt_tokens + use_case->generated_tokens;
}

const struct tr_use_case *tr_use_cases(size_t *ret_n) {
    *ret_n = sizeof(use_cases) / sizeof(use_cases[0]);
    return use_cases;
}

static const struct tr_use_case localscore[] = {
    {"LS1", "LocalScore 1024/16", 1024, 16, 0},     {"LS2", "LocalScore 4096/256", 4096, 256, 0},
    {"LS3", "LocalScore 2048/256", 2048, 256, 0},   {"LS4", "LocalScore 2048/768", 2048, 768, 0},
    {"LS5", "LocalScore 1024/1024", 1024, 1024, 0}, {"LS6", "LocalScore 1280/3072", 1280, 3072, 0},
    {"LS7", "LocalScore 384/1152", 384, 1152, 0},   {"LS8", "LocalScore 64/1024", 64, 1024, 0},
    {"LS9", "LocalScore 16/1536", 16, 1536, 0},
};
enum { N_LOCALSCORE = sizeof(localscore) / sizeof(localscore[0]) };

const struct tr_use_case *tr_localscore_tests(size_t *ret_n) {
    *ret_n = N_LOCALSCORE;
    return localscore;
}

bool tr_localscore_of(const struct tr_prediction_result *results, size_t n,
                      struct tr_localscore *ret_score) {
    struct tr_localscore sum = {0};
    for (size_t i = 0; i < N_LOCALSCORE; i++) {
        const struct tr_prediction_result *found = NULL;
        for (size_t j = 0; j < n && !found; j++)
            if (!strcmp(results[j].use_case.name, localscore[i].name))
                found = &results[j];
        if (!found)
            return false;
        sum.pp_tok_s += found->pp_tok_s.value / N_LOCALSCORE;
        sum.tg_tok_s += found->tg_tok_s.value / N_LOCALSCORE;
        sum.first_token_ms += found->first_token_s.value * 1e3 / N_LOCALSCORE;
    }
    sum.score = 10 * cbrt(sum.pp_tok_s * sum.tg_tok_s * 1000 / sum.first_token_ms);
    *ret_score = sum;
    return true;
}

const char *tr_class_name(enum tr_class viability) {
    static const char *const names[] = {
        [TR_CLASS_INTERACTIVE] = "interactive",
        [TR_CLASS_BACKGROUND] = "background",
        [TR_CLASS_OFFLINE] = "offline",
        [TR_CLASS_NON_VIABLE] = "non-viable",
    };
    return (unsigned)viability < sizeof(names) / sizeof(names[0]) ? names[viability] : NULL;
}

enum tr_class tr_classify(double prompt_s, double tg_tok_per_s, double total_s) {
    if (isnan(prompt_s) || isnan(tg_tok_per_s) || isnan(total_s))
        return TR_CLASS_UNKNOWN;
    if (prompt_s < 5 && tg_tok_per_s > 10)
        return TR_CLASS_INTERACTIVE;
    if (total_s <= 300)
        return TR_CLASS_BACKGROUND;
    return total_s <= 8 * 3600 ? TR_CLASS_OFFLINE : TR_CLASS_NON_VIABLE;
}
