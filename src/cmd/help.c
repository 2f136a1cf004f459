/* Help texts from the tables of options. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"

enum { HELP_WIDTH = 80, MAX_LEFT = 24 };

/* Words of `text` from column `indent` on, broken before column HELP_WIDTH. */
static void add_wrapped(struct tr_strbuf *out, const char *text, size_t indent) {
    size_t column = indent;
    while (*text) {
        size_t word = strcspn(text, " ");
        if (column > indent && column + 1 + word > HELP_WIDTH) {
            tr_strbuf_add(out, "\n");
            tr_strbuf_repeat(out, " ", indent);
            column = indent;
        } else if (column > indent) {
            tr_strbuf_add(out, " ");
            column++;
        }
        tr_strbuf_add_bytes(out, text, word);
        column += word;
        text += word + strspn(text + word, " ");
    }
    tr_strbuf_add(out, "\n");
}

/* "  -f, --format FMT[:FILE]" */
static size_t add_left(struct tr_strbuf *out, const struct tr_option *row) {
    size_t before = out->length;
    if (row->letter)
        tr_strbuf_addf(out, "  -%c, ", row->letter);
    else
        tr_strbuf_add(out, "      ");
    tr_strbuf_addf(out, "--%s%s%s", row->name, row->argument ? " " : "",
                   row->argument ? row->argument : "");
    return out->length - before;
}

static size_t left_width(const struct tr_command *command, bool full) {
    size_t widest = 0;
    struct tr_strbuf buf = {0};
    for (const struct tr_option_group *group = command->groups; group->rows; group++) {
        for (size_t i = 0; i < group->n_rows; i++) {
            size_t width = add_left(&buf, &group->rows[i]);
            if ((full || group->rows[i].brief) && width <= MAX_LEFT + 6 && width > widest)
                widest = width;
        }
    }
    tr_strbuf_finish(&buf);
    return widest + 2;
}

static void add_row(struct tr_strbuf *out, const struct tr_option *row, const char *help,
                    size_t left) {
    size_t width = add_left(out, row);
    if (width + 2 > left) {
        tr_strbuf_add(out, "\n");
        width = 0;
    }
    tr_strbuf_repeat(out, " ", left - width);
    add_wrapped(out, help, left);
}

/* The short help has no room for a line of its own about the formats. */
static void add_format_row(struct tr_strbuf *out, const struct tr_command *command,
                           const struct tr_option *row, size_t left) {
    struct tr_strbuf help = {0};
    for (size_t i = 0; command->formats[i]; i++)
        tr_strbuf_addf(&help, "%s%s", i ? ", " : "", command->formats[i]);
    tr_strbuf_add(&help, "; repeatable");
    char *text = tr_strbuf_take(&help);
    add_row(out, row, text ? text : row->help, left);
    free(text);
}

void tr_options_help(const struct tr_command *command, const char *name, const char *job, bool full,
                     struct tr_strbuf *out) {
    size_t left = left_width(command, full);
    tr_strbuf_addf(out, "%s\n\nusage: tokenroof %s%s%s\n", job, name, *command->usage ? " " : "",
                   command->usage);
    if (full && command->about)
        tr_strbuf_addf(out, "\n%s", command->about);
    if (!full)
        tr_strbuf_add(out, "\n");
    for (const struct tr_option_group *group = command->groups; group->rows; group++) {
        if (full)
            tr_strbuf_addf(out, "\n%s\n", group->title);
        for (size_t i = 0; i < group->n_rows; i++)
            if (!full && !strcmp(group->rows[i].name, "format"))
                add_format_row(out, command, &group->rows[i], left);
            else if (full || group->rows[i].brief)
                add_row(out, &group->rows[i], group->rows[i].help, left);
    }
    if (full) {
        tr_strbuf_add(out, "\nformats:");
        for (size_t i = 0; command->formats[i]; i++)
            tr_strbuf_addf(out, " %s", command->formats[i]);
        tr_strbuf_add(out, "\n");
    }
    tr_strbuf_addf(out, "\nexamples\n%s", command->examples);
    if (full)
        tr_strbuf_add(out, "\nexit status: 0 done, 1 failed, 2 wrong usage, 3 not possible here, "
                           "4 done but\nnot to be trusted, 5 a check did not hold, 6 bad input "
                           "file, 130/143 interrupted\n");
    else
        tr_strbuf_addf(out, "All options: tokenroof %s --help\n", name);
}
