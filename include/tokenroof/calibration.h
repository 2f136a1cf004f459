/* Calibration file, schema tokenroof.calibration/1: what was measured on one machine, under which
 * conditions, against which limits. Fields are listed in docs/formats.md and in
 * reports/schema/calibration-1.json.
 *
 * Everything right of this type (predict, report, compare) works from the file alone.
 */
#ifndef TOKENROOF_CALIBRATION_H
#define TOKENROOF_CALIBRATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tokenroof/curve.h"
#include "tokenroof/err.h"
#include "tokenroof/limit.h"

#ifdef __cplusplus
extern "C" {
#endif

struct json_t; /* jansson */

struct tr_strings {
    char **items;
    size_t n;
};

/* What was around one sample: all its threads together. Unknown is NAN, -1. */
struct tr_sample_conditions {
    double core_ghz;
    double window_fraction; /* time in which all threads ran / first start to last finish */
    double steal_s;         /* processor time that the hypervisor took away, whole machine */
    int64_t context_switches, page_faults, migrations;
    int64_t moved_threads; /* found on another CPU than theirs before or after the sample */
};

/* One figure. Doubles that are not known are NAN, strings NULL, integers -1. */
struct tr_measurement {
    char *kernel; /* triad copy write read fma clock ... */
    /* Written as members of params, as far as they apply. */
    char *variant;            /* how it was done, e.g. "8 streams" */
    char *quant;              /* weights' or cache's type: "q4_k" */
    char *read_write;         /* mix of reads and writes: "3:1" */
    int64_t m, n, k;          /* products: rows of weights, tokens at once, length of a row */
    int64_t batch, depth;     /* sequences; positions in the KV cache */
    double after_s;           /* load before the first sample (sustained rates) */
    double injected_gb_per_s; /* loaded latency: bandwidth of the others */
    char *isa;                /* scalar sse2 avx2 avx512 */
    char *dtype;              /* f64 f32 u64 */
    char *stores;             /* none regular nt */
    struct tr_place place;
    int threads;
    int64_t working_set_bytes; /* all threads, all arrays */
    int64_t page_bytes;        /* page size really obtained for most of the buffer */
    char *metric;              /* bandwidth compute latency clock sync rate */
    char *unit;                /* GB/s GFLOP/s ns GHz */
    char *traffic;             /* nominal bus; NULL where it has no meaning */
    double bus_per_nominal;    /* bus bytes moved for each nominal byte; NAN where meaningless */
    double best, median, mad, ci95[2];
    /* As other programs count: all bytes or operations of all samples / the sum of their times from
     * the first thread's start to the last one's finish. */
    double span_rate;
    double *samples; /* in time order */
    size_t n_samples;
    struct tr_sample_conditions *conditions; /* one a sample; NULL if not kept */
    int64_t repeated;                        /* disturbed samples that were taken again */
    /* Share of the threads' time around samples, repeated ones too, in which something else had
     * their CPUs; NAN unknown. */
    double waited_fraction;
    /* Two modes of a bimodal series, lower first, and the share of samples in the lower one. */
    double modes[2], lower_mode_share;
    double core_ghz;         /* measured within the samples, NAN if not */
    char *limit;             /* name of the limit it is set against; NULL without one */
    double efficiency;       /* median (bus bytes for memory) / limit; NAN without a limit */
    char *measured_at;       /* ISO 8601 */
    struct tr_strings flags; /* unsteady throttled migrated not_pinned small_working_set
                              * above_ceiling misplaced disturbed bimodal */
    struct tr_strings warnings;
    struct json_t *extra; /* fields of a file that this version does not know; NULL without any */
};

struct tr_calibration {
    char *path;    /* where it was read from or saved to; NULL if neither */
    char *created; /* ISO 8601 UTC */
    char *label;
    bool partial;
    char *grade;                /* "A".."D" */
    struct tr_strings reasons;  /* of the grade */
    struct tr_strings warnings; /* conditions.warnings */
    struct tr_limit *limits;
    size_t n_limits;
    struct tr_measurement *measurements;
    size_t n_measurements;
    struct tr_curve *curves;
    size_t n_curves;
    struct tr_matrix *matrices;
    size_t n_matrices;
    /* The whole document: `machine`, `conditions`, `tool` and fields this version does not know,
     * which survive a rewrite. */
    struct json_t *document;
};

/* An empty one with schema, tool and the time of creation filled in. */
int tr_calibration_create(struct tr_calibration **ret_calibration);
void tr_calibration_destroy(struct tr_calibration *calibration);

/* TR_EIO if unreadable; TR_EFORMAT if it is not JSON (with line and column), not a calibration, of
 * a newer schema (its version is named), or a field has the wrong type (the field is named). */
int tr_calibration_read(const char *path, struct tr_calibration **ret_calibration,
                        struct tr_err *reterr);
int tr_calibration_parse(const char *text, size_t length, const char *name,
                         struct tr_calibration **ret_calibration, struct tr_err *reterr);
/* The document with the typed fields written into it; caller frees with json_decref. */
int tr_calibration_to_json(const struct tr_calibration *calibration, struct json_t **ret_document);
/* Whole or not at all: temporary file in the same folder, fsync, rename. Sets ->path.
 * TR_EUSAGE if the file exists and !overwrite. */
int tr_calibration_write(struct tr_calibration *calibration, const char *path, bool overwrite,
                         struct tr_err *reterr);

/* $XDG_DATA_HOME/tokenroof/<host_id>/<created>.json; folders are made. `data_home` NULL reads
 * XDG_DATA_HOME, then HOME. */
int tr_calibration_save(struct tr_calibration *calibration, const char *data_home,
                        const char *host_id, struct tr_err *reterr);
/* Path of this host's newest non-partial file that has a read rate; TR_EUNAVAILABLE if none. */
int tr_calibration_find(const char *data_home, const char *host_id, char **ret_path,
                        struct tr_err *reterr);

/* First measurement that matches; NULL arguments and threads 0 match anything. */
const struct tr_measurement *tr_calibration_get(const struct tr_calibration *calibration,
                                                const char *kernel, const char *dtype,
                                                enum tr_place_kind kind, int index, int threads);
/* The figures that predictions rest on, at place machine; NULL if absent. The highest median over
 * variants that no flag throws doubt on. One that was slowed (unsteady, throttled, migrated,
 * not_pinned, misplaced, disturbed) stands only where its 95 % interval lies wholly above theirs,
 * or where there is no other; one with a small_working_set where there is nothing else; never one
 * that is above_ceiling. */
const struct tr_measurement *tr_calibration_read_rate(const struct tr_calibration *calibration);
const struct tr_measurement *tr_calibration_fma_rate(const struct tr_calibration *calibration,
                                                     const char *dtype);
/* A fact of the machine by path, e.g. "cpu.model", "clocks.fclk_ghz"; NULL / NAN if absent. */
const char *tr_calibration_text(const struct tr_calibration *calibration, const char *path);
double tr_calibration_number(const struct tr_calibration *calibration, const char *path);

int tr_strings_add(struct tr_strings *strings, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
bool tr_strings_has(const struct tr_strings *strings, const char *text);
void tr_strings_finish(struct tr_strings *strings);
/* All unknown. */
void tr_measurement_init(struct tr_measurement *measurement);
void tr_measurement_finish(struct tr_measurement *measurement);

#ifdef __cplusplus
}
#endif
#endif
