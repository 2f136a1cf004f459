#include "soak_plan_text.h"

#include <stdlib.h>

#include <jansson.h>

#include "calibration_json.h"
#include "predictions.h"
#include "table.h"

static json_t *plan_json(const struct tr_soak_plan *plan) {
    json_t *phases = json_array(), *nodes = json_array(), *document = NULL;
    bool ok = phases && nodes;
    for (size_t i = 0; ok && i < plan->phases.n; i++) {
        const struct tr_soak_phase *phase = &plan->phases.items[i];
        ok = json_array_append_new(
                 phases, json_pack("{s:s, s:f, s:f, s:o}", "phase", tr_soak_load_name(phase->load),
                                   "begin_s", phase->begin_s, "end_s", phase->end_s, "period_s",
                                   tr_json_number(phase->period_s))) == 0;
    }
    for (size_t i = 0; ok && i < plan->n_nodes; i++)
        ok = json_array_append_new(
                 nodes, json_pack("{s:o, s:o, s:I}", "node", tr_json_count(plan->nodes[i].index),
                                  "memory_bytes", tr_json_count(plan->nodes[i].memory_bytes),
                                  "tested_bytes", (json_int_t)plan->nodes[i].tested_bytes)) == 0;
    if (ok)
        document =
            json_pack("{s:s, s:f, s:I, s:I, s:I, s:o, s:O, s:O}", "schema", "tokenroof.soak-plan/1",
                      "seconds", plan->seconds, "memory_bytes", (json_int_t)plan->memory_bytes,
                      "available_bytes", (json_int_t)plan->available_bytes, "reserve_bytes",
                      (json_int_t)plan->reserve_bytes, "cpus",
                      tr_json_cpulist(&plan->crew.place.cpus), "nodes", nodes, "phases", phases);
    json_decref(phases);
    json_decref(nodes);
    return document;
}

static void plan_text(const struct tr_soak_plan *plan, struct tr_strbuf *out) {
    enum { SHOWN = 24 };
    char *cpus = tr_cpulist_format(&plan->crew.place.cpus);
    struct tr_table table;
    tr_strbuf_addf(out, "plan: %.10g s and a last check, CPUs %s\n", plan->seconds,
                   cpus ? cpus : "?");
    free(cpus);
    if (plan->memory_bytes)
        tr_strbuf_addf(out, "memory: %.4g GiB of %.4g GiB available; %.3g GiB stay free\n",
                       (double)plan->memory_bytes / (1 << 30),
                       (double)plan->available_bytes / (1 << 30),
                       (double)(plan->available_bytes - plan->memory_bytes) / (1 << 30));
    for (size_t i = 0; i < plan->n_nodes; i++)
        if (plan->nodes[i].memory_bytes > 0)
            tr_strbuf_addf(out, "  node %d: %.3g %%\n", plan->nodes[i].index,
                           100 * (double)plan->nodes[i].tested_bytes /
                               (double)plan->nodes[i].memory_bytes);
    tr_table_init(&table, "lrrl");
    tr_table_add(&table, "phase");
    tr_table_add(&table, "from s");
    tr_table_add(&table, "to s");
    tr_table_add(&table, "");
    for (size_t i = 0; i < plan->phases.n && i < SHOWN; i++) {
        const struct tr_soak_phase *phase = &plan->phases.items[i];
        tr_table_add(&table, tr_soak_load_name(phase->load));
        tr_table_addf(&table, "%.1f", phase->begin_s);
        tr_table_addf(&table, "%.1f", phase->end_s);
        if (phase->period_s > 0)
            tr_table_addf(&table, "all cores, every %.4g ms", phase->period_s * 1e3);
        else
            tr_table_add(&table, phase->load == TR_SOAK_STEPS ? "one core after the other" : "");
    }
    tr_table_write(&table, 2, out);
    tr_table_finish(&table);
    if (plan->phases.n > SHOWN)
        tr_strbuf_addf(out, "  ... and so on, %zu phases\n", plan->phases.n);
}

int tr_soak_print_plan(const struct tr_output_options *output, const struct tr_soak_plan *plan,
                       struct tr_err *reterr) {
    struct tr_strbuf out = {0};
    int code = 0;
    if (tr_output_machine_readable(output)) {
        json_t *document = plan_json(plan);
        code = document ? tr_json_print(document, &out) : TR_ENOMEM;
        json_decref(document);
    } else {
        plan_text(plan, &out);
    }
    if (!code && out.failed)
        code = TR_ENOMEM;
    if (!code)
        code = tr_output_print(out.text, out.length, reterr);
    tr_strbuf_finish(&out);
    return code;
}
