/* The table of all kernels, put together from ops.def, isa.def and kernels.def. */
#include <stdio.h>
#include <string.h>

#include "kernel.h"
#include "ref.h"

#define TR_OP(name, what, kind, arrays, read, written)                             \
    static const struct tr_op op_##name = {#name, what,    TR_KIND_##kind, arrays, \
                                           read,  written, tr_ref_##name};
#include "ops.def"
#undef TR_OP

#define TR_KERNEL(id, ...) \
    extern tr_kernel_fn tr_k_##id##_scalar, tr_k_##id##_sse2, tr_k_##id##_avx2, tr_k_##id##_avx512;
#define TR_KERNEL_ON(isa, needs, id, ...) extern tr_kernel_fn tr_k_##id##_##isa;
#define TR_MATRIX(flavour, id, ...) extern tr_kernel_fn tr_k_##id##_##flavour;
#include "kernels.def"
extern tr_kernel_fn tr_k_clock_imul_scalar;

/* The constants of isa.def by name, for the rows below. */
#define TR_ISA_ROW(name, bytes, fused) enum { BYTES_##name = bytes, FUSED_##name = fused };
#include "isa.def"
#undef TR_ISA_ROW

/* Flavours of matrix.def: the level, and what it needs besides. */
#define ISA_avx2 avx2
#define NEEDS_avx2 NULL
#define ISA_avxvnni avx2
#define NEEDS_avxvnni "avx_vnni"
#define ISA_avx512 avx512
#define NEEDS_avx512 NULL
#define ISA_vnni512 avx512
#define NEEDS_vnni512 "avx512_vnni"
#define ISA_bf16512 avx512
#define NEEDS_bf16512 "avx512_bf16"

#define SET_MAIN true
#define SET_MORE false
#define ROW(...) ROW_OF_CHAINS(__VA_ARGS__, 0, 0)
#define ROW_OF_CHAINS(cpu_flag, id, operation, dtype, stores, streams, prefetch, set, isa, chains, \
                      adds)                                                                        \
    ROW_OF(tr_k_##id##_##isa, cpu_flag, id, operation, dtype, stores, streams, prefetch, set, isa, \
           chains, adds)
#define ROW_OF(function_, cpu_flag, id_, operation_, dtype_, stores_, streams_, prefetch_, set, \
               isa_, chains_, adds_)                                                            \
    {.id = #id_,                                                                                \
     .isa = #isa_,                                                                              \
     .needs = cpu_flag,                                                                         \
     .op = &op_##operation_,                                                                    \
     .dtype = TR_DTYPE_##dtype_,                                                                \
     .stores = TR_STORES_##stores_,                                                             \
     .streams = (streams_),                                                                     \
     .prefetch_bytes = (prefetch_),                                                             \
     .fused = FUSED_##isa_,                                                                     \
     .chains = (chains_),                                                                       \
     .adds = (adds_),                                                                           \
     .vector_bytes = BYTES_##isa_,                                                              \
     .main_set = SET_##set,                                                                     \
     .function = (function_)},
#define ROW_EXPANDED(...) ROW_OF(__VA_ARGS__)

static const struct tr_kernel kernels[] = {
#define TR_KERNEL(id, op, dtype, stores, streams, prefetch, set)     \
    ROW(NULL, id, op, dtype, stores, streams, prefetch, set, scalar) \
    ROW(NULL, id, op, dtype, stores, streams, prefetch, set, sse2)   \
    ROW(NULL, id, op, dtype, stores, streams, prefetch, set, avx2)   \
    ROW(NULL, id, op, dtype, stores, streams, prefetch, set, avx512)
#define TR_KERNEL_ON(isa, needs, id, op, dtype, stores, streams, prefetch, set) \
    ROW(needs, id, op, dtype, stores, streams, prefetch, set, isa)
#define TR_MATRIX(flavour, id, op, dtype, parts, prefetch, set)                                \
    ROW_EXPANDED(tr_k_##id##_##flavour, NEEDS_##flavour, id, op, dtype, NONE, parts, prefetch, \
                 set, ISA_##flavour, 0, 0)
#define TR_CHAINS(isa, needs, id, op, dtype, chains, adds, set) \
    ROW_OF_CHAINS(needs, id, op, dtype, NONE, 1, 0, set, isa, chains, adds)
#include "kernels.def"
    /* The clock needs no vectors. */
    ROW(NULL, clock_add, clock_add, U64, NONE, 1, 0, MAIN, scalar)
        ROW(NULL, clock_imul, clock_imul, U64, NONE, 1, 0, MAIN, scalar)};

const struct tr_kernel *tr_kernels(size_t *ret_n) {
    *ret_n = sizeof(kernels) / sizeof(kernels[0]);
    return kernels;
}

const struct tr_kernel *tr_kernel_find(const char *id, const char *isa) {
    for (size_t i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++)
        if (!strcmp(kernels[i].id, id) && !strcmp(kernels[i].isa, isa))
            return &kernels[i];
    return NULL;
}

static const struct {
    const char *name;
    size_t elements, bytes;
} dtypes[] = {
#define TR_DTYPE(id, name, elements, bytes) {name, elements, bytes},
#include "dtypes.def"
#undef TR_DTYPE
};

const char *tr_dtype_name(enum tr_dtype dtype) {
    return dtypes[dtype].name;
}

size_t tr_dtype_elements(enum tr_dtype dtype) {
    return dtypes[dtype].elements;
}

size_t tr_dtype_bytes(enum tr_dtype dtype) {
    return dtypes[dtype].bytes;
}

const char *tr_stores_name(enum tr_stores stores) {
    static const char *const names[] = {"none", "regular", "nt"};
    return names[stores];
}

double tr_kernel_nominal_bytes(const struct tr_kernel *kernel) {
    const struct tr_op *op = kernel->op;
    return (double)(op->read_elements + op->written_elements) *
           (double)tr_dtype_bytes(kernel->dtype);
}

double tr_kernel_bus_bytes(const struct tr_kernel *kernel) {
    double owned = kernel->stores == TR_STORES_REGULAR ? kernel->op->written_elements : 0;
    return tr_kernel_nominal_bytes(kernel) + owned * (double)tr_dtype_bytes(kernel->dtype);
}

double tr_kernel_flop(const struct tr_kernel *kernel) {
    if (kernel->op->kind != TR_KIND_COMPUTE)
        return 0;
    /* A tile of 16 rows: each element of the left operand meets the 16 of a right one's row. */
    double reuse = kernel->vector_bytes > 64 ? kernel->vector_bytes / 64.0 : 1;
    return (2.0 * kernel->chains + kernel->adds) * (double)tr_chain_lanes(kernel) * reuse;
}

void tr_kernel_variant(const struct tr_kernel *kernel, char text[48]) {
    text[0] = '\0';
    if (kernel->op->kind == TR_KIND_MATRIX)
        snprintf(text, 48, "%s", kernel->needs ? kernel->needs : "");
    else if (kernel->streams > 1 && kernel->op->kind == TR_KIND_CHASE)
        snprintf(text, 48, "%d chains", kernel->streams);
    else if (kernel->streams > 1)
        snprintf(text, 48, "%d streams, prefetch %d B", kernel->streams, kernel->prefetch_bytes);
}
