/* Products of BF16 matrices in tiles (AMX). A panel's block of 32 elements is just what the
 * instruction takes as its right operand: 16 rows of 16 pairs. Two panels times two groups of 16
 * vectors at once; results stay in tiles over a run of elements, for which all vectors' parts fit
 * into the second-level cache, and wait in memory for the next run. */
#include "format.h"

#include "tiles.h"

enum { ROWS = TR_PANEL_ROWS, VECTORS = 16, STEP = 32, STEP_BYTES = 64, RUN_STEPS = 32 };

/* One tile of results: vectors and rows of the matrix, both up to 16; none is 0. */
struct shape {
    uint8_t vectors[2], rows[2];
};

/* Tiles 0 to 3 are results (two groups of vectors x two panels), 4 and 5 vectors, 6 and 7 panels.
 * What a shape lacks is configured as one row, and not used. */
static void configure(struct shape shape) {
    struct tr_tile_config config = {.palette = 1};
    for (int i = 0; i < 2; i++) {
        const uint8_t vectors = shape.vectors[i] ? shape.vectors[i] : 1;
        const uint16_t width = (uint16_t)(4 * (shape.rows[i] ? shape.rows[i] : 1));
        config.rows[2 * i] = config.rows[2 * i + 1] = config.rows[4 + i] = vectors;
        config.row_bytes[i] = config.row_bytes[2 + i] = config.row_bytes[6 + i] = width;
        config.row_bytes[4 + i] = STEP_BYTES;
        config.rows[6 + i] = ROWS;
    }
    tr_tiles_configure(&config);
}

struct operands {
    const uint8_t *weights[2], *vectors[2];
    float *out[2][2]; /* of vectors, of rows */
    size_t vector_stride, out_stride, steps;
    bool again; /* results of the elements before are in `out` */
};

#define LOAD_RESULT(tile, at)                                \
    do {                                                     \
        if (o->again)                                        \
            _tile_loadd(tile, at, (int)(o->out_stride * 4)); \
        else                                                 \
            _tile_zero(tile);                                \
    } while (0)

/* One or two groups of vectors, one or two panels. */
static inline __attribute__((always_inline)) void run(const struct operands *o, const bool vectors2,
                                                      const bool rows2) {
    LOAD_RESULT(0, o->out[0][0]);
    if (rows2)
        LOAD_RESULT(1, o->out[0][1]);
    if (vectors2)
        LOAD_RESULT(2, o->out[1][0]);
    if (vectors2 && rows2)
        LOAD_RESULT(3, o->out[1][1]);
    for (size_t step = 0; step < o->steps; step++) {
        const size_t at = step * STEP_BYTES, panel_at = step * STEP_BYTES * ROWS;
        _tile_loadd(4, o->vectors[0] + at, (int)o->vector_stride);
        _tile_loadd(6, o->weights[0] + panel_at, STEP_BYTES);
        _tile_dpbf16ps(0, 4, 6);
        if (rows2) {
            _tile_loadd(7, o->weights[1] + panel_at, STEP_BYTES);
            _tile_dpbf16ps(1, 4, 7);
        }
        if (vectors2) {
            _tile_loadd(5, o->vectors[1] + at, (int)o->vector_stride);
            _tile_dpbf16ps(2, 5, 6);
        }
        if (vectors2 && rows2)
            _tile_dpbf16ps(3, 5, 7);
    }
    _tile_stored(0, o->out[0][0], (int)(o->out_stride * 4));
    if (rows2)
        _tile_stored(1, o->out[0][1], (int)(o->out_stride * 4));
    if (vectors2)
        _tile_stored(2, o->out[1][0], (int)(o->out_stride * 4));
    if (vectors2 && rows2)
        _tile_stored(3, o->out[1][1], (int)(o->out_stride * 4));
}

static uint8_t at_most(size_t n, size_t most) {
    return (uint8_t)(n < most ? n : most);
}

/* All vectors with two panels, `steps` steps of elements from step `begin` on. */
static void panels(const struct tr_kargs *args, size_t row, size_t begin, size_t steps) {
    const size_t panel_bytes = args->k * 2 * ROWS, left = args->n - row;
    struct shape shape = {{0, 0},
                          {at_most(left, ROWS), left > ROWS ? at_most(left - ROWS, ROWS) : 0}};
    for (size_t t = 0; t < args->batch; t += 2 * VECTORS) {
        const size_t vectors = args->batch - t;
        const uint8_t first = at_most(vectors, VECTORS),
                      second = vectors > VECTORS ? at_most(vectors - VECTORS, VECTORS) : 0;
        struct operands o = {.vector_stride = args->stride_bytes,
                             .out_stride = args->n,
                             .steps = steps,
                             .again = begin > 0};
        if (first != shape.vectors[0] || second != shape.vectors[1]) {
            shape.vectors[0] = first;
            shape.vectors[1] = second;
            configure(shape);
        }
        for (size_t i = 0; i < 2; i++) {
            o.weights[i] = (const uint8_t *)args->b + (row / ROWS + i) * panel_bytes +
                           begin * STEP_BYTES * ROWS;
            o.vectors[i] = (const uint8_t *)args->c + (t + i * VECTORS) * args->stride_bytes +
                           begin * STEP_BYTES;
            for (size_t j = 0; j < 2; j++)
                o.out[i][j] = (float *)args->a + (t + i * VECTORS) * args->n + row + j * ROWS;
        }
        if (second && shape.rows[1])
            run(&o, true, true);
        else if (second)
            run(&o, true, false);
        else if (shape.rows[1])
            run(&o, false, true);
        else
            run(&o, false, false);
    }
}

tr_kernel_fn tr_k_gemm_bf16_amx;
void tr_k_gemm_bf16_amx(struct tr_kargs *args) {
    const size_t all = args->k / STEP;
    for (size_t begin = 0; begin < all; begin += RUN_STEPS)
        for (size_t row = 0; row < args->n; row += 2 * ROWS)
            panels(args, row, begin, all - begin < RUN_STEPS ? all - begin : RUN_STEPS);
    _tile_release();
}
