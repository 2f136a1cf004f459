#include "bench.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

static const struct tr_bench benches[] = {
#define TR_BENCH(name, kind, seconds, what) {#name, what, TR_KIND_##kind, seconds, tr_bench_##name},
#include "benches.def"
#undef TR_BENCH
};

const struct tr_bench *tr_benches(size_t *ret_n) {
    *ret_n = sizeof(benches) / sizeof(benches[0]);
    return benches;
}

bool tr_bench_matches(const struct tr_bench *bench, const struct tr_kernel *kernel,
                      const char *name) {
    return bench->kind == kernel->op->kind &&
           (!fnmatch(name, bench->name, 0) || !fnmatch(name, kernel->op->name, 0) ||
            !fnmatch(name, kernel->id, 0));
}

static bool wanted(const struct tr_bench_request *request, const struct tr_bench *bench,
                   const struct tr_kernel *kernel) {
    for (size_t i = 0; i < request->n_names; i++)
        if (tr_bench_matches(bench, kernel, request->names[i]))
            return true;
    return request->n_names == 0;
}

bool tr_bench_available(const struct tr_bench_request *request, const struct tr_kernel *kernel) {
    int isa = tr_isa_from_name(kernel->isa);
    if (kernel->needs && !tr_cpu_has(&request->machine->cpu, kernel->needs))
        return false;
    return isa >= 0 && (request->isa_cap < 0 || isa <= request->isa_cap) &&
           request->machine->cpu.levels[isa].available;
}

const struct tr_kernel *tr_bench_best(const struct tr_bench_request *request, const char *id) {
    size_t n;
    const struct tr_kernel *kernels = tr_kernels(&n), *best = NULL;
    for (size_t i = 0; i < n; i++)
        if (!strcmp(kernels[i].id, id) && tr_bench_available(request, &kernels[i]))
            best = &kernels[i]; /* rows of an id go from worst to best */
    return best;
}

int tr_bench_kernels(const struct tr_bench_request *request, const struct tr_bench *bench,
                     const struct tr_kernel ***ret_kernels, size_t *ret_n) {
    size_t n_rows, n = 0;
    const struct tr_kernel *rows = tr_kernels(&n_rows);
    const struct tr_kernel **kernels = malloc(n_rows * sizeof(*kernels));
    if (!kernels)
        return TR_ENOMEM;
    for (size_t i = 0; i < n_rows; i++)
        if (rows[i].op->kind == bench->kind && tr_bench_available(request, &rows[i]) &&
            wanted(request, bench, &rows[i]) && bench->takes(request, &rows[i]))
            kernels[n++] = &rows[i];
    *ret_kernels = kernels;
    *ret_n = n;
    return 0;
}
