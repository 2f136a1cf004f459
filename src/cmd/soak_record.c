#include "soak_record.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "file.h"
#include "soak_conditions.h"
#include "storage.h"
#include "strbuf.h"
#include "summary.h"

enum { MAX_FILE_BYTES = 64 << 20, MAX_RECORD_BYTES = 1 << 30 };

static int complain(const char *path, const char *field, const char *wanted, const json_t *found,
                    struct tr_err *reterr) {
    const char *text = json_string_value(found);
    return tr_err_set(reterr, TR_EFORMAT, "%.300s: %s: expected %s, found %.60s", path, field,
                      wanted,
                      text    ? text
                      : found ? "something else"
                              : "none");
}

static bool is_verdict(const json_t *value) {
    const char *text = json_string_value(value);
    return text && (!strcmp(text, "pass") || !strcmp(text, "warn") || !strcmp(text, "fail"));
}

static int check_document(const char *path, const json_t *document, struct tr_err *reterr) {
    const json_t *schema = json_object_get(document, "schema");
    const json_t *verdict = json_object_get(document, "verdict");
    const json_t *results = json_object_get(document, "results");
    const char *text = json_string_value(schema);
    if (!text || strcmp(text, TR_SOAK_SCHEMA) != 0)
        return complain(path, "schema", TR_SOAK_SCHEMA, schema, reterr);
    if (!is_verdict(verdict))
        return complain(path, "verdict", "pass, warn or fail", verdict, reterr);
    if (!json_is_string(json_object_get(document, "created")))
        return complain(path, "created", "a time", json_object_get(document, "created"), reterr);
    if (!json_is_array(results))
        return complain(path, "results", "a list", results, reterr);
    return 0;
}

int tr_soak_record_read(const char *path, json_t **ret_document, struct tr_err *reterr) {
    char *text = NULL;
    size_t length = 0;
    json_error_t error;
    int code = tr_file_read(path, MAX_FILE_BYTES, &text, &length, reterr);
    if (code)
        return code;
    json_t *document = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    if (!document)
        code = tr_err_set(reterr, TR_EFORMAT, "%.300s: line %d, column %d: not JSON: %s", path,
                          error.line, error.column, error.text);
    if (!code)
        code = check_document(path, document, reterr);
    free(text);
    if (code)
        json_decref(document);
    else
        *ret_document = document;
    return code;
}

/* A document is one value, a record has one each line; one of a single line is both. */
int tr_soak_record_tell(const char *path, json_t **ret_document, struct tr_err *reterr) {
    struct tr_soak_summary summary;
    char *text = NULL;
    size_t length = 0;
    int code = tr_file_read(path, MAX_RECORD_BYTES, &text, &length, reterr);
    json_t *document = code ? NULL : json_loadb(text, length, 0, NULL);
    const char *schema = json_string_value(json_object_get(document, "schema"));
    free(text);
    if (!code && schema && strcmp(schema, TR_SOAK_RECORD_SCHEMA) != 0) {
        code = check_document(path, document, reterr);
        if (!code)
            *ret_document = json_incref(document);
        json_decref(document);
        return code;
    }
    json_decref(document);
    if (!code)
        code = tr_soak_summary_read(path, &summary, reterr);
    if (code)
        return code;
    code = tr_soak_document(&summary, ret_document);
    tr_soak_summary_finish(&summary);
    return code;
}

static int is_json(const struct dirent *entry) {
    size_t n = strlen(entry->d_name);
    return *entry->d_name != '.' && n > 5 && !strcmp(entry->d_name + n - 5, ".json");
}

static int later_first(const struct dirent **a, const struct dirent **b) {
    return strcmp((*b)->d_name, (*a)->d_name);
}

/* 1: it ran with what the machine has; 0: with something else. TR_ENOMEM. */
static int fits(const json_t *soak, const json_t *machine) {
    char *differences = tr_soak_differences(soak, machine);
    int result = !differences ? TR_ENOMEM : *differences ? 0 : 1;
    free(differences);
    return result;
}

int tr_soak_record_find(const char *host_id, const json_t *machine,
                        const struct tr_output_options *output, json_t **ret_document,
                        char **ret_path, struct tr_err *reterr) {
    struct dirent **entries = NULL;
    char *folder = NULL, *found = NULL;
    json_t *document = NULL;
    bool done = false;
    int code = tr_data_folder(NULL, host_id, "soak", &folder, reterr);
    int n = code ? 0 : scandir(folder, &entries, is_json, later_first);
    for (int i = 0; i < n; i++) {
        struct tr_err why = {0};
        json_t *read = NULL;
        char *path = code || done ? NULL : tr_format("%s/%s", folder, entries[i]->d_name);
        if (!code && !done && !path)
            code = TR_ENOMEM;
        if (path && tr_soak_record_read(path, &read, &why))
            tr_note(output, "left out: %s", why.text);
        int fit = read ? fits(read, machine) : 0;
        done = done || fit > 0;
        code = fit < 0 ? fit : code;
        if (read && (fit > 0 || !document)) {
            json_decref(document);
            free(found);
            document = read;
            found = path;
        } else {
            json_decref(read);
            free(path);
        }
        free(entries[i]);
    }
    free(entries);
    free(folder);
    if (code) {
        json_decref(document);
        free(found);
        return code;
    }
    *ret_document = document;
    *ret_path = found;
    return 0;
}
