/* tokenroof list WHAT: what this program knows, and why something is not available here. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calibration_json.h"
#include "cmd.h"
#include "kernel.h"
#include "predictions.h"
#include "table.h"
#include "tokenroof/machine.h"
#include "tokenroof/model.h"
#include "tokenroof/predict.h"

struct list_options {
    struct tr_output_options output;
};

/* A column is a field of the JSON rows; text shows it under `head`, or not at all (NULL). */
struct column {
    const char *key, *head;
};

enum { MAX_COLUMNS = 16 };

struct list {
    const char *name;
    struct column columns[MAX_COLUMNS]; /* ends with a column without key */
    int (*fill)(json_t *rows, json_t *notes, struct tr_err *reterr);
};

static int append(json_t *rows, json_t *row) {
    return json_array_append_new(rows, row) ? TR_ENOMEM : 0;
}

/* Which instruction sets have this kernel, by name with commas, and which of them run here. */
static void kernel_isas(const struct tr_kernel *kernels, size_t n, const struct tr_kernel *kernel,
                        const struct tr_machine *machine, char built[64], char here[64]) {
    built[0] = here[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        if (strcmp(kernels[i].id, kernel->id) != 0)
            continue;
        int isa = tr_isa_from_name(kernels[i].isa);
        size_t at = strlen(built);
        snprintf(built + at, 64 - at, "%s%s", at ? " " : "", kernels[i].isa);
        at = strlen(here);
        if (isa >= 0 && machine->cpu.levels[isa].available)
            snprintf(here + at, 64 - at, "%s%s", at ? " " : "", kernels[i].isa);
    }
}

static bool seen_before(const struct tr_kernel *kernels, size_t i) {
    for (size_t j = 0; j < i; j++)
        if (!strcmp(kernels[j].id, kernels[i].id))
            return true;
    return false;
}

static int add_kernel(json_t *rows, const struct tr_kernel *kernels, size_t n, size_t i,
                      const struct tr_machine *machine) {
    const struct tr_kernel *kernel = &kernels[i];
    char variant[48], built[64], here[64];
    if (seen_before(kernels, i))
        return 0;
    tr_kernel_variant(kernel, variant);
    kernel_isas(kernels, n, kernel, machine, built, here);
    return append(rows,
                  json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:s, s:s}", "name", kernel->id,
                            "what", kernel->op->what, "dtype", tr_dtype_name(kernel->dtype),
                            "stores", tr_stores_name(kernel->stores), "variant", variant,
                            "nominal_bytes", tr_json_number(tr_kernel_nominal_bytes(kernel)),
                            "bus_bytes", tr_json_number(tr_kernel_bus_bytes(kernel)), "isa", built,
                            "isa_available", here));
}

static int fill_kernels(json_t *rows, json_t *notes, struct tr_err *reterr) {
    struct tr_machine_options options = {0};
    struct tr_machine *machine = NULL;
    size_t n = 0;
    const struct tr_kernel *kernels = tr_kernels(&n);
    int code = tr_machine_load(&options, &machine, reterr);
    for (size_t i = 0; !code && i < n; i++)
        code = add_kernel(rows, kernels, n, i, machine);
    for (int isa = 0; !code && isa < TR_ISA_COUNT; isa++) {
        const struct tr_isa_state *state = &machine->cpu.levels[isa];
        if (!state->available)
            code = append(notes,
                          json_sprintf("not available here: %s: %s", tr_isa_name((enum tr_isa)isa),
                                       state->reason ? state->reason : "unknown"));
    }
    tr_machine_destroy(machine);
    return code;
}

static int fill_models(json_t *rows, json_t *notes, struct tr_err *reterr) {
    const char *const *names = tr_model_catalogue_names();
    const char *const *defaults = tr_model_default_names();
    int code = 0;
    for (size_t i = 0; !code && names[i]; i++) {
        struct tr_model *model = NULL;
        bool is_default = false;
        code = tr_model_from_catalogue(names[i], &model, reterr);
        if (code)
            break;
        for (size_t j = 0; defaults[j]; j++)
            is_default = is_default || !strcmp(defaults[j], names[i]);
        code = append(rows, json_pack("{s:s, s:s?, s:s?, s:f, s:f, s:f, s:f, s:b, s:s?}", "name",
                                      names[i], "architecture", model->architecture, "quantization",
                                      model->quantization, "parameters", (double)model->parameters,
                                      "active_parameters", (double)model->active_parameters,
                                      "file_bytes", (double)model->file_bytes,
                                      "weight_bytes_per_token", model->weight_bytes_per_token,
                                      "default", is_default, "source", model->source));
        tr_model_destroy(model);
    }
    if (!code)
        code = append(notes, json_string("default: predicted by `tokenroof run`. A GGUF file is "
                                         "taken as well"));
    return code;
}

static json_t *known_count(int value) {
    return value > 0 ? json_integer(value) : json_null();
}

static int fill_platforms(json_t *rows, json_t *notes, struct tr_err *reterr) {
    size_t n = 0;
    const struct tr_platform *platforms = tr_platforms(&n);
    int code = 0;
    (void)notes, (void)reterr;
    for (size_t i = 0; !code && i < n; i++) {
        const struct tr_platform *p = &platforms[i];
        code = append(rows, json_pack("{s:s, s:s?, s:o, s:o, s:o, s:o, s:s?, s:o, s:o, s:o, s:s?}",
                                      "name", p->name, "uarch", p->uarch, "sockets_max",
                                      known_count(p->sockets_max), "cores", known_count(p->cores),
                                      "ccds", known_count(p->ccds), "links_per_ccd",
                                      known_count(p->gmi_links_per_ccd), "memory_type", p->mem_type,
                                      "channels", known_count(p->mem_channels), "max_mts",
                                      tr_json_number(p->max_mts), "fclk_ghz",
                                      tr_json_number(p->fclk_ghz), "source", p->source));
    }
    return code;
}

static int fill_use_cases(json_t *rows, json_t *notes, struct tr_err *reterr) {
    size_t n = 0;
    const struct tr_use_case *cases = tr_use_cases(&n);
    int code = 0;
    (void)notes, (void)reterr;
    for (size_t i = 0; !code && i < n; i++)
        code = append(rows, json_pack("{s:s, s:s, s:i, s:i}", "name", cases[i].name, "what",
                                      cases[i].what, "prompt_tokens", cases[i].prompt_tokens,
                                      "generated_tokens", cases[i].generated_tokens));
    return code;
}

static const struct list lists[] = {
    {"kernels",
     {{"name", "kernel"},
      {"what", "what it does"},
      {"dtype", "type"},
      {"stores", "stores"},
      {"variant", "variant"},
      {"nominal_bytes", NULL},
      {"bus_bytes", NULL},
      {"isa", NULL},
      {"isa_available", "instruction sets"}},
     fill_kernels},
    {"models",
     {{"name", "model"},
      {"architecture", "architecture"},
      {"quantization", NULL},
      {"parameters", "parameters"},
      {"active_parameters", "active"},
      {"file_bytes", "file"},
      {"weight_bytes_per_token", "per token"},
      {"default", "default"},
      {"source", NULL}},
     fill_models},
    {"platforms",
     {{"name", "platform"},
      {"uarch", "architecture"},
      {"sockets_max", NULL},
      {"cores", "cores"},
      {"ccds", "CCDs"},
      {"links_per_ccd", NULL},
      {"memory_type", "memory"},
      {"channels", "channels"},
      {"max_mts", "MT/s"},
      {"fclk_ghz", "FCLK GHz"},
      {"source", NULL}},
     fill_platforms},
    {"use-cases",
     {{"name", "use case"},
      {"what", "what it is"},
      {"prompt_tokens", "prompt tokens"},
      {"generated_tokens", "generated tokens"}},
     fill_use_cases},
};
enum { N_LISTS = sizeof(lists) / sizeof(lists[0]) };

/* How a value of a column reads in a table. */
static void table_cell(struct tr_table *table, const char *key, const json_t *value) {
    double number = json_number_value(value);
    if (json_is_string(value))
        tr_table_add(table, json_string_value(value));
    else if (json_is_boolean(value))
        tr_table_add(table, json_is_true(value) ? "yes" : "");
    else if (!json_is_number(value))
        tr_table_add(table, "-");
    else if (strstr(key, "parameters"))
        tr_table_addf(table, "%.3g B", number / 1e9);
    else if (strstr(key, "bytes"))
        tr_table_addf(table, "%.2f GB", number / 1e9);
    else
        tr_table_addf(table, "%.5g", number);
}

static void render_text(const struct list *list, const json_t *rows, const json_t *notes,
                        struct tr_strbuf *out) {
    struct tr_table table;
    char alignment[MAX_COLUMNS + 1] = {0};
    size_t i, shown = 0;
    const json_t *row, *note;
    const json_t *first = json_array_get(rows, 0);
    for (const struct column *c = list->columns; c->key; c++)
        if (c->head)
            alignment[shown++] = json_is_string(json_object_get(first, c->key)) ? 'l' : 'r';
    tr_table_init(&table, alignment);
    for (const struct column *c = list->columns; c->key; c++)
        if (c->head)
            tr_table_add(&table, c->head);
    json_array_foreach(rows, i, row) {
        for (const struct column *c = list->columns; c->key; c++)
            if (c->head)
                table_cell(&table, c->key, json_object_get(row, c->key));
    }
    out->failed = out->failed || table.failed;
    tr_table_write(&table, 0, out);
    tr_table_finish(&table);
    json_array_foreach(notes, i, note) {
        tr_strbuf_addf(out, "%s%s\n", i ? "" : "\n", json_string_value(note));
    }
}

static void render_csv(const struct list *list, const json_t *rows, struct tr_strbuf *out) {
    size_t i;
    const json_t *row;
    for (const struct column *c = list->columns; c->key; c++)
        tr_strbuf_addf(out, "%s%s", c == list->columns ? "" : ",", c->key);
    tr_strbuf_add(out, "\r\n");
    json_array_foreach(rows, i, row) {
        for (const struct column *c = list->columns; c->key; c++) {
            const json_t *value = json_object_get(row, c->key);
            tr_strbuf_add(out, c == list->columns ? "" : ",");
            tr_csv_cell(out, json_string_value(value));
            if (json_is_number(value))
                tr_strbuf_addf(out, "%.12g", json_number_value(value));
            else if (json_is_boolean(value))
                tr_strbuf_add(out, json_is_true(value) ? "true" : "false");
        }
        tr_strbuf_add(out, "\r\n");
    }
}

struct filled {
    const struct list *list;
    json_t *rows, *notes;
};

static int render(const char *format, const struct tr_term *term, const void *data,
                  struct tr_strbuf *out, struct tr_err *reterr) {
    const struct filled *filled = data;
    (void)term, (void)reterr;
    if (!strcmp(format, "json")) {
        json_t *document =
            json_pack("{s:s, s:s, s:O, s:O}", "schema", "tokenroof.list/1", "list",
                      filled->list->name, "results", filled->rows, "notes", filled->notes);
        int code = document ? tr_json_print(document, out) : TR_ENOMEM;
        json_decref(document);
        return code;
    }
    if (!strcmp(format, "csv"))
        render_csv(filled->list, filled->rows, out);
    else
        render_text(filled->list, filled->rows, filled->notes, out);
    return 0;
}

static int run(void *data, char *const *arguments, size_t n, struct tr_err *reterr) {
    struct list_options *options = data;
    const char *names[N_LISTS + 1] = {0};
    struct filled filled = {0};
    (void)n; /* always one */
    for (size_t i = 0; i < N_LISTS; i++) {
        names[i] = lists[i].name;
        if (!strcmp(arguments[0], lists[i].name))
            filled.list = &lists[i];
    }
    if (!filled.list)
        return tr_unknown("list", arguments[0], names, reterr);
    filled.rows = json_array();
    filled.notes = json_array();
    int code = TR_ENOMEM;
    if (filled.rows && filled.notes)
        code = filled.list->fill(filled.rows, filled.notes, reterr);
    if (!code)
        code = tr_output_write(&options->output, "text", render, &filled, reterr);
    json_decref(filled.rows);
    json_decref(filled.notes);
    return code;
}

static const char *const formats[] = {"text", "json", "csv", NULL};
static const struct tr_option_group groups[] = {
    TR_GROUP_OUTPUT,
    TR_GROUP_END,
};

const struct tr_command tr_command_list = {
    .usage = "kernels|models|platforms|use-cases [options]",
    .about = "What is not available on this machine is listed with the reason.\n",
    .examples = "  tokenroof list models\n"
                "  tokenroof list kernels -f csv\n",
    .groups = groups,
    .formats = formats,
    .options_bytes = sizeof(struct list_options),
    .min_arguments = 1,
    .max_arguments = 1,
    .argument = "WHAT (kernels, models, platforms, use-cases)",
    .run = run,
};
