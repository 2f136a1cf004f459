/* Saving what was read, so that another machine can look at it. */
#include <dirent.h>
#include <errno.h>
#include <hwloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cpuid_table.h"
#include "file.h"
#include "parts.h"
#include "sanitise.h"
#include "strbuf.h"

enum { MAX_FILE_BYTES = 64 << 20, SERIAL_NUMBER_LEAF = 3 };

static int prepare(const char *directory, struct tr_err *reterr) {
    DIR *folder = opendir(directory);
    int n = 0;
    if (!folder && errno != ENOENT)
        return tr_err_set(reterr, errno == ENOTDIR ? TR_EUSAGE : TR_EIO, "%s: %s", directory,
                          strerror(errno));
    if (!folder)
        return tr_make_folders(directory, reterr);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        n += strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
    closedir(folder);
    if (n)
        return tr_err_set(reterr, TR_EUSAGE,
                          "%s: is not empty. Name a new directory for the capture", directory);
    return 0;
}

/* Writes <directory><path>; makes the folders on the way. */
static int save(const char *directory, const char *path, const char *bytes, size_t length,
                struct tr_err *reterr) {
    char *full = tr_format("%s%s", directory, path);
    if (!full)
        return TR_ENOMEM;
    char *slash = strrchr(full, '/');
    *slash = '\0';
    int code = tr_make_folders(full, reterr);
    *slash = '/';
    if (!code)
        code = tr_file_write(full, bytes, length, true, reterr);
    free(full);
    return code;
}

/* Of what is saved: where to, and what must not be in it. */
struct capture {
    const char *directory;
    bool with_identity;
    struct tr_secrets secrets;
};

/* A line of a file that is not part of the capture. */
static char *line_of(const struct tr_source *source, const char *path) {
    char *full = source->root ? tr_format("%s%s", source->root, path) : NULL;
    char *line = full ? tr_file_line(full) : NULL;
    free(full);
    return line;
}

/* Host names, machine id and serial numbers, of this machine or of the one that was recorded. */
static void find_secrets(const struct tr_machine *machine, struct tr_secrets *secrets) {
    static const char *const hosts[] = {"/proc/sys/kernel/hostname", "/etc/hostname"};
    static const char *const serials[] = {"product_serial", "board_serial", "chassis_serial",
                                          "product_uuid", "chassis_asset_tag"};
    const struct tr_source *source = &machine->private_data->source;
    hwloc_topology_t topology = machine->private_data->topology;
    char host[256] = "";
    if (source->live && gethostname(host, sizeof(host) - 1) == 0)
        tr_secrets_add_host(secrets, host);
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        char *line = line_of(source, hosts[i]);
        tr_secrets_add_host(secrets, line);
        free(line);
    }
    if (topology)
        tr_secrets_add_host(secrets,
                            hwloc_obj_get_info_by_name(hwloc_get_root_obj(topology), "HostName"));
    char *id = line_of(source, "/etc/machine-id");
    tr_secrets_add_serial(secrets, id);
    free(id);
    for (size_t i = 0; i < sizeof(serials) / sizeof(serials[0]); i++) {
        char *path = tr_format("/sys/class/dmi/id/%s", serials[i]);
        char *line = path ? line_of(source, path) : NULL;
        tr_secrets_add_serial(secrets, line);
        free(line);
        free(path);
    }
}

static int save_topology(const struct tr_machine *machine, const struct capture *capture,
                         struct tr_err *reterr) {
    hwloc_topology_t topology = machine->private_data->topology;
    char *xml = NULL;
    int length = 0;
    if (!topology)
        return 0;
    if (hwloc_topology_export_xmlbuffer(topology, &xml, &length, 0))
        return tr_err_set(reterr, TR_EFAIL, "hwloc cannot write the topology as XML");
    char *clean = capture->with_identity ? strdup(xml) : tr_sanitise_xml(xml, &capture->secrets);
    hwloc_free_xmlbuffer(topology, xml);
    int code =
        clean ? save(capture->directory, "/topology.xml", clean, strlen(clean), reterr) : TR_ENOMEM;
    free(clean);
    return code;
}

static int save_cpuid(const struct tr_source *source, const struct capture *capture,
                      struct tr_err *reterr) {
    struct tr_cpuid_table table = {0};
    int code = 0;
    if (source->live) {
        code = tr_cpuid_table_read(&table);
    } else if (source->cpuid_path) {
        char *text = NULL;
        code = tr_file_read(source->cpuid_path, MAX_FILE_BYTES, &text, NULL, reterr);
        if (!code)
            code = tr_cpuid_table_parse(text, source->cpuid_path, &table, reterr);
        free(text);
    }
    if (code || table.n_rows == 0)
        return code;
    for (size_t i = 0; i < table.n_rows && !capture->with_identity; i++)
        if (table.rows[i].leaf == SERIAL_NUMBER_LEAF)
            memset(table.rows[i].regs, 0, sizeof(table.rows[i].regs));
    char *text = tr_cpuid_table_format(&table);
    tr_cpuid_table_finish(&table);
    code = text ? save(capture->directory, "/cpuid.txt", text, strlen(text), reterr) : TR_ENOMEM;
    free(text);
    return code;
}

/* Tables that this process may not read are left out. */
static int save_smbios(const struct tr_source *source, const struct capture *capture,
                       struct tr_err *reterr) {
    static const char *const names[] = {"DMI", "smbios_entry_point"};
    int code = 0;
    for (size_t i = 0; i < 2 && !code && source->smbios_dir; i++) {
        char *bytes = NULL;
        size_t length = 0;
        char *from = tr_format("%s/%s", source->smbios_dir, names[i]);
        char *to = tr_format("/dmi/%s", names[i]);
        if (!from || !to)
            code = TR_ENOMEM;
        else if (tr_file_read(from, MAX_FILE_BYTES, &bytes, &length, NULL) == 0) {
            if (i == 0 && !capture->with_identity)
                tr_sanitise_smbios((uint8_t *)bytes, length);
            code = save(capture->directory, to, bytes, length, reterr);
        }
        free(bytes);
        free(from);
        free(to);
    }
    return code;
}

/* Folders that were listed keep the names of what is in them; their files come with paths_read. */
static int save_listing(const struct tr_source *source, const char *directory, const char *path,
                        struct tr_err *reterr) {
    int code = 0;
    char *from = tr_format("%s%s", source->root, path);
    DIR *folder = from ? opendir(from) : NULL;
    char *base = tr_format("%s/files%s", directory, path);
    if (base)
        code = tr_make_folders(base, reterr);
    for (struct dirent *entry; folder && base && !code && (entry = readdir(folder)) != NULL;) {
        struct stat info;
        char *name = tr_format("%s%s", from, entry->d_name);
        char *to = tr_format("%s%s", base, entry->d_name);
        if (name && to && entry->d_name[0] != '.' && stat(name, &info) == 0 &&
            S_ISDIR(info.st_mode))
            code = tr_make_folders(to, reterr);
        free(name);
        free(to);
    }
    if (folder)
        closedir(folder);
    free(base);
    free(from);
    return code;
}

static int save_file(struct tr_source *source, const struct capture *capture, const char *path,
                     struct tr_err *reterr) {
    size_t length = 0;
    bool whole = capture->with_identity;
    if (!whole && tr_path_is_secret(path))
        return 0;
    if (path[strlen(path) - 1] == '/')
        return save_listing(source, capture->directory, path, reterr);
    char *bytes = tr_source_read(source, path, &length);
    if (!bytes)
        return 0; /* gone meanwhile */
    whole = whole || strlen(bytes) != length;
    char *clean = whole ? NULL : tr_sanitise_text(bytes, &capture->secrets);
    char *clean_path =
        capture->with_identity ? strdup(path) : tr_sanitise_text(path, &capture->secrets);
    char *to = clean_path ? tr_format("/files%s", clean_path) : NULL;
    int code = TR_ENOMEM;
    if (to && (clean || whole))
        code = save(capture->directory, to, whole ? bytes : clean, whole ? length : strlen(clean),
                    reterr);
    free(to);
    free(clean_path);
    free(clean);
    free(bytes);
    return code;
}

static int save_files(struct tr_source *source, const struct capture *capture,
                      struct tr_err *reterr) {
    int code = 0;
    /* Reading a file again does not add to the list. */
    for (size_t i = 0; i < source->n_paths_read && source->root && !code; i++)
        code = save_file(source, capture, source->paths_read[i], reterr);
    return code;
}

int tr_machine_capture(const struct tr_machine *machine, const char *directory, bool with_identity,
                       struct tr_err *reterr) {
    struct tr_source *source = &machine->private_data->source;
    struct capture capture = {.directory = directory, .with_identity = with_identity};
    int code = prepare(directory, reterr);
    if (!with_identity)
        find_secrets(machine, &capture.secrets);
    if (!code)
        code = save_topology(machine, &capture, reterr);
    if (!code)
        code = save_cpuid(source, &capture, reterr);
    if (!code)
        code = save_smbios(source, &capture, reterr);
    if (!code)
        code = save_files(source, &capture, reterr);
    tr_secrets_finish(&capture.secrets);
    /* The hash that calibrations are filed under, in place of the machine id it was made of. */
    char *line = machine->host_id ? tr_format("%s\n", machine->host_id) : NULL;
    if (!code && line && source->root) {
        char *files = tr_format("%s/files", directory);
        code = files ? tr_make_folders(files, reterr) : TR_ENOMEM;
        free(files);
        if (!code)
            code = save(directory, "/host_id", line, strlen(line), reterr);
    }
    free(line);
    return code;
}
