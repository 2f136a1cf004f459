/* From a step's raw series to its figure: names, median and interval, flags, limit. */
#include "session_parts.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "machine_limits.h"
#include "session.h"
#include "statistics.h"
#include "work.h"

/* Half-width of the median's interval beyond which a figure is unsteady. */
static const double unsteady_half_width = 0.05;
enum { MIN_SAMPLES_FOR_MEDIAN = 6 };

static const char *const untrusted_flags[][2] = {
    {"unsteady", "its samples scatter too much"},
    {"throttled", "the processor throttled"},
    {"migrated", "a thread was moved to another CPU"},
    {"not_pinned", "a thread was not where it was bound"},
    {"disturbed", "most samples were disturbed"},
    {"small_working_set", "its working set is smaller than 4 x the last-level caches"},
    {"misplaced", "its memory is not on the node it was meant for"},
};

const char *tr_untrusted_reason(const struct tr_measurement *measurement) {
    for (size_t i = 0; i < sizeof(untrusted_flags) / sizeof(untrusted_flags[0]); i++)
        if (tr_strings_has(&measurement->flags, untrusted_flags[i][0]))
            return untrusted_flags[i][1];
    return NULL;
}

static void *must(void *pointer, bool *failed) {
    if (!pointer)
        *failed = true;
    return pointer;
}

static char *iso_now(void) {
    char text[32];
    time_t now = time(NULL);
    struct tm parts;
    gmtime_r(&now, &parts);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
    return strdup(text);
}

/* ---- one measurement ---- */

static size_t cores_of_place(const struct tr_machine *machine, const struct tr_place *place) {
    size_t n = 0;
    for (size_t i = 0; i < machine->n_cores; i++)
        n += tr_core_is_in(&machine->cores[i], place->kind, place->index);
    return n;
}

/* In the limits' sense: they count multiply-adds alone. */
static bool counts_operations(const struct tr_kernel *kernel) {
    return (kernel->op->kind == TR_KIND_COMPUTE && !kernel->adds) ||
           kernel->op->kind == TR_KIND_ROOF;
}

/* Limits are for a place with all its cores at work. */
static const struct tr_limit *find_limit(const struct tr_session *session,
                                         const struct tr_step *step,
                                         const struct tr_measurement *m) {
    const struct tr_machine *machine = session->machine;
    const struct tr_op *op = step->kernel->op;
    const char *name = NULL;
    char flop_name[40];
    if ((size_t)m->threads != cores_of_place(machine, &m->place))
        return NULL;
    /* Memory limits are the whole machine's with local memory. */
    bool partial = m->place.kind == TR_PLACE_MACHINE && machine->n_cpus_online > 0 &&
                   (int)machine->allowed_cpus.n < machine->n_cpus_online;
    if (op->kind == TR_KIND_STREAM && (partial || session->plan->nodes_given))
        return NULL;
    if (counts_operations(step->kernel)) {
        snprintf(flop_name, sizeof(flop_name), "flop_%s_%s", m->dtype, m->isa);
        name = flop_name;
    } else if (op->kind == TR_KIND_STREAM && step->from_memory) {
        /* A regular store reads its line first: half of its traffic is reads. */
        bool owns = step->kernel->stores == TR_STORES_REGULAR;
        if (step->kernel->stores == TR_STORES_UNKNOWN) /* nobody knows what it moves */
            return NULL;
        name = op->written_elements == 0         ? "memory_read"
               : op->read_elements == 0 && !owns ? "memory_write"
                                                 : "memory_mixed";
    }
    return name ? tr_limit_find(machine->limits, machine->n_limits, name, m->place.kind,
                                m->place.index)
                : NULL;
}

/* The limit of one kernel at one place, from the clock of the very moments in which it ran: each
 * instruction set may have a clock of its own. */
static int add_flop_limit(struct tr_session *session, const struct tr_measurement *m,
                          double efficiency_ghz) {
    char name[40];
    snprintf(name, sizeof(name), "flop_%s_%s", m->dtype, m->isa);
    bool only_small = isnan(m->core_ghz) && efficiency_ghz > 0;
    struct tr_flop_clock clock = {.performance_ghz = only_small ? efficiency_ghz : m->core_ghz,
                                  .efficiency_ghz = efficiency_ghz,
                                  .basis = "measured_clock",
                                  .only = name};
    struct tr_machine *machine = session->machine;
    if (!(clock.performance_ghz > 0) || (size_t)m->threads != cores_of_place(machine, &m->place))
        return 0;
    int code = tr_machine_add_flop_limits_at(machine, m->place.kind, m->place.index, &clock);
    /* FLOP per cycle follow from the processor's model, which a hypervisor may invent. */
    for (size_t i = 0; !code && machine->environment.virtual_machine && i < machine->n_limits; i++)
        if (!strcmp(machine->limits[i].name, name))
            machine->limits[i].hard = false;
    return code;
}

static int set_names(const struct tr_group *group, const struct tr_step *step,
                     struct tr_measurement *m) {
    const struct tr_kernel *kernel = step->kernel;
    const struct tr_work_kind *kind = tr_work_of(step);
    char variant[TR_VARIANT_BYTES];
    bool failed = false, clock = kernel->op->kind == TR_KIND_CLOCK;
    tr_kernel_variant(kernel, variant);
    if (clock)
        snprintf(variant, sizeof(variant), "%s chain", strchr(kernel->op->name, '_') + 1);
    if (step->variant)
        snprintf(variant, sizeof(variant), "%s", step->variant);
    m->kernel = must(strdup(clock ? "clock" : kernel->op->name), &failed);
    if (variant[0])
        m->variant = must(strdup(variant), &failed);
    m->isa = must(strdup(kernel->isa), &failed);
    m->dtype = must(strdup(tr_dtype_name(kernel->dtype)), &failed);
    if (tr_stores_name(kernel->stores))
        m->stores = must(strdup(tr_stores_name(kernel->stores)), &failed);
    m->metric = must(strdup(group->metric ? group->metric : kind ? kind->metric : "rate"), &failed);
    m->unit = must(strdup(group->unit ? group->unit : kind ? kind->unit : "1/ns"), &failed);
    if (kind && kind->nominal_traffic && !group->metric)
        m->traffic = must(strdup("nominal"), &failed);
    m->measured_at = must(iso_now(), &failed);
    if (kernel->op->kind == TR_KIND_MATRIX)
        m->quant = must(strdup(tr_dtype_name(kernel->dtype)), &failed);
    m->m = step->shape.m;
    m->n = step->shape.n;
    m->k = step->shape.k;
    m->batch = step->shape.batch;
    m->depth = step->shape.depth;
    if (group->warm_up_s > 0)
        m->after_s = group->warm_up_s;
    return failed ? TR_ENOMEM : 0;
}

static int set_figures(const struct tr_series *series, struct tr_measurement *m) {
    struct tr_summary summary;
    if (tr_summarize(series->rates, series->n, &summary))
        return TR_ENOMEM;
    m->samples = malloc(series->n * sizeof(*m->samples));
    if (!m->samples)
        return TR_ENOMEM;
    memcpy(m->samples, series->rates, series->n * sizeof(*m->samples));
    m->n_samples = series->n;
    m->best = !strcmp(m->unit, "ns") ? summary.least : summary.best; /* less is better */
    m->median = summary.median;
    m->mad = summary.mad;
    m->ci95[0] = summary.ci95[0];
    m->ci95[1] = summary.ci95[1];
    m->core_ghz = series->core_ghz;
    m->repeated = (int64_t)series->dropped;
    m->waited_fraction = series->passed_ns > 0 ? series->waited_ns / series->passed_ns : NAN;
    if (series->conditions) {
        m->conditions = malloc(series->n * sizeof(*m->conditions));
        if (!m->conditions)
            return TR_ENOMEM;
        memcpy(m->conditions, series->conditions, series->n * sizeof(*m->conditions));
    }
    return 0;
}

/* Two modes: a figure between them would be one that was never measured. */
static int set_modes(struct tr_measurement *m) {
    struct tr_modes modes;
    if (!tr_two_modes(m->samples, m->n_samples, &modes))
        return 0;
    m->modes[0] = modes.lower;
    m->modes[1] = modes.upper;
    m->lower_mode_share = modes.lower_share;
    int code = tr_strings_add(&m->flags, "bimodal");
    code |= tr_strings_add(&m->warnings,
                           "The samples fall into two modes: %.4g %s (%.0f%% of them) and %.4g. "
                           "Something switches: a neighbour, a clock limit, page placement",
                           modes.lower, m->unit, 100 * modes.lower_share, modes.upper);
    return code ? TR_ENOMEM : 0;
}

static int set_flags(const struct tr_step *step, const struct tr_series *series,
                     struct tr_measurement *m) {
    struct tr_strings *flags = &m->flags;
    double half_width = (m->ci95[1] - m->ci95[0]) / 2 / m->median;
    int code = 0;
    if (!(half_width <= unsteady_half_width) || !(m->median > 0) ||
        m->n_samples < MIN_SAMPLES_FOR_MEDIAN)
        code |= tr_strings_add(flags, "unsteady");
    if (step->result == TR_RESULT_MEASUREMENT &&
        (step->kernel->op->kind == TR_KIND_STREAM || step->kernel->op->kind == TR_KIND_MATRIX) &&
        m->working_set_bytes < step->wanted_bytes) {
        code |= tr_strings_add(flags, "small_working_set");
        code |= tr_strings_add(&m->warnings,
                               "The working set is smaller than the %.0f MiB that 4 x the "
                               "last-level caches ask for: caches help. Free memory, or raise the "
                               "memory limit",
                               (double)step->wanted_bytes / 1048576.0);
    }
    if (series->dropped > series->n || series->disturbed) {
        code |= tr_strings_add(flags, "disturbed");
        if (series->migrated)
            code |= tr_strings_add(flags, "migrated");
        if (series->not_pinned)
            code |= tr_strings_add(flags, "not_pinned");
    }
    /* Where the kernel tells, at least 9 of 10 pages must be where they were meant to be. */
    if (series->node_fraction < 0.9)
        code |= tr_strings_add(flags, "misplaced");
    return code ? TR_ENOMEM : 0;
}

int tr_session_refuse(struct tr_session *session, const struct tr_limit *limit, const char *what,
                      double value, const char *unit) {
    session->refused = true;
    return tr_strings_add(&session->calibration->warnings,
                          "%s measured %.4g %s, above the hard limit %s of %.4g (%s): refused. The "
                          "timer, the clock or the limit is wrong",
                          what, value, unit, limit->name, limit->value, limit->formula);
}

/* Sets the figure against its limit. *ret_enter is false where a hard limit refuses it. */
static int set_limit(struct tr_session *session, const struct tr_step *step,
                     struct tr_measurement *m, bool *ret_enter) {
    struct tr_strings *warnings = &session->calibration->warnings;
    const struct tr_limit *found = find_limit(session, step, m);
    *ret_enter = true;
    if (!found || !(found->value > 0) || tr_strings_has(&m->flags, "small_working_set"))
        return 0;
    struct tr_limit *limit = &session->machine->limits[found - session->machine->limits];
    bool operations = counts_operations(step->kernel);
    double moved = isnan(m->bus_per_nominal) ? m->median : m->median * m->bus_per_nominal;
    if (!limit->host_only && moved > limit->value * TR_CEILING_TOLERANCE) {
        /* Mixed traffic: its limit rests on how reads and writes share the links, and part of the
         * reads for ownership may be saved by the processor. That is no ground for refusing. */
        if (limit->hard && strcmp(limit->name, "memory_mixed") != 0) {
            char what[80];
            snprintf(what, sizeof(what), "%s (%s, %d threads)", m->kernel, m->isa, m->threads);
            *ret_enter = false;
            return tr_session_refuse(session, limit, what, moved, m->unit);
        }
        if (!limit->refuted &&
            tr_strings_add(warnings, "Limit %s (%s: %s = %.4g %s) is refuted: %s %s %.4g. %s",
                           limit->name, limit->basis, limit->formula, limit->value, limit->unit,
                           m->kernel, operations ? "did" : "moved", moved,
                           operations ? "Likely the processor is not what its name says"
                                      : "Likely an overclock, two links per CCD, or another MT/s "
                                        "than assumed. Settle it: sudo tokenroof topology"))
            return TR_ENOMEM;
        limit->refuted = true;
    }
    m->limit = strdup(limit->name);
    if (!m->limit)
        return TR_ENOMEM;
    m->efficiency = limit->host_only ? NAN : moved / limit->value;
    return 0;
}

static void add_conditions(struct tr_session *session, const struct tr_group *group,
                           const struct tr_series *series) {
    session->context_switches += series->context_switches;
    session->page_faults += series->page_faults;
    if (series->migrations < 0 || session->migrations < 0)
        session->migrations = -1;
    else
        session->migrations += series->migrations;
    tr_counted_sum(&session->counted, &series->counted);
    if (group->pages == session->plan->pages) /* others were asked for: that is no lack of them */
        session->huge_fraction = fmin(session->huge_fraction, series->huge_fraction);
    session->node_fraction = fmin(session->node_fraction, series->node_fraction);
    session->bound_refused |= series->bound_refused;
}

/* What the kernel computed differs from its reference: said once, and nothing of it counts. */
static int note_wrong(struct tr_session *session, const struct tr_group *group,
                      const struct tr_step *step) {
    session->wrong = true;
    tr_err_set(&session->wrong_err, TR_EFAIL,
               "%s %s, %d threads: the result differs from the scalar reference. Memory or "
               "processor computes wrongly: test it (memtest86+) before trusting any figure",
               step->kernel->id, step->kernel->isa, group->crew.n_threads);
    return tr_strings_add(&session->calibration->warnings, "%s", session->wrong_err.text);
}

/* No sample counts: the figure is missing, and the reader learns why. */
static int note_missing(struct tr_session *session, const struct tr_group *group,
                        const struct tr_step *step, const struct tr_series *series) {
    if (!series->dropped)
        return 0;
    return tr_strings_add(&session->calibration->warnings,
                          "%s %s, %d thread%s: no figure, for in %zu samples the threads never ran "
                          "at the same time. Leave the machine alone and measure again",
                          step->kernel->id, step->kernel->isa, group->crew.n_threads,
                          group->crew.n_threads == 1 ? "" : "s", series->dropped);
}

static int make_measurement(struct tr_session *session, const struct tr_group *group,
                            const struct tr_step *step, const struct tr_series *series,
                            struct tr_measurement *m, bool *ret_keep) {
    const struct tr_kernel *kernel = step->kernel;
    bool stream = kernel->op->kind == TR_KIND_STREAM;
    tr_measurement_init(m);
    m->threads = group->crew.n_threads;
    if (step->slice_bytes > 0)
        m->working_set_bytes = step->slice_bytes * group->crew.n_threads * kernel->op->arrays;
    if (!isnan(series->huge_fraction))
        m->page_bytes = series->huge_fraction < 0.5   ? 4096
                        : group->pages == TR_PAGES_1G ? 1 << 30
                                                      : 2 << 20;
    if (stream)
        m->bus_per_nominal = tr_kernel_bus_bytes(kernel) / tr_kernel_nominal_bytes(kernel);
    m->span_rate = series->units_total / series->span_total_ns;
    *ret_keep = true;
    int code = tr_plan_place(session->machine, &group->crew, &m->place);
    if (!code)
        code = set_names(group, step, m);
    if (!code)
        code = set_figures(series, m);
    if (!code)
        code = set_flags(step, series, m);
    if (!code)
        code = set_modes(m);
    if (!code && series->search.n) {
        m->extra = json_pack("{s:o}", "search", tr_search_to_json(&series->search, m->unit));
        code = m->extra ? 0 : TR_ENOMEM;
    }
    /* Weights and caches of keys and values are read once. */
    if (!code)
        code = tr_counted_check(&series->counted, stream ? m->bus_per_nominal : 1, m);
    if (!code && counts_operations(kernel))
        code = add_flop_limit(session, m, series->efficiency_ghz);
    if (!code)
        code = set_limit(session, step, m, ret_keep);
    return code;
}

static int append(struct tr_calibration *calibration, struct tr_measurement *m) {
    struct tr_measurement *grown =
        realloc(calibration->measurements, (calibration->n_measurements + 1) * sizeof(*grown));
    if (!grown)
        return TR_ENOMEM;
    calibration->measurements = grown;
    grown[calibration->n_measurements++] = *m;
    *m = (struct tr_measurement){0};
    return 0;
}

/* The names that all points of a curve share are those of its first one. */
static int name_curve(struct tr_curve *curve, const struct tr_measurement *m) {
    bool failed = false;
    char **texts[] = {&curve->kernel, &curve->variant, &curve->isa,
                      &curve->dtype,  &curve->metric,  &curve->unit};
    const char *values[] = {m->kernel, m->variant, m->isa, m->dtype, m->metric, m->unit};
    if (curve->n_points)
        return 0;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (!*texts[i] && values[i])
            *texts[i] = must(strdup(values[i]), &failed);
    if (curve->page_bytes < 0)
        curve->page_bytes = m->page_bytes;
    return failed ? TR_ENOMEM : 0;
}

static int enter_point(struct tr_session *session, const struct tr_step *step,
                       const struct tr_measurement *m) {
    struct tr_curve *curve = &session->plan->curves[step->target].curve;
    struct tr_point point = {.x = step->x,
                             .median = m->median,
                             .best = m->best,
                             .mad = m->mad,
                             .ci95 = {m->ci95[0], m->ci95[1]},
                             .n = m->n_samples,
                             .core_ghz = m->core_ghz};
    int code = name_curve(curve, m);
    return code ? code : tr_curve_add(curve, &point);
}

static int enter_cell(struct tr_session *session, const struct tr_step *step,
                      const struct tr_measurement *m) {
    struct tr_matrix *matrix = &session->plan->matrices[step->target];
    size_t at = step->row * matrix->n_columns + step->column;
    bool failed = false;
    if (!matrix->metric)
        matrix->metric = must(strdup(m->metric), &failed);
    if (!matrix->unit)
        matrix->unit = must(strdup(m->unit), &failed);
    matrix->values[at] = m->median;
    matrix->half_widths[at] = (m->ci95[1] - m->ci95[0]) / 2;
    return failed ? TR_ENOMEM : 0;
}

static int note_fastest(struct tr_session *session, const struct tr_group *group,
                        const struct tr_step *step, const struct tr_measurement *m) {
    if (step->kernel->op->kind != TR_KIND_STREAM || !step->from_memory ||
        group->crew.place.kind != TR_PLACE_MACHINE || tr_untrusted_reason(m))
        return 0;
    for (size_t i = 0; i < session->n_fastest; i++)
        if (session->fastest[i].kernel->op == step->kernel->op) {
            if (m->median > session->fastest[i].rate)
                session->fastest[i] = (struct tr_fastest){step->kernel, m->median};
            return 0;
        }
    struct tr_fastest *grown = realloc(session->fastest, (session->n_fastest + 1) * sizeof(*grown));
    if (!grown)
        return TR_ENOMEM;
    session->fastest = grown;
    grown[session->n_fastest++] = (struct tr_fastest){step->kernel, m->median};
    return 0;
}

const struct tr_kernel *tr_session_fastest(const struct tr_session *session,
                                           const struct tr_kernel *kernel) {
    for (size_t i = 0; i < session->n_fastest; i++)
        if (session->fastest[i].kernel->op == kernel->op)
            return session->fastest[i].kernel;
    return kernel;
}

int tr_session_enter(struct tr_session *session, const struct tr_group *group,
                     const struct tr_step *step, const struct tr_series *series) {
    struct tr_measurement m;
    bool keep = true;
    if (series->wrong)
        return note_wrong(session, group, step);
    if (!series->n)
        return note_missing(session, group, step, series);
    int code = make_measurement(session, group, step, series, &m, &keep);
    add_conditions(session, group, series);
    if (!code && keep)
        code = note_fastest(session, group, step, &m);
    if (!code && keep && step->result == TR_RESULT_POINT)
        code = enter_point(session, step, &m);
    else if (!code && keep && step->result == TR_RESULT_CELL)
        code = enter_cell(session, step, &m);
    else if (!code && keep)
        code = append(session->calibration, &m);
    tr_measurement_finish(&m);
    return code;
}
