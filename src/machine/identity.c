/* Two hashes: which host this is, and which hardware and firmware it has. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <sys/types.h>

#include <sha256.h>

#include "parts.h"
#include "strbuf.h"

enum { HOST_ID_DIGITS = 12 };

/* The first `digits` hexadecimal digits of SHA-256 over the text. */
static char *hash(const char *text, size_t digits) {
    char hex[SHA256_DIGEST_STRING_LENGTH];
    if (!SHA256Data((const uint8_t *)text, strlen(text), hex))
        return NULL;
    return strndup(hex, digits);
}

static const char *or_unknown(const char *text) {
    return text ? text : "?";
}

/* Board, CPU, memory layout, firmware: what a figure depends on, and nothing that names the owner.
 * No operating system: a newer kernel is the same hardware. */
static char *fingerprint_text(const struct tr_machine *machine, bool with_modules) {
    const struct tr_firmware *firmware = &machine->firmware;
    const struct tr_memory *memory = &machine->memory;
    struct tr_strbuf text = {0};
    tr_strbuf_addf(&text, "board %s %s\n", or_unknown(firmware->board_vendor),
                   or_unknown(firmware->board_name));
    tr_strbuf_addf(&text, "firmware %s %s\n", or_unknown(firmware->bios_vendor),
                   or_unknown(firmware->bios_version));
    tr_strbuf_addf(&text, "cpu %s %d %d %d microcode %s\n", or_unknown(machine->cpu.model),
                   machine->cpu.family, machine->cpu.model_number, machine->cpu.stepping,
                   or_unknown(firmware->microcode));
    tr_strbuf_addf(&text, "packages %zu nodes %zu l3 %zu\n", machine->n_packages, machine->n_nodes,
                   machine->n_l3_groups);
    for (size_t i = 0; with_modules && i < memory->n_modules; i++) {
        const struct tr_memory_module *module = &memory->modules[i];
        tr_strbuf_addf(&text, "module %s %s %s %" PRId64 " %d %d\n", or_unknown(module->locator),
                       or_unknown(module->bank), or_unknown(module->type), module->size_bytes,
                       module->rank, module->configured_mts);
    }
    return tr_strbuf_take(&text);
}

static char *machine_id(struct tr_source *source) {
    char *id = tr_source_line(source, "/etc/machine-id");
    if (id && !strcmp(id, "uninitialized")) {
        free(id);
        id = NULL;
    }
    return id ? id : tr_source_line(source, "/var/lib/dbus/machine-id");
}

/* A capture holds the hash beside files/, in place of the machine id. */
static char *recorded_host_id(const struct tr_source *source) {
    struct tr_source folder = {0};
    size_t n = source->root ? strlen(source->root) : 0;
    const char suffix[] = "/files";
    if (source->live || n < strlen(suffix) || strcmp(source->root + n - strlen(suffix), suffix))
        return NULL;
    folder.root = strndup(source->root, n - strlen(suffix));
    char *id = folder.root ? tr_source_line(&folder, "/host_id") : NULL;
    tr_source_finish(&folder);
    if (id && (strlen(id) != HOST_ID_DIGITS || strspn(id, "0123456789abcdef") != HOST_ID_DIGITS)) {
        free(id);
        id = NULL;
    }
    return id;
}

int tr_identity_fill(struct tr_machine *machine, struct tr_source *source) {
    int code = 0;
    char *facts = fingerprint_text(machine, true);
    machine->fingerprint = facts ? hash(facts, SHA256_DIGEST_STRING_LENGTH - 1) : NULL;
    free(facts);
    machine->host_id = recorded_host_id(source);
    char *id = machine->host_id ? NULL : machine_id(source);
    if (!machine->host_id && !id && machine->live) {
        /* Without the memory modules, which root alone can see. */
        id = fingerprint_text(machine, false);
        code = tr_machine_note(machine, "The machine has no /etc/machine-id: its calibrations are "
                                        "filed under a hash of its hardware, which other machines "
                                        "of the same build share. systemd-machine-id-setup makes "
                                        "one.");
    }
    if (id) {
        char *text = tr_format("tokenroof%s", id);
        machine->host_id = text ? hash(text, HOST_ID_DIGITS) : NULL;
        free(text);
    }
    free(id);
    return code ? code : machine->fingerprint ? 0 : TR_ENOMEM;
}
