/* Calibration files: what is written is read again, bad input is refused with its place, files are
 * kept and found by the rules. */
#include <errno.h>
#include <ftw.h>
#include <math.h>
#include <sys/stat.h>

#include <jansson.h>

#include "calibration_json.h"
#include "choice.h"
#include "file.h"
#include "strbuf.h"
#include "test.h"
#include "tokenroof/calibration.h"
#include "tokenroof/machine.h"

/* --- a folder for each test ------------------------------------------------------------------ */

static int make_folder(void **state) {
    char *folder = strdup("/tmp/tokenroof_test_XXXXXX");
    *state = folder;
    return folder && mkdtemp(folder) ? 0 : -1;
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *ftw) {
    (void)info, (void)type, (void)ftw;
    return remove(path);
}

static int remove_folder(void **state) {
    int code = nftw(*state, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(*state);
    return code;
}

/* --- examples -------------------------------------------------------------------------------- */

static struct tr_calibration *read_example(const char *name) {
    struct tr_calibration *calibration = NULL;
    struct tr_err err = {0};
    char file[64];
    snprintf(file, sizeof(file), "calibration/%s.json", name);
    char *path = test_data(file);
    if (tr_calibration_read(path, &calibration, &err))
        fail_msg("%s", err.text);
    assert_string_equal(calibration->path, path);
    free(path);
    return calibration;
}

static struct tr_calibration *parse(const char *text) {
    struct tr_calibration *calibration = NULL;
    struct tr_err err = {0};
    if (tr_calibration_parse(text, strlen(text), "text", &calibration, &err))
        fail_msg("%s", err.text);
    return calibration;
}

/* A document with `members` and one measurement with `fields`. */
static char *document(const char *members, const char *fields) {
    return tr_format("{\"schema\":\"tokenroof.calibration/1\",\"created\":\"2026-01-01T00:00:00Z\""
                     "%s%s,\"measurements\":[{\"kernel\":\"read\",\"metric\":\"bandwidth\","
                     "\"unit\":\"GB/s\",\"place\":{\"kind\":\"machine\",\"index\":0}%s%s}]}",
                     *members ? "," : "", members, *fields ? "," : "", fields);
}

static char *dump(const struct tr_calibration *calibration) {
    json_t *json = NULL;
    assert_int_equal(tr_calibration_to_json(calibration, &json), 0);
    char *text = json_dumps(json, TR_JSON_FLAGS);
    assert_non_null(text);
    json_decref(json);
    return text;
}

/* A calibration as the measuring side makes it, with every field. */
static struct tr_calibration *make_full(void) {
    struct tr_calibration *calibration = NULL;
    assert_int_equal(tr_calibration_create(&calibration), 0);
    calibration->grade = strdup("B");
    assert_int_equal(tr_strings_add(&calibration->reasons, "because of %d", 1), 0);
    assert_int_equal(tr_strings_add(&calibration->warnings, "warning"), 0);
    json_object_set_new(calibration->document, "machine",
                        json_pack("{s:s, s:{s:s}, s:b}", "host_id", "0123456789ab", "cpu", "model",
                                  "Simulated CPU", "virtual", 0));
    struct tr_limit *limit = calloc(1, sizeof(*limit));
    *limit = (struct tr_limit){
        .name = strdup("memory_read"),
        .place = {.kind = TR_PLACE_MACHINE},
        .value = 51.2,
        .unit = strdup("GB/s"),
        .formula = strdup("2 channels x 8 B x 3.2 GT/s"),
        .basis = strdup("smbios"),
        .hard = true,
        .binds = strdup("dram"),
    };
    assert_int_equal(tr_cpulist_parse("0-3", &limit->place.cpus, NULL), 0);
    calibration->limits = limit;
    calibration->n_limits = 1;
    struct tr_measurement *at = calloc(1, sizeof(*at));
    tr_measurement_init(at);
    at->kernel = strdup("read");
    at->variant = strdup("8 streams");
    at->isa = strdup("avx2");
    at->dtype = strdup("f64");
    at->stores = strdup("none");
    assert_int_equal(tr_cpulist_parse("0-1", &at->place.cpus, NULL), 0);
    assert_int_equal(tr_cpulist_parse("0", &at->place.memory_nodes, NULL), 0);
    at->threads = 2;
    at->working_set_bytes = 268435456;
    at->page_bytes = 4096;
    at->metric = strdup("bandwidth");
    at->unit = strdup("GB/s");
    at->traffic = strdup("nominal");
    at->bus_per_nominal = 1;
    at->best = 41.1;
    at->median = 40.1;
    at->mad = 0.1;
    at->ci95[0] = 40;
    at->ci95[1] = 40.2;
    at->span_rate = 39.9;
    at->n_samples = 3;
    at->samples = calloc(3, sizeof(*at->samples));
    at->samples[0] = 40.1;
    at->samples[1] = 41.1;
    at->samples[2] = 0.1;
    at->limit = strdup("memory_read");
    at->efficiency = 40.1 / 51.2;
    at->measured_at = strdup("2026-01-01T00:00:00Z");
    at->waited_fraction = 0.25;
    assert_int_equal(tr_strings_add(&at->flags, "unsteady"), 0);
    assert_int_equal(tr_strings_add(&at->warnings, "a warning"), 0);
    calibration->measurements = at;
    calibration->n_measurements = 1;
    return calibration;
}

/* --- writing and reading --------------------------------------------------------------------- */

static void round_trip(void **state) {
    struct tr_calibration *calibration = make_full(), *again = NULL;
    struct tr_err err = {0};
    char *path = tr_format("%s/a.json", (char *)*state);
    assert_int_equal(tr_calibration_write(calibration, path, false, &err), 0);
    assert_string_equal(calibration->path, path);
    if (tr_calibration_read(path, &again, &err))
        fail_msg("%s", err.text);
    assert_string_equal(again->created, calibration->created);
    assert_string_equal(again->grade, "B");
    assert_string_equal(again->reasons.items[0], "because of 1");
    assert_string_equal(again->warnings.items[0], "warning");
    assert_false(again->partial);
    assert_int_equal(again->n_limits, 1);
    assert_true(again->limits[0].hard && !again->limits[0].refuted && !again->limits[0].host_only);
    assert_true(again->limits[0].value == 51.2);
    assert_string_equal(again->limits[0].binds, "dram");
    assert_int_equal(again->limits[0].place.cpus.n, 4);
    assert_int_equal(again->n_measurements, 1);
    const struct tr_measurement *at = &again->measurements[0];
    assert_string_equal(at->variant, "8 streams");
    assert_string_equal(at->traffic, "nominal");
    assert_int_equal(at->working_set_bytes, 268435456);
    assert_int_equal(at->page_bytes, 4096);
    assert_int_equal(at->threads, 2);
    assert_int_equal(at->place.cpus.n, 2);
    assert_int_equal(at->n_samples, 3);
    assert_true(at->samples[1] == 41.1 && at->samples[2] == 0.1);
    assert_true(at->best == 41.1 && at->median == 40.1 && at->mad == 0.1);
    assert_true(at->waited_fraction == 0.25);
    assert_true(at->ci95[0] == 40 && at->ci95[1] == 40.2 && at->span_rate == 39.9);
    assert_true(fabs(at->efficiency - 40.1 / 51.2) < 1e-8);
    assert_true(isnan(at->core_ghz)); /* unknown stays unknown */
    assert_true(tr_strings_has(&at->flags, "unsteady"));
    char *first = dump(calibration), *second = dump(again);
    assert_string_equal(first, second);
    assert_null(strstr(first, "41.1000"));
    assert_non_null(strstr(first, "\"core_ghz\": null"));
    free(first);
    free(second);
    free(path);
    tr_calibration_destroy(again);
    tr_calibration_destroy(calibration);
}

static void overwriting(void **state) {
    struct tr_calibration *calibration = make_full();
    struct tr_err err = {0};
    char *path = tr_format("%s/a.json", (char *)*state);
    assert_int_equal(tr_calibration_write(calibration, path, false, &err), 0);
    assert_int_equal(tr_calibration_write(calibration, path, false, &err), TR_EUSAGE);
    assert_int_equal(tr_calibration_write(calibration, path, true, &err), 0);
    assert_int_equal(tr_calibration_write(calibration, "/nonexistent/a.json", true, &err), TR_EIO);
    assert_string_equal(calibration->path, path);
    free(path);
    tr_calibration_destroy(calibration);
}

static void matches_schema(void **state) {
    struct tr_calibration *calibration = make_full();
    struct tr_err err = {0};
    char *script = test_data("../support/check_schema.py");
    char *schema = test_data("../../reports/schema/calibration-1.json");
    char *examples = test_data("calibration");
    char *path = tr_format("%s/a.json", (char *)*state);
    if (tr_calibration_write(calibration, path, false, &err))
        fail_msg("%s", err.text);
    char *command = tr_format("python3 '%s' '%s' '%s' '%s'/*.json", script, schema, path, examples);
    assert_int_equal(system(command), 0);
    free(command);
    /* The check itself sees a fault. */
    assert_int_equal(tr_file_write(path, "{\"schema\": 1}", 13, true, &err), 0);
    command = tr_format("python3 '%s' '%s' '%s' > '%s.out'", script, schema, path, path);
    assert_int_not_equal(system(command), 0);
    free(command);
    free(path);
    free(examples);
    free(schema);
    free(script);
    tr_calibration_destroy(calibration);
}

/* A curve and a matrix come back from a file as they went in, points in order of x. */
static void curves_and_matrices_round_trip(void **state) {
    (void)state;
    static const char text[] =
        "{\"schema\":\"tokenroof.calibration/1\",\"created\":\"2026-01-01T00:00:00Z\","
        "\"curves\":[{\"name\":\"latency\",\"place\":{\"kind\":\"core\",\"index\":1},"
        "\"unit\":\"ns\",\"x\":\"working_set_bytes\",\"threads\":1,\"points\":["
        "{\"x\":8192,\"median\":2.5,\"ci95\":[2.4,2.6],\"n\":9},{\"x\":4096,\"median\":1.5}],"
        "\"marks\":[{\"name\":\"L1\",\"from\":4096,\"to\":8192,\"value\":1.5,"
        "\"limit\":\"l1_read\",\"efficiency\":0.75}]}],"
        "\"matrices\":[{\"name\":\"core_to_core\",\"unit\":\"ns\",\"rows\":\"core\","
        "\"row_ids\":[0,4],\"column_ids\":[0,4],\"values\":[[null,55.5],[54.5,null]]}]}";
    struct tr_calibration *first = NULL, *second = NULL;
    json_t *document = NULL;
    assert_int_equal(tr_calibration_parse(text, strlen(text), "t", &first, NULL), 0);
    assert_int_equal(tr_calibration_to_json(first, &document), 0);
    char *written = json_dumps(document, 0);
    assert_non_null(written);
    assert_int_equal(tr_calibration_parse(written, strlen(written), "t", &second, NULL), 0);
    assert_int_equal(second->n_curves, 1);
    const struct tr_curve *curve = &second->curves[0];
    assert_int_equal(curve->n_points, 2);
    assert_true(curve->points[0].x == 4096 && curve->points[1].x == 8192);
    assert_true(curve->points[1].ci95[1] == 2.6 && curve->points[1].n == 9);
    assert_true(isnan(curve->points[0].ci95[0]) && curve->threads == 1);
    assert_int_equal(curve->n_marks, 1);
    assert_string_equal(curve->marks[0].name, "L1");
    assert_string_equal(curve->marks[0].limit, "l1_read");
    assert_true(curve->marks[0].efficiency == 0.75);
    assert_int_equal(second->n_matrices, 1);
    const struct tr_matrix *matrix = &second->matrices[0];
    assert_int_equal(matrix->row_ids[1], 4);
    assert_true(isnan(matrix->values[0]) && matrix->values[1] == 55.5 && matrix->values[2] == 54.5);
    free(written);
    json_decref(document);
    tr_calibration_destroy(first);
    tr_calibration_destroy(second);
}

/* Shapes that do not fit, a point without x: named, never read past. */
static void broken_curves_are_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "\"curves\":[{\"name\":\"a\",\"place\":{\"kind\":\"core\",\"index\":1},\"unit\":\"ns\","
        "\"x\":\"t\",\"points\":[{\"median\":2}]}]",
        "\"curves\":[{\"name\":\"a\",\"place\":{\"kind\":\"core\",\"index\":1},\"unit\":\"ns\","
        "\"points\":[]}]",
        "\"matrices\":[{\"name\":\"a\",\"unit\":\"ns\",\"row_ids\":[0,1],\"column_ids\":[0],"
        "\"values\":[[1],[2,3]]}]",
        "\"matrices\":[{\"name\":\"a\",\"unit\":\"ns\",\"row_ids\":[0,-1],\"column_ids\":[0],"
        "\"values\":[[1],[2]]}]",
        "\"matrices\":[{\"name\":\"a\",\"unit\":\"ns\",\"row_ids\":[0],\"column_ids\":[0],"
        "\"values\":[[\"x\"]]}]",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char text[512];
        struct tr_calibration *calibration = NULL;
        struct tr_err err = {0};
        snprintf(text, sizeof(text),
                 "{\"schema\":\"tokenroof.calibration/1\",\"created\":\"2026-01-01T00:00:00Z\",%s}",
                 bad[i]);
        assert_int_equal(tr_calibration_parse(text, strlen(text), "t", &calibration, &err),
                         TR_EFORMAT);
        assert_non_null(strstr(err.text, i < 2 ? "curves[0]" : "matrices[0]"));
    }
}

static void unknown_fields_survive(void **state) {
    (void)state;
    char *text = document(
        "\"later\":{\"a\":[1,2]},\"quality\":{\"grade\":\"A\",\"score\":7},"
        "\"conditions\":{\"steal_fraction\":0.5,\"warnings\":[\"w\"]},"
        "\"limits\":[{\"name\":\"dram\",\"unit\":\"GB/s\",\"value\":1,\"since\":2027,"
        "\"place\":{\"kind\":\"node\",\"index\":3}},{\"name\":\"x\",\"unit\":\"GB/s\",\"value\":2,"
        "\"place\":{\"kind\":\"pair\",\"index\":0}}]",
        "\"params\":{\"quant\":\"q4_k\",\"variant\":\"v\"},\"joules\":12.5,\"n\":9,"
        "\"samples\":null");
    struct tr_calibration *calibration = parse(text);
    assert_int_equal(calibration->n_limits, 1); /* the pair is kept, but not typed */
    free(text);
    text = dump(calibration);
    json_t *json = json_loads(text, 0, NULL);
    json_t *limits = json_object_get(json, "limits");
    json_t *at = json_array_get(json_object_get(json, "measurements"), 0);
    json_t *params = json_object_get(at, "params");
    assert_int_equal(json_array_size(json_object_get(json_object_get(json, "later"), "a")), 2);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(json, "quality"), "score")),
                     7);
    assert_true(json_real_value(
                    json_object_get(json_object_get(json, "conditions"), "steal_fraction")) == 0.5);
    assert_int_equal(json_array_size(limits), 2);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(limits, 0), "since")), 2027);
    assert_true(json_real_value(json_object_get(at, "joules")) == 12.5);
    assert_int_equal(json_integer_value(json_object_get(at, "n")), 9);
    assert_true(json_is_null(json_object_get(at, "samples")));
    assert_string_equal(json_string_value(json_object_get(params, "quant")), "q4_k");
    assert_string_equal(json_string_value(json_object_get(params, "variant")), "v");
    /* Writing has left the document of the calibration alone. */
    struct tr_calibration *again = parse(text);
    char *second = dump(again);
    assert_string_equal(text, second);
    free(second);
    tr_calibration_destroy(again);
    json_decref(json);
    free(text);
    tr_calibration_destroy(calibration);
}

/* A member that no version knows, in every object of a document. */
static void add_future(json_t *value) {
    const char *key;
    json_t *member;
    size_t i;
    if (json_is_array(value)) {
        json_array_foreach(value, i, member) {
            add_future(member);
        }
    } else if (json_is_object(value)) {
        json_object_foreach(value, key, member) {
            add_future(member);
        }
        json_object_set_new(value, "future", json_pack("{s:[i, {s:n}]}", "later", 1, "x"));
    }
}

/* Everything in `old` is in `fresh`, too. */
static void assert_kept(const json_t *old, const json_t *fresh, const char *where) {
    const char *key;
    json_t *member;
    size_t i;
    char path[512];
    if (json_typeof(old) != json_typeof(fresh) && !(json_is_number(old) && json_is_number(fresh)))
        fail_msg("%s is of another type", where);
    if (json_is_array(old)) {
        assert_int_equal(json_array_size(old), json_array_size(fresh));
        json_array_foreach((json_t *)old, i, member) {
            snprintf(path, sizeof(path), "%.480s.%zu", where, i);
            assert_kept(member, json_array_get(fresh, i), path);
        }
    } else if (json_is_object(old)) {
        json_object_foreach((json_t *)old, key, member) {
            snprintf(path, sizeof(path), "%.400s.%.80s", where, key);
            if (!json_object_get(fresh, key))
                fail_msg("%s is lost", path);
            assert_kept(member, json_object_get(fresh, key), path);
        }
    }
}

/* A file of a later version with members of its own everywhere: places, limits, figures, curves,
 * their points and marks, matrices. */
static void unknown_fields_survive_everywhere(void **state) {
    (void)state;
    char *path = test_data("calibration/nodes.json");
    json_t *document = json_load_file(path, 0, NULL), *fresh = NULL;
    struct tr_calibration *calibration = NULL;
    struct tr_err err = {0};
    assert_non_null(document);
    add_future(document);
    char *text = json_dumps(document, 0);
    if (tr_calibration_parse(text, strlen(text), "later", &calibration, &err))
        fail_msg("%s", err.text);
    assert_int_equal(tr_calibration_to_json(calibration, &fresh), 0);
    assert_kept(document, fresh, "");
    json_decref(fresh);
    json_decref(document);
    tr_calibration_destroy(calibration);
    free(text);
    free(path);
}

static void unknown_is_unknown(void **state) {
    (void)state;
    char *text = document("", "");
    struct tr_calibration *calibration = parse(text);
    const struct tr_measurement *at = &calibration->measurements[0];
    assert_true(isnan(at->median) && isnan(at->efficiency) && isnan(at->ci95[0]));
    assert_int_equal(at->threads, -1);
    assert_int_equal(at->page_bytes, -1);
    assert_null(at->traffic);
    assert_null(calibration->grade);
    assert_null(tr_calibration_text(calibration, "cpu.model"));
    assert_true(isnan(tr_calibration_number(calibration, "clocks.fclk_ghz")));
    assert_null(tr_calibration_read_rate(calibration));
    free(text);
    tr_calibration_destroy(calibration);
}

/* Firmware writes what it likes. */
static void text_that_is_not_utf8(void **state) {
    (void)state;
    struct tr_calibration *calibration = make_full();
    free(calibration->label);
    calibration->label = strdup("bad \xff byte");
    char *text = dump(calibration);
    assert_non_null(strstr(text, "bad ? byte"));
    free(text);
    tr_calibration_destroy(calibration);
}

/* --- bad input ------------------------------------------------------------------------------- */

static void assert_refused(const char *text, const char *words) {
    struct tr_calibration *calibration = NULL;
    struct tr_err err = {0};
    int code = tr_calibration_parse(text, strlen(text), "x.json", &calibration, &err);
    assert_int_equal(code, TR_EFORMAT);
    assert_int_equal(err.code, TR_EFORMAT);
    assert_null(calibration);
    assert_non_null(strstr(err.text, "x.json"));
    if (!strstr(err.text, words))
        fail_msg("'%s' does not say '%s'", err.text, words);
}

static void wrong_documents(void **state) {
    (void)state;
    assert_refused("", "line 1");
    assert_refused("{\n  \"a\": 1,\n  oops", "line 3, column 6");
    assert_refused("[]", "not a calibration");
    assert_refused("3", "line 1");
    assert_refused("{}", "tokenroof.calibration/1");
    assert_refused("{\"schema\": 3}", "not a calibration");
    assert_refused("{\"schema\":\"tokenroof.prediction/1\"}", "tokenroof.prediction/1");
    assert_refused("{\"schema\":\"tokenroof.calibration/2\",\"created\":7}",
                   "tokenroof.calibration/2 is newer");
    assert_refused("{\"schema\":\"tokenroof.calibration/x\"}", "not a calibration");
    assert_refused("{\"schema\":\"tokenroof.calibration/0\"}", "not a calibration");
    assert_refused("{\"schema\":\"tokenroof.calibration/1\"}", "created: expected text");
    assert_refused("{\"a\":1,\"a\":2}", "line 1");
}

static void wrong_fields(void **state) {
    (void)state;
    static const struct {
        const char *members, *fields, *words;
    } cases[] = {
        {"\"partial\":1", "", "partial: expected true or false, found a number"},
        {"\"label\":[]", "", "label: expected text"},
        {"\"limits\":{}", "", "limits: expected an array, found an object"},
        {"\"limits\":[7]", "", "limits[0]: expected an object, found a number"},
        {"\"limits\":[{\"place\":{\"kind\":\"machine\"},\"unit\":\"GB/s\"}]", "",
         "limits[0].name: expected text, found nothing"},
        {"\"limits\":[{\"name\":\"dram\",\"unit\":\"GB/s\",\"value\":\"1\","
         "\"place\":{\"kind\":\"machine\"}}]",
         "", "limits[0].value: expected a number or null, found text"},
        {"\"limits\":[{\"name\":\"dram\",\"unit\":\"GB/s\",\"place\":{\"kind\":\"moon\"}}]", "",
         "limits[0].place.kind: expected machine"},
        {"\"limits\":[{\"name\":\"dram\",\"unit\":\"GB/s\"}]", "",
         "limits[0].place: expected an object, found nothing"},
        {"\"limits\":[{\"name\":\"dram\",\"unit\":\"GB/s\",\"place\":{\"kind\":\"machine\","
         "\"cpus\":\"0-\"}}]",
         "", "limits[0].place.cpus: expected a list"},
        {"\"conditions\":[]", "", "conditions: expected an object"},
        {"\"conditions\":{\"warnings\":[1]}", "", "conditions.warnings: expected texts"},
        {"\"quality\":{\"grade\":1}", "", "quality.grade: expected text"},
        {"\"machine\":1", "", "machine: expected an object"},
        {"", "\"threads\":\"2\"", "measurements[0].threads: expected a whole number"},
        {"", "\"threads\":2.5", "measurements[0].threads: expected a whole number"},
        {"", "\"threads\":-1", "measurements[0].threads: expected a whole number"},
        {"", "\"threads\":4294967298", "measurements[0].threads: expected a whole number"},
        {"", "\"working_set_bytes\":1e300", "measurements[0].working_set_bytes: expected"},
        {"", "\"median\":\"fast\"", "measurements[0].median: expected a number or null"},
        {"", "\"median\":1e999", "line 1"},
        {"", "\"median\":NaN", "line 1"},
        {"", "\"ci95\":[1]", "measurements[0].ci95: expected two numbers"},
        {"", "\"ci95\":[1,2,3]", "measurements[0].ci95: expected two numbers"},
        {"", "\"samples\":[1,\"2\"]", "measurements[0].samples: expected numbers"},
        {"", "\"samples\":7", "measurements[0].samples: expected an array"},
        {"", "\"flags\":\"unsteady\"", "measurements[0].flags: expected an array"},
        {"", "\"params\":{\"variant\":1}", "measurements[0].params.variant: expected text"},
        {"", "\"isa\":\"a\\u0000b\"", "line 1"},
        {"", "\"isa\":\"\xff\"", "line 1"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *text = document(cases[i].members, cases[i].fields);
        assert_refused(text, cases[i].words);
        free(text);
    }
}

static void deep_nesting(void **state) {
    (void)state;
    struct tr_strbuf text = {0};
    tr_strbuf_repeat(&text, "[", 1000000);
    assert_refused(text.text, "depth");
    tr_strbuf_finish(&text);
    tr_strbuf_repeat(&text, "{\"a\":", 1000000);
    assert_refused(text.text, "depth");
    tr_strbuf_finish(&text);
}

/* Cut at every byte: refused or (never) accepted, without a crash or a leak. */
static void truncated(void **state) {
    (void)state;
    struct tr_calibration *calibration = make_full();
    char *text = dump(calibration);
    size_t length = strlen(text);
    for (size_t n = 0; n < length; n++) {
        struct tr_calibration *cut = NULL;
        char *copy = strndup(text, n);
        assert_int_equal(tr_calibration_parse(copy, n, "x", &cut, NULL), TR_EFORMAT);
        free(copy);
    }
    free(text);
    tr_calibration_destroy(calibration);
}

static uint32_t next_random(uint32_t *seed) {
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* Bytes changed at random: whatever comes of it, it is refused or can be written again. */
static void mutated(void **state) {
    (void)state;
    static const char bytes[] = "\"{}[]:,0129-.eEn\\ \x80\xff";
    struct tr_calibration *calibration = make_full();
    char *text = dump(calibration);
    size_t length = strlen(text);
    uint32_t seed = 1;
    for (int i = 0; i < 3000; i++) {
        char *copy = strdup(text);
        for (uint32_t k = next_random(&seed) % 3 + 1; k; k--)
            copy[next_random(&seed) % length] = bytes[next_random(&seed) % (sizeof(bytes) - 1)];
        struct tr_calibration *changed = NULL;
        struct tr_err err = {0};
        if (tr_calibration_parse(copy, length, "x", &changed, &err) == 0) {
            free(dump(changed));
            tr_calibration_destroy(changed);
        } else {
            assert_int_equal(err.code, TR_EFORMAT);
        }
        free(copy);
    }
    free(text);
    tr_calibration_destroy(calibration);
}

static void unreadable_files(void **state) {
    struct tr_calibration *calibration = NULL;
    struct tr_err err = {0};
    assert_int_equal(tr_calibration_read("/nonexistent.json", &calibration, &err), TR_EIO);
    assert_non_null(strstr(err.text, "/nonexistent.json"));
    assert_int_equal(tr_calibration_read(*state, &calibration, &err), TR_EIO);
}

/* --- looking up ------------------------------------------------------------------------------ */

static void facts(void **state) {
    (void)state;
    struct tr_calibration *calibration = read_example("server");
    assert_string_equal(tr_calibration_text(calibration, "cpu.model"),
                        "AMD EPYC 9354 32-Core Processor");
    assert_null(tr_calibration_text(calibration, "cpu"));
    assert_null(tr_calibration_text(calibration, "cpu.model.more"));
    assert_null(tr_calibration_text(calibration, ""));
    assert_true(tr_calibration_number(calibration, "clocks.fclk_ghz") == 1.8);
    assert_true(isnan(tr_calibration_number(calibration, "cpu.model")));
    const struct tr_measurement *at =
        tr_calibration_get(calibration, "fma", "f32", TR_PLACE_MACHINE, 0, 0);
    assert_non_null(at);
    assert_string_equal(at->dtype, "f32");
    assert_null(tr_calibration_get(calibration, "fma", "f32", TR_PLACE_MACHINE, 0, 7));
    assert_null(tr_calibration_get(calibration, "fma", "f32", TR_PLACE_NODE, 0, 0));
    tr_calibration_destroy(calibration);
}

static void rates(void **state) {
    (void)state;
    struct tr_calibration *calibration = read_example("server");
    const struct tr_measurement *read = tr_calibration_read_rate(calibration);
    assert_non_null(read);
    assert_string_equal(read->kernel, "read");
    assert_int_equal(read->threads, 32);
    assert_string_equal(tr_calibration_fma_rate(calibration, "f32")->dtype, "f32");
    assert_true(tr_calibration_fma_rate(calibration, "f64")->median <
                tr_calibration_fma_rate(calibration, "f32")->median);
    assert_null(tr_calibration_fma_rate(calibration, "f16"));
    /* A refused figure serves no prediction. */
    assert_int_equal(tr_strings_add((struct tr_strings *)&read->flags, "above_ceiling"), 0);
    assert_null(tr_calibration_read_rate(calibration));
    tr_calibration_destroy(calibration);
}

/* Two forms of reading at place machine. */
static struct tr_calibration *two_forms(double first, double second) {
    struct tr_calibration *calibration = make_full();
    struct tr_measurement *both = calloc(2, sizeof(*both));
    assert_non_null(both);
    both[0] = calibration->measurements[0];
    tr_measurement_init(&both[1]);
    both[1].kernel = strdup("read");
    both[1].metric = strdup("bandwidth");
    free(both[0].isa);
    both[0].isa = strdup("avx2");
    both[1].isa = strdup("avx512");
    for (int i = 0; i < 2; i++) {
        both[i].median = i ? second : first;
        both[i].ci95[0] = both[i].median - 1;
        both[i].ci95[1] = both[i].median + 1;
        tr_strings_finish(&both[i].flags);
    }
    free(calibration->measurements);
    calibration->measurements = both;
    calibration->n_measurements = 2;
    return calibration;
}

/* Which of the two stands when the second, and perhaps the first, has a flag. */
static int standing(double first, const char *flag_of_first, double second,
                    const char *flag_of_second) {
    struct tr_calibration *calibration = two_forms(first, second);
    struct tr_measurement *both = calibration->measurements;
    if (flag_of_first)
        assert_int_equal(tr_strings_add(&both[0].flags, "%s", flag_of_first), 0);
    if (flag_of_second)
        assert_int_equal(tr_strings_add(&both[1].flags, "%s", flag_of_second), 0);
    const struct tr_measurement *read = tr_calibration_read_rate(calibration);
    int at = read ? (int)(read - both) : -1;
    tr_calibration_destroy(calibration);
    return at;
}

/* Caches make a figure too high, neighbours too low: the one never beats a sound figure, the other
 * where it is faster all the same, beyond its interval. */
static void doubtful_rates(void **state) {
    (void)state;
    assert_int_equal(standing(50, NULL, 90, NULL), 1);
    assert_int_equal(standing(50, NULL, 90, "small_working_set"), 0);
    assert_int_equal(standing(50, "disturbed", 90, "small_working_set"), 0);
    assert_int_equal(standing(50, "above_ceiling", 90, "small_working_set"), 1);
    assert_int_equal(standing(50, NULL, 90, "above_ceiling"), 0);
    assert_int_equal(standing(50, "above_ceiling", 90, "above_ceiling"), -1);
    static const char *const slowing[] = {"disturbed", "misplaced", "unsteady",
                                          "throttled", "migrated",  "not_pinned"};
    for (size_t i = 0; i < sizeof(slowing) / sizeof(slowing[0]); i++) {
        assert_int_equal(standing(50, NULL, 90, slowing[i]), 1);
        assert_int_equal(standing(50, NULL, 51.9, slowing[i]), 0); /* the intervals touch */
        assert_int_equal(standing(50, NULL, 40, slowing[i]), 0);
        assert_int_equal(standing(50, slowing[i], 90, slowing[i]), 1);
    }
    assert_int_equal(standing(50, NULL, 90, "bimodal"), 1);
}

/* All of its samples were disturbed, and it is faster than the narrower instruction set: half of
 * the machine's arithmetic would be missing in predictions. */
static void disturbed_rates(void **state) {
    (void)state;
    struct tr_calibration *calibration = read_example("disturbed");
    const struct tr_measurement *fma = tr_calibration_fma_rate(calibration, "f32");
    assert_string_equal(fma->isa, "avx512");
    assert_true(fma->median == 4102);
    assert_string_equal(tr_calibration_fma_rate(calibration, "f64")->isa, "avx2");
    assert_string_equal(tr_calibration_read_rate(calibration)->isa, "avx2");
    tr_calibration_destroy(calibration);
}

/* Doubts that a wider form lost by are told of; that it is slower is no doubt. */
static void passed_over(void **state) {
    (void)state;
    struct tr_calibration *calibration = two_forms(50, 40);
    struct tr_measurement *both = calibration->measurements;
    for (int flagged = 0; flagged < 2; flagged++) {
        struct tr_choice choice = {0};
        tr_choice_offer(&choice, &both[1]);
        tr_choice_offer(&choice, &both[0]);
        assert_ptr_equal(tr_choice_made(&choice), &both[0]);
        assert_ptr_equal(tr_choice_passed_over(&choice), flagged ? &both[1] : NULL);
        assert_int_equal(tr_strings_add(&both[1].flags, "unsteady"), 0);
    }
    /* Both in doubt: of memory the flags of the one that stands tell, of arithmetic more is lost.
     */
    assert_int_equal(tr_strings_add(&both[0].flags, "disturbed"), 0);
    for (int compute = 0; compute < 2; compute++) {
        struct tr_choice doubtful = {0};
        free(both[0].metric);
        both[0].metric = strdup(compute ? "compute" : "bandwidth");
        tr_choice_offer(&doubtful, &both[0]);
        tr_choice_offer(&doubtful, &both[1]);
        assert_ptr_equal(tr_choice_made(&doubtful), &both[0]);
        assert_ptr_equal(tr_choice_passed_over(&doubtful), compute ? &both[1] : NULL);
    }
    /* No wider one than that which stands. */
    struct tr_choice choice = {0};
    free(both[0].isa);
    both[0].isa = strdup("avx512");
    tr_choice_offer(&choice, &both[0]);
    tr_choice_offer(&choice, &both[1]);
    assert_null(tr_choice_passed_over(&choice));
    tr_calibration_destroy(calibration);
    assert_int_equal(tr_isa_from_name("scalar"), 0);
    assert_true(tr_isa_from_name("avx512") > tr_isa_from_name("avx2"));
    assert_int_equal(tr_isa_from_name("neon"), -1);
    assert_int_equal(tr_isa_from_name(NULL), -1);
}

static void limits_alone(void **state) {
    (void)state;
    struct tr_calibration *calibration = read_example("server");
    json_t *array = NULL;
    struct tr_limit *limits = NULL;
    size_t n = 0;
    assert_int_equal(tr_limits_to_json(calibration->limits, calibration->n_limits, &array), 0);
    assert_int_equal(tr_limits_from_json(array, "x", &limits, &n, NULL), 0);
    assert_int_equal(n, calibration->n_limits);
    const struct tr_limit *read = tr_limit_find(limits, n, "memory_read", TR_PLACE_MACHINE, 0);
    assert_non_null(read);
    assert_true(read->value == 460.8);
    for (size_t i = 0; i < n; i++)
        tr_limit_finish(&limits[i]);
    free(limits);
    json_decref(array);
    tr_calibration_destroy(calibration);
}

/* --- where files are kept -------------------------------------------------------------------- */

static void put(const char *folder, const char *name, const char *created, bool partial,
                double median) {
    struct tr_calibration *calibration = make_full();
    struct tr_err err = {0};
    char *path = tr_format("%s/%s", folder, name);
    free(calibration->created);
    calibration->created = strdup(created);
    calibration->partial = partial;
    calibration->measurements[0].median = median;
    if (tr_calibration_write(calibration, path, false, &err))
        fail_msg("%s", err.text);
    free(path);
    tr_calibration_destroy(calibration);
}

static void save_and_find(void **state) {
    static const char host[] = "0123456789ab";
    const char *home = *state;
    struct tr_calibration *calibration = make_full();
    struct tr_err err = {0};
    char *found = NULL;
    assert_int_equal(tr_calibration_find(home, host, &found, &err), TR_EUNAVAILABLE);
    assert_non_null(strstr(err.text, host));
    free(calibration->created);
    calibration->created = strdup("2026-01-02T03:04:05Z");
    assert_int_equal(tr_calibration_save(calibration, home, host, &err), 0);
    char *expected = tr_format("%s/tokenroof/%s/2026-01-02T03:04:05Z.json", home, host);
    assert_string_equal(calibration->path, expected);
    assert_int_equal(tr_calibration_find(home, host, &found, &err), 0);
    assert_string_equal(found, expected);
    free(found);
    /* A second one in the same second does not replace the first, and counts as newer. */
    assert_int_equal(tr_calibration_save(calibration, home, host, &err), 0);
    assert_string_not_equal(calibration->path, expected);
    assert_int_equal(tr_calibration_find(home, host, &found, &err), 0);
    assert_string_equal(found, calibration->path);
    free(found);
    free(expected);
    tr_calibration_destroy(calibration);
}

static void find_skips(void **state) {
    static const char host[] = "0123456789ab";
    struct tr_err err = {0};
    char *found = NULL;
    char *folder = tr_format("%s/tokenroof/%s", (char *)*state, host);
    assert_int_equal(tr_make_folders(folder, &err), 0);
    put(folder, "2026-01-01T00:00:00Z.json", "2026-01-01T00:00:00Z", false, 40);
    put(folder, "2026-01-02T00:00:00Z.json", "2026-01-02T00:00:00Z", false, 40);
    put(folder, "2026-01-03T00:00:00Z.json", "2026-01-03T00:00:00Z", true, 40);   /* partial */
    put(folder, "2026-01-04T00:00:00Z.json", "2026-01-04T00:00:00Z", false, NAN); /* no rate */
    put(folder, "other.json", "2026-01-05T00:00:00Z", false, 40); /* not put here by save */
    char *bad = tr_format("%s/2026-01-06T00:00:00Z.json", folder);
    assert_int_equal(tr_file_write(bad, "{", 1, false, NULL), 0);
    char *directory = tr_format("%s/2026-01-07T00:00:00Z.json", folder);
    assert_int_equal(mkdir(directory, 0777), 0);
    assert_int_equal(tr_calibration_find(*state, host, &found, &err), 0);
    assert_non_null(strstr(found, "/2026-01-02T00:00:00Z.json"));
    free(found);
    free(directory);
    free(bad);
    free(folder);
    /* A file of another host, copied here. */
    folder = tr_format("%s/tokenroof/ffffffffffff", (char *)*state);
    assert_int_equal(tr_make_folders(folder, &err), 0);
    put(folder, "2026-01-01T00:00:00Z.json", "2026-01-01T00:00:00Z", false, 40);
    assert_int_equal(tr_calibration_find(*state, "ffffffffffff", &found, &err), TR_EUNAVAILABLE);
    free(folder);
}

static void folders(void **state) {
    struct tr_calibration *calibration = make_full();
    struct tr_err err = {0};
    char *expected = tr_format("%s/.local/share/tokenroof/0123456789ab/", (char *)*state);
    /* Nothing known of the home folder. */
    unsetenv("XDG_DATA_HOME");
    unsetenv("HOME");
    assert_int_equal(tr_calibration_save(calibration, NULL, "0123456789ab", &err), TR_EIO);
    assert_non_null(strstr(err.text, "XDG_DATA_HOME"));
    /* A relative XDG_DATA_HOME does not count. */
    setenv("HOME", *state, 1);
    setenv("XDG_DATA_HOME", "relative", 1);
    assert_int_equal(tr_calibration_save(calibration, NULL, "0123456789ab", &err), 0);
    assert_memory_equal(calibration->path, expected, strlen(expected));
    free(expected);
    /* XDG_DATA_HOME goes first. */
    char *data = tr_format("%s/data", (char *)*state);
    setenv("XDG_DATA_HOME", data, 1);
    assert_int_equal(tr_calibration_save(calibration, NULL, "0123456789ab", &err), 0);
    assert_memory_equal(calibration->path, data, strlen(data));
    free(data);
    /* Names that lead elsewhere. */
    assert_int_equal(tr_calibration_save(calibration, *state, "../x", &err), TR_EFAIL);
    free(calibration->created);
    calibration->created = strdup("../../2026-01-02T03:04:05Z");
    assert_int_equal(tr_calibration_save(calibration, *state, "0123456789ab", &err), TR_EFAIL);
    /* A machine without an id has a folder of its own. */
    free(calibration->created);
    calibration->created = strdup("2026-01-02T03:04:05Z");
    assert_int_equal(tr_calibration_save(calibration, *state, NULL, &err), 0);
    char *found = NULL;
    assert_int_equal(tr_calibration_find(*state, NULL, &found, &err), 0);
    assert_string_equal(found, calibration->path);
    free(found);
    /* A file where the folder should be. */
    char *file = tr_format("%s/file", (char *)*state);
    assert_int_equal(tr_file_write(file, "", 0, false, NULL), 0);
    assert_int_equal(tr_calibration_save(calibration, file, "0123456789ab", &err), TR_EIO);
    free(file);
    tr_calibration_destroy(calibration);
}

static void destroy_nothing(void **state) {
    (void)state;
    struct tr_measurement measurement = {0};
    tr_calibration_destroy(NULL);
    tr_measurement_finish(NULL);
    tr_measurement_finish(&measurement);
    tr_strings_finish(NULL);
    struct tr_calibration *empty = NULL;
    assert_int_equal(tr_calibration_create(&empty), 0);
    char *text = dump(empty);
    struct tr_calibration *again = parse(text);
    tr_calibration_destroy(again);
    free(text);
    tr_calibration_destroy(empty);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(round_trip, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(overwriting, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(matches_schema, make_folder, remove_folder),
        cmocka_unit_test(curves_and_matrices_round_trip),
        cmocka_unit_test(broken_curves_are_refused),
        cmocka_unit_test(unknown_fields_survive),
        cmocka_unit_test(unknown_fields_survive_everywhere),
        cmocka_unit_test(unknown_is_unknown),
        cmocka_unit_test(text_that_is_not_utf8),
        cmocka_unit_test(wrong_documents),
        cmocka_unit_test(wrong_fields),
        cmocka_unit_test(deep_nesting),
        cmocka_unit_test(truncated),
        cmocka_unit_test(mutated),
        cmocka_unit_test_setup_teardown(unreadable_files, make_folder, remove_folder),
        cmocka_unit_test(facts),
        cmocka_unit_test(rates),
        cmocka_unit_test(doubtful_rates),
        cmocka_unit_test(disturbed_rates),
        cmocka_unit_test(passed_over),
        cmocka_unit_test(limits_alone),
        cmocka_unit_test_setup_teardown(save_and_find, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(find_skips, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(folders, make_folder, remove_folder),
        cmocka_unit_test(destroy_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
