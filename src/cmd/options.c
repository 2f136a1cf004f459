#include "options.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "parse.h"

/* Values of getopt_long: letters are themselves, rows come after all of them. */
enum { FIRST_ROW = 1000, MAX_ROWS = 100 };

int tr_store_true(const struct tr_option *option, const char *text, void *target,
                  struct tr_err *reterr) {
    (void)option, (void)text, (void)reterr;
    *(bool *)target = true;
    return 0;
}

int tr_store_count(const struct tr_option *option, const char *text, void *target,
                   struct tr_err *reterr) {
    (void)option, (void)text, (void)reterr;
    ++*(int *)target;
    return 0;
}

int tr_store_text(const struct tr_option *option, const char *text, void *target,
                  struct tr_err *reterr) {
    (void)option;
    if (*text == '\0')
        return tr_err_set(reterr, TR_EUSAGE, "the value is empty");
    *(const char **)target = text;
    return 0;
}

int tr_store_int(const struct tr_option *option, const char *text, void *target,
                 struct tr_err *reterr) {
    int64_t value = 0;
    int code = tr_parse_int(text, (int64_t)option->min, (int64_t)option->max, &value, reterr);
    if (!code)
        *(int *)target = (int)value;
    return code;
}

int tr_store_double(const struct tr_option *option, const char *text, void *target,
                    struct tr_err *reterr) {
    return tr_parse_double(text, option->min, option->max, target, reterr);
}

int tr_store_size(const struct tr_option *option, const char *text, void *target,
                  struct tr_err *reterr) {
    (void)option;
    return tr_parse_size(text, target, reterr);
}

int tr_store_choice(const struct tr_option *option, const char *text, void *target,
                    struct tr_err *reterr) {
    for (int i = 0; option->choices[i]; i++) {
        if (!strcmp(option->choices[i], text)) {
            *(int *)target = i;
            return 0;
        }
    }
    return tr_unknown("value", text, option->choices, reterr);
}

static const char *const progress_modes[] = {"auto", "bar", "plain", "none", NULL};
const struct tr_option tr_progress_rows[TR_N_PROGRESS_ROWS] = {
    {.name = "progress",
     .argument = "MODE",
     .store = tr_store_choice,
     .offset = offsetof(struct tr_progress_options, mode),
     .choices = progress_modes,
     .help = "auto (a bar on a terminal, lines otherwise), bar, plain or none"},
};

const struct tr_option tr_source_rows[TR_N_SOURCE_ROWS] = {
    {.name = "machine",
     .argument = "DIR|FILE",
     .store = tr_store_text,
     .offset = offsetof(struct tr_machine_options, source),
     .brief = true,
     .help = "a capture folder, an hwloc XML, 'synthetic:...', or a CPUID dump as text"},
};

const struct tr_option tr_platform_rows[TR_N_PLATFORM_ROWS] = {
    {.name = "platform",
     .argument = "NAME",
     .store = tr_store_text,
     .offset = offsetof(struct tr_platform_options, name),
     .brief = true,
     .help = "a processor, series or system that the catalogue knows: '2x EPYC 9755'"},
    {.name = "platform-file",
     .argument = "FILE",
     .store = tr_store_text,
     .offset = offsetof(struct tr_platform_options, file),
     .help = "your own rows (CSV, columns of data/cpus.csv); they come before the catalogue's"},
};

#define OVERRIDE(member) offsetof(struct tr_machine_options, overrides.member)
const struct tr_option tr_override_rows[TR_N_OVERRIDE_ROWS] = {
    {.name = "channels",
     .argument = "N",
     .store = tr_store_int,
     .offset = OVERRIDE(channels),
     .min = 1,
     .max = 64,
     .help = "populated 64-bit memory channels of each package"},
    {.name = "mts",
     .argument = "N",
     .store = tr_store_double,
     .offset = OVERRIDE(mts),
     .min = 100,
     .max = 50000,
     .help = "memory transfer rate in MT/s"},
    {.name = "fclk",
     .argument = "MHZ",
     .store = tr_store_double,
     .offset = OVERRIDE(fclk_mhz),
     .min = 100,
     .max = 10000,
     .help = "clock of the fabric in MHz"},
    {.name = "ccds",
     .argument = "N",
     .store = tr_store_int,
     .offset = OVERRIDE(ccds),
     .min = 1,
     .max = 64,
     .help = "core dies of each package"},
};

int tr_unknown(const char *what, const char *word, const char *const *known,
               struct tr_err *reterr) {
    const char *nearest = tr_nearest(word, known);
    if (nearest)
        return tr_err_set(reterr, TR_EUSAGE, "unknown %s '%.60s'. Did you mean '%s'?", what, word,
                          nearest);
    struct tr_strbuf list = {0};
    for (size_t i = 0; known[i]; i++)
        tr_strbuf_addf(&list, "%s%s", i ? ", " : "", known[i]);
    char *text = tr_strbuf_take(&list);
    if (!text)
        return TR_ENOMEM;
    int code = tr_err_set(reterr, TR_EUSAGE, "unknown %s '%.60s'. Known: %.400s", what, word, text);
    free(text);
    return code;
}

/* The rows of all groups in one list, each with where its value goes. */
struct rows {
    const struct tr_option *rows[MAX_ROWS];
    char *targets[MAX_ROWS];
    struct option longs[MAX_ROWS + 3];
    char letters[2 * MAX_ROWS + 4];
    const char *names[MAX_ROWS + 2];
    size_t n;
};

static int collect_rows(const struct tr_command *command, char *options, struct rows *rows,
                        struct tr_err *reterr) {
    size_t n_letters = 0;
    memset(rows, 0, sizeof(*rows));
    rows->letters[n_letters++] = ':'; /* getopt tells a missing argument apart */
    rows->letters[n_letters++] = 'h';
    for (const struct tr_option_group *group = command->groups; group->rows; group++) {
        for (size_t i = 0; i < group->n_rows; i++) {
            const struct tr_option *row = &group->rows[i];
            if (rows->n == MAX_ROWS)
                return tr_err_set(reterr, TR_EFAIL, "too many options in the table");
            rows->rows[rows->n] = row;
            rows->targets[rows->n] = options + group->offset + row->offset;
            rows->longs[rows->n] =
                (struct option){row->name, row->argument ? required_argument : no_argument, NULL,
                                FIRST_ROW + (int)rows->n};
            rows->names[rows->n] = row->name;
            if (row->letter) {
                rows->letters[n_letters++] = row->letter;
                if (row->argument)
                    rows->letters[n_letters++] = ':';
            }
            rows->n++;
        }
    }
    rows->longs[rows->n] = (struct option){"help", no_argument, NULL, FIRST_ROW + MAX_ROWS};
    rows->names[rows->n] = "help";
    return 0;
}

/* Why getopt_long refused an option. */
static int refused(const struct rows *rows, int answer, const char *word, struct tr_err *reterr) {
    const struct tr_option *row = NULL;
    if (optopt >= FIRST_ROW && optopt < FIRST_ROW + (int)rows->n)
        row = rows->rows[optopt - FIRST_ROW];
    if (answer == ':' && row)
        return tr_err_set(reterr, TR_EUSAGE, "--%s: a value is missing. Write --%s %s", row->name,
                          row->name, row->argument);
    if (answer == ':')
        return tr_err_set(reterr, TR_EUSAGE, "-%c: a value is missing", optopt);
    if (row || optopt == FIRST_ROW + MAX_ROWS)
        return tr_err_set(reterr, TR_EUSAGE, "--%s takes no value", row ? row->name : "help");
    if (optopt)
        return tr_err_set(reterr, TR_EUSAGE, "unknown option '-%c'. Try -h", optopt);
    char name[64];
    snprintf(name, sizeof(name), "%.60s", word + strspn(word, "-"));
    name[strcspn(name, "=")] = '\0';
    size_t beginning = 0;
    for (size_t i = 0; rows->names[i]; i++)
        beginning += !strncmp(rows->names[i], name, strlen(name));
    const char *nearest = tr_nearest(name, rows->names);
    return tr_err_set(reterr, TR_EUSAGE, "%s option '--%s'. %s%s%s",
                      beginning > 1 ? "ambiguous" : "unknown", name,
                      nearest ? "Did you mean '--" : "Try --help", nearest ? nearest : "",
                      nearest ? "'?" : "");
}

static int store(const struct rows *rows, int answer, struct tr_err *reterr) {
    size_t at = 0;
    if (answer >= FIRST_ROW)
        at = (size_t)(answer - FIRST_ROW);
    else
        while (at < rows->n && rows->rows[at]->letter != answer)
            at++;
    if (at >= rows->n)
        return tr_err_set(reterr, TR_EFAIL, "option -%c has no row", answer);
    const struct tr_option *row = rows->rows[at];
    struct tr_err why = {0};
    int code = row->store(row, optarg ? optarg : "", rows->targets[at], &why);
    if (code)
        tr_err_set(reterr, code, "--%s: %s", row->name, why.text);
    return code;
}

static int check_arguments(const struct tr_command *command, char **arguments, size_t n,
                           struct tr_err *reterr) {
    if (n < command->min_arguments)
        return tr_err_set(reterr, TR_EUSAGE, "%s is missing. Try -h", command->argument);
    if (n > command->max_arguments)
        return tr_err_set(reterr, TR_EUSAGE, "unexpected argument '%.60s'. Try -h",
                          arguments[command->max_arguments]);
    for (size_t i = 0; i < n; i++)
        if (*arguments[i] == '\0')
            return tr_err_set(reterr, TR_EUSAGE, "%s %zu is empty", command->argument, i + 1);
    return 0;
}

int tr_options_parse(const struct tr_command *command, int argc, char **argv, void *options,
                     enum tr_parse_result *ret_result, size_t *ret_n_arguments,
                     struct tr_err *reterr) {
    struct rows rows;
    int answer, code = collect_rows(command, options, &rows, reterr);
    if (code)
        return code;
    opterr = 0;
    optind = 0; /* GNU: begin anew */
    while ((answer = getopt_long(argc, argv, rows.letters, rows.longs, NULL)) != -1) {
        if (answer == 'h' || answer == FIRST_ROW + MAX_ROWS) {
            *ret_result = answer == 'h' ? TR_PARSE_HELP : TR_PARSE_FULL_HELP;
            *ret_n_arguments = 0;
            return 0;
        }
        if (answer == '?' || answer == ':')
            return refused(&rows, answer, argv[optind - 1], reterr);
        code = store(&rows, answer, reterr);
        if (code)
            return code;
    }
    size_t n = (size_t)(argc - optind);
    code = check_arguments(command, argv + optind, n, reterr);
    for (const struct tr_option_group *group = command->groups; !code && group->rows; group++)
        if (group->check)
            code = group->check(command, (char *)options + group->offset, reterr);
    if (code)
        return code;
    *ret_result = TR_PARSE_RUN;
    *ret_n_arguments = n;
    return 0;
}

int tr_option_cpulist(const char *name, const char *text, struct tr_cpulist *list,
                      const struct tr_cpulist **ret_used, struct tr_err *reterr) {
    struct tr_err why = {0};
    if (tr_cpulist_parse(text, list, &why))
        return tr_err_set(reterr, TR_EUSAGE, "--%s: %s", name, why.text);
    if (!list->n)
        return tr_err_set(reterr, TR_EUSAGE, "--%s: the list is empty", name);
    *ret_used = list;
    return 0;
}
