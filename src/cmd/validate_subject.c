#include "validate_subject.h"

#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "facts.h"
#include "machine_json.h"
#include "rates.h"
#include "soak_record.h"

void tr_subject_finish(struct tr_subject *subject) {
    tr_machine_destroy(subject->looked_at);
    tr_calibration_destroy(subject->calibration);
    json_decref(subject->machine);
    tr_strings_finish(&subject->stale);
    json_decref(subject->soak);
    free(subject->soak_path);
    free(subject->boot_id);
}

static bool has_overrides(const struct tr_overrides *overrides) {
    return overrides->channels > 0 || overrides->mts > 0 || overrides->fclk_mhz > 0 ||
           overrides->ccds > 0;
}

static int look_at(const struct tr_subject_sources *from, struct tr_subject *subject,
                   struct tr_err *reterr) {
    int code = tr_machine_load(from->machine, &subject->looked_at, reterr);
    if (code)
        return from->machine->source ? tr_err_of_input(code) : code;
    subject->is_now = !from->machine->source;
    subject->boot_id = tr_boot_id(subject->looked_at);
    return tr_machine_to_json(subject->looked_at, &subject->machine);
}

static int find_calibration(const struct tr_subject_sources *from, struct tr_subject *subject,
                            struct tr_err *reterr) {
    struct tr_err why = {0};
    int code;
    if (from->calibration)
        return tr_err_of_input(
            tr_calibration_read(from->calibration, &subject->calibration, reterr));
    if (from->machine->source)
        return 0; /* of another machine nothing was measured here */
    code = tr_rates_find_calibration(&subject->calibration, &subject->stale, &why);
    if (code == TR_EUNAVAILABLE) {
        tr_note(from->output, "%s", why.text);
        return 0;
    }
    return code ? tr_err_set(reterr, code, "%s", why.text) : 0;
}

/* The named one, or the newest of the machine that is looked at, as it is set; recordings without
 * an id have none. */
static int find_soak(const struct tr_subject_sources *from, struct tr_subject *subject,
                     struct tr_err *reterr) {
    const char *host_id = tr_fact_text(subject->machine, "host_id");
    /* In which boot the machine is now only it itself can tell. */
    const char *boot_id = subject->is_now ? subject->boot_id : NULL;
    json_t *soak = NULL;
    char *path = from->soak ? strdup(from->soak) : NULL;
    int code = from->soak && !path ? TR_ENOMEM : 0;
    if (!code && from->soak)
        code = tr_err_of_input(tr_soak_record_tell(from->soak, boot_id, &soak, reterr));
    else if (!code && host_id)
        code = tr_soak_record_find(host_id, subject->machine, boot_id, from->output, &soak, &path,
                                   reterr);
    subject->soak = soak;
    subject->soak_path = path;
    const char *soaked = code ? NULL : tr_fact_text(soak, "host_id");
    if (!code && from->soak && soaked && host_id && strcmp(soaked, host_id) != 0)
        code = tr_err_set(reterr, TR_EFORMAT,
                          "%.300s: host_id: expected %.60s, the machine that is checked, found "
                          "%.60s: it is of another machine",
                          from->soak, host_id, soaked);
    return code;
}

/* A recording is held against figures of the same machine, as far as both tell: by its processor's
 * row of the catalogue before its name, which firmware may write otherwise. */
static int check_same(const char *path, const struct tr_subject *subject, struct tr_err *reterr) {
    static const char *const facts[] = {"host_id", "platform_row.name", "cpu.model"};
    bool same = false;
    const json_t *measured = json_object_get(subject->calibration->document, "machine");
    for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]) && !same; i++) {
        const char *wanted = tr_fact_text(subject->machine, facts[i]);
        const char *found = tr_fact_text(measured, facts[i]);
        if (wanted && found && strcmp(wanted, found) != 0)
            return tr_err_set(reterr, TR_EFORMAT,
                              "%.300s: machine.%s: expected '%.60s', the machine that is checked, "
                              "found '%.60s': it is of another machine",
                              path, facts[i], wanted, found);
        same = wanted && found;
    }
    return 0;
}

/* The machine as it was when the file was measured. */
static int take_from_file(const char *path, struct tr_subject *subject, struct tr_err *reterr) {
    const json_t *document = subject->calibration->document;
    const char *boot_id = tr_fact_text(document, "conditions.boot_id");
    subject->machine = json_incref(json_object_get(document, "machine"));
    if (!subject->machine)
        return tr_err_set(reterr, TR_EFORMAT, "%.300s: machine: expected an object", path);
    subject->boot_id = boot_id ? strdup(boot_id) : NULL;
    return boot_id && !subject->boot_id ? TR_ENOMEM : 0;
}

static int load(const struct tr_subject_sources *from, struct tr_subject *subject,
                struct tr_err *reterr) {
    bool overrides = has_overrides(&from->machine->overrides);
    bool from_file = from->calibration && !from->machine->source;
    int code = find_calibration(from, subject, reterr);
    if (!code && from_file && overrides)
        return tr_err_set(
            reterr, TR_EUSAGE,
            "--channels, --mts, --fclk and --ccds do not go with --calibration alone: "
            "its limits were told when it was measured");
    if (!code && from_file) {
        code = take_from_file(from->calibration, subject, reterr);
    } else if (!code) {
        code = look_at(from, subject, reterr);
        if (!code && from->calibration)
            code = check_same(from->calibration, subject, reterr);
    }
    if (code)
        return code;
    bool own = subject->calibration && !overrides;
    subject->limits = own ? subject->calibration->limits : subject->looked_at->limits;
    subject->n_limits = own ? subject->calibration->n_limits : subject->looked_at->n_limits;
    return 0;
}

int tr_subject_load(const struct tr_subject_sources *from, struct tr_subject *subject,
                    struct tr_err *reterr) {
    int code = load(from, subject, reterr);
    return code ? code : find_soak(from, subject, reterr);
}
