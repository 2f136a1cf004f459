/* Operands of chains: live, finite, and such that the result is exact. */
#include "chains.h"

#include <string.h>

#include "half.h"

static bool is_named(const struct tr_kernel *kernel, const char *op) {
    return !strcmp(kernel->op->name, op);
}

static bool has_factors(const struct tr_kernel *kernel) {
    return is_named(kernel, "dotprod") || is_named(kernel, "tile");
}

size_t tr_chain_turns(const struct tr_kernel *kernel) {
    return is_named(kernel, "tile") ? 4096 : 16384;
}

size_t tr_chain_lanes(const struct tr_kernel *kernel) {
    if (kernel->vector_bytes == 8)
        return 1; /* the scalar form has one number in a register, whatever its size */
    return (size_t)kernel->vector_bytes / tr_dtype_bytes(kernel->dtype);
}

/* Vectors or tiles before the accumulators. */
static size_t factors(const struct tr_kernel *kernel) {
    return is_named(kernel, "tile")      ? TR_TILE_LEFT + TR_TILE_RIGHT
           : is_named(kernel, "dotprod") ? TR_DOTPROD_LEFT + TR_DOTPROD_RIGHT
                                         : 0;
}

size_t tr_chain_factor_bytes(const struct tr_kernel *kernel) {
    return factors(kernel) * (size_t)kernel->vector_bytes;
}

/* Small whole numbers: sums of up to 16384 pairs, or 4096 x 32 products, stay below 2^24, so that
 * every order of summation and every way of rounding gives the same result. */
static float small_number(size_t i) {
    int value = (int)(tr_data_word(77, i) % 10) + 1;
    return (float)(tr_data_word(78, i) & 1 ? value : -value);
}

static void fill_factors(const struct tr_kernel *kernel, unsigned char *bytes) {
    size_t n = tr_chain_factor_bytes(kernel);
    if (kernel->dtype == TR_DTYPE_I8) { /* any bytes: accumulators wrap around */
        for (size_t i = 0; i < n; i++)
            bytes[i] = (unsigned char)(tr_data_word(79, i) >> 20);
        return;
    }
    for (size_t i = 0; i < n / 2; i++) {
        uint16_t bits = tr_bf16_of(small_number(i));
        memcpy(bytes + 2 * i, &bits, 2);
    }
}

/* Of dotprod and tile: 32-bit integers, or floats that are whole numbers. */
static void fill_accumulators(const struct tr_kernel *kernel, unsigned char *bytes) {
    size_t n = (size_t)kernel->chains * (size_t)kernel->vector_bytes / 4;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = (uint32_t)tr_data_word(80, i);
        float value = small_number(i);
        if (kernel->dtype != TR_DTYPE_I8)
            memcpy(&bits, &value, 4);
        memcpy(bytes + 4 * i, &bits, 4);
    }
}

size_t tr_chain_operand_bytes(const struct tr_kernel *kernel) {
    size_t chains = (size_t)kernel->chains + (size_t)kernel->adds;
    if (has_factors(kernel))
        return tr_chain_factor_bytes(kernel) + chains * (size_t)kernel->vector_bytes;
    return chains * tr_chain_lanes(kernel) * tr_dtype_bytes(kernel->dtype);
}

void tr_chain_operands(const struct tr_kernel *kernel, void *operands) {
    unsigned char *bytes = operands;
    if (has_factors(kernel)) {
        fill_factors(kernel, bytes);
        fill_accumulators(kernel, bytes + tr_chain_factor_bytes(kernel));
        return;
    }
    size_t size = tr_dtype_bytes(kernel->dtype), n = tr_chain_operand_bytes(kernel) / size;
    for (size_t i = 0; i < n; i++) {
        double x = tr_fma_start(i);
        float single = (float)x;
        uint16_t half = tr_half_of(x);
        memcpy(bytes + i * size,
               kernel->dtype == TR_DTYPE_F64   ? (const void *)&x
               : kernel->dtype == TR_DTYPE_F32 ? (const void *)&single
                                               : (const void *)&half,
               size);
    }
}
