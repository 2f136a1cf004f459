#include <math.h>

#include "tokenroof/predict.h"

/* Tokens as in the LocalScore benchmark's tests of the same kind. */
static const struct tr_use_case use_cases[] = {
    {"UC1", "classification, sentiment, keyword extraction", 1024, 16, 0},
    {"UC2", "long document Q&A, RAG, short summary of long text", 4096, 256, 0},
    {"UC3", "complex reasoning, long-form writing, code generation", 1280, 3072, 0},
    {"UC4", "prompt expansion, explanation, creative writing, code", 384, 1152, 0},
};

const struct tr_use_case *tr_use_cases(size_t *ret_n) {
    *ret_n = sizeof(use_cases) / sizeof(use_cases[0]);
    return use_cases;
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
        return TR_CLASS_NON_VIABLE;
    if (prompt_s < 5 && tg_tok_per_s > 10)
        return TR_CLASS_INTERACTIVE;
    if (total_s <= 300)
        return TR_CLASS_BACKGROUND;
    return total_s <= 8 * 3600 ? TR_CLASS_OFFLINE : TR_CLASS_NON_VIABLE;
}
