/* A program that links the shared library and includes public headers alone. */
#include "test.h"

#include "tokenroof/calibration.h"
#include "tokenroof/machine.h"
#include "tokenroof/model.h"
#include "tokenroof/predict.h"

static void facts_and_predictions(void **state) {
    (void)state;
    struct tr_machine_options options = {.source = "synthetic:pack:2 l3:2 core:4 pu:1",
                                         .overrides = {.channels = 12, .mts = 4800}};
    struct tr_machine *machine = NULL;
    assert_int_equal(tr_machine_load(&options, &machine, NULL), 0);
    assert_int_equal(machine->n_cores, 16);
    const struct tr_limit *dram =
        tr_limit_find(machine->limits, machine->n_limits, "dram", TR_PLACE_MACHINE, 0);
    assert_non_null(dram);
    assert_true(dram->value > 921.59 && dram->value < 921.61 && !dram->hard);

    struct tr_model *model = NULL;
    struct tr_prediction *prediction = NULL;
    struct tr_rates rates = {.read_gb_per_s = 400,
                             .flop_gflop_per_s = 4000,
                             .memory_bytes = 384e9,
                             .storage_gb_per_s = 1,
                             .threads = 16,
                             .platform = "test"};
    size_t n = 0;
    const struct tr_use_case *cases = tr_use_cases(&n);
    assert_int_equal(tr_model_from_catalogue("llama-3.1-8b-q4_k_m", &model, NULL), 0);
    assert_int_equal(tr_predict_formula(model, &rates, cases, n, &prediction, NULL), 0);
    /* 400 GB/s over some 4.7 GB a token. */
    assert_true(prediction->results[0].tg_tok_s.value > 70 &&
                prediction->results[0].tg_tok_s.value < 100);
    tr_prediction_destroy(prediction);
    tr_model_destroy(model);
    tr_machine_destroy(machine);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(facts_and_predictions)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
