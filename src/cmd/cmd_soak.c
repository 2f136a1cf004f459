/* tokenroof soak: sustained load, with every word and every result verified. */
#include "cmd.h"
#include "soak_options.h"
#include "soak_plan_text.h"
#include "soak_record.h"
#include "soak_run.h"
#include "tokenroof/machine.h"

static int show_past(const struct tr_soak_asked *asked, struct tr_err *reterr) {
    json_t *document = NULL;
    int code = tr_err_of_input(tr_soak_record_tell(asked->show, NULL, &document, reterr));
    if (!code)
        code = tr_soak_show(asked, document, reterr);
    json_decref(document);
    return code;
}

static int run(void *data, char *const *arguments, size_t n, struct tr_err *reterr) {
    const struct tr_soak_asked *asked = data;
    struct tr_machine_options here = {0};
    struct tr_soak_selection selection = {0};
    struct tr_machine *machine = NULL;
    struct tr_soak_plan plan = {0};
    (void)arguments;
    (void)n;
    if (asked->show)
        return show_past(asked, reterr);
    int code = tr_soak_select(asked, &selection, reterr);
    if (!code)
        code = tr_machine_load(&here, &machine, reterr);
    if (!code)
        code = tr_soak_plan_make(machine, &selection.soak, &plan, reterr);
    if (!code && asked->dry_run)
        code = tr_soak_print_plan(&asked->output, &plan, reterr);
    else if (!code)
        code = tr_soak_run(asked, machine, &plan, &selection.soak, reterr);
    tr_soak_plan_finish(&plan);
    tr_machine_destroy(machine);
    tr_soak_selection_finish(&selection);
    return code;
}

static const char *const formats[] = {"text",     "json",  "jsonl", "csv",
                                      "markdown", "junit", "tap",   NULL};
static const struct tr_option_group groups[] = {
    {"what is loaded", tr_soak_rows, TR_SOAK_ROWS, 0, tr_soak_check},
    TR_GROUP_PROGRESS(struct tr_soak_asked, progress),
    TR_GROUP_OUTPUT,
    TR_GROUP_END,
};

const struct tr_command tr_command_soak = {
    .usage = "[options]",
    .about = "All cores compute, and all memory but a reserve is written and verified, each\n"
             "word and each result exactly; once a second rates, clocks, temperatures, power\n"
             "and the machine's counters of faults go into a record. A mismatch, an error\n"
             "that ECC could not correct or a machine check fails (status 5). Ctrl-C ends it\n"
             "early with what it has; of one that was killed, --show FILE tells what its\n"
             "record holds.\n",
    .examples = "  tokenroof soak --minutes 60\n"
                "  tokenroof soak --time 30s --memory 25% --phases memory\n"
                "  tokenroof soak --minutes 480 -f junit:soak.xml\n",
    .groups = groups,
    .formats = formats,
    .options_bytes = sizeof(struct tr_soak_asked),
    .defaults = &tr_soak_defaults,
    .argument = "argument",
    .measures = true,
    .run = run,
};
