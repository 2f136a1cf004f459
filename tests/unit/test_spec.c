/* The spec tier: machines by their numbers, devices, splits, what is unknown. */
#include "test.h"

#include <math.h>

#include "spec.h"
#include "tokenroof/spec.h"

static struct tr_spec_cpu server(void) {
    struct tr_spec_cpu cpu = {.name = "a server",
                              .packages = 1,
                              .cores = 64,
                              .e_core_share = 1,
                              .clock_ghz = 3.5,
                              .dram_gb_per_s = 460.8,
                              .fabric_gb_per_s = NAN,
                              .kernels = "avx512_vnni_256",
                              .class_name = "server",
                              .memory_bytes = 384e9};
    return cpu;
}

static struct tr_spec_gpu card(void) {
    return (struct tr_spec_gpu){.name = "a card",
                                .count = 1,
                                .memory_bytes = 32e9,
                                .read_gb_per_s = 1792,
                                .fp16_tflops = 200,
                                .link_gb_per_s = 63};
}

static struct tr_spec spec_of(bool has_cpu, int cards) {
    struct tr_spec spec = {.has_cpu = has_cpu,
                           .cpu = server(),
                           .gpu = card(),
                           .gpu_layers = -1,
                           .placement = TR_PLACEMENT_INTERLEAVED};
    spec.gpu.count = cards;
    return spec;
}

static struct tr_model *from_catalogue(const char *name) {
    struct tr_model *model = NULL;
    struct tr_err err = {0};
    if (tr_model_from_catalogue(name, &model, &err))
        fail_msg("%s", err.text);
    return model;
}

static struct tr_prediction *predict(const struct tr_model *model, const struct tr_spec *spec) {
    static const struct tr_use_case use_case = {"both", "", 512, 128, 0};
    struct tr_prediction *prediction = NULL;
    struct tr_err err = {0};
    struct tr_basis basis = {.memory_bytes = NAN, .storage_gb_per_s = NAN, .spec = spec};
    if (tr_predict("spec", model, &basis, &use_case, 1, &prediction, &err))
        fail_msg("%s", err.text);
    return prediction;
}

static double tg_of(const struct tr_model *model, const struct tr_spec *spec) {
    struct tr_prediction *prediction = predict(model, spec);
    double tg = prediction->results[0].tg_tok_s.value;
    tr_prediction_destroy(prediction);
    return tg;
}

/* Below the roof, above half of it, with an interval around it. */
static void test_processor(void **state) {
    (void)state;
    struct tr_model *model = from_catalogue("llama-3.1-8b-q4_k_m");
    struct tr_spec spec = spec_of(true, 0);
    struct tr_prediction *prediction = predict(model, &spec);
    const struct tr_prediction_result *result = prediction->results;
    assert_string_equal(prediction->fidelity, "spec");
    assert_true(result->tg_tok_s.value < result->roof_tg_tok_s);
    assert_true(result->tg_tok_s.low < result->tg_tok_s.value);
    assert_true(result->tg_tok_s.high > result->tg_tok_s.value);
    assert_true(result->pp_tok_s.low < result->pp_tok_s.value);
    assert_true(result->total_s.low < result->total_s.value);
    assert_true(result->total_s.high > result->total_s.value);
    /* The roof is the limit alone. */
    double bytes = 460.8e9 / result->roof_tg_tok_s;
    double needed = model->weight_bytes_per_token + tr_model_kv_bytes(model, 512 + 64);
    assert_true(fabs(bytes / needed - 1) < 1e-3);
    assert_string_equal(result->fits_where, "RAM");
    tr_prediction_destroy(prediction);
    tr_model_destroy(model);
}

/* Every efficiency that a prediction may ask for is in the table. */
static void test_table(void **state) {
    (void)state;
    static const char *const kernels[] = {"avx512_vnni", "avx512_vnni_256", "avx512", "avx_vnni",
                                          "avx2",        "avx2_narrow"};
    static const char *const ends[] = {"read", "tg_low", "tg_high", "pp_low", "pp_high"};
    for (size_t i = 0; i < 6; i++) {
        assert_true(tr_efficiency("kernel", kernels[i], "bytes_per_cycle") > 0);
        assert_true(tr_efficiency("kernel", kernels[i], "flop_per_cycle") > 0);
    }
    size_t classes = 0;
    for (const char *name; (name = tr_efficiency_name("class", classes)); classes++) {
        /* Prompts go by the processor's own class, whatever binds its memory. */
        for (size_t i = 0; i < (strcmp(name, "fabric") ? 5 : 3); i++)
            assert_true(tr_efficiency("class", name, ends[i]) > 0);
        assert_non_null(strstr(tr_efficiency_basis("class", name, "tg_low"), " machines, "));
        assert_true(tr_efficiency("class", name, "read") < 1);
        assert_true(tr_efficiency("class", name, "tg_low") <= 1);
        assert_true(tr_efficiency("class", name, "tg_high") >= 1);
    }
    assert_int_equal(classes, 3);
    assert_non_null(tr_efficiency_name("gpu", 0));
    assert_true(isnan(tr_efficiency("class", "mainframe", "read")));
    /* A kind of kernels without rates, or a clock that is unknown, gives no rate, not that of the
     * memory. */
    struct tr_model *model = from_catalogue("llama-3.1-8b-q4_k_m");
    struct tr_prediction *prediction = NULL;
    struct tr_spec spec = spec_of(true, 0), no_clock = spec;
    struct tr_basis basis = {.memory_bytes = NAN, .spec = &spec};
    struct tr_err err = {0};
    snprintf(spec.cpu.kernels, sizeof(spec.cpu.kernels), "none");
    assert_int_equal(tr_predict("spec", model, &basis, NULL, 0, &prediction, &err),
                     TR_EUNAVAILABLE);
    assert_non_null(strstr(err.text, "its cores' rates are unknown"));
    no_clock.cpu.clock_ghz = NAN;
    basis.spec = &no_clock;
    assert_int_equal(tr_predict("spec", model, &basis, NULL, 0, &prediction, &err),
                     TR_EUNAVAILABLE);
    assert_non_null(strstr(err.text, "its clock is unknown"));
    tr_model_destroy(model);
}

/* Never a bare sum of two sockets: one node < interleaved < replicated < twice one node. */
static void test_sockets(void **state) {
    (void)state;
    struct tr_model *model = from_catalogue("llama-3.3-70b-q4_k_m");
    struct tr_spec spec = spec_of(true, 0);
    double one = tg_of(model, &spec), tg[TR_PLACEMENT_COUNT];
    spec.cpu.packages = 2;
    for (int i = 0; i < TR_PLACEMENT_COUNT; i++) {
        spec.placement = (enum tr_placement)i;
        tg[i] = tg_of(model, &spec);
    }
    assert_true(fabs(tg[TR_PLACEMENT_ONE_NODE] / one - 1) < 1e-9);
    assert_true(tg[TR_PLACEMENT_INTERLEAVED] > one);
    assert_true(tg[TR_PLACEMENT_REPLICATED] > tg[TR_PLACEMENT_INTERLEAVED]);
    assert_true(tg[TR_PLACEMENT_REPLICATED] < 2 * one);
    /* The interval of one placement spans the others. */
    spec.placement = TR_PLACEMENT_INTERLEAVED;
    struct tr_prediction *prediction = predict(model, &spec);
    const struct tr_estimate *estimate = &prediction->results[0].tg_tok_s;
    assert_true(estimate->low < tg[TR_PLACEMENT_ONE_NODE]);
    assert_true(estimate->high > tg[TR_PLACEMENT_REPLICATED]);
    tr_prediction_destroy(prediction);
    tr_model_destroy(model);
}

/* Layers in turn use one card's bandwidth; only layers over all cards add them up. */
static void test_several_cards(void **state) {
    (void)state;
    struct tr_model *model = from_catalogue("qwen2.5-14b-q4_k_m");
    struct tr_spec one = spec_of(false, 1), six = spec_of(false, 6);
    double alone = tg_of(model, &one), in_turn = tg_of(model, &six);
    assert_true(in_turn <= alone);
    assert_true(in_turn > 0.95 * alone);
    six.split = TR_SPLIT_TENSOR;
    double together = tg_of(model, &six);
    assert_true(together > 2 * alone);
    assert_true(together < 6 * alone);
    tr_model_destroy(model);
}

static const char *where(const struct tr_model *model, const struct tr_spec *spec) {
    struct tr_prediction *prediction = predict(model, spec);
    const char *place = prediction->results[0].fits_where;
    tr_prediction_destroy(prediction);
    return place;
}

static void test_splits(void **state) {
    (void)state;
    struct tr_model *small = from_catalogue("llama-3.1-8b-q4_k_m");
    struct tr_model *large = from_catalogue("llama-3.3-70b-q4_k_m");
    struct tr_spec spec = spec_of(true, 1), cpu = spec_of(true, 0), gpu = spec_of(false, 1);
    assert_string_equal(where(small, &spec), "VRAM");
    assert_string_equal(where(large, &spec), "VRAM + RAM");
    assert_null(where(large, &gpu));
    /* Part of the layers on the card is faster than none, and all of a small model faster still. */
    assert_true(tg_of(large, &spec) > tg_of(large, &cpu));
    assert_true(fabs(tg_of(small, &spec) / tg_of(small, &gpu) - 1) < 1e-9);
    double last = 0;
    for (int layers = 0; layers <= small->blocks; layers += 8) {
        spec.gpu_layers = layers;
        double tg = tg_of(small, &spec);
        assert_true(tg > last);
        last = tg;
        struct tr_basis basis = {.spec = &spec};
        assert_int_equal(tr_spec_share_of(small, &basis, 0).layers, layers);
    }
    tr_model_destroy(small);
    tr_model_destroy(large);
}

static double pp_of(const struct tr_model *model, const struct tr_spec *spec, int ubatch,
                    const char **ret_bound) {
    static const struct tr_use_case use_case = {"pp512", "", 512, 0, 0};
    struct tr_prediction *prediction = NULL;
    struct tr_basis basis = {.memory_bytes = NAN, .spec = spec, .ubatch = ubatch};
    assert_int_equal(tr_predict("spec", model, &basis, &use_case, 1, &prediction, NULL), 0);
    double pp = prediction->results[0].pp_tok_s.value;
    *ret_bound = prediction->results[0].bound_pp;
    tr_prediction_destroy(prediction);
    return pp;
}

/* llama.cpp copies weights that are in RAM to the card for 32 tokens at once and more. */
static void test_prompt_over_link(void **state) {
    (void)state;
    struct tr_model *model = from_catalogue("llama-3.3-70b-q4_k_m");
    struct tr_spec spec = spec_of(true, 1), cpu = spec_of(true, 0);
    const char *bound;
    spec.gpu_layers = 40;
    spec.gpu.link_gb_per_s = 3;
    /* Half of the blocks' 41 GB, once for 512 tokens. */
    double copied_s = 20.5e9 / (3e9 * tr_efficiency("link", "copied", "share"));
    double pp = pp_of(model, &spec, 512, &bound);
    assert_true(fabs(512 / copied_s / pp - 1) < 0.1);
    assert_string_equal(bound, "link");
    double more = pp_of(model, &spec, 256, &bound);
    assert_true(more < 0.6 * pp); /* copied twice */
    pp_of(model, &spec, 16, &bound);
    assert_string_not_equal(bound, "link");
    /* A fast link and a fast card beat the processor, and the card's arithmetic is the limit. */
    spec.gpu.link_gb_per_s = 1000;
    assert_true(pp_of(model, &spec, 512, &bound) > 3 * pp_of(model, &cpu, 512, &bound));
    assert_string_equal(bound, "compute");
    /* Unknown link: as the processor alone would, no invented rate. */
    spec.gpu.link_gb_per_s = NAN;
    pp_of(model, &spec, 512, &bound);
    assert_string_not_equal(bound, "link");
    tr_model_destroy(model);
    /* Published: Qwen3-235B Q8_0, experts in RAM, PCIe 4.0 x16: 54.94 tok/s (data/published.csv,
     * github:ikawrakow/ik_llama.cpp discussion 357; its card has 155 TFLOP/s, 768 GB/s, 48 GB). */
    model = from_catalogue("qwen3-235b-a22b-q8_0");
    spec = spec_of(true, 1);
    spec.experts = TR_EXPERTS_CPU;
    spec.gpu = (struct tr_spec_gpu){.name = "a card",
                                    .count = 1,
                                    .memory_bytes = 48e9,
                                    .read_gb_per_s = 768,
                                    .fp16_tflops = 155,
                                    .link_gb_per_s = 31.5};
    assert_true(fabs(pp_of(model, &spec, 512, &bound) / 54.94 - 1) < 0.2);
    tr_model_destroy(model);
}

/* Attention and shared parts on a card, experts in RAM: faster than whole layers that fit. */
static void test_experts(void **state) {
    (void)state;
    struct tr_model *model = from_catalogue("gpt-oss-120b-mxfp4");
    struct tr_spec spec = spec_of(true, 1), cpu = spec_of(true, 0);
    struct tr_basis basis = {.spec = &spec};
    spec.gpu.memory_bytes = 12e9;
    struct tr_spec_share share = tr_spec_share_of(model, &basis, 4096);
    assert_true(share.experts_on_cpu);
    assert_int_equal(share.layers, model->blocks);
    double experts = tg_of(model, &spec);
    spec.experts = TR_EXPERTS_GPU;
    double layers = tg_of(model, &spec);
    assert_true(experts > layers);
    assert_true(layers > tg_of(model, &cpu));
    assert_string_equal(where(model, &spec), "VRAM + RAM");
    tr_model_destroy(model);
}

/* Each accelerator answers by its name, or says that its bandwidth is not published. */
static void test_accelerators(void **state) {
    (void)state;
    static const char *const unknown[] = {
        "GeForce RTX 5080 SUPER",  "Arc Pro B70",    "MTT S2000",   "MTT S5000",
        "SambaNova SN10",          "SambaNova SN30", "Etched Sohu", "UPMEM PIM DIMM",
        "Gigabyte AI TOP CXL R5X4"};
    struct tr_model *model = from_catalogue("llama-3.2-1b-q4_k_m");
    size_t n = 0, n_unknown = 0;
    for (const char *const *name = tr_accelerator_names(); *name; name++, n++) {
        struct tr_spec spec = spec_of(false, 1);
        struct tr_err err = {0};
        bool expected = true;
        for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
            expected = expected && strcmp(*name, unknown[i]) != 0;
        int code = tr_accelerator_choose(*name, &spec.gpu, &err);
        if (!expected) {
            n_unknown++;
            assert_int_equal(code, TR_EUNAVAILABLE);
            assert_non_null(strstr(err.text, *name));
            assert_non_null(strstr(err.text, "bandwidth is not published"));
            continue;
        }
        if (code)
            fail_msg("%s: %s", *name, err.text);
        assert_string_equal(spec.gpu.name, *name);
        struct tr_prediction *prediction = predict(model, &spec);
        const struct tr_prediction_result *result = prediction->results;
        if (result->fits_where && !(result->tg_tok_s.value > 0))
            fail_msg("%s: no rate", *name);
        /* An interval only where results tell the software. */
        bool gpu = strstr(*name, "GeForce") || strstr(*name, "Radeon") || strstr(*name, "Instinct");
        bool other = strstr(*name, "TPU") || strstr(*name, "Trainium") || strstr(*name, "Cerebras");
        if (result->fits_where && gpu)
            assert_true(result->tg_tok_s.low > 0);
        if (result->fits_where && other)
            assert_true(isnan(result->tg_tok_s.low));
        if (isnan(spec.gpu.fp16_tflops))
            assert_true(isnan(result->pp_tok_s.value));
        tr_prediction_destroy(prediction);
    }
    assert_true(n > 90);
    assert_int_equal(n_unknown, sizeof(unknown) / sizeof(unknown[0]));
    tr_model_destroy(model);
}

static void test_accelerator_names(void **state) {
    (void)state;
    struct tr_spec_gpu gpu;
    struct tr_err err = {0};
    assert_int_equal(tr_accelerator_choose("4x rtx 4090", &gpu, &err), 0);
    assert_string_equal(gpu.name, "GeForce RTX 4090");
    assert_int_equal(gpu.count, 4);
    assert_int_equal(tr_accelerator_choose("Tinybox GREEN", &gpu, &err), 0);
    assert_int_equal(gpu.count, 6);
    assert_true(fabs(gpu.read_gb_per_s - 1008) < 0.1); /* one card's, not the box's sum */
    assert_int_equal(tr_accelerator_choose("RTX PRO 6000 Blackwell", &gpu, &err), TR_EUSAGE);
    assert_non_null(strstr(err.text, "Workstation"));
    assert_non_null(strstr(err.text, "Max-Q"));
    assert_int_equal(tr_accelerator_choose("GeForce RTX 5990", &gpu, &err), TR_EUSAGE);
    assert_non_null(strstr(err.text, "Did you mean"));
    assert_int_equal(tr_accelerator_choose("0x RTX 4090", &gpu, &err), TR_EUSAGE);
    assert_int_equal(tr_accelerator_choose("", &gpu, &err), TR_EUSAGE);
}

/* Published results: LocalScore's figures of Strix Halo lie on the fabric, not on the memory. */
static void test_published(void **state) {
    (void)state;
    struct tr_model *model = from_catalogue("qwen2.5-14b-q4_k_m");
    struct tr_spec spec = spec_of(true, 0);
    spec.cpu = (struct tr_spec_cpu){.name = "AI MAX+ 395",
                                    .packages = 1,
                                    .cores = 16,
                                    .e_core_share = 1,
                                    .clock_ghz = 4.05,
                                    .dram_gb_per_s = 256,
                                    .fabric_gb_per_s = 128,
                                    .kernels = "avx512_vnni",
                                    .class_name = "server",
                                    .memory_bytes = 128e9};
    struct tr_prediction *prediction = predict(model, &spec);
    const struct tr_prediction_result *result = prediction->results;
    assert_true(result->tg_tok_s.low < 11.11 && result->tg_tok_s.high > 11.11);
    assert_true(result->pp_tok_s.low < 84 && result->pp_tok_s.high > 84);
    assert_string_equal(result->bound, "fabric");
    tr_prediction_destroy(prediction);
    tr_model_destroy(model);
}

static void test_threads(void **state) {
    (void)state;
    struct tr_model *model = from_catalogue("llama-3.1-8b-q4_k_m");
    struct tr_spec spec = spec_of(true, 0);
    int best = tr_spec_best_threads(model, &spec);
    assert_true(best > 1 && best < 64);
    spec.threads = best;
    double top = tg_of(model, &spec);
    assert_int_equal(tr_spec_threads_used(model, &spec, TR_PHASE_GENERATION), best);
    spec.threads = 1;
    assert_true(tg_of(model, &spec) < top / 4);
    spec.threads = 64;
    assert_true(tg_of(model, &spec) < top);
    spec.threads = 1000; /* no more than there are */
    assert_int_equal(tr_spec_threads_used(model, &spec, TR_PHASE_GENERATION), 64);
    spec.threads = 0; /* generation by the best number, prompts by all cores */
    assert_int_equal(tr_spec_threads_used(model, &spec, TR_PHASE_GENERATION), best);
    assert_int_equal(tr_spec_threads_used(model, &spec, TR_PHASE_PROMPT), 64);
    tr_model_destroy(model);
}

/* More sequences are more tokens in all and fewer for each, never more than the memory allows. */
static void test_parallel(void **state) {
    (void)state;
    struct tr_model *model = from_catalogue("llama-3.1-8b-q4_k_m");
    struct tr_spec spec = spec_of(true, 0);
    static const struct tr_use_case use_case = {"tg", "", 0, 128, 512};
    double all = 0, each = INFINITY;
    for (int sequences = 1; sequences <= 256; sequences *= 2) {
        struct tr_basis basis = {.memory_bytes = NAN, .parallel = sequences, .spec = &spec};
        struct tr_prediction *prediction = NULL;
        assert_int_equal(tr_predict("spec", model, &basis, &use_case, 1, &prediction, NULL), 0);
        const struct tr_prediction_result *result = prediction->results;
        assert_true(result->total_tok_s > all);
        assert_true(result->tg_tok_s.value <= each * 1.000001);
        assert_true(fabs(result->total_tok_s / sequences / result->tg_tok_s.value - 1) < 1e-9);
        all = result->total_tok_s;
        each = result->tg_tok_s.value;
        tr_prediction_destroy(prediction);
    }
    struct tr_basis basis = {.memory_bytes = NAN, .spec = &spec};
    int knee = tr_predict_knee("spec", model, &basis, 512);
    assert_true(knee > 1 && knee < 256);
    /* Faster memory: computing binds sooner. */
    spec.cpu.dram_gb_per_s *= 2;
    assert_true(tr_predict_knee("spec", model, &basis, 512) < knee);
    tr_model_destroy(model);
}

/* A smaller cache is read faster and leaves more room. */
static void test_cache_type(void **state) {
    (void)state;
    struct tr_model *model = from_catalogue("llama-2-7b-q4_k_m");
    struct tr_spec spec = spec_of(true, 0);
    static const struct tr_use_case use_case = {"tg", "", 0, 128, 4000};
    double tg[2], spare[2];
    for (int i = 0; i < 2; i++) {
        struct tr_basis basis = {
            .memory_bytes = NAN, .cache_scale = i ? 34.0 / 64 : 1, .spec = &spec};
        struct tr_prediction *prediction = NULL;
        assert_int_equal(tr_predict("spec", model, &basis, &use_case, 1, &prediction, NULL), 0);
        tg[i] = prediction->results[0].tg_tok_s.value;
        spare[i] = prediction->results[0].spare_bytes;
        tr_prediction_destroy(prediction);
    }
    assert_true(tg[1] > 1.05 * tg[0]);
    /* 0.5 MB a position in F16. */
    assert_true(fabs((spare[1] - spare[0]) / (4128 * 524288.0 * 30 / 64) - 1) < 1e-6);
    tr_model_destroy(model);
}

static double cache_flop(const struct tr_model *model, bool no_flash, int prompt, int ubatch) {
    struct tr_spec spec = spec_of(true, 0);
    struct tr_basis basis = {
        .memory_bytes = NAN, .spec = &spec, .ubatch = ubatch, .no_flash_attention = no_flash};
    const struct tr_use_case use_case = {"pp", "", prompt, 0, 0};
    struct tr_prediction *prediction = NULL;
    double flop = NAN;
    assert_int_equal(tr_predict("spec", model, &basis, &use_case, 1, &prediction, NULL), 0);
    const struct tr_token_time *time = &prediction->results[0].time[TR_PHASE_PROMPT];
    for (size_t i = 0; i < time->n_terms; i++)
        if (!strcmp(time->terms[i].name, "cache"))
            flop = time->terms[i].flop;
    tr_prediction_destroy(prediction);
    return flop;
}

/* Without flash attention every token of a batch is set against all that the cache has after it,
 * what comes later masked out: 2 d N (N + u) for N tokens, u at once, instead of 2 d N N. */
static void test_flash_attention(void **state) {
    (void)state;
    struct tr_model *model = from_catalogue("llama-3.1-8b-q4_k_m");
    double with = cache_flop(model, false, 512, 512);
    assert_true(fabs(cache_flop(model, true, 512, 512) / with - 2) < 0.01);
    assert_true(fabs(cache_flop(model, true, 512, 128) / with - 1.25) < 0.01);
    with = cache_flop(model, false, 2048, 512);
    assert_true(fabs(cache_flop(model, true, 2048, 512) / with - 1.25) < 0.01);
    tr_model_destroy(model);
}

static double gain_of(const struct tr_spec_change *changes, size_t n, const char *what) {
    for (size_t i = 0; i < n; i++)
        if (!strcmp(changes[i].what, what))
            return changes[i].tg_gain;
    return NAN;
}

/* What binds gains, what does not bind does not. */
static void test_sensitivity(void **state) {
    (void)state;
    struct tr_model *model = from_catalogue("qwen3-32b-q4_k_m");
    struct tr_spec spec = spec_of(true, 0);
    struct tr_basis basis = {.memory_bytes = NAN, .spec = &spec};
    static const struct tr_use_case use_case = {"both", "", 512, 128, 0};
    struct tr_spec_change changes[TR_SPEC_MAX_CHANGES];
    spec.cpu.channels = 12;
    spec.cpu.ccds = NAN;
    size_t n = tr_spec_sensitivity(model, &basis, &use_case, changes);
    assert_true(gain_of(changes, n, "MT/s +10%") > 0.05);
    assert_true(gain_of(changes, n, "one channel more") > 0.05);
    assert_true(isnan(gain_of(changes, n, "FCLK +10%"))); /* no fabric that could bind */
    assert_true(isnan(gain_of(changes, n, "one CCD more")));
    spec.cpu.fabric_gb_per_s = 230;
    spec.cpu.ccds = 4;
    n = tr_spec_sensitivity(model, &basis, &use_case, changes);
    assert_true(fabs(gain_of(changes, n, "MT/s +10%")) < 1e-6);
    assert_true(gain_of(changes, n, "FCLK +10%") > 0.05);
    assert_true(gain_of(changes, n, "one CCD more") > 0.1);
    tr_model_destroy(model);
}

static void test_commands(void **state) {
    (void)state;
    struct tr_model *model = from_catalogue("gpt-oss-120b-mxfp4");
    struct tr_spec spec = spec_of(true, 2);
    struct tr_basis basis = {.parallel = 4, .cache_type = "q8_0", .spec = &spec};
    spec.cpu.packages = 2;
    spec.gpu.memory_bytes = 6e9;
    char *command = tr_spec_command(model, &basis, 1000);
    static const char *const parts[] = {"numactl --interleave=all llama-server",
                                        " --numa numactl",
                                        " --cpu-moe",
                                        " -sm layer",
                                        " -c 4096 -np 4",
                                        " -ctk q8_0"};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (!strstr(command, parts[i]))
            fail_msg("'%s' is not in '%s'", parts[i], command);
    free(command);
    spec.placement = TR_PLACEMENT_ONE_NODE;
    spec.gpu.count = 0;
    command = tr_spec_command(model, &basis, 1000);
    assert_non_null(strstr(command, "numactl --cpunodebind=0 --membind=0"));
    assert_null(strstr(command, "-ngl"));
    free(command);
    tr_model_destroy(model);
}

static void test_nothing_named(void **state) {
    (void)state;
    struct tr_model *model = from_catalogue("llama-3.1-8b-q4_k_m");
    struct tr_prediction *prediction = NULL;
    struct tr_err err = {0};
    struct tr_spec spec = spec_of(true, 0);
    struct tr_basis basis = {.spec = NULL};
    assert_int_equal(tr_predict("spec", model, &basis, NULL, 0, &prediction, &err),
                     TR_EUNAVAILABLE);
    spec.cpu.dram_gb_per_s = NAN;
    basis.spec = &spec;
    assert_int_equal(tr_predict("spec", model, &basis, NULL, 0, &prediction, &err),
                     TR_EUNAVAILABLE);
    assert_non_null(strstr(err.text, "a server"));
    tr_model_destroy(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_processor),       cmocka_unit_test(test_table),
        cmocka_unit_test(test_sockets),         cmocka_unit_test(test_several_cards),
        cmocka_unit_test(test_splits),          cmocka_unit_test(test_experts),
        cmocka_unit_test(test_flash_attention), cmocka_unit_test(test_prompt_over_link),
        cmocka_unit_test(test_accelerators),    cmocka_unit_test(test_accelerator_names),
        cmocka_unit_test(test_published),       cmocka_unit_test(test_threads),
        cmocka_unit_test(test_nothing_named),   cmocka_unit_test(test_parallel),
        cmocka_unit_test(test_cache_type),      cmocka_unit_test(test_sensitivity),
        cmocka_unit_test(test_commands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
