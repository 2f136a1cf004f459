/* What is worth a look of a machine as found, and its page as Markdown and CSV. */
#include <math.h>

#include "machines.h"
#include "report_machine.h"
#include "tokenroof/platform.h"

static const struct tr_glance_item *find(const struct tr_glance *glance, const char *name) {
    for (size_t i = 0; i < glance->n; i++)
        if (!strcmp(glance->items[i].name, name))
            return &glance->items[i];
    return NULL;
}

/* The machine's item of that name has these words and this tone; words NULL: there is none. */
static void expect(const struct tr_machine *machine, const char *name, enum tr_tone tone,
                   const char *words) {
    struct tr_glance glance;
    tr_glance_fill(&glance, machine);
    const struct tr_glance_item *item = find(&glance, name);
    if (!words && item)
        fail_msg("%s: '%s' should not be there", name, item->text);
    if (words && (!item || !strstr(item->text, words) || item->tone != tone))
        fail_msg("%s: '%s' (tone %d), expected '%s' (%d)", name, item ? item->text : "nothing",
                 item ? (int)item->tone : -1, words, (int)tone);
    tr_glance_finish(&glance);
}

static void memory(void **state) {
    (void)state;
    struct tr_machine *machine = machine_from_data("smbios/server-10-of-12");
    expect(machine, "memory channels", TR_TONE_BAD, "10 of 12 have a module: ");
    expect(machine, "memory channels", TR_TONE_BAD, "2 of 12 slots are empty");
    machine->environment.virtual_machine = true;
    expect(machine, "memory channels", TR_TONE_BAD, NULL);
    expect(machine, "virtual machine", TR_TONE_DOUBTFUL, "not trustworthy");
    tr_machine_destroy(machine);
    machine = machine_from_data("smbios/desktop-2-of-4-ddr5");
    expect(machine, "memory channels", TR_TONE_GOOD, "slots are empty, no channel is");
    machine->memory.population.verdict = "below specification";
    free(machine->memory.population.why);
    machine->memory.population.why = strdup("runs at 4000 MT/s");
    expect(machine, "memory speed", TR_TONE_DOUBTFUL, "below specification: runs at 4000 MT/s");
    tr_machine_destroy(machine);
    machine = machine_from_data("smbios/server-few-modules");
    expect(machine, "memory channels", TR_TONE_BAD,
           "4 modules are too few for all channels: at most 140.8 of 563.2 GB/s; 28 of 32 slots "
           "are empty");
    expect(machine, "memory reads", TR_TONE_PLAIN, "= 140.8 GB/s, no more channels than modules");
    tr_machine_destroy(machine);
    machine = machine_from_data("smbios/server-numbered-slots");
    expect(machine, "memory channels", TR_TONE_BAD, NULL);
    expect(machine, "memory reads", TR_TONE_PLAIN, "= 563.2 GB/s, the channels by the catalogue");
    tr_machine_destroy(machine);
}

static struct tr_machine *by_name(const char *name, double fclk_mhz) {
    struct tr_machine *machine = NULL;
    const struct tr_platform *platform = tr_platform_by_name(name);
    const struct tr_overrides overrides = {.fclk_mhz = fclk_mhz};
    assert_non_null(platform);
    assert_int_equal(tr_machine_of_platform(platform, 1, &overrides, &machine, NULL), 0);
    return machine;
}

static void what_binds(void **state) {
    (void)state;
    struct tr_machine *machine = by_name("AMD Ryzen 5 7400F", 1800);
    expect(machine, "memory reads", TR_TONE_DOUBTFUL,
           "fabric: 1 CCD x 1 link x 32 B x 1.8 GHz = 57.6 GB/s, below DRAM 83.2");
    tr_machine_destroy(machine);
    machine = by_name("AMD EPYC 9554", 0);
    expect(machine, "memory reads", TR_TONE_PLAIN, "= 460.8 GB/s, as much as fabric 460.8");
    tr_machine_destroy(machine);
    machine = by_name("Intel Core i5-1335U", 0);
    expect(machine, "memory reads", TR_TONE_PLAIN,
           "DRAM: 2 channels x 8 B x 6.4 GT/s = 102.4 GB/s");
    tr_machine_destroy(machine);
    /* What the catalogue says of a machine whose modules nobody saw is no fact of it. */
    machine = machine_from_data("capture/gpus");
    expect(machine, "memory reads", TR_TONE_PLAIN, "the modules are unknown");
    tr_machine_destroy(machine);
}

static void links_and_settings(void **state) {
    (void)state;
    struct tr_machine *machine = machine_from_data("capture/gpus");
    expect(machine, "PCIe", TR_TONE_BAD, "(0000:01:00.0) runs on 8 of 16 lanes");
    expect(machine, "NUMA", TR_TONE_PLAIN, "NPS1: each package is one node");
    expect(machine, "clocks", TR_TONE_DOUBTFUL, NULL);
    machine->devices[0].link_width = 16;
    machine->devices[0].link_gt_per_s = 2.5;
    machine->settings.boost = 0;
    machine->environment.cpu_quota = 1.5;
    expect(machine, "PCIe", TR_TONE_PLAIN, "runs at 2.5 of 32 GT/s now");
    expect(machine, "clocks", TR_TONE_DOUBTFUL, "boost is off");
    expect(machine, "CPU time", TR_TONE_DOUBTFUL, "limited to 1.5 of 4 CPUs");
    free(machine->settings.nps);
    machine->settings.nps = strdup("NPS0");
    expect(machine, "NUMA", TR_TONE_DOUBTFUL, "all packages are one node");
    tr_machine_destroy(machine);
}

static size_t count(const char *text, const char *part) {
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at++)
        n++;
    return n;
}

/* Firmware may write anything: it stays text. */
static void other_formats(void **state) {
    (void)state;
    struct tr_machine *machine = machine_from_data("smbios/server-10-of-12");
    struct tr_strbuf out = {0};
    free(machine->cpu.model);
    machine->cpu.model = strdup("<b>```\x1b[31m| x");
    assert_int_equal(tr_report_machine_markdown(machine, &out), 0);
    char *fence = strstr(out.text, "\n````text\n");
    assert_non_null(fence);
    assert_non_null(strstr(fence + 5, "\n````\n"));
    assert_null(strchr(out.text, '\x1b'));
    *fence = '\0'; /* before the fence nothing may be markup */
    assert_non_null(strstr(out.text, "# \\<b\\>\\`\\`\\`"));
    assert_non_null(strstr(out.text, "- **memory channels**: 10 of 12"));
    assert_non_null(strstr(out.text, "| dram |"));
    tr_strbuf_finish(&out);
    out = (struct tr_strbuf){0};
    free(machine->limits[0].formula);
    machine->limits[0].formula = strdup("=1+\"2\",3");
    assert_int_equal(tr_report_machine_csv(machine, &out), 0);
    assert_int_equal(count(out.text, "\r\n"), machine->n_limits + 1);
    assert_non_null(strstr(out.text, ",\"'=1+\"\"2\"\",3\"\r\n"));
    tr_strbuf_finish(&out);
    tr_machine_destroy(machine);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory),
        cmocka_unit_test(what_binds),
        cmocka_unit_test(links_and_settings),
        cmocka_unit_test(other_formats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
