/* Rates of a machine that is known by its numbers. */
#include <math.h>
#include <string.h>

#include "spec.h"

const char *tr_placement_name(enum tr_placement placement) {
    static const char *const names[] = {"one node", "interleaved", "replicated"};
    return (unsigned)placement < TR_PLACEMENT_COUNT ? names[placement] : NULL;
}

const char *tr_spec_software(const struct tr_spec *spec) {
    return spec->software ? spec->software : tr_efficiency_name("gpu", 0);
}

double tr_spec_copied_gb_per_s(const struct tr_spec *spec) {
    return spec->gpu.link_gb_per_s * tr_efficiency("link", "copied", "share");
}

static int packages_used(const struct tr_spec *spec) {
    return spec->placement == TR_PLACEMENT_ONE_NODE ? 1 : spec->cpu.packages;
}

int tr_spec_all_threads(const struct tr_spec *spec) {
    return packages_used(spec) * (spec->cpu.cores + spec->cpu.e_cores);
}

/* Performance cores come first; what an efficiency core adds counts by its share. */
static double effective_cores(const struct tr_spec_cpu *cpu, int threads) {
    int fast = cpu->packages * cpu->cores;
    if (threads <= fast || cpu->e_cores == 0)
        return threads;
    return fast + (threads - fast) * cpu->e_core_share;
}

/* A type without a row of its own is as fast as the one it was measured to be like. */
static double of_type(const char *quant, const char *parameter) {
    double value = tr_efficiency("type", quant, parameter);
    return isnan(value) ? tr_efficiency("type", "other", parameter) : value;
}

double tr_spec_bytes_per_cycle(const struct tr_spec_cpu *cpu, const char *quant) {
    return tr_efficiency("kernel", cpu->kernels, "bytes_per_cycle") *
           of_type(quant ? quant : "other", "bytes");
}

double tr_spec_kernel_gb_per_s(const struct tr_spec_cpu *cpu, const char *quant, int threads) {
    return effective_cores(cpu, threads) * cpu->clock_ghz * tr_spec_bytes_per_cycle(cpu, quant);
}

double tr_spec_cpu_gflop_per_s(const struct tr_spec_cpu *cpu, const char *quant, int threads) {
    return effective_cores(cpu, threads) * cpu->clock_ghz *
           tr_efficiency("kernel", cpu->kernels, "flop_per_cycle") *
           of_type(quant ? quant : "other", "flop");
}

double tr_spec_cpu_roof_gflop_per_s(const struct tr_spec_cpu *cpu, int threads) {
    return effective_cores(cpu, threads) * cpu->clock_ghz *
           tr_efficiency("kernel", cpu->kernels, "flop_per_cycle") *
           tr_efficiency_most("type", "flop");
}

/* Sockets that read with pages in turn over all of them: (n-1)/n of the bytes cross the link, at
 * `remote` of the local rate. */
static double packages_worth(const struct tr_spec *spec) {
    double n = spec->cpu.packages, remote = tr_efficiency("sync", "sockets", "remote");
    if (n < 2 || spec->placement == TR_PLACEMENT_ONE_NODE)
        return 1;
    if (spec->placement == TR_PLACEMENT_REPLICATED)
        return n;
    return n / (1 / n + (n - 1) / n / remote);
}

double tr_spec_read_limit_gb_per_s(const struct tr_spec *spec) {
    return fmin(spec->cpu.dram_gb_per_s, spec->cpu.fabric_gb_per_s) * packages_used(spec);
}

static double reached_of_channels(const struct tr_spec_cpu *cpu) {
    return cpu->dram_gb_per_s * tr_efficiency("class", cpu->class_name, "read");
}

static double reached_of_fabric(const struct tr_spec_cpu *cpu) {
    return cpu->fabric_gb_per_s * tr_efficiency("class", "fabric", "read");
}

bool tr_spec_fabric_binds(const struct tr_spec_cpu *cpu) {
    return reached_of_fabric(cpu) < reached_of_channels(cpu);
}

const char *tr_spec_class(const struct tr_spec_cpu *cpu) {
    return tr_spec_fabric_binds(cpu) ? "fabric" : cpu->class_name;
}

double tr_spec_read_gb_per_s(const struct tr_spec *spec) {
    return (tr_spec_fabric_binds(&spec->cpu) ? reached_of_fabric(&spec->cpu)
                                             : reached_of_channels(&spec->cpu)) *
           packages_worth(spec);
}

double tr_spec_barrier_ns(const struct tr_spec_cpu *cpu, int threads) {
    (void)cpu;
    return threads > 1 ? threads * tr_efficiency("sync", "barrier", "ns_per_thread") : 0;
}

double tr_spec_barriers(const struct tr_model *model) {
    double per_layer =
        tr_efficiency("sync", "barrier", model->experts > 0 ? "per_expert_layer" : "per_layer");
    return per_layer * model->blocks;
}

/* --- threads -----------------------------------------------------------------------------------
 */

/* Times that are no more apart than this are the same: the rates are not known better. */
static const double same_time_fraction = 0.02;

/* More threads take in weights faster until the memory is full, and wait longer for each other. Of
 * numbers that are as good as the best one the largest, for kernels that are slower than thought.
 */
int tr_spec_threads_for(const struct tr_model *model, const struct tr_spec *spec, double batch) {
    const struct tr_spec_cpu *cpu = &spec->cpu;
    double bytes = model->weight_bytes_per_token, memory = tr_spec_read_gb_per_s(spec);
    double core = cpu->clock_ghz * tr_spec_bytes_per_cycle(cpu, model->quantization);
    double barriers = tr_spec_barriers(model), two_ns = tr_spec_barrier_ns(cpu, 2);
    double matrix = tr_spec_cpu_gflop_per_s(cpu, model->quantization, 1);
    int all = tr_spec_all_threads(spec);
    double least = INFINITY;
    if (spec->threads > 0)
        return spec->threads < all ? spec->threads : all;
    for (int pass = 0; pass < 2; pass++) {
        for (int threads = all; threads >= 1; threads--) {
            double rate = effective_cores(cpu, threads) * core;
            double columns_ns = batch * bytes / rate;
            double matrix_ns = batch * model->flop_per_token / (matrix * threads);
            double work_ns =
                batch > 1 ? fmax(columns_ns / batch, fmin(columns_ns, matrix_ns)) : columns_ns;
            double ns =
                fmax(work_ns, bytes / memory) + (threads > 1 ? barriers * two_ns / 2 * threads : 0);
            if (pass == 0 && ns < least)
                least = ns;
            if (pass == 1 && ns <= least * (1 + same_time_fraction))
                return threads;
        }
    }
    return all;
}

int tr_spec_best_threads(const struct tr_model *model, const struct tr_spec *spec) {
    struct tr_spec free_choice = *spec;
    free_choice.threads = 0;
    return tr_spec_threads_for(model, &free_choice, 1);
}

int tr_spec_threads_used(const struct tr_model *model, const struct tr_spec *spec,
                         enum tr_phase phase) {
    if (!spec->has_cpu)
        return 0;
    int all = tr_spec_all_threads(spec);
    if (spec->threads > 0)
        return spec->threads < all ? spec->threads : all;
    return phase == TR_PHASE_PROMPT ? all : tr_spec_threads_for(model, spec, 1);
}
