/* Spec tier: limits of a catalogue times what published results reach of them (bench/fit). Formulas
 * in docs/method.md. */
#include "tokenroof/spec.h"

#include <math.h>
#include <string.h>

#include "spec.h"
#include "strbuf.h"
#include "tier.h"

static int check(const struct tr_model *model, const struct tr_basis *basis,
                 struct tr_err *reterr) {
    const struct tr_spec *spec = basis->spec;
    if (!spec || (!spec->has_cpu && spec->gpu.count == 0))
        return tr_err_set(reterr, TR_EUNAVAILABLE, "No machine is named. Give one with --platform");
    bool no_bandwidth = spec->has_cpu && !(spec->cpu.dram_gb_per_s > 0);
    bool no_rate = spec->has_cpu && spec->gpu.count == 0 &&
                   isnan(tr_spec_kernel_gb_per_s(&spec->cpu, model->quantization, 1));
    const char *rate = spec->cpu.clock_ghz > 0 ? "cores' rates are" : "clock is";
    if (no_bandwidth && no_rate)
        return tr_err_set(reterr, TR_EUNAVAILABLE,
                          "%s: its memory bandwidth is unknown, and so its %s: no rate can be told",
                          spec->cpu.name, rate);
    if (no_bandwidth)
        return tr_err_set(reterr, TR_EUNAVAILABLE,
                          "%s: its memory bandwidth is unknown. Give --channels and --mts",
                          spec->cpu.name);
    if (spec->gpu.count && !(spec->gpu.read_gb_per_s > 0))
        return tr_err_set(reterr, TR_EUNAVAILABLE, "%s: its memory bandwidth is unknown",
                          spec->gpu.name);
    if (no_rate)
        return tr_err_set(reterr, TR_EUNAVAILABLE,
                          "%s: its %s unknown, so that no rate can be told", spec->cpu.name, rate);
    return 0;
}

/* --- one token ---------------------------------------------------------------------------------
 */

static void token_time(const struct tr_model *model, const struct tr_basis *basis,
                       const struct tr_token_work *work, struct tr_token_time *time) {
    struct tr_spec_share share = tr_spec_share_of(model, basis, work->context);
    struct tr_part parts[TR_MAX_PARTS];
    size_t n = tr_parts_of(model, work->phase, parts);
    struct tr_spec_state state = {.model = model, .basis = basis, .work = work, .share = &share};
    double roof_ns = 0;
    for (size_t i = 0; i < n; i++) {
        double on_gpu = tr_spec_fraction(&share, parts[i].tensor_class);
        roof_ns += tr_spec_gpu_part(&state, &parts[i], on_gpu, time);
        roof_ns += tr_spec_cpu_part(&state, &parts[i], 1 - on_gpu, time);
    }
    roof_ns += tr_spec_cache(&state, time);
    tr_spec_overheads(&state, time);
    time->roof_ns = roof_ns;
}

/* --- intervals ---------------------------------------------------------------------------------
 */

static double generation_ns(const struct tr_model *model, const struct tr_basis *basis) {
    struct tr_token_time time = {0};
    const struct tr_token_work work = {.phase = TR_PHASE_GENERATION, .batch = 1};
    token_time(model, basis, &work, &time);
    return time.ns;
}

static double placed_ns(const struct tr_model *model, const struct tr_basis *basis,
                        enum tr_placement placement) {
    struct tr_spec spec = *basis->spec;
    struct tr_basis other = *basis;
    spec.placement = placement;
    other.spec = &spec;
    return generation_ns(model, &other);
}

/* Rows of data/efficiency.csv whose published results tell the interval. What memory binds says
 * nothing of prompts: theirs are the processor's class. */
struct published {
    const char *group, *names[TR_PHASE_COUNT];
    bool unchecked; /* taken as a GPU: nobody has checked that */
};
static struct published published_for(const struct tr_model *model, const struct tr_basis *basis) {
    const struct tr_spec *spec = basis->spec;
    if (tr_spec_share_of(model, basis, 0).layers > 0) {
        const char *software = tr_spec_software(spec);
        return (struct published){
            .group = "gpu",
            .names = {[TR_PHASE_GENERATION] = software, [TR_PHASE_PROMPT] = software},
            .unchecked = spec->gpu.unlike_gpus};
    }
    return (struct published){.group = "class",
                              .names = {[TR_PHASE_GENERATION] = tr_spec_class(&spec->cpu),
                                        [TR_PHASE_PROMPT] = spec->cpu.class_name}};
}

static char *interval_note(const struct tr_model *model, const struct tr_basis *basis) {
    const struct published rows = published_for(model, basis);
    if (rows.unchecked)
        return NULL;
    const char *generation = rows.names[TR_PHASE_GENERATION], *prompt = rows.names[TR_PHASE_PROMPT];
    return tr_format(
        "80 %% of published results over predictions: generation of '%s' (%s), prompts "
        "of '%s' (%s)",
        generation, tr_efficiency_basis(rows.group, generation, "tg_low"), prompt,
        tr_efficiency_basis(rows.group, prompt, "pp_low"));
}

/* 80% of the published results lie within these of what is predicted; where the placement of pages
 * is not known, from the slowest placement's to the fastest one's. */
static void interval(const struct tr_model *model, const struct tr_basis *basis,
                     enum tr_phase phase, double *ret_low, double *ret_high) {
    const struct tr_spec *spec = basis->spec;
    const struct published rows = published_for(model, basis);
    *ret_low = *ret_high = NAN;
    if (rows.unchecked)
        return;
    bool generation = phase == TR_PHASE_GENERATION, gpu = !strcmp(rows.group, "gpu");
    *ret_low = tr_efficiency(rows.group, rows.names[phase], generation ? "tg_low" : "pp_low");
    *ret_high = tr_efficiency(rows.group, rows.names[phase], generation ? "tg_high" : "pp_high");
    if (!generation || gpu || !spec->has_cpu || spec->cpu.packages < 2)
        return;
    double now = placed_ns(model, basis, spec->placement), slowest = now, fastest = now;
    for (int i = 0; i < TR_PLACEMENT_COUNT; i++) {
        double ns = placed_ns(model, basis, (enum tr_placement)i);
        slowest = fmax(slowest, ns);
        fastest = fmin(fastest, ns);
    }
    *ret_low *= now / slowest;
    *ret_high *= now / fastest;
}

/* --- explanations ------------------------------------------------------------------------------
 */

static double one_package_gb_per_s(const struct tr_spec *spec) {
    struct tr_spec one = *spec;
    one.placement = TR_PLACEMENT_ONE_NODE;
    return tr_spec_read_gb_per_s(&one);
}

static int explain_cpu(struct tr_prediction *prediction, const struct tr_spec *spec) {
    const struct tr_spec_cpu *cpu = &spec->cpu;
    const struct tr_model *model = prediction->model;
    int threads = tr_spec_threads_used(model, spec, TR_PHASE_GENERATION);
    int code = tr_explanation_add(
        prediction, "BW_mem of one package",
        "min(channels x 8 B x MT/s x efficiency, fabric x efficiency)",
        "min(%.4g GB/s x %.3g of class '%s', %.4g GB/s x %.3g) = %.4g GB/s%s", cpu->dram_gb_per_s,
        tr_efficiency("class", cpu->class_name, "read"), cpu->class_name, cpu->fabric_gb_per_s,
        tr_efficiency("class", "fabric", "read"), one_package_gb_per_s(spec),
        tr_spec_fabric_binds(cpu) ? "; the fabric is the lesser one" : "");
    if (!code)
        code = tr_explanation_add(
            prediction, "kernel rate", "threads x clock x bytes per cycle of the type",
            "%d threads x %.3g GHz x %.3g B for %s by '%s' kernels = %.4g GB/s", threads,
            cpu->clock_ghz, tr_spec_bytes_per_cycle(cpu, model->quantization), model->quantization,
            cpu->kernels, tr_spec_kernel_gb_per_s(cpu, model->quantization, threads));
    if (!code)
        code = tr_explanation_add(
            prediction, "matrix rate", "cores x clock x FLOP per cycle of the type", "%.0f GFLOP/s",
            tr_spec_cpu_gflop_per_s(cpu, model->quantization,
                                    tr_spec_threads_used(model, spec, TR_PHASE_PROMPT)));
    return code;
}

static int explain_placements(struct tr_prediction *prediction, const struct tr_basis *basis) {
    int code = 0;
    for (int i = 0; !code && i < TR_PLACEMENT_COUNT; i++)
        code = tr_explanation_add(prediction, "TG by placement",
                                  tr_placement_name((enum tr_placement)i), "%.3g tok/s",
                                  1e9 / placed_ns(prediction->model, basis, (enum tr_placement)i));
    return code;
}

static double prompt_tok_per_s(const struct tr_prediction *prediction, const struct tr_basis *basis,
                               const struct tr_token_work *work, bool no_copies) {
    struct tr_spec spec = *basis->spec;
    struct tr_basis other = *basis;
    struct tr_token_time time = {0};
    spec.no_copies = no_copies;
    other.spec = &spec;
    token_time(prediction->model, &other, work, &time);
    return 1e9 / time.ns;
}

/* Weights in RAM: what a prompt does with them, and the other way. */
static int explain_copies(struct tr_prediction *prediction, const struct tr_basis *basis,
                          const struct tr_spec_share *share, const struct tr_use_case *use_case) {
    const struct tr_spec *spec = basis->spec;
    double at_once = basis->ubatch > 0 ? basis->ubatch : 512, tokens = use_case->prompt_tokens;
    const struct tr_token_work work = {
        .phase = TR_PHASE_PROMPT,
        .depth = use_case->depth + tokens / 2,
        .context = (double)tr_use_case_positions(use_case),
        .batch = fmin(at_once, tokens),
    };
    bool all_there = share->layers >= prediction->model->blocks && !share->experts_on_cpu;
    if (all_there || !tr_spec_copies_weights(spec, &work))
        return 0;
    return tr_explanation_add(
        prediction, "prompt's weights in RAM",
        "copied to the card for 32 tokens at once and more, as llama.cpp does: link x share",
        "%.4g GB/s x %.3g = %.4g GB/s: PP %.3g tok/s; by the processor (--no-op-offload) %.3g",
        spec->gpu.link_gb_per_s, tr_efficiency("link", "copied", "share"),
        tr_spec_copied_gb_per_s(spec), prompt_tok_per_s(prediction, basis, &work, false),
        prompt_tok_per_s(prediction, basis, &work, true));
}

static int explain_gpu(struct tr_prediction *prediction, const struct tr_spec *spec,
                       const struct tr_spec_share *share) {
    const struct tr_spec_gpu *gpu = &spec->gpu;
    const char *software = tr_spec_software(spec);
    double read = tr_efficiency("gpu", software, "read");
    int code = tr_explanation_add(
        prediction, "split", "layers on the accelerator", "%d of %d%s, %s split, %d x %s",
        share->layers, prediction->model->blocks, share->experts_on_cpu ? " without experts" : "",
        spec->split == TR_SPLIT_TENSOR ? "tensor" : "layer", gpu->count, gpu->name);
    if (!code)
        code = spec->gpu.unlike_gpus
                   ? tr_explanation_add(prediction, "software", "as on GPUs",
                                        "no published results of this kind of accelerator: the "
                                        "factors are those of GPUs, and no interval is given")
                   : 0;
    if (!code)
        code = tr_explanation_add(prediction, "accelerator's bandwidth", "roof x software factor",
                                  "%.4g GB/s x %.3g (%s) = %.4g GB/s", gpu->read_gb_per_s, read,
                                  software, gpu->read_gb_per_s * read);
    if (!code && gpu->fp16_tflops > 0)
        code = tr_explanation_add(prediction, "accelerator's matrix rate",
                                  "FP16 roof x software factor",
                                  "%.4g TFLOP/s x %.3g (%s) = %.4g TFLOP/s", gpu->fp16_tflops,
                                  tr_efficiency("gpu", software, "compute"), software,
                                  gpu->fp16_tflops * tr_efficiency("gpu", software, "compute"));
    return code;
}

static int explain(struct tr_prediction *prediction, const struct tr_basis *basis,
                   const struct tr_use_case *use_case) {
    const struct tr_spec *spec = basis->spec;
    double context = (double)tr_use_case_positions(use_case);
    struct tr_spec_share share = tr_spec_share_of(prediction->model, basis, context);
    int code = 0;
    if (spec->has_cpu)
        code = explain_cpu(prediction, spec);
    if (!code && spec->has_cpu && spec->cpu.packages > 1)
        code = explain_placements(prediction, basis);
    if (!code && spec->gpu.count)
        code = explain_gpu(prediction, spec, &share);
    if (!code && spec->has_cpu && spec->gpu.count)
        code = explain_copies(prediction, basis, &share, use_case);
    return code;
}

const struct tr_tier tr_tier_spec = {
    .name = "spec",
    .check = check,
    .time = token_time,
    .interval = interval,
    .interval_note = interval_note,
    .place = tr_spec_place,
    .explain = explain,
};
