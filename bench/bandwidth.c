/* Bandwidth: every form of read, write, copy and triad (the others when asked for), in the best
 * instruction set. */
#include "bench.h"

bool tr_bench_bandwidth(const struct tr_bench_request *request, const struct tr_kernel *row) {
    return row == tr_bench_best(request, row->id) && (row->main_set || request->n_names);
}
