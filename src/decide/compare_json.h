/* A comparison as a document, schema tokenroof.compare/1 (docs/formats.md). */
#ifndef TR_DECIDE_COMPARE_JSON_H
#define TR_DECIDE_COMPARE_JSON_H

#include <jansson.h>

#include "changes.h"
#include "compare.h"

#define TR_COMPARE_SCHEMA "tokenroof.compare/1"

/* What was compared. */
struct tr_compared {
    const char *const *names;                  /* of the sets */
    struct tr_calibration *const *const *runs; /* runs[set][run] */
    const size_t *n_runs;
    size_t n_sets;
    struct tr_compare_options options;
    struct tr_comparison comparison;
    struct tr_changes changes;
};

/* The caller frees it with json_decref. TR_ENOMEM. */
int tr_comparison_to_json(const struct tr_compared *compared, json_t **ret_document);

#endif
