/* systemd's dmi_memory_id helper reads the firmware's tables as root at boot and leaves their
 * memory records in the udev database, as lines "E:MEMORY_DEVICE_3_SIZE=17179869184". */
#include "udev.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "parse.h"

enum { MAX_SLOTS = 1024 };

static int number(const char *value) {
    int64_t parsed;
    return tr_parse_int(value, 1, 1000000, &parsed, NULL) ? -1 : (int)parsed;
}

/* Replaces *field by a printable copy; words for "not known" leave it NULL. */
static int set_text(char **field, const char *value) {
    static const char *const unknown[] = {
        "",     "Unknown", "Other", "None",          "RAM",
        "DRAM", "NO DIMM", "N/A",   "Not Specified", "<OUT OF SPEC>"};
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
        if (!strcasecmp(value, unknown[i]))
            return 0;
    char *copy = strdup(value);
    if (!copy)
        return TR_ENOMEM;
    for (char *at = copy; *at; at++)
        if (*at < ' ' || *at > '~')
            *at = '?';
    free(*field);
    *field = copy;
    return 0;
}

static int set_field(struct tr_memory_module *module, const char *key, const char *value) {
    int64_t bytes;
    if (!strcmp(key, "PRESENT") && !strcmp(value, "0"))
        module->size_bytes = 0;
    else if (!strcmp(key, "SIZE") && module->size_bytes &&
             !tr_parse_int(value, 0, INT64_MAX, &bytes, NULL))
        module->size_bytes = bytes;
    else if (!strcmp(key, "TOTAL_WIDTH"))
        module->total_width_bits = number(value);
    else if (!strcmp(key, "DATA_WIDTH"))
        module->data_width_bits = number(value);
    else if (!strcmp(key, "SPEED_MTS"))
        module->rated_mts = number(value);
    else if (!strcmp(key, "CONFIGURED_SPEED_MTS"))
        module->configured_mts = number(value);
    else if (!strcmp(key, "RANK"))
        module->rank = number(value);
    else if (!strcmp(key, "LOCATOR"))
        return set_text(&module->locator, value);
    else if (!strcmp(key, "BANK_LOCATOR"))
        return set_text(&module->bank, value);
    else if (!strcmp(key, "TYPE"))
        return set_text(&module->type, value);
    else if (!strcmp(key, "MANUFACTURER"))
        return set_text(&module->manufacturer, value);
    else if (!strcmp(key, "PART_NUMBER"))
        return set_text(&module->part_number, value);
    return 0;
}

/* Some firmware tells type and speed of empty slots. */
static void clear_empty(struct tr_memory_module *module) {
    if (module->size_bytes)
        return;
    free(module->type);
    free(module->manufacturer);
    free(module->part_number);
    module->type = module->manufacturer = module->part_number = NULL;
    module->rated_mts = module->configured_mts = module->rank = -1;
}

int tr_udev_read_modules(struct tr_source *source, struct tr_memory_module **ret_modules,
                         size_t *ret_n) {
    static const char prefix[] = "E:MEMORY_DEVICE_";
    struct tr_memory_module *modules = NULL;
    size_t n = 0;
    int code = 0;
    char *text = tr_source_read(source, "/run/udev/data/+dmi:id", NULL), *save = NULL;
    for (char *line = text ? strtok_r(text, "\n", &save) : NULL; line && !code;
         line = strtok_r(NULL, "\n", &save)) {
        char *key = NULL, *value = strchr(line, '=');
        if (strncmp(line, prefix, strlen(prefix)) != 0 || !value)
            continue;
        unsigned long slot = strtoul(line + strlen(prefix), &key, 10);
        if (key == line + strlen(prefix) || *key != '_' || slot >= MAX_SLOTS)
            continue;
        *value++ = '\0';
        if (slot >= n) {
            struct tr_memory_module *grown = realloc(modules, (slot + 1) * sizeof(*grown));
            if (!grown) {
                code = TR_ENOMEM;
                break;
            }
            modules = grown;
            for (; n <= slot; n++)
                modules[n] = (struct tr_memory_module){.size_bytes = -1,
                                                       .data_width_bits = -1,
                                                       .total_width_bits = -1,
                                                       .rated_mts = -1,
                                                       .configured_mts = -1,
                                                       .rank = -1,
                                                       .mapped_from_bytes = -1,
                                                       .mapped_to_bytes = -1,
                                                       .interleave_position = -1,
                                                       .package = -1};
        }
        code = set_field(&modules[slot], key + 1, value);
    }
    free(text);
    for (size_t i = 0; i < n; i++)
        clear_empty(&modules[i]);
    *ret_modules = modules;
    *ret_n = n;
    return code;
}
