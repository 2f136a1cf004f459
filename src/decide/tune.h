/* The record of a tuning session: which settings were tried, what was measured of each in which
 * boot, what ended in a crash. Lines of JSON, fields in docs/formats.md. Pure: what is the boot
 * now, and whether a writer lives, is the caller's to say. */
#ifndef TR_DECIDE_TUNE_H
#define TR_DECIDE_TUNE_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "tokenroof/err.h"

enum tr_tune_figure {
    TR_TUNE_READ,
    TR_TUNE_COPY,
    TR_TUNE_TRIAD,
    TR_TUNE_LATENCY,
    TR_TUNE_FMA,
    TR_TUNE_PP,
    TR_TUNE_TG,
    TR_TUNE_FIGURES,
};
struct tr_tune_figure_facts {
    const char *name, *what, *unit;
    bool lower_is_better;
};
const struct tr_tune_figure_facts *tr_tune_figure_facts(enum tr_tune_figure figure);
/* Their names, NULL-ended; their order is the enum's. */
extern const char *const tr_tune_figure_names[TR_TUNE_FIGURES + 1];

/* One figure of one round. NAN: not measured. */
struct tr_tune_reading {
    double value, low, high;
    double scatter; /* of its samples: 1.4826 MAD / median; NAN unknown */
    size_t n;
    char doubt[24]; /* a flag; "" none */
};

struct tr_tune_round {
    struct tr_tune_reading readings[TR_TUNE_FIGURES];
};

enum tr_tune_state {
    TR_TUNE_TRIED, /* announced, nothing measured yet */
    TR_TUNE_MEASURING,
    TR_TUNE_MEASURED,
    TR_TUNE_STOPPED,
    TR_TUNE_INTERRUPTED,
    TR_TUNE_CRASHED,
};
const char *tr_tune_state_name(enum tr_tune_state state);

/* Of the memory and the fabric; NAN unknown. */
struct tr_tune_clocks {
    double mts, fclk_mhz;
};

struct tr_tune_recording {
    size_t setting, boot;
    char *at;
    enum tr_tune_state state;
    struct tr_tune_round *rounds;
    size_t n_rounds;
    size_t n_samples; /* of a round that did not end */
    char *tier;       /* of its predictions; NULL unknown */
    json_t *machine;
};

struct tr_tune_setting {
    char *label;
    char *announced_at, *crashed_at; /* last time; NULL never */
    size_t announced_boot;
    enum tr_tune_state state; /* the last that happened */
    size_t n_crashes, n_interruptions;
    json_t *machine; /* when it was recorded last, else when it was announced */
    bool recorded;   /* the machine was looked at under this setting */
    char *what_if;   /* as announced; NULL without */
    json_t *at_most; /* what it could bring at most, as announced; NULL unknown */
};

struct tr_tune {
    char *path, *created, *host_id, *model;
    char **boots; /* ids */
    size_t n_boots;
    struct tr_tune_setting *settings;
    size_t n_settings;
    struct tr_tune_recording *recordings;
    size_t n_recordings;
    json_t *forms;  /* kernels of read, copy, triad; NULL before they were searched */
    size_t trying;  /* the setting that was announced last and not measured yet; SIZE_MAX: none */
    size_t running; /* the recording without an end; SIZE_MAX: none */
};

/* TR_EFORMAT with the line at fault; a last line without its end is ignored. `name`: of the file.
 */
int tr_tune_parse(const char *text, size_t length, const char *name, struct tr_tune *ret_tune,
                  struct tr_err *reterr);
void tr_tune_finish(struct tr_tune *tune);
/* Index, or SIZE_MAX. */
size_t tr_tune_find(const struct tr_tune *tune, const char *label);

/* What became of a recording without an end: still TR_TUNE_MEASURING if its writer lives;
 * TR_TUNE_CRASHED if the boot is another one, else TR_TUNE_INTERRUPTED. TR_TUNE_MEASURED if there
 * is no such recording. */
enum tr_tune_state tr_tune_unfinished(const struct tr_tune *tune, const char *boot_id,
                                      bool writer_lives);
/* Whether the setting that was announced was lost: another one (`label`) comes after a restart. */
bool tr_tune_given_up(const struct tr_tune *tune, const char *label, const char *boot_id);

/* Clocks that a text names: "mts=6400,fclk=2133", "FCLK 2133, 6400 CL30", "DDR5-6000 1:1". */
struct tr_tune_clocks tr_tune_clocks_of_text(const char *text);
/* Read from the machine under this setting, else as its text or label says. */
struct tr_tune_clocks tr_tune_clocks_of(const struct tr_tune_setting *setting);

/* --- lines of the record; each gives a new object, NULL when out of memory ------------------- */

json_t *tr_tune_line_session(const char *at, const char *host_id, const char *model, json_t *tool);
json_t *tr_tune_line_trying(const char *at, const char *label, const char *boot_id,
                            const char *what_if, json_t *at_most, json_t *machine);
json_t *tr_tune_line_measuring(const char *at, const char *label, const char *boot_id, long pid,
                               const json_t *forms, json_t *machine);
json_t *tr_tune_line_round(size_t round, const struct tr_tune_round *figures, const char *tier);
json_t *tr_tune_line_forms(const json_t *forms);
/* `separated`: 1, 0; -1 where there was nothing to be separated from. */
json_t *tr_tune_line_measured(const char *at, size_t rounds, int separated, const char *why);
json_t *tr_tune_line_stopped(const char *at);
/* "crashed" or "interrupted" */
json_t *tr_tune_line_lost(const char *at, enum tr_tune_state state, const char *label,
                          const char *boot_id, const char *why);
/* The part of a calibration's "machine" that settings differ in. */
json_t *tr_tune_machine_facts(const json_t *machine);

/* Samples of the last half second, by figure. */
json_t *tr_tune_line_samples(size_t round, double *const samples[TR_TUNE_FIGURES],
                             const size_t n[TR_TUNE_FIGURES]);

/* Nothing measured. */
void tr_tune_round_init(struct tr_tune_round *round);

#endif
