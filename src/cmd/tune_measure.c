#include "tune_measure.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "strbuf.h"
#include "tune_plan.h"
#include "tune_round.h"

struct recorder {
    const struct tr_tune_measure *measure;
    struct tr_tune_rounds rounds;
    json_t *forms; /* NULL before they were searched */
    size_t recording;
    double begun_s;
};

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
    struct tr_tune_session *session = recorder->rounds.session;
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
                         recorder->rounds.round, what, 100 * progress->half_width);
    const char *label = recorder->rounds.session->tune.settings[rival].label;
    double change = 100 * expm1(progress->difference), width = 100 * progress->half_width;
    switch (progress->need) {
    case TR_TUNE_SEPARATED:
        return tr_format(
            "%zu rounds: %s %+.2f +- %.2f%% of the best so far, '%s': apart, as far as "
            "one boot can tell",
            recorder->rounds.round, what, change, width, label);
    case TR_TUNE_ALIKE:
        return tr_format("%zu rounds: %s %+.2f +- %.2f%% of the best so far, '%s': alike",
                         recorder->rounds.round, what, change, width, label);
    case TR_TUNE_HOPELESS:
        return tr_format("%zu rounds: %s %+.2f +- %.2f%% of the best so far, '%s': boots differ by "
                         "%.2f%%, so that further boots could tell them apart, further rounds "
                         "cannot",
                         recorder->rounds.round, what, change, width, label,
                         100 * (isnan(recorder->measure->options.boots_sd)
                                    ? progress->spread.between
                                    : recorder->measure->options.boots_sd));
    default:
        return tr_format("cannot tell it apart from the best so far, '%s', in %.0f s: %zu rounds, "
                         "%s %+.2f +- %.2f%%",
                         label, tr_tune_now_s() - recorder->begun_s, recorder->rounds.round, what,
                         change, width);
    }
}

static int end(struct recorder *recorder, const struct tr_tune_progress *progress, size_t rival,
               struct tr_err *reterr) {
    struct tr_tune_session *session = recorder->rounds.session;
    char *why = why_of(recorder, progress, rival);
    if (!why)
        return TR_ENOMEM;
    tr_note(session->output, "%s", why);
    int separated = rival == SIZE_MAX ? -1 : progress->need == TR_TUNE_SEPARATED;
    int code = tr_tune_session_add(
        session, tr_tune_line_measured(tr_tune_now().text, recorder->rounds.round, separated, why),
        reterr);
    free(why);
    return code ? code : tr_tune_session_reread(session, reterr);
}

static int repeat(struct recorder *recorder, struct tr_err *reterr) {
    const struct tr_tune_measure *measure = recorder->measure;
    struct tr_measuring again = {0};
    struct tr_tune_progress progress = {.need = TR_TUNE_MORE};
    size_t rival = SIZE_MAX;
    int code =
        tr_tune_plan_round(&again, measure->session->output, measure->progress, false, reterr);
    if (!code)
        tr_tune_set_forms(&again.plan, recorder->forms);
    while (!code) {
        code = look(recorder, &progress, &rival, reterr);
        bool late = tr_tune_now_s() - recorder->begun_s > measure->seconds;
        if (code || progress.need != TR_TUNE_MORE ||
            (late && recorder->rounds.round >= TR_TUNE_LEAST_ROUNDS))
            break;
        code = tr_tune_run_round(&recorder->rounds, &again, false, reterr);
    }
    if (!code)
        code = end(recorder, &progress, rival, reterr);
    tr_measuring_finish(&again);
    return code;
}

static int begin(struct recorder *recorder, struct tr_err *reterr) {
    struct tr_tune_session *session = recorder->rounds.session;
    if (session->tune.forms && tr_tune_can_run(session->machine, session->tune.forms))
        recorder->forms = json_incref(session->tune.forms);
    recorder->recording = session->tune.n_recordings;
    return tr_tune_session_add(session,
                               tr_tune_line_measuring(tr_tune_now().text, recorder->measure->label,
                                                      session->boot_id, (long)getpid(),
                                                      recorder->forms, json_incref(session->facts)),
                               reterr);
}

static int first_round(struct recorder *recorder, struct tr_err *reterr) {
    struct tr_tune_session *session = recorder->rounds.session;
    struct tr_measuring first = {0};
    bool known = recorder->forms != NULL;
    int code =
        tr_tune_plan_round(&first, session->output, recorder->measure->progress, true, reterr);
    if (!code)
        tr_tune_set_forms(&first.plan, recorder->forms);
    if (!code)
        code = tr_tune_run_round(&recorder->rounds, &first, true, reterr);
    if (!code && !known)
        code = tr_tune_forms_of(&first.plan, &recorder->forms);
    if (!code && !known)
        code = tr_tune_session_add(session, tr_tune_line_forms(recorder->forms), reterr);
    tr_measuring_finish(&first);
    return code;
}

static int stopped(struct recorder *recorder, struct tr_err *reterr) {
    struct tr_tune_session *session = recorder->rounds.session;
    int code = tr_tune_session_add(session, tr_tune_line_stopped(tr_tune_now().text), reterr);
    if (!code)
        code = tr_tune_session_reread(session, reterr);
    return code ? code
                : tr_err_set(reterr, TR_ESTOPPED,
                             "stopped in round %zu: what was measured until then is in the record",
                             recorder->rounds.round);
}

int tr_tune_measure(const struct tr_tune_measure *measure, struct tr_err *reterr) {
    struct recorder recorder = {
        .measure = measure, .rounds = {.session = measure->session}, .begun_s = tr_tune_now_s()};
    const struct tr_tune_rounds *rounds = &recorder.rounds;
    struct tr_model *model = NULL;
    int code = 0;
    if (measure->session->tune.model)
        code = tr_model_load(measure->session->tune.model, &model, reterr);
    recorder.rounds.model = model;
    if (!code)
        code = begin(&recorder, reterr);
    if (!code)
        code = first_round(&recorder, reterr);
    if (!code)
        code = repeat(&recorder, reterr);
    if (code == TR_ESTOPPED)
        code = stopped(&recorder, reterr);
    if (!code && (rounds->wrong || rounds->untrusted))
        code =
            tr_err_set(reterr, rounds->wrong ? TR_EFAIL : TR_EUNTRUSTED, "%s", rounds->doubt.text);
    tr_tune_rounds_finish(&recorder.rounds);
    json_decref(recorder.forms);
    tr_model_destroy(model);
    return code;
}
