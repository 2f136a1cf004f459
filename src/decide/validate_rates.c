/* What was measured against the machine's own limits, by the share that its class is known to
 * reach. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "choice.h"
#include "expected_shares.h"
#include "facts.h"
#include "figure_sets.h"
#include "tokenroof/err.h"
#include "validate.h"

/* A hair below the range is inside it: shares are published with two or three digits. */
static const double slack = 0.005;
/* More of a limit than this is no result, but a wrong limit. */
static const double most_share = 1.05;

static bool is_candidate(const struct tr_measurement *m, const char *kernel, const char *dtype,
                         const struct tr_place *place) {
    return m->kernel && !strcmp(m->kernel, kernel) && m->place.kind == place->kind &&
           m->place.index == place->index && m->median > 0 &&
           (!dtype || (m->dtype && !strcmp(m->dtype, dtype))) &&
           !tr_strings_has(&m->flags, "above_ceiling");
}

/* What stands for a kernel at a place and so many threads. Arithmetic is judged in its widest
 * instruction set, also where that is in doubt: a narrower one at its own limit is no good news. */
static const struct tr_measurement *form_at(const struct tr_calibration *calibration,
                                            const char *kernel, const char *dtype,
                                            const struct tr_place *place, int threads) {
    struct tr_choice choice = {0};
    for (size_t i = 0; i < calibration->n_measurements; i++) {
        const struct tr_measurement *m = &calibration->measurements[i];
        if (m->threads == threads && is_candidate(m, kernel, dtype, place))
            tr_choice_offer(&choice, m);
    }
    const struct tr_measurement *wider = tr_choice_passed_over(&choice);
    return wider && !strcmp(kernel, "fma") ? wider : tr_choice_made(&choice);
}

/* With the most threads; doubtful ones only where there is no other. */
static const struct tr_measurement *best_at(const struct tr_calibration *calibration,
                                            const char *kernel, const char *dtype,
                                            const struct tr_place *place) {
    const struct tr_measurement *best = NULL;
    for (size_t i = 0; i < calibration->n_measurements; i++) {
        const struct tr_measurement *m = &calibration->measurements[i];
        if (!is_candidate(m, kernel, dtype, place) || (best && m->threads == best->threads))
            continue;
        m = form_at(calibration, kernel, dtype, place, m->threads);
        bool doubt = tr_doubt_of(m), best_doubt = best && tr_doubt_of(best);
        if (!best || (doubt == best_doubt ? m->threads > best->threads : best_doubt))
            best = m;
    }
    return best;
}

/* The limit that the figure is set against, in its place. */
static const struct tr_limit *limit_of(const struct tr_validation *validation,
                                       const struct tr_measurement *m) {
    return m->limit ? tr_limit_find(validation->limits, validation->n_limits, m->limit,
                                    m->place.kind, m->place.index)
                    : NULL;
}

/* In the bytes that the limit counts. */
static double share_of(const struct tr_measurement *m, const struct tr_limit *limit) {
    double per_nominal =
        m->bus_per_nominal > 0 && !strncmp(m->limit, "memory", 6) ? m->bus_per_nominal : 1;
    return m->median * per_nominal / limit->value;
}

static const char *binding(const struct tr_limit *limit) {
    return limit->binds ? limit->binds : strncmp(limit->name, "fabric", 6) ? "dram" : "fabric";
}

/* What usually is wrong, by what binds. */
static const char *advice(const char *kernel, const struct tr_limit *limit) {
    if (!strcmp(kernel, "fma"))
        return "cores are shared with others, or held back by power or heat: look for other "
               "processes and at the power limit";
    if (!strncmp(binding(limit), "fabric", 6))
        return "the links of the dies bind: look at FCLK and at power saving of the fabric in the "
               "BIOS";
    return "look for other processes, memory refresh and power settings in the BIOS, and the NUMA "
           "setting";
}

/* Why a figure that falls short may only warn; NULL if it may fail. */
static const char *excuse(const struct tr_measurement *m, const struct tr_limit *limit) {
    if (tr_doubt_of(m))
        return "the figure is not to be trusted, measure again";
    if (!limit->hard)
        return "the limit was not read from this machine";
    return NULL;
}

static int judge_share(const struct tr_measurement *m, const struct tr_limit *limit,
                       const struct tr_expected_share *verified,
                       const struct tr_expected_share *unverified, enum tr_check_group group,
                       const char *name, struct tr_checks *checks) {
    double share = share_of(m, limit);
    const struct tr_expected_share *missed = share < verified->low - slack     ? verified
                                             : share < unverified->low - slack ? unverified
                                                                               : NULL;
    const struct tr_expected_share *range = missed             ? missed
                                            : verified->source ? verified
                                                               : unverified;
    struct tr_check_facts facts = {.name = name,
                                   .value = 100 * share,
                                   .unit = "% of the limit",
                                   .low = 100 * range->low,
                                   .high = 100 * range->high,
                                   .from = range->source};
    const char *why_not = excuse(m, limit);
    if (limit->refuted || share > most_share)
        return tr_checks_add(checks, group, TR_CHECK_SKIP, &facts,
                             "%.4g %s is above the limit of %.4g (%s), which must be wrong",
                             m->median, m->unit, limit->value,
                             limit->formula ? limit->formula : limit->name);
    if (!missed)
        return tr_checks_add(checks, group, TR_CHECK_PASS, &facts, "%.4g %s of %.4g (%s)",
                             m->median, m->unit, limit->value,
                             limit->formula ? limit->formula : limit->name);
    bool fails = missed == verified && !why_not;
    return tr_checks_add(checks, group, fails ? TR_CHECK_FAIL : TR_CHECK_WARN, &facts,
                         "%.4g %s of %.4g (%s): %s%s%s", m->median, m->unit, limit->value,
                         limit->formula ? limit->formula : limit->name, advice(m->kernel, limit),
                         fails ? "" : "; only a warning: ",
                         fails     ? ""
                         : why_not ? why_not
                                   : "the expectation is not verified");
}

static int check_share(const struct tr_validation *validation, const struct tr_measurement *m,
                       enum tr_check_group group, const char *name, struct tr_checks *checks) {
    const json_t *machine = validation->machine;
    const struct tr_limit *limit = limit_of(validation, m);
    struct tr_check_facts facts = TR_CHECK_OF(name);
    struct tr_expected_share verified, unverified;
    if (!limit || limit->host_only || !(limit->value > 0)) {
        facts.value = m->median;
        facts.unit = !strcmp(m->unit, "GB/s") ? "GB/s" : "GFLOP/s";
        return tr_checks_add(checks, group, TR_CHECK_SKIP, &facts, "%s",
                             json_is_true(tr_fact(machine, "virtual"))
                                 ? "virtual machine: limits of the host rate nothing"
                             : group == TR_CHECK_COMPUTE
                                 ? "no limit is known: the micro-architecture has no row in the "
                                   "catalogue, or no clock was measured"
                                 : "no limit is known: give --channels and --mts, or run it as "
                                   "root");
    }
    struct tr_share_class of = {.name = tr_fact_text(machine, "platform_row.name"),
                                .series = tr_fact_text(machine, "platform_row.series"),
                                .kernel = m->kernel,
                                .nps = tr_fact_text(machine, "settings.nps"),
                                .binds = binding(limit)};
    int code = tr_expected_share_find(&of, &verified, &unverified);
    if (!code && !verified.source && !unverified.source)
        code = tr_checks_add(checks, group, TR_CHECK_SKIP, &facts,
                             "what such a machine reaches is not known");
    else if (!code)
        code = judge_share(m, limit, &verified, &unverified, group, name, checks);
    free(verified.source);
    free(unverified.source);
    return code;
}

/* "read, node 1"; the machine needs no name. */
static void name_check(char name[64], const char *what, const struct tr_place *place) {
    if (place->kind == TR_PLACE_MACHINE)
        snprintf(name, 64, "%s", what);
    else
        snprintf(name, 64, "%s, %s %d", what, tr_place_kind_name(place->kind), place->index);
}

static int check_bandwidths(const struct tr_validation *validation, const struct tr_place *place,
                            struct tr_checks *checks) {
    static const char *const kernels[] = {"read", "write", "copy", "triad"};
    int code = 0;
    for (size_t i = 0; !code && i < sizeof(kernels) / sizeof(kernels[0]); i++) {
        const struct tr_measurement *m = best_at(validation->calibration, kernels[i], NULL, place);
        char name[64];
        name_check(name, kernels[i], place);
        /* Nodes and packages are judged where they have limits of their own. */
        if (m && (place->kind == TR_PLACE_MACHINE || limit_of(validation, m)))
            code = check_share(validation, m, TR_CHECK_BANDWIDTH, name, checks);
    }
    return code;
}

static bool has_group(const struct tr_checks *checks, size_t from, enum tr_check_group group) {
    for (size_t i = from; i < checks->n; i++)
        if (checks->items[i].group == group)
            return true;
    return false;
}

int tr_validate_rates(const struct tr_validation *validation, struct tr_checks *checks) {
    static const char *const dtypes[] = {"f64", "f32"};
    struct tr_place place = {.kind = TR_PLACE_MACHINE};
    size_t before = checks->n, nodes = json_array_size(tr_fact(validation->machine, "numa_nodes"));
    int code = 0;
    if (validation->calibration) {
        code = check_bandwidths(validation, &place, checks);
        for (size_t i = 0; !code && nodes > 1 && i < nodes; i++) {
            const json_t *node = json_array_get(tr_fact(validation->machine, "numa_nodes"), i);
            struct tr_place at = {.kind = TR_PLACE_NODE,
                                  .index = (int)tr_fact_number(node, "index")};
            code = check_bandwidths(validation, &at, checks);
        }
        for (size_t i = 0; !code && i < sizeof(dtypes) / sizeof(dtypes[0]); i++) {
            const struct tr_measurement *m =
                best_at(validation->calibration, "fma", dtypes[i], &place);
            char name[64];
            snprintf(name, sizeof(name), "FMA %s", dtypes[i]);
            if (m)
                code = check_share(validation, m, TR_CHECK_COMPUTE, name, checks);
        }
    }
    for (int group = TR_CHECK_BANDWIDTH; !code && group <= TR_CHECK_COMPUTE; group++)
        if (!has_group(checks, before, (enum tr_check_group)group)) {
            struct tr_check_facts facts =
                TR_CHECK_OF(group == TR_CHECK_COMPUTE ? "FLOP rates" : "bandwidths");
            code = tr_checks_add(checks, (enum tr_check_group)group, TR_CHECK_SKIP, &facts, "%s",
                                 validation->calibration
                                     ? "not measured for the whole machine: run tokenroof measure"
                                     : "nothing was measured: run tokenroof first");
        }
    return code;
}
