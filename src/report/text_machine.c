#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "text.h"

enum { MOST_REASONS = 2 };

static const struct tr_limit *machine_limit(const struct tr_calibration *calibration,
                                            const char *name) {
    return tr_limit_find(calibration->limits, calibration->n_limits, name, TR_PLACE_MACHINE, 0);
}

static const json_t *machine_of(const struct tr_calibration *calibration) {
    return json_object_get(calibration->document, "machine");
}

static bool is_virtual(const struct tr_calibration *calibration) {
    return json_is_true(json_object_get(machine_of(calibration), "virtual"));
}

/* The product of the counts of packages and channels in a formula such as
 * "2 packages x 12 channels x 8 B x 4.8 GT/s"; -1 if it has none. */
static int channels_of_formula(const char *formula) {
    static const char *const units[] = {" packages", " channels"};
    long channels = 1;
    bool found = false;
    for (size_t i = 0; formula && i < sizeof(units) / sizeof(units[0]); i++) {
        const char *at = strstr(formula, units[i]);
        const char *start = at;
        while (start && start > formula && isdigit((unsigned char)start[-1]))
            start--;
        if (!at || start == at || at - start > 4)
            continue;
        long count = 0;
        for (; start < at; start++)
            count = count * 10 + (*start - '0');
        channels *= count;
        found = i == 1;
    }
    return found && channels > 0 ? (int)channels : -1;
}

bool tr_text_suspicion(const struct tr_calibration *calibration, int *ret_fits, int *ret_of) {
    const struct tr_limit *dram = machine_limit(calibration, "dram");
    const struct tr_limit *read = machine_limit(calibration, "memory_read");
    const struct tr_measurement *rate = tr_calibration_read_rate(calibration);
    double packages = tr_calibration_number(calibration, "packages");
    /* Where the modules were read nothing needs guessing; where the fabric binds, or a neighbour or
     * a heat problem took part, the plateau says nothing about channels. */
    if (!dram || !rate || rate->flags.n || dram->host_only || dram->refuted || !dram->basis ||
        strcmp(dram->basis, "catalogue") || is_virtual(calibration) ||
        (read && read->binds && strcmp(read->binds, "dram")) || !(packages >= 1 && packages < 64))
        return false;
    int channels = channels_of_formula(dram->formula);
    int fits = tr_channels_that_fit(rate->median, dram->value, channels, (int)packages);
    if (fits < 0)
        return false;
    *ret_fits = fits;
    *ret_of = channels;
    return true;
}

int tr_report_notices(const struct tr_calibration *calibration, struct tr_strings *ret_notices) {
    const struct tr_limit *dram = machine_limit(calibration, "dram");
    struct tr_strings notices = {0};
    int fits, of, code = 0;
    if (dram && dram->basis && !strcmp(dram->basis, "catalogue") && !dram->host_only)
        code |=
            tr_strings_add(&notices, "Memory limits rest on the catalogue alone. What is really "
                                     "fitted, 'sudo tokenroof' tells.");
    if (tr_text_suspicion(calibration, &fits, &of))
        code |= tr_strings_add(&notices,
                               "Suspicion: the read rate fits %d of %d channels populated. Look "
                               "whether each has a module.",
                               fits, of);
    if (code)
        tr_strings_finish(&notices);
    else
        *ret_notices = notices;
    return code ? TR_ENOMEM : 0;
}

/* What each is about, up to the first stop, stands out. */
static void notice(struct tr_text *text) {
    const char *doubt = tr_text_tone(text, TR_TONE_DOUBTFUL), *plain = tr_text_plain(text);
    struct tr_strings notices = {0};
    text->out->failed |= tr_report_notices(text->calibration, &notices) != 0;
    for (size_t i = 0; i < notices.n; i++) {
        const char *notice = notices.items[i];
        int head = (int)strcspn(notice, ":.") + 1;
        tr_text_wrapf(text, 2, "%s%.*s%s%s", doubt, head, notice, plain, notice + head);
    }
    tr_strings_finish(&notices);
    if (text->calibration->partial)
        tr_text_wrapf(text, 2, "%sPartial:%s the run was interrupted; figures are missing.", doubt,
                      plain);
}

static void add_count(struct tr_strbuf *line, const char *separator, size_t n, const char *one,
                      const char *many) {
    if (n)
        tr_strbuf_addf(line, "%s%zu %s", separator, n, n == 1 ? one : many);
}

/* Hardware threads over all cores. */
static size_t count_threads(const json_t *cores) {
    size_t i, threads = 0;
    json_t *core;
    json_array_foreach(cores, i, core) {
        struct tr_cpulist cpus = {0};
        const char *list = json_string_value(json_object_get(core, "cpus"));
        if (list && !tr_cpulist_parse(list, &cpus, NULL))
            threads += cpus.n;
        tr_cpulist_finish(&cpus);
    }
    return threads;
}

static void processor_line(struct tr_text *text, const char *separator) {
    const struct tr_calibration *calibration = text->calibration;
    const json_t *machine = machine_of(calibration);
    const json_t *cores = json_object_get(machine, "cores");
    const char *model = tr_calibration_text(calibration, "cpu.model");
    double packages = tr_calibration_number(calibration, "packages");
    struct tr_strbuf line = {0};
    if (packages > 1 && packages < 10000)
        tr_strbuf_addf(&line, "%d x ", (int)packages);
    tr_strbuf_add(&line, tr_text_tone(text, TR_TONE_HEAD));
    tr_text_add(text, &line, model ? model : "processor unknown");
    tr_strbuf_add(&line, tr_text_plain(text));
    add_count(&line, separator, json_array_size(cores), "core", "cores");
    add_count(&line, ", ", count_threads(cores), "thread", "threads");
    add_count(&line, separator, json_array_size(json_object_get(machine, "numa_nodes")),
              "NUMA node", "NUMA nodes");
    add_count(&line, separator, json_array_size(json_object_get(machine, "l3_groups")), "L3 group",
              "L3 groups");
    if (line.failed)
        text->out->failed = true;
    else
        tr_text_wrap(text, line.text, 2);
    tr_strbuf_finish(&line);
}

/* "12 x DDR5-4800 on 12 of 12 channels" of the modules that are fitted; false if none is known. */
static bool add_modules(struct tr_text *text, struct tr_strbuf *line) {
    const struct tr_calibration *calibration = text->calibration;
    const json_t *modules =
        json_object_get(json_object_get(machine_of(calibration), "memory"), "modules");
    size_t i, fitted = 0;
    const char *type = NULL;
    json_t *module;
    json_array_foreach(modules, i, module) {
        if (!(json_number_value(json_object_get(module, "size_bytes")) > 0))
            continue;
        fitted++;
        if (!type)
            type = json_string_value(json_object_get(module, "type"));
    }
    double configured = tr_calibration_number(calibration, "memory.configured_mts");
    double rated = tr_calibration_number(calibration, "memory.rated_mts");
    double populated = tr_calibration_number(calibration, "memory.channels_populated");
    double present = tr_calibration_number(calibration, "memory.channels_present");
    if (!fitted)
        return false;
    tr_strbuf_addf(line, "memory %zu x ", fitted);
    tr_text_add(text, line, type ? type : "module");
    if (configured > 0)
        tr_strbuf_addf(line, "-%.5g", configured);
    if (rated > configured)
        tr_strbuf_addf(line, " (rated %.5g)", rated);
    if (populated > 0 && present > 0)
        tr_strbuf_addf(line, " on %.4g of %.4g channels", populated, present);
    else if (populated > 0)
        tr_strbuf_addf(line, " on %.4g channels", populated);
    return true;
}

static double total_memory(const json_t *machine) {
    double bytes = 0;
    size_t i;
    json_t *node;
    json_array_foreach(json_object_get(machine, "numa_nodes"), i, node) {
        bytes += json_number_value(json_object_get(node, "memory_bytes"));
    }
    return bytes;
}

static void memory_line(struct tr_text *text, const char *separator) {
    const struct tr_calibration *calibration = text->calibration;
    double bytes = tr_calibration_number(calibration, "os.memory_bytes");
    if (!(bytes > 0))
        bytes = total_memory(machine_of(calibration));
    struct tr_strbuf line = {0};
    if (!add_modules(text, &line))
        tr_strbuf_add(&line, "memory modules unknown");
    if (bytes > 0)
        tr_strbuf_addf(&line, "%s%.*g GiB", separator, bytes < 1e11 ? 3 : 4, bytes / (1 << 30));
    if (is_virtual(calibration)) {
        const char *hypervisor = tr_calibration_text(calibration, "hypervisor");
        tr_strbuf_addf(&line, "%svirtual machine", separator);
        if (hypervisor) {
            tr_strbuf_add(&line, " (");
            tr_text_add(text, &line, hypervisor);
            while (!line.failed && line.text[line.length - 1] == ' ') /* signatures are padded */
                line.text[--line.length] = '\0';
            tr_strbuf_add(&line, ")");
        }
    }
    if (line.failed)
        text->out->failed = true;
    else
        tr_text_wrap(text, line.text, 2);
    tr_strbuf_finish(&line);
}

static void quality_line(struct tr_text *text, const char *separator) {
    const struct tr_calibration *calibration = text->calibration;
    struct tr_strbuf line = {0};
    tr_strbuf_add(&line, "measured ");
    tr_text_add(text, &line, calibration->created ? calibration->created : "at an unknown time");
    if (calibration->label && *calibration->label) {
        tr_strbuf_add(&line, separator);
        tr_text_add(text, &line, calibration->label);
    }
    if (calibration->grade) {
        bool good = !strcmp(calibration->grade, "A") || !strcmp(calibration->grade, "B");
        tr_strbuf_addf(&line, "%s%squality ", separator,
                       tr_text_tone(text, good ? TR_TONE_GOOD : TR_TONE_DOUBTFUL));
        tr_text_add(text, &line, calibration->grade);
        tr_strbuf_add(&line, tr_text_plain(text));
    }
    for (size_t i = 0; i < calibration->reasons.n; i++) {
        if (!text->full && i == MOST_REASONS && i + 1 < calibration->reasons.n) {
            tr_strbuf_addf(&line, "; %zu more reasons", calibration->reasons.n - i);
            break;
        }
        tr_strbuf_add(&line, i ? "; " : calibration->grade ? ": " : separator);
        tr_text_add(text, &line, calibration->reasons.items[i]);
    }
    if (line.failed)
        text->out->failed = true;
    else
        tr_text_wrap(text, line.text, 2);
    tr_strbuf_finish(&line);
}

void tr_text_machine(struct tr_text *text) {
    const char *separator = text->term.unicode ? " · " : " | ";
    notice(text);
    processor_line(text, separator);
    memory_line(text, separator);
    quality_line(text, separator);
}
