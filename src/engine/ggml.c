#include "ggml.h"

#include <dirent.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "strbuf.h"

enum { MAX_LIBRARIES = 64 };

/* Paths of the shared libraries of one folder. */
struct libraries {
    char *base, *main, *cpu;       /* libggml-base, libggml, libggml-cpu */
    char *variants[MAX_LIBRARIES]; /* libggml-cpu-<micro-architecture> */
    size_t n_variants;
};

static void libraries_finish(struct libraries *found) {
    free(found->base);
    free(found->main);
    free(found->cpu);
    for (size_t i = 0; i < found->n_variants; i++)
        free(found->variants[i]);
}

/* What follows `prefix` in the name of a shared library, NULL if it is none of that name. */
static const char *rest_of(const char *name, const char *prefix) {
    size_t n = strlen(prefix);
    return !strncmp(name, prefix, n) && strstr(name + n, ".so") ? name + n : NULL;
}

static int add_library(struct libraries *found, const char *folder, const char *name) {
    const char *cpu = rest_of(name, "libggml-cpu"), *base = rest_of(name, "libggml-base");
    const char *main_library = rest_of(name, "libggml");
    char **slot = NULL;
    if (cpu && *cpu == '-' && found->n_variants < MAX_LIBRARIES)
        slot = &found->variants[found->n_variants++];
    else if (cpu && *cpu == '.')
        slot = &found->cpu;
    else if (base && *base == '.')
        slot = &found->base;
    else if (main_library && *main_library == '.')
        slot = &found->main;
    /* libggml.so and libggml.so.0 are one file. */
    if (!slot || *slot)
        return 0;
    *slot = tr_format("%s/%s", folder, name);
    return *slot ? 0 : TR_ENOMEM;
}

static int look_into(const char *folder, struct libraries *found) {
    DIR *directory = opendir(folder);
    int code = 0;
    while (directory && !code) {
        const struct dirent *entry = readdir(directory);
        if (!entry)
            break;
        code = add_library(found, folder, entry->d_name);
    }
    if (directory)
        closedir(directory);
    return code;
}

static int find_libraries(const char *folder, struct libraries *found, struct tr_err *reterr) {
    static const char *const below[] = {"", "/lib", "/bin", "/build/bin", "/build/lib"};
    for (size_t i = 0; i < sizeof(below) / sizeof(below[0]); i++) {
        char *path = tr_format("%s%s", folder, below[i]);
        int code = path ? look_into(path, found) : TR_ENOMEM;
        free(path);
        if (code)
            return code;
        if (found->base && found->main)
            return 0;
        libraries_finish(found);
        *found = (struct libraries){0};
    }
    return tr_err_set(
        reterr, TR_EUNAVAILABLE,
        "%.300s: %s. Expected the folder of a llama.cpp build with libggml-base.so and "
        "libggml.so",
        folder, access(folder, F_OK) ? "there is no such folder" : "no ggml libraries in it");
}

/* "libggml-cpu-zen4.so" -> "zen4" */
static char *variant_of(const char *path) {
    const char *name = strstr(strrchr(path, '/'), "libggml-cpu-") + strlen("libggml-cpu-");
    return strndup(name, (size_t)(strstr(name, ".so") - name));
}

/* ".../libggml.v0.5.0.so" -> "v0.5.0", ".../libggml.so.0.9.4" -> "0.9.4"; NULL without. */
static char *release_of(const char *path) {
    const char *name = strrchr(path, '/') + 1 + strlen("libggml");
    const char *end = strstr(name, ".so");
    if (end > name + 1)
        return strndup(name + 1, (size_t)(end - name - 1));
    return end[3] == '.' ? strdup(end + 4) : NULL;
}

static void *open_library(const char *path, int flags, struct tr_err *reterr) {
    void *library = dlopen(path, RTLD_NOW | flags);
    if (!library)
        tr_err_set(reterr, TR_EUNAVAILABLE, "%.300s", dlerror());
    return library;
}

/* The variant that scores highest on this CPU, as the engine itself chooses. */
static const char *best_variant(const struct libraries *found) {
    const char *best = NULL;
    int highest = 0;
    for (size_t i = 0; i < found->n_variants; i++) {
        void *library = dlopen(found->variants[i], RTLD_NOW | RTLD_LOCAL);
        int (*score)(void) = NULL;
        if (library)
            *(void **)&score = dlsym(library, "ggml_backend_score");
        int points = score ? score() : 0;
        if (points > highest) {
            highest = points;
            best = found->variants[i];
        }
        if (library)
            dlclose(library);
    }
    return best;
}

static int find_functions(void *base, void *library, struct tr_ggml *ggml, struct tr_err *reterr) {
    const struct {
        const char *name;
        void **function;
        bool needed;
    } all[] = {
#define TR_GGML(type, name, arguments) {"ggml_" #name, (void **)&ggml->name, true},
#define TR_GGML_MAYBE(type, name, arguments) {"ggml_" #name, (void **)&ggml->name, false},
#include "ggml.def"
#undef TR_GGML_MAYBE
#undef TR_GGML
    };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        *all[i].function = dlsym(base, all[i].name);
        if (!*all[i].function)
            *all[i].function = dlsym(library, all[i].name);
        if (!*all[i].function && all[i].needed)
            return tr_err_set(
                reterr, TR_EUNAVAILABLE,
                "this engine has no %s: builds from before 2025 or of another ggml are "
                "not supported",
                all[i].name);
    }
    return 0;
}

static void be_quiet(int level, const char *text, void *data) {
    (void)level;
    (void)text;
    (void)data;
}

static int start_backend(const struct libraries *found, struct tr_ggml *ggml,
                         struct tr_err *reterr) {
    const char *best = best_variant(found);
    if (ggml->log_set)
        ggml->log_set(be_quiet, NULL);
    if (best && ggml->backend_load && ggml->backend_load(best))
        ggml->variant = variant_of(best);
    if (!ggml->backend_init_by_type) /* tells the analyser what find_functions() has seen to */
        return TR_EFAIL;
    ggml->backend = ggml->backend_init_by_type(0, NULL);
    /* One backend alone, which is not linked to libggml. */
    if (!ggml->backend && found->cpu && ggml->backend_load && ggml->backend_load(found->cpu))
        ggml->backend = ggml->backend_init_by_type(0, NULL);
    if (!ggml->backend)
        return tr_err_set(reterr, TR_EUNAVAILABLE, "none of its CPU backends runs on this machine");
    ggml->device = ggml->backend_get_device(ggml->backend);
    void *registry = ggml->backend_dev_backend_reg(ggml->device);
    *(void **)&ggml->set_n_threads =
        ggml->backend_reg_get_proc_address(registry, "ggml_backend_set_n_threads");
    void **(*extra)(void *) = NULL;
    *(void **)&extra =
        ggml->backend_reg_get_proc_address(registry, "ggml_backend_dev_get_extra_bufts");
    if (!ggml->set_n_threads)
        return tr_err_set(reterr, TR_EUNAVAILABLE, "its CPU backend takes no number of threads");
    void **list = extra ? extra(ggml->device) : NULL;
    while (list && *list && ggml->n_bufts < TR_GGML_MAX_BUFTS - 1)
        ggml->bufts[ggml->n_bufts++] = *list++;
    ggml->bufts[ggml->n_bufts++] = ggml->backend_get_default_buffer_type(ggml->backend);
    return 0;
}

int tr_ggml_open(const char *folder, struct tr_ggml *ret_ggml, struct tr_err *reterr) {
    struct libraries found = {0};
    struct tr_ggml ggml = {0};
    int code = find_libraries(folder, &found, reterr);
    /* Opened in this order each finds the ones before it, whatever its own search path says. */
    void *base = code ? NULL : open_library(found.base, RTLD_GLOBAL, reterr);
    if (base && found.cpu)
        (void)dlopen(found.cpu, RTLD_NOW | RTLD_GLOBAL);
    void *library = base ? open_library(found.main, RTLD_GLOBAL, reterr) : NULL;
    if (!code && !library)
        code = TR_EUNAVAILABLE;
    if (!code)
        code = find_functions(base, library, &ggml, reterr);
    if (!code)
        code = start_backend(&found, &ggml, reterr);
    if (!code)
        ggml.release = release_of(found.main);
    if (code)
        tr_ggml_finish(&ggml);
    else
        *ret_ggml = ggml;
    libraries_finish(&found);
    return code;
}

void tr_ggml_finish(struct tr_ggml *ggml) {
    free(ggml->variant);
    free(ggml->release);
    *ggml = (struct tr_ggml){0};
}
