#include "plan_text.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "pages.h"
#include "predictions.h"
#include "table.h"

__attribute__((format(printf, 2, 3))) static void detail(struct tr_strbuf *out, const char *format,
                                                         ...) {
    va_list args;
    if (out->length)
        tr_strbuf_add(out, ", ");
    va_start(args, format);
    tr_strbuf_vaddf(out, format, args);
    va_end(args);
}

static const char *curve_of(const struct tr_plan *plan, const struct tr_step *step) {
    return plan->curves[step->target].curve.name;
}

/* What steps of one kernel in one place differ by besides their working set: "8 tokens", "one line
 * a page, 2m pages"; "" where that is nothing. */
static void add_details(const struct tr_plan *plan, const struct tr_group *group,
                        const struct tr_step *step, struct tr_strbuf *out) {
    const struct tr_shape *shape = &step->shape;
    tr_strbuf_add(out, "");
    if (step->result == TR_RESULT_POINT && strcmp(curve_of(plan, step), group->name) != 0)
        detail(out, "%s", curve_of(plan, step));
    if (step->result == TR_RESULT_CELL)
        detail(out, "row %zu, column %zu", step->row, step->column);
    if (step->variant)
        detail(out, "%s", step->variant);
    if (step->fastest_form || step->searched)
        detail(out, "%s", tr_dtype_name(step->kernel->dtype));
    if (shape->n > 0)
        detail(out, "%lld token%s", (long long)shape->n, shape->n == 1 ? "" : "s");
    if (shape->depth > 0)
        detail(out, "depth %lld", (long long)shape->depth);
    if (shape->batch > 1)
        detail(out, "%lld sequences", (long long)shape->batch);
    if (step->one_line_a_page)
        detail(out, "one line a page");
    if (step->load && step->load_pause_cycles < 0)
        detail(out, "others idle");
    else if (step->load)
        detail(out, "beside %s, pause %lld cycles", step->load->id,
               (long long)step->load_pause_cycles);
    if (group->pages != plan->pages)
        detail(out, "%s pages", tr_pages_name(group->pages));
}

/* Of one step, what text and JSON tell alike. */
struct told {
    struct tr_place place;
    char *cpus, *details;
    int64_t bytes;
};

static void finish_told(struct told *told) {
    tr_place_finish(&told->place);
    free(told->cpus);
    free(told->details);
}

static int tell(const struct tr_plan_text *text, const struct tr_group *group,
                const struct tr_step *step, struct told *ret_told) {
    struct tr_strbuf details = {0};
    struct told told = {.bytes =
                            step->slice_bytes * group->crew.n_threads * step->kernel->op->arrays};
    add_details(text->plan, group, step, &details);
    told.details = tr_strbuf_take(&details);
    told.cpus = tr_cpulist_format(&group->crew.place.cpus);
    if (!told.details || !told.cpus || tr_plan_place(text->machine, &group->crew, &told.place)) {
        finish_told(&told);
        return TR_ENOMEM;
    }
    *ret_told = told;
    return 0;
}

static json_t *step_json(const struct tr_plan_text *text, const struct tr_group *group,
                         const struct tr_step *step) {
    struct told told;
    if (tell(text, group, step, &told))
        return NULL;
    json_t *object = json_pack(
        "{s:s, s:s, s:b, s:s, s:s, s:s, s:i, s:s, s:i, s:I, s:f}", "experiment", group->name,
        "kernel", step->kernel->id, "searched", step->searched || step->fastest_form, "isa",
        step->kernel->isa, "details", told.details, "place", tr_place_kind_name(told.place.kind),
        "index", told.place.index, "cpus", told.cpus, "threads", group->crew.n_threads,
        "working_set_bytes", (json_int_t)told.bytes, "seconds",
        group->seconds / (double)group->n_steps);
    finish_told(&told);
    return object;
}

static int print_json(const struct tr_plan_text *text, struct tr_strbuf *out) {
    const struct tr_plan *plan = text->plan;
    json_t *steps = json_array();
    json_t *document =
        json_pack("{s:s, s:f, s:I, s:o}", "schema", "tokenroof.plan/1", "seconds", plan->seconds,
                  "memory_bytes", (json_int_t)text->memory_bytes, "steps", steps);
    int code = document ? 0 : TR_ENOMEM;
    for (size_t g = 0; g < plan->n_groups && !code; g++)
        for (size_t i = 0; i < plan->groups[g].n_steps && !code; i++)
            if (json_array_append_new(steps,
                                      step_json(text, &plan->groups[g], &plan->groups[g].steps[i])))
                code = TR_ENOMEM;
    if (!code)
        code = tr_json_print(document, out);
    json_decref(document);
    return code;
}

static int add_row(const struct tr_plan_text *text, const struct tr_group *group,
                   const struct tr_step *step, struct tr_table *table) {
    struct told told;
    int code = tell(text, group, step, &told);
    if (code)
        return code;
    tr_table_add(table, group->name);
    if (step->searched || step->fastest_form)
        tr_table_addf(table, "%s, fastest form", step->kernel->op->name);
    else
        tr_table_add(table, step->kernel->id);
    tr_table_add(table, step->kernel->isa);
    tr_table_add(table, *told.details ? told.details : "-");
    tr_table_addf(table, "%s %d", tr_place_kind_name(told.place.kind), told.place.index);
    tr_table_add(table, told.cpus);
    tr_table_addf(table, "%d", group->crew.n_threads);
    if (told.bytes)
        tr_table_addf(table, "%.4g", (double)told.bytes / 1048576.0);
    else
        tr_table_add(table, "-");
    tr_table_addf(table, "%.1f", group->seconds / (double)group->n_steps);
    finish_told(&told);
    return 0;
}

static int print_text(const struct tr_plan_text *text, struct tr_strbuf *out) {
    static const char *const head[] = {"experiment", "kernel",          "isa",
                                       "details",    "place",           "cpus",
                                       "threads",    "working set MiB", "s"};
    const struct tr_plan *plan = text->plan;
    struct tr_table table;
    int code = 0;
    tr_strbuf_addf(out, "plan: about %.0f s, %.0f MiB of memory\n", plan->seconds,
                   (double)text->memory_bytes / 1048576.0);
    tr_table_init(&table, "llllllrrr");
    for (size_t i = 0; i < sizeof(head) / sizeof(head[0]); i++)
        tr_table_add(&table, head[i]);
    for (size_t g = 0; g < plan->n_groups && !code; g++)
        for (size_t i = 0; i < plan->groups[g].n_steps && !code; i++)
            code = add_row(text, &plan->groups[g], &plan->groups[g].steps[i], &table);
    if (!code)
        tr_table_write(&table, 2, out);
    tr_table_finish(&table);
    return code;
}

int tr_plan_render(const char *format, const struct tr_term *term, const void *data,
                   struct tr_strbuf *out, struct tr_err *reterr) {
    const struct tr_plan_text *text = data;
    (void)term;
    if (!strcmp(format, "json"))
        return print_json(text, out);
    if (strcmp(format, "text") != 0)
        return tr_err_set(reterr, TR_EUSAGE, "--dry-run shows a plan as text or json, not as %s",
                          format);
    return print_text(text, out);
}
