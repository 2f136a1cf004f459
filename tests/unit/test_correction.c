/* What was learned, intervals that were checked, and stored rates of an engine. */
#include "test.h"

#include <jansson.h>

#include <math.h>

#include "correction.h"
#include "csv.h"
#include "engine_stored.h"
#include "interval.h"

/* ---- corrections ---- */

static const char kept[] =
    "[{\"date\":\"2026-11-21T10:00:00Z\",\"build\":\"0ad4a86f (7000)\",\"commit\":\"0ad4a86f\","
    "\"fidelity\":\"measured\",\"rates\":\"llama.cpp\",\"model\":\"a\",\"model_bytes\":1000,"
    "\"test\":\"tg128\",\"phase\":\"generation\",\"threads\":2,\"ratio\":0.8,\"spread\":0.01,\"n\":"
    "3},"
    "{\"date\":\"2026-11-22T10:00:00Z\",\"build\":\"0ad4a86f (7000)\",\"commit\":\"0ad4a86f\","
    "\"fidelity\":\"measured\",\"rates\":\"llama.cpp\",\"model\":\"b\",\"model_bytes\":2000,"
    "\"test\":\"tg128\",\"phase\":\"generation\",\"threads\":2,\"ratio\":0.9,\"spread\":null,\"n\":"
    "3},"
    "{\"date\":\"2026-11-23T10:00:00Z\",\"build\":\"ffffffff (8000)\",\"commit\":\"ffffffff\","
    "\"fidelity\":\"engine\",\"rates\":\"timed\",\"model\":\"a\",\"model_bytes\":1000,"
    "\"test\":\"tg128\",\"phase\":\"generation\",\"threads\":1,\"ratio\":0.5,\"spread\":0,\"n\":3},"
    "{\"ratio\":0}, 5, {\"commit\":\"x\"}]";

struct fixture {
    json_t *array;
    struct tr_corrections corrections;
    struct tr_model model;
    struct tr_correction_wanted wanted;
};

static int setup(void **state) {
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    f->array = json_loads(kept, 0, NULL);
    assert_non_null(f->array);
    assert_int_equal(tr_corrections_read(f->array, &f->corrections), 0);
    f->model = (struct tr_model){.name = (char *)"a", .file_bytes = 1000};
    f->wanted = (struct tr_correction_wanted){.fidelity = "measured",
                                              .rates = "llama.cpp",
                                              .model = &f->model,
                                              .threads = 2,
                                              .phase = TR_PHASE_GENERATION};
    *state = f;
    return 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    tr_corrections_finish(&f->corrections);
    json_decref(f->array);
    free(f);
    return 0;
}

static void the_nearest_one_applies(void **state) {
    struct fixture *f = *state;
    struct tr_applied applied;
    assert_int_equal(f->corrections.n, 3); /* what is none of them is passed over */
    assert_true(tr_correction_find(&f->corrections, &f->wanted, &applied));
    assert_true(fabs(applied.ratio - 0.8) < 1e-12 && applied.n == 1 && applied.spread == 0.01);
    /* Another model: the mean of both, with what lies between them. */
    f->model.name = (char *)"c";
    assert_true(tr_correction_find(&f->corrections, &f->wanted, &applied));
    assert_true(fabs(applied.ratio - sqrt(0.72)) < 1e-12 && applied.n == 2);
    assert_true(applied.spread > 0.08 && applied.spread < 0.09);
    assert_string_equal(applied.date, "2026-11-22T10:00:00Z");
    f->wanted.threads = 8;
    assert_true(tr_correction_find(&f->corrections, &f->wanted, &applied));
    f->wanted.phase = TR_PHASE_PROMPT;
    assert_false(tr_correction_find(&f->corrections, &f->wanted, &applied));
    assert_false(tr_correction_find(NULL, &f->wanted, &applied));
}

static void only_of_the_same_build_and_rates(void **state) {
    struct fixture *f = *state;
    struct tr_applied applied;
    f->wanted.build = "7000";
    assert_true(tr_correction_find(&f->corrections, &f->wanted, &applied));
    f->wanted.build = "0ad4a86"; /* shorter */
    assert_true(tr_correction_find(&f->corrections, &f->wanted, &applied));
    f->wanted.build = "8000";
    assert_false(tr_correction_find(&f->corrections, &f->wanted, &applied));
    f->wanted.build = NULL;
    f->wanted.fidelity = "engine";
    f->wanted.rates = "stored";
    f->wanted.engine = "llama.cpp, ggml 1 (fffffff), zen4";
    assert_false(tr_correction_find(&f->corrections, &f->wanted, &applied));
    f->wanted.rates = "timed";
    assert_true(tr_correction_find(&f->corrections, &f->wanted, &applied));
    assert_true(applied.ratio == 0.5);
    f->wanted.engine = "llama.cpp, ggml 1 (0ad4a86), zen4"; /* its own, not the newest one's */
    assert_false(tr_correction_find(&f->corrections, &f->wanted, &applied));
    f->wanted.engine = "llama.cpp"; /* of unknown build */
    assert_false(tr_correction_find(&f->corrections, &f->wanted, &applied));
}

static void learning_again_replaces(void **state) {
    struct fixture *f = *state;
    struct tr_correction one = f->corrections.items[0];
    size_t before = json_array_size(f->array);
    one.ratio = 0.85;
    assert_int_equal(tr_correction_store(&one, f->array), 0);
    assert_int_equal(json_array_size(f->array), before);
    one.threads = 1;
    assert_int_equal(tr_correction_store(&one, f->array), 0);
    assert_int_equal(json_array_size(f->array), before + 1);
    struct tr_corrections again = {0};
    assert_int_equal(tr_corrections_read(f->array, &again), 0);
    assert_int_equal(again.n, 4);
    assert_true(again.items[0].ratio == 0.85 && again.items[3].threads == 1);
    assert_true(isnan(again.items[1].spread));
    tr_corrections_finish(&again);
}

/* ---- intervals ---- */

static struct tr_interval interval(int learned, struct tr_checked_on machine) {
    char text[4096] = "tier,figure,machine,uarch,cores,nodes,role,predicted,observed,own_percent\n";
    struct tr_csv csv = {0};
    struct tr_interval found;
    const struct tr_interval_wanted wanted = {
        .tier = "engine", .phase = TR_PHASE_GENERATION, .machine = machine};
    for (int i = 0; i < learned; i++) /* observed / predicted: 0.90, 0.91, ... */
        snprintf(text + strlen(text), sizeof(text) - strlen(text),
                 "engine,tg,m%d,zen5,2,1,learn,100,%d,2.5\n", i % 2, 90 + i);
    strcat(text, "engine,tg,m,zen5,2,1,learn,100,10,2.6\n"   /* not steady */
                 "engine,tg,m,zen5,2,1,check,100,10,0\n"     /* not to learn from */
                 "engine,pp,m,zen5,2,1,learn,100,10,0\n"     /* another figure */
                 "measured,tg,m,zen5,2,1,learn,100,10,0\n"); /* another tier */
    assert_int_equal(tr_csv_parse(text, strlen(text), "table", &csv, NULL), 0);
    tr_interval_from(&csv, &wanted, &found);
    tr_csv_finish(&csv);
    return found;
}

static void ten_steady_rows_make_an_interval(void **state) {
    const struct tr_checked_on same = {"zen5", 16, 1};
    (void)state;
    struct tr_interval few = interval(9, same), enough = interval(11, same);
    assert_true(isnan(few.low) && isnan(few.high) && few.rows == 9);
    assert_null(tr_interval_note(&few));
    assert_true(enough.rows == 11 && enough.machines == 2 && enough.n_beyond == 0);
    assert_true(fabs(enough.low - 0.902) < 1e-12 && fabs(enough.high - 0.998) < 1e-12);
    char *note = tr_interval_note(&enough);
    assert_string_equal(note, "80 % interval from 11 results of an engine on 2 machines");
    free(note);
}

static void elsewhere_it_widens(void **state) {
    const struct tr_checked_on other = {"zen4", 16, 1}, large = {"zen5", 64, 2}, none = {0};
    (void)state;
    struct tr_interval found = interval(11, other);
    assert_true(found.n_beyond == 1);
    assert_true(fabs(found.low - 0.902 * 0.902) < 1e-9);
    assert_true(fabs(found.high - 1.10) < 1e-9); /* at least so far */
    found = interval(11, large);
    assert_true(found.n_beyond == 2 && fabs(found.low - pow(0.902, 4)) < 1e-9);
    char *note = tr_interval_note(&found);
    assert_non_null(strstr(note, "it has more NUMA nodes and it has more than 16 cores"));
    free(note);
    assert_true(interval(11, none).n_beyond == 1); /* unknown is another one */
}

/* A machine whose micro-architecture has rows enough goes by these alone. */
static void ones_own_rows_come_first(void **state) {
    const struct tr_checked_on own = {"zen5", 2, 1}, few = {"zen4", 2, 1}, other = {"zen2", 2, 1};
    char text[4096] = "tier,figure,machine,uarch,cores,nodes,role,predicted,observed,own_percent\n";
    struct tr_interval_wanted wanted = {.tier = "engine", .phase = TR_PHASE_GENERATION};
    struct tr_csv csv = {0};
    struct tr_interval found;
    (void)state;
    for (int i = 0; i < 20; i++) /* ten at 0.95, nine at 0.5, one more at 0.5 of another figure */
        snprintf(text + strlen(text), sizeof(text) - strlen(text),
                 "engine,%s,m%d,%s,2,1,learn,100,%d,1\n", i < 19 ? "tg" : "pp", i < 10,
                 i < 10 ? "zen5" : "zen4", i < 10 ? 95 : 50);
    assert_int_equal(tr_csv_parse(text, strlen(text), "table", &csv, NULL), 0);
    wanted.machine = own;
    tr_interval_from(&csv, &wanted, &found);
    assert_true(found.rows == 10 && found.machines == 1 && found.n_beyond == 0);
    assert_true(found.low == 0.95 && found.high == 0.95);
    wanted.machine = few;
    tr_interval_from(&csv, &wanted, &found);
    assert_true(found.rows == 19 && found.machines == 2 && found.n_beyond == 0);
    assert_true(found.low == 0.5 && found.high == 0.95);
    wanted.machine = other;
    tr_interval_from(&csv, &wanted, &found);
    assert_true(found.rows == 19 && found.n_beyond == 1 && fabs(found.low - 0.25) < 1e-9);
    tr_csv_finish(&csv);
}

/* ---- stored rates of an engine ---- */

static const char entry_text[] =
    "{\"measured_at\":\"2026-11-21T10:00:00Z\",\"rates\":["
    "{\"type\":\"Q8_0\",\"op\":\"gemv\",\"m\":1024,\"k\":1024,\"batch\":1,\"threads\":1,\"median\":"
    "8},"
    "{\"type\":\"Q8_0\",\"op\":\"gemv\",\"m\":4096,\"k\":4096,\"batch\":1,\"threads\":1,\"median\":"
    "10},"
    "{\"type\":\"Q8_0\",\"op\":\"gemv\",\"m\":4096,\"k\":4096,\"batch\":1,\"threads\":3,\"median\":"
    "30},"
    "{\"type\":\"Q8_0\",\"op\":\"gemm\",\"m\":4096,\"k\":4096,\"batch\":8,\"threads\":1,\"median\":"
    "50},"
    "{\"type\":\"Q8_0\",\"op\":\"gemm\",\"m\":4096,\"k\":4096,\"batch\":512,\"threads\":1,"
    "\"median\":110}],"
    "\"attention\":[{\"cache_type\":\"F16\",\"heads\":8,\"kv_heads\":8,\"key_length\":64,"
    "\"value_length\":64,\"depth\":500,\"batch\":1,\"threads\":1,\"median_ns\":1000},"
    "{\"cache_type\":\"F16\",\"heads\":8,\"kv_heads\":8,\"key_length\":64,\"value_length\":64,"
    "\"depth\":1500,\"batch\":1,\"threads\":1,\"median_ns\":3000},"
    "{\"cache_type\":\"F16\",\"heads\":8,\"kv_heads\":8,\"key_length\":64,\"value_length\":64,"
    "\"depth\":0,\"batch\":512,\"threads\":1,\"median_ns\":1e6}],"
    "\"blocks\":[{\"embedding\":1000,\"feed_forward\":0,\"heads\":8,\"batch\":1,\"threads\":1,"
    "\"median_ns\":2200}],"
    "\"graph\":[{\"what\":\"node\",\"threads\":1,\"median_ns\":100},"
    "{\"what\":\"start\",\"threads\":1,\"median_ns\":500}]}";

static double stored_ns(struct tr_engine_time item) {
    json_t *entry = json_loads(entry_text, 0, NULL);
    assert_non_null(entry);
    item.threads = item.threads ? item.threads : 1;
    item.copies = item.copies ? item.copies : 1;
    struct tr_engine_times times = {&item, 1};
    tr_engine_stored_fill(entry, &times);
    json_decref(entry);
    return item.ns;
}

static struct tr_engine_time product(const char *type, int64_t rows, int64_t columns,
                                     int64_t tokens, int threads) {
    return (struct tr_engine_time){.part = TR_ENGINE_PRODUCT,
                                   .type = type,
                                   .rows = rows,
                                   .columns = columns,
                                   .tokens = tokens,
                                   .threads = threads};
}

static void assert_ns(double ns, double expected) {
    if (!(fabs(ns - expected) <= 1e-9 * expected))
        fail_msg("%.9g ns, expected %.9g", ns, expected);
}

static void stored_rates_fit_any_shape(void **state) {
    const double bytes = 34.0 / 32, start = 500;
    (void)state;
    /* As it was timed; below the smallest at its rate; in between on a line over bytes. */
    assert_ns(stored_ns(product("Q8_0", 4096, 4096, 1, 1)), 4096 * 4096 * bytes / 10 + start);
    assert_ns(stored_ns(product("Q8_0", 512, 1024, 1, 1)), 512 * 1024 * bytes / 8 + start);
    assert_ns(stored_ns(product("Q8_0", 2048, 4352, 1, 1)), 2048 * 4352 * bytes / 9 + start);
    /* 64 tokens lie in the middle of 8 and 512 on the scale of octaves: 80 GFLOP/s. */
    assert_ns(stored_ns(product("Q8_0", 1024, 2048, 64, 1)), 2.0 * 1024 * 2048 * 64 / 80 + start);
    /* Two threads between one and three; F16 is not there, nor is a type near it. */
    assert_ns(stored_ns(product("Q8_0", 4096, 4096, 1, 2)), 4096 * 4096 * bytes / 20 + start);
    assert_true(isnan(stored_ns(product("F16", 4096, 4096, 1, 1))));
    /* Q5_0 goes by Q8_0 at its own bytes. */
    assert_ns(stored_ns(product("Q5_0", 4096, 4096, 1, 1)), 4096 * 4096 * 22.0 / 32 / 10 + start);
    /* Of routed experts those that are used. */
    struct tr_engine_time routed = product("Q8_0", 4096, 4096, 1, 1);
    routed.experts = 8;
    routed.experts_used = 2;
    assert_ns(stored_ns(routed), 2 * 4096 * 4096 * bytes / 10 + start);
}

static void stored_attention_and_blocks(void **state) {
    struct tr_engine_time item = {.part = TR_ENGINE_ATTEND,
                                  .type = "F16",
                                  .heads = 16,
                                  .kv_heads = 8,
                                  .key_length = 64,
                                  .value_length = 64,
                                  .tokens = 1,
                                  .depth = 1000};
    (void)state;
    assert_ns(stored_ns(item), 4000); /* twice the heads */
    item.depth = 0;
    assert_ns(stored_ns(item), 100); /* not less than a node */
    item.tokens = 256;
    assert_ns(stored_ns(item), 2e6 / 4);
    const struct tr_engine_time block = {
        .part = TR_ENGINE_BLOCK, .heads = 8, .embedding = 2000, .tokens = 1};
    assert_ns(stored_ns(block), 12 * 100 + 2 * 1000);
    assert_ns(stored_ns((struct tr_engine_time){.part = TR_ENGINE_NODE, .tokens = 1}), 100);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_nearest_one_applies, setup, teardown),
        cmocka_unit_test_setup_teardown(only_of_the_same_build_and_rates, setup, teardown),
        cmocka_unit_test_setup_teardown(learning_again_replaces, setup, teardown),
        cmocka_unit_test(ten_steady_rows_make_an_interval),
        cmocka_unit_test(elsewhere_it_widens),
        cmocka_unit_test(ones_own_rows_come_first),
        cmocka_unit_test(stored_rates_fit_any_shape),
        cmocka_unit_test(stored_attention_and_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
