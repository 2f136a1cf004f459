/* Small recordings made by a test: the topology of one of the project's own, and files of its own.
 */
#ifndef TR_TEST_RECORDING_H
#define TR_TEST_RECORDING_H

#include <ftw.h>

#include "file.h"
#include "machines.h"

struct recorded_file {
    const char *path; /* on the machine, "/sys/..." */
    const char *text;
    size_t length; /* of text that holds zero bytes; 0: up to the first one */
};

/* A new folder with the topology of tests/data/<like>/ and the files; remove it with
 * recording_remove(). */
static inline char *recording_make(const char *like, const struct recorded_file *files, size_t n) {
    char *folder = strdup("/tmp/tokenroof-recording-XXXXXX"), *from, *to;
    char *data = test_data(like);
    assert_non_null(mkdtemp(folder));
    assert_true(asprintf(&from, "%s/topology.xml", data) > 0);
    assert_true(asprintf(&to, "%s/topology.xml", folder) > 0);
    assert_int_equal(symlink(from, to), 0);
    free(from);
    free(to);
    free(data);
    for (size_t i = 0; i < n; i++) {
        size_t length = files[i].length ? files[i].length : strlen(files[i].text);
        assert_true(asprintf(&to, "%s/files%s", folder, files[i].path) > 0);
        char *slash = strrchr(to, '/');
        *slash = '\0';
        assert_int_equal(tr_make_folders(to, NULL), 0);
        *slash = '/';
        assert_int_equal(tr_file_write(to, files[i].text, length, true, NULL), 0);
        free(to);
    }
    return folder;
}

static inline int recording_remove_one(const char *path, const struct stat *info, int kind,
                                       struct FTW *walk) {
    (void)info;
    (void)kind;
    (void)walk;
    return remove(path);
}

static inline void recording_remove(char *folder) {
    nftw(folder, recording_remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(folder);
}

/* The machine of such a recording, which is removed at once. */
static inline struct tr_machine *recording_load(const char *like, const struct recorded_file *files,
                                                size_t n, const struct tr_overrides *overrides) {
    char *folder = recording_make(like, files, n);
    struct tr_machine *machine = machine_from(folder, overrides);
    recording_remove(folder);
    return machine;
}

/* The note with these words, or NULL. */
static inline const char *note_with(const struct tr_machine *machine, const char *words) {
    for (size_t i = 0; i < machine->n_notes; i++)
        if (strstr(machine->notes[i], words))
            return machine->notes[i];
    return NULL;
}

static inline void assert_note(const struct tr_machine *machine, const char *words) {
    if (note_with(machine, words))
        return;
    for (size_t i = 0; i < machine->n_notes; i++)
        printf("note: %s\n", machine->notes[i]);
    fail_msg("no note speaks of \"%s\"", words);
}

static inline void assert_no_note(const struct tr_machine *machine, const char *words) {
    const char *note = note_with(machine, words);
    if (note)
        fail_msg("there should be no note \"%s\"", note);
}

#endif
