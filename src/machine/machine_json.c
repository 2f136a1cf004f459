#include "machine_json.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "calibration_json.h"

/* Text or null; integers below zero and NAN are null. A member that cannot be made (out of memory)
 * makes the object NULL in the end, because json_object_set_new fails. */
static bool put(json_t *object, const char *name, json_t *value) {
    return json_object_set_new(object, name, value) == 0;
}

static bool put_text(json_t *object, const char *name, const char *text) {
    return put(object, name, tr_json_text(text));
}

static bool put_count(json_t *object, const char *name, int64_t value) {
    return put(object, name, tr_json_count(value));
}

static bool put_number(json_t *object, const char *name, double value) {
    return put(object, name, tr_json_number(value));
}

/* The empty set is a fact here ("" for a node without CPUs), not an unknown. */
static bool put_cpus(json_t *object, const char *name, const struct tr_cpulist *cpus) {
    char *text = tr_cpulist_format(cpus);
    bool ok = text && put(object, name, json_string(text));
    free(text);
    return ok;
}

static bool put_three(json_t *object, const char *name, int value) {
    return put(object, name, value < 0 ? json_null() : json_boolean(value > 0));
}

/* Hands over `value` if all went well, else frees it. */
static json_t *checked(json_t *value, bool ok) {
    if (ok)
        return value;
    json_decref(value);
    return NULL;
}

static bool append(json_t *array, json_t *value) {
    return json_array_append_new(array, value) == 0;
}

/* --- parts ----------------------------------------------------------------------------------- */

static json_t *cpu_json(const struct tr_cpu_facts *cpu) {
    json_t *object = json_object(), *isa = json_array(), *levels = json_object();
    bool ok = object && isa && levels;
    for (size_t i = 0; ok && i < cpu->n_isa; i++)
        ok = append(isa, tr_json_text(cpu->isa[i]));
    for (int i = 0; ok && i < TR_ISA_COUNT; i++)
        ok = put(levels, tr_isa_name((enum tr_isa)i),
                 cpu->levels[i].available ? json_true() : tr_json_text(cpu->levels[i].reason));
    ok = ok && put_text(object, "vendor", cpu->vendor) && put_text(object, "model", cpu->model) &&
         put_count(object, "family", cpu->family) &&
         put_count(object, "model_number", cpu->model_number) &&
         put_count(object, "stepping", cpu->stepping) && put_text(object, "uarch", cpu->uarch) &&
         put_text(object, "uarch_efficiency", cpu->uarch_efficiency) &&
         put_three(object, "fp512_datapath", cpu->fp512_datapath) &&
         put(object, "hybrid", json_boolean(cpu->hybrid));
    ok = ok && json_object_set(object, "isa", cpu->n_isa ? isa : json_null()) == 0 &&
         json_object_set(object, "levels", levels) == 0;
    json_decref(isa);
    json_decref(levels);
    return checked(object, ok);
}

static json_t *nodes_json(const struct tr_machine *machine) {
    json_t *array = json_array();
    bool ok = array;
    for (size_t i = 0; ok && i < machine->n_nodes; i++) {
        const struct tr_numa_node *node = &machine->nodes[i];
        json_t *object = json_object();
        json_t *distances = node->distances ? json_array() : json_null();
        for (size_t k = 0; ok && node->distances && k < machine->n_nodes; k++)
            ok = append(distances, tr_json_number(node->distances[k]));
        ok = ok && object && put_count(object, "index", node->index) &&
             put_cpus(object, "cpus", &node->cpus) &&
             put_count(object, "memory_bytes", node->memory_bytes) &&
             put_text(object, "kind", node->kind) &&
             json_object_set(object, "distances", distances) == 0;
        json_decref(distances);
        ok = append(array, checked(object, ok));
    }
    return checked(array, ok);
}

static json_t *l3_groups_json(const struct tr_machine *machine) {
    json_t *array = json_array();
    bool ok = array;
    for (size_t i = 0; ok && i < machine->n_l3_groups; i++) {
        const struct tr_l3_group *group = &machine->l3_groups[i];
        json_t *object = json_object();
        ok = object && put_count(object, "index", group->index) &&
             put_count(object, "package", group->package) &&
             put_count(object, "node", group->node) && put_cpus(object, "cpus", &group->cpus) &&
             put_count(object, "l3_bytes", group->l3_bytes);
        ok = append(array, checked(object, ok));
    }
    return checked(array, ok);
}

static json_t *ccds_json(const struct tr_machine *machine) {
    json_t *array = json_array();
    bool ok = array;
    for (size_t i = 0; ok && i < machine->n_ccds; i++) {
        const struct tr_ccd *ccd = &machine->ccds[i];
        json_t *object = json_object(), *groups = json_array();
        for (size_t k = 0; ok && k < ccd->n_l3_groups; k++)
            ok = append(groups, json_integer(ccd->l3_groups[k]));
        ok = ok && object && put_count(object, "index", ccd->index) &&
             put_count(object, "package", ccd->package) && put_count(object, "node", ccd->node) &&
             put_cpus(object, "cpus", &ccd->cpus) &&
             json_object_set(object, "l3_groups", groups) == 0;
        json_decref(groups);
        ok = append(array, checked(object, ok));
    }
    return checked(array, ok);
}

static json_t *cores_json(const struct tr_machine *machine) {
    json_t *array = json_array();
    bool ok = array;
    for (size_t i = 0; ok && i < machine->n_cores; i++) {
        const struct tr_core *core = &machine->cores[i];
        json_t *object = json_object();
        ok = object && put_count(object, "index", core->index) &&
             put_text(object, "kind", core->kind) && put_cpus(object, "cpus", &core->cpus) &&
             put_count(object, "package", core->package) && put_count(object, "node", core->node) &&
             put_count(object, "l3_group", core->l3_group) && put_count(object, "ccd", core->ccd) &&
             put_count(object, "l1d_bytes", core->l1d_bytes) &&
             put_count(object, "l2_bytes", core->l2_bytes);
        ok = append(array, checked(object, ok));
    }
    return checked(array, ok);
}

static json_t *module_json(const struct tr_memory_module *module) {
    json_t *object = json_object();
    bool ok = object && put_text(object, "locator", module->locator) &&
              put_text(object, "bank", module->bank) && put_text(object, "type", module->type) &&
              put_count(object, "size_bytes", module->size_bytes) &&
              put_count(object, "data_width_bits", module->data_width_bits) &&
              put_count(object, "total_width_bits", module->total_width_bits) &&
              put_count(object, "rated_mts", module->rated_mts) &&
              put_count(object, "configured_mts", module->configured_mts) &&
              put_count(object, "rank", module->rank) &&
              put_text(object, "manufacturer", module->manufacturer) &&
              put_text(object, "part_number", module->part_number) &&
              put_count(object, "package", module->package) &&
              put_text(object, "channel", module->channel);
    return checked(object, ok);
}

static json_t *memory_json(const struct tr_memory *memory) {
    json_t *object = json_object(), *modules = json_array();
    bool ok = object && modules;
    for (size_t i = 0; ok && i < memory->n_modules; i++)
        ok = append(modules, module_json(&memory->modules[i]));
    ok = ok && put_text(object, "basis", memory->basis) &&
         put_number(object, "channels_populated", memory->channels_populated) &&
         put_number(object, "channels_present", memory->channels_present) &&
         put_count(object, "slots", memory->slots) &&
         put_count(object, "configured_mts", memory->configured_mts) &&
         put_count(object, "rated_mts", memory->rated_mts) &&
         put_count(object, "total_bytes", memory->total_bytes) &&
         json_object_set(object, "modules", modules) == 0;
    json_decref(modules);
    return checked(object, ok);
}

static json_t *clocks_json(const struct tr_clocks *clocks) {
    json_t *object = json_object();
    bool ok = object && put_number(object, "fclk_ghz", clocks->fclk_ghz) &&
              put_number(object, "uclk_ghz", clocks->uclk_ghz) &&
              put_number(object, "mclk_ghz", clocks->mclk_ghz) &&
              put_text(object, "fclk_basis", clocks->fclk_basis) &&
              put_number(object, "base_ghz", clocks->base_ghz) &&
              put_number(object, "max_ghz", clocks->max_ghz);
    return checked(object, ok);
}

static json_t *firmware_json(const struct tr_firmware *firmware) {
    json_t *object = json_object();
    bool ok = object && put_text(object, "board_vendor", firmware->board_vendor) &&
              put_text(object, "board", firmware->board_name) &&
              put_text(object, "bios_vendor", firmware->bios_vendor) &&
              put_text(object, "bios", firmware->bios_version) &&
              put_text(object, "bios_date", firmware->bios_date) &&
              put_text(object, "microcode", firmware->microcode);
    return checked(object, ok);
}

static json_t *settings_json(const struct tr_settings *settings) {
    json_t *object = json_object();
    bool ok = object && put_text(object, "nps", settings->nps) &&
              put_text(object, "smt", settings->smt) &&
              put_text(object, "governor", settings->governor) &&
              put_text(object, "driver", settings->driver) &&
              put_three(object, "boost", settings->boost) &&
              put_text(object, "thp", settings->thp) &&
              put_count(object, "numa_balancing", settings->numa_balancing);
    return checked(object, ok);
}

static json_t *os_json(const struct tr_os *os) {
    json_t *object = json_object();
    bool ok = object && put_text(object, "kernel", os->kernel) &&
              put_text(object, "distribution", os->distribution) &&
              put_count(object, "memory_bytes", os->memory_bytes);
    return checked(object, ok);
}

static json_t *notes_json(const struct tr_machine *machine) {
    json_t *array = json_array();
    bool ok = array;
    for (size_t i = 0; ok && i < machine->n_notes; i++)
        ok = append(array, tr_json_text(machine->notes[i]));
    return checked(array, ok);
}

static bool put_counts(json_t *object, const struct tr_machine *machine) {
    return put_cpus(object, "allowed_cpus", &machine->allowed_cpus) &&
           put_count(object, "cpus_online", machine->n_cpus_online) &&
           put_count(object, "llc_bytes", machine->llc_bytes) &&
           put_text(object, "platform", machine->platform ? machine->platform->name : NULL) &&
           put(object, "virtual", json_boolean(machine->environment.virtual_machine)) &&
           put_text(object, "hypervisor", machine->environment.hypervisor) &&
           put(object, "container", json_boolean(machine->environment.container)) &&
           put_number(object, "cpu_quota", machine->environment.cpu_quota) &&
           put_count(object, "memory_limit_bytes", machine->environment.memory_limit_bytes);
}

int tr_machine_to_json(const struct tr_machine *machine, json_t **ret_object) {
    json_t *object = json_object();
    bool known = machine->n_packages > 0;
    bool ok = object && put_text(object, "host_id", machine->host_id) &&
              put_text(object, "fingerprint", machine->fingerprint) &&
              put(object, "cpu", cpu_json(&machine->cpu)) &&
              put_count(object, "packages", known ? (int64_t)machine->n_packages : -1) &&
              put(object, "numa_nodes", nodes_json(machine)) &&
              put(object, "l3_groups", l3_groups_json(machine)) &&
              put(object, "ccds", ccds_json(machine)) &&
              put(object, "cores", cores_json(machine)) &&
              put(object, "memory", memory_json(&machine->memory)) &&
              put(object, "clocks", clocks_json(&machine->clocks)) &&
              put(object, "firmware", firmware_json(&machine->firmware)) &&
              put(object, "settings", settings_json(&machine->settings)) &&
              put(object, "os", os_json(&machine->os)) && put_counts(object, machine) &&
              put(object, "notes", notes_json(machine));
    if (!ok) {
        json_decref(object);
        return TR_ENOMEM;
    }
    *ret_object = object;
    return 0;
}
