#include "counters.h"

#include <papi.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/resource.h>

static const struct {
    const char *name;
    size_t field;
} events[] = {
    {"perf::CONTEXT-SWITCHES", offsetof(struct tr_counts, context_switches)},
    {"perf::CPU-MIGRATIONS", offsetof(struct tr_counts, migrations)},
    {"perf::PAGE-FAULTS", offsetof(struct tr_counts, page_faults)},
    {"PAPI_TOT_CYC", offsetof(struct tr_counts, cycles)},
    {"PAPI_TOT_INS", offsetof(struct tr_counts, instructions)},
};
enum { N_EVENTS = sizeof(events) / sizeof(events[0]) };

static unsigned long thread_id(void) {
    return (unsigned long)pthread_self();
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
            return NULL;
        if (info && info->disabled && info->CmpIdx == 0)
            return info->disabled_reason[0] ? info->disabled_reason
                                            : "the perf_event component is disabled";
    }
    return "PAPI has no component for processor events";
}

void tr_counters_start(struct tr_counters *ret_counters) {
    struct tr_counters counters = {.event_set = PAPI_NULL};
    if (PAPI_is_initialized() && PAPI_create_eventset(&counters.event_set) == PAPI_OK) {
        for (int i = 0; i < N_EVENTS; i++) {
            int code;
            if (PAPI_event_name_to_code(events[i].name, &code) == PAPI_OK &&
                PAPI_add_event(counters.event_set, code) == PAPI_OK)
                counters.slots[counters.n_events++] = (int8_t)i;
        }
        if (!counters.n_events || PAPI_start(counters.event_set) != PAPI_OK) {
            PAPI_cleanup_eventset(counters.event_set);
            PAPI_destroy_eventset(&counters.event_set);
            counters.event_set = PAPI_NULL;
            counters.n_events = 0;
        }
    }
    *ret_counters = counters;
}

void tr_counters_stop(struct tr_counters *counters) {
    long long values[N_EVENTS];
    if (counters->event_set != PAPI_NULL) {
        PAPI_stop(counters->event_set, values);
        PAPI_cleanup_eventset(counters->event_set);
        PAPI_destroy_eventset(&counters->event_set);
        PAPI_unregister_thread();
    }
    *counters = (struct tr_counters){.event_set = PAPI_NULL};
}

void tr_counters_read(const struct tr_counters *counters, struct tr_counts *ret_counts) {
    struct tr_counts counts = {-1, -1, -1, -1, -1};
    struct rusage usage;
    if (!getrusage(RUSAGE_THREAD, &usage)) {
        counts.context_switches = usage.ru_nivcsw;
        counts.page_faults = usage.ru_minflt + usage.ru_majflt;
    }
    if (counters->event_set != PAPI_NULL) {
        long long values[N_EVENTS] = {0};
        if (PAPI_read(counters->event_set, values) == PAPI_OK)
            for (int i = 0; i < counters->n_events; i++)
                *(int64_t *)(void *)((char *)&counts + events[counters->slots[i]].field) =
                    values[i];
    }
    *ret_counts = counts;
}
