/* 80% intervals of predictions that were set against a real engine: data/accuracy.csv. */
#ifndef TR_PREDICT_INTERVAL_H
#define TR_PREDICT_INTERVAL_H

#include "tokenroof/predict.h"

struct tr_csv;

/* What an interval is asked for. */
struct tr_interval_wanted {
    const char *tier; /* "engine", "engine stored", "measured" */
    enum tr_phase phase;
    struct tr_checked_on machine;
};

struct tr_interval {
    double low, high; /* observed / predicted at 10 % and 90 %, widened; NAN: not checked */
    int rows;         /* steady rows to learn from that it rests on */
    int machines;     /* they were measured on */
    /* In which way the machine is another than those: more than one node, more than 16 cores,
     * another micro-architecture; NULL where it is not. Static. */
    const char *beyond[3];
    int n_beyond;
};

/* From the table that the program has in it. */
void tr_interval_find(const struct tr_interval_wanted *wanted, struct tr_interval *ret_interval);
/* From any table of that form. */
void tr_interval_from(const struct tr_csv *csv, const struct tr_interval_wanted *wanted,
                      struct tr_interval *ret_interval);
/* The ends for a basis's machine, from the rows of `tier`; NAN: not checked. */
void tr_interval_ends(const char *tier, const struct tr_basis *basis, enum tr_phase phase,
                      double *ret_low, double *ret_high);
/* What tr_interval_note() says of generation on a basis's machine. */
char *tr_interval_note_of(const char *tier, const struct tr_basis *basis);
/* A sentence for the report, heap; NULL where nothing was checked or without memory. */
char *tr_interval_note(const struct tr_interval *interval);

#endif
