#include <jansson.h>
#include <math.h>
#include <stdio.h>

#include "tokenroof/predict.h"

static json_t *number(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}

/* Whole numbers; 0 or less is unknown. */
static json_t *count(json_int_t value) {
    return value > 0 ? json_integer(value) : json_null();
}

/* NULL, and what is not UTF-8, is null. */
static json_t *text(const char *value) {
    json_t *string = value ? json_string(value) : NULL;
    return string ? string : json_null();
}

static json_t *estimate(struct tr_estimate value) {
    return json_pack("{s:o, s:o, s:o}", "value", number(value.value), "low", number(value.low),
                     "high", number(value.high));
}

static json_t *model_json(const struct tr_model *model) {
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "name", text(model->name), "architecture",
        text(model->architecture), "parameters", count((json_int_t)model->parameters),
        "active_parameters", count((json_int_t)model->active_parameters), "file_bytes",
        count((json_int_t)model->file_bytes), "weight_bytes_per_token",
        number(model->weight_bytes_per_token), "flop_per_token", number(model->flop_per_token),
        "kv_bytes_per_position", number(tr_model_kv_bytes_per_position(model)));
}

static json_t *term_json(const struct tr_time_term *term, double whole_ns) {
    return json_pack(
        "{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "name", term->name, "where",
        text(term->where), "bytes", number(term->bytes), "flop", number(term->flop), "gb_s",
        number(term->gb_per_s), "gflop_s", number(term->gflop_per_s), "count", number(term->count),
        "ns", number(term->ns), "share", number(term->ns / whole_ns), "bound", text(term->bound));
}

/* Terms that take no time are left out. */
static json_t *terms_json(const struct tr_token_time *time) {
    json_t *terms = json_array();
    for (size_t i = 0; terms && i < time->n_terms; i++) {
        if (time->terms[i].ns == 0)
            continue;
        if (json_array_append_new(terms, term_json(&time->terms[i], time->ns))) {
            json_decref(terms);
            return NULL;
        }
    }
    return terms;
}

/* Null where nothing was learned. */
static json_t *applied_json(const struct tr_applied *applied) {
    return applied->n ? json_pack("{s:f, s:f, s:i, s:s, s:s}", "ratio", applied->ratio, "spread",
                                  applied->spread, "n", applied->n, "build", applied->build, "date",
                                  applied->date)
                      : json_null();
}

static json_t *result_json(const struct tr_prediction_result *result) {
    const struct tr_use_case *use_case = &result->use_case;
    json_t *json = json_pack("{s:o, s:i, s:i, s:i, s:o, s:o, s:o, s:o}", "use_case",
                             text(use_case->name), "prompt_tokens", use_case->prompt_tokens,
                             "generated_tokens", use_case->generated_tokens, "depth",
                             use_case->depth, "pp_tok_s", estimate(result->pp_tok_s), "tg_tok_s",
                             estimate(result->tg_tok_s), "first_token_s",
                             estimate(result->first_token_s), "total_s", estimate(result->total_s));
    json_t *rest = json_pack(
        "{s:o, s:o, s:o, s:{s:o, s:o, s:o}, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:{s:o, s:o}, "
        "s:{s:o, s:o}, s:o, s:o}",
        "total_tok_s", number(result->total_tok_s), "cold_first_token_s",
        number(result->load_s + result->first_token_s.value), "load_s", number(result->load_s),
        "fits", "where", text(result->fits_where), "spare_bytes", number(result->spare_bytes),
        "scarce", text(result->scarce), "roof_pp_tok_s", number(result->roof_pp_tok_s),
        "roof_tg_tok_s", number(result->roof_tg_tok_s), "fraction_of_roof_pp",
        number(result->pp_tok_s.value / result->roof_pp_tok_s), "fraction_of_roof_tg",
        number(result->tg_tok_s.value / result->roof_tg_tok_s), "bound_pp", text(result->bound_pp),
        "bound", text(result->bound), "class", text(tr_class_name(result->viability)), "why",
        text(result->why), "terms", "prompt", terms_json(&result->time[TR_PHASE_PROMPT]),
        "generation", terms_json(&result->time[TR_PHASE_GENERATION]), "corrections", "prompt",
        applied_json(&result->correction[TR_PHASE_PROMPT]), "generation",
        applied_json(&result->correction[TR_PHASE_GENERATION]), "best_threads",
        count(result->best_threads), "best_tg_tok_s",
        number(result->best_threads ? result->best_tg_tok_s : NAN));
    if (!json || !rest || json_object_update(json, rest)) {
        json_decref(json);
        json = NULL;
    }
    json_decref(rest);
    return json;
}

/* Appends `item`, whose reference is taken; false when out of memory. */
static bool append(json_t *array, json_t *item) {
    return item && !json_array_append_new(array, item);
}

/* A use case that is longer than what the model was trained for; false when out of memory. */
static bool add_context_note(const struct tr_prediction *prediction, json_t *notes) {
    int context = prediction->model->context_length;
    double longest = 0;
    char note[128];
    for (size_t i = 0; i < prediction->n_results; i++)
        longest = fmax(longest, (double)tr_use_case_positions(&prediction->results[i].use_case));
    if (context <= 0 || longest <= context)
        return true;
    snprintf(note, sizeof(note), "%.0f positions are asked for; the model is made for %d", longest,
             context);
    return append(notes, json_string(note));
}

int tr_prediction_to_json(const struct tr_prediction *prediction, struct json_t **ret_document) {
    struct tr_localscore score;
    json_t *results = json_array(), *explanations = json_array(), *notes = json_array();
    bool ok = results && explanations && notes;
    for (size_t i = 0; ok && i < prediction->n_results; i++)
        ok = append(results, result_json(&prediction->results[i]));
    for (size_t i = 0; ok && i < prediction->n_explanations; i++) {
        const struct tr_explanation *one = &prediction->explanations[i];
        ok = append(explanations, json_pack("{s:s, s:s, s:s}", "name", one->name, "formula",
                                            one->formula, "value", one->value));
    }
    for (size_t i = 0; ok && i < prediction->model->n_notes; i++)
        ok = append(notes, json_string(prediction->model->notes[i]));
    ok = ok && add_context_note(prediction, notes);
    if (!ok) {
        json_decref(results);
        json_decref(explanations);
        json_decref(notes);
        return TR_ENOMEM;
    }
    json_t *document =
        json_pack("{s:s, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "schema",
                  "tokenroof.prediction/1", "model", model_json(prediction->model), "fidelity",
                  prediction->fidelity, "engine", text(prediction->engine), "platform",
                  text(prediction->platform), "threads", count(prediction->threads), "notes", notes,
                  "results", results, "explanations", explanations, "rates",
                  text(prediction->rates && *prediction->rates ? prediction->rates : NULL),
                  "interval_note", text(prediction->interval_note));
    if (document && tr_localscore_of(prediction->results, prediction->n_results, &score) &&
        json_object_set_new(document, "localscore",
                            json_pack("{s:o, s:o, s:o, s:o}", "score", number(score.score),
                                      "pp_tok_s", number(score.pp_tok_s), "tg_tok_s",
                                      number(score.tg_tok_s), "first_token_ms",
                                      number(score.first_token_ms)))) {
        json_decref(document);
        document = NULL;
    }
    if (!document)
        return TR_ENOMEM;
    *ret_document = document;
    return 0;
}
