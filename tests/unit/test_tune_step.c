/* What a step can bring at most follows from the limits. Of this machine nothing is needed but that
 * it can be looked at: its channels and dies are given. */
#include <math.h>

#include "test.h"
#include "tune_step.h"

static struct tr_tune_step find(const struct tr_tune_setting *from, const char *label,
                                const char *what_if, bool *ret_known) {
    struct tr_tune_step step = {0};
    struct tr_err err = {0};
    const struct tr_machine_options machine = {.source = "synthetic:pack:1 core:16 pu:1",
                                               .overrides = {.channels = 2}};
    if (tr_tune_step_find(&machine, from, label, what_if, "llama-3.1-8b-q4_k_m", &step, ret_known,
                          &err))
        fail_msg("%s", err.text);
    return step;
}

static void assert_about(double value, double expected, double tolerance) {
    if (!(fabs(value - expected) <= tolerance))
        fail_msg("%.12g is not %.12g +- %g", value, expected, tolerance);
}

static void test_memory(void **state) {
    (void)state;
    bool known = false;
    const struct tr_tune_setting base = {.label = (char *)"5600"};
    struct tr_tune_step step = find(&base, "6400 CL30", NULL, &known);
    assert_true(known);
    assert_string_equal(step.base, "5600");
    assert_about(step.from.mts, 5600, 0);
    assert_about(step.to.mts, 6400, 0);
    assert_about(step.read, 6400.0 / 5600 - 1, 1e-9);
    /* Never more than the memory's own gain. */
    assert_true(isnan(step.tg) || (step.tg > 0 && step.tg <= 6400.0 / 5600 - 1 + 1e-9));
    json_t *json = tr_tune_step_to_json(&step);
    assert_about(json_number_value(json_object_get(json, "read")), 6400.0 / 5600, 1e-9);
    json_decref(json);
    /* The text of --what-if counts more than the label. */
    step = find(&base, "6400 CL30", "mts=6000", &known);
    assert_about(step.read, 6000.0 / 5600 - 1, 1e-9);
}

static void test_no_step(void **state) {
    (void)state;
    bool known = true;
    const struct tr_tune_setting base = {.label = (char *)"6000 CL36"};
    find(&base, "6000 CL30", NULL, &known);
    assert_false(known);
    find(&base, "governor performance", NULL, &known);
    assert_false(known);
    struct tr_err err = {0};
    struct tr_tune_step step;
    const struct tr_machine_options machine = {.source = "synthetic:pack:1 core:16 pu:1"};
    assert_int_equal(tr_tune_step_find(&machine, &base, "x", "mst=6400", NULL, &step, &known, &err),
                     TR_EUSAGE);
    assert_non_null(strstr(err.text, "mts"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_no_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
