/* The sentence that goes with a result. */
#include <math.h>
#include <string.h>

#include "compose.h"
#include "strbuf.h"

static void add_figure(struct tr_strbuf *why, const char *before, double value, int digits,
                       const char *after) {
    tr_strbuf_add(why, before);
    tr_strbuf_add_figure(why, value, digits);
    tr_strbuf_add(why, after);
}

/* Why the class is what it is. */
static void add_class_reason(struct tr_strbuf *why, enum tr_class viability,
                             const struct tr_use_case *use_case, double prompt_s, double tg,
                             double total_s) {
    if (isnan(total_s))
        tr_strbuf_add(why, "The speed of the prompt is unknown without a compute rate");
    else if (!use_case->generated_tokens)
        tr_strbuf_addf(why, "The prompt takes %.3g s", prompt_s);
    else if (!use_case->prompt_tokens)
        add_figure(why, "Output comes at ", tg, 3, " tok/s");
    else if (viability == TR_CLASS_INTERACTIVE) {
        tr_strbuf_addf(why, "The prompt takes %.2g s", prompt_s);
        add_figure(why, " and output comes at ", tg, 3, " tok/s");
    } else if (viability == TR_CLASS_NON_VIABLE)
        tr_strbuf_addf(why, "It takes %.3g hours, more than 8", total_s / 3600);
    else if (viability == TR_CLASS_OFFLINE)
        tr_strbuf_addf(why, "It takes %.0f s, more than 300 s", total_s);
    else if (prompt_s >= 5)
        tr_strbuf_addf(why, "The prompt takes %.3g s (interactive: below 5 s)", prompt_s);
    else
        tr_strbuf_addf(why, "Output comes at %.3g tok/s (interactive: more than 10)", tg);
}

/* The term that takes most of the time bound in this way. */
static const struct tr_time_term *largest(const struct tr_token_time *time, const char *bound) {
    const struct tr_time_term *most = NULL;
    for (size_t i = 0; i < time->n_terms; i++) {
        const struct tr_time_term *term = &time->terms[i];
        bool has_rate = !isnan(term->bytes) || !isnan(term->flop);
        if (has_rate && term->bound && !strcmp(term->bound, bound) &&
            (!most || term->ns > most->ns))
            most = term;
    }
    return most;
}

static double total_flop(const struct tr_token_time *time) {
    double sum = 0;
    for (size_t i = 0; i < time->n_terms; i++)
        sum += isnan(time->terms[i].flop) ? 0 : time->terms[i].flop;
    return sum;
}

/* Rates are of the terms, figures of the whole. */
static const char *end_of(const struct tr_applied *learned) {
    return learned->n ? " before what was learned." : ".";
}

static void add_compute(struct tr_strbuf *why, const char *before, const char *after,
                        const struct tr_token_time *time, const struct tr_applied *learned) {
    const struct tr_time_term *term = largest(time, "compute");
    tr_strbuf_addf(why, "%s %.3g GFLOP%s", before, total_flop(time) / 1e9, after);
    if (term && term->where)
        tr_strbuf_addf(why, ", most on %s", term->where);
    if (term)
        add_figure(why, " at ", term->gflop_per_s, 4, " GFLOP/s");
    tr_strbuf_add(why, term ? end_of(learned) : ".");
}

static void add_memory(struct tr_strbuf *why, const struct tr_model *model,
                       const struct tr_token_time *time, const char *bound,
                       const struct tr_applied *learned) {
    const struct tr_time_term *term = largest(time, bound);
    double cache = 0;
    for (size_t i = 0; i < time->n_terms; i++)
        if (!strcmp(time->terms[i].name, "cache"))
            cache += time->terms[i].bytes / 1e9;
    tr_strbuf_addf(why, "; each token reads %.3g GB of weights",
                   model->weight_bytes_per_token / 1e9);
    if (cache >= 0.0005)
        tr_strbuf_addf(why, " and %.2g GB of cache", cache);
    if (term && term->where)
        tr_strbuf_addf(why, ", most of the time from %s", term->where);
    if (term)
        add_figure(why, " at ", term->gb_per_s, 4,
                   !strcmp(bound, "fabric") ? " GB/s, which the fabric limits" : " GB/s");
    tr_strbuf_add(why, term ? end_of(learned) : ".");
}

static void add_bound_reason(struct tr_strbuf *why, const struct tr_model *model,
                             const struct tr_prediction_result *result, bool mostly_prompt) {
    const enum tr_phase phase = mostly_prompt ? TR_PHASE_PROMPT : TR_PHASE_GENERATION;
    const struct tr_token_time *time = &result->time[phase];
    const struct tr_applied *learned = &result->correction[phase];
    const char *bound = mostly_prompt ? result->bound_pp : result->bound;
    if (!bound)
        tr_strbuf_add(why, ".");
    else if (!strcmp(bound, "link"))
        tr_strbuf_add(why, "; the link between the devices takes most of the time.");
    else if (!strcmp(bound, "sync"))
        tr_strbuf_add(why, "; starting and joining operations takes most of the time.");
    else if (mostly_prompt)
        add_compute(why, "; most of the time goes into the prompt:", " a token", time, learned);
    else if (!strcmp(bound, "compute"))
        add_compute(why, "; each token takes", "", time, learned);
    else
        add_memory(why, model, time, bound, learned);
}

char *tr_result_why(const struct tr_model *model, const struct tr_prediction_result *result,
                    double prompt_s, bool mostly_prompt) {
    struct tr_strbuf why = {0};
    add_class_reason(&why, result->viability, &result->use_case, prompt_s, result->tg_tok_s.value,
                     result->total_s.value);
    add_bound_reason(&why, model, result, mostly_prompt);
    return tr_strbuf_take(&why);
}

char *tr_result_why_too_large(const struct tr_model *model, const struct tr_fit *placed) {
    const bool vram = !strcmp(placed->memory, "VRAM");
    struct tr_strbuf why = {0};
    tr_strbuf_addf(&why,
                   "It needs %.3g GB of %s with its cache, %.3g GB more than the %.3g GB there are",
                   placed->needed_bytes / 1e9, vram ? "VRAM" : "memory", -placed->spare_bytes / 1e9,
                   (placed->needed_bytes + placed->spare_bytes) / 1e9);
    if (!vram)
        tr_strbuf_add(&why, ", so it would run at the speed of the storage.");
    else if (placed->layers_that_fit > 0)
        tr_strbuf_addf(&why, "; %d of its %d layers fit (--gpu-layers %d).",
                       placed->layers_that_fit, model->blocks, placed->layers_that_fit);
    else
        tr_strbuf_add(&why, ", so it cannot be loaded there.");
    return tr_strbuf_take(&why);
}
