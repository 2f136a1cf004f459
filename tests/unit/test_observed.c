/* An engine's own results: reading them in every form, and what is said of the difference. */
#include "test.h"

#include <math.h>

#include "observed.h"

static const char json_text[] =
    "[\n"
    "  {\"build_commit\": \"8cf427ff\", \"build_number\": 5163, \"cpu_info\": \"AMD EPYC 9B45\",\n"
    "   \"backends\": \"CPU\", \"model_filename\": \"models/x.gguf\", \"model_type\": \"llama "
    "1B\",\n"
    "   \"model_size\": 1000000000, \"model_n_params\": 1000000000, \"n_ubatch\": 512,\n"
    "   \"n_threads\": 2, \"cpu_mask\": \"0x0\", \"type_k\": \"f16\", \"n_gpu_layers\": 99,\n"
    "   \"n_prompt\": 512, \"n_gen\": 0, \"n_depth\": 0, \"avg_ns\": 1, \"stddev_ns\": 1,\n"
    "   \"avg_ts\": 100.5, \"stddev_ts\": 1.5, \"samples_ts\": [99, 100, 102.5], \"new\": {}},\n"
    "  {\"n_prompt\": 0, \"n_gen\": 128, \"n_depth\": 4096, \"avg_ns\": 12800000000}\n"
    "]\n";

static struct tr_observed_list parse(const char *text) {
    struct tr_observed_list list = {0};
    struct tr_err err = {0};
    if (tr_observed_parse(text, strlen(text), "bench", &list, &err))
        fail_msg("%s", err.text);
    return list;
}

static void json_is_read(void **state) {
    (void)state;
    struct tr_observed_list list = parse(json_text);
    assert_int_equal(list.n, 2);
    const struct tr_observed *a = &list.items[0], *b = &list.items[1];
    assert_string_equal(a->name, "pp512");
    assert_string_equal(a->build, "8cf427ff (5163)");
    assert_string_equal(a->commit, "8cf427ff");
    assert_true(a->tok_s == 100.5 && a->sd_tok_s == 1.5 && a->threads == 2 && a->ubatch == 512);
    assert_int_equal(a->n_samples, 3);
    assert_true(a->samples[2] == 102.5 && a->gpu_layers == 99);
    /* What is missing is unknown; the rate follows from the time. */
    assert_string_equal(b->name, "tg128 @ d4096");
    assert_true(fabs(b->tok_s - 10) < 1e-12);
    assert_true(isnan(b->sd_tok_s) && isnan(b->model_bytes) && isnan(b->gpu_layers));
    assert_true(b->threads == 0 && !b->build && !b->cpu && !b->backends);
    tr_observed_finish(&list);
}

static void lines_and_csv_are_read(void **state) {
    (void)state;
    struct tr_observed_list list =
        parse("{\"n_prompt\": 64, \"n_gen\": 0, \"avg_ts\": 7}\n\n"
              "{\"n_prompt\": 64, \"n_gen\": 16, \"avg_ts\": 5, \"avg_ns\": null}\n");
    assert_int_equal(list.n, 2);
    assert_string_equal(list.items[1].name, "pp64+tg16");
    tr_observed_finish(&list);
    list =
        parse("build_commit,build_number,model_size,n_threads,n_prompt,n_gen,avg_ts,stddev_ts\n"
              "\"8cf4\",\"5163\",\"4677120000\",\"8\",\"0\",\"128\",\"119.915244\",\"0.430617\"\n"
              "\"8cf4\",\"\",\"\",\"8\",\"512\",\"0\",\"7285.67\",\"\"\n");
    assert_int_equal(list.n, 2);
    assert_string_equal(list.items[0].build, "8cf4 (5163)");
    assert_true(list.items[0].model_bytes == 4677120000.0 && list.items[0].tok_s == 119.915244);
    assert_string_equal(list.items[1].build, "8cf4");
    assert_true(isnan(list.items[1].model_bytes) && isnan(list.items[1].sd_tok_s));
    tr_observed_finish(&list);
}

static void flash_attention_is_read(void **state) {
    static const struct {
        const char *text;
        double expected;
    } rows[] = {
        {"[{\"n_prompt\": 1, \"avg_ts\": 5, \"flash_attn\": true}]", 1},
        {"[{\"n_prompt\": 1, \"avg_ts\": 5, \"flash_attn\": 0}]", 0},
        {"[{\"n_prompt\": 1, \"avg_ts\": 5, \"flash_attn\": -1}]", NAN},
        {"[{\"n_prompt\": 1, \"avg_ts\": 5}]", NAN},
        {"n_prompt,n_gen,avg_ts,flash_attn\n512,0,1,\"1\"\n", 1},
        {"n_prompt,n_gen,avg_ts,flash_attn\n512,0,1,false\n", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tr_observed_list list = {0};
        assert_int_equal(
            tr_observed_parse(rows[i].text, strlen(rows[i].text), "bench", &list, NULL), 0);
        double got = list.items[0].flash_attention;
        assert_true(isnan(rows[i].expected) ? isnan(got) : got == rows[i].expected);
        tr_observed_finish(&list);
    }
}

static void bad_files_name_the_place(void **state) {
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"[{\"n_prompt\": 512, \"n_gen\": 0, \"avg_ts\": 5},\n {\"n_prompt\": 1", "line 2, column"},
        {"[{\"n_prompt\": 512, \"avg_ts\": 5}, {\"n_gen\": 1}]",
         "result 2: avg_ts: expected tokens"},
        {"[{\"n_prompt\": 512, \"avg_ts\": \"fast\"}]", "result 1: avg_ts: expected a number"},
        {"[{\"n_prompt\": 512, \"avg_ts\": -1}]", "result 1: avg_ts"},
        {"[{\"avg_ts\": 5}]", "result 1: n_prompt, n_gen: expected"},
        {"[{\"n_prompt\": -512, \"avg_ts\": 5}]", "result 1: n_prompt: expected a whole number"},
        {"[{\"n_prompt\": 5, \"avg_ts\": 5, \"samples_ts\": [1, 0]}]",
         "samples_ts: expected rates"},
        {"[5]", "result 1: expected an object"},
        {"[]", "it has no results"},
        {"", "bench"},
        {"{\"n_prompt\": 512, \"avg_ts\": 5}\n{\"n_pro", "line 2, column"},
        {"model,size\nx,5\n", "line 1: expected the heading of llama-bench -o csv"},
        {"n_prompt,n_gen,avg_ts\n512,0,1\n512,0\n", "line 3"},
        {"n_prompt,n_gen,avg_ts\n512,0,1\n512,0,x\n", "line 3: avg_ts"},
        {"| model | t/s |\n", "line 1"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct tr_observed_list list = {0};
        struct tr_err err = {0};
        assert_int_equal(tr_observed_parse(bad[i].text, strlen(bad[i].text), "bench", &list, &err),
                         TR_EFORMAT);
        if (!strstr(err.text, bad[i].says))
            fail_msg("'%s' is not in '%s'", bad[i].says, err.text);
        assert_null(list.items);
    }
}

/* ---- what is said ---- */

struct fixture {
    struct tr_model model;
    struct tr_observed_machine machine;
    struct tr_observed observed;
    struct tr_observed_pair pair;
};

static void prepare(struct fixture *f) {
    *f = (struct fixture){
        .model = {.name = (char *)"m", .parameters = 1000000000, .file_bytes = 800000000},
        .machine = {.cpu = "AMD EPYC 9B45 128-Core Processor",
                    .cores = 8,
                    .cpus = 16,
                    .nodes = 1,
                    .interleaved_fraction = NAN,
                    .one_node_fraction = NAN},
        .observed = {.build = (char *)"abcdef12 (1)",
                     .commit = (char *)"abcdef12",
                     .cpu = (char *)"AMD EPYC 9B45",
                     .backends = (char *)"CPU",
                     .cpu_mask = (char *)"0x0",
                     .model_type = (char *)"llama 1B Q4_K",
                     .model_bytes = 799e6,
                     .model_parameters = 1e9,
                     .gpu_layers = -1,
                     .threads = 8,
                     .generated_tokens = 128,
                     .tok_s = 10,
                     .sd_tok_s = 0.05},
    };
    f->pair = (struct tr_observed_pair){.observed = &f->observed,
                                        .model = &f->model,
                                        .machine = &f->machine,
                                        .fidelity = "measured",
                                        .predicted = {10, NAN, NAN},
                                        .roof_tok_s = 20,
                                        .threads = 8,
                                        .best_tok_s = NAN};
}

/* The first cause, and words of the sentences. */
static void assert_says(const struct fixture *f, const char *verdict, const char *cause,
                        const char *words) {
    struct tr_observed_list list = {(struct tr_observed *)&f->observed, 1};
    struct tr_observed_verdict found = {0};
    assert_int_equal(tr_observed_judge(&f->pair, &list, &found), 0);
    assert_string_equal(found.verdict, verdict);
    if (cause && (!found.n_causes || strcmp(found.causes[0], cause) != 0))
        fail_msg("%s, not %s: %s", found.n_causes ? found.causes[0] : "none", cause, found.why);
    if (!cause)
        assert_int_equal(found.n_causes, 0);
    if (!strstr(found.why, words))
        fail_msg("'%s' is not in '%s'", words, found.why);
    free(found.why);
}

static void causes_are_told_apart(void **state) {
    struct fixture f;
    (void)state;
    prepare(&f);
    assert_says(&f, "as predicted", NULL, "The engine reaches 100 % of the prediction.");
    f.observed.tok_s = 7;
    assert_says(&f, "slower", "clock", "70 % of the prediction");
    f.observed.tok_s = 14;
    assert_says(&f, "faster", "unknown", "140 %");
    prepare(&f);
    f.observed.tok_s = 60;
    f.observed.backends = (char *)"CUDA,CPU";
    assert_says(&f, "faster", "backend", "CUDA");
    prepare(&f);
    f.observed.tok_s = 7;
    f.observed.backends = (char *)"CUDA";
    f.observed.gpu_layers = 0; /* a token's work stays on the processor */
    assert_says(&f, "slower", "clock", "70 %");
    prepare(&f);
    f.observed.tok_s = 7;
    f.observed.cpu = (char *)"Intel(R) Xeon(R) Gold 6448Y";
    assert_says(&f, "slower", "machine", "Intel(R) Xeon(R) Gold 6448Y");
    prepare(&f);
    f.observed.tok_s = 7;
    f.observed.model_bytes = 1.2e9;
    assert_says(&f, "slower", "file", "1.2 GB, the predicted one 0.8 GB");
    prepare(&f);
    f.observed.model_parameters = 8e9;
    f.observed.model_bytes = 5e9;
    assert_says(&f, "not comparable", "model", "another model: llama 1B Q4_K, 5 GB, not m");
    prepare(&f);
    f.observed.tok_s = 7;
    f.observed.threads = f.pair.threads = 16;
    assert_says(&f, "slower", "smt", "16 threads on 8 cores");
    f.observed.threads = f.pair.threads = 24;
    assert_says(&f, "slower", "threads", "24 threads on 16 CPUs");
    f.observed.threads = f.pair.threads = 8;
    f.observed.cpu_mask = (char *)"0xF";
    assert_says(&f, "slower", "threads", "had 4 CPUs (mask 0xF)");
    f.observed.cpu_mask = NULL;
    f.observed.threads = 0;
    assert_says(&f, "slower", "threads", "does not say with how many threads");
}

static void noise_clock_placement_and_build(void **state) {
    struct fixture f;
    double falling[] = {9, 8.9, 7.5, 7.1, 6.9, 6.8};
    (void)state;
    prepare(&f);
    f.observed.tok_s = 8.5;
    f.observed.sd_tok_s = 1.2;
    assert_says(&f, "slower", "noise", "scatter by 14.1 %");
    prepare(&f);
    f.observed.tok_s = 7.7;
    f.observed.sd_tok_s = NAN;
    f.observed.samples = falling;
    f.observed.n_samples = 6;
    assert_says(&f, "slower", "clock", "the engine lost 18 %");
    prepare(&f);
    f.observed.tok_s = 5.2;
    f.machine.nodes = 2;
    assert_says(&f, "slower", "placement", "2 NUMA nodes: pages on the wrong ones");
    f.machine.interleaved_fraction = 0.7;
    f.machine.one_node_fraction = 0.5;
    assert_says(&f, "slower", "placement", "pages on one node reading reaches x 0.50");
    f.observed.tok_s = 6.8;
    assert_says(&f, "slower", "placement", "pages in turn over all nodes reading reaches x 0.70");
    prepare(&f);
    f.observed.tok_s = 7;
    f.pair.fidelity = "engine";
    f.pair.engine = "llama.cpp v0.5.0, ggml 0.25.1 (0ad4a86), zen4";
    assert_says(&f, "slower", "build", "those of llama.cpp v0.5.0");
    f.pair.engine = "llama.cpp, ggml 0.25.1 (abcdef1), zen4"; /* written shorter */
    assert_says(&f, "slower", "clock", "70 %");
}

/* An interval that was checked decides in place of the usual margins. */
static void an_interval_decides(void **state) {
    struct fixture f;
    (void)state;
    prepare(&f);
    f.observed.tok_s = 9.5;
    f.pair.predicted = (struct tr_estimate){10, 9.7, 10.4};
    assert_says(&f, "slower", "clock", "95 %");
    f.observed.tok_s = 9.75;
    assert_says(&f, "as predicted", NULL, "98 %");
    f.pair.best_threads = 4;
    f.pair.best_tok_s = 12;
    assert_says(&f, "as predicted", NULL, "With 4 threads 12 tok/s are predicted");
}

static void files_are_matched(void **state) {
    struct fixture f;
    (void)state;
    prepare(&f);
    assert_int_equal(tr_observed_match(&f.observed, &f.model), TR_OBSERVED_SAME);
    f.observed.model_bytes = f.observed.model_parameters = NAN; /* nothing speaks against it */
    assert_int_equal(tr_observed_match(&f.observed, &f.model), TR_OBSERVED_SAME);
    f.observed.model_bytes = 5e9;
    assert_int_equal(tr_observed_match(&f.observed, &f.model), TR_OBSERVED_OTHER_MODEL);
    f.observed.model_parameters = 1.01e9;
    assert_int_equal(tr_observed_match(&f.observed, &f.model), TR_OBSERVED_OTHER_FILE);
    f.observed.model_bytes = 790e6;
    double near = tr_observed_distance(&f.observed, &f.model);
    f.observed.model_bytes = 400e6;
    assert_true(near < tr_observed_distance(&f.observed, &f.model));
}

static void only_sound_results_are_learned_from(void **state) {
    struct fixture f;
    struct tr_observed_verdict verdict = {.fraction_of_prediction = 0.9};
    (void)state;
    prepare(&f);
    assert_null(tr_observed_unfit(&f.pair, &verdict));
    f.pair.fidelity = "formula";
    assert_non_null(tr_observed_unfit(&f.pair, &verdict));
    f.pair.fidelity = "engine";
    verdict.causes[verdict.n_causes++] = "threads";
    assert_null(tr_observed_unfit(&f.pair, &verdict));
    verdict.causes[verdict.n_causes++] = "backend";
    assert_string_equal(tr_observed_unfit(&f.pair, &verdict), "it ran with another backend");
    verdict.n_causes = 0;
    f.observed.sd_tok_s = 1;
    assert_string_equal(tr_observed_unfit(&f.pair, &verdict), "its repetitions scatter too much");
    f.observed.sd_tok_s = 0.1;
    f.observed.commit = NULL;
    assert_non_null(tr_observed_unfit(&f.pair, &verdict));
    f.observed.commit = (char *)"abcdef12";
    f.observed.prompt_tokens = 512;
    assert_non_null(tr_observed_unfit(&f.pair, &verdict));
}

static void prompt_and_output_together(void **state) {
    struct tr_prediction_result result = {
        .use_case = {.prompt_tokens = 100, .generated_tokens = 50},
        .total_s = {10, 8, 12},
        .roof_pp_tok_s = 100,
        .roof_tg_tok_s = 25};
    double roof;
    (void)state;
    struct tr_estimate rate = tr_observed_predicted(&result, &roof);
    assert_true(rate.value == 15 && rate.low == 150 / 12.0 && rate.high == 150 / 8.0);
    assert_true(fabs(roof - 50) < 1e-9);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_is_read),
        cmocka_unit_test(lines_and_csv_are_read),
        cmocka_unit_test(flash_attention_is_read),
        cmocka_unit_test(bad_files_name_the_place),
        cmocka_unit_test(causes_are_told_apart),
        cmocka_unit_test(noise_clock_placement_and_build),
        cmocka_unit_test(an_interval_decides),
        cmocka_unit_test(files_are_matched),
        cmocka_unit_test(only_sound_results_are_learned_from),
        cmocka_unit_test(prompt_and_output_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
