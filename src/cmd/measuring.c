#include "measuring.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "plan_text.h"
#include "progress.h"
#include "session.h"

/* What comes to the program beside the plan's own: PAPI and its tables, results as they grow. */
static const int64_t besides_bytes = 8 << 20;

int tr_measuring_init(struct tr_measuring *measuring, const struct tr_output_options *output,
                      const struct tr_progress_options *progress,
                      const struct tr_machine_options *machine, const struct tr_plan_options *plan,
                      struct tr_err *reterr) {
    *measuring = (struct tr_measuring){.output = output, .progress = progress};
    int code = tr_machine_load(machine, &measuring->machine, reterr);
    if (code)
        return code;
    return tr_plan_make(measuring->machine, plan, &measuring->notes, &measuring->plan, reterr);
}

void tr_measuring_finish(struct tr_measuring *measuring) {
    tr_plan_finish(&measuring->plan);
    tr_strings_finish(&measuring->notes);
    tr_machine_destroy(measuring->machine);
}

/* The plan's memory and what the program has taken so far: libraries, the machine, the tables. */
static int64_t memory_bytes(const struct tr_plan *plan) {
    struct rusage usage;
    int64_t own = getrusage(RUSAGE_SELF, &usage) ? 0 : (int64_t)usage.ru_maxrss * 1024;
    return plan->memory_bytes + own + besides_bytes;
}

void tr_measuring_announce(const struct tr_measuring *measuring) {
    tr_note(measuring->output, "about %.3g s, at most %.0f MiB of memory", measuring->plan.seconds,
            (double)memory_bytes(&measuring->plan) / 1048576.0);
}

static void show_progress(void *context, const struct tr_run_progress *progress) {
    struct tr_progress *bar = context;
    char what[80], figure[64];
    const struct tr_crew *crew = &progress->group->crew;
    snprintf(what, sizeof(what), "%s, %s %d, %d thread%s", progress->group->name,
             tr_place_kind_name(crew->place.kind), crew->place.index, crew->n_threads,
             crew->n_threads == 1 ? "" : "s");
    snprintf(figure, sizeof(figure), "%s %.4g %s", progress->kernel->id, progress->current,
             progress->unit);
    tr_progress_stage(bar, what, progress->stage, progress->n_stages, progress->seconds_left,
                      isnan(progress->current) ? NULL : figure);
}

int tr_measuring_run(struct tr_measuring *measuring, struct tr_calibration **ret_calibration,
                     struct tr_err *reterr) {
    struct tr_calibration *calibration = NULL;
    struct tr_progress bar;
    *ret_calibration = NULL;
    int code = tr_calibration_create(&calibration);
    if (code)
        return code;
    for (size_t i = 0; i < measuring->notes.n && !code; i++)
        code = tr_strings_add(&calibration->warnings, "%s", measuring->notes.items[i]);
    if (code) {
        tr_calibration_destroy(calibration);
        return code;
    }
    tr_progress_init(&bar, (enum tr_progress_mode)measuring->progress->mode,
                     measuring->output->quiet, measuring->plan.seconds);
    struct tr_run_options options = {
        .min_samples = 9,
        .stop = tr_stop_flag(),
        .progress = show_progress,
        .progress_context = &bar,
        .sample = measuring->sample,
        .sample_context = measuring->sample_context,
    };
    code = tr_measure(measuring->machine, &measuring->plan, &options, calibration, reterr);
    tr_progress_end(&bar);
    if (code && code != TR_EUNTRUSTED && code != TR_ESTOPPED && code != TR_EFAIL) {
        tr_calibration_destroy(calibration);
        return code;
    }
    *ret_calibration = calibration;
    return code;
}

int tr_measuring_print_plan(const struct tr_measuring *measuring, struct tr_err *reterr) {
    for (size_t i = 0; i < measuring->notes.n; i++)
        if (strcmp(measuring->notes.items[i], measuring->plan.left_out) != 0) /* said at the end */
            tr_note(measuring->output, "%s", measuring->notes.items[i]);
    const struct tr_plan_text text = {.machine = measuring->machine,
                                      .plan = &measuring->plan,
                                      .memory_bytes = memory_bytes(&measuring->plan)};
    return tr_output_write(measuring->output, "text", tr_plan_render, &text, reterr);
}
