#include "names.h"

#include <string.h>

const char *tr_plain_name(const char *name) {
    static const char *const names[][2] = {
        {"loaded_latency", "loaded latency"},
        {"core_to_core", "core to core"},
        {"node_read", "node to node, read"},
        {"node_latency", "node to node, latency"},
        {"working_set_bytes", "working set"},
        {"flop_per_byte", "FLOP per byte"},
        {"injected_gb_s", "bandwidth of the other threads"},
    };
    for (size_t i = 0; name && i < sizeof(names) / sizeof(names[0]); i++)
        if (!strcmp(name, names[i][0]))
            return names[i][1];
    return name ? name : "";
}

const char *tr_plain_kind(enum tr_place_kind kind) {
    const char *name = tr_place_kind_name(kind);
    return !strcmp(name, "ccd") ? "CCD" : name;
}
