/* Reports of hand-written calibrations against recorded texts. TOKENROOF_UPDATE_GOLDEN=1 writes the
 * texts anew. */
#include <ctype.h>
#include <math.h>

#include <jansson.h>

#include "csv.h"
#include "file.h"
#include "report.h"
#include "test.h"
#include "text.h"

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

/* Two predictions as the formula gives them; the second model has no room. */
struct example {
    struct tr_model models[2];
    struct tr_prediction_result results[2][4];
    struct tr_prediction predictions[2];
    struct tr_prediction *pointers[2];
};

static struct tr_estimate unchecked(double value) {
    return (struct tr_estimate){value, NAN, NAN};
}

static void make_example(struct example *example, double read_gb_per_s, double flop_gflop_per_s) {
    static const struct tr_use_case cases[] = {
        {"UC1", "", 1024, 16, 0},
        {"UC2", "", 4096, 256, 0},
        {"UC3", "", 1280, 3072, 0},
        {"UC4", "", 384, 1152, 0},
    };
    *example = (struct example){0};
    example->models[0] = (struct tr_model){
        .name = (char *)"llama-3.1-8b-q4_k_m", .parameters = 8030261248, .file_bytes = 4920734720};
    example->models[1] = (struct tr_model){.name = (char *)"gpt-oss-120b-mxfp4",
                                           .parameters = 116829156672,
                                           .file_bytes = 63387345856};
    for (int m = 0; m < 2; m++) {
        for (int i = 0; i < 4; i++) {
            struct tr_prediction_result *at = &example->results[m][i];
            double tg = read_gb_per_s / 4.7, pp = flop_gflop_per_s / 16.06;
            double first = cases[i].prompt_tokens / pp;
            double total = first + cases[i].generated_tokens / tg;
            if (m == 1)
                tg = pp = first = total = NAN;
            *at = (struct tr_prediction_result){
                .use_case = cases[i],
                .pp_tok_s = unchecked(pp),
                .tg_tok_s = unchecked(tg),
                .first_token_s = unchecked(first),
                .total_s = unchecked(total),
                .load_s = NAN,
                .fits_where = m == 0 ? "RAM" : NULL,
                .spare_bytes = m == 0 ? 3e9 : -55.4e9,
                .roof_pp_tok_s = pp,
                .roof_tg_tok_s = tg,
                .bound_pp = "compute",
                .bound = "memory",
                .viability = m == 1          ? TR_CLASS_NON_VIABLE
                             : first < 5     ? TR_CLASS_INTERACTIVE
                             : total < 300   ? TR_CLASS_BACKGROUND
                             : total < 28800 ? TR_CLASS_OFFLINE
                                             : TR_CLASS_NON_VIABLE,
                .why = (char *)"a sentence",
            };
        }
        example->predictions[m] = (struct tr_prediction){
            .model = &example->models[m],
            .fidelity = "formula",
            .platform = (char *)"this machine",
            .threads = 2,
            .results = example->results[m],
            .n_results = 4,
        };
        example->pointers[m] = &example->predictions[m];
    }
}

static char *render(const char *format, const struct tr_report_input *input) {
    struct tr_strbuf out = {0};
    struct tr_err err = {0};
    if (tr_report_render(format, input, &out, &err))
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

static void assert_width(const char *text, size_t width) {
    while (*text) {
        char line[4096] = "";
        size_t n = strcspn(text, "\n");
        assert_true(n < sizeof(line));
        memcpy(line, text, n);
        if (tr_display_width(line) > width)
            fail_msg("wider than %zu columns: '%s'", width, line);
        if (n && line[n - 1] == ' ')
            fail_msg("blanks at the end: '%s'", line);
        text += n + (text[n] == '\n');
    }
}

/* "nodes" has figures of places, products, curves and matrices: simulated.py made it. In
 * "disturbed" others took part while the widest instruction set was measured. */
static const char *const machines[] = {"server", "laptop", "vm", "partial", "nodes", "disturbed"};
enum { N_MACHINES = sizeof(machines) / sizeof(machines[0]), WINDOW_LINES = 40 };
static const size_t widths[] = {60, 100, 160};

static void text_as_recorded(void **state) {
    (void)state;
    for (size_t i = 0; i < N_MACHINES; i++) {
        struct tr_calibration *calibration = load(machines[i]);
        struct example example;
        make_example(&example, tr_calibration_read_rate(calibration)->median, i ? 655 : 3732);
        for (size_t k = 0; k < 6; k++) {
            size_t width = widths[k / 2];
            struct tr_report_input input = {
                .calibration = calibration,
                .predictions = example.pointers,
                .n_predictions = strcmp(machines[i], "partial") ? 2 : 0,
                .term = {.width = width, .unicode = true},
                .verbose = k % 2,
            };
            char name[64];
            char *text = render("text", &input);
            assert_width(text, width);
            snprintf(name, sizeof(name), "%s_%zu%s.txt", machines[i], width, k % 2 ? "_all" : "");
            compare_golden(name, text);
            free(text);
        }
        tr_calibration_destroy(calibration);
    }
}

/* A narrower instruction set never stands for a wider one in silence: what was disturbed and is
 * faster all the same stands with its flag, what was slower is named. */
static void widest_is_named(void **state) {
    (void)state;
    struct tr_calibration *calibration = load("disturbed");
    struct tr_report_input input = {.calibration = calibration, .term = {.width = 100}};
    static const char *const formats[] = {"text", "md"};
    for (size_t i = 0; i < 2; i++) {
        char *text = render(formats[i], &input);
        assert_non_null(strstr(text,
                               "fma f64 on 32 threads: avx512 was disturbed (1120 GFLOP/s), so "
                               "avx2 stands"));
        assert_non_null(strstr(text, "read on 32 threads: avx512 was disturbed (231.0 GB/s), so "
                                     "avx2 stands"));
        assert_null(strstr(text, "fma f32 on 32 threads"));
        const char *row = strstr(text, i ? "| fma f32 | avx512 |" : "  fma f32");
        assert_non_null(row);
        char *line = strndup(row, strcspn(row, "\n"));
        assert_non_null(strstr(line, i ? "4100 | 150" : "4100 "));
        assert_non_null(strstr(line, i ? "77 % of 5325 | 7 | disturbed" : "D  "));
        assert_non_null(strstr(line, "avx512"));
        free(line);
        free(text);
    }
    tr_calibration_destroy(calibration);
}

static size_t count_lines(const char *text) {
    size_t n = 0;
    for (; *text; text++)
        n += *text == '\n';
    return n;
}

/* However much was measured and is doubtful, a window of 100 x 40 holds it, and what is not shown
 * is said to be there. */
static void fits_a_window(void **state) {
    (void)state;
    for (size_t i = 0; i < N_MACHINES; i++) {
        struct tr_calibration *calibration = load(machines[i]);
        struct example example;
        make_example(&example, 20, 100);
        for (int k = 0; k < 40; k++)
            assert_int_equal(tr_strings_add(&calibration->warnings,
                                            "Warning %d: something is not as it should be on this "
                                            "machine, and may have made figures lower. Do this "
                                            "about it, then measure again.",
                                            k),
                             0);
        for (size_t width = 100; width <= 160; width += 20) {
            struct tr_report_input input = {.calibration = calibration,
                                            .predictions = example.pointers,
                                            .n_predictions = 2,
                                            .term = {.width = width, .unicode = true}};
            char *text = render("text", &input);
            if (count_lines(text) >= WINDOW_LINES)
                fail_msg("%s: %zu lines at %zu columns\n%s", machines[i], count_lines(text), width,
                         text);
            assert_non_null(strstr(text, "! Warning 0:"));
            assert_non_null(strstr(text, "more warnings: -v shows all"));
            assert_non_null(strstr(text, "read  "));
            assert_non_null(strstr(text, "TG tok/s"));
            free(text);
            input.verbose = true;
            text = render("text", &input);
            assert_non_null(strstr(text, "! Warning 39:"));
            assert_null(strstr(text, "-v shows all"));
            free(text);
        }
        tr_calibration_destroy(calibration);
    }
}

/* Four digits where half of the interval is within 0.5 % of the median, else three. */
static void digits_of_intervals(void **state) {
    (void)state;
    static const struct {
        double median, half;
        const char *text, *half_text;
    } cases[] = {
        {402.1, 0.6, "402.1", "0.6"},  {402.1, 7, "402", "7"},       {32.63, 7.08, "32.6", "7.1"},
        {38.2, 0.08, "38.20", "0.08"}, {1866, 2, "1866", "2"},       {1866, 20, "1870", "20"},
        {12345, 300, "12300", "300"},  {4.078, 0.3, "4.08", "0.30"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_string_equal(tr_text_measured(cases[i].median, cases[i].median, cases[i].half).text,
                            cases[i].text);
        assert_string_equal(tr_text_measured(cases[i].half, cases[i].median, cases[i].half).text,
                            cases[i].half_text);
    }
    assert_string_equal(tr_text_measured(NAN, NAN, NAN).text, "-");
}

/* Charts, products and places that the short report has no room for. */
static void charts_of_text(void **state) {
    (void)state;
    struct tr_calibration *calibration = load("nodes");
    struct tr_report_input input = {
        .calibration = calibration, .term = {.width = 100, .unicode = true}, .verbose = true};
    char *text = render("text", &input);
    static const char *const shown[] = {"↓ knee",
                                        "64 KiB",
                                        "read at each node, 8 threads",
                                        "node 1  █",
                                        "██ 206.6  ░░ 77.58",
                                        "4096 deep, 1 token",
                                        "4096 x 512 x 4096",
                                        "roofline of fma, from memory"};
    for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
        if (!strstr(text, shown[i]))
            fail_msg("'%s' is missing in\n%s", shown[i], text);
    free(text);
    /* A matrix that is not square has no classes of distance. */
    calibration->matrices[0].n_rows = 9;
    free(render("text", &input));
    tr_calibration_destroy(calibration);
}

static void ascii_and_color(void **state) {
    (void)state;
    struct tr_calibration *calibration = load("laptop");
    struct tr_report_input input = {.calibration = calibration, .term = {.width = 100}};
    char *ascii = render("terminal", &input);
    for (const char *at = ascii; *at; at++)
        assert_true((unsigned char)*at < 0x80 && (*at == '\n' || *at >= ' '));
    compare_golden("laptop_ascii.txt", ascii);
    /* Colour adds escape sequences and changes nothing else. */
    input.term.color = true;
    char *colored = render("text", &input);
    assert_non_null(strstr(colored, "\033[31m"));
    char *to = colored;
    for (const char *from = colored; *from;) {
        if (*from == '\033')
            from = strchr(from, 'm') + 1;
        else
            *to++ = *from++;
    }
    *to = '\0';
    assert_string_equal(colored, ascii);
    free(colored);
    free(ascii);
    tr_calibration_destroy(calibration);
}

static void every_width(void **state) {
    (void)state;
    for (size_t i = 0; i < N_MACHINES; i++) {
        struct tr_calibration *calibration = load(machines[i]);
        struct example example;
        make_example(&example, 20, 100);
        for (size_t width = 60; width <= 200; width++) {
            struct tr_report_input input = {.calibration = calibration,
                                            .predictions = example.pointers,
                                            .n_predictions = 2,
                                            .term = {.width = width}};
            input.term.unicode = width % 2;
            input.term.color = width % 3 == 0;
            input.verbose = width % 5 < 2;
            char *text = render("text", &input);
            assert_width(text, width);
            free(text);
        }
        tr_calibration_destroy(calibration);
    }
}

static void channels_that_fit(void **state) {
    (void)state;
    /* Plateaus that all channels explain. */
    assert_int_equal(tr_channels_that_fit(400, 460.8, 12, 1), -1);
    assert_int_equal(tr_channels_that_fit(323, 460.8, 12, 1), -1);
    /* 8 of 12, at 0.78 and at 0.95 of what 8 channels carry. */
    assert_int_equal(tr_channels_that_fit(0.78 * 307.2, 460.8, 12, 1), 8);
    assert_int_equal(tr_channels_that_fit(0.95 * 307.2, 460.8, 12, 1), 8);
    /* Two packages: 16 of 24. */
    assert_int_equal(tr_channels_that_fit(0.9 * 614.4, 921.6, 24, 2), 16);
    /* 1 of 2, 2 of 4, 1 of 12. */
    assert_int_equal(tr_channels_that_fit(21.9, 51.2, 2, 1), 1);
    assert_int_equal(tr_channels_that_fit(80, 166.4, 4, 1), 2);
    assert_int_equal(tr_channels_that_fit(33, 460.8, 12, 1), 1);
    /* Too slow for even one; between two usual populations; nonsense. */
    assert_int_equal(tr_channels_that_fit(10, 460.8, 12, 1), -1);
    assert_int_equal(tr_channels_that_fit(0.6 * 51.2, 51.2, 2, 1), -1);
    assert_int_equal(tr_channels_that_fit(NAN, 460.8, 12, 1), -1);
    assert_int_equal(tr_channels_that_fit(100, NAN, 12, 1), -1);
    assert_int_equal(tr_channels_that_fit(100, 460.8, -1, 1), -1);
    assert_int_equal(tr_channels_that_fit(100, 460.8, 13, 2), -1);
    assert_int_equal(tr_channels_that_fit(100, 460.8, 12, 0), -1);
}

static bool says(struct tr_calibration *calibration, const char *words) {
    struct tr_report_input input = {
        .calibration = calibration, .term = {.width = 200}, .verbose = true};
    char *text = render("text", &input);
    bool found = strstr(text, words);
    free(text);
    return found;
}

static void replace(char **text, const char *by) {
    free(*text);
    *text = strdup(by);
}

static void first_line(void **state) {
    (void)state;
    struct tr_calibration *calibration = load("laptop");
    struct tr_report_input input = {.calibration = calibration, .term = {.width = 200}};
    char *text = render("text", &input);
    static const char expected[] = "Memory limits rest on the catalogue alone.";
    assert_int_equal(strncmp(text, expected, strlen(expected)), 0);
    *strchr(text, '\n') = '\0';
    assert_non_null(strstr(text, "sudo tokenroof"));
    free(text);
    assert_true(says(calibration, "fits 1 of 2 channels populated"));
    /* No suspicion from a disturbed figure, nor where the modules were read. */
    struct tr_measurement *read = NULL;
    for (size_t i = 0; i < calibration->n_measurements; i++)
        if (&calibration->measurements[i] == tr_calibration_read_rate(calibration))
            read = &calibration->measurements[i];
    assert_non_null(read);
    assert_int_equal(tr_strings_add(&read->flags, "throttled"), 0);
    assert_false(says(calibration, "Suspicion"));
    tr_strings_finish(&read->flags);
    assert_true(says(calibration, "Suspicion"));
    replace(&calibration->limits[1].binds, "fabric_read");
    assert_false(says(calibration, "Suspicion"));
    replace(&calibration->limits[1].binds, "dram");
    /* Two packages: channels are those of the machine. */
    json_t *machine = json_object_get(calibration->document, "machine");
    json_object_set_new(machine, "packages", json_integer(2));
    replace(&calibration->limits[0].formula, "2 packages x 12 channels x 8 B x 4.8 GT/s");
    calibration->limits[0].value = 921.6;
    read->median = 560;
    assert_true(says(calibration, "fits 16 of 24 channels populated"));
    json_object_set_new(machine, "virtual", json_true());
    assert_false(says(calibration, "Suspicion"));
    json_object_set_new(machine, "virtual", json_false());
    replace(&calibration->limits[0].formula, "by hand");
    assert_false(says(calibration, "Suspicion"));
    replace(&calibration->limits[0].formula, "12 channels x 8 B x 4.8 GT/s");
    replace(&calibration->limits[0].basis, "smbios");
    assert_false(says(calibration, "Suspicion"));
    assert_false(says(calibration, "catalogue alone"));
    tr_calibration_destroy(calibration);
}

static void limits_that_rate_nothing(void **state) {
    (void)state;
    struct tr_calibration *calibration = load("server");
    assert_true(says(calibration, "87 %"));
    for (size_t i = 0; i < calibration->n_limits; i++)
        calibration->limits[i].host_only = true;
    assert_false(says(calibration, "87 %"));
    assert_true(says(calibration, "not rated"));
    assert_true(says(calibration, "the host's, rates nothing here"));
    tr_calibration_destroy(calibration);
    calibration = load("vm");
    assert_true(says(calibration, "limit unknown"));
    assert_false(says(calibration, " %  "));
    tr_calibration_destroy(calibration);
}

static void channels_warning(void **state) {
    (void)state;
    struct tr_calibration *calibration = load("server");
    assert_false(says(calibration, "channels are empty"));
    json_t *memory = json_object_get(json_object_get(calibration->document, "machine"), "memory");
    json_object_set_new(memory, "channels_populated", json_integer(8));
    assert_true(says(calibration, "4 of 12 memory channels are empty"));
    assert_true(says(calibration, "67 %"));
    tr_calibration_destroy(calibration);
}

static const char hostile[] = "a\033[31m\nb\r\x07<script>,\"x\" \xc3\xa9\xff \xe2\x80\xae end";

/* Every text that a report may show. */
static void make_hostile(struct tr_calibration *calibration) {
    json_t *machine = json_object_get(calibration->document, "machine");
    json_t *cpu = json_object_get(machine, "cpu");
    static const char valid[] = "a\033[31m\nb\r\x07<script>,\"x\" \xc3\xa9 \xe2\x80\xae end";
    json_object_set_new(cpu, "model", json_string(valid));
    json_object_set_new(machine, "hypervisor", json_string(valid));
    replace(&calibration->label, hostile);
    replace(&calibration->grade, hostile);
    replace(&calibration->created, hostile);
    assert_int_equal(tr_strings_add(&calibration->reasons, "%s", hostile), 0);
    assert_int_equal(tr_strings_add(&calibration->warnings, "%s", hostile), 0);
    for (size_t i = 0; i < calibration->n_measurements; i++) {
        struct tr_measurement *at = &calibration->measurements[i];
        replace(&at->kernel, hostile);
        replace(&at->isa, hostile);
        replace(&at->dtype, hostile);
        replace(&at->variant, hostile);
        assert_int_equal(tr_strings_add(&at->warnings, "%s", hostile), 0);
        assert_int_equal(tr_strings_add(&at->flags, "%s", hostile), 0);
    }
    for (size_t i = 0; i < calibration->n_limits; i++) {
        struct tr_limit *limit = &calibration->limits[i];
        limit->refuted = true;
        replace(&limit->name, hostile);
        replace(&limit->unit, hostile);
        replace(&limit->formula, hostile);
        replace(&limit->basis, hostile);
        replace(&limit->binds, hostile);
    }
}

static void hostile_texts(void **state) {
    (void)state;
    static const char *const names[] = {"text", "csv", "json"};
    struct tr_calibration *calibration = load("server");
    struct example example;
    make_hostile(calibration);
    make_example(&example, 20, 100);
    example.models[0].name = (char *)hostile;
    example.models[1].name = (char *)hostile;
    for (size_t i = 0; i < 3; i++) {
        struct tr_report_input input = {.calibration = calibration,
                                        .predictions = example.pointers,
                                        .n_predictions = 2,
                                        .term = {100, true, false, true}};
        if (i == 2) /* the JSON of predictions is another room's */
            input.n_predictions = 0;
        char *text = render(names[i], &input);
        for (const char *at = text; *at; at++)
            assert_true(*at == '\n' || (i == 1 && *at == '\r' && at[1] == '\n') ||
                        (unsigned char)*at >= ' ');
        assert_null(strstr(text, "\xff"));
        if (i == 0)
            assert_width(text, 100);
        if (i < 2)
            assert_null(strstr(text, "\xe2\x80\xae"));
        if (i == 1) {
            struct tr_csv csv;
            assert_int_equal(tr_csv_parse(text, strlen(text), "report", &csv, NULL), 0);
            assert_string_equal(tr_csv_get(&csv, 1, "kernel"), "a?[31m?b?"
                                                               "?<script>,\"x\" \xc3\xa9? ? end");
            tr_csv_finish(&csv);
        }
        free(text);
    }
    /* Without Unicode, characters of files become question marks too. */
    struct tr_report_input ascii = {.calibration = calibration, .term = {.width = 100}};
    char *text = render("text", &ascii);
    for (const char *at = text; *at; at++)
        assert_true((unsigned char)*at < 0x80);
    free(text);
    /* A word longer than a line is cut into lines. */
    char longest[1000];
    memset(longest, 'x', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    assert_int_equal(tr_strings_add(&calibration->warnings, "%s", longest), 0);
    replace(&calibration->label, longest);
    text = render("text", &ascii);
    assert_width(text, 100);
    free(text);
    tr_calibration_destroy(calibration);
}

/* Widths and values at the edge of what numbers can be. */
static void extreme_values(void **state) {
    (void)state;
    static const double values[] = {0, -1, 1e-300, 1e300, 99999.5, -1e12};
    struct tr_calibration *calibration = load("server");
    for (size_t v = 0; v < sizeof(values) / sizeof(values[0]); v++) {
        for (size_t i = 0; i < calibration->n_measurements; i++) {
            struct tr_measurement *at = &calibration->measurements[i];
            at->best = at->median = at->ci95[0] = at->ci95[1] = at->efficiency = values[v];
            at->threads = i % 2 ? -1 : 2147483647;
        }
        for (size_t i = 0; i < calibration->n_limits; i++)
            calibration->limits[i].value = values[v];
        struct tr_report_input input = {.calibration = calibration, .term = {.width = 100}};
        char *text = render("text", &input);
        assert_width(text, 110);
        free(text);
    }
    tr_calibration_destroy(calibration);
}

static void csv_rows(void **state) {
    (void)state;
    struct tr_calibration *calibration = load("laptop");
    struct tr_report_input input = {.calibration = calibration};
    char *text = render("csv", &input);
    struct tr_csv csv;
    struct tr_err err = {0};
    if (tr_csv_parse(text, strlen(text), "report", &csv, &err))
        fail_msg("%s", err.text);
    assert_int_equal(csv.n_rows, calibration->n_measurements + 1);
    for (size_t i = 0; i < calibration->n_measurements; i++) {
        const struct tr_measurement *at = &calibration->measurements[i];
        assert_string_equal(tr_csv_get(&csv, i + 1, "kernel"), at->kernel);
        assert_true(fabs(tr_csv_number(&csv, i + 1, "median") - at->median) < 1e-6);
        assert_true(tr_csv_number(&csv, i + 1, "threads") == at->threads);
        if (isnan(at->efficiency))
            assert_string_equal(tr_csv_get(&csv, i + 1, "efficiency"), "");
        else
            assert_true(fabs(tr_csv_number(&csv, i + 1, "efficiency") - at->efficiency) < 1e-6);
    }
    assert_true(tr_csv_number(&csv, 2, "limit_value") > 51.19);
    assert_string_equal(tr_csv_get(&csv, 2, "limit_basis"), "catalogue");
    tr_csv_finish(&csv);
    free(text);
    tr_calibration_destroy(calibration);
}

/* A latency curve in two page sizes, and matrices of 4 and of 16 cores with two slow pairs. */
static void add_curves(struct tr_calibration *calibration) {
    static const double ns[2][6] = {{1.2, 1.2, 5, 36, 160, 160}, {1.2, 1.2, 5, 40, 185, 200}};
    calibration->curves = calloc(2, sizeof(*calibration->curves));
    calibration->matrices = calloc(2, sizeof(*calibration->matrices));
    assert_non_null(calibration->curves);
    assert_non_null(calibration->matrices);
    for (size_t c = 0; c < 2; c++) {
        struct tr_curve *curve = &calibration->curves[calibration->n_curves++];
        tr_curve_init(curve);
        curve->name = strdup("latency");
        curve->kernel = strdup("latency");
        curve->place.kind = TR_PLACE_CORE;
        curve->place.index = 3;
        curve->page_bytes = c ? 4096 : 2 << 20;
        curve->threads = 1;
        curve->unit = strdup("ns");
        curve->metric = strdup("latency");
        curve->x = strdup("working_set_bytes");
        curve->x_unit = strdup("bytes");
        for (int i = 0; i < 6; i++) {
            struct tr_point point = {.x = 4096.0 * (1 << 4 * i),
                                     .median = ns[c][i],
                                     .best = ns[c][i],
                                     .mad = 0,
                                     .ci95 = {ns[c][i] * 0.99, ns[c][i] * 1.01},
                                     .n = 9,
                                     .core_ghz = 4};
            assert_int_equal(tr_curve_add(curve, &point), 0);
        }
        assert_int_equal(tr_curve_mark(curve, "memory", 268435456, 4294967296, 160), 0);
    }
    for (size_t k = 0; k < 2; k++) {
        struct tr_matrix *matrix = &calibration->matrices[calibration->n_matrices++];
        size_t n = k ? 16 : 4;
        assert_int_equal(tr_matrix_init(matrix, n, n), 0);
        matrix->name = strdup(k ? "core_to_core" : "node_read");
        matrix->rows = strdup(k ? "core" : "node");
        matrix->columns = strdup(matrix->rows);
        matrix->metric = strdup("latency");
        matrix->unit = strdup("ns");
        for (size_t i = 0; i < n * n; i++)
            if (i % (n + 1)) {
                matrix->values[i] = 50 + (double)i / 100;
                matrix->half_widths[i] = 0.5;
            }
        matrix->values[n + 3] = 333; /* row 1, column 3 */
    }
}

static struct tr_calibration *with_curves(void) {
    struct tr_calibration *calibration = load("vm");
    add_curves(calibration);
    return calibration;
}

static void text_has_curves_and_matrices(void **state) {
    (void)state;
    struct tr_calibration *calibration = with_curves();
    for (int unicode = 0; unicode < 2; unicode++) {
        struct tr_report_input input = {.calibration = calibration,
                                        .term = {.width = 90, .unicode = unicode}};
        char *text = render("text", &input);
        assert_non_null(strstr(text, unicode ? "▁▁▃▆██" : "113688"));
        free(text);
        input.verbose = true;
        text = render("text", &input);
        assert_non_null(strstr(text, "latency, core 3, pages of 2 MiB: ns"));
        assert_non_null(strstr(text, "memory 160 (256 MiB to 4 GiB)"));
        /* Translations: what 4 KiB pages add, where both can be told apart. */
        const char *translated = strstr(text, "translation");
        assert_non_null(translated);
        assert_non_null(strstr(translated, "25.00"));
        assert_non_null(strstr(translated, "40.00"));
        /* Small matrices whole, large ones by their slowest pairs. */
        assert_non_null(strstr(text, "node"));
        const char *pairs = strstr(text, "core to core");
        assert_non_null(pairs);
        assert_non_null(strstr(pairs, "slowest"));
        assert_non_null(strstr(pairs, "1-3"));
        for (const char *at = text; *at && !unicode; at++)
            assert_true((unsigned char)*at < 128);
        free(text);
    }
    tr_calibration_destroy(calibration);
}

static void csv_has_points_and_cells(void **state) {
    (void)state;
    struct tr_calibration *calibration = with_curves();
    struct tr_report_input input = {.calibration = calibration};
    char *text = render("csv", &input);
    struct tr_csv csv;
    struct tr_err err = {0};
    size_t first = calibration->n_measurements + 1;
    if (tr_csv_parse(text, strlen(text), "report", &csv, &err))
        fail_msg("%s", err.text);
    assert_int_equal(csv.n_rows, first + 2 * 6 + 4 * 3 + 16 * 15);
    assert_string_equal(tr_csv_get(&csv, first - 1, "curve"), "");
    assert_string_equal(tr_csv_get(&csv, first + 5, "curve"), "latency");
    assert_true(tr_csv_number(&csv, first + 5, "x") == 4294967296.0);
    assert_true(tr_csv_number(&csv, first + 5, "working_set_bytes") == 4294967296.0);
    assert_true(tr_csv_number(&csv, first + 5, "median") == 160);
    assert_true(tr_csv_number(&csv, first + 5, "core_ghz") == 4);
    assert_string_equal(tr_csv_get(&csv, first + 5, "x_unit"), "bytes");
    size_t cell = first + 12 + 3 + 2; /* row 1: columns 0, 2, 3 */
    assert_string_equal(tr_csv_get(&csv, cell, "curve"), "node_read");
    assert_string_equal(tr_csv_get(&csv, cell, "place"), "node");
    assert_true(tr_csv_number(&csv, cell, "row") == 1 && tr_csv_number(&csv, cell, "column") == 3);
    assert_true(tr_csv_number(&csv, cell, "median") == 333);
    assert_true(tr_csv_number(&csv, cell, "ci95_high") == 333.5);
    assert_string_equal(tr_csv_get(&csv, cell, "unit"), "ns");
    tr_csv_finish(&csv);
    free(text);
    tr_calibration_destroy(calibration);
}

/* The columns that scripts rely on stand in the documentation, in this order. */
static void csv_columns_are_documented(void **state) {
    (void)state;
    struct tr_report_input input = {0};
    struct tr_err err = {0};
    char *header = render("csv", &input), *documentation = NULL;
    char *path = test_data("../../docs/formats.md");
    if (tr_file_read(path, 1 << 20, &documentation, NULL, &err))
        fail_msg("%s", err.text);
    *strchr(header, '\r') = '\0';
    const char *at = strstr(documentation, "## CSV of a calibration");
    assert_non_null(at);
    for (char *rest = NULL, *name = strtok_r(header, ",", &rest); name;
         name = strtok_r(NULL, ",", &rest)) {
        char row[64];
        snprintf(row, sizeof(row), "\n| `%s` |", name);
        at = strstr(at, row);
        if (!at)
            fail_msg("column %s is not documented, or not in this place", name);
    }
    free(documentation);
    free(path);
    free(header);
}

static void json_forms(void **state) {
    (void)state;
    struct tr_calibration *calibration = load("server");
    struct example example;
    make_example(&example, 20, 100);
    struct tr_report_input input = {.calibration = calibration};
    char *text = render("json", &input);
    json_t *alone = json_loads(text, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(alone, "schema")),
                        "tokenroof.calibration/1");
    free(text);
    input.predictions = example.pointers;
    input.n_predictions = 2;
    text = render("json", &input);
    json_t *both = json_loads(text, 0, NULL);
    assert_int_equal(json_array_size(json_object_get(both, "predictions")), 2);
    assert_true(json_equal(json_object_get(both, "calibration"), alone));
    /* What `run --json` printed can be read again. */
    struct tr_calibration *again = NULL;
    assert_int_equal(tr_calibration_parse(text, strlen(text), "run", &again, NULL), 0);
    assert_int_equal(again->n_measurements, calibration->n_measurements);
    tr_calibration_destroy(again);
    json_decref(alone);
    json_decref(both);
    free(text);
    tr_calibration_destroy(calibration);
}

static void unknown_format(void **state) {
    (void)state;
    struct tr_report_input input = {0};
    struct tr_strbuf out = {0};
    struct tr_err err = {0};
    assert_int_equal(tr_report_render("jsn", &input, &out, &err), TR_EUSAGE);
    assert_non_null(strstr(err.text, "Did you mean 'json'?"));
    assert_null(out.text);
    assert_null(tr_report_format_find("postscript"));
    assert_ptr_equal(tr_report_format_find("terminal"), tr_report_format_find("text"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_as_recorded),
        cmocka_unit_test(widest_is_named),
        cmocka_unit_test(fits_a_window),
        cmocka_unit_test(digits_of_intervals),
        cmocka_unit_test(charts_of_text),
        cmocka_unit_test(ascii_and_color),
        cmocka_unit_test(every_width),
        cmocka_unit_test(channels_that_fit),
        cmocka_unit_test(first_line),
        cmocka_unit_test(limits_that_rate_nothing),
        cmocka_unit_test(channels_warning),
        cmocka_unit_test(hostile_texts),
        cmocka_unit_test(extreme_values),
        cmocka_unit_test(csv_rows),
        cmocka_unit_test(csv_columns_are_documented),
        cmocka_unit_test(text_has_curves_and_matrices),
        cmocka_unit_test(csv_has_points_and_cells),
        cmocka_unit_test(json_forms),
        cmocka_unit_test(unknown_format),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
