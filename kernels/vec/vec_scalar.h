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
