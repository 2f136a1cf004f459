#include "tune_session.h"

#include <dirent.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "calibration_json.h"
#include "cmd.h"
#include "file.h"
#include "machine_json.h"
#include "soak_record.h"
#include "storage.h"
#include "strbuf.h"

enum { MAX_RECORD_BYTES = 256 << 20 };

struct tr_tune_time tr_tune_now(void) {
    struct tr_tune_time now = {""};
    time_t seconds = time(NULL);
    struct tm utc;
    gmtime_r(&seconds, &utc);
    strftime(now.text, sizeof(now.text), "%Y-%m-%dT%H:%M:%SZ", &utc);
    return now;
}

static int load_machine(struct tr_tune_session *session, struct tr_err *reterr) {
    struct tr_machine_options options = {0};
    json_t *machine = NULL;
    int code = tr_machine_load(&options, &session->machine, reterr);
    if (!code)
        code = tr_machine_to_json(session->machine, &machine);
    if (!code) {
        session->facts = tr_tune_machine_facts(machine);
        session->boot_id = tr_boot_id(session->machine);
        if (!session->facts)
            code = TR_ENOMEM;
    }
    /* Unknown boots are all one: nothing is then called a crash, or several boots. */
    if (!code && !session->boot_id && !(session->boot_id = strdup("unknown")))
        code = TR_ENOMEM;
    json_decref(machine);
    return code;
}

static int is_record(const struct dirent *entry) {
    size_t n = strlen(entry->d_name);
    return *entry->d_name != '.' && n > 6 && !strcmp(entry->d_name + n - 6, ".jsonl");
}

static int find_newest(const char *folder, char **ret_path, struct tr_err *reterr) {
    struct dirent **entries = NULL;
    int n = scandir(folder, &entries, is_record, alphasort);
    char *path = n > 0 ? tr_format("%s/%s", folder, entries[n - 1]->d_name) : NULL;
    for (int i = 0; i < n; i++)
        free(entries[i]);
    free(entries);
    if (n > 0 && !path)
        return TR_ENOMEM;
    if (!path)
        return tr_err_set(
            reterr, TR_EUNAVAILABLE,
            "no tuning session yet. Begin one: tokenroof tune start --label baseline");
    *ret_path = path;
    return 0;
}

static int parse(struct tr_tune_session *session, struct tr_err *reterr) {
    char *text = NULL;
    size_t length = 0;
    int code =
        tr_err_of_input(tr_file_read(session->path, MAX_RECORD_BYTES, &text, &length, reterr));
    if (!code) {
        tr_tune_finish(&session->tune);
        code = tr_tune_parse(text, length, session->path, &session->tune, reterr);
    }
    free(text);
    return code;
}

int tr_tune_session_reread(struct tr_tune_session *session, struct tr_err *reterr) {
    return parse(session, reterr);
}

/* Those that did not end: if the machine went down under one it is no stable setting. */
static int add_left_soaks(struct tr_tune_session *session, const char *folder) {
    tr_soak_record_mark_killed(folder, session->boot_id);
    DIR *entries = opendir(folder);
    int code = 0;
    for (struct dirent *entry; !code && entries && (entry = readdir(entries)) != NULL;) {
        if (!tr_soak_record_is_left(folder, entry->d_name))
            continue;
        char *path = tr_format("%s/%s", folder, entry->d_name);
        json_t *document = NULL;
        if (!path)
            code = TR_ENOMEM;
        else if (!tr_append_is_busy(path) &&
                 !tr_soak_record_tell(path, session->boot_id, &document, NULL))
            code = tr_soaks_add(&session->soaks, document);
        json_decref(document);
        free(path);
    }
    if (entries)
        closedir(entries);
    tr_soaks_sort(&session->soaks);
    return code;
}

static int read_soaks(struct tr_tune_session *session, struct tr_err *reterr) {
    char *folder = NULL;
    int code = tr_data_folder(NULL, session->tune.host_id, "soak", &folder, reterr);
    if (!code)
        code = tr_soaks_read(folder, &session->soaks);
    if (!code)
        code = add_left_soaks(session, folder);
    free(folder);
    return code;
}

int tr_tune_session_add(struct tr_tune_session *session, json_t *line, struct tr_err *reterr) {
    char *text = line ? json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    int code = text ? tr_append_line(&session->file, text, reterr) : TR_ENOMEM;
    free(text);
    json_decref(line);
    return code;
}

/* Marks a recording whose writer is gone. */
static int mark_lost(struct tr_tune_session *session, enum tr_tune_state state,
                     struct tr_err *reterr) {
    const struct tr_tune_recording *lost = &session->tune.recordings[session->tune.running];
    const char *label = session->tune.settings[lost->setting].label;
    const char *why = state == TR_TUNE_CRASHED
                          ? "the machine was started anew while this was measured"
                          : "the process that measured is gone, in the same boot";
    tr_note(session->output, "'%s', recorded since %s: %s: marked as %s", label,
            lost->at ? lost->at : "an unknown time", why, tr_tune_state_name(state));
    int code = tr_tune_session_add(
        session, tr_tune_line_lost(tr_tune_now().text, state, label, session->boot_id, why),
        reterr);
    return code ? code : parse(session, reterr);
}

static int open_file(struct tr_tune_session *session, bool *ret_busy, struct tr_err *reterr) {
    struct tr_err why = {0};
    int code = tr_append_open(session->path, false, &session->file, ret_busy, &why);
    if (code && *ret_busy)
        return tr_err_set(reterr, TR_EFAIL,
                          "a recording is going on in %.300s. Wait for it, or stop it",
                          session->path);
    return code ? tr_err_set(reterr, code, "%s", why.text) : 0;
}

/* Reading marks, too, as far as it may write. */
static int mark(struct tr_tune_session *session, bool writing, struct tr_err *reterr) {
    struct tr_err why = {0};
    bool busy = false;
    int code = 0;
    bool needed = writing || session->tune.running != SIZE_MAX;
    if (needed)
        code = open_file(session, &busy, &why);
    if (code && (writing || code == TR_ENOMEM))
        return tr_err_set(reterr, code, "%s", why.text);
    enum tr_tune_state state = tr_tune_unfinished(&session->tune, session->boot_id, busy);
    if (code) { /* read only, or being written */
        if (!busy)
            tr_note(session->output, "%s", why.text);
        return 0;
    }
    if (needed && !code)
        code = parse(session, reterr); /* whole lines only, and nobody adds any more */
    if (!code && session->tune.running != SIZE_MAX && state != TR_TUNE_MEASURING)
        code = mark_lost(session, state, reterr);
    if (!writing)
        tr_append_close(&session->file);
    return code;
}

int tr_tune_session_open(struct tr_tune_session *session, const struct tr_output_options *output,
                         bool writing, struct tr_err *reterr) {
    char *folder = NULL;
    *session = (struct tr_tune_session){.output = output, .file = {.fd = -1}};
    int code = load_machine(session, reterr);
    if (!code)
        code = tr_data_folder(NULL, session->machine->host_id, "tune", &folder, reterr);
    if (!code)
        code = find_newest(folder, &session->path, reterr);
    if (!code)
        code = parse(session, reterr);
    if (!code)
        code = mark(session, writing, reterr);
    if (!code)
        code = read_soaks(session, reterr);
    free(folder);
    return code;
}

int tr_tune_session_create(struct tr_tune_session *session, const struct tr_output_options *output,
                           const char *model, struct tr_err *reterr) {
    char *folder = NULL;
    struct tr_tune_time now = tr_tune_now();
    *session = (struct tr_tune_session){.output = output, .file = {.fd = -1}};
    int code = load_machine(session, reterr);
    if (!code)
        code = tr_data_folder(NULL, session->machine->host_id, "tune", &folder, reterr);
    if (!code)
        code = tr_make_folders(folder, reterr);
    /* Two of one second: "_2" sorts behind the first one's end. */
    for (int number = 1; !code && number < 10; number++) {
        free(session->path);
        session->path = number == 1 ? tr_format("%s/%s.jsonl", folder, now.text)
                                    : tr_format("%s/%s_%d.jsonl", folder, now.text, number);
        code = session->path ? tr_append_open(session->path, true, &session->file, NULL, reterr)
                             : TR_ENOMEM;
        if (code != TR_EUSAGE)
            break;
        code = number < 9 ? 0 : code;
    }
    if (!code)
        code = tr_tune_session_add(
            session,
            tr_tune_line_session(now.text, session->machine->host_id, model, tr_tool_to_json()),
            reterr);
    if (!code)
        code = parse(session, reterr);
    free(folder);
    return code;
}

int tr_tune_session_read(struct tr_tune_session *session, const char *path, struct tr_err *reterr) {
    *session = (struct tr_tune_session){.file = {.fd = -1}, .path = strdup(path)};
    int code = session->path ? parse(session, reterr) : TR_ENOMEM;
    /* Of another machine, or a host id that is none: nothing was soaked here. */
    return code ? code : read_soaks(session, NULL) == TR_ENOMEM ? TR_ENOMEM : 0;
}

int tr_tune_session_mark_given_up(struct tr_tune_session *session, const char *label,
                                  struct tr_err *reterr) {
    if (!tr_tune_given_up(&session->tune, label, session->boot_id))
        return 0;
    const char *lost = session->tune.settings[session->tune.trying].label;
    static const char why[] = "announced, then the machine was started anew, and it was never "
                              "measured: it did not come up, or hung";
    tr_note(session->output, "'%s': %s: marked as crashed", lost, why);
    int code = tr_tune_session_add(
        session,
        tr_tune_line_lost(tr_tune_now().text, TR_TUNE_CRASHED, lost, session->boot_id, why),
        reterr);
    return code ? code : parse(session, reterr);
}

void tr_tune_session_finish(struct tr_tune_session *session) {
    tr_append_close(&session->file);
    tr_tune_finish(&session->tune);
    tr_soaks_finish(&session->soaks);
    json_decref(session->facts);
    free(session->boot_id);
    free(session->path);
    tr_machine_destroy(session->machine);
    *session = (struct tr_tune_session){.file = {.fd = -1}};
}
