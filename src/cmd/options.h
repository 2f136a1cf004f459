/* Command lines from tables: one row per option gives parsing, messages and help. */
#ifndef TR_CMD_OPTIONS_H
#define TR_CMD_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "strbuf.h"
#include "tokenroof/err.h"
#include "tokenroof/machine.h"

struct tr_command;

struct tr_option {
    const char *name;     /* long name without "--" */
    char letter;          /* short name, 0 without */
    const char *argument; /* name of its argument in the help; NULL for a flag */
    /* Turns the text into a value at `target`; the error's text says only why. */
    int (*store)(const struct tr_option *option, const char *text, void *target,
                 struct tr_err *reterr);
    size_t offset;              /* of the value in the group's structure */
    double min, max;            /* of numbers */
    const char *const *choices; /* of tr_store_choice, NULL-ended */
    bool brief;                 /* shown by -h too */
    const char *help;
};

struct tr_option_group {
    const char *title;
    const struct tr_option *rows; /* NULL ends a list of groups */
    size_t n_rows;
    size_t offset; /* of the group's structure in the command's options */
    /* Called after all options were read; NULL without. */
    int (*check)(const struct tr_command *command, void *target, struct tr_err *reterr);
};

#define TR_ROWS(rows) (rows), sizeof(rows) / sizeof((rows)[0])

/* Kinds of value: bool, int that counts, const char *, int, double, uint64_t, int index. */
int tr_store_true(const struct tr_option *option, const char *text, void *target,
                  struct tr_err *reterr);
int tr_store_count(const struct tr_option *option, const char *text, void *target,
                   struct tr_err *reterr);
int tr_store_text(const struct tr_option *option, const char *text, void *target,
                  struct tr_err *reterr);
int tr_store_int(const struct tr_option *option, const char *text, void *target,
                 struct tr_err *reterr);
int tr_store_double(const struct tr_option *option, const char *text, void *target,
                    struct tr_err *reterr);
int tr_store_size(const struct tr_option *option, const char *text, void *target,
                  struct tr_err *reterr);
int tr_store_choice(const struct tr_option *option, const char *text, void *target,
                    struct tr_err *reterr);

/* Group "progress": struct tr_progress_options. */
enum tr_progress_mode {
    TR_PROGRESS_AUTO,
    TR_PROGRESS_BAR,
    TR_PROGRESS_PLAIN,
    TR_PROGRESS_NONE,
};
struct tr_progress_options {
    int mode; /* enum tr_progress_mode */
};
enum {
    TR_N_PROGRESS_ROWS = 1,
    TR_N_SOURCE_ROWS = 1,
    TR_N_OVERRIDE_ROWS = 4,
    TR_N_PLATFORM_ROWS = 2
};
extern const struct tr_option tr_progress_rows[TR_N_PROGRESS_ROWS];

/* Group "facts of the machine": struct tr_machine_options, by source and overrides. The rows of the
 * source (--machine) are only for commands that do not measure. */
extern const struct tr_option tr_source_rows[TR_N_SOURCE_ROWS];
extern const struct tr_option tr_override_rows[TR_N_OVERRIDE_ROWS];

/* Group "machine by name": a row, a series or a system of the catalogue, and the user's own rows,
 * for tr_platform_choose() and tr_machine_options.platform_file. */
struct tr_platform_options {
    const char *name; /* NULL: not by name */
    const char *file; /* NULL without */
};
extern const struct tr_option tr_platform_rows[TR_N_PLATFORM_ROWS];

#define TR_GROUP_OUTPUT \
    { "output", tr_output_rows, TR_N_OUTPUT_ROWS, 0, tr_output_check }
#define TR_GROUP_PROGRESS(type, member) \
    { "progress", tr_progress_rows, TR_N_PROGRESS_ROWS, offsetof(type, member), NULL }
#define TR_GROUP_SOURCE(type, member)                                                             \
    {                                                                                             \
        "recording of another machine", tr_source_rows, TR_N_SOURCE_ROWS, offsetof(type, member), \
            NULL                                                                                  \
    }
#define TR_GROUP_OVERRIDES(type, member)                                                   \
    {                                                                                      \
        "facts of the machine that you know better", tr_override_rows, TR_N_OVERRIDE_ROWS, \
            offsetof(type, member), NULL                                                   \
    }
#define TR_GROUP_PLATFORM(type, member) \
    { "machine by name", tr_platform_rows, TR_N_PLATFORM_ROWS, offsetof(type, member), NULL }
#define TR_GROUP_END \
    { NULL, NULL, 0, 0, NULL }

enum tr_parse_result { TR_PARSE_RUN, TR_PARSE_HELP, TR_PARSE_FULL_HELP };

/* Fills `options` from the command line; argv[0] is the command's name. Options may stand before
 * and after arguments; argv is permuted so that the arguments are the last *ret_n_arguments.
 * 0, or TR_EUSAGE with a text that begins with the option at fault. */
int tr_options_parse(const struct tr_command *command, int argc, char **argv, void *options,
                     enum tr_parse_result *ret_result, size_t *ret_n_arguments,
                     struct tr_err *reterr);

/* -h (brief options, examples) and --help (all options by group). */
void tr_options_help(const struct tr_command *command, const char *name, const char *job, bool full,
                     struct tr_strbuf *out);

/* The list of CPUs or nodes that option --`name` gives, for the caller to finish; *ret_used points
 * to it. TR_EUSAGE if it is none, or empty. */
int tr_option_cpulist(const char *name, const char *text, struct tr_cpulist *list,
                      const struct tr_cpulist **ret_used, struct tr_err *reterr);

/* "unknown <what> '<word>'. Did you mean '<nearest>'?", or the whole list where it is short. */
int tr_unknown(const char *what, const char *word, const char *const *known, struct tr_err *reterr);

#endif
