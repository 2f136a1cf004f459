/* Machines by name: rows of the catalogue, series of them, ready-made systems, a user's own rows.
 */
#ifndef TOKENROOF_PLATFORM_H
#define TOKENROOF_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>

#include "tokenroof/err.h"
#include "tokenroof/machine.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A user's table of platforms: CSV with columns of data/cpus.csv, of which only `name` must be
 * there. A row whose name is in the catalogue overrides the cells that it fills in. */
struct tr_platform_file;
/* TR_EIO if unreadable; TR_EFORMAT with the line: not a table, a column that cpus.csv does not
 * have, a row without a name, a name twice, a cell that is not the number it should be. */
int tr_platform_file_read(const char *path, struct tr_platform_file **ret_file,
                          struct tr_err *reterr);
void tr_platform_file_destroy(struct tr_platform_file *file);

/* What a name stands for. Rows live as long as the program, the user's file, or the choice. */
struct tr_platform_choice {
    int packages;                    /* "2x EPYC 9755": 2; 1 without a count */
    char *name;                      /* of the row, the series or the system */
    bool is_series;                  /* rows are its members */
    bool is_system;                  /* rows[0] is its processor with the system's own memory */
    const struct tr_platform **rows; /* at least one */
    size_t n_rows;
    char *remark;            /* what else a system is made of, with its source; NULL else */
    struct tr_platform *own; /* what rows[0] of a system points to; NULL else */
};

/* "[COUNT x ]NAME": a processor, a series ("EPYC 9004", "Ryzen AI 300"), a system, in any case,
 * with or without the maker; the first part of a name is enough where it is unique. The user's rows
 * come first; `file` may be NULL.
 * TR_EUSAGE if there is no such name (the nearest ones are told) or it stands for several;
 * TR_EUNAVAILABLE if the part does not exist with so many sockets, or nothing is known of the
 * system's processor. */
int tr_platform_choose(const char *text, const struct tr_platform_file *file,
                       struct tr_platform_choice *ret_choice, struct tr_err *reterr);
void tr_platform_choice_finish(struct tr_platform_choice *choice);

/* A machine that is known by its catalogue row alone, with limits as far as the row tells.
 * `platform` must outlive it. Overrides may be NULL. */
int tr_machine_of_platform(const struct tr_platform *platform, int packages,
                           const struct tr_overrides *overrides, struct tr_machine **ret_machine,
                           struct tr_err *reterr);
/* The same for one row of a choice; what a system is made of becomes a note. */
int tr_machine_of_choice(const struct tr_platform_choice *choice, size_t row,
                         const struct tr_overrides *overrides, struct tr_machine **ret_machine,
                         struct tr_err *reterr);

#ifdef __cplusplus
}
#endif
#endif
