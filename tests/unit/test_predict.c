#include "test.h"

#include <jansson.h>
#include <math.h>

#include "formula.h"

static bool within(double value, double expected, double tolerance) {
    return fabs(value - expected) <= tolerance;
}

#define assert_within(value, expected, tolerance)                                                \
    do {                                                                                         \
        if (!within(value, expected, tolerance))                                                 \
            fail_msg("%s is %g, expected %g +- %g", #value, (double)(value), (double)(expected), \
                     (double)(tolerance));                                                       \
    } while (0)

static struct tr_rates some_rates(double read_gb_per_s, double flop_gflop_per_s) {
    return (struct tr_rates){.read_gb_per_s = read_gb_per_s,
                             .flop_gflop_per_s = flop_gflop_per_s,
                             .memory_bytes = 1e12,
                             .storage_gb_per_s = NAN,
                             .threads = 16,
                             .platform = "made up"};
}

/* A model that reads `bytes` for each token and has nothing else. */
static struct tr_model plain_model(double bytes) {
    static char name[] = "plain", architecture[] = "llama";
    return (struct tr_model){.name = name,
                             .architecture = architecture,
                             .file_bytes = (uint64_t)bytes,
                             .weight_bytes_per_token = bytes,
                             .flop_per_token = bytes,
                             .prompt_flop_per_token = bytes,
                             .active_parameters = (uint64_t)(bytes / 2),
                             .parameters = (uint64_t)(bytes / 2)};
}

static struct tr_prediction *predict(const struct tr_model *model, const struct tr_rates *rates,
                                     const struct tr_use_case *use_cases, size_t n) {
    struct tr_prediction *prediction = NULL;
    struct tr_err err = {0};
    if (tr_predict_formula(model, rates, use_cases, n, &prediction, &err))
        fail_msg("%s", err.text);
    assert_int_equal(prediction->n_results, n);
    return prediction;
}

static struct tr_model *from_catalogue(const char *name) {
    struct tr_model *model = NULL;
    struct tr_err err = {0};
    if (tr_model_from_catalogue(name, &model, &err))
        fail_msg("%s", err.text);
    return model;
}

/* TG = BW / S of the usual examples: bandwidth in GB/s, size of 10 GB. */
static void test_memory_rate(void **state) {
    (void)state;
    static const struct {
        double gb_per_s, tok_per_s;
    } examples[] = {
        {50, 5},        /* desktop, the first example */
        {57.6, 5.76},   /* one die at 1.8 GHz fabric */
        {64.0, 6.4},    /* the same at 2.0 GHz */
        {537.6, 53.76}, /* 12 channels at 5.6 GT/s */
        {576.0, 57.6},  /* at 6.0 */
        {614.4, 61.44}, /* at 6.4 */
        {460.8, 46.08}, {1075.2, 107.52}, {166.4, 16.64}, {332.8, 33.28}, {204.8, 20.48},
        {409.6, 40.96}, {230.4, 23.04},   {128, 12.8},    {89.6, 8.96},   {83.2, 8.32},
    };
    struct tr_model model = plain_model(10e9);
    const struct tr_use_case tg = {"tg128", "", 0, 128, 0};
    for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
        assert_within(tr_formula_memory_rate(examples[i].gb_per_s, 10), examples[i].tok_per_s,
                      0.005);
        struct tr_rates rates = some_rates(examples[i].gb_per_s, NAN);
        struct tr_prediction *prediction = predict(&model, &rates, &tg, 1);
        assert_within(prediction->results[0].tg_tok_s.value, examples[i].tok_per_s, 0.005);
        assert_string_equal(prediction->results[0].bound, "memory");
        tr_prediction_destroy(prediction);
    }
}

static void test_operations(void **state) {
    (void)state;
    static const struct {
        double layers, width, parameters, rule_gflop, gflop;
    } examples[] = {
        {32, 4096, 6.74e9, 1.074, 13.48},   /* 7B */
        {12, 768, 0.124e9, 0.01416, 0.248}, /* GPT-2 small */
        {80, 8192, 69.5e9, 10.737, 139},    /* 70B */
    };
    for (size_t i = 0; i < 3; i++) {
        double rule = tr_formula_op_rule_of_thumb(examples[i].layers, examples[i].width);
        double used = tr_formula_op(examples[i].parameters, examples[i].layers, 0, 0);
        assert_within(rule / 1e9, examples[i].rule_gflop, 0.0005);
        assert_within(used / 1e9, examples[i].gflop, 0.005);
        assert_true(used / rule > 9); /* the rule of thumb is an order of magnitude too low */
    }
    /* Attention: 4 N L d. */
    assert_within(tr_formula_op(0, 32, 1000, 4096), 4.0 * 32 * 1000 * 4096, 1);
    /* The catalogue's own sums agree with 2 P: 13.5 and 138 to 140 GFLOP. */
    struct tr_model *model = from_catalogue("llama-2-7b-f16");
    assert_within(2e-9 * (double)model->parameters, 13.5, 0.05);
    assert_within(model->flop_per_token / 1e9, 13.2, 0.05);
    tr_model_destroy(model);
    model = from_catalogue("llama-3.3-70b");
    assert_within(model->flop_per_token / 1e9, 139, 1);
    tr_model_destroy(model);
}

static void test_sizes_and_loading(void **state) {
    (void)state;
    assert_within(tr_formula_load_s(1e9, 10e9), 0.1, 1e-9);
    assert_within(tr_formula_load_s(100e9, 1e9), 100, 1e-9);
    static const struct {
        double parameters, gb;
    } sizes[] = {{6.74e9, 13.5}, {13.0e9, 26.0}, {69e9, 138}, {180e9, 360}};
    for (size_t i = 0; i < 4; i++)
        assert_within(sizes[i].parameters * 2 / 1e9, sizes[i].gb, 0.05);
    struct tr_model *model = from_catalogue("llama-2-7b-f16");
    assert_within((double)model->file_bytes / 1e9, 13.5, 0.05);
    tr_model_destroy(model);
    struct tr_model plain = plain_model(10e9);
    struct tr_rates rates = some_rates(50, 1000);
    rates.storage_gb_per_s = 5;
    size_t n;
    struct tr_prediction *prediction = predict(&plain, &rates, tr_use_cases(&n), 1);
    assert_within(prediction->results[0].load_s, 2, 1e-9);
    tr_prediction_destroy(prediction);
}

/* First token of published LocalScore runs: mean of its nine prompts, 1331.6 tokens. */
static void test_first_token(void **state) {
    (void)state;
    static const struct {
        double pp, tg, model_s, measured_s;
    } runs[] = {
        {246, 14.5, 5.48, 5.660},   {236, 14.3, 5.71, 5.831},   {165, 11.9, 8.15, 8.415},
        {138, 19.2, 9.70, 9.640},   {61, 12.1, 21.91, 22.242},  {125, 7.93, 10.78, 11.190},
        {121, 7.83, 11.13, 11.46},  {84, 11.11, 15.94, 16.158}, {83, 6.53, 16.20, 16.717},
        {71, 10.52, 18.85, 18.981},
    };
    double prompt = (1024 + 4096 + 2048 + 2048 + 1024 + 1280 + 384 + 64 + 16) / 9.0;
    for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
        double first_s = tr_formula_first_token_s(prompt, runs[i].pp, runs[i].tg);
        assert_within(first_s, runs[i].model_s, 0.006);
        assert_within(first_s / runs[i].measured_s, 1, 0.05);
    }
    assert_within(tr_formula_first_token_s(0, NAN, 10), 0.1, 1e-9);
}

static void test_classes(void **state) {
    (void)state;
    static const struct {
        double pp, tg;
        const char *classes; /* of UC1 to UC4 by first letter */
        double total_s[4];
    } machines[] = {
        {223, 21, "ibbi", {5.4, 30.6, 152.0, 56.6}},  {223, 14, "ibbi", {5.7, 36.7, 225.2, 84.0}},
        {5126, 81, "iiii", {0.4, 4.0, 38.2, 14.3}},   {125, 8, "bbob", {10.2, 64.8, 394.2, 147.1}},
        {2291, 24, "iiii", {1.1, 12.5, 128.6, 48.2}}, {4787, 65, "iiii", {0.5, 4.8, 47.5, 17.8}},
        {84, 11, "bbbi", {13.6, 72.0, 294.5, 109.3}},
    };
    size_t n;
    const struct tr_use_case *use_cases = tr_use_cases(&n);
    assert_int_equal(n, 4);
    for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
        for (size_t j = 0; j < 4; j++) {
            double prompt_s = use_cases[j].prompt_tokens / machines[i].pp;
            double total_s = prompt_s + use_cases[j].generated_tokens / machines[i].tg;
            assert_within(total_s, machines[i].total_s[j], 0.051);
            const char *name = tr_class_name(tr_classify(prompt_s, machines[i].tg, total_s));
            if (name[0] != machines[i].classes[j])
                fail_msg("machine %zu, %s: %s", i, use_cases[j].name, name);
        }
    }
    /* The edges: strict where the definition says less or more. */
    assert_int_equal(tr_classify(4.999, 10.001, 1e9), TR_CLASS_INTERACTIVE);
    assert_int_equal(tr_classify(5, 11, 100), TR_CLASS_BACKGROUND);
    assert_int_equal(tr_classify(1, 10, 100), TR_CLASS_BACKGROUND);
    assert_int_equal(tr_classify(6, 11, 300), TR_CLASS_BACKGROUND);
    assert_int_equal(tr_classify(6, 11, 300.001), TR_CLASS_OFFLINE);
    assert_int_equal(tr_classify(6, 11, 28800), TR_CLASS_OFFLINE);
    assert_int_equal(tr_classify(6, 11, 28801), TR_CLASS_NON_VIABLE);
    /* What is not known is not called too slow. */
    assert_int_equal(tr_classify(NAN, 11, 1), TR_CLASS_UNKNOWN);
    assert_int_equal(tr_classify(1, NAN, 1), TR_CLASS_UNKNOWN);
    assert_int_equal(tr_classify(1, 11, NAN), TR_CLASS_UNKNOWN);
    assert_null(tr_class_name(TR_CLASS_UNKNOWN));
    assert_string_equal(tr_class_name(TR_CLASS_NON_VIABLE), "non-viable");
    /* The use case that just is background: 10.9 tok/s keeps it, 10.7 does not. */
    assert_int_equal(tr_classify(1280 / 84.0, 10.9, 1280 / 84.0 + 3072 / 10.9),
                     TR_CLASS_BACKGROUND);
    assert_int_equal(tr_classify(1280 / 84.0, 10.7, 1280 / 84.0 + 3072 / 10.7), TR_CLASS_OFFLINE);
}

/* Published LocalScore pairs: the bandwidth that the 8B model implies predicts the 14B one. */
static void test_across_sizes(void **state) {
    (void)state;
    static const double pairs[][2] = {{14.5, 7.93}, {14.3, 7.83},  {11.3, 6.19}, {20.3, 11.11},
                                      {11.9, 6.53}, {19.2, 10.52}, {12.1, 6.60}};
    struct tr_model *small = from_catalogue("llama-3.1-8b-q4_k_m");
    struct tr_model *large = from_catalogue("qwen2.5-14b-q4_k_m");
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        double gb_per_s = pairs[i][0] * (double)small->file_bytes / 1e9;
        double tg = tr_formula_memory_rate(gb_per_s, (double)large->file_bytes / 1e9);
        assert_within(tg / pairs[i][1], 1, 0.015);
    }
    /* PP x FLOP of the fastest run is a rate that its cores can have: below 5 TFLOP/s. */
    assert_within(246 * small->prompt_flop_per_token / 1e12, 3.43, 0.02);
    tr_model_destroy(small);
    tr_model_destroy(large);
}

/* A prediction by hand: averages over the positions, prompt first. */
/* The score of published runs from their means: two of LocalScore's own. */
static void test_localscore(void **state) {
    (void)state;
    size_t n;
    const struct tr_use_case *tests = tr_localscore_tests(&n);
    assert_int_equal(n, 9);
    double prompts = 0;
    struct tr_prediction_result results[9] = {0};
    struct tr_localscore score;
    for (size_t i = 0; i < n; i++) {
        prompts += tests[i].prompt_tokens / 9.0;
        results[i].use_case = tests[i];
        results[i].pp_tok_s.value = 265.8;
        results[i].tg_tok_s.value = 14.28;
        results[i].first_token_s.value = 5.575;
    }
    assert_within(prompts, 1331.6, 0.05);
    assert_false(tr_localscore_of(results, 8, &score));
    assert_true(tr_localscore_of(results, 9, &score));
    assert_within(score.score, 87.96, 0.1);
    for (size_t i = 0; i < n; i++) {
        results[i].pp_tok_s.value = 679.7;
        results[i].tg_tok_s.value = 156.3;
        results[i].first_token_s.value = 1.966;
    }
    assert_true(tr_localscore_of(results, 9, &score));
    assert_within(score.score, 378, 1);
}

/* Each phase is the sum of its terms, and the terms have all bytes and operations in them. */
static void test_terms(void **state) {
    (void)state;
    static const char *const names[] = {"llama-3.1-8b", "qwen3-30b-a3b", "deepseek-r1"};
    for (size_t i = 0; i < 3; i++) {
        struct tr_model *model = from_catalogue(names[i]);
        struct tr_rates rates = some_rates(71.4, 400);
        const struct tr_use_case use_case = {"both", "", 100, 50, 1000};
        struct tr_prediction *prediction = predict(model, &rates, &use_case, 1);
        const struct tr_prediction_result *result = prediction->results;
        for (int phase = 0; phase < TR_PHASE_COUNT; phase++) {
            const struct tr_token_time *time = &result->time[phase];
            double ns = 0, bytes = 0, flop = 0;
            assert_true(time->n_terms > 3);
            for (size_t j = 0; j < time->n_terms; j++) {
                ns += time->terms[j].ns;
                bytes += time->terms[j].bytes;
                flop += time->terms[j].flop;
            }
            assert_within(ns / time->ns, 1, 1e-9);
            double rate =
                phase == TR_PHASE_PROMPT ? result->pp_tok_s.value : result->tg_tok_s.value;
            assert_within(rate * ns / 1e9, 1, 1e-9);
            double all = phase == TR_PHASE_PROMPT
                             ? model->prompt_flop_per_token + tr_model_attention_flop(model, 1050)
                             : model->flop_per_token + tr_model_attention_flop(model, 1125);
            assert_within(flop / all, 1, 1e-3);
            if (phase == TR_PHASE_GENERATION)
                assert_within(bytes /
                                  (model->weight_bytes_per_token + tr_model_kv_bytes(model, 1125)),
                              1, 1e-3);
        }
        tr_prediction_destroy(prediction);
        tr_model_destroy(model);
    }
    struct tr_prediction *none = NULL;
    struct tr_model plain = plain_model(1e9);
    assert_int_equal(tr_predict("guess", &plain, &(struct tr_basis){0}, NULL, 0, &none, NULL),
                     TR_EUSAGE);
}

static void test_positions(void **state) {
    (void)state;
    struct tr_model *model = from_catalogue("llama-3.1-8b-q4_k_m");
    struct tr_rates rates = some_rates(71.4, 4000);
    const struct tr_use_case cases[] = {{"UC1", "", 1024, 16, 0},
                                        {"tg128", "", 0, 128, 0},
                                        {"tg128", "", 0, 128, 4096},
                                        {"pp512", "", 512, 0, 0}};
    struct tr_prediction *prediction = predict(model, &rates, cases, 4);
    const struct tr_prediction_result *r = prediction->results;
    double weights = model->weight_bytes_per_token;
    double kv = 131072; /* bytes a position */
    assert_within(r[0].tg_tok_s.value, 71.4e9 / (weights + kv * (1024 + 8)), 1e-4);
    assert_within(r[1].tg_tok_s.value, 71.4e9 / (weights + kv * 64), 1e-4);
    assert_within(r[2].tg_tok_s.value, 71.4e9 / (weights + kv * (4096 + 64)), 1e-4);
    double flop = model->prompt_flop_per_token + 4.0 * 32 * 4096 * 512;
    assert_within(r[0].pp_tok_s.value, 4e12 / flop, 1e-3);
    flop = model->prompt_flop_per_token + 4.0 * 32 * 4096 * 256;
    assert_within(r[3].pp_tok_s.value, 4e12 / flop, 1e-3);
    assert_within(r[0].first_token_s.value, 1024 / r[0].pp_tok_s.value + 1 / r[0].tg_tok_s.value,
                  1e-9);
    assert_within(r[0].total_s.value, 1024 / r[0].pp_tok_s.value + 16 / r[0].tg_tok_s.value, 1e-6);
    assert_true(isnan(r[1].pp_tok_s.value) && isnan(r[3].tg_tok_s.value));
    assert_true(isnan(r[3].first_token_s.value));
    assert_within(r[3].total_s.value, 512 / r[3].pp_tok_s.value, 1e-9);
    assert_true(isnan(r[0].pp_tok_s.low) && isnan(r[0].tg_tok_s.high));
    /* UC1: nearly all of the time goes into the prompt, so compute decides, whatever a token costs.
     */
    assert_string_equal(r[0].bound, "compute");
    assert_string_equal(r[1].bound, "memory");
    assert_non_null(strstr(r[0].why, "most of the time goes into the prompt"));
    /* A single test says nothing of what it does not do. */
    assert_non_null(strstr(r[3].why, "The prompt takes"));
    assert_null(strstr(r[3].why, "tok/s"));
    assert_null(strstr(r[1].why, "prompt"));
    assert_string_equal(r[0].bound_pp, "compute");
    assert_string_equal(r[0].fits_where, "RAM");
    assert_true(isnan(r[0].load_s));
    tr_prediction_destroy(prediction);
    tr_model_destroy(model);
}

static void test_windows_and_state(void **state) {
    (void)state;
    struct tr_attention_layer layers[] = {{4, 2, 64, 64, 100, false}, {4, 2, 64, 64, 0, false}};
    struct tr_model model = plain_model(1e6);
    model.layers = layers;
    model.n_layers = 2;
    model.recurrent_state_bytes = 5e5;
    struct tr_rates rates = some_rates(1, 1e9);
    const struct tr_use_case deep = {"tg2", "", 0, 2, 10000};
    struct tr_prediction *prediction = predict(&model, &rates, &deep, 1);
    assert_within(prediction->results[0].tg_tok_s.value, 1e9 / (1.5e6 + 512 * (100 + 10001.0)),
                  1e-6);
    tr_prediction_destroy(prediction);
}

static void test_bounds(void **state) {
    (void)state;
    size_t n;
    struct tr_model model = plain_model(10e9);
    struct tr_rates rates = some_rates(100, 50); /* 10 tok/s by memory, 5 by compute */
    const struct tr_use_case *use_cases = tr_use_cases(&n);
    struct tr_prediction *prediction = predict(&model, &rates, use_cases, n);
    assert_within(prediction->results[0].tg_tok_s.value, 5, 1e-9);
    assert_within(prediction->results[0].roof_tg_tok_s, 10, 1e-9);
    assert_string_equal(prediction->results[0].bound, "compute");
    assert_non_null(strstr(prediction->results[2].why, "10 GFLOP"));
    tr_prediction_destroy(prediction);

    rates = some_rates(100, 5000);
    rates.fabric_bound = true;
    prediction = predict(&model, &rates, use_cases, n);
    assert_string_equal(prediction->results[2].bound, "fabric");
    assert_non_null(strstr(prediction->results[2].why, "fabric"));
    tr_prediction_destroy(prediction);

    rates = some_rates(100, NAN); /* without a compute rate the prompt is unknown */
    prediction = predict(&model, &rates, use_cases, n);
    assert_true(isnan(prediction->results[0].pp_tok_s.value));
    assert_within(prediction->results[0].tg_tok_s.value, 10, 1e-9);
    assert_true(isnan(prediction->results[0].total_s.value));
    assert_int_equal(prediction->results[0].viability, TR_CLASS_UNKNOWN);
    assert_null(prediction->results[0].bound_pp);
    assert_non_null(strstr(prediction->results[0].why, "unknown"));
    tr_prediction_destroy(prediction);

    struct tr_err err = {0};
    rates = some_rates(NAN, 5000);
    assert_int_equal(tr_predict_formula(&model, &rates, use_cases, n, &prediction, &err),
                     TR_EUNAVAILABLE);
    rates = some_rates(0, 5000);
    assert_int_equal(tr_predict_formula(&model, &rates, use_cases, n, &prediction, &err),
                     TR_EUNAVAILABLE);
    assert_non_null(strstr(err.text, "read rate"));
    tr_prediction_destroy(NULL);
}

static void test_does_not_fit(void **state) {
    (void)state;
    struct tr_model *model = from_catalogue("gpt-oss-120b");
    struct tr_rates rates = some_rates(50, 1000);
    const struct tr_use_case uc2 = {"UC2", "", 4096, 256, 0};
    rates.memory_bytes = 8e9;
    struct tr_prediction *prediction = predict(model, &rates, &uc2, 1);
    const struct tr_prediction_result *r = prediction->results;
    double needed = (double)model->file_bytes + tr_model_kv_bytes(model, 4352);
    assert_null(r->fits_where);
    assert_within(r->spare_bytes, 8e9 - needed, 1);
    assert_true(isnan(r->pp_tok_s.value) && isnan(r->tg_tok_s.value));
    assert_true(isnan(r->first_token_s.value) && isnan(r->total_s.value));
    assert_true(isnan(r->roof_tg_tok_s));
    assert_int_equal(r->viability, TR_CLASS_NON_VIABLE);
    assert_non_null(strstr(r->why, "needs 63.6 GB"));
    assert_non_null(strstr(r->why, "55.6 GB more than the 8 GB"));
    tr_prediction_destroy(prediction);

    rates.memory_bytes = needed; /* exactly */
    prediction = predict(model, &rates, &uc2, 1);
    assert_string_equal(prediction->results[0].fits_where, "RAM");
    assert_true(prediction->results[0].tg_tok_s.value > 0);
    tr_prediction_destroy(prediction);

    rates.memory_bytes = NAN; /* unknown: predicted, but no word about fitting */
    prediction = predict(model, &rates, &uc2, 1);
    assert_null(prediction->results[0].fits_where);
    assert_true(isnan(prediction->results[0].spare_bytes));
    assert_true(prediction->results[0].tg_tok_s.value > 0);
    tr_prediction_destroy(prediction);
    tr_model_destroy(model);
}

static void test_reasons(void **state) {
    (void)state;
    static const struct {
        double read, flop;
        const char *words;
    } rows[] = {
        {500, 50000, "The prompt takes 0.2 s and output comes at 50 tok/s"},
        {500, 1000, "The prompt takes 10.2 s (interactive: below 5 s)"},
        {50, 50000, "Output comes at 5 tok/s (interactive: more than 10)"},
        {50, 20, "It takes 520 s, more than 300 s"},
        {50, 0.2, "hours, more than 8"},
    };
    struct tr_model model = plain_model(10e9);
    const struct tr_use_case use_case = {"UC1", "", 1024, 16, 0};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tr_rates rates = some_rates(rows[i].read, rows[i].flop);
        struct tr_prediction *prediction = predict(&model, &rates, &use_case, 1);
        const char *why = prediction->results[0].why;
        if (!strstr(why, rows[i].words) || why[strlen(why) - 1] != '.' || strchr(why, '\n'))
            fail_msg("expected '%s', got '%s'", rows[i].words, why);
        tr_prediction_destroy(prediction);
    }
}

static const char *explained(const struct tr_prediction *prediction, const char *name) {
    for (size_t i = 0; i < prediction->n_explanations; i++)
        if (!strcmp(prediction->explanations[i].name, name))
            return prediction->explanations[i].value;
    fail_msg("'%s' is not explained", name);
    return "";
}

static void test_explanations(void **state) {
    (void)state;
    struct tr_model *model = from_catalogue("qwen3-30b-a3b");
    struct tr_rates rates = some_rates(71.4, 4000);
    rates.storage_gb_per_s = 5;
    size_t n;
    struct tr_prediction *prediction = predict(model, &rates, tr_use_cases(&n), 1);
    assert_non_null(strstr(explained(prediction, "OP_token, usual"), "2 x 48 x 2048^2 = 0.403"));
    assert_non_null(strstr(explained(prediction, "OP_token, used"), "times the usual form"));
    assert_non_null(strstr(explained(prediction, "TG from memory, usual"), "= 3.85 tok/s"));
    assert_non_null(strstr(explained(prediction, "TG from memory, used"), "9.18 times"));
    assert_non_null(strstr(explained(prediction, "T_load, used"), "3.71 s"));
    explained(prediction, "PP, usual");
    explained(prediction, "T_first, usual");
    explained(prediction, "TG from compute, used");
    tr_prediction_destroy(prediction);
    tr_model_destroy(model);

    /* No reason where the forms agree within a tenth. */
    model = from_catalogue("llama-3.1-8b");
    prediction = predict(model, &rates, tr_use_cases(&n), 1);
    assert_null(strstr(explained(prediction, "TG from memory, used"), "usual form"));
    tr_prediction_destroy(prediction);
    rates.flop_gflop_per_s = NAN;
    prediction = predict(model, &rates, tr_use_cases(&n), 1);
    for (size_t i = 0; i < prediction->n_explanations; i++)
        assert_null(strstr(prediction->explanations[i].value, "nan"));
    tr_prediction_destroy(prediction);
    tr_model_destroy(model);
}

/* Longer than what the model is made for: said, not refused. */
static void test_context_note(void **state) {
    (void)state;
    struct tr_model *model = from_catalogue("gpt2");
    struct tr_rates rates = some_rates(71.4, 4000);
    static const struct tr_use_case cases[] = {{"fits", "", 512, 512, 0},
                                               {"long", "", 512, 512, 1}};
    for (size_t n = 1; n <= 2; n++) {
        struct tr_prediction *prediction = predict(model, &rates, cases, n);
        json_t *json = NULL;
        assert_int_equal(tr_prediction_to_json(prediction, &json), 0);
        const json_t *notes = json_object_get(json, "notes");
        assert_int_equal(json_array_size(notes), n - 1);
        if (n == 2)
            assert_string_equal(json_string_value(json_array_get(notes, 0)),
                                "1025 positions are asked for; the model is made for 1024");
        json_decref(json);
        tr_prediction_destroy(prediction);
    }
    tr_model_destroy(model);
}

static void test_json(void **state) {
    (void)state;
    struct tr_model *model = from_catalogue("llama-3.1-8b");
    struct tr_rates rates = some_rates(71.4, 4000);
    size_t n;
    const struct tr_use_case *use_cases = tr_use_cases(&n);
    struct tr_prediction *prediction = predict(model, &rates, use_cases, n);
    json_t *json = NULL;
    assert_int_equal(tr_prediction_to_json(prediction, &json), 0);
    const char *schema, *name, *fidelity, *platform, *bound, *viability, *why, *where;
    json_t *engine, *low, *load;
    double value, fraction, kv;
    json_int_t file_bytes;
    int threads, tokens;
    assert_int_equal(json_unpack(json, "{s:s, s:{s:s, s:I, s:F}, s:s, s:o, s:s, s:i}", "schema",
                                 &schema, "model", "name", &name, "file_bytes", &file_bytes,
                                 "kv_bytes_per_position", &kv, "fidelity", &fidelity, "engine",
                                 &engine, "platform", &platform, "threads", &threads),
                     0);
    assert_string_equal(schema, "tokenroof.prediction/1");
    assert_string_equal(fidelity, "formula");
    assert_true(json_is_null(engine));
    assert_int_equal(threads, 16);
    assert_within(kv, 131072, 0);
    json_t *results = json_object_get(json, "results");
    assert_int_equal(json_array_size(results), 4);
    assert_int_equal(json_unpack(json_array_get(results, 0),
                                 "{s:i, s:{s:F, s:o}, s:o, s:{s:s}, s:F, s:s, s:s, s:s}",
                                 "prompt_tokens", &tokens, "tg_tok_s", "value", &value, "low", &low,
                                 "load_s", &load, "fits", "where", &where, "fraction_of_roof_tg",
                                 &fraction, "bound", &bound, "class", &viability, "why", &why),
                     0);
    assert_int_equal(tokens, 1024);
    assert_within(value, prediction->results[0].tg_tok_s.value, 1e-9);
    assert_within(fraction, 1, 1e-9);
    assert_true(json_is_null(low) && json_is_null(load));
    assert_string_equal(viability, "interactive");
    static const char *const fields[] = {
        "use_case", "generated_tokens", "depth",         "pp_tok_s",           "first_token_s",
        "total_s",  "roof_pp_tok_s",    "roof_tg_tok_s", "fraction_of_roof_pp"};
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        assert_non_null(json_object_get(json_array_get(results, 0), fields[i]));
    json_decref(json);
    tr_prediction_destroy(prediction);

    rates.memory_bytes = 1e9; /* does not fit: null, never 0 */
    rates.threads = -1;
    rates.platform = NULL;
    prediction = predict(model, &rates, use_cases, 1);
    assert_int_equal(tr_prediction_to_json(prediction, &json), 0);
    json_t *result = json_array_get(json_object_get(json, "results"), 0);
    assert_true(json_is_null(json_object_get(json, "threads")));
    assert_true(json_is_null(json_object_get(json, "platform")));
    assert_true(json_is_null(json_object_get(json_object_get(result, "tg_tok_s"), "value")));
    assert_true(json_is_null(json_object_get(result, "bound")));
    assert_true(json_is_null(json_object_get(result, "fraction_of_roof_tg")));
    json_decref(json);
    tr_prediction_destroy(prediction);
    tr_model_destroy(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_rate),
        cmocka_unit_test(test_operations),
        cmocka_unit_test(test_sizes_and_loading),
        cmocka_unit_test(test_first_token),
        cmocka_unit_test(test_classes),
        cmocka_unit_test(test_across_sizes),
        cmocka_unit_test(test_localscore),
        cmocka_unit_test(test_terms),
        cmocka_unit_test(test_positions),
        cmocka_unit_test(test_windows_and_state),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_does_not_fit),
        cmocka_unit_test(test_reasons),
        cmocka_unit_test(test_explanations),
        cmocka_unit_test(test_context_note),
        cmocka_unit_test(test_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
