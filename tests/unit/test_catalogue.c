/* data/cpus.csv and data/uarch.csv: every row's arithmetic and source, and the ways to find a row.
 */
#include <test.h>

#include <jansson.h>
#include <math.h>
#include <strings.h>

#include "cpuid_table.h"
#include "csv.h"
#include "data.h"
#include "parts.h"
#include "strbuf.h"

static struct tr_csv cpus, uarchs;

static int open_tables(void **state) {
    (void)state;
    const struct tr_data *data = tr_data_find("cpus.csv");
    struct tr_err err = {0};
    assert_non_null(data);
    if (tr_csv_parse(data->text, data->length, data->name, &cpus, &err))
        fail_msg("%s", err.text);
    data = tr_data_find("uarch.csv");
    assert_non_null(data);
    if (tr_csv_parse(data->text, data->length, data->name, &uarchs, &err))
        fail_msg("%s", err.text);
    return 0;
}

static int close_tables(void **state) {
    (void)state;
    tr_csv_finish(&cpus);
    tr_csv_finish(&uarchs);
    return 0;
}

static double number(const struct tr_csv *csv, size_t row, const char *column) {
    assert_true(tr_csv_column(csv, column) >= 0); /* a column that was renamed is no empty cell */
    return tr_csv_number(csv, row, column);
}

static void check_numeric(const struct tr_csv *csv, size_t row, const char *const *columns) {
    for (; *columns; columns++) {
        const char *cell = tr_csv_get(csv, row, *columns);
        double value = number(csv, row, *columns);
        /* No efficiency cores is a fact; any other zero would be an unknown value in disguise. */
        if (*cell && !(value > 0) && !(value == 0 && !strcmp(*columns, "e_cores")))
            fail_msg("%s: %s: '%s' is not a positive number", csv->rows[row][0], *columns, cell);
    }
}

/* A computed cell: the product where all factors are known, else empty. */
static void check_product(size_t row, const char *column, const double *factors, size_t n) {
    double product = 1, value = number(&cpus, row, column);
    for (size_t i = 0; i < n; i++)
        product *= factors[i];
    if (isnan(product) ? !isnan(value) : !(fabs(value - product) <= 0.051))
        fail_msg("%s: %s is %g, its factors give %g", cpus.rows[row][0], column, value, product);
}

/* --- rows of cpus.csv ------------------------------------------------------------------------ */

static void cpu_rows_hold(void **state) {
    (void)state;
    static const char *const numeric[] = {"sockets_max",
                                          "cores",
                                          "p_cores",
                                          "e_cores",
                                          "threads",
                                          "ccds",
                                          "cores_per_ccd",
                                          "l3_mb",
                                          "base_ghz",
                                          "boost_ghz",
                                          "allcore_boost_ghz_if_known",
                                          "mem_channels",
                                          "max_mts",
                                          "theoretical_mem_gbs",
                                          "fclk_ghz_default",
                                          "gmi_links_per_ccd",
                                          "ccd_read_bytes_per_fclk",
                                          "ccd_write_bytes_per_fclk",
                                          "theoretical_fabric_read_gbs",
                                          NULL};
    assert_true(cpus.n_rows > 400);
    for (size_t i = 1; i < cpus.n_rows; i++) {
        const char *name = tr_csv_get(&cpus, i, "name");
        check_numeric(&cpus, i, numeric);
        if (!*name || !*tr_csv_get(&cpus, i, "source") || !*tr_csv_get(&cpus, i, "uarch"))
            fail_msg("row %zu (%s) lacks a name, a source or a micro-architecture", i, name);
        for (size_t j = 1; j < i; j++)
            if (!strcasecmp(name, tr_csv_get(&cpus, j, "name")))
                fail_msg("%s is there twice", name);
        double ccds = number(&cpus, i, "ccds"), links = number(&cpus, i, "gmi_links_per_ccd");
        check_product(
            i, "theoretical_mem_gbs",
            (double[]){number(&cpus, i, "mem_channels"), 8, number(&cpus, i, "max_mts") / 1000}, 3);
        check_product(i, "theoretical_fabric_read_gbs",
                      (double[]){ccds, links, 32, number(&cpus, i, "fclk_ghz_default")}, 4);
        check_product(i, "ccd_read_bytes_per_fclk", (double[]){links, 32}, 2);
        double cores = number(&cpus, i, "cores"), per_ccd = number(&cpus, i, "cores_per_ccd");
        if (ccds * per_ccd != cores && !isnan(ccds * per_ccd))
            fail_msg("%s: %g CCDs of %g cores are not %g cores", name, ccds, per_ccd, cores);
        if (number(&cpus, i, "p_cores") + number(&cpus, i, "e_cores") > cores)
            fail_msg("%s: more cores of two kinds than cores", name);
        if (number(&cpus, i, "base_ghz") > number(&cpus, i, "boost_ghz"))
            fail_msg("%s: base clock above boost clock", name);
    }
}

static bool has_uarch(const char *name, size_t length) {
    for (size_t i = 1; i < uarchs.n_rows; i++) {
        const char *row = tr_csv_get(&uarchs, i, "uarch");
        if (strlen(row) == length && !strncmp(row, name, length))
            return true;
    }
    return false;
}

/* What the two tables say about one CPU must agree: a row's family and models lead to its
 * micro-architecture. */
static void cpu_rows_agree_with_uarchs(void **state) {
    (void)state;
    for (size_t i = 1; i < cpus.n_rows; i++) {
        const char *name = tr_csv_get(&cpus, i, "name"), *uarch = tr_csv_get(&cpus, i, "uarch");
        const char *vendor = !strncmp(name, "AMD ", 4)     ? "AMD"
                             : !strncmp(name, "Intel ", 6) ? "Intel"
                                                           : NULL;
        if (!vendor)
            continue;
        size_t length = strcspn(uarch, "+");
        if (!has_uarch(uarch, length) ||
            (uarch[length] && !has_uarch(uarch + length + 1, strlen(uarch + length + 1))))
            fail_msg("%s: no row for %s in uarch.csv", name, uarch);
        int family = (int)strtol(tr_csv_get(&cpus, i, "cpuid_family"), NULL, 16);
        const char *models = tr_csv_get(&cpus, i, "cpuid_model");
        while (*models) {
            char *end;
            int model = (int)strtol(models, &end, 16);
            int stepping = !strcmp(uarch, "skylake_sp") ? 4 : 7;
            const char *found = tr_uarch_find(vendor, family, model, stepping, false);
            if (!found)
                found = tr_uarch_find(vendor, family, model, stepping, true);
            if (!found || strlen(found) != length || strncmp(found, uarch, length) != 0)
                fail_msg("%s: family %x model %x is %s, not %s", name, (unsigned)family,
                         (unsigned)model, found ? found : "unknown", uarch);
            models = end + (*end == '|');
        }
    }
}

/* --- rows of uarch.csv ----------------------------------------------------------------------- */

static void uarch_rows_hold(void **state) {
    (void)state;
    static const char *const numeric[] = {"fp32_sse2",
                                          "fp64_sse2",
                                          "fp32_avx2_fma",
                                          "fp64_avx2_fma",
                                          "fp32_avx512_fma",
                                          "fp64_avx512_fma",
                                          "bf16_vdpbf16ps",
                                          "fp16_avx512fp16",
                                          "int8_avx_vnni_256",
                                          "int8_avx512_vnni",
                                          "amx_bf16",
                                          "amx_int8",
                                          "fma_latency_cycles",
                                          "min_independent_fma_chains",
                                          "l1_load_bytes_per_cycle",
                                          "l1_store_bytes_per_cycle",
                                          "l2_bytes_per_cycle",
                                          "l3_bytes_per_cycle_per_core",
                                          "line_fill_buffers",
                                          NULL};
    static const char *const pairs[][2] = {{"fp32_sse2", "fp64_sse2"},
                                           {"fp32_avx2_fma", "fp64_avx2_fma"},
                                           {"fp32_avx512_fma", "fp64_avx512_fma"}};
    assert_true(uarchs.n_rows > 30);
    for (size_t i = 1; i < uarchs.n_rows; i++) {
        const char *name = tr_csv_get(&uarchs, i, "uarch");
        check_numeric(&uarchs, i, numeric);
        if (!*tr_csv_get(&uarchs, i, "source"))
            fail_msg("%s has no source", name);
        for (size_t j = 1; j < i; j++)
            assert_string_not_equal(name, tr_csv_get(&uarchs, j, "uarch"));
        for (size_t j = 0; j < 3; j++) { /* twice as many lanes of half the width */
            double f32 = number(&uarchs, i, pairs[j][0]), f64 = number(&uarchs, i, pairs[j][1]);
            if (isnan(f32) ? !isnan(f64) : f32 != 2 * f64)
                fail_msg("%s: %s is not twice %s", name, pairs[j][0], pairs[j][1]);
        }
    }
}

/* Words of notes that never belonged into a table. */
static void sources_are_public(void **state) {
    (void)state;
    static const char *const words[] = {"seed 0",   "seed formula",  "from memory",
                                        "(memory)", "source=memory", "/work"};
    const struct tr_csv *tables[] = {&cpus, &uarchs};
    for (size_t t = 0; t < 2; t++)
        for (size_t i = 1; i < tables[t]->n_rows; i++)
            for (size_t j = 0; j < tables[t]->n_columns; j++)
                for (size_t w = 0; w < sizeof(words) / sizeof(words[0]); w++)
                    if (strstr(tables[t]->rows[i][j], words[w]))
                        fail_msg("%s: '%s'", tables[t]->rows[i][0], tables[t]->rows[i][j]);
}

/* --- finding --------------------------------------------------------------------------------- */

static const char *by_cpu(const char *brand, int family, int model) {
    char copy[96];
    snprintf(copy, sizeof(copy), "%s", brand ? brand : "");
    struct tr_cpu_facts cpu = {
        .model = brand ? copy : NULL, .family = family, .model_number = model, .stepping = 0};
    const struct tr_platform *platform = tr_platform_by_cpu(&cpu);
    return platform ? platform->name : NULL;
}

static void brands_find_their_rows(void **state) {
    (void)state;
    static const struct {
        const char *brand;
        int family, model;
        const char *row; /* NULL: none */
    } rows[] = {
        {"AMD EPYC 9124 16-Core Processor", 0x19, 0x11, "AMD EPYC 9124"},
        {"AMD EPYC 9754 128-Core Processor", 0x19, 0xa0, "AMD EPYC 9754"},
        {"AMD EPYC 9754S 128-Core Processor", 0x19, 0xa0, "AMD EPYC 9754S"},
        {"AMD EPYC 9654P 96-Core Processor", 0x19, 0x11, "AMD EPYC 9654P"},
        {"AMD EPYC 7B13", 0x19, 0x01, NULL},
        {"AMD EPYC", 0x1a, 0x02, NULL}, /* a virtual machine */
        {"AMD EPYC-Genoa Processor", 0x19, 0x11, NULL},
        {"AMD EPYC 9124 16-Core Processor", 0x1a, 0x02, NULL}, /* the name lies */
        {"AMD EPYC 9124 16-Core Processor", -1, -1, "AMD EPYC 9124"},
        {"AMD Ryzen 7 7840U w/ Radeon 780M Graphics", 0x19, 0x74, "AMD Ryzen 7 7840U"},
        {"AMD Ryzen 7 PRO 7840U w/ Radeon 780M Graphics", 0x19, 0x74, "AMD Ryzen 7 7840U"},
        {"AMD RYZEN AI MAX+ 395 w/ Radeon 8060S", 0x1a, 0x70, "AMD Ryzen AI Max+ 395"},
        {"AMD Ryzen Threadripper PRO 7995WX 96-Cores", 0x19, 0x18,
         "AMD Ryzen Threadripper PRO 7995WX"},
        {"AMD Ryzen Threadripper 7980X 64-Cores", 0x19, 0x18, "AMD Ryzen Threadripper 7980X"},
        {"13th Gen Intel(R) Core(TM) i9-13900K", 6, 0xb7, "Intel Core i9-13900K"},
        {"Intel(R) Core(TM) Ultra 7 155H", 6, 0xaa, "Intel Core Ultra 7 155H"},
        {"Intel(R) Xeon(R) Platinum 8480+", 6, 0x8f, "Intel Xeon Platinum 8480+"},
        {"INTEL(R) XEON(R) PLATINUM 8580", 6, 0xcf, "Intel Xeon Platinum 8580"},
        {"Intel(R) Xeon(R) Platinum 8280 CPU @ 2.70GHz", 6, 0x55, "Intel Xeon Platinum 8280"},
        {"Intel(R) Xeon(R) 6710E", 6, 0xaf, "Intel Xeon 6710E"},
        {"Intel(R) Xeon(R) CPU @ 2.00GHz", 6, 0x55, NULL},
        {"Genuine Intel(R) CPU           @ 0000 @ 2.67GHz", 6, 26, NULL},
        {"", 6, 26, NULL},
        {NULL, 6, 26, NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *row = by_cpu(rows[i].brand, rows[i].family, rows[i].model);
        if (rows[i].row ? !row || strcmp(row, rows[i].row) != 0 : row != NULL)
            fail_msg("'%s' finds %s, not %s", rows[i].brand, row ? row : "nothing",
                     rows[i].row ? rows[i].row : "nothing");
    }
}

/* Every row is found by its own name, with and without the maker, and by a brand made of it. */
static void rows_find_themselves(void **state) {
    (void)state;
    size_t n = 0;
    const struct tr_platform *all = tr_platforms(&n);
    assert_int_equal(n, cpus.n_rows - 1);
    for (size_t i = 0; i < n; i++) {
        assert_ptr_equal(tr_platform_by_name(all[i].name), &all[i]);
        if (strncmp(all[i].name, "AMD ", 4) != 0)
            continue;
        assert_ptr_equal(tr_platform_by_name(all[i].name + 4), &all[i]);
        char *brand = tr_format("%s 64-Core Processor", all[i].name);
        assert_string_equal(by_cpu(brand, -1, -1), all[i].name);
        free(brand);
    }
}

static void names(void **state) {
    (void)state;
    assert_string_equal(tr_platform_by_name("epyc 9755")->name, "AMD EPYC 9755");
    assert_string_equal(tr_platform_by_name("amd epyc 9654")->name, "AMD EPYC 9654");
    assert_string_equal(tr_platform_by_name("Ryzen AI Max PRO 380")->name,
                        "AMD Ryzen AI Max PRO 380");
    assert_string_equal(tr_platform_by_name("Ryzen 5 84")->name, "AMD Ryzen 5 8400F");
    assert_null(tr_platform_by_name("EPYC 96")); /* several */
    assert_null(tr_platform_by_name("EPYC 9999"));
    assert_null(tr_platform_by_name(""));
    assert_null(tr_platform_by_name(NULL));
    char longest[1000];
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    assert_null(tr_platform_by_name(longest));
}

static void rows_are_read_in_full(void **state) {
    (void)state;
    const struct tr_platform *p = tr_platform_by_name("AMD EPYC 9124");
    assert_non_null(p);
    assert_string_equal(p->uarch, "zen4");
    assert_int_equal(p->sockets_max, 2);
    assert_int_equal(p->cores, 16);
    assert_int_equal(p->p_cores, -1);
    assert_int_equal(p->ccds, 4);
    assert_int_equal(p->cores_per_ccd, 4);
    assert_int_equal(p->gmi_links_per_ccd, 2);
    assert_int_equal(p->mem_channels, 12);
    assert_true(p->max_mts == 4800 && p->fclk_ghz == 1.8 && p->l3_mb == 64);
    assert_true(p->ccd_read_bytes_per_fclk == 64 && p->ccd_write_bytes_per_fclk == 32);
    assert_true(p->base_ghz == 3.0 && p->boost_ghz == 3.7 && p->allcore_boost_ghz == 3.6);
    assert_string_equal(p->mem_type, "DDR5");
    assert_non_null(p->source);
    p = tr_platform_by_name("Intel Xeon Platinum 8480+");
    assert_non_null(p);
    assert_true(isnan(p->fclk_ghz) && isnan(p->ccd_read_bytes_per_fclk));
    assert_int_equal(p->gmi_links_per_ccd, -1);
}

static void machine_gets_its_row(void **state) {
    (void)state;
    struct tr_machine *machine = calloc(1, sizeof(*machine));
    assert_non_null(machine);
    machine->cpu.model = strdup("13th Gen Intel(R) Core(TM) i9-13900K");
    machine->cpu.family = machine->cpu.model_number = -1; /* from firmware tables alone */
    assert_int_equal(tr_catalogue_fill(machine), 0);
    assert_string_equal(machine->platform->name, "Intel Core i9-13900K");
    assert_string_equal(machine->cpu.uarch, "raptor_cove");
    assert_string_equal(machine->cpu.uarch_efficiency, "gracemont");
    tr_machine_destroy(machine);
    machine = calloc(1, sizeof(*machine));
    assert_non_null(machine);
    assert_int_equal(tr_catalogue_fill(machine), 0);
    assert_null(machine->platform);
    assert_null(machine->cpu.uarch);
    tr_machine_destroy(machine);
}

static void recorded_brands(void **state) {
    (void)state;
    static const struct {
        const char *file, *row;
    } rows[] = {
        {"k10-barcelona.txt", NULL},
        {"nehalem.txt", NULL},
        {"zen2-rome.txt", "AMD EPYC 7742"},
        {"zen3-milan.txt", "AMD EPYC 7713"},
        {"zen3-vermeer.txt", "AMD Ryzen 7 5800X"},
        {"zen4-genoa.txt", "AMD EPYC 9654"},
        {"zen4-raphael.txt", "AMD Ryzen 9 7950X"},
        {"zen4c-bergamo.txt", "AMD EPYC 9754"},
        {"zen4-storm-peak.txt", "AMD Ryzen Threadripper PRO 7995WX"},
        {"zen5-granite-ridge.txt", "AMD Ryzen 9 9950X"},
        {"sapphire-rapids.txt", "Intel Xeon w7-2475X"},
        {"raptor-lake.txt", "Intel Core i9-13900K"},
    };
    char *path = recorded_data("cpuid/expected.json");
    if (!path)
        skip();
    json_t *all = json_load_file(path, 0, NULL), *dump;
    size_t i;
    assert_int_equal(json_array_size(all), sizeof(rows) / sizeof(rows[0]));
    json_array_foreach(all, i, dump) {
        assert_string_equal(json_string_value(json_object_get(dump, "file")), rows[i].file);
        const char *row = by_cpu(json_string_value(json_object_get(dump, "brand")),
                                 (int)json_integer_value(json_object_get(dump, "family")),
                                 (int)json_integer_value(json_object_get(dump, "model")));
        if (rows[i].row ? !row || strcmp(row, rows[i].row) != 0 : row != NULL)
            fail_msg("%s finds %s", rows[i].file, row ? row : "nothing");
    }
    json_decref(all);
    free(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cpu_rows_hold),
        cmocka_unit_test(cpu_rows_agree_with_uarchs),
        cmocka_unit_test(uarch_rows_hold),
        cmocka_unit_test(sources_are_public),
        cmocka_unit_test(brands_find_their_rows),
        cmocka_unit_test(rows_find_themselves),
        cmocka_unit_test(names),
        cmocka_unit_test(rows_are_read_in_full),
        cmocka_unit_test(machine_gets_its_row),
        cmocka_unit_test(recorded_brands),
    };
    return cmocka_run_group_tests(tests, open_tables, close_tables);
}
