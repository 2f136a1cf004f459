/* Whole files in, whole files out. */
#ifndef TR_BASE_FILE_H
#define TR_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "tokenroof/err.h"

/* The whole file (regular, or a procfs/sysfs one), terminated by a NUL that is not counted.
 * Larger than max_bytes: TR_EFORMAT. Missing, unreadable or not a file: TR_EIO, errno kept. */
int tr_file_read(const char *path, size_t max_bytes, char **ret_text, size_t *ret_length,
                 struct tr_err *reterr);
/* First line without the newline and trailing blanks, or NULL if unreadable or empty. */
char *tr_file_line(const char *path);
/* Temporary file in the same folder, fsync, rename. TR_EUSAGE if it exists and !overwrite. */
int tr_file_write(const char *path, const char *bytes, size_t length, bool overwrite,
                  struct tr_err *reterr);
/* mkdir -p */
int tr_make_folders(const char *path, struct tr_err *reterr);

#endif
