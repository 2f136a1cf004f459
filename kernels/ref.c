#include "ref.h"

#include <math.h>
#include <string.h>

double tr_ref_muladd(const struct tr_kernel *kernel, double s, double c, double b) {
    return kernel->fused ? fma(s, c, b) : s * c + b;
}

static const double *part(const void *base, size_t stream, const struct tr_kargs *args) {
    return (const double *)(const void *)((const char *)base + stream * args->stride_bytes);
}

static double *part_written(const struct tr_kargs *args, size_t stream) {
    return (double *)(void *)((char *)args->a + stream * args->stride_bytes);
}

void tr_ref_read(const struct tr_kernel *kernel, struct tr_kargs *args) {
    uint64_t sum = 0;
    for (size_t s = 0; s < (size_t)kernel->streams; s++)
        for (size_t i = 0; i < args->n; i++) {
            uint64_t word;
            memcpy(&word, part(args->b, s, args) + i, sizeof(word));
            sum += word;
        }
    args->sum = sum;
}

void tr_ref_write(const struct tr_kernel *kernel, struct tr_kargs *args) {
    for (size_t s = 0; s < (size_t)kernel->streams; s++)
        for (size_t i = 0; i < args->n; i++)
            part_written(args, s)[i] = args->scalar;
}

void tr_ref_copy(const struct tr_kernel *kernel, struct tr_kargs *args) {
    for (size_t s = 0; s < (size_t)kernel->streams; s++)
        for (size_t i = 0; i < args->n; i++)
            part_written(args, s)[i] = part(args->b, s, args)[i];
}

void tr_ref_scale(const struct tr_kernel *kernel, struct tr_kargs *args) {
    for (size_t s = 0; s < (size_t)kernel->streams; s++)
        for (size_t i = 0; i < args->n; i++)
            part_written(args, s)[i] = args->scalar * part(args->b, s, args)[i];
}

void tr_ref_add(const struct tr_kernel *kernel, struct tr_kargs *args) {
    for (size_t s = 0; s < (size_t)kernel->streams; s++)
        for (size_t i = 0; i < args->n; i++)
            part_written(args, s)[i] = part(args->b, s, args)[i] + part(args->c, s, args)[i];
}

void tr_ref_triad(const struct tr_kernel *kernel, struct tr_kargs *args) {
    for (size_t s = 0; s < (size_t)kernel->streams; s++)
        for (size_t i = 0; i < args->n; i++)
            part_written(args, s)[i] = tr_ref_muladd(
                kernel, args->scalar, part(args->c, s, args)[i], part(args->b, s, args)[i]);
}

void tr_ref_clock_add(const struct tr_kernel *kernel, struct tr_kargs *args) {
    (void)kernel;
    args->sum = 1 + 3 * (uint64_t)(args->n / 64 * 64);
}

void tr_ref_clock_imul(const struct tr_kernel *kernel, struct tr_kargs *args) {
    (void)kernel;
    uint64_t value = 1;
    for (size_t i = 0; i < args->n / 64 * 64; i++)
        value *= 3;
    args->sum = value;
}

void tr_ref_latency(const struct tr_kernel *kernel, struct tr_kargs *args) {
    void **positions = args->a;
    args->sum = 0;
    for (size_t chain = 0; chain < (size_t)kernel->streams; chain++) {
        for (size_t i = 0; i < args->n; i++)
            memcpy(&positions[chain], positions[chain], sizeof(positions[chain]));
        args->sum += (uintptr_t)positions[chain];
    }
}
