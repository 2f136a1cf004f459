/* Tests of tuning sessions: records as lines, what a crash leaves, whose a soak is, suspected
 * retries, the best. Boots and times are texts of the record: nothing here depends on the machine.
 */
#include <fcntl.h>
#include <math.h>

#include "append.h"
#include "calibration_json.h"
#include "facts.h"
#include "prng.h"
#include "simulated.h"
#include "strbuf.h"
#include "test.h"
#include "tune_judge.h"

static void assert_about(double value, double expected, double tolerance) {
    if (!(fabs(value - expected) <= tolerance))
        fail_msg("%.12g is not %.12g +- %g", value, expected, tolerance);
}

/* --- records --------------------------------------------------------------------------------- */

struct record {
    struct tr_strbuf text;
    struct tr_prng prng;
    int second; /* of the next line */
    char at[32];
};

static const char *next_time(struct record *record) {
    int s = record->second++;
    snprintf(record->at, sizeof(record->at), "2026-11-25T%02d:%02d:%02dZ", s / 3600, s / 60 % 60,
             s % 60);
    return record->at;
}

static void add(struct record *record, json_t *line) {
    assert_non_null(line);
    char *text = json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(9));
    tr_strbuf_addf(&record->text, "%s\n", text);
    free(text);
    json_decref(line);
}

static void begin(struct record *record) {
    *record = (struct record){.prng = {1}};
    add(record, tr_tune_line_session(next_time(record), "0123456789ab", "llama-3.1-8b-q4_k_m",
                                     json_object()));
}

static json_t *machine_at(double mts) {
    return json_pack("{s:{s:o}}", "memory", "configured_mts", tr_json_number(mts));
}

static void add_trying(struct record *record, const char *label, const char *boot) {
    add(record, tr_tune_line_trying(next_time(record), label, boot, NULL, NULL, machine_at(NAN)));
}

static void add_measuring(struct record *record, const char *label, const char *boot) {
    add(record, tr_tune_line_measuring(next_time(record), label, boot, 1, NULL, machine_at(NAN)));
}

/* All rates at `value`, the latency at 1e4 / value. */
static void add_round(struct record *record, double value, double scatter) {
    struct tr_tune_round round;
    tr_tune_round_init(&round);
    for (size_t f = 0; f <= TR_TUNE_FMA; f++) {
        round.readings[f].value = f == TR_TUNE_LATENCY ? 1e4 / value : value;
        round.readings[f].scatter = scatter;
        round.readings[f].n = 9;
    }
    add(record, tr_tune_line_round(1, &round, NULL));
}

/* A recording of five rounds. */
static void add_recording(struct record *record, const char *label, const char *boot, double value,
                          double scatter) {
    add_measuring(record, label, boot);
    for (int i = 0; i < 5; i++) {
        double wobble = 1 + 0.002 * sim_noise(&record->prng, SIM_NORMAL);
        add_round(record, value * wobble,
                  scatter * (1 + 0.1 * sim_noise(&record->prng, SIM_NORMAL)));
    }
    add(record, tr_tune_line_measured(next_time(record), 5, -1, "enough"));
}

static void add_samples(struct record *record, size_t n, double value) {
    double *samples[TR_TUNE_FIGURES] = {0}, reads[64];
    size_t counts[TR_TUNE_FIGURES] = {[TR_TUNE_READ] = n};
    for (size_t i = 0; i < n; i++)
        reads[i] = value + (double)i;
    samples[TR_TUNE_READ] = reads;
    add(record, tr_tune_line_samples(1, samples, counts));
}

static int try_parse(const struct record *record, struct tr_tune *tune, struct tr_err *err) {
    return tr_tune_parse(record->text.text, record->text.length, "record.jsonl", tune, err);
}

static struct tr_tune parse(const struct record *record) {
    struct tr_tune tune;
    struct tr_err err = {0};
    if (try_parse(record, &tune, &err))
        fail_msg("%s", err.text);
    return tune;
}

static void test_lines(void **state) {
    (void)state;
    struct record record;
    begin(&record);
    add_trying(&record, "baseline", "boot-a");
    add_recording(&record, "baseline", "boot-a", 100, 0.01);
    tr_strbuf_add(&record.text, "{\"event\":\"of a later version\",\"at\":1}\n");
    add_trying(&record, "FCLK 2133", "boot-a");
    struct tr_tune tune = parse(&record);
    assert_string_equal(tune.created, "2026-11-25T00:00:00Z");
    assert_string_equal(tune.model, "llama-3.1-8b-q4_k_m");
    assert_int_equal(tune.n_settings, 2);
    assert_int_equal(tune.n_recordings, 1);
    assert_int_equal(tune.recordings[0].n_rounds, 5);
    assert_int_equal(tune.settings[0].state, TR_TUNE_MEASURED);
    assert_int_equal(tune.settings[1].state, TR_TUNE_TRIED);
    assert_int_equal(tune.trying, 1);
    assert_true(tune.running == SIZE_MAX);
    assert_about(tune.recordings[0].rounds[0].readings[TR_TUNE_READ].value, 100, 1);
    assert_true(isnan(tune.recordings[0].rounds[0].readings[TR_TUNE_TG].value));
    tr_tune_finish(&tune);
    /* Torn anywhere in its last line, the record is that of the lines before. */
    size_t whole = record.text.length;
    for (size_t cut = 1; cut < 60; cut += 7) {
        record.text.length = whole - cut;
        tune = parse(&record);
        assert_int_equal(tune.n_settings, 1);
        tr_tune_finish(&tune);
    }
    tr_strbuf_finish(&record.text);
}

static void test_bad_lines(void **state) {
    (void)state;
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"", "no record"},
        {"{\"event\":\"session\"}\n", ":1: schema"},
        {"{\"schema\":\"tokenroof.tune-record/2\"}\n", "tune-record/2"},
        {"{\"schema\":\"tokenroof.tune-record/1\"}\nnonsense\n", ":2: not a line"},
        {"{\"schema\":\"tokenroof.tune-record/1\"}\n{\"event\":\"round\",\"figures\":{}}\n",
         ":2: event: expected 'measuring'"},
        {"{\"schema\":\"tokenroof.tune-record/1\"}\n{\"event\":\"measuring\",\"label\":7}\n",
         ":2: label"},
        {"{\"schema\":\"tokenroof.tune-record/1\"}\n{\"event\":\"measuring\",\"label\":\"a\"}\n",
         ":2: boot_id"},
        {"{\"schema\":\"tokenroof.tune-record/1\"}\n{\"event\":\"crashed\"}\n", ":2: label"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tr_tune tune;
        struct tr_err err = {0};
        assert_int_equal(tr_tune_parse(rows[i].text, strlen(rows[i].text), "r", &tune, &err),
                         TR_EFORMAT);
        if (!strstr(err.text, rows[i].message))
            fail_msg("'%s' does not say '%s'", err.text, rows[i].message);
    }
}

/* What a kill in mid-recording leaves: whole rounds, and the samples of the one that had begun. */
static void test_cut_off(void **state) {
    (void)state;
    struct record record;
    begin(&record);
    add_measuring(&record, "baseline", "boot-a");
    add_round(&record, 100, 0.01);
    add_samples(&record, 8, 50);
    struct tr_tune tune = parse(&record);
    assert_int_equal(tune.recordings[0].n_rounds, 1); /* eight are too few for a median */
    assert_int_equal(tune.recordings[0].n_samples, 8);
    assert_int_equal(tr_tune_unfinished(&tune, "boot-a", true), TR_TUNE_MEASURING);
    assert_int_equal(tr_tune_unfinished(&tune, "boot-a", false), TR_TUNE_INTERRUPTED);
    assert_int_equal(tr_tune_unfinished(&tune, "boot-b", false), TR_TUNE_CRASHED);
    tr_tune_finish(&tune);
    add_samples(&record, 5, 58);
    tune = parse(&record);
    assert_int_equal(tune.recordings[0].n_rounds, 2);
    assert_about(tune.recordings[0].rounds[1].readings[TR_TUNE_READ].value, 56, 1e-9);
    assert_about(tune.recordings[0].rounds[1].readings[TR_TUNE_READ].scatter, 1.4826 * 3 / 56,
                 1e-9);
    assert_true(isnan(tune.recordings[0].rounds[1].readings[TR_TUNE_COPY].value));
    tr_tune_finish(&tune);
    /* A round that ended has what its samples say. */
    add_round(&record, 100, 0.01);
    tune = parse(&record);
    assert_int_equal(tune.recordings[0].n_rounds, 2);
    assert_int_equal(tune.recordings[0].n_samples, 0);
    tr_tune_finish(&tune);
    add(&record, tr_tune_line_lost(next_time(&record), TR_TUNE_CRASHED, "baseline", "boot-b", "x"));
    tune = parse(&record);
    assert_int_equal(tune.settings[0].state, TR_TUNE_CRASHED);
    assert_int_equal(tune.settings[0].n_crashes, 1);
    assert_non_null(tune.settings[0].crashed_at);
    assert_int_equal(tr_tune_unfinished(&tune, "boot-b", false), TR_TUNE_MEASURED);
    tr_tune_finish(&tune);
    tr_strbuf_finish(&record.text);
}

/* Announced, restarted, another one comes: it was lost. The same one: all is well. */
static void test_given_up(void **state) {
    (void)state;
    struct record record;
    begin(&record);
    add_trying(&record, "FCLK 2200", "boot-a");
    struct tr_tune tune = parse(&record);
    assert_false(tr_tune_given_up(&tune, "FCLK 2200", "boot-b"));
    assert_true(tr_tune_given_up(&tune, "FCLK 2133", "boot-b"));
    assert_false(tr_tune_given_up(&tune, "FCLK 2133", "boot-a"));
    tr_tune_finish(&tune);
    add_recording(&record, "FCLK 2200", "boot-b", 100, 0.01);
    tune = parse(&record);
    assert_false(tr_tune_given_up(&tune, "FCLK 2133", "boot-c"));
    tr_tune_finish(&tune);
    tr_strbuf_finish(&record.text);
}

static void test_clocks(void **state) {
    (void)state;
    static const struct {
        const char *text;
        double mts, fclk_mhz;
    } rows[] = {
        {"FCLK 2133, 6400 CL30", 6400, 2133},
        {"mts=6400,fclk=2133", 6400, 2133},
        {"6000 MT/s", 6000, NAN},
        {"DDR5-6000 CL30-38-38", 6000, NAN},
        {"IF 2000 DDR4-3600", 3600, 2000},
        {"fclk 2133MHz, 6400MT/s", 6400, 2133},
        {"2133MHz", NAN, NAN}, /* of what? */
        {"fclk: 2100", NAN, 2100},
        {"baseline", NAN, NAN},
        {"CL30 tRFC 500", NAN, NAN},
        {"UCLK 3000 MCLK 3000", NAN, NAN},
        {"", NAN, NAN},
        {NULL, NAN, NAN},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tr_tune_clocks clocks = tr_tune_clocks_of_text(rows[i].text);
        bool same = (isnan(rows[i].mts) ? isnan(clocks.mts) : clocks.mts == rows[i].mts) &&
                    (isnan(rows[i].fclk_mhz) ? isnan(clocks.fclk_mhz)
                                             : clocks.fclk_mhz == rows[i].fclk_mhz);
        if (!same)
            fail_msg("'%s': %g MT/s, FCLK %g", rows[i].text, clocks.mts, clocks.fclk_mhz);
    }
    /* What was read from the machine counts more than its label. */
    struct tr_tune_setting setting = {
        .label = (char *)"6400", .machine = machine_at(5600), .recorded = true};
    assert_about(tr_tune_clocks_of(&setting).mts, 5600, 0);
    setting.recorded = false; /* announced only: the machine was another one then */
    assert_about(tr_tune_clocks_of(&setting).mts, 6400, 0);
    json_decref(setting.machine);
}

/* --- judging --------------------------------------------------------------------------------- */

struct judged {
    struct tr_tune tune;
    struct tr_soaks soaks;
    struct tr_tune_judgement judgement;
};

static void judge_with(struct judged *judged, const struct record *record,
                       const struct tr_tune_options *options) {
    judged->tune = parse(record);
    assert_int_equal(
        tr_tune_judge(&judged->tune, &judged->soaks, options, &judged->judgement, NULL), 0);
}

static void judge(struct judged *judged, const struct record *record) {
    const struct tr_tune_options options = {.by = TR_TUNE_READ, .boots_sd = NAN};
    judge_with(judged, record, &options);
}

static void judged_finish(struct judged *judged) {
    tr_tune_judgement_finish(&judged->judgement);
    tr_soaks_finish(&judged->soaks);
    tr_tune_finish(&judged->tune);
}

static const struct tr_tune_outcome *outcome(const struct judged *judged, const char *label) {
    size_t i = tr_tune_find(&judged->tune, label);
    assert_true(i < judged->judgement.n);
    return &judged->judgement.outcomes[i];
}

static enum tr_tune_verdict verdict(const struct judged *judged, const char *label) {
    return outcome(judged, label)->verdicts[judged->judgement.options.by];
}

/* `n` boots of each; boots of a setting are named after it. */
static void add_boots(struct record *record, const char *label, int n, double value,
                      double between) {
    for (int i = 0; i < n; i++) {
        char boot[64];
        snprintf(boot, sizeof(boot), "%.40s-%d-%d", label, i, record->second);
        add_recording(record, label, boot,
                      value * (1 + between * sim_noise(&record->prng, SIM_NORMAL)), 0.01);
    }
}

static void test_verdicts(void **state) {
    (void)state;
    struct record record;
    struct judged judged = {0};
    begin(&record);
    add_boots(&record, "baseline", 1, 100, 0);
    add_boots(&record, "faster", 1, 110, 0);
    add_trying(&record, "next", "x");
    judge(&judged, &record);
    assert_int_equal(verdict(&judged, "baseline"), TR_TUNE_BASELINE);
    assert_int_equal(verdict(&judged, "faster"), TR_TUNE_ONE_BOOT_ONLY);
    assert_int_equal(verdict(&judged, "next"), TR_TUNE_NOT_MEASURED);
    judged_finish(&judged);
    const struct tr_tune_options known = {.by = TR_TUNE_LATENCY, .boots_sd = 0.01};
    judge_with(&judged, &record, &known); /* less latency is better */
    assert_int_equal(verdict(&judged, "faster"), TR_TUNE_BETTER);
    judged_finish(&judged);
    add_boots(&record, "baseline", 1, 100, 0);
    add_boots(&record, "faster", 1, 110, 0);
    judge(&judged, &record);
    assert_int_equal(verdict(&judged, "faster"), TR_TUNE_TWO_BOOTS_ONLY);
    judged_finish(&judged);
    add_boots(&record, "baseline", 1, 100, 0);
    add_boots(&record, "faster", 1, 110, 0);
    add_boots(&record, "slower", 3, 95, 0.001);
    add_boots(&record, "alike", 3, 100, 0.002);
    judge(&judged, &record);
    assert_int_equal(verdict(&judged, "faster"), TR_TUNE_BETTER);
    assert_int_equal(verdict(&judged, "slower"), TR_TUNE_WORSE);
    assert_int_equal(verdict(&judged, "alike"), TR_TUNE_NO_DIFFERENCE);
    assert_true(judged.judgement.spread.within > 0.001 && judged.judgement.spread.within < 0.003);
    judged_finish(&judged);
    const struct tr_tune_options other = {.by = TR_TUNE_READ, .boots_sd = NAN, .base = "slower"};
    judge_with(&judged, &record, &other);
    assert_int_equal(verdict(&judged, "baseline"), TR_TUNE_BETTER);
    assert_int_equal(verdict(&judged, "slower"), TR_TUNE_BASELINE);
    judged_finish(&judged);
    struct tr_tune tune = parse(&record);
    struct tr_err err = {0};
    const struct tr_tune_options wrong = {.base = "nobody", .boots_sd = NAN};
    assert_int_equal(tr_tune_judge(&tune, &judged.soaks, &wrong, &judged.judgement, &err),
                     TR_EUSAGE);
    tr_tune_finish(&tune);
    tr_strbuf_finish(&record.text);
}

/* Predictions by another tier than the session's first are no figures of it. */
static void test_tiers(void **state) {
    (void)state;
    struct record record;
    struct judged judged = {0};
    static const char *const tiers[] = {"measured", "formula"};
    begin(&record);
    for (size_t i = 0; i < 2; i++) {
        struct tr_tune_round round;
        tr_tune_round_init(&round);
        round.readings[TR_TUNE_READ].value = 100;
        round.readings[TR_TUNE_TG].value = 5;
        add_measuring(&record, tiers[i], tiers[i]);
        add(&record, tr_tune_line_round(1, &round, tiers[i]));
    }
    judge(&judged, &record);
    assert_about(outcome(&judged, "measured")->results[TR_TUNE_TG].value, 5, 1e-9);
    assert_true(isnan(outcome(&judged, "formula")->results[TR_TUNE_TG].value));
    assert_about(outcome(&judged, "formula")->results[TR_TUNE_READ].value, 100, 1e-9);
    judged_finish(&judged);
    tr_strbuf_finish(&record.text);
}

/* --- soaks ----------------------------------------------------------------------------------- */

static void add_soak(struct judged *judged, const char *created, const char *boot,
                     const char *verdict_name, bool partial) {
    json_t *document =
        json_pack("{s:s, s:s, s:s, s:s, s:b, s:f, s:[{s:s, s:s, s:s}]}", "schema",
                  "tokenroof.soak/1", "created", created, "boot_id", boot, "verdict", verdict_name,
                  "partial", partial, "seconds_run", 5400.0, "results", "name", "memory", "verdict",
                  verdict_name, "why", "3 words differ");
    assert_non_null(document);
    assert_int_equal(tr_soaks_add(&judged->soaks, document), 0);
    json_decref(document);
}

static void test_soaks(void **state) {
    (void)state;
    struct record record;
    begin(&record);
    add_recording(&record, "a", "boot-1", 100, 0.01); /* from 00:00:01 */
    record.second = 600;
    add_recording(&record, "b", "boot-1", 101, 0.01); /* from 00:10:00 */
    record.second = 1200;
    add_recording(&record, "c", "boot-2", 102, 0.01); /* from 00:20:00 */
    static const struct {
        const char *created, *boot, *verdict;
        bool partial;
        enum tr_soak_verdict a, b, c;
    } rows[] = {
        {"2026-11-25T00:05:00Z", "boot-1", "pass", false, TR_SOAK_PASS, TR_SOAK_NONE, TR_SOAK_NONE},
        {"2026-11-25T00:15:00Z", "boot-1", "pass", false, TR_SOAK_NONE, TR_SOAK_PASS, TR_SOAK_NONE},
        {"2026-11-25T00:15:00Z", "boot-1", "fail", true, TR_SOAK_NONE, TR_SOAK_FAIL, TR_SOAK_NONE},
        {"2026-11-25T00:15:00Z", "boot-1", "pass", true, TR_SOAK_NONE, TR_SOAK_ENDED_EARLY,
         TR_SOAK_NONE},
        {"2026-11-25T00:18:00Z", "boot-2", "warn", false, TR_SOAK_NONE, TR_SOAK_NONE, TR_SOAK_WARN},
        {"2026-11-25T00:30:00Z", "boot-9", "pass", false, TR_SOAK_NONE, TR_SOAK_NONE, TR_SOAK_NONE},
        {"2026-11-25T00:30:00Z", "boot-2", "odd", false, TR_SOAK_NONE, TR_SOAK_NONE, TR_SOAK_NONE},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct judged judged = {0};
        add_soak(&judged, rows[i].created, rows[i].boot, rows[i].verdict, rows[i].partial);
        judge(&judged, &record);
        assert_int_equal(outcome(&judged, "a")->soak, rows[i].a);
        assert_int_equal(outcome(&judged, "b")->soak, rows[i].b);
        assert_int_equal(outcome(&judged, "c")->soak, rows[i].c);
        assert_true(outcome(&judged, "b")->passed == (rows[i].b == TR_SOAK_PASS));
        judged_finish(&judged);
    }
    tr_strbuf_finish(&record.text);
}

/* What failed once may pass the next time: that is no stable setting. */
static void test_soak_that_failed(void **state) {
    (void)state;
    struct record record;
    struct judged judged = {0};
    begin(&record);
    add_recording(&record, "a", "boot-1", 100, 0.01);
    add_soak(&judged, "2026-11-25T01:00:00Z", "boot-1", "fail", false);
    add_soak(&judged, "2026-11-25T02:00:00Z", "boot-1", "pass", false);
    judge(&judged, &record);
    assert_int_equal(outcome(&judged, "a")->soak, TR_SOAK_FAIL);
    assert_false(outcome(&judged, "a")->passed);
    assert_non_null(strstr(outcome(&judged, "a")->soak_why, "2026-11-25T01:00:00Z failed"));
    judged_finish(&judged);
    tr_strbuf_finish(&record.text);
}

/* The newest of a boot, the worst of the boots; a crash after it takes a pass away. */
static void test_soaks_of_boots(void **state) {
    (void)state;
    struct record record;
    struct judged judged = {0};
    begin(&record);
    add_recording(&record, "a", "boot-1", 100, 0.01);
    add_recording(&record, "a", "boot-2", 100, 0.01);
    add_soak(&judged, "2026-11-25T01:00:00Z", "boot-1", "warn", false);
    add_soak(&judged, "2026-11-25T02:00:00Z", "boot-1", "pass", false);
    judge(&judged, &record);
    assert_int_equal(outcome(&judged, "a")->soak, TR_SOAK_PASS);
    assert_string_equal(outcome(&judged, "a")->soak_why, "passed 90 minutes, 2026-11-25T02:00:00Z");
    tr_tune_judgement_finish(&judged.judgement);
    tr_tune_finish(&judged.tune);
    add_soak(&judged, "2026-11-25T03:00:00Z", "boot-2", "fail", false);
    judge(&judged, &record);
    assert_int_equal(outcome(&judged, "a")->soak, TR_SOAK_FAIL);
    assert_non_null(strstr(outcome(&judged, "a")->soak_why, "memory: 3 words differ"));
    judged_finish(&judged);

    record.second = 4 * 3600;
    add_measuring(&record, "a", "boot-3");
    add(&record, tr_tune_line_lost(next_time(&record), TR_TUNE_CRASHED, "a", "boot-4", "x"));
    add_soak(&judged, "2026-11-25T03:00:00Z", "boot-2", "pass", false);
    judge(&judged, &record);
    assert_int_equal(outcome(&judged, "a")->soak, TR_SOAK_PASS);
    assert_false(outcome(&judged, "a")->passed);
    assert_true(judged.judgement.best == SIZE_MAX);
    judged_finish(&judged);
    add_recording(&record, "a", "boot-5", 100, 0.01);
    add_soak(&judged, "2026-11-25T06:00:00Z", "boot-5", "pass", false);
    judge(&judged, &record);
    assert_true(outcome(&judged, "a")->passed);
    judged_finish(&judged);
    tr_strbuf_finish(&record.text);
}

/* Of `seconds`, with so much of a node's 1000 bytes tested; 0: none of it. */
static void add_soak_of(struct judged *judged, const char *created, double seconds, int tested) {
    json_t *document =
        json_pack("{s:s, s:s, s:s, s:s, s:b, s:f, s:[{s:s, s:s}], s:[{s:i, s:i}]}", "schema",
                  "tokenroof.soak/1", "created", created, "boot_id", "boot-1", "verdict", "pass",
                  "partial", false, "seconds_run", seconds, "results", "name", "memory", "verdict",
                  tested ? "pass" : "skip", "nodes", "memory_bytes", 1000, "tested_bytes", tested);
    assert_non_null(document);
    assert_int_equal(tr_soaks_add(&judged->soaks, document), 0);
    json_decref(document);
}

/* Seconds without a fault, or cores alone, prove no memory to be stable; nor do they take the place
 * of a soak that does. */
static void test_soaks_that_prove_little(void **state) {
    (void)state;
    static const struct {
        double seconds[2];
        int tested[2];
        enum tr_soak_verdict soak;
        const char *why;
    } rows[] = {
        {{3600, 0}, {950, 0}, TR_SOAK_PASS, "passed 60 minutes, of 95% of memory, "},
        {{599, 0}, {950, 0}, TR_SOAK_PASS, "passed 9.98 minutes"},
        {{3, 0}, {950, 0}, TR_SOAK_LITTLE, "too short: 10 minutes or more count"},
        {{3600, 0}, {0, 0}, TR_SOAK_LITTLE, "no memory was tested"},
        {{3600, 3}, {950, 950}, TR_SOAK_PASS, "passed 60 minutes"},
        {{3600, 3600}, {950, 0}, TR_SOAK_PASS, "of 95% of memory"},
        {{3, 3600}, {950, 950}, TR_SOAK_PASS, "passed 60 minutes"},
        {{3, 4}, {950, 950}, TR_SOAK_LITTLE, "02:00:00Z"},
    };
    const struct tr_tune_options options = {
        .by = TR_TUNE_READ, .boots_sd = NAN, .soak_minutes = 10};
    struct record record;
    begin(&record);
    add_recording(&record, "a", "boot-1", 100, 0.01);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct judged judged = {0};
        add_soak_of(&judged, "2026-11-25T01:00:00Z", rows[i].seconds[0], rows[i].tested[0]);
        if (rows[i].seconds[1] > 0)
            add_soak_of(&judged, "2026-11-25T02:00:00Z", rows[i].seconds[1], rows[i].tested[1]);
        judge_with(&judged, &record, &options);
        const struct tr_tune_outcome *a = outcome(&judged, "a");
        if (a->soak != rows[i].soak || a->passed != (rows[i].soak == TR_SOAK_PASS) ||
            !strstr(a->soak_why, rows[i].why))
            fail_msg("row %zu: %s: %s", i, tr_soak_verdict_name(a->soak), a->soak_why);
        judged_finish(&judged);
    }
    tr_strbuf_finish(&record.text);
}

static void test_best(void **state) {
    (void)state;
    struct record record;
    struct judged judged = {0};
    begin(&record);
    judge(&judged, &record);
    assert_true(judged.judgement.best == SIZE_MAX);
    assert_non_null(strstr(judged.judgement.best_why, "nothing was measured"));
    judged_finish(&judged);
    add_recording(&record, "slow", "boot-1", 100, 0.01);
    add_recording(&record, "good", "boot-2", 105, 0.01);
    add_recording(&record, "wild", "boot-3", 110, 0.01);
    judge(&judged, &record);
    assert_true(judged.judgement.best == SIZE_MAX);
    assert_int_equal(judged.judgement.fastest, 2);
    assert_non_null(strstr(judged.judgement.best_why, "no setting passed"));
    judged_finish(&judged);
    add_soak(&judged, "2026-11-25T03:00:00Z", "boot-1", "pass", false);
    add_soak(&judged, "2026-11-25T04:00:00Z", "boot-2", "pass", false);
    add_soak(&judged, "2026-11-25T05:00:00Z", "boot-3", "fail", false);
    judge(&judged, &record);
    assert_int_equal(judged.judgement.best, 1);
    assert_non_null(strstr(judged.judgement.best_why, "'wild'"));
    assert_null(strstr(judged.judgement.best_why, "ahead is 'slow'"));
    json_t *document = NULL;
    assert_int_equal(tr_tune_to_json(&judged.tune, &judged.judgement, &document), 0);
    assert_string_equal(tr_fact_text(document, "best"), "good");
    assert_int_equal(json_array_size(json_object_get(document, "results")), 3);
    json_decref(document);
    judged_finish(&judged);
    tr_strbuf_finish(&record.text);
}

/* --- suspected retries ----------------------------------------------------------------------- */

static bool suspected(struct record *record, const char *label) {
    struct judged judged = {0};
    judge(&judged, record);
    bool any = outcome(&judged, label)->retries != NULL;
    judged_finish(&judged);
    tr_strbuf_finish(&record->text);
    return any;
}

static void test_retries(void **state) {
    (void)state;
    struct record record;
    begin(&record); /* slower, three boots each */
    add_boots(&record, "6000 FCLK 2000", 3, 100, 0.002);
    add_boots(&record, "6000 FCLK 2200", 3, 97, 0.002);
    assert_true(suspected(&record, "6000 FCLK 2200"));
    begin(&record); /* the same of a lower clock is what it should be */
    add_boots(&record, "6000 FCLK 2000", 3, 100, 0.002);
    add_boots(&record, "6000 FCLK 1800", 3, 97, 0.002);
    assert_false(suspected(&record, "6000 FCLK 1800"));
    begin(&record); /* one clock up, the other down: not comparable */
    add_boots(&record, "6000 FCLK 2000", 3, 100, 0.002);
    add_boots(&record, "5600 FCLK 2200", 3, 97, 0.002);
    assert_false(suspected(&record, "5600 FCLK 2200"));
    begin(&record); /* faster, and faster */
    add_boots(&record, "6000", 3, 100, 0.002);
    add_boots(&record, "6400", 3, 104, 0.002);
    assert_false(suspected(&record, "6400"));
    begin(&record); /* as fast, but samples scatter three times as much */
    add_recording(&record, "6000", "boot-1", 100, 0.01);
    add_recording(&record, "6400", "boot-2", 101, 0.03);
    assert_true(suspected(&record, "6400"));
    begin(&record); /* half as much again is not enough */
    add_recording(&record, "6000", "boot-1", 100, 0.01);
    add_recording(&record, "6400", "boot-2", 101, 0.015);
    assert_false(suspected(&record, "6400"));
    begin(&record); /* one boot each: 3% is what boots may differ by, 8% is not */
    add_recording(&record, "6000", "boot-1", 100, 0.01);
    add_recording(&record, "6400", "boot-2", 97, 0.01);
    assert_false(suspected(&record, "6400"));
    begin(&record);
    add_recording(&record, "6000", "boot-1", 100, 0.01);
    add_recording(&record, "6400", "boot-2", 92, 0.01);
    assert_true(suspected(&record, "6400"));
}

/* A clock that is higher and all else alike: hardly ever suspected. */
static void test_no_false_retries(void **state) {
    (void)state;
    enum { TRIALS = 200 };
    for (int boots = 1; boots <= 3; boots += 2) {
        int found = 0;
        for (int t = 0; t < TRIALS; t++) {
            struct record record;
            begin(&record);
            record.prng.state = (uint64_t)(1000 * boots + t);
            add_boots(&record, "6000", boots, 100, 0.015);
            add_boots(&record, "6400", boots, 100, 0.015);
            found += suspected(&record, "6400");
        }
        printf("retries suspected without any, %d boot%s, 1.5%% between boots: %.1f of 100\n",
               boots, boots == 1 ? "" : "s", 100.0 * found / TRIALS);
        assert_true(found <= 0.05 * TRIALS);
    }
}

/* --- files that only grow -------------------------------------------------------------------- */

static void test_append(void **state) {
    (void)state;
    char folder[] = "/tmp/tokenroof-append-XXXXXX", path[64], text[64] = "";
    struct tr_append file, other;
    struct tr_err err;
    bool busy = false;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/record", folder);
    assert_int_equal(tr_append_open(path, false, &file, &busy, &err), TR_EIO);
    assert_int_equal(tr_append_open(path, true, &file, &busy, &err), 0);
    assert_int_equal(tr_append_open(path, true, &other, &busy, &err), TR_EUSAGE);
    assert_int_equal(tr_append_line(&file, "one", &err), 0);
    assert_true(tr_append_is_busy(path));
    assert_int_equal(tr_append_open(path, false, &other, &busy, &err), TR_EFAIL);
    assert_true(busy);
    tr_append_close(&file);
    tr_append_close(&file);
    assert_false(tr_append_is_busy(path));
    /* What a crash tore off is not glued to the next line. */
    int fd = open(path, O_WRONLY | O_APPEND);
    assert_int_equal(write(fd, "tor\0n", 5), 5);
    close(fd);
    assert_int_equal(tr_append_open(path, false, &file, &busy, &err), 0);
    assert_int_equal(tr_append_line(&file, "two", &err), 0);
    tr_append_close(&file);
    fd = open(path, O_RDONLY);
    assert_int_equal(read(fd, text, sizeof(text) - 1), 8);
    close(fd);
    assert_string_equal(text, "one\ntwo\n");
    unlink(path);
    rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_bad_lines),
        cmocka_unit_test(test_cut_off),
        cmocka_unit_test(test_given_up),
        cmocka_unit_test(test_clocks),
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_tiers),
        cmocka_unit_test(test_soaks),
        cmocka_unit_test(test_best),
        cmocka_unit_test(test_soaks_of_boots),
        cmocka_unit_test(test_soaks_that_prove_little),
        cmocka_unit_test(test_retries),
        cmocka_unit_test(test_no_false_retries),
        cmocka_unit_test(test_append),
        cmocka_unit_test(test_soak_that_failed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
