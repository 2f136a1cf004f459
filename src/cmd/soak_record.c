#include "soak_record.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "append.h"
#include "cmd.h"
#include "file.h"
#include "soak.h"
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

/* The machine went down before it ended, as far as the record tells. */
static int set_crashed(json_t *document, const char *path) {
    char *why = tr_format("the machine was started anew before it ended: it crashed, hung, or was "
                          "switched off (its power was cut? remove %.300s)",
                          path);
    json_t *result = json_pack("{s:s, s:s, s:n, s:n, s:n, s:n, s:s}", "name", "end", "verdict",
                               "fail", "value", "unit", "low", "high", "why", why ? why : "");
    free(why);
    return !why || json_array_append_new(json_object_get(document, "results"), result) ||
                   json_object_set_new(document, "verdict", json_string("fail"))
               ? TR_ENOMEM
               : 0;
}

/* A document is one value, a record has one each line; one of a single line is both. */
int tr_soak_record_tell(const char *path, const char *boot_id, json_t **ret_document,
                        struct tr_err *reterr) {
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
    code = tr_soak_document(&summary, &document);
    if (!code && !summary.ended && !summary.killed && tr_soak_of_another_boot(document, boot_id))
        code = set_crashed(document, path);
    tr_soak_summary_finish(&summary);
    if (code)
        json_decref(document);
    else
        *ret_document = document;
    return code;
}

static bool ends_in(const char *name, const char *end) {
    size_t n = strlen(name), of_end = strlen(end);
    return *name != '.' && n > of_end && !strcmp(name + n - of_end, end);
}

bool tr_soak_record_is_left(const char *folder, const char *name) {
    if (!ends_in(name, ".jsonl"))
        return false;
    char *document = tr_format("%s/%.*s", folder, (int)strlen(name) - 1, name); /* ".json" */
    bool left = document && access(document, F_OK);
    free(document);
    return left;
}

/* Locked by nobody, of this boot, without its end: its program is gone. */
static void mark_killed(const char *path, const char *boot_id) {
    struct tr_soak_summary summary;
    struct tr_append file = {.fd = -1};
    char line[96], now[TR_SOAK_TIME_BYTES];
    if (tr_soak_summary_read(path, &summary, NULL))
        return;
    const char *then = json_string_value(json_object_get(summary.head, "boot_id"));
    bool found = !summary.ended && !summary.killed && then && !strcmp(then, boot_id);
    tr_soak_summary_finish(&summary);
    if (!found || tr_append_open(path, false, &file, NULL, NULL))
        return;
    tr_soak_now(now);
    snprintf(line, sizeof(line), "{\"record\":\"killed\",\"at\":\"%s\"}", now);
    tr_append_line(&file, line, NULL);
    tr_append_close(&file);
}

void tr_soak_record_mark_killed(const char *folder, const char *boot_id) {
    DIR *entries = boot_id ? opendir(folder) : NULL;
    for (struct dirent *entry; entries && (entry = readdir(entries)) != NULL;) {
        char *path = tr_soak_record_is_left(folder, entry->d_name)
                         ? tr_format("%s/%s", folder, entry->d_name)
                         : NULL;
        if (path && !tr_append_is_busy(path))
            mark_killed(path, boot_id);
        free(path);
    }
    if (entries)
        closedir(entries);
}

static int is_of_soak(const struct dirent *entry) {
    return ends_in(entry->d_name, ".json") || ends_in(entry->d_name, ".jsonl");
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

/* *ret_document NULL: nothing there is a soak that is over. */
static void read_entry(const char *folder, const char *name, const char *path, const char *boot_id,
                       const struct tr_output_options *output, json_t **ret_document) {
    bool record = ends_in(name, ".jsonl");
    struct tr_err why = {0};
    *ret_document = NULL;
    if (record && (!tr_soak_record_is_left(folder, name) || tr_append_is_busy(path)))
        return;
    if (record ? tr_soak_record_tell(path, boot_id, ret_document, &why)
               : tr_soak_record_read(path, ret_document, &why))
        tr_note(output, "left out: %s", why.text);
}

int tr_soak_record_find(const char *host_id, const json_t *machine, const char *boot_id,
                        const struct tr_output_options *output, json_t **ret_document,
                        char **ret_path, struct tr_err *reterr) {
    struct dirent **entries = NULL;
    char *folder = NULL, *found = NULL;
    json_t *document = NULL;
    bool done = false;
    int code = tr_data_folder(NULL, host_id, "soak", &folder, reterr);
    if (!code)
        tr_soak_record_mark_killed(folder, boot_id);
    int n = code ? 0 : scandir(folder, &entries, is_of_soak, later_first);
    for (int i = 0; i < n; i++) {
        json_t *read = NULL;
        char *path = code || done ? NULL : tr_format("%s/%s", folder, entries[i]->d_name);
        if (!code && !done && !path)
            code = TR_ENOMEM;
        if (path)
            read_entry(folder, entries[i]->d_name, path, boot_id, output, &read);
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
