/* A tuning session as CSV and Markdown. */
#include <math.h>
#include <stdint.h>

#include "markdown.h"
#include "predictions.h"
#include "report.h"
#include "text.h"
#include "tune_text.h"

static void csv_text(struct tr_strbuf *out, const char *text) {
    tr_csv_cell(out, text);
    tr_strbuf_add(out, ",");
}

static void csv_number(struct tr_strbuf *out, double value) {
    if (isfinite(value))
        tr_strbuf_addf(out, "%.9g", value);
    tr_strbuf_add(out, ",");
}

static void csv_row(struct tr_strbuf *out, const struct tr_tune *tune,
                    const struct tr_tune_judgement *judgement, size_t i, enum tr_tune_figure f) {
    const struct tr_tune_outcome *outcome = &judgement->outcomes[i];
    const struct tr_tune_result *result = &outcome->results[f];
    const struct tr_tune_figure_facts *facts = tr_tune_figure_facts(f);
    static const char *const scopes[] = {NULL, "boots", "one boot", "known spread"};
    csv_text(out, tune->settings[i].label);
    csv_text(out, tr_tune_state_name(tune->settings[i].state));
    csv_number(out, outcome->clocks.mts);
    csv_number(out, outcome->clocks.fclk_mhz);
    tr_strbuf_addf(out, "%zu,%zu,%zu,", outcome->n_boots, outcome->n_recordings, outcome->n_rounds);
    csv_text(out, facts->name);
    csv_text(out, facts->unit);
    csv_number(out, result->value);
    csv_number(out, result->low);
    csv_number(out, result->high);
    csv_number(out, 100 * result->change);
    csv_number(out, 100 * result->change_low);
    csv_number(out, 100 * result->change_high);
    csv_number(out, result->p);
    csv_text(out, scopes[result->scope]);
    csv_text(out, tr_tune_verdict_name(outcome->verdicts[f]));
    csv_number(out, 100 * outcome->scatter[f]);
    csv_text(out, tr_soak_verdict_name(outcome->soak));
    tr_csv_cell(out, outcome->retries);
    tr_strbuf_add(out, "\r\n");
}

void tr_tune_csv(const struct tr_tune *tune, const struct tr_tune_judgement *judgement,
                 struct tr_strbuf *out) {
    tr_strbuf_add(out, "name,state,mts,fclk_mhz,boots,recordings,rounds,figure,unit,value,low,high,"
                       "change,change_low,change_high,p,scope,verdict,scatter_percent,soak,"
                       "suspected_retries\r\n");
    for (size_t i = 0; i < judgement->n; i++)
        for (size_t f = 0; f < TR_TUNE_FIGURES; f++)
            if (!isnan(judgement->outcomes[i].results[f].value) ||
                (f == (size_t)judgement->options.by))
                csv_row(out, tune, judgement, i, (enum tr_tune_figure)f);
}

static void markdown_number(struct tr_strbuf *out, double value) {
    tr_strbuf_addf(out, " %s |", tr_text_number(value).text);
}

void tr_tune_markdown(const struct tr_tune *tune, const struct tr_tune_judgement *judgement,
                      struct tr_strbuf *out) {
    enum tr_tune_figure by = judgement->options.by;
    tr_strbuf_add(out, "| setting | boots |");
    for (size_t f = 0; f < TR_TUNE_FIGURES; f++)
        tr_strbuf_addf(out, " %s, %s |", tr_tune_figure_facts((enum tr_tune_figure)f)->what,
                       tr_tune_figure_facts((enum tr_tune_figure)f)->unit);
    tr_strbuf_addf(out, " change of %s | verdict | soak | state |\n| --- | --: |",
                   tr_tune_figure_facts(by)->what);
    for (size_t f = 0; f < TR_TUNE_FIGURES; f++)
        tr_strbuf_add(out, " --: |");
    tr_strbuf_add(out, " --- | --- | --- | --- |\n");
    for (size_t i = 0; i < judgement->n; i++) {
        const struct tr_tune_outcome *outcome = &judgement->outcomes[i];
        const struct tr_tune_result *result = &outcome->results[by];
        tr_strbuf_add(out, "|");
        tr_markdown_cell(out, tune->settings[i].label);
        tr_strbuf_addf(out, " %zu |", outcome->n_boots);
        for (size_t f = 0; f < TR_TUNE_FIGURES; f++)
            markdown_number(out, outcome->results[f].value);
        if (isnan(result->change))
            tr_strbuf_add(out, " - |");
        else if (isnan(result->change_low))
            tr_strbuf_addf(out, " %+.2f %% |", 100 * result->change);
        else
            tr_strbuf_addf(out, " %+.2f (%+.2f to %+.2f) %% |", 100 * result->change,
                           100 * result->change_low, 100 * result->change_high);
        tr_markdown_cell(out, tr_tune_verdict_name(outcome->verdicts[by]));
        tr_markdown_cell(out, tr_soak_verdict_name(outcome->soak));
        tr_markdown_cell(out, tr_tune_state_name(tune->settings[i].state));
        tr_strbuf_add(out, "\n");
    }
    tr_strbuf_add(out, "\nBest that passed its soak: ");
    tr_markdown_text(out,
                     judgement->best == SIZE_MAX ? "none" : tune->settings[judgement->best].label);
    tr_strbuf_add(out, "; ");
    tr_markdown_text(out, judgement->best_why);
    tr_strbuf_add(out, "\n");
}

int tr_tune_html(const struct tr_tune *tune, const struct tr_tune_judgement *judgement,
                 struct tr_strbuf *out, struct tr_err *reterr) {
    struct tr_strbuf text = {0};
    struct tr_report_input input = {.page = "tuning"};
    int code = tr_tune_to_json(tune, judgement, &input.page_data);
    if (!code) {
        tr_tune_markdown(tune, judgement, &text);
        code = text.failed ? TR_ENOMEM : 0;
    }
    if (!code) {
        input.page_text = text.text;
        code = tr_report_render_several("html", &input, 1, out, reterr);
    }
    json_decref(input.page_data);
    tr_strbuf_finish(&text);
    return code;
}
