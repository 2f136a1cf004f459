#include "tune_round.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "figure_sets.h"
#include "runs.h"
#include "tune_plan.h"

/* Samples are on disk at least so often. */
static const double flush_s = 0.4;

double tr_tune_now_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

void tr_tune_rounds_finish(struct tr_tune_rounds *rounds) {
    for (size_t i = 0; i < TR_TUNE_FIGURES; i++)
        free(rounds->samples[i]);
    *rounds = (struct tr_tune_rounds){0};
}

/* --- samples as they come -------------------------------------------------------------------- */

static int figure_of(const struct tr_step *step) {
    if (tr_tune_is_chase(step))
        return TR_TUNE_LATENCY;
    for (int i = 0; i <= TR_TUNE_FMA; i++)
        if (!strcmp(step->kernel->op->name, tr_tune_figure_names[i]))
            return i;
    return -1;
}

static void flush_samples(struct tr_tune_rounds *rounds) {
    size_t n = 0;
    for (size_t i = 0; i < TR_TUNE_FIGURES; i++)
        n += rounds->n_samples[i];
    if (n && !rounds->write_code)
        rounds->write_code = tr_tune_session_add(
            rounds->session,
            tr_tune_line_samples(rounds->round, rounds->samples, rounds->n_samples),
            &rounds->write_err);
    for (size_t i = 0; i < TR_TUNE_FIGURES; i++)
        rounds->n_samples[i] = 0;
    rounds->flushed_s = tr_tune_now_s();
}

static void keep_sample(struct tr_tune_rounds *rounds, int figure, double rate) {
    size_t n = rounds->n_samples[figure];
    double *samples = realloc(rounds->samples[figure], (n + 1) * sizeof(*samples));
    if (!samples) {
        rounds->write_code = TR_ENOMEM;
        return;
    }
    rounds->samples[figure] = samples;
    samples[n] = rate;
    rounds->n_samples[figure]++;
}

/* Those of what predictions need are not kept, but time goes on while they come. */
static void take_sample(void *context, const struct tr_step *step, double rate) {
    struct tr_tune_rounds *rounds = context;
    int figure = figure_of(step);
    if (figure >= 0 && !rounds->write_code)
        keep_sample(rounds, figure, rate);
    if (!rounds->write_code && tr_tune_now_s() - rounds->flushed_s >= flush_s)
        flush_samples(rounds);
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
static int read_round(const struct tr_tune_rounds *rounds, const struct tr_calibration *calibration,
                      bool first, struct tr_tune_round *round, const char **ret_tier,
                      struct tr_err *reterr) {
    tr_tune_round_init(round);
    for (int i = TR_TUNE_READ; i <= TR_TUNE_FMA; i++)
        read_figure(best_of(calibration, tr_tune_figure_names[i],
                            tr_tune_figure_facts((enum tr_tune_figure)i)->lower_is_better),
                    &round->readings[i]);
    *ret_tier = NULL;
    if (!first || !rounds->model)
        return 0;
    double pp = NAN, tg = NAN;
    int code = tr_run_speed(calibration, rounds->model, &pp, &tg, ret_tier, reterr);
    round->readings[TR_TUNE_PP].value = pp;
    round->readings[TR_TUNE_TG].value = tg;
    return code;
}

int tr_tune_run_round(struct tr_tune_rounds *rounds, struct tr_measuring *measuring, bool first,
                      struct tr_err *reterr) {
    struct tr_calibration *calibration = NULL;
    struct tr_tune_round round;
    struct tr_err doubt = {0};
    const char *tier = NULL;
    rounds->round++;
    rounds->flushed_s = tr_tune_now_s();
    measuring->sample = take_sample;
    measuring->sample_context = rounds;
    int code = tr_measuring_run(measuring, &calibration, &doubt);
    if (code == TR_EUNTRUSTED || code == TR_EFAIL) {
        rounds->untrusted |= code == TR_EUNTRUSTED;
        rounds->wrong |= code == TR_EFAIL;
        rounds->doubt = doubt;
        code = calibration ? 0 : code;
    }
    if (code == TR_ESTOPPED) {
        flush_samples(rounds);
        tr_calibration_destroy(calibration);
        return code;
    }
    if (code)
        tr_err_set(reterr, code, "%s", doubt.text);
    if (!code)
        code = read_round(rounds, calibration, first, &round, &tier, reterr);
    for (size_t i = 0; i < TR_TUNE_FIGURES; i++)
        rounds->n_samples[i] = 0; /* the round has what they say */
    if (!code)
        code = tr_tune_session_add(rounds->session, tr_tune_line_round(rounds->round, &round, tier),
                                   reterr);
    if (!code && rounds->write_code)
        code = tr_err_set(reterr, rounds->write_code, "%s", rounds->write_err.text);
    tr_calibration_destroy(calibration);
    return code;
}
