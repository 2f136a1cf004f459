#include "memory_sockets.h"

#include "parts.h"

void tr_sockets_take(struct tr_machine *machine, const struct tr_smbios *smbios) {
    struct tr_firmware *firmware = &machine->firmware;
    if (smbios->n_processors == 0)
        return;
    firmware->sockets = (int)smbios->n_processors;
    firmware->sockets_populated = 0;
    firmware->cores_per_socket = -1;
    for (size_t i = 0; i < smbios->n_processors; i++) {
        const struct tr_smbios_processor *processor = &smbios->processors[i];
        if (!processor->populated)
            continue;
        bool first = firmware->sockets_populated++ == 0;
        if (first || firmware->cores_per_socket == processor->cores)
            firmware->cores_per_socket = processor->cores;
        else
            firmware->cores_per_socket = -1;
    }
}

int tr_sockets_without_memory(struct tr_machine *machine) {
    const struct tr_memory *memory = &machine->memory;
    int packages =
        machine->n_packages ? (int)machine->n_packages : machine->firmware.sockets_populated;
    int code = 0, populated = 0;
    for (size_t i = 0; i < memory->n_modules; i++) {
        if (memory->modules[i].package < 0)
            return 0;
        populated += memory->modules[i].size_bytes != 0;
    }
    for (int package = 0; populated && package < packages && !code; package++) {
        bool has = false;
        for (size_t i = 0; i < memory->n_modules; i++)
            has = has || (memory->modules[i].package == package && memory->modules[i].size_bytes);
        if (!has)
            code = tr_machine_note(machine,
                                   "Package %d has no memory module: its cores read everything "
                                   "over the link from another package.",
                                   package);
    }
    return code;
}
