/* Predictions as CSV: one line a use case, one a test of the engine's own. */
#include <math.h>
#include <string.h>

#include "calibration_json.h"
#include "markup.h"
#include "observations.h"
#include "predictions.h"

void tr_csv_cell(struct tr_strbuf *out, const char *text) {
    if (text && !strcmp(text, "-")) /* alone it is no formula */
        tr_strbuf_add(out, text);
    else if (text)
        tr_csv_text(out, text);
}

static void csv_number(struct tr_strbuf *out, double value) {
    tr_strbuf_add(out, ",");
    if (!isnan(value))
        tr_strbuf_addf(out, "%.10g", value);
}

static void csv_text(struct tr_strbuf *out, const char *text) {
    tr_strbuf_add(out, ",");
    tr_csv_cell(out, text);
}

static void csv_row(struct tr_strbuf *out, const json_t *document, const json_t *result) {
    static const char *const estimates[] = {"pp_tok_s", "tg_tok_s", "first_token_s", "total_s"};
    static const char *const roofs[] = {"roof_pp_tok_s", "roof_tg_tok_s", "fraction_of_roof_pp",
                                        "fraction_of_roof_tg"};
    tr_csv_cell(out, tr_json_text_of(json_object_get(document, "model"), "name"));
    csv_text(out, tr_json_text_of(document, "fidelity"));
    csv_text(out, tr_json_text_of(document, "platform"));
    csv_number(out, tr_json_number_of(document, "threads"));
    csv_text(out, tr_json_text_of(result, "use_case"));
    csv_number(out, tr_json_number_of(result, "prompt_tokens"));
    csv_number(out, tr_json_number_of(result, "generated_tokens"));
    csv_number(out, tr_json_number_of(result, "depth"));
    for (size_t i = 0; i < 4; i++) {
        const json_t *value = json_object_get(result, estimates[i]);
        csv_number(out, tr_prediction_estimate(result, estimates[i]));
        csv_number(out, tr_json_number_of(value, "low"));
        csv_number(out, tr_json_number_of(value, "high"));
    }
    csv_number(out, tr_json_number_of(result, "load_s"));
    csv_text(out, tr_json_text_of(json_object_get(result, "fits"), "where"));
    csv_number(out, tr_json_number_of(json_object_get(result, "fits"), "spare_bytes"));
    for (size_t i = 0; i < 4; i++)
        csv_number(out, tr_json_number_of(result, roofs[i]));
    csv_text(out, tr_json_text_of(result, "bound"));
    csv_text(out, tr_json_text_of(result, "class"));
    csv_text(out, tr_json_text_of(result, "why"));
    tr_observed_csv_cells(NULL, out);
    tr_strbuf_add(out, "\r\n");
}

/* A test of the engine's own: what there is of it in the same columns. */
static void csv_observed(struct tr_strbuf *out, const json_t *document, const json_t *entry) {
    enum { RATES = 6 };
    const json_t *predicted = json_object_get(entry, "predicted_tok_s");
    bool prompt = !(tr_json_number_of(entry, "generated_tokens") > 0);
    tr_csv_cell(out, tr_json_text_of(json_object_get(document, "model"), "name"));
    csv_text(out, tr_json_text_of(document, "fidelity"));
    csv_text(out, tr_json_text_of(document, "platform"));
    csv_number(out, tr_json_number_of(entry, "predicted_threads"));
    csv_text(out, tr_json_text_of(entry, "test"));
    csv_number(out, tr_json_number_of(entry, "prompt_tokens"));
    csv_number(out, tr_json_number_of(entry, "generated_tokens"));
    csv_number(out, tr_json_number_of(entry, "depth"));
    for (size_t i = 0; i < RATES; i++) {
        static const char *const ends[] = {"value", "low", "high"};
        csv_number(out, (i < 3) == prompt ? tr_json_number_of(predicted, ends[i % 3]) : NAN);
    }
    for (size_t i = 0; i < 9; i++) /* times, load, place, spare bytes */
        csv_number(out, NAN);
    csv_number(out, prompt ? tr_json_number_of(entry, "roof_tok_s") : NAN);
    csv_number(out, prompt ? NAN : tr_json_number_of(entry, "roof_tok_s"));
    for (size_t i = 0; i < 4; i++) /* fractions of the roof by the prediction, bound, class */
        csv_number(out, NAN);
    csv_text(out, tr_json_text_of(entry, "why"));
    tr_observed_csv_cells(entry, out);
    tr_strbuf_add(out, "\r\n");
}

void tr_predictions_csv(const json_t *predictions, struct tr_strbuf *out) {
    size_t i, j;
    const json_t *document, *result;
    tr_strbuf_add(out, "model,fidelity,platform,threads,use_case,prompt_tokens,generated_tokens,"
                       "depth,pp_tok_s,pp_tok_s_low,pp_tok_s_high,tg_tok_s,tg_tok_s_low,"
                       "tg_tok_s_high,first_token_s,first_token_s_low,first_token_s_high,total_s,"
                       "total_s_low,total_s_high,load_s,fits_where,spare_bytes,roof_pp_tok_s,"
                       "roof_tg_tok_s,fraction_of_roof_pp,fraction_of_roof_tg,bound,class,why,"
                       "observed_tok_s,observed_sd_tok_s,fraction_of_prediction,"
                       "observed_fraction_of_roof,build,verdict,cause\r\n");
    json_array_foreach(predictions, i, document) {
        json_array_foreach(json_object_get(document, "results"), j, result)
            csv_row(out, document, result);
        json_array_foreach(json_object_get(document, "observed"), j, result)
            csv_observed(out, document, result);
    }
}
