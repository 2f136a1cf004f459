/* What memory holds from walk to walk: the order of the patterns. */
#ifndef TR_SOAK_PATTERNS_H
#define TR_SOAK_PATTERNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pattern.h"

/* The pattern that stands in memory before walk `number`, which verifies it and writes the next. */
struct tr_soak_pattern {
    const char *name;
    enum tr_pattern_kind kind;
    uint64_t line[TR_PATTERN_LINE_WORDS];
    uint64_t seed; /* RANDOM */
    uint64_t flip;
    size_t stripe_bytes; /* stripes of it alternate with its complement; 0 = none */
    bool stays;          /* it was there before the last walk, too: that one only read */
};
void tr_soak_pattern(uint64_t number, struct tr_soak_pattern *ret_pattern);

/* How it is written from byte `offset` of a slice on: the kernel's pattern for word 0 there, good
 * for *ret_bytes bytes at most. `address`: of that byte. */
void tr_soak_pattern_at(const struct tr_soak_pattern *pattern, size_t offset, uint64_t address,
                        struct tr_pattern *ret_pattern, size_t *ret_bytes);

/* Memory is walked in pieces that stay in a second-level cache between being verified and being
 * written. A piece of random data has a seed of its own: none looks like another. */
enum { TR_SOAK_PIECE_BYTES = 128 << 10 };

#endif
