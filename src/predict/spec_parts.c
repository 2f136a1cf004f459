/* How long the parts of a token take on each device. */
#include <math.h>
#include <string.h>

#include "spec.h"

/* Part of the experts' bytes that a batch of tokens touches: each token takes k of n, at random. */
static double touched(const struct tr_model *model, double batch) {
    double n = model->experts, k = model->experts_used;
    return n > 0 && k > 0 ? 1 - pow(1 - k / n, batch) : 1;
}

/* Bytes that are read for one of the tokens of a batch. Sequences share weights, not caches. */
static double bytes_per_token(const struct tr_spec_state *state, const struct tr_part *part) {
    const struct tr_model *model = state->model;
    double batch = state->work->batch;
    bool generation = state->work->phase == TR_PHASE_GENERATION;
    if (part->tensor_class == TR_TENSOR_EMBEDDING || batch <= 1 ||
        (generation && !strcmp(part->name, "cache")))
        return part->bytes;
    if (part->tensor_class == TR_TENSOR_EXPERTS)
        return (double)model->classes[TR_TENSOR_EXPERTS].file_bytes * touched(model, batch) / batch;
    return part->bytes / batch;
}

/* The longer of reading and computing; unknown where either is. */
static void add(struct tr_token_time *time, const char *name, const char *where, double bytes,
                double flop, double gb_per_s, double gflop_per_s, const char *memory) {
    double read_ns = bytes / gb_per_s, compute_ns = flop / gflop_per_s;
    bool by_compute = compute_ns > read_ns;
    tr_term_add(time,
                (struct tr_time_term){
                    .name = name,
                    .where = where,
                    .bytes = bytes,
                    .flop = flop,
                    .gb_per_s = gb_per_s,
                    .gflop_per_s = gflop_per_s,
                    .count = NAN,
                    .ns = isnan(compute_ns) || isnan(read_ns) ? NAN : fmax(read_ns, compute_ns),
                    .bound = by_compute ? "compute" : memory,
                });
}

static int threads_of(const struct tr_spec_state *state) {
    const struct tr_spec *spec = state->basis->spec;
    return state->work->phase == TR_PHASE_PROMPT || !spec->has_cpu
               ? tr_spec_threads_used(state->model, spec, TR_PHASE_PROMPT)
               : tr_spec_threads_for(state->model, spec, state->work->batch);
}

static const char *memory_of(const struct tr_spec_cpu *cpu) {
    return tr_spec_fabric_binds(cpu) ? "fabric" : "memory";
}

static double least_ns(double bytes, double gb_per_s, double flop, double gflop_per_s) {
    double compute_ns = gflop_per_s > 0 ? flop / gflop_per_s : flop > 0 ? NAN : 0;
    return isnan(compute_ns) ? NAN : fmax(bytes / gb_per_s, compute_ns);
}

/* --- processor ---------------------------------------------------------------------------------
 */

static double gpu_factor(const struct tr_spec *spec, const char *parameter) {
    return tr_efficiency("gpu", tr_spec_software(spec), parameter);
}

/* How many cards work on a layer at the same time. */
static double together(const struct tr_spec *spec) {
    return spec->split == TR_SPLIT_TENSOR ? spec->gpu.count : 1;
}

bool tr_spec_copies_weights(const struct tr_spec *spec, const struct tr_token_work *work) {
    return work->phase == TR_PHASE_PROMPT && spec->has_cpu && !spec->no_copies &&
           work->batch >= TR_SPEC_COPY_TOKENS && spec->gpu.count > 0 && !spec->gpu.shares_memory &&
           !spec->gpu.unlike_gpus && spec->gpu.link_gb_per_s > 0 && spec->gpu.fp16_tflops > 0;
}

/* Weights in RAM that are multiplied by on the card, which gets them over its link each time. */
static double copied_part(const struct tr_spec_state *state, const struct tr_part *part,
                          double bytes, double flop, struct tr_token_time *time) {
    const struct tr_spec *spec = state->basis->spec;
    double link = spec->gpu.link_gb_per_s;
    double matrix = spec->gpu.fp16_tflops * 1e3 * together(spec);
    add(time, part->name, spec->gpu.name, bytes, flop, tr_spec_copied_gb_per_s(spec),
        matrix * gpu_factor(spec, "compute"), "link");
    return least_ns(bytes, link, flop, matrix);
}

double tr_spec_cpu_part(const struct tr_spec_state *state, const struct tr_part *part,
                        double fraction, struct tr_token_time *time) {
    const struct tr_spec *spec = state->basis->spec;
    const struct tr_spec_cpu *cpu = &spec->cpu;
    const char *where = spec->gpu.count ? cpu->name : NULL;
    const char *quant = state->model->quantization;
    int threads = threads_of(state);
    if (!(fraction > 0) || !spec->has_cpu)
        return 0;
    double bytes = bytes_per_token(state, part) * fraction, flop = part->flop * fraction;
    double matrix = tr_spec_cpu_gflop_per_s(cpu, quant, threads);
    double read = tr_spec_read_gb_per_s(spec);
    bool weights = part->tensor_class != TR_TENSOR_EMBEDDING && strcmp(part->name, "cache") != 0;
    if (weights && tr_spec_copies_weights(spec, state->work))
        return copied_part(state, part, bytes, flop, time);
    if (state->work->phase == TR_PHASE_PROMPT) {
        add(time, part->name, where, bytes, flop, read, matrix, memory_of(cpu));
        return least_ns(bytes, tr_spec_read_limit_gb_per_s(spec), flop,
                        tr_spec_cpu_roof_gflop_per_s(cpu, threads));
    }
    /* A kernel for one column is told by the bytes that it takes in; of several columns the better
     * way is taken, but all of them take no less than one. */
    double compute_ns = part->bytes * fraction / tr_spec_kernel_gb_per_s(cpu, quant, threads);
    double read_ns = bytes / read;
    if (state->work->batch > 1)
        compute_ns = fmax(compute_ns / state->work->batch, fmin(compute_ns, flop / matrix));
    bool by_compute = compute_ns > read_ns;
    double ns = isnan(compute_ns) || isnan(read_ns) ? NAN : fmax(compute_ns, read_ns);
    tr_term_add(time, (struct tr_time_term){.name = part->name,
                                            .where = where,
                                            .bytes = bytes,
                                            .flop = flop,
                                            .gb_per_s = bytes / ns,
                                            .gflop_per_s = flop / ns,
                                            .count = NAN,
                                            .ns = ns,
                                            .bound = by_compute ? "compute" : memory_of(cpu)});
    return bytes / tr_spec_read_limit_gb_per_s(spec);
}

/* --- accelerators ------------------------------------------------------------------------------
 */

double tr_spec_gpu_part(const struct tr_spec_state *state, const struct tr_part *part,
                        double fraction, struct tr_token_time *time) {
    const struct tr_spec *spec = state->basis->spec;
    const struct tr_spec_gpu *gpu = &spec->gpu;
    bool prompt = state->work->phase == TR_PHASE_PROMPT;
    if (!(fraction > 0) || gpu->count == 0)
        return 0;
    double n = together(spec);
    double bytes = bytes_per_token(state, part) * fraction, flop = part->flop * fraction;
    double read = gpu->read_gb_per_s * n, matrix = gpu->fp16_tflops * 1e3 * n;
    double matrix_used = matrix * gpu_factor(spec, "compute");
    if (!prompt && state->work->batch <= 1) /* one column: no matrix units, always the memory */
        matrix_used = INFINITY;
    add(time, part->name, gpu->name, bytes, flop, read * gpu_factor(spec, "read"), matrix_used,
        "memory");
    if (!prompt)
        time->terms[time->n_terms - 1].gflop_per_s = NAN;
    return least_ns(bytes, read, prompt ? flop : 0, matrix);
}

/* --- cache -------------------------------------------------------------------------------------
 */

double tr_spec_cache(const struct tr_spec_state *state, struct tr_token_time *time) {
    const struct tr_model *model = state->model;
    const struct tr_token_work *work = state->work;
    const struct tr_spec *spec = state->basis->spec;
    double fraction = state->share->layers ? state->share->fraction : 0;
    struct tr_part part = {.name = "cache", .tensor_class = TR_TENSOR_CLASS_COUNT};
    double roof_ns = 0;
    part.flop = tr_model_attention_flop(model, work->depth);
    part.bytes = tr_basis_cache_bytes(model, state->basis, work->depth);
    if (work->phase == TR_PHASE_PROMPT) /* attention is slower than plain matrices */
        part.flop /= tr_efficiency("kernel", "all", "attention");
    roof_ns += tr_spec_gpu_part(state, &part, fraction, time);
    if (spec->has_cpu)
        roof_ns += tr_spec_cpu_part(state, &part, 1 - fraction, time);
    return roof_ns;
}

/* --- what is neither reading nor computing -----------------------------------------------------
 */

static void add_events(struct tr_token_time *time, const char *name, const char *where,
                       double count, double ns, const char *bound, double batch) {
    if (!(count * ns > 0))
        return;
    tr_term_add(time, (struct tr_time_term){.name = name,
                                            .where = where,
                                            .bytes = NAN,
                                            .flop = NAN,
                                            .gb_per_s = NAN,
                                            .gflop_per_s = NAN,
                                            .count = count / batch,
                                            .ns = count * ns / batch,
                                            .bound = bound});
}

static void add_transfers(const struct tr_spec_state *state, struct tr_token_time *time) {
    const struct tr_model *model = state->model;
    const struct tr_spec *spec = state->basis->spec;
    double layers = state->share->layers, crossings = 0;
    double latency_ns = tr_efficiency("link", "transfer", "ns");
    if (spec->gpu.count == 0 || layers == 0 || spec->gpu.shares_memory)
        return;
    if (state->share->experts_on_cpu)
        crossings = 2.0 * layers;
    else if (layers < model->blocks || !state->share->output_on_gpu)
        crossings = 2;
    if (spec->split == TR_SPLIT_TENSOR && spec->gpu.count > 1)
        crossings += 2.0 * model->blocks; /* both halves of each layer are summed up */
    else
        crossings += spec->gpu.count - 1;
    double bytes = 4.0 * model->embedding_length;
    double carried_ns = spec->gpu.link_gb_per_s > 0 ? bytes / spec->gpu.link_gb_per_s : 0;
    add_events(time, "transfers", NULL, crossings, latency_ns, "link", state->work->batch);
    add_events(time, "activations", NULL, crossings, carried_ns, "link", 1);
}

void tr_spec_overheads(const struct tr_spec_state *state, struct tr_token_time *time) {
    const struct tr_model *model = state->model;
    const struct tr_spec *spec = state->basis->spec;
    double batch = state->work->batch;
    double on_cpu = spec->has_cpu ? 1 - (state->share->layers ? state->share->fraction : 0) : 0;
    if (state->share->experts_on_cpu)
        on_cpu = fmax(on_cpu, 0.3); /* the experts' part of a layer's operations */
    int threads = threads_of(state);
    add_events(time, "barriers", spec->gpu.count ? spec->cpu.name : NULL,
               on_cpu * tr_spec_barriers(model), tr_spec_barrier_ns(&spec->cpu, threads), "sync",
               batch);
    if (state->share->layers)
        add_events(time, "launches", spec->gpu.name, (1 - on_cpu) * tr_spec_barriers(model),
                   gpu_factor(spec, "launch_ns"), "sync", batch);
    add_transfers(state, time);
}
