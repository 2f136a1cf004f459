/* What follows from a prediction: what more would give, and how to start the engine. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "spec.h"
#include "strbuf.h"

static bool rates(const struct tr_model *model, const struct tr_basis *basis,
                  const struct tr_spec *spec, const struct tr_use_case *use_case, double *ret_tg,
                  double *ret_pp) {
    struct tr_basis changed = *basis;
    struct tr_prediction *prediction = NULL;
    changed.spec = spec;
    if (tr_predict("spec", model, &changed, use_case, 1, &prediction, NULL))
        return false;
    *ret_tg = prediction->results[0].tg_tok_s.value;
    *ret_pp = prediction->results[0].pp_tok_s.value;
    tr_prediction_destroy(prediction);
    return true;
}

/* Makes change number `i`; false if the machine has no such thing. */
static bool change(size_t i, struct tr_spec_cpu *cpu, const char **ret_what) {
    static const char *const names[] = {"MT/s +10%",    "FCLK +10%",     "one channel more",
                                        "one CCD more", "one core more", "clock +10%"};
    if (i >= sizeof(names) / sizeof(names[0]))
        return false;
    *ret_what = names[i];
    switch (i) {
    case 0:
        cpu->dram_gb_per_s *= 1.1;
        return true;
    case 1:
        cpu->fabric_gb_per_s *= 1.1;
        return !isnan(cpu->fabric_gb_per_s);
    case 2:
        cpu->dram_gb_per_s *= (cpu->channels + 1) / cpu->channels;
        return cpu->channels > 0;
    case 3:
        cpu->fabric_gb_per_s *= (cpu->ccds + 1) / cpu->ccds;
        cpu->cores += cpu->ccds > 0 ? (int)(cpu->cores / cpu->ccds) : 0;
        return cpu->ccds > 0 && !isnan(cpu->fabric_gb_per_s);
    case 4:
        cpu->cores++;
        return true;
    default:
        cpu->clock_ghz *= 1.1;
        return true;
    }
}

size_t tr_spec_sensitivity(const struct tr_model *model, const struct tr_basis *basis,
                           const struct tr_use_case *use_case,
                           struct tr_spec_change changes[TR_SPEC_MAX_CHANGES]) {
    double tg, pp;
    size_t n = 0;
    if (!basis->spec->has_cpu || !rates(model, basis, basis->spec, use_case, &tg, &pp))
        return 0;
    for (size_t i = 0; i < TR_SPEC_MAX_CHANGES; i++) {
        struct tr_spec spec = *basis->spec;
        struct tr_spec_change one = {0};
        double new_tg, new_pp;
        if (!change(i, &spec.cpu, &one.what) ||
            !rates(model, basis, &spec, use_case, &new_tg, &new_pp))
            continue;
        one.tg_gain = new_tg / tg - 1;
        one.pp_gain = new_pp / pp - 1;
        changes[n++] = one;
    }
    return n;
}

/* Worth a word where it brings more than this. */
static const double clearly_faster = 1.1;

char *tr_spec_prompt_note(const struct tr_model *model, const struct tr_basis *basis,
                          const struct tr_use_case *use_case) {
    struct tr_spec kept = *basis->spec;
    double tg, copied, by_processor;
    kept.no_copies = true;
    if (!kept.has_cpu || !kept.gpu.count || use_case->prompt_tokens < TR_SPEC_COPY_TOKENS ||
        !rates(model, basis, basis->spec, use_case, &tg, &copied) ||
        !rates(model, basis, &kept, use_case, &tg, &by_processor) ||
        !(by_processor > clearly_faster * copied))
        return NULL;
    return tr_format("For a prompt llama.cpp copies weights that are in RAM to the card, %.3g "
                     "tok/s (%s); with --no-op-offload the processor computes there, %.3g tok/s",
                     copied, use_case->name, by_processor);
}

char *tr_spec_command(const struct tr_model *model, const struct tr_basis *basis, double context) {
    const struct tr_spec *spec = basis->spec;
    struct tr_strbuf text = {0};
    struct tr_spec_share share = tr_spec_share_of(model, basis, context);
    bool sockets = spec->has_cpu && spec->cpu.packages > 1;
    if (sockets && spec->placement == TR_PLACEMENT_ONE_NODE)
        tr_strbuf_add(&text, "numactl --cpunodebind=0 --membind=0 ");
    else if (sockets && spec->placement == TR_PLACEMENT_INTERLEAVED)
        tr_strbuf_add(&text, "numactl --interleave=all ");
    tr_strbuf_add(&text, "llama-server -m MODEL.gguf");
    if (spec->has_cpu)
        tr_strbuf_addf(&text, " -t %d -tb %d",
                       tr_spec_threads_for(model, spec, fmax(basis->parallel, 1)),
                       tr_spec_threads_used(model, spec, TR_PHASE_PROMPT));
    if (sockets)
        tr_strbuf_add(&text, spec->placement == TR_PLACEMENT_REPLICATED ? " --numa distribute"
                                                                        : " --numa numactl");
    if (spec->gpu.count) {
        tr_strbuf_addf(&text, " -ngl %d", share.output_on_gpu ? model->blocks + 1 : share.layers);
        if (share.experts_on_cpu)
            tr_strbuf_add(&text, " --cpu-moe");
        if (spec->gpu.count > 1)
            tr_strbuf_addf(&text, " -sm %s", spec->split == TR_SPLIT_TENSOR ? "row" : "layer");
    }
    tr_command_add_basis(&text, basis, context);
    return tr_strbuf_take(&text);
}
