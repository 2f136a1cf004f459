/* References of patterns: word by word; differences by the block of the kernel's vectors. */
#include <emmintrin.h>

#include "pattern.h"
#include "ref.h"

static void put(enum tr_pattern_kind kind, struct tr_kargs *args) {
    uint64_t *a = args->a;
    for (size_t i = 0; i < args->n; i++)
        a[i] = tr_pattern_word(kind, args->pattern, args->first + i);
}

static void verify(const struct tr_kernel *kernel, enum tr_pattern_kind kind,
                   struct tr_kargs *args) {
    const uint64_t *b = args->b;
    const size_t vectors = 8, whole = vectors * (size_t)kernel->vector_bytes / 8;
    const size_t bulk = args->n - args->n % whole;
    args->done = args->n;
    args->block = 0;
    for (size_t i = 0; i < args->n && !args->block; i += i < bulk ? whole : 1) {
        size_t n = i < bulk ? whole : 1;
        uint64_t any = 0;
        for (size_t k = 0; k < n; k++)
            any |= b[i + k] ^ tr_pattern_word(kind, args->pattern, args->first + i + k);
        if (!any)
            continue;
        for (size_t k = 0; k < n; k++)
            args->differences[k] =
                b[i + k] ^ tr_pattern_word(kind, args->pattern, args->first + i + k);
        args->done = i;
        args->block = n;
    }
}

#define REFERENCES(name, kind)                                                         \
    void tr_ref_put_##name(const struct tr_kernel *kernel, struct tr_kargs *args) {    \
        (void)kernel;                                                                  \
        put(TR_PATTERN_##kind, args);                                                  \
    }                                                                                  \
    void tr_ref_verify_##name(const struct tr_kernel *kernel, struct tr_kargs *args) { \
        verify(kernel, TR_PATTERN_##kind, args);                                       \
    }
REFERENCES(line, LINE)
REFERENCES(address, ADDRESS)
REFERENCES(random, RANDOM)

void tr_pattern_flush(const void *address) {
    _mm_mfence();
    _mm_clflush(address);
    _mm_mfence();
}
