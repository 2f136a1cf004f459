/* The figures that people look at first: for each kernel the best way of doing it, on all threads
 * and on one. */
#ifndef TR_REPORT_FIGURES_H
#define TR_REPORT_FIGURES_H

#include "tokenroof/calibration.h"

struct tr_figure {
    const struct tr_measurement *best;
    int metric; /* its place in the order of metrics */
    int kernel; /* its place in the order of kernels */
    bool all;   /* on all threads of the machine */
};

/* In their order; heap, *ret_n of them. *ret_left_out: measurements that are in none and are not
 * just a slower way of doing the same. NULL when out of memory. */
struct tr_figure *tr_figures_choose(const struct tr_calibration *calibration, size_t *ret_n,
                                    size_t *ret_left_out);
/* "bandwidth GB/s" */
const char *tr_figure_head(int metric);

#endif
