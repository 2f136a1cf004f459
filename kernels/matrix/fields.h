/* Parts of blocks that several loops take apart, in the registers of a lanes_*.h, which comes
 * first. */
#ifndef TR_FIELDS_H
#define TR_FIELDS_H

/* Twice the values of the 4-bit float E2M1, and the levels of IQ4. */
#define TR_LEVELS_E2M1(f)                                                                     \
    f(0), f(1), f(2), f(3), f(4), f(6), f(8), f(12), f(0), f(-1), f(-2), f(-3), f(-4), f(-6), \
        f(-8), f(-12)
#define TR_LEVELS_IQ4(f)                                                                         \
    f(-127), f(-104), f(-83), f(-65), f(-49), f(-35), f(-22), f(-10), f(1), f(13), f(25), f(38), \
        f(53), f(69), f(89), f(113)

/* The 12 bytes of 6-bit scales and minima of Q4_K and Q5_K: three words a row, in which the four
 * bytes unpack together. */
struct scales_6bit {
    vi scale[2], min[2];
};
static inline __attribute__((always_inline)) struct scales_6bit unpack_scales(const uint8_t *body) {
    const vi low6 = vi_set1_8(63), low4 = vi_set1_8(15), bits45 = vi_set1_8(0x30);
    vi a = vi_load(body), b = vi_load(body + 64), c = vi_load(body + 128);
    struct scales_6bit s;
    s.scale[0] = vi_and(a, low6);
    s.min[0] = vi_and(b, low6);
    s.scale[1] = vi_and_or(c, low4, vi_and(vi_shr16(a, 2), bits45));
    s.min[1] = vi_and_or(vi_shr16(c, 4), low4, vi_and(vi_shr16(b, 2), bits45));
    return s;
}

/* Q5_K: bit `from` of each byte, moved to bit 4. */
static inline __attribute__((always_inline)) vi bit_to_16(vi bits, int from) {
    vi moved = from < 4 ? vi_shl16(bits, 4 - from) : vi_shr16(bits, from - 4);
    return vi_and(moved, vi_set1_8(16));
}

/* Q6_K: word i (0 to 3) of the quants of part 0 to 3 (which 64 quants, which half of a run of 32):
 * the low bits of run c and of run c + 2, and the high bits that all four share. They lie in the
 * order of use: the low ones of c = 0 and the high ones in turn, then the low ones of c = 1. */
static inline __attribute__((always_inline)) vi q6_low(const uint8_t *body, int part, int c,
                                                       int i) {
    return vi_load(body + 256 + part * 768 + (c ? 512 + i * 64 : i * 128));
}
static inline __attribute__((always_inline)) vi q6_high(const uint8_t *body, int part, int i) {
    return vi_load(body + 256 + part * 768 + i * 128 + 64);
}

#endif
