#include "append.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "strbuf.h"

static int failed(const char *path, const char *what, struct tr_err *reterr) {
    return tr_err_set(reterr, TR_EIO, "%.300s: %s: %s", path, what, strerror(errno));
}

/* The name of a new file is part of its folder, which has to reach the disk as well. */
static int sync_folder(const char *path, struct tr_err *reterr) {
    const char *slash = strrchr(path, '/');
    char *folder =
        slash ? tr_format("%.*s", (int)(slash - path + (slash == path)), path) : strdup(".");
    if (!folder)
        return TR_ENOMEM;
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), code = 0;
    /* Some file systems cannot sync a folder; they then say EINVAL. */
    if (fd < 0 || (fsync(fd) && errno != EINVAL))
        code = failed(folder, "cannot be written", reterr);
    if (fd >= 0)
        close(fd);
    free(folder);
    return code;
}

/* Position behind the last newline; -1 on an error. */
static off_t whole_lines(int fd) {
    char chunk[4096];
    off_t end = lseek(fd, 0, SEEK_END);
    while (end > 0) {
        size_t n = end < (off_t)sizeof(chunk) ? (size_t)end : sizeof(chunk);
        off_t begin = end - (off_t)n;
        ssize_t got = pread(fd, chunk, n, begin);
        if (got != (ssize_t)n)
            return -1;
        for (size_t i = n; i > 0; i--)
            if (chunk[i - 1] == '\n')
                return begin + (off_t)i;
        end = begin;
    }
    return end;
}

static int cut_torn_end(int fd, const char *path, struct tr_err *reterr) {
    off_t size = lseek(fd, 0, SEEK_END), whole = whole_lines(fd);
    if (size < 0 || whole < 0)
        return failed(path, "cannot be read", reterr);
    if (whole < size && (ftruncate(fd, whole) || fdatasync(fd)))
        return failed(path, "cannot be written", reterr);
    return 0;
}

int tr_append_open(const char *path, bool create, struct tr_append *ret_file, bool *ret_busy,
                   struct tr_err *reterr) {
    int flags = O_RDWR | O_APPEND | O_CLOEXEC | (create ? O_CREAT | O_EXCL : 0);
    int fd = open(path, flags, 0666), code = 0;
    char *kept = strdup(path);
    if (ret_busy)
        *ret_busy = false;
    if (!kept)
        code = TR_ENOMEM;
    else if (fd < 0 && create && errno == EEXIST)
        code = tr_err_set(reterr, TR_EUSAGE, "%.300s: exists already", path);
    else if (fd < 0)
        code = failed(path, "cannot be written", reterr);
    else if (flock(fd, LOCK_EX | LOCK_NB)) {
        if (ret_busy)
            *ret_busy = errno == EWOULDBLOCK;
        code = tr_err_set(reterr, TR_EFAIL, "%.300s: another process is writing there", path);
    }
    if (!code)
        code = create ? sync_folder(path, reterr) : cut_torn_end(fd, path, reterr);
    if (code) {
        if (fd >= 0)
            close(fd);
        free(kept);
        return code;
    }
    *ret_file = (struct tr_append){.fd = fd, .path = kept};
    return 0;
}

int tr_append_line(struct tr_append *file, const char *text, struct tr_err *reterr) {
    char *line = tr_format("%s\n", text);
    if (!line)
        return TR_ENOMEM;
    int code = 0;
    for (size_t done = 0, n = strlen(line); !code && done < n;) {
        ssize_t written = write(file->fd, line + done, n - done);
        if (written >= 0)
            done += (size_t)written;
        else if (errno != EINTR)
            code = failed(file->path, "cannot be written", reterr);
    }
    /* What cannot be synced, as some file systems' files, says EINVAL. */
    if (!code && fdatasync(file->fd) && errno != EINVAL)
        code = failed(file->path, "cannot be written", reterr);
    free(line);
    return code;
}

void tr_append_close(struct tr_append *file) {
    if (file->path && file->fd >= 0)
        close(file->fd);
    free(file->path);
    *file = (struct tr_append){.fd = -1};
}

bool tr_append_is_busy(const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool busy = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK;
    if (fd >= 0)
        close(fd);
    return busy;
}
