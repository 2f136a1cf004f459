/* The machine against what was bought. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "facts.h"
#include "figure_sets.h"
#include "read_spread.h"
#include "tokenroof/err.h"
#include "validate.h"

/* Facts that the firmware rounds. */
static const double mts_slack = 20;

static int check_text(const struct tr_validation *validation, const char *found, const char *wanted,
                      enum tr_check_group group, const char *name, const char *advice,
                      struct tr_checks *checks) {
    struct tr_check_facts facts = TR_CHECK_OF(name);
    facts.from = validation->expectation->path;
    if (!wanted)
        return 0;
    if (!found)
        return tr_checks_add(checks, group, TR_CHECK_SKIP, &facts, "'%s' is expected; unknown here",
                             wanted);
    if (!strcasecmp(found, wanted))
        return tr_checks_add(checks, group, TR_CHECK_PASS, &facts, "%s", found);
    return tr_checks_add(checks, group, TR_CHECK_FAIL, &facts, "'%s' instead of '%s': %s", found,
                         wanted, advice);
}

static int check_number(const struct tr_validation *validation, double found, double wanted,
                        bool exact, const char *unit, enum tr_check_group group, const char *name,
                        const char *advice, struct tr_checks *checks) {
    struct tr_check_facts facts = {
        name, found, unit, wanted, exact ? wanted : NAN, validation->expectation->path};
    if (isnan(wanted))
        return 0;
    if (isnan(found))
        return tr_checks_add(checks, group, TR_CHECK_SKIP, &facts, "unknown here");
    bool good = exact ? found == wanted : found >= wanted;
    return tr_checks_add(checks, group, good ? TR_CHECK_PASS : TR_CHECK_FAIL, &facts, "%s",
                         good ? "as bought" : advice);
}

static int check_facts(const struct tr_validation *validation, struct tr_checks *checks) {
    const struct tr_expectation *wanted = validation->expectation;
    const json_t *machine = validation->machine;
    double cores = (double)json_array_size(tr_fact(machine, "cores"));
    int code =
        check_text(validation, tr_fact_text(machine, "cpu.model"), wanted->cpu_model,
                   TR_CHECK_IDENTITY, "processor as bought", "another part was delivered", checks);
    if (!code)
        code = check_number(validation, tr_fact_number(machine, "packages"), wanted->sockets, true,
                            "sockets", TR_CHECK_IDENTITY, "sockets as bought",
                            "a processor is missing, or not recognised", checks);
    if (!code)
        code =
            check_number(validation, cores > 0 ? cores : NAN, wanted->cores, true, "cores",
                         TR_CHECK_IDENTITY, "cores as bought",
                         "cores are switched off in the BIOS, by the kernel (maxcpus=, offline), "
                         "or not allowed to this process",
                         checks);
    if (!code)
        code = check_number(
            validation, tr_fact_modules(tr_fact(machine, "memory")), wanted->modules, true,
            "modules", TR_CHECK_POPULATION, "modules as bought",
            "modules are missing, or failed their training: look at the BIOS's log", checks);
    if (!code)
        code = check_number(validation, tr_fact_number(machine, "memory.total_bytes") / 0x1p30,
                            wanted->memory_bytes / 0x1p30, false, "GiB", TR_CHECK_POPULATION,
                            "memory as bought", "less memory was delivered", checks);
    if (!code)
        code = check_number(validation, tr_fact_number(machine, "memory.channels_populated"),
                            wanted->channels, false, "64-bit channels", TR_CHECK_POPULATION,
                            "channels as bought", "modules sit in the wrong slots", checks);
    if (!code)
        code = check_number(validation, tr_fact_number(machine, "memory.configured_mts"),
                            wanted->mts - mts_slack, false, "MT/s", TR_CHECK_POPULATION,
                            "memory speed as bought",
                            "slower modules, or a lower speed set in the BIOS", checks);
    if (!code)
        code = check_text(validation, tr_fact_text(machine, "settings.nps"), wanted->nps,
                          TR_CHECK_CONFIGURATION, "NUMA setting as bought", "set it in the BIOS",
                          checks);
    return code ? code
                : check_text(validation, tr_fact_smt(tr_fact_text(machine, "settings.smt")),
                             tr_fact_smt(wanted->smt), TR_CHECK_CONFIGURATION, "SMT as bought",
                             "set it in the BIOS", checks);
}

/* --- figures --------------------------------------------------------------------------------- */

static enum tr_check_group group_of(const struct tr_figure *figure) {
    return figure->lower_is_better         ? TR_CHECK_LATENCY
           : !strcmp(figure->unit, "GB/s") ? TR_CHECK_BANDWIDTH
                                           : TR_CHECK_COMPUTE;
}

/* How many of the first letters are the same. */
static size_t common(const char *a, const char *b) {
    size_t n = 0;
    while (a[n] && a[n] == b[n])
        n++;
    return n;
}

/* The measured figure whose name begins most like the wanted one; NULL where none does. */
static const char *nearest(const struct tr_figures *figures, const char *wanted) {
    const char *best = NULL;
    size_t most = 3;
    for (size_t i = 0; i < figures->n; i++)
        if (common(figures->items[i].name, wanted) > most) {
            best = figures->items[i].name;
            most = common(best, wanted);
        }
    return best;
}

static int check_figure(const struct tr_validation *validation, const struct tr_figures *figures,
                        const struct tr_expected_figure *wanted, struct tr_checks *checks) {
    const struct tr_figure *found = NULL;
    for (size_t i = 0; !found && i < figures->n; i++)
        if (!strcmp(figures->items[i].name, wanted->name))
            found = &figures->items[i];
    struct tr_check_facts facts = TR_CHECK_OF(wanted->name);
    facts.from = validation->expectation->path;
    if (!found) {
        const char *like = nearest(figures, wanted->name);
        enum tr_check_group group = isnan(wanted->least)            ? TR_CHECK_LATENCY
                                    : !strcmp(wanted->unit, "GB/s") ? TR_CHECK_BANDWIDTH
                                                                    : TR_CHECK_COMPUTE;
        return tr_checks_add(checks, group, TR_CHECK_SKIP, &facts,
                             "at %s %g %s is expected, but it was not measured%s%s%s",
                             isnan(wanted->least) ? "most" : "least",
                             isnan(wanted->least) ? wanted->most : wanted->least, wanted->unit,
                             like ? "; perhaps '" : ": run tokenroof measure, or --full",
                             like ? like : "", like ? "' is meant" : "");
    }
    const struct tr_run_figure *run = &found->sets[0].runs[0];
    if (strcmp(found->unit, wanted->unit) != 0)
        return tr_checks_add(checks, group_of(found), TR_CHECK_FAIL, &facts,
                             "cannot be held against %g %s: it is measured in %s; correct the "
                             "purchase file",
                             isnan(wanted->least) ? wanted->most : wanted->least, wanted->unit,
                             found->unit);
    facts.value = run->value;
    facts.unit = found->unit;
    facts.low = wanted->least;
    facts.high = wanted->most;
    bool bad = run->value < wanted->least || run->value > wanted->most;
    if (bad && run->untrusted)
        return tr_checks_add(checks, group_of(found), TR_CHECK_WARN, &facts,
                             "misses what was bought; only a warning: the figure is not to be "
                             "trusted, measure again on an idle machine");
    return tr_checks_add(checks, group_of(found), bad ? TR_CHECK_FAIL : TR_CHECK_PASS, &facts, "%s",
                         bad ? "misses what was bought: compare population, settings and other "
                               "processes with the machine that the expectation is from"
                             : "as bought");
}

static int check_figures(const struct tr_validation *validation, struct tr_checks *checks) {
    const struct tr_expectation *wanted = validation->expectation;
    struct tr_figures figures;
    int code = 0;
    tr_figures_init(&figures, 1);
    if (validation->calibration)
        code = tr_figures_add_run(&figures, 0, validation->calibration);
    for (size_t i = 0; !code && i < wanted->n_figures; i++)
        code = check_figure(validation, &figures, &wanted->figures[i], checks);
    tr_figures_finish(&figures);
    return code;
}

/* --- spreads --------------------------------------------------------------------------------- */

static int check_spread(const struct tr_validation *validation, enum tr_place_kind kind,
                        double most, struct tr_checks *checks) {
    struct tr_figures figures;
    char name[64];
    int code = 0;
    if (isnan(most))
        return 0;
    snprintf(name, sizeof(name), "spread of reads between %ss", tr_place_kind_name(kind));
    struct tr_check_facts facts = {name, NAN, "%", NAN, 100 * most, validation->expectation->path};
    tr_figures_init(&figures, 1);
    if (validation->calibration)
        code = tr_figures_add_run(&figures, 0, validation->calibration);
    struct tr_read_spread spread = tr_read_spread_of(&figures, kind);
    tr_figures_finish(&figures);
    if (code)
        return code;
    if (isnan(spread.fraction))
        return tr_checks_add(checks, TR_CHECK_SYMMETRY, TR_CHECK_SKIP, &facts,
                             "less than two were measured");
    facts.value = 100 * spread.fraction;
    bool bad = facts.value > facts.high;
    return tr_checks_add(
        checks, TR_CHECK_SYMMETRY,
        !bad               ? TR_CHECK_PASS
        : spread.untrusted ? TR_CHECK_WARN
                           : TR_CHECK_FAIL,
        &facts, "%zu of them%s%s", spread.n,
        bad ? ": farther apart than bought; measure again idle, then look at the slowest" : "",
        bad && spread.untrusted ? "; only a warning: not all of them are to be trusted" : "");
}

/* --- models ---------------------------------------------------------------------------------- */

static int check_speed(const struct tr_validation *validation, const struct tr_model_speed *speed,
                       const char *test, double found, double wanted, struct tr_checks *checks) {
    char name[160];
    snprintf(name, sizeof(name), "%.120s %s", speed->model, test);
    struct tr_check_facts facts = {name,   found, "tok/s",
                                   wanted, NAN,   validation->expectation->path};
    const char *tier = speed->tier ? speed->tier : "unknown";
    if (isnan(wanted))
        return 0;
    if (isnan(found))
        return tr_checks_add(checks, TR_CHECK_MODELS, TR_CHECK_SKIP, &facts,
                             validation->calibration
                                 ? "cannot be predicted: it does not fit into the memory, or the "
                                   "rates that it rests on were not measured"
                                 : "nothing was measured: run tokenroof first");
    if (found < wanted)
        return tr_checks_add(
            checks, TR_CHECK_MODELS, speed->untrusted ? TR_CHECK_WARN : TR_CHECK_FAIL, &facts,
            "slower than bought, as predicted (%s tier) from the rates that were "
            "measured: see the checks above%s",
            tier, speed->untrusted ? "; only a warning: the read rate is not to be trusted" : "");
    if (!strcmp(tier, "formula"))
        return tr_checks_add(checks, TR_CHECK_MODELS, TR_CHECK_WARN, &facts,
                             "as bought by the usual formula, which is an upper bound: run "
                             "tokenroof without --quick, so that the kernels that decide it are "
                             "measured");
    return tr_checks_add(checks, TR_CHECK_MODELS, TR_CHECK_PASS, &facts,
                         "as bought, predicted (%s tier) from the rates that were measured", tier);
}

static int check_models(const struct tr_validation *validation, struct tr_checks *checks) {
    const struct tr_expectation *wanted = validation->expectation;
    int code = 0;
    for (size_t i = 0; !code && i < wanted->n_models; i++) {
        const struct tr_expected_model *model = &wanted->models[i];
        struct tr_model_speed speed = {.model = model->model, .pp_tok_s = NAN, .tg_tok_s = NAN};
        for (size_t k = 0; k < validation->n_speeds; k++)
            if (!strcmp(validation->speeds[k].model, model->model))
                speed = validation->speeds[k];
        speed.model = model->model;
        code = check_speed(validation, &speed, "pp512", speed.pp_tok_s, model->pp_tok_s, checks);
        if (!code)
            code =
                check_speed(validation, &speed, "tg128", speed.tg_tok_s, model->tg_tok_s, checks);
    }
    return code;
}

int tr_validate_expectation(const struct tr_validation *validation, struct tr_checks *checks) {
    const struct tr_expectation *wanted = validation->expectation;
    struct tr_check_facts facts = TR_CHECK_OF("models");
    if (!wanted || !wanted->n_models) {
        int code = tr_checks_add(checks, TR_CHECK_MODELS, TR_CHECK_SKIP, &facts,
                                 "no speed of a model is expected: give one with --expect");
        if (code || !wanted)
            return code;
    }
    int code = check_facts(validation, checks);
    if (!code)
        code = check_figures(validation, checks);
    if (!code)
        code = check_spread(validation, TR_PLACE_CORE, wanted->core_spread, checks);
    if (!code)
        code = check_spread(validation, TR_PLACE_CCD, wanted->ccd_spread, checks);
    if (!code)
        code = check_spread(validation, TR_PLACE_NODE, wanted->node_spread, checks);
    return code ? code : check_models(validation, checks);
}
