/* 128-bit vectors of SSE2; see vec_scalar.h for the names. */
#ifndef TR_VEC_H
#define TR_VEC_H

#include <emmintrin.h>
#include <stdint.h>

#define VB 16
#define VF 4
typedef __m128i vu;
typedef __m128d vd;
typedef __m128 vf;

static inline vu vu_zero(void) {
    return _mm_setzero_si128();
}
static inline vu vu_load(const void *p) {
    return _mm_loadu_si128((const __m128i *)p);
}
static inline vu vu_add(vu a, vu b) {
    return _mm_add_epi64(a, b);
}
static inline uint64_t vu_sum(vu a) {
    uint64_t words[2];
    _mm_storeu_si128((__m128i *)(void *)words, a);
    return words[0] + words[1];
}
static inline vd vd_set1(double x) {
    return _mm_set1_pd(x);
}
static inline vd vd_load(const double *p) {
    return _mm_loadu_pd(p);
}
static inline void vd_store(double *p, vd x) {
    _mm_storeu_pd(p, x);
}
static inline void vd_stream(double *p, vd x) {
    _mm_stream_pd(p, x);
}
static inline vd vd_mul(vd a, vd b) {
    return _mm_mul_pd(a, b);
}
static inline vd vd_add(vd a, vd b) {
    return _mm_add_pd(a, b);
}
static inline vd vd_muladd(vd a, vd b, vd c) {
    return _mm_add_pd(_mm_mul_pd(a, b), c);
}
static inline vu vd_bits(vd x) {
    return _mm_castpd_si128(x);
}
static inline vf vf_set1(float x) {
    return _mm_set1_ps(x);
}
static inline vf vf_load(const float *p) {
    return _mm_loadu_ps(p);
}
static inline vf vf_muladd(vf a, vf b, vf c) {
    return _mm_add_ps(_mm_mul_ps(a, b), c);
}
static inline vu vf_bits(vf x) {
    return _mm_castps_si128(x);
}

#endif
