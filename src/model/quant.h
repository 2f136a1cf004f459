/* Tensor types of GGUF files: how many bytes a row of elements takes. Rows of data/quants.csv. */
#ifndef TR_MODEL_QUANT_H
#define TR_MODEL_QUANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tr_quant {
    uint32_t id; /* as stored in the file */
    char name[16];
    uint32_t block;     /* elements per block; 0: removed from the format, cannot be sized */
    uint32_t bytes;     /* per block */
    uint32_t row_bytes; /* extra bytes of each row */
    /* The type whose products are most like this one's, for rates that were not measured: the same
     * type in another order of rows; of K-quants Q4_K; of I-quants IQ4_XS, then Q4_K; of types with
     * blocks of 32 Q4_0 or Q8_0; of floating-point numbers F16. Empty: none. */
    char nearest[16];
};

/* NULL if unknown. Rows live as long as the program. */
const struct tr_quant *tr_quant_by_id(uint32_t id);
/* Ignores case. */
const struct tr_quant *tr_quant_by_name(const char *name);

/* Bytes of a tensor: (ne[0] / block x bytes + row_bytes) x ne[1] x ne[2] x ne[3]. False if ne[0]
 * is no multiple of the block, or a number does not fit into 63 bits. */
bool tr_quant_size(const struct tr_quant *quant, const uint64_t ne[4], uint64_t *ret_bytes);

#endif
