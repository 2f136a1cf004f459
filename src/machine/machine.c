#include "tokenroof/machine.h"

#include <hwloc.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "parts.h"
#include "sensors.h"
#include "strbuf.h"
#include "tokenroof/platform.h"
#include "topology.h"

int tr_machine_note(struct tr_machine *machine, const char *format, ...) {
    struct tr_strbuf text = {0};
    va_list args;
    va_start(args, format);
    tr_strbuf_vaddf(&text, format, args);
    va_end(args);
    char *note = tr_strbuf_take(&text);
    char **notes = realloc(machine->notes, (machine->n_notes + 1) * sizeof(*notes));
    if (notes)
        machine->notes = notes;
    if (!notes || !note) {
        free(note);
        return TR_ENOMEM;
    }
    machine->notes[machine->n_notes++] = note;
    return 0;
}

static void set_unknown(struct tr_machine *machine) {
    machine->n_cpus_online = -1;
    machine->llc_bytes = machine->llc_most_bytes = -1;
    machine->memory.channels_populated = NAN;
    machine->memory.channels_present = NAN;
    machine->memory.slots = -1;
    machine->memory.configured_mts = -1;
    machine->memory.rated_mts = -1;
    machine->memory.total_bytes = -1;
    machine->memory.interleaved_modules = -1;
    machine->firmware.sockets = machine->firmware.sockets_populated = -1;
    machine->firmware.cores_per_socket = -1;
    machine->memory.mapped_bytes = -1;
    machine->memory.population = (struct tr_population){-1, -1, -1, -1, -1, NULL, NULL, NULL};
    machine->os.memory_bytes = -1;
    machine->edac =
        (struct tr_edac){.controllers = -1, .modules = -1, .channels = NAN, .total_bytes = -1};
    tr_clocks_set_unknown(&machine->clocks);
    tr_sensors_set_unknown(&machine->sensors);
    machine->settings.boost = -1;
    machine->settings.numa_balancing = -1;
    machine->environment.cpu_quota = NAN;
    machine->environment.memory_limit_bytes = -1;
    machine->environment.memory_available_bytes = -1;
    machine->environment.load_average = NAN;
}

static int fill(struct tr_machine *machine, struct tr_err *reterr) {
    struct tr_source *source = &machine->private_data->source;
    int code = tr_cpu_fill(machine, source, reterr);
    if (!code)
        code = tr_topology_open(machine, source, reterr);
    if (!code)
        code = tr_catalogue_fill(machine);
    if (!code)
        code = tr_topology_fill(machine, source, reterr);
    if (!code)
        code = tr_memory_fill(machine, source, reterr);
    if (!code)
        code = tr_environment_read(machine, &machine->environment);
    if (!code)
        code = tr_topology_doubt(machine);
    if (!code)
        code = tr_clocks_fill(machine, source);
    if (!code)
        code = tr_sensors_fill(machine);
    if (!code)
        code = tr_settings_fill(machine, source);
    if (!code)
        code = tr_topology_late_memory(machine, source);
    if (!code)
        code = tr_identity_fill(machine, source);
    if (!code)
        code = tr_population_fill(machine);
    if (!code)
        code = tr_devices_fill(machine, source);
    if (!code)
        code = tr_machine_update_limits(machine);
    return code;
}

int tr_machine_create(struct tr_machine **ret_machine) {
    struct tr_machine *machine = calloc(1, sizeof(*machine));
    if (!machine)
        return TR_ENOMEM;
    set_unknown(machine);
    machine->private_data = calloc(1, sizeof(*machine->private_data));
    if (!machine->private_data) {
        free(machine);
        return TR_ENOMEM;
    }
    *ret_machine = machine;
    return 0;
}

int tr_machine_load(const struct tr_machine_options *options, struct tr_machine **ret_machine,
                    struct tr_err *reterr) {
    struct tr_machine *machine = NULL;
    int code = tr_machine_create(&machine);
    if (code)
        return code;
    code = TR_ENOMEM;
    if (options) {
        machine->overrides = options->overrides;
        if (options->source && !(machine->source = strdup(options->source)))
            goto out;
    }
    if (options && options->platform_file &&
        (code = tr_platform_file_read(options->platform_file, &machine->private_data->platforms,
                                      reterr)))
        goto out;
    machine->live = !machine->source;
    code = tr_source_init(machine->source, &machine->private_data->source, reterr);
    if (!code)
        code = fill(machine, reterr);
    if (!code) {
        *ret_machine = machine;
        return 0;
    }
out:
    tr_machine_destroy(machine);
    return code;
}

static void finish_cpu(struct tr_cpu_facts *cpu) {
    free(cpu->vendor);
    free(cpu->model);
    free(cpu->uarch);
    free(cpu->uarch_efficiency);
    for (size_t i = 0; i < cpu->n_isa; i++)
        free(cpu->isa[i]);
    free(cpu->isa);
}

static void finish_topology(struct tr_machine *machine) {
    for (size_t i = 0; i < machine->n_packages; i++)
        tr_cpulist_finish(&machine->packages[i].cpus);
    for (size_t i = 0; i < machine->n_nodes; i++) {
        tr_cpulist_finish(&machine->nodes[i].cpus);
        free(machine->nodes[i].kind);
        free(machine->nodes[i].distances);
    }
    for (size_t i = 0; i < machine->n_l3_groups; i++)
        tr_cpulist_finish(&machine->l3_groups[i].cpus);
    for (size_t i = 0; i < machine->n_ccds; i++) {
        tr_cpulist_finish(&machine->ccds[i].cpus);
        free(machine->ccds[i].l3_groups);
    }
    for (size_t i = 0; i < machine->n_clusters; i++)
        tr_cpulist_finish(&machine->clusters[i].cpus);
    for (size_t i = 0; i < machine->n_cores; i++)
        tr_cpulist_finish(&machine->cores[i].cpus);
    free(machine->packages);
    free(machine->nodes);
    free(machine->l3_groups);
    free(machine->ccds);
    free(machine->clusters);
    free(machine->cores);
    tr_cpulist_finish(&machine->allowed_cpus);
}

static void finish_memory(struct tr_memory *memory) {
    for (size_t i = 0; i < memory->n_modules; i++) {
        struct tr_memory_module *module = &memory->modules[i];
        free(module->locator);
        free(module->bank);
        free(module->type);
        free(module->manufacturer);
        free(module->part_number);
        free(module->channel);
    }
    free(memory->modules);
    free(memory->basis);
    free(memory->population.why);
    free(memory->population.source);
}

static void finish_texts(struct tr_machine *machine) {
    char *const texts[] = {
        machine->source,
        machine->host_id,
        machine->fingerprint,
        machine->edac.driver,
        machine->edac.mode,
        machine->firmware.board_vendor,
        machine->firmware.board_name,
        machine->firmware.bios_vendor,
        machine->firmware.bios_version,
        machine->firmware.bios_date,
        machine->firmware.microcode,
        machine->settings.nps,
        machine->settings.smt,
        machine->settings.governor,
        machine->settings.driver,
        machine->settings.thp,
        machine->os.kernel,
        machine->os.distribution,
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        free(texts[i]);
    for (size_t i = 0; i < machine->n_notes; i++)
        free(machine->notes[i]);
    free(machine->notes);
}

void tr_machine_destroy(struct tr_machine *machine) {
    if (!machine)
        return;
    finish_cpu(&machine->cpu);
    finish_topology(machine);
    finish_memory(&machine->memory);
    tr_devices_finish(machine);
    tr_environment_finish(&machine->environment);
    for (size_t i = 0; i < machine->n_limits; i++)
        tr_limit_finish(&machine->limits[i]);
    free(machine->limits);
    finish_texts(machine);
    if (machine->private_data) {
        if (machine->private_data->topology)
            hwloc_topology_destroy(machine->private_data->topology);
        tr_source_finish(&machine->private_data->source);
        tr_platform_file_destroy(machine->private_data->platforms);
        free(machine->private_data);
    }
    free(machine);
}
