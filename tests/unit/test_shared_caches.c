/* Groups of cores by the latency between them, against what a topology shows. */
#include <test.h>

#include <jansson.h>
#include <math.h>

#include "shared_caches.h"

/* A matrix of `n` cores where `ns` says how far apart two of them are; directions differ a bit. */
static void fill(struct tr_matrix *matrix, size_t n, double (*ns)(size_t, size_t)) {
    assert_int_equal(tr_matrix_init(matrix, n, n), 0);
    matrix->name = strdup("core_to_core");
    for (size_t a = 0; a < n; a++)
        for (size_t b = 0; b < n; b++)
            if (a != b) {
                double noise = 1 + 0.03 * (double)((a * 7 + b * 3) % 5);
                matrix->values[a * n + b] = ns(a, b) * noise;
            }
}

static double fours(size_t a, size_t b) {
    return a / 4 == b / 4 ? 25 : 105;
}

/* Every second core belongs to the other group, as hypervisors number them. */
static double mixed(size_t a, size_t b) {
    return a % 2 == b % 2 ? 25 : 105;
}

static double alike(size_t a, size_t b) {
    return 60 + (double)((a + b) % 3);
}

/* Modules of two within groups of eight, two packages. */
static double nested(size_t a, size_t b) {
    return a / 2 == b / 2 ? 12 : a / 8 == b / 8 ? 40 : 190;
}

static void groups_of_cores(void **state) {
    (void)state;
    struct tr_matrix matrix;
    struct tr_core_groups found = {0};
    fill(&matrix, 12, fours);
    assert_int_equal(tr_core_groups_find(&matrix, NULL, &found), 0);
    assert_int_equal(found.n_groups, 3);
    for (int i = 0; i < 12; i++)
        assert_int_equal(found.group[i], i / 4);
    assert_true(found.within_ns > 24 && found.within_ns < 30);
    assert_true(found.between_ns > 104 && found.between_ns < 120);
    tr_core_groups_finish(&found);
    tr_matrix_finish(&matrix);
    fill(&matrix, 9, alike);
    assert_int_equal(tr_core_groups_find(&matrix, NULL, &found), 0);
    assert_int_equal(found.n_groups, 1);
    assert_true(isnan(found.between_ns));
    tr_core_groups_finish(&found);
    tr_matrix_finish(&matrix);
}

static void groups_above_clusters(void **state) {
    (void)state;
    struct tr_matrix matrix;
    struct tr_core_groups found = {0};
    int clusters[16];
    fill(&matrix, 16, nested);
    assert_int_equal(tr_core_groups_find(&matrix, NULL, &found), 0);
    assert_int_equal(found.n_groups, 8);
    tr_core_groups_finish(&found);
    for (int i = 0; i < 16; i++)
        clusters[i] = i / 2;
    assert_int_equal(tr_core_groups_find(&matrix, clusters, &found), 0);
    assert_int_equal(found.n_groups, 2);
    assert_int_equal(found.group[7], 0);
    assert_int_equal(found.group[8], 1);
    tr_core_groups_finish(&found);
    tr_matrix_finish(&matrix);
}

/* One slow or fast pair is no group, a pair that is missing no zero. */
static void what_is_no_group(void **state) {
    (void)state;
    struct tr_matrix matrix;
    struct tr_core_groups found = {0};
    fill(&matrix, 6, alike);
    matrix.values[1] = matrix.values[6] = 300;
    assert_int_equal(tr_core_groups_find(&matrix, NULL, &found), 0);
    assert_int_equal(found.n_groups, 1);
    tr_core_groups_finish(&found);
    matrix.values[1] = NAN;
    assert_int_equal(tr_core_groups_find(&matrix, NULL, &found), TR_EUNAVAILABLE);
    tr_matrix_finish(&matrix);
    fill(&matrix, 2, fours);
    assert_int_equal(tr_core_groups_find(&matrix, NULL, &found), TR_EUNAVAILABLE);
    tr_matrix_finish(&matrix);
}

/* A file of eight cores: groups of `size` cores by its topology, 0: it shows no L3. */
static struct tr_calibration *file_of(double (*ns)(size_t, size_t), int size) {
    struct tr_calibration *calibration = NULL;
    json_t *cores = json_array(), *machine = json_object();
    assert_int_equal(tr_calibration_create(&calibration), 0);
    for (int i = 0; i < 8; i++)
        json_array_append_new(
            cores, size ? json_pack("{s:i,s:i,s:n}", "index", i, "l3_group", i / size, "cluster")
                        : json_pack("{s:i,s:n}", "index", i, "l3_group"));
    json_object_set_new(machine, "cores", cores);
    json_object_set_new(calibration->document, "machine", machine);
    calibration->matrices = calloc(1, sizeof(*calibration->matrices));
    assert_non_null(calibration->matrices);
    calibration->n_matrices = 1;
    fill(&calibration->matrices[0], 8, ns);
    return calibration;
}

static void expect(double (*ns)(size_t, size_t), int size, enum tr_shared_caches verdict,
                   const char *words) {
    struct tr_calibration *calibration = file_of(ns, size);
    enum tr_shared_caches got;
    char *sentence = NULL;
    assert_int_equal(tr_shared_caches_judge(calibration, &got, &sentence), 0);
    assert_int_equal(got, verdict);
    if (!sentence || !strstr(sentence, words))
        fail_msg("'%s' does not say '%s'", sentence ? sentence : "", words);
    free(sentence);
    tr_calibration_destroy(calibration);
}

static void against_the_topology(void **state) {
    (void)state;
    expect(fours, 4, TR_SHARED_CACHES_AGREE, "says 2 groups");
    expect(fours, 8, TR_SHARED_CACHES_DIFFER, "the topology shows 1 L3 group");
    expect(fours, 1, TR_SHARED_CACHES_DIFFER, "shows 8 L3 groups");
    expect(mixed, 4, TR_SHARED_CACHES_DIFFER, "says 2 groups"); /* as many, of other cores */
    expect(alike, 8, TR_SHARED_CACHES_AGREE, "says 1 group");
    expect(alike, 4, TR_SHARED_CACHES_DIFFER, "shows 2 L3 groups");
    expect(fours, 0, TR_SHARED_CACHES_DIFFER, "no shared L3");
}

static void without_a_matrix(void **state) {
    (void)state;
    struct tr_calibration *calibration = file_of(fours, 4);
    enum tr_shared_caches verdict = TR_SHARED_CACHES_AGREE;
    char *sentence = NULL;
    calibration->matrices[0].row_ids[3] = 77; /* a core that the file does not have */
    assert_int_equal(tr_shared_caches_judge(calibration, &verdict, &sentence), 0);
    assert_int_equal(verdict, TR_SHARED_CACHES_UNKNOWN);
    assert_null(sentence);
    calibration->matrices[0].name[0] = 'x';
    assert_int_equal(tr_shared_caches_judge(calibration, &verdict, &sentence), 0);
    assert_int_equal(verdict, TR_SHARED_CACHES_UNKNOWN);
    tr_calibration_destroy(calibration);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_of_cores),  cmocka_unit_test(groups_above_clusters),
        cmocka_unit_test(what_is_no_group), cmocka_unit_test(against_the_topology),
        cmocka_unit_test(without_a_matrix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
