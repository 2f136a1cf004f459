/* References of the kernels in matrix.def: blocks as numbers, sums in double. */
#include <math.h>
#include <string.h>

#include "matrix/format.h"
#include "ref.h"

static double f16_at(const uint8_t *p) {
    uint16_t bits;
    memcpy(&bits, p, sizeof(bits));
    return tr_f16_value(bits);
}

static void row_q8_0(const uint8_t *block, double *x) {
    for (int i = 0; i < 32; i++)
        x[i] = f16_at(block) * (int8_t)block[2 + i];
}

static void row_q4_0(const uint8_t *block, double *x) {
    for (int i = 0; i < 16; i++) {
        x[i] = f16_at(block) * ((block[2 + i] & 15) - 8);
        x[i + 16] = f16_at(block) * ((block[2 + i] >> 4) - 8);
    }
}

static void row_mxfp4(const uint8_t *block, double *x) {
    static const double values[16] = {0,  0.5,  1,  1.5,  2,  3,  4,  6,
                                      -0, -0.5, -1, -1.5, -2, -3, -4, -6};
    double scale = ldexp(1, block[0] - 127);
    for (int i = 0; i < 16; i++) {
        x[i] = scale * values[block[1 + i] & 15];
        x[i + 16] = scale * values[block[1 + i] >> 4];
    }
}

/* Scale (or, at +4 bytes, minimum) `at` of the 12 packed bytes of Q4_K and Q5_K. */
static int six_bits(const uint8_t *packed, int at, int offset) {
    if (at < 4)
        return packed[at + offset] & 63;
    int low = offset ? packed[at + 4] >> 4 : packed[at + 4] & 15;
    return low | (packed[at - 4 + offset] >> 6) << 4;
}

static void row_q45_k(const uint8_t *block, const uint8_t *quants, const uint8_t *high, double *x) {
    double d = f16_at(block), dmin = f16_at(block + 2);
    for (int part = 0; part < 8; part++) {
        double scale = d * six_bits(block + 4, part, 0), min = dmin * six_bits(block + 4, part, 4);
        for (int i = 0; i < 32; i++) {
            int byte = quants[part / 2 * 32 + i], q = part % 2 ? byte >> 4 : byte & 15;
            if (high)
                q += (high[i] >> part & 1) * 16;
            x[part * 32 + i] = scale * q - min;
        }
    }
}

static void row_q6_k(const uint8_t *block, double *x) {
    const uint8_t *low = block, *high = block + 128;
    const int8_t *scales = (const int8_t *)(block + 192);
    double d = f16_at(block + 208);
    for (int at = 0; at < 256; at++) {
        int piece = at / 128, run = at % 128 / 32, i = at % 32;
        int byte = low[piece * 64 + run % 2 * 32 + i];
        int q = (run < 2 ? byte & 15 : byte >> 4) | (high[piece * 32 + i] >> 2 * run & 3) << 4;
        const int8_t scale = scales[at / 16];
        x[at] = d * scale * (q - 32);
    }
}

static void row_iq4_xs(const uint8_t *block, double *x) {
    static const int levels[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                   1,    13,   25,  38,  53,  69,  89,  113};
    int high = block[2] | block[3] << 8;
    for (int part = 0; part < 8; part++) {
        int scale = (block[4 + part / 2] >> part % 2 * 4 & 15) | (high >> 2 * part & 3) << 4;
        for (int i = 0; i < 32; i++) {
            int byte = block[8 + part * 16 + i % 16];
            x[part * 32 + i] =
                f16_at(block) * (scale - 32) * levels[i < 16 ? byte & 15 : byte >> 4];
        }
    }
}

static void row_plain(enum tr_dtype dtype, const uint8_t *numbers, size_t k, double *x) {
    for (size_t i = 0; i < k; i++) {
        uint32_t bits = 0;
        float value;
        if (dtype == TR_DTYPE_F16) {
            x[i] = f16_at(numbers + 2 * i);
            continue;
        }
        if (dtype == TR_DTYPE_F32)
            memcpy(&bits, numbers + 4 * i, 4);
        else
            bits = (uint32_t)numbers[2 * i] << 16 | (uint32_t)numbers[2 * i + 1] << 24;
        memcpy(&value, &bits, sizeof(value));
        x[i] = (double)value;
    }
}

void tr_matrix_row(enum tr_dtype dtype, const void *blocks, size_t k, double *ret_x) {
    const uint8_t *block = blocks;
    const size_t elements = tr_matrix_quantum(dtype), bytes = tr_matrix_bytes(dtype, 1, elements);
    if (dtype == TR_DTYPE_F32 || dtype == TR_DTYPE_F16 || dtype == TR_DTYPE_BF16) {
        row_plain(dtype, block, k, ret_x);
        return;
    }
    for (size_t b = 0; b < k / elements; b++, block += bytes, ret_x += elements) {
        if (dtype == TR_DTYPE_Q8_0)
            row_q8_0(block, ret_x);
        else if (dtype == TR_DTYPE_Q4_0)
            row_q4_0(block, ret_x);
        else if (dtype == TR_DTYPE_MXFP4)
            row_mxfp4(block, ret_x);
        else if (dtype == TR_DTYPE_Q4_K)
            row_q45_k(block, block + 16, NULL, ret_x);
        else if (dtype == TR_DTYPE_Q5_K)
            row_q45_k(block, block + 48, block + 16, ret_x);
        else if (dtype == TR_DTYPE_Q6_K)
            row_q6_k(block, ret_x);
        else
            row_iq4_xs(block, ret_x);
    }
}

/* Element i of a vector as the kernels take it. */
static double element(enum tr_activation kind, const uint8_t *vector, size_t k, size_t i) {
    float scale;
    uint32_t bits = 0;
    switch (kind) {
    case TR_ACTIVATION_Q8:
    case TR_ACTIVATION_Q8_K:
        memcpy(&scale, vector + k + i / (kind == TR_ACTIVATION_Q8 ? 32 : 256) * 4, 4);
        return (double)scale * (int8_t)vector[i];
    case TR_ACTIVATION_BF16:
        bits = (uint32_t)vector[2 * i] << 16 | (uint32_t)vector[2 * i + 1] << 24;
        memcpy(&scale, &bits, sizeof(scale));
        return (double)scale;
    default:
        memcpy(&scale, vector + 4 * i, 4);
        return (double)scale;
    }
}

double tr_matrix_product(enum tr_dtype dtype, const void *packed, size_t row, size_t k,
                         const void *vector, double *ret_size) {
    enum { MOST_ELEMENTS = 256, MOST_BYTES = 256 }; /* of a block */
    const enum tr_activation kind = tr_activation_of(dtype);
    const size_t quantum = tr_matrix_quantum(dtype);
    double sum = 0, size = 0, x[MOST_ELEMENTS] = {0};
    uint8_t block[MOST_BYTES];
    for (size_t at = 0; at < k; at += quantum) {
        tr_matrix_block(dtype, packed, row, k, at / quantum, block);
        tr_matrix_row(dtype, block, quantum, x);
        for (size_t i = 0; i < quantum; i++) {
            double term = x[i] * element(kind, vector, k, at + i);
            sum += term;
            size += fabs(term);
        }
    }
    *ret_size = size;
    return sum;
}

void tr_ref_gemm(const struct tr_kernel *kernel, struct tr_kargs *args) {
    double size;
    for (size_t t = 0; t < args->batch; t++)
        for (size_t row = 0; row < args->n; row++)
            ((float *)args->a)[t * args->n + row] =
                (float)tr_matrix_product(kernel->dtype, args->b, row, args->k,
                                         (const uint8_t *)args->c + t * args->stride_bytes, &size);
}

void tr_ref_gemv(const struct tr_kernel *kernel, struct tr_kargs *args) {
    struct tr_kargs one = *args;
    one.batch = 1;
    tr_ref_gemm(kernel, &one);
}

/* Element i of a row of the cache. */
static double cached(enum tr_dtype dtype, const void *row, size_t i) {
    const uint8_t *bytes = row;
    if (dtype == TR_DTYPE_F16)
        return f16_at(bytes + 2 * i);
    return f16_at(bytes + i / 32 * 34) * (int8_t)bytes[i / 32 * 34 + 2 + i % 32];
}

static double score(enum tr_dtype dtype, const struct tr_kargs *args, const uint8_t *query,
                    size_t position) {
    const enum tr_activation kind = tr_activation_of(dtype);
    double sum = 0;
    for (size_t i = 0; i < args->k; i++)
        sum += element(kind, query, args->k, i) *
               cached(dtype, (const uint8_t *)args->b + position * args->stride_bytes, i);
    return sum * args->scalar;
}

void tr_ref_attention(const struct tr_kernel *kernel, struct tr_kargs *args) {
    enum { MOST_K = 512 }; /* a leaf has no memory of its own */
    const enum tr_dtype dtype = kernel->dtype;
    const size_t query_bytes = tr_activation_bytes(tr_activation_of(dtype), args->k);
    for (size_t head = 0; head < args->batch; head++) {
        const uint8_t *query = (const uint8_t *)args->queries + head * query_bytes;
        double most = -INFINITY, weights = 0, sums[MOST_K] = {0};
        for (size_t p = 0; p < args->n; p++)
            most = fmax(most, score(dtype, args, query, p));
        for (size_t p = 0; p < args->n; p++) {
            const uint8_t *row = (const uint8_t *)args->c + p * args->stride_bytes;
            double weight = exp(score(dtype, args, query, p) - most);
            weights += weight;
            for (size_t i = 0; i < args->k && i < MOST_K; i++)
                sums[i] += weight * cached(dtype, row, i);
        }
        for (size_t i = 0; i < args->k && i < MOST_K; i++)
            ((float *)args->a)[head * args->k + i] = (float)(sums[i] / weights);
    }
}
