/* CPUID leaves: read from this machine, or from the text of a recording. */
#include "cpuid_table.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "parts.h"
#include "strbuf.h"

enum { EAX, EBX, ECX, EDX };
enum { MAX_ROWS = 4096, MAX_RECORDING_BYTES = 16 << 20 };

/* --- the table ------------------------------------------------------------------------------- */

static int add_row(struct tr_cpuid_table *table, const struct tr_cpuid_row *row) {
    struct tr_cpuid_row *rows = realloc(table->rows, (table->n_rows + 1) * sizeof(*rows));
    if (!rows)
        return TR_ENOMEM;
    table->rows = rows;
    rows[table->n_rows++] = *row;
    return 0;
}

void tr_cpuid_table_finish(struct tr_cpuid_table *table) {
    if (!table)
        return;
    free(table->rows);
    *table = (struct tr_cpuid_table){0};
}

void tr_cpuid_get(const struct tr_cpuid_table *table, uint32_t leaf, uint32_t subleaf,
                  uint32_t regs[4]) {
    memset(regs, 0, 4 * sizeof(*regs));
    for (size_t i = 0; i < table->n_rows; i++) {
        if (table->rows[i].leaf != leaf || table->rows[i].subleaf != subleaf)
            continue;
        memcpy(regs, table->rows[i].regs, 4 * sizeof(*regs));
        return;
    }
}

/* The leaves worth a capture; leaf 3 (serial number) is left out on purpose. */
static const struct {
    uint32_t leaf, n_subleaves;
} leaves[] = {
    {0x0, 1},        {0x1, 1},        {0x4, 5},        {0x7, 3},        {0xb, 3},
    {0xd, 3},        {0x1a, 1},       {0x1f, 6},       {0x80000000, 1}, {0x80000001, 1},
    {0x80000002, 1}, {0x80000003, 1}, {0x80000004, 1}, {0x80000005, 1}, {0x80000006, 1},
    {0x80000007, 1}, {0x80000008, 1}, {0x8000001a, 1}, {0x8000001d, 5}, {0x8000001e, 1},
    {0x80000026, 4},
};

int tr_cpuid_table_read(struct tr_cpuid_table *ret_table) {
    struct tr_cpuid_table table = {0};
    uint32_t regs[4], highest, highest_extended;
    int code = 0;
    tr_cpuid(0, 0, regs);
    highest = regs[EAX];
    tr_cpuid(0x80000000, 0, regs);
    highest_extended = regs[EAX];
    for (size_t i = 0; !code && i < sizeof(leaves) / sizeof(leaves[0]); i++) {
        /* Above the highest leaf, Intel CPUs answer with another leaf's values. */
        if (leaves[i].leaf > (leaves[i].leaf < 0x80000000 ? highest : highest_extended))
            continue;
        for (uint32_t j = 0; !code && j < leaves[i].n_subleaves; j++) {
            struct tr_cpuid_row row = {.leaf = leaves[i].leaf, .subleaf = j};
            tr_cpuid(row.leaf, j, row.regs);
            code = add_row(&table, &row);
        }
    }
    tr_cpuid_get(&table, 1, 0, regs);
    if (!code && regs[ECX] >> 31) {
        struct tr_cpuid_row row = {.leaf = 0x40000000};
        tr_cpuid(row.leaf, 0, row.regs);
        code = add_row(&table, &row);
    }
    if (code) {
        tr_cpuid_table_finish(&table);
        return code;
    }
    table.xcr0 = regs[ECX] >> 27 & 1 ? tr_xgetbv() : 3; /* without XSAVE: x87 and SSE */
    *ret_table = table;
    return 0;
}

/* --- recordings ------------------------------------------------------------------------------ */

/* Eight hexadecimal digits, advancing *at. */
static bool read_word(const char **at, uint32_t *ret) {
    uint32_t value = 0;
    for (int i = 0; i < 8; i++, (*at)++) {
        if (!isxdigit((unsigned char)**at))
            return false;
        int digit = isdigit((unsigned char)**at) ? **at - '0' : (**at | 0x20) - 'a' + 10;
        value = value << 4 | (uint32_t)digit;
    }
    *ret = value;
    return true;
}

/* 1: a row, 0: some other line, -1: a row that is broken off or garbled. */
static int read_row(const char *line, const struct tr_cpuid_table *table,
                    struct tr_cpuid_row *ret_row) {
    struct tr_cpuid_row row = {0};
    const char *at = line + 6;
    if (strncmp(line, "CPUID ", 6) != 0 || !read_word(&at, &row.leaf) || *at++ != ':')
        return 0;
    while (*at == ' ')
        at++;
    for (int i = 0; i < 4; i++)
        if (!read_word(&at, &row.regs[i]) || (i < 3 && *at++ != '-'))
            return -1;
    const char *label = strstr(at, "[SL ");
    if (label) {
        char *end = NULL;
        row.subleaf = (uint32_t)strtoul(label + 4, &end, 16);
        if (end == label + 4 || *end != ']')
            return -1;
    } else {
        for (size_t i = 0; i < table->n_rows; i++)
            row.subleaf += table->rows[i].leaf == row.leaf;
    }
    *ret_row = row;
    return 1;
}

static uint64_t offered_states(const struct tr_cpuid_table *table) {
    uint32_t regs[4];
    tr_cpuid_get(table, 0xd, 0, regs);
    return (uint64_t)regs[EDX] << 32 | regs[EAX] | 3;
}

int tr_cpuid_table_parse(const char *text, const char *name, struct tr_cpuid_table *ret_table,
                         struct tr_err *reterr) {
    struct tr_cpuid_table table = {0};
    uint64_t xcr0 = 0;
    char line[256];
    int code = 0;
    for (size_t number = 1; *text && !code; number++) {
        size_t n = strcspn(text, "\n");
        snprintf(line, sizeof(line), "%.*s", n < sizeof(line) ? (int)n : (int)sizeof(line) - 1,
                 text);
        text += n + (text[n] == '\n');
        struct tr_cpuid_row row;
        int kind = read_row(line, &table, &row);
        if (!strncmp(line, "XCR0:", 5))
            xcr0 = strtoull(line + 5, NULL, 16);
        if (kind < 0)
            code = tr_err_set(reterr, TR_EFORMAT,
                              "%s: line %zu: four words of eight hexadecimal digits were expected "
                              "after 'CPUID <leaf>:'",
                              name, number);
        else if (kind > 0 && table.n_rows && row.leaf == 0)
            break; /* the next logical CPU */
        else if (kind > 0 && table.n_rows == MAX_ROWS)
            code = tr_err_set(reterr, TR_EFORMAT, "%s: line %zu: more than %d rows", name, number,
                              MAX_ROWS);
        else if (kind > 0)
            code = add_row(&table, &row);
    }
    uint32_t regs[4];
    tr_cpuid_get(&table, 1, 0, regs);
    if (!code && regs[EAX] == 0)
        code = tr_err_set(reterr, TR_EFORMAT,
                          "%s: no line 'CPUID 00000001: eax-ebx-ecx-edx' was found", name);
    if (code) {
        tr_cpuid_table_finish(&table);
        return code;
    }
    table.xcr0 = xcr0 ? xcr0 : offered_states(&table);
    *ret_table = table;
    return 0;
}

char *tr_cpuid_table_format(const struct tr_cpuid_table *table) {
    struct tr_strbuf out = {0};
    tr_strbuf_add(&out, "------[ Logical CPU #0 ]------\n\n");
    for (size_t i = 0; i < table->n_rows; i++) {
        const struct tr_cpuid_row *row = &table->rows[i];
        tr_strbuf_addf(&out, "CPUID %08X: %08X-%08X-%08X-%08X [SL %02X]\n", row->leaf,
                       row->regs[EAX], row->regs[EBX], row->regs[ECX], row->regs[EDX],
                       row->subleaf);
    }
    tr_strbuf_addf(&out, "\nXCR0: %016llX\n", (unsigned long long)table->xcr0);
    return tr_strbuf_take(&out);
}

int tr_cpuid_table_load(const char *path, struct tr_cpuid_table *ret_table, struct tr_err *reterr) {
    char *text = NULL;
    int code = tr_file_read(path, MAX_RECORDING_BYTES, &text, NULL, reterr);
    if (code)
        return code;
    code = tr_cpuid_table_parse(text, path, ret_table, reterr);
    free(text);
    return code;
}

/* --- hypervisor ------------------------------------------------------------------------------ */

static bool hypervisor(const struct tr_cpuid_table *table, char name[13]) {
    uint32_t regs[4];
    memset(name, 0, 13);
    tr_cpuid_get(table, 1, 0, regs);
    if (!(regs[ECX] >> 31))
        return false;
    tr_cpuid_get(table, 0x40000000, 0, regs);
    memcpy(name, &regs[EBX], 12);
    for (char *at = name; *at; at++)
        if (!isprint((unsigned char)*at))
            *at = '?';
    for (size_t n = strlen(name); n && name[n - 1] == ' '; n--) /* "bhyve bhyve " */
        name[n - 1] = '\0';
    return true;
}

bool tr_cpuid_hypervisor(char name[13]) {
    struct tr_cpuid_table table = {0};
    memset(name, 0, 13);
    if (tr_cpuid_table_read(&table))
        return false;
    bool found = hypervisor(&table, name);
    tr_cpuid_table_finish(&table);
    return found;
}

bool tr_cpuid_source_hypervisor(const struct tr_source *source, char name[13]) {
    struct tr_cpuid_table table = {0};
    memset(name, 0, 13);
    if (source->live)
        return tr_cpuid_hypervisor(name);
    if (!source->cpuid_path || tr_cpuid_table_load(source->cpuid_path, &table, NULL))
        return false;
    bool found = hypervisor(&table, name);
    tr_cpuid_table_finish(&table);
    return found;
}
