/* 16-bit floats in plain C, for operands and references. */
#ifndef TR_KERNELS_HALF_H
#define TR_KERNELS_HALF_H

#include <math.h>
#include <stdint.h>
#include <string.h>

/* Value of a half-precision number (IEEE 754 binary16). */
static inline double tr_half_value(uint16_t bits) {
    int exponent = bits >> 10 & 31, fraction = bits & 1023;
    double magnitude = exponent == 31  ? (fraction ? (double)NAN : (double)INFINITY)
                       : exponent == 0 ? ldexp(fraction, -24)
                                       : ldexp(1024 + fraction, exponent - 25);
    return bits >> 15 ? -magnitude : magnitude;
}

/* Nearest half-precision number, ties to even, rounded once. */
static inline uint16_t tr_half_of(double value) {
    uint16_t sign = signbit(value) ? 0x8000 : 0;
    double magnitude = fabs(value);
    if (isnan(value))
        return 0x7e00;
    if (magnitude >= 65520) /* halfway between the largest number and the next power of two */
        return sign | 0x7c00;
    int exponent = 0;
    frexp(magnitude, &exponent); /* magnitude = [0.5, 1) * 2^exponent */
    if (exponent < -13)
        exponent = -13; /* subnormal: the spacing of the smallest normal numbers */
    /* In units of the last place; nearbyint() rounds to even. */
    double units = nearbyint(ldexp(magnitude, 11 - exponent));
    /* The leading 1, worth 1024 units, and a carry to 2048 add to the exponent by themselves. */
    return (uint16_t)(sign | ((exponent + 13) * 1024 + (int)units));
}

/* Brain float of a number that it can hold exactly. */
static inline uint16_t tr_bf16_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return (uint16_t)(bits >> 16);
}

static inline float tr_bf16_value(uint16_t half) {
    uint32_t bits = (uint32_t)half << 16;
    float value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

#endif
