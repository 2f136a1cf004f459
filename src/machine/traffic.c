#include "traffic.h"

#include <papi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tokenroof/cpulist.h"

/* Column accesses, each of which moves a line. Intel's servers have a counting unit for each
 * channel or controller, <micro-architecture>_unc_imc<number>; events of several sub-channels have
 * names of their own that begin alike. */
static const char unit_mark[] = "_unc_imc", event_mark[] = "::UNC_M_CAS_COUNT";
static const double bytes_of_an_access = 64;
enum { MOST_UNITS = 64 };

/* One unit of one package: reads and writes, in one event set, since only events of one unit can be
 * a group. */
struct tr_traffic_counters {
    size_t n;
    int sets[];
};

struct units {
    char names[MOST_UNITS][PAPI_MAX_STR_LEN];
    size_t n;
};

static void find_units(int component, struct units *units) {
    char name[PAPI_HUGE_STR_LEN];
    int code = PAPI_NATIVE_MASK;
    int more = PAPI_enum_cmp_event(&code, PAPI_ENUM_FIRST, component);
    units->n = 0;
    for (; more == PAPI_OK && units->n < MOST_UNITS;
         more = PAPI_enum_cmp_event(&code, PAPI_ENUM_EVENTS, component)) {
        if (PAPI_event_code_to_name(code, name) != PAPI_OK || !strstr(name, unit_mark) ||
            !strstr(name, event_mark))
            continue;
        int length = snprintf(units->names[units->n], PAPI_MAX_STR_LEN, "%s", name);
        units->n += length > 0 && length < PAPI_MAX_STR_LEN;
    }
}

static bool add_event(int set, const char *unit, const char *direction) {
    char name[PAPI_HUGE_STR_LEN];
    snprintf(name, sizeof(name), "%s:%s", unit, direction);
    return PAPI_add_named_event(set, name) == PAPI_OK;
}

static void drop(int set) {
    PAPI_cleanup_eventset(set);
    PAPI_destroy_eventset(&set);
}

/* Counts on the package of this CPU, whatever runs there. */
static bool start_set(int component, const char *unit, int cpu, int *ret_set) {
    int set = PAPI_NULL;
    if (PAPI_create_eventset(&set) != PAPI_OK)
        return false;
    PAPI_option_t option = {.cpu = {.eventset = set, .cpu_num = (unsigned)cpu}};
    if (PAPI_assign_eventset_component(set, component) != PAPI_OK ||
        PAPI_set_opt(PAPI_CPU_ATTACH, &option) != PAPI_OK || !add_event(set, unit, "RD") ||
        !add_event(set, unit, "WR") || PAPI_start(set) != PAPI_OK) {
        drop(set);
        return false;
    }
    *ret_set = set;
    return true;
}

static const char *start_all(const struct tr_machine *machine, int component,
                             struct tr_traffic_counters **ret_counters) {
    struct units *units = malloc(sizeof(*units));
    if (!units)
        return "out of memory";
    find_units(component, units);
    size_t most = units->n * machine->n_packages;
    struct tr_traffic_counters *counters =
        most ? malloc(sizeof(*counters) + most * sizeof(counters->sets[0])) : NULL;
    if (counters)
        counters->n = 0;
    for (size_t p = 0; counters && p < machine->n_packages; p++)
        for (size_t i = 0; counters && machine->packages[p].cpus.n && i < units->n; i++) {
            if (start_set(component, units->names[i], machine->packages[p].cpus.ids[0],
                          &counters->sets[counters->n])) {
                counters->n++;
                continue;
            }
            tr_traffic_stop(counters); /* a part of the channels would tell nothing */
            counters = NULL;
        }
    free(units);
    if (counters && !counters->n) { /* no package has CPUs: there is nowhere to count */
        tr_traffic_stop(counters);
        counters = NULL;
    }
    if (!most)
        return "PAPI knows no counters of these memory controllers";
    if (!counters)
        return "the memory controllers' counters could not be started";
    *ret_counters = counters;
    return NULL;
}

const char *tr_traffic_start(const struct tr_machine *machine,
                             struct tr_traffic_counters **ret_counters) {
    if (!PAPI_is_initialized())
        return "PAPI could not be started";
    int component = PAPI_get_component_index("perf_event_uncore");
    const PAPI_component_info_t *info = component >= 0 ? PAPI_get_component_info(component) : NULL;
    if (!info)
        return "PAPI has no component for memory controllers";
    if (info->disabled)
        return info->disabled_reason[0] ? info->disabled_reason
                                        : "the perf_event_uncore component is disabled";
    return start_all(machine, component, ret_counters);
}

bool tr_traffic_read(const struct tr_traffic_counters *counters, struct tr_traffic *ret_traffic) {
    double read = 0, written = 0;
    for (size_t i = 0; i < counters->n; i++) {
        long long values[2] = {0};
        if (PAPI_read(counters->sets[i], values) != PAPI_OK)
            return false;
        read += (double)values[0];
        written += (double)values[1];
    }
    *ret_traffic = (struct tr_traffic){read * bytes_of_an_access, written * bytes_of_an_access};
    return true;
}

void tr_traffic_stop(struct tr_traffic_counters *counters) {
    if (!counters)
        return;
    for (size_t i = 0; i < counters->n; i++) {
        long long values[2];
        PAPI_stop(counters->sets[i], values);
        drop(counters->sets[i]);
    }
    free(counters);
}
