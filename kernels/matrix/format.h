/* How matrices and vectors lie in memory for the kernels of matrix.def.
 *
 * Weights are rows of blocks, as in a GGUF file, repacked: 16 rows make a panel. In a panel come
 * first the blocks' leading 8- and 16-bit fields (scales; 16 rows side by side, block by block),
 * then, block by block, all other fields interleaved by words of 4 bytes over the 16 rows. A vector
 * register thus holds the same few elements of 16 rows (8 in AVX2), and a row's sum stays in its
 * lane. It takes the bytes of the blocks, no more. Rows that fill up the last panel are zero.
 *
 *     field        words of a block             words of a panel's block
 *     d            d                            d(row 0) d(row 1) .. d(row 15)
 *     quants       w0 w1 w2 ..                  w0(row 0) .. w0(row 15) w1(row 0) .. w1(row 15) ..
 *
 * Vectors (activations) are kept as an engine's kernels read them: 8-bit integers with a scale per
 * 32 or 256 elements (and the sums of their parts, for formats with an offset), or floats. */
#ifndef TR_KERNELS_FORMAT_H
#define TR_KERNELS_FORMAT_H

#include "kernel.h"

enum { TR_PANEL_ROWS = 16 };

enum tr_activation {
    TR_ACTIVATION_F32,  /* float x[k] */
    TR_ACTIVATION_BF16, /* bfloat16 x[k], then the same numbers as float[k] */
    TR_ACTIVATION_Q8,   /* int8 q[k], float d[k/32], and of the sums of each 32: int32 -8 * sum
                           [k/32], int32 -128 * sum [k/32] */
    TR_ACTIVATION_Q8_K, /* int8 q[k], float d[k/256], int32 -32 * sum of 16 [k/16], int32 -128 * sum
                           of 32 [k/32], int16 sum of 32 [k/32], the eight of a block in the order
                           0 2 1 3 4 6 5 7 */
};
enum tr_activation tr_activation_of(enum tr_dtype dtype);

/* Elements of the smallest piece of a row that is repacked: a block, or 64 bytes of plain numbers.
 * k is a multiple of it. */
size_t tr_matrix_quantum(enum tr_dtype dtype);
/* Bytes of n rows of k elements, in blocks (what counts as read) and repacked (whole panels). */
size_t tr_matrix_bytes(enum tr_dtype dtype, size_t n, size_t k);
size_t tr_matrix_packed_bytes(enum tr_dtype dtype, size_t n, size_t k);
/* Rows of blocks to panels and back; `unpack` writes the first n rows. */
void tr_matrix_pack(enum tr_dtype dtype, const void *blocks, size_t n, size_t k, void *ret_packed);
void tr_matrix_unpack(enum tr_dtype dtype, const void *packed, size_t n, size_t k,
                      void *ret_blocks);
/* One block (or 64 bytes of plain numbers) of one row. */
void tr_matrix_block(enum tr_dtype dtype, const void *packed, size_t row, size_t k, size_t block,
                     void *ret_block);
/* Fills n rows of k elements, repacked, with random quants and scales that keep products finite and
 * of one magnitude; n is a multiple of 16. */
void tr_matrix_random(enum tr_dtype dtype, uint64_t seed, size_t n, size_t k, void *ret_packed);

/* Bytes of one vector of k elements, and the vector itself from floats. */
size_t tr_activation_bytes(enum tr_activation kind, size_t k);
void tr_activation_make(enum tr_activation kind, const float *x, size_t k, void *ret_vector);

/* One row of blocks as numbers; `x` has k of them. Exact: in double. */
void tr_matrix_row(enum tr_dtype dtype, const void *blocks, size_t k, double *ret_x);

/* The product of one row of repacked weights with a vector of the type's kind, in double; *ret_size
 * is the sum of the terms' sizes, of which rounding errors are a fraction. */
double tr_matrix_product(enum tr_dtype dtype, const void *packed, size_t row, size_t k,
                         const void *vector, double *ret_size);

double tr_f16_value(uint16_t bits);
uint16_t tr_f16_bits(float value); /* rounds to nearest, ties to even */
uint16_t tr_bf16_bits(float value);

#endif
