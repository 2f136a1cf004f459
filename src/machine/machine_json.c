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

/* The caches that CPUID tells, from the first level on. */
static json_t *caches_json(const struct tr_cpu_facts *cpu) {
    json_t *array = json_array();
    bool ok = array;
    for (int i = 0; ok && i < TR_CACHE_LEVELS; i++) {
        const struct tr_cpu_cache *cache = &cpu->caches[i];
        json_t *object = cache->bytes > 0 ? json_object() : NULL;
        if (cache->bytes <= 0)
            continue;
        ok = object && put_count(object, "level", i + 1) &&
             put_count(object, "bytes", cache->bytes) &&
             put_count(object, "threads", cache->threads > 0 ? cache->threads : -1);
        ok = append(array, checked(object, ok)) && ok;
    }
    return checked(array, ok);
}

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
         put(object, "caches", caches_json(cpu)) &&
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

static json_t *clusters_json(const struct tr_machine *machine) {
    json_t *array = json_array();
    bool ok = array;
    for (size_t i = 0; ok && i < machine->n_clusters; i++) {
        const struct tr_cluster *cluster = &machine->clusters[i];
        json_t *object = json_object();
        ok = object && put_count(object, "index", cluster->index) &&
             put_count(object, "package", cluster->package) &&
             put_count(object, "node", cluster->node) && put_cpus(object, "cpus", &cluster->cpus) &&
             put_count(object, "l2_bytes", cluster->l2_bytes);
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
             put_count(object, "cluster", core->cluster) &&
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
              put_text(object, "channel", module->channel) &&
              put_count(object, "mapped_from_bytes", module->mapped_from_bytes) &&
              put_count(object, "mapped_to_bytes", module->mapped_to_bytes) &&
              put_count(object, "interleave_position", module->interleave_position);
    return checked(object, ok);
}

static json_t *population_json(const struct tr_population *population) {
    json_t *object = json_object();
    bool ok = object && put_count(object, "modules_per_channel", population->modules_per_channel) &&
              put_count(object, "ranks", population->ranks) &&
              put_count(object, "platform_mts", population->platform_mts) &&
              put_count(object, "population_mts", population->population_mts) &&
              put_count(object, "expected_mts", population->expected_mts) &&
              put_text(object, "verdict", population->verdict) &&
              put_text(object, "why", population->why) &&
              put_text(object, "source", population->source);
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
         put_count(object, "interleaved_modules", memory->interleaved_modules) &&
         put_count(object, "mapped_bytes", memory->mapped_bytes) &&
         put(object, "population", population_json(&memory->population)) &&
         json_object_set(object, "modules", modules) == 0;
    json_decref(modules);
    return checked(object, ok);
}

static json_t *edac_json(const struct tr_edac *edac) {
    if (edac->controllers < 0)
        return json_null();
    json_t *object = json_object();
    bool ok = object && put_count(object, "controllers", edac->controllers) &&
              put_text(object, "driver", edac->driver) && put_text(object, "mode", edac->mode) &&
              put_count(object, "modules", edac->modules) &&
              put_number(object, "channels", edac->channels) &&
              put_count(object, "total_bytes", edac->total_bytes);
    return checked(object, ok);
}

static json_t *clocks_json(const struct tr_clocks *clocks) {
    json_t *object = json_object();
    bool ok = object && put_number(object, "fclk_ghz", clocks->fclk_ghz) &&
              put_number(object, "uclk_ghz", clocks->uclk_ghz) &&
              put_number(object, "mclk_ghz", clocks->mclk_ghz) &&
              put_text(object, "fclk_basis", clocks->fclk_basis) &&
              put_text(object, "mclk_basis", clocks->mclk_basis) &&
              put(object, "fclk_may_rise", json_boolean(clocks->fclk_may_rise)) &&
              put_number(object, "fclk_at_least_ghz", clocks->fclk_at_least_ghz) &&
              put_number(object, "fclk_listed_ghz", clocks->fclk_listed_ghz) &&
              put_number(object, "ddr_gb_s", clocks->ddr_gb_s) &&
              put_number(object, "base_ghz", clocks->base_ghz) &&
              put_number(object, "max_ghz", clocks->max_ghz) &&
              put_number(object, "capped_ghz", clocks->capped_ghz) &&
              put_number(object, "uncore_min_ghz", clocks->uncore_min_ghz) &&
              put_number(object, "uncore_max_ghz", clocks->uncore_max_ghz) &&
              put_number(object, "uncore_hw_max_ghz", clocks->uncore_hw_max_ghz);
    return checked(object, ok);
}

static json_t *sensors_json(const struct tr_sensors *sensors) {
    json_t *object = json_object();
    bool ok = object && put_number(object, "cpu_celsius", sensors->cpu_celsius) &&
              put_number(object, "cpu_limit_celsius", sensors->cpu_limit_celsius) &&
              put_text(object, "cpu_sensor", sensors->cpu_sensor) &&
              put_number(object, "memory_celsius", sensors->memory_celsius) &&
              put_number(object, "memory_limit_celsius", sensors->memory_limit_celsius) &&
              put_text(object, "memory_sensor", sensors->memory_sensor) &&
              put_number(object, "power_w", sensors->power_w) &&
              put_number(object, "power_limit_w", sensors->power_limit_w) &&
              put_number(object, "power_short_limit_w", sensors->power_short_limit_w) &&
              put_number(object, "power_limit_max_w", sensors->power_limit_max_w) &&
              put_text(object, "power_basis", sensors->power_basis) &&
              put_number(object, "energy_j", sensors->energy_j) &&
              put_number(object, "energy_wrap_j", sensors->energy_wrap_j);
    ok = ok && put_number(object, "core_limit_ghz", sensors->core_limit_ghz) &&
         put_text(object, "core_limit_reason", sensors->core_limit_reason) &&
         put_three(object, "prochot", sensors->prochot) &&
         put_number(object, "uncore_ghz", sensors->uncore_ghz) &&
         put_count(object, "core_throttle_events", sensors->core_throttle_events) &&
         put_count(object, "package_throttle_events", sensors->package_throttle_events) &&
         put_count(object, "corrected_errors", sensors->corrected_errors) &&
         put_count(object, "uncorrected_errors", sensors->uncorrected_errors);
    return checked(object, ok);
}

static json_t *firmware_json(const struct tr_firmware *firmware) {
    json_t *object = json_object();
    bool ok = object && put_text(object, "board_vendor", firmware->board_vendor) &&
              put_text(object, "board", firmware->board_name) &&
              put_text(object, "bios_vendor", firmware->bios_vendor) &&
              put_text(object, "bios", firmware->bios_version) &&
              put_text(object, "bios_date", firmware->bios_date) &&
              put_text(object, "microcode", firmware->microcode) &&
              put_count(object, "sockets", firmware->sockets) &&
              put_count(object, "sockets_populated", firmware->sockets_populated) &&
              put_count(object, "cores_per_socket", firmware->cores_per_socket);
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

static json_t *device_json(const struct tr_device *device) {
    json_t *object = json_object();
    bool ok = object && put_text(object, "kind", device->kind) &&
              put_text(object, "name", device->name) &&
              put_text(object, "vendor", device->vendor) &&
              put_text(object, "bus_id", device->bus_id) &&
              put_text(object, "os_names", device->os_names) &&
              put_count(object, "vendor_id", device->vendor_id) &&
              put_count(object, "device_id", device->device_id) &&
              put_count(object, "node", device->node) &&
              put_number(object, "link_gt_per_s", device->link_gt_per_s) &&
              put_number(object, "link_max_gt_per_s", device->link_max_gt_per_s) &&
              put_count(object, "link_width", device->link_width) &&
              put_count(object, "link_max_width", device->link_max_width) &&
              put_text(object, "accelerator", device->accelerator);
    return checked(object, ok);
}

static json_t *devices_json(const struct tr_machine *machine) {
    json_t *array = json_array();
    bool ok = array;
    for (size_t i = 0; ok && i < machine->n_devices; i++)
        ok = append(array, device_json(&machine->devices[i]));
    return checked(array, ok);
}

/* What the catalogue knows of the processor, whether or not the machine was looked at. */
static json_t *platform_json(const struct tr_platform *platform) {
    json_t *object = json_object();
    bool ok =
        object && put_text(object, "name", platform->name) &&
        put_text(object, "series", platform->series) &&
        put(object, "user", json_boolean(platform->user)) &&
        put_count(object, "sockets_max", platform->sockets_max) &&
        put_count(object, "cores", platform->cores) &&
        put_count(object, "p_cores", platform->p_cores) &&
        put_count(object, "e_cores", platform->e_cores) &&
        put_count(object, "ccds", platform->ccds) && put_number(object, "l3_mb", platform->l3_mb) &&
        put_number(object, "base_ghz", platform->base_ghz) &&
        put_number(object, "boost_ghz", platform->boost_ghz) &&
        put_number(object, "allcore_boost_ghz", platform->allcore_boost_ghz) &&
        put_number(object, "e_boost_ghz", platform->e_boost_ghz) &&
        put_text(object, "memory_type", platform->mem_type) &&
        put_count(object, "channels", platform->mem_channels) &&
        put_number(object, "max_mts", platform->max_mts) &&
        put_number(object, "fclk_ghz", platform->fclk_ghz) &&
        put_count(object, "links_per_ccd", platform->gmi_links_per_ccd) &&
        put_number(object, "max_memory_gb", platform->max_memory_gb) &&
        put_number(object, "pcie_generation", platform->pcie_generation) &&
        put_count(object, "pcie_lanes", platform->pcie_lanes) &&
        put_text(object, "source", platform->source) && put_text(object, "notes", platform->notes);
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
           put_text(object, "caches_basis", machine->caches_basis) &&
           put_count(object, "llc_bytes", machine->llc_bytes) &&
           put_count(object, "llc_most_bytes", machine->llc_most_bytes) &&
           put_text(object, "platform", machine->platform ? machine->platform->name : NULL) &&
           put(object, "virtual", json_boolean(machine->environment.virtual_machine)) &&
           put_text(object, "hypervisor", machine->environment.hypervisor) &&
           put(object, "container", json_boolean(machine->environment.container)) &&
           put_number(object, "cpu_quota", machine->environment.cpu_quota) &&
           put_count(object, "memory_limit_bytes", machine->environment.memory_limit_bytes);
}

int tr_machine_to_json(const struct tr_machine *machine, json_t **ret_object) {
    json_t *object = json_object();
    int64_t packages = machine->n_packages           ? (int64_t)machine->n_packages
                       : machine->catalogue_packages ? machine->catalogue_packages
                                                     : -1;
    bool ok = object && put_text(object, "host_id", machine->host_id) &&
              put_text(object, "fingerprint", machine->fingerprint) &&
              put(object, "cpu", cpu_json(&machine->cpu)) &&
              put_count(object, "packages", packages) &&
              put(object, "numa_nodes", nodes_json(machine)) &&
              put(object, "l3_groups", l3_groups_json(machine)) &&
              put(object, "ccds", ccds_json(machine)) &&
              put(object, "clusters", clusters_json(machine)) &&
              put(object, "cores", cores_json(machine)) &&
              put(object, "memory", memory_json(&machine->memory)) &&
              put(object, "edac", edac_json(&machine->edac)) &&
              put(object, "clocks", clocks_json(&machine->clocks)) &&
              put(object, "sensors", sensors_json(&machine->sensors)) &&
              put(object, "firmware", firmware_json(&machine->firmware)) &&
              put(object, "settings", settings_json(&machine->settings)) &&
              put(object, "os", os_json(&machine->os)) && put_counts(object, machine) &&
              put(object, "devices", devices_json(machine)) &&
              put(object, "platform_row",
                  machine->platform ? platform_json(machine->platform) : json_null()) &&
              put(object, "notes", notes_json(machine));
    if (!ok) {
        json_decref(object);
        return TR_ENOMEM;
    }
    *ret_object = object;
    return 0;
}
