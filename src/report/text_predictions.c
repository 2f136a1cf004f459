#include <math.h>
#include <string.h>

#include "text.h"

enum { MOST_USE_CASES = 12 };

static const char *class_letter(enum tr_class viability) {
    switch (viability) {
    case TR_CLASS_INTERACTIVE:
        return "I";
    case TR_CLASS_BACKGROUND:
        return "B";
    case TR_CLASS_OFFLINE:
        return "O";
    default:
        return "N";
    }
}

static bool fits(const struct tr_prediction *prediction) {
    return prediction->n_results && prediction->results[0].fits_where;
}

/* The prediction with the most use cases gives the columns. */
static const struct tr_prediction *widest(const struct tr_report_input *input) {
    const struct tr_prediction *most = NULL;
    for (size_t i = 0; i < input->n_predictions; i++)
        if (!most || input->predictions[i]->n_results > most->n_results)
            most = input->predictions[i];
    return most;
}

static void prediction_cells(struct tr_text *text, struct tr_table *table,
                             const struct tr_prediction *prediction, size_t n, bool wide) {
    const struct tr_prediction_result *first = prediction->results;
    tr_text_cell(text, table, prediction->model->name, wide ? 32 : 22);
    if (wide)
        tr_table_add(table, tr_text_number((double)prediction->model->file_bytes / 1e9).text);
    tr_table_add(table, tr_text_number(first->pp_tok_s.value).text);
    tr_table_add(table, tr_text_number(first->tg_tok_s.value).text);
    for (size_t i = 0; i < n; i++) {
        const struct tr_prediction_result *at = &prediction->results[i];
        if (i >= prediction->n_results)
            tr_table_add(table, "");
        else if (!wide)
            tr_table_add(table, class_letter(at->viability));
        else
            tr_table_addf(table, "%s %s", class_letter(at->viability),
                          tr_text_number(at->total_s.value).text);
    }
}

static void write_table(struct tr_text *text, const struct tr_prediction *columns, size_t n,
                        bool wide, struct tr_strbuf *out) {
    const struct tr_report_input *input = text->input;
    struct tr_table table;
    char alignment[TR_TABLE_MAX_COLUMNS + 1] = "l";
    memset(alignment + 1, 'r', n + (wide ? 3 : 2));
    tr_table_init(&table, alignment);
    tr_table_add(&table, "model");
    if (wide)
        tr_table_add(&table, "GB");
    tr_table_add(&table, wide ? "PP tok/s" : "PP");
    tr_table_add(&table, wide ? "TG tok/s" : "TG");
    for (size_t i = 0; i < n; i++) {
        const char *name = columns->results[i].use_case.name;
        tr_table_addf(&table, "%s%s", name ? name : "?", wide ? " s" : "");
    }
    for (size_t i = 0; i < input->n_predictions; i++)
        if (fits(input->predictions[i]))
            prediction_cells(text, &table, input->predictions[i], n, wide);
    tr_table_write(&table, 2, out);
    tr_table_finish(&table);
}

static void models_without_room(struct tr_text *text) {
    const struct tr_report_input *input = text->input;
    for (size_t i = 0; i < input->n_predictions; i++) {
        const struct tr_prediction *prediction = input->predictions[i];
        if (fits(prediction))
            continue;
        struct tr_strbuf line = {0};
        tr_strbuf_add(&line, "  ");
        tr_text_add(text, &line, prediction->model->name);
        tr_strbuf_add(&line, " does not fit");
        if (prediction->n_results && prediction->results[0].spare_bytes < 0)
            tr_strbuf_addf(&line, ": %s GB of memory are missing",
                           tr_text_number(-prediction->results[0].spare_bytes / 1e9).text);
        tr_text_wrap(text, line.failed ? "" : line.text, 4);
        tr_strbuf_finish(&line);
    }
}

void tr_text_predictions(struct tr_text *text) {
    const struct tr_prediction *columns = widest(text->input);
    struct tr_strbuf trial = {0};
    if (!columns)
        return;
    size_t n = columns->n_results < MOST_USE_CASES ? columns->n_results : MOST_USE_CASES;
    bool any = false;
    for (size_t i = 0; i < text->input->n_predictions; i++)
        any = any || fits(text->input->predictions[i]);
    if (text->calibration)
        tr_strbuf_add(text->out, "\n");
    if (columns->fidelity && !strcmp(columns->fidelity, "formula"))
        tr_text_wrapf(text, 2,
                      "%spredictions%s: upper bound by the formula (bandwidth / bytes); real "
                      "engines reach less",
                      tr_text_tone(text, TR_TONE_HEAD), tr_text_plain(text));
    else if (columns->fidelity && !strcmp(columns->fidelity, "measured"))
        tr_text_wrapf(
            text, 2,
            "%spredictions%s for llama.cpp: from the rates of matrix products measured here, "
            "by how much its kernels were slower on one machine (predict --engine DIR "
            "times them here)",
            tr_text_tone(text, TR_TONE_HEAD), tr_text_plain(text));
    else
        tr_text_head(text, "predictions");
    if (any) {
        write_table(text, columns, n, true, &trial);
        bool wide = tr_text_columns(trial.text) <= text->term.width;
        write_table(text, columns, n, wide, text->out);
        const char *first = columns->results[0].use_case.name;
        tr_text_wrapf(
            text, 2,
            "  PP, TG: prompt and generation in %s, tok/s. I interactive, B background, O "
            "off-line, N non-viable%s.",
            first ? first : "?", wide ? "; seconds to the last token" : "");
    }
    models_without_room(text);
    tr_strbuf_finish(&trial);
}
