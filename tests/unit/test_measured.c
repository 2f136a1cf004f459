/* Measured tier: rates by hand in, tokens per second by hand out. */
#include "test.h"

#include <math.h>

#include "engine_tier.h"
#include "profile.h"
#include "tokenroof/measured.h"
#include "tokenroof/predict.h"

static void assert_near(double value, double expected, double tolerance) {
    if (!(fabs(value - expected) <= tolerance))
        fail_msg("%.9g, expected %.9g", value, expected);
}

static struct tr_measured_rate rate(enum tr_measured_op op, const char *type, int threads,
                                    double tokens, double value) {
    struct tr_measured_rate made = {.op = op, .threads = threads, .tokens = tokens, .rate = value};
    snprintf(made.type, sizeof(made.type), "%s", type);
    return made;
}

static void rates_are_interpolated(void **state) {
    (void)state;
    struct tr_measured_rate rates[] = {
        rate(TR_MEASURED_GEMV, "Q8_0", 1, 1, 10),  rate(TR_MEASURED_GEMV, "Q8_0", 4, 1, 34),
        rate(TR_MEASURED_GEMM, "Q8_0", 4, 8, 100), rate(TR_MEASURED_GEMM, "Q8_0", 4, 512, 700),
        rate(TR_MEASURED_BARRIER, "", 2, 1, 300),  rate(TR_MEASURED_BARRIER, "", 4, 1, 500),
    };
    const struct tr_measured m = {.rates = rates, .n = sizeof(rates) / sizeof(rates[0])};
    assert_true(tr_measured_rate_of(&m, TR_MEASURED_GEMV, "Q8_0", 1, 1) == 10);
    assert_near(tr_measured_rate_of(&m, TR_MEASURED_GEMV, "Q8_0", 1, 2), 18, 1e-9);
    assert_true(tr_measured_rate_of(&m, TR_MEASURED_GEMV, "Q8_0", 1, 9) == 34);
    /* 64 lies in the middle of 8 and 512 on the scale of octaves. */
    assert_near(tr_measured_rate_of(&m, TR_MEASURED_GEMM, "Q8_0", 64, 4), 400, 1e-9);
    assert_true(tr_measured_rate_of(&m, TR_MEASURED_GEMM, "Q8_0", 1, 4) == 100);
    assert_true(tr_measured_rate_of(&m, TR_MEASURED_GEMM, "Q8_0", 4096, 4) == 700);
    /* Fewer threads than were measured: in proportion; a time does not shrink so. */
    assert_near(tr_measured_rate_of(&m, TR_MEASURED_GEMM, "Q8_0", 512, 1), 175, 1e-9);
    assert_true(tr_measured_rate_of(&m, TR_MEASURED_BARRIER, NULL, 1, 1) == 300);
    /* Q5_0 is nearest to Q8_0; IQ3_S goes by IQ4_XS and Q4_K to Q8_0; F16 has nothing. */
    assert_true(tr_measured_rate_of(&m, TR_MEASURED_GEMV, "Q5_0", 1, 1) == 10);
    assert_true(tr_measured_rate_of(&m, TR_MEASURED_GEMV, "IQ3_S", 1, 1) == 10);
    assert_true(isnan(tr_measured_rate_of(&m, TR_MEASURED_GEMV, "F16", 1, 1)));
}

static double ratio_with(const char *engine, const char *op, const char *type, double tokens,
                         int threads, const char *uarch) {
    return tr_profile_ratio(
        engine,
        &(struct tr_profile_product){
            .op = op, .type = type, .tokens = tokens, .threads = threads, .uarch = uarch},
        NULL);
}

static double ratio_of(const char *engine, const char *op, const char *type, double tokens,
                       const char *uarch) {
    return ratio_with(engine, op, type, tokens, 1, uarch);
}

static void profiles_are_looked_up(void **state) {
    (void)state;
    double q4_k = ratio_of("llama.cpp", "gemv", "Q4_K", 1, NULL);
    assert_true(q4_k > 0.5 && q4_k < 3);
    assert_true(ratio_of("llama.cpp", "gemv", "Q5_K", 1, NULL) == q4_k); /* the nearest type */
    assert_true(ratio_of("llama.cpp", "gemm", "Q4_K", 9, NULL) ==
                ratio_of("llama.cpp", "gemm", "Q4_K", 8, NULL));
    assert_true(ratio_of("llama.cpp", "gemm", "Q4_K", 4096, NULL) ==
                ratio_of("llama.cpp", "gemm", "Q4_K", 512, NULL));
    assert_true(ratio_of("another", "gemm", "Q4_K", 1, NULL) == 1);
    /* On one's own micro-architecture by its own rows, elsewhere as where nothing is known of it.
     */
    double own = ratio_of("llama.cpp", "gemm", "Q4_K", 512, "zen5");
    assert_true(own > 2.5 && own < 5);
    assert_true(ratio_of("llama.cpp", "gemm", "Q4_K", 512, "none") < 2.5);
    /* With many threads by the row of most threads, of the nearest number of tokens. */
    double two = ratio_with("llama.cpp", "gemv", "Q8_0", 1, 2, "zen5");
    assert_true(two > 1.05 * ratio_of("llama.cpp", "gemv", "Q8_0", 1, "zen5"));
    assert_true(ratio_with("llama.cpp", "gemv", "Q8_0", 1, 96, "zen5") == two);
    assert_true(ratio_with("llama.cpp", "gemm", "Q8_0", 512, 64, NULL) > 0);
    assert_true(tr_profile_compared_on("llama.cpp", "zen5"));
    assert_false(tr_profile_compared_on("llama.cpp", "none"));
    assert_true(tr_profile_known("llama.cpp-plain") && !tr_profile_known("none"));
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Elsewhere by the median of those that were compared, whichever was timed first. */
static void unknown_machines_get_the_median(void **state) {
    (void)state;
    static const char *const uarchs[] = {"zen3", "zen4", "zen5", "redwood_cove_gnr"};
    enum { N = sizeof(uarchs) / sizeof(uarchs[0]) };
    double ratios[N];
    for (size_t i = 0; i < N; i++)
        ratios[i] = ratio_of("llama.cpp", "gemv", "Q4_K", 1, uarchs[i]);
    qsort(ratios, N, sizeof(ratios[0]), by_size);
    assert_true(ratios[0] < ratios[N - 1]);
    assert_float_equal(ratio_of("llama.cpp", "gemv", "Q4_K", 1, "none"),
                       sqrt(ratios[(N - 1) / 2] * ratios[N / 2]), 1e-9);
    assert_true(ratio_of("llama.cpp", "gemv", "Q4_K", 1, NULL) ==
                ratio_of("llama.cpp", "gemv", "Q4_K", 1, "none"));
}

/* llamafile's kernels by their class: llama.cpp's on weights as in the file, its own for prompts of
 * K-quants. Said to be mapped. */
static void llamafile_is_mapped(void **state) {
    (void)state;
    assert_true(tr_profile_known("llamafile"));
    assert_true(tr_profile_is_mapped("llamafile"));
    assert_true(tr_profile_is_mapped("ik_llama.cpp"));
    assert_false(tr_profile_is_mapped("llama.cpp") || tr_profile_is_mapped("llama.cpp-plain"));
    assert_true(ratio_of("llamafile", "gemv", "Q4_K", 1, "zen5") ==
                ratio_of("llama.cpp-plain", "gemv", "Q4_K", 1, "zen5"));
    assert_true(ratio_of("llamafile", "gemm", "F16", 512, "zen5") ==
                ratio_of("llama.cpp", "gemm", "F16", 512, "zen5"));
    double plain = ratio_of("llama.cpp-plain", "gemm", "Q4_K", 512, "zen5");
    double own = ratio_of("llamafile", "gemm", "Q4_K", 512, "zen5");
    assert_near(plain / own, 200 / 105.1, 0.02);
}

struct fixture {
    struct tr_model *model;
    struct tr_measured_rate rates[8];
    struct tr_measured measured;
    struct tr_basis basis;
};

static int setup(void **state) {
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    assert_int_equal(tr_model_load("llama-3.2-1b-f16", &f->model, NULL), 0);
    const struct tr_measured_rate rates[] = {
        rate(TR_MEASURED_GEMV, "F16", 2, 1, 20),     rate(TR_MEASURED_GEMM, "F16", 2, 512, 400),
        rate(TR_MEASURED_ATTENTION, "F16", 2, 1, 8), rate(TR_MEASURED_COPY, "", 2, 1, 16),
        rate(TR_MEASURED_BARRIER, "", 2, 1, 1000),
    };
    memcpy(f->rates, rates, sizeof(rates));
    f->measured = (struct tr_measured){.rates = f->rates, .n = 5, .read_gb_per_s = 25};
    f->basis = (struct tr_basis){
        .threads = 2, .memory_bytes = 64e9, .storage_gb_per_s = NAN, .measured = &f->measured};
    *state = f;
    return 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    tr_model_destroy(f->model);
    free(f);
    return 0;
}

static struct tr_prediction *predict(const struct fixture *f, int prompt, int generated,
                                     int depth) {
    const struct tr_use_case use_case = {
        .name = "test", .prompt_tokens = prompt, .generated_tokens = generated, .depth = depth};
    struct tr_prediction *prediction = NULL;
    struct tr_err err = {0};
    if (tr_predict("measured", f->model, &f->basis, &use_case, 1, &prediction, &err))
        fail_msg("%s", err.text);
    return prediction;
}

/* Sequences share the weights that a step reads: from some number on computing binds. */
static void many_sequences_are_bound_by_computing(void **state) {
    struct fixture *f = *state;
    struct tr_prediction *one = predict(f, 0, 16, 0);
    assert_string_equal(one->results[0].bound, "memory");
    f->basis.parallel = 64;
    struct tr_prediction *many = predict(f, 0, 16, 0);
    assert_string_equal(many->results[0].bound, "compute");
    const struct tr_token_time *time = &many->results[0].time[TR_PHASE_GENERATION];
    for (size_t i = 0; i < time->n_terms; i++)
        if (!strcmp(time->terms[i].name, "ffn"))
            assert_true(time->terms[i].gb_per_s < 25);
    int knee = tr_predict_knee("measured", f->model, &f->basis, 16);
    assert_true(knee > 2 && knee < 64);
    tr_prediction_destroy(one);
    tr_prediction_destroy(many);
}

/* 16 blocks of 7 products and the vocabulary matrix, all weights but the norms in F16. */
static void a_token_is_its_products(void **state) {
    struct fixture *f = *state;
    double products = 16 * 7 + 1, nodes = 16 * 12, bytes = 0;
    for (size_t i = 0; i < f->model->n_products; i++)
        bytes += 2.0 * f->model->products[i].count * (double)f->model->products[i].rows *
                 (double)f->model->products[i].columns;
    /* llama.cpp's own kernels for F16 are slower by what was measured once. */
    double engine = ratio_with("llama.cpp", "gemv", "F16", 1, f->basis.threads, NULL);
    double node = ratio_with("llama.cpp", "node", "-", 1, f->basis.threads, NULL);
    assert_true(node > 1 && node < 5);
    double product = ratio_with("llama.cpp", "product", "F16", 1, f->basis.threads, NULL);
    assert_true(product > 2 && product < 100);
    double ns =
        bytes / 20 * engine + (nodes * node + products * product) * 1000 + nodes * 2048 * 8 / 16.0;
    struct tr_prediction *prediction = predict(f, 0, 1, 0);
    /* Half a position of cache: it is the average over one token. */
    double cache = tr_model_kv_bytes(f->model, 0.5) / 8 *
                   ratio_with("llama.cpp", "attention", "F16", 1, f->basis.threads, NULL);
    assert_near(prediction->results[0].tg_tok_s.value, 1e9 / (ns + cache), 1e-6);
    /* What the interval is made of: test_correction.c. */
    assert_true(prediction->results[0].tg_tok_s.low < prediction->results[0].tg_tok_s.value &&
                prediction->results[0].tg_tok_s.high > prediction->results[0].tg_tok_s.value);
    tr_prediction_destroy(prediction);
}

/* However fast our kernel reads with two threads, the engine's is no faster than twice itself with
 * one; where memory gives less, that counts. */
static void an_engine_is_bound_by_its_cores(void **state) {
    struct fixture *f = *state;
    double one = ratio_with("llama.cpp", "gemv", "F16", 1, 1, NULL);
    double two = ratio_with("llama.cpp", "gemv", "F16", 1, 2, NULL);
    double scaling = ratio_with("llama.cpp", "scaling", "F16", 1, 2, NULL);
    const double measured[] = {4, 200};
    assert_true(scaling >= 1 && scaling < 1.5);
    f->rates[1].rate = f->rates[2].rate = f->rates[3].rate = 1e9; /* all else costs nothing */
    f->rates[4].rate = 0;
    f->rates[5] = rate(TR_MEASURED_GEMV, "F16", 1, 1, 10);
    f->measured.n = 6;
    for (size_t i = 0; i < sizeof(measured) / sizeof(measured[0]); i++) {
        f->rates[0].rate = measured[i];
        struct tr_prediction *prediction = predict(f, 0, 1, 0);
        double rate = fmin(measured[i] / two, 2 * 10 / one / scaling);
        double ns = 1e9 / prediction->results[0].tg_tok_s.value;
        double bytes = 0;
        for (size_t k = 0; k < f->model->n_products; k++)
            bytes += 2.0 * f->model->products[k].count * (double)f->model->products[k].rows *
                     (double)f->model->products[k].columns;
        assert_near(ns, bytes / rate, 1e-6 * ns);
        tr_prediction_destroy(prediction);
    }
}

static void depth_costs_cache(void **state) {
    struct fixture *f = *state;
    struct tr_prediction *shallow = predict(f, 0, 1, 0), *deep = predict(f, 0, 1, 8192);
    double more_ns =
        1e9 / deep->results[0].tg_tok_s.value - 1e9 / shallow->results[0].tg_tok_s.value;
    /* Four query heads to each of the cache, as measured: so much slower as the engine is. */
    double slower = ratio_with("llama.cpp", "attention", "F16", 1, f->basis.threads, NULL);
    assert_true(slower > 1.5 && slower < 6);
    assert_near(more_ns, slower * tr_model_kv_bytes(f->model, 8192) / 8, 1e-6 * more_ns);
    tr_prediction_destroy(shallow);
    tr_prediction_destroy(deep);
}

static void a_prompt_is_its_operations(void **state) {
    struct fixture *f = *state;
    struct tr_prediction *prediction = predict(f, 512, 0, 0);
    double pp = prediction->results[0].pp_tok_s.value;
    /* The last of 16 blocks has no feed-forward part for all tokens but the last one. */
    const double feed_forward = 2.0 * 3 * 2048 * 8192;
    double flop = f->model->prompt_flop_per_token - feed_forward;
    /* Norms are counted as operations of the model, but are no products. */
    double engine = ratio_with("llama.cpp", "gemm", "F16", 512, f->basis.threads, NULL);
    double attention =
        ratio_with("llama.cpp", "prompt_attention_64", "F16", 512, f->basis.threads, NULL);
    double ns = (flop * engine + tr_model_attention_flop(f->model, 256) * attention) / 400;
    assert_true(pp < 1e9 / ns * 1.01 && pp > 1e9 / ns * 0.97);
    tr_prediction_destroy(prediction);
}

/* A pair of a query and a key costs the engine a softmax besides its FLOP, more for each FLOP the
 * shorter a head is: what was compared at 64 and 128, and a straight line over 1 / length. */
static void attention_in_prompts_is_slower_than_products(void **state) {
    struct fixture *f = *state;
    double at_64 = ratio_with("llama.cpp", "prompt_attention_64", "F16", 512, 2, NULL);
    double at_128 = ratio_with("llama.cpp", "prompt_attention_128", "F16", 512, 2, NULL);
    const struct {
        int length;
        double ratio;
    } heads[] = {{64, at_64}, {128, at_128}, {256, at_128 - (at_64 - at_128) / 2}};
    assert_true(at_128 > 1.5 && at_64 > 1.1 * at_128 && at_64 < 6);
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        for (size_t k = 0; k < f->model->n_layers; k++)
            f->model->layers[k].key_length = f->model->layers[k].value_length = heads[i].length;
        struct tr_prediction *prediction = predict(f, 512, 0, 0);
        const struct tr_token_time *time = &prediction->results[0].time[TR_PHASE_PROMPT];
        const struct tr_time_term *cache = NULL;
        for (size_t k = 0; k < time->n_terms; k++)
            if (!strcmp(time->terms[k].name, "cache"))
                cache = &time->terms[k];
        assert_non_null(cache);
        assert_near(cache->ns, cache->flop * heads[i].ratio / 400, 1e-9 * cache->ns);
        tr_prediction_destroy(prediction);
    }
}

/* With fewer bytes per operation than the machine's balance, reading binds: 8 experts of 128 used.
 */
static void experts_are_read_once_a_batch(void **state) {
    struct fixture *f = *state;
    struct tr_model *dense = f->model;
    assert_int_equal(tr_model_load("qwen3-30b-a3b-q4_k_m", &f->model, NULL), 0);
    f->rates[1].rate = f->rates[3].rate = 1e9; /* all but reading weights costs nothing */
    f->rates[4].rate = 0;
    f->rates[5] = rate(TR_MEASURED_GEMV, "Q4_K", 2, 1, 20);
    f->rates[6] = rate(TR_MEASURED_GEMM, "Q4_K", 2, 512, 1e9); /* free */
    f->measured.n = 7;
    struct tr_prediction *few = predict(f, 8, 0, 0), *many = predict(f, 512, 0, 0);
    /* 512 tokens use all 128 experts, 8 tokens use 128 (1 - (15/16)^8) = 52 of them: a token of the
     * small batch pays for 52/8 experts a layer, one of the large for 128/512. */
    double ratio = many->results[0].pp_tok_s.value / few->results[0].pp_tok_s.value;
    assert_near(ratio, 26, 5); /* attention's own weights are read as well */
    tr_prediction_destroy(few);
    tr_prediction_destroy(many);
    tr_model_destroy(f->model);
    f->model = dense;
}

/* Reading is half as fast: what is faster than that goes by it, the rest as before. */
static void placement_slows_reading(void **state) {
    struct fixture *f = *state;
    struct tr_prediction *local = predict(f, 0, 1, 0);
    f->basis.placement_fraction = 0.5;
    struct tr_prediction *remote = predict(f, 0, 1, 0);
    f->basis.placement_fraction = 0.99;
    struct tr_prediction *nearly = predict(f, 0, 1, 0);
    double bytes = 0, engine = ratio_with("llama.cpp", "gemv", "F16", 1, f->basis.threads, NULL);
    for (size_t i = 0; i < f->model->n_products; i++)
        bytes += 2.0 * f->model->products[i].count * (double)f->model->products[i].rows *
                 (double)f->model->products[i].columns;
    double more = 1e9 / remote->results[0].tg_tok_s.value - 1e9 / local->results[0].tg_tok_s.value;
    assert_near(more, bytes / (0.5 * 25) - bytes / fmin(20 / engine, 25), 1e-3 * more);
    assert_true(nearly->results[0].tg_tok_s.value == local->results[0].tg_tok_s.value);
    tr_prediction_destroy(local);
    tr_prediction_destroy(remote);
    tr_prediction_destroy(nearly);
}

/* With 2 threads or with 8, which are slower: both rates, and the better one named. */
static void the_best_threads_are_found(void **state) {
    struct fixture *f = *state;
    f->rates[5] = rate(TR_MEASURED_GEMV, "F16", 8, 1, 15);
    f->measured.n = 6;
    f->basis.threads = 8;
    struct tr_prediction *prediction = predict(f, 0, 8, 0);
    const struct tr_prediction_result *result = &prediction->results[0];
    assert_int_equal(result->best_threads, 2);
    assert_true(result->best_tg_tok_s > 1.2 * result->tg_tok_s.value);
    tr_prediction_destroy(prediction);
}

/* An answer that outlasts the load after which rates were measured again. */
static void long_answers_slow_down(void **state) {
    struct fixture *f = *state;
    struct tr_prediction *plain = predict(f, 0, 4000, 0);
    f->basis.sustained = (struct tr_sustained){60, 0.5, NAN};
    struct tr_prediction *brief = predict(f, 0, 100, 0), *full = predict(f, 0, 4000, 0);
    f->basis.sustained = (struct tr_sustained){0};
    struct tr_prediction *brief_plain = predict(f, 0, 100, 0);
    double seconds = plain->results[0].total_s.value;
    assert_true(brief->results[0].total_s.value == brief_plain->results[0].total_s.value);
    assert_true(seconds > 120);
    /* Nearly all of it is reading: what comes after 60 s takes almost twice as long. */
    double slower = full->results[0].total_s.value - seconds;
    if (!(slower > 0.8 * (seconds - 60) && slower <= seconds - 60))
        fail_msg("%g s more than %g s", slower, seconds);
    tr_prediction_destroy(plain);
    tr_prediction_destroy(brief);
    tr_prediction_destroy(brief_plain);
    tr_prediction_destroy(full);
}

/* A prompt's rate in tiles is a roof; an engine's ratio goes with the rate in registers. */
static void tiles_are_a_roof(void **state) {
    struct fixture *f = *state;
    struct tr_prediction *without = predict(f, 512, 0, 0);
    f->rates[5] = rate(TR_MEASURED_GEMM_TILES, "F16", 2, 512, 1200);
    f->measured.n = 6;
    struct tr_prediction *with = predict(f, 512, 0, 0);
    const struct tr_prediction_result *before = &without->results[0], *after = &with->results[0];
    assert_true(after->pp_tok_s.value == before->pp_tok_s.value);
    assert_near(after->roof_pp_tok_s, 3 * before->roof_pp_tok_s, 1e-9 * after->roof_pp_tok_s);
    tr_prediction_destroy(without);
    tr_prediction_destroy(with);
}

static void what_is_missing_is_said(void **state) {
    struct fixture *f = *state;
    const struct tr_use_case use_case = {.name = "test", .generated_tokens = 1};
    struct tr_prediction *prediction = NULL;
    struct tr_err err = {0};
    f->rates[0].type[0] = 'X';
    assert_int_equal(tr_predict("measured", f->model, &f->basis, &use_case, 1, &prediction, &err),
                     TR_EUNAVAILABLE);
    assert_non_null(strstr(err.text, "F16"));
    f->rates[0].type[0] = 'F';
    f->measured.n = 4; /* no barrier, which two threads need */
    assert_int_equal(tr_predict("measured", f->model, &f->basis, &use_case, 1, &prediction, &err),
                     TR_EUNAVAILABLE);
    assert_non_null(strstr(err.text, "barrier"));
    f->basis.measured = NULL;
    assert_int_equal(tr_predict("measured", f->model, &f->basis, &use_case, 1, &prediction, &err),
                     TR_EUNAVAILABLE);
}

/* Times of an engine that were disturbed are told from those that were not. */
static void disturbed_times_are_counted(void **state) {
    (void)state;
    struct tr_engine_time items[] = {
        {.ns = 100, .ci95_ns = {95, 105}},  {.ns = 100, .ci95_ns = {89, 111}},
        {.ns = 100, .ci95_ns = {91, 109}},  {.ns = 100, .ci95_ns = {100, 140}},
        {.ns = NAN, .ci95_ns = {NAN, NAN}}, {.ns = 100, .ci95_ns = {NAN, NAN}},
    };
    struct tr_engine_times times = {.items = items, .n = sizeof(items) / sizeof(items[0])};
    size_t timed;
    assert_int_equal(tr_engine_times_unsteady(&times, &timed), 2);
    assert_int_equal(timed, 4);
    times.n = 0;
    assert_int_equal(tr_engine_times_unsteady(&times, &timed), 0);
    assert_int_equal(timed, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(disturbed_times_are_counted),
        cmocka_unit_test(rates_are_interpolated),
        cmocka_unit_test(profiles_are_looked_up),
        cmocka_unit_test(unknown_machines_get_the_median),
        cmocka_unit_test(llamafile_is_mapped),
        cmocka_unit_test_setup_teardown(many_sequences_are_bound_by_computing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_token_is_its_products, setup, teardown),
        cmocka_unit_test_setup_teardown(an_engine_is_bound_by_its_cores, setup, teardown),
        cmocka_unit_test_setup_teardown(depth_costs_cache, setup, teardown),
        cmocka_unit_test_setup_teardown(a_prompt_is_its_operations, setup, teardown),
        cmocka_unit_test_setup_teardown(attention_in_prompts_is_slower_than_products, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(experts_are_read_once_a_batch, setup, teardown),
        cmocka_unit_test_setup_teardown(placement_slows_reading, setup, teardown),
        cmocka_unit_test_setup_teardown(the_best_threads_are_found, setup, teardown),
        cmocka_unit_test_setup_teardown(long_answers_slow_down, setup, teardown),
        cmocka_unit_test_setup_teardown(tiles_are_a_roof, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_missing_is_said, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
