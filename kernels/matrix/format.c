#include "format.h"

#include <math.h>
#include <string.h>

enum { ROWS = TR_PANEL_ROWS, FIELDS = 38 };

/* A block's fields in the order in which a panel has them: those that come first for all blocks of
 * the panel (8- and 16-bit ones), then the others in words of 4 bytes. */
struct field {
    unsigned short offset, bytes, word;
    unsigned char flip; /* every byte is stored xor this */
};
struct layout {
    size_t elements, bytes; /* of the smallest piece of a row */
    struct field fields[FIELDS];
};

/* Signed 8-bit quants are stored as byte + 128, which is what products of unsigned with signed
 * bytes want. */
static const struct layout layouts[] = {
    [TR_DTYPE_F32] = {16, 64, {{0, 64, 4, 0}}},
    [TR_DTYPE_F16] = {32, 64, {{0, 64, 4, 0}}},
    [TR_DTYPE_BF16] = {32, 64, {{0, 64, 4, 0}}},
    [TR_DTYPE_Q8_0] = {32, 34, {{0, 2, 2, 0}, {2, 32, 4, 0x80}}},
    [TR_DTYPE_Q4_0] = {32, 18, {{0, 2, 2, 0}, {2, 16, 4, 0}}},
    [TR_DTYPE_MXFP4] = {32, 17, {{0, 1, 1, 0}, {1, 16, 4, 0}}},
    [TR_DTYPE_Q4_K] = {256, 144, {{0, 2, 2, 0}, {2, 2, 2, 0}, {4, 12, 4, 0}, {16, 128, 4, 0}}},
    [TR_DTYPE_Q5_K] =
        {256, 176, {{0, 2, 2, 0}, {2, 2, 2, 0}, {4, 12, 4, 0}, {16, 32, 4, 0}, {48, 128, 4, 0}}},
/* Q6_K in the order of use, as hardware follows one walk better than three: scales, then by runs of
 * 16 bytes words of low and of high bits in turn, and the low bits that share these high ones. */
#define WORDS(offset, bytes) \
    { offset, bytes, 4, 0 }
#define TURN(low, high) WORDS(low, 4), WORDS(high, 4)
#define Q6_RUNS(low, high)                                                                        \
    TURN(low, high), TURN(low + 4, high + 4), TURN(low + 8, high + 8), TURN(low + 12, high + 12), \
        WORDS(low + 32, 16)
    [TR_DTYPE_Q6_K] = {256,
                       210,
                       {{208, 2, 2, 0},
                        WORDS(192, 16),
                        Q6_RUNS(0, 128),
                        Q6_RUNS(16, 144),
                        Q6_RUNS(64, 160),
                        Q6_RUNS(80, 176)}},
#undef Q6_RUNS
#undef TURN
#undef WORDS
    [TR_DTYPE_IQ4_XS] = {256, 136, {{0, 2, 2, 0}, {2, 2, 2, 0}, {4, 4, 4, 0}, {8, 128, 4, 0}}},
};

static const struct layout *layout_of(enum tr_dtype dtype) {
    return &layouts[dtype];
}

enum tr_activation tr_activation_of(enum tr_dtype dtype) {
    switch (dtype) {
    case TR_DTYPE_Q8_0:
    case TR_DTYPE_Q4_0:
    case TR_DTYPE_MXFP4:
        return TR_ACTIVATION_Q8;
    case TR_DTYPE_Q4_K:
    case TR_DTYPE_Q5_K:
    case TR_DTYPE_Q6_K:
    case TR_DTYPE_IQ4_XS:
        return TR_ACTIVATION_Q8_K;
    case TR_DTYPE_BF16:
        return TR_ACTIVATION_BF16;
    default:
        return TR_ACTIVATION_F32;
    }
}

size_t tr_matrix_quantum(enum tr_dtype dtype) {
    return layout_of(dtype)->elements;
}

size_t tr_matrix_bytes(enum tr_dtype dtype, size_t n, size_t k) {
    const struct layout *layout = layout_of(dtype);
    return n * (k / layout->elements) * layout->bytes;
}

size_t tr_matrix_packed_bytes(enum tr_dtype dtype, size_t n, size_t k) {
    return tr_matrix_bytes(dtype, (n + ROWS - 1) / ROWS * ROWS, k);
}

/* Where word `word` of field `at` of row `row` (0 to 15), block `block`, lies in its panel. */
static size_t place(const struct layout *layout, size_t blocks, size_t at, size_t word, size_t row,
                    size_t block) {
    const bool leads = layout->fields[at].word < 4;
    size_t heads = 0, bodies = 0, before = 0;
    for (size_t f = 0; f < FIELDS; f++) {
        const struct field *field = &layout->fields[f];
        if (f < at && (field->word < 4) == leads)
            before += field->bytes;
        if (field->word < 4)
            heads += field->bytes;
        else
            bodies += field->bytes;
    }
    const size_t size = leads ? (layout->fields[at].word < 2 ? 1 : 2) : 4;
    const size_t within = (before + word * size) * ROWS + row * size;
    return leads ? block * heads * ROWS + within
                 : blocks * heads * ROWS + block * bodies * ROWS + within;
}

/* Where byte i of field f of a row's block lies in the row's panel. */
static size_t place_of_byte(const struct layout *layout, size_t blocks, size_t f, size_t i,
                            size_t row, size_t block) {
    const size_t word = layout->fields[f].word ? layout->fields[f].word : 1;
    return place(layout, blocks, f, i / word, row % ROWS, block) + i % word;
}

void tr_matrix_pack(enum tr_dtype dtype, const void *blocks, size_t n, size_t k, void *ret_packed) {
    const struct layout *layout = layout_of(dtype);
    const size_t per_row = k / layout->elements, panel_bytes = tr_matrix_bytes(dtype, ROWS, k);
    memset(ret_packed, 0, tr_matrix_packed_bytes(dtype, n, k));
    for (size_t at = 0; at < n * per_row; at++) {
        const uint8_t *block = (const uint8_t *)blocks + at * layout->bytes;
        const size_t row = at / per_row;
        uint8_t *panel = (uint8_t *)ret_packed + row / ROWS * panel_bytes;
        for (size_t f = 0; f < FIELDS && layout->fields[f].bytes; f++)
            for (size_t i = 0; i < layout->fields[f].bytes; i++)
                panel[place_of_byte(layout, per_row, f, i, row, at % per_row)] =
                    block[layout->fields[f].offset + i] ^ layout->fields[f].flip;
    }
}

void tr_matrix_block(enum tr_dtype dtype, const void *packed, size_t row, size_t k, size_t block,
                     void *ret_block) {
    const struct layout *layout = layout_of(dtype);
    const uint8_t *panel = (const uint8_t *)packed + row / ROWS * tr_matrix_bytes(dtype, ROWS, k);
    for (size_t f = 0; f < FIELDS && layout->fields[f].bytes; f++)
        for (size_t i = 0; i < layout->fields[f].bytes; i++)
            ((uint8_t *)ret_block)[layout->fields[f].offset + i] =
                panel[place_of_byte(layout, k / layout->elements, f, i, row, block)] ^
                layout->fields[f].flip;
}

void tr_matrix_unpack(enum tr_dtype dtype, const void *packed, size_t n, size_t k,
                      void *ret_blocks) {
    const size_t per_row = k / layout_of(dtype)->elements, bytes = layout_of(dtype)->bytes;
    for (size_t at = 0; at < n * per_row; at++)
        tr_matrix_block(dtype, packed, at / per_row, k, at % per_row,
                        (uint8_t *)ret_blocks + at * bytes);
}

/* Scales of 2^-9 to 2^-8 for quants of some units; plain numbers of magnitude 1 to 2. */
static void tame(enum tr_dtype dtype, size_t word_bytes, uint8_t *at, uint64_t random) {
    uint16_t scale = (uint16_t)(0x1800 | (random & 0x3ff)); /* f16 in [2^-9, 2^-8) */
    if (word_bytes == 1)
        *at = (uint8_t)(119 + (random & 1)); /* 2^-8 or 2^-7 */
    else if (word_bytes == 2)
        memcpy(at, &scale, sizeof(scale));
    else if (dtype == TR_DTYPE_F32)
        at[3] = (at[3] & 0x80) | 0x3f, at[2] |= 0x80;
    else if (dtype == TR_DTYPE_F16)
        at[1] = (at[1] & 0x83) | 0x3c, at[3] = (at[3] & 0x83) | 0x3c;
    else if (dtype == TR_DTYPE_BF16)
        at[1] = (at[1] & 0x80) | 0x3f, at[0] |= 0x80, at[3] = (at[3] & 0x80) | 0x3f, at[2] |= 0x80;
}

void tr_matrix_random(enum tr_dtype dtype, uint64_t seed, size_t n, size_t k, void *ret_packed) {
    const struct layout *layout = layout_of(dtype);
    size_t per_row = k / layout->elements, panel_bytes = tr_matrix_bytes(dtype, ROWS, k);
    bool plain = layout->fields[0].bytes == 64;
    size_t head = 0;
    for (size_t f = 0; f < FIELDS; f++)
        head += layout->fields[f].word < 4 ? layout->fields[f].bytes : 0;
    for (size_t panel = 0; panel < n / ROWS; panel++) {
        uint8_t *at = (uint8_t *)ret_packed + panel * panel_bytes;
        size_t word = layout->fields[0].word, tamed = plain ? panel_bytes : head * per_row * ROWS;
        for (size_t i = 0; i < panel_bytes; i += 4) {
            /* The mantissa's bits alone are random in a word of tr_data_word(). */
            uint64_t random = tr_data_word(seed, (panel * panel_bytes + i) / 4) >> 8;
            memcpy(at + i, &random, 4);
        }
        for (size_t i = 0; i < tamed; i += word)
            tame(dtype, word, at + i, tr_data_word(seed + 1, panel * tamed + i));
        if (dtype == TR_DTYPE_IQ4_XS) /* the other half of the leading fields are bits of scales */
            for (size_t b = 0; b < per_row; b++)
                for (size_t i = 0; i < 32; i++)
                    at[b * 64 + 32 + i] = (uint8_t)tr_data_word(seed + 2, b * 32 + i);
    }
}

size_t tr_activation_bytes(enum tr_activation kind, size_t k) {
    switch (kind) {
    case TR_ACTIVATION_Q8:
        return k + 3 * (k / 8);
    case TR_ACTIVATION_Q8_K:
        return k + k / 64 + k / 4 + k / 8 + k / 16;
    case TR_ACTIVATION_BF16:
        return k * 6;
    default:
        return k * 4;
    }
}

/* Bytes of `size` numbers, and their scale: the largest becomes 127. */
static float quantise(const float *x, size_t size, int8_t *q) {
    float most = 0;
    for (size_t i = 0; i < size; i++)
        most = fmaxf(most, fabsf(x[i]));
    float scale = most / 127, inverse = most > 0 ? 127 / most : 0;
    for (size_t i = 0; i < size; i++)
        q[i] = (int8_t)lrintf(x[i] * inverse);
    return scale;
}

static int32_t sum_of(const int8_t *q, size_t n) {
    int32_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += q[i];
    return sum;
}

static void make_q8(const float *x, size_t k, void *ret_vector) {
    int8_t *q = ret_vector;
    uint8_t *after = (uint8_t *)ret_vector + k;
    for (size_t b = 0; b < k / 32; b++) {
        float scale = quantise(x + b * 32, 32, q + b * 32);
        int32_t sum = sum_of(q + b * 32, 32), start8 = -8 * sum, start128 = -128 * sum;
        memcpy(after + b * 4, &scale, 4);
        memcpy(after + k / 8 + b * 4, &start8, 4);
        memcpy(after + k / 4 + b * 4, &start128, 4);
    }
}

static void make_q8_k(const float *x, size_t k, void *ret_vector) {
    static const int order[8] = {0, 2, 1, 3, 4, 6, 5, 7};
    int8_t *q = ret_vector;
    uint8_t *scales = (uint8_t *)ret_vector + k, *start32 = scales + k / 64;
    uint8_t *start128 = start32 + k / 4, *sums = start128 + k / 8;
    for (size_t b = 0; b < k / 256; b++) {
        float scale = quantise(x + b * 256, 256, q + b * 256);
        memcpy(scales + b * 4, &scale, 4);
        for (size_t i = 0; i < 16; i++) {
            int32_t start = -32 * sum_of(q + b * 256 + i * 16, 16);
            memcpy(start32 + (b * 16 + i) * 4, &start, 4);
        }
        for (size_t i = 0; i < 8; i++) {
            int32_t start = -128 * sum_of(q + b * 256 + i * 32, 32);
            int16_t sum = (int16_t)sum_of(q + b * 256 + (size_t)order[i] * 32, 32);
            memcpy(start128 + (b * 8 + i) * 4, &start, 4);
            memcpy(sums + (b * 8 + i) * 2, &sum, 2);
        }
    }
}

void tr_activation_make(enum tr_activation kind, const float *x, size_t k, void *ret_vector) {
    switch (kind) {
    case TR_ACTIVATION_Q8:
        make_q8(x, k, ret_vector);
        break;
    case TR_ACTIVATION_Q8_K:
        make_q8_k(x, k, ret_vector);
        break;
    case TR_ACTIVATION_BF16:
        for (size_t i = 0; i < k; i++) {
            uint16_t bits = tr_bf16_bits(x[i]);
            uint32_t wide = (uint32_t)bits << 16;
            memcpy((uint8_t *)ret_vector + 2 * i, &bits, 2);
            memcpy((uint8_t *)ret_vector + 2 * k + 4 * i, &wide, 4);
        }
        break;
    default:
        memcpy(ret_vector, x, k * 4);
    }
}

double tr_f16_value(uint16_t bits) {
    int exponent = bits >> 10 & 31;
    double fraction = bits & 0x3ff, sign = bits >> 15 ? -1 : 1;
    if (exponent == 31)
        return bits & 0x3ff ? (double)NAN : sign * (double)INFINITY;
    if (!exponent)
        return sign * ldexp(fraction, -24);
    return sign * ldexp(1024 + fraction, exponent - 25);
}

uint16_t tr_f16_bits(float value) {
    uint16_t sign = signbit(value) ? 0x8000 : 0;
    double size = fabs((double)value);
    int exponent;
    if (isnan(value))
        return 0x7e00;
    if (size < 0x1p-14) /* subnormal: units of 2^-24; 1024 of them are the smallest normal number */
        return (uint16_t)(sign | (uint16_t)lrint(size * 0x1p24));
    if (size >= 65520)
        return sign | 0x7c00;
    (void)frexp(size, &exponent);
    /* 10 bits after the leading one; rounding up to the next power carries into the exponent. */
    long mantissa = lrint(ldexp(size, 11 - exponent));
    return (uint16_t)(sign | (uint16_t)(((exponent + 14) << 10) + (mantissa - 1024)));
}

uint16_t tr_bf16_bits(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    if (isnan(value))
        return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}
