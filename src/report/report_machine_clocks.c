#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "report_machine.h"

/* The headline comes with the first fact. */
static void fact(struct tr_text *text, const char *head, bool *started, const char *name,
                 char *value) {
    if (!*started) {
        tr_strbuf_add(text->out, "\n");
        tr_text_head(text, head);
    }
    *started = true;
    tr_text_fact(text, name, value);
}

/* --- clocks ---------------------------------------------------------------------------------- */

static char *memory_clock(const struct tr_clocks *clocks) {
    const char *basis = clocks->mclk_basis ? clocks->mclk_basis : "read";
    return tr_format("%.4g GHz (%s): %.0f MT/s", clocks->mclk_ghz, basis, 2000 * clocks->mclk_ghz);
}

static char *uncore_text(const struct tr_clocks *clocks) {
    struct tr_strbuf line = {0};
    if (isfinite(clocks->uncore_min_ghz))
        tr_strbuf_addf(&line, "%.4g to ", clocks->uncore_min_ghz);
    tr_strbuf_addf(&line, "%.4g GHz (intel_uncore_frequency)", clocks->uncore_max_ghz);
    if (clocks->uncore_max_ghz < clocks->uncore_hw_max_ghz)
        tr_strbuf_addf(&line, ", %.4g GHz at boot", clocks->uncore_hw_max_ghz);
    return tr_strbuf_take(&line);
}

static void memory_clocks(struct tr_text *text, const char *head, bool *started,
                          const struct tr_clocks *clocks) {
    if (isfinite(clocks->mclk_ghz))
        fact(text, head, started, "memory (MCLK)", memory_clock(clocks));
    if (isfinite(clocks->ddr_gb_s))
        fact(text, head, started, "DDR bandwidth",
             tr_format("%.4g GB/s in theory (hsmp)", clocks->ddr_gb_s));
    if (isfinite(clocks->uncore_max_ghz))
        fact(text, head, started, "uncore", uncore_text(clocks));
}

void tr_text_clocks(struct tr_text *text, const struct tr_machine *machine) {
    static const char head[] = "clocks";
    enum { FIRST_CORE_ROW = 4 };
    const struct tr_clocks *clocks = &machine->clocks;
    const struct tr_platform *platform = machine->platform;
    const struct {
        const char *name;
        double ghz;
        const char *basis;
    } rows[] = {
        {"fabric (FCLK)", clocks->fclk_ghz, clocks->fclk_basis},
        {"fabric (FCLK)", isfinite(clocks->fclk_ghz) || !platform ? NAN : platform->fclk_ghz,
         "catalogue"},
        {"fabric, listed", isfinite(clocks->fclk_ghz) ? NAN : clocks->fclk_listed_ghz,
         "amdgpu: a hint only"},
        {"controller (UCLK)", clocks->uclk_ghz, clocks->mclk_basis},
        {"core base", clocks->base_ghz, "cpufreq"},
        {"core maximum", clocks->max_ghz, "cpufreq"},
        {"core held to", clocks->capped_ghz, "scaling_max_freq or bios_limit"},
        {"core base", isfinite(clocks->base_ghz) || !platform ? NAN : platform->base_ghz,
         "catalogue"},
        {"core boost", isfinite(clocks->max_ghz) || !platform ? NAN : platform->boost_ghz,
         "catalogue"},
    };
    bool started = false;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (i == FIRST_CORE_ROW)
            memory_clocks(text, head, &started, clocks);
        if (isfinite(rows[i].ghz))
            fact(text, head, &started, rows[i].name,
                 tr_format("%.4g GHz (%s%s)", rows[i].ghz, rows[i].basis ? rows[i].basis : "read",
                           i == 0 && clocks->fclk_may_rise ? ", may rise under load" : ""));
    }
}

/* --- heat and power -------------------------------------------------------------------------- */

static char *temperature(double celsius, double limit, const char *sensor) {
    struct tr_strbuf line = {0};
    tr_strbuf_addf(&line, "%.4g degrees Celsius", celsius);
    if (isfinite(limit))
        tr_strbuf_addf(&line, ", critical %.4g", limit);
    tr_strbuf_addf(&line, " (%s)", sensor);
    return tr_strbuf_take(&line);
}

static char *power(const struct tr_sensors *sensors) {
    struct tr_strbuf line = {0};
    const char *comma = "";
    if (isfinite(sensors->power_w)) {
        tr_strbuf_addf(&line, "%.4g W now", sensors->power_w);
        comma = ", ";
    }
    if (isfinite(sensors->power_limit_w))
        tr_strbuf_addf(&line, "%slimit %.4g W", comma, sensors->power_limit_w);
    if (isfinite(sensors->power_short_limit_w))
        tr_strbuf_addf(&line, "%s%.4g W for seconds", line.length ? ", " : "",
                       sensors->power_short_limit_w);
    if (isfinite(sensors->power_limit_max_w))
        tr_strbuf_addf(&line, ", at most %.4g W", sensors->power_limit_max_w);
    tr_strbuf_addf(&line, ", all packages together (%s)", sensors->power_basis);
    return tr_strbuf_take(&line);
}

static char *throttling(const struct tr_sensors *sensors) {
    struct tr_strbuf line = {0};
    if (sensors->core_throttle_events >= 0)
        tr_strbuf_addf(&line, "%" PRId64 " times by cores' heat", sensors->core_throttle_events);
    if (sensors->package_throttle_events >= 0)
        tr_strbuf_addf(&line, "%s%" PRId64 " times by packages' heat", line.length ? ", " : "",
                       sensors->package_throttle_events);
    tr_strbuf_add(&line, " since boot");
    return tr_strbuf_take(&line);
}

void tr_text_sensors(struct tr_text *text, const struct tr_machine *machine) {
    static const char head[] = "heat and power at this moment";
    const struct tr_sensors *sensors = &machine->sensors;
    bool started = false;
    if (isfinite(sensors->cpu_celsius))
        fact(text, head, &started, "processor",
             temperature(sensors->cpu_celsius, sensors->cpu_limit_celsius, sensors->cpu_sensor));
    if (isfinite(sensors->memory_celsius))
        fact(text, head, &started, "memory",
             temperature(sensors->memory_celsius, sensors->memory_limit_celsius,
                         sensors->memory_sensor));
    if (sensors->power_basis)
        fact(text, head, &started, "power", power(sensors));
    if (isfinite(sensors->core_limit_ghz))
        fact(text, head, &started, "cores held to",
             tr_format("%.4g GHz by %s (hsmp)", sensors->core_limit_ghz,
                       sensors->core_limit_reason ? sensors->core_limit_reason : "firmware"));
    if (isfinite(sensors->uncore_ghz))
        fact(text, head, &started, "uncore", tr_format("%.4g GHz", sensors->uncore_ghz));
    if (sensors->core_throttle_events >= 0 || sensors->package_throttle_events >= 0)
        fact(text, head, &started, "throttled", throttling(sensors));
}
