/* Reading the headers of a split set of some 420 GB, and of the most tensors that a file may have:
 * time, and how much the process grew. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "gguf.h"
#include "gguf_set.h"
#include "tokenroof/model.h"

static double now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static double peak_mib(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss / 1024;
}

static int read_once(const char *what, const char *path) {
    double before = peak_mib(), start = now_ms();
    struct tr_model *model = NULL;
    struct tr_err err = {0};
    if (tr_model_load(path, &model, &err)) {
        fprintf(stderr, "%s: %s\n", what, err.text);
        return 1;
    }
    printf("%s: %.0f GB, %.1f ms, the process grew by %.1f MiB\n", what,
           (double)model->file_bytes / 1e9, now_ms() - start, peak_mib() - before);
    tr_model_destroy(model);
    return 0;
}

static bool write_many(const char *path) {
    struct gm gm;
    gm_init(&gm, 3);
    gm_common(&gm, "llama", 4096, 256, 4, 2);
    for (int i = 0; i < TR_GGUF_MAX_TENSORS; i++)
        gm_block(&gm, i / 16, (const char[]){'a', (char)('a' + i % 16), '\0'}, GM_F32, 1, 0, 0);
    bool ok = gm_write(&gm, path);
    gm_finish(&gm);
    return ok;
}

int main(void) {
    char folder[] = "/tmp/gguf-headers-XXXXXX", path[600];
    if (!mkdtemp(folder))
        return 1;
    /* Made by a child, so that making them is not in this process's peak. */
    int failed = 0;
    snprintf(path, sizeof(path), "%s/many.gguf", folder);
    pid_t child = fork();
    if (child == 0) {
        char *first = gm_write_set(folder);
        _exit(first && write_many(path) ? 0 : 1);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) < 0 || status != 0)
        return 77;
    char first[600];
    snprintf(first, sizeof(first), "%s/set-00001-of-%05d.gguf", folder, GM_SET_FILES);
    for (int i = 0; i < 5; i++)
        failed |= read_once("split set of ten files", first);
    failed |= read_once("65536 tensors", path);
    for (int i = 0; i < GM_SET_FILES; i++) {
        snprintf(first, sizeof(first), "%s/set-%05d-of-%05d.gguf", folder, i + 1, GM_SET_FILES);
        unlink(first);
    }
    unlink(path);
    rmdir(folder);
    return failed;
}
