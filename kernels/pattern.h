/* What tested memory holds: each word follows from its index, so that all of them can be verified
 * without being kept anywhere else. Shared by the kernels, their references and their callers. */
#ifndef TR_KERNELS_PATTERN_H
#define TR_KERNELS_PATTERN_H

#include "kernel.h"

enum tr_pattern_kind {
    TR_PATTERN_LINE,    /* the eight words of a cache line, over and over */
    TR_PATTERN_ADDRESS, /* each word its own address, if `seed` is that of word 0 */
    TR_PATTERN_RANDOM,  /* a hash of seed and index */
};
enum { TR_PATTERN_LINE_WORDS = 8 };

struct tr_pattern {
    uint64_t line[TR_PATTERN_LINE_WORDS];
    uint64_t seed;
    uint64_t flip; /* bits that are inverted in every word */
};

/* Three products of 32 bits, all of which vectors can do on every level. The halves of the last two
 * are crossed: the high half of a product alone is not evenly distributed. The factors were chosen
 * among some hundred so that bits are set, and change from word to word, as evenly as chance
 * (check_pattern.c). Sequences repeat after
 * 2^32 words, so that larger memory takes several seeds. */
static inline uint64_t tr_pattern_hash(uint64_t x) {
    uint64_t h = (x & 0xffffffffu) * 0xd168aaadu;
    h ^= h >> 32;
    h = (h & 0xffffffffu) * 0xe6546b65u;
    uint64_t crossed = h << 32 | h >> 32;
    h ^= h >> 29; /* not by 32: lowest bits would cancel out */
    return ((h & 0xffffffffu) * 0x85ebca6bu) ^ crossed;
}

static inline uint64_t tr_pattern_word(enum tr_pattern_kind kind, const struct tr_pattern *pattern,
                                       uint64_t index) {
    uint64_t word = pattern->line[index % TR_PATTERN_LINE_WORDS];
    if (kind == TR_PATTERN_ADDRESS)
        word = pattern->seed + 8 * index;
    if (kind == TR_PATTERN_RANDOM)
        word = tr_pattern_hash(pattern->seed + index);
    return word ^ pattern->flip;
}

/* Takes the line of this address out of all caches, so that the next access goes to memory. */
void tr_pattern_flush(const void *address);

#endif
