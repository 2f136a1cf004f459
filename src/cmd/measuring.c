#include "measuring.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "calibration_json.h"
#include "predictions.h"
#include "progress.h"
#include "session.h"
#include "table.h"

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

/* ---- --dry-run ---- */

static json_t *step_json(const struct tr_group *group, const struct tr_step *step) {
    const struct tr_kernel *kernel = step->kernel;
    int64_t bytes = step->slice_bytes * group->crew.n_threads * kernel->op->arrays;
    char *cpus = tr_cpulist_format(&group->crew.place.cpus);
    json_t *object = json_pack(
        "{s:s, s:s, s:b, s:s, s:s, s:i, s:o, s:i, s:I, s:f}", "experiment", group->name, "kernel",
        kernel->id, "searched", step->searched || step->fastest_form, "isa", kernel->isa, "place",
        tr_place_kind_name(group->crew.place.kind), "index", group->crew.place.index, "cpus",
        tr_json_text(cpus), "threads", group->crew.n_threads, "working_set_bytes",
        (json_int_t)bytes, "seconds", group->seconds / (double)group->n_steps);
    free(cpus);
    return object;
}

static int print_json(const struct tr_plan *plan, struct tr_strbuf *out) {
    json_t *steps = json_array();
    json_t *document =
        json_pack("{s:s, s:f, s:I, s:o}", "schema", "tokenroof.plan/1", "seconds", plan->seconds,
                  "memory_bytes", (json_int_t)memory_bytes(plan), "steps", steps);
    int code = document ? 0 : TR_ENOMEM;
    for (size_t g = 0; g < plan->n_groups && !code; g++)
        for (size_t i = 0; i < plan->groups[g].n_steps && !code; i++)
            if (json_array_append_new(steps,
                                      step_json(&plan->groups[g], &plan->groups[g].steps[i])))
                code = TR_ENOMEM;
    if (!code)
        code = tr_json_print(document, out);
    json_decref(document);
    return code;
}

static void print_text(const struct tr_plan *plan, struct tr_strbuf *out) {
    struct tr_table table;
    tr_strbuf_addf(out, "plan: about %.0f s, %.0f MiB of memory\n", plan->seconds,
                   (double)memory_bytes(plan) / 1048576.0);
    tr_table_init(&table, "lllllrrr");
    static const char *const head[] = {"experiment", "kernel",          "isa", "place", "cpus",
                                       "threads",    "working set MiB", "s"};
    for (size_t i = 0; i < sizeof(head) / sizeof(head[0]); i++)
        tr_table_add(&table, head[i]);
    for (size_t g = 0; g < plan->n_groups; g++) {
        const struct tr_group *group = &plan->groups[g];
        char *cpus = tr_cpulist_format(&group->crew.place.cpus);
        for (size_t i = 0; i < group->n_steps; i++) {
            const struct tr_step *step = &group->steps[i];
            int64_t bytes = step->slice_bytes * group->crew.n_threads * step->kernel->op->arrays;
            tr_table_add(&table, group->name);
            if (step->searched || step->fastest_form)
                tr_table_addf(&table, "%s, fastest form", step->kernel->op->name);
            else
                tr_table_add(&table, step->kernel->id);
            tr_table_add(&table, step->kernel->isa);
            tr_table_addf(&table, "%s %d", tr_place_kind_name(group->crew.place.kind),
                          group->crew.place.index);
            tr_table_add(&table, cpus);
            tr_table_addf(&table, "%d", group->crew.n_threads);
            if (bytes)
                tr_table_addf(&table, "%.4g", (double)bytes / 1048576.0);
            else
                tr_table_add(&table, "-");
            tr_table_addf(&table, "%.1f", group->seconds / (double)group->n_steps);
        }
        free(cpus);
    }
    tr_table_write(&table, 2, out);
    tr_table_finish(&table);
}

static int render_plan(const char *format, const struct tr_term *term, const void *data,
                       struct tr_strbuf *out, struct tr_err *reterr) {
    const struct tr_plan *plan = data;
    (void)term;
    if (!strcmp(format, "json"))
        return print_json(plan, out);
    if (strcmp(format, "text") != 0)
        return tr_err_set(reterr, TR_EUSAGE, "--dry-run shows a plan as text or json, not as %s",
                          format);
    print_text(plan, out);
    return 0;
}

int tr_measuring_print_plan(const struct tr_measuring *measuring, struct tr_err *reterr) {
    for (size_t i = 0; i < measuring->notes.n; i++)
        if (strcmp(measuring->notes.items[i], measuring->plan.left_out) != 0) /* said at the end */
            tr_note(measuring->output, "%s", measuring->notes.items[i]);
    return tr_output_write(measuring->output, "text", render_plan, &measuring->plan, reterr);
}
