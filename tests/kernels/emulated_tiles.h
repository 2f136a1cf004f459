/* Tiles (AMX) in plain C, for kernels whose instructions the CPU at hand lacks: included ahead of a
 * kernel's source, it takes the place of the intrinsics. What the instructions refuse fails the
 * test. Semantics: Intel SDM vol. 1, 18 (configuration) and vol. 2 (each instruction's operation).
 */
#ifndef TR_TESTS_EMULATED_TILES_H
#define TR_TESTS_EMULATED_TILES_H

#include <immintrin.h>

void emulated_tile_loadconfig(const void *config);
void emulated_tile_release(void);
void emulated_tile_zero(int tile);
void emulated_tile_loadd(int tile, const void *base, long stride);
void emulated_tile_stored(int tile, void *base, long stride);
/* `left` times `right`; ss, su, us: which of them is signed (s) or unsigned (u). */
void emulated_tile_dpbssd(int sums, int left, int right);
void emulated_tile_dpbsud(int sums, int left, int right);
void emulated_tile_dpbusd(int sums, int left, int right);
void emulated_tile_dpbf16ps(int sums, int left, int right);

#undef _tile_loadd
#undef _tile_stored
#undef _tile_zero
#undef _tile_dpbssd
#undef _tile_dpbsud
#undef _tile_dpbusd
#undef _tile_dpbf16ps
#define _tile_loadconfig emulated_tile_loadconfig
#define _tile_release emulated_tile_release
#define _tile_zero emulated_tile_zero
#define _tile_loadd emulated_tile_loadd
#define _tile_stored emulated_tile_stored
#define _tile_dpbssd emulated_tile_dpbssd
#define _tile_dpbsud emulated_tile_dpbsud
#define _tile_dpbusd emulated_tile_dpbusd
#define _tile_dpbf16ps emulated_tile_dpbf16ps

#endif
