#include "spec_platforms.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue.h"
#include "cmd.h"
#include "csv.h"
#include "data.h"
#include "parse.h"
#include "strbuf.h"

#define MEMBER(name) offsetof(struct tr_spec_options, name)

/* Repeated, or several in one with commas. */
static int store_names(const struct tr_option *option, const char *text, void *target,
                       struct tr_err *reterr) {
    struct tr_spec_options *options = (struct tr_spec_options *)((char *)target - option->offset);
    while (*text) {
        size_t n = strcspn(text, ",");
        if (options->n_names == TR_SPEC_MAX_NAMES)
            return tr_err_set(reterr, TR_EUSAGE, "more than %d platforms", TR_SPEC_MAX_NAMES);
        if (n)
            options->names[options->n_names++] = text;
        text += n;
        text += strspn(text, ", ");
    }
    return 0;
}

static const char *const splits[] = {"layer", "tensor", NULL};
static const char *const expert_places[] = {"auto", "gpu", "cpu", NULL};
static const char *const placements[] = {"one-node", "interleaved", "replicated", NULL};

const struct tr_option tr_spec_rows[TR_N_SPEC_ROWS] = {
    {.name = "platform",
     .argument = "NAME",
     .store = store_names,
     .offset = MEMBER(n_names),
     .brief = true,
     .help = "a machine by name: '2x EPYC 9755'; commas part several"},
    {.name = "platform-file",
     .argument = "FILE",
     .store = tr_store_text,
     .offset = MEMBER(file),
     .help = "your own rows (CSV, columns of data/cpus.csv); they come before the catalogue's"},
    {.name = "gpu",
     .argument = "NAME",
     .store = tr_store_text,
     .offset = MEMBER(gpu),
     .help = "with this card: '4x RTX PRO 6000 Blackwell Workstation'"},
    {.name = "gpu-link",
     .argument = "GB/S",
     .store = tr_store_double,
     .offset = MEMBER(gpu_link_gb_per_s),
     .min = 0.1,
     .max = 10000,
     .help = "rate of its link in GB/s, each direction; default: the card's"},
    {.name = "gpu-layers",
     .argument = "N",
     .store = tr_store_int,
     .offset = MEMBER(gpu_layers),
     .min = 0,
     .max = 10000,
     .help = "layers on the card; default: the fastest split that fits"},
    {.name = "split",
     .argument = "layer|tensor",
     .store = tr_store_choice,
     .offset = MEMBER(split),
     .choices = splits,
     .help = "several cards: layers in turn (default), or each layer over all of them"},
    {.name = "experts",
     .argument = "auto|gpu|cpu",
     .store = tr_store_choice,
     .offset = MEMBER(experts),
     .choices = expert_places,
     .help = "where the experts are when not all layers fit on the card"},
    {.name = "placement",
     .argument = "one-node|interleaved|replicated",
     .store = tr_store_choice,
     .offset = MEMBER(placement),
     .choices = placements,
     .help = "of the weights on several sockets; default: interleaved"},
    {.name = "gpu-software",
     .argument = "NAME",
     .store = tr_store_text,
     .offset = MEMBER(software),
     .help = "whose results tell what a card reaches (--explain shows it)"},
    {.name = "what-if",
     .argument = "CHANGES",
     .store = tr_store_text,
     .offset = MEMBER(what_if),
     .help = "also with these: 'mts=6400,fclk=2133'; channels, ccds, cores, too"},
    {.name = "memory",
     .argument = "GB",
     .store = tr_store_double,
     .offset = MEMBER(memory_gb),
     .min = 0.1,
     .max = 1e6,
     .help = "RAM of the platform in GB; default: the catalogue's maximum, else enough"},
};

bool tr_spec_asked(const struct tr_spec_options *options, const char *machine_source) {
    return options->n_names || machine_source || options->gpu || options->file;
}

/* --- processors --------------------------------------------------------------------------------
 */

struct uarch {
    double fp32_avx2, fp32_avx512, vnni256, vnni512;
};

static struct uarch find_uarch(const char *name) {
    const struct tr_data *data = tr_data_find("uarch.csv");
    struct uarch found = {NAN, NAN, NAN, NAN};
    struct tr_csv csv = {0};
    if (!name || !data || tr_csv_parse(data->text, data->length, data->name, &csv, NULL))
        return found;
    for (size_t i = 1; i < csv.n_rows; i++)
        if (!strcmp(tr_csv_get(&csv, i, "uarch"), name))
            found = (struct uarch){tr_csv_number(&csv, i, "fp32_avx2_fma"),
                                   tr_csv_number(&csv, i, "fp32_avx512_fma"),
                                   tr_csv_number(&csv, i, "int8_avx_vnni_256"),
                                   tr_csv_number(&csv, i, "int8_avx512_vnni")};
    tr_csv_finish(&csv);
    return found;
}

/* Which kernels an engine runs there: a row of data/efficiency.csv. */
static const char *kernels_of(struct uarch uarch) {
    if (uarch.vnni512 >= 256)
        return "avx512_vnni";
    if (uarch.vnni512 >= 128)
        return "avx512_vnni_256";
    if (uarch.fp32_avx512 > 0)
        return "avx512";
    if (uarch.vnni256 > 0)
        return "avx_vnni";
    if (uarch.fp32_avx2 >= 32)
        return "avx2";
    return uarch.fp32_avx2 > 0 ? "avx2_narrow" : "none";
}

/* All cores busy: what the maker tells of that, else midway between base and boost. */
static double busy_clock(const struct tr_machine *machine) {
    const struct tr_platform *row = machine->platform;
    if (row && row->allcore_boost_ghz > 0)
        return row->allcore_boost_ghz;
    if (row && row->base_ghz > 0 && row->boost_ghz > 0)
        return (row->base_ghz + row->boost_ghz) / 2;
    if (row && row->boost_ghz > 0)
        return row->boost_ghz;
    return machine->clocks.max_ghz;
}

static void fill_cores(const struct tr_machine *machine, struct tr_spec_cpu *cpu) {
    const struct tr_platform *row = machine->platform;
    struct uarch fast = find_uarch(machine->cpu.uarch);
    snprintf(cpu->kernels, sizeof(cpu->kernels), "%s", kernels_of(fast));
    cpu->clock_ghz = busy_clock(machine);
    cpu->e_core_share = 1;
    if (machine->n_cores && !machine->catalogue_packages) {
        for (size_t i = 0; i < machine->n_cores; i++) {
            const char *kind = machine->cores[i].kind;
            if (kind && !strcmp(kind, "efficiency"))
                cpu->e_cores++;
            else
                cpu->cores++;
        }
        cpu->cores = (cpu->cores + cpu->packages - 1) / cpu->packages;
        cpu->e_cores /= cpu->packages;
    } else if (row) {
        bool hybrid = row->p_cores > 0 && row->e_cores > 0;
        cpu->cores = hybrid ? row->p_cores : row->cores;
        cpu->e_cores = hybrid ? row->e_cores : 0;
    }
    if (cpu->e_cores && machine->cpu.uarch_efficiency) {
        struct uarch slow = find_uarch(machine->cpu.uarch_efficiency);
        double clock = row && row->e_boost_ghz > 0 ? row->e_boost_ghz : cpu->clock_ghz;
        cpu->e_core_share = slow.fp32_avx2 / fast.fp32_avx2 * clock / cpu->clock_ghz;
    }
}

static double limit_of(const struct tr_machine *machine, const char *name) {
    const struct tr_limit *limit =
        tr_limit_find(machine->limits, machine->n_limits, name, TR_PLACE_MACHINE, 0);
    return limit ? limit->value : NAN;
}

void tr_spec_cpu_of_machine(const struct tr_machine *machine, struct tr_spec_cpu *ret_cpu) {
    const struct tr_platform *row = machine->platform;
    struct tr_spec_cpu cpu = {.packages = 1};
    if (machine->catalogue_packages > 0)
        cpu.packages = machine->catalogue_packages;
    else if (machine->n_packages)
        cpu.packages = (int)machine->n_packages;
    snprintf(cpu.name, sizeof(cpu.name), "%s", machine->cpu.model ? machine->cpu.model : "CPU");
    cpu.dram_gb_per_s = limit_of(machine, "dram") / cpu.packages;
    cpu.fabric_gb_per_s = limit_of(machine, "fabric_read") / cpu.packages;
    fill_cores(machine, &cpu);
    /* What this kind of machine has decides on the class, not how many channels are in use. */
    double channels = row && row->mem_channels > 0 ? (double)row->mem_channels : NAN;
    cpu.channels = machine->overrides.channels > 0 ? (double)machine->overrides.channels : channels;
    if (isnan(channels))
        channels = cpu.channels;
    cpu.ccds = row && row->ccds > 0 ? (double)row->ccds : NAN;
    if (machine->overrides.ccds > 0)
        cpu.ccds = machine->overrides.ccds;
    snprintf(cpu.class_name, sizeof(cpu.class_name), "%s", channels > 2 ? "server" : "client");
    cpu.memory_bytes = machine->os.memory_bytes > 0      ? (double)machine->os.memory_bytes
                       : machine->memory.total_bytes > 0 ? (double)machine->memory.total_bytes
                       : row && row->max_memory_gb > 0   ? row->max_memory_gb * 1e9
                                                         : NAN;
    *ret_cpu = cpu;
}

/* --- lists -------------------------------------------------------------------------------------
 */

static int add_item(struct tr_spec_list *list, const char *name, const struct tr_spec *spec) {
    struct tr_named_spec *items = realloc(list->items, (list->n + 1) * sizeof(*items));
    if (!items)
        return TR_ENOMEM;
    list->items = items;
    items[list->n] = (struct tr_named_spec){.name = strdup(name), .spec = *spec};
    return items[list->n++].name ? 0 : TR_ENOMEM;
}

void tr_spec_list_finish(struct tr_spec_list *list) {
    for (size_t i = 0; i < list->n; i++)
        free(list->items[i].name);
    free(list->items);
    *list = (struct tr_spec_list){0};
}

struct maker {
    const struct tr_spec_options *options;
    const char *suffix; /* of the names; NULL without */
    int cores;          /* of a package; 0: as they are */
    const struct tr_overrides *overrides;
    const struct tr_platform_file *file;
    struct tr_spec_list *list;
};

static struct tr_spec empty_spec(const struct tr_spec_options *options) {
    return (struct tr_spec){
        .gpu_layers = options->gpu_layers,
        .split = (enum tr_gpu_split)options->split,
        .experts = (enum tr_experts_place)options->experts,
        .placement = (enum tr_placement)options->placement,
        .software = options->software,
    };
}

static int add_gpu(const struct maker *maker, const char *name, struct tr_spec *spec,
                   struct tr_err *reterr) {
    const struct tr_spec_options *options = maker->options;
    if (!name)
        return 0;
    int code = tr_accelerator_choose(name, &spec->gpu, reterr);
    if (code)
        return code;
    if (!isnan(options->gpu_link_gb_per_s))
        spec->gpu.link_gb_per_s = options->gpu_link_gb_per_s;
    if (!spec->gpu.shares_memory || !spec->has_cpu)
        return 0;
    /* One memory: the processor's channels bind the integrated GPU, the dies' links do not. */
    if (spec->cpu.dram_gb_per_s > 0)
        spec->gpu.read_gb_per_s = fmin(spec->gpu.read_gb_per_s, spec->cpu.dram_gb_per_s);
    if (!(spec->gpu.memory_bytes > 0))
        spec->gpu.memory_bytes = spec->cpu.memory_bytes;
    return 0;
}

/* A row of systems.csv, 0 if there is none of that name. */
static size_t system_row(const struct tr_csv *systems, const char *name) {
    char wanted[TR_PLATFORM_KEY_BYTES], key[TR_PLATFORM_KEY_BYTES];
    for (size_t i = 1; tr_platform_key(name, wanted) && i < systems->n_rows; i++)
        if (tr_platform_key(tr_csv_get(systems, i, "name"), key) && !strcmp(key, wanted))
            return i;
    return 0;
}

static int add_system_gpu(const struct maker *maker, const struct tr_csv *systems, size_t row,
                          struct tr_spec *spec, struct tr_err *reterr) {
    const char *gpu = tr_csv_get(systems, row, "gpu");
    double count = tr_csv_number(systems, row, "gpu_count");
    double memory_gb = tr_csv_number(systems, row, "gpu_memory_gb");
    double bandwidth = tr_csv_number(systems, row, "memory_gbs");
    int code = 0;
    if (*gpu) {
        code = add_gpu(maker, gpu, spec, reterr);
        spec->gpu.count = count > 1 ? (int)count : 1;
        if (!code && memory_gb > 0)
            spec->gpu.memory_bytes = memory_gb * 1e9 / spec->gpu.count;
    } else if (!spec->has_cpu && bandwidth > 0) {
        /* One memory, and nothing known of what computes. */
        spec->gpu = (struct tr_spec_gpu){
            .count = 1,
            .memory_bytes = tr_csv_number(systems, row, "memory_gb") * 1e9,
            .read_gb_per_s = bandwidth,
            .fp16_tflops = NAN,
            .link_gb_per_s = NAN,
            .shares_memory = true,
        };
        snprintf(spec->gpu.name, sizeof(spec->gpu.name), "%s", tr_csv_get(systems, row, "name"));
    }
    return code;
}

static int load_systems(struct tr_csv *ret_systems, struct tr_err *reterr) {
    const struct tr_data *data = tr_data_find("systems.csv");
    return data ? tr_csv_parse(data->text, data->length, data->name, ret_systems, reterr)
                : TR_EFAIL;
}

static int finish_item(const struct maker *maker, const char *name, struct tr_spec *spec,
                       struct tr_err *reterr) {
    if (!isnan(maker->options->memory_gb)) {
        spec->cpu.memory_bytes = maker->options->memory_gb * 1e9;
        if (spec->gpu.shares_memory)
            spec->gpu.memory_bytes = fmin(spec->gpu.memory_bytes, spec->cpu.memory_bytes);
    }
    (void)reterr;
    if (maker->cores > 0)
        spec->cpu.cores = maker->cores;
    if (!maker->suffix)
        return add_item(maker->list, name, spec);
    char *full = tr_format("%s (%s)", name, maker->suffix);
    int code = full ? add_item(maker->list, full, spec) : TR_ENOMEM;
    free(full);
    return code;
}

/* Members of a choice; `gpu` as after --gpu, NULL without. */
static int add_choice(const struct maker *maker, const struct tr_platform_choice *choice,
                      const char *gpu, struct tr_err *reterr) {
    struct tr_csv systems = {0};
    int code = load_systems(&systems, reterr);
    size_t row = !code && choice->is_system ? system_row(&systems, choice->name) : 0;
    for (size_t i = 0; !code && i < choice->n_rows; i++) {
        struct tr_machine *machine = NULL;
        struct tr_spec spec = empty_spec(maker->options);
        code = tr_machine_of_choice(choice, i, maker->overrides, &machine, reterr);
        if (code)
            break;
        tr_spec_cpu_of_machine(machine, &spec.cpu);
        tr_machine_destroy(machine);
        spec.has_cpu = true;
        double memory_gb = tr_csv_number(&systems, row, "memory_gb");
        if (row && memory_gb > 0)
            spec.cpu.memory_bytes = memory_gb * 1e9;
        if (row && !gpu)
            code = add_system_gpu(maker, &systems, row, &spec, reterr);
        if (!code)
            code = add_gpu(maker, gpu, &spec, reterr);
        const char *base = row ? choice->name : choice->rows[i]->name;
        const char *with = gpu ? " + " : "";
        char *name = choice->packages > 1 && !row
                         ? tr_format("%dx %s%s%s", choice->packages, base, with, gpu ? gpu : "")
                         : tr_format("%s%s%s", base, with, gpu ? gpu : "");
        if (!code)
            code = name ? finish_item(maker, name, &spec, reterr) : TR_ENOMEM;
        free(name);
    }
    tr_csv_finish(&systems);
    return code;
}

/* A system whose processor nobody named: its cards, or its memory, alone. */
static int add_bare_system(const struct maker *maker, const char *name, bool *ret_found,
                           struct tr_err *reterr) {
    struct tr_csv systems = {0};
    struct tr_spec spec = empty_spec(maker->options);
    int code = load_systems(&systems, reterr);
    size_t row = code ? 0 : system_row(&systems, name);
    *ret_found = row != 0;
    if (row) {
        code = add_system_gpu(maker, &systems, row, &spec, reterr);
        if (!code && spec.gpu.count == 0)
            code = tr_err_set(reterr, TR_EUNAVAILABLE, "%s: nothing is known of its memory", name);
        if (!code)
            code = finish_item(maker, tr_csv_get(&systems, row, "name"), &spec, reterr);
    }
    tr_csv_finish(&systems);
    return code;
}

/* An accelerator alone; `why` is what was wrong with the name as a platform. */
static int add_alone(const struct maker *maker, const char *name, int why_code,
                     const struct tr_err *why, struct tr_err *reterr) {
    struct tr_spec spec = empty_spec(maker->options);
    bool found = false;
    int code = add_bare_system(maker, name, &found, reterr);
    if (found || code)
        return code;
    struct tr_err problem = {0};
    code = add_gpu(maker, name, &spec, &problem);
    if (code == TR_EUSAGE) {
        if (reterr)
            *reterr = *why;
        return why_code;
    }
    if (code) {
        if (reterr)
            *reterr = problem;
        return code;
    }
    char *shown = spec.gpu.count > 1 ? tr_format("%dx %s", spec.gpu.count, spec.gpu.name)
                                     : strdup(spec.gpu.name);
    code = shown ? finish_item(maker, shown, &spec, reterr) : TR_ENOMEM;
    free(shown);
    return code;
}

/* "CPU", "CPU + CARD", "SYSTEM", "CARD". */
static int add_named(const struct maker *maker, const char *name, struct tr_err *reterr) {
    struct tr_platform_choice choice = {0};
    struct tr_err why = {0};
    const char *gpu = maker->options->gpu;
    char *plus = NULL, *copy = strdup(name);
    if (!copy)
        return TR_ENOMEM;
    int code = tr_platform_choose(copy, maker->file, &choice, &why);
    if (code && (plus = strstr(copy, " + "))) {
        struct tr_err part = {0};
        *plus = '\0';
        gpu = plus + 3;
        code = tr_platform_choose(copy, maker->file, &choice, &part);
        if (code)
            why = part;
    }
    if (!code)
        code = add_choice(maker, &choice, gpu, reterr);
    else if (plus)
        *reterr = why;
    else
        code = add_alone(maker, copy, code, &why, reterr);
    tr_platform_choice_finish(&choice);
    free(copy);
    return code;
}

/* A recording, or this machine where only a card is named. */
static int add_machine(const struct maker *maker, const struct tr_machine_options *options,
                       struct tr_err *reterr) {
    struct tr_machine *machine = NULL;
    struct tr_spec spec = empty_spec(maker->options);
    struct tr_machine_options wanted = *options;
    wanted.platform_file = maker->options->file;
    int code = tr_err_of_input(tr_machine_load(&wanted, &machine, reterr));
    if (code)
        return code;
    tr_spec_cpu_of_machine(machine, &spec.cpu);
    tr_machine_destroy(machine);
    spec.has_cpu = true;
    code = add_gpu(maker, maker->options->gpu, &spec, reterr);
    return code ? code : finish_item(maker, spec.cpu.name, &spec, reterr);
}

/* One "name=value" of --what-if, `n` bytes. */
static int read_change(const char *text, size_t n, struct tr_overrides *overrides, int *cores,
                       struct tr_err *reterr) {
    static const char *const known[] = {"mts", "fclk", "channels", "ccds", "cores", NULL};
    char name[16], value[32];
    double number = 0;
    struct tr_err why = {0};
    size_t equals = strcspn(text, "=");
    if (equals >= n || equals >= sizeof(name) || n - equals > sizeof(value))
        return tr_err_set(reterr, TR_EUSAGE,
                          "--what-if: expected changes like mts=6400,fclk=2133,cores=64");
    snprintf(name, sizeof(name), "%.*s", (int)equals, text);
    snprintf(value, sizeof(value), "%.*s", (int)(n - equals - 1), text + equals + 1);
    int code = tr_parse_double(value, 1, 50000, &number, &why);
    if (!code && !strcmp(name, "mts"))
        overrides->mts = number;
    else if (!code && !strcmp(name, "fclk"))
        overrides->fclk_mhz = number;
    else if (!code && !strcmp(name, "channels"))
        overrides->channels = (int)number;
    else if (!code && !strcmp(name, "ccds"))
        overrides->ccds = (int)number;
    else if (!code && !strcmp(name, "cores"))
        *cores = (int)number;
    else if (!code)
        code = tr_unknown("change", name, known, &why);
    return code ? tr_err_set(reterr, code, "--what-if: %s: %s", name, why.text) : 0;
}

static int make_all(const struct maker *maker, const struct tr_machine_options *machine,
                    struct tr_err *reterr) {
    const struct tr_spec_options *options = maker->options;
    int code = 0;
    for (size_t i = 0; !code && i < options->n_names; i++) {
        struct tr_err why = {0};
        char *name = tr_format("%.*s", (int)strcspn(options->names[i], ","), options->names[i]);
        code = name ? add_named(maker, name, &why) : TR_ENOMEM;
        if (code && why.text[0])
            tr_err_set(reterr, code, "--platform: %s", why.text);
        free(name);
    }
    if (!code && options->n_names == 0)
        code = add_machine(maker, machine, reterr);
    return code;
}

/* The same machines once more, with the changes. */
static int make_changed(const struct maker *maker, const struct tr_machine_options *machine,
                        struct tr_err *reterr) {
    struct tr_machine_options changed = *machine;
    struct maker other = *maker;
    const char *text = maker->options->what_if;
    int code = 0;
    other.overrides = &changed.overrides;
    other.suffix = text;
    while (!code && *text) {
        size_t n = strcspn(text, ",");
        code = read_change(text, n, &changed.overrides, &other.cores, reterr);
        text += n + (text[n] == ',');
    }
    return code ? code : make_all(&other, &changed, reterr);
}

int tr_spec_list_make(const struct tr_spec_options *options,
                      const struct tr_machine_options *machine, struct tr_spec_list *ret_list,
                      struct tr_err *reterr) {
    struct tr_platform_file *file = NULL;
    struct tr_spec_list list = {0};
    struct maker maker = {.options = options, .overrides = &machine->overrides, .list = &list};
    int code = 0;
    if (options->software && isnan(tr_efficiency("gpu", options->software, "read"))) {
        const char *known[32] = {0};
        for (size_t i = 0; i < 31 && (known[i] = tr_efficiency_name("gpu", i)); i++)
            ;
        return tr_unknown("software of --gpu-software", options->software, known, reterr);
    }
    if (options->file)
        code = tr_err_of_input(tr_platform_file_read(options->file, &file, reterr));
    maker.file = file;
    if (!code)
        code = make_all(&maker, machine, reterr);
    if (!code && options->what_if)
        code = make_changed(&maker, machine, reterr);
    tr_platform_file_destroy(file);
    if (code)
        tr_spec_list_finish(&list);
    else
        *ret_list = list;
    return code;
}
