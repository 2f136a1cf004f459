/* Pieces of the spec tier: rates of devices, the split between them, the time of their parts. */
#ifndef TR_PREDICT_SPEC_H
#define TR_PREDICT_SPEC_H

#include "tier.h"
#include "tokenroof/spec.h"

/* --- rates (spec_rates.c) --- */

int tr_spec_all_threads(const struct tr_spec *spec);
/* Of generation with `batch` sequences: those asked for, else the best number. */
int tr_spec_threads_for(const struct tr_model *model, const struct tr_spec *spec, double batch);
/* "Q4_K" ... of weights that one core turns into products, bytes per cycle. */
double tr_spec_bytes_per_cycle(const struct tr_spec_cpu *cpu, const char *quant);
double tr_spec_kernel_gb_per_s(const struct tr_spec_cpu *cpu, const char *quant, int threads);
double tr_spec_cpu_gflop_per_s(const struct tr_spec_cpu *cpu, const char *quant, int threads);
/* Memory as placed: the lesser of what machines reach of the channels and of the fabric. */
double tr_spec_read_gb_per_s(const struct tr_spec *spec);
/* "fabric" where that is the lesser one, else the machine's class. */
const char *tr_spec_class(const struct tr_spec_cpu *cpu);
bool tr_spec_fabric_binds(const struct tr_spec_cpu *cpu);
/* Matrices of the type whose kernels are the fastest: the roof of prompts. */
double tr_spec_cpu_roof_gflop_per_s(const struct tr_spec_cpu *cpu, int threads);
/* The limit itself, for the roof. */
double tr_spec_read_limit_gb_per_s(const struct tr_spec *spec);
/* A barrier or the like of so many threads. */
double tr_spec_barrier_ns(const struct tr_spec_cpu *cpu, int threads);
/* Barriers of one token: 25 a dense layer, 48 a layer of experts in llama.cpp's graphs. */
double tr_spec_barriers(const struct tr_model *model);
const char *tr_spec_software(const struct tr_spec *spec);
/* Weights in RAM on their way to a card. */
double tr_spec_copied_gb_per_s(const struct tr_spec *spec);

/* --- the split (spec_share.c) --- */

struct tr_spec_share {
    int layers;      /* on the accelerator, 0 to blocks */
    double fraction; /* of the blocks' bytes */
    bool output_on_gpu;
    bool experts_on_cpu;
};
/* What goes where, for a cache of `context` positions. */
struct tr_spec_share tr_spec_share_of(const struct tr_model *model, const struct tr_basis *basis,
                                      double context);
/* Share of a class that lies on the accelerator. */
double tr_spec_fraction(const struct tr_spec_share *share, enum tr_tensor_class tensor_class);
struct tr_fit tr_spec_place(const struct tr_model *model, const struct tr_basis *basis,
                            double cache_bytes);

/* --- times (spec_parts.c); each returns what the limits alone would take, ns --- */

struct tr_spec_state {
    const struct tr_model *model;
    const struct tr_basis *basis;
    const struct tr_token_work *work;
    const struct tr_spec_share *share;
};
double tr_spec_gpu_part(const struct tr_spec_state *state, const struct tr_part *part,
                        double fraction, struct tr_token_time *time);
double tr_spec_cpu_part(const struct tr_spec_state *state, const struct tr_part *part,
                        double fraction, struct tr_token_time *time);
/* llama.cpp copies weights that are in RAM to the card, for so many tokens at once and more. */
enum { TR_SPEC_COPY_TOKENS = 32 };
bool tr_spec_copies_weights(const struct tr_spec *spec, const struct tr_token_work *work);
double tr_spec_cache(const struct tr_spec_state *state, struct tr_token_time *time);
/* Barriers, launches, transfers. */
void tr_spec_overheads(const struct tr_spec_state *state, struct tr_token_time *time);

#endif
