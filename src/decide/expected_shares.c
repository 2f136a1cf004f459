#include "expected_shares.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "csv.h"
#include "data.h"
#include "tokenroof/err.h"

/* How much a row is about the class: 0 not at all. */
static int fit(const struct tr_csv *table, size_t row, const struct tr_share_class *of) {
    const char *platform = tr_csv_get(table, row, "platform");
    const char *nps = tr_csv_get(table, row, "nps"), *binds = tr_csv_get(table, row, "binds");
    int score = of->name && !strcmp(platform, of->name)       ? 30
                : of->series && !strcmp(platform, of->series) ? 20
                : !strcmp(platform, "*")                      ? 10
                                                              : 0;
    if (!score || strcmp(tr_csv_get(table, row, "kernel"), of->kernel) != 0)
        return 0;
    if (*nps && (!of->nps || strcmp(nps, of->nps) != 0))
        return 0;
    /* "fabric" is any of fabric_read, fabric_write, ... */
    if (*binds && (!of->binds || strncmp(of->binds, binds, strlen(binds)) != 0))
        return 0;
    return score + (*nps ? 2 : 0) + (*binds ? 1 : 0);
}

static int take(const struct tr_csv *table, size_t row, struct tr_expected_share *ret) {
    *ret = (struct tr_expected_share){NAN, NAN, NULL};
    if (!row)
        return 0;
    ret->low = tr_csv_number(table, row, "low");
    ret->high = tr_csv_number(table, row, "high");
    ret->source = strdup(tr_csv_get(table, row, "source"));
    return ret->source ? 0 : TR_ENOMEM;
}

int tr_expected_share_find(const struct tr_share_class *of, struct tr_expected_share *ret_verified,
                           struct tr_expected_share *ret_unverified) {
    const struct tr_data *data = tr_data_find("expected_shares.csv");
    struct tr_csv table = {0};
    size_t best[2] = {0};
    int scores[2] = {0};
    *ret_verified = *ret_unverified = (struct tr_expected_share){NAN, NAN, NULL};
    if (!data || tr_csv_parse(data->text, data->length, data->name, &table, NULL))
        return TR_EFAIL;
    for (size_t row = 1; row < table.n_rows; row++) {
        int kind = strcmp(tr_csv_get(&table, row, "verified"), "yes") != 0;
        int score = fit(&table, row, of);
        if (score > scores[kind]) {
            scores[kind] = score;
            best[kind] = row;
        }
    }
    /* A general, unverified row says nothing where a verified one is about this class. */
    if (scores[0] > scores[1])
        best[1] = 0;
    int code = take(&table, best[0], ret_verified);
    if (!code)
        code = take(&table, best[1], ret_unverified);
    tr_csv_finish(&table);
    return code;
}
