#include "soak_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "predictions.h"
#include "progress.h"
#include "soak.h"
#include "soak_place.h"
#include "soak_text.h"

struct display {
    const struct tr_soak_asked *asked;
    struct tr_progress bar;
};

static void show_begin(void *context, const json_t *head) {
    const struct display *display = context;
    const json_t *thread, *part;
    size_t i, k;
    if (display->asked->output.verbose < 1)
        return;
    json_array_foreach(json_object_get(head, "threads"), i, thread) {
        json_array_foreach(json_object_get(thread, "memory"), k, part) {
            tr_note(&display->asked->output, "CPU %d tests %.4g MiB at %s",
                    (int)json_integer_value(json_object_get(thread, "cpu")),
                    (double)json_integer_value(json_object_get(part, "bytes")) / (1 << 20),
                    json_string_value(json_object_get(part, "address")));
        }
    }
}

static void show_progress(void *context, const struct tr_soak_progress *progress) {
    struct display *display = context;
    const struct tr_soak_second *second = progress->second;
    char figure[160];
    snprintf(figure, sizeof(figure), "%.4g GB/s, %.4g GFLOP/s, %llu mismatches",
             second->values[TR_SOAK_GB_S], second->values[TR_SOAK_GFLOP_S],
             (unsigned long long)progress->mismatches);
    tr_progress_stage(&display->bar, tr_soak_load_name(second->stage), progress->phase,
                      progress->n_phases, progress->seconds_left, figure);
}

struct shown {
    json_t *document;
};

static int render(const char *format, const struct tr_term *term, const void *data,
                  struct tr_strbuf *out, struct tr_err *reterr) {
    const struct shown *shown = data;
    (void)reterr;
    return strcmp(format, "json") != 0 ? tr_soak_render(format, shown->document, term, out)
                                       : tr_json_print(shown->document, out);
}

int tr_soak_show(const struct tr_soak_asked *asked, json_t *document, struct tr_err *reterr) {
    struct shown shown = {document};
    const char *verdict = json_string_value(json_object_get(document, "verdict"));
    int code = tr_output_write(&asked->output, "text", render, &shown, reterr);
    return !code && verdict && !strcmp(verdict, "fail") ? TR_ECHECK : code;
}

int tr_soak_run(const struct tr_soak_asked *asked, const struct tr_machine *machine,
                const struct tr_soak_plan *plan, const struct tr_soak_options *soak_options,
                struct tr_err *reterr) {
    struct tr_soak_place place = {0};
    struct tr_soak_summary summary = {0};
    struct display display = {.asked = asked};
    struct tr_soak_watch watch = {.stop = tr_stop_flag(),
                                  .begun = show_begin,
                                  .progress = show_progress,
                                  .context = &display};
    json_t *document = NULL;
    struct tr_err problem = {0};
    char *boot_id = tr_boot_id(machine);
    int code = tr_soak_place_find(&asked->output, machine->host_id, boot_id, &place, reterr);
    free(boot_id);
    if (code) {
        tr_soak_place_finish(&place);
        return code;
    }
    tr_progress_init(&display.bar, (enum tr_progress_mode)asked->progress.mode, asked->output.quiet,
                     plan->seconds);
    code =
        tr_soak(machine, plan, soak_options, place.created, place.record, &watch, &summary, reterr);
    tr_progress_end(&display.bar);
    int told = code && code != TR_ESTOPPED ? code : 0;
    if (!told && summary.head)
        told = tr_soak_document(&summary, &document);
    if (!told && document) {
        int saved = tr_soak_place_save(document, &place, &problem);
        told = tr_soak_show(asked, document, &problem);
        if (!saved)
            tr_note(&asked->output, "saved %s", place.document);
        else if (!told || told == TR_ECHECK)
            told = saved;
    }
    if (watch.record_failed && (!told || told == TR_ECHECK)) {
        problem = watch.record_error;
        told = TR_EIO;
    }
    if (code == TR_ESTOPPED && told && *problem.text)
        tr_note(&asked->output, "%s", problem.text);
    else if (!code && told && reterr)
        *reterr = problem;
    json_decref(document);
    tr_soak_summary_finish(&summary);
    tr_soak_place_finish(&place);
    return code ? code : told;
}
