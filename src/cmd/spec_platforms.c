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

int tr_spec_leave_out(struct tr_spec_list *list, const char *why) {
    return tr_strings_has(&list->unanswered, why) ? 0
                                                  : tr_strings_add(&list->unanswered, "%s", why);
}

void tr_spec_list_finish(struct tr_spec_list *list) {
    for (size_t i = 0; i < list->n; i++)
        free(list->items[i].name);
    free(list->items);
    tr_strings_finish(&list->unanswered);
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
    struct tr_err why = {0};
    int code = tr_accelerator_choose(name, &spec->gpu, &why);
    if (code)
        return tr_err_set(reterr, code, "%s%s", name == options->gpu ? "--gpu: " : "", why.text);
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

static int has_a_card(const char *name, struct tr_err *reterr) {
    return tr_err_set(reterr, TR_EUSAGE, "'%.60s' has a card already, without --gpu", name);
}

/* Members of a choice; `gpu` as after --gpu, NULL without. */
static int add_choice(const struct maker *maker, const struct tr_platform_choice *choice,
                      const char *gpu, struct tr_err *reterr) {
    struct tr_csv systems = {0};
    int code = load_systems(&systems, reterr);
    size_t row = !code && choice->is_system ? system_row(&systems, choice->name) : 0;
    if (row && gpu && *tr_csv_get(&systems, row, "gpu"))
        code = has_a_card(choice->name, reterr);
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

/* What stands behind the plus; `other` is the card of --gpu. */
static int check_card(const char *name, const char *card, const char *other,
                      struct tr_err *reterr) {
    if (!*card)
        return tr_err_set(reterr, TR_EUSAGE, "'%.60s': after '+' the name of a card is missing",
                          name);
    if (strstr(card, " + "))
        return tr_err_set(reterr, TR_EUSAGE,
                          "'%.60s': cards of one kind are possible, as '2x RTX 5090'", card);
    if (other)
        return has_a_card(name, reterr);
    return 0;
}

/* A system or a processor whose name has more in it than what was asked for, which is a card: "RTX
 * 5090" is the card, not the desktop with one, and "GB10" not the processor beside it. */
static bool means_a_card(const struct tr_platform_choice *choice, const char *name) {
    char wanted[TR_PLATFORM_KEY_BYTES], key[TR_PLATFORM_KEY_BYTES];
    struct tr_spec_gpu gpu;
    return !choice->is_series && tr_platform_key(name, wanted) &&
           tr_platform_key(choice->name, key) && strcmp(key, wanted) != 0 &&
           tr_accelerator_choose(name, &gpu, NULL) == 0;
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
        const char *card = plus + 3 + strspn(plus + 3, " ");
        code = check_card(name, card, gpu, &why);
        if (code)
            goto out;
        *plus = '\0';
        gpu = card;
        code = tr_platform_choose(copy, maker->file, &choice, &part);
        if (code)
            why = part;
    }
    bool card = !code && means_a_card(&choice, copy);
    if (card)
        code = add_alone(maker, copy, TR_EUSAGE, &why, reterr);
    else if (!code)
        code = add_choice(maker, &choice, gpu, reterr);
    else if (plus)
        *reterr = why;
    else
        code = add_alone(maker, copy, code, &why, reterr);
    tr_platform_choice_finish(&choice);
    free(copy);
    return code;
out:
    *reterr = why;
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

static int make_all(const struct maker *maker, const struct tr_machine_options *machine,
                    struct tr_err *reterr) {
    const struct tr_spec_options *options = maker->options;
    int code = 0;
    for (size_t i = 0; !code && i < options->n_names; i++) {
        struct tr_err why = {0};
        char *name = tr_format("%.*s", (int)strcspn(options->names[i], ","), options->names[i]);
        code = name ? add_named(maker, name, &why) : TR_ENOMEM;
        struct tr_err full = {0};
        if (code && why.text[0])
            tr_err_set(&full, code, "%s%s",
                       strncmp(why.text, "--gpu: ", 7) != 0 ? "--platform: " : "", why.text);
        free(name);
        if (code == TR_EUNAVAILABLE && options->n_names > 1)
            code = tr_spec_leave_out(maker->list, full.text);
        else if (code && reterr)
            *reterr = full;
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
    other.overrides = &changed.overrides;
    other.suffix = maker->options->what_if;
    int code = tr_what_if_read(other.suffix, &changed.overrides, &other.cores, reterr);
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
    if (!code)
        code = tr_spec_check_list(options, &list, reterr);
    if (!code && options->what_if)
        code = make_changed(&maker, machine, reterr);
    tr_platform_file_destroy(file);
    if (code)
        tr_spec_list_finish(&list);
    else
        *ret_list = list;
    return code;
}
