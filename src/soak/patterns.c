#include "patterns.h"

#include <string.h>

static const uint64_t ones = ~(uint64_t)0;

/* Words of one line. A channel of DDR4 moves a word at once, one of DDR5 a half of one: in
 * "alternating words" and "alternating halves" every data line changes with every transfer. */
enum shape { SOLID, WORDS, HALVES, CHECKER, WALKING };

static const struct entry {
    const char *name;
    enum tr_pattern_kind kind;
    enum shape shape;
    bool flipped, striped, stays;
} entries[] = {
    {"random", TR_PATTERN_RANDOM, SOLID, false, false, false},
    {"random, inverted", TR_PATTERN_RANDOM, SOLID, true, false, false},
    {"own address", TR_PATTERN_ADDRESS, SOLID, false, false, false},
    {"alternating words", TR_PATTERN_LINE, WORDS, false, false, false},
    {"alternating words, inverted", TR_PATTERN_LINE, WORDS, true, false, false},
    {"walking one", TR_PATTERN_LINE, WALKING, false, false, false},
    {"walking zero", TR_PATTERN_LINE, WALKING, true, false, false},
    {"row stripes", TR_PATTERN_LINE, SOLID, false, true, false},
    {"row stripes", TR_PATTERN_LINE, SOLID, false, true, true},
    {"row stripes, inverted", TR_PATTERN_LINE, SOLID, true, true, false},
    {"random", TR_PATTERN_RANDOM, SOLID, false, false, false},
    {"random", TR_PATTERN_RANDOM, SOLID, false, false, true},
    {"alternating halves", TR_PATTERN_LINE, HALVES, false, false, false},
    {"alternating halves, inverted", TR_PATTERN_LINE, HALVES, true, false, false},
    {"own address, inverted", TR_PATTERN_ADDRESS, SOLID, true, false, false},
    {"checkerboard", TR_PATTERN_LINE, CHECKER, false, false, false},
    {"checkerboard, inverted", TR_PATTERN_LINE, CHECKER, true, false, false},
    {"zeros", TR_PATTERN_LINE, SOLID, false, false, false},
    {"ones", TR_PATTERN_LINE, SOLID, true, false, false},
};
enum { N_ENTRIES = sizeof(entries) / sizeof(entries[0]) };

static uint64_t word_of(enum shape shape, uint64_t round, uint64_t i) {
    switch (shape) {
    case SOLID:
        return 0;
    case WORDS:
        return i % 2 ? ones : 0;
    case HALVES:
        return 0xffffffff00000000u;
    case CHECKER:
        return i % 2 ? 0xaaaaaaaaaaaaaaaau : 0x5555555555555555u;
    case WALKING: /* one bit a word, each line of the bus within eight rounds */
        return (uint64_t)1 << (8 * i + round) % 64;
    }
    return 0;
}

void tr_soak_pattern(uint64_t number, struct tr_soak_pattern *ret_pattern) {
    const struct entry *entry = &entries[number % N_ENTRIES];
    uint64_t round = number / N_ENTRIES, first = number;
    struct tr_soak_pattern pattern = {.name = entry->name,
                                      .kind = entry->kind,
                                      .flip = entry->flipped ? ones : 0,
                                      .stays = entry->stays};
    for (uint64_t i = 0; i < TR_PATTERN_LINE_WORDS; i++)
        pattern.line[i] = word_of(entry->shape, round, i);
    /* What stays, or is the complement of the one before, has its seed. */
    while (entry->kind == TR_PATTERN_RANDOM &&
           (entries[first % N_ENTRIES].flipped || entries[first % N_ENTRIES].stays))
        first--;
    pattern.seed = tr_data_word(20, first) << 8;
    /* Rows of a bank are neighbours at a distance that depends on the machine: all are tried. */
    if (entry->striped)
        pattern.stripe_bytes = (size_t)4096 << round % 10;
    *ret_pattern = pattern;
}

void tr_soak_pattern_at(const struct tr_soak_pattern *pattern, size_t offset, uint64_t address,
                        struct tr_pattern *ret_pattern, size_t *ret_bytes) {
    size_t piece = offset / TR_SOAK_PIECE_BYTES;
    size_t run = pattern->stripe_bytes && pattern->stripe_bytes < TR_SOAK_PIECE_BYTES
                     ? pattern->stripe_bytes
                     : TR_SOAK_PIECE_BYTES;
    bool odd = pattern->stripe_bytes && offset / pattern->stripe_bytes % 2;
    struct tr_pattern words = {.flip = pattern->flip ^ (odd ? ones : 0)};
    memcpy(words.line, pattern->line, sizeof(words.line));
    words.seed = address;
    if (pattern->kind == TR_PATTERN_RANDOM)
        words.seed =
            tr_data_word(pattern->seed ^ (address >> 21), piece) + offset % TR_SOAK_PIECE_BYTES / 8;
    *ret_pattern = words;
    *ret_bytes = run - offset % run;
}
