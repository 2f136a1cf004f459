/* 512-bit vectors of AVX-512F; see vec_scalar.h for the names. */
#ifndef TR_VEC_H
#define TR_VEC_H

#include <immintrin.h>
#include <stdint.h>

#define VB 64
#define VF 16
typedef __m512i vu;
typedef __m512d vd;
typedef __m512 vf;

static inline vu vu_zero(void) {
    return _mm512_setzero_si512();
}
static inline vu vu_load(const void *p) {
    return _mm512_loadu_si512(p);
}
static inline vu vu_add(vu a, vu b) {
    return _mm512_add_epi64(a, b);
}
static inline vu vu_set1(uint64_t x) {
    return _mm512_set1_epi64((long long)x);
}
static inline vu vu_iota(void) {
    return _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0);
}
static inline void vu_store(void *p, vu x) {
    _mm512_storeu_si512(p, x);
}
static inline vu vu_xor(vu a, vu b) {
    return _mm512_xor_si512(a, b);
}
static inline vu vu_or(vu a, vu b) {
    return _mm512_or_si512(a, b);
}
static inline vu vu_swap32(vu a) {
    return _mm512_shuffle_epi32(a, _MM_PERM_CDAB);
}
static inline int vu_any(vu a) {
    return _mm512_test_epi64_mask(a, a) != 0;
}
static inline vu vu_mul32(vu a, vu b) {
    return _mm512_mul_epu32(a, b);
}
static inline vu vu_high32(vu a) {
    return _mm512_srli_epi64(a, 32);
}
static inline vu vu_high35(vu a) {
    return _mm512_srli_epi64(a, 29);
}
static inline vu vu_gather(const uint64_t *base, vu indices) {
    return _mm512_i64gather_epi64(indices, base, 8);
}
static inline uint64_t vu_sum(vu a) {
    /* Not _mm512_reduce_add_epi64: the compiler's form of it adds signed numbers, and overflows. */
    uint64_t words[8], sum = 0;
    _mm512_storeu_si512(words, a);
    for (int i = 0; i < 8; i++)
        sum += words[i];
    return sum;
}
static inline vd vd_set1(double x) {
    return _mm512_set1_pd(x);
}
static inline vd vd_load(const double *p) {
    return _mm512_loadu_pd(p);
}
static inline void vd_store(double *p, vd x) {
    _mm512_storeu_pd(p, x);
}
static inline void vd_stream(double *p, vd x) {
    _mm512_stream_pd(p, x);
}
static inline vd vd_mul(vd a, vd b) {
    return _mm512_mul_pd(a, b);
}
static inline vd vd_add(vd a, vd b) {
    return _mm512_add_pd(a, b);
}
static inline vd vd_sub(vd a, vd b) {
    return _mm512_sub_pd(a, b);
}
static inline vd vd_muladd(vd a, vd b, vd c) {
    return _mm512_fmadd_pd(a, b, c);
}
static inline vu vd_bits(vd x) {
    return _mm512_castpd_si512(x);
}
static inline vd vu_double(vu x) {
    return _mm512_castsi512_pd(x);
}
static inline vf vf_set1(float x) {
    return _mm512_set1_ps(x);
}
static inline vf vf_load(const float *p) {
    return _mm512_loadu_ps(p);
}
static inline vf vf_add(vf a, vf b) {
    return _mm512_add_ps(a, b);
}
static inline vf vf_muladd(vf a, vf b, vf c) {
    return _mm512_fmadd_ps(a, b, c);
}
static inline vu vf_bits(vf x) {
    return _mm512_castps_si512(x);
}

#endif
