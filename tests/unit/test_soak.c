/* A soak without its load: phases, patterns, memory that is left free, counters, records, verdicts.
 */
#include <jansson.h>
#include <math.h>
#include <signal.h>

#include "faults.h"
#include "monitor.h"
#include "patterns.h"
#include "phases.h"
#include "recording.h"
#include "soak_plan.h"
#include "summary.h"
#include "worker.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

/* --- phases ---------------------------------------------------------------------------------- */

static void phases_fill_the_time(void **state) {
    static const double lengths[] = {0.5, 6, 60, 89, 600, 86400};
    (void)state;
    for (unsigned loads = 1; loads < 1u << TR_SOAK_LOADS; loads++)
        for (size_t i = 0; i < N(lengths); i++) {
            struct tr_soak_phases phases;
            unsigned seen = 0;
            double at = 0;
            assert_int_equal(tr_soak_phases_make(lengths[i], loads, &phases), 0);
            for (size_t k = 0; k < phases.n; k++) {
                assert_near(phases.items[k].begin_s, at, 1e-6);
                assert_true(phases.items[k].end_s > at);
                assert_true(phases.items[k].end_s - at <= 61 * 1.5);
                at = phases.items[k].end_s;
                seen |= 1u << phases.items[k].load;
                double middle = (phases.items[k].begin_s + at) / 2;
                assert_ptr_equal(tr_soak_phase_at(&phases, middle), &phases.items[k]);
            }
            assert_near(at, lengths[i], lengths[i] * 1e-6);
            assert_int_equal(seen, loads);
            assert_ptr_equal(tr_soak_phase_at(&phases, at + 5), &phases.items[phases.n - 1]);
            tr_soak_phases_finish(&phases);
        }
}

static void steps_of_all_and_of_one(void **state) {
    struct tr_soak_phase together = {TR_SOAK_STEPS, 10, 12, 0.1};
    struct tr_soak_phase in_turn = {TR_SOAK_STEPS, 10, 12, 0};
    double until;
    (void)state;
    assert_true(tr_soak_step_is_busy(&together, 10.01, 3, 8, &until));
    assert_near(until, 10.05, 1e-9);
    assert_false(tr_soak_step_is_busy(&together, 10.06, 3, 8, &until));
    assert_near(until, 10.1, 1e-9);
    assert_true(tr_soak_step_is_busy(&together, 10.11, 3, 8, &until));
    for (double t = 10; t < 12; t += 0.007) {
        int busy = 0;
        for (int i = 0; i < 8; i++)
            busy += tr_soak_step_is_busy(&in_turn, t, i, 8, &until);
        assert_int_equal(busy, 1);
        assert_true(until > t && until <= 12);
    }
    /* Each of 8 cores has its turn of a quarter of a second. */
    assert_true(tr_soak_step_is_busy(&in_turn, 10.1, 0, 8, &until));
    assert_true(tr_soak_step_is_busy(&in_turn, 11.9, 7, 8, &until));
}

/* --- patterns -------------------------------------------------------------------------------- */

static uint64_t word_at(uint64_t walk, size_t offset) {
    struct tr_soak_pattern pattern;
    struct tr_pattern words;
    size_t bytes, begin = offset / TR_SOAK_PIECE_BYTES * TR_SOAK_PIECE_BYTES;
    uint64_t base = 0x7f0000000000;
    tr_soak_pattern(walk, &pattern);
    for (size_t at = begin;; at += bytes) {
        tr_soak_pattern_at(&pattern, at, base + at, &words, &bytes);
        assert_true(bytes > 0 && bytes % 8 == 0);
        if (offset < at + bytes)
            return tr_pattern_word(pattern.kind, &words, (offset - at) / 8);
    }
}

/* Over the walks of a round, every bit of a word is set and cleared, and every data line of a bus
 * of 32 or of 64 bits changes from one transfer to the next in both directions. */
static void every_line_toggles(void **state) {
    enum { WALKS = 19 };
    uint64_t set = 0, cleared = 0, rises64 = 0, falls64 = 0;
    uint32_t rises32 = 0, falls32 = 0;
    (void)state;
    for (uint64_t walk = 0; walk < WALKS; walk++)
        for (size_t at = 0; at < 64; at += 8) {
            uint64_t a = word_at(walk, at), b = word_at(walk, at + 8);
            set |= a;
            cleared |= ~a;
            rises64 |= ~a & b;
            falls64 |= a & ~b;
            rises32 |= (uint32_t)~a & (uint32_t)(a >> 32);
            falls32 |= (uint32_t)a & (uint32_t) ~(a >> 32);
        }
    assert_true(set == UINT64_MAX && cleared == UINT64_MAX);
    assert_true(rises64 == UINT64_MAX && falls64 == UINT64_MAX);
    assert_true(rises32 == UINT32_MAX && falls32 == UINT32_MAX);
}

static void inverted_follows_upright(void **state) {
    (void)state;
    for (uint64_t walk = 1; walk < 200; walk++) {
        struct tr_soak_pattern before, now;
        tr_soak_pattern(walk - 1, &before);
        tr_soak_pattern(walk, &now);
        for (size_t at = 0; at < 3 * TR_SOAK_PIECE_BYTES; at += 40008) {
            uint64_t a = word_at(walk - 1, at), b = word_at(walk, at);
            if (now.stays)
                assert_true(a == b);
            else if (strstr(now.name, "inverted") && before.kind == now.kind)
                assert_true(a == ~b);
            else if (now.kind == TR_PATTERN_RANDOM)
                assert_true(a != b && a != ~b);
        }
    }
}

static void stripes_and_addresses(void **state) {
    (void)state;
    size_t striped = 0;
    for (uint64_t walk = 0; walk < 190; walk++) {
        struct tr_soak_pattern pattern;
        tr_soak_pattern(walk, &pattern);
        if (pattern.kind == TR_PATTERN_ADDRESS)
            assert_true((word_at(walk, 123456) ^ pattern.flip) == 0x7f0000000000u + 123456);
        if (!pattern.stripe_bytes)
            continue;
        striped |= pattern.stripe_bytes;
        assert_true(word_at(walk, pattern.stripe_bytes - 8) == word_at(walk, 0));
        assert_true(word_at(walk, pattern.stripe_bytes) == ~word_at(walk, 0));
        assert_true(word_at(walk, 2 * pattern.stripe_bytes) == word_at(walk, 0));
    }
    assert_int_equal(striped, (4096 << 10) - 4096); /* 4 KiB to 2 MiB */
    /* No piece of random data looks like another. */
    for (size_t piece = 1; piece < 64; piece++)
        assert_true(word_at(0, piece * TR_SOAK_PIECE_BYTES) != word_at(0, 0));
}

/* --- memory ---------------------------------------------------------------------------------- */

static void reserve(void **state) {
    const int64_t gib = 1 << 30;
    (void)state;
    assert_int_equal(tr_soak_reserve_bytes(1000 * gib), 1000 * gib / 32);
    assert_int_equal(tr_soak_reserve_bytes(8 * gib), gib / 2);
    assert_int_equal(tr_soak_reserve_bytes(gib / 2), gib / 4);
    assert_int_equal(tr_soak_reserve_bytes(0), 0);
}

static struct tr_soak_options all_of(double share) {
    return (struct tr_soak_options){.seconds = 60,
                                    .loads = (1u << TR_SOAK_LOADS) - 1,
                                    .memory_share = share,
                                    .isa_cap = -1,
                                    .max_corrected_per_hour = 10};
}

#define NODE_MEMORY(node, free_kb, file_kb)                                         \
    {                                                                               \
        "/sys/devices/system/node/node" node "/meminfo",                            \
            "Node " node " MemTotal:  33554432 kB\nNode " node " MemFree: " free_kb \
            " kB\nNode " node " Inactive(file): " file_kb " kB\n",                  \
            0                                                                       \
    }

/* A node's share of the memory follows from what is free there; its own cores test it. */
static void memory_of_two_nodes(void **state) {
    const struct recorded_file files[] = {
        {"/proc/meminfo", "MemTotal: 67108864 kB\nMemAvailable: 50331648 kB\n", 0},
        NODE_MEMORY("0", "31457280", "0"),
        NODE_MEMORY("1", "10485760", "5242880"),
    };
    (void)state;
    char *folder = recording_make("clocks/epyc", files, N(files));
    struct tr_machine *machine = machine_from(folder, NULL);
    struct tr_soak_options options = all_of(0.5);
    struct tr_soak_plan plan;
    struct tr_err err = {0};
    const int64_t gib = 1 << 30;
    assert_int_equal(tr_soak_plan_make(machine, &options, &plan, &err), 0);
    assert_int_equal(plan.available_bytes, 45 * gib); /* less than the machine's 48 */
    assert_int_equal(plan.n_nodes, 2);
    /* Rounded down to huge pages a thread. */
    double slack = (double)plan.crew.n_threads * (2 << 20);
    assert_near((double)plan.nodes[0].tested_bytes, 15.0 * (double)gib, slack);
    assert_near((double)plan.nodes[1].tested_bytes, 7.5 * (double)gib, slack);
    for (size_t i = 0; i < plan.n_slices; i++)
        assert_int_equal(machine->cores[plan.slices[i].thread].node, plan.slices[i].node);
    tr_soak_plan_finish(&plan);

    options = all_of(1);
    assert_int_equal(tr_soak_plan_make(machine, &options, &plan, &err), 0);
    assert_true(plan.memory_bytes <= 45 * gib - plan.reserve_bytes);
    assert_true(plan.memory_bytes > 43 * gib);
    tr_soak_plan_finish(&plan);

    /* One node alone: the other's threads have none. */
    struct tr_cpulist one = {0};
    assert_int_equal(tr_cpulist_add(&one, 1), 0);
    options.nodes = &one;
    assert_int_equal(tr_soak_plan_make(machine, &options, &plan, &err), 0);
    assert_int_equal(plan.n_nodes, 1);
    assert_true(plan.memory_bytes < 15 * gib && plan.memory_bytes > 14 * gib);
    tr_soak_plan_finish(&plan);

    options.nodes = NULL;
    options.memory_bytes = 46 * gib;
    assert_int_equal(tr_soak_plan_make(machine, &options, &plan, &err), TR_EUNAVAILABLE);
    assert_non_null(strstr(err.text, "stay free"));
    assert_int_equal(tr_cpulist_add(&one, 9), 0);
    options = all_of(1);
    options.nodes = &one;
    assert_int_equal(tr_soak_plan_make(machine, &options, &plan, &err), TR_EUNAVAILABLE);
    assert_non_null(strstr(err.text, "node 9"));
    tr_cpulist_finish(&one);
    tr_machine_destroy(machine);
    recording_remove(folder);
}

/* --- counters -------------------------------------------------------------------------------- */

#define MC "/sys/devices/system/edac/mc/mc0"
#define ERRORS(ce, ue, ce0, ue0, ce1)                                                              \
    {MC "/mc_name", "F19h_M10h\n", 0}, {MC "/ce_count", ce "\n", 0}, {MC "/ue_count", ue "\n", 0}, \
        {MC "/dimm0/size", "32768\n", 0}, {MC "/dimm0/dimm_label", "CPU0_DIMM_A1\n", 0},           \
        {MC "/dimm0/dimm_location", "channel 0 slot 0\n", 0},                                      \
        {MC "/dimm0/dimm_ce_count", ce0 "\n", 0}, {MC "/dimm0/dimm_ue_count", ue0 "\n", 0},        \
        {MC "/dimm1/size", "32768\n", 0}, {MC "/dimm1/dimm_label", "mc#0csrow#0channel#1\n", 0},   \
        {MC "/dimm1/dimm_location", "channel 1 slot 0\n", 0},                                      \
        {MC "/dimm1/dimm_ce_count", ce1 "\n", 0}, {                                                \
        MC "/dimm1/dimm_ue_count", "0\n", 0                                                        \
    }
#define UDEV                                                                              \
    {                                                                                     \
        "/run/udev/data/+dmi:id",                                                         \
            "E:MEMORY_ARRAY_NUM_DEVICES=1\nE:MEMORY_DEVICE_0_LOCATOR=DIMM_A1\n"           \
            "E:MEMORY_DEVICE_0_BANK_LOCATOR=NODE 0\nE:MEMORY_DEVICE_0_SIZE=34359738368\n" \
            "E:MEMORY_DEVICE_0_TYPE=DDR5\nE:MEMORY_DEVICE_0_DATA_WIDTH=64\n"              \
            "E:MEMORY_DEVICE_0_TOTAL_WIDTH=80\nE:MEMORY_DEVICE_0_SPEED_MTS=4800\n"        \
            "E:MEMORY_DEVICE_0_CONFIGURED_SPEED_MTS=4800\n",                              \
            0                                                                             \
    }
#define INTERRUPTS(mce, thr)                                                                      \
    {                                                                                             \
        "/proc/interrupts",                                                                       \
            "            CPU0       CPU1\n  0:         33          0   IO-APIC   2-edge  timer\n" \
            " THR:          0          " thr "   Threshold APIC interrupts\n"                     \
            " DFR:          0          0   Deferred Error APIC interrupts\n"                      \
            " MCE:          " mce "          0   Machine check exceptions\n"                      \
            " MCP:          7          7   Machine check polls\n",                                \
            0                                                                                     \
    }

/* What lies between two recordings of a machine. The first one stays for the second's limits. */
static void read_health(const struct recorded_file *files, size_t n, struct tr_health *ret) {
    char *folder = recording_make("clocks/epyc", files, n);
    struct tr_machine *machine = machine_from(folder, NULL);
    assert_int_equal(tr_health_read(machine, true, ret), 0);
    tr_machine_destroy(machine);
    recording_remove(folder);
}

static void errors_between_two_recordings(void **state) {
    const struct recorded_file before[] = {UDEV, ERRORS("10", "1", "7", "1", "3"),
                                           INTERRUPTS("0", "5")};
    const struct recorded_file after[] = {UDEV, ERRORS("15", "2", "12", "2", "3"),
                                          INTERRUPTS("1", "6")};
    struct tr_health first, now;
    struct tr_soak_second second;
    (void)state;
    read_health(before, N(before), &first);
    read_health(after, N(after), &now);
    tr_soak_second_init(&second);
    tr_soak_take_health(&first, &now, &second);
    assert_near(second.values[TR_SOAK_CORRECTED], 5, 0);
    assert_near(second.values[TR_SOAK_UNCORRECTED], 1, 0);
    assert_near(second.values[TR_SOAK_MACHINE_CHECKS], 1, 0);
    assert_near(second.values[TR_SOAK_THRESHOLDS], 1, 0);
    assert_near(second.values[TR_SOAK_DEFERRED], 0, 0);
    json_t *modules = tr_soak_modules(&first, &now);
    assert_int_equal(json_array_size(modules), 1); /* the other one's count has not changed */
    const json_t *module = json_array_get(modules, 0);
    assert_string_equal(json_string_value(json_object_get(module, "label")), "CPU0_DIMM_A1");
    assert_string_equal(json_string_value(json_object_get(module, "slot")), "DIMM_A1");
    assert_near(json_number_value(json_object_get(module, "corrected")), 5, 0);
    json_decref(modules);
    tr_health_finish(&first);
    tr_health_finish(&now);
}

static void counters_that_do_not_exist(void **state) {
    struct tr_health first, now;
    struct tr_soak_second second;
    (void)state;
    read_health(NULL, 0, &first);
    read_health(NULL, 0, &now);
    tr_soak_second_init(&second);
    tr_soak_take_health(&first, &now, &second);
    assert_true(isnan(second.values[TR_SOAK_CORRECTED]));
    assert_true(isnan(second.values[TR_SOAK_MACHINE_CHECKS]));
    assert_true(isnan(second.values[TR_SOAK_CPU_CELSIUS]));
    assert_near(tr_soak_delta(100, 3), 3, 0); /* reset in between */
    tr_health_finish(&first);
    tr_health_finish(&now);
}

/* --- memory that is given back ---------------------------------------------------------------- */

enum { PIECES = 8 };

struct walker {
    struct tr_machine *machine;
    struct tr_soak_slice slice;
    struct tr_soak_plan plan;
    struct tr_soak_run run;
    struct tr_soak_worker worker;
};

/* One thread with its memory filled, not yet verified. */
static struct walker *walker_make(void) {
    static volatile sig_atomic_t never;
    struct walker *all = aligned_alloc(_Alignof(struct walker), sizeof(*all));
    struct tr_err err = {0};
    assert_non_null(all);
    memset(all, 0, sizeof(*all));
    assert_non_null(all->machine = calloc(1, sizeof(*all->machine)));
    all->machine->cpu.levels[TR_ISA_SCALAR].available = true;
    all->machine->cpu.levels[TR_ISA_SSE2].available = true;
    all->slice = (struct tr_soak_slice){.node = -1, .bytes = PIECES * TR_SOAK_PIECE_BYTES};
    all->plan = (struct tr_soak_plan){.slices = &all->slice, .n_slices = 1, .n_nodes = 1};
    all->run.machine = all->machine;
    all->run.plan = &all->plan;
    all->run.stop = &never;
    all->worker.run = &all->run;
    tr_soak_faults_init(&all->run.faults);
    assert_int_equal(tr_soak_kernels_make(all->machine, TR_ISA_SSE2, &all->run.kernels), 0);
    assert_int_equal(tr_soak_worker_map(&all->worker, &err), 0);
    tr_soak_worker_fill(&all->worker);
    return all;
}

static void walker_free(struct walker *all) {
    assert_int_equal(atomic_load(&all->run.faults.memory), 0);
    tr_soak_worker_unmap(&all->worker);
    tr_soak_kernels_finish(&all->run.kernels);
    tr_soak_faults_finish(&all->run.faults);
    free(all->machine);
    free(all);
}

static void walk(struct walker *all, int pieces) {
    for (int i = 0; i < pieces; i++)
        tr_soak_worker_memory(&all->worker);
}

static void squeeze(struct walker *all) {
    atomic_fetch_add(&all->run.squeezed, 1);
    tr_soak_worker_give_back(&all->worker);
}

static int tested_pieces(struct walker *all) {
    return (int)(atomic_load(&all->worker.parts[0].tested_bytes) / TR_SOAK_PIECE_BYTES);
}

/* What is told as tested was written and verified, and is never more than there is. */
static void memory_given_back(void **state) {
    (void)state;
    struct walker *all = walker_make();
    walk(all, 4);
    assert_int_equal(tested_pieces(all), 4);
    squeeze(all); /* in the first walk: an eighth is gone, and all begins anew */
    assert_int_equal(all->worker.parts[0].bytes, (PIECES - 1) * TR_SOAK_PIECE_BYTES);
    walk(all, PIECES - 1);
    assert_int_equal(tested_pieces(all), 0);
    walk(all, 3);
    assert_int_equal(tested_pieces(all), 3);
    walk(all, PIECES - 1);
    assert_int_equal(tested_pieces(all), PIECES - 1);
    squeeze(all); /* later: all that is left was tested */
    assert_int_equal(tested_pieces(all), PIECES - 2);
    walk(all, 3 * PIECES);
    assert_int_equal(tested_pieces(all), PIECES - 2);
    walker_free(all);
    all = walker_make(); /* and where the end comes first */
    walk(all, 4);
    squeeze(all);
    walk(all, 2);
    tr_soak_worker_last_check(&all->worker);
    assert_int_equal(tested_pieces(all), 2);
    walker_free(all);
}

/* --- records and verdicts -------------------------------------------------------------------- */

static const char head[] =
    "{\"record\":\"soak\",\"schema\":\"tokenroof.soak-record/1\",\"created\":"
    "\"2026-11-21T10:00:00Z\",\"boot_id\":\"b\",\"host_id\":\"0123456789ab\",\"cpu_model\":"
    "\"X\",\"memory_bytes\":1073741824,\"available_bytes\":2147483648,\"cache_bytes\":1048576,"
    "\"max_corrected_per_hour\":10}";

static void add_line(struct tr_soak_summary *summary, const char *text) {
    struct tr_err err = {0};
    json_t *line = json_loads(text, 0, NULL);
    assert_non_null(line);
    if (tr_soak_summary_add(summary, line, &err))
        fail_msg("%s: %s", text, err.text);
    json_decref(line);
}

/* The verdict of one check, and of the whole, after these seconds. */
static void assert_verdict(const char *extra, double t_s, const char *name, const char *verdict,
                           const char *whole, const char *words) {
    struct tr_soak_summary summary;
    json_t *document = NULL;
    char line[512];
    assert_int_equal(tr_soak_summary_init(&summary), 0);
    add_line(&summary, head);
    snprintf(line, sizeof(line),
             "{\"record\":\"second\",\"t_s\":%g,\"span_s\":%g,\"phase\":\"memory\",\"gb_s\":10,"
             "\"gflop_s\":5,\"verified_bytes\":1e9%s%s}",
             t_s, t_s, *extra ? "," : "", extra);
    add_line(&summary, line);
    add_line(&summary, "{\"record\":\"modules\",\"modules\":[{\"label\":\"mc#0\",\"slot\":\"A1\","
                       "\"corrected\":1,\"uncorrected\":1}]}");
    add_line(&summary, "{\"record\":\"end\",\"partial\":false}");
    assert_int_equal(tr_soak_document(&summary, &document), 0);
    const json_t *result;
    size_t i;
    bool found = false;
    json_array_foreach(json_object_get(document, "results"), i, result) {
        if (strcmp(json_string_value(json_object_get(result, "name")), name) != 0)
            continue;
        found = true;
        const char *why = json_string_value(json_object_get(result, "why"));
        const json_t *high = json_object_get(result, "high");
        if (!strcmp(name, "corrected memory errors") &&
            json_is_number(high)) /* of its whole time */
            assert_true((json_number_value(json_object_get(result, "value")) >
                         json_number_value(high)) == !strcmp(verdict, "fail"));
        assert_string_equal(json_string_value(json_object_get(result, "verdict")), verdict);
        if (!strstr(why, words))
            fail_msg("%s: '%s' does not speak of '%s'", name, why, words);
    }
    assert_true(found);
    assert_string_equal(json_string_value(json_object_get(document, "verdict")), whole);
    assert_true(json_is_false(json_object_get(document, "partial")));
    json_decref(document);
    tr_soak_summary_finish(&summary);
}

static void verdicts(void **state) {
    static const char ce[] = "corrected memory errors", ue[] = "uncorrected memory errors";
    (void)state;
    assert_verdict("", 60, "memory", "pass", "pass", "every word");
    assert_verdict("", 60, ce, "skip", "pass", "EDAC");
    assert_verdict("", 60, "machine checks", "skip", "pass", "does not count");
    assert_verdict("\"corrected_errors\":0", 60, ce, "pass", "pass", "none");
    assert_verdict("\"corrected_errors\":2", 60, ce, "warn", "warn", "slot A1 (mc#0): 1");
    assert_verdict("\"corrected_errors\":10", 60, ce, "warn", "warn", "Watch");
    assert_verdict("\"corrected_errors\":11", 60, ce, "fail", "fail", "more than 10 an hour");
    assert_verdict("\"corrected_errors\":19", 7200, ce, "warn", "warn", "Watch");
    assert_verdict("\"corrected_errors\":21", 7200, ce, "fail", "fail", "Replace");
    assert_verdict("\"uncorrected_errors\":1", 60, ue, "fail", "fail", "slot A1");
    assert_verdict("\"uncorrected_errors\":0", 60, ue, "pass", "pass", "none");
    assert_verdict("\"machine_checks\":1", 60, "machine checks", "fail", "fail", "dmesg");
    assert_verdict("\"machine_checks\":0,\"threshold_interrupts\":2", 60, "machine checks", "warn",
                   "warn", "2 for corrected");
    assert_verdict("\"memory_mismatches\":3", 60, "memory", "fail", "fail", "3 words");
    assert_verdict("\"compute_mismatches\":2", 60, "compute", "fail", "fail", "2 results");
    assert_verdict("\"core_throttle_events\":4,\"package_throttle_events\":0", 60, "throttling",
                   "warn", "warn", "4 times a core");
    assert_verdict("\"prochot\":1", 60, "throttling", "warn", "warn", "PROCHOT");
    assert_verdict("\"prochot\":0", 60, "throttling", "pass", "pass", "none");
    assert_verdict("\"cpu_celsius\":96,\"cpu_limit_celsius\":100", 60, "processor temperature",
                   "warn", "warn", "close to its limit");
    assert_verdict("\"cpu_celsius\":80,\"cpu_limit_celsius\":100", 60, "processor temperature",
                   "pass", "pass", "highest");
    assert_verdict("\"core_ghz\":3,\"core_ghz_min\":2.9,\"clock_share_min\":0.97", 60,
                   "lowest core clock", "pass", "pass", "of any core");
    assert_verdict("\"core_ghz\":3,\"core_ghz_min\":1.7,\"clock_share_min\":0.6", 60,
                   "lowest core clock", "warn", "warn", "fell to 60%");
    assert_verdict("\"core_ghz\":3,\"core_ghz_min\":1.4,\"phase\":\"compute\"", 60,
                   "lowest core clock", "warn", "warn", "47% of the mean");
    assert_verdict("\"core_ghz\":3,\"core_ghz_min\":1.4,\"phase\":\"steps\"", 60,
                   "lowest core clock", "pass", "pass", "of any core");
}

/* --- clocks ---------------------------------------------------------------------------------- */

/* Bursts at this clock, every fifth one interrupted. True if a clock came of them. */
static bool burst(struct tr_soak_clock *clock, size_t chain, double ghz, double *ret_ghz,
                  double *ret_share) {
    bool told = false;
    for (int i = 0; i < TR_SOAK_CLOCK_BURSTS; i++) {
        tr_soak_clock_begin(clock, chain);
        clock->bursts.ns[clock->bursts.n++] =
            (TR_BURST_LONG - TR_BURST_SHORT) / ghz + (i % 5 == 0 ? 25000 : 0);
        told = tr_soak_clock_take(clock, true, ret_ghz, ret_share) || told;
    }
    return told;
}

static void clock_of_a_shared_core(void **state) {
    struct tr_soak_clock *clock = calloc(1, sizeof(*clock));
    double ghz = 0, share = 0;
    (void)state;
    assert_non_null(clock);
    assert_true(burst(clock, 0, 3, &ghz, &share));
    assert_near(ghz, 3, 1e-3);
    assert_near(share, 1, 1e-9);
    /* Wide vectors run slower: no drop. */
    assert_true(burst(clock, 1, 2, &ghz, &share));
    assert_near(share, 1, 1e-9);
    assert_true(burst(clock, 0, 1.5, &ghz, &share));
    assert_near(ghz, 1.5, 1e-3);
    assert_near(share, 0.5, 1e-3);
    /* A chain's turn that ended too early says nothing, and its bursts are not the next one's. */
    tr_soak_clock_begin(clock, 1);
    clock->bursts.ns[clock->bursts.n++] = 1e6;
    tr_soak_clock_begin(clock, 0);
    assert_int_equal(clock->bursts.n, 0);
    /* One core alone may boost: neither a share nor the highest. */
    clock->bursts.n = TR_SOAK_CLOCK_BURSTS;
    for (int i = 0; i < TR_SOAK_CLOCK_BURSTS; i++)
        clock->bursts.ns[i] = (TR_BURST_LONG - TR_BURST_SHORT) / 6.0;
    assert_true(tr_soak_clock_take(clock, false, &ghz, &share));
    assert_near(ghz, 6, 1e-3);
    assert_true(isnan(share));
    assert_true(burst(clock, 0, 3, &ghz, &share));
    assert_near(share, 1, 1e-9);
    free(clock);
}

/* A day has 86400 seconds; the document has at most 3600 entries, and no error or heat is lost. */
static void long_series_are_joined(void **state) {
    enum { SECONDS = 20000 };
    struct tr_soak_summary summary;
    json_t *document = NULL;
    (void)state;
    assert_int_equal(tr_soak_summary_init(&summary), 0);
    add_line(&summary, head);
    for (int i = 1; i <= SECONDS; i++) {
        char line[256];
        snprintf(line, sizeof(line),
                 "{\"record\":\"second\",\"t_s\":%d,\"span_s\":1,\"phase\":\"memory\",\"gb_s\":%d,"
                 "\"cpu_celsius\":%d,\"core_ghz_min\":%g,\"corrected_errors\":%d}",
                 i, i % 2 ? 10 : 20, i == 7777 ? 99 : 60, i == 12345 ? 1.5 : 3.0, i > 9000);
        add_line(&summary, line);
    }
    double span = 0, gb = 0, hottest = 0, slowest = 9;
    assert_true(summary.n_seconds <= TR_SOAK_MOST_SECONDS);
    assert_true(summary.n_seconds > TR_SOAK_MOST_SECONDS / 4);
    for (size_t i = 0; i < summary.n_seconds; i++) {
        const struct tr_soak_second *second = &summary.seconds[i];
        span += second->span_s;
        gb += second->span_s * second->values[TR_SOAK_GB_S];
        hottest = fmax(hottest, second->values[TR_SOAK_CPU_CELSIUS]);
        slowest = fmin(slowest, second->values[TR_SOAK_CORE_GHZ_MIN]);
    }
    assert_near(span, SECONDS, 1e-6);
    assert_near(gb / span, 15, 1e-6);
    assert_near(hottest, 99, 0);
    assert_near(slowest, 1.5, 0);
    assert_near(summary.seconds[summary.n_seconds - 1].values[TR_SOAK_CORRECTED], 1, 0);
    assert_int_equal(tr_soak_document(&summary, &document), 0);
    assert_true(
        json_is_true(json_object_get(document, "partial"))); /* no line says that it ended */
    json_decref(document);
    tr_soak_summary_finish(&summary);
}

static void bad_records(void **state) {
    static const struct {
        const char *text, *words;
    } bad[] = {
        {"", "no line is whole"},
        {"{\"record\":\"soak\"", "no line is whole"},
        {"{\"record\":\"second\"}\n", "line 1: the record of a soak begins"},
        {"{}\n", "line 1: a line without 'record'"},
        {"[1]\n", "line 1: a line without 'record'"},
        {"nonsense\n", "line 1"},
        {"{\"record\":\"soak\",\"schema\":\"tokenroof.soak-record/2\"}\n", "expected tokenroof"},
        {"{\"record\":\"soak\",\"schema\":\"tokenroof.soak-record/1\"}\n{\"record\":\"second\"}\n",
         "line 2"},
        {"{\"record\":\"soak\",\"schema\":\"tokenroof.soak-record/1\"}\n{\"record\":\"nodes\"}\n",
         "line 2: nodes"},
    };
    char path[] = "/tmp/tokenroof-record-XXXXXX";
    int fd = mkstemp(path);
    (void)state;
    assert_true(fd >= 0);
    close(fd);
    for (size_t i = 0; i < N(bad); i++) {
        struct tr_soak_summary summary;
        struct tr_err err = {0};
        assert_int_equal(tr_file_write(path, bad[i].text, strlen(bad[i].text), true, NULL), 0);
        assert_int_equal(tr_soak_summary_read(path, &summary, &err), TR_EFORMAT);
        if (!strstr(err.text, bad[i].words))
            fail_msg("'%s' does not speak of '%s'", err.text, bad[i].words);
    }
    /* Whole lines count, even if nothing else is known of the soak. */
    struct tr_soak_summary summary;
    json_t *document = NULL;
    static const char least[] =
        "{\"record\":\"soak\",\"schema\":\"tokenroof.soak-record/1\"}\n{\"record\":\"sec";
    assert_int_equal(tr_file_write(path, least, strlen(least), true, NULL), 0);
    assert_int_equal(tr_soak_summary_read(path, &summary, NULL), 0);
    assert_int_equal(tr_soak_document(&summary, &document), 0);
    assert_true(json_is_null(json_object_get(document, "boot_id")));
    json_decref(document);
    tr_soak_summary_finish(&summary);
    unlink(path);
}

static void details_are_bounded(void **state) {
    struct tr_soak_faults *faults = calloc(1, sizeof(*faults));
    struct tr_soak_mismatch mismatch = {.memory = true};
    size_t taken = 0;
    (void)state;
    assert_non_null(faults);
    tr_soak_faults_init(faults);
    for (int i = 0; i < 2 * TR_SOAK_MOST_DETAILS; i++) {
        mismatch.address = (uint64_t)i;
        tr_soak_faults_add(faults, &mismatch);
    }
    assert_false(tr_soak_faults_has_room(faults));
    while (tr_soak_faults_take(faults, &mismatch))
        assert_int_equal(mismatch.address, taken++);
    assert_int_equal(taken, TR_SOAK_MOST_DETAILS);
    assert_int_equal(atomic_load(&faults->memory), 2 * TR_SOAK_MOST_DETAILS);
    tr_soak_faults_finish(faults);
    free(faults);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(phases_fill_the_time),
        cmocka_unit_test(steps_of_all_and_of_one),
        cmocka_unit_test(every_line_toggles),
        cmocka_unit_test(inverted_follows_upright),
        cmocka_unit_test(stripes_and_addresses),
        cmocka_unit_test(reserve),
        cmocka_unit_test(memory_of_two_nodes),
        cmocka_unit_test(errors_between_two_recordings),
        cmocka_unit_test(counters_that_do_not_exist),
        cmocka_unit_test(memory_given_back),
        cmocka_unit_test(verdicts),
        cmocka_unit_test(clock_of_a_shared_core),
        cmocka_unit_test(long_series_are_joined),
        cmocka_unit_test(bad_records),
        cmocka_unit_test(details_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
