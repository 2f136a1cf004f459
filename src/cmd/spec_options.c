/* Options that name machines which were not measured, and what goes with what. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "parse.h"
#include "spec_platforms.h"

#define MEMBER(name) offsetof(struct tr_spec_options, name)

/* Repeated, or several in one with commas. */
static int store_names(const struct tr_option *option, const char *text, void *target,
                       struct tr_err *reterr) {
    struct tr_spec_options *options = (struct tr_spec_options *)((char *)target - option->offset);
    size_t before = options->n_names;
    const char *all = text;
    if (!*text)
        return tr_err_set(reterr, TR_EUSAGE, "the value is empty");
    while (*text) {
        size_t n = strcspn(text, ",");
        if (options->n_names == TR_SPEC_MAX_NAMES)
            return tr_err_set(reterr, TR_EUSAGE, "more than %d platforms", TR_SPEC_MAX_NAMES);
        if (n)
            options->names[options->n_names++] = text;
        text += n;
        text += strspn(text, ", ");
    }
    if (options->n_names == before)
        return tr_err_set(reterr, TR_EUSAGE, "'%.40s' names no machine", all);
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

/* Those that say how a card is used; NULL if none is given. */
static const char *first_of_card(const struct tr_spec_options *options) {
    return options->gpu_layers >= 0                   ? "gpu-layers"
           : options->split != 0                      ? "split"
           : !isnan(options->gpu_link_gb_per_s)       ? "gpu-link"
           : options->software                        ? "gpu-software"
           : options->experts != (int)TR_EXPERTS_AUTO ? "experts"
                                                      : NULL;
}

int tr_spec_check(const struct tr_spec_options *options, const char *machine_source,
                  struct tr_err *reterr) {
    const char *of_card = first_of_card(options);
    if (tr_spec_asked(options, machine_source))
        return 0;
    if (of_card)
        return tr_err_set(reterr, TR_EUSAGE, "--%s belongs to a card: name one with --gpu",
                          of_card);
    if (options->what_if || !isnan(options->memory_gb))
        return tr_err_set(reterr, TR_EUSAGE,
                          "--%s changes a machine by name: give --platform or --machine",
                          options->what_if ? "what-if" : "memory");
    return 0;
}

int tr_spec_check_list(const struct tr_spec_options *options, const struct tr_spec_list *list,
                       struct tr_err *reterr) {
    const char *of_card = first_of_card(options);
    for (size_t i = 0; i < list->n; i++) {
        if (options->what_if && !list->items[i].spec.has_cpu)
            return tr_err_set(reterr, TR_EUSAGE,
                              "--what-if: %s is a card alone: mts, fclk, channels, ccds and cores "
                              "are a processor's",
                              list->items[i].name);
        if (list->items[i].spec.gpu.count)
            of_card = NULL;
    }
    if (of_card)
        return tr_err_set(reterr, TR_EUSAGE, "--%s belongs to a card: name one with --gpu",
                          of_card);
    return 0;
}

/* One "name=value", `n` bytes. */
static int read_change(const char *text, size_t n, struct tr_overrides *overrides, int *cores,
                       unsigned *seen, struct tr_err *reterr) {
    /* The bounds of the options of the same names. */
    static const struct {
        const char *name;
        double least, most;
        bool whole;
    } changes[] = {
        {"mts", 100, 50000, false}, {"fclk", 100, 10000, false}, {"channels", 1, 64, true},
        {"ccds", 1, 64, true},      {"cores", 1, 1024, true},
    };
    static const char *const known[] = {"mts", "fclk", "channels", "ccds", "cores", NULL};
    char name[16], value[32];
    double number = 0;
    int64_t whole = 0;
    struct tr_err why = {0};
    size_t equals = strcspn(text, "=");
    if (equals >= n || equals >= sizeof(name) || n - equals > sizeof(value))
        return tr_err_set(reterr, TR_EUSAGE,
                          "--what-if: expected changes like mts=6400,fclk=2133,cores=64");
    snprintf(name, sizeof(name), "%.*s", (int)equals, text);
    snprintf(value, sizeof(value), "%.*s", (int)(n - equals - 1), text + equals + 1);
    int code = tr_unknown("change", name, known, &why);
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        if (strcmp(name, changes[i].name) != 0)
            continue;
        code = changes[i].whole
                   ? tr_parse_int(value, (int64_t)changes[i].least, (int64_t)changes[i].most,
                                  &whole, &why)
                   : tr_parse_double(value, changes[i].least, changes[i].most, &number, &why);
        if (!code && (*seen & 1U << i))
            code = tr_err_set(&why, TR_EUSAGE, "is given twice");
        *seen |= 1U << i;
    }
    if (code)
        return tr_err_set(reterr, code, "--what-if: %s: %s", name, why.text);
    if (!strcmp(name, "mts"))
        overrides->mts = number;
    else if (!strcmp(name, "fclk"))
        overrides->fclk_mhz = number;
    else if (!strcmp(name, "channels"))
        overrides->channels = (int)whole;
    else if (!strcmp(name, "ccds"))
        overrides->ccds = (int)whole;
    else
        *cores = (int)whole;
    return 0;
}

int tr_what_if_read(const char *text, struct tr_overrides *overrides, int *ret_cores,
                    struct tr_err *reterr) {
    unsigned seen = 0;
    int code = 0;
    while (!code && *text) {
        size_t n = strcspn(text, ",");
        code = read_change(text, n, overrides, ret_cores, &seen, reterr);
        text += n + (text[n] == ',');
    }
    return code;
}
