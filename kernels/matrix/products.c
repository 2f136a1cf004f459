/* Products of a quantised matrix with one vector or many, compiled once per flavour of matrix.def.
 *
 * A lane of a register is one row of the matrix. Per block: integer products of 4 elements at a
 * time with the vector's bytes, splat over the lanes, added up exactly; then one multiplication
 * with the scales. Nothing is summed across lanes. */
#include "format.h"

#include <immintrin.h>

#include "prefetch.h"

#include TR_LANES_HEADER

#include "fields.h"

#define INLINE static inline __attribute__((always_inline))
/* Loops with a constant number of turns, laid out. */
#define UNROLL _Pragma("GCC unroll 16")

enum { HALVES = TR_PANEL_ROWS / LANES, ACCUMULATORS = 2 };

/* Operands of one tile: lane groups of panels, and vectors. */
struct rows {
    const uint8_t *head, *body; /* of this lane group: leading fields, all others */
};
struct vectors {
    const uint8_t *base;
    size_t stride, k;
};

INLINE const uint8_t *bytes_of(const struct vectors *y, int t, size_t element) {
    return y->base + (size_t)t * y->stride + element;
}
/* The arrays behind the bytes; see enum tr_activation. */
INLINE const float *scale_of(const struct vectors *y, int t, size_t block) {
    return (const float *)(const void *)bytes_of(y, t, y->k) + block;
}

#if TR_INTEGER
INLINE const int32_t *start8_of(const struct vectors *y, int t, size_t block) {
    return (const int32_t *)(const void *)bytes_of(y, t, y->k + y->k / 8) + block;
}
INLINE const int32_t *start128_of(const struct vectors *y, int t, size_t block) {
    return (const int32_t *)(const void *)bytes_of(y, t, y->k + y->k / 4) + block;
}
INLINE const int32_t *start32_k_of(const struct vectors *y, int t, size_t part) {
    return (const int32_t *)(const void *)bytes_of(y, t, y->k + y->k / 64) + part;
}
INLINE const int32_t *start128_k_of(const struct vectors *y, int t, size_t part) {
    return (const int32_t *)(const void *)bytes_of(y, t, y->k + y->k / 64 + y->k / 4) + part;
}
INLINE const int16_t *sums_k_of(const struct vectors *y, int t, size_t part) {
    return (const int16_t *)(const void *)bytes_of(y, t, y->k + y->k / 64 + y->k / 4 + y->k / 8) +
           part;
}

/* ---- blocks of 32 ---- */

enum { HEAD_Q8_0 = 32, BODY_Q8_0 = 512 };
INLINE void block_Q8_0(struct rows w, const struct vectors *y, size_t b, const int n, vf *sum) {
    vi acc[8];
    UNROLL for (int t = 0; t < n; t++) acc[t] = dot_signed_begin(start128_of(y, t, b));
    UNROLL for (int i = 0; i < 8; i++) {
        vi weights = from_stored(vi_load(w.body + i * 64));
        UNROLL for (int t = 0; t < n; t++) acc[t] =
            dot_signed(acc[t], weights, vi_splat(bytes_of(y, t, b * 32 + (size_t)i * 4)));
    }
    vf d = vf_load_f16(w.head);
    UNROLL for (int t = 0; t < n; t++) sum[t] =
        vf_fma(vf_mul(d, vf_splat(scale_of(y, t, b))), vf_from_int(acc[t]), sum[t]);
}

enum { HEAD_Q4_0 = 32, BODY_Q4_0 = 256 };
INLINE void block_Q4_0(struct rows w, const struct vectors *y, size_t b, const int n, vf *sum) {
    const vi low = vi_set1_8(15);
    vi acc[8];
    UNROLL for (int t = 0; t < n; t++) acc[t] = dot_begin(start8_of(y, t, b));
    UNROLL for (int i = 0; i < 4; i++) {
        vi both = vi_load(w.body + i * 64);
        vi first = vi_and(both, low), second = vi_and(vi_shr16(both, 4), low);
        UNROLL for (int t = 0; t < n; t++) {
            const uint8_t *q = bytes_of(y, t, b * 32 + (size_t)i * 4);
            acc[t] = dot_small(acc[t], first, vi_splat(q));
            acc[t] = dot_small(acc[t], second, vi_splat(q + 16));
        }
    }
    vf d = vf_load_f16(w.head);
    UNROLL for (int t = 0; t < n; t++) {
        vi whole = dot_small_end(acc[t], start8_of(y, t, b));
        sum[t] = vf_fma(vf_mul(d, vf_splat(scale_of(y, t, b))), vf_from_int(whole), sum[t]);
    }
}

/* Levels as dot_signed() wants them. */
#define SIGNED(x) \
    (int8_t)((x) + WEIGHT_OFFSET > 127 ? (x) + WEIGHT_OFFSET - 256 : (x) + WEIGHT_OFFSET)
static const int8_t e2m1_table[16] = {TR_LEVELS_E2M1(SIGNED)};
static const int8_t iq4_table[16] = {TR_LEVELS_IQ4(SIGNED)};

/* 32 elements by table: low nibbles are the first 16, high ones the others. */
INLINE void dots_by_table(const uint8_t *quants, vi table, const struct vectors *y, size_t element,
                          const int n, vi *acc) {
    const vi low = vi_set1_8(15);
    UNROLL for (int i = 0; i < 4; i++) {
        vi both = vi_load(quants + i * 64);
        vi first = vi_lookup(table, vi_and(both, low));
        vi second = vi_lookup(table, vi_and(vi_shr16(both, 4), low));
        UNROLL for (int t = 0; t < n; t++) {
            const uint8_t *q = bytes_of(y, t, element + (size_t)i * 4);
            acc[t] = dot_signed(acc[t], first, vi_splat(q));
            acc[t] = dot_signed(acc[t], second, vi_splat(q + 16));
        }
    }
}

enum { HEAD_MXFP4 = 16, BODY_MXFP4 = 256 };
INLINE void block_MXFP4(struct rows w, const struct vectors *y, size_t b, const int n, vf *sum) {
    const vi table = vi_table(e2m1_table);
    vi acc[8];
    UNROLL for (int t = 0; t < n; t++) acc[t] = dot_signed_begin(start128_of(y, t, b));
    dots_by_table(w.body, table, y, b * 32, n, acc);
    /* 2^(e - 127), which for e = 0 is the subnormal number with the highest bit; halved, as the
     * table is doubled. */
    const float half = 0.5F;
    vi exponent = vi_max32(vi_shl32(vi_widen_u8(w.head), 23), vi_set1_32(1 << 22));
    vf d = vf_mul(vf_from_bits(exponent), vf_splat(&half));
    UNROLL for (int t = 0; t < n; t++) sum[t] =
        vf_fma(vf_mul(d, vf_splat(scale_of(y, t, b))), vf_from_int(acc[t]), sum[t]);
}

/* ---- blocks of 256 ---- */

enum { HEAD_IQ4_XS = 64, BODY_IQ4_XS = 2112 };
INLINE void block_IQ4_XS(struct rows w, const struct vectors *y, size_t b, const int n, vf *sum) {
    const vi table = vi_table(iq4_table);
    const vi low_scales = vi_load(w.body), high_scales = vi_widen_u16(w.head + 32);
    vf total[8];
    UNROLL for (int t = 0; t < n; t++) total[t] = vf_zero();
    UNROLL for (int part = 0; part < 8; part++) {
        vi acc[8];
        vi scale = vi_and(vi_shr32(low_scales, 4 * part), vi_set1_32(15));
        vi high = vi_and(vi_shl32(vi_shr32(high_scales, 2 * part), 4), vi_set1_32(0x30));
        vf s = vf_from_int(vi_add(vi_add(scale, high), vi_set1_32(-32)));
        UNROLL for (int t = 0; t < n; t++) acc[t] =
            dot_signed_begin(start128_k_of(y, t, b * 8 + (size_t)part));
        dots_by_table(w.body + 64 + part * 256, table, y, b * 256 + (size_t)part * 32, n, acc);
        UNROLL for (int t = 0; t < n; t++) total[t] = vf_fma(vf_from_int(acc[t]), s, total[t]);
    }
    vf d = vf_load_f16(w.head);
    UNROLL for (int t = 0; t < n; t++) sum[t] =
        vf_fma(vf_mul(d, vf_splat(scale_of(y, t, b))), total[t], sum[t]);
}

/* Byte `at` of each lane. */
INLINE vf byte_as_float(vi bytes, int at) {
    return vf_from_int(vi_and(vi_shr32(bytes, 8 * at), vi_set1_32(255)));
}
/* sum -= dmin * (minima . sums of y) */
INLINE void subtract_minima(const struct scales_6bit *s, const uint8_t *head,
                            const struct vectors *y, size_t b, const int n, vf *sum) {
    const vi even = vi_set1_32(0x00ff00ff);
    vf dmin = vf_load_f16(head + 32);
    UNROLL for (int t = 0; t < n; t++) {
        const int16_t *sums = sums_k_of(y, t, b * 8);
        vi dot = dot_words(vi_zero(), vi_and(s->min[0], even), vi_splat(sums));
        dot = dot_words(dot, vi_shr16(s->min[0], 8), vi_splat(sums + 2));
        dot = dot_words(dot, vi_and(s->min[1], even), vi_splat(sums + 4));
        dot = dot_words(dot, vi_shr16(s->min[1], 8), vi_splat(sums + 6));
        sum[t] = vf_fnma(vf_mul(dmin, vf_splat(scale_of(y, t, b))), vf_from_int(dot), sum[t]);
    }
}

enum { HEAD_Q4_K = 64, BODY_Q4_K = 2240 };
INLINE void block_Q4_K(struct rows w, const struct vectors *y, size_t b, const int n, vf *sum) {
    const vi low = vi_set1_8(15);
    const struct scales_6bit s = unpack_scales(w.body);
    vf total[8];
    subtract_minima(&s, w.head, y, b, n, sum);
    UNROLL for (int t = 0; t < n; t++) total[t] = vf_zero();
    UNROLL for (int pair = 0; pair < 4; pair++) {
        vi first[8], second[8];
        UNROLL for (int t = 0; t < n; t++) first[t] = second[t] = dot_small_zero();
        UNROLL for (int i = 0; i < 8; i++) {
            vi both = vi_load(w.body + 192 + (pair * 8 + i) * 64);
            vi a = vi_and(both, low), c = vi_and(vi_shr16(both, 4), low);
            UNROLL for (int t = 0; t < n; t++) {
                const uint8_t *q = bytes_of(y, t, b * 256 + (size_t)(pair * 64 + i * 4));
                first[t] = dot_small(first[t], a, vi_splat(q));
                second[t] = dot_small(second[t], c, vi_splat(q + 32));
            }
        }
        vf s0 = byte_as_float(s.scale[pair / 2], pair % 2 * 2);
        vf s1 = byte_as_float(s.scale[pair / 2], pair % 2 * 2 + 1);
        UNROLL for (int t = 0; t < n; t++) {
            total[t] = vf_fma(vf_from_int(dot_small_sum(first[t])), s0, total[t]);
            total[t] = vf_fma(vf_from_int(dot_small_sum(second[t])), s1, total[t]);
        }
    }
    vf d = vf_load_f16(w.head);
    UNROLL for (int t = 0; t < n; t++) sum[t] =
        vf_fma(vf_mul(d, vf_splat(scale_of(y, t, b))), total[t], sum[t]);
}

enum { HEAD_Q5_K = 64, BODY_Q5_K = 2752 };
INLINE void block_Q5_K(struct rows w, const struct vectors *y, size_t b, const int n, vf *sum) {
    const vi low = vi_set1_8(15);
    const struct scales_6bit s = unpack_scales(w.body);
    const uint8_t *high = w.body + 192, *quants = high + 512;
    vf total[8];
    subtract_minima(&s, w.head, y, b, n, sum);
    UNROLL for (int t = 0; t < n; t++) total[t] = vf_zero();
    UNROLL for (int pair = 0; pair < 4; pair++) {
        vi first[8], second[8];
        UNROLL for (int t = 0; t < n; t++) first[t] = second[t] = vi_zero();
        UNROLL for (int i = 0; i < 8; i++) {
            vi both = vi_load(quants + (pair * 8 + i) * 64), bits = vi_load(high + i * 64);
            vi a = vi_and_or(both, low, bit_to_16(bits, 2 * pair));
            vi c = vi_and_or(vi_shr16(both, 4), low, bit_to_16(bits, 2 * pair + 1));
            UNROLL for (int t = 0; t < n; t++) {
                const uint8_t *q = bytes_of(y, t, b * 256 + (size_t)(pair * 64 + i * 4));
                first[t] = dot_unsigned(first[t], a, vi_splat(q));
                second[t] = dot_unsigned(second[t], c, vi_splat(q + 32));
            }
        }
        vf s0 = byte_as_float(s.scale[pair / 2], pair % 2 * 2);
        vf s1 = byte_as_float(s.scale[pair / 2], pair % 2 * 2 + 1);
        UNROLL for (int t = 0; t < n; t++) {
            total[t] = vf_fma(vf_from_int(first[t]), s0, total[t]);
            total[t] = vf_fma(vf_from_int(second[t]), s1, total[t]);
        }
    }
    vf d = vf_load_f16(w.head);
    UNROLL for (int t = 0; t < n; t++) sum[t] =
        vf_fma(vf_mul(d, vf_splat(scale_of(y, t, b))), total[t], sum[t]);
}

/* Scale `at` of the 16 signed bytes of a block of Q6_K. */
INLINE vf q6_scale(const uint8_t *body, int at) {
    return vf_from_int(vi_sar32(vi_shl32(vi_load(body + at / 4 * 64), 24 - at % 4 * 8), 24));
}
/* Two of the four runs of 16 elements that share their bytes of quants: run c (0 or 1) has the low
 * nibbles, run c + 2 the high ones; see q6_low(). */
INLINE void q6_runs(struct rows w, const struct vectors *y, size_t b, int part, int c, const int n,
                    vf *total) {
    const vi low = vi_set1_8(15), bits45 = vi_set1_8(0x30);
    const int piece = part / 2, side = part % 2;
    const int run = piece * 8 + c * 2 + side;
    vi first[8], second[8];
    UNROLL for (int t = 0; t < n; t++) {
        first[t] = vi_splat(start32_k_of(y, t, b * 16 + (size_t)run));
        second[t] = vi_splat(start32_k_of(y, t, b * 16 + (size_t)run + 4));
    }
    UNROLL for (int i = 0; i < 4; i++) {
        vi both = q6_low(w.body, part, c, i), bits = q6_high(w.body, part, i);
        vi top = c ? vi_shl16(bits, 2) : vi_shl16(bits, 4), next = c ? vi_shr16(bits, 2) : bits;
        vi a = vi_and_or(both, low, vi_and(top, bits45));
        vi d = vi_and_or(vi_shr16(both, 4), low, vi_and(next, bits45));
        UNROLL for (int t = 0; t < n; t++) {
            const uint8_t *q = bytes_of(y, t, b * 256 + (size_t)(run * 16 + i * 4));
            first[t] = dot_unsigned(first[t], a, vi_splat(q));
            second[t] = dot_unsigned(second[t], d, vi_splat(q + 64));
        }
    }
    vf s0 = q6_scale(w.body, run), s1 = q6_scale(w.body, run + 4);
    UNROLL for (int t = 0; t < n; t++) {
        total[t] = vf_fma(vf_from_int(first[t]), s0, total[t]);
        total[t] = vf_fma(vf_from_int(second[t]), s1, total[t]);
    }
}

enum { HEAD_Q6_K = 32, BODY_Q6_K = 3328 };
INLINE void block_Q6_K(struct rows w, const struct vectors *y, size_t b, const int n, vf *sum) {
    vf total[8];
    UNROLL for (int t = 0; t < n; t++) total[t] = vf_zero();
    UNROLL for (int part = 0; part < 4; part++) UNROLL for (int c = 0; c < 2; c++)
        q6_runs(w, y, b, part, c, n, total);
    vf d = vf_load_f16(w.head);
    UNROLL for (int t = 0; t < n; t++) sum[t] =
        vf_fma(vf_mul(d, vf_splat(scale_of(y, t, b))), total[t], sum[t]);
}
#endif

/* ---- plain numbers: "blocks" of 64 bytes a row ---- */

#if TR_FLOAT
enum { HEAD_F32 = 0, BODY_F32 = 1024 };
INLINE void block_F32(struct rows w, const struct vectors *y, size_t b, const int n, vf *sum) {
    UNROLL for (int i = 0; i < 16; i++) {
        vf weights = vf_from_bits(vi_load(w.body + i * 64));
        UNROLL for (int t = 0; t < n; t++) {
            const float *x = (const float *)(const void *)bytes_of(y, t, 0) + b * 16 + i;
            sum[i % 2 * n + t] = vf_fma(weights, vf_splat(x), sum[i % 2 * n + t]);
        }
    }
}

enum { HEAD_F16 = 0, BODY_F16 = 1024 };
/* A word is two neighbours of a row: rows alternate with their neighbour in two registers. */
INLINE void block_F16(struct rows w, const struct vectors *y, size_t b, const int n, vf *sum) {
    UNROLL for (int i = 0; i < 16; i++) {
        vf first = vf_load_f16(w.body + i * 64), second = vf_load_f16(w.body + i * 64 + 2 * LANES);
        UNROLL for (int t = 0; t < n; t++) {
            const float *x = (const float *)(const void *)bytes_of(y, t, 0) + b * 32 + i * 2;
            vf pair = vf_splat_pair(x);
            sum[t] = vf_fma(first, pair, sum[t]);
            sum[n + t] = vf_fma(second, pair, sum[n + t]);
        }
    }
}

enum { HEAD_BF16 = 0, BODY_BF16 = 1024 };
INLINE void block_BF16(struct rows w, const struct vectors *y, size_t b, const int n, vf *sum) {
    const vi high = vi_set1_32((int)0xffff0000);
    UNROLL for (int i = 0; i < 16; i++) {
        vi both = vi_load(w.body + i * 64);
        vf first = vf_from_bits(vi_shl32(both, 16)), second = vf_from_bits(vi_and(both, high));
        UNROLL for (int t = 0; t < n; t++) {
            const float *x = (const float *)(const void *)bytes_of(y, t, y->k * 2) + b * 32 + i * 2;
            sum[t] = vf_fma(first, vf_splat(x), sum[t]);
            sum[n + t] = vf_fma(second, vf_splat(x + 1), sum[n + t]);
        }
    }
}
#endif

#if TR_BF16_DOT
enum { HEAD_BF16 = 0, BODY_BF16 = 1024 };
INLINE void block_BF16(struct rows w, const struct vectors *y, size_t b, const int n, vf *sum) {
    UNROLL for (int i = 0; i < 16; i++) {
        vi both = vi_load(w.body + i * 64);
        UNROLL for (int t = 0; t < n; t++) sum[i % 2 * n + t] =
            dot_bf16(sum[i % 2 * n + t], both, vi_splat(bytes_of(y, t, b * 64 + (size_t)i * 4)));
    }
}
#endif

/* ---- loops around the blocks ---- */

struct matrix {
    const uint8_t *packed;
    size_t n, blocks, head_bytes, body_bytes; /* per block of a panel */
};

INLINE struct rows rows_of(const struct matrix *w, size_t group) {
    const size_t panel = group / HALVES, half = group % HALVES;
    const uint8_t *at = w->packed + panel * w->blocks * (w->head_bytes + w->body_bytes);
    return (struct rows){at + half * LANES * (w->head_bytes == 16 ? 1 : 2),
                         at + w->blocks * w->head_bytes + half * LANES * 4};
}

INLINE void store(float *out, size_t n_left, vf result) {
    float rows[LANES];
    if (n_left >= LANES) {
        vf_store(out, result);
        return;
    }
    vf_store(rows, result);
    for (size_t i = 0; i < n_left; i++)
        out[i] = rows[i];
}

/* Reads the leading fields of a panel, that the loop comes back to block by block. Without it the
 * bodies of two panels have a gap between them, and a processor that follows a walk through memory
 * by itself starts anew at each: from memory a Zen 4 core read 25 GB/s with gaps and 32 without. */
INLINE void walk(const uint8_t *p, size_t bytes) {
    for (size_t at = 0; at < bytes; at += 64)
        (void)*(const volatile uint8_t *)(p + at);
}

#define FINISH_ONE(a, b) (a)
#define FINISH_SUM(a, b) vf_add(a, b)
#define FINISH_PAIRS(a, b) vf_add_pairs(a, b)

/* `groups` lane groups times `n` vectors, all results in registers until the end. */
#define DEFINE_TILE(type, FINISH)                                                                 \
    INLINE void tile_##type(const struct matrix *w, const struct vectors *y, size_t group,        \
                            const int groups, const int n, const int distance,                    \
                            const enum tr_hint hint, float *out, size_t out_stride) {             \
        struct rows rows[8];                                                                      \
        vf sum[8 * ACCUMULATORS];                                                                 \
        UNROLL for (int g = 0; g < groups; g++) rows[g] = rows_of(w, group + (size_t)g);          \
        UNROLL for (int i = 0; i < groups * n * ACCUMULATORS; i++) sum[i] = vf_zero();            \
        if (n == 1 && groups <= HALVES && !distance)                                              \
            walk(rows[0].head, w->blocks * w->head_bytes);                                        \
        for (size_t b = 0; b < w->blocks; b++) {                                                  \
            UNROLL for (int g = 0; g < groups; g++) {                                             \
                if ((group + (size_t)g) % HALVES == 0)                                            \
                    tr_prefetch(rows[g].body, BODY_##type, distance, hint);                       \
                block_##type(rows[g], y, b, n, sum + g * n * ACCUMULATORS);                       \
                rows[g].head += HEAD_##type;                                                      \
                rows[g].body += BODY_##type;                                                      \
            }                                                                                     \
        }                                                                                         \
        UNROLL for (int g = 0; g < groups; g++) {                                                 \
            const size_t row = (group + (size_t)g) * LANES;                                       \
            UNROLL for (int t = 0; t < n; t++) {                                                  \
                const vf *s = sum + g * n * ACCUMULATORS + t;                                     \
                if (row < w->n)                                                                   \
                    store(out + (size_t)t * out_stride + row, w->n - row, FINISH(s[0], s[n]));    \
            }                                                                                     \
        }                                                                                         \
    }                                                                                             \
    INLINE void gemv_##type(struct tr_kargs *args, size_t elements, const int parts,              \
                            const int distance, const enum tr_hint hint) {                        \
        const struct matrix w = {args->b, args->n, args->k / elements, HEAD_##type, BODY_##type}; \
        const struct vectors y = {args->c, 0, args->k};                                           \
        const size_t groups = (args->n + LANES - 1) / LANES;                                      \
        size_t group = 0;                                                                         \
        for (; group + (size_t)(parts * HALVES) <= groups; group += (size_t)(parts * HALVES))     \
            tile_##type(&w, &y, group, parts *HALVES, 1, distance, hint, args->a, 0);             \
        for (; group < groups; group++)                                                           \
            tile_##type(&w, &y, group, 1, 1, 0, TR_HINT_t0, args->a, 0);                          \
    }                                                                                             \
    INLINE void gemm_##type(struct tr_kargs *args, size_t elements) {                             \
        const struct matrix w = {args->b, args->n, args->k / elements, HEAD_##type, BODY_##type}; \
        const size_t groups = (args->n + LANES - 1) / LANES;                                      \
        /* So many vectors stay in a core's second-level cache while all rows pass by. */         \
        for (size_t begin = 0; begin < args->batch; begin += 64) {                                \
            size_t end = args->batch - begin < 64 ? args->batch : begin + 64;                     \
            for (size_t group = 0; group < groups; group++) {                                     \
                struct vectors y = {(const uint8_t *)args->c + begin * args->stride_bytes,        \
                                    args->stride_bytes, args->k};                                 \
                float *out = (float *)args->a + begin * args->n;                                  \
                size_t t = begin;                                                                 \
                for (; t + TOKENS <= end; t += TOKENS) {                                          \
                    tile_##type(&w, &y, group, 1, TOKENS, 0, TR_HINT_t0, out, args->n);           \
                    y.base += TOKENS * args->stride_bytes;                                        \
                    out += TOKENS * args->n;                                                      \
                }                                                                                 \
                for (; t < end; t++) {                                                            \
                    tile_##type(&w, &y, group, 1, 1, 0, TR_HINT_t0, out, args->n);                \
                    y.base += args->stride_bytes;                                                 \
                    out += args->n;                                                               \
                }                                                                                 \
            }                                                                                     \
        }                                                                                         \
    }

/* Vectors of one tile: as many as the registers hold sums of. */
enum { TOKENS = LANES == 16 ? 8 : 4 };

#if TR_INTEGER
DEFINE_TILE(Q8_0, FINISH_ONE)
DEFINE_TILE(Q4_0, FINISH_ONE)
DEFINE_TILE(MXFP4, FINISH_ONE)
DEFINE_TILE(IQ4_XS, FINISH_ONE)
DEFINE_TILE(Q4_K, FINISH_ONE)
DEFINE_TILE(Q5_K, FINISH_ONE)
DEFINE_TILE(Q6_K, FINISH_ONE)
#endif
#if TR_FLOAT
DEFINE_TILE(F32, FINISH_SUM)
DEFINE_TILE(F16, FINISH_PAIRS)
DEFINE_TILE(BF16, FINISH_SUM)
#endif
#if TR_BF16_DOT
DEFINE_TILE(BF16, FINISH_SUM)
#endif

/* Elements of one step along a row. */
enum {
    STEP_F32 = 16,
    STEP_F16 = 32,
    STEP_BF16 = 32,
    STEP_Q8_0 = 32,
    STEP_Q4_0 = 32,
    STEP_MXFP4 = 32,
    STEP_IQ4_XS = 256,
    STEP_Q4_K = 256,
    STEP_Q5_K = 256,
    STEP_Q6_K = 256,
};

/* The rows of this flavour: the build defines TR_FLAVOUR_<flavour> and TR_FLAVOUR. */
#include "flavours.h"
#define BODY_OF_gemv(type, parts, distance, hint) \
    gemv_##type(args, STEP_##type, parts, distance, TR_HINT_##hint)
#define BODY_OF_gemm(type, parts, distance, hint) gemm_##type(args, STEP_##type)
#define TR_HERE(id, operation, type, parts, distance, hint)       \
    tr_kernel_fn TR_MATRIX_NAME(id, TR_FLAVOUR);                  \
    void TR_MATRIX_NAME(id, TR_FLAVOUR)(struct tr_kargs * args) { \
        BODY_OF_##operation(type, parts, distance, hint);         \
    }
#define TR_HERE_gemv(...) TR_HERE(__VA_ARGS__)
#define TR_HERE_gemm(...) TR_HERE(__VA_ARGS__)
#define TR_HERE_attention(...)
#define TR_MATRIX(flavour, id, operation, type, parts, distance, hint, set) \
    IN_FLAVOUR_##flavour(TR_HERE_##operation(id, operation, type, parts, distance, hint))
#include "../matrix.def"
#undef TR_MATRIX
