#include "marks.h"

#include <stdlib.h>

#include "tokenroof/cpulist.h"

/* Adds a cache, unless its size is unknown: then the sum is. */
static void add(int64_t *sum, int64_t bytes) {
    if (*sum >= 0)
        *sum = bytes > 0 ? *sum + bytes : -1;
}

struct tr_cache_sizes tr_cache_sizes_of(const struct tr_machine *machine,
                                        const struct tr_cpulist *cpus) {
    struct tr_cache_sizes sizes = {0};
    size_t groups = 0;
    for (size_t i = 0; i < machine->n_cores; i++)
        if (tr_cpulist_intersects(&machine->cores[i].cpus, cpus)) {
            add(&sizes.l1_bytes, machine->cores[i].l1d_bytes);
            add(&sizes.l2_bytes, machine->cores[i].l2_bytes);
        }
    for (size_t i = 0; i < machine->n_l3_groups; i++)
        if (tr_cpulist_intersects(&machine->l3_groups[i].cpus, cpus)) {
            add(&sizes.l3_bytes, machine->l3_groups[i].l3_bytes);
            groups++;
        }
    if (!groups)
        sizes.l3_bytes = -1;
    return sizes;
}

/* x and y of the points, in one piece of memory. */
static double *coordinates(const struct tr_curve *curve) {
    double *both = calloc(2 * curve->n_points + 1, sizeof(*both));
    for (size_t i = 0; both && i < curve->n_points; i++) {
        both[i] = curve->points[i].x;
        both[curve->n_points + i] = curve->points[i].median;
    }
    return both;
}

int tr_mark_levels(struct tr_curve *curve, const struct tr_machine *machine) {
    struct tr_cache_sizes sizes = tr_cache_sizes_of(machine, &curve->place.cpus);
    struct tr_plateau plateaus[TR_PLATEAUS_MOST];
    size_t n_points = curve->n_points, n = 0;
    double *x = coordinates(curve);
    int code = x ? tr_plateaus(x, x + n_points, n_points, plateaus, &n) : TR_ENOMEM;
    for (size_t i = 0; i < n && !code; i++) {
        const char *level = tr_plateau_level(plateaus, n, i, x[n_points - 1], &sizes);
        /* One mark a level: translation of addresses makes plateaus of its own. */
        if (level && tr_plateau_of_level(plateaus, n, level, x[n_points - 1], &sizes) == (int)i)
            code = tr_curve_mark(curve, level, plateaus[i].from, plateaus[i].to, plateaus[i].value);
    }
    free(x);
    return code;
}

int tr_mark_knee(struct tr_curve *curve, const struct tr_machine *machine) {
    double *x = coordinates(curve);
    size_t at, n = curve->n_points;
    int code = x ? 0 : TR_ENOMEM;
    (void)machine;
    if (!code && tr_knee(x, x + n, n, &at))
        code = tr_curve_mark(curve, "knee", x[at], x[at], curve->points[at].median);
    free(x);
    return code;
}
