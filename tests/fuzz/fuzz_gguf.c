/* Fuzz target for the GGUF reader.
 *
 * With libFuzzer: libfuzzer.py builds and runs it (-DTOKENROOF_LIBFUZZER); seeds come
 * from `fuzz_gguf --write DIR`. Without it: `fuzz_gguf FILE...` replays inputs, `fuzz_gguf N` runs
 * N mutations of the seeds. A broken promise aborts.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gguf_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n) {
    if (!fuzz_gguf_input(bytes, n))
        abort();
    return 0;
}

#ifndef TOKENROOF_LIBFUZZER
static int write_seeds(const char *folder) {
    uint8_t *bytes;
    size_t n;
    for (size_t i = 0; (bytes = gm_seed(i, &n)); i++) {
        char path[512];
        snprintf(path, sizeof(path), "%s/seed-%zu.gguf", folder, i);
        FILE *file = fopen(path, "wbx");
        bool ok = file && fwrite(bytes, 1, n, file) == n;
        free(bytes);
        if (!file || fclose(file) || !ok) {
            perror(path);
            return 1;
        }
    }
    return 0;
}

static int replay(const char *path) {
    static uint8_t bytes[1 << 20];
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        return 1;
    }
    size_t n = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    return LLVMFuzzerTestOneInput(bytes, n);
}

int main(int argc, char **argv) {
    if (argc == 3 && !strcmp(argv[1], "--write"))
        return write_seeds(argv[2]);
    char *end = NULL;
    unsigned long runs = argc == 2 ? strtoul(argv[1], &end, 10) : 0;
    if (argc == 1 || (end && !*end)) {
        size_t failures = fuzz_gguf_run(argc == 1 ? 100000 : runs, 20261121);
        printf("%zu inputs did not hold\n", failures);
        return failures ? 1 : 0;
    }
    for (int i = 1; i < argc; i++)
        if (replay(argv[i]))
            return 1;
    return 0;
}
#endif
