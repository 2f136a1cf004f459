/* The helpers that everything rests on. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <locale.h>
#include <math.h>
#include <sys/stat.h>

#include "csv.h"
#include "data.h"
#include "file.h"
#include "parse.h"
#include "strbuf.h"
#include "table.h"
#include "term.h"
#include "test.h"
#include "tokenroof/cpulist.h"
#include "tokenroof/limit.h"

/* --- lists of numbers ------------------------------------------------------------------------ */

static void assert_list(const char *text, const char *expected) {
    struct tr_cpulist list = {0};
    assert_int_equal(tr_cpulist_parse(text, &list, NULL), 0);
    char *formatted = tr_cpulist_format(&list);
    assert_string_equal(formatted, expected);
    free(formatted);
    tr_cpulist_finish(&list);
    assert_int_equal(list.n, 0);
}

static void cpulist_good(void **state) {
    (void)state;
    assert_list("", "");
    assert_list("\n", "");
    assert_list("0", "0");
    assert_list("0-7,16-23\n", "0-7,16-23");
    assert_list("3,1,2", "1-3");
    assert_list("1,1,1-2", "1-2");
    assert_list("5-5", "5");
    assert_list("0,65535", "0,65535");
}

static void cpulist_bad(void **state) {
    (void)state;
    static const char *const texts[] = {"a",       "-1",         "1-",   "1--2", ",1",   "1,",
                                        "1,,2",    "2-1",        "0x10", " 1",   "1 ",   "+1",
                                        "1-65536", "4000000000", "1;2",  "1,\n", "0-7/2"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct tr_cpulist list = {0};
        struct tr_err err = {0};
        assert_int_equal(tr_cpulist_parse(texts[i], &list, &err), TR_EUSAGE);
        assert_non_null(strstr(err.text, "0-7,16-23"));
        assert_null(list.ids);
    }
}

static void cpulist_sets(void **state) {
    (void)state;
    struct tr_cpulist a = {0}, b = {0}, copy = {0};
    assert_int_equal(tr_cpulist_parse("1-3,8", &a, NULL), 0);
    assert_int_equal(tr_cpulist_parse("4-7", &b, NULL), 0);
    assert_true(tr_cpulist_has(&a, 8) && !tr_cpulist_has(&a, 4) && !tr_cpulist_has(&a, 0));
    assert_false(tr_cpulist_intersects(&a, &b));
    assert_int_equal(tr_cpulist_add(&b, 8), 0);
    assert_true(tr_cpulist_intersects(&a, &b));
    assert_int_equal(tr_cpulist_copy(&a, &copy), 0);
    assert_int_equal(copy.n, 4);
    assert_ptr_not_equal(copy.ids, a.ids);
    tr_cpulist_finish(&a);
    tr_cpulist_finish(&b);
    tr_cpulist_finish(&copy);
    tr_cpulist_finish(NULL);
}

static void place_kinds(void **state) {
    (void)state;
    for (int kind = TR_PLACE_MACHINE; kind <= TR_PLACE_CORE; kind++)
        assert_int_equal(tr_place_kind_from_name(tr_place_kind_name((enum tr_place_kind)kind)),
                         kind);
    assert_int_equal(tr_place_kind_from_name("moon"), -1);
}

/* --- numbers --------------------------------------------------------------------------------- */

static void integers(void **state) {
    (void)state;
    static const char *const bad[] = {
        "", "-", "1x", " 1", "1 ", "+1", "1.0", "0x1", "11", "-1", "99999999999999999999"};
    int64_t value = -7;
    assert_int_equal(tr_parse_int("0", 0, 10, &value, NULL), 0);
    assert_int_equal(value, 0);
    assert_int_equal(tr_parse_int("-5", -10, 10, &value, NULL), 0);
    assert_int_equal(value, -5);
    assert_int_equal(tr_parse_int("007", 0, 10, &value, NULL), 0);
    assert_int_equal(value, 7);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct tr_err err = {0};
        assert_int_equal(tr_parse_int(bad[i], 0, 10, &value, &err), TR_EUSAGE);
        assert_non_null(strstr(err.text, "from 0 to 10"));
        assert_int_equal(value, 7);
    }
}

static void doubles(void **state) {
    (void)state;
    static const char *const bad[] = {"",      "x",     "1,5", "inf",  "nan", "0x1p3", " 1",
                                      "1e999", "1.2.3", "--1", "-0.1", "101", "1e"};
    double value = 7;
    assert_int_equal(tr_parse_double("5.6", 0, 100, &value, NULL), 0);
    assert_true(value == 5.6);
    assert_int_equal(tr_parse_double("1e2", 0, 100, &value, NULL), 0);
    assert_true(value == 100);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(tr_parse_double(bad[i], 0, 100, &value, NULL), TR_EUSAGE);
        assert_true(value == 100);
    }
}

static void sizes(void **state) {
    (void)state;
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {
        {"64MiB", 67108864},     {"64MB", 64000000}, {"1.5GiB", 1610612736}, {"1B", 1},
        {"2TiB", 2199023255552}, {"3kB", 3000},      {"3KiB", 3072},
    };
    static const char *const bad[] = {"",       "64",    "MiB",    "64m2",  "-1MiB",
                                      "0MiB",   "1e3MB", "64 MiB", "64mib", "9999999999TiB",
                                      "1..5MB", "0.1B"};
    uint64_t bytes = 0;
    struct tr_err err = {0};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(tr_parse_size(good[i].text, &bytes, NULL), 0);
        assert_int_equal(bytes, good[i].bytes);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (tr_parse_size(bad[i], &bytes, &err) != TR_EUSAGE)
            fail_msg("'%s' was taken", bad[i]);
    /* A bare letter is ambiguous; both readings are offered. */
    assert_int_equal(tr_parse_size("64m", &bytes, &err), TR_EUSAGE);
    assert_non_null(strstr(err.text, "64MB"));
    assert_non_null(strstr(err.text, "64MiB"));
}

static void nearest(void **state) {
    (void)state;
    static const char *const words[] = {"topology", "measure", "predict", "report", "list", NULL};
    assert_string_equal(tr_nearest("topolgy", words), "topology");
    assert_string_equal(tr_nearest("mesaure", words), "measure");
    assert_string_equal(tr_nearest("PREDICT", words), "predict");
    assert_string_equal(tr_nearest("pred", words), "predict");
    assert_null(tr_nearest("xyzzy", words));
    char longest[300];
    memset(longest, 'a', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    assert_null(tr_nearest(longest, words));
}

/* --- strings --------------------------------------------------------------------------------- */

static void strbuf(void **state) {
    (void)state;
    struct tr_strbuf buf = {0};
    char *empty = tr_strbuf_take(&buf);
    assert_string_equal(empty, "");
    free(empty);
    tr_strbuf_add(&buf, "a");
    tr_strbuf_addf(&buf, "%d%s", 12, "b");
    tr_strbuf_repeat(&buf, "é", 3);
    tr_strbuf_add_bytes(&buf, "x\0y", 3);
    assert_int_equal(buf.length, 4 + 6 + 3);
    assert_memory_equal(buf.text, "a12béééx\0y", 14);
    for (int i = 0; i < 1000; i++)
        tr_strbuf_addf(&buf, "%03d", i);
    assert_int_equal(buf.length, 13 + 3000);
    assert_int_equal(buf.text[buf.length], '\0');
    char *text = tr_strbuf_take(&buf);
    assert_null(buf.text);
    free(text);
    /* Once memory ran out, nothing is handed over. */
    tr_strbuf_add(&buf, "a");
    buf.failed = true;
    tr_strbuf_add(&buf, "b");
    assert_null(tr_strbuf_take(&buf));
    assert_false(buf.failed);
    tr_strbuf_finish(&buf);
    tr_strbuf_finish(NULL);
    text = tr_format("%s-%d", "x", 1);
    assert_string_equal(text, "x-1");
    free(text);
}

/* --- CSV ------------------------------------------------------------------------------------- */

static void csv_good(void **state) {
    (void)state;
    static const char text[] = "name,value,note\r\n"
                               "a,1.5,\"x, \"\"y\"\"\nz\"\n"
                               "\n"
                               ",,\n"
                               "b,n/a,last";
    struct tr_csv csv;
    assert_int_equal(tr_csv_parse(text, strlen(text), "t", &csv, NULL), 0);
    assert_int_equal(csv.n_rows, 4);
    assert_int_equal(csv.n_columns, 3);
    assert_int_equal(tr_csv_column(&csv, "note"), 2);
    assert_int_equal(tr_csv_column(&csv, "none"), -1);
    assert_string_equal(tr_csv_get(&csv, 1, "note"), "x, \"y\"\nz");
    assert_string_equal(tr_csv_get(&csv, 2, "name"), "");
    assert_string_equal(tr_csv_get(&csv, 3, "note"), "last");
    assert_string_equal(tr_csv_get(&csv, 1, "none"), "");
    assert_string_equal(tr_csv_get(&csv, 9, "name"), "");
    assert_true(tr_csv_number(&csv, 1, "value") == 1.5);
    assert_true(isnan(tr_csv_number(&csv, 2, "value")));
    assert_true(isnan(tr_csv_number(&csv, 3, "value")));
    tr_csv_finish(&csv);
    tr_csv_finish(&csv);
    /* A comma at the very end is an empty cell. */
    assert_int_equal(tr_csv_parse("a,b\n1,", 6, "t", &csv, NULL), 0);
    assert_string_equal(tr_csv_get(&csv, 1, "b"), "");
    tr_csv_finish(&csv);
    assert_int_equal(tr_csv_parse("", 0, "t", &csv, NULL), 0);
    assert_int_equal(csv.n_rows, 0);
    tr_csv_finish(&csv);
}

static void csv_bad(void **state) {
    (void)state;
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"a,b\n1\n", "line 2: 1 cells, expected 2"},
        {"a,b\n1,2\n1,2,3\n", "line 3: 3 cells, expected 2"},
        {"a\n\"x\n", "line 2: unbalanced quotes"},
        {"a\n\"x\"y\n", "line 2: unbalanced quotes"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tr_csv csv = {0};
        struct tr_err err = {0};
        int code = tr_csv_parse(cases[i].text, strlen(cases[i].text), "t.csv", &csv, &err);
        assert_int_equal(code, TR_EFORMAT);
        assert_null(csv.rows);
        assert_non_null(strstr(err.text, "t.csv"));
        if (!strstr(err.text, cases[i].words))
            fail_msg("'%s' does not say '%s'", err.text, cases[i].words);
    }
}

static void embedded_data(void **state) {
    (void)state;
    const struct tr_data *data = tr_data_find("cpus.csv");
    struct tr_csv csv;
    assert_non_null(data);
    assert_int_equal(strlen(data->text), data->length);
    assert_int_equal(tr_csv_parse(data->text, data->length, data->name, &csv, NULL), 0);
    assert_true(csv.n_rows > 10);
    tr_csv_finish(&csv);
    assert_null(tr_data_find("none.csv"));
}

/* --- files ----------------------------------------------------------------------------------- */

static int make_folder(void **state) {
    char *folder = strdup("/tmp/tokenroof_test_XXXXXX");
    *state = folder;
    return folder && mkdtemp(folder) ? 0 : -1;
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *ftw) {
    (void)info, (void)type, (void)ftw;
    return remove(path);
}

static int remove_folder(void **state) {
    int code = nftw(*state, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(*state);
    return code;
}

static int count_entry(const char *path, const struct stat *info, int type, struct FTW *ftw) {
    (void)path, (void)info, (void)ftw;
    return type == FTW_F ? 1 : 0; /* stops at the first file */
}

static void files(void **state) {
    struct tr_err err = {0};
    char *path = tr_format("%s/a", (char *)*state), *text = NULL;
    size_t length = 0;
    assert_int_equal(tr_file_write(path, "one\0two", 7, false, &err), 0);
    assert_int_equal(tr_file_read(path, 100, &text, &length, &err), 0);
    assert_int_equal(length, 7);
    assert_memory_equal(text, "one\0two", 8);
    free(text);
    /* Not over another file unless told so. */
    assert_int_equal(tr_file_write(path, "x", 1, false, &err), TR_EUSAGE);
    assert_non_null(strstr(err.text, "--force"));
    assert_int_equal(tr_file_read(path, 100, &text, &length, &err), 0);
    assert_int_equal(length, 7);
    free(text);
    assert_int_equal(tr_file_write(path, " line \t\r\nmore", 13, true, &err), 0);
    text = tr_file_line(path);
    assert_string_equal(text, " line");
    free(text);
    /* Larger than wanted. */
    assert_int_equal(tr_file_read(path, 5, &text, &length, &err), TR_EFORMAT);
    free(path);
}

static void files_that_cannot_be_read(void **state) {
    struct tr_err err = {0};
    char *path = tr_format("%s/a", (char *)*state), *text = NULL;
    errno = 0;
    assert_int_equal(tr_file_read(path, 100, &text, NULL, &err), TR_EIO);
    assert_int_equal(errno, ENOENT);
    assert_non_null(strstr(err.text, path));
    assert_null(tr_file_line(path));
    assert_int_equal(tr_file_read(*state, 100, &text, NULL, &err), TR_EIO);
    /* A FIFO without a writer must not hang the program. */
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(tr_file_read(path, 100, &text, NULL, &err), TR_EIO);
    assert_null(text);
    free(path);
}

/* A failed write leaves nothing behind, neither the file nor its temporary one. */
static void files_that_cannot_be_written(void **state) {
    struct tr_err err = {0};
    char *path = tr_format("%s/none/a", (char *)*state);
    assert_int_equal(tr_file_write(path, "x", 1, false, &err), TR_EIO);
    assert_non_null(strstr(err.text, path));
    free(path);
    path = tr_format("%s/a", (char *)*state);
    assert_int_equal(mkdir(path, 0777), 0);
    assert_int_equal(tr_file_write(path, "x", 1, true, &err), TR_EIO);
    assert_int_equal(nftw(*state, count_entry, 16, FTW_PHYS), 0);
    free(path);
    path = tr_format("%s/locked", (char *)*state);
    assert_int_equal(mkdir(path, 0500), 0);
    char *inside = tr_format("%s/a", path);
    if (geteuid() != 0) /* root may write everywhere */
        assert_int_equal(tr_file_write(inside, "x", 1, false, &err), TR_EIO);
    free(inside);
    free(path);
}

static void make_folders(void **state) {
    struct tr_err err = {0};
    struct stat info;
    char *path = tr_format("%s/a/b/c", (char *)*state);
    assert_int_equal(tr_make_folders(path, &err), 0);
    assert_int_equal(tr_make_folders(path, &err), 0);
    assert_true(!stat(path, &info) && S_ISDIR(info.st_mode));
    free(path);
    path = tr_format("%s/file", (char *)*state);
    assert_int_equal(tr_file_write(path, "x", 1, false, &err), 0);
    char *below = tr_format("%s/a", path);
    assert_int_equal(tr_make_folders(below, &err), TR_EIO);
    free(below);
    free(path);
}

/* --- tables and terminals -------------------------------------------------------------------- */

static void table(void **state) {
    (void)state;
    static const char expected[] = "  name         rate  note\n"
                                   "  é            1.50  x\n"
                                   "  \033[1mlong\033[0m name  123.25\n"
                                   "                  7\n";
    static const char *const cells[] = {
        "name", "rate", "note", "é", NULL, "x", "\033[1mlong\033[0m name", "123.25", NULL, "", "7"};
    struct tr_table table;
    struct tr_strbuf out = {0};
    tr_table_init(&table, "lrl");
    for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++) {
        if (i == 4)
            tr_table_addf(&table, "%.2f", 1.5);
        else
            tr_table_add(&table, cells[i]);
    }
    tr_table_write(&table, 2, &out);
    assert_string_equal(out.text, expected);
    tr_strbuf_finish(&out);
    /* Columns are left out in the order that is given, and no more of them than must be. */
    tr_table_write_fitting(&table, 2, 24, "12", &out);
    assert_string_equal(out.text, "  name       note\n"
                                  "  é          x\n"
                                  "  \033[1mlong\033[0m name\n"
                                  "\n");
    tr_strbuf_finish(&out);
    tr_table_write_fitting(&table, 2, 25, "12", &out);
    assert_string_equal(out.text, expected);
    tr_strbuf_finish(&out);
    tr_table_write_fitting(&table, 2, 3, "1", &out); /* the rest is wide all the same */
    assert_non_null(strstr(out.text, "note"));
    tr_strbuf_finish(&out);
    /* Out of memory is handed on. */
    table.failed = true;
    tr_table_write(&table, 0, &out);
    assert_true(out.failed);
    tr_strbuf_finish(&out);
    tr_table_finish(&table);
    tr_table_finish(NULL);
}

static void display_width(void **state) {
    (void)state;
    assert_int_equal(tr_display_width(""), 0);
    assert_int_equal(tr_display_width("abc"), 3);
    assert_int_equal(tr_display_width("é±█"), 3);
    assert_int_equal(tr_display_width("漢字"), 4);
    assert_int_equal(tr_display_width("e\xcc\x81"), 1); /* combining accent */
    assert_int_equal(tr_display_width("\xff\xfe"), 2);
    assert_int_equal(tr_display_width("\xe2\x82"), 2); /* cut short */
    assert_int_equal(tr_display_width("\xf0\x9f\x98\x80"), 2);
    assert_int_equal(tr_display_width("\033[1;31mred\033[0m"), 3);
}

static void printable(void **state) {
    (void)state;
    static const struct {
        const char *text, *shown;
    } cases[] = {
        {"plain é 漢", "plain é 漢"},
        {"a\nb\tc\r", "a?b?c?"},
        {"\033[31mred\033]0;title\007", "?[31mred?]0;title?"},
        {"\xc2\x9b"
         "31m",
         "?31m"}, /* CSI as one character */
        {"a\xff"
         "b\xc0\xaf",
         "a?b??"},                    /* never valid; overlong '/' */
        {"\xed\xa0\x80", "???"},      /* surrogate */
        {"\xe0\x80\xaf", "???"},      /* overlong '/' in three bytes */
        {"\xf4\x90\x80\x80", "????"}, /* above U+10FFFF */
        {"x\xe2\x80\xae"
         "y",
         "x?y"}, /* right-to-left override */
        {"\xe2\x82", "??"},
        {"\x7f", "?"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *shown = tr_printable(cases[i].text);
        assert_string_equal(shown, cases[i].shown);
        free(shown);
    }
}

static void terminal(void **state) {
    (void)state;
    struct tr_term term;
    int fd = open("/dev/null", O_RDWR);
    assert_true(fd >= 0);
    setenv("COLUMNS", "72", 1);
    tr_term_detect(fd, &term);
    assert_int_equal(term.width, 72);
    assert_false(term.is_terminal);
    assert_false(term.color);
    setenv("COLUMNS", "7", 1);
    tr_term_detect(fd, &term);
    assert_int_equal(term.width, 40);
    setenv("COLUMNS", "99999", 1);
    tr_term_detect(fd, &term);
    assert_int_equal(term.width, 1000);
    /* Nonsense and nothing: the usual width. */
    setenv("COLUMNS", "wide", 1);
    tr_term_detect(fd, &term);
    assert_int_equal(term.width, 100);
    unsetenv("COLUMNS");
    tr_term_detect(fd, &term);
    assert_int_equal(term.width, 100);
    setlocale(LC_CTYPE, "C");
    tr_term_detect(fd, &term);
    assert_false(term.unicode);
    if (setlocale(LC_CTYPE, "C.UTF-8")) {
        tr_term_detect(fd, &term);
        assert_true(term.unicode);
    }
    close(fd);
}

/* A pseudo-terminal has colour unless the user does not want it. */
static void terminal_color(void **state) {
    (void)state;
    struct tr_term term;
    int fd = posix_openpt(O_RDWR | O_NOCTTY);
    if (fd < 0 || grantpt(fd) || unlockpt(fd))
        skip();
    int side = open(ptsname(fd), O_RDWR | O_NOCTTY);
    assert_true(side >= 0);
    setenv("TERM", "xterm", 1);
    unsetenv("NO_COLOR");
    tr_term_detect(side, &term);
    assert_true(term.is_terminal && term.color);
    setenv("NO_COLOR", "", 1);
    tr_term_detect(side, &term);
    assert_true(term.color);
    setenv("NO_COLOR", "1", 1);
    tr_term_detect(side, &term);
    assert_true(term.is_terminal && !term.color);
    unsetenv("NO_COLOR");
    setenv("TERM", "dumb", 1);
    tr_term_detect(side, &term);
    assert_false(term.color);
    close(side);
    close(fd);
}

/* --- errors ---------------------------------------------------------------------------------- */

static void errors(void **state) {
    (void)state;
    struct tr_err err = {0};
    assert_int_equal(tr_err_set(NULL, TR_EIO, "%d", 1), TR_EIO);
    assert_int_equal(tr_err_set(&err, TR_EIO, "%s", "text"), TR_EIO);
    assert_int_equal(err.code, TR_EIO);
    assert_string_equal(err.text, "text");
    char longest[2000];
    memset(longest, 'a', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    tr_err_set(&err, TR_EIO, "%s", longest);
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
    assert_int_equal(tr_exit_status(TR_OK), 0);
    assert_int_equal(tr_exit_status(TR_EIO), 1);
    assert_int_equal(tr_exit_status(TR_ENOMEM), 1);
    assert_int_equal(tr_exit_status(TR_EUSAGE), 2);
    assert_int_equal(tr_exit_status(TR_EUNAVAILABLE), 3);
    assert_int_equal(tr_exit_status(TR_EUNTRUSTED), 4);
    assert_int_equal(tr_exit_status(TR_ECHECK), 5);
    assert_int_equal(tr_exit_status(TR_EFORMAT), 6);
}

static void expect_figure(double value, int digits, const char *expected) {
    struct tr_strbuf buf = {0};
    tr_strbuf_add_figure(&buf, value, digits);
    assert_string_equal(buf.text, expected);
    tr_strbuf_finish(&buf);
}

/* Large figures are no powers of ten to decipher. */
static void test_figures(void **state) {
    (void)state;
    expect_figure(0.012345, 3, "0.0123");
    expect_figure(99.94, 3, "99.9");
    expect_figure(999.4, 3, "999");
    expect_figure(999.6, 3, "1000");
    expect_figure(2482.4, 3, "2482");
    expect_figure(94740, 4, "94740");
    expect_figure(-94740, 4, "-94740");
    expect_figure(2.1e7, 5, "21000000");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_figures),
        cmocka_unit_test(cpulist_good),
        cmocka_unit_test(cpulist_bad),
        cmocka_unit_test(cpulist_sets),
        cmocka_unit_test(place_kinds),
        cmocka_unit_test(integers),
        cmocka_unit_test(doubles),
        cmocka_unit_test(sizes),
        cmocka_unit_test(nearest),
        cmocka_unit_test(strbuf),
        cmocka_unit_test(csv_good),
        cmocka_unit_test(csv_bad),
        cmocka_unit_test(embedded_data),
        cmocka_unit_test_setup_teardown(files, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(files_that_cannot_be_read, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(files_that_cannot_be_written, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(make_folders, make_folder, remove_folder),
        cmocka_unit_test(table),
        cmocka_unit_test(display_width),
        cmocka_unit_test(printable),
        cmocka_unit_test(terminal),
        cmocka_unit_test(terminal_color),
        cmocka_unit_test(errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
