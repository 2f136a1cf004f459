/* tokenroof: the program. Finds the command, reads its options, prints its error, exits. */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "calibration_json.h"
#include "cmd.h"
#include "parse.h"

#define TR_COMMAND(name, job) extern const struct tr_command tr_command_##name;
#include "cmds.def"

static const struct {
    const char *name, *job;
    const struct tr_command *command;
} commands[] = {
#define TR_COMMAND(name, job) {#name, job, &tr_command_##name},
#include "cmds.def"
};

static const char *const command_names[] = {
#define TR_COMMAND(name, job) #name,
#include "cmds.def"
    NULL,
};

enum { N_COMMANDS = sizeof(commands) / sizeof(commands[0]) };

/* Prints text from outside (arguments, file names, firmware) so that it cannot drive the terminal.
 */
static void print_line(const char *command, const char *text) {
    char *safe = tr_printable(text);
    fprintf(stderr, "tokenroof: %s%s%s\n", command ? command : "", command ? ": " : "",
            safe ? safe : "out of memory");
    free(safe);
}

void tr_note(const struct tr_output_options *output, const char *format, ...) {
    if (output->quiet)
        return;
    struct tr_strbuf text = {0};
    va_list args;
    va_start(args, format);
    tr_strbuf_vaddf(&text, format, args);
    va_end(args);
    if (!text.failed)
        print_line(output->command, text.text);
    tr_strbuf_finish(&text);
}

/* A standard stream that is closed would give its number to the next file that is opened, and the
 * program's output would end up in there. Reading ends make writing fail, as it must. */
static void occupy_standard_streams(void) {
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
            (void)!open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

static void say_ignored_variables(const struct tr_output_options *output) {
    const struct tr_preinit *early = tr_preinit();
    if (!early->n_removed)
        return;
    struct tr_strbuf names = {0};
    for (size_t i = 0; i < early->n_removed && i < TR_PREINIT_MAX_NAMES; i++) {
        tr_strbuf_add(&names, i ? ", " : "");
        tr_strbuf_add_bytes(&names, early->removed[i], strcspn(early->removed[i], "="));
    }
    if (!names.failed)
        tr_note(output, "ignored: %s. Threads are placed by this program alone", names.text);
    tr_strbuf_finish(&names);
}

static int print_buffer(struct tr_strbuf *text, struct tr_err *reterr) {
    int code = text->failed ? TR_ENOMEM : tr_output_print(text->text, text->length, reterr);
    tr_strbuf_finish(text);
    return code;
}

static int print_help(bool full, struct tr_err *reterr) {
    struct tr_strbuf out = {0};
    tr_strbuf_add(&out,
                  "tokenroof measures a machine's memory bandwidth and FLOP rates, sets them\n"
                  "against its limits and predicts the speed of language models on it.\n\n"
                  "usage: tokenroof [COMMAND] [options] [arguments]     without COMMAND: run\n\n");
    for (size_t i = 0; i < N_COMMANDS; i++)
        tr_strbuf_addf(&out, "  %-9s %s\n", commands[i].name, commands[i].job);
    tr_strbuf_add(&out, "\n  --version, -h, --help; tokenroof COMMAND -h for each command\n"
                        "\nexamples\n"
                        "  tokenroof                               the whole picture in a minute\n"
                        "  tokenroof --json > machine.json         the same for programs\n"
                        "  tokenroof predict llama-3.1-8b-q4_k_m   how fast would it be here?\n"
                        "  sudo tokenroof topology                 with the memory modules\n");
    if (full)
        tr_strbuf_add(&out,
                      "\nexit status\n"
                      "  0  done, warnings included\n"
                      "  1  failed: input or output, memory, internal error\n"
                      "  2  wrong usage: unknown command or option, bad value\n"
                      "  3  what was asked for by name is not possible here\n"
                      "  4  done, but not to be trusted: unsteady, throttled, disturbed\n"
                      "  5  a check did not hold\n"
                      "  6  an input file is bad\n"
                      "  130, 143  interrupted, terminated: what was measured is saved\n"
                      "Of several, the first of 130/143, 1, 2, 6, 3, 5, 4.\n\n"
                      "files\n"
                      "  $XDG_DATA_HOME/tokenroof/<host_id>/<time>.json   calibrations\n\n"
                      "environment\n"
                      "  NO_COLOR, TERM=dumb   no colour      COLUMNS   width of the output\n"
                      "  OMP_*, GOMP_*, KMP_*  ignored: threads are placed by this program\n");
    return print_buffer(&out, reterr);
}

/* The same three facts that every calibration file carries. */
static int print_version(struct tr_err *reterr) {
    struct tr_strbuf out = {0};
    const char *version = NULL, *commit = NULL, *compiler = NULL;
    json_t *tool = tr_tool_to_json();
    if (!tool)
        return TR_ENOMEM;
    json_unpack(tool, "{s?s, s?s, s?s}", "version", &version, "commit", &commit, "compiler",
                &compiler);
    tr_strbuf_addf(&out, "tokenroof %s\ncommit %s\ncompiler %s\n", version ? version : "unknown",
                   commit ? commit : "unknown", compiler ? compiler : "unknown");
    json_decref(tool);
    return print_buffer(&out, reterr);
}

static int run_command(size_t number, int argc, char **argv, struct tr_err *reterr) {
    const struct tr_command *command = commands[number].command;
    const char *name = commands[number].name;
    enum tr_parse_result result = TR_PARSE_RUN;
    size_t n = 0;
    void *options = calloc(1, command->options_bytes);
    if (!options)
        return TR_ENOMEM;
    if (command->defaults)
        memcpy(options, command->defaults, command->options_bytes);
    struct tr_output_options *output = options;
    output->command = name;
    int code = tr_options_parse(command, argc, argv, options, &result, &n, reterr);
    if (!code && result != TR_PARSE_RUN) {
        struct tr_strbuf out = {0};
        tr_options_help(command, name, commands[number].job, result == TR_PARSE_FULL_HELP, &out);
        code = print_buffer(&out, reterr);
    } else if (!code) {
        if (command->measures)
            say_ignored_variables(output);
        code = command->run(options, argv + argc - n, n, reterr);
    }
    free(options);
    return code;
}

/* *ret_command is set as soon as it is known, for the message. */
static int dispatch(int argc, char **argv, const char **ret_command, struct tr_err *reterr) {
    const char *first = argc > 1 ? argv[1] : NULL;
    if (first && (!strcmp(first, "-h") || !strcmp(first, "--help")))
        return print_help(!strcmp(first, "--help"), reterr);
    if (first && !strcmp(first, "--version"))
        return print_version(reterr);
    /* Without a command, or with options only, it is the first one: run. */
    if (!first || *first == '-') {
        *ret_command = commands[0].name;
        return run_command(0, argc, argv, reterr);
    }
    for (size_t i = 0; i < N_COMMANDS; i++) {
        if (!strcmp(first, commands[i].name)) {
            *ret_command = first;
            return run_command(i, argc - 1, argv + 1, reterr);
        }
    }
    return tr_unknown("command", first, command_names, reterr);
}

int main(int argc, char **argv) {
    struct tr_err err = {0};
    const char *command = NULL;
    occupy_standard_streams();
    setlocale(LC_CTYPE, ""); /* for the character set only: numbers keep their point */
    tr_signals_catch();
    int code = dispatch(argc, argv, &command, &err);
    if (code == TR_ENOMEM && !*err.text)
        tr_err_set(&err, code, "out of memory");
    if (code && *err.text)
        print_line(command, err.text);
    tr_signals_reraise();
    return tr_exit_status(code);
}
