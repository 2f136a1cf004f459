/* One web page that holds all it needs: template, style, scripts, data. It loads nothing, and works
 * from a mail attachment. What comes from files is data within it, which cannot end its element,
 * and becomes text nodes when the page draws itself. */
#include <stdlib.h>
#include <string.h>

#include "calibration_json.h"
#include "choice.h"
#include "figures.h"
#include "markup.h"
#include "page.h"
#include "report.h"

int tr_report_html(const struct tr_report_input *inputs, size_t n, struct tr_strbuf *out,
                   struct tr_err *reterr);

enum { MOST_COMPARED = 4 }; /* calibrations that are drawn over each other */

struct html {
    const struct tr_report_input *inputs;
    size_t n;
    struct tr_strbuf *out;
    struct tr_err *reterr;
    int code;
};

static void add_part(struct html *html, const char *name) {
    const struct tr_data *part = tr_page_part(name);
    if (part)
        tr_strbuf_add_bytes(html->out, part->text, part->length);
}

static void add_version(struct html *html) {
    json_t *tool = tr_tool_to_json();
    tr_markup_text(html->out, json_string_value(json_object_get(tool, "version")));
    json_decref(tool);
}

static void add_style(struct html *html) {
    add_part(html, "page.css");
}

/* For readers without scripts. */
static void add_text(struct html *html) {
    struct tr_strbuf text = {0};
    int code = 0;
    if (html->inputs[0].page_text)
        tr_strbuf_add(&text, html->inputs[0].page_text);
    else
        code = tr_report_render_several("markdown", html->inputs, html->n, &text, html->reterr);
    for (char *line = text.text; !code && line && *line;) {
        size_t length = strcspn(line, "\n");
        char *next = line + length + (line[length] == '\n');
        line[length] = '\0';
        tr_markup_text(html->out, line);
        tr_strbuf_add(html->out, "\n");
        line = next;
    }
    html->code = html->code ? html->code : text.failed ? TR_ENOMEM : code;
    tr_strbuf_finish(&text);
}

static json_t *warnings_to_json(const struct tr_calibration *calibration) {
    struct tr_strings warnings = {0};
    json_t *array = NULL;
    if (!calibration || !tr_report_warnings(calibration, &warnings))
        array = json_array();
    for (size_t i = 0; i < warnings.n; i++)
        json_array_append_new(array, tr_json_text(warnings.items[i]));
    tr_strings_finish(&warnings);
    return array;
}

static json_t *notices_to_json(const struct tr_calibration *calibration) {
    struct tr_strings notices = {0};
    json_t *array = json_array();
    if (calibration && tr_report_notices(calibration, &notices)) {
        json_decref(array);
        array = NULL;
    }
    for (size_t i = 0; i < notices.n; i++)
        json_array_append_new(array, tr_json_text(notices.items[i]));
    tr_strings_finish(&notices);
    return array;
}

/* Where among the measurements the figures stand that a reader sees first: those of all threads. */
static json_t *headlines_to_json(const struct tr_calibration *calibration) {
    size_t n = 0, left_out = 0;
    struct tr_figure *figures = calibration ? tr_figures_choose(calibration, &n, &left_out) : NULL;
    json_t *array = figures || !calibration ? json_array() : NULL;
    for (size_t i = 0; figures && i < n; i++) {
        const struct tr_measurement *over = figures[i].passed_over, *best = figures[i].best;
        if (!figures[i].all || !strcmp(best->metric, "clock"))
            continue;
        json_array_append_new(
            array, json_pack("{s:I, s:o, s:b, s:o}", "best",
                             (json_int_t)(best - calibration->measurements), "passed_over",
                             over ? json_integer(over - calibration->measurements) : json_null(),
                             "doubtful", tr_standing_of(best) != TR_STANDING_SOUND, "flop_per_byte",
                             tr_json_number(tr_figure_flop_per_byte(best))));
    }
    free(figures);
    return array;
}

static json_t *input_to_json(const struct tr_report_input *input) {
    json_t *calibration = NULL, *predictions = NULL;
    if (tr_report_documents(input, &predictions) ||
        (input->calibration && tr_calibration_to_json(input->calibration, &calibration))) {
        json_decref(predictions);
        return NULL;
    }
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "name", tr_json_text(input->name),
                     "calibration", calibration ? calibration : json_null(), "predictions",
                     predictions, "warnings", warnings_to_json(input->calibration), "notices",
                     notices_to_json(input->calibration), "headlines",
                     headlines_to_json(input->calibration));
}

/* `<` occurs in JSON within strings alone; written as an escape it cannot end the element. */
static void add_json(struct html *html, const json_t *document) {
    char *text =
        document ? json_dumps(document, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(9))
                 : NULL;
    if (!text)
        html->code = TR_ENOMEM;
    for (const char *at = text; at && *at;) {
        size_t length = strcspn(at, "<");
        tr_strbuf_add_bytes(html->out, at, length);
        at += length;
        if (*at == '<') {
            tr_strbuf_add(html->out, "\\u003c");
            at++;
        }
    }
    free(text);
}

static size_t count_calibrations(const struct html *html) {
    size_t n = 0;
    for (size_t i = 0; i < html->n; i++)
        n += html->inputs[i].calibration != NULL;
    return n;
}

/* Calibrations of three machines or more, or of more than a few runs. */
static bool is_many(const struct html *html) {
    const char *hosts[2] = {NULL, NULL};
    size_t n = 0;
    for (size_t i = 0; i < html->n; i++) {
        const struct tr_calibration *calibration = html->inputs[i].calibration;
        const char *host = calibration ? tr_calibration_text(calibration, "host_id") : NULL;
        if (!host || (hosts[0] && !strcmp(host, hosts[0])) || (hosts[1] && !strcmp(host, hosts[1])))
            continue;
        if (n < 2)
            hosts[n] = host;
        n++;
    }
    return n > 2 || count_calibrations(html) > MOST_COMPARED;
}

/* The name of a file reports/page/<kind>.js. */
static const char *kind_of(const struct html *html) {
    if (html->inputs[0].page)
        return html->inputs[0].page;
    return count_calibrations(html) < 2 ? "report" : is_many(html) ? "hosts" : "comparison";
}

static void add_title(struct html *html) {
    const struct tr_calibration *calibration = NULL;
    for (size_t i = 0; i < html->n && !calibration; i++)
        calibration = html->inputs[i].calibration;
    const char *model = calibration ? tr_calibration_text(calibration, "cpu.model") : NULL;
    tr_strbuf_add(html->out, "tokenroof: ");
    const char *kind = kind_of(html);
    if (html->inputs[0].page)
        tr_strbuf_add(html->out, kind);
    else if (!strcmp(kind, "hosts"))
        tr_strbuf_addf(html->out, "%zu machines", html->n);
    else if (!strcmp(kind, "comparison"))
        tr_strbuf_addf(html->out, "comparison of %zu files", html->n);
    else
        tr_markup_text(html->out, model ? model : calibration ? "a machine" : "predictions");
}

/* A calibration and files of predictions are one report: its item gets all predictions. */
static int fold(json_t *items) {
    size_t i;
    json_t *item, *kept = json_array_get(items, 0);
    json_array_foreach(items, i, item) {
        if (!json_is_null(json_object_get(item, "calibration")))
            kept = item;
    }
    json_t *all = json_array(), *folded = json_array();
    int failed = !all || !folded;
    json_array_foreach(items, i, item) {
        failed = failed || json_array_extend(all, json_object_get(item, "predictions"));
    }
    failed = failed || json_object_set(kept, "predictions", all) ||
             json_array_append(folded, kept) || json_array_clear(items) ||
             json_array_extend(items, folded);
    json_decref(all);
    json_decref(folded);
    return failed ? TR_ENOMEM : 0;
}

/* Descriptions by name; NULL when out of memory. */
static json_t *use_cases_to_json(void) {
    json_t *object = json_object();
    size_t n = 0;
    const struct tr_use_case *known = tr_use_cases(&n);
    for (size_t i = 0; object && i < n; i++)
        json_object_set_new(object, known[i].name, json_string(known[i].what));
    return object;
}

static void add_data(struct html *html) {
    json_t *items = json_array(), *tool = tr_tool_to_json();
    const char *kind = kind_of(html);
    int failed = !items || !tool;
    for (size_t i = 0; !failed && i < html->n; i++)
        failed = json_array_append_new(items, input_to_json(&html->inputs[i]));
    if (!failed && !strcmp(kind, "report"))
        failed = fold(items);
    json_t *document =
        failed ? NULL
               : json_pack("{s:s, s:O, s:O, s:o, s:O?}", "page", kind, "version",
                           json_object_get(tool, "version"), "items", items, "use_cases",
                           use_cases_to_json(), "extra", html->inputs[0].page_data);
    add_json(html, document);
    json_decref(document);
    json_decref(items);
    json_decref(tool);
}

static void add_library(struct html *html) {
    if (!tr_page_part("d3.min.js"))
        return;
    tr_strbuf_add(html->out, "/*\n");
    add_part(html, "d3-notice.txt");
    tr_strbuf_add(html->out, "*/\n");
    add_part(html, "d3.min.js");
}

static void add_script(struct html *html) {
    add_part(html, "page.js");
}

/* What stands in the template as {{name}}. */
static const struct {
    const char *name;
    void (*add)(struct html *html);
} holes[] = {
    {"{{version}}", add_version}, {"{{title}}", add_title}, {"{{style}}", add_style},
    {"{{text}}", add_text},       {"{{data}}", add_data},   {"{{library}}", add_library},
    {"{{script}}", add_script},
};

/* Fills the hole at `at`; bytes of its name, 0 if there is none of that name. */
static size_t fill(struct html *html, const char *at) {
    for (size_t i = 0; i < sizeof(holes) / sizeof(holes[0]); i++) {
        size_t length = strlen(holes[i].name);
        if (!strncmp(at, holes[i].name, length)) {
            holes[i].add(html);
            return length;
        }
    }
    return 0;
}

int tr_report_html(const struct tr_report_input *inputs, size_t n, struct tr_strbuf *out,
                   struct tr_err *reterr) {
    struct html html = {.inputs = inputs, .n = n, .out = out, .reterr = reterr};
    const char *at = tr_page_part("page.html")->text;
    while (*at && !html.code) {
        const char *hole = strstr(at, "{{");
        size_t before = hole ? (size_t)(hole - at) : strlen(at);
        tr_strbuf_add_bytes(out, at, before);
        at += before;
        if (!hole)
            break;
        size_t length = fill(&html, at);
        tr_strbuf_add_bytes(out, at, length ? 0 : 2);
        at += length ? length : 2;
    }
    return html.code;
}
