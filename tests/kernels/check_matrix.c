/* Matrix products against references in double: one block and several, rows and vectors that do not
 * fill a register, starts that are not aligned, guards around the results.
 *
 * Three kinds of data. Whole numbers with scales of one: every sum is an integer below 2^24, so the
 * result must be exact. Random ones, and scales at both ends of their range: within a bound derived
 * from the number of roundings. */
#include "check.h"

#include <float.h>
#include <math.h>
#include <sys/mman.h>

#include "matrix/format.h"

static const uint64_t seed = 20261122;

enum data { WHOLE, RANDOM, EXTREME };

enum { MAX_N = 150, MAX_K = 5 * 256, MAX_BATCH = 19, MANY_VECTORS = 531, GUARD = 16 };

static uint64_t random_word(uint64_t salt, size_t index) {
    return tr_data_word(seed + salt, index) >> 10;
}

/* Where a block's scales are, by type: offsets of 16-bit floats, -1 for none. */
struct scales {
    int f16[2];
    bool e8m0;
};
static struct scales scales_of(enum tr_dtype dtype) {
    switch (dtype) {
    case TR_DTYPE_Q4_K:
    case TR_DTYPE_Q5_K:
        return (struct scales){{0, 2}, false};
    case TR_DTYPE_Q6_K:
        return (struct scales){{208, -1}, false};
    case TR_DTYPE_MXFP4:
        return (struct scales){{-1, -1}, true};
    case TR_DTYPE_F32:
    case TR_DTYPE_F16:
    case TR_DTYPE_BF16:
        return (struct scales){{-1, -1}, false};
    default:
        return (struct scales){{0, -1}, false};
    }
}

static void set_f16(uint8_t *at, float value) {
    uint16_t bits = tr_f16_bits(value);
    memcpy(at, &bits, sizeof(bits));
}

static float scale_value(enum data data, size_t i) {
    static const float extreme[] = {6e-8F, 65504, 6.1e-5F, -65504, 0, -6e-8F, 1};
    if (data == WHOLE)
        return 1;
    if (data == EXTREME)
        return extreme[random_word(7, i) % 7];
    return (float)(1 + random_word(8, i) % 100) / 4096;
}

static float plain_value(enum data data, size_t i) {
    static const float extreme[] = {6e-8F, 65504, -65504, 1, 0, -0.0F, 6.1e-5F};
    if (data == WHOLE)
        return (float)(int)(random_word(9, i) % 129) - 64;
    if (data == EXTREME)
        return extreme[random_word(7, i) % 7];
    return (float)(random_word(9, i) % 20001) / 10000 - 1;
}

static void fill_weights(enum tr_dtype dtype, enum data data, size_t n, size_t k, uint8_t *blocks) {
    const struct scales scales = scales_of(dtype);
    const size_t bytes = tr_matrix_bytes(dtype, n, k), elements = tr_matrix_quantum(dtype);
    const size_t block = tr_matrix_bytes(dtype, 1, elements);
    if (elements != tr_dtype_elements(dtype)) { /* plain numbers */
        for (size_t i = 0; i < n * k; i++) {
            float value = plain_value(data, i);
            uint16_t bits = dtype == TR_DTYPE_F16 ? tr_f16_bits(value) : tr_bf16_bits(value);
            if (dtype == TR_DTYPE_F32)
                memcpy(blocks + 4 * i, &value, 4);
            else
                memcpy(blocks + 2 * i, &bits, 2);
        }
        return;
    }
    for (size_t i = 0; i < bytes; i++)
        blocks[i] = (uint8_t)random_word(5, i);
    for (size_t b = 0; b < bytes / block; b++) {
        for (int i = 0; i < 2; i++)
            if (scales.f16[i] >= 0)
                set_f16(blocks + b * block + scales.f16[i], scale_value(data, 2 * b + (size_t)i));
        if (scales.e8m0)
            blocks[b * block] = (uint8_t)(data == WHOLE    ? 128
                                          : data == RANDOM ? 120 + random_word(6, b) % 10
                                                           : random_word(6, b) % 180);
    }
}

/* WHOLE: the largest of every 32 is 127, so that the scale is one. */
static void fill_vector(enum data data, size_t salt, size_t k, float *x) {
    float unit = data == EXTREME ? (float)ldexp(1, (int)(random_word(3, salt) % 60) - 30) : 1;
    for (size_t i = 0; i < k; i++) {
        int whole = (int)(random_word(salt, i) % 255) - 127;
        x[i] =
            data == WHOLE ? (float)(i % 32 ? whole : 127) : unit * (float)(whole * 31 % 117) / 97;
    }
    if (data == EXTREME && salt % 3 == 0)
        memset(x, 0, k * sizeof(*x));
}

/* What the roundings can add up to, and the product itself. A lane's sum of `steps` rounded
 * additions is off by at most steps * 2^-24 * the sum of the terms' sizes. */
struct expected {
    double value, size;
};
static struct expected expect(enum tr_dtype dtype, const uint8_t *row, size_t k, const double *y) {
    struct expected e = {0, 0};
    double x[MAX_K];
    uint8_t part[MAX_K * 4];
    const struct scales scales = scales_of(dtype);
    const size_t elements = tr_matrix_quantum(dtype), block = tr_matrix_bytes(dtype, 1, elements);
    tr_matrix_row(dtype, row, k, x);
    for (size_t i = 0; i < k; i++)
        e.value += x[i] * y[i];
    /* With a minimum of its own a block is two sums: each with the other's scale at zero. */
    for (int without = scales.f16[1] < 0 ? 1 : 0; without < 2; without++) {
        memcpy(part, row, tr_matrix_bytes(dtype, 1, k));
        for (size_t b = 0; scales.f16[1] >= 0 && b < k / elements; b++)
            memset(part + b * block + scales.f16[without], 0, 2);
        tr_matrix_row(dtype, part, k, x);
        for (size_t i = 0; i < k; i++)
            e.size += fabs(x[i] * y[i]);
    }
    return e;
}

/* The vector as the kernel takes it, in double. */
static void vector_values(enum tr_activation kind, const uint8_t *vector, size_t k, double *y) {
    for (size_t i = 0; i < k; i++) {
        float number;
        uint32_t bits;
        if (kind == TR_ACTIVATION_Q8 || kind == TR_ACTIVATION_Q8_K) {
            memcpy(&number, vector + k + i / (kind == TR_ACTIVATION_Q8 ? 32 : 256) * 4, 4);
            y[i] = (double)number * (int8_t)vector[i];
            continue;
        }
        memcpy(&bits, vector + (kind == TR_ACTIVATION_BF16 ? 2 : 4) * i, 4);
        if (kind == TR_ACTIVATION_BF16)
            bits <<= 16;
        memcpy(&number, &bits, 4);
        y[i] = (double)number;
    }
}

/* Operands can end where memory does: what reads on is killed. */
struct guarded {
    uint8_t *begin, *end;
};

struct memory {
    uint8_t *blocks;
    struct guarded packed, vectors;
    float *results;
};

static struct guarded guarded(size_t bytes) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), size = (bytes + page - 1) / page * page;
    uint8_t *begin =
        mmap(NULL, size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(begin != MAP_FAILED);
    assert_int_equal(mprotect(begin + size, page, PROT_NONE), 0);
    return (struct guarded){begin, begin + size};
}

static void release(struct guarded memory) {
    munmap(memory.begin, (size_t)(memory.end - memory.begin) + (size_t)sysconf(_SC_PAGESIZE));
}

/* Aligned (shift 0), or at the end (4), or close to it (8). */
static uint8_t *place(struct guarded memory, size_t bytes, size_t shift) {
    return shift ? memory.end - bytes - (shift - 4) : memory.begin;
}

static void *aligned(size_t bytes) {
    void *memory = aligned_alloc(64, (bytes + 127) / 64 * 64);
    assert_non_null(memory);
    return memory;
}

static void check_results(const struct tr_kernel *kernel, const struct tr_kargs *args,
                          const struct memory *m, enum data data, size_t shift) {
    const enum tr_activation kind = tr_activation_of(kernel->dtype);
    const size_t row_bytes = tr_matrix_bytes(kernel->dtype, 1, args->k);
    /* Plain numbers: an addition an element, two for the pairs of VDPBF16PS; blocks: up to 16 sums
     * of parts, the scales' product, the sum. */
    double steps = kind == TR_ACTIVATION_F32 || kind == TR_ACTIVATION_BF16
                       ? 2.0 * (double)args->k
                       : 20.0 + (double)args->k / 32;
    for (size_t t = 0; t < args->batch; t++) {
        double y[MAX_K];
        vector_values(kind, (const uint8_t *)args->c + t * args->stride_bytes, args->k, y);
        for (size_t row = 0; row < args->n; row++) {
            struct expected e = expect(kernel->dtype, m->blocks + row * row_bytes, args->k, y);
            double got = (double)((const float *)args->a)[t * args->n + row];
            /* The instructions for BF16 round what is below the smallest normal number to zero. */
            double bound = data == WHOLE ? 0 : e.size * steps * 0x1p-24 + 1e-30;
            if (!(fabs(got - e.value) <= bound))
                fail_msg(
                    "%s %s: n %zu, k %zu, vector %zu of %zu, row %zu, start +%zu, data %d: %.9g, "
                    "not %.9g (+- %.3g) (seed %llu)",
                    kernel->id, kernel->isa, args->n, args->k, t, args->batch, row, shift,
                    (int)data, got, e.value, bound, (unsigned long long)seed);
        }
    }
}

static void check_case(const struct tr_kernel *kernel, const struct memory *m, size_t n, size_t k,
                       size_t batch, size_t shift, enum data data) {
    const enum tr_activation kind = tr_activation_of(kernel->dtype);
    const size_t stride = (tr_activation_bytes(kind, k) + 63) / 64 * 64 + (shift ? 4 : 64);
    float x[MAX_K];
    struct tr_kargs args = {.n = n, .k = k, .batch = batch, .stride_bytes = stride};
    const size_t vector_bytes = tr_activation_bytes(kind, k);
    uint8_t *packed = place(m->packed, tr_matrix_packed_bytes(kernel->dtype, n, k), shift);
    uint8_t *vectors = place(m->vectors, (batch - 1) * stride + vector_bytes, shift);
    fill_weights(kernel->dtype, data, n, k, m->blocks);
    tr_matrix_pack(kernel->dtype, m->blocks, n, k, packed);
    for (size_t t = 0; t < batch; t++) {
        fill_vector(data, t, k, x);
        tr_activation_make(kind, x, k, vectors + t * stride);
    }
    for (size_t i = 0; i < n * batch + 2 * GUARD; i++)
        m->results[i] = -12345.5F;
    args.a = m->results + GUARD;
    args.b = packed;
    args.c = vectors;
    kernel->function(&args);
    check_results(kernel, &args, m, data, shift);
    for (size_t i = 0; i < GUARD; i++)
        if (m->results[i] != -12345.5F || m->results[GUARD + n * batch + i] != -12345.5F)
            fail_msg("%s %s: n %zu, k %zu: writes beyond its results", kernel->id, kernel->isa, n,
                     k);
}

/* What kernels for many vectors do piece by piece: rows of over 1024 elements, groups of vectors
 * (16, 32, 512), and what is left of each. */
static void check_pieces(const struct tr_kernel *kernel, const struct memory *m, enum data data) {
    const size_t quantum = tr_matrix_quantum(kernel->dtype);
    check_case(kernel, m, 37, MAX_K / quantum * quantum, 5, 4, data);
    check_case(kernel, m, 17, (MAX_K / quantum - 3) * quantum, 33, 0, data);
    check_case(kernel, m, 49, quantum, 68, 8, data);
    check_case(kernel, m, 3, 2 * quantum, MANY_VECTORS, 0, data);
}

static void check_product(const struct tr_kernel *kernel) {
    static const size_t rows[] = {1, 8, 15, 16, 17, 31, 33, 64, 79, MAX_N};
    static const size_t blocks[] = {1, 2, 3, 5};
    static const size_t batches[] = {1, 2, 7, 8, 9, MAX_BATCH};
    const bool many = !strcmp(kernel->op->name, "gemm");
    const size_t quantum = tr_matrix_quantum(kernel->dtype);
    const size_t vector = tr_activation_bytes(tr_activation_of(kernel->dtype), MAX_K) + 128;
    const size_t weights = tr_matrix_packed_bytes(kernel->dtype, MAX_N, MAX_K);
    struct memory m = {aligned(weights), guarded(weights + 64), guarded(vector * MANY_VECTORS),
                       aligned((MAX_N * 68 + 2 * GUARD) * sizeof(float))};
    /* An emulated processor is some fifty times slower: every third number of rows, every second of
     * the others. */
    const size_t step = getenv("TOKENROOF_EMULATED") ? 2 : 1;
    for (enum data data = WHOLE; data <= EXTREME; data++)
        for (size_t b = 0; b < sizeof(blocks) / sizeof(blocks[0]); b += step)
            for (size_t i = step - 1; i < sizeof(rows) / sizeof(rows[0]); i += 2 * step - 1)
                /* gemm: each number of vectors with few rows, and many rows with few vectors */
                for (size_t j = 0; j < (many ? sizeof(batches) / sizeof(batches[0]) : 1); j += step)
                    if (rows[i] <= 17 || batches[j] <= 9)
                        check_case(kernel, &m, rows[i], blocks[b] * quantum, batches[j],
                                   (i + j) % 3 * 4, data);
    for (enum data data = WHOLE; many && step == 1 && data <= EXTREME; data++)
        check_pieces(kernel, &m, data);
    free(m.blocks);
    release(m.packed);
    release(m.vectors);
    free(m.results);
}

/* ---- attention ---- */

enum { MOST_POSITIONS = 70, MOST_HEADS = 9, MOST_HEAD = 256 };

/* A cache of n positions: rows of numbers in the cache's type. `whole` small integers, else random
 * ones of about `size`. */
static void fill_cache(enum tr_dtype dtype, bool whole, float size, size_t salt, size_t n, size_t k,
                       size_t stride, uint8_t *cache) {
    for (size_t p = 0; p < n; p++)
        for (size_t i = 0; i < k; i++) {
            uint64_t random = random_word(salt + 100 * p, i);
            uint8_t *row = cache + p * stride;
            if (dtype == TR_DTYPE_F16)
                set_f16(row + 2 * i, whole ? (float)(int)(random % 33) - 16
                                           : size * ((float)(random % 2001) / 1000 - 1));
            else {
                set_f16(row + i / 32 * 34, whole ? 1 : size / 127);
                row[i / 32 * 34 + 2 + i % 32] = (uint8_t)(whole ? random % 33 : random);
            }
        }
}

static void check_heads(const struct tr_kernel *kernel, const struct tr_kargs *args, bool whole,
                        double value_size) {
    struct tr_kargs reference = *args;
    float expected[MOST_HEADS * MOST_HEAD];
    reference.a = expected;
    kernel->op->reference(kernel, &reference);
    /* A score is a sum of up to 256 products, of size 1 or so after scaling; e^score carries its
     * error, that of the series (2^-21) and of up to 5 changes of the maximum; then up to 70 sums.
     * Relative to the largest value of the cache. */
    double bound = whole ? 0 : value_size * (256 * 8 * 0x1p-24 + 8 * 0x1p-21 + 70 * 0x1p-24);
    for (size_t i = 0; i < args->batch * args->k; i++) {
        double got = (double)((const float *)args->a)[i];
        if (!(fabs(got - (double)expected[i]) <= bound))
            fail_msg("%s %s: %zu positions, %zu heads of %zu, stride %zu, element %zu: %.9g, not "
                     "%.9g (+- %.3g) (seed %llu)",
                     kernel->id, kernel->isa, args->n, args->batch, args->k, args->stride_bytes, i,
                     got, (double)expected[i], bound, (unsigned long long)seed);
    }
}

/* Scores of all sizes: alike (queries of zero: results are means, exact for whole numbers and a
 * power of two of positions), moderate, and so far apart that one position takes all. */
static void check_cache(const struct tr_kernel *kernel, size_t n, size_t heads, size_t k,
                        size_t shift, float query_size) {
    const enum tr_activation kind = tr_activation_of(kernel->dtype);
    const size_t row = tr_dtype_bytes(kernel->dtype) * k / tr_dtype_elements(kernel->dtype);
    const size_t stride = row + (shift ? shift : 512), query_bytes = tr_activation_bytes(kind, k);
    const bool whole = query_size == 0 && (n & (n - 1)) == 0;
    uint8_t *keys = aligned(stride * n + 64), *values = aligned(stride * n + 64);
    uint8_t *queries = aligned(query_bytes * heads + 64);
    float *results = aligned((heads * k + 2 * GUARD) * sizeof(float)), x[MOST_HEAD];
    fill_cache(kernel->dtype, false, 1, 1, n, k, stride, keys + shift);
    fill_cache(kernel->dtype, whole, 2, 2, n, k, stride, values + shift);
    for (size_t h = 0; h < heads; h++) {
        for (size_t i = 0; i < k; i++)
            x[i] = query_size * ((float)(random_word(h + 50, i) % 2001) / 1000 - 1);
        tr_activation_make(kind, x, k, queries + h * query_bytes);
    }
    for (size_t i = 0; i < heads * k + 2 * GUARD; i++)
        results[i] = -12345.5F;
    struct tr_kargs args = {.a = results + GUARD,
                            .b = keys + shift,
                            .c = values + shift,
                            .queries = queries,
                            .n = n,
                            .k = k,
                            .batch = heads,
                            .stride_bytes = stride,
                            .scalar = 1 / sqrt((double)k)};
    kernel->function(&args);
    check_heads(kernel, &args, whole, 2);
    for (size_t i = 0; i < GUARD; i++)
        if (results[i] != -12345.5F || results[GUARD + heads * k + i] != -12345.5F)
            fail_msg("%s %s: writes beyond its results", kernel->id, kernel->isa);
    free(keys);
    free(values);
    free(queries);
    free(results);
}

static void check_attention(const struct tr_kernel *kernel) {
    static const size_t positions[] = {1, 2, 3, 15, 16, 17, 31, 32, 64, MOST_POSITIONS};
    static const size_t heads[] = {1, 2, 4, 7, MOST_HEADS}, sizes[] = {32, 64, 96, 128, MOST_HEAD};
    static const float queries[] = {0, 1, 30};
    for (size_t i = 0; i < sizeof(positions) / sizeof(positions[0]); i++)
        for (size_t h = 0; h < sizeof(heads) / sizeof(heads[0]); h++)
            for (size_t s = 0; s < sizeof(queries) / sizeof(queries[0]); s++)
                check_cache(kernel, positions[i], heads[h], sizes[(i + h + s) % 5], (i + h) % 3 * 2,
                            queries[s]);
}

void check_matrix(const struct tr_kernel *kernel) {
    if (!strcmp(kernel->op->name, "attention"))
        check_attention(kernel);
    else
        check_product(kernel);
}

/* Every type that has a kernel: repacked and back, block by block too; the table's sizes. */
void check_repacking(void **state) {
    static const enum tr_dtype types[] = {
        TR_DTYPE_F32,   TR_DTYPE_F16,  TR_DTYPE_BF16, TR_DTYPE_Q8_0, TR_DTYPE_Q4_0,
        TR_DTYPE_MXFP4, TR_DTYPE_Q4_K, TR_DTYPE_Q5_K, TR_DTYPE_Q6_K, TR_DTYPE_IQ4_XS};
    (void)state;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        const enum tr_dtype type = types[i];
        const size_t n = 21, k = 3 * tr_matrix_quantum(type), bytes = tr_matrix_bytes(type, n, k);
        const size_t block = tr_matrix_bytes(type, 1, k / 3);
        assert_int_equal(block * tr_dtype_elements(type),
                         tr_dtype_bytes(type) * tr_matrix_quantum(type));
        uint8_t *blocks = aligned(bytes), *packed = aligned(tr_matrix_packed_bytes(type, n, k));
        uint8_t *back = aligned(bytes), one[256];
        for (size_t at = 0; at < bytes; at++)
            blocks[at] = (uint8_t)random_word(i, at);
        tr_matrix_pack(type, blocks, n, k, packed);
        memset(back, 0, bytes);
        tr_matrix_unpack(type, packed, n, k, back);
        assert_memory_equal(blocks, back, bytes);
        assert_memory_not_equal(blocks, packed, bytes);
        for (size_t row = 0; row < n; row += 5)
            for (size_t b = 0; b < 3; b++) {
                tr_matrix_block(type, packed, row, k, b, one);
                assert_memory_equal(one, blocks + (row * 3 + b) * block, block);
            }
        free(blocks);
        free(packed);
        free(back);
    }
}

/* Random weights of the bench: finite, of one magnitude, not all alike. */
void check_random_weights(void **state) {
    static const enum tr_dtype types[] = {
        TR_DTYPE_F32,   TR_DTYPE_F16,  TR_DTYPE_BF16, TR_DTYPE_Q8_0, TR_DTYPE_Q4_0,
        TR_DTYPE_MXFP4, TR_DTYPE_Q4_K, TR_DTYPE_Q5_K, TR_DTYPE_Q6_K, TR_DTYPE_IQ4_XS};
    (void)state;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        enum { N = 32, K = 512 };
        uint8_t *packed = aligned(tr_matrix_packed_bytes(types[i], N, K));
        uint8_t *blocks = aligned(tr_matrix_bytes(types[i], N, K));
        double x[K];
        tr_matrix_random(types[i], 5, N, K, packed);
        tr_matrix_unpack(types[i], packed, N, K, blocks);
        for (size_t row = 0; row < N; row++) {
            double most = 0, sum = 0;
            tr_matrix_row(types[i], blocks + row * tr_matrix_bytes(types[i], 1, K), K, x);
            for (size_t at = 0; at < K; at++) {
                assert_true(isfinite(x[at]));
                most = fmax(most, fabs(x[at]));
                sum += fabs(x[at]);
            }
            assert_true(most >= 0.005 && most <= 40 && sum > 0.02 * K * most);
        }
        free(packed);
        free(blocks);
    }
}

void check_half_floats(void **state) {
    (void)state;
    for (unsigned bits = 0; bits < 0x10000; bits++) {
        double value = tr_f16_value((uint16_t)bits);
        if (!isnan(value))
            assert_int_equal(tr_f16_bits((float)value), bits);
    }
    assert_int_equal(tr_f16_bits(1 + 0x1p-11F), 0x3c00); /* a tie goes to the even one */
    assert_int_equal(tr_f16_bits(1 + 3 * 0x1p-11F), 0x3c02);
    assert_int_equal(tr_f16_bits(2047.9F), 0x6800); /* carries into the exponent */
    assert_int_equal(tr_f16_bits(65519), 0x7bff);
    assert_int_equal(tr_f16_bits(65520), 0x7c00);
    assert_int_equal(tr_bf16_bits(1 + 0x1p-8F), 0x3f80);
    assert_int_equal(tr_bf16_bits(1 + 3 * 0x1p-8F), 0x3f82);
}

/* Vectors in 8 bits: nearest numbers, scales and sums of their parts. */
void check_activations(void **state) {
    enum { K = 512 };
    float x[K];
    uint8_t *vector = aligned(K * 6);
    double y[K];
    (void)state;
    for (size_t i = 0; i < K; i++)
        x[i] = (float)(random_word(1, i) % 1000) / 500 - 1;
    memset(x + 256, 0, 64 * sizeof(*x));
    for (enum tr_activation kind = TR_ACTIVATION_F32; kind <= TR_ACTIVATION_Q8_K; kind++) {
        const size_t group = kind == TR_ACTIVATION_Q8 ? 32 : 256;
        tr_activation_make(kind, x, K, vector);
        vector_values(kind, vector, K, y);
        for (size_t i = 0; i < K; i++) {
            double most = 0;
            for (size_t j = i / group * group; j < (i / group + 1) * group; j++)
                most = fmax(most, fabs((double)x[j]));
            double step = kind == TR_ACTIVATION_F32    ? 0
                          : kind == TR_ACTIVATION_BF16 ? fabs((double)x[i]) * 0x1p-7
                                                       : most / 127;
            assert_true(fabs(y[i] - (double)x[i]) <= step * 0.5001);
        }
    }
    tr_activation_make(TR_ACTIVATION_Q8, x, K, vector);
    int32_t sum = 0, start;
    for (size_t i = 32; i < 64; i++)
        sum += (int8_t)vector[i];
    memcpy(&start, vector + K + K / 8 + 4, 4);
    assert_int_equal(start, -8 * sum);
    free(vector);
}
