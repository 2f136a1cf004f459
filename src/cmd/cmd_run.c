/* tokenroof (run): the main job. Measures this machine, sets it against its limits, predicts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "measured_rates.h"
#include "measuring.h"
#include "rates.h"
#include "report.h"

enum { MAX_MODELS = 16, REPORT_COLUMNS = 100 };

struct run_options {
    struct tr_output_options output;
    struct tr_machine_options machine;
    struct tr_progress_options progress;
    bool dry_run;
};

/* Measuring time in seconds; setting up, checking and predicting come on top. */
static const double budget_s = 22;

/* Predictions and the models they point to. */
struct predicted {
    struct tr_model *models[MAX_MODELS];
    struct tr_prediction *predictions[MAX_MODELS];
    size_t n;
};

static void predicted_finish(struct predicted *predicted) {
    for (size_t i = 0; i < predicted->n; i++) {
        tr_prediction_destroy(predicted->predictions[i]);
        tr_model_destroy(predicted->models[i]);
    }
}

/* The default models and use cases, from the rates just measured. */
static int predict(const struct tr_calibration *calibration, struct predicted *predicted,
                   struct tr_err *reterr) {
    struct tr_rates rates = {0};
    struct tr_measured measured = {0};
    size_t n_cases;
    const struct tr_use_case *cases = tr_use_cases(&n_cases);
    const char *const *names = tr_model_default_names();
    int code = tr_rates_from_calibration(calibration, 0, &rates, reterr);
    if (!code)
        code = tr_measured_from_calibration(calibration, &measured);
    const struct tr_basis basis = tr_basis_from(calibration, &rates, &measured);
    for (size_t i = 0; !code && names[i] && i < MAX_MODELS; i++) {
        struct tr_model *model = NULL;
        struct tr_prediction *prediction = NULL;
        code = tr_model_from_catalogue(names[i], &model, reterr);
        if (!code)
            code = tr_predict_finest(model, &basis, cases, n_cases, &prediction, reterr);
        if (code) {
            tr_model_destroy(model);
            break;
        }
        predicted->models[predicted->n] = model;
        predicted->predictions[predicted->n++] = prediction;
    }
    tr_measured_finish(&measured);
    return code;
}

static int render(const char *format, const struct tr_term *term, const void *data,
                  struct tr_strbuf *out, struct tr_err *reterr) {
    struct tr_report_input input = *(const struct tr_report_input *)data;
    input.term = *term;
    return tr_report_render(format, &input, out, reterr);
}

/* The report as text beside the calibration file: same name, extension txt. */
static int save_report(const struct tr_report_input *input, char **ret_path,
                       struct tr_err *reterr) {
    struct tr_strbuf text = {0};
    const char *calibration = input->calibration->path;
    size_t stem = strlen(calibration);
    if (stem > 5 && !strcmp(calibration + stem - 5, ".json"))
        stem -= 5;
    char *path = tr_format("%.*s.txt", (int)stem, calibration);
    const struct tr_term term = {.width = REPORT_COLUMNS, .unicode = true};
    struct tr_report_input whole = *input;
    whole.verbose = true;
    int code = path ? render("text", &term, &whole, &text, reterr) : TR_ENOMEM;
    if (!code && text.failed)
        code = TR_ENOMEM;
    if (!code)
        code = tr_file_write(path, text.text, text.length, true, reterr);
    tr_strbuf_finish(&text);
    if (code) {
        free(path);
        return code;
    }
    *ret_path = path;
    return 0;
}

/* Everything after the measurement; the files are written even where the figures are doubtful. */
static int deliver(const struct run_options *options, const struct tr_machine *machine,
                   struct tr_calibration *calibration, struct tr_err *reterr) {
    struct predicted predicted = {0};
    struct tr_err no_prediction = {0};
    char *report_path = NULL;
    int code = tr_calibration_save(calibration, NULL, machine->host_id, reterr);
    /* An interrupted run may have no read rate: the report says what there is. */
    int unpredicted = predict(calibration, &predicted, &no_prediction);
    struct tr_report_input input = {
        .calibration = calibration,
        .predictions = predicted.predictions,
        .n_predictions = predicted.n,
        .verbose = options->output.verbose > 0,
    };
    if (!code)
        code = save_report(&input, &report_path, reterr);
    int written = tr_output_write(&options->output, "text", render, &input, code ? NULL : reterr);
    if (!code)
        code = written;
    if (unpredicted)
        tr_note(&options->output, "no predictions: %s", no_prediction.text);
    if (report_path) {
        tr_note(&options->output, "calibration  %s", calibration->path);
        tr_note(&options->output, "report       %s", report_path);
    }
    free(report_path);
    predicted_finish(&predicted);
    return code;
}

static int run(void *data, char *const *arguments, size_t n_arguments, struct tr_err *reterr) {
    struct run_options *options = data;
    struct tr_measuring measuring = {0};
    struct tr_calibration *calibration = NULL;
    const struct tr_plan_options plan = {
        .isa_cap = -1, .seconds = budget_s, .effort = TR_EFFORT_RUN};
    (void)arguments;
    (void)n_arguments;

    int code = tr_measuring_init(&measuring, &options->output, &options->progress,
                                 &options->machine, &plan, reterr);
    if (!code && options->dry_run) {
        code = tr_measuring_print_plan(&measuring, reterr);
    } else if (!code) {
        tr_measuring_announce(&measuring);
        code = tr_measuring_run(&measuring, &calibration, reterr);
        struct tr_err problem = {0};
        int delivered = 0;
        if (calibration && (calibration->n_measurements || code != TR_ESTOPPED))
            delivered = deliver(options, measuring.machine, calibration, &problem);
        else if (calibration && reterr)
            tr_err_set(reterr, code, "stopped before anything was measured: nothing is kept");
        /* A failure to write matters more than a doubt about the figures. */
        if (delivered && code == TR_ESTOPPED) {
            tr_note(&options->output, "%s", problem.text);
        } else if (delivered) {
            code = delivered;
            if (reterr)
                *reterr = problem;
        }
    }
    tr_calibration_destroy(calibration);
    tr_measuring_finish(&measuring);
    return code;
}

#define MEMBER(name) offsetof(struct run_options, name)
static const struct tr_option rows[] = {
    {.name = "dry-run",
     .store = tr_store_true,
     .offset = MEMBER(dry_run),
     .brief = true,
     .help = "show the plan with time and memory, and stop"},
};

static const char *const formats[] = {"text",     "json", "jsonl",      "csv",
                                      "markdown", "html", "prometheus", NULL};
static const struct tr_option_group groups[] = {
    {"what is measured", TR_ROWS(rows), 0, NULL},
    TR_GROUP_OVERRIDES(struct run_options, machine),
    TR_GROUP_PROGRESS(struct run_options, progress),
    TR_GROUP_OUTPUT,
    TR_GROUP_END,
};

const struct tr_command tr_command_run = {
    .usage = "[options]",
    .about = "Takes about 40 s. The calibration and the report are kept in\n"
             "$XDG_DATA_HOME/tokenroof/<host id>/ and named at the end.\n",
    .examples = "  tokenroof                       measure, compare with the limits, predict\n"
                "  sudo tokenroof                  the same, with the memory modules read\n"
                "  tokenroof --channels 12 --mts 4800 --fclk 1800\n"
                "  tokenroof --json > machine.json\n",
    .groups = groups,
    .formats = formats,
    .options_bytes = sizeof(struct run_options),
    .measures = true,
    .run = run,
};
