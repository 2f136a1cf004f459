#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "calibration_json.h"
#include "file.h"
#include "storage.h"
#include "strbuf.h"
#include "tokenroof/calibration.h"

int tr_calibration_write(struct tr_calibration *calibration, const char *path, bool overwrite,
                         struct tr_err *reterr) {
    json_t *document = NULL;
    char *text = NULL;
    struct tr_strbuf out = {0};
    char *kept = strdup(path);
    int code = kept ? tr_calibration_to_json(calibration, &document) : TR_ENOMEM;
    if (code)
        goto out;
    code = TR_ENOMEM;
    char *dump = json_dumps(document, TR_JSON_FLAGS);
    if (!dump)
        goto out;
    tr_strbuf_addf(&out, "%s\n", dump);
    free(dump);
    size_t length = out.length;
    text = tr_strbuf_take(&out);
    if (!text)
        goto out;
    code = tr_file_write(path, text, length, overwrite, reterr);
    if (code)
        goto out;
    free(calibration->path);
    calibration->path = kept;
    kept = NULL;
out:
    if (code == TR_ENOMEM)
        tr_err_set(reterr, code, "%s: out of memory", path);
    free(kept);
    free(text);
    json_decref(document);
    return code;
}

/* "2026-11-21T10:00:00Z": what may become a file name, and sorts by time as text does. */
static bool is_time(const char *text) {
    static const char form[] = "dddd-dd-ddTdd:dd:ddZ";
    for (size_t i = 0; form[i]; i++)
        if (form[i] == 'd' ? !isdigit((unsigned char)text[i]) : text[i] != form[i])
            return false;
    return true;
}

/* <data home>/tokenroof/<host_id>, in heap; NULL with a reason. */
static char *folder_of(const char *data_home, const char *host_id, int *ret_code,
                       struct tr_err *reterr) {
    const char *below_home = "";
    const char *host = host_id ? host_id : "unknown-host";
    if (!data_home)
        data_home = getenv("XDG_DATA_HOME");
    /* The XDG base directory specification has relative paths ignored. */
    if (!data_home || *data_home != '/') {
        data_home = getenv("HOME");
        below_home = "/.local/share";
    }
    if (!data_home || *data_home != '/') {
        *ret_code = tr_err_set(reterr, TR_EIO,
                               "no folder for calibration files: neither XDG_DATA_HOME nor HOME is "
                               "set. Set one of them, or name a file with -o");
        return NULL;
    }
    if (!*host || strspn(host, "0123456789abcdefghijklmnopqrstuvwxyz-") != strlen(host)) {
        *ret_code = tr_err_set(reterr, TR_EFAIL, "'%.60s' is not a host id", host);
        return NULL;
    }
    char *folder = tr_format("%s%s/tokenroof/%s", data_home, below_home, host);
    if (!folder)
        *ret_code = TR_ENOMEM;
    return folder;
}

int tr_data_folder(const char *data_home, const char *host_id, const char *kind, char **ret_path,
                   struct tr_err *reterr) {
    int code = 0;
    char *folder = folder_of(data_home, host_id, &code, reterr);
    char *path = folder ? tr_format("%s/%s", folder, kind) : NULL;
    if (folder && !path)
        code = TR_ENOMEM;
    free(folder);
    if (!code)
        *ret_path = path;
    return code;
}

int tr_calibration_save(struct tr_calibration *calibration, const char *data_home,
                        const char *host_id, struct tr_err *reterr) {
    int code = 0;
    if (!calibration->created || !is_time(calibration->created) ||
        strlen(calibration->created) != strlen("2026-11-21T10:00:00Z"))
        return tr_err_set(reterr, TR_EFAIL, "the calibration has no time of creation");
    char *folder = folder_of(data_home, host_id, &code, reterr);
    if (!folder)
        return code;
    code = tr_make_folders(folder, reterr);
    /* Two runs may end in the same second; "_2" sorts behind the ".json" of the first. */
    for (int number = 1; !code && number < 10; number++) {
        char suffix[8] = "";
        if (number > 1)
            suffix[0] = '_', suffix[1] = (char)('0' + number);
        char *path = tr_format("%s/%s%s.json", folder, calibration->created, suffix);
        code = path ? tr_calibration_write(calibration, path, false, reterr) : TR_ENOMEM;
        free(path);
        if (code != TR_EUSAGE)
            break;
        if (number < 9)
            code = 0;
    }
    free(folder);
    return code;
}

static int is_calibration_name(const struct dirent *entry) {
    size_t n = strlen(entry->d_name);
    return is_time(entry->d_name) && n > 5 && !strcmp(entry->d_name + n - 5, ".json");
}

static int later_first(const struct dirent **a, const struct dirent **b) {
    return strcmp((*b)->d_name, (*a)->d_name);
}

static bool serves(const char *path, const char *host_id) {
    struct tr_calibration *calibration = NULL;
    if (tr_calibration_read(path, &calibration, NULL))
        return false;
    const char *host = tr_calibration_text(calibration, "host_id");
    bool ok = !calibration->partial && tr_calibration_read_rate(calibration) &&
              (!host || !host_id || !strcmp(host, host_id));
    tr_calibration_destroy(calibration);
    return ok;
}

int tr_calibration_find(const char *data_home, const char *host_id, char **ret_path,
                        struct tr_err *reterr) {
    int code = 0;
    struct dirent **entries = NULL;
    char *found = NULL;
    char *folder = folder_of(data_home, host_id, &code, reterr);
    if (!folder)
        return code;
    int n = scandir(folder, &entries, is_calibration_name, later_first);
    if (n < 0 && errno == ENOMEM)
        code = TR_ENOMEM;
    for (int i = 0; i < n; i++) {
        if (!found && !code) {
            found = tr_format("%s/%s", folder, entries[i]->d_name);
            if (!found) {
                code = TR_ENOMEM;
            } else if (!serves(found, host_id)) {
                free(found);
                found = NULL;
            }
        }
        free(entries[i]);
    }
    free(entries);
    if (found)
        *ret_path = found;
    else if (!code)
        code = tr_err_set(reterr, TR_EUNAVAILABLE,
                          "%s: no complete calibration of this machine. Run 'tokenroof' to make "
                          "one, or name a file with --calibration",
                          folder);
    free(folder);
    return code;
}
