#include "interval.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>

#include "csv.h"
#include "data.h"
#include "strbuf.h"

enum { LEAST_ROWS = 10, MANY_CORES = 16 };
/* For each way in which a machine is beyond those of the rows: both ends this many times as far
 * from 1, on the scale of logarithms, and at least so far. A convention: nothing was measured
 * there. */
static const double widen = 2;
static const double least_generation = 0.10, least_prompt = 0.15;

static struct tr_csv table;
static once_flag once = ONCE_FLAG_INIT;

static void load(void) {
    const struct tr_data *data = tr_data_find("accuracy.csv");
    if (data)
        (void)tr_csv_parse(data->text, data->length, data->name, &table, NULL);
}

/* Rows whose own repeatability is worse than half the aim say more of the machine. */
static double steady_percent(const char *tier, enum tr_phase phase) {
    bool engine = !strncmp(tier, "engine", 6);
    return phase == TR_PHASE_PROMPT ? (engine ? 4 : 7.5) : (engine ? 2.5 : 5);
}

/* `uarch` NULL: of any micro-architecture. */
static bool is_of(const struct tr_csv *csv, size_t row, const struct tr_interval_wanted *wanted,
                  const char *uarch) {
    const char *figure = wanted->phase == TR_PHASE_PROMPT ? "pp" : "tg";
    return !strcmp(tr_csv_get(csv, row, "tier"), wanted->tier) &&
           !strcmp(tr_csv_get(csv, row, "figure"), figure) &&
           !strcmp(tr_csv_get(csv, row, "role"), "learn") &&
           (!uarch || !strcmp(tr_csv_get(csv, row, "uarch"), uarch)) &&
           tr_csv_number(csv, row, "own_percent") <= steady_percent(wanted->tier, wanted->phase) &&
           tr_csv_number(csv, row, "predicted") > 0 && tr_csv_number(csv, row, "observed") > 0;
}

static int ascending(const void *a, const void *b) {
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* The value below which one more result lies with this probability, whatever the distribution: the
 * i-th of n ordered results has i / (n + 1) of it below. Straight line between them. */
static double quantile(const double *sorted, size_t n, double share) {
    double at = fmin(fmax(share * (double)(n + 1) - 1, 0), (double)(n - 1));
    size_t below = (size_t)at;
    return below + 1 < n
               ? sorted[below] + (at - (double)below) * (sorted[below + 1] - sorted[below])
               : sorted[n - 1];
}

/* The micro-architecture whose rows are enough by themselves: the machine's own, else NULL for all.
 * How far predictions are off differs more between machines than between models on one. */
static const char *uarch_of_rows(const struct tr_csv *csv,
                                 const struct tr_interval_wanted *wanted) {
    const char *own = wanted->machine.uarch;
    int n = 0;
    for (size_t row = 1; own && row < csv->n_rows; row++)
        n += is_of(csv, row, wanted, own);
    return n >= LEAST_ROWS ? own : NULL;
}

static void look_beyond(const struct tr_csv *csv, const struct tr_interval_wanted *wanted,
                        const char *uarch, struct tr_interval *interval) {
    const struct tr_checked_on *machine = &wanted->machine;
    bool same_uarch = false;
    double most_nodes = 1, most_cores = MANY_CORES;
    for (size_t row = 1; row < csv->n_rows; row++) {
        if (!is_of(csv, row, wanted, uarch))
            continue;
        same_uarch = same_uarch ||
                     (machine->uarch && !strcmp(tr_csv_get(csv, row, "uarch"), machine->uarch));
        most_nodes = fmax(most_nodes, tr_csv_number(csv, row, "nodes"));
        most_cores = fmax(most_cores, tr_csv_number(csv, row, "cores"));
    }
    if (machine->nodes > most_nodes)
        interval->beyond[interval->n_beyond++] = "it has more NUMA nodes";
    if (machine->cores > most_cores)
        interval->beyond[interval->n_beyond++] = "it has more than 16 cores";
    if (!same_uarch)
        interval->beyond[interval->n_beyond++] = "its cores are of another micro-architecture";
}

void tr_interval_from(const struct tr_csv *csv, const struct tr_interval_wanted *wanted,
                      struct tr_interval *ret_interval) {
    struct tr_interval found = {.low = NAN, .high = NAN};
    const char *uarch = uarch_of_rows(csv, wanted);
    double *ratios = calloc(csv->n_rows + 1, sizeof(*ratios));
    size_t n = 0;
    for (size_t row = 1; ratios && row < csv->n_rows; row++) {
        if (!is_of(csv, row, wanted, uarch))
            continue;
        bool seen = false;
        for (size_t i = 1; i < row; i++)
            seen =
                seen || (is_of(csv, i, wanted, uarch) &&
                         !strcmp(tr_csv_get(csv, i, "machine"), tr_csv_get(csv, row, "machine")));
        found.machines += !seen;
        ratios[n++] = tr_csv_number(csv, row, "observed") / tr_csv_number(csv, row, "predicted");
    }
    found.rows = (int)n;
    if (n >= LEAST_ROWS) {
        double least = wanted->phase == TR_PHASE_PROMPT ? least_prompt : least_generation;
        qsort(ratios, n, sizeof(*ratios), ascending);
        found.low = quantile(ratios, n, 0.1);
        found.high = quantile(ratios, n, 0.9);
        look_beyond(csv, wanted, uarch, &found);
        if (found.n_beyond) {
            double times = pow(widen, found.n_beyond);
            found.low = exp(fmin(times * log(found.low), log(1 - least)));
            found.high = exp(fmax(times * log(found.high), log(1 + least)));
        }
    }
    free(ratios);
    *ret_interval = found;
}

void tr_interval_find(const struct tr_interval_wanted *wanted, struct tr_interval *ret_interval) {
    call_once(&once, load);
    tr_interval_from(&table, wanted, ret_interval);
}

char *tr_interval_note(const struct tr_interval *interval) {
    struct tr_strbuf text = {0};
    if (isnan(interval->low))
        return NULL;
    tr_strbuf_addf(&text, "80 %% interval from %d results of an engine on %d machine%s",
                   interval->rows, interval->machines, interval->machines == 1 ? "" : "s");
    for (int i = 0; i < interval->n_beyond; i++)
        tr_strbuf_addf(&text, "%s%s",
                       i == 0                        ? "; wider, since this machine was not among "
                                                       "them: "
                       : i == interval->n_beyond - 1 ? " and "
                                                     : ", ",
                       interval->beyond[i]);
    return tr_strbuf_take(&text);
}

static struct tr_interval of_basis(const char *tier, const struct tr_basis *basis,
                                   enum tr_phase phase) {
    const struct tr_interval_wanted wanted = {
        .tier = tier, .phase = phase, .machine = basis->machine};
    struct tr_interval found;
    tr_interval_find(&wanted, &found);
    return found;
}

void tr_interval_ends(const char *tier, const struct tr_basis *basis, enum tr_phase phase,
                      double *ret_low, double *ret_high) {
    struct tr_interval found = of_basis(tier, basis, phase);
    *ret_low = found.low;
    *ret_high = found.high;
}

char *tr_interval_note_of(const char *tier, const struct tr_basis *basis) {
    struct tr_interval found = of_basis(tier, basis, TR_PHASE_GENERATION);
    return tr_interval_note(&found);
}
