/* 16 rows a register: AVX-512, with VNNI and BF16 where the flavour has them. The same names as
 * lanes_avx2.h. */
#ifndef TR_LANES_H
#define TR_LANES_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#define LANES 16
typedef __m512i vi;
typedef __m512 vf;

static inline vi vi_load(const void *p) {
    return _mm512_loadu_si512(p);
}
static inline vi vi_zero(void) {
    return _mm512_setzero_si512();
}
static inline vi vi_set1_8(int x) {
    return _mm512_set1_epi8((char)x);
}
static inline vi vi_set1_32(int x) {
    return _mm512_set1_epi32(x);
}
/* 4 bytes of memory in every lane. */
static inline vi vi_splat(const void *p) {
    int32_t word;
    memcpy(&word, p, sizeof(word));
    return _mm512_set1_epi32(word);
}
static inline vi vi_and(vi a, vi b) {
    return _mm512_and_si512(a, b);
}
/* (a & mask) | b, in one operation where there is one */
static inline vi vi_and_or(vi a, vi mask, vi b) {
    return _mm512_ternarylogic_epi32(a, mask, b, 0xea);
}
/* mask ? a : b, bit by bit */
static inline vi vi_select(vi mask, vi a, vi b) {
    return _mm512_ternarylogic_epi32(mask, a, b, 0xca);
}
static inline vi vi_xor(vi a, vi b) {
    return _mm512_xor_si512(a, b);
}
/* Shifts by a count that is a constant once the loops are unrolled. */
typedef uint16_t words16 __attribute__((vector_size(64)));
typedef uint32_t words32 __attribute__((vector_size(64)));
typedef int32_t signed32 __attribute__((vector_size(64)));
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
    return _mm512_add_epi32(a, b);
}
static inline vi vi_max32(vi a, vi b) {
    return _mm512_max_epi32(a, b);
}
/* 16 bytes of a table, in each 128-bit part, for vi_lookup by the low 4 bits of each byte. */
static inline vi vi_table(const int8_t table[16]) {
    return _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(const void *)table));
}
static inline vi vi_lookup(vi table, vi index) {
    return _mm512_shuffle_epi8(table, index);
}
/* 16 (8 in AVX2) bytes or 16-bit numbers, one a lane */
static inline vi vi_widen_u8(const void *p) {
    return _mm512_cvtepu8_epi32(_mm_loadu_si128(p));
}
static inline vi vi_widen_u16(const void *p) {
    return _mm512_cvtepu16_epi32(_mm256_loadu_si256(p));
}

static inline vf vf_load(const float *p) {
    return _mm512_loadu_ps(p);
}
static inline vf vf_max(vf a, vf b) {
    return _mm512_max_ps(a, b);
}
static inline vf vf_sub(vf a, vf b) {
    return _mm512_sub_ps(a, b);
}
static inline vi vf_to_int(vf a) {
    return _mm512_cvtps_epi32(a);
}
static inline float vf_most(vf a) {
    return _mm512_reduce_max_ps(a);
}
static inline float vf_total(vf a) {
    return _mm512_reduce_add_ps(a);
}
/* The totals of four registers. */
static inline void vf_totals(const vf a[4], float totals[4]) {
    __m256 half[4];
    for (int i = 0; i < 4; i++)
        half[i] = _mm256_add_ps(_mm512_castps512_ps256(a[i]), _mm512_extractf32x8_ps(a[i], 1));
    __m256 x = _mm256_hadd_ps(_mm256_hadd_ps(half[0], half[1]), _mm256_hadd_ps(half[2], half[3]));
    _mm_storeu_ps(totals, _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1)));
}
static inline vf vf_zero(void) {
    return _mm512_setzero_ps();
}
static inline vf vf_splat(const float *p) {
    return _mm512_set1_ps(*p);
}
static inline vf vf_mul(vf a, vf b) {
    return _mm512_mul_ps(a, b);
}
static inline vf vf_add(vf a, vf b) {
    return _mm512_add_ps(a, b);
}
static inline vf vf_fma(vf a, vf b, vf c) {
    return _mm512_fmadd_ps(a, b, c);
}
/* c - a * b */
static inline vf vf_fnma(vf a, vf b, vf c) {
    return _mm512_fnmadd_ps(a, b, c);
}
static inline vf vf_from_int(vi a) {
    return _mm512_cvtepi32_ps(a);
}
static inline vf vf_from_bits(vi a) {
    return _mm512_castsi512_ps(a);
}
static inline vf vf_load_f16(const void *p) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(p));
}
static inline void vf_store(float *p, vf a) {
    _mm512_storeu_ps(p, a);
}
/* Two floats of memory, alternating. */
static inline vf vf_splat_pair(const float *p) {
    double pair;
    memcpy(&pair, p, sizeof(pair));
    return _mm512_castpd_ps(_mm512_set1_pd(pair));
}
/* Sums of neighbouring lanes of a, then of b. */
static inline vf vf_add_pairs(vf a, vf b) {
    const __m512i even =
        _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    const __m512i odd =
        _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
    return _mm512_add_ps(_mm512_permutex2var_ps(a, even, b), _mm512_permutex2var_ps(a, odd, b));
}

#ifdef __AVX512VNNI__
#define WEIGHT_OFFSET 128
/* acc + sum over the 4 bytes of a lane: unsigned weights times signed activations. The two forms
 * differ in AVX2: `small` is for at most 8 products of weights up to 15. */
static inline vi dot_begin(const int32_t *start) {
    return vi_splat(start);
}
static inline vi dot_small(vi acc, vi weights, vi y) {
    return _mm512_dpbusd_epi32(acc, weights, y);
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
    return _mm512_dpbusd_epi32(acc, weights, y);
}
/* Signed weights, kept as byte + WEIGHT_OFFSET; `start` is -128 * the sum of y. */
static inline vi dot_signed_begin(const int32_t *start) {
    return vi_splat(start);
}
static inline vi dot_signed(vi acc, vi weights, vi y) {
    return _mm512_dpbusd_epi32(acc, weights, y);
}
/* Weights that are stored as byte + 128, in the form dot_signed() wants. */
static inline vi from_stored(vi weights) {
    return weights;
}
/* acc + sum over the 2 16-bit numbers of a lane */
static inline vi dot_words(vi acc, vi a, vi b) {
    return _mm512_dpwssd_epi32(acc, a, b);
}
#endif

#ifdef __AVX512BF16__
/* acc + sum over the 2 bfloat16 of a lane */
static inline vf dot_bf16(vf acc, vi a, vi b) {
    return _mm512_dpbf16_ps(acc, (__m512bh)a, (__m512bh)b);
}
#endif

#endif
