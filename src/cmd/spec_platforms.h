/* From what a person writes after --platform, --machine and --gpu to machines of the spec tier. */
#ifndef TR_CMD_SPEC_PLATFORMS_H
#define TR_CMD_SPEC_PLATFORMS_H

#include "options.h"
#include "tokenroof/calibration.h"
#include "tokenroof/machine.h"
#include "tokenroof/platform.h"
#include "tokenroof/spec.h"

enum { TR_SPEC_MAX_NAMES = 64, TR_N_SPEC_ROWS = 11 };

struct tr_spec_options {
    const char *names[TR_SPEC_MAX_NAMES]; /* of --platform, one each */
    size_t n_names;
    const char *file; /* --platform-file */
    const char *gpu;
    double gpu_link_gb_per_s; /* NAN: the card's own */
    int gpu_layers;           /* -1: chosen */
    int split, experts;       /* enum tr_gpu_split, enum tr_experts_place */
    int placement;            /* enum tr_placement */
    const char *software;
    const char *what_if; /* "mts=6400,fclk=2133"; NULL without */
    double memory_gb;    /* NAN: the catalogue's */
};
#define TR_SPEC_OPTIONS_DEFAULT                                                            \
    {                                                                                      \
        .gpu_link_gb_per_s = NAN, .gpu_layers = -1, .placement = TR_PLACEMENT_INTERLEAVED, \
        .memory_gb = NAN                                                                   \
    }
extern const struct tr_option tr_spec_rows[TR_N_SPEC_ROWS];

struct tr_spec_list {
    struct tr_named_spec {
        char *name;
        struct tr_spec spec;
    } * items;
    size_t n;
    struct tr_strings unanswered; /* of several names: what is unknown of those left out */
};

/* --- options (spec_options.c) --- */

/* Whether machines are named at all. */
bool tr_spec_asked(const struct tr_spec_options *options, const char *machine_source);
/* Options that say nothing without a machine by name, or without a card. */
int tr_spec_check(const struct tr_spec_options *options, const char *machine_source,
                  struct tr_err *reterr);
/* The same, for the machines that were found. */
int tr_spec_check_list(const struct tr_spec_options *options, const struct tr_spec_list *list,
                       struct tr_err *reterr);
/* "mts=6400,fclk=2133,cores=64": changes into overrides, *ret_cores only where it says so.
 * TR_EUSAGE with a text that begins with --what-if. */
int tr_what_if_read(const char *text, struct tr_overrides *overrides, int *ret_cores,
                    struct tr_err *reterr);

/* --- machines (spec_platforms.c, spec_cpu.c) --- */

/* One item a machine; a series has one for each member. TR_EUNAVAILABLE with what is unknown; where
 * several are named, those of which too little is known are left out with their reasons. */
int tr_spec_list_make(const struct tr_spec_options *options,
                      const struct tr_machine_options *machine, struct tr_spec_list *ret_list,
                      struct tr_err *reterr);
/* One reason more, once each. */
int tr_spec_leave_out(struct tr_spec_list *list, const char *why);
void tr_spec_list_finish(struct tr_spec_list *list);
/* What a machine's limits and cores come to. `packages` 0: as the machine says. */
void tr_spec_cpu_of_machine(const struct tr_machine *machine, struct tr_spec_cpu *ret_cpu);

#endif
