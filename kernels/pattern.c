/* Writing and verifying patterns, compiled once per instruction set. */
#include "isa.h"

#include <stdint.h>

#include "pattern.h"

#define TR_INLINE static inline __attribute__((always_inline))

/* A block is looked at as a whole: one branch for eight vectors. */
enum { UNROLL = 8, BLOCK = UNROLL * VD, LINE_VECTORS = TR_PATTERN_LINE_WORDS / VD };

struct walk {
    vu line[LINE_VECTORS];
    vu at, step, flip;
};

/* As tr_pattern_hash, of a vector. */
TR_INLINE vu hash(vu x) {
    vu h = vu_mul32(x, vu_set1(0xd168aaadu));
    h = vu_mul32(vu_xor(h, vu_high32(h)), vu_set1(0xe6546b65u));
    return vu_xor(vu_mul32(vu_xor(h, vu_high35(h)), vu_set1(0x85ebca6bu)), vu_swap32(h));
}

TR_INLINE struct walk walk_from(const struct tr_kargs *args, const enum tr_pattern_kind kind) {
    const struct tr_pattern *pattern = args->pattern;
    struct walk walk = {.flip = vu_set1(pattern->flip)};
    uint64_t line[TR_PATTERN_LINE_WORDS];
    for (size_t i = 0; i < TR_PATTERN_LINE_WORDS; i++)
        line[i] = tr_pattern_word(TR_PATTERN_LINE, pattern, args->first + i);
    for (int i = 0; i < LINE_VECTORS; i++)
        walk.line[i] = vu_load(line + (size_t)i * VD);
    if (kind == TR_PATTERN_ADDRESS) {
        vu iota8 = vu_iota();
        for (int i = 0; i < 3; i++)
            iota8 = vu_add(iota8, iota8);
        walk.at = vu_add(vu_set1(pattern->seed + 8 * args->first), iota8);
        walk.step = vu_set1(8 * VD);
    } else {
        walk.at = vu_add(vu_set1(pattern->seed + args->first), vu_iota());
        walk.step = vu_set1(VD);
    }
    return walk;
}

/* Vector `u` of a block; the walk goes on to the next one. */
TR_INLINE vu next(struct walk *walk, const enum tr_pattern_kind kind, const int u) {
    if (kind == TR_PATTERN_LINE)
        return walk->line[u % LINE_VECTORS];
    vu x = walk->at;
    walk->at = vu_add(walk->at, walk->step);
    return vu_xor(kind == TR_PATTERN_RANDOM ? hash(x) : x, walk->flip);
}

/* 8 bytes written an element. */
TR_INLINE void put(struct tr_kargs *args, const enum tr_pattern_kind kind) {
    struct walk walk = walk_from(args, kind);
    uint64_t *a = args->a;
    const size_t bulk = args->n - args->n % BLOCK;
    for (size_t i = 0; i < bulk; i += BLOCK) {
#pragma GCC unroll 8
        for (int u = 0; u < UNROLL; u++)
            vu_store(a + i + (size_t)u * VD, next(&walk, kind, u));
    }
    for (size_t i = bulk; i < args->n; i++)
        a[i] = tr_pattern_word(kind, args->pattern, args->first + i);
}

/* 8 bytes read an element. Differences are kept as they were seen, since a second look may see
 * something else. */
TR_INLINE void verify(struct tr_kargs *args, const enum tr_pattern_kind kind) {
    struct walk walk = walk_from(args, kind);
    const uint64_t *b = args->b;
    const size_t bulk = args->n - args->n % BLOCK;
    args->block = 0;
    args->done = args->n;
    for (size_t i = 0; i < bulk; i += BLOCK) {
        vu differences[UNROLL], any = vu_zero();
#pragma GCC unroll 8
        for (int u = 0; u < UNROLL; u++) {
            differences[u] = vu_xor(vu_load(b + i + (size_t)u * VD), next(&walk, kind, u));
            any = vu_or(any, differences[u]);
        }
        if (__builtin_expect(vu_any(any), 0)) {
#pragma GCC unroll 8
            for (int u = 0; u < UNROLL; u++)
                vu_store(args->differences + (size_t)u * VD, differences[u]);
            args->done = i;
            args->block = BLOCK;
            return;
        }
    }
    for (size_t i = bulk; i < args->n; i++) {
        uint64_t difference = b[i] ^ tr_pattern_word(kind, args->pattern, args->first + i);
        if (difference) {
            args->differences[0] = difference;
            args->done = i;
            args->block = 1;
            return;
        }
    }
}

#define DEFINE_PATTERN(name, kind)                        \
    void TR_NAME(put_##name)(struct tr_kargs * args) {    \
        put(args, TR_PATTERN_##kind);                     \
    }                                                     \
    void TR_NAME(verify_##name)(struct tr_kargs * args) { \
        verify(args, TR_PATTERN_##kind);                  \
    }
DEFINE_PATTERN(line, LINE)
DEFINE_PATTERN(address, ADDRESS)
DEFINE_PATTERN(random, RANDOM)
