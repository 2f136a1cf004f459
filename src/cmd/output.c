#include "output.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cmd.h"
#include "file.h"

static const struct {
    const char *alias, *name;
} aliases[] = {
    {"terminal", "text"},
    {"txt", "text"},
    {"md", "markdown"},
};

static int store_format(const struct tr_option *option, const char *text, void *target,
                        struct tr_err *reterr) {
    struct tr_output_options *output = target;
    (void)option;
    size_t n = strcspn(text, ":");
    if (output->n == TR_OUTPUT_MAX)
        return tr_err_set(reterr, TR_EUSAGE, "more than %d outputs", TR_OUTPUT_MAX);
    if (n == 0)
        return tr_err_set(reterr, TR_EUSAGE, "the format is missing in '%.60s'", text);
    if (text[n] == ':' && text[n + 1] == '\0')
        return tr_err_set(reterr, TR_EUSAGE, "the file's name is missing after '%.60s'", text);
    /* A name too long to be a format is cut, and then unknown. */
    snprintf(output->items[output->n].format, sizeof(output->items[0].format), "%.*s", (int)n,
             text);
    output->items[output->n].file = text[n] == ':' ? text + n + 1 : NULL;
    output->n++;
    return 0;
}

static int store_json(const struct tr_option *option, const char *text, void *target,
                      struct tr_err *reterr) {
    struct tr_output_options *output = target;
    (void)text;
    if (output->json)
        return 0;
    output->json = true;
    return store_format(option, "json", target, reterr);
}

static int store_output(const struct tr_option *option, const char *text, void *target,
                        struct tr_err *reterr) {
    struct tr_output_options *output = target;
    (void)option;
    if (output->n == TR_OUTPUT_MAX)
        return tr_err_set(reterr, TR_EUSAGE, "more than %d outputs", TR_OUTPUT_MAX);
    if (*text == '\0')
        return tr_err_set(reterr, TR_EUSAGE, "the value is empty");
    output->items[output->n].format[0] = '\0';
    output->items[output->n].file = text;
    output->n++;
    return 0;
}

static const char *const color_modes[] = {"auto", "always", "never", NULL};
#define MEMBER(name) offsetof(struct tr_output_options, name)
const struct tr_option tr_output_rows[TR_N_OUTPUT_ROWS] = {
    {.name = "format",
     .letter = 'f',
     .argument = "FMT[:FILE]",
     .store = store_format,
     .brief = true,
     .help = "print in this format, or write it to FILE; repeatable"},
    {.name = "json", .store = store_json, .brief = true, .help = "nothing but JSON on stdout"},
    {.name = "output",
     .letter = 'o',
     .argument = "FILE",
     .store = store_output,
     .help = "write to FILE, the format follows from its extension"},
    {.name = "force",
     .store = tr_store_true,
     .offset = MEMBER(force),
     .help = "overwrite files that exist"},
    {.name = "quiet",
     .letter = 'q',
     .store = tr_store_true,
     .offset = MEMBER(quiet),
     .help = "no progress and no notes on stderr"},
    {.name = "verbose",
     .letter = 'v',
     .store = tr_store_count,
     .offset = MEMBER(verbose),
     .help = "more detail"},
    {.name = "color",
     .argument = "WHEN",
     .store = tr_store_choice,
     .offset = MEMBER(color),
     .choices = color_modes,
     .help = "auto (on a terminal, unless NO_COLOR is set), always or never"},
};

static int canonical_format(const struct tr_command *command, char format[16],
                            struct tr_err *reterr) {
    for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
        if (!strcmp(format, aliases[i].alias))
            snprintf(format, 16, "%s", aliases[i].name);
    for (size_t i = 0; command->formats[i]; i++)
        if (!strcmp(format, command->formats[i]))
            return 0;
    struct tr_err why = {0};
    int code = tr_unknown("format", format, command->formats, &why);
    return tr_err_set(reterr, code, "--format: %s", why.text);
}

static int format_of_extension(const char *file, char format[16], struct tr_err *reterr) {
    static const struct {
        const char *extension, *format;
    } extensions[] = {
        {".txt", "text"},    {".json", "json"}, {".jsonl", "jsonl"},     {".csv", "csv"},
        {".md", "markdown"}, {".html", "html"}, {".prom", "prometheus"}, {".xml", "junit"},
        {".tap", "tap"},     {".svg", "svg"},
    };
    const char *dot = strrchr(file, '.');
    for (size_t i = 0; dot && i < sizeof(extensions) / sizeof(extensions[0]); i++) {
        if (!strcasecmp(dot, extensions[i].extension)) {
            snprintf(format, 16, "%s", extensions[i].format);
            return 0;
        }
    }
    return tr_err_set(reterr, TR_EUSAGE,
                      "--output: '%.200s' has no extension that names a format. Use one such as "
                      ".json or .txt, or write -f FORMAT:FILE",
                      file);
}

/* Before hours of measuring, not after them. */
static int check_folder(const char *file, struct tr_err *reterr) {
    const char *slash = strrchr(file, '/');
    char *folder = !slash          ? strdup(".")
                   : slash == file ? strdup("/")
                                   : strndup(file, (size_t)(slash - file));
    int code = folder ? 0 : TR_ENOMEM;
    if (!code && access(folder, W_OK | X_OK))
        code = tr_err_set(reterr, TR_EIO, "%.300s: cannot be written: %s", file, strerror(errno));
    free(folder);
    return code;
}

int tr_output_check(const struct tr_command *command, void *target, struct tr_err *reterr) {
    struct tr_output_options *output = target;
    size_t on_stdout = 0;
    for (size_t i = 0; i < output->n; i++) {
        char *format = output->items[i].format;
        const char *file = output->items[i].file;
        int code = *format ? 0 : format_of_extension(file, format, reterr);
        if (!code)
            code = canonical_format(command, format, reterr);
        if (code)
            return code;
        on_stdout += !file;
        if (file && !output->force && access(file, F_OK) == 0)
            return tr_err_set(reterr, TR_EUSAGE,
                              "%.300s: exists already. Use --force to overwrite it", file);
        for (size_t j = 0; file && j < i; j++)
            if (output->items[j].file && !strcmp(file, output->items[j].file))
                return tr_err_set(reterr, TR_EUSAGE, "%.300s: named for two outputs", file);
    }
    if (on_stdout > 1)
        return tr_err_set(reterr, TR_EUSAGE,
                          "two formats on standard output%s. Send one to a file: -f FORMAT:FILE",
                          output->json ? " (--json is one)" : "");
    for (size_t i = 0; i < output->n; i++) {
        const char *file = output->items[i].file;
        int code = file && access(file, F_OK) ? check_folder(file, reterr) : 0;
        if (code)
            return code;
    }
    return 0;
}

void tr_output_term(const struct tr_output_options *output, int fd, struct tr_term *ret_term) {
    tr_term_detect(fd, ret_term);
    if (output->color != TR_COLOR_AUTO)
        ret_term->color = output->color == TR_COLOR_ALWAYS;
}

bool tr_output_machine_readable(const struct tr_output_options *output) {
    for (size_t i = 0; i < output->n; i++)
        if (!output->items[i].file && strcmp(output->items[i].format, "text"))
            return true;
    return false;
}

int tr_output_print(const char *text, size_t length, struct tr_err *reterr) {
    while (length) {
        ssize_t n = write(STDOUT_FILENO, text, length);
        if (n < 0 && errno == EINTR && !*tr_stop_flag())
            continue;
        if (n < 0)
            return tr_err_set(reterr, TR_EIO, "standard output cannot be written: %s",
                              strerror(errno));
        text += n;
        length -= (size_t)n;
    }
    return 0;
}

static int write_one(const struct tr_output_options *output, const char *format, const char *file,
                     tr_render_fn render, const void *data, struct tr_err *reterr) {
    struct tr_strbuf text = {0};
    struct tr_term term;
    tr_output_term(output, STDOUT_FILENO, &term);
    if (file) { /* a file is read later, on any terminal */
        term.width = 100;
        term.color = false;
        term.is_terminal = false;
    }
    int code = render(format, &term, data, &text, reterr);
    if (!code && text.failed)
        code = TR_ENOMEM;
    if (!code && file)
        code = tr_file_write(file, text.text ? text.text : "", text.length, output->force, reterr);
    else if (!code)
        code = tr_output_print(text.text ? text.text : "", text.length, reterr);
    tr_strbuf_finish(&text);
    return code;
}

int tr_output_write(const struct tr_output_options *output, const char *default_format,
                    tr_render_fn render, const void *data, struct tr_err *reterr) {
    if (output->n == 0)
        return write_one(output, default_format, NULL, render, data, reterr);
    for (size_t i = 0; i < output->n; i++) {
        int code =
            write_one(output, output->items[i].format, output->items[i].file, render, data, reterr);
        if (code)
            return code;
    }
    return 0;
}
