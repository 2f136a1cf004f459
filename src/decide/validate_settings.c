/* What the machine is, and how it is set. */
#include <math.h>
#include <string.h>

#include "facts.h"
#include "tokenroof/err.h"
#include "validate.h"

/* --- identity -------------------------------------------------------------------------------- */

int tr_validate_identity(const struct tr_validation *validation, struct tr_checks *checks) {
    const json_t *machine = validation->machine;
    const char *model = tr_fact_text(machine, "cpu.model");
    const char *row = tr_fact_text(machine, "platform_row.name");
    double sockets = tr_fact_number(machine, "packages");
    double most = tr_fact_number(machine, "platform_row.sockets_max");
    struct tr_check_facts facts = TR_CHECK_OF("processor");
    int code;
    if (row)
        code = tr_checks_add(checks, TR_CHECK_IDENTITY, TR_CHECK_PASS, &facts, "%s%s%s", row,
                             model ? ", calls itself " : "", model ? model : "");
    else
        code = tr_checks_add(checks, TR_CHECK_IDENTITY, TR_CHECK_SKIP, &facts,
                             "%s: %s; only general expectations apply",
                             model ? model : "the processor tells no name",
                             model ? "not in the catalogue" : "no catalogue row");
    if (!code && sockets > most) {
        facts = (struct tr_check_facts){.name = "sockets",
                                        .value = sockets,
                                        .unit = "sockets",
                                        .low = NAN,
                                        .high = most,
                                        .from = "catalogue"};
        code = tr_checks_add(checks, TR_CHECK_IDENTITY, TR_CHECK_WARN, &facts,
                             "the part is sold for %.0f socket%s: a look-alike, or a wrong row",
                             most, most == 1 ? "" : "s");
    }
    return code;
}

/* --- configuration --------------------------------------------------------------------------- */

/* A setting that should have a value; unknown ones are not checked. */
struct setting {
    const char *path, *name;
    const char *good[3];
    const char *advice;
};

static const struct setting settings[] = {
    {"settings.governor",
     "CPU governor",
     {"performance", "schedutil"},
     "clocks rise late; set it by: cpupower frequency-set -g performance"},
    {"settings.thp",
     "transparent huge pages",
     {"always", "madvise"},
     "large arrays pay for address translation; echo madvise > "
     "/sys/kernel/mm/transparent_hugepage/enabled"},
};

/* intel_pstate and amd-pstate in active mode call their governor powersave, and it is a good one.
 */
static bool is_active_driver(const json_t *machine) {
    const char *driver = tr_fact_text(machine, "settings.driver");
    return driver && (!strcmp(driver, "intel_pstate") || !strncmp(driver, "amd-pstate-epp", 14) ||
                      !strcmp(driver, "amd_pstate_epp"));
}

static int check_settings(const json_t *machine, struct tr_checks *checks) {
    int code = 0;
    for (size_t i = 0; !code && i < sizeof(settings) / sizeof(settings[0]); i++) {
        const char *value = tr_fact_text(machine, settings[i].path);
        struct tr_check_facts facts = TR_CHECK_OF(settings[i].name);
        bool good = false;
        if (!value)
            continue;
        for (size_t k = 0; settings[i].good[k]; k++)
            good |= !strcmp(value, settings[i].good[k]);
        good |= !strcmp(settings[i].path, "settings.governor") && is_active_driver(machine);
        code = tr_checks_add(checks, TR_CHECK_CONFIGURATION, good ? TR_CHECK_PASS : TR_CHECK_WARN,
                             &facts, good ? "%s" : "%s: %s", value, settings[i].advice);
    }
    return code;
}

static int check_flags(const json_t *machine, struct tr_checks *checks) {
    const json_t *boost = tr_fact(machine, "settings.boost");
    double balancing = tr_fact_number(machine, "settings.numa_balancing");
    size_t nodes = json_array_size(tr_fact(machine, "numa_nodes"));
    struct tr_check_facts facts = TR_CHECK_OF("boost");
    int code = 0;
    if (boost)
        code = tr_checks_add(checks, TR_CHECK_CONFIGURATION,
                             json_is_true(boost) ? TR_CHECK_PASS : TR_CHECK_WARN, &facts, "%s",
                             json_is_true(boost)
                                 ? "on"
                                 : "off: cores stay at their base clock; switch it on in the BIOS "
                                   "or in /sys/devices/system/cpu/cpufreq/boost");
    if (!code && balancing >= 0 && nodes > 1) {
        facts.name = "NUMA balancing";
        code = tr_checks_add(checks, TR_CHECK_CONFIGURATION,
                             balancing > 0 ? TR_CHECK_WARN : TR_CHECK_PASS, &facts, "%s",
                             balancing > 0 ? "on: the kernel takes pages away from placed threads; "
                                             "sysctl kernel.numa_balancing=0"
                                           : "off");
    }
    return code;
}

static int check_clocks(const json_t *machine, struct tr_checks *checks) {
    double most = tr_fact_number(machine, "clocks.max_ghz");
    double capped = tr_fact_number(machine, "clocks.capped_ghz");
    double uncore = tr_fact_number(machine, "clocks.uncore_max_ghz");
    double uncore_most = tr_fact_number(machine, "clocks.uncore_hw_max_ghz");
    double fclk = tr_fact_number(machine, "clocks.fclk_ghz");
    double usual = tr_fact_number(machine, "platform_row.fclk_ghz");
    int code = 0;
    if (!isnan(capped)) {
        struct tr_check_facts facts = {"highest core clock", capped, "GHz", most, NAN, "cpufreq"};
        code = tr_checks_add(checks, TR_CHECK_CONFIGURATION, TR_CHECK_WARN, &facts,
                             "cores are held below their maximum: by scaling_max_freq or the BIOS");
    }
    if (!code && uncore < uncore_most) {
        struct tr_check_facts facts = {"highest uncore clock", uncore, "GHz", uncore_most, NAN,
                                       "maximum at boot"};
        code = tr_checks_add(checks, TR_CHECK_CONFIGURATION, TR_CHECK_WARN, &facts,
                             "caches and memory controllers are held below their maximum: look in "
                             "/sys/devices/system/cpu/intel_uncore_frequency");
    }
    if (!code && fclk < 0.97 * usual) {
        struct tr_check_facts facts = {"fabric clock", fclk, "GHz", usual, NAN, "catalogue"};
        code = tr_checks_add(checks, TR_CHECK_CONFIGURATION, TR_CHECK_WARN, &facts,
                             "below the part's usual one: resting, or set so; set APBDIS=1 or the "
                             "FCLK in the BIOS, and measure again");
    }
    return code;
}

int tr_validate_configuration(const struct tr_validation *validation, struct tr_checks *checks) {
    const json_t *machine = validation->machine;
    const char *nps = tr_fact_text(machine, "settings.nps");
    const char *smt = tr_fact_text(machine, "settings.smt");
    bool none = smt && !strcmp(smt, "notsupported");
    struct tr_check_facts facts = TR_CHECK_OF("virtual machine");
    size_t before = checks->n;
    int code = 0;
    if (json_is_true(tr_fact(machine, "virtual")))
        code =
            tr_checks_add(checks, TR_CHECK_CONFIGURATION, TR_CHECK_WARN, &facts,
                          "runs under %s: neighbours and the host's memory are out of sight; a "
                          "server is accepted on bare metal",
                          tr_fact_text(machine, "hypervisor") ? tr_fact_text(machine, "hypervisor")
                                                              : "a hypervisor");
    if (!code && !isnan(tr_fact_number(machine, "cpu_quota"))) {
        facts.name = "CPU quota";
        code = tr_checks_add(checks, TR_CHECK_CONFIGURATION, TR_CHECK_WARN, &facts,
                             "a cgroup allows %.3g CPUs' worth of time: run it outside the "
                             "container",
                             tr_fact_number(machine, "cpu_quota"));
    }
    if (!code && (nps || smt)) {
        facts.name = "NUMA and SMT";
        code = tr_checks_add(checks, TR_CHECK_CONFIGURATION, TR_CHECK_PASS, &facts, "%s%s%s%s",
                             nps ? nps : "", nps && smt ? ", " : "",
                             none  ? "no SMT (one hardware thread a core)"
                             : smt ? "SMT "
                                   : "",
                             smt && !none ? tr_fact_smt(smt) : "");
    }
    if (!code)
        code = check_settings(machine, checks);
    if (!code)
        code = check_flags(machine, checks);
    if (!code)
        code = check_clocks(machine, checks);
    if (code || checks->n > before)
        return code;
    facts = (struct tr_check_facts)TR_CHECK_OF("settings");
    return tr_checks_add(checks, TR_CHECK_CONFIGURATION, TR_CHECK_SKIP, &facts,
                         "none is known: they are read from the running machine");
}
