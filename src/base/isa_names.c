/* Names of instruction sets, in the order in which each holds more than the one before. */
#include <string.h>

#include "tokenroof/isa.h"

static const char *const names[TR_ISA_COUNT] = {
    [TR_ISA_SCALAR] = "scalar", [TR_ISA_SSE2] = "sse2", [TR_ISA_AVX2] = "avx2",
    [TR_ISA_AVX512] = "avx512", [TR_ISA_AMX] = "amx",
};

const char *tr_isa_name(enum tr_isa isa) {
    return (int)isa >= 0 && isa < TR_ISA_COUNT ? names[isa] : NULL;
}

int tr_isa_from_name(const char *name) {
    for (int i = 0; name && i < TR_ISA_COUNT; i++)
        if (!strcmp(name, names[i]))
            return i;
    return -1;
}
