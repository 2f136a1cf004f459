/* 256-bit vectors of AVX2 with FMA; see vec_scalar.h for the names. */
#ifndef TR_VEC_H
#define TR_VEC_H

#include <immintrin.h>
#include <stdint.h>

#define VB 32
#define VF 8
typedef __m256i vu;
typedef __m256d vd;
typedef __m256 vf;

static inline vu vu_zero(void) {
    return _mm256_setzero_si256();
}
static inline vu vu_load(const void *p) {
    return _mm256_loadu_si256((const __m256i *)p);
}
static inline vu vu_add(vu a, vu b) {
    return _mm256_add_epi64(a, b);
}
static inline vu vu_set1(uint64_t x) {
    return _mm256_set1_epi64x((long long)x);
}
static inline vu vu_iota(void) {
    return _mm256_set_epi64x(3, 2, 1, 0);
}
static inline void vu_store(void *p, vu x) {
    _mm256_storeu_si256((__m256i *)p, x);
}
static inline vu vu_xor(vu a, vu b) {
    return _mm256_xor_si256(a, b);
}
static inline vu vu_or(vu a, vu b) {
    return _mm256_or_si256(a, b);
}
static inline vu vu_swap32(vu a) {
    return _mm256_shuffle_epi32(a, 0xb1);
}
static inline int vu_any(vu a) {
    return !_mm256_testz_si256(a, a);
}
static inline vu vu_mul32(vu a, vu b) {
    return _mm256_mul_epu32(a, b);
}
static inline vu vu_high32(vu a) {
    return _mm256_srli_epi64(a, 32);
}
static inline vu vu_high35(vu a) {
    return _mm256_srli_epi64(a, 29);
}
static inline vu vu_gather(const uint64_t *base, vu indices) {
    return _mm256_i64gather_epi64((const long long *)(const void *)base, indices, 8);
}
static inline uint64_t vu_sum(vu a) {
    uint64_t words[4];
    _mm256_storeu_si256((__m256i *)(void *)words, a);
    return words[0] + words[1] + words[2] + words[3];
}
static inline vd vd_set1(double x) {
    return _mm256_set1_pd(x);
}
static inline vd vd_load(const double *p) {
    return _mm256_loadu_pd(p);
}
static inline void vd_store(double *p, vd x) {
    _mm256_storeu_pd(p, x);
}
static inline void vd_stream(double *p, vd x) {
    _mm256_stream_pd(p, x);
}
static inline vd vd_mul(vd a, vd b) {
    return _mm256_mul_pd(a, b);
}
static inline vd vd_add(vd a, vd b) {
    return _mm256_add_pd(a, b);
}
static inline vd vd_sub(vd a, vd b) {
    return _mm256_sub_pd(a, b);
}
static inline vd vd_muladd(vd a, vd b, vd c) {
    return _mm256_fmadd_pd(a, b, c);
}
static inline vu vd_bits(vd x) {
    return _mm256_castpd_si256(x);
}
static inline vd vu_double(vu x) {
    return _mm256_castsi256_pd(x);
}
static inline vf vf_set1(float x) {
    return _mm256_set1_ps(x);
}
static inline vf vf_load(const float *p) {
    return _mm256_loadu_ps(p);
}
static inline vf vf_add(vf a, vf b) {
    return _mm256_add_ps(a, b);
}
static inline vf vf_muladd(vf a, vf b, vf c) {
    return _mm256_fmadd_ps(a, b, c);
}
static inline vu vf_bits(vf x) {
    return _mm256_castps_si256(x);
}

#endif
