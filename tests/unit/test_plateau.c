/* Plateaus and knees on synthetic curves: with noise, with outliers, without a third cache level,
 * and curves that have none. */
#include "test.h"

#include <math.h>

#include "marks.h"
#include "plateau.h"

enum { MOST_POINTS = 128 };

struct curve {
    double x[MOST_POINTS], y[MOST_POINTS];
    size_t n;
};

static uint64_t next(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

/* Normal enough: the sum of twelve uniform numbers. */
static double normal(uint64_t *random) {
    double sum = -6;
    for (int i = 0; i < 12; i++)
        sum += ((double)next(random) + 0.5) / 2147483648.0;
    return sum;
}

struct level {
    double bytes, ns;
};

/* The latency of a random chase by cache sizes: within a level its own, beyond it the mixture of
 * what still fits and what does not. The last level has size INFINITY. */
static double chase_ns(const struct level *levels, double bytes) {
    double ns = levels[0].ns;
    for (int i = 0; levels[i].bytes < bytes; i++)
        ns += (levels[i + 1].ns - levels[i].ns) * (1 - levels[i].bytes / bytes);
    return ns;
}

static struct curve sweep(const struct level *levels, int per_octave, double from, double to,
                          double noise, uint64_t seed) {
    struct curve curve = {.n = 0};
    for (double at = log2(from); at <= log2(to) + 1e-9; at += 1.0 / per_octave) {
        assert_true(curve.n < MOST_POINTS);
        curve.x[curve.n] = exp2(at);
        curve.y[curve.n++] = chase_ns(levels, exp2(at)) * exp(noise * normal(&seed));
    }
    return curve;
}

static const double KIB = 1024, MIB = 1048576, GIB = 1073741824;
static const struct level server[] = {
    {48 * 1024.0, 1.6}, {2 * 1048576.0, 5.5}, {96 * 1048576.0, 24}, {INFINITY, 110}};
static const struct tr_cache_sizes server_sizes = {48 << 10, 2 << 20, 96 << 20};

static void expect(const struct curve *curve, const struct tr_cache_sizes *sizes, const char *level,
                   double ns, double tolerance) {
    struct tr_plateau plateaus[TR_PLATEAUS_MOST];
    size_t n = 0;
    assert_int_equal(tr_plateaus(curve->x, curve->y, curve->n, plateaus, &n), 0);
    int which = tr_plateau_of_level(plateaus, n, level, curve->x[curve->n - 1], sizes);
    if (which < 0)
        fail_msg("no plateau %s", level);
    if (fabs(plateaus[which].value / ns - 1) > tolerance)
        fail_msg("%s: %.2f ns found, %.2f meant", level, plateaus[which].value, ns);
    assert_true(plateaus[which].to / plateaus[which].from >= 1.9);
}

static void levels_of_a_server(void **state) {
    (void)state;
    for (int per_octave = 2; per_octave <= 4; per_octave += 2)
        for (int noisy = 0; noisy < 4; noisy++)
            for (uint64_t seed = 1; seed <= 10; seed++) {
                struct curve curve =
                    sweep(server, per_octave, 4 * KIB, 4 * GIB, 0.02 * noisy, seed);
                expect(&curve, &server_sizes, "L1", 1.6, 0.06);
                expect(&curve, &server_sizes, "L3", 24, 0.25);
                expect(&curve, &server_sizes, "memory", 110, noisy < 3 ? 0.15 : 0.25);
            }
}

/* Random chases mix levels far beyond a cache's size, so L2 of a small one has no flat part of an
 * octave at its true latency: what is found must lie between the neighbours. */
static void second_level(void **state) {
    (void)state;
    struct curve curve = sweep(server, 4, 4 * KIB, 4 * GIB, 0.01, 3);
    expect(&curve, &server_sizes, "L2", 5.2, 0.10);
}

static void bandwidth_falls(void **state) {
    (void)state;
    struct curve curve = sweep(server, 4, 4 * KIB, 4 * GIB, 0.02, 5);
    for (size_t i = 0; i < curve.n; i++)
        curve.y[i] = 64 / curve.y[i];
    expect(&curve, &server_sizes, "L1", 64 / 1.6, 0.06);
    expect(&curve, &server_sizes, "memory", 64.0 / 110, 0.15);
}

static void without_third_level(void **state) {
    (void)state;
    static const struct level small[] = {{32 * 1024.0, 1.2}, {4 * 1048576.0, 7}, {INFINITY, 95}};
    static const struct tr_cache_sizes sizes = {32 << 10, 4 << 20, -1};
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct curve curve = sweep(small, 4, 4 * KIB, 1 * GIB, 0.03, seed);
        struct tr_plateau plateaus[TR_PLATEAUS_MOST];
        size_t n;
        expect(&curve, &sizes, "L1", 1.2, 0.06);
        expect(&curve, &sizes, "L2", 7, 0.15);
        expect(&curve, &sizes, "memory", 95, 0.12);
        assert_int_equal(tr_plateaus(curve.x, curve.y, curve.n, plateaus, &n), 0);
        assert_int_equal(tr_plateau_of_level(plateaus, n, "L3", curve.x[curve.n - 1], &sizes), -1);
    }
}

static void outliers_do_not_tear(void **state) {
    (void)state;
    struct curve curve = sweep(server, 4, 4 * KIB, 4 * GIB, 0.01, 9);
    for (size_t i = 5; i < curve.n; i += 11)
        curve.y[i] *= 3; /* a sample during which the processor was taken away */
    curve.y[7] = NAN;    /* one that was never taken */
    expect(&curve, &server_sizes, "L1", 1.6, 0.06);
    expect(&curve, &server_sizes, "memory", 110, 0.15);
    /* One in the midst of a plateau, and a point that is no figure at all. */
    for (int i = 0; i < 3; i++) {
        static const double wrong[] = {480, 0, -1};
        static const struct level flat[] = {{INFINITY, 80}, {INFINITY, 80}};
        struct tr_plateau plateaus[TR_PLATEAUS_MOST];
        size_t n;
        curve = sweep(flat, 8, 1 * MIB, 2.9 * MIB, 0.01, 2);
        assert_int_equal(curve.n, 13); /* neither half alone is an octave */
        curve.y[6] = wrong[i];
        assert_int_equal(tr_plateaus(curve.x, curve.y, curve.n, plateaus, &n), 0);
        assert_true(n == 1 && plateaus[0].first == 0 && plateaus[0].last == curve.n - 1);
    }
}

/* One guest of a machine with a large cache gets a part of it: the curve rises to memory inside
 * what the topology calls L3. */
static void shared_last_cache(void **state) {
    (void)state;
    static const struct level guest[] = {
        {48 * 1024.0, 1.6}, {2 * 1048576.0, 5.5}, {40 * 1048576.0, 30}, {INFINITY, 130}};
    static const struct tr_cache_sizes sizes = {48 << 10, 2 << 20, (int64_t)4 << 30};
    struct curve curve = sweep(guest, 4, 4 * KIB, 4 * GIB, 0.02, 11);
    expect(&curve, &sizes, "memory", 130, 0.15);
    expect(&curve, &sizes, "L3", 30, 0.30);
    /* A fast memory: the end of the curve tells it. */
    static const struct level fast[] = {
        {48 * 1024.0, 1.6}, {2 * 1048576.0, 5.5}, {40 * 1048576.0, 30}, {INFINITY, 62}};
    curve = sweep(fast, 4, 4 * KIB, 4 * GIB, 0.01, 11);
    expect(&curve, &sizes, "memory", 60, 0.10);
}

/* The same, but beyond memory's plateau translations of addresses cost more and more: as measured
 * on a guest whose host maps its memory in small pages. */
static void shared_last_cache_and_slow_translations(void **state) {
    (void)state;
    static const double ns[] = {1.23,   1.23,   1.23,   1.23,   1.23,   1.24,   1.24,   1.24,
                                4.49,   4.49,   4.50,   4.50,   4.50,   4.50,   4.99,   4.77,
                                5.07,   8.49,   17.86,  31.84,  35.56,  36.18,  37.46,  41.80,
                                46.17,  89.07,  140.96, 152.22, 157.56, 160.35, 160.96, 163.77,
                                169.57, 174.84, 183.49, 195.97, 241.02, 275.83, 349.00};
    static const struct tr_cache_sizes sizes = {48 << 10, 2 << 20, 480 << 20};
    struct curve curve = {.n = sizeof(ns) / sizeof(ns[0])};
    for (size_t i = 0; i < curve.n; i++) {
        curve.x[i] = 4 * KIB * exp2(0.5 * (double)i);
        curve.y[i] = ns[i];
    }
    expect(&curve, &sizes, "L1", 1.24, 0.01);
    expect(&curve, &sizes, "L2", 4.5, 0.02);
    expect(&curve, &sizes, "L3", 36.5, 0.05);
    expect(&curve, &sizes, "memory", 162, 0.03);
}

/* Neighbours leave so little of the last cache that it has no plateau of its own: what is flat from
 * well inside it to far beyond it is memory. */
static void last_cache_taken_by_others(void **state) {
    (void)state;
    static const double ns[] = {1.3,   1.3,   1.3,   1.3,   1.3,   1.3,   1.3,  4.0,
                                4.0,   4.0,   4.0,   4.0,   4.1,   4.2,   4.9,  9.0,
                                16.5,  17.1,  60.0,  110.0, 171.0, 175.,  168., 180.0,
                                172.0, 178.0, 183.0, 186.0, 182.0, 184.0, 187.0};
    static const struct tr_cache_sizes sizes = {32 << 10, 512 << 10, 32 << 20};
    struct curve curve = {.n = sizeof(ns) / sizeof(ns[0])};
    for (size_t i = 0; i < curve.n; i++) {
        curve.x[i] = 4 * KIB * exp2(0.5 * (double)i);
        curve.y[i] = ns[i];
    }
    expect(&curve, &sizes, "memory", 180, 0.05);
    struct tr_plateau plateaus[TR_PLATEAUS_MOST];
    size_t n = 0;
    assert_int_equal(tr_plateaus(curve.x, curve.y, curve.n, plateaus, &n), 0);
    assert_int_equal(tr_plateau_of_level(plateaus, n, "L3", curve.x[curve.n - 1], &sizes), -1);
}

static void no_plateau_where_there_is_none(void **state) {
    (void)state;
    struct curve curve = {.n = 40};
    struct tr_plateau plateaus[TR_PLATEAUS_MOST];
    size_t n = 99;
    static const double per_octave[] = {1.5, 1.14, 0.8};
    for (size_t k = 0; k < 3; k++) {
        for (size_t i = 0; i < curve.n; i++) {
            curve.x[i] = exp2(12 + 0.25 * (double)i);
            curve.y[i] = pow(per_octave[k], 0.25 * (double)i);
        }
        assert_int_equal(tr_plateaus(curve.x, curve.y, curve.n, plateaus, &n), 0);
        assert_int_equal(n, 0);
    }
    /* Stairs of half an octave: a short flat part is none. */
    for (size_t i = 0; i < curve.n; i++) {
        curve.x[i] = exp2(12 + 0.125 * (double)i);
        curve.y[i] = pow(2, (double)(i / 4));
    }
    assert_int_equal(tr_plateaus(curve.x, curve.y, curve.n, plateaus, &n), 0);
    assert_int_equal(n, 0);
    for (size_t points = 0; points < 3; points++) { /* too few points for one */
        n = 99;
        assert_int_equal(
            tr_plateaus(server_sizes.l1_bytes ? curve.x : NULL, curve.y, points, plateaus, &n), 0);
        assert_int_equal(n, 0);
    }
}

static void one_flat_curve_is_one_plateau(void **state) {
    (void)state;
    static const struct level flat[] = {{INFINITY, 80}, {INFINITY, 80}};
    struct curve curve = sweep(flat, 4, 64 * MIB, 4 * GIB, 0.03, 2);
    struct tr_plateau plateaus[TR_PLATEAUS_MOST];
    size_t n;
    assert_int_equal(tr_plateaus(curve.x, curve.y, curve.n, plateaus, &n), 0);
    assert_int_equal(n, 1);
    assert_true(plateaus[0].first <= 2 && plateaus[0].last + 3 >= curve.n);
    static const struct tr_cache_sizes unknown = {-1, -1, -1};
    assert_null(tr_plateau_level(plateaus, n, 0, 4 * GIB, &unknown));
}

static void more_steps_than_room(void **state) {
    (void)state;
    struct curve curve = {.n = MOST_POINTS - 1};
    struct tr_plateau plateaus[TR_PLATEAUS_MOST];
    size_t n;
    for (size_t i = 0; i < curve.n; i++) {
        curve.x[i] = exp2(0.5 * (double)i);
        curve.y[i] = pow(2, (double)(i / 5));
    }
    assert_int_equal(tr_plateaus(curve.x, curve.y, curve.n, plateaus, &n), 0);
    assert_int_equal(n, TR_PLATEAUS_MOST);
    assert_int_equal(plateaus[n - 1].last, 124); /* the last whole step: of points 120 to 124 */
    for (size_t i = 1; i < n; i++)
        assert_true(plateaus[i].from > plateaus[i - 1].to);
}

/* Threads that gain until the memory is full. */
static void knee_of_scaling(void **state) {
    (void)state;
    uint64_t random = 4;
    for (int full = 6; full <= 40; full += 2) {
        double x[64], y[64];
        size_t knee = 99;
        for (int i = 0; i < 64; i++) {
            x[i] = i + 1;
            y[i] = 12 * fmin(i + 1, full) * exp(0.01 * normal(&random));
        }
        assert_true(tr_knee(x, y, 64, &knee));
        if (fabs(x[knee] - full) > 2)
            fail_msg("knee at %g threads, meant %d", x[knee], full);
    }
}

/* Latency against bandwidth: flat, then a wall; x not in order, as a saturated memory gives it. */
static void knee_of_loaded_latency(void **state) {
    (void)state;
    double x[] = {10, 20, 40, 80, 120, 160, 180, 190, 195, 196, 194};
    double y[11];
    size_t knee = 99;
    for (int i = 0; i < 11; i++)
        y[i] = 90 + 30 / (200.0 - x[i]) * 20;
    assert_true(tr_knee(x, y, 11, &knee));
    assert_true(x[knee] >= 160 && x[knee] <= 190);
}

static void no_knee_in_a_line(void **state) {
    (void)state;
    double x[20], y[20];
    size_t knee = 99;
    for (int i = 0; i < 20; i++) {
        x[i] = i + 1;
        y[i] = 10.0 * (i + 1);
    }
    assert_false(tr_knee(x, y, 20, &knee));
    assert_false(tr_knee(x, y, 3, &knee));
    for (int i = 0; i < 20; i++) /* a line with a disturbed point in it */
        y[i] = 10.0 * (i + 1) - (i == 12 ? 25 : 0);
    assert_false(tr_knee(x, y, 20, &knee));
    for (int i = 0; i < 20; i++) /* a rise that is no more than noise */
        y[i] = 300 + (i > 15) * 30;
    assert_false(tr_knee(x, y, 20, &knee));
    for (int i = 0; i < 20; i++)
        y[i] = 100 - i;
    assert_false(tr_knee(x, y, 20, &knee));
    assert_int_equal(knee, 99);
}

/* Levels of a place are those of its cores together: two threads on cores with 48 KiB and 2 MiB
 * each, that share an L3 of 96 MiB. */
static void marks_of_a_place(void **state) {
    (void)state;
    struct tr_core cores[] = {{.index = 0, .l1d_bytes = 48 << 10, .l2_bytes = 2 << 20},
                              {.index = 1, .l1d_bytes = 48 << 10, .l2_bytes = 2 << 20},
                              {.index = 2, .l1d_bytes = 48 << 10, .l2_bytes = 2 << 20}};
    struct tr_l3_group groups[] = {{.index = 0, .l3_bytes = 96 << 20},
                                   {.index = 1, .l3_bytes = 96 << 20}};
    struct tr_machine machine = {
        .cores = cores, .n_cores = 3, .l3_groups = groups, .n_l3_groups = 2};
    static const struct level two[] = {
        {96 * 1024.0, 1.6}, {4 * 1048576.0, 5.5}, {96 * 1048576.0, 24}, {INFINITY, 110}};
    struct curve points = sweep(two, 4, 8 * KIB, 4 * GIB, 0.01, 6);
    struct tr_curve curve;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(tr_cpulist_add(&cores[i].cpus, i), 0);
        assert_int_equal(tr_cpulist_add(&groups[i / 2].cpus, i), 0);
    }
    tr_curve_init(&curve);
    assert_int_equal(tr_cpulist_add(&curve.place.cpus, 0), 0);
    assert_int_equal(tr_cpulist_add(&curve.place.cpus, 1), 0);
    struct tr_cache_sizes sizes = tr_cache_sizes_of(&machine, &curve.place.cpus);
    assert_true(sizes.l1_bytes == 96 << 10 && sizes.l2_bytes == 4 << 20);
    assert_true(sizes.l3_bytes == 96 << 20);
    for (size_t i = 0; i < points.n; i++) {
        struct tr_point point = {.x = points.x[i], .median = points.y[i]};
        assert_int_equal(tr_curve_add(&curve, &point), 0);
    }
    assert_int_equal(tr_mark_levels(&curve, &machine), 0);
    assert_true(curve.n_marks >= 3);
    assert_string_equal(curve.marks[0].name, "L1");
    assert_true(curve.marks[0].from == 8 * KIB && curve.marks[0].to >= 64 * KIB);
    assert_string_equal(curve.marks[curve.n_marks - 1].name, "memory");
    /* Of an unknown size none of the place's is known. */
    cores[1].l1d_bytes = -1;
    sizes = tr_cache_sizes_of(&machine, &curve.place.cpus);
    assert_true(sizes.l1_bytes == -1 && sizes.l2_bytes == 4 << 20);
    tr_curve_finish(&curve);
    for (int i = 0; i < 3; i++)
        tr_cpulist_finish(&cores[i].cpus);
    for (int i = 0; i < 2; i++)
        tr_cpulist_finish(&groups[i].cpus);
}

static void mark_of_a_knee(void **state) {
    (void)state;
    struct tr_curve curve;
    tr_curve_init(&curve);
    for (int i = 1; i <= 16; i++) {
        struct tr_point point = {.x = i, .median = 20.0 * fmin(i, 6)};
        assert_int_equal(tr_curve_add(&curve, &point), 0);
    }
    assert_int_equal(tr_mark_knee(&curve, NULL), 0);
    assert_int_equal(curve.n_marks, 1);
    assert_string_equal(curve.marks[0].name, "knee");
    assert_true(curve.marks[0].from == 6 && curve.marks[0].to == 6 && curve.marks[0].value == 120);
    tr_curve_finish(&curve);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_of_a_server),
        cmocka_unit_test(second_level),
        cmocka_unit_test(bandwidth_falls),
        cmocka_unit_test(without_third_level),
        cmocka_unit_test(outliers_do_not_tear),
        cmocka_unit_test(shared_last_cache),
        cmocka_unit_test(shared_last_cache_and_slow_translations),
        cmocka_unit_test(last_cache_taken_by_others),
        cmocka_unit_test(no_plateau_where_there_is_none),
        cmocka_unit_test(one_flat_curve_is_one_plateau),
        cmocka_unit_test(more_steps_than_room),
        cmocka_unit_test(knee_of_scaling),
        cmocka_unit_test(knee_of_loaded_latency),
        cmocka_unit_test(no_knee_in_a_line),
        cmocka_unit_test(marks_of_a_place),
        cmocka_unit_test(mark_of_a_knee),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
