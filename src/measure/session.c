#include "session.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "calibration_json.h"
#include "clock.h"
#include "counters.h"
#include "machine_json.h"
#include "machine_limits.h"
#include "statistics.h"

/* A result above a limit by more than this cannot be the clock's or the timer's error. */
static const double ceiling_tolerance = 1.02;
/* Half-width of the median's interval beyond which a figure is unsteady. */
static const double unsteady_half_width = 0.05;
static const double steal_worth_a_warning = 0.01;
enum { MIN_SAMPLES_FOR_MEDIAN = 6 };

struct session {
    struct tr_machine *machine;
    const struct tr_plan *plan;
    struct tr_calibration *calibration;
    /* Sums over all steps, for the conditions. */
    int64_t context_switches, page_faults, migrations, cycles, instructions;
    double huge_fraction, node_fraction;
    double timer_disagreement; /* between two clocks, over the session */
    bool bound_refused;
    bool refused; /* some figure was above a hard limit */
    bool wrong;   /* some result differed from its reference */
    struct tr_err wrong_err;
};

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

/* A single thread of a larger machine is that core's figure, not the machine's. */
static int set_place(const struct session *session, const struct tr_crew *crew,
                     struct tr_place *ret_place) {
    struct tr_place place = {.kind = crew->place.kind, .index = crew->place.index};
    const struct tr_machine *machine = session->machine;
    if (crew->n_threads == 1 && place.kind == TR_PLACE_MACHINE && machine->n_cores > 1)
        for (size_t i = 0; i < machine->n_cores; i++)
            if (tr_cpulist_has(&machine->cores[i].cpus, crew->cpus[0])) {
                place.kind = TR_PLACE_CORE;
                place.index = machine->cores[i].index;
            }
    if (tr_cpulist_copy(&crew->place.cpus, &place.cpus))
        return TR_ENOMEM;
    if (tr_cpulist_copy(&crew->place.memory_nodes, &place.memory_nodes)) {
        tr_place_finish(&place);
        return TR_ENOMEM;
    }
    *ret_place = place;
    return 0;
}

static size_t cores_of_place(const struct tr_machine *machine, const struct tr_place *place) {
    size_t n = 0;
    for (size_t i = 0; i < machine->n_cores; i++)
        n += tr_core_is_in(&machine->cores[i], place->kind, place->index);
    return n;
}

/* Limits are for a place with all its cores at work. */
static const struct tr_limit *find_limit(const struct session *session, const struct tr_step *step,
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
    if (op->kind == TR_KIND_COMPUTE) {
        snprintf(flop_name, sizeof(flop_name), "flop_%s_%s", m->dtype, m->isa);
        name = flop_name;
    } else if (op->kind == TR_KIND_STREAM && step->from_memory) {
        /* A regular store reads its line first: half of its traffic is reads. */
        bool owns = step->kernel->stores == TR_STORES_REGULAR;
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
static int add_flop_limit(struct session *session, const struct tr_measurement *m,
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

static int set_names(const struct tr_step *step, struct tr_measurement *m) {
    const struct tr_kernel *kernel = step->kernel;
    char variant[48];
    bool failed = false;
    bool clock = kernel->op->kind == TR_KIND_CLOCK, stream = kernel->op->kind == TR_KIND_STREAM;
    tr_kernel_variant(kernel, variant);
    if (clock)
        snprintf(variant, sizeof(variant), "%s chain", strchr(kernel->op->name, '_') + 1);
    m->kernel = must(strdup(clock ? "clock" : kernel->op->name), &failed);
    if (variant[0])
        m->variant = must(strdup(variant), &failed);
    m->isa = must(strdup(kernel->isa), &failed);
    m->dtype = must(strdup(tr_dtype_name(kernel->dtype)), &failed);
    m->stores = must(strdup(tr_stores_name(kernel->stores)), &failed);
    m->metric = must(strdup(clock ? "clock" : stream ? "bandwidth" : "compute"), &failed);
    m->unit = must(strdup(clock ? "GHz" : stream ? "GB/s" : "GFLOP/s"), &failed);
    if (stream)
        m->traffic = must(strdup("nominal"), &failed);
    m->measured_at = must(iso_now(), &failed);
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
    m->best = summary.best;
    m->median = summary.median;
    m->mad = summary.mad;
    m->ci95[0] = summary.ci95[0];
    m->ci95[1] = summary.ci95[1];
    m->core_ghz = series->core_ghz;
    return 0;
}

static int set_flags(const struct tr_step *step, const struct tr_series *series,
                     struct tr_measurement *m) {
    struct tr_strings *flags = &m->flags;
    double half_width = (m->ci95[1] - m->ci95[0]) / 2 / m->median;
    int code = 0;
    if (!(half_width <= unsteady_half_width) || !(m->median > 0) ||
        m->n_samples < MIN_SAMPLES_FOR_MEDIAN)
        code |= tr_strings_add(flags, "unsteady");
    if (step->kernel->op->kind == TR_KIND_STREAM && m->working_set_bytes < step->wanted_bytes) {
        code |= tr_strings_add(flags, "small_working_set");
        code |= tr_strings_add(&m->warnings,
                               "The working set is smaller than the %.0f MiB that 4 x the "
                               "last-level caches ask for: caches help. Free memory, or raise the "
                               "memory limit",
                               (double)step->wanted_bytes / 1048576.0);
    }
    if (series->dropped > series->n) {
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

/* Sets the figure against its limit. *ret_enter is false where a hard limit refuses it. */
static int set_limit(struct session *session, const struct tr_step *step, struct tr_measurement *m,
                     bool *ret_enter) {
    struct tr_strings *warnings = &session->calibration->warnings;
    const struct tr_limit *found = find_limit(session, step, m);
    *ret_enter = true;
    if (!found || !(found->value > 0) || tr_strings_has(&m->flags, "small_working_set"))
        return 0;
    struct tr_limit *limit = &session->machine->limits[found - session->machine->limits];
    double moved = isnan(m->bus_per_nominal) ? m->median : m->median * m->bus_per_nominal;
    if (!limit->host_only && moved > limit->value * ceiling_tolerance) {
        /* Mixed traffic: its limit rests on how reads and writes share the links, and part of the
         * reads for ownership may be saved by the processor. That is no ground for refusing. */
        if (limit->hard && strcmp(limit->name, "memory_mixed") != 0) {
            *ret_enter = false;
            session->refused = true;
            return tr_strings_add(
                warnings,
                "%s (%s, %d threads) measured %.4g %s, above the hard limit %s of "
                "%.4g (%s): refused. The timer, the clock or the limit is wrong",
                m->kernel, m->isa, m->threads, moved, m->unit, limit->name, limit->value,
                limit->formula);
        }
        if (!limit->refuted &&
            tr_strings_add(warnings,
                           "Limit %s (%s: %s = %.4g %s) is refuted: %s moved %.4g. Likely an "
                           "overclock, two links per CCD, or another MT/s than assumed. Settle it: "
                           "sudo tokenroof topology",
                           limit->name, limit->basis, limit->formula, limit->value, limit->unit,
                           m->kernel, moved))
            return TR_ENOMEM;
        limit->refuted = true;
    }
    m->limit = strdup(limit->name);
    if (!m->limit)
        return TR_ENOMEM;
    m->efficiency = limit->host_only ? NAN : moved / limit->value;
    return 0;
}

static void add_conditions(struct session *session, const struct tr_series *series) {
    session->context_switches += series->context_switches;
    session->page_faults += series->page_faults;
    if (series->migrations < 0 || session->migrations < 0)
        session->migrations = -1;
    else
        session->migrations += series->migrations;
    session->cycles = series->cycles < 0 ? -1 : session->cycles + series->cycles;
    session->instructions =
        series->instructions < 0 ? -1 : session->instructions + series->instructions;
    session->huge_fraction = fmin(session->huge_fraction, series->huge_fraction);
    session->node_fraction = fmin(session->node_fraction, series->node_fraction);
    session->bound_refused |= series->bound_refused;
}

/* Appends one step's measurement, unless it failed its check, has no samples or is refused. */
static int enter(struct session *session, const struct tr_group *group, const struct tr_step *step,
                 const struct tr_series *series) {
    struct tr_calibration *calibration = session->calibration;
    const struct tr_kernel *kernel = step->kernel;
    bool stream = kernel->op->kind == TR_KIND_STREAM, keep = true;
    if (series->wrong) {
        session->wrong = true;
        tr_err_set(&session->wrong_err, TR_EFAIL,
                   "%s %s, %d threads: the result differs from the scalar reference. Memory or "
                   "processor computes wrongly: test it (memtest86+) before trusting any figure",
                   kernel->id, kernel->isa, group->crew.n_threads);
        return tr_strings_add(&calibration->warnings, "%s", session->wrong_err.text);
    }
    if (!series->n)
        return 0;
    struct tr_measurement m = {
        .threads = group->crew.n_threads,
        .working_set_bytes =
            stream ? step->slice_bytes * group->crew.n_threads * kernel->op->arrays : -1,
        .page_bytes = !stream || isnan(series->huge_fraction) ? -1
                      : series->huge_fraction >= 0.5          ? 2 << 20
                                                              : 4096,
        .bus_per_nominal =
            stream ? tr_kernel_bus_bytes(kernel) / tr_kernel_nominal_bytes(kernel) : NAN,
        .span_rate = series->units_total / series->span_total_ns,
        .efficiency = NAN,
    };
    if (session->plan->pages == TR_PAGES_1G && m.page_bytes > 4096)
        m.page_bytes = 1 << 30;
    int code = set_place(session, &group->crew, &m.place);
    if (!code)
        code = set_names(step, &m);
    if (!code)
        code = set_figures(series, &m);
    if (!code)
        code = set_flags(step, series, &m);
    if (!code && kernel->op->kind == TR_KIND_COMPUTE)
        code = add_flop_limit(session, &m, series->efficiency_ghz);
    if (!code)
        code = set_limit(session, step, &m, &keep);
    add_conditions(session, series);
    struct tr_measurement *grown = NULL;
    if (!code && keep) {
        grown =
            realloc(calibration->measurements, (calibration->n_measurements + 1) * sizeof(*grown));
        if (!grown)
            code = TR_ENOMEM;
    }
    if (code || !keep) {
        tr_measurement_finish(&m);
        return code;
    }
    calibration->measurements = grown;
    grown[calibration->n_measurements++] = m;
    return 0;
}

/* ---- conditions and quality ---- */

static int set_conditions(struct session *session, const struct tr_activity *before,
                          const struct tr_activity *after, const char *no_counters) {
    const struct tr_environment *environment = &session->machine->environment;
    struct tr_strings *warnings = &session->calibration->warnings;
    double total_s = after->total_s - before->total_s;
    double steal = total_s > 0 ? (after->steal_s - before->steal_s) / total_s : NAN;
    int64_t throttled =
        before->throttle_events < 0 ? -1 : after->throttle_events - before->throttle_events;
    int code = 0;
    json_t *conditions = json_object();
    const struct {
        const char *name;
        json_t *value;
    } fields[] = {
        {"steal_fraction", tr_json_number(steal)},
        {"context_switches", tr_json_count(session->context_switches)},
        {"migrations", tr_json_count(session->migrations)},
        {"page_faults", tr_json_count(session->page_faults)},
        {"counted_cycles", tr_json_count(session->cycles)},
        {"counted_instructions", tr_json_count(session->instructions)},
        {"pages", tr_json_text(tr_pages_name(session->plan->pages))},
        {"huge_pages", tr_json_number(session->huge_fraction)},
        {"pages_on_node", tr_json_number(session->node_fraction)},
        {"memory_policy", tr_json_text(session->bound_refused ? "first touch" : "bound")},
        {"throttle_events", tr_json_count(throttled)},
        {"load_average", tr_json_number(environment->load_average)},
        {"cpu_quota", tr_json_number(environment->cpu_quota)},
        {"memory_limit_bytes", tr_json_count(environment->memory_limit_bytes)},
        {"timer_step_ns", tr_json_number(tr_clock_step_ns())},
        {"timer_disagreement", tr_json_number(session->timer_disagreement)},
        {"hardware_counters", tr_json_text(no_counters ? "absent" : "available")},
        {"hardware_counters_reason", tr_json_text(no_counters)},
    };
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        if (json_object_set_new(conditions, fields[i].name, fields[i].value))
            code = TR_ENOMEM;
    if (json_object_set_new(session->calibration->document, "conditions", conditions))
        code = TR_ENOMEM;

    if (steal > steal_worth_a_warning)
        code |= tr_strings_add(warnings,
                               "The hypervisor took %.1f%% of the processor time for other guests. "
                               "Measure again at a quieter hour",
                               100 * steal);
    if (session->timer_disagreement > 2e-3)
        code |=
            tr_strings_add(warnings,
                           "Two clocks of this machine differ by %.2f%%: all rates are in doubt. "
                           "Look at the kernel's clock source",
                           100 * session->timer_disagreement);
    if (throttled > 0) {
        code |= tr_strings_add(warnings,
                               "The processor throttled %lld times for heat or power. Look at "
                               "cooling and power limits",
                               (long long)throttled);
        for (size_t i = 0; i < session->calibration->n_measurements; i++)
            code |= tr_strings_add(&session->calibration->measurements[i].flags, "throttled");
    }
    if (before->cgroup_throttled >= 0 && after->cgroup_throttled > before->cgroup_throttled)
        code |= tr_strings_add(warnings,
                               "A cgroup's quota stopped the threads %lld times: rates are the "
                               "quota's. Raise cpu.max",
                               (long long)(after->cgroup_throttled - before->cgroup_throttled));
    if (session->bound_refused && isnan(session->node_fraction))
        code |= tr_strings_add(
            warnings, "Neither binding memory to nodes nor asking where pages lie is "
                      "allowed here: placement rests on first touch, unproved. Allow mbind "
                      "and move_pages (CAP_SYS_NICE in containers)");
    if (environment->load_average > 0.5 * (double)session->machine->n_cores)
        code |= tr_strings_add(warnings,
                               "The load average was %.1f before the start: other programs "
                               "were running. Stop them and measure again",
                               environment->load_average);
    if (environment->cpu_quota < (double)session->machine->n_cores)
        code |= tr_strings_add(warnings,
                               "A cgroup allows %.2f CPUs of time on %zu cores: rates are the "
                               "quota's, not the machine's. Raise cpu.max",
                               environment->cpu_quota, session->machine->n_cores);
    if (session->plan->pages == TR_PAGES_THP && session->huge_fraction < 0.5)
        code |= tr_strings_add(warnings,
                               "No huge pages were obtained; bandwidth can be 5-20%% higher with "
                               "them: echo madvise | sudo tee "
                               "/sys/kernel/mm/transparent_hugepage/enabled");
    return code ? TR_ENOMEM : 0;
}

/* The two chains must tell the same clock: one of them alone could be folded by the core. imul
 * takes 3 cycles on nearly every core, 4 or 5 on a few small and old ones. */
static int check_clock_chains(struct session *session) {
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

/* The measurement that stands for its kind among forms of the same kernel. */
static bool is_best_form(const struct tr_calibration *calibration, const struct tr_measurement *m) {
    for (size_t i = 0; i < calibration->n_measurements; i++) {
        const struct tr_measurement *other = &calibration->measurements[i];
        if (!strcmp(other->kernel, m->kernel) && !strcmp(other->dtype, m->dtype) &&
            other->threads == m->threads && other->place.kind == m->place.kind &&
            other->place.index == m->place.index && other->median > m->median)
            return false;
    }
    return true;
}

static void worse(char *grade, char than) {
    if (*grade < than)
        *grade = than;
}

/* A: bare metal, limits known, steady. Each doubt lowers it and is named. */
static int set_quality(struct session *session, int *ret_code, struct tr_err *reterr) {
    struct tr_calibration *calibration = session->calibration;
    struct tr_strings *reasons = &calibration->reasons;
    char grade[2] = "A";
    int code = 0, untrusted = 0;
    for (size_t i = 0; i < calibration->n_measurements; i++) {
        const struct tr_measurement *m = &calibration->measurements[i];
        const char *reason = tr_untrusted_reason(m);
        bool headline =
            session->plan->by_name || (m->place.kind == TR_PLACE_MACHINE &&
                                       (!strcmp(m->kernel, "read") || !strcmp(m->kernel, "fma")));
        if (!reason || !headline || !is_best_form(calibration, m))
            continue;
        worse(grade, 'D');
        code |= tr_strings_add(reasons, "%s %s, %d thread%s: %s", m->kernel, m->dtype, m->threads,
                               m->threads == 1 ? "" : "s", reason);
        if (!untrusted)
            untrusted =
                tr_err_set(reterr, TR_EUNTRUSTED, "%s %s, %d threads, is not to be trusted: %s",
                           m->kernel, m->dtype, m->threads, reason);
    }
    const struct tr_machine *machine = session->machine;
    const struct tr_limit *limit =
        tr_limit_find(machine->limits, machine->n_limits, "memory_read", TR_PLACE_MACHINE, 0);
    if (session->refused) {
        worse(grade, 'D');
        code |= tr_strings_add(reasons, "a figure above a hard limit was refused");
        if (!untrusted)
            untrusted =
                tr_err_set(reterr, TR_EUNTRUSTED,
                           "a figure above a hard limit was refused; the warnings tell which");
    }
    if (calibration->partial) {
        worse(grade, 'D');
        code |= tr_strings_add(reasons, "interrupted: only a part was measured");
    }
    if (calibration->warnings.n) {
        worse(grade, 'C');
        code |= tr_strings_add(reasons, "%zu warning%s", calibration->warnings.n,
                               calibration->warnings.n == 1 ? "" : "s");
    }
    if (machine->environment.virtual_machine) {
        worse(grade, 'B');
        code |= tr_strings_add(reasons, "virtual machine: neighbours and the host's memory are "
                                        "out of sight");
    }
    if (!limit || limit->host_only) {
        worse(grade, 'B');
        code |= tr_strings_add(reasons, "%s",
                               limit ? "the host's memory limit rates nothing here"
                                     : "the memory's theoretical limit is unknown");
    } else if (!limit->hard) {
        worse(grade, 'B');
        code |= tr_strings_add(reasons, "the memory limit rests on the %s", limit->basis);
    }
    /* What is unknown about the machine is told with the warnings, but disturbed nothing. */
    for (size_t i = 0; i < machine->n_notes; i++)
        code |= tr_strings_add(&calibration->warnings, "%s", machine->notes[i]);
    calibration->grade = strdup(grade);
    *ret_code = untrusted;
    return code || !calibration->grade ? TR_ENOMEM : 0;
}

/* Copies the machine and its limits into the document: nothing else of it is kept. */
static int set_machine(struct session *session) {
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

static int run_groups(struct session *session, const struct tr_run_options *options,
                      struct tr_err *reterr) {
    const struct tr_plan *plan = session->plan;
    struct tr_run_options group_options = *options;
    int code = 0;
    group_options.pages = plan->pages;
    group_options.n_stages = plan->n_groups;
    group_options.seconds_after = 0;
    for (size_t i = 0; i < plan->n_groups; i++)
        group_options.seconds_after += plan->groups[i].seconds;
    for (size_t i = 0; i < plan->n_groups && !code; i++) {
        const struct tr_group *group = &plan->groups[i];
        struct tr_series *series = calloc(group->n_steps, sizeof(*series));
        if (!series)
            return TR_ENOMEM;
        group_options.stage = i;
        group_options.seconds_after -= group->seconds;
        code = tr_run_group(session->machine, group, &group_options, series, reterr);
        int entered = 0;
        for (size_t k = 0; k < group->n_steps; k++) {
            if (!entered)
                entered = enter(session, group, &group->steps[k], &series[k]);
            tr_series_finish(&series[k]);
        }
        free(series);
        if (!code)
            code = entered;
    }
    return code;
}

int tr_measure(struct tr_machine *machine, const struct tr_plan *plan,
               const struct tr_run_options *options, struct tr_calibration *calibration,
               struct tr_err *reterr) {
    struct session session = {
        .machine = machine,
        .plan = plan,
        .calibration = calibration,
        .huge_fraction = NAN,
        .node_fraction = NAN,
    };
    struct tr_activity before, after;
    struct tr_clock_mark mark;
    int quality = 0;
    const char *no_counters = tr_counters_setup();
    tr_activity_read(machine, &before);
    tr_clock_set_mark(&mark);
    int code = run_groups(&session, options, reterr);
    tr_activity_read(machine, &after);
    session.timer_disagreement = tr_clock_disagreement(&mark);
    if (code && code != TR_ESTOPPED)
        return code;
    calibration->partial = code == TR_ESTOPPED;
    int failed = set_conditions(&session, &before, &after, no_counters);
    if (!failed)
        failed = check_clock_chains(&session);
    if (!failed)
        failed = set_machine(&session);
    if (!failed)
        failed = set_quality(&session, &quality, code ? NULL : reterr);
    if (failed)
        return failed;
    if (session.wrong) {
        if (reterr)
            *reterr = session.wrong_err;
        return code ? code : TR_EFAIL;
    }
    return code ? code : quality;
}
