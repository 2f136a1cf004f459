/* tokenroof topology: the machine as found, and how each fact was learned. */
#include <stdlib.h>

#include <jansson.h>

#include "calibration_json.h"
#include "cmd.h"
#include "machine_json.h"
#include "report_machine.h"
#include "tokenroof/machine.h"

struct topology_options {
    struct tr_output_options output;
    struct tr_machine_options machine;
    const char *capture; /* NULL without */
};

static int render_json(const struct tr_machine *machine, struct tr_strbuf *out) {
    json_t *object = NULL, *limits = NULL, *document = json_object();
    int code = document ? tr_machine_to_json(machine, &object) : TR_ENOMEM;
    if (!code)
        code = tr_limits_to_json(machine->limits, machine->n_limits, &limits);
    /* Both are taken over, whether or not they fit in. */
    if (!code && (json_object_set_new(document, "machine", object) ||
                  json_object_set_new(document, "limits", limits)))
        code = TR_ENOMEM;
    else if (code)
        json_decref(object);
    char *text = code ? NULL : json_dumps(document, TR_JSON_FLAGS);
    if (text) {
        tr_strbuf_add(out, text);
        tr_strbuf_add(out, "\n");
    } else if (!code) {
        code = TR_ENOMEM;
    }
    free(text);
    json_decref(document);
    return code;
}

static int render(const char *format, const struct tr_term *term, const void *data,
                  struct tr_strbuf *out, struct tr_err *reterr) {
    const struct tr_machine *machine = data;
    (void)reterr;
    return format[0] == 'j' ? render_json(machine, out) : tr_report_machine(machine, term, out);
}

static int run(void *data, char *const *arguments, size_t n, struct tr_err *reterr) {
    const struct topology_options *options = data;
    struct tr_machine *machine = NULL;
    (void)arguments;
    (void)n;
    int code = tr_err_of_input(tr_machine_load(&options->machine, &machine, reterr));
    if (!code && options->capture)
        code = tr_machine_capture(machine, options->capture, reterr);
    if (!code)
        code = tr_output_write(&options->output, "text", render, machine, reterr);
    if (!code && options->capture)
        tr_note(&options->output, "the capture is in %s", options->capture);
    tr_machine_destroy(machine);
    return code;
}

static const struct tr_option capture_rows[] = {
    {.name = "capture",
     .argument = "DIR",
     .store = tr_store_text,
     .brief = true,
     .help = "save all that was read in a new folder, without names and serial numbers"},
};
static const char *const formats[] = {"text", "json", NULL};
static const struct tr_option_group groups[] = {
    {"recording", TR_ROWS(capture_rows), offsetof(struct topology_options, capture), NULL},
    TR_GROUP_SOURCE(struct topology_options, machine),
    TR_GROUP_OVERRIDES(struct topology_options, machine),
    TR_GROUP_OUTPUT,
    TR_GROUP_END,
};

const struct tr_command tr_command_topology = {
    .usage = "[options]",
    .examples = "  tokenroof topology\n"
                "  sudo tokenroof topology --capture my-server\n"
                "  tokenroof topology --machine my-server --json\n"
                "  tokenroof topology --machine \"synthetic:pack:2 numa:4 l3:3 core:8 pu:2\"\n",
    .groups = groups,
    .formats = formats,
    .options_bytes = sizeof(struct topology_options),
    .run = run,
};
