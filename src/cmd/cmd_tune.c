/* tokenroof tune: settings of one machine, tried one after the other over restarts. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "predictions.h"
#include "soak_conditions.h"
#include "spec_platforms.h"
#include "tune_announce.h"
#include "tune_measure.h"
#include "tune_plan.h"
#include "tune_session.h"
#include "tune_text.h"

enum job { START, RECORD, SHOW, BEST, JOBS };
static const char *const job_names[JOBS + 1] = {"start", "record", "show", "best", NULL};

struct tune_options {
    struct tr_output_options output;
    struct tr_progress_options progress;
    const char *label, *what_if, *model, *base;
    double seconds, boots_sd_percent, soak_minutes; /* NAN: not given */
    int by;
    bool fresh, dry_run;
};

static const struct tune_options defaults = {
    .seconds = NAN, .boots_sd_percent = NAN, .soak_minutes = NAN, .by = TR_TUNE_FIGURES};
static const double default_seconds = 60;

#define MEMBER(name) offsetof(struct tune_options, name)
static const struct tr_option rows[] = {
    {.name = "label",
     .argument = "TEXT",
     .store = tr_store_text,
     .offset = MEMBER(label),
     .brief = true,
     .help = "start, record: the setting, e.g. \"FCLK 2133, 6400 CL30\""},
    {.name = "what-if",
     .argument = "LIST",
     .store = tr_store_text,
     .offset = MEMBER(what_if),
     .brief = true,
     .help = "start, record: its clocks, mts=6400,fclk=2133: what it can bring at most"},
    {.name = "seconds",
     .argument = "S",
     .store = tr_store_double,
     .offset = MEMBER(seconds),
     .min = 1,
     .max = 86400,
     .brief = true,
     .help = "record: no round is begun after so many; default: 60"},
    {.name = "by",
     .argument = "FIGURE",
     .store = tr_store_choice,
     .offset = MEMBER(by),
     .choices = tr_tune_figure_names,
     .brief = true,
     .help = "what decides: read (default), copy, triad, latency, fma, pp or tg"},
    {.name = "boots-sd",
     .argument = "PERCENT",
     .store = tr_store_double,
     .offset = MEMBER(boots_sd_percent),
     .min = 0.001,
     .max = 100,
     .brief = true,
     .help = "known standard deviation between boots; then one boot is enough"},
    {.name = "base",
     .argument = "TEXT",
     .store = tr_store_text,
     .offset = MEMBER(base),
     .help = "setting that the others are compared with; default: the first one"},
    {.name = "soak-minutes",
     .argument = "N",
     .store = tr_store_double,
     .offset = MEMBER(soak_minutes),
     .min = 0,
     .max = 100000,
     .help = "a soak that passed counts from this length on; default: 10"},
    {.name = "new",
     .store = tr_store_true,
     .offset = MEMBER(fresh),
     .help = "start: a new session, in place of the one that is open"},
    {.name = "model",
     .argument = "NAME",
     .store = tr_store_text,
     .offset = MEMBER(model),
     .help = "start --new: whose speed to predict; default: llama-3.1-8b-q4_k_m"},
    {.name = "dry-run",
     .store = tr_store_true,
     .offset = MEMBER(dry_run),
     .help = "record: show the plan of a round with time and memory, and stop"},
};

/* Options that say nothing to a job are mistakes. */
static int check_job(const struct tune_options *options, enum job job, struct tr_err *reterr) {
    const struct {
        const char *name;
        bool given, fits;
    } given[] = {
        {"label", options->label, job == START || job == RECORD},
        {"what-if", options->what_if, job == START || job == RECORD},
        {"seconds", !isnan(options->seconds), job == RECORD},
        {"by", options->by != TR_TUNE_FIGURES, job != START},
        {"boots-sd", !isnan(options->boots_sd_percent), job != START},
        {"base", options->base, job != START},
        {"soak-minutes", !isnan(options->soak_minutes), job == SHOW || job == BEST},
        {"new", options->fresh, job == START},
        {"model", options->model, job == START},
        {"dry-run", options->dry_run, job == RECORD},
    };
    for (size_t i = 0; i < sizeof(given) / sizeof(given[0]); i++)
        if (given[i].given && !given[i].fits)
            return tr_err_set(reterr, TR_EUSAGE, "--%s does not go with %s", given[i].name,
                              job_names[job]);
    struct tr_overrides overrides = {0};
    int cores = 0;
    return options->what_if ? tr_what_if_read(options->what_if, &overrides, &cores, reterr) : 0;
}

struct shown {
    const struct tr_tune *tune;
    const struct tr_tune_judgement *judgement;
    const char *before; /* text in front of the tables, e.g. what was announced; NULL without */
    enum job job;
};

static int render(const char *format, const struct tr_term *term, const void *data,
                  struct tr_strbuf *out, struct tr_err *reterr) {
    const struct shown *shown = data;
    if (!strcmp(format, "text")) {
        if (shown->before)
            tr_strbuf_add(out, shown->before);
        else if (shown->job == BEST)
            tr_tune_best_text(shown->tune, shown->judgement, term, out);
        else
            tr_tune_text(shown->tune, shown->judgement, term, out);
        return 0;
    }
    if (!strcmp(format, "csv")) {
        tr_tune_csv(shown->tune, shown->judgement, out);
        return 0;
    }
    if (!strcmp(format, "markdown")) {
        tr_tune_markdown(shown->tune, shown->judgement, out);
        return 0;
    }
    if (!strcmp(format, "html"))
        return tr_tune_html(shown->tune, shown->judgement, out, reterr);
    json_t *document = NULL;
    int code = tr_tune_to_json(shown->tune, shown->judgement, &document);
    if (!code)
        code = tr_json_print(document, out);
    json_decref(document);
    return code;
}

static struct tr_tune_options judging(const struct tune_options *options) {
    return (struct tr_tune_options){
        .by = options->by == TR_TUNE_FIGURES ? TR_TUNE_READ : (enum tr_tune_figure)options->by,
        .base = options->base,
        .boots_sd = options->boots_sd_percent / 100,
        .soak_minutes =
            isnan(options->soak_minutes) ? tr_soak_least_minutes : options->soak_minutes};
}

/* `before`: as in struct shown. *ret_best, if asked for: whether any passed its soak. */
static int show(const struct tune_options *options, const struct tr_tune_session *session,
                enum job job, const char *before, bool *ret_best, struct tr_err *reterr) {
    struct tr_tune_judgement judgement = {0};
    const struct tr_tune_options how = judging(options);
    int code = tr_tune_judge(&session->tune, &session->soaks, &how, &judgement, reterr);
    const struct shown shown = {&session->tune, &judgement, before, job};
    if (!code)
        code = tr_output_write(&options->output, "text", render, &shown, reterr);
    if (!code && ret_best)
        *ret_best = judgement.best != SIZE_MAX;
    tr_tune_judgement_finish(&judgement);
    return code;
}

/* --- sessions ------------------------------------------------------------------------------ */

/* A new session takes its place: what was lost in it is marked before. Whatever else is wrong with
 * it is why a new one is begun. */
static int close_previous(const struct tune_options *options) {
    struct tr_tune_session session;
    struct tr_err none = {0};
    int code = tr_tune_session_open(&session, &options->output, true, &none);
    if (!code)
        code = tr_tune_session_mark_given_up(&session, "", &none);
    tr_tune_session_finish(&session);
    return code == TR_ENOMEM ? code : 0;
}

static int open_session(const struct tune_options *options, struct tr_tune_session *session,
                        struct tr_err *reterr) {
    const char *model = options->model ? options->model : "llama-3.1-8b-q4_k_m";
    struct tr_model *known = NULL;
    struct tr_err none = {0};
    int code = options->fresh ? TR_EUNAVAILABLE
                              : tr_tune_session_open(session, &options->output, true, &none);
    if (code == TR_EUNAVAILABLE) {
        tr_tune_session_finish(session);
        code = tr_err_of_input(tr_model_load(model, &known, reterr));
        tr_model_destroy(known);
        if (!code && options->fresh)
            code = close_previous(options);
        return code ? code : tr_tune_session_create(session, &options->output, model, reterr);
    }
    if (code)
        return tr_err_set(reterr, code, "%s", none.text);
    if (options->model && (!session->tune.model || strcmp(options->model, session->tune.model)))
        return tr_err_set(reterr, TR_EUSAGE,
                          "--model: this session predicts %.100s. Give --new for a new one",
                          session->tune.model ? session->tune.model : "nothing");
    return 0;
}

static int start(const struct tune_options *options, struct tr_err *reterr) {
    struct tr_tune_session session = {.file = {.fd = -1}};
    struct tr_strbuf text = {0}, step = {0};
    int code = open_session(options, &session, reterr);
    const char *label = options->label                 ? options->label
                        : session.tune.n_settings == 0 ? "baseline"
                                                       : NULL;
    if (!code && !label)
        code = tr_err_set(reterr, TR_EUSAGE,
                          "--label is missing: what is to be tried? A new session: --new");
    if (!code && label)
        code = tr_tune_announce(&session, label, options->what_if, &step, reterr);
    char *printable = tr_printable(label ? label : "");
    if (!code) {
        tr_strbuf_addf(&text, "trying       %s\n%srecord       %s\n", printable,
                       step.length ? step.text : "", session.path);
        tr_strbuf_add(&text, "next         restart with this setting if it takes one, then: "
                             "tokenroof tune record\n");
        code = text.failed || step.failed || !printable ? TR_ENOMEM : 0;
    }
    if (!code)
        code = show(options, &session, START, text.text, NULL, reterr);
    free(printable);
    tr_strbuf_finish(&step);
    tr_strbuf_finish(&text);
    tr_tune_session_finish(&session);
    return code;
}

/* --- measuring ------------------------------------------------------------------------------- */

/* The label that was given, else what was announced, else what was recorded last. */
static int label_of(const struct tune_options *options, const struct tr_tune *tune,
                    char **ret_label, struct tr_err *reterr) {
    const char *label = options->label;
    if (!label && tune->trying != SIZE_MAX)
        label = tune->settings[tune->trying].label;
    if (!label && tune->n_recordings)
        label = tune->settings[tune->recordings[tune->n_recordings - 1].setting].label;
    if (!label)
        return tr_err_set(reterr, TR_EUSAGE, "--label is missing: under which setting?");
    *ret_label = strdup(label);
    return *ret_label ? 0 : TR_ENOMEM;
}

static int measure(const struct tune_options *options, struct tr_tune_session *session,
                   struct tr_err *reterr) {
    char *label = NULL;
    struct tr_strbuf step = {0};
    int code = label_of(options, &session->tune, &label, reterr);
    if (!code && (options->what_if || tr_tune_find(&session->tune, label) == SIZE_MAX))
        code = tr_tune_announce(session, label, options->what_if, &step, reterr);
    else if (!code)
        code = tr_tune_session_mark_given_up(session, label, reterr);
    if (!code && step.length)
        tr_note(&options->output, "%.*s", (int)step.length - 1, step.text);
    const struct tr_tune_measure how = {.session = session,
                                        .progress = &options->progress,
                                        .label = label,
                                        .options = judging(options),
                                        .seconds = isnan(options->seconds) ? default_seconds
                                                                           : options->seconds};
    if (!code)
        code = tr_tune_measure(&how, reterr);
    free(label);
    tr_strbuf_finish(&step);
    return code;
}

static int record(const struct tune_options *options, struct tr_err *reterr) {
    struct tr_tune_session session = {.file = {.fd = -1}};
    struct tr_err problem = {0};
    if (options->dry_run)
        return tr_tune_print_plan(&options->output, &options->progress, reterr);
    int code = open_session(options, &session, reterr), shown = 0;
    size_t before = session.tune.n_recordings;
    if (!code)
        code = measure(options, &session, reterr);
    /* What there is is shown where it is doubtful, too. */
    bool measured = session.tune.n_recordings > before;
    if (!code || (measured && (code == TR_EUNTRUSTED || code == TR_EFAIL)))
        shown = show(options, &session, RECORD, NULL, NULL, &problem);
    if (shown)
        code = tr_err_set(reterr, shown, "%s", problem.text);
    tr_tune_session_finish(&session);
    return code;
}

/* --- looking --------------------------------------------------------------------------------- */

static int look(const struct tune_options *options, enum job job, const char *path,
                struct tr_err *reterr) {
    struct tr_tune_session session = {.file = {.fd = -1}};
    bool best = true;
    int code = path ? tr_tune_session_read(&session, path, reterr)
                    : tr_tune_session_open(&session, &options->output, false, reterr);
    if (!code)
        code = show(options, &session, job, NULL, job == BEST ? &best : NULL, reterr);
    if (!code && !best)
        code = TR_ECHECK; /* the text has said what is missing */
    tr_tune_session_finish(&session);
    return code;
}

static int run(void *data, char *const *arguments, size_t n, struct tr_err *reterr) {
    const struct tune_options *options = data;
    enum job job = START;
    while (job < JOBS && strcmp(arguments[0], job_names[job]) != 0)
        job++;
    if (job == JOBS)
        return tr_unknown("job", arguments[0], job_names, reterr);
    int code = check_job(options, job, reterr);
    if (!code && n > 1 && (job == START || job == RECORD))
        code = tr_err_set(reterr, TR_EUSAGE, "%s takes no file. A setting's name is --label",
                          job_names[job]);
    if (code)
        return code;
    if (job == START)
        return start(options, reterr);
    if (job == RECORD)
        return record(options, reterr);
    return look(options, job, n > 1 ? arguments[1] : NULL, reterr);
}

static const char *const formats[] = {"text", "json", "csv", "markdown", "html", NULL};
static const struct tr_option_group groups[] = {
    {"tuning", TR_ROWS(rows), 0, NULL},
    TR_GROUP_PROGRESS(struct tune_options, progress),
    TR_GROUP_OUTPUT,
    TR_GROUP_END,
};

const struct tr_command tr_command_tune = {
    .usage = "start|record|show|best [FILE] [options]",
    .about = "start writes down what is tried, before it is; record measures it until it can\n"
             "be told from the best so far, or says that it cannot; show has all settings;\n"
             "best is the best that passed tokenroof soak (status 5: none did). Memory trains\n"
             "anew in each boot: better takes three boots of a setting, or --boots-sd. What\n"
             "was tried when the machine crashed is marked by the next start, record or show.\n",
    .examples = "  tokenroof tune start && tokenroof tune record\n"
                "  tokenroof tune start --label \"FCLK 2133, 6400 CL30\"; reboot\n"
                "  tokenroof tune record && tokenroof soak --minutes 60 && tokenroof tune best\n",
    .groups = groups,
    .formats = formats,
    .options_bytes = sizeof(struct tune_options),
    .defaults = &defaults,
    .min_arguments = 1,
    .max_arguments = 2,
    .argument = "start, record, show or best",
    .measures = true,
    .run = run,
};
