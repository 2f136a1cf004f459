/* Machines by name: the catalogue's names, series, counts, systems, a user's own rows. */
#include <math.h>
#include <strings.h>

#include "csv.h"
#include "data.h"
#include "file.h"
#include "machines.h"
#include "strbuf.h"
#include "tokenroof/platform.h"

static struct tr_platform_choice choose(const char *name, const struct tr_platform_file *file) {
    struct tr_platform_choice choice = {0};
    struct tr_err err = {0};
    if (tr_platform_choose(name, file, &choice, &err))
        fail_msg("%s: %s", name, err.text);
    return choice;
}

static void assert_refused(const char *name, int code, const char *words) {
    struct tr_platform_choice choice = {0};
    struct tr_err err = {0};
    int answer = tr_platform_choose(name, NULL, &choice, &err);
    if (answer != code || !strstr(err.text, words))
        fail_msg("'%s' gives %d: %s", name, answer, err.text);
}

static double limit_of(const struct tr_platform_choice *choice, size_t row,
                       const struct tr_overrides *given, const char *name) {
    struct tr_machine *machine = NULL;
    struct tr_err err = {0};
    assert_int_equal(tr_machine_of_choice(choice, row, given, &machine, &err), 0);
    const struct tr_limit *limit =
        tr_limit_find(machine->limits, machine->n_limits, name, TR_PLACE_MACHINE, 0);
    double value = limit ? limit->value : (double)NAN;
    tr_machine_destroy(machine);
    return value;
}

static double limit_by_name(const char *platform, const char *name) {
    struct tr_platform_choice choice = choose(platform, NULL);
    double value = limit_of(&choice, 0, NULL, name);
    tr_platform_choice_finish(&choice);
    return value;
}

/* --- names ----------------------------------------------------------------------------------- */

static void names_find_rows(void **state) {
    (void)state;
    static const struct {
        const char *text, *name;
        int packages;
        bool series, system;
    } rows[] = {
        {"EPYC 9755", "AMD EPYC 9755", 1, false, false},
        {"2x EPYC 9755", "AMD EPYC 9755", 2, false, false},
        {"2 x amd epyc 9755", "AMD EPYC 9755", 2, false, false},
        {"9950X", "AMD Ryzen 9 9950X", 1, false, false},
        {"i5-1335U", "Intel Core i5-1335U", 1, false, false},
        {"Core i5-1335", "Intel Core i5-1335U", 1, false, false},
        {"threadripper 7970x", "AMD Ryzen Threadripper 7970X", 1, false, false},
        {"EPYC 9554P", "AMD EPYC 9554P", 1, false, false},
        {"EPYC 9554", "AMD EPYC 9554", 1, false, false},
        {"Ryzen AI MAX+ PRO 395", "AMD Ryzen AI Max+ PRO 395", 1, false, false},
        {"EPYC 9004", "AMD EPYC 9004", 1, true, false},
        {"EPYC 9004 series", "AMD EPYC 9004", 1, true, false},
        {"2x EPYC 9004", "AMD EPYC 9004", 2, true, false},
        {"Threadripper 7000X", "AMD Ryzen Threadripper 7000X", 1, true, false},
        {"Threadripper PRO 7000WX", "AMD Ryzen Threadripper PRO 7000WX", 1, true, false},
        {"Ryzen AI 300", "AMD Ryzen AI 300", 1, true, false},
        {"Ryzen AI MAX", "AMD Ryzen AI Max", 1, true, false},
        {"Ryzen AI MAX+", "Ryzen AI MAX+", 1, true, false},
        {"Ryzen 9000", "AMD Ryzen 9000", 1, true, false},
        {"Framework Desktop", "Framework Desktop 128 GB", 1, false, true},
        {"ryzen 9 9950x + rtx 5090", "Ryzen 9 9950X + RTX 5090", 1, false, true},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tr_platform_choice choice = choose(rows[i].text, NULL);
        if (strcasecmp(choice.name, rows[i].name) || choice.packages != rows[i].packages ||
            choice.is_series != rows[i].series || choice.is_system != rows[i].system)
            fail_msg("'%s' is %d x %s, series %d, system %d", rows[i].text, choice.packages,
                     choice.name, choice.is_series, choice.is_system);
        tr_platform_choice_finish(&choice);
    }
}

static void misses_help(void **state) {
    (void)state;
    assert_refused("EPYC 9756", TR_EUSAGE, "Did you mean 'AMD EPYC 975");
    assert_refused("Ryzen 9 9950XX", TR_EUSAGE, "Did you mean 'AMD Ryzen 9 9950X'");
    assert_refused("quantum computer of tomorrow", TR_EUSAGE, "list platforms");
    assert_refused("EPYC 97", TR_EUSAGE, "stands for several: AMD EPYC 9754");
    assert_refused("", TR_EUSAGE, "not a platform's name");
    assert_refused("   ", TR_EUSAGE, "not a platform's name");
    assert_refused("0x EPYC 9755", TR_EUSAGE, "1 to 64");
    assert_refused("99999x EPYC 9755", TR_EUSAGE, "1 to 64");
    assert_refused("2x Ryzen 9 9950X", TR_EUNAVAILABLE, "at most 1");
    assert_refused("2x EPYC 9554P", TR_EUNAVAILABLE, "at most 1");
    assert_refused("2x  EPYX 9755", TR_EUSAGE, "unknown platform 'EPYX 9755'");
    assert_refused("2x Ryzen 9000", TR_EUNAVAILABLE, "at most 1");
    assert_refused("tinybox red", TR_EUNAVAILABLE, "not in the catalogue");
    char longest[2000];
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    assert_refused(longest, TR_EUSAGE, "not a platform's name");
}

/* Members of a pair of sockets are those that fit two. */
static void counts_leave_members_out(void **state) {
    (void)state;
    struct tr_platform_choice one = choose("EPYC 9004", NULL), two = choose("2x EPYC 9004", NULL);
    assert_int_equal(one.n_rows, 24);
    assert_true(two.n_rows < one.n_rows);
    for (size_t i = 0; i < two.n_rows; i++)
        assert_int_equal(two.rows[i]->sockets_max, 2);
    tr_platform_choice_finish(&one);
    tr_platform_choice_finish(&two);
}

/* Each as named in published planning tables, with the memory bandwidth that they give. */
static void named_platforms_are_there(void **state) {
    (void)state;
    static const struct {
        const char *name;
        double dram_gb_per_s;
    } rows[] = {
        {"EPYC 9004", 460.8},
        {"2x EPYC 9004", 921.6},
        {"EPYC 9005", 576.0},
        {"EPYC 8004", 230.4},
        {"EPYC 4004", 83.2},
        {"Threadripper 7000X", 166.4},
        {"PRO 7000WX", 332.8},
        {"Threadripper 9000X", 204.8},
        {"PRO 9000WX", 409.6},
        {"Ryzen 7000", 83.2},
        {"Ryzen 8000", 83.2},
        {"Ryzen 9000", 89.6},
        {"Ryzen 8040", 120.0},
        {"Ryzen AI 200", 120.0},
        {"Ryzen AI 300", 128.0},
        {"AI MAX", 256.0},
        {"AI MAX+", 256.0},
        {"Ryzen 5 7400F", 83.2},
        {"EPYC 9755", 576.0},
        {"EPYC 9554P", 460.8},
        {"Threadripper 7970X", 166.4},
        {"Ryzen 9 9950X", 89.6},
        {"Ryzen AI MAX+ PRO 395", 256.0},
        {"GB10", 273.06},
        /* As people type them. */
        {"i5 1335u", 102.4},
        {"i51335u", 102.4},
        {"EPYC9755", 576.0},
        {"ryzen9 9950x", 89.6},
        {"epyc-9554p", 460.8},
        {"Xeon 8488C", 307.2},
        {"Ryzen 9950X", 89.6},
        {"Threadripper 7995WX", 332.8},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        double value = limit_by_name(rows[i].name, "dram");
        if (!(fabs(value - rows[i].dram_gb_per_s) < 0.05))
            fail_msg("%s: dram is %g, not %g", rows[i].name, value, rows[i].dram_gb_per_s);
    }
}

/* --- limits of a row ------------------------------------------------------------------------- */

static void limits_of_rows(void **state) {
    (void)state;
    /* 2 performance cores x 32 x 4.6 GHz + 8 efficiency cores x 16 x 3.4 GHz */
    assert_near(limit_by_name("i5-1335U", "flop_f32_avx2"), 729.6, 0.05);
    assert_true(isnan(limit_by_name("i5-1335U", "flop_f32_avx512")));
    assert_true(isnan(limit_by_name("i5-1335U", "flop_f32_neon")));
    assert_true(isnan(limit_by_name("i5-1335U", "fabric_read")));
    assert_near(limit_by_name("Ryzen AI MAX+ 395", "fabric_read"), 128, 0.05);
    assert_near(limit_by_name("Ryzen AI MAX+ 395", "memory_read"), 128, 0.05);
    assert_near(limit_by_name("Ryzen 5 7400F", "fabric_read"), 64, 0.05);
    assert_near(limit_by_name("2x EPYC 9755", "fabric_read"), 2048, 0.05);
    assert_near(limit_by_name("EPYC 9355P", "fabric_read"), 1024, 0.05);
    struct tr_platform_choice choice = choose("2x EPYC 9755", NULL);
    struct tr_overrides given = {.mts = 5600, .fclk_mhz = 1800};
    assert_near(limit_of(&choice, 0, &given, "dram"), 1075.2, 0.05);
    assert_near(limit_of(&choice, 0, &given, "fabric_read"), 1843.2, 0.05);
    tr_platform_choice_finish(&choice);
    choice = choose("Framework Desktop 128 GB", NULL);
    assert_non_null(strstr(choice.remark, "Radeon 8060S"));
    assert_near(limit_of(&choice, 0, NULL, "dram"), 256, 0.05);
    tr_platform_choice_finish(&choice);
}

/* Every row, series and system can be shown; nothing is made of nothing. */
static void every_name_is_reachable(void **state) {
    (void)state;
    size_t n = 0;
    const struct tr_platform *all = tr_platforms(&n);
    for (size_t i = 0; i < n; i++) {
        struct tr_platform_choice choice = choose(all[i].name, NULL);
        assert_ptr_equal(choice.rows[0], &all[i]);
        assert_int_equal(choice.n_rows, 1);
        double dram = limit_of(&choice, 0, NULL, "dram");
        if (isnan(dram) != !(all[i].mem_channels > 0 && all[i].max_mts > 0))
            fail_msg("%s: dram is %g", all[i].name, dram);
        tr_platform_choice_finish(&choice);
        if (!all[i].series)
            continue;
        choice = choose(all[i].series, NULL);
        assert_true(choice.is_series && choice.n_rows >= 1);
        assert_string_equal(choice.name, all[i].series);
        tr_platform_choice_finish(&choice);
    }
}

/* --- a user's file --------------------------------------------------------------------------- */

static char path[] = "platforms-XXXXXX";

static int make_file(void **state) {
    (void)state;
    int descriptor = mkstemp(path);
    return descriptor < 0 ? -1 : close(descriptor);
}

static int remove_file(void **state) {
    (void)state;
    return unlink(path);
}

static char *temporary(const char *text) {
    struct tr_err err = {0};
    if (tr_file_write(path, text, strlen(text), true, &err))
        fail_msg("%s", err.text);
    return path;
}

/* Cores of Arm have no AVX2, whatever the column is called in which their FLOP per cycle stand. */
static void arm_cores_have_neon(void **state) {
    (void)state;
    struct tr_platform_file *file = NULL;
    struct tr_err err = {0};
    const char *text = "name,cores,uarch,boost_ghz\nBoard,2,cortex_x925,4\n";
    assert_int_equal(tr_platform_file_read(temporary(text), &file, &err), 0);
    struct tr_platform_choice choice = choose("Board", file);
    assert_near(limit_of(&choice, 0, NULL, "flop_f32_neon"), 2 * 48 * 4, 0.001);
    assert_near(limit_of(&choice, 0, NULL, "flop_f64_neon"), 2 * 24 * 4, 0.001);
    assert_true(isnan(limit_of(&choice, 0, NULL, "flop_f32_avx2")));
    struct tr_machine *machine = NULL;
    assert_int_equal(tr_machine_of_choice(&choice, 0, NULL, &machine, &err), 0);
    assert_true(machine->cpu.levels[TR_ISA_SCALAR].available);
    assert_false(machine->cpu.levels[TR_ISA_AVX2].available);
    assert_string_equal(machine->cpu.levels[TR_ISA_AVX2].reason, "an Arm core");
    tr_machine_destroy(machine);
    tr_platform_choice_finish(&choice);
    tr_platform_file_destroy(file);
}

/* A name that data/uarch.csv does not have is no core without SSE2. */
static void unknown_micro_architectures_say_so(void **state) {
    (void)state;
    struct tr_platform_file *file = NULL;
    struct tr_machine *machine = NULL;
    struct tr_err err = {0};
    const char *text = "name,cores,uarch,boost_ghz\nBoard,2,zen 5,4\n";
    assert_int_equal(tr_platform_file_read(temporary(text), &file, &err), 0);
    struct tr_platform_choice choice = choose("Board", file);
    assert_int_equal(tr_machine_of_choice(&choice, 0, NULL, &machine, &err), 0);
    assert_false(machine->cpu.levels[TR_ISA_AVX2].available);
    assert_non_null(strstr(machine->cpu.levels[TR_ISA_AVX2].reason, "not known"));
    tr_machine_destroy(machine);
    tr_platform_choice_finish(&choice);
    tr_platform_file_destroy(file);
}

/* Spreadsheets begin a table of UTF-8 with a byte order mark. */
static void tables_of_spreadsheets_are_read(void **state) {
    (void)state;
    struct tr_platform_file *file = NULL;
    struct tr_err err = {0};
    const char *text = "\xef\xbb\xbfname,mem_channels,max_mts\r\nBoard,2,5600\r\n";
    if (tr_platform_file_read(temporary(text), &file, &err))
        fail_msg("%s", err.text);
    struct tr_platform_choice choice = choose("Board", file);
    assert_near(limit_of(&choice, 0, NULL, "dram"), 89.6, 0.001);
    tr_platform_choice_finish(&choice);
    tr_platform_file_destroy(file);
}

static void users_rows_win(void **state) {
    (void)state;
    struct tr_platform_file *file = NULL;
    struct tr_err err = {0};
    const char *text = "name,series,mem_channels,max_mts,cores,uarch,boost_ghz\r\n"
                       "AMD EPYC 9755,,,5600,,,\r\n"
                       "\"My, board\",Mine,3,1000,2,zen4,2\r\n";
    int code = tr_platform_file_read(temporary(text), &file, &err);
    if (code)
        fail_msg("%s", err.text);
    struct tr_platform_choice choice = choose("2x epyc 9755", file);
    assert_near(limit_of(&choice, 0, NULL, "dram"), 1075.2, 0.05);
    assert_true(choice.rows[0]->user);
    assert_int_equal(choice.rows[0]->ccds, 16); /* an empty cell is the catalogue's */
    assert_string_equal(choice.rows[0]->series, "AMD EPYC 9005");
    tr_platform_choice_finish(&choice);
    choice = choose("EPYC 9005", file); /* his row stands for the catalogue's here too */
    assert_int_equal(choice.n_rows, 27);
    assert_true(choice.rows[0]->user);
    tr_platform_choice_finish(&choice);
    choice = choose("mine", file);
    assert_true(choice.is_series);
    assert_near(limit_of(&choice, 0, NULL, "dram"), 24, 0.001);
    assert_near(limit_of(&choice, 0, NULL, "flop_f32_avx2"), 128, 0.001);
    struct tr_machine *machine = NULL;
    assert_int_equal(tr_machine_of_choice(&choice, 0, NULL, &machine, &err), 0);
    assert_string_equal(machine->limits[0].basis, "user");
    assert_false(machine->limits[0].hard);
    tr_machine_destroy(machine);
    tr_platform_choice_finish(&choice);
    choice = choose("EPYC 9654", file);
    assert_false(choice.rows[0]->user);
    tr_platform_choice_finish(&choice);
    tr_platform_file_destroy(file);
}

static void users_row_for_a_machine_that_was_read(void **state) {
    (void)state;
    struct tr_machine *machine = NULL;
    struct tr_err err = {0};
    char *source = test_data("capture/gpus");
    struct tr_machine_options options = {.source = source,
                                         .platform_file = temporary("name,max_mts\n"
                                                                    "EPYC 9124,4000\n"
                                                                    "AMD EPYC 9124,4400\n")};
    if (tr_machine_load(&options, &machine, &err))
        fail_msg("%s", err.text);
    assert_non_null(machine->platform);
    assert_true(machine->platform->user && machine->platform->max_mts == 4400);
    assert_int_equal(machine->platform->mem_channels, 12);
    tr_machine_destroy(machine);
    free(source);
}

static void bad_files_name_the_line(void **state) {
    (void)state;
    static const struct {
        const char *text, *words;
    } rows[] = {
        {"", "line 1: no column 'name'"},
        {"\n\n", "line 1: no column 'name'"},
        {"cores\n4\n", "line 1: no column 'name'"},
        {"name,cors\nx,4\n", "line 1: unknown column 'cors'"},
        {"name,cores,cores\nx,4,4\n", "line 1: column 'cores' is there twice"},
        {"name,cores\nx,4\ny\n", "line 3: 1 cells, expected 2"},
        {"name,cores\nx,4\n,5\n", "line 3: the row has no name"},
        {"name,cores\nx,4\n\ny,four\n", "line 4: cores is 'four'"},
        {"name,notes,max_mts\nx,\"two\nlines\",1\ny,,-5\n", "line 4: max_mts is '-5'"},
        {"name,max_mts\nx,0\n", "line 2: max_mts is '0'"},
        {"name,max_mts\nx,nan\n", "line 2: max_mts is 'nan'"},
        {"name\nx\nx\n", "line 3: 'x' is there twice"},
        {"name,notes\nx,\"open\n", "line 2: unbalanced quotes"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tr_platform_file *file = NULL;
        struct tr_err err = {0};
        int code = tr_platform_file_read(temporary(rows[i].text), &file, &err);
        if (code != TR_EFORMAT || !strstr(err.text, rows[i].words))
            fail_msg("'%s' gives %d: %s", rows[i].text, code, err.text);
        assert_null(file);
    }
    struct tr_platform_file *file = NULL;
    assert_int_equal(tr_platform_file_read("no-such-file.csv", &file, NULL), TR_EIO);
    tr_platform_file_destroy(NULL);
}

/* --- the other tables ------------------------------------------------------------------------ */

static void open_table(const char *name, struct tr_csv *csv) {
    const struct tr_data *data = tr_data_find(name);
    struct tr_err err = {0};
    assert_non_null(data);
    if (tr_csv_parse(data->text, data->length, data->name, csv, &err))
        fail_msg("%s", err.text);
    assert_true(csv->n_rows > 10);
}

/* Every row has a source; named columns are empty or positive numbers; no word that does not belong
 * into a table. */
static void check_table(const struct tr_csv *csv, const char *file, const char *const *numeric) {
    static const char *const words[] = {"seed", "from memory", "(memory)", "/work", "()"};
    for (size_t i = 1; i < csv->n_rows; i++) {
        if (!*csv->rows[i][0] || !*tr_csv_get(csv, i, "source"))
            fail_msg("%s: row %zu (%s) lacks a name or a source", file, i, csv->rows[i][0]);
        for (const char *const *column = numeric; *column; column++) {
            assert_true(tr_csv_column(csv, *column) >= 0);
            if (*tr_csv_get(csv, i, *column) && !(tr_csv_number(csv, i, *column) > 0))
                fail_msg("%s: %s: %s is '%s'", file, csv->rows[i][0], *column,
                         tr_csv_get(csv, i, *column));
        }
        for (size_t j = 0; j < csv->n_columns; j++)
            for (size_t w = 0; w < sizeof(words) / sizeof(words[0]); w++)
                if (strstr(csv->rows[i][j], words[w]))
                    fail_msg("%s: %s: '%s'", file, csv->rows[i][0], csv->rows[i][j]);
    }
}

static void check_unique(const struct tr_csv *csv) {
    for (size_t i = 1; i < csv->n_rows; i++)
        for (size_t k = 1; k < i; k++)
            if (!strcasecmp(csv->rows[i][0], csv->rows[k][0]))
                fail_msg("%s is there twice", csv->rows[i][0]);
}

static void accelerator_rows_hold(void **state) {
    (void)state;
    static const char *const numeric[] = {"memory_gb",
                                          "memory_gbs",
                                          "fp16_bf16_dense_tflops",
                                          "fp8_dense_tflops",
                                          "fp4_dense_tflops",
                                          "int8_dense_tops",
                                          "fp32_tflops",
                                          "link_gbs_per_direction",
                                          "tdp_w",
                                          "launch_price_usd",
                                          NULL};
    struct tr_csv csv = {0};
    open_table("accelerators.csv", &csv);
    assert_int_equal(csv.n_rows - 1, 93);
    check_table(&csv, "accelerators.csv", numeric);
    check_unique(&csv);
    for (size_t i = 1; i < csv.n_rows; i++)
        if (!*tr_csv_get(&csv, i, "vendor") || !*tr_csv_get(&csv, i, "kind"))
            fail_msg("%s lacks a vendor or a kind", csv.rows[i][0]);
    tr_csv_finish(&csv);
}

static bool is_series(const char *name) {
    size_t n = 0;
    const struct tr_platform *all = tr_platforms(&n);
    for (size_t i = 0; i < n; i++)
        if (all[i].series && !strcmp(all[i].series, name))
            return true;
    return false;
}

/* More modules a channel or more ranks never run faster. */
static void population_rows_hold(void **state) {
    (void)state;
    static const char *const numeric[] = {"modules_per_channel", "ranks", "max_mts", NULL};
    struct tr_csv csv = {0};
    open_table("memory_population.csv", &csv);
    check_table(&csv, "memory_population.csv", numeric);
    for (size_t i = 1; i < csv.n_rows; i++) {
        if (!is_series(csv.rows[i][0]))
            fail_msg("%s is no series of cpus.csv", csv.rows[i][0]);
        if (!(tr_csv_number(&csv, i, "modules_per_channel") > 0) ||
            !(tr_csv_number(&csv, i, "max_mts") > 0) || !*tr_csv_get(&csv, i, "mem_type"))
            fail_msg("%s: row %zu is not complete", csv.rows[i][0], i);
        for (size_t k = 1; k < i; k++)
            if (!strcmp(csv.rows[i][0], csv.rows[k][0]) &&
                tr_csv_number(&csv, i, "max_mts") > tr_csv_number(&csv, k, "max_mts"))
                fail_msg("%s: row %zu is faster than one above it", csv.rows[i][0], i);
    }
    tr_csv_finish(&csv);
}

static bool has_accelerator(const struct tr_csv *accelerators, const char *name) {
    for (size_t i = 1; i < accelerators->n_rows; i++)
        if (!strcmp(accelerators->rows[i][0], name))
            return true;
    return false;
}

/* Parts are rows of the other tables, and the bandwidth is that of the memory. */
static void system_rows_hold(void **state) {
    (void)state;
    static const char *const numeric[] = {"sockets",       "mem_channels", "mts",
                                          "memory_gb",     "memory_gbs",   "gpu_count",
                                          "gpu_memory_gb", "power_w",      NULL};
    struct tr_csv csv = {0}, accelerators = {0};
    open_table("systems.csv", &csv);
    open_table("accelerators.csv", &accelerators);
    check_table(&csv, "systems.csv", numeric);
    check_unique(&csv);
    for (size_t i = 1; i < csv.n_rows; i++) {
        const char *name = csv.rows[i][0], *cpu = tr_csv_get(&csv, i, "cpu");
        const char *gpu = tr_csv_get(&csv, i, "gpu");
        const struct tr_platform *row = *cpu ? tr_platform_by_name(cpu) : NULL;
        if (*cpu && (!row || strcmp(row->name, cpu) != 0))
            fail_msg("%s: '%s' is no row of cpus.csv", name, cpu);
        if (*gpu && !has_accelerator(&accelerators, gpu))
            fail_msg("%s: '%s' is no row of accelerators.csv", name, gpu);
        if (tr_platform_by_name(name))
            fail_msg("%s is also a processor", name);
        double channels = tr_csv_number(&csv, i, "mem_channels");
        double product = channels * 8 * tr_csv_number(&csv, i, "mts") / 1000;
        double told = tr_csv_number(&csv, i, "memory_gbs");
        if (fabs(product - told) > 0.1)
            fail_msg("%s: %g GB/s are not the %g of its channels", name, told, product);
    }
    tr_csv_finish(&csv);
    tr_csv_finish(&accelerators);
}

/* Hybrid parts have a clock for each kind wherever the notes tell one. */
static void extra_columns_hold(void **state) {
    (void)state;
    size_t n = 0;
    const struct tr_platform *all = tr_platforms(&n);
    for (size_t i = 0; i < n; i++) {
        const struct tr_platform *p = &all[i];
        const char *told = p->notes ? strstr(p->notes, "E-core max ") : NULL;
        if (told && fabs(strtod(told + strlen("E-core max "), NULL) - p->e_boost_ghz) > 1e-9)
            fail_msg("%s: e_boost_ghz is %g, the notes differ", p->name, p->e_boost_ghz);
        if (p->e_boost_ghz > p->boost_ghz)
            fail_msg("%s: efficiency cores faster than the others", p->name);
        if ((p->pcie_lanes > 0) != (p->pcie_generation > 0))
            fail_msg("%s: PCIe lanes and generation go together", p->name);
    }
    const struct tr_data *data = tr_data_find("cpus.csv");
    struct tr_csv csv = {0};
    assert_int_equal(tr_csv_parse(data->text, data->length, data->name, &csv, NULL), 0);
    for (size_t i = 1; i < csv.n_rows; i++)
        if ((*tr_csv_get(&csv, i, "max_memory_gb") || *tr_csv_get(&csv, i, "pcie_lanes")) !=
            (*tr_csv_get(&csv, i, "extra_source") != '\0'))
            fail_msg("%s: extra facts and their source go together", csv.rows[i][0]);
    tr_csv_finish(&csv);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_find_rows),
        cmocka_unit_test(misses_help),
        cmocka_unit_test(counts_leave_members_out),
        cmocka_unit_test(named_platforms_are_there),
        cmocka_unit_test(limits_of_rows),
        cmocka_unit_test(every_name_is_reachable),
        cmocka_unit_test(arm_cores_have_neon),
        cmocka_unit_test(unknown_micro_architectures_say_so),
        cmocka_unit_test(tables_of_spreadsheets_are_read),
        cmocka_unit_test(users_rows_win),
        cmocka_unit_test(users_row_for_a_machine_that_was_read),
        cmocka_unit_test(bad_files_name_the_line),
        cmocka_unit_test(accelerator_rows_hold),
        cmocka_unit_test(population_rows_hold),
        cmocka_unit_test(system_rows_hold),
        cmocka_unit_test(extra_columns_hold),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
