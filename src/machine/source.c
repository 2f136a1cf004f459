#include "source.h"

#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "parse.h"
#include "strbuf.h"

enum { MAX_FILE_BYTES = 64 << 20 };

static const char known_forms[] =
    "a capture directory (topology.xml, cpuid.txt, dmi/ or files/ in it), an hwloc XML, "
    "synthetic:..., or a CPUID dump in text form";

/* --- what kind of source ------------------------------------------------------------------- */

static char *path_if_present(const char *folder, const char *name) {
    char *path = tr_format("%s/%s", folder, name);
    if (path && access(path, F_OK)) {
        free(path);
        return NULL;
    }
    return path;
}

static void find_smbios(struct tr_source *source, const char *folder) {
    char *table = tr_format("%s/DMI", folder);
    if (table && access(table, F_OK) == 0)
        source->smbios_dir = strdup(folder);
    free(table);
}

static int init_directory(const char *path, struct tr_source *source, struct tr_err *reterr) {
    source->root = path_if_present(path, "files");
    source->hwloc_xml = path_if_present(path, "topology.xml");
    source->cpuid_path = path_if_present(path, "cpuid.txt");
    char *folder = tr_format("%s/dmi", path);
    if (folder)
        find_smbios(source, folder);
    free(folder);
    if (!source->smbios_dir && source->root) {
        folder = tr_format("%s/sys/firmware/dmi/tables", source->root);
        if (folder)
            find_smbios(source, folder);
        free(folder);
    }
    if (!source->root && !source->hwloc_xml && !source->cpuid_path && !source->smbios_dir)
        return tr_err_set(reterr, TR_EFORMAT,
                          "%s: not the recording of a machine: a directory with at least one of "
                          "topology.xml, cpuid.txt, dmi/DMI and files/ was expected",
                          path);
    return 0;
}

/* A line "CPUID 00000000: 00000010-68747541-..." anywhere near the beginning. */
static bool looks_like_cpuid(const char *text) {
    for (const char *at = text; (at = strstr(at, "CPUID ")) != NULL; at += 6) {
        size_t digits = strspn(at + 6, "0123456789abcdefABCDEF");
        if (digits == 8 && at[6 + digits] == ':')
            return true;
    }
    return false;
}

static int init_file(const char *path, struct tr_source *source, struct tr_err *reterr) {
    char *text = NULL;
    int code = tr_file_read(path, MAX_FILE_BYTES, &text, NULL, reterr);
    if (code)
        return code;
    const char *start = strncmp(text, "\xef\xbb\xbf", 3) ? text : text + 3;
    while (isspace((unsigned char)*start))
        start++;
    if (*start == '<') {
        source->hwloc_xml = strdup(path);
        code = source->hwloc_xml ? 0 : TR_ENOMEM;
    } else if (looks_like_cpuid(start)) {
        source->cpuid_path = strdup(path);
        code = source->cpuid_path ? 0 : TR_ENOMEM;
    } else {
        code = tr_err_set(reterr, TR_EFORMAT,
                          "%s: not the recording of a machine at byte 0: expected %s", path,
                          known_forms);
    }
    free(text);
    return code;
}

int tr_source_init(const char *text, struct tr_source *ret_source, struct tr_err *reterr) {
    struct tr_source source = {0};
    struct stat info;
    int code = 0;
    if (!text) {
        source.live = true;
        source.root = strdup("");
        find_smbios(&source, "/sys/firmware/dmi/tables");
        code = source.root ? 0 : TR_ENOMEM;
    } else if (!strncmp(text, "synthetic:", strlen("synthetic:"))) {
        source.synthetic = strdup(text + strlen("synthetic:"));
        code = source.synthetic ? 0 : TR_ENOMEM;
    } else if (stat(text, &info)) {
        code = tr_err_set(reterr, TR_EIO, "%s: does not exist or cannot be reached. Expected %s",
                          text, known_forms);
    } else if (S_ISDIR(info.st_mode)) {
        code = init_directory(text, &source, reterr);
    } else {
        code = init_file(text, &source, reterr);
    }
    if (code) {
        tr_source_finish(&source);
        return code;
    }
    *ret_source = source;
    return 0;
}

void tr_source_finish(struct tr_source *source) {
    if (!source)
        return;
    free(source->root);
    free(source->hwloc_xml);
    free(source->synthetic);
    free(source->cpuid_path);
    free(source->smbios_dir);
    for (size_t i = 0; i < source->n_paths_read; i++)
        free(source->paths_read[i]);
    free(source->paths_read);
    for (size_t i = 0; i < source->n_kept; i++) {
        free(source->kept[i].path);
        free(source->kept[i].text);
    }
    free(source->kept);
    *source = (struct tr_source){0};
}

/* --- reading --------------------------------------------------------------------------------- */

/* Remembers a path once. Lack of memory loses a line of the capture, nothing else. */
static void remember(struct tr_source *source, const char *path) {
    for (size_t i = source->n_paths_read; i-- > 0;)
        if (!strcmp(source->paths_read[i], path))
            return;
    char **paths = realloc(source->paths_read, (source->n_paths_read + 1) * sizeof(*paths));
    if (!paths)
        return;
    source->paths_read = paths;
    paths[source->n_paths_read] = strdup(path);
    if (paths[source->n_paths_read])
        source->n_paths_read++;
}

static struct tr_source_kept *find_kept(struct tr_source *source, const char *path) {
    for (size_t i = 0; i < source->n_kept; i++)
        if (!strcmp(source->kept[i].path, path))
            return &source->kept[i];
    return NULL;
}

int tr_source_keep(struct tr_source *source, const char *path, const char *text) {
    struct tr_source_kept *old = find_kept(source, path);
    struct tr_source_kept made = {.path = strdup(path), .text = strdup(text)};
    struct tr_source_kept *kept =
        old ? source->kept : realloc(source->kept, (source->n_kept + 1) * sizeof(*kept));
    if (kept)
        source->kept = kept;
    if (!kept || !made.path || !made.text) {
        free(made.path);
        free(made.text);
        return TR_ENOMEM;
    }
    if (old) {
        free(old->path);
        free(old->text);
    } else {
        old = &source->kept[source->n_kept++];
    }
    *old = made;
    remember(source, path);
    return 0;
}

bool tr_source_is_kept(struct tr_source *source, const char *path) {
    return find_kept(source, path);
}

char *tr_source_read(struct tr_source *source, const char *path, size_t *ret_length) {
    char *text = NULL;
    size_t length = 0;
    if (!source->root)
        return NULL;
    struct tr_source_kept *kept = find_kept(source, path);
    if (kept) {
        if (ret_length)
            *ret_length = strlen(kept->text);
        return strdup(kept->text);
    }
    char *full = tr_format("%s%s", source->root, path);
    if (!full)
        return NULL;
    if (tr_file_read(full, MAX_FILE_BYTES, &text, &length, NULL))
        text = NULL;
    free(full);
    if (!text)
        return NULL;
    remember(source, path);
    if (ret_length)
        *ret_length = length;
    return text;
}

char *tr_source_line(struct tr_source *source, const char *path) {
    char *text = tr_source_read(source, path, NULL);
    if (!text)
        return NULL;
    size_t n = strcspn(text, "\n");
    while (n && isspace((unsigned char)text[n - 1]))
        n--;
    text[n] = '\0';
    if (n)
        return text;
    free(text);
    return NULL;
}

int64_t tr_source_number(struct tr_source *source, const char *path) {
    char *line = tr_source_line(source, path);
    int64_t value = -1;
    if (!line || tr_parse_int(line, 0, INT64_MAX, &value, NULL))
        value = -1;
    free(line);
    return value;
}

char *tr_source_line_in(struct tr_source *source, const char *folder, const char *name) {
    char *path = tr_format("%s/%s", folder, name);
    char *line = path ? tr_source_line(source, path) : NULL;
    free(path);
    return line;
}

int64_t tr_source_number_in(struct tr_source *source, const char *folder, const char *name) {
    char *path = tr_format("%s/%s", folder, name);
    int64_t value = path ? tr_source_number(source, path) : -1;
    free(path);
    return value;
}

static int visible(const struct dirent *entry) {
    return entry->d_name[0] != '.';
}

char **tr_source_list(struct tr_source *source, const char *path) {
    struct dirent **entries = NULL;
    if (!source->root)
        return NULL;
    char *full = tr_format("%s%s", source->root, path);
    if (!full)
        return NULL;
    /* versionsort: cpu2 before cpu10. */
    int n = scandir(full, &entries, visible, versionsort);
    free(full);
    if (n < 0)
        return NULL;
    char **names = calloc((size_t)n + 1, sizeof(*names));
    for (int i = 0, kept = 0; i < n; i++) {
        if (names && (names[kept] = strdup(entries[i]->d_name)) != NULL)
            kept++;
        free(entries[i]);
    }
    free(entries);
    /* The trailing slash tells the capture that it was listed. */
    char *folder = names ? tr_format("%s/", path) : NULL;
    if (folder)
        remember(source, folder);
    free(folder);
    return names;
}

void tr_source_list_free(char **names) {
    for (char **name = names; name && *name; name++)
        free(*name);
    free(names);
}
