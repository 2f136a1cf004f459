/* The kernels: loops that are timed, the table that describes them, their scalar references.
 *
 * A leaf: no allocation, no input or output, no threads. One row of a family's table (kernels.def
 * includes them all), instantiated for each row of isa.def or for the one it names, feeds
 * prototype, registry, test and `list kernels`.
 */
#ifndef TR_KERNELS_KERNEL_H
#define TR_KERNELS_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Operands of one call.
 *
 * Streams: a kernel works on `n` elements of each of its `streams` parts; part s begins
 * s * stride_bytes after a, b, c. Single-stream kernels ignore stride_bytes. Any n and any
 * alignment to the element size is right; multiples of 64 bytes are fast.
 * Chains: n iterations of all chains; `b` has what tr_chain_operands() puts there.
 * Clock: n dependent operations (a multiple of 64 is executed, rounded down).
 * Chase: n loads of each of `streams` chains; `a` has their positions (void *), in and out.
 * Patterns: n words from word `first` of `pattern` (pattern.h) on, written to a, or verified at b
 * up to the first block that differs. Matrix products: a = float results, `batch` vectors of n; b =
 * n rows of k weights, repacked, and c = `batch` vectors, stride_bytes apart, both as
 * matrix/format.h says; gemv has a batch of 1. Attention: a = float results, `batch` query heads
 * (at most TR_ATTENTION_HEADS) of k elements; b = keys and c = values of n positions, rows of k
 * elements of the cache's type, stride_bytes apart; queries = `batch` vectors as matrix/format.h
 * says, one after the other; scalar = the factor of the scores. k is a multiple of 32.
 */
#define TR_ATTENTION_HEADS 64

/* Patterns: a block is 8 vectors. */
enum { TR_PATTERN_BLOCK_WORDS = 64 };

struct tr_pattern;

struct tr_kargs {
    void *a; /* written */
    const void *b, *c;
    size_t n;
    /* Streams: how often the same operands are walked in one call, so that operands of a few KiB
     * are not measured with the cost of calls; 0 counts as 1. */
    size_t passes;
    size_t stride_bytes;
    size_t k, batch;     /* matrix kernels only */
    const void *queries; /* attention only */
    double scalar;
    /* Gather: `range` elements from b on may be asked for; this call makes the accesses number
     * first .. first + n - 1 of the random sequence. */
    size_t range, first;
    const struct tr_pattern *pattern;
    uint64_t *differences; /* out: found xor expected, of the `block` words from word `done` on */
    size_t done, block;    /* out: words that are right; 0 if all are */
    /* Out: wrap-around sum of all 64-bit words read (read), of the bits of all final chain values
     * or accumulators (dot), or of the final positions (chase), over all passes; independent of the
     * order of summation, so exact. */
    uint64_t sum;
};

typedef void tr_kernel_fn(struct tr_kargs *args);

/* Between passes over the same operands: keeps the compiler from doing only one of them. */
#define TR_NEXT_PASS() __asm__ volatile("" ::: "memory")

static inline size_t tr_passes_of(const struct tr_kargs *args) {
    return args->passes ? args->passes : 1;
}

enum tr_kernel_kind {
    TR_KIND_STREAM,  /* bytes per element count */
    TR_KIND_ROOF,    /* operations on what is loaded count */
    TR_KIND_COMPUTE, /* operations count */
    TR_KIND_CLOCK,   /* dependent operations of known latency */
    TR_KIND_CHASE,   /* dependent loads */
    TR_KIND_PATTERN, /* memory is written and verified */
    TR_KIND_MATRIX,  /* bytes of weights (gemv) or operations (gemm) count */
    TR_KIND_SYNC,    /* threads that wait for each other; no rows of the table */
};

enum tr_dtype {
#define TR_DTYPE(id, ...) TR_DTYPE_##id,
#include "dtypes.def"
#undef TR_DTYPE
    TR_DTYPE_COUNT
};
const char *tr_dtype_name(enum tr_dtype dtype);
/* Of a block, which is one element for ordinary numbers. */
size_t tr_dtype_elements(enum tr_dtype dtype);
size_t tr_dtype_bytes(enum tr_dtype dtype);

/* UNKNOWN: libc or microcode decides (memcpy, rep movsb), by size and by processor. */
enum tr_stores { TR_STORES_NONE, TR_STORES_REGULAR, TR_STORES_NT, TR_STORES_UNKNOWN };
/* As calibration files name it; NULL for UNKNOWN. */
const char *tr_stores_name(enum tr_stores stores);

/* Where a software prefetch puts the line: all caches, the second level and on, as little cache as
 * possible; or (w) lines of the result instead of the operands, to be written. */
enum tr_hint { TR_HINT_t0, TR_HINT_t1, TR_HINT_nta, TR_HINT_w };

enum tr_set {
    TR_SET_MAIN,   /* measured by default */
    TR_SET_MORE,   /* measured when asked for by name */
    TR_SET_SEARCH, /* a form that the search for the fastest one tries */
};

struct tr_kernel;

/* What an operation does, whatever the instruction set. */
struct tr_op {
    const char *name; /* "triad" */
    const char *what; /* "a = b + s * c" */
    enum tr_kernel_kind kind;
    int arrays;                          /* operands in memory: 1 = a or b alone */
    int read_elements, written_elements; /* per element of the result */
    int operations;                      /* the same; -1: see ops.def */
    bool sparse;                         /* single words are asked for, whole lines come */
    /* Scalar reference over the same operands: fills args->a and args->sum. */
    void (*reference)(const struct tr_kernel *kernel, struct tr_kargs *args);
};

struct tr_kernel {
    const char *id;  /* "triad_nt" */
    const char *isa; /* "avx512", as in isa.def */
    /* What the CPU must have besides the level, by its name in /proc/cpuinfo; NULL for no more. */
    const char *needs;
    const struct tr_op *op;
    enum tr_dtype dtype;
    enum tr_stores stores;
    int streams;        /* parts of a slice that are walked side by side */
    int prefetch_bytes; /* software prefetch distance, 0 = none */
    enum tr_hint hint;
    /* Several streams: bytes of one before the next one's turn, 0 = one to eight vectors. Stride:
     * from one word that is read to the next. */
    int run_bytes;
    bool fused;       /* multiply-add rounds once */
    int chains;       /* of multiply-adds: independent accumulators; roof: FLOP per element */
    int adds;         /* chains of additions beside them */
    int vector_bytes; /* or of a tile */
    enum tr_set set;
    tr_kernel_fn *function;
};

/* The chain of additions, for bursts between other kernels. */
tr_kernel_fn tr_k_clock_add_scalar;

/* All rows of all instruction sets, the best one last within an id. */
const struct tr_kernel *tr_kernels(size_t *ret_n);
/* NULL if there is no such row. */
const struct tr_kernel *tr_kernel_find(const char *id, const char *isa);

/* The result takes the place of an operand (a = s * a). */
bool tr_op_in_place(const struct tr_op *op);
/* Operand 0 = a, 1 = b, 2 = c. */
bool tr_op_uses(const struct tr_op *op, int operand);

/* Bytes per element that the program asked for (STREAM's count), and that the memory moves: a
 * regular store of a line that is not in a cache reads it first (read for ownership), unless the
 * operation reads it anyway; a single word brings its whole line. NAN where the kind of store is
 * unknown. */
double tr_kernel_nominal_bytes(const struct tr_kernel *kernel);
double tr_kernel_bus_bytes(const struct tr_kernel *kernel);
/* The nominal ones that are written. */
double tr_kernel_written_bytes(const struct tr_kernel *kernel);
/* Operations (floating-point or integer, 2 per multiply-add) per iteration of the chains, or
 * per element of roof; 0 for the others. */
double tr_kernel_flop(const struct tr_kernel *kernel);
/* The same per element: per number that is loaded (roof), per weight and vector (gemv, gemm), per
 * lane (chains); NAN where the chains are of two kinds and for attention, where heads decide. */
double tr_kernel_element_flop(const struct tr_kernel *kernel);
/* "8 streams, prefetch 2048 B"; empty for the plain form. */
enum { TR_VARIANT_BYTES = 64 };
void tr_kernel_variant(const struct tr_kernel *kernel, char text[TR_VARIANT_BYTES]);

/* Dot: element i is added to accumulator i % (TR_DOT_VECTORS * lanes); what is left after the last
 * whole turn, to one more. */
enum { TR_DOT_VECTORS = 8 };
/* Fill: the byte that the scalar stands for. */
static inline unsigned char tr_fill_byte(double scalar) {
    return (unsigned char)(uint64_t)(scalar * 1024);
}
/* Gather: the element of `range` that access `i` asks for. The same in the kernels' vectors. */
static inline uint64_t tr_gather_index(uint64_t i, uint64_t range) {
    uint64_t h = (i & 0xffffffffu) * 0x9e3779b1u;
    h ^= h >> 32;
    h = (h & 0xffffffffu) * 0x85ebca6bu;
    h ^= h >> 32;
    return ((h & 0xffffffffu) * (range & 0xffffffffu)) >> 32;
}

/* Pseudo-random data, the same function for kernels' buffers and tests: doubles in [1, 2) whose 52
 * low bits are a hash of seed and index, so that no page is zero or compressible. */
static inline uint64_t tr_data_word(uint64_t seed, uint64_t index) {
    uint64_t z = seed + (index + 1) * 0x9e3779b97f4a7c15u; /* splitmix64 */
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    return 0x3ff0000000000000u | (z >> 12);
}

/* Operands of chains: bytes that `b` of a call points to, and their contents: start values of fma;
 * of dotprod and tile constant factors (their bytes by themselves), then the accumulators. The
 * memory is aligned to 64 bytes. */
size_t tr_chain_operand_bytes(const struct tr_kernel *kernel);
size_t tr_chain_factor_bytes(const struct tr_kernel *kernel);
void tr_chain_operands(const struct tr_kernel *kernel, void *operands);
/* Numbers in a register; iterations of one piece of work, some 50 us. More of them, and sums of
 * brain floats would no longer be exact. */
size_t tr_chain_lanes(const struct tr_kernel *kernel);
size_t tr_chain_turns(const struct tr_kernel *kernel);

/* The chains' map x = x * x + c is chaotic on [-1.9, 1.71] for this c and never leaves it: operands
 * stay finite and their bits keep changing, as in real work. */
#define TR_FMA_C (-1.9)
/* Initial value of chain lane i, inside the interval. */
static inline double tr_fma_start(size_t i) {
    return 0.1 + 0.0078125 * (double)(i % 128) + 0.00048828125 * (double)(i / 128 % 16);
}

#endif
