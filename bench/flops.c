/* Chains of multiply-adds of every type: every instruction set at all threads (the clock may differ
 * between them), the best one alone for a single thread. Scalar only where there is nothing better;
 * FMA with additions beside it when asked for, and in --full. */
#include "bench.h"

#include <string.h>

bool tr_bench_flops(const struct tr_bench_request *request, const struct tr_kernel *row) {
    if (row->set != TR_SET_MAIN && !request->n_names)
        return request->full && request->all_threads && row == tr_bench_best(request, row->id);
    if (request->quick && !request->all_threads && strcmp(row->op->name, "fma") != 0)
        return false;
    if (row == tr_bench_best(request, row->id))
        return true;
    return request->all_threads && !request->quick && strcmp(row->isa, "scalar");
}
