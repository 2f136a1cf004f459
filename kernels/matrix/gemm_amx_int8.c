/* Products of quantised matrices with many vectors in tiles of 8-bit integers (AMX), scales in
 * AVX-512.
 *
 * A tile's right operand has 4 elements of 16 rows of the matrix side by side, as a panel has them:
 * what the weights are unpacked to. They are unpacked once a panel and piece of its rows, into the
 * first-level cache, and meet all vectors there; the left operand is vectors as they lie.
 *
 * Blocks of 32 have scales that are floats, so every block's sums leave the tiles: products of 32
 * elements, half a tile deep, are stored as integers, and come back as vectors to be scaled into 16
 * registers of results, which stay there over a run of blocks.
 *
 * Blocks of 256 have scales of their parts that are integers: weight times scale is an integer of
 * up to 13 bits, and two tiles have its low byte (unsigned) and its high byte (signed). So products
 * are 64 elements deep, all of a block's parts add up in the tile, whatever the length of a part,
 * and the sums leave it once a block: 256 * high + low, times the block's scale. While one block's
 * products are computed, the sums of the one before are scaled. */
#include "format.h"

#include "lanes_avx512.h"
#include "tiles.h"

#include "fields.h"

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 16")

enum { ROWS = TR_PANEL_ROWS, VECTORS = 16, TILE_ROW = 64 };

/* Sums of one tile: vectors x rows of the matrix. */
typedef int32_t tile_sums[VECTORS][ROWS];

static size_t at_most(size_t n, size_t most) {
    return n < most ? n : most;
}

static __mmask16 mask_of(size_t n) {
    return (__mmask16)((1U << at_most(n, 16)) - 1);
}

/* ---- blocks of 32 ---- */

enum { BLOCK = 32, RUN_BLOCKS = 16, PANELS = 4, MOST_VECTORS = 512 };

/* A run of blocks of one panel. */
struct panel {
    int8_t weights[RUN_BLOCKS][BLOCK / 4][TILE_ROW];
    float scales[RUN_BLOCKS][ROWS];
};

INLINE void unpack_Q8_0(const uint8_t *head, const uint8_t *body, int8_t (*to)[TILE_ROW],
                        float *scales) {
    UNROLL for (int i = 0; i < 8; i++)
        _mm512_store_si512(to[i], vi_xor(vi_load(body + i * 64), vi_set1_8(-128)));
    vf_store(scales, vf_load_f16(head));
}

/* Low nibbles are the first 16 elements, high ones the others. */
INLINE void unpack_Q4_0(const uint8_t *head, const uint8_t *body, int8_t (*to)[TILE_ROW],
                        float *scales) {
    const vi low = vi_set1_8(15), eight = vi_set1_8(8);
    UNROLL for (int i = 0; i < 4; i++) {
        vi both = vi_load(body + i * 64);
        _mm512_store_si512(to[i], _mm512_sub_epi8(vi_and(both, low), eight));
        _mm512_store_si512(to[i + 4], _mm512_sub_epi8(vi_and(vi_shr16(both, 4), low), eight));
    }
    vf_store(scales, vf_load_f16(head));
}

INLINE void unpack_MXFP4(const uint8_t *head, const uint8_t *body, int8_t (*to)[TILE_ROW],
                         float *scales) {
#define AS_IT_IS(x) (x)
    static const int8_t levels[16] = {TR_LEVELS_E2M1(AS_IT_IS)};
#undef AS_IT_IS
    const vi low = vi_set1_8(15), table = vi_table(levels);
    const float half = 0.5F;
    UNROLL for (int i = 0; i < 4; i++) {
        vi both = vi_load(body + i * 64);
        _mm512_store_si512(to[i], vi_lookup(table, vi_and(both, low)));
        _mm512_store_si512(to[i + 4], vi_lookup(table, vi_and(vi_shr16(both, 4), low)));
    }
    /* 2^(e - 127), halved, as the levels are doubled; e = 0 is a subnormal number. */
    vi exponent = vi_max32(vi_shl32(vi_widen_u8(head), 23), vi_set1_32(1 << 22));
    vf_store(scales, vf_mul(vf_from_bits(exponent), vf_splat(&half)));
}

/* One panel's run times up to 16 vectors. */
struct run {
    const struct panel *panel;
    const int8_t *vectors;
    size_t vector_stride, blocks, n_vectors;
    const float *scales; /* of the vectors, RUN_BLOCKS each */
    float *out;
    size_t out_stride;
    __mmask16 rows;
    bool again; /* results of the blocks before are in `out` */
};

/* Tiles 0 and 1 are sums, 4 and 5 vectors, 6 and 7 weights. */
static void configure_run(size_t n_vectors) {
    struct tr_tile_config config = {.palette = 1};
    for (int i = 0; i < 2; i++) {
        config.rows[i] = config.rows[4 + i] = (uint8_t)n_vectors;
        config.row_bytes[i] = config.row_bytes[6 + i] = TILE_ROW;
        config.row_bytes[4 + i] = BLOCK;
        config.rows[6 + i] = BLOCK / 4;
    }
    tr_tiles_configure(&config);
}

#define MULTIPLY(sums, left, right, at)                                        \
    do {                                                                       \
        _tile_zero(sums);                                                      \
        _tile_loadd(right, run->panel->weights[at], TILE_ROW);                 \
        _tile_loadd(left, run->vectors + (at)*BLOCK, (int)run->vector_stride); \
        _tile_dpbssd(sums, left, right);                                       \
    } while (0)

/* Two blocks, if there are two left. */
INLINE void multiply_pair(const struct run *run, size_t block, tile_sums *to) {
    MULTIPLY(0, 4, 6, block);
    if (block + 1 < run->blocks)
        MULTIPLY(1, 5, 7, block + 1);
    _tile_stored(0, to[0], TILE_ROW);
    if (block + 1 < run->blocks)
        _tile_stored(1, to[1], TILE_ROW);
}

INLINE void add_scaled(const struct run *run, size_t block, const int32_t *sums, const int n,
                       vf *results) {
    const vf d = vf_load(run->panel->scales[block]);
    UNROLL for (int t = 0; t < n; t++) {
        vf scaled = vf_mul(vf_from_int(vi_load(sums + t * ROWS)), d);
        results[t] =
            vf_fma(scaled, vf_splat(run->scales + (size_t)t * RUN_BLOCKS + block), results[t]);
    }
}

/* `n` vectors at most; rows of sums beyond the run's vectors are ignored. The next two blocks'
 * products begin before the last two blocks' sums are scaled. */
INLINE void multiply_run(const struct run *run, const int n) {
    _Alignas(64) tile_sums sums[2][2];
    vf results[VECTORS];
    UNROLL for (int t = 0; t < n; t++) {
        results[t] = vf_zero();
        if (run->again && (size_t)t < run->n_vectors)
            results[t] = _mm512_maskz_loadu_ps(run->rows, run->out + (size_t)t * run->out_stride);
    }
    multiply_pair(run, 0, sums[0]);
    for (size_t block = 0; block < run->blocks; block += 2) {
        const size_t side = block / 2 % 2;
        if (block + 2 < run->blocks)
            multiply_pair(run, block + 2, sums[1 - side]);
        add_scaled(run, block, sums[side][0][0], n, results);
        if (block + 1 < run->blocks)
            add_scaled(run, block + 1, sums[side][1][0], n, results);
    }
    UNROLL for (int t = 0; t < n; t++) {
        if ((size_t)t < run->n_vectors)
            _mm512_mask_storeu_ps(run->out + (size_t)t * run->out_stride, run->rows, results[t]);
    }
}

static void multiply_16(const struct run *run) {
    multiply_run(run, 16);
}
static void multiply_8(const struct run *run) {
    multiply_run(run, 8);
}

/* All vectors, up to MOST_VECTORS, times `panels` panels from row `row` on. */
static void multiply_panels(const struct tr_kargs *args, const struct panel *panels, size_t row,
                            size_t begin, size_t blocks, const float *scales) {
    size_t configured = 0;
    for (size_t t = 0; t < args->batch; t += VECTORS) {
        struct run run = {.vectors =
                              (const int8_t *)args->c + t * args->stride_bytes + begin * BLOCK,
                          .vector_stride = args->stride_bytes,
                          .blocks = blocks,
                          .n_vectors = at_most(args->batch - t, VECTORS),
                          .scales = scales + t * RUN_BLOCKS,
                          .out_stride = args->n,
                          .again = begin > 0};
        if (run.n_vectors != configured)
            configure_run(configured = run.n_vectors);
        for (size_t p = 0; p < PANELS && row + p * ROWS < args->n; p++) {
            run.panel = &panels[p];
            run.out = (float *)args->a + t * args->n + row + p * ROWS;
            run.rows = mask_of(args->n - row - p * ROWS);
            if (run.n_vectors > 8)
                multiply_16(&run);
            else
                multiply_8(&run);
        }
    }
}

/* Scales of a run of all vectors, and of none up to a whole tile. */
static void copy_scales(const struct tr_kargs *args, size_t begin, size_t blocks,
                        float (*to)[RUN_BLOCKS]) {
    const size_t whole = (args->batch + VECTORS - 1) / VECTORS * VECTORS;
    for (size_t t = 0; t < whole; t++) {
        const float *from = (const float *)(const void *)((const uint8_t *)args->c +
                                                          t * args->stride_bytes + args->k) +
                            begin;
        vf_store(to[t], t < args->batch ? _mm512_maskz_loadu_ps(mask_of(blocks), from) : vf_zero());
    }
}

typedef void unpack_fn(const uint8_t *head, const uint8_t *body, int8_t (*to)[TILE_ROW],
                       float *scales);

/* Up to MOST_VECTORS vectors. */
INLINE void gemm_32_some(const struct tr_kargs *args, size_t head_bytes, size_t body_bytes,
                         unpack_fn *unpack) {
    _Alignas(64) struct panel panels[PANELS];
    _Alignas(64) float scales[MOST_VECTORS][RUN_BLOCKS];
    const size_t all = args->k / BLOCK, panel_bytes = all * (head_bytes + body_bytes);
    for (size_t begin = 0; begin < all; begin += RUN_BLOCKS) {
        const size_t blocks = at_most(all - begin, RUN_BLOCKS);
        copy_scales(args, begin, blocks, scales);
        for (size_t row = 0; row < args->n; row += PANELS * ROWS) {
            for (size_t p = 0; p < PANELS && row + p * ROWS < args->n; p++) {
                const uint8_t *panel = (const uint8_t *)args->b + (row / ROWS + p) * panel_bytes;
                const uint8_t *body = panel + all * head_bytes + begin * body_bytes;
                for (size_t b = 0; b < blocks; b++)
                    unpack(panel + (begin + b) * head_bytes, body + b * body_bytes,
                           panels[p].weights[b], panels[p].scales[b]);
            }
            TR_TILES_READ_MEMORY();
            multiply_panels(args, panels, row, begin, blocks, scales[0]);
        }
    }
}

INLINE void gemm_32(const struct tr_kargs *args, size_t head_bytes, size_t body_bytes,
                    unpack_fn *unpack) {
    for (size_t begin = 0; begin < args->batch; begin += MOST_VECTORS) {
        struct tr_kargs some = *args;
        some.batch = at_most(args->batch - begin, MOST_VECTORS);
        some.a = (float *)args->a + begin * args->n;
        some.c = (const uint8_t *)args->c + begin * args->stride_bytes;
        gemm_32_some(&some, head_bytes, body_bytes, unpack);
    }
    _tile_release();
}

/* ---- blocks of 256 ---- */

enum { BLOCK_K = 256, STEPS_K = BLOCK_K / TILE_ROW, STEP_ROWS = TILE_ROW / 4, PANELS_K = 2 };

/* One block of one panel: weight times scale in two bytes, by tile rows of 4 elements; the block's
 * scales; minima of its parts, two 16-bit numbers a row in the order of the vectors' sums. */
struct panel_k {
    uint8_t low[BLOCK_K / 4][TILE_ROW];
    int8_t high[BLOCK_K / 4][TILE_ROW];
    float d[ROWS], dmin[ROWS];
    int16_t minima[4][2 * ROWS];
};

/* Scales of one part of a block: a byte a row, for the even and for the odd elements, and what to
 * subtract from the products (16-bit), as the weights are kept with an offset. */
struct part_scales {
    vi even, odd, offset;
};
/* A scale (its low byte) in each lane; weights are kept 2^offset_bits too large, 0: as they are. */
INLINE struct part_scales part_scales(vi scale, const int offset_bits) {
    struct part_scales s;
    vi byte = vi_and(scale, vi_set1_32(255));
    s.even = _mm512_or_si512(byte, vi_shl32(byte, 16));
    s.odd = vi_shl16(s.even, 8);
    s.offset = offset_bits ? vi_shl16(_mm512_srai_epi16(s.odd, 8), offset_bits) : vi_zero();
    return s;
}

/* Unsigned weights, 4 elements of 16 rows, times their scales: tile row `at` of both bytes. */
INLINE void put_weights(struct panel_k *panel, int at, vi weights, const struct part_scales *s) {
    const vi low_bytes = vi_set1_32(0x00ff00ff);
    vi even = _mm512_sub_epi16(_mm512_maddubs_epi16(weights, s->even), s->offset);
    vi odd = _mm512_sub_epi16(_mm512_maddubs_epi16(weights, s->odd), s->offset);
    _mm512_store_si512(panel->low[at], vi_select(low_bytes, even, vi_shl16(odd, 8)));
    _mm512_store_si512(panel->high[at], vi_select(low_bytes, vi_shr16(even, 8), odd));
}

/* Byte `at` of each lane, in its low byte. */
INLINE vi byte_of(vi bytes, int at) {
    return vi_shr32(bytes, 8 * at);
}

INLINE void unpack_minima(struct panel_k *panel, const uint8_t *head, const struct scales_6bit *s) {
    const vi even = vi_set1_32(0x00ff00ff);
    vf_store(panel->dmin, vf_load_f16(head + 32));
    UNROLL for (int i = 0; i < 2; i++) {
        _mm512_store_si512(panel->minima[2 * i], vi_and(s->min[i], even));
        _mm512_store_si512(panel->minima[2 * i + 1], vi_shr16(s->min[i], 8));
    }
}

/* `high`: the fifth bits of Q5_K, NULL for Q4_K. */
INLINE void unpack_q45(const uint8_t *head, const uint8_t *body, const uint8_t *high,
                       const uint8_t *quants, struct panel_k *panel) {
    const vi low = vi_set1_8(15);
    const struct scales_6bit s = unpack_scales(body);
    unpack_minima(panel, head, &s);
    UNROLL for (int pair = 0; pair < 4; pair++) {
        const struct part_scales first = part_scales(byte_of(s.scale[pair / 2], pair % 2 * 2), 0);
        const struct part_scales second =
            part_scales(byte_of(s.scale[pair / 2], pair % 2 * 2 + 1), 0);
        UNROLL for (int i = 0; i < 8; i++) {
            vi both = vi_load(quants + (pair * 8 + i) * 64);
            vi a = vi_and(both, low), b = vi_and(vi_shr16(both, 4), low);
            if (high) {
                vi bits = vi_load(high + i * 64);
                a = _mm512_or_si512(a, bit_to_16(bits, 2 * pair));
                b = _mm512_or_si512(b, bit_to_16(bits, 2 * pair + 1));
            }
            put_weights(panel, pair * 16 + i, a, &first);
            put_weights(panel, pair * 16 + 8 + i, b, &second);
        }
    }
    vf_store(panel->d, vf_load_f16(head));
}

INLINE void unpack_Q4_K(const uint8_t *head, const uint8_t *body, struct panel_k *panel) {
    unpack_q45(head, body, NULL, body + 192, panel);
}

INLINE void unpack_Q5_K(const uint8_t *head, const uint8_t *body, struct panel_k *panel) {
    unpack_q45(head, body, body + 192, body + 192 + 512, panel);
}

/* Scales of 16 elements; runs of 32 with common bytes of low and of high bits: four of each 128. */
INLINE void unpack_Q6_K(const uint8_t *head, const uint8_t *body, struct panel_k *panel) {
    const vi low = vi_set1_8(15), bits45 = vi_set1_8(0x30);
    UNROLL for (int half = 0; half < 16; half++) { /* 16 elements of each of two runs */
        const int piece = half / 8, run = half / 2 % 2, side = half % 2;
        if (half / 4 % 2)
            continue;
        const int first = piece * 8 + run * 2 + side, second = first + 4;
        const int part = piece * 2 + side;
        const struct part_scales s1 =
            part_scales(byte_of(vi_load(body + first / 4 * 64), first % 4), 5);
        const struct part_scales s2 =
            part_scales(byte_of(vi_load(body + second / 4 * 64), second % 4), 5);
        UNROLL for (int i = 0; i < 4; i++) {
            vi both = q6_low(body, part, run, i), bits = q6_high(body, part, i);
            vi top = run ? vi_shl16(bits, 2) : vi_shl16(bits, 4);
            vi next = run ? vi_shr16(bits, 2) : bits;
            put_weights(panel, first * 4 + i, vi_and_or(both, low, vi_and(top, bits45)), &s1);
            put_weights(panel, second * 4 + i,
                        vi_and_or(vi_shr16(both, 4), low, vi_and(next, bits45)), &s2);
        }
    }
    vf_store(panel->d, vf_load_f16(head));
}

INLINE void unpack_IQ4_XS(const uint8_t *head, const uint8_t *body, struct panel_k *panel) {
#define PLUS_128(x) (int8_t)((x) < 0 ? (x) + 128 : (x)-128)
    static const int8_t levels[16] = {TR_LEVELS_IQ4(PLUS_128)};
#undef PLUS_128
    const vi low = vi_set1_8(15), table = vi_table(levels);
    const vi low_scales = vi_load(body), high_scales = vi_widen_u16(head + 32);
    UNROLL for (int part = 0; part < 8; part++) {
        vi scale = vi_and(vi_shr32(low_scales, 4 * part), vi_set1_32(15));
        vi high = vi_and(vi_shl32(vi_shr32(high_scales, 2 * part), 4), vi_set1_32(0x30));
        const struct part_scales s = part_scales(vi_add(vi_add(scale, high), vi_set1_32(-32)), 7);
        UNROLL for (int i = 0; i < 4; i++) {
            vi both = vi_load(body + 64 + part * 256 + i * 64);
            put_weights(panel, part * 8 + i, vi_lookup(table, vi_and(both, low)), &s);
            put_weights(panel, part * 8 + 4 + i, vi_lookup(table, vi_and(vi_shr16(both, 4), low)),
                        &s);
        }
    }
    vf_store(panel->d, vf_load_f16(head));
}

/* One block of one panel times up to 32 vectors, and where its sums are to be scaled to. */
struct job {
    const struct panel_k *panel;
    const uint8_t *vectors;          /* the block's quants of the first vector, .. */
    const uint8_t *scale, *sums;     /* .. its scale, and the sums of its parts */
    size_t vector_stride, n_vectors; /* none: nothing to do */
    float *out;
    size_t out_stride;
    __mmask16 rows;
    bool again;
    tile_sums *tiles; /* low and high bytes of the first 16 vectors, of the others */
};

/* Vectors `from` to `to` of a job whose products are done; all of one group of 16. */
INLINE void scale_sums(const struct job *job, size_t from, size_t to, const bool minima) {
    const struct panel_k *panel = job->panel;
    const vf d = vf_load(panel->d), dmin = minima ? vf_load(panel->dmin) : vf_zero();
    const int32_t *low = job->tiles[from / VECTORS * 2][from % VECTORS];
    const size_t end = at_most(to, job->n_vectors), stride = job->vector_stride;
    const size_t out_stride = job->out_stride;
    const uint8_t *scale = job->scale + from * stride, *of_parts = job->sums + from * stride;
    const __mmask16 rows = job->rows, before = job->again ? rows : 0;
    float *out = job->out + from * out_stride;
    vi minimum[4] = {vi_zero(), vi_zero(), vi_zero(), vi_zero()};
    UNROLL for (int i = 0; minima && i < 4; i++) minimum[i] = vi_load(panel->minima[i]);
    for (size_t t = from; t < end; t++) {
        vi high = vi_load(low + VECTORS * ROWS);
        vf block = vf_mul(vf_from_int(vi_add(vi_shl32(high, 8), vi_load(low))), d);
        if (minima) {
            vi dot = vi_zero();
            UNROLL for (int i = 0; i < 4; i++) dot =
                vi_add(dot, _mm512_madd_epi16(minimum[i], vi_splat(of_parts + 4 * i)));
            block = vf_fnma(vf_from_int(dot), dmin, block);
        }
        block = vf_fma(block, vf_splat((const float *)(const void *)scale),
                       _mm512_maskz_loadu_ps(before, out));
        _mm512_mask_storeu_ps(out, rows, block);
        low += ROWS;
        out += out_stride;
        scale += stride;
        of_parts += stride;
    }
}

/* Tiles 0 to 3 are sums (two groups of vectors x low and high byte), 4 and 5 vectors, 6 the low and
 * 7 the high bytes of the weights. A second group without vectors is configured as one, not used.
 */
static void configure_k(size_t n_vectors) {
    struct tr_tile_config config = {.palette = 1};
    for (int i = 0; i < 2; i++) {
        const size_t group = n_vectors > (size_t)i * VECTORS ? n_vectors - (size_t)i * VECTORS : 1;
        config.rows[2 * i] = config.rows[2 * i + 1] = config.rows[4 + i] =
            (uint8_t)at_most(group, VECTORS);
        config.row_bytes[2 * i] = config.row_bytes[2 * i + 1] = config.row_bytes[4 + i] = TILE_ROW;
        config.row_bytes[6 + i] = TILE_ROW;
        config.rows[6 + i] = STEP_ROWS;
    }
    tr_tiles_configure(&config);
}

/* The products of `job`, and the scaling of the one before, whose sums make room for the new ones.
 */
INLINE void multiply_and_scale(const struct job *job, const struct job *before, const bool minima) {
    const bool two = job->n_vectors > VECTORS;
    const uint8_t *second = job->vectors + (two ? VECTORS * job->vector_stride : 0);
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (size_t step = 0; step < STEPS_K; step++) {
        _tile_loadd(6, job->panel->low[step * STEP_ROWS], TILE_ROW);
        _tile_loadd(4, job->vectors + step * TILE_ROW, (int)job->vector_stride);
        _tile_dpbsud(0, 4, 6);
        _tile_loadd(7, job->panel->high[step * STEP_ROWS], TILE_ROW);
        _tile_dpbssd(1, 4, 7);
        if (two) {
            _tile_loadd(5, second + step * TILE_ROW, (int)job->vector_stride);
            _tile_dpbsud(2, 5, 6);
            _tile_dpbssd(3, 5, 7);
        }
        scale_sums(before, step * 8, step * 8 + 8, minima);
    }
    _tile_stored(0, job->tiles[0], TILE_ROW);
    _tile_stored(1, job->tiles[1], TILE_ROW);
    if (two) {
        _tile_stored(2, job->tiles[2], TILE_ROW);
        _tile_stored(3, job->tiles[3], TILE_ROW);
    }
}

static void multiply_with_minima(const struct job *job, const struct job *before) {
    multiply_and_scale(job, before, true);
}
static void multiply_plain(const struct job *job, const struct job *before) {
    multiply_and_scale(job, before, false);
}

/* Block `block` of PANELS_K panels from row `row` on, times all vectors. */
static void multiply_panels_k(const struct tr_kargs *args, const struct panel_k *panels, size_t row,
                              size_t block, bool minima) {
    _Alignas(64) tile_sums sums[4];
    const struct job none = {.panel = panels, .tiles = sums};
    struct job jobs[2] = {none, none}; /* this one, the one before */
    const size_t sums_at = args->k + args->k / 64 + args->k / 4 + args->k / 8;
    size_t configured = 0, n = 0;
    for (size_t t = 0; t < args->batch; t += 2 * VECTORS) {
        const uint8_t *vector = (const uint8_t *)args->c + t * args->stride_bytes;
        const size_t vectors = at_most(args->batch - t, 2 * VECTORS);
        if (vectors != configured)
            configure_k(configured = vectors);
        for (size_t p = 0; p < PANELS_K && row + p * ROWS < args->n; p++, n++) {
            struct job *job = &jobs[n % 2];
            *job = (struct job){.panel = &panels[p],
                                .vectors = vector + block * BLOCK_K,
                                .scale = vector + args->k + block * 4,
                                .sums = vector + sums_at + block * 16,
                                .vector_stride = args->stride_bytes,
                                .n_vectors = vectors,
                                .out = (float *)args->a + t * args->n + row + p * ROWS,
                                .out_stride = args->n,
                                .rows = mask_of(args->n - row - p * ROWS),
                                .again = block > 0,
                                .tiles = sums};
            if (minima)
                multiply_with_minima(job, &jobs[(n + 1) % 2]);
            else
                multiply_plain(job, &jobs[(n + 1) % 2]);
        }
    }
    for (size_t t = 0; t < 2; t++)
        scale_sums(&jobs[(n + 1) % 2], t * VECTORS, (t + 1) * VECTORS, minima);
}

typedef void unpack_k_fn(const uint8_t *head, const uint8_t *body, struct panel_k *panel);

INLINE void gemm_256(const struct tr_kargs *args, size_t head_bytes, size_t body_bytes,
                     unpack_k_fn *unpack, const bool minima) {
    _Alignas(64) struct panel_k panels[PANELS_K];
    const size_t all = args->k / BLOCK_K, panel_bytes = all * (head_bytes + body_bytes);
    for (size_t block = 0; block < all; block++)
        for (size_t row = 0; row < args->n; row += PANELS_K * ROWS) {
            for (size_t p = 0; p < PANELS_K && row + p * ROWS < args->n; p++) {
                const uint8_t *panel = (const uint8_t *)args->b + (row / ROWS + p) * panel_bytes;
                unpack(panel + block * head_bytes, panel + all * head_bytes + block * body_bytes,
                       &panels[p]);
            }
            TR_TILES_READ_MEMORY();
            multiply_panels_k(args, panels, row, block, minima);
        }
    _tile_release();
}

/* ---- the rows of the table ---- */

#define GEMM_Q8_0 gemm_32(args, 32, 512, unpack_Q8_0)
#define GEMM_Q4_0 gemm_32(args, 32, 256, unpack_Q4_0)
#define GEMM_MXFP4 gemm_32(args, 16, 256, unpack_MXFP4)
#define GEMM_Q4_K gemm_256(args, 64, 2240, unpack_Q4_K, true)
#define GEMM_Q5_K gemm_256(args, 64, 2752, unpack_Q5_K, true)
#define GEMM_Q6_K gemm_256(args, 32, 3328, unpack_Q6_K, false)
#define GEMM_IQ4_XS gemm_256(args, 64, 2112, unpack_IQ4_XS, false)

#include "flavours.h"
#define TR_MATRIX(flavour, id, operation, type, parts, distance, hint, set)                \
    IN_FLAVOUR_##flavour(tr_kernel_fn TR_MATRIX_NAME(id, TR_FLAVOUR); void TR_MATRIX_NAME( \
                             id, TR_FLAVOUR)(struct tr_kargs * args) { GEMM_##type; })
#include "../matrix.def"
#undef TR_MATRIX
