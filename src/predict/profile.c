/* How much faster this program's kernels are than an engine's: data/engine_profiles.csv. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>

#include "csv.h"
#include "data.h"
#include "profile.h"
#include "quant.h"

enum { MAX_ENGINES = 16, MAX_UARCHS = 64 };

/* Read once from the embedded table, constant from then on. */
static struct {
    struct row {
        char engine[24], type[16], op[24], uarch[24];
        double tokens, threads, ratio;
        size_t uarch_at; /* in `uarchs` */
        bool timed;
    } * rows;
    size_t n;
    const char *engines[MAX_ENGINES + 1], *uarchs[MAX_UARCHS];
    size_t n_engines, n_uarchs;
} table;
static once_flag once = ONCE_FLAG_INIT;

/* Where the name stands, added where it is new; `room` where there is none left. */
static size_t place_of(const char **names, size_t *n, size_t room, const char *name) {
    size_t at = 0;
    while (at < *n && strcmp(names[at], name) != 0)
        at++;
    if (at == *n && at < room)
        names[(*n)++] = name;
    return at;
}

static void load(void) {
    const struct tr_data *data = tr_data_find("engine_profiles.csv");
    struct tr_csv csv = {0};
    if (!data || tr_csv_parse(data->text, data->length, data->name, &csv, NULL))
        return;
    table.rows = calloc(csv.n_rows, sizeof(*table.rows));
    for (size_t i = 1; table.rows && i < csv.n_rows; i++) {
        struct row *row = &table.rows[table.n++];
        snprintf(row->engine, sizeof(row->engine), "%s", tr_csv_get(&csv, i, "engine"));
        snprintf(row->type, sizeof(row->type), "%s", tr_csv_get(&csv, i, "type"));
        snprintf(row->op, sizeof(row->op), "%s", tr_csv_get(&csv, i, "op"));
        snprintf(row->uarch, sizeof(row->uarch), "%s", tr_csv_get(&csv, i, "uarch"));
        row->tokens = tr_csv_number(&csv, i, "tokens");
        row->threads = tr_csv_number(&csv, i, "threads");
        row->ratio = tr_csv_number(&csv, i, "ratio");
        const char *source = tr_csv_get(&csv, i, "source");
        row->timed = !strstr(source, "mapped by kernel class") && !strstr(source, "published.csv");
        place_of(table.engines, &table.n_engines, MAX_ENGINES, row->engine);
        row->uarch_at = place_of(table.uarchs, &table.n_uarchs, MAX_UARCHS, row->uarch);
    }
    tr_csv_finish(&csv);
}

static double octaves(double a, double b) {
    return fabs(log2(a / fmax(b, 1)));
}

/* Of one micro-architecture the row nearest to a product; ratio NAN while none was found. */
struct nearest {
    double tokens, threads; /* octaves away */
    double ratio;
    int row_threads;
};

/* The median: of an even number the geometric mean of the middle two, with the lower one's threads.
 */
static double median(struct nearest *found, size_t n, int *ret_threads) {
    size_t n_known = 0;
    for (size_t i = 0; i < n; i++) {
        const struct nearest one = found[i];
        if (isnan(one.ratio))
            continue;
        size_t at = n_known++;
        for (; at && found[at - 1].ratio > one.ratio; at--)
            found[at] = found[at - 1];
        found[at] = one;
    }
    if (n_known == 0)
        return NAN;
    const struct nearest *low = &found[(n_known - 1) / 2], *high = &found[n_known / 2];
    *ret_threads = low->row_threads;
    return low == high ? low->ratio : sqrt(low->ratio * high->ratio);
}

/* Of exactly this type, at the numbers of tokens, then of threads nearest on the scale of octaves:
 * with one thread a product waits for its core, with more of them for memory. `uarch` NULL: the
 * median of all that have such rows, since which of them was timed first tells nothing. */
static double exact(const char *engine, const struct tr_profile_product *product,
                    int *ret_threads) {
    struct nearest found[MAX_UARCHS];
    size_t n = product->uarch ? 1 : table.n_uarchs;
    for (size_t i = 0; i < n; i++)
        found[i] = (struct nearest){INFINITY, INFINITY, NAN, 0};
    for (size_t i = 0; i < table.n; i++) {
        const struct row *row = &table.rows[i];
        size_t at = product->uarch ? 0 : row->uarch_at;
        /* Words first: predictions look rows up for every product of every token that they sample.
         */
        if (strcmp(row->op, product->op) || strcmp(row->type, product->type) ||
            strcmp(row->engine, engine) || at >= n ||
            (product->uarch && strcmp(row->uarch, product->uarch)))
            continue;
        struct nearest *one = &found[at];
        double tokens = octaves(row->tokens, product->tokens);
        double threads = octaves(row->threads, product->threads);
        if (tokens > one->tokens || (tokens == one->tokens && threads >= one->threads))
            continue;
        *one = (struct nearest){tokens, threads, row->ratio, (int)row->threads};
    }
    return median(found, n, ret_threads);
}

/* From type to type, each nearer to what was compared. */
static double nearest_type(const char *engine, struct tr_profile_product product,
                           int *ret_threads) {
    enum { MOST_STEPS = 4 };
    double ratio = exact(engine, &product, ret_threads);
    for (int step = 0; isnan(ratio) && step < MOST_STEPS; step++) {
        const struct tr_quant *quant = tr_quant_by_name(product.type);
        if (!quant || !quant->nearest[0])
            break;
        product.type = quant->nearest;
        ratio = exact(engine, &product, ret_threads);
    }
    return ratio;
}

double tr_profile_ratio(const char *engine, const struct tr_profile_product *product,
                        int *ret_threads) {
    call_once(&once, load);
    struct tr_profile_product anywhere = *product;
    anywhere.uarch = NULL;
    int threads = product->threads;
    double ratio = product->uarch ? nearest_type(engine, *product, &threads) : NAN;
    if (isnan(ratio))
        ratio = nearest_type(engine, anywhere, &threads);
    if (ret_threads)
        *ret_threads = threads;
    return isnan(ratio) ? 1 : ratio;
}

bool tr_profile_compared_on(const char *engine, const char *uarch) {
    call_once(&once, load);
    for (size_t i = 0; uarch && i < table.n; i++)
        if (!strcmp(table.rows[i].engine, engine) && !strcmp(table.rows[i].uarch, uarch))
            return true;
    return false;
}

bool tr_profile_is_mapped(const char *engine) {
    call_once(&once, load);
    bool timed = false;
    for (size_t i = 0; i < table.n; i++)
        timed = timed || (table.rows[i].timed && !strcmp(table.rows[i].engine, engine));
    return !timed;
}

const char *const *tr_profile_names(void) {
    call_once(&once, load);
    return table.engines;
}

bool tr_profile_known(const char *engine) {
    const char *const *names = tr_profile_names();
    while (*names && strcmp(*names, engine) != 0)
        names++;
    return *names != NULL;
}
