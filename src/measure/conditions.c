/* What may have disturbed a session. */
#include "session_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "calibration_json.h"
#include "clock.h"

static const double steal_worth_a_warning = 0.01;

int tr_session_set_conditions(struct tr_session *session, const struct tr_activity *before,
                              const struct tr_activity *after,
                              const struct tr_counters_missing *missing) {
    const struct tr_environment *environment = &session->machine->environment;
    struct tr_strings *warnings = &session->calibration->warnings;
    double total_s = after->total_s - before->total_s;
    double steal = total_s > 0 ? (after->steal_s - before->steal_s) / total_s : NAN;
    int64_t throttled =
        before->throttle_events < 0 ? -1 : after->throttle_events - before->throttle_events;
    char *boot_id = tr_boot_id(session->machine);
    int code = 0;
    json_t *conditions = json_object();
    const struct {
        const char *name;
        json_t *value;
    } fields[] = {
        {"boot_id", tr_json_text(boot_id)},
        {"steal_fraction", tr_json_number(steal)},
        {"context_switches", tr_json_count(session->context_switches)},
        {"migrations", tr_json_count(session->migrations)},
        {"page_faults", tr_json_count(session->page_faults)},
        {"counted_cycles", tr_json_count(session->counted.cycles)},
        {"counted_instructions", tr_json_count(session->counted.instructions)},
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
        {"hardware_counters", tr_json_text(missing->processor ? "absent" : "available")},
        {"hardware_counters_reason", tr_json_text(missing->processor)},
        {"memory_counters", tr_json_text(missing->memory ? "absent" : "available")},
        {"memory_counters_reason", tr_json_text(missing->memory)},
    };
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        if (json_object_set_new(conditions, fields[i].name, fields[i].value))
            code = TR_ENOMEM;
    free(boot_id);
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
