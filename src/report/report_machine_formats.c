/* A machine as found for other places than a terminal. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "markdown.h"
#include "markup.h"
#include "report_machine.h"

/* --- Markdown -------------------------------------------------------------------------------- */

static void glance(const struct tr_machine *machine, struct tr_strbuf *out) {
    struct tr_glance found;
    tr_glance_fill(&found, machine);
    for (size_t i = 0; i < found.n; i++) {
        const struct tr_glance_item *item = &found.items[i];
        bool look = item->tone == TR_TONE_DOUBTFUL || item->tone == TR_TONE_BAD;
        tr_strbuf_addf(out, "%s- %s%s%s: ", i ? "" : "\n", look ? "**" : "", item->name,
                       look ? "**" : "");
        tr_markdown_text(out, item->text);
        tr_strbuf_add(out, "\n");
    }
    tr_glance_finish(&found);
}

static void limits_table(const struct tr_machine *machine, struct tr_strbuf *out) {
    bool any = false;
    for (size_t i = 0; i < machine->n_limits; i++) {
        const struct tr_limit *limit = &machine->limits[i];
        if (limit->place.kind != TR_PLACE_MACHINE)
            continue;
        if (!any)
            tr_strbuf_add(out,
                          "\n| limit | value | unit | from | formula |\n|---|--:|---|---|---|\n");
        any = true;
        tr_strbuf_add(out, "|");
        tr_markdown_cell(out, limit->name);
        tr_strbuf_addf(out, " %s |", tr_text_number(limit->value).text);
        tr_markdown_cell(out, limit->unit);
        tr_markdown_cell(out, limit->basis);
        tr_markdown_cell(out, limit->formula);
        tr_strbuf_add(out, "\n");
    }
}

/* A fence longer than any run of its character in the text, which may hold what firmware wrote. */
static void fenced(const char *text, struct tr_strbuf *out) {
    size_t longest = 2, run = 0;
    for (const char *at = text; *at; at++) {
        run = *at == '`' ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    tr_strbuf_add(out, "\n");
    tr_strbuf_repeat(out, "`", longest + 1);
    tr_strbuf_addf(out, "text\n%s", text);
    tr_strbuf_repeat(out, "`", longest + 1);
    tr_strbuf_add(out, "\n");
}

int tr_report_machine_markdown(const struct tr_machine *machine, struct tr_strbuf *out) {
    const struct tr_term plain = {.width = 100, .unicode = true};
    struct tr_strbuf page = {0};
    int code = tr_report_machine(machine, &plain, false, &page);
    tr_strbuf_add(out, "# ");
    tr_markdown_text(out, machine->cpu.model ? machine->cpu.model : "processor unknown");
    tr_strbuf_add(out, "\n");
    glance(machine, out);
    limits_table(machine, out);
    if (!code)
        fenced(page.text, out);
    tr_strbuf_finish(&page);
    return code || out->failed ? TR_ENOMEM : 0;
}

/* --- CSV ------------------------------------------------------------------------------------- */

static void add_list(struct tr_strbuf *out, const struct tr_cpulist *list) {
    char *text = tr_cpulist_format(list);
    if (!text)
        out->failed = true;
    tr_csv_text(out, text);
    free(text);
}

int tr_report_machine_csv(const struct tr_machine *machine, struct tr_strbuf *out) {
    tr_strbuf_add(out, "name,place,index,cpus,memory_nodes,value,unit,basis,hard,host_only,binds,"
                       "formula\r\n");
    for (size_t i = 0; i < machine->n_limits; i++) {
        const struct tr_limit *limit = &machine->limits[i];
        tr_csv_text(out, limit->name);
        tr_strbuf_addf(out, ",%s,%d,", tr_place_kind_name(limit->place.kind), limit->place.index);
        add_list(out, &limit->place.cpus);
        tr_strbuf_add(out, ",");
        add_list(out, &limit->place.memory_nodes);
        tr_strbuf_addf(out, ",%.9g,", limit->value);
        tr_csv_text(out, limit->unit);
        tr_strbuf_add(out, ",");
        tr_csv_text(out, limit->basis);
        tr_strbuf_addf(out, ",%s,%s,", limit->hard ? "true" : "false",
                       limit->host_only ? "true" : "false");
        tr_csv_text(out, limit->binds);
        tr_strbuf_add(out, ",");
        tr_csv_text(out, limit->formula);
        tr_strbuf_add(out, "\r\n");
    }
    return out->failed ? TR_ENOMEM : 0;
}
