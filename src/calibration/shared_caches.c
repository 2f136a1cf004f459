#include "shared_caches.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "strbuf.h"

/* Between L3 groups a line takes 2 to 5 times as long as within one; within one, a mesh or a ring
 * makes neighbouring distances differ by less than a tenth. */
static const double STEP = 1.5;

enum { LEAST_CORES = 3 };

/* --- groups ---------------------------------------------------------------------------------- */

/* Both directions were measured: the mean. NAN where one was not. */
static double pair_ns(const struct tr_matrix *matrix, size_t a, size_t b) {
    double there = matrix->values[a * matrix->n_columns + b];
    double back = matrix->values[b * matrix->n_columns + a];
    return there > 0 && back > 0 ? (there + back) / 2 : (double)NAN;
}

static int by_value(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* All pairs, sorted; NULL where one is missing or memory is out (*ret_code tells). */
static double *sorted_pairs(const struct tr_matrix *matrix, size_t *ret_n, int *ret_code) {
    size_t cores = matrix->n_rows, n = 0;
    double *pairs = calloc(cores * (cores - 1) / 2, sizeof(*pairs));
    *ret_code = pairs ? 0 : TR_ENOMEM;
    for (size_t a = 0; pairs && a < cores; a++)
        for (size_t b = a + 1; b < cores; b++) {
            double ns = pair_ns(matrix, a, b);
            if (!isfinite(ns)) {
                free(pairs);
                *ret_code = TR_EUNAVAILABLE;
                return NULL;
            }
            pairs[n++] = ns;
        }
    if (pairs)
        qsort(pairs, n, sizeof(*pairs), by_value);
    *ret_n = n;
    return pairs;
}

/* Joins cores that are at most `most_ns` apart, over others if need be; returns the number of
 * groups, numbered in the order of their first cores. */
static size_t join(const struct tr_matrix *matrix, double most_ns, int *group) {
    size_t cores = matrix->n_rows, groups = 0;
    for (size_t i = 0; i < cores; i++)
        group[i] = -1;
    for (size_t first = 0; first < cores; first++) {
        if (group[first] >= 0)
            continue;
        group[first] = (int)groups++;
        for (bool grown = true; grown;) {
            grown = false;
            for (size_t a = first; a < cores; a++)
                for (size_t b = first; group[a] == group[first] && b < cores; b++)
                    if (group[b] < 0 && pair_ns(matrix, a, b) <= most_ns) {
                        group[b] = group[first];
                        grown = true;
                    }
        }
    }
    return groups;
}

/* Every pair within a group is at most `most_ns` apart. */
static bool is_clean(const struct tr_matrix *matrix, double most_ns, const int *group) {
    for (size_t a = 0; a < matrix->n_rows; a++)
        for (size_t b = a + 1; b < matrix->n_rows; b++)
            if (group[a] == group[b] && pair_ns(matrix, a, b) > most_ns)
                return false;
    return true;
}

/* Whether two lists group the same cores together; -1 is a group of its own core alone. */
static bool same_partition(const int *a, const int *b, size_t n) {
    for (size_t i = 0; i < n; i++)
        for (size_t k = i + 1; k < n; k++)
            if ((a[i] >= 0 && a[i] == a[k]) != (b[i] >= 0 && b[i] == b[k]))
                return false;
    return true;
}

/* Some two cores are together in `coarse` that are apart in `fine`, and none the other way. */
static bool is_coarser(const int *coarse, const int *fine, size_t n) {
    for (size_t i = 0; i < n; i++)
        for (size_t k = i + 1; k < n; k++)
            if (fine[i] >= 0 && fine[i] == fine[k] && coarse[i] != coarse[k])
                return false;
    return !same_partition(coarse, fine, n);
}

static double middle(const double *sorted, size_t n) {
    return n ? sorted[n / 2] : (double)NAN;
}

int tr_core_groups_find(const struct tr_matrix *matrix, const int *finer,
                        struct tr_core_groups *ret_groups) {
    struct tr_core_groups found = {.n_cores = matrix->n_rows, .n_groups = 1};
    size_t n = 0, at = 0;
    int code = 0;
    if (matrix->n_rows < LEAST_CORES || matrix->n_rows != matrix->n_columns)
        return TR_EUNAVAILABLE;
    double *pairs = sorted_pairs(matrix, &n, &code);
    if (!pairs)
        return code;
    found.group = calloc(found.n_cores, sizeof(*found.group));
    if (!found.group) {
        free(pairs);
        return TR_ENOMEM;
    }
    bool any = false;
    for (size_t i = 0; i + 1 < n && !any; i++) {
        if (pairs[i + 1] < STEP * pairs[i])
            continue;
        found.n_groups = join(matrix, pairs[i], found.group);
        any = found.n_groups > 1 && is_clean(matrix, pairs[i], found.group) &&
              (!finer || is_coarser(found.group, finer, found.n_cores));
        at = i + 1;
    }
    if (!any) {
        found.n_groups = join(matrix, pairs[n - 1], found.group);
        at = n;
    }
    found.within_ns = middle(pairs, at);
    found.between_ns = middle(pairs + at, n - at);
    free(pairs);
    *ret_groups = found;
    return 0;
}

void tr_core_groups_finish(struct tr_core_groups *groups) {
    free(groups->group);
    *groups = (struct tr_core_groups){0};
}

/* --- against the topology -------------------------------------------------------------------- */

static const struct tr_matrix *find_matrix(const struct tr_calibration *calibration) {
    for (size_t i = 0; i < calibration->n_matrices; i++)
        if (calibration->matrices[i].name && !strcmp(calibration->matrices[i].name, "core_to_core"))
            return &calibration->matrices[i];
    return NULL;
}

/* A number of each row's core in the file's list of cores; NULL where one is not in it. */
static int *numbers_of(const struct tr_calibration *calibration, const struct tr_matrix *matrix,
                       const char *name) {
    const json_t *cores =
        json_object_get(json_object_get(calibration->document, "machine"), "cores");
    int *numbers = calloc(matrix->n_rows + 1, sizeof(*numbers));
    for (size_t i = 0; numbers && i < matrix->n_rows; i++) {
        const json_t *core = NULL, *value;
        for (size_t k = 0; k < json_array_size(cores); k++)
            if (json_integer_value(json_object_get(json_array_get(cores, k), "index")) ==
                matrix->row_ids[i])
                core = json_array_get(cores, k);
        value = json_object_get(core, name);
        if (!core) {
            free(numbers);
            return NULL;
        }
        json_int_t number = json_is_integer(value) ? json_integer_value(value) : -1;
        numbers[i] = number >= 0 && number < INT32_MAX ? (int)number : -1;
    }
    return numbers;
}

static size_t count_distinct(const int *numbers, size_t n) {
    size_t distinct = 0;
    for (size_t i = 0; i < n; i++) {
        bool first = numbers[i] >= 0;
        for (size_t k = 0; k < i && first; k++)
            first = numbers[k] != numbers[i];
        distinct += first;
    }
    return distinct;
}

static char *sentence(const struct tr_core_groups *measured, size_t told, bool agree) {
    struct tr_strbuf out = {0};
    tr_strbuf_addf(&out, "measured latency says %zu group%s of cores that share a cache (%.3g ns ",
                   measured->n_groups, measured->n_groups == 1 ? "" : "s", measured->within_ns);
    if (measured->n_groups > 1)
        tr_strbuf_addf(&out, "within a group, %.3g between", measured->between_ns);
    else
        tr_strbuf_add(&out, "between cores");
    if (agree)
        tr_strbuf_add(&out, "), as the topology does");
    else if (told == 0)
        tr_strbuf_add(&out, "); the topology shows no shared L3");
    else
        tr_strbuf_addf(&out, "); the topology shows %zu L3 group%s: believe the latency", told,
                       told == 1 ? "" : "s");
    return tr_strbuf_take(&out);
}

int tr_shared_caches_judge(const struct tr_calibration *calibration,
                           enum tr_shared_caches *ret_verdict, char **ret_sentence) {
    const struct tr_matrix *matrix = find_matrix(calibration);
    struct tr_core_groups measured = {0};
    *ret_verdict = TR_SHARED_CACHES_UNKNOWN;
    *ret_sentence = NULL;
    if (!matrix || matrix->n_rows < LEAST_CORES)
        return 0;
    int *l3 = numbers_of(calibration, matrix, "l3_group");
    int *clusters = numbers_of(calibration, matrix, "cluster");
    /* Cores of one cluster may be nearer to each other than the others of their L3 group. */
    int code = l3 && clusters
                   ? tr_core_groups_find(matrix,
                                         count_distinct(clusters, matrix->n_rows) ? clusters : NULL,
                                         &measured)
                   : TR_EUNAVAILABLE;
    if (!code && l3 && measured.group) {
        bool agree = same_partition(measured.group, l3, matrix->n_rows);
        *ret_verdict = agree ? TR_SHARED_CACHES_AGREE : TR_SHARED_CACHES_DIFFER;
        *ret_sentence = sentence(&measured, count_distinct(l3, matrix->n_rows), agree);
        code = *ret_sentence ? 0 : TR_ENOMEM;
    }
    tr_core_groups_finish(&measured);
    free(l3);
    free(clusters);
    return code == TR_EUNAVAILABLE ? 0 : code;
}
