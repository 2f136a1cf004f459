#include "health.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "parse.h"
#include "parts.h"
#include "sensors.h"
#include "strbuf.h"

static const char edac_folder[] = "/sys/devices/system/edac/mc";

/* --- modules --------------------------------------------------------------------------------- */

/* The locator that stands in the label as a whole word: boards' tables of labels copy it. */
static const char *slot_of(const struct tr_machine *machine, const char *label) {
    const struct tr_memory *memory = &machine->memory;
    bool by_driver = memory->basis && !strcmp(memory->basis, "edac");
    for (size_t i = 0; !by_driver && i < memory->n_modules; i++) {
        const char *locator = memory->modules[i].locator;
        const char *at = locator && *locator ? strcasestr(label, locator) : NULL;
        if (at && (at == label || !isalnum((unsigned char)at[-1])) &&
            !isalnum((unsigned char)at[strlen(locator)]))
            return locator;
    }
    return NULL;
}

static int add_module(const struct tr_machine *machine, const char *controller, const char *name,
                      struct tr_health *health) {
    struct tr_source *source = &machine->private_data->source;
    struct tr_module_errors *items =
        realloc(health->modules, (health->n_modules + 1) * sizeof(*items));
    char *folder = tr_format("%s/%s/%s", edac_folder, controller, name);
    char *path = folder ? tr_format("%s/dimm_label", folder) : NULL;
    int code = items && path ? 0 : TR_ENOMEM;
    if (items)
        health->modules = items;
    if (!code) {
        struct tr_module_errors module = {
            .corrected = tr_source_number_in(source, folder, "dimm_ce_count"),
            .uncorrected = tr_source_number_in(source, folder, "dimm_ue_count")};
        char *label = tr_source_line(source, path);
        const char *slot = label ? slot_of(machine, label) : NULL;
        module.label = label ? label : tr_format("%s %s", controller, name);
        module.slot = slot ? strdup(slot) : NULL;
        if (!module.label || (slot && !module.slot))
            code = TR_ENOMEM;
        items[health->n_modules++] = module;
    }
    free(path);
    free(folder);
    return code;
}

static bool is_numbered(const char *name, const char *word) {
    size_t n = strlen(word);
    return !strncmp(name, word, n) && isdigit((unsigned char)name[n]);
}

static int read_modules(const struct tr_machine *machine, struct tr_health *health) {
    struct tr_source *source = &machine->private_data->source;
    char **controllers = tr_source_list(source, edac_folder);
    int code = 0;
    for (char **at = controllers; at && *at && !code; at++) {
        char *folder = is_numbered(*at, "mc") ? tr_format("%s/%s", edac_folder, *at) : NULL;
        char **names = folder ? tr_source_list(source, folder) : NULL;
        for (char **name = names; name && *name && !code; name++)
            if (is_numbered(*name, "dimm") || is_numbered(*name, "rank"))
                code = add_module(machine, *at, *name, health);
        tr_source_list_free(names);
        free(folder);
    }
    tr_source_list_free(controllers);
    return code;
}

/* --- interrupts ------------------------------------------------------------------------------ */

/* Sum of the columns of a line " MCE:   0   0   Machine check exceptions"; -1 without the line. */
static int64_t interrupts_of(const char *text, const char *name) {
    char begin[16];
    snprintf(begin, sizeof(begin), " %s:", name);
    const char *at = text ? strstr(text, begin) : NULL;
    int64_t sum = 0;
    if (!at)
        return -1;
    at += strlen(begin);
    for (;;) {
        at += strspn(at, " ");
        if (!isdigit((unsigned char)*at))
            return sum;
        char *end;
        sum += strtoll(at, &end, 10);
        at = end;
    }
}

int tr_health_read(const struct tr_machine *machine, bool interrupts,
                   struct tr_health *ret_health) {
    struct tr_health health = {
        .machine_checks = -1, .deferred_errors = -1, .threshold_interrupts = -1};
    int code = tr_sensors_read(machine, &health.sensors);
    if (!code)
        code = read_modules(machine, &health);
    if (code) {
        tr_health_finish(&health);
        return code;
    }
    if (interrupts) {
        char *text = tr_source_read(&machine->private_data->source, "/proc/interrupts", NULL);
        health.machine_checks = interrupts_of(text, "MCE");
        health.deferred_errors = interrupts_of(text, "DFR");
        health.threshold_interrupts = interrupts_of(text, "THR");
        free(text);
    }
    *ret_health = health;
    return 0;
}

void tr_health_finish(struct tr_health *health) {
    for (size_t i = 0; i < health->n_modules; i++) {
        free(health->modules[i].label);
        free(health->modules[i].slot);
    }
    free(health->modules);
    health->modules = NULL;
    health->n_modules = 0;
}

/* --- memory ---------------------------------------------------------------------------------- */

/* "Node 0 MemFree:  123 kB" in bytes; 0 without such a line. */
static int64_t node_bytes(const char *text, const char *name) {
    const char *at = strstr(text, name);
    return at ? strtoll(at + strlen(name), NULL, 10) * 1024 : 0;
}

int64_t tr_node_available_bytes(const struct tr_machine *machine, int node) {
    char *path = tr_format("/sys/devices/system/node/node%d/meminfo", node);
    char *text = path ? tr_source_read(&machine->private_data->source, path, NULL) : NULL;
    int64_t bytes = -1;
    if (text && strstr(text, " MemFree:"))
        bytes = node_bytes(text, " MemFree:") + node_bytes(text, " Inactive(file):") +
                node_bytes(text, " Active(file):") / 2;
    free(text);
    free(path);
    return bytes;
}

void tr_offer_to_oom_killer(void) {
    static const char most[] = "1000";
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return; /* no procfs, or it is forbidden: nothing is lost */
    ssize_t n = write(fd, most, sizeof(most) - 1);
    (void)n;
    close(fd);
}
