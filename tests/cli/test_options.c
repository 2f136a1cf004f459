/* Tables of options: parsing, messages, help, outputs. */
#include "cmd.h"
#include "test.h"

struct options {
    struct tr_output_options output;
    struct tr_machine_options machine;
    struct tr_progress_options progress;
    const char *name;
    int number;
    double rate;
    uint64_t size_bytes;
    bool flag;
};

static const struct tr_option rows[] = {
    {.name = "name",
     .letter = 'n',
     .argument = "TEXT",
     .store = tr_store_text,
     .offset = offsetof(struct options, name),
     .brief = true,
     .help = "a name, with a long explanation that goes over the end of a line of eighty columns"},
    {.name = "number",
     .argument = "N",
     .store = tr_store_int,
     .offset = offsetof(struct options, number),
     .min = 1,
     .max = 9,
     .help = "a number"},
    {.name = "rate",
     .argument = "GB/S",
     .store = tr_store_double,
     .offset = offsetof(struct options, rate),
     .min = 0.5,
     .max = 100,
     .help = "a rate"},
    {.name = "size",
     .argument = "SIZE",
     .store = tr_store_size,
     .offset = offsetof(struct options, size_bytes),
     .help = "a size"},
    {.name = "flag",
     .letter = 'x',
     .store = tr_store_true,
     .offset = offsetof(struct options, flag),
     .help = "a flag"},
};
static const struct tr_option_group groups[] = {
    {"test", TR_ROWS(rows), 0, NULL},
    TR_GROUP_SOURCE(struct options, machine),
    TR_GROUP_OVERRIDES(struct options, machine),
    TR_GROUP_PROGRESS(struct options, progress),
    TR_GROUP_OUTPUT,
    TR_GROUP_END,
};
static const char *const formats[] = {"text", "json", "csv", NULL};
static const struct tr_command command = {
    .usage = "[options] FILE",
    .about = "More about it.\n",
    .examples = "  tokenroof test file\n",
    .groups = groups,
    .formats = formats,
    .options_bytes = sizeof(struct options),
    .min_arguments = 0,
    .max_arguments = 2,
    .argument = "FILE",
};

enum { MAX_WORDS = 24 };

struct parsed {
    struct options options;
    struct tr_err err;
    enum tr_parse_result result;
    size_t n;
    char *words[MAX_WORDS]; /* arguments come last */
    int n_words;
    int code;
};

/* Parses words divided by blanks. */
static void parse(struct parsed *p, const char *line) {
    static char copy[1024];
    memset(p, 0, sizeof(*p));
    snprintf(copy, sizeof(copy), "test %s", line);
    for (char *rest = copy, *word; (word = strsep(&rest, " ")) && p->n_words < MAX_WORDS - 1;)
        p->words[p->n_words++] = word;
    p->code =
        tr_options_parse(&command, p->n_words, p->words, &p->options, &p->result, &p->n, &p->err);
}

static void assert_refused(const char *line, const char *text) {
    struct parsed p;
    parse(&p, line);
    assert_int_equal(p.code, TR_EUSAGE);
    assert_string_equal(p.err.text, text);
}

static void test_values(void **state) {
    struct parsed p;
    (void)state;
    parse(&p, "a --name=x --number 3 b --rate 2.5 --size 64MiB -x");
    assert_int_equal(p.code, 0);
    assert_int_equal(p.result, TR_PARSE_RUN);
    assert_string_equal(p.options.name, "x");
    assert_int_equal(p.options.number, 3);
    assert_true(p.options.rate == 2.5);
    assert_int_equal(p.options.size_bytes, 64 << 20);
    assert_true(p.options.flag);
    assert_int_equal(p.n, 2);
    assert_string_equal(p.words[p.n_words - 2], "a");
    assert_string_equal(p.words[p.n_words - 1], "b");
}

static void test_shared_groups(void **state) {
    struct parsed p;
    (void)state;
    parse(&p, "--machine dir --channels 12 --mts 5600 --fclk 2133 --ccds 8 --progress plain -vvq "
              "--color never -n y -- --flag");
    assert_int_equal(p.code, 0);
    assert_string_equal(p.options.machine.source, "dir");
    assert_int_equal(p.options.machine.overrides.channels, 12);
    assert_true(p.options.machine.overrides.mts == 5600);
    assert_true(p.options.machine.overrides.fclk_mhz == 2133);
    assert_int_equal(p.options.machine.overrides.ccds, 8);
    assert_int_equal(p.options.progress.mode, TR_PROGRESS_PLAIN);
    assert_int_equal(p.options.output.verbose, 2);
    assert_true(p.options.output.quiet);
    assert_int_equal(p.options.output.color, TR_COLOR_NEVER);
    assert_int_equal(p.n, 1);
    assert_string_equal(p.words[p.n_words - 1], "--flag");
    assert_false(p.options.flag);
}

static void test_messages(void **state) {
    (void)state;
    assert_refused("--nmae x", "unknown option '--nmae'. Did you mean '--name'?");
    assert_refused("--bogus=3", "unknown option '--bogus'. Try --help");
    assert_refused("-z", "unknown option '-z'. Try -h");
    assert_refused("--f", "ambiguous option '--f'. Try --help");
    assert_refused("--number", "--number: a value is missing. Write --number N");
    assert_refused("-n", "-n: a value is missing");
    assert_refused("--flag=3", "--flag takes no value");
    assert_refused("--help=3", "--help takes no value");
    assert_refused("--number 10", "--number: '10' is not a whole number from 1 to 9");
    assert_refused("--number 3x", "--number: '3x' is not a whole number from 1 to 9");
    assert_refused("--rate nan", "--rate: 'nan' is not a number from 0.5 to 100");
    assert_refused("--name=", "--name: the value is empty");
    assert_refused("--progress bra", "--progress: unknown value 'bra'. Did you mean 'bar'?");
    assert_refused("--color zzz", "--color: unknown value 'zzz'. Known: auto, always, never");
    assert_refused("--channels 0", "--channels: '0' is not a whole number from 1 to 64");
    assert_refused("a b c", "unexpected argument 'c'. Try -h");
}

static void test_outputs(void **state) {
    struct parsed p;
    (void)state;
    parse(&p, "-f terminal -f json:a-not-there -o b-not-there.csv");
    assert_int_equal(p.code, 0);
    assert_int_equal(p.options.output.n, 3);
    assert_string_equal(p.options.output.items[0].format, "text");
    assert_null(p.options.output.items[0].file);
    assert_string_equal(p.options.output.items[1].file, "a-not-there");
    assert_string_equal(p.options.output.items[2].format, "csv");
    assert_false(tr_output_machine_readable(&p.options.output));
    parse(&p, "--json --json");
    assert_int_equal(p.code, 0);
    assert_int_equal(p.options.output.n, 1);
    assert_true(tr_output_machine_readable(&p.options.output));
    assert_refused("--json -f text", "two formats on standard output (--json is one). Send one to "
                                     "a file: -f FORMAT:FILE");
    assert_refused("-f jsn", "--format: unknown format 'jsn'. Did you mean 'json'?");
    assert_refused("-f html", "--format: unknown format 'html'. Known: text, json, csv");
    assert_refused("-f json:", "--format: the file's name is missing after 'json:'");
    assert_refused("-f :x", "--format: the format is missing in ':x'");
    assert_refused("-o x", "--output: 'x' has no extension that names a format. Use one such as "
                           ".json or .txt, or write -f FORMAT:FILE");
    assert_refused("-f json:/n/a -f csv:/n/a", "/n/a: named for two outputs");
    assert_refused("-f json:/etc/passwd",
                   "/etc/passwd: exists already. Use --force to overwrite it");
    parse(&p, "-f json:/etc/passwd --force");
    assert_int_equal(p.code, 0);
}

static size_t longest_line(const char *text) {
    size_t longest = 0;
    for (size_t n; *text; text += n + (text[n] == '\n')) {
        n = strcspn(text, "\n");
        if (n > longest)
            longest = n;
    }
    return longest;
}

static void test_help(void **state) {
    struct parsed p;
    struct tr_strbuf brief = {0}, full = {0};
    (void)state;
    parse(&p, "--number 77 -h");
    assert_int_equal(p.code, TR_EUSAGE);
    parse(&p, "-h --number 77");
    assert_int_equal(p.result, TR_PARSE_HELP);
    parse(&p, "--help");
    assert_int_equal(p.result, TR_PARSE_FULL_HELP);
    tr_options_help(&command, "test", "Do a test.", false, &brief);
    tr_options_help(&command, "test", "Do a test.", true, &full);
    assert_true(longest_line(brief.text) <= 80);
    assert_true(longest_line(full.text) <= 80);
    assert_non_null(strstr(brief.text, "usage: tokenroof test [options] FILE\n"));
    assert_non_null(strstr(brief.text, "-n, --name TEXT"));
    assert_null(strstr(brief.text, "--rate"));
    assert_non_null(strstr(full.text, "--rate GB/S"));
    assert_non_null(strstr(full.text, "--fclk MHZ"));
    assert_non_null(strstr(full.text, "formats: text json csv\n"));
    tr_strbuf_finish(&brief);
    tr_strbuf_finish(&full);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),   cmocka_unit_test(test_shared_groups),
        cmocka_unit_test(test_messages), cmocka_unit_test(test_outputs),
        cmocka_unit_test(test_help),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
