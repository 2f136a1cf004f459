/* What machines reach of their limits: data/efficiency.csv, which bench/fit makes. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <threads.h>

#include "csv.h"
#include "data.h"
#include "tokenroof/spec.h"

enum { MAX_ROWS = 512 };

/* Read once from the embedded table, constant from then on. */
static struct {
    struct row {
        char group[16], name[32], parameter[24];
        double value;
        char basis[64]; /* "10 machines, 22 rows": what follows the last semicolon */
    } rows[MAX_ROWS];
    size_t n;
} table;
static once_flag once = ONCE_FLAG_INIT;

static void load(void) {
    const struct tr_data *data = tr_data_find("efficiency.csv");
    struct tr_csv csv = {0};
    if (!data || tr_csv_parse(data->text, data->length, data->name, &csv, NULL))
        return;
    for (size_t i = 1; i < csv.n_rows && table.n < MAX_ROWS; i++) {
        struct row *row = &table.rows[table.n++];
        snprintf(row->group, sizeof(row->group), "%s", tr_csv_get(&csv, i, "group"));
        snprintf(row->name, sizeof(row->name), "%s", tr_csv_get(&csv, i, "name"));
        snprintf(row->parameter, sizeof(row->parameter), "%s", tr_csv_get(&csv, i, "parameter"));
        row->value = tr_csv_number(&csv, i, "value");
        const char *basis = tr_csv_get(&csv, i, "basis"), *end = strrchr(basis, ';');
        snprintf(row->basis, sizeof(row->basis), "%s",
                 end ? end + 1 + strspn(end + 1, " ") : basis);
    }
    tr_csv_finish(&csv);
}

static const struct row *row_of(const char *group, const char *name, const char *parameter) {
    call_once(&once, load);
    for (size_t i = 0; i < table.n; i++)
        if (!strcmp(table.rows[i].name, name) && !strcmp(table.rows[i].parameter, parameter) &&
            !strcmp(table.rows[i].group, group))
            return &table.rows[i];
    return NULL;
}

double tr_efficiency(const char *group, const char *name, const char *parameter) {
    const struct row *row = row_of(group, name, parameter);
    return row ? row->value : NAN;
}

double tr_efficiency_most(const char *group, const char *parameter) {
    double most = NAN;
    call_once(&once, load);
    for (size_t i = 0; i < table.n; i++)
        if (!strcmp(table.rows[i].group, group) && !strcmp(table.rows[i].parameter, parameter))
            most = fmax(most, table.rows[i].value);
    return most;
}

const char *tr_efficiency_basis(const char *group, const char *name, const char *parameter) {
    const struct row *row = row_of(group, name, parameter);
    return row ? row->basis : "unknown";
}

const char *tr_efficiency_name(const char *group, size_t n) {
    call_once(&once, load);
    const char *last = "";
    for (size_t i = 0; i < table.n; i++) {
        if (strcmp(table.rows[i].group, group) || !strcmp(table.rows[i].name, last))
            continue;
        last = table.rows[i].name;
        if (n-- == 0)
            return last;
    }
    return NULL;
}
