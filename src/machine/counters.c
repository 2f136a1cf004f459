#include "counters.h"

#include <papi.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>
#include <time.h>

/* Two sets: a migration happens inside the kernel, so that it is counted only where that may be
 * watched; counted in user mode alone it would be 0 for ever. Context switches and page faults are
 * left to getrusage, which always tells them. */
static const struct {
    const char *name;
    size_t field;
    int set; /* of struct tr_counters */
} events[] = {
    {"perf::CPU-MIGRATIONS", offsetof(struct tr_counts, migrations), 0},
    {"PAPI_TOT_CYC", offsetof(struct tr_counts, cycles), 1},
    {"PAPI_TOT_INS", offsetof(struct tr_counts, instructions), 1},
};
enum { N_EVENTS = sizeof(events) / sizeof(events[0]) };
static const int domains[TR_COUNTER_SETS] = {PAPI_DOM_ALL, PAPI_DOM_USER};

static unsigned long thread_id(void) {
    return (unsigned long)pthread_self();
}

static void drop(struct tr_counter_set *set) {
    PAPI_cleanup_eventset(set->events);
    PAPI_destroy_eventset(&set->events);
    *set = (struct tr_counter_set){.events = PAPI_NULL};
}

/* Starts one set in its domain; without events or permission it stays empty. */
static struct tr_counter_set start(int which) {
    struct tr_counter_set set = {.events = PAPI_NULL};
    PAPI_option_t option = {0};
    if (!PAPI_is_initialized() || PAPI_create_eventset(&set.events) != PAPI_OK)
        return (struct tr_counter_set){.events = PAPI_NULL};
    PAPI_assign_eventset_component(set.events, 0);
    for (int i = 0; i < N_EVENTS; i++) {
        int code;
        if (events[i].set == which && PAPI_event_name_to_code(events[i].name, &code) == PAPI_OK &&
            PAPI_add_event(set.events, code) == PAPI_OK)
            set.slots[set.n++] = (int8_t)i;
    }
    option.domain.eventset = set.events; /* possible once there are events */
    option.domain.domain = domains[which];
    if (!set.n || PAPI_set_opt(PAPI_DOMAIN, &option) != PAPI_OK ||
        PAPI_start(set.events) != PAPI_OK)
        drop(&set);
    return set;
}

void tr_counters_start(struct tr_counters *ret_counters) {
    for (int which = 0; which < TR_COUNTER_SETS; which++)
        ret_counters->sets[which] = start(which);
}

void tr_counters_stop(struct tr_counters *counters) {
    long long values[N_EVENTS];
    bool used = false;
    for (int which = 0; which < TR_COUNTER_SETS; which++) {
        struct tr_counter_set *set = &counters->sets[which];
        if (!set->n)
            continue;
        used = true;
        PAPI_stop(set->events, values);
        drop(set);
    }
    if (used)
        PAPI_unregister_thread();
}

static int64_t clock_ns(clockid_t clock) {
    struct timespec now;
    return clock_gettime(clock, &now) ? -1 : (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void tr_counters_read(const struct tr_counters *counters, struct tr_counts *ret_counts) {
    struct tr_counts counts = {.context_switches = -1,
                               .migrations = -1,
                               .page_faults = -1,
                               .cycles = -1,
                               .instructions = -1,
                               .cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID),
                               .wall_ns = clock_ns(CLOCK_MONOTONIC)};
    struct rusage usage;
    if (!getrusage(RUSAGE_THREAD, &usage)) {
        counts.context_switches = usage.ru_nivcsw;
        counts.page_faults = usage.ru_minflt + usage.ru_majflt;
    }
    for (int which = 0; which < TR_COUNTER_SETS; which++) {
        const struct tr_counter_set *set = &counters->sets[which];
        long long values[N_EVENTS] = {0};
        if (set->n && PAPI_read(set->events, values) == PAPI_OK)
            for (int i = 0; i < set->n; i++)
                *(int64_t *)(void *)((char *)&counts + events[set->slots[i]].field) = values[i];
    }
    *ret_counts = counts;
}

/* PAPI knows the processor's events by its model, whether or not a hypervisor shows its counters.
 */
static bool counts_cycles(void) {
    struct tr_counters counters;
    struct tr_counts counts;
    tr_counters_start(&counters);
    tr_counters_read(&counters, &counts);
    tr_counters_stop(&counters);
    return counts.cycles > 0;
}

const char *tr_counters_setup(void) {
    PAPI_set_debug(PAPI_QUIET);
    if (PAPI_library_init(PAPI_VER_CURRENT) != PAPI_VER_CURRENT)
        return "PAPI could not be started";
    if (PAPI_thread_init(thread_id) != PAPI_OK)
        return "PAPI could not be started for threads";
    for (int i = 0; i < PAPI_num_components(); i++) {
        const PAPI_component_info_t *info = PAPI_get_component_info(i);
        if (info && info->num_cntrs > 0 && !info->disabled && info->CmpIdx == 0)
            return counts_cycles() ? NULL : "the processor's own counters are not shown here";
        if (info && info->disabled && info->CmpIdx == 0)
            return info->disabled_reason[0] ? info->disabled_reason
                                            : "the perf_event component is disabled";
    }
    return "PAPI has no component for processor events";
}
