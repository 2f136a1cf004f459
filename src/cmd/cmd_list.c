/* tokenroof list WHAT: what this program knows, and why something is not available here. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "calibration_json.h"
#include "cmd.h"
#include "csv.h"
#include "data.h"
#include "kernel.h"
#include "parse.h"
#include "predictions.h"
#include "table.h"
#include "tokenroof/machine.h"
#include "tokenroof/model.h"
#include "tokenroof/predict.h"

struct list_options {
    struct tr_output_options output;
    struct tr_machine_options machine; /* of the list of kernels */
};

/* A column is a field of the JSON rows; text shows it under `head`, or not at all (NULL). */
struct column {
    const char *key, *head;
};

enum { MAX_COLUMNS = 24 };

struct list {
    const char *name;
    struct column columns[MAX_COLUMNS]; /* ends with a column without key */
    int (*fill)(const struct list_options *options, json_t *rows, json_t *notes,
                struct tr_err *reterr);
};

static int append(json_t *rows, json_t *row) {
    return json_array_append_new(rows, row) ? TR_ENOMEM : 0;
}

static void add_word(char words[64], const char *word) {
    size_t at = strlen(words), n = strlen(word);
    if (at < n || strcmp(words + at - n, word) != 0) /* rows of one level follow each other */
        snprintf(words + at, 64 - at, "%s%s", at ? " " : "", word);
}

/* Which instruction sets have this kernel, and which of them run here; what the best one needs
 * besides its level, NULL for nothing. *ret_lacking: what alone keeps it from running here. */
static const char *kernel_isas(const struct tr_kernel *kernels, size_t n,
                               const struct tr_kernel *kernel, const struct tr_machine *machine,
                               char built[64], char here[64], const char **ret_lacking) {
    const struct tr_bench_request request = {.machine = machine, .isa_cap = -1};
    const char *needs = NULL;
    *ret_lacking = NULL;
    built[0] = here[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        if (strcmp(kernels[i].id, kernel->id) != 0)
            continue;
        int isa = tr_isa_from_name(kernels[i].isa);
        needs = kernels[i].needs;
        add_word(built, kernels[i].isa);
        if (tr_bench_available(&request, &kernels[i]))
            add_word(here, kernels[i].isa);
        else if (isa >= 0 && machine->cpu.levels[isa].available)
            *ret_lacking = needs;
    }
    return needs;
}

static bool seen_before(const struct tr_kernel *kernels, size_t i) {
    for (size_t j = 0; j < i; j++)
        if (!strcmp(kernels[j].id, kernels[i].id))
            return true;
    return false;
}

static int add_kernel(json_t *rows, json_t *notes, const struct tr_kernel *kernels, size_t n,
                      size_t i, const struct tr_machine *machine) {
    const struct tr_kernel *kernel = &kernels[i];
    char variant[TR_VARIANT_BYTES], built[64], here[64];
    if (seen_before(kernels, i) || kernel->set == TR_SET_SEARCH)
        return 0;
    tr_kernel_variant(kernel, variant);
    const char *lacking, *needs = kernel_isas(kernels, n, kernel, machine, built, here, &lacking);
    double nominal = tr_kernel_nominal_bytes(kernel);
    double written = tr_kernel_written_bytes(kernel);
    int code = append(
        rows,
        json_pack("{s:s, s:s, s:s, s:s?, s:s, s:o, s:o, s:o, s:o, s:o, s:s, s:s, s:s?}", "name",
                  kernel->id, "what", kernel->op->what, "dtype", tr_dtype_name(kernel->dtype),
                  "stores", tr_stores_name(kernel->stores), "variant", variant, "read_bytes",
                  tr_json_number(nominal - written), "written_bytes", tr_json_number(written),
                  "nominal_bytes", tr_json_number(nominal), "bus_bytes",
                  tr_json_number(tr_kernel_bus_bytes(kernel)), "flop",
                  tr_json_number(tr_kernel_element_flop(kernel)), "isa", built, "isa_available",
                  here, "needs", needs));
    if (!code && lacking && !*here)
        code = append(
            notes, json_sprintf("not available here: %s: the CPU has no %s", kernel->id, lacking));
    return code;
}

/* What --kernel takes besides kernels. */
static int note_experiments(json_t *notes) {
    size_t n;
    const struct tr_bench *benches = tr_benches(&n);
    int code = 0;
    for (size_t i = 0; i < n && !code; i++)
        code = append(notes, json_sprintf("experiment %s: %s", benches[i].name, benches[i].what));
    return code;
}

static int fill_kernels(const struct list_options *options, json_t *rows, json_t *notes,
                        struct tr_err *reterr) {
    struct tr_machine *machine = NULL;
    size_t n = 0;
    const struct tr_kernel *kernels = tr_kernels(&n);
    int code = tr_err_of_input(tr_machine_load(&options->machine, &machine, reterr));
    size_t forms = 0;
    for (size_t i = 0; i < n; i++)
        forms += kernels[i].set == TR_SET_SEARCH && !seen_before(kernels, i);
    if (!code)
        code = append(notes, json_sprintf("%zu more forms of read, write, copy and triad: streams "
                                          "side by side, prefetch distances (docs/method.md)",
                                          forms));
    if (!code)
        code = note_experiments(notes);
    for (size_t i = 0; !code && i < n; i++)
        code = add_kernel(rows, notes, kernels, n, i, machine);
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

/* Each model goes with each of them. */
static int add_quants(json_t *notes) {
    struct tr_strbuf text = {0};
    tr_strbuf_add(&text, "Any of them with another quantisation at its end:");
    for (const char *const *quant = tr_model_quant_names(); *quant; quant++)
        tr_strbuf_addf(&text, " %s", *quant);
    char *line = tr_strbuf_take(&text);
    int code = line ? append(notes, json_string(line)) : TR_ENOMEM;
    free(line);
    return code;
}

static int fill_models(const struct list_options *options, json_t *rows, json_t *notes,
                       struct tr_err *reterr) {
    (void)options;
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
    if (!code)
        code = add_quants(notes);
    return code;
}

static json_t *known_count(int value) {
    return value > 0 ? json_integer(value) : json_null();
}

/* A cell as its column's kind says; empty and unknown are null. */
static json_t *cell_value(const char *cell, bool number) {
    double value = 0;
    if (!number)
        return *cell ? json_string(cell) : json_null();
    return tr_parse_double(cell, -1e300, 1e300, &value, NULL) ? json_null() : json_real(value);
}

/* All rows of a table that is compiled in: a column is numeric if all its filled cells are. */
static int fill_table(json_t *rows, const char *file, struct tr_err *reterr) {
    const struct tr_data *data = tr_data_find(file);
    struct tr_csv csv = {0};
    bool number[MAX_COLUMNS];
    int code = data ? tr_csv_parse(data->text, data->length, data->name, &csv, reterr) : TR_EFAIL;
    for (size_t k = 0; k < MAX_COLUMNS && k < csv.n_columns; k++) {
        number[k] = true;
        for (size_t i = 1; i < csv.n_rows; i++)
            number[k] =
                number[k] && (!*csv.rows[i][k] || isfinite(tr_csv_number(&csv, i, csv.rows[0][k])));
    }
    for (size_t i = 1; !code && i < csv.n_rows; i++) {
        json_t *row = json_object();
        for (size_t k = 0; k < MAX_COLUMNS && k < csv.n_columns; k++)
            if (json_object_set_new(row, csv.rows[0][k], cell_value(csv.rows[i][k], number[k])))
                code = TR_ENOMEM;
        code = append(rows, row) ? TR_ENOMEM : code;
    }
    tr_csv_finish(&csv);
    return code;
}

static int fill_accelerators(const struct list_options *options, json_t *rows, json_t *notes,
                             struct tr_err *reterr) {
    (void)options;
    int code = fill_table(rows, "accelerators.csv", reterr);
    if (!code)
        code = append(notes, json_string("Operations are dense; \"unverified\" sources are figures "
                                         "without a public page at hand (-f csv shows them)"));
    return code;
}

/* Ready-made machines share the columns of processors, so that one list holds all that --platform
 * takes. */
static int add_systems(json_t *rows, struct tr_err *reterr) {
    json_t *systems = json_array(), *system;
    size_t i;
    int code = systems ? fill_table(systems, "systems.csv", reterr) : TR_ENOMEM;
    json_array_foreach(systems, i, system) {
        json_t *row = code ? NULL
                           : json_pack("{s:O, s:s, s:O?, s:O?, s:O?, s:O?, s:O?, s:O?, s:O?, s:O?, "
                                       "s:O?, s:O?, s:O?, s:O?}",
                                       "name", json_object_get(system, "name"), "kind", "system",
                                       "series", json_object_get(system, "kind"), "processor",
                                       json_object_get(system, "cpu"), "memory_type",
                                       json_object_get(system, "mem_type"), "channels",
                                       json_object_get(system, "mem_channels"), "max_mts",
                                       json_object_get(system, "mts"), "memory_gb",
                                       json_object_get(system, "memory_gb"), "gpu",
                                       json_object_get(system, "gpu"), "gpu_count",
                                       json_object_get(system, "gpu_count"), "gpu_memory_gb",
                                       json_object_get(system, "gpu_memory_gb"), "link",
                                       json_object_get(system, "link"), "power_w",
                                       json_object_get(system, "power_w"), "source",
                                       json_object_get(system, "source"));
        if (!code)
            code = append(rows, row);
    }
    json_decref(systems);
    return code;
}

static int fill_platforms(const struct list_options *options, json_t *rows, json_t *notes,
                          struct tr_err *reterr) {
    (void)options;
    size_t n = 0;
    const struct tr_platform *platforms = tr_platforms(&n);
    int code = 0;
    for (size_t i = 0; !code && i < n; i++) {
        const struct tr_platform *p = &platforms[i];
        code = append(
            rows,
            json_pack("{s:s, s:s, s:s?, s:s?, s:o, s:o, s:o, s:o, s:s?, s:o, s:o, s:o, s:o, s:s?}",
                      "name", p->name, "kind", "processor", "series", p->series, "uarch", p->uarch,
                      "sockets_max", known_count(p->sockets_max), "cores", known_count(p->cores),
                      "ccds", known_count(p->ccds), "links_per_ccd",
                      known_count(p->gmi_links_per_ccd), "memory_type", p->mem_type, "channels",
                      known_count(p->mem_channels), "max_mts", tr_json_number(p->max_mts),
                      "fclk_ghz", tr_json_number(p->fclk_ghz), "memory_gb",
                      tr_json_number(p->max_memory_gb), "source", p->source));
    }
    if (!code)
        code = add_systems(rows, reterr);
    if (!code)
        code = append(notes, json_string("`tokenroof topology --platform NAME` shows limits; a "
                                         "series (\"EPYC 9004\") gives their range"));
    return code;
}

static int fill_use_cases(const struct list_options *options, json_t *rows, json_t *notes,
                          struct tr_err *reterr) {
    (void)options;
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
      {"read_bytes", NULL},
      {"written_bytes", NULL},
      {"nominal_bytes", NULL},
      {"bus_bytes", NULL},
      {"flop", NULL},
      {"isa", NULL},
      {"isa_available", "instruction sets"},
      {"needs", NULL}},
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
     {{"name", "platform"},     {"kind", NULL},          {"series", "series"},
      {"uarch", NULL},          {"sockets_max", NULL},   {"cores", "cores"},
      {"ccds", "CCDs"},         {"links_per_ccd", NULL}, {"memory_type", "memory"},
      {"channels", "channels"}, {"max_mts", "MT/s"},     {"fclk_ghz", "FCLK GHz"},
      {"processor", NULL},      {"memory_gb", "GB"},     {"gpu", NULL},
      {"gpu_count", NULL},      {"gpu_memory_gb", NULL}, {"link", NULL},
      {"power_w", NULL},        {"source", NULL}},
     fill_platforms},
    {"accelerators",
     {{"name", "accelerator"},
      {"vendor", "vendor"},
      {"kind", "kind"},
      {"memory_gb", "GB"},
      {"memory_type", NULL},
      {"memory_gbs", "GB/s"},
      {"fp16_bf16_dense_tflops", "FP16 TFLOP/s"},
      {"fp8_dense_tflops", NULL},
      {"fp4_dense_tflops", NULL},
      {"int8_dense_tops", NULL},
      {"fp32_tflops", NULL},
      {"link", "link"},
      {"link_gbs_per_direction", NULL},
      {"tdp_w", "W"},
      {"launch_price_usd", NULL},
      {"source", NULL},
      {"notes", NULL}},
     fill_accelerators},
    {"use-cases",
     {{"name", "use case"},
      {"what", "what it is"},
      {"prompt_tokens", "prompt tokens"},
      {"generated_tokens", "generated tokens"}},
     fill_use_cases},
};
enum { N_LISTS = sizeof(lists) / sizeof(lists[0]) };

static void add_figure_cell(struct tr_table *table, double value, int digits, const char *unit) {
    struct tr_strbuf text = {0};
    tr_strbuf_add_figure(&text, value, digits);
    tr_strbuf_add(&text, unit);
    char *cell = tr_strbuf_take(&text);
    table->failed = table->failed || !cell;
    tr_table_add(table, cell ? cell : "");
    free(cell);
}

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
        add_figure_cell(table, number / 1e9, 3, " B");
    else if (strstr(key, "bytes"))
        tr_table_addf(table, "%.2f GB", number / 1e9);
    else
        add_figure_cell(table, number, 5, "");
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
    if (options->machine.source && filled.list->fill != fill_kernels)
        return tr_err_set(reterr, TR_EUSAGE, "--machine goes with the list of kernels alone");
    filled.rows = json_array();
    filled.notes = json_array();
    int code = TR_ENOMEM;
    if (filled.rows && filled.notes)
        code = filled.list->fill(options, filled.rows, filled.notes, reterr);
    if (!code)
        code = tr_output_write(&options->output, "text", render, &filled, reterr);
    json_decref(filled.rows);
    json_decref(filled.notes);
    return code;
}

static const char *const formats[] = {"text", "json", "csv", NULL};
static const struct tr_option_group groups[] = {
    TR_GROUP_SOURCE(struct list_options, machine),
    TR_GROUP_OUTPUT,
    TR_GROUP_END,
};

const struct tr_command tr_command_list = {
    .usage = "kernels|models|platforms|accelerators|use-cases [options]",
    .about = "What is not available on this machine is listed with the reason.\n",
    .examples = "  tokenroof list models\n"
                "  tokenroof list kernels -f csv\n"
                "  tokenroof list kernels --machine my-server\n",
    .groups = groups,
    .formats = formats,
    .options_bytes = sizeof(struct list_options),
    .min_arguments = 1,
    .max_arguments = 1,
    .argument = "WHAT (kernels, models, platforms, accelerators, use-cases)",
    .run = run,
};
