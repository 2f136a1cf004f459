/* The table of all kernels, put together from ops.def, isa.def and kernels.def. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "kernel.h"
#include "ref.h"

#define OP(name, what, kind, arrays, read, written, operations, sparse) \
    static const struct tr_op op_##name = {                             \
        #name, what, TR_KIND_##kind, arrays, read, written, operations, sparse, tr_ref_##name};
#define TR_OP(name, what, kind, arrays, read, written, operations) \
    OP(name, what, kind, arrays, read, written, operations, false)
#define TR_OP_SPARSE(name, what, kind, arrays, read, written, operations) \
    OP(name, what, kind, arrays, read, written, operations, true)
#include "ops.def"

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
#define ISA_vnni256 avx512
#define NEEDS_vnni256 "avx512_vnni"
#define ISA_amx amx
#define NEEDS_amx "amx_bf16"
#define ISA_amxint8 amx
#define NEEDS_amxint8 "amx_int8"
#define ISA_bf16512 avx512
#define NEEDS_bf16512 "avx512_bf16"

#define ROW(...) ROW_OF_CHAINS(__VA_ARGS__, 0, 0)
#define ROW_OF_CHAINS(cpu_flag, id, operation, dtype, stores, streams, prefetch, hint, run, set, \
                      isa, chains, adds)                                                         \
    ROW_OF(tr_k_##id##_##isa, cpu_flag, id, operation, dtype, stores, streams, prefetch, hint,   \
           run, set, isa, chains, adds)
#define ROW_OF(function_, cpu_flag, id_, operation_, dtype_, stores_, streams_, prefetch_, hint_, \
               run_, set_, isa_, chains_, adds_)                                                  \
    {.id = #id_,                                                                                  \
     .isa = #isa_,                                                                                \
     .needs = cpu_flag,                                                                           \
     .op = &op_##operation_,                                                                      \
     .dtype = TR_DTYPE_##dtype_,                                                                  \
     .stores = TR_STORES_##stores_,                                                               \
     .streams = (streams_),                                                                       \
     .prefetch_bytes = (prefetch_),                                                               \
     .hint = TR_HINT_##hint_,                                                                     \
     .run_bytes = (run_),                                                                         \
     .fused = FUSED_##isa_,                                                                       \
     .chains = (chains_),                                                                         \
     .adds = (adds_),                                                                             \
     .vector_bytes = BYTES_##isa_,                                                                \
     .set = TR_SET_##set_,                                                                        \
     .function = (function_)},
#define ROW_EXPANDED(...) ROW_OF(__VA_ARGS__)

static const struct tr_kernel kernels[] = {
#define TR_STREAM(id, op, dtype, stores, streams, prefetch, hint, run, set)     \
    ROW(NULL, id, op, dtype, stores, streams, prefetch, hint, run, set, scalar) \
    ROW(NULL, id, op, dtype, stores, streams, prefetch, hint, run, set, sse2)   \
    ROW(NULL, id, op, dtype, stores, streams, prefetch, hint, run, set, avx2)   \
    ROW(NULL, id, op, dtype, stores, streams, prefetch, hint, run, set, avx512)
#define TR_STREAM_ON(isa, needs, id, op, dtype, stores, streams, prefetch, hint, run, set) \
    ROW(needs, id, op, dtype, stores, streams, prefetch, hint, run, set, isa)
#define TR_KERNEL(id, op, dtype, stores, streams, prefetch, set) \
    TR_STREAM(id, op, dtype, stores, streams, prefetch, t0, 0, set)
#define TR_KERNEL_ON(isa, needs, id, op, dtype, stores, streams, prefetch, set) \
    TR_STREAM_ON(isa, needs, id, op, dtype, stores, streams, prefetch, t0, 0, set)
#define TR_MATRIX(flavour, id, op, dtype, parts, prefetch, hint, set)                          \
    ROW_EXPANDED(tr_k_##id##_##flavour, NEEDS_##flavour, id, op, dtype, NONE, parts, prefetch, \
                 hint, 0, set, ISA_##flavour, 0, 0)
#define TR_CHAINS(isa, needs, id, op, dtype, chains, adds, set) \
    ROW_OF_CHAINS(needs, id, op, dtype, NONE, 1, 0, t0, 0, set, isa, chains, adds)
/* Twice the multiply-adds per element, since there are halves. */
#define TR_ROOF(id, flop, set)                                                  \
    ROW_OF_CHAINS(NULL, id, roof, F64, NONE, 1, 0, t0, 0, set, scalar, flop, 0) \
    ROW_OF_CHAINS(NULL, id, roof, F64, NONE, 1, 0, t0, 0, set, sse2, flop, 0)   \
    ROW_OF_CHAINS(NULL, id, roof, F64, NONE, 1, 0, t0, 0, set, avx2, flop, 0)   \
    ROW_OF_CHAINS(NULL, id, roof, F64, NONE, 1, 0, t0, 0, set, avx512, flop, 0)
#include "kernels.def"
    /* The clock needs no vectors. */
    ROW(NULL, clock_add, clock_add, U64, NONE, 1, 0, t0, 0, MAIN, scalar)
        ROW(NULL, clock_imul, clock_imul, U64, NONE, 1, 0, t0, 0, MAIN, scalar)};

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
    static const char *const names[] = {"none", "regular", "nt", NULL};
    return names[stores];
}

bool tr_op_in_place(const struct tr_op *op) {
    return op->read_elements + op->written_elements > op->arrays;
}

bool tr_op_uses(const struct tr_op *op, int operand) {
    int sources = op->arrays - (op->written_elements > 0);
    return operand == 0 ? op->written_elements > 0 : operand <= sources;
}

enum { LINE_BYTES = 64 };

/* Stride: accesses per element of the array that is walked. */
static double access_share(const struct tr_kernel *kernel) {
    bool strided = kernel->op->sparse && kernel->run_bytes;
    return strided ? (double)tr_dtype_bytes(kernel->dtype) / kernel->run_bytes : 1;
}

static double bytes_of(const struct tr_kernel *kernel, int elements) {
    return (double)elements * (double)tr_dtype_bytes(kernel->dtype) /
           (double)tr_dtype_elements(kernel->dtype) * access_share(kernel);
}

double tr_kernel_nominal_bytes(const struct tr_kernel *kernel) {
    return bytes_of(kernel, kernel->op->read_elements + kernel->op->written_elements);
}

double tr_kernel_written_bytes(const struct tr_kernel *kernel) {
    return bytes_of(kernel, kernel->op->written_elements);
}

double tr_kernel_bus_bytes(const struct tr_kernel *kernel) {
    const struct tr_op *op = kernel->op;
    bool owns = kernel->stores == TR_STORES_REGULAR && !tr_op_in_place(op);
    if (kernel->stores == TR_STORES_UNKNOWN)
        return NAN;
    if (op->sparse)
        return LINE_BYTES * access_share(kernel);
    return tr_kernel_nominal_bytes(kernel) +
           (owns ? op->written_elements : 0) * (double)tr_dtype_bytes(kernel->dtype);
}

double tr_kernel_flop(const struct tr_kernel *kernel) {
    if (kernel->op->kind == TR_KIND_ROOF)
        return kernel->chains;
    if (kernel->op->kind != TR_KIND_COMPUTE)
        return 0;
    /* A tile of 16 rows: each element of the left operand meets the 16 of a right one's row. */
    double reuse = kernel->vector_bytes > 64 ? kernel->vector_bytes / 64.0 : 1;
    return (2.0 * kernel->chains + kernel->adds) * (double)tr_chain_lanes(kernel) * reuse;
}

double tr_kernel_element_flop(const struct tr_kernel *kernel) {
    if (kernel->op->kind == TR_KIND_ROOF)
        return kernel->chains;
    return kernel->op->operations < 0 ? (double)NAN : kernel->op->operations;
}

static void stream_variant(const struct tr_kernel *kernel, char text[TR_VARIANT_BYTES]) {
    static const char *const hints[] = {"", " to L2", " non-temporal", " for writing"};
    size_t at = 0;
    if (kernel->op->sparse) {
        if (kernel->run_bytes)
            snprintf(text, TR_VARIANT_BYTES, "every %d B", kernel->run_bytes);
        return;
    }
    if (kernel->stores == TR_STORES_UNKNOWN) {
        /* The part of the id after the operation: "libc", "rep". */
        snprintf(text, TR_VARIANT_BYTES, "%s", strchr(kernel->id, '_') + 1);
        return;
    }
    if (kernel->streams > 1)
        at += (size_t)snprintf(text, TR_VARIANT_BYTES, "%d streams, ", kernel->streams);
    if (kernel->prefetch_bytes)
        at += (size_t)snprintf(text + at, TR_VARIANT_BYTES - at, "prefetch %d B%s, ",
                               kernel->prefetch_bytes, hints[kernel->hint]);
    if (kernel->run_bytes > LINE_BYTES)
        at +=
            (size_t)snprintf(text + at, TR_VARIANT_BYTES - at, "%d B a turn, ", kernel->run_bytes);
    if (at)
        text[at - 2] = '\0';
}

void tr_kernel_variant(const struct tr_kernel *kernel, char text[TR_VARIANT_BYTES]) {
    text[0] = '\0';
    if (kernel->op->kind == TR_KIND_MATRIX)
        snprintf(text, TR_VARIANT_BYTES, "%s", kernel->needs ? kernel->needs : "");
    else if (kernel->streams > 1 && kernel->op->kind == TR_KIND_CHASE)
        snprintf(text, TR_VARIANT_BYTES, "%d chains", kernel->streams);
    else if (kernel->op->kind == TR_KIND_STREAM)
        stream_variant(kernel, text);
}
