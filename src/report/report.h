/* A calibration and predictions in the forms that people and programs read. */
#ifndef TR_REPORT_H
#define TR_REPORT_H

#include <stddef.h>

#include <jansson.h>

#include "strbuf.h"
#include "term.h"
#include "tokenroof/calibration.h"
#include "tokenroof/predict.h"

struct tr_report_input {
    const struct tr_calibration *calibration; /* NULL: predictions alone */
    struct tr_prediction *const *predictions;
    size_t n_predictions;
    struct tr_term term; /* used by text alone */
    bool verbose;        /* text: all there is, however long */
    /* Predictions as a file has them (an array of documents), in place of `predictions`. Not read
     * by csv. */
    const json_t *documents;
    const char *details; /* text: lines about the predictions, ahead of the warnings; NULL: none */
    const char *name;    /* of the file, where several are in one report; NULL unknown */
    const char *chart;   /* svg: which one; NULL: it was not said */
    /* html, in the first input: the kind of page, a file reports/page/<page>.js, where it does not
     * follow from the inputs; what it needs beside them (member "extra" of its data); and what
     * readers without scripts get in place of the inputs' Markdown, NULL: that. */
    const char *page;
    json_t *page_data;
    const char *page_text;
};

/* One of the two is NULL: a report of one input, or of several together. */
struct tr_report_format {
    const char *name;
    const char *alias; /* NULL without one */
    int (*render)(const struct tr_report_input *input, struct tr_strbuf *out);
    int (*render_several)(const struct tr_report_input *inputs, size_t n, struct tr_strbuf *out,
                          struct tr_err *reterr);
};

/* Rows of reports.def. */
const struct tr_report_format *tr_report_formats(size_t *ret_n);
/* By name or alias; NULL if there is none. */
const struct tr_report_format *tr_report_format_find(const char *name);

/* Appends to `out`. TR_EUSAGE for an unknown format, with the nearest name. */
int tr_report_render(const char *format, const struct tr_report_input *input, struct tr_strbuf *out,
                     struct tr_err *reterr);

/* The same of `n` inputs, at least one. TR_EUSAGE where the format takes one only. */
int tr_report_render_several(const char *format, const struct tr_report_input *inputs, size_t n,
                             struct tr_strbuf *out, struct tr_err *reterr);

/* The predictions of an input as an array of documents, whatever form it has them in; the caller
 * frees it with json_decref. TR_ENOMEM. */
int tr_report_documents(const struct tr_report_input *input, json_t **ret_array);
/* What the reader must know: warnings of the file and of its figures, each once, and what the
 * file's facts say and its writer did not. TR_ENOMEM. */
int tr_report_warnings(const struct tr_calibration *calibration, struct tr_strings *ret_warnings);

/* What to know before the figures are read: that limits rest on the catalogue, that channels seem
 * to be empty. The first sentence of each says what it is about. TR_ENOMEM. */
int tr_report_notices(const struct tr_calibration *calibration, struct tr_strings *ret_notices);

/* How many of `channels` (of the machine, over all packages) a read plateau looks like, when it is
 * too low for all of them; -1 when it fits all or no usual population. Reads reach 0.70 to 0.97 of
 * what the populated channels can carry; usual populations of a package are 1 channel or an even
 * number. */
int tr_channels_that_fit(double read_gb_s, double all_channels_gb_s, int channels, int packages);

#endif
