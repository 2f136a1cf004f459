/* The frame that all commands share: their description, the stop flag, and what was saved before
 * the OpenMP runtime started. */
#ifndef TR_CMD_H
#define TR_CMD_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include "options.h"
#include "output.h"
#include "tokenroof/err.h"

/* One command. cmds.def holds the row with its name and job; cmd_<name>.c defines
 * `const struct tr_command tr_command_<name>`. Help, parsing and dispatch follow from it.
 *
 * The structure of options that `run` receives begins with a `struct tr_output_options`. */
struct tr_command {
    const char *usage;                    /* after "tokenroof <name> " */
    const char *about;                    /* further lines for --help, NULL without */
    const char *examples;                 /* lines for both helps, each indented by two blanks */
    const struct tr_option_group *groups; /* ends with a group without rows */
    const char *const *formats;           /* what -f accepts, the default first, NULL-ended */
    size_t options_bytes;
    const void *defaults; /* initial options; NULL = all zero */
    size_t min_arguments, max_arguments;
    const char *argument; /* what the arguments are, in capitals, for messages */
    bool measures;        /* runs threads: says which OMP_* variables were ignored */
    /* 0 or a negative TR_E* code. A code without text is silent, except TR_ENOMEM. */
    int (*run)(void *options, char *const *arguments, size_t n_arguments, struct tr_err *reterr);
};

/* Not 0 as soon as SIGINT or SIGTERM arrived; holds the signal's number. Measuring loops look at
 * it between samples, save what there is and return TR_ESTOPPED. */
const volatile sig_atomic_t *tr_stop_flag(void);
/* Catches SIGINT and SIGTERM (the second one kills at once) and ignores SIGPIPE. */
void tr_signals_catch(void);
/* If one arrived: dies of it, so that the shell sees 130 or 143. */
void tr_signals_reraise(void);

enum { TR_PREINIT_MAX_CPUS = 8192, TR_PREINIT_MAX_NAMES = 32 };

/* What was found before the constructors of the shared libraries ran. libgomp reads OMP_* there and
 * may bind the first thread; that would falsify the set of allowed CPUs and the teams' size. */
struct tr_preinit {
    unsigned long mask[TR_PREINIT_MAX_CPUS / (8 * sizeof(unsigned long))];
    size_t mask_bytes; /* 0 if the affinity could not be read */
    /* "NAME=value" of the variables OMP_*, GOMP_* and KMP_* that were taken out. */
    const char *removed[TR_PREINIT_MAX_NAMES];
    size_t n_removed; /* may be larger than TR_PREINIT_MAX_NAMES: the rest is not named */
};
const struct tr_preinit *tr_preinit(void);

/* Prints "tokenroof: <command>: ..." to stderr, unless --quiet. */
void tr_note(const struct tr_output_options *output, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
