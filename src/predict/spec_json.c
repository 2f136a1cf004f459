#include <jansson.h>
#include <math.h>

#include "spec.h"

static json_t *number(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *cpu_json(const struct tr_model *model, const struct tr_spec *spec) {
    const struct tr_spec_cpu *cpu = &spec->cpu;
    int threads = tr_spec_threads_used(model, spec, TR_PHASE_GENERATION);
    int prompt_threads = tr_spec_threads_used(model, spec, TR_PHASE_PROMPT);
    return json_pack(
        "{s:s, s:i, s:i, s:i, s:o, s:o, s:o, s:o, s:o, s:s, s:s, s:i, s:i, s:i, s:s, s:o}", "name",
        cpu->name, "packages", cpu->packages, "cores", cpu->cores, "e_cores", cpu->e_cores,
        "e_core_share", number(cpu->e_core_share), "clock_ghz", number(cpu->clock_ghz), "dram_gb_s",
        number(cpu->dram_gb_per_s), "fabric_gb_s", number(cpu->fabric_gb_per_s), "fabric_bound",
        json_boolean(tr_spec_fabric_binds(cpu)), "class", cpu->class_name, "kernels", cpu->kernels,
        "threads", threads, "prompt_threads", prompt_threads, "best_threads",
        tr_spec_best_threads(model, spec), "placement", tr_placement_name(spec->placement),
        "memory_bytes", number(cpu->memory_bytes));
}

static json_t *gpu_json(const struct tr_spec *spec) {
    const struct tr_spec_gpu *gpu = &spec->gpu;
    const char *software = tr_spec_software(spec);
    return json_pack("{s:s, s:i, s:o, s:o, s:o, s:o, s:b, s:s, s:o, s:o}", "name", gpu->name,
                     "count", gpu->count, "memory_bytes", number(gpu->memory_bytes), "read_gb_s",
                     number(gpu->read_gb_per_s), "fp16_tflop_s", number(gpu->fp16_tflops),
                     "link_gb_s", number(gpu->link_gb_per_s), "shares_memory", gpu->shares_memory,
                     "software", software ? software : "", "software_factor_tg",
                     number(tr_efficiency("gpu", software ? software : "", "read")),
                     "software_factor_pp",
                     number(tr_efficiency("gpu", software ? software : "", "compute")));
}

int tr_spec_to_json(const struct tr_model *model, const struct tr_spec *spec,
                    struct json_t **ret_object) {
    json_t *cpu = spec->has_cpu ? cpu_json(model, spec) : json_null();
    json_t *gpu = spec->gpu.count ? gpu_json(spec) : json_null();
    json_t *object =
        json_pack("{s:o, s:o, s:f}", "cpu", cpu, "gpu", gpu, "barriers", tr_spec_barriers(model));
    if (!object)
        return TR_ENOMEM;
    *ret_object = object;
    return 0;
}
