#include "tune_measure.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "figure_sets.h"
#include "measuring.h"
#include "runs.h"
#include "strbuf.h"

/* Measuring time of a round; mapping and filling memory comes on top. */
static const double first_round_s = 6, round_s = 3;
/* Samples are on disk at least so often. */
static const double flush_s = 0.4;

static const char *const rates[] = {"read", "copy", "triad", "fma_f32", "latency"};
static const char *const all[] = {"read",      "copy",      "triad",    "fma_f32",       "latency",
                                  "gemv_q4_k", "gemm_q4_k", "gemm_f16", "attention_f16", "barrier"};
enum { N_RATES = sizeof(rates) / sizeof(rates[0]), N_ALL = sizeof(all) / sizeof(all[0]) };
enum { PROMPT_TOKENS = 512 };

struct recorder {
    const struct tr_tune_measure *measure;
    struct tr_model *model;
    json_t *forms;
    size_t recording, round; /* round: from 1 */
    double *samples[TR_TUNE_FIGURES];
    size_t n_samples[TR_TUNE_FIGURES];
    double begun_s, flushed_s;
    bool untrusted, wrong;
    struct tr_err err; /* of the last doubt, or of writing samples */
    int write_code;
};

static double now_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* --- the plan -------------------------------------------------------------------------------- */

static int most_threads(const struct tr_plan *plan) {
    int most = 0;
    for (size_t i = 0; i < plan->n_groups; i++)
        most = plan->groups[i].crew.n_threads > most ? plan->groups[i].crew.n_threads : most;
    return most;
}

static bool is_chase(const struct tr_step *step) {
    return step->kernel->op->kind == TR_KIND_CHASE;
}

/* Of streams the searched form, of FMA the best instruction set, of products that of a prompt. */
static bool keeps_step(const struct tr_group *group, size_t i) {
    const struct tr_step *step = &group->steps[i];
    if (step->kernel->op->kind == TR_KIND_STREAM)
        return step->searched;
    if (step->kernel->op->kind == TR_KIND_COMPUTE)
        return i + 1 == group->n_steps;
    return strcmp(step->kernel->op->name, "gemm") != 0 || step->shape.n == PROMPT_TOKENS;
}

/* The memory's latency alone: the curve's last point, as a figure of its own. */
static void trim_latency(struct tr_group *group) {
    size_t largest = 0;
    for (size_t i = 0; i < group->n_steps; i++)
        if (group->steps[i].slice_bytes > group->steps[largest].slice_bytes)
            largest = i;
    group->steps[0] = group->steps[largest];
    group->steps[0].result = TR_RESULT_MEASUREMENT;
    group->n_steps = 1;
}

static void trim_group(struct tr_group *group) {
    size_t n = 0;
    if (is_chase(&group->steps[0])) {
        trim_latency(group);
        return;
    }
    for (size_t i = 0; i < group->n_steps; i++)
        if (keeps_step(group, i))
            group->steps[n++] = group->steps[i];
    group->n_steps = n;
}

/* What a selection by name has and a round does without: single threads, further forms, the curve
 * of latencies. */
static void trim(struct tr_plan *plan, double seconds) {
    int threads = most_threads(plan);
    bool chased = false;
    double sum = 0;
    size_t kept = 0;
    for (size_t i = 0; i < plan->n_groups; i++) {
        struct tr_group *group = &plan->groups[i];
        size_t before = group->n_steps;
        bool chase = is_chase(&group->steps[0]);
        if (chase ? chased : group->crew.n_threads != threads) {
            tr_crew_finish(&group->crew);
            free(group->steps);
            continue;
        }
        chased |= chase;
        trim_group(group);
        group->seconds *= (double)group->n_steps / (double)before;
        if (chase)
            group->seconds = 0.1 * seconds;
        sum += chase ? 0 : group->seconds;
        plan->groups[kept++] = *group;
    }
    plan->n_groups = kept;
    for (size_t i = 0; i < plan->n_groups; i++)
        if (!is_chase(&plan->groups[i].steps[0]))
            plan->groups[i].seconds *= 0.9 * seconds / sum;
    plan->seconds = seconds;
    plan->by_name = false; /* the headlines are what counts */
}

/* What is searched for: of an operation on streams, of a product with one type of weights. */
static void form_key(const struct tr_kernel *kernel, char key[64]) {
    bool stream = kernel->op->kind == TR_KIND_STREAM;
    snprintf(key, 64, "%s%s%s", kernel->op->name, stream ? "" : "_",
             stream ? "" : tr_dtype_name(kernel->dtype));
}

/* Forms that the session knows are not searched again. */
static void set_forms(struct tr_plan *plan, const json_t *forms) {
    for (size_t g = 0; g < plan->n_groups; g++) {
        for (size_t i = 0; i < plan->groups[g].n_steps; i++) {
            struct tr_step *step = &plan->groups[g].steps[i];
            char key[64];
            form_key(step->kernel, key);
            const json_t *form = step->searched ? json_object_get(forms, key) : NULL;
            const struct tr_kernel *kernel =
                tr_search_form(step->kernel, json_string_value(json_object_get(form, "kernel")),
                               json_string_value(json_object_get(form, "isa")));
            if (!kernel)
                continue;
            step->kernel = kernel;
            step->searched = false;
        }
    }
}

/* The instruction set may be gone: another machine's disk, or a switch of the firmware. */
static bool can_run(const struct tr_machine *machine, const json_t *forms) {
    const char *op;
    json_t *form;
    json_object_foreach((json_t *)forms, op, form) {
        const char *isa = json_string_value(json_object_get(form, "isa"));
        int level = isa ? tr_isa_from_name(isa) : -1;
        if (level < 0 || !machine->cpu.levels[level].available)
            return false;
    }
    return true;
}

static int plan_round(struct tr_measuring *measuring, const struct tr_output_options *output,
                      const struct tr_progress_options *progress, bool first,
                      struct tr_err *reterr) {
    static const struct tr_machine_options machine = {0};
    const struct tr_plan_options options = {.effort = TR_EFFORT_QUICK,
                                            .kernels = first ? all : rates,
                                            .n_kernels = first ? N_ALL : N_RATES,
                                            .isa_cap = -1,
                                            .seconds = first ? first_round_s : round_s};
    int code = tr_measuring_init(measuring, output, progress, &machine, &options, reterr);
    if (!code)
        trim(&measuring->plan, options.seconds);
    return code;
}

int tr_tune_print_plan(const struct tr_output_options *output,
                       const struct tr_progress_options *progress, struct tr_err *reterr) {
    struct tr_measuring measuring = {0};
    int code = plan_round(&measuring, output, progress, true, reterr);
    if (!code)
        code = tr_measuring_print_plan(&measuring, reterr);
    tr_measuring_finish(&measuring);
    return code;
}

/* --- samples as they come -------------------------------------------------------------------- */

static int figure_of(const struct tr_step *step) {
    if (is_chase(step))
        return TR_TUNE_LATENCY;
    for (int i = 0; i <= TR_TUNE_FMA; i++)
        if (!strcmp(step->kernel->op->name, tr_tune_figure_names[i]))
            return i;
    return -1;
}

static void flush_samples(struct recorder *recorder) {
    size_t n = 0;
    for (size_t i = 0; i < TR_TUNE_FIGURES; i++)
        n += recorder->n_samples[i];
    if (n && !recorder->write_code)
        recorder->write_code = tr_tune_session_add(
            recorder->measure->session,
            tr_tune_line_samples(recorder->round, recorder->samples, recorder->n_samples),
            &recorder->err);
    for (size_t i = 0; i < TR_TUNE_FIGURES; i++)
        recorder->n_samples[i] = 0;
    recorder->flushed_s = now_s();
}

static void take_sample(void *context, const struct tr_step *step, double rate) {
    struct recorder *recorder = context;
    int figure = figure_of(step);
    if (figure < 0 || recorder->write_code)
        return;
    size_t n = recorder->n_samples[figure];
    double *samples = realloc(recorder->samples[figure], (n + 1) * sizeof(*samples));
    if (!samples) {
        recorder->write_code = TR_ENOMEM;
        return;
    }
    recorder->samples[figure] = samples;
    samples[n] = rate;
    recorder->n_samples[figure]++;
    if (now_s() - recorder->flushed_s >= flush_s)
        flush_samples(recorder);
}

/* --- a round --------------------------------------------------------------------------------- */

static const struct tr_measurement *best_of(const struct tr_calibration *calibration,
                                            const char *kernel, bool lower_is_better) {
    const struct tr_measurement *best = NULL;
    for (size_t i = 0; i < calibration->n_measurements; i++) {
        const struct tr_measurement *m = &calibration->measurements[i];
        if (m->kernel && !strcmp(m->kernel, kernel) && m->median > 0 &&
            (!best || (m->median < best->median) == lower_is_better))
            best = m;
    }
    return best;
}

static void read_figure(const struct tr_measurement *m, struct tr_tune_reading *to) {
    if (!m)
        return;
    const char *doubt = tr_doubt_of(m);
    *to = (struct tr_tune_reading){.value = m->median,
                                   .low = m->ci95[0],
                                   .high = m->ci95[1],
                                   .scatter = 1.4826 * m->mad / m->median,
                                   .n = m->n_samples};
    for (size_t i = 0; doubt && doubt[i] && i + 1 < sizeof(to->doubt); i++)
        to->doubt[i] = doubt[i];
}

/* Figures of a calibration; predictions where it has products. */
static int read_round(const struct recorder *recorder, const struct tr_calibration *calibration,
                      bool first, struct tr_tune_round *round, const char **ret_tier,
                      struct tr_err *reterr) {
    tr_tune_round_init(round);
    for (int i = TR_TUNE_READ; i <= TR_TUNE_FMA; i++)
        read_figure(best_of(calibration, tr_tune_figure_names[i],
                            tr_tune_figure_facts((enum tr_tune_figure)i)->lower_is_better),
                    &round->readings[i]);
    *ret_tier = NULL;
    if (!first || !recorder->model)
        return 0;
    double pp = NAN, tg = NAN;
    int code = tr_run_speed(calibration, recorder->model, &pp, &tg, ret_tier, reterr);
    round->readings[TR_TUNE_PP].value = pp;
    round->readings[TR_TUNE_TG].value = tg;
    return code;
}

/* Which forms the search found. */
static int keep_forms(struct recorder *recorder, const struct tr_plan *plan) {
    json_t *forms = json_object();
    int failed = !forms;
    for (size_t g = 0; g < plan->n_groups; g++)
        for (size_t i = 0; i < plan->groups[g].n_steps; i++) {
            const struct tr_kernel *kernel = plan->groups[g].steps[i].kernel;
            char key[64];
            form_key(kernel, key);
            if (kernel->op->kind == TR_KIND_STREAM || !strcmp(kernel->op->name, "gemv"))
                failed |= json_object_set_new(
                    forms, key, json_pack("{s:s, s:s}", "kernel", kernel->id, "isa", kernel->isa));
        }
    json_decref(recorder->forms);
    recorder->forms = forms;
    return failed ? TR_ENOMEM : 0;
}

static int add(struct recorder *recorder, json_t *line, struct tr_err *reterr) {
    return tr_tune_session_add(recorder->measure->session, line, reterr);
}

static int run_round(struct recorder *recorder, struct tr_measuring *measuring, bool first,
                     struct tr_err *reterr) {
    struct tr_calibration *calibration = NULL;
    struct tr_tune_round round;
    struct tr_err doubt = {0};
    const char *tier = NULL;
    recorder->round++;
    recorder->flushed_s = now_s();
    measuring->sample = take_sample;
    measuring->sample_context = recorder;
    int code = tr_measuring_run(measuring, &calibration, &doubt);
    if (code == TR_EUNTRUSTED || code == TR_EFAIL) {
        recorder->untrusted |= code == TR_EUNTRUSTED;
        recorder->wrong |= code == TR_EFAIL;
        recorder->err = doubt;
        code = calibration ? 0 : code;
    }
    if (code == TR_ESTOPPED) {
        flush_samples(recorder);
        tr_calibration_destroy(calibration);
        return code;
    }
    if (code)
        tr_err_set(reterr, code, "%s", doubt.text);
    if (!code)
        code = read_round(recorder, calibration, first, &round, &tier, reterr);
    for (size_t i = 0; i < TR_TUNE_FIGURES; i++)
        recorder->n_samples[i] = 0; /* the round has what they say */
    if (!code)
        code = add(recorder, tr_tune_line_round(recorder->round, &round, tier), reterr);
    if (!code && recorder->write_code)
        code = tr_err_set(reterr, recorder->write_code, "%s", recorder->err.text);
    tr_calibration_destroy(calibration);
    return code;
}

/* --- until it is enough ---------------------------------------------------------------------- */

/* The best setting so far, this one aside. */
static size_t rival_of(const struct tr_tune *tune, const struct tr_tune_judgement *judgement,
                       const char *label) {
    size_t best = SIZE_MAX;
    enum tr_tune_figure by = judgement->options.by;
    bool lower = tr_tune_figure_facts(by)->lower_is_better;
    for (size_t i = 0; i < judgement->n; i++) {
        double value = judgement->outcomes[i].results[by].value;
        if (isnan(value) || !strcmp(tune->settings[i].label, label))
            continue;
        if (best == SIZE_MAX || (value < judgement->outcomes[best].results[by].value) == lower)
            best = i;
    }
    return best;
}

static int look(struct recorder *recorder, struct tr_tune_progress *ret_progress, size_t *ret_rival,
                struct tr_err *reterr) {
    struct tr_tune_session *session = recorder->measure->session;
    const struct tr_tune_options *options = &recorder->measure->options;
    struct tr_tune_judgement judgement = {0};
    struct tr_tune_value *values = NULL;
    size_t n = 0;
    int code = tr_tune_session_reread(session, reterr);
    if (!code)
        code = tr_tune_judge(&session->tune, &session->soaks, options, &judgement, reterr);
    if (!code)
        code = tr_tune_values(&session->tune, options->by, &values, &n);
    if (!code) {
        *ret_rival = rival_of(&session->tune, &judgement, recorder->measure->label);
        code = tr_tune_enough(values, n, session->tune.n_settings, recorder->recording, *ret_rival,
                              options->boots_sd, ret_progress);
    }
    free(values);
    tr_tune_judgement_finish(&judgement);
    return code;
}

static char *why_of(const struct recorder *recorder, const struct tr_tune_progress *progress,
                    size_t rival) {
    const char *what = tr_tune_figure_facts(recorder->measure->options.by)->what;
    if (rival == SIZE_MAX)
        return tr_format("%zu rounds: %s within %.2f%% in this boot; nothing to compare with yet",
                         recorder->round, what, 100 * progress->half_width);
    const char *label = recorder->measure->session->tune.settings[rival].label;
    double change = 100 * expm1(progress->difference), width = 100 * progress->half_width;
    switch (progress->need) {
    case TR_TUNE_SEPARATED:
        return tr_format(
            "%zu rounds: %s %+.2f +- %.2f%% of the best so far, '%s': apart, as far as "
            "one boot can tell",
            recorder->round, what, change, width, label);
    case TR_TUNE_ALIKE:
        return tr_format("%zu rounds: %s %+.2f +- %.2f%% of the best so far, '%s': alike",
                         recorder->round, what, change, width, label);
    case TR_TUNE_HOPELESS:
        return tr_format("%zu rounds: %s %+.2f +- %.2f%% of the best so far, '%s': boots differ by "
                         "%.2f%%, so that further boots could tell them apart, further rounds "
                         "cannot",
                         recorder->round, what, change, width, label,
                         100 * (isnan(recorder->measure->options.boots_sd)
                                    ? progress->spread.between
                                    : recorder->measure->options.boots_sd));
    default:
        return tr_format("cannot tell it apart from the best so far, '%s', in %.0f s: %zu rounds, "
                         "%s %+.2f +- %.2f%%",
                         label, now_s() - recorder->begun_s, recorder->round, what, change, width);
    }
}

static int end(struct recorder *recorder, const struct tr_tune_progress *progress, size_t rival,
               struct tr_err *reterr) {
    char *why = why_of(recorder, progress, rival);
    if (!why)
        return TR_ENOMEM;
    tr_note(recorder->measure->session->output, "%s", why);
    int separated = rival == SIZE_MAX ? -1 : progress->need == TR_TUNE_SEPARATED;
    int code =
        add(recorder, tr_tune_line_measured(tr_tune_now().text, recorder->round, separated, why),
            reterr);
    free(why);
    return code ? code : tr_tune_session_reread(recorder->measure->session, reterr);
}

static int repeat(struct recorder *recorder, struct tr_err *reterr) {
    const struct tr_tune_measure *measure = recorder->measure;
    struct tr_measuring again = {0};
    struct tr_tune_progress progress = {.need = TR_TUNE_MORE};
    size_t rival = SIZE_MAX;
    int code = plan_round(&again, measure->session->output, measure->progress, false, reterr);
    if (!code)
        set_forms(&again.plan, recorder->forms);
    while (!code) {
        code = look(recorder, &progress, &rival, reterr);
        bool late = now_s() - recorder->begun_s > measure->seconds;
        if (code || progress.need != TR_TUNE_MORE ||
            (late && recorder->round >= TR_TUNE_LEAST_ROUNDS))
            break;
        code = run_round(recorder, &again, false, reterr);
    }
    if (!code)
        code = end(recorder, &progress, rival, reterr);
    tr_measuring_finish(&again);
    return code;
}

static int begin(struct recorder *recorder, struct tr_err *reterr) {
    struct tr_tune_session *session = recorder->measure->session;
    if (session->tune.forms && can_run(session->machine, session->tune.forms))
        recorder->forms = json_incref(session->tune.forms);
    recorder->recording = session->tune.n_recordings;
    return add(recorder,
               tr_tune_line_measuring(tr_tune_now().text, recorder->measure->label,
                                      session->boot_id, (long)getpid(), recorder->forms,
                                      json_incref(session->facts)),
               reterr);
}

static int first_round(struct recorder *recorder, struct tr_err *reterr) {
    struct tr_measuring first = {0};
    bool known = recorder->forms != NULL;
    int code = plan_round(&first, recorder->measure->session->output, recorder->measure->progress,
                          true, reterr);
    if (!code)
        set_forms(&first.plan, recorder->forms);
    if (!code)
        code = run_round(recorder, &first, true, reterr);
    if (!code && !known)
        code = keep_forms(recorder, &first.plan);
    if (!code && !known)
        code = add(recorder, tr_tune_line_forms(recorder->forms), reterr);
    tr_measuring_finish(&first);
    return code;
}

static int stopped(struct recorder *recorder, struct tr_err *reterr) {
    int code = add(recorder, tr_tune_line_stopped(tr_tune_now().text), reterr);
    if (!code)
        code = tr_tune_session_reread(recorder->measure->session, reterr);
    return code ? code
                : tr_err_set(reterr, TR_ESTOPPED,
                             "stopped in round %zu: what was measured until then is in the record",
                             recorder->round);
}

int tr_tune_measure(const struct tr_tune_measure *measure, struct tr_err *reterr) {
    struct recorder recorder = {.measure = measure, .begun_s = now_s()};
    int code = 0;
    if (measure->session->tune.model)
        code = tr_model_load(measure->session->tune.model, &recorder.model, reterr);
    if (!code)
        code = begin(&recorder, reterr);
    if (!code)
        code = first_round(&recorder, reterr);
    if (!code)
        code = repeat(&recorder, reterr);
    if (code == TR_ESTOPPED)
        code = stopped(&recorder, reterr);
    if (!code && (recorder.wrong || recorder.untrusted))
        code =
            tr_err_set(reterr, recorder.wrong ? TR_EFAIL : TR_EUNTRUSTED, "%s", recorder.err.text);
    for (size_t i = 0; i < TR_TUNE_FIGURES; i++)
        free(recorder.samples[i]);
    json_decref(recorder.forms);
    tr_model_destroy(recorder.model);
    return code;
}
