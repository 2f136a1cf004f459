/* Markdown, Prometheus, JSON lines, JUnit and TAP against recorded texts, and what of them can be
 * checked without another program. TOKENROOF_UPDATE_GOLDEN=1 writes the texts anew. */
#include <math.h>

#include <jansson.h>

#include "file.h"
#include "plot.h"
#include "report.h"
#include "test.h"
#include "verdicts.h"

static struct tr_calibration *load(const char *name) {
    struct tr_calibration *calibration = NULL;
    struct tr_err err = {0};
    char file[64];
    snprintf(file, sizeof(file), "calibration/%s.json", name);
    char *path = test_data(file);
    if (tr_calibration_read(path, &calibration, &err))
        fail_msg("%s", err.text);
    free(path);
    return calibration;
}

/* Two results of one model: one with an interval, one that is not viable. */
static json_t *documents(void) {
    return json_pack(
        "[{s:s, s:{s:s}, s:s, s:s, s:[{s:s, s:{s:f, s:f, s:f}, s:{s:f, s:n, s:n}, s:s, s:s},"
        " {s:s, s:{s:n}, s:s}]}]",
        "schema", "tokenroof.prediction/1", "model", "name", "llama_3*8b", "fidelity", "measured",
        "platform", "this <machine>", "results", "use_case", "UC1", "pp_tok_s", "value", 262.3,
        "low", 240.0, "high", 281.5, "tg_tok_s", "value", 84.6, "low", "high", "class",
        "interactive", "bound", "memory", "use_case", "UC2", "pp_tok_s", "value", "class",
        "non-viable");
}

static char *render(const char *format, const struct tr_report_input *inputs, size_t n) {
    struct tr_strbuf out = {0};
    struct tr_err err = {0};
    if (tr_report_render_several(format, inputs, n, &out, &err))
        fail_msg("%s", err.text);
    char *text = tr_strbuf_take(&out);
    assert_non_null(text);
    return text;
}

static void compare_golden(const char *name, const char *text) {
    char file[96];
    struct tr_err err = {0};
    char *expected = NULL;
    snprintf(file, sizeof(file), "golden/%s", name);
    char *path = test_data(file);
    if (getenv("TOKENROOF_UPDATE_GOLDEN")) {
        if (tr_file_write(path, text, strlen(text), true, &err))
            fail_msg("%s", err.text);
    } else {
        if (tr_file_read(path, 1 << 20, &expected, NULL, &err))
            fail_msg("%s (TOKENROOF_UPDATE_GOLDEN=1 writes it)", err.text);
        if (strcmp(expected, text))
            fail_msg("%s differs. Expected:\n%s\nfound:\n%s", name, expected, text);
    }
    free(expected);
    free(path);
}

/* A calibration with a curve that has marks, a matrix of nodes and one that is too wide. */
static void add_curves(struct tr_calibration *calibration) {
    calibration->curves = calloc(1, sizeof(struct tr_curve));
    calibration->n_curves = 1;
    struct tr_curve *curve = calibration->curves;
    tr_curve_init(curve);
    curve->name = strdup("latency");
    curve->kernel = strdup("chase");
    curve->metric = strdup("latency");
    curve->unit = strdup("ns");
    curve->x = strdup("working_set_bytes");
    curve->x_unit = strdup("bytes");
    for (int i = 0; i < 4; i++) {
        struct tr_point point = {.x = 16384 << (4 * i),
                                 .median = 1.2 * (1 << i),
                                 .n = 5,
                                 .best = NAN,
                                 .mad = NAN,
                                 .ci95 = {NAN, NAN},
                                 .core_ghz = NAN};
        assert_int_equal(tr_curve_add(curve, &point), 0);
    }
    assert_int_equal(tr_curve_mark(curve, "L1", 16384, 32768, 1.21), 0);
    assert_int_equal(tr_curve_mark(curve, "memory", 67108864, 67108864, 98.7), 0);
    static const size_t sizes[] = {2, 13};
    static const char *const names[] = {"node_read", "core_to_core"};
    static const char *const places[] = {"node", "core"};
    static const char *const metrics[] = {"bandwidth", "latency"};
    static const char *const units[] = {"GB/s", "ns"};
    calibration->matrices = calloc(2, sizeof(struct tr_matrix));
    calibration->n_matrices = 2;
    for (size_t m = 0; m < 2; m++) {
        struct tr_matrix *matrix = &calibration->matrices[m];
        assert_int_equal(tr_matrix_init(matrix, sizes[m], sizes[m]), 0);
        matrix->name = strdup(names[m]);
        matrix->metric = strdup(metrics[m]);
        matrix->unit = strdup(units[m]);
        matrix->rows = strdup(places[m]);
        matrix->columns = strdup(places[m]);
        for (size_t i = 0; i < sizes[m] * sizes[m]; i++)
            matrix->values[i] = i ? 20 + 3.5 * (double)i : NAN;
    }
}

static void as_recorded(void **state) {
    (void)state;
    static const struct {
        const char *format, *extension;
    } formats[] = {{"markdown", "md"}, {"prometheus", "prom"}, {"jsonl", "jsonl"}};
    static const char *const machines[] = {"server", "vm"};
    json_t *predictions = documents();
    assert_non_null(predictions);
    for (size_t m = 0; m < 2; m++) {
        struct tr_calibration *calibration = load(machines[m]);
        if (m == 1)
            add_curves(calibration);
        struct tr_report_input input = {.calibration = calibration, .documents = predictions};
        for (size_t f = 0; f < 3; f++) {
            char name[64];
            char *text = render(formats[f].format, &input, 1);
            snprintf(name, sizeof(name), "%s.%s", machines[m], formats[f].extension);
            compare_golden(name, text);
            free(text);
        }
        tr_calibration_destroy(calibration);
    }
    json_decref(predictions);
}

/* What a buyer must know stands in Markdown too: limits of the catalogue, empty channels; products
 * of language models, which are in no other table of it. */
static void markdown_says_all(void **state) {
    (void)state;
    struct tr_calibration *calibration = load("laptop");
    struct tr_report_input input = {.calibration = calibration};
    char *text = render("md", &input, 1);
    assert_non_null(strstr(text, "- **note**: Memory limits rest on the catalogue alone."));
    assert_non_null(strstr(text, "- **note**: Suspicion: the read rate fits 1 of 2 channels "
                                 "populated. Look whether each has a module."));
    assert_null(strstr(text, "Kernels of language models"));
    free(text);
    tr_calibration_destroy(calibration);
    input.calibration = calibration = load("nodes");
    text = render("md", &input, 1);
    assert_non_null(
        strstr(text, "| gemm | q4_k | 512 tokens | 8 GiB | avx512 | 16 | 6420 | 40 | GFLOP/s |"));
    assert_non_null(
        strstr(text, "| attention | f16 | 4096 deep | 8 GiB | avx512 | 1 | 10.2 | 0.1 | GB/s |"));
    assert_null(strstr(text, "- **note**"));
    assert_null(strstr(text, "machine 0"));
    free(text);
    tr_calibration_destroy(calibration);
}

/* Every line is a JSON document of its own and says whose it is; nothing of the file is lost. */
static void lines_of_json(void **state) {
    (void)state;
    struct tr_calibration *calibration = load("server");
    json_t *predictions = documents();
    const struct tr_report_input inputs[] = {{.calibration = calibration, .documents = predictions},
                                             {.documents = predictions}};
    char *text = render("jsonl", inputs, 2);
    size_t measurements = 0, n_predictions = 0;
    for (char *rest = NULL, *line = strtok_r(text, "\n", &rest); line;
         line = strtok_r(NULL, "\n", &rest)) {
        json_t *record = json_loads(line, 0, NULL);
        assert_non_null(record);
        const char *kind = json_string_value(json_object_get(record, "record"));
        measurements += !strcmp(kind, "measurement");
        n_predictions += !strcmp(kind, "prediction");
        if (!strcmp(kind, "measurement")) {
            assert_string_equal(json_string_value(json_object_get(record, "host_id")),
                                "0123456789ab");
            assert_true(json_number_value(json_object_get(record, "median")) ==
                        calibration->measurements[measurements - 1].median);
        }
        json_decref(record);
    }
    assert_int_equal(measurements, calibration->n_measurements);
    assert_int_equal(n_predictions, 2);
    free(text);
    json_decref(predictions);
    tr_calibration_destroy(calibration);
}

/* A series that stands twice makes the collector refuse the whole file. */
static void no_series_twice(void **state) {
    (void)state;
    struct tr_calibration *calibration = load("server");
    const struct tr_report_input inputs[] = {{.calibration = calibration},
                                             {.calibration = calibration}};
    char *once = render("prometheus", inputs, 1);
    char *twice = render("prometheus", inputs, 2);
    assert_string_equal(once, twice);
    assert_non_null(strstr(once, "threads=\"32\""));
    assert_non_null(strstr(once, "} 402100000000\n"));
    assert_non_null(strstr(once, "_timestamp_seconds{host_id=\"0123456789ab\"} 1772355640\n"));
    free(once);
    free(twice);
    tr_calibration_destroy(calibration);
}

/* Every unit that the program measures in becomes a base unit. */
static void base_units(void **state) {
    (void)state;
    static const char *const units[][2] = {{"GB/s", "_bytes_per_second{"},
                                           {"GFLOP/s", "_flop_per_second{"},
                                           {"Gop/s", "_operations_per_second{"},
                                           {"ns", "_seconds{"},
                                           {"GHz", "_hertz{"}};
    struct tr_calibration *calibration = load("server");
    struct tr_report_input input = {.calibration = calibration};
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        free(calibration->measurements[0].unit);
        calibration->measurements[0].unit = strdup(units[i][0]);
        free(calibration->measurements[0].metric);
        calibration->measurements[0].metric = strdup("quantity");
        char *text = render("prometheus", &input, 1);
        const char *at = strstr(text, "\ntokenroof_quantity_");
        assert_non_null(at);
        assert_int_equal(strncmp(at + 19, units[i][1], strlen(units[i][1])), 0);
        free(text);
    }
    tr_calibration_destroy(calibration);
}

static void verdict_lists(void **state) {
    (void)state;
    static const struct tr_verdict verdicts[] = {
        {"bandwidth.read", TR_VERDICT_PASS, 402.1, "GB/s", 380, 420, NULL, NULL},
        {"memory.channels", TR_VERDICT_FAIL, 8, NULL, 12, NAN, "slots & board",
         "4 channels are empty & dark: put a module <into> each"},
        {"clock \"turbo\" #1", TR_VERDICT_WARN, 2.9, "GHz", NAN, NAN, NULL, "governor 'powersave'"},
        {"ecc\n]]>\033", TR_VERDICT_SKIP, NAN, NULL, NAN, NAN, NULL, "no driver # not a directive"},
    };
    struct tr_strbuf out = {0};
    tr_verdicts_junit("validate", verdicts, 4, &out);
    compare_golden("verdicts.xml", out.text);
    tr_strbuf_finish(&out);
    tr_verdicts_tap(verdicts, 4, &out);
    compare_golden("verdicts.tap", out.text);
    tr_strbuf_finish(&out);
}

/* Number of times that `piece` stands in `text`. */
static size_t count(const char *text, const char *piece) {
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, piece)); at += strlen(piece))
        n++;
    return n;
}

static void pictures(void **state) {
    (void)state;
    static const struct {
        const char *chart;
        size_t marks;
    } charts[] = {{"latency", 4}, {"node_read", 3}, {"core_to_core", 1}, {"prompt", 1}};
    struct tr_calibration *calibration = load("vm");
    json_t *predictions = documents();
    add_curves(calibration);
    json_object_set_new(
        json_array_get(json_object_get(json_array_get(predictions, 0), "results"), 0),
        "prompt_tokens", json_integer(1024));
    struct tr_report_input input = {.calibration = calibration, .documents = predictions};
    for (size_t i = 0; i < sizeof(charts) / sizeof(charts[0]); i++) {
        input.chart = charts[i].chart;
        char *text = render("svg", &input, 1);
        assert_true(count(text, "class=\"mark") >= charts[i].marks);
        assert_null(strstr(text, "nan"));
        assert_null(strstr(text, "inf"));
        free(text);
    }
    input.chart = "latency";
    char *text = render("svg", &input, 1);
    compare_golden("vm_latency.svg", text);
    /* Four points at even distances, the outer ones 4 % of the axis of logarithms from its ends; 0
     * lies at y = 374 and 10 at 86, so 9.6 at 97.5. */
    assert_int_equal(count(text, "class=\"mark f0\""), 4);
    assert_non_null(strstr(text, "d=\"M87.6,"));
    assert_non_null(strstr(text, "L676.4,97.5\" class=\"line s0\""));
    free(text);
    input.calibration = load("server");
    input.chart = "efficiency";
    text = render("svg", &input, 1);
    compare_golden("server_efficiency.svg", text);
    free(text);
    tr_calibration_destroy((struct tr_calibration *)input.calibration);
    input.calibration = load("disturbed");
    text = render("svg", &input, 1);
    assert_non_null(strstr(text, "fma f64 (avx2; avx512 is in doubt)"));
    assert_non_null(strstr(text, "77 % · 4100 GFLOP/s, disturbed"));
    free(text);
    tr_calibration_destroy((struct tr_calibration *)input.calibration);
    tr_calibration_destroy(calibration);
    json_decref(predictions);
}

/* Kernels that move and compute and the phases of a token stand below the roof; server.json reads
 * 402.1 GB/s, does 3732 GFLOP/s, and its triad 380.6 GB/s are 31.7 GFLOP/s at 1/12 FLOP per byte.
 */
static void roofline(void **state) {
    (void)state;
    struct tr_calibration *calibration = load("server");
    json_t *term = json_pack("{s:[{s:f, s:f, s:f}, {s:n, s:f, s:f}], s:[{s:f, s:f, s:f}]}",
                             "generation", "bytes", 4e9, "flop", 1.2e10, "ns", 1e7, "bytes", "flop",
                             4e9, "ns", 1e6, "prompt", "bytes", 4e9, "flop", 4e12, "ns", 2e9);
    json_t *predictions = documents();
    json_object_set_new(
        json_array_get(json_object_get(json_array_get(predictions, 0), "results"), 0), "terms",
        term);
    struct tr_report_input input = {
        .calibration = calibration, .documents = predictions, .chart = "roofline"};
    char *text = render("svg", &input, 1);
    assert_int_equal(count(text, "class=\"mark f"), 3);
    assert_int_equal(count(text, "class=\"roof\""), 1);
    assert_non_null(strstr(text, "dashed: what was measured, 402.1 GB/s and 3732 GFLOP/s f32"));
    assert_non_null(strstr(text, ">kernels: triad</text>"));
    assert_non_null(strstr(text, ">predicted: generation</text>"));
    assert_non_null(strstr(text, ">predicted: prompt</text>"));
    assert_non_null(strstr(text, "<title>triad: 0.08333, 31.7"));
    assert_non_null(strstr(text, "<title>llama_3*8b, generation: 4, 1455</title>"));
    assert_non_null(strstr(text, "<title>llama_3*8b, prompt: 1000, 2000</title>"));
    free(text);
    /* The name of the only series of points stands there too: what is the dot? */
    json_decref(predictions);
    input.documents = NULL;
    text = render("svg", &input, 1);
    assert_int_equal(count(text, "class=\"mark f"), 1);
    assert_non_null(strstr(text, ">kernels: triad</text>"));
    free(text);
    tr_calibration_destroy(calibration);
}

/* There is no half a thread. */
static void whole_numbers(void **state) {
    (void)state;
    const struct tr_plot_axis axis = {.zero = true, .whole = true};
    static const double most[] = {1, 2, 3, 7, 16, 192};
    for (size_t i = 0; i < sizeof(most) / sizeof(most[0]); i++) {
        struct tr_svg_scale scale = {.from = 0, .to = 100};
        double ticks[TR_SVG_TICKS];
        tr_svg_scale_fit(&scale, &axis, &most[i], 1);
        size_t n = tr_svg_ticks(&scale, &axis, 9, ticks);
        assert_true(n >= 2);
        assert_true(tr_svg_at(&scale, most[i]) < 99); /* no mark on the frame */
        for (size_t k = 0; k < n; k++)
            assert_true(ticks[k] == floor(ticks[k]));
    }
}

static void charts_by_name(void **state) {
    (void)state;
    struct tr_calibration *calibration = load("vm");
    struct tr_strbuf out = {0};
    struct tr_err err = {0};
    add_curves(calibration);
    struct tr_report_input input = {.calibration = calibration};
    assert_int_equal(tr_report_render("svg", &input, &out, &err), TR_EUSAGE);
    assert_non_null(strstr(err.text, "There are: latency, node_read, core_to_core"));
    input.chart = "latensy";
    assert_int_equal(tr_report_render("svg", &input, &out, &err), TR_EUSAGE);
    assert_non_null(strstr(err.text, "Did you mean 'latency'?"));
    input.chart = "efficiency"; /* no limits: nothing to draw */
    assert_int_equal(tr_report_render("svg", &input, &out, &err), TR_EUSAGE);
    assert_null(out.text);
    tr_calibration_destroy(calibration);
}

/* Ticks lie within the scale, at round values, and are neither too few nor too many. */
static void ticks_of_scales(void **state) {
    (void)state;
    static const double ranges[][2] = {{0, 1},       {0, 420},      {-3, 7},     {1e-9, 2e-9},
                                       {1, 100},     {90, 110},     {0.03, 1e6}, {4096, 1e11},
                                       {5e11, 6e11}, {1e-3, 1e300}, {7, 7}};
    for (size_t i = 0; i < 2 * sizeof(ranges) / sizeof(ranges[0]); i++) {
        const double *range = ranges[i / 2];
        struct tr_plot_axis axis = {.log = i % 2, .bytes = i == 15};
        struct tr_svg_scale scale = {.from = 0, .to = 100};
        double ticks[TR_SVG_TICKS];
        if (axis.log && range[0] <= 0)
            continue;
        tr_svg_scale_fit(&scale, &axis, range, 2);
        assert_true(scale.low <= range[0] * (1 + 1e-9) || scale.low <= range[0]);
        assert_true(scale.high >= range[1] * (1 - 1e-9));
        /* Where logarithms are drawn no mark touches the frame. */
        if (axis.log) {
            assert_true(tr_svg_at(&scale, range[0]) > 2);
            assert_true(tr_svg_at(&scale, range[1]) < 98);
        }
        size_t n = tr_svg_ticks(&scale, &axis, 8, ticks);
        assert_in_range(n, axis.log && range[1] < 3 * range[0] ? 0 : 2, TR_SVG_TICKS);
        for (size_t k = 0; k < n; k++) {
            double at = tr_svg_at(&scale, ticks[k]);
            assert_true(at > -0.5 && at < 100.5);
            assert_true(k == 0 || ticks[k] > ticks[k - 1]);
        }
    }
}

static void one_file_at_a_time(void **state) {
    (void)state;
    const struct tr_report_input inputs[2] = {{0}};
    struct tr_strbuf out = {0};
    struct tr_err err = {0};
    assert_int_equal(tr_report_render_several("csv", inputs, 2, &out, &err), TR_EUSAGE);
    assert_non_null(strstr(err.text, "one file"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_recorded),     cmocka_unit_test(markdown_says_all),
        cmocka_unit_test(lines_of_json),   cmocka_unit_test(no_series_twice),
        cmocka_unit_test(verdict_lists),   cmocka_unit_test(base_units),
        cmocka_unit_test(pictures),        cmocka_unit_test(roofline),
        cmocka_unit_test(whole_numbers),   cmocka_unit_test(charts_by_name),
        cmocka_unit_test(ticks_of_scales), cmocka_unit_test(one_file_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
