/* What was bought: a JSON file that a machine is held against, schema tokenroof.expectation/1
 * (docs/formats.md, reports/schema/expectation-1.json). */
#ifndef TR_DECIDE_EXPECTATION_H
#define TR_DECIDE_EXPECTATION_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "tokenroof/calibration.h"

#define TR_EXPECTATION_SCHEMA "tokenroof.expectation/1"

/* A figure by the name that tr_figures_add_run() gives it, and the bound that it must keep. */
struct tr_expected_figure {
    char *name;
    char *unit;
    double least, most; /* NAN: no such bound */
};

struct tr_expected_model {
    char *model;
    double pp_tok_s, tg_tok_s; /* least of pp512 and tg128; NAN: not asked for */
};

/* Unknown or not asked for: NULL, NAN. */
struct tr_expectation {
    char *path;
    char *cpu_model;
    double sockets, cores;
    double modules, memory_bytes, channels, mts; /* least */
    char *nps, *smt;
    struct tr_expected_figure *figures;
    size_t n_figures;
    double core_spread, ccd_spread, node_spread; /* fractions, at most */
    struct tr_expected_model *models;
    size_t n_models;
};

/* TR_EIO; TR_EFORMAT with the line or the field, unknown fields too: a typing error must not switch
 * a check off. */
int tr_expectation_read(const char *path, struct tr_expectation *ret_expectation,
                        struct tr_err *reterr);
int tr_expectation_parse(const char *text, size_t length, const char *name,
                         struct tr_expectation *ret_expectation, struct tr_err *reterr);
/* Whether its figures are in the units in which they were measured. TR_EFORMAT names the field. */
int tr_expectation_check_units(const struct tr_expectation *expectation,
                               const struct tr_calibration *calibration, struct tr_err *reterr);
void tr_expectation_finish(struct tr_expectation *expectation);

struct tr_model_speed;
/* From a good machine: its facts, its figures less `margin` (0.05 = 5%), the spreads between its
 * parts and as much on top. The caller frees the document with json_decref. TR_ENOMEM. */
int tr_expectation_of(const json_t *machine, const struct tr_calibration *calibration,
                      const struct tr_model_speed *speeds, size_t n_speeds, double margin,
                      json_t **ret_document);

#endif
