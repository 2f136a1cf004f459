/* Measured tier: what a prediction takes from a calibration file. Rates of this machine's own
 * streaming, matrix and attention kernels; nothing of a catalogue. */
#ifndef TOKENROOF_MEASURED_H
#define TOKENROOF_MEASURED_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum tr_measured_op {
    TR_MEASURED_GEMV,      /* matrix x one vector, weights from memory: GB/s of weights */
    TR_MEASURED_GEMM,      /* matrix x `tokens` vectors: GFLOP/s, a multiply-add counts 2 */
    TR_MEASURED_ATTENTION, /* one token against a cache: GB/s of cache */
    TR_MEASURED_COPY,      /* GB/s nominal; stands for all that is neither product nor attention */
    TR_MEASURED_BARRIER,   /* ns */
    /* The same as GEMM in tiles (AMX): a roof, and in place of GEMM where that was not measured. */
    TR_MEASURED_GEMM_TILES,
};

/* Query heads to each pair of keys and values where attention is measured. */
enum { TR_MEASURED_QUERIES_PER_HEAD = 4 };

struct tr_measured_rate {
    enum tr_measured_op op;
    char type[16]; /* of weights or cache, as in data/quants.csv; "" without meaning */
    int threads;
    double tokens; /* at once; 1 but for GEMM */
    double rate;   /* median */
};

struct tr_measured {
    struct tr_measured_rate *rates;
    size_t n;
    double read_gb_per_s; /* best streaming read rate of the machine, any number of threads */
};

/* Rate with `threads` threads. Between two measured numbers of threads a straight line; beyond the
 * largest its rate; below the smallest in proportion. For GEMM also a straight line over the
 * logarithm of tokens, the outermost rates beyond. A type that was not measured takes the rate of
 * the nearest one that was (data/quants.csv, column nearest, step by step). NAN if there is none.
 */
double tr_measured_rate_of(const struct tr_measured *measured, enum tr_measured_op op,
                           const char *type, double tokens, int threads);

#ifdef __cplusplus
}
#endif
#endif
