/* tokenroof topology: the machine as found, and how each fact was learned. */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "calibration_json.h"
#include "cmd.h"
#include "machine_json.h"
#include "report_machine.h"
#include "tokenroof/machine.h"
#include "tokenroof/platform.h"

struct capture_options {
    const char *directory; /* NULL without */
    bool with_identity;
};

struct topology_options {
    struct tr_output_options output;
    struct tr_machine_options machine;
    struct tr_platform_options platform;
    struct capture_options capture;
};

/* One machine, or the members of a series. */
struct shown {
    const char *series; /* NULL for one machine */
    struct tr_machine **machines;
    size_t n;
    bool verbose;
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

static int render_series_json(const struct shown *shown, struct tr_strbuf *out) {
    json_t *members = json_array(), *range = json_array();
    const struct tr_machine *first = shown->machines[0];
    int code = members && range ? 0 : TR_ENOMEM;
    for (size_t i = 0; !code && i < shown->n; i++)
        if (json_array_append_new(members, json_string(shown->machines[i]->platform->name)))
            code = TR_ENOMEM;
    for (size_t i = 0; !code && i < first->n_limits; i++) {
        const struct tr_limit *limit = &first->limits[i];
        double ends[2];
        if (limit->place.kind != TR_PLACE_MACHINE ||
            !tr_series_range(shown->machines, shown->n, limit->name, ends))
            continue;
        if (json_array_append_new(range,
                                  json_pack("{s:s, s:s, s:f, s:f}", "name", limit->name, "unit",
                                            limit->unit, "low", ends[0], "high", ends[1])))
            code = TR_ENOMEM;
    }
    json_t *document = NULL;
    if (!code)
        document = json_pack("{s:s, s:i, s:O, s:O}", "series", shown->series, "packages",
                             first->catalogue_packages, "range", range, "members", members);
    char *text = document ? json_dumps(document, TR_JSON_FLAGS) : NULL;
    tr_strbuf_addf(out, "%s\n", text ? text : "");
    free(text);
    json_decref(document);
    json_decref(members);
    json_decref(range);
    return !code && !text ? TR_ENOMEM : code;
}

static int render(const char *format, const struct tr_term *term, const void *data,
                  struct tr_strbuf *out, struct tr_err *reterr) {
    const struct shown *shown = data;
    bool json = !strcmp(format, "json");
    if (shown->series && !json && strcmp(format, "text") != 0)
        return tr_err_set(reterr, TR_EUSAGE, "a series is printed as text or json, not %s", format);
    if (!strcmp(format, "markdown"))
        return tr_report_machine_markdown(shown->machines[0], out);
    if (!strcmp(format, "csv"))
        return tr_report_machine_csv(shown->machines[0], out);
    if (shown->series)
        return json ? render_series_json(shown, out)
                    : tr_report_series(shown->series, shown->machines, shown->n, term, out);
    return json ? render_json(shown->machines[0], out)
                : tr_report_machine(shown->machines[0], term, shown->verbose, out);
}

/* One machine for each row of the choice. */
static int run_choice(const struct topology_options *options,
                      const struct tr_platform_choice *choice, struct tr_err *reterr) {
    struct shown shown = {.series = choice->is_series ? choice->name : NULL,
                          .verbose = options->output.verbose > 0};
    int code = 0;
    shown.machines = calloc(choice->n_rows, sizeof(*shown.machines));
    if (!shown.machines)
        return TR_ENOMEM;
    while (!code && shown.n < choice->n_rows) {
        code = tr_machine_of_choice(choice, shown.n, &options->machine.overrides,
                                    &shown.machines[shown.n], reterr);
        shown.n += !code;
    }
    if (!code)
        code = tr_output_write(&options->output, "text", render, &shown, reterr);
    for (size_t i = 0; i < shown.n; i++)
        tr_machine_destroy(shown.machines[i]);
    free(shown.machines);
    return code;
}

static int run_platform(const struct topology_options *options, struct tr_err *reterr) {
    struct tr_platform_file *file = NULL;
    struct tr_platform_choice choice = {0};
    int code = 0;
    if (options->machine.source || options->capture.directory)
        return tr_err_set(reterr, TR_EUSAGE,
                          "--platform is a machine by name: it does not go with --%s",
                          options->capture.directory ? "capture" : "machine");
    if (options->platform.file)
        code = tr_err_of_input(tr_platform_file_read(options->platform.file, &file, reterr));
    if (!code) {
        struct tr_err why = {0};
        code = tr_platform_choose(options->platform.name, file, &choice, &why);
        if (code)
            tr_err_set(reterr, code, "--platform: %s", why.text);
    }
    if (!code)
        code = run_choice(options, &choice, reterr);
    tr_platform_choice_finish(&choice);
    tr_platform_file_destroy(file);
    return code;
}

static int run(void *data, char *const *arguments, size_t n, struct tr_err *reterr) {
    const struct topology_options *options = data;
    struct tr_machine_options wanted = options->machine;
    struct tr_machine *machine = NULL;
    (void)arguments;
    (void)n;
    if (options->platform.name)
        return run_platform(options, reterr);
    if (options->capture.with_identity && !options->capture.directory)
        return tr_err_set(reterr, TR_EUSAGE, "--include-identity belongs to --capture DIR");
    wanted.platform_file = options->platform.file;
    int code = tr_err_of_input(tr_machine_load(&wanted, &machine, reterr));
    if (!code && options->capture.directory)
        code = tr_machine_capture(machine, options->capture.directory,
                                  options->capture.with_identity, reterr);
    if (!code)
        code = tr_output_write(
            &options->output, "text", render,
            &(struct shown){.machines = &machine, .n = 1, .verbose = options->output.verbose > 0},
            reterr);
    if (!code && options->capture.directory)
        tr_note(&options->output, "the capture is in %s", options->capture.directory);
    tr_machine_destroy(machine);
    return code;
}

static const struct tr_option capture_rows[] = {
    {.name = "capture",
     .argument = "DIR",
     .store = tr_store_text,
     .brief = true,
     .help = "save all that was read in a new folder, without names and serial numbers"},
    {.name = "include-identity",
     .store = tr_store_true,
     .offset = offsetof(struct capture_options, with_identity),
     .help = "with --capture: keep host names, serial numbers, UUIDs and MAC addresses"},
};
static const char *const formats[] = {"text", "json", "csv", "markdown", NULL};
static const struct tr_option_group groups[] = {
    {"recording", TR_ROWS(capture_rows), offsetof(struct topology_options, capture), NULL},
    TR_GROUP_SOURCE(struct topology_options, machine),
    TR_GROUP_PLATFORM(struct topology_options, platform),
    TR_GROUP_OVERRIDES(struct topology_options, machine),
    TR_GROUP_OUTPUT,
    TR_GROUP_END,
};

const struct tr_command tr_command_topology = {
    .usage = "[options]",
    .examples = "  tokenroof topology\n"
                "  sudo tokenroof topology --capture my-server\n"
                "  tokenroof topology --machine my-server --json\n"
                "  tokenroof topology --platform \"2x EPYC 9755\" --mts 5600\n"
                "  tokenroof topology --machine \"synthetic:pack:2 numa:4 l3:3 core:8 pu:2\"\n",
    .groups = groups,
    .formats = formats,
    .options_bytes = sizeof(struct topology_options),
    .run = run,
};
