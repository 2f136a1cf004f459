#include "quant.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <threads.h>

#include "csv.h"
#include "data.h"

/* Parsed once from the embedded table, constant from then on. */
static struct {
    struct tr_quant *rows;
    size_t n;
} table;
static once_flag table_once = ONCE_FLAG_INIT;

static uint32_t cell(const struct tr_csv *csv, size_t row, const char *column) {
    double value = tr_csv_number(csv, row, column);
    return isfinite(value) && value >= 0 && value <= UINT32_MAX ? (uint32_t)value : 0;
}

static void load_table(void) {
    const struct tr_data *data = tr_data_find("quants.csv");
    struct tr_csv csv = {0};
    if (!data || tr_csv_parse(data->text, data->length, data->name, &csv, NULL))
        return;
    table.rows = calloc(csv.n_rows, sizeof(*table.rows));
    for (size_t i = 1; table.rows && i < csv.n_rows; i++) {
        struct tr_quant *quant = &table.rows[table.n++];
        quant->id = cell(&csv, i, "id");
        quant->block = cell(&csv, i, "block");
        quant->bytes = cell(&csv, i, "bytes");
        quant->row_bytes = cell(&csv, i, "row_bytes");
        snprintf(quant->nearest, sizeof(quant->nearest), "%s", tr_csv_get(&csv, i, "nearest"));
        snprintf(quant->name, sizeof(quant->name), "%s", tr_csv_get(&csv, i, "name"));
    }
    tr_csv_finish(&csv);
}

const struct tr_quant *tr_quant_by_id(uint32_t id) {
    call_once(&table_once, load_table);
    for (size_t i = 0; i < table.n; i++)
        if (table.rows[i].id == id)
            return &table.rows[i];
    return NULL;
}

const struct tr_quant *tr_quant_by_name(const char *name) {
    call_once(&table_once, load_table);
    for (size_t i = 0; i < table.n; i++)
        if (!strcasecmp(table.rows[i].name, name))
            return &table.rows[i];
    return NULL;
}

bool tr_quant_size(const struct tr_quant *quant, const uint64_t ne[4], uint64_t *ret_bytes) {
    uint64_t bytes;
    if (!quant->block || ne[0] % quant->block ||
        __builtin_mul_overflow(ne[0] / quant->block, (uint64_t)quant->bytes, &bytes) ||
        __builtin_add_overflow(bytes, (uint64_t)quant->row_bytes, &bytes))
        return false;
    for (int i = 1; i < 4; i++)
        if (__builtin_mul_overflow(bytes, ne[i], &bytes))
            return false;
    if (bytes > INT64_MAX)
        return false;
    *ret_bytes = bytes;
    return true;
}
