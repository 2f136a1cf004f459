/* predict --observed, --learn: an engine's own results beside the predictions for the same tests.
 */
#ifndef TR_CMD_OBSERVATIONS_H
#define TR_CMD_OBSERVATIONS_H

#include <jansson.h>

#include "correction.h"
#include "observed.h"
#include "strbuf.h"
#include "term.h"
#include "tokenroof/calibration.h"

/* How the tests of one setting are predicted. */
struct tr_observed_setting {
    int threads, ubatch;    /* 0: not told */
    const char *cache_type; /* NULL: not told */
    bool no_flash_attention;
};

struct tr_observed_job {
    const struct tr_observed_list *list;
    struct tr_model *const *models; /* all of this call: a result belongs to the nearest one */
    size_t n_models;
    struct tr_observed_machine machine;
    /* Predicts `cases` as engines of that setting run them. */
    int (*predict)(void *data, const struct tr_model *model,
                   const struct tr_observed_setting *setting, const struct tr_use_case *cases,
                   size_t n_cases, struct tr_prediction **ret_prediction, struct tr_err *reterr);
    void *data;
    json_t *learned; /* array that corrections go into; NULL: nothing is learned */
};

/* The file; a bad one is TR_EFORMAT with the place. */
int tr_observed_load(const char *path, struct tr_observed_list *ret_list, struct tr_err *reterr);
/* Of a calibration: processor, cores, nodes, and what its node matrix says of placement. */
void tr_observed_machine_of(const struct tr_calibration *calibration,
                            struct tr_observed_machine *ret_machine);
/* Adds the array `observed` to the document of a model's prediction. */
int tr_observed_add(const struct tr_observed_job *job, const struct tr_model *model,
                    json_t *document, struct tr_err *reterr);
/* Writes what was learned into the calibration's file, whole or not at all. */
int tr_observed_keep(struct tr_calibration *calibration, json_t *learned, struct tr_err *reterr);

/* From a prediction's document: a table and a sentence a test; nothing where it has no `observed`.
 */
void tr_observed_text(const json_t *document, const struct tr_term *term, struct tr_strbuf *out);
/* The CSV's last cells: of an entry of `observed`, or empty ones for NULL. */
void tr_observed_csv_cells(const json_t *entry, struct tr_strbuf *out);

#endif
