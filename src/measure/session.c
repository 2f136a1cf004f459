#include "session.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calibration_json.h"
#include "clock.h"
#include "counters.h"
#include "machine_json.h"
#include "machine_limits.h"
#include "session_parts.h"
#include "shared_caches.h"
#include "statistics.h"
#include "traffic.h"

/* The two chains must tell the same clock: one of them alone could be folded by the core. imul
 * takes 3 cycles on nearly every core, 4 or 5 on a few small and old ones. */
static int check_clock_chains(struct tr_session *session) {
    const struct tr_calibration *calibration = session->calibration;
    double add_ghz = NAN, imul_ghz = NAN;
    for (size_t i = 0; i < calibration->n_measurements; i++) {
        const struct tr_measurement *m = &calibration->measurements[i];
        if (!strcmp(m->kernel, "clock") && m->variant)
            *(strncmp(m->variant, "add", 3) ? &imul_ghz : &add_ghz) = m->median;
    }
    double ratio = imul_ghz / add_ghz;
    static const double right[] = {1, 3.0 / 4, 3.0 / 5};
    for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++)
        if (isnan(ratio) || fabs(ratio / right[i] - 1) < 0.03)
            return 0;
    return tr_strings_add(&session->calibration->warnings,
                          "The core clock is doubtful: a chain of additions tells %.3f GHz, one of "
                          "multiplications %.3f. Another program may share the core: stop it and "
                          "measure again",
                          add_ghz, imul_ghz);
}

/* What each CCD alone read (or the machine, where it has one) bounds the fabric clock; the highest
 * counts, and one doubt is enough. */
static int bound_fabric_clock(struct tr_session *session) {
    const struct tr_calibration *calibration = session->calibration;
    struct tr_machine *machine = session->machine;
    const struct tr_measurement *best = NULL;
    for (size_t i = 0; i < calibration->n_measurements; i++) {
        const struct tr_measurement *m = &calibration->measurements[i];
        bool one_ccd = m->place.kind == TR_PLACE_CCD ||
                       (m->place.kind == TR_PLACE_MACHINE && machine->n_ccds == 1);
        if (!strcmp(m->kernel, "read") && one_ccd && !tr_untrusted_reason(m) &&
            !session->plan->nodes_given && (!best || m->median > best->median))
            best = m;
    }
    char *doubt = NULL;
    int code = best ? tr_machine_bound_fclk(machine, 1, best->median, &doubt) : 0;
    if (!code && doubt)
        code = tr_strings_add(&session->calibration->warnings, "%s", doubt);
    free(doubt);
    return code;
}

/* Copies the machine and its limits into the document: nothing else of it is kept. */
static int set_machine(struct tr_session *session) {
    struct tr_calibration *calibration = session->calibration;
    json_t *machine = NULL, *limits = NULL;
    int code = tr_machine_to_json(session->machine, &machine);
    if (code)
        return code;
    if (json_object_set_new(calibration->document, "machine", machine))
        return TR_ENOMEM;
    code = tr_limits_to_json(session->machine->limits, session->machine->n_limits, &limits);
    if (code)
        return code;
    code =
        tr_limits_from_json(limits, "limits", &calibration->limits, &calibration->n_limits, NULL);
    json_decref(limits);
    return code;
}

/* A hypervisor may show caches that the processor below it has not: the cores' own latency is
 * believed more than its topology. */
static int doubt_shared_caches(struct tr_session *session) {
    enum tr_shared_caches verdict;
    char *sentence = NULL;
    int code = 0;
    if (!session->machine->environment.virtual_machine)
        return 0;
    code = tr_shared_caches_judge(session->calibration, &verdict, &sentence);
    if (!code && verdict == TR_SHARED_CACHES_DIFFER)
        code = tr_strings_add(&session->calibration->warnings,
                              "Caches: %s. The hypervisor's topology is not the processor's.",
                              sentence);
    free(sentence);
    return code;
}

/* Runs one group and takes its figures over. */
static int run_group(struct tr_session *session, struct tr_group *group,
                     const struct tr_run_options *options, struct tr_err *reterr) {
    struct tr_series *series = calloc(group->n_steps, sizeof(*series));
    int entered = 0;
    if (!series)
        return TR_ENOMEM;
    for (size_t k = 0; k < group->n_steps; k++)
        if (group->steps[k].fastest_form)
            group->steps[k].kernel = tr_session_fastest(session, group->steps[k].kernel);
    int code =
        (group->run ? group->run : tr_run_group)(session->machine, group, options, series, reterr);
    for (size_t k = 0; k < group->n_steps; k++) {
        if (!entered)
            entered = tr_session_enter(session, group, &group->steps[k], &series[k]);
        tr_series_finish(&series[k]);
    }
    free(series);
    return code ? code : entered;
}

static int run_groups(struct tr_session *session, const struct tr_run_options *options,
                      struct tr_err *reterr) {
    struct tr_plan *plan = session->plan;
    struct tr_run_options group_options = *options;
    int code = 0;
    group_options.n_stages = plan->n_groups;
    group_options.seconds_after = 0;
    for (size_t i = 0; i < plan->n_groups; i++)
        group_options.seconds_after += plan->groups[i].seconds + plan->groups[i].warm_up_s;
    for (size_t i = 0; i < plan->n_groups && !code; i++) {
        group_options.pages = plan->groups[i].pages;
        group_options.stage = i;
        group_options.seconds_after -= plan->groups[i].seconds + plan->groups[i].warm_up_s;
        code = run_group(session, &plan->groups[i], &group_options, reterr);
    }
    return code;
}

/* Median clock of the points from x to x; NAN unknown. */
static double clock_between(const struct tr_curve *curve, double from, double to) {
    double *clocks = calloc(curve->n_points + 1, sizeof(*clocks));
    struct tr_summary summary = {.median = NAN};
    size_t n = 0;
    for (size_t i = 0; clocks && i < curve->n_points; i++)
        if (curve->points[i].x >= from && curve->points[i].x <= to && curve->points[i].core_ghz > 0)
            clocks[n++] = curve->points[i].core_ghz;
    if (!clocks || tr_summarize(clocks, n, &summary))
        summary.median = NAN;
    free(clocks);
    return summary.median;
}

/* What reading reached in a cache, against cores x bytes per cycle x the clock of those samples.
 * *ret_enter is false where that is a hard limit and the plateau above it. */
static int rate_mark(struct tr_session *session, const struct tr_curve *curve, struct tr_mark *mark,
                     bool *ret_enter) {
    static const char *const names[][2] = {{"L1", "l1_read"}, {"L2", "l2_read"}};
    struct tr_machine *machine = session->machine;
    const struct tr_place *place = &curve->place;
    size_t cores = 0;
    for (size_t i = 0; i < machine->n_cores; i++)
        cores += tr_core_is_in(&machine->cores[i], place->kind, place->index);
    *ret_enter = true;
    if (curve->threads < 1 || (size_t)curve->threads != cores)
        return 0;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(mark->name, names[i][0]) != 0)
            continue;
        struct tr_flop_clock clock = {.performance_ghz = clock_between(curve, mark->from, mark->to),
                                      .efficiency_ghz = NAN,
                                      .basis = "measured_clock",
                                      .only = names[i][1]};
        int code = tr_machine_add_flop_limits_at(machine, place->kind, place->index, &clock);
        const struct tr_limit *limit = tr_limit_find(machine->limits, machine->n_limits,
                                                     names[i][1], place->kind, place->index);
        if (code || !limit)
            return code;
        mark->limit = strdup(limit->name);
        mark->efficiency = mark->value / limit->value;
        /* Bytes per cycle follow from the processor's model, which a hypervisor may invent. */
        *ret_enter = mark->efficiency <= TR_CEILING_TOLERANCE || !limit->hard ||
                     machine->environment.virtual_machine;
        if (!*ret_enter) {
            char what[80];
            snprintf(what, sizeof(what), "%s in %s (%d threads)", curve->kernel, mark->name,
                     curve->threads);
            code = tr_session_refuse(session, limit, what, mark->value, curve->unit);
        }
        return code || !mark->limit ? TR_ENOMEM : 0;
    }
    return 0;
}

/* Plateaus of reading; those above a hard limit go. */
static int rate_marks(struct tr_session *session, struct tr_curve *curve) {
    size_t kept = 0;
    int code = 0;
    for (size_t k = 0; k < curve->n_marks; k++) {
        struct tr_mark mark = curve->marks[k];
        bool enter = true;
        if (!code)
            code = rate_mark(session, curve, &mark, &enter);
        if (enter) {
            curve->marks[kept++] = mark;
        } else {
            free(mark.name);
            free(mark.limit);
        }
    }
    curve->n_marks = kept;
    return code;
}

/* The plan's curves and matrices that got any figure become the calibration's. */
static int take_curves(struct tr_session *session) {
    struct tr_plan *plan = session->plan;
    struct tr_calibration *calibration = session->calibration;
    calibration->curves = calloc(plan->n_curves + 1, sizeof(*calibration->curves));
    calibration->matrices = calloc(plan->n_matrices + 1, sizeof(*calibration->matrices));
    if (!calibration->curves || !calibration->matrices)
        return TR_ENOMEM;
    for (size_t i = 0; i < plan->n_curves; i++) {
        struct tr_plan_curve *from = &plan->curves[i];
        if (!from->curve.n_points)
            continue;
        if (from->mark && from->mark(&from->curve, session->machine))
            return TR_ENOMEM;
        bool reading = from->curve.kernel && !strcmp(from->curve.kernel, "read");
        if (reading && rate_marks(session, &from->curve))
            return TR_ENOMEM;
        calibration->curves[calibration->n_curves++] = from->curve;
        from->curve = (struct tr_curve){0};
    }
    for (size_t i = 0; i < plan->n_matrices; i++) {
        if (!plan->matrices[i].metric) /* no cell was filled */
            continue;
        calibration->matrices[calibration->n_matrices++] = plan->matrices[i];
        plan->matrices[i] = (struct tr_matrix){0};
    }
    return 0;
}

int tr_measure(struct tr_machine *machine, struct tr_plan *plan,
               const struct tr_run_options *options, struct tr_calibration *calibration,
               struct tr_err *reterr) {
    struct tr_session session = {
        .machine = machine,
        .plan = plan,
        .calibration = calibration,
        .huge_fraction = NAN,
        .node_fraction = NAN,
    };
    struct tr_activity before, after;
    struct tr_clock_mark mark;
    int quality = 0;
    struct tr_traffic_counters *traffic = NULL;
    struct tr_run_options counting = *options;
    struct tr_counters_missing missing = {.processor = tr_counters_setup()};
    missing.memory = tr_traffic_start(machine, &traffic);
    counting.traffic = traffic;
    tr_activity_read(machine, &before);
    tr_clock_set_mark(&mark);
    int code = run_groups(&session, &counting, reterr);
    tr_traffic_stop(traffic);
    free(session.fastest);
    tr_activity_read(machine, &after);
    session.timer_disagreement = tr_clock_disagreement(&mark);
    if (code && code != TR_ESTOPPED)
        return code;
    calibration->partial = code == TR_ESTOPPED;
    int failed = take_curves(&session);
    if (!failed)
        failed = tr_session_set_conditions(&session, &before, &after, &missing);
    if (!failed)
        failed = check_clock_chains(&session);
    if (!failed)
        failed = bound_fabric_clock(&session);
    if (!failed)
        failed = set_machine(&session);
    if (!failed)
        failed = doubt_shared_caches(&session);
    if (!failed)
        failed = tr_session_grade(&session, &quality, code ? NULL : reterr);
    if (failed)
        return failed;
    if (session.wrong) {
        if (reterr)
            *reterr = session.wrong_err;
        return code ? code : TR_EFAIL;
    }
    return code ? code : quality;
}
