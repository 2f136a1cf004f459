#include "plateau.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tokenroof/err.h"

/* All on logarithms of x and y. A point that belongs to no plateau costs a constant; one of a
 * plateau costs its distance from the plateau's median in units of the noise, bounded so that an
 * outlier cannot tear a plateau apart; each plateau costs a constant. The cheapest division is
 * found by dynamic programming. */
static const double free_point_cost = 2.5, plateau_cost = 3, outlier_cost = 4;
static const double least_noise = 0.03; /* 3%: caches' own structure, e.g. sets that conflict */
static const double most_drift = 0.10;  /* between the medians of both halves */
static const double merge_ratio = 1.2;  /* neighbours closer than this are one plateau */
static const double least_span = 0.999; /* octaves, less rounding */
/* Of memory to a last cache that is shared with others: translations make no such steps. */
static const double memory_ratio = 2.5, memory_ratio_at_end = 1.5;
/* What is flat from well above the cache before the last one to far beyond the last one. */
static const double inside_cache = 4, beyond_cache = 3;
static const double straight_enough = 0.10; /* farthest point of a line without knee */
static const double least_rise = 0.2;       /* less than this is noise */
enum { LEAST_POINTS = 3, LEAST_KNEE_POINTS = 4 };

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* `scratch` has room for n. */
static double median(const double *values, size_t n, double *scratch) {
    memcpy(scratch, values, n * sizeof(*scratch));
    qsort(scratch, n, sizeof(*scratch), compare);
    return n % 2 ? scratch[n / 2] : (scratch[n / 2 - 1] + scratch[n / 2]) / 2;
}

struct curve {
    size_t n;
    double *log2_x, *log_y, *scratch;
    size_t *index; /* in the caller's arrays */
    double noise;
};

/* Of differences of second order, which slopes do not enter; steps are few, so the median does not
 * see them. 1.4826: from the median deviation to the standard one; sqrt(6): of y[i-1] - 2 y[i] +
 * y[i+1]. */
static double noise_of(const struct curve *curve) {
    size_t n = 0;
    double *bends = malloc((curve->n + 1) * sizeof(*bends));
    if (!bends)
        return NAN;
    for (size_t i = 1; i + 1 < curve->n; i++)
        bends[n++] = fabs(curve->log_y[i - 1] - 2 * curve->log_y[i] + curve->log_y[i + 1]);
    double noise = n ? 1.4826 * median(bends, n, curve->scratch) / sqrt(6) : 0;
    free(bends);
    return fmax(noise, least_noise);
}

/* Cost of points i..j as one plateau; infinite where they are none. */
static double cost_of(const struct curve *curve, size_t i, size_t j) {
    size_t n = j - i + 1, half = n / 2;
    double span = curve->log2_x[j] - curve->log2_x[i];
    if (n < LEAST_POINTS || span < least_span)
        return INFINITY;
    double low = median(curve->log_y + i, half, curve->scratch);
    double high = median(curve->log_y + j + 1 - half, half, curve->scratch);
    /* The median of `half` noisy points is off by about noise / sqrt(half). */
    double noise = 3 * curve->noise / sqrt((double)half);
    if (fabs(high - low) > fmax(most_drift * fmin(span / 2, 1), noise))
        return INFINITY;
    double middle = median(curve->log_y + i, n, curve->scratch), cost = plateau_cost;
    for (size_t k = i; k <= j; k++)
        cost += fmin(fabs(curve->log_y[k] - middle) / curve->noise, outlier_cost);
    return cost;
}

/* Cheapest division: begins[j] is where the plateau that ends with point j begins, SIZE_MAX where
 * point j is free. */
static int divide(const struct curve *curve, size_t *begins) {
    double *best = malloc((curve->n + 1) * sizeof(*best));
    if (!best)
        return TR_ENOMEM;
    best[0] = 0; /* best[j]: of the first j points */
    for (size_t j = 0; j < curve->n; j++) {
        best[j + 1] = best[j] + free_point_cost;
        begins[j] = SIZE_MAX;
        for (size_t i = 0; i < j; i++) {
            double cost = best[i] + cost_of(curve, i, j);
            if (cost < best[j + 1]) {
                best[j + 1] = cost;
                begins[j] = i;
            }
        }
    }
    free(best);
    return 0;
}

static void trim(const struct curve *curve, struct tr_plateau *plateau) {
    double log_value = log(plateau->value), near = 3 * curve->noise;
    while (plateau->last > plateau->first && fabs(curve->log_y[plateau->last] - log_value) > near)
        plateau->last--;
    while (plateau->last > plateau->first && fabs(curve->log_y[plateau->first] - log_value) > near)
        plateau->first++;
}

static double value_of(const struct curve *curve, const struct tr_plateau *plateau) {
    return exp(
        median(curve->log_y + plateau->first, plateau->last - plateau->first + 1, curve->scratch));
}

static bool alike(double a, double b) {
    return fmax(a, b) / fmin(a, b) < merge_ratio;
}

/* Indices are still those of the points that count. */
static size_t collect(const struct curve *curve, const size_t *begins, struct tr_plateau *ret) {
    size_t n = 0;
    for (size_t j = curve->n; j-- > 0;) { /* backwards, as the division was recorded */
        if (begins[j] == SIZE_MAX)
            continue;
        if (n == TR_PLATEAUS_MOST) /* the last ones count most: memory is there */
            break;
        ret[n] = (struct tr_plateau){.first = begins[j], .last = j};
        j = begins[j];
        n++;
    }
    for (size_t i = 0; i < n / 2; i++) {
        struct tr_plateau swapped = ret[i];
        ret[i] = ret[n - 1 - i];
        ret[n - 1 - i] = swapped;
    }
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        ret[i].value = value_of(curve, &ret[i]);
        if (kept && alike(ret[kept - 1].value, ret[i].value)) {
            ret[kept - 1].last = ret[i].last;
            ret[kept - 1].value = value_of(curve, &ret[kept - 1]);
        } else
            ret[kept++] = ret[i];
    }
    return kept;
}

static int curve_init(const double *x, const double *y, size_t n, struct curve *curve) {
    curve->log2_x = calloc(n + 1, sizeof(*curve->log2_x));
    curve->log_y = calloc(n + 1, sizeof(*curve->log_y));
    curve->scratch = calloc(n + 1, sizeof(*curve->scratch));
    curve->index = calloc(n + 1, sizeof(*curve->index));
    if (!curve->log2_x || !curve->log_y || !curve->scratch || !curve->index)
        return TR_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        if (!(x[i] > 0) || !(y[i] > 0) || !isfinite(y[i]))
            continue;
        curve->log2_x[curve->n] = log2(x[i]);
        curve->log_y[curve->n] = log(y[i]);
        curve->index[curve->n++] = i;
    }
    curve->noise = noise_of(curve);
    return isnan(curve->noise) ? TR_ENOMEM : 0;
}

static void curve_finish(struct curve *curve) {
    free(curve->log2_x);
    free(curve->log_y);
    free(curve->scratch);
    free(curve->index);
}

int tr_plateaus(const double *x, const double *y, size_t n, struct tr_plateau *ret, size_t *ret_n) {
    struct curve curve = {0};
    size_t *begins = calloc(n + 1, sizeof(*begins));
    int code = begins ? curve_init(x, y, n, &curve) : TR_ENOMEM;
    if (!code)
        code = divide(&curve, begins);
    if (!code) {
        *ret_n = collect(&curve, begins, ret);
        for (size_t i = 0; i < *ret_n; i++) {
            trim(&curve, &ret[i]);
            ret[i].first = curve.index[ret[i].first];
            ret[i].last = curve.index[ret[i].last];
            ret[i].from = x[ret[i].first];
            ret[i].to = x[ret[i].last];
        }
    }
    curve_finish(&curve);
    free(begins);
    return code;
}

/* ---- names ---- */

static const char *const level_names[] = {"L1", "L2", "L3", "memory"};
enum { MEMORY = 3 };

/* Octaves of [from, to] within [low, high]. */
static double overlap(double from, double to, double low, double high) {
    return fmax(0, log2(fmin(to, high)) - log2(fmax(from, low)));
}

/* -1 where the sizes do not tell. */
static int level_by_size(const struct tr_plateau *plateau, const struct tr_cache_sizes *sizes) {
    const int64_t ends[] = {sizes->l1_bytes, sizes->l2_bytes, sizes->l3_bytes};
    double low = 1, most = 0;
    int best = -1;
    for (int level = 0; level < MEMORY; level++) {
        if (ends[level] <= 0)
            continue;
        double inside = overlap(plateau->from, plateau->to, low, (double)ends[level]);
        if (inside > most) {
            most = inside;
            best = level;
        }
        low = (double)ends[level];
    }
    if (low > 1 && overlap(plateau->from, plateau->to, low, INFINITY) > most)
        best = MEMORY;
    return best;
}

/* Factor between two figures, whichever way it goes. */
static double factor(double a, double b) {
    return fmax(a, b) / fmin(a, b);
}

const char *tr_plateau_level(const struct tr_plateau *plateaus, size_t n_plateaus, size_t which,
                             double curve_end, const struct tr_cache_sizes *sizes) {
    int level = level_by_size(&plateaus[which], sizes);
    int last_cache = sizes->l3_bytes > 0 ? 2 : sizes->l2_bytes > 0 ? 1 : 0;
    if (level < 0)
        return NULL;
    const int64_t ends_at[] = {sizes->l1_bytes, sizes->l2_bytes, sizes->l3_bytes};
    if (level == last_cache && level > 0 && ends_at[level - 1] > 0 &&
        plateaus[which].from > inside_cache * (double)ends_at[level - 1] &&
        plateaus[which].to > beyond_cache * (double)ends_at[level])
        return level_names[MEMORY];
    bool ends = which + 1 == n_plateaus && plateaus[which].to >= curve_end;
    for (size_t i = 0; i < which && level == last_cache; i++)
        if (level_by_size(&plateaus[i], sizes) == last_cache) {
            double ratio = factor(plateaus[which].value, plateaus[i].value);
            if (ratio >= memory_ratio || (ends && ratio >= memory_ratio_at_end))
                level = MEMORY;
            break; /* the first one of that level is the cache */
        }
    return level_names[level];
}

int tr_plateau_of_level(const struct tr_plateau *plateaus, size_t n_plateaus, const char *level,
                        double curve_end, const struct tr_cache_sizes *sizes) {
    int widest = -1;
    for (size_t i = 0; i < n_plateaus; i++) {
        const char *name = tr_plateau_level(plateaus, n_plateaus, i, curve_end, sizes);
        if (!name || strcmp(name, level))
            continue;
        if (widest < 0 ||
            plateaus[i].to / plateaus[i].from > plateaus[widest].to / plateaus[widest].from)
            widest = (int)i;
    }
    return widest;
}

/* ---- knee ---- */

struct knee_point {
    double x, y;
    size_t index;
};

static int compare_x(const void *a, const void *b) {
    const struct knee_point *p = a, *q = b;
    return (p->x > q->x) - (p->x < q->x);
}

/* Least-squares fit that never falls: pools of neighbours that violate the order get their mean.
 * `sums` and `counts` hold the pools. */
static void make_monotone(struct knee_point *points, size_t n, double *sums, size_t *counts) {
    size_t pools = 0;
    for (size_t i = 0; i < n; i++) {
        sums[pools] = points[i].y;
        counts[pools++] = 1;
        while (pools > 1 && sums[pools - 2] / (double)counts[pools - 2] >
                                sums[pools - 1] / (double)counts[pools - 1]) {
            sums[pools - 2] += sums[pools - 1];
            counts[pools - 2] += counts[pools - 1];
            pools--;
        }
    }
    size_t i = 0;
    for (size_t pool = 0; pool < pools; pool++)
        for (size_t k = 0; k < counts[pool]; k++)
            points[i++].y = sums[pool] / (double)counts[pool];
}

static bool farthest_from_chord(const struct knee_point *points, size_t n, size_t *ret_index) {
    double width = points[n - 1].x - points[0].x, height = points[n - 1].y - points[0].y;
    double most = 0;
    if (!(width > 0) || !(height > least_rise * fabs(points[0].y)))
        return false;
    for (size_t i = 0; i < n; i++) {
        double along = (points[i].x - points[0].x) / width;
        double up = (points[i].y - points[0].y) / height;
        if (fabs(up - along) > most) {
            most = fabs(up - along);
            *ret_index = points[i].index;
        }
    }
    return most > straight_enough;
}

bool tr_knee(const double *x, const double *y, size_t n, size_t *ret_index) {
    struct knee_point *points = calloc(n + 1, sizeof(*points));
    double *sums = calloc(n + 1, sizeof(*sums));
    size_t *counts = calloc(n + 1, sizeof(*counts)), used = 0, index = 0;
    bool found = false;
    if (points && sums && counts) {
        for (size_t i = 0; i < n; i++)
            if (isfinite(x[i]) && isfinite(y[i]))
                points[used++] = (struct knee_point){x[i], y[i], i};
        if (used >= LEAST_KNEE_POINTS) {
            qsort(points, used, sizeof(*points), compare_x);
            make_monotone(points, used, sums, counts);
            found = farthest_from_chord(points, used, &index);
        }
    }
    free(points);
    free(sums);
    free(counts);
    if (found)
        *ret_index = index;
    return found;
}
