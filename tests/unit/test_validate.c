/* Checks of machines: recordings, shares of limits by class, slow parts, purchase files. */
#include <math.h>

#include <jansson.h>

#include "calibration_json.h"
#include "checks.h"
#include "csv.h"
#include "data.h"
#include "expected_shares.h"
#include "facts.h"
#include "machine_json.h"
#include "machines.h"
#include "prng.h"
#include "simulated.h"
#include "strbuf.h"
#include "test.h"
#include "tokenroof/platform.h"
#include "validate.h"

/* A machine with what is measured on it. */
struct subject {
    struct tr_machine *machine;
    json_t *facts, *soak;
    const char *boot_id;
    struct tr_calibration *calibration;
    struct tr_checks checks;
};

static void subject_of(struct subject *subject, struct tr_machine *machine) {
    *subject = (struct subject){.machine = machine};
    assert_int_equal(tr_machine_to_json(machine, &subject->facts), 0);
    assert_int_equal(tr_calibration_create(&subject->calibration), 0);
}

static void subject_named(struct subject *subject, const char *name, int packages,
                          const struct tr_overrides *overrides) {
    struct tr_machine *machine = NULL;
    const struct tr_platform *platform = tr_platform_by_name(name);
    assert_non_null(platform);
    assert_int_equal(tr_machine_of_platform(platform, packages, overrides, &machine, NULL), 0);
    subject_of(subject, machine);
}

static void subject_finish(struct subject *subject) {
    tr_checks_finish(&subject->checks);
    json_decref(subject->facts);
    json_decref(subject->soak);
    tr_calibration_destroy(subject->calibration);
    tr_machine_destroy(subject->machine);
}

static void validate(struct subject *subject, bool measured,
                     const struct tr_expectation *expectation) {
    struct tr_validation validation = {.machine = subject->facts,
                                       .limits = subject->machine->limits,
                                       .n_limits = subject->machine->n_limits,
                                       .calibration = measured ? subject->calibration : NULL,
                                       .expectation = expectation,
                                       .soak = subject->soak,
                                       .soak_path = "soak.json",
                                       .boot_id = subject->boot_id};
    tr_checks_finish(&subject->checks);
    assert_int_equal(tr_validate(&validation, &subject->checks), 0);
}

static const struct tr_check *check_named(const struct tr_checks *checks, const char *name) {
    for (size_t i = 0; i < checks->n; i++)
        if (!strcmp(checks->items[i].name, name))
            return &checks->items[i];
    return NULL;
}

static void assert_outcome(const struct subject *subject, const char *name,
                           enum tr_check_outcome outcome, const char *part_of_why) {
    const struct tr_check *check = check_named(&subject->checks, name);
    if (!check)
        fail_msg("no check '%s'", name);
    if (check->outcome != outcome)
        fail_msg("%s: %s, not %s: %s", name, tr_check_outcome_name(check->outcome),
                 tr_check_outcome_name(outcome), check->why);
    if (part_of_why && !strstr(check->why, part_of_why))
        fail_msg("%s: '%s' does not say '%s'", name, check->why, part_of_why);
}

static struct tr_measurement *measure(struct subject *subject, const char *kernel,
                                      const char *limit, enum tr_place_kind kind, int index,
                                      double value) {
    struct tr_calibration *calibration = subject->calibration;
    struct tr_measurement *all =
        realloc(calibration->measurements, (calibration->n_measurements + 1) * sizeof(*all));
    assert_non_null(all);
    calibration->measurements = all;
    struct tr_measurement *m = &all[calibration->n_measurements++];
    tr_measurement_init(m);
    m->kernel = strdup(kernel);
    m->metric = strdup("bandwidth");
    m->unit = strdup("GB/s");
    m->dtype = strdup("f64");
    m->limit = limit ? strdup(limit) : NULL;
    m->place.kind = kind;
    m->place.index = index;
    m->threads = kind == TR_PLACE_MACHINE ? 32 : 1;
    m->median = m->best = value;
    m->bus_per_nominal = 1;
    return m;
}

/* --- recordings ------------------------------------------------------------------------------ */

static bool is_finding(const struct tr_check *check) {
    return check->outcome == TR_CHECK_WARN || check->outcome == TR_CHECK_FAIL;
}

/* What the notes of a recorded machine ask for, and nothing else. */
static void check_recorded(const char *folder, const json_t *expected) {
    struct subject subject;
    char source[512];
    const char *name = json_string_value(json_object_get(expected, "machine"));
    const char *note = json_string_value(json_object_get(expected, "note"));
    double populated = tr_fact_number(expected, "channels_populated_64bit");
    double present = tr_fact_number(expected, "channels_present_64bit");
    double runs = tr_fact_number(expected, "configured_mts");
    double rated = tr_fact_number(expected, "rated_mts");
    snprintf(source, sizeof(source), "%s/%s", folder, name);
    subject_of(&subject, machine_from(source, NULL));
    validate(&subject, false, NULL);
    size_t findings = 0, wanted = 0;
    for (size_t i = 0; i < subject.checks.n; i++)
        findings += is_finding(&subject.checks.items[i]);
    if (populated < present) {
        char text[96];
        snprintf(text, sizeof(text), "empty: %g of %g channels unpopulated, expect at most ",
                 present - populated, present);
        assert_outcome(&subject, "memory channels", TR_CHECK_FAIL, text);
        wanted++;
    }
    if (runs != rated && !isnan(runs)) {
        assert_true(is_finding(check_named(&subject.checks, "memory speed")));
        assert_true(check_named(&subject.checks, "memory speed")->value == runs);
        wanted++;
    }
    if (strstr(note, "channels F, J and L")) {
        assert_outcome(&subject, "memory channels", TR_CHECK_FAIL,
                       "channels P0 F, P0 J, P0 L empty: ");
        /* All slots are called alike there: their channels tell them apart. */
        assert_outcome(&subject, "memory channels", TR_CHECK_FAIL,
                       "; fill P0 F (DIMM 0), P0 J (DIMM 0), P0 L (DIMM 0) with");
        assert_outcome(&subject, "memory channels", TR_CHECK_FAIL, "345.6 instead of 460.8 GB/s");
    }
    if (strstr(note, "no local memory")) {
        assert_outcome(&subject, "memory of each socket", TR_CHECK_FAIL, "socket 1 has no memory");
        wanted++;
    }
    printf("%s: %zu findings\n", name, findings);
    if (findings != wanted)
        fail_msg("%s: %zu findings, %zu are noted", name, findings, wanted);
    subject_finish(&subject);
}

static void test_recorded_machines(void **state) {
    (void)state;
    char *path = recorded_data("smbios/expected.json");
    if (!path)
        skip();
    json_t *all = json_load_file(path, 0, NULL);
    size_t i;
    const json_t *expected;
    assert_true(json_array_size(all) > 10);
    *strrchr(path, '/') = '\0';
    json_array_foreach(all, i, expected) check_recorded(path, expected);
    json_decref(all);
    free(path);
}

static void test_own_recordings(void **state) {
    (void)state;
    static const struct {
        const char *name, *check;
        enum tr_check_outcome outcome;
        const char *why;
    } cases[] = {
        {"smbios/server-10-of-12", "memory channels", TR_CHECK_FAIL,
         "2 of 12 channels unpopulated, expect at most"},
        {"smbios/server-2-sockets-16-of-24", "memory channels", TR_CHECK_FAIL, "8 of 24"},
        {"smbios/desktop-2-of-4-ddr5", "memory channels", TR_CHECK_PASS, NULL},
        {"smbios/qemu-plain", "memory channels", TR_CHECK_SKIP, NULL},
        {"smbios/laptop-lpddr5-8x16bit", "memory channels", TR_CHECK_PASS, NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct subject subject;
        subject_of(&subject, machine_from_data(cases[i].name));
        validate(&subject, false, NULL);
        assert_outcome(&subject, cases[i].check, cases[i].outcome, cases[i].why);
        subject_finish(&subject);
    }
}

/* --- facts ----------------------------------------------------------------------------------- */

static void test_population_rules(void **state) {
    (void)state;
    struct subject subject;
    subject_of(&subject, machine_from_data("smbios/server-2-sockets-16-of-24"));
    json_t *memory = json_object_get(subject.facts, "memory");
    json_t *modules = json_object_get(memory, "modules");
    /* Half of what is plugged in is not there for the kernel. */
    double total = tr_fact_number(memory, "total_bytes");
    json_object_set_new(subject.facts, "os", json_pack("{s:f}", "memory_bytes", total / 2));
    validate(&subject, false, NULL);
    assert_outcome(&subject, "memory in use", TR_CHECK_FAIL, "failed its training");
    json_object_set_new(subject.facts, "os", json_pack("{s:f}", "memory_bytes", 0.97 * total));
    validate(&subject, false, NULL);
    assert_outcome(&subject, "memory in use", TR_CHECK_PASS, NULL);
    /* One module twice as large: its channel and its socket have more. */
    assert_outcome(&subject, "memory of each channel", TR_CHECK_PASS, NULL);
    assert_outcome(&subject, "memory of each socket", TR_CHECK_PASS, NULL);
    for (size_t i = 0; i < json_array_size(modules); i++) {
        json_t *module = json_array_get(modules, i);
        double bytes = tr_fact_number(module, "size_bytes");
        if (bytes > 0) {
            json_object_set_new(module, "size_bytes", json_real(2 * bytes));
            break;
        }
    }
    validate(&subject, false, NULL);
    assert_outcome(&subject, "memory of each channel", TR_CHECK_WARN, "use equal modules");
    assert_outcome(&subject, "memory of each socket", TR_CHECK_WARN, "give each the same");
    subject_finish(&subject);
}

/* Slots without names of channels: four modules for sixteen channels are too few all the same. */
static void test_too_few_modules(void **state) {
    (void)state;
    struct subject subject;
    subject_of(&subject, machine_from_data("smbios/server-few-modules"));
    validate(&subject, false, NULL);
    assert_outcome(&subject, "memory channels", TR_CHECK_FAIL,
                   "4 modules are too few for all channels, expect at most 140.8 instead of 563.2");
    subject_finish(&subject);
    subject_of(&subject, machine_from_data("smbios/server-numbered-slots"));
    validate(&subject, false, NULL);
    assert_outcome(&subject, "memory channels", TR_CHECK_SKIP, "does not tell");
    subject_finish(&subject);
}

/* Below what population and platform allow it fails, at what they allow it warns, above too. */
static void test_speed_rules(void **state) {
    (void)state;
    static const struct {
        double runs, rated, platform, population;
        int per_channel;
        enum tr_check_outcome outcome;
        const char *why;
    } cases[] = {
        {4800, 4800, 4800, NAN, 2, TR_CHECK_PASS, "as rated"},
        {5592, 5600, 5600, NAN, 2, TR_CHECK_PASS, "as rated"},
        {4000, 4800, 4800, NAN, 1, TR_CHECK_FAIL, "in the BIOS"},
        /* What two modules a channel may run at is not in the table. */
        {4000, 4800, 4800, NAN, 2, TR_CHECK_WARN, "what it allows 2 modules a channel"},
        {3600, 4800, 5200, 3600, 2, TR_CHECK_WARN, "maximum with 2 modules a channel"},
        {3200, 4800, 5200, 3600, 2, TR_CHECK_FAIL, "may run at 3600"},
        {5200, 5600, 5200, NAN, 2, TR_CHECK_WARN, "the processor's maximum"},
        {6400, 5600, 5200, NAN, 2, TR_CHECK_WARN, "overclocking"},
        {NAN, 5600, 5200, NAN, 2, TR_CHECK_SKIP, "no speed"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct subject subject;
        subject_of(&subject, machine_from_data("smbios/desktop-2-of-4-ddr5"));
        json_t *memory = json_object_get(subject.facts, "memory");
        json_object_set_new(memory, "configured_mts", tr_json_number(cases[i].runs));
        json_object_set_new(memory, "rated_mts", tr_json_number(cases[i].rated));
        json_t *population = json_object_get(memory, "population");
        json_object_set_new(population, "platform_mts", tr_json_number(cases[i].platform));
        json_object_set_new(population, "population_mts", tr_json_number(cases[i].population));
        json_object_set_new(population, "modules_per_channel", json_integer(cases[i].per_channel));
        validate(&subject, false, NULL);
        assert_outcome(&subject, "memory speed", cases[i].outcome, cases[i].why);
        subject_finish(&subject);
    }
}

static void test_settings(void **state) {
    (void)state;
    struct subject subject;
    subject_of(&subject, machine_from_data("smbios/desktop-2-of-4-ddr5"));
    json_t *good = json_pack("{s:s, s:s, s:s, s:b, s:i}", "governor", "performance", "driver",
                             "acpi-cpufreq", "thp", "madvise", "boost", 1, "numa_balancing", 0);
    json_t *bad = json_pack("{s:s, s:s, s:s, s:b, s:i}", "governor", "powersave", "driver",
                            "acpi-cpufreq", "thp", "never", "boost", 0, "numa_balancing", 1);
    json_t *nodes = json_pack("[{s:i}, {s:i}]", "index", 0, "index", 1);
    static const char *const names[] = {"CPU governor", "transparent huge pages", "boost",
                                        "NUMA balancing"};
    json_object_set_new(subject.facts, "numa_nodes", nodes);
    json_object_set_new(subject.facts, "settings", good);
    validate(&subject, false, NULL);
    for (size_t i = 0; i < 4; i++)
        assert_outcome(&subject, names[i], TR_CHECK_PASS, NULL);
    json_object_set(subject.facts, "settings", bad);
    validate(&subject, false, NULL);
    for (size_t i = 0; i < 4; i++)
        assert_outcome(&subject, names[i], TR_CHECK_WARN, NULL);
    json_object_set_new(bad, "driver", json_string("intel_pstate"));
    validate(&subject, false, NULL);
    assert_outcome(&subject, "CPU governor", TR_CHECK_PASS, NULL);
    json_decref(bad);
    /* Counters and temperatures. */
    json_object_set_new(subject.facts, "sensors",
                        json_pack("{s:i, s:i, s:f, s:f}", "corrected_errors", 3,
                                  "uncorrected_errors", 0, "cpu_celsius", 99.0, "cpu_limit_celsius",
                                  100.0));
    validate(&subject, false, NULL);
    assert_outcome(&subject, "memory errors", TR_CHECK_WARN, "corrected");
    assert_outcome(&subject, "CPU temperature", TR_CHECK_WARN, NULL);
    json_object_set_new(json_object_get(subject.facts, "sensors"), "uncorrected_errors",
                        json_integer(1));
    validate(&subject, false, NULL);
    assert_outcome(&subject, "memory errors", TR_CHECK_FAIL, "replace");
    subject_finish(&subject);
}

/* What a soak found, and what is asked for where there was none. */
static void test_soak(void **state) {
    (void)state;
    static const struct {
        const char *text;
        enum tr_check_outcome outcome;
        const char *why;
    } cases[] = {
        {NULL, TR_CHECK_SKIP, "run tokenroof soak"},
        {"{\"created\": \"2026-11-21T10:00:00Z\", \"verdict\": \"pass\", \"results\": [], "
         "\"seconds_run\": 3600, \"partial\": false}",
         TR_CHECK_PASS, "2026-11-21T10:00:00Z found no error"},
        {"{\"created\": \"2026-11-21T10:00:00Z\", \"verdict\": \"pass\", \"results\": [], "
         "\"seconds_run\": 60, \"partial\": true}",
         TR_CHECK_WARN, "ended early"},
        {"{\"created\": \"2026-11-21T10:00:00Z\", \"verdict\": \"fail\", \"results\": "
         "[{\"name\": \"clocks\", \"verdict\": \"pass\", \"why\": \"steady\"}, {\"name\": "
         "\"memory\", \"verdict\": \"fail\", \"why\": \"3 words differ\"}]}",
         TR_CHECK_FAIL, "failed: memory: 3 words differ;"},
        {"{\"created\": \"2026-11-21T10:00:00Z\", \"verdict\": \"warn\", \"results\": "
         "[{\"name\": \"memory errors\", \"verdict\": \"warn\", \"why\": \"2 corrected\"}]}",
         TR_CHECK_WARN, "warned: memory errors: 2 corrected; soak again once that is mended"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct subject subject;
        subject_of(&subject, machine_from_data("smbios/desktop-2-of-4-ddr5"));
        if (cases[i].text)
            assert_non_null(subject.soak = json_loads(cases[i].text, 0, NULL));
        validate(&subject, false, NULL);
        assert_outcome(&subject, "soak", cases[i].outcome, cases[i].why);
        assert_outcome(&subject, "memory errors", TR_CHECK_SKIP, "EDAC");
        assert_outcome(&subject, "CPU temperature", TR_CHECK_SKIP, "no sensor");
        assert_outcome(&subject, "measurement", TR_CHECK_SKIP, "run tokenroof first");
        subject_finish(&subject);
    }
}

/* Seconds without a fault, or cores alone, prove no machine to be stable. */
static void test_soak_that_proves_little(void **state) {
    (void)state;
    static const struct {
        double seconds;
        const char *memory, *told;
        enum tr_check_outcome outcome;
    } rows[] = {
        {3600, "pass", "found no error", TR_CHECK_PASS},
        {598, "pass", "found no error", TR_CHECK_PASS},
        {3, "pass", "found no error, but is too short to tell; soak again, for 10 minutes or more",
         TR_CHECK_WARN},
        {3600, "skip", "found no error, but tested no memory; soak again", TR_CHECK_WARN},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct subject subject;
        subject_of(&subject, machine_from_data("smbios/desktop-2-of-4-ddr5"));
        json_t *soak = json_pack("{s:s, s:s, s:f, s:[{s:s, s:s}]}", "verdict", "pass", "created",
                                 "2026-11-21T10:00:00Z", "seconds_run", rows[i].seconds, "results",
                                 "name", "memory", "verdict", rows[i].memory);
        struct tr_validation validation = {.machine = subject.facts, .soak = soak};
        assert_int_equal(tr_validate(&validation, &subject.checks), 0);
        assert_outcome(&subject, "soak", rows[i].outcome, rows[i].told);
        json_decref(soak);
        subject_finish(&subject);
    }
}

/* A soak holds for the processor, the firmware and the memory that it ran with, whatever it found;
 * that it ran in another boot is told. */
static void test_soak_of_others(void **state) {
    (void)state;
    static const struct {
        const char *verdict, *boot, *cpu, *bios;
        double mts, gib; /* on top of what the machine has */
        enum tr_check_outcome outcome;
        const char *why;
    } cases[] = {
        {"pass", "now", "this", "1.2", 0, 0, TR_CHECK_PASS, "found no error"},
        {"pass", "now", "this", "1.2", 4, 0, TR_CHECK_PASS, "found no error"}, /* read twice */
        {"pass", NULL, NULL, NULL, 0, 0, TR_CHECK_PASS, "found no error"}, /* of an older version */
        {"pass", "before", "this", "1.2", 0, 0, TR_CHECK_WARN,
         "found no error, but it ran in another boot, and memory is trained anew in each; soak "
         "again"},
        {"pass", "now", "this", "1.1", 0, 0, TR_CHECK_WARN, "it ran with BIOS 1.1 instead of 1.2;"},
        {"pass", "before", "this", "1.1", 400, 0, TR_CHECK_WARN,
         " and in another boot; soak again"},
        {"pass", "now", "this", "1.2", 400, 0, TR_CHECK_WARN, "with memory MT/s "},
        {"pass", "now", "this", "1.2", 0, -16, TR_CHECK_WARN, "with memory bytes "},
        {"pass", "now", "that", "1.2", 0, 0, TR_CHECK_WARN, "with processor that instead of this;"},
        {"fail", "now", "this", "1.2", 0, 0, TR_CHECK_FAIL, "failed: memory: 3 words differ; take"},
        {"fail", "before", "this", "1.2", 0, 0, TR_CHECK_FAIL,
         "failed: memory: 3 words differ, but it ran in another boot"},
        {"fail", "now", "this", "1.1", 0, 0, TR_CHECK_WARN,
         "failed: memory: 3 words differ, but it ran with BIOS 1.1 instead of 1.2; soak again"},
        {"warn", "now", "this", "1.1", 0, 0, TR_CHECK_WARN,
         "warned: memory: 3 words differ, but it ran with BIOS 1.1 instead of 1.2; soak again"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct subject subject;
        subject_of(&subject, machine_from_data("smbios/desktop-2-of-4-ddr5"));
        json_object_set_new(json_object_get(subject.facts, "firmware"), "bios", json_string("1.2"));
        json_object_set_new(json_object_get(subject.facts, "cpu"), "model", json_string("this"));
        double mts = tr_fact_number(subject.facts, "memory.configured_mts");
        double bytes = tr_fact_number(subject.facts, "memory.total_bytes");
        assert_true(mts > 0 && bytes > 0);
        assert_non_null(
            subject.soak = json_pack(
                "{s:s, s:s, s:[{s:s, s:s, s:s}], s:b, s:s?, s:s?, s:{s:{s:s?}, s:{s:f, s:f}}}",
                "created", "2026-11-21T10:00:00Z", "verdict", cases[i].verdict, "results", "name",
                "memory", "verdict", cases[i].verdict, "why", "3 words differ", "partial", 0,
                "boot_id", cases[i].boot, "cpu_model", cases[i].cpu, "machine", "firmware", "bios",
                cases[i].bios, "memory", "configured_mts", mts + cases[i].mts, "total_bytes",
                bytes + cases[i].gib * 0x1p30));
        subject.boot_id = "now";
        validate(&subject, false, NULL);
        assert_outcome(&subject, "soak", cases[i].outcome, cases[i].why);
        subject_finish(&subject);
    }
}

static void test_lasting_load(void **state) {
    (void)state;
    struct subject subject;
    subject_named(&subject, "EPYC 9654", 1, NULL);
    measure(&subject, "read", NULL, TR_PLACE_MACHINE, 0, 380);
    validate(&subject, true, NULL);
    assert_outcome(&subject, "rates under lasting load", TR_CHECK_SKIP, "--full");
    struct tr_measurement *lasting = measure(&subject, "read", NULL, TR_PLACE_MACHINE, 0, 376);
    lasting->after_s = 60;
    validate(&subject, true, NULL);
    assert_outcome(&subject, "read after 60 s of load", TR_CHECK_PASS, "376 GB/s after 380");
    lasting->median = 340;
    validate(&subject, true, NULL);
    assert_outcome(&subject, "read after 60 s of load", TR_CHECK_WARN, "power limit");
    subject_finish(&subject);
}

/* --- shares of limits ------------------------------------------------------------------------ */

static void make_hard(struct subject *subject) {
    for (size_t i = 0; i < subject->machine->n_limits; i++)
        subject->machine->limits[i].hard = true;
}

static void set_nps(struct subject *subject, const char *nps) {
    json_object_set_new(subject->facts, "settings", json_pack("{s:s}", "nps", nps));
}

static double limit_of(const struct subject *subject, const char *name) {
    const struct tr_limit *limit = tr_limit_find(
        subject->machine->limits, subject->machine->n_limits, name, TR_PLACE_MACHINE, 0);
    assert_non_null(limit);
    return limit->value;
}

static void test_genoa(void **state) {
    (void)state;
    struct subject subject;
    struct tr_overrides overrides = {.fclk_mhz = 2000};
    subject_named(&subject, "EPYC 9654", 2, &overrides);
    make_hard(&subject);
    set_nps(&subject, "NPS1");
    double limit = limit_of(&subject, "memory_read");
    assert_near(limit, 921.6, 0.1);
    struct tr_measurement *read =
        measure(&subject, "read", "memory_read", TR_PLACE_MACHINE, 0, 0.78 * limit);
    validate(&subject, true, NULL);
    assert_outcome(&subject, "read", TR_CHECK_PASS, NULL);
    /* The narrower range of NPS4 is not verified: it warns. */
    set_nps(&subject, "NPS4");
    validate(&subject, true, NULL);
    assert_outcome(&subject, "read", TR_CHECK_WARN, "the expectation is not verified");
    read->median = 0.6 * limit;
    validate(&subject, true, NULL);
    assert_outcome(&subject, "read", TR_CHECK_FAIL, NULL);
    assert_non_null(strstr(check_named(&subject.checks, "read")->from, "azure"));
    /* What cannot be trusted fails nobody, nor does a limit that nobody read. */
    assert_int_equal(tr_strings_add(&read->flags, "unsteady"), 0);
    validate(&subject, true, NULL);
    assert_outcome(&subject, "read", TR_CHECK_WARN, "not to be trusted");
    tr_strings_finish(&read->flags);
    for (size_t i = 0; i < subject.machine->n_limits; i++)
        subject.machine->limits[i].hard = false;
    validate(&subject, true, NULL);
    assert_outcome(&subject, "read", TR_CHECK_WARN, "not read from this machine");
    /* More than there can be. */
    read->median = 1.2 * limit;
    validate(&subject, true, NULL);
    assert_outcome(&subject, "read", TR_CHECK_SKIP, "must be wrong");
    subject_finish(&subject);
}

/* 46% of its DRAM is what its two links carry. */
static void test_strix_halo(void **state) {
    (void)state;
    struct subject subject;
    subject_named(&subject, "Ryzen AI Max+ 395", 1, NULL);
    make_hard(&subject);
    assert_near(limit_of(&subject, "dram"), 256, 0.1);
    struct tr_measurement *read =
        measure(&subject, "read", "memory_read", TR_PLACE_MACHINE, 0, 0.46 * 256);
    validate(&subject, true, NULL);
    assert_outcome(&subject, "read", TR_CHECK_PASS, NULL);
    read->median = 0.35 * 256;
    validate(&subject, true, NULL);
    assert_outcome(&subject, "read", TR_CHECK_FAIL, "FCLK");
    subject_finish(&subject);
}

static bool in_catalogue(const char *platform) {
    size_t n = 0;
    const struct tr_platform *const all = tr_platforms(&n);
    bool found = !strcmp(platform, "*");
    for (size_t i = 0; !found && i < n; i++)
        found =
            !strcmp(all[i].name, platform) || (all[i].series && !strcmp(all[i].series, platform));
    return found;
}

/* Each row has its range, its source, and a name that the catalogue knows. */
static void test_rows(void **state) {
    (void)state;
    const struct tr_data *data = tr_data_find("expected_shares.csv");
    struct tr_csv table;
    assert_int_equal(tr_csv_parse(data->text, data->length, data->name, &table, NULL), 0);
    assert_true(table.n_rows > 20);
    for (size_t i = 1; i < table.n_rows; i++) {
        double low = tr_csv_number(&table, i, "low"), high = tr_csv_number(&table, i, "high");
        const char *verified = tr_csv_get(&table, i, "verified");
        const char *platform = tr_csv_get(&table, i, "platform");
        const char *binds = tr_csv_get(&table, i, "binds");
        if (!in_catalogue(platform))
            fail_msg("row %zu: the catalogue has no %s", i, platform);
        assert_true(low > 0 && low < high && high < 1.1);
        assert_true(!strcmp(verified, "yes") || !strcmp(verified, "no"));
        assert_true(!*binds || !strcmp(binds, "dram") || !strcmp(binds, "fabric"));
        assert_true(strlen(tr_csv_get(&table, i, "source")) > 20);
        /* What is said of all machines is said of none in particular. */
        assert_true(strcmp(platform, "*") != 0 || !strcmp(verified, "no"));
    }
    tr_csv_finish(&table);
}

/* The row that is most about a machine is taken. */
static void test_table(void **state) {
    (void)state;
    struct tr_share_class of = {
        .name = "AMD EPYC 9124", .series = "AMD EPYC 9004", .kernel = "read", .binds = "dram"};
    struct tr_expected_share verified, unverified;
    assert_int_equal(tr_expected_share_find(&of, &verified, &unverified), 0);
    assert_near(verified.low, 0.54, 1e-9); /* its own row, not its series' */
    assert_null(unverified.source);
    free(verified.source);
    of = (struct tr_share_class){.kernel = "read", .binds = "fabric_read"};
    assert_int_equal(tr_expected_share_find(&of, &verified, &unverified), 0);
    assert_null(verified.source);
    assert_near(unverified.low, 0.80, 1e-9);
    free(unverified.source);
    of.kernel = "nothing";
    assert_int_equal(tr_expected_share_find(&of, &verified, &unverified), 0);
    assert_true(!verified.source && !unverified.source && isnan(verified.low));
}

static void test_virtual(void **state) {
    (void)state;
    struct subject subject;
    subject_named(&subject, "EPYC 9654", 1, NULL);
    json_object_set_new(subject.facts, "virtual", json_true());
    measure(&subject, "read", NULL, TR_PLACE_MACHINE, 0, 10);
    validate(&subject, true, NULL);
    assert_outcome(&subject, "virtual machine", TR_CHECK_WARN, NULL);
    assert_outcome(&subject, "read", TR_CHECK_SKIP, "limits of the host");
    assert_outcome(&subject, "memory channels", TR_CHECK_SKIP, NULL);
    assert_int_equal(tr_checks_count(&subject.checks, TR_CHECK_FAIL), 0);
    subject_finish(&subject);
}

/* --- symmetry -------------------------------------------------------------------------------- */

static void measure_parts(struct subject *subject, enum tr_place_kind kind, size_t n, size_t slow) {
    struct tr_prng prng = {3};
    for (size_t i = 0; i < n; i++) {
        double part = (i == slow ? 0.97 : 1) * 30 * (1 + 0.005 * sim_noise(&prng, SIM_NORMAL));
        struct tr_measurement *m = measure(subject, "read", NULL, kind, (int)i, part);
        m->n_samples = 10;
        m->samples = calloc(10, sizeof(double));
        for (size_t k = 0; k < 10; k++)
            m->samples[k] = part * (1 + 0.003 * sim_noise(&prng, SIM_NORMAL));
    }
}

static void test_weak_core(void **state) {
    (void)state;
    static const struct {
        enum tr_place_kind kind;
        size_t n;
        const char *name, *slow;
    } cases[] = {
        {TR_PLACE_CORE, 192, "read f64 of each core", "core 7 by"},
        {TR_PLACE_CCD, 16, "read f64 of each ccd", "ccd 7 by"},
    };
    for (size_t i = 0; i < 2; i++) {
        for (int healthy = 0; healthy < 2; healthy++) {
            struct subject subject;
            subject_named(&subject, "EPYC 9654", 1, NULL);
            measure_parts(&subject, cases[i].kind, cases[i].n, healthy ? cases[i].n : 7);
            validate(&subject, true, NULL);
            assert_outcome(&subject, cases[i].name, healthy ? TR_CHECK_PASS : TR_CHECK_FAIL,
                           healthy ? "none stands out" : cases[i].slow);
            subject_finish(&subject);
        }
    }
}

/* Of parts that scatter widely it is told that nothing can be told of one. */
static void test_scattered_parts(void **state) {
    (void)state;
    struct subject subject;
    subject_named(&subject, "EPYC 9654", 1, NULL);
    for (int i = 0; i < 8; i++)
        measure(&subject, "read", NULL, TR_PLACE_CORE, i, 20 + 3 * (i * 3 % 8));
    validate(&subject, true, NULL);
    assert_outcome(&subject, "read f64 of each core", TR_CHECK_WARN, "8 scatter by 25%");
    subject_finish(&subject);
}

/* Efficiency cores are not weak performance cores. */
static void test_hybrid(void **state) {
    (void)state;
    struct subject subject;
    json_t *cores = json_array();
    subject_named(&subject, "EPYC 9654", 1, NULL);
    for (int i = 0; i < 16; i++) {
        json_array_append_new(cores, json_pack("{s:i, s:s}", "index", i, "kind",
                                               i < 8 ? "performance" : "efficiency"));
        measure(&subject, "read", NULL, TR_PLACE_CORE, i, (i < 8 ? 30 : 15) + 0.01 * (i * 5 % 8));
    }
    json_object_set_new(subject.facts, "cores", cores);
    validate(&subject, true, NULL);
    assert_outcome(&subject, "read f64 of each performance core", TR_CHECK_PASS, NULL);
    assert_outcome(&subject, "read f64 of each efficiency core", TR_CHECK_PASS, NULL);
    subject_finish(&subject);
}

/* Two nodes: nobody can tell which is odd, but not whether one is. */
static void test_two_nodes(void **state) {
    (void)state;
    struct subject subject;
    subject_named(&subject, "EPYC 9654", 2, NULL);
    measure(&subject, "read", NULL, TR_PLACE_NODE, 0, 380);
    struct tr_measurement *second = measure(&subject, "read", NULL, TR_PLACE_NODE, 1, 378);
    validate(&subject, true, NULL);
    assert_outcome(&subject, "read f64 of each node", TR_CHECK_PASS, "too few to tell");
    second->median = 300;
    validate(&subject, true, NULL);
    assert_outcome(&subject, "read f64 of each node", TR_CHECK_WARN, "too few to tell");
    subject_finish(&subject);
}

/* A core on which something else ran is named, whatever the number of cores; it fails nobody. */
static void test_shared_core(void **state) {
    (void)state;
    for (size_t n = 2; n <= 16; n += 14) {
        struct subject subject;
        subject_named(&subject, "EPYC 9654", 1, NULL);
        measure_parts(&subject, TR_PLACE_CORE, n, n);
        for (size_t i = 0; i < n; i++)
            subject.calibration->measurements[i].waited_fraction = i == 1 ? 0.45 : 0.004;
        validate(&subject, true, NULL);
        assert_outcome(&subject, "other programs on each core", TR_CHECK_WARN,
                       "on core 1 for 45% of its time: find");
        assert_near(check_named(&subject.checks, "other programs on each core")->value, 45, 1e-9);
        struct tr_measurement *slow = &subject.calibration->measurements[1];
        slow->median *= 0.55;
        for (size_t k = 0; k < slow->n_samples; k++)
            slow->samples[k] *= 0.55;
        validate(&subject, true, NULL);
        assert_outcome(&subject, "read f64 of each core", TR_CHECK_WARN,
                       n == 2 ? "the slowest, core 1, was shared with others for 45%"
                              : "(others had 45% of its time)");
        assert_int_equal(tr_checks_count(&subject.checks, TR_CHECK_FAIL), 0);
        slow->waited_fraction = 0.01;
        validate(&subject, true, NULL);
        assert_outcome(&subject, "other programs on each core", TR_CHECK_PASS, "to themselves");
        assert_outcome(&subject, "read f64 of each core", n == 2 ? TR_CHECK_WARN : TR_CHECK_FAIL,
                       n == 2 ? "compare their modules" : "core 1 by 4");
        subject_finish(&subject);
    }
}

/* --- purchase files -------------------------------------------------------------------------- */

static void parse(const char *text, struct tr_expectation *expectation) {
    struct tr_err err = {0};
    if (tr_expectation_parse(text, strlen(text), "bought.json", expectation, &err))
        fail_msg("%s", err.text);
}

static void test_expectation(void **state) {
    (void)state;
    struct subject subject;
    struct tr_expectation bought;
    subject_named(&subject, "EPYC 9654", 2, NULL);
    measure(&subject, "read", "memory_read", TR_PLACE_MACHINE, 0, 700);
    parse("{\"schema\":\"tokenroof.expectation/1\",\"cpu_model\":\"another\",\"sockets\":2,"
          "\"memory\":{\"mts\":4800,\"modules\":24},\"settings\":{\"nps\":\"NPS4\"},"
          "\"figures\":[{\"name\":\"read f64, all threads\",\"unit\":\"GB/s\",\"least\":710},"
          "{\"name\":\"latency memory\",\"unit\":\"ns\",\"most\":120}],"
          "\"maximum_spread_percent\":{\"node\":3},"
          "\"models\":[{\"model\":\"m\",\"tg128_tok_s\":10}]}",
          &bought);
    json_object_set_new(json_object_get(subject.facts, "cpu"), "model", json_string("EPYC"));
    set_nps(&subject, "NPS1");
    validate(&subject, true, &bought);
    assert_outcome(&subject, "processor as bought", TR_CHECK_FAIL, "'EPYC' instead of 'another'");
    assert_outcome(&subject, "sockets as bought", TR_CHECK_PASS, NULL);
    assert_outcome(&subject, "modules as bought", TR_CHECK_SKIP, NULL);
    assert_outcome(&subject, "NUMA setting as bought", TR_CHECK_FAIL, NULL);
    assert_outcome(&subject, "read f64, all threads", TR_CHECK_FAIL, "misses what was bought");
    assert_outcome(&subject, "latency memory", TR_CHECK_SKIP, "was not measured");
    assert_outcome(&subject, "spread of reads between nodes", TR_CHECK_SKIP, NULL);
    assert_outcome(&subject, "m tg128", TR_CHECK_SKIP, "cannot be predicted");
    /* A typing error in a name is told with the name that may be meant. */
    free(bought.figures[0].name);
    bought.figures[0].name = strdup("read f64, al threads");
    validate(&subject, true, &bought);
    assert_outcome(&subject, "read f64, al threads", TR_CHECK_SKIP,
                   "perhaps 'read f64, all threads' is meant");
    free(bought.figures[0].name);
    bought.figures[0].name = strdup("read f64, all threads");
    assert_int_equal(tr_strings_add(&subject.calibration->measurements[0].flags, "disturbed"), 0);
    validate(&subject, true, &bought);
    assert_outcome(&subject, "read f64, all threads", TR_CHECK_WARN, "not to be trusted");
    tr_expectation_finish(&bought);
    subject_finish(&subject);
}

/* The kernel has three words for SMT that is off; a buyer has one. */
static void test_smt(void **state) {
    (void)state;
    static const struct {
        const char *found, *wanted, *told;
        enum tr_check_outcome outcome;
    } rows[] = {
        {"on", "on", "SMT on", TR_CHECK_PASS},
        {"on", "off", "SMT on", TR_CHECK_FAIL},
        {"off", "off", "SMT off", TR_CHECK_PASS},
        {"forceoff", "off", "SMT off", TR_CHECK_PASS},
        {"notsupported", "off", "no SMT (one hardware thread a core)", TR_CHECK_PASS},
        {"notsupported", "on", "no SMT", TR_CHECK_FAIL},
        {"off", "notsupported", "SMT off", TR_CHECK_PASS}, /* as was written by earlier versions */
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct subject subject;
        struct tr_expectation bought;
        char *text = tr_format("{\"schema\":\"tokenroof.expectation/1\",\"settings\":{\"smt\":"
                               "\"%s\"}}",
                               rows[i].wanted);
        subject_named(&subject, "EPYC 9654", 2, NULL);
        parse(text, &bought);
        json_object_set_new(subject.facts, "settings", json_pack("{s:s}", "smt", rows[i].found));
        validate(&subject, true, &bought);
        assert_outcome(&subject, "SMT as bought", rows[i].outcome, NULL);
        assert_outcome(&subject, "NUMA and SMT", TR_CHECK_PASS, rows[i].told);
        tr_expectation_finish(&bought);
        subject_finish(&subject);
        free(text);
    }
}

static void validate_speed(struct subject *subject, const struct tr_expectation *bought,
                           const struct tr_model_speed *speed) {
    struct tr_validation validation = {.machine = subject->facts,
                                       .calibration = subject->calibration,
                                       .expectation = bought,
                                       .speeds = speed,
                                       .n_speeds = 1};
    tr_checks_finish(&subject->checks);
    assert_int_equal(tr_validate(&validation, &subject->checks), 0);
}

/* Predictions: what is slower fails, unless it rests on a doubtful rate; an upper bound proves
 * nothing. */
static void test_model_speed(void **state) {
    (void)state;
    struct subject subject;
    struct tr_expectation bought;
    struct tr_model_speed speed = {
        .model = "m", .pp_tok_s = NAN, .tg_tok_s = 12, .tier = "measured"};
    subject_named(&subject, "EPYC 9654", 2, NULL);
    parse("{\"schema\":\"tokenroof.expectation/1\","
          "\"models\":[{\"model\":\"m\",\"tg128_tok_s\":10}]}",
          &bought);
    validate_speed(&subject, &bought, &speed);
    assert_outcome(&subject, "m tg128", TR_CHECK_PASS, "measured tier");
    speed.tier = "formula";
    validate_speed(&subject, &bought, &speed);
    assert_outcome(&subject, "m tg128", TR_CHECK_WARN, "upper bound");
    speed.tg_tok_s = 9;
    validate_speed(&subject, &bought, &speed);
    assert_outcome(&subject, "m tg128", TR_CHECK_FAIL, "slower than bought");
    speed.untrusted = true;
    validate_speed(&subject, &bought, &speed);
    assert_outcome(&subject, "m tg128", TR_CHECK_WARN, "not to be trusted");
    tr_expectation_finish(&bought);
    subject_finish(&subject);
}

/* Spreads between parts: figures that are not to be trusted fail nobody. */
static void test_spread(void **state) {
    (void)state;
    struct subject subject;
    struct tr_expectation bought;
    subject_named(&subject, "EPYC 9654", 2, NULL);
    parse("{\"schema\":\"tokenroof.expectation/1\",\"maximum_spread_percent\":{\"node\":3}}",
          &bought);
    measure(&subject, "read", NULL, TR_PLACE_NODE, 0, 380);
    struct tr_measurement *second = measure(&subject, "read", NULL, TR_PLACE_NODE, 1, 360);
    validate(&subject, true, &bought);
    assert_outcome(&subject, "spread of reads between nodes", TR_CHECK_FAIL, "farther apart");
    assert_int_equal(tr_strings_add(&second->flags, "disturbed"), 0);
    validate(&subject, true, &bought);
    assert_outcome(&subject, "spread of reads between nodes", TR_CHECK_WARN, "only a warning");
    second->median = 375;
    validate(&subject, true, &bought);
    assert_outcome(&subject, "spread of reads between nodes", TR_CHECK_PASS, NULL);
    tr_expectation_finish(&bought);
    subject_finish(&subject);
}

static void test_units(void **state) {
    (void)state;
    struct subject subject;
    struct tr_expectation bought;
    struct tr_err err = {0};
    subject_named(&subject, "EPYC 9654", 2, NULL);
    measure(&subject, "read", "memory_read", TR_PLACE_MACHINE, 0, 700);
    parse("{\"schema\":\"tokenroof.expectation/1\",\"figures\":["
          "{\"name\":\"read f64, all threads\",\"unit\":\"GB/s\",\"least\":1},"
          "{\"name\":\"read f64, all threads\",\"unit\":\"GiB/s\",\"least\":1}]}",
          &bought);
    assert_int_equal(tr_expectation_check_units(&bought, subject.calibration, &err), TR_EFORMAT);
    assert_string_equal(err.text, "bought.json: figures[1].unit: expected GB/s, in which 'read "
                                  "f64, all threads' is measured, found 'GiB/s'");
    bought.n_figures = 1;
    assert_int_equal(tr_expectation_check_units(&bought, subject.calibration, &err), 0);
    bought.n_figures = 2;
    tr_expectation_finish(&bought);
    subject_finish(&subject);
}

/* Every group says something of every machine, if only why not. */
static void test_groups(void **state) {
    (void)state;
    static const char *const machines[] = {"smbios/desktop-2-of-4-ddr5", "smbios/qemu-plain"};
    for (size_t i = 0; i < 2; i++) {
        struct subject subject;
        bool seen[TR_CHECK_GROUPS] = {false};
        subject_of(&subject, machine_from_data(machines[i]));
        validate(&subject, i == 1, NULL);
        for (size_t k = 0; k < subject.checks.n; k++)
            seen[subject.checks.items[k].group] = true;
        for (int group = 0; group < TR_CHECK_GROUPS; group++)
            if (!seen[group])
                fail_msg("%s: nothing of %s", machines[i],
                         tr_check_group_name((enum tr_check_group)group));
        subject_finish(&subject);
    }
}

/* What a good machine promises it keeps itself, and a slower one does not. */
static void test_round_trip(void **state) {
    (void)state;
    struct subject subject;
    struct tr_expectation bought;
    json_t *document = NULL;
    const struct tr_model_speed speed = {.model = "m", .pp_tok_s = 100, .tg_tok_s = 10};
    subject_named(&subject, "EPYC 9654", 2, NULL);
    struct tr_measurement *read =
        measure(&subject, "read", "memory_read", TR_PLACE_MACHINE, 0, 700);
    assert_int_equal(
        tr_expectation_of(subject.facts, subject.calibration, &speed, 1, 0.05, &document), 0);
    char *text = json_dumps(document, TR_JSON_FLAGS);
    parse(text, &bought);
    assert_int_equal(bought.n_figures, 1);
    assert_near(bought.figures[0].least, 665, 0.1);
    assert_near(bought.models[0].tg_tok_s, 9.5, 1e-9);
    assert_near(bought.node_spread, 0.05, 1e-9);
    validate(&subject, true, &bought);
    assert_int_equal(tr_checks_count(&subject.checks, TR_CHECK_FAIL), 0);
    assert_outcome(&subject, "read f64, all threads", TR_CHECK_PASS, NULL);
    read->median = 660;
    validate(&subject, true, &bought);
    assert_outcome(&subject, "read f64, all threads", TR_CHECK_FAIL, NULL);
    free(text);
    json_decref(document);
    tr_expectation_finish(&bought);
    subject_finish(&subject);
}

/* Parts of a good machine that differ by nature: as far apart others may be, and the margin more.
 */
static void test_round_trip_of_spreads(void **state) {
    (void)state;
    struct subject subject;
    struct tr_expectation bought;
    json_t *document = NULL;
    subject_named(&subject, "EPYC 9654", 2, NULL);
    measure(&subject, "read", NULL, TR_PLACE_NODE, 0, 380);
    measure(&subject, "read", NULL, TR_PLACE_NODE, 1, 342); /* 10% */
    /* Two threads of a core read more than one; that is no spread between cores. */
    for (int core = 0; core < 4; core++) {
        measure(&subject, "read", NULL, TR_PLACE_CORE, core, 40);
        measure(&subject, "read", NULL, TR_PLACE_CORE, core, 44)->threads = 2;
    }
    assert_int_equal(
        tr_expectation_of(subject.facts, subject.calibration, NULL, 0, 0.05, &document), 0);
    char *text = json_dumps(document, TR_JSON_FLAGS);
    parse(text, &bought);
    assert_near(bought.node_spread, 1 - 0.9 * 0.95, 1e-9);
    assert_near(bought.core_spread, 0.05, 1e-9);
    assert_near(bought.ccd_spread, 0.05, 1e-9);
    validate(&subject, true, &bought);
    assert_outcome(&subject, "spread of reads between nodes", TR_CHECK_PASS, "2 of them");
    assert_outcome(&subject, "spread of reads between cores", TR_CHECK_PASS, "4 of them");
    assert_outcome(&subject, "spread of reads between ccds", TR_CHECK_SKIP, "less than two");
    subject.calibration->measurements[1].median = 320;
    validate(&subject, true, &bought);
    assert_outcome(&subject, "spread of reads between nodes", TR_CHECK_FAIL, "farther apart");
    free(text);
    json_decref(document);
    tr_expectation_finish(&bought);
    subject_finish(&subject);
}

static void test_bad_expectations(void **state) {
    (void)state;
#define HEAD "{\"schema\":\"tokenroof.expectation/1\""
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"{", "line 1"},
        {"[]", "schema: expected tokenroof.expectation/1, found none"},
        {"{\"schema\":\"tokenroof.expectation/2\"}", "found tokenroof.expectation/2"},
        {HEAD ",\"socket\":2}", "socket: unknown field"},
        {HEAD ",\"memory\":{\"speed\":2}}", "memory.speed: unknown field"},
        {HEAD ",\"sockets\":\"two\"}", "sockets"},
        {HEAD ",\"sockets\":-1}", "sockets: expected a number from 0, found -1"},
        {HEAD ",\"figures\":[{\"unit\":\"GB/s\",\"least\":1}]}", "figures[0].name"},
        {HEAD ",\"figures\":[{\"name\":\"a\",\"unit\":\"GB/s\"}]}", "figures[0].least"},
        {HEAD ",\"figures\":[{\"name\":\"a\",\"unit\":\"ns\",\"least\":2,\"most\":1}]}",
         "figures[0].least: expected a number that is not above most"},
        {HEAD ",\"models\":[{\"model\":\"a\",\"tg\":1}]}", "models[0].tg: unknown field"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tr_expectation expectation;
        struct tr_err err = {0};
        assert_int_equal(tr_expectation_parse(cases[i].text, strlen(cases[i].text), "bought.json",
                                              &expectation, &err),
                         TR_EFORMAT);
        if (!strstr(err.text, cases[i].says) || strncmp(err.text, "bought.json: ", 13) != 0)
            fail_msg("'%s' does not say '%s'", err.text, cases[i].says);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recorded_machines),
        cmocka_unit_test(test_own_recordings),
        cmocka_unit_test(test_population_rules),
        cmocka_unit_test(test_too_few_modules),
        cmocka_unit_test(test_speed_rules),
        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_smt),
        cmocka_unit_test(test_soak),
        cmocka_unit_test(test_soak_that_proves_little),
        cmocka_unit_test(test_soak_of_others),
        cmocka_unit_test(test_lasting_load),
        cmocka_unit_test(test_genoa),
        cmocka_unit_test(test_strix_halo),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_virtual),
        cmocka_unit_test(test_weak_core),
        cmocka_unit_test(test_scattered_parts),
        cmocka_unit_test(test_hybrid),
        cmocka_unit_test(test_two_nodes),
        cmocka_unit_test(test_shared_core),
        cmocka_unit_test(test_expectation),
        cmocka_unit_test(test_model_speed),
        cmocka_unit_test(test_spread),
        cmocka_unit_test(test_units),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_round_trip_of_spreads),
        cmocka_unit_test(test_bad_expectations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
