/* Where results go: formats on standard output and in files. */
#ifndef TR_CMD_OUTPUT_H
#define TR_CMD_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "options.h"
#include "strbuf.h"
#include "term.h"

enum { TR_OUTPUT_MAX = 8, TR_N_OUTPUT_ROWS = 7 };
enum tr_color_mode { TR_COLOR_AUTO, TR_COLOR_ALWAYS, TR_COLOR_NEVER };

struct tr_output_options {
    const char *command; /* name, set by main */
    struct {
        char format[16];  /* canonical name; "" = from the extension of the file */
        const char *file; /* NULL = standard output */
    } items[TR_OUTPUT_MAX];
    size_t n;
    bool json;
    bool force;
    bool quiet;
    int verbose;
    int color; /* enum tr_color_mode */
};

/* The group that every command has, on a struct tr_output_options. */
extern const struct tr_option tr_output_rows[TR_N_OUTPUT_ROWS];
/* Formats are known to the command, extensions too, at most one format on standard output, and no
 * file would be overwritten without --force: all this before anything is measured. */
int tr_output_check(const struct tr_command *command, void *target, struct tr_err *reterr);

/* Renders what the command has to say in one format, appended to *out. */
typedef int (*tr_render_fn)(const char *format, const struct tr_term *term, const void *data,
                            struct tr_strbuf *out, struct tr_err *reterr);

/* All formats asked for; without any, the command's default format on standard output. */
int tr_output_write(const struct tr_output_options *output, const char *default_format,
                    tr_render_fn render, const void *data, struct tr_err *reterr);
/* TR_EIO if standard output is closed or full. */
int tr_output_print(const char *text, size_t length, struct tr_err *reterr);
/* What a descriptor shows, with --color applied. */
void tr_output_term(const struct tr_output_options *output, int fd, struct tr_term *ret_term);
/* Whether standard output carries something else than text for people. */
bool tr_output_machine_readable(const struct tr_output_options *output);

#endif
