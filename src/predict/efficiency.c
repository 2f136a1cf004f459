/* What machines reach of their limits: data/efficiency.csv, which bench/fit makes. */
#include <math.h>
#include <string.h>
#include <threads.h>

#include "csv.h"
#include "data.h"
#include "tokenroof/spec.h"

/* Read once from the embedded table, constant from then on. */
static struct tr_csv table;
static once_flag once = ONCE_FLAG_INIT;

static void load(void) {
    const struct tr_data *data = tr_data_find("efficiency.csv");
    if (data)
        tr_csv_parse(data->text, data->length, data->name, &table, NULL);
}

double tr_efficiency(const char *group, const char *name, const char *parameter) {
    call_once(&once, load);
    for (size_t i = 1; i < table.n_rows; i++)
        if (!strcmp(tr_csv_get(&table, i, "group"), group) &&
            !strcmp(tr_csv_get(&table, i, "name"), name) &&
            !strcmp(tr_csv_get(&table, i, "parameter"), parameter))
            return tr_csv_number(&table, i, "value");
    return NAN;
}

const char *tr_efficiency_name(const char *group, size_t n) {
    call_once(&once, load);
    const char *last = "";
    for (size_t i = 1; i < table.n_rows; i++) {
        const char *name = tr_csv_get(&table, i, "name");
        if (strcmp(tr_csv_get(&table, i, "group"), group) || !strcmp(name, last))
            continue;
        last = name;
        if (n-- == 0)
            return name;
    }
    return NULL;
}
