#include "engine.h"

#include <errno.h>
#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "calibration_json.h"
#include "strbuf.h"
#include "term.h"

enum { DEFAULT_SAMPLES = 9, LOOK_MS = 20, MAX_WORDS = 400 };

/* Files in memory that the child reads and writes: no pipe can fill up. */
struct streams {
    int in, out, err;
};

/* ---- the helper ---- */

int tr_engine_find_helper(char **ret_path, struct tr_err *reterr) {
    static const char *const places[] = {"", "../engine/", "../libexec/tokenroof/"};
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    self[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(self, '/');
    if (slash)
        slash[1] = '\0';
    for (size_t i = 0; i <= sizeof(places) / sizeof(places[0]); i++) {
        char *path = i < sizeof(places) / sizeof(places[0])
                         ? tr_format("%s%stokenroof-engine", self, places[i])
                         : strdup(TR_LIBEXECDIR "/tokenroof-engine");
        if (!path)
            return TR_ENOMEM;
        if (!access(path, X_OK)) {
            *ret_path = path;
            return 0;
        }
        free(path);
    }
    return tr_err_set(reterr, TR_EUNAVAILABLE,
                      "the helper program tokenroof-engine is not installed beside this one");
}

/* ---- the request ---- */

static json_t *job_of(const struct tr_engine_time *item) {
    static const char *const ops[] = {
        [TR_ENGINE_PRODUCT] = "mul_mat", [TR_ENGINE_ATTEND] = "attention",
        [TR_ENGINE_BLOCK] = "rest",      [TR_ENGINE_NODE] = "nodes",
        [TR_ENGINE_START] = "nodes",
    };
    json_t *job = json_pack("{s:s, s:i, s:i, s:I}", "op", ops[item->part], "copies", item->copies,
                            "threads", item->threads, "n", (json_int_t)item->tokens);
    int failed = !job;
    if (item->part == TR_ENGINE_PRODUCT) {
        failed |= json_object_set_new(job, "m", json_integer(item->rows));
        failed |= json_object_set_new(job, "k", json_integer(item->columns));
        failed |= json_object_set_new(job, "experts", json_integer(item->experts));
        failed |= json_object_set_new(job, "used", json_integer(item->experts_used));
    } else if (item->part == TR_ENGINE_ATTEND || item->part == TR_ENGINE_BLOCK) {
        failed |= json_object_set_new(job, "heads", json_integer(item->heads));
        failed |= json_object_set_new(job, "kv_heads", json_integer(item->kv_heads));
        failed |= json_object_set_new(job, "key_length", json_integer(item->key_length));
        failed |= json_object_set_new(job, "value_length", json_integer(item->value_length));
        failed |= json_object_set_new(job, "depth", json_integer(item->depth));
        failed |= json_object_set_new(job, "embedding", json_integer(item->embedding));
        failed |= json_object_set_new(job, "feed_forward", json_integer(item->feed_forward));
    }
    if (item->type)
        failed |= json_object_set_new(job, "type", json_string(item->type));
    if (failed) {
        json_decref(job);
        return NULL;
    }
    return job;
}

static int write_line(int fd, json_t *object) {
    char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
    json_decref(object);
    if (!text)
        return TR_ENOMEM;
    size_t n = strlen(text);
    text[n] = '\n'; /* in place of the end, which nobody needs */
    ssize_t written = write(fd, text, n + 1);
    free(text);
    return written == (ssize_t)n + 1 ? 0 : TR_EIO;
}

static int write_request(int fd, const struct tr_engine_child *child,
                         const struct tr_engine_times *times) {
    int samples = child->min_samples > 0 ? child->min_samples : DEFAULT_SAMPLES;
    int code =
        write_line(fd, json_pack("{s:f, s:i}", "seconds", child->seconds, "min_samples", samples));
    for (size_t i = 0; i < times->n && !code; i++)
        code = write_line(fd, job_of(&times->items[i]));
    if (!code && lseek(fd, 0, SEEK_SET))
        code = TR_EIO;
    return code;
}

/* ---- the child ---- */

/* Between fork and exec: system calls alone. */
static void become(const struct tr_engine_child *child, const struct streams *streams) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    signal(SIGPIPE, SIG_DFL);
    if (child->cpu_mask && child->cpu_mask_bytes)
        (void)sched_setaffinity(0, child->cpu_mask_bytes, (const cpu_set_t *)child->cpu_mask);
    if (dup2(streams->in, STDIN_FILENO) < 0 || dup2(streams->out, STDOUT_FILENO) < 0 ||
        dup2(streams->err, STDERR_FILENO) < 0)
        _exit(1);
    execl(child->helper, "tokenroof-engine", child->folder, (char *)NULL);
    _exit(127);
}

static double now_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Waits for its end, or brings it about. */
static int wait_for(pid_t pid, const struct tr_engine_child *child, int *ret_status,
                    struct tr_err *reterr) {
    double limit = child->limit_s > 0 ? child->limit_s : 60 + 20 * child->seconds;
    double end = now_s() + limit;
    for (;;) {
        pid_t done = waitpid(pid, ret_status, WNOHANG);
        if (done == pid)
            return 0;
        bool stopped = child->stop && *child->stop;
        if (done < 0 && errno != EINTR)
            return tr_err_set(reterr, TR_EFAIL, "waiting for the engine: %s", strerror(errno));
        if (stopped || now_s() >= end) {
            kill(pid, SIGKILL);
            waitpid(pid, ret_status, 0);
            if (stopped)
                return tr_err_set(reterr, TR_ESTOPPED, "interrupted while the engine was timed");
            return tr_err_set(reterr, TR_EUNAVAILABLE,
                              "the engine in %.300s did not finish within %.0f s and was ended",
                              child->folder, limit);
        }
        nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * 1000000L}, NULL);
    }
}

static char *text_of(int fd) {
    struct tr_strbuf text = {0};
    char piece[4096];
    if (lseek(fd, 0, SEEK_SET))
        return NULL;
    for (ssize_t n; (n = read(fd, piece, sizeof(piece))) > 0;)
        tr_strbuf_add_bytes(&text, piece, (size_t)n);
    tr_strbuf_add(&text, "");
    return tr_strbuf_take(&text);
}

/* Its last line on stderr, made safe for a terminal; "" without. */
static char *last_words(int fd) {
    char *text = text_of(fd);
    if (!text)
        return strdup("");
    size_t n = strlen(text);
    while (n && text[n - 1] == '\n')
        text[--n] = '\0';
    char *line = strrchr(text, '\n');
    line = line ? line + 1 : text;
    if (strlen(line) > MAX_WORDS)
        line[MAX_WORDS] = '\0';
    char *safe = tr_printable(line);
    free(text);
    return safe;
}

static int explain_status(int status, const struct tr_engine_child *child, int err_fd,
                          struct tr_err *reterr) {
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    char *words = last_words(err_fd);
    int code = TR_EUNAVAILABLE;
    if (!words)
        code = TR_ENOMEM;
    else if (WIFSIGNALED(status))
        tr_err_set(reterr, code, "the engine in %.200s crashed (%s)%s%s", child->folder,
                   strsignal(WTERMSIG(status)), *words ? ": " : "", words);
    else if (WEXITSTATUS(status) == tr_exit_status(TR_EUNAVAILABLE))
        tr_err_set(reterr, code, "%s", words);
    else
        tr_err_set(reterr, code, "the engine in %.200s failed with status %d%s%s", child->folder,
                   WEXITSTATUS(status), *words ? ": " : "", words);
    free(words);
    return code;
}

/* ---- the answers ---- */

static void take_line(const json_t *line, struct tr_engine_times *times,
                      struct tr_engine_info *info) {
    const json_t *job = json_object_get(line, "job");
    const char *name = json_string_value(json_object_get(line, "engine"));
    if (name) {
        info->name = name;
        info->build = json_string_value(json_object_get(line, "build"));
        info->variant = json_string_value(json_object_get(line, "variant"));
        info->release = json_string_value(json_object_get(line, "release"));
    }
    json_int_t at = json_is_integer(job) ? json_integer_value(job) : -1;
    if (at < 0 || (size_t)at >= times->n)
        return;
    struct tr_engine_time *item = &times->items[at];
    const json_t *interval = json_object_get(line, "ci95_ns");
    item->ns = tr_json_number_of(line, "median_ns");
    item->n = (int)json_integer_value(json_object_get(line, "n"));
    item->buffer = json_string_value(json_object_get(line, "buffer"));
    for (size_t i = 0; i < 2 && json_array_size(interval) == 2; i++)
        item->ci95_ns[i] = json_number_value(json_array_get(interval, i));
}

static int read_answers(int fd, const struct tr_engine_child *child, struct tr_engine_times *times,
                        struct tr_engine_info *info, struct tr_err *reterr) {
    char *text = text_of(fd);
    bool done = false;
    int code = text && info->lines ? 0 : TR_ENOMEM;
    for (char *at = text; !code && *at;) {
        size_t n = strcspn(at, "\n");
        json_t *line = json_loadb(at, n, 0, NULL);
        at += n + (at[n] == '\n');
        if (!json_is_object(line)) { /* an engine that prints to stdout */
            json_decref(line);
            continue;
        }
        if (json_array_append_new(info->lines, line)) {
            code = TR_ENOMEM;
            break;
        }
        done = done || json_is_true(json_object_get(line, "done"));
        take_line(line, times, info);
    }
    free(text);
    if (!code && !done)
        code =
            tr_err_set(reterr, TR_EUNAVAILABLE, "the engine in %.300s ended early", child->folder);
    return code;
}

int tr_engine_run(const struct tr_engine_child *child, struct tr_engine_times *times,
                  struct tr_engine_info *ret_info, struct tr_err *reterr) {
    struct streams streams = {memfd_create("jobs", MFD_CLOEXEC), memfd_create("times", MFD_CLOEXEC),
                              memfd_create("words", MFD_CLOEXEC)};
    struct tr_engine_info info = {.lines = json_array()};
    int status = 0;
    int code = streams.in < 0 || streams.out < 0 || streams.err < 0 ? TR_EIO : 0;
    if (!code)
        code = write_request(streams.in, child, times);
    pid_t pid = code ? -1 : fork();
    if (pid == 0)
        become(child, &streams);
    if (!code && pid < 0)
        code = tr_err_set(reterr, TR_EFAIL, "no process for the engine: %s", strerror(errno));
    if (!code)
        code = wait_for(pid, child, &status, reterr);
    if (!code)
        code = explain_status(status, child, streams.err, reterr);
    if (!code)
        code = read_answers(streams.out, child, times, &info, reterr);
    for (int i = 0; i < 3; i++)
        if ((&streams.in)[i] >= 0)
            close((&streams.in)[i]);
    if (code)
        tr_engine_info_finish(&info);
    else
        *ret_info = info;
    return code;
}

void tr_engine_info_finish(struct tr_engine_info *info) {
    json_decref(info->lines);
    *info = (struct tr_engine_info){0};
}

char *tr_engine_label(const struct tr_engine_info *info) {
    return tr_format("%s%s%s%s%s%s%s", info->name ? info->name : "engine", info->release ? " " : "",
                     info->release ? info->release : "", info->build ? ", " : "",
                     info->build ? info->build : "", info->variant ? ", " : "",
                     info->variant ? info->variant : "");
}
