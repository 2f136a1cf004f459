/* What ordinary programs get: memcpy and memset, and the processor's own string instructions.
 * Compiled for every x86-64; which vectors memcpy uses is the C library's choice. */
#include <stdint.h>
#include <string.h>

#include "kernel.h"

#define TR_KERNEL_ON(isa, needs, id, ...) tr_kernel_fn tr_k_##id##_##isa;
#include "libc.def"
#undef TR_KERNEL_ON

void tr_k_copy_libc_scalar(struct tr_kargs *args) {
    for (size_t pass = 0; pass < tr_passes_of(args); pass++) {
        memcpy(args->a, args->b, args->n * 8);
        TR_NEXT_PASS();
    }
}

void tr_k_copy_rep_scalar(struct tr_kargs *args) {
    for (size_t pass = 0; pass < tr_passes_of(args); pass++) {
        void *to = args->a;
        const void *from = args->b;
        size_t bytes = args->n * 8;
        __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes) : : "memory");
    }
}

void tr_k_fill_libc_scalar(struct tr_kargs *args) {
    for (size_t pass = 0; pass < tr_passes_of(args); pass++) {
        memset(args->a, tr_fill_byte(args->scalar), args->n * 8);
        TR_NEXT_PASS();
    }
}

void tr_k_fill_rep_scalar(struct tr_kargs *args) {
    for (size_t pass = 0; pass < tr_passes_of(args); pass++) {
        void *to = args->a;
        size_t bytes = args->n * 8;
        __asm__ volatile("rep stosb"
                         : "+D"(to), "+c"(bytes)
                         : "a"(tr_fill_byte(args->scalar))
                         : "memory");
    }
}
