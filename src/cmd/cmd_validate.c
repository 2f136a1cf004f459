/* tokenroof validate: does a machine deliver what it should, or what was bought? */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "facts.h"
#include "figure_sets.h"
#include "file.h"
#include "predictions.h"
#include "runs.h"
#include "tokenroof/machine.h"
#include "validate.h"
#include "validate_subject.h"
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
    struct tr_err why = {0};
    int code = 0;
    for (size_t i = 0; !code && i < expectation->n_models; i++) {
        if (speeds->n == MAX_MODELS)
            return tr_err_set(reterr, TR_EFORMAT, "%.300s: models: more than %d", expectation->path,
                              MAX_MODELS);
        code = tr_err_of_input(
            tr_model_load(expectation->models[i].model, &speeds->models[speeds->n], &why));
        if (code)
            return tr_err_set(reterr, code == TR_EUSAGE ? TR_EFORMAT : code,
                              "%.300s: models[%zu].model: %s", expectation->path, i, why.text);
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

static int write_expectation(const struct validate_options *options,
                             const struct tr_subject *subject, struct tr_err *reterr) {
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

static int add_stale(const struct tr_subject *subject, struct tr_checks *checks) {
    struct tr_check_facts facts = TR_CHECK_OF("since it was measured");
    int code = 0;
    for (size_t i = 0; !code && i < subject->stale.n; i++)
        code = tr_checks_add(checks, TR_CHECK_CONFIGURATION, TR_CHECK_WARN, &facts, "%s",
                             subject->stale.items[i]);
    return code;
}

static int check(const struct validate_options *options, const struct tr_subject *subject,
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
    const struct tr_subject_sources from = {.machine = &options->machine,
                                            .output = &options->output,
                                            .calibration = options->calibration,
                                            .soak = options->soak};
    struct tr_subject subject = {0};
    struct tr_expectation expectation = {0};
    (void)arguments;
    (void)n;
    int code = 0;
    if (options->expect)
        code = tr_err_of_input(tr_expectation_read(options->expect, &expectation, reterr));
    if (!code)
        code = tr_subject_load(&from, &subject, reterr);
    if (!code && options->write)
        code = write_expectation(options, &subject, reterr);
    if (!code)
        code = check(options, &subject, options->expect ? &expectation : NULL, reterr);
    tr_subject_finish(&subject);
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
