/* References of chains in registers: each lane by itself, in the order of its operations. */
#include <math.h>
#include <string.h>

#include "chains.h"
#include "half.h"
#include "ref.h"

/* --- numbers of any type, as doubles, which hold them all exactly ----------------------------- */

static double element(const struct tr_kernel *kernel, const void *base, size_t i) {
    uint16_t half;
    switch (kernel->dtype) {
    case TR_DTYPE_F64:
        return ((const double *)base)[i];
    case TR_DTYPE_F32:
        return ((const float *)base)[i];
    default:
        memcpy(&half, (const char *)base + 2 * i, 2);
        return tr_half_value(half);
    }
}

/* x * x + c, rounded as the kernel does. The exact half-precision result fits a double: x * x has
 * at most 22 digits, c 11, and the two overlap or lie close. */
static double muladd(const struct tr_kernel *kernel, double x, double c) {
    if (kernel->dtype == TR_DTYPE_F64)
        return tr_ref_muladd(kernel, x, x, c);
    if (kernel->dtype == TR_DTYPE_F16)
        return tr_half_value(tr_half_of(x * x + c));
    float single = (float)x;
    return kernel->fused ? fmaf(single, single, (float)c) : single * single + (float)c;
}

static double add(const struct tr_kernel *kernel, double x, double y) {
    return kernel->dtype == TR_DTYPE_F64 ? x + y : (double)((float)x + (float)y);
}

/* The sum adds 64-bit words of the vectors' bits: neighbouring elements make one word. */
static uint64_t in_its_word(const struct tr_kernel *kernel, double x, size_t i) {
    size_t bytes = tr_dtype_bytes(kernel->dtype);
    size_t place = tr_chain_lanes(kernel) > 1 ? i % (8 / bytes) : 0;
    float single = (float)x;
    uint32_t bits32;
    uint64_t bits;
    memcpy(&bits, &x, sizeof(bits));
    memcpy(&bits32, &single, sizeof(bits32));
    if (kernel->dtype == TR_DTYPE_F32)
        bits = bits32;
    if (kernel->dtype == TR_DTYPE_F16)
        bits = tr_half_of(x);
    return bits << (8 * bytes * place % 64);
}

/* --- floating-point chains -------------------------------------------------------------------- */

void tr_ref_fma(const struct tr_kernel *kernel, struct tr_kargs *args) {
    size_t n = (size_t)kernel->chains * tr_chain_lanes(kernel);
    double c =
        kernel->dtype == TR_DTYPE_F16 ? tr_half_value(tr_half_of(args->scalar)) : args->scalar;
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        double x = element(kernel, args->b, i);
        for (size_t turn = 0; turn < args->n; turn++)
            x = muladd(kernel, x, c);
        sum += in_its_word(kernel, x, i);
    }
    args->sum = sum;
}

/* One lane of all chains: y[i] takes the x of the turn before; which one, the spread tells. */
static uint64_t lane_of_fma_add(const struct tr_kernel *kernel, const struct tr_kargs *args,
                                size_t lane) {
    enum { MOST = 32 };
    double x[MOST] = {0}, y[MOST] = {0};
    size_t lanes = tr_chain_lanes(kernel), chains = (size_t)kernel->chains,
           adds = (size_t)kernel->adds;
    uint64_t sum = 0;
    for (size_t i = 0; i < chains; i++)
        x[i] = element(kernel, args->b, i * lanes + lane);
    for (size_t i = 0; i < adds; i++)
        y[i] = element(kernel, args->b, (chains + i) * lanes + lane);
    for (size_t turn = 0; turn < args->n; turn++)
        for (size_t i = 0; i < chains; i++) {
            size_t j = i * adds / chains;
            if (j < (i + 1) * adds / chains)
                y[j] = add(kernel, y[j], x[i]);
            x[i] = muladd(kernel, x[i], args->scalar);
        }
    for (size_t i = 0; i < chains; i++)
        sum += in_its_word(kernel, x[i], lane);
    for (size_t i = 0; i < adds; i++)
        sum += in_its_word(kernel, y[i], lane);
    return sum;
}

void tr_ref_fma_add(const struct tr_kernel *kernel, struct tr_kargs *args) {
    uint64_t sum = 0;
    for (size_t lane = 0; lane < tr_chain_lanes(kernel); lane++)
        sum += lane_of_fma_add(kernel, args, lane);
    args->sum = sum;
}

void tr_ref_fma2_add(const struct tr_kernel *kernel, struct tr_kargs *args) {
    tr_ref_fma_add(kernel, args);
}

/* --- products within vectors and tiles -------------------------------------------------------- */

/* What the 4 bytes of a left and of a right operand add to a 32-bit accumulator. Brain floats:
 * operands and accumulators are whole numbers below 2^24, so that nothing is ever rounded, whatever
 * the order (see tr_chain_operands). */
static uint32_t dot(const struct tr_kernel *kernel, uint32_t sum, const unsigned char *left,
                    const unsigned char *right) {
    if (kernel->dtype == TR_DTYPE_I8) {
        for (int i = 0; i < 4; i++)
            sum += (uint32_t)((int)left[i] * (int)(signed char)right[i]);
        return sum;
    }
    float value;
    memcpy(&value, &sum, sizeof(value));
    for (int i = 0; i < 4; i += 2) {
        uint16_t a, b;
        memcpy(&a, left + i, 2);
        memcpy(&b, right + i, 2);
        value += tr_bf16_value(a) * tr_bf16_value(b);
    }
    memcpy(&sum, &value, sizeof(sum));
    return sum;
}

static uint32_t word32(const unsigned char *bytes, size_t i) {
    uint32_t word;
    memcpy(&word, bytes + 4 * i, 4);
    return word;
}

void tr_ref_dotprod(const struct tr_kernel *kernel, struct tr_kargs *args) {
    const size_t bytes = (size_t)kernel->vector_bytes, lanes = bytes / 4;
    const unsigned char *left = args->b, *right = left + TR_DOTPROD_LEFT * bytes,
                        *start = left + tr_chain_factor_bytes(kernel);
    uint64_t sum = 0;
    for (size_t i = 0; i < (size_t)kernel->chains; i++)
        for (size_t lane = 0; lane < lanes; lane++) {
            const unsigned char *a = left + i % TR_DOTPROD_LEFT * bytes + 4 * lane;
            const unsigned char *b =
                right + i / TR_DOTPROD_LEFT % TR_DOTPROD_RIGHT * bytes + 4 * lane;
            uint32_t x = word32(start, i * lanes + lane);
            for (size_t turn = 0; turn < args->n; turn++)
                x = dot(kernel, x, a, b);
            sum += (uint64_t)x << (lane % 2 * 32);
        }
    args->sum = sum;
}

void tr_ref_tile(const struct tr_kernel *kernel, struct tr_kargs *args) {
    enum { ROWS = 16, COLUMNS = 16, GROUPS = 16 };
    const unsigned char *left = args->b, *right = left + TR_TILE_LEFT * TR_TILE_BYTES,
                        *start = left + tr_chain_factor_bytes(kernel);
    uint64_t sum = 0;
    for (size_t i = 0; i < (size_t)kernel->chains; i++)
        for (size_t at = 0; at < (size_t)ROWS * COLUMNS; at++) {
            const unsigned char *a =
                left + i / TR_TILE_RIGHT * TR_TILE_BYTES + at / COLUMNS * TR_TILE_ROW_BYTES;
            const unsigned char *b = right + i % TR_TILE_RIGHT * TR_TILE_BYTES + at % COLUMNS * 4;
            uint32_t x = word32(start, i * ROWS * COLUMNS + at);
            for (size_t turn = 0; turn < args->n; turn++)
                for (size_t k = 0; k < GROUPS; k++)
                    x = dot(kernel, x, a + 4 * k, b + k * TR_TILE_ROW_BYTES);
            sum += (uint64_t)x << (at % 2 * 32);
        }
    args->sum = sum;
}
