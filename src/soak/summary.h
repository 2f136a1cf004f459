/* What a soak found, put together from the lines of its record as they are written, or as they are
 * read again later: one way for the run that ended and for the one that was killed. */
#ifndef TR_SOAK_SUMMARY_H
#define TR_SOAK_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "phases.h"
#include "tokenroof/err.h"

#define TR_SOAK_SCHEMA "tokenroof.soak/1"
#define TR_SOAK_RECORD_SCHEMA "tokenroof.soak-record/1"

/* Columns of a second. Counters count from the soak's start. */
enum tr_soak_column {
    TR_SOAK_GB_S,
    TR_SOAK_GFLOP_S,
    TR_SOAK_CORE_GHZ,
    TR_SOAK_CORE_GHZ_MIN,
    TR_SOAK_CLOCK_SHARE_MIN, /* of a core's highest clock in the same chain */
    TR_SOAK_CPU_CELSIUS,
    TR_SOAK_CPU_LIMIT_CELSIUS,
    TR_SOAK_MEMORY_CELSIUS,
    TR_SOAK_MEMORY_LIMIT_CELSIUS,
    TR_SOAK_POWER_W,
    TR_SOAK_PROCHOT,
    TR_SOAK_CORE_THROTTLES,
    TR_SOAK_PACKAGE_THROTTLES,
    TR_SOAK_CORRECTED,
    TR_SOAK_UNCORRECTED,
    TR_SOAK_MACHINE_CHECKS,
    TR_SOAK_DEFERRED,
    TR_SOAK_THRESHOLDS,
    TR_SOAK_MEMORY_MISMATCHES,
    TR_SOAK_COMPUTE_MISMATCHES,
    TR_SOAK_VERIFIED_BYTES,
    TR_SOAK_COLUMNS
};
/* The field's name: "gb_s", ... */
const char *tr_soak_column_name(enum tr_soak_column column);

struct tr_soak_second {
    double t_s, span_s;             /* end, and length */
    int stage;                      /* enum tr_soak_load; -1: several */
    double values[TR_SOAK_COLUMNS]; /* NAN unknown */
};
void tr_soak_second_init(struct tr_soak_second *second);
/* Two that follow each other as one: rates by their mean, heat by its highest, clocks by their
 * lowest, counters by the later one. */
void tr_soak_second_join(struct tr_soak_second *first, const struct tr_soak_second *later);

enum { TR_SOAK_MOST_SECONDS = 3600 };

struct tr_soak_summary {
    json_t *head;                   /* the record's first line; NULL before */
    json_t *nodes;                  /* how much of each was tested, as told last; NULL before */
    json_t *modules;                /* modules with errors, as told last; NULL: none */
    json_t *mismatches;             /* array; the first ones */
    json_t *notes;                  /* array of texts */
    struct tr_soak_second *seconds; /* joined by twos whenever they become too many */
    size_t n_seconds;
    double span_s; /* of one of them, at least */
    struct tr_soak_sum {
        double span_s, gb, gflop;
    } sums[TR_SOAK_STAGES];
    double t_s; /* end of the last second */
    bool ended, stopped;
    bool killed; /* the program was found to be gone in the boot of the soak */
};
int tr_soak_summary_init(struct tr_soak_summary *summary);
void tr_soak_summary_finish(struct tr_soak_summary *summary);
/* One line of the record. TR_EFORMAT with what was expected; TR_ENOMEM. */
int tr_soak_summary_add(struct tr_soak_summary *summary, const json_t *line, struct tr_err *reterr);
/* A whole record. A last line that was cut off is left out. TR_EIO, TR_EFORMAT. */
int tr_soak_summary_read(const char *path, struct tr_soak_summary *summary, struct tr_err *reterr);
bool tr_soak_summary_is_partial(const struct tr_soak_summary *summary);

/* judge.c: the document, schema tokenroof.soak/1, with the verdicts. */
int tr_soak_document(const struct tr_soak_summary *summary, json_t **ret_document);

#endif
