#include "soak_place.h"

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include "append.h"
#include "cmd.h"
#include "file.h"
#include "predictions.h"
#include "soak_record.h"
#include "storage.h"
#include "strbuf.h"

void tr_soak_place_finish(struct tr_soak_place *place) {
    free(place->record);
    free(place->document);
    place->record = place->document = NULL;
}

static void tell_of(const struct tr_output_options *output, const char *folder, const char *name) {
    char *path = tr_format("%s/%s", folder, name);
    if (path)
        tr_note(output,
                tr_append_is_busy(path) ? "another soak is running: tokenroof soak --show %s"
                                        : "an earlier soak did not end: tokenroof soak --show %s",
                path);
    free(path);
}

/* Soaks whose record was never turned into a document: the program or the machine went down. */
static void tell_of_others(const struct tr_output_options *output, const char *folder) {
    DIR *entries = opendir(folder);
    for (struct dirent *entry; entries && (entry = readdir(entries)) != NULL;) {
        if (tr_soak_record_is_left(folder, entry->d_name))
            tell_of(output, folder, entry->d_name);
    }
    if (entries)
        closedir(entries);
}

/* A second soak of the same second gets "_2". */
int tr_soak_place_find(const struct tr_output_options *output, const char *host_id,
                       const char *boot_id, struct tr_soak_place *place, struct tr_err *reterr) {
    char *folder = NULL;
    int code = tr_data_folder(NULL, host_id, "soak", &folder, reterr);
    if (!code)
        code = tr_make_folders(folder, reterr);
    if (!code) {
        tr_soak_record_mark_killed(folder, boot_id);
        tell_of_others(output, folder);
    }
    tr_soak_now(place->created);
    for (int i = 1; !code && i < 10; i++) {
        char suffix[4] = "";
        if (i > 1)
            suffix[0] = '_', suffix[1] = (char)('0' + i);
        tr_soak_place_finish(place);
        place->record = tr_format("%s/%s%s.jsonl", folder, place->created, suffix);
        place->document = tr_format("%s/%s%s.json", folder, place->created, suffix);
        if (!place->record || !place->document)
            code = TR_ENOMEM;
        else if (access(place->record, F_OK) && access(place->document, F_OK))
            break;
    }
    free(folder);
    return code;
}

int tr_soak_place_save(const json_t *document, const struct tr_soak_place *place,
                       struct tr_err *reterr) {
    struct tr_strbuf text = {0};
    int code = tr_json_print(document, &text);
    if (!code && text.failed)
        code = TR_ENOMEM;
    if (!code)
        code = tr_file_write(place->document, text.text, text.length, false, reterr);
    if (!code)
        unlink(place->record);
    tr_strbuf_finish(&text);
    return code;
}
