/* Where cores, caches and memory are. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report_machine.h"

enum {
    MAX_ROWS = 16, /* longer lists are cut; --json has all */
    MAX_MATRIX_NODES = 16,
};

static void head(struct tr_text *text, const char *line) {
    tr_strbuf_add(text->out, "\n");
    tr_text_head(text, line);
}

/* "16, 32 MiB each" or "16, 16 MiB to 32 MiB". */
static char *l3_summary(const struct tr_machine *machine) {
    int64_t least = INT64_MAX, most = -1;
    for (size_t i = 0; i < machine->n_l3_groups; i++) {
        int64_t bytes = machine->l3_groups[i].l3_bytes;
        least = bytes < least ? bytes : least;
        most = bytes > most ? bytes : most;
    }
    char *low = tr_text_bytes(least), *high = tr_text_bytes(most);
    const char *each = machine->n_l3_groups > 1 ? " each" : "";
    const char *doubt = machine->llc_most_bytes > 0 ? " told, not trustworthy" : "";
    char *out = least == most
                    ? tr_format("%zu, %s%s%s", machine->n_l3_groups, high, each, doubt)
                    : tr_format("%zu, %s to %s%s", machine->n_l3_groups, low, high, doubt);
    free(low);
    free(high);
    return out;
}

/* "performance cores: L1d 48 KiB, L2 1.25 MiB" of the first core of a kind. */
static void add_caches(struct tr_strbuf *out, const struct tr_machine *machine, const char *kind) {
    const struct tr_core *first = NULL;
    for (size_t i = 0; i < machine->n_cores && !first; i++)
        if (!kind || (machine->cores[i].kind && !strcmp(machine->cores[i].kind, kind)))
            first = &machine->cores[i];
    if (!first || (first->l1d_bytes < 0 && first->l2_bytes < 0))
        return;
    char *l1 = tr_text_bytes(first->l1d_bytes), *l2 = tr_text_bytes(first->l2_bytes);
    tr_strbuf_addf(out, "; %s%sL1d %s, L2 %s", kind ? kind : "", kind ? " cores: " : "",
                   l1 ? l1 : "", l2 ? l2 : "");
    if (first->cluster >= 0 && machine->clusters[first->cluster].l2_bytes > 0)
        tr_strbuf_add(out, " for each cluster");
    free(l1);
    free(l2);
}

static char *core_summary(const struct tr_machine *machine) {
    size_t efficiency = 0, performance = 0, most = 0;
    for (size_t i = 0; i < machine->n_cores; i++) {
        const struct tr_core *core = &machine->cores[i];
        efficiency += core->kind && !strcmp(core->kind, "efficiency");
        performance += core->kind && !strcmp(core->kind, "performance");
        most = core->cpus.n > most ? core->cpus.n : most;
    }
    struct tr_strbuf out = {0};
    tr_strbuf_addf(&out, "%zu", machine->n_cores);
    if (efficiency + performance)
        tr_strbuf_addf(&out, " (%zu performance, %zu efficiency)", performance, efficiency);
    tr_strbuf_addf(&out, ", %s%zu hardware thread%s each", efficiency ? "up to " : "", most,
                   most == 1 ? "" : "s");
    if (efficiency + performance) {
        add_caches(&out, machine, "performance");
        add_caches(&out, machine, "efficiency");
    } else {
        add_caches(&out, machine, NULL);
    }
    return tr_strbuf_take(&out);
}

/* "2, of 4 cores each: 12-15, 16-19". */
static char *cluster_summary(const struct tr_machine *machine) {
    struct tr_strbuf out = {0}, list = {0};
    size_t least = SIZE_MAX, most = 0;
    for (size_t i = 0; i < machine->n_clusters; i++) {
        size_t n = 0;
        for (size_t k = 0; k < machine->n_cores; k++)
            n += machine->cores[k].cluster == machine->clusters[i].index;
        least = n < least ? n : least;
        most = n > most ? n : most;
        char *cpus = tr_cpulist_format(&machine->clusters[i].cpus);
        if (i < MAX_ROWS)
            tr_strbuf_addf(&list, "%s%s", i ? " | " : "", cpus ? cpus : "");
        free(cpus);
    }
    tr_strbuf_addf(&out, "%zu, of ", machine->n_clusters);
    if (least < most)
        tr_strbuf_addf(&out, "%zu to ", least);
    tr_strbuf_addf(&out, "%zu cores%s: CPUs %s%s", most, machine->n_clusters > 1 ? " each" : "",
                   list.text ? list.text : "", machine->n_clusters > MAX_ROWS ? " | ..." : "");
    tr_strbuf_finish(&list);
    return tr_strbuf_take(&out);
}

static char *last_level_cache(const struct tr_machine *machine) {
    if (machine->llc_bytes < 0)
        return strdup("unknown: neither the kernel nor CPUID tells");
    char *bytes = tr_text_bytes(machine->llc_bytes), *most = tr_text_bytes(machine->llc_most_bytes);
    char *out =
        machine->llc_most_bytes > 0
            ? tr_format("%s told, not trustworthy: at most %s can be in reach of %zu core%s",
                        bytes ? bytes : "", most ? most : "", machine->n_cores,
                        machine->n_cores == 1 ? "" : "s")
            : tr_format("%s in reach of the usable CPUs", bytes ? bytes : "");
    free(bytes);
    free(most);
    return out;
}

static void summary(struct tr_text *text, const struct tr_machine *machine) {
    tr_text_fact(text, "packages", tr_format("%zu", machine->n_packages));
    tr_text_fact(text, "NUMA nodes",
                 machine->settings.nps
                     ? tr_format("%zu, partitioning %s", machine->n_nodes, machine->settings.nps)
                     : tr_format("%zu", machine->n_nodes));
    if (machine->n_l3_groups)
        tr_text_fact(text, "L3 groups", l3_summary(machine));
    tr_text_fact(text, "CCDs",
                 tr_format("%zu%s", machine->n_ccds,
                           machine->n_ccds == machine->n_l3_groups && machine->n_ccds > 1
                               ? ", one L3 group each"
                               : ""));
    if (machine->n_cores)
        tr_text_fact(text, "cores", core_summary(machine));
    if (machine->n_clusters)
        tr_text_fact(text, "clusters", cluster_summary(machine));
    tr_text_fact(text, "last-level cache", last_level_cache(machine));
    char *cpus = tr_cpulist_format(&machine->allowed_cpus);
    char *value = cpus ? tr_format("%s (%zu of %d online)", cpus, machine->allowed_cpus.n,
                                   machine->n_cpus_online)
                       : NULL;
    tr_text_fact(text, "usable CPUs", value);
    free(cpus);
}

struct place_row {
    const char *what;
    int index;
    const struct tr_cpulist *cpus;
    char *more; /* heap, may be NULL */
};

static void add_place(struct tr_text *text, struct tr_table *table, struct place_row row) {
    char *cpus = tr_cpulist_format(row.cpus);
    tr_table_addf(table, "%s %d", row.what, row.index);
    tr_text_cell(text, table, cpus && *cpus ? cpus : "no CPUs", 40);
    tr_table_add(table, row.more);
    free(cpus);
    free(row.more);
}

static char *node_text(const struct tr_numa_node *node) {
    char *bytes = node->memory_bytes >= 0 ? tr_text_bytes(node->memory_bytes) : NULL;
    char *text = tr_format("%s%s%s", bytes ? bytes : "memory unknown", node->kind ? " " : "",
                           node->kind ? node->kind : "");
    free(bytes);
    return text;
}

static char *ccd_text(const struct tr_machine *machine, const struct tr_ccd *ccd) {
    struct tr_strbuf out = {0};
    int64_t bytes = 0;
    for (size_t i = 0; i < ccd->n_l3_groups; i++)
        bytes += machine->l3_groups[ccd->l3_groups[i]].l3_bytes;
    tr_strbuf_addf(&out, "package %d", ccd->package);
    if (ccd->node >= 0)
        tr_strbuf_addf(&out, ", node %d", ccd->node);
    if (ccd->n_l3_groups && bytes > 0 && machine->llc_most_bytes < 0) {
        char *l3 = tr_text_bytes(bytes);
        tr_strbuf_addf(&out, ", L3 %s", l3 ? l3 : "");
        free(l3);
    }
    if (ccd->n_l3_groups > 1)
        tr_strbuf_addf(&out, " in %zu groups", ccd->n_l3_groups);
    return tr_strbuf_take(&out);
}

static void cut_off(struct tr_table *table, size_t n, size_t most, const char *what) {
    if (n <= most)
        return;
    tr_table_addf(table, "...");
    tr_table_addf(table, "%zu more %s", n - most, what);
    tr_table_add(table, "all: -v, --json");
}

static void places(struct tr_text *text, const struct tr_machine *machine) {
    struct tr_table table;
    size_t most = text->full ? SIZE_MAX : MAX_ROWS;
    tr_table_init(&table, "lll");
    for (size_t i = 0; i < machine->n_packages && i < most; i++)
        add_place(text, &table,
                  (struct place_row){"package", machine->packages[i].index,
                                     &machine->packages[i].cpus, NULL});
    cut_off(&table, machine->n_packages, most, "packages");
    for (size_t i = 0; i < machine->n_nodes && i < most; i++)
        add_place(text, &table,
                  (struct place_row){"node", machine->nodes[i].index, &machine->nodes[i].cpus,
                                     node_text(&machine->nodes[i])});
    cut_off(&table, machine->n_nodes, most, "nodes");
    for (size_t i = 0; i < machine->n_ccds && i < most; i++)
        add_place(text, &table,
                  (struct place_row){"ccd", machine->ccds[i].index, &machine->ccds[i].cpus,
                                     ccd_text(machine, &machine->ccds[i])});
    cut_off(&table, machine->n_ccds, most, "CCDs");
    tr_table_write(&table, 2, text->out);
    tr_table_finish(&table);
}

static void distances(struct tr_text *text, const struct tr_machine *machine) {
    size_t n = machine->n_nodes;
    struct tr_table table;
    if (n < 2 || n > MAX_MATRIX_NODES || !machine->nodes[0].distances)
        return;
    head(text, "node distances (firmware's words, from row to column)");
    tr_table_init(&table, "rrrrrrrrrrrrrrrrr" + (MAX_MATRIX_NODES - n));
    tr_table_add(&table, "node");
    for (size_t i = 0; i < n; i++)
        tr_table_addf(&table, "%d", machine->nodes[i].index);
    for (size_t i = 0; i < n; i++) {
        tr_table_addf(&table, "%d", machine->nodes[i].index);
        for (size_t k = 0; k < n; k++)
            if (machine->nodes[i].distances && isfinite(machine->nodes[i].distances[k]))
                tr_table_addf(&table, "%.4g", machine->nodes[i].distances[k]);
            else
                tr_table_add(&table, "?");
    }
    tr_table_write(&table, 2, text->out);
    tr_table_finish(&table);
}

void tr_text_topology(struct tr_text *text, const struct tr_machine *machine) {
    if (machine->n_packages == 0)
        return;
    bool by_cpuid = machine->caches_basis && !strcmp(machine->caches_basis, "cpuid");
    head(text, by_cpuid ? "topology (hwloc; caches: CPUID)" : "topology (hwloc)");
    summary(text, machine);
    tr_strbuf_add(text->out, "\n");
    places(text, machine);
    distances(text, machine);
}
