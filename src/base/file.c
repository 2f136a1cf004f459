#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "strbuf.h"

int tr_file_read(const char *path, size_t max_bytes, char **ret_text, size_t *ret_length,
                 struct tr_err *reterr) {
    struct tr_strbuf text = {0};
    struct stat info;
    char chunk[16384];
    int code = 0, saved;
    /* O_NONBLOCK: a FIFO given as a path must not hang the program. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &info)) {
        saved = errno;
        code = tr_err_set(reterr, TR_EIO, "%s: %s", path, strerror(errno));
        goto out;
    }
    if (!S_ISREG(info.st_mode)) {
        saved = EINVAL;
        code = tr_err_set(reterr, TR_EIO, "%s: not a regular file", path);
        goto out;
    }
    for (;;) {
        ssize_t n = read(fd, chunk, sizeof(chunk));
        saved = errno;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            code = tr_err_set(reterr, TR_EIO, "%s: %s", path, strerror(errno));
            goto out;
        }
        if (n == 0)
            break;
        tr_strbuf_add_bytes(&text, chunk, (size_t)n);
        if (text.length > max_bytes) {
            code = tr_err_set(reterr, TR_EFORMAT, "%s: larger than %zu bytes", path, max_bytes);
            goto out;
        }
    }
    size_t length = text.length;
    char *taken = tr_strbuf_take(&text);
    if (!taken) {
        code = TR_ENOMEM;
        goto out;
    }
    *ret_text = taken;
    if (ret_length)
        *ret_length = length;
out:
    tr_strbuf_finish(&text);
    if (fd >= 0)
        close(fd);
    if (code)
        errno = saved;
    return code;
}

char *tr_file_line(const char *path) {
    char *text = NULL;
    if (tr_file_read(path, 1 << 20, &text, NULL, NULL) || !text)
        return NULL;
    size_t n = strcspn(text, "\n");
    while (n && (text[n - 1] == ' ' || text[n - 1] == '\t' || text[n - 1] == '\r'))
        n--;
    text[n] = '\0';
    if (n == 0) {
        free(text);
        return NULL;
    }
    return text;
}

static int write_all(int fd, const char *bytes, size_t length) {
    while (length) {
        ssize_t n = write(fd, bytes, length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        bytes += n;
        length -= (size_t)n;
    }
    return 0;
}

int tr_file_write(const char *path, const char *bytes, size_t length, bool overwrite,
                  struct tr_err *reterr) {
    int code = 0, fd = -1;
    char *temporary = tr_format("%s.XXXXXX", path);
    if (!temporary)
        return TR_ENOMEM;
    if (!overwrite && access(path, F_OK) == 0) {
        code =
            tr_err_set(reterr, TR_EUSAGE, "%s: exists already. Use --force to overwrite it", path);
        goto out;
    }
    fd = mkstemp(temporary);
    if (fd < 0) {
        code = tr_err_set(reterr, TR_EIO, "%s: cannot be written: %s", path, strerror(errno));
        goto out;
    }
    mode_t mask = umask(0);
    umask(mask);
    if (fchmod(fd, 0666 & ~mask) || write_all(fd, bytes, length) || fsync(fd) ||
        (close(fd) ? (fd = -1, 1) : (fd = -1, 0)) ||
        /* link() fails where the file appeared meanwhile; rename() would replace it. */
        (overwrite ? rename(temporary, path) : link(temporary, path))) {
        code = tr_err_set(reterr, TR_EIO, "%s: cannot be written: %s", path, strerror(errno));
        unlink(temporary);
        goto out;
    }
    if (!overwrite)
        unlink(temporary);
out:
    if (fd >= 0)
        close(fd);
    free(temporary);
    return code;
}

int tr_make_folders(const char *path, struct tr_err *reterr) {
    char *copy = strdup(path);
    if (!copy)
        return TR_ENOMEM;
    int code = 0;
    for (char *at = copy + 1; !code; at++) {
        char kept = *at;
        if (kept != '/' && kept != '\0')
            continue;
        *at = '\0';
        if (mkdir(copy, 0777) && errno != EEXIST)
            code = tr_err_set(reterr, TR_EIO, "%s: cannot be made: %s", copy, strerror(errno));
        *at = kept;
        if (kept == '\0')
            break;
    }
    free(copy);
    return code;
}
