/* Files that only grow, line by line, and survive a crash: a line that was added is on disk. */
#ifndef TR_BASE_APPEND_H
#define TR_BASE_APPEND_H

#include <stdbool.h>

#include "tokenroof/err.h"

struct tr_append {
    int fd; /* -1: closed */
    char *path;
};

/* Opens for adding, as the only writer, and cuts off what a crash left of a last line without its
 * end. `create`: a new file, which must not exist (TR_EUSAGE if it does), in a folder that does.
 * *ret_busy: another process has it open; then TR_EFAIL. TR_EIO, TR_ENOMEM. */
int tr_append_open(const char *path, bool create, struct tr_append *ret_file, bool *ret_busy,
                   struct tr_err *reterr);
/* Adds one line, without its newline in `text`; it is on disk when this returns. TR_EIO. */
int tr_append_line(struct tr_append *file, const char *text, struct tr_err *reterr);
/* Accepts zeroed and closed ones. */
void tr_append_close(struct tr_append *file);
/* Whether a process has the file open for adding. */
bool tr_append_is_busy(const char *path);

#endif
