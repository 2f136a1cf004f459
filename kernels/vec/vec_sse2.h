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
static inline vu vu_set1(uint64_t x) {
    return _mm_set1_epi64x((long long)x);
}
static inline vu vu_iota(void) {
    return _mm_set_epi64x(1, 0);
}
static inline void vu_store(void *p, vu x) {
    _mm_storeu_si128((__m128i *)p, x);
}
static inline vu vu_xor(vu a, vu b) {
    return _mm_xor_si128(a, b);
}
static inline vu vu_or(vu a, vu b) {
    return _mm_or_si128(a, b);
}
static inline vu vu_swap32(vu a) {
    return _mm_shuffle_epi32(a, 0xb1);
}
static inline int vu_any(vu a) {
    return _mm_movemask_epi8(_mm_cmpeq_epi8(a, _mm_setzero_si128())) != 0xffff;
}
static inline vu vu_mul32(vu a, vu b) {
    return _mm_mul_epu32(a, b);
}
static inline vu vu_high32(vu a) {
    return _mm_srli_epi64(a, 32);
}
static inline vu vu_high35(vu a) {
    return _mm_srli_epi64(a, 29);
}
static inline vu vu_gather(const uint64_t *base, vu indices) {
    /* No gather before AVX2: two loads, joined. */
    uint64_t at[2];
    _mm_storeu_si128((__m128i *)(void *)at, indices);
    return _mm_set_epi64x((long long)base[at[1]], (long long)base[at[0]]);
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
static inline vd vd_sub(vd a, vd b) {
    return _mm_sub_pd(a, b);
}
static inline vd vd_muladd(vd a, vd b, vd c) {
    return _mm_add_pd(_mm_mul_pd(a, b), c);
}
static inline vu vd_bits(vd x) {
    return _mm_castpd_si128(x);
}
static inline vd vu_double(vu x) {
    return _mm_castsi128_pd(x);
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
