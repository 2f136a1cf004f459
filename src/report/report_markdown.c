/* Markdown (CommonMark with the tables of forums and pull requests). */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "figures.h"
#include "markdown.h"
#include "report.h"
#include "text.h"

int tr_report_markdown(const struct tr_report_input *inputs, size_t n, struct tr_strbuf *out,
                       struct tr_err *reterr);

static const char *fact(const struct tr_calibration *calibration, const char *path) {
    return tr_calibration_text(calibration, path);
}

/* "- **name**: " of a list; what follows ends the line. */
static void item(struct tr_strbuf *out, const char *name) {
    tr_strbuf_addf(out, "- **%s**: ", name);
}

/* What is not known is left out, with its comma. */
static void add_count(struct tr_strbuf *out, size_t n, const char *what) {
    bool first = !out->length || out->text[out->length - 1] == ' ';
    if (n)
        tr_strbuf_addf(out, "%s%zu %s%s", first ? "" : ", ", n, what, n == 1 ? "" : "s");
}

/* As the kernel and signatures write them, which are run together and padded. */
static void add_words(struct tr_strbuf *out, const char *value) {
    size_t length = strlen(value);
    while (length && value[length - 1] == ' ')
        length--;
    char *trimmed = strndup(value, length);
    tr_markdown_text(out, trimmed && !strcmp(trimmed, "notsupported") ? "not supported" : trimmed);
    out->failed |= !trimmed;
    free(trimmed);
}

/* ", name value" for each fact that is known. */
static void add_settings(struct tr_strbuf *out, const struct tr_calibration *calibration) {
    static const struct {
        const char *name, *path;
    } facts[] = {
        {"governor", "settings.governor"},
        {"SMT", "settings.smt"},
        {"BIOS", "firmware.bios"},
        {"microcode", "firmware.microcode"},
        {"kernel", "os.kernel"},
        {"hypervisor", "hypervisor"},
        {"huge pages", "conditions.huge_pages"},
    };
    bool any = false;
    for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
        const char *value = fact(calibration, facts[i].path);
        if (!value)
            continue;
        if (any)
            tr_strbuf_add(out, ", ");
        else
            item(out, "settings");
        any = true;
        tr_strbuf_addf(out, "%s ", facts[i].name);
        add_words(out, value);
    }
    if (any)
        tr_strbuf_add(out, "\n");
}

static void add_memory(struct tr_strbuf *out, const struct tr_calibration *calibration) {
    double populated = tr_calibration_number(calibration, "memory.channels_populated");
    double present = tr_calibration_number(calibration, "memory.channels_present");
    double mts = tr_calibration_number(calibration, "memory.configured_mts");
    double bytes = tr_calibration_number(calibration, "os.memory_bytes");
    item(out, "memory");
    if (populated > 0)
        tr_strbuf_addf(out, "%.4g", populated);
    if (populated > 0 && present > 0)
        tr_strbuf_addf(out, " of %.4g", present);
    tr_strbuf_add(out, populated > 0 ? " channels" : "modules unknown");
    if (mts > 0)
        tr_strbuf_addf(out, ", %.5g MT/s", mts);
    if (bytes > 0)
        tr_strbuf_addf(out, ", %.4g GiB", bytes / (1 << 30));
    tr_strbuf_add(out, "\n");
}

static void add_machine(struct tr_strbuf *out, const struct tr_calibration *calibration) {
    const json_t *machine = json_object_get(calibration->document, "machine");
    const char *model = fact(calibration, "cpu.model");
    double packages = tr_calibration_number(calibration, "packages");
    tr_strbuf_add(out, "# ");
    if (packages > 1)
        tr_strbuf_addf(out, "%.4g x ", packages);
    tr_markdown_text(out, model ? model : "processor unknown");
    tr_strbuf_add(out, "\n\n");
    item(out, "processor");
    add_count(out, json_array_size(json_object_get(machine, "cores")), "core");
    add_count(out, json_array_size(json_object_get(machine, "l3_groups")), "L3 group");
    add_count(out, json_array_size(json_object_get(machine, "numa_nodes")), "NUMA node");
    tr_strbuf_add(out,
                  json_is_true(json_object_get(machine, "virtual")) ? ", virtual machine\n" : "\n");
    add_memory(out, calibration);
    add_settings(out, calibration);
    item(out, "measured");
    tr_markdown_text(out, calibration->created ? calibration->created : "at an unknown time");
    if (calibration->label && *calibration->label) {
        tr_strbuf_add(out, ", ");
        tr_markdown_text(out, calibration->label);
    }
    if (calibration->grade) {
        tr_strbuf_add(out, ", quality ");
        tr_markdown_text(out, calibration->grade);
    }
    for (size_t i = 0; i < calibration->reasons.n; i++) {
        tr_strbuf_add(out, i ? "; " : ": ");
        tr_markdown_text(out, calibration->reasons.items[i]);
    }
    tr_strbuf_add(out, calibration->partial ? ", **interrupted: figures are missing**\n" : "\n");
}

static int add_notices(struct tr_strbuf *out, const struct tr_calibration *calibration) {
    struct tr_strings notices = {0};
    int code = tr_report_notices(calibration, &notices);
    for (size_t i = 0; i < notices.n; i++) {
        item(out, "note");
        tr_markdown_text(out, notices.items[i]);
        tr_strbuf_add(out, "\n");
    }
    tr_strings_finish(&notices);
    return code;
}

/* ---- tables ---- */

static void cell_strings(struct tr_strbuf *out, const struct tr_strings *strings) {
    tr_strbuf_add(out, " ");
    for (size_t i = 0; i < strings->n; i++) {
        tr_strbuf_add(out, i ? ", " : "");
        tr_markdown_text(out, strings->items[i]);
    }
    tr_strbuf_add(out, " |");
}

/* Threads, median, half of its interval, unit. */
static void rate_cells(struct tr_strbuf *out, const struct tr_measurement *at) {
    if (at->threads >= 0)
        tr_strbuf_addf(out, " %d |", at->threads);
    else
        tr_strbuf_add(out, "  |");
    double half = tr_text_half_width(at);
    tr_strbuf_addf(out, " %s | %s |", tr_text_measured(at->median, at->median, half).text,
                   tr_text_measured(half, at->median, half).text);
    tr_markdown_cell(out, at->unit);
}

static void figure_row(struct tr_strbuf *out, const struct tr_calibration *calibration,
                       const struct tr_measurement *at) {
    const struct tr_limit *limit = at->limit
                                       ? tr_limit_find(calibration->limits, calibration->n_limits,
                                                       at->limit, at->place.kind, at->place.index)
                                       : NULL;
    tr_strbuf_add(out, "| ");
    tr_markdown_text(out, at->kernel);
    if (!strcmp(at->metric, "compute") && at->dtype) {
        tr_strbuf_add(out, " ");
        tr_markdown_text(out, at->dtype);
    }
    tr_strbuf_add(out, " |");
    tr_markdown_cell(out, at->isa);
    tr_markdown_cell(out, at->stores && !strcmp(at->stores, "none") ? NULL : at->stores);
    tr_markdown_cell(out, at->variant);
    rate_cells(out, at);
    if (limit && limit->host_only)
        tr_strbuf_add(out, " not rated |");
    else if (isfinite(at->efficiency))
        tr_strbuf_addf(out, " %.0f %% of %s |", at->efficiency * 100,
                       tr_text_number(limit ? limit->value : NAN).text);
    else
        tr_strbuf_add(out, "  |");
    tr_strbuf_addf(out, " %zu |", at->n_samples);
    cell_strings(out, &at->flags);
    tr_strbuf_add(out, "\n");
}

static int add_figures(struct tr_strbuf *out, const struct tr_calibration *calibration) {
    size_t n = 0, left_out = 0;
    struct tr_figure *figures = tr_figures_choose(calibration, &n, &left_out);
    if (!figures)
        return TR_ENOMEM;
    if (n)
        tr_strbuf_add(out, "\n## Measured\n\n"
                           "| kernel | ISA | stores | variant | threads | median | ± 95 % | unit | "
                           "of its limit | n | flags |\n"
                           "|---|---|---|---|--:|--:|--:|---|---|--:|---|\n");
    for (size_t i = 0; i < n; i++)
        figure_row(out, calibration, figures[i].best);
    if (n)
        tr_strbuf_add(out, "\nBandwidth counts the bytes that the program asked for; the share of "
                           "the limit counts what the memory moved.\n");
    int code = 0;
    for (size_t i = 0, told = 0; i < n; i++) {
        char *why = tr_figure_passed_over_text(&figures[i]);
        if (why) {
            tr_strbuf_add(out, told++ ? "- " : "\n- ");
            tr_markdown_text(out, why);
            tr_strbuf_add(out, "\n");
        }
        code = figures[i].passed_over && !why ? TR_ENOMEM : code;
        free(why);
    }
    free(figures);
    return code;
}

/* Tokens at once, depth of the cache: what tells products of one type of weights apart. */
static void product_row(struct tr_strbuf *out, const struct tr_measurement *at) {
    tr_strbuf_add(out, "|");
    tr_markdown_cell(out, at->kernel);
    tr_markdown_cell(out, at->quant);
    if (at->depth > 0)
        tr_strbuf_addf(out, " %" PRId64 " deep |", at->depth);
    else if (at->n > 0)
        tr_strbuf_addf(out, " %" PRId64 " token%s |", at->n, at->n == 1 ? "" : "s");
    else
        tr_strbuf_add(out, "  |");
    char *bytes = at->working_set_bytes > 0 ? tr_text_bytes(at->working_set_bytes) : NULL;
    tr_markdown_cell(out, bytes);
    free(bytes);
    tr_markdown_cell(out, at->isa);
    rate_cells(out, at);
    tr_strbuf_addf(out, " %zu |", at->n_samples);
    cell_strings(out, &at->flags);
    tr_strbuf_add(out, "\n");
}

/* Matrix products and attention, as they were measured. */
static void add_products(struct tr_strbuf *out, const struct tr_calibration *calibration) {
    bool any = false;
    for (size_t i = 0; i < calibration->n_measurements; i++) {
        const struct tr_measurement *at = &calibration->measurements[i];
        if (!at->quant || strcmp(at->metric, "rate") != 0 || !isfinite(at->median))
            continue;
        if (!any)
            tr_strbuf_add(out, "\n## Kernels of language models\n\n| kernel | weights | size | "
                               "working set | ISA | "
                               "threads | median | ± 95 % | unit | n | flags |\n"
                               "|---|---|---|--:|---|--:|--:|--:|---|--:|---|\n");
        any = true;
        product_row(out, at);
    }
}

static void add_limits(struct tr_strbuf *out, const struct tr_calibration *calibration) {
    bool any = false;
    for (size_t i = 0; i < calibration->n_limits; i++) {
        const struct tr_limit *limit = &calibration->limits[i];
        if (limit->place.kind != TR_PLACE_MACHINE && !limit->refuted)
            continue;
        if (!any)
            tr_strbuf_add(out, "\n## Limits\n\n| limit | place | value | unit | from | formula |\n"
                               "|---|---|--:|---|---|---|\n");
        any = true;
        tr_strbuf_add(out, "|");
        tr_markdown_cell(out, limit->name);
        tr_markdown_place(out, &limit->place);
        tr_strbuf_addf(out, " %s |", tr_text_number(limit->value).text);
        tr_markdown_cell(out, limit->unit);
        tr_markdown_cell(out, limit->basis);
        tr_strbuf_add(out, limit->refuted     ? " **refuted by a higher result**;"
                           : limit->host_only ? " the host's, rates nothing here;"
                                              : "");
        tr_markdown_cell(out, limit->formula ? limit->formula : limit->binds);
        tr_strbuf_add(out, "\n");
    }
}

static void add_estimate(struct tr_strbuf *out, const json_t *estimate) {
    double ends[3];
    static const char *const names[] = {"value", "low", "high"};
    for (size_t i = 0; i < 3; i++) {
        const json_t *number = json_object_get(estimate, names[i]);
        ends[i] = json_is_number(number) ? json_number_value(number) : NAN;
    }
    tr_strbuf_addf(out, " %s", tr_text_number(ends[0]).text);
    if (isfinite(ends[1]) && isfinite(ends[2]))
        tr_strbuf_addf(out, " (%s to %s)", tr_text_number_like(ends[1], ends[0]).text,
                       tr_text_number_like(ends[2], ends[0]).text);
    tr_strbuf_add(out, " |");
}

static void prediction_rows(struct tr_strbuf *out, const json_t *document) {
    static const char *const estimates[] = {"pp_tok_s", "tg_tok_s", "first_token_s", "total_s"};
    static const char *const texts[] = {"class", "bound"};
    const json_t *model = json_object_get(document, "model"), *result;
    size_t i;
    json_array_foreach(json_object_get(document, "results"), i, result) {
        tr_strbuf_add(out, "|");
        tr_markdown_cell(out, json_string_value(json_object_get(model, "name")));
        tr_markdown_cell(out, json_string_value(json_object_get(result, "use_case")));
        for (size_t k = 0; k < 4; k++)
            add_estimate(out, json_object_get(result, estimates[k]));
        for (size_t k = 0; k < 2; k++)
            tr_markdown_cell(out, json_string_value(json_object_get(result, texts[k])));
        tr_strbuf_add(out, "\n");
    }
}

/* An engine's own results beside what was predicted for them. */
static void add_observed(struct tr_strbuf *out, const json_t *document) {
    static const char *const numbers[] = {"threads", "observed_tok_s"};
    static const char *const fractions[] = {"fraction_of_prediction", "fraction_of_roof"};
    const json_t *observed = json_object_get(document, "observed"), *entry;
    size_t i;
    if (!json_array_size(observed))
        return;
    tr_strbuf_add(out, "\n### The engine's own results: ");
    tr_markdown_text(
        out, json_string_value(json_object_get(json_object_get(document, "model"), "name")));
    tr_strbuf_add(out, "\n\n| test | threads | engine tok/s | predicted tok/s | of predicted | of "
                       "roof | verdict | why |\n|---|--:|--:|--:|--:|--:|---|---|\n");
    json_array_foreach(observed, i, entry) {
        tr_strbuf_add(out, "|");
        tr_markdown_cell(out, json_string_value(json_object_get(entry, "test")));
        for (size_t k = 0; k < 2; k++) {
            const json_t *value = json_object_get(entry, numbers[k]);
            tr_strbuf_addf(
                out, " %s |",
                tr_text_number(json_is_number(value) ? json_number_value(value) : NAN).text);
        }
        add_estimate(out, json_object_get(entry, "predicted_tok_s"));
        for (size_t k = 0; k < 2; k++) {
            const json_t *value = json_object_get(entry, fractions[k]);
            if (json_is_number(value))
                tr_strbuf_addf(out, " %.0f %% |", 100 * json_number_value(value));
            else
                tr_strbuf_add(out, " - |");
        }
        tr_markdown_cell(out, json_string_value(json_object_get(entry, "verdict")));
        tr_markdown_cell(out, json_string_value(json_object_get(entry, "why")));
        tr_strbuf_add(out, "\n");
    }
}

/* A table for each basis, as one report may hold predictions of several machines. */
static void add_predictions(struct tr_strbuf *out, const json_t *documents) {
    static const char *const keys[] = {"platform", "fidelity"};
    const json_t *document, *before = NULL;
    size_t i;
    json_array_foreach(documents, i, document) {
        bool same = before;
        for (size_t k = 0; same && k < 2; k++)
            same = json_equal(json_object_get(document, keys[k]), json_object_get(before, keys[k]));
        if (!same) {
            const char *platform = json_string_value(json_object_get(document, "platform"));
            const char *fidelity = json_string_value(json_object_get(document, "fidelity"));
            tr_strbuf_add(out, out->length ? "\n## Predicted" : "## Predicted");
            tr_strbuf_add(out, "\n\nPlatform: ");
            tr_markdown_text(out, platform ? platform : "unknown");
            tr_strbuf_add(out, ". Fidelity: ");
            tr_markdown_text(out, fidelity ? fidelity : "unknown");
            if (fidelity && !strcmp(fidelity, "formula"))
                tr_strbuf_add(out, ", an upper bound that real engines do not reach");
            tr_strbuf_add(out, ".\n\n| model | use case | PP tok/s | TG tok/s | first token s | "
                               "total s | class | bound by |\n|---|---|--:|--:|--:|--:|---|---|\n");
        }
        prediction_rows(out, document);
        before = document;
    }
    json_array_foreach(documents, i, document) add_observed(out, document);
}

static int add_warnings(struct tr_strbuf *out, const struct tr_calibration *calibration) {
    struct tr_strings warnings = {0};
    int code = tr_report_warnings(calibration, &warnings);
    if (warnings.n)
        tr_strbuf_add(out, "\n## Warnings\n\n");
    for (size_t i = 0; i < warnings.n; i++) {
        tr_strbuf_add(out, "- ");
        tr_markdown_text(out, warnings.items[i]);
        tr_strbuf_add(out, "\n");
    }
    tr_strings_finish(&warnings);
    return code;
}

int tr_report_markdown(const struct tr_report_input *inputs, size_t n, struct tr_strbuf *out,
                       struct tr_err *reterr) {
    int code = 0;
    (void)reterr;
    for (size_t i = 0; !code && i < n; i++) {
        const struct tr_calibration *calibration = inputs[i].calibration;
        json_t *documents = NULL;
        if (i)
            tr_strbuf_add(out, "\n");
        if (calibration) {
            add_machine(out, calibration);
            code = add_notices(out, calibration);
            if (!code)
                code = add_figures(out, calibration);
            add_products(out, calibration);
            tr_markdown_curves(out, calibration);
            add_limits(out, calibration);
        }
        if (!code)
            code = tr_report_documents(&inputs[i], &documents);
        if (!code)
            add_predictions(out, documents);
        if (!code && calibration)
            code = add_warnings(out, calibration);
        json_decref(documents);
    }
    return code;
}
