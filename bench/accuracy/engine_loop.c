/* The engine alone: loads a model and times prompts and tokens, as llama-bench does it. No language
 * run time, no hand-over between threads and no sampling is in the times.
 *
 *   engine_loop FOLDER MODEL THREADS
 *
 * FOLDER has the shared libraries of a llama.cpp build. A line "PROMPT GENERATED REPEATS" on
 * standard input is answered by a line {"pp_s": [seconds of each prompt], "tg_s": [seconds of each
 * token]}.
 *
 * The engine's headers are not needed: structures that it passes by value are larger here than
 * there. A returned structure is written through a hidden pointer, and an argument is read from the
 * stack at offsets that only the engine knows (System V ABI for x86-64, classes of more than 16
 * bytes). The one field that is set here, the size of the context, has been the first one since it
 * exists. */
#include <dirent.h>
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CONTEXT = 1024, WORDS = 16000, MAX_PROMPT = 512, MAX_REPEATS = 64 };

struct opaque {
    uint32_t first;
    char rest[1020];
};

static struct engine {
    void (*load_all)(const char *folder);
    void (*backend_init)(void);
    struct opaque (*model_defaults)(void);
    void *(*load)(const char *path, struct opaque options);
    struct opaque (*context_defaults)(void);
    void *(*init)(void *model, struct opaque options);
    void (*set_threads)(void *context, int32_t generating, int32_t batch);
    int32_t (*threads)(void *context);
    void *(*memory)(void *context);
    void (*clear)(void *memory, _Bool data);
    struct opaque (*batch)(int32_t *tokens, int32_t n);
    int32_t (*decode)(void *context, struct opaque batch);
    void (*synchronize)(void *context);
} engine;

static void fail(const char *what, const char *why) {
    fprintf(stderr, "engine_loop: %s: %s\n", what, why);
    exit(1);
}

/* Opens the library of that name, whatever version stands in its file's name. */
static void *open_library(const char *folder, const char *name) {
    char path[4096] = "";
    DIR *directory = opendir(folder);
    if (!directory)
        fail(folder, "no such folder");
    for (struct dirent *entry; (entry = readdir(directory));)
        if (!strncmp(entry->d_name, name, strlen(name)) && entry->d_name[strlen(name)] == '.')
            snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
    closedir(directory);
    void *library = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
    if (!library)
        fail(name, dlerror());
    return library;
}

static void *function(void *library, const char *name) {
    void *address = dlsym(library, name);
    if (!address)
        fail(name, dlerror());
    return address;
}

static void open_engine(const char *folder) {
    void *ggml = open_library(folder, "libggml"), *llama = open_library(folder, "libllama");
    *(void **)&engine.load_all = function(ggml, "ggml_backend_load_all_from_path");
    *(void **)&engine.backend_init = function(llama, "llama_backend_init");
    *(void **)&engine.model_defaults = function(llama, "llama_model_default_params");
    *(void **)&engine.load = function(llama, "llama_model_load_from_file");
    *(void **)&engine.context_defaults = function(llama, "llama_context_default_params");
    *(void **)&engine.init = function(llama, "llama_init_from_model");
    *(void **)&engine.set_threads = function(llama, "llama_set_n_threads");
    *(void **)&engine.threads = function(llama, "llama_n_threads");
    *(void **)&engine.memory = function(llama, "llama_get_memory");
    *(void **)&engine.clear = function(llama, "llama_memory_clear");
    *(void **)&engine.batch = function(llama, "llama_batch_get_one");
    *(void **)&engine.decode = function(llama, "llama_decode");
    *(void **)&engine.synchronize = function(llama, "llama_synchronize");
}

static double now_s(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* Some word of the vocabulary, always another one. */
static int32_t word(void) {
    static uint32_t seed = 7;
    seed = seed * 1103515245u + 12345u;
    return 300 + (int32_t)(seed / 65536u % WORDS);
}

static double decode_s(void *context, int n) {
    int32_t tokens[MAX_PROMPT];
    for (int i = 0; i < n; i++)
        tokens[i] = word();
    double start = now_s();
    if (engine.decode(context, engine.batch(tokens, n)))
        fail("llama_decode", "failed");
    engine.synchronize(context);
    return now_s() - start;
}

static void answer(void *context, int prompt, int generated, int repeats) {
    static double pp[MAX_REPEATS], tg[MAX_REPEATS * CONTEXT];
    int n_tg = 0;
    for (int i = 0; i < repeats; i++) {
        engine.clear(engine.memory(context), 1);
        pp[i] = decode_s(context, prompt);
        engine.clear(engine.memory(context), 1);
        for (int k = 0; k < generated; k++)
            tg[n_tg++] = decode_s(context, 1);
    }
    printf("{\"pp_s\": [");
    for (int i = 0; i < repeats; i++)
        printf("%s%.9f", i ? ", " : "", pp[i]);
    printf("], \"tg_s\": [");
    for (int i = 0; i < n_tg; i++)
        printf("%s%.9f", i ? ", " : "", tg[i]);
    printf("]}\n");
    fflush(stdout);
}

int main(int argc, char **argv) {
    if (argc != 4)
        fail("usage", "engine_loop FOLDER MODEL THREADS");
    int threads = (int)strtol(argv[3], NULL, 10);
    open_engine(argv[1]);
    engine.load_all(argv[1]);
    engine.backend_init();
    void *model = engine.load(argv[2], engine.model_defaults());
    if (!model)
        fail(argv[2], "could not be loaded");
    struct opaque options = engine.context_defaults();
    options.first = CONTEXT;
    void *context = engine.init(model, options);
    if (!context)
        fail(argv[2], "no context");
    engine.set_threads(context, threads, threads);
    /* Warm-up: pages are touched, buffers allocated, threads started. */
    decode_s(context, 64);
    for (int i = 0; i < 4; i++)
        decode_s(context, 1);
    printf("{\"ready\": true, \"threads\": %d}\n", engine.threads(context));
    fflush(stdout);
    char line[128];
    for (int prompt, generated, repeats; fgets(line, sizeof(line), stdin);) {
        if (sscanf(line, "%d %d %d", &prompt, &generated, &repeats) != 3 || prompt < 1 ||
            prompt > MAX_PROMPT || generated < 0 || generated >= CONTEXT || repeats < 1 ||
            repeats > MAX_REPEATS)
            fail("expected PROMPT GENERATED REPEATS", line);
        answer(context, prompt, generated, repeats);
    }
    fflush(stdout);
    _Exit(0);
}
