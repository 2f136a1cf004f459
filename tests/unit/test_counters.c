/* Hardware counters, on a machine that may have none: a stand-in for libpapi, in this program
 * alone, whose counters tell what the test's kernels moved and how long its threads ran. */
#include "test.h"

#include <jansson.h>
#include <math.h>
#include <papi.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "core_clock.h"
#include "counted.h"
#include "session.h"
#include "tokenroof/calibration.h"

/* --- the stand-in ----------------------------------------------------------------------------- */

enum { CYCLES = 1, INSTRUCTIONS, MIGRATIONS, ACCESSES = 100, UNITS = 3, MOST_SETS = 4096 };
enum { PROCESSOR, MEMORY, COMPONENTS };
static const char *const unit_events[] = {
    "xyz_unc_imc0::UNC_M_CLOCKTICKS", "xyz_unc_imc0::UNC_M_CAS_COUNT",
    "xyz_unc_cha0::UNC_C_CLOCKTICKS", "xyz_unc_imc1::UNC_M_CAS_COUNT",
    "xyz_unc_imc2::UNC_M_CAS_COUNT_SCH0"};
enum { UNIT_EVENTS = sizeof(unit_events) / sizeof(unit_events[0]) };

static struct {
    bool initialized, processor_disabled, processor_hidden, memory_disabled, no_units, unit_fails,
        reads_fail;
    double ghz;        /* of the cycles that are counted */
    double more_bytes; /* bytes counted for each one moved */
} papi;
static atomic_int live_sets;
static atomic_ullong moved_read, moved_written; /* bytes */

static struct event_set {
    bool live, running;
    int component, cpu, n, events[4];
} sets[MOST_SETS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static PAPI_component_info_t components[COMPONENTS];

int PAPI_set_debug(int level) {
    (void)level;
    return PAPI_OK;
}

int PAPI_library_init(int version) {
    papi.initialized = true;
    return version;
}

int PAPI_is_initialized(void) {
    return papi.initialized;
}

int PAPI_thread_init(unsigned long (*id)(void)) {
    (void)id;
    return PAPI_OK;
}

int PAPI_unregister_thread(void) {
    return PAPI_OK;
}

int PAPI_num_components(void) {
    return COMPONENTS;
}

int PAPI_get_component_index(const char *name) {
    return !strcmp(name, "perf_event_uncore") ? MEMORY
           : !strcmp(name, "perf_event")      ? PROCESSOR
                                              : -1;
}

const PAPI_component_info_t *PAPI_get_component_info(int component) {
    PAPI_component_info_t *info = &components[component];
    info->CmpIdx = component;
    info->num_cntrs = 8;
    info->disabled = component == PROCESSOR ? papi.processor_disabled : papi.memory_disabled;
    snprintf(info->disabled_reason, sizeof(info->disabled_reason), "%s",
             component == PROCESSOR ? "no such unit" : "perf_event_paranoid is 2");
    return info;
}

static int code_of(const char *name) {
    if (papi.processor_disabled)
        return -1;
    return !strcmp(name, "PAPI_TOT_CYC")           ? CYCLES
           : !strcmp(name, "PAPI_TOT_INS")         ? INSTRUCTIONS
           : !strcmp(name, "perf::CPU-MIGRATIONS") ? MIGRATIONS
                                                   : -1;
}

int PAPI_query_named_event(const char *name) {
    return code_of(name) < 0 ? PAPI_ENOEVNT : PAPI_OK;
}

int PAPI_event_name_to_code(const char *name, int *code) {
    *code = code_of(name);
    return *code < 0 ? PAPI_ENOEVNT : PAPI_OK;
}

int PAPI_enum_cmp_event(int *code, int modifier, int component) {
    int next = modifier == PAPI_ENUM_FIRST ? 0 : (*code & ~PAPI_NATIVE_MASK) + 1;
    if (component != MEMORY || papi.no_units || next >= UNIT_EVENTS)
        return PAPI_ENOEVNT;
    *code = next | PAPI_NATIVE_MASK;
    return PAPI_OK;
}

int PAPI_event_code_to_name(int code, char *name) {
    snprintf(name, PAPI_MAX_STR_LEN, "%s", unit_events[code & ~PAPI_NATIVE_MASK]);
    return PAPI_OK;
}

int PAPI_create_eventset(int *set) {
    int at = 0;
    pthread_mutex_lock(&lock);
    while (at < MOST_SETS && sets[at].live)
        at++;
    if (at < MOST_SETS)
        sets[at] = (struct event_set){.live = true, .component = -1, .cpu = -1};
    pthread_mutex_unlock(&lock);
    if (at == MOST_SETS)
        return PAPI_ENOMEM;
    live_sets++;
    *set = at;
    return PAPI_OK;
}

int PAPI_assign_eventset_component(int set, int component) {
    sets[set].component = component;
    return PAPI_OK;
}

int PAPI_set_opt(int option, PAPI_option_t *value) {
    if (option == PAPI_CPU_ATTACH)
        sets[value->cpu.eventset].cpu = (int)value->cpu.cpu_num;
    return PAPI_OK;
}

int PAPI_add_event(int set, int code) {
    bool hidden = papi.processor_hidden && code <= INSTRUCTIONS;
    if (code < 0 || sets[set].n == 4 || hidden)
        return PAPI_ENOEVNT;
    sets[set].events[sets[set].n++] = code;
    return PAPI_OK;
}

/* Of units: both directions, and only where the set belongs to a CPU. */
int PAPI_add_named_event(int set, const char *name) {
    const char *number = strstr(name, "_unc_imc");
    size_t length = strlen(name);
    if (!number || !strstr(name, "CAS_COUNT") || sets[set].cpu < 0 ||
        sets[set].component != MEMORY || length < 3)
        return PAPI_ENOEVNT;
    int unit = number[strlen("_unc_imc")] - '0', written = !strcmp(name + length - 3, ":WR");
    if (!written && strcmp(name + length - 3, ":RD") != 0)
        return PAPI_ENOEVNT;
    return PAPI_add_event(set, ACCESSES + 2 * unit + written);
}

int PAPI_start(int set) {
    if (papi.unit_fails && sets[set].n && sets[set].events[0] == ACCESSES + 2 * (UNITS - 1))
        return PAPI_EPERM;
    sets[set].running = true;
    return PAPI_OK;
}

static long long value_of(int event, double cycles) {
    if (event < ACCESSES)
        return event == MIGRATIONS ? 0 : (long long)(event == CYCLES ? cycles : 2 * cycles);
    unsigned long long bytes = event % 2 ? moved_written : moved_read;
    return (long long)((double)bytes * papi.more_bytes / 64 / UNITS);
}

/* Counts of one set are of one moment, as a processor's are. */
int PAPI_read(int set, long long *values) {
    struct timespec now;
    if (!sets[set].running || (papi.reads_fail && sets[set].component == MEMORY))
        return PAPI_ENOTRUN;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    double cycles = papi.ghz * ((double)now.tv_sec * 1e9 + (double)now.tv_nsec);
    for (int i = 0; i < sets[set].n; i++)
        values[i] = value_of(sets[set].events[i], cycles);
    return PAPI_OK;
}

int PAPI_stop(int set, long long *values) {
    int code = PAPI_read(set, values);
    sets[set].running = false;
    return code;
}

int PAPI_cleanup_eventset(int set) {
    if (sets[set].running)
        return PAPI_EISRUN;
    sets[set].n = 0;
    return PAPI_OK;
}

int PAPI_destroy_eventset(int *set) {
    if (sets[*set].running || sets[*set].n)
        return PAPI_EINVAL;
    sets[*set].live = false;
    live_sets--;
    *set = PAPI_NULL;
    return PAPI_OK;
}

/* --- kernels that tell what they move ----------------------------------------------------------
 */

static bool spares_ownership;

static void copy_and_tell(struct tr_kargs *args) {
    size_t bytes = args->n * 8 * (args->passes ? args->passes : 1);
    tr_kernel_find("copy_plain", "sse2")->function(args);
    moved_read += spares_ownership ? bytes : 2 * bytes;
    moved_written += bytes;
}

static void read_and_tell(struct tr_kargs *args) {
    size_t bytes = args->n * 8 * (args->passes ? args->passes : 1);
    tr_kernel_find("read_plain", "sse2")->function(args);
    moved_read += bytes;
}

/* --- a session ---------------------------------------------------------------------------------
 */

struct outcome {
    struct tr_machine *machine;
    struct tr_calibration *calibration;
};

static volatile sig_atomic_t stop;

/* One kernel at all threads over 4 MiB, on a machine whose caches are said to be smaller. */
static void measure(struct outcome *o, const char *id, tr_kernel_fn *function) {
    const char *names[] = {id};
    struct tr_machine_options machine_options = {0};
    struct tr_plan_options options = {.isa_cap = TR_ISA_SSE2,
                                      .seconds = 0.3,
                                      .size_bytes = 4 << 20,
                                      .pages = TR_PAGES_4K,
                                      .kernels = names,
                                      .n_kernels = 1};
    struct tr_run_options run = {.min_samples = 6, .stop = &stop};
    struct tr_strings notes = {0};
    struct tr_err err = {0};
    struct tr_kernel telling;
    struct tr_plan plan;
    *o = (struct outcome){0};
    assert_int_equal(tr_machine_load(&machine_options, &o->machine, NULL), 0);
    o->machine->llc_bytes = 64 << 10;
    for (size_t i = 0; i < o->machine->n_l3_groups; i++)
        o->machine->l3_groups[i].l3_bytes = 64 << 10;
    assert_int_equal(tr_plan_make(o->machine, &options, &notes, &plan, &err), 0);
    for (size_t g = 0; g < plan.n_groups; g++)
        for (size_t i = 0; i < plan.groups[g].n_steps; i++) {
            telling = *plan.groups[g].steps[i].kernel;
            telling.function = function;
            plan.groups[g].steps[i].kernel = &telling;
        }
    assert_int_equal(tr_calibration_create(&o->calibration), 0);
    int code = tr_measure(o->machine, &plan, &run, o->calibration, &err);
    if (code && code != TR_EUNTRUSTED) /* a busy machine */
        fail_msg("%s", err.text);
    assert_true(o->calibration->n_measurements > 0);
    tr_plan_finish(&plan);
    tr_strings_finish(&notes);
    assert_int_equal(live_sets, 0); /* everything that was begun was ended */
}

static void finish(struct outcome *o) {
    tr_calibration_destroy(o->calibration);
    tr_machine_destroy(o->machine);
}

static void assert_condition(const struct outcome *o, const char *name, const char *text) {
    const json_t *value =
        json_object_get(json_object_get(o->calibration->document, "conditions"), name);
    if (!json_is_string(value) || strcmp(json_string_value(value), text) != 0)
        fail_msg("%s is %s, not %s", name,
                 json_is_string(value) ? json_string_value(value) : "no text", text);
}

static double counted(const struct outcome *o, const char *name) {
    const json_t *value =
        json_object_get(json_object_get(o->calibration->document, "conditions"), name);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static bool warned(const struct tr_measurement *m, const char *text) {
    for (size_t i = 0; i < m->warnings.n; i++)
        if (strstr(m->warnings.items[i], text))
            return true;
    return false;
}

static double per_nominal(const struct tr_measurement *m, const char *name) {
    const json_t *bytes = json_object_get(m->extra, "memory_counters");
    return bytes ? json_number_value(json_object_get(bytes, name)) : NAN;
}

static int setup(void **state) {
    (void)state;
    memset(&papi, 0, sizeof(papi));
    papi.ghz = 3;
    papi.more_bytes = 1;
    spares_ownership = false;
    return 0;
}

/* Lines that were counted by three units are 64 bytes each, rounded down. */
static const double rounding = 1e-3;

static void what_was_asked_for_was_moved(void **state) {
    (void)state;
    struct outcome o;
    measure(&o, "copy_plain", copy_and_tell);
    for (size_t i = 0; i < o.calibration->n_measurements; i++) {
        const struct tr_measurement *m = &o.calibration->measurements[i];
        assert_true(fabs(per_nominal(m, "read_per_nominal") - 1) < rounding);
        assert_true(fabs(per_nominal(m, "written_per_nominal") - 0.5) < rounding);
        assert_true(fabs(m->bus_per_nominal - 1.5) < 1e-12);
        assert_false(warned(m, "memory controllers"));
    }
    json_t *document = NULL;
    assert_int_equal(tr_calibration_to_json(o.calibration, &document), 0);
    const json_t *first = json_array_get(json_object_get(document, "measurements"), 0);
    assert_true(json_is_object(json_object_get(first, "memory_counters")));
    json_decref(document);
    assert_condition(&o, "hardware_counters", "available");
    assert_condition(&o, "memory_counters", "available");
    double cycles = counted(&o, "counted_cycles");
    assert_true(cycles > 0);
    assert_true(fabs(counted(&o, "counted_instructions") / cycles - 2) < 1e-3);
    finish(&o);
    measure(&o, "read_plain", read_and_tell);
    for (size_t i = 0; i < o.calibration->n_measurements; i++) {
        const struct tr_measurement *m = &o.calibration->measurements[i];
        assert_true(fabs(per_nominal(m, "read_per_nominal") - 1) < rounding);
        assert_true(per_nominal(m, "written_per_nominal") == 0);
        assert_false(warned(m, "memory controllers"));
    }
    finish(&o);
}

static void reads_for_ownership_that_were_saved(void **state) {
    (void)state;
    struct outcome o;
    spares_ownership = true;
    measure(&o, "copy_plain", copy_and_tell);
    for (size_t i = 0; i < o.calibration->n_measurements; i++) {
        const struct tr_measurement *m = &o.calibration->measurements[i];
        assert_true(fabs(per_nominal(m, "read_per_nominal") - 0.5) < rounding);
        assert_true(warned(m, "moved 1.00 bytes for each nominal byte (0.50 read, 0.50 written), "
                              "1.50 were expected: caches help, or the processor saves reads"));
    }
    finish(&o);
}

static void bytes_of_other_programs(void **state) {
    (void)state;
    struct outcome o;
    papi.more_bytes = 1.2;
    measure(&o, "read_plain", read_and_tell);
    for (size_t i = 0; i < o.calibration->n_measurements; i++)
        assert_true(warned(&o.calibration->measurements[i],
                           "moved 1.20 bytes for each nominal byte (1.20 read, 0.00 written), 1.00 "
                           "were expected: other programs"));
    finish(&o);
}

/* No clock is off by a factor of 2, however the machine is disturbed. */
static void a_clock_that_the_cycles_refute(void **state) {
    (void)state;
    struct outcome o;
    papi.ghz = 2 * tr_core_clock_burst_ghz();
    measure(&o, "read_plain", read_and_tell);
    for (size_t i = 0; i < o.calibration->n_measurements; i++)
        assert_true(warned(&o.calibration->measurements[i], "the core clock is"));
    finish(&o);
}

static void assert_nothing_counted(const struct outcome *o) {
    for (size_t i = 0; i < o->calibration->n_measurements; i++) {
        assert_true(isnan(per_nominal(&o->calibration->measurements[i], "read_per_nominal")));
        assert_false(warned(&o->calibration->measurements[i], "memory controllers"));
    }
}

static void absent_counters_are_said(void **state) {
    (void)state;
    struct outcome o;
    papi.processor_disabled = papi.memory_disabled = true;
    measure(&o, "read_plain", read_and_tell);
    assert_condition(&o, "hardware_counters", "absent");
    assert_condition(&o, "hardware_counters_reason", "no such unit");
    assert_condition(&o, "memory_counters", "absent");
    assert_condition(&o, "memory_counters_reason", "perf_event_paranoid is 2");
    assert_true(isnan(counted(&o, "counted_cycles")));
    assert_nothing_counted(&o);
    finish(&o);
    /* A virtual machine's: the processor's model is known, its counters are not there. */
    papi.processor_disabled = false;
    papi.processor_hidden = true;
    measure(&o, "read_plain", read_and_tell);
    assert_condition(&o, "hardware_counters", "absent");
    assert_condition(&o, "hardware_counters_reason",
                     "the processor's own counters are not shown here");
    assert_true(isnan(counted(&o, "counted_cycles")));
    finish(&o);
}

static void units_that_are_missing_or_refused(void **state) {
    (void)state;
    struct outcome o;
    papi.no_units = true;
    measure(&o, "read_plain", read_and_tell);
    assert_condition(&o, "hardware_counters", "available");
    assert_condition(&o, "memory_counters_reason",
                     "PAPI knows no counters of these memory controllers");
    assert_nothing_counted(&o);
    finish(&o);
    papi.no_units = false;
    papi.unit_fails = true; /* the last one: the others are given up */
    measure(&o, "read_plain", read_and_tell);
    assert_condition(&o, "memory_counters_reason",
                     "the memory controllers' counters could not be started");
    assert_nothing_counted(&o);
    finish(&o);
    papi.unit_fails = false;
    papi.reads_fail = true;
    measure(&o, "read_plain", read_and_tell);
    assert_nothing_counted(&o);
    finish(&o);
}

/* --- arithmetic --------------------------------------------------------------------------------
 */

static size_t warnings_of(double read, double written, double expected, int64_t cycles,
                          double core_ghz) {
    struct tr_counted counted = {.cycles = cycles,
                                 .cpu_ns = 1000,
                                 .nominal_bytes = 1e9,
                                 .read_bytes = read * 1e9,
                                 .written_bytes = written * 1e9};
    struct tr_measurement m;
    tr_measurement_init(&m);
    m.kernel = strdup("copy");
    m.core_ghz = core_ghz;
    assert_int_equal(tr_counted_check(&counted, expected, &m), 0);
    assert_true(fabs(per_nominal(&m, "read_per_nominal") - read) < 1e-12);
    assert_true(fabs(per_nominal(&m, "written_per_nominal") - written) < 1e-12);
    size_t n = m.warnings.n;
    tr_measurement_finish(&m);
    return n;
}

static void differences_that_count(void **state) {
    (void)state;
    assert_int_equal(warnings_of(1, 0.5, 1.5, -1, 3), 0);
    assert_int_equal(warnings_of(1.09, 0, 1, -1, 3), 0);
    assert_int_equal(warnings_of(1.11, 0, 1, -1, 3), 1);
    assert_int_equal(warnings_of(0.91, 0, 1, -1, 3), 0);
    assert_int_equal(warnings_of(0.89, 0, 1, -1, 3), 1);
    assert_int_equal(warnings_of(9, 9, NAN, -1, 3), 0); /* memcpy: nobody knows what it moves */
    assert_int_equal(warnings_of(1, 0, 1, 3100, 3), 0);
    assert_int_equal(warnings_of(1, 0, 1, 3200, 3), 1);
    assert_int_equal(warnings_of(1, 0, 1, 2800, 3), 1);
    assert_int_equal(warnings_of(2, 0, 1, 2800, 3), 2);
    assert_int_equal(warnings_of(1, 0, 1, 2800, NAN), 0); /* no clock was measured */
}

/* One thread that did not count makes the sum unknown, in whatever order they come. */
static void a_thread_that_did_not_count(void **state) {
    (void)state;
    const struct tr_counts before = {.cycles = 100, .instructions = 1000, .cpu_ns = 10};
    const struct tr_counts after = {.cycles = 400, .instructions = 1600, .cpu_ns = 110};
    const struct tr_counts unknown = {.cycles = -1, .instructions = -1, .cpu_ns = 20};
    struct tr_counted first = {0}, second = {0}, all = {0};
    tr_counted_add(&first, &before, &after);
    assert_int_equal(first.cycles, 300);
    assert_int_equal(first.instructions, 600);
    assert_int_equal(first.cpu_ns, 100);
    tr_counted_add(&second, &unknown, &unknown);
    tr_counted_add(&second, &before, &after);
    assert_int_equal(second.cycles, -1);
    assert_int_equal(second.instructions, -1);
    tr_counted_add(&first, &before, &unknown); /* the second reading failed */
    assert_int_equal(first.cycles, -1);
    tr_counted_sum(&all, &second);
    first = (struct tr_counted){.cycles = 5, .instructions = 6, .cpu_ns = 7};
    tr_counted_sum(&all, &first);
    assert_int_equal(all.cycles, -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_was_asked_for_was_moved, setup),
        cmocka_unit_test_setup(reads_for_ownership_that_were_saved, setup),
        cmocka_unit_test_setup(bytes_of_other_programs, setup),
        cmocka_unit_test_setup(a_clock_that_the_cycles_refute, setup),
        cmocka_unit_test_setup(absent_counters_are_said, setup),
        cmocka_unit_test_setup(units_that_are_missing_or_refused, setup),
        cmocka_unit_test(differences_that_count),
        cmocka_unit_test(a_thread_that_did_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
