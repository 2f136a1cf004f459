/* tokenroof measure: any subset of kernels, places, sizes and threads. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine_measure.h"
#include "measuring.h"
#include "parse.h"
#include "report.h"
#include "self_test.h"

enum { MAX_KERNELS = 32, MAX_THREAD_COUNTS = 32 };

struct measure_options {
    struct tr_output_options output;
    struct tr_machine_options machine;
    struct tr_progress_options progress;
    const char *engine; /* folder of an engine's libraries; NULL without */
    const char *kernels, *place, *cpus, *nodes, *threads, *size;
    int isa;   /* index into isa_names, 0 = best */
    int pages; /* enum tr_pages */
    bool quick, full, dry_run, self_test;
    double seconds;
};

/* Budgets in seconds; setting up and checking come on top. */
static const double quick_s = 9, default_s = 60, full_s = 500;

static const char *const isa_names[] = {"best", "scalar", "sse2", "avx2", "avx512", "amx", NULL};
static const char *const pages_names[] = {"thp", "4k", "2m", "1g", NULL};

#define MEMBER(name) offsetof(struct measure_options, name)
static const struct tr_option rows[] = {
    {.name = "quick",
     .store = tr_store_true,
     .offset = MEMBER(quick),
     .brief = true,
     .help = "everything within 20 s; default: 60 s"},
    {.name = "full",
     .store = tr_store_true,
     .offset = MEMBER(full),
     .brief = true,
     .help = "everything within 10 min"},
    {.name = "time",
     .argument = "SECONDS",
     .store = tr_store_double,
     .offset = MEMBER(seconds),
     .min = 0.1,
     .max = 86400,
     .help = "time budget of one's own"},
    {.name = "kernel",
     .argument = "LIST",
     .store = tr_store_text,
     .offset = MEMBER(kernels),
     .brief = true,
     .help = "of read,triad,fma,sweep,latency,... or patterns (tokenroof list kernels)"},
    {.name = "engine",
     .argument = "DIR",
     .store = tr_store_text,
     .offset = MEMBER(engine),
     .help = "also time the kernels of the llama.cpp build in DIR (a minute more)"},
    {.name = "isa",
     .argument = "LEVEL",
     .store = tr_store_choice,
     .choices = isa_names,
     .offset = MEMBER(isa),
     .brief = true,
     .help = "at most scalar, sse2, avx2, avx512, amx or best"},
    {.name = "place",
     .argument = "KIND[:LIST]",
     .store = tr_store_text,
     .offset = MEMBER(place),
     .brief = true,
     .help = "each core, ccd, node, package alone; pair:A,B; machine (default)"},
    {.name = "cpus",
     .argument = "LIST",
     .store = tr_store_text,
     .offset = MEMBER(cpus),
     .help = "use only these CPUs, e.g. 0-7,16"},
    {.name = "nodes",
     .argument = "LIST",
     .store = tr_store_text,
     .offset = MEMBER(nodes),
     .help = "put the memory on these NUMA nodes; default: each thread's own"},
    {.name = "threads",
     .argument = "N[,N]",
     .store = tr_store_text,
     .offset = MEMBER(threads),
     .brief = true,
     .help = "numbers of threads, one per core; default: 1 and all"},
    {.name = "size",
     .argument = "SIZE",
     .store = tr_store_text,
     .offset = MEMBER(size),
     .brief = true,
     .help = "working set of all threads, 256MiB or 64MiB/thread; default: 4 x caches"},
    {.name = "pages",
     .argument = "KIND",
     .store = tr_store_choice,
     .choices = pages_names,
     .offset = MEMBER(pages),
     .help = "page size: thp, 4k, 2m or 1g; default: thp"},
    {.name = "self-test",
     .store = tr_store_true,
     .offset = MEMBER(self_test),
     .help = "put real faults into measurements; each must be reported"},
    {.name = "dry-run",
     .store = tr_store_true,
     .offset = MEMBER(dry_run),
     .brief = true,
     .help = "show the plan with time and memory, and stop"},
};

/* Everything the plan options point to. */
struct selection {
    struct tr_plan_options plan;
    char *kernel_text;
    const char *kernels[MAX_KERNELS];
    int threads[MAX_THREAD_COUNTS];
    struct tr_cpulist cpus, nodes, indices, pair;
};

static void selection_finish(struct selection *selection) {
    free(selection->kernel_text);
    tr_cpulist_finish(&selection->cpus);
    tr_cpulist_finish(&selection->nodes);
    tr_cpulist_finish(&selection->indices);
    tr_cpulist_finish(&selection->pair);
}

static int split_kernels(const char *text, struct selection *selection, struct tr_err *reterr) {
    char *rest = NULL;
    selection->kernel_text = strdup(text);
    if (!selection->kernel_text)
        return TR_ENOMEM;
    for (char *name = strtok_r(selection->kernel_text, ",", &rest); name;
         name = strtok_r(NULL, ",", &rest)) {
        if (selection->plan.n_kernels == MAX_KERNELS)
            return tr_err_set(reterr, TR_EUSAGE, "--kernel: more than %d names", MAX_KERNELS);
        selection->kernels[selection->plan.n_kernels++] = name;
    }
    if (!selection->plan.n_kernels)
        return tr_err_set(reterr, TR_EUSAGE, "--kernel: no name given. See tokenroof list kernels");
    selection->plan.kernels = selection->kernels;
    return 0;
}

static int split_threads(const char *text, struct selection *selection, struct tr_err *reterr) {
    struct tr_err why = {0};
    for (const char *at = text;; at += strcspn(at, ",") + 1) {
        char word[24];
        int64_t value = 0;
        snprintf(word, sizeof(word), "%.*s", (int)strcspn(at, ","), at);
        if (selection->plan.n_threads == MAX_THREAD_COUNTS)
            return tr_err_set(reterr, TR_EUSAGE, "--threads: more than %d numbers",
                              MAX_THREAD_COUNTS);
        if (tr_parse_int(word, 1, TR_CPULIST_MAX_ID, &value, &why))
            return tr_err_set(reterr, TR_EUSAGE, "--threads: %s", why.text);
        bool known = false; /* twice is once */
        for (size_t i = 0; i < selection->plan.n_threads; i++)
            known = known || selection->threads[i] == (int)value;
        if (!known)
            selection->threads[selection->plan.n_threads++] = (int)value;
        if (!at[strcspn(at, ",")])
            break;
    }
    selection->plan.threads = selection->threads;
    return 0;
}

/* ":0,5" */
static int parse_pair(const char *text, struct selection *selection, struct tr_err *reterr) {
    if (*text != ':' || tr_cpulist_parse(text + 1, &selection->pair, NULL) ||
        selection->pair.n != 2)
        return tr_err_set(reterr, TR_EUSAGE,
                          "--place: pair takes two different cores, as in pair:0,5");
    selection->plan.pair = &selection->pair;
    return 0;
}

static int parse_place(const char *text, struct selection *selection, struct tr_err *reterr) {
    static const char *const kinds[] = {"machine", "package", "node", "ccd", "core", "pair", NULL};
    char kind[24];
    struct tr_err why = {0};
    size_t n = strcspn(text, ":");
    snprintf(kind, sizeof(kind), "%.*s", (int)n, text);
    if (!strcmp(kind, "pair"))
        return parse_pair(text + n, selection, reterr);
    int found = tr_place_kind_from_name(kind);
    if (found < 0) {
        int code = tr_unknown("place", kind, kinds, &why);
        return tr_err_set(reterr, code, "--place: %s", why.text);
    }
    selection->plan.place = (enum tr_place_kind)found;
    if (!text[n])
        return 0;
    if (tr_cpulist_parse(text + n + 1, &selection->indices, &why) || !selection->indices.n)
        return tr_err_set(reterr, TR_EUSAGE, "--place: %s",
                          why.text[0] ? why.text : "no number after the colon");
    selection->plan.place_indices = &selection->indices;
    return 0;
}

static int parse_size(const char *text, struct selection *selection, struct tr_err *reterr) {
    static const char suffix[] = "/thread";
    char number[40];
    struct tr_err why = {0};
    uint64_t bytes = 0;
    size_t n = strlen(text);
    if (n > strlen(suffix) && !strcmp(text + n - strlen(suffix), suffix)) {
        selection->plan.size_per_thread = true;
        n -= strlen(suffix);
    }
    snprintf(number, sizeof(number), "%.*s", (int)n, text);
    if (tr_parse_size(number, &bytes, &why))
        return tr_err_set(reterr, TR_EUSAGE, "--size: %s", why.text);
    if (bytes < 4096 || bytes > (uint64_t)1 << 50)
        return tr_err_set(reterr, TR_EUSAGE, "--size: %.40s: from 4KiB to 1024TiB", text);
    selection->plan.size_bytes = (int64_t)bytes;
    return 0;
}

static int select_what(const struct measure_options *options, struct selection *selection,
                       struct tr_err *reterr) {
    int code = 0;
    selection->plan.isa_cap = options->isa - 1;
    selection->plan.pages = (enum tr_pages)options->pages;
    selection->plan.seconds = options->seconds > 0 ? options->seconds
                              : options->quick     ? quick_s
                              : options->full      ? full_s
                                                   : default_s;
    selection->plan.effort = options->full                            ? TR_EFFORT_FULL
                             : options->quick || options->seconds > 0 ? TR_EFFORT_QUICK
                                                                      : TR_EFFORT_DEFAULT;
    if (options->kernels)
        code = split_kernels(options->kernels, selection, reterr);
    if (!code && options->threads)
        code = split_threads(options->threads, selection, reterr);
    if (!code && options->place)
        code = parse_place(options->place, selection, reterr);
    if (!code && options->size)
        code = parse_size(options->size, selection, reterr);
    if (!code && options->cpus)
        code = tr_option_cpulist("cpus", options->cpus, &selection->cpus, &selection->plan.cpus,
                                 reterr);
    if (!code && options->nodes)
        code = tr_option_cpulist("nodes", options->nodes, &selection->nodes,
                                 &selection->plan.memory_nodes, reterr);
    return code;
}

/* A selection measures something special: it is kept only where the user says so. */
static bool is_selection(const struct measure_options *options) {
    return options->kernels || options->place || options->cpus || options->nodes ||
           options->threads || options->size || options->isa || options->pages ||
           options->seconds > 0;
}

static int check_options(const struct tr_command *command, void *target, struct tr_err *reterr) {
    const struct measure_options *options = target;
    (void)command;
    if (options->quick + options->full + (options->seconds > 0) > 1)
        return tr_err_set(reterr, TR_EUSAGE, "--quick, --full and --time exclude each other");
    if (options->cpus && options->place && !strncmp(options->place, "pair", 4))
        return tr_err_set(reterr, TR_EUSAGE, "--cpus and --place pair exclude each other");
    if (options->self_test &&
        (is_selection(options) || options->quick || options->full || options->dry_run))
        return tr_err_set(reterr, TR_EUSAGE, "--self-test stands alone: it plans by itself");
    return 0;
}

static int render(const char *format, const struct tr_term *term, const void *data,
                  struct tr_strbuf *out, struct tr_err *reterr) {
    struct tr_report_input input = *(const struct tr_report_input *)data;
    input.term = *term;
    return tr_report_render(format, &input, out, reterr);
}

static int run(void *data, char *const *arguments, size_t n_arguments, struct tr_err *reterr) {
    struct measure_options *options = data;
    struct tr_measuring measuring = {0};
    struct selection selection = {0};
    struct tr_calibration *calibration = NULL;
    (void)arguments;
    (void)n_arguments;

    if (options->self_test)
        return tr_self_test(&options->output, &options->machine, reterr);
    int code = select_what(options, &selection, reterr);
    if (!code)
        code = tr_measuring_init(&measuring, &options->output, &options->progress,
                                 &options->machine, &selection.plan, reterr);
    if (!code && options->dry_run) {
        code = tr_measuring_print_plan(&measuring, reterr);
    } else if (!code) {
        tr_measuring_announce(&measuring);
        code = tr_measuring_run(&measuring, &calibration, reterr);
        struct tr_err problem = {0};
        int written = 0;
        if (options->engine && calibration && (!code || code == TR_EUNTRUSTED)) {
            int timed = tr_engine_measure(options->engine, measuring.machine, &options->output,
                                          calibration, &problem);
            /* The other figures are as good as ever, and kept. */
            if (timed && reterr)
                *reterr = problem;
            code = timed ? timed : code;
        }
        /* The figures are shown and written where the user said, before a folder can fail. */
        const struct tr_report_input input = {.calibration = calibration,
                                              .verbose = is_selection(options) ||
                                                         options->output.verbose > 0};
        if (calibration)
            written = tr_output_write(&options->output, "text", render, &input, &problem);
        /* A pipe or a terminal that is gone is no reason to lose what took a minute. */
        if (calibration && !is_selection(options)) {
            int saved = tr_calibration_save(calibration, NULL, measuring.machine->host_id,
                                            written ? NULL : &problem);
            written = written ? written : saved;
        }
        if (calibration && calibration->path)
            tr_note(&options->output, "saved %s", calibration->path);
        if (written && code == TR_ESTOPPED) {
            tr_note(&options->output, "%s", problem.text);
        } else if (written) {
            code = written;
            if (reterr)
                *reterr = problem;
        }
    }
    if ((!code || code == TR_EUNTRUSTED) && measuring.plan.left_out[0])
        code = tr_err_set(reterr, TR_EUNAVAILABLE, "%s", measuring.plan.left_out);
    tr_calibration_destroy(calibration);
    tr_measuring_finish(&measuring);
    selection_finish(&selection);
    return code;
}

static const char *const formats[] = {"text",     "json", "jsonl",      "csv",
                                      "markdown", "html", "prometheus", NULL};
static const struct tr_option_group groups[] = {
    {"what is measured", TR_ROWS(rows), 0, check_options},
    TR_GROUP_OVERRIDES(struct measure_options, machine),
    TR_GROUP_PROGRESS(struct measure_options, progress),
    TR_GROUP_OUTPUT,
    TR_GROUP_END,
};

const struct tr_command tr_command_measure = {
    .usage = "[options]",
    .about = "Without a selection the figures are kept as this machine's calibration; with one\n"
             "(kernel, isa, place, cpus, nodes, threads, size, pages, time) only -o does.\n",
    .examples = "  tokenroof measure\n"
                "  tokenroof measure --kernel read,copy --threads 1,8 -f csv\n"
                "  tokenroof measure --place ccd --kernel read --json\n",
    .groups = groups,
    .formats = formats,
    .options_bytes = sizeof(struct measure_options),
    .measures = true,
    .run = run,
};
