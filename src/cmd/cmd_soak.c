/* tokenroof soak: sustained load, with every word and every result verified. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "calibration_json.h"
#include "cmd.h"
#include "file.h"
#include "parse.h"
#include "predictions.h"
#include "progress.h"
#include "soak.h"
#include "soak_text.h"
#include "storage.h"
#include "table.h"
#include "tokenroof/calibration.h"

struct soak_options {
    struct tr_output_options output;
    struct tr_progress_options progress;
    double minutes;
    const char *time, *memory, *cpus, *nodes, *phases, *show;
    int threads;
    int isa; /* index into isa_names, 0 = best */
    double max_corrected;
    bool dry_run;
};

static const double default_s = 600, longest_s = 30 * 86400.0;
static const char *const isa_names[] = {"best", "scalar", "sse2", "avx2", "avx512", "amx", NULL};

#define MEMBER(name) offsetof(struct soak_options, name)
static const struct tr_option rows[] = {
    {.name = "minutes",
     .argument = "N",
     .store = tr_store_double,
     .offset = MEMBER(minutes),
     .min = 0.01,
     .max = 43200,
     .brief = true,
     .help = "how long; default: 10"},
    {.name = "time",
     .argument = "DURATION",
     .store = tr_store_text,
     .offset = MEMBER(time),
     .help = "the same as 90s, 30m, 12h"},
    {.name = "memory",
     .argument = "SHARE|SIZE",
     .store = tr_store_text,
     .offset = MEMBER(memory),
     .brief = true,
     .help = "of what is available, 50% or 16GiB; default: all but 1/32 (512 MiB at least)"},
    {.name = "phases",
     .argument = "LIST",
     .store = tr_store_text,
     .offset = MEMBER(phases),
     .brief = true,
     .help = "of memory, compute, mixed, steps (of the load); default: all"},
    {.name = "cpus",
     .argument = "LIST",
     .store = tr_store_text,
     .offset = MEMBER(cpus),
     .brief = true,
     .help = "load only these CPUs, e.g. 0-7,16"},
    {.name = "nodes",
     .argument = "LIST",
     .store = tr_store_text,
     .offset = MEMBER(nodes),
     .help = "test only the memory of these NUMA nodes"},
    {.name = "threads",
     .argument = "N",
     .store = tr_store_int,
     .offset = MEMBER(threads),
     .min = 1,
     .max = TR_CPULIST_MAX_ID,
     .help = "load only so many cores; default: all, one thread each"},
    {.name = "isa",
     .argument = "LEVEL",
     .store = tr_store_choice,
     .choices = isa_names,
     .offset = MEMBER(isa),
     .help = "at most scalar, sse2, avx2 or avx512; default: best, and those below"},
    {.name = "max-corrected",
     .argument = "N",
     .store = tr_store_double,
     .offset = MEMBER(max_corrected),
     .max = 1e9,
     .help = "more memory errors that ECC corrected an hour fail; default: 10"},
    {.name = "show",
     .argument = "FILE",
     .store = tr_store_text,
     .offset = MEMBER(show),
     .brief = true,
     .help = "a soak's document, or the record of one that was killed; no new one"},
    {.name = "dry-run",
     .store = tr_store_true,
     .offset = MEMBER(dry_run),
     .brief = true,
     .help = "show the plan with time and memory, and stop"},
};

/* --- options --------------------------------------------------------------------------------- */

struct selection {
    struct tr_soak_options soak;
    struct tr_cpulist cpus, nodes;
};

static int parse_duration(const char *text, double *ret_seconds, struct tr_err *reterr) {
    static const struct {
        const char *unit;
        double seconds;
    } units[] = {{"s", 1}, {"m", 60}, {"min", 60}, {"h", 3600}};
    char number[32] = "";
    double value = 0;
    size_t digits = strspn(text, "0123456789.");
    if (digits < sizeof(number))
        memcpy(number, text, digits);
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (!strcmp(text + digits, units[i].unit) &&
            !tr_parse_double(number, 0, longest_s, &value, NULL)) {
            *ret_seconds = value * units[i].seconds;
            if (*ret_seconds >= 0.5 && *ret_seconds <= longest_s)
                return 0;
            return tr_err_set(reterr, TR_EUSAGE, "--time: '%.40s': from 0.5s to 720h", text);
        }
    return tr_err_set(reterr, TR_EUSAGE, "--time: '%.40s' is not a duration. Write 90s, 30m or 12h",
                      text);
}

static int parse_memory(const char *text, struct tr_soak_options *soak, struct tr_err *reterr) {
    struct tr_err why = {0};
    char number[32];
    double percent = 0;
    uint64_t bytes = 0;
    size_t n = strlen(text);
    if (n > 1 && n < sizeof(number) && text[n - 1] == '%') {
        memcpy(number, text, n - 1);
        number[n - 1] = '\0';
        if (tr_parse_double(number, 0.001, 100, &percent, &why))
            return tr_err_set(reterr, TR_EUSAGE, "--memory: %s", why.text);
        soak->memory_share = percent / 100;
        return 0;
    }
    if (tr_parse_size(text, &bytes, &why))
        return tr_err_set(reterr, TR_EUSAGE, "--memory: %s, or a share: 50%%", why.text);
    if (bytes < (uint64_t)1 << 20 || bytes > (uint64_t)1 << 50)
        return tr_err_set(reterr, TR_EUSAGE, "--memory: %.40s: from 1MiB to 1024TiB", text);
    soak->memory_bytes = (int64_t)bytes;
    return 0;
}

static int parse_phases(const char *text, unsigned *ret_loads, struct tr_err *reterr) {
    static const char *const known[] = {"memory", "compute", "mixed", "steps", NULL};
    unsigned loads = 0;
    for (const char *at = text;; at++) {
        char word[24] = "";
        struct tr_err why = {0};
        size_t n = strcspn(at, ",");
        memcpy(word, at, n < sizeof(word) ? n : sizeof(word) - 1);
        int load = tr_soak_load_from_name(word);
        if (load < 0) {
            int code = tr_unknown("phase", word, known, &why);
            return tr_err_set(reterr, code, "--phases: %s", why.text);
        }
        loads |= 1u << load;
        at += n;
        if (!*at)
            break;
    }
    *ret_loads = loads;
    return 0;
}

static int select_what(const struct soak_options *options, struct selection *selection,
                       struct tr_err *reterr) {
    int code = 0;
    selection->soak = (struct tr_soak_options){
        .seconds = options->minutes > 0 ? options->minutes * 60 : default_s,
        .loads = (1u << TR_SOAK_LOADS) - 1,
        .threads = options->threads,
        .memory_share = 1,
        .isa_cap = options->isa - 1,
        .max_corrected_per_hour = options->max_corrected,
    };
    if (options->time)
        code = parse_duration(options->time, &selection->soak.seconds, reterr);
    if (!code && options->memory)
        code = parse_memory(options->memory, &selection->soak, reterr);
    if (!code && options->phases)
        code = parse_phases(options->phases, &selection->soak.loads, reterr);
    if (!code && options->cpus)
        code = tr_option_cpulist("cpus", options->cpus, &selection->cpus, &selection->soak.cpus,
                                 reterr);
    if (!code && options->nodes)
        code = tr_option_cpulist("nodes", options->nodes, &selection->nodes, &selection->soak.nodes,
                                 reterr);
    return code;
}

static int check_options(const struct tr_command *command, void *target, struct tr_err *reterr) {
    const struct soak_options *options = target;
    (void)command;
    if (options->time && options->minutes > 0)
        return tr_err_set(reterr, TR_EUSAGE, "--minutes and --time exclude each other");
    return 0;
}

/* --- the plan -------------------------------------------------------------------------------- */

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
    tr_strbuf_addf(out, "plan: %.4g s and a last check, CPUs %s\n", plan->seconds,
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

static int print_plan(const struct soak_options *options, const struct tr_soak_plan *plan,
                      struct tr_err *reterr) {
    struct tr_strbuf out = {0};
    int code = 0;
    if (tr_output_machine_readable(&options->output)) {
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

/* --- files ----------------------------------------------------------------------------------- */

struct place {
    char created[TR_SOAK_TIME_BYTES];
    char *record, *document;
};

static void place_finish(struct place *place) {
    free(place->record);
    free(place->document);
}

/* Soaks whose record was never turned into a document: the program or the machine went down. */
static void tell_of_others(const struct tr_output_options *output, const char *folder) {
    DIR *entries = opendir(folder);
    for (struct dirent *entry; entries && (entry = readdir(entries)) != NULL;) {
        size_t n = strlen(entry->d_name);
        if (n < 7 || strcmp(entry->d_name + n - 6, ".jsonl") != 0)
            continue;
        char *document = tr_format("%s/%.*s.json", folder, (int)(n - 6), entry->d_name);
        if (document && access(document, F_OK))
            tr_note(output,
                    "an earlier soak did not end, or still runs: tokenroof soak --show "
                    "%s/%s",
                    folder, entry->d_name);
        free(document);
    }
    if (entries)
        closedir(entries);
}

/* Names that are free; a second soak of the same second gets "_2". */
static int find_place(const struct tr_output_options *output, const char *host_id,
                      struct place *place, struct tr_err *reterr) {
    char *folder = NULL;
    int code = tr_data_folder(NULL, host_id, "soak", &folder, reterr);
    if (!code)
        code = tr_make_folders(folder, reterr);
    if (!code)
        tell_of_others(output, folder);
    tr_soak_now(place->created);
    for (int i = 1; !code && i < 10; i++) {
        char suffix[4] = "";
        if (i > 1)
            suffix[0] = '_', suffix[1] = (char)('0' + i);
        place_finish(place);
        place->record = tr_format("%s/%s%s.jsonl", folder, place->created, suffix);
        place->document = tr_format("%s/%s%s.json", folder, place->created, suffix);
        if (!place->record || !place->document)
            code = TR_ENOMEM;
        else if (access(place->record, F_OK) && access(place->document, F_OK))
            break;
    }
    free(folder);
    return code;
}

/* The document takes the place of the record. */
static int save(const json_t *document, const struct place *place, struct tr_err *reterr) {
    struct tr_strbuf text = {0};
    int code = tr_json_print(document, &text);
    if (!code && text.failed)
        code = TR_ENOMEM;
    if (!code)
        code = tr_file_write(place->document, text.text, text.length, false, reterr);
    if (!code)
        unlink(place->record);
    tr_strbuf_finish(&text);
    return code;
}

/* --- running --------------------------------------------------------------------------------- */

struct display {
    const struct soak_options *options;
    struct tr_progress bar;
};

static void show_begin(void *context, const json_t *head) {
    const struct display *display = context;
    const json_t *thread, *part;
    size_t i, k;
    if (display->options->output.verbose < 1)
        return;
    json_array_foreach(json_object_get(head, "threads"), i, thread) {
        json_array_foreach(json_object_get(thread, "memory"), k, part) {
            tr_note(&display->options->output, "CPU %d tests %.4g MiB at %s",
                    (int)json_integer_value(json_object_get(thread, "cpu")),
                    (double)json_integer_value(json_object_get(part, "bytes")) / (1 << 20),
                    json_string_value(json_object_get(part, "address")));
        }
    }
}

static void show_progress(void *context, const struct tr_soak_progress *progress) {
    struct display *display = context;
    const struct tr_soak_second *second = progress->second;
    char figure[160];
    snprintf(figure, sizeof(figure), "%.4g GB/s, %.4g GFLOP/s, %llu mismatches",
             second->values[TR_SOAK_GB_S], second->values[TR_SOAK_GFLOP_S],
             (unsigned long long)progress->mismatches);
    tr_progress_stage(&display->bar, tr_soak_load_name(second->stage), progress->phase,
                      progress->n_phases, progress->seconds_left, figure);
}

struct shown {
    json_t *document;
};

static int render(const char *format, const struct tr_term *term, const void *data,
                  struct tr_strbuf *out, struct tr_err *reterr) {
    const struct shown *shown = data;
    (void)reterr;
    return strcmp(format, "json") != 0 ? tr_soak_render(format, shown->document, term, out)
                                       : tr_json_print(shown->document, out);
}

static int write_out(const struct soak_options *options, json_t *document, struct tr_err *reterr) {
    struct shown shown = {document};
    const char *verdict = json_string_value(json_object_get(document, "verdict"));
    int code = tr_output_write(&options->output, "text", render, &shown, reterr);
    return !code && verdict && !strcmp(verdict, "fail") ? TR_ECHECK : code;
}

static int soak(const struct soak_options *options, const struct tr_machine *machine,
                const struct tr_soak_plan *plan, const struct tr_soak_options *soak_options,
                struct tr_err *reterr) {
    struct place place = {0};
    struct tr_soak_summary summary = {0};
    struct display display = {.options = options};
    struct tr_soak_watch watch = {.stop = tr_stop_flag(),
                                  .begun = show_begin,
                                  .progress = show_progress,
                                  .context = &display};
    json_t *document = NULL;
    struct tr_err problem = {0};
    int code = find_place(&options->output, machine->host_id, &place, reterr);
    if (code) {
        place_finish(&place);
        return code;
    }
    tr_progress_init(&display.bar, (enum tr_progress_mode)options->progress.mode,
                     options->output.quiet, plan->seconds);
    code =
        tr_soak(machine, plan, soak_options, place.created, place.record, &watch, &summary, reterr);
    tr_progress_end(&display.bar);
    int told = code && code != TR_ESTOPPED ? code : 0;
    if (!told && summary.head)
        told = tr_soak_document(&summary, &document);
    if (!told && document) {
        int saved = save(document, &place, &problem);
        told = write_out(options, document, &problem);
        if (!saved)
            tr_note(&options->output, "saved %s", place.document);
        else if (!told || told == TR_ECHECK)
            told = saved;
    }
    if (watch.record_failed && (!told || told == TR_ECHECK)) {
        problem = watch.record_error;
        told = TR_EIO;
    }
    if (code == TR_ESTOPPED && told && *problem.text)
        tr_note(&options->output, "%s", problem.text);
    else if (!code && told && reterr)
        *reterr = problem;
    json_decref(document);
    tr_soak_summary_finish(&summary);
    place_finish(&place);
    return code ? code : told;
}

/* --- a soak of the past ---------------------------------------------------------------------- */

/* A document is one value; a record has one each line. */
static int read_document(const char *path, json_t **ret_document, struct tr_err *reterr) {
    struct tr_soak_summary summary;
    char *text = NULL;
    size_t length = 0;
    int code = tr_file_read(path, (size_t)1 << 30, &text, &length, reterr);
    json_t *document = code ? NULL : json_loadb(text, length, 0, NULL);
    const char *schema = json_string_value(json_object_get(document, "schema"));
    free(text);
    if (!code && schema && !strcmp(schema, TR_SOAK_SCHEMA)) {
        *ret_document = document;
        return 0;
    }
    json_decref(document);
    if (!code)
        code = tr_soak_summary_read(path, &summary, reterr);
    if (code)
        return tr_err_of_input(code);
    code = tr_soak_document(&summary, ret_document);
    tr_soak_summary_finish(&summary);
    return code;
}

static int run(void *data, char *const *arguments, size_t n, struct tr_err *reterr) {
    const struct soak_options *options = data;
    struct tr_machine_options here = {0};
    struct selection selection = {0};
    struct tr_machine *machine = NULL;
    struct tr_soak_plan plan = {0};
    json_t *document = NULL;
    (void)arguments;
    (void)n;
    int code = 0;
    if (options->show) {
        code = read_document(options->show, &document, reterr);
        if (!code)
            code = write_out(options, document, reterr);
        json_decref(document);
        return code;
    }
    code = select_what(options, &selection, reterr);
    if (!code)
        code = tr_machine_load(&here, &machine, reterr);
    if (!code)
        code = tr_soak_plan_make(machine, &selection.soak, &plan, reterr);
    if (!code && options->dry_run)
        code = print_plan(options, &plan, reterr);
    else if (!code)
        code = soak(options, machine, &plan, &selection.soak, reterr);
    tr_soak_plan_finish(&plan);
    tr_machine_destroy(machine);
    tr_cpulist_finish(&selection.cpus);
    tr_cpulist_finish(&selection.nodes);
    return code;
}

static const struct soak_options defaults = {.max_corrected = 10};
static const char *const formats[] = {"text",     "json",  "jsonl", "csv",
                                      "markdown", "junit", "tap",   NULL};
static const struct tr_option_group groups[] = {
    {"what is loaded", TR_ROWS(rows), 0, check_options},
    TR_GROUP_PROGRESS(struct soak_options, progress),
    TR_GROUP_OUTPUT,
    TR_GROUP_END,
};

const struct tr_command tr_command_soak = {
    .usage = "[options]",
    .about = "All cores compute, and all memory but a reserve is written and verified, each\n"
             "word and each result exactly; once a second rates, clocks, temperatures, power\n"
             "and the machine's counters of faults go into a record. A mismatch, an error\n"
             "that ECC could not correct or a machine check fails (status 5). Ctrl-C ends it\n"
             "early with what it has; of one that was killed, --show FILE tells what its\n"
             "record holds.\n",
    .examples = "  tokenroof soak --minutes 60\n"
                "  tokenroof soak --time 30s --memory 25% --phases memory\n"
                "  tokenroof soak --minutes 480 -f junit:soak.xml\n",
    .groups = groups,
    .formats = formats,
    .options_bytes = sizeof(struct soak_options),
    .defaults = &defaults,
    .argument = "argument",
    .measures = true,
    .run = run,
};
