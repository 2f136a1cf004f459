/* Products of tiles (AMX): four results, each 16 x 16 32-bit numbers, gain left (16 rows of 64
 * bytes) times right (in the layout that the instructions want: 16 rows of 16 groups of 4 bytes or
 * 2 brain floats). All eight tiles are in use. 2 x 16 x 16 x 64 integer operations, or half as many
 * floating-point ones, per result in each turn. */
#include "isa.h"

#include "chains.h"
#include "tiles.h"

static void configure(void) {
    struct tr_tile_config config = {.palette = 1};
    for (int i = 0; i < 8; i++) {
        config.row_bytes[i] = TR_TILE_ROW_BYTES;
        config.rows[i] = TR_TILE_BYTES / TR_TILE_ROW_BYTES;
    }
    tr_tiles_configure(&config);
}

static uint64_t sum_of_results(void) {
    uint64_t words[4][TR_TILE_BYTES / 8], sum = 0;
    _tile_stored(0, words[0], TR_TILE_ROW_BYTES);
    _tile_stored(1, words[1], TR_TILE_ROW_BYTES);
    _tile_stored(2, words[2], TR_TILE_ROW_BYTES);
    _tile_stored(3, words[3], TR_TILE_ROW_BYTES);
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < TR_TILE_BYTES / 8; j++)
            sum += words[i][j];
    return sum;
}

/* Tiles 0 to 3 are results, 4 and 5 left, 6 and 7 right operands. */
#define DEFINE_TILE(id, PRODUCT)                                      \
    void tr_k_##id##_amx(struct tr_kargs *args) {                     \
        const char *start = args->b;                                  \
        configure();                                                  \
        _tile_loadd(4, start, TR_TILE_ROW_BYTES);                     \
        _tile_loadd(5, start + TR_TILE_BYTES, TR_TILE_ROW_BYTES);     \
        _tile_loadd(6, start + 2 * TR_TILE_BYTES, TR_TILE_ROW_BYTES); \
        _tile_loadd(7, start + 3 * TR_TILE_BYTES, TR_TILE_ROW_BYTES); \
        _tile_loadd(0, start + 4 * TR_TILE_BYTES, TR_TILE_ROW_BYTES); \
        _tile_loadd(1, start + 5 * TR_TILE_BYTES, TR_TILE_ROW_BYTES); \
        _tile_loadd(2, start + 6 * TR_TILE_BYTES, TR_TILE_ROW_BYTES); \
        _tile_loadd(3, start + 7 * TR_TILE_BYTES, TR_TILE_ROW_BYTES); \
        for (size_t turn = 0; turn < args->n; turn++) {               \
            PRODUCT(0, 4, 6);                                         \
            PRODUCT(1, 4, 7);                                         \
            PRODUCT(2, 5, 6);                                         \
            PRODUCT(3, 5, 7);                                         \
        }                                                             \
        args->sum = sum_of_results();                                 \
        _tile_release();                                              \
    }

DEFINE_TILE(tile_bf16, _tile_dpbf16ps)
DEFINE_TILE(tile_i8, _tile_dpbusd)
