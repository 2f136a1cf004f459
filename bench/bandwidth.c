/* Bandwidth: the plain forms of read, write, copy and triad (other operations when asked for), in
 * the best instruction set. Forms that only the search tries are measured when named in full. */
#include "bench.h"

#include <string.h>

static bool is_named_in_full(const struct tr_bench_request *request, const char *id) {
    for (size_t i = 0; i < request->n_names; i++)
        if (!strcmp(request->names[i], id))
            return true;
    return false;
}

bool tr_bench_bandwidth(const struct tr_bench_request *request, const struct tr_kernel *row) {
    if (row != tr_bench_best(request, row->id))
        return false;
    if (row->set == TR_SET_SEARCH)
        return is_named_in_full(request, row->id);
    if (request->quick && !request->all_threads && strcmp(row->op->name, "read") != 0)
        return false; /* each array takes seconds to fill where caches are large */
    return row->set == TR_SET_MAIN || request->n_names;
}
