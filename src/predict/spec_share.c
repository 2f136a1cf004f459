/* What lies on the accelerators and what on the processor. */
#include <math.h>
#include <string.h>

#include "spec.h"

static bool in_blocks(enum tr_tensor_class tensor_class) {
    return tensor_class != TR_TENSOR_EMBEDDING && tensor_class != TR_TENSOR_OUTPUT;
}

double tr_spec_fraction(const struct tr_spec_share *share, enum tr_tensor_class tensor_class) {
    if (tensor_class == TR_TENSOR_EMBEDDING) /* llama.cpp leaves the table on the host */
        return share->output_on_gpu && share->fraction >= 1 ? 1 : 0;
    if (tensor_class == TR_TENSOR_OUTPUT)
        return share->output_on_gpu ? 1 : 0;
    return tensor_class == TR_TENSOR_EXPERTS && share->experts_on_cpu ? 0 : share->fraction;
}

static double all_bytes(const struct tr_spec_gpu *gpu) {
    return gpu->count * gpu->memory_bytes;
}

/* Bytes on the accelerators by a split, cache included. */
static double bytes_on_gpu(const struct tr_model *model, const struct tr_spec_share *share,
                           double cache_bytes) {
    double sum = 0, blocks = 0;
    for (int i = 0; i < TR_TENSOR_CLASS_COUNT; i++) {
        double bytes = (double)model->classes[i].file_bytes;
        sum += bytes;
        blocks += bytes * tr_spec_fraction(share, (enum tr_tensor_class)i);
    }
    /* What is in no class goes with the blocks. */
    blocks += fmax((double)model->file_bytes - sum, 0) * share->fraction;
    return blocks + cache_bytes * share->fraction;
}

static struct tr_spec_share share_with(const struct tr_model *model, int layers,
                                       bool experts_on_cpu) {
    int blocks = model->blocks > 0 ? model->blocks : 1;
    return (struct tr_spec_share){
        .layers = layers < blocks ? layers : blocks,
        .fraction = layers < blocks ? (double)layers / blocks : 1,
        /* Vocabulary and table follow the last layer. */
        .output_on_gpu = layers > blocks || (layers == blocks),
        .experts_on_cpu = experts_on_cpu && model->experts > 0,
    };
}

/* The most layers that fit. */
static struct tr_spec_share largest_fit(const struct tr_model *model, const struct tr_spec *spec,
                                        bool experts_on_cpu, double cache_bytes) {
    int blocks = model->blocks > 0 ? model->blocks : 1;
    double room = all_bytes(&spec->gpu);
    for (int layers = blocks; layers > 0; layers--) {
        struct tr_spec_share share = share_with(model, layers, experts_on_cpu);
        if (isnan(room) || bytes_on_gpu(model, &share, cache_bytes) <= room)
            return share;
    }
    return share_with(model, 0, false);
}

/* Bytes per token over rates: enough to compare splits by. */
static double rough_ns(const struct tr_model *model, const struct tr_spec *spec,
                       const struct tr_spec_share *share) {
    double gpu = spec->gpu.read_gb_per_s * tr_efficiency("gpu", tr_spec_software(spec), "read");
    double cpu = spec->has_cpu ? tr_spec_read_gb_per_s(spec) : NAN, ns = 0;
    for (int i = 0; i < TR_TENSOR_CLASS_COUNT; i++) {
        double there = tr_spec_fraction(share, (enum tr_tensor_class)i);
        double bytes = model->classes[i].bytes_per_token;
        ns += bytes * there / gpu;
        if (there < 1 && in_blocks((enum tr_tensor_class)i))
            ns += bytes * (1 - there) / cpu;
    }
    return ns;
}

static struct tr_spec_share fastest(const struct tr_model *model, const struct tr_spec *spec,
                                    double cache_bytes) {
    struct tr_spec_share layers = largest_fit(model, spec, false, cache_bytes);
    if (model->experts == 0 || layers.layers >= model->blocks || !spec->has_cpu)
        return layers;
    struct tr_spec_share experts = largest_fit(model, spec, true, cache_bytes);
    return rough_ns(model, spec, &experts) < rough_ns(model, spec, &layers) ? experts : layers;
}

static struct tr_spec_share share_for(const struct tr_model *model, const struct tr_basis *basis,
                                      double cache_bytes) {
    const struct tr_spec *spec = basis->spec;
    if (spec->gpu.count == 0)
        return share_with(model, 0, false);
    if (!spec->has_cpu)
        return share_with(model, model->blocks + 1, false);
    if (spec->gpu_layers >= 0)
        return share_with(model, spec->gpu_layers, spec->experts == TR_EXPERTS_CPU);
    if (spec->experts == TR_EXPERTS_AUTO)
        return fastest(model, spec, cache_bytes);
    return largest_fit(model, spec, spec->experts == TR_EXPERTS_CPU, cache_bytes);
}

struct tr_spec_share tr_spec_share_of(const struct tr_model *model, const struct tr_basis *basis,
                                      double context) {
    double sequences = basis->parallel > 1 ? basis->parallel : 1;
    return share_for(model, basis, sequences * tr_basis_cache_bytes(model, basis, context));
}

struct tr_fit tr_spec_place(const struct tr_model *model, const struct tr_basis *basis,
                            double cache_bytes) {
    const struct tr_spec *spec = basis->spec;
    const struct tr_spec_share share = share_for(model, basis, cache_bytes);
    double there = share.layers ? bytes_on_gpu(model, &share, cache_bytes) : 0;
    double here = (double)model->file_bytes + cache_bytes - there;
    double vram = all_bytes(&spec->gpu) - there;
    double ram = spec->has_cpu ? spec->cpu.memory_bytes - here : NAN;
    bool all_there = share.layers >= model->blocks && !share.experts_on_cpu;
    bool in_ram = share.layers == 0 || (!all_there && !(vram <= ram) && !isnan(ram));
    struct tr_fit placed = {
        .memory = in_ram ? "RAM" : "VRAM",
        .needed_bytes = in_ram ? here : there,
        .spare_bytes = in_ram ? ram : vram,
    };
    if (!(placed.spare_bytes < 0))
        placed.where = share.layers == 0 ? "RAM" : all_there ? "VRAM" : "VRAM + RAM";
    else if (!in_ram && spec->has_cpu)
        placed.layers_that_fit = largest_fit(model, spec, share.experts_on_cpu, cache_bytes).layers;
    return placed;
}
