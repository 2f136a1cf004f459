/* Attention of one generated token over a cache of keys and values, compiled per flavour of
 * matrix.def: all query heads that share one head of the cache at once, so that the cache is read
 * once. Blocks of 16 positions: scores, then softmax with a running maximum, then the sum of the
 * values; nothing is kept but a block's scores. */
#include "format.h"

#include <immintrin.h>

#include TR_LANES_HEADER

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 16")

enum { POSITIONS = 16 };
/* Heads whose sums stay in registers together. */
enum { HEADS = LANES == 16 ? 4 : 2 };

struct cache {
    const uint8_t *keys, *values; /* of the block's first position */
    size_t stride, n;             /* n: positions in this block, at most 16 */
};

/* ---- the two kinds of cache ---- */

struct query {
    const uint8_t *base;
    size_t stride, k;
};

#if TR_FLOAT
INLINE const float *query_at(const struct query *q, int head, size_t i) {
    return (const float *)(const void *)(q->base + (size_t)head * q->stride) + i;
}
/* Adds the products of `LANES` x 2 elements from element i on, of 4 positions with n heads. */
enum { KEY_STEP_F16 = LANES };
INLINE void scores_F16(const uint8_t *const keys[4], size_t i, const struct query *q, int head,
                       const int n, vf *sum) {
    vf key[4];
    UNROLL for (int p = 0; p < 4; p++) key[p] = vf_load_f16(keys[p] + 2 * i);
    UNROLL for (int h = 0; h < n; h++) {
        vf x = vf_load(query_at(q, head + h, i));
        UNROLL for (int p = 0; p < 4; p++) sum[h * 4 + p] = vf_fma(key[p], x, sum[h * 4 + p]);
    }
}
INLINE vf value_F16(const uint8_t *row, size_t i) {
    return vf_load_f16(row + 2 * i);
}
#endif

#if TR_INTEGER
INLINE float f16_scalar(const uint8_t *p) {
    uint16_t bits;
    memcpy(&bits, p, sizeof(bits));
    return _cvtsh_ss(bits);
}
enum { KEY_STEP_Q8_0 = 32 };
/* The same for a block of 32 bytes and their scale. */
INLINE void scores_Q8_0(const uint8_t *const keys[4], size_t i, const struct query *q, int head,
                        const int n, vf *sum) {
    vi key[4];
    float scale[4];
    UNROLL for (int p = 0; p < 4; p++) {
        const uint8_t *block = keys[p] + i / 32 * 34;
        vi bytes = vi_load(block + 2);
        key[p] = WEIGHT_OFFSET ? vi_xor(bytes, vi_set1_8(-128)) : bytes;
        scale[p] = f16_scalar(block);
    }
    UNROLL for (int h = 0; h < n; h++) {
        const uint8_t *at = q->base + (size_t)(head + h) * q->stride;
        const float *d = (const float *)(const void *)(at + q->k) + i / 32;
        /* The offset's product is taken out of one lane: lanes are added up in the end. */
        vi start = WEIGHT_OFFSET ? vi_load_first(at + q->k + q->k / 4 + i / 32 * 4) : vi_zero();
        vi x = vi_load(at + i);
        UNROLL for (int p = 0; p < 4; p++) {
            vf dot = vf_from_int(dot_signed(start, key[p], x));
            sum[h * 4 + p] = vf_fma(dot, vf_mul(vf_splat(d), vf_splat(&scale[p])), sum[h * 4 + p]);
        }
    }
}
INLINE vf value_Q8_0(const uint8_t *row, size_t i) {
    const uint8_t *block = row + i / 32 * 34;
    float scale = f16_scalar(block);
    return vf_mul(vf_from_int(vi_widen_s8(block + 2 + i % 32)), vf_splat(&scale));
}
#endif

/* ---- softmax ---- */

/* e^x for x <= 0, relative error below 2^-21: 2^n * e^r, |r| <= ln 2 / 2, by its series. */
INLINE vf exp_negative(vf x) {
    static const float log2_e = 1.44269504F, ln2_high = 0.693145752F, ln2_low = 1.42860677e-6F,
                       least = -87.0F;
    static const float series[] = {1.0F / 720, 1.0F / 120, 1.0F / 24, 1.0F / 6, 0.5F, 1, 1};
    x = vf_max(x, vf_splat(&least));
    vi n = vf_to_int(vf_mul(x, vf_splat(&log2_e)));
    vf whole = vf_from_int(n), sum = vf_splat(&series[0]);
    vf r = vf_fnma(whole, vf_splat(&ln2_high), x);
    r = vf_fnma(whole, vf_splat(&ln2_low), r);
    UNROLL for (int i = 1; i < 7; i++) sum = vf_fma(sum, r, vf_splat(&series[i]));
    return vf_mul(sum, vf_from_bits(vi_shl32(vi_add(n, vi_set1_32(127)), 23)));
}

struct running {
    float maximum, sum;
};

/* Scores of one head's block to weights; what was summed under a smaller maximum is scaled down. */
INLINE void soften(float *scores, size_t n, struct running *state, float *out, size_t k) {
    for (size_t p = n; p < POSITIONS; p++)
        scores[p] = -1e30F;
    vf most = vf_load(scores), sum = vf_zero();
    UNROLL for (int i = LANES; i < POSITIONS; i += LANES) most = vf_max(most, vf_load(scores + i));
    float maximum = vf_most(most);
    if (maximum > state->maximum) {
        float rows[LANES], change = state->maximum - maximum;
        vf_store(rows, exp_negative(vf_splat(&change)));
        vf scale = vf_splat(&rows[0]);
        for (size_t i = 0; i < k; i += LANES)
            vf_store(out + i, vf_mul(vf_load(out + i), scale));
        state->sum *= rows[0];
        state->maximum = maximum;
    }
    vf shift = vf_splat(&state->maximum);
    UNROLL for (int i = 0; i < POSITIONS; i += LANES) {
        vf weight = exp_negative(vf_sub(vf_load(scores + i), shift));
        vf_store(scores + i, weight);
    }
    for (size_t p = n; p < POSITIONS; p++)
        scores[p] = 0;
    UNROLL for (int i = 0; i < POSITIONS; i += LANES) sum = vf_add(sum, vf_load(scores + i));
    state->sum += vf_total(sum);
}

/* ---- one block of positions ---- */

#define DEFINE_ATTENTION(type)                                                                    \
    INLINE void score_heads_##type(const struct cache *cache, const struct query *q, int head,    \
                                   const int n, float scale, float(*scores)[POSITIONS]) {         \
        for (size_t p = 0; p < cache->n; p += 4) {                                                \
            const uint8_t *keys[4];                                                               \
            float four[4];                                                                        \
            vf sum[HEADS * 4];                                                                    \
            /* Positions beyond the last one are the last one again, and are not looked at. */    \
            UNROLL for (size_t i = 0; i < 4; i++) keys[i] =                                       \
                cache->keys + (p + i < cache->n ? p + i : cache->n - 1) * cache->stride;          \
            UNROLL for (int i = 0; i < n * 4; i++) sum[i] = vf_zero();                            \
            for (size_t i = 0; i < q->k; i += KEY_STEP_##type)                                    \
                scores_##type(keys, i, q, head, n, sum);                                          \
            UNROLL for (int h = 0; h < n; h++) {                                                  \
                vf_totals(sum + h * 4, four);                                                     \
                UNROLL for (size_t i = 0; i < 4; i++) scores[h][p + i] = four[i] * scale;         \
            }                                                                                     \
        }                                                                                         \
    }                                                                                             \
    INLINE void add_values_##type(const struct cache *cache, size_t i, const int chunks,          \
                                  const int n, float(*scores)[POSITIONS], float *out, size_t k) { \
        vf sum[HEADS * 4];                                                                        \
        UNROLL for (int h = 0; h < n; h++) UNROLL for (int c = 0; c < chunks; c++)                \
            sum[h * chunks + c] = vf_load(out + (size_t)h * k + i + (size_t)(c * LANES));         \
        for (size_t p = 0; p < cache->n; p++) {                                                   \
            const uint8_t *row = cache->values + p * cache->stride;                               \
            vf value[4];                                                                          \
            UNROLL for (int c = 0; c < chunks; c++) value[c] =                                    \
                value_##type(row, i + (size_t)(c * LANES));                                       \
            UNROLL for (int h = 0; h < n; h++) {                                                  \
                vf weight = vf_splat(&scores[h][p]);                                              \
                UNROLL for (int c = 0; c < chunks; c++) sum[h * chunks + c] =                     \
                    vf_fma(value[c], weight, sum[h * chunks + c]);                                \
            }                                                                                     \
        }                                                                                         \
        UNROLL for (int h = 0; h < n; h++) UNROLL for (int c = 0; c < chunks; c++)                \
            vf_store(out + (size_t)h * k + i + (size_t)(c * LANES), sum[h * chunks + c]);         \
    }                                                                                             \
    INLINE void heads_##type(const struct cache *cache, const struct query *q, int head,          \
                             const int n, float scale, struct running *state, float *out) {       \
        float scores[HEADS][POSITIONS];                                                           \
        size_t i = 0;                                                                             \
        score_heads_##type(cache, q, head, n, scale, scores);                                     \
        for (int h = 0; h < n; h++)                                                               \
            soften(scores[h], cache->n, &state[h], out + (size_t)h * q->k, q->k);                 \
        for (; i + 4 * LANES <= q->k; i += 4 * LANES)                                             \
            add_values_##type(cache, i, 4, n, scores, out, q->k);                                 \
        for (; i < q->k; i += 2 * LANES)                                                          \
            add_values_##type(cache, i, 2, n, scores, out, q->k);                                 \
    }                                                                                             \
    INLINE void attention_##type(struct tr_kargs *args, size_t query_stride, int distance) {      \
        struct running state[TR_ATTENTION_HEADS];                                                 \
        const struct query q = {args->queries, query_stride, args->k};                            \
        const size_t row_bytes = row_bytes_##type(args->k);                                       \
        float *out = args->a;                                                                     \
        const float scale = (float)args->scalar;                                                  \
        const int batch = (int)args->batch;                                                       \
        for (int h = 0; h < batch; h++)                                                           \
            state[h] = (struct running){-1e30F, 0};                                               \
        for (size_t i = 0; i < args->batch * args->k; i++)                                        \
            out[i] = 0;                                                                           \
        for (size_t at = 0; at < args->n; at += POSITIONS) {                                      \
            const struct cache cache = {(const uint8_t *)args->b + at * args->stride_bytes,       \
                                        (const uint8_t *)args->c + at * args->stride_bytes,       \
                                        args->stride_bytes,                                       \
                                        args->n - at < POSITIONS ? args->n - at : POSITIONS};     \
            int h = 0;                                                                            \
            for (size_t p = 0; p < cache.n && distance; p++)                                      \
                for (size_t line = 0; line < row_bytes; line += 64) {                             \
                    size_t ahead = (p + (size_t)distance) * cache.stride + line;                  \
                    _mm_prefetch((const char *)cache.keys + ahead, _MM_HINT_T0);                  \
                    _mm_prefetch((const char *)cache.values + ahead, _MM_HINT_T0);                \
                }                                                                                 \
            for (; h + HEADS <= batch; h += HEADS)                                                \
                heads_##type(&cache, &q, h, HEADS, scale, state + h, out + (size_t)h * q.k);      \
            for (; h < batch; h++)                                                                \
                heads_##type(&cache, &q, h, 1, scale, state + h, out + (size_t)h * q.k);          \
        }                                                                                         \
        for (int h = 0; h < batch; h++)                                                           \
            for (size_t i = 0; i < args->k; i++)                                                  \
                out[(size_t)h * args->k + i] /= state[h].sum;                                     \
    }

#if TR_FLOAT
INLINE size_t row_bytes_F16(size_t k) {
    return 2 * k;
}
DEFINE_ATTENTION(F16)
#endif
#if TR_INTEGER
INLINE size_t row_bytes_Q8_0(size_t k) {
    return k / 32 * 34;
}
DEFINE_ATTENTION(Q8_0)
#endif

#include "flavours.h"
/* Queries of a call lie as tr_activation_bytes() says, one after the other. */
#define QUERY_BYTES_F16 (args->k * 4)
#define QUERY_BYTES_Q8_0 (args->k + 3 * (args->k / 8))
#define TR_HERE_attention(id, type, distance)                     \
    tr_kernel_fn TR_MATRIX_NAME(id, TR_FLAVOUR);                  \
    void TR_MATRIX_NAME(id, TR_FLAVOUR)(struct tr_kargs * args) { \
        attention_##type(args, QUERY_BYTES_##type, distance);     \
    }
#define TR_HERE_gemv(...)
#define TR_HERE_gemm(...)
#define TR_MATRIX(flavour, id, operation, type, parts, distance, hint, set) \
    IN_FLAVOUR_##flavour(TR_HERE_##operation(id, type, distance))
#include "../matrix.def"
#undef TR_MATRIX
