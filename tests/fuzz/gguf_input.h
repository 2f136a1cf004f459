/* One input for the GGUF reader, and mutations of good files; shared by the fuzz target and the
 * unit test. */
#ifndef TR_FUZZ_GGUF_INPUT_H
#define TR_FUZZ_GGUF_INPUT_H

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gguf.h"
#include "gguf_maker.h"
#include "hyper.h"

/* Reads the bytes as a file and sizes the model. Any error is fine; a success must hold together.
 * False if it does not. */
static inline bool fuzz_gguf_input(const uint8_t *bytes, size_t n) {
    struct tr_gguf gguf = {0};
    struct tr_model *model = NULL;
    struct tr_err err = {0};
    bool ok = true;
    int code = tr_gguf_read_bytes(bytes, n, "input", &gguf, &err);
    if (!code)
        code = tr_model_from_gguf(&gguf, "input", &model, &err);
    if (!code) {
        ok = model->file_bytes == n && model->weight_bytes_per_token > 0 &&
             model->weight_bytes_per_token <= 2.0 * (double)n &&
             tr_model_kv_bytes(model, 1e6) >= 0 && tr_model_kv_bytes_per_position(model) >= 0 &&
             isfinite(tr_model_attention_flop(model, 1e6)) && model->n_layers <= TR_MAX_BLOCKS;
    } else {
        /* A bad file has a message with the place; nothing else can go wrong here. */
        ok = code == TR_EFORMAT && strstr(err.text, "input: byte ") == err.text;
    }
    tr_model_destroy(model);
    tr_gguf_finish(&gguf);
    return ok;
}

/* xorshift64* by Vigna: the same sequence on every machine. */
static inline uint64_t fuzz_random(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

/* Changes a few places; the numbers are those at which parsers break. */
static inline void fuzz_mutate(uint8_t *bytes, size_t n, uint64_t *state) {
    static const uint64_t edges[] = {
        0, 1, 9, 31, 0x7f, 0xff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, INT64_MAX, UINT64_MAX};
    int changes = 1 + (int)(fuzz_random(state) % 4);
    for (int i = 0; i < changes; i++) {
        size_t at = (size_t)(fuzz_random(state) % n);
        uint64_t edge = edges[fuzz_random(state) % (sizeof(edges) / sizeof(edges[0]))];
        size_t width = (size_t)1 << (fuzz_random(state) % 4);
        switch (fuzz_random(state) % 3) {
        case 0:
            bytes[at] ^= (uint8_t)(1U << (fuzz_random(state) % 8));
            break;
        case 1:
            for (size_t j = 0; j < width && at + j < n; j++)
                bytes[at + j] = (uint8_t)(edge >> (8 * j));
            break;
        default:
            for (size_t j = 0; j < width && at + j < n; j++)
                bytes[at + j] = bytes[(size_t)(fuzz_random(state) % n)];
            break;
        }
    }
}

/* Length of the header: what mutations should hit. */
static inline size_t fuzz_header_length(const uint8_t *bytes, size_t n) {
    while (n && !bytes[n - 1])
        n--;
    return n;
}

/* `runs` mutated files; the number of inputs that did not hold. */
static inline size_t fuzz_gguf_run(size_t runs, uint64_t seed) {
    size_t failures = 0, kinds = 0, n = 0;
    uint64_t state = seed;
    uint8_t *bytes;
    while ((bytes = gm_seed(kinds, &n))) {
        free(bytes);
        kinds++;
    }
    for (size_t kind = 0; kind < kinds; kind++) {
        bytes = gm_seed(kind, &n);
        uint8_t *copy = malloc(n);
        if (!bytes || !copy)
            abort();
        size_t header = fuzz_header_length(bytes, n);
        memcpy(copy, bytes, n);
        for (size_t i = 0; i < runs / kinds; i++) {
            memcpy(copy, bytes, header);
            fuzz_mutate(copy, header, &state);
            failures += !fuzz_gguf_input(copy, n);
        }
        free(copy);
        free(bytes);
    }
    return failures;
}

#endif
