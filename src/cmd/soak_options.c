#include "soak_options.h"

#include <string.h>

#include "parse.h"

static const double default_s = 600, longest_s = 30 * 86400.0;
static const char *const isa_names[] = {"best", "scalar", "sse2", "avx2", "avx512", "amx", NULL};

const struct tr_soak_asked tr_soak_defaults = {.max_corrected = 10};

#define MEMBER(name) offsetof(struct tr_soak_asked, name)
const struct tr_option tr_soak_rows[TR_SOAK_ROWS] = {
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
     .help = "at most scalar, sse2, avx2, avx512 or amx; default: best, and those below"},
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

/* Options of a new soak say nothing of one of the past. */
int tr_soak_check(const struct tr_command *command, void *target, struct tr_err *reterr) {
    const struct tr_soak_asked *asked = target;
    const struct {
        const char *name;
        bool given;
    } new_ones[] = {
        {"minutes", asked->minutes > 0},
        {"time", asked->time},
        {"memory", asked->memory},
        {"phases", asked->phases},
        {"cpus", asked->cpus},
        {"nodes", asked->nodes},
        {"threads", asked->threads},
        {"isa", asked->isa},
        {"max-corrected", asked->max_corrected != tr_soak_defaults.max_corrected},
        {"dry-run", asked->dry_run},
    };
    (void)command;
    for (size_t i = 0; asked->show && i < sizeof(new_ones) / sizeof(new_ones[0]); i++)
        if (new_ones[i].given)
            return tr_err_set(reterr, TR_EUSAGE,
                              "--%s does not go with --show, which tells of a soak of the past",
                              new_ones[i].name);
    if (asked->time && asked->minutes > 0)
        return tr_err_set(reterr, TR_EUSAGE, "--minutes and --time exclude each other");
    return 0;
}

/* --- the soak that they choose --------------------------------------------------------------- */

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

int tr_soak_select(const struct tr_soak_asked *asked, struct tr_soak_selection *selection,
                   struct tr_err *reterr) {
    int code = 0;
    selection->soak = (struct tr_soak_options){
        .seconds = asked->minutes > 0 ? asked->minutes * 60 : default_s,
        .loads = (1u << TR_SOAK_LOADS) - 1,
        .threads = asked->threads,
        .memory_share = 1,
        .isa_cap = asked->isa - 1,
        .max_corrected_per_hour = asked->max_corrected,
    };
    if (asked->time)
        code = parse_duration(asked->time, &selection->soak.seconds, reterr);
    if (!code && asked->memory)
        code = parse_memory(asked->memory, &selection->soak, reterr);
    if (!code && asked->phases)
        code = parse_phases(asked->phases, &selection->soak.loads, reterr);
    if (!code && asked->cpus)
        code =
            tr_option_cpulist("cpus", asked->cpus, &selection->cpus, &selection->soak.cpus, reterr);
    if (!code && asked->nodes)
        code = tr_option_cpulist("nodes", asked->nodes, &selection->nodes, &selection->soak.nodes,
                                 reterr);
    return code;
}

void tr_soak_selection_finish(struct tr_soak_selection *selection) {
    tr_cpulist_finish(&selection->cpus);
    tr_cpulist_finish(&selection->nodes);
}
