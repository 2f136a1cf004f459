/* One 64-bit word at a time. Everything named v* here has the same name in the other vec files:
 * vu words, vd doubles, vf floats; VB bytes, VF floats in a vector. */
#ifndef TR_VEC_H
#define TR_VEC_H

#include <emmintrin.h> /* movnti, sfence and prefetch are part of every x86-64 */
#include <stdint.h>

#define VB 8
#define VF 1
typedef uint64_t vu;
typedef double vd;
typedef float vf;

static inline vu vu_zero(void) {
    return 0;
}
static inline vu vu_load(const void *p) {
    return *(const uint64_t *)p;
}
static inline vu vu_add(vu a, vu b) {
    return a + b;
}
static inline vu vu_set1(uint64_t x) {
    return x;
}
/* 0, 1, 2, ... */
static inline vu vu_iota(void) {
    return 0;
}
static inline void vu_store(void *p, vu x) {
    *(uint64_t *)p = x;
}
static inline vu vu_xor(vu a, vu b) {
    return a ^ b;
}
static inline vu vu_or(vu a, vu b) {
    return a | b;
}
/* The halves of each word, exchanged. */
static inline vu vu_swap32(vu a) {
    return a << 32 | a >> 32;
}
/* Whether any bit is set. */
static inline int vu_any(vu a) {
    return a != 0;
}
/* Product of the low halves of each word. */
static inline vu vu_mul32(vu a, vu b) {
    return (a & 0xffffffffu) * (b & 0xffffffffu);
}
static inline vu vu_high32(vu a) {
    return a >> 32;
}
static inline vu vu_high35(vu a) {
    return a >> 29;
}
/* The words at these indices. */
static inline vu vu_gather(const uint64_t *base, vu indices) {
    return base[indices];
}
static inline uint64_t vu_sum(vu a) {
    return a;
}
static inline vd vd_set1(double x) {
    return x;
}
static inline vd vd_load(const double *p) {
    return *p;
}
static inline void vd_store(double *p, vd x) {
    *p = x;
}
static inline void vd_stream(double *p, vd x) {
    union {
        double d;
        long long i;
    } bits = {.d = x};
    _mm_stream_si64((long long *)(void *)p, bits.i);
}
static inline vd vd_mul(vd a, vd b) {
    return a * b;
}
static inline vd vd_add(vd a, vd b) {
    return a + b;
}
static inline vd vd_sub(vd a, vd b) {
    return a - b;
}
static inline vd vd_muladd(vd a, vd b, vd c) {
    return a * b + c;
}
static inline vu vd_bits(vd x) {
    union {
        double d;
        uint64_t i;
    } bits = {.d = x};
    return bits.i;
}
static inline vd vu_double(vu x) {
    union {
        uint64_t i;
        double d;
    } bits = {.i = x};
    return bits.d;
}
static inline vf vf_set1(float x) {
    return x;
}
static inline vf vf_load(const float *p) {
    return *p;
}
static inline vf vf_muladd(vf a, vf b, vf c) {
    return a * b + c;
}
static inline vu vf_bits(vf x) {
    union {
        float f;
        uint32_t i;
    } bits = {.f = x};
    return bits.i;
}

#endif
