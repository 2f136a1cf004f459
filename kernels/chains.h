/* What kernels of chains, their reference and their callers agree on: the layout of operands. */
#ifndef TR_KERNELS_CHAINS_H
#define TR_KERNELS_CHAINS_H

#include "kernel.h"

/* TR_CHAINS_OF_<id>_<isa> and TR_ADDS_OF_<id>_<isa>, the columns of chains.def. */
#define TR_CHAINS(isa, needs, id, op, dtype, chains, adds, set) \
    TR_CHAINS_OF_##id##_##isa = (chains), TR_ADDS_OF_##id##_##isa = (adds),
enum {
#include "chains.def"
};
#undef TR_CHAINS

/* Constant operands before the accumulators. Chain i of dotprod multiplies left vector i % 2 with
 * right vector i / 2 % 2: operands change from one instruction to the next, as in real work. Tile i
 * of four results takes left tile i / 2 and right tile i % 2. */
enum { TR_DOTPROD_LEFT = 2, TR_DOTPROD_RIGHT = 2, TR_TILE_LEFT = 2, TR_TILE_RIGHT = 2 };

/* Every loop over chains is unrolled, or the compiler keeps them in memory. */
#define TR_UNROLL _Pragma("GCC unroll 32")
/* Counting turns takes slots of the ports that the chains need. */
#define TR_UNROLL_TWICE _Pragma("GCC unroll 2")

/* Of vectors: 64 bytes of a tile's row. */
enum { TR_TILE_ROW_BYTES = 64, TR_TILE_BYTES = 1024 };

#endif
