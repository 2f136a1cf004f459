/* Machines that nobody has measured: what the spec tier knows of them, in plain numbers. */
#ifndef TOKENROOF_SPEC_H
#define TOKENROOF_SPEC_H

#include <stdbool.h>
#include <stddef.h>

#include "tokenroof/err.h"
#include "tokenroof/predict.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { TR_SPEC_NAME = 128 };

/* Where the weights of several sockets lie. */
enum tr_placement {
    TR_PLACEMENT_ONE_NODE,    /* model and threads on one socket */
    TR_PLACEMENT_INTERLEAVED, /* pages in turn over all sockets: most are remote */
    TR_PLACEMENT_REPLICATED,  /* a copy on each socket, or each page where it is read */
    TR_PLACEMENT_COUNT,
};
const char *tr_placement_name(enum tr_placement placement);

/* Processors of one machine; unknown = NAN. */
struct tr_spec_cpu {
    char name[TR_SPEC_NAME];
    int packages;
    double channels;        /* of one package; NAN unknown */
    double ccds;            /* of one package; NAN: none that have links of their own */
    int cores;              /* of one package: performance cores, where there are two kinds */
    int e_cores;            /* efficiency cores of one package */
    double e_core_share;    /* what one of them computes, relative to a performance core */
    double clock_ghz;       /* all cores busy */
    double dram_gb_per_s;   /* of one package: populated channels */
    double fabric_gb_per_s; /* of one package, reads; NAN: none that would bind */
    char kernels[24];       /* row of data/efficiency.csv, group "kernel" */
    char class_name[24];    /* row of data/efficiency.csv, group "class" */
    double memory_bytes;    /* of the machine */
};

/* GPUs or other accelerators of one kind; unknown = NAN. Figures are of one card. */
struct tr_spec_gpu {
    char name[TR_SPEC_NAME];
    int count;
    double memory_bytes;
    double read_gb_per_s;
    double fp16_tflops;   /* dense */
    double link_gb_per_s; /* to the host, each direction */
    bool shares_memory;   /* integrated: on the memory of the processor */
    bool unlike_gpus;     /* another kind of accelerator: no published results tell its software */
};

enum tr_gpu_split { TR_SPLIT_LAYER, TR_SPLIT_TENSOR };
enum tr_experts_place { TR_EXPERTS_AUTO, TR_EXPERTS_GPU, TR_EXPERTS_CPU };

struct tr_spec {
    bool has_cpu;
    struct tr_spec_cpu cpu;
    struct tr_spec_gpu gpu; /* count 0: none */
    int gpu_layers;         /* -1: the fastest split that fits */
    enum tr_gpu_split split;
    enum tr_experts_place experts;
    enum tr_placement placement;
    bool no_copies;       /* prompts leave weights in RAM to the processor (--no-op-offload) */
    int threads;          /* 0: as many as are best */
    const char *software; /* row of data/efficiency.csv, group "gpu"; NULL: the first one */
};

/* A figure of data/efficiency.csv; NAN if there is none. */
double tr_efficiency(const char *group, const char *name, const char *parameter);
/* The largest of a group's; NAN if there is none. */
double tr_efficiency_most(const char *group, const char *parameter);
/* What it rests on, in words: "10 machines, 22 rows"; "unknown" if there is none. */
const char *tr_efficiency_basis(const char *group, const char *name, const char *parameter);
/* Name of the n-th row of a group (each name once), NULL behind the last one. */
const char *tr_efficiency_name(const char *group, size_t n);

/* "[COUNT x ]NAME" of data/accelerators.csv: in any case, with or without the maker's words, the
 * first words are enough where they are unique. A system's row ("tinybox green") gives its cards.
 * TR_EUSAGE with the nearest name; TR_EUNAVAILABLE if no bandwidth of it was published: the text
 * says which other figures are unknown too. */
int tr_accelerator_choose(const char *text, struct tr_spec_gpu *ret_gpu, struct tr_err *reterr);
/* Names in file order, NULL-ended, static. */
const char *const *tr_accelerator_names(void);

/* Those asked for; else the best number for generation, one a core for a prompt. 0 without a
 * processor. */
int tr_spec_threads_used(const struct tr_model *model, const struct tr_spec *spec,
                         enum tr_phase phase);
/* How many threads give the most tokens per second, by this tier. */
int tr_spec_best_threads(const struct tr_model *model, const struct tr_spec *spec);

enum { TR_SPEC_MAX_CHANGES = 8 };
/* What one step more of something would give. */
struct tr_spec_change {
    const char *what;        /* "MT/s +10%"; static */
    double tg_gain, pp_gain; /* fractions: 0.1 = 10% faster */
};
/* For one use case; changes of what the machine does not have are left out. Returns their number.
 */
size_t tr_spec_sensitivity(const struct tr_model *model, const struct tr_basis *basis,
                           const struct tr_use_case *use_case,
                           struct tr_spec_change changes[TR_SPEC_MAX_CHANGES]);
/* How llama.cpp is to be started for this prediction: threads, placement, layers; the caller frees
 * it. */
char *tr_spec_command(const struct tr_model *model, const struct tr_basis *basis, double context);

/* What is to be known of prompts where part of the weights is in RAM beside a card and the other
 * way of computing them is faster; NULL where it is not, and if memory is exhausted. The caller
 * frees it. */
char *tr_spec_prompt_note(const struct tr_model *model, const struct tr_basis *basis,
                          const struct tr_use_case *use_case);

struct json_t;
/* What the tier took the machine to be: {"cpu": {...} or null, "gpu": {...} or null}. */
int tr_spec_to_json(const struct tr_model *model, const struct tr_spec *spec,
                    struct json_t **ret_object);

#ifdef __cplusplus
}
#endif
#endif
