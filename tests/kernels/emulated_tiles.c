#include "test.h"

#include <math.h>

#include "emulated_tiles.h"

#include "tiles.h"

enum { TILES = 8, ROWS = 16, ROW_BYTES = 64 };

static struct tr_tile_config config; /* palette 0: tiles are not configured */
static uint8_t tiles[TILES][ROWS][ROW_BYTES];

static void refuse(const char *instruction, const char *why) {
    fail_msg("%s: %s", instruction, why);
}

void emulated_tile_loadconfig(const void *from) {
    struct tr_tile_config asked;
    memcpy(&asked, from, sizeof(asked));
    if (asked.palette > 1)
        refuse("ldtilecfg", "there is no such palette");
    for (size_t i = 0; i < sizeof(asked.reserved); i++)
        if (asked.reserved[i])
            refuse("ldtilecfg", "a reserved byte is not zero");
    for (int i = 0; asked.palette && i < 16; i++) {
        if (asked.row_bytes[i] > ROW_BYTES || asked.rows[i] > ROWS)
            refuse("ldtilecfg", "more than 16 rows of 64 bytes");
        if (!asked.row_bytes[i] != !asked.rows[i])
            refuse("ldtilecfg", "rows without bytes, or bytes without rows");
        if (i >= TILES && asked.rows[i])
            refuse("ldtilecfg", "a ninth tile");
    }
    config = asked;
    memset(tiles, 0, sizeof(tiles));
}

void emulated_tile_release(void) {
    config = (struct tr_tile_config){0};
    memset(tiles, 0, sizeof(tiles));
}

static void must_be_configured(const char *instruction, int tile) {
    if (!config.palette)
        refuse(instruction, "tiles are not configured");
    if (tile < 0 || tile >= TILES || !config.rows[tile])
        refuse(instruction, "this tile is not configured");
}

void emulated_tile_zero(int tile) {
    must_be_configured("tilezero", tile);
    memset(tiles[tile], 0, sizeof(tiles[tile]));
}

/* What lies beyond a tile's rows, and beyond the bytes of a row, becomes zero. */
void emulated_tile_loadd(int tile, const void *base, long stride) {
    must_be_configured("tileloadd", tile);
    memset(tiles[tile], 0, sizeof(tiles[tile]));
    for (int row = 0; row < config.rows[tile]; row++)
        memcpy(tiles[tile][row], (const uint8_t *)base + row * stride, config.row_bytes[tile]);
}

void emulated_tile_stored(int tile, void *base, long stride) {
    must_be_configured("tilestored", tile);
    for (int row = 0; row < config.rows[tile]; row++)
        memcpy((uint8_t *)base + row * stride, tiles[tile][row], config.row_bytes[tile]);
}

static void must_fit(const char *instruction, int sums, int left, int right) {
    must_be_configured(instruction, sums);
    must_be_configured(instruction, left);
    must_be_configured(instruction, right);
    if (sums == left || sums == right || left == right)
        refuse(instruction, "one tile twice");
    if (config.row_bytes[sums] % 4 || config.row_bytes[left] % 4 || config.row_bytes[right] % 4)
        refuse(instruction, "a row is not a multiple of 4 bytes");
    if (config.rows[sums] != config.rows[left])
        refuse(instruction, "results and left operand differ in rows");
    if (config.row_bytes[sums] != config.row_bytes[right])
        refuse(instruction, "results and right operand differ in columns");
    if (config.row_bytes[left] / 4 != config.rows[right])
        refuse(instruction, "the left operand's columns are not the right one's rows");
}

/* What a product has left of a result of 32 bits: its new value. `m` is its row, `n` its column;
 * `k` goes over the left one's columns of 4 bytes. */
typedef uint32_t products_fn(uint32_t sum, const uint8_t *left, const uint8_t *right);

static void for_each_result(const char *instruction, int sums, int left, int right,
                            products_fn *products) {
    must_fit(instruction, sums, left, right);
    for (int m = 0; m < config.rows[sums]; m++)
        for (int n = 0; n < config.row_bytes[sums] / 4; n++) {
            uint32_t sum;
            memcpy(&sum, tiles[sums][m] + 4 * n, 4);
            for (int k = 0; k < config.row_bytes[left] / 4; k++)
                sum = products(sum, tiles[left][m] + 4 * k, tiles[right][k] + 4 * n);
            memcpy(tiles[sums][m] + 4 * n, &sum, 4);
        }
}

/* Sums wrap around; none of these instructions saturates. */
static uint32_t signed_signed(uint32_t sum, const uint8_t *left, const uint8_t *right) {
    for (int i = 0; i < 4; i++)
        sum += (uint32_t)((int8_t)left[i] * (int8_t)right[i]);
    return sum;
}

static uint32_t signed_unsigned(uint32_t sum, const uint8_t *left, const uint8_t *right) {
    for (int i = 0; i < 4; i++)
        sum += (uint32_t)((int8_t)left[i] * right[i]);
    return sum;
}

static uint32_t unsigned_signed(uint32_t sum, const uint8_t *left, const uint8_t *right) {
    return signed_unsigned(sum, right, left);
}

void emulated_tile_dpbssd(int sums, int left, int right) {
    for_each_result("tdpbssd", sums, left, right, signed_signed);
}

void emulated_tile_dpbsud(int sums, int left, int right) {
    for_each_result("tdpbsud", sums, left, right, signed_unsigned);
}

void emulated_tile_dpbusd(int sums, int left, int right) {
    for_each_result("tdpbusd", sums, left, right, unsigned_signed);
}

/* Numbers below the smallest normal one count as zero, in operands and in results. */
static float flushed(float x) {
    return fpclassify(x) == FP_SUBNORMAL ? copysignf(0, x) : x;
}

static float brain_float(const uint8_t *at) {
    uint32_t bits = (uint32_t)at[0] << 16 | (uint32_t)at[1] << 24;
    float x;
    memcpy(&x, &bits, sizeof(x));
    return flushed(x);
}

/* Even and odd elements are summed apart, each addition rounded once; then both sums, then the
 * result. */
void emulated_tile_dpbf16ps(int sums, int left, int right) {
    must_fit("tdpbf16ps", sums, left, right);
    for (int m = 0; m < config.rows[sums]; m++)
        for (int n = 0; n < config.row_bytes[sums] / 4; n++) {
            float sum, parts[2] = {0, 0};
            memcpy(&sum, tiles[sums][m] + 4 * n, 4);
            for (int k = 0; k < config.row_bytes[left] / 4; k++)
                for (int i = 0; i < 2; i++)
                    parts[i] =
                        flushed(fmaf(brain_float(tiles[left][m] + 4 * k + 2 * i),
                                     brain_float(tiles[right][k] + 4 * n + 2 * i), parts[i]));
            sum = flushed(flushed(sum) + flushed(parts[0] + parts[1]));
            memcpy(tiles[sums][m] + 4 * n, &sum, 4);
        }
}
