#include "record.h"

#include <inttypes.h>
#include <stdlib.h>

#include "calibration_json.h"
#include "machine_json.h"

/* --- the file -------------------------------------------------------------------------------- */

int tr_soak_record_open(const char *path, struct tr_soak_summary *summary,
                        struct tr_soak_record *ret_record, struct tr_err *reterr) {
    struct tr_soak_record record = {.file = {.fd = -1}, .summary = summary};
    int code = path ? tr_append_open(path, true, &record.file, NULL, reterr) : 0;
    if (!code)
        *ret_record = record;
    return code;
}

int tr_soak_record_add(struct tr_soak_record *record, json_t *line) {
    char *text = line ? json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    int code = text ? tr_soak_summary_add(record->summary, line, NULL) : TR_ENOMEM;
    if (text && record->file.fd >= 0)
        tr_strbuf_addf(&record->lines, "%s%s", record->lines.length ? "\n" : "", text);
    if (record->lines.failed)
        code = TR_ENOMEM;
    free(text);
    json_decref(line);
    return code;
}

/* All lines at once: a second has several, and the disk is asked for its word only once. */
void tr_soak_record_flush(struct tr_soak_record *record) {
    struct tr_strbuf *lines = &record->lines;
    if (record->file.fd >= 0 && lines->length &&
        tr_append_line(&record->file, lines->text, &record->why)) {
        record->failed = true;
        tr_append_close(&record->file);
    }
    tr_strbuf_finish(lines);
    *lines = (struct tr_strbuf){0};
}

void tr_soak_record_close(struct tr_soak_record *record) {
    tr_soak_record_flush(record);
    tr_append_close(&record->file);
}

/* --- lines ----------------------------------------------------------------------------------- */

static json_t *hex(uint64_t value) {
    return json_sprintf("0x%" PRIx64, value);
}

static bool put(json_t *object, const char *name, json_t *value) {
    return json_object_set_new(object, name, value) == 0;
}

/* The line, if all went well. */
static json_t *done(json_t *line, bool ok) {
    if (ok)
        return line;
    json_decref(line);
    return NULL;
}

static json_t *worker_json(const struct tr_soak_run *run, const struct tr_soak_worker *worker) {
    json_t *object = json_object(), *parts = json_array();
    bool ok = object && parts;
    for (size_t i = 0; ok && i < worker->n_parts; i++) {
        const struct tr_soak_part *part = &worker->parts[i];
        ok = json_array_append_new(parts, json_pack("{s:o, s:I, s:o}", "address",
                                                    hex((uint64_t)(uintptr_t)part->buffer.base),
                                                    "bytes", (json_int_t)part->bytes, "node",
                                                    tr_json_count(part->node))) == 0;
    }
    ok = ok && put(object, "cpu", json_integer(worker->cpu)) &&
         put(object, "tid", json_integer(atomic_load(&worker->tid))) &&
         put(object, "operands", hex((uint64_t)(uintptr_t)worker->operands)) &&
         put(object, "operand_bytes", json_integer((json_int_t)run->kernels.operand_bytes)) &&
         json_object_set(object, "memory", parts) == 0;
    json_decref(parts);
    return done(object, ok);
}

static json_t *kernels_json(const struct tr_soak_kernels *kernels) {
    json_t *names = json_array();
    bool ok = names && json_array_append_new(
                           names, json_sprintf("%s %s", kernels->verify[TR_PATTERN_RANDOM]->id,
                                               kernels->verify[TR_PATTERN_RANDOM]->isa)) == 0;
    for (size_t i = 0; ok && i < kernels->n_chains; i++)
        ok = json_array_append_new(names, json_sprintf("%s %s", kernels->chains[i].kernel->id,
                                                       kernels->chains[i].kernel->isa)) == 0;
    return done(names, ok);
}

static json_t *loads_json(unsigned loads) {
    json_t *names = json_array();
    bool ok = names;
    for (int i = 0; ok && i < TR_SOAK_LOADS; i++)
        if (loads >> i & 1)
            ok = json_array_append_new(names, json_string(tr_soak_load_name(i))) == 0;
    return done(names, ok);
}

/* What a soak holds for, and may be another one later: firmware, memory, fabric. */
static json_t *machine_json(const struct tr_machine *machine) {
    json_t *all = NULL;
    if (tr_machine_to_json(machine, &all))
        return NULL;
    const json_t *memory = json_object_get(all, "memory");
    json_t *fclk = json_object_get(json_object_get(all, "clocks"), "fclk_ghz");
    json_t *object = json_pack("{s:O?, s:{s:O?, s:O?, s:O?}, s:{s:O?}}", "firmware",
                               json_object_get(all, "firmware"), "memory", "channels_populated",
                               json_object_get(memory, "channels_populated"), "configured_mts",
                               json_object_get(memory, "configured_mts"), "total_bytes",
                               json_object_get(memory, "total_bytes"), "clocks", "fclk_ghz", fclk);
    json_decref(all);
    return object;
}

json_t *tr_soak_line_head(const struct tr_soak_run *run, const struct tr_soak_worker *workers,
                          const struct tr_soak_options *options, const char *created,
                          const char *boot_id) {
    const struct tr_soak_plan *plan = run->plan;
    json_t *line = json_object(), *threads = json_array();
    bool ok = line && threads;
    for (int i = 0; ok && i < plan->crew.n_threads; i++)
        ok = json_array_append_new(threads, worker_json(run, &workers[i])) == 0;
    ok = ok && put(line, "record", json_string("soak")) &&
         put(line, "schema", json_string(TR_SOAK_RECORD_SCHEMA)) &&
         put(line, "created", json_string(created)) &&
         put(line, "boot_id", tr_json_text(boot_id)) &&
         put(line, "host_id", tr_json_text(run->machine->host_id)) &&
         put(line, "tool", tr_tool_to_json()) &&
         put(line, "cpu_model", tr_json_text(run->machine->cpu.model)) &&
         put(line, "machine", machine_json(run->machine)) &&
         put(line, "virtual", json_boolean(run->machine->environment.virtual_machine)) &&
         put(line, "seconds_planned", tr_json_number(plan->seconds)) &&
         put(line, "loads", loads_json(options->loads)) &&
         put(line, "available_bytes", json_integer((json_int_t)plan->available_bytes)) &&
         put(line, "reserve_bytes", json_integer((json_int_t)plan->reserve_bytes)) &&
         put(line, "memory_bytes", json_integer((json_int_t)plan->memory_bytes)) &&
         put(line, "cache_bytes", tr_json_count(plan->crew.llc_bytes)) &&
         put(line, "max_corrected_per_hour", tr_json_number(options->max_corrected_per_hour)) &&
         put(line, "kernels", kernels_json(&run->kernels)) &&
         json_object_set(line, "threads", threads) == 0;
    json_decref(threads);
    return done(line, ok);
}

json_t *tr_soak_line_second(const struct tr_soak_second *second) {
    json_t *line = json_object();
    bool ok = line && put(line, "record", json_string("second")) &&
              put(line, "t_s", tr_json_number(second->t_s)) &&
              put(line, "span_s", tr_json_number(second->span_s)) &&
              put(line, "phase",
                  json_string(second->stage < 0 ? "several" : tr_soak_load_name(second->stage)));
    for (int i = 0; ok && i < TR_SOAK_COLUMNS; i++)
        ok = put(line, tr_soak_column_name((enum tr_soak_column)i),
                 tr_json_number(second->values[i]));
    return done(line, ok);
}

static json_t *bits_json(uint64_t bits) {
    json_t *array = json_array();
    bool ok = array;
    for (int i = 0; ok && i < 64; i++)
        if (bits >> i & 1)
            ok = json_array_append_new(array, json_integer(i)) == 0;
    return done(array, ok);
}

json_t *tr_soak_line_mismatch(const struct tr_soak_mismatch *mismatch, const char *at) {
    json_t *line = json_object();
    bool ok = line && put(line, "record", json_string("mismatch")) &&
              put(line, "what", json_string(mismatch->memory ? "memory" : "compute")) &&
              put(line, "at", json_string(at)) && put(line, "t_s", tr_json_number(mismatch->t_s)) &&
              put(line, "cpu", json_integer(mismatch->cpu)) &&
              put(line, "node", tr_json_count(mismatch->node)) &&
              put(line, "address", mismatch->address ? hex(mismatch->address) : json_null()) &&
              put(line, "physical",
                  mismatch->physical >= 0 ? hex((uint64_t)mismatch->physical) : json_null()) &&
              put(line, "expected", hex(mismatch->expected)) &&
              put(line, "found", hex(mismatch->found)) &&
              put(line, "xor", hex(mismatch->expected ^ mismatch->found)) &&
              put(line, "bits", bits_json(mismatch->expected ^ mismatch->found)) &&
              put(line, "fault", json_string(tr_soak_fault_name(mismatch->fault))) &&
              put(line, mismatch->memory ? "pattern" : "kernel", json_string(mismatch->what)) &&
              put(line, "isa", tr_json_text(mismatch->isa)) &&
              put(line, "pass", json_integer((json_int_t)mismatch->pass));
    return done(line, ok);
}

json_t *tr_soak_line_nodes(const struct tr_soak_run *run, const struct tr_soak_worker *workers) {
    const struct tr_soak_plan *plan = run->plan;
    json_t *nodes = json_array();
    bool ok = nodes;
    for (size_t i = 0; ok && i < plan->n_nodes; i++) {
        int64_t tested = 0, taken = 0;
        for (int k = 0; k < plan->crew.n_threads; k++)
            for (size_t p = 0; p < workers[k].n_parts; p++)
                if (workers[k].parts[p].node == plan->nodes[i].index) {
                    tested += (int64_t)atomic_load(&workers[k].parts[p].tested_bytes);
                    taken += (int64_t)workers[k].parts[p].bytes;
                }
        ok = json_array_append_new(
                 nodes, json_pack("{s:o, s:o, s:I, s:I}", "node",
                                  tr_json_count(plan->nodes[i].index), "memory_bytes",
                                  tr_json_count(plan->nodes[i].memory_bytes), "taken_bytes",
                                  (json_int_t)taken, "tested_bytes", (json_int_t)tested)) == 0;
    }
    json_t *line = ok ? json_pack("{s:s, s:O}", "record", "nodes", "nodes", nodes) : NULL;
    json_decref(nodes);
    return line;
}

json_t *tr_soak_line_note(const char *text) {
    return json_pack("{s:s, s:o}", "record", "note", "text", tr_json_text(text));
}

json_t *tr_soak_line_end(bool partial) {
    return json_pack("{s:s, s:b}", "record", "end", "partial", (int)partial);
}
