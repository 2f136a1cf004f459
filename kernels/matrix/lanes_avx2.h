/* 8 rows a register: AVX2, with AVX-VNNI where the flavour has it. What each name does is said in
 * lanes_avx512.h. */
#ifndef TR_LANES_H
#define TR_LANES_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#define LANES 8
typedef __m256i vi;
typedef __m256 vf;

static inline vi vi_load(const void *p) {
    return _mm256_loadu_si256(p);
}
static inline vi vi_zero(void) {
    return _mm256_setzero_si256();
}
static inline vi vi_set1_8(int x) {
    return _mm256_set1_epi8((char)x);
}
static inline vi vi_set1_32(int x) {
    return _mm256_set1_epi32(x);
}
static inline vi vi_splat(const void *p) {
    int32_t word;
    memcpy(&word, p, sizeof(word));
    return _mm256_set1_epi32(word);
}
static inline vi vi_and(vi a, vi b) {
    return _mm256_and_si256(a, b);
}
static inline vi vi_and_or(vi a, vi mask, vi b) {
    return _mm256_or_si256(_mm256_and_si256(a, mask), b);
}
static inline vi vi_select(vi mask, vi a, vi b) {
    return _mm256_or_si256(_mm256_and_si256(mask, a), _mm256_andnot_si256(mask, b));
}
static inline vi vi_xor(vi a, vi b) {
    return _mm256_xor_si256(a, b);
}
/* Shifts by a count that is a constant once the loops are unrolled. */
typedef uint16_t words16 __attribute__((vector_size(32)));
typedef uint32_t words32 __attribute__((vector_size(32)));
typedef int32_t signed32 __attribute__((vector_size(32)));
static inline vi vi_shr16(vi a, int bits) {
    return (vi)((words16)a >> (uint16_t)bits);
}
static inline vi vi_shl16(vi a, int bits) {
    return (vi)((words16)a << (uint16_t)bits);
}
static inline vi vi_shr32(vi a, int bits) {
    return (vi)((words32)a >> (uint32_t)bits);
}
static inline vi vi_shl32(vi a, int bits) {
    return (vi)((words32)a << (uint32_t)bits);
}
static inline vi vi_sar32(vi a, int bits) {
    return (vi)((signed32)a >> bits);
}
static inline vi vi_add(vi a, vi b) {
    return _mm256_add_epi32(a, b);
}
static inline vi vi_max32(vi a, vi b) {
    return _mm256_max_epi32(a, b);
}
static inline vi vi_table(const int8_t table[16]) {
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)table));
}
static inline vi vi_lookup(vi table, vi index) {
    return _mm256_shuffle_epi8(table, index);
}
static inline vi vi_widen_u8(const void *p) {
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64(p));
}
static inline vi vi_widen_u16(const void *p) {
    return _mm256_cvtepu16_epi32(_mm_loadu_si128(p));
}

static inline vi vi_widen_s8(const void *p) {
    return _mm256_cvtepi8_epi32(_mm_loadl_epi64(p));
}
/* 4 bytes of memory in the first lane, zero in the others. */
static inline vi vi_load_first(const void *p) {
    return _mm256_zextsi128_si256(_mm_loadu_si32(p));
}

static inline vf vf_load(const float *p) {
    return _mm256_loadu_ps(p);
}
static inline vf vf_max(vf a, vf b) {
    return _mm256_max_ps(a, b);
}
static inline vf vf_sub(vf a, vf b) {
    return _mm256_sub_ps(a, b);
}
static inline vi vf_to_int(vf a) {
    return _mm256_cvtps_epi32(a);
}
static inline float vf_most(vf a) {
    __m128 x = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    x = _mm_max_ps(x, _mm_movehl_ps(x, x));
    return _mm_cvtss_f32(_mm_max_ss(x, _mm_movehdup_ps(x)));
}
static inline float vf_total(vf a) {
    __m128 x = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    x = _mm_add_ps(x, _mm_movehl_ps(x, x));
    return _mm_cvtss_f32(_mm_add_ss(x, _mm_movehdup_ps(x)));
}
/* The totals of four registers. */
static inline void vf_totals(const vf a[4], float totals[4]) {
    __m256 x = _mm256_hadd_ps(_mm256_hadd_ps(a[0], a[1]), _mm256_hadd_ps(a[2], a[3]));
    _mm_storeu_ps(totals, _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1)));
}
static inline vf vf_zero(void) {
    return _mm256_setzero_ps();
}
static inline vf vf_splat(const float *p) {
    return _mm256_broadcast_ss(p);
}
static inline vf vf_mul(vf a, vf b) {
    return _mm256_mul_ps(a, b);
}
static inline vf vf_add(vf a, vf b) {
    return _mm256_add_ps(a, b);
}
static inline vf vf_fma(vf a, vf b, vf c) {
    return _mm256_fmadd_ps(a, b, c);
}
static inline vf vf_fnma(vf a, vf b, vf c) {
    return _mm256_fnmadd_ps(a, b, c);
}
static inline vf vf_from_int(vi a) {
    return _mm256_cvtepi32_ps(a);
}
static inline vf vf_from_bits(vi a) {
    return _mm256_castsi256_ps(a);
}
static inline vf vf_load_f16(const void *p) {
    return _mm256_cvtph_ps(_mm_loadu_si128(p));
}
static inline void vf_store(float *p, vf a) {
    _mm256_storeu_ps(p, a);
}
static inline vf vf_splat_pair(const float *p) {
    double pair;
    memcpy(&pair, p, sizeof(pair));
    return _mm256_castpd_ps(_mm256_set1_pd(pair));
}
static inline vf vf_add_pairs(vf a, vf b) {
    /* The sums come out in the order a01 a23 b01 b23 | a45 a67 b45 b67. */
    __m256d sums = _mm256_castps_pd(_mm256_hadd_ps(a, b));
    return _mm256_castpd_ps(_mm256_permute4x64_pd(sums, 0xd8));
}

/* With AVX-VNNI, or with the 256-bit form of AVX-512's. */
#if defined(__AVXVNNI__) || defined(__AVX512VNNI__)
#ifdef __AVX512VNNI__
#define DPBUSD _mm256_dpbusd_epi32
#define DPWSSD _mm256_dpwssd_epi32
#else
#define DPBUSD _mm256_dpbusd_avx_epi32
#define DPWSSD _mm256_dpwssd_avx_epi32
#endif
#define WEIGHT_OFFSET 128
static inline vi dot_begin(const int32_t *start) {
    return vi_splat(start);
}
static inline vi dot_small(vi acc, vi weights, vi y) {
    return DPBUSD(acc, weights, y);
}
static inline vi dot_small_end(vi acc, const int32_t *start) {
    (void)start;
    return acc;
}
static inline vi dot_small_zero(void) {
    return vi_zero();
}
static inline vi dot_small_sum(vi acc) {
    return acc;
}
static inline vi dot_unsigned(vi acc, vi weights, vi y) {
    return DPBUSD(acc, weights, y);
}
static inline vi dot_signed_begin(const int32_t *start) {
    return vi_splat(start);
}
static inline vi dot_signed(vi acc, vi weights, vi y) {
    return DPBUSD(acc, weights, y);
}
static inline vi from_stored(vi weights) {
    return weights;
}
static inline vi dot_words(vi acc, vi a, vi b) {
    return DPWSSD(acc, a, b);
}
#else
#define WEIGHT_OFFSET 0
/* Products of pairs are 16-bit numbers that saturate: 8 sums of 2 x 15 x 127 still fit. They are
 * widened once, at the end. */
static inline vi dot_begin(const int32_t *start) {
    (void)start;
    return vi_zero();
}
static inline vi dot_small(vi acc, vi weights, vi y) {
    return _mm256_add_epi16(acc, _mm256_maddubs_epi16(weights, y));
}
static inline vi dot_small_zero(void) {
    return vi_zero();
}
static inline vi dot_small_sum(vi acc) {
    return _mm256_madd_epi16(acc, _mm256_set1_epi16(1));
}
static inline vi dot_small_end(vi acc, const int32_t *start) {
    return vi_add(dot_small_sum(acc), vi_splat(start));
}
/* Weights up to 63: a pair of products is below 2^15. */
static inline vi dot_unsigned(vi acc, vi weights, vi y) {
    return vi_add(acc, dot_small_sum(_mm256_maddubs_epi16(weights, y)));
}
/* |w| * (y with the sign of w): 2 x 128 x 127 is below 2^15. */
static inline vi dot_signed_begin(const int32_t *start) {
    (void)start;
    return vi_zero();
}
static inline vi dot_signed(vi acc, vi weights, vi y) {
    return vi_add(acc, dot_small_sum(_mm256_maddubs_epi16(_mm256_abs_epi8(weights),
                                                          _mm256_sign_epi8(y, weights))));
}
static inline vi from_stored(vi weights) {
    return vi_xor(weights, vi_set1_8(-128));
}
static inline vi dot_words(vi acc, vi a, vi b) {
    return vi_add(acc, _mm256_madd_epi16(a, b));
}
#endif

#endif
