/* The figures that people look at first: for each kernel the best way of doing it, on all threads
 * and on one. */
#ifndef TR_REPORT_FIGURES_H
#define TR_REPORT_FIGURES_H

#include "tokenroof/calibration.h"

struct tr_figure {
    const struct tr_measurement *best;        /* as choice.h says */
    const struct tr_measurement *passed_over; /* wider, but in doubt; NULL if there is none */
    int metric;                               /* its place in the order of metrics */
    int kernel;                               /* its place in the order of kernels */
    bool all;                                 /* on all threads of the machine */
};

/* In their order; heap, *ret_n of them. *ret_left_out: measurements that are in none and are not
 * just a slower way of doing the same. NULL when out of memory. */
struct tr_figure *tr_figures_choose(const struct tr_calibration *calibration, size_t *ret_n,
                                    size_t *ret_left_out);
/* "fma f32, 32 threads: avx512 was disturbed (1120 GFLOP/s), avx2 stands for it; ...", raw text of
 * the file; NULL where nothing was passed over, or out of memory. Heap. */
char *tr_figure_passed_over_text(const struct tr_figure *figure);
/* FLOP for each byte that a streaming kernel was asked to move; NAN for one that computes nothing.
 */
double tr_figure_flop_per_byte(const struct tr_measurement *measurement);
/* "bandwidth GB/s" */
const char *tr_figure_head(int metric);

#endif
