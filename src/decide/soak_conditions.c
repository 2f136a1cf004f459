#include "soak_conditions.h"

#include <math.h>
#include <string.h>

#include "facts.h"
#include "strbuf.h"

static const struct {
    const char *of_soak, *of_machine, *what;
} facts[] = {
    {"cpu_model", "cpu.model", "processor"},
    {"machine.firmware.board", "firmware.board", "board"},
    {"machine.firmware.bios", "firmware.bios", "BIOS"},
    {"machine.firmware.bios_date", "firmware.bios_date", "BIOS date"},
    {"machine.firmware.microcode", "firmware.microcode", "microcode"},
    {"machine.memory.total_bytes", "memory.total_bytes", "memory bytes"},
    {"machine.memory.channels_populated", "memory.channels_populated", "memory channels"},
    {"machine.memory.configured_mts", "memory.configured_mts", "memory MT/s"},
    {"machine.clocks.fclk_ghz", "clocks.fclk_ghz", "FCLK GHz"},
};
/* Clocks that are read twice differ in their last digits, lengths by a second. */
static const double same_fraction = 0.01;

char *tr_soak_differences(const json_t *soak, const json_t *machine) {
    struct tr_strbuf text = {0};
    tr_strbuf_add(&text, "");
    for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
        const char *then = tr_fact_text(soak, facts[i].of_soak);
        const char *here = tr_fact_text(machine, facts[i].of_machine);
        double was = tr_fact_number(soak, facts[i].of_soak);
        double is = tr_fact_number(machine, facts[i].of_machine);
        const char *between = text.length ? ", " : "";
        if (then && here && strcmp(then, here) != 0)
            tr_strbuf_addf(&text, "%s%s %s instead of %s", between, facts[i].what, then, here);
        else if (fabs(was - is) > same_fraction * fmax(was, is)) /* never of NAN */
            tr_strbuf_addf(&text, "%s%s %.10g instead of %.10g", between, facts[i].what, was, is);
    }
    return tr_strbuf_take(&text);
}

bool tr_soak_is_long_enough(double seconds, double least_minutes) {
    return !(seconds < 60 * least_minutes * (1 - same_fraction));
}

bool tr_soak_left_memory_out(const json_t *soak) {
    size_t i;
    const json_t *result;
    json_array_foreach(json_object_get(soak, "results"), i, result) {
        const char *name = tr_fact_text(result, "name"), *of = tr_fact_text(result, "verdict");
        if (name && of && !strcmp(name, "memory") && !strcmp(of, "skip"))
            return true;
    }
    return false;
}

bool tr_soak_of_another_boot(const json_t *soak, const char *boot_id) {
    const char *then = tr_fact_text(soak, "boot_id");
    return then && boot_id && strcmp(then, boot_id) != 0;
}
