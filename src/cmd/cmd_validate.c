/* tokenroof validate: does a machine deliver what it should, or what was bought? */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "facts.h"
#include "figure_sets.h"
#include "file.h"
#include "machine_json.h"
#include "predictions.h"
#include "rates.h"
#include "runs.h"
#include "soak_record.h"
#include "tokenroof/machine.h"
#include "validate.h"
#include "validate_text.h"

enum { MAX_MODELS = 16 };

struct validate_options {
    struct tr_output_options output;
    struct tr_machine_options machine;
    const char *calibration; /* NULL: this host's newest */
    const char *expect;      /* NULL without */
    const char *write;       /* NULL without */
    const char *soak;        /* NULL: this host's newest */
    const char *models;      /* for `write` */
    double margin_percent;   /* for `write` */
};

#define MEMBER(name) offsetof(struct validate_options, name)
static const struct tr_option rows[] = {
    {.name = "calibration",
     .argument = "FILE",
     .store = tr_store_text,
     .offset = MEMBER(calibration),
     .brief = true,
     .help = "what was measured; default: this machine's newest"},
    {.name = "expect",
     .argument = "FILE",
     .store = tr_store_text,
     .offset = MEMBER(expect),
     .brief = true,
     .help = "what was bought (JSON, tokenroof.expectation/1)"},
    {.name = "write-expectation",
     .argument = "FILE",
     .store = tr_store_text,
     .offset = MEMBER(write),
     .brief = true,
     .help = "make such a file from this machine, a good one"},
    {.name = "margin",
     .argument = "PERCENT",
     .store = tr_store_double,
     .offset = MEMBER(margin_percent),
     .min = 0,
     .max = 90,
     .help = "how far others may fall short of it; default: 5"},
    {.name = "soak",
     .argument = "FILE",
     .store = tr_store_text,
     .offset = MEMBER(soak),
     .help = "result of tokenroof soak; default: this machine's newest"},
    {.name = "model",
     .argument = "LIST",
     .store = tr_store_text,
     .offset = MEMBER(models),
     .help = "models whose speed is written into it, or none"},
};

/* What is checked. `machine` and `limits` belong to one of the others. */
struct subject {
    struct tr_machine *looked_at; /* NULL: all is from the calibration */
    struct tr_calibration *calibration;
    json_t *machine;
    const struct tr_limit *limits;
    size_t n_limits;
    struct tr_strings stale; /* what is no longer as it was when it was measured */
    json_t *soak;            /* NULL: none */
    char *soak_path;
    bool is_now;   /* the machine is this one as it is */
    char *boot_id; /* in which the machine is, or was when it was measured; NULL unknown */
};

static void subject_finish(struct subject *subject) {
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

static int look_at(const struct validate_options *options, struct subject *subject,
                   struct tr_err *reterr) {
    int code = tr_machine_load(&options->machine, &subject->looked_at, reterr);
    if (code)
        return options->machine.source ? tr_err_of_input(code) : code;
    subject->is_now = !options->machine.source;
    subject->boot_id = tr_boot_id(subject->looked_at);
    return tr_machine_to_json(subject->looked_at, &subject->machine);
}

static int find_calibration(const struct validate_options *options, struct subject *subject,
                            struct tr_err *reterr) {
    struct tr_err why = {0};
    int code;
    if (options->calibration)
        return tr_err_of_input(
            tr_calibration_read(options->calibration, &subject->calibration, reterr));
    if (options->machine.source)
        return 0; /* of another machine nothing was measured here */
    code = tr_rates_find_calibration(&subject->calibration, &subject->stale, &why);
    if (code == TR_EUNAVAILABLE) {
        tr_note(&options->output, "%s", why.text);
        return 0;
    }
    return code ? tr_err_set(reterr, code, "%s", why.text) : 0;
}

/* The named one, or the newest of the machine that is looked at, as it is set; recordings without
 * an id have none. */
static int find_soak(const struct validate_options *options, struct subject *subject,
                     struct tr_err *reterr) {
    const char *host_id = tr_fact_text(subject->machine, "host_id");
    /* In which boot the machine is now only it itself can tell. */
    const char *boot_id = subject->is_now ? subject->boot_id : NULL;
    json_t *soak = NULL;
    char *path = options->soak ? strdup(options->soak) : NULL;
    int code = options->soak && !path ? TR_ENOMEM : 0;
    if (!code && options->soak)
        code = tr_err_of_input(tr_soak_record_tell(options->soak, boot_id, &soak, reterr));
    else if (!code && host_id)
        code = tr_soak_record_find(host_id, subject->machine, boot_id, &options->output, &soak,
                                   &path, reterr);
    subject->soak = soak;
    subject->soak_path = path;
    const char *soaked = code ? NULL : tr_fact_text(soak, "host_id");
    if (!code && options->soak && soaked && host_id && strcmp(soaked, host_id) != 0)
        code = tr_err_set(reterr, TR_EFORMAT,
                          "%.300s: host_id: expected %.60s, the machine that is checked, found "
                          "%.60s: it is of another machine",
                          options->soak, host_id, soaked);
    return code;
}

/* A recording is held against figures of the same machine, as far as both tell: by its processor's
 * row of the catalogue before its name, which firmware may write otherwise. */
static int check_same(const char *path, const struct subject *subject, struct tr_err *reterr) {
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
static int take_from_file(const char *path, struct subject *subject, struct tr_err *reterr) {
    const json_t *document = subject->calibration->document;
    const char *boot_id = tr_fact_text(document, "conditions.boot_id");
    subject->machine = json_incref(json_object_get(document, "machine"));
    if (!subject->machine)
        return tr_err_set(reterr, TR_EFORMAT, "%.300s: machine: expected an object", path);
    subject->boot_id = boot_id ? strdup(boot_id) : NULL;
    return boot_id && !subject->boot_id ? TR_ENOMEM : 0;
}

static int subject_load(const struct validate_options *options, struct subject *subject,
                        struct tr_err *reterr) {
    bool overrides = has_overrides(&options->machine.overrides);
    bool from_file = options->calibration && !options->machine.source;
    int code = find_calibration(options, subject, reterr);
    if (!code && from_file && overrides)
        return tr_err_set(
            reterr, TR_EUSAGE,
            "--channels, --mts, --fclk and --ccds do not go with --calibration alone: "
            "its limits were told when it was measured");
    if (!code && from_file) {
        code = take_from_file(options->calibration, subject, reterr);
    } else if (!code) {
        code = look_at(options, subject, reterr);
        if (!code && options->calibration)
            code = check_same(options->calibration, subject, reterr);
    }
    if (code)
        return code;
    bool own = subject->calibration && !overrides;
    subject->limits = own ? subject->calibration->limits : subject->looked_at->limits;
    subject->n_limits = own ? subject->calibration->n_limits : subject->looked_at->n_limits;
    return 0;
}

/* --- speeds of models ------------------------------------------------------------------------ */

struct speeds {
    struct tr_model *models[MAX_MODELS];
    struct tr_model_speed items[MAX_MODELS];
    size_t n;
};

static int predict_speeds(const struct tr_calibration *calibration, struct speeds *speeds,
                          struct tr_err *reterr) {
    int code = 0;
    for (size_t i = 0; !code && i < speeds->n; i++) {
        struct tr_model_speed *speed = &speeds->items[i];
        *speed = (struct tr_model_speed){
            .model = speeds->models[i]->name, .pp_tok_s = NAN, .tg_tok_s = NAN};
        if (!calibration)
            continue;
        const struct tr_measurement *read = tr_calibration_read_rate(calibration);
        speed->untrusted = read && tr_doubt_of(read);
        code = tr_run_speed(calibration, speeds->models[i], &speed->pp_tok_s, &speed->tg_tok_s,
                            &speed->tier, reterr);
    }
    return code;
}

static void speeds_finish(struct speeds *speeds) {
    for (size_t i = 0; i < speeds->n; i++)
        tr_model_destroy(speeds->models[i]);
}

/* Those that are expected, under the names by which they are. */
static int expected_speeds(const struct tr_expectation *expectation,
                           const struct tr_calibration *calibration, struct speeds *speeds,
                           struct tr_err *reterr) {
    int code = 0;
    for (size_t i = 0; !code && i < expectation->n_models; i++) {
        if (speeds->n == MAX_MODELS)
            return tr_err_set(reterr, TR_EFORMAT, "%.300s: models: more than %d", expectation->path,
                              MAX_MODELS);
        code = tr_err_of_input(
            tr_model_load(expectation->models[i].model, &speeds->models[speeds->n], reterr));
        speeds->n += !code;
    }
    if (!code)
        code = predict_speeds(calibration, speeds, reterr);
    for (size_t i = 0; !code && i < speeds->n; i++)
        speeds->items[i].model = expectation->models[i].model;
    return code;
}

/* --- results --------------------------------------------------------------------------------- */

struct shown {
    struct tr_checks checks;
    const char *machine, *calibration;
    bool verbose;
};

static int render(const char *format, const struct tr_term *term, const void *data,
                  struct tr_strbuf *out, struct tr_err *reterr) {
    const struct shown *shown = data;
    (void)reterr;
    if (!strcmp(format, "text")) {
        tr_checks_text(&shown->checks, shown->machine, shown->calibration, term, shown->verbose,
                       out);
        return 0;
    }
    if (strcmp(format, "json") != 0)
        return tr_checks_verdicts(&shown->checks, format, out);
    json_t *document = NULL;
    int code = tr_checks_to_json(&shown->checks, shown->machine, shown->calibration, &document);
    if (!code)
        code = tr_json_print(document, out);
    json_decref(document);
    return code;
}

static int write_expectation(const struct validate_options *options, const struct subject *subject,
                             struct tr_err *reterr) {
    struct speeds speeds = {0};
    struct tr_strbuf text = {0};
    json_t *document = NULL;
    if (!subject->calibration)
        return tr_err_set(reterr, TR_EUNAVAILABLE,
                          "--write-expectation: nothing was measured. Run tokenroof first, or give "
                          "--calibration");
    int code = tr_models_load(options->models, speeds.models, MAX_MODELS, &speeds.n, reterr);
    if (!code)
        code = predict_speeds(subject->calibration, &speeds, reterr);
    if (!code)
        code = tr_expectation_of(subject->machine, subject->calibration, speeds.items, speeds.n,
                                 options->margin_percent / 100, &document);
    if (!code)
        code = tr_json_print(document, &text);
    if (!code && text.failed)
        code = TR_ENOMEM;
    if (!code)
        code = tr_file_write(options->write, text.text, text.length, options->output.force, reterr);
    if (!code)
        tr_note(&options->output, "the expectation is in %s", options->write);
    tr_strbuf_finish(&text);
    json_decref(document);
    speeds_finish(&speeds);
    return code;
}

static int add_stale(const struct subject *subject, struct tr_checks *checks) {
    struct tr_check_facts facts = TR_CHECK_OF("since it was measured");
    int code = 0;
    for (size_t i = 0; !code && i < subject->stale.n; i++)
        code = tr_checks_add(checks, TR_CHECK_CONFIGURATION, TR_CHECK_WARN, &facts, "%s",
                             subject->stale.items[i]);
    return code;
}

static int check(const struct validate_options *options, const struct subject *subject,
                 const struct tr_expectation *expectation, struct tr_err *reterr) {
    struct speeds speeds = {0};
    struct shown shown = {.machine = tr_fact_text(subject->machine, "cpu.model"),
                          .calibration = subject->calibration ? subject->calibration->path : NULL,
                          .verbose = options->output.verbose > 0};
    int code = 0;
    if (expectation && subject->calibration)
        code =
            tr_err_of_input(tr_expectation_check_units(expectation, subject->calibration, reterr));
    if (!code && expectation)
        code = expected_speeds(expectation, subject->calibration, &speeds, reterr);
    struct tr_validation validation = {.machine = subject->machine,
                                       .limits = subject->limits,
                                       .n_limits = subject->n_limits,
                                       .calibration = subject->calibration,
                                       .expectation = expectation,
                                       .soak = subject->soak,
                                       .soak_path = subject->soak_path,
                                       .boot_id = subject->boot_id,
                                       .speeds = speeds.items,
                                       .n_speeds = speeds.n};
    if (!code)
        code = add_stale(subject, &shown.checks);
    if (!code)
        code = tr_validate(&validation, &shown.checks);
    if (!code)
        code = tr_output_write(&options->output, "text", render, &shown, reterr);
    if (!code && tr_checks_count(&shown.checks, TR_CHECK_FAIL))
        code = TR_ECHECK; /* the table has said which */
    tr_checks_finish(&shown.checks);
    speeds_finish(&speeds);
    return code;
}

static int run(void *data, char *const *arguments, size_t n, struct tr_err *reterr) {
    const struct validate_options *options = data;
    struct subject subject = {0};
    struct tr_expectation expectation = {0};
    (void)arguments;
    (void)n;
    int code = 0;
    if (options->expect)
        code = tr_err_of_input(tr_expectation_read(options->expect, &expectation, reterr));
    if (!code)
        code = subject_load(options, &subject, reterr);
    if (!code)
        code = find_soak(options, &subject, reterr);
    if (!code && options->write)
        code = write_expectation(options, &subject, reterr);
    if (!code)
        code = check(options, &subject, options->expect ? &expectation : NULL, reterr);
    subject_finish(&subject);
    tr_expectation_finish(&expectation);
    return code;
}

static const struct validate_options defaults = {.models = TR_JUDGED_MODELS, .margin_percent = 5};
static const char *const formats[] = {"text", "json", "csv", "junit", "tap", NULL};
static const struct tr_option_group groups[] = {
    {"checks", TR_ROWS(rows), 0, NULL},
    TR_GROUP_SOURCE(struct validate_options, machine),
    TR_GROUP_OVERRIDES(struct validate_options, machine),
    TR_GROUP_OUTPUT,
    TR_GROUP_END,
};

const struct tr_command tr_command_validate = {
    .usage = "[options]",
    .about = "Each check passes, warns, fails (status 5) or is skipped, with the reason and\n"
             "what to do. Without --expect a machine is held against its own limits and what\n"
             "its class is known to reach; expectations that are not verified only warn.\n"
             "Nothing is measured here: run tokenroof first. Of a recording (--machine) only\n"
             "what it is can be checked.\n",
    .examples = "  tokenroof && tokenroof validate\n"
                "  tokenroof validate --write-expectation good.json\n"
                "  tokenroof validate --expect good.json -f junit:accept.xml\n"
                "  tokenroof validate --machine my-server\n",
    .groups = groups,
    .formats = formats,
    .options_bytes = sizeof(struct validate_options),
    .defaults = &defaults,
    .argument = "argument",
    .run = run,
};
