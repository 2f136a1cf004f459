/* Whether anything disturbed or wore the machine: error counters, heat, the measurement itself,
 * rates under lasting load, the last soak. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "facts.h"
#include "figure_sets.h"
#include "soak_conditions.h"
#include "strbuf.h"
#include "tokenroof/err.h"
#include "validate.h"

/* Under lasting load rates may fall by so much. */
static const double lasting_loss = 0.05;

static int check_errors(const json_t *machine, struct tr_checks *checks) {
    double uncorrected = tr_fact_number(machine, "sensors.uncorrected_errors");
    double corrected = tr_fact_number(machine, "sensors.corrected_errors");
    struct tr_check_facts facts = {
        "memory errors",  uncorrected > 0 ? uncorrected : corrected, "errors", NAN, 0,
        "EDAC's counters"};
    if (isnan(uncorrected) && isnan(corrected)) {
        facts.unit = NULL;
        return tr_checks_add(
            checks, TR_CHECK_STABILITY, TR_CHECK_SKIP, &facts,
            "no counters: no driver of the memory controllers (EDAC) told of them; "
            "load it, or look at the BIOS's log");
    }
    if (uncorrected > 0)
        return tr_checks_add(checks, TR_CHECK_STABILITY, TR_CHECK_FAIL, &facts,
                             "memory errors that could not be corrected: find the module in the "
                             "kernel's log and replace it");
    if (corrected > 0)
        return tr_checks_add(checks, TR_CHECK_STABILITY, TR_CHECK_WARN, &facts,
                             "memory errors were corrected: find the module in the kernel's log, "
                             "reseat or replace it");
    return tr_checks_add(checks, TR_CHECK_STABILITY, TR_CHECK_PASS, &facts, "none counted");
}

static int check_heat(const json_t *machine, struct tr_checks *checks) {
    double now = tr_fact_number(machine, "sensors.cpu_celsius");
    double most = tr_fact_number(machine, "sensors.cpu_limit_celsius");
    struct tr_check_facts facts = {"CPU temperature",   now, "Celsius", NAN, most - 3,
                                   "the sensor's limit"};
    if (isnan(now) || isnan(most)) {
        facts = (struct tr_check_facts)TR_CHECK_OF("CPU temperature");
        return tr_checks_add(checks, TR_CHECK_STABILITY, TR_CHECK_SKIP, &facts, "no sensor told %s",
                             isnan(now) ? "it" : "its limit");
    }
    if (now > most - 3)
        return tr_checks_add(checks, TR_CHECK_STABILITY, TR_CHECK_WARN, &facts,
                             "at its limit while at rest: look at fans, heat sink and air flow");
    return tr_checks_add(checks, TR_CHECK_STABILITY, TR_CHECK_PASS, &facts, "below its limit");
}

/* How the measurement itself went. */
static int check_quality(const struct tr_calibration *calibration, struct tr_checks *checks) {
    struct tr_check_facts facts = TR_CHECK_OF("measurement");
    const char *grade = calibration->grade;
    double stolen = tr_fact_number(calibration->document, "conditions.steal_fraction");
    int code = 0;
    if (grade && *grade >= 'C')
        code = tr_checks_add(checks, TR_CHECK_STABILITY, TR_CHECK_WARN, &facts, "quality %s: %s",
                             grade,
                             calibration->reasons.n ? calibration->reasons.items[0]
                                                    : "no reason told; measure again on an idle "
                                                      "machine");
    else if (!grade)
        code = tr_checks_add(checks, TR_CHECK_STABILITY, TR_CHECK_SKIP, &facts,
                             "the file tells no quality: it was not written by a whole run");
    else
        code =
            tr_checks_add(checks, TR_CHECK_STABILITY, TR_CHECK_PASS, &facts, "quality %s", grade);
    if (!code && stolen > 0.01) {
        struct tr_check_facts steal = {"stolen time", 100 * stolen, "%", NAN, 1, NULL};
        code = tr_checks_add(checks, TR_CHECK_STABILITY, TR_CHECK_WARN, &steal,
                             "the hypervisor gave the CPUs to others while it was measured");
    }
    for (size_t i = 0; !code && i < calibration->n_measurements; i++)
        if (tr_strings_has(&calibration->measurements[i].flags, "throttled")) {
            facts.name = "throttling";
            return tr_checks_add(checks, TR_CHECK_STABILITY, TR_CHECK_WARN, &facts,
                                 "clocks were lowered for heat while it was measured: look at "
                                 "fans, heat sink and air flow");
        }
    return code;
}

/* --- rates under lasting load ---------------------------------------------------------------- */

/* The same figure without load before it. */
static const struct tr_measurement *fresh_of(const struct tr_calibration *calibration,
                                             const struct tr_measurement *lasting) {
    const struct tr_measurement *best = NULL;
    for (size_t i = 0; i < calibration->n_measurements; i++) {
        const struct tr_measurement *m = &calibration->measurements[i];
        bool same_type =
            !m->dtype == !lasting->dtype && (!m->dtype || !strcmp(m->dtype, lasting->dtype));
        if (!(m->after_s > 0) && m->kernel && lasting->kernel &&
            !strcmp(m->kernel, lasting->kernel) && same_type && m->threads == lasting->threads &&
            m->place.kind == lasting->place.kind && m->place.index == lasting->place.index &&
            m->median > 0 && (!best || m->median > best->median))
            best = m;
    }
    return best;
}

static int check_lasting(const struct tr_calibration *calibration, struct tr_checks *checks) {
    size_t n = 0;
    int code = 0;
    for (size_t i = 0; !code && i < calibration->n_measurements; i++) {
        const struct tr_measurement *m = &calibration->measurements[i];
        const struct tr_measurement *fresh = m->after_s > 0 ? fresh_of(calibration, m) : NULL;
        if (!fresh || !(m->median > 0))
            continue;
        char *name = tr_format("%s after %.0f s of load", m->kernel, m->after_s);
        double share = m->median / fresh->median;
        struct tr_check_facts facts = {.name = name,
                                       .value = 100 * share,
                                       .unit = "% of the rate at its start",
                                       .low = 100 * (1 - lasting_loss),
                                       .high = NAN,
                                       .from = "the same figure of the same file"};
        bool falls = share < 1 - lasting_loss;
        code =
            !name ? TR_ENOMEM
                  : tr_checks_add(checks, TR_CHECK_STABILITY, falls ? TR_CHECK_WARN : TR_CHECK_PASS,
                                  &facts, "%.4g %s after %.4g%s", m->median, m->unit, fresh->median,
                                  falls ? ": held back by a power limit or by heat; look at both "
                                          "in the BIOS, at fans, heat sink and air flow"
                                        : "");
        free(name);
        n++;
    }
    struct tr_check_facts facts = TR_CHECK_OF("rates under lasting load");
    if (!code && n == 0)
        code = tr_checks_add(checks, TR_CHECK_STABILITY, TR_CHECK_SKIP, &facts,
                             "not measured: run tokenroof measure --full");
    return code;
}

/* --- the last soak --------------------------------------------------------------------------- */

/* "memory: 3 words differ; CPU: ...": the results that have the document's own verdict. */
static char *soak_reasons(const json_t *soak, const char *verdict) {
    struct tr_strbuf text = {0};
    size_t i, n = 0;
    const json_t *result;
    json_array_foreach(tr_fact(soak, "results"), i, result) {
        const char *name = tr_fact_text(result, "name"), *why = tr_fact_text(result, "why");
        const char *of = tr_fact_text(result, "verdict");
        if (of && !strcmp(of, verdict) && (name || why))
            tr_strbuf_addf(&text, "%s%.80s%s%.200s", n++ ? "; " : "", name ? name : "",
                           name && why ? ": " : "", why ? why : "");
    }
    tr_strbuf_add(&text, "");
    return tr_strbuf_take(&text);
}

/* "", or what the soak does not share with what is checked: "with BIOS 1.1 instead of 1.2 and in
 * another boot". NULL: out of memory. */
static char *ran_otherwise(const char *differences, bool rebooted) {
    if (*differences)
        return tr_format("with %s%s", differences, rebooted ? " and in another boot" : "");
    return strdup(rebooted ? "in another boot, and memory is trained anew in each" : "");
}

/* A soak of another processor, firmware or memory neither passes nor fails what is checked. */
static int judge_soak(const json_t *soak, const char *reasons, const char *otherwise, bool other,
                      const struct tr_check_facts *facts, struct tr_checks *checks) {
    const char *verdict = tr_fact_text(soak, "verdict"), *created = tr_fact_text(soak, "created");
    const char *when = created ? created : "an unknown time";
    const char *but = *otherwise ? ", but it ran " : "";
    bool partial = json_is_true(tr_fact(soak, "partial"));
    if (!strcmp(verdict, "fail") && other)
        return tr_checks_add(checks, TR_CHECK_STABILITY, TR_CHECK_WARN, facts,
                             "the soak of %s failed: %s%s%s; soak again", when, reasons, but,
                             otherwise);
    if (!strcmp(verdict, "fail"))
        return tr_checks_add(checks, TR_CHECK_STABILITY, TR_CHECK_FAIL, facts,
                             "the soak of %s failed: %s%s%s; take back overclocks, find the "
                             "module, and soak again",
                             when, reasons, but, otherwise);
    if (!strcmp(verdict, "pass") && !partial && tr_soak_left_memory_out(soak))
        return tr_checks_add(checks, TR_CHECK_STABILITY, TR_CHECK_WARN, facts,
                             "the soak of %s found no error, but tested no memory; soak again",
                             when);
    if (!strcmp(verdict, "pass") && !partial &&
        !tr_soak_is_long_enough(tr_fact_number(soak, "seconds_run"), tr_soak_least_minutes))
        return tr_checks_add(checks, TR_CHECK_STABILITY, TR_CHECK_WARN, facts,
                             "the soak of %s found no error, but is too short to tell; soak again, "
                             "for %.0f minutes or more",
                             when, tr_soak_least_minutes);
    if (!strcmp(verdict, "pass") && !partial)
        return tr_checks_add(checks, TR_CHECK_STABILITY, *but ? TR_CHECK_WARN : TR_CHECK_PASS,
                             facts, "the soak of %s found no error%s%s%s", when, but, otherwise,
                             *but ? "; soak again" : "");
    return tr_checks_add(checks, TR_CHECK_STABILITY, TR_CHECK_WARN, facts,
                         "the soak of %s %s%s%s%s%s; soak again%s", when,
                         partial ? "ended early" : "warned", *reasons ? ": " : "", reasons, but,
                         otherwise, partial ? ", to its end" : " once that is mended");
}

static int check_soak(const struct tr_validation *validation, struct tr_checks *checks) {
    const json_t *soak = validation->soak;
    const char *verdict = tr_fact_text(soak, "verdict");
    double minutes = tr_fact_number(soak, "seconds_run") / 60;
    struct tr_check_facts facts = {.name = "soak",
                                   .value = minutes,
                                   .unit = isnan(minutes) ? NULL : "minutes",
                                   .low = NAN,
                                   .high = NAN,
                                   .from = validation->soak_path};
    if (!soak || !verdict)
        return tr_checks_add(checks, TR_CHECK_STABILITY, TR_CHECK_SKIP,
                             &(struct tr_check_facts)TR_CHECK_OF("soak"),
                             "no soak of this machine is on record: run tokenroof soak");
    char *reasons = !strcmp(verdict, "pass") ? strdup("") : soak_reasons(soak, verdict);
    char *differences = tr_soak_differences(soak, validation->machine);
    char *otherwise =
        differences ? ran_otherwise(differences, tr_soak_of_another_boot(soak, validation->boot_id))
                    : NULL;
    int code = reasons && otherwise
                   ? judge_soak(soak, reasons, otherwise, *differences, &facts, checks)
                   : TR_ENOMEM;
    free(reasons);
    free(differences);
    free(otherwise);
    return code;
}

int tr_validate_stability(const struct tr_validation *validation, struct tr_checks *checks) {
    struct tr_check_facts facts = TR_CHECK_OF("measurement");
    int code = check_errors(validation->machine, checks);
    if (!code)
        code = check_heat(validation->machine, checks);
    if (!code && !validation->calibration)
        code = tr_checks_add(checks, TR_CHECK_STABILITY, TR_CHECK_SKIP, &facts,
                             "nothing was measured: run tokenroof first");
    if (!code && validation->calibration)
        code = check_quality(validation->calibration, checks);
    if (!code && validation->calibration)
        code = check_lasting(validation->calibration, checks);
    return code ? code : check_soak(validation, checks);
}
