/* Tiles (AMX): their configuration, and what compilers have to be told. */
#ifndef TR_KERNELS_TILES_H
#define TR_KERNELS_TILES_H

#include <immintrin.h>
#include <stdint.h>

/* What LDTILECFG reads: Intel SDM vol. 1, 18.3. Palette 1 has eight tiles; the others stay zero. */
struct tr_tile_config {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
};

/* GCC's intrinsics hide from it that loading a tile, or the configuration, reads memory: what was
 * written before must be there. */
#define TR_TILES_READ_MEMORY() __asm__ volatile("" ::: "memory")

static inline void tr_tiles_configure(const struct tr_tile_config *config) {
    TR_TILES_READ_MEMORY();
    _tile_loadconfig(config);
}

#endif
