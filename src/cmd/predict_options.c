#include "predict_options.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "profile.h"

enum { MAX_TOKENS = 1 << 24 };

const char *const tr_tier_choices[] = {"finest", "engine", "measured", "formula", NULL};
const char *const tr_numa_placements[] = {"local", "interleaved", "one-node", NULL};
static const char *const on_off[] = {"on", "off", NULL};
const char *const tr_cache_types[] = {"f16", "q8_0", "q4_0", NULL};
/* Bytes of 32 elements relative to F16's 64. */
const double tr_cache_scales[] = {1, 34.0 / 64, 18.0 / 64};

#define MEMBER(name) offsetof(struct tr_predict_options, name)
const struct tr_option tr_predict_rows[TR_PREDICT_ROWS] = {
    {.name = "calibration",
     .argument = "FILE",
     .store = tr_store_text,
     .offset = MEMBER(calibration),
     .brief = true,
     .help = "rates of that machine; default: this machine's newest"},
    {.name = "use-case",
     .argument = "LIST",
     .store = tr_store_text,
     .offset = MEMBER(use_cases),
     .brief = true,
     .help = "of UC1,UC2,UC3,UC4,LocalScore; default: UC1 to UC4"},
    {.name = "pp",
     .argument = "N",
     .store = tr_store_int,
     .offset = MEMBER(pp),
     .min = 1,
     .max = MAX_TOKENS,
     .brief = true,
     .help = "test of its own: process a prompt of N tokens"},
    {.name = "tg",
     .argument = "N",
     .store = tr_store_int,
     .offset = MEMBER(tg),
     .min = 1,
     .max = MAX_TOKENS,
     .brief = true,
     .help = "test of its own: generate N tokens"},
    {.name = "depth",
     .argument = "N",
     .store = tr_store_int,
     .offset = MEMBER(depth),
     .min = 0,
     .max = MAX_TOKENS,
     .help = "--pp and --tg start after N tokens in the cache; default: 0"},
    {.name = "threads",
     .argument = "N",
     .store = tr_store_int,
     .offset = MEMBER(threads),
     .min = 1,
     .max = 65536,
     .help = "rates measured with N threads; default: all, and the best is named"},
    {.name = "engine",
     .argument = "DIR",
     .store = tr_store_text,
     .offset = MEMBER(engine),
     .brief = true,
     .help = "time kernels of the llama.cpp build in DIR"},
    {.name = "tier",
     .argument = "finest|engine|measured|formula",
     .store = tr_store_choice,
     .offset = MEMBER(tier),
     .choices = tr_tier_choices,
     .help = "of a measured machine; default: the finest that the calibration allows"},
    {.name = "numa",
     .argument = "local|interleaved|one-node",
     .store = tr_store_choice,
     .offset = MEMBER(numa),
     .choices = tr_numa_placements,
     .help = "where the weights lie; default: each thread's on its own node"},
    {.name = "profile",
     .argument = "ENGINE",
     .store = tr_store_text,
     .offset = MEMBER(profile),
     .help = "measured tier: whose kernels; default: llama.cpp"},
    {.name = "observed",
     .argument = "FILE",
     .store = tr_store_text,
     .offset = MEMBER(observed),
     .brief = true,
     .help = "llama-bench's results beside the prediction"},
    {.name = "learn",
     .store = tr_store_true,
     .offset = MEMBER(learn),
     .help = "keep observed / predicted in the calibration file, for later predictions"},
    {.name = "build",
     .argument = "BUILD",
     .store = tr_store_text,
     .offset = MEMBER(build),
     .help = "apply what was learned of this build; default: the engine's, or the newest"},
    {.name = "storage",
     .argument = "GB/S",
     .store = tr_store_double,
     .offset = MEMBER(storage_gb_per_s),
     .min = 0.001,
     .max = 10000,
     .help = "read rate of the storage in GB/s, for the time to load"},
    {.name = "parallel",
     .argument = "B",
     .store = tr_store_int,
     .offset = MEMBER(parallel),
     .min = 1,
     .max = 4096,
     .help = "B sequences generate at once; from the knee on computing binds"},
    {.name = "kv",
     .argument = "f16|q8_0|q4_0",
     .store = tr_store_choice,
     .offset = MEMBER(cache),
     .choices = tr_cache_types,
     .help = "type of the KV cache; default: f16"},
    {.name = "flash-attention",
     .argument = "on|off",
     .store = tr_store_choice,
     .offset = MEMBER(flash_attention),
     .choices = on_off,
     .help = "whether the engine uses it (-fa of llama.cpp); default: on"},
    {.name = "ubatch",
     .argument = "N",
     .store = tr_store_int,
     .offset = MEMBER(ubatch),
     .min = 1,
     .max = 65536,
     .help = "prompt tokens computed at once; default: 512"},
    {.name = "largest",
     .store = tr_store_true,
     .offset = MEMBER(largest),
     .help = "instead of MODEL: the largest of the catalogue that is interactive"},
    {.name = "explain",
     .store = tr_store_true,
     .offset = MEMBER(explain),
     .brief = true,
     .help = "show each formula with its numbers"},
};

int tr_predict_check(const struct tr_command *command, void *target, struct tr_err *reterr) {
    const struct tr_predict_options *options = target;
    (void)command;
    if (options->calibration && tr_spec_asked(&options->spec, options->machine.source))
        return tr_err_set(reterr, TR_EUSAGE,
                          "--calibration is a machine that was measured: it does not go with "
                          "--platform, --machine or --gpu");
    if (options->spec.n_names && options->machine.source)
        return tr_err_set(reterr, TR_EUSAGE,
                          "--platform is a machine by name: it does not go with --machine");
    int code = tr_spec_check(&options->spec, options->machine.source, reterr);
    if (code)
        return code;
    if (options->profile && !tr_profile_known(options->profile)) {
        struct tr_err why = {0};
        code = tr_unknown("engine profile", options->profile, tr_profile_names(), &why);
        return tr_err_set(reterr, code, "--profile: %s", why.text);
    }
    if (options->flash_attention && options->cache)
        return tr_err_set(reterr, TR_EUSAGE,
                          "--kv %s needs flash attention: it does not go with "
                          "--flash-attention off",
                          tr_cache_types[options->cache]);
    if (options->flash_attention && options->engine)
        return tr_err_set(reterr, TR_EUSAGE,
                          "--engine times flash attention: it does not go with "
                          "--flash-attention off");
    if (options->learn && !options->observed)
        return tr_err_set(reterr, TR_EUSAGE, "--learn belongs to --observed: give that too");
    if (options->learn && tr_spec_asked(&options->spec, options->machine.source))
        return tr_err_set(reterr, TR_EUSAGE,
                          "--learn writes into a calibration: it does not go with --platform, "
                          "--machine or --gpu");
    if (options->observed && options->largest)
        return tr_err_set(reterr, TR_EUSAGE,
                          "--observed is about MODEL: it does not go with "
                          "--largest");
    if (options->tier && tr_spec_asked(&options->spec, options->machine.source))
        return tr_err_set(reterr, TR_EUSAGE,
                          "--tier is for a machine that was measured: it does not go with "
                          "--platform, --machine or --gpu");
    if (options->tier && options->engine && strcmp(tr_tier_choices[options->tier], "engine") != 0)
        return tr_err_set(reterr, TR_EUSAGE,
                          "--engine is the tier engine: it does not go with "
                          "--tier %s",
                          tr_tier_choices[options->tier]);
    if (options->depth >= 0 && !options->pp && !options->tg)
        return tr_err_set(reterr, TR_EUSAGE, "--depth belongs to --pp or --tg: give one of them");
    return 0;
}

/* One name of the list, `n` bytes of it. */
static int add_use_case(struct tr_use_case_list *cases, const char *text, size_t n,
                        struct tr_err *reterr) {
    const char *names[TR_MAX_USE_CASES + 2] = {0};
    char word[64];
    size_t n_known = 0;
    const struct tr_use_case *known = tr_use_cases(&n_known);
    snprintf(word, sizeof(word), "%.*s", (int)n, text);
    if (!strcasecmp(word, "LocalScore")) {
        size_t n_tests;
        const struct tr_use_case *tests = tr_localscore_tests(&n_tests);
        if (cases->n + n_tests > TR_MAX_USE_CASES - 2)
            return tr_err_set(reterr, TR_EUSAGE, "--use-case: LocalScore twice");
        memcpy(&cases->items[cases->n], tests, n_tests * sizeof(*tests));
        cases->n += n_tests;
        return 0;
    }
    for (size_t i = 0; i < n_known && i < TR_MAX_USE_CASES; i++) {
        names[i] = known[i].name;
        if (strcasecmp(word, known[i].name) != 0)
            continue;
        if (cases->n == TR_MAX_USE_CASES - 2)
            return tr_err_set(reterr, TR_EUSAGE, "--use-case: more than %d", TR_MAX_USE_CASES - 2);
        cases->items[cases->n++] = known[i];
        return 0;
    }
    names[n_known] = "LocalScore";
    struct tr_err why = {0};
    int code = tr_unknown("use case", word, names, &why);
    return tr_err_set(reterr, code, "--use-case: %s", why.text);
}

int tr_choose_use_cases(const struct tr_predict_options *options, struct tr_use_case_list *cases,
                        struct tr_err *reterr) {
    const char *list = options->use_cases;
    int depth = options->depth > 0 ? options->depth : 0;
    if (!list && !options->pp && !options->tg) /* people who talk to a model: like UC4 */
        list = options->largest ? "UC4" : "UC1,UC2,UC3,UC4";
    while (list && *list) {
        size_t n = strcspn(list, ",");
        int code = add_use_case(cases, list, n, reterr);
        if (code)
            return code;
        list += n + (list[n] == ',');
    }
    if (options->pp) {
        snprintf(cases->names[0], sizeof(cases->names[0]), "pp%d", options->pp);
        cases->items[cases->n++] = (struct tr_use_case){
            .name = cases->names[0], .prompt_tokens = options->pp, .depth = depth};
    }
    if (options->tg) {
        snprintf(cases->names[1], sizeof(cases->names[1]), "tg%d", options->tg);
        cases->items[cases->n++] = (struct tr_use_case){
            .name = cases->names[1], .generated_tokens = options->tg, .depth = depth};
    }
    return 0;
}
