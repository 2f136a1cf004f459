/* A table of accuracy with enough steady rows gives predictions an interval, in the document and in
 * the report. The program's own table may have too few: the linker puts this one in its place
 * (--wrap). */
#include "test.h"

#include <math.h>

#include "csv.h"
#include "data.h"
#include "interval.h"
#include "predictions.h"
#include "strbuf.h"
#include "term.h"
#include "tokenroof/measured.h"
#include "tokenroof/predict.h"

static char table[4096];

const struct tr_data *
__real_tr_data_find(const char *name); /* NOLINT(bugprone-reserved-identifier) */
const struct tr_data *
__wrap_tr_data_find(const char *name); /* NOLINT(bugprone-reserved-identifier) */

const struct tr_data *
__wrap_tr_data_find(const char *name) { /* NOLINT(bugprone-reserved-identifier) */
    static struct tr_data made_up;
    if (strcmp(name, "accuracy.csv") != 0)
        return __real_tr_data_find(name);
    made_up = *__real_tr_data_find(name);
    made_up.text = table;
    made_up.length = strlen(table);
    return &made_up;
}

/* Observed / predicted: 0.90, 0.91, ... 1.00 for generation; for prompts one row too few. */
static void make_table(void) {
    strcpy(table, "tier,figure,machine,uarch,cores,nodes,role,predicted,observed,own_percent\n");
    for (int i = 0; i < 11; i++)
        snprintf(table + strlen(table), sizeof(table) - strlen(table),
                 "measured,tg,m,zen5,2,1,learn,100,%d,1\n", 90 + i);
    for (int i = 0; i < 9; i++)
        snprintf(table + strlen(table), sizeof(table) - strlen(table),
                 "measured,pp,m,zen5,2,1,learn,100,%d,1\n", 90 + i);
}

static struct tr_prediction *predict(const struct tr_model *model, const char *fidelity,
                                     const char *uarch) {
    static struct tr_measured_rate rates[] = {
        {.op = TR_MEASURED_GEMV, .type = "F16", .threads = 2, .tokens = 1, .rate = 20},
        {.op = TR_MEASURED_GEMM, .type = "F16", .threads = 2, .tokens = 512, .rate = 400},
        {.op = TR_MEASURED_ATTENTION, .type = "F16", .threads = 2, .tokens = 1, .rate = 8},
        {.op = TR_MEASURED_COPY, .threads = 2, .tokens = 1, .rate = 16},
        {.op = TR_MEASURED_BARRIER, .threads = 2, .tokens = 1, .rate = 1000},
    };
    static const struct tr_measured measured = {.rates = rates, .n = 5, .read_gb_per_s = 25};
    static const struct tr_rates read = {
        .read_gb_per_s = 25, .flop_gflop_per_s = 100, .memory_bytes = 64e9, .threads = 2};
    const struct tr_basis basis = {.threads = 2,
                                   .memory_bytes = 64e9,
                                   .storage_gb_per_s = NAN,
                                   .rates = &read,
                                   .measured = &measured,
                                   .machine = {.uarch = uarch, .cores = 2, .nodes = 1}};
    const struct tr_use_case use_case = {
        .name = "test", .prompt_tokens = 64, .generated_tokens = 64};
    struct tr_prediction *prediction = NULL;
    struct tr_err why = {0};
    if (tr_predict(fidelity, model, &basis, &use_case, 1, &prediction, &why))
        fail_msg("%s", why.text);
    return prediction;
}

static void predictions_have_intervals(void **state) {
    struct tr_model *model = NULL;
    (void)state;
    assert_int_equal(tr_model_load("llama-3.2-1b-f16", &model, NULL), 0);
    struct tr_prediction *prediction = predict(model, "measured", "zen5");
    const struct tr_prediction_result *result = &prediction->results[0];
    assert_true(fabs(result->tg_tok_s.low / result->tg_tok_s.value - 0.902) < 1e-9);
    assert_true(fabs(result->tg_tok_s.high / result->tg_tok_s.value - 0.998) < 1e-9);
    assert_true(isnan(result->pp_tok_s.low) && isnan(result->total_s.high)); /* too few rows */
    json_t *document = NULL, *all = json_array();
    assert_int_equal(tr_prediction_to_json(prediction, &document), 0);
    const json_t *tg =
        json_object_get(json_array_get(json_object_get(document, "results"), 0), "tg_tok_s");
    assert_true(json_number_value(json_object_get(tg, "low")) > 0);
    assert_non_null(strstr(json_string_value(json_object_get(document, "interval_note")),
                           "80 % interval from 11 results of an engine on 1 machine"));
    struct tr_strbuf text = {0};
    const struct tr_term term = {.width = 120};
    json_array_append_new(all, document);
    tr_predictions_text(all, &term, false, &text);
    char *report = tr_strbuf_take(&text);
    assert_non_null(strstr(report, "interval     80 % interval from 11 results"));
    free(report);
    json_decref(all);
    tr_prediction_destroy(prediction);

    /* Elsewhere it is wider; the formula has none. */
    prediction = predict(model, "measured", "zen4");
    assert_true(prediction->results[0].tg_tok_s.low < 0.9 * prediction->results[0].tg_tok_s.value);
    assert_non_null(strstr(prediction->interval_note, "another micro-architecture"));
    tr_prediction_destroy(prediction);
    prediction = predict(model, "formula", "zen5");
    assert_true(isnan(prediction->results[0].tg_tok_s.low) && !prediction->interval_note);
    tr_prediction_destroy(prediction);
    tr_model_destroy(model);
}

/* Uniform in [0, 1); the same sequence each time. */
static double next_random(uint64_t *seed) {
    *seed = *seed * 6364136223846793005U + 1442695040888963407U;
    return (double)(*seed >> 11) / 9007199254740992.0;
}

/* Of one more result than those that it comes from, an 80 % interval holds four in five. */
static void intervals_hold_what_they_say(void **state) {
    enum { REPEATS = 4000, ROWS = 12 };
    const struct tr_interval_wanted wanted = {.tier = "measured",
                                              .phase = TR_PHASE_GENERATION,
                                              .machine = {.uarch = "zen5", .cores = 2, .nodes = 1}};
    uint64_t seed = 1;
    int inside = 0;
    (void)state;
    for (int k = 0; k < REPEATS; k++) {
        char text[2048] =
            "tier,figure,machine,uarch,cores,nodes,role,predicted,observed,own_percent\n";
        for (int i = 0; i < ROWS; i++)
            snprintf(text + strlen(text), sizeof(text) - strlen(text),
                     "measured,tg,m,zen5,2,1,learn,100,%.6f,1\n", 80 + 40 * next_random(&seed));
        struct tr_csv csv = {0};
        struct tr_interval interval;
        assert_int_equal(tr_csv_parse(text, strlen(text), "made up", &csv, NULL), 0);
        tr_interval_from(&csv, &wanted, &interval);
        double another = 0.8 + 0.4 * next_random(&seed);
        inside += interval.low <= another && another <= interval.high;
        tr_csv_finish(&csv);
    }
    double share = (double)inside / REPEATS;
    if (fabs(share - 0.8) > 0.025) /* four standard deviations */
        fail_msg("%.3f of the results lie inside", share);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(predictions_have_intervals),
                                       cmocka_unit_test(intervals_hold_what_they_say)};
    make_table();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
