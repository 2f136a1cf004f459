/* Soaks with faults that are real: bits of its memory changed by this process through
 * process_vm_writev, vector registers and operands changed as a debugger does, and an end by
 * SIGKILL or SIGINT. Argument: the program. */
#include "test.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

#include "file.h"
#include "recording.h"

/* Fills `path`, an array of a size that no path here reaches. */
#define PATH(path, ...) assert_true(snprintf(path, sizeof(path), __VA_ARGS__) < (int)sizeof(path))

static const char *program;

struct soak {
    pid_t pid;
    char home[64], folder[192];
    double started_s;
};

static double now_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void rest(double seconds) {
    struct timespec span = {(time_t)seconds, (long)(fmod(seconds, 1) * 1e9)};
    nanosleep(&span, NULL);
}

/* Starts a soak of `seconds` on 16 MiB. */
static void start(struct soak *soak, const char *seconds, const char *phases) {
    strcpy(soak->home, "/tmp/tokenroof-soak-XXXXXX");
    assert_non_null(mkdtemp(soak->home));
    soak->started_s = now_s();
    soak->pid = fork();
    assert_true(soak->pid >= 0);
    if (soak->pid)
        return;
    char out[96];
    snprintf(out, sizeof(out), "json:%s/out.json", soak->home);
    setenv("XDG_DATA_HOME", soak->home, 1);
    signal(SIGINT, SIG_DFL); /* whoever runs the tests in the background has it ignored */
    execl(program, program, "soak", "--time", seconds, "--phases", phases, "--memory", "16MiB",
          "--quiet", "-f", out, (char *)NULL);
    _exit(127);
}

static int ends_in(const char *name, const char *end) {
    size_t n = strlen(name), m = strlen(end);
    return n > m && !strcmp(name + n - m, end);
}

/* The file of the soak's folder that ends so; false if there is none. */
static int find_file(struct soak *soak, const char *end, char path[512]) {
    char root[128];
    int found = 0;
    PATH(root, "%s/tokenroof", soak->home);
    DIR *hosts = opendir(root);
    struct dirent *entry;
    while (hosts && (entry = readdir(hosts)) != NULL)
        if (*entry->d_name != '.')
            PATH(soak->folder, "%s/%.40s/soak", root, entry->d_name);
    if (hosts)
        closedir(hosts);
    DIR *files = hosts ? opendir(soak->folder) : NULL;
    while (files && (entry = readdir(files)) != NULL)
        if (ends_in(entry->d_name, end)) {
            snprintf(path, 512, "%s/%s", soak->folder, entry->d_name);
            found = 1;
        }
    if (files)
        closedir(files);
    return found;
}

static size_t count(const char *text, const char *part) {
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at++)
        n++;
    return n;
}

/* The first line of the record, once a second of it is there, too: memory was filled by then. */
static json_t *wait_for_head(struct soak *soak, size_t seconds) {
    for (double end = now_s() + 60; now_s() < end; rest(0.02)) {
        char path[512], *text = NULL;
        if (!find_file(soak, ".jsonl", path) || tr_file_read(path, 1 << 24, &text, NULL, NULL))
            continue;
        size_t n = count(text, "{\"record\":\"second\"");
        n -= count(text, "\"phase\":\"filling\"");
        char *line_end = strchr(text, '\n');
        json_t *head =
            n >= seconds && line_end ? json_loadb(text, (size_t)(line_end - text), 0, NULL) : NULL;
        free(text);
        if (head)
            return head;
    }
    fail_msg("no record of the soak within 60 s");
    return NULL;
}

static int wait_for_end(struct soak *soak, double within_s) {
    int status = 0;
    for (double end = now_s() + within_s; now_s() < end; rest(0.01))
        if (waitpid(soak->pid, &status, WNOHANG) == soak->pid)
            return status;
    kill(soak->pid, SIGKILL);
    waitpid(soak->pid, &status, 0);
    fail_msg("no end within %.0f s", within_s);
    return 0;
}

static json_t *load(const char *path) {
    json_error_t error;
    json_t *document = json_load_file(path, 0, &error);
    if (!document)
        fail_msg("%s: line %d: %s", path, error.line, error.text);
    return document;
}

static json_t *result_of(const struct soak *soak) {
    char path[96];
    PATH(path, "%s/out.json", soak->home);
    return load(path);
}

static void clean(struct soak *soak) {
    recording_remove(strdup(soak->home));
}

static uint64_t hex_of(const json_t *object, const char *name) {
    const char *text = json_string_value(json_object_get(object, name));
    assert_non_null(text);
    return strtoull(text, NULL, 16);
}

static const json_t *thread_of(const json_t *head, size_t i) {
    return json_array_get(json_object_get(head, "threads"), i);
}

static void assert_text(const json_t *object, const char *name, const char *expected) {
    const char *text = json_string_value(json_object_get(object, name));
    assert_non_null(text);
    assert_string_equal(text, expected);
}

static const json_t *result_named(const json_t *document, const char *name) {
    const json_t *result;
    size_t i;
    json_array_foreach(json_object_get(document, "results"), i, result) {
        if (!strcmp(json_string_value(json_object_get(result, "name")), name))
            return result;
    }
    fail_msg("no result '%s'", name);
    return NULL;
}

/* --- memory ---------------------------------------------------------------------------------- */

/* Inverts bits of one word of another process. It is written between this read and this write now
 * and then, and what is written back is then older than the pattern: a second bit more. So the word
 * is read again at once. 1 if nothing else changed it meanwhile. */
static int flip(pid_t pid, uint64_t address, uint64_t bits) {
    uint64_t word = 0, after = 0;
    struct iovec here = {&word, sizeof(word)}, there = {(void *)(uintptr_t)address, sizeof(word)};
    if (process_vm_readv(pid, &here, 1, &there, 1, 0) != sizeof(word))
        return -1;
    after = word;
    word ^= bits;
    if (process_vm_writev(pid, &here, 1, &there, 1, 0) != sizeof(word))
        return -1;
    here.iov_base = &after;
    return process_vm_readv(pid, &here, 1, &there, 1, 0) == sizeof(word) && after == word;
}

/* The piece that is being walked through may hide a flip: it is verified, and then written. With
 * each try the chance is the piece's share of the slice, one in sixty. */
static void bit_flipped_by_another_process(void **state) {
    enum { TRIES = 6 };
    struct soak soak;
    (void)state;
    start(&soak, "4s", "memory");
    json_t *head = wait_for_head(&soak, 1);
    const json_t *part = json_array_get(json_object_get(thread_of(head, 0), "memory"), 0);
    uint64_t base = hex_of(part, "address");
    uint64_t bytes = (uint64_t)json_integer_value(json_object_get(part, "bytes"));
    uint64_t addresses[TRIES];
    for (uint64_t i = 0; i < TRIES; i++) {
        addresses[i] = base + (bytes / TRIES * i + 4096 + 8 * (i + 1)) / 8 * 8;
        int flipped = flip(soak.pid, addresses[i], (uint64_t)1 << (7 + i));
        if (flipped < 0 && (errno == EPERM || errno == ENOSYS)) {
            kill(soak.pid, SIGKILL);
            waitpid(soak.pid, NULL, 0);
            printf("skipped: this system lets no process write into another\n");
            skip();
        }
        assert_true(flipped >= 0);
        rest(0.1);
    }
    int status = wait_for_end(&soak, 60);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 5);
    json_t *document = result_of(&soak);
    assert_text(document, "verdict", "fail");
    assert_text(result_named(document, "memory"), "verdict", "fail");
    assert_text(result_named(document, "compute"), "verdict", "skip");
    const json_t *mismatch;
    size_t i, named = 0;
    json_array_foreach(json_object_get(document, "mismatches"), i, mismatch) {
        uint64_t address = hex_of(mismatch, "address");
        assert_text(mismatch, "what", "memory");
        assert_true(address >= base && address < base + bytes);
        for (uint64_t k = 0; k < TRIES; k++) {
            if (address != addresses[k] || hex_of(mismatch, "xor") != (uint64_t)1 << (7 + k))
                continue;
            named++;
            assert_text(mismatch, "fault", "stored");
            assert_int_equal(hex_of(mismatch, "expected") ^ hex_of(mismatch, "found"),
                             (uint64_t)1 << (7 + k));
            const json_t *bits = json_object_get(mismatch, "bits");
            assert_int_equal(json_array_size(bits), 1);
            assert_int_equal(json_integer_value(json_array_get(bits, 0)), 7 + k);
            assert_true(json_integer_value(json_object_get(mismatch, "cpu")) >= 0);
            assert_non_null(json_object_get(mismatch, "physical"));
            assert_non_null(json_object_get(mismatch, "node"));
        }
    }
    assert_true(named >= TRIES / 2);
    assert_int_equal(json_integer_value(json_object_get(document, "mismatch_count")),
                     json_array_size(json_object_get(document, "mismatches")));
    json_decref(document);
    json_decref(head);
    clean(&soak);
}

/* --- computing ------------------------------------------------------------------------------- */

static void operand_changed_in_memory(void **state) {
    struct soak soak;
    (void)state;
    start(&soak, "3s", "compute");
    json_t *head = wait_for_head(&soak, 1);
    const json_t *thread = thread_of(head, 0);
    uint64_t operands = hex_of(thread, "operands");
    uint64_t bytes = (uint64_t)json_integer_value(json_object_get(thread, "operand_bytes"));
    /* One word every 512 bytes: some of each chain's. */
    for (uint64_t at = 256; at < bytes; at += 512) {
        int flipped = flip(soak.pid, operands + at, 1u << 20);
        if (flipped < 0 && (errno == EPERM || errno == ENOSYS)) {
            kill(soak.pid, SIGKILL);
            waitpid(soak.pid, NULL, 0);
            printf("skipped: this system lets no process write into another\n");
            skip();
        }
    }
    int status = wait_for_end(&soak, 60);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 5);
    json_t *document = result_of(&soak);
    const json_t *mismatch = json_array_get(json_object_get(document, "mismatches"), 0);
    assert_text(mismatch, "what", "compute");
    assert_text(mismatch, "fault", "operands");
    assert_true(hex_of(mismatch, "address") >= operands &&
                hex_of(mismatch, "address") < operands + bytes);
    assert_int_equal(hex_of(mismatch, "xor"), 1u << 20);
    assert_text(result_named(document, "compute"), "verdict", "fail");
    json_decref(document);
    json_decref(head);
    clean(&soak);
}

/* Stops one thread as a debugger does and inverts a bit of each of its vector registers' lowest
 * parts, where the chains are. 0, or -1 where that is not possible. */
static int falsify_registers(pid_t tid) {
    enum { XMM_AT = 160, XMM_BYTES = 16, N_XMM = 16, FIRST = 4 };
    unsigned char area[16384];
    struct iovec registers = {area, sizeof(area)};
    int status;
    if (ptrace(PTRACE_SEIZE, tid, NULL, NULL))
        return -1;
    assert_int_equal(ptrace(PTRACE_INTERRUPT, tid, NULL, NULL), 0);
    assert_int_equal(waitpid(tid, &status, __WALL), tid);
    int failed = ptrace(PTRACE_GETREGSET, tid, (void *)(uintptr_t)NT_X86_XSTATE, &registers) != 0;
    /* Numbers of the chains, low bits of the mantissas; the code outside of chains uses the lowest
     * registers alone. */
    for (int i = FIRST; i < N_XMM; i++)
        area[XMM_AT + i * XMM_BYTES + 1] ^= 0x10;
    failed =
        failed || ptrace(PTRACE_SETREGSET, tid, (void *)(uintptr_t)NT_X86_XSTATE, &registers) != 0;
    ptrace(PTRACE_DETACH, tid, NULL, NULL);
    return failed ? -1 : 0;
}

static void register_changed_by_a_debugger(void **state) {
    struct soak soak;
    int tries = 0;
    (void)state;
    start(&soak, "4s", "compute");
    json_t *head = wait_for_head(&soak, 1);
    const json_t *threads = json_object_get(head, "threads");
    for (double end = now_s() + 1.5; now_s() < end; rest(0.05)) {
        const json_t *thread = json_array_get(threads, (size_t)tries % json_array_size(threads));
        if (falsify_registers((pid_t)json_integer_value(json_object_get(thread, "tid")))) {
            kill(soak.pid, SIGKILL);
            waitpid(soak.pid, NULL, 0);
            printf("skipped: no debugger may look into another process here\n");
            skip();
        }
        tries++;
    }
    int status = wait_for_end(&soak, 60);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 5);
    json_t *document = result_of(&soak);
    const json_t *mismatch;
    size_t i, n = json_array_size(json_object_get(document, "mismatches"));
    json_array_foreach(json_object_get(document, "mismatches"), i, mismatch) {
        assert_text(mismatch, "what", "compute");
        assert_text(mismatch, "fault", "once"); /* right when computed again */
        assert_true(json_is_null(json_object_get(mismatch, "address")));
        assert_true(hex_of(mismatch, "xor") != 0);
    }
    printf("%zu of %d changes were found\n", n, tries);
    assert_true(n > 0 && n <= (size_t)tries);
    json_decref(document);
    json_decref(head);
    clean(&soak);
}

/* --- ends ------------------------------------------------------------------------------------ */

static json_t *show(const struct soak *soak, const char *path) {
    char out[96], command[96];
    int status;
    PATH(out, "%s/shown.json", soak->home);
    PATH(command, "json:%s", out);
    unlink(out);
    pid_t pid = fork();
    if (pid == 0) {
        execl(program, program, "soak", "--show", path, "-f", command, (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return load(out);
}

/* How old the record gets before it is written on, over a while. */
static double oldest_s(struct soak *soak, double seconds) {
    char path[512];
    struct timespec now;
    struct stat file;
    double oldest = 0;
    assert_true(find_file(soak, ".jsonl", path));
    for (double end = now_s() + seconds; now_s() < end; rest(0.02)) {
        assert_int_equal(stat(path, &file), 0);
        clock_gettime(CLOCK_REALTIME, &now);
        oldest = fmax(oldest, (double)(now.tv_sec - file.st_mtim.tv_sec) +
                                  (double)(now.tv_nsec - file.st_mtim.tv_nsec) * 1e-9);
    }
    return oldest;
}

static void killed_in_the_middle(void **state) {
    struct soak soak;
    char path[512];
    int status;
    (void)state;
    start(&soak, "60s", "memory,compute");
    json_decref(wait_for_head(&soak, 1));
    double begun_s = now_s(), oldest = oldest_s(&soak, 4);
    /* Not right after something was written. */
    rest(0.6);
    double ran_s = now_s() - begun_s;
    kill(soak.pid, SIGKILL);
    assert_int_equal(waitpid(soak.pid, &status, 0), soak.pid);
    /* A second, and what a busy machine takes to write it. */
    printf("the record was at most %.2f s old\n", oldest);
    assert_true(oldest < 1.9);
    assert_true(find_file(&soak, ".jsonl", path));
    assert_false(find_file(&soak, ".json", path));
    assert_true(find_file(&soak, ".jsonl", path));
    struct stat file;
    assert_int_equal(stat(path, &file), 0);
    json_t *document = show(&soak, path);
    assert_true(json_is_true(json_object_get(document, "partial")));
    /* Clocks or heat of the machine that runs this may warn. */
    assert_text(result_named(document, "memory"), "verdict", "pass");
    assert_string_not_equal(json_string_value(json_object_get(document, "verdict")), "fail");
    /* One second of phases was over when this began; what is told is all but the last. */
    double told_s = json_number_value(json_object_get(document, "seconds_run"));
    printf("%.2f s are told after more than %.2f s\n", told_s, 1 + ran_s);
    assert_true(told_s > 1 + ran_s - 1.9);
    assert_true(json_array_size(json_object_get(document, "seconds")) >= (size_t)(ran_s - 0.9));
    json_decref(document);

    /* Cut off within a line, as a machine that lost its power leaves it. */
    assert_int_equal(truncate(path, file.st_size - 20), 0);
    document = show(&soak, path);
    assert_true(json_is_true(json_object_get(document, "partial")));
    json_decref(document);
    clean(&soak);
}

static void interrupted(void **state) {
    struct soak soak;
    char path[512];
    (void)state;
    start(&soak, "60s", "memory,steps");
    json_decref(wait_for_head(&soak, 1));
    double at_s = now_s();
    kill(soak.pid, SIGINT);
    int status = wait_for_end(&soak, 20);
    printf("ended %.2f s after SIGINT\n", now_s() - at_s);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
    assert_true(now_s() - at_s < 3); /* one second, on a machine that does something else, too */
    json_t *document = result_of(&soak);
    assert_true(json_is_true(json_object_get(document, "partial")));
    json_decref(document);
    assert_true(find_file(&soak, ".json", path));
    document = load(path);
    assert_text(document, "schema", "tokenroof.soak/1");
    json_decref(document);
    assert_false(find_file(&soak, ".jsonl", path)); /* the document took its place */
    clean(&soak);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bit_flipped_by_another_process),
        cmocka_unit_test(operand_changed_in_memory),
        cmocka_unit_test(register_changed_by_a_debugger),
        cmocka_unit_test(killed_in_the_middle),
        cmocka_unit_test(interrupted),
    };
    if (argc < 2)
        return 2;
    program = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
