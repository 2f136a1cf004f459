/* Parts that should be alike: cores, CCDs, nodes, packages. And latencies. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "facts.h"
#include "figure_sets.h"
#include "outliers.h"
#include "series.h"
#include "shared_caches.h"
#include "strbuf.h"
#include "tokenroof/err.h"
#include "validate.h"

/* A part must be slower by so much to be named. */
static const double least_shortfall = 0.01;
/* Few parts: nobody can tell which is the odd one, but that far apart they should not be. */
static const double wide_spread = 0.05;
/* Something else on the part's CPUs for more of its time than this is told by name. */
static const double shared_time = 0.02;
enum { MAX_SHOWN = 6 };

struct part {
    const struct tr_measurement *m;
    double value;
    double waited; /* most of any form: share of its time that others had; NAN unknown */
};

struct parts {
    struct part *items;
    double *values;
    struct tr_part_result *results;
    size_t n;
};

/* "performance", "efficiency"; NULL where cores are alike or the place is none. */
static const char *core_kind(const json_t *machine, const struct tr_place *place) {
    size_t i;
    const json_t *core;
    if (place->kind == TR_PLACE_CORE)
        json_array_foreach(tr_fact(machine, "cores"), i,
                           core) if (tr_fact_number(core, "index") ==
                                     place->index) return tr_fact_text(core, "kind");
    return NULL;
}

static bool same_text(const char *a, const char *b) {
    return a && b ? !strcmp(a, b) : a == b;
}

/* Whether two measurements are the same figure of two parts (or of one). */
static bool alike(const json_t *machine, const struct tr_measurement *a,
                  const struct tr_measurement *b) {
    return a->place.kind == b->place.kind && same_text(a->kernel, b->kernel) &&
           same_text(a->dtype, b->dtype) && same_text(a->metric, b->metric) &&
           same_text(a->unit, b->unit) && same_text(a->quant, b->quant) &&
           same_text(a->read_write, b->read_write) && a->m == b->m && a->n == b->n &&
           a->k == b->k && a->threads == b->threads &&
           same_text(core_kind(machine, &a->place), core_kind(machine, &b->place));
}

/* The middle of the samples is finer than their median. */
static int value_of(const struct tr_measurement *m, double *ret_value) {
    double *samples = malloc((m->n_samples ? m->n_samples : 1) * sizeof(*samples));
    if (!samples)
        return TR_ENOMEM;
    if (m->n_samples)
        memcpy(samples, m->samples, m->n_samples * sizeof(*samples));
    *ret_value = m->n_samples ? tr_series_middle(samples, m->n_samples) : m->median;
    free(samples);
    return 0;
}

/* The best form of each part. */
static int collect(const struct tr_validation *validation, size_t first, struct parts *parts) {
    const struct tr_calibration *calibration = validation->calibration;
    const struct tr_measurement *like = &calibration->measurements[first];
    bool lower = tr_lower_is_better(like->metric, like->unit);
    int code = 0;
    for (size_t i = first; !code && i < calibration->n_measurements; i++) {
        const struct tr_measurement *m = &calibration->measurements[i];
        double value = NAN;
        size_t at = 0;
        if (!alike(validation->machine, like, m) || !(m->median > 0))
            continue;
        code = value_of(m, &value);
        while (at < parts->n && parts->items[at].m->place.index != m->place.index)
            at++;
        if (at == parts->n)
            parts->items[parts->n++] = (struct part){m, value, NAN};
        struct part *part = &parts->items[at];
        if (lower ? value < part->value : value > part->value)
            *part = (struct part){m, value, part->waited};
        part->waited = fmax(part->waited, m->waited_fraction); /* ignores NAN */
    }
    for (size_t i = 0; i < parts->n; i++)
        parts->values[i] = parts->items[i].value;
    return code;
}

static bool is_first(const struct tr_validation *validation, size_t at) {
    for (size_t i = 0; i < at; i++)
        if (alike(validation->machine, &validation->calibration->measurements[i],
                  &validation->calibration->measurements[at]))
            return false;
    return true;
}

/* "core 12 (CPUs 12,76)". */
static void add_part(struct tr_strbuf *text, const struct tr_place *place) {
    char *cpus = tr_cpulist_format(&place->cpus);
    tr_strbuf_addf(text, "%s %d", tr_place_kind_name(place->kind), place->index);
    if (cpus && *cpus)
        tr_strbuf_addf(text, " (CPUs %s)", cpus);
    free(cpus);
}

/* "core 12 (CPUs 12,76) by 3.1%"; *ret_doubt: whether a named one is not to be trusted. */
static char *name_weak(const struct parts *parts, bool *ret_doubt) {
    struct tr_strbuf text = {0};
    size_t shown = 0, more = 0;
    *ret_doubt = false;
    for (size_t i = 0; i < parts->n; i++) {
        const struct tr_measurement *m = parts->items[i].m;
        if (!parts->results[i].weak)
            continue;
        bool shared = parts->items[i].waited > shared_time;
        *ret_doubt |= shared || tr_doubt_of(m);
        if (shown == MAX_SHOWN) {
            more++;
            continue;
        }
        tr_strbuf_add(&text, shown++ ? ", " : "");
        add_part(&text, &m->place);
        tr_strbuf_addf(&text, " by %.1f%%", -100 * parts->results[i].change);
        if (shared)
            tr_strbuf_addf(&text, " (others had %.0f%% of its time)", 100 * parts->items[i].waited);
    }
    if (more)
        tr_strbuf_addf(&text, " and %zu more", more);
    return tr_strbuf_take(&text);
}

static const char *cause_of(enum tr_place_kind kind) {
    switch (kind) {
    case TR_PLACE_CORE:
        return "another process or interrupts on it, a lower clock, or a weak core: measure again "
               "idle; if it stays, have the processor replaced";
    case TR_PLACE_CCD:
        return "its link to the fabric, heat, or another process: measure again idle; if it stays, "
               "reseat the cooler, have the processor replaced";
    default:
        return "fewer or slower modules there, or another process: compare the slots, swap the "
               "modules with another node's, and measure again";
    }
}

/* With two to four parts statistics name none, but a slow one that was shared is no riddle. */
static int judge_few(const struct parts *parts, struct tr_check_facts *facts, bool wide,
                     struct tr_checks *checks) {
    const struct tr_measurement *like = parts->items[0].m;
    bool lower = tr_lower_is_better(like->metric, like->unit);
    const struct part *slowest = &parts->items[0];
    struct tr_strbuf text = {0};
    facts->from = NULL;
    for (size_t i = 1; i < parts->n; i++)
        if (lower ? parts->items[i].value > slowest->value : parts->items[i].value < slowest->value)
            slowest = &parts->items[i];
    if (wide && slowest->waited > shared_time) {
        tr_strbuf_add(&text, ": the slowest, ");
        add_part(&text, &slowest->m->place);
        tr_strbuf_addf(&text, ", was shared with others for %.0f%% of its time; measure again idle",
                       100 * slowest->waited);
    } else if (wide) {
        tr_strbuf_add(&text, ": measure again idle, and compare their modules");
    }
    tr_strbuf_add(&text, "");
    int code =
        text.failed
            ? TR_ENOMEM
            : tr_checks_add(checks, TR_CHECK_SYMMETRY, wide ? TR_CHECK_WARN : TR_CHECK_PASS, facts,
                            "%zu parts, too few to tell which one is odd%s", parts->n, text.text);
    tr_strbuf_finish(&text);
    return code;
}

static int judge_parts(const struct tr_validation *validation, const struct parts *parts,
                       const struct tr_spread *spread, struct tr_checks *checks) {
    const struct tr_measurement *like = parts->items[0].m;
    const char *kind = core_kind(validation->machine, &like->place);
    double least = INFINITY, most = 0;
    char name[96];
    snprintf(name, sizeof(name), "%s%s%s of each %s%s%s", like->kernel, like->dtype ? " " : "",
             like->dtype ? like->dtype : "", kind ? kind : "", kind ? " " : "",
             tr_place_kind_name(like->place.kind));
    for (size_t i = 0; i < parts->n; i++) {
        least = fmin(least, parts->values[i]);
        most = fmax(most, parts->values[i]);
    }
    double range = 1 - least / most;
    struct tr_check_facts facts = {.name = name,
                                   .value = 100 * range,
                                   .unit = "% from the best to the least",
                                   .low = NAN,
                                   .high = NAN,
                                   .from = "the other parts"};
    if (spread->n_weak) {
        bool doubt = false;
        char *weak = name_weak(parts, &doubt);
        int code =
            weak
                ? tr_checks_add(checks, TR_CHECK_SYMMETRY, doubt ? TR_CHECK_WARN : TR_CHECK_FAIL,
                                &facts, "of %zu slower than the rest (%.4g %s): %s; %s%s", parts->n,
                                spread->typical, like->unit, weak, cause_of(like->place.kind),
                                doubt ? "; only a warning: it was disturbed" : "")
                : TR_ENOMEM;
        free(weak);
        return code;
    }
    if (parts->n < TR_LEAST_PARTS) {
        facts.high = 100 * wide_spread;
        return judge_few(parts, &facts, range > wide_spread, checks);
    }
    if (spread->trails_off)
        return tr_checks_add(checks, TR_CHECK_SYMMETRY, TR_CHECK_WARN, &facts,
                             "%zu trail off to the slow side (spread %.2f%%) without a gap that "
                             "would set one apart: measure again idle",
                             parts->n, 100 * spread->spread);
    if (spread->spread > wide_spread)
        return tr_checks_add(checks, TR_CHECK_SYMMETRY, TR_CHECK_WARN, &facts,
                             "%zu scatter by %.0f%%: none stands out, and one slower by less than "
                             "%.0f%% could not; measure again idle",
                             parts->n, 100 * spread->spread, 100 * spread->least_named);
    return tr_checks_add(checks, TR_CHECK_SYMMETRY, TR_CHECK_PASS, &facts,
                         "%zu alike: none stands out, as one slower by %.1f%% would (spread "
                         "%.2f%%; a healthy machine is accused in at most 5 of 100 cases)",
                         parts->n, 100 * spread->least_named, 100 * spread->spread);
}

/* --- parts that were shared with others ------------------------------------------------------ */

/* Most of any figure of the part; NAN unknown. */
static double waited_at(const struct tr_calibration *calibration, const struct tr_place *place) {
    double waited = NAN;
    for (size_t i = 0; i < calibration->n_measurements; i++) {
        const struct tr_measurement *m = &calibration->measurements[i];
        if (m->place.kind == place->kind && m->place.index == place->index)
            waited = fmax(waited, m->waited_fraction);
    }
    return waited;
}

static bool is_first_of_place(const struct tr_calibration *calibration, size_t at) {
    const struct tr_place *place = &calibration->measurements[at].place;
    for (size_t i = 0; i < at; i++)
        if (calibration->measurements[i].place.kind == place->kind &&
            calibration->measurements[i].place.index == place->index)
            return false;
    return true;
}

/* Whether other programs ran where one part was measured. No statistics: the kernel's clocks tell
 * it, of two parts as of two hundred. */
static int check_shared(const struct tr_validation *validation, enum tr_place_kind kind,
                        struct tr_checks *checks) {
    const struct tr_calibration *calibration = validation->calibration;
    struct tr_strbuf named = {0};
    size_t n = 0, n_shared = 0;
    double most = NAN;
    for (size_t i = 0; i < calibration->n_measurements; i++) {
        const struct tr_place *place = &calibration->measurements[i].place;
        if (place->kind != kind || !is_first_of_place(calibration, i))
            continue;
        double waited = waited_at(calibration, place);
        n += isnan(waited) ? 0 : 1;
        most = fmax(most, waited);
        if (!(waited > shared_time) || n_shared++ >= MAX_SHOWN)
            continue;
        tr_strbuf_add(&named, n_shared > 1 ? ", " : "");
        add_part(&named, place);
        tr_strbuf_addf(&named, " for %.0f%% of its time", 100 * waited);
    }
    if (n_shared > MAX_SHOWN)
        tr_strbuf_addf(&named, " and %zu more", n_shared - MAX_SHOWN);
    tr_strbuf_add(&named, "");
    char *shared = tr_strbuf_take(&named);
    char *name = tr_format("other programs on each %s", tr_place_kind_name(kind));
    int code = shared && name ? 0 : TR_ENOMEM;
    if (!code && n > 1) {
        const struct tr_check_facts facts = {name, 100 * most,        "% of a part's time",
                                             NAN,  100 * shared_time, "the kernel's clocks"};
        code = n_shared ? tr_checks_add(checks, TR_CHECK_SYMMETRY, TR_CHECK_WARN, &facts,
                                        "others ran on %s: find them (ps -eo psr,pcpu,pid,comm), "
                                        "stop or move them, and measure again",
                                        shared)
                        : tr_checks_add(checks, TR_CHECK_SYMMETRY, TR_CHECK_PASS, &facts,
                                        "%zu were measured with their CPUs to themselves", n);
    }
    free(shared);
    free(name);
    return code;
}

static int check_parts(const struct tr_validation *validation, size_t first,
                       struct tr_checks *checks) {
    const struct tr_measurement *like = &validation->calibration->measurements[first];
    size_t most = validation->calibration->n_measurements;
    struct parts parts = {.items = calloc(most, sizeof(*parts.items)),
                          .values = calloc(most, sizeof(*parts.values)),
                          .results = calloc(most, sizeof(*parts.results))};
    struct tr_spread spread;
    int code = parts.items && parts.values && parts.results ? collect(validation, first, &parts)
                                                            : TR_ENOMEM;
    if (!code && parts.n > 1)
        code = tr_weak_parts(parts.values, parts.n, tr_lower_is_better(like->metric, like->unit),
                             least_shortfall, TR_WEAK_LEVEL, parts.results, &spread);
    if (!code && parts.n > 1)
        code = judge_parts(validation, &parts, &spread, checks);
    free(parts.items);
    free(parts.values);
    free(parts.results);
    return code;
}

int tr_validate_symmetry(const struct tr_validation *validation, struct tr_checks *checks) {
    const struct tr_calibration *calibration = validation->calibration;
    struct tr_check_facts facts = TR_CHECK_OF("parts");
    size_t before = checks->n;
    int code = 0;
    if (!calibration)
        return tr_checks_add(checks, TR_CHECK_SYMMETRY, TR_CHECK_SKIP, &facts,
                             "nothing was measured: run tokenroof first");
    for (size_t i = 0; !code && i < calibration->n_measurements; i++)
        if (calibration->measurements[i].place.kind != TR_PLACE_MACHINE &&
            calibration->measurements[i].kernel && is_first(validation, i))
            code = check_parts(validation, i, checks);
    for (int kind = TR_PLACE_PACKAGE; !code && kind <= TR_PLACE_CORE; kind++)
        code = check_shared(validation, (enum tr_place_kind)kind, checks);
    if (!code && checks->n == before)
        code = tr_checks_add(checks, TR_CHECK_SYMMETRY, TR_CHECK_SKIP, &facts,
                             "no figures of single cores, CCDs or nodes to compare: run tokenroof "
                             "measure --full");
    facts.name = "memory channels";
    if (!code)
        code = tr_checks_add(checks, TR_CHECK_SYMMETRY, TR_CHECK_SKIP, &facts,
                             "one slow module cannot be located this way: rates of single channels "
                             "need counters of the memory controllers");
    return code;
}

/* --- latency --------------------------------------------------------------------------------- */

/* Which cores share a cache: the topology's word against the time of a line from core to core. */
static int check_shared_caches(const struct tr_calibration *calibration, struct tr_checks *checks) {
    struct tr_check_facts facts = TR_CHECK_OF("shared caches");
    enum tr_shared_caches verdict;
    char *sentence = NULL;
    int code = tr_shared_caches_judge(calibration, &verdict, &sentence);
    facts.from = "the topology's L3 groups";
    if (!code && verdict == TR_SHARED_CACHES_AGREE)
        code = tr_checks_add(checks, TR_CHECK_LATENCY, TR_CHECK_PASS, &facts, "%s", sentence);
    else if (!code && verdict == TR_SHARED_CACHES_DIFFER)
        code = tr_checks_add(checks, TR_CHECK_LATENCY, TR_CHECK_WARN, &facts,
                             "%s; figures of CCDs and L3 groups are of other cores than they say. "
                             "Virtual machines show such topologies: pin their virtual CPUs and "
                             "pass the host's caches through",
                             sentence);
    free(sentence);
    return code;
}

int tr_validate_latency(const struct tr_validation *validation, struct tr_checks *checks) {
    const struct tr_calibration *calibration = validation->calibration;
    size_t before = checks->n;
    int code = 0;
    for (size_t i = 0; calibration && !code && i < calibration->n_curves; i++) {
        const struct tr_curve *curve = &calibration->curves[i];
        for (size_t k = 0; !code && k < curve->n_marks; k++) {
            if (!curve->metric || strcmp(curve->metric, "latency") != 0 ||
                strcmp(curve->marks[k].name, "memory") != 0)
                continue;
            char name[64];
            snprintf(name, sizeof(name), "memory latency, %s %d",
                     tr_place_kind_name(curve->place.kind), curve->place.index);
            struct tr_check_facts facts = {name, curve->marks[k].value, "ns", NAN, NAN, NULL};
            code = tr_checks_add(checks, TR_CHECK_LATENCY, TR_CHECK_SKIP, &facts,
                                 "measured, but what this class reaches is not verified: give the "
                                 "expected one with --expect");
        }
    }
    struct tr_check_facts facts = TR_CHECK_OF("memory latency");
    if (!code && checks->n == before)
        code = tr_checks_add(checks, TR_CHECK_LATENCY, TR_CHECK_SKIP, &facts, "%s",
                             calibration ? "not measured: run tokenroof measure"
                                         : "nothing was measured: run tokenroof first");
    return code || !calibration ? code : check_shared_caches(calibration, checks);
}
