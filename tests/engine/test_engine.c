/* The engine tier: the helper over an engine made for tests, and the arithmetic over given times.
 */
#include <math.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "engine.h"
#include "test.h"
#include "tier.h"

enum { NODE_NS = 200000 }; /* fake_ggml.c: what a node takes with one thread */

static const char *environment(const char *name) {
    const char *value = getenv(name);
    assert_non_null(value);
    return value;
}

/* A folder laid out as a llama.cpp build's. */
static void lay_out(const char *library, char folder[64]) {
    char link[160];
    snprintf(folder, 64, "/tmp/tr-engine-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(link, sizeof(link), "%s/libggml-base.so", folder);
    assert_int_equal(symlink(library, link), 0);
    snprintf(link, sizeof(link), "%s/libggml.v9.9.so", folder);
    assert_int_equal(symlink(library, link), 0);
}

static void clear_away(const char *folder) {
    char link[160];
    snprintf(link, sizeof(link), "%s/libggml-base.so", folder);
    unlink(link);
    snprintf(link, sizeof(link), "%s/libggml.v9.9.so", folder);
    unlink(link);
    rmdir(folder);
}

static struct tr_engine_time product(const char *type, int copies, int experts, int64_t tokens) {
    return (struct tr_engine_time){.part = TR_ENGINE_PRODUCT,
                                   .type = type,
                                   .rows = 64,
                                   .columns = 256,
                                   .experts = experts,
                                   .experts_used = experts ? 2 : 0,
                                   .tokens = tokens,
                                   .copies = copies,
                                   .threads = 1,
                                   .ns = NAN};
}

static struct tr_engine_time block_part(enum tr_engine_part part, int64_t tokens) {
    return (struct tr_engine_time){.part = part,
                                   .type = part == TR_ENGINE_ATTEND ? "F16" : NULL,
                                   .heads = 4,
                                   .kv_heads = 2,
                                   .key_length = 32,
                                   .value_length = 32,
                                   .depth = part == TR_ENGINE_ATTEND ? 300 : 0,
                                   .embedding = 128,
                                   .feed_forward = 512,
                                   .tokens = tokens,
                                   .copies = 2,
                                   .threads = 1,
                                   .ns = NAN};
}

static int run_items(const char *how, const char *folder, struct tr_engine_time *items, size_t n,
                     struct tr_engine_info *info, struct tr_err *why) {
    struct tr_engine_times times = {items, n};
    const struct tr_engine_child child = {.helper = environment("TOKENROOF_TEST_HELPER"),
                                          .folder = folder,
                                          .seconds = 0.05,
                                          .limit_s = how && !strcmp(how, "hang") ? 1 : 60};
    if (how)
        setenv("FAKE_ENGINE", how, 1);
    else
        unsetenv("FAKE_ENGINE");
    return tr_engine_run(&child, &times, info, why);
}

static void times_come_back(void **state) {
    char folder[64];
    struct tr_engine_time items[] = {
        product("Q4_K", 1, 0, 1),
        product("Q4_K", 8, 0, 1),
        product("Q6_K", 2, 0, 64),
        product("Q4_K", 1, 8, 3),
        product("Q6_K", 1, 8, 3), /* this engine has none */
        block_part(TR_ENGINE_ATTEND, 1),
        block_part(TR_ENGINE_ATTEND, 64),
        block_part(TR_ENGINE_BLOCK, 1),
        {.part = TR_ENGINE_NODE, .tokens = 1, .copies = 10, .threads = 2, .ns = NAN},
        {.part = TR_ENGINE_NODE, .tokens = 1, .copies = 10, .threads = 1, .ns = NAN},
    };
    enum { N = sizeof(items) / sizeof(items[0]) };
    struct tr_engine_info info = {0};
    struct tr_err why = {0};
    (void)state;
    lay_out(environment("TOKENROOF_TEST_ENGINE"), folder);
    int code = run_items("chatty", folder, items, N, &info, &why);
    if (code)
        print_error("%s\n", why.text);
    assert_int_equal(code, 0);
    for (size_t i = 0; i < N; i++) {
        if (i == 4) {
            assert_true(isnan(items[i].ns));
            continue;
        }
        assert_true(items[i].n >= 3); /* nine where time allows */
        assert_true(items[i].ci95_ns[0] <= items[i].ns && items[i].ns <= items[i].ci95_ns[1]);
        /* A node is never faster; with 2 threads it takes half. */
        assert_true(items[i].ns >= (items[i].threads == 2 ? NODE_NS / 2 : NODE_NS));
    }
    /* From here on the interval's low ends, which other programs on the machine hardly raise. Each
     * job has its own number of threads. */
    assert_true(items[8].ci95_ns[0] < 0.8 * items[9].ci95_ns[0]);
    /* Times are per copy: eight take eight times as long, one of them does not. */
    assert_true(items[1].ci95_ns[0] < 4 * items[0].ci95_ns[0]);
    /* A block is a dozen nodes. */
    assert_true(items[7].ns >= 8 * NODE_NS);
    assert_string_equal(items[0].buffer, "FAKE_REPACK");
    assert_string_equal(items[2].buffer, "CPU");
    assert_string_equal(items[3].buffer, "CPU"); /* routed: not rearranged */
    assert_null(items[5].buffer);
    assert_string_equal(info.name, "llama.cpp");
    char *label = tr_engine_label(&info);
    assert_string_equal(label, "llama.cpp v9.9, ggml 0.0.1 (fake)");
    free(label);
    tr_engine_info_finish(&info);
    clear_away(folder);
}

/* Asked so, weights are not rearranged, whatever the engine would choose. */
static void plain_weights_lie_as_in_the_file(void **state) {
    char folder[64], command[768], line[512];
    bool plain = false, rearranged = false;
    (void)state;
    lay_out(environment("TOKENROOF_TEST_ENGINE"), folder);
    unsetenv("FAKE_ENGINE");
    snprintf(command, sizeof(command),
             "printf '%%s\\n' '{\"seconds\":0.01,\"min_samples\":3,\"plain\":true}' "
             "'{\"op\":\"mul_mat\",\"type\":\"Q4_K\",\"m\":64,\"k\":256,\"n\":1,\"copies\":1,"
             "\"threads\":1}' | %s %s",
             environment("TOKENROOF_TEST_HELPER"), folder);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    while (fgets(line, sizeof(line), pipe)) {
        plain = plain || strstr(line, "\"buffer\":\"CPU\"");
        rearranged = rearranged || strstr(line, "FAKE_REPACK");
    }
    assert_int_equal(pclose(pipe), 0);
    assert_true(plain && !rearranged);
    clear_away(folder);
}

static void assert_refused(const char *how, const char *folder, const char *text) {
    struct tr_engine_time items[] = {product("Q4_K", 1, 0, 1)};
    struct tr_engine_info info = {0};
    struct tr_err why = {0};
    assert_int_equal(run_items(how, folder, items, 1, &info, &why), TR_EUNAVAILABLE);
    if (!strstr(why.text, text))
        print_error("'%s' is not in '%s'\n", text, why.text);
    assert_non_null(strstr(why.text, text));
    assert_true(isnan(items[0].ns));
}

static void a_bad_engine_costs_a_message(void **state) {
    char folder[64], old[64];
    (void)state;
    lay_out(environment("TOKENROOF_TEST_ENGINE"), folder);
    lay_out(environment("TOKENROOF_TEST_ENGINE_OLD"), old);
    assert_refused("crash", folder, "crashed (Aborted): fake engine: crash as told");
    assert_refused("hang", folder, "did not finish within 1 s");
    assert_refused("no_backend", folder, "none of its CPU backends");
    assert_refused(NULL, old, "has no ggml_flash_attn_ext");
    assert_refused(NULL, "/nonexistent", "there is no such folder");
    assert_refused(NULL, "/tmp", "no ggml libraries in it");
    clear_away(folder);
    clear_away(old);
}

static void a_signal_ends_the_child(void **state) {
    char folder[64];
    static const volatile sig_atomic_t stop = SIGINT;
    struct tr_engine_time items[] = {product("Q4_K", 1, 0, 1)};
    struct tr_engine_times times = {items, 1};
    struct tr_engine_info info = {0};
    const struct tr_engine_child child = {.helper = environment("TOKENROOF_TEST_HELPER"),
                                          .folder = folder,
                                          .seconds = 30,
                                          .stop = &stop};
    (void)state;
    lay_out(environment("TOKENROOF_TEST_ENGINE"), folder);
    setenv("FAKE_ENGINE", "hang", 1);
    assert_int_equal(tr_engine_run(&child, &times, &info, NULL), TR_ESTOPPED);
    clear_away(folder);
}

/* ---- measure --engine ---- */

/* Output of `tokenroof measure --engine FOLDER ...`, and its status. */
static json_t *measure(const char *folder, int *ret_status) {
    char command[512];
    snprintf(command, sizeof(command),
             "%s measure --kernel read --threads 1 --size 1MiB --time 0.1 --progress none --json "
             "--engine %s 2>/dev/null",
             environment("TOKENROOF_TEST_PROGRAM"), folder);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    json_t *document = json_loadf(pipe, 0, NULL);
    *ret_status = WEXITSTATUS(pclose(pipe));
    return document;
}

static void the_fixed_shapes_are_kept(void **state) {
    char folder[64];
    int status = 0;
    size_t i, gemv = 0;
    json_t *rate;
    (void)state;
    lay_out(environment("TOKENROOF_TEST_ENGINE"), folder);
    unsetenv("FAKE_ENGINE");
    json_t *document = measure(folder, &status);
    assert_true(status == 0 || status == 4);
    json_t *engines = json_object_get(document, "engines");
    assert_int_equal(json_array_size(engines), 1);
    json_t *engine = json_array_get(engines, 0);
    assert_string_equal(json_string_value(json_object_get(engine, "release")), "v9.9");
    /* The folder's name, not the way there. */
    assert_string_equal(json_string_value(json_object_get(engine, "directory")),
                        strrchr(folder, '/') + 1);
    json_t *rates = json_object_get(engine, "rates");
    assert_true(json_array_size(rates) >= 9 * 7);
    json_array_foreach(rates, i, rate) {
        bool one = json_integer_value(json_object_get(rate, "batch")) == 1;
        const char *unit = json_string_value(json_object_get(rate, "unit"));
        const json_t *interval = json_object_get(rate, "ci95");
        double median = json_number_value(json_object_get(rate, "median"));
        assert_string_equal(unit, one ? "GB/s" : "GFLOP/s");
        assert_true(json_number_value(json_array_get(interval, 0)) <= median);
        assert_true(json_number_value(json_array_get(interval, 1)) >= median);
        gemv += one;
    }
    assert_true(gemv >= 9 * 4);
    assert_true(json_array_size(json_object_get(engine, "attention")) >= 6);
    assert_true(json_array_size(json_object_get(engine, "graph")) >= 2);
    assert_true(json_array_size(json_object_get(engine, "blocks")) >= 2);
    json_decref(document);

    /* The figures that have nothing to do with the engine are there all the same. */
    setenv("FAKE_ENGINE", "crash", 1);
    document = measure(folder, &status);
    assert_int_equal(status, 3);
    assert_true(json_array_size(json_object_get(document, "measurements")) >= 1);
    assert_int_equal(json_array_size(json_object_get(document, "engines")), 0);
    json_decref(document);
    clear_away(folder);
}

/* ---- arithmetic ---- */

static const struct tr_use_case cases[] = {
    {.name = "pp300", .prompt_tokens = 300},
    {.name = "tg100", .generated_tokens = 100},
};

/* Every product takes 0.1 ns for each of its elements and 5 tokens, and a millisecond for the
 * start. */
static const double start_ns = 1e6;

static void invent_times(struct tr_engine_times *times) {
    for (size_t i = 0; i < times->n; i++) {
        struct tr_engine_time *item = &times->items[i];
        double tokens = (double)item->tokens;
        if (item->part == TR_ENGINE_PRODUCT)
            item->ns = 0.1 * (double)(item->rows * item->columns) * (1 + (tokens - 1) / 5);
        else if (item->part == TR_ENGINE_ATTEND)
            item->ns = tokens * ((double)item->depth + (tokens > 1 ? tokens / 2 : 0)) * 3;
        else if (item->part == TR_ENGINE_BLOCK)
            item->ns = 700 * tokens;
        else
            item->ns = item->part == TR_ENGINE_NODE ? 10 : start_ns;
        item->ns += item->part == TR_ENGINE_START ? 0 : start_ns / item->copies;
    }
}

static struct tr_model *known_model(void) {
    struct tr_model *model = NULL;
    assert_int_equal(tr_model_from_catalogue("llama-3.2-1b-q4_k_m", &model, NULL), 0);
    return model;
}

static void terms_add_up(void **state) {
    struct tr_model *model = known_model();
    struct tr_engine_times times = {0};
    struct tr_prediction *prediction = NULL;
    struct tr_err why = {0};
    double elements = 0, output = 0, last = 0;
    (void)state;
    for (size_t i = 0; i < model->n_products; i++) {
        const struct tr_product *one = &model->products[i];
        double count = one->count * (double)one->rows * (double)one->columns;
        elements += count;
        output += one->tensor_class == TR_TENSOR_OUTPUT ? count : 0;
        last += one->last_block_count * (double)one->rows * (double)one->columns;
    }
    assert_true(last == 3.0 * 2048 * 8192);
    /* The products are all of the model's multiplications. */
    assert_true(fabs(2 * elements / model->flop_per_token - 1) < 1e-3);

    assert_int_equal(tr_engine_times_plan(model, cases, 2, 512, 2, 1e12, &times, &why), 0);
    for (size_t i = 0; i < times.n; i++)
        assert_true(isnan(times.items[i].ns) && times.items[i].threads == 2);
    invent_times(&times);
    const struct tr_basis basis = {.memory_bytes = 1e12,
                                   .storage_gb_per_s = NAN,
                                   .threads = 2,
                                   .engine = "fake",
                                   .engine_times = &times};
    assert_int_equal(tr_predict("engine", model, &basis, cases, 2, &prediction, &why), 0);
    assert_string_equal(prediction->fidelity, "engine");

    /* Generation from position 0 to 100: products, attention at 50 on average, the small
     * operations and one start. */
    double token_ns =
        0.1 * elements + (double)model->n_layers * 50 * 3 + model->blocks * 700.0 + start_ns;
    double tg = prediction->results[1].tg_tok_s.value;
    assert_true(fabs(tg / (1e9 / token_ns) - 1) < 0.002);
    /* A prompt of 300: each product takes 1 + 299 / 5 times as long as for one token; no output,
     * and no feed-forward part of the last block but for the last token. */
    double prompt_ns = 0.1 * (elements - output - last) * (1 + 299 / 5.0) / 300 +
                       (double)model->n_layers * 150 * 3 + model->blocks * 700.0 + start_ns / 300;
    double pp = prediction->results[0].pp_tok_s.value;
    assert_true(fabs(pp / (1e9 / prompt_ns) - 1) < 0.002);
    tr_prediction_destroy(prediction);
    tr_engine_times_finish(&times);
    tr_model_destroy(model);
}

static void a_product_that_is_missing_is_named(void **state) {
    struct tr_model *model = known_model();
    struct tr_engine_times times = {0};
    struct tr_prediction *prediction = NULL;
    struct tr_err why = {0};
    const struct tr_basis basis = {.memory_bytes = 1e12, .engine_times = &times};
    (void)state;
    assert_int_equal(tr_predict("engine", model, &basis, cases, 2, &prediction, &why),
                     TR_EUNAVAILABLE);
    assert_int_equal(tr_engine_times_plan(model, cases, 2, 512, 2, 1e12, &times, NULL), 0);
    invent_times(&times);
    for (size_t i = 0; i < times.n; i++)
        if (times.items[i].part == TR_ENGINE_PRODUCT && !strcmp(times.items[i].type, "Q6_K"))
            times.items[i].ns = NAN;
    assert_int_equal(tr_predict("engine", model, &basis, cases, 2, &prediction, &why),
                     TR_EUNAVAILABLE);
    assert_non_null(strstr(why.text, "Q6_K"));
    assert_null(prediction);
    tr_engine_times_finish(&times);
    tr_model_destroy(model);
}

/* Weights that lie on one node come no faster than that node gives them. */
static void placement_bounds_reading(void **state) {
    struct tr_model *model = known_model();
    struct tr_engine_times times = {0};
    double rates[2] = {0};
    (void)state;
    assert_int_equal(tr_engine_times_plan(model, cases, 2, 512, 2, 1e12, &times, NULL), 0);
    invent_times(&times);
    for (int i = 0; i < 2; i++) {
        struct tr_prediction *prediction = NULL;
        const struct tr_rates read = {.read_gb_per_s = 20, .read_best_gb_per_s = 20};
        const struct tr_basis basis = {.memory_bytes = 1e12,
                                       .storage_gb_per_s = NAN,
                                       .threads = 2,
                                       .rates = &read,
                                       .placement_fraction = i ? 0.1 : 1,
                                       .interleaved_fraction = 0.5,
                                       .one_node_fraction = 0.1,
                                       .machine = {.nodes = 2},
                                       .engine_times = &times};
        assert_int_equal(tr_predict("engine", model, &basis, cases, 2, &prediction, NULL), 0);
        rates[i] = prediction->results[1].tg_tok_s.value;
        const struct tr_token_time *time = &prediction->results[1].time[TR_PHASE_GENERATION];
        for (size_t j = 0; j < time->n_terms; j++)
            if (i && time->terms[j].bytes > 0)
                assert_true(time->terms[j].gb_per_s <= 2.001);
        size_t told = 0;
        for (size_t j = 0; j < prediction->n_explanations; j++)
            told += !strcmp(prediction->explanations[j].name, "TG by placement");
        assert_int_equal(told, 3);
        tr_prediction_destroy(prediction);
    }
    /* 0.8 GB of weights at 2 GB/s. */
    assert_true(rates[0] > 3 && rates[1] < 2.5 && rates[1] > 2);
    tr_engine_times_finish(&times);
    tr_model_destroy(model);
}

/* Times with other numbers of threads are for the best one alone. */
static void the_best_threads_are_named(void **state) {
    struct tr_model *model = known_model();
    struct tr_engine_times times = {0}, others[2] = {{0}};
    struct tr_prediction *prediction = NULL;
    (void)state;
    assert_int_equal(tr_engine_times_plan(model, cases, 2, 512, 4, 1e12, &times, NULL), 0);
    invent_times(&times);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(
            tr_engine_times_plan(model, cases, 2, 512, i ? 8 : 3, 1e12, &others[i], NULL), 0);
        invent_times(&others[i]);
        for (size_t j = 0; j < others[i].n; j++)
            others[i].items[j].ns *= i ? 3 : 0.5;
    }
    struct tr_basis basis = {.memory_bytes = 1e12,
                             .storage_gb_per_s = NAN,
                             .threads = 4,
                             .engine_times = &times,
                             .engine_others = others,
                             .n_engine_others = 2};
    assert_int_equal(tr_predict("engine", model, &basis, cases, 2, &prediction, NULL), 0);
    double asked = prediction->results[1].tg_tok_s.value;
    assert_int_equal(prediction->results[1].best_threads, 3);
    assert_true(fabs(prediction->results[1].best_tg_tok_s / asked - 2) < 0.01);
    tr_prediction_destroy(prediction);
    basis.n_engine_others = 0;
    assert_int_equal(tr_predict("engine", model, &basis, cases, 2, &prediction, NULL), 0);
    assert_int_equal(prediction->results[1].best_threads, 0); /* nothing to choose from */
    assert_true(prediction->results[1].tg_tok_s.value == asked);
    tr_prediction_destroy(prediction);
    tr_engine_times_finish(&times);
    tr_engine_times_finish(&others[0]);
    tr_engine_times_finish(&others[1]);
    tr_model_destroy(model);
}

static void windows_bound_the_cache(void **state) {
    struct tr_engine_time items[2];
    struct tr_engine_times times = {items, 2};
    struct tr_attention_layer layer = {
        .heads = 4, .kv_heads = 2, .key_length = 32, .value_length = 32};
    (void)state;
    for (int i = 0; i < 2; i++) {
        items[i] = block_part(TR_ENGINE_ATTEND, 1);
        items[i].depth = i * 1000;
        items[i].ns = 100 + i * 1000;
    }
    assert_true(fabs(tr_engine_attention_ns(&times, &layer, 500, 1) - 600) < 1e-6);
    assert_true(fabs(tr_engine_attention_ns(&times, &layer, 3000, 1) - 3100) < 1e-6);
    layer.window = 200;
    assert_true(fabs(tr_engine_attention_ns(&times, &layer, 3000, 1) - 300) < 1e-6);
    layer.heads = 8; /* not timed */
    assert_true(isnan(tr_engine_attention_ns(&times, &layer, 500, 1)));
}

/* As many copies as the model has, as long as they fit the budget. */
static void the_budget_limits_copies(void **state) {
    struct tr_model *model = known_model();
    (void)state;
    double all[2] = {0, 0};
    for (int small = 0; small < 2; small++) {
        struct tr_engine_times times = {0};
        assert_int_equal(
            tr_engine_times_plan(model, cases, 2, 512, 1, small ? 1e8 : 1e12, &times, NULL), 0);
        for (size_t i = 0; i < times.n; i++) {
            const struct tr_engine_time *item = &times.items[i];
            assert_true(item->copies >= 1);
            if (item->part == TR_ENGINE_PRODUCT && item->tokens == 1)
                all[small] += item->copies;
        }
        tr_engine_times_finish(&times);
    }
    assert_int_equal((int)all[0], model->blocks * 7 + 1);
    assert_true(all[1] < all[0] / 4);
    tr_model_destroy(model);
}

/* "slow": only what takes longer than a few seconds. */
int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_come_back),
        cmocka_unit_test(plain_weights_lie_as_in_the_file),
        cmocka_unit_test(a_bad_engine_costs_a_message),
        cmocka_unit_test(a_signal_ends_the_child),
        cmocka_unit_test(the_fixed_shapes_are_kept),
        cmocka_unit_test(terms_add_up),
        cmocka_unit_test(a_product_that_is_missing_is_named),
        cmocka_unit_test(placement_bounds_reading),
        cmocka_unit_test(the_best_threads_are_named),
        cmocka_unit_test(windows_bound_the_cache),
        cmocka_unit_test(the_budget_limits_copies),
    };
    if (argc > 1 && !strcmp(argv[1], "slow"))
        cmocka_set_test_filter("the_fixed_shapes_are_kept");
    else
        cmocka_set_skip_filter("the_fixed_shapes_are_kept");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
