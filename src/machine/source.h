/* Where the facts of a machine are read from: this machine, or a recording of another one.
 *
 * Every file is asked for by its path on the machine ("/sys/devices/system/cpu/online"); a
 * recording keeps copies under <dir>/files. What was read is remembered, so that a capture saves
 * exactly it.
 */
#ifndef TR_MACHINE_SOURCE_H
#define TR_MACHINE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tokenroof/err.h"

struct tr_source_kept {
    char *path, *text;
};

struct tr_source {
    bool live;
    char *root;        /* put before every path; "" for this machine; NULL: there are no files */
    char *hwloc_xml;   /* path of the topology, NULL if there is none */
    char *synthetic;   /* hwloc's synthetic description without the prefix, NULL */
    char *cpuid_path;  /* recorded CPUID in InstLatx64's text form, NULL */
    char *smbios_dir;  /* folder with DMI and smbios_entry_point, NULL if there is none */
    char **paths_read; /* machine paths that could be read, for the capture */
    size_t n_paths_read;
    struct tr_source_kept *kept; /* answers of devices, in the form a recording has them */
    size_t n_kept;
};

/* `text` as in tr_machine_options.source. TR_EIO if it does not exist, TR_EFORMAT if it is none of
 * the known forms. */
int tr_source_init(const char *text, struct tr_source *ret_source, struct tr_err *reterr);
void tr_source_finish(struct tr_source *source);

/* All of these give NULL / -1 where the file is absent; strings are the caller's. */
char *tr_source_read(struct tr_source *source, const char *path, size_t *ret_length);
char *tr_source_line(struct tr_source *source, const char *path);
int64_t tr_source_number(struct tr_source *source, const char *path);
/* The same for the file `name` in a folder. */
char *tr_source_line_in(struct tr_source *source, const char *folder, const char *name);
int64_t tr_source_number_in(struct tr_source *source, const char *folder, const char *name);
/* What a device answered, as the text that a recording holds at `path`; reading the path gives it,
 * so that a capture saves it. An older text is replaced. TR_ENOMEM. */
int tr_source_keep(struct tr_source *source, const char *path, const char *text);
bool tr_source_is_kept(struct tr_source *source, const char *path);
/* Names in a folder, sorted, NULL-ended; NULL if there is none. Free with tr_source_list_free. */
char **tr_source_list(struct tr_source *source, const char *path);
void tr_source_list_free(char **names);

#endif
